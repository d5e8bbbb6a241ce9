//! The one pass over a message that makes its [`Index`].
//!
//! A [`Walk`] goes through octets line by line, with a stack of the parts that are open. Nothing recurses: a message
//! that lies encoded in another one gets a walk of its own on a stack of walks.

mod push;
mod walk;

use alloc::borrow::Cow;
use alloc::vec::Vec;

use bytes::Bytes;
use memchr::{memchr, memmem};

use crate::decode::{base64, quoted_printable};
use crate::defect::{Defect, DefectCode, Defects, Severity};
use crate::header::parameters;
use crate::index::{Decoded, FIELD_KINDS, FieldKind, FieldRecord, Index, NONE, PartKind, PartRecord};
use crate::limits::Limits;
use crate::scanner::is_ftext;
use crate::types::TransferEncoding;
pub use push::{PushEvent, PushParser, PushPart};
use walk::{
    BOUNDARY_LIMIT, Boundary, Octets, Open, PlainField, State, Walk, field_name, is_boundary_character,
    line_at, plain_field,
};

pub(crate) fn index(octets: &[u8], limits: &Limits) -> Index {
    let mut parser = Parser {
        index: Index {
            // As many as most messages have.
            parts: Vec::with_capacity(8),
            fields: Vec::with_capacity(48),
            limits: limits.clone(),
            ..Index::default()
        },
        defects: Defects::at(0, false, limits.defects),
        limits: limits.clone(),
        full: false,
        full_said: false,
        dashes: None,
    };
    let mut walk = Walk::new(Octets::Borrowed(octets), 0);
    parser.open_part(&mut walk, NONE);
    // The messages that lay encoded, each in the one before.
    let mut inner: Vec<Walk<'_>> = Vec::new();
    loop {
        let walk = inner.last_mut().unwrap_or(&mut walk);
        let opened = match parser.step(walk) {
            Step::Go => None,
            Step::Into(part) => parser.decode(walk, part),
            Step::Done if inner.pop().is_some() => None,
            Step::Done => break,
        };
        inner.extend(opened);
    }
    parser.index.defects = parser.defects.list;
    parser.index
}

enum Step {
    Go,
    /// The body of this part is an encoded message.
    Into(u32),
    Done,
}

#[derive(Debug)]
struct Parser {
    index: Index,
    defects: Defects,
    limits: Limits,
    /// There are as many parts as may be.
    full: bool,
    full_said: bool,
    /// Finds the lines that may be boundaries.
    dashes: Option<memmem::Finder<'static>>,
}

impl Parser {
    fn defect(&mut self, walk: &Walk<'_>, code: DefectCode, at: usize) {
        let offset = self.place(walk, at);
        self.defects.push(Defect::new(code, offset));
    }

    /// Where in the message `at` is: in one that lay encoded, where its encoded octets begin.
    fn place(&self, walk: &Walk<'_>, at: usize) -> usize {
        self.index.decoded_of(walk.source).map_or(at, |decoded| decoded.offset)
    }

    fn part_mut(&mut self, part: u32) -> Option<&mut PartRecord> {
        self.index.parts.get_mut(part as usize)
    }

    /// Opens a part at `walk.at`, as the next child of the part that was opened last, or of `parent`.
    fn open_part(&mut self, walk: &mut Walk<'_>, parent: u32) {
        let part = u32::try_from(self.index.parts.len()).unwrap_or(NONE);
        let mut record = PartRecord {
            source: walk.source,
            parent,
            first_child: NONE,
            next_sibling: NONE,
            ordinal: 1,
            depth: 0,
            start: walk.at,
            body: walk.at,
            end: walk.at,
            first_field: u32::try_from(self.index.fields.len()).unwrap_or(NONE),
            fields: 0,
            kind: PartKind::Leaf,
            encoding: TransferEncoding::SevenBit,
            in_digest: false,
        };
        if let Some(container) = walk.open.last_mut() {
            container.children += 1;
            record.parent = container.part;
            record.ordinal = container.children;
            record.in_digest = container.is_digest;
            let previous = core::mem::replace(&mut container.last_child, part);
            if let Some(previous) = self.part_mut(previous) {
                previous.next_sibling = part;
            }
        }
        let parent = record.parent;
        if let Some(parent) = self.part_mut(parent) {
            if parent.first_child == NONE {
                parent.first_child = part;
            }
            record.depth = parent.depth + 1;
        }
        self.index.parts.push(record);
        self.full = self.index.parts.len() >= self.limits.parts;
        walk.open.push(Open { part, last_child: NONE, ..Open::default() });
        walk.state = State::Header;
    }

    fn step(&mut self, walk: &mut Walk<'_>) -> Step {
        match walk.state {
            State::Header => {
                self.header(walk);
                Step::Go
            }
            State::Body => {
                self.body(walk);
                // The leaf that ended may hold a whole message.
                let end = match walk.state {
                    State::Boundary { end, .. } => end,
                    _ => walk.octets.get().len(),
                };
                let Some(leaf) = walk.open.last().map(|open| open.part) else { return Step::Go };
                match self.part_mut(leaf) {
                    Some(record) if record.kind == PartKind::EncodedMessage => {
                        record.end = end.max(record.body);
                        Step::Into(leaf)
                    }
                    _ => Step::Go,
                }
            }
            State::Boundary { level, closing, end } => {
                self.boundary(walk, level, closing, end);
                Step::Go
            }
            State::End => {
                let end = walk.octets.get().len();
                self.close_above(walk, 0, end);
                Step::Done
            }
        }
    }

    /// Reads a header block, and decides by it what the body is.
    fn header(&mut self, walk: &mut Walk<'_>) {
        let octets = walk.octets.clone();
        let octets = octets.get();
        let Some(part) = walk.open.last().map(|open| open.part) else { return };
        let block = walk.at;
        let first_field = self.index.fields.len();
        let mut first_of_kind = [NONE; FIELD_KINDS];
        let mut ended = false;
        let mut skipping = false;
        // Where the first line is, behind the line of an mbox file.
        let mut begins_behind = block;
        let block_limit = self.header_limit();
        // How far it is looked ahead.
        let window = octets.get(..octets.len().min(block.saturating_add(block_limit))).unwrap_or_default();
        walk.blank = None;
        while walk.at < octets.len() {
            let start = walk.at;
            if !skipping {
                if let Some(field) = plain_field(octets, start) {
                    let fields = self.index.fields.len() - first_field;
                    if field.next - block <= block_limit && fields < self.limits.fields {
                        walk.at = field.next;
                        self.plain_field(walk, octets, (block, start), field, &mut first_of_kind);
                        continue;
                    }
                }
            }
            let (end, next) = line_at(octets, start);
            let line = octets.get(start..end).unwrap_or_default();
            if line.starts_with(b"--") && walk.boundary_of(octets, line).is_some() {
                break;
            }
            if !skipping && next - block > block_limit && !line.is_empty() {
                self.defect(walk, DefectCode::HeaderTooLarge, start);
                skipping = true;
                if walk.leaves_large_header {
                    walk.left_header = true;
                    break;
                }
            }
            let is_text =
                !line.is_empty() && !matches!(line.first(), Some(b' ' | b'\t')) && field_name(line).is_none();
            if is_text && next - block <= block_limit {
                let is_mbox = start == block && (line.starts_with(b"From ") || line.starts_with(b">From "));
                if is_mbox {
                    self.defect(walk, DefectCode::MboxLine, start);
                    begins_behind = next;
                } else if start == begins_behind && (part != 0 || !is_field_at(window, next)) {
                    // It begins with text: there is no header, and nothing of the text may vanish into one. Only in front of
                    // the fields of a whole message such a line is taken for rubbish.
                    break;
                } else if Self::header_goes_on(walk, window, next) {
                    self.defect(walk, DefectCode::LineWithoutColon, start);
                } else {
                    break;
                }
            }
            walk.at = next;
            if line.is_empty() {
                ended = true;
                break;
            }
            if !skipping
                && self.index.fields.len() - first_field >= self.limits.fields
                && !matches!(line.first(), Some(b' ' | b'\t'))
            {
                self.defect(walk, DefectCode::TooManyFields, start);
                skipping = true;
            }
            if !skipping {
                self.field(walk, line, (block, start, end, next), first_field, &mut first_of_kind);
            }
        }
        if !ended && walk.at < octets.len() && !walk.left_header {
            let mut defect = Defect::new(DefectCode::MissingBlankLine, self.place(walk, walk.at));
            let (end, next) = line_at(octets, walk.at);
            let line = octets.get(walk.at..end).unwrap_or_default();
            if walk.at == begins_behind
                && walk.boundary_of(octets, line).is_none()
                && is_field_at(window, next)
            {
                defect.severity = Severity::Error;
            }
            self.defects.push(defect);
        }
        let at = walk.at;
        let fields = u32::try_from(self.index.fields.len() - first_field).unwrap_or(0);
        if let Some(record) = self.part_mut(part) {
            (record.body, record.end, record.fields) = (at, at, fields);
        }
        walk.state = State::Body;
        self.classify(walk, octets, part, &first_of_kind);
        if !walk.left_header {
            self.enter_message(walk, part);
        }
    }

    /// Places in a header block are kept in 32 bits.
    fn header_limit(&self) -> usize {
        self.limits.header_block.min(u32::MAX as usize)
    }

    /// Opens the message in a `message/rfc822`.
    fn enter_message(&mut self, walk: &mut Walk<'_>, part: u32) {
        if self.index.part(part).is_some_and(|record| record.kind == PartKind::Message) {
            self.open_part(walk, NONE);
        }
    }

    /// Whether the header goes on behind a line that is no field: a field or a blank line follows
    /// (RFC 7103 section 7.2).
    fn header_goes_on(walk: &mut Walk<'_>, octets: &[u8], next: usize) -> bool {
        if is_field_at(octets, next) {
            return true;
        }
        // Each stretch is searched once, however many such lines there are.
        if let Some((from, found)) = walk.blank {
            let until = found.unwrap_or(usize::MAX);
            if (from..=until).contains(&next) {
                return found.is_some();
            }
        }
        let mut at = next;
        let mut found = None;
        while at < octets.len() {
            let (end, following) = line_at(octets, at);
            if end == at && following > end {
                found = Some(at);
                break;
            }
            let line = octets.get(at..end).unwrap_or_default();
            if line.starts_with(b"--") && walk.boundary_of(octets, line).is_some() {
                break;
            }
            at = following;
        }
        walk.blank = Some((next, found));
        found.is_some()
    }

    /// Takes in a line of a header block.
    fn field(
        &mut self,
        walk: &Walk<'_>,
        line: &[u8],
        (block, start, end, next): (usize, usize, usize, usize),
        first_field: usize,
        first_of_kind: &mut [u32; FIELD_KINDS],
    ) {
        let length = |to: usize, from: usize| u32::try_from(to - from).unwrap_or(u32::MAX);
        if matches!(line.first(), Some(b' ' | b'\t')) {
            if line.iter().all(|octet| matches!(octet, b' ' | b'\t')) {
                self.defect(walk, DefectCode::BlankContinuation, start);
            }
            if self.index.fields.len() > first_field {
                if let Some(field) = self.index.fields.last_mut() {
                    field.end = length(end, block + field.start as usize);
                    field.line_end = line_end(end, next);
                }
                return;
            }
            self.defect(walk, DefectCode::ContinuationWithoutField, start);
        }
        let name = if matches!(line.first(), Some(b' ' | b'\t')) { None } else { field_name(line) };
        let mut record = FieldRecord {
            start: length(start, block),
            name: 0,
            value: 0,
            end: length(end, start),
            line_end: line_end(end, next),
            kind: FieldKind::Junk,
        };
        if let Some(name) = name {
            let colon = memchr(b':', line).unwrap_or(name.len());
            record.name = length(name.len(), 0);
            record.value = length(colon + 1, 0);
            record.kind = FieldKind::of(name);
            if colon > name.len() {
                self.defect(walk, DefectCode::SpaceBeforeColon, start);
            }
            if !name.iter().copied().all(is_ftext) {
                self.defect(walk, DefectCode::InvalidFieldName, start);
            }
        }
        self.add_field(walk, block, record, first_of_kind);
    }

    /// Takes in a field that is as it should be.
    #[inline]
    fn plain_field(
        &mut self,
        walk: &Walk<'_>,
        octets: &[u8],
        (block, start): (usize, usize),
        field: PlainField,
        first_of_kind: &mut [u32; FIELD_KINDS],
    ) {
        // The limit of the header block may be set to anything.
        let length = |to: usize| u32::try_from(to).unwrap_or(u32::MAX);
        let name = octets.get(start..start + field.name).unwrap_or_default();
        let record = FieldRecord {
            start: length(start - block),
            name: length(field.name),
            value: length(field.name + 1),
            end: length(field.end - start),
            line_end: line_end(field.end, field.next),
            kind: FieldKind::of_plain(name),
        };
        self.add_field(walk, block, record, first_of_kind);
    }

    #[inline]
    fn add_field(
        &mut self,
        walk: &Walk<'_>,
        block: usize,
        record: FieldRecord,
        first_of_kind: &mut [u32; FIELD_KINDS],
    ) {
        let this = u32::try_from(self.index.fields.len()).unwrap_or(NONE);
        if let Some(first) = first_of_kind.get_mut(record.kind as usize) {
            if *first == NONE {
                *first = this;
            } else if record.kind.is_single() {
                let related =
                    self.index.fields.get(*first as usize).map(|field| block + field.start as usize);
                let start = block + record.start as usize;
                let mut defect = Defect::new(DefectCode::DuplicateField, self.place(walk, start));
                defect.related = related.map(|at| self.place(walk, at));
                if record.kind.is_critical() {
                    defect.severity = Severity::Error;
                }
                self.defects.push(defect);
            }
        }
        self.index.fields.push(record);
    }

    /// Decides what the body of a part is.
    fn classify(
        &mut self,
        walk: &mut Walk<'_>,
        octets: &[u8],
        part: u32,
        first_of_kind: &[u32; FIELD_KINDS],
    ) {
        let Some(&record) = self.index.part(part) else { return };
        let value = |kind: FieldKind, index: &Index| {
            let field = index.fields.get(*first_of_kind.get(kind as usize)? as usize)?;
            let field_start = record.start + field.start as usize;
            let start = field_start + field.value as usize;
            let value = octets.get(start..field_start + field.end as usize)?;
            Some((field_start, start, value))
        };
        let content_type = value(FieldKind::ContentType, &self.index);
        let encoding = value(FieldKind::ContentTransferEncoding, &self.index);

        let transfer = encoding.map_or(TransferEncoding::SevenBit, |(_, _, value)| {
            parameters::transfer_encoding(value, &self.limits)
        });
        if let (Some((at, _, _)), TransferEncoding::Unknown) = (encoding, transfer) {
            self.defect(walk, DefectCode::UnknownTransferEncoding, at);
        }
        let mut is_message = record.in_digest && content_type.is_none();
        let mut boundary = None;
        if let Some((at, value_start, value)) = content_type {
            match parameters::shape(value, &self.limits) {
                None => self.defect(walk, DefectCode::InvalidContentType, at),
                Some(shape) if shape.main_type.eq_ignore_ascii_case(b"multipart") => {
                    match shape.boundary {
                        None => self.defect(walk, DefectCode::MissingBoundary, at),
                        Some(found) => {
                            if found.len() > BOUNDARY_LIMIT
                                || !found.iter().copied().all(is_boundary_character)
                            {
                                self.defect(walk, DefectCode::InvalidBoundary, at);
                            }
                            let found = match (found, shape.boundary_at) {
                                (Cow::Borrowed(found), Some(start)) => {
                                    Boundary::At { start: value_start + start, length: found.len() }
                                }
                                (found, _) => {
                                    walk.boundaries.push(found.into_owned());
                                    Boundary::Owned(walk.boundaries.len() - 1)
                                }
                            };
                            boundary = Some((found, shape.subtype.eq_ignore_ascii_case(b"digest")));
                        }
                    }
                    if !transfer.is_identity() {
                        self.defect(walk, DefectCode::EncodedMultipart, at);
                    }
                }
                Some(shape) => {
                    let subtype = shape.subtype;
                    is_message = shape.main_type.eq_ignore_ascii_case(b"message")
                        && (subtype.eq_ignore_ascii_case(b"rfc822")
                            || subtype.eq_ignore_ascii_case(b"global"));
                }
            }
        }
        let mut kind = PartKind::Leaf;
        if boundary.is_some() || is_message {
            if record.depth as usize >= self.limits.depth {
                self.defect(walk, DefectCode::TooDeep, record.start);
                self.index.is_truncated = true;
                boundary = None;
            } else if self.full {
                self.defect(walk, DefectCode::TooManyParts, record.start);
                self.index.is_truncated = true;
                boundary = None;
            } else if boundary.is_some() {
                kind = PartKind::Multipart;
            } else if transfer == TransferEncoding::Unknown {
                // What is in there cannot be known.
            } else if transfer.is_identity() {
                kind = PartKind::Message;
            } else {
                kind = PartKind::EncodedMessage;
                self.defect(walk, DefectCode::EncodedMessage, record.start);
            }
        }
        if let Some(record) = self.part_mut(part) {
            record.kind = kind;
            record.encoding = transfer;
        }
        if let (Some(open), Some((boundary, is_digest))) = (walk.open.last_mut(), boundary) {
            open.boundary = Some(boundary);
            open.is_multipart = true;
            open.is_digest = is_digest;
            walk.bounded += 1;
        }
    }

    /// Goes to the next boundary of an open multipart, or to the end.
    fn body(&mut self, walk: &mut Walk<'_>) {
        let octets = walk.octets.clone();
        let octets = octets.get();
        let start = walk.at;
        if walk.bounded > 0 {
            let rest = octets.get(start..).unwrap_or_default();
            let first = rest.starts_with(b"--").then_some(start);
            let dashes = self.dashes.get_or_insert_with(|| memmem::Finder::new(b"\n--"));
            let others = dashes.find_iter(rest).map(|found| start + found + 1);
            for line in first.into_iter().chain(others) {
                let (end, next) = line_at(octets, line);
                let text = octets.get(line..end).unwrap_or_default();
                let Some((level, closing)) = walk.boundary_of(octets, text) else { continue };
                // The line end in front belongs to the boundary, unless it is that of the header.
                let last = walk.open.last().and_then(|open| self.index.part(open.part));
                let first = last.map_or(start, |record| record.body);
                let mut content = line;
                let before = octets.get(first..line).unwrap_or_default();
                if before.ends_with(b"\n") {
                    content -= 1 + usize::from(before.ends_with(b"\r\n"));
                }
                walk.at = next;
                walk.state = State::Boundary { level, closing, end: content };
                return;
            }
        }
        walk.at = octets.len();
        walk.state = State::End;
    }

    /// Ends the parts in the multipart at `level`, and begins its next one.
    fn boundary(&mut self, walk: &mut Walk<'_>, level: usize, closing: bool, end: usize) {
        self.close_above(walk, level + 1, end);
        walk.state = State::Body;
        let Some(open) = walk.open.last_mut() else { return };
        open.found = true;
        if closing {
            open.boundary = None;
            walk.bounded -= 1;
        } else if self.full {
            // No more parts; the boundaries around still count.
            self.index.is_truncated = true;
            if !core::mem::replace(&mut self.full_said, true) {
                self.defect(walk, DefectCode::TooManyParts, walk.at);
            }
        } else {
            self.open_part(walk, NONE);
        }
    }

    /// Ends all open parts from `level` on.
    fn close_above(&mut self, walk: &mut Walk<'_>, level: usize, end: usize) {
        while walk.open.len() > level {
            let Some(open) = walk.open.pop() else { return };
            let mut start = 0;
            if let Some(record) = self.part_mut(open.part) {
                start = record.start;
                record.end = end.max(record.body);
                if record.kind == PartKind::Multipart && open.children == 0 {
                    record.kind = PartKind::Leaf; // its text is shown as it is, or not at all
                }
            }
            if open.boundary.is_some() {
                walk.bounded -= 1;
                let code =
                    if open.found { DefectCode::MissingCloseBoundary } else { DefectCode::BoundaryNotFound };
                let at = if open.found { end } else { start };
                self.defect(walk, code, at);
            }
        }
    }

    /// Decodes the message in a part, and gives the walk through it.
    fn decode<'b>(&mut self, walk: &Walk<'_>, part: u32) -> Option<Walk<'b>> {
        let record = *self.index.part(part)?;
        if self.full || self.nesting_of(walk.source) >= self.limits.encoded_nesting {
            let code = if self.full { DefectCode::TooManyParts } else { DefectCode::EncodedTooDeep };
            self.defect(walk, code, record.start);
            if let Some(record) = self.part_mut(part) {
                record.kind = PartKind::Leaf;
            }
            return None;
        }
        let encoded = walk.octets.get().get(record.body..record.end).unwrap_or_default();
        let mut octets = Vec::new();
        if record.encoding == TransferEncoding::Base64 {
            base64::decode(encoded, &mut octets);
        } else {
            quoted_printable::decode(encoded, &mut octets);
        }
        let octets = Bytes::from(octets);
        let offset = self.index.decoded_of(walk.source).map_or(record.body, |decoded| decoded.offset);
        let outer = walk.source;
        self.index.decoded.push(Decoded { octets: octets.clone(), offset, outer });
        let source = u32::try_from(self.index.decoded.len()).unwrap_or(NONE);
        let mut inner = Walk::new(Octets::Decoded(octets), source);
        self.open_part(&mut inner, part);
        Some(inner)
    }

    /// How many encoded messages a source lies in.
    fn nesting_of(&self, source: u32) -> usize {
        let mut source = source;
        let mut nesting = 0;
        while let Some(decoded) = self.index.decoded_of(source) {
            source = decoded.outer;
            nesting += 1;
        }
        nesting
    }
}

const fn line_end(end: usize, next: usize) -> u8 {
    match next - end {
        0 => 0,
        1 => 1,
        _ => 2,
    }
}

/// Whether the line that begins at `at` is a header field.
fn is_field_at(octets: &[u8], at: usize) -> bool {
    let (end, _) = line_at(octets, at);
    octets.get(at..end).is_some_and(|line| field_name(line).is_some())
}
