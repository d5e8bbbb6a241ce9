use crate::response::{BodyStructure, Envelope, print};
use crate::types::{DateTime, Flag, ModSeq, Section, SectionText};
use bytes::{BufMut, BytesMut};
use core::num::NonZeroU32;

/// Prints the rows of a FETCH, item by item (RFC 9051 section 7.5.2).
///
/// It holds no output of its own, so that the octets of a body can go out between the items, uncopied: what it prints is appended to what
/// is given.
///
/// ```
/// use bytes::BytesMut;
/// use postroad_imap::response::RowWriter;
/// use postroad_imap::types::{Flag, Section};
///
/// let mut out = BytesMut::new();
/// let mut row = RowWriter::begin(&mut out, 12, false);
/// row.uid(&mut out, 4_827_313);
/// row.flags(&mut out, &[Flag::Seen]);
/// row.section(&mut out, &Section::parse("1.HEADER.FIELDS (From)")?, None, Some(b"From: a@example.com\r\n\r\n"));
/// row.literal(&mut out, &Section::parse("TEXT")?, Some(0), 5);
/// out.extend_from_slice(b"hello");
/// row.end(&mut out);
/// assert_eq!(
///     out,
///     "* 12 FETCH (UID 4827313 FLAGS (\\Seen) BODY[1.HEADER.FIELDS (From)] {23}\r\nFrom: a@example.com\r\n\r\n BODY[TEXT]<0> {5}\r\nhello)\r\n",
/// );
/// # Ok::<(), postroad_imap::ParseError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a row that is begun must be ended"]
pub struct RowWriter {
    utf8: bool,
    any: bool,
    has_uid: bool,
}

impl RowWriter {
    /// Begins the row of a message number. `utf8` says whether UTF-8 was agreed on.
    pub fn begin(out: &mut BytesMut, number: u32, utf8: bool) -> Self {
        Self::head(out, number, b" FETCH (", utf8)
    }

    /// Begins the row of a UID, for a client that wants no message numbers (RFC 9586 section 3.3).
    pub fn begin_uid(out: &mut BytesMut, uid: u32, utf8: bool) -> Self {
        Self::head(out, uid, b" UIDFETCH (", utf8)
    }

    fn head(out: &mut BytesMut, number: u32, name: &[u8], utf8: bool) -> Self {
        out.put_slice(b"* ");
        print::number(out, number);
        out.put_slice(name);
        Self { utf8, any: false, has_uid: false }
    }

    fn name(&mut self, out: &mut BytesMut, name: &[u8]) {
        if core::mem::replace(&mut self.any, true) {
            out.put_u8(b' ');
        }
        out.put_slice(name);
    }

    /// `UID`, once: in a row that has it already this does nothing.
    pub fn uid(&mut self, out: &mut BytesMut, uid: u32) {
        if core::mem::replace(&mut self.has_uid, true) {
            return;
        }
        self.name(out, b"UID ");
        print::number(out, uid);
    }

    /// `FLAGS`.
    pub fn flags<'f>(&mut self, out: &mut BytesMut, flags: impl IntoIterator<Item = &'f Flag>) {
        self.name(out, b"FLAGS ");
        print::list(out, flags, |out, flag| {
            if flag.is_system() {
                out.put_u8(b'\\');
            }
            out.put_slice(flag.name().as_bytes());
        });
    }

    /// `INTERNALDATE`.
    pub fn internal_date(&mut self, out: &mut BytesMut, date: DateTime) {
        self.name(out, b"INTERNALDATE \"");
        out.put_slice(&date.to_octets());
        out.put_u8(b'"');
    }

    /// `RFC822.SIZE`, in octets.
    pub fn size(&mut self, out: &mut BytesMut, size: u64) {
        self.name(out, b"RFC822.SIZE ");
        print::number(out, size);
    }

    /// `MODSEQ` (RFC 7162 section 3.1.4).
    pub fn mod_seq(&mut self, out: &mut BytesMut, mod_seq: ModSeq) {
        self.name(out, b"MODSEQ (");
        print::number(out, mod_seq.get());
        out.put_u8(b')');
    }

    /// `ENVELOPE`.
    pub fn envelope(&mut self, out: &mut BytesMut, envelope: &Envelope) {
        self.name(out, b"ENVELOPE ");
        envelope.encode(out, self.utf8);
    }

    /// `BODYSTRUCTURE`.
    pub fn body_structure(&mut self, out: &mut BytesMut, structure: &BodyStructure) {
        self.name(out, b"BODYSTRUCTURE ");
        structure.encode(out, true, self.utf8);
    }

    /// `BODY`: the structure without its extension data.
    pub fn body(&mut self, out: &mut BytesMut, structure: &BodyStructure) {
        self.name(out, b"BODY ");
        structure.encode(out, false, self.utf8);
    }

    /// `BODY[section]<origin>` and its octets; `None` is `NIL`. Octets with a NUL are sent as they are, in a literal: to leave them out
    /// would make the message another.
    pub fn section(
        &mut self,
        out: &mut BytesMut,
        section: &Section,
        origin: Option<u64>,
        octets: Option<&[u8]>,
    ) {
        self.section_name(out, b"BODY[", section, origin);
        match octets {
            Some(octets) => print::literal(out, octets),
            None => out.put_slice(b"NIL"),
        }
    }

    /// `BODY[section]<origin> {len}` and CRLF: `len` octets must follow, and then more items or the end.
    pub fn literal(&mut self, out: &mut BytesMut, section: &Section, origin: Option<u64>, len: u64) {
        self.section_name(out, b"BODY[", section, origin);
        print::literal_header(out, len);
    }

    /// `BINARY[part]<origin>` and its decoded octets; `None` is `NIL`. Octets with a NUL go into a literal8 (RFC 9051 section 6.4.5).
    pub fn binary(
        &mut self,
        out: &mut BytesMut,
        part: &[NonZeroU32],
        origin: Option<u64>,
        octets: Option<&[u8]>,
    ) {
        self.part_name(out, b"BINARY[", part, origin);
        match octets {
            Some(octets) => {
                if memchr::memchr(0, octets).is_some() {
                    out.put_u8(b'~');
                }
                print::literal(out, octets);
            }
            None => out.put_slice(b"NIL"),
        }
    }

    /// `BINARY[part]<origin> ~{len}` and CRLF: `len` octets must follow.
    pub fn binary_literal(&mut self, out: &mut BytesMut, part: &[NonZeroU32], origin: Option<u64>, len: u64) {
        self.part_name(out, b"BINARY[", part, origin);
        out.put_u8(b'~');
        print::literal_header(out, len);
    }

    /// `BINARY.SIZE[part]`: how many octets it has when decoded.
    pub fn binary_size(&mut self, out: &mut BytesMut, part: &[NonZeroU32], size: u64) {
        self.part_name(out, b"BINARY.SIZE[", part, None);
        print::number(out, size);
    }

    /// `RFC822`, `RFC822.HEADER` or `RFC822.TEXT` and its octets (RFC 3501 section 6.4.5); another section is nothing of that, and is
    /// printed as `BODY[…]`.
    pub fn rfc822(&mut self, out: &mut BytesMut, section: &Section, octets: &[u8]) {
        match rfc822_name(section) {
            Some(name) => {
                self.name(out, name);
                print::literal(out, octets);
            }
            None => self.section(out, section, None, Some(octets)),
        }
    }

    /// `RFC822` and its like, as [`rfc822`](Self::rfc822), `{len}` and CRLF: `len` octets must follow.
    pub fn rfc822_literal(&mut self, out: &mut BytesMut, section: &Section, len: u64) {
        match rfc822_name(section) {
            Some(name) => {
                self.name(out, name);
                print::literal_header(out, len);
            }
            None => self.literal(out, section, None, len),
        }
    }

    /// `PREVIEW`; `None` is `NIL` (RFC 8970). It is in UTF-8, so what is not ASCII is a literal unless UTF-8 was agreed on.
    pub fn preview(&mut self, out: &mut BytesMut, preview: Option<&str>) {
        self.name(out, b"PREVIEW ");
        print::nstring(out, preview.map(str::as_bytes), self.utf8);
    }

    /// `EMAILID` (RFC 8474 section 5.1): letters, digits, `-` and `_`; what else there is, is left out.
    pub fn email_id(&mut self, out: &mut BytesMut, id: &str) {
        self.name(out, b"EMAILID (");
        out.extend(object_id(id));
        out.put_u8(b')');
    }

    /// `THREADID`; `None` is `NIL` (RFC 8474 section 5.2).
    pub fn thread_id(&mut self, out: &mut BytesMut, id: Option<&str>) {
        self.name(out, b"THREADID ");
        match id {
            Some(id) => {
                out.put_u8(b'(');
                out.extend(object_id(id));
                out.put_u8(b')');
            }
            None => out.put_slice(b"NIL"),
        }
    }

    /// `SAVEDATE`; `None` is `NIL` (RFC 8514).
    pub fn save_date(&mut self, out: &mut BytesMut, date: Option<DateTime>) {
        self.name(out, b"SAVEDATE ");
        match date {
            Some(date) => {
                out.put_u8(b'"');
                out.put_slice(&date.to_octets());
                out.put_u8(b'"');
            }
            None => out.put_slice(b"NIL"),
        }
    }

    /// An item that is printed already, name and value, such as one out of a cache. It must be right: nobody looks into it.
    pub fn printed(&mut self, out: &mut BytesMut, item: &[u8]) {
        self.name(out, item);
    }

    /// Ends the row, with its CRLF.
    pub fn end(self, out: &mut BytesMut) {
        out.put_slice(b")\r\n");
    }

    fn part_name(&mut self, out: &mut BytesMut, name: &[u8], part: &[NonZeroU32], origin: Option<u64>) {
        self.name(out, name);
        numbers(out, part);
        end_name(out, origin);
    }

    fn section_name(&mut self, out: &mut BytesMut, name: &[u8], section: &Section, origin: Option<u64>) {
        self.name(out, name);
        numbers(out, section.part());
        let (word, fields): (&[u8], &[_]) = match section.text() {
            SectionText::Header => (b"HEADER", &[]),
            SectionText::HeaderFields(fields) => (b"HEADER.FIELDS ", fields),
            SectionText::HeaderFieldsNot(fields) => (b"HEADER.FIELDS.NOT ", fields),
            SectionText::Text => (b"TEXT", &[]),
            SectionText::Mime => (b"MIME", &[]),
            SectionText::Whole => (b"", &[]),
        };
        if !word.is_empty() && !section.part().is_empty() {
            out.put_u8(b'.');
        }
        out.put_slice(word);
        if !fields.is_empty() {
            let utf8 = self.utf8;
            print::list(out, fields, |out, field| print::astring(out, field, utf8));
        }
        end_name(out, origin);
    }
}

fn end_name(out: &mut BytesMut, origin: Option<u64>) {
    out.put_u8(b']');
    if let Some(origin) = origin {
        out.put_u8(b'<');
        print::number(out, origin);
        out.put_u8(b'>');
    }
    out.put_u8(b' ');
}

fn numbers(out: &mut BytesMut, part: &[NonZeroU32]) {
    for (at, number) in part.iter().enumerate() {
        if at > 0 {
            out.put_u8(b'.');
        }
        print::number(out, number.get());
    }
}

/// The name that the whole message, its header or its text had in RFC 3501, with a space.
fn rfc822_name(section: &Section) -> Option<&'static [u8]> {
    match section.text() {
        SectionText::Whole if section.part().is_empty() => Some(b"RFC822 "),
        SectionText::Header if section.part().is_empty() => Some(b"RFC822.HEADER "),
        SectionText::Text if section.part().is_empty() => Some(b"RFC822.TEXT "),
        _ => None,
    }
}

fn object_id(id: &str) -> impl Iterator<Item = u8> + '_ {
    id.bytes().filter(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'))
}
