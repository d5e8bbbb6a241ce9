//! Trace fields, which a server puts in front of a message (RFC 5321 section 4.4).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::IpAddr;

use crate::build::writer::{FieldWriter, write_field};
use crate::error::{BuildError, InvalidReason, InvalidValue};
use crate::scanner::is_atext;
use crate::types::{AddrSpec, DateTime};

/// A `Received` field (RFC 5321 section 4.4).
///
/// The message itself is not needed: send or store the octets of the field in front of it.
///
/// ```
/// use postroad_message::{DateTime, Received};
///
/// let field = Received::new("mail.hamburger.edu", DateTime::from_timestamp(1_795_392_000, 0)?)
///     .from("mail.crepes.fr", Some([192, 0, 2, 1].into()))
///     .with("ESMTPS")
///     .id("4Xyz")
///     .recipient("bob@hamburger.edu".parse()?)
///     .to_bytes()?;
/// assert_eq!(
///     String::from_utf8_lossy(&field),
///     "Received: from mail.crepes.fr ([192.0.2.1]) by mail.hamburger.edu with ESMTPS\r\n \
///      id 4Xyz for <bob@hamburger.edu>; Mon, 23 Nov 2026 00:00:00 +0000\r\n",
/// );
/// # Ok::<(), postroad_message::BuildError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a trace field is made by `to_bytes`"]
pub struct Received {
    from: Option<(String, Option<IpAddr>, Option<String>)>,
    by: String,
    via: Option<String>,
    with: Option<String>,
    tls: Option<String>,
    id: Option<String>,
    recipient: Option<AddrSpec>,
    date: DateTime,
}

impl Received {
    /// A field that says which host received the message, and when.
    pub fn new(by: &str, date: DateTime) -> Self {
        Self {
            from: None,
            by: by.to_string(),
            via: None,
            with: None,
            tls: None,
            id: None,
            recipient: None,
            date,
        }
    }

    /// The domain or address literal that the client gave in EHLO, and the address that it came from.
    pub fn from(mut self, ehlo: &str, address: Option<IpAddr>) -> Self {
        self.from = Some((ehlo.to_string(), address, None));
        self
    }

    /// The name of the client's address as DNS has it; only has an effect behind [`from`](Self::from) with an address.
    pub fn client_name(mut self, name: &str) -> Self {
        if let Some((_, _, client_name)) = &mut self.from {
            *client_name = Some(name.to_string());
        }
        self
    }

    /// The link, such as `TCP`; rarely of use.
    pub fn via(mut self, link: &str) -> Self {
        self.via = Some(link.to_string());
        self
    }

    /// The protocol, such as `ESMTP`, `ESMTPSA` or `LMTP` (RFC 3848).
    pub fn with(mut self, protocol: &str) -> Self {
        self.with = Some(protocol.to_string());
        self
    }

    /// What is to be said of the TLS connection, such as version and cipher suite; written as a comment.
    pub fn tls(mut self, description: &str) -> Self {
        self.tls = Some(description.to_string());
        self
    }

    /// The server's own identifier of the message.
    pub fn id(mut self, id: &str) -> Self {
        self.id = Some(id.to_string());
        self
    }

    /// The recipient. Leave it out when there are several, so that none learns of the others (RFC 5321 section 7.6).
    pub fn recipient(mut self, recipient: AddrSpec) -> Self {
        self.recipient = Some(recipient);
        self
    }

    /// The octets of the field, with its CRLF.
    ///
    /// It fails if a word holds what is no part of a domain, an atom or a comment. The name that a client gives in EHLO
    /// is its own invention: on failure leave it out, or give an address literal instead.
    pub fn to_bytes(&self) -> Result<Vec<u8>, BuildError> {
        let domain = |what, text: &str| {
            word(what, text, |octet| is_atext(octet) || matches!(octet, b'.' | b'[' | b']' | b':'))
        };
        let atom =
            |what, text: &str| word(what, text, |octet| is_atext(octet) || matches!(octet, b'.' | b'@'));
        domain("domain", &self.by)?;
        if let Some((ehlo, _, client_name)) = &self.from {
            domain("domain", ehlo)?;
            client_name.as_deref().map_or(Ok(()), |name| domain("domain", name))?;
        }
        for text in [&self.via, &self.with, &self.id].into_iter().flatten() {
            atom("atom", text)?;
        }
        if let Some(tls) = &self.tls {
            word("comment", tls, |octet| {
                matches!(octet, b' '..=b'~') && !matches!(octet, b'(' | b')' | b'\\')
            })?;
        }
        let utf8 = self.recipient.as_ref().is_some_and(|recipient| !recipient.is_ascii());
        let mut out = Vec::new();
        write_field(&mut out, "Received", utf8, |writer| self.write(writer))?;
        Ok(out)
    }

    fn write(&self, writer: &mut FieldWriter<'_>) {
        if let Some((ehlo, address, client_name)) = &self.from {
            writer.word(" ", &format!("from {ehlo}"));
            let literal = address.map(|address| match address {
                IpAddr::V4(address) => format!("[{address}]"),
                IpAddr::V6(address) => format!("[IPv6:{address}]"),
            });
            match (client_name, literal) {
                (Some(name), Some(literal)) => writer.word(" ", &format!("({name} {literal})")),
                (None, Some(literal)) => writer.word(" ", &format!("({literal})")),
                (_, None) => {}
            }
        }
        writer.word(" ", &format!("by {}", self.by));
        if let Some(via) = &self.via {
            writer.word(" ", &format!("via {via}"));
        }
        if let Some(with) = &self.with {
            writer.word(" ", &format!("with {with}"));
        }
        if let Some(tls) = &self.tls {
            writer.word(" ", &format!("({tls})"));
        }
        if let Some(id) = &self.id {
            writer.word(" ", &format!("id {id}"));
        }
        if let Some(recipient) = &self.recipient {
            writer.word(" ", &format!("for <{recipient}>"));
        }
        writer.glue(";");
        writer.word(" ", &self.date.to_string());
    }
}

fn word(what: &'static str, text: &str, allowed: impl Fn(u8) -> bool) -> Result<(), InvalidValue> {
    if text.is_empty() {
        return Err(InvalidValue::new(what, InvalidReason::Empty, 0));
    }
    match text.bytes().position(|octet| !allowed(octet) || !octet.is_ascii()) {
        Some(at) => Err(InvalidValue::new(what, InvalidReason::Character, at)),
        None => Ok(()),
    }
}

/// The octets of a `Return-Path` field, with its CRLF: the reverse-path, or `<>` (RFC 5321 section 4.4).
///
/// ```
/// use postroad_message::return_path;
/// assert_eq!(return_path(None)?, b"Return-Path: <>\r\n");
/// assert_eq!(return_path(Some(&"alice@crepes.fr".parse()?))?, b"Return-Path: <alice@crepes.fr>\r\n");
/// # Ok::<(), postroad_message::BuildError>(())
/// ```
pub fn return_path(reverse_path: Option<&AddrSpec>) -> Result<Vec<u8>, BuildError> {
    let path = reverse_path.map_or_else(|| "<>".to_string(), |address| format!("<{address}>"));
    let mut out = Vec::new();
    let utf8 = !path.is_ascii();
    write_field(&mut out, "Return-Path", utf8, |writer| writer.word(" ", &path))?;
    Ok(out)
}
