//! Paths (RFC 5321 section 4.1.2), and the one grammar of MAIL's and RCPT's.

use super::{Lenience, Repairs};
use core::fmt;
use postroad_core::{Domain, Mailbox, ParseError, ParseErrorKind};

/// The reverse-path of MAIL: whom to tell when a message cannot be delivered.
///
/// ```
/// use postroad_smtp::types::ReversePath;
///
/// let path = ReversePath::parse("<smith@bar.com>")?;
/// assert_eq!(path.mailbox().unwrap().local_part(), "smith");
/// assert_eq!(ReversePath::parse("<>")?, ReversePath::Null);
/// assert!(ReversePath::parse("<>>>>>").is_err());
/// # Ok::<(), postroad_smtp::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ReversePath {
    /// `<>`: nobody. So notices about undelivered messages are sent, lest they go round for ever.
    Null,
    /// A mailbox.
    Mailbox(Mailbox),
}

/// The forward-path of RCPT: where a message goes.
///
/// ```
/// use postroad_smtp::types::ForwardPath;
///
/// assert_eq!(ForwardPath::parse("<postmaster>")?, ForwardPath::Postmaster);
/// let routed = ForwardPath::parse("<@hosta.int,@jkl.org:userc@d.bar.org>")?;
/// assert_eq!(routed.to_string(), "<userc@d.bar.org>");
/// # Ok::<(), postroad_smtp::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ForwardPath {
    /// `<Postmaster>`, in any case and without a domain: whoever is responsible for the server that is spoken to.
    Postmaster,
    /// A mailbox.
    Mailbox(Mailbox),
}

impl ReversePath {
    /// Reads a whole path in its angle brackets; a source route is dropped.
    ///
    /// # Errors
    ///
    /// It is no `Reverse-path` of RFC 5321 section 4.1.2.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, ParseError> {
        let text = text.as_ref();
        whole(text, Self::parse_prefix(text, Lenience::default(), &mut Repairs::default())?)
    }

    /// Reads a path from the front of `text`, and tells how many octets it took.
    pub(crate) fn parse_prefix(
        text: &[u8],
        lenience: Lenience,
        repairs: &mut Repairs,
    ) -> Result<(Self, usize), ParseError> {
        let from = space(text, lenience, repairs);
        if text[from..].starts_with(b"<>") {
            return Ok((Self::Null, from + 2));
        }
        mailbox(text, from, lenience, repairs).map(|(mailbox, end)| (Self::Mailbox(mailbox), end))
    }

    /// The mailbox, if it is not null.
    pub fn mailbox(&self) -> Option<&Mailbox> {
        match self {
            Self::Null => None,
            Self::Mailbox(mailbox) => Some(mailbox),
        }
    }

    /// Whether it can be used without SMTPUTF8.
    pub fn is_ascii(&self) -> bool {
        self.mailbox().is_none_or(Mailbox::is_ascii)
    }
}

impl ForwardPath {
    /// Reads a whole path in its angle brackets; a source route is dropped.
    ///
    /// # Errors
    ///
    /// It is neither `<Postmaster>` nor a `Forward-path` of RFC 5321 section 4.1.2.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, ParseError> {
        let text = text.as_ref();
        whole(text, Self::parse_prefix(text, Lenience::default(), &mut Repairs::default())?)
    }

    /// Reads a path from the front of `text`, and tells how many octets it took.
    pub(crate) fn parse_prefix(
        text: &[u8],
        lenience: Lenience,
        repairs: &mut Repairs,
    ) -> Result<(Self, usize), ParseError> {
        const POSTMASTER: &[u8] = b"<Postmaster>";
        let from = space(text, lenience, repairs);
        let end = from + POSTMASTER.len();
        if text.get(from..end).is_some_and(|text| text.eq_ignore_ascii_case(POSTMASTER)) {
            return Ok((Self::Postmaster, end));
        }
        mailbox(text, from, lenience, repairs).map(|(mailbox, end)| (Self::Mailbox(mailbox), end))
    }

    /// The mailbox, if it is not the postmaster without a domain.
    pub fn mailbox(&self) -> Option<&Mailbox> {
        match self {
            Self::Postmaster => None,
            Self::Mailbox(mailbox) => Some(mailbox),
        }
    }

    /// Whether it can be used without SMTPUTF8.
    pub fn is_ascii(&self) -> bool {
        self.mailbox().is_none_or(Mailbox::is_ascii)
    }
}

impl From<Mailbox> for ReversePath {
    fn from(mailbox: Mailbox) -> Self {
        Self::Mailbox(mailbox)
    }
}

impl From<Mailbox> for ForwardPath {
    fn from(mailbox: Mailbox) -> Self {
        Self::Mailbox(mailbox)
    }
}

impl fmt::Display for ReversePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("<>"),
            Self::Mailbox(mailbox) => write!(f, "<{mailbox}>"),
        }
    }
}

impl fmt::Display for ForwardPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postmaster => f.write_str("<Postmaster>"),
            Self::Mailbox(mailbox) => write!(f, "<{mailbox}>"),
        }
    }
}

fn whole<T>(text: &[u8], (path, end): (T, usize)) -> Result<T, ParseError> {
    if end < text.len() { Err(ParseError::new(ParseErrorKind::Trailing, end, text)) } else { Ok(path) }
}

/// How many octets a space in front takes, if it may stand there.
fn space(text: &[u8], lenience: Lenience, repairs: &mut Repairs) -> usize {
    if lenience.space_after_colon && text.first() == Some(&b' ') {
        repairs.space_after_colon = true;
        return 1;
    }
    0
}

/// Path = "<" [ A-d-l ":" ] Mailbox ">"
fn mailbox(
    text: &[u8],
    from: usize,
    lenience: Lenience,
    repairs: &mut Repairs,
) -> Result<(Mailbox, usize), ParseError> {
    let fail = |what, at| Err(ParseError::new(ParseErrorKind::Expected(what), at, text));
    let bracket = text.get(from) == Some(&b'<');
    if !bracket && !lenience.missing_brackets {
        return fail("<", from);
    }
    let mut at = from + usize::from(bracket);
    if text.get(at) == Some(&b'@') {
        repairs.source_route = true;
        at = source_route(text, at)?;
    }
    let rest = text.get(at..).unwrap_or_default();
    let (mailbox, len) = Mailbox::parse_prefix(rest).map_err(|error| error.shifted(at))?;
    let end = at + len;
    if !bracket {
        repairs.missing_brackets = true;
        return Ok((mailbox, end));
    }
    if text.get(end) == Some(&b'>') { Ok((mailbox, end + 1)) } else { fail(">", end) }
}

/// A-d-l = At-domain *( "," At-domain ), and the colon. Returns where the mailbox begins.
fn source_route(text: &[u8], from: usize) -> Result<usize, ParseError> {
    let fail = |what, at| Err(ParseError::new(ParseErrorKind::Expected(what), at, text));
    let mut at = from;
    loop {
        if text.get(at) != Some(&b'@') {
            return fail("@", at);
        }
        at += 1;
        let domain = &text[at..];
        let len = if domain.first() == Some(&b'[') {
            domain.iter().position(|octet| *octet == b']').map(|end| end + 1)
        } else {
            domain.iter().position(|octet| matches!(octet, b',' | b':'))
        };
        let Some(len) = len else { return fail("a source route", at) };
        Domain::parse(&domain[..len]).map_err(|error| error.shifted(at))?;
        at += len;
        match text.get(at) {
            Some(b',') => at += 1,
            Some(b':') => return Ok(at + 1),
            _ => return fail(", or :", at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lenient(text: &str) -> Result<(String, usize, Repairs), ParseError> {
        let lenience = Lenience { space_after_colon: true, missing_brackets: true, bare_lf: false };
        let mut repairs = Repairs::default();
        let (path, end) = ForwardPath::parse_prefix(text.as_bytes(), lenience, &mut repairs)?;
        Ok((path.to_string(), end, repairs))
    }

    #[test]
    fn what_is_a_path() {
        for (text, printed) in [
            ("<a@b>", "<a@b>"),
            ("<@x:a@b>", "<a@b>"),
            ("<@x,@[IPv6:::1],@y.z:a@b>", "<a@b>"),
            (r#"<"a>b"@c>"#, r#"<"a>b"@c>"#),
            ("<POSTMASTER>", "<Postmaster>"),
            ("<postmaster@b>", "<postmaster@b>"),
        ] {
            assert_eq!(ForwardPath::parse(text).unwrap().to_string(), printed);
        }
        for bad in [
            "",
            "<",
            "<>",
            "a@b",
            "<a@b",
            "a@b>",
            "<a@b>>",
            "<a>",
            "< a@b>",
            "<a@b >",
            " <a@b>",
            "<<a@b>>",
            "<@x a@b>",
            "<@:a@b>",
            "<@x,:a@b>",
            "<@x,y:a@b>",
            "<@x:>",
            "<@x",
            "<@[1.2.3.4:a@b>",
            "<postmaster> ",
            "<a@b\r\nRSET>",
        ] {
            assert!(ForwardPath::parse(bad).is_err(), "{bad:?}");
        }
        for bad in ["<>>", "<>>>>>", "<postmaster>", "", "<", ">", "< >"] {
            assert!(ReversePath::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn repairs_are_made_when_asked_and_told() {
        let (path, end, repairs) = lenient(" a@b SIZE=1").unwrap();
        assert_eq!((path.as_str(), end), ("<a@b>", 4));
        assert!(repairs.space_after_colon && repairs.missing_brackets && !repairs.source_route);
        let (_, _, repairs) = lenient("<@x:a@b>").unwrap();
        assert!(repairs.source_route && !repairs.missing_brackets && repairs.any());
        let (_, _, repairs) = lenient("<a@b>").unwrap();
        assert!(!repairs.any());
        assert!(lenient("  <a@b>").is_err());
    }
}
