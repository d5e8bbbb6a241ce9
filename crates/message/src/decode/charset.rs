//! From a charset to UTF-8.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use encoding_rs::{EUC_KR, Encoding, ISO_2022_JP, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::utf7;

/// Text that was read in a charset.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Text<'a> {
    pub(crate) characters: Cow<'a, str>,
    /// The charset is not known; ASCII, UTF-8 or Windows-1252 was assumed.
    pub(crate) unknown: bool,
    /// Some octets are not of the charset; U+FFFD stands for them.
    pub(crate) malformed: bool,
}

/// Labels in use that the Encoding Standard does not know.
const LABELS: [(&str, &str); 22] = [
    ("ansi_x3.4-1986", "us-ascii"),
    ("cp-850", "cp850"),
    ("cp1250", "windows-1250"),
    ("cp932", "shift_jis"),
    ("cp936", "gbk"),
    ("cp949", "euc-kr"),
    ("cp950", "big5"),
    ("iso-2022-jp-2", "iso-2022-jp"),
    ("iso646-us", "us-ascii"),
    ("johab", "x-johab"),
    ("ks_c_5601", "euc-kr"),
    ("ks_x_1001", "euc-kr"),
    ("ksx1001", "euc-kr"),
    ("latin-1", "iso-8859-1"),
    ("ms936", "gbk"),
    ("ms949", "euc-kr"),
    ("uhc", "euc-kr"),
    ("utf8mb4", "utf-8"),
    ("x-cp949", "euc-kr"),
    ("x-euc-kr", "euc-kr"),
    ("x-windows-949", "euc-kr"),
    ("x-gbk", "gbk"),
];

/// The label without its quotation marks, or the one that the Encoding Standard knows for it.
fn label_of(charset: &[u8]) -> &[u8] {
    let charset = charset.trim_ascii();
    let charset =
        charset.strip_prefix(b"\"").and_then(|inside| inside.strip_suffix(b"\"")).unwrap_or(charset);
    let known = LABELS.iter().find(|(label, _)| label.as_bytes().eq_ignore_ascii_case(charset));
    known.map_or(charset, |(_, known)| known.as_bytes())
}

/// Decodes octets of a charset. No charset at all is ASCII (RFC 2045 section 5.2).
pub(crate) fn decode<'a>(charset: Option<&[u8]>, octets: &'a [u8]) -> Text<'a> {
    let Some(charset) = charset else { return ascii(octets, false) };
    let is = |charset: &[u8], labels: &[&str]| {
        labels.iter().any(|label| label.as_bytes().eq_ignore_ascii_case(charset))
    };
    if is(charset, &["us-ascii"]) {
        return ascii(octets, false);
    }
    if is(charset, &["utf-8"]) {
        return with(UTF_8, octets);
    }
    let label = label_of(charset);
    if is(label, &["us-ascii", "ascii"]) {
        return ascii(octets, false);
    }
    if is(label, &["iso-2022-kr", "csiso2022kr"]) {
        let euc = utf7::iso_2022_kr_to_euc_kr(octets);
        let (text, malformed) = EUC_KR.decode_without_bom_handling(&euc);
        return Text { characters: Cow::Owned(text.into_owned()), unknown: false, malformed };
    }
    if is(label, &["utf-7", "unicode-1-1-utf-7", "csutf7", "x-unicode-2-0-utf-7"]) {
        let (text, sound) = utf7::decode(octets);
        return Text { characters: Cow::Owned(text), unknown: false, malformed: !sound };
    }
    if is(label, &["utf-16"]) {
        // Without a byte order mark it is big-endian (RFC 2781 section 4.3).
        let encoding = if octets.starts_with(b"\xff\xfe") { UTF_16LE } else { UTF_16BE };
        return with(encoding, octets);
    }
    match Encoding::for_label_no_replacement(label) {
        Some(encoding) if encoding == ISO_2022_JP => {
            let plain = without_empty_runs(octets);
            let (text, malformed) = encoding.decode_without_bom_handling(&plain);
            Text { characters: Cow::Owned(text.into_owned()), unknown: false, malformed }
        }
        Some(encoding) if encoding != REPLACEMENT => with(encoding, octets),
        _ => ascii(octets, true),
    }
}

/// ISO-2022-JP without escape sequences that nothing stands behind. `encoding_rs` takes them for an attempt to hide something, but joining
/// the encoded words of a header field makes one at each seam: every word ends in ASCII (RFC 1468), and the next begins anew.
fn without_empty_runs(octets: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(octets.len());
    let mut rest = octets;
    while let [first, tail @ ..] = rest {
        if let [0x1b, b'(' | b'$', _, 0x1b, b'(' | b'$', ..] = rest {
            rest = &rest[3..];
            continue;
        }
        plain.push(*first);
        rest = tail;
    }
    plain
}

fn with<'a>(encoding: &'static Encoding, octets: &'a [u8]) -> Text<'a> {
    let (characters, malformed) = encoding.decode_with_bom_removal(octets);
    Text { characters, unknown: false, malformed }
}

/// ASCII; where it is not, UTF-8 if it can be that, else Windows-1252.
fn ascii(octets: &[u8], unknown: bool) -> Text<'_> {
    if let Ok(text) = core::str::from_utf8(octets) {
        return Text { characters: Cow::Borrowed(text), unknown, malformed: !unknown && !text.is_ascii() };
    }
    let (characters, _) = WINDOWS_1252.decode_without_bom_handling(octets);
    Text { characters, unknown, malformed: true }
}

/// The text if it is UTF-8, else with U+FFFD for what is not, and whether that was needed.
pub(crate) fn utf8(octets: &[u8]) -> (Cow<'_, str>, bool) {
    UTF_8.decode_without_bom_handling(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(charset: &str, octets: &[u8]) -> String {
        let read = decode(Some(charset.as_bytes()), octets);
        assert!(!read.unknown && !read.malformed, "{charset}: {read:?}");
        read.characters.into_owned()
    }

    #[test]
    fn korean_under_all_its_names() {
        for label in ["EUC-KR", "ks_c_5601-1987", "KS_C_5601-1989", "ksc5601", "iso-ir-149"] {
            assert_eq!(read(label, b"\xb0\xa1\xb3\xaa\xb4\xd9"), "가나다", "{label}");
        }
        // U+B620 is only in Microsoft's extension.
        for label in ["cp949", "MS949", "x-windows-949", "uhc", "windows-949", "euc-kr"] {
            assert_eq!(read(label, b"\x8c\x63\xb9\xe6"), "똠방", "{label}");
        }
        assert_eq!(read("iso-2022-kr", b"\x1b$)C\x0e0!3*\x0f!"), "가나!");
    }

    #[test]
    fn japanese_whose_words_were_joined() {
        let octets = b"\x1b$B%9\x1b(B\x1b$B%Q\x1b(B\x1b(J!";
        assert_eq!(read("iso-2022-jp", octets), "スパ!");
    }

    #[test]
    fn no_charset_and_unknown_ones() {
        assert!(decode(None, "가".as_bytes()).malformed);
        let unknown = decode(Some(b"x-nonsense"), "가".as_bytes());
        assert!(unknown.unknown && !unknown.malformed);
        assert_eq!(unknown.characters, "가");
        assert_eq!(decode(Some(b"us-ascii"), b"\xe9").characters, "é");
        assert!(decode(Some(b"hz-gb-2312"), b"x").unknown);
    }

    #[test]
    fn byte_order() {
        assert_eq!(read("utf-16", b"\xac\x00"), "가");
        assert_eq!(read("utf-16", b"\xff\xfe\x00\xac"), "가");
        assert_eq!(read("utf-8", b"\xef\xbb\xbfx"), "x");
    }
}
