//! One FETCH response on its way out.

use super::Server;
use crate::response::{BodyStructure, Envelope, RowWriter};
use crate::types::{DateTime, Flag, ModSeq, Section};
use bytes::{Bytes, BytesMut};
use core::fmt;
use core::num::NonZeroU32;
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

/// What a streamed literal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SectionItem<'a> {
    /// `BODY[…]`.
    Body {
        /// Which section.
        section: &'a Section,
        /// Where it begins, if only some octets were asked for.
        origin: Option<u64>,
    },
    /// `BINARY[…]`: a part with its transfer encoding undone.
    Binary {
        /// Which part.
        part: &'a [NonZeroU32],
        /// Where it begins, if only some octets were asked for.
        origin: Option<u64>,
    },
    /// `RFC822`, `RFC822.HEADER` or `RFC822.TEXT` (RFC 3501 section 6.4.5), for the whole message, its header, its text.
    Rfc822(&'a Section),
}

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
    pub(super) writer: RowWriter,
    /// The session is over: write to nowhere.
    pub(super) is_dead: bool,
    /// It answers STORE: its flags are what the client made of them.
    pub(super) is_stored: bool,
}

impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row").field("uid", &self.uid).finish_non_exhaustive()
    }
}

impl Row<'_> {
    fn item(mut self, print: impl FnOnce(&mut RowWriter, &mut BytesMut)) -> Self {
        if !self.is_dead {
            let writer = &mut self.writer;
            self.session.output.print(|text| print(writer, text));
        }
        self
    }

    /// `UID`. UID commands begin their rows with it by themselves, and it stands in a row only once.
    pub fn uid(self) -> Self {
        let uid = self.uid;
        self.item(|row, text| row.uid(text, uid))
    }

    /// `FLAGS`: all of them. A change of flags that the client was to be told is told by this. Read them no earlier than the row is written:
    /// those from before a change that was [given](Server::notify) meanwhile may contradict what the client knows already.
    pub fn flags(self, flags: &[Flag]) -> Self {
        match &mut self.session.view {
            Some(view) if self.is_stored => view.flags_stored(self.uid, flags),
            Some(view) => view.flags_told(self.uid, flags),
            None => {}
        }
        self.item(|row, text| row.flags(text, flags))
    }

    /// `INTERNALDATE`.
    pub fn internal_date(self, date: DateTime) -> Self {
        self.item(|row, text| row.internal_date(text, date))
    }

    /// `RFC822.SIZE`, in octets.
    pub fn size(self, octets: u64) -> Self {
        self.item(|row, text| row.size(text, octets))
    }

    /// `MODSEQ` (RFC 7162 section 3.1.4.2).
    pub fn mod_seq(self, mod_seq: ModSeq) -> Self {
        self.item(|row, text| row.mod_seq(text, mod_seq))
    }

    /// `ENVELOPE`.
    pub fn envelope(self, envelope: &Envelope) -> Self {
        self.item(|row, text| row.envelope(text, envelope))
    }

    /// `BODYSTRUCTURE`.
    pub fn body_structure(self, structure: &BodyStructure) -> Self {
        self.item(|row, text| row.body_structure(text, structure))
    }

    /// `BODY`: the structure without its extension data.
    pub fn body(self, structure: &BodyStructure) -> Self {
        self.item(|row, text| row.body(text, structure))
    }

    /// `PREVIEW`; `None`: there is none, or not yet (RFC 8970).
    pub fn preview(self, preview: Option<&str>) -> Self {
        self.item(|row, text| row.preview(text, preview))
    }

    /// `EMAILID` (RFC 8474 section 5.1).
    pub fn email_id(self, id: &str) -> Self {
        self.item(|row, text| row.email_id(text, id))
    }

    /// `THREADID`; `None`: the server knows of no threads (RFC 8474 section 5.2).
    pub fn thread_id(self, id: Option<&str>) -> Self {
        self.item(|row, text| row.thread_id(text, id))
    }

    /// `SAVEDATE`; `None`: not known (RFC 8514).
    pub fn save_date(self, date: Option<DateTime>) -> Self {
        self.item(|row, text| row.save_date(text, date))
    }

    /// `BINARY.SIZE`, in octets.
    pub fn binary_size(self, part: &[NonZeroU32], octets: u64) -> Self {
        self.item(|row, text| row.binary_size(text, part, octets))
    }

    /// `RFC822`, `RFC822.HEADER` or `RFC822.TEXT` (RFC 3501 section 6.4.5), for the whole message, its header, its text.
    pub fn rfc822(self, section: &Section, octets: &[u8]) -> Self {
        self.item(|row, text| row.rfc822(text, section, octets))
    }

    /// `BINARY`: a part with its transfer encoding undone; `None`: there is no such part.
    pub fn binary(self, part: &[NonZeroU32], origin: Option<u64>, octets: Option<&[u8]>) -> Self {
        self.item(|row, text| row.binary(text, part, origin, octets))
    }

    /// An item that is printed already, name and value: `ENVELOPE (…)` out of a cache, say. It must be right: the session does not look
    /// into it.
    pub fn printed(self, item: &[u8]) -> Self {
        self.item(|row, text| row.printed(text, item))
    }

    /// `BODY[…]`: a section that is at hand, or `None`, for the message has no such part. `origin` is where it begins, if only some octets
    /// were asked for. Octets of 1 KiB and more are not copied.
    pub fn section(self, section: &Section, origin: Option<u64>, octets: Option<Bytes>) -> Self {
        let Some(octets) = octets else {
            return self.item(|row, text| row.section(text, section, origin, None));
        };
        let row = self.item(|row, text| row.literal(text, section, origin, octets.len() as u64));
        if !row.is_dead {
            row.session.output.chunk(octets);
        }
        row
    }

    /// A section of `len` octets that come in chunks. The line belongs to it until the last of them is pushed.
    pub fn stream(self, item: SectionItem<'_>, len: u64) -> Literal {
        let Row { session, slot, uid, writer, is_dead, .. } = self.item(|row, text| match item {
            SectionItem::Body { section, origin } => row.literal(text, section, origin, len),
            SectionItem::Binary { part, origin } => row.binary_literal(text, part, origin, len),
            SectionItem::Rfc822(section) => row.rfc822_literal(text, section, len),
        });
        let ticket = if is_dead { None } else { session.begin_literal(slot, len) };
        Literal { ticket, slot, uid, writer, left: len }
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
    writer: RowWriter,
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
        let Some((_, left)) = session.lane.as_mut().and_then(|lane| lane.literal.as_mut()).filter(|_| is_out)
        else {
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
        } else if let Some(lane) = session.lane.as_mut().filter(|_| ours) {
            lane.literal = None;
        }
        let is_dead = !ours || self.left > 0;
        Row { session, slot: self.slot, uid: self.uid, writer: self.writer, is_dead, is_stored: false }
    }

    /// The literal and its row are whole.
    pub fn end(self, session: &mut Server) {
        self.resume(session).end();
    }
}
