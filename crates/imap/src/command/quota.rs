//! GETQUOTA, GETQUOTAROOT and SETQUOTA (RFC 9208 section 4.1).

use super::CommandBody;
use super::parse::Parser;
use crate::grammar::Encoder;
use crate::types::{QuotaLimit, QuotaResource};
use bytes::Bytes;
use postroad_core::ParseError;

pub(super) fn parse_get(parser: &mut Parser<'_>) -> Result<CommandBody, Box<ParseError>> {
    parser.space()?;
    Ok(CommandBody::GetQuota { root: parser.astring()? })
}

pub(super) fn parse_set(parser: &mut Parser<'_>) -> Result<CommandBody, Box<ParseError>> {
    parser.space()?;
    let root = parser.astring()?;
    parser.space()?;
    let limits = parser.items(None, |parser| {
        let resource = QuotaResource::read(parser)?;
        parser.space()?;
        Ok(QuotaLimit { resource, limit: parser.number64()? })
    })?;
    Ok(CommandBody::SetQuota { root, limits })
}

pub(super) fn print_set(root: &Bytes, limits: &[QuotaLimit], out: &mut Encoder) {
    out.text("SETQUOTA ").astring(root).text(" (");
    for (at, QuotaLimit { resource, limit }) in limits.iter().enumerate() {
        out.text(if at > 0 { " " } else { "" }).text(resource.name()).text(" ").number(*limit);
    }
    out.text(")");
}
