//! The whole state machine (RFC 9051 section 3).
//!
//! ```text
//!                    ┌──────────────────────┐
//!                    │connection established│
//!                    └──────────┬───────────┘
//!                            greeting
//!                               ▼
//!        ┌────────────► not authenticated ◄── STARTTLS, OK, TLS: everything is forgotten
//!        │                      │
//!        │             LOGIN or AUTHENTICATE, OK
//!        │                      ▼
//!        │              authenticated ◄───────────────┐
//!        │                      │                     │
//!        │            SELECT or EXAMINE, OK   CLOSE, UNSELECT, or SELECT that fails
//!        │                      ▼                     │
//!        │                  selected ─────────────────┘
//!        │                      │
//!        └── any: LOGOUT, BYE, end of input, error ──► closed
//! ```
//!
//! Beside the state there is the mode of the input: commands, a response of SASL, IDLE, a message of APPEND, or nothing at all
//! while TLS begins.

use super::append::{Append, AppendFinish};
use super::error::{Error, Limit, PeerFault};
use super::event::{BadCommand, Event};
use super::{BLOCK, COMMAND, HANDSHAKE};
use super::{Mode, Running, Server, State};
use crate::codec::{Frame, FrameLimits, LiteralHeader, Refusal, Verdict};
use crate::command::{AppendHead, AppendMessage, Class, Command, CommandBody, CommandError};
use crate::response::{No, ResponseCode, Status};
use crate::types::{MailboxName, Tag};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use postroad_core::{ParseError, ParseErrorKind, Secret, Step, deadline};
use std::time::Instant;

/// A command that is parsed and waits for its turn.
#[derive(Debug)]
pub(super) enum Held {
    Command(Tag, CommandBody),
    Append(Bytes, LiteralHeader),
}

impl Held {
    fn class(&self) -> Class {
        match self {
            Self::Command(_, body) => body.class(),
            Self::Append(..) => Class::APPEND,
        }
    }
}

type Found = Result<Option<Event>, Error>;

impl Server {
    /// Goes on with what is in `input`; `None`: look again.
    pub(super) fn read(&mut self, now: Instant, input: &mut BytesMut) -> Result<Option<Step<Event>>, Error> {
        // What the session answers by itself must not pile up either.
        if self.output.is_full() || self.aside.len() > self.config.output_high_water {
            return Ok(Some(Step::Paused));
        }
        let event = match core::mem::take(&mut self.mode) {
            Mode::Handshake(handshake) => {
                self.mode = Mode::Handshake(handshake);
                return self.during_handshake(now, input);
            }
            Mode::AppendDecision { .. } if self.eof && self.tickets.outstanding() == 0 => None,
            mode @ Mode::AppendDecision { .. } => {
                self.mode = mode;
                return Ok(Some(Step::Paused));
            }
            Mode::AppendData { running, mailbox, message, left: 0 } => {
                self.timers.stop(BLOCK);
                self.mode = Mode::AppendTail { running, mailbox, message };
                return Ok(None);
            }
            Mode::AppendData { running, mailbox, message, left } => {
                let len = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
                self.mode = Mode::AppendData { running, mailbox, message, left: left - len as u64 };
                if len == 0 {
                    return Ok(self.wait(now, BLOCK));
                }
                self.block += len as u64;
                if self.block >= self.config.timeouts.block_octets {
                    self.block = 0;
                    self.timers.stop(BLOCK);
                }
                Some(Event::AppendData(input.split_to(len).freeze()))
            }
            Mode::AppendTail { running, mailbox, message } => {
                match self.framer.next(input, &self.limits(), |_, _| Verdict::Stream) {
                    Frame::NeedInput => {
                        self.mode = Mode::AppendTail { running, mailbox, message };
                        return Ok(self.wait(now, COMMAND));
                    }
                    Frame::Stream { head, literal } => {
                        self.timers.stop(COMMAND);
                        self.behind_message(running, mailbox, &message, &head, Some(literal))?
                    }
                    Frame::Whole(rest) => {
                        self.timers.stop(COMMAND);
                        self.behind_message(running, mailbox, &message, &rest, None)?
                    }
                    Frame::Refused { .. } => {
                        self.timers.stop(COMMAND);
                        self.append_fault(&running)?
                    }
                    Frame::Continue => None,
                }
            }
            Mode::Sasl(running) => match self.framer.next(input, &self.limits(), |_, _| Verdict::Text) {
                Frame::NeedInput => {
                    self.mode = Mode::Sasl(running);
                    return Ok(self.wait(now, COMMAND));
                }
                Frame::Whole(line) => {
                    self.timers.stop(COMMAND);
                    self.sasl_response(running, &line)?
                }
                _ => {
                    self.timers.stop(COMMAND);
                    let error = ParseError::new(ParseErrorKind::Expected("base64"), 0, b"");
                    self.answer_bad(Some(running.tag), BadCommand::Syntax(error), "not a response of SASL")?
                }
            },
            Mode::Idle(tag) => match self.framer.next(input, &self.limits(), |_, _| Verdict::Refuse) {
                Frame::NeedInput => {
                    self.mode = Mode::Idle(tag);
                    return Ok(self.wait(now, COMMAND));
                }
                Frame::Whole(line) if line.eq_ignore_ascii_case(b"DONE") => {
                    self.timers.stop(COMMAND);
                    self.tell(true);
                    self.tagged(&tag, Status::Ok, None, "IDLE completed");
                    Some(Event::Idle(false))
                }
                _ => {
                    self.timers.stop(COMMAND);
                    self.tell(true);
                    self.idle_ended = true;
                    let error = ParseError::new(ParseErrorKind::Expected("DONE"), 0, b"");
                    self.answer_bad(Some(tag), BadCommand::Syntax(error), "expected DONE")?
                }
            },
            Mode::Command => return self.read_command(now, input),
        };
        Ok(event.map(Step::Event))
    }

    /// Waits for input, with the deadline of `kind` running.
    fn wait(&mut self, now: Instant, kind: usize) -> Option<Step<Event>> {
        if self.eof {
            self.close();
            return None;
        }
        let timeouts = &self.config.timeouts;
        let time = match kind {
            BLOCK => timeouts.append_block,
            _ if self.state == State::NotAuthenticated => timeouts.before_login,
            _ => timeouts.idle,
        };
        if kind == BLOCK || self.running.is_empty() {
            self.timers.start(kind, deadline(now, time));
        }
        Some(Step::NeedInput)
    }

    fn during_handshake(&mut self, now: Instant, input: &BytesMut) -> Result<Option<Step<Event>>, Error> {
        if self.is_starting_tls() && !input.is_empty() {
            return Err(self.broken_by(PeerFault::InjectedBeforeTls { octets: input.len() }));
        }
        if self.eof {
            self.close();
            return Ok(None);
        }
        self.timers.start(HANDSHAKE, deadline(now, self.config.timeouts.before_login));
        Ok(Some(Step::Paused))
    }

    fn limits(&self) -> FrameLimits {
        FrameLimits::of(match self.state {
            State::NotAuthenticated => self.config.max_command_before_login,
            _ => self.config.max_command,
        })
    }

    fn read_command(&mut self, now: Instant, input: &mut BytesMut) -> Result<Option<Step<Event>>, Error> {
        if let Some(held) = self.held.take() {
            let class = held.class();
            let is_free = self.running.len() < self.config.max_pending.clamp(1, super::MOST_PENDING);
            if !is_free || !self.running.iter().all(|(_, running)| class.may_join(running.class)) {
                self.held = Some(held);
                return Ok(Some(Step::Paused));
            }
            let event = match held {
                Held::Append(head, literal) => self.first_append(&head, literal)?,
                Held::Command(tag, body) => self.start(tag, body, input.len())?,
            };
            return Ok(event.map(Step::Event));
        }
        // Nothing can start beside a command that runs alone.
        if self.running.iter().any(|(_, running)| running.class.has(Class::ALONE)) {
            return Ok(Some(Step::Paused));
        }
        let takes_messages = self.state != State::NotAuthenticated;
        let policy = |head: &[u8], _: &LiteralHeader| {
            if takes_messages && ends_in_message(head) { Verdict::Stream } else { Verdict::Inline }
        };
        let frame = self.framer.next(input, &self.limits(), policy);
        let event = match frame {
            Frame::NeedInput if self.framer.dropped() > self.config.max_discarded => {
                return Err(self.over(Limit::DiscardedOctets, self.config.max_discarded));
            }
            Frame::NeedInput if self.eof && !self.running.is_empty() => return Ok(Some(Step::Paused)),
            Frame::NeedInput => return Ok(self.wait(now, COMMAND)),
            Frame::Continue => {
                self.line(|text| text.extend_from_slice(b"+ go ahead\r\n"));
                None
            }
            Frame::Stream { head, literal } => {
                self.timers.stop(COMMAND);
                self.held = Some(Held::Append(head, literal));
                None
            }
            Frame::Whole(unit) => {
                self.timers.stop(COMMAND);
                match Command::parse(&unit, &self.parse_options()) {
                    Ok(Command { tag, body }) => {
                        self.held = Some(Held::Command(tag, body));
                        None
                    }
                    Err(CommandError { tag, error }) => {
                        let text = format!("{}", error.kind());
                        self.answer_bad(tag, BadCommand::Syntax(error), &text)?
                    }
                }
            }
            Frame::Refused { head, why } => {
                self.timers.stop(COMMAND);
                self.refused(&head, why)?
            }
        };
        Ok(event.map(Step::Event))
    }

    /// Answers a unit that was not taken.
    fn refused(&mut self, head: &Bytes, why: Refusal) -> Found {
        let tag = tag_of(head);
        match why {
            Refusal::LineTooLong { .. } | Refusal::UnitTooLong { .. } => {
                self.answer_bad_with(tag, BadCommand::TooLong, Some(ResponseCode::TooBig), "command too long")
            }
            Refusal::LiteralTooLong { .. } | Refusal::Literal(_) => {
                self.answer_bad_with(tag, BadCommand::TooLong, Some(ResponseCode::TooBig), "literal too long")
            }
            Refusal::BareLf { .. } | Refusal::BareCr { .. } => {
                self.answer_bad(tag, BadCommand::Forbidden, "lines end in CRLF")
            }
            _ => self.answer_bad(tag, BadCommand::Forbidden, "NUL is not allowed here"),
        }
    }

    // ---- SASL ----

    fn sasl_response(&mut self, running: Running, line: &[u8]) -> Found {
        if line == b"*" {
            let tag = running.tag;
            self.tagged(&tag, Status::Bad, None, "AUTHENTICATE cancelled");
            self.count_error(true)?;
            return Ok(Some(Event::SaslCancelled));
        }
        if let Ok(response) = STANDARD.decode(line) {
            let response = Secret::new(response);
            return Ok(
                self.ask(running, |ticket| Event::SaslResponse(super::SaslResponse { ticket, response }))
            );
        }
        let error = ParseError::new(ParseErrorKind::Expected("base64"), 0, b"");
        self.answer_bad(Some(running.tag), BadCommand::Syntax(error), "not base64")
    }

    // ---- APPEND ----

    fn first_append(&mut self, head: &Bytes, literal: LiteralHeader) -> Found {
        match AppendHead::parse_first(head, &self.parse_options()) {
            Ok(Some(AppendHead { tag, message, .. })) if message.utf8 && !self.enabled.utf8 => {
                self.skip_message(literal);
                // RFC 6855 section 4
                self.answer_bad(Some(tag), BadCommand::State, "ENABLE UTF8=ACCEPT first")
            }
            Ok(Some(AppendHead { tag, mailbox, message })) => {
                let running = Running { tag, class: Class::APPEND };
                Ok(self.offer(running, mailbox, message, literal, true))
            }
            // Never: such a literal was taken inline.
            Ok(None) => {
                self.skip_message(literal);
                Ok(None)
            }
            Err(CommandError { tag, error }) => {
                self.skip_message(literal);
                self.answer_bad(tag, BadCommand::Syntax(error), "wrong arguments of APPEND")
            }
        }
    }

    /// What stands behind a message: the next one, or the end.
    fn behind_message(
        &mut self,
        running: Running,
        mailbox: MailboxName,
        before: &AppendMessage,
        unit: &Bytes,
        literal: Option<LiteralHeader>,
    ) -> Found {
        match (before.parse_next(unit, &self.parse_options()), literal) {
            (Ok(None), None) => Ok(self.ask(running, |ticket| Event::AppendFinish(AppendFinish { ticket }))),
            (Ok(Some(message)), Some(literal)) if !message.utf8 || self.enabled.utf8 => {
                Ok(self.offer(running, mailbox, message, literal, false))
            }
            (_, literal) => {
                if let Some(literal) = literal {
                    self.skip_message(literal);
                }
                self.append_fault(&running)
            }
        }
    }

    fn offer(
        &mut self,
        running: Running,
        mailbox: MailboxName,
        message: AppendMessage,
        literal: LiteralHeader,
        is_first: bool,
    ) -> Option<Event> {
        let no = if literal.len == 0 {
            Some(No::new(ResponseCode::Cannot, "a message of no octets: APPEND is taken back"))
        } else if literal.len > self.config.max_append {
            Some(No::too_big())
        } else {
            None
        };
        if let Some(no) = no {
            self.skip_message(literal);
            self.tagged(&running.tag, Status::No, no.code, no.text);
            return (!is_first).then_some(Event::AppendAborted);
        }
        self.mode = Mode::AppendDecision { literal, mailbox: mailbox.clone(), message: message.clone() };
        self.ask(running, |ticket| Event::Append(Append { ticket, mailbox, message, is_first }))
    }

    /// The octets of a message that nobody wants: a client that waits for `+` does not send them.
    pub(super) fn skip_message(&mut self, literal: LiteralHeader) {
        if !literal.synchronizing {
            self.framer.skip_literal(literal.len);
        }
    }

    /// What stands behind a message is wrong.
    fn append_fault(&mut self, running: &Running) -> Found {
        self.tagged(&running.tag, Status::Bad, None, "wrong arguments of APPEND");
        self.count_error(false)?;
        Ok(Some(Event::AppendAborted))
    }
}

/// The tag of a unit that was not taken.
fn tag_of(head: &Bytes) -> Option<Tag> {
    let end = memchr::memchr(b' ', head)?;
    Tag::from_bytes(head.slice(..end)).ok()
}

/// Whether the literal at the end of `head` is a message of APPEND, and not the mailbox's name, or of another command.
fn ends_in_message(head: &[u8]) -> bool {
    let Some(space) = memchr::memchr(b' ', head) else { return false };
    let Some((word, arguments)) = head.get(space + 1..).and_then(|rest| rest.split_at_checked(7)) else {
        return false;
    };
    if !word.eq_ignore_ascii_case(b"APPEND ") {
        return false;
    }
    // The name itself may be a literal: then it is the first, and nothing stands before it.
    arguments.first() != Some(&b'{') || memchr::memchr(b'\n', arguments).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_and_the_name() {
        for head in
            ["a APPEND INBOX {5}", "a append {5}\r\nINBOX {7+}", "a APPEND \"x y\" (\\Seen) \"date\" ~{5}"]
        {
            assert!(ends_in_message(head.as_bytes()), "{head}");
        }
        for head in ["a APPEND {5}", "a LOGIN {5}", "{5}", "a APPENDX {5}", "a SEARCH TEXT {4}"] {
            assert!(!ends_in_message(head.as_bytes()), "{head}");
        }
    }
}
