//! What is worked out of a message once, and kept in the store: ENVELOPE, BODYSTRUCTURE, PREVIEW, and what SORT and THREAD compare.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use postroad_imap::command::{SortCriterion, SortKey};
use postroad_imap::message::{SortEntry, ThreadEntry};
use postroad_message::Message;

use super::convert;
use crate::store::mailboxes::MessageRow;

/// How it is laid out: 2 has PREVIEW and what SORT and THREAD compare.
pub(super) const FORMAT: u32 = 2;

/// How many ancestors of a message are kept; more than any mail program writes. The last ones are the nearest.
const MAX_REFERENCES: usize = 256;

/// What is worked out of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Derived {
    /// ENVELOPE, as it is sent.
    pub(super) envelope: Bytes,
    /// BODYSTRUCTURE, as it is sent.
    pub(super) extended: Bytes,
    /// BODY, as it is sent.
    pub(super) plain: Bytes,
    /// PREVIEW.
    pub(super) preview: Box<str>,
    /// When it was sent, in seconds since 1970, if it says so.
    sent: Option<i64>,
    is_reply: bool,
    /// The base subject; From, To and Cc by address; From and To as they are shown. All folded.
    sorted_by: [Box<str>; 6],
    /// Its own Message-ID.
    id: Option<Box<str>>,
    references: Vec<Box<str>>,
}

impl Derived {
    pub(super) fn of(octets: &[u8]) -> Self {
        let message = Message::parse(octets);
        let print = |name: &str, print: &dyn Fn(&mut BytesMut)| {
            let mut out = BytesMut::from(name);
            print(&mut out);
            out.freeze()
        };
        let envelope = postroad_imap::message::envelope(&message);
        let structure = postroad_imap::message::body_structure(&message);
        let unknown = convert::any_date_time(crate::time::Time(0));
        let SortEntry { subject, from, to, cc, display_from, display_to, .. } =
            SortEntry::new(0, 0, unknown, 0, &message);
        let ThreadEntry { id, mut references, is_reply, .. } = ThreadEntry::new(0, unknown, &message);
        references.drain(..references.len().saturating_sub(MAX_REFERENCES));
        Self {
            envelope: print("ENVELOPE ", &|out| envelope.encode(out, false)),
            extended: print("BODYSTRUCTURE ", &|out| structure.encode(out, true, false)),
            plain: print("BODY ", &|out| structure.encode(out, false, false)),
            preview: postroad_imap::message::preview(&message).into(),
            sent: message.header().sent_date().map(|date| date.timestamp()),
            is_reply,
            sorted_by: [subject, from, to, cc, display_from, display_to],
            id,
            references,
        }
    }

    /// To be kept: each with its length before it.
    pub(super) fn to_bytes(&self) -> Bytes {
        let mut out = BytesMut::new();
        for part in [&self.envelope, &self.extended, &self.plain] {
            put(&mut out, part);
        }
        put(&mut out, self.preview.as_bytes());
        out.put_u8(u8::from(self.sent.is_some()));
        out.put_i64(self.sent.unwrap_or(0));
        out.put_u8(u8::from(self.is_reply));
        self.sorted_by.iter().for_each(|text| put(&mut out, text.as_bytes()));
        out.put_u8(u8::from(self.id.is_some()));
        put(&mut out, self.id.as_deref().unwrap_or_default().as_bytes());
        self.references.iter().for_each(|id| put(&mut out, id.as_bytes()));
        out.freeze()
    }

    pub(super) fn from_bytes(mut kept: Bytes) -> Option<Self> {
        let (envelope, extended, plain) = (take(&mut kept)?, take(&mut kept)?, take(&mut kept)?);
        let preview = text(&mut kept)?;
        let has_sent = kept.try_get_u8().ok()? == 1;
        let sent = Some(kept.try_get_i64().ok()?).filter(|_| has_sent);
        let is_reply = kept.try_get_u8().ok()? == 1;
        let mut sorted_by: [Box<str>; 6] = Default::default();
        for one in &mut sorted_by {
            *one = text(&mut kept)?;
        }
        let has_id = kept.try_get_u8().ok()? == 1;
        let id = Some(text(&mut kept)?).filter(|_| has_id);
        let mut references = Vec::new();
        while !kept.is_empty() {
            references.push(text(&mut kept)?);
        }
        Some(Self { envelope, extended, plain, preview, sent, is_reply, sorted_by, id, references })
    }

    /// What SORT by these criteria has to know of the message; what they do not need takes no memory.
    pub(super) fn sort_entry(self, row: &MessageRow, criteria: &[SortCriterion]) -> SortEntry {
        let mut entry = plain_entry(row);
        entry.date = self.sent.unwrap_or(entry.arrival);
        let [subject, from, to, cc, display_from, display_to] = self.sorted_by;
        for criterion in criteria {
            match criterion.key {
                SortKey::Subject => entry.subject.clone_from(&subject),
                SortKey::From => entry.from.clone_from(&from),
                SortKey::To => entry.to.clone_from(&to),
                SortKey::Cc => entry.cc.clone_from(&cc),
                SortKey::DisplayFrom => entry.display_from.clone_from(&display_from),
                SortKey::DisplayTo => entry.display_to.clone_from(&display_to),
                _ => {}
            }
        }
        entry
    }

    /// What THREAD has to know of it.
    pub(super) fn thread_entry(self, row: &MessageRow) -> ThreadEntry {
        let [subject, ..] = self.sorted_by;
        ThreadEntry {
            number: row.uid,
            date: self.sent.unwrap_or_else(|| row.internal_date.seconds()),
            id: self.id,
            references: self.references,
            subject,
            is_reply: self.is_reply,
        }
    }
}

/// What SORT has to know when it asks for nothing of the message itself.
pub(super) fn plain_entry(row: &MessageRow) -> SortEntry {
    let arrival = row.internal_date.seconds();
    // Numbers and UIDs have the same order.
    SortEntry {
        number: row.uid,
        uid: row.uid,
        arrival,
        date: arrival,
        size: row.size,
        ..SortEntry::default()
    }
}

fn put(out: &mut BytesMut, octets: &[u8]) {
    out.put_u32(u32::try_from(octets.len()).unwrap_or(u32::MAX));
    out.put_slice(octets);
}

fn take(kept: &mut Bytes) -> Option<Bytes> {
    let len = usize::try_from(kept.try_get_u32().ok()?).ok()?;
    (len <= kept.len()).then(|| kept.split_to(len))
}

fn text(kept: &mut Bytes) -> Option<Box<str>> {
    let octets = take(kept)?;
    Some(std::str::from_utf8(&octets).ok()?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] = b"Date: Mon, 23 Nov 2026 09:00:00 +0900\r\nFrom: Zoe <anna@crepes.fr>\r\nTo: bob@hamburger.edu\r\n\
        Subject: Re: [list] Ketchup\r\nMessage-ID: <2@crepes.fr>\r\nReferences: <0@crepes.fr> <1@crepes.fr>\r\n\r\nDo you?\r\n";

    #[test]
    fn what_is_kept_is_what_was_worked_out() {
        for message in [MESSAGE, b"", b"\r\n\r\n", b"Subject: \xff\r\n"] {
            let derived = Derived::of(message);
            assert_eq!(Derived::from_bytes(derived.to_bytes()), Some(derived));
        }
        let derived = Derived::of(MESSAGE);
        assert_eq!(&*derived.preview, "Do you?");
        assert_eq!(derived.sent, Some(1_795_392_000));
        assert!(derived.is_reply);
        assert_eq!(derived.references.len(), 2);
    }

    #[test]
    fn what_is_cut_off_is_worked_out_anew() {
        let whole = Derived::of(MESSAGE).to_bytes();
        let references = whole.len() - 2 * (4 + 11);
        for len in (0..references).chain([whole.len() - 1]) {
            assert_eq!(Derived::from_bytes(whole.slice(..len)), None, "{len}");
        }
    }
}
