//! A mailbox that is selected: how it was, and what changes from then on.

use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::watch;

use super::list::find;
use super::{Changes, Mailbox, UidSet, canonical_name};
use crate::store::{Account, Store, StoreError};

/// A mailbox at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// The UIDs of all messages.
    pub(crate) uids: UidSet,
    /// `UIDNEXT`; one more than a UID can be when there is none left.
    pub(crate) uidnext: u64,
    /// `HIGHESTMODSEQ`: what has a greater modseq is not in it.
    pub(crate) highestmodseq: u64,
    /// The keywords that messages in it may have.
    pub(crate) keywords: Vec<Arc<str>>,
    /// The UID of the first message without `\Seen`.
    pub(crate) first_unseen: Option<u32>,
    /// How many are without `\Seen`.
    pub(crate) unseen: u32,
}

/// A mailbox with all that happens to it: the changes go on exactly where the snapshot ends.
#[derive(Debug)]
pub(crate) struct OpenMailbox {
    /// Which.
    pub(crate) mailbox: Mailbox,
    /// Its name when it was opened.
    pub(crate) name: String,
    /// How it was.
    pub(crate) snapshot: Snapshot,
    /// What happened since.
    pub(crate) changes: Changes,
}

impl Store {
    /// Opens a mailbox, as SELECT and EXAMINE do. Fails with `NotFound`.
    pub(crate) async fn open_mailbox(
        &self,
        account: &Account,
        name: &str,
    ) -> Result<OpenMailbox, StoreError> {
        let (account, name) = (account.id, canonical_name(name)?);
        let hub = Arc::clone(&self.inner.hub);
        self.read(move |connection| {
            let (mailbox, _) = find(connection, account, &name)?.ok_or(StoreError::NotFound)?;
            let mut changes = hub.subscribe(mailbox);
            let snapshot = snapshot(connection, mailbox)?;
            changes.start_after(snapshot.highestmodseq);
            Ok(OpenMailbox { mailbox, name, snapshot, changes })
        })
        .await
    }

    /// After [`Next::Lagged`](super::Next::Lagged): the mailbox as it is now; `changes` go on from there.
    ///
    /// Fails with `NotFound` when it is gone. What changed in flags since is in [`Store::message_rows`] with
    /// `changed_since`, what was removed is in [`Store::vanished`] or is missing from the snapshot.
    pub(crate) async fn resynchronise(&self, changes: &mut Changes) -> Result<Snapshot, StoreError> {
        // If this future is dropped half way, they still lag.
        changes.skip_to_end();
        let mailbox = changes.mailbox();
        let snapshot = self.read(move |connection| snapshot(connection, mailbox)).await?;
        changes.start_after(snapshot.highestmodseq);
        Ok(snapshot)
    }

    /// Changes whenever something in any mailbox of an account does: messages, flags, names, subscriptions.
    pub(crate) fn account_changes(&self, account: &Account) -> watch::Receiver<u64> {
        self.inner.hub.account_feed(account.id)
    }
}

fn snapshot(connection: &Connection, mailbox: Mailbox) -> Result<Snapshot, StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let query = "SELECT uidnext, highestmodseq, unseen FROM mailboxes WHERE id = ?1";
    let mut snapshot = transaction.prepare_cached(query)?.query_row([mailbox.id], |row| {
        Ok(Snapshot {
            uids: UidSet::default(),
            uidnext: row.get(0)?,
            highestmodseq: row.get(1)?,
            keywords: Vec::new(),
            first_unseen: None,
            unseen: row.get(2)?,
        })
    })?;
    let query = "SELECT uid, flags FROM messages WHERE mailbox_id = ?1 ORDER BY uid";
    let mut statement = transaction.prepare_cached(query)?;
    let mut rows = statement.query([mailbox.id])?;
    while let Some(row) = rows.next()? {
        let uid = row.get(0)?;
        snapshot.uids.push(uid);
        // 1 is `\\Seen`.
        if snapshot.first_unseen.is_none() && row.get::<_, i64>(1)? & 1 == 0 {
            snapshot.first_unseen = Some(uid);
        }
    }
    let query = "SELECT name FROM keywords WHERE mailbox_id = ?1 ORDER BY name";
    let mut statement = transaction.prepare_cached(query)?;
    let rows = statement.query_map([mailbox.id], |row| row.get(0))?;
    snapshot.keywords = rows.collect::<Result<_, _>>()?;
    Ok(snapshot)
}
