//! The whole machine.
//!
//! ```text
//!   connect ──► Greeting ──► Ready ◄──────────────────────┐
//!                   │          │ STLS, +OK                │ tls_established
//!                   │          ▼                          │
//!                   │        Handshake ───────────────────┘
//!                   │ -ERR
//!                   ▼          Ready ── QUIT answered, end of input, error ──► Closed
//!                 Closed
//! ```
//!
//! Which of the RFC's states the server is in is the server's to say: a command it does not want is answered `-ERR`.

use super::{CommandId, Config, Event, NotNow, NotNowReason, Reply};
use crate::codec::{ResponseDecoder, ResponsePart, Shape};
use crate::command::Command;
use crate::error::{Error, LimitReached, PeerMisbehaved};
use crate::response::{Greeting, StatusLine};
use crate::types::{Capabilities, Capability, DropListing, ScanListing, TlsInfo, UniqueIdListing};
use bytes::{Bytes, BytesMut};
use core::mem;
use postroad_core::{Output, ParseError, Session, Step, Timers, deadline};
use std::collections::VecDeque;
use std::time::Instant;

const RESPONSE: usize = 0;
const HANDSHAKE: usize = 1;

/// A deadline is set anew for this many octets of an answer.
const PROGRESS: u64 = 4096;

/// More capabilities than any server has.
const MOST_CAPABILITIES: usize = 1000;

/// The client end of one POP3 connection (RFC 1939).
///
/// Commands are sent in the order in which they are given. They wait for each other's answers, until CAPA has told that the server takes
/// several at once (RFC 2449 section 6.6).
///
/// ```
/// use postroad_pop3::client::{Client, Config, Event, Reply};
/// use postroad_pop3::command::Command;
/// use bytes::BytesMut;
/// use postroad_core::{Session, Step};
/// # #[allow(clippy::disallowed_methods)]
/// # let now = std::time::Instant::now();
/// let mut session = Client::new_over_tls(Config::new(), Default::default());
/// let stat = session.send(Command::Stat)?;
/// let mut input = BytesMut::from(&b"+OK ready\r\n"[..]);
/// assert!(matches!(session.poll_event(now, &mut input)?, Step::Event(Event::Greeting(_))));
/// assert_eq!(session.poll_transmit().unwrap(), "STAT\r\n");
/// input.extend_from_slice(b"+OK 2 320\r\n");
/// match session.poll_event(now, &mut input)? {
///     Step::Event(Event::Reply(id, Reply::Stat(listing))) => assert_eq!((id, listing.octets), (stat, 320)),
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Client {
    config: Config,
    state: State,
    decoder: ResponseDecoder,
    output: Output,
    timers: Timers<2>,
    /// Sent and not yet answered whole, oldest first.
    in_flight: VecDeque<(CommandId, Command)>,
    /// Not yet sent.
    waiting: VecDeque<(CommandId, Command)>,
    next_id: u64,
    rows: Rows,
    pipelining: bool,
    /// STLS or QUIT was given: nothing may follow.
    last: Option<NotNowReason>,
    tls: Option<TlsInfo>,
    eof: bool,
    failed: Option<Error>,
    /// Octets of the present answer since its deadline was set.
    progress: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Greeting,
    Ready,
    Handshake,
    Closed,
}

/// What has come of a response of several lines.
#[derive(Debug, Default)]
struct Rows {
    scan: Vec<ScanListing>,
    unique_ids: Vec<UniqueIdListing>,
    capabilities: Capabilities,
    malformed: Option<ParseError>,
    /// How many lines have come, good or not.
    lines: usize,
}

impl Rows {
    fn push(&mut self, command: &Command, line: &[u8]) {
        self.lines += 1;
        let parsed = match command {
            Command::List(_) => ScanListing::parse(line).map(|row| self.scan.push(row)),
            Command::Uidl(_) => UniqueIdListing::parse(line).map(|row| self.unique_ids.push(row)),
            _ => Capability::parse(line).map(|row| self.capabilities.push(row)),
        };
        if let Err(error) = parsed {
            self.malformed.get_or_insert(error);
        }
    }
}

impl Client {
    /// A session on a transport without TLS.
    pub fn new(config: Config) -> Self {
        Self::begin(config, None)
    }

    /// A session on a transport that is under TLS from its first octet (port 995, RFC 8314 section 3.2).
    pub fn new_over_tls(config: Config, tls: TlsInfo) -> Self {
        Self::begin(config, Some(tls))
    }

    fn begin(config: Config, tls: Option<TlsInfo>) -> Self {
        let mut decoder = ResponseDecoder::new(config.max_line);
        decoder.bare_newline(config.bare_newline);
        Self {
            state: State::Greeting,
            decoder,
            output: Output::new(usize::MAX),
            timers: Timers::new(),
            in_flight: VecDeque::new(),
            waiting: VecDeque::new(),
            next_id: 0,
            rows: Rows::default(),
            pipelining: false,
            last: None,
            tls,
            eof: false,
            failed: None,
            progress: 0,
            config,
        }
    }

    /// Sends `command`, now or as soon as it may be sent. Its answer carries the same [`CommandId`].
    ///
    /// STLS waits until all before it is answered, and nothing can be given behind it until TLS is there.
    ///
    /// # Errors
    ///
    /// It cannot be sent: here it is, and why.
    pub fn send(&mut self, command: Command) -> Result<CommandId, NotNow> {
        let reason = match command {
            _ if self.state == State::Closed => Some(NotNowReason::Closing),
            _ if self.last.is_some() => self.last,
            _ if self.waiting.len() >= self.config.max_waiting.max(1) => Some(NotNowReason::TooMany),
            Command::Stls if self.tls.is_some() => Some(NotNowReason::HasTls),
            Command::User(_) | Command::Pass(_) if self.tls.is_none() && !self.config.login_without_tls => {
                Some(NotNowReason::NeedsTls)
            }
            _ => None,
        };
        if let Some(reason) = reason {
            return Err(NotNow { command, reason });
        }
        self.last = match command {
            Command::Stls => Some(NotNowReason::StartingTls),
            Command::Quit => Some(NotNowReason::Closing),
            _ => None,
        };
        let id = CommandId(self.next_id);
        self.next_id += 1;
        self.waiting.push_back((id, command));
        self.pump();
        Ok(id)
    }

    /// The transport is under TLS now: call it after [`Event::StartTls`], once the handshake is done. What the server said before is
    /// forgotten: ask for its capabilities again (RFC 2595 section 4). At any other time it does nothing.
    pub fn tls_established(&mut self, tls: TlsInfo) {
        if self.state == State::Handshake {
            self.timers.stop(HANDSHAKE);
            self.decoder.reset();
            self.pipelining = false;
            self.last = None;
            self.tls = Some(tls);
            self.state = State::Ready;
        }
    }

    /// What is known of the TLS connection; `None`: there is none.
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.tls.as_ref()
    }

    /// How many commands are not yet answered.
    pub fn outstanding(&self) -> usize {
        self.in_flight.len() + self.waiting.len()
    }

    /// Sends what may be sent.
    fn pump(&mut self) {
        if self.state != State::Ready {
            return;
        }
        let most = if self.pipelining { self.config.max_in_flight.max(1) } else { 1 };
        while let Some((_, command)) = self.waiting.front() {
            let alone = matches!(command, Command::Stls);
            if self.in_flight.len() >= most || (alone && !self.in_flight.is_empty()) {
                return;
            }
            let Some((id, command)) = self.waiting.pop_front() else { return };
            let mut line = BytesMut::new();
            command.encode(&mut line);
            self.output.text(&line);
            if self.in_flight.is_empty() {
                self.decoder.announce(Shape::of(&command));
            }
            self.in_flight.push_back((id, command));
        }
    }

    fn fail(&mut self, error: impl Into<Error>) {
        self.failed.get_or_insert_with(|| error.into());
        self.close();
    }

    fn close(&mut self) {
        self.state = State::Closed;
        self.in_flight.clear();
        self.waiting.clear();
        self.timers.stop_all();
    }

    /// The present command is answered whole.
    fn answered(&mut self) {
        self.timers.stop(RESPONSE);
        self.in_flight.pop_front();
        if let Some((_, next)) = self.in_flight.front() {
            self.decoder.announce(Shape::of(next));
        }
        self.pump();
    }

    fn part(&mut self, part: ResponsePart, behind: usize) -> Option<Event> {
        let Some((id, command)) = self.in_flight.front() else {
            return self.unasked(part);
        };
        let id = *id;
        match part {
            ResponsePart::Status(line) => self.status(line, behind),
            ResponsePart::Line(line) => {
                let limit = match command {
                    Command::Capa => self.config.max_rows.min(MOST_CAPABILITIES),
                    _ => self.config.max_rows,
                };
                if self.rows.lines >= limit {
                    self.fail(LimitReached::Rows { limit });
                } else {
                    self.rows.push(command, &line);
                }
                None
            }
            ResponsePart::Chunk(chunk) => Some(Event::Body(id, chunk)),
            ResponsePart::End(faults) => {
                let rows = mem::take(&mut self.rows);
                let event = match (rows.malformed, command) {
                    (_, Command::Retr(_) | Command::Top { .. }) => Event::BodyEnd(id, faults),
                    (Some(error), _) => Event::Reply(id, Reply::Malformed(error)),
                    (None, Command::List(_)) => Event::Reply(id, Reply::List(rows.scan)),
                    (None, Command::Uidl(_)) => Event::Reply(id, Reply::Uidl(rows.unique_ids)),
                    (None, _) => {
                        self.pipelining =
                            self.config.pipelining && rows.capabilities.has(&Capability::Pipelining);
                        Event::Reply(id, Reply::Capa(rows.capabilities))
                    }
                };
                self.answered();
                Some(event)
            }
        }
    }

    /// A status line answers the present command, and is all of its answer unless the decoder says that more follows.
    fn status(&mut self, line: StatusLine, behind: usize) -> Option<Event> {
        let (id, command) = self.in_flight.front()?;
        let id = *id;
        if !line.is_ok() {
            match command {
                Command::Stls => self.last = None,
                Command::Quit => self.state = State::Closed,
                _ => {}
            }
            self.answered();
            return Some(Event::Reply(id, Reply::Err(line)));
        }
        let text = line.text().as_bytes();
        let reply = match command {
            Command::Retr(_) | Command::Top { .. } => return Some(Event::Reply(id, Reply::Ok(line))),
            Command::List(None) | Command::Uidl(None) | Command::Capa => return None,
            Command::Stls if behind > 0 => {
                self.fail(PeerMisbehaved::InjectedBeforeTls { octets: behind });
                return None;
            }
            Command::Stls => {
                self.answered();
                self.state = State::Handshake;
                return Some(Event::StartTls(id));
            }
            Command::Stat => DropListing::parse(text).map(Reply::Stat),
            Command::List(Some(_)) => ScanListing::parse(text).map(|row| Reply::List(vec![row])),
            Command::Uidl(Some(_)) => UniqueIdListing::parse(text).map(|row| Reply::Uidl(vec![row])),
            Command::Quit => {
                self.state = State::Closed;
                Ok(Reply::Ok(line))
            }
            Command::User(_) | Command::Pass(_) | Command::Dele(_) | Command::Rset | Command::Noop => {
                Ok(Reply::Ok(line))
            }
        };
        self.answered();
        Some(Event::Reply(id, reply.unwrap_or_else(Reply::Malformed)))
    }

    /// The greeting, or a word that nobody asked for.
    fn unasked(&mut self, part: ResponsePart) -> Option<Event> {
        match (part, self.state) {
            (ResponsePart::Status(line), _) if !line.is_ok() => {
                self.close();
                Some(Event::Farewell(line))
            }
            (ResponsePart::Status(line), State::Greeting) => {
                self.timers.stop(RESPONSE);
                self.state = State::Ready;
                self.pump();
                Greeting::new(line).map(Event::Greeting)
            }
            _ => {
                self.fail(PeerMisbehaved::Unsolicited);
                None
            }
        }
    }

    /// Lets the clock of the server run, anew if enough octets of its answer have come.
    fn run_response_clock(&mut self, now: Instant) {
        let at = deadline(now, self.config.response_timeout);
        if self.in_flight.is_empty() && self.state == State::Ready {
            self.timers.stop(RESPONSE);
        } else if self.progress >= PROGRESS {
            self.progress = 0;
            self.timers.set(RESPONSE, at);
        } else {
            if !self.timers.is_running(RESPONSE) {
                self.progress = 0;
            }
            self.timers.start(RESPONSE, at);
        }
    }
}

impl Session for Client {
    type Event = Event;
    type Error = Error;

    fn poll_event(&mut self, now: Instant, input: &mut BytesMut) -> Result<Step<Event>, Error> {
        loop {
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            match self.state {
                State::Closed => return Ok(Step::Closed),
                State::Handshake if !input.is_empty() => {
                    self.fail(PeerMisbehaved::InjectedBeforeTls { octets: input.len() });
                    continue;
                }
                State::Handshake if self.eof => {
                    self.fail(PeerMisbehaved::ConnectionLost);
                    continue;
                }
                State::Handshake => {
                    self.timers.start(HANDSHAKE, deadline(now, self.config.handshake_timeout));
                    return Ok(Step::Paused);
                }
                State::Greeting | State::Ready => {}
            }
            let before = input.len();
            let part = self.decoder.next(input);
            // Also what is not handed out, of a message with faults.
            self.progress += (before - input.len()) as u64;
            match part {
                Err(error) => self.fail(PeerMisbehaved::Malformed(error)),
                Ok(Some(part)) => {
                    if let Some(event) = self.part(part, input.len()) {
                        return Ok(Step::Event(event));
                    }
                }
                Ok(None) if self.eof => {
                    if self.outstanding() > 0 || self.state == State::Greeting {
                        self.fail(PeerMisbehaved::ConnectionLost);
                    } else {
                        self.close();
                    }
                }
                Ok(None) => {
                    self.run_response_clock(now);
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
        if self.timers.expired(now).is_some() {
            self.fail(PeerMisbehaved::TimedOut);
        }
    }

    fn handle_eof(&mut self) {
        self.eof = true;
    }
}
