//! What can go wrong here.

use std::fmt;

/// A text or three numbers that are no status code of RFC 3463.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusError;

impl fmt::Display for StatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a status code of RFC 3463, such as 5.1.1")
    }
}

impl std::error::Error for StatusError {}
