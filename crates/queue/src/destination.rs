//! Which messages go over which connection, and which destinations are left alone for now.

use crate::{Diagnostic, LocalReason, QueuedMessage, Schedule, UnixTime};
use postroad_core::Domain;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

/// Where a connection leads: messages with the same destination may share it.
///
/// A domain, or a route of the configuration. Put into the name whatever else must be the same, such as the credentials or whether TLS
/// is required. Compared without regard to ASCII case, as domains are.
///
/// ```
/// use postroad_core::Domain;
/// use postroad_queue::Destination;
///
/// assert_eq!(Destination::from(&Domain::parse("Hamburger.EDU")?), Destination::new("hamburger.edu"));
/// # Ok::<(), postroad_core::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Destination(Arc<str>);

impl Destination {
    /// A destination by name.
    pub fn new(name: &str) -> Self {
        Self(name.to_ascii_lowercase().into())
    }

    /// The name, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&Domain> for Destination {
    fn from(domain: &Domain) -> Self {
        Self::new(domain.as_str())
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How much may go on at once.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Connections open in all. By default 100.
    pub connections: usize,
    /// Connections open to one destination. By default 5.
    pub connections_per_destination: usize,
    /// Mail transactions over one connection. By default 100.
    pub messages_per_connection: usize,
    /// Recipients in one mail transaction; a message with more takes several. By default 100, which every server must take (RFC 5321
    /// section 4.5.3.1.8).
    pub recipients_per_message: usize,
    /// A destination that is down is left alone until its wait is over, but a message that was never tried may try it when the last try
    /// was this long ago. By default 5 minutes.
    pub new_message_interval: Duration,
    /// How many destinations that are down are remembered. By default 65,536; above, more are tried than need be.
    pub remembered: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 100,
            connections_per_destination: 5,
            messages_per_connection: 100,
            recipients_per_message: 100,
            new_message_interval: Duration::from_secs(300),
            remembered: 65_536,
        }
    }
}

/// One recipient of one message that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The message, by [`QueuedMessage::id`].
    pub message: Arc<str>,
    /// The recipient's number.
    pub recipient: usize,
    /// Where it goes.
    pub destination: Destination,
    /// Whether it was never tried.
    pub first: bool,
}

impl Due {
    /// All that is due of `message` at `now`; `destination` tells where each recipient goes.
    pub fn of<'a>(
        message: &'a QueuedMessage,
        now: UnixTime,
        mut destination: impl FnMut(&postroad_core::Mailbox) -> Destination + 'a,
    ) -> impl Iterator<Item = Self> + 'a {
        let id: Arc<str> = message.id().into();
        message.due(now).filter_map(move |number| {
            let recipient = message.recipients().get(number)?;
            let destination = destination(&recipient.mailbox);
            Some(Self { message: id.clone(), recipient: number, destination, first: recipient.attempts == 0 })
        })
    }
}

/// One mail transaction: one copy of a message with one or more recipients (RFC 5321 section 4.5.4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// The message, by [`QueuedMessage::id`].
    pub message: Arc<str>,
    /// The recipients' numbers.
    pub recipients: Vec<usize>,
}

/// What goes over one connection, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a connection is counted as open until it is reported as finished"]
pub struct Batch {
    /// Where to.
    pub destination: Destination,
    /// The mail transactions; at least one.
    pub transactions: Vec<Transaction>,
}

/// A recipient that is due and is not to be tried: pass it to [`QueuedMessage::defer`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deferred {
    /// The message, by [`QueuedMessage::id`].
    pub message: Arc<str>,
    /// The recipient's number.
    pub recipient: usize,
    /// When to try again.
    pub until: UnixTime,
    /// Why: what the last connection to the destination failed of.
    pub reason: Diagnostic,
}

/// What [`Destinations::plan`] decided. What is in neither list stays due and waits for a connection to end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[must_use]
pub struct Plan {
    /// A connection to open for each. [`QueuedMessage::attempt_started`] is to be called for all in it, and [`Destinations::finished`]
    /// once it has ended.
    pub batches: Vec<Batch>,
    /// What to defer.
    pub deferred: Vec<Deferred>,
}

/// How a connection went, for [`Destinations::finished`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionOutcome {
    /// The other side was there, whatever it thought of the messages.
    Reached,
    /// No connection could be made, or it was not greeted with 220: the destination is down. Never for what was said about a message
    /// or a sender, which must not be held against others (RFC 5321 section 4.5.4.1).
    Unreachable(Diagnostic),
    /// Nothing was learnt, for instance because this side shuts down.
    Unknown,
}

/// The state of one destination; there is none for one that is well and has no connection.
#[derive(Debug, Default)]
struct State {
    open: usize,
    down: Option<Down>,
    /// The one open connection was opened to see whether it is back.
    probing: bool,
}

#[derive(Debug)]
struct Down {
    failures: u32,
    last_try: UnixTime,
    until: UnixTime,
    reason: Diagnostic,
}

/// Groups what is due by destination, within limits, and remembers which destinations are down.
///
/// A destination to which no connection could be made is held: what is due for it is deferred without a try, for the waits of the
/// schedule. When the wait is over, one connection tries it; if it is reached, all may go. Destinations take turns: one with a million
/// messages does not keep another waiting.
///
/// ```
/// use postroad_core::Mailbox;
/// use postroad_queue::{ConnectionOutcome, Destination, Destinations, Due, Limits, QueuedMessage, Schedule, UnixTime};
///
/// let now = UnixTime::from_seconds(1_795_420_800);
/// let to = ["bob@hamburger.edu", "carol@hamburger.edu"].map(|to| Mailbox::parse(to).unwrap());
/// let mut message = QueuedMessage::new("a1", None, to, now);
///
/// let mut destinations = Destinations::new(Limits::default(), Schedule::default());
/// let due: Vec<Due> = Due::of(&message, now, |to| Destination::from(to.domain())).collect();
/// let plan = destinations.plan(due, now);
/// assert_eq!(plan.batches.len(), 1); // one connection
/// assert_eq!(plan.batches[0].transactions.len(), 1); // one copy
/// assert_eq!(plan.batches[0].transactions[0].recipients, [0, 1]);
///
/// // … try, tell the message the outcome of each recipient, and then:
/// destinations.finished(&plan.batches[0].destination, ConnectionOutcome::Reached, now);
/// ```
#[derive(Debug)]
pub struct Destinations {
    limits: Limits,
    schedule: Schedule,
    states: BTreeMap<Destination, State>,
    open: usize,
    /// The destination whose turn was last.
    last_served: Option<Destination>,
    sweep_at: UnixTime,
}

/// How often what is forgotten is looked for.
const SWEEP: Duration = Duration::from_secs(3600);

impl Destinations {
    /// Nothing is open, and nothing is known to be down.
    pub fn new(limits: Limits, schedule: Schedule) -> Self {
        Self {
            limits,
            schedule,
            states: BTreeMap::new(),
            open: 0,
            last_served: None,
            sweep_at: UnixTime::default(),
        }
    }

    /// Decides about all that is `due` at `now`. Within a destination the order of `due` is kept.
    pub fn plan(&mut self, due: impl IntoIterator<Item = Due>, now: UnixTime) -> Plan {
        self.sweep(now);
        let mut waiting: BTreeMap<Destination, Vec<Due>> = BTreeMap::new();
        for item in due {
            waiting.entry(item.destination.clone()).or_default().push(item);
        }
        let mut plan = Plan::default();
        let mut ready: BTreeMap<Destination, (VecDeque<Transaction>, usize)> = BTreeMap::new();
        for (destination, items) in waiting {
            let (items, connections) = self.admit(&destination, items, &mut plan.deferred, now);
            if connections > 0 && !items.is_empty() {
                ready.insert(destination, (self.transactions(items), connections));
            }
        }
        self.take_turns(&mut ready, &mut plan.batches);
        plan
    }

    /// More for a connection that is open and has carried `carried` mail transactions: what is `due` for its destination, up to the limit
    /// of one connection. `None` when there is nothing or the limit is reached; then close it. The connection stays the same one, and
    /// [`finished`](Self::finished) is called once, at its end.
    pub fn continue_batch(
        &self,
        destination: &Destination,
        carried: usize,
        due: impl IntoIterator<Item = Due>,
    ) -> Option<Batch> {
        let room = self.limits.messages_per_connection.max(1).saturating_sub(carried);
        let due = due.into_iter().filter(|item| item.destination == *destination).collect();
        let transactions: Vec<Transaction> = self.transactions(due).into_iter().take(room).collect();
        (!transactions.is_empty()).then(|| Batch { destination: destination.clone(), transactions })
    }

    /// The connection of one batch has ended.
    pub fn finished(&mut self, destination: &Destination, outcome: ConnectionOutcome, now: UnixTime) {
        // Each open connection has a state too.
        let full = self.states.len() > self.limits.remembered.saturating_add(self.limits.connections);
        let Some(state) = self.states.get_mut(destination).filter(|state| state.open > 0) else { return };
        self.open = self.open.saturating_sub(1);
        state.open -= 1;
        match (outcome, &mut state.down) {
            (ConnectionOutcome::Reached, down) => *down = None,
            (ConnectionOutcome::Unknown, _) => {}
            (ConnectionOutcome::Unreachable(_), None) if full => {}
            (ConnectionOutcome::Unreachable(reason), None) => {
                let until = now.plus(self.schedule.wait(1));
                state.down = Some(Down { failures: 1, last_try: now, until, reason });
            }
            (ConnectionOutcome::Unreachable(reason), Some(down)) => {
                // Connections that were open together and fail one after the other are one failure, and the try of a new message
                // within the wait does not make the wait longer for the others.
                if state.probing && now >= down.until {
                    down.failures = down.failures.saturating_add(1);
                    down.until = now.plus(self.schedule.wait(down.failures));
                }
                down.last_try = now;
                down.reason = reason;
            }
        }
        state.probing = false;
        if state.open == 0 && state.down.is_none() {
            self.states.remove(destination);
        }
    }

    /// `destination` is worth a try at once: a message came from there, or somebody asks for it.
    pub fn release(&mut self, destination: &Destination) {
        if let Some(state) = self.states.get_mut(destination) {
            state.down = None;
            if state.open == 0 {
                self.states.remove(destination);
            }
        }
    }

    /// Every destination is worth a try at once.
    pub fn release_all(&mut self) {
        self.states.retain(|_, state| {
            state.down = None;
            state.open > 0
        });
    }

    /// Until when `destination` is held at `now`, and why.
    pub fn held(&self, destination: &Destination, now: UnixTime) -> Option<(UnixTime, &Diagnostic)> {
        let down = self.states.get(destination)?.down.as_ref()?;
        (now < down.until).then_some((down.until, &down.reason))
    }

    /// How many connections are open, to all destinations.
    pub fn open_connections(&self) -> usize {
        self.open
    }

    /// What of `items` may be tried now, and over how many connections at most. What may not before a known time is deferred; the rest
    /// waits.
    fn admit(
        &self,
        destination: &Destination,
        items: Vec<Due>,
        deferred: &mut Vec<Deferred>,
        now: UnixTime,
    ) -> (Vec<Due>, usize) {
        let limit = self.limits.connections_per_destination.max(1);
        let Some(state) = self.states.get(destination) else { return (items, limit) };
        let Some(down) = &state.down else { return (items, limit.saturating_sub(state.open)) };
        if state.open > 0 {
            // The connection that tries whether it is back; what comes of it will be known soon.
            return (Vec::new(), 0);
        }
        if now >= down.until {
            return (items, 1);
        }
        let new_may_try = down.last_try.plus(self.limits.new_message_interval);
        let mut admitted = Vec::new();
        for item in items {
            let until = if item.first { new_may_try.min(down.until) } else { down.until };
            if now >= until {
                admitted.push(item);
                continue;
            }
            let text = format!("{}: {}", LocalReason::Held, down.reason.text());
            let reason = Diagnostic::from_parts(down.reason.status(), &text, None);
            deferred.push(Deferred { message: item.message, recipient: item.recipient, until, reason });
        }
        (admitted, 1)
    }

    /// One copy of each message, with as many recipients as one transaction takes.
    fn transactions(&self, items: Vec<Due>) -> VecDeque<Transaction> {
        let most = self.limits.recipients_per_message.max(1);
        let mut transactions: VecDeque<Transaction> = VecDeque::new();
        let mut filling: BTreeMap<Arc<str>, usize> = BTreeMap::new();
        for item in items {
            let open = filling.get(&item.message).and_then(|index| transactions.get_mut(*index));
            if let Some(transaction) = open.filter(|transaction| transaction.recipients.len() < most) {
                transaction.recipients.push(item.recipient);
            } else {
                filling.insert(item.message.clone(), transactions.len());
                transactions
                    .push_back(Transaction { message: item.message, recipients: vec![item.recipient] });
            }
        }
        transactions
    }

    /// One batch for each destination, then a second for each that may have it, and so on; beginning behind the one that was last.
    fn take_turns(
        &mut self,
        ready: &mut BTreeMap<Destination, (VecDeque<Transaction>, usize)>,
        batches: &mut Vec<Batch>,
    ) {
        let per_connection = self.limits.messages_per_connection.max(1);
        while self.open < self.limits.connections.max(1) {
            let behind = match &self.last_served {
                Some(last) => ready.range((Bound::Excluded(last.clone()), Bound::Unbounded)).next(),
                None => None,
            };
            let Some(destination) = behind.or_else(|| ready.iter().next()).map(|(name, _)| name.clone())
            else {
                return;
            };
            let Some((transactions, connections)) = ready.get_mut(&destination) else { return };
            let batch: Vec<Transaction> =
                transactions.drain(..transactions.len().min(per_connection)).collect();
            *connections = connections.saturating_sub(1);
            if transactions.is_empty() || *connections == 0 {
                ready.remove(&destination);
            }
            self.open += 1;
            let state = self.states.entry(destination.clone()).or_default();
            state.open += 1;
            state.probing = state.down.is_some();
            self.last_served = Some(destination.clone());
            batches.push(Batch { destination, transactions: batch });
        }
    }

    /// Forgets destinations for which nothing was due since long after they might have been tried again.
    fn sweep(&mut self, now: UnixTime) {
        if now < self.sweep_at {
            return;
        }
        self.sweep_at = now.plus(SWEEP);
        self.states.retain(|_, state| {
            state.open > 0 || state.down.as_ref().is_some_and(|down| now < down.until.plus(2 * SWEEP))
        });
    }
}

#[cfg(test)]
mod tests;
