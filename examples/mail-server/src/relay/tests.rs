//! The relay against servers that misbehave, on loopback, by a clock that is moved by hand.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use postroad_core::Domain;
use postroad_message::Message;
use postroad_smtp::reply::{EnhancedCode, Rejection, ReplyCode, ReplyText};
use postroad_smtp::server::Config as SmtpConfig;
use postroad_smtp::types::{ForwardPath, ReversePath};
use postroad_tokio::smtp::{Handler, serve};
use postroad_tokio::{MaybeTls, ServeOptions};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use super::*;
use crate::serve::{Server, handler};
use crate::store::{Acceptance, Account, Enqueue, NewRecipient};
use crate::time::Time;

const HALF_AN_HOUR: Duration = Duration::from_secs(30 * 60);
const PATIENCE: Duration = Duration::from_secs(20);

/// What the fake server does, and what it has seen.
#[derive(Debug, Default)]
struct Behaviour {
    /// The reply to RCPT, by local part; others are accepted.
    refuse: BTreeMap<String, u16>,
    /// So many connections are greeted with 421.
    not_now: usize,
    /// So many connections die in the middle of a message.
    die: usize,
    /// So many connections die when a message is whole, without a reply to it.
    die_at_the_end: usize,
    connections: usize,
    /// Reverse-path, recipients, octets.
    received: Vec<(String, Vec<String>, Vec<u8>)>,
}

/// Another server.
#[derive(Clone)]
struct Fake {
    address: SocketAddr,
    behaviour: Arc<Mutex<Behaviour>>,
}

struct Connected {
    behaviour: Arc<Mutex<Behaviour>>,
    reverse_path: String,
    recipients: Vec<String>,
    /// Tells the task to drop the connection.
    die: tokio::sync::mpsc::Sender<()>,
}

impl Connected {
    /// Whether it is to die here; then nothing of this returns.
    async fn die(&self, choose: fn(&mut Behaviour) -> &mut usize) {
        let dies = {
            let mut behaviour = self.behaviour.lock().unwrap_or_else(PoisonError::into_inner);
            let left = choose(&mut behaviour);
            let dies = *left > 0;
            *left = left.saturating_sub(1);
            dies
        };
        if dies {
            let _ = self.die.send(()).await;
            std::future::pending::<()>().await;
        }
    }
}

impl Handler for Connected {
    type Message = Vec<u8>;

    async fn mail(
        &mut self,
        reverse_path: &ReversePath,
        _parameters: &postroad_smtp::command::MailParameters,
    ) -> Result<(), Rejection> {
        self.reverse_path = reverse_path.to_string();
        self.recipients.clear();
        Ok(())
    }

    async fn rcpt(&mut self, forward_path: &ForwardPath) -> Result<(), Rejection> {
        let name = forward_path.mailbox().map(|mailbox| mailbox.local_part().to_owned()).unwrap_or_default();
        let code = self.behaviour.lock().unwrap().refuse.get(&name).copied();
        if let Some(code) = code {
            let enhanced = EnhancedCode::parse(if code < 500 { "4.2.0" } else { "5.1.1" });
            return Err(Rejection::new(ReplyCode::new(code).unwrap(), enhanced, "so it was decided").unwrap());
        }
        self.recipients.push(name);
        Ok(())
    }

    async fn data(&mut self) -> Result<Vec<u8>, Rejection> {
        Ok(Vec::new())
    }

    async fn body(&mut self, message: &mut Vec<u8>, chunk: Bytes) -> Result<(), Rejection> {
        self.die(|behaviour| &mut behaviour.die).await;
        message.extend_from_slice(&chunk);
        Ok(())
    }

    async fn finish(&mut self, message: Vec<u8>) -> Result<ReplyText, Rejection> {
        let received = (self.reverse_path.clone(), std::mem::take(&mut self.recipients), message);
        self.behaviour.lock().unwrap().received.push(received);
        self.die(|behaviour| &mut behaviour.die_at_the_end).await;
        Ok(ReplyText::new("kept"))
    }
}

impl Fake {
    async fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake =
            Self { address: listener.local_addr().unwrap(), behaviour: Arc::new(Mutex::new(behaviour)) };
        let behaviour = Arc::clone(&fake.behaviour);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let not_now = {
                    let mut behaviour = behaviour.lock().unwrap();
                    behaviour.connections += 1;
                    let not_now = behaviour.not_now > 0;
                    behaviour.not_now = behaviour.not_now.saturating_sub(1);
                    not_now
                };
                if not_now {
                    let _ = stream.write_all(b"421 4.3.2 not now\r\n").await;
                    continue;
                }
                let (die, mut dies) = tokio::sync::mpsc::channel(1);
                let behaviour = Arc::clone(&behaviour);
                tokio::spawn(async move {
                    let (reverse_path, recipients) = (String::new(), Vec::new());
                    let mut connected = Connected { behaviour, reverse_path, recipients, die };
                    let config = Arc::new(SmtpConfig::new(Domain::parse("fake.example").unwrap()));
                    let served =
                        serve(MaybeTls::Plain(stream), config, &mut connected, ServeOptions::default());
                    tokio::select! {
                        _ = served => {}
                        _ = dies.recv() => {}
                    }
                });
            }
        });
        fake
    }

    fn seen<T>(&self, look: impl FnOnce(&Behaviour) -> T) -> T {
        look(&self.behaviour.lock().unwrap())
    }
}

/// A server of ours with an account for alice, and routes to fakes.
struct Ours {
    server: Server,
    alice: Account,
    clock: Clock,
}

impl Ours {
    async fn start(folder: &Path, clock: Clock, routes: &[(&str, SocketAddr)]) -> Self {
        let routes: Vec<String> =
            routes.iter().map(|(domain, address)| format!("\"{domain}\" = \"{address}\"")).collect();
        let routes = routes.join("\n");
        let text = format!(
            "hostname = \"crepes.fr\"\ndomains = [\"crepes.fr\"]\n\
             [listen]\nsmtp = \"127.0.0.1:0\"\nsubmission = \"\"\npop3 = \"\"\nimap = \"\"\nwebmail = \"\"\n[routes]\n{routes}"
        );
        let mut options = Options { clock: clock.clone(), ..Options::default() };
        options.idle = Duration::from_millis(100);
        let config = Config::parse(&text, folder).unwrap();
        let server = Server::start_with(config, handler, options).unwrap();
        let store = &server.context.store;
        let alice = match store.find_account("alice@crepes.fr").await.unwrap() {
            Some(alice) => alice,
            None => store.add_account("alice@crepes.fr", "x".into(), false, clock.now()).await.unwrap(),
        };
        Self { server, alice, clock }
    }

    async fn send(&self, from: &str, to: &[&str], subject: &str) {
        let store = &self.server.context.store;
        let mut spool = store.spool();
        let text = format!("From: {from}\r\nSubject: {subject}\r\n\r\n.dots\r\n");
        spool.write(text.as_bytes()).await.unwrap();
        let recipients = to.iter().map(|to| NewRecipient {
            forward_path: (*to).to_owned(),
            destination: to.split_once('@').unwrap().1.to_owned(),
            ..NewRecipient::default()
        });
        let enqueue =
            Enqueue { reverse_path: from.to_owned(), recipients: recipients.collect(), ..Enqueue::default() };
        let message = spool.finish().await.unwrap();
        let now = self.clock.now();
        store
            .accept(Acceptance { message, now, deliveries: Vec::new(), enqueue: Some(enqueue) })
            .await
            .unwrap();
    }

    /// Lets half an hour pass, again and again, until the queue is empty; tells how often.
    async fn until_empty(&self) -> usize {
        for passed in 0..300 {
            if self.queued().await == 0 {
                return passed;
            }
            self.clock.advance_to(self.clock.now().after(HALF_AN_HOUR)).await;
        }
        panic!("the queue does not become empty");
    }

    async fn queued(&self) -> usize {
        self.server.context.store.list_queue(0, 1000).await.unwrap().len()
    }

    async fn notices(&self) -> Vec<String> {
        let maildrop = self.server.context.store.open_maildrop(&self.alice).await.unwrap();
        let mut messages = Vec::new();
        for index in 0..maildrop.entries().len() {
            let mut reader = maildrop.read(index).await.unwrap();
            let mut octets = Vec::new();
            while let Some(chunk) = reader.next().await.unwrap() {
                octets.extend_from_slice(&chunk);
            }
            messages.push(String::from_utf8(octets).unwrap());
        }
        messages
    }

    async fn stop(self) {
        self.server.stop(PATIENCE).await;
    }
}

fn clock() -> Clock {
    Clock::standing_at(Time(1_795_420_800_000))
}

#[tokio::test]
async fn many_messages_go_over_one_connection() {
    let folder = tempfile::tempdir().unwrap();
    let fake = Fake::start(Behaviour::default()).await;
    let ours = Ours::start(folder.path(), clock(), &[("hamburger.edu", fake.address)]).await;
    for number in 0..5 {
        ours.send("alice@crepes.fr", &["bob@hamburger.edu", "carol@hamburger.edu"], &number.to_string())
            .await;
    }
    ours.until_empty().await;
    let received = fake.seen(|seen| seen.received.clone());
    assert_eq!(fake.seen(|seen| seen.connections), 1);
    assert_eq!(received.len(), 5);
    assert!(received.iter().all(|(_, to, _)| to == &["bob", "carol"]), "one copy for both");
    assert!(received.iter().all(|(_, _, octets)| octets.ends_with(b"\r\n\r\n.dots\r\n")));
    ours.stop().await;
}

#[tokio::test]
async fn one_refused_recipient_does_not_hold_up_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let refuse = BTreeMap::from([("carol".to_owned(), 550)]);
    let fake = Fake::start(Behaviour { refuse, ..Behaviour::default() }).await;
    let ours = Ours::start(folder.path(), clock(), &[("hamburger.edu", fake.address)]).await;
    let to = ["bob@hamburger.edu", "carol@hamburger.edu", "dave@hamburger.edu"];
    ours.send("alice@crepes.fr", &to, "three").await;
    ours.until_empty().await;
    assert_eq!(
        fake.seen(|seen| seen.received.iter().map(|one| one.1.clone()).collect::<Vec<_>>()),
        [["bob", "dave"]]
    );
    let notices = ours.notices().await;
    assert_eq!(notices.len(), 1, "one notice, at once");
    for wanted in [
        "Return-Path: <>\r\n",
        "Final-Recipient: rfc822; carol@hamburger.edu\r\n",
        "Action: failed\r\n",
        "Status: 5.1.1\r\n",
    ] {
        assert!(notices[0].contains(wanted), "{wanted:?} in {}", notices[0]);
    }
    assert!(!notices[0].contains("Final-Recipient: rfc822; bob"));
    assert_eq!(
        Message::parse(notices[0].as_bytes()).parts().count(),
        5,
        "report: text, status, the message and its text"
    );
    ours.stop().await;
}

#[tokio::test]
async fn what_fails_for_now_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let refuse = BTreeMap::from([("bob".to_owned(), 451)]);
    let fake = Fake::start(Behaviour { refuse, not_now: 1, ..Behaviour::default() }).await;
    let ours = Ours::start(folder.path(), clock(), &[("hamburger.edu", fake.address)]).await;
    ours.send("alice@crepes.fr", &["bob@hamburger.edu", "carol@hamburger.edu"], "again").await;
    for _ in 0..3 {
        ours.clock.advance_to(ours.clock.now().after(HALF_AN_HOUR)).await;
    }
    assert_eq!(
        fake.seen(|seen| seen.received.iter().map(|one| one.1.clone()).collect::<Vec<_>>()),
        [["carol"]]
    );
    fake.behaviour.lock().unwrap().refuse.clear();
    ours.until_empty().await;
    assert_eq!(
        fake.seen(|seen| seen.received.iter().map(|one| one.1.clone()).collect::<Vec<_>>()),
        [["carol"], ["bob"]]
    );
    assert!(ours.notices().await.is_empty());
    ours.stop().await;
}

#[tokio::test]
async fn a_connection_that_dies_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let fake = Fake::start(Behaviour { die: 2, die_at_the_end: 1, ..Behaviour::default() }).await;
    let ours = Ours::start(folder.path(), clock(), &[("hamburger.edu", fake.address)]).await;
    ours.send("alice@crepes.fr", &["bob@hamburger.edu"], "dies").await;
    ours.until_empty().await;
    // Twice within the message: it is not there. Once behind it: it is there, and comes again (RFC 1047).
    assert_eq!(fake.seen(|seen| seen.received.len()), 2);
    assert!(ours.notices().await.is_empty());
    ours.stop().await;
}

#[tokio::test]
async fn a_notice_to_somebody_elsewhere_is_relayed_and_never_answered() {
    let folder = tempfile::tempdir().unwrap();
    let refuse = BTreeMap::from([("bob".to_owned(), 550)]);
    let hamburger = Fake::start(Behaviour { refuse, ..Behaviour::default() }).await;
    let refuse = BTreeMap::from([("nobody".to_owned(), 550)]);
    let elsewhere = Fake::start(Behaviour { refuse, ..Behaviour::default() }).await;
    let routes = [("hamburger.edu", hamburger.address), ("elsewhere.example", elsewhere.address)];
    let ours = Ours::start(folder.path(), clock(), &routes).await;
    ours.send("zoe@elsewhere.example", &["bob@hamburger.edu"], "from elsewhere").await;
    ours.send("nobody@elsewhere.example", &["bob@hamburger.edu"], "from nobody").await;
    ours.send("", &["bob@hamburger.edu"], "a notice").await;
    ours.until_empty().await;
    let received = elsewhere.seen(|seen| seen.received.clone());
    assert_eq!(
        received.len(),
        1,
        "one notice; the one to nobody is not answered by another, nor is the notice"
    );
    assert_eq!((received[0].0.as_str(), received[0].1.as_slice()), ("<>", &["zoe".to_owned()][..]));
    ours.stop().await;
}

#[tokio::test]
async fn a_destination_that_is_down_holds_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let down = gone.local_addr().unwrap();
    drop(gone);
    let fake = Fake::start(Behaviour::default()).await;
    let routes = [("down.example", down), ("hamburger.edu", fake.address)];
    let ours = Ours::start(folder.path(), clock(), &routes).await;
    for number in 0..20 {
        ours.send("alice@crepes.fr", &["x@down.example"], &number.to_string()).await;
    }
    ours.send("alice@crepes.fr", &["bob@hamburger.edu"], "not held up").await;
    ours.clock.advance_to(ours.clock.now().after(Duration::from_secs(1))).await;
    assert_eq!(fake.seen(|seen| seen.received.len()), 1);
    assert_eq!(ours.queued().await, 20);
    let passed = ours.until_empty().await;
    assert!(passed >= 4 * 48, "given up after {passed} half hours");
    // A notice of the delay and one of the failure, for each.
    assert_eq!(ours.notices().await.len(), 40);
    ours.stop().await;
}

#[tokio::test]
async fn the_queue_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let fake = Fake::start(Behaviour { not_now: usize::MAX, ..Behaviour::default() }).await;
    let routes = [("hamburger.edu", fake.address)];
    let ours = Ours::start(folder.path(), clock(), &routes).await;
    ours.send("alice@crepes.fr", &["bob@hamburger.edu"], "later").await;
    ours.clock.advance_to(ours.clock.now().after(HALF_AN_HOUR)).await;
    let tried = fake.seen(|seen| seen.connections);
    assert!(tried >= 1);
    let clock = ours.clock.clone();
    ours.stop().await;
    fake.behaviour.lock().unwrap().not_now = 0;
    let ours = Ours::start(folder.path(), Clock::standing_at(clock.now()), &routes).await;
    ours.until_empty().await;
    assert_eq!(fake.seen(|seen| seen.received.len()), 1);
    ours.stop().await;
}

mod wire;
