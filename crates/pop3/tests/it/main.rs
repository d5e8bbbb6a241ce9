//! The behaviour of both ends, one module for each.

#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "a test must begin at some time")]

mod client;
mod common;
mod dots;
#[cfg(feature = "tokio-codec")]
mod framed;
mod limits;
mod login;
mod maildrop;
mod misuse;
mod pair;
mod split;
mod stls;
mod stress;
mod timeouts;
mod transcripts;
