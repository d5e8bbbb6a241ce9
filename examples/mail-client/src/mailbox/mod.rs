//! The commands that work on the folders of an IMAP server.

mod change;
mod folders;
mod part;
mod query;
mod read;
mod rows;
mod save;
mod search;
mod watch;

use std::num::NonZeroU32;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use postroad_imap::command::{SearchKey, SearchKeys};
use postroad_imap::types::{MailboxName, Messages, SequenceNumber, SequenceSet};
use postroad_tokio::imap::{Client, ClientOptions, Mailbox};
use tokio::net::TcpStream;

use crate::cli::{self, Mail, Store};
use crate::place::{Place, Protocol};
use crate::terminal::told;
use crate::tls::Security;

type Imap = Client<TcpStream>;

/// Does what `command` says.
pub(crate) fn run(command: &Mail, is_traced: bool) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            Mail::Folders(options) => {
                let mut client = open(&options.store, is_traced).await?;
                folders::run(&mut client, options.json).await?;
                goodbye(client).await
            }
            Mail::List(options) => {
                let folder = mailbox_name(&options.folder);
                let mut client = open(&options.store, is_traced).await?;
                rows::list(&mut client, &folder, options).await?;
                goodbye(client).await
            }
            Mail::Read(options) => {
                let words = Words::of_folder_and_numbers(&options.words);
                let wanted = read::Wanted::of(options);
                let mut client = open(&options.store, is_traced).await?;
                read::run(&mut client, &words, &wanted, options, is_traced).await?;
                goodbye(client).await
            }
            Mail::Search(options) => {
                search::check(options);
                let mut client = open(&options.store, is_traced).await?;
                search::run(&mut client, options).await?;
                goodbye(client).await
            }
            Mail::Move(options) | Mail::Copy(options) => {
                let (words, to) = Words::with_destination(&options.words);
                let mut client = open(&options.store, is_traced).await?;
                let how =
                    if matches!(command, Mail::Move(_)) { change::How::Move } else { change::How::Copy };
                change::transfer(&mut client, how, &words, options.uid, &to).await?;
                goodbye(client).await
            }
            Mail::Delete(options) => {
                let words = Words::of_folder_and_numbers(&options.words);
                let mut client = open(&options.store, is_traced).await?;
                change::delete(&mut client, &words, options.uid).await?;
                goodbye(client).await
            }
            Mail::Flag(options) => {
                let words = Words::of_folder_and_numbers(&options.words);
                let change = change::FlagChange::read(options);
                let mut client = open(&options.store, is_traced).await?;
                change::flag(&mut client, &words, options.uid, change).await?;
                goodbye(client).await
            }
            Mail::Watch(options) => {
                let folder = mailbox_name(&options.folder);
                let client = open(&options.store, is_traced).await?;
                watch::run(client, &folder, options).await
            }
            // It is done by POP3, elsewhere.
            Mail::Fetch(_) => Ok(ExitCode::FAILURE),
        }
    })
}

/// Connects and logs in.
async fn open(store: &Store, is_traced: bool) -> Result<Imap> {
    let place = Place::read(store, Protocol::Imap, is_traced)?;
    let transport = place.connect().await?;
    let mut options =
        ClientOptions { policy: transport.policy, tls: transport.tls, ..ClientOptions::default() };
    options.config.login_without_tls = place.security == Security::None;
    options.tap.clone_from(&place.tap);
    let opening = async {
        let mut client = Client::open(transport.io, options).await?;
        if client.session().state() == postroad_imap::client::State::NotAuthenticated {
            client.login(&place.user, place.password.expose()).await?;
        }
        anyhow::Ok(client)
    };
    opening.await.with_context(|| place.name())
}

/// All that was asked is done, so nothing is said of what goes wrong.
async fn goodbye(client: Imap) -> Result<ExitCode> {
    let _ = tokio::time::timeout(std::time::Duration::from_secs(10), client.logout()).await;
    Ok(ExitCode::SUCCESS)
}

fn mailbox_name(name: &str) -> MailboxName {
    MailboxName::new(name).unwrap_or_else(|error| cli::wrong_usage(&format!("the folder {name:?}: {error}")))
}

/// A folder, and which of its messages.
struct Words {
    folder: MailboxName,
    numbers: SequenceSet,
}

impl Words {
    /// `[FOLDER] N`
    fn of_folder_and_numbers(words: &[String]) -> Self {
        let (folder, numbers) = match words {
            [folder, numbers] => (folder.as_str(), numbers),
            [numbers] => ("INBOX", numbers),
            _ => cli::wrong_usage("a folder and numbers are wanted"),
        };
        let numbers = SequenceSet::parse(numbers).unwrap_or_else(|_| {
            cli::wrong_usage(&format!(
                "{numbers:?} is no number of a message, and not several, such as 1,4:6"
            ))
        });
        Self { folder: mailbox_name(folder), numbers }
    }

    /// `[FOLDER] N TO`
    fn with_destination(words: &[String]) -> (Self, MailboxName) {
        let Some((to, words)) = words.split_last() else { cli::wrong_usage("it is not said where to") };
        (Self::of_folder_and_numbers(words), mailbox_name(to))
    }
}

async fn select(client: &mut Imap, folder: &MailboxName, is_read_only: bool) -> Result<Mailbox> {
    let selected = if is_read_only { client.examine(folder).await } else { client.select(folder).await };
    selected.with_context(|| format!("folder {}", folder.as_str()))
}

/// The UIDs of messages of the folder that is open: what is done to these cannot hit others.
async fn resolve(client: &mut Imap, numbers: &SequenceSet, by_uid: bool) -> Result<SequenceSet> {
    if by_uid {
        return Ok(numbers.clone());
    }
    let exists = client.session().exists().unwrap_or(0);
    let is_there = |number| match number {
        SequenceNumber::Number(number) => number.get() <= exists,
        SequenceNumber::Star => exists > 0,
    };
    let all_are = numbers.ranges().iter().all(|range| is_there(range.start) && is_there(range.end));
    ensure!(all_are, "there is no such message: {exists} are in the folder");
    let key = SearchKey::Sequence(Messages::Set(numbers.clone()));
    let uids = client.uid_search(SearchKeys::single(key)?).await?;
    SequenceSet::try_from(&uids).context("there is no such message")
}

/// The one message that is meant.
async fn resolve_one(client: &mut Imap, numbers: &SequenceSet, by_uid: bool) -> Result<NonZeroU32> {
    let uids = resolve(client, numbers, by_uid).await?;
    let [range] = uids.ranges() else { anyhow::bail!("one message is wanted") };
    match (range.start, range.end) {
        (SequenceNumber::Number(uid), SequenceNumber::Number(end)) if uid == end => Ok(uid),
        (SequenceNumber::Star, SequenceNumber::Star) => {
            let key = SearchKey::Uid(Messages::Set(uids.clone()));
            let found = client.uid_search(SearchKeys::single(key)?).await?;
            found.iter().next().and_then(NonZeroU32::new).context("the folder is empty")
        }
        _ => anyhow::bail!("one message is wanted"),
    }
}

/// What goes wrong before a command is sent, for people.
fn wrong(what: &str, error: &anyhow::Error) -> ! {
    cli::wrong_usage(&format!("{what}: {}", told(error)))
}
