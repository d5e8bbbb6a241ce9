//! Tokens: what the application must decide. Each is answered once, by a method that takes it and the session.
//!
//! A token borrows nothing: it may be kept across an await while the session still writes, times out or ends. One that is dropped
//! unanswered is answered by the session with a temporary failure, at the next `poll_event`. A token whose session is over, or is not the
//! one that it is given to, does nothing.

use super::Server;
use super::replies;
use super::state::State;
use crate::command::{AuthCommand, MailCommand, MailParameters, RcptCommand};
use crate::reply::{Rejection, ReplyText};
use crate::types::{ClientName, ForwardPath, Mechanism, ReversePath};
use postroad_core::{DataFaults, Secret, Ticket};

/// What [`Event::Hello`](super::Event::Hello) asks: may this client speak? Dropped: 421, and the session closes.
#[derive(Debug)]
#[must_use = "the session waits until this is answered"]
pub struct Hello {
    pub(super) ticket: Ticket,
    pub(super) name: ClientName,
    pub(super) is_extended: bool,
}

impl Hello {
    /// What the client calls itself. Nothing proves it.
    pub fn name(&self) -> &ClientName {
        &self.name
    }

    /// Whether it said EHLO, not HELO.
    pub fn is_extended(&self) -> bool {
        self.is_extended
    }

    /// 250, with the service extensions after EHLO. A transaction in progress is over, and [`Event::Reset`](super::Event::Reset) follows.
    pub fn accept(self, server: &mut Server) {
        if server.settle(self.ticket) {
            server.greet(self.is_extended);
        }
    }

    /// Refuses the client; it stays in the state it was in (RFC 5321 section 4.1.4).
    pub fn reject(self, server: &mut Server, rejection: Rejection) {
        server.reject(self.ticket, rejection);
    }
}

/// What [`Event::Auth`](super::Event::Auth) asks: an exchange of SASL begins (RFC 4954). Dropped: 454.
#[derive(Debug)]
#[must_use = "the session waits until this is answered"]
pub struct Auth {
    pub(super) ticket: Ticket,
    pub(super) command: AuthCommand,
}

impl Auth {
    /// The mechanism; it is one of [`Config::mechanisms`](super::Config::mechanisms).
    pub fn mechanism(&self) -> Mechanism {
        self.command.mechanism
    }

    /// The client's first response, decoded, if it sent one with the command.
    pub fn initial_response(&self) -> Option<&Secret<Vec<u8>>> {
        self.command.initial_response.as_ref()
    }

    /// 334: sends a challenge, which may be empty. An [`AuthResponse`] follows.
    pub fn challenge(self, server: &mut Server, challenge: &[u8]) {
        server.challenge(self.ticket, challenge);
    }

    /// 235: the client is who it says, and [`Server::is_authenticated`] from now on.
    pub fn accept(self, server: &mut Server) {
        server.authenticate(self.ticket);
    }

    /// Refuses, mostly with [`Rejection::bad_credentials`]. It counts as an error.
    pub fn reject(self, server: &mut Server, rejection: Rejection) {
        server.reject_authentication(self.ticket, rejection);
    }
}

/// What [`Event::AuthResponse`](super::Event::AuthResponse) asks: how does the exchange go on? Dropped: 454.
#[derive(Debug)]
#[must_use = "the session waits until this is answered"]
pub struct AuthResponse {
    pub(super) ticket: Ticket,
    pub(super) response: Secret<Vec<u8>>,
}

impl AuthResponse {
    /// What the client responded to the challenge, decoded.
    pub fn response(&self) -> &Secret<Vec<u8>> {
        &self.response
    }

    /// 334: sends one more challenge.
    pub fn challenge(self, server: &mut Server, challenge: &[u8]) {
        server.challenge(self.ticket, challenge);
    }

    /// 235: the client is who it says.
    pub fn accept(self, server: &mut Server) {
        server.authenticate(self.ticket);
    }

    /// Refuses, mostly with [`Rejection::bad_credentials`]. It counts as an error.
    pub fn reject(self, server: &mut Server, rejection: Rejection) {
        server.reject_authentication(self.ticket, rejection);
    }
}

/// What [`Event::Mail`](super::Event::Mail) asks: may this sender begin a transaction? Dropped: 451.
#[derive(Debug)]
#[must_use = "the session waits until this is answered"]
pub struct Mail {
    pub(super) ticket: Ticket,
    pub(super) command: MailCommand,
}

impl Mail {
    /// Whom to tell when the message cannot be delivered.
    pub fn reverse_path(&self) -> &ReversePath {
        &self.command.reverse_path
    }

    /// The parameters. Each was offered, SIZE is within the limit, and AUTH is `Null` unless the client is authenticated (RFC 4954
    /// section 5).
    pub fn parameters(&self) -> &MailParameters {
        &self.command.parameters
    }

    /// 250: the transaction begins.
    pub fn accept(self, server: &mut Server) {
        server.accept(self.ticket, replies::MAIL_OK, State::Mail);
    }

    /// Refuses the sender.
    pub fn reject(self, server: &mut Server, rejection: Rejection) {
        server.reject(self.ticket, rejection);
    }
}

/// What [`Event::Rcpt`](super::Event::Rcpt) asks: is there such a recipient? Dropped: 451.
///
/// As every token it is answered once: the answer takes it.
///
/// ```compile_fail,E0382
/// use postroad_smtp::reply::Rejection;
/// use postroad_smtp::server::{Rcpt, Server};
///
/// fn twice(server: &mut Server, rcpt: Rcpt) {
///     rcpt.accept(server);
///     rcpt.reject(server, Rejection::temporary());
/// }
/// ```
#[derive(Debug)]
#[must_use = "the session waits until this is answered"]
pub struct Rcpt {
    pub(super) ticket: Ticket,
    pub(super) command: RcptCommand,
}

impl Rcpt {
    /// Where the message goes.
    pub fn forward_path(&self) -> &ForwardPath {
        &self.command.forward_path
    }

    /// 250: the message goes there too.
    pub fn accept(self, server: &mut Server) {
        server.accept_recipient(self.ticket);
    }

    /// Refuses this recipient, and no other.
    pub fn reject(self, server: &mut Server, rejection: Rejection) {
        server.reject(self.ticket, rejection);
    }
}

/// What [`Event::Data`](super::Event::Data) asks: may the message come? Dropped: 451.
#[derive(Debug)]
#[must_use = "the session waits until this is answered"]
pub struct Data {
    pub(super) ticket: Ticket,
}

impl Data {
    /// 354: the message comes, as [`Event::Body`](super::Event::Body).
    pub fn accept(self, server: &mut Server) {
        server.accept_data(self.ticket);
    }

    /// Refuses the message before it comes. The transaction stays; the client will say RSET.
    pub fn reject(self, server: &mut Server, rejection: Rejection) {
        server.reject(self.ticket, rejection);
    }
}

/// What [`Event::DataEnd`](super::Event::DataEnd) asks: is the message accepted? Dropped: 451.
#[derive(Debug)]
#[must_use = "the session waits until this is answered"]
pub struct DataEnd {
    pub(super) ticket: Ticket,
    pub(super) size: u64,
    pub(super) faults: DataFaults,
}

impl DataEnd {
    /// How many octets came as [`Event::Body`](super::Event::Body).
    pub fn size(&self) -> u64 {
        self.size
    }

    /// What was odd in the message, by leave of [`Config::bare_newline`](super::Config::bare_newline); and its longest line.
    pub fn faults(&self) -> DataFaults {
        self.faults
    }

    /// 250: the message is accepted, for all recipients, and the server is responsible for it from now on. Call it when the message is safe.
    /// The text is mostly `queued as` and a number.
    pub fn accept(self, server: &mut Server, text: ReplyText) {
        server.accept_message(self.ticket, text);
    }

    /// Refuses the message, for all recipients.
    pub fn reject(self, server: &mut Server, rejection: Rejection) {
        server.reject_message(self.ticket, rejection);
    }
}

/// What [`Event::StartTls`](super::Event::StartTls) asks: can TLS begin (RFC 3207)? Dropped: 454.
#[derive(Debug)]
#[must_use = "the session waits until this is answered"]
pub struct StartTls {
    pub(super) ticket: Ticket,
}

impl StartTls {
    /// Answers 220. Write it out, do the handshake on the transport, then call [`Server::tls_established`]; the session is `Paused` until then.
    /// If the handshake fails, close the transport.
    pub fn accept(self, server: &mut Server) {
        server.accept(self.ticket, replies::START_TLS, State::Handshake);
    }

    /// No TLS, mostly with [`Rejection::tls_unavailable`].
    pub fn reject(self, server: &mut Server, rejection: Rejection) {
        server.reject(self.ticket, rejection);
    }
}
