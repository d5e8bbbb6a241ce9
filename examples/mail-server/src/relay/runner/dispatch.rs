//! Who gets what: from what waits to the connections.

use std::collections::BTreeSet;
use std::sync::Arc;

use postroad_core::Mailbox;
use postroad_queue::{ConnectionOutcome, Destination, Due, Transaction, UnixTime};
use tokio::sync::mpsc;
use tokio::task::Id;
use tokio::time::Instant;

use super::{BACKLOG, GATHER, PAGE, PATIENCE, RECIPIENTS, RECORDING, Runner, Waiting, Worker, worker};
use crate::relay::connection::Job;
use crate::relay::resolve::Way;
use crate::relay::worker::Assignment;

/// What is next for a connection that is free.
enum Next {
    Send(Job),
    Nothing,
    /// It has carried what one connection may.
    Enough,
}

impl Runner {
    /// Gives what waits to connections that are free, and opens new ones.
    pub(super) fn dispatch(&mut self) {
        if self.stopping {
            return;
        }
        self.use_idle();
        self.open_more();
        let is_low = |destination| self.waiting_for(destination) < PAGE / 2;
        if self.recipients < RECIPIENTS / 2 && self.hungry.iter().any(is_low) {
            self.hungry.clear();
            self.load_soon(GATHER);
        }
    }

    fn use_idle(&mut self) {
        let idle: Vec<(Id, Destination, usize)> = self
            .workers
            .iter()
            .filter_map(|(id, worker)| Some((*id, worker.destination.clone(), worker.idle?)))
            .collect();
        for (worker, destination, carried) in idle {
            if self.records.len() >= RECORDING {
                return;
            }
            let assignment = match self.next_job(&destination, carried) {
                Next::Send(job) => Assignment::Send(job),
                Next::Enough => Assignment::Close,
                Next::Nothing => continue,
            };
            self.assign(worker, assignment);
        }
    }

    fn assign(&mut self, id: Id, assignment: Assignment) {
        let Some(worker) = self.workers.get_mut(&id) else { return };
        worker.idle = None;
        let given = match &assignment {
            Assignment::Send(job) => Some((job.id, job.numbers.clone())),
            Assignment::Close => None,
        };
        // One that does not listen any more has just ended, and is heard of soon.
        if worker.jobs.try_send(assignment).is_ok() {
            worker.current = given;
        } else if let Some((message, numbers)) = given {
            self.abandon(message, &numbers);
        }
    }

    pub(super) fn close_idle(&mut self) {
        let idle: Vec<Id> =
            self.workers.iter().filter(|(_, worker)| worker.idle.is_some()).map(|(id, _)| *id).collect();
        for worker in idle {
            self.assign(worker, Assignment::Close);
        }
    }

    /// The next message for a connection that has carried so many.
    fn next_job(&mut self, destination: &Destination, carried: usize) -> Next {
        let now = self.now();
        if carried >= self.limits.messages_per_connection {
            return Next::Enough;
        }
        while let Some(waiting) = self.waiting.get(destination)
            && let Some(id) = waiting.messages.first().copied()
        {
            let dues = self.dues(id, destination, now);
            let batch = self.destinations.continue_batch(destination, carried, dues);
            let Some(transaction) = batch.and_then(|batch| batch.transactions.into_iter().next()) else {
                self.no_longer_waits(destination, id);
                continue;
            };
            if let Some(job) = self.start(id, transaction.recipients, destination, now) {
                return Next::Send(job);
            }
        }
        Next::Nothing
    }

    /// The recipients of a message that are due at a destination.
    fn dues(&self, id: i64, destination: &Destination, now: UnixTime) -> Vec<Due> {
        let Some(active) = self.active.get(&id) else { return Vec::new() };
        let way = |to: &Mailbox| Way::to(&self.config, to.domain().as_str()).destination();
        Due::of(&active.message, now, way).filter(|due| due.destination == *destination).collect()
    }

    fn start(
        &mut self,
        id: i64,
        numbers: Vec<usize>,
        destination: &Destination,
        now: UnixTime,
    ) -> Option<Job> {
        let job = self.active.get_mut(&id)?.start(numbers, now);
        if self.dues(id, destination, now).is_empty() {
            self.no_longer_waits(destination, id);
        }
        if let Some(waiting) = self.waiting.get_mut(destination) {
            waiting.since = Instant::now();
        }
        (!job.numbers.is_empty()).then_some(job)
    }

    fn no_longer_waits(&mut self, destination: &Destination, id: i64) {
        if let Some(waiting) = self.waiting.get_mut(destination) {
            waiting.messages.remove(&id);
            if waiting.messages.is_empty() {
                self.waiting.remove(destination);
            }
        }
    }

    /// How many connections there are to a destination.
    fn open_to(&self, destination: &Destination) -> usize {
        self.workers.values().filter(|worker| worker.destination == *destination).count()
    }

    /// Whether one more connection to a destination would be of use. A message soon after another waits for the connection that the
    /// other is on.
    fn wants_connection(&self, destination: &Destination, waiting: &Waiting) -> bool {
        let open = self.open_to(destination);
        let is_long = waiting.messages.len() > open * BACKLOG || waiting.since.elapsed() >= PATIENCE;
        open == 0 || (is_long && open < self.limits.connections_per_destination)
    }

    /// When a destination that waits is to have one more connection.
    pub(super) fn impatient_at(&self) -> Option<Instant> {
        if self.stopping || self.is_full() {
            return None;
        }
        let may_have = |destination| {
            let open = self.open_to(destination);
            open > 0 && open < self.limits.connections_per_destination
        };
        let waiting = self.waiting.iter().filter(|(destination, _)| may_have(destination));
        waiting.map(|(_, waiting)| waiting.since + PATIENCE).min()
    }

    fn is_full(&self) -> bool {
        self.destinations.open_connections() >= self.limits.connections || self.records.len() >= RECORDING
    }

    fn open_more(&mut self) {
        if self.is_full() {
            return;
        }
        let now = self.now();
        let wanting: Vec<Destination> = self
            .waiting
            .iter()
            .filter(|(destination, waiting)| self.wants_connection(destination, waiting))
            .map(|(destination, _)| destination.clone())
            .collect();
        if wanting.is_empty() {
            return;
        }
        let mut dues = Vec::new();
        for destination in &wanting {
            if let Some(waiting) = self.waiting.get_mut(destination) {
                waiting.since = Instant::now();
            }
            let waiting = self.waiting.get(destination).map(|waiting| &waiting.messages);
            for id in waiting.into_iter().flatten() {
                dues.extend(self.dues(*id, destination, now));
            }
        }
        let plan = self.destinations.plan(dues, now);
        let mut put_off = BTreeSet::new();
        for deferred in plan.deferred {
            let Ok(id) = deferred.message.parse::<i64>() else { continue };
            if let Some(active) = self.active.get_mut(&id) {
                let (until, reason) = (deferred.until, deferred.reason);
                active.message.defer(deferred.recipient, until, reason, &self.schedule, now);
                put_off.insert(id);
            }
        }
        for batch in plan.batches {
            self.open(&batch.destination, batch.transactions, now);
        }
        for destination in &wanting {
            let waiting = self.waiting.get(destination).map(|waiting| &waiting.messages);
            for id in waiting.into_iter().flatten().copied().collect::<Vec<_>>() {
                if self.dues(id, destination, now).is_empty() {
                    self.no_longer_waits(destination, id);
                }
            }
        }
        for id in put_off {
            self.tidy(id, false);
        }
    }

    /// Opens a connection for the first of these; the others wait for whichever connection is free first.
    fn open(&mut self, destination: &Destination, batch: Vec<Transaction>, now: UnixTime) {
        let way = self.waiting.get(destination).map(|waiting| waiting.way.clone());
        let first = batch.into_iter().find_map(|transaction| {
            self.start(transaction.message.parse().ok()?, transaction.recipients, destination, now)
        });
        let (Some(way), Some(job)) = (way, first) else {
            self.destinations.finished(destination, ConnectionOutcome::Unknown, now);
            return;
        };
        let (jobs, receiver) = mpsc::channel(1);
        let current = Some((job.id, job.numbers.clone()));
        let (shared, report) = (Arc::clone(&self.shared), self.report.clone());
        let task = worker::run(shared, destination.clone(), way, job, receiver, report);
        let id = self.connections.spawn(task).id();
        self.workers.insert(id, Worker { destination: destination.clone(), jobs, current, idle: None });
    }
}
