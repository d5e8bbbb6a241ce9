//! `search`

use anyhow::Result;
use postroad_imap::types::{ListPattern, MailboxName, SequenceSet};

use super::{Imap, query, rows};
use crate::cli;

pub(super) async fn run(client: &mut Imap, options: &cli::Search) -> Result<()> {
    let (folder, words) = match (&options.folder, options.words.as_slice()) {
        (Some(folder), words) => (super::mailbox_name(folder), words),
        (None, [first, rest @ ..]) if !rest.is_empty() && is_folder(client, first).await? => {
            (super::mailbox_name(first), rest)
        }
        (None, words) => (MailboxName::inbox(), words),
    };
    let keys = query::keys(words).unwrap_or_else(|error| super::wrong("QUERY", &error));
    super::select(client, &folder, true).await?;
    let found = client.uid_search(keys).await?;
    if let Ok(found) = SequenceSet::try_from(&found) {
        rows::print(client, found, options.json).await?;
    }
    Ok(())
}

/// Ends the program when the words are no query, whether the first is a folder or not.
pub(super) fn check(options: &cli::Search) {
    let Err(error) = query::keys(&options.words) else { return };
    let rest = options.words.get(1..).filter(|_| options.folder.is_none()).unwrap_or_default();
    if query::keys(rest).is_err() {
        super::wrong("QUERY", &error);
    }
}

/// Whether there is a folder of this name.
async fn is_folder(client: &mut Imap, word: &str) -> Result<bool> {
    let Ok(name) = MailboxName::new(word) else { return Ok(false) };
    if name.is_inbox() {
        return Ok(true);
    }
    if word.is_empty() || word.contains(['*', '%']) {
        return Ok(false);
    }
    let listed = client.list(ListPattern::new(word)?).await?;
    Ok(listed.iter().any(|list| list.mailbox == name))
}
