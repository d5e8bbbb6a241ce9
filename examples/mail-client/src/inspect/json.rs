//! What is known of a message, in the shape of the JSON object.

use postroad_message::{
    Address, AddressList, Defect, Mailbox, Message, MessageId, Parameter, Part, TransferEncoding,
};
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// A message, as `--json` prints it. Absent values are null, absent lists empty.
#[derive(Debug, Serialize)]
pub(crate) struct Inspection {
    pub headers: Vec<Field>,
    pub from: Vec<Entry>,
    pub to: Vec<Entry>,
    pub cc: Vec<Entry>,
    pub bcc: Vec<Entry>,
    pub reply_to: Vec<Entry>,
    pub sender: Vec<Entry>,
    /// RFC 3339.
    pub date: Option<String>,
    pub subject: Option<String>,
    pub message_id: Option<String>,
    pub in_reply_to: Vec<String>,
    pub references: Vec<String>,
    /// In document order, the root first.
    pub parts: Vec<PartEntry>,
    /// The numbers of parts.
    pub text_body: Vec<String>,
    pub html_body: Vec<String>,
    pub attachments: Vec<String>,
    pub defects: Vec<DefectEntry>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Field {
    pub name: String,
    /// All behind the colon, as it was written.
    pub raw: String,
    /// Unfolded, encoded words decoded.
    pub value: String,
}

/// An entry of an address list.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Entry {
    Mailbox { name: Option<String>, address: String },
    Group { group: String, members: Vec<Self> },
}

#[derive(Debug, Serialize)]
pub(crate) struct PartEntry {
    /// IMAP's number; a multipart root has none.
    pub id: String,
    /// In how many parts it lies: 0 for the root, 1 for the parts of a multipart root, and one more for whatever lies in them. The
    /// message in a `message/rfc822` is a part in it, so that `2.1` has depth 2 in a multipart and depth 3 in the multipart of a message.
    pub depth: usize,
    pub content_type: String,
    #[serde(serialize_with = "parameters")]
    pub parameters: Vec<Parameter>,
    pub encoding: String,
    pub disposition: Option<String>,
    pub filename: Option<String>,
    pub content_id: Option<String>,
    pub description: Option<String>,
    pub offset: usize,
    /// Of the header block with its blank line.
    pub header_octets: usize,
    /// Of the body, as IMAP counts.
    pub octets: usize,
    pub lines: usize,
    pub decoded_octets: usize,
    /// Of the decoded octets.
    pub sha256: String,
    /// Of `text/*`, in UTF-8.
    pub text: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct DefectEntry {
    pub code: &'static str,
    pub offset: usize,
    pub severity: &'static str,
}

impl Inspection {
    pub(crate) fn of(message: &Message<'_>) -> Self {
        let header = message.header();
        let fields = header.fields().filter(|field| !field.raw_name().is_empty());
        let bodies = message.bodies();
        Self {
            headers: fields
                .map(|field| Field {
                    name: field.name().into_owned(),
                    raw: String::from_utf8_lossy(field.raw_value()).into_owned(),
                    value: field.text().into_owned(),
                })
                .collect(),
            from: entries(&header.from()),
            to: entries(&header.to()),
            cc: entries(&header.cc()),
            bcc: entries(&header.bcc()),
            reply_to: entries(&header.reply_to()),
            sender: entries(&header.sender()),
            date: header.date().map(|date| date.rfc3339().to_string()),
            subject: header.subject().map(Into::into),
            message_id: header.message_id().as_ref().map(identifier),
            in_reply_to: header.in_reply_to().iter().map(identifier).collect(),
            references: header.references().iter().map(identifier).collect(),
            parts: message.parts().map(PartEntry::of).collect(),
            text_body: numbers(&bodies.text),
            html_body: numbers(&bodies.html),
            attachments: numbers(&bodies.attachments),
            defects: message.examine().into_iter().map(DefectEntry::of).collect(),
        }
    }
}

fn identifier(id: &MessageId) -> String {
    id.as_str().to_owned()
}

fn numbers(parts: &[Part<'_>]) -> Vec<String> {
    parts.iter().map(|part| part.number().to_string()).collect()
}

pub(crate) fn entries(list: &AddressList) -> Vec<Entry> {
    let entry = |address: &Address| match address {
        Address::Mailbox(mailbox) => Entry::of(mailbox),
        Address::Group(group) => Entry::Group {
            group: group.name().to_owned(),
            members: group.members().iter().map(Entry::of).collect(),
        },
    };
    list.addresses().iter().map(entry).collect()
}

impl Entry {
    fn of(mailbox: &Mailbox) -> Self {
        Self::Mailbox { name: mailbox.name().map(Into::into), address: mailbox.address().to_string() }
    }
}

impl PartEntry {
    fn of(part: Part<'_>) -> Self {
        let content_type = part.content_type();
        let body = part.body();
        Self {
            id: part.number().to_string(),
            depth: part.depth(),
            content_type: content_type.essence().to_owned(),
            parameters: content_type.parameters().to_vec(),
            encoding: encoding(part),
            disposition: part
                .disposition()
                .map(|disposition| disposition.disposition_type().as_str().to_owned()),
            filename: part.filename(),
            content_id: part.content_id().as_ref().map(identifier),
            description: part.description().map(Into::into),
            offset: part.offset(),
            header_octets: part.header().octets().len(),
            octets: part.raw_body().len(),
            lines: part.lines(),
            decoded_octets: body.len(),
            sha256: hex(&Sha256::digest(&body)),
            text: part.text().map(Into::into),
        }
    }
}

fn hex(octets: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or('0');
    octets.iter().flat_map(|octet| [digit(octet >> 4), digit(octet & 15)]).collect()
}

/// One that is not known is given as it was written.
fn encoding(part: Part<'_>) -> String {
    let known = part.transfer_encoding();
    let written =
        part.header().field("Content-Transfer-Encoding").filter(|_| known == TransferEncoding::Unknown);
    written.map_or_else(|| known.as_str().to_owned(), |field| field.unfolded().to_ascii_lowercase())
}

impl DefectEntry {
    fn of(defect: Defect) -> Self {
        Self { code: defect.code.as_str(), offset: defect.offset, severity: defect.severity.as_str() }
    }
}

fn parameters<S: Serializer>(parameters: &[Parameter], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(parameters.len()))?;
    for parameter in parameters {
        map.serialize_entry(parameter.name(), parameter.value())?;
    }
    map.end()
}
