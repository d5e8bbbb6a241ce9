//! Alice's and Bob's user agents: the client sessions on sockets, watched.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use bytes::Bytes;
use conversation::{Pop3, Smtp, Traced};
use postroad_core::Full;
use postroad_pop3::client::{Event as Pop3Event, Reply};
use postroad_pop3::command::Command as Pop3Command;
use postroad_pop3::types::{MessageNumber, Password, UserName};
use postroad_sasl::{Plain, PlainClient};
use postroad_smtp::client::{Delivery, Envelope, Opening, OpeningProgress, Progress, TlsPolicy, Transaction};
use postroad_smtp::command::Command;
use postroad_smtp::types::{ClientName, ForwardPath, ReversePath};
use postroad_tokio::tokio_rustls::TlsConnector;
use postroad_tokio::{Connection, MaybeTls, Progress as Driven, now, tls};
use rustls::RootCertStore;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;

use super::stage::Stage;
use crate::config::Protocol;
use crate::serve::Server;

/// Nothing on loopback takes as long.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A person with an account on one of the two servers.
pub(super) struct Person {
    pub(super) address: &'static str,
    pub(super) password: &'static str,
}

pub(super) const ALICE: Person = Person { address: "alice@crepes.fr", password: "crêpe suzette" };
pub(super) const BOB: Person = Person { address: "bob@hamburger.edu", password: "extra pickles" };

type Io = MaybeTls<TcpStream>;

/// Trusts the certificate of this server and no other.
fn connector(server: &Server) -> Result<(TlsConnector, ServerName<'static>)> {
    let mut roots = RootCertStore::empty();
    roots.add(server.context.tls.certificate.clone())?;
    let name = ServerName::try_from(server.context.config.hostname.clone())?;
    Ok((TlsConnector::from(Arc::new(tls::client_config(roots)?)), name))
}

pub(super) async fn connect(server: &Server, protocol: Protocol) -> Result<TcpStream> {
    let listen = server.listening.iter().find(|listen| listen.protocol == protocol);
    let address = listen.with_context(|| format!("no listener for {protocol}"))?.address;
    Ok(tokio::time::timeout(PATIENCE, TcpStream::connect(address)).await??)
}

pub(super) async fn upgrade<S>(connection: Connection<S, Io>, server: &Server) -> Result<Connection<S, Io>>
where
    S: postroad_core::Session,
{
    let (connector, name) = connector(server)?;
    let upgraded = connection
        .upgrade(|io| async move {
            match io {
                MaybeTls::Plain(tcp) => tls::connect(&connector, name, tcp, PATIENCE).await,
                tls => Ok(tls),
            }
        })
        .await;
    upgraded.map_err(|error| anyhow!("TLS: {error}"))
}

/// Submits messages over one connection: STARTTLS, AUTH, then one transaction after the other.
pub(super) async fn submit(
    stage: &Arc<Stage>,
    server: &Server,
    who: &Person,
    to: &Person,
    messages: &[Bytes],
) -> Result<()> {
    let tcp = connect(server, Protocol::Submission).await?;
    let name = who.address.split('@').next().unwrap_or_default();
    let host = &server.context.config.hostname;
    let title = format!("{name}'s user agent submits to {host} by SMTP (the listener in place of port 587)");
    let sink = stage.conversation(&title, name, host);
    let session = postroad_smtp::client::Client::new(Arc::default(), now());
    let traced = Traced::client(session, Smtp::new(), sink);
    let mut connection = Connection::new(traced, MaybeTls::Plain(tcp));

    let plain = PlainClient::new(Plain::new(None, who.address, who.password)?);
    let mut opening =
        Opening::new(ClientName::parse("[127.0.0.1]")?, TlsPolicy::Required).authenticate_by(Box::new(plain));
    loop {
        let event = connection.next().await?.context("the server hung up")?;
        let mut progress = opening.handle(&mut connection.session.session, &event);
        if progress == OpeningProgress::StartTls {
            connection = upgrade(connection, server).await?;
            connection.session.note("(under TLS from here on; you see what was said inside)");
            let info = connection.driver().io().tls_info().unwrap_or_default();
            progress = opening.tls_established(&mut connection.session.session, info);
        }
        match progress {
            OpeningProgress::Opened(_) => break,
            OpeningProgress::Failed(failure) => bail!("{failure}"),
            _ => {}
        }
    }
    for message in messages {
        let mut envelope = Envelope::new(
            ReversePath::parse(format!("<{}>", who.address))?,
            vec![ForwardPath::parse(format!("<{}>", to.address))?],
        );
        envelope.size = Some(message.len() as u64);
        send(&mut connection, envelope, message.clone()).await?;
    }
    connection.session.session.send(Command::Quit)?;
    while connection.next().await?.is_some() {}
    Ok(())
}

async fn send(
    connection: &mut Connection<Traced<postroad_smtp::client::Client>, Io>,
    envelope: Envelope,
    message: Bytes,
) -> Result<()> {
    let mut transaction = Transaction::new(envelope);
    transaction.start(&mut connection.session.session)?;
    let mut body = None;
    loop {
        if let Some(chunk) = body.take() {
            match connection.session.session.push_body(chunk) {
                Ok(()) => connection.session.session.finish_body(),
                Err(Full(chunk)) => body = Some(chunk),
            }
        }
        let event = match connection.progress().await? {
            Driven::Event(event) => event,
            Driven::Drained => continue,
            Driven::Closed => bail!("the server hung up"),
        };
        match transaction.handle(&mut connection.session.session, &event) {
            Progress::Working => {}
            Progress::SendBody => body = Some(message.clone()),
            Progress::Done(outcome) => {
                for (recipient, delivery) in outcome.deliveries() {
                    if !matches!(delivery, Delivery::Delivered(_)) {
                        bail!("{recipient}: {delivery:?}");
                    }
                }
                return Ok(());
            }
        }
    }
}

/// Bob's user agent: one POP3 session.
pub(super) struct Pop3Agent {
    connection: Connection<Traced<postroad_pop3::client::Client>, Io>,
}

impl Pop3Agent {
    /// Connects, goes under TLS and logs in.
    pub(super) async fn open(stage: &Arc<Stage>, server: &Server, who: &Person) -> Result<Self> {
        let tcp = connect(server, Protocol::Pop3).await?;
        let name = who.address.split('@').next().unwrap_or_default();
        let host = &server.context.config.hostname;
        let title =
            format!("{name}'s user agent pulls from {host} by POP3 (the listener in place of port 110)");
        let sink = stage.conversation(&title, name, host);
        let session = postroad_pop3::client::Client::new(postroad_pop3::client::Config::new());
        let connection = Connection::new(Traced::client(session, Pop3::new(), sink), MaybeTls::Plain(tcp));
        let mut agent = Self { connection };
        while !matches!(agent.next().await?, Pop3Event::Greeting(_)) {}
        agent.ask(Pop3Command::Capa).await?;

        agent.connection.session.session.send(Pop3Command::Stls)?;
        loop {
            match agent.next().await? {
                Pop3Event::StartTls(_) => break,
                Pop3Event::Reply(_, Reply::Err(line)) => bail!("STLS: {line}"),
                _ => {}
            }
        }
        agent.connection = upgrade(agent.connection, server).await?;
        agent.connection.session.note("(under TLS from here on; you see what was said inside)");
        let info = agent.connection.driver().io().tls_info().unwrap_or_default();
        agent.connection.session.session.tls_established(info);
        agent.ask(Pop3Command::User(UserName::parse(who.address)?)).await?;
        agent.ask(Pop3Command::Pass(Password::parse(who.password)?)).await?;
        Ok(agent)
    }

    async fn next(&mut self) -> Result<Pop3Event> {
        self.connection.next().await?.context("the server hung up")
    }

    /// One command and its answer, which must be `+OK`.
    pub(super) async fn ask(&mut self, command: Pop3Command) -> Result<Reply> {
        let id = self.connection.session.session.send(command)?;
        loop {
            match self.next().await? {
                Pop3Event::Reply(of, Reply::Err(line)) if of == id => bail!("{line}"),
                Pop3Event::Reply(of, reply) if of == id => return Ok(reply),
                _ => {}
            }
        }
    }

    /// How many messages there are.
    pub(super) async fn count(&mut self) -> Result<usize> {
        match self.ask(Pop3Command::Stat).await? {
            Reply::Stat(listing) => Ok(usize::try_from(listing.messages)?),
            other => bail!("{other:?}"),
        }
    }

    /// One message, whole.
    pub(super) async fn retrieve(&mut self, number: u32) -> Result<Vec<u8>> {
        let number = MessageNumber::parse(number.to_string().as_bytes())?;
        self.ask(Pop3Command::Retr(number)).await?;
        let mut octets = Vec::new();
        loop {
            match self.next().await? {
                Pop3Event::Body(_, chunk) => octets.extend_from_slice(&chunk),
                Pop3Event::BodyEnd(..) => return Ok(octets),
                _ => {}
            }
        }
    }

    /// Marks a message.
    pub(super) async fn delete(&mut self, number: u32) -> Result<()> {
        let number = MessageNumber::parse(number.to_string().as_bytes())?;
        self.ask(Pop3Command::Dele(number)).await.map(drop)
    }

    /// QUIT: now the marked messages go.
    pub(super) async fn quit(mut self) -> Result<()> {
        self.connection.session.session.send(Pop3Command::Quit)?;
        while self.connection.next().await?.is_some() {}
        Ok(())
    }
}
