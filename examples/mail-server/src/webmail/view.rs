//! The pages: what the templates show, and how dates, sizes and addresses of pages are written.

use askama::Template;
use jiff::civil::DateTime as Civil;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::language::{Language, Texts, fill};
use super::response::Failure;
use super::session::print_id;
use super::visitor::{Member, Visitor, Web};
use crate::store::mailboxes::{ListedMailbox, SpecialUse};
use crate::time::Time;

/// What every page has around its content.
#[derive(Debug)]
pub(super) struct Frame {
    /// What is said.
    pub(super) t: &'static Texts,
    /// In which language.
    pub(super) language: Language,
    /// The title of the page.
    pub(super) title: String,
    /// The token of its forms.
    pub(super) token: String,
    /// Where choosing another language leads.
    pub(super) here: String,
    /// Who is logged in.
    pub(super) account: Option<String>,
    /// Their folders.
    pub(super) folders: Vec<FolderLink>,
    /// Good news, from the page before.
    pub(super) notice: Option<&'static str>,
    /// The languages there are.
    pub(super) languages: [Language; 2],
}

/// A folder in the list beside every page.
#[derive(Clone, Debug)]
pub(super) struct FolderLink {
    /// Its whole name.
    pub(super) name: String,
    /// How it is shown.
    pub(super) label: String,
    /// Its page.
    pub(super) href: String,
    /// Unread messages.
    pub(super) unread: u32,
    /// It is the one that is shown.
    pub(super) is_current: bool,
    /// Messages can be in it.
    pub(super) exists: bool,
    /// How many levels are above it.
    pub(super) depth: usize,
    /// What it is for.
    pub(super) special_use: Option<SpecialUse>,
}

impl FolderLink {
    /// The levels above it, as far as they are shown.
    pub(super) fn indent(&self) -> usize {
        self.depth.min(4)
    }

    /// What unread messages are called.
    pub(super) fn unread_text(&self, t: &Texts) -> String {
        fill(t.unread_count, &[&self.unread.to_string()])
    }
}

/// How a folder is called.
pub(super) fn folder_label(name: &str, special_use: Option<SpecialUse>, t: &Texts) -> String {
    match special_use {
        _ if name == "INBOX" => t.inbox,
        // One that somebody named in their own way keeps that name.
        Some(special_use) if name == special_use.default_name() => match special_use {
            SpecialUse::Archive => t.archive,
            SpecialUse::Drafts => t.drafts,
            SpecialUse::Junk => t.junk,
            SpecialUse::Sent => t.sent,
            SpecialUse::Trash => t.trash,
        },
        _ => name.rsplit('/').next().unwrap_or(name),
    }
    .to_owned()
}

impl Frame {
    /// Without folders: for who is not logged in, and for faults.
    pub(super) fn plain(web: &Web, visitor: &Visitor, title: &str) -> Self {
        let token = visitor.form_id().map(|id| web.key().form_token(&id)).unwrap_or_default();
        Self {
            t: visitor.language.texts(),
            language: visitor.language,
            title: title.to_owned(),
            token,
            here: "/".to_owned(),
            account: visitor.session.as_ref().map(|(_, account)| account.address.clone()),
            folders: Vec::new(),
            notice: None,
            languages: Language::ALL,
        }
    }

    /// With the folders of who is logged in; `current` is the name of the one that is shown.
    pub(super) async fn of(
        web: &Web,
        member: &Member,
        title: &str,
        current: &str,
        done: &str,
    ) -> Result<Self, Failure> {
        let t = member.language.texts();
        let listed = web.context.store.list_mailboxes(&member.account).await?;
        let mut folders: Vec<FolderLink> =
            listed.into_iter().filter_map(|folder| folder_link(folder, current, t)).collect();
        // The ones that everybody knows come first, then all others in the order of the tree.
        folders.sort_by_key(|folder| match folder.special_use {
            _ if folder.name == "INBOX" => 0,
            Some(SpecialUse::Drafts) => 1,
            Some(SpecialUse::Sent) => 2,
            Some(SpecialUse::Archive) => 3,
            Some(SpecialUse::Junk) => 4,
            Some(SpecialUse::Trash) => 5,
            None => 6,
        });
        Ok(Self {
            t,
            language: member.language,
            title: title.to_owned(),
            token: web.key().form_token(&member.session),
            here: member.here.clone(),
            account: Some(member.account.address.clone()),
            folders,
            notice: notice(done, t),
            languages: Language::ALL,
        })
    }

    /// The folder that is shown.
    pub(super) fn current(&self) -> Option<&FolderLink> {
        self.folders.iter().find(|folder| folder.is_current)
    }

    /// The folders that messages can go to from here, the likeliest first.
    pub(super) fn targets(&self) -> Vec<&FolderLink> {
        let mut targets: Vec<_> =
            self.folders.iter().filter(|folder| folder.exists && !folder.is_current).collect();
        targets.sort_by_key(|folder| match folder.special_use {
            Some(SpecialUse::Archive) => 0,
            Some(SpecialUse::Drafts | SpecialUse::Sent) => 2,
            _ => 1,
        });
        targets
    }
}

fn folder_link(folder: ListedMailbox, current: &str, t: &Texts) -> Option<FolderLink> {
    let ListedMailbox { name, mailbox, special_use, has_children, .. } = folder;
    if mailbox.is_none() && !has_children {
        // A subscription to what is gone.
        return None;
    }
    Some(FolderLink {
        label: folder_label(&name, special_use, t),
        href: format!("/folder?{}", query(&[("name", &name)])),
        unread: mailbox.map_or(0, |(_, status)| status.unseen),
        is_current: name == current,
        exists: mailbox.is_some(),
        depth: name.matches('/').count(),
        special_use,
        name,
    })
}

/// What is said after a change; only words of ours, whatever stands in the address of the page.
fn notice(done: &str, t: &Texts) -> Option<&'static str> {
    Some(match done {
        "sent" => t.done_sent,
        "sent-no-copy" => t.done_sent_no_copy,
        "twice" => t.done_twice,
        "saved" => t.done_saved,
        "moved" => t.done_moved,
        "deleted" => t.done_deleted,
        "removed" => t.done_removed,
        "marked" => t.done_marked,
        "none" => t.nothing_chosen,
        _ => return None,
    })
}

/// A query, its values escaped (RFC 3986 section 2.1).
pub(super) fn query(pairs: &[(&str, &str)]) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        out.push_str(name);
        out.push('=');
        for octet in value.bytes() {
            if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
                out.push(char::from(octet));
            } else {
                // Writing to a String cannot fail.
                let _ = write!(out, "%{octet:02X}");
            }
        }
    }
    out
}

/// Whether it is a path of ours to go back to; never another host.
pub(super) fn is_own_path(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && path.len() <= 4096
        && path.bytes().all(|octet| octet.is_ascii_graphic() && octet != b'\\')
}

/// The beginning of a text: whole characters, and at most so many octets.
pub(super) fn cut(text: &str, limit: usize) -> &str {
    let end = (0..=limit.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    end.and_then(|end| text.get(..end)).unwrap_or_default()
}

/// Octets as people read them.
pub(super) fn size(octets: u64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    if octets < 1000 {
        return format!("{octets} B");
    }
    let mut unit = 0;
    let mut tenths = octets / 100;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1000;
        unit += 1;
    }
    let word = UNITS.get(unit).copied().unwrap_or_default();
    if tenths < 100 {
        format!("{}.{} {word}", tenths / 10, tenths % 10)
    } else {
        format!("{} {word}", tenths / 10)
    }
}

/// A moment, for a list and in full.
#[derive(Clone, Debug, Default)]
pub(super) struct Moment {
    /// Short: the time today, the day this year, else the date.
    pub(super) short: String,
    /// With everything.
    pub(super) full: String,
    /// For machines.
    pub(super) machine: String,
}

impl Moment {
    /// A moment as seen at `now` in the zone of this server.
    pub(super) fn new(seconds: i64, now: Time, language: Language) -> Self {
        Self::within(seconds, now, language, &TimeZone::system())
    }

    fn within(seconds: i64, now: Time, language: Language, zone: &TimeZone) -> Self {
        let Ok(timestamp) = Timestamp::from_second(seconds) else { return Self::default() };
        let then = timestamp.to_zoned(zone.clone());
        let now = Timestamp::from_second(now.seconds()).unwrap_or_default().to_zoned(zone.clone());
        let day = |format: &str| then.strftime(format).to_string();
        let short = if then.date() == now.date() {
            day("%H:%M")
        } else if then.year() == now.year() {
            match language {
                Language::English => day("%-d %b"),
                Language::Korean => day("%-m월 %-d일"),
            }
        } else {
            match language {
                Language::English => day("%-d %b %Y"),
                Language::Korean => day("%Y. %-m. %-d."),
            }
        };
        Self { short, full: full(&then, language), machine: timestamp.to_string() }
    }
}

fn full(then: &Zoned, language: Language) -> String {
    let zone = then.strftime("%:z");
    match language {
        Language::English => format!("{} ({zone})", then.strftime("%A, %-d %B %Y, %H:%M")),
        Language::Korean => {
            let (date, time) = (then.strftime("%Y년 %-m월 %-d일"), then.strftime("%H:%M"));
            format!("{date} {} {time} ({zone})", korean_day(then.datetime()))
        }
    }
}

fn korean_day(date: Civil) -> &'static str {
    const DAYS: [&str; 7] = ["월요일", "화요일", "수요일", "목요일", "금요일", "토요일", "일요일"];
    let index = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or_default();
    DAYS.get(index).copied().unwrap_or_default()
}

/// The log-in page.
#[derive(Debug, Template)]
#[template(path = "login.html")]
pub(super) struct LoginPage {
    pub(super) frame: Frame,
    pub(super) name: String,
    pub(super) error: Option<&'static str>,
}

/// A fault.
#[derive(Debug, Template)]
#[template(path = "error.html")]
pub(super) struct ErrorPage {
    pub(super) frame: Frame,
    pub(super) text: &'static str,
}

/// A session ended while somebody wrote.
#[derive(Debug, Template)]
#[template(path = "ended.html")]
pub(super) struct EndedPage {
    pub(super) frame: Frame,
    pub(super) text: String,
}

/// A message in a list.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) uid: u32,
    pub(super) href: String,
    pub(super) who: String,
    pub(super) subject: String,
    pub(super) when: Moment,
    pub(super) is_unread: bool,
    pub(super) is_flagged: bool,
    pub(super) is_answered: bool,
    pub(super) has_attachment: bool,
}

impl Row {
    /// What its check box is called.
    pub(super) fn select_text(&self, t: &Texts) -> String {
        fill(t.select, &[&self.subject])
    }
}

/// A folder, or what was found in it.
#[derive(Debug, Template)]
#[template(path = "folder.html")]
pub(super) struct FolderPage {
    pub(super) frame: Frame,
    pub(super) folder: String,
    pub(super) validity: u32,
    pub(super) label: String,
    pub(super) summary: String,
    pub(super) is_trash: bool,
    pub(super) rows: Vec<Row>,
    pub(super) page: String,
    pub(super) newer: Option<String>,
    pub(super) older: Option<String>,
    pub(super) search: Option<SearchView>,
}

/// What was searched for.
#[derive(Debug)]
pub(super) struct SearchView {
    pub(super) words: String,
    pub(super) scope: &'static str,
    pub(super) is_partly: bool,
}

impl FolderPage {
    fn words(&self) -> &str {
        self.search.as_ref().map_or("", |search| &search.words)
    }

    fn scope(&self) -> &str {
        self.search.as_ref().map_or("", |search| search.scope)
    }

    fn folder_href(&self) -> String {
        format!("/folder?{}", query(&[("name", &self.folder)]))
    }
}

/// A part that can be downloaded.
#[derive(Clone, Debug)]
pub(super) struct AttachmentView {
    pub(super) number: String,
    pub(super) name: String,
    pub(super) size: String,
    pub(super) kind: String,
    pub(super) href: String,
}

impl AttachmentView {
    fn download_text(&self, t: &Texts) -> String {
        fill(t.download, &[&self.name])
    }
}

/// One message.
#[derive(Debug, Template)]
#[template(path = "message.html")]
pub(super) struct MessagePage {
    pub(super) frame: Frame,
    pub(super) folder: String,
    pub(super) validity: u32,
    pub(super) uid: u32,
    pub(super) back: String,
    pub(super) back_text: String,
    pub(super) is_trash: bool,
    pub(super) is_draft: bool,
    pub(super) is_flagged: bool,
    pub(super) subject: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) cc: String,
    pub(super) bcc: String,
    pub(super) when: Moment,
    pub(super) attachments: Vec<AttachmentView>,
    pub(super) body: BodyView,
    /// The query that names the message.
    pub(super) message: String,
}

/// How a message is shown.
#[derive(Debug)]
pub(super) enum BodyView {
    /// As text.
    Text {
        text: String,
        is_cut: bool,
        /// It could be shown as HTML.
        has_html: bool,
    },
    /// In a frame, which has a page of its own.
    Html {
        has_text: bool,
        /// It wants something from elsewhere.
        has_remote: bool,
        shows_remote: bool,
    },
    /// There is HTML, but too much of it.
    TooLong,
}

/// What is in the frame of an HTML message.
#[derive(Debug, Template)]
#[template(path = "html.html")]
pub(super) struct HtmlPage {
    pub(super) title: String,
    pub(super) body: String,
}

/// Writing a message.
#[derive(Debug, Template)]
#[template(path = "compose.html")]
pub(super) struct ComposePage {
    pub(super) frame: Frame,
    pub(super) form: ComposeForm,
    pub(super) errors: Vec<String>,
    pub(super) files_hint: String,
}

/// What the form of a new message holds.
#[derive(Clone, Debug, Default)]
pub(super) struct ComposeForm {
    pub(super) once: String,
    pub(super) to: String,
    pub(super) cc: String,
    pub(super) bcc: String,
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) in_reply_to: String,
    pub(super) references: String,
    /// `reply`, `forward`, `draft`, or empty: what the source is to it.
    pub(super) mode: String,
    /// The message that it comes from.
    pub(super) folder: String,
    pub(super) validity: u32,
    pub(super) uid: u32,
    /// Parts of that message that go along, and whether they still do.
    pub(super) kept: Vec<(AttachmentView, bool)>,
}

impl ComposeForm {
    /// An empty form; none without randomness.
    pub(super) fn new() -> Result<Self, Failure> {
        let once = super::session::new_id().ok_or(Failure::Busy)?;
        Ok(Self { once: print_id(&once), ..Self::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_escaped() {
        assert_eq!(query(&[("name", "a/b &=#?"), ("uid", "7")]), "name=a%2Fb%20%26%3D%23%3F&uid=7");
        assert_eq!(query(&[("q", "카페\r\n")]), "q=%EC%B9%B4%ED%8E%98%0D%0A");
    }

    #[test]
    fn only_own_paths_are_gone_back_to() {
        for path in ["/", "/folder?name=INBOX", "/message?uid=1"] {
            assert!(is_own_path(path), "{path}");
        }
        for path in ["", "//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nb", "/a b", "x"]
        {
            assert!(!is_own_path(path), "{path:?}");
        }
        assert!(!is_own_path(&format!("/{}", "x".repeat(5000))));
    }

    #[test]
    fn texts_are_cut_between_characters() {
        for (limit, text) in [(0, ""), (1, "a"), (2, "a"), (3, "a"), (4, "a카"), (9, "a카")] {
            assert_eq!(cut("a카", limit), text, "{limit}");
        }
    }

    #[test]
    fn sizes() {
        for (octets, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 KB"),
            (9999, "9.9 KB"),
            (10_000, "10 KB"),
            (999_999, "999 KB"),
            (1_000_000, "1.0 MB"),
            (52_428_800, "52 MB"),
            (u64::MAX, "18446744 TB"),
        ] {
            assert_eq!(size(octets), text, "{octets}");
        }
    }

    #[test]
    fn moments() {
        let now = Time(1_795_392_000_000); // Monday, 23 November 2026, 00:00 UTC
        let zone = TimeZone::fixed(jiff::tz::offset(9));
        let moment = |seconds, language| Moment::within(seconds, now, language, &zone);
        let today = moment(1_795_392_000 - 3600, Language::English);
        assert_eq!(today.short, "08:00");
        assert_eq!(today.full, "Monday, 23 November 2026, 08:00 (+09:00)");
        assert_eq!(today.machine, "2026-11-22T23:00:00Z");
        let today = moment(1_795_392_000 - 3600, Language::Korean);
        assert_eq!(today.full, "2026년 11월 23일 월요일 08:00 (+09:00)");
        assert_eq!(moment(1_795_392_000 - 3 * 86400, Language::English).short, "20 Nov");
        assert_eq!(moment(1_795_392_000 - 3 * 86400, Language::Korean).short, "11월 20일");
        assert_eq!(moment(0, Language::English).short, "1 Jan 1970");
        assert_eq!(moment(0, Language::Korean).short, "1970. 1. 1.");
        assert_eq!(moment(i64::MAX, Language::English).short, "");
    }
}
