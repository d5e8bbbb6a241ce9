//! Harnesses for testing sessions: they do for a test what a driver does for a program, at any speed and with any cut of the octets.
//!
//! - [`Pair`]: a client against a server under virtual time, with any segment size;
//! - [`split`]: any cut of the octets must give the same events and the same answers;
//! - [`transcript`]: `C:` and `S:` files from the RFCs, played against either end.
//!
//! For the tests of this workspace; not published.
#![forbid(unsafe_code)]
#![allow(clippy::panic, clippy::expect_used, reason = "a harness fails a test by a panic")]

mod pair;
pub mod split;
pub mod transcript;

pub use pair::{End, Pair, Side};
pub use transcript::Transcript;

/// The examples of the README are compiled and run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
#[derive(Debug)]
pub struct Readme;
