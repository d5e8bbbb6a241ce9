//! RFC 5321's Mailbox and Domain (section 4.1.2), with RFC 6531's UTF-8.

use crate::{ParseError, ParseErrorKind};
use alloc::{borrow::Cow, boxed::Box, string::String};
use core::{
    fmt,
    hash::{Hash, Hasher},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// Octets of a path (RFC 5321 section 4.5.3.1.3) without its angle brackets. There is no limit of its own to the local part: real
/// return addresses of mailing lists are longer than the 64 octets that every program must support.
const MAILBOX_LIMIT: usize = 254;
const DOMAIN_LIMIT: usize = 255;
const LABEL_LIMIT: usize = 63;

type Result<T> = core::result::Result<T, ParseError>;

/// A domain name, or an address literal such as `[192.0.2.1]` or `[IPv6:2001:db8::1]`.
///
/// It cannot hold CR, LF, NUL, spaces or angle brackets, so it can stand in any command. Labels may be UTF-8 (U-labels, RFC 6531);
/// [`is_ascii`](Self::is_ascii) tells whether SMTPUTF8 is needed. Compared without regard to ASCII case.
///
/// ```
/// use postroad_core::Domain;
///
/// let domain = Domain::parse("Hamburger.EDU")?;
/// assert_eq!(domain, Domain::parse("hamburger.edu")?);
/// assert_eq!(domain.as_str(), "Hamburger.EDU");
/// assert_eq!(Domain::parse("[IPv6:2001:db8::1]")?.ip(), Some("2001:db8::1".parse().unwrap()));
/// assert!(Domain::parse("crepes.fr\r\nRSET").is_err());
/// # Ok::<(), postroad_core::ParseError>(())
/// ```
#[derive(Clone)]
pub struct Domain(Box<str>);

impl Domain {
    /// Reads a whole domain or address literal.
    ///
    /// # Errors
    ///
    /// Where it is no `Domain` or `address-literal` of RFC 5321 section 4.1.2, is longer than 255 octets, or has octets behind its end.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self> {
        let text = text.as_ref();
        let end = domain_end(text, 0)?;
        if end < text.len() {
            return Err(unexpected(text, end));
        }
        Self::checked(text)
    }

    fn checked(text: &[u8]) -> Result<Self> {
        utf8(text).map(|text| Self(text.into()))
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is an address literal, in brackets.
    pub fn is_literal(&self) -> bool {
        self.0.starts_with('[')
    }

    /// The IP address of an address literal.
    pub fn ip(&self) -> Option<IpAddr> {
        let inside = self.0.strip_prefix('[')?.strip_suffix(']')?;
        if let Some(v6) = strip_prefix_ignoring_case(inside, "IPv6:") {
            return v6.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
        }
        inside.parse::<Ipv4Addr>().ok().map(IpAddr::V4)
    }

    /// Whether it can be used without SMTPUTF8.
    pub fn is_ascii(&self) -> bool {
        self.0.is_ascii()
    }

    /// The form to compare and to store by: ASCII letters in lower case.
    pub fn to_ascii_lowercase(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl From<IpAddr> for Domain {
    fn from(ip: IpAddr) -> Self {
        Self(match ip {
            IpAddr::V4(ip) => alloc::format!("[{ip}]").into(),
            IpAddr::V6(ip) => alloc::format!("[IPv6:{ip}]").into(),
        })
    }
}

impl PartialEq for Domain {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Domain {}

impl Hash for Domain {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for octet in self.0.bytes() {
            state.write_u8(octet.to_ascii_lowercase());
        }
    }
}

impl PartialOrd for Domain {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Domain {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        let lower = |text: &'_ str| {
            text.bytes().map(|octet| octet.to_ascii_lowercase()).collect::<alloc::vec::Vec<u8>>()
        };
        lower(&self.0).cmp(&lower(&other.0))
    }
}

/// `local-part@domain` (RFC 5321 section 4.1.2), as it stands in MAIL and RCPT.
///
/// The quoting of a local part is kept as it was written, for it is part of what the next program must see. Two mailboxes are equal
/// when their local parts mean the same octets (`"bob"@x` is `bob@x`, `Bob@x` is not) and their domains differ in ASCII case at most.
/// It cannot hold CR, LF or NUL.
///
/// ```
/// use postroad_core::Mailbox;
///
/// let alice = Mailbox::parse("alice@crepes.fr")?;
/// assert_eq!((alice.local_part(), alice.domain().as_str()), ("alice", "crepes.fr"));
///
/// let spaced = Mailbox::parse(r#""john doe"@example.com"#)?;
/// assert_eq!(spaced.local_part(), r#""john doe""#);
/// assert_eq!(spaced.local_part_unquoted(), "john doe");
/// assert_eq!(spaced.to_string(), r#""john doe"@example.com"#);
/// # Ok::<(), postroad_core::ParseError>(())
/// ```
#[derive(Clone)]
pub struct Mailbox {
    domain: Domain,
    local_part: Box<str>,
}

impl Mailbox {
    /// Reads a whole mailbox.
    ///
    /// # Errors
    ///
    /// Where it is no `Mailbox` of RFC 5321 section 4.1.2, is longer than 254 octets, or has octets behind its end.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self> {
        let text = text.as_ref();
        let (mailbox, end) = Self::parse_prefix(text)?;
        if end < text.len() { Err(unexpected(text, end)) } else { Ok(mailbox) }
    }

    /// Reads a mailbox from the front of `text`, and tells how many octets it took: for a grammar in which something follows.
    ///
    /// # Errors
    ///
    /// Where `text` does not begin with a `Mailbox`.
    pub fn parse_prefix(text: &[u8]) -> Result<(Self, usize)> {
        let at = local_part_end(text)?;
        if text.get(at) != Some(&b'@') {
            return Err(if text.get(at).is_some_and(u8::is_ascii_control) {
                unexpected(text, at)
            } else {
                ParseError::new(ParseErrorKind::Expected("@"), at, text)
            });
        }
        let end = domain_end(text, at + 1)?;
        if end > MAILBOX_LIMIT {
            let kind = ParseErrorKind::TooLong { what: "mailbox", limit: MAILBOX_LIMIT };
            return Err(ParseError::new(kind, MAILBOX_LIMIT, text));
        }
        let local_part = utf8(&text[..at])?.into();
        let domain = Domain::checked(&text[at + 1..end]).map_err(|error| error.shifted(at + 1))?;
        Ok((Self { domain, local_part }, end))
    }

    /// A mailbox from a local part as it is *meant* (`john doe`), which is quoted if it must be, and a domain.
    ///
    /// # Errors
    ///
    /// Where the local part is empty, has control characters, or the whole is too long.
    pub fn from_parts(local_part: &str, domain: &Domain) -> Result<Self> {
        if local_part.is_empty() {
            return Err(ParseError::new(ParseErrorKind::Missing("local part"), 0, b""));
        }
        let mut text = String::with_capacity(local_part.len() + domain.0.len() + 3);
        if is_dot_string(local_part.as_bytes()) {
            text.push_str(local_part);
        } else {
            text.push('"');
            for character in local_part.chars() {
                if matches!(character, '"' | '\\') {
                    text.push('\\');
                }
                text.push(character);
            }
            text.push('"');
        }
        text.push('@');
        text.push_str(domain.as_str());
        Self::parse(text)
    }

    /// The local part as it was written, with its quotes if it has them.
    pub fn local_part(&self) -> &str {
        &self.local_part
    }

    /// What the local part means: without quotes and backslashes.
    pub fn local_part_unquoted(&self) -> Cow<'_, str> {
        let Some(inside) = self.local_part.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else {
            return Cow::Borrowed(&self.local_part);
        };
        if !inside.contains('\\') {
            return Cow::Borrowed(inside);
        }
        let mut plain = String::with_capacity(inside.len());
        let mut characters = inside.chars();
        while let Some(character) = characters.next() {
            plain.push(if character == '\\' { characters.next().unwrap_or('\\') } else { character });
        }
        Cow::Owned(plain)
    }

    /// The domain.
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// Whether it can be used without SMTPUTF8 (RFC 6531).
    pub fn is_ascii(&self) -> bool {
        self.local_part.is_ascii() && self.domain.is_ascii()
    }
}

impl PartialEq for Mailbox {
    fn eq(&self, other: &Self) -> bool {
        self.domain == other.domain && self.local_part_unquoted() == other.local_part_unquoted()
    }
}

impl Eq for Mailbox {}

/// By domain, then by what the local part means: what is equal is equal here too.
impl Ord for Mailbox {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        let local_part = || self.local_part_unquoted().cmp(&other.local_part_unquoted());
        self.domain.cmp(&other.domain).then_with(local_part)
    }
}

impl PartialOrd for Mailbox {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Mailbox {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.local_part_unquoted().hash(state);
        self.domain.hash(state);
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local_part, self.domain.0)
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mailbox({self})")
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Domain({self})")
    }
}

impl FromStr for Mailbox {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl FromStr for Domain {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for Mailbox {
    type Error = ParseError;
    fn try_from(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for Domain {
    type Error = ParseError;
    fn try_from(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

fn unexpected(text: &[u8], at: usize) -> ParseError {
    let kind = match text.get(at) {
        Some(octet) if octet.is_ascii_control() => ParseErrorKind::Forbidden(*octet),
        _ => ParseErrorKind::Trailing,
    };
    ParseError::new(kind, at, text)
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, tail) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(tail)
}

/// UTF-8 without the control characters that lie outside of ASCII.
fn utf8(text: &[u8]) -> Result<&str> {
    let text_str = core::str::from_utf8(text)
        .map_err(|error| ParseError::new(ParseErrorKind::Expected("UTF-8"), error.valid_up_to(), text))?;
    match text_str.char_indices().find(|(_, character)| character.is_control()) {
        Some((at, _)) => Err(ParseError::new(ParseErrorKind::Expected("no control character"), at, text)),
        None => Ok(text_str),
    }
}

/// RFC 5322's atext with RFC 6531's UTF-8.
const fn is_atext(octet: u8) -> bool {
    octet.is_ascii_alphanumeric()
        || octet >= 0x80
        || matches!(octet, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'/' | b'=' | b'?' | b'^'..=b'`' | b'{'..=b'~')
}

fn is_dot_string(text: &[u8]) -> bool {
    text.split(|octet| *octet == b'.')
        .all(|atom| !atom.is_empty() && atom.iter().all(|octet| is_atext(*octet)))
}

/// Local-part = Dot-string / Quoted-string
fn local_part_end(text: &[u8]) -> Result<usize> {
    let expected = |what, at| Err(ParseError::new(ParseErrorKind::Expected(what), at, text));
    if text.first() == Some(&b'"') {
        let mut at = 1;
        loop {
            match (text.get(at), text.get(at + 1)) {
                (Some(b'"'), _) => return Ok(at + 1),
                (Some(b'\\'), Some(b' '..=b'~')) => at += 2,
                (Some(b'\\'), _) => return expected("a printable character", at + 1),
                (Some(b' '..=b'~' | 0x80..), _) => at += 1,
                (Some(octet), _) => return Err(ParseError::new(ParseErrorKind::Forbidden(*octet), at, text)),
                (None, _) => return expected("a closing quote", at),
            }
        }
    }
    let mut at = 0;
    loop {
        let atom = text[at..].iter().take_while(|octet| is_atext(**octet)).count();
        if atom == 0 {
            return expected("a local part", at);
        }
        at += atom;
        if text.get(at) != Some(&b'.') {
            return Ok(at);
        }
        at += 1;
    }
}

/// Domain / address-literal, which begins at `from`.
fn domain_end(text: &[u8], from: usize) -> Result<usize> {
    let error = |kind, at| Err(ParseError::new(kind, at, text));
    if text.get(from) == Some(&b'[') {
        let inside =
            text[from + 1..].iter().take_while(|octet| matches!(octet, b'!'..=b'Z' | b'^'..=b'~')).count();
        let end = from + 1 + inside;
        if text.get(end) != Some(&b']') {
            return error(ParseErrorKind::Expected("]"), end);
        }
        let literal = Domain::checked(&text[from..=end])?;
        let general = literal.0.find(':').is_some_and(|colon| {
            let tag = &literal.0[1..colon];
            let standardized = tag.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
                && !tag.ends_with('-');
            !tag.is_empty()
                && standardized
                && !tag.eq_ignore_ascii_case("IPv6")
                && literal.0.len() > colon + 2
        });
        if literal.ip().is_none() && !general {
            return error(ParseErrorKind::Expected("an address literal"), from + 1);
        }
        if end + 1 - from > DOMAIN_LIMIT {
            return error(
                ParseErrorKind::TooLong { what: "domain", limit: DOMAIN_LIMIT },
                from + DOMAIN_LIMIT,
            );
        }
        return Ok(end + 1);
    }
    let mut at = from;
    loop {
        let is_let_dig = |octet: u8| octet.is_ascii_alphanumeric() || octet >= 0x80;
        let label = text[at..].iter().take_while(|octet| is_let_dig(**octet) || **octet == b'-').count();
        if label == 0 || text[at] == b'-' {
            return error(ParseErrorKind::Expected("a letter or digit"), at);
        }
        at += label;
        if text[at - 1] == b'-' {
            return error(ParseErrorKind::Expected("a letter or digit"), at);
        }
        if label > LABEL_LIMIT {
            return error(ParseErrorKind::TooLong { what: "label", limit: LABEL_LIMIT }, at);
        }
        if at - from > DOMAIN_LIMIT {
            return error(
                ParseErrorKind::TooLong { what: "domain", limit: DOMAIN_LIMIT },
                from + DOMAIN_LIMIT,
            );
        }
        if text.get(at) != Some(&b'.') {
            return Ok(at);
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::ToString};
    use proptest::prelude::*;

    #[test]
    fn the_order_agrees_with_equality() {
        use core::cmp::Ordering;
        let mailbox = |text: &str| Mailbox::parse(text).unwrap();
        let (plain, quoted) = (mailbox("bob@x.y"), mailbox(r#""b\ob"@X.y"#));
        assert_eq!(plain, quoted);
        assert_eq!(plain.cmp(&quoted), Ordering::Equal);
        assert!(plain < mailbox("carol@x.y") && plain < mailbox("alice@x.z"));
    }

    #[test]
    fn what_is_a_mailbox() {
        for good in [
            "a@b",
            "alice@crepes.fr",
            "o'neil+tag@example.com",
            r#""john doe"@example.com"#,
            r#""a\"b\\c"@x.y"#,
            r#""<a@b>"@c"#,
            "j@[IPv6:::1]",
            "j@[192.0.2.1]",
            "j@[x-tag:content]",
            "x@1and1.com",
            "사용자@예시.kr",
            "a.b.c@d-e.f",
        ] {
            assert_eq!(Mailbox::parse(good).map(|mailbox| mailbox.to_string()), Ok(good.to_string()));
        }
        for bad in [
            "",
            "a",
            "@b",
            "a@",
            "a@b.",
            "a@.b",
            "a@-b",
            "a@b-",
            "a..b@c",
            ".a@b",
            "a.@b",
            "a b@c",
            "a@b c",
            "a@b>",
            "<a@b>",
            "a@b\r\n",
            "a\r\nb@c",
            "\"a\r\nb\"@c",
            "\"a\0\"@c",
            "\"a@c",
            "a@[1.2.3]",
            "a@[1.2.3.4",
            "a@[IPv6:zz]",
            "a@[]",
            "a@[x:]",
            "a@b_c",
            "a@b,c",
            "a,b@c",
            "\u{85}@b",
            "a@b@c",
            "\"a\\\r\"@b",
            "a\"b\"@c",
        ] {
            assert!(Mailbox::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Mailbox::parse(b"a\xff@b").is_err());
        assert!(Mailbox::parse(format!("{}@b.c", "x".repeat(250))).is_ok());
        assert!(Mailbox::parse(format!("{}@b.c", "x".repeat(251))).is_err());
        assert!(Domain::parse("x".repeat(64)).is_err());
    }

    #[test]
    fn equality_is_of_meaning() {
        let parse = |text: &str| Mailbox::parse(text).unwrap();
        assert_eq!(parse(r#""bob"@x.y"#), parse("bob@X.Y"));
        assert_ne!(parse("Bob@x.y"), parse("bob@x.y"));
        assert_eq!(parse(r#""a\b"@x"#).local_part_unquoted(), "ab");
    }

    #[test]
    fn a_prefix_stops_at_what_follows() {
        assert_eq!(
            Mailbox::parse_prefix(b"a@b> SIZE=1").map(|(mailbox, end)| (mailbox.to_string(), end)),
            Ok(("a@b".to_string(), 3))
        );
        assert_eq!(Mailbox::parse_prefix(br#""a>b"@c>"#).map(|(_, end)| end), Ok(7));
    }

    proptest! {
        #[test]
        fn print_and_parse_is_the_identity(local_part in "[ -~]{1,20}", domain in "[a-z0-9]{1,5}(\\.[a-z0-9]{1,5}){0,3}") {
            let mailbox = Mailbox::from_parts(&local_part, &Domain::parse(&domain).unwrap()).unwrap();
            prop_assert_eq!(mailbox.local_part_unquoted(), local_part.as_str());
            prop_assert_eq!(Mailbox::parse(mailbox.to_string()).unwrap(), mailbox);
        }

        #[test]
        fn no_input_panics_and_nothing_dangerous_passes(text in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(mailbox) = Mailbox::parse(&text) {
                let printed = mailbox.to_string();
                prop_assert_eq!(printed.as_bytes(), &text[..]);
                prop_assert!(!text.iter().any(u8::is_ascii_control));
            }
        }
    }
}
