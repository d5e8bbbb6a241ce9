//! Writing a message from its builder.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use memchr::memmem;

use super::part::{Content, PartBuilder};
use super::transfer::{self, Survey};
use super::writer::write_field;
use super::{MessageBuilder, Target, Waivable};
use crate::error::BuildError;
use crate::types::{Address, FieldValue, Mailbox, MessageId, TransferEncoding};

fn check(builder: &MessageBuilder) -> Result<(), BuildError> {
    if let Some(error) = &builder.error {
        return Err(error.clone());
    }
    if builder.from.is_empty() && !builder.has_waived(Waivable::From) {
        return Err(BuildError::MissingFrom);
    }
    if builder.from.len() > 1 && builder.sender.is_none() {
        return Err(BuildError::MissingSender);
    }
    if builder.date.is_none() && !builder.has_waived(Waivable::Date) {
        return Err(BuildError::MissingDate);
    }
    let destinations = builder.to.len() + builder.cc.len() + builder.bcc.len();
    if destinations == 0 && !builder.has_waived(Waivable::Destination) {
        return Err(BuildError::MissingDestination);
    }
    Ok(())
}

fn message_id(builder: &MessageBuilder) -> Result<Option<MessageId>, BuildError> {
    if let Some(id) = &builder.message_id {
        return Ok(Some(id.clone()));
    }
    let Some(domain) = &builder.message_id_domain else { return Ok(None) };
    let seed = builder.seed.ok_or(BuildError::MissingSeed)?;
    let timestamp = builder.date.map_or(0, |date| date.timestamp());
    Ok(Some(MessageId::from_seed(timestamp, seed, domain)?))
}

pub(super) fn compose(mut builder: MessageBuilder) -> Result<Bytes, BuildError> {
    check(&builder)?;
    let body = builder.take_body();
    if let Some(error) = body.error {
        return Err(error);
    }
    let id = message_id(&builder)?;
    let utf8 = builder.utf8_headers;
    let mut out = Vec::new();

    let mailboxes = |list: Vec<Mailbox>| list.into_iter().map(Address::Mailbox).collect::<Vec<_>>();
    let bcc = if builder.write_bcc { builder.bcc } else { Vec::new() };
    if let Some(date) = builder.date {
        write_field(&mut out, "Date", utf8, |writer| writer.value(&date.into()))?;
    }
    for (name, addresses) in [
        ("From", mailboxes(builder.from)),
        ("Sender", mailboxes(builder.sender.into_iter().collect())),
        ("Reply-To", builder.reply_to),
        ("To", builder.to),
        ("Cc", builder.cc),
        ("Bcc", bcc),
    ] {
        if !addresses.is_empty() {
            write_field(&mut out, name, utf8, |writer| writer.addresses(&addresses))?;
        }
    }
    for (name, ids) in [
        ("Message-ID", id.into_iter().collect()),
        ("In-Reply-To", builder.in_reply_to),
        ("References", builder.references),
    ] {
        if !ids.is_empty() {
            write_field(&mut out, name, utf8, |writer| writer.value(&FieldValue::message_ids(ids)))?;
        }
    }
    if let Some(subject) = builder.subject {
        write_field(&mut out, "Subject", utf8, |writer| writer.value(&subject))?;
    }
    for (name, value) in &builder.fields {
        write_field(&mut out, name.as_str(), utf8, |writer| writer.value(value))?;
    }
    write_field(&mut out, "MIME-Version", utf8, |writer| writer.word(" ", "1.0"))?;

    let mut boundaries = Boundaries::new(builder.seed.unwrap_or(0), &body);
    write_parts(&mut out, &body, builder.target, utf8, &mut boundaries)?;
    Ok(out.into())
}

/// A part alone, header and body.
pub(super) fn compose_part(part: PartBuilder, target: Target, seed: u128) -> Result<Bytes, BuildError> {
    if let Some(error) = part.error {
        return Err(error);
    }
    let mut out = Vec::new();
    let mut boundaries = Boundaries::new(seed, &part);
    write_parts(&mut out, &part, target, false, &mut boundaries)?;
    Ok(out.into())
}

/// The part and all parts in it, in the order of the message. Not recursive.
fn for_each_part<'p>(root: &'p PartBuilder, mut visit: impl FnMut(&'p PartBuilder)) {
    let mut open = alloc::vec![core::slice::from_ref(root).iter()];
    while let Some(parts) = open.last_mut() {
        match parts.next() {
            Some(part) => {
                visit(part);
                if let Content::Multipart(children) = &part.content {
                    open.push(children.iter());
                }
            }
            None => {
                open.pop();
            }
        }
    }
}

/// Boundaries that occur nowhere in the content: `=_`, the seed, and a number that no such text in it already bears.
///
/// `=_` can occur neither in base64 nor in quoted-printable (RFC 2045 section 6.7), so only content that goes out as
/// it is needs to be looked at, once.
struct Boundaries {
    prefix: String,
    taken: BTreeSet<u32>,
    next: u32,
}

impl Boundaries {
    fn new(seed: u128, root: &PartBuilder) -> Self {
        let prefix = format!("=_{seed:032x}_");
        let mut taken = BTreeSet::new();
        if matches!(root.content, Content::Multipart(_)) {
            let finder = memmem::Finder::new(prefix.as_bytes());
            for_each_part(root, |part| {
                let content = match &part.content {
                    Content::Text(text) => text.as_bytes(),
                    Content::Octets(octets) | Content::Verbatim(octets) => octets,
                    Content::Multipart(_) => return,
                };
                for at in finder.find_iter(content) {
                    let number = content.get(at + prefix.len()..).and_then(|rest| rest.get(..8));
                    let number = number.and_then(|number| core::str::from_utf8(number).ok());
                    taken.extend(number.and_then(|number| u32::from_str_radix(number, 16).ok()));
                }
            });
        }
        Self { prefix, taken, next: 0 }
    }

    fn make(&mut self) -> String {
        while self.taken.contains(&self.next) {
            self.next = self.next.wrapping_add(1);
        }
        let boundary = format!("{}{:08x}", self.prefix, self.next);
        self.next = self.next.wrapping_add(1);
        boundary
    }
}

/// Whether anything in it has to go out in 8bit.
fn has_eight_bit(root: &PartBuilder, target: Target) -> bool {
    let mut found = false;
    for_each_part(root, |part| {
        found |= target == Target::EightBit
            && match &part.content {
                Content::Text(text) => {
                    !text.is_ascii()
                        && choose(part, text.as_bytes(), false, target) == TransferEncoding::EightBit
                }
                Content::Octets(octets) => choose(part, octets, false, target) == TransferEncoding::EightBit,
                Content::Verbatim(octets) => !octets.is_ascii(),
                Content::Multipart(_) => false,
            };
    });
    found
}

fn choose(part: &PartBuilder, content: &[u8], last: bool, target: Target) -> TransferEncoding {
    transfer::choose(content, part.content_type.main_type() == "text", last, target)
}

fn write_parts(
    out: &mut Vec<u8>,
    root: &PartBuilder,
    target: Target,
    utf8: bool,
    boundaries: &mut Boundaries,
) -> Result<(), BuildError> {
    let mut open: Vec<(core::slice::Iter<'_, PartBuilder>, String)> = Vec::new();
    let mut next = Some(root);
    // The line end in front of a boundary belongs to it (RFC 2046 section 5.1.1). Behind the header of a multipart, and
    // behind a closing boundary, it is already there.
    let mut line_is_free = false;
    loop {
        if let Some(part) = next.take() {
            let boundary = write_part(out, part, open.is_empty(), target, utf8, boundaries)?;
            line_is_free = false;
            if let (Content::Multipart(children), Some(boundary)) = (&part.content, boundary) {
                open.push((children.iter(), boundary));
                line_is_free = true;
            }
        }
        let Some((children, boundary)) = open.last_mut() else { return Ok(()) };
        if !line_is_free {
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"--");
        out.extend_from_slice(boundary.as_bytes());
        next = children.next();
        if next.is_some() {
            out.extend_from_slice(b"\r\n");
        } else {
            out.extend_from_slice(b"--\r\n");
            open.pop();
            line_is_free = true;
        }
    }
}

/// Writes the header of a part, and its content; of a multipart only the header, and gives its boundary back.
fn write_part(
    out: &mut Vec<u8>,
    part: &PartBuilder,
    is_root: bool,
    target: Target,
    utf8: bool,
    boundaries: &mut Boundaries,
) -> Result<Option<String>, BuildError> {
    let is_text = part.content_type.main_type() == "text";
    let boundary = matches!(part.content, Content::Multipart(_)).then(|| boundaries.make());
    let ended;
    let (content, encoding) = match &part.content {
        Content::Text(text) if is_root && !text.is_empty() && !text.ends_with("\r\n") => {
            // The text of a whole message ends with its last line.
            ended = [text, "\r\n"].concat();
            (ended.as_bytes(), choose(part, ended.as_bytes(), true, target))
        }
        Content::Text(text) => (text.as_bytes(), choose(part, text.as_bytes(), is_root, target)),
        Content::Octets(octets) => (&octets[..], choose(part, octets, is_root, target)),
        Content::Verbatim(octets) => {
            let encoding = Survey::of(octets).identity();
            match encoding {
                TransferEncoding::Binary => return Err(BuildError::NeedsBinary),
                TransferEncoding::EightBit if target == Target::SevenBit => {
                    return Err(BuildError::NeedsEightBit);
                }
                _ => (&octets[..], encoding),
            }
        }
        Content::Multipart(_) if has_eight_bit(part, target) => (&[][..], TransferEncoding::EightBit),
        Content::Multipart(_) => (&[][..], TransferEncoding::SevenBit),
    };

    let mut content_type = part.content_type.clone();
    if let Some(boundary) = &boundary {
        content_type = content_type.with_parameter("boundary", boundary)?;
    }
    write_field(out, "Content-Type", utf8, |writer| writer.content_type(&content_type))?;
    if encoding != TransferEncoding::SevenBit {
        write_field(out, "Content-Transfer-Encoding", utf8, |writer| writer.word(" ", encoding.as_str()))?;
    }
    if let Some(disposition) = &part.disposition {
        write_field(out, "Content-Disposition", utf8, |writer| writer.content_disposition(disposition))?;
    }
    for (name, value) in &part.fields {
        write_field(out, name.as_str(), utf8, |writer| writer.value(value))?;
    }
    out.extend_from_slice(b"\r\n");

    match encoding {
        TransferEncoding::Base64 => transfer::base64(content, out),
        TransferEncoding::QuotedPrintable => transfer::quoted_printable(content, is_text, out),
        _ => {
            out.extend_from_slice(content);
            if is_root && !content.is_empty() && !content.ends_with(b"\r\n") {
                out.extend_from_slice(b"\r\n"); // octets that must not be encoded; a message ends in a line end
            }
        }
    }
    Ok(boundary)
}
