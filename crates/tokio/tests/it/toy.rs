//! A small line protocol with everything a driver must cope with.
//!
//! `ASK` is a decision of the application; `BAD` is an error of the session with a farewell; `QUIT` ends it; other lines are told.

use bytes::{Bytes, BytesMut};
use postroad_core::{Framed, Full, LineFramer, Output, Session, Step, Ticket, Tickets};
use std::fmt;
use std::time::{Duration, Instant};

pub(crate) const HIGH: usize = 64 * 1024;
pub(crate) const IDLE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) enum Event {
    Line(Bytes),
    Ask(Ticket),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Bad;

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the peer was bad")
    }
}

impl std::error::Error for Bad {}

#[derive(Debug)]
pub(crate) struct Toy {
    framer: LineFramer,
    output: Output,
    tickets: Tickets,
    deadline: Option<Instant>,
    expired: bool,
    eof: bool,
    pub(crate) closed: bool,
}

impl Toy {
    pub(crate) fn new() -> Self {
        Self {
            framer: LineFramer::new(),
            output: Output::new(HIGH),
            tickets: Tickets::new(),
            deadline: None,
            expired: false,
            eof: false,
            closed: false,
        }
    }

    pub(crate) fn say(&mut self, octets: Bytes) -> Result<(), Full<Bytes>> {
        if self.output.is_full() {
            return Err(Full(octets));
        }
        self.output.chunk(octets);
        Ok(())
    }

    pub(crate) fn answer(&mut self, ticket: Ticket, text: &str) {
        if self.tickets.settle(ticket).is_some() {
            self.output.text(text.as_bytes());
        }
    }

    pub(crate) fn quit(&mut self) {
        self.closed = true;
    }
}

impl Session for Toy {
    type Event = Event;
    type Error = Bad;

    fn poll_event(&mut self, now: Instant, input: &mut BytesMut) -> Result<Step<Event>, Bad> {
        if self.expired && !self.closed {
            self.output.text(b"421 too slow\r\n");
            self.closed = true;
        }
        if self.closed {
            return Ok(Step::Closed);
        }
        if self.tickets.reap().is_some() {
            self.output.text(b"451 forgotten\r\n");
        }
        if self.tickets.outstanding() > 0 {
            return Ok(Step::Paused);
        }
        self.deadline.get_or_insert(now + IDLE);
        match self.framer.next(input, 100_000) {
            Framed::Line(line) => {
                self.deadline = None;
                Ok(match &line[..] {
                    b"QUIT" => {
                        self.output.text(b"221 bye\r\n");
                        self.closed = true;
                        Step::Closed
                    }
                    b"BAD" => {
                        self.output.text(b"500 farewell\r\n");
                        self.closed = true;
                        return Err(Bad);
                    }
                    b"ASK" => match self.tickets.issue() {
                        Some(ticket) => Step::Event(Event::Ask(ticket)),
                        None => Step::Paused,
                    },
                    _ => Step::Event(Event::Line(line)),
                })
            }
            Framed::NeedInput if self.eof => {
                self.closed = true;
                Ok(Step::Closed)
            }
            Framed::NeedInput => Ok(Step::NeedInput),
            _ => {
                self.closed = true;
                Err(Bad)
            }
        }
    }

    fn poll_transmit(&mut self) -> Option<Bytes> {
        self.output.pop()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        if self.closed { None } else { self.deadline }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.deadline.is_some_and(|at| at <= now) {
            self.deadline = None;
            self.expired = true;
        }
    }

    fn handle_eof(&mut self) {
        self.eof = true;
    }
}
