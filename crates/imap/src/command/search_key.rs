//! The keys of SEARCH, SORT and THREAD (RFC 9051 section 6.4.4 and the extensions named).

use super::parse::Parser;
use crate::grammar::{Cursor, Encoder};
use crate::types::{Atom, Date, Flag, Messages, ModSeq};
use bytes::Bytes;
use core::num::NonZeroU32;
use postroad_core::{ParseError, ParseErrorKind};

/// Whose mod-sequence of a flag (RFC 7162 section 3.1.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryType {
    /// `priv`.
    Private,
    /// `shared`.
    Shared,
    /// `all`.
    All,
}

/// One key of SEARCH. [`And`](Self::And), [`Or`](Self::Or) and [`Not`](Self::Not) are about the keys that follow them.
///
/// Strings are octets in the charset of the command.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SearchKey {
    /// All of the so many keys that follow.
    And(usize),
    /// One of the two keys that follow.
    Or,
    /// Not the key that follows.
    Not,
    /// ALL.
    All,
    /// ANSWERED.
    Answered,
    /// BCC.
    Bcc(Bytes),
    /// BEFORE: its internal date is before this day.
    Before(Date),
    /// BODY.
    Body(Bytes),
    /// CC.
    Cc(Bytes),
    /// DELETED.
    Deleted,
    /// DRAFT.
    Draft,
    /// EMAILID (RFC 8474).
    EmailId(Atom),
    /// FILTER: the filter of this name (RFC 5466).
    Filter(Atom),
    /// FLAGGED.
    Flagged,
    /// FROM.
    From(Bytes),
    /// FUZZY: the key that follows, not taken too strictly (RFC 6203).
    Fuzzy,
    /// HEADER: a header field has this in it; an empty value: there is such a field.
    Header {
        /// The name of the field.
        field: Bytes,
        /// What is in it.
        value: Bytes,
    },
    /// KEYWORD.
    Keyword(Atom),
    /// LARGER: it has more octets; 63 bits.
    Larger(u64),
    /// MODSEQ (RFC 7162): its mod-sequence, or that of one flag, is at least this.
    ModSeq {
        /// Which flag, and whose; `None`: the message.
        entry: Option<(Flag, EntryType)>,
        /// The mod-sequence.
        value: ModSeq,
    },
    /// NEW (RFC 3501): RECENT and UNSEEN.
    New,
    /// OLD (RFC 3501): not RECENT.
    Old,
    /// OLDER: its internal date is so many seconds ago or more (RFC 5032).
    Older(NonZeroU32),
    /// ON: its internal date is on this day.
    On(Date),
    /// RECENT (RFC 3501).
    Recent,
    /// SAVEDBEFORE (RFC 8514).
    SavedBefore(Date),
    /// SAVEDATESUPPORTED (RFC 8514).
    SaveDateSupported,
    /// SAVEDON (RFC 8514).
    SavedOn(Date),
    /// SAVEDSINCE (RFC 8514).
    SavedSince(Date),
    /// SEEN.
    Seen,
    /// SENTBEFORE: its Date field is before this day.
    SentBefore(Date),
    /// SENTON.
    SentOn(Date),
    /// SENTSINCE.
    SentSince(Date),
    /// These sequence numbers.
    Sequence(Messages),
    /// SINCE: its internal date is on this day or later.
    Since(Date),
    /// SMALLER: it has fewer octets; 63 bits.
    Smaller(u64),
    /// SUBJECT.
    Subject(Bytes),
    /// TEXT: in the header or the body.
    Text(Bytes),
    /// THREADID (RFC 8474).
    ThreadId(Atom),
    /// TO.
    To(Bytes),
    /// UID: these UIDs.
    Uid(Messages),
    /// UNANSWERED.
    Unanswered,
    /// UNDELETED.
    Undeleted,
    /// UNDRAFT.
    Undraft,
    /// UNFLAGGED.
    Unflagged,
    /// UNKEYWORD.
    Unkeyword(Atom),
    /// UNSEEN.
    Unseen,
    /// YOUNGER: its internal date is so many seconds ago or less (RFC 5032).
    Younger(NonZeroU32),
}

/// The keys of a SEARCH as one flat program: each key before the keys it is about, nothing nested in memory, however deep it is nested
/// in meaning.
///
/// ```
/// use postroad_imap::command::{SearchKey, SearchKeys};
///
/// let unread = SearchKeys::single(SearchKey::Seen)?.negated();
/// let keys = unread.and(SearchKeys::single(SearchKey::Larger(100_000))?);
/// assert_eq!(keys.as_slice(), [SearchKey::And(2), SearchKey::Not, SearchKey::Seen, SearchKey::Larger(100_000)]);
/// # Ok::<(), postroad_core::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SearchKeys(Vec<SearchKey>);

impl SearchKeys {
    /// The keys, each before those it is about.
    pub fn as_slice(&self) -> &[SearchKey] {
        &self.0
    }
}

/// How many operands of one key are still to come.
#[derive(Debug, Clone, Copy)]
enum Open {
    /// NOT, OR, FUZZY: so many.
    Operands(usize),
    /// Parentheses: up to the closing one. The key stands at this index.
    Group { at: usize, count: usize },
}

impl SearchKey {
    /// About how many of the keys that follow it is.
    pub fn operands(&self) -> usize {
        match self {
            Self::And(count) => *count,
            Self::Or => 2,
            Self::Not | Self::Fuzzy => 1,
            _ => 0,
        }
    }
}

impl SearchKeys {
    /// A program of keys, each before those it is about: `[Or, Seen, Not, Draft]` is `OR SEEN NOT DRAFT`.
    ///
    /// # Errors
    ///
    /// Keys are missing or left over, an AND is about none, or a size has over 63 bits.
    pub fn new(keys: Vec<SearchKey>) -> Result<Self, ParseError> {
        let fail = |kind, at| Err(ParseError::new(kind, at, b""));
        let mut needed = 1_usize;
        for (at, key) in keys.iter().enumerate() {
            if needed == 0 {
                return fail(ParseErrorKind::Trailing, at);
            }
            if matches!(key, SearchKey::And(0)) {
                return fail(ParseErrorKind::OutOfRange("a number of keys"), at);
            }
            if matches!(key, SearchKey::Larger(size) | SearchKey::Smaller(size) if *size > i64::MAX as u64) {
                return fail(ParseErrorKind::OutOfRange("a number"), at);
            }
            needed = (needed - 1).saturating_add(key.operands());
        }
        if needed > 0 { fail(ParseErrorKind::Missing("a search key"), keys.len()) } else { Ok(Self(keys)) }
    }

    /// One key that is about no other.
    ///
    /// # Errors
    ///
    /// It is about others.
    pub fn single(key: SearchKey) -> Result<Self, ParseError> {
        Self::new(vec![key])
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::under(SearchKey::And(2), self, Some(other))
    }

    /// All of them; of any number in linear time.
    ///
    /// # Errors
    ///
    /// There are none.
    pub fn all_of(all: Vec<Self>) -> Result<Self, ParseError> {
        let mut keys = vec![SearchKey::And(all.len())];
        keys.extend(all.into_iter().flat_map(|one| one.0));
        Self::new(keys)
    }

    /// One of them or both.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self::under(SearchKey::Or, self, Some(other))
    }

    /// Not these.
    #[must_use]
    pub fn negated(self) -> Self {
        Self::under(SearchKey::Not, self, None)
    }

    fn under(key: SearchKey, one: Self, other: Option<Self>) -> Self {
        let mut keys = one.0;
        keys.insert(0, key);
        keys.extend(other.into_iter().flat_map(|other| other.0));
        Self(keys)
    }

    /// Reads keys with spaces between them, all of which must match, to the end of the unit.
    pub(super) fn read(parser: &mut Parser<'_>) -> Result<Self, Box<ParseError>> {
        let limit = parser.options.max_search_keys;
        let mut keys: Vec<SearchKey> = Vec::with_capacity(4);
        let mut open: Vec<Open> = Vec::new();
        let mut outermost = 0_usize;
        'key: loop {
            if keys.len() >= limit {
                return Err(parser.fail(ParseErrorKind::TooLong { what: "a search", limit }));
            }
            if parser.try_octet(b'(') {
                open.push(Open::Group { at: keys.len(), count: 0 });
                keys.push(SearchKey::And(0));
                continue;
            }
            let key = read_key(parser)?;
            let operands = key.operands();
            keys.push(key);
            if operands > 0 {
                parser.space()?;
                open.push(Open::Operands(operands));
                continue;
            }
            // The key is whole; so may be what it belongs to.
            loop {
                match open.last_mut() {
                    Some(Open::Operands(1)) => {
                        open.pop();
                    }
                    Some(Open::Operands(left)) => {
                        *left -= 1;
                        parser.space()?;
                        continue 'key;
                    }
                    Some(Open::Group { at, count }) => {
                        *count += 1;
                        if parser.try_octet(b' ') {
                            continue 'key;
                        }
                        if !parser.try_octet(b')') {
                            return Err(parser.expected("a space or the end of a list"));
                        }
                        if let Some(key) = keys.get_mut(*at) {
                            *key = SearchKey::And(*count);
                        }
                        open.pop();
                    }
                    None => {
                        outermost += 1;
                        if parser.try_octet(b' ') {
                            continue 'key;
                        }
                        if outermost > 1 {
                            keys.insert(0, SearchKey::And(outermost));
                        }
                        return Ok(Self(keys));
                    }
                }
            }
        }
    }

    pub(super) fn print(&self, out: &mut Encoder) {
        // For each key that is not whole: how many operands are left, and whether parentheses end it.
        let mut open: Vec<(usize, bool)> = Vec::new();
        for (at, key) in self.0.iter().enumerate() {
            match key {
                SearchKey::And(count) => {
                    let parentheses = at > 0 || *count == 1;
                    out.text(if parentheses { "(" } else { "" });
                    open.push((*count, parentheses));
                    continue;
                }
                key => print_key(key, out),
            }
            if key.operands() > 0 {
                out.text(" ");
                open.push((key.operands(), false));
                continue;
            }
            while let Some((left, parentheses)) = open.last_mut() {
                *left -= 1;
                if *left > 0 {
                    out.text(" ");
                    break;
                }
                out.text(if *parentheses { ")" } else { "" });
                open.pop();
            }
        }
    }

    /// Whether the keys match, if `matches` says so of each key that is about no other; it is asked from left to right, and no more than
    /// is needed.
    ///
    /// ```
    /// use postroad_imap::command::{SearchKey, SearchKeys};
    ///
    /// let keys = SearchKeys::new(vec![SearchKey::Or, SearchKey::Seen, SearchKey::Not, SearchKey::Draft])?;
    /// assert!(keys.evaluate(|key| *key == SearchKey::Seen));
    /// assert!(!keys.evaluate(|key| *key == SearchKey::Draft));
    /// # Ok::<(), postroad_core::ParseError>(())
    /// ```
    pub fn evaluate(&self, mut matches: impl FnMut(&SearchKey) -> bool) -> bool {
        self.evaluate_indexed(|_, key| matches(key))
    }

    /// The same, and `matches` is also told the index of the key in the program.
    pub(crate) fn evaluate_indexed(&self, mut matches: impl FnMut(usize, &SearchKey) -> bool) -> bool {
        let mut open: Vec<(&SearchKey, usize)> = Vec::new();
        let mut at = 0;
        while let Some(key) = self.0.get(at) {
            at += 1;
            if key.operands() > 0 {
                open.push((key, key.operands()));
                continue;
            }
            let mut value = matches(at - 1, key);
            loop {
                let Some((key, left)) = open.last_mut() else { return value };
                *left -= 1;
                value = match key {
                    SearchKey::Not => !value,
                    SearchKey::And(_) | SearchKey::Or => {
                        let decided = value == matches!(key, SearchKey::Or);
                        if !decided && *left > 0 {
                            break;
                        }
                        at = self.skip(at, *left);
                        value
                    }
                    _ => value,
                };
                open.pop();
            }
        }
        // A program is never without an end.
        false
    }

    /// Where the `count` operands that begin at `at` end.
    fn skip(&self, mut at: usize, count: usize) -> usize {
        let mut needed = count;
        while needed > 0 {
            let Some(key) = self.0.get(at) else { return at };
            needed = (needed - 1).saturating_add(key.operands());
            at += 1;
        }
        at
    }
}

fn read_key(parser: &mut Parser<'_>) -> Result<SearchKey, Box<ParseError>> {
    let at = parser.at();
    if matches!(parser.peek(), Some(b'0'..=b'9' | b'*' | b'$')) {
        return Messages::read(parser).map(SearchKey::Sequence);
    }
    let word = parser.keyword();
    let text = |parser: &mut Parser<'_>| -> Result<Bytes, Box<ParseError>> {
        parser.space()?;
        parser.astring()
    };
    let date = |parser: &mut Parser<'_>| -> Result<Date, Box<ParseError>> {
        parser.space()?;
        Date::read(parser)
    };
    let atom = |parser: &mut Parser<'_>| -> Result<Atom, Box<ParseError>> {
        parser.space()?;
        parser.atom()
    };
    let size = |parser: &mut Parser<'_>| -> Result<u64, Box<ParseError>> {
        parser.space()?;
        parser.number64()
    };
    let interval = |parser: &mut Parser<'_>| -> Result<NonZeroU32, Box<ParseError>> {
        parser.space()?;
        parser.nz_number()
    };
    Ok(match word.as_slice() {
        b"ALL" => SearchKey::All,
        b"UNSEEN" => SearchKey::Unseen,
        b"SEEN" => SearchKey::Seen,
        b"UID" => {
            parser.space()?;
            SearchKey::Uid(Messages::read(parser)?)
        }
        b"NOT" => SearchKey::Not,
        b"OR" => SearchKey::Or,
        b"ANSWERED" => SearchKey::Answered,
        b"DELETED" => SearchKey::Deleted,
        b"DRAFT" => SearchKey::Draft,
        b"FLAGGED" => SearchKey::Flagged,
        b"NEW" => SearchKey::New,
        b"OLD" => SearchKey::Old,
        b"RECENT" => SearchKey::Recent,
        b"UNANSWERED" => SearchKey::Unanswered,
        b"UNDELETED" => SearchKey::Undeleted,
        b"UNDRAFT" => SearchKey::Undraft,
        b"UNFLAGGED" => SearchKey::Unflagged,
        b"SAVEDATESUPPORTED" => SearchKey::SaveDateSupported,
        b"FUZZY" => SearchKey::Fuzzy,
        b"FROM" => SearchKey::From(text(parser)?),
        b"TO" => SearchKey::To(text(parser)?),
        b"CC" => SearchKey::Cc(text(parser)?),
        b"BCC" => SearchKey::Bcc(text(parser)?),
        b"SUBJECT" => SearchKey::Subject(text(parser)?),
        b"BODY" => SearchKey::Body(text(parser)?),
        b"TEXT" => SearchKey::Text(text(parser)?),
        b"HEADER" => SearchKey::Header { field: text(parser)?, value: text(parser)? },
        b"KEYWORD" => SearchKey::Keyword(atom(parser)?),
        b"UNKEYWORD" => SearchKey::Unkeyword(atom(parser)?),
        b"FILTER" => SearchKey::Filter(atom(parser)?),
        b"EMAILID" => SearchKey::EmailId(atom(parser)?),
        b"THREADID" => SearchKey::ThreadId(atom(parser)?),
        b"BEFORE" => SearchKey::Before(date(parser)?),
        b"ON" => SearchKey::On(date(parser)?),
        b"SINCE" => SearchKey::Since(date(parser)?),
        b"SENTBEFORE" => SearchKey::SentBefore(date(parser)?),
        b"SENTON" => SearchKey::SentOn(date(parser)?),
        b"SENTSINCE" => SearchKey::SentSince(date(parser)?),
        b"SAVEDBEFORE" => SearchKey::SavedBefore(date(parser)?),
        b"SAVEDON" => SearchKey::SavedOn(date(parser)?),
        b"SAVEDSINCE" => SearchKey::SavedSince(date(parser)?),
        b"LARGER" => SearchKey::Larger(size(parser)?),
        b"SMALLER" => SearchKey::Smaller(size(parser)?),
        b"OLDER" => SearchKey::Older(interval(parser)?),
        b"YOUNGER" => SearchKey::Younger(interval(parser)?),
        b"MODSEQ" => {
            parser.space()?;
            let entry = if parser.peek() == Some(b'"') { Some(read_entry(parser)?) } else { None };
            SearchKey::ModSeq { entry, value: parser.mod_seq()? }
        }
        [] if parser.at() == at => return Err(parser.expected("a search key")),
        _ => return Err(parser.fail_at(ParseErrorKind::Unknown("search key"), at)),
    })
}

/// The flag, whose it is, and a space behind it.
fn read_entry(cursor: &mut Cursor<'_>) -> Result<(Flag, EntryType), Box<ParseError>> {
    let at = cursor.at();
    let name = cursor.quoted()?;
    let flag = name.strip_prefix(b"/flags/").and_then(|flag| Flag::parse(flag).ok());
    let Some(flag) = flag else {
        return Err(cursor.fail_at(ParseErrorKind::Expected("a flag's metadata item"), at));
    };
    cursor.space()?;
    let entry_type = if cursor.try_eat("priv ") {
        EntryType::Private
    } else if cursor.try_eat("shared ") {
        EntryType::Shared
    } else if cursor.try_eat("all ") {
        EntryType::All
    } else {
        return Err(cursor.expected("priv, shared or all"));
    };
    Ok((flag, entry_type))
}

fn print_key(key: &SearchKey, out: &mut Encoder) {
    let word = key.word();
    out.text(word);
    match key {
        SearchKey::Bcc(text)
        | SearchKey::Body(text)
        | SearchKey::Cc(text)
        | SearchKey::From(text)
        | SearchKey::Subject(text)
        | SearchKey::Text(text)
        | SearchKey::To(text) => {
            out.text(" ").astring(text);
        }
        SearchKey::Header { field, value } => {
            out.text(" ").astring(field).text(" ").astring(value);
        }
        SearchKey::Before(date)
        | SearchKey::On(date)
        | SearchKey::Since(date)
        | SearchKey::SentBefore(date)
        | SearchKey::SentOn(date)
        | SearchKey::SentSince(date)
        | SearchKey::SavedBefore(date)
        | SearchKey::SavedOn(date)
        | SearchKey::SavedSince(date) => {
            out.text(" ").display(date);
        }
        SearchKey::Keyword(name)
        | SearchKey::Unkeyword(name)
        | SearchKey::Filter(name)
        | SearchKey::EmailId(name)
        | SearchKey::ThreadId(name) => {
            out.text(" ").text(name.as_str());
        }
        SearchKey::Larger(size) | SearchKey::Smaller(size) => {
            out.text(" ").number(*size);
        }
        SearchKey::Older(interval) | SearchKey::Younger(interval) => {
            out.text(" ").number(interval.get().into());
        }
        SearchKey::Uid(messages) => {
            out.text(" ").messages(messages);
        }
        SearchKey::Sequence(messages) => {
            out.messages(messages);
        }
        SearchKey::ModSeq { entry, value } => {
            if let Some((flag, entry_type)) = entry {
                out.text(" \"/flags/").text(if flag.is_system() { "\\\\" } else { "" });
                out.text(flag.name()).text("\"");
                out.text(match entry_type {
                    EntryType::Private => " priv",
                    EntryType::Shared => " shared",
                    EntryType::All => " all",
                });
            }
            out.text(" ").number(value.get());
        }
        _ => {}
    }
}

impl SearchKey {
    /// The word it begins with; empty for a set and parentheses.
    fn word(&self) -> &'static str {
        match self {
            Self::And(_) | Self::Sequence(_) => "",
            Self::Or => "OR",
            Self::Not => "NOT",
            Self::All => "ALL",
            Self::Answered => "ANSWERED",
            Self::Bcc(_) => "BCC",
            Self::Before(_) => "BEFORE",
            Self::Body(_) => "BODY",
            Self::Cc(_) => "CC",
            Self::Deleted => "DELETED",
            Self::Draft => "DRAFT",
            Self::EmailId(_) => "EMAILID",
            Self::Filter(_) => "FILTER",
            Self::Flagged => "FLAGGED",
            Self::From(_) => "FROM",
            Self::Fuzzy => "FUZZY",
            Self::Header { .. } => "HEADER",
            Self::Keyword(_) => "KEYWORD",
            Self::Larger(_) => "LARGER",
            Self::ModSeq { .. } => "MODSEQ",
            Self::New => "NEW",
            Self::Old => "OLD",
            Self::Older(_) => "OLDER",
            Self::On(_) => "ON",
            Self::Recent => "RECENT",
            Self::SavedBefore(_) => "SAVEDBEFORE",
            Self::SaveDateSupported => "SAVEDATESUPPORTED",
            Self::SavedOn(_) => "SAVEDON",
            Self::SavedSince(_) => "SAVEDSINCE",
            Self::Seen => "SEEN",
            Self::SentBefore(_) => "SENTBEFORE",
            Self::SentOn(_) => "SENTON",
            Self::SentSince(_) => "SENTSINCE",
            Self::Since(_) => "SINCE",
            Self::Smaller(_) => "SMALLER",
            Self::Subject(_) => "SUBJECT",
            Self::Text(_) => "TEXT",
            Self::ThreadId(_) => "THREADID",
            Self::To(_) => "TO",
            Self::Uid(_) => "UID",
            Self::Unanswered => "UNANSWERED",
            Self::Undeleted => "UNDELETED",
            Self::Undraft => "UNDRAFT",
            Self::Unflagged => "UNFLAGGED",
            Self::Unkeyword(_) => "UNKEYWORD",
            Self::Unseen => "UNSEEN",
            Self::Younger(_) => "YOUNGER",
        }
    }
}
