//! Messages that are read: which one a page means, its header, or all of it under a bound of memory.

use std::sync::Arc;

use postroad_message::Message;
use tokio::sync::OwnedSemaphorePermit;

use super::response::Failure;
use super::view::query;
use super::visitor::{Fields, Member, Web};
use crate::store::mailboxes::{Choice, Mailbox, MessageRow, UidSet};
use crate::store::{MessageReader, StoreError};

/// What all messages that are held whole may take together, in KiB: the octets, and once more for what is decoded.
pub(super) const MEMORY: usize = 256 * 1024;
/// Where the header of a message is cut off in a list.
const MAX_HEADER: usize = 256 * 1024;

/// A message that a page or a form names.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The name of its folder.
    pub(super) folder: String,
    /// The folder.
    pub(super) mailbox: Mailbox,
    /// Its UID there.
    pub(super) uid: u32,
}

/// The folder that a form names. The number that it had must be the same: in a folder of the same name that was made
/// later, the UIDs mean other messages.
pub(super) async fn find_folder(
    web: &Web,
    member: &Member,
    fields: &Fields,
) -> Result<(String, Mailbox), Failure> {
    let name = fields.one("folder");
    let (mailbox, _) = web.context.store.find_mailbox(&member.account, name).await?;
    if fields.number("validity") != Some(mailbox.uidvalidity()) {
        return Err(Failure::NotFound);
    }
    Ok((name.to_owned(), mailbox))
}

impl Place {
    /// The message that a query or a form names.
    pub(super) async fn find(web: &Web, member: &Member, fields: &Fields) -> Result<Self, Failure> {
        let uid = fields.number("uid").ok_or(Failure::NotFound)?;
        let (folder, mailbox) = find_folder(web, member, fields).await?;
        Ok(Self { folder, mailbox, uid })
    }

    /// The query that names it.
    pub(super) fn query(&self) -> String {
        message_query(&self.folder, &self.mailbox, self.uid)
    }

    /// What is known of it.
    pub(super) async fn row(&self, web: &Web) -> Result<MessageRow, Failure> {
        let choice = Choice { uids: UidSet::range(self.uid, self.uid), ..Choice::default() };
        let rows = web.context.store.message_rows(&self.mailbox, choice).next().await?;
        rows.and_then(|rows| rows.into_iter().next()).ok_or(Failure::NotFound)
    }

    /// All of it.
    pub(super) async fn load(&self, web: &Web) -> Result<Loaded, Failure> {
        let mut reader = web.context.store.read_message(&self.mailbox, self.uid).await?;
        let size = usize::try_from(reader.size()).map_err(|_| Failure::Busy)?;
        let wanted = u32::try_from((size / 512 + 1).min(MEMORY)).unwrap_or(u32::MAX);
        let memory = Arc::clone(&web.context.webmail.memory);
        let permit = memory.acquire_many_owned(wanted).await.map_err(|_| Failure::Busy)?;
        let octets = read(&mut reader, size, size).await?;
        Ok(Loaded { message: Arc::new(Message::parse_owned(octets)), _permit: Arc::new(permit) })
    }
}

/// The query that names a message.
pub(super) fn message_query(folder: &str, mailbox: &Mailbox, uid: u32) -> String {
    let (validity, uid) = (mailbox.uidvalidity().to_string(), uid.to_string());
    query(&[("folder", folder), ("validity", &validity), ("uid", &uid)])
}

/// A whole message. Cheap to clone; the memory is given back with the last clone.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    /// The message.
    pub(super) message: Arc<Message<'static>>,
    _permit: Arc<OwnedSemaphorePermit>,
}

/// Reads at most `limit` octets, of which `expected` are probably there.
async fn read(reader: &mut MessageReader, expected: usize, limit: usize) -> Result<Vec<u8>, StoreError> {
    let mut octets = Vec::with_capacity(expected.min(limit));
    while let Some(chunk) = reader.next().await? {
        let room = limit - octets.len();
        octets.extend_from_slice(chunk.get(..room.min(chunk.len())).unwrap_or_default());
        if octets.len() >= limit {
            break;
        }
    }
    Ok(octets)
}

/// The first octets of a message, as a message.
pub(super) async fn beginning(
    web: &Web,
    mailbox: &Mailbox,
    uid: u32,
    limit: usize,
) -> Result<(Message<'static>, usize), StoreError> {
    let mut reader = web.context.store.read_message(mailbox, uid).await?;
    let octets = read(&mut reader, 64 * 1024, limit).await?;
    let count = octets.len();
    Ok((Message::parse_owned(octets), count))
}

/// The header of a message, as a message without a body.
pub(super) async fn header(web: &Web, mailbox: &Mailbox, uid: u32) -> Result<Message<'static>, StoreError> {
    let mut reader = web.context.store.read_message(mailbox, uid).await?;
    let mut octets = Vec::new();
    while let Some(chunk) = reader.next().await? {
        // The blank line may lie across two chunks.
        let from = octets.len().saturating_sub(3);
        octets.extend_from_slice(&chunk);
        let end = octets.get(from..).and_then(|tail| memchr::memmem::find(tail, b"\r\n\r\n"));
        if let Some(end) = end {
            octets.truncate(from + end + 4);
            break;
        }
        if octets.len() >= MAX_HEADER {
            break;
        }
    }
    octets.truncate(MAX_HEADER);
    Ok(Message::parse_owned(octets))
}
