//! Reads body structures, without recursion.

use super::parse::index;
use super::view::PartKind;
use super::{Bounds, Detail, PartSpans};
use crate::response::Quirk;
use crate::response::reader::{Reader, Result, Span};

/// How deep parts may be in parts. What is deeper is left out, and told.
pub(super) const DEPTH: usize = 100;

impl PartSpans {
    fn new(depth: usize, parent: u32, position: u32, kind: PartKind) -> Self {
        Self {
            depth: index(depth),
            parent,
            position,
            kind,
            media_type: Span::EMPTY,
            subtype: Span::EMPTY,
            parameters: (0, 0),
            id: Span::NIL,
            description: Span::NIL,
            encoding: Span::EMPTY,
            octets: 0,
            lines: None,
            md5: Span::NIL,
            disposition: Span::NIL,
            disposition_parameters: (0, 0),
            language: (0, 0),
            location: Span::NIL,
            envelope: None,
        }
    }
}

/// A part whose end has not been read.
struct Open {
    part: u32,
    /// How many parts are in it so far.
    below: u32,
}

impl Detail {
    /// Reads BODYSTRUCTURE or BODY in place of what was there before.
    pub(super) fn read_structure(&mut self, reader: &mut Reader<'_>, extended: bool) -> Result<()> {
        self.parts.clear();
        self.parts.reserve(4);
        self.parameters.reserve(8);
        self.truncated = false;
        self.extended = extended;
        let mut open: Vec<Open> = Vec::new();
        loop {
            // A body begins here.
            if open.len() >= DEPTH {
                self.skip_deep(reader, &mut open)?;
            } else {
                reader.eat(b'(', "a body")?;
                reader.no_space()?;
                let at = index(self.parts.len());
                let (parent, position) = match open.last_mut() {
                    Some(last) => {
                        last.below += 1;
                        (last.part, last.below)
                    }
                    None => (u32::MAX, 1),
                };
                if reader.peek() == Some(b'(') {
                    self.parts.push(PartSpans::new(open.len(), parent, position, PartKind::Multipart));
                    open.push(Open { part: at, below: 0 });
                    continue;
                }
                self.parts.push(PartSpans::new(open.len(), parent, position, PartKind::Basic));
                if self.read_fields(reader, at)? {
                    open.push(Open { part: at, below: 0 });
                    continue;
                }
            }
            // A body has ended; and with it all that end here too.
            loop {
                let Some(last) = open.last() else { return Ok(()) };
                let part = last.part;
                let multipart =
                    self.parts.get(part as usize).is_some_and(|part| part.kind == PartKind::Multipart);
                if multipart {
                    // Some put spaces between the parts.
                    if reader.peek() == Some(b' ') && reader.peek_at(1) == Some(b'(') {
                        reader.go_to(reader.at() + 1);
                        if !reader.repair(Quirk::ExtraSpace, reader.at()) {
                            return reader.fail("a part or the subtype");
                        }
                    }
                    if reader.peek() == Some(b'(') {
                        break;
                    }
                    self.end_multipart(reader, part)?;
                } else {
                    self.end_single(reader, part, true)?;
                }
                open.pop();
            }
        }
    }

    /// Goes over a body that is too deep. In its place stands a part that says so.
    #[cold]
    fn skip_deep(&mut self, reader: &mut Reader<'_>, open: &mut [Open]) -> Result<()> {
        reader.skip_value()?;
        let (depth, Some(last)) = (open.len(), open.last_mut()) else { return Ok(()) };
        last.below += 1;
        // One mark is enough for all that are left out of one part.
        if last.below == 1 {
            self.parts.push(PartSpans::new(depth, last.part, last.below, PartKind::Truncated));
        }
        self.truncated = true;
        Ok(())
    }

    /// Reads a body that begins with a string up to its end, or up to the body in it: then it gives true.
    fn read_fields(&mut self, reader: &mut Reader<'_>, at: u32) -> Result<bool> {
        let from = reader.at();
        let media_type = reader.string()?;
        // A multipart without parts: what comes first is its subtype.
        let empty_multipart = match reader.peek() {
            Some(b')') => true,
            Some(b' ') => {
                reader.peek_at(1) == Some(b'(')
                    || reader.octets().get(reader.at() + 1..).is_some_and(is_nil_and_more)
                        && !is_media_type(media_type.octets(reader.octets()))
            }
            _ => false,
        };
        if empty_multipart && reader.repair(Quirk::EmptyMultipart, from) {
            if let Some(part) = self.parts.get_mut(at as usize) {
                part.kind = PartKind::Multipart;
            }
            reader.go_to(from);
            self.read_multipart_tail(reader, at)?;
            return Ok(false);
        }
        let subtype = reader.string_after_space()?;
        reader.space()?;
        let parameters = self.read_parameters(reader)?;
        let (id, description) = (reader.space_nstring()?, reader.space_nstring()?);
        let encoding = reader.string_after_space()?;
        reader.space()?;
        let octets = reader.lenient_number()?;
        let is = |span: Span, word: &str| span.octets(reader.octets()).eq_ignore_ascii_case(word.as_bytes());
        let is_text = is(media_type, "TEXT");
        let is_message = is(media_type, "MESSAGE") && (is(subtype, "RFC822") || is(subtype, "GLOBAL"));
        if let Some(part) = self.parts.get_mut(at as usize) {
            part.kind = if is_text { PartKind::Text } else { PartKind::Basic };
            (part.media_type, part.subtype, part.parameters) = (media_type, subtype, parameters);
            (part.id, part.description, part.encoding) = (id, description, encoding);
            part.octets = octets;
        }
        if is_message && reader.peek() == Some(b' ') && is_envelope_next(reader) {
            reader.space()?;
            let mut envelope = None;
            if !reader.nil() {
                let spans = self.read_envelope(reader)?;
                envelope = Some(index(self.envelopes.len()));
                self.envelopes.push(spans);
            }
            if let Some(part) = self.parts.get_mut(at as usize) {
                part.kind = PartKind::Message;
                part.envelope = envelope;
            }
            if reader.peek() == Some(b' ') && reader.peek_at(1) == Some(b'(') {
                reader.space()?;
                return Ok(true);
            }
            // The body of the message is missing.
            if !reader.repair(Quirk::MissingField, reader.at()) {
                return reader.fail("the body of the message");
            }
            if reader.peek() == Some(b' ')
                && reader.octets().get(reader.at() + 1..).is_some_and(is_nil_and_more)
            {
                reader.space()?;
                reader.nil();
            }
            self.end_single(reader, at, true)?;
            return Ok(false);
        }
        self.end_single(reader, at, is_text)?;
        Ok(false)
    }

    /// Reads the rest of a body that is not multipart: the number of lines, if it has one, and the extension data.
    fn end_single(&mut self, reader: &mut Reader<'_>, at: u32, has_lines: bool) -> Result<()> {
        let mut lines = None;
        let number_next = reader.peek() == Some(b' ')
            && reader.peek_at(1).is_some_and(|octet| octet.is_ascii_digit() || octet == b'-');
        if number_next {
            if !has_lines && !reader.repair(Quirk::OddNumber, reader.at()) {
                return reader.fail("the end of a body that is not a text");
            }
            reader.space()?;
            lines = Some(reader.lenient_number()?);
        } else if has_lines && !reader.repair(Quirk::MissingField, reader.at()) {
            return reader.fail("a number of lines");
        }
        let mut md5 = Span::NIL;
        if reader.peek() == Some(b' ') {
            md5 = reader.space_nstring()?;
        }
        if let Some(part) = self.parts.get_mut(at as usize) {
            part.lines = lines;
            part.md5 = md5;
        }
        self.read_extension(reader, at)
    }

    fn end_multipart(&mut self, reader: &mut Reader<'_>, at: u32) -> Result<()> {
        if reader.peek() == Some(b')') && reader.repair(Quirk::MissingField, reader.at()) {
            return self.read_extension(reader, at);
        }
        reader.space()?;
        self.read_multipart_tail(reader, at)
    }

    fn read_multipart_tail(&mut self, reader: &mut Reader<'_>, at: u32) -> Result<()> {
        let subtype = reader.string()?;
        let mut parameters = (0, 0);
        if reader.peek() == Some(b' ') {
            reader.space()?;
            parameters = self.read_parameters(reader)?;
        }
        if let Some(part) = self.parts.get_mut(at as usize) {
            part.subtype = subtype;
            part.parameters = parameters;
        }
        self.read_extension(reader, at)
    }

    /// Reads disposition, language, location and what may come behind them, as far as they are there, and the end of the body.
    fn read_extension(&mut self, reader: &mut Reader<'_>, at: u32) -> Result<()> {
        let mut disposition = (Span::NIL, (0, 0));
        let mut language = (0, 0);
        let mut location = Span::NIL;
        if reader.peek() == Some(b' ') {
            reader.space()?;
            disposition = self.read_disposition(reader)?;
        }
        if reader.peek() == Some(b' ') {
            reader.space()?;
            language = self.read_language(reader)?;
        }
        if reader.peek() == Some(b' ') {
            location = reader.space_nstring()?;
        }
        while reader.peek() == Some(b' ') {
            let at = reader.at();
            reader.space()?;
            if reader.peek() == Some(b')') && reader.repair(Quirk::ExtraSpace, at) {
                break;
            }
            reader.skip_value()?;
        }
        if let Some(part) = self.parts.get_mut(at as usize) {
            (part.disposition, part.disposition_parameters) = disposition;
            part.language = language;
            part.location = location;
        }
        reader.eat(b')', "the end of a body")
    }

    fn read_disposition(&mut self, reader: &mut Reader<'_>) -> Result<(Span, Bounds)> {
        let from = reader.at();
        if reader.nil() {
            return Ok((Span::NIL, (0, 0)));
        }
        if reader.peek() != Some(b'(') {
            return if reader.repair(Quirk::MissingField, from) {
                Ok((reader.nstring()?, (0, 0)))
            } else {
                reader.fail("a disposition or NIL")
            };
        }
        reader.eat(b'(', "a parenthesis")?;
        if reader.peek() == Some(b')') && reader.repair(Quirk::EmptyList, from) {
            reader.eat(b')', "a parenthesis")?;
            return Ok((Span::NIL, (0, 0)));
        }
        let kind = reader.string()?;
        let mut parameters = (0, 0);
        if reader.peek() != Some(b')') || !reader.repair(Quirk::MissingField, reader.at()) {
            reader.space()?;
            parameters = self.read_parameters(reader)?;
        }
        reader.eat(b')', "a parenthesis")?;
        Ok((kind, parameters))
    }

    fn read_language(&mut self, reader: &mut Reader<'_>) -> Result<Bounds> {
        let from = index(self.languages.len());
        if reader.peek() != Some(b'(') {
            let language = reader.nstring()?;
            if !language.is_nil() {
                self.languages.push(language);
            }
            return Ok((from, index(self.languages.len())));
        }
        reader.eat(b'(', "a parenthesis")?;
        loop {
            let any = index(self.languages.len()) > from;
            if !reader.next_item(any)? {
                if !any && !reader.repair(Quirk::EmptyList, reader.at()) {
                    return reader.fail("a language");
                }
                return Ok((from, index(self.languages.len())));
            }
            let language = reader.string()?;
            self.languages.push(language);
        }
    }

    fn read_parameters(&mut self, reader: &mut Reader<'_>) -> Result<Bounds> {
        let from = index(self.parameters.len());
        if reader.nil() {
            return Ok((from, from));
        }
        if reader.peek() == Some(b'"')
            && reader.peek_at(1) == Some(b'"')
            && reader.repair(Quirk::EmptyList, reader.at())
        {
            // An empty string for no parameters.
            reader.go_to(reader.at() + 2);
            return Ok((from, from));
        }
        reader.eat(b'(', "parameters or NIL")?;
        loop {
            let any = index(self.parameters.len()) > from;
            if !reader.next_item(any)? {
                if !any && !reader.repair(Quirk::EmptyList, reader.at()) {
                    return reader.fail("a parameter");
                }
                return Ok((from, index(self.parameters.len())));
            }
            let name = reader.string()?;
            let value = if reader.peek() == Some(b')') && reader.repair(Quirk::MissingField, reader.at()) {
                Span::EMPTY
            } else {
                reader.string_after_space()?
            };
            self.parameters.push([name, value]);
        }
    }
}

/// `NIL`, and then no further part of a word.
fn is_nil_and_more(octets: &[u8]) -> bool {
    octets.get(..3).is_some_and(|word| word.eq_ignore_ascii_case(b"NIL"))
        && matches!(octets.get(3), Some(b' ' | b')') | None)
}

/// Whether it is a top-level media type that is no multipart (RFC 2046, RFC 2077, RFC 8081), or none at all.
fn is_media_type(octets: &[u8]) -> bool {
    let known =
        ["text", "image", "audio", "video", "application", "message", "model", "font", "multipart", ""];
    known.iter().any(|known| octets.eq_ignore_ascii_case(known.as_bytes()))
}

/// Whether an envelope follows: a message that is given as a basic part has its MD5 here, `NIL` or a string, or a disposition.
fn is_envelope_next(reader: &Reader<'_>) -> bool {
    let rest = reader.octets().get(reader.at() + 1..).unwrap_or_default();
    match rest.first() {
        // An envelope begins with a date, and goes on with a subject.
        Some(b'(') => rest.get(1) != Some(&b'('),
        // `NIL (` is an envelope that is missing and a body.
        Some(b'N' | b'n') => rest.get(3..5) == Some(b" (") && rest.get(5) == Some(&b'('),
        _ => false,
    }
}
