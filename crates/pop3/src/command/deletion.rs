//! DELE and RSET (RFC 1939 section 5).

use super::{Command, no_argument};
use crate::grammar::{space, whole};
use crate::types::MessageNumber;
use nom::Parser;
use nom::sequence::preceded;
use postroad_core::ParseError;

pub(super) fn parse_dele(line: &[u8], arguments: &[u8]) -> Result<Command, ParseError> {
    whole(line, arguments, preceded(space, MessageNumber::parser).map(Command::Dele))
}

pub(super) fn parse_rset(line: &[u8], arguments: &[u8]) -> Result<Command, ParseError> {
    no_argument(line, arguments, Command::Rset)
}
