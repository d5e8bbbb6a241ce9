//! What was wrong with a unit of the protocol, and where.

use alloc::boxed::Box;
use core::fmt;

/// How many octets around the fault a [`ParseError`] keeps.
const NEAR: usize = 24;

/// Why octets could not be read as what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// Something else should stand here.
    Expected(&'static str),
    /// A name in the right place that is not known: of a command, a parameter, a mechanism.
    Unknown(&'static str),
    /// The text ended before something that must be there.
    Missing(&'static str),
    /// Something that may stand once stood again.
    Duplicate(&'static str),
    /// A number or code outside of what it may be.
    OutOfRange(&'static str),
    /// Longer than its limit, in octets.
    TooLong {
        /// What is too long.
        what: &'static str,
        /// How many octets are allowed.
        limit: usize,
    },
    /// An octet that must not stand here at all, such as CR, LF or NUL.
    Forbidden(u8),
    /// Octets behind the end of what was read.
    Trailing,
}

impl fmt::Display for ParseErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expected(what) => write!(f, "expected {what}"),
            Self::Unknown(what) => write!(f, "unknown {what}"),
            Self::Missing(what) => write!(f, "{what} is missing"),
            Self::Duplicate(what) => write!(f, "{what} stands twice"),
            Self::OutOfRange(what) => write!(f, "{what} is out of range"),
            Self::TooLong { what, limit } => write!(f, "{what} is longer than {limit} octets"),
            Self::Forbidden(octet) => write!(f, "octet 0x{octet:02x} is not allowed"),
            Self::Trailing => f.write_str("octets behind the end"),
        }
    }
}

/// A fault in a unit of the protocol: its kind, its octet offset, and the octets around it.
///
/// ```
/// use postroad_core::{Mailbox, ParseErrorKind};
///
/// let error = Mailbox::parse("alice@crepes..fr").unwrap_err();
/// assert_eq!(error.at(), 13);
/// assert_eq!(error.kind(), ParseErrorKind::Expected("a letter or digit"));
/// assert_eq!(error.to_string(), r#"expected a letter or digit at octet 13, near "alice@crepes..fr""#);
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ParseError {
    kind: ParseErrorKind,
    at: usize,
    near: [u8; NEAR],
    len: u8,
}

impl ParseError {
    /// A fault of `kind` at octet `at` of `unit`.
    pub fn new(kind: ParseErrorKind, at: usize, unit: &[u8]) -> Self {
        let start = at.saturating_sub(NEAR / 2).min(unit.len().saturating_sub(NEAR));
        let taken = unit.get(start..).unwrap_or_default();
        let len = taken.len().min(NEAR);
        let mut near = [0; NEAR];
        near[..len].copy_from_slice(&taken[..len]);
        Self { kind, at, near, len: u8::try_from(len).unwrap_or(0) }
    }

    /// What is wrong.
    pub fn kind(&self) -> ParseErrorKind {
        self.kind
    }

    /// Where, as an octet offset into the unit that was parsed.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Up to 24 octets around the fault.
    pub fn near(&self) -> &[u8] {
        &self.near[..usize::from(self.len)]
    }

    /// The same fault, without the octets around it: for units that carry secrets.
    #[must_use]
    pub fn redacted(mut self) -> Self {
        self.near = [0; NEAR];
        self.len = 0;
        self
    }

    /// The same fault in a unit in which the parsed one begins at octet `offset`.
    #[must_use]
    pub fn shifted(mut self, offset: usize) -> Self {
        self.at = self.at.saturating_add(offset);
        self
    }
}

/// Parsers hand errors on in boxes, for small results are quick ones.
impl From<Box<Self>> for ParseError {
    fn from(error: Box<Self>) -> Self {
        *error
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at octet {}", self.kind, self.at)?;
        if self.len > 0 { write!(f, ", near \"{}\"", self.near().escape_ascii()) } else { Ok(()) }
    }
}

impl fmt::Debug for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ParseError({self})")
    }
}

impl core::error::Error for ParseError {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn near_is_a_window_inside_the_unit() {
        let unit = [b'a'; 100];
        for at in [0, 5, 50, 99, 100, 1000] {
            let error = ParseError::new(ParseErrorKind::Trailing, at, &unit);
            assert_eq!(error.near().len(), NEAR);
            assert_eq!(error.at(), at);
        }
        assert_eq!(ParseError::new(ParseErrorKind::Trailing, 3, b"ab").near(), b"ab");
    }

    #[test]
    fn redacted_says_only_where() {
        let error = ParseError::new(ParseErrorKind::Trailing, 2, b"PASS secret").redacted();
        assert_eq!(error.to_string(), "octets behind the end at octet 2");
    }

    #[test]
    fn control_octets_are_escaped_for_logs() {
        let error = ParseError::new(ParseErrorKind::Forbidden(b'\n'), 1, b"a\nb");
        assert_eq!(error.to_string(), "octet 0x0a is not allowed at octet 1, near \"a\\nb\"");
    }
}
