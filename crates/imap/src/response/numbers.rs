use super::{print, reader};
use crate::grammar::chars;
use crate::types::UidSet;
use bytes::{BufMut, BytesMut};
use core::ops::RangeInclusive;

/// Message numbers or UIDs in the order in which a response gives them, kept as ranges: a search that finds a million messages in a row
/// takes eight octets.
///
/// ```
/// use postroad_imap::response::Numbers;
///
/// let numbers: Numbers = [2, 3, 4, 9, 7].into_iter().collect();
/// assert_eq!(numbers.ranges().collect::<Vec<_>>(), [2..=4, 9..=9, 7..=7]);
/// assert_eq!(numbers.iter().collect::<Vec<_>>(), [2, 3, 4, 9, 7]);
/// assert_eq!(numbers.count(), 5);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Numbers(UidSet);

impl Numbers {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a number behind the others; 0 is none and is left out.
    pub fn push(&mut self, number: u32) {
        self.0.push(number);
    }

    /// Adds the numbers of a range.
    pub fn push_range(&mut self, range: RangeInclusive<u32>) {
        self.0.push_range(range);
    }

    /// The ranges, in the order given.
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = RangeInclusive<u32>> + '_ {
        self.0.ranges()
    }

    /// Each number, in the order given. A hostile server can say `1:4294967295` in few octets: bound what is collected.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter()
    }

    /// How many there are, each as often as it was given.
    pub fn count(&self) -> u64 {
        self.0.count()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `number` is among them. Looks at each range.
    pub fn contains(&self, number: u32) -> bool {
        self.0.contains(number)
    }

    /// The same as a set of UIDs: for the answer to a UID command.
    pub fn into_uids(self) -> UidSet {
        self.0
    }

    /// ` 2 3 4`: a space before each (RFC 3501 section 7.2.5).
    pub(super) fn encode_list(&self, out: &mut BytesMut) {
        for number in self.iter() {
            out.put_u8(b' ');
            print::number(out, number);
        }
    }

    /// Numbers with a space before each, as far as they go.
    pub(super) fn read_list(reader: &mut reader::Reader<'_>) -> reader::Result<Self> {
        let mut numbers = Self::new();
        loop {
            // The shortest way, for there may be a million.
            let mut rest = reader.rest();
            while let [b' ', text @ ..] = rest {
                let (number, len) = chars::digits(text);
                match (u32::try_from(number), text.get(len..)) {
                    (Ok(number @ 1..), Some(behind)) if len <= chars::DIGITS => {
                        numbers.push(number);
                        rest = behind;
                    }
                    _ => break,
                }
            }
            reader.go_to(reader.octets().len() - rest.len());
            if reader.peek() == Some(b' ') && matches!(reader.peek_at(1), Some(b' ')) {
                reader.go_to(reader.at() + 1);
                reader.no_space()?;
                reader.go_to(reader.at() - 1);
            }
            let digit = if reader.peek() == Some(b' ') { reader.peek_at(1) } else { None };
            if !digit.is_some_and(|octet| octet.is_ascii_digit()) {
                return Ok(numbers);
            }
            reader.try_eat(b' ');
            numbers.push(reader.nz_number()?);
        }
    }

    /// `2:4,9,7`: a set without `*`, not empty.
    pub(super) fn read_set(reader: &mut reader::Reader<'_>) -> reader::Result<Self> {
        let mut numbers = Self::new();
        loop {
            let first = reader.nz_number()?;
            let last = if reader.try_eat(b':') { reader.nz_number()? } else { first };
            numbers.push_range(first.min(last)..=first.max(last));
            if !reader.try_eat(b',') {
                return Ok(numbers);
            }
        }
    }
}

impl From<UidSet> for Numbers {
    fn from(uids: UidSet) -> Self {
        Self(uids)
    }
}

impl FromIterator<u32> for Numbers {
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        Self(numbers.into_iter().collect())
    }
}

impl core::fmt::Display for Numbers {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}
