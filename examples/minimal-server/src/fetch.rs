//! What IMAP tells of a message, worked out from the message by `postroad_imap::message`.

use crate::store::Message;
use bytes::Bytes;
use postroad_imap::command::FetchItem;
use postroad_imap::message::{SearchSource, body_structure, envelope, section};
use postroad_imap::server::Row;
use postroad_imap::types::{DateTime, Flag, Partial, Section};
use postroad_message as mail;
use std::cell::OnceCell;

/// A message under the eyes of a client.
pub struct Letter<'m> {
    uid: u32,
    message: &'m Message,
    /// Parsed once, and only if somebody asks for more than flags.
    parsed: OnceCell<mail::Message<'m>>,
}

impl<'m> Letter<'m> {
    pub fn new(uid: u32, message: &'m Message) -> Self {
        Self { uid, message, parsed: OnceCell::new() }
    }

    fn parsed(&self) -> &mail::Message<'m> {
        self.parsed.get_or_init(|| mail::Message::parse(&self.message.octets))
    }

    /// Adds the items to the row of the message.
    pub fn write<'s>(&self, mut row: Row<'s>, items: &[FetchItem]) -> Row<'s> {
        for item in items {
            row = match item {
                FetchItem::Uid => row.uid(),
                FetchItem::Flags => row.flags(&self.message.flags),
                FetchItem::InternalDate => row.internal_date(self.message.received),
                FetchItem::Size => row.size(self.size()),
                FetchItem::Envelope => row.envelope(&envelope(self.parsed())),
                FetchItem::Body => row.body(&body_structure(self.parsed())),
                FetchItem::BodyStructure => row.body_structure(&body_structure(self.parsed())),
                FetchItem::Section { section, partial, .. } => {
                    let octets = self.section(section, *partial);
                    row.section(section, partial.map(|partial| partial.offset), octets)
                }
                FetchItem::Rfc822 => self.rfc822(row, ""),
                FetchItem::Rfc822Header => self.rfc822(row, "HEADER"),
                FetchItem::Rfc822Text => self.rfc822(row, "TEXT"),
                _ => row, // of extensions that are not announced
            };
        }
        row
    }

    /// Without a copy where it lies in one piece: a message that ten clients read is in memory once.
    fn section(&self, wanted: &Section, partial: Option<Partial>) -> Option<Bytes> {
        let found = section(self.parsed(), wanted, partial)?;
        Some(match found.ranges() {
            [range] => self.message.octets.slice(range.clone()),
            _ => found.of(&self.message.octets).into_owned().into(),
        })
    }

    /// The names of before 1996 for three sections.
    fn rfc822<'s>(&self, row: Row<'s>, section: &str) -> Row<'s> {
        let Ok(section) = Section::parse(section) else { return row };
        let octets = self.section(&section, None).unwrap_or_default();
        row.rfc822(&section, &octets)
    }
}

/// What SEARCH looks at.
impl SearchSource for Letter<'_> {
    fn number(&self) -> u32 {
        0 // never asked: the session has put UIDs in place of numbers
    }
    fn uid(&self) -> u32 {
        self.uid
    }
    fn has_flag(&self, flag: &Flag) -> bool {
        self.message.flags.contains(flag)
    }
    fn internal_date(&self) -> DateTime {
        self.message.received
    }
    fn size(&self) -> u64 {
        self.message.octets.len() as u64
    }
    fn message(&self) -> Option<&mail::Message<'_>> {
        Some(self.parsed())
    }
}
