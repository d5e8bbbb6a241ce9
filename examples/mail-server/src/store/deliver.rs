//! Accepting a message: into mailboxes and into the queue, in one transaction.

use rusqlite::{Connection, params};

use super::blob::{Staged, complete};
use super::error::StoreError;
use super::mailboxes::{Published, deliver_to_inbox};
use super::spool::Spooled;
use super::{Account, Store, accounts};
use crate::time::Time;

/// A message with all that is to happen to it.
#[derive(Debug)]
pub(crate) struct Acceptance {
    /// Its octets, with the trace fields of this host, without a `Return-Path`.
    pub(crate) message: Spooled,
    /// When it arrived.
    pub(crate) now: Time,
    /// Whose mailboxes it goes to.
    pub(crate) deliveries: Vec<Delivery>,
    /// To whom it is sent on; none when there is nobody.
    pub(crate) enqueue: Option<Enqueue>,
}

/// Delivery into one mailbox.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    /// Whose.
    pub(crate) account: Account,
    /// What goes before the message in this mailbox alone: the `Return-Path` field.
    pub(crate) prefix: Vec<u8>,
}

/// The envelope of a message that is sent on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Enqueue {
    /// Without its angle brackets; empty for notices.
    pub(crate) reverse_path: String,
    /// `ENVID`, decoded (RFC 3461 section 4.4).
    pub(crate) envelope_id: Option<String>,
    /// `RET` (RFC 3461 section 4.3).
    pub(crate) returned: Option<String>,
    /// `BODY` (RFC 6152).
    pub(crate) body: Option<String>,
    /// `SMTPUTF8` (RFC 6531).
    pub(crate) smtputf8: bool,
    /// To whom.
    pub(crate) recipients: Vec<NewRecipient>,
}

/// Someone to whom a message is sent on.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewRecipient {
    /// Without its angle brackets.
    pub(crate) forward_path: String,
    /// What recipients are grouped by: the domain in lower case.
    pub(crate) destination: String,
    /// `ORCPT`, decoded (RFC 3461 section 4.2).
    pub(crate) original_recipient: Option<String>,
    /// `NOTIFY` (RFC 3461 section 4.1).
    pub(crate) notify: Option<String>,
}

impl Store {
    /// Accepts a message for all its recipients, or for none. Once this returns the message is on the disk.
    ///
    /// Gives the id in the queue, if it is sent on. Fails with [`StoreError::OverQuota`] if one mailbox has no room,
    /// and with [`StoreError::NotFound`] if an account is gone.
    pub(crate) async fn accept(&self, acceptance: Acceptance) -> Result<Option<i64>, StoreError> {
        let enqueued = acceptance.enqueue.is_some();
        let prepared = self.prepare(acceptance).await?;
        let blob = prepared.stored_blob();
        let quota = self.inner.quota;
        let result = self
            .write_and_tell(move |connection, published| prepared.accept(connection, published, quota))
            .await;
        if result.is_err()
            && let Some(blob) = blob
        {
            self.unstage(blob).await;
        }
        if enqueued && result.is_ok() {
            self.queue_changed();
        }
        result
    }

    /// Brings what is large into the store ahead of the transaction.
    pub(super) async fn prepare(&self, acceptance: Acceptance) -> Result<Prepared, StoreError> {
        let Acceptance { message, now, deliveries, enqueue } = acceptance;
        let size = message.size();
        let staged = self.stage(message).await?;
        Ok(Prepared { staged, size, now, deliveries, enqueue })
    }
}

/// An acceptance that is a small change.
pub(super) struct Prepared {
    staged: Staged,
    size: u64,
    now: Time,
    deliveries: Vec<Delivery>,
    enqueue: Option<Enqueue>,
}

impl Prepared {
    /// The blob to take away again if nothing comes of it.
    pub(super) fn stored_blob(&self) -> Option<i64> {
        self.staged.stored_blob()
    }

    /// Within a transaction.
    pub(super) fn accept(
        &self,
        connection: &Connection,
        published: &mut Published,
        quota: Option<u64>,
    ) -> Result<Option<i64>, StoreError> {
        if self.deliveries.is_empty() && self.enqueue.is_none() {
            return Err(StoreError::Invalid("a message without recipients"));
        }
        let blob = complete(connection, &self.staged)?;
        let mut done: Vec<i64> = Vec::new();
        for delivery in &self.deliveries {
            // One copy for each account, however many of its addresses are named.
            if !done.contains(&delivery.account.id) {
                self.deliver(connection, published, blob, delivery, quota)?;
                done.push(delivery.account.id);
            }
        }
        self.enqueue.as_ref().map(|enqueue| self.enqueue(connection, blob, enqueue)).transpose()
    }

    fn deliver(
        &self,
        connection: &Connection,
        published: &mut Published,
        blob: i64,
        delivery: &Delivery,
        quota: Option<u64>,
    ) -> Result<(), StoreError> {
        let size = self.size.saturating_add(delivery.prefix.len() as u64);
        if let Some(quota) = quota {
            accounts::has_room(connection, delivery.account.id, size, quota)?;
        }
        deliver_to_inbox(connection, published, delivery.account.id, blob, &delivery.prefix, size, self.now)
    }

    fn enqueue(&self, connection: &Connection, blob: i64, enqueue: &Enqueue) -> Result<i64, StoreError> {
        let insert =
            "INSERT INTO queue (blob_id, size, reverse_path, arrived, envelope_id, returned, body, smtputf8, next_event)
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?4)";
        let size = i64::try_from(self.size).map_err(|_| StoreError::Full)?;
        connection.prepare_cached(insert)?.execute(params![
            blob,
            size,
            enqueue.reverse_path,
            self.now.0,
            enqueue.envelope_id,
            enqueue.returned,
            enqueue.body,
            enqueue.smtputf8
        ])?;
        let id = connection.last_insert_rowid();
        let insert = "INSERT INTO queue_recipients
                      (queue_id, forward_path, destination, original_recipient, notify, status, at)
                      VALUES (?1, ?2, ?3, ?4, ?5, 'waiting', ?6)";
        let mut statement = connection.prepare_cached(insert)?;
        for recipient in &enqueue.recipients {
            statement.execute(params![
                id,
                recipient.forward_path,
                recipient.destination,
                recipient.original_recipient,
                recipient.notify,
                self.now.0
            ])?;
        }
        Ok(id)
    }
}
