//! What mailboxes there are.

use super::{Mailbox, SpecialUse, Status};
use crate::store::{Account, Store, StoreError};

/// A name that LIST may show (RFC 9051 section 7.3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListedMailbox {
    /// The whole name.
    pub(crate) name: String,
    /// The mailbox and its status; none when it is only a level above others, or a subscription that outlived its
    /// mailbox (`\NonExistent`, and `\Noselect` for IMAP4rev1). The latter is not for a plain LIST: it has no children
    /// either.
    pub(crate) mailbox: Option<(Mailbox, Status)>,
    /// What it is for.
    pub(crate) special_use: Option<SpecialUse>,
    /// `\Subscribed`
    pub(crate) subscribed: bool,
    /// `\HasChildren`, else `\HasNoChildren`: there is a mailbox below it.
    pub(crate) has_children: bool,
}

impl Store {
    /// All names of an account: INBOX first, then in the order of the tree.
    pub(crate) async fn list_mailboxes(&self, account: &Account) -> Result<Vec<ListedMailbox>, StoreError> {
        Err(StoreError::Closed)
    }

    /// The mailbox with this name, and its status. Fails with `NotFound`.
    pub(crate) async fn find_mailbox(
        &self,
        account: &Account,
        name: &str,
    ) -> Result<(Mailbox, Status), StoreError> {
        Err(StoreError::Closed)
    }

    /// The first mailbox with a special use, and its name. Fails with `NotFound`.
    pub(crate) async fn special_mailbox(
        &self,
        account: &Account,
        special_use: SpecialUse,
    ) -> Result<(Mailbox, String), StoreError> {
        Err(StoreError::Closed)
    }
}
