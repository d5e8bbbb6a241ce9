//! A client that sends mail.

use crate::{Connection, Error, Limits, MaybeTls, Polled, Progress, now};
use bytes::BytesMut;
use postroad_smtp::Full;
use postroad_smtp::client::{
    self, CloseReason, Config, Envelope, Event, NotNow, Opening, OpeningFailure, OpeningProgress, Outcome,
    Transaction,
};
use postroad_smtp::command::Command;
use postroad_smtp::reply::{Capabilities, Reply};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use std::{fmt, io};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

/// How much of a message is read at once.
const CHUNK: usize = 16 * 1024;

/// What a [`Client`] needs beside its [`Opening`].
#[derive(Clone)]
pub struct ClientOptions {
    /// For STARTTLS: how, and who the server must prove to be. Without it, open with
    /// [`TlsPolicy::None`](postroad_smtp::client::TlsPolicy::None).
    #[cfg(feature = "rustls")]
    pub tls: Option<(tokio_rustls::TlsConnector, rustls::pki_types::ServerName<'static>)>,
    /// How long the TLS handshake may take: a minute by default.
    pub handshake: Duration,
    /// The session's limits and deadlines.
    pub config: Arc<Config>,
    /// The driver's limits.
    pub limits: Limits,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            #[cfg(feature = "rustls")]
            tls: None,
            handshake: Duration::from_secs(60),
            config: Arc::default(),
            limits: Limits::default(),
        }
    }
}

impl fmt::Debug for ClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientOptions")
            .field("handshake", &self.handshake)
            .field("config", &self.config)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Why a client cannot go on.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientError {
    /// The connection could not be opened for mail.
    Opening(OpeningFailure),
    /// STARTTLS was agreed on, and then the handshake failed. Where TLS is not required one may try again on a new connection, without.
    Tls(io::Error),
    /// The transport or the session failed.
    Connection(Error<postroad_smtp::Error>),
    /// The connection was closed before it was done.
    Closed(Option<CloseReason>),
    /// The session would not take a command; nothing was sent.
    NotNow(NotNow),
    /// The message could not be read. The connection was closed within it, so the server has thrown it away.
    Body(io::Error),
    /// An earlier call was dropped before its end, so it is not known where the connection stands. It has been closed.
    Interrupted,
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opening(failure) => failure.fmt(f),
            Self::Tls(error) => write!(f, "TLS: {error}"),
            Self::Connection(error) => error.fmt(f),
            Self::Closed(Some(reason)) => write!(f, "the connection is closed: {reason}"),
            Self::Closed(None) => f.write_str("the connection is closed"),
            Self::NotNow(error) => error.fmt(f),
            Self::Body(error) => write!(f, "the message could not be read: {error}"),
            Self::Interrupted => f.write_str("an earlier call was dropped before its end"),
        }
    }
}

impl std::error::Error for ClientError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Opening(error) => Some(error),
            Self::Tls(error) | Self::Body(error) => Some(error),
            Self::Connection(error) => Some(error),
            Self::NotNow(error) => Some(error),
            Self::Closed(_) | Self::Interrupted => None,
        }
    }
}

/// A connection to a mail server, on which messages are sent one after the other.
///
/// ```no_run
/// use postroad_smtp::client::{Delivery, Envelope, Opening, TlsPolicy};
/// use postroad_smtp::types::{ClientName, ForwardPath, ReversePath};
/// use postroad_tokio::MaybeTls;
/// use postroad_tokio::smtp::{Client, ClientOptions};
/// use tokio::net::TcpStream;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let stream = TcpStream::connect(("mail.example.org", 25)).await?;
/// let opening = Opening::new(ClientName::parse("client.example.com")?, TlsPolicy::None);
/// let mut client = Client::open(MaybeTls::Plain(stream), opening, ClientOptions::default()).await?;
///
/// let recipients = vec![ForwardPath::parse("<alice@example.org>")?];
/// let envelope = Envelope::new(ReversePath::parse("<bob@example.com>")?, recipients);
/// let outcome = client.send(envelope, &b"Subject: hello\r\n\r\nHello, Alice.\r\n"[..]).await?;
/// for (recipient, delivery) in outcome.deliveries() {
///     if let Delivery::Failed { reply, .. } = delivery {
///         eprintln!("{recipient}: {reply}");
///     }
/// }
/// client.quit().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Client<Io> {
    connection: Connection<client::Client, MaybeTls<Io>>,
    capabilities: Capabilities,
    failure: Option<ClientError>,
    /// A call is under way; if one finds it set, an earlier one was dropped.
    busy: bool,
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Client<Io> {
    /// Takes a connected transport through greeting, EHLO, STARTTLS and AUTH, as `opening` says. A transport that is TLS already (port 465,
    /// RFC 8314) is taken as such.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`]; the connection is closed then, with QUIT where that is possible.
    pub async fn open(
        io: MaybeTls<Io>,
        mut opening: Opening,
        options: ClientOptions,
    ) -> Result<Self, ClientError> {
        let session = match io.tls_info() {
            Some(info) => client::Client::new_over_tls(options.config.clone(), info, now()),
            None => client::Client::new(options.config.clone(), now()),
        };
        let mut connection = Connection::with_limits(session, io, options.limits);
        loop {
            let event = next(&mut connection).await?;
            let mut progress = opening.handle(&mut connection.session, &event);
            if progress == OpeningProgress::StartTls {
                connection = start_tls(connection, &options).await?;
                let info = connection.driver().io().tls_info().unwrap_or_default();
                progress = opening.tls_established(&mut connection.session, info);
            }
            match progress {
                OpeningProgress::Working | OpeningProgress::StartTls => {}
                OpeningProgress::Challenge(_) => {
                    // A mechanism with challenges is given to the opening whole; a bare command has none.
                    connection.session.cancel().map_err(ClientError::NotNow)?;
                }
                OpeningProgress::Opened(capabilities) => {
                    return Ok(Self { connection, capabilities, failure: None, busy: false });
                }
                OpeningProgress::Failed(failure) => {
                    let _ = tokio::time::timeout(options.limits.linger, quit(&mut connection)).await;
                    return Err(ClientError::Opening(failure));
                }
            }
        }
    }

    /// What the server offers.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// The session.
    pub fn session(&self) -> &client::Client {
        &self.connection.session
    }

    /// The transport.
    pub fn io(&self) -> &MaybeTls<Io> {
        self.connection.driver().io()
    }

    /// What ended the connection, once it is of no more use.
    pub fn failure(&self) -> Option<&ClientError> {
        self.failure.as_ref()
    }

    /// Sends one message to its recipients, and says what became of it for each.
    ///
    /// `body` is read once the server asks for it, a piece at a time, and not at all if no recipient is left. Lines end in CRLF; dots are
    /// stuffed here. A connection that is lost on the way is no error of this method: the outcome says what is known, is not
    /// [`reusable`](Outcome::reusable), and [`failure`](Self::failure) says what happened.
    ///
    /// Not to be dropped before its end: the connection can only be closed then.
    ///
    /// # Errors
    ///
    /// Nothing was sent: [`ClientError::NotNow`] when the server lacks what the envelope needs, [`ClientError::Closed`] and
    /// [`ClientError::Interrupted`] when the connection is of no more use.
    pub async fn send(
        &mut self,
        envelope: Envelope,
        mut body: impl AsyncRead + Unpin,
    ) -> Result<Outcome, ClientError> {
        self.begin()?;
        let mut transaction = Transaction::new(envelope);
        if let Err(error) = transaction.start(&mut self.connection.session) {
            self.busy = false;
            return Err(ClientError::NotNow(error));
        }
        let outcome = match self.transact(&mut transaction, &mut body).await {
            Ok(outcome) => outcome,
            Err(error) => {
                self.failure = Some(error);
                transaction.connection_lost()
            }
        };
        self.busy = false;
        Ok(outcome)
    }

    /// NOOP: whether the server is still there.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`]; the connection is of no more use then.
    pub async fn noop(&mut self) -> Result<Reply, ClientError> {
        self.begin()?;
        let reply = self.ask(Command::Noop(None)).await;
        self.busy = false;
        reply
    }

    /// QUIT: ends the connection in good order. Nothing is lost by dropping the client instead, but courtesy.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`]. What was sent before is not touched by it.
    pub async fn quit(mut self) -> Result<(), ClientError> {
        self.begin()?;
        quit(&mut self.connection).await
    }

    async fn ask(&mut self, command: Command) -> Result<Reply, ClientError> {
        let id = self.connection.session.send(command).map_err(ClientError::NotNow)?;
        loop {
            match next(&mut self.connection).await? {
                Event::Reply(of, reply) if of == id => return Ok(reply),
                _ => {}
            }
        }
    }

    fn begin(&mut self) -> Result<(), ClientError> {
        if self.busy {
            self.connection.session.abort();
            return Err(ClientError::Interrupted);
        }
        if self.failure.is_some() || self.connection.session.is_closed() {
            return Err(ClientError::Closed(self.connection.session.close_reason()));
        }
        self.busy = true;
        Ok(())
    }

    async fn transact(
        &mut self,
        transaction: &mut Transaction,
        body: &mut (impl AsyncRead + Unpin),
    ) -> Result<Outcome, ClientError> {
        let mut event = next(&mut self.connection).await?;
        loop {
            let progress = transaction.handle(&mut self.connection.session, &event);
            event = match progress {
                client::Progress::Working => next(&mut self.connection).await?,
                client::Progress::SendBody => match self.send_body(body).await? {
                    Some(event) => event,
                    None => next(&mut self.connection).await?,
                },
                client::Progress::Done(outcome) => {
                    if !outcome.reusable {
                        self.failure = Some(ClientError::Closed(self.connection.session.close_reason()));
                    }
                    return Ok(outcome);
                }
            };
        }
    }

    /// Sends the message; gives the event that came before its end, if one did.
    async fn send_body(&mut self, body: &mut (impl AsyncRead + Unpin)) -> Result<Option<Event>, ClientError> {
        let mut buffer = BytesMut::new();
        loop {
            buffer.reserve(CHUNK);
            // Both at once: the server may refuse the message while the next piece of it is awaited.
            let (session, driver) = self.connection.split_mut();
            let read = {
                let mut read = pin!(body.read_buf(&mut buffer));
                poll_fn(|context| {
                    loop {
                        match driver.poll(session, context) {
                            Poll::Ready(Ok(Progress::Drained)) => {}
                            Poll::Ready(polled) => return Poll::Ready(Err(polled)),
                            Poll::Pending => return read.as_mut().poll(context).map(Ok),
                        }
                    }
                })
                .await
            };
            match read {
                Err(polled) => return self.event(polled).map(Some),
                Ok(Ok(0)) => {
                    self.connection.session.finish_body();
                    return Ok(None);
                }
                Ok(Ok(_)) => {}
                Ok(Err(error)) => {
                    self.connection.session.abort();
                    return Err(ClientError::Body(error));
                }
            }
            let mut chunk = buffer.split().freeze();
            while let Err(Full(back)) = self.connection.session.push_body(chunk) {
                chunk = back;
                match self.connection.progress().await {
                    Ok(Progress::Drained) => {}
                    polled => return self.event(polled).map(Some),
                }
            }
        }
    }

    fn event(&self, polled: Polled<client::Client>) -> Result<Event, ClientError> {
        match polled.map_err(ClientError::Connection)? {
            Progress::Event(event) => Ok(event),
            Progress::Drained | Progress::Closed => {
                Err(ClientError::Closed(self.connection.session.close_reason()))
            }
        }
    }
}

async fn next<Io>(connection: &mut Connection<client::Client, MaybeTls<Io>>) -> Result<Event, ClientError>
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    let event = connection.next().await.map_err(ClientError::Connection)?;
    event.ok_or_else(|| ClientError::Closed(connection.session.close_reason()))
}

async fn quit<Io>(connection: &mut Connection<client::Client, MaybeTls<Io>>) -> Result<(), ClientError>
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    if !connection.session.is_closed() {
        connection.session.send(Command::Quit).map_err(ClientError::NotNow)?;
    }
    while connection.next().await.map_err(ClientError::Connection)?.is_some() {}
    match connection.session.close_reason() {
        Some(CloseReason::Quit) | None => Ok(()),
        reason => Err(ClientError::Closed(reason)),
    }
}

#[cfg(feature = "rustls")]
async fn start_tls<Io>(
    connection: Connection<client::Client, MaybeTls<Io>>,
    options: &ClientOptions,
) -> Result<Connection<client::Client, MaybeTls<Io>>, ClientError>
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    let Some((connector, name)) = &options.tls else {
        return Err(ClientError::Tls(io::Error::other("no TLS was configured")));
    };
    let upgraded = connection
        .upgrade(|io| crate::tls::connect_over(connector, name.clone(), io, options.handshake))
        .await;
    upgraded.map_err(|error| match error {
        Error::Io(error) => ClientError::Tls(error),
        error => ClientError::Connection(error),
    })
}

#[cfg(not(feature = "rustls"))]
#[allow(clippy::unused_async, reason = "the same shape as with rustls")]
async fn start_tls<Io>(
    _connection: Connection<client::Client, MaybeTls<Io>>,
    _options: &ClientOptions,
) -> Result<Connection<client::Client, MaybeTls<Io>>, ClientError> {
    Err(ClientError::Tls(io::Error::other("this program was built without TLS")))
}
