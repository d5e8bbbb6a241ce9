//! Sequence sets and sets of UIDs (RFC 9051 section 9, RFC 4315).

use postroad_imap::types::{SequenceNumber, SequenceRange, SequenceSet, UidSet};
use proptest::prelude::*;
use std::num::NonZeroU32;

#[test]
fn the_whole_range_stays_a_range() {
    let set = SequenceSet::parse("1:4294967295").unwrap();
    assert_eq!(set.ranges().len(), 1);
    assert_eq!(set.normalise(7), [(1, u32::MAX)]);
    assert!(set.contains(u32::MAX, 1));
    let uids = UidSet::parse("1:4294967295").unwrap();
    assert_eq!((uids.ranges().len(), uids.count()), (1, 4_294_967_295));
    assert_eq!(uids.iter().next(), Some(1));
}

#[test]
fn what_is_no_set() {
    for (text, at) in [
        ("", 0),
        ("0", 0),
        ("1:0", 2),
        ("4294967296", 0),
        ("1:4294967296", 2),
        ("1,", 2),
        (",1", 0),
        ("1:", 2),
        (":1", 0),
        ("1::2", 2),
        ("1:2:3", 3),
        ("1 2", 1),
        ("**", 1),
        ("-1", 0),
        ("1,,2", 2),
        ("$", 0),
        ("99999999999999999999999", 0),
    ] {
        assert_eq!(SequenceSet::parse(text).unwrap_err().at(), at, "{text:?}");
        assert_eq!(
            UidSet::parse(text).unwrap_err().at().min(at),
            UidSet::parse(text).unwrap_err().at(),
            "{text:?}"
        );
    }
    assert!(SequenceSet::from_ranges(Vec::new()).is_err());
    assert!(UidSet::parse("1:*").is_err());
    assert!(UidSet::new().non_empty().is_err());
}

#[test]
fn a_star_is_the_greatest_number() {
    let set = SequenceSet::parse("*:4,2").unwrap();
    assert_eq!(set.normalise(3), [(2, 4)]);
    assert_eq!(set.normalise(9), [(2, 2), (4, 9)]);
    assert!(set.contains(4, 9) && set.contains(9, 9) && !set.contains(3, 9));
    assert!(set.contains(3, 3));
    let star = SequenceSet::parse("*").unwrap();
    assert!(star.normalise(0).is_empty());
    assert_eq!(SequenceSet::parse("1:*").unwrap(), SequenceSet::all());
    assert!(SequenceSet::all().contains(1, 5) && !SequenceSet::all().contains(6, 5));
}

#[test]
fn uids_keep_their_order() {
    let set = UidSet::parse("304,319:320,7").unwrap();
    assert_eq!(set.iter().collect::<Vec<_>>(), [304, 319, 320, 7]);
    assert_eq!(set.to_string(), "304,319:320,7");
    let mut sorted = set;
    sorted.normalise();
    assert_eq!(sorted.to_string(), "7,304,319:320");
}

fn number() -> impl Strategy<Value = SequenceNumber> {
    prop_oneof![
        1 => Just(SequenceNumber::Star),
        4 => (1_u32..20).prop_map(|n| SequenceNumber::Number(NonZeroU32::new(n).unwrap())),
        1 => (1_u32..).prop_map(|n| SequenceNumber::Number(NonZeroU32::new(n).unwrap())),
    ]
}

pub(crate) fn sequence_set() -> impl Strategy<Value = SequenceSet> {
    prop::collection::vec(
        (number(), number(), any::<bool>())
            .prop_map(|(start, end, one)| SequenceRange { start, end: if one { start } else { end } }),
        1..6,
    )
    .prop_map(|ranges| SequenceSet::from_ranges(ranges).unwrap())
}

pub(crate) fn uid_set() -> impl Strategy<Value = UidSet> {
    prop::collection::vec((1_u32..1000, 0_u32..5), 1..6).prop_map(|ranges| {
        let mut set = UidSet::new();
        for (start, more) in ranges {
            set.push_range(start..=start + more);
        }
        set
    })
}

proptest! {
    #[test]
    fn printed_and_read_a_set_is_the_same(set in sequence_set(), uids in uid_set()) {
        prop_assert_eq!(&SequenceSet::parse(set.to_string()).unwrap(), &set);
        prop_assert_eq!(&UidSet::parse(uids.to_string()).unwrap(), &uids);
    }

    #[test]
    fn normalised_it_has_the_same_numbers(set in sequence_set(), star in 1_u32..30) {
        let ranges = set.normalise(star);
        for number in 1..40 {
            prop_assert_eq!(
                ranges.iter().any(|&(least, greatest)| (least..=greatest).contains(&number)),
                set.contains(number, star)
            );
        }
        for pair in ranges.windows(2) {
            prop_assert!(pair[0].1 + 1 < pair[1].0);
        }
    }

    #[test]
    fn a_set_of_uids_has_what_was_put_in(uids in prop::collection::vec(1_u32..50, 0..30)) {
        let set: UidSet = uids.iter().copied().collect();
        prop_assert_eq!(&set.iter().collect::<Vec<_>>(), &uids);
        prop_assert_eq!(set.count(), uids.len() as u64);
        let mut sorted = set.clone();
        sorted.normalise();
        for uid in 1..60 {
            prop_assert_eq!(set.contains(uid), uids.contains(&uid));
            prop_assert_eq!(sorted.contains(uid), uids.contains(&uid));
        }
    }
}
