//! Mail comes in. The session keeps the order of the commands; the recipients are ours to keep.

use crate::store::{Inbox, Inboxes, Message, now};
use bytes::{Bytes, BytesMut};
use postroad_core::Domain;
use postroad_imap::types::DateTime;
use postroad_smtp::reply::{Rejection, ReplyText};
use postroad_smtp::types::ForwardPath;
use postroad_tokio::smtp::Handler;
use std::sync::Arc;

/// One connection.
pub(crate) struct Intake {
    pub(crate) inboxes: Inboxes,
    pub(crate) domain: Domain,
    pub(crate) recipients: Vec<Arc<Inbox>>,
}

impl Handler for Intake {
    type Message = BytesMut;

    /// Without this every recipient is refused: whoever takes mail for anybody is an open relay.
    async fn rcpt(&mut self, to: &ForwardPath) -> Result<(), Rejection> {
        let ours = to.mailbox().filter(|mailbox| *mailbox.domain() == self.domain);
        let name = ours.ok_or_else(Rejection::relay_denied)?.local_part_unquoted();
        let inbox = self.inboxes.get(&*name).ok_or_else(Rejection::mailbox_unavailable)?;
        // Asked here, for behind the message there is one answer for all recipients.
        if inbox.is_full() {
            return Err(Rejection::over_quota());
        }
        if !self.recipients.iter().any(|known| Arc::ptr_eq(known, inbox)) {
            self.recipients.push(inbox.clone());
        }
        Ok(())
    }

    async fn data(&mut self) -> Result<BytesMut, Rejection> {
        Ok(BytesMut::new())
    }

    /// Dots are undone, and of what is over the limit no more comes here: the session answers by itself.
    async fn body(&mut self, message: &mut BytesMut, chunk: Bytes) -> Result<(), Rejection> {
        message.extend_from_slice(&chunk);
        Ok(())
    }

    /// With this answer the message is ours to lose. A real server has it on its disk by now.
    async fn finish(&mut self, message: BytesMut) -> Result<ReplyText, Rejection> {
        let received = DateTime::from_unix(now(), 0).ok_or_else(Rejection::temporary)?;
        let message = Message { octets: message.freeze(), received, flags: Arc::default() };
        self.recipients.iter().for_each(|inbox| inbox.add(message.clone()));
        Ok(ReplyText::new("delivered"))
    }

    fn reset(&mut self) {
        self.recipients.clear();
    }
}
