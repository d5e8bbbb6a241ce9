//! Copying, moving and removing messages.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, params};

use super::change::{exists, present, remove, take_uids};
use super::flags::StoredKeywords;
use super::keywords::learn;
use super::{Change, Mailbox, Published, UidSet};
use crate::store::accounts::has_room;
use crate::store::{Store, StoreError};
use crate::time::Time;

/// What came of a COPY or MOVE (RFC 9051 section 7.1, `COPYUID`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Copied {
    /// The UIDVALIDITY of the mailbox they are in now.
    pub(crate) uidvalidity: u32,
    /// The old UID of each and its new one, both ascending; those that were not there are left out.
    pub(crate) uids: Vec<(u32, u32)>,
    /// After a move: the modseq of the removal from the old mailbox (RFC 7162 section 3.2.10); 0 when nothing was moved.
    pub(crate) removed_modseq: u64,
}

/// What was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Removed {
    /// These.
    pub(crate) uids: UidSet,
    /// The mailbox's HIGHESTMODSEQ after it.
    pub(crate) highestmodseq: u64,
}

impl Store {
    /// COPY (RFC 9051 section 6.4.7), all or none; both mailboxes may be the same. The octets are shared; flags and
    /// INTERNALDATE stay.
    ///
    /// Fails with `NotFound` when either mailbox is gone, with `OverQuota` and `Limit` (keywords). Mailboxes of different
    /// accounts are `Invalid`.
    pub(crate) async fn copy_messages(
        &self,
        from: &Mailbox,
        uids: UidSet,
        to: &Mailbox,
        now: Time,
    ) -> Result<Copied, StoreError> {
        self.transfer(*from, uids, *to, now, false).await
    }

    /// MOVE (RFC 9051 section 6.4.8): as [`Store::copy_messages`], and they are gone from the old mailbox. The quota does
    /// not matter, for nothing is added.
    pub(crate) async fn move_messages(
        &self,
        from: &Mailbox,
        uids: UidSet,
        to: &Mailbox,
        now: Time,
    ) -> Result<Copied, StoreError> {
        self.transfer(*from, uids, *to, now, true).await
    }

    /// EXPUNGE and UID EXPUNGE (RFC 9051 sections 6.4.3 and 6.4.9): removes those of `uids` that have `\Deleted`
    /// ([`UidSet::all`] for all).
    pub(crate) async fn expunge(&self, mailbox: &Mailbox, uids: UidSet) -> Result<Removed, StoreError> {
        let mailbox = *mailbox;
        // CLOSE asks for this whenever a mailbox was open; mostly there is nothing to do.
        let nothing = self
            .read(move |connection| {
                let query = "SELECT deleted, highestmodseq FROM mailboxes WHERE id = ?1";
                let mut statement = connection.prepare_cached(query)?;
                let (deleted, highestmodseq): (u32, u64) =
                    statement.query_row([mailbox.id], |row| Ok((row.get(0)?, row.get(1)?)))?;
                Ok((deleted == 0).then(|| Removed { uids: UidSet::default(), highestmodseq }))
            })
            .await?;
        if let Some(nothing) = nothing {
            return Ok(nothing);
        }
        self.remove_those(mailbox, uids, true).await
    }

    /// Removes messages, whatever their flags.
    pub(crate) async fn remove_messages(
        &self,
        mailbox: &Mailbox,
        uids: UidSet,
    ) -> Result<Removed, StoreError> {
        self.remove_those(*mailbox, uids, false).await
    }

    async fn remove_those(
        &self,
        mailbox: Mailbox,
        uids: UidSet,
        only_deleted: bool,
    ) -> Result<Removed, StoreError> {
        self.write_and_tell(move |connection, published| {
            let uids = present(connection, mailbox, &uids, only_deleted)?;
            remove(connection, published, mailbox, uids)
        })
        .await
    }

    async fn transfer(
        &self,
        from: Mailbox,
        uids: UidSet,
        to: Mailbox,
        now: Time,
        moved: bool,
    ) -> Result<Copied, StoreError> {
        if from.account != to.account {
            return Err(StoreError::Invalid("the mailboxes are of different accounts"));
        }
        let quota = self.inner.quota.filter(|_| !moved);
        self.write_and_tell(move |connection, published| {
            exists(connection, from)?;
            exists(connection, to)?;
            let uids = present(connection, from, &uids, false)?;
            if let Some(quota) = quota
                && !uids.is_empty()
            {
                has_room(connection, to.account, octets(connection, from, &uids)?, quota)?;
            }
            transfer(connection, published, from, &uids, to, now, moved)
        })
        .await
    }
}

fn octets(connection: &Connection, mailbox: Mailbox, uids: &UidSet) -> Result<u64, StoreError> {
    let query = "SELECT COALESCE(SUM(size), 0) FROM messages WHERE mailbox_id = ?1 AND uid BETWEEN ?2 AND ?3";
    let mut statement = connection.prepare_cached(query)?;
    let mut sum = 0_u64;
    for &(first, last) in uids.ranges() {
        let octets: u64 = statement.query_row(params![mailbox.id, first, last], |row| row.get(0))?;
        sum = sum.saturating_add(octets);
    }
    Ok(sum)
}

/// Copies or moves messages that are there.
pub(super) fn transfer(
    connection: &Connection,
    published: &mut Published,
    from: Mailbox,
    uids: &UidSet,
    to: Mailbox,
    now: Time,
    moved: bool,
) -> Result<Copied, StoreError> {
    let mut copied = Copied { uidvalidity: to.uidvalidity, uids: Vec::new(), removed_modseq: 0 };
    if uids.is_empty() {
        return Ok(copied);
    }
    let keywords = keywords(connection, from, uids, to)?;
    let count = u32::try_from(uids.len()).map_err(|_| StoreError::Limit("there are too many messages"))?;
    let (first, modseq) = take_uids(connection, to, count)?;
    let insert = "INSERT INTO messages
        (mailbox_id, uid, blob_id, prefix, size, internal_date, saved_date, flags, keywords, modseq)
        SELECT ?3, ?4, blob_id, prefix, size, internal_date, ?5, flags, ?6, ?7
        FROM messages WHERE mailbox_id = ?1 AND uid = ?2";
    let mut insert = connection.prepare_cached(insert)?;
    for (old, new) in uids.iter().zip(first..=u32::MAX) {
        let keywords = keywords.get(&old).map_or("", |keywords| keywords);
        insert.execute(params![from.id, old, to.id, new, now, keywords, modseq])?;
        copied.uids.push((old, new));
    }
    let last = first.saturating_add(count - 1);
    published.change(to, Change::Added { uids: UidSet::range(first, last), modseq });
    if moved {
        copied.removed_modseq = remove(connection, published, from, uids.clone())?.highestmodseq;
    }
    Ok(copied)
}

/// The keywords of those messages that have some, as the other mailbox spells them.
fn keywords(
    connection: &Connection,
    from: Mailbox,
    uids: &UidSet,
    to: Mailbox,
) -> Result<HashMap<u32, Arc<str>>, StoreError> {
    let query = "SELECT uid, keywords FROM messages
                 WHERE mailbox_id = ?1 AND uid BETWEEN ?2 AND ?3 AND keywords <> ''";
    let mut statement = connection.prepare_cached(query)?;
    let mut found: HashMap<u32, Arc<str>> = HashMap::new();
    let mut spelled: HashMap<Arc<str>, Arc<str>> = HashMap::new();
    for &(first, last) in uids.ranges() {
        let mut rows = statement.query(params![from.id, first, last])?;
        while let Some(row) = rows.next()? {
            let text = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
            let text = if let Some((text, _)) = spelled.get_key_value(text) {
                Arc::clone(text)
            } else {
                let text: Arc<str> = Arc::from(text);
                spelled.insert(Arc::clone(&text), Arc::clone(&text));
                text
            };
            found.insert(row.get(0)?, text);
        }
    }
    if found.is_empty() {
        return Ok(found);
    }
    // All at once: see there.
    let spelling = learn(connection, to, spelled.keys().flat_map(|text| text.split(' ')))?;
    for (text, own) in &mut spelled {
        *own = Arc::from(spelling.of(&StoredKeywords::default().flags(0, text)).keyword_text());
    }
    for keywords in found.values_mut() {
        if let Some(own) = spelled.get(keywords) {
            *keywords = Arc::clone(own);
        }
    }
    Ok(found)
}
