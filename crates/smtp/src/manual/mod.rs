//! The hard rules: each attack of the past, what we do about it, and the test that holds it.
//!
//! Nothing is in these modules but words.

pub mod authentication;
pub mod forgiveness;
pub mod injection;
pub mod memory;
pub mod slowness;
pub mod smuggling;
pub mod starttls;
