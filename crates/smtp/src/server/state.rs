//! The whole state machine (RFC 5321 section 4.1.4).
//!
//! ```text
//!              EHLO, HELO           MAIL            RCPT             DATA, 354
//!   Connected ───────────► Ready ─────────► Mail ─────────► Rcpt ─────────────► Body
//!       ▲                  ▲ │ ▲              │               │ ▲ RCPT            │
//!       │         235, 4yz,│ │ └──────────────┴───────────────┘                   │
//!       │         5yz      │ │  AUTH, 334        RSET, EHLO, HELO                 │
//!       │                  │ ├──────► Auth                                        │
//!       │                  └─┼─────────┘                      CRLF.CRLF, 2yz to 5yz │
//!       │                  ▲ │                                                    │
//!       │                  └─┼────────────────────────────────────────────────────┘
//!       │                    │ STARTTLS, 220
//!       └──── Handshake ◄────┘                  any: QUIT, 421, end of input ─► Closed
//!  tls_established
//! ```
//!
//! While a token is out the state stands still; the answer moves it.

use super::body::Body;
use super::event::{CloseReason, Event};
use super::request::{Auth, AuthResponse, Data, Hello, Mail, Rcpt, StartTls};
use super::{COMMAND, DATA, DECISION, Server, replies};
use crate::codec::Item;
use crate::command::{AuthCommand, AuthResponseLine, Command, MailCommand, RcptCommand};
use crate::reply::{EnhancedCode, Rejection, Reply, ReplyCode, ReplyText};
use crate::types::{ClientName, ReversePath};
use crate::{CommandError, Error, Limit, PeerFault};
use base64::{display::Base64Display, engine::general_purpose::STANDARD};
use bytes::BytesMut;
use core::fmt::Write;
use postroad_core::{LineFault, Step, Ticket, deadline};
use std::time::Instant;

/// Where the session stands. See the picture above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Connected,
    Ready,
    Auth,
    Mail,
    Rcpt,
    Body,
    Handshake,
    Closed,
}

/// Which token is out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pending {
    Hello,
    Auth,
    Mail,
    Rcpt,
    Data,
    DataEnd,
    StartTls,
}

/// What the application is to be told of a command, if anything.
type Found = Option<Event>;

impl Server {
    // ---- what the client says ----

    /// Goes on with what is in `input`; `None` when the loop of `poll_event` shall look again.
    pub(super) fn read(&mut self, now: Instant, input: &mut BytesMut) -> Result<Option<Step<Event>>, Error> {
        if self.state == State::Body {
            return self.read_body(now, input);
        }
        if let Some(command) = self.repaired.take() {
            return Ok(self.command(now, *command, input)?.map(Step::Event));
        }
        let Some(item) = self.codec.next(input) else {
            if self.codec.dropped() > self.config.max_dropped_octets {
                self.say(replies::LINE_TOO_LONG);
                return self.fail_limit(Limit::LineOctets, self.config.max_dropped_octets);
            }
            if self.eof {
                self.close(CloseReason::EndOfInput);
                return Ok(None);
            }
            self.timers.start(COMMAND, deadline(now, self.config.timeouts.command));
            return Ok(Some(Step::NeedInput));
        };
        self.timers.stop(COMMAND);
        let event = match item {
            Ok(Item::Command(command, repairs)) if repairs.any() => {
                self.repaired = Some(Box::new(command));
                Some(Event::Repaired(repairs))
            }
            Ok(Item::Command(command, _)) => self.command(now, command, input)?,
            Ok(Item::AuthResponse(line)) => self.auth_response(now, line),
            Ok(Item::Chunk(_) | Item::End(_)) => None,
            Err(error) => self.bad_command(error),
        };
        Ok(event.map(Step::Event))
    }

    fn command(&mut self, now: Instant, command: Command, input: &BytesMut) -> Result<Found, Error> {
        Ok(match command {
            Command::Ehlo(name) => self.hello(now, name, true),
            Command::Helo(name) => self.hello(now, name, false),
            Command::Mail(mail) => self.mail(now, mail),
            Command::Rcpt(rcpt) => self.rcpt(now, rcpt),
            Command::Data => self.data(now),
            Command::Auth(auth) => self.auth(now, auth),
            Command::StartTls => self.starttls(now, input)?,
            Command::Rset => {
                self.say(replies::OK);
                self.end_transaction().then_some(Event::Reset)
            }
            Command::Noop(_) => self.answer(replies::OK),
            Command::Help(_) => self.answer(replies::HELP),
            Command::Vrfy(_) => self.answer(replies::CANNOT_VERIFY),
            Command::Expn(_) => self.fault(replies::NOT_IMPLEMENTED),
            Command::Quit => {
                self.say(replies::QUIT);
                self.close(CloseReason::Quit);
                None
            }
        })
    }

    fn hello(&mut self, now: Instant, name: ClientName, is_extended: bool) -> Found {
        self.ask(now, Pending::Hello, |ticket| Event::Hello(Hello { ticket, name, is_extended }))
    }

    fn mail(&mut self, now: Instant, mut mail: MailCommand) -> Found {
        let given = &mut mail.parameters;
        match self.state {
            State::Ready => self.mail_refused = true, // until it is accepted
            State::Mail | State::Rcpt => return self.fault(replies::NESTED_MAIL),
            _ => return self.fault(replies::HELLO_FIRST),
        }
        if self.config.require_tls && !self.is_tls() {
            return self.refuse(&Rejection::starttls_required());
        }
        if self.config.require_auth && !self.is_authenticated {
            return self.refuse(&Rejection::not_authenticated());
        }
        let not_offered = (!self.is_extended && !given.is_empty())
            || (given.smtp_utf8 && !self.config.smtp_utf8)
            || (given.auth.is_some() && self.config.mechanisms.is_empty());
        if not_offered {
            return self.fault(replies::PARAMETER_NOT_OFFERED);
        }
        if !mail.reverse_path.is_ascii() && !given.smtp_utf8 {
            return self.fault(replies::NEEDS_SMTP_UTF8);
        }
        if given.size.is_some_and(|size| size > self.config.max_message_size) {
            self.say_reply(Rejection::too_large().as_reply());
            return None;
        }
        if given.auth.is_some() && !self.is_authenticated {
            given.auth = Some(ReversePath::Null);
        }
        self.is_smtp_utf8 = given.smtp_utf8;
        self.ask(now, Pending::Mail, |ticket| Event::Mail(Mail { ticket, command: mail }))
    }

    fn rcpt(&mut self, now: Instant, rcpt: RcptCommand) -> Found {
        match self.state {
            State::Mail | State::Rcpt => {}
            _ => return self.mail_first(),
        }
        if self.recipients >= self.config.max_recipients {
            self.say_reply(Rejection::too_many_recipients().as_reply());
            return None;
        }
        if !rcpt.forward_path.is_ascii() && !self.is_smtp_utf8 {
            return self.fault(replies::NEEDS_SMTP_UTF8);
        }
        self.ask(now, Pending::Rcpt, |ticket| Event::Rcpt(Rcpt { ticket, command: rcpt }))
    }

    fn data(&mut self, now: Instant) -> Found {
        match self.state {
            State::Rcpt => self.ask(now, Pending::Data, |ticket| Event::Data(Data { ticket })),
            // Not an error of the client's: a pipelining one says DATA before it knows that no recipient was accepted.
            State::Mail => self.answer(replies::NO_RECIPIENTS),
            _ => self.mail_first(),
        }
    }

    /// RCPT or DATA without MAIL. A pipelining client that was refused at MAIL has made no error: it had sent the others already.
    fn mail_first(&mut self) -> Found {
        if self.mail_refused { self.answer(replies::MAIL_FIRST) } else { self.fault(replies::MAIL_FIRST) }
    }

    fn auth(&mut self, now: Instant, auth: AuthCommand) -> Found {
        if self.config.mechanisms.is_empty() {
            return self.fault(replies::NOT_IMPLEMENTED);
        }
        match self.state {
            _ if self.is_authenticated => return self.fault(replies::ALREADY_AUTHENTICATED),
            State::Mail | State::Rcpt => return self.fault(replies::IN_TRANSACTION),
            State::Ready if self.is_extended => {}
            _ => return self.fault(replies::HELLO_FIRST),
        }
        if !self.offers_auth() {
            return self.fault(replies::ENCRYPTION_REQUIRED);
        }
        if !self.config.mechanisms.contains(&auth.mechanism) {
            return self.fault(replies::MECHANISM_UNKNOWN);
        }
        self.ask(now, Pending::Auth, |ticket| Event::Auth(Auth { ticket, command: auth }))
    }

    fn auth_response(&mut self, now: Instant, line: AuthResponseLine) -> Found {
        match line {
            AuthResponseLine::Response(response) => {
                self.ask(now, Pending::Auth, |ticket| Event::AuthResponse(AuthResponse { ticket, response }))
            }
            AuthResponseLine::Cancel => {
                self.state = State::Ready;
                self.fault(replies::CANCELLED);
                Some(Event::AuthCancelled)
            }
        }
    }

    fn starttls(&mut self, now: Instant, input: &BytesMut) -> Result<Found, Error> {
        match self.state {
            _ if self.is_tls() => return Ok(self.fault(replies::ALREADY_TLS)),
            _ if !self.config.starttls => return Ok(self.fault(replies::NOT_IMPLEMENTED)),
            State::Mail | State::Rcpt => return Ok(self.fault(replies::IN_TRANSACTION)),
            State::Ready if self.is_extended => {}
            _ => return Ok(self.fault(replies::HELLO_FIRST)),
        }
        self.refuse_injected(input)?;
        Ok(self.ask(now, Pending::StartTls, |ticket| Event::StartTls(StartTls { ticket })))
    }

    /// Nothing may come in the clear behind STARTTLS (see [`crate::manual::starttls`]).
    pub(super) fn refuse_injected(&mut self, input: &BytesMut) -> Result<(), Error> {
        if input.is_empty() {
            return Ok(());
        }
        // Behind our 220 the client expects TLS, and would not understand a word.
        if self.state != State::Handshake {
            self.say(replies::INJECTED);
        }
        self.close(CloseReason::Failed);
        Err(PeerFault::InjectedBeforeTls { octets: input.len() }.into())
    }

    fn bad_command(&mut self, error: CommandError) -> Found {
        if self.state != State::Auth {
            return self.refuse_with(&error.reply());
        }
        self.state = State::Ready;
        match error {
            CommandError::Line(LineFault::TooLong { .. }) => self.refuse_with(&error.reply()),
            _ => self.fault(replies::NO_BASE64),
        };
        Some(Event::AuthCancelled)
    }

    // ---- what the application answers ----

    /// Gives a token that is out; the session waits for its answer.
    pub(super) fn ask(
        &mut self,
        now: Instant,
        pending: Pending,
        event: impl FnOnce(Ticket) -> Event,
    ) -> Option<Event> {
        let Some(ticket) = self.tickets.issue() else {
            self.say(replies::DROPPED);
            return None;
        };
        self.pending = Some(pending);
        self.timers.set(DECISION, deadline(now, self.config.timeouts.decision));
        Some(event(ticket))
    }

    /// Takes a token back; whether it was the one that is out.
    pub(super) fn settle(&mut self, ticket: Ticket) -> bool {
        let ours = self.tickets.settle(ticket).is_some();
        if ours {
            self.pending = None;
            self.timers.stop(DECISION);
        }
        ours
    }

    /// Answers tokens that were dropped.
    pub(super) fn reap(&mut self) {
        while self.tickets.reap().is_some() {
            self.timers.stop(DECISION);
            match self.pending.take() {
                Some(Pending::Hello) => {
                    self.say(replies::FAILED);
                    self.close(CloseReason::Unanswered);
                }
                Some(Pending::Auth) => {
                    self.state = State::Ready;
                    self.say_reply(Rejection::authentication_unavailable().as_reply());
                }
                Some(Pending::StartTls) => self.say_reply(Rejection::tls_unavailable().as_reply()),
                Some(Pending::DataEnd) => {
                    self.say(replies::DROPPED);
                    self.end_transaction();
                }
                Some(Pending::Mail | Pending::Rcpt | Pending::Data) => self.say(replies::DROPPED),
                None => {}
            }
        }
    }

    pub(super) fn accept(&mut self, ticket: Ticket, words: super::Words, state: State) {
        if self.settle(ticket) {
            self.say(words);
            self.state = state;
        }
    }

    pub(super) fn reject(&mut self, ticket: Ticket, rejection: Rejection) {
        if self.settle(ticket) {
            self.say_reply(&rejection.into_reply());
        }
    }

    pub(super) fn greet(&mut self, is_extended: bool) {
        self.is_extended = is_extended;
        self.tell_reset = self.end_transaction();
        self.state = State::Ready;
        let reply = if is_extended {
            Reply::from_lines(ReplyCode::OK, None, self.extensions())
        } else {
            Reply::new(ReplyCode::OK, None, self.config.hostname.to_string())
        };
        self.say_reply(&reply);
    }

    fn extensions(&self) -> Vec<ReplyText> {
        let config = &self.config;
        let mut lines = vec![
            ReplyText::new(config.hostname.to_string()),
            ReplyText::new("PIPELINING"),
            ReplyText::new("8BITMIME"),
            ReplyText::new(format!("SIZE {}", config.max_message_size)),
            ReplyText::new("ENHANCEDSTATUSCODES"),
            ReplyText::new("HELP"),
        ];
        if config.smtp_utf8 {
            lines.push(ReplyText::new("SMTPUTF8"));
        }
        if config.starttls && !self.is_tls() {
            lines.push(ReplyText::new("STARTTLS"));
        }
        if self.offers_auth() && !self.is_authenticated {
            let mut line = String::from("AUTH");
            for mechanism in &config.mechanisms {
                line.push(' ');
                line.push_str(mechanism.as_str());
            }
            lines.push(ReplyText::new(line));
        }
        lines
    }

    fn offers_auth(&self) -> bool {
        let secure = self.is_tls() || (self.config.allow_plaintext_auth && !self.config.require_tls);
        secure && !self.config.mechanisms.is_empty()
    }

    pub(super) fn challenge(&mut self, ticket: Ticket, challenge: &[u8]) {
        if self.settle(ticket) {
            self.state = State::Auth;
            self.codec.expect_auth_response();
            // Writing to the output cannot fail.
            let _ = write!(self.output, "334 {}\r\n", Base64Display::new(challenge, &STANDARD));
        }
    }

    pub(super) fn authenticate(&mut self, ticket: Ticket) {
        if self.settle(ticket) {
            self.is_authenticated = true;
            self.state = State::Ready;
            self.say(replies::AUTHENTICATED);
        }
    }

    pub(super) fn reject_authentication(&mut self, ticket: Ticket, rejection: Rejection) {
        if self.settle(ticket) {
            self.state = State::Ready;
            self.say_reply(&rejection.into_reply());
            self.errors += 1;
        }
    }

    pub(super) fn accept_recipient(&mut self, ticket: Ticket) {
        if self.settle(ticket) {
            self.recipients += 1;
            self.state = State::Rcpt;
            self.say(replies::RCPT_OK);
        }
    }

    pub(super) fn accept_data(&mut self, ticket: Ticket) {
        if self.settle(ticket) {
            self.state = State::Body;
            self.body = Body::new(self.config.timeouts.data_block);
            self.codec.expect_data(self.config.bare_newline);
            self.say(replies::SEND_DATA);
        }
    }

    pub(super) fn accept_message(&mut self, ticket: Ticket, text: ReplyText) {
        if self.settle(ticket) {
            let enhanced = Some(EnhancedCode::success(0, 0));
            self.say_reply(&Reply::from_lines(ReplyCode::OK, enhanced, [text]));
            self.end_transaction();
        }
    }

    pub(super) fn reject_message(&mut self, ticket: Ticket, rejection: Rejection) {
        if self.settle(ticket) {
            self.say_reply(&rejection.into_reply());
            self.end_transaction();
        }
    }

    // ---- helpers ----

    /// Back to the state after EHLO; whether there was a transaction.
    pub(super) fn end_transaction(&mut self) -> bool {
        let was = matches!(self.state, State::Mail | State::Rcpt | State::Body);
        if was {
            self.state = State::Ready;
        }
        self.recipients = 0;
        self.is_smtp_utf8 = false;
        self.mail_refused = false;
        self.timers.stop(DATA);
        was
    }

    pub(super) fn say(&mut self, words: super::Words) {
        self.say_reply(&replies::reply(words));
    }

    pub(super) fn say_reply(&mut self, reply: &Reply) {
        // Writing to the output cannot fail.
        let _ = reply.encode(&mut self.output);
    }

    fn answer(&mut self, words: super::Words) -> Found {
        self.say(words);
        None
    }

    /// Answers what was wrong, and counts it.
    fn fault(&mut self, words: super::Words) -> Found {
        self.refuse_with(&replies::reply(words))
    }

    fn refuse(&mut self, rejection: &Rejection) -> Found {
        self.refuse_with(rejection.as_reply())
    }

    fn refuse_with(&mut self, reply: &Reply) -> Found {
        self.say_reply(reply);
        self.errors += 1;
        None
    }

    /// Says goodbye to a client that has made too many errors.
    pub(super) fn check_errors(&mut self) -> Result<(), Error> {
        if self.errors < self.config.max_errors.max(1) {
            return Ok(());
        }
        self.say(replies::TOO_MANY_ERRORS);
        self.fail_limit(Limit::Errors, u64::from(self.config.max_errors))
    }

    pub(super) fn fail_limit<T>(&mut self, what: Limit, limit: u64) -> Result<T, Error> {
        self.close(CloseReason::Failed);
        Err(Error::Limit { what, limit })
    }

    pub(super) fn close(&mut self, reason: CloseReason) {
        self.state = State::Closed;
        self.close_reason.get_or_insert(reason);
        self.pending = None;
        self.tickets.void_all();
        self.timers.stop_all();
        self.repaired = None;
        self.tell_reset = false;
        self.codec.reset();
    }
}
