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
    if value.len() <= QUOTED_LIMIT && is_plain(value) {
        out.reserve(value.len() + 2);
        out.put_u8(b'"');
        out.put_slice(value);
        return out.put_u8(b'"');
    }
    odd_string(out, value, utf8);
}

/// A space and a string.
#[inline]
pub(super) fn space_string(out: &mut BytesMut, value: &[u8], utf8: bool) {
    if value.len() <= QUOTED_LIMIT && is_plain(value) {
        out.reserve(value.len() + 3);
        out.put_slice(b" \"");
        out.put_slice(value);
        return out.put_u8(b'"');
    }
    out.put_u8(b' ');
    odd_string(out, value, utf8);
}

/// Whether a string is printable ASCII without quotes and backslashes, as nearly all are: eight octets at a time.
#[inline]
fn is_plain(value: &[u8]) -> bool {
    let is_plain = |octet: &u8| matches!(octet, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~');
    let Some(last) = value.last_chunk::<8>() else { return value.iter().all(is_plain) };
    let mut odd = odd_octets(*last);
    for word in value.chunks_exact(8) {
        odd |= word.first_chunk().map_or(0, |word| odd_octets(*word));
    }
    odd == 0
}

/// A bit for octets among eight that are not plain. What is over 127 counts by itself, so that no octet carries into the next.
#[inline]
fn odd_octets(octets: [u8; 8]) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = 0x80 * ONES;
    let word = u64::from_ne_bytes(octets);
    let low = word & !HIGH;
    let is_control = !(low + (0x80 - 0x20) * ONES);
    let is_delete = low + ONES;
    let is_zero = |word: u64| !(word + 0x7f * ONES);
    let is_quote = is_zero(low ^ (0x22 * ONES)) | is_zero(low ^ (0x5c * ONES));
    (word | is_control | is_delete | is_quote) & HIGH
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

/// A space, and a string or `NIL`.
#[inline]
pub(super) fn space_nstring(out: &mut BytesMut, value: Option<&[u8]>, utf8: bool) {
    match value {
        Some(value) => space_string(out, value, utf8),
        None => out.put_slice(b" NIL"),
    }
}

/// A literal, with its octets.
pub(super) fn literal(out: &mut BytesMut, value: &[u8]) {
    literal_header(out, value.len() as u64);
    out.put_slice(value);
}

/// What stands before the octets of a literal.
pub(super) fn literal_header(out: &mut BytesMut, len: u64) {
    out.put_u8(b'{');
    number(out, len);
    out.put_slice(b"}\r\n");
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
    fn plain_strings_are_told_by_each_octet_in_each_place() {
        for octet in 0..=255 {
            let plain = (b' '..=b'~').contains(&octet) && !matches!(octet, b'"' | b'\\');
            for (len, at) in (1..20).flat_map(|len| (0..len).map(move |at| (len, at))) {
                for around in [b'a', b' ', b'~', b'!', b']'] {
                    let mut value = vec![around; len];
                    value[at] = octet;
                    assert_eq!(is_plain(&value), plain, "{octet} at {at} of {len}");
                }
            }
        }
        assert!(is_plain(b""));
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
