//! Measuring several things in turn.

use std::sync::{LazyLock, OnceLock};
use std::time::{Duration, Instant};

static ONLY: OnceLock<String> = OnceLock::new();

/// Measures only the row of this name, from now on.
pub fn only(row: Option<String>) {
    if let Some(row) = row {
        let _ = ONLY.set(row);
    }
}

/// The time that this thread has run, so that other programs do not count; by the clock where the system does not say.
pub fn now() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|told| told.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

const ROUNDS: usize = 9;

/// What running it once takes. The system counts in ticks of some milliseconds, so it is run for many of them.
pub fn cost(mut run: impl FnMut(), at_least: Duration) -> Duration {
    let clock = Instant::now();
    run();
    let once = clock.elapsed().max(Duration::from_nanos(100));
    let batch = (at_least.as_nanos() / 8 / once.as_nanos()).clamp(1, 1 << 24) as u32;
    let start = now();
    let mut runs = 0;
    loop {
        for _ in 0..batch {
            run();
        }
        runs += batch;
        let taken = now() - start;
        if taken >= at_least {
            return taken / runs;
        }
    }
}

/// Something that is measured: its name, and one round of it.
pub struct Candidate<'a> {
    pub name: &'a str,
    pub round: Box<dyn FnMut() + 'a>,
}

impl<'a> Candidate<'a> {
    pub fn new(name: &'a str, round: impl FnMut() + 'a) -> Self {
        Self { name, round: Box::new(round) }
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Measures ours and the peers in turn, and prints the row against the fastest of them.
pub fn row(name: &str, octets: usize, mut ours: Candidate<'_>, mut peers: Vec<Candidate<'_>>) {
    if ONLY.get().is_some_and(|only| only != name) {
        return;
    }
    let mut our_times = Vec::new();
    let mut peer_times = vec![Vec::new(); peers.len()];
    let time = |candidate: &mut Candidate<'_>| cost(&mut candidate.round, Duration::from_millis(100));
    for _ in 0..ROUNDS {
        our_times.push(time(&mut ours));
        for (peer, times) in peers.iter_mut().zip(&mut peer_times) {
            times.push(time(peer));
        }
    }
    let ours = median(our_times).as_secs_f64();
    let mebibytes = octets as f64 / (1 << 20) as f64;
    let rates = peers.iter().zip(peer_times).map(|(peer, times)| (peer.name, median(times).as_secs_f64()));
    let best = rates.min_by(|(_, a), (_, b)| a.total_cmp(b));
    match best {
        Some((peer, time)) => println!(
            "row {name} ours {:.1} MiB/s peer {peer} {:.1} MiB/s ratio {:.2}",
            mebibytes / ours,
            mebibytes / time,
            time / ours
        ),
        None => println!("row {name} ours {:.1} MiB/s peer -", mebibytes / ours),
    }
}
