//! The client against the server, in segments of any size.

use bytes::Bytes;
use postroad_smtp::client::{
    Client, CloseReason, Delivery, Envelope, Opening, OpeningProgress, Outcome, Progress, TlsPolicy,
    Transaction,
};
use postroad_smtp::command::{AuthCommand, Command};
use postroad_smtp::reply::{Rejection, ReplyText};
use postroad_smtp::server::{self, Event, Server};
use postroad_smtp::types::{BodyType, ClientName, ForwardPath, Mechanism, ReversePath, TlsInfo};
use postroad_smtp::{Domain, Full, Secret, client};
use postroad_testkit::{End, Pair};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What the server's application has taken in.
#[derive(Debug, Default)]
struct Store {
    reverse_path: String,
    recipients: Vec<String>,
    message: Vec<u8>,
    accepted: Vec<(String, Vec<String>, Vec<u8>)>,
}

impl Store {
    /// Knows everybody at foo.com but those whose name begins with `no`.
    fn decide(&mut self, server: &mut Server, event: Event) {
        match event {
            Event::Hello(hello) => hello.accept(server),
            Event::StartTls(starttls) => starttls.accept(server),
            Event::Auth(auth) => match auth.initial_response() {
                Some(response) if response.expose() == b"\0tim\0tanstaaf" => auth.accept(server),
                Some(_) => auth.reject(server, Rejection::bad_credentials()),
                None => auth.challenge(server, b""),
            },
            Event::AuthResponse(response) => {
                let is_right = response.response().expose() == b"\0tim\0tanstaaf";
                if is_right {
                    response.accept(server);
                } else {
                    response.reject(server, Rejection::bad_credentials());
                }
            }
            Event::Mail(mail) => {
                self.reverse_path = mail.reverse_path().to_string();
                self.recipients.clear();
                mail.accept(server);
            }
            Event::Rcpt(rcpt) => {
                let path = rcpt.forward_path().to_string();
                if path.starts_with("<no") {
                    rcpt.reject(server, Rejection::mailbox_unavailable());
                } else {
                    self.recipients.push(path);
                    rcpt.accept(server);
                }
            }
            Event::Data(data) => {
                self.message.clear();
                data.accept(server);
            }
            Event::Body(octets) => self.message.extend_from_slice(&octets),
            Event::DataEnd(end) => {
                assert_eq!(end.size(), self.message.len() as u64);
                self.accepted.push((
                    self.reverse_path.clone(),
                    self.recipients.clone(),
                    std::mem::take(&mut self.message),
                ));
                end.accept(server, ReplyText::new(format!("queued as {}", self.accepted.len())));
            }
            _ => {}
        }
    }
}

/// The client's application: opens the connection, sends its messages one after the other, and quits.
struct Sender {
    opening: Opening,
    queue: VecDeque<(Envelope, &'static [u8])>,
    current: Option<(Transaction, Bytes)>,
    chunk: usize,
    wants_tls: bool,
    outcomes: Vec<Outcome>,
    /// What ended the opening, if it failed.
    failure: Option<String>,
}

impl Sender {
    fn new(opening: Opening, queue: Vec<(Envelope, &'static [u8])>) -> Self {
        let queue = queue.into();
        let outcomes = Vec::new();
        Self { opening, queue, current: None, chunk: 7, wants_tls: false, outcomes, failure: None }
    }

    fn hear(&mut self, client: &mut Client, event: &client::Event) {
        match self.opening.handle(client, event) {
            OpeningProgress::StartTls => self.wants_tls = true,
            OpeningProgress::Opened(_) => self.next(client),
            OpeningProgress::Failed(failure) => {
                self.failure = Some(failure.to_string());
                let _ = client.send(Command::Quit);
            }
            OpeningProgress::Working | OpeningProgress::Challenge(_) => {}
        }
        let Some((transaction, _)) = &mut self.current else { return };
        match transaction.handle(client, event) {
            Progress::Working => {}
            Progress::SendBody => self.push(client),
            Progress::Done(outcome) => {
                self.current = None;
                self.outcomes.push(outcome);
                self.next(client);
            }
        }
    }

    fn next(&mut self, client: &mut Client) {
        match self.queue.pop_front() {
            Some((envelope, message)) => {
                let mut transaction = Transaction::new(envelope);
                transaction.start(client).unwrap();
                self.current = Some((transaction, Bytes::from_static(message)));
            }
            None => drop(client.send(Command::Quit)),
        }
    }

    /// Pushes as much of the message as is taken.
    fn push(&mut self, client: &mut Client) {
        let Some((_, message)) = &mut self.current else { return };
        if !client.wants_body() {
            return;
        }
        while !message.is_empty() {
            let chunk = message.split_to(self.chunk.min(message.len()));
            if let Err(Full(chunk)) = client.push_body(chunk) {
                let rest = [chunk, std::mem::take(message)].concat();
                *message = Bytes::from(rest);
                return;
            }
        }
        client.finish_body();
    }
}

fn envelope(recipients: &[&str]) -> Envelope {
    let recipients = recipients.iter().map(|path| ForwardPath::parse(path).unwrap()).collect();
    let mut envelope = Envelope::new(ReversePath::parse("<tim@bar.com>").unwrap(), recipients);
    envelope.body = Some(BodyType::EightBitMime);
    envelope.size = Some(1000);
    envelope
}

fn opening(tls: TlsPolicy) -> Opening {
    Opening::new(ClientName::parse("bar.com").unwrap(), tls)
}

fn plain(password: &[u8]) -> AuthCommand {
    AuthCommand::new(Mechanism::PLAIN, Some(Secret::new([b"\0tim\0", password].concat())))
}

fn server_config() -> server::Config {
    server::Config::new(Domain::parse("foo.com").unwrap())
}

fn pair(config: server::Config) -> Pair<Client, Server> {
    let now = Instant::now();
    let client = Client::new(Arc::new(client::Config::default()), now);
    Pair::new(client, Server::new(Arc::new(config), now))
}

/// Runs to the end, TLS included.
fn run(pair: &mut Pair<Client, Server>, sender: &mut Sender, store: &mut Store) {
    loop {
        pair.run(|client, event| sender.hear(client, &event), |server, event| store.decide(server, event));
        if std::mem::take(&mut sender.wants_tls) {
            assert!(pair.server.session.wants_tls());
            pair.upgrade(
                |client| drop(sender.opening.tls_established(client, TlsInfo::new())),
                |server| server.tls_established(TlsInfo::new()).unwrap(),
            );
        } else {
            let before = pair.client.sent.len();
            sender.push(&mut pair.client.session);
            if before == pair.client.sent.len() && pair.client.session.is_closed() {
                return;
            }
        }
    }
}

const FIRST: &[u8] = b"Subject: dots\r\n\r\n.\r\n..\r\n.hidden\r\n\r\n.\r\nQUIT\r\n";
const SECOND: &[u8] = b"no line end, \xc3\xa9\nand \r bare ones\n.\n";
const SECOND_ARRIVES: &[u8] = b"no line end, \xc3\xa9\r\nand   bare ones\r\n.\r\n";

#[test]
fn two_messages_under_tls_with_auth_in_segments_of_any_size() {
    for segment in (1..=40).chain([usize::MAX]) {
        let mut config = server_config();
        config.starttls = true;
        config.mechanisms = vec![Mechanism::PLAIN];
        config.require_auth = true;
        let mut pair = pair(config).segment(segment);
        let messages = vec![
            (envelope(&["<a@foo.com>", "<nobody@foo.com>", "<b@foo.com>"]), FIRST),
            (envelope(&["<nobody@foo.com>"]), FIRST),
            (envelope(&["<c@foo.com>"]), SECOND),
        ];
        let opening = opening(TlsPolicy::Required).authenticate(plain(b"tanstaaf"));
        let (mut sender, mut store) = (Sender::new(opening, messages), Store::default());
        sender.chunk = segment.min(1000);
        run(&mut pair, &mut sender, &mut store);

        assert_eq!(sender.failure, None);
        assert_eq!((&pair.client.end, &pair.server.end), (&End::Closed, &End::Closed));
        assert_eq!(pair.client.session.close_reason(), Some(CloseReason::Quit));
        assert!(pair.client.session.is_authenticated() && pair.server.session.is_tls());
        let [first, refused, second] = &sender.outcomes[..] else { panic!("{:?}", sender.outcomes) };
        assert!(
            matches!(first.delivery(0), Some(Delivery::Delivered(reply)) if reply.text() == "queued as 1")
        );
        assert!(matches!(first.delivery(1), Some(Delivery::Failed { permanent: true, .. })));
        assert!(matches!(first.delivery(2), Some(Delivery::Delivered(_))));
        assert!(matches!(refused.delivery(0), Some(Delivery::Failed { permanent: true, .. })));
        assert!(
            matches!(second.delivery(0), Some(Delivery::Delivered(reply)) if reply.text() == "queued as 2")
        );
        let paths = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            store.accepted,
            [
                ("<tim@bar.com>".to_owned(), paths(&["<a@foo.com>", "<b@foo.com>"]), FIRST.to_vec()),
                ("<tim@bar.com>".to_owned(), paths(&["<c@foo.com>"]), SECOND_ARRIVES.to_vec()),
            ]
        );
    }
}

#[test]
fn a_wrong_password_opens_nothing() {
    let mut config = server_config();
    config.starttls = true;
    config.mechanisms = vec![Mechanism::PLAIN];
    let mut pair = pair(config).segment(3);
    let opening = opening(TlsPolicy::Required).authenticate(plain(b"guess"));
    let (mut sender, mut store) = (Sender::new(opening, Vec::new()), Store::default());
    run(&mut pair, &mut sender, &mut store);
    assert!(sender.failure.unwrap().contains("535 5.7.8"));
    assert_eq!(pair.client.session.close_reason(), Some(CloseReason::Quit));
}

#[test]
fn a_long_initial_response_arrives_by_the_exchange() {
    let mut config = server_config();
    config.mechanisms = vec![Mechanism::PLAIN];
    config.allow_plaintext_auth = true;
    let mut pair = pair(config);
    let long = opening(TlsPolicy::None).authenticate(plain(&[b'x'; 500])).allow_authentication_in_clear();
    let (mut sender, mut store) = (Sender::new(long, Vec::new()), Store::default());
    run(&mut pair, &mut sender, &mut store);
    assert!(sender.failure.unwrap().contains("535 5.7.8"), "the whole response was judged");
    assert!(pair.client.sent.starts_with(b"EHLO bar.com\r\nAUTH PLAIN\r\n"));
}

#[test]
fn a_message_larger_than_any_buffer_streams() {
    let message: &'static [u8] = Vec::leak(b".0123456789abcdef\r\n".repeat(30_000));
    let mut pair = pair(server_config()).segment(10_000);
    let messages = vec![(envelope(&["<a@foo.com>"]), message)];
    let (mut sender, mut store) = (Sender::new(opening(TlsPolicy::None), messages), Store::default());
    sender.chunk = 16_384;
    run(&mut pair, &mut sender, &mut store);
    assert_eq!(store.accepted[0].2.len(), message.len());
    assert!(store.accepted[0].2 == message);
}

#[test]
fn what_the_server_cannot_take_is_said_before_the_message_goes() {
    let mut config = server_config();
    config.max_message_size = 500;
    let mut pair = pair(config);
    let messages = vec![(envelope(&["<a@foo.com>"]), FIRST)];
    let (mut sender, mut store) = (Sender::new(opening(TlsPolicy::None), messages), Store::default());
    run(&mut pair, &mut sender, &mut store);
    let Some(Delivery::Failed { reply, permanent: true }) = sender.outcomes[0].delivery(0) else { panic!() };
    assert_eq!(reply.code().get(), 552);
    assert!(store.accepted.is_empty());
}

#[test]
fn octets_behind_the_go_ahead_of_tls_are_not_believed() {
    let mut config = server_config();
    config.starttls = true;
    let mut pair = pair(config);
    let (mut sender, mut store) = (Sender::new(opening(TlsPolicy::Required), Vec::new()), Store::default());
    pair.run(|client, event| sender.hear(client, &event), |server, event| store.decide(server, event));
    assert!(sender.wants_tls && pair.server.session.wants_tls());
    pair.client.input.extend_from_slice(b"250-evil\r\n250 AUTH PLAIN\r\n");
    pair.run(|_, _| panic!("believed"), |_, _| panic!("nothing comes"));
    let End::Failed(error) = &pair.client.end else { panic!("{:?}", pair.client.end) };
    assert!(error.contains("26 octets"), "{error}");
    assert!(!pair.client.session.is_tls());
}

#[test]
fn a_server_that_falls_silent_is_left() {
    let mut pair = pair(server_config());
    let messages = vec![(envelope(&["<a@foo.com>"]), FIRST)];
    let (mut sender, mut store) = (Sender::new(opening(TlsPolicy::None), messages), Store::default());
    let mut kept = Vec::new();
    pair.advance(
        Duration::from_secs(301),
        |client, event| sender.hear(client, &event),
        |server, event| match event {
            Event::Rcpt(rcpt) => kept.push(rcpt),
            other => store.decide(server, other),
        },
    );
    assert_eq!(pair.client.session.close_reason(), Some(CloseReason::TimedOut(client::Phase::Rcpt)));
    let (mut transaction, _) = sender.current.unwrap();
    let outcome = transaction.connection_lost();
    assert_eq!(outcome.delivery(0), Some(Delivery::Unknown));
    assert!(!outcome.begun && !outcome.reusable);
}
