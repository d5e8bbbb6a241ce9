//! The connection to a submission server: the SMTP session on a socket, with TLS and with a trace.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use bytes::Bytes;
use conversation::{Smtp, Traced};
use indicatif::ProgressBar;
use postroad_sasl::PlainClient;
use postroad_smtp::client::{
    Client, Config, Envelope, Opening, OpeningFailure, OpeningProgress, Outcome, Progress, TlsPolicy,
    Transaction,
};
use postroad_smtp::command::Command;
use postroad_smtp::types::{ClientName, TlsInfo};
use postroad_smtp::{Domain, Full};
use postroad_tokio::tokio_rustls::TlsConnector;
use postroad_tokio::{MaybeTls, Progress as Driven, now, tls};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;

use super::content::Content;
use crate::terminal::{self, progress_bar};
use crate::tls::Security;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(60);
/// How long the goodbye of a server is waited for, when all is done.
const GOODBYE: Duration = Duration::from_secs(10);

/// Where to connect to, and how.
pub(crate) struct Target {
    pub host: String,
    pub port: u16,
    pub security: Security,
    /// There unless `security` is `None`.
    pub connector: Option<TlsConnector>,
}

/// What became of a message.
#[derive(Debug)]
pub(crate) struct Sent {
    pub outcome: Outcome,
    /// What ended the connection before its time.
    pub fault: Option<String>,
}

type Io = MaybeTls<TcpStream>;

/// A connection on which mail can be sent.
pub(crate) struct Connection {
    inner: postroad_tokio::Connection<Traced<Client>, Io>,
    is_traced: bool,
}

impl Connection {
    /// Connects, greets, goes under TLS and logs in.
    pub(crate) async fn open(
        target: Target,
        mechanism: Option<PlainClient>,
        is_traced: bool,
    ) -> Result<Self> {
        let server = format!("{}:{}", target.host, target.port);
        if is_traced {
            terminal::tell(conversation::Line::note(format!("connecting to {server}")));
        }
        let connecting = TcpStream::connect((target.host.as_str(), target.port));
        let tcp = tokio::time::timeout(CONNECT, connecting).await.map_err(|_| anyhow!("it takes too long"));
        let tcp =
            tcp.and_then(|tcp| tcp.map_err(Into::into)).with_context(|| format!("connecting to {server}"))?;
        tcp.set_nodelay(true)?;
        let name = Domain::from(tcp.local_addr()?.ip().to_canonical());
        let name = ClientName::parse(name.as_str())?;

        let config = Config::default().into();
        let policy = if target.security == Security::None { TlsPolicy::None } else { TlsPolicy::Required };
        let mut opening = Opening::new(name, policy);
        if let Some(mechanism) = mechanism {
            opening = opening.authenticate_by(Box::new(mechanism));
        }
        if target.security == Security::None {
            opening = opening.allow_authentication_in_clear();
        }
        let (client, io) = if target.security == Security::Implicit {
            let io = handshake(&target, tcp).await.with_context(|| format!("TLS with {server}"))?;
            if is_traced {
                terminal::tell(conversation::Line::note(crate::tls::name(&io)));
            }
            (Client::new_over_tls(config, tls_info(&io), now()), io)
        } else {
            (Client::new(config, now()), MaybeTls::Plain(tcp))
        };
        let session = if is_traced {
            Traced::client(client, Smtp::new(), Arc::new(terminal::tell))
        } else {
            Traced::off(client)
        };
        let connection = postroad_tokio::Connection::new(session, io);
        let inner = opened(connection, opening, &target).await.with_context(|| server)?;
        Ok(Self { inner, is_traced })
    }

    /// Sends one message.
    ///
    /// An error says that it was not begun or that its content cannot be read; all else is in [`Sent`].
    pub(crate) async fn send(&mut self, envelope: Envelope, mut content: Content) -> Result<Sent> {
        let bar = progress_bar(content.size, self.is_traced);
        let mut transaction = Transaction::new(envelope);
        transaction.start(&mut self.inner.session.session)?;
        // The next octets, while the message is on its way.
        let mut body: Option<Body> = None;
        let sent = loop {
            if let Some(next) = &mut body
                && !next.push(&mut content, &mut self.inner.session.session, &bar)?
            {
                body = None;
            }
            let event = match self.inner.progress().await {
                Ok(Driven::Event(event)) => event,
                Ok(Driven::Drained) => continue,
                Ok(Driven::Closed) => {
                    let reason = self.inner.session.session.close_reason();
                    let fault =
                        reason.map_or_else(|| "the connection is closed".into(), |reason| reason.to_string());
                    break Sent { outcome: transaction.connection_lost(), fault: Some(fault) };
                }
                Err(error) => {
                    let fault = Some(error.to_string());
                    break Sent { outcome: transaction.connection_lost(), fault };
                }
            };
            match transaction.handle(&mut self.inner.session.session, &event) {
                Progress::Working => {}
                Progress::SendBody => body = Some(Body::default()),
                Progress::Done(outcome) => break Sent { outcome, fault: None },
            }
        };
        bar.finish_and_clear();
        Ok(sent)
    }

    /// Says goodbye. Nothing depends on it any more, so nothing is said of what goes wrong.
    pub(crate) async fn quit(&mut self) {
        if self.inner.session.session.send(Command::Quit).is_ok() {
            let _ =
                tokio::time::timeout(GOODBYE, async { while let Ok(Some(_)) = self.inner.next().await {} })
                    .await;
        }
    }
}

/// A message on its way into the session.
#[derive(Default)]
struct Body {
    /// What the session had no room for.
    left: Option<Bytes>,
}

impl Body {
    /// Gives the session what it has room for. `false` when it has all of it.
    fn push(&mut self, content: &mut Content, client: &mut Client, bar: &ProgressBar) -> Result<bool> {
        loop {
            let block = match self.left.take() {
                Some(block) => Some(block),
                // Half a message must not look like a whole one.
                None => content.read().inspect_err(|_| client.abort())?,
            };
            let Some(block) = block else {
                client.finish_body();
                return Ok(false);
            };
            let length = block.len() as u64;
            match client.push_body(block) {
                Ok(()) => bar.inc(length),
                Err(Full(block)) => {
                    self.left = Some(block);
                    return Ok(true);
                }
            }
        }
    }
}

async fn opened(
    mut connection: postroad_tokio::Connection<Traced<Client>, Io>,
    mut opening: Opening,
    target: &Target,
) -> Result<postroad_tokio::Connection<Traced<Client>, Io>> {
    loop {
        let Some(event) = connection.next().await? else {
            match connection.session.session.close_reason() {
                Some(reason) => bail!("{reason}"),
                None => bail!("the connection is closed"),
            }
        };
        let mut progress = opening.handle(&mut connection.session.session, &event);
        if progress == OpeningProgress::StartTls {
            connection = connection
                .upgrade(|io| async {
                    match io {
                        MaybeTls::Plain(tcp) => handshake(target, tcp).await,
                        _ => Err(std::io::Error::other("it is there already")),
                    }
                })
                .await
                .context("TLS")?;
            let io = connection.driver().io();
            connection.session.note(crate::tls::name(io));
            let info = tls_info(io);
            progress = opening.tls_established(&mut connection.session.session, info);
        }
        match progress {
            OpeningProgress::Opened(_) => return Ok(connection),
            OpeningProgress::Failed(failure) => {
                let mut connection = Connection { inner: connection, is_traced: false };
                connection.quit().await;
                return Err(match failure {
                    OpeningFailure::TlsNotOffered => {
                        anyhow!("{failure}; nothing was sent (`--tls none` would send it in the clear)")
                    }
                    failure => failure.into(),
                });
            }
            // PLAIN has no challenges but the empty one, which its mechanism answers.
            OpeningProgress::Working | OpeningProgress::StartTls | OpeningProgress::Challenge(_) => {}
        }
    }
}

async fn handshake(target: &Target, tcp: TcpStream) -> std::io::Result<Io> {
    let connector =
        target.connector.as_ref().ok_or_else(|| std::io::Error::other("TLS was not asked for"))?;
    let name = ServerName::try_from(target.host.clone()).map_err(std::io::Error::other)?;
    tls::connect(connector, name, tcp, tls::HANDSHAKE).await
}

fn tls_info(io: &Io) -> TlsInfo {
    let mut info = TlsInfo::new();
    info.exporter = io.tls_info().and_then(|known| known.exporter);
    info
}
