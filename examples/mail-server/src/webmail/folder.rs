//! The list of a folder, page by page.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use postroad_message::{AddressList, Message};

use super::language::{Texts, fill};
use super::loaded::{self, message_query};
use super::response::{Failure, page as show};
use super::search;
use super::view::{FolderPage, Frame, Moment, Row, folder_label, query};
use super::visitor::{Fields, Member, Web};
use crate::store::StoreError;
use crate::store::mailboxes::{Choice, Mailbox, MessageRow, SpecialUse, SystemFlags, UidSet};

/// Messages on one page.
pub(super) const PAGE: usize = 50;
/// Headers that are read at a time.
const AT_A_TIME: usize = 8;
/// The characters of a name or a subject that a list shows.
const MAX_TEXT: usize = 300;

pub(super) async fn page(
    State(web): State<Web>,
    member: Member,
    fields: Fields,
) -> Result<Response, Failure> {
    let name = match fields.one("name") {
        "" => "INBOX",
        name => name,
    };
    let words = fields.one("q").trim();
    let opened = web.context.store.open_mailbox(&member.account, name).await?;
    let (mailbox, name, uids) = (opened.mailbox, opened.name.as_str(), &opened.snapshot.uids);
    let t = member.language.texts();
    let mut frame = Frame::of(&web, &member, t.inbox, name, fields.one("done")).await?;
    let special_use = frame.current().and_then(|folder| folder.special_use);
    let label = folder_label(name, special_use, t);
    frame.title.clone_from(&label);
    let list = List { web: &web, member: &member, mailbox: &mailbox, folder: name, special_use };
    let mut view = FolderPage {
        folder: name.to_owned(),
        validity: mailbox.uidvalidity(),
        summary: String::new(),
        is_trash: special_use == Some(SpecialUse::Trash),
        rows: Vec::new(),
        page: String::new(),
        newer: None,
        older: None,
        search: None,
        label,
        frame,
    };
    if words.is_empty() {
        let pages = usize::try_from(uids.len()).unwrap_or(usize::MAX).div_ceil(PAGE).max(1);
        let number = fields.number("page").and_then(|page| usize::try_from(page).ok()).unwrap_or(1);
        let number = number.clamp(1, pages);
        view.rows = list.rows(&newest(uids, (number - 1) * PAGE, PAGE)).await?;
        let href =
            |number: usize| format!("/folder?{}", query(&[("name", name), ("page", &number.to_string())]));
        view.page = fill(t.page_of, &[&number.to_string(), &pages.to_string()]);
        view.newer = (number > 1).then(|| href(number - 1));
        view.older = (number < pages).then(|| href(number + 1));
        view.summary = match uids.len() {
            0 => String::new(),
            1 => t.message_count_one.to_owned(),
            count => fill(t.message_count, &[&count.to_string()]),
        };
        if opened.snapshot.unseen > 0 {
            let unread = fill(t.unread_count, &[&opened.snapshot.unseen.to_string()]);
            view.summary = format!("{} · {unread}", view.summary);
        }
    } else {
        let (found, search) = search::search(&web, &mailbox, uids, words, fields.one("in")).await?;
        view.rows = list.rows(&found).await?;
        view.summary = fill(t.results, &[&search.words, &view.rows.len().to_string()]);
        view.search = Some(search);
    }
    Ok(show(StatusCode::OK, &view))
}

/// The newest UIDs after `skip`, at most `count`, the newest first.
pub(super) fn newest(uids: &UidSet, mut skip: usize, count: usize) -> Vec<u32> {
    let mut found = Vec::new();
    for &(first, last) in uids.ranges().iter().rev() {
        let here = usize::try_from(last - first).unwrap_or(usize::MAX).saturating_add(1);
        if skip >= here {
            skip -= here;
            continue;
        }
        found.extend((first..=last).rev().skip(skip).take(count - found.len()));
        skip = 0;
        if found.len() >= count {
            break;
        }
    }
    found
}

/// A folder whose messages are shown.
struct List<'a> {
    web: &'a Web,
    member: &'a Member,
    mailbox: &'a Mailbox,
    folder: &'a str,
    special_use: Option<SpecialUse>,
}

impl List<'_> {
    /// The messages of these UIDs, the newest first; those that are gone are left out.
    async fn rows(&self, uids: &[u32]) -> Result<Vec<Row>, StoreError> {
        let choice = Choice { uids: uids.iter().copied().collect(), ..Choice::default() };
        let mut known = self.web.context.store.message_rows(self.mailbox, choice);
        let mut rows = Vec::new();
        while let Some(batch) = known.next().await? {
            rows.extend(batch);
        }
        rows.reverse();
        let read = rows.into_iter().map(|row| self.row(row));
        stream::iter(read).buffered(AT_A_TIME).try_filter_map(async |row| Ok(row)).try_collect().await
    }

    async fn row(&self, row: MessageRow) -> Result<Option<Row>, StoreError> {
        let message = match loaded::header(self.web, self.mailbox, row.uid).await {
            Ok(message) => message,
            Err(StoreError::NotFound) => return Ok(None),
            Err(error) => return Err(error),
        };
        let t = self.member.language.texts();
        let is_ours = matches!(self.special_use, Some(SpecialUse::Sent | SpecialUse::Drafts));
        let who = if is_ours {
            names(&message.to()).or_else(|| names(&message.cc())).unwrap_or_else(|| t.no_recipient.to_owned())
        } else {
            names(&message.from()).unwrap_or_else(|| t.no_sender.to_owned())
        };
        let flags = row.flags.system;
        let seconds = message.date().map_or_else(|| row.internal_date.seconds(), |date| date.timestamp());
        let now = self.web.context.clock.now();
        Ok(Some(Row {
            uid: row.uid,
            href: format!("/message?{}", message_query(self.folder, self.mailbox, row.uid)),
            who: shortened(&who),
            subject: subject(&message, t),
            when: Moment::new(seconds, now, self.member.language),
            is_unread: !flags.contains(SystemFlags::SEEN),
            is_flagged: flags.contains(SystemFlags::FLAGGED),
            is_answered: flags.contains(SystemFlags::ANSWERED),
            has_attachment: message.root().content_type().essence() == "multipart/mixed",
        }))
    }
}

/// The subject, on one line.
pub(super) fn subject(message: &Message<'_>, t: &Texts) -> String {
    match message.subject().as_deref().map(str::trim) {
        None | Some("") => t.no_subject.to_owned(),
        Some(subject) => shortened(subject),
    }
}

/// The names of people, or their addresses.
fn names(list: &AddressList) -> Option<String> {
    let name = |mailbox: &postroad_message::Mailbox| {
        mailbox.name().map_or_else(|| mailbox.address().to_string(), str::to_owned)
    };
    let names: Vec<String> = list.mailboxes().take(5).map(name).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_uids() {
        let uids: UidSet = [(1, 3), (10, 12), (20, 20)].into_iter().collect();
        assert_eq!(newest(&uids, 0, 3), [20, 12, 11]);
        assert_eq!(newest(&uids, 3, 3), [10, 3, 2]);
        assert_eq!(newest(&uids, 6, 3), [1]);
        assert_eq!(newest(&uids, 7, 3), [0; 0]);
        assert_eq!(newest(&UidSet::all(), 5, 2), [u32::MAX - 5, u32::MAX - 6]);
        assert_eq!(newest(&UidSet::default(), 0, 2), [0; 0]);
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(shortened("short"), "short");
        let long = "카".repeat(MAX_TEXT + 1);
        assert_eq!(shortened(&long).chars().count(), MAX_TEXT + 1);
        assert!(shortened(&long).ends_with('…'));
    }
}
