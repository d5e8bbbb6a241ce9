//! The tests of postroad-tokio.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

#[cfg(feature = "rustls")]
mod certificates;
mod driver;
#[cfg(feature = "pop3")]
mod pop3;
#[cfg(feature = "smtp")]
mod smtp;
#[cfg(feature = "rustls")]
mod tls;
mod toy;
