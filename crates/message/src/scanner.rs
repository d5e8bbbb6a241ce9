//! The lexical tokens of structured header fields (RFC 5322 section 3.2, RFC 2045 section 5.1), scanned by hand.
//!
//! Nothing here recurses: nested comments are counted.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::ops::Range;

/// What was skipped between two tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Skipped {
    /// White space was there in front of all else.
    pub(crate) leading_space: bool,
    /// The inside of the last comment.
    pub(crate) comment: Option<Range<usize>>,
    /// Anything was there at all.
    pub(crate) any: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Scanner<'a> {
    pub(crate) octets: &'a [u8],
    pub(crate) at: usize,
    comment_depth: usize,
    /// A comment was nested deeper than allowed.
    pub(crate) comment_too_deep: bool,
    /// A comment or quoted string had no end.
    pub(crate) unterminated: bool,
}

/// `atext` of RFC 5322 section 3.2.3, and every octet over 127 (RFC 6532 section 3.2).
pub(crate) const fn is_atext(octet: u8) -> bool {
    matches!(octet,
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-'
        | b'/' | b'=' | b'?' | b'^' | b'_' | b'`' | b'{' | b'|' | b'}' | b'~' | 0x80..)
}

/// A character of a `token` (RFC 2045 section 5.1).
pub(crate) const fn is_token(octet: u8) -> bool {
    matches!(octet, 0x21..=0x7e)
        && !matches!(
            octet,
            b'(' | b')'
                | b'<'
                | b'>'
                | b'@'
                | b','
                | b';'
                | b':'
                | b'\\'
                | b'"'
                | b'/'
                | b'['
                | b']'
                | b'?'
                | b'='
        )
}

/// A character of a field name (RFC 5322 section 3.6.8).
pub(crate) const fn is_ftext(octet: u8) -> bool {
    matches!(octet, 0x21..=0x7e) && octet != b':'
}

/// A control character other than the horizontal tab.
pub(crate) const fn is_control(octet: u8) -> bool {
    (octet < 0x20 && octet != b'\t') || octet == 0x7f
}

impl<'a> Scanner<'a> {
    pub(crate) const fn new(octets: &'a [u8], comment_depth: usize) -> Self {
        Self { octets, at: 0, comment_depth, comment_too_deep: false, unterminated: false }
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.octets.get(self.at).copied()
    }

    pub(crate) const fn is_at_end(&self) -> bool {
        self.at >= self.octets.len()
    }

    /// Takes `octet` if it is next.
    pub(crate) fn take(&mut self, octet: u8) -> bool {
        let found = self.peek() == Some(octet);
        self.at += usize::from(found);
        found
    }

    /// The length of a white-space character here: SP, TAB, LF, or CR before LF.
    fn white_space_at(&self, at: usize) -> usize {
        match self.octets.get(at) {
            Some(b' ' | b'\t' | b'\n') => 1,
            Some(b'\r') if self.octets.get(at + 1) == Some(&b'\n') => 2,
            _ => 0,
        }
    }

    #[inline]
    pub(crate) fn skip_white_space(&mut self) -> bool {
        if self.octets.get(self.at).is_none_or(|&octet| octet > b' ') {
            return false;
        }
        let start = self.at;
        loop {
            match self.white_space_at(self.at) {
                0 => return self.at > start,
                length => self.at += length,
            }
        }
    }

    /// Skips comments and folding white space (`CFWS`, RFC 5322 section 3.2.2).
    pub(crate) fn skip_cfws(&mut self) -> Skipped {
        let start = self.at;
        let leading_space = self.skip_white_space();
        let mut skipped = Skipped { leading_space, ..Skipped::default() };
        while self.peek() == Some(b'(') {
            skipped.comment = Some(self.skip_comment());
            self.skip_white_space();
        }
        skipped.any = self.at > start;
        skipped
    }

    /// Skips the comment that begins here and says where its inside is.
    fn skip_comment(&mut self) -> Range<usize> {
        let start = self.at + 1;
        let mut depth = 0_usize;
        while let Some(found) =
            self.octets.get(self.at..).and_then(|rest| memchr::memchr3(b'(', b')', b'\\', rest))
        {
            self.at += found + 1;
            match self.octets.get(self.at - 1) {
                Some(b'(') => {
                    depth += 1;
                    self.comment_too_deep |= depth > self.comment_depth;
                }
                Some(b')') => {
                    depth -= 1;
                    if depth == 0 {
                        return start..self.at - 1;
                    }
                }
                _ => self.at = (self.at + 1).min(self.octets.len()),
            }
        }
        self.at = self.octets.len();
        self.unterminated = true;
        start.min(self.at)..self.at
    }

    /// The longest run of characters that are `allowed`; empty if there is none.
    pub(crate) fn run(&mut self, allowed: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.octets.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|&octet| !allowed(octet)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    /// The inside of the quoted string that begins here, its escapes and folds undone (RFC 5322 section 3.2.4).
    /// `None`, and the scanner where it was, if it has no end.
    pub(crate) fn quoted_string(&mut self) -> Option<Cow<'a, [u8]>> {
        let octets = self.octets;
        let start = self.at + 1;
        let mut at = start;
        let mut plain = true;
        loop {
            match octets.get(at)? {
                b'"' => break,
                b'\\' => {
                    plain = false;
                    at += 2;
                }
                b'\r' | b'\n' => {
                    plain = false;
                    at += 1;
                }
                _ => at += 1,
            }
        }
        let inside = octets.get(start..at)?;
        self.at = at + 1;
        if plain {
            return Some(Cow::Borrowed(inside));
        }
        let mut text = Vec::with_capacity(inside.len());
        let mut rest = inside.iter().enumerate();
        while let Some((index, &octet)) = rest.next() {
            match octet {
                b'\\' => text.extend(rest.next().map(|(_, &octet)| octet)),
                b'\n' => {}
                b'\r' if inside.get(index + 1) == Some(&b'\n') => {}
                _ => text.push(octet),
            }
        }
        Some(Cow::Owned(text))
    }

    /// Goes to the end of the quoted string that begins here, or to the end of all.
    pub(crate) fn skip_quoted_string(&mut self) {
        self.at += 1;
        while let Some(octet) = self.peek() {
            self.at += 1;
            match octet {
                b'"' => return,
                b'\\' => self.at += 1,
                _ => {}
            }
        }
        self.at = self.octets.len();
        self.unterminated = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_counted_not_recursed() {
        let deep = [b"(".repeat(100_000), b")".repeat(100_000), b" x".to_vec()].concat();
        let mut scanner = Scanner::new(&deep, 32);
        assert!(scanner.skip_cfws().any);
        assert!(scanner.comment_too_deep);
        assert_eq!(scanner.peek(), Some(b'x'));
    }

    #[test]
    fn a_comment_ends_at_its_own_parenthesis() {
        let mut scanner = Scanner::new(br" (a \) (b)) x", 32);
        let skipped = scanner.skip_cfws();
        assert_eq!(skipped.comment.map(|at| &scanner.octets[at]), Some(&br"a \) (b)"[..]));
        assert!(skipped.leading_space && !scanner.unterminated);
        assert_eq!(scanner.peek(), Some(b'x'));
    }

    #[test]
    fn quoted_strings_lose_escapes_and_folds() {
        let mut scanner = Scanner::new(b"\"a\\\"b\r\n c\"x", 32);
        assert_eq!(scanner.quoted_string().as_deref(), Some(&b"a\"b c"[..]));
        assert_eq!(scanner.peek(), Some(b'x'));
        let mut scanner = Scanner::new(b"\"abc\\", 32);
        assert_eq!(scanner.quoted_string(), None);
        assert_eq!(scanner.at, 0);
        scanner.skip_quoted_string();
        assert!(scanner.is_at_end() && scanner.unterminated);
    }
}
