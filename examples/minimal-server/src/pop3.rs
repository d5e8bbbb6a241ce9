//! Mail goes out, the simple way: one look at the mailbox, and at the end some of it is deleted.

use crate::store::{Inbox, Inboxes, Message};
use bytes::Bytes;
use postroad_pop3::response::Rejection;
use postroad_pop3::types::{Maildrop, MessageNumber, Password, UniqueId};
use postroad_tokio::pop3::{Handler, NotRemoved};
use std::sync::Arc;
use tokio::sync::OwnedMutexGuard;

/// One connection.
pub(crate) struct Office(pub(crate) Inboxes);

/// The maildrop as it was at login; what comes later is not in it. Dropping it frees the lock, and deletes nothing.
pub(crate) struct Snapshot {
    inbox: Arc<Inbox>,
    messages: Vec<(u32, Message)>,
    _lock: OwnedMutexGuard<()>,
}

impl Handler for Office {
    type Locked = Snapshot;
    type Message = Option<Bytes>;

    async fn login(&mut self, name: &str, password: &Password) -> Result<(Snapshot, Maildrop), Rejection> {
        let inbox = self.0.get(name).filter(|inbox| inbox.password == password.expose());
        let inbox = inbox.ok_or_else(Rejection::auth)?.clone();
        let lock = inbox.maildrop.clone().try_lock_owned().map_err(|_| Rejection::in_use())?;
        let (mut maildrop, messages) = (Maildrop::new(), inbox.messages(|_| true));
        for (uid, message) in &messages {
            // From the UID, so that it is the same in every session.
            maildrop.push(message.octets.len() as u64, UniqueId::from_uid(inbox.uid_validity, *uid));
        }
        Ok((Snapshot { inbox, messages, _lock: lock }, maildrop))
    }

    async fn retrieve(
        &mut self,
        locked: &mut Snapshot,
        number: MessageNumber,
        _lines: Option<u32>, // of TOP; the session stops by itself
    ) -> Result<Option<Bytes>, Rejection> {
        let (_, message) = locked.messages.get(number.index()).ok_or_else(Rejection::temporary)?;
        Ok(Some(message.octets.clone()))
    }

    /// Asked until there is no more, as fast as the client reads. In memory a message is one chunk.
    async fn chunk(&mut self, message: &mut Option<Bytes>) -> std::io::Result<Option<Bytes>> {
        Ok(message.take())
    }

    /// QUIT: only now is deleted what DELE has marked, and every IMAP session hears of it.
    async fn update(&mut self, locked: Snapshot, deleted: &[MessageNumber]) -> Result<(), NotRemoved> {
        let uid = |number: &MessageNumber| Some(locked.messages.get(number.index())?.0);
        let gone: Vec<u32> = deleted.iter().filter_map(uid).collect();
        locked.inbox.remove(|uid, _| gone.contains(&uid));
        Ok(())
    }
}
