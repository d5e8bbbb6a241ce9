//! Mail-parameters and Rcpt-parameters (RFC 5321 section 4.1.2).

use core::str;
use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{take_while, take_while1},
    character::complete::char,
    combinator::{eof, opt, peek, recognize, verify},
    sequence::{pair, preceded, terminated},
};
use postroad_core::{ParseError, ParseErrorKind};

/// One esmtp-param, and where in the unit it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parameter<'a> {
    pub(super) keyword: &'a [u8],
    pub(super) value: Option<&'a [u8]>,
    pub(super) at: usize,
}

impl<'a> Parameter<'a> {
    pub(super) fn fail(&self, kind: ParseErrorKind, unit: &[u8]) -> ParseError {
        ParseError::new(kind, self.at, unit)
    }

    pub(super) fn value(&self, unit: &[u8]) -> Result<&'a [u8], ParseError> {
        self.value.ok_or_else(|| self.fail(ParseErrorKind::Missing("value"), unit))
    }
}

/// esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
fn keyword(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let first = verify(peek(nom::number::complete::u8), u8::is_ascii_alphanumeric);
    recognize(pair(first, take_while(|octet: u8| octet.is_ascii_alphanumeric() || octet == b'-')))
        .parse(input)
}

/// esmtp-value = 1*(%d33-60 / %d62-126), and RFC 6531's UTF-8.
fn value(input: &[u8]) -> IResult<&[u8], &[u8]> {
    take_while1(|octet: u8| matches!(octet, b'!'..=b'<' | b'>'..=b'~' | 0x80..)).parse(input)
}

type KeywordAndValue<'a> = (&'a [u8], Option<&'a [u8]>);

/// SP esmtp-keyword ["=" esmtp-value], and nothing else before the next space
fn parameter(input: &[u8]) -> IResult<&[u8], KeywordAndValue<'_>> {
    let end = peek(alt((recognize(char(' ')), eof)));
    preceded(char(' '), terminated(pair(keyword, opt(preceded(char('='), value))), end)).parse(input)
}

/// Gives each parameter of `unit` from octet `from` to `each`. A keyword that stands twice is refused.
pub(super) fn parse<'a>(
    unit: &'a [u8],
    from: usize,
    mut each: impl FnMut(Parameter<'a>) -> Result<(), ParseError>,
) -> Result<(), ParseError> {
    let mut rest = unit.get(from..).unwrap_or_default();
    if rest.first().is_some_and(|octet| *octet != b' ') {
        return Err(ParseError::new(ParseErrorKind::Trailing, from, unit));
    }
    while !rest.is_empty() {
        let at = unit.len() - rest.len() + 1;
        let Ok((behind, (keyword, value))) = parameter(rest) else {
            return Err(ParseError::new(ParseErrorKind::Expected("a parameter"), at, unit));
        };
        each(Parameter { keyword, value, at })?;
        rest = behind;
    }
    Ok(())
}

/// A decimal number of at most `digits` digits; one that does not fit is as large as can be.
pub(super) fn number(text: &[u8], digits: usize) -> Option<u64> {
    if text.is_empty() || text.len() > digits || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(str::from_utf8(text).ok()?.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Result<Vec<(String, Option<String>, usize)>, ParseError> {
        let mut found = Vec::new();
        let owned = |octets: &[u8]| String::from_utf8(octets.to_vec()).unwrap();
        parse(text.as_bytes(), 0, |parameter| {
            found.push((owned(parameter.keyword), parameter.value.map(owned), parameter.at));
            Ok(())
        })?;
        Ok(found)
    }

    #[test]
    fn what_is_a_parameter() {
        assert_eq!(all("").unwrap(), []);
        assert_eq!(all(" A=b C").unwrap(), [("A".into(), Some("b".into()), 1), ("C".into(), None, 5)]);
        assert_eq!(all(" 8-X=<>").unwrap(), [("8-X".into(), Some("<>".into()), 1)]);
        for bad in ["A", " ", "  A", " A=", " A=b=c", " -A", " A  B", " A\tB", " A=b\x7f", " =b", " A,B"] {
            assert!(all(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn numbers() {
        assert_eq!(number(b"0", 20), Some(0));
        assert_eq!(number(b"99999999999999999999", 20), Some(u64::MAX));
        for bad in ["", "+1", "-1", "1 ", "999999999999999999999", "0x1"] {
            assert_eq!(number(bad.as_bytes(), 20), None, "{bad:?}");
        }
    }
}
