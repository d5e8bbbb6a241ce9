//! Building messages.

mod compose;
mod part;
mod transfer;
mod words;
pub(crate) mod writer;

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;

pub use self::part::PartBuilder;
use crate::error::BuildError;
use crate::types::{AddrSpec, Address, ContentType, DateTime, FieldName, FieldValue, Mailbox, MessageId};

/// What the way that the message will take can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Target {
    /// ASCII in lines of at most 998 octets; every server takes it.
    #[default]
    SevenBit,
    /// Also octets over 127; needs 8BITMIME (RFC 6152).
    EightBit,
}

/// What a message must have unless it is waived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waivable {
    From = 1,
    Date = 2,
    Destination = 4,
}

/// Builds a message.
///
/// A message needs an author, a date and a destination, unless one of them is waived. No method fails or panics: what
/// is refused, or missing, is the error of [`build`](Self::build), the first one first. No argument can add a line to
/// the header, for every name and value is checked when it is given and once more when it is written.
///
/// The same calls make the same octets; what should differ from message to message comes from [`seed`](Self::seed).
///
/// ```
/// use postroad_message::{DateTime, MessageBuilder, PartBuilder};
///
/// let message = MessageBuilder::new()
///     .from("Alice <alice@crepes.fr>")
///     .to("bob@hamburger.edu")
///     .date(DateTime::from_timestamp(1_795_392_000, 540)?)
///     .seed(42) // random in earnest
///     .message_id_at("crepes.fr")
///     .subject("삶의 의미를 찾아서")
///     .text("Do you like ketchup?\nHow about pickles?\n")
///     .attach(PartBuilder::octets("text/plain", "pickles".as_bytes()).attachment("카페.txt"))
///     .build()?;
/// assert!(message.is_ascii());
/// # Ok::<(), postroad_message::BuildError>(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "a builder does nothing until `build`"]
pub struct MessageBuilder {
    from: Vec<Mailbox>,
    sender: Option<Mailbox>,
    reply_to: Vec<Address>,
    to: Vec<Address>,
    cc: Vec<Address>,
    bcc: Vec<Address>,
    write_bcc: bool,
    date: Option<DateTime>,
    message_id: Option<MessageId>,
    message_id_domain: Option<String>,
    in_reply_to: Vec<MessageId>,
    references: Vec<MessageId>,
    subject: Option<FieldValue>,
    fields: Vec<(FieldName, FieldValue)>,
    text: Option<PartBuilder>,
    html: Option<PartBuilder>,
    inline: Vec<PartBuilder>,
    attachments: Vec<PartBuilder>,
    body: Option<PartBuilder>,
    target: Target,
    utf8_headers: bool,
    seed: Option<u128>,
    waived: u8,
    error: Option<BuildError>,
}

/// The fields that a builder writes itself.
const OWN_FIELDS: [&str; 15] = [
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Bcc",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Subject",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "Content-Disposition",
];

fn field<N, V>(name: N, value: V) -> Result<(FieldName, FieldValue), BuildError>
where
    N: TryInto<FieldName>,
    N::Error: Into<BuildError>,
    V: TryInto<FieldValue>,
    V::Error: Into<BuildError>,
{
    use crate::error::{InvalidReason, InvalidValue};
    let name = name.try_into().map_err(Into::into)?;
    if OWN_FIELDS.iter().any(|own| name.as_str().eq_ignore_ascii_case(own)) {
        return Err(InvalidValue::new("field-name", InvalidReason::Syntax, 0).into());
    }
    Ok((name, value.try_into().map_err(Into::into)?))
}

impl MessageBuilder {
    /// A message with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    fn with<T, U>(mut self, value: T, put: impl FnOnce(&mut Self, U)) -> Self
    where
        T: TryInto<U>,
        T::Error: Into<BuildError>,
    {
        match value.try_into() {
            Ok(value) => put(&mut self, value),
            Err(error) => {
                self.error.get_or_insert_with(|| error.into());
            }
        }
        self
    }

    /// Adds an author (RFC 5322 section 3.6.2).
    pub fn from<T>(self, mailbox: T) -> Self
    where
        T: TryInto<Mailbox>,
        T::Error: Into<BuildError>,
    {
        self.with(mailbox, |builder, mailbox| builder.from.push(mailbox))
    }

    /// Sets the mailbox that sends for the authors; required when there are several (RFC 5322 section 3.6.2).
    pub fn sender<T>(self, mailbox: T) -> Self
    where
        T: TryInto<Mailbox>,
        T::Error: Into<BuildError>,
    {
        self.with(mailbox, |builder, mailbox| builder.sender = Some(mailbox))
    }

    /// Adds an address for answers.
    pub fn reply_to<T>(self, address: T) -> Self
    where
        T: TryInto<Address>,
        T::Error: Into<BuildError>,
    {
        self.with(address, |builder, address| builder.reply_to.push(address))
    }

    /// Adds a primary recipient (RFC 5322 section 3.6.3).
    pub fn to<T>(self, address: T) -> Self
    where
        T: TryInto<Address>,
        T::Error: Into<BuildError>,
    {
        self.with(address, |builder, address| builder.to.push(address))
    }

    /// Adds a recipient of a copy.
    pub fn cc<T>(self, address: T) -> Self
    where
        T: TryInto<Address>,
        T::Error: Into<BuildError>,
    {
        self.with(address, |builder, address| builder.cc.push(address))
    }

    /// Adds a recipient of a blind copy: one of [`recipients`](Self::recipients), but not written in the message
    /// unless [`write_bcc`](Self::write_bcc) says so.
    pub fn bcc<T>(self, address: T) -> Self
    where
        T: TryInto<Address>,
        T::Error: Into<BuildError>,
    {
        self.with(address, |builder, address| builder.bcc.push(address))
    }

    /// Whether the `Bcc` field is written, for a message that goes to a submission server which removes it.
    pub fn write_bcc(mut self, write: bool) -> Self {
        self.write_bcc = write;
        self
    }

    /// Sets the date (RFC 5322 section 3.6.1).
    pub fn date(mut self, date: DateTime) -> Self {
        self.date = Some(date);
        self
    }

    /// Sets the message identifier (RFC 5322 section 3.6.4). Without one, and without
    /// [`message_id_at`](Self::message_id_at), the field is left to the submission server.
    pub fn message_id<T>(self, id: T) -> Self
    where
        T: TryInto<MessageId>,
        T::Error: Into<BuildError>,
    {
        self.with(id, |builder, id| builder.message_id = Some(id))
    }

    /// Has a message identifier made of the date and the [`seed`](Self::seed), at this domain.
    pub fn message_id_at(mut self, domain: &str) -> Self {
        self.message_id_domain = Some(domain.into());
        self
    }

    /// Adds the identifier of a message that this one answers.
    pub fn in_reply_to<T>(self, id: T) -> Self
    where
        T: TryInto<MessageId>,
        T::Error: Into<BuildError>,
    {
        self.with(id, |builder, id| builder.in_reply_to.push(id))
    }

    /// Adds the identifier of a message of the same conversation, the oldest first.
    pub fn reference<T>(self, id: T) -> Self
    where
        T: TryInto<MessageId>,
        T::Error: Into<BuildError>,
    {
        self.with(id, |builder, id| builder.references.push(id))
    }

    /// Sets the subject.
    pub fn subject(self, subject: &str) -> Self {
        self.with(subject, |builder, subject| builder.subject = Some(subject))
    }

    /// Adds another field, behind those that the builder knows, in the order in which they are added. A `&str` value
    /// is unstructured text. The fields that have a method of their own are refused.
    pub fn field<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<FieldName>,
        N::Error: Into<BuildError>,
        V: TryInto<FieldValue>,
        V::Error: Into<BuildError>,
    {
        match field(name, value) {
            Ok(field) => self.fields.push(field),
            Err(error) => {
                self.error.get_or_insert(error);
            }
        }
        self
    }

    /// Sets the plain text.
    pub fn text(mut self, text: &str) -> Self {
        self.text = Some(PartBuilder::text(text));
        self
    }

    /// Sets the HTML. With a plain text too, the two are alternatives (RFC 2046 section 5.1.4).
    pub fn html(mut self, html: &str) -> Self {
        self.html = Some(PartBuilder::html(html));
        self
    }

    /// Adds a part that the HTML refers to by its content identifier (`multipart/related`, RFC 2387).
    pub fn inline(mut self, part: PartBuilder) -> Self {
        self.inline.push(part);
        self
    }

    /// Adds an attachment. A part without a disposition gets `attachment`.
    pub fn attach(mut self, part: PartBuilder) -> Self {
        let part = if part.disposition.is_none() { part.attachment("") } else { part };
        self.attachments.push(part);
        self
    }

    /// Sets the whole body, instead of text, HTML, inline parts and attachments.
    pub fn body(mut self, part: PartBuilder) -> Self {
        self.body = Some(part);
        self
    }

    /// Sets what the way of the message can carry; 7bit by default.
    pub fn target(mut self, target: Target) -> Self {
        self.target = target;
        self
    }

    /// Whether header fields may be in UTF-8 (RFC 6532), which addresses outside of ASCII need. Such a message needs
    /// SMTPUTF8 (RFC 6531).
    pub fn utf8_headers(mut self, allowed: bool) -> Self {
        self.utf8_headers = allowed;
        self
    }

    /// Sets the octets from which boundaries and the message identifier are made. Draw them from a good source of
    /// randomness if an identifier is to be made.
    pub fn seed(mut self, seed: u128) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Lets the message have no author.
    pub fn waive_from(self) -> Self {
        self.waive(Waivable::From)
    }

    /// Lets the message have no date.
    pub fn waive_date(self) -> Self {
        self.waive(Waivable::Date)
    }

    /// Lets the message have no destination, which RFC 5322 section 3.6 allows.
    pub fn waive_destination(self) -> Self {
        self.waive(Waivable::Destination)
    }

    const fn waive(mut self, what: Waivable) -> Self {
        self.waived |= what as u8;
        self
    }

    /// The addresses of all recipients, those of blind copies too: what the envelope needs. One that was added twice
    /// is there twice.
    pub fn recipients(&self) -> impl Iterator<Item = &AddrSpec> {
        [&self.to, &self.cc, &self.bcc]
            .into_iter()
            .flatten()
            .flat_map(Address::mailboxes)
            .map(Mailbox::address)
    }

    /// The octets of the message, with CRLF as line ends; they end in CRLF.
    pub fn build(self) -> Result<Bytes, BuildError> {
        compose::compose(self)
    }

    fn has_waived(&self, what: Waivable) -> bool {
        self.waived & what as u8 != 0
    }

    /// The body as one part: `mixed` around `alternative` around `related`, each only if it is needed.
    fn take_body(&mut self) -> PartBuilder {
        let (text, html) = (self.text.take(), self.html.take());
        let inline = core::mem::take(&mut self.inline);
        let attachments = core::mem::take(&mut self.attachments);
        if let Some(body) = self.body.take() {
            return body;
        }
        let multipart =
            |subtype: &str, parts| PartBuilder::multipart(ContentType::known("multipart", subtype), parts);
        let related = |root: PartBuilder, inline: Vec<PartBuilder>| {
            if inline.is_empty() {
                return root;
            }
            let essence = root.content_type.essence().to_owned();
            let parts = core::iter::once(root).chain(inline).collect();
            multipart("related", parts).content_parameter("type", &essence)
        };
        let body = match (text, html) {
            (Some(text), Some(html)) => multipart("alternative", alloc::vec![text, related(html, inline)]),
            (None, Some(html)) => related(html, inline),
            (Some(text), None) => related(text, inline),
            (None, None) => related(PartBuilder::text(""), inline),
        };
        if attachments.is_empty() {
            return body;
        }
        multipart("mixed", core::iter::once(body).chain(attachments).collect())
    }
}
