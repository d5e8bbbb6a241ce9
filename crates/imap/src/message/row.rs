//! The row of a message that is at hand.

use super::{body_structure, envelope, section};
use crate::command::FetchItem;
use crate::server::Row;
use crate::types::{Partial, Section};
use bytes::Bytes;
use postroad_message as mail;

impl Row<'_> {
    /// What FETCH asks, if it is about the message itself: its size, ENVELOPE, BODY, BODYSTRUCTURE, sections, and the three names that RFC 3501
    /// has for sections. Other items are the mailbox's, and are not written; and BINARY, which can fail, is the
    /// caller's too.
    ///
    /// `octets` are those of which `message` was parsed: a section that lies in one piece is not copied.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use postroad_imap::command::FetchItem;
    /// use postroad_imap::server::Row;
    /// use postroad_imap::types::Flag;
    /// use postroad_message::Message;
    ///
    /// fn write<'s>(mut row: Row<'s>, items: &[FetchItem], octets: &Bytes) -> Row<'s> {
    ///     let message = Message::parse(octets);
    ///     for item in items {
    ///         row = match item {
    ///             FetchItem::Uid => row.uid(),
    ///             FetchItem::Flags => row.flags(&[Flag::Seen]),
    ///             item => row.message_item(item, &message, octets),
    ///         };
    ///     }
    ///     row
    /// }
    /// ```
    #[must_use = "a row must be ended"]
    pub fn message_item(self, item: &FetchItem, message: &mail::Message<'_>, octets: &Bytes) -> Self {
        match item {
            FetchItem::Size => self.size(octets.len() as u64),
            FetchItem::Envelope => self.envelope(&envelope(message)),
            FetchItem::Body => self.body(&body_structure(message)),
            FetchItem::BodyStructure => self.body_structure(&body_structure(message)),
            FetchItem::Section { section, partial, .. } => {
                let found = found(message, octets, section, *partial);
                self.section(section, partial.map(|partial| partial.offset), found)
            }
            FetchItem::Rfc822 => self.old_section("", message, octets),
            FetchItem::Rfc822Header => self.old_section("HEADER", message, octets),
            FetchItem::Rfc822Text => self.old_section("TEXT", message, octets),
            _ => self,
        }
    }

    fn old_section(self, name: &str, message: &mail::Message<'_>, octets: &Bytes) -> Self {
        let Ok(section) = Section::parse(name) else { return self };
        let found = found(message, octets, &section, None).unwrap_or_default();
        self.rfc822(&section, &found)
    }
}

fn found(
    message: &mail::Message<'_>,
    octets: &Bytes,
    wanted: &Section,
    partial: Option<Partial>,
) -> Option<Bytes> {
    let found = section(message, wanted, partial)?;
    Some(match found.ranges() {
        [range] if range.end <= octets.len() => octets.slice(range.clone()),
        _ => found.of(octets).into_owned().into(),
    })
}
