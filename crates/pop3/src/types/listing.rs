//! The three listings that are for programs, not for people (RFC 1939 sections 5 and 7).

use super::{MessageNumber, UniqueId};
use crate::grammar::{self, Parsed, number, number32, space};
use core::fmt;
use nom::sequence::{separated_pair, terminated};
use postroad_core::{ParseError, ParseErrorKind};

/// What may stand behind the two fields of a drop or scan listing: nothing, or a space and anything.
fn pair<'a, A, B>(
    text: &'a [u8],
    first: fn(&'a [u8]) -> Parsed<'a, A>,
    second: fn(&'a [u8]) -> Parsed<'a, B>,
) -> Result<(A, B), ParseError> {
    let (behind, both) = grammar::prefix(text, text, separated_pair(first, space, second))?;
    match behind {
        [] | [b' ', ..] => Ok(both),
        _ => Err(ParseError::new(ParseErrorKind::Trailing, text.len() - behind.len(), text)),
    }
}

/// The answer to STAT: how many messages, of how many octets in all; deleted ones are not counted.
///
/// ```
/// use postroad_pop3::types::DropListing;
///
/// assert_eq!(DropListing::parse(b"2 320")?, DropListing { messages: 2, octets: 320 });
/// assert_eq!(DropListing { messages: 0, octets: 0 }.to_string(), "0 0");
/// # Ok::<(), postroad_core::ParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DropListing {
    /// How many messages.
    pub messages: u32,
    /// The octets of all of them.
    pub octets: u64,
}

impl DropListing {
    /// Reads a drop listing; what follows it behind a space is ignored, as the RFC asks for.
    ///
    /// # Errors
    ///
    /// It does not begin with two numbers and one space between them.
    pub fn parse(text: &[u8]) -> Result<Self, ParseError> {
        let (messages, octets) = pair(text, number32, number)?;
        Ok(Self { messages, octets })
    }
}

impl fmt::Display for DropListing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.messages, self.octets)
    }
}

/// A row of LIST: the size of one message.
///
/// ```
/// use postroad_pop3::types::ScanListing;
///
/// let listing = ScanListing::parse(b"2 200")?;
/// assert_eq!((listing.number.get(), listing.octets), (2, 200));
/// # Ok::<(), postroad_core::ParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanListing {
    /// Which message.
    pub number: MessageNumber,
    /// Its exact size in octets.
    pub octets: u64,
}

impl ScanListing {
    /// Reads a scan listing; what follows it behind a space is ignored, as the RFC asks for.
    ///
    /// # Errors
    ///
    /// It does not begin with a message-number, a space and a number.
    pub fn parse(text: &[u8]) -> Result<Self, ParseError> {
        let (number, octets) = pair(text, MessageNumber::parser, number)?;
        Ok(Self { number, octets })
    }
}

impl fmt::Display for ScanListing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.octets)
    }
}

/// A row of UIDL: the unique-id of one message.
///
/// ```
/// use postroad_pop3::types::UniqueIdListing;
///
/// let listing = UniqueIdListing::parse(b"2 QhdPYR:00WBw1Ph7x7")?;
/// assert_eq!(listing.unique_id.as_str(), "QhdPYR:00WBw1Ph7x7");
/// # Ok::<(), postroad_core::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UniqueIdListing {
    /// Which message.
    pub number: MessageNumber,
    /// Its unique-id.
    pub unique_id: UniqueId,
}

impl UniqueIdListing {
    /// Reads a unique-id listing. Nothing may follow it.
    ///
    /// # Errors
    ///
    /// It is not a message-number, a space and a unique-id.
    pub fn parse(text: &[u8]) -> Result<Self, ParseError> {
        let (id, number) = grammar::prefix(text, text, terminated(MessageNumber::parser, space))?;
        let unique_id = UniqueId::parse(id).map_err(|error| error.shifted(text.len() - id.len()))?;
        Ok(Self { number, unique_id })
    }
}

impl fmt::Display for UniqueIdListing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.unique_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn drop_and_scan_listings_may_be_followed_by_more() {
        assert_eq!(DropListing::parse(b"2 320 and more").unwrap().octets, 320);
        assert_eq!(ScanListing::parse(b"2 200 From: Ann").unwrap().octets, 200);
        for wrong in [&b""[..], b"2", b"2 ", b"2  3", b"2 3x", b"x 3", b" 2 3"] {
            assert!(DropListing::parse(wrong).is_err(), "{}", wrong.escape_ascii());
            assert!(ScanListing::parse(wrong).is_err(), "{}", wrong.escape_ascii());
        }
        assert!(ScanListing::parse(b"0 3").is_err());
    }

    #[test]
    fn a_unique_id_listing_may_not() {
        assert_eq!(UniqueIdListing::parse(b"1 a b").unwrap_err().at(), 3);
        assert!(UniqueIdListing::parse(b"1 ").is_err());
        assert!(UniqueIdListing::parse(b"1").is_err());
        assert!(UniqueIdListing::parse(b"0 a").is_err());
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read(number in 1..=u32::MAX, octets: u64, id in "[!-~]{1,70}") {
            let number = MessageNumber::new(number).unwrap();
            let scan = ScanListing { number, octets };
            prop_assert_eq!(ScanListing::parse(scan.to_string().as_bytes()).unwrap(), scan);
            let drop = DropListing { messages: number.get(), octets };
            prop_assert_eq!(DropListing::parse(drop.to_string().as_bytes()).unwrap(), drop);
            let unique = UniqueIdListing { number, unique_id: UniqueId::parse(id).unwrap() };
            prop_assert_eq!(UniqueIdListing::parse(unique.to_string().as_bytes()).unwrap(), unique);
        }
    }
}
