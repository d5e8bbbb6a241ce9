//! FETCH (RFC 9051 section 6.4.5).
//!
//! Small sections are read into memory and go out with their row; large ones are streamed from the store, so that a message costs a
//! connection no more than a chunk of it. ENVELOPE, BODYSTRUCTURE and PREVIEW are worked out once and kept in the store.

use std::collections::HashMap;
use std::num::NonZeroU32;

use bytes::Bytes;
use postroad_imap::command::{self, FetchItem};
use postroad_imap::response::No;
use postroad_imap::server::{Fetch, Row, SectionItem};
use postroad_imap::types::{Partial, Section, SectionText};
use postroad_message::Message;
use postroad_tokio::imap::{Gone, Rows};

use super::Open;
use super::convert;
use super::derived::{Derived, FORMAT};
use super::sections::{Content, Span, len};
use crate::store::mailboxes::{Choice, Flags, FlagsChange, MessageRow, SystemFlags};
use crate::store::{Store, StoreError};

/// Sections up to this many octets are read before their row is begun.
const IN_MEMORY: u64 = 64 * 1024;

/// Why a message has no row.
#[derive(Debug)]
enum Fault {
    /// It is gone: the client is told so in its own time.
    Gone,
    No(No),
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::Gone,
            error => Self::No(convert::no(&error)),
        }
    }
}

/// A section that is to go out.
#[derive(Debug)]
enum Out {
    /// `BODY[…]`, in memory; `None`: there is no such part.
    Section(Section, Option<u64>, Option<Bytes>),
    /// `RFC822` and its like, in memory.
    Rfc822(Section, Bytes),
    /// Either, streamed.
    Stream(Name, Vec<Span>),
    Binary(Vec<NonZeroU32>, Option<u64>, Option<Bytes>),
    BinarySize(Vec<NonZeroU32>, u64),
}

/// What stands before a streamed section.
#[derive(Debug)]
enum Name {
    Section(Section, Option<u64>),
    Rfc822(Section),
}

impl Name {
    fn item(&self) -> SectionItem<'_> {
        match self {
            Self::Section(section, origin) => SectionItem::Body { section, origin: *origin },
            Self::Rfc822(section) => SectionItem::Rfc822(section),
        }
    }
}

pub(super) async fn fetch(store: &Store, open: &Open, fetch: &Fetch, rows: &Rows<'_>) -> Result<(), No> {
    let items = &fetch.command().items;
    let uids = convert::uids(fetch.messages());
    let mut seen = HashMap::new();
    if !open.read_only && items.iter().any(FetchItem::sets_seen) {
        let change = FlagsChange::Add(Flags::system(SystemFlags::SEEN));
        let stored = store.store_flags(&open.mailbox, uids.clone(), change, None).await;
        for row in stored.map_err(|error| convert::no(&error))?.rows.into_iter().filter(|row| row.changed) {
            open.feed().told(row.modseq);
            seen.insert(row.uid, row);
        }
    }
    if let (true, Some(since)) = (fetch.command().vanished, fetch.command().changed_since) {
        let gone = store.vanished(&open.mailbox, since.get(), convert::uids(&fetch.named())).await;
        rows.vanished(convert::uid_set(&gone.map_err(|error| convert::no(&error))?)).await;
    }
    let needs_derived =
        items.iter().any(|item| is_derived(item) || matches!(item, FetchItem::Preview { lazy: true }));
    let choice = Choice {
        uids,
        changed_since: fetch.command().changed_since.map(postroad_imap::types::ModSeq::get),
        derived: needs_derived.then_some(FORMAT),
    };
    let mut found = store.message_rows(&open.mailbox, choice);
    while let Some(batch) = found.next().await.map_err(|error| convert::no(&error))? {
        let mut worked_out = Vec::new();
        for row in &batch {
            let is_seen_now = seen.contains_key(&row.uid);
            match one(store, open, fetch.command(), row, is_seen_now, rows, &mut worked_out).await {
                Ok(()) | Err(Fault::Gone) => {}
                Err(Fault::No(no)) => return Err(no),
            }
        }
        super::sort::keep(store, open, worked_out).await;
    }
    Ok(())
}

/// Sends the row of one message.
async fn one(
    store: &Store,
    open: &Open,
    command: &command::Fetch,
    row: &MessageRow,
    is_seen_now: bool,
    rows: &Rows<'_>,
    worked_out: &mut Vec<(u32, Bytes)>,
) -> Result<(), Fault> {
    let items = &command.items;
    let mut content = Content::new(store, open.mailbox, row.uid);
    let mut derived = row.derived.clone().and_then(Derived::from_bytes);
    let mut outs = Vec::new();
    for item in items {
        if is_derived(item) && derived.is_none() {
            let made = Derived::of(&content.whole().await?);
            worked_out.push((row.uid, made.to_bytes()));
            derived = Some(made);
        }
        outs.extend(section(&mut content, item).await?);
    }
    content.forget_whole();
    // What is in memory first: the streamed ones are the end of the row.
    outs.sort_by_key(|out| matches!(out, Out::Stream(..)));
    let streams = outs.iter().position(|out| matches!(out, Out::Stream(..))).unwrap_or(outs.len());
    let streams = outs.split_off(streams);
    let head = Head { command, row, derived: derived.as_ref(), is_seen_now, outs };
    let mut streams = streams.into_iter();
    let Some(Out::Stream(name, mut ranges)) = streams.next() else {
        // Not known to this client: then it has not asked for it either.
        let _: Result<(), Gone> = rows.row(row.uid, |line| head.write(line)).await;
        return Ok(());
    };
    let body = rows.row_with_body(row.uid, |line| head.write(line), name.item(), len(&ranges)).await;
    let Ok(mut body) = body else { return Ok(()) };
    loop {
        for range in &ranges {
            let reader = content.reader().await?;
            reader.seek(range.from);
            let mut left = range.to - range.from;
            while left > 0 {
                // A body that is dropped here closes the connection: there is no other way to say that it is not whole.
                let Some(mut chunk) = reader.next().await? else { return Err(Fault::Gone) };
                chunk.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                left -= chunk.len() as u64;
                body.push(chunk).await;
            }
        }
        if let Some(Out::Stream(name, next)) = streams.next() {
            body = body.next(|line| line, name.item(), len(&next));
            ranges = next;
        } else {
            body.end(|line| line);
            return Ok(());
        }
    }
}

/// All of a row but what is streamed.
struct Head<'a> {
    command: &'a command::Fetch,
    row: &'a MessageRow,
    derived: Option<&'a Derived>,
    is_seen_now: bool,
    outs: Vec<Out>,
}

impl Head<'_> {
    fn write(self, mut line: Row<'_>) -> Row<'_> {
        let items = &self.command.items;
        for item in items {
            line = match item {
                // UID FETCH begins with it by itself.
                FetchItem::Uid if !self.command.uid => line.uid(),
                item => plain(line, item, self.row, self.derived),
            };
        }
        if self.is_seen_now && !items.contains(&FetchItem::Flags) {
            line = line.flags(&convert::flags(&self.row.flags));
        }
        for out in self.outs {
            line = in_memory(line, out);
        }
        line
    }
}

/// An item that needs nothing but the row.
fn plain<'s>(line: Row<'s>, item: &FetchItem, row: &MessageRow, derived: Option<&Derived>) -> Row<'s> {
    match item {
        FetchItem::Flags => line.flags(&convert::flags(&row.flags)),
        FetchItem::InternalDate => match convert::date_time(row.internal_date) {
            Some(date) => line.internal_date(date),
            None => line,
        },
        FetchItem::SaveDate => line.save_date(convert::date_time(row.saved_date)),
        FetchItem::Size => line.size(row.size),
        FetchItem::ModSeq => match convert::mod_seq(row.modseq) {
            Some(mod_seq) => line.mod_seq(mod_seq),
            None => line,
        },
        FetchItem::EmailId => line.email_id(&row.email_id()),
        FetchItem::ThreadId => line.thread_id(None),
        FetchItem::Envelope => derived.map(|known| &known.envelope).map_printed(line),
        FetchItem::BodyStructure => derived.map(|known| &known.extended).map_printed(line),
        FetchItem::Body => derived.map(|known| &known.plain).map_printed(line),
        FetchItem::Preview { .. } => line.preview(derived.map(|known| &*known.preview)),
        _ => line,
    }
}

/// Whether an item is worked out of the message, and kept. A preview that shall cost nothing is told if it is there (RFC 8970 section
/// 3.2).
fn is_derived(item: &FetchItem) -> bool {
    matches!(
        item,
        FetchItem::Envelope | FetchItem::Body | FetchItem::BodyStructure | FetchItem::Preview { lazy: false }
    )
}

/// Adds what is printed already.
trait Printed {
    fn map_printed(self, line: Row<'_>) -> Row<'_>;
}

impl Printed for Option<&Bytes> {
    fn map_printed(self, line: Row<'_>) -> Row<'_> {
        match self {
            Some(printed) => line.printed(printed),
            None => line,
        }
    }
}

/// A section of a message, if the item is one.
async fn section(content: &mut Content<'_>, item: &FetchItem) -> Result<Option<Out>, Fault> {
    Ok(match item {
        FetchItem::Section { section, partial, .. } => {
            let origin = partial.map(|partial| partial.offset);
            match content.locate(section, *partial).await? {
                Some(ranges) if len(&ranges) <= IN_MEMORY => {
                    Some(Out::Section(section.clone(), origin, Some(content.octets(&ranges).await?)))
                }
                Some(ranges) => Some(Out::Stream(Name::Section(section.clone(), origin), ranges)),
                None => Some(Out::Section(section.clone(), origin, None)),
            }
        }
        FetchItem::Rfc822 => rfc822(content, SectionText::Whole).await?,
        FetchItem::Rfc822Header => rfc822(content, SectionText::Header).await?,
        FetchItem::Rfc822Text => rfc822(content, SectionText::Text).await?,
        FetchItem::Binary { part, partial, .. } => {
            let decoded = decoded(content, part).await?;
            let origin = partial.map(|partial| partial.offset);
            Some(Out::Binary(part.clone(), origin, decoded.map(|octets| cut(octets, *partial))))
        }
        FetchItem::BinarySize { part } => {
            let size = decoded(content, part).await?.map_or(0, |octets| octets.len() as u64);
            Some(Out::BinarySize(part.clone(), size))
        }
        _ => None,
    })
}

async fn rfc822(content: &mut Content<'_>, text: SectionText) -> Result<Option<Out>, Fault> {
    let Ok(section) = Section::new(Vec::new(), text) else { return Ok(None) };
    let ranges = content.locate(&section, None).await?.unwrap_or_default();
    if len(&ranges) > IN_MEMORY {
        return Ok(Some(Out::Stream(Name::Rfc822(section), ranges)));
    }
    Ok(Some(Out::Rfc822(section, content.octets(&ranges).await?)))
}

/// A part with its transfer encoding undone; `None`: there is no such part.
async fn decoded(content: &mut Content<'_>, part: &[NonZeroU32]) -> Result<Option<Bytes>, Fault> {
    let whole = content.whole().await?;
    let part: Vec<u32> = part.iter().map(|number| number.get()).collect();
    match Message::parse(&whole).binary(&part) {
        Some(Ok(octets)) => Ok(Some(Bytes::copy_from_slice(&octets))),
        Some(Err(_)) => Err(Fault::No(No::unknown_cte())),
        None => Ok(None),
    }
}

fn cut(octets: Bytes, partial: Option<Partial>) -> Bytes {
    let Some(partial) = partial else { return octets };
    let start = usize::try_from(partial.offset).unwrap_or(usize::MAX).min(octets.len());
    let end = start.saturating_add(usize::try_from(partial.len).unwrap_or(usize::MAX)).min(octets.len());
    octets.slice(start..end)
}

fn in_memory(line: Row<'_>, out: Out) -> Row<'_> {
    match out {
        Out::Section(section, origin, octets) => line.section(&section, origin, octets),
        Out::Rfc822(section, octets) => line.rfc822(&section, &octets),
        Out::Binary(part, origin, octets) => line.binary(&part, origin, octets.as_deref()),
        Out::BinarySize(part, size) => line.binary_size(&part, size),
        Out::Stream(..) => line,
    }
}
