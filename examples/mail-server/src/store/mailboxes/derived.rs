//! What was worked out from a message's octets, kept beside it.

use bytes::Bytes;

use super::Mailbox;
use crate::store::{Store, StoreError};

/// The octets that may be kept for one message; larger values are not kept.
pub(crate) const MAX_DERIVED: usize = 64 * 1024;

impl Store {
    /// Keeps what was derived from messages, in a `format` that the caller numbers: read it with
    /// [`Choice::derived`](super::Choice). One value for each message and its copies; another format replaces it, and
    /// it goes with the message. UIDs that are gone are passed over.
    pub(crate) async fn put_derived(
        &self,
        mailbox: &Mailbox,
        format: u32,
        values: Vec<(u32, Bytes)>,
    ) -> Result<(), StoreError> {
        Err(StoreError::Closed)
    }
}
