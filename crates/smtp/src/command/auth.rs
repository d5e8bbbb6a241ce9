//! AUTH, and the lines of its exchange (RFC 4954).

use super::required;
use crate::types::Mechanism;
use base64::{Engine, display::Base64Display, engine::general_purpose::STANDARD};
use core::fmt;
use postroad_core::{ParseError, ParseErrorKind, Secret};

/// AUTH: begins an exchange of SASL.
///
/// ```
/// use postroad_smtp::command::{AuthCommand, Command};
/// use postroad_smtp::types::Mechanism;
/// use postroad_smtp::Secret;
///
/// let response = Secret::new(b"\0tim\0tanstaaftanstaaf".to_vec());
/// let auth = AuthCommand::new(Mechanism::PLAIN, Some(response));
/// let mut line = String::new();
/// Command::Auth(auth).encode(&mut line)?;
/// assert_eq!(line, "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n");
/// # Ok::<(), std::fmt::Error>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AuthCommand {
    /// The mechanism.
    pub mechanism: Mechanism,
    /// The first response, decoded; `=` on the line is an empty one.
    pub initial_response: Option<Secret<Vec<u8>>>,
}

impl AuthCommand {
    /// The command.
    pub fn new(mechanism: Mechanism, initial_response: Option<Secret<Vec<u8>>>) -> Self {
        Self { mechanism, initial_response }
    }

    pub(super) fn encode(&self, to: &mut impl fmt::Write) -> fmt::Result {
        write!(to, " {}", self.mechanism)?;
        match self.initial_response.as_ref().map(Secret::expose) {
            None => Ok(()),
            Some(response) if response.is_empty() => to.write_str(" ="),
            Some(response) => write!(to, " {}", Base64Display::new(response, &STANDARD)),
        }
    }
}

/// Both are the client's own octets: nothing is authenticated by this comparison.
impl PartialEq for AuthCommand {
    fn eq(&self, other: &Self) -> bool {
        self.mechanism == other.mechanism
            && self.initial_response.as_ref().map(Secret::expose)
                == other.initial_response.as_ref().map(Secret::expose)
    }
}

impl Eq for AuthCommand {}

/// A line that a client sends within the exchange of AUTH.
///
/// ```
/// use postroad_smtp::command::AuthResponseLine;
///
/// let AuthResponseLine::Response(response) = AuthResponseLine::parse(b"dGlt")? else { panic!() };
/// assert_eq!(response.expose(), b"tim");
/// assert!(matches!(AuthResponseLine::parse(b"*")?, AuthResponseLine::Cancel));
/// # Ok::<(), postroad_smtp::ParseError>(())
/// ```
#[derive(Debug, Clone)]
pub enum AuthResponseLine {
    /// `*`: the client gives the exchange up.
    Cancel,
    /// A response, decoded. It may be empty.
    Response(Secret<Vec<u8>>),
}

impl AuthResponseLine {
    /// Reads a line, given without its CRLF.
    ///
    /// # Errors
    ///
    /// It is neither `*` nor base64. The error carries no octets of the line.
    pub fn parse(line: &[u8]) -> Result<Self, ParseError> {
        if line == b"*" { Ok(Self::Cancel) } else { decode(line).map(Self::Response) }
    }

    /// Writes the line, its CRLF included.
    pub fn encode(&self, to: &mut impl fmt::Write) -> fmt::Result {
        match self {
            Self::Cancel => to.write_str("*\r\n"),
            Self::Response(response) => {
                write!(to, "{}\r\n", Base64Display::new(response.expose(), &STANDARD))
            }
        }
    }
}

/// Both are the client's own octets: nothing is authenticated by this comparison.
impl PartialEq for AuthResponseLine {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Cancel, Self::Cancel) => true,
            (Self::Response(one), Self::Response(other)) => one.expose() == other.expose(),
            _ => false,
        }
    }
}

impl Eq for AuthResponseLine {}

/// AUTH SP sasl-mech [SP initial-response], where an initial-response is base64 or "="
pub(super) fn parse(arguments: Option<&[u8]>) -> Result<AuthCommand, ParseError> {
    let unit = required(arguments, "mechanism")?;
    let (name, response) = match unit.iter().position(|octet| *octet == b' ') {
        Some(at) => (&unit[..at], Some(&unit[at + 1..])),
        None => (unit, None),
    };
    let mechanism = Mechanism::parse(name).map_err(ParseError::redacted)?;
    let behind_name = name.len() + 1;
    let initial_response = match response {
        None => None,
        Some(b"=") => Some(Secret::new(Vec::new())),
        Some(b"") => return Err(ParseError::new(ParseErrorKind::Missing("response"), behind_name, b"")),
        Some(text) => Some(decode(text).map_err(|error| error.shifted(behind_name))?),
    };
    Ok(AuthCommand { mechanism, initial_response })
}

fn decode(text: &[u8]) -> Result<Secret<Vec<u8>>, ParseError> {
    let plain = STANDARD.decode(text);
    plain.map(Secret::new).map_err(|_| ParseError::new(ParseErrorKind::Expected("base64"), 0, b""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;

    #[test]
    fn initial_responses() {
        let response = |line: &[u8]| match Command::parse(line).unwrap() {
            Command::Auth(auth) => auth.initial_response.map(|secret| secret.expose().clone()),
            other => panic!("{other:?}"),
        };
        assert_eq!(response(b"AUTH plain"), None);
        assert_eq!(response(b"AUTH PLAIN ="), Some(Vec::new()));
        assert_eq!(response(b"AUTH PLAIN AGEAYg=="), Some(b"\0a\0b".to_vec()));
    }

    #[test]
    fn faults_say_nothing_of_the_secret() {
        for line in ["AUTH PLAIN AGEAYg", "AUTH PLAIN AGEAYg== x", "AUTH PL.AIN AGEAYg==", "AUTH PLAIN * "] {
            let error = Command::parse(line.as_bytes()).unwrap_err();
            assert!(error.near().is_empty(), "{error}");
        }
        assert!(AuthResponseLine::parse(b"=").is_err());
        assert!(AuthResponseLine::parse(b"* ").is_err());
        let shown = format!("{:?}", Command::parse(b"AUTH PLAIN AGEAYg==").unwrap());
        assert!(!shown.contains("97"), "{shown}");
    }
}
