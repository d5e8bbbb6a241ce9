use crate::grammar::Cursor;
use bytes::Bytes;
use core::fmt;
use core::ops::RangeInclusive;
use postroad_core::{ParseError, ParseErrorKind};

/// UIDs without `*`, as ranges in the order in which they were given (RFC 4315 section 4, "uid-set"). May be empty, and is then not
/// printable.
///
/// Order matters: in COPYUID the first UID of one set belongs to the first of the other.
///
/// ```
/// use postroad_imap::types::UidSet;
///
/// let set: UidSet = [1, 2, 3, 7].into_iter().collect();
/// assert_eq!(set.to_string(), "1:3,7");
/// assert_eq!(set.iter().last(), Some(7));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct UidSet {
    ranges: Vec<(u32, u32)>,
}

impl UidSet {
    /// No UIDs.
    pub const fn new() -> Self {
        Self { ranges: Vec::new() }
    }

    /// Reads a set.
    ///
    /// # Errors
    ///
    /// It is empty, or not numbers and ranges with commas between them; a number is 0 or has over 32 bits; `*`.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, ParseError> {
        let unit = Bytes::copy_from_slice(text.as_ref());
        let mut cursor = Cursor::new(&unit);
        let set = Self::read(&mut cursor)?;
        cursor.end()?;
        Ok(set)
    }

    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Box<ParseError>> {
        let mut set = Self::new();
        loop {
            let start = cursor.nz_number()?.get();
            let end = if cursor.try_octet(b':') { cursor.nz_number()?.get() } else { start };
            set.ranges.push((start.min(end), start.max(end)));
            if !cursor.try_octet(b',') {
                return Ok(set);
            }
        }
    }

    /// Adds a UID; 0 is none and is left out.
    #[inline]
    pub fn push(&mut self, uid: u32) {
        self.push_range(uid..=uid);
    }

    /// Adds all UIDs of a range; 0 is none and is left out.
    #[inline]
    pub fn push_range(&mut self, range: RangeInclusive<u32>) {
        let (start, end) = ((*range.start()).max(1), *range.end());
        if start > end {
            return;
        }
        match self.ranges.last_mut() {
            Some(last) if last.1.checked_add(1) == Some(start) => last.1 = end,
            _ => self.ranges.push((start, end)),
        }
    }

    /// The ranges, each from its least to its greatest UID.
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = RangeInclusive<u32>> + '_ {
        self.ranges.iter().map(|&(start, end)| start..=end)
    }

    /// Each UID. The iterator holds no memory, however large the ranges are.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.ranges().flatten()
    }

    /// How many UIDs there are, each as often as it was given.
    pub fn count(&self) -> u64 {
        self.ranges.iter().map(|&(start, end)| u64::from(end - start) + 1).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether it has `uid`.
    pub fn contains(&self, uid: u32) -> bool {
        self.ranges.iter().any(|&(start, end)| (start..=end).contains(&uid))
    }

    /// Sorts the ranges and joins those that touch.
    pub fn normalise(&mut self) {
        self.ranges.sort_unstable();
        self.ranges.dedup_by(|later, kept| {
            let joined = later.0 <= kept.1.saturating_add(1);
            if joined {
                kept.1 = kept.1.max(later.1);
            }
            joined
        });
    }

    /// The set, unless it is empty.
    ///
    /// # Errors
    ///
    /// It is empty.
    pub fn non_empty(self) -> Result<Self, ParseError> {
        if self.is_empty() {
            Err(ParseError::new(ParseErrorKind::Missing("a UID"), 0, b""))
        } else {
            Ok(self)
        }
    }
}

impl FromIterator<u32> for UidSet {
    fn from_iter<I: IntoIterator<Item = u32>>(uids: I) -> Self {
        let mut set = Self::new();
        uids.into_iter().for_each(|uid| set.push(uid));
        set
    }
}

impl core::str::FromStr for UidSet {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

impl fmt::Display for UidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, &(start, end)) in self.ranges.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            if start == end { start.fmt(f)? } else { write!(f, "{start}:{end}")? }
        }
        Ok(())
    }
}
