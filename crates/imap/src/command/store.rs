//! STORE and UID STORE (RFC 9051 section 6.4.6, RFC 7162 section 3.1.3).

use crate::types::{Flag, Messages, ModSeq};

/// What STORE does with the flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StoreOperation {
    /// FLAGS: the message has these and no others.
    Replace,
    /// +FLAGS: it has these too.
    Add,
    /// -FLAGS: it has these no longer.
    Remove,
}

/// STORE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// `messages` are UIDs.
    pub uid: bool,
    /// Which messages.
    pub messages: Messages,
    /// Only those that did not change since (RFC 7162).
    pub unchanged_since: Option<ModSeq>,
    /// What to do.
    pub operation: StoreOperation,
    /// `.SILENT`: do not tell the new flags.
    pub silent: bool,
    /// The flags.
    pub flags: Vec<Flag>,
}
