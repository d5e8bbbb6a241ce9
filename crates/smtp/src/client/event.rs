//! What a client session tells its application.

use crate::reply::Reply;
use core::fmt;

/// Which command a reply belongs to. Ids of one session are never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommandId(pub(super) u64);

/// What happened.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The server greets: 220, or 554 where there is no mail service (RFC 5321 section 3.1).
    Greeting(Reply),
    /// The reply to a command, good or bad; for DATA that was answered 354, the reply to the message.
    Reply(CommandId, Reply),
    /// DATA was answered 354: push the message with [`Client::push_body`](super::Client::push_body), then
    /// [`finish_body`](super::Client::finish_body).
    SendBody(CommandId),
    /// AUTH was answered with this challenge, decoded: answer with [`Client::respond`](super::Client::respond) or
    /// [`cancel`](super::Client::cancel). The session is [`Paused`](crate::Step::Paused) until then.
    Challenge(CommandId, Vec<u8>),
    /// STARTTLS was answered 220: upgrade the transport, then call [`Client::tls_established`](super::Client::tls_established). The session
    /// is [`Paused`](crate::Step::Paused) until then.
    StartTls(CommandId),
    /// The server says 421 of its own accord and closes (RFC 5321 section 3.8).
    Goodbye(Reply),
}

// A challenge is no secret, but it has no place in a log.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Greeting(reply) => write!(f, "Greeting({reply})"),
            Self::Reply(CommandId(id), reply) => write!(f, "Reply({id}, {reply})"),
            Self::SendBody(CommandId(id)) => write!(f, "SendBody({id})"),
            Self::Challenge(CommandId(id), octets) => write!(f, "Challenge({id}, {} octets)", octets.len()),
            Self::StartTls(CommandId(id)) => write!(f, "StartTls({id})"),
            Self::Goodbye(reply) => write!(f, "Goodbye({reply})"),
        }
    }
}

/// Why a client session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// QUIT was answered.
    Quit,
    /// The server said 421.
    Goodbye,
    /// The server refused the message before its end. Its rest cannot be taken back, so the connection is of no more use.
    BodyRefused,
    /// The server closed the connection.
    EndOfInput,
    /// The server took too long.
    TimedOut(Phase),
    /// [`Client::abort`](super::Client::abort) was called.
    Aborted,
    /// The message has a CR or LF that is not part of a CRLF, and [`Config::bare_newline`](super::Config::bare_newline) is `Reject`. It was
    /// cut short, and the server throws it away with the connection. To try it again is of no use.
    BareNewline {
        /// The octet, counted from the beginning of the message.
        at: u64,
    },
    /// The session ended with an [`Error`](crate::Error).
    Failed,
}

/// What a server can be too slow with: each has its own deadline, see [`Timeouts`](super::Timeouts).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// The greeting.
    Greeting,
    /// The reply to MAIL.
    Mail,
    /// The reply to RCPT.
    Rcpt,
    /// The reply to DATA.
    Data,
    /// Taking a block of the message.
    DataBlock,
    /// The reply to the message.
    DataEnd,
    /// The reply to any other command.
    Command,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Greeting => "the greeting",
            Self::Mail => "the reply to MAIL",
            Self::Rcpt => "the reply to RCPT",
            Self::Data => "the reply to DATA",
            Self::DataBlock => "sending the message",
            Self::DataEnd => "the reply to the message",
            Self::Command => "the reply to a command",
        })
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quit => f.write_str("quit"),
            Self::Goodbye => f.write_str("the server said goodbye"),
            Self::BodyRefused => f.write_str("the server refused the message before its end"),
            Self::EndOfInput => f.write_str("the server closed the connection"),
            Self::TimedOut(phase) => write!(f, "timed out waiting for {phase}"),
            Self::Aborted => f.write_str("aborted"),
            Self::BareNewline { at } => {
                write!(f, "the message has a CR or LF that is not part of a CRLF at octet {at}")
            }
            Self::Failed => f.write_str("failed"),
        }
    }
}
