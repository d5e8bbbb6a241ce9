//! Measuring several things in turn.

use std::time::{Duration, Instant};

const ROUNDS: usize = 9;

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
    (ours.round)();
    let mut our_times = Vec::new();
    let mut peer_times = vec![Vec::new(); peers.len()];
    for peer in &mut peers {
        (peer.round)();
    }
    let time = |candidate: &mut Candidate<'_>| {
        let start = Instant::now();
        (candidate.round)();
        start.elapsed()
    };
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
