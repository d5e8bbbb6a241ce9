//! The envelope of a message (RFC 9051 sections 2.3.5 and 7.5.2).

use alloc::borrow::Cow;
use alloc::vec::Vec;

use crate::defect::Defects;
use crate::header::Header;
use crate::header::address::{Entry, Form, Invalid, Name, Reader, Words, read_into};
use crate::header::encoded_word::unfold_octets;
use crate::index::FieldKind;

/// What IMAP says of a message's header.
///
/// The values are the header's own octets, unfolded and without white space at their ends; encoded words (RFC 2047) stay
/// encoded. None of them holds CR, LF or NUL: one that does not belong to a fold is given as a space. `None` is a field
/// that is not there, an empty value one that is there and empty. Of fields that may be there once the first counts.
///
/// ```
/// use postroad_message::Message;
///
/// let message = Message::parse(b"From: Alice <alice@crepes.fr>\r\nSubject: =?utf-8?Q?caf=C3=A9?=\r\n\r\n");
/// let envelope = message.envelope();
/// assert_eq!(envelope.subject.as_deref(), Some(&b"=?utf-8?Q?caf=C3=A9?="[..]));
/// assert_eq!(envelope.from[0].name.as_deref(), Some(&b"Alice"[..]));
/// assert_eq!(envelope.from[0].mailbox.as_deref(), Some(&b"alice"[..]));
/// assert_eq!(envelope.from[0].host.as_deref(), Some(&b"crepes.fr"[..]));
/// assert_eq!(envelope.sender, envelope.from);
/// assert_eq!(envelope.date, None);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Envelope<'m> {
    /// `Date`, as it was written.
    pub date: Option<Cow<'m, [u8]>>,
    /// `Subject`, still encoded.
    pub subject: Option<Cow<'m, [u8]>>,
    /// `From`.
    pub from: Vec<EnvelopeAddress<'m>>,
    /// `Sender`; `from` if there is none, or an empty one.
    pub sender: Vec<EnvelopeAddress<'m>>,
    /// `Reply-To`; `from` if there is none, or an empty one.
    pub reply_to: Vec<EnvelopeAddress<'m>>,
    /// `To`.
    pub to: Vec<EnvelopeAddress<'m>>,
    /// `Cc`.
    pub cc: Vec<EnvelopeAddress<'m>>,
    /// `Bcc`.
    pub bcc: Vec<EnvelopeAddress<'m>>,
    /// `In-Reply-To`.
    pub in_reply_to: Option<Cow<'m, [u8]>>,
    /// `Message-ID`.
    pub message_id: Option<Cow<'m, [u8]>>,
}

/// An address of an [`Envelope`], or the start or end of a group.
///
/// An address has a host. Without a host, one with a mailbox begins the group of that name, and one with nothing ends
/// it. An entry that cannot be read exactly is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnvelopeAddress<'m> {
    /// The display name, or the comment that stands in its place; still encoded.
    pub name: Option<Cow<'m, [u8]>>,
    /// The route of the obsolete syntax, such as `@a.example,@b.example` (RFC 5322 section 4.4).
    pub adl: Option<Cow<'m, [u8]>>,
    /// The local part without quotation marks, or the name of the group that begins here.
    pub mailbox: Option<Cow<'m, [u8]>>,
    /// The domain, or the domain literal with its brackets.
    pub host: Option<Cow<'m, [u8]>>,
}

impl EnvelopeAddress<'_> {
    /// Whether a group begins here.
    pub const fn is_group_start(&self) -> bool {
        self.host.is_none() && self.mailbox.is_some()
    }

    /// Whether a group ends here.
    pub const fn is_group_end(&self) -> bool {
        self.host.is_none() && self.mailbox.is_none()
    }
}

/// Addresses one after the other, names still encoded.
#[derive(Default)]
struct Flat<'m>(Vec<EnvelopeAddress<'m>>);

fn non_empty<'m>(octets: Vec<u8>) -> Option<Cow<'m, [u8]>> {
    (!octets.is_empty()).then_some(Cow::Owned(octets))
}

impl<'m> Form<'m> for Flat<'m> {
    fn mailbox(&mut self, entry: Entry<'m>, reader: &mut Reader<'m>) -> Result<(), Invalid> {
        let name = match entry.comment {
            Some(inside) => non_empty(reader.raw_comment(inside)),
            None => match &entry.name {
                Name::None => None,
                Name::Plain(text) => Some(Cow::Borrowed(text.as_bytes())),
                Name::Words(words) => non_empty(reader.raw_phrase(words)),
            },
        };
        let mut adl = Vec::new();
        for domain in &entry.route {
            if !adl.is_empty() {
                adl.push(b',');
            }
            adl.push(b'@');
            adl.extend_from_slice(domain.as_bytes());
        }
        self.0.push(EnvelopeAddress {
            name,
            adl: non_empty(adl),
            mailbox: Some(Cow::Owned(entry.address.local_part().as_bytes().to_vec())),
            host: Some(Cow::Owned(entry.address.domain().as_bytes().to_vec())),
        });
        Ok(())
    }

    fn group(&mut self, name: &Words<'m>, reader: &mut Reader<'m>) -> Result<(), Invalid> {
        let mailbox = Some(Cow::Owned(reader.raw_phrase(name)));
        self.0.push(EnvelopeAddress { mailbox, ..EnvelopeAddress::default() });
        Ok(())
    }

    fn end_group(&mut self) {
        self.0.push(EnvelopeAddress::default());
    }
}

/// The addresses of all fields of a kind that may be there once or is joined, within the limit.
fn addresses<'m>(header: &Header<'m>, kind: FieldKind, joined: bool) -> Vec<EnvelopeAddress<'m>> {
    let mut flat = Flat::default();
    let limits = header.limits();
    for field in header.all(kind).take(if joined { usize::MAX } else { 1 }) {
        if flat.0.len() >= limits.addresses {
            break;
        }
        read_into(field.raw_value(), limits, Defects::default(), &mut flat);
    }
    flat.0
}

pub(super) fn envelope<'m>(header: &Header<'m>) -> Envelope<'m> {
    let value = |kind| header.first(kind).map(|field| unfold_octets(field.raw_value()));
    let from = addresses(header, FieldKind::From, false);
    let or_from = |kind| {
        let found = addresses(header, kind, false);
        if found.is_empty() { from.clone() } else { found }
    };
    Envelope {
        date: value(FieldKind::Date),
        subject: value(FieldKind::Subject),
        sender: or_from(FieldKind::Sender),
        reply_to: or_from(FieldKind::ReplyTo),
        to: addresses(header, FieldKind::To, true),
        cc: addresses(header, FieldKind::Cc, true),
        bcc: addresses(header, FieldKind::Bcc, true),
        in_reply_to: value(FieldKind::InReplyTo),
        message_id: value(FieldKind::MessageId),
        from,
    }
}
