//! One message in the queue: what was tried, what is to be tried, and what its sender is owed.

use crate::notice::{Action, Notice, Report, ReportedRecipient};
use crate::{Diagnostic, Outcome, Recipient, RecipientState, Schedule, UnixTime};
use postroad_core::Mailbox;
use std::time::Duration;

/// How long the notice of a failure waits for the other recipients to be tried, so that one notice tells of them all.
const GATHER: Duration = Duration::from_secs(600);

/// A message in the queue: its envelope, and how far each recipient is. The content is the store's business.
///
/// ```text
///                 outcome(Transient), defer            outcome(Transient) or defer at or after the expiry
///                ┌───────────────────────┐             outcome(Permanent)
///                ▼                       │
///  new ──► Scheduled ──attempt_started──► in flight ──────────────────────────► Failed ──take_notices──► reported
///                ▲                       │    │
///                └───────────────────────┘    └──────outcome(Delivered)──► Delivered
///         attempt_abandoned, or a restart
/// ```
///
/// A recipient is given up only by an outcome or a deferral at or after the expiry, never by the clock alone: when this side was down
/// for a week, everything is tried once more first. The last try is at the expiry.
///
/// Store the message whenever it has changed, and **in one step** with the notices that [`take_notices`](Self::take_notices) gave:
/// what was taken is never given again. What is in flight is not stored: after a restart it is due again, for a copy too many is better
/// than a message lost (RFC 5321 section 6.1).
///
/// ```
/// use postroad_core::Mailbox;
/// use postroad_queue::{LocalReason, Notice, Outcome, QueuedMessage, Schedule, UnixTime};
///
/// let schedule = Schedule::default();
/// let now = UnixTime::from_seconds(1_795_420_800);
/// let alice = Mailbox::parse("alice@crepes.fr")?;
/// let mut message = QueuedMessage::new("a1", Some(alice), [Mailbox::parse("bob@hamburger.edu")?], now);
///
/// assert_eq!(message.due(now).collect::<Vec<_>>(), [0]);
/// message.attempt_started(0, now);
/// message.outcome(0, Outcome::from_reason(LocalReason::NullMx, "hamburger.edu"), &schedule, now);
///
/// let notices = message.take_notices(&schedule, now);
/// assert!(matches!(&notices[..], [Notice::Failure(_)]));
/// assert!(message.is_finished());
/// # Ok::<(), postroad_core::ParseError>(())
/// ```
#[derive(Debug, Clone)]
pub struct QueuedMessage {
    id: String,
    reverse_path: Option<Mailbox>,
    arrived: UnixTime,
    recipients: Vec<Recipient>,
    /// One for each recipient; not stored.
    in_flight: Vec<bool>,
}

impl QueuedMessage {
    /// A message that came at `arrived` and is due for all of its recipients. `id` is the store's name for it; a `reverse_path` of
    /// `None` is the null one, `<>`.
    pub fn new(
        id: impl Into<String>,
        reverse_path: Option<Mailbox>,
        recipients: impl IntoIterator<Item = Mailbox>,
        arrived: UnixTime,
    ) -> Self {
        let recipients = recipients.into_iter().map(|mailbox| Recipient::new(mailbox, arrived)).collect();
        Self::from_parts(id, reverse_path, arrived, recipients)
    }

    /// A message as a store kept it, in flight for nobody.
    pub fn from_parts(
        id: impl Into<String>,
        reverse_path: Option<Mailbox>,
        arrived: UnixTime,
        recipients: Vec<Recipient>,
    ) -> Self {
        let in_flight = vec![false; recipients.len()];
        Self { id: id.into(), reverse_path, arrived, recipients, in_flight }
    }

    /// The store's name for it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whom notices go to; `None` for the null reverse-path, of whose messages nobody is told (RFC 5321 section 4.5.5).
    pub fn reverse_path(&self) -> Option<&Mailbox> {
        self.reverse_path.as_ref()
    }

    /// When it came into the queue.
    pub fn arrived(&self) -> UnixTime {
        self.arrived
    }

    /// The recipients. Their places in this slice are the numbers that all methods take; they never change.
    pub fn recipients(&self) -> &[Recipient] {
        &self.recipients
    }

    /// Whether a try for this recipient was started and has not ended.
    pub fn is_in_flight(&self, recipient: usize) -> bool {
        self.in_flight.get(recipient).copied().unwrap_or(false)
    }

    /// The recipients to be tried at `now`: scheduled, due, and not in flight.
    pub fn due(&self, now: UnixTime) -> impl Iterator<Item = usize> + '_ {
        self.recipients
            .iter()
            .zip(&self.in_flight)
            .enumerate()
            .filter(move |(_, (recipient, in_flight))| {
                !**in_flight && recipient.next_try().is_some_and(|next_try| next_try <= now)
            })
            .map(|(number, _)| number)
    }

    /// A try for `recipient` begins. `false`, and nothing happens, when it is not waiting for one.
    pub fn attempt_started(&mut self, recipient: usize, now: UnixTime) -> bool {
        let (Some(state), Some(in_flight)) =
            (self.recipients.get_mut(recipient), self.in_flight.get_mut(recipient))
        else {
            return false;
        };
        if *in_flight || state.next_try().is_none() {
            return false;
        }
        *in_flight = true;
        state.attempts = state.attempts.saturating_add(1);
        state.last_attempt = Some(now);
        true
    }

    /// The try for `recipient` ended before anything could be learnt from it, for instance because this side shuts down: it is due as
    /// it was before, and the try is not counted.
    pub fn attempt_abandoned(&mut self, recipient: usize) {
        if let (Some(state), Some(true)) = (self.recipients.get_mut(recipient), self.in_flight.get(recipient))
        {
            state.attempts = state.attempts.saturating_sub(1);
            self.in_flight[recipient] = false;
        }
    }

    /// The try for `recipient` ended. `false`, and nothing happens, when it is already delivered or given up.
    pub fn outcome(
        &mut self,
        recipient: usize,
        outcome: Outcome,
        schedule: &Schedule,
        now: UnixTime,
    ) -> bool {
        let Some(state) = self.recipients.get_mut(recipient).filter(|state| state.next_try().is_some())
        else {
            return false;
        };
        self.in_flight[recipient] = false;
        match outcome {
            Outcome::Delivered => state.state = RecipientState::Delivered { at: now },
            Outcome::Permanent(diagnostic) => {
                state.last_diagnostic = Some(diagnostic);
                state.state = RecipientState::Failed { at: now, expired: false, reported: false };
            }
            Outcome::Transient(diagnostic) => {
                state.last_diagnostic = Some(diagnostic);
                state.state = if now >= schedule.expiry(self.arrived) {
                    RecipientState::Failed { at: now, expired: true, reported: false }
                } else {
                    let next_try = schedule.next_try(state.attempts.max(1), self.arrived, now, &self.id);
                    RecipientState::Scheduled { next_try }
                };
            }
        }
        true
    }

    /// `recipient` is not tried although it is due, because its destination is known to be down until `until`
    /// ([`Destinations`](crate::Destinations) says so). No try is counted. At or after the expiry it is given up.
    ///
    /// `false`, and nothing happens, when it is in flight, delivered or given up.
    pub fn defer(
        &mut self,
        recipient: usize,
        until: UnixTime,
        reason: Diagnostic,
        schedule: &Schedule,
        now: UnixTime,
    ) -> bool {
        if self.is_in_flight(recipient) {
            return false;
        }
        let Some(state) = self.recipients.get_mut(recipient).filter(|state| state.next_try().is_some())
        else {
            return false;
        };
        // What a server once said about this recipient tells the sender more than that it is now away.
        state.last_diagnostic.get_or_insert(reason);
        let expiry = schedule.expiry(self.arrived);
        state.state = if now >= expiry {
            RecipientState::Failed { at: now, expired: true, reported: false }
        } else {
            RecipientState::Scheduled { next_try: until.max(now).min(expiry) }
        };
        true
    }

    /// Makes every scheduled recipient due at `now`: when somebody asks for it, or a destination is known to be back. The held
    /// destinations are released by [`Destinations::release`](crate::Destinations::release).
    pub fn retry_now(&mut self, now: UnixTime) {
        for recipient in &mut self.recipients {
            if let RecipientState::Scheduled { next_try } = &mut recipient.state {
                *next_try = now.min(*next_try);
            }
        }
    }

    /// What the sender is owed at `now`: at most one notice of failure and one of delay, each about all recipients concerned. What is
    /// given here is marked, and never given again.
    ///
    /// The notice of failure waits until no recipient is in flight or due, but no longer than ten minutes. Of a message with the null
    /// reverse-path a failure is told as [`Notice::DoubleBounce`], and a delay not at all.
    #[must_use = "notices are given once; each is a message to queue"]
    pub fn take_notices(&mut self, schedule: &Schedule, now: UnixTime) -> Vec<Notice> {
        let mut notices = Vec::new();
        let busy = self.in_flight.contains(&true) || self.due(now).next().is_some();
        let ready = self.unreported().any(|at| !busy || now >= at.plus(GATHER));
        if ready {
            let failed = self.report(Action::Failed, schedule, |recipient| match &mut recipient.state {
                RecipientState::Failed { reported, .. } if !*reported => {
                    *reported = true;
                    true
                }
                _ => false,
            });
            notices.extend(failed);
        }
        if schedule.delay_notice_at(self.arrived).is_some_and(|at| now >= at) {
            let in_flight = self.in_flight.clone();
            let mut in_flight = in_flight.iter();
            let delayed = self.report(Action::Delayed, schedule, |recipient| {
                let waits = in_flight.next() == Some(&false) && delay_is_owed(recipient);
                recipient.delay_notice_sent |= waits;
                waits
            });
            notices.extend(delayed);
        }
        notices
    }

    /// The earliest time after `now` at which [`due`](Self::due) or [`take_notices`](Self::take_notices) will give something new, if
    /// nothing else happens before.
    pub fn next_event(&self, schedule: &Schedule, now: UnixTime) -> Option<UnixTime> {
        let mut earliest = None;
        let mut consider = |at: UnixTime| {
            if at > now && earliest.is_none_or(|earliest| at < earliest) {
                earliest = Some(at);
            }
        };
        let delay_notice = schedule.delay_notice_at(self.arrived);
        for (recipient, in_flight) in self.recipients.iter().zip(&self.in_flight) {
            if *in_flight {
                continue;
            }
            recipient.next_try().into_iter().for_each(&mut consider);
            if delay_is_owed(recipient) {
                delay_notice.into_iter().for_each(&mut consider);
            }
        }
        self.unreported().map(|at| at.plus(GATHER)).for_each(&mut consider);
        earliest
    }

    /// Whether every recipient is delivered, or given up with its notice taken: the store may forget the message.
    pub fn is_finished(&self) -> bool {
        self.recipients.iter().all(Recipient::is_finished)
    }

    /// When each recipient failed of which no notice was taken.
    fn unreported(&self) -> impl Iterator<Item = UnixTime> + '_ {
        self.recipients.iter().filter_map(|recipient| match recipient.state {
            RecipientState::Failed { at, reported: false, .. } => Some(at),
            _ => None,
        })
    }

    /// A notice about the recipients that `select` marks.
    fn report(
        &mut self,
        action: Action,
        schedule: &Schedule,
        mut select: impl FnMut(&mut Recipient) -> bool,
    ) -> Option<Notice> {
        let will_retry_until = (action == Action::Delayed).then(|| schedule.expiry(self.arrived));
        let mut recipients = Vec::new();
        for recipient in &mut self.recipients {
            if select(recipient) {
                recipients.push(ReportedRecipient::new(recipient, will_retry_until));
            }
        }
        if recipients.is_empty() {
            return None;
        }
        let (id, arrived) = (self.id.clone(), self.arrived);
        match (self.reverse_path.clone(), action) {
            (None, Action::Delayed) => None,
            (None, Action::Failed) => Some(Notice::DoubleBounce(recipients)),
            (Some(to), Action::Failed) => Some(Notice::Failure(Report {
                id,
                to,
                action,
                arrived,
                give_up: schedule.give_up,
                recipients,
            })),
            (Some(to), Action::Delayed) => {
                Some(Notice::Delay(Report { id, to, action, arrived, give_up: schedule.give_up, recipients }))
            }
        }
    }
}

/// Still scheduled, its sender not told, and there is something to tell.
fn delay_is_owed(recipient: &Recipient) -> bool {
    recipient.next_try().is_some() && !recipient.delay_notice_sent && recipient.last_diagnostic.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LocalReason;

    const NOW: UnixTime = UnixTime::from_seconds(1_795_420_800);

    fn message(recipients: usize) -> QueuedMessage {
        let recipients = (0..recipients).map(|n| Mailbox::parse(format!("r{n}@example.com")).unwrap());
        QueuedMessage::new("a", Some(Mailbox::parse("alice@crepes.fr").unwrap()), recipients, NOW)
    }

    fn refused() -> Outcome {
        Outcome::from_reply(550, None, "no", "mx")
    }

    fn later() -> Outcome {
        Outcome::from_reason(LocalReason::Timeout, "mx")
    }

    #[test]
    fn an_attempt_is_begun_once_and_ended_once() {
        let (mut message, schedule) = (message(1), Schedule::default());
        assert!(message.attempt_started(0, NOW));
        assert!(!message.attempt_started(0, NOW));
        assert!(!message.attempt_started(7, NOW));
        assert_eq!(message.due(NOW).count(), 0);
        assert!(message.outcome(0, Outcome::Delivered, &schedule, NOW));
        assert!(!message.outcome(0, refused(), &schedule, NOW));
        assert!(!message.outcome(7, refused(), &schedule, NOW));
        assert!(!message.attempt_started(0, NOW));
        assert!(message.is_finished());
    }

    #[test]
    fn an_abandoned_attempt_does_not_count() {
        let mut message = message(1);
        message.attempt_started(0, NOW);
        message.attempt_abandoned(0);
        message.attempt_abandoned(0);
        message.attempt_abandoned(9);
        assert_eq!(message.recipients()[0].attempts, 0);
        assert_eq!(message.due(NOW).collect::<Vec<_>>(), [0]);
    }

    #[test]
    fn one_notice_of_failure_waits_for_all_that_are_being_tried() {
        let (mut message, schedule) = (message(3), Schedule::default());
        (0..2).for_each(|n| assert!(message.attempt_started(n, NOW)));
        message.outcome(0, refused(), &schedule, NOW);
        assert!(message.take_notices(&schedule, NOW).is_empty(), "1 is in flight, 2 is due");
        message.outcome(1, refused(), &schedule, NOW);
        assert!(message.take_notices(&schedule, NOW).is_empty(), "2 is due");
        message.attempt_started(2, NOW);
        message.outcome(2, later(), &schedule, NOW);
        let notices = message.take_notices(&schedule, NOW);
        let [Notice::Failure(report)] = &notices[..] else { panic!("{notices:?}") };
        assert_eq!(report.recipients.len(), 2);
        assert!(message.take_notices(&schedule, NOW).is_empty());
        assert!(!message.is_finished());
    }

    #[test]
    fn but_not_for_ever() {
        let (mut message, schedule) = (message(2), Schedule::default());
        (0..2).for_each(|n| assert!(message.attempt_started(n, NOW)));
        message.outcome(0, refused(), &schedule, NOW);
        let at = message.next_event(&schedule, NOW).unwrap();
        assert_eq!(at, NOW.plus(GATHER));
        assert_eq!(message.take_notices(&schedule, at).len(), 1);
        assert_eq!(message.next_event(&schedule, at), None, "the other is in flight");
    }

    #[test]
    fn a_deferral_counts_no_try_and_expires() {
        let (mut message, schedule) = (message(1), Schedule::default());
        let reason = LocalReason::Held.about("mx");
        assert!(message.defer(0, NOW.plus(Duration::from_secs(60)), reason.clone(), &schedule, NOW));
        assert_eq!(message.recipients()[0].attempts, 0);
        assert_eq!(message.next_event(&schedule, NOW), Some(NOW.plus(Duration::from_secs(60))));
        let end = schedule.expiry(NOW);
        assert!(message.defer(0, end.plus(Duration::from_secs(60)), reason.clone(), &schedule, NOW));
        assert_eq!(message.recipients()[0].next_try(), Some(end));
        assert!(message.defer(0, end.plus(Duration::from_secs(60)), reason.clone(), &schedule, end));
        assert!(matches!(message.recipients()[0].state, RecipientState::Failed { expired: true, .. }));
        assert!(!message.defer(0, end, reason, &schedule, end));
    }

    #[test]
    fn after_a_long_outage_of_this_side_there_is_a_try_before_the_end() {
        let (mut message, schedule) = (message(1), Schedule::default());
        let now = NOW.plus(Duration::from_secs(30 * 86_400));
        assert!(message.take_notices(&schedule, now).is_empty());
        assert_eq!(message.due(now).count(), 1);
        message.attempt_started(0, now);
        message.outcome(0, later(), &schedule, now);
        assert!(matches!(&message.take_notices(&schedule, now)[..], [Notice::Failure(_)]));
    }

    #[test]
    fn retry_now_makes_due() {
        let (mut message, schedule) = (message(1), Schedule::default());
        message.attempt_started(0, NOW);
        message.outcome(0, later(), &schedule, NOW);
        assert_eq!(message.due(NOW).count(), 0);
        message.retry_now(NOW);
        assert_eq!(message.due(NOW).count(), 1);
    }
}
