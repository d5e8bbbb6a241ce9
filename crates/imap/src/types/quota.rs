use super::Atom;
use crate::grammar::Cursor;
use core::fmt;
use postroad_core::ParseError;

/// What a quota counts (RFC 9208 section 5).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum QuotaResource {
    /// STORAGE: units of 1024 octets.
    Storage,
    /// MESSAGE: messages.
    Message,
    /// MAILBOX: mailboxes.
    Mailbox,
    /// ANNOTATION-STORAGE: units of 1024 octets of annotations.
    AnnotationStorage,
    /// Another.
    Other(Atom),
}

impl QuotaResource {
    const NAMES: [(&'static str, Self); 4] = [
        ("STORAGE", Self::Storage),
        ("MESSAGE", Self::Message),
        ("MAILBOX", Self::Mailbox),
        ("ANNOTATION-STORAGE", Self::AnnotationStorage),
    ];

    /// The resource of this name, in any case.
    pub fn new(name: Atom) -> Self {
        match Self::NAMES.iter().find(|(known, _)| name.is(known)) {
            Some((_, this)) => this.clone(),
            None => Self::Other(name),
        }
    }

    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Box<ParseError>> {
        cursor.atom().map(Self::new)
    }

    /// The name.
    pub fn name(&self) -> &str {
        match self {
            Self::Other(name) => name.as_str(),
            known => Self::NAMES.iter().find(|(_, this)| this == known).map_or("", |(name, _)| name),
        }
    }
}

impl fmt::Display for QuotaResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How much of a resource may be used (RFC 9208 section 4.1.3).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct QuotaLimit {
    /// Of what.
    pub resource: QuotaResource,
    /// How much, in the units of the resource; 63 bits.
    pub limit: u64,
}
