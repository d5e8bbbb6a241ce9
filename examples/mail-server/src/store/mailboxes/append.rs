//! APPEND.

use super::{Flags, Mailbox};
use crate::store::{Spooled, Store, StoreError};
use crate::time::Time;

/// A message to append.
#[derive(Debug)]
pub(crate) struct NewMessage {
    /// Its octets.
    pub(crate) message: Spooled,
    /// Its flags.
    pub(crate) flags: Flags,
    /// INTERNALDATE; none: now.
    pub(crate) internal_date: Option<Time>,
}

/// What came of an APPEND (RFC 9051 section 7.1, `APPENDUID`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Appended {
    /// The mailbox's UIDVALIDITY.
    pub(crate) uidvalidity: u32,
    /// The UIDs in the order of the messages: ascending, one after the other.
    pub(crate) uids: Vec<u32>,
    /// The modseq of all of them.
    pub(crate) modseq: u64,
}

impl Store {
    /// APPEND and MULTIAPPEND (RFC 3502): all or none.
    ///
    /// Fails with `NotFound`, `OverQuota` and `Limit` (keywords).
    pub(crate) async fn append(
        &self,
        mailbox: &Mailbox,
        messages: Vec<NewMessage>,
        now: Time,
    ) -> Result<Appended, StoreError> {
        Err(StoreError::Closed)
    }
}
