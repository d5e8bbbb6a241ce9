//! Names of mechanisms (RFC 4422 section 3.1).

use alloc::string::String;
use core::{fmt, str};
use postroad_core::{ParseError, ParseErrorKind};

const LONGEST: usize = 20;

/// The name of a mechanism: 1 to 20 octets of letters, digits, hyphen and underscore, kept in upper case (RFC 4422 section 3.1).
///
/// ```
/// use postroad_sasl::MechanismName;
///
/// let name = MechanismName::parse("scram-sha-256")?;
/// assert_eq!(name.as_str(), "SCRAM-SHA-256");
/// assert!(MechanismName::parse("PLAIN\r\nQUIT").is_err());
/// # Ok::<(), postroad_core::ParseError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MechanismName(String);

impl MechanismName {
    /// Reads a name, in upper or lower case.
    ///
    /// # Errors
    ///
    /// It is empty, longer than 20 octets, or has another octet.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, ParseError> {
        let text = text.as_ref();
        if text.is_empty() {
            return Err(ParseError::new(ParseErrorKind::Missing("a mechanism"), 0, text));
        }
        if text.len() > LONGEST {
            let kind = ParseErrorKind::TooLong { what: "a mechanism's name", limit: LONGEST };
            return Err(ParseError::new(kind, LONGEST, text));
        }
        if let Some(at) = text
            .iter()
            .position(|octet| !matches!(octet, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
        {
            return Err(ParseError::new(ParseErrorKind::Expected("a mechanism's name"), at, text));
        }
        Ok(Self(text.iter().map(|octet| char::from(octet.to_ascii_uppercase())).collect()))
    }

    /// The name, in upper case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl str::FromStr for MechanismName {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

impl AsRef<str> for MechanismName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for MechanismName {
    fn eq(&self, other: &str) -> bool {
        self.0.eq_ignore_ascii_case(other)
    }
}

impl fmt::Display for MechanismName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for MechanismName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MechanismName({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_to_twenty_octets_of_the_rfc() {
        assert_eq!(MechanismName::parse("x").unwrap().as_str(), "X");
        assert_eq!(MechanismName::parse("SCRAM-SHA-256-PLUS_1").unwrap().as_str().len(), 20);
        assert!(MechanismName::parse("SCRAM-SHA-256-PLUS_12").is_err());
        for wrong in ["", " ", "PLAIN ", "a.b", "a\0", "ä"] {
            assert!(MechanismName::parse(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(MechanismName::parse("plain").unwrap(), *"Plain");
    }
}
