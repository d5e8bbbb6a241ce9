//! LIST (RFC 9051 section 6.3.9, RFC 5258, RFC 5819, RFC 6154).

use crate::types::{ListPattern, ListReturn, ListSelection, MailboxName};

/// LIST, basic or extended: it is extended if anything is selected or returned, or if it has several patterns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// Which kinds of mailboxes.
    pub selection: ListSelection,
    /// What the patterns are relative to; mostly empty.
    pub reference: MailboxName,
    /// Which names, at least one pattern.
    pub patterns: Vec<ListPattern>,
    /// What to tell of each.
    pub returns: ListReturn,
}
