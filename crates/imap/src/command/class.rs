//! What may run together.

use super::{CommandBody, FetchItem, SearchKey, SearchKeys, SearchReturn};
use crate::types::Messages;
use core::ops::BitOr;

/// What a command does that matters to those beside it: which may start while others run, and which may be sent before others are
/// answered. The table is [`CommandBody::class`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Class(u8);

impl Class {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Sequence numbers stand in its arguments or results.
    pub const SEQ: Self = Self(1);
    /// It reads what others may write.
    pub const READ: Self = Self(2);
    /// It writes what others may read or write.
    pub const WRITE: Self = Self(4);
    /// The server may tell of expunged messages before it is answered.
    pub const MAY_EXPUNGE: Self = Self(8);
    /// Nothing runs beside it.
    pub const ALONE: Self = Self(16);
    /// It reads `$`.
    pub const SAVED_READ: Self = Self(32);
    /// It writes `$`.
    pub const SAVED_WRITE: Self = Self(64);

    /// Whether it has all of `other`.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether it has any of `other`.
    pub const fn has_any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// It and `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOr for Class {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.with(other)
    }
}

impl Class {
    /// Its sequence numbers stand in its arguments only, which are read when it starts: [`SEQ`](Self::SEQ) then does not keep back
    /// expunges before its answer.
    pub const RESOLVED: Self = Self(128);

    /// APPEND, which is no [`CommandBody`].
    pub const APPEND: Self = Self::WRITE.with(Self::MAY_EXPUNGE);

    /// Whether a server may tell of expunged messages before it answers this command (RFC 9051 section 7.5.1), if no command runs
    /// beside it that [`holds_expunges`](Self::holds_expunges).
    pub const fn tells_expunges(self) -> bool {
        self.has(Self::MAY_EXPUNGE) && !self.holds_expunges()
    }

    /// Whether a server must not tell of expunged messages while this command runs: there are sequence numbers in its results.
    pub const fn holds_expunges(self) -> bool {
        self.has(Self::SEQ) && !self.has(Self::RESOLVED)
    }

    /// The server's rule: whether this command may start while `running` runs (RFC 9051 section 5.5).
    pub const fn may_join(self, running: Self) -> bool {
        !self.has(Self::ALONE)
            && !running.has(Self::ALONE)
            && !self.disturbs(running)
            && !running.disturbs(self)
    }

    /// Whether it writes what `other` reads or writes.
    const fn disturbs(self, other: Self) -> bool {
        (self.has(Self::WRITE) && other.has_any(Self::READ.with(Self::WRITE)))
            || (self.has(Self::SAVED_WRITE) && other.has_any(Self::SAVED_READ.with(Self::SAVED_WRITE)))
    }

    /// The client's rule: whether this command may be sent while `sent` is not answered. What its sequence numbers mean must not change
    /// on the way.
    pub const fn may_follow(self, sent: Self) -> bool {
        !(sent.has(Self::ALONE) || self.has(Self::SEQ) && sent.has(Self::MAY_EXPUNGE))
    }
}

impl CommandBody {
    /// What it does that matters to those beside it.
    ///
    /// | Command | Class |
    /// |---|---|
    /// | CAPABILITY, NOOP, ID, GETQUOTA, GETQUOTAROOT | `MAY_EXPUNGE` |
    /// | CHECK | WRITE, `MAY_EXPUNGE`: clients wait for it to know that what they sent before it is done |
    /// | LIST, LSUB, NAMESPACE, STATUS | READ, `MAY_EXPUNGE` |
    /// | CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE, SETQUOTA, APPEND | WRITE, `MAY_EXPUNGE` |
    /// | LOGIN, AUTHENTICATE, UNAUTHENTICATE, STARTTLS, COMPRESS, ENABLE, SELECT, EXAMINE, CLOSE, UNSELECT, IDLE, LOGOUT | ALONE, `MAY_EXPUNGE` |
    /// | FETCH | SEQ, READ; WRITE if it sets `\Seen` |
    /// | STORE | SEQ, READ, WRITE |
    /// | SEARCH, SORT, THREAD | SEQ, READ |
    /// | UID FETCH, UID STORE, UID SEARCH, UID SORT, UID THREAD | the same with `MAY_EXPUNGE` in place of SEQ |
    /// | UID SEARCH, UID SORT, UID THREAD with sequence numbers in the keys | SEQ, RESOLVED and `MAY_EXPUNGE`, READ |
    /// | COPY, MOVE | SEQ, RESOLVED, READ, WRITE, `MAY_EXPUNGE` |
    /// | UID COPY, UID MOVE | READ, WRITE, `MAY_EXPUNGE` |
    /// | EXPUNGE, UID EXPUNGE | WRITE, `MAY_EXPUNGE` |
    ///
    /// What names `$` has `SAVED_READ` too; what saves a result `SAVED_WRITE`.
    pub fn class(&self) -> Class {
        match self {
            Self::Capability
            | Self::Noop
            | Self::Id(_)
            | Self::GetQuota { .. }
            | Self::GetQuotaRoot { .. } => Class::MAY_EXPUNGE,
            Self::List(_) | Self::Lsub { .. } | Self::Namespace | Self::Status { .. } => {
                Class::READ | Class::MAY_EXPUNGE
            }
            Self::Create { .. }
            | Self::Delete { .. }
            | Self::Rename { .. }
            | Self::Subscribe { .. }
            | Self::Unsubscribe { .. }
            | Self::SetQuota { .. }
            | Self::Check => Class::WRITE | Class::MAY_EXPUNGE,
            Self::Login(_)
            | Self::Authenticate { .. }
            | Self::Unauthenticate
            | Self::StartTls
            | Self::Compress
            | Self::Enable(_)
            | Self::Select(_)
            | Self::Close
            | Self::Unselect
            | Self::Idle
            | Self::Logout => Class::ALONE | Class::MAY_EXPUNGE,
            Self::Fetch(fetch) => {
                let sets_seen = fetch.items.iter().any(FetchItem::sets_seen);
                let writes = if sets_seen { Class::WRITE } else { Class::NONE };
                numbers(fetch.uid) | Class::READ | writes | reads_saved(&fetch.messages)
            }
            Self::Store(store) => {
                numbers(store.uid) | Class::READ | Class::WRITE | reads_saved(&store.messages)
            }
            Self::Search(search) => searches(search.uid, search.return_options, &search.keys),
            Self::Sort(sort) => searches(sort.uid, sort.return_options, &sort.keys),
            Self::Thread(thread) => searches(thread.uid, None, &thread.keys),
            Self::Copy { uid, messages, .. } | Self::Move { uid, messages, .. } => {
                let arguments = if *uid { Class::NONE } else { Class::SEQ | Class::RESOLVED };
                arguments | Class::READ | Class::WRITE | Class::MAY_EXPUNGE | reads_saved(messages)
            }
            Self::Expunge { uids } => {
                Class::WRITE | Class::MAY_EXPUNGE | uids.as_ref().map_or(Class::NONE, reads_saved)
            }
        }
    }
}

fn numbers(uid: bool) -> Class {
    if uid { Class::MAY_EXPUNGE } else { Class::SEQ }
}

fn reads_saved(messages: &Messages) -> Class {
    if matches!(messages, Messages::Saved) { Class::SAVED_READ } else { Class::NONE }
}

fn searches(uid: bool, returns: Option<SearchReturn>, keys: &SearchKeys) -> Class {
    let mut class = numbers(uid) | Class::READ;
    if returns.is_some_and(|returns| returns.save) {
        class = class | Class::SAVED_WRITE;
    }
    for key in keys.as_slice() {
        match key {
            SearchKey::Sequence(Messages::Saved) | SearchKey::Uid(Messages::Saved) => {
                class = class | Class::SAVED_READ;
            }
            SearchKey::Sequence(Messages::Set(_)) if uid => class = class | Class::SEQ | Class::RESOLVED,
            _ => {}
        }
    }
    class
}
