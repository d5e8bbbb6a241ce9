//! A header field of a parsed message, read in the way that is asked for.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::address::{AddressList, first_mailbox, read_list};
use super::authentication::{self, AuthenticationResults};
use super::encoded_word::{decode_text, unfold};
use super::received::{self, Trace};
use super::{date, list, message_id, parameters};
use crate::defect::Defects;
use crate::error::InvalidValue;
use crate::index::{FieldKind, FieldRecord, Index};
use crate::types::{
    ContentDisposition, ContentType, DateTime, Mailbox, MediaType, MessageId, TransferEncoding,
};

/// A field of a header block. It is a view, cheap to copy; its value is decoded when it is asked for.
///
/// ```
/// let message = postroad_message::Message::parse(b"Subject: =?utf-8?Q?caf=C3=A9?=\r\n\r\n");
/// let subject = message.header().field("subject").unwrap();
/// assert_eq!(subject.name(), "Subject");
/// assert_eq!(subject.raw_value(), b" =?utf-8?Q?caf=C3=A9?=");
/// assert_eq!(subject.text(), "caf\u{e9}");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct HeaderField<'m> {
    /// From the start of the field to behind its line end.
    octets: &'m [u8],
    start: usize,
    record: FieldRecord,
    source: u32,
    index: &'m Index,
}

/// The value of a field, read in the form that its name asks for; see [`HeaderField::value`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldContent<'m> {
    /// Unstructured text, and the fields whose form is not known to this crate.
    Text(Cow<'m, str>),
    /// An address list.
    Addresses(AddressList),
    /// A date; `None` if it cannot be read.
    Date(Option<DateTime>),
    /// A list of message identifiers.
    MessageIds(Vec<MessageId>),
    /// `Content-Type`; `None` if it names no type.
    ContentType(Option<ContentType>),
    /// `Content-Disposition`; `None` if it names none.
    ContentDisposition(Option<ContentDisposition>),
    /// `Content-Transfer-Encoding`.
    TransferEncoding(TransferEncoding),
    /// `Received`.
    Trace(Trace<'m>),
    /// `Authentication-Results`; `None` if it does not follow the grammar.
    AuthenticationResults(Option<AuthenticationResults>),
    /// The URIs of a mailing list.
    Uris(Vec<Cow<'m, str>>),
}

impl<'m> HeaderField<'m> {
    /// The field of a part that begins at `part_start`.
    pub(crate) fn new(
        source_octets: &'m [u8],
        source: u32,
        part_start: usize,
        record: FieldRecord,
        index: &'m Index,
    ) -> Self {
        let start = part_start + record.start as usize;
        let length = record.end as usize + usize::from(record.line_end);
        let octets = source_octets.get(start..start + length).unwrap_or_default();
        Self { octets, start, record, source, index }
    }

    pub(crate) const fn kind(&self) -> FieldKind {
        self.record.kind
    }

    pub(crate) fn defects(&self) -> Defects {
        self.index.defects_at(self.source, self.start + self.record.value as usize)
    }

    /// Whether it lies in a message that is encoded in the one that was parsed.
    pub const fn is_in_encoded_message(&self) -> bool {
        self.source != 0
    }

    /// Where it begins, in octets from the start of the message; for a field of a message that lay encoded in this
    /// one, from the start of that.
    pub const fn offset(&self) -> usize {
        self.start
    }

    /// The whole field as it stands there, with its line end.
    pub const fn octets(&self) -> &'m [u8] {
        self.octets
    }

    /// The name as it was written, without white space before the colon. It is empty for a line of the header that is
    /// no field; such lines are kept so that the header can be reproduced.
    pub fn name(&self) -> Cow<'m, str> {
        String::from_utf8_lossy(self.raw_name())
    }

    /// The octets of the name.
    pub fn raw_name(&self) -> &'m [u8] {
        self.octets.get(..self.record.name as usize).unwrap_or_default()
    }

    /// Whether it has this name, without regard to case.
    pub fn is_named(&self, name: &str) -> bool {
        self.raw_name().eq_ignore_ascii_case(name.as_bytes())
    }

    /// The octets of the value: all behind the colon, folds and leading white space included, without the last line
    /// end.
    pub fn raw_value(&self) -> &'m [u8] {
        self.octets.get(self.record.value as usize..self.record.end as usize).unwrap_or_default()
    }

    /// The value unfolded and without white space at its ends, but not decoded.
    pub fn unfolded(&self) -> Cow<'m, str> {
        unfold(self.raw_value())
    }

    /// The value as unstructured text: unfolded, its encoded words decoded (RFC 2047), adjacent ones joined before
    /// their charset is converted. It holds no controls but tabs.
    pub fn text(&self) -> Cow<'m, str> {
        decode_text(self.raw_value(), &mut self.defects())
    }

    /// The value as an address list (RFC 5322 section 3.4).
    pub fn addresses(&self) -> AddressList {
        read_list(self.raw_value(), &self.index.limits, self.defects())
    }

    /// The first mailbox of an address list, in a group or not; what follows it is not looked at.
    pub fn first_mailbox(&self) -> Option<Mailbox> {
        first_mailbox(self.raw_value(), &self.index.limits)
    }

    /// The value as a date (RFC 5322 section 3.3), obsolete forms included.
    pub fn date(&self) -> Result<DateTime, InvalidValue> {
        date::parse(self.raw_value(), self.index.limits.comment_depth).map(|read| read.date)
    }

    /// The value as a list of message identifiers (RFC 5322 section 3.6.4), in order. What is no identifier is passed
    /// over.
    pub fn message_ids(&self) -> Vec<MessageId> {
        message_id::read_list(self.raw_value(), &self.index.limits, &mut self.defects())
    }

    /// The value as a `Content-Type` (RFC 2045 section 5); `None` if it names no type.
    pub fn content_type(&self) -> Option<ContentType> {
        parameters::content_type(self.raw_value(), &self.index.limits, &mut self.defects())
    }

    /// The media type of a `Content-Type` without its parameters; `None` if it names no type.
    pub fn media_type(&self) -> Option<MediaType<'m>> {
        parameters::media_type(self.raw_value(), self.index.limits.comment_depth)
    }

    /// The value as a `Content-Disposition` (RFC 2183); `None` if it names none.
    pub fn content_disposition(&self) -> Option<ContentDisposition> {
        parameters::content_disposition(self.raw_value(), &self.index.limits, &mut self.defects())
    }

    /// The value as a trace (`Received`, RFC 5321 section 4.4).
    pub fn trace(&self) -> Trace<'m> {
        received::read(self.raw_value(), &self.index.limits)
    }

    /// The value as `Authentication-Results` (RFC 8601); `None` if it does not follow the grammar.
    pub fn authentication_results(&self) -> Option<AuthenticationResults> {
        authentication::read(self.raw_value(), &self.index.limits)
    }

    /// The URIs in angle brackets, as in `List-Unsubscribe` (RFC 2369), in order.
    ///
    /// ```
    /// let message = postroad_message::Message::parse(
    ///     b"List-Unsubscribe: (by mail) <mailto:leave@crepes.fr>,\r\n <https://crepes.fr/leave?\r\n bob>\r\n\r\n",
    /// );
    /// let field = message.header().field("List-Unsubscribe").unwrap();
    /// assert_eq!(field.uris(), ["mailto:leave@crepes.fr", "https://crepes.fr/leave?bob"]);
    /// ```
    pub fn uris(&self) -> Vec<Cow<'m, str>> {
        list::uris(self.raw_value(), &self.index.limits)
    }

    /// The value as a `List-Id` (RFC 2919): the description, and the identifier without its angle brackets.
    ///
    /// ```
    /// let message = postroad_message::Message::parse(b"List-Id: \"The List\" <list.crepes.fr>\r\n\r\n");
    /// let (description, id) = message.header().field("List-Id").unwrap().list_id().unwrap();
    /// assert_eq!((description.as_deref(), id.as_str()), (Some("The List"), "list.crepes.fr"));
    /// ```
    pub fn list_id(&self) -> Option<(Option<String>, String)> {
        list::list_id(self.raw_value())
    }

    /// The value as phrases with commas between them, as in `Keywords` (RFC 5322 section 3.6.5), decoded.
    ///
    /// ```
    /// let message = postroad_message::Message::parse(b"Keywords: ketchup, \"salt, pepper\", =?utf-8?Q?caf=C3=A9?=\r\n\r\n");
    /// assert_eq!(message.header().field("Keywords").unwrap().phrases(), ["ketchup", "salt, pepper", "caf\u{e9}"]);
    /// ```
    pub fn phrases(&self) -> Vec<String> {
        list::phrases(self.raw_value(), &self.index.limits)
    }

    /// The value read in the form that the name of the field asks for.
    pub fn value(&self) -> FieldContent<'m> {
        match self.kind() {
            FieldKind::From
            | FieldKind::Sender
            | FieldKind::ReplyTo
            | FieldKind::To
            | FieldKind::Cc
            | FieldKind::Bcc
            | FieldKind::ResentAddresses => FieldContent::Addresses(self.addresses()),
            FieldKind::Date | FieldKind::ResentDate => FieldContent::Date(self.date().ok()),
            FieldKind::MessageId | FieldKind::InReplyTo | FieldKind::References | FieldKind::ContentId => {
                FieldContent::MessageIds(self.message_ids())
            }
            FieldKind::ContentType => FieldContent::ContentType(self.content_type()),
            FieldKind::ContentDisposition => FieldContent::ContentDisposition(self.content_disposition()),
            FieldKind::ContentTransferEncoding => FieldContent::TransferEncoding(self.transfer_encoding()),
            FieldKind::Received => FieldContent::Trace(self.trace()),
            FieldKind::AuthenticationResults => {
                FieldContent::AuthenticationResults(self.authentication_results())
            }
            FieldKind::ListUris => FieldContent::Uris(self.uris()),
            _ => FieldContent::Text(self.text()),
        }
    }

    /// The value as a `Content-Transfer-Encoding` (RFC 2045 section 6).
    pub fn transfer_encoding(&self) -> TransferEncoding {
        parameters::transfer_encoding(self.raw_value(), &self.index.limits)
    }
}
