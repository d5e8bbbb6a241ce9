//! What a part is and how it is to be shown and decoded (RFC 2045 sections 5 and 6, RFC 2183).

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use super::refuse_controls;
use crate::error::{InvalidReason, InvalidValue};
use crate::header::parameters;
use crate::scanner::is_token;

/// One parameter of a `Content-Type` or `Content-Disposition`, decoded (RFC 2231).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Parameter {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) language: Option<String>,
}

impl Parameter {
    fn new(name: &str, value: &str) -> Result<Self, InvalidValue> {
        let name = token("parameter name", name)?;
        if let Some(at) = name.find(['*', '\'', '%']) {
            return Err(InvalidValue::new("parameter name", InvalidReason::Character, at));
        }
        refuse_controls("parameter value", value)?;
        Ok(Self { name, value: value.to_string(), language: None })
    }

    /// The name in lower case.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The language that RFC 2231 lets a value name.
    pub fn language(&self) -> Option<&str> {
        self.language.as_deref()
    }
}

fn token(what: &'static str, text: &str) -> Result<String, InvalidValue> {
    if text.is_empty() {
        return Err(InvalidValue::new(what, InvalidReason::Empty, 0));
    }
    if text.len() > 127 {
        return Err(InvalidValue::new(what, InvalidReason::TooLong, 127));
    }
    match text.bytes().position(|octet| !is_token(octet)) {
        Some(at) => Err(InvalidValue::new(what, InvalidReason::Character, at)),
        None => Ok(text.to_ascii_lowercase()),
    }
}

fn find<'a>(parameters: &'a [Parameter], name: &str) -> Option<&'a str> {
    let found = parameters.iter().find(|parameter| parameter.name.eq_ignore_ascii_case(name))?;
    Some(&found.value)
}

fn set(parameters: &mut Vec<Parameter>, name: &str, value: &str) -> Result<(), InvalidValue> {
    let new = Parameter::new(name, value)?;
    match parameters.iter_mut().find(|parameter| parameter.name == new.name) {
        Some(old) => *old = new,
        None => parameters.push(new),
    }
    Ok(())
}

/// A media type without parameters, as it was written; a view, cheap to copy.
///
/// ```
/// let message = postroad_message::Message::parse(b"Content-Type: Text/HTML; charset=utf-8\r\n\r\n<p>");
/// let media_type = message.root().media_type();
/// assert!(media_type.is("text", "html"));
/// assert_eq!(media_type.subtype(), "HTML");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct MediaType<'m> {
    main_type: &'m str,
    subtype: &'m str,
}

impl<'m> MediaType<'m> {
    pub(crate) const fn new(main_type: &'m str, subtype: &'m str) -> Self {
        Self { main_type, subtype }
    }

    /// The type, such as `text`, as it was written.
    pub const fn main_type(&self) -> &'m str {
        self.main_type
    }

    /// The subtype, such as `plain`, as it was written.
    pub const fn subtype(&self) -> &'m str {
        self.subtype
    }

    /// Whether it is this one, without regard to case.
    pub fn is(&self, main_type: &str, subtype: &str) -> bool {
        self.is_type(main_type) && self.subtype.eq_ignore_ascii_case(subtype)
    }

    /// Whether its type is this one, without regard to case and subtype.
    pub fn is_type(&self, main_type: &str) -> bool {
        self.main_type.eq_ignore_ascii_case(main_type)
    }
}

impl PartialEq for MediaType<'_> {
    /// Without regard to case.
    fn eq(&self, other: &Self) -> bool {
        self.is(other.main_type, other.subtype)
    }
}

impl Eq for MediaType<'_> {}

impl fmt::Display for MediaType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.main_type, self.subtype)
    }
}

/// A media type with its parameters (RFC 2045 section 5).
///
/// ```
/// use postroad_message::ContentType;
/// let report = ContentType::new("multipart", "report")?.with_parameter("report-type", "delivery-status")?;
/// assert_eq!(report.essence(), "multipart/report");
/// assert_eq!(report.parameter("Report-Type"), Some("delivery-status"));
/// assert_eq!("text/html; charset=utf-8".parse::<ContentType>()?.charset(), Some("utf-8"));
/// assert!(ContentType::new("text/plain\r\nBcc", "x").is_err());
/// # Ok::<(), postroad_message::InvalidValue>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ContentType {
    essence: String,
    slash: usize,
    parameters: Vec<Parameter>,
}

impl ContentType {
    /// A media type without parameters; both words are tokens and kept in lower case.
    pub fn new(main_type: &str, subtype: &str) -> Result<Self, InvalidValue> {
        let mut essence = token("type", main_type)?;
        let slash = essence.len();
        essence.push('/');
        essence.push_str(&token("subtype", subtype)?);
        Ok(Self { essence, slash, parameters: Vec::new() })
    }

    /// A media type of words that are known to be tokens in lower case.
    pub(crate) fn known(main_type: &str, subtype: &str) -> Self {
        let essence = [main_type, "/", subtype].concat();
        Self { essence, slash: main_type.len(), parameters: Vec::new() }
    }

    pub(crate) fn with_parameters(mut self, parameters: Vec<Parameter>) -> Self {
        self.parameters = parameters;
        self
    }

    /// With this parameter, instead of one of the same name. The name is a token without `*`, `'` and `%`; the value
    /// may be any text without controls.
    pub fn with_parameter(mut self, name: &str, value: &str) -> Result<Self, InvalidValue> {
        set(&mut self.parameters, name, value)?;
        Ok(self)
    }

    /// `type/subtype` in lower case.
    pub fn essence(&self) -> &str {
        &self.essence
    }

    /// The type, such as `text`, in lower case.
    pub fn main_type(&self) -> &str {
        self.essence.get(..self.slash).unwrap_or_default()
    }

    /// The subtype, such as `plain`, in lower case.
    pub fn subtype(&self) -> &str {
        self.essence.get(self.slash + 1..).unwrap_or_default()
    }

    /// All parameters, in order.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The value of a parameter, whose name is compared without regard to case.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        find(&self.parameters, name)
    }

    /// The parameter `charset`.
    pub fn charset(&self) -> Option<&str> {
        self.parameter("charset")
    }

    /// Whether it is `multipart/…`.
    pub fn is_multipart(&self) -> bool {
        self.main_type() == "multipart"
    }
}

impl fmt::Display for ContentType {
    /// On one line, and without regard to what RFC 2231 asks for; the builder writes it for a header.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.essence)?;
        show(f, &self.parameters)
    }
}

fn show(f: &mut fmt::Formatter<'_>, parameters: &[Parameter]) -> fmt::Result {
    for parameter in parameters {
        write!(f, "; {}=", parameter.name)?;
        if !parameter.value.is_empty() && parameter.value.bytes().all(is_token) {
            f.write_str(&parameter.value)?;
        } else {
            super::address::write_quoted(f, &parameter.value)?;
        }
    }
    Ok(())
}

impl FromStr for ContentType {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        refuse_controls("content type", text)?;
        parameters::content_type_exact(text)
    }
}

impl TryFrom<&str> for ContentType {
    type Error = InvalidValue;

    fn try_from(text: &str) -> Result<Self, InvalidValue> {
        text.parse()
    }
}

/// How a part is to be presented (RFC 2183 section 2).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DispositionType {
    /// Shown with the message.
    Inline,
    /// Shown, or stored, only when asked for.
    Attachment,
    /// Another token, in lower case; to be treated as `attachment`.
    Other(String),
}

impl DispositionType {
    pub(crate) fn from_token(token: &str) -> Self {
        match token.to_ascii_lowercase().as_str() {
            "inline" => Self::Inline,
            "attachment" => Self::Attachment,
            other => Self::Other(other.to_string()),
        }
    }

    /// The word in lower case.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Inline => "inline",
            Self::Attachment => "attachment",
            Self::Other(other) => other,
        }
    }
}

/// How a part is to be presented, with its file name and other parameters (RFC 2183).
///
/// ```
/// use postroad_message::ContentDisposition;
/// let disposition = ContentDisposition::attachment().with_filename("카페.txt")?;
/// assert_eq!(disposition.filename(), Some("카페.txt"));
/// # Ok::<(), postroad_message::InvalidValue>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ContentDisposition {
    disposition_type: DispositionType,
    parameters: Vec<Parameter>,
}

impl ContentDisposition {
    /// `inline`.
    pub const fn inline() -> Self {
        Self::from_parts(DispositionType::Inline, Vec::new())
    }

    /// `attachment`.
    pub const fn attachment() -> Self {
        Self::from_parts(DispositionType::Attachment, Vec::new())
    }

    pub(crate) const fn from_parts(disposition_type: DispositionType, parameters: Vec<Parameter>) -> Self {
        Self { disposition_type, parameters }
    }

    /// With this parameter, instead of one of the same name.
    pub fn with_parameter(mut self, name: &str, value: &str) -> Result<Self, InvalidValue> {
        set(&mut self.parameters, name, value)?;
        Ok(self)
    }

    /// With the parameter `filename`, which may hold any character but controls.
    pub fn with_filename(self, filename: &str) -> Result<Self, InvalidValue> {
        self.with_parameter("filename", filename)
    }

    /// The way of presentation.
    pub const fn disposition_type(&self) -> &DispositionType {
        &self.disposition_type
    }

    /// All parameters, in order.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The value of a parameter, whose name is compared without regard to case.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        find(&self.parameters, name)
    }

    /// The parameter `filename` as it was sent. It is a suggestion: it may hold path separators, and must not be used
    /// as a path as it is (RFC 2183 section 2.3).
    pub fn filename(&self) -> Option<&str> {
        self.parameter("filename")
    }
}

impl fmt::Display for ContentDisposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.disposition_type.as_str())?;
        show(f, &self.parameters)
    }
}

/// How the octets of a body are written (RFC 2045 section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum TransferEncoding {
    /// Lines of at most 998 octets of ASCII, as they are.
    #[default]
    SevenBit,
    /// Lines of at most 998 octets, as they are (RFC 6152).
    EightBit,
    /// Any octets, as they are (RFC 3030).
    Binary,
    /// Text with escapes (RFC 2045 section 6.7).
    QuotedPrintable,
    /// Base64 (RFC 2045 section 6.8).
    Base64,
    /// An encoding that is not known; the body stays as it is.
    Unknown,
}

impl TransferEncoding {
    /// The word in lower case; for [`Unknown`](Self::Unknown) `x-unknown`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SevenBit => "7bit",
            Self::EightBit => "8bit",
            Self::Binary => "binary",
            Self::QuotedPrintable => "quoted-printable",
            Self::Base64 => "base64",
            Self::Unknown => "x-unknown",
        }
    }

    /// Whether the octets of the body are written as they are.
    pub const fn is_identity(self) -> bool {
        !matches!(self, Self::QuotedPrintable | Self::Base64)
    }

    pub(crate) fn from_token(token: &[u8]) -> Self {
        [Self::SevenBit, Self::EightBit, Self::Binary, Self::QuotedPrintable, Self::Base64]
            .into_iter()
            .find(|known| known.as_str().as_bytes().eq_ignore_ascii_case(token))
            .unwrap_or(Self::Unknown)
    }
}

impl fmt::Display for TransferEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
