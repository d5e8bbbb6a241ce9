//! What mailboxes there are.

use std::collections::{BTreeMap, HashSet};

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::name::{compare, parents};
use super::{Mailbox, SpecialUse, Status, canonical_name};
use crate::store::{Account, Store, StoreError};

/// A name that LIST may show (RFC 9051 section 7.3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListedMailbox {
    /// The whole name.
    pub(crate) name: String,
    /// The mailbox and its status; none when it is only a level above others, or a subscription that outlived its
    /// mailbox (`\NonExistent`, and `\Noselect` for `IMAP4rev1`). The latter is not for a plain LIST: it has no children
    /// either.
    pub(crate) mailbox: Option<(Mailbox, Status)>,
    /// What it is for.
    pub(crate) special_use: Option<SpecialUse>,
    /// `\Subscribed`
    pub(crate) subscribed: bool,
    /// `\HasChildren`, else `\HasNoChildren`: there is a mailbox below it.
    pub(crate) has_children: bool,
}

impl Store {
    /// All names of an account: INBOX first, then in the order of the tree.
    pub(crate) async fn list_mailboxes(&self, account: &Account) -> Result<Vec<ListedMailbox>, StoreError> {
        let account = account.id;
        self.read(move |connection| {
            let transaction = connection.unchecked_transaction()?;
            list(&transaction, account)
        })
        .await
    }

    /// The mailbox with this name, and its status. Fails with `NotFound`, and with `Invalid` for a name that cannot be.
    pub(crate) async fn find_mailbox(
        &self,
        account: &Account,
        name: &str,
    ) -> Result<(Mailbox, Status), StoreError> {
        let (account, name) = (account.id, canonical_name(name)?);
        self.read(move |connection| find(connection, account, &name)?.ok_or(StoreError::NotFound)).await
    }

    /// The first mailbox with a special use, and its name. Fails with `NotFound`.
    pub(crate) async fn special_mailbox(
        &self,
        account: &Account,
        special_use: SpecialUse,
    ) -> Result<(Mailbox, String), StoreError> {
        let account = account.id;
        self.read(move |connection| {
            let query =
                "SELECT id, uidvalidity, name FROM mailboxes WHERE account_id = ?1 AND special_use = ?2
                         ORDER BY id LIMIT 1";
            let mut statement = connection.prepare_cached(query)?;
            Ok(statement.query_row(params![account, special_use.attribute()], |row| {
                Ok((Mailbox { id: row.get(0)?, account, uidvalidity: row.get(1)? }, row.get(2)?))
            })?)
        })
        .await
    }
}

/// The columns that [`found`] reads.
const FOUND: &str =
    "id, uidvalidity, messages, uidnext, unseen, deleted, octets, highestmodseq, name, special_use";

fn found(row: &Row<'_>, account: i64) -> rusqlite::Result<(Mailbox, Status)> {
    let mailbox = Mailbox { id: row.get(0)?, account, uidvalidity: row.get(1)? };
    let status = Status {
        messages: row.get(2)?,
        uidnext: row.get(3)?,
        uidvalidity: mailbox.uidvalidity,
        unseen: row.get(4)?,
        deleted: row.get(5)?,
        size: row.get(6)?,
        highestmodseq: row.get(7)?,
    };
    Ok((mailbox, status))
}

/// The mailbox with a canonical name.
pub(super) fn find(
    connection: &Connection,
    account: i64,
    name: &str,
) -> Result<Option<(Mailbox, Status)>, StoreError> {
    let query = format!("SELECT {FOUND} FROM mailboxes WHERE account_id = ?1 AND name = ?2");
    let mut statement = connection.prepare_cached(&query)?;
    Ok(statement.query_row(params![account, name], |row| found(row, account)).optional()?)
}

/// The INBOX of an account.
pub(in crate::store) fn inbox(connection: &Connection, account: i64) -> Result<Mailbox, StoreError> {
    let query = "SELECT id, uidvalidity FROM mailboxes WHERE account_id = ?1 AND name = 'INBOX'";
    let mut statement = connection.prepare_cached(query)?;
    Ok(statement
        .query_row([account], |row| Ok(Mailbox { id: row.get(0)?, account, uidvalidity: row.get(1)? }))?)
}

fn list(connection: &Connection, account: i64) -> Result<Vec<ListedMailbox>, StoreError> {
    let mut listed: BTreeMap<String, ListedMailbox> = BTreeMap::new();
    let query = format!("SELECT {FOUND} FROM mailboxes WHERE account_id = ?1");
    let mut statement = connection.prepare_cached(&query)?;
    let mut rows = statement.query([account])?;
    while let Some(row) = rows.next()? {
        let mut entry = absent(row.get(8)?);
        entry.mailbox = Some(found(row, account)?);
        entry.special_use = row.get(9)?;
        listed.insert(entry.name.clone(), entry);
    }
    let with_children: HashSet<String> =
        listed.keys().flat_map(|name| parents(name)).map(str::to_owned).collect();
    for name in with_children {
        listed.entry(name.clone()).or_insert_with(|| absent(name)).has_children = true;
    }
    let query = "SELECT name FROM subscriptions WHERE account_id = ?1";
    let mut statement = connection.prepare_cached(query)?;
    for name in statement.query_map([account], |row| row.get::<_, String>(0))? {
        let name = name?;
        listed.entry(name.clone()).or_insert_with(|| absent(name)).subscribed = true;
    }
    let mut listed: Vec<ListedMailbox> = listed.into_values().collect();
    listed.sort_by(|left, right| compare(&left.name, &right.name));
    Ok(listed)
}

fn absent(name: String) -> ListedMailbox {
    ListedMailbox { name, mailbox: None, special_use: None, subscribed: false, has_children: false }
}
