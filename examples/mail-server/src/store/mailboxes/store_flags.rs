//! Changing flags.

use rusqlite::{Connection, params};

use super::change::{exists, next_modseq};
use super::flags::StoredKeywords;
use super::keywords::respell;
use super::{Change, Flags, FlagsChange, Mailbox, Published, UidSet};
use crate::store::{Store, StoreError};

/// A message's flags after a STORE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FlagsRow {
    /// Its UID.
    pub(crate) uid: u32,
    /// Its flags now.
    pub(crate) flags: Flags,
    /// Its modseq now.
    pub(crate) modseq: u64,
    /// False when it had these flags before: its modseq stayed, and no change is told.
    pub(crate) changed: bool,
}

/// What a STORE did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StoredFlags {
    /// The messages that were there, in ascending order.
    pub(crate) rows: Vec<FlagsRow>,
    /// Those that changed after `unchanged_since`, and were left as they are (RFC 7162, `MODIFIED`).
    pub(crate) modified: UidSet,
}

impl Store {
    /// STORE (RFC 9051 section 6.4.6): all or none, but for those with a modseq greater than `unchanged_since`.
    ///
    /// Fails with `Limit` if a message or the mailbox would have too many keywords.
    pub(crate) async fn store_flags(
        &self,
        mailbox: &Mailbox,
        uids: UidSet,
        change: FlagsChange,
        unchanged_since: Option<u64>,
    ) -> Result<StoredFlags, StoreError> {
        let mailbox = *mailbox;
        self.write_and_tell(move |connection, published| {
            exists(connection, mailbox)?;
            let change = spelled(connection, mailbox, change)?;
            store(connection, published, mailbox, &uids, &change, unchanged_since)
        })
        .await
    }
}

/// The change with the mailbox's own spelling of keywords; those that are added become known.
fn spelled(
    connection: &Connection,
    mailbox: Mailbox,
    change: FlagsChange,
) -> Result<FlagsChange, StoreError> {
    Ok(match change {
        FlagsChange::Replace(flags) => FlagsChange::Replace(respell(connection, mailbox, &flags)?),
        FlagsChange::Add(flags) => FlagsChange::Add(respell(connection, mailbox, &flags)?),
        FlagsChange::Remove(flags) => FlagsChange::Remove(flags),
    })
}

fn store(
    connection: &Connection,
    published: &mut Published,
    mailbox: Mailbox,
    uids: &UidSet,
    change: &FlagsChange,
    unchanged_since: Option<u64>,
) -> Result<StoredFlags, StoreError> {
    let query = "SELECT uid, flags, keywords, modseq FROM messages
                 WHERE mailbox_id = ?1 AND uid BETWEEN ?2 AND ?3 ORDER BY uid";
    let mut statement = connection.prepare_cached(query)?;
    let mut stored = StoredFlags::default();
    let mut runs: Vec<Run> = Vec::new();
    let mut keywords = StoredKeywords::default();
    // The last change of flags and what came of it: the next message is mostly like the one before.
    let mut last: Option<(Flags, Flags)> = None;
    for &(from, to) in uids.ranges() {
        let mut rows = statement.query(params![mailbox.id, from, to])?;
        // A run ends where a message keeps its flags, or where a range does.
        let mut run = false;
        while let Some(row) = rows.next()? {
            let (uid, modseq) = (row.get(0)?, row.get(3)?);
            if unchanged_since.is_some_and(|since| modseq > since) {
                stored.modified.push(uid);
                run = false;
                continue;
            }
            let text = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
            let old = keywords.flags(row.get(1)?, text);
            let flags = match &last {
                Some((like, flags)) if *like == old => flags.clone(),
                _ => {
                    let flags = change.apply(&old)?;
                    last = Some((old.clone(), flags.clone()));
                    flags
                }
            };
            let changed = flags != old;
            if changed {
                match runs.last_mut() {
                    Some(before) if run && before.flags == flags => before.last = uid,
                    _ => runs.push(Run { first: uid, last: uid, flags: flags.clone() }),
                }
            }
            run = changed;
            stored.rows.push(FlagsRow { uid, flags, modseq, changed });
        }
    }
    if runs.is_empty() {
        return Ok(stored);
    }
    let new = next_modseq(connection, mailbox)?;
    let update = "UPDATE messages SET flags = ?4, keywords = ?5, modseq = ?6
                  WHERE mailbox_id = ?1 AND uid BETWEEN ?2 AND ?3";
    let mut update = connection.prepare_cached(update)?;
    for Run { first, last, flags } in runs {
        update.execute(params![mailbox.id, first, last, flags.system.bits(), flags.keyword_text(), new])?;
    }
    let mut messages = Vec::new();
    for row in stored.rows.iter_mut().filter(|row| row.changed) {
        row.modseq = new;
        messages.push((row.uid, row.flags.clone()));
    }
    published.change(mailbox, Change::Flags { messages, modseq: new });
    Ok(stored)
}

/// Messages that follow each other in the mailbox and get the same flags.
struct Run {
    first: u32,
    last: u32,
    flags: Flags,
}
