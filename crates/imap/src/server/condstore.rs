//! Modification sequences and quick resynchronisation (RFC 7162).

use super::request::Select;
use super::row::{Row, RowError};
use super::{Fetch, Running, Selected, Server};
use crate::command::{self, CommandBody, FetchItem, QResync, SearchKey, SearchKeys};
use crate::response::{No, Response, ResponseCode, Status};
use crate::types::{Capability, Messages, ModSeq, StatusItem, UidSet};
use crate::view::Change;
use postroad_core::{Full, Ticket};

/// How many ranges one VANISHED (EARLIER) has at most: a bound on the line.
const VANISHED_RANGES: usize = 512;

/// A mailbox that is open, and whose client is being brought up to date: from [`Select::begin`].
///
/// Tell first what of [`unsure`](Self::unsure) has [vanished](Self::vanished) [since](Self::since), then give a [`row`](Self::row) with `FLAGS`
/// and `MODSEQ` for each message among [`known`](Self::known) that changed since; then [`ok`](Self::ok). Nothing else runs meanwhile. Dropped: `NO [SERVERBUG]`, and the mailbox is
/// [not selected](super::Event::Unselected).
#[derive(Debug)]
#[must_use = "the command waits until this is answered"]
pub struct Resync {
    ticket: Ticket,
    command: command::Select,
    /// The same UIDVALIDITY.
    is_valid: bool,
    /// What the client may know of and is not sure to be right about.
    unsure: UidSet,
}

impl Select {
    /// The mailbox is open, and this is what is in it; what the client wants to know beside comes now, as its parameter QRESYNC asks (RFC
    /// 7162 section 3.2.5). Use it in the place of [`ok`](Self::ok) when the command [has](command::Select::qresync) that parameter.
    ///
    /// As with `ok`, give every change from this moment on to [`Server::notify`].
    pub fn begin(self, session: &mut Server, selected: Selected) -> Resync {
        let uid_validity = selected.uid_validity;
        let is_open = session.open_selected(&self.ticket, &self.command, selected);
        let qresync = self.command.qresync.as_ref().filter(|_| is_open);
        let is_valid = qresync.is_some_and(|known| known.uid_validity.get() == uid_validity);
        let unsure = qresync.filter(|_| is_valid).map(|known| session.not_sure_of(known)).unwrap_or_default();
        Resync { ticket: self.ticket, command: self.command, is_valid, unsure }
    }
}

impl Resync {
    /// The command.
    pub fn command(&self) -> &command::Select {
        &self.command
    }

    /// The modification sequence up to which the client knows everything: what changed after it is to be told. `None`: its UIDVALIDITY is
    /// of the past, or it did not ask, and so nothing is to be told (RFC 7162 section 3.2.5.1).
    pub fn since(&self) -> Option<ModSeq> {
        self.command.qresync.as_ref().filter(|_| self.is_valid).map(|known| known.mod_seq)
    }

    /// The UIDs that the client asks about, whether there are such messages or not: those that it named, or all. Only what is among them is
    /// to be told (RFC 7162 section 3.2.5.1).
    pub fn known(&self) -> UidSet {
        let named = self.command.qresync.as_ref().and_then(|qresync| qresync.known_uids.clone());
        let mut known = named.unwrap_or_else(|| {
            let mut all = UidSet::new();
            all.push_range(1..=u32::MAX);
            all
        });
        known.normalise();
        known
    }

    /// Those of them that may have vanished: sequence numbers that the client gave may show that nothing is missing up to some message (RFC
    /// 7162 section 3.2.5.2).
    pub fn unsure(&self) -> &UidSet {
        &self.unsure
    }

    /// These messages have gone since (`VANISHED (EARLIER)`, RFC 7162 section 3.2.10.1). Before the first row. What the client still counts,
    /// for it was not told of its end, is left out, and told in its turn.
    ///
    /// # Errors
    ///
    /// The output is full: here is the rest; write some, then give it again.
    pub fn vanished(&self, session: &mut Server, gone: &UidSet) -> Result<(), Full<UidSet>> {
        session.vanished_earlier(&self.ticket, gone)
    }

    /// Begins the row of a message, with `UID`.
    ///
    /// # Errors
    ///
    /// Not now, or never: see [`RowError`].
    pub fn row<'s>(&self, session: &'s mut Server, uid: u32) -> Result<Row<'s>, RowError> {
        session.row(&self.ticket, uid, true)
    }

    /// OK: this was all.
    pub fn ok(self, session: &mut Server) {
        session.select_ended(self.ticket, &self.command);
    }

    /// NO: it could not be read after all, and is not selected.
    pub fn no(self, session: &mut Server, no: No) {
        if session.tickets.is_out(&self.ticket) {
            session.resyncing = None;
            session.deselect(false);
        }
        session.refuse(self.ticket, no);
    }
}

impl Fetch {
    /// The UIDs that the command names, also of messages that are not there: among which messages may have vanished, if
    /// [that](command::Fetch::vanished) is asked (RFC 7162 section 3.2.6).
    pub fn named(&self) -> UidSet {
        let Messages::Set(set) = &self.command().messages else { return self.messages().clone() };
        if !self.command().uid {
            return self.messages().clone();
        }
        let mut named = UidSet::new();
        // What was greatest may be among those that are gone.
        set.normalise(u32::MAX).into_iter().for_each(|(first, last)| named.push_range(first..=last));
        named
    }

    /// These messages have gone since (`VANISHED (EARLIER)`, RFC 7162 section 3.2.6), if that is asked. Before the first row. What the client
    /// still counts is left out, and told in its turn.
    ///
    /// # Errors
    ///
    /// The output is full: here is the rest; write some, then give it again.
    pub fn vanished(&self, session: &mut Server, gone: &UidSet) -> Result<(), Full<UidSet>> {
        session.vanished_earlier(&self.ticket, gone)
    }
}

/// Whether a command is about modification sequences: then it is a "CONDSTORE enabling command" (RFC 7162 section 3.1).
pub(super) fn is_conditional(body: &CommandBody) -> bool {
    let in_keys =
        |keys: &SearchKeys| keys.as_slice().iter().any(|key| matches!(key, SearchKey::ModSeq { .. }));
    match body {
        CommandBody::Select(select) => select.condstore || select.qresync.is_some(),
        CommandBody::Status { items, .. } => items.contains(&StatusItem::HighestModSeq),
        CommandBody::List(list) => list.returns.status.contains(&StatusItem::HighestModSeq),
        CommandBody::Fetch(fetch) => {
            fetch.changed_since.is_some() || fetch.vanished || fetch.items.contains(&FetchItem::ModSeq)
        }
        CommandBody::Store(store) => store.unchanged_since.is_some(),
        CommandBody::Search(search) => in_keys(&search.keys),
        CommandBody::Sort(sort) => in_keys(&sort.keys),
        CommandBody::Thread(thread) => in_keys(&thread.keys),
        _ => false,
    }
}

impl Server {
    /// Whether modification sequences are served at all.
    pub(super) fn has_condstore(&self) -> bool {
        self.config.extensions.contains(&Capability::CondStore)
            || self.config.extensions.contains(&Capability::QResync)
    }

    /// Notes that the client knows of modification sequences. When it shows this for the first time with a mailbox open, it is told of that
    /// mailbox's (RFC 7162 section 3.1).
    pub(super) fn aware_of_mod_seqs(&mut self) {
        if core::mem::replace(&mut self.enabled.condstore, true) {
            return;
        }
        if let Some(view) = &mut self.view {
            view.set_condstore(true);
            let highest = view.mod_seq_told();
            if highest > ModSeq::default() {
                self.untagged_ok(ResponseCode::HighestModSeq(highest), "highest");
            }
        }
    }

    /// What is wrong with a command that is about modification sequences.
    pub(super) fn conditional_fault(&self, body: &CommandBody) -> Option<&'static str> {
        let needs_qresync = match body {
            CommandBody::Select(select) => select.qresync.is_some(),
            CommandBody::Fetch(fetch) => fetch.vanished,
            _ => false,
        };
        if needs_qresync && !self.enabled.qresync {
            return Some("ENABLE QRESYNC first");
        }
        let is_here =
            !matches!(body, CommandBody::Select(_) | CommandBody::Status { .. } | CommandBody::List(_));
        (is_here && self.has_no_mod_seqs).then_some("the mailbox has no modification sequences")
    }

    /// What the client wants of each message beside what it says.
    pub(super) fn complete_items(&self, fetch: &mut command::Fetch) {
        // Whoever knows of modification sequences is told the one that \Seen has made (RFC 7162 section 3.2.4).
        let sets_seen = self.enabled.condstore
            && !self.is_read_only
            && !self.has_no_mod_seqs
            && fetch.items.iter().any(FetchItem::sets_seen);
        if (sets_seen || fetch.changed_since.is_some()) && !fetch.items.contains(&FetchItem::ModSeq) {
            fetch.items.push(FetchItem::ModSeq);
        }
        if sets_seen && !fetch.uid && !fetch.items.contains(&FetchItem::Uid) {
            fetch.items.insert(0, FetchItem::Uid);
        }
    }

    /// The modification sequence up to which the client knows everything, for one that resynchronises by it.
    pub(super) fn highest_code(&self) -> Option<ResponseCode> {
        let view = self.view.as_ref().filter(|_| self.enabled.qresync)?;
        Some(view.mod_seq_told())
            .filter(|highest| *highest > ModSeq::default())
            .map(ResponseCode::HighestModSeq)
    }

    /// Messages were removed: the tagged OK says up to where the client is told (RFC 7162 section 3.2.7).
    pub(super) fn end_with_highest(&mut self, running: &Running, text: &'static str) {
        self.tell_before(running.class);
        let code = self.highest_code();
        self.tagged(&running.tag, Status::Ok, code, text);
    }

    pub(super) fn expunged(&mut self, ticket: Ticket) {
        if let Some(running) = self.settle(ticket) {
            self.end_with_highest(&running, "EXPUNGE completed");
        }
    }

    pub(super) fn vanished_earlier(&mut self, ticket: &Ticket, gone: &UidSet) -> Result<(), Full<UidSet>> {
        if !self.tickets.is_out(ticket) || !self.enabled.qresync {
            return Ok(());
        }
        let Some(view) = self.view.take() else { return Ok(()) };
        let mut rest = UidSet::new();
        let mut telling = UidSet::new();
        let mut is_full = false;
        for range in gone.ranges() {
            is_full = is_full || self.output.is_full() || self.aside.len() >= self.config.output_high_water;
            if is_full {
                rest.push_range(range);
                continue;
            }
            for (first, last) in gaps(&view, *range.start(), *range.end()) {
                telling.push_range(first..=last);
                if telling.ranges().len() >= VANISHED_RANGES {
                    self.tell_vanished(core::mem::take(&mut telling));
                }
            }
        }
        self.view = Some(view);
        self.tell_vanished(telling);
        if rest.is_empty() { Ok(()) } else { Err(Full(rest)) }
    }

    fn tell_vanished(&mut self, uids: UidSet) {
        if !uids.is_empty() {
            self.has_progressed = true;
            self.untagged(&Response::Vanished { earlier: true, uids });
        }
    }

    /// The UIDs that the client may hold and that may be gone. Where a sequence number still belongs to the UID that the client gives for
    /// it, nothing up to there is gone, for no message can have come in between.
    fn not_sure_of(&self, known: &QResync) -> UidSet {
        let Some(view) = &self.view else { return UidSet::new() };
        let mut sure = 0;
        if let Some((numbers, uids)) = &known.sequence_match {
            // It ascends; the first that is wrong ends it. So many are looked at, and no more, whatever the client sends.
            let pairs = numbers.iter().zip(uids.iter()).take(usize::try_from(view.told().len()).unwrap_or(0));
            for (number, uid) in pairs {
                if view.told().uid(number) != Some(uid) {
                    break;
                }
                sure = uid;
            }
        }
        let mut unsure = UidSet::new();
        let mut add = |first: u32, last: u32| {
            if last > sure {
                unsure.push_range(first.max(sure + 1)..=last);
            }
        };
        match &known.known_uids {
            Some(uids) => uids.ranges().for_each(|range| add(*range.start(), *range.end())),
            None => add(1, u32::MAX),
        }
        unsure.normalise();
        unsure
    }

    /// Takes note of what the mailbox that was opened counts.
    pub(super) fn start_mod_seqs(&mut self, highest: Option<ModSeq>) {
        self.has_no_mod_seqs = highest.is_none();
        let (condstore, qresync) = (self.enabled.condstore, self.enabled.qresync && highest.is_some());
        if let Some(view) = &mut self.view {
            view.set_condstore(condstore);
            view.set_qresync(qresync);
            if let Some(highest) = highest {
                view.apply(Change::HighestModSeq(highest));
            }
        }
    }
}

/// The parts of a range in which the client has no message.
fn gaps(view: &crate::view::MailboxView, first: u32, last: u32) -> Vec<(u32, u32)> {
    let mut gaps = Vec::new();
    let mut from = u64::from(first);
    for there in view.told().range(first, last) {
        let there = u64::from(there);
        if there > from {
            gaps.push((from, there - 1));
        }
        from = there + 1;
    }
    if from <= u64::from(last) {
        gaps.push((from, last.into()));
    }
    let narrow = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    gaps.into_iter().map(|(first, last)| (narrow(first), narrow(last))).collect()
}
