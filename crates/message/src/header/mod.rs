//! Reading header blocks and the values of their fields.

pub(crate) mod address;
mod authentication;
pub(crate) mod date;
pub(crate) mod encoded_word;
mod field;
mod list;
pub(crate) mod message_id;
pub(crate) mod parameters;
mod received;

use alloc::borrow::Cow;
use alloc::vec::Vec;

pub use address::AddressList;
pub use authentication::{AuthenticationResult, AuthenticationResults};
pub use field::{FieldContent, HeaderField};
pub use received::Trace;

use crate::defect::DefectCode;
use crate::index::{FieldKind, FieldRecord, Index, PartRecord};
use crate::types::{Address, DateTime, Mailbox, MessageId};

/// The header block of a message or part: its fields, and what the known ones say.
///
/// It is a view, cheap to copy. Of fields that may be there once, the first counts. Destination fields that are there
/// more than once are read as one list (RFC 5322 section 4.5.3).
///
/// ```
/// use postroad_message::Message;
///
/// let message = Message::parse(b"From: alice@crepes.fr\r\nTo: bob@hamburger.edu\r\nTo: eve@example.org\r\n\r\n");
/// let header = message.header();
/// let to: Vec<String> = header.to().mailboxes().map(|mailbox| mailbox.to_string()).collect();
/// assert_eq!(to, ["bob@hamburger.edu", "eve@example.org"]);
/// assert_eq!(header.single_author().unwrap().address().local_part(), "alice");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Header<'m> {
    source_octets: &'m [u8],
    record: &'m PartRecord,
    index: &'m Index,
}

impl<'m> Header<'m> {
    pub(crate) const fn new(source_octets: &'m [u8], record: &'m PartRecord, index: &'m Index) -> Self {
        Self { source_octets, record, index }
    }

    pub(crate) const fn limits(&self) -> &'m crate::Limits {
        &self.index.limits
    }

    fn view(&self, record: FieldRecord) -> HeaderField<'m> {
        HeaderField::new(self.source_octets, self.record.source, self.record.start, record, self.index)
    }

    /// The octets of the block as they stand there, with the blank line that ends it.
    pub fn octets(&self) -> &'m [u8] {
        self.source_octets.get(self.record.start..self.record.body).unwrap_or_default()
    }

    /// All fields in their order, and the lines that are none.
    pub fn fields(&self) -> impl Iterator<Item = HeaderField<'m>> + use<'m> {
        let this = *self;
        this.index.fields_of(this.record).iter().map(move |&record| this.view(record))
    }

    /// The first field of this name, which is compared without regard to case.
    pub fn field(&self, name: &str) -> Option<HeaderField<'m>> {
        self.fields().find(|field| field.is_named(name))
    }

    /// All fields of this name, in their order.
    pub fn fields_named<'n>(&self, name: &'n str) -> impl Iterator<Item = HeaderField<'m>> + use<'m, 'n> {
        self.fields().filter(move |field| field.is_named(name))
    }

    pub(crate) fn all(&self, kind: FieldKind) -> impl Iterator<Item = HeaderField<'m>> + use<'m> {
        let this = *self;
        let records = this.index.fields_of(this.record).iter();
        records.filter(move |record| record.kind == kind).map(move |&record| this.view(record))
    }

    pub(crate) fn first(&self, kind: FieldKind) -> Option<HeaderField<'m>> {
        self.all(kind).next()
    }

    fn list(&self, kind: FieldKind) -> AddressList {
        self.first(kind).map(|field| field.addresses()).unwrap_or_default()
    }

    fn joined_list(&self, kind: FieldKind) -> AddressList {
        let mut joined = AddressList::default();
        for (index, field) in self.all(kind).enumerate() {
            let list = field.addresses();
            let room = self.index.limits.addresses.saturating_sub(joined.addresses.len());
            let more = list.addresses.len() > room;
            joined.addresses.extend(list.addresses.into_iter().take(room));
            let room = self.index.limits.defects.saturating_sub(joined.defects.len());
            joined.defects.extend(list.defects.into_iter().take(room));
            if joined.addresses.len() >= self.index.limits.addresses {
                if more || self.all(kind).count() > index + 1 {
                    let mut defects = field.defects();
                    defects.add(DefectCode::TooManyAddresses, 0);
                    joined.defects.append(&mut defects.list);
                }
                break;
            }
        }
        joined
    }

    /// The authors: the first `From` field (RFC 5322 section 3.6.2).
    pub fn from(&self) -> AddressList {
        self.list(FieldKind::From)
    }

    /// The only author, where there is no doubt: one `From` field, with one mailbox that is in no group, and nothing
    /// else in it. Readers disagree on whom anything else is from.
    pub fn single_author(&self) -> Option<Mailbox> {
        let mut fields = self.all(FieldKind::From);
        let list = fields.next()?.addresses();
        if fields.next().is_some() || !list.defects().is_empty() {
            return None;
        }
        let mut addresses = list.addresses.into_iter();
        match (addresses.next(), addresses.next()) {
            (Some(Address::Mailbox(mailbox)), None) => Some(mailbox),
            _ => None,
        }
    }

    /// The first author that can be read exactly, of the first `From` field; in a group or not.
    pub fn first_author(&self) -> Option<Mailbox> {
        self.first(FieldKind::From)?.first_mailbox()
    }

    /// The `Sender` field, which holds one mailbox.
    pub fn sender(&self) -> AddressList {
        self.list(FieldKind::Sender)
    }

    /// Where answers are to go.
    pub fn reply_to(&self) -> AddressList {
        self.list(FieldKind::ReplyTo)
    }

    /// The primary recipients.
    pub fn to(&self) -> AddressList {
        self.joined_list(FieldKind::To)
    }

    /// The recipients of copies.
    pub fn cc(&self) -> AddressList {
        self.joined_list(FieldKind::Cc)
    }

    /// The recipients of blind copies, as far as the message still says so.
    pub fn bcc(&self) -> AddressList {
        self.joined_list(FieldKind::Bcc)
    }

    /// The subject, decoded.
    pub fn subject(&self) -> Option<Cow<'m, str>> {
        self.first(FieldKind::Subject).map(|field| field.text())
    }

    /// The date; `None` if there is none, or it cannot be read.
    pub fn date(&self) -> Option<DateTime> {
        self.first(FieldKind::Date)?.date().ok()
    }

    /// The message identifier, also where it stands without its angle brackets.
    pub fn message_id(&self) -> Option<MessageId> {
        let field = self.first(FieldKind::MessageId)?;
        message_id::read_one(field.raw_value(), &self.index.limits, &mut field.defects())
    }

    /// The trace fields, the newest first.
    pub fn received(&self) -> impl Iterator<Item = Trace<'m>> + use<'m> {
        self.all(FieldKind::Received).map(|field| field.trace())
    }

    /// The messages that this one answers.
    pub fn in_reply_to(&self) -> Vec<MessageId> {
        self.first(FieldKind::InReplyTo).map(|field| field.message_ids()).unwrap_or_default()
    }

    /// The messages of the same conversation, the oldest first.
    pub fn references(&self) -> Vec<MessageId> {
        self.first(FieldKind::References).map(|field| field.message_ids()).unwrap_or_default()
    }
}
