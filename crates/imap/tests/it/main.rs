//! What the crate promises, one module per behaviour.

#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "a test must begin at some time")]

mod commands;
mod names;
mod sets;
