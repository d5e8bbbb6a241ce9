use crate::grammar::Cursor;
use bytes::Bytes;
use core::fmt;
use postroad_core::{ParseError, ParseErrorKind};

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn days_in(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01, in the Gregorian calendar.
fn days_since_epoch(year: u16, month: u8, day: u8) -> i64 {
    // Years begin in March, so that the leap day is the last.
    let (month, year) = (i64::from(month), i64::from(year));
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The inverse of `days_since_epoch`; `None` outside of the years 0 to 9999.
fn of_days(days: i64) -> Option<(u16, u8, u8)> {
    let shifted = days.checked_add(719_468)?;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    if year > 9999 {
        return None;
    }
    Some((u16::try_from(year).ok()?, u8::try_from(month).ok()?, u8::try_from(day).ok()?))
}

/// A day (RFC 9051 section 9, "date"), from year 0 to 9999.
///
/// ```
/// use postroad_imap::types::Date;
///
/// let date = Date::parse("1-Feb-1994")?;
/// assert_eq!((date.year(), date.month(), date.day()), (1994, 2, 1));
/// assert!(Date::parse("30-Feb-1994").is_err());
/// # Ok::<(), postroad_core::ParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// A day. Months and days are counted from 1.
    ///
    /// # Errors
    ///
    /// There is no such day.
    pub fn new(year: u16, month: u8, day: u8) -> Result<Self, ParseError> {
        if year > 9999 || !matches!(month, 1..=12) || day == 0 || day > days_in(year, month) {
            return Err(ParseError::new(ParseErrorKind::OutOfRange("a date"), 0, b""));
        }
        Ok(Self { year, month, day })
    }

    /// The day in UTC of a time in seconds since 1970; `None` outside of the years 0 to 9999.
    pub fn from_unix(seconds: i64) -> Option<Self> {
        of_days(seconds.div_euclid(86_400)).map(|(year, month, day)| Self { year, month, day })
    }

    /// Reads a day, without quotes.
    ///
    /// # Errors
    ///
    /// It is not a date, or there is no such day.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, ParseError> {
        let unit = Bytes::copy_from_slice(text.as_ref());
        let mut cursor = Cursor::new(&unit);
        let date = Self::read_text(&mut cursor, false)?;
        cursor.end()?;
        Ok(date)
    }

    /// With or without quotes.
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Box<ParseError>> {
        let quoted = cursor.try_octet(b'"');
        let date = Self::read_text(cursor, false)?;
        if quoted {
            cursor.eat("\"")?;
        }
        Ok(date)
    }

    /// `fixed`: the day has two places, the first may be a space.
    fn read_text(cursor: &mut Cursor<'_>, fixed: bool) -> Result<Self, Box<ParseError>> {
        let at = cursor.at();
        let day = if fixed && cursor.try_octet(b' ') {
            digits(cursor, 1)?
        } else if fixed || cursor.rest().get(1).is_some_and(u8::is_ascii_digit) {
            digits(cursor, 2)?
        } else {
            digits(cursor, 1)?
        };
        cursor.eat("-")?;
        let name = cursor.rest().get(..3).unwrap_or_default();
        let Some(month) = MONTHS.iter().position(|month| month.as_bytes().eq_ignore_ascii_case(name)) else {
            return Err(cursor.expected("a month"));
        };
        cursor.skip(3);
        cursor.eat("-")?;
        let year = digits(cursor, 4)?;
        let narrow = |value: u16| u8::try_from(value).unwrap_or(u8::MAX);
        Self::new(year, u8::try_from(month + 1).unwrap_or(0), narrow(day))
            .map_err(|error| cursor.fail_at(error.kind(), at))
    }

    /// The year.
    pub fn year(self) -> u16 {
        self.year
    }

    /// The month, from 1.
    pub fn month(self) -> u8 {
        self.month
    }

    /// The day of the month, from 1.
    pub fn day(self) -> u8 {
        self.day
    }

    /// The midnight at its beginning, in UTC, in seconds since 1970.
    pub fn unix_timestamp(self) -> i64 {
        days_since_epoch(self.year, self.month, self.day) * 86_400
    }

    fn month_name(self) -> &'static str {
        MONTHS.get(usize::from(self.month) - 1).copied().unwrap_or("Jan")
    }
}

/// So many digits.
fn digits(cursor: &mut Cursor<'_>, count: usize) -> Result<u16, Box<ParseError>> {
    let octets = cursor.rest().get(..count).unwrap_or_default();
    if octets.len() < count || !octets.iter().all(u8::is_ascii_digit) {
        return Err(cursor.expected("digits"));
    }
    let value = octets.iter().fold(0, |value, digit| value * 10 + u16::from(digit - b'0'));
    cursor.skip(count);
    Ok(value)
}

impl core::str::FromStr for Date {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{:04}", self.day, self.month_name(), self.year)
    }
}

/// When a message came, with the zone of the clock that said so (RFC 9051 section 9, "date-time").
///
/// ```
/// use postroad_imap::types::DateTime;
///
/// let time = DateTime::parse("17-Jul-1996 02:44:25 -0700")?;
/// assert_eq!(time.unix_timestamp(), 837_596_665);
/// assert_eq!(time.to_string(), "17-Jul-1996 02:44:25 -0700");
/// assert_eq!(DateTime::from_unix(837_596_665, -420), Some(time));
/// # Ok::<(), postroad_core::ParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DateTime {
    date: Date,
    hour: u8,
    minute: u8,
    second: u8,
    zone: i16,
}

impl DateTime {
    /// A time. `zone` is in minutes east of UTC.
    ///
    /// # Errors
    ///
    /// There is no such hour, minute or second (60 is a leap second), or the zone is over 99 hours and 59 minutes.
    pub fn new(date: Date, hour: u8, minute: u8, second: u8, zone: i16) -> Result<Self, ParseError> {
        if hour > 23 || minute > 59 || second > 60 || zone.unsigned_abs() > 99 * 60 + 59 {
            return Err(ParseError::new(ParseErrorKind::OutOfRange("a time"), 0, b""));
        }
        Ok(Self { date, hour, minute, second, zone })
    }

    /// A time in seconds since 1970, told in a zone of so many minutes east of UTC; `None` outside of the years 0 to 9999, or if the
    /// zone is over 99 hours and 59 minutes.
    pub fn from_unix(seconds: i64, zone: i16) -> Option<Self> {
        let local = seconds.checked_add(i64::from(zone) * 60)?;
        let of_day = local.rem_euclid(86_400);
        let narrow = |value: i64| u8::try_from(value).ok();
        Self::new(
            Date::from_unix(local)?,
            narrow(of_day / 3600)?,
            narrow(of_day / 60 % 60)?,
            narrow(of_day % 60)?,
            zone,
        )
        .ok()
    }

    /// Reads a time, without quotes.
    ///
    /// # Errors
    ///
    /// It is not a date, time and zone, or there is no such time.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, ParseError> {
        let unit = Bytes::copy_from_slice(text.as_ref());
        let mut cursor = Cursor::new(&unit);
        let time = Self::read_text(&mut cursor)?;
        cursor.end()?;
        Ok(time)
    }

    /// In quotes.
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Box<ParseError>> {
        cursor.eat("\"")?;
        let time = Self::read_text(cursor)?;
        cursor.eat("\"")?;
        Ok(time)
    }

    fn read_text(cursor: &mut Cursor<'_>) -> Result<Self, Box<ParseError>> {
        let at = cursor.at();
        let date = Date::read_text(cursor, true)?;
        cursor.space()?;
        let hour = digits(cursor, 2)?;
        cursor.eat(":")?;
        let minute = digits(cursor, 2)?;
        cursor.eat(":")?;
        let second = digits(cursor, 2)?;
        cursor.space()?;
        let west = match cursor.peek() {
            Some(sign @ (b'+' | b'-')) => sign == b'-',
            _ => return Err(cursor.expected("a zone")),
        };
        cursor.skip(1);
        let (hours, minutes) = (digits(cursor, 2)?, digits(cursor, 2)?);
        let fail = |cursor: &Cursor<'_>| cursor.fail_at(ParseErrorKind::OutOfRange("a time"), at);
        if minutes > 59 {
            return Err(fail(cursor));
        }
        let zone = i16::try_from(hours * 60 + minutes).unwrap_or(i16::MAX);
        let narrow = |value: u16| u8::try_from(value).unwrap_or(u8::MAX);
        Self::new(date, narrow(hour), narrow(minute), narrow(second), if west { -zone } else { zone })
            .map_err(|_| fail(cursor))
    }

    /// The day, in its zone.
    pub fn date(self) -> Date {
        self.date
    }

    /// The hour, minute and second, in its zone.
    pub fn time(self) -> (u8, u8, u8) {
        (self.hour, self.minute, self.second)
    }

    /// The zone, in minutes east of UTC.
    pub fn zone(self) -> i16 {
        self.zone
    }

    /// Seconds since 1970, in UTC.
    pub fn unix_timestamp(self) -> i64 {
        let of_day = i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second);
        self.date.unix_timestamp() + of_day - i64::from(self.zone) * 60
    }
}

impl core::str::FromStr for DateTime {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

/// Without quotes; the day has two places.
impl DateTime {
    /// What is printed, without quotes: two places for the day, the first a space if it has one digit.
    pub(crate) fn to_octets(self) -> [u8; 26] {
        let mut out = *b" 0-Jan-0000 00:00:00 +0000";
        let mut pair = |at: usize, value: u16| {
            let digit = |value: u16| b'0' + u8::try_from(value % 10).unwrap_or(0);
            out[at..at + 2].copy_from_slice(&[digit(value / 10), digit(value)]);
        };
        let (date, zone) = (self.date, self.zone.unsigned_abs());
        pair(0, date.day.into());
        pair(7, date.year / 100);
        pair(9, date.year % 100);
        for (at, value) in [(12, self.hour), (15, self.minute), (18, self.second)] {
            pair(at, value.into());
        }
        pair(22, zone / 60);
        pair(24, zone % 60);
        if date.day < 10 {
            out[0] = b' ';
        }
        out[3..6].copy_from_slice(date.month_name().as_bytes());
        out[21] = if self.zone < 0 { b'-' } else { b'+' };
        out
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(core::str::from_utf8(&self.to_octets()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn days_that_are_and_are_not() {
        for text in ["1-Feb-1994", "01-fEB-1994", "29-Feb-2000", "29-Feb-2024", "31-Dec-9999", "1-Jan-0000"] {
            assert!(Date::parse(text).is_ok(), "{text}");
        }
        for (text, at) in [
            ("29-Feb-1900", 0),
            ("29-Feb-2023", 0),
            ("31-Apr-2023", 0),
            ("0-Jan-2023", 0),
            ("32-Jan-2023", 0),
            ("1-Foo-2023", 2),
            ("1-Jan-23", 6),
            ("1-Jan-20233", 10),
            ("001-Jan-2023", 2),
            (" 1-Jan-2023", 0),
            ("1 Jan 2023", 1),
            ("", 0),
        ] {
            assert_eq!(Date::parse(text).unwrap_err().at(), at, "{text}");
        }
    }

    #[test]
    fn times_that_are_and_are_not() {
        for (text, seconds) in [
            ("01-Jan-1970 00:00:00 +0000", 0),
            (" 1-Jan-1970 01:00:00 +0100", 0),
            ("31-Dec-1969 23:59:59 +0000", -1),
            ("31-Dec-1998 23:59:60 +0000", 915_148_800),
            ("17-Jul-1996 02:44:25 -0700", 837_596_665),
            ("29-Feb-2024 12:00:00 +0530", 1_709_188_200),
            ("31-Dec-9999 23:59:59 -9959", 253_402_660_739),
        ] {
            assert_eq!(DateTime::parse(text).unwrap().unix_timestamp(), seconds, "{text}");
        }
        for text in [
            "1-Jan-1970 00:00:00 +0000",
            "01-Jan-1970 24:00:00 +0000",
            "01-Jan-1970 00:60:00 +0000",
            "01-Jan-1970 00:00:61 +0000",
            "01-Jan-1970 00:00:00 0000",
            "01-Jan-1970 00:00:00 +0060",
            "01-Jan-1970 00:00:00 GMT",
            "01-Jan-1970 0:00:00 +0000",
            "01-Jan-1970",
            "30-Feb-1970 00:00:00 +0000",
        ] {
            assert!(DateTime::parse(text).is_err(), "{text}");
        }
        assert_eq!(DateTime::from_unix(i64::MAX, 0), None);
        assert_eq!(DateTime::from_unix(i64::MIN, -1), None);
        assert_eq!(DateTime::from_unix(0, i16::MAX), None);
    }

    proptest! {
        #[test]
        fn printed_and_read_a_time_is_the_same(seconds in -62_000_000_000_i64..253_000_000_000, zone in -5999_i16..=5999) {
            let time = DateTime::from_unix(seconds, zone).unwrap();
            prop_assert_eq!(time.unix_timestamp(), seconds);
            prop_assert_eq!(DateTime::parse(time.to_string()).unwrap(), time);
            prop_assert_eq!(Date::parse(time.date().to_string()).unwrap(), time.date());
            prop_assert_eq!(Date::from_unix(time.date().unix_timestamp()), Some(time.date()));
        }

        #[test]
        fn octets_never_panic(text in "[0-9A-Za-z: +\"-]{0,30}", seconds in any::<i64>(), zone in any::<i16>()) {
            let _ = DateTime::parse(&text);
            let _ = Date::parse(&text);
            let _ = DateTime::from_unix(seconds, zone);
        }
    }
}
