use super::{Quirk, ResponseCode, ResponseText, print, reader::Reader, reader::Result};
use crate::types::Tag;
use bytes::{BufMut, Bytes, BytesMut};
use core::fmt;

/// How a command ended, or what an untagged status response says (RFC 9051 section 7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// `OK`: done; untagged, a piece of information.
    Ok,
    /// `NO`: not done; untagged, a warning.
    No,
    /// `BAD`: not understood, or not allowed now.
    Bad,
    /// `PREAUTH`: a greeting to a client that is known already.
    PreAuth,
    /// `BYE`: the server is about to close the connection.
    Bye,
}

impl Status {
    /// As it stands on the line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::No => "NO",
            Self::Bad => "BAD",
            Self::PreAuth => "PREAUTH",
            Self::Bye => "BYE",
        }
    }

    pub(super) fn from_name(name: &[u8]) -> Option<Self> {
        [Self::Ok, Self::No, Self::Bad, Self::PreAuth, Self::Bye]
            .into_iter()
            .find(|status| name.eq_ignore_ascii_case(status.as_str().as_bytes()))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A status response, tagged or not; the greeting is one too (RFC 9051 section 7.1).
///
/// ```
/// use bytes::Bytes;
/// use postroad_imap::response::{Response, ResponseCode, Status};
///
/// let unit = Bytes::from_static(b"A142 OK [READ-WRITE] SELECT completed");
/// let Response::Status(status) = Response::parse(&unit, &Default::default())?.response else { unreachable!() };
/// assert_eq!(status.tag.as_ref().map(|tag| tag.as_str()), Some("A142"));
/// assert_eq!(status.status, Status::Ok);
/// assert_eq!(status.code, Some(ResponseCode::ReadWrite));
/// assert_eq!(status.text.as_str(), "SELECT completed");
/// # Ok::<(), postroad_imap::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusResponse {
    /// The tag of the command that it ends; `None` if it is untagged.
    pub tag: Option<Tag>,
    /// What it says.
    pub status: Status,
    /// More, for programs.
    pub code: Option<ResponseCode>,
    /// More, for people.
    pub text: ResponseText,
}

impl StatusResponse {
    /// An untagged response.
    pub fn untagged(
        status: Status,
        code: impl Into<Option<ResponseCode>>,
        text: impl Into<ResponseText>,
    ) -> Self {
        Self { tag: None, status, code: code.into(), text: text.into() }
    }

    /// The response that ends a command.
    pub fn tagged(
        tag: Tag,
        status: Status,
        code: impl Into<Option<ResponseCode>>,
        text: impl Into<ResponseText>,
    ) -> Self {
        Self { tag: Some(tag), status, code: code.into(), text: text.into() }
    }

    /// Reads what stands behind the status.
    pub(super) fn parse(
        reader: &mut Reader<'_>,
        raw: &Bytes,
        tag: Option<Tag>,
        status: Status,
    ) -> Result<Self> {
        let mut code = None;
        if reader.is_end() {
            if !reader.repair(Quirk::MissingText, reader.at()) {
                return reader.fail("a space and a text");
            }
        } else {
            reader.eat(b' ', "a space")?;
        }
        // A bracket that does not begin a code is text.
        if reader.peek() == Some(b'[') && memchr::memchr(b']', reader.rest()).is_some_and(|at| at > 1) {
            reader.eat(b'[', "a bracket")?;
            code = Some(ResponseCode::parse(reader, raw)?);
            if !reader.try_eat(b' ') && !reader.is_end() && !reader.repair(Quirk::MissingSpace, reader.at()) {
                return reader.fail("a space");
            }
        }
        if !reader.utf8() && !reader.rest().is_ascii() && !reader.repair(Quirk::RawEightBit, reader.at()) {
            return reader.fail("a text in ASCII");
        }
        let text = ResponseText::from_wire(reader.rest());
        reader.go_to(reader.octets().len());
        Ok(Self { tag, status, code, text })
    }

    /// Prints it, with its CRLF.
    pub fn encode(&self, out: &mut BytesMut) {
        match &self.tag {
            Some(tag) => print::display(out, tag),
            None => out.put_u8(b'*'),
        }
        out.put_u8(b' ');
        out.put_slice(self.status.as_str().as_bytes());
        out.put_u8(b' ');
        if let Some(code) = &self.code {
            out.put_u8(b'[');
            code.encode(out);
            out.put_slice(b"] ");
        }
        out.put_slice(self.text.as_str().as_bytes());
        if self.text.as_str().is_empty() {
            // The grammar wants a text, and some clients fail without one.
            out.put_slice(self.status.as_str().as_bytes());
        }
        out.put_slice(b"\r\n");
    }
}

/// `+` and a text or base64: the server waits for more (RFC 9051 section 7.6).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Continuation {
    /// What stands behind `+` and its space: a text for people, or a challenge in base64.
    pub text: Bytes,
}

impl Continuation {
    pub(super) fn parse(reader: &mut Reader<'_>, raw: &Bytes) -> Result<Self> {
        if reader.is_end() {
            if !reader.repair(Quirk::MissingText, reader.at()) {
                return reader.fail("a space");
            }
        } else {
            reader.eat(b' ', "a space")?;
        }
        let text = raw.slice(reader.at()..);
        reader.go_to(raw.len());
        Ok(Self { text })
    }

    /// The challenge, if the text is one (RFC 9051 section 6.2.2); an empty text is an empty challenge.
    pub fn challenge(&self) -> Option<Vec<u8>> {
        use base64::{Engine, engine::general_purpose::STANDARD};
        STANDARD.decode(self.text.trim_ascii()).ok()
    }

    /// Prints it, with its CRLF. CR, LF and NUL are left out.
    pub fn encode(&self, out: &mut BytesMut) {
        out.put_slice(b"+ ");
        out.extend(self.text.iter().filter(|octet| !matches!(octet, b'\r' | b'\n' | 0)));
        out.put_slice(b"\r\n");
    }
}
