//! One thread writes; those who wait share one commit.
//!
//! A commit costs a synchronisation of the disk, whatever is in it. While one is under way the next tasks gather,
//! and then go into one transaction, each in a savepoint of its own: one that fails undoes itself alone. Nobody is
//! told of success before the commit is on the disk; those who watch mailboxes are told then, in the order of the
//! tasks, before the one who waits for the task.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::error::StoreError;
use super::mailboxes::{Hub, Published};

/// Tasks that may wait; beyond it whoever has one more waits to hand it in.
const WAITING: usize = 256;
/// Tasks in one transaction.
const BATCH: usize = 512;
/// How long a transaction may gather, so that the first does not wait for ever behind the last.
const GATHER: Duration = Duration::from_millis(50);

/// Tells the one who waits how it ended.
type Finish = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
/// What a task says after it ran: whether its changes stand, and whom to tell.
struct Ran {
    stands: bool,
    published: Published,
    finish: Finish,
}
/// A task; with an error instead of a connection it only passes the error on.
type Task = Box<dyn FnOnce(Result<&Connection, StoreError>) -> Ran + Send>;

/// The way to the writing thread.
#[derive(Debug)]
pub(super) struct Writer {
    tasks: mpsc::Sender<Task>,
    commits: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Writer {
    /// Waits for the thread, so that whoever opens the store next finds it finished.
    fn drop(&mut self) {
        // The thread ends when it has no sender.
        self.tasks = mpsc::channel(1).0;
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

impl Writer {
    /// Starts the thread; it ends when this is dropped and all tasks are done.
    pub(super) fn start(connection: Connection, hub: Arc<Hub>) -> Result<Self, StoreError> {
        let (tasks, receiver) = mpsc::channel(WAITING);
        let commits = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&commits);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || serve(&connection, &hub, receiver, &count))?;
        Ok(Self { tasks, commits, thread: Some(thread) })
    }

    /// Runs `change` in a transaction, and returns once that is durable and what `change` has to tell is told.
    ///
    /// If the future is dropped before it is done, the change may happen or not.
    pub(super) async fn write<T, F>(&self, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &mut Published) -> Result<T, StoreError> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let task: Task = Box::new(move |connection| {
            let mut published = Published::default();
            let result = connection.and_then(|connection| change(connection, &mut published));
            Ran {
                stands: result.is_ok(),
                published,
                // Whoever no longer waits does not want to know.
                finish: Box::new(move |commit| {
                    drop(sender.send(result.and_then(|value| commit.map(|()| value))));
                }),
            }
        });
        self.tasks.send(task).await.map_err(|_| StoreError::Closed)?;
        receiver.await.map_err(|_| StoreError::Closed)?
    }

    /// How many transactions were committed.
    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

fn serve(connection: &Connection, hub: &Hub, mut tasks: mpsc::Receiver<Task>, commits: &AtomicU64) {
    while let Some(first) = tasks.blocking_recv() {
        if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
            (first(Err(error.into())).finish)(Ok(()));
            continue;
        }
        let begun = Instant::now();
        let mut waiting = Vec::new();
        let mut lost = None;
        let mut next = Some(first);
        while let Some(task) = next.take() {
            let ran = run(connection, task);
            waiting.push((ran.stands.then_some(ran.published), ran.finish));
            // On a full disk and the like SQLite ends the whole transaction by itself.
            if connection.is_autocommit() {
                lost = Some(StoreError::Failed("the transaction was rolled back".to_owned()));
                break;
            }
            if waiting.len() < BATCH && begun.elapsed() < GATHER {
                next = tasks.try_recv().ok();
            }
        }
        let outcome = match lost {
            Some(error) => Err(error),
            None => connection.execute_batch("COMMIT").map_err(|error| {
                if !connection.is_autocommit() {
                    let _ = connection.execute_batch("ROLLBACK");
                }
                StoreError::from(error)
            }),
        };
        commits.fetch_add(u64::from(outcome.is_ok()), Ordering::Relaxed);
        if let Err(error) = &outcome {
            tracing::error!(%error, "a transaction failed");
        }
        for (published, finish) in waiting {
            if let (Ok(()), Some(published)) = (&outcome, published) {
                hub.publish(published);
            }
            finish(outcome.clone());
        }
    }
}

/// Runs one task within its savepoint.
fn run(connection: &Connection, task: Task) -> Ran {
    let savepoint = |statement: &str| -> Result<(), StoreError> {
        connection.prepare_cached(statement)?.execute([])?;
        Ok(())
    };
    if let Err(error) = savepoint("SAVEPOINT task") {
        return task(Err(error));
    }
    let ran = task(Ok(connection));
    if !connection.is_autocommit() {
        if !ran.stands {
            // If even this fails the transaction cannot be trusted: end it, and all in it are told.
            if savepoint("ROLLBACK TO task").is_err() {
                let _ = connection.execute_batch("ROLLBACK");
                return ran;
            }
        }
        if savepoint("RELEASE task").is_err() {
            let _ = connection.execute_batch("ROLLBACK");
        }
    }
    ran
}
