//! The wall clock, as a queue stores it.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Whole seconds since 1970-01-01 00:00:00 UTC: a time that survives a restart and fits in one column of a store.
///
/// Arithmetic stops at both ends and never panics.
///
/// ```
/// use postroad_queue::UnixTime;
/// use std::time::Duration;
///
/// let arrived = UnixTime::from_seconds(1_795_420_800);
/// let later = arrived.plus(Duration::from_secs(1800));
/// assert_eq!(later.since(arrived), Duration::from_secs(1800));
/// assert_eq!(arrived.since(later), Duration::ZERO);
/// assert_eq!(UnixTime::from(later.to_system_time().unwrap()), later);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixTime(u64);

impl UnixTime {
    /// The time this many seconds after the epoch.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Seconds since the epoch.
    pub const fn seconds(self) -> u64 {
        self.0
    }

    /// This time and `duration` more; a part of a second counts as a whole one, so that nothing comes too early.
    #[must_use]
    pub const fn plus(self, duration: Duration) -> Self {
        let whole = self.0.saturating_add(duration.as_secs());
        Self(if duration.subsec_nanos() > 0 { whole.saturating_add(1) } else { whole })
    }

    /// How long after `earlier` this is; zero when it is before.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(self.0.saturating_sub(earlier.0))
    }

    /// The same time for the standard library, or `None` where the platform cannot express it.
    pub fn to_system_time(self) -> Option<SystemTime> {
        UNIX_EPOCH.checked_add(Duration::from_secs(self.0))
    }
}

impl From<SystemTime> for UnixTime {
    /// Parts of a second are dropped. A time before the epoch becomes the epoch.
    fn from(time: SystemTime) -> Self {
        Self(time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    }
}

/// A duration in words, for people: `4 days`, `1 hour and 30 minutes`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InWords(pub(crate) Duration);

impl fmt::Display for InWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 4] = [(86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")];
        let mut rest = self.0.as_secs();
        let mut said = 0;
        for (seconds, unit) in UNITS {
            let count = rest / seconds;
            rest %= seconds;
            if count > 0 && said < 2 {
                let and = if said > 0 { " and " } else { "" };
                let plural = if count == 1 { "" } else { "s" };
                write!(f, "{and}{count} {unit}{plural}")?;
                said += 1;
            } else if said > 0 {
                break;
            }
        }
        if said == 0 { f.write_str("0 seconds") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_overflows_and_nothing_is_early() {
        let end = UnixTime::from_seconds(u64::MAX);
        assert_eq!(end.plus(Duration::MAX), end);
        assert_eq!(UnixTime::from_seconds(5).plus(Duration::from_millis(1)), UnixTime::from_seconds(6));
        assert_eq!(UnixTime::from(UNIX_EPOCH - Duration::from_secs(9)), UnixTime::default());
    }

    #[test]
    fn durations_in_words() {
        for (seconds, words) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (5400, "1 hour and 30 minutes"),
            (4 * 86_400, "4 days"),
            (86_400 + 30, "1 day"),
            (90_061, "1 day and 1 hour"),
        ] {
            assert_eq!(InWords(Duration::from_secs(seconds)).to_string(), words);
        }
    }
}
