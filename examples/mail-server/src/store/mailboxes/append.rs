//! APPEND.

use rusqlite::{Connection, params};

use super::change::take_uids;
use super::keywords::respell;
use super::list::inbox;
use super::{Change, Flags, Mailbox, Published, UidSet};
use crate::store::accounts::has_room;
use crate::store::blob::{Staged, complete};
use crate::store::{Spooled, Store, StoreError};
use crate::time::Time;

/// A message to append.
#[derive(Debug)]
pub(crate) struct NewMessage {
    /// Its octets.
    pub(crate) message: Spooled,
    /// Its flags.
    pub(crate) flags: Flags,
    /// INTERNALDATE; none: now.
    pub(crate) internal_date: Option<Time>,
}

/// What came of an APPEND (RFC 9051 section 7.1, `APPENDUID`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Appended {
    /// The mailbox's UIDVALIDITY.
    pub(crate) uidvalidity: u32,
    /// The UIDs in the order of the messages: ascending, one after the other.
    pub(crate) uids: Vec<u32>,
    /// The modseq of all of them.
    pub(crate) modseq: u64,
}

impl Store {
    /// APPEND and MULTIAPPEND (RFC 3502): all or none.
    ///
    /// Fails with `NotFound`, `OverQuota`, `Limit` (keywords), and with `Invalid` without a message.
    pub(crate) async fn append(
        &self,
        mailbox: &Mailbox,
        messages: Vec<NewMessage>,
        now: Time,
    ) -> Result<Appended, StoreError> {
        if messages.is_empty() {
            return Err(StoreError::Invalid("there is no message to append"));
        }
        let mut staged = Vec::with_capacity(messages.len());
        let mut blobs = Vec::new();
        let mut outcome = Ok(());
        for NewMessage { message, flags, internal_date } in messages {
            let size = message.size();
            match self.stage(message).await {
                Ok(octets) => {
                    blobs.extend(octets.stored_blob());
                    staged.push(Prepared {
                        octets,
                        size,
                        flags,
                        internal_date: internal_date.unwrap_or(now),
                    });
                }
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
        }
        let result = match outcome {
            Ok(()) => {
                let (mailbox, quota) = (*mailbox, self.inner.quota);
                self.write_and_tell(move |connection, published| {
                    append(connection, published, mailbox, &staged, quota, now)
                })
                .await
            }
            Err(error) => Err(error),
        };
        if result.is_err() {
            for blob in blobs {
                self.unstage(blob).await;
            }
        }
        result
    }
}

/// A message that is ready to be appended.
struct Prepared {
    octets: Staged,
    size: u64,
    flags: Flags,
    internal_date: Time,
}

fn append(
    connection: &Connection,
    published: &mut Published,
    mailbox: Mailbox,
    messages: &[Prepared],
    quota: Option<u64>,
    now: Time,
) -> Result<Appended, StoreError> {
    let count =
        u32::try_from(messages.len()).map_err(|_| StoreError::Limit("there are too many messages"))?;
    let (first, modseq) = take_uids(connection, mailbox, count)?;
    let mut uids = Vec::with_capacity(messages.len());
    for (uid, message) in (first..=u32::MAX).zip(messages) {
        if let Some(quota) = quota {
            has_room(connection, mailbox.account, message.size, quota)?;
        }
        let blob = complete(connection, &message.octets)?;
        let row = NewRow {
            uid,
            blob,
            prefix: &[],
            size: message.size,
            internal_date: message.internal_date,
            saved_date: now,
            flags: &respell(connection, mailbox, &message.flags)?,
            modseq,
        };
        insert(connection, mailbox, &row)?;
        uids.push(uid);
    }
    published.change(mailbox, Change::Added { uids: uids.iter().copied().collect(), modseq });
    Ok(Appended { uidvalidity: mailbox.uidvalidity, uids, modseq })
}

/// Puts a message that arrived into an account's INBOX. Fails with `NotFound` when the account is gone.
pub(in crate::store) fn deliver_to_inbox(
    connection: &Connection,
    published: &mut Published,
    account: i64,
    blob: i64,
    prefix: &[u8],
    size: u64,
    now: Time,
) -> Result<(), StoreError> {
    let mailbox = inbox(connection, account)?;
    let (uid, modseq) = take_uids(connection, mailbox, 1)?;
    let flags = &Flags::default();
    let row = NewRow { uid, blob, prefix, size, internal_date: now, saved_date: now, flags, modseq };
    insert(connection, mailbox, &row)?;
    published.change(mailbox, Change::Added { uids: UidSet::range(uid, uid), modseq });
    Ok(())
}

struct NewRow<'a> {
    uid: u32,
    blob: i64,
    prefix: &'a [u8],
    size: u64,
    internal_date: Time,
    saved_date: Time,
    flags: &'a Flags,
    modseq: u64,
}

fn insert(connection: &Connection, mailbox: Mailbox, row: &NewRow<'_>) -> Result<(), StoreError> {
    let insert = "INSERT INTO messages
                  (mailbox_id, uid, blob_id, prefix, size, internal_date, saved_date, flags, keywords, modseq)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let size = i64::try_from(row.size).map_err(|_| StoreError::Full)?;
    connection.prepare_cached(insert)?.execute(params![
        mailbox.id,
        row.uid,
        row.blob,
        row.prefix,
        size,
        row.internal_date,
        row.saved_date,
        row.flags.system.bits(),
        row.flags.keyword_text(),
        row.modseq
    ])?;
    Ok(())
}
