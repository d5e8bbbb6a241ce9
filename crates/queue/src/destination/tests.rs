use super::*;
use postroad_core::Mailbox;

const NOW: UnixTime = UnixTime::from_seconds(1_795_420_800);

fn minutes(minutes: u64) -> UnixTime {
    NOW.plus(Duration::from_secs(60 * minutes))
}

fn due(message: &str, recipient: usize, destination: &str) -> Due {
    Due { message: message.into(), recipient, destination: Destination::new(destination), first: false }
}

fn many(count: usize, destination: &str) -> Vec<Due> {
    (0..count).map(|n| due(&format!("{destination}-{n}"), 0, destination)).collect()
}

fn destinations(change: impl FnOnce(&mut Limits)) -> Destinations {
    let mut limits = Limits::default();
    change(&mut limits);
    Destinations::new(limits, Schedule::default())
}

fn down() -> ConnectionOutcome {
    ConnectionOutcome::Unreachable(LocalReason::ConnectionRefused.about("mx"))
}

fn names(plan: &Plan) -> Vec<&str> {
    plan.batches.iter().map(|batch| batch.destination.as_str()).collect()
}

#[test]
fn one_copy_with_many_recipients_and_many_messages_on_one_connection() {
    let mut destinations = destinations(|_| {});
    let items = vec![
        due("m", 0, "A.example"),
        due("n", 0, "a.example"),
        due("m", 1, "b.example"),
        due("m", 2, "a.example"),
    ];
    let plan = destinations.plan(items, NOW);
    assert_eq!(names(&plan), ["a.example", "b.example"]);
    let of_a: Vec<(&str, &[usize])> =
        plan.batches[0].transactions.iter().map(|t| (&*t.message, &t.recipients[..])).collect();
    assert_eq!(of_a, [("m", &[0, 2][..]), ("n", &[0][..])]);
    assert_eq!(destinations.open_connections(), 2);
}

#[test]
fn a_message_with_too_many_recipients_takes_several_transactions() {
    let mut destinations = destinations(|limits| limits.recipients_per_message = 100);
    let plan = destinations.plan((0..250).map(|n| due("m", n, "a")), NOW);
    let sizes: Vec<usize> = plan.batches[0].transactions.iter().map(|t| t.recipients.len()).collect();
    assert_eq!(sizes, [100, 100, 50]);
    assert_eq!(plan.batches[0].transactions[2].recipients[49], 249);
}

#[test]
fn limits_hold_and_what_is_left_waits() {
    let mut destinations = destinations(|limits| {
        limits.connections_per_destination = 2;
        limits.messages_per_connection = 10;
    });
    let plan = destinations.plan(many(25, "a"), NOW);
    assert_eq!(plan.batches.iter().map(|batch| batch.transactions.len()).collect::<Vec<_>>(), [10, 10]);
    assert!(plan.deferred.is_empty());
    assert!(destinations.plan(many(5, "a"), NOW).batches.is_empty());
    destinations.finished(&Destination::new("a"), ConnectionOutcome::Reached, NOW);
    assert_eq!(destinations.plan(many(5, "a"), NOW).batches.len(), 1);
}

#[test]
fn few_messages_share_a_connection_rather_than_open_five() {
    let plan = destinations(|_| {}).plan(many(5, "a"), NOW);
    assert_eq!(plan.batches.len(), 1);
}

#[test]
fn an_open_connection_can_carry_more() {
    let mut destinations = destinations(|limits| limits.messages_per_connection = 3);
    let a = Destination::new("a");
    let plan = destinations.plan(many(1, "a"), NOW);
    assert_eq!(plan.batches.len(), 1);
    let mut later = many(4, "b");
    later.extend(many(4, "a"));
    let more = destinations.continue_batch(&a, 1, later.clone()).unwrap();
    assert_eq!((more.destination.clone(), more.transactions.len()), (a.clone(), 2));
    assert_eq!(destinations.continue_batch(&a, 3, later), None);
    assert_eq!(destinations.open_connections(), 1);
}

#[test]
fn destinations_take_turns() {
    let mut destinations = destinations(|limits| {
        limits.connections = 3;
        limits.messages_per_connection = 1;
    });
    let mut items = many(50, "a");
    items.extend(many(50, "b"));
    items.extend(many(1, "c"));
    items.extend(many(1, "d"));
    let first = destinations.plan(items.clone(), NOW);
    assert_eq!(names(&first), ["a", "b", "c"]);
    assert!(destinations.plan(items.clone(), NOW).batches.is_empty());
    for batch in &first.batches {
        destinations.finished(&batch.destination, ConnectionOutcome::Reached, NOW);
    }
    assert_eq!(names(&destinations.plan(items, NOW)), ["d", "a", "b"]);
}

#[test]
fn a_destination_that_is_down_is_left_alone_and_then_tried_by_one() {
    let mut destinations = destinations(|limits| limits.messages_per_connection = 10);
    let a = Destination::new("a");
    let plan = destinations.plan(many(30, "a"), NOW);
    assert_eq!(plan.batches.len(), 3);
    // All three fail: that is one failure.
    for batch in plan.batches {
        destinations.finished(&batch.destination, down(), NOW);
    }
    assert_eq!(destinations.held(&a, NOW).unwrap().0, minutes(30));

    let plan = destinations.plan(many(30, "a"), minutes(20));
    assert!(plan.batches.is_empty());
    assert_eq!(plan.deferred.len(), 30);
    assert!(plan.deferred.iter().all(|deferred| deferred.until == minutes(30)));
    assert_eq!(plan.deferred[0].reason.status().to_string(), "4.4.1");
    assert!(
        plan.deferred[0].reason.text().contains("the connection was refused: mx"),
        "{:?}",
        plan.deferred[0]
    );

    assert_eq!(destinations.held(&a, minutes(30)), None);
    let probe = destinations.plan(many(30, "a"), minutes(30));
    assert_eq!((probe.batches.len(), probe.deferred.len()), (1, 0));
    let meanwhile = destinations.plan(many(30, "a"), minutes(31));
    assert_eq!((meanwhile.batches.len(), meanwhile.deferred.len()), (0, 0), "they wait for the probe");
    destinations.finished(&a, ConnectionOutcome::Reached, minutes(31));
    assert_eq!(destinations.plan(many(30, "a"), minutes(31)).batches.len(), 3);
}

#[test]
fn a_connection_from_before_that_hangs_longer_than_the_wait_is_no_second_failure() {
    let mut destinations = destinations(|limits| limits.messages_per_connection = 1);
    let a = Destination::new("a");
    assert_eq!(destinations.plan(many(2, "a"), NOW).batches.len(), 2);
    destinations.finished(&a, down(), NOW);
    destinations.finished(&a, down(), minutes(31));
    assert_eq!(destinations.held(&a, minutes(31)), None);
    assert_eq!(destinations.plan(many(2, "a"), minutes(31)).batches.len(), 1);
}

#[test]
fn the_wait_grows_by_the_schedule_with_each_failure() {
    let waits = [5, 30, 120].map(|n| Duration::from_secs(60 * n)).to_vec();
    let mut destinations = Destinations::new(Limits::default(), Schedule::new(waits.clone()));
    let a = Destination::new("a");
    let mut now = NOW;
    for wait in [waits[0], waits[1], waits[2], waits[2]] {
        assert_eq!(destinations.plan(many(1, "a"), now).batches.len(), 1);
        destinations.finished(&a, down(), now);
        assert_eq!(destinations.held(&a, now).unwrap().0, now.plus(wait));
        now = now.plus(wait);
    }
}

#[test]
fn new_messages_may_try_but_not_all_of_them() {
    let mut destinations = destinations(|_| {});
    let a = Destination::new("a");
    let _ = destinations.plan(many(1, "a"), NOW);
    destinations.finished(&a, down(), NOW);
    let new = |name: &str| Due { first: true, ..due(name, 0, "a") };

    let plan = destinations.plan([new("x"), due("old", 0, "a")], minutes(1));
    let until: Vec<UnixTime> = plan.deferred.iter().map(|deferred| deferred.until).collect();
    assert_eq!((plan.batches.len(), until), (0, vec![minutes(5), minutes(30)]));

    let plan = destinations.plan([new("x"), due("old", 0, "a"), new("y")], minutes(5));
    assert_eq!(plan.batches.len(), 1);
    assert_eq!(plan.batches[0].transactions.len(), 2, "both new ones, over one connection");
    assert_eq!(plan.deferred.len(), 1);
    destinations.finished(&a, down(), minutes(5));
    assert_eq!(destinations.held(&a, minutes(5)).unwrap().0, minutes(30), "the others wait no longer for it");
    assert_eq!(destinations.plan([new("z")], minutes(9)).deferred[0].until, minutes(10));
}

#[test]
fn held_destinations_can_be_released() {
    let mut destinations = destinations(|_| {});
    for name in ["a", "b"] {
        let _ = destinations.plan(many(1, name), NOW);
        destinations.finished(&Destination::new(name), down(), NOW);
    }
    destinations.release(&Destination::new("a"));
    assert_eq!(destinations.plan(many(1, "a"), NOW).batches.len(), 1);
    assert!(destinations.plan(many(1, "b"), NOW).batches.is_empty());
    destinations.release_all();
    assert_eq!(destinations.plan(many(1, "b"), NOW).batches.len(), 1);
    assert_eq!(destinations.open_connections(), 2);
}

#[test]
fn nothing_is_remembered_for_ever() {
    let mut destinations = destinations(|limits| {
        limits.remembered = 10;
        limits.connections = 5;
    });
    for n in 0..1000 {
        let name = format!("d{n}");
        let plan = destinations.plan(many(1, &name), NOW);
        assert_eq!(plan.batches.len(), 1);
        destinations.finished(&plan.batches[0].destination, down(), NOW);
    }
    assert!(destinations.states.len() <= 15, "{}", destinations.states.len());
    let _ = destinations.plan(Vec::new(), minutes(60 * 24));
    assert!(destinations.states.is_empty());
    assert_eq!(destinations.open_connections(), 0);
}

#[test]
fn nothing_learnt_changes_nothing() {
    let mut destinations = destinations(|_| {});
    let a = Destination::new("a");
    let _ = destinations.plan(many(1, "a"), NOW);
    destinations.finished(&a, ConnectionOutcome::Unknown, NOW);
    assert_eq!((destinations.held(&a, NOW), destinations.open_connections()), (None, 0));
    let _ = destinations.plan(many(1, "a"), NOW);
    destinations.finished(&Destination::new("never seen"), down(), NOW);
    assert_eq!(destinations.open_connections(), 1);
}

#[test]
fn due_is_read_off_a_message() {
    let to = ["bob@Hamburger.edu", "carol@crepes.fr"].map(|to| Mailbox::parse(to).unwrap());
    let mut message = QueuedMessage::new("m", None, to, NOW);
    message.attempt_started(0, NOW);
    message.outcome(0, crate::Outcome::from_reason(LocalReason::Timeout, ""), &Schedule::default(), NOW);
    let items: Vec<Due> = Due::of(&message, minutes(30), |to| to.domain().into()).collect();
    assert_eq!(items[0], Due { first: false, ..due("m", 0, "hamburger.edu") });
    assert_eq!(items[1], Due { first: true, ..due("m", 1, "crepes.fr") });
}

#[test]
fn a_hundred_thousand_due_are_planned_in_linear_time() {
    let items: Vec<Due> =
        (0..100_000).map(|n| due(&format!("m{}", n % 5000), n, &format!("d{}", n % 700))).collect();
    let plan = destinations(|limits| limits.connections = 1000).plan(items, NOW);
    let planned: usize =
        plan.batches.iter().flat_map(|batch| &batch.transactions).map(|t| t.recipients.len()).sum();
    assert_eq!(planned, 100_000);
}
