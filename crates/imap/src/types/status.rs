use crate::grammar::Cursor;
use core::fmt;
use postroad_core::{ParseError, ParseErrorKind};

/// What STATUS asks for (RFC 9051 section 6.3.11 and the extensions named).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StatusItem {
    /// How many messages there are.
    Messages,
    /// How many are `\Recent` (RFC 3501).
    Recent,
    /// The UID that the next message will have at least.
    UidNext,
    /// The UIDVALIDITY.
    UidValidity,
    /// How many messages are not `\Seen`.
    Unseen,
    /// How many are `\Deleted`.
    Deleted,
    /// How many octets they have.
    Size,
    /// The greatest mod-sequence (RFC 7162).
    HighestModSeq,
    /// How many octets a message may have that is appended (RFC 7889).
    AppendLimit,
    /// The mailbox's own identifier (RFC 8474).
    MailboxId,
    /// How many octets EXPUNGE would set free (RFC 9208).
    DeletedStorage,
}

impl StatusItem {
    const NAMES: [(&'static str, Self); 11] = [
        ("MESSAGES", Self::Messages),
        ("UIDNEXT", Self::UidNext),
        ("UIDVALIDITY", Self::UidValidity),
        ("UNSEEN", Self::Unseen),
        ("RECENT", Self::Recent),
        ("DELETED", Self::Deleted),
        ("SIZE", Self::Size),
        ("HIGHESTMODSEQ", Self::HighestModSeq),
        ("APPENDLIMIT", Self::AppendLimit),
        ("MAILBOXID", Self::MailboxId),
        ("DELETED-STORAGE", Self::DeletedStorage),
    ];

    /// The item of this name, in any case.
    pub fn of_name(name: &[u8]) -> Option<Self> {
        Self::NAMES
            .iter()
            .find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name))
            .map(|&(_, item)| item)
    }

    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Box<ParseError>> {
        let at = cursor.at();
        let name = cursor.word()?;
        Self::of_name(name).ok_or_else(|| cursor.fail_at(ParseErrorKind::Unknown("status item"), at))
    }

    /// The name.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|&&(_, item)| item == self).map_or("", |(name, _)| name)
    }
}

impl fmt::Display for StatusItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
