//! Reads the leaves of responses. Unlike the cursor that reads commands it tolerates what [`Lenience`] allows, notes each repair, and
//! gives [`Span`]s, so that a row is one block of octets and a few flat lists.

use super::{Lenience, Quirk, Repair, ResponseOptions};
use bytes::Bytes;
use postroad_core::{ParseError, ParseErrorKind};
use std::borrow::Cow;

/// An error is boxed, so that a string or a number comes back in registers: that is half of the time that a row takes.
pub(super) type Result<T> = core::result::Result<T, Box<ParseError>>;

/// A string of the unit: where its octets are, whether it has escapes to undo. Eight octets, no reference count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Span {
    at: u32,
    len: u32,
}

const ESCAPED: u32 = 1 << 31;

impl Span {
    /// `NIL`, or not there.
    pub(super) const NIL: Self = Self { at: u32::MAX, len: 0 };
    pub(super) const EMPTY: Self = Self { at: 0, len: 0 };
    /// The longest unit that can be read.
    pub(super) const LIMIT: usize = (ESCAPED - 1) as usize;

    #[expect(clippy::cast_possible_truncation, reason = "units over Span::LIMIT are refused")]
    pub(super) fn new(from: usize, to: usize) -> Self {
        Self { at: from as u32, len: (to - from) as u32 }
    }

    pub(super) fn is_nil(self) -> bool {
        self.at == u32::MAX
    }

    /// Where it begins.
    pub(super) fn at(self) -> usize {
        self.at as usize
    }

    fn end(self) -> usize {
        self.at as usize + (self.len & !ESCAPED) as usize
    }

    /// The octets as they stand in `raw`, with their escapes.
    pub(super) fn octets(self, raw: &[u8]) -> &[u8] {
        raw.get(self.at as usize..self.end()).unwrap_or_default()
    }

    /// The value; `None` for `NIL`.
    pub(super) fn value(self, raw: &[u8]) -> Option<Cow<'_, [u8]>> {
        if self.is_nil() {
            return None;
        }
        let octets = self.octets(raw);
        Some(if self.len & ESCAPED == 0 { Cow::Borrowed(octets) } else { Cow::Owned(unescape(octets)) })
    }

    /// The value as a slice of `raw`; copied only if escapes must be undone.
    pub(super) fn bytes(self, raw: &Bytes) -> Option<Bytes> {
        if self.is_nil() {
            return None;
        }
        Some(match self.len & ESCAPED == 0 {
            true if self.end() <= raw.len() => raw.slice(self.at()..self.end()),
            true => Bytes::new(),
            false => unescape(self.octets(raw)).into(),
        })
    }
}

fn unescape(octets: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(octets.len());
    let mut rest = octets;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        value.extend_from_slice(&rest[..at]);
        match rest.get(at + 1) {
            Some(octet @ (b'"' | b'\\')) => value.push(*octet),
            Some(octet) => value.extend_from_slice(&[b'\\', *octet]),
            None => value.push(b'\\'),
        }
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    value.extend_from_slice(rest);
    value
}

/// Where a string goes on in octets that are not in the unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text {
    Here(Span),
    /// A literal of so many octets whose header is the end of the unit.
    Streamed(u64),
}

/// How many repairs of one unit are told; a hostile unit could have as many as octets.
const REPAIRS: usize = 64;

#[derive(Debug)]
pub(super) struct Reader<'a> {
    octets: &'a [u8],
    at: usize,
    utf8: bool,
    lenience: Lenience,
    repairs: Vec<Repair>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(octets: &'a [u8], options: ResponseOptions) -> Self {
        Self { octets, at: 0, utf8: options.utf8, lenience: options.lenience, repairs: Vec::new() }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn utf8(&self) -> bool {
        self.utf8
    }

    /// Goes to `at`: back, when what was tried did not fit, or over what was read by other means.
    pub(super) fn go_to(&mut self, at: usize) {
        self.at = at.min(self.octets.len());
    }

    pub(super) fn octets(&self) -> &'a [u8] {
        self.octets
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.octets.get(self.at..).unwrap_or_default()
    }

    pub(super) fn is_end(&self) -> bool {
        self.at >= self.octets.len()
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.octets.get(self.at).copied()
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.octets.get(self.at + ahead).copied()
    }

    #[cold]
    #[expect(clippy::unnecessary_box_returns, reason = "it is the error of every Result here")]
    pub(super) fn error(&self, kind: ParseErrorKind, at: usize) -> Box<ParseError> {
        Box::new(ParseError::new(kind, at, self.octets))
    }

    #[cold]
    pub(super) fn fail<T>(&self, expected: &'static str) -> Result<T> {
        let kind = if self.is_end() { ParseErrorKind::Missing } else { ParseErrorKind::Expected };
        Err(self.error(kind(expected), self.at))
    }

    /// Whether `quirk` is repaired; if so, the repair is noted.
    #[cold]
    pub(super) fn repair(&mut self, quirk: Quirk, at: usize) -> bool {
        let allowed = self.lenience.allows(quirk);
        if allowed && self.repairs.len() < REPAIRS {
            self.repairs.push(Repair { quirk, at });
        }
        allowed
    }

    /// How many repairs there are: to go back to by [`forget`](Self::forget).
    pub(super) fn repaired(&self) -> usize {
        self.repairs.len()
    }

    pub(super) fn forget(&mut self, repaired: usize) {
        self.repairs.truncate(repaired);
    }

    pub(super) fn into_repairs(self) -> Vec<Repair> {
        self.repairs
    }

    #[inline]
    pub(super) fn try_eat(&mut self, octet: u8) -> bool {
        let is = self.peek() == Some(octet);
        self.at += usize::from(is);
        is
    }

    #[inline]
    pub(super) fn eat(&mut self, octet: u8, what: &'static str) -> Result<()> {
        if self.try_eat(octet) { Ok(()) } else { self.fail(what) }
    }

    /// `word`, in any case, and then no octet that could go on with it.
    pub(super) fn try_word(&mut self, word: &str) -> bool {
        let end = self.at + word.len();
        let is =
            self.octets.get(self.at..end).is_some_and(|octets| octets.eq_ignore_ascii_case(word.as_bytes()))
                && !self.octets.get(end).copied().is_some_and(is_atom_octet);
        if is {
            self.at = end;
        }
        is
    }

    /// One space.
    #[inline]
    pub(super) fn space(&mut self) -> Result<()> {
        if !self.try_eat(b' ') {
            return self.no_such_space();
        }
        if self.peek() == Some(b' ') { self.extra_spaces() } else { Ok(()) }
    }

    #[cold]
    fn no_such_space(&mut self) -> Result<()> {
        if !self.is_end() && self.repair(Quirk::MissingSpace, self.at) {
            Ok(())
        } else {
            self.fail("a space")
        }
    }

    /// Spaces where none belongs.
    pub(super) fn no_space(&mut self) -> Result<()> {
        if self.peek() == Some(b' ') { self.extra_spaces() } else { Ok(()) }
    }

    #[cold]
    fn extra_spaces(&mut self) -> Result<()> {
        if !self.repair(Quirk::ExtraSpace, self.at) {
            return self.fail("something else than a space");
        }
        while self.try_eat(b' ') {}
        Ok(())
    }

    /// Between the items of a list, and behind its opening parenthesis: whether another item follows. If not, it goes behind the closing
    /// one. `any` says whether there was an item before.
    #[inline]
    pub(super) fn next_item(&mut self, any: bool) -> Result<bool> {
        if any {
            if self.try_eat(b')') {
                return Ok(false);
            }
            let at = self.at;
            self.space()?;
            if self.peek() == Some(b')') && !self.repair(Quirk::ExtraSpace, at) {
                return self.fail("an item of a list");
            }
        } else {
            self.no_space()?;
        }
        Ok(!self.try_eat(b')'))
    }

    /// The name of an item, a code, a response: what goes on to a space, a parenthesis or a bracket.
    #[inline]
    pub(super) fn word(&mut self) -> &'a [u8] {
        let rest = self.rest();
        let len =
            rest.iter().position(|octet| CLASSES[usize::from(*octet)] & WORD == 0).unwrap_or(rest.len());
        self.at += len;
        &rest[..len]
    }

    /// An atom, as octets: what goes on to a space, parenthesis, quote or control character.
    #[inline]
    pub(super) fn atom(&mut self) -> Span {
        let (from, rest) = (self.at, self.rest());
        self.at += rest.iter().position(|octet| !is_atom_octet(*octet)).unwrap_or(rest.len());
        Span::new(from, self.at)
    }

    /// Digits.
    #[inline]
    pub(super) fn number64(&mut self) -> Result<u64> {
        let from = self.at;
        let mut number = 0_u64;
        while let Some(digit) = self.peek().map(|octet| octet.wrapping_sub(b'0')).filter(|digit| *digit < 10)
        {
            number = number
                .checked_mul(10)
                .and_then(|number| number.checked_add(digit.into()))
                .ok_or_else(|| self.error(ParseErrorKind::OutOfRange("a number"), from))?;
            self.at += 1;
        }
        if self.at == from { self.fail("a number") } else { Ok(number) }
    }

    #[inline]
    pub(super) fn number32(&mut self) -> Result<u32> {
        let from = self.at;
        let number = self.number64()?;
        u32::try_from(number).map_err(|_| self.error(ParseErrorKind::OutOfRange("a number of 32 bits"), from))
    }

    pub(super) fn nz_number(&mut self) -> Result<u32> {
        let from = self.at;
        match self.number32()? {
            0 => Err(self.error(ParseErrorKind::OutOfRange("a number over 0"), from)),
            number => Ok(number),
        }
    }

    /// A number that servers are known to spoil: `NIL`, quoted, negative, beyond 64 bits.
    pub(super) fn lenient_number(&mut self) -> Result<u64> {
        let from = self.at;
        let error = match self.number64() {
            Ok(number) if !self.peek().is_some_and(is_atom_octet) => return Ok(number),
            Ok(_) => self.error(ParseErrorKind::Expected("the end of a number"), self.at),
            Err(error) => error,
        };
        self.at = from;
        let span = match self.peek() {
            Some(b'"') => self.nstring()?,
            Some(octet) if is_atom_octet(octet) => self.atom(),
            _ => return Err(error),
        };
        if !self.repair(Quirk::OddNumber, from) {
            return Err(error);
        }
        let digits = core::str::from_utf8(span.octets(self.octets)).unwrap_or_default();
        Ok(digits.parse().unwrap_or(0))
    }

    #[inline]
    pub(super) fn nil(&mut self) -> bool {
        let is = matches!(self.rest(), [b'N' | b'n', b'I' | b'i', b'L' | b'l', rest @ ..]
            if !rest.first().copied().is_some_and(is_atom_octet));
        self.at += if is { 3 } else { 0 };
        is
    }

    #[inline]
    fn quoted(&mut self) -> Result<Span> {
        let from = self.at + 1;
        let (to, high, escaped) = self.string_end(from)?;
        if high && !self.utf8 && !self.repair(Quirk::RawEightBit, from) {
            return Err(self.error(ParseErrorKind::Expected("ASCII"), from));
        }
        self.at = to + 1;
        let mut span = Span::new(from, to);
        if escaped {
            self.check_escapes(span)?;
            span.len |= ESCAPED;
        }
        Ok(span)
    }

    /// The quote that ends a string, eight octets at a time; whether an octet over 127 and whether a backslash is before it.
    #[inline]
    fn string_end(&self, from: usize) -> Result<(usize, bool, bool)> {
        const ONES: u64 = 0x0101_0101_0101_0101;
        const HIGH: u64 = 0x8080_8080_8080_8080;
        const QUOTES: u64 = u64::from_ne_bytes([b'"'; 8]);
        const SLASHES: u64 = u64::from_ne_bytes([b'\\'; 8]);
        let (mut at, mut seen, mut escaped) = (from, 0_u64, false);
        loop {
            while let Some(word) = self.octets.get(at..).and_then(<[u8]>::first_chunk::<8>) {
                let word = u64::from_le_bytes(*word);
                let (quote, slash) = (word ^ QUOTES, word ^ SLASHES);
                let hit = ((quote.wrapping_sub(ONES) & !quote) | (slash.wrapping_sub(ONES) & !slash)) & HIGH;
                if hit != 0 {
                    let skip = hit.trailing_zeros() / 8;
                    seen |= word & !(u64::MAX << (8 * skip));
                    at += skip as usize;
                    break;
                }
                seen |= word;
                at += 8;
            }
            match self.octets.get(at) {
                Some(b'"') => return Ok((at, seen & HIGH != 0, escaped)),
                Some(b'\\') => {
                    escaped = true;
                    seen |= u64::from(self.octets.get(at + 1).copied().unwrap_or_default());
                    at += 2;
                }
                Some(octet) => {
                    seen |= u64::from(*octet);
                    at += 1;
                }
                None => {
                    return Err(
                        self.error(ParseErrorKind::Missing("the quote at the end"), self.octets.len())
                    );
                }
            }
        }
    }

    #[cold]
    fn check_escapes(&mut self, span: Span) -> Result<()> {
        let octets = span.octets(self.octets);
        let mut from = 0;
        while let Some(found) = octets.get(from..).and_then(|rest| memchr::memchr(b'\\', rest)) {
            let at = from + found;
            if !matches!(octets.get(at + 1), Some(b'"' | b'\\')) {
                let at = span.at() + at;
                return if self.repair(Quirk::StrayBackslash, at) {
                    Ok(())
                } else {
                    Err(self.error(ParseErrorKind::Expected("a quote or a backslash"), at + 1))
                };
            }
            from = at + 2;
        }
        Ok(())
    }

    fn is_literal_next(&self) -> bool {
        match self.peek() {
            Some(b'{') => true,
            Some(b'~') => self.peek_at(1) == Some(b'{'),
            _ => false,
        }
    }

    /// `{n}` or `~{n}`, CRLF and `n` octets; or only the header, at the end of the unit.
    fn literal(&mut self) -> Result<Text> {
        self.try_eat(b'~');
        self.eat(b'{', "a literal")?;
        let len = self.number64()?;
        // Servers do not send non-synchronising literals, but nothing is lost by reading one.
        self.try_eat(b'+');
        self.eat(b'}', "a brace")?;
        if self.is_end() {
            return Ok(Text::Streamed(len));
        }
        self.eat(b'\r', "CRLF")?;
        self.eat(b'\n', "CRLF")?;
        let from = self.at;
        let end = usize::try_from(len).ok().and_then(|len| from.checked_add(len));
        match end.filter(|end| *end <= self.octets.len()) {
            Some(end) => {
                self.at = end;
                Ok(Text::Here(Span::new(from, end)))
            }
            None => Err(self.error(ParseErrorKind::Missing("the end of a literal"), self.octets.len())),
        }
    }

    /// A string or `NIL`, where a literal may be streamed.
    pub(super) fn text(&mut self) -> Result<Text> {
        match self.peek() {
            _ if self.is_literal_next() => self.literal(),
            _ => self.nstring().map(Text::Here),
        }
    }

    /// A string or `NIL`; an atom by [`Quirk::AtomForString`].
    #[inline]
    pub(super) fn nstring(&mut self) -> Result<Span> {
        match self.peek() {
            Some(b'"') => self.quoted(),
            Some(b'N' | b'n') if self.nil() => Ok(Span::NIL),
            _ => self.nstring_otherwise(),
        }
    }

    /// The same, if it is neither in quotes nor `NIL`.
    #[cold]
    fn nstring_otherwise(&mut self) -> Result<Span> {
        match self.peek() {
            _ if self.is_literal_next() => match self.literal()? {
                Text::Here(span) => Ok(span),
                Text::Streamed(_) => self.fail("the octets of a literal"),
            },
            Some(octet) if is_atom_octet(octet) && self.repair(Quirk::AtomForString, self.at) => {
                Ok(self.atom())
            }
            _ => self.fail("a string or NIL"),
        }
    }

    #[inline]
    pub(super) fn space_nstring(&mut self) -> Result<Span> {
        self.space()?;
        self.nstring()
    }

    /// A string; `NIL` by [`Quirk::NilForString`].
    #[inline]
    pub(super) fn string(&mut self) -> Result<Span> {
        let from = self.at;
        let span = self.nstring()?;
        if !span.is_nil() {
            Ok(span)
        } else if self.repair(Quirk::NilForString, from) {
            Ok(Span::EMPTY)
        } else {
            Err(self.error(ParseErrorKind::Expected("a string"), from))
        }
    }

    #[inline]
    pub(super) fn string_after_space(&mut self) -> Result<Span> {
        self.space()?;
        self.string()
    }

    /// An atom or a string (RFC 9051 `astring`); an atom may have a `]`.
    pub(super) fn astring(&mut self) -> Result<Span> {
        match self.peek() {
            Some(b'"' | b'{') => self.nstring(),
            _ if self.is_literal_next() => self.nstring(),
            Some(octet) if is_atom_octet(octet) => Ok(self.atom()),
            _ => self.fail("an atom or a string"),
        }
    }

    /// Goes over one value, whatever it is: a string, an atom with what is in its brackets, or a list and all in it. Linear, without
    /// recursion.
    pub(super) fn skip_value(&mut self) -> Result<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek() {
                Some(b'(') => {
                    depth += 1;
                    self.at += 1;
                }
                Some(b')') if depth > 0 => {
                    depth -= 1;
                    self.at += 1;
                }
                Some(b' ') if depth > 0 => self.at += 1,
                Some(b'"') => {
                    let from = self.at + 1;
                    let (to, ..) = self.string_end(from)?;
                    super::raw::check_quoted(&self.octets[from..to], from)?;
                    self.at = to + 1;
                }
                _ if self.is_literal_next() => {
                    let from = self.at;
                    match self.literal() {
                        Ok(Text::Here(_)) => {}
                        Ok(Text::Streamed(_)) => return self.fail("the octets of a literal"),
                        Err(_) => self.at = from + 1,
                    }
                }
                Some(octet) if !matches!(octet, b' ' | b')' | 0..=0x1f) => {
                    let from = self.at;
                    self.at = from + 1;
                    while self.peek().is_some_and(|o| !matches!(o, b' ' | b')' | b'(' | b'"' | 0..=0x1f)) {
                        self.at += 1;
                    }
                }
                _ => return self.fail("a value"),
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// The end of a list of results: nothing may stand behind it, or what was read is not all that was found.
    pub(super) fn end_of_results(&mut self) -> Result<()> {
        let from = self.at;
        while self.try_eat(b' ') {}
        if self.is_end() && (self.at == from || self.repair(Quirk::ExtraSpace, from)) {
            return Ok(());
        }
        Err(self.error(ParseErrorKind::Trailing, from))
    }

    /// The end of the unit.
    pub(super) fn end(&mut self) -> Result<()> {
        let from = self.at;
        while self.try_eat(b' ') {}
        if !self.is_end() {
            return if self.repair(Quirk::Trailing, from) {
                Ok(())
            } else {
                Err(self.error(ParseErrorKind::Trailing, from))
            };
        }
        if self.at == from || self.repair(Quirk::ExtraSpace, from) {
            return Ok(());
        }
        Err(self.error(ParseErrorKind::Trailing, from))
    }
}

const WORD: u8 = 1;
const ATOM: u8 = 2;

/// The classes of each octet: one look instead of many comparisons.
static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "it is under 256")]
        let character = octet as u8;
        if !matches!(character, 0..=b' ' | b'(' | b')' | b'{' | b'"' | 0x7f) {
            classes[octet] |= ATOM;
        }
        if character.is_ascii_alphanumeric() || matches!(character, b'.' | b'-' | b'_' | b'=' | b'/' | b'+') {
            classes[octet] |= WORD;
        }
        octet += 1;
    }
    classes
};

/// What an atom may have, and what is known to stand in flags and keywords though it should not: `%`, `*`, `]`, `[`, `\`, octets over 127.
#[inline]
pub(super) fn is_atom_octet(octet: u8) -> bool {
    CLASSES[usize::from(octet)] & ATOM != 0
}
