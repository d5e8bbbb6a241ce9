use super::{Quirk, RawValue, print, read_mailbox, reader::Reader, reader::Result};
use crate::types::{Atom, MailboxName, ModSeq, SpecialUse, StatusItem};
use bytes::{BufMut, Bytes, BytesMut};
use core::fmt;

/// What LIST says of a mailbox (RFC 9051 section 7.3.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MailboxAttribute {
    /// `\NonExistent`: there is no such mailbox, but one below it, or it is subscribed to.
    NonExistent,
    /// `\Noinferiors`: no mailbox can be below it.
    NoInferiors,
    /// `\Noselect`: it cannot be selected.
    NoSelect,
    /// `\HasChildren`: there are mailboxes below it.
    HasChildren,
    /// `\HasNoChildren`: there is none.
    HasNoChildren,
    /// `\Marked`: the server thinks it interesting.
    Marked,
    /// `\Unmarked`: it has no new messages.
    Unmarked,
    /// `\Subscribed`.
    Subscribed,
    /// `\Remote`: it is on another server.
    Remote,
    /// What it is for, such as `\Sent` (RFC 6154).
    SpecialUse(SpecialUse),
    /// Another, without its backslash.
    Other(Atom),
}

impl MailboxAttribute {
    const NAMES: [(&'static str, Self); 9] = [
        ("NonExistent", Self::NonExistent),
        ("Noinferiors", Self::NoInferiors),
        ("Noselect", Self::NoSelect),
        ("HasChildren", Self::HasChildren),
        ("HasNoChildren", Self::HasNoChildren),
        ("Marked", Self::Marked),
        ("Unmarked", Self::Unmarked),
        ("Subscribed", Self::Subscribed),
        ("Remote", Self::Remote),
    ];

    /// Reads one, with or, as some servers have it, without its backslash.
    ///
    /// # Errors
    ///
    /// Behind the backslash is no atom.
    pub fn parse(text: impl AsRef<[u8]>) -> core::result::Result<Self, postroad_core::ParseError> {
        let text = text.as_ref();
        let name = text.strip_prefix(b"\\").unwrap_or(text);
        if let Some((_, known)) =
            Self::NAMES.iter().find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()))
        {
            return Ok(known.clone());
        }
        match SpecialUse::parse(text) {
            Ok(SpecialUse::Other(_)) | Err(_) => Atom::parse(name).map(Self::Other),
            Ok(known) => Ok(Self::SpecialUse(known)),
        }
    }
}

impl fmt::Display for MailboxAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SpecialUse(special_use) => special_use.fmt(f),
            Self::Other(name) => write!(f, "\\{name}"),
            known => {
                let name = Self::NAMES.iter().find(|(_, this)| this == known).map_or("", |(name, _)| name);
                write!(f, "\\{name}")
            }
        }
    }
}

/// A mailbox, as LIST or LSUB gives it (RFC 9051 section 7.3.1).
///
/// ```
/// use bytes::Bytes;
/// use postroad_imap::response::{MailboxAttribute, Response};
///
/// let unit = Bytes::from_static(b"* LIST (\\HasChildren) \"/\" Entw&APw-rfe");
/// let Response::List(list) = Response::parse(&unit, &Default::default())?.response else { unreachable!() };
/// assert_eq!(list.mailbox.as_str(), "Entwürfe");
/// assert_eq!(list.delimiter, Some('/'));
/// assert_eq!(list.attributes, [MailboxAttribute::HasChildren]);
/// # Ok::<(), postroad_imap::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListResponse {
    /// What is said of it.
    pub attributes: Vec<MailboxAttribute>,
    /// What separates the levels of its name; `None` if there are none.
    pub delimiter: Option<char>,
    /// Its name.
    pub mailbox: MailboxName,
    /// `CHILDINFO`: by which selection options mailboxes below it match (RFC 5258 section 3.5).
    pub child_info: Vec<Bytes>,
    /// `OLDNAME`: its name before it was renamed, or the one that was asked for (RFC 9051 section 6.3.9.7).
    pub old_name: Option<MailboxName>,
    /// Other extended data: name and value.
    pub extended: Vec<(Bytes, RawValue)>,
}

impl ListResponse {
    /// A mailbox without attributes.
    pub fn new(mailbox: MailboxName, delimiter: Option<char>) -> Self {
        Self {
            attributes: Vec::new(),
            delimiter,
            mailbox,
            child_info: Vec::new(),
            old_name: None,
            extended: Vec::new(),
        }
    }

    /// Whether it has this attribute.
    pub fn has(&self, attribute: &MailboxAttribute) -> bool {
        self.attributes.contains(attribute)
    }

    pub(super) fn parse(reader: &mut Reader<'_>, raw: &Bytes) -> Result<Self> {
        reader.space()?;
        let attributes = super::read_flags(reader, |name| MailboxAttribute::parse(name))?;
        reader.space()?;
        let delimiter = read_delimiter(reader, raw)?;
        reader.space()?;
        let mut this = Self { attributes, ..Self::new(read_mailbox(reader, raw)?, delimiter) };
        if reader.peek() == Some(b' ') && reader.peek_at(1) == Some(b'(') {
            reader.space()?;
            reader.eat(b'(', "a parenthesis")?;
            let mut any = false;
            while reader.next_item(any)? {
                any = true;
                let name = reader.astring()?.bytes(raw).unwrap_or_default();
                reader.space()?;
                if name.eq_ignore_ascii_case(b"CHILDINFO") {
                    reader.eat(b'(', "a parenthesis")?;
                    while reader.next_item(!this.child_info.is_empty())? {
                        this.child_info.push(reader.astring()?.bytes(raw).unwrap_or_default());
                    }
                } else if name.eq_ignore_ascii_case(b"OLDNAME") {
                    reader.eat(b'(', "a parenthesis")?;
                    this.old_name = Some(read_mailbox(reader, raw)?);
                    reader.eat(b')', "a parenthesis")?;
                } else {
                    this.extended.push((name, RawValue::read(reader, raw)?));
                }
            }
        }
        Ok(this)
    }

    pub(super) fn encode(&self, out: &mut BytesMut, name: &str, utf8: bool) {
        print::display(out, format_args!("* {name} "));
        print::list(out, &self.attributes, print::display);
        out.put_u8(b' ');
        encode_delimiter(out, self.delimiter);
        out.put_u8(b' ');
        print::astring(out, &self.mailbox.to_wire(utf8), utf8);
        if self.child_info.is_empty() && self.old_name.is_none() && self.extended.is_empty() {
            return;
        }
        out.put_slice(b" (");
        let mut any = false;
        let mut name = |out: &mut BytesMut, name: &[u8]| {
            if core::mem::replace(&mut any, true) {
                out.put_u8(b' ');
            }
            print::astring(out, name, utf8);
            out.put_u8(b' ');
        };
        if !self.child_info.is_empty() {
            name(out, b"CHILDINFO");
            print::list(out, &self.child_info, |out, option| print::string(out, option, utf8));
        }
        if let Some(old) = &self.old_name {
            name(out, b"OLDNAME");
            out.put_u8(b'(');
            print::astring(out, &old.to_wire(utf8), utf8);
            out.put_u8(b')');
        }
        for (tag, value) in &self.extended {
            name(out, tag);
            out.put_slice(value.as_bytes());
        }
        out.put_u8(b')');
    }
}

/// `"/"` or `NIL`; an empty string is none too.
fn read_delimiter(reader: &mut Reader<'_>, raw: &Bytes) -> Result<Option<char>> {
    let at = reader.at();
    let span = reader.nstring()?;
    let value = span.value(raw);
    match value.as_deref() {
        None => Ok(None),
        Some([octet]) => Ok(Some(char::from(*octet))),
        Some([]) if reader.repair(Quirk::NilForString, at) => Ok(None),
        Some(_) => Err(reader.error(postroad_core::ParseErrorKind::Expected("one character"), at)),
    }
}

fn encode_delimiter(out: &mut BytesMut, delimiter: Option<char>) {
    match delimiter.filter(|c| c.is_ascii() && !c.is_ascii_control()) {
        Some(c @ ('"' | '\\')) => print::display(out, format_args!("\"\\{c}\"")),
        Some(c) => print::display(out, format_args!("\"{c}\"")),
        None => out.put_slice(b"NIL"),
    }
}

/// A namespace: what the names of its mailboxes begin with (RFC 9051 section 6.3.10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// The prefix; may be empty.
    pub prefix: MailboxName,
    /// What separates levels; `None` if there are none.
    pub delimiter: Option<char>,
    /// Extensions: name and values.
    pub extensions: Vec<(Bytes, RawValue)>,
}

/// The namespaces of a server (RFC 9051 section 7.3.3).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NamespaceResponse {
    /// Of the user.
    pub personal: Vec<Namespace>,
    /// Of other users.
    pub other_users: Vec<Namespace>,
    /// Shared.
    pub shared: Vec<Namespace>,
}

impl NamespaceResponse {
    pub(super) fn parse(reader: &mut Reader<'_>, raw: &Bytes) -> Result<Self> {
        let mut this = Self::default();
        for namespaces in [&mut this.personal, &mut this.other_users, &mut this.shared] {
            reader.space()?;
            if reader.nil() {
                continue;
            }
            reader.eat(b'(', "namespaces or NIL")?;
            loop {
                reader.no_space()?;
                if reader.try_eat(b')') {
                    break;
                }
                reader.eat(b'(', "a namespace")?;
                let prefix = read_mailbox(reader, raw)?;
                reader.space()?;
                let delimiter = read_delimiter(reader, raw)?;
                let mut extensions = Vec::new();
                while reader.peek() == Some(b' ') {
                    let name = reader.space_nstring()?.bytes(raw).unwrap_or_default();
                    reader.space()?;
                    extensions.push((name, RawValue::read(reader, raw)?));
                }
                reader.eat(b')', "a parenthesis")?;
                namespaces.push(Namespace { prefix, delimiter, extensions });
            }
        }
        Ok(this)
    }

    pub(super) fn encode(&self, out: &mut BytesMut, utf8: bool) {
        out.put_slice(b"* NAMESPACE");
        for namespaces in [&self.personal, &self.other_users, &self.shared] {
            out.put_u8(b' ');
            if namespaces.is_empty() {
                out.put_slice(b"NIL");
                continue;
            }
            out.put_u8(b'(');
            for Namespace { prefix, delimiter, extensions } in namespaces {
                out.put_u8(b'(');
                print::string(out, &prefix.to_wire(utf8), utf8);
                out.put_u8(b' ');
                encode_delimiter(out, *delimiter);
                for (name, value) in extensions {
                    out.put_u8(b' ');
                    print::string(out, name, utf8);
                    out.put_u8(b' ');
                    out.put_slice(value.as_bytes());
                }
                out.put_u8(b')');
            }
            out.put_u8(b')');
        }
    }
}

/// The state of a mailbox, as STATUS gives it: what was asked for is there (RFC 9051 section 7.3.2).
///
/// ```
/// use bytes::Bytes;
/// use postroad_imap::response::Response;
///
/// let unit = Bytes::from_static(b"* STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292)");
/// let Response::MailboxStatus(status) = Response::parse(&unit, &Default::default())?.response else { unreachable!() };
/// assert_eq!((status.messages, status.uid_next, status.unseen), (Some(231), Some(44_292), None));
/// # Ok::<(), postroad_imap::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MailboxStatus {
    /// Of which mailbox.
    pub mailbox: MailboxName,
    /// `MESSAGES`: how many messages it has.
    pub messages: Option<u32>,
    /// `RECENT`: how many are recent (RFC 3501).
    pub recent: Option<u32>,
    /// `UIDNEXT`.
    pub uid_next: Option<u32>,
    /// `UIDVALIDITY`.
    pub uid_validity: Option<u32>,
    /// `UNSEEN`: how many are not seen.
    pub unseen: Option<u32>,
    /// `DELETED`: how many are marked as deleted.
    pub deleted: Option<u32>,
    /// `SIZE`: of all messages together, in octets.
    pub size: Option<u64>,
    /// `HIGHESTMODSEQ` (RFC 7162).
    pub highest_mod_seq: Option<ModSeq>,
    /// `APPENDLIMIT`: the largest message that may be appended, in octets; `Some(None)` for `NIL`: no limit of its own (RFC 7889).
    pub append_limit: Option<Option<u64>>,
    /// `MAILBOXID` (RFC 8474).
    pub mailbox_id: Option<Bytes>,
    /// `DELETED-STORAGE`: what EXPUNGE would free, in octets (RFC 9208).
    pub deleted_storage: Option<u64>,
    /// Others: name and value.
    pub others: Vec<(Atom, RawValue)>,
}

impl MailboxStatus {
    /// Nothing of a mailbox.
    pub fn new(mailbox: MailboxName) -> Self {
        Self {
            mailbox,
            messages: None,
            recent: None,
            uid_next: None,
            uid_validity: None,
            unseen: None,
            deleted: None,
            size: None,
            highest_mod_seq: None,
            append_limit: None,
            mailbox_id: None,
            deleted_storage: None,
            others: Vec::new(),
        }
    }

    /// The same, without what is not among these.
    #[must_use]
    pub fn only(mut self, items: &[StatusItem]) -> Self {
        fn keep<T>(value: &mut Option<T>, item: StatusItem, items: &[StatusItem]) {
            if !items.contains(&item) {
                *value = None;
            }
        }
        keep(&mut self.messages, StatusItem::Messages, items);
        keep(&mut self.recent, StatusItem::Recent, items);
        keep(&mut self.uid_next, StatusItem::UidNext, items);
        keep(&mut self.uid_validity, StatusItem::UidValidity, items);
        keep(&mut self.unseen, StatusItem::Unseen, items);
        keep(&mut self.deleted, StatusItem::Deleted, items);
        keep(&mut self.size, StatusItem::Size, items);
        keep(&mut self.highest_mod_seq, StatusItem::HighestModSeq, items);
        keep(&mut self.append_limit, StatusItem::AppendLimit, items);
        keep(&mut self.mailbox_id, StatusItem::MailboxId, items);
        keep(&mut self.deleted_storage, StatusItem::DeletedStorage, items);
        self
    }

    pub(super) fn parse(reader: &mut Reader<'_>, raw: &Bytes) -> Result<Self> {
        reader.space()?;
        let mut this = Self::new(read_mailbox(reader, raw)?);
        reader.space()?;
        reader.eat(b'(', "a parenthesis")?;
        let mut any = false;
        while reader.next_item(any)? {
            any = true;
            let from = reader.at();
            let name = reader.word();
            if name.is_empty() {
                return reader.fail("the name of an item");
            }
            let end = reader.at();
            reader.space()?;
            let small = |reader: &mut Reader<'_>| reader.number32().map(Some);
            match StatusItem::of_name(name) {
                Some(StatusItem::Messages) => this.messages = small(reader)?,
                Some(StatusItem::Recent) => this.recent = small(reader)?,
                Some(StatusItem::UidNext) => this.uid_next = small(reader)?,
                Some(StatusItem::UidValidity) => this.uid_validity = small(reader)?,
                Some(StatusItem::Unseen) => this.unseen = small(reader)?,
                Some(StatusItem::Deleted) => this.deleted = small(reader)?,
                Some(StatusItem::Size) => this.size = Some(reader.lenient_number()?),
                Some(StatusItem::HighestModSeq) => {
                    this.highest_mod_seq = Some(ModSeq::of_wire(reader.number64()?));
                }
                Some(StatusItem::AppendLimit) => {
                    this.append_limit = Some(if reader.nil() { None } else { Some(reader.number64()?) });
                }
                Some(StatusItem::MailboxId) => {
                    reader.eat(b'(', "a parenthesis")?;
                    this.mailbox_id = reader.astring()?.bytes(raw);
                    reader.eat(b')', "a parenthesis")?;
                }
                Some(StatusItem::DeletedStorage) => this.deleted_storage = Some(reader.number64()?),
                _ => {
                    let name = Atom::from_bytes(raw.slice(from..end)).map_err(|error| error.shifted(from))?;
                    this.others.push((name, RawValue::read(reader, raw)?));
                }
            }
        }
        Ok(this)
    }

    pub(super) fn encode(&self, out: &mut BytesMut, utf8: bool) {
        out.put_slice(b"* STATUS ");
        print::astring(out, &self.mailbox.to_wire(utf8), utf8);
        out.put_slice(b" (");
        let mut any = false;
        let mut item = |out: &mut BytesMut, name: &[u8]| {
            if core::mem::replace(&mut any, true) {
                out.put_u8(b' ');
            }
            out.put_slice(name);
            out.put_u8(b' ');
        };
        let numbers = [
            (StatusItem::Messages, self.messages.map(u64::from)),
            (StatusItem::Recent, self.recent.map(u64::from)),
            (StatusItem::UidNext, self.uid_next.map(u64::from)),
            (StatusItem::UidValidity, self.uid_validity.map(u64::from)),
            (StatusItem::Unseen, self.unseen.map(u64::from)),
            (StatusItem::Deleted, self.deleted.map(u64::from)),
            (StatusItem::Size, self.size),
            (StatusItem::HighestModSeq, self.highest_mod_seq.map(ModSeq::get)),
            (StatusItem::DeletedStorage, self.deleted_storage),
        ];
        for (name, number) in numbers {
            if let Some(number) = number {
                item(out, name.name().as_bytes());
                print::number(out, number);
            }
        }
        if let Some(limit) = self.append_limit {
            item(out, StatusItem::AppendLimit.name().as_bytes());
            match limit {
                Some(limit) => print::number(out, limit),
                None => out.put_slice(b"NIL"),
            }
        }
        if let Some(id) = &self.mailbox_id {
            item(out, StatusItem::MailboxId.name().as_bytes());
            out.put_u8(b'(');
            print::astring(out, id, utf8);
            out.put_u8(b')');
        }
        for (name, value) in &self.others {
            item(out, name.as_bytes());
            out.put_slice(value.as_bytes());
        }
        out.put_u8(b')');
    }
}
