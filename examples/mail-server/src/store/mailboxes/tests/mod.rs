//! What the store promises of mailboxes.

mod changing;
mod crash;
mod names;
mod reading;
mod watching;

use super::*;
use crate::store::tests::{NOW, account, all, count, deliver, octets, open, spooled};
use crate::store::{Account, Store, StoreError, StoreOptions};
use crate::time::Time;

fn flags(names: &str) -> Flags {
    Flags::from_names(names.split_whitespace()).unwrap()
}

fn uids(ranges: &[(u32, u32)]) -> UidSet {
    ranges.iter().copied().collect()
}

async fn find(store: &Store, account: &Account, name: &str) -> Mailbox {
    store.find_mailbox(account, name).await.unwrap().0
}

async fn status(store: &Store, account: &Account, name: &str) -> Status {
    store.find_mailbox(account, name).await.unwrap().1
}

/// Appends messages of these sizes, with these flags.
async fn append(store: &Store, mailbox: Mailbox, sizes: &[usize], names: &str) -> Appended {
    let mut messages = Vec::new();
    for size in sizes {
        let message = spooled(store, &octets(*size)).await;
        messages.push(NewMessage { message, flags: flags(names), internal_date: None });
    }
    store.append(&mailbox, messages, NOW).await.unwrap()
}

/// Puts many small messages into an empty mailbox, past APPEND, for that would take long: copies of one.
async fn fill(store: &Store, mailbox: Mailbox, messages: u32) {
    append(store, mailbox, &[3], "\\Seen").await;
    let id = mailbox.id;
    store
        .write(move |connection| {
            let copies = "WITH RECURSIVE n (uid) AS (SELECT 2 UNION ALL SELECT uid + 1 FROM n WHERE uid < ?2)
                INSERT INTO messages SELECT mailbox_id, n.uid, blob_id, prefix, size, internal_date, saved_date,
                flags, keywords, modseq FROM messages AS m, n WHERE m.mailbox_id = ?1 AND m.uid = 1";
            connection.execute(copies, [id, i64::from(messages)])?;
            let next = "UPDATE mailboxes SET uidnext = ?2 + 1 WHERE id = ?1";
            connection.execute(next, [id, i64::from(messages)])?;
            Ok(())
        })
        .await
        .unwrap();
    check(store).await;
}

async fn rows(store: &Store, mailbox: Mailbox, choice: Choice) -> Vec<MessageRow> {
    let mut rows = store.message_rows(&mailbox, choice);
    let mut all = Vec::new();
    while let Some(batch) = rows.next().await.unwrap() {
        assert!(!batch.is_empty() && batch.len() <= 1000);
        all.extend(batch);
    }
    assert_eq!(rows.next().await, Ok(None), "the end stays the end");
    all
}

/// All messages of a mailbox: UID and flags.
async fn contents(store: &Store, mailbox: Mailbox) -> Vec<(u32, String)> {
    let choice = Choice { uids: UidSet::all(), ..Choice::default() };
    let rows = rows(store, mailbox, choice).await;
    rows.iter().map(|row| (row.uid, row.flags.names().collect::<Vec<_>>().join(" "))).collect()
}

/// The counters of every mailbox are those of its rows, and the database is whole.
async fn check(store: &Store) {
    let wrong: i64 = store
        .read(|connection| {
            let query = "SELECT COUNT(*) FROM mailboxes AS b WHERE
                (messages, octets, unseen, deleted) IS NOT (SELECT COUNT(*), COALESCE(SUM(size), 0),
                    COALESCE(SUM(flags & 1 = 0), 0), COALESCE(SUM(flags & 8 <> 0), 0)
                    FROM messages WHERE mailbox_id = b.id)
                OR uidnext <= (SELECT COALESCE(MAX(uid), 0) FROM messages WHERE mailbox_id = b.id)
                OR highestmodseq < (SELECT COALESCE(MAX(modseq), 0) FROM messages WHERE mailbox_id = b.id)
                OR expunged_ranges <> (SELECT COUNT(*) FROM expunged WHERE mailbox_id = b.id)
                OR EXISTS (SELECT 1 FROM expunged AS e JOIN messages AS m ON m.mailbox_id = e.mailbox_id
                    AND m.uid BETWEEN e.first AND e.last WHERE e.mailbox_id = b.id)";
            Ok(connection.query_row(query, [], |row| row.get(0))?)
        })
        .await
        .unwrap();
    assert_eq!(wrong, 0, "mailboxes whose counters are wrong");
    let check: String = store
        .read(|connection| Ok(connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?))
        .await
        .unwrap();
    assert_eq!(check, "ok");
}
