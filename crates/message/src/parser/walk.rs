//! A walk through octets: where it is, and which parts are open.

use alloc::vec::Vec;

use bytes::Bytes;
use memchr::memchr;

use crate::scanner::is_ftext;

/// The longest line that may be (RFC 5322 section 2.1.1). A boundary with more white space behind it is none.
pub(super) const LINE_LIMIT: usize = 998;
/// The longest boundary that may be (RFC 2046 section 5.1.1).
pub(super) const BOUNDARY_LIMIT: usize = 70;

/// A part whose end has not been seen.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Open {
    pub(super) part: u32,
    /// Of a multipart whose closing boundary has not been seen.
    pub(super) boundary: Option<Boundary>,
    pub(super) is_multipart: bool,
    /// The boundary occurred.
    pub(super) found: bool,
    pub(super) is_digest: bool,
    pub(super) children: u32,
    pub(super) last_child: u32,
}

/// Where a boundary is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Boundary {
    /// In the octets that are walked through.
    At { start: usize, length: usize },
    /// Among [`Walk::boundaries`].
    Owned(usize),
}

/// The parts that are open, the outermost first. The first few need no allocation.
#[derive(Debug, Default)]
pub(super) struct OpenParts {
    first: [Open; INLINE],
    more: Vec<Open>,
    length: usize,
}

const INLINE: usize = 8;

impl OpenParts {
    pub(super) const fn len(&self) -> usize {
        self.length
    }

    pub(super) fn get(&self, level: usize) -> Option<&Open> {
        if level >= self.length {
            return None;
        }
        self.first.get(level).or_else(|| self.more.get(level - INLINE))
    }

    pub(super) fn last(&self) -> Option<&Open> {
        self.get(self.length.checked_sub(1)?)
    }

    pub(super) fn last_mut(&mut self) -> Option<&mut Open> {
        let level = self.length.checked_sub(1)?;
        if level < INLINE { self.first.get_mut(level) } else { self.more.get_mut(level - INLINE) }
    }

    pub(super) fn push(&mut self, open: Open) {
        match self.first.get_mut(self.length) {
            Some(place) => *place = open,
            None => self.more.push(open),
        }
        self.length += 1;
    }

    pub(super) fn pop(&mut self) -> Option<Open> {
        let level = self.length.checked_sub(1)?;
        self.length = level;
        if level < INLINE { self.first.get(level).copied() } else { self.more.pop() }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum State {
    /// At the first line of the header of the part that was opened last.
    Header,
    /// At the first line of a body, preamble or epilogue.
    Body,
    /// Behind a boundary of the multipart at `open[level]`, whose content ended at `end`.
    Boundary { level: usize, closing: bool, end: usize },
    /// At the end.
    End,
}

#[derive(Debug, Clone)]
pub(super) enum Octets<'a> {
    Borrowed(&'a [u8]),
    Decoded(Bytes),
}

impl Octets<'_> {
    pub(super) fn get(&self) -> &[u8] {
        match self {
            Self::Borrowed(octets) => octets,
            Self::Decoded(octets) => octets,
        }
    }
}

#[derive(Debug)]
pub(super) struct Walk<'a> {
    pub(super) octets: Octets<'a>,
    pub(super) source: u32,
    pub(super) state: State,
    pub(super) at: usize,
    pub(super) open: OpenParts,
    /// How many open parts have a boundary.
    pub(super) bounded: usize,
    /// Boundaries that do not stand in the octets as they are.
    pub(super) boundaries: Vec<Vec<u8>>,
    /// Whether a header block that is too large is left where that is noticed.
    pub(super) leaves_large_header: bool,
    /// A header block was left, where the line begins that is too much.
    pub(super) left_header: bool,
    /// The last search for a blank line in this header block: from where, and where it was or the search ended.
    pub(super) blank: Option<(usize, Option<usize>)>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(octets: Octets<'a>, source: u32) -> Self {
        Self {
            octets,
            source,
            state: State::Header,
            at: 0,
            open: OpenParts::default(),
            bounded: 0,
            boundaries: Vec::new(),
            leaves_large_header: false,
            left_header: false,
            blank: None,
        }
    }

    /// The open multipart of which the line is a boundary, the innermost first, and whether it is the closing one
    /// (RFC 2046 section 5.1.1).
    pub(super) fn boundary_of(&self, octets: &[u8], line: &[u8]) -> Option<(usize, bool)> {
        if self.bounded == 0 || line.len() > LINE_LIMIT {
            return None;
        }
        let text = line.strip_prefix(b"--")?;
        let blanks = text.iter().rev().take_while(|octet| matches!(octet, b' ' | b'\t')).count();
        let text = text.get(..text.len() - blanks)?;
        (0..self.open.len()).rev().find_map(|level| {
            let boundary = match self.open.get(level)?.boundary? {
                Boundary::At { start, length } => octets.get(start..start + length)?,
                Boundary::Owned(at) => self.boundaries.get(at)?,
            };
            if text == boundary {
                return Some((level, false));
            }
            let closing =
                text.len() == boundary.len() + 2 && text.starts_with(boundary) && text.ends_with(b"--");
            closing.then_some((level, true))
        })
    }
}

/// A line: the end of its text, and the start of the next.
pub(super) fn line_at(octets: &[u8], start: usize) -> (usize, usize) {
    match octets.get(start..).and_then(|rest| memchr(b'\n', rest)) {
        Some(found) => {
            let line_feed = start + found;
            let has_return = found > 0 && octets.get(line_feed - 1) == Some(&b'\r');
            (line_feed - usize::from(has_return), line_feed + 1)
        }
        None => (octets.len(), octets.len()),
    }
}

/// A field that is as it should be, with its folds.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlainField {
    /// Length of the name; the colon follows.
    pub(super) name: usize,
    /// The line end of the last line.
    pub(super) end: usize,
    /// Behind that line end.
    pub(super) next: usize,
}

/// The field at `start`, if nothing about it is unusual.
#[inline]
pub(super) fn plain_field(octets: &[u8], start: usize) -> Option<PlainField> {
    let line = octets.get(start..)?;
    let name = name_length(line);
    if name == 0 || line.get(name) != Some(&b':') || line.starts_with(b"--") {
        return None;
    }
    let mut at = start + name + 1;
    loop {
        let (end, next) = line_at(octets, at);
        match octets.get(next) {
            Some(b' ' | b'\t') => {
                let first = octets.get(next + 1..)?.iter().find(|octet| !matches!(octet, b' ' | b'\t'));
                if matches!(first, None | Some(b'\r' | b'\n')) {
                    return None;
                }
                at = next;
            }
            _ => return Some(PlainField { name, end, next }),
        }
    }
}

/// How many characters of a field name (RFC 5322 section 3.6.8) the line begins with; eight are looked at in one step.
#[inline]
fn name_length(line: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let mut at = 0;
    while let Some(&[a, b, c, d, e, f, g, h]) = line.get(at..at + 8) {
        let word = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        // The lowest mark is exact; those above it may be wrong because of a carry.
        let colon = word ^ (ONES * 0x3a);
        let colons = colon.wrapping_sub(ONES) & !colon;
        let low = word.wrapping_sub(ONES * 0x21) & !word;
        let high = word.wrapping_add(ONES) | word;
        let marks = (colons | low | high) & HIGH;
        if marks != 0 {
            return at + (marks.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let rest = line.get(at..).unwrap_or_default();
    at + rest.iter().position(|&octet| !is_ftext(octet)).unwrap_or(rest.len())
}

/// Whether a line begins like a field: a name and a colon.
pub(super) fn field_name(line: &[u8]) -> Option<&[u8]> {
    let name = line.get(..memchr(b':', line)?)?;
    let end = name.iter().rposition(|octet| !matches!(octet, b' ' | b'\t')).map_or(0, |last| last + 1);
    let name = name.get(..end)?;
    (!name.is_empty() && !name.iter().any(|octet| matches!(octet, b' ' | b'\t'))).then_some(name)
}

/// `bchars` of RFC 2046 section 5.1.1.
pub(super) const fn is_boundary_character(octet: u8) -> bool {
    octet.is_ascii_alphanumeric()
        || matches!(
            octet,
            b'\'' | b'(' | b')' | b'+' | b'_' | b',' | b'-' | b'.' | b'/' | b':' | b'=' | b'?' | b' '
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_end_at_the_first_other_character() {
        for octet in 0..=255 {
            for at in 0..20 {
                let mut line = *b"abcdefghijklmnopqrstuvwx";
                line[at] = octet;
                let expected = line.iter().position(|&octet| !is_ftext(octet)).unwrap_or(line.len());
                assert_eq!(name_length(&line), expected, "{octet} at {at}");
                assert_eq!(name_length(&line[..=at]), expected.min(at + 1));
            }
        }
    }
}
