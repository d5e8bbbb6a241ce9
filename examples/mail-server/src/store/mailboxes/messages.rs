//! Copying, moving and removing messages.

use super::{Mailbox, UidSet};
use crate::store::{Store, StoreError};
use crate::time::Time;

/// What came of a COPY or MOVE (RFC 9051 section 7.1, `COPYUID`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Copied {
    /// The UIDVALIDITY of the mailbox they are in now.
    pub(crate) uidvalidity: u32,
    /// The old UID of each and its new one, both ascending; those that were not there are left out.
    pub(crate) uids: Vec<(u32, u32)>,
    /// After a move: the modseq of the removal from the old mailbox (RFC 7162 section 3.2.10); 0 when nothing was moved.
    pub(crate) removed_modseq: u64,
}

/// What was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Removed {
    /// These.
    pub(crate) uids: UidSet,
    /// The mailbox's HIGHESTMODSEQ after it.
    pub(crate) highestmodseq: u64,
}

impl Store {
    /// COPY (RFC 9051 section 6.4.7), all or none; both mailboxes may be the same. The octets are shared; flags and
    /// INTERNALDATE stay.
    ///
    /// Fails with `NotFound` when either mailbox is gone, with `OverQuota` and `Limit` (keywords). Mailboxes of different
    /// accounts are `Invalid`.
    pub(crate) async fn copy_messages(
        &self,
        from: &Mailbox,
        uids: UidSet,
        to: &Mailbox,
        now: Time,
    ) -> Result<Copied, StoreError> {
        Err(StoreError::Closed)
    }

    /// MOVE (RFC 9051 section 6.4.8): as [`Store::copy_messages`], and they are gone from the old mailbox. The quota does
    /// not matter, for nothing is added.
    pub(crate) async fn move_messages(
        &self,
        from: &Mailbox,
        uids: UidSet,
        to: &Mailbox,
        now: Time,
    ) -> Result<Copied, StoreError> {
        Err(StoreError::Closed)
    }

    /// EXPUNGE and UID EXPUNGE (RFC 9051 sections 6.4.3 and 6.4.9): removes those of `uids` that have `\Deleted`
    /// ([`UidSet::all`] for all).
    pub(crate) async fn expunge(&self, mailbox: &Mailbox, uids: UidSet) -> Result<Removed, StoreError> {
        Err(StoreError::Closed)
    }

    /// Removes messages, whatever their flags.
    pub(crate) async fn remove_messages(
        &self,
        mailbox: &Mailbox,
        uids: UidSet,
    ) -> Result<Removed, StoreError> {
        Err(StoreError::Closed)
    }
}
