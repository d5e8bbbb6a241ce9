//! Commands before and after they are sent.

use super::CommandId;
use super::kind::Kind;
use crate::command::{AppendHead, AppendMessage, Class, CommandBody, Fragment, LiteralMode};
use crate::types::{MailboxName, Tag};

/// APPEND: messages for a mailbox, whose octets are pushed when the server asks for them (RFC 9051 section 6.3.12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// Where they go.
    pub mailbox: MailboxName,
    /// The messages, at least one; more than one only where the server offers MULTIAPPEND (RFC 3502). Whether their literals wait for the
    /// server is the session's to say.
    pub messages: Vec<AppendMessage>,
}

impl Append {
    pub(super) fn encode(&self, tag: &Tag, mode: LiteralMode, utf8: bool) -> Vec<Fragment> {
        let mut fragments = Vec::new();
        let mut before: Option<&AppendMessage> = None;
        for message in &self.messages {
            fragments.extend(if let Some(before) = before {
                message.encode_next(before, mode)
            } else {
                let (mailbox, message) = (self.mailbox.clone(), message.clone());
                AppendHead { tag: tag.clone(), mailbox, message }.encode(mode, utf8)
            });
            before = Some(message);
        }
        fragments.extend(before.map(|last| Fragment::Text(last.end())));
        fragments
    }
}

/// A command that is not sent yet.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) id: CommandId,
    pub(super) request: Request,
    pub(super) class: Class,
    /// The application does not know of it.
    pub(super) hidden: bool,
    /// It is an IDLE that was ended before it began.
    pub(super) stop: bool,
}

#[derive(Debug)]
pub(super) enum Request {
    Body(CommandBody),
    Append(Append),
}

/// A command that was sent, or whose sending has begun, and that is not answered.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) id: CommandId,
    pub(super) tag: Tag,
    pub(super) class: Class,
    pub(super) kind: Kind,
    pub(super) hidden: bool,
    /// Where in all that was ever sent it begins.
    pub(super) begins: u64,
}

/// How far an IDLE is (RFC 2177).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Idling {
    /// It was sent.
    Requested { stop: bool },
    /// The server tells what is new.
    Running,
    /// DONE was sent; for a renewal, IDLE follows it.
    Stopping { renew: bool },
}

/// How far an AUTHENTICATE is (RFC 9051 section 6.2.2).
#[derive(Debug, Default)]
pub(super) enum Exchange {
    /// The server's turn.
    #[default]
    Server,
    /// The server's turn; upon its empty challenge this goes out.
    Initial(postroad_core::Secret<Vec<u8>>),
    /// The application's turn.
    Application,
}
