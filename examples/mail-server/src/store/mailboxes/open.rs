//! A mailbox that is selected: how it was, and what changes from then on.

use std::sync::Arc;

use tokio::sync::watch;

use super::{Changes, Mailbox, UidSet};
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
        Err(StoreError::Closed)
    }

    /// After [`Next::Lagged`](super::Next::Lagged): the mailbox as it is now; `changes` go on from there.
    ///
    /// What changed in flags since is in [`Store::message_rows`] with `changed_since`.
    pub(crate) async fn resynchronise(&self, changes: &mut Changes) -> Result<Snapshot, StoreError> {
        Err(StoreError::Closed)
    }

    /// Changes whenever something in any mailbox of an account does: messages, flags, names, subscriptions.
    pub(crate) fn account_changes(&self, account: &Account) -> watch::Receiver<u64> {
        watch::channel(0).1
    }
}
