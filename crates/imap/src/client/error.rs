//! What ends a client session before its time, by whose fault.

use super::Phase;
use core::fmt;
use postroad_core::ParseError;

/// Why a client session ended before its time. What was in flight may have been done or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The server did what it must not.
    Server(ServerFault),
    /// A limit of the configuration was reached.
    Limit(LimitReached),
    /// The application used the session wrongly.
    Api(ApiMisuse),
}

/// What the server did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerFault {
    /// Octets followed the OK to STARTTLS, before TLS could have begun: somebody put them there, or the server is broken.
    InjectedBeforeTls {
        /// How many.
        octets: usize,
    },
    /// PREAUTH without TLS, though TLS is required.
    PreauthInClear,
    /// What it sent is no greeting, no answer and no untagged response.
    Malformed(ParseError),
    /// A line with a bare CR or LF, or with NUL, at this octet of the response.
    ForbiddenOctet {
        /// Octet offset.
        at: usize,
    },
    /// It answered a command that was not sent, or is answered already.
    UnknownTag,
    /// It said OK to a command before it had it: whole, or with the client's response to its challenge.
    EarlyOk,
    /// A continuation request where nobody waits for one.
    UnexpectedContinuation,
    /// It closed the connection and owes answers.
    ConnectionLost,
    /// It took too long.
    TimedOut(Phase),
}

/// Which limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitReached {
    /// Octets of one response: [`Config::max_response`](super::Config::max_response) or, before login,
    /// [`Config::max_response_before_login`](super::Config::max_response_before_login).
    Response {
        /// How many are allowed.
        limit: usize,
    },
}

/// How the session was used wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApiMisuse {
    /// The application owed octets of a message or a response of SASL for too long.
    Overdue,
    /// A response of SASL, and no challenge waits for one. The session goes on.
    NoChallenge,
    /// TLS was established, and no handshake was due. The session goes on.
    NoHandshake,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(fault) => fault.fmt(f),
            Self::Limit(LimitReached::Response { limit }) => {
                write!(f, "a response is longer than {limit} octets")
            }
            Self::Api(ApiMisuse::Overdue) => {
                f.write_str("the application owed octets of a message or a response for too long")
            }
            Self::Api(ApiMisuse::NoChallenge) => f.write_str("no challenge waits for a response"),
            Self::Api(ApiMisuse::NoHandshake) => f.write_str("no TLS handshake was due"),
        }
    }
}

impl fmt::Display for ServerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InjectedBeforeTls { octets } => {
                write!(f, "{octets} octets in the clear behind the answer to STARTTLS")
            }
            Self::PreauthInClear => f.write_str("the server said PREAUTH without TLS"),
            Self::Malformed(error) => write!(f, "the server sent no valid response: {error}"),
            Self::ForbiddenOctet { at } => {
                write!(f, "the server sent a bare CR or LF, or NUL, at octet {at} of a response")
            }
            Self::UnknownTag => f.write_str("the server answered a command that was not sent"),
            Self::EarlyOk => f.write_str("the server said OK to a command before it had it"),
            Self::UnexpectedContinuation => f.write_str("the server wanted more, and nothing was to come"),
            Self::ConnectionLost => f.write_str("the server closed the connection and owes answers"),
            Self::TimedOut(phase) => write!(f, "the server took too long with {phase}"),
        }
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Server(ServerFault::Malformed(error)) => Some(error),
            _ => None,
        }
    }
}

impl From<ServerFault> for Error {
    fn from(fault: ServerFault) -> Self {
        Self::Server(fault)
    }
}

impl From<LimitReached> for Error {
    fn from(limit: LimitReached) -> Self {
        Self::Limit(limit)
    }
}

impl From<ApiMisuse> for Error {
    fn from(misuse: ApiMisuse) -> Self {
        Self::Api(misuse)
    }
}
