//! Delivery status notifications (RFC 3464).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use super::{Lines, Typed, typed, value};
use crate::build::PartBuilder;
use crate::error::{BuildError, InvalidReason, InvalidValue};
use crate::message::Message;
use crate::types::DateTime;

/// What became of the message for a recipient (RFC 3464 section 2.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// It could not be delivered, and will not be tried again.
    Failed,
    /// It could not be delivered yet.
    Delayed,
    /// It was delivered.
    Delivered,
    /// It was given to a host that does not report.
    Relayed,
    /// It was delivered to a list, which sends it on.
    Expanded,
}

impl Action {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Delayed => "delayed",
            Self::Delivered => "delivered",
            Self::Relayed => "relayed",
            Self::Expanded => "expanded",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Action {
    type Err = InvalidValue;

    /// Without regard to case and to a comment behind the word.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let word = text.split(['(', ' ', '\t']).next().unwrap_or_default();
        [Self::Failed, Self::Delayed, Self::Delivered, Self::Relayed, Self::Expanded]
            .into_iter()
            .find(|action| action.as_str().eq_ignore_ascii_case(word))
            .ok_or_else(|| InvalidValue::new("action", InvalidReason::Syntax, 0))
    }
}

/// A delivery status (RFC 3464 section 2.1): the fields of the message, and those of each recipient. What cannot be read is
/// absent.
///
/// ```
/// use postroad_message::{Action, DeliveryStatus, RecipientStatus, Typed};
///
/// let status = DeliveryStatus {
///     reporting_mta: Some(Typed::new("dns", "crepes.fr")?),
///     recipients: vec![RecipientStatus {
///         final_recipient: Some(Typed::new("rfc822", "bob@hamburger.edu")?),
///         action: Some(Action::Failed),
///         status: Some("5.1.1".into()),
///         ..RecipientStatus::default()
///     }],
///     ..DeliveryStatus::default()
/// };
/// let octets = status.to_bytes()?;
/// assert_eq!(
///     String::from_utf8_lossy(&octets),
///     "Reporting-MTA: dns; crepes.fr\r\n\r\n\
///      Final-Recipient: rfc822; bob@hamburger.edu\r\nAction: failed\r\nStatus: 5.1.1\r\n"
/// );
/// assert_eq!(DeliveryStatus::read(&octets), status);
/// # Ok::<(), postroad_message::InvalidValue>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeliveryStatus {
    /// `Original-Envelope-Id`: what the sender gave as ENVID.
    pub original_envelope_id: Option<String>,
    /// `Reporting-MTA`: who reports.
    pub reporting_mta: Option<Typed>,
    /// `DSN-Gateway`.
    pub dsn_gateway: Option<Typed>,
    /// `Received-From-MTA`.
    pub received_from_mta: Option<Typed>,
    /// `Arrival-Date`.
    pub arrival_date: Option<DateTime>,
    /// What became of it for each recipient.
    pub recipients: Vec<RecipientStatus>,
}

/// What became of a message for one recipient (RFC 3464 section 2.3).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecipientStatus {
    /// `Original-Recipient`: what the sender gave as ORCPT.
    pub original_recipient: Option<Typed>,
    /// `Final-Recipient`.
    pub final_recipient: Option<Typed>,
    /// `Action`.
    pub action: Option<Action>,
    /// `Status`, such as `5.1.1` (RFC 3463).
    pub status: Option<String>,
    /// `Remote-MTA`.
    pub remote_mta: Option<Typed>,
    /// `Diagnostic-Code`, such as the reply of a host.
    pub diagnostic_code: Option<Typed>,
    /// `Last-Attempt-Date`.
    pub last_attempt_date: Option<DateTime>,
    /// `Final-Log-ID`.
    pub final_log_id: Option<String>,
    /// `Will-Retry-Until`.
    pub will_retry_until: Option<DateTime>,
}

/// More recipients than this are not read.
const RECIPIENTS: usize = 10_000;

impl DeliveryStatus {
    /// Reads the body of a `message/delivery-status`. It never fails.
    pub fn read(body: &[u8]) -> Self {
        let mut status = Self::default();
        let mut rest = body;
        let mut is_first = true;
        while !rest.is_empty() && status.recipients.len() < RECIPIENTS {
            // Groups of fields with blank lines between them.
            rest = match rest {
                [b'\r', b'\n', rest @ ..] | [b'\n', rest @ ..] => {
                    is_first = false;
                    rest
                }
                _ => {
                    let length = group_length(rest);
                    let (group, behind) = rest.split_at(length);
                    let message = Message::parse(group);
                    let header = message.header();
                    let is_recipient =
                        header.field("Final-Recipient").is_some() || header.field("Action").is_some();
                    // Some leave out the blank line behind the fields of the message.
                    if is_first || !is_recipient {
                        status.original_envelope_id =
                            status.original_envelope_id.or_else(|| value(&header, "Original-Envelope-Id"));
                        status.reporting_mta =
                            status.reporting_mta.or_else(|| typed(&header, "Reporting-MTA"));
                        status.dsn_gateway = status.dsn_gateway.or_else(|| typed(&header, "DSN-Gateway"));
                        status.received_from_mta =
                            status.received_from_mta.or_else(|| typed(&header, "Received-From-MTA"));
                        let arrival = header.field("Arrival-Date").and_then(|field| field.date().ok());
                        status.arrival_date = status.arrival_date.or(arrival);
                    }
                    if is_recipient {
                        status.recipients.push(RecipientStatus {
                            original_recipient: typed(&header, "Original-Recipient"),
                            final_recipient: typed(&header, "Final-Recipient"),
                            action: value(&header, "Action").and_then(|text| text.parse().ok()),
                            status: value(&header, "Status")
                                .and_then(|text| text.split(['(', ' ']).next().map(String::from)),
                            remote_mta: typed(&header, "Remote-MTA"),
                            diagnostic_code: typed(&header, "Diagnostic-Code"),
                            last_attempt_date: header
                                .field("Last-Attempt-Date")
                                .and_then(|field| field.date().ok()),
                            final_log_id: value(&header, "Final-Log-ID"),
                            will_retry_until: header
                                .field("Will-Retry-Until")
                                .and_then(|field| field.date().ok()),
                        });
                    }
                    is_first = false;
                    behind
                }
            };
        }
        status
    }

    /// The body of a `message/delivery-status`. It fails if a value holds controls.
    pub fn to_bytes(&self) -> Result<Vec<u8>, InvalidValue> {
        let mut lines = Lines::default();
        lines.add_if("Original-Envelope-Id", self.original_envelope_id.as_ref())?;
        lines.add_if("Reporting-MTA", self.reporting_mta.as_ref())?;
        lines.add_if("DSN-Gateway", self.dsn_gateway.as_ref())?;
        lines.add_if("Received-From-MTA", self.received_from_mta.as_ref())?;
        lines.add_if("Arrival-Date", self.arrival_date)?;
        for recipient in &self.recipients {
            lines.blank();
            lines.add_if("Original-Recipient", recipient.original_recipient.as_ref())?;
            lines.add_if("Final-Recipient", recipient.final_recipient.as_ref())?;
            lines.add_if("Action", recipient.action)?;
            lines.add_if("Status", recipient.status.as_ref())?;
            lines.add_if("Remote-MTA", recipient.remote_mta.as_ref())?;
            lines.add_if("Diagnostic-Code", recipient.diagnostic_code.as_ref())?;
            lines.add_if("Last-Attempt-Date", recipient.last_attempt_date)?;
            lines.add_if("Final-Log-ID", recipient.final_log_id.as_ref())?;
            lines.add_if("Will-Retry-Until", recipient.will_retry_until)?;
        }
        Ok(lines.0)
    }

    /// A `multipart/report` of a text for people, this status, and what is given back of the message: its whole
    /// (`message/rfc822`) or its header (`text/rfc822-headers`).
    pub fn to_report(&self, text: &str, returned: Option<PartBuilder>) -> Result<PartBuilder, BuildError> {
        let body = self.to_bytes()?;
        let subtype =
            if body.is_ascii() { "message/delivery-status" } else { "message/global-delivery-status" };
        let mut parts = alloc::vec![PartBuilder::text(text), PartBuilder::verbatim(subtype, body)];
        parts.extend(returned);
        let report = crate::types::ContentType::new("multipart", "report")?
            .with_parameter("report-type", "delivery-status")?;
        Ok(PartBuilder::multipart(report, parts))
    }
}

/// The octets up to the blank line.
fn group_length(octets: &[u8]) -> usize {
    for line_feed in memchr::memchr_iter(b'\n', octets) {
        if matches!(octets.get(line_feed + 1..), Some([b'\n', ..] | [b'\r', b'\n', ..])) {
            return line_feed + 1;
        }
    }
    octets.len()
}
