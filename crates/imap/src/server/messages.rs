//! Tokens of commands on the messages of the selected mailbox.
//!
//! The application sees UIDs only: the session turns sequence numbers into UIDs when a command starts, and back when a row is written.

use super::Server;
use super::row::{Row, RowError};
use crate::command;
use crate::response::{CopyUid, No};
use crate::types::{Flag, MailboxName, ModSeq, UidSet};
use postroad_core::Ticket;

/// Declares tokens of commands on messages.
macro_rules! tokens {
    ($($(#[$attribute:meta])* $name:ident($command:ty))*) => { $(
        $(#[$attribute])*
        #[derive(Debug)]
        #[must_use = "the command waits until this is answered"]
        pub struct $name {
            pub(super) ticket: Ticket,
            pub(super) command: $command,
            pub(super) messages: UidSet,
        }

        impl $name {
            /// The command, as it was said. Its numbers count for nothing here: see [`messages`](Self::messages).
            pub fn command(&self) -> &$command {
                &self.command
            }

            /// The UIDs that the command names, cut to what the client knows. Some in between may not be there (any more).
            pub fn messages(&self) -> &UidSet {
                &self.messages
            }

            /// NO: the command fails. Rows that were given stand.
            pub fn no(self, session: &mut Server, no: No) {
                session.refuse(self.ticket, no);
            }
        }
    )* };
}

tokens! {
    /// What [`Event::Fetch`](super::Event::Fetch) asks: data of messages (RFC 9051 section 6.4.5).
    ///
    /// Give a [`row`](Self::row) for each message, in any order, then [`ok`](Self::ok). When the command
    /// [sets \Seen](command::Fetch::sets_seen), set it in the mailbox, and give `FLAGS` in the row where that changed them.
    Fetch(command::Fetch)
    /// What [`Event::Store`](super::Event::Store) asks: other flags for messages (RFC 9051 section 6.4.6).
    Store(command::Store)
    /// What [`Event::Copy`](super::Event::Copy) asks: copies in another mailbox, all or none (RFC 9051 section 6.4.7).
    Copy(command::Copy)
    /// What [`Event::Move`](super::Event::Move) asks: to move messages to another mailbox (RFC 9051 section 6.4.8).
    Move(command::Copy)
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

    /// The messages that have gone are told, as far as this may be (RFC 7162 section 3.2.6, `VANISHED`).
    pub fn vanished(&self, session: &mut Server, gone: UidSet) {
        session.vanished_earlier(&self.ticket, gone);
    }

    /// OK: these were all.
    pub fn ok(self, session: &mut Server) {
        session.finish_ok(self.ticket, None, "FETCH completed");
    }
}

impl Store {
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
    /// Where to.
    pub fn mailbox(&self) -> &MailboxName {
        &self.command.mailbox
    }

    /// OK: they are copied, as `copied` says (RFC 9051 section 7.1, COPYUID); none, when there was nothing to copy.
    pub fn ok(self, session: &mut Server, copied: Option<CopyUid>) {
        let code = copied.map(Into::into);
        session.finish_ok(self.ticket, code, "COPY completed");
    }
}

impl Move {
    /// Where to.
    pub fn mailbox(&self) -> &MailboxName {
        &self.command.mailbox
    }

    /// OK: they are moved, as `copied` says (RFC 9051 section 6.4.8); none, when there was nothing to move. Give the removals to
    /// [`Server::notify`] before, as to every other session.
    pub fn ok(self, session: &mut Server, copied: Option<CopyUid>) {
        session.moved(self.ticket, copied);
    }
}

/// What [`Event::Expunge`](super::Event::Expunge) asks: to remove what is marked as deleted (RFC 9051 section 6.4.3), in UID EXPUNGE only
/// among some (section 6.4.9).
#[derive(Debug)]
#[must_use = "the command waits until this is answered"]
pub struct Expunge {
    pub(super) ticket: Ticket,
    pub(super) messages: Option<UidSet>,
}

impl Expunge {
    /// Among which; `None`: among all.
    pub fn messages(&self) -> Option<&UidSet> {
        self.messages.as_ref()
    }

    /// OK. Give the removals to [`Server::notify`] before, as to every other session.
    pub fn ok(self, session: &mut Server) {
        session.finish_ok(self.ticket, None, "EXPUNGE completed");
    }

    /// NO.
    pub fn no(self, session: &mut Server, no: No) {
        session.refuse(self.ticket, no);
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
    /// [has a MODSEQ key](command::Search::wants_mod_seq).
    pub fn ok(self, session: &mut Server, found: impl IntoIterator<Item = u32>, mod_seq: Option<ModSeq>) {
        session.searched(self.ticket, &self.command, found, mod_seq);
    }

    /// NO: [`No::bad_charset`], say. A result that was to be kept is empty now (RFC 5182 section 2.1).
    pub fn no(self, session: &mut Server, no: No) {
        session.search_failed(self.ticket, &self.command, no);
    }
}
