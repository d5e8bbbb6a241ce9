//! What a client session tells its application.

use super::NotNowReason;
use crate::response::{FetchRow, Repair, Response, StatusResponse, StreamedBody};
use bytes::Bytes;
use core::fmt;
use postroad_core::ParseError;

/// Which command an event belongs to: what [`send`](super::Client::send) gave. Ids of one session are never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub(super) u64);

/// What happened.
///
/// Untagged data say to which command they belong, `of`; `None`, if to none: they are news. The protocol itself says it only for ESEARCH;
/// for the rest the oldest command in flight that asked for such data is named.
#[derive(PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The server is there. It may have greeted with PREAUTH (RFC 9051 section 7.1.4): then there is nothing to log in to.
    Greeting(StatusResponse),
    /// A command is answered; nothing more comes of it.
    Done {
        /// Which.
        of: CommandId,
        /// With OK, NO or BAD, and why.
        status: StatusResponse,
    },
    /// A command that waited is not sent: what the server said since it was given has made it useless. Nothing more comes of it.
    NotSent {
        /// Which.
        of: CommandId,
        /// Why.
        reason: NotNowReason,
    },

    /// A row of FETCH: an answer to FETCH or STORE, or news of flags.
    Row {
        /// The command that it answers.
        of: Option<CommandId>,
        /// All of it but what was streamed.
        row: FetchRow,
    },
    /// A section of a message begins that has more octets than [`Config::stream_above`](super::Config::stream_above). They follow as
    /// [`Chunk`](Self::Chunk)s and nothing else in between; then others of its kind, if the row has more than one; then its
    /// [`Row`](Self::Row), or [`Malformed`](Self::Malformed) if the rest of it cannot be read.
    Body {
        /// The FETCH that it answers.
        of: Option<CommandId>,
        /// The sequence number of the message.
        number: u32,
        /// Its UID, if the server has said it by now; else the row will.
        uid: Option<u32>,
        /// Which section, and how many octets follow.
        body: StreamedBody,
    },
    /// Octets of the section that [`Body`](Self::Body) announced.
    Chunk(Bytes),

    /// The mailbox has so many messages now (RFC 9051 section 7.4.1).
    Exists(u32),
    /// The message of this number is gone, and those behind it have a number less (RFC 9051 section 7.5.1).
    Expunge(u32),
    /// What was said of the number of messages cannot be: EXISTS that takes messages away, EXPUNGE of one that is not there or at a time at
    /// which the server must not send it (RFC 9051 section 7.5.1). Sequence numbers are refused from now on until the mailbox is selected
    /// anew; what was sent with them may have hit other messages. UIDs hold.
    OutOfStep,
    /// Any other untagged response, also one that is not known.
    Data {
        /// The command that it answers.
        of: Option<CommandId>,
        /// What was said.
        response: Response,
    },
    /// An untagged response that cannot be read. It was taken in whole, so the session goes on.
    Malformed {
        /// The response.
        unit: Bytes,
        /// Why.
        error: ParseError,
    },
    /// What comes next was not quite right, and was repaired: see [`Config::lenience`](super::Config::lenience).
    Repaired(Vec<Repair>),

    /// The server waits for a message of APPEND: push its octets with [`Client::push_body`](super::Client::push_body).
    SendBody {
        /// The APPEND.
        of: CommandId,
        /// Which of its messages, counted from 0.
        message: usize,
        /// How many octets.
        len: u64,
    },
    /// A challenge of AUTHENTICATE, decoded: answer with [`Client::respond`](super::Client::respond) or
    /// [`cancel`](super::Client::cancel).
    Challenge {
        /// The AUTHENTICATE.
        of: CommandId,
        /// The octets.
        challenge: Vec<u8>,
    },
    /// IDLE is in force: news come as they happen. It is told again each time that the session has renewed it.
    Idling(CommandId),
    /// The server goes on under TLS: write the output, do the handshake, and call
    /// [`tls_established`](super::Client::tls_established). The session says `Paused` until then.
    StartTls(CommandId),
    /// The server says goodbye (RFC 9051 section 7.1.5). What is in flight may still be answered, by a server that was asked for LOGOUT;
    /// nothing more is sent.
    Bye(StatusResponse),
}

// A challenge and the octets of a message are no secrets, but they have no place in a log.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Greeting(status) => f.debug_tuple("Greeting").field(status).finish(),
            Self::Done { of, status } => f.debug_tuple("Done").field(&of.0).field(status).finish(),
            Self::NotSent { of, reason } => f.debug_tuple("NotSent").field(&of.0).field(reason).finish(),
            Self::Row { of, row } => {
                f.debug_struct("Row").field("of", &of.map(|of| of.0)).field("row", row).finish()
            }
            Self::Body { of, number, uid, body } => f
                .debug_struct("Body")
                .field("of", &of.map(|of| of.0))
                .field("number", number)
                .field("uid", uid)
                .field("body", body)
                .finish(),
            Self::Chunk(chunk) => write!(f, "Chunk({} octets)", chunk.len()),
            Self::Exists(number) => write!(f, "Exists({number})"),
            Self::Expunge(number) => write!(f, "Expunge({number})"),
            Self::OutOfStep => f.write_str("OutOfStep"),
            Self::Data { of, response } => {
                f.debug_struct("Data").field("of", &of.map(|of| of.0)).field("response", response).finish()
            }
            Self::Malformed { unit, error } => write!(f, "Malformed({} octets, {error})", unit.len()),
            Self::Repaired(repairs) => f.debug_tuple("Repaired").field(repairs).finish(),
            Self::SendBody { of, message, len } => write!(f, "SendBody({}, {message}, {len} octets)", of.0),
            Self::Challenge { of, challenge } => write!(f, "Challenge({}, {} octets)", of.0, challenge.len()),
            Self::Idling(of) => write!(f, "Idling({})", of.0),
            Self::StartTls(of) => write!(f, "StartTls({})", of.0),
            Self::Bye(status) => f.debug_tuple("Bye").field(status).finish(),
        }
    }
}

/// What a server can be too slow with, see [`Timeouts`](super::Timeouts).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// The greeting.
    Greeting,
    /// The answer to a command.
    Answer,
    /// The TLS handshake.
    Handshake,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Greeting => "the greeting",
            Self::Answer => "the answer to a command",
            Self::Handshake => "the TLS handshake",
        })
    }
}

/// Where a session is (RFC 9051 section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// The server has not greeted.
    Greeting,
    /// Nobody is logged in.
    NotAuthenticated,
    /// Somebody is, and no mailbox is selected.
    Authenticated,
    /// A mailbox is selected.
    Selected,
    /// LOGOUT was sent, the server has said BYE, or the session is over.
    Logout,
}
