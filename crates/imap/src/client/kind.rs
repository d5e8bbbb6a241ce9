//! What a client session keeps of a command in flight: enough to know its answers when they come.

use crate::command::{CommandBody, FetchItem};
use crate::response::FetchRow;
use crate::types::{MailboxName, Messages, SequenceNumber};

/// A command in flight. It holds no argument but those that its answers are known by; no password above all.
#[derive(Debug)]
pub(super) enum Kind {
    Append,
    Authenticate,
    Capability,
    Enable,
    Expunge,
    Fetch { asked: Asked, vanished: bool },
    Id,
    Idle,
    Leave,
    List { status: bool },
    Login,
    Logout,
    Lsub,
    Move,
    Namespace,
    Other,
    Quota,
    Search,
    Select,
    Sort,
    StartTls,
    Status(MailboxName),
    Store(Asked),
    Thread,
    Unauthenticate,
}

impl Kind {
    /// `exists`: how many messages the mailbox has.
    pub(super) fn of(command: &CommandBody, exists: u32) -> Self {
        match command {
            CommandBody::Authenticate { .. } => Self::Authenticate,
            CommandBody::Capability => Self::Capability,
            CommandBody::Close | CommandBody::Unselect => Self::Leave,
            CommandBody::Enable(_) => Self::Enable,
            CommandBody::Expunge { .. } => Self::Expunge,
            CommandBody::Fetch(fetch) => Self::Fetch {
                asked: Asked::new(fetch.uid, &fetch.messages, exists, fetch.items.clone()),
                vanished: fetch.vanished,
            },
            CommandBody::GetQuota { .. }
            | CommandBody::GetQuotaRoot { .. }
            | CommandBody::SetQuota { .. } => Self::Quota,
            CommandBody::Id(_) => Self::Id,
            CommandBody::Idle => Self::Idle,
            CommandBody::List(list) => Self::List { status: !list.returns.status.is_empty() },
            CommandBody::Login(_) => Self::Login,
            CommandBody::Logout => Self::Logout,
            CommandBody::Lsub { .. } => Self::Lsub,
            CommandBody::Move { .. } => Self::Move,
            CommandBody::Namespace => Self::Namespace,
            CommandBody::Search(_) => Self::Search,
            CommandBody::Select(_) => Self::Select,
            CommandBody::Sort(_) => Self::Sort,
            CommandBody::StartTls => Self::StartTls,
            CommandBody::Status { mailbox, .. } => Self::Status(mailbox.clone()),
            CommandBody::Store(store) if store.silent => Self::Other,
            CommandBody::Store(store) => {
                Self::Store(Asked::new(store.uid, &store.messages, exists, vec![FetchItem::Flags]))
            }
            CommandBody::Thread(_) => Self::Thread,
            CommandBody::Unauthenticate => Self::Unauthenticate,
            _ => Self::Other,
        }
    }
}

/// Rows that a command asked for.
#[derive(Debug)]
pub(super) struct Asked {
    uid: bool,
    /// In ascending order; `None`: any, for `$` does not say.
    ranges: Option<Vec<(u32, u32)>>,
    /// `*` is among them: the last message is, whatever its number.
    star: bool,
    items: Vec<FetchItem>,
}

impl Asked {
    fn new(uid: bool, messages: &Messages, exists: u32, items: Vec<FetchItem>) -> Self {
        let Messages::Set(set) = messages else { return Self { uid, ranges: None, star: false, items } };
        let star = set.ranges().iter().any(|range| [range.start, range.end].contains(&SequenceNumber::Star));
        Self { uid, ranges: Some(set.normalise(if uid { u32::MAX } else { exists })), star, items }
    }

    /// Whether this row may be an answer: it is about a message that was asked for, and says something that was. A row of nothing but
    /// flags is one only if flags were asked for and it says all that was, for any other may be news.
    pub(super) fn covers(&self, row: &FetchRow, exists: u32) -> bool {
        let is_known = !self.uid || self.ranges.is_none() || row.uid().is_some();
        is_known && self.may_be_about(row.number(), row.uid(), exists) && self.is_answered_by(row)
    }

    /// Whether the message was asked for, as far as is known.
    pub(super) fn may_be_about(&self, number: u32, uid: Option<u32>, exists: u32) -> bool {
        let Some(ranges) = &self.ranges else { return true };
        let Some(name) = (if self.uid { uid } else { Some(number) }) else { return true };
        if self.star && number == exists {
            return true;
        }
        let at = ranges.partition_point(|range| range.1 < name);
        ranges.get(at).is_some_and(|range| range.0 <= name)
    }

    fn is_answered_by(&self, row: &FetchRow) -> bool {
        let is_of_flags =
            |item: &FetchItem| matches!(item, FetchItem::Uid | FetchItem::Flags | FetchItem::ModSeq);
        if !self.items.iter().all(is_of_flags) {
            return says_more_than_flags(row) || self.items.iter().any(|item| has_binary_size(row, item));
        }
        self.items.iter().all(|item| match item {
            FetchItem::Uid => row.uid().is_some(),
            FetchItem::Flags => row.flags().is_some(),
            _ => true,
        })
    }
}

fn says_more_than_flags(row: &FetchRow) -> bool {
    row.sections().next().is_some()
        || row.size().is_some()
        || row.internal_date().is_some()
        || row.envelope().is_some()
        || row.body_structure().is_some()
        || row.others().next().is_some()
        || row.preview().is_some()
        || row.email_id().is_some()
        || row.thread_id().is_some()
        || row.save_date().is_some()
}

fn has_binary_size(row: &FetchRow, item: &FetchItem) -> bool {
    matches!(item, FetchItem::BinarySize { part } if row.binary_size(part).is_some())
}
