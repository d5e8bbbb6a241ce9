//! The maildrop of a session: which messages there are, which are marked, and the rows of LIST and UIDL.

use crate::types::{DropListing, Maildrop, MaildropMessage, MessageNumber, ScanListing, UniqueIdListing};
use core::fmt::Write;
use postroad_core::Output;

/// A maildrop and its marks. Numbers never change; what is marked is left out of everything (RFC 1939 section 5).
#[derive(Debug)]
pub(super) struct Marked {
    maildrop: Maildrop,
    deleted: Vec<bool>,
    left: DropListing,
    all: DropListing,
}

/// Why a message cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoMessage {
    Deleted,
    Beyond { messages: u32 },
}

impl Marked {
    pub(super) fn new(maildrop: Maildrop) -> Self {
        let messages = u32::try_from(maildrop.len()).unwrap_or(u32::MAX);
        let all = DropListing { messages, octets: maildrop.octets() };
        Self { deleted: vec![false; maildrop.len()], maildrop, left: all, all }
    }

    /// What is not marked.
    pub(super) fn left(&self) -> DropListing {
        self.left
    }

    /// The message, if it is there and not marked.
    pub(super) fn get(&self, number: MessageNumber) -> Result<&MaildropMessage, NoMessage> {
        let index = number.index();
        match (self.maildrop.messages().get(index), self.deleted.get(index)) {
            (Some(message), Some(false)) => Ok(message),
            (Some(_), _) => Err(NoMessage::Deleted),
            (None, _) => Err(NoMessage::Beyond { messages: self.all.messages }),
        }
    }

    pub(super) fn mark(&mut self, number: MessageNumber) -> Result<(), NoMessage> {
        let octets = self.get(number)?.octets;
        if let Some(mark) = self.deleted.get_mut(number.index()) {
            *mark = true;
        }
        self.left.messages = self.left.messages.saturating_sub(1);
        self.left.octets = self.left.octets.saturating_sub(octets);
        Ok(())
    }

    pub(super) fn unmark_all(&mut self) {
        self.deleted.fill(false);
        self.left = self.all;
    }

    pub(super) fn marked(&self) -> Vec<MessageNumber> {
        let marked = self.deleted.iter().enumerate().filter(|(_, deleted)| **deleted);
        marked.filter_map(|(index, _)| MessageNumber::from_index(index)).collect()
    }
}

/// Rows on their way out. They are written as fast as they are read, so that a large maildrop is not printed into memory.
#[derive(Debug)]
pub(super) struct Rows {
    unique_ids: bool,
    next: usize,
}

impl Rows {
    pub(super) fn new(unique_ids: bool) -> Self {
        Self { unique_ids, next: 0 }
    }

    /// Writes rows until the output is full; `true`: all are written, and the end.
    pub(super) fn write(&mut self, marked: &Marked, output: &mut Output) -> bool {
        while let Some(number) = MessageNumber::from_index(self.next) {
            if output.is_full() {
                return false;
            }
            match marked.get(number) {
                Ok(message) => self.row(number, message, output),
                Err(NoMessage::Deleted) => {}
                Err(NoMessage::Beyond { .. }) => break,
            }
            self.next += 1;
        }
        output.text(b".\r\n");
        true
    }

    /// Neither kind of row can begin with a dot.
    fn row(&self, number: MessageNumber, message: &MaildropMessage, output: &mut Output) {
        // An `Output` takes whatever is written.
        let _ = if self.unique_ids {
            write!(output, "{}\r\n", UniqueIdListing { number, unique_id: message.unique_id.clone() })
        } else {
            write!(output, "{}\r\n", ScanListing { number, octets: message.octets })
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::UniqueId;

    fn marked(sizes: &[u64]) -> Marked {
        let mut maildrop = Maildrop::new();
        for (uid, octets) in (1..).zip(sizes) {
            maildrop.push(*octets, UniqueId::from_uid(1, uid));
        }
        Marked::new(maildrop)
    }

    #[test]
    fn marks_are_made_and_taken_back() {
        let number = |n| MessageNumber::new(n).unwrap();
        let mut marked = marked(&[120, 200, 7]);
        marked.mark(number(2)).unwrap();
        assert_eq!(marked.left(), DropListing { messages: 2, octets: 127 });
        assert_eq!(marked.mark(number(2)), Err(NoMessage::Deleted));
        assert_eq!(marked.mark(number(4)), Err(NoMessage::Beyond { messages: 3 }));
        assert_eq!(marked.get(number(3)).unwrap().octets, 7);
        assert_eq!(marked.marked(), [number(2)]);
        marked.unmark_all();
        assert_eq!(marked.left(), DropListing { messages: 3, octets: 327 });
        assert!(marked.marked().is_empty());
    }

    #[test]
    fn rows_stop_at_the_high_water_mark() {
        let marked = marked(&vec![1; 10_000]);
        let mut rows = Rows::new(true);
        let mut output = Output::new(1000);
        let mut all = Vec::new();
        while !rows.write(&marked, &mut output) {
            assert!(output.len() < 1100);
            while let Some(octets) = output.pop() {
                all.extend_from_slice(&octets);
            }
        }
        all.extend_from_slice(&output.pop().unwrap());
        assert_eq!(all.split(|octet| *octet == b'\n').count(), 10_002);
        assert!(all.ends_with(b"10000 1.10000\r\n.\r\n"));
    }
}
