//! Several sessions on one mailbox, driven by clients that pipeline at random.
//!
//! However the octets, the work of the application and the changes of others fall together: what each client believes in the end is the
//! mailbox; each command did what its numbers meant when it was sent; no EXPUNGE is sent where RFC 9051 section 7.5.1 forbids it; and
//! what one command writes no other reads or writes meanwhile.

use crate::model_world::{Act, Seen, What, World};
use proptest::prelude::*;

fn what() -> impl Strategy<Value = What> {
    prop_oneof![
        3 => Just(What::Fetch),
        2 => Just(What::FetchBody),
        1 => Just(What::FetchSaved),
        2 => Just(What::UidFetch),
        3 => Just(What::Store),
        1 => Just(What::StoreSilent),
        1 => Just(What::UidStore),
        2 => Just(What::Search),
        1 => Just(What::SearchSave),
        1 => Just(What::UidSearch),
        1 => Just(What::Copy),
        1 => Just(What::UidCopy),
        1 => Just(What::Move),
        1 => Just(What::UidMove),
        2 => Just(What::Expunge),
        1 => Just(What::Append),
        3 => Just(What::Noop),
        1 => Just(What::Idle),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let seat = || 0..3_usize;
    prop_oneof![
        8 => (seat(), what(), (0..12_usize, 0..12_usize), 0..3_usize)
            .prop_map(|(seat, what, pick, flag)| Act::Send { seat, what, pick, flag }),
        5 => (seat(), prop_oneof![Just(usize::MAX), 1..30_usize])
            .prop_map(|(seat, octets)| Act::Read { seat, octets }),
        8 => (seat(), 0..4_usize).prop_map(|(seat, job)| Act::Work { seat, job }),
        5 => (seat(), 1..10_usize).prop_map(|(seat, units)| Act::Hear { seat, units }),
        3 => Just(Act::Arrive),
        2 => (0..12_usize).prop_map(Act::Vanish),
        1 => (0..12_usize, 0..3_usize).prop_map(|(pick, flag)| Act::Flag(pick, flag)),
    ]
}

fn run(acts: &[Act], tells_own: bool) -> Seen {
    let mut world = World::new(3, 8, tells_own);
    for act in acts {
        world.act(act);
    }
    world.settle();
    world.compare();
    world.seen
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, max_shrink_iters: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_each_client_believes_is_the_mailbox(
        acts in prop::collection::vec(act(), 0..200),
        tells_own: bool,
    ) {
        run(&acts, tells_own);
    }
}

/// The property says something only if such runs do what they are about.
#[test]
fn the_runs_reach_what_they_are_about() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let strategy = prop::collection::vec(act(), 200..201);
    let mut all = Seen::default();
    for number in 0..60 {
        let acts = strategy.new_tree(&mut runner).unwrap().current();
        let seen = run(&acts, number % 2 == 0);
        all.expunges += seen.expunges;
        all.waited += seen.waited;
        all.together += seen.together;
        all.meant += seen.meant;
        all.bodies += seen.bodies;
        all.saved += seen.saved;
    }
    println!("{all:?}");
    assert!(all.expunges > 300 && all.waited > 100 && all.together > 100, "{all:?}");
    assert!(all.meant > 500 && all.bodies > 100 && all.saved > 10, "{all:?}");
}
