//! Where messages are: one mailbox for each account, in memory.
//!
//! All three protocols meet here, and none knows of the others. What they have in common is the UID: given to a message once, ascending, never
//! to another one.

use bytes::{Bytes, BytesMut};
use postroad_imap::types::{DateTime, Flag, UidSet};
use postroad_imap::view::{Change, Uids};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// So many messages there may be at once, those that are coming in among them. Each has at most so many octets: this bounds the memory.
const MAX_MESSAGES: usize = 256;
pub const MAX_OCTETS: u64 = 1 << 20;
/// A session that is this many changes behind is let go: its client comes again, with a fresh look.
const MAX_BEHIND: usize = 1000;

/// What all connections share.
pub struct Store {
    /// By the local-part of their addresses, which is also the name to log in with.
    pub accounts: HashMap<&'static str, Arc<Account>>,
    room: Arc<Semaphore>,
}

/// Who reads mail here: a password, and INBOX.
pub struct Account {
    pub password: &'static str,
    /// UIDs begin at 1 again with each start of this program: so this is another number each time, and no client takes a new message
    /// for an old one that it has kept.
    pub uid_validity: u32,
    /// Locked while a POP3 session has the maildrop (RFC 1939 section 4). IMAP sessions do not ask for it.
    pub maildrop: Arc<tokio::sync::Mutex<()>>,
    inbox: Mutex<Inbox>,
}

struct Inbox {
    messages: BTreeMap<u32, Message>,
    uid_next: u32,
    watchers: Vec<mpsc::Sender<Change>>,
}

/// A message that is coming in, and its place.
pub type Draft = (BytesMut, OwnedSemaphorePermit);

/// A message. Cheap to clone: all is shared. With the last clone its place is free again.
#[derive(Clone)]
pub struct Message {
    pub octets: Bytes,
    pub received: DateTime,
    pub flags: Arc<[Flag]>,
    _place: Arc<OwnedSemaphorePermit>,
}

/// The libraries read no clock: who calls them says what time it is.
#[expect(clippy::expect_used, reason = "a clock out of the years to 9999 can only be set right")]
pub fn now() -> DateTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).ok().and_then(|now| DateTime::from_unix(now, 0)).expect("the time")
}

impl Store {
    pub fn new(accounts: &[(&'static str, &'static str)]) -> Arc<Self> {
        let uid_validity = u32::try_from(now().unix_timestamp()).unwrap_or(1);
        let account = |password| {
            let inbox = Inbox { messages: BTreeMap::new(), uid_next: 1, watchers: Vec::new() }.into();
            Arc::new(Account { password, uid_validity, maildrop: Arc::default(), inbox })
        };
        let accounts = accounts.iter().map(|(name, password)| (*name, account(*password))).collect();
        Arc::new(Self { accounts, room: Arc::new(Semaphore::new(MAX_MESSAGES)) })
    }

    /// A place for a message, if there is one.
    pub fn draft(&self) -> Option<Draft> {
        Some((BytesMut::new(), self.room.clone().try_acquire_owned().ok()?))
    }
}

impl Message {
    pub fn new((octets, place): Draft, received: DateTime, flags: Arc<[Flag]>) -> Self {
        Self { octets: octets.freeze(), received, flags, _place: Arc::new(place) }
    }
}

impl Account {
    /// Never held across an await, so an ordinary mutex does.
    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn messages(&self, is_wanted: impl Fn(u32) -> bool) -> Vec<(u32, Message)> {
        let inbox = self.lock();
        let wanted = inbox.messages.iter().filter(|(uid, _)| is_wanted(**uid));
        wanted.map(|(uid, message)| (*uid, message.clone())).collect()
    }

    pub fn add(&self, messages: Vec<Message>) -> UidSet {
        let mut inbox = self.lock();
        let mut uids = UidSet::new();
        for message in messages {
            let uid = inbox.uid_next;
            inbox.uid_next += 1;
            inbox.messages.insert(uid, message);
            inbox.tell(&Change::Added(uid));
            uids.push(uid);
        }
        uids
    }

    /// Gives a message other flags, if it is still there.
    pub fn set_flags(&self, uid: u32, flags: Arc<[Flag]>) {
        let mut inbox = self.lock();
        let Some(message) = inbox.messages.get_mut(&uid) else { return };
        message.flags = flags.clone();
        inbox.tell(&Change::Flags { uid, flags, mod_seq: None });
    }

    pub fn remove(&self, is_to_go: impl Fn(u32, &Message) -> bool) {
        let mut inbox = self.lock();
        let gone = inbox.messages.iter().filter(|(uid, message)| is_to_go(**uid, message));
        for uid in gone.map(|(uid, _)| *uid).collect::<Vec<_>>() {
            inbox.messages.remove(&uid);
            inbox.tell(&Change::Removed(uid));
        }
    }

    /// What is there, the next UID, and every change from now on: under one lock, for a change in between would never be told.
    pub fn watch(&self) -> (Uids, u32, mpsc::Receiver<Change>) {
        let mut inbox = self.lock();
        let (watcher, changes) = mpsc::channel(MAX_BEHIND);
        inbox.watchers.push(watcher);
        (inbox.messages.keys().copied().collect(), inbox.uid_next, changes)
    }
}

impl Inbox {
    /// Tells every session, and waits for none. Who has gone, or is too far behind, is told no more: its channel ends.
    fn tell(&mut self, change: &Change) {
        self.watchers.retain(|watcher| watcher.try_send(change.clone()).is_ok());
    }
}
