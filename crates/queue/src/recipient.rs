//! One recipient of a message in the queue.

use crate::{Diagnostic, UnixTime};
use postroad_core::Mailbox;

/// Where a recipient stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecipientState {
    /// Not delivered yet.
    Scheduled {
        /// When it is due.
        next_try: UnixTime,
    },
    /// The next server has taken responsibility.
    Delivered {
        /// Since when.
        at: UnixTime,
    },
    /// Given up.
    Failed {
        /// Since when.
        at: UnixTime,
        /// By the schedule, after failures that might have passed; else by a permanent failure.
        expired: bool,
        /// Whether a notice about it was taken, or none is to be given.
        reported: bool,
    },
}

/// One recipient of a message in the queue: a plain record, for a store to keep field by field.
///
/// Change it only through [`QueuedMessage`](crate::QueuedMessage), except to put together what a store kept:
///
/// ```
/// use postroad_core::Mailbox;
/// use postroad_queue::{Recipient, RecipientState, UnixTime};
///
/// let next_try = UnixTime::from_seconds(1_795_420_800);
/// let mut recipient = Recipient::new(Mailbox::parse("bob@hamburger.edu")?, next_try);
/// recipient.attempts = 3;
/// recipient.delay_notice_sent = true;
/// assert_eq!(recipient.state, RecipientState::Scheduled { next_try });
/// # Ok::<(), postroad_core::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recipient {
    /// The forward-path.
    pub mailbox: Mailbox,
    /// The recipient that the sender named, with its address type, as ORCPT gave it: `rfc822;bob@hamburger.edu` (RFC 3461 section
    /// 4.2), decoded from xtext.
    pub original_recipient: Option<String>,
    /// Where it stands.
    pub state: RecipientState,
    /// How many tries were begun.
    pub attempts: u32,
    /// When the last try was begun.
    pub last_attempt: Option<UnixTime>,
    /// Why it is not delivered: the last failure.
    pub last_diagnostic: Option<Diagnostic>,
    /// Whether the notice of delay was taken, or none is to be given.
    pub delay_notice_sent: bool,
}

impl Recipient {
    /// A recipient that was not tried yet and is due at `next_try`.
    pub fn new(mailbox: Mailbox, next_try: UnixTime) -> Self {
        Self {
            mailbox,
            original_recipient: None,
            state: RecipientState::Scheduled { next_try },
            attempts: 0,
            last_attempt: None,
            last_diagnostic: None,
            delay_notice_sent: false,
        }
    }

    /// Whether neither tries nor notices are to come.
    pub fn is_finished(&self) -> bool {
        match self.state {
            RecipientState::Scheduled { .. } => false,
            RecipientState::Delivered { .. } => true,
            RecipientState::Failed { reported, .. } => reported,
        }
    }

    /// When it is due, while it is scheduled.
    pub fn next_try(&self) -> Option<UnixTime> {
        match self.state {
            RecipientState::Scheduled { next_try } => Some(next_try),
            RecipientState::Delivered { .. } | RecipientState::Failed { .. } => None,
        }
    }
}
