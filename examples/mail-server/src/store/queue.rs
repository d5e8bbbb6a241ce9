//! The outgoing queue: what waits, for whom, until when. When to try again is for the caller to say.

use std::collections::BTreeMap;

use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::deliver::{Acceptance, Prepared};
use super::error::StoreError;
use super::mailboxes::Published;
use super::{MessageReader, Store};
use crate::time::Time;

/// A message in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueueMessage {
    /// Its number; never used again.
    pub(crate) id: i64,
    blob: i64,
    /// Its octets.
    pub(crate) size: u64,
    /// Without its angle brackets; empty for notices.
    pub(crate) reverse_path: String,
    /// When it was accepted.
    pub(crate) arrived: Time,
    /// `ENVID`, decoded.
    pub(crate) envelope_id: Option<String>,
    /// `RET`.
    pub(crate) returned: Option<String>,
    /// `BODY`.
    pub(crate) body: Option<String>,
    /// `SMTPUTF8`.
    pub(crate) smtputf8: bool,
    /// When there is next something to do for it.
    pub(crate) next_event: Time,
    /// To whom; all of them.
    pub(crate) recipients: Vec<QueueRecipient>,
}

/// A recipient of a message in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueueRecipient {
    /// Its number.
    pub(crate) id: i64,
    /// Without its angle brackets.
    pub(crate) forward_path: String,
    /// What recipients are grouped by.
    pub(crate) destination: String,
    /// `ORCPT`, decoded.
    pub(crate) original_recipient: Option<String>,
    /// `NOTIFY`.
    pub(crate) notify: Option<String>,
    /// What was tried so far.
    pub(crate) progress: Progress,
}

/// What was tried for a recipient so far, and what is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Where it stands.
    pub(crate) state: RecipientState,
    /// How many tries were begun.
    pub(crate) attempts: u32,
    /// When the last try was begun.
    pub(crate) last_attempt: Option<Time>,
    /// Why it is not delivered: the last failure.
    pub(crate) diagnostic: Option<LastDiagnostic>,
    /// Whether the sender was told of the delay.
    pub(crate) delay_notice_sent: bool,
}

/// Where a recipient stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecipientState {
    /// To be tried.
    Waiting {
        /// When it is due.
        next_try: Time,
    },
    /// The next host has taken it.
    Delivered {
        /// When.
        at: Time,
    },
    /// It was given up.
    Failed {
        /// When.
        at: Time,
        /// Because it took too long, not because it was refused for good.
        expired: bool,
        /// Whether the sender was told, or is not to be told.
        reported: bool,
    },
}

impl RecipientState {
    /// The word in the store and in listings.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Waiting { .. } => "waiting",
            Self::Delivered { .. } => "delivered",
            Self::Failed { .. } => "failed",
        }
    }

    /// When it is due, delivered or given up.
    fn at(self) -> Time {
        match self {
            Self::Waiting { next_try: at } | Self::Delivered { at } | Self::Failed { at, .. } => at,
        }
    }
}

/// The reason of the last failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LastDiagnostic {
    /// The enhanced status code, as `4.4.1`.
    pub(crate) status: String,
    /// In words: the reply with its code, or what this side found out by itself.
    pub(crate) text: String,
    /// The host that said so.
    pub(crate) remote: Option<String>,
}

impl ToSql for Time {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.into())
    }
}

impl FromSql for Time {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_i64().map(Self)
    }
}

/// A message that this process works on; nobody else gets it until this is dropped.
///
/// What is under way is not in the store: after a crash it is due again.
#[derive(Debug)]
pub(crate) struct Claim {
    store: Store,
    /// The message with all its recipients, as it was when it was claimed.
    pub(crate) message: QueueMessage,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.store.inner.claims.held().remove(&self.message.id);
    }
}

impl Claim {
    /// Reads the message.
    pub(crate) fn read(&self) -> MessageReader {
        self.store.read_queued(&self.message)
    }

    /// Records what became of some recipients, by their ids, with the notices that follow from it, all or none.
    ///
    /// `next_event` is when there is next something to do for the message, if that is known. Once every recipient is
    /// delivered, or given up and reported, the message leaves the queue. If it was removed meanwhile nothing happens.
    pub(crate) async fn record(
        &self,
        updates: Vec<(i64, Progress)>,
        next_event: Option<Time>,
        notices: Vec<Acceptance>,
    ) -> Result<(), StoreError> {
        self.store.record(self.message.id, updates, next_event, notices).await
    }
}

impl Store {
    /// The destinations that have something due, those that wait longest first.
    pub(crate) async fn due_destinations(&self, now: Time) -> Result<Vec<String>, StoreError> {
        self.read(move |connection| {
            // From one destination to the next by the index, without looking at what lies between.
            let query = "
                WITH RECURSIVE destinations (name) AS (
                    SELECT MIN(destination) FROM queue_recipients WHERE status = 'waiting'
                    UNION ALL
                    SELECT (SELECT MIN(destination) FROM queue_recipients
                            WHERE status = 'waiting' AND destination > name)
                    FROM destinations WHERE name IS NOT NULL
                ), earliest (name, at) AS (
                    SELECT name, (SELECT MIN(at) FROM queue_recipients WHERE status = 'waiting' AND destination = name)
                    FROM destinations WHERE name IS NOT NULL
                )
                SELECT name FROM earliest WHERE at <= ?1 ORDER BY at";
            let mut statement = connection.prepare_cached(query)?;
            let rows = statement.query_map([now], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// When the next thing is to be done that is not to be done yet; none: nothing is foreseen.
    pub(crate) async fn next_event(&self, now: Time) -> Result<Option<Time>, StoreError> {
        self.read(move |connection| {
            let query = "SELECT MIN(next_event) FROM queue WHERE next_event > ?1";
            Ok(connection.prepare_cached(query)?.query_row([now], |row| row.get(0))?)
        })
        .await
    }

    /// Takes messages that have a recipient due at a destination, longest due first, at most `count`.
    pub(crate) async fn claim_due(
        &self,
        destination: &str,
        now: Time,
        count: usize,
    ) -> Result<Vec<Claim>, StoreError> {
        let destination = destination.to_owned();
        let store = self.clone();
        self.read(move |connection| {
            let query = "SELECT queue_id FROM queue_recipients
                         WHERE status = 'waiting' AND destination = ?1 AND at <= ?2 ORDER BY at, id";
            claim(&store, connection, query, params![destination, now], count, |message| {
                message.recipients.iter().any(|recipient| {
                    recipient.destination == destination
                        && matches!(recipient.progress.state, RecipientState::Waiting { next_try } if next_try <= now)
                })
            })
        })
        .await
    }

    /// Takes messages for which the time of their next event has come, longest ago first, at most `count`: those with
    /// a notice to give are among them.
    pub(crate) async fn claim_events(&self, now: Time, count: usize) -> Result<Vec<Claim>, StoreError> {
        let store = self.clone();
        self.read(move |connection| {
            let query = "SELECT id FROM queue WHERE next_event <= ?1 ORDER BY next_event";
            claim(&store, connection, query, params![now], count, |message| message.next_event <= now)
        })
        .await
    }

    /// See [`Claim::record`].
    async fn record(
        &self,
        id: i64,
        updates: Vec<(i64, Progress)>,
        next_event: Option<Time>,
        notices: Vec<Acceptance>,
    ) -> Result<(), StoreError> {
        let enqueued = notices.iter().any(|notice| notice.enqueue.is_some());
        let mut prepared = Vec::new();
        let mut blobs = Vec::new();
        let mut outcome = Ok(());
        for notice in notices {
            match self.prepare(notice).await {
                Ok(notice) => {
                    blobs.extend(notice.stored_blob());
                    prepared.push(notice);
                }
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
        }
        if outcome.is_ok() {
            outcome = self
                .write_and_tell(move |connection, published| {
                    if !update(connection, id, &updates, next_event)? {
                        return Ok(());
                    }
                    prepared.iter().try_for_each(|notice| accept_notice(connection, published, notice))
                })
                .await;
        }
        // Those that became part of the store are complete, and stay.
        for blob in blobs {
            self.unstage(blob).await;
        }
        if enqueued {
            self.queue_changed();
        }
        outcome
    }

    /// Reads a message of the queue.
    pub(crate) fn read_queued(&self, message: &QueueMessage) -> MessageReader {
        self.reader(message.blob, Vec::new(), message.size)
    }

    /// The messages after the number `after`, at most `count`, with all their recipients; begin with 0.
    pub(crate) async fn list_queue(&self, after: i64, count: u32) -> Result<Vec<QueueMessage>, StoreError> {
        self.read(move |connection| {
            let mut messages: BTreeMap<i64, QueueMessage> = BTreeMap::new();
            let query = format!("SELECT {MESSAGE} FROM queue WHERE id > ?1 ORDER BY id LIMIT ?2");
            let mut statement = connection.prepare_cached(&query)?;
            for message in statement.query_map(params![after, count], message)? {
                let message = message?;
                messages.insert(message.id, message);
            }
            for message in messages.values_mut() {
                message.recipients = recipients(connection, message.id)?;
            }
            Ok(messages.into_values().collect())
        })
        .await
    }

    /// One message with all its recipients.
    pub(crate) async fn show_queued(&self, id: i64) -> Result<Option<QueueMessage>, StoreError> {
        self.read(move |connection| load(connection, id)).await
    }

    /// Makes one message due, or all. Gives the number of recipients that this concerns.
    pub(crate) async fn retry_queued(&self, id: Option<i64>, now: Time) -> Result<usize, StoreError> {
        // The schedule's own times are whole seconds; one that is not says that somebody asked, and a destination that is left alone
        // is tried all the same.
        let now = if now.0 % 1000 == 0 { Time(now.0 - 1) } else { now };
        let count = self
            .write(move |connection| {
                if let Some(id) = id {
                    exists(connection, id)?;
                }
                let update = "UPDATE queue SET next_event = MIN(next_event, ?1) WHERE id = COALESCE(?2, id)";
                connection.prepare_cached(update)?.execute(params![now, id])?;
                let update = "UPDATE queue_recipients SET at = MIN(at, ?1)
                              WHERE status = 'waiting' AND queue_id = COALESCE(?2, queue_id)";
                Ok(connection.prepare_cached(update)?.execute(params![now, id])?)
            })
            .await?;
        self.queue_changed();
        Ok(count)
    }

    /// Throws one message away. One that is being sent at this moment may still arrive.
    pub(crate) async fn remove_queued(&self, id: i64) -> Result<(), StoreError> {
        self.write(move |connection| {
            exists(connection, id)?;
            connection.prepare_cached("DELETE FROM queue WHERE id = ?1")?.execute([id])?;
            Ok(())
        })
        .await
    }
}

/// A notice has nowhere else to go: a full mailbox takes it too, and one that is gone ends it.
fn accept_notice(
    connection: &Connection,
    published: &mut Published,
    notice: &Prepared,
) -> Result<(), StoreError> {
    connection.prepare_cached("SAVEPOINT notice")?.execute([])?;
    // What is rolled back is not told.
    let mut own = Published::default();
    match notice.accept(connection, &mut own, None) {
        Ok(_) => published.append(own),
        Err(StoreError::NotFound) => {
            connection.prepare_cached("ROLLBACK TO notice")?.execute([])?;
            tracing::warn!("a notice is dropped: the account it was for is gone");
        }
        Err(error) => return Err(error),
    }
    connection.prepare_cached("RELEASE notice")?.execute([])?;
    Ok(())
}

/// False when the message is not in the queue any more.
fn update(
    connection: &Connection,
    id: i64,
    updates: &[(i64, Progress)],
    next_event: Option<Time>,
) -> Result<bool, StoreError> {
    let change = "UPDATE queue SET next_event = COALESCE(?2, next_event) WHERE id = ?1";
    if connection.prepare_cached(change)?.execute(params![id, next_event])? == 0 {
        return Ok(false);
    }
    let change =
        "UPDATE queue_recipients SET status = ?3, at = ?4, expired = ?5, reported = ?6, attempts = ?7,
                  last_attempt = ?8, diagnostic_status = ?9, diagnostic_text = ?10, diagnostic_remote = ?11,
                  delay_notice_sent = ?12 WHERE id = ?1 AND queue_id = ?2";
    let mut statement = connection.prepare_cached(change)?;
    for (recipient, progress) in updates {
        let (expired, reported) = match progress.state {
            RecipientState::Failed { expired, reported, .. } => (expired, reported),
            _ => (false, false),
        };
        let diagnostic = progress.diagnostic.as_ref();
        statement.execute(params![
            recipient,
            id,
            progress.state.name(),
            progress.state.at(),
            expired,
            reported,
            progress.attempts,
            progress.last_attempt,
            diagnostic.map(|diagnostic| &diagnostic.status),
            diagnostic.map(|diagnostic| &diagnostic.text),
            diagnostic.and_then(|diagnostic| diagnostic.remote.as_ref()),
            progress.delay_notice_sent
        ])?;
    }
    let done = "DELETE FROM queue WHERE id = ?1 AND NOT EXISTS (
                    SELECT 1 FROM queue_recipients WHERE queue_id = ?1
                    AND (status = 'waiting' OR (status = 'failed' AND NOT reported)))";
    connection.prepare_cached(done)?.execute([id])?;
    Ok(true)
}

/// Claims the messages whose ids a query gives, so far as nobody has them and they are `due` still.
fn claim(
    store: &Store,
    connection: &Connection,
    query: &str,
    parameters: impl rusqlite::Params,
    count: usize,
    due: impl Fn(&QueueMessage) -> bool,
) -> Result<Vec<Claim>, StoreError> {
    let claims = &store.inner.claims;
    let mut free: Vec<i64> = Vec::new();
    {
        let mut statement = connection.prepare_cached(query)?;
        let mut ids = statement.query(parameters)?;
        while free.len() < count
            && let Some(row) = ids.next()?
        {
            let id = row.get(0)?;
            if !free.contains(&id) && !claims.held().contains(&id) {
                free.push(id);
            }
        }
    }
    // Each is read after it was claimed, and after the query has ended: the query sees the store as it was when it
    // began, and whoever had the message then may have changed it and given it back since.
    let mut claimed = Vec::new();
    for id in free {
        if !claims.take(id) {
            continue;
        }
        match load(connection, id) {
            // From here on a drop gives it back.
            Ok(Some(message)) => {
                let claim = Claim { store: store.clone(), message };
                if due(&claim.message) {
                    claimed.push(claim);
                }
            }
            other => {
                claims.held().remove(&id);
                other?;
            }
        }
    }
    Ok(claimed)
}

fn exists(connection: &Connection, id: i64) -> Result<(), StoreError> {
    Ok(connection.prepare_cached("SELECT 1 FROM queue WHERE id = ?1")?.query_row([id], |_| Ok(()))?)
}

/// The columns that [`message`] reads.
const MESSAGE: &str =
    "id, blob_id, size, reverse_path, arrived, envelope_id, returned, body, smtputf8, next_event";

fn message(row: &Row<'_>) -> rusqlite::Result<QueueMessage> {
    Ok(QueueMessage {
        id: row.get(0)?,
        blob: row.get(1)?,
        size: row.get(2)?,
        reverse_path: row.get(3)?,
        arrived: row.get(4)?,
        envelope_id: row.get(5)?,
        returned: row.get(6)?,
        body: row.get(7)?,
        smtputf8: row.get(8)?,
        next_event: row.get(9)?,
        recipients: Vec::new(),
    })
}

fn load(connection: &Connection, id: i64) -> Result<Option<QueueMessage>, StoreError> {
    let query = format!("SELECT {MESSAGE} FROM queue WHERE id = ?1");
    let found = connection.prepare_cached(&query)?.query_row([id], message).optional()?;
    let Some(mut message) = found else { return Ok(None) };
    message.recipients = recipients(connection, id)?;
    Ok(Some(message))
}

fn recipients(connection: &Connection, id: i64) -> Result<Vec<QueueRecipient>, StoreError> {
    let query = "SELECT id, forward_path, destination, original_recipient, notify, status, at, expired, reported,
                 attempts, last_attempt, diagnostic_status, diagnostic_text, diagnostic_remote, delay_notice_sent
                 FROM queue_recipients WHERE queue_id = ?1 ORDER BY id";
    let mut statement = connection.prepare_cached(query)?;
    let rows = statement.query_map([id], |row| {
        let at = row.get(6)?;
        let state = match row.get_ref(5)?.as_str()? {
            "delivered" => RecipientState::Delivered { at },
            "failed" => RecipientState::Failed { at, expired: row.get(7)?, reported: row.get(8)? },
            _ => RecipientState::Waiting { next_try: at },
        };
        let diagnostic = match row.get(11)? {
            Some(status) => Some(LastDiagnostic { status, text: row.get(12)?, remote: row.get(13)? }),
            None => None,
        };
        Ok(QueueRecipient {
            id: row.get(0)?,
            forward_path: row.get(1)?,
            destination: row.get(2)?,
            original_recipient: row.get(3)?,
            notify: row.get(4)?,
            progress: Progress {
                state,
                attempts: row.get(9)?,
                last_attempt: row.get(10)?,
                diagnostic,
                delay_notice_sent: row.get(14)?,
            },
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
