//! The tokens: what the application must decide.
//!
//! Each is answered once, by a method that consumes it and is given the session it came from. Given to another session, or to one
//! that is over, it does nothing.

use super::body::{BodyState, Pushed};
use super::state::{Pending, Server};
use crate::response::Rejection;
use crate::types::{Maildrop, MessageNumber, Password, UserName};
use bytes::Bytes;
use postroad_core::{Full, Ticket};

/// Somebody gave a name and a password (RFC 1939 section 7, USER and PASS).
///
/// Compare the password in constant time, and take as long for a name that does not exist. Then lock the maildrop for this session
/// alone, and accept with what is in it.
///
/// ```
/// use postroad_pop3::response::Rejection;
/// use postroad_pop3::server::{Login, Server};
/// use postroad_pop3::types::{Maildrop, UniqueId};
///
/// fn decide(login: Login, session: &mut Server) {
///     if login.name() == "mrose" && login.password().expose() == "secret" {
///         let mut maildrop = Maildrop::new();
///         maildrop.push(120, UniqueId::from_uid(1, 1));
///         login.accept(session, maildrop);
///     } else {
///         login.reject(session, Rejection::auth());
///     }
/// }
/// ```
#[derive(Debug)]
#[must_use = "the session waits until this is answered"]
pub struct Login {
    pub(super) ticket: Ticket,
    pub(super) name: UserName,
    pub(super) password: Password,
}

impl Login {
    /// The name, as the client gave it.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The password.
    pub fn password(&self) -> &Password {
        &self.password
    }

    /// The client is who it says, and the maildrop is locked for it: this is what is in it.
    pub fn accept(self, session: &mut Server, maildrop: Maildrop) {
        if session.settle(self.ticket) {
            session.login_accepted(maildrop);
        }
    }

    /// No: [`Rejection::auth`], [`Rejection::in_use`], [`Rejection::login_delay`], [`Rejection::temporary`] or
    /// [`Rejection::permanent`]. It counts as an error of the client.
    pub fn reject(self, session: &mut Server, rejection: Rejection) {
        if session.settle(self.ticket) {
            session.login_rejected(&rejection.into_status_line());
        }
    }
}

/// The client wants TLS (RFC 2595 section 4).
#[derive(Debug)]
#[must_use = "the session waits until this is answered"]
pub struct Stls {
    pub(super) ticket: Ticket,
}

impl Stls {
    /// Says `+OK`. Then write the output, do the handshake, and call [`tls_established`](Server::tls_established); the session says
    /// `Paused` until then, for nothing but a handshake may be read.
    pub fn accept(self, session: &mut Server) {
        if session.settle(self.ticket) {
            session.stls_accepted();
        }
    }

    /// No.
    pub fn reject(self, session: &mut Server, rejection: Rejection) {
        if session.settle(self.ticket) {
            session.say(&rejection.into_status_line());
        }
    }
}

/// The client wants a message, or its top (RFC 1939 sections 5 and 7, RETR and TOP).
#[derive(Debug)]
#[must_use = "the session waits until this is answered"]
pub struct Retrieve {
    pub(super) ticket: Ticket,
    pub(super) number: MessageNumber,
    pub(super) octets: u64,
    pub(super) lines: Option<u32>,
}

impl Retrieve {
    /// Which message; it is there and not marked as deleted.
    pub fn number(&self) -> MessageNumber {
        self.number
    }

    /// Its size, as the [`Maildrop`] said at login.
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// `None`: the whole message. Else its header and so many lines of its body; the session counts them.
    pub fn lines(&self) -> Option<u32> {
        self.lines
    }

    /// Here it comes: push its octets into the [`Body`], then finish it.
    pub fn accept(self, session: &mut Server) -> Body {
        if session.is_out(&self.ticket) {
            session.retrieve_accepted(self.octets, self.lines);
        }
        Body { ticket: self.ticket }
    }

    /// It cannot be read.
    pub fn reject(self, session: &mut Server, rejection: Rejection) {
        if session.settle(self.ticket) {
            session.say(&rejection.into_status_line());
        }
    }
}

/// A message on its way to the client.
///
/// Dropped before it is finished it ends the connection without a word: what follows would be taken for a part of the message.
///
/// ```
/// use postroad_pop3::server::{Body, Pushed, Server};
/// use bytes::Bytes;
/// use postroad_core::Full;
///
/// /// Sends what is left of `message`, and says whether it is all gone. If not, write the session's output and call again.
/// fn send(body: &Body, session: &mut Server, message: &mut Vec<Bytes>) -> bool {
///     while let Some(chunk) = message.pop() {
///         match body.push(session, chunk) {
///             Ok(Pushed::More) => {}
///             Ok(Pushed::Enough) => break,
///             Err(Full(chunk)) => {
///                 message.push(chunk);
///                 return false;
///             }
///         }
///     }
///     true
/// }
/// ```
#[derive(Debug)]
#[must_use = "a message that is not finished ends the connection"]
pub struct Body {
    ticket: Ticket,
}

impl Body {
    /// Sends the next octets of the message, with CRLF line ends, as they are stored: dots are stuffed here.
    ///
    /// [`Pushed::Enough`] says that no more are needed, for TOP has its lines or the session is over; pushing more does no harm.
    ///
    /// # Errors
    ///
    /// The output is at its high-water mark: here is the chunk; write some, then push it again.
    pub fn push(&self, session: &mut Server, chunk: Bytes) -> Result<Pushed, Full<Bytes>> {
        if !session.is_out(&self.ticket) {
            return Ok(Pushed::Enough);
        }
        session.push_body(chunk)
    }

    /// The message is whole. A line end that is missing at its end is added.
    pub fn finish(self, session: &mut Server) {
        if session.is_out(&self.ticket) {
            session.body_finished();
        }
        // Only now: a stalled message that could not be ended has taken the session with it.
        let _ = session.settle(self.ticket);
    }
}

/// The client said QUIT after login (RFC 1939 section 6).
///
/// The session closes after the answer, whichever it is.
#[derive(Debug)]
#[must_use = "the session waits until this is answered"]
pub struct Update {
    pub(super) ticket: Ticket,
    pub(super) deleted: Vec<MessageNumber>,
}

impl Update {
    /// What the client marked as deleted, in order. Nothing else may be removed.
    pub fn deleted(&self) -> &[MessageNumber] {
        &self.deleted
    }

    /// It is all gone for good, and the maildrop is released.
    pub fn accept(self, session: &mut Server) {
        if session.settle(self.ticket) {
            session.update_accepted();
        }
    }

    /// Some of it, or all, is still there. The maildrop is released.
    pub fn reject(self, session: &mut Server) {
        if session.settle(self.ticket) {
            session.update_rejected();
        }
    }
}

impl Server {
    fn push_body(&mut self, chunk: Bytes) -> Result<Pushed, Full<Bytes>> {
        let (Some(Pending::Body(body)), output) = self.pending_and_output() else {
            return Ok(Pushed::Enough);
        };
        if !body.is_enough() && output.is_full() {
            return Err(Full(chunk));
        }
        match body.push(chunk, output) {
            Ok(pushed) => Ok(pushed),
            Err(error) => {
                self.fail(crate::ApiMisuse::BareNewline { at: error.at });
                Ok(Pushed::Enough)
            }
        }
    }

    fn body_finished(&mut self) {
        let Some(Pending::Body(body)) = self.take_pending() else { return };
        let (_, output) = self.pending_and_output();
        if let Err(error) = BodyState::finish(*body, output) {
            self.fail(crate::ApiMisuse::BareNewline { at: error.at });
        }
    }
}
