//! Mailboxes, groups and the addresses in them (RFC 5322 section 3.4).

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt::{self, Write as _};
use core::str::FromStr;

use super::refuse_controls;
use crate::error::{InvalidReason, InvalidValue};
use crate::header::address::parse_one;
use crate::scanner::is_atext;

/// An address proper, `local-part@domain` (`addr-spec`, RFC 5322 section 3.4.1).
///
/// ```
/// use postroad_message::AddrSpec;
/// let address: AddrSpec = r#""john doe"@example.com"#.parse()?;
/// assert_eq!(address.local_part(), "john doe");
/// assert_eq!(address.domain(), "example.com");
/// assert_eq!(address.to_string(), r#""john doe"@example.com"#);
/// # Ok::<(), postroad_message::InvalidValue>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AddrSpec {
    /// The local part, and the domain behind it.
    text: String,
    /// Where the domain begins.
    domain: usize,
}

impl fmt::Debug for AddrSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddrSpec")
            .field("local_part", &self.local_part())
            .field("domain", &self.domain())
            .finish()
    }
}

impl Ord for AddrSpec {
    /// By local part, then by domain.
    fn cmp(&self, other: &Self) -> Ordering {
        (self.local_part(), self.domain()).cmp(&(other.local_part(), other.domain()))
    }
}

impl PartialOrd for AddrSpec {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl AddrSpec {
    /// An address of a local part, without quotation marks even where it will need them, and a domain or a domain
    /// literal in its brackets.
    ///
    /// Both may hold characters outside of ASCII (RFC 6532); such a message needs SMTPUTF8. Control characters are
    /// refused.
    pub fn new(local_part: &str, domain: &str) -> Result<Self, InvalidValue> {
        refuse_controls("local-part", local_part)?;
        refuse_controls("domain", domain)?;
        // Also the controls and line ends outside of ASCII, and white space in a domain.
        if let Some(at) = local_part.find(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
            return Err(InvalidValue::new("local-part", InvalidReason::ControlCharacter, at));
        }
        if let Some(at) = domain.find(|c: char| c.is_control() || c.is_whitespace()) {
            return Err(InvalidValue::new("domain", InvalidReason::Character, at));
        }
        let (inside, allowed): (&str, fn(u8) -> bool) =
            match domain.strip_prefix('[').map(|inside| inside.strip_suffix(']')) {
                Some(Some(inside)) => (inside, |octet| matches!(octet, 0x21..=0x5a | 0x5e..=0x7e | 0x80..)),
                Some(None) => {
                    return Err(InvalidValue::new("domain", InvalidReason::Syntax, domain.len()));
                }
                None => (domain, |octet| is_atext(octet) || octet == b'.'),
            };
        if inside.is_empty() {
            return Err(InvalidValue::new("domain", InvalidReason::Empty, 0));
        }
        if let Some(at) = inside.bytes().position(|octet| !allowed(octet)) {
            return Err(InvalidValue::new("domain", InvalidReason::Character, at));
        }
        if inside.len() == domain.len() && domain.split('.').any(str::is_empty) {
            return Err(InvalidValue::new("domain", InvalidReason::Syntax, 0));
        }
        Ok(Self::from_parts(local_part, domain))
    }

    /// An address of parts that are known to be right.
    pub(crate) fn from_parts(local_part: &str, domain: &str) -> Self {
        Self { text: [local_part, domain].concat(), domain: local_part.len() }
    }

    /// The local part, its quotation marks and escapes undone.
    pub fn local_part(&self) -> &str {
        self.text.get(..self.domain).unwrap_or_default()
    }

    /// The domain, or the domain literal with its brackets, as it was written.
    pub fn domain(&self) -> &str {
        self.text.get(self.domain..).unwrap_or_default()
    }

    /// Whether it is ASCII throughout, and so can be used without SMTPUTF8 (RFC 6531).
    pub fn is_ascii(&self) -> bool {
        self.text.is_ascii()
    }
}

/// Whether the text is a `dot-atom-text` (RFC 5322 section 3.2.3).
pub(crate) fn is_dot_atom(text: &str) -> bool {
    text.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atext))
}

/// Writes a quoted string (RFC 5322 section 3.2.4).
pub(crate) fn write_quoted(out: &mut impl fmt::Write, text: &str) -> fmt::Result {
    out.write_char('"')?;
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            out.write_char('\\')?;
        }
        out.write_char(character)?;
    }
    out.write_char('"')
}

impl fmt::Display for AddrSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_dot_atom(self.local_part()) {
            f.write_str(self.local_part())?;
        } else {
            write_quoted(f, self.local_part())?;
        }
        f.write_char('@')?;
        f.write_str(self.domain())
    }
}

impl FromStr for AddrSpec {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        match parse_one(text)? {
            Address::Mailbox(Mailbox { name: None, address }) => Ok(address),
            _ => Err(InvalidValue::new("addr-spec", InvalidReason::Syntax, 0)),
        }
    }
}

impl TryFrom<&str> for AddrSpec {
    type Error = InvalidValue;

    fn try_from(text: &str) -> Result<Self, InvalidValue> {
        text.parse()
    }
}

/// A mailbox: an address, and perhaps the name of its owner (RFC 5322 section 3.4).
///
/// ```
/// use postroad_message::Mailbox;
/// let alice: Mailbox = "Alice <alice@crepes.fr>".parse()?;
/// assert_eq!(alice.name(), Some("Alice"));
/// assert_eq!(alice.address().domain(), "crepes.fr");
/// assert!("alice@crepes.fr>, <eve@example.org".parse::<Mailbox>().is_err());
/// # Ok::<(), postroad_message::InvalidValue>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mailbox {
    name: Option<String>,
    address: AddrSpec,
}

impl Mailbox {
    /// A mailbox with a display name, which may hold any character other than controls.
    pub fn new(name: &str, address: AddrSpec) -> Result<Self, InvalidValue> {
        refuse_controls("display-name", name)?;
        Ok(Self { name: Some(name.to_string()).filter(|name| !name.is_empty()), address })
    }

    /// A mailbox whose name was cleaned of controls by the reader.
    pub(crate) fn from_parts(name: Option<String>, address: AddrSpec) -> Self {
        Self { name: name.filter(|name| !name.is_empty()), address }
    }

    /// The display name, decoded.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The address.
    pub const fn address(&self) -> &AddrSpec {
        &self.address
    }
}

impl From<AddrSpec> for Mailbox {
    fn from(address: AddrSpec) -> Self {
        Self { name: None, address }
    }
}

impl fmt::Display for Mailbox {
    /// As in a header field in UTF-8; encoded words are made by the builder.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => {
                write_name(f, name)?;
                write!(f, " <{}>", self.address)
            }
            None => self.address.fmt(f),
        }
    }
}

fn write_name(out: &mut impl fmt::Write, name: &str) -> fmt::Result {
    if name.split(' ').all(|word| !word.is_empty() && word.bytes().all(is_atext)) {
        out.write_str(name)
    } else {
        write_quoted(out, name)
    }
}

impl FromStr for Mailbox {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        match parse_one(text)? {
            Address::Mailbox(mailbox) => Ok(mailbox),
            Address::Group(_) => Err(InvalidValue::new("mailbox", InvalidReason::Syntax, 0)),
        }
    }
}

impl TryFrom<&str> for Mailbox {
    type Error = InvalidValue;

    fn try_from(text: &str) -> Result<Self, InvalidValue> {
        text.parse()
    }
}

/// A named group of mailboxes, which may be empty (RFC 5322 section 3.4).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group {
    name: String,
    members: Vec<Mailbox>,
}

impl Group {
    /// A group; its name must not be empty and not hold controls.
    pub fn new(name: &str, members: Vec<Mailbox>) -> Result<Self, InvalidValue> {
        refuse_controls("display-name", name)?;
        if name.is_empty() {
            return Err(InvalidValue::new("display-name", InvalidReason::Empty, 0));
        }
        Ok(Self { name: name.to_string(), members })
    }

    pub(crate) const fn from_parts(name: String, members: Vec<Mailbox>) -> Self {
        Self { name, members }
    }

    /// The name, decoded.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The mailboxes, in order.
    pub fn members(&self) -> &[Mailbox] {
        &self.members
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_name(f, &self.name)?;
        f.write_char(':')?;
        for (index, member) in self.members.iter().enumerate() {
            f.write_str(if index == 0 { " " } else { ", " })?;
            member.fmt(f)?;
        }
        f.write_char(';')
    }
}

/// One entry of an address list: a mailbox or a group (RFC 5322 section 3.4).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// A single mailbox.
    Mailbox(Mailbox),
    /// A group of mailboxes.
    Group(Group),
}

impl Address {
    /// The mailboxes that it stands for: one, or those of the group.
    pub fn mailboxes(&self) -> &[Mailbox] {
        match self {
            Self::Mailbox(mailbox) => core::slice::from_ref(mailbox),
            Self::Group(group) => group.members(),
        }
    }
}

impl From<Mailbox> for Address {
    fn from(mailbox: Mailbox) -> Self {
        Self::Mailbox(mailbox)
    }
}

impl From<AddrSpec> for Address {
    fn from(address: AddrSpec) -> Self {
        Self::Mailbox(address.into())
    }
}

impl From<Group> for Address {
    fn from(group: Group) -> Self {
        Self::Group(group)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mailbox(mailbox) => mailbox.fmt(f),
            Self::Group(group) => group.fmt(f),
        }
    }
}

impl FromStr for Address {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        parse_one(text)
    }
}

impl TryFrom<&str> for Address {
    type Error = InvalidValue;

    fn try_from(text: &str) -> Result<Self, InvalidValue> {
        text.parse()
    }
}

impl TryFrom<&AddrSpec> for postroad_core::Mailbox {
    type Error = postroad_core::ParseError;

    /// The address as SMTP writes it, which allows less than a header field does (RFC 5321 section 4.1.2).
    ///
    /// ```
    /// use postroad_message::AddrSpec;
    /// let address: AddrSpec = "bob@hamburger.edu".parse()?;
    /// let recipient = postroad_core::Mailbox::try_from(&address).unwrap();
    /// assert_eq!(AddrSpec::try_from(&recipient)?, address);
    /// # Ok::<(), postroad_message::InvalidValue>(())
    /// ```
    fn try_from(address: &AddrSpec) -> Result<Self, Self::Error> {
        Self::parse(address.to_string())
    }
}

impl TryFrom<&postroad_core::Mailbox> for AddrSpec {
    type Error = InvalidValue;

    fn try_from(mailbox: &postroad_core::Mailbox) -> Result<Self, InvalidValue> {
        Self::new(&mailbox.local_part_unquoted(), mailbox.domain().as_str())
    }
}

impl TryFrom<&postroad_core::Mailbox> for Mailbox {
    type Error = InvalidValue;

    fn try_from(mailbox: &postroad_core::Mailbox) -> Result<Self, InvalidValue> {
        AddrSpec::try_from(mailbox).map(Self::from)
    }
}

impl TryFrom<&postroad_core::Mailbox> for Address {
    type Error = InvalidValue;

    fn try_from(mailbox: &postroad_core::Mailbox) -> Result<Self, InvalidValue> {
        AddrSpec::try_from(mailbox).map(Self::from)
    }
}
