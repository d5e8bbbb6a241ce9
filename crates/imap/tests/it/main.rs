//! The behaviour of both ends, one module for each.

#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "a test must begin at some time")]

mod commands;
mod lenience;
mod names;
mod responses;
mod rows;
mod sets;
