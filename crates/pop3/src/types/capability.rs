//! What a server can do, as CAPA tells it (RFC 2449 section 6).

use core::fmt;
use postroad_core::{ParseError, ParseErrorKind};

/// A capability line that has 512 octets in all.
const LIMIT: usize = 510;

/// How long messages stay on the server at least (RFC 2449 section 6.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Expire {
    /// The server deletes nothing by itself.
    Never,
    /// So many days; 0: what was retrieved is deleted at QUIT.
    Days(u32),
}

/// One or more words of printable ASCII with single spaces between them, as they stand in a capability line.
///
/// ```
/// use postroad_pop3::types::CapabilityText;
///
/// assert_eq!(CapabilityText::parse("Shlemazle-Plotz-v302")?.as_str(), "Shlemazle-Plotz-v302");
/// assert!(CapabilityText::parse("two  spaces").is_err());
/// # Ok::<(), postroad_core::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CapabilityText(Box<str>);

impl CapabilityText {
    /// Reads words.
    ///
    /// # Errors
    ///
    /// It is empty, longer than 480 octets, or has anything but printable ASCII and single spaces between words.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, ParseError> {
        let text = text.as_ref();
        if text.len() > 480 {
            let kind = ParseErrorKind::TooLong { what: "the words of a capability", limit: 480 };
            return Err(ParseError::new(kind, 480, text));
        }
        words(text, text).map(|text| Self(text.into()))
    }

    /// The words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CapabilityText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn words<'a>(unit: &[u8], text: &'a [u8]) -> Result<&'a str, ParseError> {
    let offset = unit.len() - text.len();
    let mut after_space = true;
    for (at, octet) in text.iter().enumerate() {
        let fine = if after_space { octet.is_ascii_graphic() } else { matches!(octet, b' '..=b'~') };
        if !fine {
            return Err(ParseError::new(ParseErrorKind::Forbidden(*octet), offset + at, unit));
        }
        after_space = *octet == b' ';
    }
    if after_space {
        return Err(ParseError::new(ParseErrorKind::Missing("a word"), unit.len(), unit));
    }
    core::str::from_utf8(text).map_err(|_| ParseError::new(ParseErrorKind::Expected("ASCII"), offset, unit))
}

/// One capability.
///
/// ```
/// use postroad_pop3::types::Capability;
///
/// let delay = Capability::parse(b"login-delay 900 USER")?;
/// assert_eq!(delay, Capability::LoginDelay { seconds: 900, per_user: true });
/// assert_eq!(delay.to_string(), "LOGIN-DELAY 900 USER");
/// # Ok::<(), postroad_core::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// The command TOP.
    Top,
    /// The commands USER and PASS.
    User,
    /// The command AUTH with these mechanisms (RFC 5034).
    Sasl(CapabilityText),
    /// Response codes: a text that begins with a bracket begins with one.
    RespCodes,
    /// The response code AUTH tells wrong credentials from all else (RFC 3206).
    AuthRespCode,
    /// No new login before so many seconds have passed.
    LoginDelay {
        /// The seconds.
        seconds: u32,
        /// After login, CAPA tells what holds for this user.
        per_user: bool,
    },
    /// Commands may be sent without waiting for responses.
    Pipelining,
    /// How long messages stay.
    Expire {
        /// How long.
        retention: Expire,
        /// After login, CAPA tells what holds for this user.
        per_user: bool,
    },
    /// The command UIDL.
    Uidl,
    /// What the server is. No client may behave differently for it.
    Implementation(CapabilityText),
    /// The command STLS, permitted now (RFC 2595 section 4).
    Stls,
    /// Any other, as it stands.
    Other(CapabilityText),
}

impl Capability {
    /// Reads a capability line. What is known by name but has arguments that make no sense is [`Other`](Self::Other).
    ///
    /// # Errors
    ///
    /// It is empty, longer than 510 octets, or not printable ASCII.
    pub fn parse(line: &[u8]) -> Result<Self, ParseError> {
        if line.len() > LIMIT {
            let kind = ParseErrorKind::TooLong { what: "a capability", limit: LIMIT };
            return Err(ParseError::new(kind, LIMIT, line));
        }
        // Some servers leave a space at the end.
        let trimmed = line.strip_suffix(b" ").unwrap_or(line);
        let text = words(trimmed, trimmed)?;
        let (tag, arguments) = text.split_once(' ').map_or((text, None), |(tag, rest)| (tag, Some(rest)));
        let known = match (tag.to_ascii_uppercase().as_str(), arguments) {
            ("TOP", None) => Some(Self::Top),
            ("USER", None) => Some(Self::User),
            ("SASL", Some(mechanisms)) => Some(Self::Sasl(CapabilityText(mechanisms.into()))),
            ("RESP-CODES", None) => Some(Self::RespCodes),
            ("AUTH-RESP-CODE", None) => Some(Self::AuthRespCode),
            ("LOGIN-DELAY", Some(arguments)) => per_user(arguments).and_then(|(seconds, per_user)| {
                seconds.parse().ok().map(|seconds| Self::LoginDelay { seconds, per_user })
            }),
            ("PIPELINING", None) => Some(Self::Pipelining),
            ("EXPIRE", Some(arguments)) => per_user(arguments).and_then(|(retention, per_user)| {
                let retention = if retention.eq_ignore_ascii_case("NEVER") {
                    Expire::Never
                } else {
                    Expire::Days(retention.parse().ok()?)
                };
                Some(Self::Expire { retention, per_user })
            }),
            ("UIDL", None) => Some(Self::Uidl),
            ("IMPLEMENTATION", Some(words)) => Some(Self::Implementation(CapabilityText(words.into()))),
            ("STLS", None) => Some(Self::Stls),
            _ => None,
        };
        Ok(known.unwrap_or_else(|| Self::Other(CapabilityText(text.into()))))
    }
}

/// An argument, and whether `USER` follows it; `None` when something else does.
fn per_user(arguments: &str) -> Option<(&str, bool)> {
    match arguments.split_once(' ') {
        None => Some((arguments, false)),
        Some((first, rest)) => rest.eq_ignore_ascii_case("USER").then_some((first, true)),
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = |per_user: &bool| if *per_user { " USER" } else { "" };
        match self {
            Self::Top => f.write_str("TOP"),
            Self::User => f.write_str("USER"),
            Self::Sasl(mechanisms) => write!(f, "SASL {mechanisms}"),
            Self::RespCodes => f.write_str("RESP-CODES"),
            Self::AuthRespCode => f.write_str("AUTH-RESP-CODE"),
            Self::LoginDelay { seconds, per_user } => write!(f, "LOGIN-DELAY {seconds}{}", user(per_user)),
            Self::Pipelining => f.write_str("PIPELINING"),
            Self::Expire { retention: Expire::Never, per_user } => {
                write!(f, "EXPIRE NEVER{}", user(per_user))
            }
            Self::Expire { retention: Expire::Days(days), per_user } => {
                write!(f, "EXPIRE {days}{}", user(per_user))
            }
            Self::Uidl => f.write_str("UIDL"),
            Self::Implementation(words) => write!(f, "IMPLEMENTATION {words}"),
            Self::Stls => f.write_str("STLS"),
            Self::Other(line) => line.fmt(f),
        }
    }
}

/// What CAPA told, in the order in which it was told.
///
/// ```
/// use postroad_pop3::types::{Capabilities, Capability};
///
/// let capabilities: Capabilities = [Capability::Top, Capability::Pipelining].into_iter().collect();
/// assert!(capabilities.has(&Capability::Pipelining));
/// assert!(!capabilities.has(&Capability::Stls));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Capabilities(Vec<Capability>);

impl Capabilities {
    /// Whether `capability` was told exactly so.
    pub fn has(&self, capability: &Capability) -> bool {
        self.0.contains(capability)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Capability> {
        self.0.iter()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none was told.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The SASL mechanisms of the command AUTH (RFC 5034).
    pub fn sasl_mechanisms(&self) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .flat_map(|capability| match capability {
                Capability::Sasl(mechanisms) => mechanisms.as_str().split(' '),
                _ => "".split(' '),
            })
            .filter(|name| !name.is_empty())
    }

    pub(crate) fn push(&mut self, capability: Capability) {
        self.0.push(capability);
    }
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<I: IntoIterator<Item = Capability>>(capabilities: I) -> Self {
        Self(capabilities.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn examples_of_rfc_2449() {
        for line in [
            "TOP",
            "USER",
            "SASL CRAM-MD5 KERBEROS_V4",
            "RESP-CODES",
            "LOGIN-DELAY 900",
            "PIPELINING",
            "EXPIRE 60",
            "EXPIRE 5 USER",
            "EXPIRE NEVER",
            "EXPIRE 0",
            "UIDL",
            "IMPLEMENTATION Shlemazle-Plotz-v302",
            "STLS",
            "AUTH-RESP-CODE",
        ] {
            let capability = Capability::parse(line.as_bytes()).unwrap();
            assert!(!matches!(capability, Capability::Other(_)), "{line}");
            assert_eq!(capability.to_string(), line);
        }
    }

    #[test]
    fn tags_in_any_case_and_nonsense_kept_as_it_is() {
        assert_eq!(Capability::parse(b"pipelining").unwrap(), Capability::Pipelining);
        for other in ["TOP 1", "EXPIRE soon", "EXPIRE 5 YOU", "LOGIN-DELAY", "X-THING a b"] {
            assert!(matches!(Capability::parse(other.as_bytes()), Ok(Capability::Other(_))), "{other}");
        }
        for wrong in ["", " TOP", "TOP  x", "T\tP", "é"] {
            assert!(Capability::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn mechanisms() {
        let capabilities: Capabilities =
            [Capability::Top, Capability::parse(b"SASL PLAIN SCRAM-SHA-256").unwrap()].into_iter().collect();
        assert_eq!(capabilities.sasl_mechanisms().collect::<Vec<_>>(), ["PLAIN", "SCRAM-SHA-256"]);
    }

    proptest! {
        #[test]
        fn what_is_read_and_printed_is_read_the_same(line in "([A-Z-]{1,9}|EXPIRE|SASL|LOGIN-DELAY|IMPLEMENTATION)( [!-~]{1,5}){0,3}") {
            let capability = Capability::parse(line.as_bytes()).unwrap();
            prop_assert_eq!(Capability::parse(capability.to_string().as_bytes()).unwrap(), capability);
        }
    }
}
