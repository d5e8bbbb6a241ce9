use super::parse::{Stop, read_head};
use super::view::name_section;
use super::{FetchRow, ItemKind};
use crate::response::reader::{Reader, Span};
use crate::response::{Repair, ResponseOptions};
use crate::types::Section;
use bytes::{Bytes, BytesMut};
use postroad_core::{ParseError, ParseErrorKind};

/// A literal of a row whose octets come apart from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamedBody {
    /// Of which section; `None` if its name is none of the grammar.
    pub section: Option<Section>,
    /// Where in the section the octets begin, if only a part was asked for.
    pub origin: Option<u64>,
    /// Whether it is `BINARY`: decoded.
    pub binary: bool,
    /// How many octets it has.
    pub len: u64,
}

/// How far a row is.
#[derive(Debug, Clone)]
pub enum RowProgress {
    /// What was given ends in the header of a literal: its octets come next, and then more of the row.
    Body(StreamedBody),
    /// The row is complete.
    Done {
        /// The row. Its streamed sections are [`SectionValue::Streamed`](super::SectionValue::Streamed).
        row: Box<FetchRow>,
        /// What was repaired; offsets are into what was given, joined.
        repairs: Vec<Repair>,
    },
}

/// Reads a row in pieces, between which literals are streamed.
///
/// Each piece but the last ends in the header of a literal, without the CRLF behind it; the octets of that literal are not given.
///
/// ```
/// use postroad_imap::response::{FetchRowParser, RowProgress};
///
/// let mut parser = FetchRowParser::new(&Default::default(), 65_536);
/// let RowProgress::Body(body) = parser.push(b"* 7 FETCH (UID 70 BODY[] {1000000}")? else { unreachable!() };
/// assert_eq!((parser.number(), parser.uid(), body.len), (7, Some(70), 1_000_000));
/// let RowProgress::Done { row, .. } = parser.push(b" RFC822.SIZE 1000000)")? else { unreachable!() };
/// assert_eq!(row.size(), Some(1_000_000));
/// # Ok::<(), postroad_imap::ParseError>(())
/// ```
#[derive(Debug)]
pub struct FetchRowParser {
    options: ResponseOptions,
    limit: usize,
    raw: BytesMut,
    at: usize,
    row: FetchRow,
    repairs: Vec<Repair>,
}

impl FetchRowParser {
    /// A parser of one row, of which all pieces together may have `limit` octets.
    pub fn new(options: &ResponseOptions, limit: usize) -> Self {
        Self {
            options: *options,
            limit: limit.min(Span::LIMIT),
            raw: BytesMut::new(),
            at: 0,
            row: FetchRow::empty(0, false),
            repairs: Vec::new(),
        }
    }

    /// Whether `head`, which ends in the header of a literal, is the beginning of a row up to a section of a message: only there may a
    /// literal be streamed.
    pub fn may_stream(head: &[u8]) -> bool {
        let mut words = head.split(|octet| *octet == b' ');
        let is_row = words.next() == Some(b"*")
            && words.next().is_some_and(|number| number.iter().all(u8::is_ascii_digit))
            && words.next().is_some_and(|word| {
                word.eq_ignore_ascii_case(b"FETCH") || word.eq_ignore_ascii_case(b"UIDFETCH")
            });
        is_row && Self::may_stream_next(head)
    }

    /// The same of a piece behind a literal that was streamed.
    pub fn may_stream_next(piece: &[u8]) -> bool {
        let name = memchr::memrchr(b'{', piece).map(|at| piece[..at].trim_ascii_end());
        // `~` of `~{` is not part of the name.
        let name = name.map(|name| name.strip_suffix(b"~").unwrap_or(name).trim_ascii_end());
        name.is_some_and(is_section_end)
    }

    /// Takes the next piece.
    ///
    /// # Errors
    ///
    /// It is no row, or all pieces are longer than the limit, or its literal is not that of a section. What then comes of the row must
    /// be skipped.
    pub fn push(&mut self, piece: &[u8]) -> Result<RowProgress, ParseError> {
        if self.raw.len().saturating_add(piece.len()) > self.limit {
            let kind = ParseErrorKind::TooLong { what: "a row without its bodies", limit: self.limit };
            return Err(ParseError::new(kind, self.raw.len(), &self.raw));
        }
        self.raw.extend_from_slice(piece);
        let mut reader = Reader::new(&self.raw, self.options);
        reader.go_to(self.at);
        if self.at == 0 {
            self.row = read_head(&mut reader).map_err(|error| *error)?;
        }
        let stop = self.row.read_items(&mut reader, self.at > 0).map_err(|error| *error)?;
        self.at = reader.at();
        self.repairs.extend(reader.into_repairs());
        self.repairs.truncate(64);
        if stop == Stop::Streamed {
            let item = self.row.items.last().filter(|item| item.kind == ItemKind::Streamed);
            let (name, len) = item.map_or((&b""[..], 0), |item| (item.name.octets(&self.raw), item.number));
            let (section, origin) = name_section(name);
            let binary = name.get(..6).is_some_and(|name| name.eq_ignore_ascii_case(b"BINARY"));
            return Ok(RowProgress::Body(StreamedBody { section, origin, binary, len }));
        }
        let mut row = core::mem::replace(&mut self.row, FetchRow::empty(0, false));
        row.raw = Bytes::from(core::mem::take(&mut self.raw));
        self.at = 0;
        Ok(RowProgress::Done { row: Box::new(row), repairs: core::mem::take(&mut self.repairs) })
    }

    /// The message number, or with UIDFETCH the UID; 0 before the first piece.
    pub fn number(&self) -> u32 {
        self.row.number
    }

    /// `UID`, if the row has told it so far.
    pub fn uid(&self) -> Option<u32> {
        self.row.uid()
    }
}

/// Whether the octets before a literal end in the name of a section.
fn is_section_end(before: &[u8]) -> bool {
    let word = before.rsplit(|octet| matches!(octet, b' ' | b'(')).next().unwrap_or_default();
    let named = ["RFC822", "RFC822.HEADER", "RFC822.TEXT"];
    named.iter().any(|name| word.eq_ignore_ascii_case(name.as_bytes()))
        || word.ends_with(b"]")
        || word.ends_with(b">")
            && word.rsplit(|octet| *octet == b'<').nth(1).is_some_and(|before| before.ends_with(b"]"))
}
