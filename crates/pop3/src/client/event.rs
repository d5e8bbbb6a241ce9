use crate::command::Command;
use crate::response::{Greeting, StatusLine};
use crate::types::{Capabilities, DropListing, ScanListing, UniqueIdListing};
use bytes::Bytes;
use core::fmt;
use postroad_core::{DataFaults, ParseError};

/// Which command an event belongs to: what [`send`](super::Client::send) gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub(super) u64);

/// What a client session tells its application.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The server is there.
    Greeting(Greeting),
    /// A command is answered. After a positive answer to RETR and TOP, [`Body`](Self::Body) and [`BodyEnd`](Self::BodyEnd) follow.
    Reply(CommandId, Reply),
    /// Octets of a message, without stuffed dots.
    Body(CommandId, Bytes),
    /// The message is whole. What was odd in it is told; by [`BareNewline::Reject`](postroad_core::BareNewline::Reject) a message with
    /// such faults was not handed out whole.
    BodyEnd(CommandId, DataFaults),
    /// The server goes on under TLS: write the output, do the handshake, and call
    /// [`tls_established`](super::Client::tls_established). The session says `Paused` until then.
    StartTls(CommandId),
    /// The server says goodbye without being asked, in place of a greeting or because it waited too long. The session closes.
    Farewell(StatusLine),
}

/// The answer to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reply {
    /// `+OK`, to a command whose answer has nothing else in it: USER, PASS, DELE, RSET, NOOP and QUIT; and to RETR and TOP, whose
    /// message follows.
    Ok(StatusLine),
    /// `-ERR`, to any command.
    Err(StatusLine),
    /// To STAT.
    Stat(DropListing),
    /// To LIST: one row for each message, or for the one that was asked for.
    List(Vec<ScanListing>),
    /// To UIDL: one row for each message, or for the one that was asked for.
    Uidl(Vec<UniqueIdListing>),
    /// To CAPA.
    Capa(Capabilities),
    /// `+OK`, but what followed could not be read. The response has been taken in whole, so the session goes on.
    Malformed(ParseError),
}

/// A command that cannot be sent, given back.
#[derive(Debug)]
pub struct NotNow {
    /// Here it is.
    pub command: Command,
    /// Why.
    pub reason: NotNowReason,
}

/// Why a command cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotNowReason {
    /// So many commands wait already: [`Config::max_waiting`](super::Config::max_waiting).
    TooMany,
    /// It would tell a password without TLS, which [`Config::login_without_tls`](super::Config::login_without_tls) does not allow.
    NeedsTls,
    /// STLS was sent, and TLS is not there yet (RFC 2595 section 4).
    StartingTls,
    /// STLS is no use: there is TLS.
    HasTls,
    /// QUIT was sent, or the session is over.
    Closing,
}

impl fmt::Display for NotNow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.reason {
            NotNowReason::TooMany => "too many commands are waiting",
            NotNowReason::NeedsTls => "it needs TLS",
            NotNowReason::StartingTls => "TLS is being started",
            NotNowReason::HasTls => "there is TLS already",
            NotNowReason::Closing => "the session is closing",
        };
        write!(f, "{} cannot be sent: {why}", self.command)
    }
}

impl core::error::Error for NotNow {}
