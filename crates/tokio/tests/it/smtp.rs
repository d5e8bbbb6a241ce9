//! SMTP: the client and `serve`, against each other and against peers that misbehave.

use bytes::Bytes;
use postroad_smtp::client::{Delivery, Envelope, Opening, TlsPolicy};
use postroad_smtp::command::MailParameters;
use postroad_smtp::reply::{Rejection, ReplyText};
use postroad_smtp::server::{AbortReason, CloseReason, Config, Phase};
use postroad_smtp::types::{ClientName, ForwardPath, ReversePath};
use postroad_smtp::{Domain, Error as SessionError, PeerFault};
use postroad_tokio::smtp::{Client, ClientError, ClientOptions, Handler, serve};
use postroad_tokio::{Error, Limits, MaybeTls, ServeOptions, ShutdownHandle};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, ReadBuf, duplex};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

/// A message on its way in; says when it is dropped unfinished.
struct Draft {
    octets: Vec<u8>,
    dropped: Arc<AtomicUsize>,
}

impl Drop for Draft {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

/// Takes mail for example.org.
#[derive(Default)]
struct Postmaster {
    reverse_path: Option<ReversePath>,
    recipients: Vec<ForwardPath>,
    stored: Vec<(ReversePath, Vec<ForwardPath>, Vec<u8>)>,
    dropped: Arc<AtomicUsize>,
    aborted: Vec<AbortReason>,
    tls: usize,
    slow: Option<Duration>,
    #[cfg(feature = "rustls")]
    accounts: Vec<Vec<u8>>,
}

impl Handler for Postmaster {
    type Message = Draft;

    fn tls_established(&mut self, info: &postroad_smtp::types::TlsInfo) {
        assert_eq!(info.exporter.as_ref().unwrap().len(), 32);
        self.tls += 1;
    }

    #[cfg(feature = "rustls")]
    async fn authenticate(
        &mut self,
        step: postroad_tokio::smtp::AuthStep,
    ) -> postroad_tokio::smtp::AuthAnswer {
        use postroad_tokio::smtp::{AuthAnswer, AuthStep};
        let response = match step {
            AuthStep::Start { initial_response: None, .. } => return AuthAnswer::Challenge(Vec::new()),
            AuthStep::Start { initial_response: Some(response), .. } | AuthStep::Response(response) => {
                response
            }
            _ => panic!(),
        };
        if self.accounts.iter().any(|account| account == response.expose()) {
            AuthAnswer::Accept
        } else {
            AuthAnswer::Reject(Rejection::bad_credentials())
        }
    }

    async fn mail(
        &mut self,
        reverse_path: &ReversePath,
        _parameters: &MailParameters,
    ) -> Result<(), Rejection> {
        if let Some(slow) = self.slow {
            sleep(slow).await;
        }
        self.reverse_path = Some(reverse_path.clone());
        Ok(())
    }

    async fn rcpt(&mut self, forward_path: &ForwardPath) -> Result<(), Rejection> {
        tokio::task::yield_now().await;
        if !forward_path.to_string().contains("@example.org") {
            return Err(Rejection::relay_denied());
        }
        self.recipients.push(forward_path.clone());
        Ok(())
    }

    async fn data(&mut self) -> Result<Draft, Rejection> {
        Ok(Draft { octets: Vec::new(), dropped: self.dropped.clone() })
    }

    async fn body(&mut self, message: &mut Draft, chunk: Bytes) -> Result<(), Rejection> {
        if chunk.starts_with(b"VIRUS") {
            return Err(Rejection::content_rejected());
        }
        message.octets.extend_from_slice(&chunk);
        Ok(())
    }

    async fn finish(&mut self, mut message: Draft) -> Result<ReplyText, Rejection> {
        let (from, to) = (self.reverse_path.take().unwrap(), std::mem::take(&mut self.recipients));
        self.stored.push((from, to, std::mem::take(&mut message.octets)));
        Ok(ReplyText::new(format!("queued as {}", self.stored.len())))
    }

    fn aborted(&mut self, reason: AbortReason) {
        self.aborted.push(reason);
    }

    fn reset(&mut self) {
        self.reverse_path = None;
        self.recipients.clear();
    }
}

type Served = JoinHandle<(Postmaster, Result<Option<CloseReason>, Error<SessionError>>)>;

fn config() -> Config {
    Config::new(Domain::parse("example.org").unwrap())
}

fn served<Io>(io: MaybeTls<Io>, config: Config, mut handler: Postmaster, options: ServeOptions) -> Served
where
    Io: AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    tokio::spawn(async move {
        let end = serve(io, Arc::new(config), &mut handler, options).await;
        (handler, end)
    })
}

fn plainly_served(io: DuplexStream) -> Served {
    served(MaybeTls::Plain(io), config(), Postmaster::default(), ServeOptions::default())
}

fn opening(tls: TlsPolicy) -> Opening {
    Opening::new(ClientName::parse("client.example.com").unwrap(), tls)
}

async fn open(io: DuplexStream) -> Client<DuplexStream> {
    Client::open(MaybeTls::Plain(io), opening(TlsPolicy::None), ClientOptions::default()).await.unwrap()
}

fn envelope(recipients: &[&str]) -> Envelope {
    let recipients = recipients.iter().map(|path| ForwardPath::parse(path).unwrap()).collect();
    Envelope::new(ReversePath::parse("<bob@example.com>").unwrap(), recipients)
}

/// Reads up to and with `end`.
async fn read_until(io: &mut (impl AsyncRead + Unpin), end: &str) -> String {
    let mut text = Vec::new();
    while !text.ends_with(end.as_bytes()) {
        text.push(io.read_u8().await.unwrap());
    }
    String::from_utf8(text).unwrap()
}

const DATA: &[u8] = b"EHLO me\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<alice@example.org>\r\nDATA\r\n";

#[tokio::test]
async fn several_messages_and_a_refused_recipient_on_one_connection() {
    let (a, b) = duplex(256);
    let server = plainly_served(a);
    let mut client = open(b).await;
    assert!(client.capabilities().pipelining);
    let mut large = Vec::new();
    while large.len() < 300_000 {
        large.extend_from_slice(b".\r\n..\r\n.dot\r\nand a line without\r\n");
    }
    for message in [&b"Subject: one\r\n\r\none\r\n"[..], &large] {
        let to = ["<alice@example.org>", "<eve@example.net>", "<carol@example.org>"];
        let outcome = client.send(envelope(&to), message).await.unwrap();
        assert!(outcome.reusable && client.failure().is_none());
        let deliveries: Vec<_> = outcome.deliveries().map(|(_, delivery)| delivery).collect();
        assert!(matches!(deliveries[0], Delivery::Delivered(reply) if reply.text().contains("queued as")));
        assert!(matches!(deliveries[1], Delivery::Failed { permanent: true, .. }));
        assert!(matches!(deliveries[2], Delivery::Delivered(_)));
    }
    assert!(client.noop().await.unwrap().is_positive());
    client.quit().await.unwrap();
    let (handler, end) = server.await.unwrap();
    assert_eq!(end.unwrap(), Some(CloseReason::Quit));
    assert_eq!(handler.stored.len(), 2);
    assert_eq!(handler.stored[0].2, b"Subject: one\r\n\r\none\r\n");
    assert_eq!(handler.stored[1].1.len(), 2);
    assert_eq!(handler.stored[1].2, large);
}

#[tokio::test]
async fn if_nobody_is_left_the_message_is_not_even_read() {
    struct Unread;
    impl AsyncRead for Unread {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            panic!("it was read");
        }
    }
    let (a, b) = duplex(4096);
    let server = plainly_served(a);
    let mut client = open(b).await;
    let outcome = client.send(envelope(&["<eve@example.net>"]), Unread).await.unwrap();
    assert!(outcome.reusable);
    let outcome = client.send(envelope(&["<alice@example.org>"]), &b"hi\r\n"[..]).await.unwrap();
    assert!(matches!(outcome.delivery(0), Some(Delivery::Delivered(_))));
    client.quit().await.unwrap();
    assert_eq!(server.await.unwrap().0.stored.len(), 1);
}

#[tokio::test]
async fn a_handler_that_says_nothing_relays_nothing() {
    struct Silent;
    impl Handler for Silent {
        type Message = ();
        async fn data(&mut self) -> Result<(), Rejection> {
            panic!("no recipient was accepted");
        }
        async fn body(&mut self, (): &mut (), _chunk: Bytes) -> Result<(), Rejection> {
            Ok(())
        }
        async fn finish(&mut self, (): ()) -> Result<ReplyText, Rejection> {
            Ok(ReplyText::new("ok"))
        }
    }
    let (a, b) = duplex(4096);
    tokio::spawn(async move {
        serve(MaybeTls::Plain(a), Arc::new(config()), &mut Silent, ServeOptions::default()).await
    });
    let mut client = open(b).await;
    let outcome = client.send(envelope(&["<alice@example.org>"]), &b"hi\r\n"[..]).await.unwrap();
    assert!(matches!(outcome.delivery(0), Some(Delivery::Failed { permanent: true, .. })));
}

#[tokio::test]
async fn a_peer_that_dies_within_its_message_leaves_nothing() {
    let (a, mut peer) = duplex(4096);
    let server = plainly_served(a);
    peer.write_all(DATA).await.unwrap();
    read_until(&mut peer, "354 ").await;
    peer.write_all(b"half of it\r\n").await.unwrap();
    drop(peer);
    let (handler, _) = server.await.unwrap();
    assert!(handler.stored.is_empty());
    assert_eq!(handler.dropped.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_the_handler_refuses_in_the_middle_is_refused_at_the_end() {
    let (a, b) = duplex(4096);
    let server = plainly_served(a);
    let mut client = open(b).await;
    let message = [b"VIRUS".repeat(20_000).as_slice(), b"\r\n"].concat();
    let outcome = client.send(envelope(&["<alice@example.org>"]), &message[..]).await.unwrap();
    assert!(
        matches!(outcome.delivery(0), Some(Delivery::Failed { reply, permanent: true }) if reply.text().contains("content"))
    );
    assert!(outcome.reusable);
    client.quit().await.unwrap();
    let (handler, _) = server.await.unwrap();
    assert_eq!((handler.stored.len(), handler.dropped.load(Ordering::SeqCst)), (0, 1));
}

#[tokio::test]
async fn a_message_that_is_too_large_is_dropped_and_the_connection_goes_on() {
    let (a, b) = duplex(4096);
    let mut config = config();
    config.max_message_size = 10_000;
    let server = served(MaybeTls::Plain(a), config, Postmaster::default(), ServeOptions::default());
    let mut client = open(b).await;
    let message = b"0123456789\r\n".repeat(2000);
    let outcome = client.send(envelope(&["<alice@example.org>"]), &message[..]).await.unwrap();
    assert!(matches!(outcome.delivery(0), Some(Delivery::Failed { permanent: true, .. })));
    let outcome = client.send(envelope(&["<alice@example.org>"]), &b"small\r\n"[..]).await.unwrap();
    assert!(matches!(outcome.delivery(0), Some(Delivery::Delivered(_))));
    client.quit().await.unwrap();
    let (handler, _) = server.await.unwrap();
    assert_eq!(handler.aborted, [AbortReason::TooLarge]);
    assert_eq!(handler.stored.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_trickles_gets_421() {
    let (a, peer) = duplex(4096);
    let server = plainly_served(a);
    let (mut read, mut write) = tokio::io::split(peer);
    let began = Instant::now();
    let drip = tokio::spawn(async move {
        for octet in b"NOOP ".iter().chain(std::iter::repeat(&b'x')) {
            if write.write_all(&[*octet]).await.is_err() {
                break;
            }
            sleep(Duration::from_secs(10)).await;
        }
    });
    let mut text = String::new();
    read.read_to_string(&mut text).await.unwrap();
    assert!(text.contains("\r\n421 "), "{text}");
    assert!(began.elapsed() < Duration::from_secs(301));
    drip.abort();
    drop(read);
    let (_, end) = server.await.unwrap();
    assert_eq!(end.unwrap(), Some(CloseReason::TimedOut(Phase::Command)));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_trickles_gets_421_and_leaves_nothing() {
    let (a, peer) = duplex(4096);
    let server = plainly_served(a);
    let (mut read, mut write) = tokio::io::split(peer);
    write.write_all(DATA).await.unwrap();
    read_until(&mut read, "354 ").await;
    let drip = tokio::spawn(async move {
        while write.write_all(b"x").await.is_ok() {
            sleep(Duration::from_secs(60)).await;
        }
    });
    let mut text = String::new();
    timeout(Duration::from_secs(600), read.read_to_string(&mut text)).await.unwrap().unwrap();
    assert!(text.contains("\r\n421 "), "{text}");
    drip.abort();
    drop(read);
    let (handler, end) = server.await.unwrap();
    assert_eq!(end.unwrap(), Some(CloseReason::TimedOut(Phase::Data)));
    assert_eq!((handler.stored.len(), handler.dropped.load(Ordering::SeqCst)), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_pipelines_and_never_reads_is_stopped() {
    let (a, mut peer) = duplex(4096);
    let server = plainly_served(a);
    let mut written = 0;
    while let Ok(result) = timeout(Duration::from_secs(1), peer.write_all(&b"NOOP\r\n".repeat(1000))).await {
        result.unwrap();
        written += 6000;
    }
    // A reply is longer than a NOOP: what is answered stays within the two high-water marks.
    assert!(written < 256 * 1024, "{written}");
    let (_, end) = server.await.unwrap();
    assert!(matches!(end, Err(Error::Io(error)) if error.kind() == io::ErrorKind::TimedOut));
    drop(peer);
}

#[tokio::test]
async fn shutdown_says_421_to_a_connection_that_waits() {
    let (a, mut peer) = duplex(4096);
    let shutdown = ShutdownHandle::new();
    let options = ServeOptions { shutdown: shutdown.listen(), ..ServeOptions::default() };
    let server = served(MaybeTls::Plain(a), config(), Postmaster::default(), options);
    read_until(&mut peer, "\r\n").await;
    shutdown.shut_down();
    let mut text = String::new();
    peer.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("421 "), "{text}");
    drop(peer);
    assert_eq!(server.await.unwrap().1.unwrap(), Some(CloseReason::Goodbye));
    shutdown.drained().await;
}

#[tokio::test(start_paused = true)]
async fn shutdown_lets_a_message_come_to_its_end() {
    let (a, mut peer) = duplex(4096);
    let shutdown = ShutdownHandle::new();
    let options = ServeOptions { shutdown: shutdown.listen(), ..ServeOptions::default() };
    let server = served(MaybeTls::Plain(a), config(), Postmaster::default(), options);
    peer.write_all(DATA).await.unwrap();
    read_until(&mut peer, "354 ").await;
    shutdown.shut_down();
    sleep(Duration::from_millis(10)).await;
    peer.write_all(b"whole\r\n.\r\n").await.unwrap();
    let mut text = String::new();
    peer.read_to_string(&mut text).await.unwrap();
    assert!(text.contains("\r\n250 ") && text.contains("\r\n421 "), "{text}");
    drop(peer);
    assert_eq!(server.await.unwrap().0.stored.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_is_too_slow_is_answered_for_but_not_cut_short() {
    let (a, mut peer) = duplex(4096);
    let handler = Postmaster { slow: Some(Duration::from_secs(3600)), ..Postmaster::default() };
    let server = served(MaybeTls::Plain(a), config(), handler, ServeOptions::default());
    peer.write_all(b"EHLO me\r\nMAIL FROM:<a@b.example>\r\n").await.unwrap();
    let began = Instant::now();
    let mut text = String::new();
    peer.read_to_string(&mut text).await.unwrap();
    assert!(text.contains("\r\n421 "), "{text}");
    assert!(began.elapsed() < Duration::from_secs(601));
    drop(peer);
    let (handler, end) = server.await.unwrap();
    assert!(handler.reverse_path.is_some(), "it came to its end");
    assert_eq!(end.unwrap(), Some(CloseReason::TimedOut(Phase::Decision)));
}

/// A server that says what the test says, and closes when that is over.
async fn scripted(mut peer: DuplexStream, script: &[(&str, &str)]) {
    for (wait, say) in script {
        read_until(&mut peer, wait).await;
        peer.write_all(say.as_bytes()).await.unwrap();
    }
}

const OPEN: &[(&str, &str)] =
    &[("", "220 there\r\n"), ("EHLO client.example.com\r\n", "250-there\r\n250 PIPELINING\r\n")];

#[tokio::test]
async fn a_server_that_vanishes_leaves_the_message_unknown() {
    let (a, b) = duplex(4096);
    let server = async {
        let script = [OPEN, &[("DATA\r\n", "250 ok\r\n250 ok\r\n354 go\r\n"), ("\r\n", "")]].concat();
        scripted(a, &script).await;
    };
    let client = async {
        let mut client = open(b).await;
        let message = b"0123456789\r\n".repeat(10_000);
        let outcome = client.send(envelope(&["<alice@example.org>"]), &message[..]).await.unwrap();
        (client, outcome)
    };
    let ((), (mut client, outcome)) = tokio::join!(server, client);
    assert!(outcome.begun && !outcome.reusable);
    assert_eq!(outcome.delivery(0), Some(Delivery::Unknown));
    assert!(client.failure().is_some());
    let again = client.send(envelope(&["<alice@example.org>"]), &b""[..]).await;
    assert!(matches!(again, Err(ClientError::Closed(_) | ClientError::Connection(_))), "{again:?}");
}

#[tokio::test]
async fn a_message_that_is_refused_before_its_end_is_not_sent_to_its_end() {
    let (a, b) = duplex(4096);
    let server = async {
        let script =
            [OPEN, &[("DATA\r\n", "250 ok\r\n250 ok\r\n354 go\r\n"), ("\r\n", "552 5.3.4 enough\r\n")]]
                .concat();
        scripted(a, &script).await;
    };
    let client = async {
        let mut client = open(b).await;
        let endless = tokio::io::repeat(b'x');
        client.send(envelope(&["<alice@example.org>"]), (&b"\r\n"[..]).chain(endless)).await.unwrap()
    };
    let ((), outcome) = tokio::join!(server, client);
    assert!(matches!(outcome.delivery(0), Some(Delivery::Failed { permanent: true, .. })), "{outcome:?}");
    assert!(!outcome.reusable);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_takes_no_more_of_the_message_is_given_up() {
    let (mut a, b) = duplex(4096);
    let server = async {
        let script = [OPEN, &[("DATA\r\n", "250 ok\r\n250 ok\r\n354 go\r\n")]].concat();
        for (wait, say) in script {
            read_until(&mut a, wait).await;
            a.write_all(say.as_bytes()).await.unwrap();
        }
    };
    let client = async {
        let mut client = open(b).await;
        let outcome = client.send(envelope(&["<alice@example.org>"]), tokio::io::repeat(b'x')).await.unwrap();
        (client, outcome)
    };
    let began = Instant::now();
    let ((), (client, outcome)) = tokio::join!(server, client);
    assert_eq!(outcome.delivery(0), Some(Delivery::Unknown));
    assert!(client.failure().is_some());
    assert!(began.elapsed() <= Duration::from_secs(310), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_message_that_cannot_be_read_is_not_delivered() {
    struct Broken;
    impl AsyncRead for Broken {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Err(io::Error::other("disk")))
        }
    }
    let (a, b) = duplex(4096);
    let server = plainly_served(a);
    let mut client = open(b).await;
    let body = (&b"the first half\r\n"[..]).chain(Broken);
    let outcome = client.send(envelope(&["<alice@example.org>"]), body).await.unwrap();
    assert_eq!(outcome.delivery(0), Some(Delivery::Unknown));
    assert!(matches!(client.failure(), Some(ClientError::Body(_))));
    drop(client);
    let (handler, _) = server.await.unwrap();
    assert_eq!((handler.stored.len(), handler.dropped.load(Ordering::SeqCst)), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_dropped_ends_the_connection() {
    let (a, b) = duplex(4096);
    let server = plainly_served(a);
    let mut client = open(b).await;
    let body = (&b"the first half\r\n"[..]).chain(NeverMore);
    let sent =
        timeout(Duration::from_millis(20), client.send(envelope(&["<alice@example.org>"]), body)).await;
    assert!(sent.is_err());
    let again = client.send(envelope(&["<alice@example.org>"]), &b"\r\n"[..]).await;
    assert!(matches!(again, Err(ClientError::Interrupted)));
    drop(client);
    assert!(server.await.unwrap().0.stored.is_empty());
}

struct NeverMore;
impl AsyncRead for NeverMore {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_greet_is_given_up() {
    let (_a, b) = duplex(4096);
    let opened = Client::open(MaybeTls::Plain(b), opening(TlsPolicy::None), ClientOptions::default())
        .await
        .unwrap_err();
    assert!(matches!(opened, ClientError::Closed(Some(_))), "{opened:?}");
}

#[tokio::test]
async fn a_refused_opening_says_quit() {
    let (a, b) = duplex(4096);
    let server = async {
        let script = [OPEN, &[("QUIT\r\n", "221 bye\r\n")]].concat();
        scripted(a, &script).await;
    };
    let opening = opening(TlsPolicy::Required);
    let (opened, ()) =
        tokio::join!(Client::open(MaybeTls::Plain(b), opening, ClientOptions::default()), server);
    assert!(matches!(opened, Err(ClientError::Opening(_))));
}

#[tokio::test]
async fn octets_behind_starttls_end_the_connection() {
    let (a, mut peer) = duplex(4096);
    let mut config = config();
    config.starttls = true;
    let server = served(MaybeTls::Plain(a), config, Postmaster::default(), ServeOptions::default());
    peer.write_all(b"EHLO me\r\nSTARTTLS\r\nMAIL FROM:<eve@example.net>\r\n").await.unwrap();
    let mut text = String::new();
    peer.read_to_string(&mut text).await.unwrap();
    assert!(!text.contains("\r\n220 "), "{text}");
    drop(peer);
    let end = server.await.unwrap().1;
    assert!(
        matches!(end, Err(Error::Session(SessionError::Peer(PeerFault::InjectedBeforeTls { .. })))),
        "{end:?}"
    );
}

#[test]
fn limits_are_what_the_documentation_says() {
    assert_eq!(ClientOptions::default().limits, Limits::default());
    assert_eq!(ServeOptions::default().handshake, Duration::from_secs(60));
}

#[cfg(feature = "rustls")]
mod tls {
    use super::*;
    use crate::certificates;
    use postroad_smtp::Secret;
    use postroad_smtp::command::AuthCommand;
    use postroad_smtp::types::Mechanism;
    use postroad_tokio::rustls::pki_types::ServerName;
    use postroad_tokio::tls::{HANDSHAKE, accept, connect};
    use tokio::net::{TcpListener, TcpStream};

    const ALICE: &[u8] = b"\0alice\0secret";

    fn submission() -> Config {
        let mut config = config();
        config.starttls = true;
        config.mechanisms = vec![Mechanism::PLAIN];
        config.require_auth = true;
        config
    }

    fn localhost() -> ServerName<'static> {
        ServerName::try_from("localhost").unwrap()
    }

    fn alice(password: &[u8]) -> Opening {
        let response = Some(Secret::new(password.to_vec()));
        opening(TlsPolicy::Required).authenticate(AuthCommand::new(Mechanism::PLAIN, response))
    }

    #[tokio::test]
    async fn submission_over_tcp_with_starttls_and_auth() {
        let (acceptor, connector) = certificates::pair();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let handler = Postmaster { accounts: vec![ALICE.to_vec()], ..Postmaster::default() };
        let server = tokio::spawn(async move {
            let io = MaybeTls::Plain(listener.accept().await.unwrap().0);
            let options = ServeOptions { tls: Some(acceptor), ..ServeOptions::default() };
            served(io, submission(), handler, options).await.unwrap()
        });
        let io = MaybeTls::Plain(TcpStream::connect(address).await.unwrap());
        let options = ClientOptions { tls: Some((connector, localhost())), ..ClientOptions::default() };
        let mut client = Client::open(io, alice(ALICE), options).await.unwrap();
        assert!(client.io().is_tls() && client.session().is_authenticated());
        let message = b"0123456789\r\n".repeat(100_000);
        let outcome = client.send(envelope(&["<alice@example.org>"]), &message[..]).await.unwrap();
        assert!(matches!(outcome.delivery(0), Some(Delivery::Delivered(_))), "{outcome:?}");
        client.quit().await.unwrap();
        let (handler, end) = server.await.unwrap();
        assert_eq!(end.unwrap(), Some(CloseReason::Quit));
        assert_eq!(handler.tls, 1);
        assert!(handler.stored[0].2 == message);
    }

    #[tokio::test]
    async fn tls_from_the_first_octet_and_a_wrong_password() {
        let (acceptor, connector) = certificates::pair();
        let (a, b) = duplex(64 * 1024);
        let (a, b) =
            tokio::join!(accept(&acceptor, a, HANDSHAKE), connect(&connector, localhost(), b, HANDSHAKE));
        let handler = Postmaster { accounts: vec![ALICE.to_vec()], ..Postmaster::default() };
        let server = served(a.unwrap(), submission(), handler, ServeOptions::default());
        let refused =
            Client::open(b.unwrap(), alice(b"\0alice\0wrong"), ClientOptions::default()).await.unwrap_err();
        assert!(matches!(refused, ClientError::Opening(_)), "{refused:?}");
        let (handler, end) = server.await.unwrap();
        assert_eq!((handler.tls, end.unwrap()), (1, Some(CloseReason::Quit)));
    }

    #[tokio::test]
    async fn a_certificate_of_a_stranger_ends_the_opening() {
        let (acceptor, _) = certificates::pair();
        let (_, stranger) = certificates::pair();
        let (a, b) = duplex(64 * 1024);
        let options = ServeOptions { tls: Some(acceptor), ..ServeOptions::default() };
        let server = served(MaybeTls::Plain(a), submission(), Postmaster::default(), options);
        let options = ClientOptions { tls: Some((stranger, localhost())), ..ClientOptions::default() };
        let refused = Client::open(MaybeTls::Plain(b), alice(ALICE), options).await.unwrap_err();
        assert!(matches!(refused, ClientError::Tls(_)), "{refused:?}");
        assert!(matches!(server.await.unwrap().1, Err(Error::Io(_))));
    }
}
