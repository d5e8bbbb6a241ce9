//! Making, renaming and deleting mailboxes; subscriptions.

use rusqlite::{Connection, params};

use super::change::{next_modseq, present};
use super::list::{find, inbox};
use super::messages::transfer;
use super::name::parents;
use super::{Change, DELIMITER, MAX_MAILBOXES, Mailbox, Published, SpecialUse, UidSet, canonical_name};
use crate::store::accounts::next_uidvalidity;
use crate::store::{Account, Store, StoreError};
use crate::time::Time;

impl Store {
    /// CREATE (RFC 9051 section 6.3.4): the levels above are made too; one `/` at the end is ignored.
    ///
    /// Fails with `Exists`, with `Invalid` for a name that cannot be, with `Limit` over
    /// [`MAX_MAILBOXES`]. A special use may be that of another mailbox too.
    pub(crate) async fn create_mailbox(
        &self,
        account: &Account,
        name: &str,
        special_use: Option<SpecialUse>,
        now: Time,
    ) -> Result<Mailbox, StoreError> {
        let name = canonical_name(name.strip_suffix(DELIMITER).unwrap_or(name))?;
        let account = account.id;
        self.write_and_tell(move |connection, published| {
            account_exists(connection, account)?;
            if find(connection, account, &name)?.is_some() {
                return Err(StoreError::Exists);
            }
            make_parents(connection, account, &name, now)?;
            published.account(account);
            make(connection, account, &name, special_use, now)
        })
        .await
    }

    /// DELETE (RFC 9051 section 6.3.5): the mailbox goes with its messages; what is below it stays, and its name with
    /// it as one that does not exist.
    ///
    /// Fails with `NotFound`, with `HasChildren` for a name that is only a level above others, with `Invalid` for INBOX.
    pub(crate) async fn delete_mailbox(&self, account: &Account, name: &str) -> Result<(), StoreError> {
        let (account, name) = (account.id, canonical_name(name)?);
        if name == "INBOX" {
            return Err(StoreError::Invalid("INBOX cannot be deleted"));
        }
        self.write_and_tell(move |connection, published| {
            let Some((mailbox, _)) = find(connection, account, &name)? else {
                let childless = below(connection, account, &name)?.is_empty();
                return Err(if childless { StoreError::NotFound } else { StoreError::HasChildren });
            };
            connection.prepare_cached("DELETE FROM mailboxes WHERE id = ?1")?.execute([mailbox.id])?;
            published.change(mailbox, Change::Deleted);
            Ok(())
        })
        .await
    }

    /// RENAME (RFC 9051 section 6.3.6): what is below follows; the levels above the new name are made. INBOX stays, and
    /// its messages go to a new mailbox; what is below INBOX stays too. Subscriptions stay with the old names.
    ///
    /// Fails with `NotFound`, with `Exists` if the new name or one below it is taken, with `Invalid` for a name that
    /// cannot be or lies below the old one.
    pub(crate) async fn rename_mailbox(
        &self,
        account: &Account,
        from: &str,
        to: &str,
        now: Time,
    ) -> Result<(), StoreError> {
        let (account, from) = (account.id, canonical_name(from)?);
        let to = canonical_name(to.strip_suffix(DELIMITER).unwrap_or(to))?;
        if to.strip_prefix(&from).is_some_and(|rest| rest.starts_with(DELIMITER)) && from != "INBOX" {
            return Err(StoreError::Invalid("a mailbox cannot be renamed to a name below its own"));
        }
        self.write_and_tell(move |connection, published| {
            if find(connection, account, &to)?.is_some() {
                return Err(StoreError::Exists);
            }
            if from == "INBOX" {
                return rename_inbox(connection, published, account, &to, now);
            }
            rename(connection, published, account, &from, &to, now)
        })
        .await
    }

    /// SUBSCRIBE: the mailbox need not exist. Fails with `Limit` over [`MAX_MAILBOXES`].
    pub(crate) async fn subscribe(&self, account: &Account, name: &str) -> Result<(), StoreError> {
        let (account, name) = (account.id, canonical_name(name)?);
        self.write_and_tell(move |connection, published| {
            account_exists(connection, account)?;
            let count = "SELECT COUNT(*) FROM subscriptions WHERE account_id = ?1";
            let count: u32 = connection.prepare_cached(count)?.query_row([account], |row| row.get(0))?;
            if insert_subscription(connection, account, &name)? {
                if count >= MAX_MAILBOXES {
                    return Err(StoreError::Limit("there are too many subscriptions"));
                }
                published.account(account);
            }
            Ok(())
        })
        .await
    }

    /// UNSUBSCRIBE: done also when there was no subscription.
    pub(crate) async fn unsubscribe(&self, account: &Account, name: &str) -> Result<(), StoreError> {
        let (account, name) = (account.id, canonical_name(name)?);
        self.write_and_tell(move |connection, published| {
            let delete = "DELETE FROM subscriptions WHERE account_id = ?1 AND name = ?2";
            if connection.prepare_cached(delete)?.execute(params![account, name])? > 0 {
                published.account(account);
            }
            Ok(())
        })
        .await
    }
}

/// The mailboxes of a new account, all subscribed.
pub(in crate::store) fn make_defaults(
    connection: &Connection,
    account: i64,
    now: Time,
) -> Result<(), StoreError> {
    make(connection, account, "INBOX", None, now)?;
    insert_subscription(connection, account, "INBOX")?;
    for special_use in SpecialUse::ALL {
        make(connection, account, special_use.default_name(), Some(special_use), now)?;
        insert_subscription(connection, account, special_use.default_name())?;
    }
    Ok(())
}

/// Tells that all mailboxes of an account go.
pub(in crate::store) fn tell_all_deleted(
    connection: &Connection,
    published: &mut Published,
    account: i64,
) -> Result<(), StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT id, uidvalidity FROM mailboxes WHERE account_id = ?1")?;
    let mut rows = statement.query([account])?;
    while let Some(row) = rows.next()? {
        let mailbox = Mailbox { id: row.get(0)?, account, uidvalidity: row.get(1)? };
        published.change(mailbox, Change::Deleted);
    }
    Ok(())
}

fn account_exists(connection: &Connection, account: i64) -> Result<(), StoreError> {
    let query = "SELECT 1 FROM accounts WHERE id = ?1";
    Ok(connection.prepare_cached(query)?.query_row([account], |_| Ok(()))?)
}

/// Makes one mailbox; the name is free.
fn make(
    connection: &Connection,
    account: i64,
    name: &str,
    special_use: Option<SpecialUse>,
    now: Time,
) -> Result<Mailbox, StoreError> {
    let count = "SELECT COUNT(*) FROM mailboxes WHERE account_id = ?1";
    let count: u32 = connection.prepare_cached(count)?.query_row([account], |row| row.get(0))?;
    if count >= MAX_MAILBOXES {
        return Err(StoreError::Limit("there are too many mailboxes"));
    }
    let uidvalidity = next_uidvalidity(connection, now)?;
    let insert = "INSERT INTO mailboxes (account_id, name, uidvalidity, special_use) VALUES (?1, ?2, ?3, ?4)";
    connection.prepare_cached(insert)?.execute(params![
        account,
        name,
        uidvalidity,
        special_use.map(SpecialUse::attribute)
    ])?;
    let uidvalidity = u32::try_from(uidvalidity)
        .map_err(|_| StoreError::Failed("there is no UIDVALIDITY left".to_owned()))?;
    Ok(Mailbox { id: connection.last_insert_rowid(), account, uidvalidity })
}

fn make_parents(connection: &Connection, account: i64, name: &str, now: Time) -> Result<(), StoreError> {
    for parent in parents(name) {
        if find(connection, account, parent)?.is_none() {
            make(connection, account, parent, None, now)?;
        }
    }
    Ok(())
}

/// The mailboxes below a name, the shorter names first.
fn below(connection: &Connection, account: i64, name: &str) -> Result<Vec<(Mailbox, String)>, StoreError> {
    // `0` comes next after `/`.
    let query = "SELECT id, uidvalidity, name FROM mailboxes
                 WHERE account_id = ?1 AND name > ?2 || '/' AND name < ?2 || '0' ORDER BY LENGTH(name)";
    let mut statement = connection.prepare_cached(query)?;
    let rows = statement.query_map(params![account, name], |row| {
        Ok((Mailbox { id: row.get(0)?, account, uidvalidity: row.get(1)? }, row.get(2)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn rename(
    connection: &Connection,
    published: &mut Published,
    account: i64,
    from: &str,
    to: &str,
    now: Time,
) -> Result<(), StoreError> {
    let mut renamed = below(connection, account, from)?;
    if let Some((mailbox, _)) = find(connection, account, from)? {
        renamed.insert(0, (mailbox, from.to_owned()));
    }
    if renamed.is_empty() {
        return Err(StoreError::NotFound);
    }
    let update = "UPDATE mailboxes SET name = ?2 WHERE id = ?1";
    let mut update = connection.prepare_cached(update)?;
    // Shorter names go first, so that a tree that moves up by a level does not run into itself.
    for (mailbox, old) in renamed {
        let name = canonical_name(&format!("{to}{}", old.strip_prefix(from).unwrap_or_default()))?;
        if find(connection, account, &name)?.is_some() {
            return Err(StoreError::Exists);
        }
        update.execute(params![mailbox.id, name])?;
        let modseq = next_modseq(connection, mailbox)?;
        published.change(mailbox, Change::Renamed { name, modseq });
    }
    make_parents(connection, account, to, now)
}

/// INBOX stays, empty; what was in it is in a new mailbox.
fn rename_inbox(
    connection: &Connection,
    published: &mut Published,
    account: i64,
    to: &str,
    now: Time,
) -> Result<(), StoreError> {
    let inbox = inbox(connection, account)?;
    make_parents(connection, account, to, now)?;
    let made = make(connection, account, to, None, now)?;
    published.account(account);
    let uids = present(connection, inbox, &UidSet::all(), false)?;
    transfer(connection, published, inbox, &uids, made, now, true)?;
    Ok(())
}

/// False if there was one.
fn insert_subscription(connection: &Connection, account: i64, name: &str) -> Result<bool, StoreError> {
    let insert = "INSERT OR IGNORE INTO subscriptions (account_id, name) VALUES (?1, ?2)";
    Ok(connection.prepare_cached(insert)?.execute(params![account, name])? > 0)
}
