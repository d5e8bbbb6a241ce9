//! A message on its way: its octets, its limits, its deadline.

use super::event::{AbortReason, CloseReason, Event};
use super::request::DataEnd;
use super::state::Pending;
use super::{DATA, Server, replies};
use crate::codec::Item;
use crate::reply::Rejection;
use crate::{Error, Limit};
use bytes::BytesMut;
use core::time::Duration;
use postroad_core::{BareNewline, DataFaults, Step, deadline};
use std::time::Instant;

/// A message on its way.
#[derive(Debug, Default)]
pub(super) struct Body {
    size: u64,
    aborted: Option<AbortReason>,
    discarded: u64,
    /// Octets since the deadline was last put off, and what is left until it.
    block: u64,
    time_left: Duration,
}

impl Body {
    pub(super) fn new(time: Duration) -> Self {
        Self { time_left: time, ..Self::default() }
    }
}

impl Server {
    pub(super) fn read_body(
        &mut self,
        now: Instant,
        input: &mut BytesMut,
    ) -> Result<Option<Step<Event>>, Error> {
        // Only time spent waiting for octets counts against the client, so the deadline rests while the application works.
        if self.timers.is_running(DATA) {
            let until = self.timers.next().unwrap_or(now);
            self.body.time_left = until.saturating_duration_since(now);
            self.timers.stop(DATA);
        }
        let before = input.len();
        let item = self.codec.next(input);
        let taken = (before - input.len()) as u64;
        self.body.block += taken;
        if self.body.block >= self.config.timeouts.block_octets {
            self.body.block = 0;
            self.body.time_left = self.config.timeouts.data_block;
        }
        if let Some(reason) = self.body.aborted {
            self.body.discarded += taken;
            if self.body.discarded > self.config.max_discarded_octets {
                self.say_aborted(reason);
                return self.fail_limit(Limit::DiscardedOctets, self.config.max_discarded_octets);
            }
        }
        let refused = if self.body.aborted.is_none() { self.refused_octet() } else { None };
        if let Some(reason) = refused {
            let ended = matches!(item, Some(Ok(Item::End(_))));
            return Ok(Some(self.abort(reason, ended)));
        }
        match item {
            Some(Ok(Item::Chunk(chunk))) => {
                if self.body.aborted.is_some() {
                    return Ok(None);
                }
                self.body.size = self.body.size.saturating_add(chunk.len() as u64);
                if self.body.size > self.config.max_message_size {
                    return Ok(Some(self.abort(AbortReason::TooLarge, false)));
                }
                Ok(Some(Step::Event(Event::Body(chunk))))
            }
            Some(Ok(Item::End(faults))) => Ok(self.body_end(now, faults)),
            Some(_) => Ok(None),
            None if self.eof => {
                self.close(CloseReason::EndOfInput);
                Ok(None)
            }
            None => {
                self.timers.set(DATA, deadline(now, self.body.time_left));
                Ok(Some(Step::NeedInput))
            }
        }
    }

    /// Why the first octet that must not be there is refused. Beyond the limit of size nothing counts but that: the reason must not depend
    /// on how the octets were cut.
    fn refused_octet(&self) -> Option<AbortReason> {
        if self.config.bare_newline != BareNewline::Reject {
            return None;
        }
        let faults = self.codec.data_faults();
        let first_bare = [faults.bare_cr, faults.bare_lf].into_iter().flatten().min();
        let first = [first_bare, faults.nul].into_iter().flatten().min()?;
        Some(if first >= self.config.max_message_size {
            AbortReason::TooLarge
        } else if Some(first) == first_bare {
            AbortReason::BareNewline
        } else {
            AbortReason::Nul
        })
    }

    /// Takes no more of the message. If it has `ended`, that is answered.
    fn abort(&mut self, reason: AbortReason, ended: bool) -> Step<Event> {
        self.body.aborted = Some(reason);
        if ended {
            self.end_aborted(reason);
        }
        Step::Event(Event::BodyAborted(reason))
    }

    fn body_end(&mut self, now: Instant, faults: DataFaults) -> Option<Step<Event>> {
        if let Some(reason) = self.body.aborted {
            self.end_aborted(reason);
            return None;
        }
        let size = self.body.size;
        self.ask(now, Pending::DataEnd, |ticket| Event::DataEnd(DataEnd { ticket, size, faults }))
            .map(Step::Event)
    }

    fn end_aborted(&mut self, reason: AbortReason) {
        self.say_aborted(reason);
        self.end_transaction();
    }

    fn say_aborted(&mut self, reason: AbortReason) {
        match reason {
            AbortReason::TooLarge => self.say_reply(Rejection::too_large().as_reply()),
            AbortReason::BareNewline => self.say(replies::BARE_NEWLINE),
            AbortReason::Nul => self.say(replies::NUL),
        }
    }
}
