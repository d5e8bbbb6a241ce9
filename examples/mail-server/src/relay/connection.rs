//! One connection to another server: opened, used for message after message, and left with a word.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use conversation::{Smtp, Traced};
use postroad_core::Mailbox;
use postroad_queue::{Destination, Diagnostic, LocalReason, Outcome, Status};
use postroad_smtp::Full;
use postroad_smtp::client::{
    Client, CloseReason, Config, Delivery, Envelope, Event, Opening, OpeningFailure, OpeningProgress,
    Progress, TlsPolicy, Transaction,
};
use postroad_smtp::command::Command;
use postroad_smtp::reply::{Capabilities, Reply};
use postroad_smtp::types::{BodyType, ClientName, ForwardPath, ReversePath};
use postroad_tokio::tokio_rustls::TlsConnector;
use postroad_tokio::{Error, MaybeTls, Progress as Driven, now, tls};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;

use crate::store::{MessageReader, StoreError};

/// How long the goodbye of the other side is waited for; nothing depends on it any more.
const GOODBYE: Duration = Duration::from_secs(5);

/// How connections are made.
pub(super) struct Settings {
    /// What this server calls itself.
    pub(super) name: ClientName,
    /// The deadlines of the session.
    pub(super) config: Arc<Config>,
    /// For STARTTLS.
    pub(super) connector: TlsConnector,
    /// How long a connection may take to be made.
    pub(super) connect: Duration,
    /// Where the conversation is shown, if it is.
    pub(super) watch: Option<super::Watch>,
}

/// One message with some of its recipients.
#[derive(Debug)]
pub(super) struct Job {
    /// Its number in the queue.
    pub(super) id: i64,
    /// The numbers of the recipients, as the queue counts them.
    pub(super) numbers: Vec<usize>,
    /// The recipients themselves, in the same order.
    pub(super) recipients: Vec<Mailbox>,
    /// None is the null reverse-path.
    pub(super) reverse_path: Option<Mailbox>,
    /// Its octets.
    pub(super) size: u64,
    /// It came as 8BITMIME.
    pub(super) eight_bit: bool,
    /// It came with SMTPUTF8.
    pub(super) smtp_utf8: bool,
    /// Its content.
    pub(super) content: MessageReader,
}

/// What became of a message on a connection.
#[derive(Debug)]
pub(super) struct Sent {
    /// For each recipient in order; none where nothing was learnt and the try does not count.
    pub(super) outcomes: Vec<Option<Outcome>>,
    /// Whether the connection is good for another.
    pub(super) reusable: bool,
}

type Wire = postroad_tokio::Connection<Traced<Client>, MaybeTls<TcpStream>>;

/// A connection on which mail can be sent.
pub(super) struct Outgoing {
    wire: Wire,
    capabilities: Capabilities,
    host: String,
    carried: usize,
}

/// Why a connection was not opened.
enum Fault {
    /// It was agreed on TLS, and then there was none.
    Tls(io::Error),
    Other(Diagnostic),
}

/// Puts a session on a connection. Whatever is to see or change the conversation goes in here.
fn wire(settings: &Settings, host: &str, stream: TcpStream, address: SocketAddr) -> Wire {
    let session = Client::new(Arc::clone(&settings.config), now());
    let session = match &settings.watch {
        Some(watch) => Traced::client(session, Smtp::new(), watch(host)),
        None => Traced::off(session),
    };
    session.note(format!("{} connected to {host} ({address})", settings.name));
    postroad_tokio::Connection::new(session, MaybeTls::Plain(stream))
}

impl Outgoing {
    /// Connects, greets, and goes under TLS if the other side offers it. Where that fails it is tried once more in the clear: whoever
    /// can prevent the one can read the other (RFC 7435).
    pub(super) async fn open(
        settings: &Settings,
        destination: &Destination,
        host: &str,
        address: SocketAddr,
    ) -> Result<Self, Diagnostic> {
        match Self::attempt(settings, destination, host, address, TlsPolicy::Opportunistic).await {
            Ok(outgoing) => Ok(outgoing),
            Err(Fault::Other(diagnostic)) => Err(diagnostic),
            Err(Fault::Tls(error)) => {
                tracing::info!(%destination, host, %address, %error, "no TLS; trying in the clear");
                let again = Self::attempt(settings, destination, host, address, TlsPolicy::None).await;
                again.map_err(|fault| match fault {
                    Fault::Tls(error) => LocalReason::TlsFailed.about(&format!("{host}: {error}")),
                    Fault::Other(diagnostic) => diagnostic,
                })
            }
        }
    }

    async fn attempt(
        settings: &Settings,
        destination: &Destination,
        host: &str,
        address: SocketAddr,
        policy: TlsPolicy,
    ) -> Result<Self, Fault> {
        let stream = match tokio::time::timeout(settings.connect, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                let reason = match error.kind() {
                    io::ErrorKind::ConnectionRefused => LocalReason::ConnectionRefused,
                    io::ErrorKind::TimedOut => LocalReason::Timeout,
                    _ => LocalReason::Unreachable,
                };
                return Err(Fault::Other(reason.about(&format!("{host} ({address}): {error}"))));
            }
            Err(_) => return Err(Fault::Other(LocalReason::Timeout.about(&format!("{host} ({address})")))),
        };
        let _ = stream.set_nodelay(true);
        let mut wire = wire(settings, host, stream, address);
        let mut opening = Opening::new(settings.name.clone(), policy);
        loop {
            let event = match wire.next().await {
                Ok(Some(event)) => event,
                Ok(None) => return Err(Fault::Other(lost(wire.session.session.close_reason(), host))),
                Err(error) => return Err(Fault::Other(failed(&error, host))),
            };
            if matches!(event, Event::Greeting(_)) {
                tracing::info!(%destination, host, %address, "relay connection opened");
            }
            let mut progress = opening.handle(&mut wire.session.session, &event);
            if progress == OpeningProgress::StartTls {
                let connector = settings.connector.clone();
                let handshake = |io| async {
                    match io {
                        MaybeTls::Plain(stream) => {
                            tls::connect(&connector, server_name(host, address), stream, tls::HANDSHAKE).await
                        }
                        tls => Ok(tls),
                    }
                };
                wire = wire.upgrade(handshake).await.map_err(|error| match error {
                    Error::Io(error) => Fault::Tls(error),
                    error => Fault::Other(failed(&error, host)),
                })?;
                wire.session.note("under TLS from here on");
                let info = wire.driver().io().tls_info().unwrap_or_default();
                progress = opening.tls_established(&mut wire.session.session, info);
            }
            match progress {
                OpeningProgress::Opened(capabilities) => {
                    return Ok(Self { wire, capabilities, host: host.to_owned(), carried: 0 });
                }
                OpeningProgress::Failed(failure) => {
                    quit(&mut wire).await;
                    return Err(Fault::Other(match failure {
                        OpeningFailure::Refused { reply, .. } => said(&reply, host),
                        failure => LocalReason::Protocol.about(&format!("{host}: {failure}")),
                    }));
                }
                // Nobody logs in here, so there are no challenges.
                OpeningProgress::Working | OpeningProgress::StartTls | OpeningProgress::Challenge(_) => {}
            }
        }
    }

    /// Sends one message.
    pub(super) async fn send(&mut self, job: &mut Job) -> Sent {
        let count = job.recipients.len();
        let all = |outcome: Outcome, reusable| Sent { outcomes: vec![Some(outcome); count], reusable };
        let reverse_path = job.reverse_path.clone().map_or(ReversePath::Null, ReversePath::Mailbox);
        let recipients = job.recipients.iter().cloned().map(ForwardPath::Mailbox).collect();
        let mut envelope = Envelope::new(reverse_path, recipients);
        envelope.size = Some(job.size);
        envelope.smtp_utf8 = job.smtp_utf8;
        match refusal(&self.host, &self.capabilities, job, &mut envelope).await {
            Ok(None) => {}
            Ok(Some(outcome)) => return all(outcome, true),
            Err(error) => {
                tracing::warn!(id = job.id, %error, "a message cannot be read");
                return all(Outcome::from_reason(LocalReason::Internal, ""), true);
            }
        }
        let carried = self.carried;
        self.carried += 1;
        let mut transaction = Transaction::new(envelope);
        if let Err(error) = transaction.start(&mut self.wire.session.session) {
            // The extensions were looked at before, so it is the connection that is gone.
            tracing::debug!(host = %self.host, %error, "a transaction was not begun");
            return Sent { outcomes: vec![None; count], reusable: false };
        }
        let mut content = Content { reader: &mut job.content, left: None, over: false };
        let mut sending = false;
        let mut fault = None;
        let outcome = loop {
            if sending && let Err(error) = content.push(&mut self.wire.session.session).await {
                // Half a message must not look like a whole one.
                self.wire.session.session.abort();
                tracing::warn!(id = job.id, %error, "a message cannot be read");
                fault = Some(LocalReason::Internal.about(""));
                break transaction.connection_lost();
            }
            let event = match self.wire.progress().await {
                Ok(Driven::Event(event)) => event,
                Ok(Driven::Drained) => continue,
                Ok(Driven::Closed) => {
                    fault = Some(lost(self.wire.session.session.close_reason(), &self.host));
                    break transaction.connection_lost();
                }
                Err(error) => {
                    fault = Some(failed(&error, &self.host));
                    break transaction.connection_lost();
                }
            };
            match transaction.handle(&mut self.wire.session.session, &event) {
                Progress::Working => {}
                Progress::SendBody => sending = true,
                Progress::Done(outcome) => break outcome,
            }
        };
        // A server may end a connection between two messages, by 421 or without a word, and say so only now.
        let nothing_heard = outcome.mail.as_ref().is_none_or(|reply| reply.code().get() == 421);
        if carried > 0 && nothing_heard && !outcome.reusable {
            return Sent { outcomes: vec![None; count], reusable: false };
        }
        let fault = fault.unwrap_or_else(|| lost(None, &self.host));
        let of = |delivery| match delivery {
            Delivery::Delivered(_) => Outcome::Delivered,
            Delivery::Failed { reply, permanent: true } => Outcome::Permanent(said(reply, &self.host)),
            Delivery::Failed { reply, permanent: false } => Outcome::Transient(said(reply, &self.host)),
            Delivery::Unknown => Outcome::Transient(fault.clone()),
        };
        let outcomes = outcome.deliveries().map(|(_, delivery)| Some(of(delivery))).collect();
        Sent { outcomes, reusable: outcome.reusable && !self.wire.session.session.is_closed() }
    }

    /// Returns when an idle connection is of no more use: the other side said goodbye, or went.
    pub(super) async fn ended(&mut self) {
        // Nothing was asked, so whatever is said means the end.
        let _ = self.wire.next().await;
    }

    /// Says goodbye.
    pub(super) async fn quit(mut self) {
        quit(&mut self.wire).await;
    }
}

/// Whether the other side is known to be unable to take this message (RFC 1870, RFC 6152, RFC 6531). Else the envelope says what is to be
/// said of it.
async fn refusal(
    host: &str,
    capabilities: &Capabilities,
    job: &mut Job,
    envelope: &mut Envelope,
) -> Result<Option<Outcome>, StoreError> {
    if !capabilities.accepts_size(job.size) {
        let text = format!("{host} does not take messages of {} octets", job.size);
        return Ok(Some(permanent(5, 3, 4, &text)));
    }
    let is_ascii = envelope.reverse_path.is_ascii() && job.recipients.iter().all(Mailbox::is_ascii);
    if (job.smtp_utf8 || !is_ascii) && !capabilities.smtp_utf8 {
        return Ok(Some(Outcome::from_reason(LocalReason::Unsupported, host)));
    }
    if job.eight_bit && capabilities.eight_bit_mime {
        envelope.body = Some(BodyType::EightBitMime);
    } else if job.eight_bit && !is_seven_bit(&mut job.content).await? {
        let text = format!("{host} takes 7-bit messages only, and this one is not");
        return Ok(Some(permanent(5, 6, 3, &text)));
    }
    Ok(None)
}

async fn quit(wire: &mut Wire) {
    if wire.session.session.send(Command::Quit).is_ok() {
        let _ = tokio::time::timeout(GOODBYE, async { while let Ok(Some(_)) = wire.next().await {} }).await;
    }
}

/// A message on its way into the session.
struct Content<'a> {
    reader: &'a mut MessageReader,
    /// What the session had no room for.
    left: Option<Bytes>,
    over: bool,
}

impl Content<'_> {
    /// Gives the session what it has room for.
    async fn push(&mut self, client: &mut Client) -> Result<(), StoreError> {
        while !self.over && client.wants_body() {
            let chunk = match self.left.take() {
                Some(chunk) => Some(chunk),
                None => self.reader.next().await?,
            };
            match chunk.map(|chunk| client.push_body(chunk)) {
                Some(Ok(())) => {}
                Some(Err(Full(chunk))) => self.left = Some(chunk),
                None => {
                    client.finish_body();
                    self.over = true;
                }
            }
        }
        Ok(())
    }
}

/// Whether a message that may have octets above 127 has none; read from its beginning, and put back there.
async fn is_seven_bit(content: &mut MessageReader) -> Result<bool, StoreError> {
    let mut seven_bit = true;
    while seven_bit && let Some(chunk) = content.next().await? {
        seven_bit = chunk.is_ascii();
    }
    content.seek(0);
    Ok(seven_bit)
}

/// The name that TLS asks for. Nothing is proven by it here, but some servers choose their certificate by it.
fn server_name(host: &str, address: SocketAddr) -> ServerName<'static> {
    ServerName::try_from(host.to_owned()).unwrap_or_else(|_| ServerName::from(address.ip()))
}

fn permanent(class: u8, subject: u16, detail: u16, text: &str) -> Outcome {
    let status = Status::new(class, subject, detail).unwrap_or(Status::PERMANENT);
    Outcome::Permanent(Diagnostic::from_parts(status, text, None))
}

/// What the other side said.
fn said(reply: &Reply, host: &str) -> Diagnostic {
    let status = reply.enhanced().and_then(|enhanced| enhanced.to_string().parse().ok());
    let lines: Vec<&str> = reply.lines().map(postroad_smtp::reply::ReplyText::as_str).collect();
    Diagnostic::from_reply(reply.code().get(), status, &lines.join("\n"), host)
}

/// Why a session is over that was not told to be.
fn lost(reason: Option<CloseReason>, host: &str) -> Diagnostic {
    match reason {
        Some(reason @ CloseReason::TimedOut(_)) => LocalReason::Timeout.about(&format!("{host}: {reason}")),
        Some(reason) => LocalReason::ConnectionLost.about(&format!("{host}: {reason}")),
        None => LocalReason::ConnectionLost.about(host),
    }
}

fn failed(error: &Error<postroad_smtp::Error>, host: &str) -> Diagnostic {
    let reason = match error {
        Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => LocalReason::Timeout,
        Error::Io(_) => LocalReason::ConnectionLost,
        _ => LocalReason::Protocol,
    };
    reason.about(&format!("{host}: {error}"))
}
