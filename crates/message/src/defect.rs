//! What is wrong with a message, as data.

use alloc::vec::Vec;
use core::fmt;

/// How much a [`Defect`] matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Obsolete but allowed, or harmless.
    Note,
    /// Against the RFCs, and read in the way that everyone reads it.
    Warning,
    /// Readers will not agree on what is meant, something could not be read, or a mandatory field is missing.
    Error,
}

impl Severity {
    /// `note`, `warning` or `error`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident, $text:literal, $severity:ident;)*) => {
        /// What a [`Defect`] is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum DefectCode {
            $($(#[$doc])* $name,)*
        }

        impl DefectCode {
            /// The code as words in lower case, joined by hyphens, such as `missing-close-boundary`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// How much a defect of this code matters, unless the defect itself says otherwise.
            pub const fn severity(self) -> Severity {
                match self {
                    $(Self::$name => Severity::$severity,)*
                }
            }
        }
    };
}

codes! {
    // lines
    /// Lines end in LF alone. A warning where other lines of the message end in CRLF.
    BareLineFeed, "bare-line-feed", Note;
    /// A CR that is not followed by LF.
    BareCarriageReturn, "bare-carriage-return", Warning;
    /// A NUL octet.
    NulOctet, "nul-octet", Warning;
    /// A line over 998 octets (RFC 5322 section 2.1.1).
    LineTooLong, "line-too-long", Warning;
    /// Octets over 127 in a body that is said to be 7bit.
    EightBitBody, "eight-bit-body", Warning;
    /// Octets over 127 in a header field that are not UTF-8 (RFC 6532).
    InvalidUtf8, "invalid-utf8", Warning;
    // header blocks
    /// A line among the fields that is none; it was left out of all of them.
    LineWithoutColon, "line-without-colon", Error;
    /// The header block does not end in a blank line; the body begins where no field could be. An error where that is the
    /// very first line and fields follow, for some readers take them for the header.
    MissingBlankLine, "missing-blank-line", Warning;
    /// The header block begins with a continuation line.
    ContinuationWithoutField, "continuation-without-field", Error;
    /// A line `From ` of an mbox file in front of the header.
    MboxLine, "mbox-line", Note;
    /// A field name with a character that is not allowed in one.
    InvalidFieldName, "invalid-field-name", Error;
    /// White space between a field's name and its colon (RFC 5322 section 4.5).
    SpaceBeforeColon, "space-before-colon", Note;
    /// A continuation line of white space alone (RFC 5322 section 4.2).
    BlankContinuation, "blank-continuation", Note;
    /// A field that may be there once is there again; the first counts.
    DuplicateField, "duplicate-field", Warning;
    /// The message has no `From` field.
    MissingFrom, "missing-from", Error;
    /// The message has no `Date` field.
    MissingDate, "missing-date", Error;
    /// The message has no `To`, `Cc` or `Bcc` field. RFC 5322 section 3.6.3 makes none of them mandatory, since the
    /// recipients are those of the envelope.
    MissingDestination, "missing-destination", Note;
    /// A header block over the limit; the rest of it was not looked at.
    HeaderTooLarge, "header-too-large", Error;
    /// More fields than the limit; the rest of them was not looked at.
    TooManyFields, "too-many-fields", Error;
    // structure
    /// A multipart without the parameter `boundary`; it was taken as one opaque part.
    MissingBoundary, "missing-boundary", Error;
    /// A boundary over 70 characters, or with characters that one may not have (RFC 2046 section 5.1.1).
    InvalidBoundary, "invalid-boundary", Warning;
    /// A multipart in which its boundary never occurs; it was taken as one opaque part.
    BoundaryNotFound, "boundary-not-found", Error;
    /// A multipart whose last boundary is missing.
    MissingCloseBoundary, "missing-close-boundary", Warning;
    /// Parts nested deeper than the limit; the innermost was taken as opaque.
    TooDeep, "too-deep", Error;
    /// More parts than the limit; the rest was not looked at.
    TooManyParts, "too-many-parts", Error;
    /// A multipart with a transfer encoding other than 7bit, 8bit or binary; it was not decoded.
    EncodedMultipart, "encoded-multipart", Error;
    /// A `message/rfc822` in base64 or quoted-printable (RFC 2046 section 5.2.1); it was decoded.
    EncodedMessage, "encoded-message", Warning;
    /// More messages encoded in encoded messages than the limit; the innermost was taken as opaque.
    EncodedTooDeep, "encoded-too-deep", Error;
    // values
    /// A `Content-Type` that cannot be read; the default type counts.
    InvalidContentType, "invalid-content-type", Error;
    /// A `Content-Disposition` that cannot be read.
    InvalidDisposition, "invalid-disposition", Error;
    /// A `Content-Transfer-Encoding` that is not known; the body was not decoded.
    UnknownTransferEncoding, "unknown-transfer-encoding", Error;
    /// A parameter that cannot be read.
    InvalidParameter, "invalid-parameter", Warning;
    /// A parameter that is there more than once, or in more than one form.
    DuplicateParameter, "duplicate-parameter", Error;
    /// More parameters than the limit.
    TooManyParameters, "too-many-parameters", Error;
    /// An encoded word inside of quotation marks (RFC 2047 section 5); it was decoded.
    EncodedWordInQuotes, "encoded-word-in-quotes", Warning;
    /// Something in the form of an encoded word that breaks a rule of RFC 2047.
    InvalidEncodedWord, "invalid-encoded-word", Warning;
    /// An encoded text that held a control character; a space stands in its place.
    ControlInEncodedText, "control-in-encoded-text", Error;
    /// A charset that is not known.
    UnknownCharset, "unknown-charset", Warning;
    /// Octets that are not of the charset that they are said to be.
    InvalidText, "invalid-text", Warning;
    /// An address that cannot be read exactly; it was left out.
    InvalidAddress, "invalid-address", Error;
    /// An address in the obsolete syntax (RFC 5322 section 4.4).
    ObsoleteAddress, "obsolete-address", Note;
    /// A semicolon where a comma is due in an address list.
    SemicolonInList, "semicolon-in-list", Warning;
    /// A group without its closing semicolon.
    UnterminatedGroup, "unterminated-group", Warning;
    /// More addresses than the limit.
    TooManyAddresses, "too-many-addresses", Error;
    /// A date that cannot be read.
    InvalidDate, "invalid-date", Warning;
    /// A date in an obsolete form (RFC 5322 section 4.3).
    ObsoleteDate, "obsolete-date", Note;
    /// A day of the week that is not the date's.
    WrongDayOfWeek, "wrong-day-of-week", Warning;
    /// A message identifier that does not follow the grammar (RFC 5322 section 3.6.4).
    InvalidMessageId, "invalid-message-id", Warning;
    /// A message identifier in the obsolete syntax (RFC 5322 section 4.5.4).
    ObsoleteMessageId, "obsolete-message-id", Note;
    /// A comment nested deeper than the limit.
    CommentTooDeep, "comment-too-deep", Error;
    // transfer encodings
    /// A character in base64 that is not of its alphabet.
    Base64Character, "base64-character", Warning;
    /// Base64 that ends in the middle, or goes on after its padding.
    Base64Padding, "base64-padding", Warning;
    /// A malformed escape in quoted-printable.
    QuotedPrintableEscape, "quoted-printable-escape", Warning;
}

impl fmt::Display for DefectCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that is wrong with a message.
///
/// A message is read in spite of its defects. What was done about each is said at its [`DefectCode`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Defect {
    /// What it is.
    pub code: DefectCode,
    /// Where it is, in octets from the start of the message. Within a message that lay encoded in this one, the
    /// start of its encoded octets.
    pub offset: usize,
    /// How much it matters.
    pub severity: Severity,
    /// The other place of a conflict, such as that of the first of two fields.
    pub related: Option<usize>,
}

impl Defect {
    pub(crate) const fn new(code: DefectCode, offset: usize) -> Self {
        Self { code, offset, severity: code.severity(), related: None }
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} at octet {}", self.severity, self.code, self.offset)
    }
}

impl core::error::Error for Defect {}

/// Where defects are gathered while something is read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Defects {
    pub(crate) list: Vec<Defect>,
    /// Where what is read begins in the message.
    base: usize,
    /// Offsets do not count, for what is read is itself decoded.
    fixed: bool,
    limit: usize,
}

impl Defects {
    pub(crate) const fn at(base: usize, fixed: bool, limit: usize) -> Self {
        Self { list: Vec::new(), base, fixed, limit }
    }

    pub(crate) const fn place(&self, at: usize) -> usize {
        if self.fixed { self.base } else { self.base + at }
    }

    pub(crate) fn add(&mut self, code: DefectCode, at: usize) {
        let at = self.place(at);
        self.push(Defect::new(code, at));
    }

    /// Adds what was gathered within a value, where offsets are not yet those of the message.
    pub(crate) fn add_all(&mut self, inner: &Self) {
        for defect in &inner.list {
            self.add(defect.code, defect.offset);
        }
    }

    /// Adds a defect whose offsets are already those of the message.
    pub(crate) fn push(&mut self, defect: Defect) {
        if self.list.len() < self.limit {
            self.list.push(defect);
        }
    }
}
