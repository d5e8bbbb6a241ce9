//! STAT, LIST and UIDL (RFC 1939 sections 5 and 7).

use super::{Command, no_argument};
use crate::grammar::{space, whole};
use crate::types::MessageNumber;
use core::fmt;
use nom::sequence::preceded;
use postroad_core::ParseError;

pub(super) fn parse_stat(line: &[u8], arguments: &[u8]) -> Result<Command, ParseError> {
    no_argument(line, arguments, Command::Stat)
}

pub(super) fn parse_list(line: &[u8], arguments: &[u8]) -> Result<Command, ParseError> {
    optional(line, arguments).map(Command::List)
}

pub(super) fn parse_uidl(line: &[u8], arguments: &[u8]) -> Result<Command, ParseError> {
    optional(line, arguments).map(Command::Uidl)
}

fn optional(line: &[u8], arguments: &[u8]) -> Result<Option<MessageNumber>, ParseError> {
    if arguments.is_empty() {
        return Ok(None);
    }
    whole(line, arguments, preceded(space, MessageNumber::parser)).map(Some)
}

pub(super) fn print(keyword: &str, number: Option<MessageNumber>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match number {
        Some(number) => write!(f, "{keyword} {number}"),
        None => f.write_str(keyword),
    }
}
