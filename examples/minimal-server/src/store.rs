//! Where messages are: one mailbox for each account, in memory.
//!
//! All three protocols meet here, and none knows of the others. SMTP adds messages. POP3 looks at them once, IMAP for hours. What they have
//! in common is the UID: given to a message once, ascending, never to another one.

use bytes::{Bytes, BytesMut};
use postroad_imap::types::{DateTime, Flag, UidSet};
use postroad_imap::view::{Change, Uids};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// All messages of this program together, those that are coming in among them, take no more octets than this.
const ROOM: usize = 64 << 20;
/// What a message costs beside its own octets, so that a flood of empty ones has an end too.
const PER_MESSAGE: u32 = 2048;
/// A session that is this many changes behind is let go: its client comes again, and begins with a fresh look.
const MAX_BEHIND: usize = 1000;

/// What all connections share.
pub struct Store {
    /// By the local-part of their addresses.
    pub accounts: HashMap<&'static str, Arc<Account>>,
    /// A permit for each octet.
    room: Arc<Semaphore>,
}

/// Who reads mail here.
pub struct Account {
    pub password: &'static str,
    pub inbox: Mailbox,
}

/// A message that is coming in.
pub struct Draft {
    octets: BytesMut,
    room: OwnedSemaphorePermit,
}

/// A message. Cheap to clone: all that is large is shared. With the last clone its room is free again, wherever that is.
#[derive(Clone)]
pub struct Message {
    pub octets: Bytes,
    pub received: DateTime,
    pub flags: Arc<[Flag]>,
    _room: Arc<OwnedSemaphorePermit>,
}

/// The messages of one account.
pub struct Mailbox {
    /// UIDs begin at 1 again with each start of this program, which forgets everything: so this is another number each time, and no
    /// client takes a new message for an old one that it has kept.
    pub uid_validity: u32,
    /// Locked while a POP3 session has the maildrop (RFC 1939 section 4). IMAP sessions do not ask for it.
    pub maildrop: Arc<tokio::sync::Mutex<()>>,
    contents: Mutex<Contents>,
}

struct Contents {
    messages: BTreeMap<u32, Message>,
    uid_next: u32,
    watchers: Vec<mpsc::Sender<Change>>,
}

/// A mailbox at one moment, and every change since.
pub struct Watch {
    pub uids: Uids,
    pub uid_next: u32,
    pub changes: mpsc::Receiver<Change>,
}

/// The libraries read no clock: who calls them says what time it is.
#[expect(clippy::expect_used, reason = "a clock that is out of the years 0 to 9999 can only be set right")]
pub fn now() -> DateTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).ok().and_then(|seconds| DateTime::from_unix(seconds, 0)).expect("the time")
}

impl Store {
    pub fn new(accounts: &[(&'static str, &'static str)]) -> Self {
        let account = |password| Arc::new(Account { password, inbox: Mailbox::new() });
        let accounts = accounts.iter().map(|(name, password)| (*name, account(*password))).collect();
        Self { accounts, room: Arc::new(Semaphore::new(ROOM)) }
    }

    /// Begins a message; `None`: there is no room.
    pub fn draft(&self) -> Option<Draft> {
        let room = self.room.clone().try_acquire_many_owned(PER_MESSAGE).ok()?;
        Some(Draft { octets: BytesMut::new(), room })
    }
}

impl Draft {
    /// Adds octets; `None`: there is no room.
    pub fn push(&mut self, octets: &[u8]) -> Option<()> {
        let more = u32::try_from(octets.len()).ok()?;
        self.room.merge(self.room.semaphore().clone().try_acquire_many_owned(more).ok()?);
        self.octets.extend_from_slice(octets);
        Some(())
    }

    pub fn finish(self, received: DateTime, flags: Arc<[Flag]>) -> Message {
        Message { octets: self.octets.freeze(), received, flags, _room: Arc::new(self.room) }
    }
}

impl Mailbox {
    fn new() -> Self {
        let contents = Contents { messages: BTreeMap::new(), uid_next: 1, watchers: Vec::new() };
        Self {
            uid_validity: u32::try_from(now().unix_timestamp()).unwrap_or(1),
            maildrop: Arc::default(),
            contents: Mutex::new(contents),
        }
    }

    /// Never held across an await, so an ordinary mutex does.
    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn uid_next(&self) -> u32 {
        self.lock().uid_next
    }

    /// The messages with these UIDs, or all.
    pub fn messages(&self, among: Option<&UidSet>) -> Vec<(u32, Message)> {
        let contents = self.lock();
        let is_wanted = |uid: &u32| among.is_none_or(|among| among.contains(*uid));
        let wanted = contents.messages.iter().filter(|(uid, _)| is_wanted(uid));
        wanted.map(|(uid, message)| (*uid, message.clone())).collect()
    }

    pub fn add(&self, message: Message) -> u32 {
        let mut contents = self.lock();
        let uid = contents.uid_next;
        contents.uid_next += 1;
        contents.messages.insert(uid, message);
        tell(&mut contents.watchers, &Change::Added(uid));
        uid
    }

    /// Gives a message other flags. `None`: it is gone, by another session.
    pub fn set_flags(&self, uid: u32, flags: Arc<[Flag]>) -> Option<()> {
        let mut contents = self.lock();
        contents.messages.get_mut(&uid)?.flags = flags.clone();
        tell(&mut contents.watchers, &Change::Flags { uid, flags, mod_seq: None });
        Some(())
    }

    /// Removes the messages that are to go.
    pub fn remove(&self, is_to_go: impl Fn(u32, &Message) -> bool) {
        let mut contents = self.lock();
        let contents = &mut *contents;
        contents.messages.retain(|uid, message| {
            let goes = is_to_go(*uid, message);
            if goes {
                tell(&mut contents.watchers, &Change::Removed(*uid));
            }
            !goes
        });
    }

    /// Both under one lock: a change that fell in between would never be told.
    pub fn watch(&self) -> Watch {
        let mut contents = self.lock();
        let (watcher, changes) = mpsc::channel(MAX_BEHIND);
        contents.watchers.push(watcher);
        Watch { uids: contents.messages.keys().copied().collect(), uid_next: contents.uid_next, changes }
    }
}

/// Tells every session, and never waits for one. Who has gone, or is too far behind, is told no more: its channel ends.
fn tell(watchers: &mut Vec<mpsc::Sender<Change>>, change: &Change) {
    watchers.retain(|watcher| watcher.try_send(change.clone()).is_ok());
}
