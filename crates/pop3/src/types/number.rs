use crate::grammar::{self, Parsed, fault};
use core::fmt;
use core::num::NonZeroU32;
use postroad_core::{ParseError, ParseErrorKind};

/// A message-number: 1 and up, for as long as the session lasts (RFC 1939 section 4). There is no message 0.
///
/// ```
/// use postroad_pop3::types::MessageNumber;
///
/// let second = MessageNumber::parse(b"2")?;
/// assert_eq!((second.get(), second.index()), (2, 1));
/// assert!(MessageNumber::parse(b"0").is_err());
/// # Ok::<(), postroad_core::ParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageNumber(NonZeroU32);

impl MessageNumber {
    /// The number `number`; `None` for 0.
    pub const fn new(number: u32) -> Option<Self> {
        match NonZeroU32::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The number of the message at `index` of a list, where the first is at 0; `None` where numbers end.
    pub fn from_index(index: usize) -> Option<Self> {
        u32::try_from(index).ok()?.checked_add(1).and_then(Self::new)
    }

    /// Reads a number.
    ///
    /// # Errors
    ///
    /// It is not decimal digits alone, is 0, or needs more than 32 bits.
    pub fn parse(text: &[u8]) -> Result<Self, ParseError> {
        grammar::whole(text, text, Self::parser)
    }

    pub(crate) fn parser(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, number) = grammar::number32(input)?;
        match Self::new(number) {
            Some(number) => Ok((rest, number)),
            None => fault(ParseErrorKind::OutOfRange("a message-number"), input),
        }
    }

    /// The number itself.
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// Where the message stands in a list whose first is at 0.
    pub fn index(self) -> usize {
        usize::try_from(self.0.get() - 1).unwrap_or(usize::MAX)
    }
}

impl fmt::Display for MessageNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_no_message_zero() {
        for wrong in [&b"0"[..], b"00", b"", b"-1", b"1 ", b"4294967296"] {
            assert!(MessageNumber::parse(wrong).is_err(), "{}", wrong.escape_ascii());
        }
        assert_eq!(MessageNumber::parse(b"4294967295").unwrap().get(), u32::MAX);
        assert_eq!(MessageNumber::from_index(0), MessageNumber::new(1));
        assert_eq!(MessageNumber::from_index(usize::MAX), None);
    }
}
