//! What ends a session, by whose fault.

use core::fmt;
use postroad_core::ParseError;

/// Why a session ended before its time.
///
/// A bad command is not one of these: it is answered and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The peer did what it must not.
    Peer(PeerMisbehaved),
    /// A limit of the configuration was reached.
    Limit(LimitReached),
    /// The application used the session wrongly.
    Api(ApiMisuse),
}

/// What the peer did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerMisbehaved {
    /// Octets followed STLS or its answer, before TLS could have begun: somebody put them there, or a peer is broken.
    InjectedBeforeTls {
        /// How many.
        octets: usize,
    },
    /// What a server sent is not a response.
    Malformed(ParseError),
    /// A server answered what was not asked.
    Unsolicited,
    /// A server closed the connection and owes answers; a message that was on its way is not whole.
    ConnectionLost,
    /// A server did not answer in time.
    TimedOut,
}

/// Which limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitReached {
    /// Commands that were no good.
    Errors {
        /// How many are allowed.
        limit: u32,
    },
    /// Octets of one line that was too long and would not end.
    EndlessLine {
        /// How many are dropped before the connection is.
        limit: u64,
    },
    /// The rows of one listing.
    Rows {
        /// How many are kept.
        limit: usize,
    },
}

/// How the session was used wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApiMisuse {
    /// A [`Body`](crate::server::Body) was dropped before it was finished. The message cannot be ended, so the connection was.
    BodyDropped,
    /// The application owed an answer or octets of a message for too long.
    Overdue,
    /// A message to send has a CR or LF that is not part of a CRLF, and the policy is to reject it.
    BareNewline {
        /// The octet, counted from the beginning of the message.
        at: u64,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer(PeerMisbehaved::InjectedBeforeTls { octets }) => {
                write!(f, "the peer sent {octets} octets in clear behind STLS")
            }
            Self::Peer(PeerMisbehaved::Malformed(error)) => {
                write!(f, "the server sent no valid response: {error}")
            }
            Self::Peer(PeerMisbehaved::Unsolicited) => f.write_str("the server answered what was not asked"),
            Self::Peer(PeerMisbehaved::ConnectionLost) => {
                f.write_str("the server closed the connection and owes answers")
            }
            Self::Peer(PeerMisbehaved::TimedOut) => f.write_str("the server did not answer in time"),
            Self::Limit(LimitReached::Errors { limit }) => {
                write!(f, "the client sent {limit} commands that were no good")
            }
            Self::Limit(LimitReached::EndlessLine { limit }) => {
                write!(f, "a line that was too long did not end within {limit} octets")
            }
            Self::Limit(LimitReached::Rows { limit }) => write!(f, "a listing has more than {limit} rows"),
            Self::Api(ApiMisuse::BodyDropped) => f.write_str("a message was begun and not finished"),
            Self::Api(ApiMisuse::Overdue) => f.write_str("the application owed an answer for too long"),
            Self::Api(ApiMisuse::BareNewline { at }) => {
                write!(f, "a message has a CR or LF that is not part of a CRLF at octet {at}")
            }
        }
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Peer(PeerMisbehaved::Malformed(error)) => Some(error),
            _ => None,
        }
    }
}

impl From<PeerMisbehaved> for Error {
    fn from(misbehaved: PeerMisbehaved) -> Self {
        Self::Peer(misbehaved)
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
