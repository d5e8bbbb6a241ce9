//! Reading what is known of messages, in batches, and their octets.

use std::sync::Arc;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::change::{exists, present};
use super::flags::StoredKeywords;
use super::{Flags, Mailbox, UidSet};
use crate::store::blob::read_octets;
use crate::store::{MessageReader, Store, StoreError};
use crate::time::Time;

/// The rows of one batch at most.
const BATCH: usize = 1000;
/// The derived octets after which a batch ends.
const BATCH_OCTETS: usize = 1024 * 1024;
/// What is read of a message with its row.
const HEAD: u64 = 64 * 1024;

/// What is known of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MessageRow {
    /// Its UID.
    pub(crate) uid: u32,
    /// Its flags.
    pub(crate) flags: Flags,
    /// When it last changed (RFC 7162).
    pub(crate) modseq: u64,
    /// INTERNALDATE; copies keep it.
    pub(crate) internal_date: Time,
    /// SAVEDATE (RFC 8514): when it came into this mailbox.
    pub(crate) saved_date: Time,
    /// Its octets.
    pub(crate) size: u64,
    /// What was kept with [`Store::put_derived`], if it was asked for and is there.
    pub(crate) derived: Option<Bytes>,
    pub(super) email_id: i64,
}

impl MessageRow {
    /// The EMAILID (RFC 8474): an `objectid`, the same for copies of one message within an account.
    pub(crate) fn email_id(&self) -> String {
        format!("M{}", self.email_id)
    }
}

/// Which messages, and what of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    /// Among these.
    pub(crate) uids: UidSet,
    /// Those with a greater modseq only (RFC 7162, `CHANGEDSINCE`).
    pub(crate) changed_since: Option<u64>,
    /// With what is derived from them in this format.
    pub(crate) derived: Option<u32>,
}

/// Rows in ascending order of their UIDs, read in bounded batches.
///
/// Each batch is of one moment, but not of the same as the one before.
#[derive(Debug)]
pub(crate) struct Rows {
    store: Store,
    mailbox: Mailbox,
    choice: Choice,
    /// The ranges to read, once it is known which messages changed.
    ranges: Option<Arc<UidSet>>,
    /// The range that is being read.
    range: usize,
    /// What comes before this UID was read.
    from: u32,
}

impl Rows {
    /// The next rows, at most 1000 and about 1 MiB; none at the end. Fails with `NotFound` when the mailbox is gone.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<MessageRow>>, StoreError> {
        let ranges = match &self.ranges {
            Some(ranges) => Arc::clone(ranges),
            None => self.ranges().await?,
        };
        let (mailbox, derived, range, from) = (self.mailbox, self.choice.derived, self.range, self.from);
        let (rows, range, from) = self
            .store
            .read(move |connection| {
                let transaction = connection.unchecked_transaction()?;
                exists(&transaction, mailbox)?;
                batch(&transaction, mailbox, derived, &ranges, range, from)
            })
            .await?;
        (self.range, self.from) = (range, from);
        Ok((!rows.is_empty()).then_some(rows))
    }

    /// Which are to be read.
    async fn ranges(&mut self) -> Result<Arc<UidSet>, StoreError> {
        let mut uids = std::mem::take(&mut self.choice.uids);
        if let Some(since) = self.choice.changed_since {
            let mailbox = self.mailbox;
            let changed = self.store.read(move |connection| changed(connection, mailbox, since)).await;
            uids = match changed {
                Ok(changed) => uids.intersection(&changed),
                Err(error) => {
                    self.choice.uids = uids;
                    return Err(error);
                }
            };
        }
        let ranges = Arc::new(uids);
        self.ranges = Some(Arc::clone(&ranges));
        Ok(ranges)
    }
}

impl Store {
    /// Reads what is known of messages; UIDs that no message has are left out. Reads nothing before the first `next`.
    pub(crate) fn message_rows(&self, mailbox: &Mailbox, choice: Choice) -> Rows {
        Rows { store: self.clone(), mailbox: *mailbox, choice, ranges: None, range: 0, from: 1 }
    }

    /// One message's octets. Its first 64 KiB are read at once, so that a small message or a header needs no second
    /// visit. Fails with `NotFound`.
    pub(crate) async fn read_message(
        &self,
        mailbox: &Mailbox,
        uid: u32,
    ) -> Result<MessageReader, StoreError> {
        let mailbox = *mailbox;
        let (blob, prefix, head, size) = self
            .read(move |connection| {
                let query = "SELECT blob_id, prefix, size FROM messages WHERE mailbox_id = ?1 AND uid = ?2";
                // The row and the octets are of one moment.
                let transaction = connection.unchecked_transaction()?;
                let (blob, mut head, size): (i64, Vec<u8>, u64) = transaction
                    .prepare_cached(query)?
                    .query_row(params![mailbox.id, uid], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
                let prefix = head.len();
                let wanted = usize::try_from(size.min(HEAD)).unwrap_or(usize::MAX);
                head.reserve_exact(wanted.saturating_sub(prefix));
                read_octets(&transaction, blob, 0, &mut head, wanted)?;
                Ok((blob, prefix, head, size))
            })
            .await?;
        Ok(self.reader_with_head(blob, prefix, head, size))
    }

    /// Those of `known` that were removed after `since`, for QRESYNC's VANISHED (EARLIER) (RFC 7162 section 3.2.5.1).
    ///
    /// Removals are kept for a bounded while; before that, all of `known` that are not there count as removed after it.
    pub(crate) async fn vanished(
        &self,
        mailbox: &Mailbox,
        since: u64,
        known: UidSet,
    ) -> Result<UidSet, StoreError> {
        let mailbox = *mailbox;
        self.read(move |connection| {
            let transaction = connection.unchecked_transaction()?;
            let query = "SELECT expunged_since, uidnext FROM mailboxes WHERE id = ?1";
            let (kept_since, uidnext): (u64, u64) = transaction
                .prepare_cached(query)?
                .query_row([mailbox.id], |row| Ok((row.get(0)?, row.get(1)?)))?;
            if since < kept_since {
                let last = u32::try_from(uidnext - 1).unwrap_or(u32::MAX);
                let known = known.intersection(&UidSet::range(1, last));
                return Ok(known.difference(&present(&transaction, mailbox, &known, false)?));
            }
            let query = "SELECT first, last FROM expunged WHERE mailbox_id = ?1 AND modseq > ?2";
            let mut statement = transaction.prepare_cached(query)?;
            let ranges =
                statement.query_map(params![mailbox.id, since], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let removed: UidSet = ranges.collect::<Result<Vec<(u32, u32)>, _>>()?.into_iter().collect();
            Ok(removed.intersection(&known))
        })
        .await
    }
}

/// The messages with a greater modseq.
fn changed(connection: &Connection, mailbox: Mailbox, since: u64) -> Result<UidSet, StoreError> {
    let query = "SELECT uid FROM messages WHERE mailbox_id = ?1 AND modseq > ?2";
    let mut statement = connection.prepare_cached(query)?;
    let uids = statement.query_map(params![mailbox.id, since], |row| row.get(0))?;
    Ok(uids.collect::<Result<Vec<u32>, _>>()?.into_iter().collect())
}

/// The next rows, and where to go on.
fn batch(
    connection: &Connection,
    mailbox: Mailbox,
    derived: Option<u32>,
    ranges: &UidSet,
    mut range: usize,
    mut from: u32,
) -> Result<(Vec<MessageRow>, usize, u32), StoreError> {
    let query = if derived.is_some() {
        "SELECT m.uid, m.flags, m.keywords, m.modseq, m.internal_date, m.saved_date, m.size, m.blob_id, d.data
         FROM messages AS m LEFT JOIN derived AS d
             ON d.blob_id = m.blob_id AND d.prefix = m.prefix AND d.format = ?4
         WHERE m.mailbox_id = ?1 AND m.uid BETWEEN ?2 AND ?3 ORDER BY m.uid"
    } else {
        "SELECT uid, flags, keywords, modseq, internal_date, saved_date, size, blob_id, NULL
         FROM messages WHERE mailbox_id = ?1 AND uid BETWEEN ?2 AND ?3 AND ?4 IS NULL ORDER BY uid"
    };
    let mut statement = connection.prepare_cached(query)?;
    let mut batch = Vec::new();
    let mut octets = 0;
    let mut keywords = StoredKeywords::default();
    while let Some(&(first, last)) = ranges.ranges().get(range) {
        let mut rows = statement.query(params![mailbox.id, first.max(from), last, derived])?;
        while let Some(row) = rows.next()? {
            let derived = match row.get_ref(8)?.as_blob_or_null().map_err(rusqlite::Error::from)? {
                Some(data) => {
                    octets += data.len();
                    Some(Bytes::copy_from_slice(data))
                }
                None => None,
            };
            let text = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
            let uid = row.get(0)?;
            batch.push(MessageRow {
                uid,
                flags: keywords.flags(row.get(1)?, text),
                modseq: row.get(3)?,
                internal_date: row.get(4)?,
                saved_date: row.get(5)?,
                size: row.get(6)?,
                derived,
                email_id: row.get(7)?,
            });
            if batch.len() >= BATCH || octets >= BATCH_OCTETS {
                return Ok(match uid.checked_add(1) {
                    Some(next) => (batch, range, next),
                    None => (batch, range + 1, from),
                });
            }
        }
        range += 1;
        from = 1;
    }
    Ok((batch, range, from))
}
