use super::print;
use bytes::{BufMut, Bytes, BytesMut};

/// An address of an [`Envelope`] (RFC 9051 section 7.5.2, "addr-").
///
/// A group is told by two that are no mailboxes: one with the group's name in `mailbox` and no `host` begins it, one with neither ends it.
///
/// ```
/// use postroad_imap::response::EnvelopeAddress;
///
/// let address = EnvelopeAddress::mailbox(Some("Terry Gray"), "gray", "cac.washington.edu");
/// assert_eq!(address.host.as_deref(), Some(&b"cac.washington.edu"[..]));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct EnvelopeAddress {
    /// The display name, with its encoded words.
    pub name: Option<Bytes>,
    /// The source route (RFC 5322 section 4.4).
    pub route: Option<Bytes>,
    /// The local part, or the name of a group.
    pub mailbox: Option<Bytes>,
    /// The domain.
    pub host: Option<Bytes>,
}

impl EnvelopeAddress {
    /// A mailbox.
    pub fn mailbox(name: Option<&str>, mailbox: &str, host: &str) -> Self {
        let copy = |text: &str| Bytes::copy_from_slice(text.as_bytes());
        Self { name: name.map(copy), route: None, mailbox: Some(copy(mailbox)), host: Some(copy(host)) }
    }

    /// The beginning of a group.
    pub fn group(name: impl Into<Bytes>) -> Self {
        Self { mailbox: Some(name.into()), ..Self::default() }
    }

    /// The end of a group.
    pub fn group_end() -> Self {
        Self::default()
    }

    fn encode(&self, out: &mut BytesMut, utf8: bool) {
        out.put_u8(b'(');
        print::nstring(out, self.name.as_deref(), utf8);
        print::space_nstring(out, self.route.as_deref(), utf8);
        print::space_nstring(out, self.mailbox.as_deref(), utf8);
        print::space_nstring(out, self.host.as_deref(), utf8);
        out.put_u8(b')');
    }
}

/// The parsed header of a message, as FETCH ENVELOPE gives it (RFC 9051 section 7.5.2). Strings are as in the header: unfolded, but
/// with their encoded words.
///
/// ```
/// use bytes::BytesMut;
/// use postroad_imap::response::{Envelope, EnvelopeAddress};
///
/// let envelope = Envelope {
///     subject: Some("hi".into()),
///     from: vec![EnvelopeAddress::mailbox(None, "gray", "cac.washington.edu")],
///     ..Envelope::default()
/// };
/// let mut out = BytesMut::new();
/// envelope.encode(&mut out, false);
/// assert_eq!(out, r#"(NIL "hi" ((NIL NIL "gray" "cac.washington.edu")) NIL NIL NIL NIL NIL NIL NIL)"#);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Envelope {
    /// `Date`.
    pub date: Option<Bytes>,
    /// `Subject`.
    pub subject: Option<Bytes>,
    /// `From`.
    pub from: Vec<EnvelopeAddress>,
    /// `Sender`; a server gives `From` if there is none.
    pub sender: Vec<EnvelopeAddress>,
    /// `Reply-To`; a server gives `From` if there is none.
    pub reply_to: Vec<EnvelopeAddress>,
    /// `To`.
    pub to: Vec<EnvelopeAddress>,
    /// `Cc`.
    pub cc: Vec<EnvelopeAddress>,
    /// `Bcc`.
    pub bcc: Vec<EnvelopeAddress>,
    /// `In-Reply-To`.
    pub in_reply_to: Option<Bytes>,
    /// `Message-ID`.
    pub message_id: Option<Bytes>,
}

impl Envelope {
    /// Prints it. `utf8` says whether UTF-8 was agreed on; without it, what is not ASCII becomes a literal.
    pub fn encode(&self, out: &mut BytesMut, utf8: bool) {
        out.put_u8(b'(');
        print::nstring(out, self.date.as_deref(), utf8);
        print::space_nstring(out, self.subject.as_deref(), utf8);
        for addresses in [&self.from, &self.sender, &self.reply_to, &self.to, &self.cc, &self.bcc] {
            if addresses.is_empty() {
                out.put_slice(b" NIL");
                continue;
            }
            out.put_slice(b" (");
            for address in addresses {
                address.encode(out, utf8);
            }
            out.put_u8(b')');
        }
        print::space_nstring(out, self.in_reply_to.as_deref(), utf8);
        print::space_nstring(out, self.message_id.as_deref(), utf8);
        out.put_u8(b')');
    }
}
