//! Reading dates (RFC 5322 sections 3.3 and 4.3).

use crate::defect::DefectCode;
use crate::error::{InvalidReason, InvalidValue};
use crate::scanner::Scanner;
use crate::types::{DateTime, day_of_name, month_of_name};

/// A date that was read, and what is needed to say what is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReadDate {
    pub(crate) date: DateTime,
    /// As it was written, 0 for Monday.
    day_of_week: Option<u8>,
    obsolete: bool,
}

impl ReadDate {
    pub(crate) fn defect(&self) -> Option<DefectCode> {
        match self.day_of_week {
            Some(day) if day != self.date.day_of_week() => Some(DefectCode::WrongDayOfWeek),
            _ if self.obsolete => Some(DefectCode::ObsoleteDate),
            _ => None,
        }
    }
}

struct Reader<'a> {
    scanner: Scanner<'a>,
    obsolete: bool,
}

impl Reader<'_> {
    fn invalid<T>(&self) -> Result<T, InvalidValue> {
        Err(InvalidValue::new("date-time", InvalidReason::Syntax, self.scanner.at))
    }

    fn skip(&mut self) {
        self.scanner.skip_cfws();
    }

    /// A number of 1 to `most` digits, and how many there were.
    fn number(&mut self, most: usize) -> Result<(u16, usize), InvalidValue> {
        let digits = self.scanner.run(|octet| octet.is_ascii_digit());
        if digits.is_empty() || digits.len() > most {
            return self.invalid();
        }
        let number = digits.iter().fold(0, |number, &digit| number * 10 + u16::from(digit - b'0'));
        Ok((number, digits.len()))
    }

    fn small(&mut self) -> Result<u8, InvalidValue> {
        let (number, _) = self.number(2)?;
        u8::try_from(number).or_else(|_| self.invalid())
    }

    fn name(&mut self) -> &[u8] {
        self.scanner.run(|octet| octet.is_ascii_alphabetic())
    }

    fn month(&mut self) -> Result<u8, InvalidValue> {
        let name = self.name();
        let (month, length) = (month_of_name(name), name.len());
        self.obsolete |= length != 3;
        month.map_or_else(|| self.invalid(), Ok)
    }

    fn year(&mut self) -> Result<u16, InvalidValue> {
        let (year, digits) = self.number(4)?;
        self.obsolete |= digits < 4;
        // RFC 5322 section 4.3
        Ok(match (digits, year) {
            (2, 0..=49) => 2000 + year,
            (2, _) => 1900 + year,
            (3, _) => 1900 + year,
            _ => year,
        })
    }

    fn time(&mut self) -> Result<(u8, u8, u8), InvalidValue> {
        let hour = self.small()?;
        self.skip();
        if !self.scanner.take(b':') {
            return self.invalid();
        }
        self.skip();
        let minute = self.small()?;
        self.skip();
        if !self.scanner.take(b':') {
            return Ok((hour, minute, 0));
        }
        self.skip();
        Ok((hour, minute, self.small()?))
    }

    /// The zone; `None` is `-0000`.
    fn zone(&mut self) -> Result<Option<i16>, InvalidValue> {
        let sign = match self.scanner.peek() {
            Some(b'+') => 1,
            Some(b'-') => -1,
            Some(_) => return self.named_zone(),
            None => {
                self.obsolete = true;
                return Ok(None);
            }
        };
        self.scanner.at += 1;
        let digits = self.scanner.run(|octet| octet.is_ascii_digit());
        let &[a, b, c, d] = digits else { return self.invalid() };
        let [a, b, c, d] = [a, b, c, d].map(|digit| i16::from(digit - b'0'));
        let (hours, minutes) = (a * 10 + b, c * 10 + d);
        if minutes > 59 {
            return self.invalid();
        }
        let offset = sign * (hours * 60 + minutes);
        Ok((sign > 0 || offset != 0).then_some(offset))
    }

    /// `obs-zone`. The single letters were specified the wrong way round once, and so mean nothing (section 4.3).
    fn named_zone(&mut self) -> Result<Option<i16>, InvalidValue> {
        self.obsolete = true;
        let name = self.name();
        let mut upper = [0; 3];
        let (length, zone) = (name.len(), upper.get_mut(..name.len()));
        if let Some(zone) = zone {
            zone.copy_from_slice(name);
            zone.make_ascii_uppercase();
        }
        Ok(match (length, &upper) {
            (0, _) => return self.invalid(),
            (2, b"UT\0") | (3, b"GMT" | b"UTC") => Some(0),
            (3, b"EDT") => Some(-4 * 60),
            (3, b"EST" | b"CDT") => Some(-5 * 60),
            (3, b"CST" | b"MDT") => Some(-6 * 60),
            (3, b"MST" | b"PDT") => Some(-7 * 60),
            (3, b"PST") => Some(-8 * 60),
            (1, _) => None,
            _ => {
                // Other names of more than one letter are to be taken as -0000 too, also "Eastern Daylight Time".
                self.skip();
                while !self.name().is_empty() {
                    self.skip();
                }
                None
            }
        })
    }
}

/// A date in the form that nearly all have, `Mon, 23 Nov 2026 09:00:00 +0900`, perhaps with the name of the zone in a
/// comment; `None` for any other.
fn plain(octets: &[u8]) -> Option<ReadDate> {
    let text = octets.trim_ascii();
    let digit = |octet: u8| octet.is_ascii_digit().then(|| octet - b'0');
    let two = |high: u8, low: u8| Some(digit(high)? * 10 + digit(low)?);
    let [a, b, c, b',', b' ', rest @ ..] = text else { return None };
    let day_of_week = day_of_name(&[*a, *b, *c])?;
    let (day, rest) = match rest {
        [a, b, b' ', rest @ ..] => (two(*a, *b)?, rest),
        [a, b' ', rest @ ..] => (digit(*a)?, rest),
        _ => return None,
    };
    let [a, b, c, b' ', y1, y2, y3, y4, b' ', h1, h2, b':', m1, m2, b':', s1, s2, b' ', rest @ ..] = rest
    else {
        return None;
    };
    let month = month_of_name(&[*a, *b, *c])?;
    let year = u16::from(two(*y1, *y2)?) * 100 + u16::from(two(*y3, *y4)?);
    let time = (two(*h1, *h2)?, two(*m1, *m2)?, two(*s1, *s2)?);
    let [sign @ (b'+' | b'-'), h1, h2, m1, m2, rest @ ..] = rest else { return None };
    let (hours, minutes) = (two(*h1, *h2)?, two(*m1, *m2)?);
    let is_name = match rest {
        [] => true,
        [b' ', b'(', name @ .., b')'] => name.iter().all(u8::is_ascii_alphanumeric),
        _ => false,
    };
    if minutes > 59 || !is_name {
        return None;
    }
    let offset = i16::from(hours) * 60 + i16::from(minutes);
    let offset = match (sign, offset) {
        (b'+', offset) => Some(offset),
        (_, 0) => None,
        (_, offset) => Some(-offset),
    };
    let date = DateTime::new((year, month, day), time, offset).ok()?;
    Some(ReadDate { date, day_of_week: Some(day_of_week), obsolete: false })
}

/// Reads a date in any of its forms, also that of `asctime`.
pub(crate) fn parse(octets: &[u8], comment_depth: usize) -> Result<ReadDate, InvalidValue> {
    if let Some(read) = plain(octets) {
        return Ok(read);
    }
    let mut reader = Reader { scanner: Scanner::new(octets, comment_depth), obsolete: false };
    reader.skip();
    let mut day_of_week = None;
    let mut month = None;
    if reader.scanner.peek().is_some_and(|octet| octet.is_ascii_alphabetic()) {
        let name = reader.name();
        let (found, length) = (day_of_name(name), name.len());
        if found.is_none() {
            return reader.invalid();
        }
        day_of_week = found;
        reader.skip();
        reader.obsolete |= length != 3 || !reader.scanner.take(b',');
        reader.scanner.take(b',');
        reader.skip();
        if reader.scanner.peek().is_some_and(|octet| octet.is_ascii_alphabetic()) {
            // Mon Nov 23 09:00:00 2026
            month = Some(reader.month()?);
            reader.skip();
        }
    }
    let day = reader.small()?;
    reader.skip();
    let (year, month, time, offset) = if let Some(month) = month {
        reader.obsolete = true;
        let time = reader.time()?;
        reader.skip();
        let mut offset = None;
        if !reader.scanner.peek().is_some_and(|octet| octet.is_ascii_digit()) {
            offset = reader.zone()?;
            reader.skip();
        }
        (reader.year()?, month, time, offset)
    } else {
        let hyphen = reader.scanner.take(b'-'); // 23-Nov-2026, which some write
        reader.obsolete |= hyphen;
        let month = reader.month()?;
        reader.skip();
        if hyphen {
            reader.scanner.take(b'-');
        }
        let year = reader.year()?;
        reader.skip();
        let time = reader.time()?;
        reader.skip();
        (year, month, time, reader.zone()?)
    };
    reader.skip();
    if !reader.scanner.is_at_end() || reader.scanner.unterminated {
        return reader.invalid();
    }
    let date = DateTime::new((year, month, day), time, offset)?;
    Ok(ReadDate { date, day_of_week, obsolete: reader.obsolete })
}

/// The day of a date whose time or zone cannot be read: at 00:00 UTC.
pub(crate) fn parse_day(octets: &[u8], comment_depth: usize) -> Option<DateTime> {
    let mut reader = Reader { scanner: Scanner::new(octets, comment_depth), obsolete: false };
    reader.skip();
    if day_of_name(reader.name()).is_some() {
        reader.skip();
        reader.scanner.take(b',');
        reader.skip();
    }
    let day = reader.small().ok()?;
    reader.skip();
    let hyphen = reader.scanner.take(b'-');
    let month = reader.month().ok()?;
    reader.skip();
    if hyphen {
        reader.scanner.take(b'-');
    }
    let year = reader.year().ok()?;
    reader.skip();
    // With a time that can be read, only the zone is lost.
    let time = reader.time().unwrap_or((0, 0, 0));
    let date = |time| DateTime::new((year, month, day), time, Some(0)).ok();
    date(time).or_else(|| date((0, 0, 0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::{String, ToString};

    fn read(text: &str) -> (String, Option<DefectCode>) {
        let read = parse(text.as_bytes(), 32).unwrap();
        (read.date.to_string(), read.defect())
    }

    #[test]
    fn the_forms_of_rfc_5322() {
        let fine = [
            ("Fri, 21 Nov 1997 09:55:06 -0600", "Fri, 21 Nov 1997 09:55:06 -0600"),
            ("Tue, 1 Jul 2003 10:52:37 +0200", "Tue, 1 Jul 2003 10:52:37 +0200"),
            (" 21 Nov 1997 09:55 -0000 (nowhere)\r\n", "Fri, 21 Nov 1997 09:55:00 -0000"),
            (
                "Thu,\r\n  13\r\n    Feb\r\n  1969\r\n  23:32\r\n  -0330 (Newfoundland Time)",
                "Thu, 13 Feb 1969 23:32:00 -0330",
            ),
            ("Sat, 31 Dec 2016 23:59:60 +0000", "Sat, 31 Dec 2016 23:59:60 +0000"),
        ];
        for (text, shown) in fine {
            assert_eq!(read(text), (shown.into(), None), "{text}");
        }
    }

    #[test]
    fn obsolete_forms() {
        let obsolete = [
            ("21 Nov 97 09:55:06 GMT", "Fri, 21 Nov 1997 09:55:06 +0000"),
            ("Fri, 21 Nov 97 09(comment):   55  :  06 -0600", "Fri, 21 Nov 1997 09:55:06 -0600"),
            ("21 Nov 49 00:00 EST", "Sun, 21 Nov 2049 00:00:00 -0500"),
            ("21 Nov 102 00:00 PDT", "Thu, 21 Nov 2002 00:00:00 -0700"),
            ("21 Nov 97 09:55:06 J", "Fri, 21 Nov 1997 09:55:06 -0000"),
            ("21 Nov 97 09:55:06 CEST", "Fri, 21 Nov 1997 09:55:06 -0000"),
            ("21 Nov 97 09:55:06 Eastern Daylight Time", "Fri, 21 Nov 1997 09:55:06 -0000"),
            ("21 Nov 1997 09:55:06", "Fri, 21 Nov 1997 09:55:06 -0000"),
            ("Fri Nov 21 09:55:06 1997", "Fri, 21 Nov 1997 09:55:06 -0000"),
            ("Friday, 21-Nov-97 09:55:06 UT", "Fri, 21 Nov 1997 09:55:06 +0000"),
        ];
        for (text, shown) in obsolete {
            assert_eq!(read(text), (shown.into(), Some(DefectCode::ObsoleteDate)), "{text}");
        }
        assert_eq!(read("Mon, 21 Nov 1997 09:55:06 -0600").1, Some(DefectCode::WrongDayOfWeek));
    }

    #[test]
    fn no_dates() {
        for text in [
            "",
            "x",
            "21",
            "21 Nov",
            "32 Nov 1997 00:00 +0000",
            "29 Feb 1997 00:00 +0000",
            "21 Nov 1997 24:00 +0000",
            "21 Nov 1997 00:00 +000",
            "21 Nov 1997 00:00 +0060",
            "21 Nov 1997 00:00 +0000 x",
            "21 Nov 1997",
            "21 Nox 1997 00:00 +0000",
            "21 Nov 99999 00:00 +0000",
            "21 Nov 1 00:00 +0000",
            "(",
            "21 Nov 1997 00:00 +0000 (",
        ] {
            assert!(parse(text.as_bytes(), 32).is_err(), "{text}");
        }
    }
}
