//! PLAIN (RFC 4616): identities and password in one message, in clear.

use super::{ClientMechanism, Credentials, ServerMechanism, ServerStep};
use crate::Error;
use alloc::{string::String, vec::Vec};
use core::str;
use memchr::memchr;
use postroad_core::{ParseError, ParseErrorKind, Secret};

/// RFC 4616 section 2: each field must be accepted up to this many octets.
const LEAST_LIMIT: usize = 255;
const DEFAULT_LIMIT: usize = 1024;

/// The message of PLAIN: who acts, who proves it, and the password. No field holds NUL, and only the first may be missing.
///
/// The strings are as they came. Prepare them with `SASLprep` (RFC 4013) or what the password database uses before they are compared,
/// and refuse an identity that is empty after that.
///
/// ```
/// use postroad_sasl::Plain;
///
/// let plain = Plain::parse(b"Ursel\0Kurt\0xipj3plmq")?;
/// assert_eq!(plain.authorization_identity(), Some("Ursel"));
/// assert_eq!(plain.authentication_identity(), "Kurt");
/// assert_eq!(plain.encode().expose(), b"Ursel\0Kurt\0xipj3plmq");
/// assert!(!format!("{plain:?}").contains("xipj3plmq"));
/// # Ok::<(), postroad_sasl::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Plain {
    authorization_identity: Option<String>,
    authentication_identity: String,
    password: Secret<String>,
}

impl Plain {
    /// The message of a client that acts as `authorization_identity` (usually `None`: as itself).
    ///
    /// # Errors
    ///
    /// A field is empty or holds NUL.
    pub fn new(
        authorization_identity: Option<&str>,
        authentication_identity: &str,
        password: &str,
    ) -> Result<Self, Error> {
        let check = |field: &str, what| field_of(field.as_bytes(), 0, usize::MAX, what).map(String::from);
        Ok(Self {
            authorization_identity: authorization_identity
                .map(|field| check(field, "the authorization identity"))
                .transpose()?,
            authentication_identity: check(authentication_identity, "the authentication identity")?,
            password: Secret::new(check(password, "the password")?),
        })
    }

    /// Reads a message whose fields have at most 1024 octets each.
    ///
    /// # Errors
    ///
    /// There are not exactly two NULs, the authentication identity or the password is empty, a field is too long, or it is not UTF-8.
    pub fn parse(message: &[u8]) -> Result<Self, Error> {
        Self::parse_within(message, DEFAULT_LIMIT)
    }

    fn parse_within(message: &[u8], limit: usize) -> Result<Self, Error> {
        let missing = |at| ParseError::new(ParseErrorKind::Missing("NUL"), at, &[]);
        let first = memchr(0, message).ok_or_else(|| missing(message.len()))?;
        let from = first + 1;
        let second = memchr(0, &message[from..]).ok_or_else(|| missing(message.len()))? + from;
        let authorization_identity = match first {
            0 => None,
            _ => Some(field_of(&message[..first], 0, limit, "the authorization identity")?.into()),
        };
        Ok(Self {
            authorization_identity,
            authentication_identity: field_of(
                &message[from..second],
                from,
                limit,
                "the authentication identity",
            )?
            .into(),
            password: Secret::new(
                field_of(&message[second + 1..], second + 1, limit, "the password")?.into(),
            ),
        })
    }

    /// Whom the client wants to act as; `None`: as whom the authentication identity stands for.
    ///
    /// Whether it may is for the application to decide, even after the password was right.
    pub fn authorization_identity(&self) -> Option<&str> {
        self.authorization_identity.as_deref()
    }

    /// Whose password it is.
    pub fn authentication_identity(&self) -> &str {
        &self.authentication_identity
    }

    /// The password, to be compared in constant time.
    pub fn password(&self) -> &Secret<String> {
        &self.password
    }

    /// The message as octets.
    pub fn encode(&self) -> Secret<Vec<u8>> {
        let authorization_identity = self.authorization_identity.as_deref().unwrap_or_default();
        let password = self.password.expose();
        // Exactly as large as needed: a vector that grows leaves a copy of the secret behind.
        let len = authorization_identity.len() + self.authentication_identity.len() + password.len() + 2;
        let mut message = Vec::with_capacity(len);
        message.extend_from_slice(authorization_identity.as_bytes());
        message.push(0);
        message.extend_from_slice(self.authentication_identity.as_bytes());
        message.push(0);
        message.extend_from_slice(password.as_bytes());
        Secret::new(message)
    }
}

/// One field, which begins at octet `offset` of its message.
fn field_of<'a>(
    field: &'a [u8],
    offset: usize,
    limit: usize,
    what: &'static str,
) -> Result<&'a str, ParseError> {
    let error = |kind, at: usize| ParseError::new(kind, offset + at, &[]);
    if field.is_empty() {
        return Err(error(ParseErrorKind::Missing(what), 0));
    }
    if field.len() > limit {
        return Err(error(ParseErrorKind::TooLong { what, limit }, limit));
    }
    if let Some(at) = memchr(0, field) {
        return Err(error(ParseErrorKind::Forbidden(0), at));
    }
    str::from_utf8(field).map_err(|utf8| error(ParseErrorKind::Expected("UTF-8"), utf8.valid_up_to()))
}

/// The server end of PLAIN: one response, then [`ServerStep::Verify`].
///
/// ```
/// use postroad_sasl::{Error, PlainServer, ServerMechanism};
///
/// let mut mechanism = PlainServer::new();
/// let _verify = mechanism.step(b"\0tim\0tanstaaftanstaaf")?;
/// assert!(matches!(mechanism.step(b"\0tim\0another"), Err(Error::Finished)));
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct PlainServer {
    limit: usize,
    finished: bool,
}

impl PlainServer {
    /// An exchange whose fields may have 1024 octets each.
    pub const fn new() -> Self {
        Self { limit: DEFAULT_LIMIT, finished: false }
    }

    /// An exchange whose fields may have `limit` octets each, but never fewer than the 255 of RFC 4616 section 2.
    pub const fn with_limit(limit: usize) -> Self {
        Self { limit: if limit < LEAST_LIMIT { LEAST_LIMIT } else { limit }, finished: false }
    }
}

impl Default for PlainServer {
    fn default() -> Self {
        Self::new()
    }
}

impl ServerMechanism for PlainServer {
    fn name(&self) -> &'static str {
        "PLAIN"
    }

    fn reveals_password(&self) -> bool {
        true
    }

    fn step(&mut self, response: &[u8]) -> Result<ServerStep, Error> {
        if self.finished {
            return Err(Error::Finished);
        }
        self.finished = true;
        Ok(ServerStep::Verify(Credentials::Plain(Plain::parse_within(response, self.limit)?)))
    }
}

/// The client end of PLAIN: the message, once.
///
/// ```
/// use postroad_sasl::{ClientMechanism, Plain, PlainClient};
///
/// let mut mechanism = PlainClient::new(Plain::new(None, "tim", "tanstaaftanstaaf")?);
/// assert_eq!(mechanism.initial_response().unwrap().expose(), b"\0tim\0tanstaaftanstaaf");
/// assert!(mechanism.step(b"").is_err());
/// # Ok::<(), postroad_sasl::Error>(())
/// ```
#[derive(Debug)]
pub struct PlainClient(Option<Plain>);

impl PlainClient {
    /// An exchange that says `plain`.
    pub const fn new(plain: Plain) -> Self {
        Self(Some(plain))
    }
}

impl ClientMechanism for PlainClient {
    fn name(&self) -> &'static str {
        "PLAIN"
    }

    fn reveals_password(&self) -> bool {
        true
    }

    fn initial_response(&mut self) -> Option<Secret<Vec<u8>>> {
        self.0.take().map(|plain| plain.encode())
    }

    fn step(&mut self, challenge: &[u8]) -> Result<Secret<Vec<u8>>, Error> {
        if !challenge.is_empty() {
            return Err(Error::UnexpectedChallenge);
        }
        self.initial_response().ok_or(Error::Finished)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::ToString, vec};

    fn parse(message: &[u8]) -> Result<(Option<String>, String, String), Error> {
        let plain = Plain::parse(message)?;
        Ok((plain.authorization_identity, plain.authentication_identity, plain.password.expose().clone()))
    }

    #[test]
    fn examples_of_rfc_4616_section_4() {
        assert_eq!(
            parse(b"\0tim\0tanstaaftanstaaf").unwrap(),
            (None, "tim".into(), "tanstaaftanstaaf".into())
        );
        assert_eq!(
            parse(b"Ursel\0Kurt\0xipj3plmq").unwrap(),
            (Some("Ursel".into()), "Kurt".into(), "xipj3plmq".into())
        );
    }

    #[test]
    fn exactly_two_nuls_and_nothing_empty_but_the_first() {
        for wrong in [
            &b""[..],
            b"tim",
            b"\0",
            b"\0tim",
            b"\0\0",
            b"\0\0secret",
            b"\0tim\0",
            b"a\0\0",
            b"\0tim\0sec\0ret",
        ] {
            assert!(matches!(parse(wrong), Err(Error::Malformed(_))), "{}", wrong.escape_ascii());
        }
        assert!(Plain::new(None, "tim", "sec\0ret").is_err());
        assert!(Plain::new(Some(""), "tim", "secret").is_err());
    }

    #[test]
    fn utf8_only() {
        assert_eq!(parse("\0müller\0pässwörd €".as_bytes()).unwrap().2, "pässwörd €");
        // A surrogate, an overlong form, and half a character.
        for wrong in [&b"\0tim\0\xed\xa0\x80"[..], b"\0tim\0\xc0\xaf", b"\0t\xc3\0secret"] {
            assert!(parse(wrong).is_err());
        }
    }

    #[test]
    fn limits() {
        let field = |len| vec![b'x'; len];
        let message =
            |a: usize, b: usize, c: usize| [field(a), vec![0], field(b), vec![0], field(c)].concat();
        let mut least = PlainServer::with_limit(0);
        assert!(least.step(&message(255, 255, 255)).is_ok());
        for (a, b, c) in [(256, 1, 1), (1, 256, 1), (1, 1, 256)] {
            assert!(PlainServer::with_limit(0).step(&message(a, b, c)).is_err());
        }
        assert!(Plain::parse(&message(1024, 1024, 1024)).is_ok());
        assert!(Plain::parse(&message(1, 1, 1025)).is_err());
    }

    #[test]
    fn no_secret_in_debug_or_errors() {
        let plain = Plain::new(None, "tim", "hunter2").unwrap();
        let client = PlainClient::new(plain.clone());
        assert!(!format!("{plain:?} {client:?} {:?}", plain.encode()).contains("hunter2"));
        let error = Plain::parse(b"\0tim\0hunter2\0hunter2").unwrap_err();
        assert_eq!(error.to_string(), "octet 0x00 is not allowed at octet 12");
        let error = Plain::parse(b"\0tim\0hunter2\xff").unwrap_err();
        assert!(!format!("{error:?} {error}").contains("hunter"));
    }

    #[test]
    fn a_challenge_with_octets_gets_no_password() {
        let mut client = PlainClient::new(Plain::new(None, "tim", "hunter2").unwrap());
        assert_eq!(client.step(b"Password:").unwrap_err(), Error::UnexpectedChallenge);
        assert_eq!(client.step(b"").unwrap().expose(), b"\0tim\0hunter2");
        assert_eq!(client.step(b"").unwrap_err(), Error::Finished);
        assert_eq!(client.initial_response().map(|_| ()), None);
        assert_eq!(client.succeeded(Some(b"x")).unwrap_err(), Error::UnexpectedChallenge);
    }
}
