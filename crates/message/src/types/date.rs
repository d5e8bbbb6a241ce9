//! Date and time (RFC 5322 section 3.3).

use core::fmt;
use core::str::FromStr;

use crate::error::{InvalidReason, InvalidValue};

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// A date with its time and zone, as plain fields.
///
/// ```
/// use postroad_message::DateTime;
/// let date: DateTime = "Mon, 23 Nov 2026 09:00:00 +0900".parse()?;
/// assert_eq!((date.year(), date.month(), date.day(), date.hour()), (2026, 11, 23, 9));
/// assert_eq!(date.timestamp(), 1_795_392_000);
/// assert_eq!(date.to_string(), "Mon, 23 Nov 2026 09:00:00 +0900");
/// assert_eq!(DateTime::from_timestamp(1_795_392_000, 540)?, date);
/// # Ok::<(), postroad_message::InvalidValue>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DateTime {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    offset: i16,
    zone_is_known: bool,
}

const fn is_leap_year(year: u16) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        2 if is_leap_year(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1 January 1970, by counting in years that begin in March.
fn days_from_civil(year: u16, month: u8, day: u8) -> i64 {
    let (year, month) = (i64::from(year), i64::from(month));
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

impl DateTime {
    /// A date of its fields. `offset` is the zone in minutes east of UTC; `None` is the zone `-0000`, which says that
    /// the time is UTC and the local zone not known.
    ///
    /// The year is from 1900 to 9999 (RFC 5322 section 3.3); the second may be 60.
    pub fn new(
        (year, month, day): (u16, u8, u8),
        (hour, minute, second): (u8, u8, u8),
        offset: Option<i16>,
    ) -> Result<Self, InvalidValue> {
        let in_range = (1900..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second <= 60
            && offset.is_none_or(|offset| offset.unsigned_abs() < 100 * 60);
        if !in_range {
            return Err(InvalidValue::new("date-time", InvalidReason::Range, 0));
        }
        let zone_is_known = offset.is_some();
        Ok(Self { year, month, day, hour, minute, second, offset: offset.unwrap_or(0), zone_is_known })
    }

    /// The moment `timestamp`, in seconds from 1 January 1970 UTC, in the zone `offset`, in minutes east of UTC.
    pub fn from_timestamp(timestamp: i64, offset: i16) -> Result<Self, InvalidValue> {
        let range = || InvalidValue::new("date-time", InvalidReason::Range, 0);
        let local = timestamp.checked_add(i64::from(offset) * 60).ok_or_else(range)?;
        let (year, month, day) = civil_from_days(local.div_euclid(86_400));
        let second = local.rem_euclid(86_400);
        let small = |number: i64| u8::try_from(number).map_err(|_| range());
        Self::new(
            (u16::try_from(year).map_err(|_| range())?, small(month)?, small(day)?),
            (small(second / 3600)?, small(second / 60 % 60)?, small(second % 60)?),
            Some(offset),
        )
    }

    /// The moment in seconds from 1 January 1970 UTC, leap seconds not counted.
    pub fn timestamp(&self) -> i64 {
        days_from_civil(self.year, self.month, self.day) * 86_400
            + i64::from(self.hour) * 3600
            + i64::from(self.minute) * 60
            + i64::from(self.second)
            - i64::from(self.offset) * 60
    }

    /// The year, 1900 to 9999.
    pub const fn year(&self) -> u16 {
        self.year
    }

    /// The month, 1 to 12.
    pub const fn month(&self) -> u8 {
        self.month
    }

    /// The day of the month, 1 to 31.
    pub const fn day(&self) -> u8 {
        self.day
    }

    /// The hour, 0 to 23.
    pub const fn hour(&self) -> u8 {
        self.hour
    }

    /// The minute, 0 to 59.
    pub const fn minute(&self) -> u8 {
        self.minute
    }

    /// The second, 0 to 60.
    pub const fn second(&self) -> u8 {
        self.second
    }

    /// The zone in minutes east of UTC; `None` if it is not known (`-0000`, and the military zones).
    pub const fn offset(&self) -> Option<i16> {
        if self.zone_is_known { Some(self.offset) } else { None }
    }

    /// The day of the week, 0 for Monday.
    pub fn day_of_week(&self) -> u8 {
        let days = days_from_civil(self.year, self.month, self.day) + 3;
        u8::try_from(days.rem_euclid(7)).unwrap_or(0)
    }

    /// The zone as sign, hours and minutes.
    fn zone(&self) -> (char, u16, u16) {
        let sign = if self.offset < 0 || !self.zone_is_known { '-' } else { '+' };
        let minutes = self.offset.unsigned_abs();
        (sign, minutes / 60, minutes % 60)
    }

    /// Shown as RFC 3339 writes it, such as `2026-11-23T09:00:00+09:00`; an unknown zone is `-00:00`.
    ///
    /// ```
    /// let date: postroad_message::DateTime = "23 Nov 26 00:00 Z".parse()?;
    /// assert_eq!(date.rfc3339().to_string(), "2026-11-23T00:00:00-00:00");
    /// # Ok::<(), postroad_message::InvalidValue>(())
    /// ```
    pub const fn rfc3339(self) -> impl fmt::Display {
        Rfc3339(self)
    }
}

struct Rfc3339(DateTime);

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = self.0;
        let (sign, hours, minutes) = date.zone();
        write!(f, "{:04}-{:02}-{:02}", date.year, date.month, date.day)?;
        write!(f, "T{:02}:{:02}:{:02}", date.hour, date.minute, date.second)?;
        write!(f, "{sign}{hours:02}:{minutes:02}")
    }
}

impl fmt::Display for DateTime {
    /// As in a `Date` field (RFC 5322 section 3.3).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |names: &[&'static str], index: u8| names.get(usize::from(index)).copied().unwrap_or("");
        let (sign, hours, minutes) = self.zone();
        write!(f, "{}, {} ", name(&DAYS, self.day_of_week()), self.day)?;
        write!(f, "{} {:04} ", name(&MONTHS, self.month.wrapping_sub(1)), self.year)?;
        write!(f, "{:02}:{:02}:{:02} ", self.hour, self.minute, self.second)?;
        write!(f, "{sign}{hours:02}{minutes:02}")
    }
}

impl FromStr for DateTime {
    type Err = InvalidValue;

    /// Reads also the obsolete forms of RFC 5322 section 4.3.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        crate::header::date::parse(text.as_bytes(), crate::Limits::DEFAULT.comment_depth)
            .map(|read| read.date)
    }
}

/// The month of a name of three letters, or of a name that begins with them.
pub(crate) fn month_of_name(name: &[u8]) -> Option<u8> {
    index_of_name(&MONTH_WORDS, name).map(|index| index + 1)
}

/// The day of the week of its name, 0 for Monday.
pub(crate) fn day_of_name(name: &[u8]) -> Option<u8> {
    index_of_name(&DAY_WORDS, name)
}

/// Among names of three letters, without regard to case.
fn index_of_name(names: &[u32], name: &[u8]) -> Option<u8> {
    let word = lower(*name.first_chunk::<3>()?);
    names.iter().position(|&known| known == word).and_then(|index| u8::try_from(index).ok())
}

/// Three letters as a number, in lower case.
const fn lower([a, b, c]: [u8; 3]) -> u32 {
    u32::from_le_bytes([a | 0x20, b | 0x20, c | 0x20, 0])
}

const MONTH_WORDS: [u32; 12] = {
    let mut words = [0; 12];
    let mut index = 0;
    while index < 12 {
        if let Some(name) = MONTHS[index].as_bytes().first_chunk::<3>() {
            words[index] = lower(*name);
        }
        index += 1;
    }
    words
};

const DAY_WORDS: [u32; 7] = {
    let mut words = [0; 7];
    let mut index = 0;
    while index < 7 {
        if let Some(name) = DAYS[index].as_bytes().first_chunk::<3>() {
            words[index] = lower(*name);
        }
        index += 1;
    }
    words
};

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn timestamps_go_there_and_back() {
        for timestamp in [-2_208_988_800, -1, 0, 951_782_400, 951_868_799, 1_795_392_000, 253_402_300_799] {
            let date = DateTime::from_timestamp(timestamp, 0).unwrap();
            assert_eq!(date.timestamp(), timestamp);
            assert_eq!(date.to_string().parse::<DateTime>().unwrap(), date);
        }
        assert!(DateTime::from_timestamp(i64::MAX, 0).is_err());
        assert!(DateTime::from_timestamp(i64::MIN, -1).is_err());
    }

    #[test]
    fn days_that_do_not_exist() {
        assert!(DateTime::new((1900, 2, 29), (0, 0, 0), None).is_err());
        assert!(DateTime::new((2000, 2, 29), (0, 0, 60), None).is_ok());
        assert!(DateTime::new((2000, 4, 31), (0, 0, 0), None).is_err());
        assert!(DateTime::new((2000, 4, 30), (0, 0, 0), Some(-5999)).is_ok());
        assert!(DateTime::new((2000, 4, 30), (0, 0, 0), Some(6000)).is_err());
    }

    #[test]
    fn the_day_of_the_week() {
        let date = DateTime::new((1997, 11, 21), (9, 55, 6), Some(-360)).unwrap();
        assert_eq!(date.to_string(), "Fri, 21 Nov 1997 09:55:06 -0600");
        assert_eq!(date.rfc3339().to_string(), "1997-11-21T09:55:06-06:00");
    }
}
