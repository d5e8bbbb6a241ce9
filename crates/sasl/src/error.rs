//! What ends an exchange before anyone is authenticated.

use core::fmt;
use postroad_core::ParseError;

/// Why an exchange cannot go on. It never holds what was exchanged.
///
/// A wrong password is not one of these: that is for the application to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// What the peer sent, or what should be sent, is not of the mechanism's form.
    Malformed(ParseError),
    /// The peer sent a challenge or response after the mechanism had said all it has to say.
    Finished,
    /// The server challenged with octets, but the mechanism knows an empty challenge only.
    UnexpectedChallenge,
}

impl From<ParseError> for Error {
    fn from(error: ParseError) -> Self {
        Self::Malformed(error.redacted())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => error.fmt(f),
            Self::Finished => f.write_str("the mechanism has no further step"),
            Self::UnexpectedChallenge => {
                f.write_str("the mechanism has no answer to a challenge that is not empty")
            }
        }
    }
}

impl core::error::Error for Error {}
