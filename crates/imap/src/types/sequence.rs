use super::UidSet;
use crate::grammar::Cursor;
use bytes::Bytes;
use core::fmt;
use core::num::NonZeroU32;
use postroad_core::{ParseError, ParseErrorKind};

/// One end of a range: a number, or `*`, the greatest in use (RFC 9051 section 9, "seq-number").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SequenceNumber {
    /// This number.
    Number(NonZeroU32),
    /// The greatest number in use.
    Star,
}

impl SequenceNumber {
    /// The number, if `*` is `star`.
    pub fn resolve(self, star: u32) -> u32 {
        match self {
            Self::Number(number) => number.get(),
            Self::Star => star,
        }
    }

    fn read(cursor: &mut Cursor<'_>) -> Result<Self, Box<ParseError>> {
        if cursor.try_octet(b'*') { Ok(Self::Star) } else { cursor.nz_number().map(Self::Number) }
    }
}

impl From<NonZeroU32> for SequenceNumber {
    fn from(number: NonZeroU32) -> Self {
        Self::Number(number)
    }
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Star => f.write_str("*"),
        }
    }
}

/// A number (both ends are the same), or two numbers and all between them, in either order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SequenceRange {
    /// The end that is written first.
    pub start: SequenceNumber,
    /// The end that is written second.
    pub end: SequenceNumber,
}

impl SequenceRange {
    /// The least and the greatest number, if `*` is `star`. `*` alone is 0 in an empty mailbox, and matches nothing there.
    pub fn resolve(self, star: u32) -> (u32, u32) {
        let (start, end) = (self.start.resolve(star), self.end.resolve(star));
        (start.min(end), start.max(end))
    }
}

impl fmt::Display for SequenceRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.start == self.end { self.start.fmt(f) } else { write!(f, "{}:{}", self.start, self.end) }
    }
}

/// Message sequence numbers or UIDs, as ranges that are never expanded (RFC 9051 section 9, "sequence-set").
///
/// ```
/// use postroad_imap::types::SequenceSet;
///
/// let set = SequenceSet::parse("2,4:7,9,12:*")?;
/// assert!(set.contains(5, 20) && set.contains(20, 20) && !set.contains(8, 20));
/// assert_eq!(set.to_string(), "2,4:7,9,12:*");
/// # Ok::<(), postroad_core::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SequenceSet {
    ranges: Vec<SequenceRange>,
}

impl SequenceSet {
    /// Reads a set.
    ///
    /// # Errors
    ///
    /// It is empty, or not numbers and ranges with commas between them; a number is 0 or has over 32 bits.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, ParseError> {
        let unit = Bytes::copy_from_slice(text.as_ref());
        let mut cursor = Cursor::new(&unit);
        let set = Self::read(&mut cursor)?;
        cursor.end()?;
        Ok(set)
    }

    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Box<ParseError>> {
        let mut ranges = Vec::with_capacity(1);
        loop {
            let start = SequenceNumber::read(cursor)?;
            let end = if cursor.try_octet(b':') { SequenceNumber::read(cursor)? } else { start };
            ranges.push(SequenceRange { start, end });
            if !cursor.try_octet(b',') {
                return Ok(Self { ranges });
            }
        }
    }

    /// A set of ranges.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn from_ranges(ranges: Vec<SequenceRange>) -> Result<Self, ParseError> {
        if ranges.is_empty() {
            return Err(ParseError::new(ParseErrorKind::Missing("a number"), 0, b""));
        }
        Ok(Self { ranges })
    }

    /// One number.
    pub fn single(number: NonZeroU32) -> Self {
        Self { ranges: vec![SequenceRange { start: number.into(), end: number.into() }] }
    }

    /// `1:*`: all messages.
    pub fn all() -> Self {
        Self { ranges: vec![SequenceRange { start: NonZeroU32::MIN.into(), end: SequenceNumber::Star }] }
    }

    /// The ranges, in the order in which they were written.
    pub fn ranges(&self) -> &[SequenceRange] {
        &self.ranges
    }

    /// Whether it has `number`, if `*` is `star`.
    pub fn contains(&self, number: u32, star: u32) -> bool {
        self.ranges.iter().any(|range| {
            let (least, greatest) = range.resolve(star);
            (least..=greatest).contains(&number)
        })
    }

    /// The least and greatest numbers of its ranges in ascending order, with those that touch joined, if `*` is `star`.
    pub fn normalise(&self, star: u32) -> Vec<(u32, u32)> {
        let mut sorted: Vec<_> =
            self.ranges.iter().map(|range| range.resolve(star)).filter(|range| range.1 > 0).collect();
        sorted.sort_unstable();
        let mut joined: Vec<(u32, u32)> = Vec::with_capacity(sorted.len());
        for (least, greatest) in sorted {
            match joined.last_mut() {
                Some(last) if least <= last.1.saturating_add(1) => last.1 = last.1.max(greatest),
                _ => joined.push((least.max(1), greatest)),
            }
        }
        joined
    }
}

impl TryFrom<&UidSet> for SequenceSet {
    type Error = ParseError;

    /// The same UIDs; an error if there is none.
    fn try_from(uids: &UidSet) -> Result<Self, ParseError> {
        let number = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN).into();
        let range = |range: core::ops::RangeInclusive<u32>| SequenceRange {
            start: number(*range.start()),
            end: number(*range.end()),
        };
        Self::from_ranges(uids.ranges().map(range).collect())
    }
}

impl core::str::FromStr for SequenceSet {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

impl fmt::Display for SequenceSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, range) in self.ranges.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            range.fmt(f)?;
        }
        Ok(())
    }
}

/// Which messages a command is about: a set, or what the last SEARCH saved (RFC 5182, RFC 9051 section 6.4.4.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Messages {
    /// A set of sequence numbers or UIDs.
    Set(SequenceSet),
    /// `$`: the saved result.
    Saved,
}

impl Messages {
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Box<ParseError>> {
        if cursor.try_octet(b'$') { Ok(Self::Saved) } else { SequenceSet::read(cursor).map(Self::Set) }
    }
}

impl From<SequenceSet> for Messages {
    fn from(set: SequenceSet) -> Self {
        Self::Set(set)
    }
}

impl fmt::Display for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set(set) => set.fmt(f),
            Self::Saved => f.write_str("$"),
        }
    }
}
