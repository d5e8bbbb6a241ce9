//! The server's end: a [`Server`] for each connection.
//!
//! It reads commands, keeps their order, the limits and the deadlines, and asks the application by tokens: may this client speak, may this
//! sender begin, is there such a recipient, is the message accepted. What needs no decision it answers by itself.

mod body;
mod config;
mod event;
mod replies;
mod request;
#[cfg(feature = "sasl")]
pub mod sasl;
mod state;

pub use config::{Config, Timeouts};
pub use event::{AbortReason, CloseReason, Event, Phase};
pub use request::{Auth, AuthResponse, Data, DataEnd, Hello, Mail, Rcpt, StartTls};

use crate::codec::CommandCodec;
use crate::command::Command;
use crate::reply::{EnhancedCode, Reply, ReplyCode};
use crate::types::TlsInfo;
use crate::{ApiMisuse, Error};
use body::Body;
use bytes::{Bytes, BytesMut};
use postroad_core::{Output, Session, Step, Tickets, Timers, deadline};
use state::{Pending, State};
use std::sync::Arc;
use std::time::Instant;

type Words = (ReplyCode, Option<EnhancedCode>, &'static str);

/// The deadlines, see [`Timeouts`]. One runs at a time.
const COMMAND: usize = 0;
const DATA: usize = 1;
const DECISION: usize = 2;

/// One connection of an SMTP server.
///
/// It does no I/O; see [`Session`] for how to drive it, and the [crate] for a loop that does.
///
/// ```
/// use postroad_smtp::server::{Config, Event, Server};
/// use postroad_smtp::{Domain, Session, Step};
/// use bytes::BytesMut;
/// use std::{sync::Arc, time::Instant};
///
/// # #[allow(clippy::disallowed_methods)]
/// let now = Instant::now();
/// let config = Arc::new(Config::new(Domain::parse("foo.com")?));
/// let mut server = Server::new(config, now);
/// assert_eq!(server.poll_transmit().unwrap(), "220 foo.com ESMTP\r\n");
///
/// let mut input = BytesMut::from("HELO bar.com\r\n");
/// let Step::Event(Event::Hello(hello)) = server.poll_event(now, &mut input)? else { panic!() };
/// assert_eq!(hello.name().as_str(), "bar.com");
/// hello.accept(&mut server);
/// assert_eq!(server.poll_transmit().unwrap(), "250 foo.com\r\n");
/// assert!(matches!(server.poll_event(now, &mut input)?, Step::NeedInput));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Server {
    config: Arc<Config>,
    codec: CommandCodec,
    output: Output,
    timers: Timers<3>,
    tickets: Tickets,
    pending: Option<Pending>,
    state: State,
    /// EHLO was said, not HELO.
    is_extended: bool,
    is_authenticated: bool,
    /// The transaction may use non-ASCII addresses.
    is_smtp_utf8: bool,
    /// MAIL was refused, or not yet accepted, since the last transaction.
    mail_refused: bool,
    tls: Option<Box<TlsInfo>>,
    recipients: u32,
    errors: u32,
    body: Body,
    /// A command that was repaired, and waits until that is told.
    repaired: Option<Box<Command>>,
    tell_reset: bool,
    leaving: bool,
    eof: bool,
    close_reason: Option<CloseReason>,
}

impl Server {
    /// A session in the clear. The greeting is in [`poll_transmit`](Session::poll_transmit) at once.
    pub fn new(config: Arc<Config>, now: Instant) -> Self {
        let codec = CommandCodec::with(config.lenience, config.max_command_line, config.max_auth_line);
        let mut timers = Timers::new();
        timers.set(COMMAND, deadline(now, config.timeouts.command));
        let mut server = Self {
            codec,
            output: Output::new(config.output_high_water),
            timers,
            tickets: Tickets::new(),
            pending: None,
            state: State::Connected,
            is_extended: false,
            is_authenticated: false,
            is_smtp_utf8: false,
            mail_refused: false,
            tls: None,
            recipients: 0,
            errors: 0,
            body: Body::default(),
            repaired: None,
            tell_reset: false,
            leaving: false,
            eof: false,
            close_reason: None,
            config,
        };
        let text = format!("{} {}", server.config.hostname, server.config.greeting.as_str());
        server.say_reply(&Reply::new(ReplyCode::READY, None, text));
        server
    }

    /// A session within TLS from the beginning: port 465 (RFC 8314).
    pub fn new_over_tls(config: Arc<Config>, info: TlsInfo, now: Instant) -> Self {
        let mut server = Self::new(config, now);
        server.tls = Some(Box::new(info));
        server
    }

    /// The TLS handshake after STARTTLS is done: forgets everything that was said in the clear (RFC 3207 section 4.2).
    ///
    /// The input buffer must be empty: octets that were in it before the handshake would be taken for octets within TLS.
    ///
    /// # Errors
    ///
    /// [`ApiMisuse::NoHandshake`], if no [`StartTls`] was accepted. Nothing has changed then.
    pub fn tls_established(&mut self, info: TlsInfo) -> Result<(), Error> {
        if self.state != State::Handshake {
            return Err(ApiMisuse::NoHandshake.into());
        }
        self.state = State::Connected;
        self.tls = Some(Box::new(info));
        self.is_extended = false;
        self.is_authenticated = false;
        self.mail_refused = false;
        self.codec.reset();
        self.timers.stop_all();
        Ok(())
    }

    /// Ends the session with 421 as soon as nothing is left half done: a token that is out may still be answered, a message that has
    /// begun may still come. Whoever cannot wait closes the transport.
    pub fn goodbye(&mut self) {
        self.leaving = true;
    }

    /// Whether the session is within TLS.
    pub fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// What is known of the TLS connection.
    pub fn tls_info(&self) -> Option<&TlsInfo> {
        self.tls.as_deref()
    }

    /// Whether an AUTH was accepted.
    pub fn is_authenticated(&self) -> bool {
        self.is_authenticated
    }

    /// Whether the client said EHLO, not HELO.
    pub fn is_extended(&self) -> bool {
        self.is_extended
    }

    /// How many recipients of the present transaction were accepted.
    pub fn recipients(&self) -> u32 {
        self.recipients
    }

    /// Whether the transport is to be upgraded to TLS now: 220 was said to STARTTLS.
    pub fn wants_tls(&self) -> bool {
        self.state == State::Handshake
    }

    /// Why the session is over, once it is.
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.close_reason
    }

    /// What it was made with.
    pub fn config(&self) -> &Arc<Config> {
        &self.config
    }
}

impl Session for Server {
    type Event = Event;
    type Error = Error;

    fn poll_event(&mut self, now: Instant, input: &mut BytesMut) -> Result<Step<Event>, Error> {
        self.reap();
        loop {
            if self.state == State::Closed {
                return Ok(Step::Closed);
            }
            if self.tell_reset {
                self.tell_reset = false;
                return Ok(Step::Event(Event::Reset));
            }
            if self.pending == Some(Pending::StartTls) || self.state == State::Handshake {
                self.refuse_injected(input)?;
            }
            if self.pending.is_some() {
                return Ok(Step::Paused);
            }
            if self.state == State::Handshake {
                if self.eof {
                    self.close(CloseReason::EndOfInput);
                    continue;
                }
                self.timers.start(COMMAND, deadline(now, self.config.timeouts.command));
                return Ok(Step::Paused);
            }
            self.check_errors()?;
            if self.leaving && self.state != State::Body {
                self.say(replies::GOODBYE);
                self.close(CloseReason::Goodbye);
                continue;
            }
            if self.output.is_full() {
                return Ok(Step::Paused);
            }
            if let Some(step) = self.read(now, input)? {
                return Ok(step);
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
        let Some(kind) = self.timers.expired(now) else { return };
        let phase = match kind {
            DATA => Phase::Data,
            DECISION => Phase::Decision,
            _ if self.state == State::Handshake => Phase::Handshake,
            _ => Phase::Command,
        };
        match phase {
            Phase::Handshake => {} // the client expects TLS, and would not understand a word
            Phase::Decision => self.say(replies::FAILED),
            Phase::Command | Phase::Data => self.say(replies::TIMED_OUT),
        }
        self.close(CloseReason::TimedOut(phase));
    }

    fn handle_eof(&mut self) {
        self.eof = true;
    }
}
