//! Mail comes in. The session keeps the order of the commands; the envelope is ours to keep.

use crate::store::{Account, Draft, Message, Store, now};
use bytes::Bytes;
use postroad_core::Domain;
use postroad_message::{DateTime, Received, return_path};
use postroad_smtp::command::MailParameters;
use postroad_smtp::reply::{Rejection, ReplyText};
use postroad_smtp::types::{ForwardPath, ReversePath};
use postroad_tokio::smtp::Handler;
use std::net::IpAddr;
use std::sync::Arc;

/// One connection.
pub struct Intake {
    pub store: Arc<Store>,
    pub domain: Domain,
    pub peer: IpAddr,
    pub sender: ReversePath,
    pub recipients: Vec<Arc<Account>>,
}

impl Intake {
    /// What the server that delivers puts in front of the message (RFC 5321 section 4.4).
    fn trace(&self) -> Option<Vec<u8>> {
        let sender = self.sender.mailbox().and_then(|mailbox| mailbox.to_string().parse().ok());
        let date = DateTime::from_timestamp(now().unix_timestamp(), 0).ok()?;
        let received = Received::new(self.domain.as_str(), date).with("ESMTP");
        let received = received.from(Domain::from(self.peer).as_str(), Some(self.peer));
        Some([return_path(sender.as_ref()).ok()?, received.to_bytes().ok()?].concat())
    }
}

impl Handler for Intake {
    type Message = Draft;

    async fn mail(&mut self, from: &ReversePath, _parameters: &MailParameters) -> Result<(), Rejection> {
        self.sender = from.clone();
        Ok(())
    }

    /// The one question that has no default but no: whoever takes mail for anybody is an open relay.
    async fn rcpt(&mut self, to: &ForwardPath) -> Result<(), Rejection> {
        let ours = to.mailbox().filter(|mailbox| *mailbox.domain() == self.domain);
        let mailbox = ours.ok_or_else(Rejection::relay_denied)?;
        let account = self.store.accounts.get(&*mailbox.local_part_unquoted());
        let account = account.ok_or_else(Rejection::mailbox_unavailable)?;
        if !self.recipients.iter().any(|known| Arc::ptr_eq(known, account)) {
            self.recipients.push(account.clone());
        }
        Ok(())
    }

    async fn data(&mut self) -> Result<Draft, Rejection> {
        let mut draft = self.store.draft().ok_or_else(Rejection::insufficient_storage)?;
        draft.0.extend(self.trace().ok_or_else(Rejection::temporary)?);
        Ok(draft)
    }

    /// Dots are undone, and what is over the limit does not come here: the session answers by itself.
    async fn body(&mut self, draft: &mut Draft, chunk: Bytes) -> Result<(), Rejection> {
        draft.0.extend_from_slice(&chunk);
        Ok(())
    }

    /// With this answer the message is ours to lose. A real server has it on its disk by now.
    async fn finish(&mut self, draft: Draft) -> Result<ReplyText, Rejection> {
        let message = Message::new(draft, now(), Arc::default());
        for account in &self.recipients {
            account.add(vec![message.clone()]);
        }
        Ok(ReplyText::new("delivered"))
    }

    fn reset(&mut self) {
        self.recipients.clear();
    }
}
