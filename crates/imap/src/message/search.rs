use crate::command::{SearchKey, SearchKeys};
use crate::response::{No, ResponseCode};
use crate::types::{Date, DateTime, Flag, Messages, ModSeq, UidSet};
use bytes::Bytes;
use postroad_message as mail;
use std::borrow::Cow;
use std::cell::OnceCell;

/// A message, as a search looks at it. What is not asked for is not fetched: a search by flags never needs the message itself.
pub trait SearchSource {
    /// Its message number.
    fn number(&self) -> u32;

    /// Its UID.
    fn uid(&self) -> u32;

    /// Whether it has this flag or keyword.
    fn has_flag(&self, flag: &Flag) -> bool;

    /// Its internal date.
    fn internal_date(&self) -> DateTime;

    /// Its size in octets.
    fn size(&self) -> u64;

    /// The message, parsed; `None` if it cannot be had, and then nothing in it is found. It is asked for more than once, and is best kept
    /// from the first time.
    fn message(&self) -> Option<&mail::Message<'_>>;

    /// Its mod-sequence (RFC 7162).
    fn mod_seq(&self) -> ModSeq {
        ModSeq::default()
    }

    /// When it was saved in this mailbox (RFC 8514); `None` if the mailbox does not know.
    fn save_date(&self) -> Option<DateTime> {
        None
    }

    /// Its `EMAILID` (RFC 8474).
    fn email_id(&self) -> Option<&str> {
        None
    }

    /// Its `THREADID` (RFC 8474).
    fn thread_id(&self) -> Option<&str> {
        None
    }
}

/// What a search is about beside the message.
#[derive(Debug, Clone, Copy)]
pub struct SearchContext<'a> {
    /// The highest message number: what `*` is among message numbers.
    pub last_number: u32,
    /// The highest UID: what `*` is among UIDs.
    pub last_uid: u32,
    /// `$`: the UIDs that the last search saved (RFC 9051 section 6.4.4.1).
    pub saved: &'a UidSet,
    /// Now, in seconds since 1970: for OLDER and YOUNGER (RFC 5032).
    pub now: i64,
    /// Whether the mailbox keeps the dates of SAVEDON and the like (RFC 8514).
    pub save_dates: bool,
}

impl SearchContext<'static> {
    /// For the keys that a [server session](crate::server::Search) gives: it has put UIDs in place of numbers, `*` and `$`.
    pub fn resolved(now: i64) -> Self {
        static NONE: UidSet = UidSet::new();
        Self { last_number: u32::MAX, last_uid: u32::MAX, saved: &NONE, now, save_dates: false }
    }
}

/// A message that is at hand, for a search; of what mailboxes may know beside it it has flags and date.
///
/// ```
/// use postroad_imap::command::{SearchKey, SearchKeys};
/// use postroad_imap::message::{SearchContext, SearchMessage, SearchProgram};
/// use postroad_imap::types::{DateTime, Flag};
///
/// let keys = SearchKeys::single(SearchKey::Seen)?.and(SearchKeys::single(SearchKey::Subject("HELLO".into()))?);
/// let program = SearchProgram::new(keys, None).unwrap();
/// let date = DateTime::from_unix(1_795_392_000, 0).unwrap();
/// let message = SearchMessage::new(7, &[Flag::Seen], date, b"Subject: hello\r\n\r\n");
/// assert!(program.matches(&message, &SearchContext::resolved(1_795_392_000)));
/// # Ok::<(), postroad_imap::ParseError>(())
/// ```
#[derive(Debug)]
pub struct SearchMessage<'a> {
    uid: u32,
    flags: &'a [Flag],
    internal_date: DateTime,
    octets: &'a [u8],
    /// Parsed once, and only if somebody asks.
    parsed: OnceCell<mail::Message<'a>>,
}

impl<'a> SearchMessage<'a> {
    /// A message. It is parsed when the search looks into it, and not before.
    pub fn new(uid: u32, flags: &'a [Flag], internal_date: DateTime, octets: &'a [u8]) -> Self {
        Self { uid, flags, internal_date, octets, parsed: OnceCell::new() }
    }
}

impl SearchSource for SearchMessage<'_> {
    /// 0: this is for keys without message numbers.
    fn number(&self) -> u32 {
        0
    }

    fn uid(&self) -> u32 {
        self.uid
    }

    fn has_flag(&self, flag: &Flag) -> bool {
        self.flags.contains(flag)
    }

    fn internal_date(&self) -> DateTime {
        self.internal_date
    }

    fn size(&self) -> u64 {
        self.octets.len() as u64
    }

    fn message(&self) -> Option<&mail::Message<'_>> {
        Some(self.parsed.get_or_init(|| mail::Message::parse(self.octets)))
    }
}

/// The keys of a search, ready to be asked of many messages (RFC 9051 section 6.4.4).
///
/// Strings are found anywhere, without regard to case, in text that was decoded: encoded words, transfer encodings, charsets. Case is
/// that of Unicode (both sides are made upper, then lower case); forms of composition are not made the same.
///
/// - BODY looks at every part of a text type, and at what is in messages in the message, headers included; TEXT also at the header.
/// - FROM, TO, CC, BCC and SUBJECT look at the whole field, names and addresses.
/// - A date is the day that was written, whatever its zone; SINCE and the like look at the internal date, SENTSINCE and the like at
///   the Date field, and without one they do not match.
///
/// ```
/// use postroad_imap::command::{SearchKey, SearchKeys};
/// use postroad_imap::message::SearchProgram;
///
/// let keys = SearchKeys::single(SearchKey::Subject("Größe".into()))?;
/// assert!(SearchProgram::new(keys.clone(), Some(b"UTF-8")).is_ok());
/// let no = SearchProgram::new(keys, Some(b"KOI8-R")).unwrap_err();
/// assert_eq!(no.code.unwrap().name(), "BADCHARSET");
/// # Ok::<(), postroad_imap::ParseError>(())
/// ```
#[derive(Debug, Clone)]
pub struct SearchProgram {
    keys: SearchKeys,
    /// For each key the text that it looks for, if it does.
    needles: Vec<Option<Needle>>,
}

/// A text to be found, folded.
#[derive(Debug, Clone)]
struct Needle {
    finder: memchr::memmem::Finder<'static>,
}

impl Needle {
    fn new(text: &str) -> Self {
        Self { finder: memchr::memmem::Finder::new(fold(text).as_bytes()).into_owned() }
    }

    fn is_in(&self, text: &str) -> bool {
        self.finder.needle().is_empty() || self.finder.find(fold(text).as_bytes()).is_some()
    }
}

/// The text without its case; a tab, which stands where a header field was folded, is a space.
pub(super) fn fold(text: &str) -> Cow<'_, str> {
    if !text.is_ascii() {
        let folded = text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
        return folded
            .map(|character| if character == '\t' { ' ' } else { character })
            .collect::<String>()
            .into();
    }
    if text.bytes().any(|octet| octet.is_ascii_uppercase() || octet == b'\t') {
        return text.to_ascii_lowercase().replace('\t', " ").into();
    }
    text.into()
}

impl SearchProgram {
    /// Makes the keys ready. `charset` is that of the command: US-ASCII and UTF-8 are known, and none is UTF-8.
    ///
    /// # Errors
    ///
    /// The charset is not known, or a string is not in it (`BADCHARSET`); a filter is asked for, which must be put in its place before
    /// (`UNDEFINED-FILTER`, RFC 5466).
    pub fn new(keys: SearchKeys, charset: Option<&[u8]>) -> Result<Self, No> {
        let known = charset.is_none_or(|charset| {
            ["UTF-8", "US-ASCII"].iter().any(|known| charset.eq_ignore_ascii_case(known.as_bytes()))
        });
        if !known {
            let charsets = vec![Bytes::from_static(b"US-ASCII"), Bytes::from_static(b"UTF-8")];
            return Err(No::new(ResponseCode::BadCharset(charsets), "charset is not known"));
        }
        let needle = |key: &SearchKey| {
            let text = match key {
                SearchKey::Bcc(text)
                | SearchKey::Body(text)
                | SearchKey::Cc(text)
                | SearchKey::From(text)
                | SearchKey::Subject(text)
                | SearchKey::Text(text)
                | SearchKey::To(text)
                | SearchKey::Header { value: text, .. } => text,
                SearchKey::Filter(name) => {
                    let code = ResponseCode::UndefinedFilter(name.as_bytes().clone());
                    return Err(No::new(code, "no such filter"));
                }
                _ => return Ok(None),
            };
            match core::str::from_utf8(text) {
                Ok(text) => Ok(Some(Needle::new(text))),
                Err(_) => {
                    Err(No::new(ResponseCode::BadCharset(Vec::new()), "a string is not in the charset"))
                }
            }
        };
        let needles = keys.as_slice().iter().map(needle).collect::<Result<_, _>>()?;
        Ok(Self { keys, needles })
    }

    /// Whether it may ask for the message itself, and not only for flags, dates and sizes.
    pub fn needs_message(&self) -> bool {
        self.needles.iter().any(Option::is_some)
            || self.keys.as_slice().iter().any(|key| {
                matches!(key, SearchKey::SentBefore(_) | SearchKey::SentOn(_) | SearchKey::SentSince(_))
            })
    }

    /// Whether a message matches.
    pub fn matches<S: SearchSource + ?Sized>(&self, source: &S, context: &SearchContext<'_>) -> bool {
        self.keys.evaluate_indexed(|at, key| {
            let needle = self.needles.get(at).and_then(Option::as_ref);
            matches(source, context, key, needle)
        })
    }
}

fn matches<S: SearchSource + ?Sized>(
    source: &S,
    context: &SearchContext<'_>,
    key: &SearchKey,
    needle: Option<&Needle>,
) -> bool {
    let received = |test: fn(&Date, &Date) -> bool, day: &Date| test(&source.internal_date().date(), day);
    let sent =
        |test: fn(&Date, &Date) -> bool, day: &Date| sent_day(source).is_some_and(|sent| test(&sent, day));
    let saved = |test: fn(&Date, &Date) -> bool, day: &Date| {
        // Where the mailbox does not know, the internal date counts (RFC 8514 section 4.2).
        let date = if context.save_dates { source.save_date() } else { Some(source.internal_date()) };
        date.is_some_and(|date| test(&date.date(), day))
    };
    let age = || context.now.saturating_sub(source.internal_date().unix_timestamp());
    let field = |name: &str| needle.is_some_and(|needle| in_field(source, name, needle));
    match key {
        SearchKey::All => true,
        SearchKey::Answered => source.has_flag(&Flag::Answered),
        SearchKey::Deleted => source.has_flag(&Flag::Deleted),
        SearchKey::Draft => source.has_flag(&Flag::Draft),
        SearchKey::Flagged => source.has_flag(&Flag::Flagged),
        SearchKey::Recent => source.has_flag(&Flag::Recent),
        SearchKey::Seen => source.has_flag(&Flag::Seen),
        SearchKey::Unanswered => !source.has_flag(&Flag::Answered),
        SearchKey::Undeleted => !source.has_flag(&Flag::Deleted),
        SearchKey::Undraft => !source.has_flag(&Flag::Draft),
        SearchKey::Unflagged => !source.has_flag(&Flag::Flagged),
        SearchKey::Unseen => !source.has_flag(&Flag::Seen),
        SearchKey::Old => !source.has_flag(&Flag::Recent),
        SearchKey::New => source.has_flag(&Flag::Recent) && !source.has_flag(&Flag::Seen),
        SearchKey::Keyword(name) => source.has_flag(&Flag::Keyword(name.clone())),
        SearchKey::Unkeyword(name) => !source.has_flag(&Flag::Keyword(name.clone())),
        SearchKey::Sequence(Messages::Set(set)) => set.contains(source.number(), context.last_number),
        SearchKey::Uid(Messages::Set(set)) => set.contains(source.uid(), context.last_uid),
        SearchKey::Sequence(Messages::Saved) | SearchKey::Uid(Messages::Saved) => {
            context.saved.contains(source.uid())
        }
        SearchKey::Larger(size) => source.size() > *size,
        SearchKey::Smaller(size) => source.size() < *size,
        SearchKey::Before(day) => received(Date::lt, day),
        SearchKey::On(day) => received(Date::eq, day),
        SearchKey::Since(day) => received(Date::ge, day),
        SearchKey::SentBefore(day) => sent(Date::lt, day),
        SearchKey::SentOn(day) => sent(Date::eq, day),
        SearchKey::SentSince(day) => sent(Date::ge, day),
        SearchKey::SavedBefore(day) => saved(Date::lt, day),
        SearchKey::SavedOn(day) => saved(Date::eq, day),
        SearchKey::SavedSince(day) => saved(Date::ge, day),
        SearchKey::SaveDateSupported => context.save_dates,
        SearchKey::Older(seconds) => age() >= i64::from(seconds.get()),
        SearchKey::Younger(seconds) => age() <= i64::from(seconds.get()),
        SearchKey::ModSeq { value, .. } => source.mod_seq() >= *value,
        SearchKey::EmailId(id) => source.email_id() == Some(id.as_str()),
        SearchKey::ThreadId(id) => source.thread_id() == Some(id.as_str()),
        SearchKey::Bcc(_) => field("Bcc"),
        SearchKey::Cc(_) => field("Cc"),
        SearchKey::From(_) => field("From"),
        SearchKey::Subject(_) => field("Subject"),
        SearchKey::To(_) => field("To"),
        SearchKey::Header { field: name, .. } => core::str::from_utf8(name).is_ok_and(field),
        SearchKey::Body(_) => needle.is_some_and(|needle| in_text(source, needle, false)),
        SearchKey::Text(_) => needle.is_some_and(|needle| in_text(source, needle, true)),
        // Those about other keys are not asked for, and filters were refused.
        SearchKey::And(_) | SearchKey::Or | SearchKey::Not | SearchKey::Fuzzy | SearchKey::Filter(_) => false,
    }
}

fn sent_day<S: SearchSource + ?Sized>(source: &S) -> Option<Date> {
    let date = source.message()?.header().sent_date()?;
    Date::new(date.year(), date.month(), date.day()).ok()
}

fn in_field<S: SearchSource + ?Sized>(source: &S, name: &str, needle: &Needle) -> bool {
    let Some(message) = source.message() else { return false };
    message.header().fields_named(name).any(|field| needle.is_in(&field.text()))
}

/// Whether a text is in the body, or with `header` anywhere in the message.
fn in_text<S: SearchSource + ?Sized>(source: &S, needle: &Needle, header: bool) -> bool {
    let Some(message) = source.message() else { return false };
    message.parts().enumerate().any(|(at, part)| {
        // The header of a message in the message is part of the body; that of a part is looked at with the message's.
        let header = header || at > 0 && part.is_root();
        header && in_header(part.header(), needle) || part.text().is_some_and(|text| needle.is_in(&text))
    })
}

fn in_header(header: mail::Header<'_>, needle: &Needle) -> bool {
    header.fields().any(|field| {
        let name = field.name();
        needle.is_in(&format!("{name}: {}", field.text()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Atom, SequenceSet};
    use core::num::NonZeroU32;

    struct Stored {
        uid: u32,
        flags: Vec<Flag>,
        date: DateTime,
        message: Option<mail::Message<'static>>,
    }

    impl SearchSource for Stored {
        fn number(&self) -> u32 {
            self.uid / 10
        }
        fn uid(&self) -> u32 {
            self.uid
        }
        fn has_flag(&self, flag: &Flag) -> bool {
            self.flags.contains(flag)
        }
        fn internal_date(&self) -> DateTime {
            self.date
        }
        fn size(&self) -> u64 {
            self.message.as_ref().map_or(0, |message| message.octets().len() as u64)
        }
        fn message(&self) -> Option<&mail::Message<'_>> {
            self.message.as_ref()
        }
        fn mod_seq(&self) -> ModSeq {
            ModSeq::from(50)
        }
        fn email_id(&self) -> Option<&str> {
            Some("M1")
        }
    }

    const TEXT: &[u8] = b"From: =?iso-8859-1?q?J=FCrgen?= <j@example.com>\r\nTo: Bob\r\n\t<bob@example.com>\r\n\
        Subject: =?utf-8?b?R3LDtsOfZQ==?= of it\r\nDate: Tue, 1 Feb 1994 23:30:00 -0800\r\nX-Empty:\r\n\
        Content-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\
        Content-Transfer-Encoding: quoted-printable\r\n\r\nSch=F6ne Gr=\r\n=FC=DFe\r\n--b\r\nContent-Type: image/png; name=kitten.png\r\n\r\n\
        hidden\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ndeep\r\n--b--\r\n";

    fn stored() -> Stored {
        Stored {
            uid: 70,
            flags: vec![Flag::Seen, Flag::Keyword(Atom::parse("$Junk").unwrap())],
            date: DateTime::parse("17-Jul-1996 02:44:25 -0700").unwrap(),
            message: Some(mail::Message::parse(TEXT).into_owned()),
        }
    }

    fn found(key: SearchKey) -> bool {
        let saved = [70].into_iter().collect();
        let stored = stored();
        let now = stored.date.unix_timestamp() + 100;
        let context = SearchContext { last_number: 9, last_uid: 90, saved: &saved, now, save_dates: false };
        let program = SearchProgram::new(SearchKeys::single(key).unwrap(), Some(b"utf-8")).unwrap();
        program.matches(&stored, &context)
    }

    #[test]
    fn text_is_found_where_it_is_decoded() {
        type Key = fn(Bytes) -> SearchKey;
        let is = |key: Key, text: &'static str| found(key(text.into()));
        for text in ["JÜRGEN", "jürgen", "J@Example", "", "GEN <j"] {
            assert!(is(SearchKey::From, text), "{text}");
        }
        assert!(!is(SearchKey::From, "bob"));
        assert!(is(SearchKey::To, "bob <bob@"));
        assert!(!is(SearchKey::Cc, ""));
        assert!(is(SearchKey::Subject, "größe OF") && is(SearchKey::Subject, "GRÖSSE"));
        for text in ["schöne grüsse", "Grüße", "deep", "inner"] {
            assert!(is(SearchKey::Body, text) && is(SearchKey::Text, text), "{text}");
        }
        for text in ["jürgen", "kitten.png", "subject: größe"] {
            assert!(!is(SearchKey::Body, text) && is(SearchKey::Text, text), "{text}");
        }
        for text in ["hidden", "preamble", "=F6", "gr=\r\n"] {
            assert!(!is(SearchKey::Body, text) && !is(SearchKey::Text, text), "{text}");
        }
        let header = |field: &'static str, value: &'static str| {
            found(SearchKey::Header { field: field.into(), value: value.into() })
        };
        assert!(header("x-empty", "") && header("SUBJECT", "of it"));
        assert!(!header("x-none", "") && !header("x-empty", "a"));
    }

    #[test]
    fn dates_are_days_as_they_were_written() {
        let day = |text: &str| Date::parse(text).unwrap();
        assert!(found(SearchKey::On(day("17-Jul-1996"))));
        assert!(found(SearchKey::Since(day("17-Jul-1996"))) && !found(SearchKey::Before(day("17-Jul-1996"))));
        assert!(found(SearchKey::Before(day("18-Jul-1996"))) && !found(SearchKey::Since(day("18-Jul-1996"))));
        // In UTC it was the next day.
        assert!(found(SearchKey::SentOn(day("1-Feb-1994"))) && !found(SearchKey::SentOn(day("2-Feb-1994"))));
        assert!(
            found(SearchKey::SentSince(day("1-Feb-1994"))) && found(SearchKey::SentBefore(day("2-Feb-1994")))
        );
        let seconds = |seconds| NonZeroU32::new(seconds).unwrap();
        assert!(found(SearchKey::Older(seconds(100))) && !found(SearchKey::Older(seconds(101))));
        assert!(found(SearchKey::Younger(seconds(100))) && !found(SearchKey::Younger(seconds(99))));
        assert!(found(SearchKey::SavedOn(day("17-Jul-1996"))) && !found(SearchKey::SaveDateSupported));
    }

    #[test]
    fn flags_sets_sizes_and_the_like() {
        assert!(found(SearchKey::Seen) && !found(SearchKey::Unseen) && found(SearchKey::Undeleted));
        assert!(
            found(SearchKey::Keyword(Atom::parse("$JUNK").unwrap()))
                && found(SearchKey::Old)
                && !found(SearchKey::New)
        );
        let set = |text: &str| Messages::Set(SequenceSet::parse(text).unwrap());
        assert!(found(SearchKey::Sequence(set("7"))) && !found(SearchKey::Sequence(set("*"))));
        assert!(found(SearchKey::Uid(set("60:*"))) && found(SearchKey::Uid(Messages::Saved)));
        assert!(found(SearchKey::Sequence(Messages::Saved)));
        let size = TEXT.len() as u64;
        assert!(found(SearchKey::Larger(size - 1)) && !found(SearchKey::Larger(size)));
        assert!(found(SearchKey::Smaller(size + 1)) && !found(SearchKey::Smaller(size)));
        let mod_seq = |value: u32| SearchKey::ModSeq { entry: None, value: ModSeq::from(value) };
        assert!(found(mod_seq(50)) && !found(mod_seq(51)));
        assert!(found(SearchKey::EmailId(Atom::parse("M1").unwrap())));
        assert!(!found(SearchKey::ThreadId(Atom::parse("T1").unwrap())));
    }

    #[test]
    fn each_key_has_its_own_text() {
        let keys = vec![
            SearchKey::And(2),
            SearchKey::Or,
            SearchKey::Subject("nothing".into()),
            SearchKey::From("jürgen".into()),
            SearchKey::Not,
            SearchKey::Body("absent".into()),
        ];
        let program = SearchProgram::new(SearchKeys::new(keys).unwrap(), None).unwrap();
        assert!(program.needs_message());
        let saved = UidSet::new();
        let context =
            SearchContext { last_number: 9, last_uid: 90, saved: &saved, now: 0, save_dates: false };
        assert!(program.matches(&stored(), &context));
        let unreadable = Stored { message: None, ..stored() };
        assert!(!program.matches(&unreadable, &context));
        let flags = SearchProgram::new(SearchKeys::single(SearchKey::Seen).unwrap(), None).unwrap();
        assert!(!flags.needs_message() && flags.matches(&unreadable, &context));
    }

    #[test]
    fn what_cannot_be_searched_for_is_refused() {
        let subject = |text: &'static [u8]| SearchKeys::single(SearchKey::Subject(text.into())).unwrap();
        let code = |result: Result<SearchProgram, No>| result.unwrap_err().code.unwrap();
        let known = ResponseCode::BadCharset(vec!["US-ASCII".into(), "UTF-8".into()]);
        assert_eq!(code(SearchProgram::new(subject(b"x"), Some(b"KOI8-R"))), known);
        assert_eq!(code(SearchProgram::new(subject(b"\xff"), None)), ResponseCode::BadCharset(vec![]));
        let filter = SearchKeys::single(SearchKey::Filter(Atom::parse("mine").unwrap())).unwrap();
        assert_eq!(code(SearchProgram::new(filter, None)), ResponseCode::UndefinedFilter("mine".into()));
    }
}
