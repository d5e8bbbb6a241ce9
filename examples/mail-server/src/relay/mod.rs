//! What goes out: the messages of the queue, to the servers of their recipients.
//!
//! - One task runs the queue ([`runner`]); each connection has a task of its own ([`worker`]).
//! - Messages for one destination go over one connection, one after the other, as long as there are any; an open connection waits a
//!   little for more.
//! - What became of a message is recorded as soon as it is known. After a crash at most what was being sent is sent again.

mod active;
mod connection;
mod notice;
mod resolve;
mod runner;
mod worker;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use postroad_queue::{Limits, Schedule};
use postroad_smtp::types::ClientName;
use postroad_tokio::tls::unverified_client_config;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::config::Config;
use crate::store::Store;
use runner::Runner;

/// Outgoing connections at a time, to all destinations.
const CONNECTIONS: usize = 50;

/// Who watches the conversation with this host.
pub(crate) type Watch = Arc<dyn Fn(&str) -> conversation::Sink + Send + Sync>;

/// How the relay runs, beside what the configuration says.
#[derive(Clone)]
pub(crate) struct Options {
    /// What the schedule goes by.
    pub(crate) clock: Clock,
    /// Where the conversations are shown, if they are.
    pub(crate) watch: Option<Watch>,
    /// How long a connection may take to be made.
    pub(crate) connect: Duration,
    /// How long an open connection waits for another message. Others may want the other side's attention.
    pub(crate) idle: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clock: Clock::Real,
            watch: None,
            connect: Duration::from_secs(30),
            idle: Duration::from_secs(2),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("clock", &self.clock).finish_non_exhaustive()
    }
}

/// The running relay. Dropped, it is cut off; what it was doing is done again after the next start.
#[derive(Debug)]
pub(crate) struct Relay {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Relay {
    /// Begins to send what is in the queue. Once it is told to stop, what is under way has `drain` to finish.
    pub(crate) fn start(config: &Config, store: &Store, options: Options, drain: Duration) -> Result<Self> {
        let Options { clock, watch, connect, idle } = options;
        let queue = &config.queue;
        let mut schedule = Schedule::new(queue.retry.clone());
        schedule.give_up = queue.give_up;
        schedule.delay_notice = queue.delay_notice;
        let mut limits = Limits::default();
        limits.connections = CONNECTIONS;
        limits.connections_per_destination = queue.connections_per_destination.max(1);
        limits.messages_per_connection = queue.messages_per_connection.max(1);
        let (stop, stopping) = watch::channel(false);
        let shared = worker::Shared {
            settings: connection::Settings {
                name: ClientName::parse(&config.hostname).context("the host name cannot be said in EHLO")?,
                config: Arc::default(),
                connector: Arc::new(unverified_client_config()?).into(),
                connect,
                watch,
            },
            resolver: resolve::Resolver::new(&config.hostname),
            idle,
            stop: stopping,
        };
        let runner = Runner::new(Arc::new(config.clone()), store.clone(), clock, schedule, limits, shared);
        Ok(Self { stop, task: tokio::spawn(runner.run(drain)) })
    }

    /// Begins nothing new, lets the messages on their way finish, and returns once nothing of this uses the store any more.
    pub(crate) async fn stop(mut self) {
        self.stop.send_replace(true);
        let _ = (&mut self.task).await;
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests;
