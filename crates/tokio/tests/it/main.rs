//! The tests of postroad-tokio.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

#[cfg(feature = "rustls")]
mod certificates;
#[cfg(feature = "compress")]
mod compress;
mod driver;
#[cfg(feature = "imap")]
mod imap;
#[cfg(feature = "imap")]
mod imap_dropped;
#[cfg(feature = "imap")]
mod imap_serve;
#[cfg(feature = "imap")]
mod office;
#[cfg(feature = "pop3")]
mod pop3;
#[cfg(feature = "smtp")]
mod smtp;
#[cfg(feature = "rustls")]
mod tls;
mod toy;
