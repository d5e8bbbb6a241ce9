//! Mail goes out, the simple way: a snapshot of the mailbox, read and perhaps deleted.

use crate::store::{Account, Message, Store};
use bytes::Bytes;
use postroad_imap::types::UidSet;
use postroad_pop3::response::Rejection;
use postroad_pop3::types::{Maildrop, MessageNumber, Password, UniqueId};
use postroad_tokio::pop3::{Handler, NotRemoved};
use std::sync::Arc;
use tokio::sync::OwnedMutexGuard;

/// One connection.
pub struct Office {
    pub store: Arc<Store>,
}

/// The maildrop as it was at login; what comes later is not in it. Dropping it releases the lock, and deletes nothing.
pub struct Snapshot {
    account: Arc<Account>,
    messages: Vec<(u32, Message)>,
    _lock: OwnedMutexGuard<()>,
}

impl Handler for Office {
    type Locked = Snapshot;
    type Message = Option<Bytes>;

    async fn login(&mut self, name: &str, password: &Password) -> Result<(Snapshot, Maildrop), Rejection> {
        let account = self.store.accounts.get(name).filter(|account| account.password == password.expose());
        let account = account.ok_or_else(Rejection::auth)?.clone();
        let lock = account.inbox.maildrop.clone().try_lock_owned().map_err(|_| Rejection::in_use())?;
        let messages = account.inbox.messages(None);
        let mut maildrop = Maildrop::new();
        for (uid, message) in &messages {
            // From the UID, so that it is the same in every session.
            maildrop.push(message.octets.len() as u64, UniqueId::from_uid(account.inbox.uid_validity, *uid));
        }
        Ok((Snapshot { account, messages, _lock: lock }, maildrop))
    }

    async fn retrieve(
        &mut self,
        locked: &mut Snapshot,
        number: MessageNumber,
        _lines: Option<u32>,
    ) -> Result<Option<Bytes>, Rejection> {
        let message = locked.messages.get(number.index()).ok_or_else(Rejection::temporary)?;
        Ok(Some(message.1.octets.clone()))
    }

    /// Asked for until there is nothing more, as fast as the client reads. This is the one chunk of a message in memory.
    async fn chunk(&mut self, message: &mut Option<Bytes>) -> std::io::Result<Option<Bytes>> {
        Ok(message.take())
    }

    /// QUIT: only now what was marked by DELE is deleted, and every IMAP session hears of it.
    async fn update(&mut self, locked: Snapshot, deleted: &[MessageNumber]) -> Result<(), NotRemoved> {
        let uid = |number: &MessageNumber| locked.messages.get(number.index()).map(|(uid, _)| *uid);
        let gone: UidSet = deleted.iter().filter_map(uid).collect();
        locked.account.inbox.remove(|uid, _| gone.contains(uid));
        Ok(())
    }
}
