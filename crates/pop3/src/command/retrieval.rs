//! RETR and TOP (RFC 1939 sections 5 and 7).

use super::Command;
use crate::grammar::{number32, space, whole};
use crate::types::MessageNumber;
use nom::Parser;
use nom::sequence::{preceded, separated_pair};
use postroad_core::ParseError;

pub(super) fn parse_retr(line: &[u8], arguments: &[u8]) -> Result<Command, ParseError> {
    whole(line, arguments, preceded(space, MessageNumber::parser).map(Command::Retr))
}

pub(super) fn parse_top(line: &[u8], arguments: &[u8]) -> Result<Command, ParseError> {
    let both = separated_pair(MessageNumber::parser, space, number32);
    whole(line, arguments, preceded(space, both).map(|(number, lines)| Command::Top { number, lines }))
}
