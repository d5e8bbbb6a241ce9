use super::Atom;
use crate::grammar::Cursor;
use bytes::Bytes;
use core::fmt;
use postroad_core::ParseError;

/// What a mailbox is for (RFC 6154 section 2, RFC 8457).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SpecialUse {
    /// `\All`: all messages.
    All,
    /// `\Archive`.
    Archive,
    /// `\Drafts`.
    Drafts,
    /// `\Flagged`: all messages with that flag.
    Flagged,
    /// `\Important`: all messages that are important to the user.
    Important,
    /// `\Junk`.
    Junk,
    /// `\Sent`.
    Sent,
    /// `\Trash`.
    Trash,
    /// Another, without its backslash.
    Other(Atom),
}

impl SpecialUse {
    const NAMES: [(&'static str, Self); 8] = [
        ("All", Self::All),
        ("Archive", Self::Archive),
        ("Drafts", Self::Drafts),
        ("Flagged", Self::Flagged),
        ("Important", Self::Important),
        ("Junk", Self::Junk),
        ("Sent", Self::Sent),
        ("Trash", Self::Trash),
    ];

    /// Reads a use, with its backslash.
    ///
    /// # Errors
    ///
    /// It is not a backslash and an atom.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, ParseError> {
        let unit = Bytes::copy_from_slice(text.as_ref());
        let mut cursor = Cursor::new(&unit);
        let this = Self::read(&mut cursor)?;
        cursor.end()?;
        Ok(this)
    }

    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Box<ParseError>> {
        cursor.eat("\\")?;
        let name = cursor.atom()?;
        Ok(match Self::NAMES.iter().find(|(known, _)| name.is(known)) {
            Some((_, this)) => this.clone(),
            None => Self::Other(name),
        })
    }

    /// The name without its backslash.
    pub fn name(&self) -> &str {
        match self {
            Self::Other(name) => name.as_str(),
            known => Self::NAMES.iter().find(|(_, this)| this == known).map_or("", |(name, _)| name),
        }
    }
}

impl fmt::Display for SpecialUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\\{}", self.name())
    }
}
