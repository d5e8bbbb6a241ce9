//! A message of its parts, without holding its files in memory.
//!
//! The builder writes the message with a few random octets in the place of each file; when the message is passed on,
//! those octets, in the base64 that the builder gave them, give way to the file's own.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use postroad_message::{BuildError, ContentType, MessageBuilder, PartBuilder};

use super::upload::File;
use crate::store::{Spooled, StoreError};

/// The octets of a line of base64 (RFC 2045 section 6.8).
const LINE: usize = 57;
/// Stand-ins fill one line of base64 without padding.
const STAND_IN: usize = 48;

/// Why no message was made.
#[derive(Debug)]
pub(super) enum NotAssembled {
    /// It is too large.
    TooLarge,
    /// The builder refused something.
    Refused(BuildError),
    /// There is no randomness, or the builder wrote something unexpected.
    Impossible,
}

/// A message to be passed on.
#[derive(Debug)]
pub(super) struct Assembled {
    message: Bytes,
    /// Where each stand-in begins, in order, and what belongs there.
    files: VecDeque<(usize, Spooled)>,
    size: u64,
    /// How far it was passed on.
    from: usize,
    /// The file that is being passed on.
    inside: Option<(Spooled, Lines)>,
}

/// Makes a message of at most `limit` octets.
pub(super) fn assemble(
    mut builder: MessageBuilder,
    files: Vec<File>,
    limit: u64,
) -> Result<Assembled, NotAssembled> {
    let mut contents = Vec::new();
    for File { name, content_type, content } in files {
        let mut octets = vec![0; STAND_IN];
        getrandom::fill(&mut octets).map_err(|_| NotAssembled::Impossible)?;
        // So that no other encoding costs less than base64.
        for octet in &mut octets {
            *octet |= 0x80;
        }
        let line = STANDARD.encode(&octets);
        builder = builder.attach(PartBuilder::octets(plain(content_type), octets).attachment(&name));
        contents.push((line, content));
    }
    let message = builder.build().map_err(NotAssembled::Refused)?;
    let mut size = message.len() as u64;
    let mut files = VecDeque::new();
    let mut from = 0;
    for (line, content) in contents {
        let rest = message.get(from..).unwrap_or_default();
        let at = from + memchr::memmem::find(rest, line.as_bytes()).ok_or(NotAssembled::Impossible)?;
        from = at + line.len();
        size = size - line.len() as u64 + encoded_size(content.size());
        files.push_back((at, content));
    }
    if size > limit {
        return Err(NotAssembled::TooLarge);
    }
    Ok(Assembled { message, files, size, from: 0, inside: None })
}

/// A content type that may be encoded: a message may not (RFC 2046 section 5.2.1), and a multipart is no file.
fn plain(content_type: ContentType) -> ContentType {
    if matches!(content_type.main_type(), "message" | "multipart") {
        return ContentType::new("application", "octet-stream").unwrap_or(content_type);
    }
    content_type
}

/// The octets of base64 in lines, without a line end behind the last.
fn encoded_size(octets: u64) -> u64 {
    let text = octets.div_ceil(3) * 4;
    text + octets.div_ceil(LINE as u64).saturating_sub(1) * 2
}

impl Assembled {
    /// Its octets.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The next octets; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        if let Some((content, lines)) = &mut self.inside {
            while let Some(chunk) = content.next().await? {
                let text = lines.encode(&chunk);
                if !text.is_empty() {
                    return Ok(Some(text.into()));
                }
            }
            let text = lines.finish();
            self.inside = None;
            if !text.is_empty() {
                return Ok(Some(text.into()));
            }
        }
        let piece = match self.files.pop_front() {
            Some((at, content)) => {
                let piece = self.message.slice(self.from..at);
                self.from = at + STAND_IN / 3 * 4;
                self.inside = Some((content, Lines::default()));
                piece
            }
            None => self.message.split_off(std::mem::take(&mut self.from)),
        };
        // What is left of the message is its end.
        if self.inside.is_none() {
            self.message.clear();
        }
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }
}

/// Writes base64 in lines, whatever the pieces the octets come in.
#[derive(Debug, Default)]
struct Lines {
    /// Less than a line.
    held: Vec<u8>,
    has_line: bool,
}

impl Lines {
    fn line(&mut self, octets: &[u8], out: &mut String) {
        if self.has_line {
            out.push_str("\r\n");
        }
        self.has_line = true;
        STANDARD.encode_string(octets, out);
    }

    fn encode(&mut self, octets: &[u8]) -> Vec<u8> {
        let mut out = String::with_capacity(octets.len() / LINE * 78 + 160);
        let mut held = std::mem::take(&mut self.held);
        let (first, rest) = octets.split_at(octets.len().min(LINE - held.len()));
        held.extend_from_slice(first);
        if held.len() < LINE {
            self.held = held;
            return Vec::new();
        }
        self.line(&held, &mut out);
        let lines = rest.chunks_exact(LINE);
        self.held = lines.remainder().to_vec();
        for line in lines {
            self.line(line, &mut out);
        }
        out.into_bytes()
    }

    fn finish(&mut self) -> Vec<u8> {
        let mut out = String::new();
        let held = std::mem::take(&mut self.held);
        if !held.is_empty() {
            self.line(&held, &mut out);
        }
        out.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use postroad_message::{DateTime, Message};

    use super::*;
    use crate::store::{Store, StoreOptions};

    #[test]
    fn lines_are_the_same_in_pieces_of_every_size() {
        let octets: Vec<u8> = (0..500_u16).map(|number| (number % 251) as u8).collect();
        for length in [0, 1, 56, 57, 58, 113, 114, 115, 500] {
            let octets = &octets[..length];
            let lines: Vec<String> = octets.chunks(LINE).map(|line| STANDARD.encode(line)).collect();
            let expected = lines.join("\r\n");
            assert_eq!(encoded_size(length as u64), expected.len() as u64, "{length}");
            for size in 1..=120 {
                let mut encoder = Lines::default();
                let mut out = Vec::new();
                for piece in octets.chunks(size) {
                    out.extend(encoder.encode(piece));
                }
                out.extend(encoder.finish());
                assert_eq!(String::from_utf8(out).unwrap(), expected, "{length} by {size}");
            }
        }
    }

    #[tokio::test]
    async fn files_arrive_as_they_were() {
        let place = tempfile::tempdir().unwrap();
        let store = Store::open(place.path(), StoreOptions::default()).unwrap();
        let contents = [Vec::new(), b"x".to_vec(), vec![b'a'; 3_000_000], (0..=255).collect()];
        let kinds = ["text/plain", "image/png", "message/rfc822", "multipart/mixed"];
        let mut files = Vec::new();
        for (content, kind) in contents.iter().zip(kinds) {
            let mut spool = store.spool();
            spool.write(content).await.unwrap();
            let name = format!("카페 {}.bin", content.len());
            files.push(File {
                name,
                content_type: kind.parse().unwrap(),
                content: spool.finish().await.unwrap(),
            });
        }
        let builder = MessageBuilder::new()
            .from("alice@crepes.fr")
            .to("bob@hamburger.edu")
            .date(DateTime::from_timestamp(0, 0).unwrap())
            .text("삶\n");
        let mut assembled = assemble(builder, files, u64::MAX).unwrap();
        let size = assembled.size();
        let mut octets = Vec::new();
        while let Some(piece) = assembled.next().await.unwrap() {
            octets.extend_from_slice(&piece);
        }
        assert_eq!(octets.len() as u64, size);
        let message = Message::parse(&octets);
        assert!(message.examine().is_empty(), "{:?}", message.examine());
        let attachments = message.attachments();
        assert_eq!(attachments.len(), contents.len());
        for (part, content) in attachments.iter().zip(&contents) {
            assert_eq!(*part.body(), **content);
            assert_eq!(part.filename().unwrap(), format!("카페 {}.bin", content.len()));
        }
        assert_eq!(attachments[2].content_type().essence(), "application/octet-stream");
    }

    #[tokio::test]
    async fn too_large_is_known_before_anything_is_passed_on() {
        let place = tempfile::tempdir().unwrap();
        let store = Store::open(place.path(), StoreOptions::default()).unwrap();
        let mut spool = store.spool();
        spool.write(&[0; 3000]).await.unwrap();
        let content = spool.finish().await.unwrap();
        let file = File { name: "x".into(), content_type: "image/png".parse().unwrap(), content };
        let builder = MessageBuilder::new().waive_from().waive_date().waive_destination();
        assert!(matches!(assemble(builder, vec![file], 4000), Err(NotAssembled::TooLarge)));
    }
}
