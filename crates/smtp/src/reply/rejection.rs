//! Replies that say no.

use super::{EnhancedCode, Reply, ReplyCode, Severity};
use core::fmt;
use std::borrow::Cow;

/// A reply with a 4yz or 5yz code, and nothing else: what an application answers when it refuses.
///
/// ```
/// use postroad_smtp::reply::{EnhancedCode, Rejection, ReplyCode};
///
/// assert_eq!(Rejection::mailbox_unavailable().as_reply().to_string(), "550 5.1.1 No such mailbox here");
///
/// let greylisted = Rejection::new(ReplyCode::LOCAL_ERROR, EnhancedCode::parse("4.7.1"), "Come back in five minutes")?;
/// assert!(!greylisted.is_permanent());
/// assert!(Rejection::new(ReplyCode::OK, None, "fine").is_err());
/// # Ok::<(), postroad_smtp::reply::RejectionError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Rejection(Reply);

impl Rejection {
    /// A rejection in words of one's own. `text` is treated as in [`Reply::new`].
    ///
    /// # Errors
    ///
    /// `code` is not 4yz or 5yz, or it is 421, by which the session alone says goodbye; or the class of `enhanced` is not that of `code`.
    pub fn new(
        code: ReplyCode,
        enhanced: Option<EnhancedCode>,
        text: impl Into<Cow<'static, str>>,
    ) -> Result<Self, RejectionError> {
        if code == ReplyCode::NOT_AVAILABLE {
            return Err(RejectionError::Goodbye);
        }
        let reply = Reply::new(code, enhanced, text);
        if enhanced.is_some() && reply.enhanced() != enhanced {
            return Err(RejectionError::Class);
        }
        Self::try_from(reply)
    }

    fn fixed(code: ReplyCode, enhanced: EnhancedCode, text: &'static str) -> Self {
        Self(Reply::new(code, Some(enhanced), text))
    }

    /// 550 5.1.1: there is no such mailbox.
    pub fn mailbox_unavailable() -> Self {
        Self::fixed(ReplyCode::MAILBOX_UNAVAILABLE, EnhancedCode::permanent(1, 1), "No such mailbox here")
    }

    /// 451 4.3.0: something failed here; try again later.
    pub fn temporary() -> Self {
        Self::fixed(
            ReplyCode::LOCAL_ERROR,
            EnhancedCode::transient(3, 0),
            "Temporary failure, try again later",
        )
    }

    /// 452 4.3.1: the storage of the whole system is full.
    pub fn insufficient_storage() -> Self {
        Self::fixed(
            ReplyCode::INSUFFICIENT_STORAGE,
            EnhancedCode::transient(3, 1),
            "Not enough storage, try again later",
        )
    }

    /// 452 4.2.2: the mailbox of the recipient is full.
    pub fn over_quota() -> Self {
        Self::fixed(
            ReplyCode::INSUFFICIENT_STORAGE,
            EnhancedCode::transient(2, 2),
            "Mailbox full, try again later",
        )
    }

    /// 452 4.5.3: no more recipients in this transaction; the peer should send the rest in another.
    pub fn too_many_recipients() -> Self {
        Self::fixed(ReplyCode::INSUFFICIENT_STORAGE, EnhancedCode::transient(5, 3), "Too many recipients")
    }

    /// 552 5.3.4: the message is too large.
    pub fn too_large() -> Self {
        Self::fixed(ReplyCode::EXCEEDED_STORAGE, EnhancedCode::permanent(3, 4), "Message too large")
    }

    /// 530 5.7.0: authenticate first (RFC 4954 section 6).
    pub fn not_authenticated() -> Self {
        Self::fixed(
            ReplyCode::AUTHENTICATION_REQUIRED,
            EnhancedCode::permanent(7, 0),
            "Authentication required",
        )
    }

    /// 530 5.7.0: issue STARTTLS first (RFC 3207 section 4).
    pub fn starttls_required() -> Self {
        Self::fixed(
            ReplyCode::AUTHENTICATION_REQUIRED,
            EnhancedCode::permanent(7, 0),
            "Must issue a STARTTLS command first",
        )
    }

    /// 535 5.7.8: the credentials are wrong (RFC 4954 section 6). It does not say which of them.
    pub fn bad_credentials() -> Self {
        Self::fixed(
            ReplyCode::CREDENTIALS_INVALID,
            EnhancedCode::permanent(7, 8),
            "Authentication credentials invalid",
        )
    }

    /// 454 4.7.0: authentication cannot be decided for now (RFC 4954 section 6).
    pub fn authentication_unavailable() -> Self {
        Self::fixed(
            ReplyCode::TEMPORARY_AUTHENTICATION_FAILURE,
            EnhancedCode::transient(7, 0),
            "Temporary authentication failure",
        )
    }

    /// 454 4.7.0: TLS is not available for now (RFC 3207 section 4).
    pub fn tls_unavailable() -> Self {
        Self::fixed(
            ReplyCode::TEMPORARY_AUTHENTICATION_FAILURE,
            EnhancedCode::transient(7, 0),
            "TLS not available due to temporary reason",
        )
    }

    /// 550 5.7.1: this server does not relay to that domain for this client.
    pub fn relay_denied() -> Self {
        Self::fixed(ReplyCode::MAILBOX_UNAVAILABLE, EnhancedCode::permanent(7, 1), "Relaying denied")
    }

    /// 550 5.7.1: this sender may not use that reverse-path.
    pub fn sender_not_allowed() -> Self {
        Self::fixed(
            ReplyCode::MAILBOX_UNAVAILABLE,
            EnhancedCode::permanent(7, 1),
            "Sender address not allowed for this user",
        )
    }

    /// 554 5.6.0: the content of the message is not acceptable.
    pub fn content_rejected() -> Self {
        Self::fixed(ReplyCode::TRANSACTION_FAILED, EnhancedCode::permanent(6, 0), "Message content rejected")
    }

    /// 554 5.4.6: the message has been through too many hosts (RFC 5321 section 6.3).
    pub fn loop_detected() -> Self {
        Self::fixed(
            ReplyCode::TRANSACTION_FAILED,
            EnhancedCode::permanent(4, 6),
            "Too many hops, mail loop suspected",
        )
    }

    /// Whether the code is 5yz.
    pub fn is_permanent(&self) -> bool {
        self.0.severity() == Severity::PermanentNegative
    }

    /// The reply.
    pub fn as_reply(&self) -> &Reply {
        &self.0
    }

    /// The reply.
    pub fn into_reply(self) -> Reply {
        self.0
    }
}

impl TryFrom<Reply> for Rejection {
    type Error = RejectionError;

    fn try_from(reply: Reply) -> Result<Self, RejectionError> {
        if reply.is_positive() {
            Err(RejectionError::Positive)
        } else if reply.code() == ReplyCode::NOT_AVAILABLE {
            Err(RejectionError::Goodbye)
        } else {
            Ok(Self(reply))
        }
    }
}

impl From<Rejection> for Reply {
    fn from(rejection: Rejection) -> Self {
        rejection.0
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why something is no [`Rejection`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RejectionError {
    /// The code is 2yz or 3yz.
    Positive,
    /// The code is 421, which closes the connection.
    Goodbye,
    /// The class of the enhanced code is not that of the code (RFC 2034 section 4).
    Class,
}

impl fmt::Display for RejectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Positive => "a rejection has a code of 400 to 599",
            Self::Goodbye => "421 closes the connection and is said by the session",
            Self::Class => "the class of the enhanced code is not that of the reply code",
        })
    }
}

impl core::error::Error for RejectionError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_says_no() {
        for code in [200, 250, 354, 399] {
            let code = ReplyCode::new(code).unwrap();
            assert_eq!(Rejection::new(code, None, ""), Err(RejectionError::Positive));
        }
        assert_eq!(Rejection::new(ReplyCode::NOT_AVAILABLE, None, ""), Err(RejectionError::Goodbye));
        let class = Rejection::new(ReplyCode::LOCAL_ERROR, Some(EnhancedCode::permanent(3, 0)), "");
        assert_eq!(class, Err(RejectionError::Class));
    }

    #[test]
    fn the_common_ones_are_consistent() {
        for rejection in [
            Rejection::mailbox_unavailable(),
            Rejection::temporary(),
            Rejection::insufficient_storage(),
            Rejection::over_quota(),
            Rejection::too_many_recipients(),
            Rejection::too_large(),
            Rejection::not_authenticated(),
            Rejection::starttls_required(),
            Rejection::bad_credentials(),
            Rejection::authentication_unavailable(),
            Rejection::tls_unavailable(),
            Rejection::relay_denied(),
            Rejection::sender_not_allowed(),
            Rejection::content_rejected(),
            Rejection::loop_detected(),
        ] {
            assert!(rejection.as_reply().enhanced().is_some(), "{rejection}");
            assert_eq!(Rejection::try_from(rejection.clone().into_reply()), Ok(rejection));
        }
    }
}
