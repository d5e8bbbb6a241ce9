//! The few leaves of the grammar, over complete units (RFC 2449 section 3).

use nom::error::{ErrorKind, ParseError as NomError};
use nom::{Err, IResult, Parser};
use postroad_core::{ParseError, ParseErrorKind};

/// A fault and how many octets were left when it was found; the offset follows from the unit's length.
#[derive(Debug)]
pub(crate) struct Fault {
    kind: ParseErrorKind,
    left: usize,
}

impl NomError<&[u8]> for Fault {
    fn from_error_kind(input: &[u8], _: ErrorKind) -> Self {
        Self { kind: ParseErrorKind::Trailing, left: input.len() }
    }

    fn append(_: &[u8], _: ErrorKind, other: Self) -> Self {
        other
    }
}

pub(crate) type Parsed<'a, T> = IResult<&'a [u8], T, Fault>;

pub(crate) fn fault<T>(kind: ParseErrorKind, input: &[u8]) -> Parsed<'_, T> {
    Err(Err::Error(Fault { kind, left: input.len() }))
}

/// One space.
pub(crate) fn space(input: &[u8]) -> Parsed<'_, ()> {
    match input {
        [b' ', rest @ ..] => Ok((rest, ())),
        [] => fault(ParseErrorKind::Missing("an argument"), input),
        _ => fault(ParseErrorKind::Expected("a space"), input),
    }
}

/// A decimal number.
pub(crate) fn number(input: &[u8]) -> Parsed<'_, u64> {
    let end = input.iter().position(|octet| !octet.is_ascii_digit()).unwrap_or(input.len());
    if end == 0 {
        return fault(ParseErrorKind::Expected("a number"), input);
    }
    let mut value = 0_u64;
    for digit in &input[..end] {
        let next = value.checked_mul(10).and_then(|value| value.checked_add(u64::from(digit - b'0')));
        match next {
            Some(next) => value = next,
            None => return fault(ParseErrorKind::OutOfRange("a number"), input),
        }
    }
    Ok((&input[end..], value))
}

/// A decimal number of at most 32 bits.
pub(crate) fn number32(input: &[u8]) -> Parsed<'_, u32> {
    let (rest, value) = number(input)?;
    match u32::try_from(value) {
        Ok(value) => Ok((rest, value)),
        Err(_) => fault(ParseErrorKind::OutOfRange("a number"), input),
    }
}

/// Runs `parser` over `rest`, which is the end of `unit`; it must take all of it.
pub(crate) fn whole<'a, T>(
    unit: &[u8],
    rest: &'a [u8],
    parser: impl Parser<&'a [u8], Output = T, Error = Fault>,
) -> Result<T, ParseError> {
    let (behind, value) = prefix(unit, rest, parser)?;
    if behind.is_empty() {
        Ok(value)
    } else {
        Err(ParseError::new(ParseErrorKind::Trailing, unit.len() - behind.len(), unit))
    }
}

/// Runs `parser` over `rest`, which is the end of `unit`; what it leaves is not looked at.
pub(crate) fn prefix<'a, T>(
    unit: &[u8],
    rest: &'a [u8],
    mut parser: impl Parser<&'a [u8], Output = T, Error = Fault>,
) -> Result<(&'a [u8], T), ParseError> {
    parser.parse(rest).map_err(|error| match error {
        Err::Error(fault) | Err::Failure(fault) => {
            ParseError::new(fault.kind, unit.len().saturating_sub(fault.left), unit)
        }
        Err::Incomplete(_) => ParseError::new(ParseErrorKind::Missing("the end"), unit.len(), unit),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use nom::sequence::preceded;

    #[test]
    fn numbers() {
        assert_eq!(whole(b"007", b"007", number).unwrap(), 7);
        assert_eq!(whole(b"18446744073709551615", b"18446744073709551615", number).unwrap(), u64::MAX);
        for (wrong, at) in [("18446744073709551616", 0), ("", 0), ("-1", 0), ("+1", 0), ("1x", 1), ("1 ", 1)]
        {
            assert_eq!(whole(wrong.as_bytes(), wrong.as_bytes(), number).unwrap_err().at(), at, "{wrong}");
        }
        assert!(whole(b"4294967296", b"4294967296", number32).is_err());
    }

    #[test]
    fn faults_are_told_by_their_octet_in_the_unit() {
        let unit = b"DELE x";
        assert_eq!(whole(unit, &unit[4..], preceded(space, number)).unwrap_err().at(), 5);
    }
}
