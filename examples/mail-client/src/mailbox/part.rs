//! Parts of a message, as the server describes them.

use std::borrow::Cow;
use std::io::Cursor;
use std::num::NonZeroU32;

use anyhow::{Result, bail, ensure};
use postroad_imap::response::{BodyStructureView, PartKind, PartView};
use postroad_imap::types::{Section, SectionText};
use postroad_message::Message;
use postroad_tokio::imap::SectionEnd;
use serde::Serialize;
use tokio::io::AsyncWrite;

use super::Imap;
use crate::terminal::progress_bar;

/// A part has at most so many octets, as they are sent: it is decoded in memory.
const LARGEST: u64 = 1 << 30;

/// A part that can be fetched.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Part {
    /// IMAP's number.
    pub id: String,
    pub content_type: String,
    pub encoding: String,
    pub disposition: Option<String>,
    pub filename: Option<String>,
    /// As they are sent.
    pub octets: u64,
    /// A header for it, made from what the server said.
    #[serde(skip)]
    header: Vec<u8>,
    #[serde(skip)]
    number: Vec<NonZeroU32>,
    #[serde(skip)]
    pub is_inside_message: bool,
}

impl Part {
    /// The parts of a structure that hold something: no multiparts.
    pub(super) fn of_structure(structure: BodyStructureView<'_>) -> Vec<Self> {
        // Parts in a message in the message belong to it.
        let mut message_at = None;
        let mut parts = Vec::new();
        for part in structure.parts() {
            if message_at.is_some_and(|depth| part.depth() <= depth) {
                message_at = None;
            }
            let is_inside_message = message_at.is_some();
            if part.kind() == PartKind::Message && message_at.is_none() {
                message_at = Some(part.depth());
            }
            if !matches!(part.kind(), PartKind::Multipart | PartKind::Truncated) && part.has_number() {
                parts.push(Self::of(&part, is_inside_message));
            }
        }
        parts
    }

    fn of(part: &PartView<'_>, is_inside_message: bool) -> Self {
        let text = |octets: Cow<'_, [u8]>| String::from_utf8_lossy(&octets).to_ascii_lowercase();
        let header = header_of(part);
        let message = Message::parse(&header);
        let number: Vec<NonZeroU32> = part.number();
        let id = number.iter().map(ToString::to_string).collect::<Vec<_>>().join(".");
        Self {
            id,
            content_type: format!("{}/{}", text(part.media_type()), text(part.subtype())),
            encoding: text(part.encoding()),
            disposition: part.disposition().map(text),
            filename: message.root().filename(),
            octets: part.octets(),
            header,
            number,
            is_inside_message,
        }
    }

    /// Whether it is to be saved, and not to be shown.
    pub(super) fn is_attachment(&self) -> bool {
        self.disposition.as_deref() == Some("attachment")
            || self.filename.is_some()
            || !self.content_type.starts_with("text/")
    }

    /// Fetches it, and gives it with the header that says how to decode it.
    pub(super) async fn fetch(&self, client: &mut Imap, uid: NonZeroU32, is_traced: bool) -> Result<Vec<u8>> {
        ensure!(self.octets <= LARGEST, "part {} is too large: {} octets", self.id, self.octets);
        let section = Section::new(self.number.clone(), SectionText::Whole)?;
        let bar = progress_bar(self.octets, is_traced);
        let mut to = Limited { octets: self.header.clone(), limit: self.header.len() + to_usize(LARGEST) };
        let end = client.uid_fetch_section(uid, section, &mut bar.wrap_async_write(&mut to)).await;
        bar.finish_and_clear();
        match end? {
            SectionEnd::Written(_) => Ok(to.octets),
            SectionEnd::NoSection => bail!("there is no part {}", self.id),
            SectionEnd::NoMessage => bail!("the message is gone"),
        }
    }
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Octets in memory, up to a limit: a server may send more than it said.
struct Limited {
    octets: Vec<u8>,
    limit: usize,
}

impl AsyncWrite for Limited {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        octets: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        if self.octets.len() + octets.len() > self.limit {
            return std::task::Poll::Ready(Err(std::io::Error::other("the part is larger than was said")));
        }
        self.octets.extend_from_slice(octets);
        std::task::Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn poll_shutdown(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }
}

/// The header of a part, written anew: the server gives its fields in pieces, with whatever is encoded in them as it was.
fn header_of(part: &PartView<'_>) -> Vec<u8> {
    let mut header = Cursor::new(Vec::new());
    let mut field =
        |name: &str, value: &[u8], parameters: &mut dyn Iterator<Item = (Cow<'_, [u8]>, Cow<'_, [u8]>)>| {
            let out = header.get_mut();
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b": ");
            out.extend(value.iter().filter(|octet| !octet.is_ascii_control()));
            for (name, value) in parameters {
                out.extend_from_slice(b";\r\n ");
                out.extend(name.iter().filter(|octet| octet.is_ascii_graphic() && !b";=\"".contains(octet)));
                out.push(b'=');
                // What is encoded by RFC 2231 is no quoted string.
                let is_extended = name.ends_with(b"*")
                    && value.iter().all(|octet| octet.is_ascii_graphic() && !b";\"".contains(octet));
                if is_extended {
                    out.extend_from_slice(&value);
                    continue;
                }
                out.push(b'"');
                for octet in value.iter().filter(|octet| !matches!(octet, b'\r' | b'\n' | 0)) {
                    if matches!(octet, b'"' | b'\\') {
                        out.push(b'\\');
                    }
                    out.push(*octet);
                }
                out.push(b'"');
            }
            out.extend_from_slice(b"\r\n");
        };
    let media_type = [&part.media_type()[..], b"/", &part.subtype()].concat();
    field("Content-Type", &media_type, &mut part.parameters());
    field("Content-Transfer-Encoding", &part.encoding(), &mut std::iter::empty());
    if let Some(disposition) = part.disposition() {
        field("Content-Disposition", &disposition, &mut part.disposition_parameters());
    }
    let mut header = header.into_inner();
    header.extend_from_slice(b"\r\n");
    header
}
