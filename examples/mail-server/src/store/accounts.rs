//! Accounts: a full address, what is kept of its password, and its mailboxes.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::error::StoreError;
use super::password::ScramRecord;
use super::{Locks, Store, mailboxes};
use crate::config::{is_domain, lower_case};
use crate::time::Time;

/// The name of the verifier that every account has.
const SCRAM_SHA_256: &str = "SCRAM-SHA-256";

/// Someone with a mailbox here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    /// The store's number for it; never used again.
    pub(crate) id: i64,
    /// The full address, its domain in lower case.
    pub(crate) address: String,
}

/// Splits an address that an account can have into local part and domain (in lower case): a dot-string
/// (RFC 5321 section 4.1.2, RFC 6531 section 3.3) and a domain name.
pub(crate) fn split_address(address: &str) -> Option<(&str, String)> {
    let (local, domain) = address.rsplit_once('@')?;
    let atom = |atom: &str| {
        !atom.is_empty()
            && atom.chars().all(|c| {
                c.is_ascii_alphanumeric()
                    || "!#$%&'*+-/=?^_`{|}~".contains(c)
                    || (!c.is_ascii() && !c.is_control())
            })
    };
    (local.len() <= 64 && local.split('.').all(atom) && is_domain(domain))
        .then(|| (local, lower_case(domain)))
}

fn canonical(address: &str) -> Result<String, StoreError> {
    let (local, domain) =
        split_address(address).ok_or(StoreError::Invalid("not an address such as bob@hamburger.edu"))?;
    Ok(format!("{local}@{domain}"))
}

impl Store {
    /// Makes an account with its INBOX and a mailbox for each special use. With `keep_password` the password itself is kept too, for CRAM-MD5 and APOP.
    pub(crate) async fn add_account(
        &self,
        address: &str,
        password: String,
        keep_password: bool,
        now: Time,
    ) -> Result<Account, StoreError> {
        let address = canonical(address)?;
        let (record, password) = derive(password).await?;
        let secret = keep_password.then_some(password);
        self.write(move |connection| {
            let insert =
                "INSERT INTO accounts (address, secret, created) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
            if connection.prepare_cached(insert)?.execute(params![address, secret, now.0])? == 0 {
                return Err(StoreError::Exists);
            }
            let id = connection.last_insert_rowid();
            put_record(connection, id, &record)?;
            mailboxes::make_defaults(connection, id, now)?;
            Ok(Account { id, address })
        })
        .await
    }

    /// Removes an account and all its messages.
    pub(crate) async fn remove_account(&self, address: &str) -> Result<(), StoreError> {
        let address = address.to_owned();
        self.write_and_tell(move |connection, published| {
            if let Some(account) = find(connection, &address)? {
                mailboxes::tell_all_deleted(connection, published, account.id)?;
            }
            match connection.prepare_cached("DELETE FROM accounts WHERE address = ?1")?.execute([address])? {
                0 => Err(StoreError::NotFound),
                _ => Ok(()),
            }
        })
        .await
    }

    /// Sets a new password. An account that keeps its password keeps the new one.
    pub(crate) async fn set_password(&self, address: &str, password: String) -> Result<(), StoreError> {
        let address = address.to_owned();
        let (record, password) = derive(password).await?;
        self.write(move |connection| {
            let account = find(connection, &address)?.ok_or(StoreError::NotFound)?;
            connection
                .prepare_cached("UPDATE accounts SET secret = ?2 WHERE id = ?1 AND secret IS NOT NULL")?
                .execute(params![account.id, password])?;
            put_record(connection, account.id, &record)
        })
        .await
    }

    /// The accounts after `after` in the order of their addresses, at most `count`; begin with `""`.
    pub(crate) async fn list_accounts(&self, after: &str, count: u32) -> Result<Vec<Account>, StoreError> {
        let after = after.to_owned();
        self.read(move |connection| {
            let query = "SELECT id, address FROM accounts WHERE address > ?1 ORDER BY address LIMIT ?2";
            let mut statement = connection.prepare_cached(query)?;
            let rows = statement.query_map(params![after, count], account)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// The account with this address; ASCII letters match in either case.
    pub(crate) async fn find_account(&self, address: &str) -> Result<Option<Account>, StoreError> {
        let address = address.to_owned();
        self.read(move |connection| find(connection, &address)).await
    }

    /// The account that a log-in name means: a full address, or a local part at the first of `domains` that has it.
    pub(crate) async fn resolve_login(
        &self,
        name: &str,
        domains: &[String],
    ) -> Result<Option<Account>, StoreError> {
        let candidates: Vec<String> = if name.contains('@') {
            vec![name.to_owned()]
        } else {
            domains.iter().map(|domain| format!("{name}@{domain}")).collect()
        };
        self.read(move |connection| {
            for candidate in &candidates {
                if let Some(account) = find(connection, candidate)? {
                    return Ok(Some(account));
                }
            }
            Ok(None)
        })
        .await
    }

    /// Checks a password. An unknown name takes as long as a wrong password, and cannot be told from it.
    pub(crate) async fn authenticate(
        &self,
        name: &str,
        password: String,
        domains: &[String],
    ) -> Result<Option<Account>, StoreError> {
        let (record, account) = self.scram_record(name, domains).await?;
        let permit =
            Arc::clone(&self.inner.password_checks).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let fits = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            record.verify(&password)
        })
        .await?;
        Ok(account.filter(|_| fits))
    }

    /// What SCRAM-SHA-256 needs for a log-in name. For an unknown one it is a record that no password fits.
    pub(crate) async fn scram_record(
        &self,
        name: &str,
        domains: &[String],
    ) -> Result<(ScramRecord, Option<Account>), StoreError> {
        let account = self.resolve_login(name, domains).await?;
        if let Some(Account { id, .. }) = account
            && let Some(record) = self.read(move |connection| get_record(connection, id)).await?
        {
            return Ok((record, account));
        }
        Ok((ScramRecord::unknown(&self.inner.unknown_key, &lower_case(name)), None))
    }

    /// The password itself, if the account keeps it, for CRAM-MD5 and APOP.
    pub(crate) async fn kept_password(
        &self,
        name: &str,
        domains: &[String],
    ) -> Result<Option<(Account, String)>, StoreError> {
        let Some(account) = self.resolve_login(name, domains).await? else { return Ok(None) };
        let id = account.id;
        let secret: Option<String> = self
            .read(move |connection| {
                let mut statement = connection.prepare_cached("SELECT secret FROM accounts WHERE id = ?1")?;
                Ok(statement.query_row([id], |row| row.get(0)).optional()?.flatten())
            })
            .await?;
        Ok(secret.map(|secret| (account, secret)))
    }

    /// True when some account keeps its password, so that CRAM-MD5 and APOP are worth announcing.
    pub(crate) async fn any_kept_password(&self) -> Result<bool, StoreError> {
        self.read(|connection| {
            let query = "SELECT EXISTS (SELECT 1 FROM accounts WHERE secret IS NOT NULL)";
            Ok(connection.prepare_cached(query)?.query_row([], |row| row.get(0))?)
        })
        .await
    }

    /// Whether an account has room for a message of this size, as far as one can know before it is there.
    pub(crate) async fn check_quota(&self, account: &Account, size: u64) -> Result<(), StoreError> {
        let Some(quota) = self.inner.quota else { return Ok(()) };
        let id = account.id;
        self.read(move |connection| has_room(connection, id, size, quota)).await
    }
}

/// Fails if `size` octets more are over the quota.
pub(super) fn has_room(
    connection: &Connection,
    account: i64,
    size: u64,
    quota: u64,
) -> Result<(), StoreError> {
    let query = "SELECT COALESCE(SUM(octets), 0) FROM mailboxes WHERE account_id = ?1";
    let used: i64 = connection.prepare_cached(query)?.query_row([account], |row| row.get(0))?;
    let used = u64::try_from(used).unwrap_or(0);
    // With nothing declared, a mailbox that is full to the brim has no room either.
    if used.saturating_add(size.max(1)) <= quota {
        Ok(())
    } else {
        Err(StoreError::OverQuota { never_fits: size > quota })
    }
}

/// The number for a new mailbox: the time in seconds, and always more than any before (RFC 9051 section 2.3.1.1).
pub(super) fn next_uidvalidity(connection: &Connection, now: Time) -> Result<i64, StoreError> {
    let query = "INSERT INTO settings (name, value) VALUES ('uidvalidity', ?1)
                 ON CONFLICT (name) DO UPDATE SET value = MAX(value + 1, ?1) RETURNING value";
    let seconds = now.seconds().clamp(1, i64::from(u32::MAX));
    Ok(connection.prepare_cached(query)?.query_row([seconds], |row| row.get(0))?)
}

fn account(row: &rusqlite::Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account { id: row.get(0)?, address: row.get(1)? })
}

fn find(connection: &Connection, address: &str) -> Result<Option<Account>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT id, address FROM accounts WHERE address = ?1")?;
    Ok(statement.query_row([address], account).optional()?)
}

async fn derive(password: String) -> Result<(ScramRecord, String), StoreError> {
    tokio::task::spawn_blocking(move || Ok((ScramRecord::new(&password)?, password))).await?
}

fn put_record(connection: &Connection, account: i64, record: &ScramRecord) -> Result<(), StoreError> {
    let insert =
        "INSERT OR REPLACE INTO verifiers (account_id, mechanism, salt, iterations, stored_key, server_key)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    connection.prepare_cached(insert)?.execute(params![
        account,
        SCRAM_SHA_256,
        record.salt,
        record.iterations,
        record.stored_key,
        record.server_key
    ])?;
    Ok(())
}

fn get_record(connection: &Connection, account: i64) -> Result<Option<ScramRecord>, StoreError> {
    let query = "SELECT salt, iterations, stored_key, server_key FROM verifiers
                 WHERE account_id = ?1 AND mechanism = ?2";
    let mut statement = connection.prepare_cached(query)?;
    let record = statement.query_row(params![account, SCRAM_SHA_256], |row| {
        Ok(ScramRecord {
            salt: row.get(0)?,
            iterations: row.get(1)?,
            stored_key: row.get(2)?,
            server_key: row.get(3)?,
        })
    });
    Ok(record.optional()?)
}

impl Locks<i64> {
    /// True if nobody held it.
    pub(super) fn take(&self, key: i64) -> bool {
        self.held().insert(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert_eq!(split_address("Bob@Hamburger.EDU"), Some(("Bob", "hamburger.edu".to_owned())));
        assert_eq!(split_address("a.b+c@x"), Some(("a.b+c", "x".to_owned())));
        assert!(split_address("밥@한국.example").is_some());
        for bad in [
            "",
            "bob",
            "@x",
            "bob@",
            "a b@x",
            "a..b@x",
            ".a@x",
            "a@b@x",
            "\"a\"@x",
            "a@[127.0.0.1]",
            "a\r\n@x",
        ] {
            assert_eq!(split_address(bad), None, "{bad}");
        }
    }
}
