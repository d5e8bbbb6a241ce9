//! Sections of a message (RFC 9051 section 6.4.5.1).

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use crate::header::Header;
use crate::part::Part;
use crate::types::TransferEncoding;

/// A section of a message, as `FETCH BODY[…]` names it (RFC 9051 section 6.4.5.1).
///
/// ```
/// use postroad_message::{Message, Section, SectionText};
///
/// let octets = b"From: alice@crepes.fr\r\nTo: bob@hamburger.edu\r\n\r\nHello\r\n";
/// let message = Message::parse(octets);
/// // BODY[1]
/// let body = message.section(&Section::new(&[1], SectionText::Whole)).unwrap();
/// assert_eq!(body.ranges(), [48..55]);
/// // BODY[HEADER.FIELDS (TO)]<0.5>
/// let to = message.section(&Section::new(&[], SectionText::HeaderFields(&[b"to"]))).unwrap();
/// assert_eq!(to.of(octets)[..], b"To: bob@hamburger.edu\r\n\r\n"[..]);
/// assert_eq!(to.partial(0, 5).of(octets)[..], b"To: b"[..]);
/// // BODY[2]
/// assert!(message.section(&Section::new(&[2], SectionText::Whole)).is_none());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Section<'s> {
    /// The number of the part, counted from 1 at each level; empty for the message.
    pub part: &'s [u32],
    /// What of the part.
    pub text: SectionText<'s>,
}

/// What of a part a [`Section`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SectionText<'s> {
    /// The whole message, or the body of the part.
    #[default]
    Whole,
    /// `HEADER`: the header of the message, or of the message in the part.
    Header,
    /// `HEADER.FIELDS`: the fields of that header with one of these names, and the blank line behind it.
    HeaderFields(&'s [&'s [u8]]),
    /// `HEADER.FIELDS.NOT`: all of that header but the fields with one of these names.
    HeaderFieldsNot(&'s [&'s [u8]]),
    /// `TEXT`: the body of the message, or of the message in the part.
    Text,
    /// `MIME`: the header of the part.
    Mime,
}

impl<'s> Section<'s> {
    /// The section of a part.
    pub const fn new(part: &'s [u32], text: SectionText<'s>) -> Self {
        Self { part, text }
    }
}

/// Where the octets of a section are: ranges of the message, one behind the other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SectionOctets {
    ranges: Vec<Range<usize>>,
}

impl SectionOctets {
    /// The ranges in ascending order, none of them empty; but the blank line behind a choice of fields may be taken
    /// from somewhere else.
    pub fn ranges(&self) -> &[Range<usize>] {
        &self.ranges
    }

    /// How many octets it has.
    pub fn len(&self) -> usize {
        self.ranges.iter().map(Range::len).sum()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// At most `length` of its octets, from `origin` on, as `<origin.length>` asks for.
    #[must_use]
    pub fn partial(&self, origin: u64, length: u64) -> Self {
        let mut skip = usize::try_from(origin).unwrap_or(usize::MAX);
        let mut left = usize::try_from(length).unwrap_or(usize::MAX);
        let mut ranges = Vec::new();
        for range in &self.ranges {
            let start = range.start + skip.min(range.len());
            skip -= start - range.start;
            let end = range.end.min(start.saturating_add(left));
            left -= end - start;
            if start < end {
                ranges.push(start..end);
            }
        }
        Self { ranges }
    }

    /// The octets, taken from those of the message.
    pub fn of<'m>(&self, message: &'m [u8]) -> Cow<'m, [u8]> {
        let octets = |range: &Range<usize>| message.get(range.clone()).unwrap_or_default();
        match &self.ranges[..] {
            [] => Cow::Borrowed(&[]),
            [range] => Cow::Borrowed(octets(range)),
            ranges => Cow::Owned(ranges.iter().map(octets).collect::<Vec<_>>().concat()),
        }
    }

    fn push(&mut self, range: Range<usize>) {
        match self.ranges.last_mut() {
            _ if range.is_empty() => {}
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.ranges.push(range),
        }
    }
}

/// The transfer encoding of a part is not known, so its octets cannot be decoded (`UNKNOWN-CTE` of RFC 9051).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownTransferEncoding;

impl fmt::Display for UnknownTransferEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the transfer encoding of the part is not known")
    }
}

impl core::error::Error for UnknownTransferEncoding {}

/// The part of this number. Messages that lie encoded in this one have no numbers, for IMAP gives them as they stand.
fn part_at<'m>(root: Part<'m>, path: &[u32]) -> Option<Part<'m>> {
    let mut numbers = path.iter().copied();
    let enter = |root: Part<'m>, number: u32| {
        if root.is_multipart() { root.child(number) } else { (number == 1).then_some(root) }
    };
    let mut part = enter(root, numbers.next()?)?;
    for number in numbers {
        part = if part.is_multipart() {
            part.child(number)?
        } else {
            enter(part.message().filter(|_| part.is_plain_message())?, number)?
        };
    }
    Some(part)
}

pub(super) fn section(root: Part<'_>, section: &Section<'_>) -> Option<SectionOctets> {
    let mut octets = SectionOctets::default();
    let (part, message) = if section.part.is_empty() {
        (None, Some(root))
    } else {
        let part = part_at(root, section.part)?;
        (Some(part), part.message().filter(|_| part.is_plain_message()))
    };
    match section.text {
        SectionText::Whole => {
            let (start, body, end) = part.unwrap_or(root).places();
            octets.push(if part.is_some() { body..end } else { start..end });
        }
        SectionText::Mime => {
            let (start, body, _) = part?.places();
            octets.push(start..body);
        }
        SectionText::Header => {
            let (start, body, _) = message?.places();
            octets.push(start..body);
        }
        SectionText::Text => {
            let (_, body, end) = message?.places();
            octets.push(body..end);
        }
        SectionText::HeaderFields(names) => fields(message?, names, &mut octets),
        SectionText::HeaderFieldsNot(names) => fields_not(message?, names, &mut octets),
    }
    Some(octets)
}

/// Where the fields with one of the names are.
fn named(header: Header<'_>, names: &[&[u8]]) -> impl Iterator<Item = Range<usize>> {
    header.fields().filter_map(move |field| {
        let name = field.raw_name();
        let found = !name.is_empty() && names.iter().any(|wanted| wanted.eq_ignore_ascii_case(name));
        found.then(|| field.offset()..field.offset() + field.octets().len())
    })
}

fn fields(message: Part<'_>, names: &[&[u8]], octets: &mut SectionOctets) {
    let (start, body, end) = message.places();
    for range in named(message.header(), names) {
        octets.push(range);
    }
    if let Some(blank) = blank_line(message.source(), start, body) {
        octets.push(blank);
    } else if body < end && message.source().get(start..body).is_some_and(|header| header.ends_with(b"\n")) {
        // The blank line was left out, though there is a body. The line end of the last field stands in for it.
        let has_return = message.source().get(start..body).is_some_and(|header| header.ends_with(b"\r\n"));
        octets.ranges.push(body - 1 - usize::from(has_return)..body);
    }
}

fn fields_not(message: Part<'_>, names: &[&[u8]], octets: &mut SectionOctets) {
    let (start, body, _) = message.places();
    let mut at = start;
    for range in named(message.header(), names) {
        octets.push(at..range.start);
        at = range.end;
    }
    octets.push(at..body);
}

/// The blank line at the end of a header block.
fn blank_line(octets: &[u8], start: usize, body: usize) -> Option<Range<usize>> {
    let header = octets.get(start..body)?;
    let before = header.strip_suffix(b"\n")?;
    let before = before.strip_suffix(b"\r").unwrap_or(before);
    (before.is_empty() || before.ends_with(b"\n")).then(|| start + before.len()..body)
}

pub(super) fn binary_len(root: Part<'_>, path: &[u32]) -> Option<Result<usize, UnknownTransferEncoding>> {
    if path.is_empty() {
        return Some(Ok(root.octets().len()));
    }
    let part = part_at(root, path)?;
    if part.transfer_encoding() == TransferEncoding::Unknown && !part.is_multipart() {
        return Some(Err(UnknownTransferEncoding));
    }
    Some(Ok(part.decoded_len()))
}

pub(super) fn binary<'m>(
    root: Part<'m>,
    path: &[u32],
) -> Option<Result<Cow<'m, [u8]>, UnknownTransferEncoding>> {
    if path.is_empty() {
        return Some(Ok(Cow::Borrowed(root.octets())));
    }
    let part = part_at(root, path)?;
    if part.transfer_encoding() == TransferEncoding::Unknown && !part.is_multipart() {
        return Some(Err(UnknownTransferEncoding));
    }
    Some(Ok(part.body()))
}
