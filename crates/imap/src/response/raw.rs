use super::reader::{Reader, Result};
use super::{Lenience, ResponseOptions};
use bytes::Bytes;
use core::fmt;
use postroad_core::{ParseError, ParseErrorKind};

/// A value of an extension, as it stands on the line: an atom, a number, a string, or a list of those. It cannot hold what would end
/// the line.
///
/// ```
/// use postroad_imap::response::RawValue;
///
/// assert_eq!(RawValue::new("(4 (99 \"a)\"))")?.as_bytes(), "(4 (99 \"a)\"))");
/// assert!(RawValue::new("1\r\n* BYE").is_err());
/// assert!(RawValue::new("(1").is_err());
/// # Ok::<(), postroad_imap::ParseError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RawValue(Bytes);

impl RawValue {
    /// A value in its spelling on the line.
    ///
    /// # Errors
    ///
    /// It is not exactly one value, or has CR, LF or NUL elsewhere than in a literal.
    pub fn new(spelling: impl Into<Bytes>) -> core::result::Result<Self, ParseError> {
        Self::read_whole(&spelling.into()).map_err(|error| *error)
    }

    fn read_whole(spelling: &Bytes) -> Result<Self> {
        let options = ResponseOptions { utf8: true, lenience: Lenience::strict() };
        let mut reader = Reader::new(spelling, options);
        let value = Self::read(&mut reader, spelling)?;
        reader.end()?;
        Ok(value)
    }

    pub(super) fn read(reader: &mut Reader<'_>, raw: &Bytes) -> Result<Self> {
        let from = reader.at();
        reader.skip_value()?;
        Ok(Self(raw.slice(from..reader.at())))
    }

    /// The spelling on the line.
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }
}

impl fmt::Debug for RawValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawValue({})", self.0.escape_ascii())
    }
}

impl core::str::FromStr for RawValue {
    type Err = ParseError;

    fn from_str(spelling: &str) -> core::result::Result<Self, ParseError> {
        Self::new(Bytes::copy_from_slice(spelling.as_bytes()))
    }
}

/// The octet that may not stand in a quoted string, if there is one.
pub(super) fn check_quoted(octets: &[u8], at: usize) -> Result<()> {
    match octets.iter().position(|octet| matches!(octet, 0 | b'\r' | b'\n')) {
        Some(found) => {
            Err(ParseError::new(ParseErrorKind::Forbidden(octets[found]), at + found, octets).into())
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_ends_the_line() {
        for fine in ["a", "12", "\"a b\"", "()", "(a (b) \"(\")", "{2}\r\n\r\n", "({3}\r\na)( x)", "NIL"] {
            assert!(RawValue::new(fine).is_ok(), "{fine:?}");
        }
        for wrong in [
            "",
            " ",
            "a b",
            "a\r\nb",
            "a\nb",
            "\"a\r\nb\"",
            "\"a\0b\"",
            "(a\rb)",
            "a)",
            "(",
            "\"",
            "{3}\r\na",
            "{3}",
            "a\0",
        ] {
            assert!(RawValue::new(wrong).is_err(), "{wrong:?}");
        }
    }
}
