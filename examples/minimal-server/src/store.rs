//! Where messages are: an INBOX for each account, in memory. All three protocols meet here, and none knows of the others. What they have in
//! common is the UID: given to a message once, ascending, never to another one.

use bytes::Bytes;
use postroad_imap::types::{DateTime, Flag};
use postroad_imap::view::{Change, Uids};
use postroad_tokio::imap::{Watch, Watchers};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// By the local-part of their addresses, which is also the name to log in with.
pub(crate) type Inboxes = Arc<HashMap<&'static str, Arc<Inbox>>>;

/// The most messages: with the largest size of one, and of so many that are coming in at once, this bounds the memory.
const MAX_MESSAGES: usize = 100;
/// A session that is this many changes behind is let go; its client comes again.
const MAX_BEHIND: usize = 1000;

pub(crate) struct Inbox {
    pub(crate) password: &'static str,
    /// UIDs begin at 1 with each start of this program: so this is another number each time, and no client takes a new message for an
    /// old one that it has kept.
    pub(crate) uid_validity: u32,
    pub(crate) uid_next: AtomicU32,
    /// Locked while a POP3 session has the maildrop (RFC 1939 section 4). IMAP sessions do not ask for it.
    pub(crate) maildrop: Arc<tokio::sync::Mutex<()>>,
    messages: Mutex<BTreeMap<u32, Message>>,
    watchers: Watchers,
}

/// Cheap to clone: what is large is shared.
#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) octets: Bytes,
    pub(crate) received: DateTime,
    pub(crate) flags: Arc<[Flag]>,
}

/// In seconds. The libraries read no clock: who calls them says what time it is.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

impl Inbox {
    pub(crate) fn new(password: &'static str) -> Arc<Self> {
        let (uid_validity, uid_next) = (u32::try_from(now()).unwrap_or(1), AtomicU32::new(1));
        let ((maildrop, messages), watchers) = (Default::default(), Watchers::new(MAX_BEHIND));
        Arc::new(Self { password, uid_validity, uid_next, maildrop, messages, watchers })
    }

    /// Never held across an await, so an ordinary mutex does.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u32, Message>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.lock().len() >= MAX_MESSAGES
    }

    pub(crate) fn messages(&self, is_wanted: impl Fn(u32) -> bool) -> Vec<(u32, Message)> {
        let messages = self.lock();
        let wanted = messages.iter().filter(|(uid, _)| is_wanted(**uid));
        wanted.map(|(uid, message)| (*uid, message.clone())).collect()
    }

    pub(crate) fn add(&self, message: Message) {
        let mut messages = self.lock();
        let uid = self.uid_next.fetch_add(1, Relaxed);
        messages.insert(uid, message);
        self.watchers.tell(&Change::Added(uid));
    }

    /// Gives `change` the flags as they are now, for another session may have changed them since one looked. `None`: the message is gone.
    pub(crate) fn with_flags<T>(&self, uid: u32, change: impl FnOnce(&mut Arc<[Flag]>) -> T) -> Option<T> {
        let mut messages = self.lock();
        let flags = &mut messages.get_mut(&uid)?.flags;
        let before = flags.clone();
        let changed = change(flags);
        if *flags != before {
            self.watchers.tell(&Change::Flags { uid, flags: flags.clone(), mod_seq: None });
        }
        Some(changed)
    }

    pub(crate) fn remove(&self, is_to_go: impl Fn(u32, &Message) -> bool) {
        let mut messages = self.lock();
        for (uid, _) in messages.extract_if(.., |uid, message| is_to_go(*uid, message)) {
            self.watchers.tell(&Change::Removed(uid));
        }
    }

    /// What is there, and every change from now on: under one lock, for a change in between would never be told.
    pub(crate) fn watch(&self) -> (Uids, u32, Watch) {
        let messages = self.lock();
        (messages.keys().copied().collect(), self.uid_next.load(Relaxed), self.watchers.watch())
    }
}
