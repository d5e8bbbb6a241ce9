//! Reply codes (RFC 5321 section 4.2.1) and enhanced status codes (RFC 3463).

use core::fmt;

/// What the first digit of a reply code says (RFC 5321 section 4.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// 2yz: done.
    PositiveCompletion,
    /// 3yz: go on with the rest, such as the message after DATA.
    PositiveIntermediate,
    /// 4yz: not now; the same command may succeed later.
    TransientNegative,
    /// 5yz: no; the same command will not succeed.
    PermanentNegative,
}

/// A reply code of three digits, 200 to 599.
///
/// ```
/// use postroad_smtp::reply::{ReplyCode, Severity};
///
/// let code = ReplyCode::new(550).unwrap();
/// assert_eq!(code, ReplyCode::MAILBOX_UNAVAILABLE);
/// assert_eq!(code.severity(), Severity::PermanentNegative);
/// assert_eq!(ReplyCode::new(199), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReplyCode(u16);

impl ReplyCode {
    /// 211: system status, or help.
    pub const SYSTEM_STATUS: Self = Self(211);
    /// 214: help.
    pub const HELP: Self = Self(214);
    /// 220: the greeting, and the go-ahead of STARTTLS.
    pub const READY: Self = Self(220);
    /// 221: the answer to QUIT.
    pub const CLOSING: Self = Self(221);
    /// 235: authenticated (RFC 4954 section 6).
    pub const AUTHENTICATED: Self = Self(235);
    /// 250: done.
    pub const OK: Self = Self(250);
    /// 251: not local, will be forwarded.
    pub const WILL_FORWARD: Self = Self(251);
    /// 252: cannot verify the user, but will try to deliver.
    pub const CANNOT_VERIFY: Self = Self(252);
    /// 334: a challenge of AUTH (RFC 4954 section 4).
    pub const CHALLENGE: Self = Self(334);
    /// 354: send the message, end it with CRLF.CRLF.
    pub const START_MAIL_INPUT: Self = Self(354);
    /// 421: the service goes away and the connection closes; may come at any time.
    pub const NOT_AVAILABLE: Self = Self(421);
    /// 450: mailbox busy or blocked for now.
    pub const MAILBOX_BUSY: Self = Self(450);
    /// 451: an error here, not of the peer.
    pub const LOCAL_ERROR: Self = Self(451);
    /// 452: not enough storage, or too many recipients.
    pub const INSUFFICIENT_STORAGE: Self = Self(452);
    /// 454: authentication or TLS is not available for now (RFC 4954 section 6, RFC 3207 section 4).
    pub const TEMPORARY_AUTHENTICATION_FAILURE: Self = Self(454);
    /// 455: the parameters cannot be served for now.
    pub const PARAMETERS_NOT_ACCOMMODATED: Self = Self(455);
    /// 500: no such command, or the line is too long.
    pub const SYNTAX_ERROR: Self = Self(500);
    /// 501: the parameters or arguments are wrong.
    pub const PARAMETER_SYNTAX_ERROR: Self = Self(501);
    /// 502: the command is known but not served.
    pub const NOT_IMPLEMENTED: Self = Self(502);
    /// 503: the command does not fit here.
    pub const BAD_SEQUENCE: Self = Self(503);
    /// 504: the parameter is known but not served.
    pub const PARAMETER_NOT_IMPLEMENTED: Self = Self(504);
    /// 530: authentication or STARTTLS is required first.
    pub const AUTHENTICATION_REQUIRED: Self = Self(530);
    /// 534: the mechanism is too weak (RFC 4954 section 6).
    pub const MECHANISM_TOO_WEAK: Self = Self(534);
    /// 535: the credentials are wrong (RFC 4954 section 6).
    pub const CREDENTIALS_INVALID: Self = Self(535);
    /// 550: the mailbox does not exist or policy refuses.
    pub const MAILBOX_UNAVAILABLE: Self = Self(550);
    /// 551: not local; the text may say where.
    pub const USER_NOT_LOCAL: Self = Self(551);
    /// 552: too large.
    pub const EXCEEDED_STORAGE: Self = Self(552);
    /// 553: the mailbox name is not allowed.
    pub const MAILBOX_NAME_NOT_ALLOWED: Self = Self(553);
    /// 554: the transaction failed; as a greeting, no service here.
    pub const TRANSACTION_FAILED: Self = Self(554);
    /// 555: the parameters of MAIL or RCPT are not known.
    pub const PARAMETERS_NOT_RECOGNIZED: Self = Self(555);

    /// A code, if it is 200 to 599.
    pub const fn new(code: u16) -> Option<Self> {
        if code >= 200 && code <= 599 { Some(Self(code)) } else { None }
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// What the first digit says.
    pub const fn severity(self) -> Severity {
        match self.0 / 100 {
            2 => Severity::PositiveCompletion,
            3 => Severity::PositiveIntermediate,
            4 => Severity::TransientNegative,
            _ => Severity::PermanentNegative,
        }
    }
}

impl fmt::Display for ReplyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for ReplyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReplyCode({})", self.0)
    }
}

/// The first number of an [`EnhancedCode`] (RFC 3463 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EnhancedClass {
    /// 2: success.
    Success,
    /// 4: a persistent transient failure; may succeed later.
    PersistentTransientFailure,
    /// 5: a permanent failure.
    PermanentFailure,
}

impl EnhancedClass {
    /// 2, 4 or 5.
    pub const fn digit(self) -> u8 {
        match self {
            Self::Success => 2,
            Self::PersistentTransientFailure => 4,
            Self::PermanentFailure => 5,
        }
    }

    const fn from_digit(digit: u8) -> Option<Self> {
        match digit {
            b'2' => Some(Self::Success),
            b'4' => Some(Self::PersistentTransientFailure),
            b'5' => Some(Self::PermanentFailure),
            _ => None,
        }
    }
}

/// An enhanced status code such as `5.1.1` (RFC 3463), sent before the text of a reply (RFC 2034).
///
/// ```
/// use postroad_smtp::reply::{EnhancedClass, EnhancedCode};
///
/// let no_such_mailbox = EnhancedCode::parse("5.1.1").unwrap();
/// assert_eq!(no_such_mailbox.class(), EnhancedClass::PermanentFailure);
/// assert_eq!((no_such_mailbox.subject(), no_such_mailbox.detail()), (1, 1));
/// assert_eq!(no_such_mailbox.to_string(), "5.1.1");
/// assert_eq!(EnhancedCode::parse("3.1.1"), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EnhancedCode {
    class: EnhancedClass,
    subject: u16,
    detail: u16,
}

impl EnhancedCode {
    /// A code, if `subject` and `detail` have at most three digits.
    pub const fn new(class: EnhancedClass, subject: u16, detail: u16) -> Option<Self> {
        if subject <= 999 && detail <= 999 { Some(Self { class, subject, detail }) } else { None }
    }

    /// `2.subject.detail`.
    pub(crate) const fn success(subject: u8, detail: u8) -> Self {
        Self { class: EnhancedClass::Success, subject: subject as u16, detail: detail as u16 }
    }

    /// `4.subject.detail`.
    pub(crate) const fn transient(subject: u8, detail: u8) -> Self {
        Self {
            class: EnhancedClass::PersistentTransientFailure,
            subject: subject as u16,
            detail: detail as u16,
        }
    }

    /// `5.subject.detail`.
    pub(crate) const fn permanent(subject: u8, detail: u8) -> Self {
        Self { class: EnhancedClass::PermanentFailure, subject: subject as u16, detail: detail as u16 }
    }

    /// Reads a whole code, or `None` where it is none.
    pub fn parse(text: &str) -> Option<Self> {
        match Self::parse_prefix(text) {
            Some((code, "")) => Some(code),
            _ => None,
        }
    }

    /// Reads a code that is followed by a space or by nothing; gives the rest behind that space.
    pub(super) fn parse_prefix(text: &str) -> Option<(Self, &str)> {
        let (code, rest) = text.split_once(' ').unwrap_or((text, ""));
        let mut numbers = code.split('.');
        let (class, subject, detail) = (numbers.next()?, numbers.next()?, numbers.next()?);
        if numbers.next().is_some() {
            return None;
        }
        let &[digit] = class.as_bytes() else { return None };
        let class = EnhancedClass::from_digit(digit)?;
        Some((Self { class, subject: number(subject)?, detail: number(detail)? }, rest))
    }

    /// Success, transient or permanent.
    pub const fn class(self) -> EnhancedClass {
        self.class
    }

    /// The subject: 1 addressing, 2 mailbox, 3 mail system, 4 network and routing, 5 protocol, 6 content, 7 security (RFC 3463 section
    /// 3.2).
    pub const fn subject(self) -> u16 {
        self.subject
    }

    /// The detail within the subject.
    pub const fn detail(self) -> u16 {
        self.detail
    }
}

/// One to three digits, without a needless zero before them, so that each code has one form.
fn number(text: &str) -> Option<u16> {
    let digits = text.len() <= 3 && text.bytes().all(|octet| octet.is_ascii_digit());
    if !digits || (text.len() > 1 && text.starts_with('0')) {
        return None;
    }
    text.parse().ok()
}

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class.digit(), self.subject, self.detail)
    }
}

impl fmt::Debug for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EnhancedCode({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_outside_of_their_range_are_none() {
        for code in [0, 100, 199, 600, 999, 65_535] {
            assert_eq!(ReplyCode::new(code), None, "{code}");
        }
        assert_eq!(ReplyCode::new(200).unwrap().severity(), Severity::PositiveCompletion);
        assert_eq!(ReplyCode::new(399).unwrap().severity(), Severity::PositiveIntermediate);
        assert_eq!(ReplyCode::new(499).unwrap().severity(), Severity::TransientNegative);
        assert_eq!(ReplyCode::new(599).unwrap().severity(), Severity::PermanentNegative);
    }

    #[test]
    fn enhanced_codes_have_one_form() {
        for text in ["2.0.0", "4.7.12", "5.999.999"] {
            assert_eq!(EnhancedCode::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "", "2", "2.1", "2.1.", "2..1", "1.1.1", "3.0.0", "22.1.1", "2.1000.0", "2.0.00", "2.0.0.0",
            "2.+1.0", "2.0.0 ",
        ] {
            let parsed = EnhancedCode::parse(text);
            assert!(parsed.is_none_or(|code| code.to_string() == text.trim_end()), "{text}");
        }
        assert_eq!(EnhancedCode::parse("2.+1.0"), None);
        assert_eq!(EnhancedCode::new(EnhancedClass::Success, 1000, 0), None);
    }
}
