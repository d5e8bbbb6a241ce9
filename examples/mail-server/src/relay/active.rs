//! A message of the queue that is being worked on: the store's record and the queue's state machine, side by side.

use std::sync::Arc;

use postroad_core::Mailbox;
use postroad_queue::{
    Diagnostic, Notice, QueuedMessage, Recipient, RecipientState as State, Schedule, Status, UnixTime,
};

use super::connection::Job;
use crate::store::{Claim, LastDiagnostic, Progress, QueueRecipient, RecipientState};
use crate::time::Time;

/// Seconds, rounded down: what the store says is due is due by this too.
pub(super) fn unix_time(time: Time) -> UnixTime {
    UnixTime::from_seconds(u64::try_from(time.seconds()).unwrap_or(0))
}

/// The same point in time for the store.
pub(super) fn store_time(time: UnixTime) -> Time {
    Time(i64::try_from(time.seconds()).unwrap_or(i64::MAX).saturating_mul(1000))
}

/// A message of the queue that is being worked on. As long as this lives nobody else has it.
#[derive(Debug)]
pub(super) struct Active {
    claim: Arc<Claim>,
    /// How far each recipient is.
    pub(super) message: QueuedMessage,
    /// What the store knows of each recipient, by the queue's numbers: its own number and the progress.
    recorded: Vec<(i64, Progress)>,
    /// Recipients that cannot be tried at all.
    broken: Vec<(i64, Progress)>,
    /// Notices that are not recorded yet.
    notices: Vec<Notice>,
    /// A record is on its way to the store.
    pub(super) recording: bool,
    /// Records that failed one after the other.
    pub(super) failures: u32,
    /// Somebody made a recipient due that was put off.
    pub(super) hurried: bool,
    /// How often the queue had changed when this was read.
    pub(super) seen: u64,
}

/// What is to be recorded.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) claim: Arc<Claim>,
    pub(super) updates: Vec<(i64, Progress)>,
    pub(super) next_event: Option<Time>,
    pub(super) notices: Vec<Notice>,
}

impl Active {
    pub(super) fn new(claim: Claim, seen: u64, now: Time) -> Self {
        let stored = &claim.message;
        let mut recipients = Vec::new();
        let mut recorded = Vec::new();
        let mut broken = Vec::new();
        let mut hurried = false;
        for recipient in &stored.recipients {
            hurried |= was_hurried(&recipient.progress);
            if let Ok(mailbox) = Mailbox::parse(&recipient.forward_path) {
                let read = recipient_of(mailbox, recipient);
                // As it would be written: in whole seconds.
                recorded.push((recipient.id, progress_of(&read)));
                recipients.push(read);
            } else if matches!(recipient.progress.state, RecipientState::Waiting { .. }) {
                tracing::error!(id = stored.id, to = %recipient.forward_path, "not a mailbox; dropped");
                let state = RecipientState::Failed { at: now, expired: false, reported: true };
                broken.push((recipient.id, Progress { state, ..recipient.progress.clone() }));
            }
        }
        let reverse_path = Mailbox::parse(&stored.reverse_path).ok();
        let arrived = unix_time(stored.arrived);
        let message = QueuedMessage::from_parts(stored.id.to_string(), reverse_path, arrived, recipients);
        Self {
            claim: Arc::new(claim),
            message,
            recorded,
            broken,
            notices: Vec::new(),
            recording: false,
            failures: 0,
            hurried,
            seen,
        }
    }

    /// Begins the try for some recipients.
    pub(super) fn start(&mut self, numbers: Vec<usize>, now: UnixTime) -> Job {
        let numbers: Vec<usize> =
            numbers.into_iter().filter(|number| self.message.attempt_started(*number, now)).collect();
        let stored = &self.claim.message;
        let recipients = numbers.iter().filter_map(|number| self.message.recipients().get(*number));
        Job {
            id: stored.id,
            recipients: recipients.map(|recipient| recipient.mailbox.clone()).collect(),
            numbers,
            reverse_path: self.message.reverse_path().cloned(),
            size: stored.size,
            eight_bit: stored.body.as_deref().is_some_and(|body| body.eq_ignore_ascii_case("8BITMIME")),
            smtp_utf8: stored.smtputf8,
            content: self.claim.read(),
        }
    }

    /// What is to be recorded now, if anything is; with `anyway` when there is next something to do at least. To be settled with
    /// [`recorded`](Self::recorded) or [`not_recorded`](Self::not_recorded).
    pub(super) fn record(&mut self, schedule: &Schedule, now: UnixTime, anyway: bool) -> Option<Record> {
        if self.recording {
            return None;
        }
        let notices = self.message.take_notices(schedule, now);
        self.notices.extend(notices);
        let changed = |(number, (id, before)): (usize, &(i64, Progress))| {
            let recipient = self.message.recipients().get(number)?;
            let progress = progress_of(recipient);
            let differs = !self.message.is_in_flight(number) && progress != *before;
            differs.then_some((*id, progress))
        };
        let mut updates: Vec<(i64, Progress)> =
            self.recorded.iter().enumerate().filter_map(changed).collect();
        updates.extend(self.broken.iter().cloned());
        if updates.is_empty() && self.notices.is_empty() && !anyway {
            return None;
        }
        self.recording = true;
        Some(Record {
            claim: Arc::clone(&self.claim),
            updates,
            next_event: self.message.next_event(schedule, now).map(store_time),
            notices: std::mem::take(&mut self.notices),
        })
    }

    /// The store has it.
    pub(super) fn recorded(&mut self, updates: Vec<(i64, Progress)>) {
        self.recording = false;
        self.failures = 0;
        self.broken.clear();
        for (id, progress) in updates {
            if let Some((_, before)) = self.recorded.iter_mut().find(|(known, _)| *known == id) {
                *before = progress;
            }
        }
    }

    /// The store does not have it.
    pub(super) fn not_recorded(&mut self, notices: Vec<Notice>) {
        self.recording = false;
        self.failures = self.failures.saturating_add(1);
        self.notices.splice(0..0, notices);
    }

    /// Whether there is nothing to do for it at the moment, and all that was done is recorded.
    pub(super) fn is_settled(&self, now: UnixTime) -> bool {
        let in_flight = (0..self.recorded.len()).any(|number| self.message.is_in_flight(number));
        !self.recording && self.failures == 0 && !in_flight && self.message.due(now).next().is_none()
    }
}

/// The queue's own times are whole seconds. One that is not was set by `queue retry`, which says when it was asked.
fn was_hurried(progress: &Progress) -> bool {
    let put_off = progress.attempts > 0 || progress.diagnostic.is_some();
    matches!(progress.state, RecipientState::Waiting { next_try } if put_off && next_try.0 % 1000 != 0)
}

fn recipient_of(mailbox: Mailbox, stored: &QueueRecipient) -> Recipient {
    let progress = &stored.progress;
    let mut recipient = Recipient::new(mailbox, UnixTime::default());
    recipient.original_recipient.clone_from(&stored.original_recipient);
    recipient.state = match progress.state {
        RecipientState::Waiting { next_try } => State::Scheduled { next_try: unix_time(next_try) },
        RecipientState::Delivered { at } => State::Delivered { at: unix_time(at) },
        RecipientState::Failed { at, expired, reported } => {
            State::Failed { at: unix_time(at), expired, reported }
        }
    };
    recipient.attempts = progress.attempts;
    recipient.last_attempt = progress.last_attempt.map(unix_time);
    recipient.last_diagnostic = progress.diagnostic.as_ref().map(|diagnostic| {
        let status = diagnostic.status.parse().unwrap_or(Status::TRANSIENT);
        Diagnostic::from_parts(status, &diagnostic.text, diagnostic.remote.as_deref())
    });
    recipient.delay_notice_sent = progress.delay_notice_sent;
    recipient
}

fn progress_of(recipient: &Recipient) -> Progress {
    Progress {
        state: match recipient.state {
            State::Scheduled { next_try } => RecipientState::Waiting { next_try: store_time(next_try) },
            State::Delivered { at } => RecipientState::Delivered { at: store_time(at) },
            State::Failed { at, expired, reported } => {
                RecipientState::Failed { at: store_time(at), expired, reported }
            }
        },
        attempts: recipient.attempts,
        last_attempt: recipient.last_attempt.map(store_time),
        diagnostic: recipient.last_diagnostic.as_ref().map(|diagnostic| LastDiagnostic {
            status: diagnostic.status().to_string(),
            text: diagnostic.text().to_owned(),
            remote: diagnostic.remote().map(str::to_owned),
        }),
        delay_notice_sent: recipient.delay_notice_sent,
    }
}
