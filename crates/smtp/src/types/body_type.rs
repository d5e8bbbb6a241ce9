use core::fmt;

/// The value of MAIL's BODY parameter (RFC 6152).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum BodyType {
    /// Octets 1 to 127 in lines of at most 1000 octets: what is meant when nothing is said.
    #[default]
    SevenBit,
    /// Octets over 127 too.
    EightBitMime,
}

impl BodyType {
    /// The type of this name, in any case.
    pub fn from_name(name: &[u8]) -> Option<Self> {
        match () {
            () if name.eq_ignore_ascii_case(b"7BIT") => Some(Self::SevenBit),
            () if name.eq_ignore_ascii_case(b"8BITMIME") => Some(Self::EightBitMime),
            () => None,
        }
    }

    /// Its name, as it stands in the parameter.
    pub fn name(self) -> &'static str {
        match self {
            Self::SevenBit => "7BIT",
            Self::EightBitMime => "8BITMIME",
        }
    }
}

impl fmt::Display for BodyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
