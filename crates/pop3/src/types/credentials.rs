use core::fmt;
use postroad_core::{ParseError, ParseErrorKind, Secret};

/// The argument of a command line that has 512 octets in all: keyword, space and CRLF are seven.
const LIMIT: usize = 505;

/// `text` as one argument to the end of its line: UTF-8 (RFC 6856 section 2.2), not empty, without control characters.
fn argument<'a>(text: &'a [u8], what: &'static str) -> Result<&'a str, ParseError> {
    let error = |kind, at| ParseError::new(kind, at, text);
    if text.is_empty() {
        return Err(error(ParseErrorKind::Missing(what), 0));
    }
    if text.len() > LIMIT {
        return Err(error(ParseErrorKind::TooLong { what, limit: LIMIT }, LIMIT));
    }
    if let Some(at) = text.iter().position(u8::is_ascii_control) {
        return Err(error(ParseErrorKind::Forbidden(text[at]), at));
    }
    core::str::from_utf8(text).map_err(|utf8| error(ParseErrorKind::Expected("UTF-8"), utf8.valid_up_to()))
}

/// The name of a mailbox, which means something to the server only (RFC 1939 section 7, USER).
///
/// At most 505 octets; servers need not take more than 248 (RFC 2449 section 4). Spaces belong to it, for USER has one argument.
///
/// ```
/// use postroad_pop3::types::UserName;
///
/// assert_eq!(UserName::parse("mrose")?.as_str(), "mrose");
/// assert!(UserName::parse("mrose\r\nPASS x").is_err());
/// # Ok::<(), postroad_core::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserName(Box<str>);

impl UserName {
    /// Reads a name.
    ///
    /// # Errors
    ///
    /// It is empty, longer than 505 octets, not UTF-8, or has a control character.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, ParseError> {
        Ok(Self(argument(text.as_ref(), "a name")?.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A password: at most 505 octets; servers need not take more than 248 (RFC 2449 section 4).
///
/// Spaces belong to it, also at its beginning and end (RFC 1939 section 7, PASS).
///
/// ```
/// use postroad_pop3::types::Password;
///
/// let password = Password::parse("correct horse battery staple")?;
/// assert_eq!(password.expose(), "correct horse battery staple");
/// assert_eq!(format!("{password:?}"), "Password(…)");
/// # Ok::<(), postroad_core::ParseError>(())
/// ```
#[derive(Clone)]
pub struct Password(Secret<String>);

impl Password {
    /// Reads a password.
    ///
    /// # Errors
    ///
    /// It is empty, longer than 505 octets, not UTF-8, or has a control character. The error does not hold it.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, ParseError> {
        match argument(text.as_ref(), "a password") {
            Ok(text) => Ok(Self(Secret::new(text.into()))),
            Err(error) => Err(error.redacted()),
        }
    }

    /// The password itself. Whoever calls this takes care that it is neither printed nor logged.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// The password as a secret.
    pub fn as_secret(&self) -> &Secret<String> {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_hold_no_password() {
        let error = Password::parse("hunter2\0").unwrap_err();
        assert!(!format!("{error:?}").contains("hunter"));
        assert_eq!(error.at(), 7);
    }

    #[test]
    fn spaces_are_part_of_it() {
        assert_eq!(Password::parse(" a  b ").unwrap().expose(), " a  b ");
        assert_eq!(Password::parse(" ").unwrap().expose(), " ");
    }
}
