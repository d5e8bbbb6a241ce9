//! Two servers on loopback, and the people who have accounts on them.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::agents::{ALICE, BOB, Person};
use super::stage::Stage;
use crate::clock::Clock;
use crate::config::{Config, Protocol};
use crate::relay::{self, Watch};
use crate::serve::{Server, handler};
use crate::time::Time;

/// How long a relay keeps a connection for the next message.
const IDLE: Duration = Duration::from_millis(300);
/// How long connections may take to end.
const DRAIN: Duration = Duration::from_secs(5);
/// How long a conversation may take to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// The two servers.
#[derive(Debug)]
pub(super) struct World {
    crepes: Server,
    hamburger: Option<Server>,
    clock: Clock,
    opened: Arc<AtomicUsize>,
    /// Whether the relay's conversations are shown.
    watched: Arc<AtomicBool>,
}

impl World {
    /// Starts both on free ports, with their data in `folder`.
    pub(super) async fn start(stage: &Arc<Stage>, folder: &Path) -> Result<Self> {
        let clock = Clock::standing_at(Time::now());
        let (opened, watched) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        // Each has to know the other's port before it starts; until then nobody else may get it.
        let reserved = TcpListener::bind("127.0.0.1:0")?;
        let there = reserved.local_addr()?;
        let watch_there = watch(stage, ["hamburger.edu", "crepes.fr"], &Arc::default(), &watched);
        let options = relay::Options { idle: IDLE, watch: Some(watch_there), ..relay::Options::default() };
        let hamburger = start(
            &folder.join("hamburger.edu"),
            "hamburger.edu",
            "127.0.0.1:0",
            ("crepes.fr", there),
            options,
        )?;
        account(&hamburger, &BOB).await?;
        let port25 = address(&hamburger, Protocol::Smtp)?;
        let watch_here = watch(stage, ["crepes.fr", "hamburger.edu"], &opened, &watched);
        let options = relay::Options {
            clock: clock.clone(),
            idle: IDLE,
            watch: Some(watch_here),
            ..relay::Options::default()
        };
        drop(reserved);
        let crepes = start(
            &folder.join("crepes.fr"),
            "crepes.fr",
            &there.to_string(),
            ("hamburger.edu", port25),
            options,
        )?;
        account(&crepes, &ALICE).await?;
        Ok(Self { crepes, hamburger: Some(hamburger), clock, opened, watched })
    }

    /// Alice's server.
    pub(super) fn crepes(&self) -> &Server {
        &self.crepes
    }

    /// Bob's server.
    pub(super) fn hamburger(&self) -> Result<&Server> {
        self.hamburger.as_ref().context("hamburger.edu is down")
    }

    /// The clock of crepes.fr.
    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Shows what the relay says from now on, or not.
    pub(super) fn watch_relay(&self, watched: bool) {
        self.watched.store(watched, Ordering::Relaxed);
    }

    /// How many connections crepes.fr has opened to hamburger.edu.
    pub(super) fn relay_connections(&self) -> usize {
        self.opened.load(Ordering::Relaxed)
    }

    /// Waits until nobody talks any more.
    pub(super) async fn quiet(&self, stage: &Arc<Stage>) -> Result<()> {
        let stage = Arc::clone(stage);
        let quiet = tokio::task::spawn_blocking(move || stage.wait_until_quiet(PATIENCE)).await?;
        ensure!(quiet, "a conversation does not come to an end");
        Ok(())
    }

    /// Turns Bob's server off.
    pub(super) async fn stop_hamburger(&mut self) -> Result<()> {
        self.hamburger.take().context("hamburger.edu is down already")?.stop(DRAIN).await;
        Ok(())
    }

    /// Turns everything off.
    pub(super) async fn stop(self) {
        self.crepes.stop(DRAIN).await;
        if let Some(hamburger) = self.hamburger {
            hamburger.stop(DRAIN).await;
        }
    }
}

/// Shows what a relay says, while it is watched, and counts its connections.
fn watch(
    stage: &Arc<Stage>,
    ends: [&'static str; 2],
    opened: &Arc<AtomicUsize>,
    watched: &Arc<AtomicBool>,
) -> Watch {
    let (stage, opened, watched) = (Arc::clone(stage), Arc::clone(opened), Arc::clone(watched));
    Arc::new(move |_| {
        opened.fetch_add(1, Ordering::Relaxed);
        if watched.load(Ordering::Relaxed) {
            let [from, to] = ends;
            let title = format!("{from} pushes to {to} by SMTP (the listener in place of port 25)");
            stage.conversation(&title, from, to)
        } else {
            Arc::new(|_| {})
        }
    })
}

fn start(
    folder: &Path,
    name: &str,
    smtp: &str,
    (other, port25): (&str, SocketAddr),
    options: relay::Options,
) -> Result<Server> {
    std::fs::create_dir_all(folder)?;
    let text = format!(
        "hostname = \"{name}\"\ndomains = [\"{name}\"]\ndata = \"data\"\n\
         [listen]\nsmtp = \"{smtp}\"\nsubmission = \"127.0.0.1:0\"\npop3 = \"127.0.0.1:0\"\n\
         imap = \"127.0.0.1:0\"\nwebmail = \"127.0.0.1:0\"\n[routes]\n\"{other}\" = \"{port25}\"\n"
    );
    let config = Config::parse(&text, folder).map_err(|error| anyhow::anyhow!("{error:?}"))?;
    Server::start_with(config, handler, options)
}

async fn account(server: &Server, who: &Person) -> Result<()> {
    server.context.store.add_account(who.address, who.password.into(), false, Time::now()).await?;
    Ok(())
}

fn address(server: &Server, protocol: Protocol) -> Result<SocketAddr> {
    let listen = server.listening.iter().find(|listen| listen.protocol == protocol);
    Ok(listen.with_context(|| format!("no listener for {protocol}"))?.address)
}
