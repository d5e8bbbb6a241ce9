//! Where everything is in a message: spans, and nothing decoded.

use alloc::vec::Vec;

use bytes::Bytes;

use crate::defect::{Defect, Defects};
use crate::limits::Limits;
use crate::scanner::is_ftext;
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
    AuthenticationResults,
    ListId,
    /// URIs of a mailing list (RFC 2369).
    ListUris,
    ResentDate,
    ResentAddresses,
    ResentMessageId,
    Comments,
}

pub(crate) const FIELD_KINDS: usize = FieldKind::Comments as usize + 1;

/// A name that means something.
struct Known {
    key: u64,
    name: &'static [u8],
    kind: FieldKind,
}

/// The first characters of a name, in lower case where they are letters.
#[inline]
const fn key(name: &[u8]) -> u64 {
    let eight = if let Some(eight) = name.first_chunk::<8>() {
        *eight
    } else {
        let mut eight = [0; 8];
        let mut at = 0;
        while at < name.len() {
            eight[at] = name[at];
            at += 1;
        }
        eight
    };
    u64::from_le_bytes(eight) | u64::from_le_bytes([0x20; 8])
}

const fn known(name: &'static [u8], kind: FieldKind) -> Known {
    Known { key: key(name), name, kind }
}

/// The names of each length.
macro_rules! names {
    ($($constant:ident: [$(($name:literal, $kind:ident)),*];)*) => {
        $(static $constant: [Known; [$($name.len()),*].len()] = [$(known($name, FieldKind::$kind)),*];)*
    };
}

names! {
    KNOWN_2: [(b"to", To), (b"cc", Cc)];
    KNOWN_3: [(b"bcc", Bcc)];
    KNOWN_4: [(b"from", From), (b"date", Date)];
    KNOWN_6: [(b"sender", Sender)];
    KNOWN_7: [(b"subject", Subject), (b"list-id", ListId)];
    KNOWN_8: [(b"received", Received), (b"reply-to", ReplyTo), (b"comments", Comments), (b"keywords", Comments)];
    KNOWN_9: [
        (b"resent-to", ResentAddresses),
        (b"resent-cc", ResentAddresses),
        (b"list-help", ListUris),
        (b"list-post", ListUris)
    ];
    KNOWN_10: [
        (b"message-id", MessageId),
        (b"references", References),
        (b"content-id", ContentId),
        (b"resent-bcc", ResentAddresses),
        (b"list-owner", ListUris)
    ];
    KNOWN_11: [
        (b"in-reply-to", InReplyTo),
        (b"return-path", ReturnPath),
        (b"resent-date", ResentDate),
        (b"resent-from", ResentAddresses),
        (b"content-md5", ContentMd5)
    ];
    KNOWN_12: [(b"content-type", ContentType), (b"mime-version", MimeVersion), (b"list-archive", ListUris)];
    KNOWN_13: [(b"resent-sender", ResentAddresses)];
    KNOWN_14: [(b"list-subscribe", ListUris)];
    KNOWN_15: [(b"resent-reply-to", ResentAddresses)];
    KNOWN_16: [
        (b"content-language", ContentLanguage),
        (b"content-location", ContentLocation),
        (b"list-unsubscribe", ListUris)
    ];
    KNOWN_17: [(b"resent-message-id", ResentMessageId)];
    KNOWN_19: [(b"content-disposition", ContentDisposition), (b"content-description", ContentDescription)];
    KNOWN_22: [(b"authentication-results", AuthenticationResults)];
    KNOWN_25: [(b"content-transfer-encoding", ContentTransferEncoding)];
}

impl FieldKind {
    /// The kind of the field of this name, which is compared without regard to case.
    pub(crate) fn of(name: &[u8]) -> Self {
        if name.iter().copied().all(is_ftext) { Self::of_plain(name) } else { Self::Other }
    }

    /// The same for a name without white space and controls, of which the key says all there is to say of its first eight
    /// characters.
    #[inline]
    pub(crate) fn of_plain(name: &[u8]) -> Self {
        let key = key(name);
        let known = match name.len() {
            2 => &KNOWN_2[..],
            3 => &KNOWN_3,
            4 => &KNOWN_4,
            6 => &KNOWN_6,
            7 => &KNOWN_7,
            8 => &KNOWN_8,
            9 => &KNOWN_9,
            10 => &KNOWN_10,
            11 => &KNOWN_11,
            12 => &KNOWN_12,
            13 => &KNOWN_13,
            14 => &KNOWN_14,
            15 => &KNOWN_15,
            16 => &KNOWN_16,
            17 => &KNOWN_17,
            19 => &KNOWN_19,
            22 => &KNOWN_22,
            25 => &KNOWN_25,
            _ => return Self::Other,
        };
        let tail = name.get(8..).unwrap_or_default();
        let found = known.iter().find(|known| {
            known.key == key && known.name.get(8..).unwrap_or_default().eq_ignore_ascii_case(tail)
        });
        found.map_or(Self::Other, |known| known.kind)
    }

    /// Whether it may be there once only (RFC 5322 section 3.6, RFC 2045).
    pub(crate) const fn is_single(self) -> bool {
        !matches!(
            self,
            Self::Junk
                | Self::Other
                | Self::Received
                | Self::ReturnPath
                | Self::AuthenticationResults
                | Self::ListId
                | Self::ListUris
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_in_any_case_and_no_other() {
        for (name, kind) in [
            (&b"From"[..], FieldKind::From),
            (b"TO", FieldKind::To),
            (b"reply-To", FieldKind::ReplyTo),
            (b"CONTENT-transfer-ENCODING", FieldKind::ContentTransferEncoding),
            (b"Received", FieldKind::Received),
            (b"reply\rto", FieldKind::Other),
            (b"repl\x19-to", FieldKind::Other),
            (b"content-typo", FieldKind::Other),
            (b"subjec`", FieldKind::Other),
            (b"", FieldKind::Other),
        ] {
            assert_eq!(FieldKind::of(name), kind, "{name:?}");
        }
    }
}
