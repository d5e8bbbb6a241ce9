//! From a connected transport to a client that is logged in.

use super::news::Queue;
use super::{Client, ClientError, ClientOptions, Result, done};
use crate::{Connection, Error, MaybeTls, TlsPolicy, now};
use postroad_core::Secret;
use postroad_imap::client::{self, Event, NotNowReason};
use postroad_imap::command::CommandBody;
use postroad_imap::response::Status;
use postroad_imap::types::{Atom, Capability, Credentials};
use postroad_sasl::{ClientMechanism, Plain, PlainClient};
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};

impl<Io: AsyncRead + AsyncWrite + Unpin> Client<Io> {
    /// Takes a connected transport through greeting, CAPABILITY and STARTTLS. A transport that is TLS already (port 993, RFC 8314) is
    /// taken as such.
    ///
    /// A server that greets with PREAUTH takes no STARTTLS any more (RFC 9051 section 11.3): where TLS is required and not there, this is
    /// an error. Else [`session`](Self::session)`().state()` says that nobody has to log in.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`]; the connection is of no more use.
    pub async fn open(io: MaybeTls<Io>, options: ClientOptions) -> Result<Self> {
        let mut config = options.config.clone();
        config.require_tls &= options.policy == TlsPolicy::Required;
        // It is done here, where the answer is waited for.
        config.ask_capabilities = false;
        let config = Arc::new(config);
        let session = match io.tls_info() {
            Some(info) => client::Client::new_over_tls(config, info, now()),
            None => client::Client::new(config, now()),
        };
        let mut connection = Connection::with_limits(session, io, options.limits);
        connection.set_tap(options.tap.clone());
        let mut client = Self {
            connection,
            news: Queue::new(options.max_news),
            max_gathered: options.max_gathered,
            appending: None,
            challenged: false,
            idle: None,
            leaving: false,
        };
        let preauth = loop {
            if let Event::Greeting(status) = client.next().await? {
                break status.status == Status::PreAuth;
            }
        };
        client.ask_capabilities().await?;
        let is_tls = client.io().is_tls();
        let offered = client.capabilities().is_some_and(|offered| offered.has(&Capability::StartTls));
        let wanted = match options.policy {
            _ if is_tls || preauth => false,
            TlsPolicy::Required => true,
            TlsPolicy::Opportunistic => offered,
            TlsPolicy::None => false,
        };
        if wanted { client.start_tls(&options).await } else { Ok(client) }
    }

    async fn start_tls(mut self, options: &ClientOptions) -> Result<Self> {
        let is_required = options.policy == TlsPolicy::Required;
        let id = match self.start(CommandBody::StartTls) {
            Err(ClientError::NotNow(NotNowReason::NotOffered(_))) => {
                return Err(ClientError::TlsNotOffered(None));
            }
            started => started?,
        };
        loop {
            match self.next().await? {
                Event::StartTls(of) if of == id => break,
                Event::Done { of, status } if of == id => {
                    return if is_required {
                        Err(ClientError::TlsNotOffered(Some(status.into())))
                    } else {
                        Ok(self)
                    };
                }
                Event::NotSent { of, .. } if of == id => return Err(ClientError::TlsNotOffered(None)),
                _ => {}
            }
        }
        self.connection = upgrade(self.connection, options).await?;
        let info = self.io().tls_info().unwrap_or_default();
        let established = self.connection.session.tls_established(info);
        established.map_err(|error| ClientError::Connection(Error::Session(error)))?;
        self.ask_capabilities().await?;
        Ok(self)
    }

    /// Asks for the capabilities, unless the server has told them.
    async fn ask_capabilities(&mut self) -> Result<()> {
        if self.capabilities().is_none() {
            match self.command(CommandBody::Capability).await {
                Ok(_) | Err(ClientError::Refused(_) | ClientError::Malformed(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// LOGIN (RFC 9051 section 6.2.3); AUTHENTICATE with PLAIN where the server has disabled that.
    ///
    /// # Errors
    ///
    /// [`ClientError::NotNow`] without TLS, unless the configuration allows that; [`ClientError::Refused`] by the server;
    /// [`ClientError::Credentials`].
    pub async fn login(&mut self, user: &str, password: &str) -> Result<()> {
        let use_plain = self
            .capabilities()
            .is_some_and(|offered| offered.has(&Capability::LoginDisabled) && offered.has_auth("PLAIN"));
        if use_plain {
            let plain = Plain::new(None, user, password).map_err(|_| ClientError::Credentials)?;
            let mut plain = PlainClient::new(plain);
            let initial = plain.initial_response();
            return self.authenticate(plain.name(), initial, |challenge| plain.step(challenge).ok()).await;
        }
        if user.contains('\0') || password.contains('\0') {
            return Err(ClientError::Credentials);
        }
        let credentials = Credentials::new(user.to_owned(), password.as_bytes());
        self.command(CommandBody::Login(credentials)).await?;
        self.ask_capabilities().await
    }

    /// AUTHENTICATE by any mechanism (RFC 9051 section 6.2.2). `respond` answers each challenge, both decoded; `None` gives the exchange up.
    ///
    /// The mechanisms of `postroad-sasl` fit:
    ///
    /// ```no_run
    /// use postroad_sasl::{ClientMechanism, Plain, PlainClient};
    /// use postroad_tokio::imap::Client;
    /// use tokio::net::TcpStream;
    ///
    /// # async fn example(mut client: Client<TcpStream>) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut mechanism = PlainClient::new(Plain::new(None, "tim", "tanstaaftanstaaf")?);
    /// let initial = mechanism.initial_response();
    /// client.authenticate(mechanism.name(), initial, |challenge| mechanism.step(challenge).ok()).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`login`](Self::login); [`ClientError::Credentials`] when `mechanism` is no atom. An exchange that was given up is
    /// [`ClientError::Refused`] by the server.
    pub async fn authenticate(
        &mut self,
        mechanism: &str,
        initial_response: Option<Secret<Vec<u8>>>,
        mut respond: impl FnMut(&[u8]) -> Option<Secret<Vec<u8>>>,
    ) -> Result<()> {
        let mechanism = Atom::parse(mechanism).map_err(|_| ClientError::Credentials)?;
        let id = self.begin(CommandBody::Authenticate { mechanism, initial_response }).await?;
        loop {
            match self.next().await? {
                Event::Challenge { of, challenge } if of == id => {
                    let session = &mut self.connection.session;
                    self.challenged = false;
                    let answered = match respond(&challenge) {
                        Some(response) => session.respond(response.expose()),
                        None => session.cancel(),
                    };
                    answered.map_err(|error| ClientError::Connection(Error::Session(error)))?;
                }
                Event::Done { of, status } if of == id => {
                    done(status)?;
                    return self.ask_capabilities().await;
                }
                Event::NotSent { of, reason } if of == id => return Err(reason.into()),
                _ => {}
            }
        }
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
