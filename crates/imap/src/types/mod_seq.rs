use core::fmt;
use postroad_core::{ParseError, ParseErrorKind};

/// A mod-sequence: 63 bits (RFC 7162 section 7). 0 stands only where something is compared with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ModSeq(u64);

impl ModSeq {
    /// The greatest.
    pub const MAX: Self = Self(i64::MAX as u64);

    /// A mod-sequence.
    ///
    /// # Errors
    ///
    /// It has over 63 bits.
    pub fn new(value: u64) -> Result<Self, ParseError> {
        if value > Self::MAX.0 {
            return Err(ParseError::new(ParseErrorKind::OutOfRange("a mod-sequence"), 0, b""));
        }
        Ok(Self(value))
    }

    /// A number of 63 bits that the grammar has read.
    pub(crate) fn of_wire(value: u64) -> Self {
        Self(value.min(Self::MAX.0))
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl From<u32> for ModSeq {
    fn from(value: u32) -> Self {
        Self(value.into())
    }
}

impl fmt::Display for ModSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
