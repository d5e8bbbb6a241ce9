//! The behaviour of both ends, one module for each.

#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "a test must begin at some time")]

mod book;
mod codec;
mod commands;
#[cfg(feature = "tokio-codec")]
mod framed;
mod framer;
mod lenience;
mod model;
mod model_client;
mod names;
mod office;
mod responses;
mod rows;
mod server;
mod server_limits;
mod sets;
mod transcripts;
mod view;
