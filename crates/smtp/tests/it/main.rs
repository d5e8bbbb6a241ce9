//! The tests of postroad-smtp from outside.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::format_collect,
    reason = "a test fails by a panic, and says what time it is"
)]

mod auth;
mod client;
mod client_opening;
mod client_transaction;
mod client_transcripts;
mod commands;
mod envelope;
mod faults;
#[cfg(feature = "tokio-codec")]
mod framed;
mod harness;
mod memory;
mod misuse;
mod pair;
#[cfg(feature = "sasl")]
mod sasl;
mod smuggling;
mod split;
mod starttls;
mod stress;
mod timeouts;
mod tokens;
mod transcripts;
