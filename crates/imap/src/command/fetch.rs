//! FETCH and UID FETCH (RFC 9051 section 6.4.5 and the extensions named).

use super::search::PartialRange;
use crate::types::{Messages, ModSeq, Partial, Section};
use core::num::NonZeroU32;

/// What FETCH tells of a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FetchItem {
    /// ENVELOPE.
    Envelope,
    /// FLAGS.
    Flags,
    /// INTERNALDATE.
    InternalDate,
    /// UID.
    Uid,
    /// RFC822.SIZE.
    Size,
    /// BODY: the structure without extension data.
    Body,
    /// BODYSTRUCTURE.
    BodyStructure,
    /// RFC822 (RFC 3501): as `BODY[]`.
    Rfc822,
    /// RFC822.HEADER (RFC 3501): as `BODY.PEEK[HEADER]`.
    Rfc822Header,
    /// RFC822.TEXT (RFC 3501): as `BODY[TEXT]`.
    Rfc822Text,
    /// `BODY[…]` and `BODY.PEEK[…]`.
    Section {
        /// Do not set `\Seen`.
        peek: bool,
        /// Which part.
        section: Section,
        /// Only some octets of it.
        partial: Option<Partial>,
    },
    /// `BINARY[…]` and `BINARY.PEEK[…]`: a part with its transfer encoding undone.
    Binary {
        /// Do not set `\Seen`.
        peek: bool,
        /// The part numbers, none for the whole message.
        part: Vec<NonZeroU32>,
        /// Only some octets of it.
        partial: Option<Partial>,
    },
    /// `BINARY.SIZE[…]`: how many octets that would be.
    BinarySize {
        /// The part numbers.
        part: Vec<NonZeroU32>,
    },
    /// MODSEQ (RFC 7162).
    ModSeq,
    /// PREVIEW (RFC 8970).
    Preview {
        /// Only if it costs nothing.
        lazy: bool,
    },
    /// EMAILID (RFC 8474).
    EmailId,
    /// THREADID (RFC 8474).
    ThreadId,
    /// SAVEDATE (RFC 8514).
    SaveDate,
}

/// FETCH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// `messages` are UIDs.
    pub uid: bool,
    /// Which messages.
    pub messages: Messages,
    /// What to tell, at least one. ALL, FAST and FULL are read as what they stand for.
    pub items: Vec<FetchItem>,
    /// Only of messages that changed since (RFC 7162 section 3.1.4.1).
    pub changed_since: Option<ModSeq>,
    /// Tell also what was expunged since (RFC 7162 section 3.2.6); only with UIDs and `changed_since`.
    pub vanished: bool,
    /// Only these of the messages (RFC 9394); only with UIDs.
    pub partial: Option<PartialRange>,
}

impl Fetch {
    /// FETCH of `items`, without modifiers.
    pub fn new(uid: bool, messages: impl Into<Messages>, items: Vec<FetchItem>) -> Self {
        Self { uid, messages: messages.into(), items, changed_since: None, vanished: false, partial: None }
    }
}
