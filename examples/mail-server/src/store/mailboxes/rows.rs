//! Reading what is known of messages, in batches, and their octets.

use bytes::Bytes;

use super::{Flags, Mailbox, UidSet};
use crate::store::{MessageReader, Store, StoreError};
use crate::time::Time;

/// What is known of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MessageRow {
    /// Its UID.
    pub(crate) uid: u32,
    /// Its flags.
    pub(crate) flags: Flags,
    /// When it last changed (RFC 7162).
    pub(crate) modseq: u64,
    /// INTERNALDATE; copies keep it.
    pub(crate) internal_date: Time,
    /// SAVEDATE (RFC 8514): when it came into this mailbox; none if that is not known.
    pub(crate) saved_date: Option<Time>,
    /// Its octets.
    pub(crate) size: u64,
    /// What was kept with [`Store::put_derived`], if it was asked for and is there.
    pub(crate) derived: Option<Bytes>,
    pub(super) email_id: i64,
}

impl MessageRow {
    /// The EMAILID (RFC 8474): an `objectid`, the same for copies of one message within an account.
    pub(crate) fn email_id(&self) -> String {
        format!("M{}", self.email_id)
    }
}

/// Which messages, and what of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    /// Among these.
    pub(crate) uids: UidSet,
    /// Those with a greater modseq only (RFC 7162, `CHANGEDSINCE`).
    pub(crate) changed_since: Option<u64>,
    /// With what is derived from them in this format.
    pub(crate) derived: Option<u32>,
}

/// Rows in ascending order of their UIDs, read in bounded batches.
///
/// Each batch is of one moment, but not of the same as the one before.
#[derive(Debug)]
pub(crate) struct Rows {
    store: Store,
    mailbox: Mailbox,
    choice: Choice,
}

impl Rows {
    /// The next rows, at most 1000 and at most a few MiB; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<MessageRow>>, StoreError> {
        Err(StoreError::Closed)
    }
}

impl Store {
    /// Reads what is known of messages; UIDs that no message has are left out. Reads nothing before the first `next`.
    pub(crate) fn message_rows(&self, mailbox: &Mailbox, choice: Choice) -> Rows {
        Rows { store: self.clone(), mailbox: *mailbox, choice }
    }

    /// One message's octets. Its first 64 KiB are read at once, so that a small message or a header needs no second
    /// visit. Fails with `NotFound`.
    pub(crate) async fn read_message(
        &self,
        mailbox: &Mailbox,
        uid: u32,
    ) -> Result<MessageReader, StoreError> {
        Err(StoreError::Closed)
    }

    /// Those of `known` that were removed after `since`, for QRESYNC's VANISHED (EARLIER) (RFC 7162 section 3.2.5.1).
    ///
    /// Removals are kept for a bounded while; before that, all of `known` that are not there count as removed after it.
    pub(crate) async fn vanished(
        &self,
        mailbox: &Mailbox,
        since: u64,
        known: UidSet,
    ) -> Result<UidSet, StoreError> {
        Err(StoreError::Closed)
    }
}
