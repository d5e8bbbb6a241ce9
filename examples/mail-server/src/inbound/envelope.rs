//! A transaction: from whom a message is, and where it goes.

use std::fmt;

use postroad_core::Mailbox;
use postroad_smtp::types::ForwardPath;

use super::header::Header;
use super::recipients::{self, Recipient};
use super::trace;
use crate::config::lower_case;
use crate::serve::Context;
use crate::store::{Acceptance, Account, Delivery, Enqueue, NewRecipient, Spool, StoreError};

/// Recipients that one line of the log names.
const NAMED_IN_LOG: usize = 10;

/// A transaction, as far as it has come.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    /// Without one the message is a notice.
    pub(super) reverse_path: Option<Mailbox>,
    /// What the client says that it will be; 0 when it does not.
    pub(super) size: u64,
    /// `BODY` (RFC 6152).
    pub(super) body: Option<&'static str>,
    /// All that were accepted, as the client wrote them.
    pub(super) forward_paths: Vec<ForwardPath>,
    /// The mailboxes here.
    pub(super) local: Vec<Account>,
    /// To whom it is sent on.
    pub(super) remote: Vec<Mailbox>,
}

/// Why a recipient was not added.
#[derive(Debug)]
pub(super) enum NotAdded {
    /// The domain is ours, and there is nobody of that name.
    Unknown,
    /// It is at another server, and the message may not be sent on.
    NotHere,
    /// The store could not say, or has no room.
    Failed(StoreError),
}

impl From<StoreError> for NotAdded {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

impl Envelope {
    /// Adds a recipient; with `may_relay` also one at another server.
    pub(super) async fn add(
        &mut self,
        context: &Context,
        forward_path: &ForwardPath,
        may_relay: bool,
    ) -> Result<(), NotAdded> {
        let Context { config, store, .. } = context;
        match recipients::resolve(store, config, forward_path).await? {
            Recipient::Local(account) => {
                store.check_quota(&account, self.size).await?;
                if !self.local.contains(&account) {
                    self.local.push(account);
                }
            }
            Recipient::Unknown => return Err(NotAdded::Unknown),
            Recipient::Remote(mailbox) if may_relay => {
                if !self.remote.contains(&mailbox) {
                    self.remote.push(mailbox);
                }
            }
            Recipient::Remote(_) => return Err(NotAdded::NotHere),
        }
        self.forward_paths.push(forward_path.clone());
        Ok(())
    }

    /// The message is whole: accepts it for all recipients or for none. Gives its octets, and its id in the queue if
    /// it is sent on.
    pub(super) async fn accept(
        &self,
        context: &Context,
        mut spool: Spool,
        mut header: Header,
    ) -> (u64, Result<Option<i64>, StoreError>) {
        let mut kept = Vec::new();
        header.finish(&mut kept);
        let size = spool.size() + kept.len() as u64;
        let accepted = async {
            spool.write(&kept).await?;
            let message = spool.finish().await?;
            let (deliveries, enqueue) = self.destinations();
            let now = context.clock.now();
            context.store.accept(Acceptance { message, now, deliveries, enqueue }).await
        };
        (size, accepted.await)
    }

    /// Into which mailboxes the message goes, and to whom it is sent on.
    fn destinations(&self) -> (Vec<Delivery>, Option<Enqueue>) {
        let prefix = trace::return_path_field(self.reverse_path.as_ref());
        let deliver = |account: &Account| Delivery { account: account.clone(), prefix: prefix.clone() };
        let deliveries = self.local.iter().map(deliver).collect();
        let recipients: Vec<_> = self
            .remote
            .iter()
            .map(|mailbox| NewRecipient {
                forward_path: mailbox.to_string(),
                destination: lower_case(mailbox.domain().as_str()),
                ..NewRecipient::default()
            })
            .collect();
        let enqueue = (!recipients.is_empty()).then(|| Enqueue {
            reverse_path: self.reverse_path.as_ref().map(Mailbox::to_string).unwrap_or_default(),
            body: self.body.map(str::to_owned),
            recipients,
            ..Enqueue::default()
        });
        (deliveries, enqueue)
    }
}

impl fmt::Display for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reverse_path {
            Some(mailbox) => write!(f, "<{mailbox}> to ")?,
            None => f.write_str("<> to ")?,
        }
        for (index, path) in self.forward_paths.iter().take(NAMED_IN_LOG).enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{path}")?;
        }
        match self.forward_paths.len().saturating_sub(NAMED_IN_LOG) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(id: i64) -> Account {
        Account { id, address: format!("user{id}@hamburger.edu") }
    }

    fn envelope(remote: &[&str]) -> Envelope {
        let remote: Vec<_> = remote.iter().map(|address| Mailbox::parse(address).unwrap()).collect();
        Envelope {
            reverse_path: Some(Mailbox::parse("alice@crepes.fr").unwrap()),
            body: Some("8BITMIME"),
            forward_paths: remote.iter().cloned().map(ForwardPath::Mailbox).collect(),
            local: vec![account(1), account(2)],
            remote,
            ..Envelope::default()
        }
    }

    #[test]
    fn a_message_goes_to_mailboxes_and_to_the_queue_at_once() {
        let (deliveries, enqueue) = envelope(&["Bob@Elsewhere.Example", "x@[192.0.2.1]"]).destinations();
        assert_eq!(deliveries.len(), 2);
        assert_eq!(deliveries[0].prefix, b"Return-Path: <alice@crepes.fr>\r\n");
        let enqueue = enqueue.unwrap();
        assert_eq!(enqueue.reverse_path, "alice@crepes.fr");
        assert_eq!(enqueue.body.as_deref(), Some("8BITMIME"));
        assert_eq!(enqueue.recipients[0].forward_path, "Bob@Elsewhere.Example");
        assert_eq!(enqueue.recipients[0].destination, "elsewhere.example");
        assert_eq!(enqueue.recipients[1].destination, "[192.0.2.1]");
        assert!(envelope(&[]).destinations().1.is_none(), "nothing is queued for nobody");
    }

    #[test]
    fn the_log_names_a_few_recipients() {
        let addresses: Vec<String> = (0..1000).map(|number| format!("u{number}@x")).collect();
        let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
        let text = envelope(&addresses).to_string();
        assert!(text.starts_with("<alice@crepes.fr> to <u0@x>,<u1@x>,"), "{text}");
        assert!(text.ends_with(",<u9@x> and 990 more"), "{text}");
        assert_eq!(Envelope::default().to_string(), "<> to ");
    }
}
