//! Reports: delivery status (RFC 3464), disposition (RFC 8098), and what must not be answered (RFC 3834).

mod delivery;
mod disposition;

use alloc::string::String;
use alloc::vec::Vec;

pub use delivery::{Action, DeliveryStatus, RecipientStatus};
pub use disposition::{Disposition, DispositionMode, DispositionNotification};

use crate::error::{InvalidReason, InvalidValue};
use crate::header::Header;
use crate::message::Message;
use crate::part::Part;

/// A value with the type in front of it, such as `rfc822; bob@hamburger.edu` (RFC 3464 section 2.1.2).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Typed {
    /// The type in lower case, such as `rfc822`, `dns` or `smtp`.
    pub kind: String,
    /// The value.
    pub value: String,
}

impl Typed {
    /// A value of a type. Neither may hold controls, and the type no semicolon.
    pub fn new(kind: &str, value: &str) -> Result<Self, InvalidValue> {
        crate::types::refuse_controls("typed value", value)?;
        crate::types::refuse_controls("typed value", kind)?;
        if let Some(at) = kind.find(';') {
            return Err(InvalidValue::new("typed value", InvalidReason::Character, at));
        }
        Ok(Self { kind: kind.trim().to_ascii_lowercase(), value: value.trim().into() })
    }

    /// What stands in a field; without a type that is empty.
    fn read(text: &str) -> Self {
        match text.split_once(';') {
            Some((kind, value)) => {
                Self { kind: kind.trim().to_ascii_lowercase(), value: value.trim().into() }
            }
            None => Self { kind: String::new(), value: text.trim().into() },
        }
    }
}

impl core::fmt::Display for Typed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}; {}", self.kind, self.value)
    }
}

/// The text of the first field of a name.
fn value(header: &Header<'_>, name: &str) -> Option<String> {
    header.field(name).map(|field| field.unfolded().into_owned())
}

fn typed(header: &Header<'_>, name: &str) -> Option<Typed> {
    value(header, name).map(|text| Typed::read(&text))
}

/// Lines `Name: value`, refusing what could begin another line.
#[derive(Default)]
struct Lines(Vec<u8>);

impl Lines {
    fn add(&mut self, name: &str, value: &str) -> Result<(), InvalidValue> {
        crate::types::refuse_controls("field value", value)?;
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b": ");
        // Folded at spaces; what is longer than a line stays.
        let mut length = name.len() + 2;
        for (index, word) in value.split(' ').enumerate() {
            if index > 0 {
                if length + 1 + word.len() > 78 && !word.is_empty() {
                    self.0.extend_from_slice(b"\r\n");
                    length = 0;
                }
                self.0.push(b' ');
                length += 1;
            }
            self.0.extend_from_slice(word.as_bytes());
            length += word.len();
        }
        self.0.extend_from_slice(b"\r\n");
        Ok(())
    }

    fn add_if(&mut self, name: &str, value: Option<impl core::fmt::Display>) -> Result<(), InvalidValue> {
        value.map_or(Ok(()), |value| self.add(name, &alloc::format!("{value}")))
    }

    fn blank(&mut self) {
        self.0.extend_from_slice(b"\r\n");
    }
}

/// The part of this media type in a `multipart/report`, or the message itself.
fn report_part<'m>(message: &'m Message<'_>, subtypes: &[&str]) -> Option<Part<'m>> {
    let is = |part: &Part<'_>| subtypes.iter().any(|subtype| part.media_type().is("message", subtype));
    let root = message.root();
    if root.media_type().is("multipart", "report") {
        return root.children().find(is);
    }
    Some(root).filter(is)
}

impl Message<'_> {
    /// The delivery status in a `multipart/report` (RFC 3464), also its form in UTF-8 (RFC 6533); `None` if the message is
    /// no such report.
    pub fn delivery_status(&self) -> Option<DeliveryStatus> {
        let part = report_part(self, &["delivery-status", "global-delivery-status"])?;
        Some(DeliveryStatus::read(&part.body()))
    }

    /// The disposition notification in a `multipart/report` (RFC 8098); `None` if the message is none, or does not say
    /// what was done.
    pub fn disposition_notification(&self) -> Option<DispositionNotification> {
        let part = report_part(self, &["disposition-notification", "global-disposition-notification"])?;
        DispositionNotification::read(&part.body())
    }

    /// The message, or its header alone, that a `multipart/report` gives back.
    pub fn returned_message(&self) -> Option<Part<'_>> {
        let root = self.root();
        if !root.media_type().is("multipart", "report") {
            return None;
        }
        let is = |part: &Part<'_>| {
            let media_type = part.media_type();
            media_type.is("message", "rfc822")
                || media_type.is("message", "global")
                || media_type.is("text", "rfc822-headers")
                || media_type.is("message", "global-headers")
        };
        root.children().skip(1).find(is)
    }

    /// Whether a program must not answer the message by itself (RFC 3834 section 2): it was itself made by a program, is of
    /// a mailing list, or a report. That the reverse-path is empty has to be seen in the envelope.
    ///
    /// ```
    /// use postroad_message::Message;
    /// assert!(Message::parse(b"Auto-Submitted: auto-replied (vacation)\r\n\r\n").is_automatic());
    /// assert!(!Message::parse(b"Auto-Submitted: no\r\n\r\n").is_automatic());
    /// assert!(Message::parse(b"List-Id: <list.crepes.fr>\r\n\r\n").is_automatic());
    /// ```
    pub fn is_automatic(&self) -> bool {
        let header = self.header();
        let submitted = header.field("Auto-Submitted").is_some_and(|field| {
            let text = field.unfolded();
            let keyword = text.split([';', '(', ' ', '\t']).next().unwrap_or_default();
            !keyword.eq_ignore_ascii_case("no")
        });
        let precedence = header.field("Precedence").is_some_and(|field| {
            let text = field.unfolded();
            ["bulk", "junk", "list"].iter().any(|word| word.eq_ignore_ascii_case(text.trim()))
        });
        let has = |name: &str| header.field(name).is_some();
        submitted
            || precedence
            || has("List-Id")
            || has("List-Post")
            || has("List-Unsubscribe")
            || self.root().media_type().is("multipart", "report")
    }
}
