//! Commands with free text or nothing behind the verb (RFC 5321 sections 4.1.1.5 to 4.1.1.10).

use super::required as something;
use crate::types::Argument;
use core::fmt;
use postroad_core::{ParseError, ParseErrorKind};

pub(super) fn none(arguments: Option<&[u8]>) -> Result<(), ParseError> {
    match arguments {
        None => Ok(()),
        Some(arguments) => Err(ParseError::new(ParseErrorKind::Trailing, 0, arguments)),
    }
}

pub(super) fn required(arguments: Option<&[u8]>) -> Result<Argument, ParseError> {
    Argument::parse(something(arguments, "argument")?)
}

pub(super) fn optional(arguments: Option<&[u8]>) -> Result<Option<Argument>, ParseError> {
    arguments.map(Argument::parse).transpose()
}

pub(super) fn encode(argument: Option<&Argument>, to: &mut impl fmt::Write) -> fmt::Result {
    match argument {
        Some(argument) => write!(to, " {argument}"),
        None => Ok(()),
    }
}
