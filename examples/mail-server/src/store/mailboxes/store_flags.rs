//! Changing flags.

use super::{Flags, FlagsChange, Mailbox, UidSet};
use crate::store::{Store, StoreError};

/// A message's flags after a STORE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FlagsRow {
    /// Its UID.
    pub(crate) uid: u32,
    /// Its flags now.
    pub(crate) flags: Flags,
    /// Its modseq now.
    pub(crate) modseq: u64,
    /// False when it had these flags before: its modseq stayed, and no change is told.
    pub(crate) changed: bool,
}

/// What a STORE did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StoredFlags {
    /// The messages that were there, in ascending order.
    pub(crate) rows: Vec<FlagsRow>,
    /// Those that changed after `unchanged_since`, and were left as they are (RFC 7162, `MODIFIED`).
    pub(crate) modified: UidSet,
}

impl Store {
    /// STORE (RFC 9051 section 6.4.6): all or none, but for those with a modseq greater than `unchanged_since`.
    ///
    /// Fails with `Limit` if a message or the mailbox would have too many keywords.
    pub(crate) async fn store_flags(
        &self,
        mailbox: &Mailbox,
        uids: UidSet,
        change: FlagsChange,
        unchanged_since: Option<u64>,
    ) -> Result<StoredFlags, StoreError> {
        Err(StoreError::Closed)
    }
}
