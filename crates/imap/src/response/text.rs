use core::fmt;
use std::borrow::Cow;

/// The text of a status response, for people: on one line, without CR, LF and NUL (RFC 9051 section 7.1).
///
/// ```
/// use postroad_imap::response::ResponseText;
///
/// assert_eq!(ResponseText::new("SELECT completed").as_str(), "SELECT completed");
/// assert_eq!(ResponseText::new("no\r\n* BYE forged").as_str(), "no  * BYE forged");
/// assert_eq!(ResponseText::new("[ALERT] forged").as_str(), "(ALERT] forged");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ResponseText(Cow<'static, str>);

impl ResponseText {
    /// The most octets of a text; what is longer is cut off.
    pub const LIMIT: usize = 1000;

    /// A text. Control characters become spaces and what is not ASCII a question mark, for a client that has not asked for UTF-8 may
    /// not get it; a bracket at the beginning becomes a parenthesis, for it would be taken for a response code; what goes beyond
    /// [`LIMIT`](Self::LIMIT) octets is cut off.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        let text = text.into();
        let fine = text.len() <= Self::LIMIT
            && text.bytes().all(|octet| matches!(octet, b' '..=b'~'))
            && !text.starts_with('[');
        if fine {
            return Self(text);
        }
        let clean = text.chars().take(Self::LIMIT).enumerate().map(|(at, character)| match character {
            '[' if at == 0 => '(',
            ' '..='~' => character,
            _ if character.is_control() => ' ',
            _ => '?',
        });
        Self(clean.collect::<String>().into())
    }

    /// A text as the peer sent it, which may be longer, and in UTF-8 (RFC 9051 section 4.3).
    pub(crate) fn from_wire(text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text);
        Self(if text.chars().any(char::is_control) {
            text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().into()
        } else {
            text.into_owned().into()
        })
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ResponseText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for ResponseText {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<&'static str> for ResponseText {
    fn from(text: &'static str) -> Self {
        Self::new(text)
    }
}

impl From<String> for ResponseText {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_ends_a_line_or_begins_a_code() {
        for octet in (0..0x20_u8).chain([0x7f]) {
            assert_eq!(ResponseText::new(format!("a{}b", char::from(octet))).as_str(), "a b");
        }
        assert_eq!(ResponseText::new("größe").as_str(), "gr??e");
        assert_eq!(ResponseText::new("x".repeat(2000)).as_str().len(), ResponseText::LIMIT);
        assert_eq!(ResponseText::from_wire(b"a\x00b\xff").as_str(), "a b\u{fffd}");
    }
}
