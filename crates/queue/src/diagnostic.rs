//! Why a recipient could not be reached: in numbers for machines and in words for people.

use crate::Status;
use std::fmt::{self, Write as _};

/// How many octets of a reply are kept.
const TEXT_LIMIT: usize = 2048;
/// How many octets of a host's name are kept; a domain name has at most 255.
const NAME_LIMIT: usize = 255;

/// The reason of a failure, transient or permanent: a status code, a text, and the host that gave it if one did.
///
/// The text is kept as the other side said it, so far as it is safe to show: at most 2048 octets, lines separated by LF, other control
/// characters replaced by `?`. It may not be ASCII.
///
/// ```
/// use postroad_queue::{Diagnostic, LocalReason};
///
/// let said = Diagnostic::from_reply(550, None, "5.1.1 No such user here", "mx.hamburger.edu");
/// assert_eq!(said.status().to_string(), "5.1.1");
/// assert_eq!(said.text(), "550 5.1.1 No such user here");
/// assert_eq!(said.remote(), Some("mx.hamburger.edu"));
///
/// let ours = LocalReason::ConnectionRefused.about("mx.hamburger.edu");
/// assert_eq!(ours.status().to_string(), "4.4.1");
/// assert_eq!(ours.remote(), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    status: Status,
    text: String,
    remote: Option<String>,
}

impl Diagnostic {
    /// What `remote`, a host, answered. `text` is the reply without its code, its lines separated by LF or CRLF.
    ///
    /// The status code is `enhanced`, else the one that the text begins with, else 4.0.0 or 5.0.0 by the reply code; a reply that is
    /// neither 4yz nor 5yz where a success was needed is a transient failure of the protocol, 4.5.0.
    pub fn from_reply(code: u16, enhanced: Option<Status>, text: &str, remote: &str) -> Self {
        let in_text = Status::in_reply(code, text);
        let status = enhanced.filter(|status| status.class() != 2).or(in_text).unwrap_or(match code / 100 {
            4 => Status::TRANSIENT,
            5 => Status::PERMANENT,
            _ => Status::of(4, 5, 0),
        });
        let status = if status.class() == 2 { Status::of(4, 5, 0) } else { status };
        let whole = match enhanced {
            Some(enhanced) if in_text.is_none() => format!("{code} {enhanced} {text}"),
            _ => format!("{code} {text}"),
        };
        Self::from_parts(status, &whole, Some(remote))
    }

    /// One of its parts, as a store kept them: see [`status`](Self::status), [`text`](Self::text), [`remote`](Self::remote).
    pub fn from_parts(status: Status, text: &str, remote: Option<&str>) -> Self {
        let remote = remote.map(|name| printable(name, NAME_LIMIT)).filter(|name| !name.is_empty());
        Self { status, text: safe_text(text), remote }
    }

    /// The status code, of class 4 or 5.
    pub fn status(&self) -> Status {
        self.status
    }

    /// In words: the reply with its code, or what this side found out by itself.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The host that said so; `None` when this side found out by itself.
    pub fn remote(&self) -> Option<&str> {
        self.remote.as_deref()
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(remote) = &self.remote {
            write!(f, "{remote} said: ")?;
        }
        for (number, line) in self.text.split('\n').enumerate() {
            write!(f, "{}{line}", if number > 0 { " / " } else { "" })?;
        }
        Ok(())
    }
}

/// Lines separated by LF; every other control character is a question mark.
fn safe_text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len().min(TEXT_LIMIT));
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let character = match character {
            '\r' if characters.peek() == Some(&'\n') => continue,
            '\n' => '\n',
            '\t' => ' ',
            // Separators that some readers take for line ends.
            '\u{2028}' | '\u{2029}' => ' ',
            character if character.is_control() => '?',
            character => character,
        };
        if safe.len() + character.len_utf8() > TEXT_LIMIT {
            break;
        }
        safe.push(character);
    }
    safe.truncate(safe.trim_end().len());
    safe
}

/// Printable ASCII without spaces; every other character is a question mark.
pub(crate) fn printable(text: &str, limit: usize) -> String {
    text.chars()
        .take(limit)
        .map(|character| if character.is_ascii_graphic() { character } else { '?' })
        .collect()
}

/// What this side can find out without a word of the other.
///
/// `Display` says it in words; [`about`](Self::about) makes a [`Diagnostic`] of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LocalReason {
    /// The domain does not exist. 5.1.2
    HostNotFound,
    /// The domain accepts no mail: its one MX record is null (RFC 7505). 5.1.10
    NullMx,
    /// The domain name system gave no answer, or could not. 4.4.3
    DnsFailure,
    /// The domain is there, with neither a mail exchanger nor an address. 5.4.4
    NoRoute,
    /// The mail exchangers lead back to this host. 5.4.6
    Loop,
    /// Nothing listens there. 4.4.1
    ConnectionRefused,
    /// The host or its network cannot be reached. 4.4.1
    Unreachable,
    /// No answer came in time, when connecting or later. 4.4.2
    Timeout,
    /// The connection broke before the answer came. 4.4.2
    ConnectionLost,
    /// The other side broke the protocol. 4.5.0
    Protocol,
    /// TLS is required here and could not be had. 4.7.5
    TlsFailed,
    /// The other side does not offer what the message needs, such as SMTPUTF8. 5.6.7
    Unsupported,
    /// The destination failed a short while ago and is left alone for now. 4.4.1
    Held,
    /// Something went wrong on this side. 4.3.0
    Internal,
}

impl LocalReason {
    /// Its status code (RFC 3463). The class tells whether trying again is of use.
    pub const fn status(self) -> Status {
        match self {
            Self::HostNotFound => Status::of(5, 1, 2),
            Self::NullMx => Status::of(5, 1, 10),
            Self::DnsFailure => Status::of(4, 4, 3),
            Self::NoRoute => Status::of(5, 4, 4),
            Self::Loop => Status::of(5, 4, 6),
            Self::ConnectionRefused | Self::Unreachable | Self::Held => Status::of(4, 4, 1),
            Self::Timeout | Self::ConnectionLost => Status::of(4, 4, 2),
            Self::Protocol => Status::of(4, 5, 0),
            Self::TlsFailed => Status::of(4, 7, 5),
            Self::Unsupported => Status::of(5, 6, 7),
            Self::Internal => Status::of(4, 3, 0),
        }
    }

    /// The reason with what it is about: a host, a domain, or what the system said.
    #[must_use]
    pub fn about(self, subject: &str) -> Diagnostic {
        let mut text = self.to_string();
        if !subject.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(text, ": {subject}");
        }
        Diagnostic::from_parts(self.status(), &text, None)
    }
}

impl fmt::Display for LocalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HostNotFound => "the domain does not exist",
            Self::NullMx => "the domain does not accept mail",
            Self::DnsFailure => "the domain name could not be looked up",
            Self::NoRoute => "the domain has no mail server and no address",
            Self::Loop => "the mail for this domain loops back to this server",
            Self::ConnectionRefused => "the connection was refused",
            Self::Unreachable => "the mail server could not be reached",
            Self::Timeout => "the mail server did not answer in time",
            Self::ConnectionLost => "the connection was lost",
            Self::Protocol => "the mail server did not keep to the protocol",
            Self::TlsFailed => "no secure connection could be made",
            Self::Unsupported => "the mail server cannot take a message of this kind",
            Self::Held => "the mail server could not be reached a short while ago",
            Self::Internal => "something went wrong on this server",
        })
    }
}

/// How a try for one recipient ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The other side has taken responsibility for the message.
    Delivered,
    /// Not now; try again by the schedule.
    Transient(Diagnostic),
    /// Never.
    Permanent(Diagnostic),
}

impl Outcome {
    /// The outcome that a reply means (RFC 5321 section 4.2.1): 2yz delivered, 5yz permanent, all else transient. The reply is the one
    /// to RCPT where that refused the recipient, else the last one of the transaction. For `text`, see [`Diagnostic::from_reply`].
    ///
    /// The reply code alone decides, whatever the status code says.
    #[must_use]
    pub fn from_reply(code: u16, enhanced: Option<Status>, text: &str, remote: &str) -> Self {
        match code / 100 {
            2 => Self::Delivered,
            5 => Self::Permanent(Diagnostic::from_reply(code, enhanced, text, remote)),
            _ => Self::Transient(Diagnostic::from_reply(code, enhanced, text, remote)),
        }
    }

    /// The outcome that a reason of this side means, by the class of its status code. `subject` as in [`LocalReason::about`].
    #[must_use]
    pub fn from_reason(reason: LocalReason, subject: &str) -> Self {
        let diagnostic = reason.about(subject);
        if diagnostic.status().is_permanent() {
            Self::Permanent(diagnostic)
        } else {
            Self::Transient(diagnostic)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_keep_their_words_and_give_a_status() {
        let plain = Diagnostic::from_reply(451, None, "try later", "mx.example");
        assert_eq!((plain.status(), plain.text()), (Status::TRANSIENT, "451 try later"));

        let split = Diagnostic::from_reply(550, Some(Status::of(5, 7, 1)), "one\r\ntwo\r\n", "mx.example");
        assert_eq!((split.status(), split.text()), (Status::of(5, 7, 1), "550 5.7.1 one\ntwo"));
        assert_eq!(split.to_string(), "mx.example said: 550 5.7.1 one / two");

        let whole = Diagnostic::from_reply(550, Some(Status::of(5, 7, 1)), "5.7.1 no", "mx.example");
        assert_eq!(whole.text(), "550 5.7.1 no");
        assert_eq!(Diagnostic::from_reply(354, None, "go ahead", "mx").status(), Status::of(4, 5, 0));
        assert_eq!(
            Diagnostic::from_reply(550, Some(Status::of(2, 0, 0)), "", "mx").status(),
            Status::PERMANENT
        );
    }

    #[test]
    fn nothing_unsafe_is_kept() {
        let text = "550 a\r\n\r\nFrom: x\0\u{1b}[31m\rb\u{85}\u{2028}c\td";
        let kept = Diagnostic::from_parts(Status::PERMANENT, text, Some("mx\r\nX: y"));
        assert_eq!(kept.text(), "550 a\n\nFrom: x??[31m?b? c d");
        assert_eq!(kept.remote(), Some("mx??X:?y"));
        let long = Diagnostic::from_parts(Status::PERMANENT, &"é".repeat(5000), Some(&"m".repeat(5000)));
        assert_eq!((long.text().len(), long.remote().unwrap().len()), (TEXT_LIMIT, NAME_LIMIT));
        let again = Diagnostic::from_parts(kept.status(), kept.text(), kept.remote());
        assert_eq!(again, kept);
    }

    #[test]
    fn the_reply_code_decides() {
        assert_eq!(Outcome::from_reply(250, None, "ok", "mx"), Outcome::Delivered);
        let odd = Outcome::from_reply(450, Some(Status::of(5, 1, 1)), "", "mx");
        assert!(matches!(odd, Outcome::Transient(_)));
        assert!(matches!(Outcome::from_reply(354, None, "", "mx"), Outcome::Transient(_)));
        assert!(matches!(Outcome::from_reason(LocalReason::NullMx, "example.com"), Outcome::Permanent(_)));
        assert!(matches!(
            Outcome::from_reason(LocalReason::DnsFailure, "example.com"),
            Outcome::Transient(_)
        ));
    }
}
