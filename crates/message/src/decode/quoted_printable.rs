//! Reading quoted-printable (RFC 2045 section 6.7) and the `Q` encoding (RFC 2047 section 4.2).

use alloc::vec::Vec;

use super::Sink;

const fn hex(octet: u8) -> Option<u8> {
    match octet {
        b'0'..=b'9' => Some(octet - b'0'),
        b'A'..=b'F' => Some(octet - b'A' + 10),
        b'a'..=b'f' => Some(octet - b'a' + 10),
        _ => None,
    }
}

/// Two hexadecimal digits at the start of `rest`.
pub(crate) fn hex_pair(rest: &[u8]) -> Option<u8> {
    let (high, low) = (hex(*rest.first()?)?, hex(*rest.get(1)?)?);
    Some(high << 4 | low)
}

/// Decodes what there is; what is no escape stays as it is. Says where the first malformed escape is.
pub(crate) fn decode(encoded: &[u8], out: &mut impl Sink) -> Option<usize> {
    out.expect(encoded.len());
    let mut fault = None;
    let mut at = 0;
    while at < encoded.len() && !out.is_full() {
        let line_end = memchr::memchr(b'\n', encoded.get(at..).unwrap_or_default())
            .map_or(encoded.len(), |found| at + found + 1);
        let line = encoded.get(at..line_end).unwrap_or_default();
        decode_line(line, at, out, &mut fault);
        at = line_end;
    }
    fault
}

fn decode_line(line: &[u8], base: usize, out: &mut impl Sink, fault: &mut Option<usize>) {
    let (text, end) = match line {
        [text @ .., b'\r', b'\n'] => (text, &b"\r\n"[..]),
        [text @ .., b'\n'] => (text, &b"\n"[..]),
        text => (text, &b""[..]),
    };
    // White space at the end of a line was added on the way.
    let kept = text.iter().rposition(|&octet| octet != b' ' && octet != b'\t').map_or(0, |last| last + 1);
    let text = text.get(..kept).unwrap_or_default();
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'=', text.get(at..).unwrap_or_default()) {
        out.put(text.get(at..at + found).unwrap_or_default());
        at += found;
        let rest = text.get(at + 1..).unwrap_or_default();
        if let Some(octet) = hex_pair(rest) {
            out.put(&[octet]);
            at += 3;
        } else if rest.is_empty() {
            return; // a soft line break
        } else {
            fault.get_or_insert(base + at);
            out.put(b"=");
            at += 1;
        }
    }
    out.put(text.get(at..).unwrap_or_default());
    out.put(end);
}

/// Decodes the `Q` encoding; `false` if an escape was malformed, which stays as it is.
pub(crate) fn decode_word(encoded: &[u8], out: &mut Vec<u8>) -> bool {
    let mut sound = true;
    let mut at = 0;
    while let Some(&octet) = encoded.get(at) {
        at += 1;
        match octet {
            b'_' => out.push(b' '),
            b'=' => {
                let escaped = encoded.get(at..).and_then(hex_pair);
                out.push(escaped.unwrap_or(octet));
                sound &= escaped.is_some();
                at += if escaped.is_some() { 2 } else { 0 };
            }
            b'\r' | b'\n' => sound = false,
            b' ' | b'\t' => {
                sound = false;
                out.push(octet);
            }
            _ => out.push(octet),
        }
    }
    sound
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(encoded: &[u8]) -> (Vec<u8>, Option<usize>) {
        let mut out = Vec::new();
        let fault = decode(encoded, &mut out);
        (out, fault)
    }

    #[test]
    fn escapes_soft_breaks_and_trailing_space() {
        assert_eq!(read(b"a=3Db=\r\nc \t\r\n=e9"), (b"a=bc\r\n\xe9".to_vec(), None));
        assert_eq!(read(b"a= \t\r\nb=\nc="), (b"abc".to_vec(), None));
        assert_eq!(read(b"a=20\r\n"), (b"a \r\n".to_vec(), None));
    }

    #[test]
    fn malformed_escapes_stay() {
        assert_eq!(read(b"x=zz=3D=4"), (b"x=zz==4".to_vec(), Some(1)));
    }
}
