//! Four days in a moment.

use crate::world::{Network, START, World, hours, mailbox};
use postroad_core::Mailbox;
use postroad_queue::{
    Action, ConnectionOutcome, Destination, LocalReason, Notice, Outcome, RecipientState, Schedule, UnixTime,
};
use std::time::Duration;

/// Answers 451 to everybody until a moment.
struct BusyUntil(UnixTime);

impl Network for BusyUntil {
    fn recipient(&mut self, _: &Mailbox, now: UnixTime) -> Outcome {
        if now < self.0 {
            Outcome::from_reply(451, None, "4.3.2 busy", "mx.hamburger.edu")
        } else {
            Outcome::Delivered
        }
    }
}

const NEVER: UnixTime = UnixTime::from_seconds(u64::MAX);

#[test]
fn every_half_hour_for_four_days_with_one_notice_of_delay_and_one_of_failure() {
    let mut world = World::new(Schedule::default(), BusyUntil(NEVER));
    world.submit("a", Some("alice@crepes.fr"), &["bob@hamburger.edu"]);
    world.run();

    // At 0:00, 0:30 … and a last time when four days are over.
    let times: Vec<UnixTime> = world.attempts.iter().map(|attempt| attempt.at).collect();
    let expected: Vec<UnixTime> = (0..=192).map(|n| START.plus(Duration::from_secs(1800 * n))).collect();
    assert_eq!(times, expected);

    assert_eq!(world.notices.len(), 2);
    let (at, _, Notice::Delay(delay)) = &world.notices[0] else { panic!("{:?}", world.notices[0]) };
    assert_eq!((*at, delay.action), (hours(4), Action::Delayed));
    assert_eq!(delay.recipients[0].will_retry_until, Some(hours(96)));
    let (at, _, Notice::Failure(failure)) = &world.notices[1] else { panic!("{:?}", world.notices[1]) };
    assert_eq!((*at, failure.action), (hours(96), Action::Failed));
    let recipient = &failure.recipients[0];
    assert!(recipient.expired);
    assert_eq!((recipient.attempts, recipient.last_attempt), (193, Some(hours(96))));
    assert_eq!(recipient.diagnostic.status().to_string(), "4.3.2");
    assert_eq!(recipient.will_retry_until, None);
    assert_eq!(failure.to, mailbox("alice@crepes.fr"));
}

#[test]
fn a_destination_that_is_down_all_the_time() {
    struct Down;
    impl Network for Down {
        fn connect(&mut self, destination: &Destination, _: UnixTime) -> ConnectionOutcome {
            ConnectionOutcome::Unreachable(LocalReason::ConnectionRefused.about(destination.as_str()))
        }
        fn recipient(&mut self, _: &Mailbox, _: UnixTime) -> Outcome {
            unreachable!()
        }
    }
    let mut world = World::new(Schedule::default(), Down);
    for n in 0..20 {
        world.submit(
            &format!("a{n}"),
            Some("alice@crepes.fr"),
            &["bob@hamburger.edu", "carol@hamburger.edu"],
        );
    }
    world.run();
    assert_eq!(world.connections.len(), 193, "one connection at a time for all twenty messages");
    assert_eq!(world.notices.len(), 40);
    for (at, _, notice) in &world.notices {
        match notice {
            Notice::Delay(report) => assert_eq!((*at, report.recipients.len()), (hours(4), 2)),
            Notice::Failure(report) => assert_eq!((*at, report.recipients.len()), (hours(96), 2)),
            Notice::DoubleBounce(_) => panic!("alice is to be told"),
        }
    }
}

#[test]
fn a_destination_that_comes_back_gets_everything_over_one_connection() {
    struct DownUntil(UnixTime);
    impl Network for DownUntil {
        fn connect(&mut self, destination: &Destination, now: UnixTime) -> ConnectionOutcome {
            if now >= self.0 {
                return ConnectionOutcome::Reached;
            }
            ConnectionOutcome::Unreachable(LocalReason::Timeout.about(destination.as_str()))
        }
        fn recipient(&mut self, _: &Mailbox, _: UnixTime) -> Outcome {
            Outcome::Delivered
        }
    }
    let mut world = World::new(Schedule::default(), DownUntil(hours(2)));
    world.submit("a", Some("alice@crepes.fr"), &["bob@hamburger.edu"]);
    world.turn();
    world.now = START.plus(Duration::from_secs(60));
    world.submit("b", Some("alice@crepes.fr"), &["bob@hamburger.edu"]);
    world.run();
    assert!(world.notices.is_empty());
    // The second message was let try by itself once, five minutes after the first failure.
    let minutes: Vec<u64> = world.connections.iter().map(|(at, _)| at.since(START).as_secs() / 60).collect();
    assert_eq!(minutes, [0, 5, 30, 60, 90, 120]);
    let delivered: Vec<(UnixTime, &str)> =
        world.attempts.iter().map(|attempt| (attempt.at, attempt.message.as_str())).collect();
    assert_eq!(delivered, [(hours(2), "a"), (hours(2), "b")]);
}

#[test]
fn each_recipient_has_its_own_fate() {
    struct Mixed;
    impl Network for Mixed {
        fn recipient(&mut self, to: &Mailbox, now: UnixTime) -> Outcome {
            match to.local_part() {
                "bob" => Outcome::Delivered,
                "nobody" => Outcome::from_reply(550, None, "5.1.1 no such user", "mx.hamburger.edu"),
                "full" if now < hours(6) => {
                    Outcome::from_reply(452, None, "4.2.2 over quota", "mx.hamburger.edu")
                }
                "full" => Outcome::Delivered,
                _ => Outcome::from_reply(450, None, "later", "mx.hamburger.edu"),
            }
        }
    }
    let mut world = World::new(Schedule::default(), Mixed);
    let to = ["bob@hamburger.edu", "nobody@hamburger.edu", "full@hamburger.edu", "never@hamburger.edu"];
    world.submit("a", Some("alice@crepes.fr"), &to);
    world.turn();
    let states: Vec<RecipientState> = world.messages["a"].recipients().iter().map(|r| r.state).collect();
    assert_eq!(states[0], RecipientState::Delivered { at: START });
    assert_eq!(states[1], RecipientState::Failed { at: START, expired: false, reported: true });
    world.run();

    let told: Vec<(u64, &str, Vec<&str>)> = world
        .notices
        .iter()
        .map(|(at, _, notice)| {
            let (Notice::Failure(report) | Notice::Delay(report)) = notice else { panic!("{notice:?}") };
            let to = report.recipients.iter().map(|recipient| recipient.mailbox.local_part()).collect();
            (at.since(START).as_secs() / 3600, report.action.as_str(), to)
        })
        .collect();
    assert_eq!(
        told,
        [(0, "failed", vec!["nobody"]), (4, "delayed", vec!["full", "never"]), (96, "failed", vec!["never"])]
    );
    let tries = |name: &str| world.attempts.iter().filter(|attempt| attempt.to.local_part() == name).count();
    assert_eq!((tries("bob"), tries("nobody"), tries("full"), tries("never")), (1, 1, 13, 193));
}

#[test]
fn nobody_is_told_of_the_fate_of_a_notice() {
    let mut world = World::new(Schedule::default(), BusyUntil(NEVER));
    world.submit("a", None, &["bob@hamburger.edu"]);
    world.run();
    let [(at, id, Notice::DoubleBounce(recipients))] = &world.notices[..] else {
        panic!("{:?}", world.notices)
    };
    assert_eq!((*at, id.as_str(), recipients.len()), (hours(96), "a", 1));
}

#[test]
fn a_schedule_of_its_own() {
    let minutes = [10, 20, 60].map(|n| Duration::from_secs(60 * n)).to_vec();
    let mut schedule = Schedule::new(minutes);
    schedule.give_up = Duration::from_secs(4 * 3600);
    schedule.delay_notice = None;
    let mut world = World::new(schedule, BusyUntil(NEVER));
    world.submit("a", Some("alice@crepes.fr"), &["bob@hamburger.edu"]);
    world.run();
    let times: Vec<u64> =
        world.attempts.iter().map(|attempt| attempt.at.since(START).as_secs() / 60).collect();
    assert_eq!(times, [0, 10, 30, 90, 150, 210, 240]);
    assert_eq!(world.notices.len(), 1);
}

#[test]
fn delivered_before_four_hours_nobody_hears_of_it() {
    let mut world = World::new(Schedule::default(), BusyUntil(hours(3)));
    world.submit("a", Some("alice@crepes.fr"), &["bob@hamburger.edu"]);
    world.run();
    assert_eq!((world.attempts.len(), world.notices.len()), (7, 0));
}
