//! What an IMAP server says of a message: envelope, body structure and sections.

mod body;
mod envelope;
mod section;

use alloc::borrow::Cow;

pub use body::{BodyDisposition, BodyNode, BodyParameter, BodyStructure};
pub use envelope::{Envelope, EnvelopeAddress};
pub use section::{Section, SectionOctets, SectionText, UnknownTransferEncoding};

use crate::message::Message;

impl Message<'_> {
    /// The envelope (RFC 9051 section 7.5.2).
    pub fn envelope(&self) -> Envelope<'_> {
        envelope::envelope(&self.header())
    }

    /// The body structure (RFC 9051 section 7.5.2).
    ///
    /// Octets and lines are counted in the message as it was parsed, so that is to be the very octets that are sent.
    pub fn body_structure(&self) -> BodyStructure<'_> {
        let index = self.index();
        body::body_structure(self.parts(), &index.limits, index.is_truncated)
    }

    /// Where the octets of a section are; `None` if the message has no such section.
    pub fn section(&self, section: &Section<'_>) -> Option<SectionOctets> {
        section::section(self.root(), section)
    }

    /// The body of a part with its transfer encoding undone, as `BINARY[…]` asks for (RFC 9051 section 7.5.2); the whole
    /// message, as it is, if the number is empty. `None` if there is no such part.
    pub fn binary(&self, part: &[u32]) -> Option<Result<Cow<'_, [u8]>, UnknownTransferEncoding>> {
        section::binary(self.root(), part)
    }

    /// How many octets [`binary`](Self::binary) would give (`BINARY.SIZE`), without keeping them.
    pub fn binary_len(&self, part: &[u32]) -> Option<Result<usize, UnknownTransferEncoding>> {
        section::binary_len(self.root(), part)
    }
}
