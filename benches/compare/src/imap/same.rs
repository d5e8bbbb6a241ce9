//! What each of the three reads in a row, in one form, so that it can be compared.

use imap_codec::imap_types::body::{BodyStructure as CodecBody, Disposition, SpecificFields};
use imap_codec::imap_types::core::{IString, NString};
use imap_codec::imap_types::envelope::Address as CodecAddress;
use imap_codec::imap_types::fetch::MessageDataItem;
use imap_codec::imap_types::flag::FlagFetch;
use imap_codec::imap_types::response::{Data, Response as CodecResponse};
use imap_proto::{AttributeValue, BodyStructure as ProtoBody, Response as ProtoResponse};
use postroad_imap::response::{PartKind, Response};
use std::borrow::Cow;

type Text = Option<String>;

/// Everything that a row of our samples says.
#[derive(Debug, Default, PartialEq)]
pub struct Row {
    number: u32,
    uid: u32,
    flags: Vec<String>,
    size: u64,
    mod_seq: u64,
    date: Text,
    subject: Text,
    message_id: Text,
    addresses: Vec<Vec<[Text; 4]>>,
    /// Type, subtype, parameters, octets, lines, disposition.
    parts: Vec<Part>,
}

#[derive(Debug, Default, PartialEq)]
struct Part {
    depth: usize,
    media_type: String,
    subtype: String,
    parameters: Vec<(String, String)>,
    id: Text,
    octets: u64,
    lines: u64,
    disposition: Option<(String, Vec<(String, String)>)>,
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

pub fn ours(response: &Response) -> Row {
    let Response::Fetch(row) = response else { panic!("no row: {response:?}") };
    let opt = |value: Option<Cow<'_, [u8]>>| value.map(|value| text(&value));
    let mut out = Row {
        number: row.number(),
        uid: row.uid().unwrap(),
        flags: row.flags().unwrap().map(|flag| flag.to_string()).collect(),
        size: row.size().unwrap_or(0),
        mod_seq: row.mod_seq().map_or(0, |mod_seq| mod_seq.get()),
        ..Row::default()
    };
    if let Some(envelope) = row.envelope() {
        out.date = opt(envelope.date());
        out.subject = opt(envelope.subject());
        out.message_id = opt(envelope.message_id());
        macro_rules! list {
            ($($list:ident)*) => { vec![$(envelope.$list().map(|a| [opt(a.name()), opt(a.route()), opt(a.mailbox()), opt(a.host())]).collect()),*] };
        }
        out.addresses = list!(from sender reply_to to cc bcc);
    }
    for part in row.body_structure().iter().flat_map(|structure| structure.parts()) {
        let multipart = part.kind() == PartKind::Multipart;
        let pairs = |pairs: &mut dyn Iterator<Item = (Cow<'_, [u8]>, Cow<'_, [u8]>)>| {
            pairs.map(|(name, value)| (text(&name), text(&value))).collect::<Vec<_>>()
        };
        out.parts.push(Part {
            depth: part.depth() as usize,
            media_type: if multipart { "MULTIPART".to_owned() } else { text(&part.media_type()) },
            subtype: text(&part.subtype()),
            parameters: pairs(&mut part.parameters()),
            id: opt(part.id()),
            octets: part.octets(),
            lines: part.lines().unwrap_or(0),
            disposition: part
                .disposition()
                .map(|kind| (text(&kind), pairs(&mut part.disposition_parameters()))),
        });
    }
    out
}

pub fn codec(response: &CodecResponse<'_>) -> Row {
    let CodecResponse::Data(Data::Fetch { seq, items }) = response else { panic!("no row: {response:?}") };
    let opt = |value: &NString<'_>| value.0.as_ref().map(|value| text(value.as_ref()));
    let list = |list: &Vec<CodecAddress<'_>>| {
        list.iter().map(|a| [opt(&a.name), opt(&a.adl), opt(&a.mailbox), opt(&a.host)]).collect::<Vec<_>>()
    };
    let mut out = Row { number: seq.get(), ..Row::default() };
    for item in items.as_ref() {
        match item {
            MessageDataItem::Uid(uid) => out.uid = uid.get(),
            MessageDataItem::Flags(flags) => {
                let name = |flag: &FlagFetch<'_>| match flag {
                    FlagFetch::Flag(flag) => flag.to_string(),
                    FlagFetch::Recent => "\\Recent".to_owned(),
                };
                out.flags = flags.iter().map(name).collect();
            }
            MessageDataItem::Rfc822Size(size) => out.size = (*size).into(),
            MessageDataItem::ModSeq(mod_seq) => out.mod_seq = mod_seq.get(),
            MessageDataItem::Envelope(e) => {
                out.date = opt(&e.date);
                out.subject = opt(&e.subject);
                out.message_id = opt(&e.message_id);
                out.addresses = [&e.from, &e.sender, &e.reply_to, &e.to, &e.cc, &e.bcc].map(list).into();
            }
            MessageDataItem::BodyStructure(body) => codec_parts(body, 0, &mut out.parts),
            _ => {}
        }
    }
    out
}

fn codec_parts(body: &CodecBody<'_>, depth: usize, parts: &mut Vec<Part>) {
    let string = |value: &IString<'_>| text(value.as_ref());
    let pairs = |pairs: &[(IString<'_>, IString<'_>)]| {
        pairs.iter().map(|(name, value)| (string(name), string(value))).collect::<Vec<_>>()
    };
    let disposition = |tail: Option<&Disposition<'_>>| {
        let (kind, parameters) = tail?.disposition.as_ref()?;
        Some((string(kind), pairs(parameters)))
    };
    match body {
        CodecBody::Single { body, extension_data } => {
            let (media_type, subtype, lines) = match &body.specific {
                SpecificFields::Basic { r#type, subtype } => (string(r#type), string(subtype), 0),
                SpecificFields::Text { subtype, number_of_lines } => {
                    ("TEXT".to_owned(), string(subtype), *number_of_lines)
                }
                SpecificFields::Message { .. } => panic!("no sample has one"),
            };
            parts.push(Part {
                depth,
                media_type,
                subtype,
                parameters: pairs(&body.basic.parameter_list),
                id: body.basic.id.0.as_ref().map(string),
                octets: body.basic.size.into(),
                lines: lines.into(),
                disposition: disposition(extension_data.as_ref().and_then(|data| data.tail.as_ref())),
            });
        }
        CodecBody::Multi { bodies, subtype, extension_data } => {
            parts.push(Part {
                depth,
                media_type: "MULTIPART".to_owned(),
                subtype: string(subtype),
                parameters: extension_data.as_ref().map_or_else(Vec::new, |data| pairs(&data.parameter_list)),
                disposition: disposition(extension_data.as_ref().and_then(|data| data.tail.as_ref())),
                ..Part::default()
            });
            bodies.as_ref().iter().for_each(|body| codec_parts(body, depth + 1, parts));
        }
    }
}

pub fn proto(response: &ProtoResponse<'_>) -> Row {
    let ProtoResponse::Fetch(number, items) = response else { panic!("no row: {response:?}") };
    let opt = |value: &Option<Cow<'_, [u8]>>| value.as_deref().map(text);
    let mut out = Row { number: *number, ..Row::default() };
    for item in items {
        match item {
            AttributeValue::Uid(uid) => out.uid = *uid,
            AttributeValue::Flags(flags) => out.flags = flags.iter().map(ToString::to_string).collect(),
            AttributeValue::Rfc822Size(size) => out.size = (*size).into(),
            AttributeValue::ModSeq(mod_seq) => out.mod_seq = *mod_seq,
            AttributeValue::Envelope(e) => {
                out.date = opt(&e.date);
                out.subject = opt(&e.subject);
                out.message_id = opt(&e.message_id);
                let lists = [&e.from, &e.sender, &e.reply_to, &e.to, &e.cc, &e.bcc].into_iter();
                let list = lists.map(|list| {
                    let fields = list.iter().flatten();
                    fields.map(|a| [opt(&a.name), opt(&a.adl), opt(&a.mailbox), opt(&a.host)]).collect()
                });
                out.addresses = list.collect();
            }
            AttributeValue::BodyStructure(body) => proto_parts(body, 0, &mut out.parts),
            _ => {}
        }
    }
    out
}

fn proto_parts(body: &ProtoBody<'_>, depth: usize, parts: &mut Vec<Part>) {
    let (common, other, lines, below) = match body {
        ProtoBody::Basic { common, other, .. } => (common, Some(other), 0, &[][..]),
        ProtoBody::Text { common, other, lines, .. } => (common, Some(other), *lines, &[][..]),
        ProtoBody::Multipart { common, bodies, .. } => (common, None, 0, &bodies[..]),
        ProtoBody::Message { .. } => panic!("no sample has one"),
    };
    let pairs = |pairs: &Option<Vec<(Cow<'_, str>, Cow<'_, str>)>>| {
        pairs.iter().flatten().map(|(name, value)| (name.to_string(), value.to_string())).collect::<Vec<_>>()
    };
    parts.push(Part {
        depth,
        media_type: common.ty.ty.to_string(),
        subtype: common.ty.subtype.to_string(),
        parameters: pairs(&common.ty.params),
        id: other.and_then(|other| other.id.as_deref().map(str::to_owned)),
        octets: other.map_or(0, |other| other.octets.into()),
        lines: lines.into(),
        disposition: common.disposition.as_ref().map(|found| (found.ty.to_string(), pairs(&found.params))),
    });
    below.iter().for_each(|body| proto_parts(body, depth + 1, parts));
}
