#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod client;
pub mod codec;
pub mod command;
mod error;
#[cfg(feature = "tokio-codec")]
pub mod framed;
mod grammar;
pub mod manual;
pub mod response;
pub mod server;
pub mod types;

// The public interface is the modules above, and:
pub use error::{ApiMisuse, Error, LimitReached, PeerMisbehaved};

#[doc(no_inline)]
pub use postroad_core::{
    BareNewline, DataFaults, Domain, Full, ParseError, ParseErrorKind, Secret, Session, Step,
};
