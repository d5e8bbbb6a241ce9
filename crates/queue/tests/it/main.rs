//! The queue from outside: in virtual time, through restarts, and as the sender sees it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails here"
)]

mod notices;
mod property;
mod simulation;
mod world;
