//! Sets of UIDs, kept as ranges.

/// A set of UIDs in ascending order: ranges that neither touch nor overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct UidSet {
    ranges: Vec<(u32, u32)>,
}

impl UidSet {
    /// Every UID there can be.
    pub(crate) fn all() -> Self {
        Self { ranges: vec![(1, u32::MAX)] }
    }

    /// From the first to the last, both included; either may be the larger (RFC 9051 section 9, `seq-range`).
    pub(crate) fn range(first: u32, last: u32) -> Self {
        [(first, last)].into_iter().collect()
    }

    /// The ranges, both ends included, in ascending order.
    pub(crate) fn ranges(&self) -> &[(u32, u32)] {
        &self.ranges
    }

    /// The UIDs in ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.ranges.iter().flat_map(|&(first, last)| first..=last)
    }

    /// How many UIDs.
    pub(crate) fn len(&self) -> u64 {
        self.ranges.iter().map(|&(first, last)| u64::from(last - first) + 1).sum()
    }

    /// True when there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// True when `uid` is in it.
    pub(crate) fn contains(&self, uid: u32) -> bool {
        let after = self.ranges.partition_point(|&(first, _)| first <= uid);
        after.checked_sub(1).and_then(|index| self.ranges.get(index)).is_some_and(|&(_, last)| uid <= last)
    }

    /// Adds a UID greater than all before; one that is not is left out.
    pub(super) fn push(&mut self, uid: u32) {
        match self.ranges.last_mut() {
            Some((_, last)) if uid <= *last => {}
            Some((_, last)) if uid - 1 == *last => *last = uid,
            _ => self.ranges.push((uid, uid)),
        }
    }

    /// The UIDs that are in both.
    pub(crate) fn intersection(&self, other: &Self) -> Self {
        let (mut left, mut right) = (self.ranges.iter().peekable(), other.ranges.iter().peekable());
        let mut ranges = Vec::new();
        while let (Some(&&(a, b)), Some(&&(c, d))) = (left.peek(), right.peek()) {
            if a.max(c) <= b.min(d) {
                ranges.push((a.max(c), b.min(d)));
            }
            if b < d {
                left.next();
            } else {
                right.next();
            }
        }
        Self { ranges }
    }

    /// The UIDs of this set that are not in the other.
    pub(crate) fn difference(&self, other: &Self) -> Self {
        let mut ranges = Vec::new();
        let mut holes = other.ranges.iter().peekable();
        for &(first, last) in &self.ranges {
            let mut at = Some(first);
            while let Some(&&(from, to)) = holes.peek() {
                let Some(begin) = at else { break };
                if to < begin {
                    holes.next();
                } else if from > last {
                    break;
                } else {
                    if from > begin {
                        ranges.push((begin, from - 1));
                    }
                    at = to.checked_add(1).filter(|next| *next <= last);
                    if at.is_some() {
                        holes.next();
                    }
                }
            }
            if let Some(begin) = at {
                ranges.push((begin, last));
            }
        }
        Self { ranges }
    }
}

impl FromIterator<(u32, u32)> for UidSet {
    /// From ranges in any order, either end first; UID 0 does not exist and is left out.
    fn from_iter<I: IntoIterator<Item = (u32, u32)>>(ranges: I) -> Self {
        let mut sorted: Vec<(u32, u32)> = ranges
            .into_iter()
            .map(|(a, b)| (a.min(b).max(1), a.max(b)))
            .filter(|&(first, last)| first <= last)
            .collect();
        sorted.sort_unstable();
        let mut ranges: Vec<(u32, u32)> = Vec::with_capacity(sorted.len());
        for (first, last) in sorted {
            match ranges.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = (*end).max(last),
                _ => ranges.push((first, last)),
            }
        }
        Self { ranges }
    }
}

impl FromIterator<u32> for UidSet {
    fn from_iter<I: IntoIterator<Item = u32>>(uids: I) -> Self {
        uids.into_iter().map(|uid| (uid, uid)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ranges_are_sorted_and_joined() {
        let set: UidSet = [(9, 7), (1, 2), (3, 3), (8, 12), (20, 20), (0, 0)].into_iter().collect();
        assert_eq!(set.ranges(), [(1, 3), (7, 12), (20, 20)]);
        assert_eq!(set.len(), 10);
        assert!(set.contains(1) && set.contains(12) && set.contains(20));
        assert!(!set.contains(0) && !set.contains(4) && !set.contains(13) && !set.contains(u32::MAX));
        assert_eq!(UidSet::all().len(), u64::from(u32::MAX));
        assert!(UidSet::all().contains(u32::MAX));
        let mut pushed = UidSet::default();
        for uid in [1, 2, 2, 5, 4, 6, u32::MAX] {
            pushed.push(uid);
        }
        assert_eq!(pushed.ranges(), [(1, 2), (5, 6), (u32::MAX, u32::MAX)]);
    }

    #[test]
    fn intersection_and_difference_are_those_of_sets() {
        // Every set of the numbers 1 to 6 against every other.
        let sets: Vec<(BTreeSet<u32>, UidSet)> = (0_u32..64)
            .map(|bits| (1..=6).filter(|uid| bits & (1 << (uid - 1)) != 0).collect::<BTreeSet<u32>>())
            .map(|plain| (plain.clone(), plain.into_iter().collect()))
            .collect();
        for (a, left) in &sets {
            assert_eq!(&left.iter().collect::<BTreeSet<_>>(), a);
            for (b, right) in &sets {
                let both: UidSet = a.intersection(b).copied().collect();
                let rest: UidSet = a.difference(b).copied().collect();
                assert_eq!(left.intersection(right), both, "{a:?} {b:?}");
                assert_eq!(left.difference(right), rest, "{a:?} {b:?}");
            }
        }
        assert!(UidSet::all().difference(&UidSet::all()).is_empty());
        let middle = UidSet::range(5, 5);
        assert_eq!(UidSet::all().difference(&middle).ranges(), [(1, 4), (6, u32::MAX)]);
    }
}
