//! The time, as the queue's work is done by it: that of the wall, or one that a demonstration makes run fast.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::time::Time;

/// The wall clock may be set while somebody sleeps by it, so it is looked at this often.
const LOOK: Duration = Duration::from_secs(30);
/// A virtual clock goes on once everybody has slept for so long in real time: whoever was woken by something else has then begun.
const QUIET: Duration = Duration::from_millis(5);

/// Where the time comes from. Cheap to clone; clones of a virtual clock are one.
#[derive(Clone, Debug, Default)]
pub(crate) enum Clock {
    /// The wall clock.
    #[default]
    Real,
    /// A clock that stands until it is told to go on.
    Virtual(Arc<VirtualClock>),
}

impl Clock {
    /// A virtual clock that stands at `now`.
    pub(crate) fn standing_at(now: Time) -> Self {
        Self::Virtual(Arc::new(VirtualClock {
            state: Mutex::new(State { now, awake: 0, sleeping: BTreeMap::new(), last_key: 0 }),
            changes: watch::Sender::new(0),
        }))
    }

    /// The time.
    pub(crate) fn now(&self) -> Time {
        match self {
            Self::Real => Time::now(),
            Self::Virtual(clock) => clock.state().now,
        }
    }

    /// Somebody who works and sleeps by this clock; awake at first. A virtual clock stands while one of them is awake.
    pub(crate) fn sleeper(&self) -> Sleeper {
        if let Self::Virtual(clock) = self {
            clock.change(|state| state.awake += 1);
        }
        Sleeper(self.clone())
    }

    /// Lets a virtual clock go on to `target`, from one time that somebody sleeps until to the next, and returns once it stands there
    /// and everybody sleeps. The wall clock cannot be hurried: it is waited for.
    pub(crate) async fn advance_to(&self, target: Time) {
        match self {
            Self::Real => sleep_by_the_wall(target).await,
            Self::Virtual(clock) => clock.advance_to(target).await,
        }
    }
}

async fn sleep_by_the_wall(until: Time) {
    loop {
        let left = until.since(Time::now());
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(LOOK)).await;
    }
}

/// See [`Clock::sleeper`].
#[derive(Debug)]
pub(crate) struct Sleeper(Clock);

impl Sleeper {
    /// Returns at `until`, or never. With `idle` the sleeper has nothing else under way, and a virtual clock may go on; without it
    /// something is awaited that happens in real time. A future that is dropped has woken up.
    pub(crate) async fn sleep(&mut self, until: Option<Time>, idle: bool) {
        match (&self.0, until) {
            (Clock::Real, Some(until)) => sleep_by_the_wall(until).await,
            (Clock::Real, None) => std::future::pending().await,
            (Clock::Virtual(clock), until) => clock.sleep(until, idle).await,
        }
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        if let Clock::Virtual(clock) = &self.0 {
            clock.change(|state| state.awake -= 1);
        }
    }
}

/// See [`Clock::standing_at`].
#[derive(Debug)]
pub(crate) struct VirtualClock {
    state: Mutex<State>,
    changes: watch::Sender<u64>,
}

#[derive(Debug)]
struct State {
    now: Time,
    awake: usize,
    sleeping: BTreeMap<u64, Option<Time>>,
    last_key: u64,
}

/// Somebody sleeps; dropped, they are awake.
struct Bed<'a> {
    clock: &'a VirtualClock,
    key: u64,
}

impl Drop for Bed<'_> {
    fn drop(&mut self) {
        self.clock.change(|state| {
            // Whoever the clock woke was counted then.
            if state.sleeping.remove(&self.key).is_some() {
                state.awake += 1;
            }
        });
    }
}

impl VirtualClock {
    fn state(&self) -> MutexGuard<'_, State> {
        // Never left half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state());
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
        result
    }

    async fn sleep(&self, until: Option<Time>, idle: bool) {
        let mut changes = self.changes.subscribe();
        let bed = idle.then(|| {
            let key = self.change(|state| {
                state.awake -= 1;
                state.last_key += 1;
                state.sleeping.insert(state.last_key, until);
                state.last_key
            });
            Bed { clock: self, key }
        });
        while until.is_none_or(|until| self.state().now < until) {
            // The sender is `self`.
            let _ = changes.changed().await;
        }
        drop(bed);
    }

    async fn advance_to(&self, target: Time) {
        let mut changes = self.changes.subscribe();
        loop {
            changes.mark_unchanged();
            if self.state().awake > 0 {
                let _ = changes.changed().await;
                continue;
            }
            if tokio::time::timeout(QUIET, changes.changed()).await.is_ok() {
                continue;
            }
            let arrived = self.change(|state| {
                if state.awake > 0 {
                    return false;
                }
                let next = state.sleeping.values().flatten().min().copied();
                let next = next.filter(|next| *next <= target);
                state.now = state.now.max(next.unwrap_or(target));
                let now = state.now;
                let before = state.sleeping.len();
                state.sleeping.retain(|_, until| until.is_none_or(|until| until > now));
                state.awake += before - state.sleeping.len();
                next.is_none()
            });
            if arrived {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_virtual_clock_stops_where_somebody_has_something_to_do() {
        let clock = Clock::standing_at(Time(0));
        let work = |wait: i64| {
            let clock = clock.clone();
            let mut sleeper = clock.sleeper();
            async move {
                let mut woken = Vec::new();
                for _ in 0..3 {
                    let until = Time(clock.now().0 + wait);
                    sleeper.sleep(Some(until), true).await;
                    // Work that takes its time, which does not count.
                    sleeper.sleep(Some(until), false).await;
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    woken.push(clock.now().0);
                }
                woken
            }
        };
        let (slow, fast) = (tokio::spawn(work(1_000_000)), tokio::spawn(work(300_000)));
        clock.advance_to(Time(5_000_000)).await;
        assert_eq!(slow.await.unwrap(), [1_000_000, 2_000_000, 3_000_000]);
        assert_eq!(fast.await.unwrap(), [300_000, 600_000, 900_000]);
        assert_eq!(clock.now(), Time(5_000_000));
    }

    #[tokio::test]
    async fn who_wakes_by_themselves_holds_the_clock() {
        let clock = Clock::standing_at(Time(0));
        let mut sleeper = clock.sleeper();
        let advance = tokio::spawn({
            let clock = clock.clone();
            async move { clock.advance_to(Time(1000)).await }
        });
        assert!(tokio::time::timeout(Duration::from_millis(1), sleeper.sleep(None, true)).await.is_err());
        tokio::time::sleep(QUIET * 4).await;
        assert_eq!(clock.now(), Time(0));
        drop(sleeper);
        advance.await.unwrap();
        assert_eq!(clock.now(), Time(1000));
    }

    #[tokio::test]
    async fn the_wall_clock_goes_by_itself() {
        let clock = Clock::Real;
        let before = clock.now();
        clock.sleeper().sleep(Some(before.after(Duration::from_millis(20))), true).await;
        assert!(clock.now() >= before.after(Duration::from_millis(20)));
    }
}
