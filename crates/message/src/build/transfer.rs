//! Choosing and writing a transfer encoding (RFC 2045 section 6).

use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Target;
use super::writer::LINE_LIMIT;
use crate::types::TransferEncoding;

/// What matters of a content for its encoding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Survey {
    /// There are octets over 127.
    pub(super) eight_bit: bool,
    /// There is NUL, a CR or LF that stands alone, or a line over 998 octets.
    pub(super) binary: bool,
    /// It is empty or ends in CRLF.
    pub(super) ends_in_line: bool,
}

impl Survey {
    pub(super) fn of(content: &[u8]) -> Self {
        let mut survey =
            Self { ends_in_line: content.is_empty() || content.ends_with(b"\r\n"), ..Self::default() };
        survey.eight_bit = !content.is_ascii();
        survey.binary = memchr::memchr(0, content).is_some();
        let mut line_start = 0;
        for at in memchr::memchr2_iter(b'\r', b'\n', content) {
            let paired = match content.get(at) {
                Some(b'\r') => content.get(at + 1) == Some(&b'\n'),
                _ => at > 0 && content.get(at - 1) == Some(&b'\r'),
            };
            survey.binary |= !paired || at - line_start > LINE_LIMIT + 1;
            if content.get(at) == Some(&b'\n') {
                line_start = at + 1;
            }
        }
        survey.binary |= content.len() - line_start > LINE_LIMIT;
        survey
    }

    /// The encoding under which the content can go as it is.
    pub(super) const fn identity(self) -> TransferEncoding {
        match (self.binary, self.eight_bit) {
            (true, _) => TransferEncoding::Binary,
            (false, true) => TransferEncoding::EightBit,
            (false, false) => TransferEncoding::SevenBit,
        }
    }
}

/// The encoding that costs the fewest octets among those that the target allows. `lines` says that CRLF in it are line
/// ends, `last` that nothing of a container follows it, so that it must end its last line by itself.
pub(super) fn choose(content: &[u8], lines: bool, last: bool, target: Target) -> TransferEncoding {
    let survey = Survey::of(content);
    let clean = !survey.binary && (!survey.eight_bit || target == Target::EightBit);
    if clean && (survey.ends_in_line || !last) {
        return survey.identity();
    }
    let base64 = base64_length(content.len());
    if quoted_printable_within(content, lines, base64) {
        TransferEncoding::QuotedPrintable
    } else {
        TransferEncoding::Base64
    }
}

/// Lines of 76 characters with their CRLF, the last one ended too.
const fn base64_length(length: usize) -> usize {
    let characters = length.div_ceil(3) * 4;
    characters + characters.div_ceil(76) * 2
}

pub(super) fn base64(content: &[u8], out: &mut Vec<u8>) {
    out.reserve(base64_length(content.len()));
    let mut line = [0; 76];
    for chunk in content.chunks(57) {
        if let Ok(length) = STANDARD.encode_slice(chunk, &mut line) {
            out.extend_from_slice(line.get(..length).unwrap_or_default());
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// Whether quoted-printable needs no more than `budget` octets.
fn quoted_printable_within(content: &[u8], lines: bool, budget: usize) -> bool {
    let mut length = 0_usize;
    quoted_printable_runs(content, lines, |run| {
        length += run.len();
        length <= budget
    });
    length <= budget
}

pub(super) fn quoted_printable(content: &[u8], lines: bool, out: &mut Vec<u8>) {
    quoted_printable_runs(content, lines, |run| {
        out.extend_from_slice(run);
        true
    });
}

/// Writes quoted-printable, piece by piece, as long as `put` asks for more. No line is longer than 76 characters; a
/// content that does not end in a line end gets a soft one.
fn quoted_printable_runs(content: &[u8], lines: bool, mut put: impl FnMut(&[u8]) -> bool) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut column = 0;
    let mut at = 0;
    while let Some(&octet) = content.get(at) {
        let rest = content.get(at + 1..).unwrap_or_default();
        if lines && octet == b'\r' && rest.first() == Some(&b'\n') {
            if !put(b"\r\n") {
                return;
            }
            column = 0;
            at += 2;
            continue;
        }
        let line_ends = rest.is_empty() || (lines && rest.starts_with(b"\r\n"));
        let literal = match octet {
            b'=' => false,
            b' ' | b'\t' => !line_ends,
            // A lone dot and `From ` at the start of a line do not survive every transport or store.
            b'.' if column == 0 => !line_ends,
            b'F' if column == 0 => !rest.starts_with(b"rom "),
            0x21..=0x7e => true,
            _ => false,
        };
        let width = if literal { 1 } else { 3 };
        // The last character of a line may use the column of the soft line break.
        let room = if lines && rest.starts_with(b"\r\n") { 76 } else { 75 };
        if column + width > room {
            if !put(b"=\r\n") {
                return;
            }
            column = 0;
            continue; // what is special at the start of a line is looked at again
        }
        let escaped = [b'=', HEX[usize::from(octet >> 4)], HEX[usize::from(octet & 15)]];
        if !put(if literal { content.get(at..=at).unwrap_or_default() } else { &escaped }) {
            return;
        }
        column += width;
        at += 1;
    }
    if column > 0 {
        put(b"=\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn qp(content: &[u8], lines: bool) -> Vec<u8> {
        let mut out = Vec::new();
        quoted_printable(content, lines, &mut out);
        out
    }

    #[test]
    fn the_rules_of_quoted_printable() {
        assert_eq!(qp("카 \r\n".as_bytes(), true), b"=EC=B9=B4=20\r\n");
        assert_eq!(qp(b"a=b", true), b"a=3Db=\r\n");
        assert_eq!(qp(b".\r\nFrom me\r\n.x\r\n", true), b"=2E\r\n=46rom me\r\n.x\r\n");
        assert_eq!(qp(b"a\r\nb", false), b"a=0D=0Ab=\r\n");
        let long = qp(&[b'a'; 200], true);
        assert!(long.split(|&octet| octet == b'\n').all(|line| line.len() <= 77));
    }

    #[test]
    fn the_cheapest_encoding() {
        let choose = |content: &[u8], target| choose(content, true, true, target);
        assert_eq!(choose(b"plain\r\n", Target::SevenBit), TransferEncoding::SevenBit);
        assert_eq!(choose(b"no end", Target::SevenBit), TransferEncoding::QuotedPrintable);
        assert_eq!(
            choose("caf\u{e9} au lait\r\n".as_bytes(), Target::SevenBit),
            TransferEncoding::QuotedPrintable
        );
        assert_eq!(choose("삶의 의미\r\n".as_bytes(), Target::SevenBit), TransferEncoding::Base64);
        assert_eq!(choose("삶의 의미\r\n".as_bytes(), Target::EightBit), TransferEncoding::EightBit);
        assert_eq!(choose(b"nul\0\r\n", Target::EightBit), TransferEncoding::QuotedPrintable);
        assert_eq!(choose(b"bare\r return\r\n", Target::EightBit), TransferEncoding::QuotedPrintable);
        assert_eq!(choose(&[b'a'; 999], Target::EightBit), TransferEncoding::QuotedPrintable);
    }

    #[test]
    fn base64_lines() {
        let mut out = Vec::new();
        base64(&[0; 58], &mut out);
        assert_eq!(out.len(), base64_length(58));
        assert_eq!(out.split(|&octet| octet == b'\n').next().map(<[u8]>::len), Some(77));
    }
}
