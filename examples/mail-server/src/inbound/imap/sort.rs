//! SORT and THREAD (RFC 5256).

use bytes::Bytes;
use postroad_imap::command::{SortKey, ThreadAlgorithm};
use postroad_imap::message::{SortEntry, ThreadEntry, ordered_subject, references};
use postroad_imap::response::{No, ThreadResponse};
use postroad_imap::server::{Sort, Thread};
use postroad_tokio::imap::Found;

use super::Open;
use super::convert;
use super::derived::{Derived, FORMAT, plain_entry};
use super::search::{Greatest, Matching, asks_mod_seq};
use super::sections::Content;
use crate::store::mailboxes::MessageRow;
use crate::store::{Store, StoreError};

/// So many are put in order at once; more on a thread for such work.
const FEW: usize = 2000;

pub(super) async fn sort(store: &Store, open: &Open, sort: &Sort) -> Result<Found, No> {
    let command = sort.command();
    let criteria = command.criteria.clone();
    let needs_message = criteria.iter().any(|criterion| needs_message(criterion.key));
    let format = needs_message.then_some(FORMAT);
    let mut matching = Matching::new(store, open, &command.keys, Some(&command.charset), format)?;
    let mut entries: Vec<SortEntry> = Vec::new();
    let mut mod_seqs: Vec<(u32, u64)> = Vec::new();
    let wants_mod_seq = asks_mod_seq(&command.keys);
    while let Some(batch) = matching.next().await? {
        if wants_mod_seq {
            mod_seqs.extend(batch.iter().map(|row| (row.uid, row.modseq)));
        }
        if !needs_message {
            entries.extend(batch.iter().map(plain_entry));
            continue;
        }
        each(store, open, batch, |row, derived| entries.push(derived.sort_entry(row, &criteria))).await?;
    }
    let uids = on_a_thread(entries, move |mut entries| {
        postroad_imap::message::sort(&mut entries, &criteria);
        entries.iter().map(|entry| entry.uid).collect::<Vec<u32>>()
    })
    .await?;
    let mod_seq_of = |uid: Option<&u32>| {
        let at = mod_seqs.binary_search_by_key(uid?, |(uid, _)| *uid).ok()?;
        mod_seqs.get(at).map(|(_, mod_seq)| *mod_seq)
    };
    let greatest = Greatest {
        first: mod_seq_of(uids.first()).unwrap_or(0),
        last: mod_seq_of(uids.last()).unwrap_or(0),
        all: mod_seqs.iter().map(|(_, mod_seq)| *mod_seq).max().unwrap_or(0),
    };
    let mod_seq = wants_mod_seq.then(|| greatest.told(command.return_options.as_ref()));
    Ok(Found { uids, mod_seq })
}

pub(super) async fn thread(store: &Store, open: &Open, thread: &Thread) -> Result<ThreadResponse, No> {
    let command = thread.command();
    let by_references = matches!(command.algorithm, ThreadAlgorithm::References);
    let mut matching = Matching::new(store, open, &command.keys, Some(&command.charset), Some(FORMAT))?;
    let mut entries: Vec<ThreadEntry> = Vec::new();
    while let Some(batch) = matching.next().await? {
        each(store, open, batch, |row, derived| entries.push(derived.thread_entry(row))).await?;
    }
    on_a_thread(
        entries,
        move |entries| {
            if by_references { references(&entries) } else { ordered_subject(entries) }
        },
    )
    .await
}

/// Whether a criterion looks into the message.
fn needs_message(key: SortKey) -> bool {
    !matches!(key, SortKey::Arrival | SortKey::Size)
}

/// What is worked out of each message; what was not kept is worked out now, and kept.
async fn each(
    store: &Store,
    open: &Open,
    batch: Vec<MessageRow>,
    mut take: impl FnMut(&MessageRow, Derived),
) -> Result<(), No> {
    let mut worked_out: Vec<(u32, Bytes)> = Vec::new();
    for mut row in batch {
        let derived = match row.derived.take().and_then(Derived::from_bytes) {
            Some(derived) => derived,
            None => match Content::new(store, open.mailbox, row.uid).whole().await {
                Ok(octets) => {
                    let derived = Derived::of(&octets);
                    worked_out.push((row.uid, derived.to_bytes()));
                    derived
                }
                // Gone meanwhile.
                Err(StoreError::NotFound) => continue,
                Err(error) => return Err(convert::no(&error)),
            },
        };
        take(&row, derived);
    }
    keep(store, open, worked_out).await;
    Ok(())
}

/// Keeps what was worked out of messages.
pub(super) async fn keep(store: &Store, open: &Open, worked_out: Vec<(u32, Bytes)>) {
    if !worked_out.is_empty()
        && let Err(error) = store.put_derived(&open.mailbox, FORMAT, worked_out).await
    {
        // It will be worked out again.
        tracing::warn!(%error, "what was worked out of messages cannot be kept");
    }
}

/// Puts entries in order without keeping others waiting.
async fn on_a_thread<E: Send + 'static, T: Send + 'static>(
    entries: Vec<E>,
    work: impl FnOnce(Vec<E>) -> T + Send + 'static,
) -> Result<T, No> {
    if entries.len() <= FEW {
        return Ok(work(entries));
    }
    tokio::task::spawn_blocking(move || work(entries)).await.map_err(|_| No::server_bug())
}
