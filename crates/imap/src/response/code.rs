use super::{Numbers, Quirk, print, reader::Reader, reader::Result};
use crate::types::{Capabilities, Flag, FlagPermission, ModSeq, UidSet};
use bytes::{BufMut, Bytes, BytesMut};
use core::fmt;
use std::borrow::Cow;

/// Why, or what else, for programs: what stands in brackets before the text of a status response (RFC 9051 section 7.1, RFC 5530, and
/// the extensions that have added to it).
///
/// ```
/// use postroad_imap::response::ResponseCode;
///
/// assert_eq!(ResponseCode::TryCreate.to_string(), "TRYCREATE");
/// assert_eq!(ResponseCode::UidNext(4392).to_string(), "UIDNEXT 4392");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseCode {
    /// `ALERT`: the text must be shown to the user.
    Alert,
    /// `ALREADYEXISTS`: a mailbox of that name is there already (RFC 5530).
    AlreadyExists,
    /// `APPENDLIMIT`: the message is larger than the server takes (RFC 7889 has it as `TOOBIG`; some send this).
    AppendLimit(Option<u64>),
    /// `APPENDUID`: the UIDs of appended messages (RFC 4315).
    AppendUid {
        /// UIDVALIDITY of the mailbox.
        uid_validity: u32,
        /// The UIDs, in the order of the messages.
        uids: UidSet,
    },
    /// `AUTHENTICATIONFAILED`: the credentials are wrong (RFC 5530).
    AuthenticationFailed,
    /// `AUTHORIZATIONFAILED`: they are right, but may not act for the identity asked for (RFC 5530).
    AuthorizationFailed,
    /// `BADCHARSET`: the charset of a search is not known; these are (RFC 9051 section 7.1).
    BadCharset(Vec<Bytes>),
    /// `BADCOMPARATOR`: no such comparator (RFC 5255).
    BadComparator,
    /// `BADEVENT`: NOTIFY does not know an event; these it knows, as they came (RFC 5465).
    BadEvent(Bytes),
    /// `BADURL`: a URL of CATENATE leads nowhere (RFC 4469).
    BadUrl(Bytes),
    /// `CANNOT`: the operation can never be done (RFC 5530).
    Cannot,
    /// `CAPABILITY`: what the server can do now.
    Capability(Capabilities),
    /// `CLIENTBUG`: the client did what no client should (RFC 5530).
    ClientBug,
    /// `CLOSED`: the mailbox selected before is closed; what follows is about the new one (RFC 7162).
    Closed,
    /// `COMPRESSIONACTIVE`: compression is active already (RFC 4978).
    CompressionActive,
    /// `CONTACTADMIN`: people must mend it (RFC 5530).
    ContactAdmin,
    /// `COPYUID`: where copied or moved messages have gone (RFC 4315).
    CopyUid {
        /// UIDVALIDITY of the mailbox they were copied to.
        uid_validity: u32,
        /// Their UIDs where they were.
        source: UidSet,
        /// Their UIDs where they are, in the same order.
        destination: UidSet,
    },
    /// `CORRUPTION`: what the server has stored is damaged (RFC 5530).
    Corruption,
    /// `EXPIRED`: the password or the like is no longer valid (RFC 5530).
    Expired,
    /// `EXPUNGEISSUED`: some messages are gone (RFC 5530).
    ExpungeIssued,
    /// `HASCHILDREN`: the mailbox has others below it (RFC 9051 section 6.3.5).
    HasChildren,
    /// `HIGHESTMODSEQ`: the highest mod-sequence of the mailbox (RFC 7162).
    HighestModSeq(ModSeq),
    /// `INPROGRESS`: how far a long command is (RFC 9585).
    InProgress(Option<Progress>),
    /// `INUSE`: locked by another (RFC 5530).
    InUse,
    /// `LIMIT`: a limit of the server is reached (RFC 5530).
    Limit,
    /// `MAILBOXID`: the mailbox's object identifier (RFC 8474).
    MailboxId(Bytes),
    /// `MESSAGELIMIT`: how many messages one command may touch, and the lowest UID that was not (RFC 9738).
    MessageLimit {
        /// How many.
        limit: u32,
        /// The lowest UID that was processed.
        uid: Option<u32>,
    },
    /// `METADATA LONGENTRIES`: entries longer than this, in octets, were left out (RFC 5464).
    MetadataLongEntries(u64),
    /// `METADATA MAXSIZE`: the longest annotation that is taken, in octets (RFC 5464).
    MetadataMaxSize(u64),
    /// `METADATA NOPRIVATE`: no private annotations (RFC 5464).
    MetadataNoPrivate,
    /// `METADATA TOOMANY`: too many annotations (RFC 5464).
    MetadataTooMany,
    /// `MODIFIED`: these messages were not stored to, for they had changed (RFC 7162). Message numbers, or UIDs for UID STORE.
    Modified(Numbers),
    /// `NOMODSEQ`: the mailbox keeps no mod-sequences (RFC 7162).
    NoModSeq,
    /// `NONEXISTENT`: no such mailbox (RFC 5530).
    NonExistent,
    /// `NOPERM`: not allowed (RFC 5530).
    NoPerm,
    /// `NOTIFICATIONOVERFLOW`: NOTIFY was switched off, for too much happened (RFC 5465).
    NotificationOverflow,
    /// `NOTSAVED`: the result of the search was not saved (RFC 9051 section 7.1).
    NotSaved,
    /// `NOUPDATE`: the search with this tag will not be kept up to date (RFC 5267).
    NoUpdate(Bytes),
    /// `OVERQUOTA`: the quota is, or would be, exceeded (RFC 5530, RFC 9208).
    OverQuota,
    /// `PARSE`: a message of the mailbox cannot be parsed.
    Parse,
    /// `PERMANENTFLAGS`: the flags that can be changed for good.
    PermanentFlags(Vec<FlagPermission>),
    /// `PRIVACYREQUIRED`: not without encryption (RFC 5530).
    PrivacyRequired,
    /// `READ-ONLY`: the mailbox is selected for reading, or its access has changed to that.
    ReadOnly,
    /// `READ-WRITE`: the mailbox is selected for reading and writing.
    ReadWrite,
    /// `REFERRAL`: try at these URLs (RFC 2221, RFC 2193).
    Referral(Bytes),
    /// `SERVERBUG`: the server is at fault (RFC 5530).
    ServerBug,
    /// `TOOBIG`: the message would be too large (RFC 4469, RFC 7889).
    TooBig,
    /// `TRYCREATE`: the mailbox is not there, but could be created.
    TryCreate,
    /// `UIDNEXT`: the next UID.
    UidNext(u32),
    /// `UIDNOTSTICKY`: the mailbox keeps no UIDs (RFC 4315).
    UidNotSticky,
    /// `UIDREQUIRED`: only UID commands may be used (RFC 9586).
    UidRequired,
    /// `UIDVALIDITY`: of the mailbox.
    UidValidity(u32),
    /// `UNAVAILABLE`: something behind the server is down (RFC 5530).
    Unavailable,
    /// `UNDEFINED-FILTER`: no filter of this name (RFC 5466).
    UndefinedFilter(Bytes),
    /// `UNKNOWN-CTE`: the server cannot decode the part (RFC 9051 section 7.1, RFC 3516).
    UnknownCte,
    /// `UNSEEN`: the number of the first message that is not seen (RFC 3501; not in RFC 9051).
    Unseen(u32),
    /// `USEATTR`: CREATE with a special use could not be done (RFC 6154).
    UseAttr,
    /// Another, or one that is not well-formed.
    Other {
        /// The name in upper case, without space or bracket.
        name: Box<str>,
        /// What stands behind it, without `]`, CR, LF and NUL.
        text: Option<Bytes>,
    },
}

/// How far a long command is (RFC 9585 section 4).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Progress {
    /// The tag of the command, if it is told.
    pub tag: Option<Bytes>,
    /// How much is done.
    pub done: Option<u64>,
    /// How much there is to do.
    pub goal: Option<u64>,
}

/// The codes that have no arguments.
static PLAIN: [(&str, ResponseCode); 36] = [
    ("ALERT", ResponseCode::Alert),
    ("ALREADYEXISTS", ResponseCode::AlreadyExists),
    ("AUTHENTICATIONFAILED", ResponseCode::AuthenticationFailed),
    ("AUTHORIZATIONFAILED", ResponseCode::AuthorizationFailed),
    ("BADCOMPARATOR", ResponseCode::BadComparator),
    ("CANNOT", ResponseCode::Cannot),
    ("CLIENTBUG", ResponseCode::ClientBug),
    ("CLOSED", ResponseCode::Closed),
    ("COMPRESSIONACTIVE", ResponseCode::CompressionActive),
    ("CONTACTADMIN", ResponseCode::ContactAdmin),
    ("CORRUPTION", ResponseCode::Corruption),
    ("EXPIRED", ResponseCode::Expired),
    ("EXPUNGEISSUED", ResponseCode::ExpungeIssued),
    ("HASCHILDREN", ResponseCode::HasChildren),
    ("INUSE", ResponseCode::InUse),
    ("LIMIT", ResponseCode::Limit),
    ("METADATA NOPRIVATE", ResponseCode::MetadataNoPrivate),
    ("METADATA TOOMANY", ResponseCode::MetadataTooMany),
    ("NOMODSEQ", ResponseCode::NoModSeq),
    ("NONEXISTENT", ResponseCode::NonExistent),
    ("NOPERM", ResponseCode::NoPerm),
    ("NOTIFICATIONOVERFLOW", ResponseCode::NotificationOverflow),
    ("NOTSAVED", ResponseCode::NotSaved),
    ("OVERQUOTA", ResponseCode::OverQuota),
    ("PARSE", ResponseCode::Parse),
    ("PRIVACYREQUIRED", ResponseCode::PrivacyRequired),
    ("READ-ONLY", ResponseCode::ReadOnly),
    ("READ-WRITE", ResponseCode::ReadWrite),
    ("SERVERBUG", ResponseCode::ServerBug),
    ("TOOBIG", ResponseCode::TooBig),
    ("TRYCREATE", ResponseCode::TryCreate),
    ("UIDNOTSTICKY", ResponseCode::UidNotSticky),
    ("UIDREQUIRED", ResponseCode::UidRequired),
    ("UNAVAILABLE", ResponseCode::Unavailable),
    ("UNKNOWN-CTE", ResponseCode::UnknownCte),
    ("USEATTR", ResponseCode::UseAttr),
];

impl ResponseCode {
    /// Another code. Its name is made an atom in upper case, and what may not stand in its text is left out.
    pub fn other(name: &str, text: Option<&str>) -> Self {
        let name: String = name
            .chars()
            .filter(|c| c.is_ascii_graphic() && !matches!(c, '(' | ')' | '{' | '%' | '*' | '"' | '\\' | ']'))
            .collect();
        let name = if name.is_empty() { "X".into() } else { name.to_ascii_uppercase().into() };
        let text =
            text.map(|text| text.chars().filter(|c| !c.is_control() && *c != ']').collect::<String>().into());
        Self::Other { name, text }
    }

    /// Reads a code behind its opening bracket, and goes behind the closing one. One that is known but not as it should be is kept as
    /// another.
    pub(super) fn parse(reader: &mut Reader<'_>, raw: &Bytes) -> Result<Self> {
        let (from, repaired) = (reader.at(), reader.repaired());
        let name = reader.word();
        let error = match Self::arguments(reader, raw, name) {
            Ok(Some(code)) if reader.try_eat(b']') => return Ok(code),
            Ok(None) => None,
            Ok(Some(_)) => Some(reader.fail::<()>("a bracket")),
            Err(error) => Some(Err(error)),
        };
        reader.forget(repaired);
        reader.go_to(from);
        // The grammar lets no bracket stand in a code that is not known.
        let Some(len) = memchr::memchr(b']', reader.rest()) else { return reader.fail("a bracket") };
        if let Some(Err(error)) = error {
            if !reader.repair(Quirk::OddCode, from) {
                return Err(error);
            }
        }
        reader.go_to(from + len + 1);
        let inside = raw.slice(from..from + len);
        let end = memchr::memchr(b' ', &inside).unwrap_or(len);
        let name = String::from_utf8_lossy(&inside[..end]).to_ascii_uppercase();
        let text = (end < len).then(|| inside.slice(end + 1..));
        Ok(Self::Other { name: name.into(), text })
    }

    fn arguments(reader: &mut Reader<'_>, raw: &Bytes, name: &[u8]) -> Result<Option<Self>> {
        let upper = name.to_ascii_uppercase();
        let name = core::str::from_utf8(&upper).unwrap_or_default();
        if reader.peek() == Some(b']') {
            return Ok(match name {
                "BADCHARSET" => Some(Self::BadCharset(Vec::new())),
                "INPROGRESS" => Some(Self::InProgress(None)),
                "APPENDLIMIT" => Some(Self::AppendLimit(None)),
                _ => PLAIN.iter().find(|(known, _)| *known == name).map(|(_, code)| code.clone()),
            });
        }
        if !matches!(
            name,
            "APPENDLIMIT"
                | "APPENDUID"
                | "BADCHARSET"
                | "BADEVENT"
                | "BADURL"
                | "CAPABILITY"
                | "COPYUID"
                | "HIGHESTMODSEQ"
                | "INPROGRESS"
                | "MAILBOXID"
                | "MESSAGELIMIT"
                | "METADATA"
                | "MODIFIED"
                | "NOUPDATE"
                | "PERMANENTFLAGS"
                | "REFERRAL"
                | "UIDNEXT"
                | "UIDVALIDITY"
                | "UNDEFINED-FILTER"
                | "UNSEEN"
        ) {
            return Ok(None);
        }
        reader.space()?;
        let astring = |reader: &mut Reader<'_>| -> Result<Bytes> {
            // An atom ends at the bracket here.
            if reader.peek() == Some(b'"') {
                return Ok(reader.string()?.bytes(raw).unwrap_or_default());
            }
            let len = memchr::memchr2(b']', b' ', reader.rest()).unwrap_or_else(|| reader.rest().len());
            let len = memchr::memchr(b')', &reader.rest()[..len]).unwrap_or(len);
            if len == 0 {
                return reader.fail("an atom or a string");
            }
            let from = reader.at();
            reader.go_to(from + len);
            Ok(raw.slice(from..from + len))
        };
        let until_bracket = |reader: &mut Reader<'_>| -> Bytes {
            let from = reader.at();
            let len = memchr::memchr(b']', reader.rest()).unwrap_or_else(|| reader.rest().len());
            reader.go_to(from + len);
            raw.slice(from..from + len)
        };
        Ok(Some(match name {
            "APPENDLIMIT" => Self::AppendLimit(Some(reader.number64()?)),
            "APPENDUID" => {
                let uid_validity = reader.nz_number()?;
                reader.space()?;
                Self::AppendUid { uid_validity, uids: Numbers::read_set(reader)?.into_uids() }
            }
            "BADCHARSET" => {
                // An example of RFC 9051 has no parentheses.
                let bare = reader.peek() != Some(b'(') && reader.repair(Quirk::OddCode, reader.at());
                if !bare {
                    reader.eat(b'(', "a parenthesis")?;
                }
                let mut charsets = vec![astring(reader)?];
                while reader.try_eat(b' ') {
                    charsets.push(astring(reader)?);
                }
                if !bare {
                    reader.eat(b')', "a parenthesis")?;
                }
                Self::BadCharset(charsets)
            }
            "BADEVENT" => Self::BadEvent(until_bracket(reader)),
            "BADURL" => Self::BadUrl(until_bracket(reader)),
            "REFERRAL" => Self::Referral(until_bracket(reader)),
            "CAPABILITY" => Self::Capability(super::read_capabilities(reader)?),
            "COPYUID" => {
                let uid_validity = reader.nz_number()?;
                reader.space()?;
                let source = Numbers::read_set(reader)?.into_uids();
                reader.space()?;
                Self::CopyUid { uid_validity, source, destination: Numbers::read_set(reader)?.into_uids() }
            }
            "HIGHESTMODSEQ" => Self::HighestModSeq(ModSeq::of_wire(reader.number64()?)),
            "INPROGRESS" => {
                reader.eat(b'(', "a parenthesis")?;
                let tag = reader.nstring()?.bytes(raw);
                let mut number = || -> Result<Option<u64>> {
                    reader.space()?;
                    if reader.nil() { Ok(None) } else { reader.number64().map(Some) }
                };
                let (done, goal) = (number()?, number()?);
                reader.eat(b')', "a parenthesis")?;
                Self::InProgress(Some(Progress { tag, done, goal }))
            }
            "MAILBOXID" => {
                reader.eat(b'(', "a parenthesis")?;
                let id = astring(reader)?;
                reader.eat(b')', "a parenthesis")?;
                Self::MailboxId(id)
            }
            "MESSAGELIMIT" => {
                let limit = reader.nz_number()?;
                let uid = if reader.try_eat(b' ') { Some(reader.nz_number()?) } else { None };
                Self::MessageLimit { limit, uid }
            }
            "METADATA" => match reader.word().to_ascii_uppercase().as_slice() {
                b"LONGENTRIES" => {
                    reader.space()?;
                    Self::MetadataLongEntries(reader.number64()?)
                }
                b"MAXSIZE" => {
                    reader.space()?;
                    Self::MetadataMaxSize(reader.number64()?)
                }
                b"NOPRIVATE" => Self::MetadataNoPrivate,
                b"TOOMANY" => Self::MetadataTooMany,
                _ => return reader.fail("LONGENTRIES, MAXSIZE, TOOMANY or NOPRIVATE"),
            },
            "MODIFIED" => Self::Modified(Numbers::read_set(reader)?),
            "NOUPDATE" => Self::NoUpdate(reader.string()?.bytes(raw).unwrap_or_default()),
            "PERMANENTFLAGS" => Self::PermanentFlags(super::read_flags(reader, |name| match name {
                b"\\*" => Ok(FlagPermission::NewKeywords),
                name => Flag::parse(name).map(FlagPermission::Flag),
            })?),
            "UIDNEXT" => Self::UidNext(reader.nz_number()?),
            "UIDVALIDITY" => Self::UidValidity(reader.nz_number()?),
            "UNDEFINED-FILTER" => Self::UndefinedFilter(astring(reader)?),
            _ => Self::Unseen(reader.number32()?),
        }))
    }

    /// The name: the word in the brackets.
    pub fn name(&self) -> &str {
        match self {
            Self::AppendLimit(_) => "APPENDLIMIT",
            Self::AppendUid { .. } => "APPENDUID",
            Self::BadCharset(_) => "BADCHARSET",
            Self::BadEvent(_) => "BADEVENT",
            Self::BadUrl(_) => "BADURL",
            Self::Capability(_) => "CAPABILITY",
            Self::CopyUid { .. } => "COPYUID",
            Self::HighestModSeq(_) => "HIGHESTMODSEQ",
            Self::InProgress(_) => "INPROGRESS",
            Self::MailboxId(_) => "MAILBOXID",
            Self::MessageLimit { .. } => "MESSAGELIMIT",
            Self::MetadataLongEntries(_) => "METADATA LONGENTRIES",
            Self::MetadataMaxSize(_) => "METADATA MAXSIZE",
            Self::Modified(_) => "MODIFIED",
            Self::NoUpdate(_) => "NOUPDATE",
            Self::PermanentFlags(_) => "PERMANENTFLAGS",
            Self::Referral(_) => "REFERRAL",
            Self::UidNext(_) => "UIDNEXT",
            Self::UidValidity(_) => "UIDVALIDITY",
            Self::UndefinedFilter(_) => "UNDEFINED-FILTER",
            Self::Unseen(_) => "UNSEEN",
            Self::Other { name, .. } => name,
            plain => PLAIN.iter().find(|(_, code)| code == plain).map_or("", |(name, _)| name),
        }
    }

    /// Prints it as it stands between the brackets.
    pub fn encode(&self, out: &mut BytesMut) {
        // The name of another may have been put together without `other`.
        out.extend(self.name().bytes().filter(|octet| !matches!(octet, b']' | b'\r' | b'\n' | 0)));
        let mut spaced = |text: &[u8]| {
            out.put_u8(b' ');
            out.extend(text.iter().filter(|octet| !matches!(octet, b']' | b'\r' | b'\n' | 0)));
        };
        match self {
            Self::AppendLimit(Some(limit))
            | Self::MetadataLongEntries(limit)
            | Self::MetadataMaxSize(limit) => spaced(limit.to_string().as_bytes()),
            Self::HighestModSeq(mod_seq) => spaced(mod_seq.to_string().as_bytes()),
            Self::UidNext(number) | Self::UidValidity(number) | Self::Unseen(number) => {
                spaced(number.to_string().as_bytes());
            }
            Self::BadEvent(text)
            | Self::BadUrl(text)
            | Self::Referral(text)
            | Self::Other { text: Some(text), .. } => {
                spaced(text);
            }
            Self::AppendUid { uid_validity, uids } => {
                spaced(uid_validity.to_string().as_bytes());
                out.put_u8(b' ');
                print::display(out, uids);
            }
            Self::CopyUid { uid_validity, source, destination } => {
                spaced(uid_validity.to_string().as_bytes());
                out.put_u8(b' ');
                print::display(out, source);
                out.put_u8(b' ');
                print::display(out, destination);
            }
            Self::Modified(numbers) => {
                out.put_u8(b' ');
                print::display(out, numbers);
            }
            Self::BadCharset(charsets) if !charsets.is_empty() => {
                out.put_u8(b' ');
                print::list(out, charsets, |out, charset| argument(out, charset));
            }
            Self::Capability(capabilities) => {
                out.put_u8(b' ');
                print::display(out, capabilities);
            }
            Self::InProgress(Some(Progress { tag, done, goal })) => {
                out.put_slice(b" (");
                match tag {
                    Some(tag) => quoted(out, tag),
                    None => out.put_slice(b"NIL"),
                }
                for number in [done, goal] {
                    out.put_u8(b' ');
                    match number {
                        Some(number) => print::number(out, *number),
                        None => out.put_slice(b"NIL"),
                    }
                }
                out.put_u8(b')');
            }
            Self::MailboxId(id) => {
                out.put_slice(b" (");
                argument(out, id);
                out.put_u8(b')');
            }
            Self::MessageLimit { limit, uid } => {
                spaced(limit.to_string().as_bytes());
                if let Some(uid) = uid {
                    out.put_u8(b' ');
                    print::number(out, *uid);
                }
            }
            Self::NoUpdate(tag) => {
                out.put_u8(b' ');
                quoted(out, tag);
            }
            Self::UndefinedFilter(name) => {
                out.put_u8(b' ');
                argument(out, name);
            }
            Self::PermanentFlags(flags) => {
                out.put_u8(b' ');
                print::list(out, flags, print::display);
            }
            _ => {}
        }
    }
}

/// An argument of a code, which is never a literal: an atom if it can be one, else quoted.
fn argument(out: &mut BytesMut, value: &[u8]) {
    let is_atom = !value.is_empty()
        && value.iter().all(|octet| {
            octet.is_ascii_graphic()
                && !matches!(octet, b'(' | b')' | b'{' | b'%' | b'*' | b'"' | b'\\' | b']')
        });
    if is_atom { out.put_slice(value) } else { quoted(out, value) }
}

/// In quotes, whatever it is; what cannot stand there is left out.
fn quoted(out: &mut BytesMut, value: &[u8]) {
    let fits = |octet: &&u8| octet.is_ascii() && !octet.is_ascii_control();
    let value: Cow<'_, [u8]> = if value.iter().all(|octet| fits(&octet)) {
        Cow::Borrowed(value)
    } else {
        value.iter().filter(fits).copied().collect::<Vec<u8>>().into()
    };
    out.put_u8(b'"');
    for octet in value.iter() {
        if matches!(octet, b'"' | b'\\') {
            out.put_u8(b'\\');
        }
        out.put_u8(*octet);
    }
    out.put_u8(b'"');
}

impl fmt::Display for ResponseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = BytesMut::new();
        self.encode(&mut out);
        f.write_str(&String::from_utf8_lossy(&out))
    }
}
