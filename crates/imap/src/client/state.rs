//! The whole machine, as its application sees it.
//!
//! ```text
//!   connect ──► Greeting ──► Open ◄────────────────────────────┐
//!                  │          │ STARTTLS, OK                   │ tls_established
//!                  │          ▼                                │
//!                  │       Handshake ──────────────────────────┘
//!                  │ BYE
//!                  ▼          Open ── LOGOUT answered, end of input, error ──► Closed
//!               Closed
//!
//!   Within Open:   send ──► queue ──► sending ──► sent ──► Done
//!                             │ one command at a time, fragment by fragment
//!                             └ as soon as the classes of those that are sent let it
//! ```

use super::kind::Kind;
use super::mailbox::Numbers;
use super::receive::Streaming;
use super::sending::{Sending, Sent};
use super::session::Clock;
use super::waiting::{Append, Exchange, Idling, InFlight, Request, Waiting};
use super::{ApiMisuse, CommandId, Config, Error, Event, NotNow, NotNowReason, State};
use crate::codec::Framer;
use crate::command::{Class, CommandBody, Fragment, LiteralMode};
use crate::types::{Capabilities, Capability, Tag, TlsInfo};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use core::fmt;
use postroad_core::{Full, Output, deadline};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

/// The client end of one IMAP connection (RFC 9051, RFC 3501).
///
/// Any number of commands may be in flight: [`send`](Self::send) gives each an id, and its events carry that. A command goes out as soon
/// as those before it permit; see [`Class`]. What a command's literals need (whether they wait for the server) follows from the
/// capabilities, and the session keeps account of those: what was said before TLS or a log-in is forgotten then (RFC 9051 section 6.1.1),
/// and asked for anew. IDLE is ended for other commands and renewed in time.
///
/// Message sequence numbers are safe: a command that has any is given back while it is not certain what they mean. UIDs always are.
///
/// ```
/// use bytes::BytesMut;
/// use postroad_imap::client::{Client, Config, Event};
/// use postroad_imap::command::CommandBody;
/// use postroad_imap::response::Status;
/// use postroad_imap::types::TlsInfo;
/// use postroad_imap::{Session, Step};
/// use std::sync::Arc;
///
/// # #[allow(clippy::disallowed_methods)]
/// let now = std::time::Instant::now();
/// let mut client = Client::new_over_tls(Arc::new(Config::new()), TlsInfo::new(), now);
/// let noop = client.send(CommandBody::Noop)?;
/// assert_eq!(client.poll_transmit(), None); // the server speaks first
///
/// let mut input = BytesMut::from("* OK [CAPABILITY IMAP4rev2] ready\r\n");
/// assert!(matches!(client.poll_event(now, &mut input)?, Step::Event(Event::Greeting(_))));
/// assert_eq!(client.poll_transmit().unwrap(), "A1 NOOP\r\n");
///
/// input.extend_from_slice(b"A1 OK done\r\n");
/// let Step::Event(Event::Done { of, status }) = client.poll_event(now, &mut input)? else { panic!() };
/// assert!(of == noop && status.status == Status::Ok);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Client {
    pub(super) config: Arc<Config>,
    pub(super) connection: Connection,
    pub(super) framer: Framer,
    pub(super) output: Output,
    /// How many octets were ever handed to the transport.
    pub(super) transmitted: u64,
    pub(super) queue: VecDeque<Waiting>,
    /// In the order of their sending.
    pub(super) sent: Vec<InFlight>,
    pub(super) sending: Option<Sending>,
    /// A row whose literal is streamed.
    pub(super) row: Option<Streaming>,
    /// What follows from one step, where that is more than one event.
    pub(super) events: VecDeque<Event>,
    last_id: u64,
    last_tag: u64,
    pub(super) capabilities: Option<Capabilities>,
    /// They were told since a log-in was sent.
    pub(super) capabilities_are_new: bool,
    pub(super) enabled: Capabilities,
    pub(super) tls: Option<Box<TlsInfo>>,
    pub(super) authenticated: bool,
    pub(super) numbers: Numbers,
    pub(super) idle: Option<Idling>,
    pub(super) exchange: Exchange,
    /// STARTTLS or LOGOUT was given: nothing may follow.
    pub(super) last: Option<NotNowReason>,
    pub(super) said_bye: bool,
    pub(super) eof: bool,
    pub(super) failed: Option<Error>,
    pub(super) deadline: Option<(Instant, Clock)>,
    /// The deadline begins anew at the next `now`.
    pub(super) restart: bool,
    /// Octets that came since it began.
    pub(super) progress: usize,
    /// How many octets of input were there and not taken.
    pub(super) seen: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Connection {
    Greeting,
    Open,
    Handshake,
    Closed,
}

impl Client {
    /// A session on a transport in the clear that was just connected.
    pub fn new(config: Arc<Config>, now: Instant) -> Self {
        let greeting = deadline(now, config.timeouts.greeting);
        Self {
            connection: Connection::Greeting,
            framer: Framer::of_responses(),
            output: Output::new(config.output_high_water),
            config,
            transmitted: 0,
            queue: VecDeque::new(),
            sent: Vec::new(),
            sending: None,
            row: None,
            events: VecDeque::new(),
            last_id: 0,
            last_tag: 0,
            capabilities: None,
            capabilities_are_new: false,
            enabled: Capabilities::new(),
            tls: None,
            authenticated: false,
            numbers: Numbers::default(),
            idle: None,
            exchange: Exchange::Server,
            last: None,
            said_bye: false,
            eof: false,
            failed: None,
            deadline: Some((greeting, Clock::Greeting)),
            restart: false,
            progress: 0,
            seen: 0,
        }
    }

    /// A session on a transport that is TLS from the beginning (port 993, RFC 8314 section 3.2).
    pub fn new_over_tls(config: Arc<Config>, info: TlsInfo, now: Instant) -> Self {
        Self { tls: Some(Box::new(info)), ..Self::new(config, now) }
    }

    /// Sends a command as soon as it may go out, and tells the id that its events will carry. IDLE is ended for it.
    ///
    /// A command that has sequence numbers, or asks for some, is sent at once or not at all: an EXPUNGE that comes first would change what
    /// it means (RFC 9051 section 5.5). Any other waits for its turn.
    ///
    /// # Errors
    ///
    /// It is not sent: here it is, and why. Whether the server offers what it needs is looked at when it is known; a command that had to
    /// wait and turns out to be no use comes back as [`Event::NotSent`].
    pub fn send(&mut self, command: CommandBody) -> Result<CommandId, NotNow> {
        let class = command.class();
        match self.admit(&command, class) {
            Ok(()) => {}
            Err(reason) => return Err(NotNow { command: Box::new(command), reason }),
        }
        match command {
            CommandBody::StartTls => self.last = Some(NotNowReason::StartingTls),
            CommandBody::Logout => self.last = Some(NotNowReason::Closing),
            _ => {}
        }
        Ok(self.enqueue(Request::Body(command), class))
    }

    /// Sends APPEND as [`send`](Self::send) does. The octets of each message are asked for by [`Event::SendBody`].
    ///
    /// # Errors
    ///
    /// As of [`send`](Self::send). Without a message, or with several where the server does not offer that, it is
    /// [`NotNowReason::NotOffered`].
    pub fn append(&mut self, append: Append) -> Result<CommandId, NotNow<Append>> {
        let reason = match self.admit_any() {
            Err(reason) => Some(reason),
            Ok(()) if self.needs_tls() => Some(NotNowReason::NeedsTls),
            Ok(()) if append.messages.is_empty() => Some(NotNowReason::NotOffered("MULTIAPPEND")),
            Ok(()) if self.capabilities_are_settled() => self.offers_append(&append).err(),
            Ok(()) => None,
        };
        if let Some(reason) = reason {
            return Err(NotNow { command: Box::new(append), reason });
        }
        Ok(self.enqueue(Request::Append(append), Class::APPEND))
    }

    fn enqueue(&mut self, request: Request, class: Class) -> CommandId {
        let id = self.new_id();
        self.queue.push_back(Waiting { id, request, class, hidden: false, stop: false });
        self.pump();
        id
    }

    fn new_id(&mut self) -> CommandId {
        self.last_id += 1;
        CommandId(self.last_id)
    }

    /// Octets of the message that [`Event::SendBody`] asked for. Large chunks are not copied; any cut will do.
    ///
    /// What goes beyond the length that was announced is cut off. Once nothing is wanted any more, since the server has refused the
    /// command or the session is over, the chunk is dropped.
    ///
    /// # Errors
    ///
    /// [`Full`] gives the chunk back when as many octets as [`Config::output_high_water`] wait to be sent: offer it again when some have
    /// gone. So it does while an APPEND waits for the server's leave.
    pub fn push_body(&mut self, mut chunk: Bytes) -> Result<(), Full<Bytes>> {
        let is_append = |waiting: &Waiting| matches!(waiting.request, Request::Append(_));
        let taken = match &mut self.sending {
            Some(sending) if sending.wanted() > 0 => {
                if self.output.is_full() {
                    return Err(Full(chunk));
                }
                sending.take(chunk.len())
            }
            Some(sending) if sending.is_waiting_for_message() => return Err(Full(chunk)),
            _ if self.queue.iter().any(is_append) => return Err(Full(chunk)),
            _ => return Ok(()),
        };
        chunk.truncate(taken);
        self.output.chunk(chunk);
        self.restart = true;
        self.pump();
        Ok(())
    }

    /// How many octets of a message are wanted now, if there is room for any.
    pub fn wants_body(&self) -> u64 {
        let room = !self.output.is_full();
        self.sending.as_ref().filter(|_| room).map_or(0, Sending::wanted)
    }

    /// Answers a challenge of AUTHENTICATE.
    ///
    /// # Errors
    ///
    /// [`ApiMisuse::NoChallenge`]: none waits for an answer. Nothing was sent.
    pub fn respond(&mut self, response: &[u8]) -> Result<(), Error> {
        self.take_challenge()?;
        self.output.text(STANDARD.encode(response).as_bytes());
        self.output.text(b"\r\n");
        Ok(())
    }

    /// Gives an AUTHENTICATE up instead of answering its challenge. The server's BAD comes as [`Event::Done`].
    ///
    /// # Errors
    ///
    /// [`ApiMisuse::NoChallenge`]: none waits for an answer. Nothing was sent.
    pub fn cancel(&mut self) -> Result<(), Error> {
        self.take_challenge()?;
        self.output.text(b"*\r\n");
        Ok(())
    }

    fn take_challenge(&mut self) -> Result<(), Error> {
        if !matches!(self.exchange, Exchange::Application) {
            return Err(ApiMisuse::NoChallenge.into());
        }
        self.exchange = Exchange::Server;
        self.restart = true;
        Ok(())
    }

    /// Ends IDLE, if there is one. Its [`Event::Done`] follows. Any command that is sent does so too.
    pub fn done(&mut self) {
        match &mut self.idle {
            Some(Idling::Running) => self.end_idle(false),
            Some(Idling::Requested { stop }) => *stop = true,
            Some(Idling::Stopping { renew }) => *renew = false,
            None => {}
        }
        for waiting in &mut self.queue {
            waiting.stop |= matches!(waiting.request, Request::Body(CommandBody::Idle));
        }
    }

    pub(super) fn end_idle(&mut self, renew: bool) {
        self.output.text(b"DONE\r\n");
        self.idle = Some(Idling::Stopping { renew });
    }

    /// The transport has become TLS, after [`Event::StartTls`]. All that the server said before is forgotten.
    ///
    /// # Errors
    ///
    /// [`ApiMisuse::NoHandshake`], at any other time. Nothing has changed then.
    pub fn tls_established(&mut self, info: TlsInfo) -> Result<(), Error> {
        if self.connection != Connection::Handshake {
            return Err(ApiMisuse::NoHandshake.into());
        }
        self.connection = Connection::Open;
        self.framer.reset();
        self.tls = Some(Box::new(info));
        self.last = None;
        self.capabilities = None;
        self.ask_capabilities();
        self.pump();
        Ok(())
    }

    /// Ends the session without another word: for an application that cannot finish what it began, such as a message.
    pub fn abort(&mut self) {
        self.output.clear();
        self.close();
    }

    /// What the server can do, as far as is known now.
    pub fn capabilities(&self) -> Option<&Capabilities> {
        self.capabilities.as_ref()
    }

    /// What ENABLE has switched on (RFC 9051 section 6.3.1).
    pub fn enabled(&self) -> &Capabilities {
        &self.enabled
    }

    /// Whether names and strings are UTF-8: IMAP4rev2 or UTF8=ACCEPT was enabled.
    pub fn is_utf8(&self) -> bool {
        self.enabled.has(&Capability::Imap4Rev2) || self.enabled.has(&Capability::Utf8Accept)
    }

    /// How many messages the selected mailbox has; `None` while none is selected.
    pub fn exists(&self) -> Option<u32> {
        self.numbers.exists()
    }

    /// Where the session is.
    pub fn state(&self) -> State {
        match self.connection {
            Connection::Closed => State::Logout,
            _ if self.said_bye || self.last == Some(NotNowReason::Closing) => State::Logout,
            Connection::Greeting => State::Greeting,
            _ if self.numbers.exists().is_some() => State::Selected,
            _ if self.authenticated => State::Authenticated,
            Connection::Open | Connection::Handshake => State::NotAuthenticated,
        }
    }

    /// What is known of the TLS connection; `None`: there is none.
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.tls.as_deref()
    }

    /// How many commands are not answered, those that wait included, and those that the session sends by itself left out.
    pub fn in_flight(&self) -> usize {
        self.sent.iter().filter(|sent| !sent.hidden).count()
            + self.queue.iter().filter(|waiting| !waiting.hidden).count()
    }

    /// Whether the session is over.
    pub fn is_closed(&self) -> bool {
        self.connection == Connection::Closed
    }

    /// Asks for the capabilities, before all that waits.
    pub(super) fn ask_capabilities(&mut self) {
        if self.config.ask_capabilities && self.capabilities.is_none() {
            self.send_hidden(CommandBody::Capability);
        }
    }

    pub(super) fn send_hidden(&mut self, command: CommandBody) {
        let id = self.new_id();
        // Nothing goes out beside it: what it tells decides on what follows.
        let class = command.class() | Class::ALONE;
        self.queue.push_front(Waiting {
            id,
            request: Request::Body(command),
            class,
            hidden: true,
            stop: false,
        });
    }

    pub(super) fn may_begin(&self, class: Class) -> bool {
        self.sent.len() < self.config.max_in_flight.max(1)
            // What runs alone is also sent alone: capabilities or the mailbox change under it.
            && (!class.has(Class::ALONE) || self.sent.is_empty())
            && self.sent.iter().all(|sent| !sent.class.has(Class::ALONE) && class.may_follow(sent.class))
            && self.idle.is_none()
    }

    /// Sends what may be sent.
    pub(super) fn pump(&mut self) {
        if self.connection != Connection::Open || self.said_bye {
            return;
        }
        loop {
            while let Some(sending) = &mut self.sending {
                match sending.write(&mut self.output) {
                    Sent::Whole => self.sending = None,
                    Sent::Waiting => return,
                    Sent::Asking { message, len } => {
                        let of = sending.of;
                        self.events.push_back(Event::SendBody { of, message, len });
                    }
                }
            }
            match self.queue.front() {
                Some(_) if self.idle == Some(Idling::Running) => return self.end_idle(false),
                Some(next) if self.may_begin(next.class) => {}
                _ => return,
            }
            let Some(next) = self.queue.pop_front() else { return };
            self.begin(next);
        }
    }

    fn begin(&mut self, waiting: Waiting) {
        let refused = match &waiting.request {
            Request::Body(command) => self.offers(command).err(),
            Request::Append(append) => self.offers_append(append).err(),
        };
        if let Some(reason) = refused {
            if matches!(waiting.request, Request::Body(CommandBody::StartTls)) {
                self.last = None;
            }
            if !waiting.hidden {
                self.events.push_back(Event::NotSent { of: waiting.id, reason });
            }
            return;
        }
        let Waiting { id, request, class, hidden, stop } = waiting;
        let tag = self.next_tag();
        let kind = match &request {
            Request::Body(command) => Kind::of(command, self.numbers.exists().unwrap_or(0)),
            Request::Append(_) => Kind::Append,
        };
        match &kind {
            Kind::Idle => self.idle = Some(Idling::Requested { stop }),
            Kind::Select => self.numbers.select(),
            Kind::Login | Kind::Authenticate | Kind::Unauthenticate => self.capabilities_are_new = false,
            _ => {}
        }
        let fragments = self.print(&tag, request);
        let begins = self.transmitted + self.output.len() as u64;
        self.sent.push(InFlight { id, tag, class, kind, hidden, begins });
        self.sending = Some(Sending::new(id, fragments));
    }

    fn next_tag(&mut self) -> Tag {
        self.last_tag += 1;
        Tag::numbered(self.last_tag)
    }

    fn print(&mut self, tag: &Tag, request: Request) -> Vec<Fragment> {
        let (mode, utf8) = (self.literal_mode(), self.is_utf8());
        match request {
            Request::Body(CommandBody::Authenticate { mechanism, initial_response }) => {
                let goes_with_it = self.config.initial_response
                    && self.capabilities.as_ref().is_some_and(|offered| offered.has(&Capability::SaslIr));
                let (with_it, later) =
                    if goes_with_it { (initial_response, None) } else { (None, initial_response) };
                self.exchange = later.map_or(Exchange::Server, Exchange::Initial);
                CommandBody::Authenticate { mechanism, initial_response: with_it }.encode(tag, mode, utf8)
            }
            Request::Body(command) => command.encode(tag, mode, utf8),
            Request::Append(append) => append.encode(tag, mode, utf8),
        }
    }

    fn literal_mode(&self) -> LiteralMode {
        match &self.capabilities {
            Some(offered) if self.config.non_synchronizing_literals => {
                if offered.has(&Capability::LiteralPlus) {
                    LiteralMode::Plus
                } else if offered.has(&Capability::LiteralMinus) || offered.has(&Capability::Imap4Rev2) {
                    LiteralMode::Minus
                } else {
                    LiteralMode::Synchronizing
                }
            }
            _ => LiteralMode::Synchronizing,
        }
    }

    pub(super) fn close(&mut self) {
        self.connection = Connection::Closed;
        self.queue = VecDeque::new();
        self.sent = Vec::new();
        self.sending = None;
        self.row = None;
        self.idle = None;
        self.exchange = Exchange::Server;
        self.deadline = None;
        self.restart = false;
    }

    pub(super) fn fail(&mut self, error: impl Into<Error>) {
        self.failed.get_or_insert_with(|| error.into());
        self.close();
    }
}

// What waits to be sent may hold a password.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("state", &self.state())
            .field("connection", &self.connection)
            .field("output", &self.output.len())
            .field("waiting", &self.queue.len())
            .field("sent", &self.sent)
            .field("capabilities", &self.capabilities)
            .field("enabled", &self.enabled)
            .field("tls", &self.tls)
            .field("numbers", &self.numbers)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
