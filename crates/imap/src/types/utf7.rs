//! Modified UTF-7 (RFC 3501 section 5.1.3), strict: one name has one spelling.

use postroad_core::{ParseError, ParseErrorKind};
use std::borrow::Cow;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

fn is_direct(octet: u8) -> bool {
    matches!(octet, b' '..=b'~')
}

fn sextet(octet: u8) -> Option<u32> {
    Some(u32::from(match octet {
        b'A'..=b'Z' => octet - b'A',
        b'a'..=b'z' => octet - b'a' + 26,
        b'0'..=b'9' => octet - b'0' + 52,
        b'+' => 62,
        b',' => 63,
        _ => return None,
    }))
}

/// Reads a name. Every spelling but the canonical one is an error: else two names of the wire would be one mailbox.
pub(crate) fn decode(octets: &[u8]) -> Result<Box<str>, ParseError> {
    // Nearly all names are as they are shown.
    let plain = octets.iter().all(|&octet| is_direct(octet) && octet != b'&');
    if let (true, Ok(name)) = (plain, core::str::from_utf8(octets)) {
        return Ok(name.into());
    }
    let fail = |what, at| Err(ParseError::new(ParseErrorKind::Expected(what), at, octets));
    let mut out = String::with_capacity(octets.len());
    let mut at = 0;
    let mut after_base64 = false;
    while let Some(&octet) = octets.get(at) {
        if !is_direct(octet) {
            return Err(ParseError::new(ParseErrorKind::Forbidden(octet), at, octets));
        }
        if octet != b'&' {
            out.push(char::from(octet));
            at += 1;
            after_base64 = false;
            continue;
        }
        let Some(len) = octets[at + 1..].iter().position(|&octet| octet == b'-') else {
            return fail("modified UTF-7 that ends in a hyphen", octets.len());
        };
        let inside = &octets[at + 1..at + 1 + len];
        if inside.is_empty() {
            out.push('&');
            after_base64 = false;
        } else if after_base64 {
            return fail("one run of base64", at);
        } else {
            decode_run(inside, &mut out).map_err(|(what, offset)| {
                ParseError::new(ParseErrorKind::Expected(what), at + 1 + offset, octets)
            })?;
            after_base64 = true;
        }
        at += len + 2;
    }
    Ok(out.into())
}

/// One run of base64: UTF-16 in big-endian order, none of it printable ASCII, the last bits zero.
fn decode_run(inside: &[u8], out: &mut String) -> Result<(), (&'static str, usize)> {
    let (mut bits, mut held) = (0_u32, 0);
    let mut high = None;
    for (offset, &octet) in inside.iter().enumerate() {
        let Some(value) = sextet(octet) else { return Err(("base64", offset)) };
        bits = (bits << 6) | value;
        held += 6;
        if held < 16 {
            continue;
        }
        held -= 16;
        let unit = (bits >> held) & 0xffff;
        bits &= (1 << held) - 1;
        let scalar = match (high.take(), unit) {
            (None, 0xd800..=0xdbff) => {
                high = Some(unit);
                continue;
            }
            (Some(high), 0xdc00..=0xdfff) => 0x1_0000 + ((high - 0xd800) << 10) + (unit - 0xdc00),
            (None, unit) => unit,
            (Some(_), _) => return Err(("a pair of surrogates", offset)),
        };
        match char::from_u32(scalar) {
            Some(' '..='~') => return Err(("printable ASCII as itself", offset)),
            Some(character) => out.push(character),
            None => return Err(("a pair of surrogates", offset)),
        }
    }
    if high.is_some() {
        return Err(("a pair of surrogates", inside.len()));
    }
    if held >= 6 || bits != 0 {
        return Err(("the canonical end of base64", inside.len()));
    }
    Ok(())
}

/// Writes a name; borrowed if it is its own spelling.
pub(crate) fn encode(name: &str) -> Cow<'_, [u8]> {
    if name.bytes().all(|octet| is_direct(octet) && octet != b'&') {
        return Cow::Borrowed(name.as_bytes());
    }
    let mut out = Vec::with_capacity(name.len() * 2);
    let (mut bits, mut held, mut inside) = (0_u32, 0_u32, false);
    let put = |out: &mut Vec<u8>, value: u32| out.push(ALPHABET[(value & 63) as usize]);
    for character in name.chars() {
        if matches!(character, ' '..='~') {
            close(&mut out, &mut bits, &mut held, &mut inside);
            out.push(character as u8);
            if character == '&' {
                out.push(b'-');
            }
            continue;
        }
        if !inside {
            out.push(b'&');
            inside = true;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            bits = (bits << 16) | u32::from(*unit);
            held += 16;
            while held >= 6 {
                held -= 6;
                put(&mut out, bits >> held);
            }
            bits &= (1 << held) - 1;
        }
    }
    close(&mut out, &mut bits, &mut held, &mut inside);
    Cow::Owned(out)
}

fn close(out: &mut Vec<u8>, bits: &mut u32, held: &mut u32, inside: &mut bool) {
    if !core::mem::take(inside) {
        return;
    }
    if *held > 0 {
        out.push(ALPHABET[((*bits << (6 - *held)) & 63) as usize]);
    }
    (*bits, *held) = (0, 0);
    out.push(b'-');
}
