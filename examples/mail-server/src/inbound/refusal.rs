//! What the peer is told when something cannot be done.

use postroad_smtp::reply::{EnhancedCode, Rejection, ReplyCode};

use crate::store::StoreError;

/// A rejection in words of our own.
pub(super) fn rejection(code: ReplyCode, enhanced: &str, text: &'static str) -> Rejection {
    // Both are constants here, and fit.
    Rejection::new(code, EnhancedCode::parse(enhanced), text).unwrap_or_else(|_| Rejection::temporary())
}

/// The store could not do what an SMTP client wants. The client comes back, unless waiting cannot help.
pub(super) fn store_failed(error: &StoreError) -> Rejection {
    match error {
        StoreError::OverQuota { never_fits: false } => Rejection::over_quota(),
        StoreError::OverQuota { never_fits: true } => {
            rejection(ReplyCode::EXCEEDED_STORAGE, "5.2.2", "Message larger than the mailbox may be")
        }
        error if error.is_temporary() => {
            tracing::error!(%error, "the store failed");
            Rejection::temporary()
        }
        error => {
            // An account that is removed under a transaction; the client will be told so when it comes back.
            tracing::warn!(%error, "the store has changed meanwhile");
            Rejection::temporary()
        }
    }
}

/// The reverse-path is somebody else's.
pub(super) fn not_the_sender() -> Rejection {
    rejection(
        ReplyCode::MAILBOX_NAME_NOT_ALLOWED,
        "5.7.1",
        "Sender address does not belong to the authenticated user",
    )
}

/// RFC 5321 section 4.5.2: no message has this octet.
pub(super) fn nul_in_message() -> Rejection {
    rejection(ReplyCode::MAILBOX_UNAVAILABLE, "5.6.0", "Message contains NUL")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said() {
        let said = |error: StoreError| store_failed(&error).as_reply().to_string();
        assert!(said(StoreError::Full).starts_with("451 4.3.0 "));
        assert!(said(StoreError::ReadOnly).starts_with("451 4.3.0 "));
        assert!(said(StoreError::NotFound).starts_with("451 4.3.0 "));
        assert!(said(StoreError::OverQuota { never_fits: false }).starts_with("452 4.2.2 "));
        assert!(said(StoreError::OverQuota { never_fits: true }).starts_with("552 5.2.2 "));
        assert!(not_the_sender().as_reply().to_string().starts_with("553 5.7.1 "));
        assert!(nul_in_message().as_reply().to_string().starts_with("550 5.6.0 "));
    }
}
