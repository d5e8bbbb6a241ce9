//! What every change of a mailbox has in common: its counters, and the record of what was removed.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Change, Mailbox, Published, Removed, UidSet};
use crate::store::StoreError;

/// The ranges of removed UIDs that are remembered for a mailbox at most.
pub(super) const MAX_EXPUNGED: u32 = 20_000;

/// Fails with `NotFound` if the mailbox is gone.
pub(super) fn exists(connection: &Connection, mailbox: Mailbox) -> Result<(), StoreError> {
    let query = "SELECT 1 FROM mailboxes WHERE id = ?1";
    Ok(connection.prepare_cached(query)?.query_row([mailbox.id], |_| Ok(()))?)
}

/// Counts one change.
pub(super) fn next_modseq(connection: &Connection, mailbox: Mailbox) -> Result<u64, StoreError> {
    let update =
        "UPDATE mailboxes SET highestmodseq = highestmodseq + 1 WHERE id = ?1 RETURNING highestmodseq";
    Ok(connection.prepare_cached(update)?.query_row([mailbox.id], |row| row.get(0))?)
}

/// Takes UIDs for `count` new messages, and counts one change: the first UID and the modseq.
///
/// No UID is given twice: the counter only goes up, whatever is deleted (RFC 9051 section 2.3.1.1).
pub(super) fn take_uids(
    connection: &Connection,
    mailbox: Mailbox,
    count: u32,
) -> Result<(u32, u64), StoreError> {
    let update =
        "UPDATE mailboxes SET uidnext = uidnext + ?2, highestmodseq = highestmodseq + 1 WHERE id = ?1
                  RETURNING uidnext - ?2, uidnext - 1, highestmodseq";
    let (first, last, modseq): (i64, i64, u64) = connection
        .prepare_cached(update)?
        .query_row(params![mailbox.id, count], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    match (u32::try_from(first), u32::try_from(last)) {
        (Ok(first), Ok(_)) => Ok((first, modseq)),
        _ => Err(StoreError::Failed("a mailbox has no UID left".to_owned())),
    }
}

/// Removes messages that are there, remembers and tells it.
pub(super) fn remove(
    connection: &Connection,
    published: &mut Published,
    mailbox: Mailbox,
    uids: UidSet,
) -> Result<Removed, StoreError> {
    if uids.is_empty() {
        return Ok(Removed { uids, highestmodseq: highestmodseq(connection, mailbox)? });
    }
    let modseq = next_modseq(connection, mailbox)?;
    let delete = "DELETE FROM messages WHERE mailbox_id = ?1 AND uid BETWEEN ?2 AND ?3";
    let mut delete = connection.prepare_cached(delete)?;
    let insert = "INSERT INTO expunged (mailbox_id, modseq, first, last) VALUES (?1, ?2, ?3, ?4)";
    let mut insert = connection.prepare_cached(insert)?;
    for &(first, last) in uids.ranges() {
        delete.execute(params![mailbox.id, first, last])?;
        insert.execute(params![mailbox.id, modseq, first, last])?;
    }
    let count =
        "UPDATE mailboxes SET expunged_ranges = expunged_ranges + ?2 WHERE id = ?1 RETURNING expunged_ranges";
    let ranges = i64::try_from(uids.ranges().len()).unwrap_or(i64::MAX);
    let ranges: i64 =
        connection.prepare_cached(count)?.query_row(params![mailbox.id, ranges], |row| row.get(0))?;
    if ranges > i64::from(MAX_EXPUNGED) {
        forget(connection, mailbox)?;
    }
    published.change(mailbox, Change::Removed { uids: uids.clone(), modseq });
    Ok(Removed { uids, highestmodseq: modseq })
}

/// Forgets the older half of the removals, in whole changes.
fn forget(connection: &Connection, mailbox: Mailbox) -> Result<(), StoreError> {
    let query = "SELECT modseq FROM expunged WHERE mailbox_id = ?1 ORDER BY modseq DESC LIMIT 1 OFFSET ?2";
    let until: Option<u64> = connection
        .prepare_cached(query)?
        .query_row(params![mailbox.id, MAX_EXPUNGED / 2], |row| row.get(0))
        .optional()?;
    let Some(until) = until else { return Ok(()) };
    let delete = "DELETE FROM expunged WHERE mailbox_id = ?1 AND modseq <= ?2";
    let deleted = connection.prepare_cached(delete)?.execute(params![mailbox.id, until])?;
    let update =
        "UPDATE mailboxes SET expunged_since = ?2, expunged_ranges = expunged_ranges - ?3 WHERE id = ?1";
    let deleted = i64::try_from(deleted).unwrap_or(i64::MAX);
    connection.prepare_cached(update)?.execute(params![mailbox.id, until, deleted])?;
    Ok(())
}

pub(super) fn highestmodseq(connection: &Connection, mailbox: Mailbox) -> Result<u64, StoreError> {
    let query = "SELECT highestmodseq FROM mailboxes WHERE id = ?1";
    Ok(connection.prepare_cached(query)?.query_row([mailbox.id], |row| row.get(0))?)
}

/// The UIDs of messages that are there among `uids`; only those with `\Deleted` if that is asked.
pub(super) fn present(
    connection: &Connection,
    mailbox: Mailbox,
    uids: &UidSet,
    only_deleted: bool,
) -> Result<UidSet, StoreError> {
    // 8 is `\Deleted`.
    let query = if only_deleted {
        "SELECT uid FROM messages WHERE mailbox_id = ?1 AND uid BETWEEN ?2 AND ?3 AND flags & 8 ORDER BY uid"
    } else {
        "SELECT uid FROM messages WHERE mailbox_id = ?1 AND uid BETWEEN ?2 AND ?3 ORDER BY uid"
    };
    let mut statement = connection.prepare_cached(query)?;
    let mut found = UidSet::default();
    for &(first, last) in uids.ranges() {
        let mut rows = statement.query(params![mailbox.id, first, last])?;
        while let Some(row) = rows.next()? {
            found.push(row.get(0)?);
        }
    }
    Ok(found)
}
