//! What the sender of a message is owed.

use crate::{Diagnostic, Recipient, RecipientState, Status, UnixTime};
use postroad_core::Mailbox;
use std::time::Duration;

/// What to tell about a message, as [`QueuedMessage::take_notices`](crate::QueuedMessage::take_notices) gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Notice {
    /// Tell the sender that these recipients are given up.
    Failure(Report),
    /// Tell the sender that these recipients have to wait; tries go on.
    Delay(Report),
    /// The message had the null reverse-path: it was itself a notice, and nobody is told of its failure (RFC 5321 sections 4.5.5 and
    /// 6.1). For the log.
    DoubleBounce(Vec<ReportedRecipient>),
}

/// What became of a recipient (RFC 3464 section 2.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Given up.
    Failed,
    /// Not yet delivered; tries go on.
    Delayed,
}

impl Action {
    /// The word in the Action field.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Delayed => "delayed",
        }
    }
}

/// What a notice says, before it is a message: [`Report::to_message`] makes one of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The queue's name for the message that this is about.
    pub id: String,
    /// The reverse-path of that message, to whom the notice goes.
    pub to: Mailbox,
    /// What became of the recipients.
    pub action: Action,
    /// When the message came into the queue.
    pub arrived: UnixTime,
    /// How long tries go on, counted from there.
    pub give_up: Duration,
    /// The recipients concerned; at least one.
    pub recipients: Vec<ReportedRecipient>,
}

/// One recipient in a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReportedRecipient {
    /// The forward-path.
    pub mailbox: Mailbox,
    /// The recipient that the sender named, with its address type: see [`Recipient::original_recipient`].
    pub original_recipient: Option<String>,
    /// The last failure.
    pub diagnostic: Diagnostic,
    /// How many tries there were.
    pub attempts: u32,
    /// When the last try was begun.
    pub last_attempt: Option<UnixTime>,
    /// Whether it was given up by the schedule, and not for a permanent failure.
    pub expired: bool,
    /// When tries end, if they go on.
    pub will_retry_until: Option<UnixTime>,
}

impl ReportedRecipient {
    pub(crate) fn new(recipient: &Recipient, will_retry_until: Option<UnixTime>) -> Self {
        let expired = matches!(recipient.state, RecipientState::Failed { expired: true, .. });
        // A recipient that failed has a reason, unless a store has lost it.
        let diagnostic = recipient.last_diagnostic.clone().unwrap_or_else(|| {
            let status = if expired { Status::EXPIRED } else { Status::PERMANENT };
            Diagnostic::from_parts(status, "the reason was not recorded", None)
        });
        Self {
            mailbox: recipient.mailbox.clone(),
            original_recipient: recipient.original_recipient.clone(),
            diagnostic,
            attempts: recipient.attempts,
            last_attempt: recipient.last_attempt,
            expired,
            will_retry_until,
        }
    }
}
