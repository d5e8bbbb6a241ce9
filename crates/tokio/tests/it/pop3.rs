//! POP3: the client and `serve`, against each other and against peers that misbehave.

use bytes::Bytes;
use postroad_pop3::response::{Rejection, ResponseCode};
use postroad_pop3::server::Config;
use postroad_pop3::types::{Maildrop, MessageNumber, Password, UniqueId};
use postroad_pop3::{Domain, Error as SessionError, PeerMisbehaved};
use postroad_tokio::pop3::{Client, ClientError, ClientOptions, Handler, NotRemoved, TlsPolicy, serve};
use postroad_tokio::{Error, MaybeTls, ServeOptions, ShutdownHandle};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// The lock on a maildrop; counts how often it was released.
struct Lock(Arc<AtomicUsize>);

impl Drop for Lock {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

struct Reading {
    message: Bytes,
    is_broken: bool,
}

#[derive(Default)]
struct Post {
    messages: Vec<Bytes>,
    released: Arc<AtomicUsize>,
    deleted: Vec<MessageNumber>,
    /// How many octets were asked for.
    read: Arc<AtomicUsize>,
    is_broken: bool,
    cannot_delete: bool,
    tls: usize,
}

impl Handler for Post {
    type Locked = Lock;
    type Message = Reading;

    fn tls_established(&mut self, info: &postroad_pop3::types::TlsInfo) {
        assert_eq!(info.exporter.as_ref().unwrap().len(), 32);
        self.tls += 1;
    }

    async fn login(&mut self, name: &str, password: &Password) -> Result<(Lock, Maildrop), Rejection> {
        sleep(Duration::from_millis(1)).await;
        if (name, password.expose()) != ("mrose", "tan staaf") {
            return Err(Rejection::auth());
        }
        let mut maildrop = Maildrop::new();
        for (uid, message) in (1..).zip(&self.messages) {
            maildrop.push(message.len() as u64, UniqueId::from_uid(1, uid));
        }
        Ok((Lock(self.released.clone()), maildrop))
    }

    async fn retrieve(
        &mut self,
        _: &mut Lock,
        number: MessageNumber,
        _: Option<u32>,
    ) -> Result<Reading, Rejection> {
        let message = self.messages.get(number.index()).cloned().ok_or_else(Rejection::temporary)?;
        Ok(Reading { message, is_broken: self.is_broken })
    }

    async fn chunk(&mut self, reading: &mut Reading) -> io::Result<Option<Bytes>> {
        tokio::task::yield_now().await;
        if reading.is_broken {
            return Err(io::Error::other("disk"));
        }
        let octets = reading.message.len().min(8192);
        self.read.fetch_add(octets, Ordering::SeqCst);
        let chunk = reading.message.split_to(octets);
        Ok(Some(chunk).filter(|chunk| !chunk.is_empty()))
    }

    async fn update(&mut self, locked: Lock, deleted: &[MessageNumber]) -> Result<(), NotRemoved> {
        drop(locked);
        self.deleted = deleted.to_vec();
        if self.cannot_delete { Err(NotRemoved) } else { Ok(()) }
    }
}

type Served = JoinHandle<(Post, Result<(), Error<SessionError>>)>;

fn config() -> Config {
    let mut config = Config::new(Domain::parse("dewey.example").unwrap());
    config.login_without_tls = true;
    config
}

fn served<Io>(io: MaybeTls<Io>, config: Config, mut handler: Post, options: ServeOptions) -> Served
where
    Io: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    tokio::spawn(async move {
        let end = serve(io, Arc::new(config), &mut handler, options).await;
        (handler, end)
    })
}

fn post(messages: &[&[u8]]) -> Post {
    let messages = messages.iter().map(|message| Bytes::copy_from_slice(message)).collect();
    Post { messages, ..Post::default() }
}

fn in_the_clear() -> ClientOptions {
    let mut options = ClientOptions { policy: TlsPolicy::None, ..ClientOptions::default() };
    options.config.login_without_tls = true;
    options
}

fn number(number: u32) -> MessageNumber {
    MessageNumber::new(number).unwrap()
}

async fn logged_in(io: DuplexStream) -> Client<DuplexStream> {
    let mut client = Client::open(MaybeTls::Plain(io), in_the_clear()).await.unwrap();
    client.login("mrose", "tan staaf").await.unwrap();
    client
}

const DOTS: &[u8] = b".first\r\n\r\n..\r\n.\r\n.\r\nlast\r\n";

#[tokio::test]
async fn a_session_from_login_to_update() {
    let (a, b) = duplex(256);
    let large = b"Subject: large\r\n\r\n.0123456789\r\n".repeat(20_000);
    let server = served(MaybeTls::Plain(a), config(), post(&[DOTS, &large]), ServeOptions::default());
    let mut client = Client::open(MaybeTls::Plain(b), in_the_clear()).await.unwrap();
    match client.login("mrose", "wrong").await.unwrap_err() {
        ClientError::Refused(line) => assert_eq!(line.code(), Some(&ResponseCode::Auth)),
        other => panic!("{other:?}"),
    }
    client.login("mrose", "tan staaf").await.unwrap();
    let stat = client.stat().await.unwrap();
    assert_eq!((stat.messages, stat.octets), (2, (DOTS.len() + large.len()) as u64));
    assert_eq!(client.list().await.unwrap()[1].octets, large.len() as u64);
    assert_eq!(client.uidl().await.unwrap().len(), 2);
    for (of, expected) in [(1, DOTS), (2, &large[..])] {
        let mut message = Vec::new();
        assert!(!client.retr(number(of), &mut message).await.unwrap().any());
        assert!(message == expected);
    }
    let mut top = Vec::new();
    client.top(number(1), 1, &mut top).await.unwrap();
    assert_eq!(top, b".first\r\n\r\n..\r\n");
    client.dele(number(1)).await.unwrap();
    client.rset().await.unwrap();
    client.dele(number(2)).await.unwrap();
    assert!(matches!(client.retr(number(2), &mut top).await, Err(ClientError::Refused(_))));
    client.noop().await.unwrap();
    client.quit().await.unwrap();
    let (handler, end) = server.await.unwrap();
    end.unwrap();
    assert_eq!(handler.deleted, [number(2)]);
    assert_eq!(handler.released.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_was_not_deleted_is_told() {
    let (a, b) = duplex(1024);
    let handler = Post { cannot_delete: true, ..post(&[DOTS]) };
    let server = served(MaybeTls::Plain(a), config(), handler, ServeOptions::default());
    let mut client = logged_in(b).await;
    client.dele(number(1)).await.unwrap();
    assert!(matches!(client.quit().await, Err(ClientError::Refused(_))));
    server.await.unwrap().1.unwrap();
}

#[tokio::test]
async fn without_quit_nothing_is_deleted_and_the_maildrop_is_released() {
    let (a, b) = duplex(1024);
    let server = served(MaybeTls::Plain(a), config(), post(&[DOTS]), ServeOptions::default());
    let mut client = logged_in(b).await;
    client.dele(number(1)).await.unwrap();
    drop(client);
    let (handler, _) = server.await.unwrap();
    assert!(handler.deleted.is_empty());
    assert_eq!(handler.released.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_message_that_cannot_be_read_is_not_taken_for_whole() {
    let (a, b) = duplex(1024);
    let handler = Post { is_broken: true, ..post(&[DOTS]) };
    let server = served(MaybeTls::Plain(a), config(), handler, ServeOptions::default());
    let mut client = logged_in(b).await;
    let mut message = Vec::new();
    assert!(matches!(client.retr(number(1), &mut message).await, Err(ClientError::Connection(_))));
    drop(client);
    let (handler, end) = server.await.unwrap();
    assert!(end.is_err());
    assert_eq!(handler.released.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn of_a_large_message_top_reads_only_what_it_sends() {
    let (a, b) = duplex(1024);
    let large = b"Subject: large\r\n\r\nline\r\n".repeat(50_000);
    let server = served(MaybeTls::Plain(a), config(), post(&[&large]), ServeOptions::default());
    let mut client = logged_in(b).await;
    let mut top = Vec::new();
    client.top(number(1), 2, &mut top).await.unwrap();
    assert_eq!(top, b"Subject: large\r\n\r\nline\r\nSubject: large\r\n");
    client.quit().await.unwrap();
    assert_eq!(server.await.unwrap().0.read.load(Ordering::SeqCst), 8192);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_its_message_is_bounded_and_given_up() {
    let (a, mut peer) = duplex(1024);
    let large = vec![b'x'; 10_000_000];
    let handler = post(&[&large]);
    let read = handler.read.clone();
    let server = served(MaybeTls::Plain(a), config(), handler, ServeOptions::default());
    peer.write_all(b"USER mrose\r\nPASS tan staaf\r\nRETR 1\r\n").await.unwrap();
    let (handler, end) = server.await.unwrap();
    assert!(matches!(end, Err(Error::Io(error)) if error.kind() == io::ErrorKind::TimedOut));
    assert!(read.load(Ordering::SeqCst) < 200_000, "{read:?}");
    assert_eq!(handler.released.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_leaves_the_connection_usable() {
    let (a, b) = duplex(256);
    let large = b"0123456789\r\n".repeat(20_000);
    let server = served(MaybeTls::Plain(a), config(), post(&[&large, DOTS]), ServeOptions::default());
    let mut client = logged_in(b).await;
    let (mut narrow, mut reader) = duplex(64);
    let dropped = timeout(Duration::from_millis(20), client.retr(number(1), &mut narrow)).await;
    assert!(dropped.is_err());
    assert_eq!(reader.read_u8().await.unwrap(), b'0', "it was within the message");
    let mut message = Vec::new();
    client.retr(number(2), &mut message).await.unwrap();
    assert_eq!(message, DOTS);
    client.quit().await.unwrap();
    server.await.unwrap().1.unwrap();
}

#[tokio::test(start_paused = true)]
async fn shutdown_deletes_nothing() {
    let (a, b) = duplex(1024);
    let shutdown = ShutdownHandle::new();
    let options = ServeOptions { shutdown: shutdown.listen(), ..ServeOptions::default() };
    let server = served(MaybeTls::Plain(a), config(), post(&[DOTS]), options);
    let mut client = logged_in(b).await;
    client.dele(number(1)).await.unwrap();
    shutdown.shut_down();
    sleep(Duration::from_millis(10)).await;
    // The farewell comes where an answer is awaited, and cannot be told from one.
    assert!(matches!(client.noop().await, Err(ClientError::Refused(_))));
    assert!(client.noop().await.is_err());
    drop(client);
    let (handler, end) = server.await.unwrap();
    end.unwrap();
    assert!(handler.deleted.is_empty());
    assert_eq!(handler.released.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn octets_behind_stls_end_the_connection() {
    let (a, mut peer) = duplex(1024);
    let mut config = config();
    config.stls = true;
    let server = served(MaybeTls::Plain(a), config, post(&[]), ServeOptions::default());
    peer.write_all(b"STLS\r\nUSER eve\r\n").await.unwrap();
    let mut text = String::new();
    peer.read_to_string(&mut text).await.unwrap();
    assert_eq!(text.matches("+OK").count(), 1, "{text}");
    drop(peer);
    let end = server.await.unwrap().1;
    assert!(
        matches!(end, Err(Error::Session(SessionError::Peer(PeerMisbehaved::InjectedBeforeTls { .. })))),
        "{end:?}"
    );
}

#[tokio::test]
async fn no_password_is_sent_without_tls() {
    let (a, b) = duplex(1024);
    let _server = served(MaybeTls::Plain(a), config(), post(&[]), ServeOptions::default());
    let refused = Client::open(MaybeTls::Plain(b), ClientOptions::default()).await.unwrap_err();
    assert!(matches!(refused, ClientError::TlsNotOffered(_)), "{refused:?}");

    let (a, b) = duplex(1024);
    let _server = served(MaybeTls::Plain(a), config(), post(&[]), ServeOptions::default());
    let options = ClientOptions { policy: TlsPolicy::Opportunistic, ..ClientOptions::default() };
    let mut client = Client::open(MaybeTls::Plain(b), options).await.unwrap();
    assert!(matches!(client.login("mrose", "tan staaf").await, Err(ClientError::NotNow(_))));
}

#[cfg(feature = "rustls")]
mod tls {
    use super::*;
    use crate::certificates;
    use postroad_pop3::types::Capability;
    use postroad_tokio::rustls::pki_types::ServerName;
    use postroad_tokio::tls::{HANDSHAKE, accept, connect};
    use tokio::net::{TcpListener, TcpStream};

    fn localhost() -> ServerName<'static> {
        ServerName::try_from("localhost").unwrap()
    }

    #[tokio::test]
    async fn stls_over_tcp() {
        let (acceptor, connector) = certificates::pair();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut config = Config::new(Domain::parse("dewey.example").unwrap());
        config.stls = true;
        let server = tokio::spawn(async move {
            let io = MaybeTls::Plain(listener.accept().await.unwrap().0);
            let options = ServeOptions { tls: Some(acceptor), ..ServeOptions::default() };
            served(io, config, post(&[DOTS]), options).await.unwrap()
        });
        let io = MaybeTls::Plain(TcpStream::connect(address).await.unwrap());
        let options = ClientOptions { tls: Some((connector, localhost())), ..ClientOptions::default() };
        let mut client = Client::open(io, options).await.unwrap();
        assert!(client.io().is_tls());
        assert!(
            client.capabilities().has(&Capability::User) && !client.capabilities().has(&Capability::Stls)
        );
        client.login("mrose", "tan staaf").await.unwrap();
        let mut message = Vec::new();
        client.retr(number(1), &mut message).await.unwrap();
        assert_eq!(message, DOTS);
        client.quit().await.unwrap();
        let (handler, end) = server.await.unwrap();
        end.unwrap();
        assert_eq!(handler.tls, 1);
    }

    #[tokio::test]
    async fn tls_from_the_first_octet() {
        let (acceptor, connector) = certificates::pair();
        let (a, b) = duplex(64 * 1024);
        let (a, b) =
            tokio::join!(accept(&acceptor, a, HANDSHAKE), connect(&connector, localhost(), b, HANDSHAKE));
        let config = Config::new(Domain::parse("dewey.example").unwrap());
        let server = served(a.unwrap(), config, post(&[DOTS]), ServeOptions::default());
        let mut client = Client::open(b.unwrap(), ClientOptions::default()).await.unwrap();
        client.login("mrose", "tan staaf").await.unwrap();
        client.quit().await.unwrap();
        assert_eq!(server.await.unwrap().0.tls, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_not_the_handlers_fault() {
    let (a, mut b) = duplex(1024);
    let mut config = config();
    config.decision_timeout = Duration::from_secs(10);
    let message = b"0123456789abcdef0123456789abcdef\r\n".repeat(10_000);
    let server = served(MaybeTls::Plain(a), config, post(&[&message]), ServeOptions::default());
    b.write_all(b"USER mrose\r\nPASS tan staaf\r\nRETR 1\r\nQUIT\r\n").await.unwrap();
    let mut heard = Vec::new();
    let mut piece = [0; 1000];
    // A kilobyte a second: what is buffered takes longer than the handler may.
    loop {
        match b.read(&mut piece).await.unwrap() {
            0 => break,
            octets => heard.extend_from_slice(&piece[..octets]),
        }
        sleep(Duration::from_secs(1)).await;
    }
    server.await.unwrap().1.unwrap();
    assert!(heard.ends_with(b"signing off (1 message left)\r\n"));
    assert!(heard.len() > message.len());
}
