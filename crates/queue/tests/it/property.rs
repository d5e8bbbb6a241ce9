//! Whatever happens: no recipient is lost, and no sender is told twice.

use crate::world::{START, mailbox};
use postroad_queue::{
    LocalReason, Notice, Outcome, QueuedMessage, Recipient, RecipientState, Schedule, UnixTime,
};
use proptest::prelude::*;
use std::time::Duration;

#[derive(Debug, Clone)]
enum Step {
    Start(usize),
    Delivered(usize),
    Transient(usize),
    Permanent(usize),
    Abandon(usize),
    Defer(usize, u64),
    Notices,
    Wait(u64),
    Sleep,
    Restart,
    RetryNow,
}

const RECIPIENTS: usize = 4;

fn step() -> impl Strategy<Value = Step> {
    let who = 0..RECIPIENTS;
    prop_oneof![
        4 => who.clone().prop_map(Step::Start),
        1 => who.clone().prop_map(Step::Delivered),
        4 => who.clone().prop_map(Step::Transient),
        1 => who.clone().prop_map(Step::Permanent),
        1 => who.clone().prop_map(Step::Abandon),
        1 => (who, 0..100_000_u64).prop_map(|(who, wait)| Step::Defer(who, wait)),
        3 => Just(Step::Notices),
        1 => (0..50_000_u64).prop_map(Step::Wait),
        3 => Just(Step::Sleep),
        1 => Just(Step::Restart),
        1 => Just(Step::RetryNow),
    ]
}

fn transient() -> Outcome {
    Outcome::from_reason(LocalReason::Timeout, "mx.example")
}

/// What a store keeps of a recipient: every field, and no more.
fn stored(recipient: &Recipient) -> Recipient {
    let mut copy = Recipient::new(recipient.mailbox.clone(), UnixTime::default());
    copy.original_recipient.clone_from(&recipient.original_recipient);
    copy.state = recipient.state;
    copy.attempts = recipient.attempts;
    copy.last_attempt = recipient.last_attempt;
    copy.last_diagnostic = recipient.last_diagnostic.as_ref().map(|diagnostic| {
        let status = diagnostic.status().to_string().parse().unwrap();
        postroad_queue::Diagnostic::from_parts(status, diagnostic.text(), diagnostic.remote())
    });
    copy.delay_notice_sent = recipient.delay_notice_sent;
    copy
}

fn restarted(message: &QueuedMessage) -> QueuedMessage {
    let recipients = message.recipients().iter().map(stored).collect();
    QueuedMessage::from_parts(message.id(), message.reverse_path().cloned(), message.arrived(), recipients)
}

#[derive(Debug, Default)]
struct Told {
    failed: [u32; RECIPIENTS],
    delayed: [u32; RECIPIENTS],
    bounced_twice: [u32; RECIPIENTS],
}

impl Told {
    fn note(&mut self, notices: Vec<Notice>) {
        for notice in notices {
            let (counts, recipients) = match notice {
                Notice::Failure(report) => (&mut self.failed, report.recipients),
                Notice::Delay(report) => (&mut self.delayed, report.recipients),
                Notice::DoubleBounce(recipients) => (&mut self.bounced_twice, recipients),
            };
            for recipient in recipients {
                let number: usize = recipient.mailbox.local_part()[1..].parse().unwrap();
                counts[number] += 1;
            }
        }
    }
}

proptest! {
    #[test]
    fn each_recipient_ends_delivered_or_failed_with_one_notice(
        steps in prop::collection::vec(step(), 0..120),
        has_sender: bool,
        jitter in 0..50_u8,
    ) {
        let mut schedule = Schedule::default();
        schedule.jitter_percent = jitter;
        let names: Vec<String> = (0..RECIPIENTS).map(|n| format!("r{n}@example.com")).collect();
        let sender = has_sender.then(|| mailbox("alice@crepes.fr"));
        let mut message = QueuedMessage::new("a", sender, names.iter().map(|name| mailbox(name)), START);
        let (mut now, mut told) = (START, Told::default());
        for step in steps {
            match step {
                Step::Start(who) => {
                    let due = message.due(now).any(|number| number == who);
                    let started = due && message.attempt_started(who, now);
                    prop_assert_eq!(due, started);
                }
                Step::Delivered(who) if message.is_in_flight(who) => {
                    message.outcome(who, Outcome::Delivered, &schedule, now);
                }
                Step::Transient(who) if message.is_in_flight(who) => {
                    message.outcome(who, transient(), &schedule, now);
                }
                Step::Permanent(who) if message.is_in_flight(who) => {
                    message.outcome(who, Outcome::from_reply(550, None, "no", "mx"), &schedule, now);
                }
                Step::Delivered(_) | Step::Transient(_) | Step::Permanent(_) => {}
                Step::Abandon(who) => message.attempt_abandoned(who),
                Step::Defer(who, wait) => {
                    let until = now.plus(Duration::from_secs(wait));
                    message.defer(who, until, LocalReason::Held.about("mx"), &schedule, now);
                }
                Step::Notices => told.note(message.take_notices(&schedule, now)),
                Step::Wait(seconds) => now = now.plus(Duration::from_secs(seconds)),
                Step::Sleep => now = message.next_event(&schedule, now).unwrap_or(now),
                Step::Restart => message = restarted(&message),
                Step::RetryNow => message.retry_now(now),
            }
        }

        // From here on everything fails for now: the end must come by itself.
        message = restarted(&message);
        let expiry = schedule.expiry(START);
        let mut turns = 0;
        while !message.is_finished() {
            let due: Vec<usize> = message.due(now).collect();
            for who in due {
                prop_assert!(message.attempt_started(who, now));
                message.outcome(who, transient(), &schedule, now);
            }
            told.note(message.take_notices(&schedule, now));
            if let Some(next) = message.next_event(&schedule, now) {
                now = next;
            }
            turns += 1;
            prop_assert!(turns < 1000, "stuck at {:?}: {:?}", now, message);
        }
        prop_assert_eq!(message.next_event(&schedule, now), None);
        prop_assert!(message.take_notices(&schedule, now).is_empty());
        for (number, recipient) in message.recipients().iter().enumerate() {
            let (failed, twice) = (told.failed[number], told.bounced_twice[number]);
            match recipient.state {
                RecipientState::Delivered { .. } => prop_assert_eq!((failed, twice), (0, 0)),
                RecipientState::Failed { at, expired, reported } => {
                    prop_assert!(reported);
                    prop_assert_eq!((failed, twice), if has_sender { (1, 0) } else { (0, 1) });
                    prop_assert!(!expired || at >= expiry);
                }
                RecipientState::Scheduled { .. } => prop_assert!(false, "neither delivered nor failed"),
            }
            prop_assert!(told.delayed[number] <= u32::from(has_sender));
        }
    }
}
