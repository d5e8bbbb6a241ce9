//! SEARCH (RFC 9051 section 6.4.4): what is known of a message decides first, and only what needs its text reads it.

use std::cell::Cell;
use std::sync::Arc;

use bytes::Bytes;
use postroad_imap::command::{SearchKey, SearchKeys, SearchReturn};
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
    let mut matching = Matching::new(store, open, &command.keys, command.charset.as_ref(), None)?;
    let mut uids = Vec::new();
    let mut greatest = Greatest::default();
    while let Some(batch) = matching.next().await? {
        for row in batch {
            if uids.is_empty() {
                greatest.first = row.modseq;
            }
            uids.push(row.uid);
            greatest.last = row.modseq;
            greatest.all = greatest.all.max(row.modseq);
        }
    }
    let mod_seq = asks_mod_seq(&command.keys).then(|| greatest.told(command.return_options.as_ref()));
    Ok(Found { uids, mod_seq })
}

/// Whether the answer tells a modification sequence (RFC 7162 section 3.1.5).
pub(super) fn asks_mod_seq(keys: &SearchKeys) -> bool {
    keys.as_slice().iter().any(|key| matches!(key, SearchKey::ModSeq { .. }))
}

/// Modification sequences of what was found: of the first, the last, and the greatest of all.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Greatest {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) all: u64,
}

impl Greatest {
    /// The one that the answer tells.
    pub(super) fn told(self, returns: Option<&SearchReturn>) -> ModSeq {
        let of = |mod_seq| convert::mod_seq(mod_seq).unwrap_or_default();
        let (first, last, all) = (of(self.first), of(self.last), of(self.all));
        returns.map_or(all, |returns| returns.mod_seq(first, last, all))
    }
}

/// The messages that match, in ascending order of their UIDs.
pub(super) struct Matching<'a> {
    store: &'a Store,
    open: &'a Open,
    program: Arc<SearchProgram>,
    context: Context,
    needs_body: bool,
    rows: mailboxes::Rows,
}

impl<'a> Matching<'a> {
    pub(super) fn new(
        store: &'a Store,
        open: &'a Open,
        keys: &SearchKeys,
        charset: Option<&Bytes>,
        derived: Option<u32>,
    ) -> Result<Self, No> {
        let program = Arc::new(SearchProgram::new(keys.clone(), charset.map(|charset| &charset[..]))?);
        let needs_body =
            keys.as_slice().iter().any(|key| matches!(key, SearchKey::Body(_) | SearchKey::Text(_)));
        let choice = Choice { uids: within(keys), changed_since: None, derived };
        let rows = store.message_rows(&open.mailbox, choice);
        let context = Context { last_uid: u32::MAX, now: Time::now() };
        Ok(Self { store, open, program, context, needs_body, rows })
    }

    /// The next of them, which may be none; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<MessageRow>>, No> {
        let Some(batch) = self.rows.next().await.map_err(|error| convert::no(&error))? else {
            return Ok(None);
        };
        let mut matching = Vec::new();
        for row in batch {
            if self.matches(&row).await? {
                matching.push(row);
            }
        }
        Ok(Some(matching))
    }

    async fn matches(&self, row: &MessageRow) -> Result<bool, No> {
        // A candidate is not kept across an await.
        let (matches, is_asked) = {
            let by_row = Candidate::new(row, None);
            (self.program.matches(&by_row, &self.context.of()), by_row.is_asked.get())
        };
        if !is_asked {
            return Ok(matches);
        }
        let mut content = Content::new(self.store, self.open.mailbox, row.uid);
        let octets = if self.needs_body { content.whole().await } else { content.with_header().await };
        match octets {
            Ok(octets) => Ok(text_matches(&self.program, self.context, row, octets).await),
            // Gone while it was searched.
            Err(StoreError::NotFound) => Ok(false),
            Err(error) => Err(convert::no(&error)),
        }
    }
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

/// The UIDs to look at: those of the keys that all must match, else all.
fn within(keys: &SearchKeys) -> mailboxes::UidSet {
    use postroad_imap::types::Messages;
    let keys = keys.as_slice();
    let mut within = mailboxes::UidSet::all();
    // The first key, or the first of those that all must match, and so on.
    let first = keys.iter().skip_while(|key| matches!(key, SearchKey::And(_)));
    for key in first {
        let SearchKey::Uid(Messages::Set(set)) = key else { break };
        within = within.intersection(&set.normalise(u32::MAX).into_iter().collect());
        if !matches!(keys.first(), Some(SearchKey::And(_))) {
            break;
        }
    }
    within
}

#[cfg(test)]
mod tests {
    use super::*;
    use postroad_imap::command::{Command, CommandBody, ParseOptions};

    fn within_of(search: &str) -> Vec<(u32, u32)> {
        let line = Bytes::from(format!("a SEARCH {search}"));
        match Command::parse(&line, &ParseOptions::default()).unwrap().body {
            CommandBody::Search(search) => within(&search.keys).ranges().to_vec(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn uids_that_all_must_match_are_all_that_is_read() {
        let all = vec![(1, u32::MAX)];
        assert_eq!(within_of("UID 3:5"), [(3, 5)]);
        assert_eq!(within_of("UID 3:5 SEEN"), [(3, 5)]);
        assert_eq!(within_of("UID 1:9 UID 5:20 SEEN"), [(5, 9)]);
        assert_eq!(within_of("(UID 1:9) SEEN"), [(1, 9)]);
        assert_eq!(within_of("SEEN UID 3:5"), all);
        assert_eq!(within_of("OR UID 3 UID 5"), all);
        assert_eq!(within_of("NOT UID 3"), all);
        assert_eq!(within_of("ALL"), all);
    }
}
