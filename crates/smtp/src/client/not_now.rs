//! What a verb of the client says when it cannot be done now.

use core::fmt;

/// Why a verb of the [`Client`](super::Client) cannot be done now. The session goes on as if it had not been asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotNow {
    /// As many commands wait for their replies as [`Config::max_outstanding`](super::Config::max_outstanding) allows: go on when a reply
    /// has come.
    Full,
    /// STARTTLS was sent: nothing may follow it until its reply is here, and TLS is, if it is 220.
    Upgrading,
    /// TLS runs already.
    AlreadyTls,
    /// The command, or a parameter of it, needs an extension that the server has not offered in a response to EHLO.
    NotOffered(&'static str),
    /// A mailbox is not ASCII, and the MAIL command has no SMTPUTF8 (RFC 6531 section 3.4).
    NeedsSmtpUtf8,
    /// No challenge of AUTH is waiting for a response.
    NoChallenge,
    /// The response to a challenge does not fit into a line of 12288 octets (RFC 4954 section 4).
    TooLong,
    /// The session is over, or QUIT was sent.
    Closed,
}

impl fmt::Display for NotNow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("too many commands wait for their replies"),
            Self::Upgrading => f.write_str("STARTTLS is not finished"),
            Self::AlreadyTls => f.write_str("TLS runs already"),
            Self::NotOffered(extension) => write!(f, "the server does not offer {extension}"),
            Self::NeedsSmtpUtf8 => f.write_str("a mailbox that is not ASCII needs SMTPUTF8"),
            Self::NoChallenge => f.write_str("no challenge waits for a response"),
            Self::TooLong => f.write_str("the response is too long for a line"),
            Self::Closed => f.write_str("the session is over"),
        }
    }
}

impl core::error::Error for NotNow {}
