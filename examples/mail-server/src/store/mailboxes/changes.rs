//! Who is told of changes: each open mailbox has one bounded log, and every subscriber a place in it.
//!
//! The writing thread alone publishes, after the commit and in its order, before it tells the one who asked for the
//! change. A subscriber takes its place first and reads the snapshot then; what the snapshot has already, by its modseq,
//! is passed over.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::{Flags, Mailbox, UidSet};

/// The changes that a log keeps for those who have not read them.
const MAX_CHANGES: usize = 1024;
/// The messages that these concern, in all: about 4 MiB of flags.
const MAX_WEIGHT: usize = 131_072;

/// A change of one mailbox. All that one command did to it is one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Messages came: greater UIDs than all before.
    Added {
        /// These.
        uids: UidSet,
        /// Theirs.
        modseq: u64,
    },
    /// Messages went.
    Removed {
        /// These.
        uids: UidSet,
        /// Of the removal.
        modseq: u64,
    },
    /// Flags were changed.
    Flags {
        /// The UIDs in ascending order, with all flags that each has now.
        messages: Vec<(u32, Flags)>,
        /// Theirs.
        modseq: u64,
    },
    /// The mailbox has another name.
    Renamed {
        /// The whole new name.
        name: String,
        /// The mailbox's from here on; no message has it.
        modseq: u64,
    },
    /// The mailbox is gone; nothing follows.
    Deleted,
}

impl Change {
    /// When it happened, in the mailbox's own count.
    pub(crate) fn modseq(&self) -> Option<u64> {
        match self {
            Self::Added { modseq, .. }
            | Self::Removed { modseq, .. }
            | Self::Flags { modseq, .. }
            | Self::Renamed { modseq, .. } => Some(*modseq),
            Self::Deleted => None,
        }
    }

    /// The memory it takes, in messages.
    fn weight(&self) -> usize {
        match self {
            Self::Added { uids, .. } | Self::Removed { uids, .. } => uids.ranges().len(),
            Self::Flags { messages, .. } => messages.len(),
            Self::Renamed { .. } | Self::Deleted => 1,
        }
    }
}

/// What a subscriber gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The next change.
    Change(Arc<Change>),
    /// So much happened unread that some of it is lost. Comes again and again until
    /// [`Store::resynchronise`](crate::store::Store::resynchronise).
    Lagged,
}

/// What a transaction has to tell once it is committed.
#[derive(Debug, Default)]
pub(in crate::store) struct Published {
    changes: Vec<(Mailbox, Change)>,
    accounts: Vec<i64>,
}

impl Published {
    /// A mailbox changed.
    pub(in crate::store) fn change(&mut self, mailbox: Mailbox, change: Change) {
        self.changes.push((mailbox, change));
    }

    /// What another has to tell comes after this.
    pub(in crate::store) fn append(&mut self, mut other: Self) {
        self.changes.append(&mut other.changes);
        self.accounts.append(&mut other.accounts);
    }

    /// Something else of an account changed.
    pub(in crate::store) fn account(&mut self, account: i64) {
        self.accounts.push(account);
    }
}

/// The logs of the mailboxes that are open.
#[derive(Debug, Default)]
pub(in crate::store) struct Hub {
    logs: Mutex<HashMap<i64, Arc<Log>>>,
    accounts: Mutex<HashMap<i64, watch::Sender<u64>>>,
}

impl Hub {
    /// Tells what was committed.
    pub(in crate::store) fn publish(&self, published: Published) {
        let Published { changes, mut accounts } = published;
        for (mailbox, change) in changes {
            accounts.push(mailbox.account);
            let log = held(&self.logs).get(&mailbox.id).map(Arc::clone);
            if let Some(log) = log {
                log.push(change);
            }
        }
        accounts.sort_unstable();
        accounts.dedup();
        let mut feeds = held(&self.accounts);
        for account in accounts {
            if let Some(feed) = feeds.get(&account) {
                feed.send_modify(|count| *count = count.wrapping_add(1));
                if feed.is_closed() {
                    feeds.remove(&account);
                }
            }
        }
    }

    /// Takes a place at the end of a mailbox's log. The caller reads the snapshot next, and gives it to
    /// [`Changes::start_after`].
    pub(super) fn subscribe(self: &Arc<Self>, mailbox: Mailbox) -> Changes {
        let mut logs = held(&self.logs);
        let log = Arc::clone(logs.entry(mailbox.id).or_default());
        let mut state = held(&log.state);
        state.subscribers += 1;
        let place = state.end();
        drop(state);
        let wake = log.wake.subscribe();
        Changes { hub: Arc::clone(self), mailbox, log, wake, place, after: 0, lagged: false }
    }

    /// The feed of an account.
    pub(super) fn account_feed(&self, account: i64) -> watch::Receiver<u64> {
        let mut feeds = held(&self.accounts);
        // Those that nobody reads any more go now and then.
        if feeds.len().is_power_of_two() {
            feeds.retain(|_, feed| !feed.is_closed());
        }
        feeds.entry(account).or_insert_with(|| watch::Sender::new(0)).subscribe()
    }

    #[cfg(test)]
    pub(super) fn open_logs(&self) -> usize {
        held(&self.logs).len()
    }

    /// What is kept for those who have not read it: changes, and the messages in them.
    #[cfg(test)]
    pub(super) fn kept(&self, mailbox: Mailbox) -> (usize, usize) {
        let logs = held(&self.logs);
        logs.get(&mailbox.id).map_or((0, 0), |log| {
            let state = held(&log.state);
            (state.entries.len(), state.weight)
        })
    }

    /// A change that is more than a log keeps.
    #[cfg(test)]
    pub(super) fn publish_heavy(&self, mailbox: Mailbox) {
        let mut published = Published::default();
        let messages = vec![(1, Flags::default()); MAX_WEIGHT + 1];
        published.change(mailbox, Change::Flags { messages, modseq: u64::MAX });
        self.publish(published);
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing in here stops half way.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The latest changes of one mailbox, as far as somebody has not read them.
#[derive(Debug)]
struct Log {
    state: Mutex<LogState>,
    wake: watch::Sender<()>,
}

impl Default for Log {
    fn default() -> Self {
        Self { state: Mutex::default(), wake: watch::Sender::new(()) }
    }
}

#[derive(Debug, Default)]
struct LogState {
    entries: VecDeque<Entry>,
    /// The place of the first entry.
    first: u64,
    weight: usize,
    subscribers: usize,
}

#[derive(Debug)]
struct Entry {
    change: Arc<Change>,
    /// How many have not read it.
    unread: usize,
}

impl LogState {
    /// The place after the last entry.
    fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    fn entry(&mut self, place: u64) -> Option<&mut Entry> {
        let index = place.checked_sub(self.first)?;
        self.entries.get_mut(usize::try_from(index).ok()?)
    }

    fn drop_first(&mut self) {
        if let Some(entry) = self.entries.pop_front() {
            self.first += 1;
            self.weight -= entry.change.weight();
        }
    }

    /// Lets go of what all have read.
    fn trim(&mut self) {
        while self.entries.front().is_some_and(|entry| entry.unread == 0) {
            self.drop_first();
        }
    }
}

impl Log {
    fn push(&self, change: Change) {
        {
            let mut state = held(&self.state);
            state.weight += change.weight();
            let unread = state.subscribers;
            state.entries.push_back(Entry { change: Arc::new(change), unread });
            // Whoever has not read what goes now finds the first place past its own.
            while state.entries.len() > MAX_CHANGES || state.weight > MAX_WEIGHT {
                state.drop_first();
            }
            state.trim();
        }
        self.wake.send_replace(());
    }
}

/// The changes of a mailbox after its snapshot, in the mailbox's order, each once.
#[derive(Debug)]
pub(crate) struct Changes {
    hub: Arc<Hub>,
    mailbox: Mailbox,
    log: Arc<Log>,
    wake: watch::Receiver<()>,
    place: u64,
    /// What has no greater modseq is in the snapshot.
    after: u64,
    lagged: bool,
}

impl Changes {
    /// The next, once there is one. Cancel-safe: nothing is lost when the future is dropped.
    pub(crate) async fn next(&mut self) -> Next {
        loop {
            self.wake.mark_unchanged();
            if let Some(next) = self.try_next() {
                return next;
            }
            // The sender is in the log, which this holds: it never ends.
            let _ = self.wake.changed().await;
        }
    }

    /// The next, if there is one now.
    pub(crate) fn try_next(&mut self) -> Option<Next> {
        if self.lagged {
            return Some(Next::Lagged);
        }
        let mut state = held(&self.log.state);
        if self.place < state.first {
            self.lagged = true;
            // What comes before the next snapshot will be in it.
            self.place = state.first;
            return Some(Next::Lagged);
        }
        loop {
            let entry = state.entry(self.place)?;
            entry.unread -= 1;
            let change = Arc::clone(&entry.change);
            self.place += 1;
            state.trim();
            if change.modseq().is_none_or(|modseq| modseq > self.after) {
                return Some(Next::Change(change));
            }
        }
    }

    /// Which mailbox.
    pub(crate) fn mailbox(&self) -> Mailbox {
        self.mailbox
    }

    /// The changes that count come after this modseq, which a snapshot was read at.
    pub(super) fn start_after(&mut self, highestmodseq: u64) {
        self.after = highestmodseq;
        self.lagged = false;
    }

    /// Gives up what is unread, before the snapshot is read anew; it lags until then.
    pub(super) fn skip_to_end(&mut self) {
        let mut state = held(&self.log.state);
        self.place = self.place.max(state.first);
        while let Some(entry) = state.entry(self.place) {
            entry.unread -= 1;
            self.place += 1;
        }
        state.trim();
        self.lagged = true;
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        let mut logs = held(&self.hub.logs);
        let mut state = held(&self.log.state);
        state.subscribers -= 1;
        let mut place = self.place.max(state.first);
        while let Some(entry) = state.entry(place) {
            entry.unread -= 1;
            place += 1;
        }
        state.trim();
        if state.subscribers == 0 {
            drop(state);
            logs.remove(&self.mailbox.id);
        }
    }
}
