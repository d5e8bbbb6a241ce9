use super::utf7;
use core::fmt;
use postroad_core::{ParseError, ParseErrorKind};
use std::borrow::Cow;

/// The name of a mailbox, in Unicode (RFC 9051 section 5.1).
///
/// `INBOX`, in any case, is one mailbox. A name holds no NUL, CR or LF; it may be empty where the grammar has a use for it, such as
/// the reference of LIST, and is so by default. On the wire it is modified UTF-7 (RFC 3501 section 5.1.3), or UTF-8 once both ends agreed.
///
/// ```
/// use postroad_imap::types::MailboxName;
///
/// let name = MailboxName::from_wire(b"Entw&APw-rfe", false)?;
/// assert_eq!(name.as_str(), "Entwürfe");
/// assert_eq!(&*name.to_wire(false), b"Entw&APw-rfe");
/// assert!(MailboxName::new("inbox")?.is_inbox());
/// # Ok::<(), postroad_core::ParseError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MailboxName {
    name: Box<str>,
    /// The peer's own spelling, if it is not the one that `name` has.
    spelling: Option<Box<[u8]>>,
}

impl MailboxName {
    /// A name in Unicode.
    ///
    /// # Errors
    ///
    /// It has a NUL, CR or LF.
    pub fn new(name: impl Into<Box<str>>) -> Result<Self, ParseError> {
        let name = name.into();
        if let Some(at) = name.bytes().position(|octet| matches!(octet, 0 | b'\r' | b'\n')) {
            return Err(ParseError::new(ParseErrorKind::Forbidden(name.as_bytes()[at]), at, name.as_bytes()));
        }
        Ok(if name.eq_ignore_ascii_case("INBOX") { Self::inbox() } else { Self { name, spelling: None } })
    }

    /// `INBOX`.
    pub fn inbox() -> Self {
        Self { name: "INBOX".into(), spelling: None }
    }

    /// Reads a name as it stood on the wire, quotes undone. `utf8`: the ends agreed on UTF-8.
    ///
    /// # Errors
    ///
    /// It is not UTF-8 or not modified UTF-7 in its one canonical form, or has a NUL, CR or LF.
    pub fn from_wire(octets: &[u8], utf8: bool) -> Result<Self, ParseError> {
        if utf8 {
            match core::str::from_utf8(octets) {
                Ok(name) => Self::new(name),
                Err(error) => {
                    Err(ParseError::new(ParseErrorKind::Expected("UTF-8"), error.valid_up_to(), octets))
                }
            }
        } else {
            Self::new(utf7::decode(octets)?)
        }
    }

    /// Reads a name of a server whose spelling may be wrong, and says whether it was. What is wrong is kept, so that the server knows its
    /// mailbox again: [`to_wire`](Self::to_wire) gives it back octet for octet; [`as_str`](Self::as_str) is the best that can be shown.
    ///
    /// # Errors
    ///
    /// It has a NUL, CR or LF.
    ///
    /// ```
    /// use postroad_imap::types::MailboxName;
    ///
    /// let (name, repaired) = MailboxName::from_wire_lenient("Entwürfe & Co".as_bytes(), false)?;
    /// assert!(repaired);
    /// assert_eq!(name.as_str(), "Entwürfe & Co");
    /// assert_eq!(&*name.to_wire(false), "Entwürfe & Co".as_bytes());
    /// # Ok::<(), postroad_core::ParseError>(())
    /// ```
    pub fn from_wire_lenient(octets: &[u8], utf8: bool) -> Result<(Self, bool), ParseError> {
        if let Ok(name) = Self::from_wire(octets, utf8) {
            return Ok((name, false));
        }
        let mut name = Self::new(String::from_utf8_lossy(octets))?;
        name.spelling = Some(octets.into());
        Ok((name, true))
    }

    /// The name for the wire, not yet quoted.
    pub fn to_wire(&self, utf8: bool) -> Cow<'_, [u8]> {
        match &self.spelling {
            Some(spelling) => Cow::Borrowed(spelling),
            None if utf8 => Cow::Borrowed(self.name.as_bytes()),
            None => utf7::encode(&self.name),
        }
    }

    /// The name in Unicode.
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Whether it is `INBOX`.
    pub fn is_inbox(&self) -> bool {
        &*self.name == "INBOX"
    }

    /// Whether it has no characters.
    pub fn is_empty(&self) -> bool {
        self.name.is_empty()
    }
}

impl AsRef<str> for MailboxName {
    fn as_ref(&self) -> &str {
        &self.name
    }
}

impl core::str::FromStr for MailboxName {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::new(text)
    }
}

impl fmt::Display for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl fmt::Debug for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MailboxName({:?})", &*self.name)
    }
}
