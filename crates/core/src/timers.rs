//! Deadlines by name.

use std::time::{Duration, Instant};

/// `now` and `time` later; as good as never, where a clock does not reach so far. `Duration::MAX` is how one says never.
///
/// ```
/// use postroad_core::deadline;
/// use std::time::{Duration, Instant};
///
/// # #[allow(clippy::disallowed_methods)]
/// let now = Instant::now();
/// assert_eq!(deadline(now, Duration::from_secs(300)), now + Duration::from_secs(300));
/// assert!(deadline(now, Duration::MAX) > now + Duration::from_secs(1_000_000));
/// ```
pub fn deadline(now: Instant, time: Duration) -> Instant {
    const AS_GOOD_AS_NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
    now.checked_add(time).or_else(|| now.checked_add(AS_GOOD_AS_NEVER)).unwrap_or(now)
}

/// A fixed table of `N` deadlines, one for each kind a session knows. Kinds are a session's own enum, given as `usize`.
///
/// ```
/// use postroad_core::Timers;
/// use std::time::{Duration, Instant};
///
/// const COMMAND: usize = 0;
/// const DECISION: usize = 1;
/// # #[allow(clippy::disallowed_methods)]
/// let now = Instant::now();
/// let mut timers = Timers::<2>::new();
/// timers.set(COMMAND, now + Duration::from_secs(300));
/// timers.set(DECISION, now + Duration::from_secs(10));
/// assert_eq!(timers.next(), Some(now + Duration::from_secs(10)));
/// assert_eq!(timers.expired(now + Duration::from_secs(11)), Some(DECISION));
/// assert_eq!(timers.expired(now + Duration::from_secs(11)), None);
/// ```
#[derive(Debug, Clone)]
pub struct Timers<const N: usize>([Option<Instant>; N]);

impl<const N: usize> Timers<N> {
    /// No deadline is set.
    pub const fn new() -> Self {
        Self([None; N])
    }

    /// Sets the deadline of `kind`; an earlier one is forgotten. A `kind` outside of the table is ignored.
    pub fn set(&mut self, kind: usize, at: Instant) {
        if let Some(slot) = self.0.get_mut(kind) {
            *slot = Some(at);
        }
    }

    /// Sets the deadline of `kind` unless one is running: for deadlines that a slow drip of octets must not move.
    pub fn start(&mut self, kind: usize, at: Instant) {
        if let Some(slot) = self.0.get_mut(kind) {
            slot.get_or_insert(at);
        }
    }

    /// Forgets the deadline of `kind`.
    pub fn stop(&mut self, kind: usize) {
        if let Some(slot) = self.0.get_mut(kind) {
            *slot = None;
        }
    }

    /// Forgets every deadline.
    pub fn stop_all(&mut self) {
        self.0 = [None; N];
    }

    /// Whether the deadline of `kind` is set.
    pub fn is_running(&self, kind: usize) -> bool {
        self.0.get(kind).is_some_and(Option::is_some)
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<Instant> {
        self.0.iter().flatten().min().copied()
    }

    /// The kind whose deadline has passed the longest at `now`; it is forgotten. Call until `None`.
    pub fn expired(&mut self, now: Instant) -> Option<usize> {
        let (kind, at) =
            self.0.iter().enumerate().filter_map(|(kind, at)| at.map(|at| (kind, at))).min_by_key(|x| x.1)?;
        if at > now {
            return None;
        }
        self.stop(kind);
        Some(kind)
    }
}

impl<const N: usize> Default for Timers<N> {
    fn default() -> Self {
        Self::new()
    }
}
