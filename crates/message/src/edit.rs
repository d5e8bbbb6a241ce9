//! Changing a message without touching the rest of it.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use bytes::Bytes;

use crate::build::writer::write_field;
use crate::build::{PartBuilder, Target};
use crate::error::{BuildError, InvalidValue};
use crate::header::HeaderField;
use crate::index::PartKind;
use crate::message::Message;
use crate::part::Part;
use crate::types::{FieldName, FieldValue};

/// Why a message could not be changed in this way.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EditError {
    /// The new value is not what its grammar asks for.
    Build(BuildError),
    /// The part lies in a message that is encoded in this one; replace the part that holds that message.
    Encoded,
    /// The part is the only one of its multipart, or the message itself; it can only be replaced.
    OnlyPart,
    /// The new octets hold a line that is a boundary of a multipart around them.
    BoundaryInContent,
    /// The octets are no header field, or more than one.
    NotAField,
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Build(error) => return error.fmt(f),
            Self::Encoded => "the part lies in an encoded message",
            Self::OnlyPart => "the only part cannot be removed",
            Self::BoundaryInContent => "the new octets hold a boundary of the message",
            Self::NotAField => "the octets are not one header field",
        })
    }
}

impl core::error::Error for EditError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Build(error) => Some(error),
            _ => None,
        }
    }
}

impl From<BuildError> for EditError {
    fn from(error: BuildError) -> Self {
        Self::Build(error)
    }
}

impl From<InvalidValue> for EditError {
    fn from(error: InvalidValue) -> Self {
        Self::Build(error.into())
    }
}

/// Changes to a message: fields and parts that are put in, replaced or removed.
///
/// All octets that are not named go out as they are, with their line ends, folds and faults, so signatures over them stay
/// valid. Line ends of new fields are those of the message. A change within a part that is replaced or removed as well has
/// no effect.
///
/// ```
/// use postroad_message::{Edit, FieldName, FieldValue, Message};
///
/// let message = Message::parse(b"subject:  old\r\nBcc: eve@example.org\r\nX-A:b\r\n\r\nHello\r\n");
/// let header = message.header();
/// let mut edit = Edit::new(&message);
/// edit.prepend_octets(b"Received: by mail.hamburger.edu; Mon, 23 Nov 2026 00:00:00 +0000\r\n")?;
/// edit.replace_field(&header.field("Subject").unwrap(), &FieldName::new("Subject")?, &FieldValue::text("new")?)?;
/// edit.remove_fields("Bcc");
/// edit.append_field(&FieldName::new("X-B")?, &FieldValue::text("c")?)?;
/// assert_eq!(
///     String::from_utf8_lossy(&edit.to_vec()),
///     "Received: by mail.hamburger.edu; Mon, 23 Nov 2026 00:00:00 +0000\r\n\
///      Subject: new\r\nX-A:b\r\nX-B: c\r\n\r\nHello\r\n"
/// );
/// # Ok::<(), postroad_message::EditError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Edit<'m> {
    message: &'m Message<'m>,
    splices: Vec<Splice<'m>>,
}

#[derive(Debug, Clone)]
struct Splice<'m> {
    at: Range<usize>,
    new: Cow<'m, [u8]>,
    order: usize,
}

impl<'m> Edit<'m> {
    /// No change as yet.
    pub fn new(message: &'m Message<'m>) -> Self {
        Self { message, splices: Vec::new() }
    }

    fn splice(&mut self, at: Range<usize>, new: impl Into<Cow<'m, [u8]>>) {
        let order = self.splices.len();
        self.splices.push(Splice { at, new: new.into(), order });
    }

    /// Whether lines of the message end in LF alone.
    fn has_bare_line_ends(&self) -> bool {
        let octets = self.message.octets();
        memchr::memchr(b'\n', octets).is_some_and(|at| at == 0 || octets.get(at - 1) != Some(&b'\r'))
    }

    fn own_line_ends(&self, octets: Vec<u8>) -> Vec<u8> {
        if !self.has_bare_line_ends() {
            return octets;
        }
        let mut own = Vec::with_capacity(octets.len());
        for (at, &octet) in octets.iter().enumerate() {
            if octet != b'\r' || octets.get(at + 1) != Some(&b'\n') {
                own.push(octet);
            }
        }
        own
    }

    fn field_octets(&self, name: &FieldName, value: &FieldValue) -> Result<Vec<u8>, EditError> {
        let mut octets = Vec::new();
        // A message that has UTF-8 in its header may get more of it.
        let utf8 = self.message.header().fields().any(|field| !field.octets().is_ascii());
        write_field(&mut octets, name.as_str(), utf8, |writer| writer.value(value))?;
        Ok(self.own_line_ends(octets))
    }

    /// Where fields can be put in front of all others, and what has to follow them so that the body does not become
    /// header.
    fn top(&self) -> (usize, &'static [u8]) {
        let root = self.message.root();
        let (start, body, end) = root.places();
        if start == body && body < end {
            return (start, if self.has_bare_line_ends() { b"\n" } else { b"\r\n" });
        }
        // Behind the line of an mbox file, and behind lines that would continue the new field.
        let first = root.header().fields().next();
        let goes_before = |field: &HeaderField<'_>| {
            let octets = field.octets();
            octets.starts_with(b"From ")
                || octets.starts_with(b">From ")
                || octets.starts_with(b" ")
                || octets.starts_with(b"\t")
        };
        (first.filter(goes_before).map_or(start, |field| field.offset() + field.octets().len()), b"")
    }

    /// Puts a field in front of all others.
    pub fn prepend_field(&mut self, name: &FieldName, value: &FieldValue) -> Result<(), EditError> {
        let octets = self.field_octets(name, value)?;
        self.prepend(octets);
        Ok(())
    }

    /// Puts a field, whole and with its line end, in front of all others, as it is: what
    /// [`Received::to_bytes`](crate::Received::to_bytes) and [`return_path`](crate::return_path) give.
    pub fn prepend_octets(&mut self, field: &[u8]) -> Result<(), EditError> {
        check_field(field)?;
        self.prepend(field.to_vec());
        Ok(())
    }

    /// The last one that is put in front is the first.
    fn prepend(&mut self, mut octets: Vec<u8>) {
        let (at, behind) = self.top();
        let earlier = self.splices.iter_mut().find(|splice| splice.order == usize::MAX);
        if let Some(earlier) = earlier {
            octets.extend_from_slice(&earlier.new);
            earlier.new = Cow::Owned(octets);
            return;
        }
        octets.extend_from_slice(behind);
        // In front of whatever else is done at this place.
        self.splices.push(Splice { at: at..at, new: Cow::Owned(octets), order: usize::MAX });
    }

    /// Puts a field behind all others of the message's header.
    pub fn append_field(&mut self, name: &FieldName, value: &FieldValue) -> Result<(), EditError> {
        let mut octets = self.field_octets(name, value)?;
        let root = self.message.root();
        let (start, body, end) = root.places();
        if start == body && body < end {
            self.prepend(octets);
            return Ok(());
        }
        let header = self.message.octets().get(start..body).unwrap_or_default();
        let without = header.strip_suffix(b"\n").map(|header| header.strip_suffix(b"\r").unwrap_or(header));
        let at = match without {
            // The blank line.
            Some(without) if without.is_empty() || without.ends_with(b"\n") => start + without.len(),
            Some(_) => body,
            None if header.is_empty() => body,
            // The last field has no line end.
            None => {
                octets.splice(..0, *b"\r\n");
                octets = self.own_line_ends(octets);
                body
            }
        };
        self.splice(at..at, octets);
        Ok(())
    }

    /// Puts a field in front of another one of this message.
    pub fn insert_before(
        &mut self,
        field: &HeaderField<'_>,
        name: &FieldName,
        value: &FieldValue,
    ) -> Result<(), EditError> {
        let octets = self.field_octets(name, value)?;
        let at = Self::place_of(field)?.start;
        self.splice(at..at, octets);
        Ok(())
    }

    /// Puts a field in the place of another one of this message, at whichever depth that is.
    pub fn replace_field(
        &mut self,
        field: &HeaderField<'_>,
        name: &FieldName,
        value: &FieldValue,
    ) -> Result<(), EditError> {
        let octets = self.field_octets(name, value)?;
        let at = Self::place_of(field)?;
        self.splice(at, octets);
        Ok(())
    }

    /// Removes a field of this message, at whichever depth it is.
    pub fn remove_field(&mut self, field: &HeaderField<'_>) -> Result<(), EditError> {
        let at = Self::place_of(field)?;
        self.splice(at, &[][..]);
        Ok(())
    }

    /// Removes all fields of this name from the message's own header, and says how many.
    pub fn remove_fields(&mut self, name: &str) -> usize {
        let places: Vec<Range<usize>> = self
            .message
            .header()
            .fields_named(name)
            .map(|field| field.offset()..field.offset() + field.octets().len())
            .collect();
        let count = places.len();
        for place in places {
            self.splice(place, &[][..]);
        }
        count
    }

    fn place_of(field: &HeaderField<'_>) -> Result<Range<usize>, EditError> {
        if field.is_in_encoded_message() {
            return Err(EditError::Encoded);
        }
        Ok(field.offset()..field.offset() + field.octets().len())
    }

    /// Puts new octets, header and body, in the place of a part of this message.
    pub fn replace_part(
        &mut self,
        part: &Part<'_>,
        octets: impl Into<Cow<'m, [u8]>>,
    ) -> Result<(), EditError> {
        if part.is_in_encoded_message() {
            return Err(EditError::Encoded);
        }
        let octets = octets.into();
        if Self::holds_boundary(part, &octets) {
            return Err(EditError::BoundaryInContent);
        }
        let (start, _, end) = part.places();
        self.splice(start..end, octets);
        Ok(())
    }

    /// Puts a part that is built for `target` in the place of a part of this message. `seed` makes its boundaries, if it is
    /// a multipart; it should be as hard to guess as that of a message.
    pub fn replace_part_with(
        &mut self,
        part: &Part<'_>,
        new: PartBuilder,
        target: Target,
        seed: u128,
    ) -> Result<(), EditError> {
        let octets = new.to_bytes(target, seed)?;
        self.replace_part(part, octets.to_vec())
    }

    /// Removes a part from its multipart, with the boundary in front of it.
    pub fn remove_part(&mut self, part: &Part<'_>) -> Result<(), EditError> {
        if part.is_in_encoded_message() {
            return Err(EditError::Encoded);
        }
        let parent = part.parent().filter(Part::is_multipart).ok_or(EditError::OnlyPart)?;
        let at = |part: &Part<'_>| self.place_with_boundary(part);
        let place = at(part);
        let removed = |other: &Part<'_>| {
            let other = at(other);
            other == place || self.splices.iter().any(|splice| splice.at == other && splice.new.is_empty())
        };
        if parent.children().all(|child| removed(&child)) {
            return Err(EditError::OnlyPart);
        }
        self.splice(place, &[][..]);
        Ok(())
    }

    /// A part with the boundary in front of it, up to the next boundary.
    fn place_with_boundary(&self, part: &Part<'_>) -> Range<usize> {
        let octets = self.message.octets();
        let (start, _, end) = part.places();
        let before = octets.get(..start.saturating_sub(1)).unwrap_or_default();
        let boundary = memchr::memrchr(b'\n', before).map_or(0, |line_feed| line_feed + 1);
        let line_end = match octets.get(end..) {
            Some([b'\r', b'\n', ..]) => 2,
            Some([b'\n', ..]) => 1,
            _ => 0,
        };
        boundary..end + line_end
    }

    /// Whether the octets hold a line that ends the part in one of the multiparts around it.
    fn holds_boundary(part: &Part<'_>, octets: &[u8]) -> bool {
        let mut around = part.parent();
        while let Some(outer) = around {
            if outer.kind() == PartKind::Multipart {
                let boundary = outer.boundary().unwrap_or_default();
                let mut lines = octets.split(|&octet| octet == b'\n');
                let found = lines.any(|line| {
                    let text = line.strip_prefix(b"--").map(<[u8]>::trim_ascii_end);
                    let behind = text.and_then(|text| text.strip_prefix(&boundary[..]));
                    matches!(behind, Some(b"" | b"--"))
                });
                if found {
                    return true;
                }
            }
            around = outer.parent();
        }
        false
    }

    /// The pieces of the changed message in order: those of the old one, and the new ones between them. Nothing is
    /// copied.
    pub fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        self.places().into_iter().map(|piece| match piece {
            Piece::Old(range) => self.message.octets().get(range).unwrap_or_default(),
            Piece::New(new) => new,
        })
    }

    /// The same as [`Bytes`], without a copy of the octets of a message that owns them.
    pub fn to_pieces(&self) -> Vec<Bytes> {
        self.places()
            .into_iter()
            .map(|piece| match piece {
                Piece::Old(range) => self.message.slice(range),
                Piece::New(new) => Bytes::copy_from_slice(new),
            })
            .collect()
    }

    /// The changed message in one.
    pub fn to_vec(&self) -> Vec<u8> {
        self.pieces().collect::<Vec<_>>().concat()
    }

    fn places(&self) -> Vec<Piece<'_>> {
        let mut splices: Vec<&Splice<'_>> = self.splices.iter().collect();
        // What is put in at a place comes before what is removed there; the wider range counts before those in it.
        splices.sort_by_key(|splice| {
            let length = splice.at.len();
            (
                splice.at.start,
                splice.order != usize::MAX,
                length > 0,
                core::cmp::Reverse(length),
                splice.order,
            )
        });
        let mut pieces = Vec::new();
        let mut at = 0;
        for splice in splices {
            if splice.at.start < at {
                continue;
            }
            if splice.at.start > at {
                pieces.push(Piece::Old(at..splice.at.start));
            }
            if !splice.new.is_empty() {
                pieces.push(Piece::New(&splice.new));
            }
            at = splice.at.end;
        }
        let end = self.message.octets().len();
        if at < end {
            pieces.push(Piece::Old(at..end));
        }
        pieces
    }
}

enum Piece<'a> {
    Old(Range<usize>),
    New(&'a [u8]),
}

/// Whether the octets are one whole field and nothing else.
fn check_field(octets: &[u8]) -> Result<(), EditError> {
    let message = Message::parse(octets);
    let (start, body, end) = message.root().places();
    let mut fields = message.header().fields();
    let sound = start == 0
        && body == end
        && octets.ends_with(b"\n")
        && message.defects().is_empty()
        && fields
            .next()
            .is_some_and(|field| field.octets().len() == octets.len() && !field.name().is_empty());
    if sound { Ok(()) } else { Err(EditError::NotAField) }
}
