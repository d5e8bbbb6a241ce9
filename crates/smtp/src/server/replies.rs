//! What the session says by itself.

use crate::reply::{EnhancedCode, Reply, ReplyCode};

type Words = (ReplyCode, Option<EnhancedCode>, &'static str);

const fn words(code: ReplyCode, enhanced: EnhancedCode, text: &'static str) -> Words {
    (code, Some(enhanced), text)
}

const fn no(code: ReplyCode, subject: u8, detail: u8, text: &'static str) -> Words {
    words(code, EnhancedCode::permanent(subject, detail), text)
}

const fn later(code: ReplyCode, subject: u8, detail: u8, text: &'static str) -> Words {
    words(code, EnhancedCode::transient(subject, detail), text)
}

const fn yes(code: ReplyCode, subject: u8, detail: u8, text: &'static str) -> Words {
    words(code, EnhancedCode::success(subject, detail), text)
}

const fn bad_sequence(text: &'static str) -> Words {
    no(ReplyCode::BAD_SEQUENCE, 5, 1, text)
}

pub(super) const OK: Words = yes(ReplyCode::OK, 0, 0, "OK");
pub(super) const MAIL_OK: Words = yes(ReplyCode::OK, 1, 0, "Sender OK");
pub(super) const RCPT_OK: Words = yes(ReplyCode::OK, 1, 5, "Recipient OK");
pub(super) const SEND_DATA: Words =
    (ReplyCode::START_MAIL_INPUT, None, "Start mail input; end with <CRLF>.<CRLF>");
pub(super) const AUTHENTICATED: Words = yes(ReplyCode::AUTHENTICATED, 7, 0, "Authentication successful");
pub(super) const START_TLS: Words = yes(ReplyCode::READY, 0, 0, "Ready to start TLS");
pub(super) const QUIT: Words = yes(ReplyCode::CLOSING, 0, 0, "Bye");
pub(super) const CANNOT_VERIFY: Words =
    yes(ReplyCode::CANNOT_VERIFY, 1, 5, "Cannot verify, but will accept a message and attempt delivery");
pub(super) const HELP: Words =
    yes(ReplyCode::HELP, 0, 0, "EHLO HELO MAIL RCPT DATA RSET NOOP QUIT VRFY HELP; see RFC 5321");

pub(super) const HELLO_FIRST: Words = bad_sequence("Send EHLO first");
pub(super) const NESTED_MAIL: Words = bad_sequence("Sender already given; RSET begins anew");
pub(super) const MAIL_FIRST: Words = bad_sequence("Send MAIL first");
pub(super) const NO_RECIPIENTS: Words = no(ReplyCode::TRANSACTION_FAILED, 5, 1, "No valid recipients");
pub(super) const ALREADY_AUTHENTICATED: Words = bad_sequence("Already authenticated");
pub(super) const IN_TRANSACTION: Words = bad_sequence("Not within a mail transaction");
pub(super) const ALREADY_TLS: Words = bad_sequence("TLS is already active");

pub(super) const NOT_IMPLEMENTED: Words = no(ReplyCode::NOT_IMPLEMENTED, 5, 1, "Command not implemented");
pub(super) const PARAMETER_NOT_OFFERED: Words =
    no(ReplyCode::PARAMETERS_NOT_RECOGNIZED, 5, 4, "Parameter not offered");
pub(super) const NEEDS_SMTP_UTF8: Words =
    no(ReplyCode::MAILBOX_NAME_NOT_ALLOWED, 6, 7, "Non-ASCII addresses need SMTPUTF8");
pub(super) const ENCRYPTION_REQUIRED: Words = no(
    match ReplyCode::new(538) {
        Some(code) => code,
        None => ReplyCode::AUTHENTICATION_REQUIRED,
    },
    7,
    11,
    "Encryption required for authentication",
);
pub(super) const MECHANISM_UNKNOWN: Words =
    no(ReplyCode::PARAMETER_NOT_IMPLEMENTED, 5, 4, "Mechanism not offered");
pub(super) const CANCELLED: Words = no(ReplyCode::PARAMETER_SYNTAX_ERROR, 7, 0, "Authentication cancelled");
pub(super) const NO_BASE64: Words = no(ReplyCode::PARAMETER_SYNTAX_ERROR, 5, 2, "Cannot decode the response");

pub(super) const BARE_NEWLINE: Words =
    no(ReplyCode::MAILBOX_UNAVAILABLE, 6, 0, "Message has CR or LF that is not part of CRLF");
pub(super) const NUL: Words = no(ReplyCode::MAILBOX_UNAVAILABLE, 6, 0, "Message has NUL");
pub(super) const INJECTED: Words =
    no(ReplyCode::TRANSACTION_FAILED, 5, 1, "Octets in the clear behind STARTTLS");

pub(super) const DROPPED: Words = later(ReplyCode::LOCAL_ERROR, 3, 0, "Temporary failure, try again later");
pub(super) const GOODBYE: Words = later(ReplyCode::NOT_AVAILABLE, 3, 2, "Service shutting down");
pub(super) const FAILED: Words = later(ReplyCode::NOT_AVAILABLE, 3, 0, "Temporary failure, closing");
pub(super) const TIMED_OUT: Words = later(ReplyCode::NOT_AVAILABLE, 4, 2, "Timed out, closing");
pub(super) const TOO_MANY_ERRORS: Words = later(ReplyCode::NOT_AVAILABLE, 7, 0, "Too many errors, closing");
pub(super) const LINE_TOO_LONG: Words = later(ReplyCode::NOT_AVAILABLE, 7, 0, "Line too long, closing");

pub(super) fn reply((code, enhanced, text): Words) -> Reply {
    Reply::new(code, enhanced, text)
}
