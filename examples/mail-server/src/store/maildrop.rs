//! A maildrop as POP3 sees it (RFC 1939): the INBOX, locked, as it was when the session began.

use super::error::StoreError;
use super::mailboxes::{Mailbox, UidSet, inbox};
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
    lock: MaildropLock,
    mailbox: Mailbox,
    entries: Vec<MaildropEntry>,
}

/// Gives the maildrop back when it is dropped.
#[derive(Debug)]
struct MaildropLock {
    store: Store,
    account: i64,
}

impl Drop for MaildropLock {
    fn drop(&mut self) {
        self.store.inner.maildrops.held().remove(&self.account);
    }
}

impl Store {
    /// Opens an account's maildrop. [`StoreError::InUse`]: another session has it.
    pub(crate) async fn open_maildrop(&self, account: &Account) -> Result<Maildrop, StoreError> {
        let account = account.id;
        if !self.inner.maildrops.take(account) {
            return Err(StoreError::InUse);
        }
        let lock = MaildropLock { store: self.clone(), account };
        let (mailbox, entries) = self
            .read(move |connection| {
                let mailbox = inbox(connection, account)?;
                let query = "SELECT uid, size FROM messages WHERE mailbox_id = ?1 ORDER BY uid";
                let mut statement = connection.prepare_cached(query)?;
                let rows = statement.query_map([mailbox.id()], |row| {
                    Ok(MaildropEntry { uid: row.get(0)?, size: row.get(1)? })
                })?;
                Ok((mailbox, rows.collect::<Result<Vec<_>, _>>()?))
            })
            .await?;
        Ok(Maildrop { lock, mailbox, entries })
    }
}

impl Maildrop {
    /// The messages; message number 1 is the first.
    pub(crate) fn entries(&self) -> &[MaildropEntry] {
        &self.entries
    }

    /// The unique-id of the message at `index` (RFC 1939 section 7): never given to another message.
    pub(crate) fn unique_id(&self, index: usize) -> Option<String> {
        self.entries.get(index).map(|entry| format!("{}.{}", self.mailbox.uidvalidity(), entry.uid))
    }

    /// Reads the message at `index`.
    pub(crate) async fn read(&self, index: usize) -> Result<MessageReader, StoreError> {
        let entry = self.entries.get(index).ok_or(StoreError::NotFound)?;
        self.lock.store.read_message(&self.mailbox, entry.uid).await
    }

    /// The UPDATE state: deletes the messages at these indexes, all or none, and closes the maildrop.
    pub(crate) async fn update(self, deleted: &[usize]) -> Result<(), StoreError> {
        let uids: UidSet = deleted.iter().filter_map(|index| Some(self.entries.get(*index)?.uid)).collect();
        if uids.is_empty() {
            return Ok(());
        }
        match self.lock.store.remove_messages(&self.mailbox, uids).await {
            // The account is gone, and its messages with it.
            Err(StoreError::NotFound) => Ok(()),
            removed => removed.map(drop),
        }
    }
}
