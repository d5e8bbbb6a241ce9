//! The client end of a session.

mod config;
mod event;
mod state;

pub use config::Config;
pub use event::{CommandId, Event, NotNow, NotNowReason, Reply};
pub use state::Client;
