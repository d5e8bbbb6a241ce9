//! A client that believes every notice ends up with the mailbox as it is, and is never told what it could not understand.

use postroad_imap::types::{Flag, Messages, ModSeq, SequenceSet};
use postroad_imap::view::{Change, MailboxView, Notice, Resolved, Uids};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

fn view(uids: impl IntoIterator<Item = u32>) -> MailboxView {
    MailboxView::new(uids.into_iter().collect())
}

fn notices(view: &mut MailboxView, expunge: bool) -> Vec<Notice> {
    assert_eq!(view.has_notices(expunge), view.clone().next_notice(expunge).is_some());
    let mut all = Vec::new();
    view.tell(expunge, |notice| all.push(notice));
    assert!(!view.has_notices(expunge));
    all
}

/// Flags that can be told apart: `$n`.
fn flags(n: u64) -> Arc<[Flag]> {
    Arc::from([Flag::Seen, Flag::parse(format!("${n}")).unwrap()])
}

fn mod_seq(n: u64) -> ModSeq {
    ModSeq::new(n).unwrap()
}

fn changed(uid: u32, n: u64) -> Change {
    Change::Flags { uid, flags: flags(n), mod_seq: Some(mod_seq(n)) }
}

fn told(number: u32, uid: u32, n: u64) -> Notice {
    Notice::Flags { number, uid, flags: flags(n), mod_seq: None }
}

#[test]
fn removals_come_first_and_from_the_end() {
    let mut view = view([3, 5, 9, 12]);
    for change in [changed(12, 7), Change::Removed(3), Change::Added(20), Change::Removed(9)] {
        view.apply(change);
    }
    assert_eq!(
        notices(&mut view, true),
        [Notice::Expunge(3), Notice::Expunge(1), Notice::Exists(3), told(2, 12, 7)]
    );
}

#[test]
fn without_expunge_numbers_stay_and_exists_counts_the_removed() {
    let mut view = view([3, 5]);
    view.apply(Change::Removed(3));
    view.apply(Change::Added(8));
    view.apply(changed(5, 1));
    assert!(view.is_removed(3));
    assert_eq!(notices(&mut view, false), [Notice::Exists(3), told(2, 5, 1)]);
    assert_eq!(view.told().iter().collect::<Vec<_>>(), [3, 5, 8]);
    assert_eq!(notices(&mut view, true), [Notice::Expunge(1)]);
    assert!(!view.is_removed(3));
}

#[test]
fn what_came_and_went_is_never_told() {
    let mut view = view([3]);
    view.apply(Change::Added(8));
    view.apply(changed(8, 1));
    view.apply(Change::Removed(8));
    assert_eq!(notices(&mut view, true), []);
}

#[test]
fn the_last_flags_are_told() {
    let mut view = view([3]);
    view.apply(changed(3, 1));
    view.apply(changed(3, 2));
    assert_eq!(notices(&mut view, false), [told(1, 3, 2)]);
    view.apply(changed(3, 3));
    view.apply(Change::Removed(3));
    view.apply(changed(3, 4));
    assert_eq!(notices(&mut view, false), [], "nothing is said of a message that is gone");
    assert_eq!(notices(&mut view, true), [Notice::Expunge(1)]);
}

#[test]
fn flags_that_a_response_has_told_are_not_told_again() {
    let mut view = view([3]);
    view.apply(changed(3, 2));
    let mut other_order = flags(2).to_vec();
    other_order.reverse();
    view.flags_told(3, &flags(1));
    assert!(view.has_notices(false), "what waits may be newer than what was written");
    view.flags_told(3, &other_order);
    assert_eq!(notices(&mut view, true), []);
}

#[test]
fn changes_are_taken_once() {
    let mut view = view([3, 5]);
    for change in [Change::Added(5), Change::Added(4), Change::Added(0), Change::Removed(7), changed(9, 1)] {
        view.apply(change);
    }
    assert_eq!(notices(&mut view, true), []);
    view.apply(Change::Added(9));
    view.apply(Change::Added(9));
    view.apply(Change::Removed(5));
    view.apply(Change::Removed(5));
    assert_eq!(notices(&mut view, true), [Notice::Expunge(2), Notice::Exists(2)]);
    view.apply(Change::Removed(9));
    assert_eq!(notices(&mut view, true), [Notice::Expunge(2)]);
    view.apply(Change::Added(9));
    assert_eq!(notices(&mut view, true), [], "a UID is not used again");
}

#[test]
fn qresync_tells_ranges_of_uids() {
    let mut view = view(1..=10);
    view.set_qresync(true);
    for uid in [2, 3, 4, 7, 10] {
        view.apply(Change::Removed(uid));
    }
    view.apply(changed(8, 5));
    assert_eq!(
        notices(&mut view, true),
        [
            Notice::Vanished(vec![(2, 4), (7, 7), (10, 10)]),
            Notice::Flags { number: 4, uid: 8, flags: flags(5), mod_seq: Some(mod_seq(5)) }
        ]
    );
    assert_eq!(view.told().iter().collect::<Vec<_>>(), [1, 5, 6, 8, 9]);
}

#[test]
fn uid_only_tells_uids_and_no_mod_sequences() {
    let mut view = view(1..=3);
    view.set_uid_only(true);
    view.apply(Change::Removed(2));
    view.apply(changed(3, 5));
    assert_eq!(notices(&mut view, true), [Notice::Vanished(vec![(2, 2)]), told(2, 3, 5)]);
}

#[test]
fn a_vanished_notice_is_bounded() {
    for step in [1, 2] {
        let all: Uids = (1..=200_000).collect();
        let mut view = MailboxView::new(all);
        view.set_qresync(true);
        for uid in (1..=200_000).step_by(step) {
            view.apply(Change::Removed(uid));
        }
        let mut gone = 0;
        for notice in notices(&mut view, true) {
            let Notice::Vanished(ranges) = notice else { panic!("{notice:?}") };
            assert!(!ranges.is_empty() && ranges.len() <= 512);
            let here: u32 = ranges.iter().map(|(first, last)| last - first + 1).sum();
            assert!(here <= 65_536);
            gone += here;
        }
        assert_eq!(gone as usize, 200_000 / step);
        assert_eq!(view.told().len(), 200_000 - gone);
    }
}

#[test]
fn mod_sequences_are_told_if_wanted() {
    let mut view = view([3]);
    view.set_condstore(true);
    view.apply(changed(3, 7));
    let notice = Notice::Flags { number: 1, uid: 3, flags: flags(7), mod_seq: Some(mod_seq(7)) };
    assert_eq!(notices(&mut view, false), [notice]);
}

#[test]
fn the_highest_mod_sequence_waits_for_what_is_owed() {
    let mut view = view([3, 5]);
    view.apply(Change::HighestModSeq(mod_seq(10)));
    assert_eq!(view.mod_seq_told(), mod_seq(10));
    view.apply(Change::Removed(3));
    view.apply(Change::HighestModSeq(mod_seq(11)));
    view.apply(changed(5, 12));
    assert_eq!(view.mod_seq_told(), mod_seq(10));
    assert_eq!(notices(&mut view, false).len(), 1);
    assert_eq!(
        view.mod_seq_told(),
        mod_seq(10),
        "a client that came back with 12 would never learn of the removal"
    );
    assert_eq!(notices(&mut view, true).len(), 1);
    assert_eq!(view.mod_seq_told(), mod_seq(12));
}

#[test]
fn too_many_changed_flags_are_read_again() {
    let mut view = view(1..=10);
    view.set_max_flags(2);
    for n in 1..=5 {
        view.apply(changed(n, 100 + u64::from(n)));
    }
    view.apply(changed(1, 201)); // there is room for what waits already
    view.apply(Change::Removed(4));
    assert!(view.has_unread());
    assert_eq!(view.take_unread(10), [], "no room");
    assert_eq!(notices(&mut view, true), [Notice::Expunge(4), told(1, 1, 201), told(2, 2, 102)]);
    assert_eq!(view.take_unread(1), [3]);
    assert_eq!(view.take_unread(10), [5]);
    assert_eq!(view.mod_seq_told(), ModSeq::default(), "the client has not been told of these");
    view.apply(changed(3, 103));
    view.apply(changed(5, 105));
    assert_eq!(notices(&mut view, true), [told(3, 3, 103), told(4, 5, 105)]);
    assert!(!view.has_unread());
    assert_eq!(view.mod_seq_told(), mod_seq(201));
}

#[test]
fn sets_mean_what_the_client_was_told() {
    let resolve = |view: &MailboxView, set: &str, by_uid| {
        view.resolve(&Messages::Set(SequenceSet::parse(set).unwrap()), by_uid, &[])
    };
    let is = |ranges: &[(u32, u32)], beyond| Resolved { ranges: ranges.to_vec(), beyond };
    let mut view = view([10, 20, 30, 40]);
    view.apply(Change::Removed(20));
    view.apply(Change::Added(50));
    assert_eq!(resolve(&view, "2:3", false), is(&[(20, 30)], false));
    assert_eq!(resolve(&view, "*", false), is(&[(40, 40)], false));
    assert_eq!(resolve(&view, "*:3,1", false), is(&[(10, 10), (30, 40)], false));
    assert_eq!(resolve(&view, "4:5", false), is(&[(40, 40)], true));
    assert_eq!(resolve(&view, "9", false), is(&[], true));
    assert_eq!(resolve(&view, "1:4294967295", true), is(&[(10, 40)], false));
    assert_eq!(resolve(&view, "11:29,12", true), is(&[(20, 20)], false));
    assert_eq!(resolve(&view, "559:*", true), is(&[(40, 40)], false), "the last message is always in n:*");
    assert_eq!(resolve(&view, "11:19", true), is(&[], false));
    let saved = view.resolve(&Messages::Saved, true, &[(20, 20), (35, 60)]);
    assert_eq!(saved, is(&[(20, 20), (40, 40)], false));
    notices(&mut view, true);
    assert_eq!(resolve(&view, "2:4", false), is(&[(30, 50)], false));
    let empty = MailboxView::new(Uids::new());
    assert_eq!(resolve(&empty, "1:*", false), is(&[], true));
    assert_eq!(resolve(&empty, "*", true), is(&[], false));
}

/// A million messages in at most 6 MB, however they are spread, and no UID can cost more than another.
#[test]
fn a_million_messages_are_small() {
    const MILLION: u32 = 1_000_000;
    let megabytes = |name: &str, limit: f64, uids: &mut dyn Iterator<Item = u32>| {
        let mut all = Uids::new();
        for uid in uids {
            assert!(all.push(uid));
        }
        assert_eq!(all.len(), MILLION, "{name}");
        let used = f64::from(u32::try_from(all.memory()).unwrap()) / 1e6;
        assert!(used <= limit, "{name}: {used} MB");
        println!("{name}: {used:.2} MB");
    };
    megabytes("dense", 0.2, &mut (1..=MILLION));
    megabytes("every second", 0.3, &mut (1..=MILLION).map(|uid| uid * 2));
    for per_chunk in [13u32, 17, 4097] {
        // So many UIDs in each chunk of 65,536, until they are a million or there are no more chunks.
        let chunk = |at: u32| (0..per_chunk).map(move |low| (at << 16) + 1 + low * (65_535 / per_chunk));
        let mut uids = Uids::new();
        for uid in (0..=0xFFFF).flat_map(chunk).take(MILLION as usize) {
            assert!(uids.push(uid));
        }
        let used = uids.memory();
        assert!(used <= 6_000_000, "{per_chunk} in a chunk: {used} octets");
    }
    megabytes("spread over all", 6.0, &mut (0..MILLION).map(|n| n * 4294 + 1));
    let hostile: Uids = [u32::MAX, 1, 1 << 31].into_iter().collect();
    assert!(hostile.memory() < 1000);
    let mut last = Uids::new();
    for uid in (0..=u32::MAX).rev().take(100_000).chain(1..100) {
        last.insert(uid);
    }
    assert!(last.memory() < 50_000, "{}", last.memory());
}

/// What is owed is no larger than the mailbox, and costs no more than a bounded number of steps each.
#[test]
fn many_changes_are_bounded() {
    const COUNT: u32 = 200_000;
    let spread = |n: u32| n * 21_474 + 1;
    let mut view = view((0..COUNT).map(spread));
    for n in (0..COUNT).rev() {
        view.apply(changed(spread(n), 1));
        view.apply(Change::Removed(spread(n)));
    }
    let mut next = COUNT;
    view.tell(true, |notice| {
        assert_eq!(notice, Notice::Expunge(next));
        next -= 1;
    });
    assert_eq!(next, 0);
    assert!(view.told().is_empty());
    assert!(view.told().memory() < 100_000, "{}", view.told().memory());
}

#[derive(Debug, Clone)]
enum Step {
    Add(u32),
    Remove(prop::sample::Index),
    Flag(prop::sample::Index),
    /// Of an EXPUNGE-free kind or not, and at most so many notices.
    Tell(bool, usize),
    Unread(usize),
    /// A FETCH of the client's own, whose row bears the flags of now.
    Fetch(prop::sample::Index),
}

fn step() -> impl Strategy<Value = Step> {
    use prop::sample::Index;
    let gap = prop::sample::select(vec![1u32, 1, 1, 2, 60_000, 20_000_000]);
    prop_oneof![
        3 => gap.prop_map(Step::Add),
        3 => any::<Index>().prop_map(Step::Remove),
        3 => any::<Index>().prop_map(Step::Flag),
        2 => (any::<bool>(), 1usize..4).prop_map(|(expunge, count)| Step::Tell(expunge, count)),
        1 => (1usize..3).prop_map(Step::Unread),
        1 => any::<Index>().prop_map(Step::Fetch),
    ]
}

/// The mailbox as it is, and as a client believes it is.
#[derive(Debug, Default)]
struct World {
    mailbox: BTreeMap<u32, u64>,
    next_uid: u32,
    clock: u64,
    client: Vec<(u32, u64)>,
    ever: Vec<u32>,
}

impl World {
    /// What the client makes of a notice; `before` is the mailbox as the view knew it, for a client asks what is new.
    fn believe(&mut self, view: &MailboxView, notice: Notice, qresync: bool) {
        match notice {
            Notice::Expunge(number) => {
                assert!(!qresync);
                let (uid, _) = self.client.remove(number as usize - 1);
                assert!(!self.mailbox.contains_key(&uid), "{uid} is there and was said to be gone");
            }
            Notice::Vanished(ranges) => {
                assert!(qresync);
                let before = self.client.len();
                let gone = |uid: u32| ranges.iter().any(|(first, last)| (*first..=*last).contains(&uid));
                assert!(self.mailbox.keys().all(|uid| !gone(*uid)));
                self.client.retain(|(uid, _)| !gone(*uid));
                assert!(self.client.len() < before);
            }
            Notice::Exists(count) => {
                assert!(count as usize > self.client.len());
                for number in self.client.len() + 1..=count as usize {
                    let uid = view.told().uid(u32::try_from(number).unwrap()).unwrap();
                    let flags = *self.mailbox.get(&uid).expect("a message that came and went is never told");
                    self.client.push((uid, flags));
                }
            }
            Notice::Flags { number, uid, flags: told, mod_seq: told_mod_seq } => {
                let (known, n) = &mut self.client[number as usize - 1];
                assert_eq!(*known, uid);
                *n = self.mailbox[&uid];
                assert_eq!(told, flags(*n), "the last flags");
                assert_eq!(told_mod_seq, qresync.then(|| mod_seq(*n)));
            }
            other => panic!("{other:?}"),
        }
        assert!(view.told().iter().eq(self.client.iter().map(|(uid, _)| *uid)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_client_that_believes_all_notices_knows_the_mailbox(start in 0u32..12, steps in prop::collection::vec(step(), 0..80), qresync: bool, max_flags in 0usize..6) {
        let mut world = World { next_uid: start + 1, ..World::default() };
        for uid in 1..=start {
            world.mailbox.insert(uid, 0);
            world.client.push((uid, 0));
            world.ever.push(uid);
        }
        let mut view = view(1..=start);
        view.set_qresync(qresync);
        view.set_max_flags(max_flags);
        for step in steps {
            match step {
                Step::Add(gap) => {
                    let Some(next) = world.next_uid.checked_add(gap) else { continue };
                    view.apply(Change::Added(world.next_uid));
                    world.mailbox.insert(world.next_uid, 0);
                    world.ever.push(world.next_uid);
                    world.next_uid = next;
                }
                Step::Remove(at) if !world.mailbox.is_empty() => {
                    let uid = *at.get(&world.mailbox.keys().copied().collect::<Vec<_>>());
                    world.mailbox.remove(&uid);
                    view.apply(Change::Removed(uid));
                }
                Step::Flag(at) if !world.mailbox.is_empty() => {
                    let uid = *at.get(&world.mailbox.keys().copied().collect::<Vec<_>>());
                    world.clock += 1;
                    world.mailbox.insert(uid, world.clock);
                    view.apply(changed(uid, world.clock));
                }
                Step::Tell(expunge, count) => {
                    for _ in 0..count {
                        let Some(notice) = view.next_notice(expunge) else { break };
                        prop_assert!(expunge || !matches!(notice, Notice::Expunge(_) | Notice::Vanished(_)));
                        world.believe(&view, notice, qresync);
                    }
                }
                Step::Unread(max) => read_again(&mut view, &world, max),
                Step::Fetch(at) if !world.client.is_empty() => {
                    let (uid, known) = at.get(&world.client);
                    let (uid, at) = (*uid, world.client.iter().position(|client| client == &(*uid, *known)).unwrap());
                    if let Some(n) = world.mailbox.get(&uid) {
                        world.client[at].1 = *n;
                        view.flags_told(uid, &flags(*n));
                    }
                }
                Step::Remove(_) | Step::Flag(_) | Step::Fetch(_) => {}
            }
            prop_assert!(view.told().iter().eq(world.client.iter().map(|(uid, _)| *uid)));
            // Sets mean what the client means.
            let all = SequenceSet::all();
            let resolved = view.resolve(&Messages::Set(all), false, &[]);
            prop_assert!(view.told().within(&resolved.ranges).eq(world.client.iter().map(|(uid, _)| *uid)));
        }
        for _ in 0..200 {
            while let Some(notice) = view.next_notice(true) {
                world.believe(&view, notice, qresync);
            }
            if !view.has_unread() {
                break;
            }
            read_again(&mut view, &world, 100);
        }
        let uids: Vec<u32> = world.mailbox.keys().copied().collect();
        prop_assert_eq!(world.client.iter().map(|(uid, _)| *uid).collect::<Vec<_>>(), uids);
        prop_assert!(!view.has_unread());
        prop_assert_eq!(&world.client, &world.mailbox.iter().map(|(uid, n)| (*uid, *n)).collect::<Vec<_>>());
        // Flags of a message that was not told of count too.
        prop_assert_eq!(view.mod_seq_told(), mod_seq(world.clock));
    }
}

/// What an application does with the marks.
fn read_again(view: &mut MailboxView, world: &World, max: usize) {
    for uid in view.take_unread(max) {
        let n = world.mailbox[&uid];
        view.apply(changed(uid, n));
    }
}

#[test]
fn flags_that_the_client_stored_cannot_be_undone_by_an_older_change() {
    let mut view = MailboxView::new([1, 2].into_iter().collect());
    let change = |flags: &[Flag]| Change::Flags { uid: 1, flags: flags.into(), mod_seq: None };
    view.apply(change(&[Flag::Seen]));
    view.flags_stored(1, &[Flag::Seen, Flag::Flagged]);
    assert!(!view.has_notices(true));
    assert_eq!(view.take_unread(10), [1]);
    view.apply(change(&[Flag::Seen, Flag::Flagged]));
    assert!(matches!(view.next_notice(true), Some(Notice::Flags { uid: 1, .. })));
    // What is the same needs no question.
    view.apply(change(&[Flag::Seen]));
    view.flags_stored(1, &[Flag::Seen]);
    assert!(!view.has_notices(true) && !view.has_unread());
}
