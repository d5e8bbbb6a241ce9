//! The nouns of RFC 5322 and MIME. None can be made invalid, and none can hold CR, LF or NUL.

mod address;
mod content_type;
mod date;
mod field;
mod message_id;

pub use address::{AddrSpec, Address, Group, Mailbox};
pub(crate) use address::{is_dot_atom, write_quoted};
pub use content_type::{
    ContentDisposition, ContentType, DispositionType, MediaType, Parameter, TransferEncoding,
};
pub use date::DateTime;
pub(crate) use date::{day_of_name, month_of_name};
pub(crate) use field::FieldValueKind;
pub use field::{FieldName, FieldValue};
pub use message_id::MessageId;

use crate::error::{InvalidReason, InvalidValue};
use crate::scanner::is_control;

/// Refuses control characters other than the horizontal tab.
pub(crate) fn refuse_controls(what: &'static str, text: &str) -> Result<(), InvalidValue> {
    match text.bytes().position(is_control) {
        Some(at) => Err(InvalidValue::new(what, InvalidReason::ControlCharacter, at)),
        None => Ok(()),
    }
}
