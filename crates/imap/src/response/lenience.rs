use core::fmt;

/// A way in which servers are known to deviate from the grammar, and that can be repaired without guessing.
///
/// Each is a bit of [`Lenience`], and each use of it is told by a [`Repair`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Quirk {
    /// Octets over 127 in a quoted string or a text though UTF-8 was not agreed on. They are kept as they came.
    RawEightBit,
    /// A backslash in a quoted string before something else than a quote or a backslash. It is kept.
    StrayBackslash,
    /// More spaces than one, or one where none belongs.
    ExtraSpace,
    /// No space where one belongs.
    MissingSpace,
    /// A status response or a continuation request without its text.
    MissingText,
    /// An atom where a string belongs.
    AtomForString,
    /// `NIL` where a string belongs: the value of a parameter, a media type. It is read as empty.
    NilForString,
    /// A number that is quoted, negative, `NIL` or too large. It is read as the number, or as 0.
    OddNumber,
    /// `()` where `NIL` belongs, or where a list must not be empty.
    EmptyList,
    /// A field at the end of a structure is missing. It is read as `NIL`.
    MissingField,
    /// A multipart body without a part.
    EmptyMultipart,
    /// A flag that is no flag. It is left out.
    OddFlag,
    /// A response code that is not well-formed. It is kept as [`ResponseCode::Other`](super::ResponseCode::Other).
    OddCode,
    /// A mailbox name that is not in modified UTF-7 or UTF-8. It is kept as it came, and sent back so.
    OddMailbox,
    /// An item that could not be read, or that is not known and not well-formed. It is kept as it came, and the rest is read.
    OddItem,
    /// A list that does not end, at the end of the response.
    UnclosedList,
    /// Octets behind the end of the response. They are left out.
    Trailing,
}

impl Quirk {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::RawEightBit,
        Self::StrayBackslash,
        Self::ExtraSpace,
        Self::MissingSpace,
        Self::MissingText,
        Self::AtomForString,
        Self::NilForString,
        Self::OddNumber,
        Self::EmptyList,
        Self::MissingField,
        Self::EmptyMultipart,
        Self::OddFlag,
        Self::OddCode,
        Self::OddMailbox,
        Self::OddItem,
        Self::UnclosedList,
        Self::Trailing,
    ];

    const fn bit(self) -> u32 {
        1 << (self as u32)
    }
}

/// Which [`Quirk`]s are repaired. The others are errors.
///
/// What is sent is always strict.
///
/// ```
/// use postroad_imap::response::{Lenience, Quirk};
///
/// assert!(Lenience::default().allows(Quirk::NilForString));
/// assert!(!Lenience::strict().allows(Quirk::NilForString));
/// assert!(!Lenience::default().without(Quirk::Trailing).allows(Quirk::Trailing));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lenience(u32);

impl Lenience {
    /// Every quirk is repaired. This is the default: what a client cannot read its user cannot see.
    pub const fn all() -> Self {
        Self(u32::MAX)
    }

    /// No quirk is repaired.
    pub const fn strict() -> Self {
        Self(0)
    }

    /// This, and `quirk` is repaired too.
    #[must_use]
    pub const fn with(self, quirk: Quirk) -> Self {
        Self(self.0 | quirk.bit())
    }

    /// This, but `quirk` is an error.
    #[must_use]
    pub const fn without(self, quirk: Quirk) -> Self {
        Self(self.0 & !quirk.bit())
    }

    /// Whether `quirk` is repaired.
    pub const fn allows(self, quirk: Quirk) -> bool {
        self.0 & quirk.bit() != 0
    }
}

impl Default for Lenience {
    fn default() -> Self {
        Self::all()
    }
}

impl fmt::Debug for Lenience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lenience")?;
        f.debug_set().entries(Quirk::ALL.into_iter().filter(|quirk| self.allows(*quirk))).finish()
    }
}

/// A deviation that was repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Repair {
    /// What it was.
    pub quirk: Quirk,
    /// Where: the octet offset into the unit.
    pub at: usize,
}

/// How responses are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ResponseOptions {
    /// Whether UTF-8 was agreed on, by ENABLE of `UTF8=ACCEPT` (RFC 6855) or of `IMAP4rev2`: quoted strings and mailbox names are in UTF-8.
    pub utf8: bool,
    /// What is repaired.
    pub lenience: Lenience,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_quirk_is_a_bit_of_its_own() {
        for (at, quirk) in Quirk::ALL.into_iter().enumerate() {
            assert_eq!(quirk.bit(), 1 << at);
            let only = Lenience::strict().with(quirk);
            assert_eq!(Quirk::ALL.into_iter().filter(|other| only.allows(*other)).count(), 1);
            assert!(!Lenience::all().without(quirk).allows(quirk));
        }
        assert_eq!(format!("{:?}", Lenience::strict().with(Quirk::Trailing)), "Lenience{Trailing}");
    }
}
