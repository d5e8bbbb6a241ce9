//! A part of a parsed message.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use crate::decode::{Count, Prefix, Sink, base64, charset, quoted_printable};
use crate::defect::{Defect, DefectCode, Defects};
use crate::error::{InvalidReason, InvalidValue};
use crate::header::{Header, message_id, parameters};
use crate::index::{FieldKind, Index, PartKind, PartRecord};
use crate::types::{
    ContentDisposition, ContentType, DispositionType, MediaType, MessageId, TransferEncoding,
};

/// The number of a part, as IMAP counts them (RFC 9051 section 6.4.5.1).
///
/// The root of a message that is a multipart has no number of its own, and shows as nothing. A message that is not is
/// part 1.
///
/// ```
/// use postroad_message::PartNumber;
/// let number: PartNumber = "2.1".parse()?;
/// assert_eq!(number.numbers(), [2, 1]);
/// assert_eq!(number.to_string(), "2.1");
/// # Ok::<(), postroad_message::InvalidValue>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PartNumber(Vec<u32>);

impl PartNumber {
    /// The numbers on the way from the root.
    pub fn numbers(&self) -> &[u32] {
        &self.0
    }
}

impl fmt::Display for PartNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, number) in self.0.iter().enumerate() {
            write!(f, "{}{number}", if index == 0 { "" } else { "." })?;
        }
        Ok(())
    }
}

impl FromStr for PartNumber {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let number = |digits: &str| match digits.parse::<u32>() {
            Ok(number) if number > 0 && digits.bytes().all(|octet| octet.is_ascii_digit()) => Ok(number),
            _ => Err(InvalidValue::new("part number", InvalidReason::Syntax, 0)),
        };
        text.split('.').map(number).collect::<Result<_, _>>().map(Self)
    }
}

/// A part of a message: the message itself, a part of a multipart, or the message in a `message/rfc822`.
///
/// It is a view, cheap to copy; what it holds is decoded when it is asked for.
///
/// ```
/// use postroad_message::Message;
///
/// let message = Message::parse(
///     b"Content-Type: multipart/mixed; boundary=b\r\n\r\n\
///       --b\r\n\r\nHello\r\n\
///       --b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nPGI+SGk8L2I+\r\n--b--\r\n",
/// );
/// let html = message.part("2").unwrap();
/// assert_eq!(html.content_type().essence(), "text/html");
/// assert_eq!(html.raw_body(), b"PGI+SGk8L2I+");
/// assert_eq!(html.text().unwrap(), "<b>Hi</b>");
/// ```
#[derive(Clone, Copy)]
pub struct Part<'m> {
    octets: &'m [u8],
    index: &'m Index,
    record: &'m PartRecord,
    at: u32,
}

impl fmt::Debug for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part")
            .field("number", &self.number())
            .field("record", self.record)
            .finish_non_exhaustive()
    }
}

impl PartialEq for Part<'_> {
    /// Whether it is the same part of the same message.
    fn eq(&self, other: &Self) -> bool {
        core::ptr::eq(self.record, other.record)
    }
}

impl Eq for Part<'_> {}

impl<'m> Part<'m> {
    /// The part `at` of a message with these octets.
    pub(crate) fn new(octets: &'m [u8], index: &'m Index, at: u32) -> Option<Self> {
        Some(Self { octets, index, record: index.part(at)?, at })
    }

    fn of(&self, at: u32) -> Option<Self> {
        Self::new(self.octets, self.index, at)
    }

    /// Where it stands among the parts of the message in document order, 0 for the root.
    pub const fn position(&self) -> usize {
        self.at as usize
    }

    /// How many parts it lies in.
    pub const fn depth(&self) -> usize {
        self.record.depth as usize
    }

    /// The multipart or `message/rfc822` that it lies in.
    pub fn parent(&self) -> Option<Self> {
        self.of(self.record.parent)
    }

    /// The parts directly in it: those of a multipart, or the one message of a `message/rfc822`.
    pub fn children(&self) -> impl Iterator<Item = Self> + use<'m> {
        let this = *self;
        let mut next = self.record.first_child;
        core::iter::from_fn(move || {
            let child = this.of(next)?;
            next = child.record.next_sibling;
            Some(child)
        })
    }

    /// A part that is nowhere; only for a message without an index.
    pub(crate) const fn empty(octets: &'m [u8], index: &'m Index, record: &'m PartRecord) -> Self {
        Self { octets, index, record, at: 0 }
    }

    pub(crate) fn next_sibling(&self) -> Option<Self> {
        self.of(self.record.next_sibling)
    }

    /// The child of this number, counted from 1.
    pub(crate) fn child(&self, number: u32) -> Option<Self> {
        self.children().nth((number as usize).checked_sub(1)?)
    }

    /// Whether it is a multipart that could be taken apart.
    pub const fn is_multipart(&self) -> bool {
        matches!(self.record.kind, PartKind::Multipart)
    }

    /// Whether it holds a message that could be taken apart.
    pub const fn is_message(&self) -> bool {
        matches!(self.record.kind, PartKind::Message | PartKind::EncodedMessage)
    }

    /// Whether it holds a message that lies there as it is, not encoded.
    pub(crate) const fn is_plain_message(&self) -> bool {
        matches!(self.record.kind, PartKind::Message)
    }

    pub(crate) const fn kind(&self) -> PartKind {
        self.record.kind
    }

    /// The boundary of a multipart.
    pub(crate) fn boundary(&self) -> Option<Vec<u8>> {
        let field = self.header().first(FieldKind::ContentType)?;
        let shape = parameters::shape(field.raw_value(), &self.index.limits)?;
        shape.boundary.map(Cow::into_owned)
    }

    /// Where its header, its body and its end are in the octets in which its offsets count.
    pub(crate) const fn places(&self) -> (usize, usize, usize) {
        (self.record.start, self.record.body, self.record.end)
    }

    /// The message in a `message/rfc822`.
    pub fn message(&self) -> Option<Self> {
        self.children().next().filter(|_| self.is_message())
    }

    /// Whether it is the root of the message, or of a message in it.
    pub fn is_root(&self) -> bool {
        self.parent().is_none_or(|parent| parent.is_message())
    }

    /// Its number as IMAP counts.
    pub fn number(&self) -> PartNumber {
        let mut numbers = Vec::new();
        let mut part = *self;
        loop {
            let parent = part.parent();
            match parent {
                Some(parent) if parent.is_multipart() => numbers.push(part.record.ordinal),
                // The root of a message has the number of the message, unless it is its only part.
                _ if !part.is_multipart() => numbers.push(1),
                _ => {}
            }
            match parent {
                Some(parent) => part = parent,
                None => break,
            }
        }
        // A multipart that is the root of a message shares the way to it, and has no number of its own.
        if self.is_multipart() && self.is_root() {
            numbers.clear();
        }
        numbers.reverse();
        PartNumber(numbers)
    }

    /// The part of this number, seen from this root of a message.
    pub(crate) fn descendant(&self, number: &PartNumber) -> Option<Self> {
        let mut root = *self;
        let mut numbers = number.0.iter().copied();
        let Some(first) = numbers.next() else { return root.is_multipart().then_some(root) };
        let mut part = if root.is_multipart() { root.child(first)? } else { (first == 1).then_some(root)? };
        for number in numbers {
            part = if part.is_multipart() {
                part.child(number)?
            } else {
                root = part.message()?;
                if root.is_multipart() { root.child(number)? } else { (number == 1).then_some(root)? }
            };
        }
        Some(part)
    }

    /// The octets in which its offsets count: the message, or the decoded message that it lies in.
    pub(crate) fn source(&self) -> &'m [u8] {
        self.index.decoded_of(self.record.source).map_or(self.octets, |decoded| &decoded.octets)
    }

    /// Whether it lies in a message that is encoded in this one (base64 or quoted-printable).
    pub const fn is_in_encoded_message(&self) -> bool {
        self.record.source != 0
    }

    /// Where its header begins, in octets from the start of the message; in a message that lay encoded, from the start
    /// of that message, decoded.
    pub const fn offset(&self) -> usize {
        self.record.start
    }

    /// Header and body as they stand there.
    pub fn octets(&self) -> &'m [u8] {
        self.source().get(self.record.start..self.record.end).unwrap_or_default()
    }

    /// The header block. That of a `message/rfc822` says how the message is attached; the message's own header is that
    /// of [`message`](Self::message).
    pub fn header(&self) -> Header<'m> {
        Header::new(self.source(), self.record, self.index)
    }

    /// The body as it stands there, without the line end that belongs to the boundary behind it. Its length is what
    /// IMAP gives as the size of the part.
    pub fn raw_body(&self) -> &'m [u8] {
        self.source().get(self.record.body..self.record.end).unwrap_or_default()
    }

    /// The line ends in the body, as IMAP counts them. They are counted when they are asked for.
    pub fn lines(&self) -> usize {
        memchr::memchr_iter(b'\n', self.raw_body()).count()
    }

    /// The media type. Without a field, or with one that cannot be read, it is `text/plain; charset=us-ascii`, and
    /// `message/rfc822` in a digest (RFC 2045 section 5.2, RFC 2046 section 5.1.5).
    pub fn content_type(&self) -> ContentType {
        let field = self.header().first(FieldKind::ContentType);
        if let Some(content_type) = field.and_then(|field| field.content_type()) {
            return content_type;
        }
        if field.is_none() && self.record.in_digest {
            return ContentType::known("message", "rfc822");
        }
        let plain = ContentType::known("text", "plain");
        plain.clone().with_parameter("charset", "us-ascii").unwrap_or(plain)
    }

    /// The media type without its parameters, which costs no allocation; with the same defaults as
    /// [`content_type`](Self::content_type).
    pub fn media_type(&self) -> MediaType<'m> {
        let field = self.header().first(FieldKind::ContentType);
        match field.and_then(|field| field.media_type()) {
            Some(found) => found,
            None if field.is_none() && self.record.in_digest => MediaType::new("message", "rfc822"),
            None => MediaType::new("text", "plain"),
        }
    }

    /// The transfer encoding of the body. That of a multipart, which may not be encoded, is of no consequence.
    pub const fn transfer_encoding(&self) -> TransferEncoding {
        self.record.encoding
    }

    /// How it is to be presented; `None` if it does not say.
    pub fn disposition(&self) -> Option<ContentDisposition> {
        self.header().first(FieldKind::ContentDisposition)?.content_disposition()
    }

    /// Whether it says to be an attachment. An unknown disposition is one (RFC 2183 section 2.8).
    pub fn is_attachment(&self) -> bool {
        self.disposition()
            .is_some_and(|disposition| *disposition.disposition_type() != DispositionType::Inline)
    }

    /// The file name: `filename` of the disposition, else `name` of the media type. It is a suggestion, and must not be
    /// used as a path as it is (RFC 2183 section 2.3).
    pub fn filename(&self) -> Option<String> {
        let named = self.disposition().and_then(|disposition| disposition.filename().map(String::from));
        named.or_else(|| self.content_type().parameter("name").map(String::from))
    }

    /// The content identifier (RFC 2045 section 7), also where it stands without its angle brackets.
    pub fn content_id(&self) -> Option<MessageId> {
        let field = self.header().first(FieldKind::ContentId)?;
        message_id::read_one(field.raw_value(), &self.index.limits, &mut field.defects())
    }

    /// The description (RFC 2045 section 8), decoded.
    pub fn description(&self) -> Option<Cow<'m, str>> {
        self.header().first(FieldKind::ContentDescription).map(|field| field.text())
    }

    /// The body with its transfer encoding undone. It never fails: what cannot be decoded is passed over.
    pub fn body(&self) -> Cow<'m, [u8]> {
        self.body_with(&mut Defects::default())
    }

    pub(crate) fn body_with(&self, defects: &mut Defects) -> Cow<'m, [u8]> {
        if self.is_multipart() {
            return Cow::Borrowed(self.raw_body());
        }
        if let (PartKind::EncodedMessage, Some(message)) = (self.record.kind, self.message()) {
            return Cow::Borrowed(message.source());
        }
        self.decoded_with(defects)
    }

    pub(crate) fn decoded_with(&self, defects: &mut Defects) -> Cow<'m, [u8]> {
        let mut octets = Vec::new();
        if self.decode_into(&mut octets, defects) {
            Cow::Owned(octets)
        } else {
            Cow::Borrowed(self.raw_body())
        }
    }

    /// Decodes the body; `false` if it stands there as it is.
    fn decode_into(&self, octets: &mut impl Sink, defects: &mut Defects) -> bool {
        let raw = self.raw_body();
        match self.transfer_encoding() {
            TransferEncoding::Base64 => {
                let faults = base64::decode(raw, octets);
                if let Some(at) = faults.character {
                    defects.add(DefectCode::Base64Character, at);
                }
                if let Some(at) = faults.padding {
                    defects.add(DefectCode::Base64Padding, at);
                }
                true
            }
            TransferEncoding::QuotedPrintable => {
                if let Some(at) = quoted_printable::decode(raw, octets) {
                    defects.add(DefectCode::QuotedPrintableEscape, at);
                }
                true
            }
            _ => false,
        }
    }

    /// The body with its transfer encoding undone, and what was wrong with it, with offsets in the message.
    pub fn body_checked(&self) -> (Cow<'m, [u8]>, Vec<Defect>) {
        let mut defects = self.body_defects();
        let body = self.body_with(&mut defects);
        (body, defects.list)
    }

    /// How many octets [`body`](Self::body) has, without keeping them.
    pub fn decoded_len(&self) -> usize {
        if self.is_multipart() {
            return self.raw_body().len();
        }
        let mut count = Count::default();
        let decoded = self.decode_into(&mut count, &mut Defects::default());
        if decoded { count.0 } else { self.raw_body().len() }
    }

    /// The first octets of [`body`](Self::body), at most `octets`; the rest is not decoded.
    pub fn body_prefix(&self, octets: usize) -> Cow<'m, [u8]> {
        let mut prefix = Prefix { octets: Vec::new(), limit: octets };
        if !self.is_multipart() && self.decode_into(&mut prefix, &mut Defects::default()) {
            return Cow::Owned(prefix.octets);
        }
        let raw = self.raw_body();
        Cow::Borrowed(raw.get(..octets.min(raw.len())).unwrap_or_default())
    }

    /// The beginning of [`text`](Self::text): what the first `octets` octets of the body hold, without a character that
    /// was cut in two.
    pub fn text_prefix(&self, octets: usize) -> Option<Cow<'m, str>> {
        if !self.media_type().is_type("text") {
            return None;
        }
        let body = self.body_prefix(octets);
        let is_cut = body.len() >= octets;
        let charset = self.charset();
        let mut text = match body {
            Cow::Borrowed(body) => charset::decode(charset.as_deref(), body).characters,
            Cow::Owned(body) => {
                Cow::Owned(charset::decode(charset.as_deref(), &body).characters.into_owned())
            }
        };
        if is_cut && text.ends_with('\u{fffd}') {
            let kept = text.trim_end_matches('\u{fffd}').len();
            text = Cow::Owned(text.get(..kept).unwrap_or_default().into());
        }
        Some(text)
    }

    /// The body of a `text` part in UTF-8; `None` for any other. Octets that are not of the charset become U+FFFD, and
    /// under a charset that is not known, or none, the text is read as UTF-8 if it is that, else as Windows-1252.
    pub fn text(&self) -> Option<Cow<'m, str>> {
        self.text_with(&mut Defects::default())
    }

    /// The octets of the parameter `charset` of a text.
    fn charset(&self) -> Option<Cow<'m, [u8]>> {
        let field = self.header().first(FieldKind::ContentType);
        let Some(field) = field.filter(|field| field.media_type().is_some()) else {
            return Some(Cow::Borrowed(b"us-ascii"));
        };
        parameters::charset(field.raw_value(), &self.index.limits)
    }

    pub(crate) fn text_with(&self, defects: &mut Defects) -> Option<Cow<'m, str>> {
        if !self.media_type().is_type("text") {
            return None;
        }
        let body = self.body_with(defects);
        let charset = self.charset();
        let charset = charset.as_deref();
        let note = |read: &charset::Text<'_>, defects: &mut Defects| {
            if read.unknown {
                defects.add(DefectCode::UnknownCharset, 0);
            }
            if read.malformed {
                defects.add(DefectCode::InvalidText, 0);
            }
        };
        Some(match body {
            Cow::Borrowed(octets) => {
                let read = charset::decode(charset, octets);
                note(&read, defects);
                read.characters
            }
            Cow::Owned(octets) => {
                let read = charset::decode(charset, &octets);
                note(&read, defects);
                Cow::Owned(read.characters.into_owned())
            }
        })
    }

    /// Where defects of the body are to be gathered.
    pub(crate) fn body_defects(&self) -> Defects {
        self.index.defects_at(self.record.source, self.record.body)
    }
}
