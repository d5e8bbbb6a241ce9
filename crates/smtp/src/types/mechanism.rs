use core::{fmt, str::FromStr};
use postroad_core::{ParseError, ParseErrorKind};

/// The name of a SASL mechanism (RFC 4422 section 3.1): 1 to 20 letters, digits, hyphens and underscores; kept in upper case.
///
/// ```
/// use postroad_smtp::types::Mechanism;
///
/// assert_eq!(Mechanism::parse("plain")?, Mechanism::PLAIN);
/// assert_eq!(Mechanism::parse("scram-sha-256")?.as_str(), "SCRAM-SHA-256");
/// assert!(Mechanism::parse("A B").is_err());
/// # Ok::<(), postroad_smtp::ParseError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mechanism {
    name: [u8; LONGEST],
    len: u8,
}

const LONGEST: usize = 20;

impl Mechanism {
    /// PLAIN (RFC 4616).
    pub const PLAIN: Self = Self::known("PLAIN");
    /// LOGIN (never a standard).
    pub const LOGIN: Self = Self::known("LOGIN");
    /// SCRAM-SHA-256 (RFC 7677).
    pub const SCRAM_SHA_256: Self = Self::known("SCRAM-SHA-256");
    /// SCRAM-SHA-256-PLUS (RFC 7677).
    pub const SCRAM_SHA_256_PLUS: Self = Self::known("SCRAM-SHA-256-PLUS");

    #[allow(clippy::cast_possible_truncation, reason = "names have at most 20 octets")]
    const fn known(text: &str) -> Self {
        let (mut name, mut at) = ([0; LONGEST], 0);
        while at < text.len() {
            name[at] = text.as_bytes()[at];
            at += 1;
        }
        Self { name, len: at as u8 }
    }

    /// Reads a whole name, in any case.
    ///
    /// # Errors
    ///
    /// It is empty, longer than 20 octets, or has another octet than those allowed.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, ParseError> {
        let text = text.as_ref();
        let mut name = [0; LONGEST];
        let (kind, at) = match name.get_mut(..text.len()) {
            None => (ParseErrorKind::TooLong { what: "mechanism", limit: LONGEST }, LONGEST),
            Some([]) => (ParseErrorKind::Missing("mechanism"), 0),
            Some(slot) => {
                slot.copy_from_slice(text);
                slot.make_ascii_uppercase();
                let allowed = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
                match text.iter().position(|octet| !allowed(octet)) {
                    None => return Ok(Self { name, len: u8::try_from(text.len()).unwrap_or(0) }),
                    Some(at) => (ParseErrorKind::Expected("the name of a mechanism"), at),
                }
            }
        };
        Err(ParseError::new(kind, at, text))
    }

    /// In upper case.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.name[..usize::from(self.len)]).unwrap_or_default()
    }
}

impl FromStr for Mechanism {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mechanism({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(Mechanism::SCRAM_SHA_256_PLUS.as_str(), "SCRAM-SHA-256-PLUS");
        assert_eq!(Mechanism::parse("x_y-9").unwrap().as_str(), "X_Y-9");
        assert!(Mechanism::parse("x".repeat(20)).is_ok());
        for bad in ["", "a=b", "é", "a\0"] {
            assert!(Mechanism::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Mechanism::parse("x".repeat(21)).is_err());
    }
}
