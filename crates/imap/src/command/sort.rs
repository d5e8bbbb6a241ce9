//! SORT and THREAD (RFC 5256, RFC 5957).

use super::search::{SearchKeys, SearchReturn};
use crate::types::Atom;
use bytes::Bytes;

/// By what messages are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SortKey {
    /// ARRIVAL: the internal date.
    Arrival,
    /// CC: the first address.
    Cc,
    /// DATE: the Date field.
    Date,
    /// DISPLAYFROM: the display name of the first address (RFC 5957).
    DisplayFrom,
    /// DISPLAYTO (RFC 5957).
    DisplayTo,
    /// FROM: the first address.
    From,
    /// SIZE.
    Size,
    /// SUBJECT: the base subject.
    Subject,
    /// TO: the first address.
    To,
}

/// A key, and whether the order is reversed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SortCriterion {
    /// REVERSE: in descending order.
    pub reverse: bool,
    /// The key.
    pub key: SortKey,
}

/// SORT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// The answer is in UIDs.
    pub uid: bool,
    /// What to return (RFC 5267); `None`: all numbers.
    pub return_options: Option<SearchReturn>,
    /// The order, at least one criterion.
    pub criteria: Vec<SortCriterion>,
    /// The charset of the strings.
    pub charset: Bytes,
    /// What to look for.
    pub keys: SearchKeys,
}

/// How threads are found.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ThreadAlgorithm {
    /// ORDEREDSUBJECT.
    OrderedSubject,
    /// REFERENCES.
    References,
    /// Another.
    Other(Atom),
}

/// THREAD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// The answer is in UIDs.
    pub uid: bool,
    /// How threads are found.
    pub algorithm: ThreadAlgorithm,
    /// The charset of the strings.
    pub charset: Bytes,
    /// What to look for.
    pub keys: SearchKeys,
}
