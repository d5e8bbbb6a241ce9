use core::fmt;
use memchr::memchr;

/// Why, for programs: the word in brackets before the text (RFC 2449 section 8, RFC 3206).
///
/// It is hierarchical; detail below a known code that is not known itself is dropped, as the RFC asks for.
///
/// ```
/// use postroad_pop3::response::{ResponseCode, StatusLine};
///
/// let line = StatusLine::parse(b"-ERR [SYS/TEMP/disk] come back")?;
/// assert_eq!(line.code(), Some(&ResponseCode::SysTemp));
/// # Ok::<(), postroad_core::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResponseCode {
    /// `AUTH`: the credentials are wrong; ask the user (RFC 3206 section 5).
    Auth,
    /// `IN-USE`: the credentials were right, but the maildrop is locked, probably by another session (RFC 2449 section 8.1.2).
    InUse,
    /// `LOGIN-DELAY`: too soon after the last login (RFC 2449 section 8.1.1).
    LoginDelay,
    /// `SYS/TEMP`: the server has a problem that passes (RFC 3206 section 4).
    SysTemp,
    /// `SYS/PERM`: the server has a problem that people must mend (RFC 3206 section 4).
    SysPerm,
    /// Another, in upper case.
    Other(Box<str>),
}

impl ResponseCode {
    /// The code at the beginning of a text, and what stands behind its bracket.
    pub(super) fn parse_prefix(text: &[u8]) -> Option<(Self, &[u8])> {
        let inner = text.strip_prefix(b"[")?;
        let end = memchr(b']', inner)?;
        let (code, behind) = (&inner[..end], &inner[end + 1..]);
        if !code.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        let code: String = code.iter().map(|octet| char::from(octet.to_ascii_uppercase())).collect();
        let mut levels = code.split('/');
        if levels.clone().any(str::is_empty) {
            return None;
        }
        let known = match (levels.next().unwrap_or_default(), levels.next()) {
            ("AUTH", _) => Self::Auth,
            ("IN-USE", _) => Self::InUse,
            ("LOGIN-DELAY", _) => Self::LoginDelay,
            ("SYS", Some("TEMP")) => Self::SysTemp,
            ("SYS", Some("PERM")) => Self::SysPerm,
            _ => Self::Other(code.as_str().into()),
        };
        Some((known, behind))
    }

    /// The code as it stands between the brackets.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Auth => "AUTH",
            Self::InUse => "IN-USE",
            Self::LoginDelay => "LOGIN-DELAY",
            Self::SysTemp => "SYS/TEMP",
            Self::SysPerm => "SYS/PERM",
            Self::Other(code) => code,
        }
    }
}

impl fmt::Display for ResponseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
