//! An application that serves a maildrop out of memory, and a way to talk to it.

use bytes::{Bytes, BytesMut};
use postroad_pop3::response::Rejection;
use postroad_pop3::server::{Aborted, Body, Config, Event, Pushed, Server};
use postroad_pop3::types::{Maildrop, TlsInfo, UniqueId};
use postroad_pop3::{Domain, Error, Full, Session, Step};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// 120 octets, with a line that begins with a dot.
pub(crate) const FIRST: &str = "From: ann@crepes.fr\r\nSubject: one\r\n\r\n.a dot is the first octet\r\n..\r\nand this is here to make one hundred and twenty oc\r\n";
/// 200 octets.
pub(crate) const SECOND: &str = "From: bob@example.org\r\nTo: mrose@example.org\r\nSubject: two\r\n\r\none\r\ntwo\r\nthree\r\nThe rest of this message is here so that it has two hundred octets in all, as in the example of the RFC, and none else.\r\n";

/// The unique-ids of RFC 1939.
pub(crate) const IDS: [&str; 2] = ["whqtswO00WBw418f9t5JxYwZ", "QhdPYR:00WBw1Ph7x7"];

pub(crate) fn config() -> Config {
    let mut config = Config::new(Domain::parse("dewey").unwrap());
    config.login_without_tls = true;
    config
}

pub(crate) fn server() -> Server {
    Server::new(config())
}

/// Answers everything, and remembers what it was asked.
#[derive(Debug)]
pub(crate) struct Shop {
    pub(crate) messages: Vec<(Vec<u8>, UniqueId)>,
    /// Messages are pushed in pieces of this many octets.
    pub(crate) piece: usize,
    /// What it was asked and told.
    pub(crate) heard: Vec<String>,
    /// What it was told to delete, each time it was.
    pub(crate) deleted: Vec<Vec<u32>>,
    pub(crate) aborted: Vec<Aborted>,
    sending: Option<(Body, VecDeque<Bytes>)>,
}

impl Shop {
    /// The maildrop of the examples in RFC 1939.
    pub(crate) fn new() -> Self {
        Self::of([FIRST, SECOND].map(|message| message.as_bytes().to_vec()).into())
    }

    pub(crate) fn of(messages: Vec<Vec<u8>>) -> Self {
        let id = |index: usize| match IDS.get(index) {
            Some(id) => UniqueId::parse(id).unwrap(),
            None => UniqueId::from_uid(1, u32::try_from(index).unwrap()),
        };
        let messages =
            messages.into_iter().enumerate().map(|(index, message)| (message, id(index))).collect();
        Self {
            messages,
            piece: 7,
            heard: Vec::new(),
            deleted: Vec::new(),
            aborted: Vec::new(),
            sending: None,
        }
    }

    pub(crate) fn maildrop(&self) -> Maildrop {
        let mut maildrop = Maildrop::new();
        for (message, id) in &self.messages {
            maildrop.push(message.len() as u64, id.clone());
        }
        maildrop
    }

    /// Passwords are words for what happens; `secret`, and all that has a space, opens the maildrop.
    pub(crate) fn answer(&mut self, session: &mut Server, event: Event) {
        match event {
            Event::Login(login) => {
                self.heard.push(format!("login {} {}", login.name(), login.password().expose()));
                match login.password().expose() {
                    "secret" => login.accept(session, self.maildrop()),
                    password if password.contains(' ') => login.accept(session, self.maildrop()),
                    "locked" => login.reject(session, Rejection::in_use()),
                    "early" => login.reject(session, Rejection::login_delay()),
                    "broken" => login.reject(session, Rejection::temporary()),
                    "gone" => login.reject(session, Rejection::permanent()),
                    _ => login.reject(session, Rejection::auth()),
                }
            }
            Event::Stls(stls) => {
                self.heard.push("stls".into());
                stls.accept(session);
            }
            Event::Retrieve(retrieve) => {
                self.heard.push(format!("retrieve {} {:?}", retrieve.number(), retrieve.lines()));
                let message = &self.messages[retrieve.number().index()].0;
                assert_eq!(retrieve.octets(), message.len() as u64);
                let pieces = message.chunks(self.piece).map(Bytes::copy_from_slice).collect();
                self.sending = Some((retrieve.accept(session), pieces));
                self.send_more(session);
            }
            Event::Update(update) => {
                self.deleted.push(update.deleted().iter().map(|number| number.get()).collect());
                update.accept(session);
            }
            Event::Aborted(why) => self.aborted.push(why),
            other => panic!("{other:?}"),
        }
    }

    /// Goes on with a message; `true`: something could be done.
    pub(crate) fn send_more(&mut self, session: &mut Server) -> bool {
        let Some((body, mut pieces)) = self.sending.take() else { return false };
        let before = pieces.len();
        while let Some(piece) = pieces.pop_front() {
            match body.push(session, piece) {
                Ok(Pushed::More) => {}
                Ok(Pushed::Enough) => break,
                Err(Full(piece)) => {
                    pieces.push_front(piece);
                    let moved = pieces.len() < before;
                    self.sending = Some((body, pieces));
                    return moved;
                }
            }
        }
        body.finish(session);
        true
    }
}

/// A server, what it has read, and its application.
pub(crate) struct Talk {
    pub(crate) session: Server,
    pub(crate) shop: Shop,
    pub(crate) input: BytesMut,
    pub(crate) now: Instant,
    /// Where it stands.
    pub(crate) step: Result<Step<()>, Error>,
}

impl Talk {
    pub(crate) fn new(session: Server) -> Self {
        Self::with(session, Shop::new())
    }

    pub(crate) fn with(session: Server, shop: Shop) -> Self {
        let mut talk =
            Self { session, shop, input: BytesMut::new(), now: Instant::now(), step: Ok(Step::NeedInput) };
        assert!(talk.say("").starts_with("+OK dewey"));
        talk
    }

    /// A session after login.
    pub(crate) fn in_transaction() -> Self {
        let mut talk = Self::new(server());
        assert_eq!(
            talk.say("USER mrose\r\nPASS secret\r\n"),
            "+OK send PASS\r\n+OK maildrop has 2 messages (320 octets)\r\n"
        );
        talk
    }

    /// Sends these octets and gives all that is answered.
    pub(crate) fn say(&mut self, octets: impl AsRef<[u8]>) -> String {
        self.input.extend_from_slice(octets.as_ref());
        let mut said = Vec::new();
        loop {
            let step = self.session.poll_event(self.now, &mut self.input);
            let before = said.len();
            while let Some(octets) = self.session.poll_transmit() {
                said.extend_from_slice(&octets);
            }
            match step {
                Ok(Step::Event(event)) => self.shop.answer(&mut self.session, event),
                _ if self.shop.send_more(&mut self.session) => {}
                Ok(Step::NeedInput | Step::Paused) if said.len() > before => {}
                other => {
                    self.step = other.map(|step| step.map(|_| ()));
                    return String::from_utf8(said).unwrap();
                }
            }
        }
    }

    /// Gives octets to a session that must have an event for them.
    pub(crate) fn event(&mut self, octets: &str) -> Event {
        self.input.extend_from_slice(octets.as_bytes());
        match self.session.poll_event(self.now, &mut self.input) {
            Ok(Step::Event(event)) => event,
            other => panic!("{other:?}"),
        }
    }

    /// Lets time pass, stopping at each deadline.
    pub(crate) fn wait(&mut self, time: Duration) -> String {
        let until = self.now + time;
        let mut said = self.say("");
        while let Some(next) = self.session.poll_timeout().filter(|next| *next <= until) {
            self.now = next;
            self.session.handle_timeout(next);
            said += &self.say("");
        }
        self.now = until;
        said += &self.say("");
        said
    }

    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.step, Ok(Step::Closed) | Err(_))
    }
}

/// Under TLS, though nothing is known of it.
pub(crate) fn tls() -> TlsInfo {
    TlsInfo::new()
}

#[test]
fn the_messages_have_the_sizes_of_the_rfc() {
    assert_eq!((FIRST.len(), SECOND.len()), (120, 200));
}
