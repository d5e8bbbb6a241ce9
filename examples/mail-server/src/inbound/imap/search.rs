//! SEARCH (RFC 9051 section 6.4.4): what is known of a message decides first, and only what needs its text reads it.

use std::cell::Cell;
use std::sync::Arc;

use bytes::Bytes;
use postroad_imap::command::{self, SearchKey};
use postroad_imap::message::{SearchContext, SearchProgram, SearchSource};
use postroad_imap::response::No;
use postroad_imap::server::Search;
use postroad_imap::types::{DateTime, Flag, ModSeq, UidSet};
use postroad_message::Message;
use postroad_tokio::imap::Found;

use super::Open;
use super::convert;
use super::sections::Content;
use crate::store::mailboxes::{self, Choice, MessageRow};
use crate::store::{Store, StoreError};
use crate::time::Time;

/// Larger messages are searched on a thread for such work, so that others are not kept waiting.
const LARGE: usize = 256 * 1024;

/// One message, as the keys ask for it.
struct Candidate<'a> {
    row: &'a MessageRow,
    flags: Vec<Flag>,
    email_id: String,
    internal_date: DateTime,
    message: Option<Message<'a>>,
    /// The text was asked for.
    is_asked: Cell<bool>,
}

impl<'a> Candidate<'a> {
    fn new(row: &'a MessageRow, message: Option<Message<'a>>) -> Self {
        Self {
            row,
            flags: convert::flags(&row.flags),
            email_id: row.email_id(),
            internal_date: convert::any_date_time(row.internal_date),
            message,
            is_asked: Cell::new(false),
        }
    }
}

impl SearchSource for Candidate<'_> {
    fn number(&self) -> u32 {
        // The session has put UIDs in the place of numbers.
        0
    }

    fn uid(&self) -> u32 {
        self.row.uid
    }

    fn has_flag(&self, flag: &Flag) -> bool {
        self.flags.contains(flag)
    }

    fn internal_date(&self) -> DateTime {
        self.internal_date
    }

    fn size(&self) -> u64 {
        self.row.size
    }

    fn message(&self) -> Option<&Message<'_>> {
        self.is_asked.set(true);
        self.message.as_ref()
    }

    fn mod_seq(&self) -> ModSeq {
        convert::mod_seq(self.row.modseq).unwrap_or_default()
    }

    fn save_date(&self) -> Option<DateTime> {
        convert::date_time(self.row.saved_date)
    }

    fn email_id(&self) -> Option<&str> {
        Some(&self.email_id)
    }
}

pub(super) async fn search(store: &Store, open: &Open, search: &Search) -> Result<Found, No> {
    let command = search.command();
    let program = Arc::new(SearchProgram::new(command.keys.clone(), command.charset.as_deref())?);
    let context = Context { last_uid: u32::MAX, now: Time::now() };
    let needs_body =
        command.keys.as_slice().iter().any(|key| matches!(key, SearchKey::Body(_) | SearchKey::Text(_)));
    let wants_mod_seq = command.keys.as_slice().iter().any(|key| matches!(key, SearchKey::ModSeq { .. }));
    let choice = Choice { uids: within(command), changed_since: None, derived: None };
    let mut rows = store.message_rows(&open.mailbox, choice);
    let mut found = Found::default();
    while let Some(batch) = rows.next().await.map_err(|error| convert::no(&error))? {
        for row in batch {
            let by_row = Candidate::new(&row, None);
            let mut matches = program.matches(&by_row, &context.of());
            if by_row.is_asked.get() {
                let mut content = Content::new(store, open.mailbox, row.uid);
                let octets = if needs_body { content.whole().await } else { content.with_header().await };
                matches = match octets {
                    Ok(octets) => text_matches(&program, context, &row, octets).await,
                    // Gone while it was searched.
                    Err(StoreError::NotFound) => false,
                    Err(error) => return Err(convert::no(&error)),
                };
            }
            if matches {
                found.uids.push(row.uid);
                if wants_mod_seq {
                    found.mod_seq = found.mod_seq.max(convert::mod_seq(row.modseq));
                }
            }
        }
    }
    Ok(found)
}

#[derive(Debug, Clone, Copy)]
struct Context {
    last_uid: u32,
    now: Time,
}

impl Context {
    fn of(&self) -> SearchContext<'static> {
        // The session has put UIDs in the place of `$`.
        static SAVED: UidSet = UidSet::new();
        SearchContext {
            last_number: 0,
            last_uid: self.last_uid,
            saved: &SAVED,
            now: self.now.seconds(),
            save_dates: true,
        }
    }
}

async fn text_matches(
    program: &Arc<SearchProgram>,
    context: Context,
    row: &MessageRow,
    octets: Bytes,
) -> bool {
    if octets.len() < LARGE {
        let candidate = Candidate::new(row, Some(Message::parse(&octets)));
        return program.matches(&candidate, &context.of());
    }
    let (program, row) = (Arc::clone(program), row.clone());
    let searched = tokio::task::spawn_blocking(move || {
        let candidate = Candidate::new(&row, Some(Message::parse(&octets)));
        program.matches(&candidate, &context.of())
    });
    searched.await.unwrap_or(false)
}

/// The UIDs to look at: those of a key that all must match, else all.
fn within(command: &command::Search) -> mailboxes::UidSet {
    use postroad_imap::types::Messages;
    let keys = command.keys.as_slice();
    // The first key, or the first of those that all must match.
    let ([SearchKey::And(_), first, ..] | [first, ..]) = keys else {
        return mailboxes::UidSet::all();
    };
    match first {
        SearchKey::Uid(Messages::Set(set)) => set.normalise(u32::MAX).into_iter().collect(),
        _ => mailboxes::UidSet::all(),
    }
}
