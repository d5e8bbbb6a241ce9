//! `read`

use std::io::{self, IsTerminal as _, Write as _};
use std::num::NonZeroU32;

use anyhow::{Context as _, Result, bail};
use conversation::shown;
use postroad_imap::command::{FetchItem, StoreOperation};
use postroad_imap::response::FetchRow;
use postroad_imap::types::{Flag, Section, SequenceSet};
use postroad_message::Message;
use postroad_tokio::imap::{ClientError, Fetched, SectionEnd};
use serde::Serialize;

use super::part::Part;
use super::rows::{self, Row};
use super::{Imap, Words, resolve_one, save, select};
use crate::cli;
use crate::inspect::Entry;
use crate::terminal::{progress_bar, safe_lines, say};

/// What is to be done with the message.
pub(super) enum Wanted {
    Shown,
    Json,
    Raw,
    /// A part.
    Part(String),
    /// What is attached, or this part, is saved.
    Saved(Option<String>),
}

impl Wanted {
    pub(super) fn of(options: &cli::Read) -> Self {
        let is_number = |part: &String| part.split('.').all(|number| number.parse::<NonZeroU32>().is_ok());
        if let Some(part) = options.part.as_ref().filter(|part| !is_number(part)) {
            cli::wrong_usage(&format!("--part {part:?} is not like 1.2"));
        }
        match &options.part {
            part if options.save.is_some() => Self::Saved(part.clone()),
            Some(part) => Self::Part(part.clone()),
            None if options.raw => Self::Raw,
            None if options.json => Self::Json,
            None => Self::Shown,
        }
    }
}

/// A message, as `--json` has it.
#[derive(Debug, Serialize)]
struct Object {
    #[serde(flatten)]
    row: Row,
    parts: Vec<Part>,
    /// In UTF-8, of all parts that are shown.
    text: String,
}

pub(super) async fn run(
    client: &mut Imap,
    words: &Words,
    wanted: &Wanted,
    options: &cli::Read,
    is_traced: bool,
) -> Result<()> {
    let marks = !options.peek && matches!(wanted, Wanted::Shown | Wanted::Json | Wanted::Raw);
    let is_read_only = select(client, &words.folder, !marks).await?.is_read_only;
    let uid = resolve_one(client, &words.numbers, options.uid).await?;
    let row = fetch_row(client, uid).await?;
    match wanted {
        Wanted::Raw => raw(client, uid, row.size().unwrap_or(0), is_traced).await?,
        Wanted::Shown | Wanted::Json => {
            let parts = parts(&row)?;
            let mut text = String::new();
            let chosen = chosen(&parts);
            for part in &chosen {
                let octets = part.fetch(client, uid, is_traced).await?;
                let message = Message::parse(&octets);
                text.push_str(&message.root().text().unwrap_or_default());
            }
            let row = Row::of(&row)?;
            if matches!(wanted, Wanted::Json) {
                say(&serde_json::to_string(&Object { row, parts, text })?);
            } else {
                show(&row, &parts, &chosen, &text)?;
            }
        }
        Wanted::Part(id) => {
            let part = find(parts(&row)?, id)?;
            let octets = part.fetch(client, uid, is_traced).await?;
            print_part(&part, &octets)?;
        }
        Wanted::Saved(id) => {
            let all = parts(&row)?;
            let chosen = match id {
                Some(id) => vec![find(all, id)?],
                None => {
                    all.into_iter().filter(|part| part.is_attachment() && !part.is_inside_message).collect()
                }
            };
            if chosen.is_empty() {
                bail!("nothing is attached to it");
            }
            let folder = options.save.as_deref().context("a folder is wanted")?;
            for part in chosen {
                let octets = part.fetch(client, uid, is_traced).await?;
                let message = Message::parse(&octets);
                let name =
                    part.filename.clone().unwrap_or_else(|| format!("part-{}{}", part.id, extension(&part)));
                let path = save::save(folder, &name, &message.root().body())?;
                say(&shown(&path.display().to_string()));
            }
        }
    }
    if marks && !is_read_only {
        client.uid_store(SequenceSet::single(uid), StoreOperation::Add, vec![Flag::Seen]).await?;
    }
    Ok(())
}

async fn fetch_row(client: &mut Imap, uid: NonZeroU32) -> Result<FetchRow> {
    let mut items = rows::items()?;
    items.push(FetchItem::BodyStructure);
    let mut fetched = client.uid_fetch(SequenceSet::single(uid), items);
    let mut found = None;
    while let Some(fetched) = fetched.next().await {
        match fetched? {
            Fetched::Row(row) if row.uid() == Some(uid.get()) => found = found.or(Some(row)),
            Fetched::Malformed(error) => return Err(ClientError::Malformed(error).into()),
            _ => {}
        }
    }
    found.context("there is no such message")
}

fn parts(row: &FetchRow) -> Result<Vec<Part>> {
    Ok(Part::of_structure(row.body_structure().context("the server does not say what is in the message")?))
}

fn find(parts: Vec<Part>, id: &str) -> Result<Part> {
    let known: Vec<String> = parts.iter().map(|part| part.id.clone()).collect();
    let found = parts.into_iter().find(|part| part.id == id);
    found.with_context(|| format!("there is no part {id}; there are {}", known.join(", ")))
}

/// The parts that are shown: plain text, or where there is none what else is text.
fn chosen(parts: &[Part]) -> Vec<&Part> {
    let texts = || parts.iter().filter(|part| !part.is_attachment() && !part.is_inside_message);
    let plain: Vec<&Part> = texts().filter(|part| part.content_type == "text/plain").collect();
    if plain.is_empty() { texts().collect() } else { plain }
}

fn show(row: &Row, parts: &[Part], chosen: &[&Part], text: &str) -> Result<()> {
    let mut out = String::new();
    let mut field = |name: &str, value: &str| {
        if !value.is_empty() {
            for piece in [name, ": ", &shown(value), "\n"] {
                out.push_str(piece);
            }
        }
    };
    field("From", &addresses(&row.from));
    field("To", &addresses(&row.to));
    field("Cc", &addresses(&row.cc));
    field("Date", row.date.as_deref().unwrap_or_default());
    field("Subject", row.subject.as_deref().unwrap_or_default());
    out.push('\n');
    out.push_str(safe_lines(text).trim_end_matches('\n'));
    out.push('\n');
    let is_shown = |part: &Part| chosen.iter().any(|shown| shown.id == part.id);
    for part in parts.iter().filter(|part| !is_shown(part) && !part.is_inside_message) {
        let name = part.filename.as_deref().map(|name| format!(" {}", shown(name))).unwrap_or_default();
        let kind = shown(&part.content_type);
        let line = format!("[part {}:{name} {kind}, {} octets]\n", part.id, part.octets);
        out.push_str(&line);
    }
    write_out(out.as_bytes())
}

fn addresses(entries: &[Entry]) -> String {
    let one = |entry: &Entry| match entry {
        Entry::Mailbox { name: Some(name), address } => format!("{name} <{address}>"),
        Entry::Mailbox { name: None, address } => address.clone(),
        Entry::Group { group, members } => {
            let members: Vec<String> = members
                .iter()
                .filter_map(|member| match member {
                    Entry::Mailbox { address, .. } => Some(address.clone()),
                    Entry::Group { .. } => None,
                })
                .collect();
            format!("{group}: {};", members.join(", "))
        }
    };
    entries.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Text on a terminal is made safe; into a pipe goes what there is, decoded.
fn print_part(part: &Part, octets: &[u8]) -> Result<()> {
    let message = Message::parse(octets);
    let root = message.root();
    if !io::stdout().is_terminal() {
        return match root.text().filter(|_| part.content_type.starts_with("text/")) {
            Some(text) => write_out(text.as_bytes()),
            None => write_out(&root.body()),
        };
    }
    match root.text().filter(|_| part.content_type.starts_with("text/")) {
        Some(text) => write_out(safe_lines(&text).as_bytes()),
        None => bail!("part {} is no text: use --save, or a pipe", part.id),
    }
}

async fn raw(client: &mut Imap, uid: NonZeroU32, size: u64, is_traced: bool) -> Result<()> {
    let bar = progress_bar(size, is_traced);
    let to = tokio::io::stdout();
    let end = client.uid_fetch_section(uid, Section::default(), &mut bar.wrap_async_write(to)).await;
    bar.finish_and_clear();
    match end {
        Ok(SectionEnd::Written(_)) => Ok(()),
        Ok(_) => bail!("the message is gone"),
        // Whoever reads has seen enough.
        Err(ClientError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn write_out(octets: &[u8]) -> Result<()> {
    let mut to = io::stdout().lock();
    match to.write_all(octets).and_then(|()| to.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

/// An extension for a part without a name, where its type makes one plain.
fn extension(part: &Part) -> &'static str {
    match part.content_type.as_str() {
        "text/plain" => ".txt",
        "text/html" => ".html",
        "message/rfc822" => ".eml",
        "image/png" => ".png",
        "image/jpeg" => ".jpg",
        "application/pdf" => ".pdf",
        _ => "",
    }
}
