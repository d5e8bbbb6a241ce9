//! What a server session tells its application.

use super::request::{Auth, AuthResponse, Data, DataEnd, Hello, Mail, Rcpt, StartTls};
use crate::types::Repairs;
use bytes::Bytes;
use core::fmt;

/// What happened. The variants with a token ask something: the session waits until the token is answered or dropped.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// EHLO or HELO: may this client speak?
    Hello(Hello),
    /// AUTH: an exchange of SASL begins.
    Auth(Auth),
    /// The client's response in that exchange.
    AuthResponse(AuthResponse),
    /// The exchange is over without a decision: the client gave it up, or sent what is no response. The session has answered.
    AuthCancelled,
    /// MAIL: may this sender begin a transaction?
    Mail(Mail),
    /// RCPT: is there such a recipient?
    Rcpt(Rcpt),
    /// DATA: may the message come?
    Data(Data),
    /// Octets of the message, with the stuffed dots taken out. They may be cut anywhere.
    Body(Bytes),
    /// The message is whole: is it accepted? An answer of 250 takes over the responsibility for it (RFC 5321 section 6.1).
    DataEnd(DataEnd),
    /// The message will not be taken. The session reads to its end and answers; no more octets and no [`DataEnd`](Self::DataEnd) come.
    /// Forget what came of it.
    BodyAborted(AbortReason),
    /// STARTTLS: can TLS begin?
    StartTls(StartTls),
    /// The transaction is over before its end: RSET, or EHLO once more. The session has answered.
    Reset,
    /// The command that comes next was repaired, by leave of [`Config::lenience`](super::Config::lenience), or had a source route.
    Repaired(Repairs),
}

/// Why a message is not taken, see [`Event::BodyAborted`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AbortReason {
    /// More octets than [`Config::max_message_size`](super::Config::max_message_size): answered 552 5.3.4.
    TooLarge,
    /// A CR or LF that is not part of a CRLF: answered 550 5.6.0.
    BareNewline,
    /// A NUL: answered 550 5.6.0.
    Nul,
}

/// Why a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// The client said QUIT.
    Quit,
    /// The client closed the connection without QUIT.
    EndOfInput,
    /// A deadline passed.
    TimedOut(Phase),
    /// The application said [`goodbye`](super::Server::goodbye).
    Goodbye,
    /// The application dropped the token of EHLO.
    Unanswered,
    /// An [`Error`](crate::Error).
    Failed,
}

/// What a session waited for when its deadline passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// A command, or a response in the exchange of AUTH.
    Command,
    /// A TLS handshake.
    Handshake,
    /// Octets of a message.
    Data,
    /// An answer of the application.
    Decision,
}

impl fmt::Display for AbortReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "too large",
            Self::BareNewline => "CR or LF that is not part of a CRLF",
            Self::Nul => "NUL",
        })
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Quit => "QUIT",
            Self::EndOfInput => "connection closed by the client",
            Self::TimedOut(Phase::Command) => "no command in time",
            Self::TimedOut(Phase::Handshake) => "no TLS handshake in time",
            Self::TimedOut(Phase::Data) => "message too slow",
            Self::TimedOut(Phase::Decision) => "no answer of the application in time",
            Self::Goodbye => "shutdown",
            Self::Unanswered => "EHLO not answered by the application",
            Self::Failed => "error",
        })
    }
}
