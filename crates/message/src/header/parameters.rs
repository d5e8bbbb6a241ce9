//! Reading `Content-Type`, `Content-Disposition` and `Content-Transfer-Encoding` (RFC 2045, 2183, 2231).

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::address::quoted_text;
use super::encoded_word::{push_unfolded_octets, push_without_controls};
use crate::decode::charset;
use crate::decode::quoted_printable::hex_pair;
use crate::defect::{DefectCode, Defects, Severity};
use crate::error::{InvalidReason, InvalidValue};
use crate::limits::Limits;
use crate::scanner::{Scanner, is_token};
use crate::types::{
    ContentDisposition, ContentType, DispositionType, MediaType, Parameter, TransferEncoding,
};

/// A parameter as it stands there.
#[derive(Debug)]
pub(crate) struct RawParameter<'a> {
    /// The name with all its asterisks.
    name: &'a [u8],
    pub(crate) value: Cow<'a, [u8]>,
    at: usize,
    /// Where the value begins, if it is borrowed.
    value_at: usize,
}

/// Reads `; name=value`, one after the other.
struct RawParameters<'s, 'a> {
    scanner: &'s mut Scanner<'a>,
    defects: &'s mut Defects,
    left: usize,
    semicolon_is_missing: bool,
}

impl<'a> Iterator for RawParameters<'_, 'a> {
    type Item = RawParameter<'a>;

    fn next(&mut self) -> Option<RawParameter<'a>> {
        let Self { scanner, defects, left, semicolon_is_missing } = self;
        loop {
            scanner.skip_cfws();
            if scanner.is_at_end() {
                return None;
            }
            if !core::mem::take(semicolon_is_missing) && !scanner.take(b';') {
                defects.add(DefectCode::InvalidParameter, scanner.at);
                skip_value(scanner);
                continue;
            }
            scanner.skip_cfws();
            let at = scanner.at;
            if scanner.is_at_end() || scanner.peek() == Some(b';') {
                continue; // a semicolon too many harms nobody
            }
            if *left == 0 {
                defects.add(DefectCode::TooManyParameters, at);
                return None;
            }
            let name = scanner.run(is_token);
            scanner.skip_cfws();
            if name.is_empty() || !scanner.take(b'=') {
                defects.add(DefectCode::InvalidParameter, at);
                skip_value(scanner);
                continue;
            }
            scanner.skip_cfws();
            let mut value_at = scanner.at;
            let (mut value, mut quoted) = match scanner.peek() {
                Some(b'"') => {
                    if let Some(value) = scanner.quoted_string() {
                        (value, true)
                    } else {
                        defects.add(DefectCode::InvalidParameter, at);
                        (Cow::Borrowed(scanner.run(|octet| octet != b';' && octet != b'\n')), false)
                    }
                }
                _ => (Cow::Borrowed(scanner.run(is_token)), false),
            };
            let token_end = scanner.at;
            scanner.skip_cfws();
            let ended = scanner.is_at_end() || scanner.peek() == Some(b';');
            *semicolon_is_missing = !ended && scanner.at > token_end && another_follows(scanner);
            if !ended && !quoted && !*semicolon_is_missing {
                // A value that should have been quoted: all of it, up to the semicolon; but a boundary holds no white
                // space.
                scanner.at = token_end;
                if name.eq_ignore_ascii_case(b"boundary") {
                    scanner.run(|octet| octet != b';' && !octet.is_ascii_whitespace());
                } else {
                    skip_value(scanner);
                }
                let whole = scanner.octets.get(value_at..scanner.at).unwrap_or_default();
                value = Cow::Borrowed(whole.trim_ascii());
                quoted = true;
            } else if quoted {
                value_at += 1;
            }
            if !ended || (value.is_empty() && !quoted) {
                defects.add(DefectCode::InvalidParameter, at);
            }
            *left -= 1;
            return Some(RawParameter { name, value, at, value_at });
        }
    }
}

fn raw_parameters<'a>(
    scanner: &mut Scanner<'a>,
    limit: usize,
    defects: &mut Defects,
) -> Vec<RawParameter<'a>> {
    RawParameters { scanner, defects, left: limit, semicolon_is_missing: false }.collect()
}

/// Whether `name=` comes next.
fn another_follows(scanner: &mut Scanner<'_>) -> bool {
    let at = scanner.at;
    let is_name = !scanner.run(is_token).is_empty() && scanner.peek() == Some(b'=');
    scanner.at = at;
    is_name
}

/// Goes to the next semicolon that is in no quoted string or comment. What has no end takes all the rest, so that
/// nothing is looked through twice.
fn skip_value(scanner: &mut Scanner<'_>) {
    while let Some(octet) = scanner.peek() {
        match octet {
            b';' => return,
            b'"' => scanner.skip_quoted_string(),
            b'(' => {
                scanner.skip_cfws();
            }
            _ => scanner.at += 1,
        }
    }
}

/// `type/subtype` in the octets, if they begin with it.
fn raw_type<'a>(scanner: &mut Scanner<'a>) -> Option<(&'a [u8], &'a [u8])> {
    scanner.skip_cfws();
    let main_type = scanner.run(is_token);
    scanner.skip_cfws();
    if main_type.is_empty() || !scanner.take(b'/') {
        return None;
    }
    scanner.skip_cfws();
    let subtype = scanner.run(is_token);
    (!subtype.is_empty()).then_some((main_type, subtype))
}

/// The media type of a `Content-Type`.
pub(crate) fn media_type(value: &[u8], comment_depth: usize) -> Option<MediaType<'_>> {
    let (main_type, subtype) = raw_type(&mut Scanner::new(value, comment_depth))?;
    // Tokens are ASCII.
    Some(MediaType::new(core::str::from_utf8(main_type).ok()?, core::str::from_utf8(subtype).ok()?))
}

/// What the structure of a message depends on, without a copy unless there is a boundary.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Shape<'a> {
    pub(crate) main_type: &'a [u8],
    pub(crate) subtype: &'a [u8],
    pub(crate) boundary: Option<Cow<'a, [u8]>>,
    /// Where in the value the boundary begins, if it is borrowed.
    pub(crate) boundary_at: Option<usize>,
}

/// The shape of a `Content-Type`; `None` if it has none, so that the default type counts.
pub(crate) fn shape<'a>(value: &'a [u8], limits: &Limits) -> Option<Shape<'a>> {
    let mut scanner = Scanner::new(value, limits.comment_depth);
    let (main_type, subtype) = raw_type(&mut scanner)?;
    let mut shape = Shape { main_type, subtype, boundary: None, boundary_at: None };
    if !main_type.eq_ignore_ascii_case(b"multipart") {
        return Some(shape);
    }
    let mut defects = Defects::at(0, true, 0);
    let at = scanner.at;
    // The first counts; never decoded as an encoded word.
    let mut parameters = RawParameters {
        scanner: &mut scanner,
        defects: &mut defects,
        left: limits.parameters,
        semicolon_is_missing: false,
    };
    let found = parameters.find(|parameter| parameter.name.eq_ignore_ascii_case(b"boundary"));
    if let Some(parameter) = found {
        shape.boundary_at = Some(parameter.value_at);
        shape.boundary = Some(match parameter.value {
            Cow::Borrowed(value) => Cow::Borrowed(value.trim_ascii_end()),
            Cow::Owned(value) => Cow::Owned(value.trim_ascii_end().to_vec()),
        });
    } else {
        // A boundary in sections is put together.
        scanner.at = at;
        let parameters = raw_parameters(&mut scanner, limits.parameters, &mut defects);
        let combined = combine(&parameters, b"boundary", &mut defects);
        shape.boundary = combined.map(|combined| Cow::Owned(combined.octets.trim_ascii_end().to_vec()));
    }
    shape.boundary = shape.boundary.filter(|boundary| !boundary.is_empty());
    Some(shape)
}

/// The parameter `charset` of a `Content-Type`.
pub(crate) fn charset<'a>(value: &'a [u8], limits: &Limits) -> Option<Cow<'a, [u8]>> {
    let mut scanner = Scanner::new(value, limits.comment_depth);
    raw_type(&mut scanner)?;
    let mut defects = Defects::at(0, true, 0);
    let parameters = RawParameters {
        scanner: &mut scanner,
        defects: &mut defects,
        left: limits.parameters,
        semicolon_is_missing: false,
    };
    let mut found = None;
    for parameter in parameters {
        let (base, number, encoded) = split_name(parameter.name);
        if base.eq_ignore_ascii_case(b"charset") {
            if number.is_some() || encoded {
                // In the extended form, which counts before the plain one.
                let read = content_type(value, limits, &mut Defects::at(0, true, 0))?;
                return read.charset().map(|charset| Cow::Owned(charset.as_bytes().to_vec()));
            }
            found.get_or_insert(parameter.value);
        }
    }
    found
}

/// The octets of an extended parameter (RFC 2231).
struct Combined<'a> {
    octets: Vec<u8>,
    charset: Option<&'a [u8]>,
    language: Option<&'a [u8]>,
}

/// The base name, the number of the section, and whether it is percent-encoded.
fn split_name(name: &[u8]) -> (&[u8], Option<usize>, bool) {
    let (name, encoded) = match name.strip_suffix(b"*") {
        Some(name) => (name, true),
        None => (name, false),
    };
    if let Some(star) = name.iter().rposition(|&octet| octet == b'*') {
        let (base, digits) = (name.get(..star).unwrap_or_default(), name.get(star + 1..).unwrap_or_default());
        let canonical =
            !digits.is_empty() && digits.len() <= 4 && (digits == b"0" || digits.first() != Some(&b'0'));
        if canonical && digits.iter().all(u8::is_ascii_digit) {
            let number = digits.iter().fold(0, |number, &digit| number * 10 + usize::from(digit - b'0'));
            return (base, Some(number), encoded);
        }
    }
    (name, None, encoded)
}

/// Puts the sections of a parameter together, in the order of their numbers; what is behind a gap is left out.
fn combine<'a>(
    parameters: &'a [RawParameter<'_>],
    base: &[u8],
    defects: &mut Defects,
) -> Option<Combined<'a>> {
    let mut sections: Vec<(usize, bool, &RawParameter<'_>)> = Vec::new();
    let mut whole = None;
    for parameter in parameters {
        let (name, number, encoded) = split_name(parameter.name);
        if !name.eq_ignore_ascii_case(base) {
            continue;
        }
        match number {
            Some(number) => sections.push((number, encoded, parameter)),
            None if encoded && whole.is_none() => whole = Some(parameter),
            None if encoded => defects.add(DefectCode::DuplicateParameter, parameter.at),
            None => {}
        }
    }
    if let Some(parameter) = whole {
        if let Some(&(_, _, section)) = sections.first() {
            defects.add(DefectCode::DuplicateParameter, section.at);
        }
        sections = alloc::vec![(0, true, parameter)];
    }
    sections.sort_by_key(|&(number, ..)| number); // stable: of two with one number the first stays first
    let mut combined = Combined { octets: Vec::new(), charset: None, language: None };
    let mut due = 0;
    for (number, encoded, parameter) in sections {
        if number + 1 == due {
            defects.add(DefectCode::DuplicateParameter, parameter.at);
            continue;
        }
        if number != due {
            defects.add(DefectCode::InvalidParameter, parameter.at);
            break;
        }
        let mut value = &parameter.value[..];
        if encoded && due == 0 {
            // charset'language'text
            let mut quotes = value.splitn(3, |&octet| octet == b'\'');
            if let (Some(charset), Some(language), Some(text)) = (quotes.next(), quotes.next(), quotes.next())
            {
                combined.charset = Some(charset).filter(|charset| !charset.is_empty());
                combined.language = Some(language).filter(|language| !language.is_empty());
                value = text;
            } else {
                defects.add(DefectCode::InvalidParameter, parameter.at);
            }
        }
        if encoded {
            if !percent_decode(value, &mut combined.octets) {
                defects.add(DefectCode::InvalidParameter, parameter.at);
            }
        } else {
            combined.octets.extend_from_slice(value);
        }
        due += 1;
    }
    (due > 0).then_some(combined)
}

fn percent_decode(value: &[u8], out: &mut Vec<u8>) -> bool {
    let mut sound = true;
    let mut at = 0;
    while let Some(&octet) = value.get(at) {
        at += 1;
        match value.get(at..).and_then(hex_pair) {
            Some(decoded) if octet == b'%' => {
                out.push(decoded);
                at += 2;
            }
            _ => {
                sound &= octet != b'%';
                out.push(octet);
            }
        }
    }
    sound
}

/// Decodes parameters: sections together, charsets, and encoded words where writers put them against the rules.
fn decode(raw: &[RawParameter<'_>], defects: &mut Defects) -> Vec<Parameter> {
    let mut parameters: Vec<Parameter> = Vec::new();
    // At most `Limits::parameters`, so looking through those before costs little.
    for (index, parameter) in raw.iter().enumerate() {
        let (base, number, encoded) = split_name(parameter.name);
        let extended = number.is_some() || encoded;
        let before = raw.get(..index).unwrap_or_default();
        let mut same = before.iter().filter(|earlier| split_name(earlier.name).0.eq_ignore_ascii_case(base));
        if let Some(first) = same.next() {
            // Sections of one parameter are no duplicates; their combination looked at them.
            let first_extended = first.name.len() > base.len();
            if !(extended && first_extended) {
                defects.add(DefectCode::DuplicateParameter, parameter.at);
            }
            continue;
        }
        let name = String::from_utf8_lossy(base).to_ascii_lowercase();
        if name.is_empty() || name.contains(['*', '\'', '%']) {
            defects.add(DefectCode::InvalidParameter, parameter.at);
            continue;
        }
        // The extended form is the better one, where there are both.
        let (value, language) = match combine(raw, base, defects) {
            Some(combined) => {
                let charset = combined.charset.or(Some(b"utf-8"));
                let read = charset::decode(charset, &combined.octets);
                if read.unknown {
                    defects.add(DefectCode::UnknownCharset, parameter.at);
                }
                if read.malformed {
                    defects.add(DefectCode::InvalidText, parameter.at);
                }
                let mut value = String::with_capacity(read.characters.len());
                if push_without_controls(&mut value, &read.characters) {
                    defects.add(DefectCode::ControlInEncodedText, parameter.at);
                }
                let language = combined.language.map(String::from_utf8_lossy).map(Cow::into_owned);
                let sane =
                    |text: &String| text.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
                (value, language.filter(sane))
            }
            // Where the structure depends on it, or a charset, nothing is decoded that the grammar does not encode.
            None if extended || matches!(name.as_str(), "boundary" | "charset") => {
                (plain_text(&parameter.value), None)
            }
            None => (quoted_text(&parameter.value, parameter.at, defects), None),
        };
        parameters.push(Parameter { name, value, language });
    }
    parameters
}

/// A parameter for a body structure: sections put together (RFC 2231 section 6), but neither its percent-encoding nor
/// its charset undone.
pub(crate) struct JoinedParameter<'a> {
    /// With an asterisk at its end if the value is percent-encoded.
    pub(crate) attribute: Cow<'a, [u8]>,
    pub(crate) value: Cow<'a, [u8]>,
}

/// The parameters that are left in a value, those of one name reduced to the first.
pub(crate) fn joined<'a>(scanner: &mut Scanner<'a>, limits: &Limits) -> Vec<JoinedParameter<'a>> {
    let mut defects = Defects::at(0, true, 0);
    let raw = raw_parameters(scanner, limits.parameters, &mut defects);
    let mut joined: Vec<JoinedParameter<'a>> = Vec::new();
    // At most `Limits::parameters`, so looking through all of them for each costs little.
    for (index, parameter) in raw.iter().enumerate() {
        let (base, number, encoded) = split_name(parameter.name);
        let is_extended = number.is_some() || encoded;
        let is_same = |earlier: &&RawParameter<'_>| {
            let (name, number, encoded) = split_name(earlier.name);
            name.eq_ignore_ascii_case(base) && (number.is_some() || encoded) == is_extended
        };
        if raw.get(..index).unwrap_or_default().iter().any(|earlier| is_same(&earlier)) {
            continue;
        }
        if !is_extended {
            joined.push(JoinedParameter {
                attribute: Cow::Borrowed(parameter.name),
                value: unfolded(parameter.value.clone()),
            });
        } else if let Some((value, encoded)) = join_sections(&raw, base) {
            let mut attribute = base.to_vec();
            if encoded {
                attribute.push(b'*');
            }
            joined.push(JoinedParameter { attribute: Cow::Owned(attribute), value: Cow::Owned(value) });
        }
    }
    joined
}

fn unfolded(value: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    if !value.iter().any(|octet| matches!(octet, b'\r' | b'\n' | 0)) {
        return value;
    }
    let mut out = Vec::with_capacity(value.len());
    push_unfolded_octets(&mut out, &value);
    Cow::Owned(out)
}

/// The sections of an extended parameter in their order, up to a gap, and whether the whole is percent-encoded: then
/// sections that were not are encoded, so that it can be decoded as one.
fn join_sections(raw: &[RawParameter<'_>], base: &[u8]) -> Option<(Vec<u8>, bool)> {
    let mut whole = None;
    let mut sections: Vec<(usize, bool, &RawParameter<'_>)> = Vec::new();
    for parameter in raw {
        let (name, number, encoded) = split_name(parameter.name);
        if !name.eq_ignore_ascii_case(base) {
            continue;
        }
        match number {
            Some(number) => sections.push((number, encoded, parameter)),
            None if encoded && whole.is_none() => whole = Some(parameter),
            None => {}
        }
    }
    if let Some(parameter) = whole {
        sections = alloc::vec![(0, true, parameter)];
    }
    sections.sort_by_key(|&(number, ..)| number);
    sections.dedup_by_key(|&mut (number, ..)| number);
    let connected = sections.iter().enumerate().take_while(|&(index, &(number, ..))| index == number).count();
    sections.truncate(connected);
    let &(_, first_encoded, _) = sections.first()?;
    let encoded = sections.iter().any(|&(_, encoded, _)| encoded);
    let mut value = Vec::new();
    if encoded && !first_encoded {
        value.extend_from_slice(b"''");
    }
    for (_, section_encoded, parameter) in sections {
        if encoded && !section_encoded {
            percent_encode(&parameter.value, &mut value);
        } else {
            push_unfolded_octets(&mut value, &parameter.value);
        }
    }
    Some((value, encoded))
}

/// Encodes all that is no `attribute-char` (RFC 2231 section 7).
fn percent_encode(octets: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for &octet in octets {
        if is_token(octet) && !matches!(octet, b'*' | b'\'' | b'%') {
            out.push(octet);
        } else {
            out.push(b'%');
            out.extend([octet >> 4, octet & 15].iter().filter_map(|&digit| DIGITS.get(usize::from(digit))));
        }
    }
}

/// The text of an extended parameter that was put together, `charset'language'text`.
pub(crate) fn extended_text(value: &[u8]) -> String {
    let mut quotes = value.splitn(3, |&octet| octet == b'\'');
    let (charset, text) = match (quotes.next(), quotes.next(), quotes.next()) {
        (Some(charset), Some(_), Some(text)) => (charset, text),
        _ => (&b""[..], value),
    };
    let mut octets = Vec::with_capacity(text.len());
    percent_decode(text, &mut octets);
    let charset = if charset.is_empty() { &b"utf-8"[..] } else { charset };
    let read = charset::decode(Some(charset), &octets);
    let mut clean = String::with_capacity(read.characters.len());
    push_without_controls(&mut clean, &read.characters);
    clean
}

/// The media type of a `Content-Type` as it stands there, and the scanner at its parameters.
pub(crate) fn raw_content_type<'a>(
    value: &'a [u8],
    limits: &Limits,
) -> Option<(&'a [u8], &'a [u8], Scanner<'a>)> {
    let mut scanner = Scanner::new(value, limits.comment_depth);
    let (main_type, subtype) = raw_type(&mut scanner)?;
    Some((main_type, subtype, scanner))
}

/// The type of a `Content-Disposition` as it stands there, and the scanner at its parameters.
pub(crate) fn raw_disposition<'a>(value: &'a [u8], limits: &Limits) -> Option<(&'a [u8], Scanner<'a>)> {
    let mut scanner = Scanner::new(value, limits.comment_depth);
    scanner.skip_cfws();
    let disposition = scanner.run(is_token);
    (!disposition.is_empty()).then_some((disposition, scanner))
}

/// The tags of a `Content-Language` (RFC 3282), in order.
pub(crate) fn languages<'a>(value: &'a [u8], limits: &Limits) -> Vec<&'a [u8]> {
    let mut scanner = Scanner::new(value, limits.comment_depth);
    let mut tags = Vec::new();
    while tags.len() < limits.parameters {
        scanner.skip_cfws();
        if scanner.is_at_end() {
            break;
        }
        let tag = scanner.run(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
        if tag.is_empty() {
            scanner.at += 1;
        } else {
            tags.push(tag);
        }
    }
    tags
}

fn plain_text(octets: &[u8]) -> String {
    let (text, _) = charset::utf8(octets);
    let mut clean = String::with_capacity(text.len());
    push_without_controls(&mut clean, &text);
    clean
}

/// A `Content-Type`; `None` if it has no type.
pub(crate) fn content_type(value: &[u8], limits: &Limits, defects: &mut Defects) -> Option<ContentType> {
    let mut scanner = Scanner::new(value, limits.comment_depth);
    let (main_type, subtype) = raw_type(&mut scanner)?;
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).to_ascii_lowercase();
    let raw = raw_parameters(&mut scanner, limits.parameters, defects);
    let parameters = decode(&raw, defects);
    Some(ContentType::known(&text(main_type), &text(subtype)).with_parameters(parameters))
}

/// A `Content-Type` that the grammar allows, for a builder.
pub(crate) fn content_type_exact(text: &str) -> Result<ContentType, InvalidValue> {
    let mut defects = Defects::at(0, false, 1);
    let invalid = |at| InvalidValue::new("content type", InvalidReason::Syntax, at);
    let read = content_type(text.as_bytes(), &Limits::DEFAULT, &mut defects).ok_or_else(|| invalid(0))?;
    match defects.list.iter().find(|defect| defect.severity > Severity::Note) {
        Some(defect) => Err(invalid(defect.offset)),
        None => Ok(read),
    }
}

/// A `Content-Disposition`; `None` if it has no type.
pub(crate) fn content_disposition(
    value: &[u8],
    limits: &Limits,
    defects: &mut Defects,
) -> Option<ContentDisposition> {
    let mut scanner = Scanner::new(value, limits.comment_depth);
    scanner.skip_cfws();
    let disposition = scanner.run(is_token);
    if disposition.is_empty() {
        return None;
    }
    let raw = raw_parameters(&mut scanner, limits.parameters, defects);
    let disposition = DispositionType::from_token(&String::from_utf8_lossy(disposition));
    Some(ContentDisposition::from_parts(disposition, decode(&raw, defects)))
}

/// A `Content-Transfer-Encoding`. Comments may stand around it; anything else makes it unknown.
pub(crate) fn transfer_encoding(value: &[u8], limits: &Limits) -> TransferEncoding {
    let mut scanner = Scanner::new(value, limits.comment_depth);
    scanner.skip_cfws();
    let token = scanner.run(is_token);
    scanner.skip_cfws();
    if scanner.is_at_end() && !scanner.unterminated {
        TransferEncoding::from_token(token)
    } else {
        TransferEncoding::Unknown
    }
}
