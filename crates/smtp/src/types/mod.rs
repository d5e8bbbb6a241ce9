//! The nouns of RFC 5321. None can be constructed invalid, and none can hold CR, LF or NUL, so each can stand on any line.

mod argument;
mod body_type;
mod client_name;
mod mechanism;
mod path;
mod repair;
mod xtext;

pub use argument::Argument;
pub use body_type::BodyType;
pub use client_name::ClientName;
pub use mechanism::Mechanism;
pub use path::{ForwardPath, ReversePath};
pub use postroad_core::TlsInfo;
pub use repair::{Lenience, Repairs};
pub use xtext::Xtext;

use postroad_core::{ParseError, ParseErrorKind};

/// `text` as UTF-8 without control characters, not empty, of at most `limit` octets.
fn printable<'a>(text: &'a [u8], what: &'static str, limit: usize) -> Result<&'a str, ParseError> {
    if text.is_empty() {
        return Err(ParseError::new(ParseErrorKind::Missing(what), 0, text));
    }
    if text.len() > limit {
        return Err(ParseError::new(ParseErrorKind::TooLong { what, limit }, limit, text));
    }
    if let Some(at) = text.iter().position(u8::is_ascii_control) {
        return Err(ParseError::new(ParseErrorKind::Forbidden(text[at]), at, text));
    }
    let utf8 = core::str::from_utf8(text)
        .map_err(|error| ParseError::new(ParseErrorKind::Expected("UTF-8"), error.valid_up_to(), text))?;
    match utf8.char_indices().find(|(_, character)| character.is_control()) {
        Some((at, _)) => Err(ParseError::new(ParseErrorKind::Expected("no control character"), at, text)),
        None => Ok(utf8),
    }
}
