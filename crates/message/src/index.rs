//! Where everything is in a message: spans, and nothing decoded.

use alloc::vec::Vec;

use bytes::Bytes;

use crate::defect::{Defect, Defects};
use crate::limits::Limits;
use crate::types::TransferEncoding;

/// No part.
pub(crate) const NONE: u32 = u32::MAX;

/// The fields that mean something to this crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum FieldKind {
    /// A line that is no field.
    Junk,
    Other,
    From,
    Sender,
    ReplyTo,
    To,
    Cc,
    Bcc,
    Date,
    MessageId,
    InReplyTo,
    References,
    Subject,
    MimeVersion,
    ContentType,
    ContentTransferEncoding,
    ContentDisposition,
    ContentId,
    ContentDescription,
    ContentMd5,
    ContentLanguage,
    ContentLocation,
    Received,
    ReturnPath,
    ResentDate,
    ResentAddresses,
    ResentMessageId,
    Comments,
}

pub(crate) const FIELD_KINDS: usize = FieldKind::Comments as usize + 1;

impl FieldKind {
    /// The kind of the field of this name, which is compared without regard to case.
    #[inline]
    pub(crate) fn of(name: &[u8]) -> Self {
        use FieldKind::*;
        let known: &[(&[u8], Self)] = match name.len() {
            2 => &[(b"to", To), (b"cc", Cc)],
            3 => &[(b"bcc", Bcc)],
            4 => &[(b"from", From), (b"date", Date)],
            6 => &[(b"sender", Sender)],
            7 => &[(b"subject", Subject)],
            8 => &[
                (b"received", Received),
                (b"reply-to", ReplyTo),
                (b"comments", Comments),
                (b"keywords", Comments),
            ],
            9 => &[(b"resent-to", ResentAddresses), (b"resent-cc", ResentAddresses)],
            10 => &[
                (b"message-id", MessageId),
                (b"references", References),
                (b"content-id", ContentId),
                (b"resent-bcc", ResentAddresses),
            ],
            11 => &[
                (b"in-reply-to", InReplyTo),
                (b"return-path", ReturnPath),
                (b"resent-date", ResentDate),
                (b"resent-from", ResentAddresses),
                (b"content-md5", ContentMd5),
            ],
            12 => &[(b"content-type", ContentType), (b"mime-version", MimeVersion)],
            13 => &[(b"resent-sender", ResentAddresses)],
            15 => &[(b"resent-reply-to", ResentAddresses)],
            16 => &[(b"content-language", ContentLanguage), (b"content-location", ContentLocation)],
            17 => &[(b"resent-message-id", ResentMessageId)],
            19 => {
                &[(b"content-disposition", ContentDisposition), (b"content-description", ContentDescription)]
            }
            25 => &[(b"content-transfer-encoding", ContentTransferEncoding)],
            _ => return Other,
        };
        let first = name.first().map(u8::to_ascii_lowercase);
        known
            .iter()
            .find(|(known, _)| known.first().copied() == first && known.eq_ignore_ascii_case(name))
            .map_or(Other, |&(_, kind)| kind)
    }

    /// Whether it may be there once only (RFC 5322 section 3.6, RFC 2045).
    pub(crate) const fn is_single(self) -> bool {
        !matches!(
            self,
            Self::Junk
                | Self::Other
                | Self::Received
                | Self::ReturnPath
                | Self::ResentDate
                | Self::ResentAddresses
                | Self::ResentMessageId
                | Self::Comments
        )
    }

    /// Whether readers that pick another one of two would see another message.
    pub(crate) const fn is_critical(self) -> bool {
        matches!(
            self,
            Self::From
                | Self::Sender
                | Self::Date
                | Self::Subject
                | Self::ContentType
                | Self::ContentTransferEncoding
                | Self::ContentDisposition
        )
    }
}

/// Where a field is. All is within a header block, whose size is limited.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FieldRecord {
    /// From the start of the part.
    pub(crate) start: u32,
    /// Length of the name.
    pub(crate) name: u32,
    /// From `start` to behind the colon.
    pub(crate) value: u32,
    /// From `start` to the line end of its last line.
    pub(crate) end: u32,
    /// The length of that line end: 0 to 2.
    pub(crate) line_end: u8,
    pub(crate) kind: FieldKind,
}

/// How a part holds other parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PartKind {
    Leaf,
    Multipart,
    /// `message/rfc822`, whose only child is the message in it.
    Message,
    /// The same, in base64 or quoted-printable.
    EncodedMessage,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct PartRecord {
    /// 0 is the message; others are messages that lay encoded in it.
    pub(crate) source: u32,
    pub(crate) parent: u32,
    pub(crate) first_child: u32,
    pub(crate) next_sibling: u32,
    /// 1 for the first child of its parent.
    pub(crate) ordinal: u32,
    pub(crate) depth: u32,
    pub(crate) start: usize,
    pub(crate) body: usize,
    pub(crate) end: usize,
    pub(crate) first_field: u32,
    pub(crate) fields: u32,
    pub(crate) kind: PartKind,
    pub(crate) encoding: TransferEncoding,
    /// Without a `Content-Type` it is `message/rfc822` (RFC 2046 section 5.1.5).
    pub(crate) in_digest: bool,
}

/// A message that lay encoded in another one.
#[derive(Debug, Clone)]
pub(crate) struct Decoded {
    pub(crate) octets: Bytes,
    /// Where its encoded octets begin in the message itself.
    pub(crate) offset: usize,
    /// The source that it lay in.
    pub(crate) outer: u32,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    pub(crate) parts: Vec<PartRecord>,
    pub(crate) fields: Vec<FieldRecord>,
    pub(crate) decoded: Vec<Decoded>,
    pub(crate) defects: Vec<Defect>,
    /// There are parts that were not looked at, for there are too many or they are too deep.
    pub(crate) is_truncated: bool,
    pub(crate) limits: Limits,
}

impl Index {
    pub(crate) fn part(&self, at: u32) -> Option<&PartRecord> {
        self.parts.get(at as usize)
    }

    pub(crate) fn fields_of(&self, part: &PartRecord) -> &[FieldRecord] {
        let first = part.first_field as usize;
        self.fields.get(first..first + part.fields as usize).unwrap_or_default()
    }

    /// Where defects of a value at `offset` of a source are to be gathered.
    pub(crate) fn defects_at(&self, source: u32, offset: usize) -> Defects {
        match self.decoded_of(source) {
            Some(decoded) => Defects::at(decoded.offset, true, self.limits.defects),
            None => Defects::at(offset, false, self.limits.defects),
        }
    }

    pub(crate) fn decoded_of(&self, source: u32) -> Option<&Decoded> {
        (source as usize).checked_sub(1).and_then(|at| self.decoded.get(at))
    }
}
