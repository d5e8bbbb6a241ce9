//! Lines of a list: one for each message.

use anyhow::{Context as _, Result};
use postroad_imap::command::FetchItem;
use postroad_imap::response::FetchRow;
use postroad_imap::types::{DateTime, Flag, MailboxName, Section, SequenceSet};
use postroad_message::Message;
use postroad_tokio::imap::{ClientError, Fetched};
use serde::Serialize;

use super::Imap;
use crate::cli;
use crate::inspect::{Entry, entries};
use crate::terminal::{columns, complain, say};

/// What is shown of a header.
const FIELDS: &str = "HEADER.FIELDS (DATE FROM TO CC SUBJECT MESSAGE-ID)";

/// A message, as `--json` has it. Absent values are null, absent lists empty.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub number: u32,
    pub uid: Option<u32>,
    pub flags: Vec<String>,
    /// In octets.
    pub size: Option<u64>,
    /// When it came; RFC 3339.
    pub received: Option<String>,
    /// When it was written; RFC 3339.
    pub date: Option<String>,
    pub from: Vec<Entry>,
    pub to: Vec<Entry>,
    pub cc: Vec<Entry>,
    pub subject: Option<String>,
    pub message_id: Option<String>,
}

fn section() -> Result<Section> {
    Section::parse(FIELDS).context("the fields of a header")
}

/// What is asked of the server for a [`Row`].
pub(super) fn items() -> Result<Vec<FetchItem>> {
    let fields = FetchItem::Section { peek: true, section: section()?, partial: None };
    Ok(vec![FetchItem::Uid, FetchItem::Flags, FetchItem::InternalDate, FetchItem::Size, fields])
}

impl Row {
    pub(super) fn of(row: &FetchRow) -> Result<Self> {
        let octets = row.section(&section()?).unwrap_or_default();
        let message = Message::parse(&octets);
        let header = message.header();
        Ok(Self {
            number: row.number(),
            uid: row.uid(),
            flags: row.flags().map(|flags| flags.map(|flag| flag.to_string()).collect()).unwrap_or_default(),
            size: row.size(),
            received: row.internal_date().and_then(rfc3339),
            date: header.date().map(|date| date.rfc3339().to_string()),
            from: entries(&header.from()),
            to: entries(&header.to()),
            cc: entries(&header.cc()),
            subject: header.subject().map(Into::into),
            message_id: header.message_id().map(|id| id.as_str().to_owned()),
        })
    }

    pub(super) fn print(&self, json: bool) -> Result<()> {
        if json {
            say(&serde_json::to_string(self)?);
            return Ok(());
        }
        let has = |flag: Flag| self.flags.iter().any(|name| Flag::parse(name).is_ok_and(|this| this == flag));
        let marks = [
            if has(Flag::Seen) { ' ' } else { 'N' },
            if has(Flag::Answered) { 'A' } else { ' ' },
            if has(Flag::Flagged) { '!' } else { ' ' },
            if has(Flag::Deleted) { 'D' } else { ' ' },
        ];
        let date = self.date.as_ref().or(self.received.as_ref());
        let date = date.map(|date| date.get(..16).unwrap_or(date).replace('T', " ")).unwrap_or_default();
        let line = format!(
            "{:>5} {} {date:16} {} {}",
            self.number,
            marks.into_iter().collect::<String>(),
            columns(&authors(&self.from), 24),
            conversation::shown(self.subject.as_deref().unwrap_or("(no subject)")),
        );
        say(line.trim_end());
        Ok(())
    }
}

/// The names of authors, or their addresses where they have none.
fn authors(entries: &[Entry]) -> String {
    let name = |entry: &Entry| match entry {
        Entry::Mailbox { name: Some(name), .. } => name.clone(),
        Entry::Mailbox { address, .. } => address.clone(),
        Entry::Group { group, .. } => group.clone(),
    };
    entries.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// An internal date as RFC 3339 has it.
pub(super) fn rfc3339(date: DateTime) -> Option<String> {
    let date = postroad_message::DateTime::from_timestamp(date.unix_timestamp(), date.zone()).ok()?;
    Some(date.rfc3339().to_string())
}

/// `list`
pub(super) async fn list(client: &mut Imap, folder: &MailboxName, options: &cli::List) -> Result<()> {
    let exists = super::select(client, folder, true).await?.exists;
    if exists == 0 {
        return Ok(());
    }
    let uids = match options.last {
        None => SequenceSet::all(),
        Some(count) => {
            let first = exists.saturating_sub(count.get()) + 1;
            super::resolve(client, &SequenceSet::parse(format!("{first}:*"))?, false).await?
        }
    };
    print(client, uids, options.json).await.map(drop)
}

/// Prints a line for each of these messages, as they come; says how many.
pub(super) async fn print(client: &mut Imap, uids: SequenceSet, json: bool) -> Result<usize> {
    let mut rows = client.uid_fetch(uids, items()?);
    let mut count = 0;
    while let Some(fetched) = rows.next().await {
        match fetched? {
            Fetched::Row(row) => {
                Row::of(&row)?.print(json)?;
                count += 1;
            }
            // One message less to see is better than none.
            Fetched::Malformed(error) => {
                complain(&format!("a message cannot be shown: {}", ClientError::Malformed(error)));
            }
            // A header as large as that is not shown.
            _ => {}
        }
    }
    Ok(count)
}
