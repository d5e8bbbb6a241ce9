//! The client's end of a session.

mod check;
mod config;
mod error;
mod event;
mod kind;
mod mailbox;
mod not_now;
mod receive;
#[cfg(feature = "sasl")]
pub mod sasl;
mod sending;
mod session;
mod state;
mod waiting;

pub use config::{Config, Timeouts};
pub use error::{ApiMisuse, Error, LimitReached, ServerFault};
pub use event::{CommandId, Event, Phase, State};
pub use not_now::{NotNow, NotNowReason};
pub use state::Client;
pub use waiting::Append;
