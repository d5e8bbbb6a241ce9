//! Message disposition notifications (RFC 8098).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Lines, Typed, typed, value};
use crate::build::PartBuilder;
use crate::error::{BuildError, InvalidValue};
use crate::message::Message;
use crate::types::MessageId;

/// Who decided what was done, and who decided that it is said (RFC 8098 section 3.2.6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct DispositionMode {
    /// A person did it, not a rule.
    pub manual_action: bool,
    /// A person said that the notification may be sent.
    pub sent_manually: bool,
}

/// What was done with a message (RFC 8098 section 3.2.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disposition {
    /// By whom.
    pub mode: DispositionMode,
    /// The word in lower case: `displayed`, `deleted`, `dispatched`, `processed`.
    pub kind: String,
    /// More about it, in lower case, such as `error`.
    pub modifiers: Vec<String>,
}

impl Disposition {
    fn read(text: &str) -> Option<Self> {
        let (mode, rest) = text.split_once(';')?;
        let (action, sending) = mode.split_once('/')?;
        let is = |text: &str, word: &str| text.trim().eq_ignore_ascii_case(word);
        let (kind, modifiers) = rest.split_once('/').unwrap_or((rest, ""));
        let kind = kind.trim().to_ascii_lowercase();
        let modifiers = modifiers.split(',').map(|word| word.trim().to_ascii_lowercase());
        (!kind.is_empty()).then(|| Self {
            mode: DispositionMode {
                manual_action: is(action, "manual-action"),
                sent_manually: is(sending, "MDN-sent-manually"),
            },
            kind,
            modifiers: modifiers.filter(|word| !word.is_empty()).take(128).collect(),
        })
    }

    fn show(&self) -> String {
        let action = if self.mode.manual_action { "manual-action" } else { "automatic-action" };
        let sending = if self.mode.sent_manually { "MDN-sent-manually" } else { "MDN-sent-automatically" };
        let slash = if self.modifiers.is_empty() { "" } else { "/" };
        format!("{action}/{sending}; {}{slash}{}", self.kind, self.modifiers.join(","))
    }
}

/// A disposition notification (RFC 8098 section 3.1).
///
/// ```
/// use postroad_message::{Disposition, DispositionMode, DispositionNotification, Typed};
///
/// let notification = DispositionNotification {
///     final_recipient: Some(Typed::new("rfc822", "bob@hamburger.edu")?),
///     original_message_id: Some("1234@crepes.fr".parse()?),
///     ..DispositionNotification::new(Disposition {
///         mode: DispositionMode { manual_action: true, sent_manually: true },
///         kind: "displayed".into(),
///         modifiers: vec![],
///     })
/// };
/// let octets = notification.to_bytes()?;
/// assert_eq!(
///     String::from_utf8_lossy(&octets),
///     "Final-Recipient: rfc822; bob@hamburger.edu\r\nOriginal-Message-ID: <1234@crepes.fr>\r\n\
///      Disposition: manual-action/MDN-sent-manually; displayed\r\n"
/// );
/// assert_eq!(DispositionNotification::read(&octets), Some(notification));
/// # Ok::<(), postroad_message::InvalidValue>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DispositionNotification {
    /// `Reporting-UA`: the host, and the product.
    pub reporting_ua: Option<String>,
    /// `MDN-Gateway`.
    pub mdn_gateway: Option<Typed>,
    /// `Original-Recipient`.
    pub original_recipient: Option<Typed>,
    /// `Final-Recipient`.
    pub final_recipient: Option<Typed>,
    /// `Original-Message-ID`.
    pub original_message_id: Option<MessageId>,
    /// What was done.
    pub disposition: Disposition,
    /// What went wrong, one for each `Error` field.
    pub errors: Vec<String>,
}

impl DispositionNotification {
    /// A notification of what was done, and nothing else.
    pub const fn new(disposition: Disposition) -> Self {
        Self {
            reporting_ua: None,
            mdn_gateway: None,
            original_recipient: None,
            final_recipient: None,
            original_message_id: None,
            disposition,
            errors: Vec::new(),
        }
    }

    /// Reads the body of a `message/disposition-notification`; `None` if it does not say what was done.
    pub fn read(body: &[u8]) -> Option<Self> {
        let message = Message::parse(body);
        let header = message.header();
        let errors = header.fields_named("Error").take(128);
        Some(Self {
            reporting_ua: value(&header, "Reporting-UA"),
            mdn_gateway: typed(&header, "MDN-Gateway"),
            original_recipient: typed(&header, "Original-Recipient"),
            final_recipient: typed(&header, "Final-Recipient"),
            original_message_id: header
                .field("Original-Message-ID")
                .and_then(|field| field.message_ids().into_iter().next()),
            disposition: Disposition::read(&value(&header, "Disposition")?)?,
            errors: errors.map(|field| field.unfolded().into_owned()).collect(),
        })
    }

    /// The body of a `message/disposition-notification`. It fails if a value holds controls.
    pub fn to_bytes(&self) -> Result<Vec<u8>, InvalidValue> {
        let mut lines = Lines::default();
        lines.add_if("Reporting-UA", self.reporting_ua.as_ref())?;
        lines.add_if("MDN-Gateway", self.mdn_gateway.as_ref())?;
        lines.add_if("Original-Recipient", self.original_recipient.as_ref())?;
        lines.add_if("Final-Recipient", self.final_recipient.as_ref())?;
        lines.add_if("Original-Message-ID", self.original_message_id.as_ref())?;
        lines.add("Disposition", &self.disposition.show())?;
        for error in &self.errors {
            lines.add("Error", error)?;
        }
        Ok(lines.0)
    }

    /// A `multipart/report` of a text for people, this notification, and what is given back of the message.
    pub fn to_report(&self, text: &str, returned: Option<PartBuilder>) -> Result<PartBuilder, BuildError> {
        let body = self.to_bytes()?;
        let subtype = if body.is_ascii() {
            "message/disposition-notification"
        } else {
            "message/global-disposition-notification"
        };
        let mut parts = alloc::vec![PartBuilder::text(text), PartBuilder::verbatim(subtype, body)];
        parts.extend(returned);
        let report = crate::types::ContentType::new("multipart", "report")?
            .with_parameter("report-type", "disposition-notification")?;
        Ok(PartBuilder::multipart(report, parts))
    }
}
