//! A FETCH response: one block of octets and flat lists of where in it things are (RFC 9051 section 7.5.2).

mod parse;
mod stream;
mod structure;
mod view;
mod writer;

pub use stream::{FetchRowParser, RowProgress, StreamedBody};
pub use view::{AddressView, BodyStructureView, EnvelopeView, PartKind, PartView, SectionValue, SectionView};
pub use writer::RowWriter;

use super::reader::Span;
use crate::types::ModSeq;
use bytes::Bytes;
use core::num::NonZeroU32;

/// The row of one message in the answer to FETCH, or one that says that its flags have changed (RFC 9051 section 7.5.2).
///
/// It is one block of octets, and where in it the items are; they are read through views, which do not allocate but for strings with
/// escapes. An item that is not known, or that could not be read, is one of [`others`](Self::others): no odd item costs the row.
///
/// ```
/// use bytes::Bytes;
/// use postroad_imap::response::{FetchRow, Response};
/// use postroad_imap::types::Flag;
///
/// let unit = Bytes::from_static(
///     b"* 12 FETCH (UID 4827313 FLAGS (\\Seen $Junk) RFC822.SIZE 4286 X-GM-MSGID 1278455344230334865 BODY[TEXT] {5}\r\nhello)",
/// );
/// let Response::Fetch(row) = Response::parse(&unit, &Default::default())?.response else { unreachable!() };
/// assert_eq!(row.number(), 12);
/// assert_eq!(row.uid(), Some(4_827_313));
/// assert_eq!(row.size(), Some(4286));
/// assert_eq!(row.flags().unwrap().next(), Some(Flag::Seen));
/// assert_eq!(row.others().next(), Some((&b"X-GM-MSGID"[..], &b"1278455344230334865"[..])));
/// assert_eq!(row.sections().next().unwrap().octets().unwrap(), "hello");
/// # Ok::<(), postroad_imap::ParseError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct FetchRow {
    raw: Bytes,
    number: u32,
    uid: Option<NonZeroU32>,
    size: Option<u64>,
    mod_seq: Option<ModSeq>,
    internal_date: Span,
    /// What is inside the parentheses: words with spaces between them.
    flags: Span,
    by_uid: bool,
    items: Vec<Item>,
    detail: Option<Box<Detail>>,
}

/// What is not in a field of the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Item {
    kind: ItemKind,
    /// The whole name, as it came.
    name: Span,
    value: Span,
    /// The size for `BINARY.SIZE`; how many octets a streamed literal has.
    number: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ItemKind {
    Section,
    Binary,
    BinarySize,
    Preview,
    EmailId,
    ThreadId,
    SaveDate,
    /// Not known, or odd.
    Other,
    /// A section or binary whose octets are not in the row.
    Streamed,
}

/// Envelope and body structure: four lists, however deep it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Detail {
    envelope: Option<EnvelopeSpans>,
    /// Whether `parts` are of BODYSTRUCTURE, and not of BODY.
    extended: bool,
    truncated: bool,
    /// Those of messages in the message.
    envelopes: Vec<EnvelopeSpans>,
    addresses: Vec<[Span; 4]>,
    parameters: Vec<[Span; 2]>,
    languages: Vec<Span>,
    parts: Vec<PartSpans>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct EnvelopeSpans {
    date: Span,
    subject: Span,
    /// Where in `addresses` each of the six lists begins, and the last ends.
    bounds: [u32; 7],
    in_reply_to: Span,
    message_id: Span,
}

/// From which to which index of a list.
type Bounds = (u32, u32);

#[derive(Debug, Clone, PartialEq, Eq)]
struct PartSpans {
    depth: u32,
    /// The index of the part that it is in.
    parent: u32,
    /// Which of its parent's parts it is, from 1.
    position: u32,
    kind: PartKind,
    media_type: Span,
    subtype: Span,
    parameters: Bounds,
    id: Span,
    description: Span,
    encoding: Span,
    octets: u64,
    lines: Option<u64>,
    md5: Span,
    disposition: Span,
    disposition_parameters: Bounds,
    language: Bounds,
    location: Span,
    envelope: Option<u32>,
}
