//! `watch`

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use postroad_imap::client::NotNowReason;
use postroad_imap::types::{Flag, MailboxName, SequenceSet};
use postroad_tokio::imap::{ClientError, Fetched, News};
use serde::Serialize;

use super::rows::{self, Row};
use super::{Imap, goodbye, select};
use crate::cli;
use crate::terminal::{complain, say};

/// How often a server is asked that does not tell by itself.
const POLL: Duration = Duration::from_secs(30);

/// What happened, as `--json` has it.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Happened {
    /// A message has come.
    New(Box<Row>),
    /// The message of this number is gone.
    Gone { number: u32 },
    /// The flags of a message have changed.
    Flags { number: u32, uid: Option<u32>, flags: Vec<String> },
    /// What the server wants the user to know.
    Alert { text: String },
}

pub(super) async fn run(mut client: Imap, folder: &MailboxName, options: &cli::Watch) -> Result<ExitCode> {
    let opened = select(&mut client, folder, true).await?;
    // A server that does not tell UIDNEXT is asked for what is new by number.
    let mut watch =
        Watch { json: options.json, next_uid: opened.uid_next.unwrap_or(1), exists: opened.exists };
    if opened.uid_next.is_none() {
        watch.next_uid = last_uid(&mut client).await?.saturating_add(1);
    }
    if !options.json {
        say(&format!("{}: {} messages; waiting", conversation::shown(folder.as_str()), opened.exists));
    }
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    loop {
        let news = tokio::select! {
            news = next(&mut client) => news?,
            _ = &mut interrupted => break,
        };
        let has_happened = watch.tell(&mut client, news).await?;
        if has_happened && options.once {
            break;
        }
    }
    goodbye(client).await
}

/// The next that the server tells, or is asked for.
async fn next(client: &mut Imap) -> Result<News> {
    loop {
        match client.idle().await {
            Err(ClientError::NotNow(NotNowReason::NotOffered(_))) => {}
            told => return Ok(told?),
        }
        tokio::time::sleep(POLL).await;
        client.noop().await?;
    }
}

async fn last_uid(client: &mut Imap) -> Result<u32> {
    let mut rows = client.uid_fetch(SequenceSet::parse("*")?, vec![postroad_imap::command::FetchItem::Uid]);
    let mut last = 0;
    while let Some(fetched) = rows.next().await {
        if let Fetched::Row(row) = fetched? {
            last = last.max(row.uid().unwrap_or(0));
        }
    }
    Ok(last)
}

struct Watch {
    json: bool,
    next_uid: u32,
    exists: u32,
}

impl Watch {
    /// Shows it; whether it was anything.
    async fn tell(&mut self, client: &mut Imap, news: News) -> Result<bool> {
        match news {
            News::Exists(exists) => {
                let has_come = exists > self.exists;
                self.exists = exists;
                Ok(has_come && self.tell_new(client).await?)
            }
            News::Expunge(number) => {
                self.exists = self.exists.saturating_sub(1);
                self.print(&Happened::Gone { number })?;
                Ok(true)
            }
            News::Row(row) => {
                let Some(flags) = row.flags() else { return Ok(false) };
                let flags = flags.filter(|flag| *flag != Flag::Recent).map(|flag| flag.to_string()).collect();
                self.print(&Happened::Flags { number: row.number(), uid: row.uid(), flags })?;
                Ok(true)
            }
            News::Alert(text) => {
                self.print(&Happened::Alert { text: text.as_str().to_owned() })?;
                Ok(true)
            }
            News::Lost | News::OutOfStep => {
                complain("the server has told more than could be kept; what is new is shown");
                self.exists = client.session().exists().unwrap_or(self.exists);
                self.tell_new(client).await
            }
            _ => Ok(false),
        }
    }

    async fn tell_new(&mut self, client: &mut Imap) -> Result<bool> {
        let mut rows = client.uid_fetch(SequenceSet::parse(format!("{}:*", self.next_uid))?, rows::items()?);
        let mut new = Vec::new();
        while let Some(fetched) = rows.next().await {
            match fetched? {
                // `*` is the last message, also when it is not new.
                Fetched::Row(row) if row.uid().is_some_and(|uid| uid >= self.next_uid) => {
                    new.push(Row::of(&row)?);
                }
                _ => {}
            }
        }
        new.sort_by_key(|row| row.uid);
        for row in new {
            self.next_uid = self.next_uid.max(row.uid.unwrap_or(0).saturating_add(1));
            self.print(&Happened::New(Box::new(row)))?;
        }
        Ok(true)
    }

    fn print(&self, happened: &Happened) -> Result<()> {
        if self.json {
            say(&serde_json::to_string(happened)?);
            return Ok(());
        }
        match happened {
            Happened::New(row) => row.print(false)?,
            Happened::Gone { number } => say(&format!("{number:>5} is gone")),
            Happened::Flags { number, flags, .. } => {
                say(&format!("{number:>5} {}", conversation::shown(&flags.join(" "))));
            }
            Happened::Alert { text } => say(&format!("the server says: {}", conversation::shown(text))),
        }
        Ok(())
    }
}
