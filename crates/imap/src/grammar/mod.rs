//! The leaves of the grammar, over one complete unit (RFC 9051 section 9).
#![allow(dead_code, reason = "commands and responses do not need the same leaves")]

pub(crate) mod chars;
mod cursor;
mod printer;

pub(crate) use cursor::{Cursor, EightBit, list};
pub use printer::{Encoder, Fragment, LiteralMode};
