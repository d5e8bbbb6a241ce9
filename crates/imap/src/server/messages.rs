//! Tokens of commands on the messages of the selected mailbox.
//!
//! The application sees UIDs only: the session turns sequence numbers into UIDs when a command starts, and back when a row is written.

use super::Server;
use super::request::tokens;
use super::row::{Row, RowError};
use crate::command;
use crate::response::{No, ResponseCode};
use crate::types::{Flag, MailboxName, ModSeq, UidSet};
use postroad_core::Ticket;

tokens! {
    /// What [`Event::Fetch`](super::Event::Fetch) asks: data of messages (RFC 9051 section 6.4.5).
    ///
    /// Give a [`row`](Self::row) for each message, in any order, then [`ok`](Self::ok).
    Fetch {
        command: command::Fetch = "The command. Its numbers count for nothing here.",
        messages: UidSet = "The UIDs that it names, cut to what the client knows. Some in between may not be there (any more).",
        sets_seen: bool = "Whether `\\\\Seen` is to be set: it asks for a body without PEEK, and the mailbox may be changed. Then set it in the mailbox, \
                           give the change to [`Server::notify`], and give `FLAGS` in the row where that changed them.",
    }
    /// What [`Event::Store`](super::Event::Store) asks: other flags for messages (RFC 9051 section 6.4.6).
    Store {
        command: command::Store = "The command. Its numbers count for nothing here.",
        messages: UidSet = "The UIDs that it names, cut to what the client knows. Some in between may not be there (any more).",
    }
    /// What [`Event::Copy`](super::Event::Copy) asks: copies in another mailbox, all or none (RFC 9051 section 6.4.7).
    Copy {
        mailbox: MailboxName = "Where to.",
        messages: UidSet = "The UIDs of what to copy, cut to what the client knows. Some in between may not be there (any more).",
    }
    /// What [`Event::Move`](super::Event::Move) asks: to move messages to another mailbox (RFC 9051 section 6.4.8).
    Move {
        mailbox: MailboxName = "Where to.",
        messages: UidSet = "The UIDs of what to move, cut to what the client knows. Some in between may not be there (any more).",
    }
    /// What [`Event::Expunge`](super::Event::Expunge) asks: to remove what is marked as deleted (RFC 9051 section 6.4.3), in UID EXPUNGE only
    /// among some (section 6.4.9).
    Expunge { messages: Option<UidSet> = "Among which; `None`: among all." }
}

/// Where copied or moved messages are (RFC 9051 section 7.1, COPYUID).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyUid {
    /// UIDVALIDITY of the mailbox in which they are now.
    pub uid_validity: u32,
    /// Their UIDs where they were.
    pub source: UidSet,
    /// Their UIDs where they are, in the same order.
    pub destination: UidSet,
}

impl CopyUid {
    /// The response code cannot say that nothing was copied.
    pub(super) fn is_told(&self) -> bool {
        !self.source.is_empty() && !self.destination.is_empty()
    }
}

impl From<CopyUid> for ResponseCode {
    fn from(copied: CopyUid) -> Self {
        let CopyUid { uid_validity, source, destination } = copied;
        Self::CopyUid { uid_validity, source, destination }
    }
}

impl Fetch {
    /// Begins the row of a message. It begins with `UID` in UID FETCH.
    ///
    /// # Errors
    ///
    /// Not now, or never: see [`RowError`].
    pub fn row<'s>(&self, session: &'s mut Server, uid: u32) -> Result<Row<'s>, RowError> {
        session.row(&self.ticket, uid, self.command.uid)
    }

    /// OK: these were all.
    pub fn ok(self, session: &mut Server) {
        session.finish_ok(self.ticket, None, "FETCH completed");
    }
}

impl Store {
    /// Begins the row of a message, for what [`stored`](Self::stored) does not tell.
    ///
    /// # Errors
    ///
    /// Not now, or never: see [`RowError`].
    pub fn row<'s>(&self, session: &'s mut Server, uid: u32) -> Result<Row<'s>, RowError> {
        let mut row = session.row(&self.ticket, uid, self.command.uid)?;
        row.is_stored = true;
        Ok(row)
    }

    /// A message has new flags. This is told, unless the client asked for silence; then only its modification sequence is, where the
    /// client wants such (RFC 7162 section 3.1.3).
    ///
    /// # Errors
    ///
    /// Not now, or never: see [`RowError`].
    pub fn stored(
        &self,
        session: &mut Server,
        uid: u32,
        flags: &[Flag],
        mod_seq: Option<ModSeq>,
    ) -> Result<(), RowError> {
        session.stored(&self.ticket, &self.command, uid, flags, mod_seq)
    }

    /// OK: all are stored.
    pub fn ok(self, session: &mut Server) {
        session.finish_ok(self.ticket, None, "STORE completed");
    }

    /// The messages that were not stored, for they were changed since the client saw them (RFC 7162 section 3.1.3, `MODIFIED`). All
    /// others are.
    pub fn modified(self, session: &mut Server, unchanged: &UidSet) {
        session.store_modified(self.ticket, self.command.uid, unchanged);
    }
}

impl Copy {
    /// OK: they are copied, as `copied` says (RFC 9051 section 7.1, COPYUID); none, when there was nothing to copy.
    pub fn ok(self, session: &mut Server, copied: Option<CopyUid>) {
        let code = copied.filter(CopyUid::is_told).map(Into::into);
        session.finish_ok(self.ticket, code, "COPY completed");
    }
}

impl Move {
    /// OK: they are moved, as `copied` says (RFC 9051 section 6.4.8); none, when there was nothing to move. Give the removals to
    /// [`Server::notify`] before, as to every other session.
    pub fn ok(self, session: &mut Server, copied: Option<CopyUid>) {
        session.moved(self.ticket, copied);
    }
}

impl Expunge {
    /// OK. Give the removals to [`Server::notify`] before, as to every other session.
    pub fn ok(self, session: &mut Server) {
        session.expunged(self.ticket);
    }
}

/// What [`Event::Search`](super::Event::Search) asks: which messages match (RFC 9051 section 6.4.4).
///
/// The keys have UIDs only, cut to what the client knows, and neither sequence numbers nor `$`.
#[derive(Debug)]
#[must_use = "the command waits until this is answered"]
pub struct Search {
    pub(super) ticket: Ticket,
    pub(super) command: command::Search,
}

impl Search {
    /// The command. Its keys name messages by UID only.
    pub fn command(&self) -> &command::Search {
        &self.command
    }

    /// OK: these match, as UIDs in ascending order; messages that the client does not know are left out. The answer has the form that was
    /// asked for: numbers, or ESEARCH; and is kept, if it was to be. `mod_seq` is the greatest of those found, if the command
    /// has a MODSEQ key; where MIN or MAX alone is asked for, it is of those messages alone (RFC 7162 section 3.1.10, see
    /// [`SearchReturn::mod_seq`](command::SearchReturn::mod_seq)).
    pub fn ok(self, session: &mut Server, found: impl IntoIterator<Item = u32>, mod_seq: Option<ModSeq>) {
        session.searched(self.ticket, &self.command, found, mod_seq);
    }

    /// NO: [`ResponseCode::BadCharset`], say. A result that was to be kept is empty now (RFC 5182 section 2.1).
    pub fn no(self, session: &mut Server, no: No) {
        session.search_failed(self.ticket, &self.command, no);
    }
}
