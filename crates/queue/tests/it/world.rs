//! A mail server's queue in virtual time: the loop that every user of the crate writes, without I/O.

use postroad_core::Mailbox;
use postroad_queue::{
    ConnectionOutcome, Destination, Destinations, Due, Limits, Notice, Outcome, QueuedMessage, Schedule,
    UnixTime,
};
use std::collections::BTreeMap;
use std::time::Duration;

pub(crate) const START: UnixTime = UnixTime::from_seconds(1_795_420_800);

pub(crate) fn mailbox(text: &str) -> Mailbox {
    Mailbox::parse(text).unwrap()
}

pub(crate) fn hours(hours: u64) -> UnixTime {
    START.plus(Duration::from_secs(3600 * hours))
}

/// What the other side does: for a connection, and for each recipient.
pub(crate) trait Network {
    fn connect(&mut self, _destination: &Destination, _now: UnixTime) -> ConnectionOutcome {
        ConnectionOutcome::Reached
    }
    fn recipient(&mut self, to: &Mailbox, now: UnixTime) -> Outcome;
}

/// One try, as it went over the wire.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) at: UnixTime,
    pub(crate) message: String,
    pub(crate) to: Mailbox,
}

pub(crate) struct World<N> {
    pub(crate) now: UnixTime,
    pub(crate) schedule: Schedule,
    pub(crate) destinations: Destinations,
    pub(crate) messages: BTreeMap<String, QueuedMessage>,
    pub(crate) network: N,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) connections: Vec<(UnixTime, Destination)>,
    pub(crate) notices: Vec<(UnixTime, String, Notice)>,
}

impl<N: Network> World<N> {
    pub(crate) fn new(schedule: Schedule, network: N) -> Self {
        Self {
            now: START,
            destinations: Destinations::new(Limits::default(), schedule.clone()),
            schedule,
            messages: BTreeMap::new(),
            network,
            attempts: Vec::new(),
            connections: Vec::new(),
            notices: Vec::new(),
        }
    }

    pub(crate) fn submit(&mut self, id: &str, from: Option<&str>, to: &[&str]) {
        let to = to.iter().map(|to| mailbox(to));
        self.messages.insert(id.into(), QueuedMessage::new(id, from.map(mailbox), to, self.now));
    }

    /// All that is to be done at this moment.
    pub(crate) fn turn(&mut self) {
        loop {
            let due: Vec<Due> = self
                .messages
                .values()
                .flat_map(|message| Due::of(message, self.now, |to| Destination::from(to.domain())))
                .collect();
            if due.is_empty() {
                break;
            }
            let plan = self.destinations.plan(due, self.now);
            for deferred in plan.deferred {
                let message = self.messages.get_mut(&*deferred.message).unwrap();
                assert!(message.defer(
                    deferred.recipient,
                    deferred.until,
                    deferred.reason,
                    &self.schedule,
                    self.now
                ));
            }
            for batch in plan.batches {
                self.connections.push((self.now, batch.destination.clone()));
                let connection = self.network.connect(&batch.destination, self.now);
                for transaction in batch.transactions {
                    let message = self.messages.get_mut(&*transaction.message).unwrap();
                    for recipient in transaction.recipients {
                        assert!(message.attempt_started(recipient, self.now));
                        let to = message.recipients()[recipient].mailbox.clone();
                        let outcome = if let ConnectionOutcome::Unreachable(reason) = &connection {
                            Outcome::Transient(reason.clone())
                        } else {
                            let id = message.id().to_owned();
                            self.attempts.push(Attempt { at: self.now, message: id, to: to.clone() });
                            self.network.recipient(&to, self.now)
                        };
                        assert!(message.outcome(recipient, outcome, &self.schedule, self.now));
                    }
                }
                self.destinations.finished(&batch.destination, connection, self.now);
            }
        }
        for (id, message) in &mut self.messages {
            let notices = message.take_notices(&self.schedule, self.now);
            self.notices.extend(notices.into_iter().map(|notice| (self.now, id.clone(), notice)));
        }
        self.messages.retain(|_, message| !message.is_finished());
    }

    /// Sleeps until there is something to do; `false` when there never is.
    pub(crate) fn sleep(&mut self) -> bool {
        let next =
            self.messages.values().filter_map(|message| message.next_event(&self.schedule, self.now)).min();
        if let Some(next) = next {
            assert!(next > self.now);
            self.now = next;
        }
        next.is_some()
    }

    /// Runs until the queue is empty.
    pub(crate) fn run(&mut self) {
        for _ in 0..100_000 {
            self.turn();
            if !self.sleep() {
                assert!(self.messages.is_empty(), "stuck: {:?}", self.messages);
                return;
            }
        }
        panic!("no end");
    }
}
