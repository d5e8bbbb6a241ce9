//! When to try, when to warn, when to give up (RFC 5321 section 4.5.4.1).

use crate::UnixTime;
use crate::random::Random;
use std::time::Duration;

const MINUTE: u64 = 60;
/// A wait of zero would try without end.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

/// The times of a message in the queue: the waits between tries, the notice of delay, the end.
///
/// By default every 30 minutes, with a notice to the sender after 4 hours, for 4 days.
///
/// ```
/// use postroad_queue::Schedule;
/// use std::time::Duration;
///
/// let minutes = |n: u64| Duration::from_secs(n * 60);
/// let schedule = Schedule::new(vec![minutes(10), minutes(30), minutes(120)]);
/// assert_eq!(schedule.wait(1), minutes(10)); // after the first try
/// assert_eq!(schedule.wait(3), minutes(120));
/// assert_eq!(schedule.wait(99), minutes(120)); // the last one repeats
/// assert_eq!(schedule.give_up, minutes(4 * 24 * 60));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Schedule {
    /// The waits after the first, second, third … try; the last repeats. Empty means 30 minutes. RFC 5321 section 4.5.4.1 wants at
    /// least 30 minutes in general. A wait is never shorter than a second.
    pub retry: Vec<Duration>,
    /// How long after its arrival a message is given up. RFC 5321 section 4.5.4.1 wants 4 to 5 days at least.
    pub give_up: Duration,
    /// How long after the arrival the sender is told of a delay, once; `None` for never.
    pub delay_notice: Option<Duration>,
    /// By how many percent at most a wait is made longer, differently for each recipient and try, so that not everything comes due
    /// at once. Zero keeps the messages for one destination together, and is the default.
    pub jitter_percent: u8,
    /// What the jitter is drawn from.
    pub jitter_seed: u64,
}

impl Schedule {
    /// The default with other waits.
    pub fn new(retry: Vec<Duration>) -> Self {
        Self { retry, ..Self::default() }
    }

    /// The wait after try number `attempts`, which counts from one, without jitter.
    pub fn wait(&self, attempts: u32) -> Duration {
        let index = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
        let wait = self.retry.get(index).or_else(|| self.retry.last()).copied();
        wait.unwrap_or(Duration::from_secs(30 * MINUTE)).max(SHORTEST_WAIT)
    }

    /// When the next try is after try number `attempts` failed at `now`; `key` tells one recipient of one message from the others.
    /// Never after the [`expiry`](Self::expiry), when there is a last try.
    pub fn next_try(&self, attempts: u32, arrived: UnixTime, now: UnixTime, key: &str) -> UnixTime {
        let wait = self.wait(attempts);
        let percent = u64::from(self.jitter_percent);
        let most = wait.as_secs().saturating_mul(percent) / 100;
        let more =
            Random::keyed(self.jitter_seed, key.as_bytes(), attempts.into()).below(most.saturating_add(1));
        now.plus(wait.saturating_add(Duration::from_secs(more))).min(self.expiry(arrived).max(now))
    }

    /// When a message that arrived then is given up.
    pub fn expiry(&self, arrived: UnixTime) -> UnixTime {
        arrived.plus(self.give_up)
    }

    /// When the sender of a message that arrived then is told of a delay; `None` for never, also when it would be given up by then.
    pub fn delay_notice_at(&self, arrived: UnixTime) -> Option<UnixTime> {
        self.delay_notice.filter(|after| *after < self.give_up).map(|after| arrived.plus(after))
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            retry: vec![Duration::from_secs(30 * MINUTE)],
            give_up: Duration::from_secs(4 * 24 * 60 * MINUTE),
            delay_notice: Some(Duration::from_secs(4 * 60 * MINUTE)),
            jitter_percent: 0,
            jitter_seed: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARRIVED: UnixTime = UnixTime::from_seconds(1_000_000);

    #[test]
    fn empty_and_zero_waits_do_not_spin() {
        assert_eq!(Schedule::new(Vec::new()).wait(1), Duration::from_secs(1800));
        assert_eq!(Schedule::new(vec![Duration::ZERO]).wait(7), SHORTEST_WAIT);
        assert_eq!(Schedule::default().wait(0), Duration::from_secs(1800));
    }

    #[test]
    fn jitter_only_adds_and_is_the_same_for_the_same_seed() {
        let schedule = Schedule { jitter_percent: 10, jitter_seed: 7, ..Schedule::default() };
        let tries: Vec<u64> = (0..200)
            .map(|n| schedule.next_try(1, ARRIVED, ARRIVED, &format!("id-{n}")).since(ARRIVED).as_secs())
            .collect();
        assert!(tries.iter().all(|wait| (1800..=1980).contains(wait)), "{tries:?}");
        assert!(tries.iter().any(|wait| *wait < 1850) && tries.iter().any(|wait| *wait > 1930));
        assert_eq!(
            schedule.next_try(3, ARRIVED, ARRIVED, "x"),
            schedule.clone().next_try(3, ARRIVED, ARRIVED, "x")
        );
    }

    #[test]
    fn the_last_try_is_at_the_expiry() {
        let schedule = Schedule::default();
        let late = schedule.expiry(ARRIVED);
        let before = UnixTime::from_seconds(late.seconds() - 60);
        assert_eq!(schedule.next_try(190, ARRIVED, before, "x"), late);
        // A clock that has passed the end does not send the next try into the past.
        let after = late.plus(Duration::from_secs(5));
        assert_eq!(schedule.next_try(190, ARRIVED, after, "x"), after);
    }

    #[test]
    fn a_delay_notice_that_comes_with_the_end_is_none() {
        let schedule = Schedule { give_up: Duration::from_secs(3600), ..Schedule::default() };
        assert_eq!(schedule.delay_notice_at(ARRIVED), None);
    }
}
