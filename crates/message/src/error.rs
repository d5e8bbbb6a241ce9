//! Why a value was refused or a message could not be built.

use alloc::string::String;
use core::convert::Infallible;
use core::fmt;

/// A value that is not what its grammar asks for.
///
/// It says what was expected, what was wrong, and the octet at which it was noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidValue {
    what: &'static str,
    reason: InvalidReason,
    at: usize,
}

/// What was wrong with an [`InvalidValue`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidReason {
    /// There was nothing where something is required.
    Empty,
    /// A control character, among them CR, LF and NUL.
    ControlCharacter,
    /// A character that the grammar does not allow here.
    Character,
    /// The parts of the value do not stand in the order that the grammar asks for.
    Syntax,
    /// A number that is out of its range.
    Range,
    /// The value is longer than a line may be.
    TooLong,
}

impl InvalidValue {
    pub(crate) const fn new(what: &'static str, reason: InvalidReason, at: usize) -> Self {
        Self { what, reason, at }
    }

    /// The kind of value that was expected, in the RFC's word, such as `mailbox`.
    pub const fn what(&self) -> &'static str {
        self.what
    }

    /// What was wrong with it.
    pub const fn reason(&self) -> InvalidReason {
        self.reason
    }

    /// The offset, in octets from the start of the value, at which it was noticed.
    pub const fn at(&self) -> usize {
        self.at
    }
}

impl fmt::Display for InvalidValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self.reason {
            InvalidReason::Empty => "is empty",
            InvalidReason::ControlCharacter => "has a control character",
            InvalidReason::Character => "has a character that is not allowed",
            InvalidReason::Syntax => "does not follow the grammar",
            InvalidReason::Range => "is out of range",
            InvalidReason::TooLong => "is too long",
        };
        write!(f, "{} {reason} at octet {}", self.what, self.at)
    }
}

impl core::error::Error for InvalidValue {}

/// Why a message could not be built.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// There is no author (RFC 5322 section 3.6.2).
    MissingFrom,
    /// There are several authors, which asks for a `Sender` field (RFC 5322 section 3.6.2).
    MissingSender,
    /// There is no date (RFC 5322 section 3.6.1).
    MissingDate,
    /// There is no destination.
    MissingDestination,
    /// A message identifier was asked for without a seed to make it from.
    MissingSeed,
    /// A value is not what its grammar asks for.
    Invalid(InvalidValue),
    /// An address with characters outside of ASCII needs header fields in UTF-8 (RFC 6532), which were not allowed.
    NeedsUtf8Headers,
    /// A part that may not be encoded has octets over 127, and the target is 7bit.
    NeedsEightBit,
    /// A part that may not be encoded has NUL, a bare CR or LF, or a line over 998 octets.
    NeedsBinary,
    /// A line of this header field cannot be made shorter than 998 octets.
    LineTooLong(String),
    /// Multiparts are nested deeper than 64, or hold more than 10,000 parts.
    TooManyParts,
    /// A multipart without a single part.
    EmptyMultipart,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MissingFrom => "the message has no author",
            Self::MissingSender => "several authors need a Sender field",
            Self::MissingDate => "the message has no date",
            Self::MissingDestination => "the message has no destination",
            Self::MissingSeed => "a message identifier cannot be made without a seed",
            Self::Invalid(error) => return error.fmt(f),
            Self::NeedsUtf8Headers => "an address needs header fields in UTF-8",
            Self::NeedsEightBit => "a part that may not be encoded needs 8bit",
            Self::NeedsBinary => "a part that may not be encoded needs binary",
            Self::LineTooLong(field) => return write!(f, "a line of the field {field} is over 998 octets"),
            Self::TooManyParts => "too many parts",
            Self::EmptyMultipart => "a multipart without parts",
        })
    }
}

impl core::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Invalid(error) => Some(error),
            _ => None,
        }
    }
}

impl From<InvalidValue> for BuildError {
    fn from(error: InvalidValue) -> Self {
        Self::Invalid(error)
    }
}

impl From<Infallible> for BuildError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
