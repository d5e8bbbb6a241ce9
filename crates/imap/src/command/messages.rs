//! COPY, MOVE and UID EXPUNGE (RFC 9051 sections 6.4.7 to 6.4.9).

use super::CommandBody;
use super::parse::Parser;
use crate::grammar::Encoder;
use crate::types::{MailboxName, Messages};
use postroad_core::ParseError;

pub(super) fn parse_copy(parser: &mut Parser<'_>, uid: bool) -> Result<CommandBody, Box<ParseError>> {
    let (messages, mailbox) = target(parser)?;
    Ok(CommandBody::Copy { uid, messages, mailbox })
}

pub(super) fn parse_move(parser: &mut Parser<'_>, uid: bool) -> Result<CommandBody, Box<ParseError>> {
    let (messages, mailbox) = target(parser)?;
    Ok(CommandBody::Move { uid, messages, mailbox })
}

fn target(parser: &mut Parser<'_>) -> Result<(Messages, MailboxName), Box<ParseError>> {
    parser.space()?;
    let messages = Messages::read(parser)?;
    Ok((messages, parser.space_mailbox()?))
}

pub(super) fn print(name: &'static str, messages: &Messages, mailbox: &MailboxName, out: &mut Encoder) {
    out.text(name).text(" ").messages(messages).text(" ").mailbox(mailbox);
}

pub(super) fn parse_uid_expunge(parser: &mut Parser<'_>) -> Result<CommandBody, Box<ParseError>> {
    parser.space()?;
    Ok(CommandBody::Expunge { uids: Some(Messages::read(parser)?) })
}
