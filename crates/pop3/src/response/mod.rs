//! What a server says first: a status line (RFC 1939 section 3, RFC 2449 sections 3 and 8).

mod code;
mod greeting;
mod rejection;

pub use code::ResponseCode;
pub use greeting::Greeting;
pub use rejection::Rejection;

use crate::types::ResponseText;
use core::fmt;
use postroad_core::{ParseError, ParseErrorKind};

/// `+OK` or `-ERR`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// `+OK`
    Ok,
    /// `-ERR`
    Err,
}

/// The first line of a response, and all of most.
///
/// ```
/// use postroad_pop3::response::{ResponseCode, Status, StatusLine};
///
/// let line = StatusLine::parse(b"-ERR [IN-USE] Do you have another POP session running?")?;
/// assert_eq!(line.status(), Status::Err);
/// assert_eq!(line.code(), Some(&ResponseCode::InUse));
/// assert_eq!(line.text(), "Do you have another POP session running?");
/// assert_eq!(StatusLine::ok("maildrop locked").to_string(), "+OK maildrop locked");
/// # Ok::<(), postroad_core::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StatusLine {
    status: Status,
    code: Option<ResponseCode>,
    text: ResponseText,
}

impl StatusLine {
    /// `+OK` with this text.
    pub fn ok(text: impl Into<ResponseText>) -> Self {
        Self { status: Status::Ok, code: None, text: text.into() }
    }

    /// `-ERR` with this response code and text.
    pub fn err(code: impl Into<Option<ResponseCode>>, text: impl Into<ResponseText>) -> Self {
        Self { status: Status::Err, code: code.into(), text: text.into() }
    }

    /// Reads a status line, given without its CRLF.
    ///
    /// A bracket at the beginning of the text begins a response code (RFC 2449 section 8); one that is not well-formed is text.
    ///
    /// # Errors
    ///
    /// It does not begin with `+OK` or `-ERR`, in upper case, and then a space or nothing.
    pub fn parse(line: &[u8]) -> Result<Self, ParseError> {
        let (status, rest) = if let Some(rest) = line.strip_prefix(b"+OK") {
            (Status::Ok, rest)
        } else if let Some(rest) = line.strip_prefix(b"-ERR") {
            (Status::Err, rest)
        } else {
            return Err(ParseError::new(ParseErrorKind::Expected("+OK or -ERR"), 0, line));
        };
        let text = match rest {
            [] => rest,
            [b' ', text @ ..] => text,
            _ => {
                return Err(ParseError::new(
                    ParseErrorKind::Expected("a space"),
                    line.len() - rest.len(),
                    line,
                ));
            }
        };
        let (code, text) = match ResponseCode::parse_prefix(text) {
            Some((code, text)) => (Some(code), text.strip_prefix(b" ").unwrap_or(text)),
            None => (None, text),
        };
        Ok(Self { status, code, text: ResponseText::from_wire(text) })
    }

    /// `+OK` or `-ERR`.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Whether it says `+OK`.
    pub fn is_ok(&self) -> bool {
        self.status == Status::Ok
    }

    /// The response code.
    pub fn code(&self) -> Option<&ResponseCode> {
        self.code.as_ref()
    }

    /// The text, for people; without the response code.
    pub fn text(&self) -> &str {
        self.text.as_str()
    }
}

impl fmt::Display for StatusLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_ok() { "+OK" } else { "-ERR" })?;
        if let Some(code) = &self.code {
            write!(f, " [{code}]")?;
        }
        if self.text.as_str().is_empty() { Ok(()) } else { write!(f, " {}", self.text) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn status_is_upper_case_and_stands_alone() {
        for wrong in ["", "+ok", "+OKAY", "-ERROR no", "-err", " +OK", "OK", "+OK\t"] {
            assert!(StatusLine::parse(wrong.as_bytes()).is_err(), "{wrong:?}");
        }
        assert_eq!(StatusLine::parse(b"+OK").unwrap(), StatusLine::ok(""));
        assert_eq!(StatusLine::parse(b"+OK ").unwrap(), StatusLine::ok(""));
        assert_eq!(StatusLine::parse(b"-ERR no").unwrap(), StatusLine::err(None, "no"));
    }

    #[test]
    fn codes() {
        let parse = |text: &str| StatusLine::parse(format!("-ERR {text}").as_bytes()).unwrap();
        assert_eq!(parse("[sys/temp] wait").code(), Some(&ResponseCode::SysTemp));
        assert_eq!(parse("[SYS/TEMP]").text(), "");
        for text in ["[", "[]", "[AUTH", "[a b] c", "[A//B] c", "[é] c"] {
            assert_eq!(parse(text).code(), None, "{text}");
            assert_eq!(parse(text).text(), text);
        }
    }

    #[test]
    fn the_longest_line_has_512_octets_at_most() {
        let text = "x".repeat(2000);
        let longest = StatusLine::err(ResponseCode::LoginDelay, text).to_string();
        assert!(longest.len() + 2 <= 512);
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read(text in "[ -~]{0,60}", ok: bool, code in 0..6_usize) {
            let code = [None, Some(ResponseCode::InUse), Some(ResponseCode::LoginDelay), Some(ResponseCode::SysTemp),
                Some(ResponseCode::SysPerm), Some(ResponseCode::Auth)][code].clone();
            let mut line = StatusLine::err(code, text.trim_start().to_owned());
            if ok { line.status = Status::Ok; }
            prop_assert_eq!(StatusLine::parse(line.to_string().as_bytes()).unwrap(), line);
        }
    }
}
