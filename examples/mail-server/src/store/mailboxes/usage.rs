//! How much there is, for quotas (RFC 9208).

use rusqlite::params;

use super::Mailbox;
use crate::store::{Account, Store, StoreError};

impl Store {
    /// The octets of all messages of an account, and how many octets are allowed; none: as many as there is room for.
    pub(crate) async fn usage(&self, account: &Account) -> Result<(u64, Option<u64>), StoreError> {
        let (account, quota) = (account.id, self.inner.quota);
        self.read(move |connection| {
            let query = "SELECT COALESCE(SUM(octets), 0) FROM mailboxes WHERE account_id = ?1";
            let used = connection.prepare_cached(query)?.query_row([account], |row| row.get(0))?;
            Ok((used, quota))
        })
        .await
    }

    /// The octets of the messages with `\Deleted`: what EXPUNGE would set free (RFC 9208 section 4.1.4).
    pub(crate) async fn deleted_octets(&self, mailbox: &Mailbox) -> Result<u64, StoreError> {
        let mailbox = mailbox.id;
        self.read(move |connection| {
            // 8 is `\\Deleted`.
            let query = "SELECT COALESCE(SUM(size), 0) FROM messages WHERE mailbox_id = ?1 AND flags & 8";
            Ok(connection.prepare_cached(query)?.query_row(params![mailbox], |row| row.get(0))?)
        })
        .await
    }
}
