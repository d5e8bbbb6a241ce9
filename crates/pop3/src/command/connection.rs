//! NOOP and QUIT (RFC 1939 sections 5 and 6), CAPA (RFC 2449 section 5), STLS (RFC 2595 section 4): none has an argument.

use super::{Command, no_argument};
use postroad_core::ParseError;

pub(super) fn parse_noop(line: &[u8], arguments: &[u8]) -> Result<Command, ParseError> {
    no_argument(line, arguments, Command::Noop)
}

pub(super) fn parse_quit(line: &[u8], arguments: &[u8]) -> Result<Command, ParseError> {
    no_argument(line, arguments, Command::Quit)
}

pub(super) fn parse_capa(line: &[u8], arguments: &[u8]) -> Result<Command, ParseError> {
    no_argument(line, arguments, Command::Capa)
}

pub(super) fn parse_stls(line: &[u8], arguments: &[u8]) -> Result<Command, ParseError> {
    no_argument(line, arguments, Command::Stls)
}
