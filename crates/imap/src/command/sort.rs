//! SORT and THREAD (RFC 5256, RFC 5957).

use super::parse::Parser;
use super::search::{SearchReturn, parse_return, print_return};
use super::search_key::SearchKeys;
use crate::grammar::Encoder;
use crate::types::Atom;
use bytes::Bytes;
use postroad_core::{ParseError, ParseErrorKind};

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

impl SortKey {
    const NAMES: [(&'static str, Self); 9] = [
        ("ARRIVAL", Self::Arrival),
        ("CC", Self::Cc),
        ("DATE", Self::Date),
        ("DISPLAYFROM", Self::DisplayFrom),
        ("DISPLAYTO", Self::DisplayTo),
        ("FROM", Self::From),
        ("SIZE", Self::Size),
        ("SUBJECT", Self::Subject),
        ("TO", Self::To),
    ];

    /// The name.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|&&(_, key)| key == self).map_or("", |(name, _)| name)
    }
}

impl ThreadAlgorithm {
    /// The algorithm of this name, in any case.
    pub fn new(name: Atom) -> Self {
        if name.is("ORDEREDSUBJECT") {
            Self::OrderedSubject
        } else if name.is("REFERENCES") {
            Self::References
        } else {
            Self::Other(name)
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        match self {
            Self::OrderedSubject => "ORDEREDSUBJECT",
            Self::References => "REFERENCES",
            Self::Other(name) => name.as_str(),
        }
    }
}

pub(super) fn parse(parser: &mut Parser<'_>, uid: bool) -> Result<Sort, Box<ParseError>> {
    parser.space()?;
    let return_options = parse_return(parser)?;
    let criteria = parser.items(Some("a sort criterion"), |parser| {
        let mut at = parser.at();
        let mut word = parser.keyword();
        let reverse = word.as_slice() == b"REVERSE";
        if reverse {
            parser.space()?;
            at = parser.at();
            word = parser.keyword();
        }
        match SortKey::NAMES.iter().find(|(name, _)| name.as_bytes() == word.as_slice()) {
            Some(&(_, key)) => Ok(SortCriterion { reverse, key }),
            None => Err(parser.fail_at(ParseErrorKind::Unknown("sort criterion"), at)),
        }
    })?;
    let (charset, keys) = parse_program(parser)?;
    Ok(Sort { uid, return_options, criteria, charset, keys })
}

pub(super) fn parse_thread(parser: &mut Parser<'_>, uid: bool) -> Result<Thread, Box<ParseError>> {
    parser.space()?;
    let algorithm = ThreadAlgorithm::new(parser.atom()?);
    let (charset, keys) = parse_program(parser)?;
    Ok(Thread { uid, algorithm, charset, keys })
}

/// The charset and the keys, each with a space before it.
fn parse_program(parser: &mut Parser<'_>) -> Result<(Bytes, SearchKeys), Box<ParseError>> {
    parser.space()?;
    let charset = parser.astring()?;
    parser.space()?;
    Ok((charset, SearchKeys::read(parser)?))
}

pub(super) fn print(name: &'static str, sort: &Sort, out: &mut Encoder) {
    out.text(name).text(" ");
    print_return(sort.return_options, out);
    out.text("(");
    for (at, criterion) in sort.criteria.iter().enumerate() {
        out.text(if at > 0 { " " } else { "" });
        out.text(if criterion.reverse { "REVERSE " } else { "" }).text(criterion.key.name());
    }
    out.text(") ").astring(&sort.charset).text(" ");
    sort.keys.print(out);
}

pub(super) fn print_thread(name: &'static str, thread: &Thread, out: &mut Encoder) {
    out.text(name).text(" ").text(thread.algorithm.name()).text(" ").astring(&thread.charset).text(" ");
    thread.keys.print(out);
}
