//! APPEND: one command, any number of messages, octets that stream in (RFC 9051 section 6.3.12, RFC 3502).

use super::Server;
use crate::command::AppendMessage;
use crate::response::No;
use crate::types::{MailboxName, UidSet};
use postroad_core::Ticket;

/// What [`Event::Append`](super::Event::Append) asks: is this message welcome? Its octets are not read yet.
#[derive(Debug)]
#[must_use = "the session waits until this is answered"]
pub struct Append {
    pub(super) ticket: Ticket,
    pub(super) mailbox: MailboxName,
    pub(super) message: AppendMessage,
    pub(super) is_first: bool,
}

impl Append {
    /// Where to: the same for every message of one command.
    pub fn mailbox(&self) -> &MailboxName {
        &self.mailbox
    }

    /// Its flags, its date, and the kind of literal.
    pub fn message(&self) -> &AppendMessage {
        &self.message
    }

    /// How many octets the message has: at least 1, at most [`Config::max_append`](super::Config::max_append).
    pub fn len(&self) -> u64 {
        self.message.len
    }

    /// Never: a message of no octets is how a client takes an APPEND back, and is answered by the session.
    pub fn is_empty(&self) -> bool {
        self.message.len == 0
    }

    /// Whether this is the first message of its command.
    pub fn is_first(&self) -> bool {
        self.is_first
    }

    /// Yes: [`Event::AppendData`](super::Event::AppendData) follows, then the next message of the command, or
    /// [`Event::AppendFinish`](super::Event::AppendFinish).
    pub fn accept(self, session: &mut Server) {
        session.append_accepted(self.ticket);
    }

    /// NO: the whole command fails; with [`No::try_create`] when the mailbox is not there. Forget what came of it before: nothing further is
    /// told of it.
    pub fn no(self, session: &mut Server, no: No) {
        session.append_refused(self.ticket, no);
    }
}

/// What [`Event::AppendFinish`](super::Event::AppendFinish) asks: to store every message of the command, all or none.
#[derive(Debug)]
#[must_use = "the command waits until this is answered"]
pub struct AppendFinish {
    pub(super) ticket: Ticket,
}

impl AppendFinish {
    /// OK: they are safe, and have these UIDs, in order (RFC 9051 section 7.1, APPENDUID). When the mailbox is the selected one give the
    /// additions to [`Server::notify`] before.
    pub fn ok(self, session: &mut Server, uid_validity: u32, uids: UidSet) {
        session.appended(self.ticket, uid_validity, uids);
    }

    /// NO: nothing is stored.
    pub fn no(self, session: &mut Server, no: No) {
        session.refuse(self.ticket, no);
    }
}
