//! Everything that is wrong with a message: its structure, the values of its fields and its bodies.

use alloc::vec::Vec;

use crate::defect::{Defect, DefectCode, Defects};
use crate::header::{Header, HeaderField, address, date, encoded_word, message_id, parameters};
use crate::index::FieldKind;
use crate::message::Message;
use crate::part::Part;
use crate::types::TransferEncoding;

pub(crate) fn examine(message: &Message<'_>) -> Vec<Defect> {
    let limit = message.index().limits.defects;
    let mut all = message.defects().to_vec();
    let header = message.header();
    for (kind, code) in
        [(FieldKind::From, DefectCode::MissingFrom), (FieldKind::Date, DefectCode::MissingDate)]
    {
        if header.first(kind).is_none() {
            all.push(Defect::new(code, 0));
        }
    }
    if [FieldKind::To, FieldKind::Cc, FieldKind::Bcc].iter().all(|&kind| header.first(kind).is_none()) {
        all.push(Defect::new(DefectCode::MissingDestination, 0));
    }
    examine_lines(message.octets(), None, &mut all);
    for decoded in &message.index().decoded {
        examine_lines(&decoded.octets, Some(decoded.offset), &mut all);
    }
    for part in message.parts() {
        if all.len() >= limit {
            break;
        }
        examine_header(message, part.header(), &mut all, limit);
        examine_body(part, &mut all);
    }
    all.truncate(limit);
    all.sort_by_key(|defect| (defect.offset, defect.code));
    all
}

/// The first CR that no LF follows.
fn bare_return(octets: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\r', octets).find(|at| octets.get(at + 1) != Some(&b'\n'))
}

/// The longest line that may be (RFC 5322 section 2.1.1).
const LINE_LIMIT: usize = 998;

/// Bare LF and lines that are too long, once each. All of a message that lay encoded is at the same place.
fn examine_lines(octets: &[u8], place: Option<usize>, all: &mut Vec<Defect>) {
    let mut start = 0;
    let (mut bare, mut has_crlf, mut too_long) = (None, false, None);
    for line_feed in memchr::memchr_iter(b'\n', octets) {
        let has_return = line_feed > start && octets.get(line_feed - 1) == Some(&b'\r');
        has_crlf |= has_return;
        if !has_return {
            bare.get_or_insert(line_feed);
        }
        if line_feed - start - usize::from(has_return) > LINE_LIMIT {
            too_long.get_or_insert(start);
        }
        start = line_feed + 1;
    }
    if octets.len() - start > LINE_LIMIT {
        too_long.get_or_insert(start);
    }
    if let Some(at) = bare {
        let mut defect = Defect::new(DefectCode::BareLineFeed, place.unwrap_or(at));
        if has_crlf {
            defect.severity = crate::Severity::Warning;
        }
        all.push(defect);
    }
    if let Some(at) = too_long {
        all.push(Defect::new(DefectCode::LineTooLong, place.unwrap_or(at)));
    }
}

/// NUL and bare CR, once each.
fn examine_octets(octets: &[u8], defects: &mut Defects) {
    if let Some(at) = memchr::memchr(0, octets) {
        defects.add(DefectCode::NulOctet, at);
    }
    if let Some(at) = bare_return(octets) {
        defects.add(DefectCode::BareCarriageReturn, at);
    }
}

fn examine_header(message: &Message<'_>, header: Header<'_>, all: &mut Vec<Defect>, limit: usize) {
    for field in header.fields() {
        if all.len() >= limit {
            return;
        }
        let mut defects = field.defects();
        examine_octets(field.raw_value(), &mut defects);
        examine_field(message, field, &mut defects);
        all.append(&mut defects.list);
    }
}

fn examine_field(message: &Message<'_>, field: HeaderField<'_>, defects: &mut Defects) {
    let limits = &message.index().limits;
    let value = field.raw_value();
    match field.kind() {
        FieldKind::From
        | FieldKind::Sender
        | FieldKind::ReplyTo
        | FieldKind::To
        | FieldKind::Cc
        | FieldKind::Bcc
        | FieldKind::ResentAddresses => {
            let list = address::read_list(value, limits, field.defects());
            let is_empty = list.addresses().is_empty() && list.defects().is_empty();
            defects.list.extend_from_slice(list.defects());
            if is_empty && field.kind() != FieldKind::Bcc {
                defects.add(DefectCode::InvalidAddress, 0);
            }
        }
        FieldKind::Date | FieldKind::ResentDate => match date::parse(value, limits.comment_depth) {
            Ok(read) => {
                if let Some(code) = read.defect() {
                    defects.add(code, 0);
                }
            }
            Err(error) => defects.add(DefectCode::InvalidDate, error.at()),
        },
        FieldKind::MessageId | FieldKind::InReplyTo | FieldKind::References | FieldKind::ContentId => {
            let ids = message_id::read_list(value, limits, defects);
            if ids.is_empty() && defects.list.is_empty() {
                defects.add(DefectCode::InvalidMessageId, 0);
            }
        }
        FieldKind::Subject | FieldKind::ContentDescription | FieldKind::Comments => {
            encoded_word::decode_text(value, defects);
        }
        FieldKind::ContentType => {
            parameters::content_type(value, limits, defects); // one without a type was noted by the parser
        }
        FieldKind::ContentDisposition => {
            if parameters::content_disposition(value, limits, defects).is_none() {
                defects.add(DefectCode::InvalidDisposition, 0);
            }
        }
        FieldKind::ContentTransferEncoding
        | FieldKind::ContentMd5
        | FieldKind::ContentLanguage
        | FieldKind::ContentLocation
        | FieldKind::MimeVersion
        | FieldKind::Received
        | FieldKind::ReturnPath
        | FieldKind::AuthenticationResults
        | FieldKind::ListId
        | FieldKind::ListUris
        | FieldKind::ResentMessageId
        | FieldKind::Other
        | FieldKind::Junk => {}
    }
}

fn examine_body(part: Part<'_>, all: &mut Vec<Defect>) {
    if part.is_multipart() || part.is_message() {
        // Its parts are examined; of an encoded message also how it is encoded.
        if part.is_message() && !part.transfer_encoding().is_identity() {
            let mut defects = part.body_defects();
            part.decoded_with(&mut defects);
            all.append(&mut defects.list);
        }
        return;
    }
    let mut defects = part.body_defects();
    let raw = part.raw_body();
    if part.transfer_encoding() != TransferEncoding::Binary {
        examine_octets(raw, &mut defects);
    }
    if matches!(
        part.transfer_encoding(),
        TransferEncoding::SevenBit | TransferEncoding::QuotedPrintable | TransferEncoding::Base64
    ) && !raw.is_ascii()
    {
        let at = raw.iter().position(|octet| !octet.is_ascii()).unwrap_or(0);
        defects.add(DefectCode::EightBitBody, at);
    }
    if part.text_with(&mut defects).is_none() {
        part.body_with(&mut defects);
    }
    all.append(&mut defects.list);
}
