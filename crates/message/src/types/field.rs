//! Names and values of header fields (RFC 5322 section 2.2).

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use super::{Address, ContentDisposition, ContentType, DateTime, Mailbox, MessageId, refuse_controls};
use crate::error::{InvalidReason, InvalidValue};
use crate::scanner::is_ftext;

/// The name of a header field: visible ASCII without a colon (RFC 5322 section 3.6.8).
///
/// ```
/// use postroad_message::FieldName;
/// assert_eq!(FieldName::new("X-Mailer")?.as_str(), "X-Mailer");
/// assert!(FieldName::new("X: 1\r\nBcc").is_err());
/// # Ok::<(), postroad_message::InvalidValue>(())
/// ```
#[derive(Debug, Clone)]
pub struct FieldName(String);

impl FieldName {
    /// A name of 1 to 70 characters, so that the first line of the field stays within 78.
    pub fn new(name: &str) -> Result<Self, InvalidValue> {
        if name.is_empty() {
            return Err(InvalidValue::new("field-name", InvalidReason::Empty, 0));
        }
        if name.len() > 70 {
            return Err(InvalidValue::new("field-name", InvalidReason::TooLong, 70));
        }
        match name.bytes().position(|octet| !is_ftext(octet)) {
            Some(at) => Err(InvalidValue::new("field-name", InvalidReason::Character, at)),
            None => Ok(Self(name.to_string())),
        }
    }

    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for FieldName {
    /// Without regard to case.
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for FieldName {}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for FieldName {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        Self::new(text)
    }
}

impl TryFrom<&str> for FieldName {
    type Error = InvalidValue;

    fn try_from(text: &str) -> Result<Self, InvalidValue> {
        Self::new(text)
    }
}

/// The value of a header field, before it is encoded and folded.
///
/// ```
/// use postroad_message::FieldValue;
/// assert!(FieldValue::text("삶의 의미").is_ok());
/// assert!(FieldValue::structured("auto-replied").is_ok());
/// assert!(FieldValue::text("x\r\nBcc: eve@example.org").is_err());
/// # Ok::<(), postroad_message::InvalidValue>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldValue(FieldValueKind);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FieldValueKind {
    Text(String),
    Structured(String),
    Addresses(Vec<Address>),
    MessageIds(Vec<MessageId>),
    Date(DateTime),
    ContentType(ContentType),
    ContentDisposition(ContentDisposition),
}

impl FieldValue {
    /// Unstructured text; what is not ASCII is written in encoded words (RFC 2047). No controls but the tab.
    pub fn text(text: &str) -> Result<Self, InvalidValue> {
        refuse_controls("unstructured", text)?;
        Ok(Self(FieldValueKind::Text(text.to_string())))
    }

    /// A value in a grammar of its own, written as it is and folded at its spaces. ASCII without controls; no run of
    /// it without a space may be longer than a line, which is only noticed when the message is built.
    pub fn structured(text: &str) -> Result<Self, InvalidValue> {
        refuse_controls("field value", text)?;
        match text.bytes().position(|octet| !octet.is_ascii()) {
            Some(at) => Err(InvalidValue::new("field value", InvalidReason::Character, at)),
            None => Ok(Self(FieldValueKind::Structured(text.to_string()))),
        }
    }

    /// A list of addresses.
    pub const fn addresses(addresses: Vec<Address>) -> Self {
        Self(FieldValueKind::Addresses(addresses))
    }

    /// A list of message identifiers.
    pub const fn message_ids(ids: Vec<MessageId>) -> Self {
        Self(FieldValueKind::MessageIds(ids))
    }

    pub(crate) const fn kind(&self) -> &FieldValueKind {
        &self.0
    }
}

impl From<DateTime> for FieldValue {
    fn from(date: DateTime) -> Self {
        Self(FieldValueKind::Date(date))
    }
}

impl From<MessageId> for FieldValue {
    fn from(id: MessageId) -> Self {
        Self(FieldValueKind::MessageIds(alloc::vec![id]))
    }
}

impl From<Address> for FieldValue {
    fn from(address: Address) -> Self {
        Self(FieldValueKind::Addresses(alloc::vec![address]))
    }
}

impl From<Mailbox> for FieldValue {
    fn from(mailbox: Mailbox) -> Self {
        Address::from(mailbox).into()
    }
}

impl From<ContentType> for FieldValue {
    fn from(content_type: ContentType) -> Self {
        Self(FieldValueKind::ContentType(content_type))
    }
}

impl From<ContentDisposition> for FieldValue {
    fn from(disposition: ContentDisposition) -> Self {
        Self(FieldValueKind::ContentDisposition(disposition))
    }
}

impl TryFrom<&str> for FieldValue {
    type Error = InvalidValue;

    fn try_from(text: &str) -> Result<Self, InvalidValue> {
        Self::text(text)
    }
}
