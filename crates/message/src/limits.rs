//! How much of a message is looked at.

/// The bounds within which a message is parsed and read.
///
/// A message that exceeds one is still parsed: what lies beyond the bound is left as it is, and a
/// [`Defect`](crate::Defect) says so.
///
/// ```
/// let mut limits = postroad_message::Limits::default();
/// limits.depth = 8;
/// let message = postroad_message::Message::parse_with(b"Subject: hi\r\n\r\n", &limits);
/// assert_eq!(message.parts().count(), 1);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// How deep parts may be nested in parts; 64.
    pub depth: usize,
    /// Parts in all; 10,000.
    pub parts: usize,
    /// Octets of one header block; 1 MiB.
    pub header_block: usize,
    /// Fields of one header block; 10,000.
    pub fields: usize,
    /// Parameters of one field, the sections of RFC 2231 counted singly; 128.
    pub parameters: usize,
    /// Addresses of one address list; 10,000.
    pub addresses: usize,
    /// How often an encoded message may lie in an encoded message; 3.
    pub encoded_nesting: usize,
    /// How deep comments may be nested in comments; 32.
    pub comment_depth: usize,
    /// Defects that are kept; 1,000.
    pub defects: usize,
}

impl Limits {
    /// The bounds named at each field.
    pub const DEFAULT: Self = Self {
        depth: 64,
        parts: 10_000,
        header_block: 1 << 20,
        fields: 10_000,
        parameters: 128,
        addresses: 10_000,
        encoded_nesting: 3,
        comment_depth: 32,
        defects: 1_000,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
