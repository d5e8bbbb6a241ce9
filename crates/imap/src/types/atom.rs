use crate::grammar::chars::{self, ATOM};
use bytes::Bytes;
use core::fmt;
use postroad_core::{ParseError, ParseErrorKind};

/// One or more printable ASCII characters but space and `( ) { % * " \ ]` (RFC 9051 section 9, "atom").
///
/// ```
/// use postroad_imap::types::Atom;
///
/// assert_eq!(Atom::parse("$Forwarded")?.as_str(), "$Forwarded");
/// assert!(Atom::parse("two words").is_err());
/// # Ok::<(), postroad_core::ParseError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Atom(Bytes);

impl Atom {
    /// Reads an atom.
    ///
    /// # Errors
    ///
    /// It is empty or has an octet that must not stand in it.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, ParseError> {
        Self::from_bytes(Bytes::copy_from_slice(text.as_ref()))
    }

    /// The same without a copy.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn from_bytes(octets: Bytes) -> Result<Self, ParseError> {
        match chars::run(&octets, ATOM) {
            0 if octets.is_empty() => Err(ParseError::new(ParseErrorKind::Missing("an atom"), 0, &octets)),
            at if at < octets.len() => {
                Err(ParseError::new(ParseErrorKind::Forbidden(octets[at]), at, &octets))
            }
            _ => Ok(Self(octets)),
        }
    }

    /// Octets that the grammar has found to be an atom.
    pub(crate) fn of_wire(octets: Bytes) -> Self {
        debug_assert!(chars::all(&octets, ATOM), "an atom");
        Self(octets)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The octets.
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// Whether it is `text`, in any case.
    pub fn is(&self, text: &str) -> bool {
        self.0.eq_ignore_ascii_case(text.as_bytes())
    }
}

impl AsRef<str> for Atom {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl core::str::FromStr for Atom {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Atom({})", self.as_str())
    }
}
