//! The octets of messages: writing them ahead of their acceptance, reading them in chunks.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::error::StoreError;
use super::spool::Spooled;
use super::{CHUNK, Store};

/// How many chunks of a message that lies in a file go into one task: others get their turn in between.
const AT_A_TIME: usize = 4;

/// A message's octets, ready to become part of a transaction.
#[derive(Debug)]
pub(super) enum Staged {
    /// Still in memory.
    Memory(Spooled),
    /// Already in the store, not complete yet, seen by nobody.
    Stored(i64),
}

impl Staged {
    /// The blob to take away again if nothing comes of it.
    pub(super) fn stored_blob(&self) -> Option<i64> {
        match self {
            Self::Stored(blob) => Some(*blob),
            Self::Memory(_) => None,
        }
    }
}

impl Store {
    /// Brings a large message into the store, so that its acceptance is a small change; a small one stays where it is.
    pub(super) async fn stage(&self, mut message: Spooled) -> Result<Staged, StoreError> {
        if message.is_in_memory() {
            return Ok(Staged::Memory(message));
        }
        let size = message.size();
        let blob = self.write(move |connection| insert_blob(connection, size, false)).await?;
        let mut position = 0;
        loop {
            let written = match message.read(AT_A_TIME).await {
                Ok(chunks) if chunks.is_empty() => return Ok(Staged::Stored(blob)),
                Ok(chunks) => {
                    let first = position;
                    position += chunks.len() as u64;
                    self.write(move |connection| insert_chunks(connection, blob, first, &chunks)).await
                }
                Err(error) => Err(error),
            };
            if let Err(error) = written {
                self.unstage(blob).await;
                return Err(error);
            }
        }
    }

    /// Takes an incomplete message away again. If this fails, the next start does it.
    pub(super) async fn unstage(&self, blob: i64) {
        let delete = "DELETE FROM blobs WHERE id = ?1 AND complete = 0";
        let deleted = self.write(move |connection| Ok(connection.execute(delete, [blob])?)).await;
        if let Err(error) = deleted {
            tracing::warn!(%error, "an incomplete message stays until the next start");
        }
    }

    pub(super) fn reader(&self, blob: i64, prefix: Vec<u8>, size: u64) -> MessageReader {
        let prefix_octets = prefix.len() as u64;
        MessageReader {
            store: self.clone(),
            blob,
            prefix: prefix_octets,
            head: Bytes::from(prefix),
            size,
            at: 0,
        }
    }

    /// A reader that has the first octets already: `head`, of which `prefix` come before the blob's own.
    pub(super) fn reader_with_head(
        &self,
        blob: i64,
        prefix: usize,
        head: Vec<u8>,
        size: u64,
    ) -> MessageReader {
        let (prefix, head) = (prefix as u64, Bytes::from(head));
        MessageReader { store: self.clone(), blob, prefix, head, size, at: 0 }
    }
}

/// Appends a blob's octets from `at` on to `octets` until these are `wanted`; touches no page that it does not need.
pub(super) fn read_octets(
    connection: &Connection,
    blob: i64,
    mut at: u64,
    octets: &mut Vec<u8>,
    wanted: usize,
) -> Result<(), StoreError> {
    while octets.len() < wanted {
        let id = chunk_id(blob, at / CHUNK as u64).ok_or(StoreError::NotFound)?;
        let chunk = match connection.blob_open("main", "chunks", "data", id, true) {
            Ok(chunk) => chunk,
            Err(error) if no_such_row(&error) => return Err(StoreError::NotFound),
            Err(error) => return Err(error.into()),
        };
        let skip = usize::try_from(at % CHUNK as u64).unwrap_or(usize::MAX);
        let count = chunk.len().saturating_sub(skip).min(wanted - octets.len());
        if count == 0 {
            return Err(StoreError::Failed("a message is shorter than it should be".to_owned()));
        }
        let begin = octets.len();
        octets.resize(begin + count, 0);
        chunk.read_at_exact(octets.get_mut(begin..).unwrap_or_default(), skip)?;
        at += count as u64;
    }
    Ok(())
}

/// `SQLite` has no code of its own for a blob whose row is not there.
fn no_such_row(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqliteFailure(_, Some(text)) if text.starts_with("no such rowid"))
}

/// Makes the staged octets a complete blob and gives its id.
pub(super) fn complete(connection: &Connection, staged: &Staged) -> Result<i64, StoreError> {
    match staged {
        Staged::Memory(message) => {
            let blob = insert_blob(connection, message.size(), true)?;
            insert_chunks(connection, blob, 0, message.chunks())?;
            Ok(blob)
        }
        Staged::Stored(blob) => {
            match connection.prepare_cached("UPDATE blobs SET complete = 1 WHERE id = ?1")?.execute([blob])? {
                1 => Ok(*blob),
                _ => Err(StoreError::Failed("a message is gone before it was accepted".to_owned())),
            }
        }
    }
}

fn insert_blob(connection: &Connection, size: u64, complete: bool) -> Result<i64, StoreError> {
    let size = i64::try_from(size).map_err(|_| StoreError::Full)?;
    connection
        .prepare_cached("INSERT INTO blobs (size, complete) VALUES (?1, ?2)")?
        .execute(params![size, complete])?;
    Ok(connection.last_insert_rowid())
}

fn insert_chunks(
    connection: &Connection,
    blob: i64,
    first: u64,
    chunks: &[Vec<u8>],
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached("INSERT INTO chunks (id, data) VALUES (?1, ?2)")?;
    for (position, chunk) in (first..).zip(chunks) {
        statement.execute(params![chunk_id(blob, position).ok_or(StoreError::Full)?, chunk])?;
    }
    Ok(())
}

/// The row of one chunk; none past 2^20 chunks, which are 256 GiB.
fn chunk_id(blob: i64, position: u64) -> Option<i64> {
    let position = i64::try_from(position).ok().filter(|position| *position < 1 << 20)?;
    Some(blob.checked_mul(1 << 20)? | position)
}

/// Reads a stored message, chunk by chunk.
#[derive(Debug)]
pub(crate) struct MessageReader {
    store: Store,
    blob: i64,
    /// The octets that come before the blob's own.
    prefix: u64,
    /// The first octets of the message, the prefix among them.
    head: Bytes,
    size: u64,
    at: u64,
}

impl MessageReader {
    /// The octets in all.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Goes on from an octet counted from the beginning.
    pub(crate) fn seek(&mut self, at: u64) {
        self.at = at;
    }

    /// The next octets; none at the end. Fails with [`StoreError::NotFound`] when the message was deleted meanwhile.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        if self.at >= self.size {
            return Ok(None);
        }
        if let Ok(at) = usize::try_from(self.at)
            && at < self.head.len()
        {
            self.at = self.head.len() as u64;
            return Ok(Some(self.head.slice(at..)));
        }
        let offset = self.at - self.prefix;
        let id = chunk_id(self.blob, offset / CHUNK as u64).ok_or(StoreError::NotFound)?;
        let data: Option<Vec<u8>> = self
            .store
            .read(move |connection| {
                let mut statement = connection.prepare_cached("SELECT data FROM chunks WHERE id = ?1")?;
                Ok(statement.query_row([id], |row| row.get(0)).optional()?)
            })
            .await?;
        let mut chunk = Bytes::from(data.ok_or(StoreError::NotFound)?);
        let skip = usize::try_from(offset % CHUNK as u64).unwrap_or(usize::MAX);
        if skip >= chunk.len() {
            return Err(StoreError::Failed("a message is shorter than it should be".to_owned()));
        }
        let rest = chunk.split_off(skip);
        self.at += rest.len() as u64;
        Ok(Some(rest))
    }

    /// The octets from one to before another, counted from the beginning, as far as the message goes; whole in memory.
    /// Does not move what [`MessageReader::next`] gives. Fails with [`StoreError::NotFound`] when the message was
    /// deleted meanwhile.
    pub(crate) async fn read_range(&self, from: u64, to: u64) -> Result<Bytes, StoreError> {
        let to = to.min(self.size);
        let from = from.min(to);
        let (Ok(begin), Ok(wanted)) = (usize::try_from(from), usize::try_from(to - from)) else {
            return Err(StoreError::Full);
        };
        if let Some(end) = begin.checked_add(wanted)
            && end <= self.head.len()
        {
            return Ok(self.head.slice(begin..end));
        }
        let mut octets = Vec::new();
        octets.try_reserve_exact(wanted).map_err(|_| StoreError::Failed("there is no memory".to_owned()))?;
        octets.extend_from_slice(self.head.get(begin..).unwrap_or_default());
        let (blob, at) = (self.blob, from.max(self.head.len() as u64) - self.prefix);
        self.store
            .read(move |connection| {
                read_octets(connection, blob, at, &mut octets, wanted)?;
                Ok(Bytes::from(octets))
            })
            .await
    }
}
