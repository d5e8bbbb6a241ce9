//! `fetch`: mail by POP3, each message once.
//!
//! In this order for each message: it is whole and safe on disk, then it is noted, then, if wanted, it is deleted on the server. A crash at
//! any point costs at most the work of fetching it again.

mod kept;
mod maildir;
mod mbox;
mod unwrap;

use std::collections::HashMap;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use postroad_pop3::types::MessageNumber;
use postroad_tokio::pop3::{Client, ClientOptions};
use serde::Serialize;
use tokio::net::TcpStream;

use crate::cli;
use crate::place::{Place, Protocol};
use crate::terminal::{complain, progress_bar, say};
use crate::tls::Security;
use kept::Kept;
use maildir::Maildir;
use mbox::Mbox;
use unwrap::Lines;

type Pop3 = Client<TcpStream>;

/// Where messages are put.
enum Target {
    Maildir(Maildir),
    Mbox(Mbox),
}

/// A message on its way into the target.
enum Draft {
    Maildir(maildir::Draft),
    Mbox(mbox::Draft),
}

impl Target {
    fn open(path: &Path) -> Result<Self> {
        let is_mbox = match std::fs::metadata(path) {
            Ok(there) => there.is_file(),
            Err(_) => path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("mbox")),
        };
        let target =
            if is_mbox { Mbox::open(path).map(Self::Mbox) } else { Maildir::open(path).map(Self::Maildir) };
        target.with_context(|| path.display().to_string())
    }

    /// Where the list of what was fetched is kept.
    fn list(&self) -> std::path::PathBuf {
        match self {
            Self::Maildir(maildir) => maildir.list(),
            Self::Mbox(mbox) => mbox.list(),
        }
    }

    async fn draft(&self) -> Result<Draft> {
        Ok(match self {
            Self::Maildir(maildir) => Draft::Maildir(maildir.draft().await?),
            Self::Mbox(mbox) => Draft::Mbox(mbox.draft().await?),
        })
    }

    /// It is whole: put it where it belongs. It is safe on disk afterwards.
    async fn keep(&self, draft: Draft) -> Result<String> {
        match (self, draft) {
            (Self::Maildir(maildir), Draft::Maildir(draft)) => maildir.keep(draft).await,
            (Self::Mbox(mbox), Draft::Mbox(draft)) => mbox.keep(draft).await,
            _ => anyhow::bail!("it is of another target"),
        }
    }
}

impl Draft {
    fn file(&mut self) -> &mut tokio::fs::File {
        match self {
            Self::Maildir(draft) => draft.file(),
            Self::Mbox(draft) => draft.file(),
        }
    }
}

/// A message, as `--json` has it.
#[derive(Debug, Serialize)]
struct Row<'a> {
    unique_id: &'a str,
    /// On the wire.
    octets: u64,
    /// Where it is now.
    file: &'a str,
}

/// Fetches what was not fetched before.
pub(crate) fn run(options: &cli::Fetch, is_traced: bool) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let place = Place::read(&options.store, Protocol::Pop3, is_traced)?;
        let target = Target::open(&options.to)?;
        // Locked until the end, so that two do not fetch the same.
        let mut kept = Kept::open(&target.list(), &format!("{}@{}", place.user, place.name()))?;
        let mut client = open(&place).await.with_context(|| place.name())?;
        let fetched = fetch(&mut client, &target, &mut kept, options, is_traced).await;
        match fetched {
            Ok(count) => {
                client.quit().await.context("the server has not removed what was to be deleted")?;
                if !options.json {
                    let noun = if count == 1 { "message" } else { "messages" };
                    say(&format!("fetched {count} {noun}"));
                }
                Ok(ExitCode::SUCCESS)
            }
            Err(error) => {
                // What is safe here may go there.
                if options.delete && client.quit().await.is_err() {
                    complain("what was fetched is perhaps not deleted on the server");
                }
                Err(error)
            }
        }
    })
}

async fn open(place: &Place) -> Result<Pop3> {
    let transport = place.connect().await?;
    let mut options =
        ClientOptions { policy: transport.policy, tls: transport.tls, ..ClientOptions::default() };
    options.config.login_without_tls = place.security == Security::None;
    options.tap.clone_from(&place.tap);
    let mut client = Client::open(transport.io, options).await?;
    client.login(&place.user, place.password.expose()).await?;
    Ok(client)
}

/// How many messages were fetched.
async fn fetch(
    client: &mut Pop3,
    target: &Target,
    kept: &mut Kept,
    options: &cli::Fetch,
    is_traced: bool,
) -> Result<usize> {
    let ids = client.uidl().await.context("without unique-ids nobody knows which messages are new (UIDL)")?;
    let sizes: HashMap<MessageNumber, u64> =
        client.list().await?.into_iter().map(|row| (row.number, row.octets)).collect();
    let size = |number| sizes.get(&number).copied().unwrap_or(0);
    let is_new = |kept: &Kept, id: &str| !kept.has(id);
    let total: u64 =
        ids.iter().filter(|row| is_new(kept, row.unique_id.as_str())).map(|row| size(row.number)).sum();
    let bar = progress_bar(total, is_traced);
    let mut count = 0;
    for row in &ids {
        let id = row.unique_id.as_str();
        if is_new(kept, id) {
            let mut draft = target.draft().await?;
            let is_mbox = matches!(target, Target::Mbox(_));
            let mut lines = Lines::new(draft.file(), options.crlf, is_mbox);
            let faults = client.retr(row.number, &mut bar.wrap_async_write(&mut lines)).await?;
            if faults.any() {
                complain(&format!(
                    "message {}: its line ends were not right, and were taken as they came",
                    row.number
                ));
            }
            lines.finish().await?;
            let file = target.keep(draft).await?;
            kept.note(id)?;
            count += 1;
            if options.json {
                say(&serde_json::to_string(&Row { unique_id: id, octets: size(row.number), file: &file })?);
            }
        }
        if options.delete {
            client.dele(row.number).await?;
        }
    }
    bar.finish_and_clear();
    kept.forget_all_but(ids.iter().map(|row| row.unique_id.as_str()))?;
    Ok(count)
}
