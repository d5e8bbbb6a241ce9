//! A strict client in a few lines: it believes what it is told, and asserts that it may be told so.

use std::collections::{BTreeSet, VecDeque};

/// One response, with its literals cut out.
#[derive(Debug, Clone)]
pub(crate) struct Unit {
    pub(crate) line: String,
    pub(crate) literals: Vec<Vec<u8>>,
}

/// Cuts what a server sends into responses.
#[derive(Debug, Default)]
pub(crate) struct Units {
    buffer: Vec<u8>,
}

impl Units {
    pub(crate) fn push(&mut self, octets: &[u8]) {
        self.buffer.extend_from_slice(octets);
    }

    pub(crate) fn next(&mut self) -> Option<Unit> {
        let mut unit = Unit { line: String::new(), literals: Vec::new() };
        let mut at = 0;
        loop {
            let end = at + self.buffer[at..].windows(2).position(|pair| pair == b"\r\n")?;
            let text = std::str::from_utf8(&self.buffer[at..end]).expect("text");
            unit.line.push_str(text);
            at = end + 2;
            let header = text.strip_suffix('}').and_then(|text| text.rsplit_once('{'));
            // No literal is in the text of a status response.
            let header = header.filter(|_| !unit.line.contains(" BAD ") && !unit.line.contains(" OK "));
            let Some(len) = header.and_then(|(_, len)| len.parse::<usize>().ok()) else { break };
            let literal = self.buffer.get(at..at + len)?;
            unit.literals.push(literal.to_vec());
            at += len;
        }
        self.buffer.drain(..at);
        Some(unit)
    }

    /// The same as it came, with its literals in place and without the CRLF at its end.
    pub(crate) fn next_octets(&mut self) -> Option<Vec<u8>> {
        let before = self.buffer.clone();
        self.next()?;
        let mut octets = before;
        octets.truncate(octets.len() - self.buffer.len() - 2);
        Some(octets)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }
}

/// What a command is to those who look on, by the words of RFC 9051 sections 5.5 and 7.5.1 alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// FETCH by number.
    Fetch,
    /// STORE by number.
    Store,
    /// SEARCH: numbers in its result.
    Search,
    UidFetch,
    UidStore,
    UidSearch,
    /// By number, but EXPUNGE may be sent before its end.
    Copy,
    Move,
    UidCopy,
    UidMove,
    Expunge,
    Append,
    Noop,
    Idle,
}

impl Kind {
    /// No EXPUNGE while it runs, nor at its end.
    pub(crate) fn forbids_expunge(self) -> bool {
        matches!(self, Self::Fetch | Self::Store | Self::Search)
    }

    /// Numbers in its arguments or results.
    pub(crate) fn has_numbers(self) -> bool {
        self.forbids_expunge() || matches!(self, Self::Copy | Self::Move)
    }

    pub(crate) fn reads(self) -> bool {
        !matches!(self, Self::Noop | Self::Idle | Self::Append | Self::Expunge)
    }

    pub(crate) fn writes(self) -> bool {
        use Kind::{Append, Copy, Expunge, Move, Store, UidCopy, UidMove, UidStore};
        matches!(self, Store | UidStore | Copy | UidCopy | Move | UidMove | Expunge | Append)
    }
}

/// A command that was sent.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) tag: String,
    pub(crate) kind: Kind,
    /// The UIDs of what its numbers named when it was sent; `None`: the client did not know.
    pub(crate) meant: Option<BTreeSet<u32>>,
    /// It is about `$`.
    pub(crate) is_saved: bool,
    /// STORE.SILENT: the flags of what is meant are not known any more.
    pub(crate) is_silent: bool,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Slot {
    pub(crate) uid: Option<u32>,
    pub(crate) flags: Option<BTreeSet<String>>,
}

#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) slots: Vec<Slot>,
    pub(crate) in_flight: Vec<Sent>,
    pub(crate) is_idle: bool,
    pub(crate) is_rev2: bool,
    number: u32,
    /// What a SEARCH answered, until its tagged response.
    found: Option<BTreeSet<u32>>,
    /// What the application of the server found, by tag.
    pub(crate) truths: VecDeque<(String, BTreeSet<u32>)>,
    pub(crate) expunges: usize,
}

pub(crate) fn flags_of(line: &str) -> Option<BTreeSet<String>> {
    let (_, rest) = line.split_once("FLAGS (")?;
    let (flags, _) = rest.split_once(')')?;
    Some(flags.split_whitespace().map(str::to_owned).collect())
}

pub(crate) fn uid_of(line: &str) -> Option<u32> {
    let (_, rest) = line.split_once("UID ")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

fn numbers(set: &str) -> BTreeSet<u32> {
    let mut all = BTreeSet::new();
    for range in set.split([',', ' ']).filter(|range| !range.is_empty()) {
        let (first, last) = range.split_once(':').unwrap_or((range, range));
        all.extend(first.parse::<u32>().unwrap()..=last.parse::<u32>().unwrap());
    }
    all
}

impl Client {
    pub(crate) fn new(uids: impl Iterator<Item = u32>, is_rev2: bool) -> Self {
        let slot = |uid| Slot { uid: Some(uid), flags: Some(BTreeSet::new()) };
        Self {
            slots: uids.map(slot).collect(),
            in_flight: Vec::new(),
            is_idle: false,
            is_rev2,
            number: 0,
            found: None,
            truths: VecDeque::new(),
            expunges: 0,
        }
    }

    /// Whether a client that heeds RFC 9051 section 5.5 would send such a command now.
    pub(crate) fn may_send(&self, kind: Kind) -> bool {
        let may_expunge = |sent: &Sent| !sent.kind.forbids_expunge();
        if self.is_idle || self.in_flight.iter().any(|sent| sent.kind == Kind::Idle) {
            return false;
        }
        if kind == Kind::Idle {
            return self.in_flight.is_empty();
        }
        !(kind.has_numbers() && self.in_flight.iter().any(may_expunge))
    }

    pub(crate) fn send(&mut self, kind: Kind, meant: Option<BTreeSet<u32>>) -> Sent {
        self.number += 1;
        let sent = Sent { tag: format!("t{}", self.number), kind, meant, is_saved: false, is_silent: false };
        self.in_flight.push(sent.clone());
        sent
    }

    /// From now on the flags of these are not known, until they are told after the tagged response.
    pub(crate) fn forget_flags(&mut self, uids: Option<&BTreeSet<u32>>) {
        for slot in &mut self.slots {
            if uids.is_none_or(|uids| slot.uid.is_none_or(|uid| uids.contains(&uid))) {
                slot.flags = None;
            }
        }
    }

    fn is_silenced(&self, uid: Option<u32>) -> bool {
        let about = |sent: &Sent| match (&sent.meant, uid) {
            (Some(meant), Some(uid)) => meant.contains(&uid),
            _ => true,
        };
        self.in_flight.iter().any(|sent| sent.is_silent && about(sent))
    }

    /// Takes one response. Panics when it may not be sent, or tells what cannot be.
    pub(crate) fn take(&mut self, unit: &Unit) {
        let line = unit.line.as_str();
        if line.starts_with("+ ") {
            return;
        }
        let (first, rest) = line.split_once(' ').expect("two words");
        if first != "*" {
            return self.tagged(first, rest);
        }
        if let Some(found) = rest.strip_prefix("SEARCH") {
            self.search_in_flight(None);
            self.found = Some(numbers(found));
        } else if let Some(answer) = rest.strip_prefix("ESEARCH (TAG \"") {
            let (tag, answer) = answer.split_once("\")").unwrap();
            let by_uid = self.search_in_flight(Some(tag));
            assert_eq!(answer.starts_with(" UID"), by_uid, "{line}");
            let all = answer.split_once("ALL ").map_or("", |(_, all)| all);
            self.found = Some(numbers(all));
        } else if !rest.starts_with("OK ") {
            let (number, what) = rest.split_once(' ').expect("a number and a word");
            self.numbered(number.parse().expect("a number"), what, unit);
        }
    }

    /// Whether the SEARCH that is answered is by UID. Several searches in flight are all of one kind where their answers have no tag.
    fn search_in_flight(&self, tag: Option<&str>) -> bool {
        let searches: Vec<&Sent> = self
            .in_flight
            .iter()
            .filter(|sent| matches!(sent.kind, Kind::Search | Kind::UidSearch))
            .filter(|sent| tag.is_none_or(|tag| tag == sent.tag))
            .collect();
        let by_uid = searches.first().expect("a search is in flight").kind == Kind::UidSearch;
        assert!(searches.iter().all(|sent| (sent.kind == Kind::UidSearch) == by_uid));
        by_uid
    }

    /// Whether a search may be sent, lest its answer without a tag be mistaken.
    pub(crate) fn may_search(&self, kind: Kind) -> bool {
        let other = if kind == Kind::Search { Kind::UidSearch } else { Kind::Search };
        self.is_rev2 || !self.in_flight.iter().any(|sent| sent.kind == other)
    }

    /// The known UIDs of these numbers. No EXPUNGE comes between an answer to SEARCH and its end, so they may be read at the end.
    fn as_uids(&self, numbers: &BTreeSet<u32>, by_uid: bool) -> BTreeSet<u32> {
        if by_uid {
            return numbers.clone();
        }
        numbers.iter().filter_map(|number| self.slot(*number).uid).collect()
    }

    fn slot(&self, number: u32) -> &Slot {
        let index = usize::try_from(number).unwrap().checked_sub(1).expect("not 0");
        self.slots.get(index).unwrap_or_else(|| panic!("no message {number}"))
    }

    fn numbered(&mut self, number: u32, what: &str, unit: &Unit) {
        match what {
            "EXISTS" => {
                assert!(number as usize >= self.slots.len(), "EXISTS took messages away");
                self.slots.resize_with(number as usize, Slot::default);
            }
            "EXPUNGE" => {
                let forbids = |sent: &&Sent| sent.kind.forbids_expunge();
                assert!(self.in_flight.iter().find(forbids).is_none(), "EXPUNGE while {:?}", self.in_flight);
                assert!(!self.in_flight.is_empty(), "EXPUNGE while no command is in progress");
                let _ = self.slot(number);
                self.slots.remove(number as usize - 1);
                self.expunges += 1;
            }
            row => {
                let row = row.strip_prefix("FETCH (").unwrap_or_else(|| panic!("{row}"));
                assert!(row.ends_with(')'), "{row}");
                let uid = uid_of(row).expect("every row of this test has a UID");
                let known = self.slot(number).uid;
                assert!(known.is_none_or(|known| known == uid), "{number} is {known:?}, told as {uid}");
                let before = self.slots[..number as usize - 1].iter().filter_map(|slot| slot.uid).max();
                assert!(before.is_none_or(|before| before < uid), "UIDs ascend");
                let silenced = self.is_silenced(Some(uid));
                let slot = &mut self.slots[number as usize - 1];
                slot.uid = Some(uid);
                slot.flags = flags_of(row).filter(|_| !silenced);
                for literal in &unit.literals {
                    assert_eq!(literal, &super::model_world::body(uid));
                }
            }
        }
    }

    fn tagged(&mut self, tag: &str, rest: &str) {
        let index = self.in_flight.iter().position(|sent| sent.tag == tag).expect("a tag in flight");
        assert!(rest.starts_with("OK "), "{tag} {rest}");
        let sent = self.in_flight.remove(index);
        if sent.is_silent {
            self.forget_flags(sent.meant.as_ref());
        }
        if matches!(sent.kind, Kind::Search | Kind::UidSearch) {
            let (of, truth) = self.truths.pop_front().expect("answers in order");
            assert_eq!(of, tag);
            // With SAVE alone there is no answer.
            if let Some(found) = self.found.take() {
                let known: BTreeSet<u32> = self.slots.iter().filter_map(|slot| slot.uid).collect();
                let mut found = self.as_uids(&found, sent.kind == Kind::UidSearch);
                found.retain(|uid| known.contains(uid));
                let truth: BTreeSet<u32> = truth.into_iter().filter(|uid| known.contains(uid)).collect();
                assert_eq!(found, truth, "what was found, as this client understands it");
            }
        }
        if sent.kind == Kind::Idle {
            self.is_idle = false;
        }
    }
}
