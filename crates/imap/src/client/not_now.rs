//! What a client session says to a command that it does not send.

use crate::command::CommandBody;
use core::fmt;

/// A command that is not sent, given back. The session goes on as if it had not been asked.
#[derive(Debug)]
pub struct NotNow<C = CommandBody> {
    /// Here it is.
    pub command: Box<C>,
    /// Why.
    pub reason: NotNowReason,
}

/// Why a command is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotNowReason {
    /// It has message sequence numbers, or asks for some, and a command is not answered yet during which the server may remove messages:
    /// what the numbers mean is not certain (RFC 9051 section 5.5). Wait for the answers, or use UIDs.
    SequenceNumbers,
    /// It has message sequence numbers, or asks for some, and the server has contradicted itself about how many messages there are: see
    /// [`Event::OutOfStep`](super::Event::OutOfStep). SELECT the mailbox anew, or use UIDs.
    OutOfStep,
    /// So many commands wait already: [`Config::max_waiting`](super::Config::max_waiting).
    TooMany,
    /// It may not be sent without TLS: [`Config::require_tls`](super::Config::require_tls),
    /// [`Config::login_without_tls`](super::Config::login_without_tls).
    NeedsTls,
    /// STARTTLS was sent, and TLS is not there yet.
    StartingTls,
    /// STARTTLS is no use: there is TLS.
    HasTls,
    /// The server does not offer what it needs, named as in CAPABILITY.
    NotOffered(&'static str),
    /// The server has said LOGINDISABLED (RFC 9051 section 6.2.3).
    LoginDisabled,
    /// The session cannot do what would follow from it: compress the transport.
    Unsupported,
    /// A message has more octets than the server takes (RFC 7889).
    TooLarge {
        /// The most octets that it takes.
        limit: u64,
    },
    /// LOGOUT was sent, the server has said BYE, or the session is over.
    Closing,
}

impl fmt::Display for NotNowReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SequenceNumbers => f.write_str("its sequence numbers are not certain now"),
            Self::OutOfStep => f.write_str("the sequence numbers of this mailbox are not certain any more"),
            Self::TooMany => f.write_str("too many commands are waiting"),
            Self::NeedsTls => f.write_str("it needs TLS"),
            Self::StartingTls => f.write_str("TLS is being started"),
            Self::HasTls => f.write_str("there is TLS already"),
            Self::NotOffered(capability) => write!(f, "the server does not offer {capability}"),
            Self::LoginDisabled => f.write_str("the server has disabled LOGIN"),
            Self::Unsupported => f.write_str("it is not supported"),
            Self::TooLarge { limit } => write!(f, "the server takes messages of {limit} octets at most"),
            Self::Closing => f.write_str("the session is closing"),
        }
    }
}

impl<C> fmt::Display for NotNow<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the command cannot be sent: {}", self.reason)
    }
}

impl<C: fmt::Debug> core::error::Error for NotNow<C> {}
