use super::printable;
use core::fmt;
use postroad_core::{Domain, ParseError};

/// What a client calls itself in EHLO or HELO (RFC 5321 section 4.1.1.1).
///
/// The grammar wants a domain or an address literal. Many programs say something else (`my_pc`, `localhost (me)`), and refusing them
/// refuses mail, so any printable text is kept; [`domain`](Self::domain) tells whether it was right. Up to 500 octets.
///
/// ```
/// use postroad_smtp::types::ClientName;
///
/// let name = ClientName::parse("relay.example.com")?;
/// assert_eq!(name.domain().map(|domain| domain.as_str()), Some("relay.example.com"));
///
/// let name = ClientName::parse("my_pc")?;
/// assert_eq!((name.as_str(), name.domain()), ("my_pc", None));
/// # Ok::<(), postroad_smtp::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientName(Name);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    Domain(Domain),
    Text(Box<str>),
}

impl ClientName {
    /// Reads a whole name.
    ///
    /// # Errors
    ///
    /// It is empty, longer than 500 octets, not UTF-8, or has a control character.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, ParseError> {
        let text = text.as_ref();
        match Domain::parse(text) {
            Ok(domain) => Ok(Self(Name::Domain(domain))),
            Err(_) => printable(text, "domain", 500).map(|text| Self(Name::Text(text.into()))),
        }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Name::Domain(domain) => domain.as_str(),
            Name::Text(text) => text,
        }
    }

    /// The domain or address literal, if it is one.
    pub fn domain(&self) -> Option<&Domain> {
        match &self.0 {
            Name::Domain(domain) => Some(domain),
            Name::Text(_) => None,
        }
    }
}

impl From<Domain> for ClientName {
    fn from(domain: Domain) -> Self {
        Self(Name::Domain(domain))
    }
}

impl fmt::Display for ClientName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
