#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod destination;
mod diagnostic;
mod error;
mod message;
mod mx;
mod notice;
mod random;
mod recipient;
mod report;
mod schedule;
mod status;
mod time;

// The public interface is:
pub use destination::{
    Batch, ConnectionOutcome, Deferred, Destination, Destinations, Due, Limits, Plan, Transaction,
};
pub use diagnostic::{Diagnostic, LocalReason, Outcome};
pub use error::StatusError;
pub use message::QueuedMessage;
pub use mx::{MxRoute, route as mx_route};
pub use notice::{Action, Notice, Report, ReportedRecipient};
pub use recipient::{Recipient, RecipientState};
pub use report::ReportConfig;
pub use schedule::Schedule;
pub use status::Status;
pub use time::UnixTime;
