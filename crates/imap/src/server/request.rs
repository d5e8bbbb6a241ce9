//! Tokens of what comes before, and around, a selected mailbox. See also [`messages`](super::messages) and [`append`](super::append).
//!
//! A token borrows nothing: it may be kept across an await while the session still reads, writes, times out or ends. One that is dropped
//! unanswered is answered `NO [SERVERBUG]`, at the next `poll_event`. A token whose session is over, or is not the one that it is given
//! to, does nothing.

use super::Server;
use super::select::Selected;
use crate::command;
use crate::response::{ListResponse, MailboxStatus, Namespaces, No, Response, ResponseCode};
use crate::types::{Credentials, MailboxName};
use bytes::Bytes;
use postroad_core::{Full, Secret, Ticket};

/// Declares tokens whose command is read by `command()`, and refused by `no()`.
macro_rules! tokens {
    ($($(#[$attribute:meta])* $name:ident($command:ty))*) => { $(
        $(#[$attribute])*
        #[derive(Debug)]
        #[must_use = "the command waits until this is answered"]
        pub struct $name {
            pub(super) ticket: Ticket,
            pub(super) command: $command,
        }

        impl $name {
            /// The command.
            pub fn command(&self) -> &$command {
                &self.command
            }

            /// NO: the command fails, and changes nothing.
            pub fn no(self, session: &mut Server, no: No) {
                session.refuse(self.ticket, no);
            }
        }
    )* };
}
pub(super) use tokens;

tokens! {
    /// What [`Event::Create`](super::Event::Create) asks: a new mailbox (RFC 9051 section 6.3.4).
    Create(command::Create)
    /// What [`Event::Delete`](super::Event::Delete) asks: a mailbox is to go, with its messages (RFC 9051 section 6.3.5).
    Delete(MailboxName)
    /// What [`Event::Rename`](super::Event::Rename) asks (RFC 9051 section 6.3.6).
    Rename(command::Rename)
    /// What [`Event::List`](super::Event::List) asks: which mailboxes there are (RFC 9051 section 6.3.9, RFC 5258), or, for LSUB, which are
    /// subscribed (RFC 3501 section 6.3.9).
    List(command::List)
    /// What [`Event::Status`](super::Event::Status) asks of a mailbox (RFC 9051 section 6.3.11).
    Status(command::Status)
    /// What [`Event::Select`](super::Event::Select) asks: to open a mailbox (RFC 9051 sections 6.3.2 and 6.3.3).
    Select(command::Select)
}

/// What [`Event::StartTls`](super::Event::StartTls) asks: the client wants TLS (RFC 9051 section 6.2.1).
#[derive(Debug)]
#[must_use = "the session waits until this is answered"]
pub struct StartTls {
    pub(super) ticket: Ticket,
}

impl StartTls {
    /// OK. Then write the output, do the handshake, and call [`Server::tls_established`]; the session says `Paused` until then, for nothing
    /// but a handshake may be read.
    pub fn accept(self, session: &mut Server) {
        session.starttls_accepted(self.ticket);
    }

    /// NO.
    pub fn no(self, session: &mut Server, no: No) {
        session.refuse(self.ticket, no);
    }
}

/// What [`Event::Login`](super::Event::Login) asks: is it so (RFC 9051 section 6.2.3)?
///
/// Compare the password in constant time, and take as long for a name that does not exist.
#[derive(Debug)]
#[must_use = "the session waits until this is answered"]
pub struct Login {
    pub(super) ticket: Ticket,
    pub(super) credentials: Credentials,
}

impl Login {
    /// The name and the password.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// OK: the client is who it says.
    pub fn ok(self, session: &mut Server) {
        session.authenticated(self.ticket);
    }

    /// NO, mostly [`No::authentication_failed`]. It counts as an error.
    pub fn no(self, session: &mut Server, no: No) {
        session.login_failed(self.ticket, no);
    }
}

/// What [`Event::Authenticate`](super::Event::Authenticate) asks: an exchange of SASL begins (RFC 9051 section 6.2.2).
#[derive(Debug)]
#[must_use = "the session waits until this is answered"]
pub struct Authenticate {
    pub(super) ticket: Ticket,
    pub(super) mechanism: String,
    pub(super) initial_response: Option<Secret<Vec<u8>>>,
}

impl Authenticate {
    /// The mechanism, in upper case; it is one of [`Config::mechanisms`](super::Config::mechanisms).
    pub fn mechanism(&self) -> &str {
        &self.mechanism
    }

    /// The client's first response, decoded, if it sent one with the command (SASL-IR).
    pub fn initial_response(&self) -> Option<&Secret<Vec<u8>>> {
        self.initial_response.as_ref()
    }

    /// Sends a challenge, which may be empty. A [`SaslResponse`] follows.
    pub fn challenge(self, session: &mut Server, challenge: &[u8]) {
        session.challenge(self.ticket, challenge);
    }

    /// OK: the client is who it says.
    pub fn ok(self, session: &mut Server) {
        session.authenticated(self.ticket);
    }

    /// NO, mostly [`No::authentication_failed`]. It counts as an error.
    pub fn no(self, session: &mut Server, no: No) {
        session.login_failed(self.ticket, no);
    }
}

/// What [`Event::SaslResponse`](super::Event::SaslResponse) asks: how does the exchange go on?
#[derive(Debug)]
#[must_use = "the session waits until this is answered"]
pub struct SaslResponse {
    pub(super) ticket: Ticket,
    pub(super) response: Secret<Vec<u8>>,
}

impl SaslResponse {
    /// What the client responded to the challenge, decoded.
    pub fn response(&self) -> &Secret<Vec<u8>> {
        &self.response
    }

    /// Sends one more challenge.
    pub fn challenge(self, session: &mut Server, challenge: &[u8]) {
        session.challenge(self.ticket, challenge);
    }

    /// OK: the client is who it says.
    pub fn ok(self, session: &mut Server) {
        session.authenticated(self.ticket);
    }

    /// NO, mostly [`No::authentication_failed`]. It counts as an error.
    pub fn no(self, session: &mut Server, no: No) {
        session.login_failed(self.ticket, no);
    }
}

impl Select {
    /// OK: the mailbox is open, and this is what is in it.
    ///
    /// From the moment at which it was `selected` so, give every change of the mailbox to [`Server::notify`], in order.
    pub fn ok(self, session: &mut Server, selected: Selected) {
        session.select_accepted(self.ticket, &self.command, selected);
    }
}

impl Create {
    /// OK: it is there. `mailbox_id`, if there is such a thing, is told as MAILBOXID (RFC 8474 section 4.1).
    pub fn ok(self, session: &mut Server, mailbox_id: Option<Bytes>) {
        let code = mailbox_id.and_then(ResponseCode::mailbox_id);
        session.finish_ok(self.ticket, code, "CREATE completed");
    }
}

impl Delete {
    /// OK: it is gone.
    pub fn ok(self, session: &mut Server) {
        session.finish_ok(self.ticket, None, "DELETE completed");
    }
}

impl Rename {
    /// OK: it has its new name.
    pub fn ok(self, session: &mut Server) {
        session.finish_ok(self.ticket, None, "RENAME completed");
    }
}

/// What [`Event::Subscribe`](super::Event::Subscribe) asks: a name is to be added to the subscribed ones, or taken away (RFC 9051 sections
/// 6.3.7 and 6.3.8).
#[derive(Debug)]
#[must_use = "the command waits until this is answered"]
pub struct Subscribe {
    pub(super) ticket: Ticket,
    pub(super) mailbox: MailboxName,
    pub(super) is_subscribed: bool,
}

impl Subscribe {
    /// The name; a mailbox of it need not be there.
    pub fn mailbox(&self) -> &MailboxName {
        &self.mailbox
    }

    /// Whether it shall be subscribed, and not unsubscribed.
    pub fn is_subscribed(&self) -> bool {
        self.is_subscribed
    }

    /// OK.
    pub fn ok(self, session: &mut Server) {
        let text = if self.is_subscribed { "SUBSCRIBE completed" } else { "UNSUBSCRIBE completed" };
        session.finish_ok(self.ticket, None, text);
    }

    /// NO.
    pub fn no(self, session: &mut Server, no: No) {
        session.refuse(self.ticket, no);
    }
}

impl List {
    /// One mailbox of the answer. LSUB's answers are printed as such.
    ///
    /// # Errors
    ///
    /// The output is full: here it is; write some, then give it again.
    pub fn mailbox(&self, session: &mut Server, mailbox: ListResponse) -> Result<(), Full<ListResponse>> {
        let is_lsub = self.command.is_lsub;
        session.untagged_of(&self.ticket, mailbox, |mailbox| {
            if is_lsub { Response::Lsub(mailbox) } else { Response::List(mailbox) }
        })
    }

    /// The status of a mailbox that was just given, when the client asked for it (RFC 5819).
    ///
    /// # Errors
    ///
    /// The output is full: here it is; write some, then give it again.
    pub fn status(&self, session: &mut Server, status: MailboxStatus) -> Result<(), Full<MailboxStatus>> {
        session.untagged_of(&self.ticket, status, Response::MailboxStatus)
    }

    /// OK: these were all.
    pub fn ok(self, session: &mut Server) {
        session.finish_ok(self.ticket, None, if self.command.is_lsub { "LSUB completed" } else { "LIST completed" });
    }
}

impl Status {
    /// OK, with the answer.
    pub fn ok(self, session: &mut Server, status: MailboxStatus) {
        session.untagged_and_ok(self.ticket, Response::MailboxStatus(status), "STATUS completed");
    }
}

/// What [`Event::Namespace`](super::Event::Namespace) asks: where this client's mailboxes are (RFC 9051 section 6.3.10).
#[derive(Debug)]
#[must_use = "the command waits until this is answered"]
pub struct Namespace {
    pub(super) ticket: Ticket,
}

impl Namespace {
    /// OK, with the answer.
    pub fn ok(self, session: &mut Server, namespaces: Namespaces) {
        session.untagged_and_ok(self.ticket, Response::Namespace(namespaces), "NAMESPACE completed");
    }

    /// NO.
    pub fn no(self, session: &mut Server, no: No) {
        session.refuse(self.ticket, no);
    }
}

/// What [`Event::Close`](super::Event::Close) asks: remove what is marked as deleted, without a word to this client; unless the mailbox
/// [is read-only](Self::is_read_only) (RFC 9051 section 6.4.1). It is not selected any more.
#[derive(Debug)]
#[must_use = "the command waits until this is answered"]
pub struct Close {
    pub(super) ticket: Ticket,
    pub(super) is_read_only: bool,
}

impl Close {
    /// Whether it was opened by EXAMINE, or read-only: then nothing is to be removed.
    pub fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    /// OK.
    pub fn ok(self, session: &mut Server) {
        session.finish_ok(self.ticket, None, "CLOSE completed");
    }

    /// NO: what is marked as deleted is still there. The mailbox is closed all the same.
    pub fn no(self, session: &mut Server, no: No) {
        session.refuse(self.ticket, no);
    }
}
