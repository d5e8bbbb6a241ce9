//! What ends a session, by whose fault; and what is wrong with a command, which ends nothing.

use crate::command::{UNKNOWN_COMMAND, UNKNOWN_PARAMETER};
use crate::reply::{EnhancedCode, Reply, ReplyCode, ReplyError};
use core::fmt;
use postroad_core::{LineFault, ParseError};

/// What ends a session. What is left to say to the peer is in `poll_transmit`, and the next step is `Closed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// The application called what it must not call now. The session goes on as if it had not.
    Api(ApiMisuse),
}

/// What a peer did, see [`Error::Peer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerFault {
    /// Octets came in the clear behind STARTTLS or its reply, where nothing may come before the TLS handshake: somebody on the way may
    /// have put them there (see [`manual::starttls`](crate::manual::starttls)).
    InjectedBeforeTls {
        /// How many are in the input.
        octets: usize,
    },
    /// The server sent what is no reply.
    Reply(ReplyError),
    /// The server sent a reply to nothing.
    UnsolicitedReply(ReplyCode),
    /// The server sent a reply that cannot be one to this command.
    UnexpectedReply {
        /// The reply's code.
        code: ReplyCode,
        /// The verb of the command, or what else was waited for.
        to: &'static str,
    },
}

/// What there was too much of, see [`Error::Limit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// Errors in commands and failed authentications.
    Errors,
    /// Octets of one line that is too long anyway.
    LineOctets,
    /// Octets of a message that is refused anyway.
    DiscardedOctets,
}

/// What an application did, see [`Error::Api`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApiMisuse {
    /// `tls_established`, although no STARTTLS was agreed on.
    NoHandshake,
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
            Self::Reply(error) => error.fmt(f),
            Self::UnsolicitedReply(code) => write!(f, "reply {code} to nothing"),
            Self::UnexpectedReply { code, to } => write!(f, "reply {code} to {to}"),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Errors => "errors",
            Self::LineOctets => "octets in one line",
            Self::DiscardedOctets => "octets of a refused message",
        })
    }
}

impl fmt::Display for ApiMisuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoHandshake => "no TLS handshake was agreed on",
        })
    }
}

impl core::error::Error for Error {}
impl core::error::Error for PeerFault {}
impl core::error::Error for ApiMisuse {}

impl From<PeerFault> for Error {
    fn from(fault: PeerFault) -> Self {
        Self::Peer(fault)
    }
}

impl From<ReplyError> for Error {
    fn from(error: ReplyError) -> Self {
        Self::Peer(PeerFault::Reply(error))
    }
}

impl From<ApiMisuse> for Error {
    fn from(misuse: ApiMisuse) -> Self {
        Self::Api(misuse)
    }
}

/// Why a line is no command. A session answers it and goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommandError {
    /// It is no line.
    Line(LineFault),
    /// The line is no command.
    Syntax(ParseError),
}

impl CommandError {
    /// What RFC 5321 section 4.2.4 answers: 500, 501 or 555.
    ///
    /// ```
    /// use postroad_smtp::{CommandError, command::Command};
    ///
    /// let error = Command::parse(b"MAIL FROM:<a@b> FOO=bar").unwrap_err();
    /// assert_eq!(CommandError::from(error).reply().code().get(), 555);
    /// ```
    pub fn reply(&self) -> Reply {
        let (code, detail, text) = match self {
            Self::Line(LineFault::TooLong { .. }) => (ReplyCode::SYNTAX_ERROR, 6, "Line too long"),
            Self::Line(LineFault::BareLf { .. } | LineFault::BareCr { .. }) => {
                (ReplyCode::SYNTAX_ERROR, 2, "Lines must end in CRLF")
            }
            Self::Line(_) => (ReplyCode::SYNTAX_ERROR, 2, "Syntax error"),
            Self::Syntax(error) if error.kind() == UNKNOWN_COMMAND => {
                (ReplyCode::SYNTAX_ERROR, 2, "Command not recognized")
            }
            Self::Syntax(error) if error.kind() == UNKNOWN_PARAMETER => {
                (ReplyCode::PARAMETERS_NOT_RECOGNIZED, 4, "Parameter not recognized")
            }
            Self::Syntax(error) => {
                let enhanced = Some(EnhancedCode::permanent(5, 4));
                let text = format!("Syntax error: {}", error.kind());
                return Reply::new(ReplyCode::PARAMETER_SYNTAX_ERROR, enhanced, text);
            }
        };
        Reply::new(code, Some(EnhancedCode::permanent(5, detail)), text)
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(fault) => fault.fmt(f),
            Self::Syntax(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for CommandError {}

impl From<LineFault> for CommandError {
    fn from(fault: LineFault) -> Self {
        Self::Line(fault)
    }
}

impl From<ParseError> for CommandError {
    fn from(error: ParseError) -> Self {
        Self::Syntax(error)
    }
}
