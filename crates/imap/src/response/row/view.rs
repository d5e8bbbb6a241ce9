use super::{Detail, EnvelopeSpans, FetchRow, Item, ItemKind, PartSpans};
use crate::response::reader::Span;
use crate::response::{BodyDisposition, BodyKind, BodyPart, BodyStructure, Envelope, EnvelopeAddress};
use crate::types::{DateTime, Flag, ModSeq, Section, SectionText};
use bytes::Bytes;
use core::fmt;
use core::num::NonZeroU32;
use std::borrow::Cow;

impl FetchRow {
    /// The message number; the UID in a `UIDFETCH` response.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Whether it is a `UIDFETCH` response: [`number`](Self::number) is the UID (RFC 9586 section 3.3).
    pub fn is_by_uid(&self) -> bool {
        self.by_uid
    }

    /// The whole response, as it came; without the octets of literals that were streamed.
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// `UID`.
    pub fn uid(&self) -> Option<u32> {
        self.uid.map(NonZeroU32::get)
    }

    /// `RFC822.SIZE`, in octets.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// `MODSEQ` (RFC 7162).
    pub fn mod_seq(&self) -> Option<ModSeq> {
        self.mod_seq
    }

    /// `INTERNALDATE`; `None` also if it is no date.
    pub fn internal_date(&self) -> Option<DateTime> {
        self.date(self.internal_date)
    }

    /// `FLAGS`; `None` if the row does not tell them. What is no flag is left out.
    pub fn flags(&self) -> Option<impl Iterator<Item = Flag> + '_> {
        Some(self.flag_names()?.filter_map(|name| Flag::parse(name).ok()))
    }

    /// `FLAGS`, as they came.
    pub fn flag_names(&self) -> Option<impl Iterator<Item = &[u8]> + '_> {
        if self.flags.is_nil() {
            return None;
        }
        let words = self.flags.octets(&self.raw).split(|octet| *octet == b' ');
        Some(words.filter(|word| !word.is_empty()))
    }

    /// `ENVELOPE`.
    pub fn envelope(&self) -> Option<EnvelopeView<'_>> {
        let detail = self.detail.as_deref()?;
        let spans = detail.envelope.as_ref()?;
        Some(EnvelopeView { raw: &self.raw, detail, spans })
    }

    /// `BODYSTRUCTURE`, or if there is none `BODY`.
    pub fn body_structure(&self) -> Option<BodyStructureView<'_>> {
        let detail = self.detail.as_deref().filter(|detail| !detail.parts.is_empty())?;
        Some(BodyStructureView { raw: &self.raw, detail })
    }

    /// `BODY[…]`, `RFC822` and the like, and `BINARY[…]`, in the order given.
    pub fn sections(&self) -> impl Iterator<Item = SectionView<'_>> + '_ {
        self.items
            .iter()
            .filter(|item| matches!(item.kind, ItemKind::Section | ItemKind::Binary | ItemKind::Streamed))
            .map(|item| SectionView { raw: &self.raw, item })
    }

    /// The octets of `BODY[section]`, not of a part of it; `None` if the row does not have them, or they were streamed, or are `NIL`.
    pub fn section(&self, section: &Section) -> Option<Bytes> {
        self.sections()
            .find(|view| {
                !view.is_binary()
                    && view.origin().is_none()
                    && view.section().is_some_and(|s| same(&s, section))
            })?
            .octets()
    }

    /// The decoded octets of `BINARY[part]` (RFC 9051 section 6.4.5).
    pub fn binary(&self, part: &[NonZeroU32]) -> Option<Bytes> {
        self.sections()
            .find(|view| {
                view.is_binary()
                    && view.origin().is_none()
                    && view.section().is_some_and(|s| s.part() == part)
            })?
            .octets()
    }

    /// `BINARY.SIZE[part]`, in octets when decoded.
    pub fn binary_size(&self, part: &[NonZeroU32]) -> Option<u64> {
        let mut sizes = self.items.iter().filter(|item| item.kind == ItemKind::BinarySize);
        let item = sizes.find(|item| {
            name_section(item.name.octets(&self.raw)).0.is_some_and(|section| section.part() == part)
        })?;
        Some(item.number)
    }

    /// `PREVIEW`: some words of its text; `None` also if there are none (RFC 8970).
    pub fn preview(&self) -> Option<Cow<'_, [u8]>> {
        self.item(ItemKind::Preview)?.value.value(&self.raw)
    }

    /// `EMAILID` (RFC 8474).
    pub fn email_id(&self) -> Option<Cow<'_, [u8]>> {
        self.item(ItemKind::EmailId)?.value.value(&self.raw)
    }

    /// `THREADID`; `None` also if there is none (RFC 8474).
    pub fn thread_id(&self) -> Option<Cow<'_, [u8]>> {
        self.item(ItemKind::ThreadId)?.value.value(&self.raw)
    }

    /// `SAVEDATE`; `None` also if it is not known (RFC 8514).
    pub fn save_date(&self) -> Option<DateTime> {
        self.date(self.item(ItemKind::SaveDate)?.value)
    }

    /// Items that are not known, or could not be read: name and value, as they came.
    pub fn others(&self) -> impl Iterator<Item = (&[u8], &[u8])> + '_ {
        let others = self.items.iter().filter(|item| item.kind == ItemKind::Other);
        others.map(|item| (item.name.octets(&self.raw), item.value.octets(&self.raw)))
    }

    fn item(&self, kind: ItemKind) -> Option<&Item> {
        self.items.iter().find(|item| item.kind == kind)
    }

    fn date(&self, span: Span) -> Option<DateTime> {
        DateTime::parse(span.value(&self.raw)?).ok()
    }
}

impl fmt::Debug for FetchRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("FetchRow");
        out.field("number", &self.number).field("uid", &self.uid).field("octets", &self.raw.len());
        out.finish_non_exhaustive()
    }
}

/// Whether two sections are the same; names of fields are compared without regard to case.
fn same(one: &Section, other: &Section) -> bool {
    use SectionText::{HeaderFields, HeaderFieldsNot};
    one.part() == other.part()
        && match (one.text(), other.text()) {
            (HeaderFields(one), HeaderFields(other)) | (HeaderFieldsNot(one), HeaderFieldsNot(other)) => {
                one.len() == other.len()
                    && one.iter().zip(other).all(|(one, other)| one.eq_ignore_ascii_case(other))
            }
            (one, other) => one == other,
        }
}

/// The section that the name of an item tells, and where in it the octets begin.
pub(super) fn name_section(name: &[u8]) -> (Option<Section>, Option<u64>) {
    let Some(open) = memchr::memchr(b'[', name) else {
        let text = match name.to_ascii_uppercase().as_slice() {
            b"RFC822" => SectionText::Whole,
            b"RFC822.HEADER" => SectionText::Header,
            b"RFC822.TEXT" => SectionText::Text,
            _ => return (None, None),
        };
        return (Section::new(Vec::new(), text).ok(), None);
    };
    let Some(close) = memchr::memrchr(b']', name).filter(|close| *close > open) else { return (None, None) };
    let origin = name.get(close + 1..).unwrap_or_default();
    let origin = origin.strip_prefix(b"<").and_then(|origin| origin.strip_suffix(b">"));
    let origin = origin.and_then(|origin| core::str::from_utf8(origin).ok()?.parse().ok());
    (Section::parse(&name[open + 1..close]).ok(), origin)
}

/// What is of a section in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SectionValue {
    /// Its octets; empty ones are not `NIL`.
    Octets(Bytes),
    /// `NIL`: there is no such section, or the server does not give it.
    Nil,
    /// So many octets that were streamed, and are not in the row.
    Streamed(u64),
}

/// A section of a message, as a row has it: `BODY[…]`, `RFC822` and the like, or `BINARY[…]`.
#[derive(Clone, Copy)]
pub struct SectionView<'a> {
    raw: &'a Bytes,
    item: &'a Item,
}

impl<'a> SectionView<'a> {
    /// The name of the item, as it came.
    pub fn name(&self) -> &'a [u8] {
        self.item.name.octets(self.raw)
    }

    /// Which section; `RFC822` is the whole message, `RFC822.HEADER` its header, `RFC822.TEXT` its text. `None` if it is no section of
    /// the grammar.
    pub fn section(&self) -> Option<Section> {
        name_section(self.name()).0
    }

    /// Where in the section the octets begin, if only a part of it was asked for.
    pub fn origin(&self) -> Option<u64> {
        name_section(self.name()).1
    }

    /// Whether it is `BINARY`: decoded (RFC 9051 section 6.4.5).
    pub fn is_binary(&self) -> bool {
        self.name().get(..6).is_some_and(|name| name.eq_ignore_ascii_case(b"BINARY"))
    }

    /// What the row has of it.
    pub fn value(&self) -> SectionValue {
        match (self.item.kind, self.item.value.bytes(self.raw)) {
            (ItemKind::Streamed, _) => SectionValue::Streamed(self.item.number),
            (_, Some(octets)) => SectionValue::Octets(octets),
            (_, None) => SectionValue::Nil,
        }
    }

    /// Its octets, if the row has them.
    pub fn octets(&self) -> Option<Bytes> {
        match self.value() {
            SectionValue::Octets(octets) => Some(octets),
            SectionValue::Nil | SectionValue::Streamed(_) => None,
        }
    }
}

impl fmt::Debug for SectionView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name().escape_ascii())
    }
}

/// An envelope in a row (RFC 9051 section 7.5.2). Strings are as they came, with their encoded words.
#[derive(Clone, Copy)]
pub struct EnvelopeView<'a> {
    raw: &'a Bytes,
    detail: &'a Detail,
    spans: &'a EnvelopeSpans,
}

macro_rules! addresses {
    ($($(#[$doc:meta])* $name:ident = $at:literal;)*) => {
        $($(#[$doc])* pub fn $name(&self) -> impl ExactSizeIterator<Item = AddressView<'a>> + use<'a> { self.addresses($at) })*
    };
}

impl<'a> EnvelopeView<'a> {
    /// `Date`.
    pub fn date(&self) -> Option<Cow<'a, [u8]>> {
        self.spans.date.value(self.raw)
    }

    /// `Subject`.
    pub fn subject(&self) -> Option<Cow<'a, [u8]>> {
        self.spans.subject.value(self.raw)
    }

    addresses! {
        /// `From`.
        from = 0;
        /// `Sender`.
        sender = 1;
        /// `Reply-To`.
        reply_to = 2;
        /// `To`.
        to = 3;
        /// `Cc`.
        cc = 4;
        /// `Bcc`.
        bcc = 5;
    }

    /// `In-Reply-To`.
    pub fn in_reply_to(&self) -> Option<Cow<'a, [u8]>> {
        self.spans.in_reply_to.value(self.raw)
    }

    /// `Message-ID`.
    pub fn message_id(&self) -> Option<Cow<'a, [u8]>> {
        self.spans.message_id.value(self.raw)
    }

    fn addresses(&self, list: usize) -> impl ExactSizeIterator<Item = AddressView<'a>> + use<'a> {
        let bound = |at: usize| self.spans.bounds.get(at).copied().unwrap_or(0) as usize;
        let (raw, spans) =
            (self.raw, self.detail.addresses.get(bound(list)..bound(list + 1)).unwrap_or_default());
        spans.iter().map(move |spans| AddressView { raw, spans })
    }

    /// The same as a value of its own; strings are slices of the row.
    pub fn to_envelope(&self) -> Envelope {
        let list = |at| self.addresses(at).map(|address| address.to_address()).collect();
        Envelope {
            date: self.spans.date.bytes(self.raw),
            subject: self.spans.subject.bytes(self.raw),
            from: list(0),
            sender: list(1),
            reply_to: list(2),
            to: list(3),
            cc: list(4),
            bcc: list(5),
            in_reply_to: self.spans.in_reply_to.bytes(self.raw),
            message_id: self.spans.message_id.bytes(self.raw),
        }
    }
}

impl fmt::Debug for EnvelopeView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_envelope().fmt(f)
    }
}

/// An address of an envelope in a row; see [`EnvelopeAddress`] for groups.
#[derive(Clone, Copy)]
pub struct AddressView<'a> {
    raw: &'a Bytes,
    spans: &'a [Span; 4],
}

impl<'a> AddressView<'a> {
    /// The display name, with its encoded words.
    pub fn name(&self) -> Option<Cow<'a, [u8]>> {
        self.spans[0].value(self.raw)
    }

    /// The source route.
    pub fn route(&self) -> Option<Cow<'a, [u8]>> {
        self.spans[1].value(self.raw)
    }

    /// The local part, or the name of a group.
    pub fn mailbox(&self) -> Option<Cow<'a, [u8]>> {
        self.spans[2].value(self.raw)
    }

    /// The domain.
    pub fn host(&self) -> Option<Cow<'a, [u8]>> {
        self.spans[3].value(self.raw)
    }

    /// The same as a value of its own.
    pub fn to_address(&self) -> EnvelopeAddress {
        let [name, route, mailbox, host] = self.spans.map(|span| span.bytes(self.raw));
        EnvelopeAddress { name, route, mailbox, host }
    }
}

impl fmt::Debug for AddressView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_address().fmt(f)
    }
}

/// What kind of part a [`PartView`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PartKind {
    /// A multipart: the parts in it follow.
    Multipart,
    /// A message in a message: its body follows, and it has an envelope.
    Message,
    /// A text.
    Text,
    /// Another.
    Basic,
    /// Parts more than 100 deep stand in its place, and were left out.
    Truncated,
}

/// A body structure in a row: its parts in the order in which they stand, each with its depth (RFC 9051 section 7.5.2).
///
/// ```
/// use bytes::Bytes;
/// use postroad_imap::response::Response;
///
/// let unit = Bytes::from_static(
///     b"* 1 FETCH (BODYSTRUCTURE ((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"UTF-8\") NIL NIL \"7BIT\" 12 1)\
///       (\"IMAGE\" \"PNG\" NIL NIL NIL \"BASE64\" 4554) \"MIXED\"))",
/// );
/// let Response::Fetch(row) = Response::parse(&unit, &Default::default())?.response else { unreachable!() };
/// let structure = row.body_structure().unwrap();
/// let image = structure.parts().find(|part| part.is("image", "png")).unwrap();
/// assert_eq!(image.number().iter().map(|n| n.get()).collect::<Vec<_>>(), [2]);
/// assert_eq!(image.octets(), 4554);
/// # Ok::<(), postroad_imap::ParseError>(())
/// ```
#[derive(Clone, Copy)]
pub struct BodyStructureView<'a> {
    raw: &'a Bytes,
    detail: &'a Detail,
}

impl<'a> BodyStructureView<'a> {
    /// The parts; the first is the whole body, of depth 0.
    pub fn parts(&self) -> impl ExactSizeIterator<Item = PartView<'a>> + use<'a> {
        let (raw, detail) = (self.raw, self.detail);
        detail.parts.iter().map(move |spans| PartView { raw, detail, spans })
    }

    /// Whether parts more than 100 deep were left out.
    pub fn is_truncated(&self) -> bool {
        self.detail.truncated
    }

    /// Whether it is of BODYSTRUCTURE, which has dispositions and the like, and not of BODY.
    pub fn is_extended(&self) -> bool {
        self.detail.extended
    }

    /// The part of this number, as in `BODY[1.2]`.
    pub fn part(&self, number: &[NonZeroU32]) -> Option<PartView<'a>> {
        self.parts().find(|part| part.has_number() && part.number() == number)
    }

    /// The same as a value of its own, if it is one that could be sent: `None` if it is truncated, or a multipart has no parts.
    pub fn to_body_structure(&self) -> Option<BodyStructure> {
        let parts = self.parts().map(PartView::to_part).collect::<Option<Vec<_>>>()?;
        BodyStructure::new(parts).ok()
    }
}

impl fmt::Debug for BodyStructureView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.parts()).finish()
    }
}

/// A part of a body structure in a row.
#[derive(Clone, Copy)]
pub struct PartView<'a> {
    raw: &'a Bytes,
    detail: &'a Detail,
    spans: &'a PartSpans,
}

impl<'a> PartView<'a> {
    /// Its kind.
    pub fn kind(&self) -> PartKind {
        self.spans.kind
    }

    /// How many parts it is in: 0 for the whole body.
    pub fn depth(&self) -> u32 {
        self.spans.depth
    }

    /// Media type, such as `text`, in any case; `multipart` for a multipart.
    pub fn media_type(&self) -> Cow<'a, [u8]> {
        if self.kind() == PartKind::Multipart {
            return Cow::Borrowed(b"multipart");
        }
        self.spans.media_type.value(self.raw).unwrap_or_default()
    }

    /// Media subtype, such as `plain`, in any case.
    pub fn subtype(&self) -> Cow<'a, [u8]> {
        self.spans.subtype.value(self.raw).unwrap_or_default()
    }

    /// Whether its media type is this.
    pub fn is(&self, media_type: &str, subtype: &str) -> bool {
        self.media_type().eq_ignore_ascii_case(media_type.as_bytes())
            && self.subtype().eq_ignore_ascii_case(subtype.as_bytes())
    }

    /// Parameters of Content-Type: names and values.
    pub fn parameters(&self) -> impl Iterator<Item = (Cow<'a, [u8]>, Cow<'a, [u8]>)> + use<'a> {
        self.pairs(self.spans.parameters)
    }

    /// The first parameter of Content-Type of this name.
    pub fn parameter(&self, name: &str) -> Option<Cow<'a, [u8]>> {
        self.parameters().find(|pair| pair.0.eq_ignore_ascii_case(name.as_bytes())).map(|pair| pair.1)
    }

    fn pairs(
        &self,
        (from, to): (u32, u32),
    ) -> impl Iterator<Item = (Cow<'a, [u8]>, Cow<'a, [u8]>)> + use<'a> {
        let raw = self.raw;
        let pairs = self.detail.parameters.get(from as usize..to as usize).unwrap_or_default();
        pairs
            .iter()
            .map(|[name, value]| (name.value(raw).unwrap_or_default(), value.value(raw).unwrap_or_default()))
    }

    /// Content-ID.
    pub fn id(&self) -> Option<Cow<'a, [u8]>> {
        self.spans.id.value(self.raw)
    }

    /// Content-Description.
    pub fn description(&self) -> Option<Cow<'a, [u8]>> {
        self.spans.description.value(self.raw)
    }

    /// Content-Transfer-Encoding; empty for a multipart.
    pub fn encoding(&self) -> Cow<'a, [u8]> {
        self.spans.encoding.value(self.raw).unwrap_or_default()
    }

    /// Size in octets, encoded.
    pub fn octets(&self) -> u64 {
        self.spans.octets
    }

    /// How many lines a text or message has.
    pub fn lines(&self) -> Option<u64> {
        self.spans.lines
    }

    /// Content-MD5.
    pub fn md5(&self) -> Option<Cow<'a, [u8]>> {
        self.spans.md5.value(self.raw)
    }

    /// Content-Disposition without its parameters.
    pub fn disposition(&self) -> Option<Cow<'a, [u8]>> {
        self.spans.disposition.value(self.raw)
    }

    /// Parameters of Content-Disposition: names and values.
    pub fn disposition_parameters(&self) -> impl Iterator<Item = (Cow<'a, [u8]>, Cow<'a, [u8]>)> + use<'a> {
        self.pairs(self.spans.disposition_parameters)
    }

    /// Content-Language.
    pub fn languages(&self) -> impl Iterator<Item = Cow<'a, [u8]>> + use<'a> {
        let (raw, (from, to)) = (self.raw, self.spans.language);
        let languages = self.detail.languages.get(from as usize..to as usize).unwrap_or_default();
        languages.iter().filter_map(|language| language.value(raw))
    }

    /// Content-Location.
    pub fn location(&self) -> Option<Cow<'a, [u8]>> {
        self.spans.location.value(self.raw)
    }

    /// The envelope of a message in a message.
    pub fn envelope(&self) -> Option<EnvelopeView<'a>> {
        let spans = self.detail.envelopes.get(self.spans.envelope? as usize)?;
        Some(EnvelopeView { raw: self.raw, detail: self.detail, spans })
    }

    /// Whether it can be fetched by its [`number`](Self::number): the multipart that is the body of a message cannot, for it has that of
    /// the message (RFC 9051 section 6.4.5).
    pub fn has_number(&self) -> bool {
        self.kind() != PartKind::Truncated
            && (self.kind() != PartKind::Multipart
                || self.parent().is_some_and(|parent| parent.kind == PartKind::Multipart))
    }

    /// Its number, as in `BODY[1.2]`; empty for the multipart that is the whole body.
    pub fn number(&self) -> Vec<NonZeroU32> {
        let mut number = Vec::new();
        let mut part = self.spans;
        loop {
            let parent = self.detail.parts.get(part.parent as usize);
            // The body of a message has a number only if it is not multipart, and that is 1.
            let counted = match parent.map(|parent| parent.kind) {
                Some(PartKind::Multipart) => true,
                _ => part.kind != PartKind::Multipart,
            };
            number.extend(NonZeroU32::new(part.position).filter(|_| counted));
            match parent {
                Some(parent) => part = parent,
                None => break,
            }
        }
        number.reverse();
        number
    }

    fn parent(&self) -> Option<&'a PartSpans> {
        self.detail.parts.get(self.spans.parent as usize)
    }

    fn to_part(self) -> Option<BodyPart> {
        let bytes = |span: Span| span.bytes(self.raw);
        let pairs = |(from, to): (u32, u32)| {
            let pairs = self.detail.parameters.get(from as usize..to as usize).unwrap_or_default();
            let pair = |[name, value]: &[Span; 2]| {
                (bytes(*name).unwrap_or_default(), bytes(*value).unwrap_or_default())
            };
            pairs.iter().map(pair).collect()
        };
        let lines = self.spans.lines.unwrap_or(0);
        let (from, to) = self.spans.language;
        let languages = self.detail.languages.get(from as usize..to as usize).unwrap_or_default();
        Some(BodyPart {
            depth: self.spans.depth,
            kind: match self.kind() {
                PartKind::Multipart => BodyKind::Multipart,
                PartKind::Message => {
                    let envelope = self.envelope().map(|envelope| envelope.to_envelope()).unwrap_or_default();
                    BodyKind::Message { envelope: Box::new(envelope), lines }
                }
                PartKind::Text => BodyKind::Text { lines },
                PartKind::Basic => BodyKind::Basic,
                PartKind::Truncated => return None,
            },
            media_type: bytes(self.spans.media_type).unwrap_or_default(),
            subtype: bytes(self.spans.subtype).unwrap_or_default(),
            parameters: pairs(self.spans.parameters),
            id: bytes(self.spans.id),
            description: bytes(self.spans.description),
            encoding: bytes(self.spans.encoding).unwrap_or_default(),
            octets: self.spans.octets,
            md5: bytes(self.spans.md5),
            disposition: bytes(self.spans.disposition)
                .map(|kind| BodyDisposition { kind, parameters: pairs(self.spans.disposition_parameters) }),
            language: languages.iter().filter_map(|language| bytes(*language)).collect(),
            location: bytes(self.spans.location),
        })
    }
}

impl fmt::Debug for PartView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (media_type, subtype) = (self.media_type(), self.subtype());
        write!(f, "{} {}/{}", self.depth(), media_type.escape_ascii(), subtype.escape_ascii())
    }
}
