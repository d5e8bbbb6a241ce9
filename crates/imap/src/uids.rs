//! A set of UIDs that knows the number of each: what a mailbox looks like to one session.

mod low;

use low::Low;

/// UIDs in ascending order, and their message sequence numbers (RFC 9051 section 2.3.1).
///
/// Small and quick whatever the UIDs are: chunks of 65,536 UIDs exist only where there are messages; a dense one is a bitmap, a thin one
/// a sorted array. A million messages take 0.2 MB without holes and at most 6 MB, however they are spread; a hostile UID costs what any
/// other does. UID to number, number to UID, [`insert`](Self::insert) and [`remove`](Self::remove) take a bounded number of steps.
///
/// ```
/// use postroad_imap::view::Uids;
///
/// let mut uids: Uids = [10, 11, 4_000_000_000].into_iter().collect();
/// assert_eq!(uids.uid(3), Some(4_000_000_000));
/// uids.remove(10);
/// assert_eq!(uids.number(4_000_000_000), Some(2));
/// assert_eq!(uids.ranges().collect::<Vec<_>>(), [(11, 11), (4_000_000_000, 4_000_000_000)]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Uids {
    /// By the first octet of the UID, none empty.
    groups: Vec<Group>,
}

#[derive(Debug, Clone)]
struct Group {
    key: u8,
    /// UIDs in the groups before this one.
    before: u32,
    /// By the second octet of the UID, none empty.
    chunks: Vec<Chunk>,
}

#[derive(Debug, Clone)]
struct Chunk {
    key: u8,
    /// UIDs in it less one, for 65,536 would not fit.
    count_less_one: u16,
    /// UIDs in the chunks of the group before this one.
    before: u32,
    low: Low,
}

const fn split(uid: u32) -> (u8, u8, u16) {
    let [high, middle, low0, low1] = uid.to_be_bytes();
    (high, middle, u16::from_be_bytes([low0, low1]))
}

const fn join(high: u8, middle: u8, low: u16) -> u32 {
    let [low0, low1] = low.to_be_bytes();
    u32::from_be_bytes([high, middle, low0, low1])
}

impl Chunk {
    fn count(&self) -> u32 {
        u32::from(self.count_less_one) + 1
    }

    /// False if it was there.
    fn insert(&mut self, low: u16) -> bool {
        let is_new = self.low.insert(low);
        self.count_less_one += u16::from(is_new);
        is_new
    }

    /// Removes one of several, which must be there.
    fn remove(&mut self, low: u16) {
        self.count_less_one -= 1;
        self.low.remove(low, usize::from(self.count_less_one) + 1);
    }
}

impl Group {
    fn count(&self) -> u32 {
        self.chunks.last().map_or(0, |chunk| chunk.before + chunk.count())
    }

    fn find(&self, middle: u8) -> Result<usize, usize> {
        match self.chunks.last() {
            Some(last) if last.key < middle => Err(self.chunks.len()),
            Some(last) if last.key == middle => Ok(self.chunks.len() - 1),
            _ => self.chunks.binary_search_by_key(&middle, |chunk| chunk.key),
        }
    }
}

impl Uids {
    /// No UIDs.
    pub const fn new() -> Self {
        Self { groups: Vec::new() }
    }

    /// How many there are.
    pub fn len(&self) -> u32 {
        self.groups.last().map_or(0, |group| group.before + group.count())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// The least.
    pub fn first(&self) -> Option<u32> {
        self.next_from(1)
    }

    /// The greatest.
    pub fn last(&self) -> Option<u32> {
        let group = self.groups.last()?;
        let chunk = group.chunks.last()?;
        Some(join(group.key, chunk.key, chunk.low.select(chunk.count() - 1)?))
    }

    /// How much memory it holds, in octets, the allocator's own share counted as 16 for each block.
    pub fn memory(&self) -> usize {
        let group = |group: &Group| {
            16 + group.chunks.capacity() * size_of::<Chunk>()
                + group.chunks.iter().map(|chunk| chunk.low.memory()).sum::<usize>()
        };
        16 + self.groups.capacity() * size_of::<Group>() + self.groups.iter().map(group).sum::<usize>()
    }

    /// The UID of the message with this sequence number, which counts from 1.
    pub fn uid(&self, number: u32) -> Option<u32> {
        let mut left = number.checked_sub(1)?;
        let at = self.groups.partition_point(|group| group.before <= left).checked_sub(1)?;
        let group = self.groups.get(at)?;
        left -= group.before;
        let at = group.chunks.partition_point(|chunk| chunk.before <= left).checked_sub(1)?;
        let chunk = group.chunks.get(at)?;
        left -= chunk.before;
        if left >= chunk.count() {
            return None;
        }
        Some(join(group.key, chunk.key, chunk.low.select(left)?))
    }

    /// The sequence number of the message with this UID.
    pub fn number(&self, uid: u32) -> Option<u32> {
        let (before, there) = self.rank(uid);
        there.then_some(before + 1)
    }

    /// Whether this UID is there.
    pub fn contains(&self, uid: u32) -> bool {
        self.rank(uid).1
    }

    /// How many UIDs are less than `uid`, and whether it is there itself.
    pub fn rank(&self, uid: u32) -> (u32, bool) {
        let (high, middle, low) = split(uid);
        let group = match self.find(high) {
            Ok(at) => &self.groups[at],
            Err(at) => return (self.groups.get(at).map_or_else(|| self.len(), |group| group.before), false),
        };
        let chunk = match group.find(middle) {
            Ok(at) => &group.chunks[at],
            Err(at) => {
                let within = group.chunks.get(at).map_or_else(|| group.count(), |chunk| chunk.before);
                return (group.before + within, false);
            }
        };
        let (rank, there) = chunk.low.rank(low);
        (group.before + chunk.before + rank, there)
    }

    /// The least UID that is not less than `uid`.
    pub fn next_from(&self, uid: u32) -> Option<u32> {
        self.iter_from(uid).next()
    }

    /// Adds a UID. False if it was there already, or is 0, which is none.
    pub fn insert(&mut self, uid: u32) -> bool {
        if uid == 0 {
            return false;
        }
        let (high, middle, low) = split(uid);
        let at = self.find(high).unwrap_or_else(|at| {
            let before = self.groups.get(at).map_or_else(|| self.len(), |group| group.before);
            self.groups.insert(at, Group { key: high, before, chunks: Vec::new() });
            at
        });
        let group = &mut self.groups[at];
        let within = match group.find(middle) {
            Ok(within) => {
                if !group.chunks[within].insert(low) {
                    return false;
                }
                within
            }
            Err(within) => {
                let before = group.chunks.get(within).map_or_else(|| group.count(), |chunk| chunk.before);
                let chunk = Chunk { key: middle, count_less_one: 0, before, low: Low::one(low) };
                group.chunks.insert(within, chunk);
                within
            }
        };
        for chunk in group.chunks.iter_mut().skip(within + 1) {
            chunk.before += 1;
        }
        for group in self.groups.iter_mut().skip(at + 1) {
            group.before += 1;
        }
        true
    }

    /// Adds a UID that is greater than all others; false, and nothing is done, if it is not.
    pub fn push(&mut self, uid: u32) -> bool {
        self.last().is_none_or(|last| last < uid) && self.insert(uid)
    }

    /// Removes a UID. False if it was not there.
    pub fn remove(&mut self, uid: u32) -> bool {
        let (high, middle, low) = split(uid);
        let Ok(at) = self.find(high) else { return false };
        let group = &mut self.groups[at];
        let Ok(mut within) = group.find(middle) else { return false };
        let chunk = &mut group.chunks[within];
        if !chunk.low.rank(low).1 {
            return false;
        }
        if chunk.count_less_one == 0 {
            group.chunks.remove(within);
        } else {
            chunk.remove(low);
            within += 1;
        }
        for chunk in group.chunks.iter_mut().skip(within) {
            chunk.before -= 1;
        }
        let mut after = at + 1;
        if group.chunks.is_empty() {
            self.groups.remove(at);
            after = at;
        }
        for group in self.groups.iter_mut().skip(after) {
            group.before -= 1;
        }
        true
    }

    /// All, ascending.
    pub fn iter(&self) -> Iter<'_> {
        self.iter_from(0)
    }

    /// Those from `first` to `last`, both included, ascending.
    pub fn range(&self, first: u32, last: u32) -> impl Iterator<Item = u32> + '_ {
        self.iter_from(first).take_while(move |uid| *uid <= last)
    }

    /// Those in any of `ranges`, which are first and last, as [`resolve_uids`](Self::resolve_uids) gives them.
    pub fn within<'a>(&'a self, ranges: &'a [(u32, u32)]) -> impl Iterator<Item = u32> + 'a {
        ranges.iter().flat_map(|(first, last)| self.range(*first, *last))
    }

    /// How many there are from `first` to `last`, both included.
    pub fn count(&self, first: u32, last: u32) -> u32 {
        let (before, _) = self.rank(first);
        let (rank, there) = self.rank(last);
        (rank + u32::from(there)).saturating_sub(before)
    }

    /// The longest ranges without a hole, first and last, ascending.
    pub fn ranges(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        let mut uids = self.iter();
        let mut next = uids.next();
        core::iter::from_fn(move || {
            let first = next?;
            let mut last = first;
            loop {
                next = uids.next();
                match next {
                    Some(uid) if uid - 1 == last => last = uid,
                    _ => return Some((first, last)),
                }
            }
        })
    }

    /// The UIDs that ranges of UIDs name, cut to what there is: ascending, none twice, and without those ranges that hold no message. Takes
    /// as long as there are ranges, however wide they are.
    pub fn resolve_uids(&self, ranges: impl IntoIterator<Item = (u32, u32)>) -> Vec<(u32, u32)> {
        let cut = ranges.into_iter().filter_map(|(a, b)| {
            let (first, last) = (a.min(b), a.max(b));
            (self.count(first, last) > 0).then_some((first, last))
        });
        // The ends are moved to messages, so that an application that counts from one to the other does not count to four thousand million.
        let cut = cut.filter_map(|(first, last)| {
            let first = self.next_from(first)?;
            let (rank, there) = self.rank(last);
            Some((first, self.uid(rank + u32::from(there))?))
        });
        merged(cut.collect())
    }

    /// The same for ranges of sequence numbers: the UIDs of those messages. A number beyond the last message names none.
    pub fn resolve_numbers(&self, ranges: impl IntoIterator<Item = (u32, u32)>) -> Vec<(u32, u32)> {
        let uids = ranges.into_iter().filter_map(|(a, b)| {
            let first = a.min(b).max(1);
            let last = a.max(b).min(self.len());
            if first > last {
                return None;
            }
            Some((self.uid(first)?, self.uid(last)?))
        });
        merged(uids.collect())
    }

    fn find(&self, high: u8) -> Result<usize, usize> {
        match self.groups.last() {
            Some(last) if last.key < high => Err(self.groups.len()),
            Some(last) if last.key == high => Ok(self.groups.len() - 1),
            _ => self.groups.binary_search_by_key(&high, |group| group.key),
        }
    }

    fn iter_from(&self, uid: u32) -> Iter<'_> {
        let (high, middle, low) = split(uid);
        let (group, exact) = match self.find(high) {
            Ok(at) => (at, true),
            Err(at) => (at, false),
        };
        let mut iter = Iter { uids: self, group, chunk: 0, low: Some(0) };
        if exact {
            match self.groups[group].find(middle) {
                Ok(at) => (iter.chunk, iter.low) = (at, Some(low)),
                Err(at) => iter.chunk = at,
            }
        }
        iter
    }
}

/// Ascending, and joined where they touch.
fn merged(mut ranges: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    ranges.sort_unstable();
    let mut merged: Vec<(u32, u32)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match merged.last_mut() {
            Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
            _ => merged.push((first, last)),
        }
    }
    merged
}

/// The UIDs of a [`Uids`], ascending.
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    uids: &'a Uids,
    group: usize,
    chunk: usize,
    /// Where to go on in the chunk; `None`: not at all.
    low: Option<u16>,
}

impl Iterator for Iter<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        loop {
            let group = self.uids.groups.get(self.group)?;
            let Some(chunk) = group.chunks.get(self.chunk) else {
                (self.group, self.chunk, self.low) = (self.group + 1, 0, Some(0));
                continue;
            };
            if let Some(low) = self.low.and_then(|low| chunk.low.next_from(low)) {
                self.low = low.checked_add(1);
                return Some(join(group.key, chunk.key, low));
            }
            (self.chunk, self.low) = (self.chunk + 1, Some(0));
        }
    }
}

impl PartialEq for Uids {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other)
    }
}

impl Eq for Uids {}

impl<'a> IntoIterator for &'a Uids {
    type Item = u32;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl FromIterator<u32> for Uids {
    /// In any order; 0 and what comes twice is left out.
    fn from_iter<I: IntoIterator<Item = u32>>(uids: I) -> Self {
        let mut all = Self::new();
        all.extend(uids);
        all
    }
}

impl Extend<u32> for Uids {
    fn extend<I: IntoIterator<Item = u32>>(&mut self, uids: I) {
        for uid in uids {
            self.insert(uid);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn same(uids: &Uids, model: &BTreeSet<u32>) {
        assert_eq!(uids.len() as usize, model.len());
        assert_eq!(uids.is_empty(), model.is_empty());
        assert!(uids.iter().eq(model.iter().copied()));
        assert_eq!(uids.first(), model.first().copied());
        assert_eq!(uids.last(), model.last().copied());
        for (before, uid) in (0..).zip(model) {
            assert_eq!(uids.number(*uid), Some(before + 1));
            assert_eq!(uids.uid(before + 1), Some(*uid));
            assert!(uids.contains(*uid));
        }
        assert_eq!(uids.uid(0), None);
        assert_eq!(uids.uid(uids.len() + 1), None);
        let again: Uids = model.iter().copied().collect();
        assert_eq!(&again, uids);
        assert!(again.ranges().eq(uids.ranges()));
    }

    #[test]
    fn bitmaps_and_arrays_change_into_each_other() {
        let mut uids = Uids::new();
        let mut model = BTreeSet::new();
        for uid in (1..=65_536).chain(131_072..200_000) {
            assert!(uids.push(uid));
            model.insert(uid);
        }
        same(&uids, &model);
        for uid in (1..=200_000).filter(|uid| uid % 31 != 0) {
            assert_eq!(uids.remove(uid), model.remove(&uid));
        }
        same(&uids, &model);
        for uid in 60_000..70_000 {
            assert_eq!(uids.insert(uid), model.insert(uid));
        }
        same(&uids, &model);
        while let Some(uid) = model.pop_last() {
            assert!(uids.remove(uid));
            assert!(!uids.remove(uid));
        }
        assert_eq!(uids, Uids::new());
    }

    #[test]
    fn push_takes_greater_ones_only() {
        let mut uids: Uids = [5].into_iter().collect();
        assert!(!uids.push(0));
        assert!(!uids.push(5));
        assert!(!uids.push(4));
        assert!(uids.push(u32::MAX));
        assert_eq!(uids.iter().collect::<Vec<_>>(), [5, u32::MAX]);
        assert!(!uids.insert(0));
    }

    #[test]
    fn sets_are_cut_to_what_there_is() {
        let uids: Uids = [2, 3, 5, 9].into_iter().collect();
        assert_eq!(uids.resolve_uids([(1, u32::MAX)]), [(2, 9)]);
        assert_eq!(uids.resolve_uids([(9, 4), (4, 4), (10, 20), (1, 2)]), [(2, 2), (5, 9)]);
        assert_eq!(uids.resolve_uids([(3, 5), (2, 3), (3, 3)]), [(2, 5)]);
        assert_eq!(uids.resolve_numbers([(1, 2)]), [(2, 3)]);
        assert_eq!(uids.resolve_numbers([(4, 3), (1, 1), (1, 1)]), [(2, 2), (5, 9)]);
        assert_eq!(uids.resolve_numbers([(4, 7)]), [(9, 9)]);
        assert_eq!(uids.resolve_numbers([(5, 7)]), []);
        assert_eq!(Uids::new().resolve_numbers([(1, u32::MAX)]), []);
        assert_eq!(Uids::new().resolve_uids([(1, u32::MAX)]), []);
        assert!(uids.within(&[(2, 2), (5, 9)]).eq([2, 5, 9]));
        assert_eq!(uids.count(3, 9), 3);
        assert_eq!(uids.count(9, 3), 0);
    }

    /// UIDs that are near each other, and near the ends of chunks and groups.
    fn uid() -> impl Strategy<Value = u32> {
        let near = prop::sample::select(vec![0u32, 65_536, 1 << 24, u32::MAX - 20]);
        (near, 0u32..20).prop_map(|(at, more)| at.saturating_add(more).saturating_sub(8))
    }

    proptest! {
        #[test]
        fn a_set_of_uids_is_a_sorted_list(steps in prop::collection::vec((any::<bool>(), uid()), 0..80), low in uid(), high in uid()) {
            let mut uids = Uids::new();
            let mut model = BTreeSet::new();
            for (add, uid) in steps {
                if add {
                    prop_assert_eq!(uids.insert(uid), uid != 0 && model.insert(uid));
                } else {
                    prop_assert_eq!(uids.remove(uid), model.remove(&uid));
                }
            }
            same(&uids, &model);
            let range: Vec<u32> = if low <= high { model.range(low..=high).copied().collect() } else { Vec::new() };
            prop_assert_eq!(uids.range(low, high).collect::<Vec<_>>(), range.clone());
            prop_assert_eq!(uids.count(low, high) as usize, range.len());
            prop_assert_eq!(uids.next_from(low), model.range(low..).next().copied());
            prop_assert_eq!(uids.rank(low).0 as usize, model.range(..low).count());
        }
    }
}
