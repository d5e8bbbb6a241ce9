//! A submission server on loopback: our own session, blocking, one connection after the other.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use postroad_core::{Domain, Session as _, Step};
use postroad_sasl::{Credentials, PlainServer, ServerMechanism as _, ServerStep};
use postroad_smtp::reply::{Rejection, ReplyText};
use postroad_smtp::server::{Config, Event, Server};
use postroad_smtp::types::{Mechanism, TlsInfo};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

pub(crate) const PASSWORD: &str = "crêpe suzette";

/// What the server is to be like.
#[derive(Clone, Default)]
pub(crate) struct Options {
    pub(crate) implicit_tls: bool,
    pub(crate) starttls: bool,
    /// PLAIN is offered and needed.
    pub(crate) auth: bool,
    /// Refuses this recipient.
    pub(crate) refuses: Option<&'static str>,
    /// Closes the connection when the message has come, without a reply.
    pub(crate) leaves_at_end: bool,
    /// Octets of the largest message.
    pub(crate) max_size: Option<u64>,
}

/// What was heard on one connection.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) hello: String,
    pub(crate) is_tls: bool,
    pub(crate) passwords: Vec<(String, String)>,
    pub(crate) reverse_path: Option<String>,
    pub(crate) size: Option<u64>,
    pub(crate) body: Option<String>,
    pub(crate) recipients: Vec<String>,
    pub(crate) message: Vec<u8>,
    pub(crate) is_whole: bool,
}

/// The server's certificate, signed by itself; it may be marked as that of an authority.
pub(crate) struct Certificate {
    pub(crate) pem: String,
    pub(crate) config: Arc<rustls::ServerConfig>,
}

impl Certificate {
    pub(crate) fn new(is_authority: bool) -> Self {
        Self::of("localhost", is_authority)
    }

    pub(crate) fn of(name: &str, is_authority: bool) -> Self {
        let mut parameters = rcgen::CertificateParams::new([name.to_owned()]).unwrap();
        if is_authority {
            parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        }
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        let chain = vec![CertificateDer::from(certificate.der().to_vec())];
        let secret = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = postroad_tokio::tls::server_config(chain, secret).unwrap();
        Self { pem: certificate.pem(), config: Arc::new(config) }
    }
}

enum Io {
    Plain(TcpStream),
    Tls(Box<rustls::StreamOwned<rustls::ServerConnection, TcpStream>>),
}

impl Io {
    fn stream(&mut self) -> &mut dyn ReadWrite {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => tls,
        }
    }

    fn under_tls(self, certificate: &Certificate) -> io::Result<Self> {
        let Self::Plain(tcp) = self else { return Ok(self) };
        let server = rustls::ServerConnection::new(certificate.config.clone()).unwrap();
        let mut tls = rustls::StreamOwned::new(server, tcp);
        while tls.conn.is_handshaking() {
            tls.conn.complete_io(&mut tls.sock)?;
        }
        Ok(Self::Tls(Box::new(tls)))
    }
}

trait ReadWrite: Read + Write {}
impl<T: Read + Write> ReadWrite for T {}

/// Serves this many connections. The thread's result says what was heard on each; a failed handshake is a connection without a word.
pub(crate) fn serve(
    options: Options,
    certificate: Option<Certificate>,
    connections: usize,
) -> (u16, JoinHandle<Vec<Heard>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let thread = thread::spawn(move || {
        (0..connections)
            .map(|_| {
                let (tcp, _) = listener.accept().unwrap();
                // Nothing takes as long; a test that fails must not hang.
                tcp.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
                let mut heard = Heard::default();
                let _ = converse(&options, certificate.as_ref(), tcp, &mut heard);
                heard
            })
            .collect()
    });
    (port, thread)
}

fn converse(
    options: &Options,
    certificate: Option<&Certificate>,
    tcp: TcpStream,
    heard: &mut Heard,
) -> io::Result<()> {
    let mut config = Config::new(Domain::parse("localhost").unwrap());
    config.starttls = options.starttls;
    config.mechanisms = if options.auth { vec![Mechanism::PLAIN] } else { Vec::new() };
    config.require_auth = options.auth;
    config.allow_plaintext_auth = true;
    config.max_message_size = options.max_size.unwrap_or(config.max_message_size);
    let config = Arc::new(config);
    let mut io = Io::Plain(tcp);
    let mut session = if options.implicit_tls {
        io = io.under_tls(certificate.unwrap())?;
        Server::new_over_tls(config, TlsInfo::new(), Instant::now())
    } else {
        Server::new(config, Instant::now())
    };
    let mut input = BytesMut::new();
    let mut block = [0; 16 * 1024];
    loop {
        let step = session.poll_event(Instant::now(), &mut input);
        if let Ok(Step::Event(event)) = step {
            if !hear(options, event, &mut session, heard) {
                return Ok(());
            }
            continue;
        }
        while let Some(octets) = session.poll_transmit() {
            io.stream().write_all(&octets)?;
        }
        io.stream().flush()?;
        match step {
            Ok(Step::NeedInput) => match io.stream().read(&mut block)? {
                0 => session.handle_eof(),
                length => input.extend_from_slice(&block[..length]),
            },
            Ok(Step::Paused) if session.wants_tls() => {
                io = io.under_tls(certificate.unwrap())?;
                session.tls_established(TlsInfo::new()).unwrap();
            }
            Ok(Step::Closed) => return Ok(()),
            _ => {}
        }
    }
}

/// Answers. `false` when the connection is to be dropped.
fn hear(options: &Options, event: Event, session: &mut Server, heard: &mut Heard) -> bool {
    match event {
        Event::Hello(hello) => {
            hello.name().as_str().clone_into(&mut heard.hello);
            hello.accept(session);
        }
        Event::StartTls(token) => token.accept(session),
        Event::Auth(auth) => {
            let response = auth.initial_response().expect("PLAIN has an initial response").expose().clone();
            let Ok(ServerStep::Verify(Credentials::Plain(plain))) = PlainServer::new().step(&response) else {
                panic!("no PLAIN")
            };
            let (name, password) = (plain.authentication_identity(), plain.password().expose());
            heard.passwords.push((name.to_owned(), password.clone()));
            if password == PASSWORD {
                auth.accept(session);
            } else {
                auth.reject(session, Rejection::bad_credentials());
            }
        }
        Event::Mail(mail) => {
            heard.is_tls = session.is_tls();
            heard.reverse_path = Some(mail.reverse_path().to_string());
            heard.size = mail.parameters().size;
            heard.body = mail.parameters().body.map(|body| body.to_string());
            mail.accept(session);
        }
        Event::Rcpt(rcpt) => {
            let name = rcpt.forward_path().to_string();
            if options.refuses.is_some_and(|refused| name == format!("<{refused}>")) {
                rcpt.reject(session, Rejection::mailbox_unavailable());
            } else {
                heard.recipients.push(name);
                rcpt.accept(session);
            }
        }
        Event::Data(data) => data.accept(session),
        Event::Body(octets) => heard.message.extend_from_slice(&octets),
        Event::DataEnd(end) => {
            heard.is_whole = true;
            if options.leaves_at_end {
                return false;
            }
            end.accept(session, ReplyText::new("Queued as 1"));
        }
        _ => {}
    }
    true
}

/// A server that says these lines, each after a line of the client's that begins with the text before it; then it leaves.
pub(crate) fn scripted(script: &'static [(&'static str, &'static str)]) -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let thread = thread::spawn(move || {
        let (mut tcp, _) = listener.accept().unwrap();
        tcp.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut heard = String::new();
        for (command, reply) in script {
            let mut line = Vec::new();
            while !command.is_empty() && !line.ends_with(b"\n") {
                let mut octet = [0];
                if tcp.read(&mut octet).unwrap_or(0) == 0 {
                    return heard;
                }
                line.push(octet[0]);
            }
            let line = String::from_utf8(line).unwrap();
            assert!(line.starts_with(command), "{line:?} is not {command}");
            heard.push_str(&line);
            tcp.write_all(reply.as_bytes()).unwrap();
        }
        heard
    });
    (port, thread)
}
