//! SEARCH and UID SEARCH (RFC 9051 section 6.4.4 and the extensions named).

use crate::types::{Atom, Date, Messages, ModSeq};
use bytes::Bytes;
use core::num::NonZeroU32;

/// Some of the messages that would be found (RFC 9394 section 3.1): from `first` to `last`, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PartialRange {
    /// The one counted first.
    pub first: NonZeroU32,
    /// The one counted last.
    pub last: NonZeroU32,
    /// Counted from the end: `-1:-100`.
    pub from_end: bool,
}

/// What SEARCH returns (RFC 4731, RFC 5182, RFC 9394).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SearchReturn {
    /// MIN: the least number.
    pub min: bool,
    /// MAX: the greatest number.
    pub max: bool,
    /// ALL: all numbers, as a set. `RETURN ()` is read as this.
    pub all: bool,
    /// COUNT: how many there are.
    pub count: bool,
    /// SAVE: keep the result as `$`.
    pub save: bool,
    /// PARTIAL: some of the numbers.
    pub partial: Option<PartialRange>,
}

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
        /// The metadata item, such as `/flags/\\Seen`, and whose.
        entry: Option<(Bytes, EntryType)>,
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
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SearchKeys(Vec<SearchKey>);

impl SearchKeys {
    /// The keys, each before those it is about.
    pub fn as_slice(&self) -> &[SearchKey] {
        &self.0
    }
}

/// SEARCH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// The answer is in UIDs.
    pub uid: bool,
    /// What to return; `None`: the numbers, in the form of RFC 3501 if that is spoken.
    pub return_options: Option<SearchReturn>,
    /// The charset of the strings; `None`: US-ASCII, or UTF-8 if that was enabled.
    pub charset: Option<Bytes>,
    /// What to look for.
    pub keys: SearchKeys,
}
