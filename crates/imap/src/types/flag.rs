use super::Atom;
use bytes::Bytes;
use core::fmt;
use core::hash::{Hash, Hasher};
use postroad_core::{ParseError, ParseErrorKind};

/// A flag of a message (RFC 9051 section 2.3.2). All flags are compared without regard to case.
///
/// ```
/// use postroad_imap::types::Flag;
///
/// assert_eq!(Flag::parse(r"\seen")?, Flag::Seen);
/// assert_eq!(Flag::parse("$Junk")?, Flag::parse("$JUNK")?);
/// assert_eq!(Flag::parse(r"\Answered")?.to_string(), r"\Answered");
/// # Ok::<(), postroad_core::ParseError>(())
/// ```
#[derive(Debug, Clone)]
pub enum Flag {
    /// `\Seen`: it has been read.
    Seen,
    /// `\Answered`: it has been answered.
    Answered,
    /// `\Flagged`: it is marked for attention.
    Flagged,
    /// `\Deleted`: EXPUNGE removes it.
    Deleted,
    /// `\Draft`: it is not finished.
    Draft,
    /// `\Recent`: it is new in this session (RFC 3501 only); no client may set it.
    Recent,
    /// A keyword, such as `$Forwarded`.
    Keyword(Atom),
    /// Another name that begins with a backslash, kept here without it.
    Extension(Atom),
}

impl Flag {
    /// Reads a flag.
    ///
    /// # Errors
    ///
    /// It is neither an atom nor a backslash and an atom.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, ParseError> {
        let text = text.as_ref();
        match text.split_first() {
            Some((b'\\', name)) => Atom::parse(name)
                .map(|name| Self::of_system(name.as_bytes().clone()))
                .map_err(|error| ParseError::new(error.kind(), error.at() + 1, text)),
            Some(_) => Atom::parse(text).map(Self::Keyword),
            None => Err(ParseError::new(ParseErrorKind::Missing("a flag"), 0, text)),
        }
    }

    /// The flag whose name, an atom, stood behind a backslash.
    pub(crate) fn of_system(name: Bytes) -> Self {
        const NAMES: [(&[u8], Flag); 6] = [
            (b"Seen", Flag::Seen),
            (b"Deleted", Flag::Deleted),
            (b"Answered", Flag::Answered),
            (b"Flagged", Flag::Flagged),
            (b"Draft", Flag::Draft),
            (b"Recent", Flag::Recent),
        ];
        match NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name)) {
            Some((_, flag)) => flag.clone(),
            None => Self::Extension(Atom::of_wire(name)),
        }
    }

    /// The name, without the backslash that a system flag has.
    pub fn name(&self) -> &str {
        match self {
            Self::Seen => "Seen",
            Self::Answered => "Answered",
            Self::Flagged => "Flagged",
            Self::Deleted => "Deleted",
            Self::Draft => "Draft",
            Self::Recent => "Recent",
            Self::Keyword(name) | Self::Extension(name) => name.as_str(),
        }
    }

    /// Whether it begins with a backslash.
    pub fn is_system(&self) -> bool {
        !matches!(self, Self::Keyword(_))
    }
}

impl PartialEq for Flag {
    fn eq(&self, other: &Self) -> bool {
        self.is_system() == other.is_system() && self.name().eq_ignore_ascii_case(other.name())
    }
}

impl Eq for Flag {}

impl Hash for Flag {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.is_system().hash(state);
        for octet in self.name().bytes() {
            octet.to_ascii_lowercase().hash(state);
        }
    }
}

impl core::str::FromStr for Flag {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_system() {
            f.write_str("\\")?;
        }
        f.write_str(self.name())
    }
}

/// What a client may change for good, as PERMANENTFLAGS tells it (RFC 9051 section 7.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FlagPermission {
    /// This flag.
    Flag(Flag),
    /// `\*`: new keywords.
    NewKeywords,
}

impl From<Flag> for FlagPermission {
    fn from(flag: Flag) -> Self {
        Self::Flag(flag)
    }
}

impl fmt::Display for FlagPermission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => flag.fmt(f),
            Self::NewKeywords => f.write_str("\\*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[test]
    fn case_does_not_matter_and_the_backslash_does() {
        let flags: HashSet<Flag> = [r"\Seen", r"\SEEN", "Seen", "seen", r"\X", r"\x"]
            .iter()
            .map(|text| Flag::parse(text).unwrap())
            .collect();
        assert_eq!(flags.len(), 3);
        for wrong in ["", r"\", r"\*", "a b", r"a\b", "(", "ä", r"\\Seen"] {
            assert!(Flag::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(FlagPermission::NewKeywords.to_string(), r"\*");
    }

    proptest! {
        #[test]
        fn printed_and_read_a_flag_is_the_same(text in r"\\?[A-Za-z$_.0-9-]{1,9}") {
            let flag = Flag::parse(&text).unwrap();
            prop_assert_eq!(Flag::parse(flag.to_string()).unwrap(), flag.clone());
            prop_assert!(flag.to_string().eq_ignore_ascii_case(&text));
        }
    }
}
