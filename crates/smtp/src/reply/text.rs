//! The text of one line of a reply.

use core::fmt;
use std::borrow::Cow;

/// One line of text in a reply: without CR, LF, NUL or any other control character but the tab, so that it can stand in a reply whatever it
/// was made of (RFC 5321 section 4.2, `textstring`; UTF-8 by RFC 6531 section 3.7.4.2).
///
/// ```
/// use postroad_smtp::reply::ReplyText;
///
/// assert_eq!(ReplyText::new("ok").as_str(), "ok");
/// assert_eq!(ReplyText::new("ok\r\n250 forged").as_str(), "ok  250 forged");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ReplyText(Cow<'static, str>);

impl ReplyText {
    /// The most octets that one line of text has; what is longer is cut off.
    pub const LIMIT: usize = 4090;

    /// A line of text. Control characters become spaces; what goes beyond [`LIMIT`](Self::LIMIT) octets is cut off.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        let mut text = text.into();
        if text.len() > Self::LIMIT {
            let end = floor_char_boundary(&text, Self::LIMIT);
            match &mut text {
                Cow::Borrowed(text) => *text = &text[..end],
                Cow::Owned(text) => text.truncate(end),
            }
        }
        if text.chars().any(is_forbidden) {
            text = text.chars().map(|c| if is_forbidden(c) { ' ' } else { c }).collect::<String>().into();
        }
        Self(text)
    }

    /// A line as the peer sent it: what is not UTF-8 becomes U+FFFD.
    pub(super) fn from_wire(text: &[u8]) -> Self {
        Self::new(String::from_utf8_lossy(text).into_owned())
    }

    /// The same, without the octets before `start`, which is at a character's border.
    pub(super) fn without_prefix(self, start: usize) -> Self {
        Self(match self.0 {
            Cow::Borrowed(text) => Cow::Borrowed(&text[start..]),
            Cow::Owned(mut text) => {
                text.drain(..start);
                Cow::Owned(text)
            }
        })
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_forbidden(character: char) -> bool {
    character.is_control() && character != '\t'
}

/// The last border of a character at or before octet `at`.
pub(super) fn floor_char_boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl fmt::Display for ReplyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for ReplyText {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<&'static str> for ReplyText {
    fn from(text: &'static str) -> Self {
        Self::new(text)
    }
}

impl From<String> for ReplyText {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_character_stays() {
        for code in (0..0x20u8).chain([0x7f]).filter(|code| *code != b'\t') {
            let text = ReplyText::new(format!("a{}b", char::from(code)));
            assert_eq!(text.as_str(), "a b");
        }
        assert_eq!(ReplyText::new("a\u{85}b").as_str(), "a b");
        assert_eq!(ReplyText::new("a\tb").as_str(), "a\tb");
    }

    #[test]
    fn is_cut_at_a_character() {
        let text = ReplyText::new("é".repeat(3000));
        assert_eq!(text.as_str().len(), ReplyText::LIMIT);
        let text = ReplyText::new(format!("a{}", "é".repeat(3000)));
        assert_eq!(text.as_str().len(), ReplyText::LIMIT - 1);
    }

    #[test]
    fn octets_that_are_not_utf_8_are_replaced_within_the_limit() {
        assert_eq!(ReplyText::from_wire(b"caf\xe9").as_str(), "caf\u{fffd}");
        assert!(ReplyText::from_wire(&[0xff; 4090]).as_str().len() <= ReplyText::LIMIT);
    }
}
