//! Submission by who is logged in otherwise than by SMTP: the same checks, trace fields and acceptance.

use std::net::SocketAddr;

use postroad_core::Mailbox;
use postroad_smtp::types::ForwardPath;

use super::envelope::{Envelope, NotAdded};
use super::header::Header;
use super::trace;
use crate::serve::Context;
use crate::store::{Account, Spool, StoreError};

/// Why a message was not taken.
#[derive(Debug)]
pub(crate) enum NotSubmitted {
    /// There is no such mailbox here.
    Unknown(Mailbox),
    /// This mailbox has no room for it.
    NoRoom(Mailbox),
    /// More than `limits.recipients`.
    TooManyRecipients,
    /// The server cannot make what the message needs.
    Impossible,
    /// The store could not take it.
    Failed(StoreError),
}

impl From<StoreError> for NotSubmitted {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// A message on its way in. Dropped before [`finish`](Self::finish), it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Submission<'a> {
    context: &'a Context,
    peer: SocketAddr,
    id: String,
    envelope: Envelope,
    header: Header,
    spool: Spool,
}

impl<'a> Submission<'a> {
    /// Begins a message of an account, which is its reverse-path, for recipients here and elsewhere.
    pub(crate) async fn begin(
        context: &'a Context,
        peer: SocketAddr,
        account: &Account,
        recipients: &[Mailbox],
        size: u64,
    ) -> Result<Self, NotSubmitted> {
        if recipients.len() > context.config.limits.recipients {
            return Err(NotSubmitted::TooManyRecipients);
        }
        let reverse_path = Mailbox::parse(&account.address).map_err(|_| NotSubmitted::Impossible)?;
        let mut envelope = Envelope { reverse_path: Some(reverse_path), size, ..Envelope::default() };
        for mailbox in recipients {
            let forward_path = ForwardPath::Mailbox(mailbox.clone());
            envelope.add(context, &forward_path, true).await.map_err(|refused| match refused {
                NotAdded::Unknown | NotAdded::NotHere => NotSubmitted::Unknown(mailbox.clone()),
                NotAdded::Failed(StoreError::OverQuota { .. }) => NotSubmitted::NoRoom(mailbox.clone()),
                NotAdded::Failed(error) => NotSubmitted::Failed(error),
            })?;
        }
        let now = context.clock.now();
        let hostname = &context.config.hostname;
        let id = trace::new_id();
        let recipient = if let [only] = recipients { Some(only) } else { None };
        let arrival = trace::Arrival {
            client_name: "",
            peer,
            hostname,
            transmission: trace::Transmission::Other,
            id: &id,
            recipient,
            now,
        };
        let fields =
            arrival.received().and_then(|received| Ok((received, trace::missing_fields(now, hostname)?)));
        let (received, missing) = fields.map_err(|error| {
            tracing::error!(%error, "no trace field can be made");
            NotSubmitted::Impossible
        })?;
        let mut spool = context.store.spool();
        spool.write(&received).await?;
        Ok(Self { context, peer, id, envelope, header: Header::new(Some(missing)), spool })
    }

    /// Takes the next octets.
    pub(crate) async fn write(&mut self, octets: &[u8]) -> Result<(), StoreError> {
        let mut kept = Vec::new();
        let body = self.header.take(octets, &mut kept);
        self.spool.write(&kept).await?;
        self.spool.write(body).await
    }

    /// The message is whole. Once this returns it is on the disk, for all recipients or for none.
    pub(crate) async fn finish(self) -> Result<(), StoreError> {
        let Self { context, peer, id, envelope, header, spool } = self;
        let (size, accepted) = envelope.accept(context, spool, header).await;
        match accepted {
            Ok(queue) => {
                tracing::info!(%peer, protocol = "webmail", %id, queue, %envelope, size, "message accepted");
                Ok(())
            }
            Err(error) => {
                tracing::warn!(%peer, %id, %envelope, size, %error, "message not accepted");
                Err(error)
            }
        }
    }
}
