//! The whole machine.
//!
//! ```text
//!                    ┌────────────── AUTHORIZATION ◄───────────┐
//!   connect ──► greeting                │  │  ▲               │ tls_established
//!                    │         PASS ─► Login │ rejected   Handshake
//!                    │                  │  │  └──┐            ▲
//!                    │                  │  STLS ─► Stls ── accepted
//!               QUIT │         accepted │
//!                    │                  ▼
//!                    │            TRANSACTION ──── end of input, idle, error ──► closed, nothing is deleted
//!                    │              │   ▲ │
//!                    │   RETR, TOP ─►   │ │ QUIT
//!                    │        Retrieve, Body
//!                    ▼                    ▼
//!                 closed ◄──────────── UPDATE (Update)
//! ```

use super::body::BodyState;
use super::listing::{Marked, NoMessage, Rows};
use super::request::{Login, Retrieve, Stls, Update};
use super::{Aborted, Config, Event};
use crate::codec::CommandDecoder;
use crate::command::Command;
use crate::error::{ApiMisuse, Error, LimitReached, PeerMisbehaved};
use crate::response::{Rejection, ResponseCode, Status, StatusLine};
use crate::types::{
    Capability, DropListing, Maildrop, MessageNumber, Password, ScanListing, TlsInfo, UniqueIdListing,
    UserName,
};
use bytes::{Bytes, BytesMut};
use core::fmt::Write;
use postroad_core::{Output, ParseError, ParseErrorKind, Session, Step, Ticket, Tickets, Timers, deadline};
use std::sync::Arc;
use std::time::{Duration, Instant};

const COMMAND: usize = 0;
const DECISION: usize = 1;
const HANDSHAKE: usize = 2;

/// The server end of one POP3 connection (RFC 1939).
///
/// It keeps the maildrop's listing and the marks of deleted messages itself, and asks its application to check a password, to read a
/// message, and to delete what was marked. See [`Event`].
///
/// ```
/// use postroad_pop3::server::{Config, Event, Server};
/// use postroad_pop3::types::Maildrop;
/// use bytes::BytesMut;
/// use postroad_core::{Domain, Session, Step};
/// # #[allow(clippy::disallowed_methods)]
/// # let now = std::time::Instant::now();
/// let mut session = Server::new_over_tls(Config::new(Domain::parse("dewey.example")?), Default::default());
/// let mut input = BytesMut::from(&b"USER mrose\r\nPASS secret\r\nSTAT\r\n"[..]);
/// while let Step::Event(event) = session.poll_event(now, &mut input)? {
///     if let Event::Login(login) = event {
///         assert_eq!((login.name(), login.password().expose()), ("mrose", "secret"));
///         login.accept(&mut session, Maildrop::new());
///     }
/// }
/// assert_eq!(
///     session.poll_transmit().unwrap(),
///     "+OK dewey.example POP3 server ready\r\n\
///      +OK send PASS\r\n\
///      +OK maildrop has 0 messages (0 octets)\r\n\
///      +OK 0 0\r\n"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Server {
    config: Arc<Config>,
    state: State,
    decoder: CommandDecoder,
    output: Output,
    tickets: Tickets,
    pending: Option<Pending>,
    timers: Timers<3>,
    errors: u32,
    tls: Option<TlsInfo>,
    eof: bool,
    shut_down: bool,
    /// To be told before all else; the session is closed already.
    aborted: Option<Aborted>,
    failed: Option<Error>,
}

#[derive(Debug)]
enum State {
    /// With the name that USER gave, if that was the last command.
    Authorization(Option<UserName>),
    /// STLS was accepted; nothing is read until TLS is there.
    Handshake,
    /// With the rows of a listing that are not written yet.
    Transaction(Marked, Option<Rows>),
    /// QUIT was said; with what stays in the maildrop.
    Update(DropListing),
    Closed,
}

/// What the application owes.
#[derive(Debug)]
pub(super) enum Pending {
    Login,
    Stls,
    Retrieve,
    Body(Box<BodyState>),
    Update,
}

impl Server {
    /// A session on a transport without TLS. Its greeting is ready to be written.
    pub fn new(config: impl Into<Arc<Config>>) -> Self {
        Self::begin(config.into(), None)
    }

    /// A session on a transport that is under TLS from its first octet (port 995, RFC 8314 section 3.2).
    pub fn new_over_tls(config: impl Into<Arc<Config>>, tls: TlsInfo) -> Self {
        Self::begin(config.into(), Some(tls))
    }

    fn begin(config: Arc<Config>, tls: Option<TlsInfo>) -> Self {
        let mut session = Self {
            state: State::Authorization(None),
            decoder: CommandDecoder::new(config.max_line),
            output: Output::new(config.high_water),
            tickets: Tickets::new(),
            pending: None,
            timers: Timers::new(),
            errors: 0,
            tls,
            eof: false,
            shut_down: false,
            aborted: None,
            failed: None,
            config,
        };
        let greeting: String = session
            .config
            .greeting
            .as_str()
            .chars()
            .filter(|character| !matches!(character, '<' | '>'))
            .collect();
        session.ok(format!("{} {greeting}", session.config.hostname));
        session
    }

    /// The transport is under TLS now: call it after [`Stls::accept`], once the handshake is done. What was said before is
    /// forgotten. At any other time it does nothing.
    pub fn tls_established(&mut self, tls: TlsInfo) {
        if matches!(self.state, State::Handshake) {
            self.timers.stop(HANDSHAKE);
            self.decoder.reset();
            self.tls = Some(tls);
            self.state = State::Authorization(None);
        }
    }

    /// What is known of the TLS connection; `None`: there is none.
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.tls.as_ref()
    }

    /// Ends the session as soon as no command is running. Nothing is deleted.
    pub fn shut_down(&mut self) {
        self.shut_down = true;
    }

    // What tokens do. Each was settled, or is out.

    pub(super) fn settle(&mut self, ticket: Ticket) -> bool {
        let ours = self.tickets.settle(ticket).is_some();
        if ours {
            self.pending = None;
            self.timers.stop(DECISION);
        }
        ours
    }

    pub(super) fn is_out(&self, ticket: &Ticket) -> bool {
        self.tickets.is_out(ticket)
    }

    pub(super) fn pending_and_output(&mut self) -> (Option<&mut Pending>, &mut Output) {
        (self.pending.as_mut(), &mut self.output)
    }

    pub(super) fn take_pending(&mut self) -> Option<Pending> {
        self.pending.take()
    }

    pub(super) fn login_accepted(&mut self, maildrop: Maildrop) {
        let marked = Marked::new(maildrop);
        self.ok(format!("maildrop has {}", in_words(marked.left())));
        self.state = State::Transaction(marked, None);
    }

    pub(super) fn login_rejected(&mut self, line: &StatusLine) {
        self.bad(line);
    }

    pub(super) fn stls_accepted(&mut self) {
        self.ok("Begin TLS negotiation");
        self.state = State::Handshake;
    }

    pub(super) fn retrieve_accepted(&mut self, octets: u64, lines: Option<u32>) {
        match lines {
            None => self.ok(format!("{octets} octets")),
            Some(_) => self.ok("top of message follows"),
        }
        let body = BodyState::new(self.config.bare_newline, lines);
        self.pending = Some(Pending::Body(Box::new(body)));
    }

    pub(super) fn update_accepted(&mut self) {
        let left = match self.state {
            State::Update(DropListing { messages: 0, .. }) => "maildrop empty".to_owned(),
            State::Update(DropListing { messages: 1, .. }) => "1 message left".to_owned(),
            State::Update(DropListing { messages, .. }) => format!("{messages} messages left"),
            _ => return,
        };
        self.ok(format!("{} POP3 server signing off ({left})", self.config.hostname));
        self.close();
    }

    pub(super) fn update_rejected(&mut self) {
        self.say(&StatusLine::err(ResponseCode::SysTemp, "some deleted messages not removed"));
        self.close();
    }

    // What is said.

    pub(super) fn say(&mut self, line: &StatusLine) {
        // An `Output` takes whatever is written.
        let _ = write!(self.output, "{line}\r\n");
    }

    fn ok(&mut self, text: impl Into<crate::types::ResponseText>) {
        self.say(&StatusLine::ok(text));
    }

    fn err(&mut self, text: impl Into<crate::types::ResponseText>) {
        self.say(&StatusLine::err(None, text));
    }

    /// Answers a command that was no good, and counts it.
    fn bad(&mut self, line: &StatusLine) {
        self.errors = self.errors.saturating_add(1);
        let limit = self.config.max_errors;
        if self.errors >= limit && !matches!(self.state, State::Closed) {
            let code = line.code().cloned().filter(|_| line.status() == Status::Err);
            self.say(&StatusLine::err(code, "too many errors, goodbye"));
            self.fail(LimitReached::Errors { limit });
        } else {
            self.say(line);
        }
    }

    fn bad_text(&mut self, text: impl Into<crate::types::ResponseText>) {
        self.bad(&StatusLine::err(None, text));
    }

    // How it ends.

    /// Ends with an error, which the next `poll_event` gives.
    pub(super) fn fail(&mut self, error: impl Into<Error>) {
        self.failed.get_or_insert_with(|| error.into());
        self.close();
    }

    fn close(&mut self) {
        self.state = State::Closed;
        self.pending = None;
        self.tickets.void_all();
        self.timers.stop_all();
    }

    /// Ends without UPDATE: nothing is deleted.
    fn abort(&mut self, why: Aborted) {
        if matches!(self.state, State::Transaction(..)) {
            self.aborted = Some(why);
        }
        self.close();
    }

    /// Answers for an application that dropped its token.
    fn answer_in_its_place(&mut self) {
        self.timers.stop(DECISION);
        match self.pending.take() {
            Some(Pending::Update) => self.update_rejected(),
            Some(Pending::Body(_)) => self.fail(ApiMisuse::BodyDropped),
            Some(Pending::Login | Pending::Stls | Pending::Retrieve) => {
                self.say(Rejection::temporary().as_status_line());
            }
            None => {}
        }
    }

    /// Answers for an application that took too long, and ends.
    fn decision_expired(&mut self, now: Instant) {
        match &self.pending {
            // The client is slow, not the application.
            Some(Pending::Body(_)) if !self.output.is_empty() => {
                self.timers.set(DECISION, again(now, self.config.decision_timeout));
                return;
            }
            Some(Pending::Body(_)) => {}
            Some(Pending::Update) => self.update_rejected(),
            Some(_) => self.say(Rejection::temporary().as_status_line()),
            None => return,
        }
        self.fail(ApiMisuse::Overdue);
    }

    fn ask(&mut self, pending: Pending, event: impl FnOnce(Ticket) -> Event) -> Option<Event> {
        let ticket = self.tickets.issue()?;
        self.pending = Some(pending);
        Some(event(ticket))
    }

    // What commands do.

    fn command(&mut self, command: Command, behind: usize) -> Option<Event> {
        // PASS may only be given immediately after USER.
        let user = match &mut self.state {
            State::Authorization(user) => user.take(),
            _ => None,
        };
        match (command, &self.state) {
            (Command::Capa, _) => self.capa(),
            (Command::User(name), State::Authorization(_)) => self.user(name),
            (Command::Pass(password), State::Authorization(_)) => return self.pass(user, password),
            (Command::Stls, _) => return self.stls(behind),
            (Command::Quit, State::Authorization(_)) => {
                self.ok(format!("{} POP3 server signing off", self.config.hostname));
                self.close();
            }
            (_, State::Authorization(_)) => self.bad_text("log in first"),
            (Command::User(_) | Command::Pass(_), _) => self.bad_text("already logged in"),
            (command, State::Transaction(..)) => return self.transaction(&command),
            // Nothing is read in the other states.
            _ => {}
        }
        None
    }

    fn capa(&mut self) {
        let in_authorization = matches!(self.state, State::Authorization(_));
        let mut capabilities = vec![Capability::Top, Capability::Uidl];
        if self.takes_password() {
            capabilities.push(Capability::User);
        }
        capabilities.extend([Capability::RespCodes, Capability::AuthRespCode, Capability::Pipelining]);
        // It is told while it is permitted (RFC 2595 section 4).
        if in_authorization && self.offers_stls() {
            capabilities.push(Capability::Stls);
        }
        if let Some(seconds) = self.config.login_delay {
            capabilities.push(Capability::LoginDelay { seconds, per_user: false });
        }
        if let Some(retention) = self.config.expire {
            capabilities.push(Capability::Expire { retention, per_user: false });
        }
        if let Some(implementation) = &self.config.implementation {
            capabilities.push(Capability::Implementation(implementation.clone()));
        }
        self.ok("Capability list follows");
        for capability in capabilities {
            let _ = write!(self.output, "{capability}\r\n");
        }
        self.output.text(b".\r\n");
    }

    fn takes_password(&self) -> bool {
        self.tls.is_some() || self.config.login_without_tls
    }

    fn offers_stls(&self) -> bool {
        self.tls.is_none() && self.config.stls
    }

    /// Every name gets the same answer: it says nothing about which exist.
    fn user(&mut self, name: UserName) {
        if self.takes_password() {
            self.ok("send PASS");
            self.state = State::Authorization(Some(name));
        } else {
            self.bad_text("TLS is needed before a login");
        }
    }

    fn pass(&mut self, user: Option<UserName>, password: Password) -> Option<Event> {
        match user {
            Some(name) => self.ask(Pending::Login, |ticket| Event::Login(Login { ticket, name, password })),
            None if self.takes_password() => {
                self.bad_text("USER comes first");
                None
            }
            None => {
                self.bad_text("TLS is needed before a login");
                None
            }
        }
    }

    fn stls(&mut self, behind: usize) -> Option<Event> {
        if self.tls.is_some() {
            self.bad_text("Command not permitted when TLS active");
        } else if !self.config.stls {
            self.bad_text("STLS is not offered");
        } else if !matches!(self.state, State::Authorization(_)) {
            self.bad_text("STLS comes before the login");
        } else if behind > 0 {
            self.err("octets behind STLS");
            self.fail(PeerMisbehaved::InjectedBeforeTls { octets: behind });
        } else {
            return self.ask(Pending::Stls, |ticket| Event::Stls(Stls { ticket }));
        }
        None
    }

    fn transaction(&mut self, command: &Command) -> Option<Event> {
        let State::Transaction(marked, rows) = &mut self.state else { return None };
        let left = marked.left();
        let done = match *command {
            Command::Stat => Ok(left.to_string()),
            Command::List(None) => {
                *rows = Some(Rows::new(false));
                Ok(in_words(left))
            }
            Command::Uidl(None) => {
                *rows = Some(Rows::new(true));
                Ok(String::new())
            }
            Command::List(Some(number)) => marked
                .get(number)
                .map(|message| ScanListing { number, octets: message.octets }.to_string())
                .map_err(|error| (number, error)),
            Command::Uidl(Some(number)) => marked
                .get(number)
                .map(|message| UniqueIdListing { number, unique_id: message.unique_id.clone() }.to_string())
                .map_err(|error| (number, error)),
            Command::Dele(number) => marked
                .mark(number)
                .map(|()| format!("message {number} deleted"))
                .map_err(|error| (number, error)),
            Command::Retr(number) => match marked.get(number) {
                Ok(message) => {
                    let octets = message.octets;
                    return self.retrieve(number, octets, None);
                }
                Err(error) => Err((number, error)),
            },
            Command::Top { number, lines } => match marked.get(number) {
                Ok(message) => {
                    let octets = message.octets;
                    return self.retrieve(number, octets, Some(lines));
                }
                Err(error) => Err((number, error)),
            },
            Command::Rset => {
                marked.unmark_all();
                Ok(format!("maildrop has {}", in_words(marked.left())))
            }
            Command::Noop => Ok(String::new()),
            Command::Quit => {
                let deleted = marked.marked();
                self.state = State::Update(left);
                return self.ask(Pending::Update, |ticket| Event::Update(Update { ticket, deleted }));
            }
            // These have been dealt with.
            Command::User(_) | Command::Pass(_) | Command::Capa | Command::Stls => return None,
        };
        match done {
            Ok(text) => self.ok(text),
            Err((number, NoMessage::Deleted)) => self.err(format!("message {number} already deleted")),
            Err((_, NoMessage::Beyond { messages })) => {
                let plural = if messages == 1 { "message" } else { "messages" };
                self.err(format!("no such message, only {messages} {plural} in maildrop"));
            }
        }
        None
    }

    fn retrieve(&mut self, number: MessageNumber, octets: u64, lines: Option<u32>) -> Option<Event> {
        self.ask(Pending::Retrieve, |ticket| Event::Retrieve(Retrieve { ticket, number, octets, lines }))
    }

    /// Answers a line that is no command.
    fn no_command(&mut self, error: &ParseError) {
        if let State::Authorization(user) = &mut self.state {
            *user = None;
        }
        self.bad_text(match error.kind() {
            ParseErrorKind::Unknown(_) => "unknown command".to_owned(),
            kind => format!("syntax error: {kind}"),
        });
    }

    /// Lets the clock of the application run, anew if it sent octets of a message.
    fn run_decision_clock(&mut self, now: Instant) {
        let at = deadline(now, self.config.decision_timeout);
        match &mut self.pending {
            Some(Pending::Body(body)) if body.progressed => {
                body.progressed = false;
                self.timers.set(DECISION, at);
            }
            _ => self.timers.start(DECISION, at),
        }
    }
}

/// A deadline that is put off while it expires. Without any time it would expire again at once, for ever.
fn again(now: Instant, time: Duration) -> Instant {
    deadline(now, time.max(Duration::from_secs(1)))
}

/// `2 messages (320 octets)`
fn in_words(listing: DropListing) -> String {
    let plural = if listing.messages == 1 { "message" } else { "messages" };
    format!("{} {plural} ({} octets)", listing.messages, listing.octets)
}

impl Session for Server {
    type Event = Event;
    type Error = Error;

    fn poll_event(&mut self, now: Instant, input: &mut BytesMut) -> Result<Step<Event>, Error> {
        if self.tickets.reap().is_some() {
            self.answer_in_its_place();
        }
        loop {
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            if let Some(why) = self.aborted.take() {
                return Ok(Step::Event(Event::Aborted(why)));
            }
            match &mut self.state {
                State::Closed => return Ok(Step::Closed),
                _ if self.pending.is_some() => {
                    self.run_decision_clock(now);
                    return Ok(Step::Paused);
                }
                State::Handshake if !input.is_empty() => {
                    self.fail(PeerMisbehaved::InjectedBeforeTls { octets: input.len() });
                    continue;
                }
                State::Handshake if self.eof || self.shut_down => {
                    self.close();
                    continue;
                }
                State::Handshake => {
                    self.timers.start(HANDSHAKE, deadline(now, self.config.handshake_timeout));
                    return Ok(Step::Paused);
                }
                State::Transaction(marked, rows) => {
                    if let Some(writing) = rows {
                        if !writing.write(marked, &mut self.output) {
                            return Ok(Step::Paused);
                        }
                        *rows = None;
                    }
                }
                State::Authorization(_) | State::Update(_) => {}
            }
            if self.shut_down {
                self.say(&StatusLine::err(ResponseCode::SysTemp, "shutting down"));
                self.abort(Aborted::ShutDown);
                continue;
            }
            if self.output.is_full() {
                return Ok(Step::Paused);
            }
            match self.decoder.next(input) {
                Some(Ok(command)) => {
                    self.timers.stop(COMMAND);
                    if let Some(event) = self.command(command, input.len()) {
                        return Ok(Step::Event(event));
                    }
                }
                Some(Err(error)) => {
                    self.timers.stop(COMMAND);
                    self.no_command(&error);
                }
                None if self.decoder.dropped() > self.config.max_dropped => {
                    self.fail(LimitReached::EndlessLine { limit: self.config.max_dropped });
                }
                None if self.eof => self.abort(Aborted::Eof),
                None => {
                    // Started, not set: a slow drip of octets does not move it.
                    self.timers.start(COMMAND, deadline(now, self.config.idle_timeout));
                    return Ok(Step::NeedInput);
                }
            }
        }
    }

    fn poll_transmit(&mut self) -> Option<Bytes> {
        self.output.pop()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    fn handle_timeout(&mut self, now: Instant) {
        while let Some(kind) = self.timers.expired(now) {
            match kind {
                // The client is still reading.
                COMMAND if !self.output.is_empty() => {
                    self.timers.set(COMMAND, again(now, self.config.idle_timeout));
                }
                COMMAND => self.abort(Aborted::Idle),
                DECISION => self.decision_expired(now),
                _ => self.abort(Aborted::Idle),
            }
        }
    }

    fn handle_eof(&mut self) {
        self.eof = true;
    }
}
