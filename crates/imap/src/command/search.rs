//! SEARCH and UID SEARCH (RFC 9051 section 6.4.4 and the extensions named).

use super::parse::Parser;
use super::search_key::SearchKeys;
use crate::grammar::{Cursor, Encoder};
use crate::types::ModSeq;
use bytes::Bytes;
use core::num::NonZeroU32;
use postroad_core::{ParseError, ParseErrorKind};

/// Some of the messages that would be found (RFC 9394 section 3.1): from `first` to `last`, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PartialRange {
    /// The one counted first.
    pub first: NonZeroU32,
    /// The one counted last.
    pub last: NonZeroU32,
    /// Counted from the end: `-1:-100`.
    pub from_end: bool,
}

/// What SEARCH returns (RFC 4731, RFC 5182, RFC 9394).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SearchReturn {
    /// MIN: the least number.
    pub min: bool,
    /// MAX: the greatest number.
    pub max: bool,
    /// ALL: all numbers, as a set. `RETURN ()` is read as this.
    pub all: bool,
    /// COUNT: how many there are.
    pub count: bool,
    /// SAVE: keep the result as `$`.
    pub save: bool,
    /// PARTIAL: some of the numbers.
    pub partial: Option<PartialRange>,
}

/// SEARCH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// The answer is in UIDs.
    pub uid: bool,
    /// What to return; `None`: the numbers, in the form of RFC 3501 if that is spoken.
    pub return_options: Option<SearchReturn>,
    /// The charset of the strings; `None`: US-ASCII, or UTF-8 if that was enabled.
    pub charset: Option<Bytes>,
    /// What to look for.
    pub keys: SearchKeys,
}

impl SearchReturn {
    /// Of what MODSEQ is told, when a MODSEQ key was searched for (RFC 7162 section 3.1.10): where nothing but MIN and MAX is asked for, the
    /// greater of theirs; else the greatest of all. `first` and `last` are of the messages that MIN and MAX name.
    pub fn mod_seq(&self, first: ModSeq, last: ModSeq, greatest: ModSeq) -> ModSeq {
        match (self.min, self.max) {
            _ if self.all || self.count || self.partial.is_some() => greatest,
            (true, true) => first.max(last),
            (true, false) => first,
            (false, true) => last,
            (false, false) => greatest,
        }
    }
}

pub(super) fn parse(parser: &mut Parser<'_>, uid: bool) -> Result<Search, Box<ParseError>> {
    parser.space()?;
    let return_options = parse_return(parser)?;
    let charset = if parser.try_eat("CHARSET ") {
        let charset = parser.astring()?;
        parser.space()?;
        Some(charset)
    } else {
        None
    };
    Ok(Search { uid, return_options, charset, keys: SearchKeys::read(parser)? })
}

/// `RETURN (…)` and the space behind it, if it stands here.
pub(super) fn parse_return(parser: &mut Parser<'_>) -> Result<Option<SearchReturn>, Box<ParseError>> {
    if !parser.try_eat("RETURN ") {
        return Ok(None);
    }
    let mut returns = SearchReturn::default();
    parser.items(None, |parser| {
        let at = parser.at();
        match parser.keyword().as_slice() {
            b"MIN" => returns.min = true,
            b"MAX" => returns.max = true,
            b"ALL" => returns.all = true,
            b"COUNT" => returns.count = true,
            b"SAVE" => returns.save = true,
            b"PARTIAL" if returns.partial.is_some() => {
                return Err(parser.fail_at(ParseErrorKind::Duplicate("PARTIAL"), at));
            }
            b"PARTIAL" => {
                parser.space()?;
                returns.partial = Some(PartialRange::read(parser)?);
            }
            _ => return Err(parser.fail_at(ParseErrorKind::Unknown("return option"), at)),
        }
        Ok(())
    })?;
    if returns == SearchReturn::default() {
        returns.all = true;
    }
    parser.space()?;
    Ok(Some(returns))
}

pub(super) fn print(name: &'static str, search: &Search, out: &mut Encoder) {
    out.text(name).text(" ");
    print_return(search.return_options, out);
    if let Some(charset) = &search.charset {
        out.text("CHARSET ").astring(charset).text(" ");
    }
    search.keys.print(out);
}

pub(super) fn print_return(returns: Option<SearchReturn>, out: &mut Encoder) {
    let Some(returns) = returns else { return };
    out.text("RETURN (");
    let words = [
        (returns.min, "MIN"),
        (returns.max, "MAX"),
        (returns.all, "ALL"),
        (returns.count, "COUNT"),
        (returns.save, "SAVE"),
    ];
    let mut first = true;
    for (_, word) in words.into_iter().filter(|(asked, _)| *asked) {
        out.text(if first { "" } else { " " }).text(word);
        first = false;
    }
    if let Some(partial) = returns.partial {
        out.text(if first { "PARTIAL " } else { " PARTIAL " });
        partial.print(out);
    }
    out.text(") ");
}

impl PartialRange {
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Box<ParseError>> {
        let from_end = cursor.try_octet(b'-');
        let first = cursor.nz_number()?;
        cursor.eat(":")?;
        if from_end {
            cursor.eat("-")?;
        }
        Ok(Self { first, last: cursor.nz_number()?, from_end })
    }

    pub(crate) fn print(self, out: &mut Encoder) {
        let sign = if self.from_end { "-" } else { "" };
        out.text(sign).number(self.first.get().into()).text(":").text(sign).number(self.last.get().into());
    }
}
