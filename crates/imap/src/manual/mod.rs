//! What has gone wrong in IMAP programs, what this crate does about it, and the test that holds it.

pub mod answers;
pub mod injection;
pub mod literals;
pub mod memory;
pub mod sequence_numbers;
pub mod slowness;
pub mod starttls;
