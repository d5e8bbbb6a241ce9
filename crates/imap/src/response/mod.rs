//! What a server says: status responses, untagged data, continuation requests (RFC 9051 section 7).
//!
//! [`Response::parse`] reads one unit, as the framer gives it: a line with its literals in place, without the CRLF at the end. What servers
//! are known to do wrong is repaired as [`Lenience`] allows, and each repair is told. What is not known is kept.

mod body_structure;
mod code;
mod envelope;
mod lenience;
mod mailbox;
mod numbers;
mod print;
mod quota;
mod raw;
mod reader;
mod refusal;
mod row;
mod search;
mod status;
mod text;
mod thread;

pub use body_structure::{BodyDisposition, BodyKind, BodyPart, BodyStructure, BodyStructureError};
pub use code::{Progress, ResponseCode};
pub use envelope::{Envelope, EnvelopeAddress};
pub use lenience::{Lenience, Quirk, Repair, ResponseOptions};
pub use mailbox::{ListResponse, MailboxAttribute, MailboxStatus, Namespace, NamespaceResponse};
pub use numbers::Numbers;
pub use quota::{Quota, QuotaRoot, QuotaUsage};
pub use raw::RawValue;
pub use refusal::{Bad, No};
pub use row::{
    AddressView, BodyStructureView, EnvelopeView, FetchRow, FetchRowParser, PartKind, PartView, RowProgress,
    RowWriter, SectionValue, SectionView, StreamedBody,
};
pub use search::{ESearchResponse, SearchResponse};
pub use status::{Continuation, Status, StatusResponse};
pub use text::ResponseText;
pub use thread::{ThreadMember, ThreadResponse};

use crate::types::{Atom, Capabilities, Capability, Flag, MailboxName, Tag, UidSet};
use bytes::{BufMut, Bytes, BytesMut};
use postroad_core::{ParseError, ParseErrorKind};
use reader::{Reader, Result, Span};

/// What a server sends in one unit (RFC 9051 section 7).
///
/// ```
/// use bytes::{Bytes, BytesMut};
/// use postroad_imap::response::Response;
///
/// let parsed = Response::parse(&Bytes::from_static(b"* 172 EXISTS"), &Default::default())?;
/// assert_eq!(parsed.response, Response::Exists(172));
/// assert!(parsed.repairs.is_empty());
/// let mut out = BytesMut::new();
/// parsed.response.encode(&mut out, false);
/// assert_eq!(out, "* 172 EXISTS\r\n");
/// # Ok::<(), postroad_imap::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Response {
    /// A status response: the greeting, the end of a command, or a piece of information (section 7.1).
    Status(StatusResponse),
    /// `+`: the server waits for more (section 7.6).
    Continuation(Continuation),
    /// `CAPABILITY`: what the server can do (section 7.2.2).
    Capability(Capabilities),
    /// `ENABLED`: what ENABLE has enabled (section 7.2.1).
    Enabled(Vec<Capability>),
    /// `FLAGS`: the flags that can be used in the mailbox (section 7.3.5).
    Flags(Vec<Flag>),
    /// `LIST` (section 7.3.1).
    List(ListResponse),
    /// `LSUB` (RFC 3501 section 7.2.3).
    Lsub(ListResponse),
    /// `NAMESPACE` (section 7.3.3).
    Namespace(NamespaceResponse),
    /// `STATUS` (section 7.3.2).
    MailboxStatus(MailboxStatus),
    /// `SEARCH` (RFC 3501 section 7.2.5).
    Search(SearchResponse),
    /// `ESEARCH` (section 7.3.4).
    ESearch(ESearchResponse),
    /// `SORT`: the numbers in their order (RFC 5256 section 4).
    Sort(SearchResponse),
    /// `THREAD` (RFC 5256 section 4).
    Thread(ThreadResponse),
    /// `EXISTS`: how many messages the mailbox has (section 7.4.1).
    Exists(u32),
    /// `RECENT`: how many of them are recent (RFC 3501 section 7.3.2).
    Recent(u32),
    /// `EXPUNGE`: the message of this number is gone, and all behind it move up (section 7.5.1).
    Expunge(u32),
    /// `VANISHED`: the messages of these UIDs are gone (RFC 7162 section 3.2.10).
    Vanished {
        /// `(EARLIER)`: they were gone already; message numbers do not change.
        earlier: bool,
        /// Their UIDs.
        uids: UidSet,
    },
    /// `FETCH` or `UIDFETCH`: a message (section 7.5.2).
    Fetch(FetchRow),
    /// `ID`: who the server is; `None` if it does not say (RFC 2971).
    Id(Option<IdFields>),
    /// `QUOTA` (RFC 9208 section 4.2.1).
    Quota(Quota),
    /// `QUOTAROOT` (RFC 9208 section 4.2.2).
    QuotaRoot(QuotaRoot),
    /// Another, or one that could not be read.
    Unknown(UnknownResponse),
}

/// What ID says: names, such as `name` and `version`, and values (RFC 2971 section 3.3).
pub type IdFields = Vec<(Bytes, Option<Bytes>)>;

/// An untagged response that is not known, or could not be read, as it came.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UnknownResponse {
    name: Atom,
    raw: Bytes,
}

impl UnknownResponse {
    /// Its name: the first word that is not a number.
    pub fn name(&self) -> &Atom {
        &self.name
    }

    /// The whole response behind `* `, with its name.
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }
}

/// A response that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// The response.
    pub response: Response,
    /// What was repaired: at most 64 repairs are told.
    pub repairs: Vec<Repair>,
}

impl Response {
    /// Reads a unit: a line with its literals in place, without the CRLF at its end.
    ///
    /// # Errors
    ///
    /// It is no response at all; or it is not as it should be, and [`Lenience`] does not allow for that. With the default lenience an
    /// untagged response that cannot be read is [`Unknown`](Self::Unknown), and not an error.
    pub fn parse(unit: &Bytes, options: &ResponseOptions) -> core::result::Result<Parsed, ParseError> {
        Self::read(unit, *options).map_err(|error| *error)
    }

    fn read(unit: &Bytes, options: ResponseOptions) -> Result<Parsed> {
        if unit.len() > Span::LIMIT {
            let kind = ParseErrorKind::TooLong { what: "a response", limit: Span::LIMIT };
            return Err(ParseError::new(kind, Span::LIMIT, unit).into());
        }
        let mut reader = Reader::new(unit, options);
        let response = match reader.peek() {
            Some(b'+') => {
                reader.eat(b'+', "a plus")?;
                Self::Continuation(Continuation::parse(&mut reader, unit)?)
            }
            Some(b'*') => Self::parse_untagged(&mut reader, unit)?,
            _ => {
                let end = memchr::memchr(b' ', unit).unwrap_or(unit.len());
                let tag = Tag::from_bytes(unit.slice(..end))?;
                reader.go_to(end);
                reader.space()?;
                let at = reader.at();
                let status = Status::from_name(reader.word());
                match status.filter(|status| matches!(status, Status::Ok | Status::No | Status::Bad)) {
                    Some(status) => {
                        Self::Status(StatusResponse::parse(&mut reader, unit, Some(tag), status)?)
                    }
                    None => return Err(reader.error(ParseErrorKind::Expected("OK, NO or BAD"), at)),
                }
            }
        };
        Ok(Parsed { response, repairs: reader.into_repairs() })
    }

    fn parse_untagged(reader: &mut Reader<'_>, unit: &Bytes) -> Result<Self> {
        reader.eat(b'*', "an asterisk")?;
        reader.space()?;
        let from = reader.at();
        let mut number = None;
        if reader.peek().is_some_and(|octet| octet.is_ascii_digit()) {
            let given = reader.number32()?;
            reader.space()?;
            // Rows first, and by the shortest way: there may be millions.
            if given > 0 && reader.rest().starts_with(b"FETCH (") {
                let repaired = reader.repaired();
                reader.go_to(reader.at() + b"FETCH ".len());
                if let Ok(row) = FetchRow::parse(reader, unit, given, false) {
                    return Ok(Self::Fetch(row));
                }
                // It is read again below, and its error judged.
                reader.forget(repaired);
                reader.go_to(from);
                reader.number32()?;
                reader.space()?;
            }
            number = Some(given);
        }
        let name_at = reader.at();
        let name = reader.word();
        if name.is_empty() {
            return reader.fail("the name of a response");
        }
        let repaired = reader.repaired();
        let error = match Self::parse_named(reader, unit, name, number) {
            Ok(Some(response)) => return Ok(response),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        if let Some(error) = error {
            reader.forget(repaired);
            if !reader.repair(Quirk::OddItem, from) {
                return Err(error);
            }
        }
        reader.go_to(unit.len());
        let name =
            Atom::from_bytes(unit.slice(name_at..name_at + name.len())).map_err(|e| e.shifted(name_at))?;
        Ok(Self::Unknown(UnknownResponse { name, raw: unit.slice(from..) }))
    }

    /// Reads what stands behind the name. `None` if the name is not known.
    fn parse_named(
        reader: &mut Reader<'_>,
        unit: &Bytes,
        name: &[u8],
        number: Option<u32>,
    ) -> Result<Option<Self>> {
        let mut upper = [0_u8; 16];
        let Some(upper) = upper.get_mut(..name.len()) else { return Ok(None) };
        upper.copy_from_slice(name);
        upper.make_ascii_uppercase();
        if let Some(number) = number {
            let response = match &*upper {
                b"FETCH" | b"UIDFETCH" => {
                    if number == 0 {
                        return Err(reader.error(ParseErrorKind::OutOfRange("a message number"), 2));
                    }
                    reader.space()?;
                    let by_uid = upper.len() > 5;
                    return Ok(Some(Self::Fetch(FetchRow::parse(reader, unit, number, by_uid)?)));
                }
                b"EXISTS" => Self::Exists(number),
                b"RECENT" => Self::Recent(number),
                b"EXPUNGE" if number > 0 => Self::Expunge(number),
                _ => return Ok(None),
            };
            reader.end()?;
            return Ok(Some(response));
        }
        if let Some(status) = Status::from_name(upper) {
            return StatusResponse::parse(reader, unit, None, status)
                .map(|status| Some(Self::Status(status)));
        }
        let response = match &*upper {
            b"SEARCH" => Self::Search(SearchResponse::parse(reader)?),
            b"SORT" => Self::Sort(SearchResponse::parse(reader)?),
            b"ESEARCH" => Self::ESearch(ESearchResponse::parse(reader, unit)?),
            b"THREAD" => Self::Thread(ThreadResponse::parse(reader)?),
            b"VANISHED" => {
                reader.space()?;
                let earlier = reader.peek() == Some(b'(');
                if earlier {
                    reader.eat(b'(', "a parenthesis")?;
                    if !reader.try_word("EARLIER") {
                        return reader.fail("EARLIER");
                    }
                    reader.eat(b')', "a parenthesis")?;
                    reader.space()?;
                }
                Self::Vanished { earlier, uids: Numbers::read_set(reader)?.into_uids() }
            }
            b"LIST" => Self::List(ListResponse::parse(reader, unit)?),
            b"LSUB" => Self::Lsub(ListResponse::parse(reader, unit)?),
            b"STATUS" => Self::MailboxStatus(MailboxStatus::parse(reader, unit)?),
            b"NAMESPACE" => Self::Namespace(NamespaceResponse::parse(reader, unit)?),
            b"CAPABILITY" => {
                if !reader.is_end() {
                    reader.space()?;
                }
                Self::Capability(read_capabilities(reader)?)
            }
            b"ENABLED" => {
                let mut enabled = Vec::new();
                if !reader.is_end() {
                    reader.space()?;
                    enabled = read_capabilities(reader)?.iter().cloned().collect();
                }
                Self::Enabled(enabled)
            }
            b"FLAGS" => {
                reader.space()?;
                Self::Flags(read_flags(reader, |name| Flag::parse(name))?)
            }
            b"ID" => {
                reader.space()?;
                Self::Id(read_id(reader, unit)?)
            }
            b"QUOTA" => Self::Quota(Quota::parse(reader, unit)?),
            b"QUOTAROOT" => Self::QuotaRoot(QuotaRoot::parse(reader, unit)?),
            _ => return Ok(None),
        };
        match response {
            Self::Search(_) | Self::ESearch(_) | Self::Sort(_) | Self::Thread(_) | Self::Vanished { .. } => {
                reader.end_of_results()?;
            }
            _ => reader.end()?,
        }
        Ok(Some(response))
    }

    /// Prints it, with its CRLF. `utf8` says whether UTF-8 was agreed on.
    ///
    /// Rows and responses that are not known are printed as they came; a row whose bodies were streamed cannot be: its octets are gone.
    /// To write rows of one's own there is [`RowWriter`].
    pub fn encode(&self, out: &mut BytesMut, utf8: bool) {
        match self {
            Self::Status(status) => return status.encode(out),
            Self::Continuation(continuation) => return continuation.encode(out),
            Self::Fetch(row) => out.put_slice(row.raw()),
            Self::Unknown(unknown) => {
                out.put_slice(b"* ");
                out.put_slice(&unknown.raw);
            }
            Self::Capability(capabilities) => {
                out.put_slice(b"* CAPABILITY ");
                print::display(out, capabilities);
            }
            Self::Enabled(enabled) => {
                out.put_slice(b"* ENABLED");
                for capability in enabled {
                    print::display(out, format_args!(" {capability}"));
                }
            }
            Self::Flags(flags) => {
                out.put_slice(b"* FLAGS ");
                print::list(out, flags, print::display);
            }
            Self::List(list) => list.encode(out, "LIST", utf8),
            Self::Lsub(list) => list.encode(out, "LSUB", utf8),
            Self::Namespace(namespaces) => namespaces.encode(out, utf8),
            Self::MailboxStatus(status) => status.encode(out, utf8),
            Self::Search(search) => search.encode(out, "SEARCH"),
            Self::Sort(search) => search.encode(out, "SORT"),
            Self::ESearch(search) => search.encode(out, utf8),
            Self::Thread(thread) => thread.encode(out),
            Self::Exists(number) => print::display(out, format_args!("* {number} EXISTS")),
            Self::Recent(number) => print::display(out, format_args!("* {number} RECENT")),
            Self::Expunge(number) => print::display(out, format_args!("* {number} EXPUNGE")),
            Self::Vanished { earlier, uids } => {
                out.put_slice(if *earlier { b"* VANISHED (EARLIER) " } else { b"* VANISHED " });
                print::display(out, uids);
            }
            Self::Id(None) => out.put_slice(b"* ID NIL"),
            Self::Id(Some(fields)) => {
                out.put_slice(b"* ID ");
                print::list(out, fields, |out, (name, value)| {
                    print::string(out, name, utf8);
                    out.put_u8(b' ');
                    print::nstring(out, value.as_deref(), utf8);
                });
            }
            Self::Quota(quota) => quota.encode(out, utf8),
            Self::QuotaRoot(roots) => roots.encode(out, utf8),
        }
        out.put_slice(b"\r\n");
    }
}

impl From<StatusResponse> for Response {
    fn from(status: StatusResponse) -> Self {
        Self::Status(status)
    }
}

/// Capabilities with spaces between them, up to the end or a bracket. What cannot be one is left out.
fn read_capabilities(reader: &mut Reader<'_>) -> Result<Capabilities> {
    let mut capabilities = Capabilities::new();
    loop {
        reader.no_space()?;
        let at = reader.at();
        while reader.peek().is_some_and(|octet| !matches!(octet, b' ' | b']')) {
            reader.go_to(reader.at() + 1);
        }
        let text = reader.octets().get(at..reader.at()).unwrap_or_default();
        if text.is_empty() {
            return Ok(capabilities);
        }
        match Capability::parse(text) {
            Ok(capability) => capabilities.insert(capability),
            Err(error) => {
                if !reader.repair(Quirk::OddItem, at) {
                    return Err(error.shifted(at).into());
                }
            }
        }
        if reader.peek() != Some(b' ') {
            return Ok(capabilities);
        }
        reader.eat(b' ', "a space")?;
    }
}

/// A list of flags; what is none is left out.
fn read_flags<T>(
    reader: &mut Reader<'_>,
    parse: impl Fn(&[u8]) -> core::result::Result<T, ParseError>,
) -> Result<Vec<T>> {
    reader.eat(b'(', "a parenthesis")?;
    let (mut flags, mut any) = (Vec::new(), false);
    while reader.next_item(any)? {
        any = true;
        let at = reader.at();
        let name = reader.atom().octets(reader.octets());
        if name.is_empty() {
            return reader.fail("a flag");
        }
        match parse(name) {
            Ok(flag) => flags.push(flag),
            Err(error) => {
                if !reader.repair(Quirk::OddFlag, at) {
                    return Err(error.shifted(at).into());
                }
            }
        }
    }
    Ok(flags)
}

/// A mailbox name; one that is not encoded as it should be keeps its spelling.
fn read_mailbox(reader: &mut Reader<'_>, raw: &Bytes) -> Result<MailboxName> {
    let at = reader.at();
    let octets = reader.astring()?.bytes(raw).unwrap_or_default();
    let (name, odd) =
        MailboxName::from_wire_lenient(&octets, reader.utf8()).map_err(|error| error.shifted(at))?;
    if odd && !reader.repair(Quirk::OddMailbox, at) {
        return Err(reader.error(ParseErrorKind::Expected("a mailbox name"), at));
    }
    Ok(name)
}

fn read_id(reader: &mut Reader<'_>, raw: &Bytes) -> Result<Option<IdFields>> {
    if reader.nil() {
        return Ok(None);
    }
    reader.eat(b'(', "a parenthesis or NIL")?;
    let mut fields = Vec::new();
    while reader.next_item(!fields.is_empty())? {
        let name = reader.string()?.bytes(raw).unwrap_or_default();
        fields.push((name, reader.space_nstring()?.bytes(raw)));
    }
    Ok(Some(fields))
}
