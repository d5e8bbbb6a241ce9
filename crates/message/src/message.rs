//! A parsed message.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use crate::body::Bodies;
use crate::defect::Defect;
use crate::header::{AddressList, Header};
use crate::index::{Index, PartRecord};
use crate::limits::Limits;
use crate::part::{Part, PartNumber};
use crate::types::{DateTime, MessageId};
use crate::{body, examine, parser};

/// A message and the index of where everything in it is.
///
/// Parsing never fails. It goes over the octets once and notes where header fields and parts begin and end; nothing is
/// decoded before it is asked for. What is wrong with the message is in [`defects`](Self::defects) and
/// [`examine`](Self::examine).
///
/// ```
/// use postroad_message::Message;
///
/// let message = Message::parse(
///     b"From: Alice <alice@crepes.fr>\r\n\
///       To: bob@hamburger.edu\r\n\
///       Subject: Searching for the meaning of life.\r\n\
///       Date: Mon, 23 Nov 2026 09:00:00 +0900\r\n\
///       \r\n\
///       Do you like ketchup?\r\n",
/// );
/// assert_eq!(message.subject().unwrap(), "Searching for the meaning of life.");
/// assert_eq!(message.root().text().unwrap(), "Do you like ketchup?\r\n");
/// assert!(message.examine().is_empty());
/// ```
#[derive(Clone)]
pub struct Message<'a> {
    octets: Octets<'a>,
    index: Index,
}

#[derive(Clone)]
enum Octets<'a> {
    Borrowed(&'a [u8]),
    Owned(Bytes),
}

/// The root of a message without parts, which does not occur.
static EMPTY: PartRecord = PartRecord {
    source: 0,
    parent: crate::index::NONE,
    first_child: crate::index::NONE,
    next_sibling: crate::index::NONE,
    ordinal: 1,
    depth: 0,
    start: 0,
    body: 0,
    end: 0,
    first_field: 0,
    fields: 0,
    kind: crate::index::PartKind::Leaf,
    encoding: crate::types::TransferEncoding::SevenBit,
    in_digest: false,
};

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("octets", &self.octets().len())
            .field("parts", &self.index.parts.len())
            .finish_non_exhaustive()
    }
}

impl<'a> Message<'a> {
    /// Parses a message under the default [`Limits`].
    pub fn parse(octets: &'a [u8]) -> Self {
        Self::parse_with(octets, &Limits::DEFAULT)
    }

    /// Parses a message.
    pub fn parse_with(octets: &'a [u8], limits: &Limits) -> Self {
        Self { index: parser::index(octets, limits), octets: Octets::Borrowed(octets) }
    }

    /// Parses a message that is to be without fault, under the default [`Limits`]: the first defect of more than a
    /// [`Note`](crate::Severity::Note) is the error. All of the message is read for that.
    ///
    /// ```
    /// use postroad_message::{DefectCode, Message};
    /// let octets = b"Date: Mon, 23 Nov 2026 09:00:00 +0900\r\nFrom: <a@b>x@y\r\n\r\n";
    /// let defect = Message::parse_strict(octets).unwrap_err();
    /// assert_eq!((defect.code, defect.offset), (DefectCode::InvalidAddress, 45));
    /// ```
    pub fn parse_strict(octets: &'a [u8]) -> Result<Self, Defect> {
        Self::parse_strict_with(octets, &Limits::DEFAULT)
    }

    /// The same under limits of one's own.
    pub fn parse_strict_with(octets: &'a [u8], limits: &Limits) -> Result<Self, Defect> {
        let message = Self::parse_with(octets, limits);
        match message.examine().into_iter().find(|defect| defect.severity > crate::Severity::Note) {
            Some(defect) => Err(defect),
            None => Ok(message),
        }
    }

    /// The message with octets of its own.
    pub fn into_owned(self) -> Message<'static> {
        let octets = match self.octets {
            Octets::Borrowed(octets) => Bytes::copy_from_slice(octets),
            Octets::Owned(octets) => octets,
        };
        Message { octets: Octets::Owned(octets), index: self.index }
    }

    /// The octets that were parsed.
    pub fn octets(&self) -> &[u8] {
        match &self.octets {
            Octets::Borrowed(octets) => octets,
            Octets::Owned(octets) => octets,
        }
    }

    /// Some of its octets, without a copy if it owns them.
    pub(crate) fn slice(&self, range: core::ops::Range<usize>) -> Bytes {
        match &self.octets {
            Octets::Borrowed(octets) => Bytes::copy_from_slice(octets.get(range).unwrap_or_default()),
            Octets::Owned(octets) if range.end <= octets.len() && range.start <= range.end => {
                octets.slice(range)
            }
            Octets::Owned(_) => Bytes::new(),
        }
    }

    /// What is wrong with its structure: what was seen while it was parsed.
    pub fn defects(&self) -> &[Defect] {
        &self.index.defects
    }

    /// Reads everything in it and gives all that is wrong with it, in the order of the offsets.
    ///
    /// It takes the time of decoding every body.
    pub fn examine(&self) -> Vec<Defect> {
        examine::examine(self)
    }

    /// Whether readers may disagree about what the message is: it has a defect of severity
    /// [`Error`](crate::Severity::Error) other than that its `From` or `Date` is missing.
    pub fn is_ambiguous(&self) -> bool {
        self.examine().iter().any(|defect| {
            defect.severity == crate::Severity::Error
                && !matches!(defect.code, crate::DefectCode::MissingFrom | crate::DefectCode::MissingDate)
        })
    }

    pub(crate) const fn index(&self) -> &Index {
        &self.index
    }

    /// The message as a part.
    pub fn root(&self) -> Part<'_> {
        self.parts().next().unwrap_or_else(|| Part::empty(self.octets(), &self.index, &EMPTY))
    }

    /// All parts in the order in which they begin, the root first.
    pub fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        let count = u32::try_from(self.index.parts.len()).unwrap_or(u32::MAX);
        (0..count).filter_map(|at| Part::new(self.octets(), &self.index, at))
    }

    /// The part of this number, as IMAP counts them: `"1.2"`. A multipart root is `""`.
    pub fn part(&self, number: &str) -> Option<Part<'_>> {
        self.part_numbered(&number.parse().ok()?)
    }

    /// The part of this number.
    pub fn part_numbered(&self, number: &PartNumber) -> Option<Part<'_>> {
        self.root().descendant(number)
    }

    /// The parts to show and those to list as attachments (RFC 8621 section 4.1.4).
    pub fn bodies(&self) -> Bodies<'_> {
        body::bodies(self.root())
    }

    /// The parts to show to who wants plain text.
    pub fn text_body(&self) -> Vec<Part<'_>> {
        self.bodies().text
    }

    /// The parts to show to who wants HTML.
    pub fn html_body(&self) -> Vec<Part<'_>> {
        self.bodies().html
    }

    /// The parts to list as attachments.
    pub fn attachments(&self) -> Vec<Part<'_>> {
        self.bodies().attachments
    }

    /// The header of the message.
    pub fn header(&self) -> Header<'_> {
        self.root().header()
    }

    /// The authors; see [`Header::from`].
    pub fn from(&self) -> AddressList {
        self.header().from()
    }

    /// The primary recipients; see [`Header::to`].
    pub fn to(&self) -> AddressList {
        self.header().to()
    }

    /// The recipients of copies; see [`Header::cc`].
    pub fn cc(&self) -> AddressList {
        self.header().cc()
    }

    /// The subject, decoded.
    pub fn subject(&self) -> Option<Cow<'_, str>> {
        self.header().subject()
    }

    /// The date; see [`Header::date`].
    pub fn date(&self) -> Option<DateTime> {
        self.header().date()
    }

    /// The message identifier; see [`Header::message_id`].
    pub fn message_id(&self) -> Option<MessageId> {
        self.header().message_id()
    }
}

impl Message<'static> {
    /// Parses a message that keeps its octets, without copying them.
    pub fn parse_owned(octets: impl Into<Bytes>) -> Self {
        let octets = octets.into();
        Self { index: parser::index(&octets, &Limits::DEFAULT), octets: Octets::Owned(octets) }
    }

    /// Parses a message that keeps its octets, under limits of one's own.
    pub fn parse_owned_with(octets: impl Into<Bytes>, limits: &Limits) -> Self {
        let octets = octets.into();
        Self { index: parser::index(&octets, limits), octets: Octets::Owned(octets) }
    }
}
