//! Tokens of what comes before, and around, a selected mailbox. See also [`messages`](super::messages) and [`append`](super::append).
//!
//! A token borrows nothing: it may be kept across an await while the session still reads, writes, times out or ends. One that is dropped
//! unanswered is answered `NO [SERVERBUG]`, at the next `poll_event`. A token whose session is over, or is not the one that it is given
//! to, does nothing.

use super::Server;
use super::select::Selected;
use crate::command;
use crate::response::{ListResponse, MailboxStatus, NamespaceResponse, No, Response, ResponseCode};
use crate::types::{Credentials, MailboxName, SpecialUse, StatusItem};
use bytes::Bytes;
use postroad_core::{Full, Secret, Ticket};

/// Declares tokens: what they tell, and how they are refused.
macro_rules! tokens {
    ($($(#[$attribute:meta])* $name:ident { $($field:ident: $type:ty = $doc:literal),* $(,)? })*) => { $(
        $(#[$attribute])*
        #[derive(Debug)]
        #[must_use = "the command waits until this is answered"]
        pub struct $name {
            pub(super) ticket: Ticket,
            $(pub(super) $field: $type,)*
        }

        impl $name {
            $(
                #[doc = $doc]
                pub fn $field(&self) -> &$type {
                    &self.$field
                }
            )*

            /// NO: the command fails, and changes nothing.
            pub fn no(self, session: &mut Server, no: No) {
                session.refuse(self.ticket, no);
            }
        }
    )* };
}
pub(super) use tokens;

tokens! {
    /// What [`Event::Select`](super::Event::Select) asks: to open a mailbox (RFC 9051 sections 6.3.2 and 6.3.3).
    Select { command: command::Select = "The command." }
    /// What [`Event::Create`](super::Event::Create) asks: a new mailbox (RFC 9051 section 6.3.4).
    Create {
        mailbox: MailboxName = "Its name. A delimiter at its end, which says that it shall have children, is left in place.",
        special_use: Vec<SpecialUse> = "What it is for (RFC 6154 section 3).",
    }
    /// What [`Event::Delete`](super::Event::Delete) asks: a mailbox is to go, with its messages (RFC 9051 section 6.3.5).
    Delete { mailbox: MailboxName = "Its name." }
    /// What [`Event::Rename`](super::Event::Rename) asks (RFC 9051 section 6.3.6).
    Rename {
        from: MailboxName = "Its name. When it is INBOX, its messages move, and it stays.",
        to: MailboxName = "Its new name.",
    }
    /// What [`Event::Subscribe`](super::Event::Subscribe) asks: a name is to be added to the subscribed ones, or taken away (RFC 9051
    /// sections 6.3.7 and 6.3.8).
    Subscribe {
        mailbox: MailboxName = "The name; a mailbox of it need not be there.",
        is_subscribed: bool = "Whether it shall be subscribed, and not unsubscribed.",
    }
    /// What [`Event::List`](super::Event::List) asks: which mailboxes there are (RFC 9051 section 6.3.9, RFC 5258), or, for LSUB, which are
    /// subscribed (RFC 3501 section 6.3.9).
    List {
        command: command::List = "The command. LSUB comes as LIST of subscribed mailboxes.",
        is_lsub: bool = "Whether it was LSUB: then a name whose parent only is asked for by `%` is to be told as `\\\\NoSelect`.",
    }
    /// What [`Event::Status`](super::Event::Status) asks of a mailbox (RFC 9051 section 6.3.11).
    Status {
        mailbox: MailboxName = "Its name.",
        items: Vec<StatusItem> = "What to tell, at least one.",
    }
    /// What [`Event::Namespace`](super::Event::Namespace) asks: where this client's mailboxes are (RFC 9051 section 6.3.10).
    Namespace {}
    /// What [`Event::Close`](super::Event::Close) asks: remove what is marked as deleted, without a word to this client; unless the mailbox
    /// [is read-only](Self::is_read_only) (RFC 9051 section 6.4.1). It is not selected any more.
    Close { is_read_only: bool = "Whether it was opened by EXAMINE, or read-only: then nothing is to be removed." }
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
        let code = mailbox_id.map(ResponseCode::MailboxId);
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

impl Subscribe {
    /// OK.
    pub fn ok(self, session: &mut Server) {
        let text = if self.is_subscribed { "SUBSCRIBE completed" } else { "UNSUBSCRIBE completed" };
        session.finish_ok(self.ticket, None, text);
    }
}

impl List {
    /// One mailbox of the answer. LSUB's answers are printed as such.
    ///
    /// # Errors
    ///
    /// The output is full: here it is; write some, then give it again.
    #[allow(clippy::result_large_err, reason = "what is handed back is what was given")]
    pub fn mailbox(&self, session: &mut Server, mailbox: ListResponse) -> Result<(), Full<ListResponse>> {
        let is_lsub = self.is_lsub;
        session.untagged_of(&self.ticket, mailbox, |mailbox| {
            if is_lsub { Response::Lsub(mailbox) } else { Response::List(mailbox) }
        })
    }

    /// The status of a mailbox that was just given, when the client asked for it (RFC 5819). What was not asked for is left out.
    ///
    /// # Errors
    ///
    /// The output is full: here it is; write some, then give it again.
    #[allow(clippy::result_large_err, reason = "what is handed back is what was given")]
    pub fn status(&self, session: &mut Server, status: MailboxStatus) -> Result<(), Full<MailboxStatus>> {
        session.untagged_of(&self.ticket, status.only(&self.command.returns.status), Response::MailboxStatus)
    }

    /// OK: these were all.
    pub fn ok(self, session: &mut Server) {
        session.finish_ok(self.ticket, None, if self.is_lsub { "LSUB completed" } else { "LIST completed" });
    }
}

impl Status {
    /// OK, with the answer. What was not asked for is left out of it.
    pub fn ok(self, session: &mut Server, status: MailboxStatus) {
        let status = status.only(&self.items);
        session.untagged_and_ok(self.ticket, &Response::MailboxStatus(status), "STATUS completed");
    }
}

impl Namespace {
    /// OK, with the answer.
    pub fn ok(self, session: &mut Server, namespaces: NamespaceResponse) {
        session.untagged_and_ok(self.ticket, &Response::Namespace(namespaces), "NAMESPACE completed");
    }
}

impl Close {
    /// OK.
    pub fn ok(self, session: &mut Server) {
        session.finish_ok(self.ticket, None, "CLOSE completed");
    }
}
