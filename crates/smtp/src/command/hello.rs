//! EHLO and HELO (RFC 5321 section 4.1.1.1).

use super::required;
use crate::types::ClientName;
use core::fmt;
use postroad_core::ParseError;

/// ehlo = "EHLO" SP ( Domain / address-literal ) CRLF
pub(super) fn parse(arguments: Option<&[u8]>) -> Result<ClientName, ParseError> {
    ClientName::parse(required(arguments, "domain")?)
}

pub(super) fn encode(name: &ClientName, to: &mut impl fmt::Write) -> fmt::Result {
    write!(to, " {name}")
}
