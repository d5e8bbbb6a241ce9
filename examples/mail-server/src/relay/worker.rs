//! The task of one connection: it opens it, sends what it is given, and waits a little for more.

use std::sync::Arc;
use std::time::Duration;

use postroad_queue::{ConnectionOutcome, Destination, Diagnostic, LocalReason, Outcome};
use tokio::sync::{mpsc, watch};
use tokio::task::Id;

use super::connection::{Job, Outgoing, Settings};
use super::resolve::{Resolver, Way};

/// So many addresses are tried for one message before the destination counts as down.
const ADDRESSES: usize = 12;

/// What every connection needs.
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) resolver: Resolver,
    /// How long an open connection waits for another message.
    pub(super) idle: Duration,
    /// True once the server stops.
    pub(super) stop: watch::Receiver<bool>,
}

/// What a connection is told to do next.
#[derive(Debug)]
pub(super) enum Assignment {
    /// Send this.
    Send(Job),
    /// Say goodbye.
    Close,
}

/// What became of a job.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) id: i64,
    pub(super) numbers: Vec<usize>,
    /// For each of the numbers; none where the try does not count.
    pub(super) outcomes: Vec<Option<Outcome>>,
}

/// A job is done and the connection is ready for another.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) worker: Id,
    pub(super) done: Done,
    /// The messages that the connection has carried.
    pub(super) carried: usize,
}

/// The connection is gone.
#[derive(Debug)]
pub(super) struct Ended {
    /// What became of the job it had, if it had one and something did.
    pub(super) done: Option<Done>,
    pub(super) outcome: ConnectionOutcome,
}

impl Ended {
    fn reached() -> Self {
        Self { done: None, outcome: ConnectionOutcome::Reached }
    }

    fn unknown() -> Self {
        Self { done: None, outcome: ConnectionOutcome::Unknown }
    }
}

/// Why there is no connection.
enum NoConnection {
    /// Trying again is of no use for whatever goes there.
    Never(Diagnostic),
    /// The destination is down.
    Now(Diagnostic),
}

/// The life of one connection.
pub(super) async fn run(
    shared: Arc<Shared>,
    destination: Destination,
    way: Way,
    first: Job,
    mut jobs: mpsc::Receiver<Assignment>,
    reports: mpsc::Sender<Report>,
) -> Ended {
    let mut stop = shared.stop.clone();
    let opened = tokio::select! {
        opened = open(&shared, &destination, &way) => opened,
        // What is not begun can wait until the server is there again.
        _ = stop.wait_for(|stop| *stop) => return Ended::unknown(),
    };
    let outgoing = match opened {
        Ok(outgoing) => outgoing,
        Err(NoConnection::Now(diagnostic)) => {
            tracing::info!(%destination, reason = %diagnostic, "cannot be reached");
            let done = Some(all(&first, &Outcome::Transient(diagnostic.clone())));
            return Ended { done, outcome: ConnectionOutcome::Unreachable(diagnostic) };
        }
        Err(NoConnection::Never(diagnostic)) => return refuse(&diagnostic, first, jobs, reports).await,
    };
    let mut outgoing = outgoing;
    let mut job = first;
    let mut carried = 0;
    loop {
        let sent = outgoing.send(&mut job).await;
        carried += 1;
        let done = Done { id: job.id, numbers: job.numbers, outcomes: sent.outcomes };
        if !sent.reusable {
            return Ended { done: Some(done), outcome: ConnectionOutcome::Reached };
        }
        if reports.send(Report { worker: tokio::task::id(), done, carried }).await.is_err() {
            return Ended::reached();
        }
        // A job that is given at the moment of the end was not begun: whoever gave it sees that from what is returned.
        job = tokio::select! {
            biased;
            assignment = jobs.recv() => match assignment {
                Some(Assignment::Send(job)) => job,
                Some(Assignment::Close) | None => {
                    outgoing.quit().await;
                    return Ended::reached();
                }
            },
            () = outgoing.ended() => return Ended::reached(),
            () = tokio::time::sleep(shared.idle) => {
                jobs.close();
                outgoing.quit().await;
                return Ended::reached();
            }
        };
    }
}

/// Nothing can go there: whatever is to, fails.
async fn refuse(
    diagnostic: &Diagnostic,
    first: Job,
    mut jobs: mpsc::Receiver<Assignment>,
    reports: mpsc::Sender<Report>,
) -> Ended {
    let outcome = Outcome::Permanent(diagnostic.clone());
    let mut job = first;
    let mut carried = 0;
    loop {
        carried += 1;
        let report = Report { worker: tokio::task::id(), done: all(&job, &outcome), carried };
        if reports.send(report).await.is_err() {
            return Ended::unknown();
        }
        // There is always an answer soon, or there is nothing more to fail.
        job = match tokio::time::timeout(Duration::from_millis(100), jobs.recv()).await {
            Ok(Some(Assignment::Send(job))) => job,
            _ => return Ended::unknown(),
        };
    }
}

fn all(job: &Job, outcome: &Outcome) -> Done {
    Done {
        id: job.id,
        numbers: job.numbers.clone(),
        outcomes: vec![Some(outcome.clone()); job.numbers.len()],
    }
}

/// Tries one host after the other, and of each one address after the other (RFC 5321 section 5.1).
async fn open(shared: &Shared, destination: &Destination, way: &Way) -> Result<Outgoing, NoConnection> {
    let sort = |diagnostic: Diagnostic| {
        if diagnostic.status().is_permanent() {
            NoConnection::Never(diagnostic)
        } else {
            NoConnection::Now(diagnostic)
        }
    };
    let hosts = shared.resolver.hosts(way).await.map_err(sort)?;
    let mut left = ADDRESSES;
    let mut last = None;
    for host in &hosts {
        let addresses = match shared.resolver.addresses(host).await {
            Ok(addresses) => addresses,
            Err(diagnostic) => {
                last = Some(diagnostic);
                continue;
            }
        };
        for address in addresses {
            if left == 0 {
                break;
            }
            left -= 1;
            match Outgoing::open(&shared.settings, destination, &host.name, address).await {
                Ok(outgoing) => return Ok(outgoing),
                Err(diagnostic) => {
                    tracing::debug!(%destination, host = %host.name, %address, reason = %diagnostic, "no connection");
                    last = Some(diagnostic);
                }
            }
        }
    }
    // A refusal in the greeting is about the host, and another day it may think otherwise.
    match (last, way) {
        (Some(diagnostic), _) => Err(NoConnection::Now(diagnostic)),
        // That the host of a route is not found is a fault of this side, and will be mended.
        (None, Way::Route(route)) => Err(NoConnection::Now(LocalReason::DnsFailure.about(&route.host))),
        (None, Way::Domain(domain)) => Err(NoConnection::Never(LocalReason::NoRoute.about(domain))),
    }
}
