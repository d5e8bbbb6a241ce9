//! What the tests of the client share: a client, and a server of paper.

use bytes::{Bytes, BytesMut};
use postroad_imap::client::{Client, CommandId, Config, Error, Event, State};
use postroad_imap::command::{CommandBody, ParseOptions};
use postroad_imap::response::{Status, StatusResponse};
use postroad_imap::types::TlsInfo;
use postroad_imap::{Session, Step};
use std::sync::Arc;
use std::time::Instant;

/// A client, with what a driver keeps for it.
pub(crate) struct Talk {
    pub(crate) client: Client,
    pub(crate) input: BytesMut,
    pub(crate) now: Instant,
}

/// A configuration in which nothing is sent but what the test sends.
pub(crate) fn quiet() -> Config {
    let mut config = Config::new();
    config.ask_capabilities = false;
    config
}

/// The same, on a transport in the clear.
pub(crate) fn in_clear() -> Config {
    let mut config = quiet();
    config.require_tls = false;
    config.login_without_tls = true;
    config
}

impl Talk {
    /// Under TLS, before the greeting.
    pub(crate) fn with(config: Config) -> Self {
        let now = Instant::now();
        let client = Client::new_over_tls(Arc::new(config), TlsInfo::new(), now);
        Self { client, input: BytesMut::new(), now }
    }

    /// Without TLS, before the greeting.
    pub(crate) fn plain(config: Config) -> Self {
        let now = Instant::now();
        Self { client: Client::new(Arc::new(config), now), input: BytesMut::new(), now }
    }

    /// Greeted, with these capabilities.
    pub(crate) fn greeted(config: Config, capabilities: &str) -> Self {
        let mut talk = Self::with(config);
        let events = talk.events(format!("* OK [CAPABILITY IMAP4rev1 {capabilities}] hi\r\n"));
        assert!(matches!(&events[..], [Event::Greeting(_)]), "{events:?}");
        talk
    }

    /// Logged in, with a mailbox of so many messages selected.
    pub(crate) fn selected(config: Config, capabilities: &str, exists: u32) -> Self {
        let mut talk = Self::with(config);
        talk.events(format!("* PREAUTH [CAPABILITY IMAP4rev1 {capabilities}] hi\r\n"));
        talk.send(select("INBOX"));
        let tag = talk.tag();
        let events = talk.events(format!("* {exists} EXISTS\r\n{tag} OK [READ-WRITE] done\r\n"));
        assert!(matches!(&events[..], [Event::Exists(_), Event::Done { .. }]), "{events:?}");
        assert_eq!(talk.client.state(), State::Selected);
        talk
    }

    pub(crate) fn send(&mut self, command: CommandBody) -> CommandId {
        self.client.send(command).unwrap()
    }

    pub(crate) fn step(&mut self) -> Result<Step<Event>, Error> {
        self.client.poll_event(self.now, &mut self.input)
    }

    /// Everything that comes of these octets.
    pub(crate) fn events(&mut self, octets: impl AsRef<[u8]>) -> Vec<Event> {
        self.input.extend_from_slice(octets.as_ref());
        let mut events = Vec::new();
        while let Step::Event(event) = self.step().unwrap() {
            events.push(event);
        }
        events
    }

    /// What comes of these octets is an error, and then nothing.
    pub(crate) fn error(&mut self, octets: impl AsRef<[u8]>) -> Error {
        self.input.extend_from_slice(octets.as_ref());
        let error = loop {
            match self.step() {
                Ok(Step::Event(_)) => {}
                Ok(step) => panic!("no error, but {step:?}"),
                Err(error) => break error,
            }
        };
        self.octets();
        self.assert_over();
        error
    }

    pub(crate) fn assert_over(&mut self) {
        assert!(matches!(self.step(), Ok(Step::Closed)));
        assert_eq!(self.client.poll_timeout(), None);
        assert_eq!(self.client.poll_transmit(), None);
        assert!(self.client.is_closed() && self.client.send(CommandBody::Noop).is_err());
        assert_eq!(self.client.in_flight(), 0);
    }

    /// What waits to be sent.
    pub(crate) fn sent(&mut self) -> String {
        String::from_utf8(self.octets()).unwrap()
    }

    pub(crate) fn octets(&mut self) -> Vec<u8> {
        let mut sent = Vec::new();
        while let Some(octets) = self.client.poll_transmit() {
            sent.extend_from_slice(&octets);
        }
        sent
    }

    /// The tag of the one command that waits to be sent.
    pub(crate) fn tag(&mut self) -> String {
        let sent = self.sent();
        sent.split(' ').next().unwrap().to_owned()
    }

    /// Lets time pass up to the next deadline.
    pub(crate) fn expire(&mut self) -> std::time::Duration {
        let at = self.client.poll_timeout().expect("a deadline");
        let passed = at - self.now;
        self.now = at;
        self.client.handle_timeout(at);
        assert!(self.client.poll_timeout().is_none_or(|next| next > at), "the deadline was not taken");
        passed
    }
}

pub(crate) fn select(mailbox: &str) -> CommandBody {
    CommandBody::Select(postroad_imap::command::Select::new(mailbox.parse().unwrap(), false))
}

/// A command as it stands on a line, without its tag. A literal is `{n}`, CRLF and its octets.
pub(crate) fn command(text: &str) -> CommandBody {
    let unit = Bytes::from(format!("x {text}"));
    match postroad_imap::command::Command::parse(&unit, &ParseOptions::default()) {
        Ok(command) => command.body,
        Err(error) => panic!("{text}: {error}"),
    }
}

/// The status of the command, if this is its end.
pub(crate) fn done(event: &Event) -> Option<(CommandId, Status)> {
    match event {
        Event::Done { of, status: StatusResponse { status, .. } } => Some((*of, *status)),
        _ => None,
    }
}

/// Asserts that the events are the end of this command alone.
#[track_caller]
pub(crate) fn assert_done(events: &[Event], id: CommandId, status: Status) {
    assert_eq!(events.iter().map(done).collect::<Vec<_>>(), [Some((id, status))], "{events:?}");
}
