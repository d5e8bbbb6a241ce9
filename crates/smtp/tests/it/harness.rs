//! What the tests of the server share: configurations, an application that accepts all, and a connection to talk on.

use bytes::BytesMut;
use postroad_smtp::reply::ReplyText;
use postroad_smtp::server::{Config, Event, Server};
use postroad_smtp::{Domain, Error, Secret, Session, Step};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) fn config() -> Config {
    Config::new(Domain::parse("foo.com").unwrap())
}

/// Accepts everything, and writes down what it was told.
#[derive(Debug, Default)]
pub(crate) struct Accepting {
    message: Vec<u8>,
}

impl Accepting {
    pub(crate) fn decide(&mut self, server: &mut Server, event: Event) -> String {
        match event {
            Event::Hello(hello) => {
                let told = format!("{} {}", if hello.is_extended() { "EHLO" } else { "HELO" }, hello.name());
                hello.accept(server);
                told
            }
            Event::Mail(mail) => {
                let told = format!("MAIL {} {:?}", mail.reverse_path(), mail.parameters());
                mail.accept(server);
                told
            }
            Event::Rcpt(rcpt) => {
                let told = format!("RCPT {}", rcpt.forward_path());
                rcpt.accept(server);
                told
            }
            Event::Data(data) => {
                self.message.clear();
                data.accept(server);
                "DATA".into()
            }
            Event::Body(octets) => {
                self.message.extend_from_slice(&octets);
                String::new()
            }
            Event::DataEnd(end) => {
                assert_eq!(end.size(), self.message.len() as u64);
                let told = format!("MESSAGE {}", self.message.escape_ascii());
                end.accept(server, ReplyText::new("queued"));
                told
            }
            Event::BodyAborted(reason) => {
                self.message.clear();
                format!("ABORTED {reason}")
            }
            Event::Auth(auth) => {
                let told =
                    format!("AUTH {} {:?}", auth.mechanism(), auth.initial_response().map(Secret::expose));
                match auth.initial_response() {
                    Some(_) => auth.accept(server),
                    None => auth.challenge(server, b"who?"),
                }
                told
            }
            Event::AuthResponse(response) => {
                let told = format!("RESPONSE {}", response.response().expose().escape_ascii());
                response.accept(server);
                told
            }
            Event::StartTls(starttls) => {
                starttls.accept(server);
                "STARTTLS".into()
            }
            other => format!("{other:?}"),
        }
    }
}

/// A connection to a server session whose application accepts all, unless [`poll`](Self::poll) is called by hand.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) server: Server,
    pub(crate) input: BytesMut,
    pub(crate) now: Instant,
    pub(crate) events: Vec<String>,
    pub(crate) error: Option<Error>,
    pub(crate) closed: bool,
    application: Accepting,
}

impl Line {
    /// A connection that has read the greeting.
    pub(crate) fn new(config: Config) -> Self {
        let now = Instant::now();
        let server = Server::new(Arc::new(config), now);
        let (input, application) = (BytesMut::new(), Accepting::default());
        let (events, error) = (Vec::new(), None);
        let mut line = Self { server, input, now, events, error, closed: false, application };
        assert!(line.run().starts_with("220 "));
        line
    }

    /// A connection on which EHLO has been said.
    pub(crate) fn greeted(config: Config) -> Self {
        let mut line = Self::new(config);
        line.say("EHLO bar.com\r\n");
        line.events.clear();
        line
    }

    pub(crate) fn poll(&mut self) -> Result<Step<Event>, Error> {
        self.server.poll_event(self.now, &mut self.input)
    }

    /// Gives octets without looking.
    pub(crate) fn put(&mut self, octets: impl AsRef<[u8]>) {
        self.input.extend_from_slice(octets.as_ref());
    }

    /// The next event. Panics if there is none.
    pub(crate) fn event(&mut self, octets: impl AsRef<[u8]>) -> Event {
        self.put(octets);
        match self.poll() {
            Ok(Step::Event(event)) => event,
            other => panic!("{other:?}"),
        }
    }

    /// What was sent.
    pub(crate) fn sent(&mut self) -> String {
        let octets: Vec<u8> = std::iter::from_fn(|| self.server.poll_transmit()).flatten().collect();
        String::from_utf8(octets).unwrap()
    }

    /// Lets the application accept all there is; returns what was sent.
    pub(crate) fn run(&mut self) -> String {
        let mut sent = self.sent();
        loop {
            let step = self.poll();
            let wrote = self.sent();
            sent.push_str(&wrote);
            match step {
                Ok(Step::Event(event)) => {
                    let told = self.application.decide(&mut self.server, event);
                    if !told.is_empty() {
                        self.events.push(told);
                    }
                }
                Ok(Step::NeedInput | Step::Paused) if wrote.is_empty() => return sent,
                Ok(Step::NeedInput | Step::Paused) => {}
                Ok(Step::Closed) => {
                    self.closed = true;
                    return sent;
                }
                Err(error) => self.error = Some(error),
            }
        }
    }

    /// Gives octets and runs.
    pub(crate) fn say(&mut self, octets: impl AsRef<[u8]>) -> String {
        self.put(octets);
        self.run()
    }

    /// The codes that answer `octets`, enhanced ones too, without the texts.
    pub(crate) fn codes(&mut self, octets: impl AsRef<[u8]>) -> Vec<String> {
        codes(&self.say(octets))
    }

    /// Lets time pass in one go, as a driver with a timer would.
    pub(crate) fn wait(&mut self, time: Duration) -> String {
        let until = self.now + time;
        let mut sent = String::new();
        while let Some(at) = self.server.poll_timeout().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.server.handle_timeout(self.now);
            sent.push_str(&self.run());
        }
        self.now = until;
        sent + &self.run()
    }
}

/// The codes of the last lines of replies.
pub(crate) fn codes(sent: &str) -> Vec<String> {
    let code = |line: &str| {
        let enhanced = line.split(' ').nth(1).filter(|word| word.split('.').count() == 3);
        match enhanced.filter(|word| word.bytes().all(|octet| octet.is_ascii_digit() || octet == b'.')) {
            Some(enhanced) => format!("{} {enhanced}", &line[..3]),
            None => line[..3].to_owned(),
        }
    };
    sent.split("\r\n").filter(|line| line.as_bytes().get(3) == Some(&b' ')).map(code).collect()
}
