//! The store's words and IMAP's.

use std::sync::Arc;

use postroad_imap::command::{
    StoreOperation,
    StoreOperation::{Add, Remove, Replace},
};
use postroad_imap::response::{MailboxStatus, No, ResponseCode};
use postroad_imap::types::{Atom, DateTime, Flag, MailboxName, ModSeq, StatusItem, UidSet};

use crate::store::StoreError;
use crate::store::mailboxes::{self, Flags, FlagsChange, Mailbox, Status};
use crate::time::Time;

/// What is answered when the store does not do what it was asked.
pub(super) fn no(error: &StoreError) -> No {
    match error {
        StoreError::NotFound => No::nonexistent(),
        StoreError::Exists => No::already_exists(),
        StoreError::HasChildren => No::has_children(),
        StoreError::Invalid(reason) => No::new(ResponseCode::Cannot, *reason),
        StoreError::Limit(reason) => No::new(ResponseCode::Limit, *reason),
        StoreError::OverQuota { .. } => No::overquota(),
        StoreError::InUse => No::in_use(),
        error => {
            tracing::error!(%error, "the store failed");
            No::unavailable()
        }
    }
}

/// The same, where the mailbox may be made first (RFC 9051 section 7.1, TRYCREATE).
pub(super) fn no_target(error: &StoreError) -> No {
    match error {
        StoreError::NotFound => No::try_create(),
        error => no(error),
    }
}

/// All flags of a message.
pub(super) fn flags(flags: &Flags) -> Vec<Flag> {
    // What the store holds was an atom when it came.
    flags.names().filter_map(|name| Flag::parse(name).ok()).collect()
}

pub(super) fn shared_flags(of: &Flags) -> Arc<[Flag]> {
    flags(of).into()
}

/// Flags that a client gave. `\Recent` is nobody's to set.
pub(super) fn flags_of(flags: &[Flag]) -> Result<Flags, No> {
    let kept = flags.iter().filter(|flag| !matches!(flag, Flag::Recent));
    let names: Vec<String> = kept.map(ToString::to_string).collect();
    Flags::from_names(names.iter().map(String::as_str)).map_err(|error| no(&error))
}

pub(super) fn flags_change(operation: StoreOperation, flags: &[Flag]) -> Result<FlagsChange, No> {
    let flags = flags_of(flags)?;
    Ok(match operation {
        Replace => FlagsChange::Replace(flags),
        Add => FlagsChange::Add(flags),
        Remove => FlagsChange::Remove(flags),
    })
}

/// The store's set of the same UIDs.
pub(super) fn uids(set: &UidSet) -> mailboxes::UidSet {
    set.ranges().map(|range| (*range.start(), *range.end())).collect()
}

/// IMAP's set of the same UIDs.
pub(super) fn uid_set(uids: &mailboxes::UidSet) -> UidSet {
    let mut set = UidSet::new();
    uids.ranges().iter().for_each(|(first, last)| set.push_range(*first..=*last));
    set
}

/// A modification sequence; the store counts from 1.
pub(super) fn mod_seq(value: u64) -> Option<ModSeq> {
    ModSeq::new(value).ok()
}

/// UIDNEXT. When no UID is left it is the last one, for there is no greater number to say.
pub(super) fn uid_next(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// A time, in UTC.
pub(super) fn date_time(time: Time) -> Option<DateTime> {
    DateTime::from_unix(time.seconds(), 0)
}

/// The same, where there must be one: of a time that cannot be said, the last moment of the last year that can.
pub(super) fn any_date_time(time: Time) -> DateTime {
    const LAST: i64 = 253_402_300_799;
    let seconds = time.seconds().clamp(0, LAST);
    match DateTime::from_unix(seconds, 0) {
        Some(date) => date,
        None => unreachable!("every second from 1970 to 9999 is a date"),
    }
}

/// What STATUS says of a mailbox, but for what has to be [asked](super::Imap::status_of) for.
pub(super) fn status(
    name: MailboxName,
    mailbox: &Mailbox,
    status: &Status,
    items: &[StatusItem],
) -> MailboxStatus {
    let mut response = MailboxStatus::new(name);
    for item in items {
        match item {
            StatusItem::Messages => response.messages = Some(status.messages),
            StatusItem::Recent => response.recent = Some(0),
            StatusItem::UidNext => response.uid_next = Some(uid_next(status.uidnext)),
            StatusItem::UidValidity => response.uid_validity = Some(status.uidvalidity),
            StatusItem::Unseen => response.unseen = Some(status.unseen),
            StatusItem::Deleted => response.deleted = Some(status.deleted),
            StatusItem::Size => response.size = Some(status.size),
            StatusItem::HighestModSeq => response.highest_mod_seq = mod_seq(status.highestmodseq),
            StatusItem::MailboxId => response.mailbox_id = Some(mailbox.object_id().into()),
            _ => {}
        }
    }
    response
}

/// A keyword that the store knows.
pub(super) fn keyword(name: &str) -> Option<Flag> {
    Atom::parse(name).ok().map(Flag::Keyword)
}
