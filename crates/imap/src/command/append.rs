//! APPEND up to its messages, which are streamed (RFC 9051 section 6.3.12, RFC 3502, RFC 6855).

use crate::types::{AppendOptions, MailboxName, Tag};

/// The beginning of APPEND, up to and with the header of the first message's literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppendHead {
    /// The client's name for the command.
    pub tag: Tag,
    /// Where the messages go.
    pub mailbox: MailboxName,
    /// The first message.
    pub message: AppendMessage,
}

/// What stands before a message, with the header of its literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppendMessage {
    /// Its flags and date.
    pub options: AppendOptions,
    /// How many octets it has.
    pub len: u64,
    /// Whether the client waits for a continuation before it sends them.
    pub synchronizing: bool,
    /// It is a literal8: it may have NULs (RFC 3516).
    pub binary: bool,
    /// It stands in `UTF8 (…)`: its header may be in UTF-8; a `)` follows the literal (RFC 6855 section 4).
    pub utf8: bool,
}
