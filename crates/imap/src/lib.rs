#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod command;
mod grammar;
#[cfg(feature = "message")]
pub mod message;
pub mod response;
pub mod types;

#[doc(no_inline)]
pub use postroad_core::{Full, ParseError, ParseErrorKind, Secret, Session, Step};
