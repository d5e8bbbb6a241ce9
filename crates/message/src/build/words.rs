//! Which words of a text need encoding, and encoded words (RFC 2047).

use alloc::string::String;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// `=?utf-8?B?` and `?=`.
const OVERHEAD: usize = 12;
/// An encoded word is no longer (RFC 2047 section 2).
const LONGEST: usize = 75;

/// A run of words that is written in one way.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Run<'a> {
    /// The white space in front of it, as far as it is not part of `text`.
    pub(super) space: &'a str,
    /// A single word, or with `encode` also several words.
    pub(super) text: &'a str,
    pub(super) encode: bool,
}

/// Splits a text in words that can stand as they are, and runs that need encoding.
///
/// White space at the ends of the text, which readers would drop, is encoded with the words beside it.
pub(super) fn runs(text: &str, utf8: bool) -> impl Iterator<Item = Run<'_>> {
    let needs = move |word: &str| {
        (!utf8 && !word.is_ascii()) || word.contains("=?") || word.len() > 900 || word.is_empty()
    };
    let blank = [' ', '\t'];
    let mut rest = text;
    let mut first = true;
    core::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let word_start = rest.find(|c| !blank.contains(&c)).unwrap_or(rest.len());
        let word_end = |from: usize| {
            let rest = rest.get(from..).unwrap_or_default();
            from + rest.find(blank).unwrap_or(rest.len())
        };
        let mut end = word_end(word_start);
        let word = rest.get(word_start..end).unwrap_or_default();
        // The white space behind the last word goes with it.
        let trails = |end: usize| {
            rest.get(end..).is_some_and(|tail| !tail.is_empty() && tail.trim_matches(blank).is_empty())
        };
        let encode = needs(word) || (first && word_start > 0) || word_start > 70 || trails(end);
        // One space stays in front of an encoded run, so that it can be folded; the others go into it.
        let start = match (first, encode) {
            (true, _) => 0,
            (false, true) => word_start.min(1),
            (false, false) => word_start,
        };
        first = false;
        let space = rest.get(..start).unwrap_or_default();
        if encode {
            loop {
                if trails(end) {
                    end = rest.len();
                }
                let tail = rest.get(end..).unwrap_or_default();
                let next = end + tail.find(|c| !blank.contains(&c)).unwrap_or(tail.len());
                let next_end = word_end(next);
                let word = rest.get(next..next_end).unwrap_or_default();
                if tail.is_empty() || !(needs(word) || trails(next_end)) {
                    break;
                }
                end = next_end;
            }
        }
        let run = Run { space, text: rest.get(start..end).unwrap_or_default(), encode };
        rest = rest.get(end..).unwrap_or_default();
        Some(run)
    })
}

/// A text on its way into encoded words, in the encoding in which it is shorter.
#[derive(Debug)]
pub(super) struct EncodedWords<'a> {
    rest: &'a str,
    base64: bool,
}

/// The characters that stand for themselves in the `Q` encoding wherever an encoded word may stand (RFC 2047 section 5).
const fn is_q_safe(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'!' | b'*' | b'+' | b'-' | b'/')
}

fn q_length(octet: u8) -> usize {
    if is_q_safe(octet) || octet == b' ' { 1 } else { 3 }
}

impl<'a> EncodedWords<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let q: usize = text.bytes().map(q_length).sum();
        Self { rest: text, base64: text.len().div_ceil(3) * 4 < q }
    }

    pub(super) const fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next encoded word of at most `room` octets; `None` if not even one character has room. No character is
    /// split (RFC 2047 section 5).
    pub(super) fn next_within(&mut self, room: usize) -> Option<String> {
        let room = room.min(LONGEST).checked_sub(OVERHEAD)?;
        let mut length = 0;
        let mut end = 0;
        for (at, character) in self.rest.char_indices() {
            let next = at + character.len_utf8();
            let bytes = self.rest.as_bytes().get(at..next)?;
            let cost = if self.base64 {
                next.div_ceil(3) * 4
            } else {
                length + bytes.iter().map(|&octet| q_length(octet)).sum::<usize>()
            };
            if cost > room {
                break;
            }
            length = cost;
            end = next;
        }
        if end == 0 {
            return None;
        }
        let (now, rest) = self.rest.split_at(end);
        self.rest = rest;
        let mut word = String::with_capacity(OVERHEAD + length);
        word.push_str(if self.base64 { "=?utf-8?B?" } else { "=?utf-8?Q?" });
        if self.base64 {
            STANDARD.encode_string(now, &mut word);
        } else {
            for octet in now.bytes() {
                match octet {
                    b' ' => word.push('_'),
                    octet if is_q_safe(octet) => word.push(char::from(octet)),
                    octet => {
                        const HEX: &[u8; 16] = b"0123456789ABCDEF";
                        word.push('=');
                        word.push(char::from(HEX[usize::from(octet >> 4)]));
                        word.push(char::from(HEX[usize::from(octet & 15)]));
                    }
                }
            }
        }
        word.push_str("?=");
        Some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn shown(text: &str) -> Vec<(&str, &str, bool)> {
        runs(text, false).map(|run| (run.space, run.text, run.encode)).collect()
    }

    #[test]
    fn only_what_must_be_is_encoded() {
        assert_eq!(shown("a  b"), [("", "a", false), ("  ", "b", false)]);
        assert_eq!(
            shown("re: 삶의 의미 ok"),
            [("", "re:", false), (" ", "삶의 의미", true), (" ", "ok", false)]
        );
        assert_eq!(shown(" a b "), [("", " a b ", true)]);
        assert_eq!(shown(" a b c "), [("", " a", true), (" ", "b", false), (" ", "c ", true)]);
        assert_eq!(shown("  "), [("", "  ", true)]);
        assert_eq!(shown(""), []);
        assert_eq!(shown("x =?utf-8?q?y?="), [("", "x", false), (" ", "=?utf-8?q?y?=", true)]);
    }

    #[test]
    fn words_are_short_and_characters_whole() {
        let text = "의미".repeat(60);
        let mut words = EncodedWords::new(&text);
        let mut count = 0;
        while let Some(word) = words.next_within(76) {
            assert!(word.len() <= 75 && word.starts_with("=?utf-8?B?"), "{word}");
            count += 1;
        }
        assert!(words.is_done() && count == 8);
    }
}
