//! The client's end: a session, and two helpers that carry it through what every sender of mail does.
//!
//! [`Client`] sends commands and tells the replies. [`Opening`] takes a fresh connection through greeting, EHLO, STARTTLS and AUTH;
//! [`Transaction`] sends one message to its recipients and says what became of it for each. Neither helper is a session: they are
//! given the client and each of its events, and one can do without them.

mod config;
mod event;
mod kind;
mod not_now;
mod opening;
mod state;
mod transaction;

pub use config::{Config, Timeouts};
pub use event::{CloseReason, CommandId, Event, Phase};
pub use not_now::NotNow;
pub use opening::{Opening, OpeningFailure, OpeningProgress, OpeningStep, TlsPolicy};
pub use state::Client;
pub use transaction::{Delivery, Envelope, Outcome, Progress, RecipientOutcome, Transaction};
