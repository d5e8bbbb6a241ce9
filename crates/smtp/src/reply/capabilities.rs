//! The response to EHLO (RFC 5321 section 4.1.1.1): which extensions a server offers.

use super::{Reply, ReplyCode, ReplyText};
use crate::types::Mechanism;
use core::fmt;
use postroad_core::Domain;

/// What SIZE says of the largest message (RFC 1870 section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SizeLimit {
    /// `SIZE` alone: nothing is said.
    NotStated,
    /// `SIZE 0`: there is no fixed limit.
    Unlimited,
    /// A message may have at most this many octets.
    Octets(u64),
}

/// An extension this crate has no name for, as it was offered. Kept so that nothing is lost.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Capability {
    keyword: Box<str>,
    parameters: Box<str>,
}

impl Capability {
    /// An extension; `None` where `keyword` is no `ehlo-keyword` (letters, digits, hyphens, the first no hyphen) or a parameter has octets
    /// that are not printable ASCII (RFC 5321 section 4.1.1.1).
    pub fn new(keyword: &str, parameters: &str) -> Option<Self> {
        let begins = keyword.starts_with(|c: char| c.is_ascii_alphanumeric());
        let is_keyword = keyword.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
        let is_printable = parameters.bytes().all(|octet| matches!(octet, b' '..=b'~'));
        let trimmed = parameters.trim_ascii();
        (begins && is_keyword && is_printable && keyword.len() + trimmed.len() < LONGEST)
            .then(|| Self { keyword: keyword.into(), parameters: trimmed.into() })
    }

    /// The keyword, as it was written.
    pub fn keyword(&self) -> &str {
        &self.keyword
    }

    /// What stands behind the keyword, perhaps nothing.
    pub fn parameters(&self) -> &str {
        &self.parameters
    }
}

/// The most octets that a kept capability has.
const LONGEST: usize = 1000;

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.keyword)?;
        if self.parameters.is_empty() { Ok(()) } else { write!(f, " {}", self.parameters) }
    }
}

/// The extensions that a server offers in its response to EHLO.
///
/// ```
/// use postroad_smtp::{reply::{Capabilities, Reply, SizeLimit}, types::Mechanism};
///
/// let reply = Reply::parse(b"250-foo.com greets bar.com\r\n250-8BITMIME\r\n250-SIZE 1000000\r\n250 AUTH PLAIN LOGIN\r\n")?;
/// let capabilities = Capabilities::from_reply(&reply);
/// assert!(capabilities.eight_bit_mime && !capabilities.pipelining);
/// assert_eq!(capabilities.size, Some(SizeLimit::Octets(1_000_000)));
/// assert!(capabilities.offers(Mechanism::PLAIN));
/// # Ok::<(), postroad_smtp::reply::ReplyError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Capabilities {
    /// PIPELINING (RFC 2920).
    pub pipelining: bool,
    /// 8BITMIME (RFC 6152).
    pub eight_bit_mime: bool,
    /// ENHANCEDSTATUSCODES (RFC 2034).
    pub enhanced_status_codes: bool,
    /// STARTTLS (RFC 3207).
    pub starttls: bool,
    /// SMTPUTF8 (RFC 6531).
    pub smtp_utf8: bool,
    /// CHUNKING (RFC 3030).
    pub chunking: bool,
    /// DSN (RFC 3461).
    pub dsn: bool,
    /// SIZE (RFC 1870), if it is offered.
    pub size: Option<SizeLimit>,
    /// The mechanisms of AUTH (RFC 4954), each once, in the order of the server; also of the old form `AUTH=`.
    pub auth: Vec<Mechanism>,
    /// All others, in the order of the server.
    pub others: Vec<Capability>,
}

impl Capabilities {
    /// What a positive response to EHLO offers. The first line names the server and is no extension; lines that are no extension at all
    /// are passed over, for servers say many things here.
    pub fn from_reply(reply: &Reply) -> Self {
        let mut capabilities = Self::default();
        for line in reply.lines().skip(1) {
            capabilities.read(line.as_str());
        }
        capabilities
    }

    fn read(&mut self, line: &str) {
        let line = line.trim_ascii();
        let end = line.find([' ', '=', '\t']).unwrap_or(line.len());
        let (keyword, parameters) = (&line[..end], line[end..].trim_start_matches(['=', ' ', '\t']));
        let is = |name: &str| keyword.eq_ignore_ascii_case(name);
        let old_form = line[end..].starts_with('=');
        if is("AUTH") {
            for name in parameters.split_ascii_whitespace() {
                // Someone who offers thousands of mechanisms does not have them.
                let known = Mechanism::parse(name).ok();
                if let Some(name) = known.filter(|name| self.auth.len() < 64 && !self.auth.contains(name)) {
                    self.auth.push(name);
                }
            }
            return;
        }
        if old_form {
            return;
        }
        match () {
            () if is("PIPELINING") => self.pipelining = true,
            () if is("8BITMIME") => self.eight_bit_mime = true,
            () if is("ENHANCEDSTATUSCODES") => self.enhanced_status_codes = true,
            () if is("STARTTLS") => self.starttls = true,
            () if is("SMTPUTF8") => self.smtp_utf8 = true,
            () if is("CHUNKING") => self.chunking = true,
            () if is("DSN") => self.dsn = true,
            () if is("SIZE") => {
                let octets = parameters.split_ascii_whitespace().next().map(str::parse);
                self.size = Some(match octets {
                    Some(Ok(0)) => SizeLimit::Unlimited,
                    Some(Ok(octets)) => SizeLimit::Octets(octets),
                    Some(Err(_)) | None => SizeLimit::NotStated,
                });
            }
            () => self.others.extend(Capability::new(keyword, parameters)),
        }
    }

    /// The response to EHLO that offers these: 250, the domain of the server with a greeting, and a line for each extension.
    pub fn to_reply(&self, domain: &Domain, greeting: &str) -> Reply {
        let mut lines = vec![ReplyText::new(format!("{domain} {greeting}"))];
        let named = [
            (self.pipelining, "PIPELINING"),
            (self.eight_bit_mime, "8BITMIME"),
            (self.enhanced_status_codes, "ENHANCEDSTATUSCODES"),
            (self.starttls, "STARTTLS"),
            (self.smtp_utf8, "SMTPUTF8"),
            (self.chunking, "CHUNKING"),
            (self.dsn, "DSN"),
        ];
        lines
            .extend(named.into_iter().filter(|(offered, _)| *offered).map(|(_, name)| ReplyText::from(name)));
        lines.extend(self.size.map(|size| match size {
            SizeLimit::NotStated => ReplyText::from("SIZE"),
            SizeLimit::Unlimited => ReplyText::from("SIZE 0"),
            SizeLimit::Octets(octets) => ReplyText::new(format!("SIZE {octets}")),
        }));
        if !self.auth.is_empty() {
            let names: Vec<&str> = self.auth.iter().map(Mechanism::as_str).collect();
            lines.push(ReplyText::new(format!("AUTH {}", names.join(" "))));
        }
        lines.extend(self.others.iter().map(|other| ReplyText::new(other.to_string())));
        Reply::from_lines(ReplyCode::OK, None, lines)
    }

    /// Whether AUTH is offered with this mechanism.
    pub fn offers(&self, mechanism: Mechanism) -> bool {
        self.auth.contains(&mechanism)
    }

    /// Whether a message of so many octets is within the limit that the server states.
    pub fn accepts_size(&self, octets: u64) -> bool {
        !matches!(self.size, Some(SizeLimit::Octets(limit)) if octets > limit)
    }

    /// What this crate has no name for, by its keyword in any case.
    pub fn other(&self, keyword: &str) -> Option<&Capability> {
        self.others.iter().find(|other| other.keyword.eq_ignore_ascii_case(keyword))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(lines: &[&str]) -> Capabilities {
        let lines = ["foo.com"].iter().chain(lines).map(|line| ReplyText::new((*line).to_owned()));
        Capabilities::from_reply(&Reply::from_lines(ReplyCode::OK, None, lines))
    }

    #[test]
    fn keywords_are_read_in_any_case() {
        let capabilities = read(&[
            "pipelining",
            "8BitMime",
            "enhancedstatuscodes",
            "StartTLS",
            "smtputf8",
            "CHUNKING",
            "dsn",
        ]);
        assert!(capabilities.pipelining && capabilities.eight_bit_mime && capabilities.enhanced_status_codes);
        assert!(capabilities.starttls && capabilities.smtp_utf8 && capabilities.chunking && capabilities.dsn);
        assert!(capabilities.others.is_empty());
    }

    #[test]
    fn the_first_line_is_no_extension() {
        let reply = Reply::parse(b"250 STARTTLS\r\n").unwrap();
        assert_eq!(Capabilities::from_reply(&reply), Capabilities::default());
    }

    #[test]
    fn size() {
        assert_eq!(read(&[]).size, None);
        assert_eq!(read(&["SIZE"]).size, Some(SizeLimit::NotStated));
        assert_eq!(read(&["SIZE 0"]).size, Some(SizeLimit::Unlimited));
        assert_eq!(read(&["SIZE 10"]).size, Some(SizeLimit::Octets(10)));
        assert_eq!(read(&["SIZE ten"]).size, Some(SizeLimit::NotStated));
        assert_eq!(read(&["SIZE 99999999999999999999999"]).size, Some(SizeLimit::NotStated));
        assert!(read(&["SIZE 10"]).accepts_size(10) && !read(&["SIZE 10"]).accepts_size(11));
        assert!(read(&["SIZE 0"]).accepts_size(u64::MAX));
    }

    #[test]
    fn both_forms_of_auth_are_joined() {
        let capabilities = read(&["AUTH=LOGIN PLAIN", "AUTH PLAIN  x!y SCRAM-SHA-256"]);
        assert_eq!(capabilities.auth, [Mechanism::LOGIN, Mechanism::PLAIN, Mechanism::SCRAM_SHA_256]);
    }

    #[test]
    fn what_is_not_known_is_kept_in_order() {
        let capabilities = read(&["HELP", "-x", "X-Y  1 2", "LIMITS RCPTMAX=20", "é"]);
        let kept: Vec<String> = capabilities.others.iter().map(ToString::to_string).collect();
        assert_eq!(kept, ["HELP", "X-Y 1 2", "LIMITS RCPTMAX=20"]);
        assert_eq!(capabilities.other("limits").unwrap().parameters(), "RCPTMAX=20");
    }

    #[test]
    fn a_capability_cannot_hold_a_line_end() {
        assert_eq!(Capability::new("X", "a\r\n250 AUTH PLAIN"), None);
        assert_eq!(Capability::new("X\r\nY", ""), None);
        assert_eq!(Capability::new("", ""), None);
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_as_the_same(
            flags: [bool; 7],
            size in prop::option::of(prop_oneof![Just(SizeLimit::NotStated), Just(SizeLimit::Unlimited), (1u64..).prop_map(SizeLimit::Octets)]),
            auth in prop::sample::subsequence(vec![Mechanism::PLAIN, Mechanism::LOGIN, Mechanism::SCRAM_SHA_256], 0..3),
            others in prop::collection::vec(("X[A-Z0-9-]{1,8}", "([!-~]{1,5}( [!-~]{1,5}){0,2})?"), 0..4),
        ) {
            let [pipelining, eight_bit_mime, enhanced_status_codes, starttls, smtp_utf8, chunking, dsn] = flags;
            let others = others.iter().map(|(keyword, parameters)| Capability::new(keyword, parameters.trim_start_matches('=')).unwrap()).collect();
            let capabilities = Capabilities { pipelining, eight_bit_mime, enhanced_status_codes, starttls, smtp_utf8, chunking, dsn, size, auth, others };
            let mut printed = String::new();
            capabilities.to_reply(&Domain::parse("foo.com").unwrap(), "greets you").encode(&mut printed).unwrap();
            prop_assert_eq!(Capabilities::from_reply(&Reply::parse(printed.as_bytes()).unwrap()), capabilities);
        }
    }
}
