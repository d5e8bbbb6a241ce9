//! The task that runs the queue: takes what is due from the store, gives it to connections, and records what became of it.
//!
//! ```text
//!          load                       dispatch                    report
//!  store ────────► active, waiting ────────────► connections ────────────► active ──record──► store
//!    ▲  by the next event, by a change            (worker)                    │
//!    └──────────────── settled: the claim is given back ◄───────────────────┘
//! ```
//!
//! All state is in this one task; connections and records are tasks of their own, and tell it what happened.

mod dispatch;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use postroad_queue::{ConnectionOutcome, Destination, Destinations, Notice, Outcome, Schedule, UnixTime};
use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;

use super::active::{Active, Record, unix_time};
use super::notice;
use super::resolve::Way;
use super::worker::{self, Assignment, Done, Ended, Report, Shared};
use crate::clock::{Clock, Sleeper};
use crate::config::Config;
use crate::store::{Claim, Progress, Store, StoreError};
use crate::time::Time;

/// How long changes of the queue are gathered before they are looked at.
const GATHER: Duration = Duration::from_millis(5);
/// After the store has failed.
const STORE_RETRY: Duration = Duration::from_secs(1);
/// The recipients that may be in memory; a little more, for messages come whole.
const RECIPIENTS: usize = 20_000;
/// The messages of one destination that may wait in memory.
const WINDOW: usize = 200;
/// The messages that are taken from the store at a time.
const PAGE: usize = 50;
/// Messages whose record is on its way. Beyond it nothing new is begun: what is sent and not recorded comes twice after a crash.
const RECORDING: usize = 64;
/// So many messages wait for each open connection to a destination before there is one more, …
const BACKLOG: usize = 10;
/// … or one waits for so long.
const PATIENCE: Duration = Duration::from_millis(500);

/// What waits for one destination.
#[derive(Debug)]
struct Waiting {
    /// In the order of their arrival.
    messages: BTreeSet<i64>,
    way: Way,
    /// Since when no connection was opened or became free for it.
    since: Instant,
}

/// One connection.
#[derive(Debug)]
struct Worker {
    destination: Destination,
    jobs: mpsc::Sender<Assignment>,
    /// The message it was given, and which of its recipients.
    current: Option<(i64, Vec<usize>)>,
    /// It waits, and has carried so many messages.
    idle: Option<usize>,
}

/// A record that was written, or not.
struct Recorded {
    id: i64,
    updates: Vec<(i64, Progress)>,
    next_event: Option<Time>,
    notices: Vec<Notice>,
    result: Result<(), StoreError>,
}

/// See the module.
pub(super) struct Runner {
    config: Arc<Config>,
    store: Store,
    clock: Clock,
    sleeper: Sleeper,
    schedule: Arc<Schedule>,
    shared: Arc<Shared>,
    destinations: Destinations,
    limits: postroad_queue::Limits,
    active: BTreeMap<i64, Active>,
    recipients: usize,
    waiting: BTreeMap<Destination, Waiting>,
    /// Destinations of which the store has more than is in memory.
    hungry: BTreeSet<Destination>,
    workers: HashMap<Id, Worker>,
    connections: JoinSet<Ended>,
    records: JoinSet<Recorded>,
    unrecorded: BTreeSet<i64>,
    reports: mpsc::Receiver<Report>,
    report: mpsc::Sender<Report>,
    changes: watch::Receiver<u64>,
    seen: u64,
    /// When to look into the store.
    load_at: Option<Instant>,
    /// When to try again what was not recorded.
    record_at: Option<Instant>,
    /// When the next thing is foreseen to happen.
    next_event: Option<Time>,
    stopping: bool,
}

impl Runner {
    pub(super) fn new(
        config: Arc<Config>,
        store: Store,
        clock: Clock,
        schedule: Schedule,
        limits: postroad_queue::Limits,
        shared: Shared,
    ) -> Self {
        let (report, reports) = mpsc::channel(64);
        Self {
            sleeper: clock.sleeper(),
            changes: store.queue_changes(),
            destinations: Destinations::new(limits.clone(), schedule.clone()),
            schedule: Arc::new(schedule),
            shared: Arc::new(shared),
            config,
            store,
            clock,
            limits,
            active: BTreeMap::new(),
            recipients: 0,
            waiting: BTreeMap::new(),
            hungry: BTreeSet::new(),
            workers: HashMap::new(),
            connections: JoinSet::new(),
            records: JoinSet::new(),
            unrecorded: BTreeSet::new(),
            reports,
            report,
            seen: 0,
            load_at: None,
            record_at: None,
            next_event: None,
            stopping: false,
        }
    }

    /// Runs until it is told to stop, and then for `drain` at most.
    pub(super) async fn run(mut self, drain: Duration) {
        let mut stop = self.shared.stop.clone();
        let mut end = None;
        // What was due or overdue when the server started.
        let mut foreseen = true;
        let mut load = true;
        loop {
            if load && !self.stopping {
                self.load(foreseen).await;
            }
            (load, foreseen) = (false, false);
            self.dispatch();
            if self.stopping && self.workers.is_empty() && self.records.is_empty() {
                break;
            }
            let waits = self.load_at.is_none() && self.record_at.is_none() && self.records.is_empty();
            let idle = waits && self.workers.values().all(|worker| worker.idle.is_some());
            let next_event = self.next_event.filter(|_| !self.stopping);
            let impatient = self.impatient_at();
            tokio::select! {
                // A report is older than the end of its connection.
                biased;
                _ = stop.wait_for(|stop| *stop), if !self.stopping => {
                    self.stopping = true;
                    end = Some(Instant::now() + drain);
                    (self.load_at, self.record_at) = (None, None);
                    self.close_idle();
                }
                () = at(end) => {
                    tracing::warn!(connections = self.workers.len(), "outgoing connections are cut off");
                    break;
                }
                Some(report) = self.reports.recv() => {
                    if let Some(worker) = self.workers.get_mut(&report.worker) {
                        worker.current = None;
                        worker.idle = Some(report.carried);
                    }
                    self.done(report.done);
                    if self.stopping {
                        self.close_idle();
                    }
                }
                Some(ended) = self.connections.join_next_with_id() => self.connection_ended(ended),
                Some(recorded) = self.records.join_next() => self.recorded(recorded),
                Ok(()) = self.changes.changed(), if !self.stopping => {
                    self.load_soon(GATHER);
                }
                () = at(self.load_at) => {
                    self.load_at = None;
                    load = true;
                }
                () = at(self.record_at) => {
                    self.record_at = None;
                    for id in std::mem::take(&mut self.unrecorded) {
                        self.tidy(id, false);
                    }
                }
                () = at(impatient) => {}
                () = self.sleeper.sleep(next_event, idle) => (load, foreseen) = (true, true),
            }
        }
        // Nothing of this uses the store any more when it returns.
        self.connections.shutdown().await;
        self.records.shutdown().await;
    }

    fn now(&self) -> UnixTime {
        unix_time(self.clock.now())
    }

    fn load_soon(&mut self, wait: Duration) {
        let at = Instant::now() + wait;
        self.load_at = Some(self.load_at.map_or(at, |before| before.min(at)));
    }

    /// Takes from the store what is due. With `foreseen` the time of something has come.
    async fn load(&mut self, foreseen: bool) {
        self.seen = *self.changes.borrow_and_update();
        if let Err(error) = self.try_load(foreseen).await {
            tracing::warn!(%error, "the queue cannot be read");
            self.load_soon(STORE_RETRY);
        }
    }

    async fn try_load(&mut self, foreseen: bool) -> Result<(), StoreError> {
        let now = self.clock.now();
        if foreseen {
            // What is in memory is not in the store's answers.
            for id in self.active.keys().copied().collect::<Vec<_>>() {
                self.tidy(id, false);
            }
        }
        self.hungry.clear();
        for domain in self.store.due_destinations(now).await? {
            let destination = Way::to(&self.config, &domain).destination();
            let room = WINDOW.saturating_sub(self.waiting_for(&destination)).min(PAGE);
            if room == 0 || self.recipients >= RECIPIENTS {
                self.hungry.insert(destination);
                continue;
            }
            let claims = self.store.claim_due(&domain, now, room).await?;
            if claims.len() == room {
                self.hungry.insert(destination);
            }
            for claim in claims {
                self.adopt(claim, false);
            }
        }
        if foreseen {
            self.load_events(now).await?;
        }
        self.next_event = self.store.next_event(now).await?;
        Ok(())
    }

    /// Takes what has a notice to give, or may have.
    async fn load_events(&mut self, now: Time) -> Result<(), StoreError> {
        loop {
            let claims = self.store.claim_events(now, PAGE).await?;
            let is_full = claims.len() == PAGE;
            let before = self.active.len();
            for claim in claims {
                let crowded = claim.message.recipients.iter().any(|recipient| {
                    let destination = Way::to(&self.config, &recipient.destination).destination();
                    self.waiting_for(&destination) >= WINDOW
                });
                // Its notice is given when it is tried, then.
                if !crowded {
                    self.adopt(claim, true);
                }
            }
            if !is_full || self.active.len() == before || self.recipients >= RECIPIENTS {
                return Ok(());
            }
        }
    }

    fn adopt(&mut self, claim: Claim, by_event: bool) {
        let id = claim.message.id;
        let active = Active::new(claim, self.seen, self.clock.now());
        if active.hurried {
            for recipient in active.message.recipients() {
                let way = Way::to(&self.config, recipient.mailbox.domain().as_str());
                self.destinations.release(&way.destination());
            }
        }
        self.recipients += active.message.recipients().len();
        self.active.insert(id, active);
        self.tidy(id, by_event);
    }

    fn waiting_for(&self, destination: &Destination) -> usize {
        self.waiting.get(destination).map_or(0, |waiting| waiting.messages.len())
    }

    /// After a message has changed: what is due waits for a connection, what happened is recorded, and what is settled is let go.
    fn tidy(&mut self, id: i64, record_anyway: bool) {
        let now = self.now();
        let Some(active) = self.active.get_mut(&id) else { return };
        for number in active.message.due(now).collect::<Vec<_>>() {
            let Some(recipient) = active.message.recipients().get(number) else { continue };
            let way = Way::to(&self.config, recipient.mailbox.domain().as_str());
            let waiting = self.waiting.entry(way.destination()).or_insert_with(|| Waiting {
                messages: BTreeSet::new(),
                way,
                since: Instant::now(),
            });
            waiting.messages.insert(id);
        }
        if self.unrecorded.contains(&id) {
            return;
        }
        let record_anyway = record_anyway && active.message.due(now).next().is_none();
        if let Some(record) = active.record(&self.schedule, now, record_anyway) {
            self.foresee(record.next_event);
            let (config, store) = (Arc::clone(&self.config), self.store.clone());
            self.records.spawn(write(config, store, record, self.clock.now()));
        } else if active.is_settled(now) {
            let seen = active.seen;
            self.recipients = self.recipients.saturating_sub(active.message.recipients().len());
            self.active.remove(&id);
            // Somebody may have changed it in the store meanwhile, to try it at once.
            if seen != self.seen || self.changes.has_changed().unwrap_or(false) {
                self.load_soon(GATHER);
            }
        }
    }

    fn foresee(&mut self, event: Option<Time>) {
        if let Some(event) = event {
            self.next_event = Some(self.next_event.map_or(event, |next| next.min(event)));
        }
    }

    /// A try that was not begun, or of which nothing was learnt.
    fn abandon(&mut self, id: i64, numbers: &[usize]) {
        if let Some(active) = self.active.get_mut(&id) {
            for number in numbers {
                active.message.attempt_abandoned(*number);
            }
        }
        self.tidy(id, false);
    }

    /// A job has ended.
    fn done(&mut self, done: Done) {
        let now = self.now();
        let Done { id, numbers, outcomes } = done;
        let Some(active) = self.active.get_mut(&id) else { return };
        for (number, outcome) in numbers.into_iter().zip(outcomes) {
            let Some(recipient) = active.message.recipients().get(number) else { continue };
            let to = recipient.mailbox.to_string();
            match &outcome {
                Some(Outcome::Delivered) => tracing::info!(id, %to, "delivered"),
                Some(Outcome::Transient(reason)) => tracing::info!(id, %to, %reason, "not delivered yet"),
                Some(Outcome::Permanent(reason)) => tracing::info!(id, %to, %reason, "not deliverable"),
                None => {}
            }
            match outcome {
                Some(outcome) => {
                    active.message.outcome(number, outcome, &self.schedule, now);
                }
                None => active.message.attempt_abandoned(number),
            }
        }
        self.tidy(id, false);
    }

    fn connection_ended(&mut self, ended: Result<(Id, Ended), JoinError>) {
        let (id, ended) = match ended {
            Ok((id, ended)) => (id, Some(ended)),
            Err(error) => {
                tracing::error!(%error, "a connection ended by a fault of this program");
                (error.id(), None)
            }
        };
        let Some(worker) = self.workers.remove(&id) else { return };
        let (done, outcome) = match ended {
            Some(Ended { done, outcome }) => (done, outcome),
            None => (None, ConnectionOutcome::Unknown),
        };
        // Told first, so that what is due again is planned with this in mind; all of it at the same time.
        let now = self.now();
        self.destinations.finished(&worker.destination, outcome, now);
        match (done, worker.current) {
            (Some(done), _) => self.done(done),
            (None, Some((message, numbers))) => self.abandon(message, &numbers),
            (None, None) => {}
        }
    }

    fn recorded(&mut self, recorded: Result<Recorded, JoinError>) {
        let recorded = match recorded {
            Ok(recorded) => recorded,
            Err(error) => {
                // Its message stays claimed: it is not sent again while nobody knows whether it was recorded.
                tracing::error!(%error, "a record ended by a fault of this program");
                return;
            }
        };
        let Recorded { id, updates, next_event, notices, result } = recorded;
        let Some(active) = self.active.get_mut(&id) else { return };
        match result {
            Ok(()) => {
                active.recorded(updates);
                self.foresee(next_event);
                self.tidy(id, false);
            }
            Err(error) => {
                active.not_recorded(notices);
                let wait = Duration::from_secs(1 << active.failures.min(6));
                tracing::warn!(id, %error, "what became of a message cannot be recorded yet");
                if !self.stopping {
                    self.unrecorded.insert(id);
                    let at = Instant::now() + wait;
                    self.record_at = Some(self.record_at.map_or(at, |before| before.min(at)));
                }
            }
        }
    }
}

/// Writes a record, with the notices that follow from it.
async fn write(config: Arc<Config>, store: Store, record: Record, now: Time) -> Recorded {
    let Record { claim, updates, next_event, notices } = record;
    let id = claim.message.id;
    let result = match notice::acceptances(&config, &store, &claim, &notices, now).await {
        Ok(messages) => claim.record(updates.clone(), next_event, messages).await,
        Err(error) => Err(error),
    };
    // Before this is told, so that a message that is settled then is free.
    drop(claim);
    Recorded { id, updates, next_event, notices, result }
}

/// At this time, or never.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}
