//! The client session.
//!
//! ```text
//!            Greeting                              354                   finish_body
//!  Commands ────────── Commands ──── DATA ────────────────── Body ──────────────────── Commands
//!                         │ │                                  └── a reply before the end ── Closed
//!                         │ │        334                     respond, cancel
//!                         │ └─ AUTH ───────────── Challenge ───────────────── Commands
//!                         │          220                     tls_established
//!                         └ STARTTLS ──────────── Upgrading ───────────────── Commands
//!  any: 421, end of input, deadline, error ── Closed
//! ```

use super::{CloseReason, CommandId, Config, Event, NotNow, Phase, kind::Kind};
use crate::{
    ApiMisuse, Error, PeerFault,
    command::{AuthResponseLine, Command},
    reply::{Capabilities, Reply, ReplyCode, ReplyDecoder, Severity},
    types::TlsInfo,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::{Bytes, BytesMut};
use core::fmt;
use postroad_core::{BareNewlineError, DotStuffer, Full, Output, Secret, Session, Step, deadline};
use std::{collections::VecDeque, sync::Arc, time::Instant};

/// A command line has at most this many octets (RFC 5321 section 4.5.3.1.4): an AUTH whose initial response would make it longer is sent
/// without, and the response follows the server's empty challenge (RFC 4954 section 4).
const COMMAND_LINE_LIMIT: usize = 512;

/// Octets of a line in the exchange of AUTH, its CRLF included (RFC 4954 section 4).
const AUTH_LINE_LIMIT: usize = 12_288;

/// A command that was sent, and whose reply has not come.
#[derive(Debug)]
struct Waiting {
    id: CommandId,
    kind: Kind,
}

#[derive(Debug)]
enum State {
    /// Commands go out, replies come in.
    Commands,
    /// The message goes out; the id is that of its DATA.
    Body(CommandId, DotStuffer),
    /// The application owes a response to the challenge of this AUTH.
    Challenge(CommandId),
    /// The application owes TLS.
    Upgrading,
    Closed,
}

/// The client's end of one SMTP connection (RFC 5321).
///
/// [`send`](Self::send) commands at any time, from the very beginning on: the session sends them when it may. Where the server offers
/// PIPELINING it sends as many at once as RFC 2920 allows; else one after the other. Each reply comes as an [`Event`] with the id of its
/// command.
///
/// What it does not let happen: a reply to nothing, or one that does not fit its command, ends the session, for it is no longer known which
/// reply belongs to which command; octets behind the 220 of STARTTLS do so too. What the server said in the clear is forgotten when TLS
/// begins. No argument of a command can hold a line end. A command or parameter of an extension is sent only if the server offers that
/// extension: [`NotNow::NotOffered`].
///
/// An initial response of AUTH that would make the command line longer than 512 octets is held back and sent upon the server's empty
/// challenge (RFC 4954 section 4). A challenge that is not base64 is answered with `*`; the reply to that comes as any other.
///
/// A server that answers the message with 4yz or 5yz before its end is told no more of it: the reply comes as an event, and the session is
/// over.
///
/// ```
/// use postroad_smtp::{Session, Step, client::{Client, Config, Event}, command::Command, types::ClientName};
/// use bytes::BytesMut;
/// use std::sync::Arc;
///
/// # #[allow(clippy::disallowed_methods)]
/// let now = std::time::Instant::now();
/// let mut client = Client::new(Arc::new(Config::default()), now);
/// let hello = client.send(Command::Ehlo(ClientName::parse("bar.com")?))?;
/// assert_eq!(client.poll_transmit(), None); // the server speaks first
///
/// let mut input = BytesMut::from("220 foo.com ready\r\n250-foo.com greets bar.com\r\n250 PIPELINING\r\n");
/// let Step::Event(Event::Greeting(greeting)) = client.poll_event(now, &mut input)? else { panic!() };
/// assert_eq!(greeting.text(), "foo.com ready");
/// assert_eq!(client.poll_transmit().unwrap(), "EHLO bar.com\r\n");
///
/// let Step::Event(Event::Reply(id, reply)) = client.poll_event(now, &mut input)? else { panic!() };
/// assert!(id == hello && reply.is_positive() && client.capabilities().unwrap().pipelining);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Client {
    config: Arc<Config>,
    state: State,
    replies: ReplyDecoder,
    output: Output,
    queue: VecDeque<(CommandId, Command)>,
    waiting: VecDeque<Waiting>,
    last_id: u64,
    /// What the last EHLO said, under the present transport.
    capabilities: Option<Box<Capabilities>>,
    tls: Option<Box<TlsInfo>>,
    authenticated: bool,
    /// An initial response that was too long for the AUTH command.
    held_response: Option<Secret<Vec<u8>>>,
    /// STARTTLS is queued, sent or being done.
    upgrading: bool,
    quitting: bool,
    /// The MAIL that was sent last has SMTPUTF8.
    smtp_utf8: bool,
    eof: bool,
    close_reason: Option<CloseReason>,
    deadline: Option<(Instant, Phase)>,
    /// The deadline begins anew at the next `now`.
    restart: bool,
}

impl Client {
    /// A session on a transport in the clear that was just connected.
    pub fn new(config: Arc<Config>, now: Instant) -> Self {
        let mut replies = ReplyDecoder::new();
        replies.accept_bare_lf(config.accept_bare_lf);
        let greeting = deadline(now, config.timeouts.greeting);
        Self {
            state: State::Commands,
            replies,
            output: Output::new(config.output_high_water),
            config,
            queue: VecDeque::new(),
            waiting: VecDeque::from([Waiting { id: CommandId(0), kind: Kind::Greeting }]),
            last_id: 0,
            capabilities: None,
            tls: None,
            authenticated: false,
            held_response: None,
            upgrading: false,
            quitting: false,
            smtp_utf8: false,
            eof: false,
            close_reason: None,
            deadline: Some((greeting, Phase::Greeting)),
            restart: false,
        }
    }

    /// A session on a transport that is TLS from the beginning (RFC 8314 section 3).
    pub fn new_over_tls(config: Arc<Config>, info: TlsInfo, now: Instant) -> Self {
        Self { tls: Some(Box::new(info)), ..Self::new(config, now) }
    }

    /// Sends a command as soon as it may go out, and tells the id with which its reply will come.
    ///
    /// AUTH goes out whether TLS runs or not: whoever calls this minds what the mechanism reveals. [`Opening`](super::Opening) does.
    ///
    /// # Errors
    ///
    /// See [`NotNow`]; nothing was sent. Extensions count as offered once a response to EHLO has said so, so a MAIL with parameters cannot
    /// be sent before.
    pub fn send(&mut self, command: Command) -> Result<CommandId, NotNow> {
        if self.quitting || matches!(self.state, State::Closed) {
            return Err(NotNow::Closed);
        }
        if self.upgrading {
            return Err(NotNow::Upgrading);
        }
        if self.outstanding() >= self.config.max_outstanding.max(1) {
            return Err(NotNow::Full);
        }
        self.check(&command)?;
        match &command {
            Command::Mail(mail) => self.smtp_utf8 = mail.parameters.smtp_utf8,
            Command::StartTls => self.upgrading = true,
            Command::Quit => self.quitting = true,
            _ => {}
        }
        self.last_id += 1;
        let id = CommandId(self.last_id);
        self.queue.push_back((id, command));
        self.send_queued();
        Ok(id)
    }

    /// Whether the server offers what the command needs.
    fn check(&self, command: &Command) -> Result<(), NotNow> {
        let offers = |extension: &'static str, offered: fn(&Capabilities) -> bool| {
            if self.capabilities.as_deref().is_some_and(offered) {
                Ok(())
            } else {
                Err(NotNow::NotOffered(extension))
            }
        };
        match command {
            Command::Mail(mail) => {
                let parameters = &mail.parameters;
                if parameters.size.is_some() {
                    offers("SIZE", |capabilities| capabilities.size.is_some())?;
                }
                if parameters.body.is_some() {
                    offers("8BITMIME", |capabilities| capabilities.eight_bit_mime)?;
                }
                if parameters.auth.is_some() {
                    offers("AUTH", |capabilities| !capabilities.auth.is_empty())?;
                }
                if parameters.smtp_utf8 {
                    return offers("SMTPUTF8", |capabilities| capabilities.smtp_utf8);
                }
                if mail.reverse_path.is_ascii() { Ok(()) } else { Err(NotNow::NeedsSmtpUtf8) }
            }
            Command::Rcpt(rcpt) if !rcpt.forward_path.is_ascii() && !self.smtp_utf8 => {
                Err(NotNow::NeedsSmtpUtf8)
            }
            Command::StartTls if self.is_tls() => Err(NotNow::AlreadyTls),
            Command::StartTls => offers("STARTTLS", |capabilities| capabilities.starttls),
            Command::Auth(auth) => {
                let offered =
                    self.capabilities.as_ref().is_some_and(|offered| offered.offers(auth.mechanism));
                if offered { Ok(()) } else { Err(NotNow::NotOffered("AUTH")) }
            }
            _ => Ok(()),
        }
    }

    /// Sends what may go out now (RFC 2920 section 3.1).
    fn send_queued(&mut self) {
        while matches!(self.state, State::Commands) {
            let may_follow = match self.waiting.back() {
                None => true,
                Some(last) => self.is_pipelining() && !last.kind.ends_group(),
            };
            if !may_follow {
                return;
            }
            let Some((id, mut command)) = self.queue.pop_front() else { return };
            if let Command::Auth(auth) = &mut command {
                self.held_response =
                    auth.initial_response.take_if(|response| auth_line_len(response) > COMMAND_LINE_LIMIT);
            }
            // Writing into the output cannot fail.
            let _ = command.encode(&mut self.output);
            self.wait(id, Kind::of(&command));
        }
    }

    fn wait(&mut self, id: CommandId, kind: Kind) {
        self.restart |= self.waiting.is_empty();
        self.waiting.push_back(Waiting { id, kind });
    }

    /// Adds octets of the message, whose dots are stuffed on the way; large chunks are not copied. Any cut will do.
    ///
    /// Once the session is over, the chunk is dropped. A bare CR or LF ends the session, if that is what [`Config::bare_newline`] says: see
    /// [`CloseReason::BareNewline`].
    ///
    /// # Errors
    ///
    /// [`Full`] gives the chunk back when as many octets as [`Config::output_high_water`] wait to be sent: offer it again when some have
    /// gone. So it does while no message is wanted at all, before an [`Event::SendBody`]. See [`wants_body`](Self::wants_body).
    pub fn push_body(&mut self, chunk: Bytes) -> Result<(), Full<Bytes>> {
        match &mut self.state {
            State::Closed => Ok(()),
            State::Body(_, dots) if !self.output.is_full() => {
                self.restart |= self.output.is_empty();
                if let Err(BareNewlineError { at }) = dots.push(chunk, &mut self.output) {
                    self.cut_short(CloseReason::BareNewline { at });
                }
                Ok(())
            }
            State::Body(..) | State::Commands | State::Challenge(_) | State::Upgrading => Err(Full(chunk)),
        }
    }

    /// Ends the message. Its reply comes with the id of DATA.
    ///
    /// Does nothing while no message is wanted.
    pub fn finish_body(&mut self) {
        if !matches!(self.state, State::Body(..)) {
            return;
        }
        if let State::Body(id, dots) = core::mem::replace(&mut self.state, State::Commands) {
            match dots.finish(&mut self.output) {
                Ok(()) => {
                    self.wait(id, Kind::Message);
                    self.restart = true;
                    self.send_queued();
                }
                Err(BareNewlineError { at }) => self.cut_short(CloseReason::BareNewline { at }),
            }
        }
    }

    /// Whether octets of a message are wanted and would be taken now.
    pub fn wants_body(&self) -> bool {
        matches!(self.state, State::Body(..)) && !self.output.is_full()
    }

    /// Answers a challenge of AUTH.
    ///
    /// # Errors
    ///
    /// [`NotNow::NoChallenge`], or [`NotNow::TooLong`] for more than 9214 octets.
    pub fn respond(&mut self, response: &[u8]) -> Result<(), NotNow> {
        let State::Challenge(id) = self.state else { return Err(NotNow::NoChallenge) };
        if response.len().div_ceil(3) * 4 + 2 > AUTH_LINE_LIMIT {
            return Err(NotNow::TooLong);
        }
        self.answer_challenge(id, &AuthResponseLine::Response(Secret::new(response.to_vec())));
        Ok(())
    }

    /// Gives an exchange of AUTH up instead of answering its challenge. The reply of the server, 501, comes as an event.
    ///
    /// # Errors
    ///
    /// [`NotNow::NoChallenge`].
    pub fn cancel(&mut self) -> Result<(), NotNow> {
        let State::Challenge(id) = self.state else { return Err(NotNow::NoChallenge) };
        self.answer_challenge(id, &AuthResponseLine::Cancel);
        Ok(())
    }

    fn answer_challenge(&mut self, id: CommandId, line: &AuthResponseLine) {
        let _ = line.encode(&mut self.output);
        self.state = State::Commands;
        self.wait(id, Kind::Auth);
    }

    /// The transport has become TLS, after [`Event::StartTls`]. All that the server said before is forgotten: send EHLO again.
    ///
    /// # Errors
    ///
    /// [`ApiMisuse::NoHandshake`], at any other time. Nothing has changed then.
    pub fn tls_established(&mut self, info: TlsInfo) -> Result<(), Error> {
        if !matches!(self.state, State::Upgrading) {
            return Err(ApiMisuse::NoHandshake.into());
        }
        self.state = State::Commands;
        self.upgrading = false;
        self.tls = Some(Box::new(info));
        self.capabilities = None;
        self.authenticated = false;
        self.smtp_utf8 = false;
        self.replies.reset();
        self.send_queued();
        Ok(())
    }

    /// Ends the session without another word: for an application that cannot finish what it began, such as a message.
    pub fn abort(&mut self) {
        self.cut_short(CloseReason::Aborted);
    }

    /// Closes without sending what is left: nobody would understand another word within a message.
    fn cut_short(&mut self, reason: CloseReason) {
        self.output.clear();
        self.close(reason);
    }

    /// What the last EHLO said that was answered under the present transport; nothing at all if that was a HELO.
    pub fn capabilities(&self) -> Option<&Capabilities> {
        self.capabilities.as_deref()
    }

    /// Whether the server offers PIPELINING.
    pub fn is_pipelining(&self) -> bool {
        self.capabilities.as_ref().is_some_and(|capabilities| capabilities.pipelining)
    }

    /// Whether the transport is TLS.
    pub fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// What was told of TLS.
    pub fn tls_info(&self) -> Option<&TlsInfo> {
        self.tls.as_deref()
    }

    /// Whether AUTH has succeeded.
    pub fn is_authenticated(&self) -> bool {
        self.authenticated
    }

    /// How many commands wait for their replies, or to be sent; the greeting counts as one.
    pub fn outstanding(&self) -> usize {
        self.queue.len() + self.waiting.len()
    }

    /// Whether the session is over.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Why the session is over, once it is.
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.close_reason
    }

    fn close(&mut self, reason: CloseReason) {
        self.close_reason.get_or_insert(reason);
        self.state = State::Closed;
        self.waiting = VecDeque::new();
        self.queue = VecDeque::new();
        self.held_response = None;
        self.deadline = None;
        self.restart = false;
    }

    fn fail(&mut self, fault: PeerFault) -> Error {
        self.lose(CloseReason::Failed);
        fault.into()
    }

    /// Closes because of the peer: what was said before may still go out, unless that is half a message.
    fn lose(&mut self, reason: CloseReason) {
        if matches!(self.state, State::Body(..)) {
            self.output.clear();
        }
        self.close(reason);
    }

    fn phase(&self) -> Option<Phase> {
        match self.state {
            State::Commands => self.waiting.front().map(|waiting| waiting.kind.phase()),
            State::Body(..) if !self.output.is_empty() => Some(Phase::DataBlock),
            State::Body(..) | State::Challenge(_) | State::Upgrading | State::Closed => None,
        }
    }

    fn restart_deadline(&mut self, now: Instant) {
        if core::mem::take(&mut self.restart) {
            let until = |phase| (deadline(now, self.config.timeouts.of(phase)), phase);
            self.deadline = self.phase().map(until);
        }
    }

    /// The next step; `None` where a reply was answered by the session itself.
    fn step(&mut self, input: &mut BytesMut) -> Result<Option<Step<Event>>, Error> {
        match self.state {
            State::Closed => return Ok(Some(Step::Closed)),
            State::Upgrading if !input.is_empty() => {
                return Err(self.fail(PeerFault::InjectedBeforeTls { octets: input.len() }));
            }
            State::Upgrading | State::Challenge(_) if !self.eof => return Ok(Some(Step::Paused)),
            State::Upgrading | State::Challenge(_) => {
                self.close(CloseReason::EndOfInput);
                return Ok(Some(Step::Closed));
            }
            State::Commands | State::Body(..) => {}
        }
        match self.replies.decode(input) {
            Ok(Some(reply)) => match self.reply(reply) {
                Ok(Some(Event::StartTls(_))) if !input.is_empty() => {
                    Err(self.fail(PeerFault::InjectedBeforeTls { octets: input.len() }))
                }
                Ok(event) => Ok(event.map(Step::Event)),
                Err(fault) => Err(self.fail(fault)),
            },
            Ok(None) if self.eof => {
                self.lose(if self.quitting { CloseReason::Quit } else { CloseReason::EndOfInput });
                Ok(Some(Step::Closed))
            }
            Ok(None) => Ok(Some(Step::NeedInput)),
            Err(error) => Err(self.fail(PeerFault::Reply(error))),
        }
    }

    /// What a reply means. `None` where the session has answered it by itself.
    fn reply(&mut self, reply: Reply) -> Result<Option<Event>, PeerFault> {
        let (code, severity) = (reply.code(), reply.severity());
        if let State::Body(id, _) = self.state {
            if reply.is_positive() {
                return Err(PeerFault::UnexpectedReply { code, to: Kind::Message.name() });
            }
            let said_goodbye = code == ReplyCode::NOT_AVAILABLE;
            self.cut_short(if said_goodbye { CloseReason::Goodbye } else { CloseReason::BodyRefused });
            return Ok(Some(Event::Reply(id, reply)));
        }
        let Some(Waiting { id, kind }) = self.waiting.pop_front() else {
            if code != ReplyCode::NOT_AVAILABLE {
                return Err(PeerFault::UnsolicitedReply(code));
            }
            self.close(CloseReason::Goodbye);
            return Ok(Some(Event::Goodbye(reply)));
        };
        self.restart = true;
        let is_done = severity == Severity::PositiveCompletion;
        let unexpected = PeerFault::UnexpectedReply { code, to: kind.name() };
        match kind {
            Kind::Data if code == ReplyCode::START_MAIL_INPUT => {
                self.state = State::Body(id, DotStuffer::new(self.config.bare_newline));
                return Ok(Some(Event::SendBody(id)));
            }
            Kind::Auth if code == ReplyCode::CHALLENGE => return Ok(self.challenge(id, &reply)),
            Kind::StartTls if code == ReplyCode::READY => {
                self.state = State::Upgrading;
                return Ok(Some(Event::StartTls(id)));
            }
            Kind::Data | Kind::StartTls if is_done => return Err(unexpected),
            _ if severity == Severity::PositiveIntermediate => return Err(unexpected),
            Kind::Ehlo if is_done => self.capabilities = Some(Box::new(Capabilities::from_reply(&reply))),
            Kind::Helo if is_done => self.capabilities = Some(Box::default()),
            Kind::Auth => {
                self.authenticated |= is_done;
                self.held_response = None;
            }
            Kind::StartTls => self.upgrading = false,
            _ => {}
        }
        if code == ReplyCode::NOT_AVAILABLE {
            self.close(CloseReason::Goodbye);
        } else if kind == Kind::Quit {
            self.close(CloseReason::Quit);
        } else {
            self.send_queued();
        }
        Ok(Some(if kind == Kind::Greeting { Event::Greeting(reply) } else { Event::Reply(id, reply) }))
    }

    fn challenge(&mut self, id: CommandId, reply: &Reply) -> Option<Event> {
        let is_one_line = reply.lines().nth(1).is_none();
        let octets = if is_one_line { STANDARD.decode(reply.text()).ok() } else { None };
        match (octets, self.held_response.take()) {
            (Some(octets), None) => {
                self.state = State::Challenge(id);
                Some(Event::Challenge(id, octets))
            }
            (Some(octets), Some(held)) if octets.is_empty() => {
                self.answer_challenge(id, &AuthResponseLine::Response(held));
                None
            }
            _ => {
                self.answer_challenge(id, &AuthResponseLine::Cancel);
                None
            }
        }
    }
}

/// How long an AUTH with this initial response is at least, with a mechanism of the longest name.
fn auth_line_len(response: &Secret<Vec<u8>>) -> usize {
    "AUTH 12345678901234567890 \r\n".len() + response.expose().len().div_ceil(3) * 4
}

// What waits to be sent may hold a password.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("state", &self.state)
            .field("output", &self.output.len())
            .field("queue", &self.queue)
            .field("waiting", &self.waiting)
            .field("capabilities", &self.capabilities)
            .field("tls", &self.tls)
            .field("authenticated", &self.authenticated)
            .field("close_reason", &self.close_reason)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

impl Session for Client {
    type Event = Event;
    type Error = Error;

    fn poll_event(&mut self, now: Instant, input: &mut BytesMut) -> Result<Step<Event>, Error> {
        self.restart_deadline(now);
        let step = loop {
            match self.step(input) {
                Ok(Some(step)) => break Ok(step),
                Ok(None) => {}
                Err(error) => break Err(error),
            }
        };
        self.restart_deadline(now);
        step
    }

    fn poll_transmit(&mut self) -> Option<Bytes> {
        let octets = self.output.pop()?;
        // Whatever goes out within a message is progress.
        self.restart |= matches!(self.state, State::Body(..));
        Some(octets)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.deadline.map(|(at, _)| at)
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.restart_deadline(now);
        if let Some((at, phase)) = self.deadline {
            if at <= now {
                self.lose(CloseReason::TimedOut(phase));
            }
        }
    }

    fn handle_eof(&mut self) {
        self.eof = true;
    }
}
