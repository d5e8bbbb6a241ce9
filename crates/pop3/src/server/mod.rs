//! The server end of a session.

mod body;
mod config;
mod event;
mod listing;
mod request;
mod state;

pub use body::Pushed;
pub use config::Config;
pub use event::{Aborted, Event};
pub use request::{Body, Login, Retrieve, Stls, Update};
pub use state::Server;
