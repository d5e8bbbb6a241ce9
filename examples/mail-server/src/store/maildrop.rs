//! A maildrop as POP3 sees it (RFC 1939): the INBOX, locked, as it was when the session began.

use rusqlite::OptionalExtension as _;

use super::error::StoreError;
use super::{Account, MessageReader, Store};

/// One message of a maildrop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MaildropEntry {
    /// Its UID in the INBOX.
    pub(crate) uid: u32,
    /// Its octets.
    pub(crate) size: u64,
}

/// An open maildrop; nobody else can open it until this is dropped. What arrives meanwhile is not in it.
#[derive(Debug)]
pub(crate) struct Maildrop {
    store: Store,
    account: i64,
    mailbox: i64,
    uidvalidity: u32,
    entries: Vec<MaildropEntry>,
}

impl Store {
    /// Opens an account's maildrop. [`StoreError::InUse`]: another session has it.
    pub(crate) async fn open_maildrop(&self, account: &Account) -> Result<Maildrop, StoreError> {
        let account = account.id;
        if !self.inner.maildrops.take(account) {
            return Err(StoreError::InUse);
        }
        // From here on a drop gives the lock back.
        let mut maildrop =
            Maildrop { store: self.clone(), account, mailbox: 0, uidvalidity: 0, entries: Vec::new() };
        let found = self
            .read(move |connection| {
                let query = "SELECT id, uidvalidity FROM mailboxes WHERE account_id = ?1 AND name = 'INBOX'";
                let (mailbox, uidvalidity): (i64, u32) = connection
                    .prepare_cached(query)?
                    .query_row([account], |row| Ok((row.get(0)?, row.get(1)?)))?;
                let query = "SELECT uid, size FROM messages WHERE mailbox_id = ?1 ORDER BY uid";
                let mut statement = connection.prepare_cached(query)?;
                let rows = statement
                    .query_map([mailbox], |row| Ok(MaildropEntry { uid: row.get(0)?, size: row.get(1)? }))?;
                Ok((mailbox, uidvalidity, rows.collect::<Result<Vec<_>, _>>()?))
            })
            .await?;
        (maildrop.mailbox, maildrop.uidvalidity, maildrop.entries) = found;
        Ok(maildrop)
    }
}

impl Maildrop {
    /// The messages; message number 1 is the first.
    pub(crate) fn entries(&self) -> &[MaildropEntry] {
        &self.entries
    }

    /// The unique-id of the message at `index` (RFC 1939 section 7): never given to another message.
    pub(crate) fn unique_id(&self, index: usize) -> Option<String> {
        self.entries.get(index).map(|entry| format!("{}.{}", self.uidvalidity, entry.uid))
    }

    /// Reads the message at `index`.
    pub(crate) async fn read(&self, index: usize) -> Result<MessageReader, StoreError> {
        let entry = *self.entries.get(index).ok_or(StoreError::NotFound)?;
        let mailbox = self.mailbox;
        let (blob, prefix) = self
            .store
            .read(move |connection| {
                let query = "SELECT blob_id, prefix FROM messages WHERE mailbox_id = ?1 AND uid = ?2";
                let mut statement = connection.prepare_cached(query)?;
                let found = statement.query_row((mailbox, entry.uid), |row| Ok((row.get(0)?, row.get(1)?)));
                found.optional()?.ok_or(StoreError::NotFound)
            })
            .await?;
        Ok(self.store.reader(blob, prefix, entry.size))
    }

    /// The UPDATE state: deletes the messages at these indexes, all or none, and closes the maildrop.
    pub(crate) async fn update(self, deleted: &[usize]) -> Result<(), StoreError> {
        let uids: Vec<u32> = deleted.iter().filter_map(|index| Some(self.entries.get(*index)?.uid)).collect();
        if uids.is_empty() {
            return Ok(());
        }
        let mailbox = self.mailbox;
        self.store
            .write(move |connection| {
                let delete = "DELETE FROM messages WHERE mailbox_id = ?1 AND uid = ?2";
                let mut statement = connection.prepare_cached(delete)?;
                for uid in &uids {
                    statement.execute((mailbox, uid))?;
                }
                Ok(())
            })
            .await
    }
}

impl Drop for Maildrop {
    fn drop(&mut self) {
        self.store.inner.maildrops.held().remove(&self.account);
    }
}
