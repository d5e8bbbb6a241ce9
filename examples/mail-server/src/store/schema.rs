//! The tables, and how an older store becomes a newer one.

use rusqlite::Connection;

use super::error::StoreError;

/// Each entry brings the store from the version of its index to the next; `user_version` counts them.
/// What stands here is never changed, only added to.
pub(super) const MIGRATIONS: &[&str] = &[VERSION_1, VERSION_2];

/// `queue_recipients.at` is when a waiting recipient is due, else when it was delivered or given up.
/// `chunks.id` is the blob's id and the chunk's position in one number, so that the chunks of a blob lie together.
/// Triggers keep the sizes of mailboxes, and drop a blob with its last use, in the transaction that causes it.
const VERSION_1: &str = "
CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT;

CREATE TABLE accounts (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    address TEXT NOT NULL UNIQUE COLLATE NOCASE,
    secret  TEXT,
    created INTEGER NOT NULL
) STRICT;

CREATE TABLE verifiers (
    account_id INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
    mechanism  TEXT NOT NULL,
    salt       BLOB NOT NULL,
    iterations INTEGER NOT NULL,
    stored_key BLOB NOT NULL,
    server_key BLOB NOT NULL,
    PRIMARY KEY (account_id, mechanism)
) STRICT;

CREATE TABLE mailboxes (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id  INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
    name        TEXT NOT NULL,
    uidvalidity INTEGER NOT NULL,
    uidnext     INTEGER NOT NULL DEFAULT 1,
    messages    INTEGER NOT NULL DEFAULT 0,
    octets      INTEGER NOT NULL DEFAULT 0,
    UNIQUE (account_id, name)
) STRICT;

CREATE TABLE blobs (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    size     INTEGER NOT NULL,
    complete INTEGER NOT NULL
) STRICT;

CREATE TABLE chunks (
    id   INTEGER PRIMARY KEY,
    data BLOB NOT NULL
) STRICT;

CREATE TABLE messages (
    mailbox_id    INTEGER NOT NULL REFERENCES mailboxes ON DELETE CASCADE,
    uid           INTEGER NOT NULL,
    blob_id       INTEGER NOT NULL REFERENCES blobs,
    prefix        BLOB NOT NULL,
    size          INTEGER NOT NULL,
    internal_date INTEGER NOT NULL,
    flags         TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (mailbox_id, uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX messages_by_blob ON messages (blob_id);

CREATE TABLE queue (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    blob_id      INTEGER NOT NULL REFERENCES blobs,
    size         INTEGER NOT NULL,
    reverse_path TEXT NOT NULL,
    arrived      INTEGER NOT NULL,
    envelope_id  TEXT,
    returned     TEXT,
    body         TEXT,
    smtputf8     INTEGER NOT NULL,
    next_event   INTEGER NOT NULL
) STRICT;
CREATE INDEX queue_by_blob ON queue (blob_id);
CREATE INDEX queue_by_event ON queue (next_event);

CREATE TABLE queue_recipients (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT,
    queue_id           INTEGER NOT NULL REFERENCES queue ON DELETE CASCADE,
    forward_path       TEXT NOT NULL,
    destination        TEXT NOT NULL,
    original_recipient TEXT,
    notify             TEXT,
    status             TEXT NOT NULL,
    at                 INTEGER NOT NULL,
    expired            INTEGER NOT NULL DEFAULT 0,
    reported           INTEGER NOT NULL DEFAULT 0,
    attempts           INTEGER NOT NULL DEFAULT 0,
    last_attempt       INTEGER,
    diagnostic_status  TEXT,
    diagnostic_text    TEXT,
    diagnostic_remote  TEXT,
    delay_notice_sent  INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX queue_recipients_by_message ON queue_recipients (queue_id);
CREATE INDEX queue_recipients_due ON queue_recipients (status, destination, at);

CREATE TRIGGER message_comes AFTER INSERT ON messages BEGIN
    UPDATE mailboxes SET messages = messages + 1, octets = octets + NEW.size WHERE id = NEW.mailbox_id;
END;
CREATE TRIGGER message_goes AFTER DELETE ON messages BEGIN
    UPDATE mailboxes SET messages = messages - 1, octets = octets - OLD.size WHERE id = OLD.mailbox_id;
    DELETE FROM blobs WHERE id = OLD.blob_id
        AND NOT EXISTS (SELECT 1 FROM messages WHERE blob_id = OLD.blob_id)
        AND NOT EXISTS (SELECT 1 FROM queue WHERE blob_id = OLD.blob_id);
END;
CREATE TRIGGER queue_goes AFTER DELETE ON queue BEGIN
    DELETE FROM blobs WHERE id = OLD.blob_id
        AND NOT EXISTS (SELECT 1 FROM messages WHERE blob_id = OLD.blob_id)
        AND NOT EXISTS (SELECT 1 FROM queue WHERE blob_id = OLD.blob_id);
END;
CREATE TRIGGER blob_goes AFTER DELETE ON blobs BEGIN
    DELETE FROM chunks WHERE id >= OLD.id << 20 AND id < (OLD.id + 1) << 20;
END;
";

/// Mailboxes for IMAP: counts of changes, flags, what was removed.
///
/// `expunged` holds removals as ranges of UIDs; those up to `mailboxes.expunged_since` are forgotten, and
/// `expunged_ranges` counts the rows. `messages.flags` are the bits of `SystemFlags`: 1 is `\Seen`, 8 `\Deleted`.
/// `derived` is for a message with what stands before it, since that is part of what it was derived from.
/// Every account gets the mailboxes that a new one has; their UIDVALIDITY goes on from the last one given.
const VERSION_2: &str = "
ALTER TABLE mailboxes ADD COLUMN special_use TEXT;
ALTER TABLE mailboxes ADD COLUMN highestmodseq INTEGER NOT NULL DEFAULT 1;
ALTER TABLE mailboxes ADD COLUMN unseen INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mailboxes ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mailboxes ADD COLUMN expunged_since INTEGER NOT NULL DEFAULT 1;
ALTER TABLE mailboxes ADD COLUMN expunged_ranges INTEGER NOT NULL DEFAULT 0;
UPDATE mailboxes SET unseen = messages;

CREATE TABLE subscriptions (
    account_id INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
    name       TEXT NOT NULL,
    PRIMARY KEY (account_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE keywords (
    mailbox_id INTEGER NOT NULL REFERENCES mailboxes ON DELETE CASCADE,
    name       TEXT NOT NULL COLLATE NOCASE,
    PRIMARY KEY (mailbox_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE expunged (
    mailbox_id INTEGER NOT NULL REFERENCES mailboxes ON DELETE CASCADE,
    modseq     INTEGER NOT NULL,
    first      INTEGER NOT NULL,
    last       INTEGER NOT NULL,
    PRIMARY KEY (mailbox_id, modseq, first)
) STRICT, WITHOUT ROWID;

CREATE TABLE derived (
    id      INTEGER PRIMARY KEY,
    blob_id INTEGER NOT NULL,
    prefix  BLOB NOT NULL,
    format  INTEGER NOT NULL,
    data    BLOB NOT NULL,
    UNIQUE (blob_id, prefix)
) STRICT;

DROP TRIGGER message_comes;
DROP TRIGGER message_goes;
DROP TRIGGER queue_goes;
DROP TRIGGER blob_goes;
CREATE TABLE new_messages (
    mailbox_id    INTEGER NOT NULL REFERENCES mailboxes ON DELETE CASCADE,
    uid           INTEGER NOT NULL,
    blob_id       INTEGER NOT NULL REFERENCES blobs,
    prefix        BLOB NOT NULL,
    size          INTEGER NOT NULL,
    internal_date INTEGER NOT NULL,
    saved_date    INTEGER NOT NULL,
    flags         INTEGER NOT NULL,
    keywords      TEXT NOT NULL,
    modseq        INTEGER NOT NULL,
    PRIMARY KEY (mailbox_id, uid)
) STRICT, WITHOUT ROWID;
INSERT INTO new_messages
    SELECT mailbox_id, uid, blob_id, prefix, size, internal_date, internal_date, 0, '', 1 FROM messages;
DROP TABLE messages;
ALTER TABLE new_messages RENAME TO messages;
CREATE INDEX messages_by_blob ON messages (blob_id);
CREATE INDEX messages_by_modseq ON messages (mailbox_id, modseq);

CREATE TRIGGER message_comes AFTER INSERT ON messages BEGIN
    UPDATE mailboxes SET messages = messages + 1, octets = octets + NEW.size,
        unseen = unseen + (NEW.flags & 1 = 0), deleted = deleted + (NEW.flags & 8 <> 0) WHERE id = NEW.mailbox_id;
END;
CREATE TRIGGER message_changes AFTER UPDATE OF flags ON messages WHEN OLD.flags & 9 <> NEW.flags & 9 BEGIN
    UPDATE mailboxes SET unseen = unseen + (NEW.flags & 1 = 0) - (OLD.flags & 1 = 0),
        deleted = deleted + (NEW.flags & 8 <> 0) - (OLD.flags & 8 <> 0) WHERE id = NEW.mailbox_id;
END;
CREATE TRIGGER message_goes AFTER DELETE ON messages BEGIN
    UPDATE mailboxes SET messages = messages - 1, octets = octets - OLD.size,
        unseen = unseen - (OLD.flags & 1 = 0), deleted = deleted - (OLD.flags & 8 <> 0) WHERE id = OLD.mailbox_id;
    DELETE FROM blobs WHERE id = OLD.blob_id
        AND NOT EXISTS (SELECT 1 FROM messages WHERE blob_id = OLD.blob_id)
        AND NOT EXISTS (SELECT 1 FROM queue WHERE blob_id = OLD.blob_id);
END;
CREATE TRIGGER queue_goes AFTER DELETE ON queue BEGIN
    DELETE FROM blobs WHERE id = OLD.blob_id
        AND NOT EXISTS (SELECT 1 FROM messages WHERE blob_id = OLD.blob_id)
        AND NOT EXISTS (SELECT 1 FROM queue WHERE blob_id = OLD.blob_id);
END;
CREATE TRIGGER blob_goes AFTER DELETE ON blobs BEGIN
    DELETE FROM chunks WHERE id >= OLD.id << 20 AND id < (OLD.id + 1) << 20;
    DELETE FROM derived WHERE blob_id = OLD.id;
END;

INSERT INTO mailboxes (account_id, name, special_use, uidvalidity)
    SELECT accounts.id, uses.column1, '\\' || uses.column1,
        (SELECT value FROM settings WHERE name = 'uidvalidity') + ROW_NUMBER() OVER (ORDER BY accounts.id, uses.column1)
    FROM accounts, (VALUES ('Archive'), ('Drafts'), ('Junk'), ('Sent'), ('Trash')) AS uses;
UPDATE settings SET value = (SELECT MAX(uidvalidity) FROM mailboxes)
    WHERE name = 'uidvalidity' AND value < (SELECT MAX(uidvalidity) FROM mailboxes);
INSERT INTO subscriptions (account_id, name) SELECT account_id, name FROM mailboxes;
";

/// Settings that `SQLite` does not keep: for every connection.
pub(super) fn prepare(connection: &Connection) -> Result<(), StoreError> {
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    connection
        .execute_batch("PRAGMA foreign_keys = ON; PRAGMA cache_size = -8192; PRAGMA trusted_schema = OFF;")?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}

/// What a connection that writes needs besides: a write-ahead log, synchronised at each commit.
pub(super) fn prepare_writer(connection: &mut Connection) -> Result<(), StoreError> {
    prepare(connection)?;
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.execute_batch("PRAGMA synchronous = FULL;")?;
    connection.query_row("PRAGMA wal_autocheckpoint = 4000", [], |_| Ok(()))?;
    connection.query_row("PRAGMA journal_size_limit = 67108864", [], |_| Ok(()))?;
    migrate(connection)
}

/// Brings an older store to the newest version; refuses one from the future.
fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let newest = MIGRATIONS.len();
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let version: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    if version > newest {
        return Err(StoreError::Failed(format!(
            "the store has version {version}, this program knows {newest}"
        )));
    }
    for step in MIGRATIONS.get(version..).unwrap_or_default() {
        transaction.execute_batch(step)?;
    }
    if version < newest {
        transaction.execute_batch(&format!("PRAGMA user_version = {newest}"))?;
    }
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_store_gets_all_versions_and_an_old_one_keeps_its_rows() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        connection.execute("INSERT INTO settings VALUES ('a', 1)", []).unwrap();
        migrate(&mut connection).unwrap();
        let rows: i64 = connection.query_row("SELECT COUNT(*) FROM settings", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 1);
    }

    #[test]
    fn a_store_from_the_future_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("PRAGMA user_version = 99").unwrap();
        let error = migrate(&mut connection).unwrap_err().to_string();
        assert!(error.contains("version 99"), "{error}");
    }
}
