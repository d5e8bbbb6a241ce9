use core::fmt;
use postroad_core::{ParseError, ParseErrorKind};

/// A unique-id: 1 to 70 octets of 0x21 to 0x7E, for ever the name of one message of a maildrop (RFC 1939 section 7, UIDL).
///
/// ```
/// use postroad_pop3::types::UniqueId;
///
/// let id = UniqueId::parse(b"QhdPYR:00WBw1Ph7x7")?;
/// assert_eq!(id.as_str(), "QhdPYR:00WBw1Ph7x7");
/// assert!(UniqueId::parse(b"").is_err());
/// assert!(UniqueId::parse(b"with space").is_err());
/// # Ok::<(), postroad_core::ParseError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UniqueId(Box<str>);

impl UniqueId {
    /// The most octets of a unique-id.
    pub const LIMIT: usize = 70;

    /// Reads a unique-id.
    ///
    /// # Errors
    ///
    /// It is empty, longer than 70 octets, or has an octet that is not printable ASCII.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, ParseError> {
        let text = text.as_ref();
        if text.is_empty() {
            return Err(ParseError::new(ParseErrorKind::Missing("a unique-id"), 0, text));
        }
        if text.len() > Self::LIMIT {
            let kind = ParseErrorKind::TooLong { what: "a unique-id", limit: Self::LIMIT };
            return Err(ParseError::new(kind, Self::LIMIT, text));
        }
        match text.iter().position(|octet| !octet.is_ascii_graphic()) {
            Some(at) => Err(ParseError::new(ParseErrorKind::Forbidden(text[at]), at, text)),
            None => Ok(Self(text.iter().copied().map(char::from).collect::<String>().into())),
        }
    }

    /// The unique-id of the message that IMAP knows by these two numbers (RFC 3501 section 2.3.1.1).
    ///
    /// They are kept apart by a dot: 12 and 34 must not be 1 and 234.
    pub fn from_uid(uid_validity: u32, uid: u32) -> Self {
        Self(format!("{uid_validity}.{uid}").into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for UniqueId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl core::str::FromStr for UniqueId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

impl fmt::Display for UniqueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for UniqueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UniqueId({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_to_seventy_printable_octets() {
        assert!(UniqueId::parse("x".repeat(70)).is_ok());
        assert!(UniqueId::parse("x".repeat(71)).is_err());
        for octet in 0..=255_u8 {
            assert_eq!(UniqueId::parse([octet]).is_ok(), (0x21..=0x7e).contains(&octet), "{octet:#x}");
        }
    }

    #[test]
    fn two_numbers_do_not_run_together() {
        assert_ne!(UniqueId::from_uid(12, 34), UniqueId::from_uid(1, 234));
        assert!(UniqueId::parse(UniqueId::from_uid(u32::MAX, u32::MAX).as_str()).is_ok());
    }
}
