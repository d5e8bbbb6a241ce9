//! `move`, `copy`, `delete` and `flag`

use anyhow::{Context as _, Result};
use postroad_imap::client::NotNowReason;
use postroad_imap::command::{SearchKey, SearchKeys, StoreOperation};
use postroad_imap::types::{Flag, MailboxName, Messages, SequenceSet};
use postroad_tokio::imap::ClientError;

use super::{Imap, Words, resolve, select};
use crate::cli;
use crate::terminal::{complain, say};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Move,
    Copy,
}

/// `move` and `copy`
pub(super) async fn transfer(
    client: &mut Imap,
    how: How,
    words: &Words,
    by_uid: bool,
    to: &MailboxName,
) -> Result<()> {
    select(client, &words.folder, how == How::Copy).await?;
    let uids = resolve(client, &words.numbers, by_uid).await?;
    let count = count(client, &uids).await?;
    let context = || format!("to {}", to.as_str());
    if how == How::Copy {
        client.uid_copy(uids, to).await.with_context(context)?;
        say(&format!("copied {count} to {}", conversation::shown(to.as_str())));
        return Ok(());
    }
    match client.uid_move(uids.clone(), to).await {
        // A server from before 2013: in two steps, so that nothing is lost between them.
        Err(ClientError::NotNow(NotNowReason::NotOffered(_))) => {
            client.uid_copy(uids.clone(), to).await.with_context(context)?;
            remove(client, &uids).await?;
        }
        moved => drop(moved.with_context(context)?),
    }
    say(&format!("moved {count} to {}", conversation::shown(to.as_str())));
    Ok(())
}

/// `delete`
pub(super) async fn delete(client: &mut Imap, words: &Words, by_uid: bool) -> Result<()> {
    select(client, &words.folder, false).await?;
    let uids = resolve(client, &words.numbers, by_uid).await?;
    let count = count(client, &uids).await?;
    if remove(client, &uids).await? {
        say(&format!("deleted {count}"));
    }
    Ok(())
}

/// Marks as deleted, and removes; whether they are gone.
async fn remove(client: &mut Imap, uids: &SequenceSet) -> Result<bool> {
    client.uid_store(uids.clone(), StoreOperation::Add, vec![Flag::Deleted]).await?;
    match client.uid_expunge(uids.clone()).await {
        Err(ClientError::NotNow(NotNowReason::NotOffered(_))) => {}
        expunged => return Ok(expunged.map(|()| true)?),
    }
    // EXPUNGE would take everything that is marked, by whomever.
    let others = SearchKeys::single(SearchKey::Uid(Messages::Set(uids.clone())))?.negated();
    let others = client.uid_search(SearchKeys::single(SearchKey::Deleted)?.and(others)).await?;
    if others.is_empty() {
        client.expunge().await?;
        return Ok(true);
    }
    complain("marked as deleted, but not removed: others are marked too, and the server removes all or none");
    Ok(false)
}

/// How many of these there are.
async fn count(client: &mut Imap, uids: &SequenceSet) -> Result<String> {
    let found = client.uid_search(SearchKeys::single(SearchKey::Uid(Messages::Set(uids.clone())))?).await?;
    anyhow::ensure!(!found.is_empty(), "there is no such message");
    Ok(match found.count() {
        1 => "1 message".into(),
        count => format!("{count} messages"),
    })
}

/// What `flag` does.
pub(super) struct FlagChange {
    add: Vec<Flag>,
    remove: Vec<Flag>,
}

impl FlagChange {
    /// Reads the options; ends the program when they are wrong.
    pub(super) fn read(options: &cli::Flag) -> Self {
        let read = |names: &[String]| names.iter().map(|name| flag_named(name)).collect();
        Self { add: read(&options.add), remove: read(&options.remove) }
    }
}

/// The flags of the system go without their backslash too.
fn flag_named(name: &str) -> Flag {
    let system = [Flag::Seen, Flag::Answered, Flag::Flagged, Flag::Deleted, Flag::Draft];
    let bare = name.strip_prefix('\\').unwrap_or(name);
    let known = system.iter().find(|flag| flag.name().trim_start_matches('\\').eq_ignore_ascii_case(bare));
    known.cloned().unwrap_or_else(|| {
        Flag::parse(name).unwrap_or_else(|error| cli::wrong_usage(&format!("the flag {name:?}: {error}")))
    })
}

/// `flag`
pub(super) async fn flag(client: &mut Imap, words: &Words, by_uid: bool, change: FlagChange) -> Result<()> {
    select(client, &words.folder, false).await?;
    let uids = resolve(client, &words.numbers, by_uid).await?;
    let count = count(client, &uids).await?;
    if !change.add.is_empty() {
        client.uid_store(uids.clone(), StoreOperation::Add, change.add).await?;
    }
    if !change.remove.is_empty() {
        client.uid_store(uids, StoreOperation::Remove, change.remove).await?;
    }
    say(&format!("changed {count}"));
    Ok(())
}
