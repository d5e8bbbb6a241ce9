//! Prints the leaves of responses. A server's literals go out with the text around them, so that one buffer is enough.

use bytes::{BufMut, BytesMut};
use core::fmt::{self, Write};

/// The longest string that is printed in quotes.
const QUOTED_LIMIT: usize = 1000;

/// Digits.
pub(super) fn number(out: &mut BytesMut, number: impl Into<u64>) {
    let mut rest = number.into();
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.put_slice(&digits[at..]);
}

/// What `Display` says.
pub(super) fn display(out: &mut BytesMut, value: impl fmt::Display) {
    // Writing to a BytesMut fails only when it cannot grow, and then the allocator has aborted.
    let _ = write!(out, "{value}");
}

/// A string: in quotes if it may be, as a literal if not (RFC 9051 section 4.3). NUL cannot be said, and is left out.
pub(super) fn string(out: &mut BytesMut, value: &[u8], utf8: bool) {
    // Nearly all are printable ASCII without quotes: one look, without branches, at each octet.
    let is_plain = |octet: &u8| matches!(octet, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~');
    if value.len() <= QUOTED_LIMIT && value.iter().fold(true, |all, octet| all & is_plain(octet)) {
        out.reserve(value.len() + 2);
        out.put_u8(b'"');
        out.put_slice(value);
        return out.put_u8(b'"');
    }
    odd_string(out, value, utf8);
}

fn odd_string(out: &mut BytesMut, value: &[u8], utf8: bool) {
    if memchr::memchr(0, value).is_some() {
        let without: Vec<u8> = value.iter().copied().filter(|octet| *octet != 0).collect();
        return odd_string(out, &without, utf8);
    }
    let plain = value.len() <= QUOTED_LIMIT
        && memchr::memchr2(b'\r', b'\n', value).is_none()
        && (value.is_ascii() || utf8 && core::str::from_utf8(value).is_ok());
    if !plain {
        return literal(out, value);
    }
    out.put_u8(b'"');
    let mut rest = value;
    while let Some(at) = memchr::memchr2(b'"', b'\\', rest) {
        out.put_slice(&rest[..at]);
        out.put_slice(&[b'\\', rest[at]]);
        rest = &rest[at + 1..];
    }
    out.put_slice(rest);
    out.put_u8(b'"');
}

/// A string, or `NIL`.
pub(super) fn nstring(out: &mut BytesMut, value: Option<&[u8]>, utf8: bool) {
    match value {
        Some(value) => string(out, value, utf8),
        None => out.put_slice(b"NIL"),
    }
}

/// A literal, with its octets.
pub(super) fn literal(out: &mut BytesMut, value: &[u8]) {
    out.put_u8(b'{');
    number(out, value.len() as u64);
    out.put_slice(b"}\r\n");
    out.put_slice(value);
}

/// An atom if it can be one, else a string (RFC 9051 `astring`).
pub(super) fn astring(out: &mut BytesMut, value: &[u8], utf8: bool) {
    let is_atom = !value.is_empty()
        && value.iter().all(|octet| {
            octet.is_ascii_graphic() && !matches!(octet, b'(' | b')' | b'{' | b'%' | b'*' | b'"' | b'\\')
        })
        && !value.eq_ignore_ascii_case(b"NIL");
    if is_atom { out.put_slice(value) } else { string(out, value, utf8) }
}

/// `(`, the items with a space between them, and `)`.
pub(super) fn list<T>(
    out: &mut BytesMut,
    items: impl IntoIterator<Item = T>,
    mut item: impl FnMut(&mut BytesMut, T),
) {
    out.put_u8(b'(');
    for (at, value) in items.into_iter().enumerate() {
        if at > 0 {
            out.put_u8(b' ');
        }
        item(out, value);
    }
    out.put_u8(b')');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(print: impl FnOnce(&mut BytesMut)) -> BytesMut {
        let mut out = BytesMut::new();
        print(&mut out);
        out
    }

    #[test]
    fn strings_are_quoted_if_they_may_be() {
        let of = |value: &[u8], utf8| printed(|out| string(out, value, utf8));
        assert_eq!(of(b"", false), "\"\"");
        assert_eq!(of(b"a\"b\\c", false), r#""a\"b\\c""#);
        assert_eq!(of(b"a\r\nb", false), "{4}\r\na\r\nb");
        assert_eq!(of("é".as_bytes(), false), "{2}\r\né");
        assert_eq!(of("é".as_bytes(), true), "\"é\"");
        assert_eq!(of(b"\xff", true), b"{1}\r\n\xff"[..]);
        assert_eq!(of(b"a\0b", false), "\"ab\"");
        assert!(of(&[b'x'; 1001], false).starts_with(b"{1001}\r\n"));
    }

    #[test]
    fn atoms_and_numbers() {
        let of = |value: &[u8]| printed(|out| astring(out, value, false));
        assert_eq!(of(b"INBOX"), "INBOX");
        assert_eq!(of(b"nil"), "\"nil\"");
        assert_eq!(of(b""), "\"\"");
        assert_eq!(of(b"a b"), "\"a b\"");
        for value in [0, 9, 10, u64::MAX] {
            assert_eq!(printed(|out| number(out, value)), value.to_string());
        }
    }
}
