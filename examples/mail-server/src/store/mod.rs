//! The embedded store: accounts, mailboxes, messages and the queue in one `SQLite` database.
//!
//! - A write returns once it is on the disk, never before ([`writer`]).
//! - A message's octets lie in chunks of 256 KiB, once, however many mailboxes and queue entries share them.
//! - Accepting a message for its local and its relayed recipients is one transaction: all or none.
//! - Mailboxes, flags, and who is told of their changes: [`mailboxes`].
//! - What is being sent or read is known to this process only, so that after a crash all of it is due again.

mod accounts;
mod blob;
mod deliver;
mod error;
#[allow(dead_code, unused_imports, reason = "IMAP and the webmail are built on it")]
pub(crate) mod mailboxes;
mod maildrop;
mod password;
mod queue;
mod reader;
mod schema;
mod spool;
mod writer;

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::watch;

pub(crate) use accounts::{Account, split_address};
pub(crate) use blob::MessageReader;
pub(crate) use deliver::{Acceptance, Delivery, Enqueue, NewRecipient};
pub(crate) use error::StoreError;
pub(crate) use maildrop::{Maildrop, MaildropEntry};
pub(crate) use password::ScramRecord;
pub(crate) use queue::{Claim, LastDiagnostic, Progress, QueueMessage, QueueRecipient, RecipientState};
pub(crate) use spool::{Spool, Spooled};

/// The octets of one stored chunk; the last of a message may be shorter.
const CHUNK: usize = 256 * 1024;

/// The store. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    writer: writer::Writer,
    readers: reader::Readers,
    hub: Arc<mailboxes::Hub>,
    spool: Arc<spool::SpoolFolder>,
    quota: Option<u64>,
    /// The key that makes the records of unknown names.
    unknown_key: Vec<u8>,
    /// The key that signs the cookies of the web pages.
    webmail_key: Vec<u8>,
    /// Checking passwords is work; more at a time than this would only starve the rest.
    password_checks: Arc<tokio::sync::Semaphore>,
    /// The accounts whose maildrops are open.
    maildrops: Locks<i64>,
    /// The messages of the queue that are being worked on.
    claims: Locks<i64>,
    queue_changes: watch::Sender<u64>,
    /// Held while the store is open for serving.
    _lock: Option<File>,
}

/// How a store is opened.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StoreOptions {
    /// The octets that one account may hold; none: no limit.
    pub(crate) quota: Option<u64>,
    /// To serve: only one process can, and it clears away what a crash left.
    pub(crate) serving: bool,
}

impl Store {
    /// Opens the store in a folder, and makes both if they are not there.
    pub(crate) fn open(folder: &Path, options: StoreOptions) -> Result<Self, StoreError> {
        make_folder(folder)?;
        let spool = folder.join("spool");
        make_folder(&spool)?;
        let lock = if options.serving { Some(lock(folder)?) } else { None };

        let file = folder.join("mail.sqlite");
        // Made here, so that nobody else can read it or the log that SQLite puts beside it with the same mode.
        File::options().append(true).create(true).mode(0o600).open(&file)?;
        // Its name must last as long as what is in it.
        File::open(folder)?.sync_all()?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&file, flags)?;
        schema::prepare_writer(&mut connection)?;
        if options.serving {
            // Messages whose last chunk was never written: they were never acknowledged.
            connection.execute("DELETE FROM blobs WHERE complete = 0", [])?;
        }
        let unknown_key = key(&connection, "unknown-key")?;
        let webmail_key = key(&connection, "webmail-key")?;
        let hub = Arc::new(mailboxes::Hub::default());
        let inner = Inner {
            writer: writer::Writer::start(connection, Arc::clone(&hub))?,
            hub,
            readers: reader::Readers::new(file),
            spool: Arc::new(spool::SpoolFolder::new(spool)),
            quota: options.quota,
            unknown_key,
            webmail_key,
            password_checks: Arc::new(tokio::sync::Semaphore::new(
                std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
            )),
            maildrops: Locks::default(),
            claims: Locks::default(),
            queue_changes: watch::Sender::new(0),
            _lock: lock,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The key that signs the cookies of the web pages; the same after a restart.
    pub(crate) fn webmail_key(&self) -> &[u8] {
        &self.inner.webmail_key
    }

    /// Begins to receive a message.
    pub(crate) fn spool(&self) -> Spool {
        Spool::new(Arc::clone(&self.inner.spool))
    }

    /// Changes whenever something new may be due in the queue.
    pub(crate) fn queue_changes(&self) -> watch::Receiver<u64> {
        self.inner.queue_changes.subscribe()
    }

    /// Wakes whoever watches the queue.
    fn queue_changed(&self) {
        self.inner.queue_changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// How many transactions were committed.
    pub(crate) fn commits(&self) -> u64 {
        self.inner.writer.commits()
    }

    async fn write<T, F>(&self, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.inner.writer.write(|connection, _| change(connection)).await
    }

    /// A write that has something to tell to those who watch mailboxes.
    async fn write_and_tell<T, F>(&self, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &mut mailboxes::Published) -> Result<T, StoreError> + Send + 'static,
    {
        self.inner.writer.write(change).await
    }

    async fn read<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.inner.readers.read(query).await
    }
}

/// Makes a folder that only its owner can enter; one that is there stays as it is.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn lock(folder: &Path) -> Result<File, StoreError> {
    let file = File::options().append(true).create(true).mode(0o600).open(folder.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(StoreError::Failed(format!("another server uses {}", folder.display())))
        }
        Err(std::fs::TryLockError::Error(error)) => Err(error.into()),
    }
}

/// A random key that is kept; made when it is first asked for.
fn key(connection: &Connection, name: &str) -> Result<Vec<u8>, StoreError> {
    let mut key = vec![0; 32];
    getrandom::fill(&mut key).map_err(|error| StoreError::Failed(error.to_string()))?;
    connection.execute(
        "INSERT OR IGNORE INTO settings (name, value) VALUES (?1, ?2)",
        rusqlite::params![name, key],
    )?;
    let query = "SELECT value FROM settings WHERE name = ?1";
    Ok(connection.query_row(query, [name], |row| row.get(0))?)
}

/// Things that one task at a time may hold, in this process.
#[derive(Debug)]
struct Locks<K>(Mutex<HashSet<K>>);

impl<K> Default for Locks<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: std::hash::Hash + Eq> Locks<K> {
    fn held(&self) -> std::sync::MutexGuard<'_, HashSet<K>> {
        // A set of keys is never half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
