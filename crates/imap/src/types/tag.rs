use crate::grammar::chars::{self, TAG};
use bytes::Bytes;
use core::fmt;
use postroad_core::{ParseError, ParseErrorKind};

/// The name that a client gives to a command: 1 to 128 printable ASCII characters but space and `( ) { % * " \ +`
/// (RFC 9051 sections 2.2.1 and 9).
///
/// ```
/// use postroad_imap::types::Tag;
///
/// assert_eq!(Tag::parse("A142")?.as_str(), "A142");
/// assert!(Tag::parse("+").is_err());
/// # Ok::<(), postroad_core::ParseError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Tag(Bytes);

impl Tag {
    /// The most octets of a tag. The RFC sets no limit; a tag is printed in each answer.
    pub const LIMIT: usize = 128;

    /// Reads a tag.
    ///
    /// # Errors
    ///
    /// It is empty, longer than 128 octets, or has an octet that must not stand in it.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, ParseError> {
        Self::from_bytes(Bytes::copy_from_slice(text.as_ref()))
    }

    /// The same without a copy.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn from_bytes(octets: Bytes) -> Result<Self, ParseError> {
        let fail = |kind, at| Err(ParseError::new(kind, at, &octets));
        match chars::run(&octets, TAG) {
            0 if octets.is_empty() => fail(ParseErrorKind::Missing("a tag"), 0),
            at if at < octets.len() => fail(ParseErrorKind::Forbidden(octets[at]), at),
            at if at > Self::LIMIT => {
                fail(ParseErrorKind::TooLong { what: "a tag", limit: Self::LIMIT }, Self::LIMIT)
            }
            _ => Ok(Self(octets)),
        }
    }

    /// `A` and a number.
    pub(crate) fn numbered(number: u64) -> Self {
        Self(format!("A{number}").into())
    }

    /// Octets that the grammar has found to be those of a tag, however many.
    pub(crate) fn of_wire(octets: Bytes) -> Result<Self, ParseError> {
        if octets.len() > Self::LIMIT { Self::from_bytes(octets) } else { Ok(Self(octets)) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The octets.
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }
}

impl AsRef<str> for Tag {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl core::str::FromStr for Tag {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({})", self.as_str())
    }
}
