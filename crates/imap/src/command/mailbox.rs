//! CREATE, RENAME and STATUS (RFC 9051 sections 6.3.4, 6.3.6 and 6.3.11, RFC 6154 section 3).

use super::CommandBody;
use super::parse::Parser;
use crate::grammar::Encoder;
use crate::types::{MailboxName, SpecialUse, StatusItem};
use postroad_core::ParseError;

pub(super) fn parse_create(parser: &mut Parser<'_>) -> Result<CommandBody, Box<ParseError>> {
    let mailbox = parser.space_mailbox()?;
    let mut special_use = Vec::new();
    if !parser.is_at_end() {
        parser.space()?;
        parser.eat("(USE ")?;
        special_use = parser.items(None, |parser| SpecialUse::read(parser))?;
        parser.eat(")")?;
    }
    Ok(CommandBody::Create { mailbox, special_use })
}

pub(super) fn print_create(mailbox: &MailboxName, special_use: &[SpecialUse], out: &mut Encoder) {
    out.text("CREATE ").mailbox(mailbox);
    if !special_use.is_empty() {
        out.text(" (USE (");
        for (at, one) in special_use.iter().enumerate() {
            out.text(if at > 0 { " \\" } else { "\\" }).text(one.name());
        }
        out.text("))");
    }
}

pub(super) fn parse_rename(parser: &mut Parser<'_>) -> Result<CommandBody, Box<ParseError>> {
    Ok(CommandBody::Rename { from: parser.space_mailbox()?, to: parser.space_mailbox()? })
}

pub(super) fn parse_status(parser: &mut Parser<'_>) -> Result<CommandBody, Box<ParseError>> {
    let mailbox = parser.space_mailbox()?;
    parser.space()?;
    let items = status_items(parser)?;
    Ok(CommandBody::Status { mailbox, items })
}

pub(super) fn status_items(parser: &mut Parser<'_>) -> Result<Vec<StatusItem>, Box<ParseError>> {
    parser.items(Some("a status item"), |parser| StatusItem::read(parser))
}

pub(super) fn print_status(mailbox: &MailboxName, items: &[StatusItem], out: &mut Encoder) {
    out.text("STATUS ").mailbox(mailbox).text(" ");
    print_status_items(items, out);
}

pub(super) fn print_status_items(items: &[StatusItem], out: &mut Encoder) {
    out.text("(");
    for (at, item) in items.iter().enumerate() {
        out.text(if at > 0 { " " } else { "" }).text(item.name());
    }
    out.text(")");
}
