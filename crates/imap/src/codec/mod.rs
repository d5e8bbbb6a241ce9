//! Octets to commands and responses, without the state of a session: for sessions, proxies and scanners.
//!
//! A *unit* is what one command or response is on the wire: a line, and after each literal in it the rest of the line, up to the CRLF
//! that ends no literal header (RFC 9051 section 4.3). The [`Framer`] cuts units out of a buffer; the grammar then runs once, over a
//! complete unit.

mod commands;
mod framer;
mod responses;

pub use commands::{CommandDecoder, CommandPart};
pub use framer::{Frame, FrameLimits, Framer, LiteralHeader, Refusal, Verdict};
pub(crate) use responses::literal_of_response;
pub use responses::{ResponseDecoder, ResponsePart};
