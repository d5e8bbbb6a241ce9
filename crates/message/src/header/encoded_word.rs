//! Reading encoded words (RFC 2047).
//!
//! The time is linear in the length of the text: the search for the end of a word never passes the next question mark.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use memchr::{memchr, memmem};

use crate::decode::{base64, charset, quoted_printable};
use crate::defect::{DefectCode, Defects};
use crate::scanner::{is_control, is_token};

/// An encoded word, `=?charset?encoding?text?=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EncodedWord<'a> {
    charset: &'a [u8],
    base64: bool,
    pub(crate) text: &'a [u8],
    pub(crate) length: usize,
}

impl<'a> EncodedWord<'a> {
    /// The encoded word at the start of `octets`, if there is one.
    pub(crate) fn at_start(octets: &'a [u8]) -> Option<Self> {
        let rest = octets.strip_prefix(b"=?")?;
        let window = rest.get(..rest.len().min(80)).unwrap_or_default();
        let charset = rest.get(..memchr(b'?', window)?)?;
        // A language may follow the charset (RFC 2231 section 5).
        let name = charset.split(|&octet| octet == b'*').next().unwrap_or_default();
        if name.is_empty() || !name.iter().copied().all(is_token) {
            return None;
        }
        let rest = rest.get(charset.len() + 1..)?;
        let base64 = match rest.get(..2)? {
            b"B?" | b"b?" => true,
            b"Q?" | b"q?" => false,
            _ => return None,
        };
        let rest = rest.get(2..)?;
        let text = rest.get(..memchr(b'?', rest)?)?;
        if rest.get(text.len() + 1) != Some(&b'=') {
            return None;
        }
        let length = 2 + charset.len() + 1 + 2 + text.len() + 2;
        Some(Self { charset: name, base64, text, length })
    }
}

/// Puts decoded text together. The octets of adjacent words of one charset are joined before they are decoded, for
/// many writers split characters between words.
#[derive(Debug, Default)]
pub(crate) struct Decoder<'a> {
    pub(crate) out: String,
    pending: Vec<u8>,
    charset: Option<&'a [u8]>,
    pending_at: usize,
}

impl<'a> Decoder<'a> {
    /// Whether the last thing added was an encoded word.
    pub(crate) const fn is_behind_word(&self) -> bool {
        self.charset.is_some()
    }

    pub(crate) fn word(&mut self, word: &EncodedWord<'a>, at: usize, defects: &mut Defects) {
        if !self.charset.is_some_and(|charset| charset.eq_ignore_ascii_case(word.charset)) {
            self.flush(defects);
            self.charset = Some(word.charset);
            self.pending_at = at;
        }
        let sound = if word.base64 {
            let faults = base64::decode(word.text, &mut self.pending);
            faults == base64::Faults::default() && !word.text.iter().any(u8::is_ascii_whitespace)
        } else {
            quoted_printable::decode_word(word.text, &mut self.pending)
        };
        if !sound {
            defects.add(DefectCode::InvalidEncodedWord, at);
        }
    }

    /// Adds text that is not encoded; folds in it are undone.
    pub(crate) fn text(&mut self, octets: &[u8], at: usize, defects: &mut Defects) {
        if octets.is_empty() {
            return;
        }
        self.flush(defects);
        let (text, malformed) = charset::utf8(octets);
        if malformed {
            defects.add(DefectCode::InvalidUtf8, at);
        }
        push_unfolded(&mut self.out, &text);
    }

    /// Decodes the words that are still waiting.
    pub(crate) fn flush(&mut self, defects: &mut Defects) {
        let Some(charset) = self.charset.take() else { return };
        let read = charset::decode(Some(charset), &self.pending);
        if read.unknown {
            defects.add(DefectCode::UnknownCharset, self.pending_at);
        }
        if read.malformed {
            defects.add(DefectCode::InvalidText, self.pending_at);
        }
        if push_without_controls(&mut self.out, &read.characters) {
            defects.add(DefectCode::ControlInEncodedText, self.pending_at);
        }
        self.pending.clear();
    }
}

/// Adds text with a space in place of each control; says whether there was one.
pub(crate) fn push_without_controls(out: &mut String, text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(is_control) {
        out.push_str(rest.get(..at).unwrap_or_default());
        out.push(' ');
        rest = rest.get(at + 1..).unwrap_or_default();
    }
    out.push_str(rest);
    rest.len() != text.len()
}

/// Adds text without its line ends; any other control becomes a space.
fn push_unfolded(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(is_control) {
        out.push_str(rest.get(..at).unwrap_or_default());
        let behind = rest.get(at..).unwrap_or_default();
        let folded = behind.strip_prefix("\r\n").or_else(|| behind.strip_prefix('\n'));
        if folded.is_none() {
            out.push(' ');
        }
        rest = folded.or_else(|| behind.get(1..)).unwrap_or_default();
    }
    out.push_str(rest);
}

/// Adds octets without the line ends of folds. No CR, LF or NUL is added: one that stands alone becomes a space.
pub(crate) fn push_unfolded_octets(out: &mut Vec<u8>, octets: &[u8]) {
    let mut rest = octets;
    while let Some(at) = rest.iter().position(|octet| matches!(octet, b'\r' | b'\n' | 0)) {
        out.extend_from_slice(rest.get(..at).unwrap_or_default());
        rest = match rest.get(at..).unwrap_or_default() {
            [b'\r', b'\n', rest @ ..] | [b'\n', rest @ ..] => rest,
            [_, rest @ ..] => {
                out.push(b' ');
                rest
            }
            [] => &[],
        };
    }
    out.extend_from_slice(rest);
}

/// The octets of a value, trimmed and unfolded, but not decoded; without CR, LF and NUL.
pub(crate) fn unfold_octets(raw: &[u8]) -> Cow<'_, [u8]> {
    let (octets, _) = trimmed(raw);
    if !octets.iter().any(|octet| matches!(octet, b'\r' | b'\n' | 0)) {
        return Cow::Borrowed(octets);
    }
    let mut out = Vec::with_capacity(octets.len());
    push_unfolded_octets(&mut out, octets);
    Cow::Owned(out)
}

/// What is in a value, found in one go.
#[derive(Debug, Clone, Copy, Default)]
struct Kinds {
    /// A line end.
    fold: bool,
    /// A control other than the tab that is of no line end.
    control: bool,
    /// An octet over 127.
    eight_bit: bool,
    /// `=?`.
    word: bool,
}

impl Kinds {
    /// Looks at eight octets in one step.
    fn of(octets: &[u8]) -> Self {
        const ONES: u64 = u64::from_ne_bytes([1; 8]);
        const HIGH: u64 = ONES << 7;
        let mut kinds = Self::default();
        let mut equals = 0;
        let mut high = 0;
        let mut at = 0;
        while at < octets.len() {
            let mut eight = [b' '; 8];
            match octets.get(at..at + 8) {
                Some(octets) => eight.copy_from_slice(octets),
                None => {
                    for (place, octet) in eight.iter_mut().zip(octets.get(at..).unwrap_or_default()) {
                        *place = *octet;
                    }
                }
            }
            let word = u64::from_le_bytes(eight);
            // Whether there is one at all is exact.
            let equal = word ^ (ONES * u64::from(b'='));
            equals |= equal.wrapping_sub(ONES) & !equal & HIGH;
            let low = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
            let delete = word ^ (ONES * 0x7f);
            let delete = delete.wrapping_sub(ONES) & !delete & HIGH;
            high |= word & HIGH;
            if low | delete != 0 {
                kinds.controls(octets, at);
            }
            at += 8;
        }
        kinds.eight_bit = high != 0;
        kinds.word = equals != 0 && memmem::find(octets, b"=?").is_some();
        kinds
    }

    /// Looks at the eight octets at `from` one by one.
    fn controls(&mut self, octets: &[u8], from: usize) {
        for (index, &octet) in octets.iter().enumerate().skip(from).take(8) {
            match octet {
                b'\n' => self.fold = true,
                b'\r' if octets.get(index + 1) == Some(&b'\n') => {}
                octet => self.control |= is_control(octet),
            }
        }
    }
}

/// Text of ASCII without its line ends.
fn unfold_ascii(octets: &[u8]) -> Option<String> {
    let mut text = Vec::with_capacity(octets.len());
    let mut rest = octets;
    while let Some(end) = memchr(b'\n', rest) {
        let line = rest.get(..end)?;
        text.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        rest = rest.get(end + 1..)?;
    }
    text.extend_from_slice(rest);
    String::from_utf8(text).ok()
}

fn is_blank(octets: &[u8]) -> bool {
    octets.iter().all(|octet| matches!(octet, b' ' | b'\t' | b'\r' | b'\n'))
}

/// The value of a field without its white space at both ends, and where it begins.
pub(crate) fn trimmed(raw: &[u8]) -> (&[u8], usize) {
    let text = raw.trim_ascii_start();
    let at = raw.len() - text.len();
    (text.trim_ascii_end(), at)
}

/// The text of an unstructured field (RFC 5322 section 3.2.5), unfolded and decoded.
pub(crate) fn decode_text<'a>(raw: &'a [u8], defects: &mut Defects) -> Cow<'a, str> {
    let (octets, base) = trimmed(raw);
    let kinds = Kinds::of(octets);
    if kinds.fold && !kinds.word && !kinds.eight_bit && !kinds.control {
        if let Some(text) = unfold_ascii(octets) {
            return Cow::Owned(text);
        }
    }
    if !kinds.word && !kinds.control && !kinds.fold {
        let (text, malformed) = charset::utf8(octets);
        if malformed {
            defects.add(DefectCode::InvalidUtf8, base);
        }
        return text;
    }
    let mut decoder = Decoder::default();
    let mut kept = 0; // where the text begins that is not yet added
    let mut from = 0;
    while let Some(found) = octets.get(from..).and_then(|rest| memmem::find(rest, b"=?")) {
        let at = from + found;
        let Some(word) = octets.get(at..).and_then(EncodedWord::at_start) else {
            from = at + 2;
            continue;
        };
        let between = octets.get(kept..at).unwrap_or_default();
        let behind = octets.get(at + word.length);
        let apart =
            |octet: Option<&u8>| octet.is_none_or(|&octet| matches!(octet, b' ' | b'\t' | b'\r' | b'\n'));
        if !apart(behind) || !(at == 0 || apart(octets.get(at - 1))) {
            defects.add(DefectCode::InvalidEncodedWord, base + at);
        }
        if !(decoder.is_behind_word() && is_blank(between)) {
            decoder.text(between, base + kept, defects);
        }
        decoder.word(&word, base + at, defects);
        kept = at + word.length;
        from = kept;
    }
    decoder.text(octets.get(kept..).unwrap_or_default(), base + kept, defects);
    decoder.flush(defects);
    Cow::Owned(decoder.out)
}

/// The value unfolded, but not decoded.
pub(crate) fn unfold(raw: &[u8]) -> Cow<'_, str> {
    let (octets, _) = trimmed(raw);
    let (text, _) = charset::utf8(octets);
    if !octets.iter().copied().any(is_control) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    push_unfolded(&mut out, &text);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> String {
        let mut defects = Defects::at(0, false, 100);
        let text = decode_text(raw.as_bytes(), &mut defects).into_owned();
        assert_eq!(defects.list, [], "{raw}");
        text
    }

    /// RFC 2047 section 8, as unstructured text.
    #[test]
    fn the_examples_of_rfc_2047() {
        assert_eq!(read("=?US-ASCII?Q?Keith_Moore?="), "Keith Moore");
        assert_eq!(read("=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?="), "Keld Jørn Simonsen");
        assert_eq!(read("=?ISO-8859-1?Q?Andr=E9?= Pirard"), "André Pirard");
        assert_eq!(
            read(
                "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?="
            ),
            "If you can read this you understand the example."
        );
        assert_eq!(read("=?iso-8859-8?b?7eXs+SDv4SDp7Oj08A==?="), "םולש ןב ילטפנ");
        assert_eq!(read("=?ISO-8859-1?Q?a?="), "a");
        assert_eq!(read("=?ISO-8859-1?Q?a?= b"), "a b");
        assert_eq!(read("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?="), "ab");
        assert_eq!(read("=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?="), "ab");
        assert_eq!(read("=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?="), "ab");
        assert_eq!(read("=?ISO-8859-1?Q?a_b?="), "a b");
        assert_eq!(read("=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?="), "a b");
    }

    #[test]
    fn a_language_may_be_named() {
        assert_eq!(read("=?US-ASCII*EN?Q?Keith_Moore?="), "Keith Moore");
    }

    #[test]
    fn characters_split_between_words() {
        assert_eq!(read("=?utf-8?B?7IK27J0=?= =?UTF-8?B?mCDsnZjrr7g=?="), "삶의 의미");
        assert_eq!(read("=?euc-kr?Q?=BB=EE=C0?=\r\n =?euc-kr?Q?=C7?="), "삶의");
    }

    #[test]
    fn what_is_no_word_stays() {
        for raw in ["=?utf-8?X?abc?=", "=??Q?abc?=", "=?utf-8?Q?abc", "=?utf-8?Q", "a =? b", "=?=?=?="] {
            assert_eq!(read(raw), raw);
        }
    }

    #[test]
    fn decoded_line_ends_do_not_stay() {
        let mut defects = Defects::at(0, false, 100);
        let text = decode_text(b"=?utf-8?Q?a=0D=0ABcc:_e=00?=", &mut defects);
        assert_eq!(text, "a  Bcc: e ");
        assert_eq!(defects.list[0].code, DefectCode::ControlInEncodedText);
    }

    #[test]
    fn folds_are_undone() {
        assert_eq!(read(" a\r\n b\n\tc \r\n"), "a b\tc");
        assert_eq!(unfold(b" =?utf-8?q?a?=\r\n b "), "=?utf-8?q?a?= b");
    }
}
