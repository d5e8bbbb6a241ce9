use super::chars::{self, ASTRING, ATOM, LIST, QUOTED, TAG};
use crate::types::{Atom, Flag, SequenceSet};
use bytes::{BufMut, Bytes, BytesMut};
use core::num::NonZeroU32;
use memchr::{memchr, memchr2};
use postroad_core::{ParseError, ParseErrorKind};

/// An error is boxed, so that what is read comes back in registers.
type Result<T> = core::result::Result<T, Box<ParseError>>;

/// What to do with octets over 0x7F in a quoted string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EightBit {
    /// They are a fault (RFC 3501 section 9).
    Refuse,
    /// They must be UTF-8 (RFC 9051 section 4.3, RFC 6855 section 3).
    Utf8,
    /// Whatever they are, they are kept; [`Cursor::eight_bit_at`] says where the first stood.
    Keep,
}

/// Where in a unit the parser stands. A unit is one command or response with its literals in place, without the final CRLF.
///
/// What is read is a slice of the unit: nothing is copied but a quoted string with escapes.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    unit: &'a Bytes,
    at: usize,
    eight_bit: EightBit,
    eight_bit_at: Option<usize>,
}

impl<'a> Cursor<'a> {
    /// The beginning of `unit`. Octets over 0x7F in quoted strings are refused.
    pub(crate) fn new(unit: &'a Bytes) -> Self {
        Self { unit, at: 0, eight_bit: EightBit::Refuse, eight_bit_at: None }
    }

    /// The same with another rule for octets over 0x7F.
    pub(crate) fn with_eight_bit(mut self, rule: EightBit) -> Self {
        self.eight_bit = rule;
        self
    }

    /// Where the first octet over 0x7F in a quoted string stood.
    pub(crate) fn eight_bit_at(&self) -> Option<usize> {
        self.eight_bit_at
    }

    /// The offset in the unit.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Goes to an offset that [`at`](Self::at) told before.
    pub(crate) fn seek(&mut self, at: usize) {
        self.at = at.min(self.unit.len());
    }

    /// The whole unit.
    pub(crate) fn unit(&self) -> &'a Bytes {
        self.unit
    }

    /// What has not been read.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.unit.get(self.at..).unwrap_or_default()
    }

    /// The next octet.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.unit.get(self.at).copied()
    }

    /// Whether all has been read.
    pub(crate) fn is_at_end(&self) -> bool {
        self.at >= self.unit.len()
    }

    /// A fault here.
    #[cold]
    #[expect(clippy::unnecessary_box_returns, reason = "it is the error of every Result here")]
    pub(crate) fn fail(&self, kind: ParseErrorKind) -> Box<ParseError> {
        self.fail_at(kind, self.at)
    }

    /// A fault at an offset.
    #[cold]
    #[expect(clippy::unnecessary_box_returns, reason = "it is the error of every Result here")]
    pub(crate) fn fail_at(&self, kind: ParseErrorKind, at: usize) -> Box<ParseError> {
        ParseError::new(kind, at, self.unit).into()
    }

    /// `what` should stand here: missing at the end, else expected.
    #[cold]
    #[expect(clippy::unnecessary_box_returns, reason = "it is the error of every Result here")]
    pub(crate) fn expected(&self, what: &'static str) -> Box<ParseError> {
        self.fail(if self.is_at_end() {
            ParseErrorKind::Missing(what)
        } else {
            ParseErrorKind::Expected(what)
        })
    }

    /// Steps over `count` octets, which the caller has seen.
    pub(crate) fn skip(&mut self, count: usize) {
        self.at = self.at.saturating_add(count).min(self.unit.len());
    }

    /// The next `count` octets, which the caller has seen.
    pub(crate) fn take(&mut self, count: usize) -> Bytes {
        let from = self.at;
        self.skip(count);
        self.unit.slice(from..self.at)
    }

    /// Octets as long as they are fine; may be none.
    pub(crate) fn take_while(&mut self, fine: impl Fn(u8) -> bool) -> Bytes {
        let rest = self.rest();
        let count = rest.iter().position(|&octet| !fine(octet)).unwrap_or(rest.len());
        self.take(count)
    }

    /// Takes `text`, in any case, if it stands here.
    pub(crate) fn try_eat(&mut self, text: &str) -> bool {
        let found =
            self.rest().get(..text.len()).is_some_and(|octets| octets.eq_ignore_ascii_case(text.as_bytes()));
        if found {
            self.at += text.len();
        }
        found
    }

    /// Takes `text`, in any case.
    pub(crate) fn eat(&mut self, text: &'static str) -> Result<()> {
        if self.try_eat(text) { Ok(()) } else { Err(self.expected(text)) }
    }

    /// Takes one octet if it stands here.
    pub(crate) fn try_octet(&mut self, octet: u8) -> bool {
        let found = self.peek() == Some(octet);
        if found {
            self.at += 1;
        }
        found
    }

    /// Takes one space.
    pub(crate) fn space(&mut self) -> Result<()> {
        if self.try_octet(b' ') { Ok(()) } else { Err(self.expected("a space")) }
    }

    /// Nothing may be left.
    pub(crate) fn end(&self) -> Result<()> {
        if self.is_at_end() { Ok(()) } else { Err(self.fail(ParseErrorKind::Trailing)) }
    }

    /// A run of octets of one class, at least one, without taking it.
    fn run(&self, class: u8, what: &'static str) -> Result<usize> {
        match chars::run(self.rest(), class) {
            0 => Err(self.expected(what)),
            count => Ok(count),
        }
    }

    /// A word of letters, digits, `-`, `.`, `=`, `+` and the like, as keywords are written: an atom that is not kept.
    pub(crate) fn word(&mut self) -> Result<&'a [u8]> {
        let count = self.run(ATOM, "a word")?;
        let word = self.rest().get(..count).unwrap_or_default();
        self.at += count;
        Ok(word)
    }

    /// An atom.
    pub(crate) fn atom(&mut self) -> Result<Atom> {
        let count = self.run(ATOM, "an atom")?;
        Ok(Atom::of_wire(self.take(count)))
    }

    /// A tag, as octets.
    pub(crate) fn tag(&mut self) -> Result<Bytes> {
        let count = self.run(TAG, "a tag")?;
        Ok(self.take(count))
    }

    /// An astring: an atom in which `]` may stand, or a string.
    pub(crate) fn astring(&mut self) -> Result<Bytes> {
        if matches!(self.peek(), Some(b'"' | b'{')) {
            return self.string();
        }
        let count = self.run(ASTRING, "a string")?;
        Ok(self.take(count))
    }

    /// A list-mailbox: as an astring, and `%` and `*` may stand in it.
    pub(crate) fn list_mailbox(&mut self) -> Result<Bytes> {
        if matches!(self.peek(), Some(b'"' | b'{')) {
            return self.string();
        }
        let count = self.run(LIST, "a pattern")?;
        Ok(self.take(count))
    }

    /// A string: quoted or a literal. A NUL is a fault in both.
    pub(crate) fn string(&mut self) -> Result<Bytes> {
        match self.peek() {
            Some(b'"') => self.quoted(),
            Some(b'{') => {
                let octets = self.literal()?;
                match memchr(0, &octets) {
                    Some(at) => Err(self.fail_at(ParseErrorKind::Forbidden(0), self.at - octets.len() + at)),
                    None => Ok(octets),
                }
            }
            _ => Err(self.expected("a string")),
        }
    }

    /// A string, or a literal8 (`~{n}`), in which any octet may stand (RFC 3516, RFC 9051 section 4.3).
    pub(crate) fn string8(&mut self) -> Result<Bytes> {
        if self.rest().starts_with(b"~{") {
            self.at += 1;
            return self.literal();
        }
        self.string()
    }

    /// NIL as `None`, or a string.
    pub(crate) fn nstring(&mut self) -> Result<Option<Bytes>> {
        if self.try_nil() { Ok(None) } else { self.string().map(Some) }
    }

    /// NIL as `None`, or a string or a literal8.
    pub(crate) fn nstring8(&mut self) -> Result<Option<Bytes>> {
        if self.try_nil() { Ok(None) } else { self.string8().map(Some) }
    }

    /// Takes NIL if it stands here.
    pub(crate) fn try_nil(&mut self) -> bool {
        let rest = self.rest();
        let found = rest.get(..3).is_some_and(|word| word.eq_ignore_ascii_case(b"NIL"))
            && !rest.get(3).is_some_and(|&octet| chars::is(octet, ASTRING));
        if found {
            self.at += 3;
        }
        found
    }

    /// A quoted string. Escapes are undone.
    pub(crate) fn quoted(&mut self) -> Result<Bytes> {
        let open = self.at;
        if !self.try_octet(b'"') {
            return Err(self.expected("a quoted string"));
        }
        let from = self.at;
        let Some(first) = memchr2(b'"', b'\\', self.rest()) else {
            return Err(self.fail_at(ParseErrorKind::Missing("the end of a quoted string"), self.unit.len()));
        };
        let octets = if self.rest().get(first) == Some(&b'"') {
            self.at += first + 1;
            self.unit.slice(from..from + first)
        } else {
            self.escaped(first)?
        };
        self.check_quoted(open + 1)?;
        Ok(octets)
    }

    /// A quoted string whose first escape is `first` octets ahead.
    fn escaped(&mut self, first: usize) -> Result<Bytes> {
        let mut out = BytesMut::with_capacity(first + 32);
        let mut run = first;
        loop {
            let rest = self.rest();
            out.put_slice(rest.get(..run).unwrap_or_default());
            self.at += run + 1;
            if rest.get(run) == Some(&b'"') {
                return Ok(out.freeze());
            }
            match self.peek() {
                Some(octet @ (b'"' | b'\\')) => {
                    out.put_u8(octet);
                    self.at += 1;
                }
                _ => return Err(self.expected("a quote or backslash")),
            }
            let Some(next) = memchr2(b'"', b'\\', self.rest()) else {
                return Err(
                    self.fail_at(ParseErrorKind::Missing("the end of a quoted string"), self.unit.len())
                );
            };
            run = next;
        }
    }

    /// Looks for what may not stand in the quoted string between `from` and the quote just read.
    fn check_quoted(&mut self, from: usize) -> Result<()> {
        let inside = self.unit.get(from..self.at - 1).unwrap_or_default();
        let wrong = |&octet: &u8| !chars::is(octet, QUOTED) && octet != b'"' && octet != b'\\';
        let Some(first) = inside.iter().position(wrong) else { return Ok(()) };
        if let Some(at) = inside.iter().position(|octet| matches!(octet, 0 | b'\r' | b'\n')) {
            return Err(self.fail_at(ParseErrorKind::Forbidden(inside[at]), from + at));
        }
        match self.eight_bit {
            EightBit::Refuse => {
                return Err(self.fail_at(ParseErrorKind::Forbidden(inside[first]), from + first));
            }
            EightBit::Utf8 => {
                if let Err(error) = core::str::from_utf8(inside) {
                    let at = from + error.valid_up_to();
                    return Err(self.fail_at(ParseErrorKind::Expected("UTF-8"), at));
                }
            }
            EightBit::Keep => {}
        }
        self.eight_bit_at.get_or_insert(from + first);
        Ok(())
    }

    /// A literal in its place: `{n}` or `{n+}`, CRLF and so many octets.
    fn literal(&mut self) -> Result<Bytes> {
        let start = self.at;
        if !self.try_octet(b'{') {
            return Err(self.expected("a literal"));
        }
        let length = self.number64()?;
        self.try_octet(b'+');
        self.eat("}\r\n")?;
        match usize::try_from(length) {
            Ok(length) if length <= self.rest().len() => Ok(self.take(length)),
            _ => Err(self.fail_at(ParseErrorKind::Missing("the end of a literal"), start)),
        }
    }

    /// The digits of a number.
    #[inline]
    fn digits(&mut self, most: u64) -> Result<u64> {
        let (value, len) = chars::digits(self.rest());
        match len {
            1..=chars::DIGITS if value <= most => {
                self.at += len;
                Ok(value)
            }
            0 => Err(self.expected("a number")),
            _ => self.odd_digits(len, most),
        }
    }

    /// Digits that may be too large, or have many zeros before them.
    #[cold]
    fn odd_digits(&mut self, len: usize, most: u64) -> Result<u64> {
        let digits =
            self.rest().get(..len).and_then(|digits| core::str::from_utf8(digits).ok()?.parse().ok());
        match digits {
            Some(value) if value <= most => {
                self.at += len;
                Ok(value)
            }
            _ => Err(self.fail(ParseErrorKind::OutOfRange("a number"))),
        }
    }

    /// A number of 32 bits.
    pub(crate) fn number32(&mut self) -> Result<u32> {
        self.digits(u32::MAX.into()).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
    }

    /// A number of 32 bits that is not zero.
    pub(crate) fn nz_number(&mut self) -> Result<NonZeroU32> {
        let start = self.at;
        NonZeroU32::new(self.number32()?)
            .ok_or_else(|| self.fail_at(ParseErrorKind::OutOfRange("a number"), start))
    }

    /// A number of 63 bits.
    pub(crate) fn number64(&mut self) -> Result<u64> {
        self.digits(i64::MAX as u64)
    }

    /// A flag, as it stands in a flag-list.
    pub(crate) fn flag(&mut self) -> Result<Flag> {
        let system = self.try_octet(b'\\');
        let count = self.run(ATOM, "a flag")?;
        let name = self.take(count);
        Ok(if system { Flag::of_system(name) } else { Flag::Keyword(Atom::of_wire(name)) })
    }

    /// A sequence set.
    pub(crate) fn sequence_set(&mut self) -> Result<SequenceSet> {
        SequenceSet::read(self)
    }

    /// A list in parentheses: `item` reads each. An empty list is read too.
    pub(crate) fn list<T>(
        &mut self,
        limit: usize,
        item: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        list(self, limit, item)
    }
}

impl AsMut<Self> for Cursor<'_> {
    fn as_mut(&mut self) -> &mut Self {
        self
    }
}

/// A list in parentheses, read by something that has a cursor.
pub(crate) fn list<'a, C: AsMut<Cursor<'a>>, T>(
    reader: &mut C,
    limit: usize,
    mut item: impl FnMut(&mut C) -> Result<T>,
) -> Result<Vec<T>> {
    reader.as_mut().eat("(")?;
    let mut items = Vec::new();
    if reader.as_mut().try_octet(b')') {
        return Ok(items);
    }
    loop {
        if items.len() >= limit {
            return Err(reader.as_mut().fail(ParseErrorKind::TooLong { what: "a list", limit }));
        }
        items.push(item(reader)?);
        let cursor = reader.as_mut();
        if cursor.try_octet(b')') {
            return Ok(items);
        }
        if !cursor.try_octet(b' ') {
            return Err(cursor.expected("a space or the end of a list"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read and where it ends, or where the fault is.
    fn read<T>(
        unit: &[u8],
        read: impl Fn(&mut Cursor<'static>) -> Result<T>,
    ) -> core::result::Result<(T, usize), usize> {
        let mut cursor = Cursor::new(Box::leak(Box::new(Bytes::copy_from_slice(unit))));
        read(&mut cursor).map(|value| (value, cursor.at())).map_err(|error| error.at())
    }

    #[test]
    fn strings() {
        for (unit, expected) in [
            (&b"\"abc\" x"[..], Ok((&b"abc"[..], 5))),
            (b"\"\"", Ok((b"", 2))),
            (br#""a\"b\\c" "#, Ok((br#"a"b\c"#, 9))),
            (br#""\\\\\"""#, Ok((br#"\\""#, 8))),
            (b"{3}\r\na\r\nb", Ok((b"a\r\n", 8))),
            (b"{3+}\r\nabc", Ok((b"abc", 9))),
            (b"{0}\r\n", Ok((b"", 5))),
            (b"{3}\r\nab", Err(0)),
            (b"{3}\nabc", Err(2)),
            (b"{}\r\n", Err(1)),
            (b"{-1}\r\n", Err(1)),
            (b"{18446744073709551615}\r\n", Err(1)),
            (b"{9223372036854775807}\r\n", Err(0)),
            (b"\"abc", Err(4)),
            (b"\"abc\\", Err(5)),
            (b"\"abc\\\"", Err(6)),
            (b"\"a\\bc\"", Err(3)),
            (b"\"a\x00\"", Err(2)),
            (b"\"a\r\n\"", Err(2)),
            (b"\"a\xff\"", Err(2)),
            (b"~{1}\r\nx", Err(0)),
            (b"abc", Err(0)),
            (b"", Err(0)),
        ] {
            let found = read(unit, Cursor::string);
            assert_eq!(
                found.as_ref().map(|(octets, at)| (&octets[..], *at)).map_err(|at| *at),
                expected,
                "{}",
                unit.escape_ascii()
            );
        }
        assert_eq!(read(b"~{3}\r\na\0b", Cursor::string8).unwrap().0, &b"a\0b"[..]);
        assert_eq!(read(b"NIL", Cursor::nstring), Ok((None, 3)));
        assert_eq!(read(b"nil)", Cursor::nstring8), Ok((None, 3)));
        assert_eq!(read(b"NILS", Cursor::nstring), Err(0));
        assert_eq!(read(b"NIL", Cursor::astring), Ok((Bytes::from("NIL"), 3)));
    }

    #[test]
    fn an_unescaped_string_is_a_slice_of_the_unit() {
        let unit = Bytes::from("\"abc\" {3}\r\nxyz def");
        let inside = |octets: &Bytes| unit.as_ptr_range().contains(&octets.as_ptr());
        let mut cursor = Cursor::new(&unit);
        for _ in 0..3 {
            assert!(inside(&cursor.astring().unwrap()));
            let _ = cursor.space();
        }
        cursor.end().unwrap();
    }

    #[test]
    fn octets_over_0x7f_by_the_rule() {
        for (rule, octets, fine) in [
            (EightBit::Refuse, "ä".as_bytes(), false),
            (EightBit::Utf8, "ä".as_bytes(), true),
            (EightBit::Utf8, b"\xe4", false),
            (EightBit::Keep, b"\xe4", true),
            (EightBit::Keep, b"\xe4\0", false),
        ] {
            let unit = Bytes::from([b"\"a", octets, b"\""].concat());
            let mut cursor = Cursor::new(&unit).with_eight_bit(rule);
            assert_eq!(cursor.string().is_ok(), fine, "{rule:?}");
            assert_eq!(cursor.eight_bit_at(), fine.then_some(2));
        }
    }

    #[test]
    fn a_quoted_string_of_escapes_costs_linear_time() {
        let unit = Bytes::from(format!("\"{}\"", "\\\"".repeat(500_000)));
        let mut cursor = Cursor::new(&unit);
        assert_eq!(cursor.string().unwrap().len(), 500_000);
        assert!(Cursor::new(&unit.slice(..unit.len() - 1)).string().is_err());
    }

    #[test]
    fn numbers() {
        assert_eq!(read(b"4294967295,", Cursor::number32), Ok((u32::MAX, 10)));
        assert_eq!(read(b"4294967296", Cursor::number32), Err(0));
        assert_eq!(read(b"007", Cursor::number32), Ok((7, 3)));
        assert_eq!(read(b"0", Cursor::nz_number), Err(0));
        assert_eq!(read(b"9223372036854775807", Cursor::number64), Ok((i64::MAX as u64, 19)));
        assert_eq!(read(b"9223372036854775808", Cursor::number64), Err(0));
        assert_eq!(read(b"x", Cursor::number64), Err(0));
    }

    #[test]
    fn atoms_and_flags_and_lists() {
        assert_eq!(read(b"a]", Cursor::atom).unwrap().1, 1);
        assert_eq!(read(b"a]", Cursor::astring).unwrap().1, 2);
        assert_eq!(read(b"(", Cursor::atom).unwrap_err(), 0);
        assert_eq!(read(b"\\SEEN)", Cursor::flag), Ok((Flag::Seen, 5)));
        assert_eq!(read(b"\\", Cursor::flag), Err(1));
        let list = |cursor: &mut Cursor<'static>| cursor.list(3, Cursor::number32);
        assert_eq!(read(b"(1 2 3)", list), Ok((vec![1, 2, 3], 7)));
        assert_eq!(read(b"()", list), Ok((vec![], 2)));
        for (unit, at) in
            [(&b"(1 2 3 4)"[..], 7), (b"(1  2)", 3), (b"(1 ", 3), (b"(1", 2), (b"( 1)", 1), (b"1", 0)]
        {
            assert_eq!(read(unit, list), Err(at));
        }
    }
}
