#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod client;
pub mod codec;
pub mod command;
pub mod extensions;
#[cfg(feature = "tokio-codec")]
pub mod framed;
mod grammar;
pub mod manual;
#[cfg(feature = "message")]
pub mod message;
pub mod response;
pub mod server;
pub mod types;
mod uids;
pub mod view;

#[doc(no_inline)]
pub use postroad_core::{Full, ParseError, ParseErrorKind, Secret, Session, Step};
