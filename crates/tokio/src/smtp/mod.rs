//! SMTP: a [`Client`] that sends messages, and the front of a mail server by [`serve`] and [`Handler`].
//!
//! The sessions are those of [`postroad_smtp`]; see [`Client`] and [`serve`] for examples.

mod client;
mod handler;
mod server;

// The public interface is:
pub use client::{Client, ClientError, ClientOptions};
pub use handler::{AuthAnswer, AuthStep, Handler};
pub use server::serve;

#[doc(no_inline)]
pub use postroad_smtp;
