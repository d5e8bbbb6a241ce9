//! The body structure of a message (RFC 9051 section 7.5.2, RFC 3501 section 7.4.2).

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::envelope::{Envelope, envelope};
use crate::header::encoded_word::{push_unfolded_octets, unfold_octets};
use crate::header::{Header, parameters};
use crate::index::FieldKind;
use crate::limits::Limits;
use crate::part::Part;
use crate::scanner::Scanner;
use crate::types::TransferEncoding;

/// What IMAP says of the parts of a message: a flat list in document order.
///
/// A node is followed by those below it; [`depth`](BodyNode::depth) and [`children`](BodyNode::children) say how they
/// belong together, so that a response can be written without recursion.
///
/// ```
/// use postroad_message::Message;
///
/// let message = Message::parse(
///     b"Content-Type: multipart/mixed; boundary=b\r\n\r\n\
///       --b\r\n\r\nHello\r\nBob\r\n\
///       --b\r\nContent-Type: image/png; name=a.png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBO\r\n--b--\r\n",
/// );
/// let structure = message.body_structure();
/// let [mixed, text, image] = structure.nodes() else { panic!() };
/// assert_eq!((mixed.depth, mixed.children, &mixed.subtype[..]), (0, 2, &b"mixed"[..]));
/// assert_eq!((text.depth, text.octets, text.lines), (1, 10, Some(1)));
/// assert_eq!((&image.media_type[..], &image.transfer_encoding[..]), (&b"image"[..], &b"base64"[..]));
/// assert_eq!(image.parameters[0].value[..], b"a.png"[..]);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BodyStructure<'m> {
    pub(super) nodes: Vec<BodyNode<'m>>,
    pub(super) is_truncated: bool,
}

impl<'m> BodyStructure<'m> {
    /// The nodes in document order, the message itself first.
    pub fn nodes(&self) -> &[BodyNode<'m>] {
        &self.nodes
    }

    /// The nodes, owned.
    pub fn into_nodes(self) -> Vec<BodyNode<'m>> {
        self.nodes
    }

    /// Whether there are parts that are not in it, because of [`Limits::depth`](crate::Limits::depth) or
    /// [`Limits::parts`](crate::Limits::parts). What could not be taken apart is in it as one opaque part.
    pub const fn is_truncated(&self) -> bool {
        self.is_truncated
    }
}

/// A part in a [`BodyStructure`].
///
/// Values are the octets of the header, unfolded, never with CR, LF or NUL. A multipart has at least one child, and a
/// `message/rfc822` or `message/global` exactly one and an envelope, as the grammar asks for. One that could not be
/// taken apart (no boundary, encoded in base64, over a limit) is `application/octet-stream` with the parameters that it
/// has, for it cannot be told otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyNode<'m> {
    /// How many nodes it lies in; 0 for the message.
    pub depth: usize,
    /// How many nodes lie directly in it.
    pub children: usize,
    /// The type, such as `text`, as it was written.
    pub media_type: Cow<'m, [u8]>,
    /// The subtype, such as `plain`, as it was written.
    pub subtype: Cow<'m, [u8]>,
    /// The parameters of the media type.
    pub parameters: Vec<BodyParameter<'m>>,
    /// `Content-ID`, with its angle brackets.
    pub content_id: Option<Cow<'m, [u8]>>,
    /// `Content-Description`, still encoded.
    pub description: Option<Cow<'m, [u8]>>,
    /// The transfer encoding: one of the five words of RFC 2045 in lower case, or what else was written.
    pub transfer_encoding: Cow<'m, [u8]>,
    /// The octets of the body, still encoded.
    pub octets: usize,
    /// The line ends in the body, still encoded; of `text/…` and of messages only.
    pub lines: Option<usize>,
    /// `Content-MD5` (RFC 1864).
    pub md5: Option<Cow<'m, [u8]>>,
    /// `Content-Disposition`.
    pub disposition: Option<BodyDisposition<'m>>,
    /// The tags of `Content-Language` (RFC 3282).
    pub languages: Vec<Cow<'m, [u8]>>,
    /// `Content-Location` (RFC 2557).
    pub location: Option<Cow<'m, [u8]>>,
    /// The envelope of the message in it; its body is the node that follows.
    pub envelope: Option<Envelope<'m>>,
}

impl BodyNode<'_> {
    /// Whether it is a multipart, so that the nodes that follow are its parts.
    pub const fn is_multipart(&self) -> bool {
        self.children > 0 && self.envelope.is_none()
    }
}

/// The disposition of a part (RFC 2183).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyDisposition<'m> {
    /// Such as `attachment`, as it was written.
    pub disposition_type: Cow<'m, [u8]>,
    /// Its parameters.
    pub parameters: Vec<BodyParameter<'m>>,
}

/// A parameter, its continuations put together (RFC 2231 section 3).
///
/// ```
/// use postroad_message::Message;
///
/// let message = Message::parse(
///     b"Content-Type: text/plain; name*0*=utf-8''%ec%b9%b4; name*1*=%ed%8e%98; name*2=\".txt\"\r\n\r\n",
/// );
/// let structure = message.body_structure();
/// let name = &structure.nodes()[0].parameters[0];
/// assert_eq!(name.attribute[..], b"name*"[..]);
/// assert_eq!(name.value[..], b"utf-8''%ec%b9%b4%ed%8e%98.txt"[..]);
/// assert_eq!(name.text(), "카페.txt");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyParameter<'m> {
    /// The name, with an asterisk at its end if the value is in the extended form of RFC 2231 section 4.
    pub attribute: Cow<'m, [u8]>,
    /// The value, its quotation marks undone; of the extended form as `charset'language'text`, still percent-encoded.
    pub value: Cow<'m, [u8]>,
}

impl BodyParameter<'_> {
    /// The value in UTF-8, the extended form decoded, as RFC 9051 section 7.5.2 would have it.
    pub fn text(&self) -> Cow<'_, str> {
        if self.attribute.ends_with(b"*") {
            return Cow::Owned(parameters::extended_text(&self.value));
        }
        String::from_utf8_lossy(&self.value)
    }
}

pub(super) fn body_structure<'m>(
    parts: impl Iterator<Item = Part<'m>>,
    limits: &Limits,
    is_truncated: bool,
) -> BodyStructure<'m> {
    // What lies in an encoded message is not to be seen through IMAP.
    let nodes = parts.filter(|part| !part.is_in_encoded_message()).map(|part| node(part, limits)).collect();
    BodyStructure { nodes, is_truncated }
}

fn node<'m>(part: Part<'m>, limits: &Limits) -> BodyNode<'m> {
    let header = part.header();
    let text = |kind| header.first(kind).map(|field| unfold_octets(field.raw_value()));
    let message = part.message().filter(|_| part.is_plain_message());
    let children = if part.is_plain_message() || part.is_multipart() { part.children().count() } else { 0 };
    let (media_type, subtype, parameters) = media_type(part, &header, limits, children > 0);
    let is_text = media_type.eq_ignore_ascii_case(b"text");
    BodyNode {
        depth: part.depth(),
        children,
        media_type,
        subtype,
        parameters,
        content_id: text(FieldKind::ContentId),
        description: text(FieldKind::ContentDescription),
        transfer_encoding: transfer_encoding(part, &header),
        octets: part.raw_body().len(),
        lines: (is_text || message.is_some()).then(|| part.lines()),
        md5: text(FieldKind::ContentMd5),
        disposition: header.first(FieldKind::ContentDisposition).and_then(|field| {
            let (word, mut rest) = parameters::raw_disposition(field.raw_value(), limits)?;
            Some(BodyDisposition {
                disposition_type: Cow::Borrowed(word),
                parameters: joined(&mut rest, limits),
            })
        }),
        languages: header
            .first(FieldKind::ContentLanguage)
            .map(|field| parameters::languages(field.raw_value(), limits))
            .unwrap_or_default()
            .into_iter()
            .map(Cow::Borrowed)
            .collect(),
        location: header.first(FieldKind::ContentLocation).map(|field| location(field.raw_value())),
        envelope: message.map(|message| envelope(&message.header())),
    }
}

type MediaType<'m> = (Cow<'m, [u8]>, Cow<'m, [u8]>, Vec<BodyParameter<'m>>);

/// The media type, with the defaults of RFC 2045 section 5.2 and RFC 2046 section 5.1.5.
fn media_type<'m>(part: Part<'m>, header: &Header<'m>, limits: &Limits, is_divided: bool) -> MediaType<'m> {
    let borrowed = |text: &'static str| Cow::Borrowed(text.as_bytes());
    let field = header.first(FieldKind::ContentType);
    let found = field.and_then(|field| parameters::raw_content_type(field.raw_value(), limits));
    let Some((main_type, subtype, mut rest)) = found else {
        if is_divided {
            return (borrowed("message"), borrowed("rfc822"), Vec::new()); // in a digest
        }
        let digest = field.is_none() && part.content_type().main_type() == "message";
        if digest {
            return (borrowed("application"), borrowed("octet-stream"), Vec::new());
        }
        let charset = BodyParameter { attribute: borrowed("charset"), value: borrowed("us-ascii") };
        return (borrowed("text"), borrowed("plain"), alloc::vec![charset]);
    };
    let parameters = joined(&mut rest, limits);
    let is = |word: &str, octets: &[u8]| octets.eq_ignore_ascii_case(word.as_bytes());
    let is_composite = is("multipart", main_type)
        || (is("message", main_type) && (is("rfc822", subtype) || is("global", subtype)));
    if is_composite && !is_divided {
        return (borrowed("application"), borrowed("octet-stream"), parameters);
    }
    (Cow::Borrowed(main_type), Cow::Borrowed(subtype), parameters)
}

fn transfer_encoding<'m>(part: Part<'m>, header: &Header<'m>) -> Cow<'m, [u8]> {
    match (part.transfer_encoding(), header.first(FieldKind::ContentTransferEncoding)) {
        (TransferEncoding::Unknown, Some(field)) => match unfold_octets(field.raw_value()) {
            empty if empty.is_empty() => Cow::Borrowed(TransferEncoding::SevenBit.as_str().as_bytes()),
            other => other,
        },
        (known, _) => Cow::Borrowed(known.as_str().as_bytes()),
    }
}

fn joined<'m>(scanner: &mut Scanner<'m>, limits: &Limits) -> Vec<BodyParameter<'m>> {
    let joined = parameters::joined(scanner, limits).into_iter();
    joined.map(|joined| BodyParameter { attribute: joined.attribute, value: joined.value }).collect()
}

/// A URI, from which the white space of folds is to be removed (RFC 2557 section 4.4.1).
fn location(raw: &[u8]) -> Cow<'_, [u8]> {
    let trimmed = raw.trim_ascii();
    if !trimmed.iter().any(|octet| octet.is_ascii_whitespace() || *octet == 0) {
        return Cow::Borrowed(trimmed);
    }
    let mut unfolded = Vec::with_capacity(trimmed.len());
    push_unfolded_octets(&mut unfolded, trimmed);
    if memchr::memchr(b'\n', trimmed).is_some() {
        unfolded.retain(|octet| !matches!(octet, b' ' | b'\t'));
    }
    Cow::Owned(unfolded)
}
