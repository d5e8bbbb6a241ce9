//! One FETCH response on its way out.

use super::Server;
use crate::response::item;
use crate::response::{BodyStructure, Envelope};
use crate::types::{DateTime, Flag, ModSeq, Section};
use bytes::{Bytes, BytesMut};
use core::fmt;
use postroad_core::{Full, Ticket};

/// Why a row cannot be begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowError {
    /// Not now: the output is full, or the literal of another row is not at its end. Write some output, then try again.
    Full,
    /// The client does not know such a message, or no more: leave it out.
    Gone,
    /// The session is over: stop.
    Closed,
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the output is full; write some of it first",
            Self::Gone => "the client knows no such message",
            Self::Closed => "the session is over",
        })
    }
}

impl core::error::Error for RowError {}

/// The row whose line is open: nothing else may be written before it is closed.
#[derive(Debug)]
pub(super) struct Lane {
    /// Whose row it is.
    pub(super) slot: u32,
    /// The slot of the literal that is being written, and the octets that it lacks.
    pub(super) literal: Option<(u32, u64)>,
}

/// One untagged FETCH response under construction (RFC 9051 section 7.5.2): add its items, then [`end`](Self::end) it.
///
/// It borrows the session, so it cannot be held across an await. A large body goes out by [`stream`](Self::stream). A row that is not
/// ended is closed by whatever is written next.
///
/// ```
/// use postroad_imap::server::{Fetch, RowError, Server};
/// use postroad_imap::types::Flag;
///
/// fn seen(fetch: &Fetch, session: &mut Server, uid: u32) -> Result<(), RowError> {
///     fetch.row(session, uid)?.flags(&[Flag::Seen]).size(1024).end();
///     Ok(())
/// }
/// ```
#[must_use = "a row must be ended"]
pub struct Row<'s> {
    pub(super) session: &'s mut Server,
    pub(super) slot: u32,
    pub(super) uid: u32,
    pub(super) is_first: bool,
    /// The session is over: write to nowhere.
    pub(super) is_dead: bool,
}

impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row").field("uid", &self.uid).finish_non_exhaustive()
    }
}

impl<'s> Row<'s> {
    fn item(mut self, print: impl FnOnce(&mut BytesMut)) -> Self {
        if !self.is_dead {
            let is_first = core::mem::take(&mut self.is_first);
            self.session.output.print(|text| {
                if !is_first {
                    text.extend_from_slice(b" ");
                }
                print(text);
            });
        }
        self
    }

    /// `UID`. UID commands begin their rows with it by themselves.
    pub fn uid(self) -> Self {
        let uid = self.uid;
        self.item(|text| item::uid(text, uid))
    }

    /// `FLAGS`. A change of flags that the client was to be told is told by this.
    pub fn flags(self, flags: &[Flag]) -> Self {
        if let Some(view) = &mut self.session.view {
            view.flags_told(self.uid);
        }
        self.item(|text| item::flags(text, flags))
    }

    /// `INTERNALDATE`.
    pub fn internal_date(self, date: DateTime) -> Self {
        self.item(|text| item::internal_date(text, &date))
    }

    /// `RFC822.SIZE`, in octets.
    pub fn size(self, octets: u64) -> Self {
        self.item(|text| item::size(text, octets))
    }

    /// `MODSEQ` (RFC 7162 section 3.1.4.2).
    pub fn mod_seq(self, mod_seq: ModSeq) -> Self {
        self.item(|text| item::mod_seq(text, mod_seq))
    }

    /// `ENVELOPE`.
    pub fn envelope(self, envelope: &Envelope) -> Self {
        self.item(|text| item::envelope(text, envelope))
    }

    /// `BODYSTRUCTURE`.
    pub fn body_structure(self, structure: &BodyStructure) -> Self {
        self.item(|text| item::body_structure(text, structure))
    }

    /// `BODY`, which is a body structure without its extension data.
    pub fn body(self, structure: &BodyStructure) -> Self {
        self.item(|text| item::body(text, structure))
    }

    /// An item that is printed already, name and value: `ENVELOPE (…)` out of a cache, say. A large one is not copied. It must be right:
    /// the session does not look into it.
    pub fn printed(self, item: Bytes) -> Self {
        let mut row = self.item(|_| {});
        if !row.is_dead {
            row.session.output.chunk(item);
        }
        row.is_first = false;
        row
    }

    /// A section of the message that is at hand, or `NIL`, for there is none. A large one is not copied. `name` is what stands before it,
    /// as [`FetchItem::response_name`](crate::command::FetchItem::response_name) gives it: `BODY[1.MIME]<0>`.
    pub fn section(self, name: &SectionName, octets: Option<Bytes>) -> Self {
        let mut row = self.item(|text| item::section_head(text, name, octets.as_ref().map(|octets| octets.len() as u64)));
        if let Some(octets) = octets.filter(|_| !row.is_dead) {
            row.session.output.chunk(octets);
        }
        row.is_first = false;
        row
    }

    /// A section of `len` octets that come in chunks. The session's line belongs to it until the last of them is pushed.
    pub fn stream(self, name: &SectionName, len: u64) -> Literal {
        let row = self.item(|text| item::section_head(text, name, Some(len)));
        let uid = row.uid;
        let slot = row.slot;
        let ticket = if row.is_dead { None } else { row.session.begin_literal(slot, len) };
        Literal { ticket, slot, uid, left: len }
    }

    /// The row is whole.
    pub fn end(self) {
        if !self.is_dead {
            self.session.close_row();
        }
    }
}

/// The octets still owed to an open literal. Owned: it may be held across an await.
///
/// Too many octets are cut off. When too few come, or it is dropped, the connection is closed without a word, for no word would be
/// understood.
///
/// ```
/// use bytes::Bytes;
/// use postroad_core::Full;
/// use postroad_imap::server::{Literal, Server};
///
/// /// Gives what is left, and says whether it is all gone. If not, write the session's output and call again.
/// fn send(literal: &mut Literal, session: &mut Server, chunks: &mut Vec<Bytes>) -> bool {
///     while let Some(chunk) = chunks.pop() {
///         if let Err(Full(chunk)) = literal.push(session, chunk) {
///             chunks.push(chunk);
///             return false;
///         }
///     }
///     true
/// }
/// ```
#[derive(Debug)]
#[must_use = "a literal that is not finished ends the connection"]
pub struct Literal {
    /// None: the session was over when it began.
    ticket: Option<Ticket>,
    slot: u32,
    uid: u32,
    left: u64,
}

impl Literal {
    /// How many octets are owed.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// Sends the next octets; a large chunk is not copied.
    ///
    /// # Errors
    ///
    /// The output is at its high-water mark: here is the chunk; write some, then push it again.
    pub fn push(&mut self, session: &mut Server, mut chunk: Bytes) -> Result<(), Full<Bytes>> {
        let is_out = self.ticket.as_ref().is_some_and(|ticket| session.tickets.is_out(ticket));
        let Some((_, left)) = session.lane.as_mut().and_then(|lane| lane.literal.as_mut()).filter(|_| is_out) else {
            return Ok(());
        };
        if session.output.is_full() {
            return Err(Full(chunk));
        }
        if chunk.len() as u64 > self.left {
            chunk.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        }
        self.left -= chunk.len() as u64;
        *left = self.left;
        session.output.chunk(chunk);
        session.has_progressed = true;
        Ok(())
    }

    /// Back to the row, for its next items. If octets are owed still, the connection is broken off.
    pub fn resume(self, session: &mut Server) -> Row<'_> {
        let ours = self.ticket.is_some_and(|ticket| session.tickets.settle(ticket).is_some());
        if ours && self.left > 0 {
            session.break_off();
        } else if ours && let Some(lane) = &mut session.lane {
            lane.literal = None;
        }
        let is_dead = !ours || self.left > 0;
        Row { session, slot: self.slot, uid: self.uid, is_first: false, is_dead }
    }

    /// The literal and its row are whole.
    pub fn end(self, session: &mut Server) {
        self.resume(session).end();
    }
}
