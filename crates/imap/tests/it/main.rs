//! The behaviour of both ends, one module for each.

#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "a test must begin at some time")]

mod book;
mod client;
mod client_hostile;
mod client_split;
mod client_talk;
mod client_timeouts;
mod client_transcripts;
mod codec;
mod commands;
#[cfg(feature = "tokio-codec")]
mod framed;
mod framer;
mod helpers;
mod lenience;
mod manual;
mod memory;
mod model;
mod model_client;
mod model_world;
mod names;
mod office;
mod pair;
mod pair_model;
mod responses;
mod rows;
#[cfg(feature = "sasl")]
mod sasl;
mod server;
mod server_extensions;
mod server_hostile;
mod server_limits;
mod sets;
mod split;
mod transcripts;
mod view;
