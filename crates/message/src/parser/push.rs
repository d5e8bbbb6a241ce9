//! The same parser, fed in pieces.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};
use memchr::memmem;

use super::walk::{Boundary, LINE_LIMIT, Octets, State, Walk};
use super::{NONE, Parser};
use crate::defect::{Defect, DefectCode, Defects};
use crate::index::{Index, PartKind};
use crate::limits::Limits;
use crate::types::TransferEncoding;

/// What a [`PushParser`] says. The octets of all events one behind the other are those of the message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PushEvent {
    /// A part begins, and this is its header.
    Part(PushPart),
    /// Octets of the body of the part that began last, still in its transfer encoding.
    Body(Bytes),
    /// Octets that belong to no body: boundaries, what is in front of the first and behind the last of them, and what is
    /// left of a header block that is too large.
    Between(Bytes),
    /// A part ends.
    End {
        /// Which, as in [`PushPart::position`].
        position: usize,
        /// Where its body begins, in octets from the start of the message.
        body: usize,
        /// Where its body ends.
        end: usize,
    },
}

/// A part that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushPart {
    /// Where it stands among the parts in document order, 0 for the message.
    pub position: usize,
    /// The part that it lies in.
    pub parent: Option<usize>,
    /// How many parts it lies in.
    pub depth: usize,
    /// Where its header begins, in octets from the start of the message.
    pub offset: usize,
    /// The header block with its blank line. [`Message::parse`](crate::Message::parse) reads its fields.
    pub header: Bytes,
    /// Whether it is a multipart. Whether its boundary occurs is not known yet.
    pub is_multipart: bool,
    /// Whether it is a `message/rfc822` whose message comes next.
    pub is_message: bool,
    /// The transfer encoding of its body.
    pub transfer_encoding: TransferEncoding,
}

/// Parses a message that comes in pieces, in bounded memory: the header block that comes next, and then no more than a
/// line.
///
/// It gives the same parts at the same places as [`Message`](crate::Message), however the message is cut in pieces. But a
/// message that lies in another one in base64 or quoted-printable is a body like any other, to be decoded and parsed by a
/// parser of its own.
///
/// ```
/// use bytes::BytesMut;
/// use postroad_message::{PushEvent, PushParser};
///
/// let mut parser = PushParser::new();
/// let mut input = BytesMut::new();
/// let mut bodies = Vec::new();
/// for piece in [&b"Subject: x\r\n\r\nHel"[..], b"lo\r\n", b""] {
///     input.extend_from_slice(piece);
///     let is_end = piece.is_empty();
///     while let Some(event) = parser.next_event(&mut input, is_end) {
///         if let PushEvent::Body(octets) = event {
///             bodies.extend_from_slice(&octets);
///         }
///     }
/// }
/// assert_eq!(bodies, b"Hello\r\n");
/// assert!(parser.is_done());
/// ```
#[derive(Debug)]
pub struct PushParser {
    parser: Parser,
    walk: Walk<'static>,
    stage: Stage,
    /// Octets of the message before the input.
    offset: usize,
    /// How much of the input was searched: for a blank line, or a boundary.
    searched: usize,
    /// The boundary of the part whose header is not over yet: it counts from then on.
    waiting: Option<Boundary>,
    events: VecDeque<PushEvent>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Header,
    /// In what is left of a header block that is too large; at the start of a line or not.
    LargeHeader {
        at_line_start: bool,
    },
    /// In a body; at the start of a line or not.
    Body {
        at_line_start: bool,
    },
    Done,
}

impl Default for PushParser {
    fn default() -> Self {
        Self::new()
    }
}

/// What can be said of the line at the start of some octets.
enum Line {
    Boundary {
        level: usize,
        closing: bool,
        next: usize,
    },
    Other,
    /// It has no end yet.
    Unknown,
}

impl PushParser {
    /// A parser under the default [`Limits`].
    pub fn new() -> Self {
        Self::with_limits(&Limits::DEFAULT)
    }

    /// A parser under limits of one's own.
    pub fn with_limits(limits: &Limits) -> Self {
        let mut parser = Parser {
            index: Index { limits: limits.clone(), ..Index::default() },
            defects: Defects::at(0, false, limits.defects),
            limits: limits.clone(),
            full: false,
            full_said: false,
            dashes: None,
        };
        let mut walk = Walk::new(Octets::Decoded(Bytes::new()), 0);
        walk.leaves_large_header = true;
        parser.open_part(&mut walk, NONE);
        Self {
            parser,
            walk,
            stage: Stage::Header,
            offset: 0,
            searched: 0,
            waiting: None,
            events: VecDeque::new(),
        }
    }

    /// What is wrong with the structure, as far as it was seen.
    pub fn defects(&self) -> &[Defect] {
        &self.parser.defects.list
    }

    /// Whether the message has ended.
    pub fn is_done(&self) -> bool {
        self.stage == Stage::Done && self.events.is_empty()
    }

    /// Takes what it can from `input`, and says what it was. `None`: more octets are needed; at the end of the message, with
    /// `is_end`, it is over.
    pub fn next_event(&mut self, input: &mut BytesMut, is_end: bool) -> Option<PushEvent> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            let went_on = match self.stage {
                Stage::Header => self.header(input, is_end),
                Stage::LargeHeader { at_line_start } => self.large_header(input, is_end, at_line_start),
                Stage::Body { at_line_start } => self.body(input, is_end, at_line_start),
                Stage::Done => return None,
            };
            if !went_on {
                return self.events.pop_front();
            }
        }
    }

    fn take(&mut self, input: &mut BytesMut, length: usize) -> Bytes {
        self.offset += length;
        self.searched = 0;
        input.split_to(length).freeze()
    }

    /// Octets of the part that is open, or of none.
    fn give(&mut self, input: &mut BytesMut, length: usize, is_body: bool) {
        if length == 0 {
            return;
        }
        let octets = self.take(input, length);
        let last = self.walk.open.last().and_then(|open| self.parser.index.part(open.part));
        let is_leaf =
            last.is_some_and(|record| !matches!(record.kind, PartKind::Multipart | PartKind::Message));
        self.events.push_back(if is_body && is_leaf {
            PushEvent::Body(octets)
        } else {
            PushEvent::Between(octets)
        });
    }

    /// Reads the header block, once it is there.
    fn header(&mut self, input: &mut BytesMut, is_end: bool) -> bool {
        let limit = self.parser.header_limit();
        // The blank line, or too much.
        let length = match self.blank_line(input) {
            // Which may itself be what is too much.
            Some(length) if length <= limit.saturating_add(2) => length,
            _ if input.len() > limit.saturating_add(1) => limit.saturating_add(2).min(input.len()),
            _ if is_end => input.len(),
            _ => return false,
        };
        let block = Bytes::copy_from_slice(input.get(..length).unwrap_or_default());
        let base = self.offset;
        let known_defects = self.parser.defects.list.len();
        let Some(part) = self.walk.open.last().map(|open| open.part) else { return false };
        // What it finds is placed in the block; it is moved to its place in the message behind that.
        self.parser.index.fields.clear();
        self.walk.at = 0;
        self.walk.left_header = false;
        self.walk.octets = Octets::Decoded(block.clone());
        if let Some(record) = self.parser.part_mut(part) {
            (record.start, record.first_field) = (0, 0);
        }
        let before = self.parser.index.parts.len();
        self.parser.header(&mut self.walk);
        self.walk.octets = Octets::Decoded(Bytes::new());
        self.own_boundary(&block);
        let known = self.parser.index.parts.len();
        for at in core::iter::once(part as usize).chain(before..known) {
            if let Some(record) = self.parser.index.parts.get_mut(at) {
                record.start += base;
                record.body += base;
                record.end += base;
            }
        }
        for defect in self.parser.defects.list.iter_mut().skip(known_defects) {
            defect.offset += base;
            defect.related = defect.related.map(|at| at + base);
        }
        let used = self.walk.at;
        let header = self.take(input, used);
        let Some(record) = self.parser.index.part(part) else { return false };
        self.events.push_back(PushEvent::Part(PushPart {
            position: part as usize,
            parent: self.parser.index.part(record.parent).map(|_| record.parent as usize),
            depth: record.depth as usize,
            offset: record.start,
            header,
            is_multipart: record.kind == PartKind::Multipart,
            is_message: record.kind == PartKind::Message,
            transfer_encoding: record.encoding,
        }));
        self.stage = if self.walk.left_header {
            self.waiting = self.walk.open.last_mut().and_then(|open| open.boundary.take());
            self.walk.bounded -= usize::from(self.waiting.is_some());
            Stage::LargeHeader { at_line_start: true }
        } else if matches!(self.walk.state, State::Header) {
            Stage::Header
        } else {
            Stage::Body { at_line_start: true }
        };
        true
    }

    /// The length of the input up to behind the first blank line.
    fn blank_line(&mut self, input: &BytesMut) -> Option<usize> {
        match &input[..] {
            [b'\n', ..] => return Some(1),
            [b'\r', b'\n', ..] => return Some(2),
            _ => {}
        }
        let from = self.searched.saturating_sub(2);
        let rest = input.get(from..).unwrap_or_default();
        for found in memchr::memchr_iter(b'\n', rest) {
            match rest.get(found + 1..) {
                Some([b'\n', ..]) => return Some(from + found + 2),
                Some([b'\r', b'\n', ..]) => return Some(from + found + 3),
                _ => {}
            }
        }
        self.searched = input.len();
        None
    }

    /// Keeps the boundary that was found in a header block, which goes.
    fn own_boundary(&mut self, block: &Bytes) {
        let number = self.walk.boundaries.len();
        let Some(open) = self.walk.open.last_mut() else { return };
        if let Some(Boundary::At { start, length }) = open.boundary {
            let boundary = block.get(start..start + length).unwrap_or_default().to_vec();
            open.boundary = Some(Boundary::Owned(number));
            self.walk.boundaries.push(boundary);
        }
    }

    /// The first line of these octets.
    fn line(&self, octets: &[u8], is_end: bool) -> Line {
        if !octets.starts_with(b"--") {
            let may_be = octets.len() < 2 && b"--".starts_with(octets) && !is_end;
            return if may_be && self.walk.bounded > 0 { Line::Unknown } else { Line::Other };
        }
        let (text, next) = match memchr::memchr(b'\n', octets.get(..LINE_LIMIT + 2).unwrap_or(octets)) {
            Some(end) => {
                let text = octets.get(..end).unwrap_or_default();
                (text.strip_suffix(b"\r").unwrap_or(text), end + 1)
            }
            None if octets.len() >= LINE_LIMIT + 2 => return Line::Other,
            None if is_end => (octets, octets.len()),
            None if self.walk.bounded == 0 => return Line::Other,
            None => return Line::Unknown,
        };
        match self.walk.boundary_of(octets, text) {
            Some((level, closing)) => Line::Boundary { level, closing, next },
            None => Line::Other,
        }
    }

    /// Skips the lines of a header block that is too large, up to a blank line or a boundary.
    fn large_header(&mut self, input: &mut BytesMut, is_end: bool, at_line_start: bool) -> bool {
        let mut at_line_start = at_line_start;
        let mut at = 0;
        let ended = loop {
            let rest = input.get(at..).unwrap_or_default();
            if at_line_start {
                match rest {
                    [b'\n', ..] => break Some(at + 1),
                    [b'\r', b'\n', ..] => break Some(at + 2),
                    [] | [b'\r'] if !is_end => break None,
                    _ => {}
                }
                match self.line(rest, is_end) {
                    Line::Boundary { .. } => {
                        self.parser.defects.push(Defect::new(DefectCode::MissingBlankLine, self.offset + at));
                        break Some(at);
                    }
                    Line::Unknown => break None,
                    Line::Other => {}
                }
            }
            if let Some(found) = memchr::memchr(b'\n', rest) {
                at += found + 1;
                at_line_start = true;
            } else {
                at_line_start &= rest.is_empty();
                at = input.len();
                break is_end.then_some(at);
            }
        };
        let Some(ended) = ended else {
            let went_on = at > 0;
            self.give(input, at, false);
            self.stage = Stage::LargeHeader { at_line_start };
            return went_on;
        };
        self.give(input, ended, false);
        self.walk.at = self.offset;
        let Some(part) = self.walk.open.last().map(|open| open.part) else { return false };
        if let Some(record) = self.parser.part_mut(part) {
            (record.body, record.end) = (self.offset, self.offset);
        }
        self.walk.left_header = false;
        if let (Some(boundary), Some(open)) = (self.waiting.take(), self.walk.open.last_mut()) {
            open.boundary = Some(boundary);
            self.walk.bounded += 1;
        }
        self.parser.enter_message(&mut self.walk, part);
        self.stage = if matches!(self.walk.state, State::Header) {
            Stage::Header
        } else {
            Stage::Body { at_line_start: true }
        };
        true
    }

    /// Goes to the next boundary, or as far as there is.
    fn body(&mut self, input: &mut BytesMut, is_end: bool, at_line_start: bool) -> bool {
        if self.walk.bounded > 0 {
            let first = (at_line_start && self.searched == 0).then_some(0);
            let from = self.searched;
            let rest = input.get(from..).unwrap_or_default();
            let dashes = self.parser.dashes.get_or_insert_with(|| memmem::Finder::new(b"\n--")).clone();
            let others = dashes.find_iter(rest).map(|found| from + found + 1);
            let mut held = None;
            let mut boundary = None;
            for line in first.into_iter().chain(others) {
                match self.line(input.get(line..).unwrap_or_default(), is_end) {
                    Line::Boundary { level, closing, next } => {
                        boundary = Some((line, level, closing, next));
                        break;
                    }
                    Line::Unknown => {
                        held = Some(line);
                        break;
                    }
                    Line::Other => {}
                }
            }
            if let Some((line, level, closing, next)) = boundary {
                self.boundary(input, (line, line + next), level, closing);
                return true;
            }
            if !is_end {
                // What may belong to a boundary stays.
                let mut kept = held.unwrap_or_else(|| {
                    let tail = |tail: &[u8]| input.ends_with(tail).then(|| input.len() - tail.len());
                    tail(b"\n-").or_else(|| tail(b"\n")).map_or(input.len(), |at| at + 1)
                });
                if kept > 0 && input.get(kept - 1) == Some(&b'\n') {
                    kept -= 1;
                }
                if kept > 0 && input.get(kept - 1) == Some(&b'\r') {
                    kept -= 1;
                }
                if kept == 0 {
                    return false;
                }
                let ends_line = input.get(kept - 1) == Some(&b'\n');
                self.give(input, kept, true);
                self.stage = Stage::Body { at_line_start: ends_line };
                return true;
            }
        }
        if !is_end {
            let went_on = !input.is_empty();
            self.give(input, input.len(), true);
            return went_on;
        }
        self.give(input, input.len(), true);
        self.close_above(0, self.offset);
        self.stage = Stage::Done;
        true
    }

    /// Takes the boundary at `line..next`, and what is in front of it.
    fn boundary(&mut self, input: &mut BytesMut, (line, next): (usize, usize), level: usize, closing: bool) {
        let last = self.walk.open.last().and_then(|open| self.parser.index.part(open.part));
        let body = last.map_or(self.offset, |record| record.body);
        // The line end in front belongs to the boundary, unless it is that of the header.
        let first = body.saturating_sub(self.offset).min(line);
        let before = input.get(first..line).unwrap_or_default();
        let mut content = line;
        if before.ends_with(b"\n") {
            content -= 1 + usize::from(before.ends_with(b"\r\n"));
        }
        let end = self.offset + content;
        self.give(input, content, true);
        self.give(input, next - content, false);
        self.close_above(level + 1, end);
        self.walk.at = self.offset;
        self.parser.boundary(&mut self.walk, level, closing, end);
        self.stage = if matches!(self.walk.state, State::Header) {
            Stage::Header
        } else {
            Stage::Body { at_line_start: true }
        };
    }

    /// Ends all open parts from `level` on, the innermost first, in front of what was given last but belongs to none.
    fn close_above(&mut self, level: usize, end: usize) {
        let ending: Vec<u32> = (level..self.walk.open.len())
            .rev()
            .filter_map(|level| self.walk.open.get(level))
            .map(|open| open.part)
            .collect();
        self.parser.close_above(&mut self.walk, level, end);
        let between = match self.events.back() {
            Some(PushEvent::Between(_)) if level > 0 => self.events.pop_back(),
            _ => None,
        };
        for part in ending {
            if let Some(record) = self.parser.index.part(part) {
                let (body, end) = (record.body, record.end);
                self.events.push_back(PushEvent::End { position: part as usize, body, end });
            }
        }
        self.events.extend(between);
    }
}

#[cfg(feature = "tokio-codec")]
impl tokio_util::codec::Decoder for PushParser {
    type Item = PushEvent;
    type Error = std::io::Error;

    fn decode(&mut self, input: &mut BytesMut) -> std::io::Result<Option<PushEvent>> {
        Ok(self.next_event(input, false))
    }

    fn decode_eof(&mut self, input: &mut BytesMut) -> std::io::Result<Option<PushEvent>> {
        Ok(self.next_event(input, true))
    }
}
