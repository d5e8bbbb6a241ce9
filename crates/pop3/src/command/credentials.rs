//! USER and PASS (RFC 1939 section 7). Each has one argument that reaches to the end of the line.

use super::Command;
use crate::grammar::{prefix, space};
use crate::types::{Password, UserName};
use postroad_core::ParseError;

pub(super) fn parse_user(line: &[u8], arguments: &[u8]) -> Result<Command, ParseError> {
    let (name, ()) = prefix(line, arguments, space)?;
    UserName::parse(name).map(Command::User).map_err(|error| error.shifted(line.len() - name.len()))
}

pub(super) fn parse_pass(line: &[u8], arguments: &[u8]) -> Result<Command, ParseError> {
    let (password, ()) = prefix(line, arguments, space).map_err(ParseError::redacted)?;
    Password::parse(password).map(Command::Pass).map_err(|error| error.shifted(line.len() - password.len()))
}

pub(super) fn encode_pass(password: &Password, word: &mut impl FnMut(&str)) {
    word("PASS ");
    word(password.expose());
}
