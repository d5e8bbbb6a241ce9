//! Mailboxes as IMAP and the webmail need them.
//!
//! - Names form a tree by `/`; a name with nothing but children is listed and does not exist ([`ListedMailbox`]).
//! - Each mailbox counts its changes (`modseq`, RFC 7162). Every change of one mailbox reaches every
//!   [`OpenMailbox`] in that order, each once, and before the call that made it returns.
//! - UIDs only go up, and no two mailboxes ever have the same UIDVALIDITY: nothing that was given out returns.
//! - A write returns once it is on the disk; what it does to several messages it does to all or none.

mod append;
mod change;
mod changes;
mod derived;
mod flags;
mod hierarchy;
mod keywords;
mod list;
mod messages;
mod name;
mod open;
mod rows;
mod store_flags;
mod uids;
mod usage;

pub(super) use append::deliver_to_inbox;
pub(crate) use append::{Appended, NewMessage};
pub(crate) use changes::{Change, Changes, Next};
pub(super) use changes::{Hub, Published};
pub(crate) use derived::MAX_DERIVED;
pub(crate) use flags::{
    Flags, FlagsChange, MAX_KEYWORD, MAX_MAILBOX_KEYWORDS, MAX_MESSAGE_KEYWORDS, SystemFlags,
};
pub(super) use hierarchy::{make_defaults, tell_all_deleted};
pub(crate) use list::ListedMailbox;
pub(super) use list::inbox;
pub(crate) use messages::{Copied, Removed};
pub(crate) use name::{DELIMITER, MAX_DEPTH, MAX_NAME, canonical_name};
pub(crate) use open::{OpenMailbox, Snapshot};
pub(crate) use rows::{Choice, MessageRow, Rows};
pub(crate) use store_flags::{FlagsRow, StoredFlags};
pub(crate) use uids::UidSet;

/// The mailboxes of one account at most.
pub(crate) const MAX_MAILBOXES: u32 = 10_000;

/// A mailbox that was found. It stays the same mailbox when it is renamed; once it is deleted every call with it
/// fails with `NotFound`, also when another takes its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Mailbox {
    id: i64,
    account: i64,
    uidvalidity: u32,
}

impl Mailbox {
    /// The MAILBOXID (RFC 8474): an `objectid`, never given to another mailbox.
    pub(crate) fn object_id(&self) -> String {
        format!("F{}", self.id)
    }

    /// The store's number for it; never used again.
    pub(super) fn id(&self) -> i64 {
        self.id
    }

    /// The UIDVALIDITY: never given to another mailbox.
    pub(crate) fn uidvalidity(&self) -> u32 {
        self.uidvalidity
    }
}

/// What STATUS tells of a mailbox (RFC 9051 section 6.3.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Status {
    /// `MESSAGES`
    pub(crate) messages: u32,
    /// `UIDNEXT`; one more than a UID can be when there is none left.
    pub(crate) uidnext: u64,
    /// `UIDVALIDITY`
    pub(crate) uidvalidity: u32,
    /// `UNSEEN`: how many are without `\Seen`.
    pub(crate) unseen: u32,
    /// `DELETED`: how many are with `\Deleted`.
    pub(crate) deleted: u32,
    /// `SIZE`: the octets of all messages.
    pub(crate) size: u64,
    /// `HIGHESTMODSEQ` (RFC 7162).
    pub(crate) highestmodseq: u64,
}

/// What a mailbox is for (RFC 6154). `\All` and `\Flagged` are not offered: they are views, not mailboxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum SpecialUse {
    /// `\Archive`
    Archive,
    /// `\Drafts`
    Drafts,
    /// `\Junk`
    Junk,
    /// `\Sent`
    Sent,
    /// `\Trash`
    Trash,
}

impl SpecialUse {
    /// All of them.
    pub(crate) const ALL: [Self; 5] = [Self::Archive, Self::Drafts, Self::Junk, Self::Sent, Self::Trash];

    /// The attribute, with its backslash.
    pub(crate) fn attribute(self) -> &'static str {
        match self {
            Self::Archive => "\\Archive",
            Self::Drafts => "\\Drafts",
            Self::Junk => "\\Junk",
            Self::Sent => "\\Sent",
            Self::Trash => "\\Trash",
        }
    }

    /// The use with this attribute, in either case.
    pub(crate) fn from_attribute(attribute: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.attribute().eq_ignore_ascii_case(attribute))
    }

    /// The name of the mailbox that every new account has for it.
    pub(crate) fn default_name(self) -> &'static str {
        &self.attribute()[1..]
    }
}

impl rusqlite::types::FromSql for SpecialUse {
    fn column_result(value: rusqlite::types::ValueRef<'_>) -> rusqlite::types::FromSqlResult<Self> {
        Self::from_attribute(value.as_str()?).ok_or(rusqlite::types::FromSqlError::InvalidType)
    }
}

#[cfg(test)]
mod tests;
