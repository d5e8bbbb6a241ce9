//! What happens to a selected mailbox, from the store to the session.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use postroad_imap::view::Change;

use super::convert;
use crate::store::mailboxes::{self, Changes, Choice, Next, UidSet};
use crate::store::{Store, StoreError};

/// Flag changes of this connection's own that are not yet seen in the feed.
const MAX_OWN: usize = 64;

type Waiting = Pin<Box<dyn Future<Output = (Changes, Result<Heard, StoreError>)> + Send>>;

/// The changes of one mailbox, in order, as the session wants them.
pub(super) struct Feed {
    store: Store,
    /// Reads the next change; none once the mailbox is gone.
    waiting: Option<Waiting>,
    /// What was heard and not yet given on.
    heard: VecDeque<Change>,
    /// What the session was told of.
    known: UidSet,
    /// Up to which change.
    mod_seq: u64,
    /// The modification sequences of this connection's own changes of flags: it has told them itself.
    own: VecDeque<u64>,
}

/// What the store had to say.
enum Heard {
    Next(Next),
    /// After too much happened unread: the mailbox as it is, and the flags that changed since.
    Anew(UidSet, u64, Vec<mailboxes::MessageRow>),
}

impl Feed {
    pub(super) fn new(store: Store, changes: Changes, known: UidSet, mod_seq: u64) -> Self {
        let waiting = wait(store.clone(), changes, mod_seq);
        Self { store, waiting: Some(waiting), heard: VecDeque::new(), known, mod_seq, own: VecDeque::new() }
    }

    /// The session has told this change of flags itself.
    pub(super) fn told(&mut self, mod_seq: u64) {
        // It may have been heard already; then the session compares.
        if mod_seq > self.mod_seq && self.own.back() != Some(&mod_seq) {
            if self.own.len() == MAX_OWN {
                self.own.pop_front();
            }
            self.own.push_back(mod_seq);
        }
    }

    /// The flags of these messages, once more.
    pub(super) fn again(&mut self, rows: &[mailboxes::MessageRow]) {
        self.heard.extend(rows.iter().map(|row| flags_change(row.uid, &row.flags, row.modseq)));
    }

    /// The next change; `None`: the mailbox is gone, or cannot be read.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Change>> {
        loop {
            if let Some(change) = self.heard.pop_front() {
                return Poll::Ready(Some(change));
            }
            let Some(waiting) = &mut self.waiting else { return Poll::Ready(None) };
            let Poll::Ready((changes, heard)) = waiting.as_mut().poll(context) else { return Poll::Pending };
            self.waiting = None;
            match heard {
                Ok(Heard::Next(Next::Change(change))) => {
                    if let mailboxes::Change::Deleted = &*change {
                        continue;
                    }
                    self.take(&change);
                }
                // It is read anew by the next wait.
                Ok(Heard::Next(Next::Lagged)) => {}
                Ok(Heard::Anew(uids, mod_seq, rows)) => self.take_anew(uids, mod_seq, &rows),
                Err(error) => {
                    tracing::error!(%error, "a mailbox cannot be read anew");
                    continue;
                }
            }
            self.waiting = Some(wait(self.store.clone(), changes, self.mod_seq));
        }
    }

    fn take(&mut self, change: &mailboxes::Change) {
        if let Some(mod_seq) = change.modseq() {
            self.mod_seq = mod_seq;
        }
        match change {
            mailboxes::Change::Added { uids, .. } => {
                self.known = self.known.ranges().iter().chain(uids.ranges()).copied().collect();
                self.heard.extend(uids.iter().map(Change::Added));
            }
            mailboxes::Change::Removed { uids, .. } => {
                self.known = self.known.difference(uids);
                self.heard.extend(uids.iter().map(Change::Removed));
            }
            mailboxes::Change::Flags { messages, modseq } => {
                if self.own.contains(modseq) {
                    self.own.retain(|own| own > modseq);
                } else {
                    self.heard.extend(messages.iter().map(|(uid, flags)| flags_change(*uid, flags, *modseq)));
                }
            }
            _ => {}
        }
        self.heard.extend(convert::mod_seq(self.mod_seq).map(Change::HighestModSeq));
    }

    /// The difference to what was known.
    fn take_anew(&mut self, uids: UidSet, mod_seq: u64, rows: &[mailboxes::MessageRow]) {
        self.heard.extend(self.known.difference(&uids).iter().map(Change::Removed));
        self.heard.extend(uids.difference(&self.known).iter().map(Change::Added));
        self.heard.extend(rows.iter().map(|row| flags_change(row.uid, &row.flags, row.modseq)));
        self.known = uids;
        self.mod_seq = mod_seq;
        self.own.clear();
        self.heard.extend(convert::mod_seq(mod_seq).map(Change::HighestModSeq));
    }
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed")
            .field("heard", &self.heard.len())
            .field("mod_seq", &self.mod_seq)
            .finish_non_exhaustive()
    }
}

fn flags_change(uid: u32, flags: &mailboxes::Flags, mod_seq: u64) -> Change {
    Change::Flags { uid, flags: convert::shared_flags(flags), mod_seq: convert::mod_seq(mod_seq) }
}

/// Waits for the next change; reads the mailbox anew when it has come to that.
fn wait(store: Store, mut changes: Changes, since: u64) -> Waiting {
    Box::pin(async move {
        let next = changes.next().await;
        if next != Next::Lagged {
            return (changes, Ok(Heard::Next(next)));
        }
        let anew = read_anew(&store, &mut changes, since).await;
        (changes, anew)
    })
}

async fn read_anew(store: &Store, changes: &mut Changes, since: u64) -> Result<Heard, StoreError> {
    let snapshot = store.resynchronise(changes).await?;
    let choice = Choice { uids: UidSet::all(), changed_since: Some(since), derived: None };
    let mut rows = store.message_rows(&changes.mailbox(), choice);
    let mut changed = Vec::new();
    while let Some(batch) = rows.next().await? {
        changed.extend(batch);
    }
    Ok(Heard::Anew(snapshot.uids, snapshot.highestmodseq, changed))
}
