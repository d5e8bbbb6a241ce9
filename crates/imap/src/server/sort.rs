//! The answers to SORT and THREAD (RFC 5256, RFC 5267).

use super::Server;
use super::request::tokens;
use crate::command::{self, SearchKey, SearchKeys, SearchReturn};
use crate::response::{ESearchResponse, No, Numbers, Response, SearchResponse, Status, ThreadResponse};
use crate::types::{Messages, ModSeq, SequenceNumber, SequenceRange, SequenceSet};
use core::num::NonZeroU32;
use postroad_core::Ticket;

/// What [`Event::Sort`](super::Event::Sort) asks: which messages match, in an order (RFC 5256 section 3).
///
/// The keys have UIDs only, cut to what the client knows, and neither sequence numbers nor `$`.
#[derive(Debug)]
#[must_use = "the command waits until this is answered"]
pub struct Sort {
    pub(super) ticket: Ticket,
    pub(super) command: command::Sort,
}

impl Sort {
    /// The command. Its keys name messages by UID only.
    pub fn command(&self) -> &command::Sort {
        &self.command
    }

    /// OK: these match, as UIDs in their order; messages that the client does not know are left out. The answer has the form that was asked
    /// for. `mod_seq` is as in [`Search::ok`](super::Search::ok).
    pub fn ok(self, session: &mut Server, sorted: impl IntoIterator<Item = u32>, mod_seq: Option<ModSeq>) {
        session.sorted(self.ticket, &self.command, sorted, mod_seq);
    }

    /// NO. A result that was to be kept is empty now (RFC 5182 section 2.1).
    pub fn no(self, session: &mut Server, no: No) {
        if self.command.return_options.is_some_and(|options| options.save)
            && session.tickets.is_out(&self.ticket)
        {
            session.saved = Vec::new();
        }
        session.refuse(self.ticket, no);
    }
}

tokens! {
    /// What [`Event::Thread`](super::Event::Thread) asks: which messages match, and which answers which (RFC 5256 section 3).
    ///
    /// The keys have UIDs only, neither sequence numbers nor `$`, and match only messages that the client knows.
    Thread { command: command::Thread = "The command. Its keys name messages by UID only." }
}

impl Thread {
    /// OK: these are the threads, by UIDs. A message that the client does not know becomes a parent that is not there.
    pub fn ok(self, session: &mut Server, threads: ThreadResponse) {
        session.threaded(self.ticket, &self.command, threads);
    }
}

impl Server {
    fn sorted(
        &mut self,
        ticket: Ticket,
        command: &command::Sort,
        sorted: impl IntoIterator<Item = u32>,
        mod_seq: Option<ModSeq>,
    ) {
        let Some(running) = self.settle(ticket) else { return };
        let mut uids = Numbers::new();
        let mut numbers = Numbers::new();
        for uid in sorted {
            if let Some(number) = self.view.as_ref().and_then(|view| view.told().number(uid)) {
                uids.push(uid);
                if !command.uid {
                    numbers.push(number);
                }
            }
        }
        let numbers = if command.uid { uids.clone() } else { numbers };
        let mod_seq = mod_seq.filter(|_| !numbers.is_empty());
        match &command.return_options {
            None => self.untagged(&Response::Sort(SearchResponse { numbers, mod_seq })),
            Some(options) => {
                if options.save {
                    self.saved = saved(&uids, options);
                }
                // The least is the first, and the greatest the last (RFC 5267 section 3.1).
                let (first, last) = ends(&numbers);
                if options.min || options.max || options.count || options.all {
                    self.untagged(&Response::ESearch(ESearchResponse {
                        tag: Some(running.tag.as_bytes().clone()),
                        uid: command.uid,
                        min: first.filter(|_| options.min),
                        max: last.filter(|_| options.max),
                        count: u32::try_from(numbers.count()).ok().filter(|_| options.count),
                        all: Some(numbers).filter(|all| options.all && !all.is_empty()),
                        mod_seq,
                        ..ESearchResponse::default()
                    }));
                }
            }
        }
        self.tell_before(running.class);
        let text: &'static str = if command.uid { "UID SORT completed" } else { "SORT completed" };
        self.tagged(&running.tag, Status::Ok, None, text);
    }

    fn threaded(&mut self, ticket: Ticket, command: &command::Thread, mut threads: ThreadResponse) {
        let Some(running) = self.settle(ticket) else { return };
        for member in &mut threads.members {
            let number = member.number.and_then(|uid| Some((uid, self.view.as_ref()?.told().number(uid)?)));
            member.number = number.map(|(uid, number)| if command.uid { uid } else { number });
        }
        // One that is not there is nothing without what answers it.
        let mut below = 0;
        let mut kept = Vec::with_capacity(threads.members.len());
        for member in threads.members.into_iter().rev() {
            if member.number.is_some() || below > member.depth {
                below = member.depth;
                kept.push(member);
            }
        }
        kept.reverse();
        self.untagged(&Response::Thread(ThreadResponse { members: kept }));
        self.tell_before(running.class);
        let text: &'static str = if command.uid { "UID THREAD completed" } else { "THREAD completed" };
        self.tagged(&running.tag, Status::Ok, None, text);
    }

    /// The keys, for nothing but messages that the client knows: others would come in between.
    pub(super) fn keys_of_known(&self, keys: SearchKeys) -> SearchKeys {
        let last = self.view.as_ref().and_then(|view| NonZeroU32::new(view.told().last()?));
        let Some(last) = last else { return keys };
        let up_to = SequenceRange { start: SequenceNumber::Number(NonZeroU32::MIN), end: last.into() };
        let known = SequenceSet::from_ranges(vec![up_to]).ok();
        let known = known.and_then(|set| SearchKeys::single(SearchKey::Uid(Messages::Set(set))).ok());
        match known {
            Some(known) => known.and(keys),
            None => keys,
        }
    }
}

fn ends(numbers: &Numbers) -> (Option<u32>, Option<u32>) {
    let first = numbers.ranges().next().map(|range| *range.start());
    (first, numbers.ranges().last().map(|range| *range.end()))
}

/// What `$` stands for after this: a set, which has no order.
fn saved(uids: &Numbers, options: &SearchReturn) -> Vec<(u32, u32)> {
    let mut all: Vec<u32> = if options.all || options.count || !(options.min || options.max) {
        uids.iter().collect()
    } else {
        let (first, last) = ends(uids);
        first.filter(|_| options.min).into_iter().chain(last.filter(|_| options.max)).collect()
    };
    all.sort_unstable();
    all.dedup();
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for uid in all {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == uid => *last = uid,
            _ => ranges.push((uid, uid)),
        }
    }
    ranges
}
