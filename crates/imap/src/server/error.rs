//! What ends a session, by whose fault. A bad command ends nothing: it is answered and counted.

use core::fmt;

/// What ends a session. What is left to say to the peer is in `poll_transmit`, and the next step is `Closed`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The peer did what nobody may do, and nothing it says can be trusted any more.
    Peer(PeerFault),
    /// The peer went over a limit.
    Limit {
        /// Of what there was too much.
        what: Limit,
        /// How much is allowed.
        limit: u64,
    },
    /// The application did what leaves no way on.
    Api(ApiMisuse),
}

/// What a peer did, see [`Error::Peer`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerFault {
    /// Octets came in the clear behind STARTTLS or its answer, where nothing may come before the TLS handshake: somebody on the way may
    /// have put them there.
    InjectedBeforeTls {
        /// How many are in the input.
        octets: usize,
    },
}

/// What there was too much of, see [`Error::Limit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// Bad commands and failed log-ins.
    Errors,
    /// Octets of a command that is refused anyway.
    DiscardedOctets,
}

/// What an application did, see [`Error::Api`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApiMisuse {
    /// A literal was dropped, or ended, before all its octets were given.
    BrokenLiteral,
    /// A token was not answered in time.
    Overdue,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer(fault) => write!(f, "the peer broke the protocol: {fault}"),
            Self::Limit { what, limit } => write!(f, "more than {limit} {what}"),
            Self::Api(misuse) => write!(f, "wrong use of the session: {misuse}"),
        }
    }
}

impl fmt::Display for PeerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InjectedBeforeTls { octets } => write!(f, "{octets} octets in the clear behind STARTTLS"),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Errors => "errors",
            Self::DiscardedOctets => "octets of a refused command",
        })
    }
}

impl fmt::Display for ApiMisuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BrokenLiteral => "a literal was not finished",
            Self::Overdue => "an answer took too long",
        })
    }
}

impl core::error::Error for Error {}
impl core::error::Error for PeerFault {}
impl core::error::Error for ApiMisuse {}
