//! What was worked out from a message's octets, kept beside it.

use bytes::Bytes;
use rusqlite::params;

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
        let mailbox = *mailbox;
        self.write(move |connection| {
            let insert = "INSERT INTO derived (blob_id, prefix, format, data)
                          SELECT blob_id, prefix, ?3, ?4 FROM messages WHERE mailbox_id = ?1 AND uid = ?2
                          ON CONFLICT (blob_id, prefix) DO UPDATE SET format = ?3, data = ?4";
            let mut statement = connection.prepare_cached(insert)?;
            for (uid, data) in values.iter().filter(|(_, data)| data.len() <= MAX_DERIVED) {
                statement.execute(params![mailbox.id, uid, format, data.as_ref()])?;
            }
            Ok(())
        })
        .await
    }
}
