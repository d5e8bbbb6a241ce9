//! Message and content identifiers (RFC 5322 section 3.6.4, RFC 2045 section 7).

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;
use core::str::FromStr;

use super::address::is_dot_atom;
use crate::error::{InvalidReason, InvalidValue};

/// A message identifier, or a content identifier, without its angle brackets.
///
/// One that was made by [`new`](Self::new) follows the grammar of RFC 5322 section 3.6.4. One that was read from a
/// message may break it, as many do, but it never holds white space, controls or angle brackets, so it can always be
/// quoted in `In-Reply-To` and `References`.
///
/// ```
/// use postroad_message::MessageId;
/// let id = MessageId::new("1234@crepes.fr")?;
/// assert_eq!(id.to_string(), "<1234@crepes.fr>");
/// assert!(MessageId::new("1234@crepes.fr>\r\nBcc: <eve@example.org").is_err());
/// # Ok::<(), postroad_message::InvalidValue>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(String);

impl MessageId {
    /// An identifier of the form `id-left@id-right`, with or without its angle brackets.
    pub fn new(id: &str) -> Result<Self, InvalidValue> {
        let inside = id.strip_prefix('<').and_then(|id| id.strip_suffix('>')).unwrap_or(id);
        if inside.len() > 900 {
            return Err(InvalidValue::new("msg-id", InvalidReason::TooLong, 900));
        }
        if let Some(at) = inside.find(|c: char| c.is_control() || c.is_whitespace()) {
            return Err(InvalidValue::new("msg-id", InvalidReason::Character, at));
        }
        match inside.rsplit_once('@') {
            Some((left, right)) if is_dot_atom(left) && (is_dot_atom(right) || is_literal(right)) => {
                Ok(Self(inside.to_string()))
            }
            _ => Err(InvalidValue::new("msg-id", InvalidReason::Syntax, 0)),
        }
    }

    /// An identifier made of a moment and random octets, at a domain of the maker's own.
    ///
    /// It is unique if `seed` is: draw it from a good source of randomness.
    pub fn from_seed(timestamp: i64, seed: u128, domain: &str) -> Result<Self, InvalidValue> {
        Self::new(&format!("{timestamp:x}.{seed:032x}@{domain}"))
    }

    /// An identifier that is known to follow the grammar.
    pub(crate) const fn from_valid(id: String) -> Self {
        Self(id)
    }

    /// What was found between angle brackets, if it can be kept.
    pub(crate) fn from_reading(id: String) -> Option<Self> {
        let kept = !id.is_empty()
            && id.len() <= 990
            && !id.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>'));
        kept.then_some(Self(id))
    }

    /// Whether it follows the grammar of RFC 5322 section 3.6.4, without its obsolete forms.
    pub fn is_valid(&self) -> bool {
        Self::new(&self.0).is_ok()
    }

    /// The identifier without its angle brackets.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `no-fold-literal` of RFC 5322 section 3.6.4.
fn is_literal(text: &str) -> bool {
    text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).is_some_and(|inside| {
        inside.bytes().all(|octet| matches!(octet, 0x21..=0x3b | 0x3d | 0x3f..=0x5a | 0x5e..=0x7e))
    })
}

impl fmt::Display for MessageId {
    /// With its angle brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.0)
    }
}

impl FromStr for MessageId {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        Self::new(text)
    }
}

impl TryFrom<&str> for MessageId {
    type Error = InvalidValue;

    fn try_from(text: &str) -> Result<Self, InvalidValue> {
        Self::new(text)
    }
}
