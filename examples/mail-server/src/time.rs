//! Points in time as the store keeps them.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970-01-01T00:00:00Z.
///
/// The store never asks for the time: it is passed in, so that a demonstration can run on a clock of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Time(pub(crate) i64);

impl Time {
    /// The time on the wall clock.
    pub(crate) fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// This time and a span after it; stops at the end of time.
    pub(crate) fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Whole seconds since 1970, rounded down.
    pub(crate) fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// What lies between an earlier time and this one; zero if it was later.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Time {
    /// RFC 3339, in UTC, to the second.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.seconds()) {
            Ok(timestamp) => write!(f, "{timestamp}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_rfc_3339() {
        assert_eq!(Time(1_795_392_000_999).to_string(), "2026-11-23T00:00:00Z");
        assert_eq!(Time(i64::MAX).to_string(), format!("{} ms", i64::MAX));
    }

    #[test]
    fn arithmetic_saturates() {
        let time = Time(1000);
        assert_eq!(time.after(Duration::from_secs(2)), Time(3000));
        assert_eq!(time.after(Duration::MAX), Time(i64::MAX));
        assert_eq!(Time(3000).since(time), Duration::from_secs(2));
        assert_eq!(time.since(Time(3000)), Duration::ZERO);
        assert_eq!(Time(-1).seconds(), -1);
    }
}
