//! Reading the fields of mailing lists (RFC 2369, RFC 2919) and lists of words.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::encoded_word::decode_text;
use crate::defect::Defects;
use crate::limits::Limits;
use crate::scanner::Scanner;

/// The URIs in angle brackets, without white space, in order (RFC 2369 section 2).
pub(crate) fn uris<'a>(value: &'a [u8], limits: &Limits) -> Vec<Cow<'a, str>> {
    let mut scanner = Scanner::new(value, limits.comment_depth);
    let mut uris = Vec::new();
    while uris.len() < limits.addresses {
        scanner.skip_cfws();
        match scanner.peek() {
            None => break,
            Some(b'<') => {
                scanner.at += 1;
                let inside = scanner.run(|octet| octet != b'>');
                if !scanner.take(b'>') {
                    break;
                }
                if let Ok(text) = core::str::from_utf8(inside) {
                    uris.push(if inside.iter().any(|&octet| octet <= b' ' || octet >= 0x7f) {
                        let keep = |c: &char| !c.is_ascii_whitespace() && !c.is_control();
                        Cow::Owned(text.chars().filter(keep).collect())
                    } else {
                        Cow::Borrowed(text)
                    });
                }
            }
            Some(_) => {
                scanner.at += 1;
                scanner.run(|octet| octet != b'<' && octet != b'(');
            }
        }
    }
    uris
}

/// The description and the identifier of a `List-Id` (RFC 2919 section 3).
pub(crate) fn list_id(value: &[u8]) -> Option<(Option<String>, String)> {
    let open = memchr::memrchr(b'<', value)?;
    let inside = value.get(open + 1..)?;
    let inside = inside.get(..memchr::memchr(b'>', inside)?)?;
    let id: String = core::str::from_utf8(inside).ok()?.split_ascii_whitespace().collect();
    let name = decode_text(value.get(..open)?, &mut Defects::default()).into_owned();
    let name =
        name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).map(String::from).unwrap_or(name);
    (!id.is_empty()).then(|| (Some(name).filter(|name| !name.is_empty()), id))
}

/// Phrases with commas between them, such as `Keywords` (RFC 5322 section 3.6.5), decoded.
pub(crate) fn phrases(value: &[u8], limits: &Limits) -> Vec<String> {
    let mut phrases = Vec::new();
    let mut rest = Some(value);
    while let Some(value) = rest.filter(|_| phrases.len() < limits.addresses) {
        let mut scanner = Scanner::new(value, limits.comment_depth);
        while let Some(octet) = scanner.peek() {
            match octet {
                b',' => break,
                b'"' => scanner.skip_quoted_string(),
                _ => scanner.at += 1,
            }
        }
        let end = scanner.at.min(value.len());
        let text = decode_text(value.get(..end).unwrap_or_default(), &mut Defects::default()).into_owned();
        let text =
            text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).map(String::from).unwrap_or(text);
        if !text.is_empty() {
            phrases.push(text);
        }
        rest = value.get(end + 1..);
    }
    phrases
}
