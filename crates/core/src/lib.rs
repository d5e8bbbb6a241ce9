#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod dot;
mod error;
mod framer;
mod mailbox;
mod output;
mod secret;
mod ticket;
mod tls_info;

#[cfg(feature = "std")]
mod session;
#[cfg(feature = "std")]
mod timers;

// The public interface is:
pub use dot::{BareNewline, BareNewlineError, DataFaults, DotStuffer, DotUnstuffer, Unstuffed};
pub use error::{ParseError, ParseErrorKind};
pub use framer::{Framed, LineFault, LineFramer};
pub use mailbox::{Domain, Mailbox};
pub use output::{Full, Output};
pub use secret::Secret;
#[cfg(feature = "std")]
pub use session::{Session, Step};
pub use ticket::{Ticket, Tickets};
#[cfg(feature = "std")]
pub use timers::{Timers, deadline};
pub use tls_info::TlsInfo;
