//! Two charsets that `encoding_rs` does not have: UTF-7 (RFC 2152) and ISO-2022-KR (RFC 1557).

use alloc::string::String;
use alloc::vec::Vec;

const fn value(octet: u8) -> Option<u32> {
    Some(match octet {
        b'A'..=b'Z' => octet - b'A',
        b'a'..=b'z' => octet - b'a' + 26,
        b'0'..=b'9' => octet - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    } as u32)
}

/// Decodes UTF-7; `false` if something in it was malformed, for which U+FFFD stands.
pub(super) fn decode(octets: &[u8]) -> (String, bool) {
    let mut text = String::with_capacity(octets.len());
    let mut sound = true;
    let mut units: Vec<u16> = Vec::new();
    let mut at = 0;
    while let Some(&octet) = octets.get(at) {
        at += 1;
        match octet {
            b'+' if octets.get(at) == Some(&b'-') => {
                text.push('+');
                at += 1;
            }
            b'+' => {
                let (mut bits, mut count) = (0_u32, 0_u32);
                units.clear();
                while let Some(six) = octets.get(at).copied().and_then(value) {
                    at += 1;
                    bits = bits << 6 | six;
                    count += 6;
                    if count >= 16 {
                        count -= 16;
                        units.push(u16::try_from(bits >> count & 0xffff).unwrap_or_default());
                        bits &= (1 << count) - 1;
                    }
                }
                if octets.get(at) == Some(&b'-') {
                    at += 1;
                }
                sound &= bits == 0 && count < 6 && !units.is_empty();
                for unit in char::decode_utf16(units.iter().copied()) {
                    sound &= unit.is_ok();
                    text.push(unit.unwrap_or(char::REPLACEMENT_CHARACTER));
                }
            }
            0x80.. => {
                sound = false;
                text.push(char::REPLACEMENT_CHARACTER);
            }
            _ => text.push(char::from(octet)),
        }
    }
    (text, sound)
}

/// Rewrites ISO-2022-KR as EUC-KR: the designator goes, and the octets between SO and SI get their eighth bit.
pub(super) fn iso_2022_kr_to_euc_kr(octets: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len());
    let mut shifted = false;
    let mut at = 0;
    while let Some(&octet) = octets.get(at) {
        at += 1;
        match octet {
            0x0e => shifted = true,
            0x0f => shifted = false,
            0x1b if octets.get(at..at + 3) == Some(b"$)C") => at += 3,
            b'\n' => {
                shifted = false;
                out.push(octet);
            }
            0x21..=0x7e if shifted => out.push(octet | 0x80),
            _ => out.push(octet),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_2152() {
        assert_eq!(decode(b"Hi Mom -+Jjo--!"), ("Hi Mom -\u{263a}-!".into(), true));
        assert_eq!(decode(b"A+ImIDkQ."), ("A\u{2262}\u{391}.".into(), true));
        assert_eq!(decode(b"+ZeVnLIqe-"), ("\u{65e5}\u{672c}\u{8a9e}".into(), true));
        assert_eq!(decode(b"1 +- 1"), ("1 + 1".into(), true));
        assert_eq!(decode(b"+2AA-"), ("\u{fffd}".into(), false));
        assert!(!decode(b"\xff+").1);
    }

    #[test]
    fn korean_in_seven_bits() {
        assert_eq!(iso_2022_kr_to_euc_kr(b"\x1b$)Ca\x0e0!\x0fb"), b"a\xb0\xa1b");
    }
}
