//! The octets of one message, as much of them as is asked for.

use bytes::{Bytes, BytesMut};
use postroad_imap::types::{Partial, Section, SectionText};
use postroad_message::Message;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::store::mailboxes::Mailbox;
use crate::store::{MessageReader, Store, StoreError};

/// What is read of a message at once; the store has it at hand with its row.
const HEAD: u64 = 64 * 1024;
/// What all connections may hold of messages that are taken apart in memory, in MiB.
const MEMORY: u32 = 256;
static WHOLE: Semaphore = Semaphore::const_new(MEMORY as usize);

/// A message of the store, read as it is needed.
#[derive(Debug)]
pub(super) struct Content<'a> {
    store: &'a Store,
    mailbox: Mailbox,
    uid: u32,
    reader: Option<MessageReader>,
    whole: Option<Whole>,
}

/// A message that is in memory, and its share of what may be.
#[derive(Debug)]
struct Whole {
    octets: Bytes,
    _share: Option<SemaphorePermit<'static>>,
}

impl<'a> Content<'a> {
    pub(super) fn new(store: &'a Store, mailbox: Mailbox, uid: u32) -> Self {
        Self { store, mailbox, uid, reader: None, whole: None }
    }

    pub(super) async fn reader(&mut self) -> Result<&mut MessageReader, StoreError> {
        let reader = match self.reader.take() {
            Some(reader) => reader,
            None => self.store.read_message(&self.mailbox, self.uid).await?,
        };
        Ok(self.reader.insert(reader))
    }

    /// The whole message in memory. A large one waits until there is room for it.
    pub(super) async fn whole(&mut self) -> Result<Bytes, StoreError> {
        if let Some(whole) = &self.whole {
            return Ok(whole.octets.clone());
        }
        let size = self.reader().await?.size();
        let mib = u32::try_from(size >> 20).unwrap_or(u32::MAX).min(MEMORY);
        let share = match mib {
            0 => None,
            mib => Some(WHOLE.acquire_many(mib).await.map_err(|_| StoreError::Closed)?),
        };
        let octets = self.reader().await?.read_range(0, size).await?;
        self.whole = Some(Whole { octets: octets.clone(), _share: share });
        Ok(octets)
    }

    /// Gives the memory back, before the slow part.
    pub(super) fn forget_whole(&mut self) {
        self.whole = None;
    }

    /// Octets that surely have the header, and whether they are the whole message.
    pub(super) async fn with_header(&mut self) -> Result<Bytes, StoreError> {
        let reader = self.reader().await?;
        let size = reader.size();
        let head = reader.read_range(0, size.min(HEAD)).await?;
        let is_whole = head.len() as u64 == size;
        if is_whole || header_end(&head) < head.len() { Ok(head) } else { self.whole().await }
    }

    /// Where a section is in the message; `None`: there is no such part.
    pub(super) async fn locate(
        &mut self,
        section: &Section,
        partial: Option<Partial>,
    ) -> Result<Option<Vec<Span>>, StoreError> {
        let size = self.reader().await?.size();
        let spans = match section.text() {
            SectionText::Whole if section.part().is_empty() => Some(vec![Span { from: 0, to: size }]),
            SectionText::Text if section.part().is_empty() => {
                let head = self.with_header().await?;
                Some(vec![Span { from: header_end(&head) as u64, to: size }])
            }
            _ => {
                let octets =
                    if section.part().is_empty() { self.with_header().await? } else { self.whole().await? };
                postroad_imap::message::section(&Message::parse(&octets), section, None).map(|located| {
                    located
                        .ranges()
                        .iter()
                        .map(|range| Span { from: range.start as u64, to: range.end as u64 })
                        .collect()
                })
            }
        };
        Ok(spans.map(|spans| match partial {
            Some(partial) => cut(spans, partial),
            None => spans,
        }))
    }

    /// The octets of some spans, in memory.
    pub(super) async fn octets(&mut self, spans: &[Span]) -> Result<Bytes, StoreError> {
        let reader = self.reader().await?;
        match spans {
            [] => Ok(Bytes::new()),
            [span] => reader.read_range(span.from, span.to).await,
            spans => {
                let mut octets = BytesMut::new();
                for span in spans {
                    octets.extend_from_slice(&reader.read_range(span.from, span.to).await?);
                }
                Ok(octets.freeze())
            }
        }
    }
}

/// Octets of a message: from one to before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: u64,
    pub(super) to: u64,
}

/// Where the body begins.
fn header_end(octets: &[u8]) -> usize {
    let header = postroad_message::Section::new(&[], postroad_message::SectionText::Header);
    let ranges = Message::parse(octets).section(&header);
    ranges.and_then(|ranges| Some(ranges.ranges().last()?.end)).unwrap_or(0)
}

/// The octets that `<origin.length>` asks for.
fn cut(spans: Vec<Span>, partial: Partial) -> Vec<Span> {
    let (mut skip, mut left) = (partial.offset, partial.len);
    let mut kept = Vec::with_capacity(spans.len());
    for span in spans {
        let from = span.from + skip.min(span.to - span.from);
        skip -= from - span.from;
        let to = span.to.min(from.saturating_add(left));
        left -= to - from;
        if from < to {
            kept.push(Span { from, to });
        }
    }
    kept
}

/// How many octets they are.
pub(super) fn len(spans: &[Span]) -> u64 {
    spans.iter().map(|span| span.to - span.from).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_fetches_cut_across_ranges() {
        let span = |(from, to)| Span { from, to };
        let of = |offset, len| {
            let spans = cut([(10, 20), (30, 35)].map(span).to_vec(), Partial { offset, len });
            spans.iter().map(|span| (span.from, span.to)).collect::<Vec<_>>()
        };
        assert_eq!(of(0, 100), [(10, 20), (30, 35)]);
        assert_eq!(of(0, 5), [(10, 15)]);
        assert_eq!(of(8, 4), [(18, 20), (30, 32)]);
        assert_eq!(of(12, 100), [(32, 35)]);
        assert_eq!(of(15, 1), []);
        assert_eq!(of(u64::MAX, u64::MAX), []);
    }

    #[test]
    fn the_header_ends_behind_its_blank_line() {
        assert_eq!(header_end(b"A: b\r\n\r\nbody"), 8);
        assert_eq!(header_end(b"A: b\r\n"), 6);
        assert_eq!(header_end(b""), 0);
    }
}
