use crate::grammar::{Cursor, Encoder};
use bytes::Bytes;
use core::num::NonZeroU32;
use postroad_core::{ParseError, ParseErrorKind};

/// Which text of a message or part (RFC 9051 section 6.4.5.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum SectionText {
    /// All of it.
    #[default]
    Whole,
    /// `HEADER`: the header of the message.
    Header,
    /// `HEADER.FIELDS`: the header fields of these names.
    HeaderFields(Vec<Bytes>),
    /// `HEADER.FIELDS.NOT`: all header fields but those of these names.
    HeaderFieldsNot(Vec<Bytes>),
    /// `TEXT`: the body of the message.
    Text,
    /// `MIME`: the header of the part; only with part numbers.
    Mime,
}

/// A part of a message: what stands in the brackets of `BODY[…]` (RFC 9051 section 6.4.5.1).
///
/// ```
/// use postroad_imap::types::{Section, SectionText};
///
/// let section = Section::parse("1.2.HEADER")?;
/// assert_eq!((section.part().len(), section.text()), (2, &SectionText::Header));
/// assert!(Section::parse("MIME").is_err());
/// # Ok::<(), postroad_core::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Section {
    part: Vec<NonZeroU32>,
    text: SectionText,
}

impl Section {
    /// The most part numbers: messages and multiparts inside of each other.
    pub const DEPTH: usize = 100;
    /// The most names of header fields.
    pub const FIELDS: usize = 1000;

    /// A section.
    ///
    /// # Errors
    ///
    /// MIME without part numbers; more than 100 part numbers; no names of header fields, more than 1000, or one that is empty, has over
    /// 998 octets or something other than printable ASCII, or a colon.
    pub fn new(part: Vec<NonZeroU32>, text: SectionText) -> Result<Self, ParseError> {
        let fail = |kind| Err(ParseError::new(kind, 0, b""));
        if part.len() > Self::DEPTH {
            return fail(ParseErrorKind::TooLong { what: "a section", limit: Self::DEPTH });
        }
        match &text {
            SectionText::Mime if part.is_empty() => return fail(ParseErrorKind::Missing("a part number")),
            SectionText::HeaderFields(names) | SectionText::HeaderFieldsNot(names) => {
                if names.is_empty() {
                    return fail(ParseErrorKind::Missing("a header field"));
                }
                if names.len() > Self::FIELDS {
                    return fail(ParseErrorKind::TooLong { what: "a list", limit: Self::FIELDS });
                }
                let fine = |name: &Bytes| {
                    matches!(name.len(), 1..=998)
                        && name.iter().all(|octet| octet.is_ascii_graphic() && *octet != b':')
                };
                if !names.iter().all(fine) {
                    return fail(ParseErrorKind::Expected("the name of a header field"));
                }
            }
            _ => {}
        }
        Ok(Self { part, text })
    }

    /// Reads what stands in the brackets.
    ///
    /// # Errors
    ///
    /// It is not a section, or one that [`new`](Self::new) would refuse.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, ParseError> {
        let unit = Bytes::copy_from_slice(text.as_ref());
        let mut cursor = Cursor::new(&unit);
        let section = Self::read_inside(&mut cursor)?;
        cursor.end()?;
        Ok(section)
    }

    /// The part numbers, none for the message itself.
    pub fn part(&self) -> &[NonZeroU32] {
        &self.part
    }

    /// Which text of it.
    pub fn text(&self) -> &SectionText {
        &self.text
    }

    /// Reads the brackets and what is in them.
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Box<ParseError>> {
        cursor.eat("[")?;
        let section = Self::read_inside(cursor)?;
        cursor.eat("]")?;
        Ok(section)
    }

    fn read_inside(cursor: &mut Cursor<'_>) -> Result<Self, Box<ParseError>> {
        let at = cursor.at();
        let part = Self::read_part(cursor)?;
        if matches!(cursor.peek(), None | Some(b']')) {
            return Ok(Self { part, text: SectionText::Whole });
        }
        if !part.is_empty() {
            cursor.eat(".")?;
        }
        let word = cursor.at();
        let text = match cursor.take_while(|octet| octet.is_ascii_alphabetic() || octet == b'.') {
            word if word.eq_ignore_ascii_case(b"HEADER") => SectionText::Header,
            word if word.eq_ignore_ascii_case(b"TEXT") => SectionText::Text,
            word if word.eq_ignore_ascii_case(b"MIME") => SectionText::Mime,
            word if word.eq_ignore_ascii_case(b"HEADER.FIELDS") => {
                SectionText::HeaderFields(Self::read_fields(cursor)?)
            }
            word if word.eq_ignore_ascii_case(b"HEADER.FIELDS.NOT") => {
                SectionText::HeaderFieldsNot(Self::read_fields(cursor)?)
            }
            _ => return Err(cursor.fail_at(ParseErrorKind::Unknown("section"), word)),
        };
        Self::new(part, text).map_err(|error| cursor.fail_at(error.kind(), at))
    }

    fn read_fields(cursor: &mut Cursor<'_>) -> Result<Vec<Bytes>, Box<ParseError>> {
        cursor.space()?;
        cursor.list(Self::FIELDS, Cursor::astring)
    }

    /// Part numbers with dots between them, none if no digit stands here. A dot behind them is left.
    pub(crate) fn read_part(cursor: &mut Cursor<'_>) -> Result<Vec<NonZeroU32>, Box<ParseError>> {
        let mut part = Vec::new();
        if !cursor.peek().is_some_and(|octet| octet.is_ascii_digit()) {
            return Ok(part);
        }
        loop {
            if part.len() >= Self::DEPTH {
                return Err(cursor.fail(ParseErrorKind::TooLong { what: "a section", limit: Self::DEPTH }));
            }
            part.push(cursor.nz_number()?);
            if !matches!(cursor.rest(), [b'.', digit, ..] if digit.is_ascii_digit()) {
                return Ok(part);
            }
            cursor.skip(1);
        }
    }

    /// Writes the brackets and what is in them.
    pub(crate) fn print(&self, out: &mut Encoder) {
        out.text("[");
        print_part(&self.part, out);
        if !self.part.is_empty() && self.text != SectionText::Whole {
            out.text(".");
        }
        let (word, names) = match &self.text {
            SectionText::Whole => ("", None),
            SectionText::Header => ("HEADER", None),
            SectionText::HeaderFields(names) => ("HEADER.FIELDS (", Some(names)),
            SectionText::HeaderFieldsNot(names) => ("HEADER.FIELDS.NOT (", Some(names)),
            SectionText::Text => ("TEXT", None),
            SectionText::Mime => ("MIME", None),
        };
        out.text(word);
        if let Some(names) = names {
            for (at, name) in names.iter().enumerate() {
                if at > 0 {
                    out.text(" ");
                }
                out.astring(name);
            }
            out.text(")");
        }
        out.text("]");
    }
}

pub(crate) fn print_part(part: &[NonZeroU32], out: &mut Encoder) {
    for (at, number) in part.iter().enumerate() {
        if at > 0 {
            out.text(".");
        }
        out.number(number.get().into());
    }
}

/// Some octets of a section (RFC 9051 section 6.4.5, "partial").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Partial {
    /// The first octet, from 0; 63 bits.
    pub offset: u64,
    /// How many octets at most; 63 bits, not 0.
    pub len: u64,
}

impl Partial {
    /// Reads `<offset.len>`, if it stands here.
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Option<Self>, Box<ParseError>> {
        if !cursor.try_octet(b'<') {
            return Ok(None);
        }
        let offset = cursor.number64()?;
        cursor.eat(".")?;
        let at = cursor.at();
        let len = cursor.number64()?;
        if len == 0 {
            return Err(cursor.fail_at(ParseErrorKind::OutOfRange("a number"), at));
        }
        cursor.eat(">")?;
        Ok(Some(Self { offset, len }))
    }

    pub(crate) fn print(self, out: &mut Encoder) {
        out.text("<").number(self.offset).text(".").number(self.len).text(">");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_that_are_and_are_not() {
        for text in [
            "",
            "1",
            "1.2.3",
            "HEADER",
            "1.HEADER",
            "text",
            "2.MIME",
            "HEADER.FIELDS (A B)",
            "4.header.fields.not (\"A\")",
        ] {
            assert!(Section::parse(text).is_ok(), "{text}");
        }
        for (text, at) in [
            ("MIME", 0),
            ("0", 0),
            ("1.", 1 + 1),
            ("1..2", 2),
            (".1", 0),
            ("1.0", 2),
            ("HEADER.FIELDS", 13),
            ("HEADER.FIELDS ()", 0),
            ("HEADER.FIELDS (A", 16),
            ("HEADER.FIELDS (\"a b\")", 0),
            ("HEADER.FOO", 0),
            ("TEXT.1", 0),
            ("1 ", 1),
        ] {
            assert_eq!(Section::parse(text).unwrap_err().at(), at, "{text}");
        }
    }

    #[test]
    fn depth_and_names_are_bounded() {
        let deep = |depth: usize| vec!["1"; depth].join(".");
        assert!(Section::parse(deep(Section::DEPTH)).is_ok());
        assert_eq!(
            Section::parse(deep(Section::DEPTH + 1)).unwrap_err().kind(),
            ParseErrorKind::TooLong { what: "a section", limit: Section::DEPTH }
        );
        let names = |count: usize| format!("HEADER.FIELDS ({})", vec!["a"; count].join(" "));
        assert!(Section::parse(names(Section::FIELDS)).is_ok());
        assert!(Section::parse(names(Section::FIELDS + 1)).is_err());
        assert!(Section::new(Vec::new(), SectionText::HeaderFields(vec!["a\r\nb".into()])).is_err());
        assert!(Section::new(vec![NonZeroU32::MIN; Section::DEPTH + 1], SectionText::Whole).is_err());
    }
}
