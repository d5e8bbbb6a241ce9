//! POP3: a [`Client`] that reads a maildrop, and a server by [`serve`] and [`Handler`].
//!
//! The sessions are those of [`postroad_pop3`]; see [`Client`] and [`serve`] for examples.

mod client;
mod handler;
mod server;

// The public interface is:
pub use crate::TlsPolicy;
pub use client::{Client, ClientError, ClientOptions};
pub use handler::{Handler, NotRemoved};
pub use server::serve;

#[doc(no_inline)]
pub use postroad_pop3;
