//! What can go wrong in the store.

use std::fmt;
use std::io;

use rusqlite::ErrorCode;

/// Why the store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StoreError {
    /// The disk is full.
    Full,
    /// The folder or the file system is read-only.
    ReadOnly,
    /// Another process holds the store for too long.
    Busy,
    /// Reading or writing failed otherwise.
    Failed(String),
    /// The store is shutting down.
    Closed,
    /// There is no such account, mailbox, message or queue entry.
    NotFound,
    /// There is such an account or mailbox already.
    Exists,
    /// What was asked cannot be: an address, a password, a mailbox name, a flag; the text says why.
    Invalid(&'static str),
    /// There would be more of something than there may be; the text says of what.
    Limit(&'static str),
    /// The name is only a level above other mailboxes: it can go when they are gone.
    HasChildren,
    /// A mailbox would hold more than its quota.
    OverQuota {
        /// True when the message alone is more than the quota: waiting cannot help.
        never_fits: bool,
    },
    /// Someone else has the maildrop open.
    InUse,
}

impl StoreError {
    /// True when the fault is the store's own and may pass: the peer is told to come back (451 4.3.0).
    pub(crate) fn is_temporary(&self) -> bool {
        matches!(self, Self::Full | Self::ReadOnly | Self::Busy | Self::Failed(_) | Self::Closed)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the disk is full"),
            Self::ReadOnly => f.write_str("the store is read-only"),
            Self::Busy => f.write_str("the store is busy"),
            Self::Failed(reason) => write!(f, "the store failed: {reason}"),
            Self::Closed => f.write_str("the store is closed"),
            Self::NotFound => f.write_str("not found"),
            Self::Exists => f.write_str("exists already"),
            Self::Invalid(reason) | Self::Limit(reason) => f.write_str(reason),
            Self::HasChildren => f.write_str("other mailboxes are below it"),
            Self::OverQuota { never_fits: false } => f.write_str("the mailbox is full"),
            Self::OverQuota { never_fits: true } => {
                f.write_str("the message is larger than the mailbox may be")
            }
            Self::InUse => f.write_str("the maildrop is in use"),
        }
    }
}

impl std::error::Error for StoreError {}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        if error == rusqlite::Error::QueryReturnedNoRows {
            return Self::NotFound;
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            _ => Self::Failed(error.to_string()),
        }
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            _ => Self::Failed(error.to_string()),
        }
    }
}

impl From<tokio::task::JoinError> for StoreError {
    fn from(error: tokio::task::JoinError) -> Self {
        if error.is_cancelled() { Self::Closed } else { Self::Failed("a task ended early".to_owned()) }
    }
}
