use super::printable;
use core::fmt;
use postroad_core::ParseError;

/// Free text behind a verb: the String of VRFY, EXPN, HELP and NOOP (RFC 5321 section 4.1.1).
///
/// Any UTF-8 without control characters, up to 1000 octets: real clients send more than the `Atom / Quoted-string` of the grammar.
///
/// ```
/// use postroad_smtp::types::Argument;
///
/// let argument = Argument::parse("Smith")?;
/// assert_eq!(argument.as_str(), "Smith");
/// assert!(Argument::parse("Smith\r\nRSET").is_err());
/// # Ok::<(), postroad_smtp::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Argument(Box<str>);

impl Argument {
    /// Reads a whole argument.
    ///
    /// # Errors
    ///
    /// It is empty, longer than 1000 octets, not UTF-8, or has a control character.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, ParseError> {
        printable(text.as_ref(), "argument", 1000).map(|text| Self(text.into()))
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
