//! What may run together.

use core::ops::BitOr;

/// What a command does that matters to those beside it: which may start while others run, and which may be sent before others are
/// answered. The table is [`CommandBody::class`](super::CommandBody::class).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Class(u8);

impl Class {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Sequence numbers stand in its arguments or results.
    pub const SEQ: Self = Self(1);
    /// It reads what others may write.
    pub const READ: Self = Self(2);
    /// It writes what others may read or write.
    pub const WRITE: Self = Self(4);
    /// The server may tell of expunged messages before it is answered.
    pub const MAY_EXPUNGE: Self = Self(8);
    /// Nothing runs beside it.
    pub const ALONE: Self = Self(16);
    /// It reads `$`.
    pub const SAVED_READ: Self = Self(32);
    /// It writes `$`.
    pub const SAVED_WRITE: Self = Self(64);

    /// Whether it has all of `other`.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether it has any of `other`.
    pub const fn has_any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// It and `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOr for Class {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.with(other)
    }
}
