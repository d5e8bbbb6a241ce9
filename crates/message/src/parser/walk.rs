//! A walk through octets: where it is, and which parts are open.

use alloc::vec::Vec;

use bytes::Bytes;
use memchr::memchr;

/// The longest line that may be (RFC 5322 section 2.1.1).
pub(super) const LINE_LIMIT: usize = 998;
/// The longest boundary that may be (RFC 2046 section 5.1.1).
pub(super) const BOUNDARY_LIMIT: usize = 70;

/// A part whose end has not been seen.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) part: u32,
    /// Of a multipart whose closing boundary has not been seen.
    pub(super) boundary: Option<Vec<u8>>,
    /// The boundary occurred.
    pub(super) found: bool,
    pub(super) is_digest: bool,
    pub(super) children: u32,
    pub(super) last_child: u32,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum State {
    /// At the first line of the header of the part that was opened last.
    Header,
    /// At the first line of a body, preamble or epilogue.
    Body,
    /// Behind a boundary of the multipart at `open[level]`, whose content ended at `end`.
    Boundary { level: usize, closing: bool, end: End },
    /// At the end.
    End,
}

/// Where a part ends, and how many lines there are before that.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    pub(super) at: usize,
    pub(super) lines: usize,
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
    /// Line ends before `at`.
    pub(super) lines: usize,
    pub(super) open: Vec<Open>,
    pub(super) crlf: bool,
    pub(super) bare: Option<usize>,
    pub(super) too_long: Option<usize>,
    /// The last search for a blank line: from where, and where it was or the search ended.
    pub(super) blank: Option<(usize, Option<usize>)>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(octets: Octets<'a>, source: u32) -> Self {
        Self {
            octets,
            source,
            state: State::Header,
            at: 0,
            lines: 0,
            open: Vec::new(),
            crlf: false,
            bare: None,
            too_long: None,
            blank: None,
        }
    }

    /// Notes the line end at `line_feed` of the line that began at `start`, and gives the end of its text.
    #[inline]
    pub(super) fn note_line(&mut self, octets: &[u8], start: usize, line_feed: usize) -> usize {
        self.lines += 1;
        let end = if line_feed > start && octets.get(line_feed - 1) == Some(&b'\r') {
            self.crlf = true;
            line_feed - 1
        } else {
            self.bare.get_or_insert(line_feed);
            line_feed
        };
        if end - start > LINE_LIMIT {
            self.too_long.get_or_insert(start);
        }
        end
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

/// The open multipart of which the line is a boundary, the innermost first, and whether it is the closing one
/// (RFC 2046 section 5.1.1).
pub(super) fn boundary_of(open: &[Open], line: &[u8]) -> Option<(usize, bool)> {
    let text = line.strip_prefix(b"--")?;
    let blanks = text.iter().rev().take_while(|octet| matches!(octet, b' ' | b'\t')).count();
    let text = text.get(..text.len() - blanks)?;
    open.iter().enumerate().rev().find_map(|(level, open)| {
        let boundary = open.boundary.as_deref()?;
        if text == boundary {
            return Some((level, false));
        }
        let closing = text.len() == boundary.len() + 2 && text.starts_with(boundary) && text.ends_with(b"--");
        closing.then_some((level, true))
    })
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
