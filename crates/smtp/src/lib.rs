#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod client;
pub mod codec;
pub mod command;
mod error;
#[cfg(feature = "tokio-codec")]
pub mod framed;
pub mod manual;
pub mod reply;
pub mod server;
pub mod types;

// The public interface is:
pub use error::{ApiMisuse, CommandError, Error, Limit, PeerFault};
pub use postroad_core::{
    BareNewline, DataFaults, Domain, Full, LineFault, Mailbox, ParseError, ParseErrorKind, Secret, Session,
    Step, TlsInfo,
};
