//! A client that reads a maildrop.

use crate::{Connection, Error, Limits, MaybeTls, Tap, TlsPolicy};
use postroad_pop3::client::{self, CommandId, Config, Event, NotNow, Reply};
use postroad_pop3::command::Command;
use postroad_pop3::response::StatusLine;
use postroad_pop3::types::{
    Capabilities, Capability, DropListing, MessageNumber, Password, ScanListing, UniqueIdListing, UserName,
};
use postroad_pop3::{DataFaults, ParseError};
use std::time::Duration;
use std::{fmt, io};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

/// How a [`Client`] connects.
#[derive(Clone)]
pub struct ClientOptions {
    /// Whether to use STLS: required unless set.
    pub policy: TlsPolicy,
    /// For STLS: how, and who the server must prove to be.
    #[cfg(feature = "rustls")]
    pub tls: Option<(tokio_rustls::TlsConnector, rustls::pki_types::ServerName<'static>)>,
    /// How long the TLS handshake may take: a minute by default.
    pub handshake: Duration,
    /// The session's limits and deadlines.
    pub config: Config,
    /// The driver's limits.
    pub limits: Limits,
    /// Who listens. Nobody by default.
    pub tap: Option<Tap>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            policy: TlsPolicy::default(),
            #[cfg(feature = "rustls")]
            tls: None,
            handshake: Duration::from_secs(60),
            config: Config::new(),
            limits: Limits::default(),
            tap: None,
        }
    }
}

impl fmt::Debug for ClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientOptions")
            .field("policy", &self.policy)
            .field("handshake", &self.handshake)
            .field("config", &self.config)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Why a call did not do what it should.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientError {
    /// The server said `-ERR`. The connection goes on.
    Refused(StatusLine),
    /// The server said `+OK` and then something that could not be read. The connection goes on.
    Malformed(ParseError),
    /// The name or the password has an octet that cannot be sent. The connection goes on.
    Credentials(ParseError),
    /// The session would not take a command. The connection goes on.
    NotNow(NotNow),
    /// The message could not be written to where it was to go. The connection goes on.
    Write(io::Error),
    /// STLS is required, and the server refused it.
    TlsNotOffered(StatusLine),
    /// The TLS handshake failed.
    Tls(io::Error),
    /// The transport or the session failed.
    Connection(Error<postroad_pop3::Error>),
    /// The server closed the connection; its farewell, if it said one.
    Closed(Option<StatusLine>),
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(line) => write!(f, "the server said {line}"),
            Self::Malformed(error) => write!(f, "the answer could not be read: {error}"),
            Self::Credentials(error) => write!(f, "the name or the password cannot be sent: {error}"),
            Self::NotNow(error) => error.fmt(f),
            Self::Write(error) => write!(f, "the message could not be written: {error}"),
            Self::TlsNotOffered(line) => write!(f, "the server refused TLS: {line}"),
            Self::Tls(error) => write!(f, "TLS: {error}"),
            Self::Connection(error) => error.fmt(f),
            Self::Closed(None) => f.write_str("the server closed the connection"),
            Self::Closed(Some(line)) => write!(f, "the server closed the connection: {line}"),
        }
    }
}

impl std::error::Error for ClientError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Malformed(error) | Self::Credentials(error) => Some(error),
            Self::NotNow(error) => Some(error),
            Self::Write(error) | Self::Tls(error) => Some(error),
            Self::Connection(error) => Some(error),
            Self::Refused(_) | Self::TlsNotOffered(_) | Self::Closed(_) => None,
        }
    }
}

type Result<T> = std::result::Result<T, ClientError>;

/// A connection to a POP3 server.
///
/// Any call may be dropped before its end: the command may have been sent all the same, and what is left of its answer is skipped by the
/// next call.
///
/// ```no_run
/// use postroad_tokio::MaybeTls;
/// use postroad_tokio::pop3::{Client, ClientOptions, TlsPolicy};
/// use tokio::net::TcpStream;
///
/// # async fn example(options: ClientOptions) -> Result<(), Box<dyn std::error::Error>> {
/// let stream = TcpStream::connect(("mail.example.org", 110)).await?;
/// let mut client = Client::open(MaybeTls::Plain(stream), options).await?;
/// client.login("mrose", "tanstaaf").await?;
/// for row in client.uidl().await? {
///     let mut message = Vec::new();
///     client.retr(row.number, &mut message).await?;
///     client.dele(row.number).await?;
/// }
/// client.quit().await?; // now, and only now, they are deleted
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Client<Io> {
    connection: Connection<client::Client, MaybeTls<Io>>,
    capabilities: Capabilities,
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Client<Io> {
    /// Takes a connected transport through greeting, CAPA and STLS. A transport that is TLS already (port 995, RFC 8314) is taken as such.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`]; the connection is of no more use.
    pub async fn open(io: MaybeTls<Io>, options: ClientOptions) -> Result<Self> {
        let session = match io.tls_info() {
            Some(info) => client::Client::new_over_tls(options.config.clone(), info),
            None => client::Client::new(options.config.clone()),
        };
        let mut connection = Connection::with_limits(session, io, options.limits);
        connection.set_tap(options.tap.clone());
        let mut client = Self { connection, capabilities: Capabilities::default() };
        while !matches!(client.next().await?, Event::Greeting(_)) {}
        client.ask_capabilities().await?;
        let offered = client.capabilities.has(&Capability::Stls);
        let wanted = match options.policy {
            _ if client.io().is_tls() => false,
            TlsPolicy::Required => true,
            TlsPolicy::Opportunistic => offered,
            TlsPolicy::None => false,
        };
        if wanted { client.start_tls(&options).await } else { Ok(client) }
    }

    async fn start_tls(mut self, options: &ClientOptions) -> Result<Self> {
        let id = self.send(Command::Stls)?;
        loop {
            match self.next().await? {
                Event::StartTls(of) if of == id => break,
                Event::Reply(of, Reply::Err(line)) if of == id => {
                    return match options.policy {
                        TlsPolicy::Required => Err(ClientError::TlsNotOffered(line)),
                        TlsPolicy::Opportunistic | TlsPolicy::None => Ok(self),
                    };
                }
                _ => {}
            }
        }
        self.connection = upgrade(self.connection, options).await?;
        let info = self.io().tls_info().unwrap_or_default();
        self.connection.session.tls_established(info);
        self.ask_capabilities().await?;
        Ok(self)
    }

    async fn ask_capabilities(&mut self) -> Result<()> {
        self.capabilities = match self.command(Command::Capa).await {
            Ok(Reply::Capa(capabilities)) => capabilities,
            // A server of before 1998.
            Ok(_) | Err(ClientError::Refused(_) | ClientError::Malformed(_)) => Capabilities::default(),
            Err(error) => return Err(error),
        };
        Ok(())
    }

    /// What the server said to CAPA; nothing, if it does not know it.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// The transport.
    pub fn io(&self) -> &MaybeTls<Io> {
        self.connection.driver().io()
    }

    /// USER and PASS.
    ///
    /// # Errors
    ///
    /// [`ClientError::NotNow`] without TLS, unless the configuration allows that; [`ClientError::Refused`] by the server.
    pub async fn login(&mut self, name: &str, password: &str) -> Result<()> {
        let name = UserName::parse(name).map_err(ClientError::Credentials)?;
        let password = Password::parse(password).map_err(ClientError::Credentials)?;
        self.command(Command::User(name)).await?;
        self.command(Command::Pass(password)).await.map(drop)
    }

    /// STAT: how many messages, of how many octets.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn stat(&mut self) -> Result<DropListing> {
        match self.command(Command::Stat).await? {
            Reply::Stat(listing) => Ok(listing),
            _ => Err(ClientError::Closed(None)),
        }
    }

    /// LIST: the size of each message.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn list(&mut self) -> Result<Vec<ScanListing>> {
        match self.command(Command::List(None)).await? {
            Reply::List(rows) => Ok(rows),
            _ => Err(ClientError::Closed(None)),
        }
    }

    /// UIDL: the unique-id of each message, by which one knows it again on the next connection.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn uidl(&mut self) -> Result<Vec<UniqueIdListing>> {
        match self.command(Command::Uidl(None)).await? {
            Reply::Uidl(rows) => Ok(rows),
            _ => Err(ClientError::Closed(None)),
        }
    }

    /// RETR: writes a message to `to`, as it comes, and says what was odd in it.
    ///
    /// # Errors
    ///
    /// See [`ClientError`]. What was written by then is not the whole message.
    pub async fn retr(
        &mut self,
        number: MessageNumber,
        to: &mut (impl AsyncWrite + Unpin),
    ) -> Result<DataFaults> {
        self.read_message(Command::Retr(number), to).await
    }

    /// TOP: writes the header of a message and so many lines of its body to `to`. Not every server knows it.
    ///
    /// # Errors
    ///
    /// As [`retr`](Self::retr).
    pub async fn top(
        &mut self,
        number: MessageNumber,
        lines: u32,
        to: &mut (impl AsyncWrite + Unpin),
    ) -> Result<DataFaults> {
        self.read_message(Command::Top { number, lines }, to).await
    }

    /// DELE: marks a message as deleted. It is gone once [`quit`](Self::quit) has succeeded, and not before.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn dele(&mut self, number: MessageNumber) -> Result<()> {
        self.command(Command::Dele(number)).await.map(drop)
    }

    /// RSET: takes back all marks.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn rset(&mut self) -> Result<()> {
        self.command(Command::Rset).await.map(drop)
    }

    /// NOOP: whether the server is still there.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn noop(&mut self) -> Result<()> {
        self.command(Command::Noop).await.map(drop)
    }

    /// QUIT: deletes what was marked, and ends the connection.
    ///
    /// # Errors
    ///
    /// [`ClientError::Refused`]: not all that was marked is deleted. After any other error it is not known.
    pub async fn quit(mut self) -> Result<()> {
        self.command(Command::Quit).await?;
        // The answer is here; what the transport says after it does not matter.
        while let Ok(Some(_)) = self.connection.next().await {}
        Ok(())
    }

    async fn read_message(
        &mut self,
        command: Command,
        to: &mut (impl AsyncWrite + Unpin),
    ) -> Result<DataFaults> {
        let id = self.send(command)?;
        loop {
            match self.next().await? {
                Event::Body(of, mut chunk) if of == id => {
                    to.write_all_buf(&mut chunk).await.map_err(ClientError::Write)?;
                }
                Event::BodyEnd(of, faults) if of == id => {
                    to.flush().await.map_err(ClientError::Write)?;
                    return Ok(faults);
                }
                Event::Reply(of, reply) if of == id => answer(reply).map(drop)?,
                _ => {}
            }
        }
    }

    /// Sends a command that is answered by one reply, and waits for it.
    async fn command(&mut self, command: Command) -> Result<Reply> {
        let id = self.send(command)?;
        loop {
            match self.next().await? {
                Event::Reply(of, reply) if of == id => return answer(reply),
                // Left over from a call that was dropped.
                _ => {}
            }
        }
    }

    fn send(&mut self, command: Command) -> Result<CommandId> {
        self.connection.session.send(command).map_err(ClientError::NotNow)
    }

    async fn next(&mut self) -> Result<Event> {
        match self.connection.next().await.map_err(ClientError::Connection)? {
            Some(Event::Farewell(line)) => Err(ClientError::Closed(Some(line))),
            Some(event) => Ok(event),
            None => Err(ClientError::Closed(None)),
        }
    }
}

fn answer(reply: Reply) -> Result<Reply> {
    match reply {
        Reply::Err(line) => Err(ClientError::Refused(line)),
        Reply::Malformed(error) => Err(ClientError::Malformed(error)),
        reply => Ok(reply),
    }
}

#[cfg(feature = "rustls")]
async fn upgrade<Io>(
    connection: Connection<client::Client, MaybeTls<Io>>,
    options: &ClientOptions,
) -> Result<Connection<client::Client, MaybeTls<Io>>>
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
async fn upgrade<Io>(
    _connection: Connection<client::Client, MaybeTls<Io>>,
    _options: &ClientOptions,
) -> Result<Connection<client::Client, MaybeTls<Io>>> {
    Err(ClientError::Tls(io::Error::other("this program was built without TLS")))
}
