//! Any cut of the octets gives the same events and the same answers.

use crate::End;
use bytes::BytesMut;
use postroad_core::{Session, Step};
use proptest::prelude::*;
use std::time::Instant;

/// What an application saw, with neighbouring octets of one kind joined, for chunks may be cut anywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log(Vec<Entry>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    Event(String),
    Octets(&'static str, Vec<u8>),
}

impl Log {
    /// An event, as text.
    pub fn event(&mut self, text: impl Into<String>) {
        self.0.push(Entry::Event(text.into()));
    }

    /// Octets of a stream called `name`.
    pub fn octets(&mut self, name: &'static str, octets: &[u8]) {
        match self.0.last_mut() {
            Some(Entry::Octets(last, all)) if *last == name => all.extend_from_slice(octets),
            _ => self.0.push(Entry::Octets(name, octets.to_vec())),
        }
    }

    /// All octets of the stream called `name`.
    pub fn stream(&self, name: &str) -> Vec<u8> {
        let of_name = self.0.iter().filter_map(|entry| match entry {
            Entry::Octets(of, octets) if *of == name => Some(octets.as_slice()),
            _ => None,
        });
        of_name.collect::<Vec<_>>().concat()
    }

    /// The events, without octets.
    pub fn events(&self) -> Vec<&str> {
        let events = self.0.iter().filter_map(|entry| match entry {
            Entry::Event(text) => Some(text.as_str()),
            Entry::Octets(..) => None,
        });
        events.collect()
    }
}

/// All that can be seen of a session that was given some octets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// What its application saw.
    pub log: Log,
    /// What it sent.
    pub sent: Vec<u8>,
    /// How it stood at the end.
    pub end: End,
}

/// Gives `parts` to `session` one after the other, as a driver would, then the end of input.
pub fn observe<S: Session>(
    mut session: S,
    now: Instant,
    parts: &[&[u8]],
    app: &mut impl FnMut(&mut S, S::Event, &mut Log),
) -> Observed {
    let mut input = BytesMut::new();
    let mut observed = Observed { log: Log::default(), sent: Vec::new(), end: End::NeedInput };
    let mut poll = |input: &mut BytesMut, session: &mut S| {
        loop {
            let step = session.poll_event(now, input);
            let before = observed.sent.len();
            while let Some(octets) = session.poll_transmit() {
                observed.sent.extend_from_slice(&octets);
            }
            observed.end = match step {
                Ok(Step::Event(event)) => {
                    app(session, event, &mut observed.log);
                    continue;
                }
                // It may have been held back by its output alone.
                Ok(Step::NeedInput | Step::Paused) if observed.sent.len() > before => continue,
                Ok(Step::NeedInput) => End::NeedInput,
                Ok(Step::Paused) => End::Paused,
                Ok(Step::Closed) => End::Closed,
                Err(error) => End::Failed(error.to_string()),
            };
            return observed.end == End::NeedInput;
        }
    };
    let mut reads = poll(&mut input, &mut session);
    for part in parts {
        if !reads {
            break;
        }
        input.extend_from_slice(part);
        reads = poll(&mut input, &mut session);
    }
    if reads {
        session.handle_eof();
        poll(&mut input, &mut session);
    }
    observed
}

/// Cuts `octets` at the given places (taken modulo the length).
pub fn cut<'a>(octets: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (octets.len() + 1)).collect();
    cuts.sort_unstable();
    let mut parts = Vec::with_capacity(cuts.len() + 1);
    let mut from = 0;
    for cut in cuts {
        parts.push(&octets[from..cut]);
        from = cut;
    }
    parts.push(&octets[from..]);
    parts
}

/// A strategy for places to cut at.
pub fn cuts() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0_usize..100_000, 0..8)
}

/// Asserts that `octets` in one piece, cut in two at every place, octet by octet, and at `extra` places give the same.
/// Returns what was seen.
///
/// # Panics
///
/// If they do not.
pub fn assert_every_split<S: Session>(
    make: impl Fn(Instant) -> S,
    octets: &[u8],
    mut app: impl FnMut(&mut S, S::Event, &mut Log),
    extra: &[usize],
) -> Observed {
    let now = Instant::now();
    let whole = observe(make(now), now, &[octets], &mut app);
    let mut compare = |parts: &[&[u8]]| {
        let split = observe(make(now), now, parts, &mut app);
        assert_eq!(
            whole,
            split,
            "whole against {:?}",
            parts.iter().map(|part| part.escape_ascii().to_string()).collect::<Vec<_>>()
        );
    };
    compare(&octets.chunks(1).collect::<Vec<_>>());
    compare(&cut(octets, extra));
    if octets.len() <= 2_000 {
        for at in 1..octets.len() {
            compare(&[&octets[..at], &octets[at..]]);
        }
    }
    whole
}
