//! SMTP on a connection: mail from other servers, and submission by people who log in.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use postroad_core::{BareNewline, Mailbox, Secret};
use postroad_sasl::{Credentials, Plain, PlainServer, ServerMechanism as _, ServerStep};
use postroad_smtp::command::MailParameters;
use postroad_smtp::reply::{Rejection, ReplyText};
use postroad_smtp::server::{AbortReason, Config};
use postroad_smtp::types::{ClientName, ForwardPath, Mechanism, Repairs, ReversePath, TlsInfo};
use postroad_tokio::smtp::{AuthAnswer, AuthStep, Handler};
use postroad_tokio::{MaybeTls, ServeOptions};
use tokio::net::TcpStream;

use super::envelope::{Envelope, NotAdded};
use super::header::Header;
use super::recipients;
use super::refusal::{not_the_sender, nul_in_message, store_failed};
use super::{Guesses, hostname, trace};
use crate::config::{self, Protocol};
use crate::serve::Context;
use crate::store::{Account, Spool, StoreError};
use crate::time::Time;

/// A message with more `Received` fields goes in circles (RFC 5321 section 6.3).
const MOST_HOPS: u32 = 100;

/// Speaks SMTP to the end of a connection.
pub(super) async fn serve(
    io: MaybeTls<TcpStream>,
    peer: SocketAddr,
    protocol: Protocol,
    context: &Context,
    options: ServeOptions,
) -> anyhow::Result<()> {
    let config = session_config(protocol, context);
    let mut handler = Smtp {
        context,
        peer,
        protocol,
        client: Client::default(),
        guesses: Guesses::default(),
        envelope: Envelope::default(),
    };
    let reason = postroad_tokio::smtp::serve(io, Arc::new(config), &mut handler, options).await?;
    if let Some(reason) = reason {
        tracing::debug!(%peer, %protocol, %reason, "session over");
    }
    Ok(())
}

fn session_config(protocol: Protocol, context: &Context) -> Config {
    let limits = &context.config.limits;
    let mut config = Config::new(hostname(context));
    config.max_message_size = limits.message_size;
    config.max_recipients = u32::try_from(limits.recipients).unwrap_or(u32::MAX);
    config.max_errors = limits.errors;
    config.starttls = true;
    // A space behind the colon is the commonest fault, and can be read in one way only.
    config.lenience.space_after_colon = true;
    if protocol != Protocol::Smtp {
        config.require_auth = true;
        config.allow_plaintext_auth = context.config.auth.plaintext_without_tls;
        let offered = context.config.auth.mechanisms.iter();
        config.mechanisms = offered
            .filter(|mechanism| **mechanism == config::Mechanism::Plain)
            .map(|_| Mechanism::PLAIN)
            .collect();
        // A user agent's line ends are mended (RFC 6409 section 8). Those of another server are not: it may have read
        // them otherwise.
        config.bare_newline = BareNewline::Normalize;
    }
    config
}

/// What is known of the client.
#[derive(Debug, Default)]
struct Client {
    name: Option<ClientName>,
    is_extended: bool,
    is_tls: bool,
    account: Option<Account>,
    /// An exchange of AUTH that waits for its response.
    exchange: Option<PlainServer>,
}

/// A message on its way in.
#[derive(Debug)]
struct Message {
    id: String,
    spool: Spool,
    header: Header,
}

/// What is decided on one connection.
#[derive(Debug)]
struct Smtp<'a> {
    context: &'a Context,
    peer: SocketAddr,
    protocol: Protocol,
    client: Client,
    guesses: Guesses,
    envelope: Envelope,
}

impl Smtp<'_> {
    fn is_submission(&self) -> bool {
        self.protocol != Protocol::Smtp
    }

    async fn verify(&mut self, mut mechanism: PlainServer, response: &Secret<Vec<u8>>) -> AuthAnswer {
        let credentials = match mechanism.step(response.expose()) {
            Ok(ServerStep::Verify(Credentials::Plain(credentials))) => Some(credentials),
            _ => None,
        };
        let account = match credentials {
            Some(credentials) => self.check(&credentials).await,
            None => Ok(None),
        };
        match account {
            Ok(Some(account)) => {
                tracing::info!(peer = %self.peer, protocol = %self.protocol, account = %account.address, "logged in");
                self.client.account = Some(account);
                AuthAnswer::Accept
            }
            Ok(None) => {
                tracing::info!(peer = %self.peer, protocol = %self.protocol, "log-in failed");
                self.guesses.failed().await;
                AuthAnswer::Reject(Rejection::bad_credentials())
            }
            Err(error) => {
                tracing::error!(peer = %self.peer, %error, "the store failed");
                AuthAnswer::Reject(Rejection::authentication_unavailable())
            }
        }
    }

    /// The account, if the password is right and it wants to act as itself.
    async fn check(&self, credentials: &Plain) -> Result<Option<Account>, StoreError> {
        let store = &self.context.store;
        let domains = &self.context.config.domains;
        let name = credentials.authentication_identity();
        let password = credentials.password().expose().clone();
        let account = match store.authenticate(name, password, domains).await {
            // Text that cannot be a password is a wrong one.
            Err(StoreError::Invalid(_)) => None,
            account => account?,
        };
        match (account, credentials.authorization_identity()) {
            (Some(account), Some(other)) => {
                let other = store.resolve_login(other, domains).await?;
                Ok((other.as_ref() == Some(&account)).then_some(account))
            }
            (account, _) => Ok(account),
        }
    }

    /// Whether the authenticated user may send as this.
    async fn may_send_as(&self, mailbox: &Mailbox) -> Result<bool, StoreError> {
        if !self.context.config.is_local(mailbox.domain().as_str()) {
            return Ok(false);
        }
        let owner = recipients::local(&self.context.store, mailbox).await?;
        Ok(owner.is_some() && owner == self.client.account)
    }

    /// The `Received` field of the message that comes now.
    fn received(&self, id: &str, now: Time) -> Result<Vec<u8>, Rejection> {
        let recipient = match &*self.envelope.forward_paths {
            [only] => only.mailbox(),
            _ => None,
        };
        let arrival = trace::Arrival {
            client_name: self.client.name.as_ref().map_or("", ClientName::as_str),
            peer: self.peer,
            hostname: &self.context.config.hostname,
            transmission: trace::Transmission::Smtp {
                is_extended: self.client.is_extended,
                is_tls: self.client.is_tls,
                is_authenticated: self.client.account.is_some(),
            },
            id,
            recipient,
            now,
        };
        arrival.received().map_err(|error| {
            tracing::error!(%error, "no trace field can be made");
            Rejection::temporary()
        })
    }
}

impl Handler for Smtp<'_> {
    type Message = Message;

    async fn hello(&mut self, name: &ClientName, is_extended: bool) -> Result<(), Rejection> {
        self.client.name = Some(name.clone());
        self.client.is_extended = is_extended;
        self.envelope = Envelope::default();
        Ok(())
    }

    fn tls_established(&mut self, _info: &TlsInfo) {
        self.client = Client { is_tls: true, ..Client::default() };
        self.envelope = Envelope::default();
    }

    async fn authenticate(&mut self, step: AuthStep) -> AuthAnswer {
        match (step, self.client.exchange.take()) {
            (AuthStep::Start { mechanism: Mechanism::PLAIN, initial_response: Some(response) }, _) => {
                self.verify(PlainServer::new(), &response).await
            }
            (AuthStep::Start { mechanism: Mechanism::PLAIN, initial_response: None }, _) => {
                self.client.exchange = Some(PlainServer::new());
                AuthAnswer::Challenge(Vec::new())
            }
            (AuthStep::Response(response), Some(mechanism)) => self.verify(mechanism, &response).await,
            _ => AuthAnswer::Reject(Rejection::authentication_unavailable()),
        }
    }

    async fn mail(
        &mut self,
        reverse_path: &ReversePath,
        parameters: &MailParameters,
    ) -> Result<(), Rejection> {
        // The null reverse-path is open to all: user agents send notices with it (RFC 8098 section 3).
        if let (true, Some(mailbox)) = (self.is_submission(), reverse_path.mailbox())
            && !self.may_send_as(mailbox).await.map_err(|error| store_failed(&error))?
        {
            tracing::info!(peer = %self.peer, from = %reverse_path, "refused to send as another");
            return Err(not_the_sender());
        }
        self.envelope = Envelope {
            reverse_path: reverse_path.mailbox().cloned(),
            size: parameters.size.unwrap_or(0),
            body: parameters.body.map(postroad_smtp::types::BodyType::name),
            ..Envelope::default()
        };
        Ok(())
    }

    async fn rcpt(&mut self, forward_path: &ForwardPath) -> Result<(), Rejection> {
        let added = self.envelope.add(self.context, forward_path, self.is_submission()).await;
        added.map_err(|refused| match refused {
            NotAdded::Unknown => {
                tracing::info!(peer = %self.peer, to = %forward_path, "no such mailbox");
                Rejection::mailbox_unavailable()
            }
            NotAdded::NotHere => {
                tracing::info!(peer = %self.peer, to = %forward_path, "relaying denied");
                Rejection::relay_denied()
            }
            NotAdded::Failed(error) => store_failed(&error),
        })
    }

    async fn data(&mut self) -> Result<Message, Rejection> {
        let now = self.context.clock.now();
        let id = trace::new_id();
        let missing = if self.is_submission() {
            let missing = trace::missing_fields(now, &self.context.config.hostname);
            Some(missing.map_err(|error| {
                tracing::error!(%error, "no header fields can be made");
                Rejection::temporary()
            })?)
        } else {
            None
        };
        let mut spool = self.context.store.spool();
        let received = self.received(&id, now)?;
        spool.write(&received).await.map_err(|error| store_failed(&error))?;
        Ok(Message { id, spool, header: Header::new(missing) })
    }

    async fn body(&mut self, message: &mut Message, chunk: Bytes) -> Result<(), Rejection> {
        let mut kept = Vec::new();
        let body = message.header.take(&chunk, &mut kept);
        if message.header.received() > MOST_HOPS {
            tracing::warn!(peer = %self.peer, id = %message.id, "a message goes in circles");
            return Err(Rejection::loop_detected());
        }
        if self.is_submission() && chunk.contains(&0) {
            // From other servers the session itself refuses it.
            return Err(nul_in_message());
        }
        for octets in [&kept, body] {
            message.spool.write(octets).await.map_err(|error| store_failed(&error))?;
        }
        Ok(())
    }

    async fn finish(&mut self, message: Message) -> Result<ReplyText, Rejection> {
        let Message { id, spool, header } = message;
        let envelope = std::mem::take(&mut self.envelope);
        let (size, accepted) = envelope.accept(self.context, spool, header).await;
        let queue = accepted.map_err(|error| {
            tracing::warn!(peer = %self.peer, %id, %envelope, size, %error, "message not accepted");
            store_failed(&error)
        })?;
        tracing::info!(
            peer = %self.peer, protocol = %self.protocol, %id, queue, %envelope, size, "message accepted"
        );
        Ok(ReplyText::new(format!("accepted as {id}")))
    }

    fn aborted(&mut self, reason: AbortReason) {
        tracing::info!(peer = %self.peer, protocol = %self.protocol, %reason, "message refused");
    }

    fn repaired(&mut self, repairs: &Repairs) {
        tracing::debug!(peer = %self.peer, ?repairs, "a command was repaired");
    }

    fn reset(&mut self) {
        self.envelope = Envelope::default();
    }
}
