//! What one session has been told about its mailbox, and what it is still owed (RFC 9051 sections 5.2, 7.4.1 and 7.5.1).

pub use crate::uids::{Iter, Uids};

use crate::types::{Flag, Messages, ModSeq};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Something that happened to a mailbox. Every session that has it selected is told, in the order in which it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A message with this UID is new. UIDs only grow (RFC 9051 section 2.3.1.1).
    Added(u32),
    /// The message with this UID is gone.
    Removed(u32),
    /// These are the flags of a message now.
    Flags {
        /// Its UID.
        uid: u32,
        /// All its flags; shared, for every session gets them.
        flags: Arc<[Flag]>,
        /// Its mod-sequence, if the mailbox has them (RFC 7162).
        mod_seq: Option<ModSeq>,
    },
    /// The mailbox has this highest mod-sequence now, after the changes before.
    HighestModSeq(ModSeq),
}

/// What the client is to be told. Sequence numbers are right at this point of the output, and only there: a notice is written at once.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// `* n EXPUNGE`: the message with this sequence number is gone, and those behind it move up.
    Expunge(u32),
    /// `* VANISHED uids`, in place of EXPUNGE after `ENABLE QRESYNC` (RFC 7162 section 3.2.10) or `ENABLE UIDONLY` (RFC 9586 section 3.4):
    /// ranges of UIDs, first and last.
    Vanished(Vec<(u32, u32)>),
    /// `* n EXISTS`: so many messages there are.
    Exists(u32),
    /// `* n FETCH (UID u FLAGS (…))`, with MODSEQ if that is not `None`.
    Flags {
        /// The sequence number.
        number: u32,
        /// The UID.
        uid: u32,
        /// All flags.
        flags: Arc<[Flag]>,
        /// The mod-sequence, after the client [wanted](MailboxView::set_condstore) to know.
        mod_seq: Option<ModSeq>,
    },
}

/// The messages that a command is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// Ranges of UIDs, first and last: ascending, apart, and each begins and ends with a message that the client knows.
    pub ranges: Vec<(u32, u32)>,
    /// A sequence number was greater than the number of messages: BAD for most commands (RFC 9051 section 9, seq-number), no match in
    /// SEARCH.
    pub beyond: bool,
}

/// A mailbox as one session knows it.
///
/// Sequence numbers mean what the client was told, however the mailbox has changed since: [`told`](Self::told) changes only with the notices
/// that go out. Changes come in by [`apply`](Self::apply); notices go out by [`next_notice`](Self::next_notice), one after the other so
/// that the caller may stop when its output is full. A message that came and went in between is never told, and of several changes of flags the last is.
///
/// What is owed takes no more memory than the mailbox itself: additions and removals are [`Uids`]; and of changed flags a bounded number
/// is kept, for [the others](Self::take_unread) only that they changed.
///
/// ```
/// use postroad_imap::view::{Change, MailboxView, Notice};
///
/// let mut view = MailboxView::new([3, 5, 9].into_iter().collect());
/// view.apply(Change::Removed(5));
/// view.apply(Change::Added(12));
/// assert_eq!(view.told().number(9), Some(3));
/// // While FETCH, STORE or SEARCH runs, no EXPUNGE may be sent.
/// assert_eq!(view.next_notice(false), Some(Notice::Exists(4)));
/// assert_eq!(view.next_notice(false), None);
/// assert_eq!(view.next_notice(true), Some(Notice::Expunge(2)));
/// assert_eq!(view.told().number(9), Some(2));
/// ```
#[derive(Debug, Clone)]
pub struct MailboxView {
    told: Uids,
    /// No UID up to this one is new.
    highest: u32,
    added: Uids,
    /// Some of `told`.
    removed: Uids,
    /// Of messages in `told` and not in `removed`.
    flags: BTreeMap<u32, (Arc<[Flag]>, Option<ModSeq>)>,
    max_flags: usize,
    /// The same, where what the flags are was not kept.
    unread: Uids,
    /// Those of them that the caller is reading.
    reading: Uids,
    condstore: bool,
    qresync: bool,
    uid_only: bool,
    mod_seq: ModSeq,
    mod_seq_told: ModSeq,
}

/// How many messages one VANISHED tells at most, and how many ranges: a bound on the time and the line that it takes.
const VANISHED_MESSAGES: u32 = 65_536;
const VANISHED_RANGES: usize = 512;

impl MailboxView {
    /// How many changes of flags are kept, if [nothing else](Self::set_max_flags) is said.
    pub const MAX_FLAGS: usize = 4096;

    /// A mailbox with these messages, which the client is told of with SELECT or EXAMINE.
    pub fn new(told: Uids) -> Self {
        Self {
            highest: told.last().unwrap_or(0),
            told,
            added: Uids::new(),
            removed: Uids::new(),
            flags: BTreeMap::new(),
            max_flags: Self::MAX_FLAGS,
            unread: Uids::new(),
            reading: Uids::new(),
            condstore: false,
            qresync: false,
            uid_only: false,
            mod_seq: ModSeq::default(),
            mod_seq_told: ModSeq::default(),
        }
    }

    /// How many messages may have changed flags waiting to be told; at least 1.
    pub fn set_max_flags(&mut self, max: usize) {
        self.max_flags = max.max(1);
    }

    /// Whether notices of flags bear MODSEQ: after a CONDSTORE enabling command (RFC 7162 section 3.1).
    pub fn set_condstore(&mut self, on: bool) {
        self.condstore = on;
    }

    /// Whether VANISHED takes the place of EXPUNGE, and MODSEQ is told: after `ENABLE QRESYNC`.
    pub fn set_qresync(&mut self, on: bool) {
        self.qresync = on;
        self.condstore |= on;
    }

    /// Whether VANISHED takes the place of EXPUNGE because the client wants no sequence numbers: after `ENABLE UIDONLY` (RFC 9586). Flags
    /// are told with UIDFETCH then, for which a notice has the UID.
    pub fn set_uid_only(&mut self, on: bool) {
        self.uid_only = on;
    }

    /// What the client knows: numbers and UIDs as it counts them.
    pub fn told(&self) -> &Uids {
        &self.told
    }

    /// Whether this message is gone and the client does not know.
    pub fn is_removed(&self, uid: u32) -> bool {
        self.removed.contains(uid)
    }

    /// The highest mod-sequence up to which the client has been told everything: what HIGHESTMODSEQ may say (RFC 7162 section 3.2.5).
    pub fn mod_seq_told(&self) -> ModSeq {
        self.mod_seq_told
    }

    /// Takes note of a change. What the view knows already, or what is of a message that it does not know, is no change.
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::Added(uid) => {
                if uid > self.highest {
                    self.added.insert(uid);
                }
            }
            Change::Removed(uid) => {
                if !self.added.remove(uid) && self.told.contains(uid) {
                    self.flags.remove(&uid);
                    self.unread.remove(uid);
                    self.reading.remove(uid);
                    self.removed.insert(uid);
                }
            }
            Change::Flags { uid, flags, mod_seq } => {
                if let Some(mod_seq) = mod_seq {
                    self.mod_seq = self.mod_seq.max(mod_seq);
                }
                self.apply_flags(uid, flags, mod_seq);
            }
            Change::HighestModSeq(mod_seq) => self.mod_seq = self.mod_seq.max(mod_seq),
        }
        self.settle();
    }

    fn apply_flags(&mut self, uid: u32, flags: Arc<[Flag]>, mod_seq: Option<ModSeq>) {
        // Those of a message that was not told of are read by the client when it is.
        if !self.told.contains(uid) || self.removed.contains(uid) {
            return;
        }
        self.reading.remove(uid);
        if self.flags.len() < self.max_flags || self.flags.contains_key(&uid) {
            self.unread.remove(uid);
            self.flags.insert(uid, (flags, mod_seq));
        } else {
            self.unread.insert(uid);
        }
    }

    /// A FETCH response with all these flags of this message is written, for whatever reason: they need not be told again. Other flags
    /// that wait for this message stay, for they may be newer.
    pub fn flags_told(&mut self, uid: u32, flags: &[Flag]) {
        let same = |(waiting, _): &(Arc<[Flag]>, _)| {
            waiting.len() == flags.len() && waiting.iter().all(|flag| flags.contains(flag))
        };
        if self.flags.get(&uid).is_some_and(same) {
            self.flags.remove(&uid);
            self.settle();
        }
    }

    /// The client itself gave this message these flags, and is told so, or wanted not to be. Other flags that wait for it are older, or
    /// newer: nobody knows, so they are to be [read again](Self::take_unread).
    pub fn flags_stored(&mut self, uid: u32, flags: &[Flag]) {
        self.flags_told(uid, flags);
        if self.flags.remove(&uid).is_some() {
            self.unread.insert(uid);
        }
    }

    /// UIDs of messages whose flags changed, but there was no room to keep how; ascending, at most `max` and at most as many as there is
    /// room for now. Each is given once: the caller reads the flags anew and [applies](Self::apply) them.
    pub fn take_unread(&mut self, max: usize) -> Vec<u32> {
        let room = self.max_flags.saturating_sub(self.flags.len()).min(max);
        let taken: Vec<u32> = self.unread.iter().take(room).collect();
        for uid in &taken {
            self.unread.remove(*uid);
            self.reading.insert(*uid);
        }
        taken
    }

    /// Whether [`take_unread`](Self::take_unread) has something to give, now or when notices are told.
    pub fn has_unread(&self) -> bool {
        !self.unread.is_empty()
    }

    /// Whether [`next_notice`](Self::next_notice) has something to tell.
    pub fn has_notices(&self, expunge: bool) -> bool {
        !self.added.is_empty() || !self.flags.is_empty() || (expunge && !self.removed.is_empty())
    }

    /// The next notice, which must be written at once.
    ///
    /// With `expunge` the removals come first, the greatest number first; it must be false while a command with sequence numbers runs and
    /// at the end of FETCH, STORE and SEARCH (RFC 9051 section 7.5.1). Then EXISTS, which counts the messages whose EXPUNGE is owed. Flags
    /// come last, of the least UID first.
    pub fn next_notice(&mut self, expunge: bool) -> Option<Notice> {
        let notice = self.notice(expunge);
        if notice.is_some() {
            self.settle();
        }
        notice
    }

    fn notice(&mut self, expunge: bool) -> Option<Notice> {
        if expunge && !self.removed.is_empty() {
            if self.qresync || self.uid_only {
                return Some(self.vanished());
            }
            if let Some((uid, number)) =
                self.removed.last().and_then(|uid| Some((uid, self.told.number(uid)?)))
            {
                self.removed.remove(uid);
                self.told.remove(uid);
                return Some(Notice::Expunge(number));
            }
        }
        if let Some(last) = self.added.last() {
            self.told.extend(&core::mem::take(&mut self.added));
            self.highest = last;
            return Some(Notice::Exists(self.told.len()));
        }
        while let Some((uid, (flags, mod_seq))) = self.flags.pop_first() {
            if let Some(number) = self.told.number(uid) {
                let mod_seq = mod_seq.filter(|_| self.condstore);
                return Some(Notice::Flags { number, uid, flags, mod_seq });
            }
        }
        None
    }

    fn vanished(&mut self) -> Notice {
        let mut left = VANISHED_MESSAGES;
        let mut ranges = Vec::new();
        for (first, last) in self.removed.ranges().take(VANISHED_RANGES) {
            let last = last.min(first.saturating_add(left - 1));
            ranges.push((first, last));
            left -= last - first + 1;
            if left == 0 {
                break;
            }
        }
        for (first, last) in &ranges {
            for uid in *first..=*last {
                self.told.remove(uid);
                self.removed.remove(uid);
            }
        }
        Notice::Vanished(ranges)
    }

    /// Every [notice](Self::next_notice) that there is, where the output has room for all.
    pub fn tell(&mut self, expunge: bool, mut say: impl FnMut(Notice)) {
        while let Some(notice) = self.next_notice(expunge) {
            say(notice);
        }
    }

    /// Once nothing is owed, the client knows the mailbox up to its highest mod-sequence.
    fn settle(&mut self) {
        if !self.has_notices(true) && self.unread.is_empty() && self.reading.is_empty() {
            self.mod_seq_told = self.mod_seq;
        }
    }

    /// The messages that a set names, in UIDs, as the client knows them at this moment: to be called when the command starts. `saved` is
    /// what `$` stands for (RFC 9051 section 6.4.4.1), in ranges of UIDs. Takes as long as the set is, however wide its ranges are.
    pub fn resolve(&self, messages: &Messages, by_uid: bool, saved: &[(u32, u32)]) -> Resolved {
        let set = match messages {
            Messages::Set(set) => set,
            Messages::Saved => {
                return Resolved { ranges: self.told.resolve_uids(saved.iter().copied()), beyond: false };
            }
        };
        if by_uid {
            let star = self.told.last().unwrap_or(0);
            return Resolved { ranges: self.told.resolve_uids(set.normalise(star)), beyond: false };
        }
        let count = self.told.len();
        let numbers = set.normalise(count);
        // `*` is no number in an empty mailbox.
        let beyond = count == 0 || numbers.last().is_some_and(|(_, last)| *last > count);
        Resolved { ranges: self.told.resolve_numbers(numbers), beyond }
    }
}
