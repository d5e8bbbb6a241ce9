//! LOGIN, AUTHENTICATE, ID, ENABLE and COMPRESS (RFC 9051 sections 6.2 and 6.3.1, RFC 2971, RFC 4959, RFC 4978, RFC 5161).

use super::CommandBody;
use super::parse::Parser;
use crate::grammar::Encoder;
use crate::types::{Atom, Capability, Credentials};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use postroad_core::{ParseError, ParseErrorKind, Secret};

/// The most fields of ID (RFC 2971 section 3.3).
const ID_FIELDS: usize = 30;

type Fields = Vec<(Bytes, Option<Bytes>)>;

pub(super) fn parse_login(parser: &mut Parser<'_>) -> Result<CommandBody, Box<ParseError>> {
    parser.space()?;
    let user = parser.astring()?;
    parser.space()?;
    let password = parser.astring()?;
    Ok(CommandBody::Login(Credentials { user, password: Secret::new(password.to_vec()) }))
}

pub(super) fn print_login(credentials: &Credentials, out: &mut Encoder) {
    out.text("LOGIN ").astring(&credentials.user).text(" ").astring(credentials.password.expose());
}

pub(super) fn parse_authenticate(parser: &mut Parser<'_>) -> Result<CommandBody, Box<ParseError>> {
    parser.space()?;
    let mechanism = parser.atom()?;
    if parser.is_at_end() {
        return Ok(CommandBody::Authenticate { mechanism, initial_response: None });
    }
    parser.space()?;
    let response = match parser.rest() {
        b"=" => Vec::new(),
        [] => return Err(parser.expected("a response")),
        base64 => {
            STANDARD.decode(base64).map_err(|_| parser.fail(ParseErrorKind::Expected("base64")).redacted())?
        }
    };
    let left = parser.rest().len();
    parser.skip(left);
    Ok(CommandBody::Authenticate { mechanism, initial_response: Some(Secret::new(response)) })
}

pub(super) fn print_authenticate(mechanism: &Atom, response: Option<&Secret<Vec<u8>>>, out: &mut Encoder) {
    out.text("AUTHENTICATE ").text(mechanism.as_str());
    match response.map(Secret::expose) {
        None => {}
        Some(octets) if octets.is_empty() => {
            out.text(" =");
        }
        Some(octets) => {
            out.text(" ").text(Secret::new(STANDARD.encode(octets)).expose());
        }
    }
}

pub(super) fn parse_id(parser: &mut Parser<'_>) -> Result<CommandBody, Box<ParseError>> {
    parser.space()?;
    if parser.try_nil() {
        return Ok(CommandBody::Id(None));
    }
    let at = parser.at();
    let fields = parser.items(None, |parser| {
        let field = parser.string()?;
        parser.space()?;
        Ok((field, parser.nstring()?))
    })?;
    if fields.len() > ID_FIELDS {
        return Err(parser.fail_at(ParseErrorKind::TooLong { what: "a list", limit: ID_FIELDS }, at));
    }
    Ok(CommandBody::Id(Some(fields)))
}

pub(super) fn print_id(fields: Option<&Fields>, out: &mut Encoder) {
    let Some(fields) = fields else {
        out.text("ID NIL");
        return;
    };
    out.text("ID (");
    for (at, (field, value)) in fields.iter().enumerate() {
        out.text(if at > 0 { " " } else { "" }).string(field).text(" ").nstring(value.as_deref());
    }
    out.text(")");
}

pub(super) fn parse_enable(parser: &mut Parser<'_>) -> Result<CommandBody, Box<ParseError>> {
    let mut capabilities = Vec::new();
    while !parser.is_at_end() || capabilities.is_empty() {
        parser.space()?;
        if capabilities.len() >= parser.options.max_list_items {
            let limit = parser.options.max_list_items;
            return Err(parser.fail(ParseErrorKind::TooLong { what: "a list", limit }));
        }
        capabilities.push(Capability::new(parser.atom()?));
    }
    Ok(CommandBody::Enable(capabilities))
}

pub(super) fn print_enable(capabilities: &[Capability], out: &mut Encoder) {
    out.text("ENABLE");
    for capability in capabilities {
        out.text(" ").display(capability);
    }
}

pub(super) fn parse_compress(parser: &mut Parser<'_>) -> Result<CommandBody, Box<ParseError>> {
    parser.space()?;
    let at = parser.at();
    match parser.keyword().as_slice() {
        b"DEFLATE" => Ok(CommandBody::Compress),
        _ => Err(parser.fail_at(ParseErrorKind::Unknown("compression"), at)),
    }
}
