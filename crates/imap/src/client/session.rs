//! The session's contract: steps, output, deadlines.

use super::kind::Kind;
use super::state::Connection;
use super::waiting::{Exchange, Idling};
use super::{ApiMisuse, Client, Error, Event, Phase, ServerFault};
use crate::command::CommandBody;
use bytes::{Bytes, BytesMut};
use core::time::Duration;
use postroad_core::{Session, Step, deadline};
use std::time::Instant;

/// A deadline is set anew for this many octets of a response.
const PROGRESS: usize = 4096;

/// Which deadline runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clock {
    Greeting,
    Answer,
    Handshake,
    Application,
    Idle,
    KeepAlive(Duration),
    Bye,
}

impl Client {
    fn clock(&self) -> Option<Clock> {
        match self.connection {
            Connection::Closed => return None,
            Connection::Greeting => return Some(Clock::Greeting),
            Connection::Handshake => return Some(Clock::Handshake),
            Connection::Open if self.said_bye => return Some(Clock::Bye),
            Connection::Open => {}
        }
        let owes_octets = self.sending.as_ref().is_some_and(|sending| sending.wanted() > 0);
        if owes_octets || matches!(self.exchange, Exchange::Application) {
            // While there is output, it is the transport that takes time.
            return self.output.is_empty().then_some(Clock::Application);
        }
        let is_idling = self.idle == Some(Idling::Running);
        // A row that has begun is owed its end, asked for or not.
        if self.row.is_some() {
            return Some(Clock::Answer);
        }
        if self.sent.iter().any(|sent| !(is_idling && matches!(sent.kind, Kind::Idle))) {
            return Some(Clock::Answer);
        }
        if is_idling {
            return Some(Clock::Idle);
        }
        self.config.keep_alive.filter(|_| self.authenticated).map(Clock::KeepAlive)
    }

    fn time_of(&self, clock: Clock) -> Duration {
        let timeouts = &self.config.timeouts;
        match clock {
            Clock::Greeting => timeouts.greeting,
            Clock::Answer => timeouts.answer,
            Clock::Handshake => timeouts.handshake,
            Clock::Application => timeouts.application,
            Clock::Idle => timeouts.idle,
            Clock::KeepAlive(time) => time,
            Clock::Bye => timeouts.bye,
        }
    }

    /// Lets the clock run that fits, anew if there was progress.
    fn run_clock(&mut self, now: Instant) {
        let clock = self.clock();
        let is_moved = core::mem::take(&mut self.restart) || self.progress >= PROGRESS;
        if is_moved {
            self.progress = 0;
        }
        match (self.deadline, clock) {
            (_, None) => self.deadline = None,
            // News do not move the others: it is the client's turn to say something in time.
            (Some((_, running)), Some(clock))
                if running == clock && !(is_moved && matches!(clock, Clock::Answer | Clock::Application)) => {
            }
            (_, Some(clock)) => {
                self.progress = 0;
                self.deadline = Some((deadline(now, self.time_of(clock)), clock));
            }
        }
    }

    fn next_step(&mut self, input: &mut BytesMut) -> Result<Step<Event>, Error> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Step::Event(event));
            }
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            match self.connection {
                Connection::Closed => return Ok(Step::Closed),
                Connection::Handshake if !input.is_empty() => {
                    self.fail(ServerFault::InjectedBeforeTls { octets: input.len() });
                }
                Connection::Handshake if self.eof => self.fail(ServerFault::ConnectionLost),
                Connection::Handshake => return Ok(Step::Paused),
                Connection::Greeting | Connection::Open => {
                    if self.receive(input) {
                        continue;
                    }
                    if !self.eof {
                        return Ok(Step::NeedInput);
                    }
                    let owes = self.connection == Connection::Greeting
                        || !self.sent.is_empty()
                        || !self.queue.is_empty()
                        || self.row.is_some()
                        || !input.is_empty();
                    if owes && !self.said_bye {
                        self.fail(ServerFault::ConnectionLost);
                    } else {
                        self.close();
                    }
                }
            }
        }
    }
}

impl Session for Client {
    type Event = Event;
    type Error = Error;

    fn poll_event(&mut self, now: Instant, input: &mut BytesMut) -> Result<Step<Event>, Error> {
        self.progress = self.progress.saturating_add(input.len().saturating_sub(self.seen));
        let step = self.next_step(input);
        self.seen = input.len();
        self.run_clock(now);
        step
    }

    fn poll_transmit(&mut self) -> Option<Bytes> {
        if self.output.is_empty() {
            // Octets that are owed to a refused literal are made as they go out.
            self.pump();
        }
        let octets = self.output.pop()?;
        self.transmitted += octets.len() as u64;
        // Octets of a message that go out are progress.
        self.restart |= self.sending.is_some();
        Some(octets)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.deadline.map(|(at, _)| at)
    }

    fn handle_timeout(&mut self, now: Instant) {
        // What has happened since may have another deadline.
        self.run_clock(now);
        let Some((_, clock)) = self.deadline.filter(|(at, _)| *at <= now) else { return };
        self.deadline = None;
        match clock {
            Clock::Greeting => self.fail(ServerFault::TimedOut(Phase::Greeting)),
            Clock::Answer => self.fail(ServerFault::TimedOut(Phase::Answer)),
            Clock::Handshake => self.fail(ServerFault::TimedOut(Phase::Handshake)),
            Clock::Application => self.fail(ApiMisuse::Overdue),
            Clock::Idle => self.end_idle(true),
            Clock::KeepAlive(_) => {
                self.send_hidden(CommandBody::Noop);
                self.pump();
            }
            Clock::Bye => {
                self.output.clear();
                self.close();
            }
        }
        self.run_clock(now);
    }

    fn handle_eof(&mut self) {
        self.eof = true;
    }
}
