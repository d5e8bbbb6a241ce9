//! The parts of a message that is being built.

use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;

use crate::error::{BuildError, InvalidValue};
use crate::types::{ContentDisposition, ContentType, FieldName, FieldValue, MessageId};

/// How deep multiparts may be nested, and how many parts one may hold.
const DEPTH_LIMIT: usize = 64;
const PARTS_LIMIT: usize = 10_000;

/// A part of a message: a leaf with its content, or a multipart.
///
/// Its methods never fail; a value that they refuse is reported when the message is built.
///
/// ```
/// use postroad_message::{ContentType, MessageBuilder, PartBuilder, DateTime};
///
/// let report = ContentType::new("multipart", "report")?.with_parameter("report-type", "delivery-status")?;
/// let body = PartBuilder::multipart(report, vec![
///     PartBuilder::text("Your message could not be delivered.\r\n"),
///     PartBuilder::verbatim("message/delivery-status", &b"Reporting-MTA: dns; crepes.fr\r\n\r\n\
///         Final-Recipient: rfc822; bob@hamburger.edu\r\nAction: failed\r\nStatus: 4.4.7\r\n"[..]),
///     PartBuilder::verbatim("text/rfc822-headers", &b"Subject: Searching for the meaning of life.\r\n\r\n"[..]),
/// ]);
/// let message = MessageBuilder::new()
///     .from("Mail Delivery <postmaster@crepes.fr>")
///     .to("alice@crepes.fr")
///     .date(DateTime::from_timestamp(1_795_392_000, 0)?)
///     .subject("Undelivered mail")
///     .body(body)
///     .build()?;
/// # assert!(message.windows(15).any(|w| w == b"delivery-status"));
/// # Ok::<(), postroad_message::BuildError>(())
/// ```
#[derive(Debug, Clone)]
pub struct PartBuilder {
    pub(super) content_type: ContentType,
    pub(super) disposition: Option<ContentDisposition>,
    pub(super) fields: Vec<(FieldName, FieldValue)>,
    pub(super) content: Content,
    pub(super) error: Option<BuildError>,
    /// One more than the deepest of its children; bounded, so that neither writing nor dropping can go too deep.
    depth: usize,
    parts: usize,
}

#[derive(Debug, Clone)]
pub(super) enum Content {
    /// Lines of text that end in CRLF.
    Text(String),
    /// Octets in whichever encoding is best.
    Octets(Bytes),
    /// Octets that must not be encoded.
    Verbatim(Bytes),
    Multipart(Vec<PartBuilder>),
}

impl PartBuilder {
    fn new(content_type: ContentType, content: Content) -> Self {
        Self { content_type, disposition: None, fields: Vec::new(), content, error: None, depth: 0, parts: 1 }
    }

    /// Plain text in UTF-8. Every line end, whether CR, LF or CRLF, becomes CRLF.
    pub fn text(text: &str) -> Self {
        Self::text_of_subtype("plain", text)
    }

    /// HTML in UTF-8. Every line end, whether CR, LF or CRLF, becomes CRLF.
    pub fn html(text: &str) -> Self {
        Self::text_of_subtype("html", text)
    }

    fn text_of_subtype(subtype: &str, text: &str) -> Self {
        let part = Self::new(ContentType::known("text", subtype), Content::Text(canonical_lines(text)));
        part.content_parameter("charset", "utf-8")
    }

    /// Octets of a media type, encoded in the way that costs the least. They arrive exactly as they are given.
    pub fn octets<T>(content_type: T, octets: impl Into<Bytes>) -> Self
    where
        T: TryInto<ContentType>,
        T::Error: Into<BuildError>,
    {
        Self::with_content(content_type, Content::Octets(octets.into()))
    }

    /// Octets of a media type that are written as they are, which is the rule for `message/rfc822`,
    /// `message/delivery-status` and their kin (RFC 2046 section 5.2.1, RFC 3464 section 2).
    ///
    /// The message is not built if the octets hold NUL, a bare CR or LF or a line over 998 octets
    /// ([`NeedsBinary`](BuildError::NeedsBinary)), or octets over 127 under a target of 7bit
    /// ([`NeedsEightBit`](BuildError::NeedsEightBit)).
    pub fn verbatim<T>(content_type: T, octets: impl Into<Bytes>) -> Self
    where
        T: TryInto<ContentType>,
        T::Error: Into<BuildError>,
    {
        Self::with_content(content_type, Content::Verbatim(octets.into()))
    }

    fn with_content<T>(content_type: T, content: Content) -> Self
    where
        T: TryInto<ContentType>,
        T::Error: Into<BuildError>,
    {
        match content_type.try_into() {
            Ok(content_type) if content_type.is_multipart() => {
                // The structure of a multipart is not to be smuggled in as octets.
                let mut part = Self::new(content_type, content);
                part.error = Some(BuildError::EmptyMultipart);
                part
            }
            Ok(content_type) => Self::new(content_type, content),
            Err(error) => {
                let mut part = Self::new(ContentType::known("application", "octet-stream"), content);
                part.error = Some(error.into());
                part
            }
        }
    }

    /// A multipart of any subtype and parameters; its boundary is made by the builder. A type that is not `multipart`
    /// becomes `multipart/mixed`.
    pub fn multipart<T>(content_type: T, parts: Vec<Self>) -> Self
    where
        T: TryInto<ContentType>,
        T::Error: Into<BuildError>,
    {
        let (content_type, mut error) = match content_type.try_into() {
            Ok(content_type) if content_type.is_multipart() => (content_type, None),
            Ok(_) => (ContentType::known("multipart", "mixed"), None),
            Err(error) => (ContentType::known("multipart", "mixed"), Some(error.into())),
        };
        let depth = 1 + parts.iter().map(|part| part.depth).max().unwrap_or(0);
        let count = parts.iter().fold(1_usize, |sum, part| sum.saturating_add(part.parts));
        let first_error = parts.iter().find_map(|part| part.error.clone());
        error = error.or(first_error);
        if parts.is_empty() {
            error = error.or(Some(BuildError::EmptyMultipart));
        }
        let (parts, depth, count) = if depth > DEPTH_LIMIT || count > PARTS_LIMIT {
            error = Some(BuildError::TooManyParts);
            (Vec::new(), 1, 1)
        } else {
            (parts, depth, count)
        };
        let mut part = Self::new(content_type, Content::Multipart(parts));
        (part.error, part.depth, part.parts) = (error, depth, count);
        part
    }

    /// With a parameter of the content type.
    #[must_use]
    pub fn content_parameter(mut self, name: &str, value: &str) -> Self {
        match self.content_type.clone().with_parameter(name, value) {
            Ok(content_type) => self.content_type = content_type,
            Err(error) => self.refuse(error),
        }
        self
    }

    /// With this disposition.
    #[must_use]
    pub fn disposition(mut self, disposition: ContentDisposition) -> Self {
        self.disposition = Some(disposition);
        self
    }

    /// To be shown or stored only when asked for, under this file name, which may be empty.
    #[must_use]
    pub fn attachment(self, filename: &str) -> Self {
        self.named(ContentDisposition::attachment(), filename)
    }

    /// To be shown with the message; the file name may be empty.
    #[must_use]
    pub fn inline(self, filename: &str) -> Self {
        self.named(ContentDisposition::inline(), filename)
    }

    fn named(mut self, disposition: ContentDisposition, filename: &str) -> Self {
        let named = if filename.is_empty() { Ok(disposition) } else { disposition.with_filename(filename) };
        match named {
            Ok(disposition) => self.disposition = Some(disposition),
            Err(error) => self.refuse(error),
        }
        self
    }

    /// With a content identifier, by which HTML refers to it as `cid:` (RFC 2392).
    #[must_use]
    pub fn content_id<T>(self, id: T) -> Self
    where
        T: TryInto<MessageId>,
        T::Error: Into<BuildError>,
    {
        match id.try_into() {
            Ok(id) => self.field("Content-ID", id),
            Err(error) => self.failed(error.into()),
        }
    }

    /// With a description (RFC 2045 section 8).
    #[must_use]
    pub fn description(self, text: &str) -> Self {
        self.field("Content-Description", text)
    }

    /// With another field of the part's header, in the order in which they are added. The fields that the builder
    /// writes itself (`Content-Type`, `Content-Transfer-Encoding`, `Content-Disposition`) are refused.
    #[must_use]
    pub fn field<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<FieldName>,
        N::Error: Into<BuildError>,
        V: TryInto<FieldValue>,
        V::Error: Into<BuildError>,
    {
        match super::field(name, value) {
            Ok(field) => self.fields.push(field),
            Err(error) => return self.failed(error),
        }
        self
    }

    fn failed(mut self, error: BuildError) -> Self {
        self.error.get_or_insert(error);
        self
    }

    fn refuse(&mut self, error: InvalidValue) {
        self.error.get_or_insert_with(|| error.into());
    }
}

/// The text with every line end written as CRLF (RFC 2046 section 4.1.1).
impl PartBuilder {
    /// The part alone, header and body, for a place in another message: [`Edit::replace_part`](crate::Edit::replace_part).
    /// `seed` makes the boundaries of multiparts.
    pub fn to_bytes(self, target: super::Target, seed: u128) -> Result<Bytes, BuildError> {
        super::compose::compose_part(self, target, seed)
    }
}

pub(super) fn canonical_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 32);
    let mut rest = text;
    while let Some(at) = rest.find(['\r', '\n']) {
        let (line, end) = rest.split_at(at);
        out.push_str(line);
        out.push_str("\r\n");
        rest = end.strip_prefix("\r\n").or_else(|| end.get(1..)).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn lines_become_canonical() {
        assert_eq!(canonical_lines("a\nb\rc\r\nd\n\re"), "a\r\nb\r\nc\r\nd\r\n\r\ne");
    }

    #[test]
    fn nesting_is_bounded_while_it_is_built() {
        let mut part = PartBuilder::text("x");
        for _ in 0..100_000 {
            part = PartBuilder::multipart("multipart/mixed", vec![part]);
        }
        assert_eq!(part.error, Some(BuildError::TooManyParts));
    }
}
