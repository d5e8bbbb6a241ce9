//! Making, renaming and deleting mailboxes; subscriptions.

use super::{Mailbox, SpecialUse};
use crate::store::{Account, Store, StoreError};
use crate::time::Time;

impl Store {
    /// CREATE (RFC 9051 section 6.3.4): the levels above are made too; one `/` at the end is ignored.
    ///
    /// Fails with `Exists`, with `Invalid` for a name that cannot be, with `Limit` over
    /// [`MAX_MAILBOXES`](super::MAX_MAILBOXES). A special use may be that of another mailbox too.
    pub(crate) async fn create_mailbox(
        &self,
        account: &Account,
        name: &str,
        special_use: Option<SpecialUse>,
        now: Time,
    ) -> Result<Mailbox, StoreError> {
        Err(StoreError::Closed)
    }

    /// DELETE (RFC 9051 section 6.3.5): the mailbox goes with its messages; what is below it stays, and its name with
    /// it as one that does not exist.
    ///
    /// Fails with `NotFound`, with `HasChildren` for a name that is only a level above others, with `Invalid` for INBOX.
    pub(crate) async fn delete_mailbox(&self, account: &Account, name: &str) -> Result<(), StoreError> {
        Err(StoreError::Closed)
    }

    /// RENAME (RFC 9051 section 6.3.6): what is below follows; the levels above the new name are made. INBOX stays, and
    /// its messages go to a new mailbox; what is below INBOX stays too. Subscriptions stay with the old names.
    ///
    /// Fails with `NotFound`, with `Exists` if the new name or one below it is taken, with `Invalid` for a name that
    /// cannot be or lies below the old one.
    pub(crate) async fn rename_mailbox(
        &self,
        account: &Account,
        from: &str,
        to: &str,
        now: Time,
    ) -> Result<(), StoreError> {
        Err(StoreError::Closed)
    }

    /// SUBSCRIBE: the mailbox need not exist. Fails with `Limit` over [`MAX_MAILBOXES`](super::MAX_MAILBOXES).
    pub(crate) async fn subscribe(&self, account: &Account, name: &str) -> Result<(), StoreError> {
        Err(StoreError::Closed)
    }

    /// UNSUBSCRIBE: done also when there was no subscription.
    pub(crate) async fn unsubscribe(&self, account: &Account, name: &str) -> Result<(), StoreError> {
        Err(StoreError::Closed)
    }
}
