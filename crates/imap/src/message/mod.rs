//! What a server says of a message, from the message (feature `message`): ENVELOPE, BODYSTRUCTURE, sections, PREVIEW, and the answers to SEARCH,
//! SORT and THREAD.
//!
//! ```
//! use bytes::BytesMut;
//! use postroad_imap::message::{body_structure, envelope, write_section};
//! use postroad_imap::response::RowWriter;
//! use postroad_imap::types::Section;
//! use postroad_message::Message;
//!
//! let message = Message::parse(b"Subject: hi\r\nFrom: a@example.com\r\n\r\nhello\r\n");
//! let mut out = BytesMut::new();
//! let mut row = RowWriter::begin(&mut out, 1, false);
//! row.envelope(&mut out, &envelope(&message));
//! row.body_structure(&mut out, &body_structure(&message));
//! write_section(&mut row, &mut out, &message, &Section::parse("TEXT")?, None);
//! row.end(&mut out);
//! assert!(out.ends_with(b" BODY[TEXT] {7}\r\nhello\r\n)\r\n"));
//! # Ok::<(), postroad_imap::ParseError>(())
//! ```

mod preview;
mod row;
mod search;
mod sort;
mod thread;

pub use preview::preview;
pub use search::{SearchContext, SearchMessage, SearchProgram, SearchSource};
pub use sort::{SortEntry, sort};
pub use thread::{ThreadEntry, ordered_subject, references};

use crate::response::{
    BodyDisposition, BodyKind, BodyPart, BodyStructure, Envelope, EnvelopeAddress, No, RowWriter,
};
use crate::types::{Partial, Section, SectionText};
use bytes::{Bytes, BytesMut};
use core::num::NonZeroU32;
use postroad_message as mail;
use std::borrow::Cow;

fn bytes(octets: impl AsRef<[u8]>) -> Bytes {
    Bytes::copy_from_slice(octets.as_ref())
}

/// The envelope of a message (RFC 9051 section 7.5.2).
pub fn envelope(message: &mail::Message<'_>) -> Envelope {
    convert_envelope(&message.envelope())
}

fn convert_envelope(envelope: &mail::Envelope<'_>) -> Envelope {
    let text = |text: &Option<Cow<'_, [u8]>>| text.as_ref().map(bytes);
    let list = |addresses: &[mail::EnvelopeAddress<'_>]| {
        let address = |address: &mail::EnvelopeAddress<'_>| EnvelopeAddress {
            name: text(&address.name),
            route: text(&address.adl),
            mailbox: text(&address.mailbox),
            host: text(&address.host),
        };
        addresses.iter().map(address).collect()
    };
    Envelope {
        date: text(&envelope.date),
        subject: text(&envelope.subject),
        from: list(&envelope.from),
        sender: list(&envelope.sender),
        reply_to: list(&envelope.reply_to),
        to: list(&envelope.to),
        cc: list(&envelope.cc),
        bcc: list(&envelope.bcc),
        in_reply_to: text(&envelope.in_reply_to),
        message_id: text(&envelope.message_id),
    }
}

/// The body structure of a message (RFC 9051 section 7.5.2): printed with its extension data it is BODYSTRUCTURE, without BODY.
pub fn body_structure(message: &mail::Message<'_>) -> BodyStructure {
    let structure = message.body_structure();
    let parts = structure.nodes().iter().map(convert_part).collect();
    BodyStructure::new(parts).unwrap_or_else(|_| {
        // The message crate keeps what the grammar asks for; if it did not, the message is still one body of octets.
        let mut part = BodyPart::new(0, BodyKind::Basic, "application", "octet-stream");
        part.octets = message.root().raw_body().len() as u64;
        BodyStructure::single(part)
    })
}

fn convert_part(node: &mail::BodyNode<'_>) -> BodyPart {
    let pairs = |parameters: &[mail::BodyParameter<'_>]| {
        parameters.iter().map(|parameter| (bytes(&parameter.attribute), bytes(&parameter.value))).collect()
    };
    let lines = node.lines.unwrap_or(0) as u64;
    let kind = match &node.envelope {
        Some(envelope) => BodyKind::Message { envelope: Box::new(convert_envelope(envelope)), lines },
        None if node.is_multipart() => BodyKind::Multipart,
        None if node.media_type.eq_ignore_ascii_case(b"text") => BodyKind::Text { lines },
        None => BodyKind::Basic,
    };
    BodyPart {
        depth: u32::try_from(node.depth).unwrap_or(u32::MAX),
        kind,
        media_type: bytes(&node.media_type),
        subtype: bytes(&node.subtype),
        parameters: pairs(&node.parameters),
        id: node.content_id.as_ref().map(bytes),
        description: node.description.as_ref().map(bytes),
        encoding: bytes(&node.transfer_encoding),
        octets: node.octets as u64,
        md5: node.md5.as_ref().map(bytes),
        disposition: node.disposition.as_ref().map(|disposition| BodyDisposition {
            kind: bytes(&disposition.disposition_type),
            parameters: pairs(&disposition.parameters),
        }),
        language: node.languages.iter().map(bytes).collect(),
        location: node.location.as_ref().map(bytes),
    }
}

/// Where in the octets of a message a section is; `None` if the message has no such section (RFC 9051 section 6.4.5.1). From the ranges
/// a server can stream it without a copy.
pub fn section(
    message: &mail::Message<'_>,
    section: &Section,
    partial: Option<Partial>,
) -> Option<mail::SectionOctets> {
    let part: Vec<u32> = section.part().iter().map(|number| number.get()).collect();
    let names: Vec<&[u8]> = match section.text() {
        SectionText::HeaderFields(names) | SectionText::HeaderFieldsNot(names) => {
            names.iter().map(|name| &name[..]).collect()
        }
        _ => Vec::new(),
    };
    let text = match section.text() {
        SectionText::Whole => mail::SectionText::Whole,
        SectionText::Header => mail::SectionText::Header,
        SectionText::HeaderFields(_) => mail::SectionText::HeaderFields(&names),
        SectionText::HeaderFieldsNot(_) => mail::SectionText::HeaderFieldsNot(&names),
        SectionText::Text => mail::SectionText::Text,
        SectionText::Mime => mail::SectionText::Mime,
    };
    let octets = message.section(&mail::Section::new(&part, text))?;
    Some(match partial {
        Some(partial) => octets.partial(partial.offset, partial.len),
        None => octets,
    })
}

/// Prints `BODY[section]<offset>` of a message into a row; `NIL` if the message has no such section.
pub fn write_section(
    row: &mut RowWriter,
    out: &mut BytesMut,
    message: &mail::Message<'_>,
    wanted: &Section,
    partial: Option<Partial>,
) {
    let found = section(message, wanted, partial);
    let octets = found.as_ref().map(|found| found.of(message.octets()));
    row.section(out, wanted, partial.map(|partial| partial.offset), octets.as_deref());
}

/// Prints `BINARY[part]<offset>` of a message into a row: its octets, decoded; `NIL` if there is no such part (RFC 9051 section 6.4.5).
///
/// # Errors
///
/// The transfer encoding is not known: nothing is printed, and the command is to be answered by this (`UNKNOWN-CTE`).
pub fn write_binary(
    row: &mut RowWriter,
    out: &mut BytesMut,
    message: &mail::Message<'_>,
    part: &[NonZeroU32],
    partial: Option<Partial>,
) -> Result<(), No> {
    let decoded = decode(message, part)?;
    let octets = decoded.as_deref().map(|octets| match partial {
        Some(Partial { offset, len }) => {
            let from = usize::try_from(offset).unwrap_or(usize::MAX).min(octets.len());
            let to = from.saturating_add(usize::try_from(len).unwrap_or(usize::MAX)).min(octets.len());
            octets.get(from..to).unwrap_or_default()
        }
        None => octets,
    });
    row.binary(out, part, partial.map(|partial| partial.offset), octets);
    Ok(())
}

/// Prints `BINARY.SIZE[part]` of a message into a row: how many octets it has when decoded; 0 if there is no such part.
///
/// # Errors
///
/// The transfer encoding is not known: nothing is printed, and the command is to be answered by this (`UNKNOWN-CTE`).
pub fn write_binary_size(
    row: &mut RowWriter,
    out: &mut BytesMut,
    message: &mail::Message<'_>,
    part: &[NonZeroU32],
) -> Result<(), No> {
    let size = decode(message, part)?.map_or(0, |octets| octets.len());
    row.binary_size(out, part, size as u64);
    Ok(())
}

fn decode<'m>(message: &'m mail::Message<'_>, part: &[NonZeroU32]) -> Result<Option<Cow<'m, [u8]>>, No> {
    let part: Vec<u32> = part.iter().map(|number| number.get()).collect();
    message.binary(&part).transpose().map_err(|_| No::unknown_cte())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::response::{FetchRow, PartKind, Response, ResponseCode};

    const MESSAGE: &[u8] = b"From: Alice <a@example.com>\r\nTo: friends: b@example.com;\r\nSubject: =?utf-8?q?h=C3=A9?=\r\n\
        Date: Wed, 17 Jul 1996 02:23:25 -0700\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n\
        --x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8A\r\n\
        --x\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nbody\r\n\
        --x\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: x-odd\r\n\r\n..\r\n--x--\r\n";

    fn row(print: impl FnOnce(&mut RowWriter, &mut BytesMut, &mail::Message<'_>)) -> FetchRow {
        let message = mail::Message::parse(MESSAGE);
        let mut out = BytesMut::new();
        let mut row = RowWriter::begin(&mut out, 1, false);
        print(&mut row, &mut out, &message);
        row.end(&mut out);
        let unit = out.split_to(out.len() - 2).freeze();
        match Response::parse(&unit, &crate::response::ResponseOptions::default()).unwrap() {
            parsed if !parsed.repairs.is_empty() => panic!("{:?}", parsed.repairs),
            parsed => match parsed.response {
                Response::Fetch(row) => row,
                other => panic!("{other:?}"),
            },
        }
    }

    #[test]
    fn envelope_and_structure_of_a_message() {
        let row = row(|row, out, message| {
            row.envelope(out, &envelope(message));
            row.body_structure(out, &body_structure(message));
        });
        let envelope = row.envelope().unwrap();
        assert_eq!(envelope.subject().as_deref(), Some(&b"=?utf-8?q?h=C3=A9?="[..]));
        let to: Vec<_> = envelope.to().map(|address| (address.mailbox(), address.host().is_some())).collect();
        assert_eq!(to.len(), 3);
        assert_eq!(to[0], (Some(Cow::Borrowed(&b"friends"[..])), false));
        assert_eq!(to[2], (None, false));
        let structure = row.body_structure().unwrap();
        let kinds: Vec<_> = structure.parts().map(|part| part.kind()).collect();
        assert_eq!(
            kinds,
            [PartKind::Multipart, PartKind::Text, PartKind::Message, PartKind::Text, PartKind::Basic]
        );
        let inner = structure.parts().nth(2).unwrap().envelope().unwrap();
        assert_eq!(inner.subject().as_deref(), Some(&b"inner"[..]));
    }

    #[test]
    fn sections_and_what_is_decoded() {
        let one = Section::parse("1").unwrap();
        let row = row(|row, out, message| {
            write_section(row, out, message, &Section::parse("HEADER.FIELDS (subject)").unwrap(), None);
            write_section(row, out, message, &one, Some(Partial { offset: 2, len: 3 }));
            write_section(row, out, message, &Section::parse("2.TEXT").unwrap(), None);
            write_section(row, out, message, &Section::parse("7").unwrap(), None);
            write_binary(row, out, message, one.part(), None).unwrap();
            write_binary(row, out, message, one.part(), Some(Partial { offset: 4, len: 100 })).unwrap();
            write_binary(row, out, message, one.part(), Some(Partial { offset: 400, len: 100 })).unwrap();
            write_binary_size(row, out, message, one.part()).unwrap();
            let odd = Section::parse("3").unwrap();
            assert_eq!(
                write_binary(row, out, message, odd.part(), None).unwrap_err().code,
                Some(ResponseCode::UnknownCte)
            );
        });
        let octets: Vec<_> = row.sections().map(|section| section.octets()).collect();
        let expected = |text: &'static [u8]| Some(Bytes::from_static(text));
        assert_eq!(
            octets,
            [
                expected(b"Subject: =?utf-8?q?h=C3=A9?=\r\n\r\n"),
                expected(b"Vsb"),
                expected(b"body"),
                None,
                expected(b"hello\0"),
                expected(b"o\0"),
                expected(b""),
            ]
        );
        assert_eq!(row.binary_size(one.part()), Some(6));
        assert_eq!(row.sections().nth(1).unwrap().origin(), Some(2));
    }
}
