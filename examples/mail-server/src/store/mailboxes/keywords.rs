//! The keywords of a mailbox: a bounded number, each in the spelling that came first.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, params};

use super::{Flags, MAX_MAILBOX_KEYWORDS, Mailbox};
use crate::store::StoreError;

/// How a mailbox spells keywords, by their lower case.
#[derive(Debug, Default)]
pub(super) struct Spelling(HashMap<String, String>);

impl Spelling {
    /// The flags in this spelling.
    pub(super) fn of(&self, flags: &Flags) -> Flags {
        flags.respelled(|keyword| self.0.get(&keyword.to_ascii_lowercase()).map(String::as_str))
    }
}

/// The flags in the mailbox's own spelling; keywords that it does not know become known.
pub(super) fn respell(connection: &Connection, mailbox: Mailbox, flags: &Flags) -> Result<Flags, StoreError> {
    if flags.keywords().next().is_none() {
        return Ok(flags.clone());
    }
    Ok(learn(connection, mailbox, flags.keywords())?.of(flags))
}

/// Makes keywords known to a mailbox. Messages must get all of them before it learns others: what no message has may be
/// forgotten.
pub(super) fn learn<'a>(
    connection: &Connection,
    mailbox: Mailbox,
    keywords: impl Iterator<Item = &'a str>,
) -> Result<Spelling, StoreError> {
    let query = "SELECT name FROM keywords WHERE mailbox_id = ?1";
    let mut statement = connection.prepare_cached(query)?;
    let mut known: HashMap<String, String> = HashMap::new();
    for name in statement.query_map([mailbox.id], |row| row.get::<_, String>(0))? {
        let name = name?;
        known.insert(name.to_ascii_lowercase(), name);
    }
    let wanted: HashMap<String, &str> =
        keywords.map(|keyword| (keyword.to_ascii_lowercase(), keyword)).collect();
    let new = wanted.keys().filter(|keyword| !known.contains_key(*keyword)).count();
    if new > 0 && known.len() + new > MAX_MAILBOX_KEYWORDS {
        let used = used(connection, mailbox)?;
        let delete = "DELETE FROM keywords WHERE mailbox_id = ?1 AND name = ?2";
        let mut delete = connection.prepare_cached(delete)?;
        let unused: Vec<String> = known
            .keys()
            .filter(|known| !used.contains(*known) && !wanted.contains_key(*known))
            .cloned()
            .collect();
        for keyword in unused {
            delete.execute(params![mailbox.id, keyword])?;
            known.remove(&keyword);
        }
        if known.len() + new > MAX_MAILBOX_KEYWORDS {
            return Err(StoreError::Limit("the mailbox has too many keywords"));
        }
    }
    let insert = "INSERT INTO keywords (mailbox_id, name) VALUES (?1, ?2)";
    let mut insert = connection.prepare_cached(insert)?;
    for (lower, keyword) in wanted {
        if let Entry::Vacant(entry) = known.entry(lower) {
            insert.execute(params![mailbox.id, keyword])?;
            entry.insert(keyword.to_owned());
        }
    }
    Ok(Spelling(known))
}

/// The keywords that messages have, in lower case.
fn used(connection: &Connection, mailbox: Mailbox) -> Result<HashSet<String>, StoreError> {
    let query = "SELECT DISTINCT keywords FROM messages WHERE mailbox_id = ?1 AND keywords <> ''";
    let mut statement = connection.prepare_cached(query)?;
    let mut rows = statement.query([mailbox.id])?;
    let mut used = HashSet::new();
    while let Some(row) = rows.next()? {
        let text = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
        used.extend(text.split(' ').map(str::to_ascii_lowercase));
    }
    Ok(used)
}
