//! Mail comes in: what the SMTP session asks, and what is answered.

use crate::store::{Account, Draft, Store, now};
use bytes::Bytes;
use postroad_core::Domain;
use postroad_message::{DateTime, Received, return_path};
use postroad_smtp::command::MailParameters;
use postroad_smtp::reply::{Rejection, ReplyText};
use postroad_smtp::types::{ClientName, ForwardPath, ReversePath};
use postroad_tokio::smtp::Handler;
use std::net::IpAddr;
use std::sync::Arc;

/// One connection. The session keeps the order of the commands; the envelope is ours to keep.
pub struct Intake {
    store: Arc<Store>,
    domain: Domain,
    peer: IpAddr,
    client_name: String,
    reverse_path: Option<ReversePath>,
    recipients: Vec<Arc<Account>>,
}

impl Intake {
    pub fn new(store: Arc<Store>, domain: Domain, peer: IpAddr) -> Self {
        Self { store, domain, peer, client_name: String::new(), reverse_path: None, recipients: Vec::new() }
    }

    /// What a server that delivers puts in front of the message (RFC 5321 section 4.4). Nothing of it comes from the message itself.
    fn trace(&self) -> Option<Vec<u8>> {
        let sender = self.reverse_path.as_ref().and_then(ReversePath::mailbox);
        let sender = sender.and_then(|mailbox| mailbox.to_string().parse().ok());
        let date = DateTime::from_timestamp(now().unix_timestamp(), 0).ok()?;
        let received = Received::new(self.domain.as_str(), date).from(&self.client_name, Some(self.peer));
        let mut fields = return_path(sender.as_ref()).ok()?;
        fields.extend(received.with("ESMTP").to_bytes().ok()?);
        Some(fields)
    }
}

impl Handler for Intake {
    type Message = Draft;

    async fn hello(&mut self, name: &ClientName, _is_extended: bool) -> Result<(), Rejection> {
        self.client_name = name.to_string();
        Ok(())
    }

    async fn mail(&mut self, from: &ReversePath, _parameters: &MailParameters) -> Result<(), Rejection> {
        self.reverse_path = Some(from.clone());
        Ok(())
    }

    async fn rcpt(&mut self, to: &ForwardPath) -> Result<(), Rejection> {
        let Some(mailbox) = to.mailbox().filter(|mailbox| *mailbox.domain() == self.domain) else {
            return Err(Rejection::relay_denied());
        };
        let Some(account) = self.store.accounts.get(&*mailbox.local_part_unquoted()) else {
            return Err(Rejection::mailbox_unavailable());
        };
        if !self.recipients.iter().any(|known| Arc::ptr_eq(known, account)) {
            self.recipients.push(account.clone());
        }
        Ok(())
    }

    async fn data(&mut self) -> Result<Draft, Rejection> {
        let mut draft = self.store.draft().ok_or_else(Rejection::insufficient_storage)?;
        let trace = self.trace().ok_or_else(Rejection::temporary)?;
        draft.push(&trace).ok_or_else(Rejection::insufficient_storage)?;
        Ok(draft)
    }

    /// The session has undone the dots, and refuses by itself what is over the limit of its configuration.
    async fn body(&mut self, draft: &mut Draft, chunk: Bytes) -> Result<(), Rejection> {
        draft.push(&chunk).ok_or_else(Rejection::insufficient_storage)
    }

    /// By this answer we are responsible for the message. A real server has it on its disk by now.
    async fn finish(&mut self, draft: Draft) -> Result<ReplyText, Rejection> {
        let message = draft.finish(now(), Arc::default());
        for account in &self.recipients {
            account.inbox.add(message.clone());
        }
        Ok(ReplyText::new("delivered"))
    }

    fn reset(&mut self) {
        self.reverse_path = None;
        self.recipients.clear();
    }
}
