//! FETCH and UID FETCH (RFC 9051 section 6.4.5 and the extensions named).

use super::parse::{Keyword, Parser};
use super::search::PartialRange;
use crate::grammar::Encoder;
use crate::types::{Messages, ModSeq, Partial, Section, print_part};
use core::num::NonZeroU32;
use postroad_core::{ParseError, ParseErrorKind};

/// What FETCH tells of a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FetchItem {
    /// ENVELOPE.
    Envelope,
    /// FLAGS.
    Flags,
    /// INTERNALDATE.
    InternalDate,
    /// UID.
    Uid,
    /// RFC822.SIZE.
    Size,
    /// BODY: the structure without extension data.
    Body,
    /// BODYSTRUCTURE.
    BodyStructure,
    /// RFC822 (RFC 3501): as `BODY[]`.
    Rfc822,
    /// RFC822.HEADER (RFC 3501): as `BODY.PEEK[HEADER]`.
    Rfc822Header,
    /// RFC822.TEXT (RFC 3501): as `BODY[TEXT]`.
    Rfc822Text,
    /// `BODY[…]` and `BODY.PEEK[…]`.
    Section {
        /// Do not set `\Seen`.
        peek: bool,
        /// Which part.
        section: Section,
        /// Only some octets of it.
        partial: Option<Partial>,
    },
    /// `BINARY[…]` and `BINARY.PEEK[…]`: a part with its transfer encoding undone.
    Binary {
        /// Do not set `\Seen`.
        peek: bool,
        /// The part numbers, none for the whole message.
        part: Vec<NonZeroU32>,
        /// Only some octets of it.
        partial: Option<Partial>,
    },
    /// `BINARY.SIZE[…]`: how many octets that would be.
    BinarySize {
        /// The part numbers.
        part: Vec<NonZeroU32>,
    },
    /// MODSEQ (RFC 7162).
    ModSeq,
    /// PREVIEW (RFC 8970).
    Preview {
        /// Only if it costs nothing.
        lazy: bool,
    },
    /// EMAILID (RFC 8474).
    EmailId,
    /// THREADID (RFC 8474).
    ThreadId,
    /// SAVEDATE (RFC 8514).
    SaveDate,
}

/// FETCH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// `messages` are UIDs.
    pub uid: bool,
    /// Which messages.
    pub messages: Messages,
    /// What to tell, at least one. ALL, FAST and FULL are read as what they stand for.
    pub items: Vec<FetchItem>,
    /// Only of messages that changed since (RFC 7162 section 3.1.4.1).
    pub changed_since: Option<ModSeq>,
    /// Tell also what was expunged since (RFC 7162 section 3.2.6); only with UIDs and `changed_since`.
    pub vanished: bool,
    /// Only these of the messages (RFC 9394); only with UIDs.
    pub partial: Option<PartialRange>,
}

impl Fetch {
    /// FETCH of `items`, without modifiers.
    pub fn new(uid: bool, messages: impl Into<Messages>, items: Vec<FetchItem>) -> Self {
        Self { uid, messages: messages.into(), items, changed_since: None, vanished: false, partial: None }
    }
}

pub(super) fn parse(parser: &mut Parser<'_>, uid: bool) -> Result<Fetch, Box<ParseError>> {
    parser.space()?;
    let messages = Messages::read(parser)?;
    parser.space()?;
    let items = if parser.peek() == Some(b'(') {
        parser.items(Some("an item"), |parser| {
            let at = parser.at();
            let word = parser.keyword();
            parse_item(parser, word, at)
        })?
    } else {
        let at = parser.at();
        let word = parser.keyword();
        match macro_items(word.as_slice()) {
            Some(items) => items.to_vec(),
            None => vec![parse_item(parser, word, at)?],
        }
    };
    let mut fetch = Fetch::new(uid, messages, items);
    if !parser.is_at_end() {
        parser.space()?;
        parse_modifiers(parser, &mut fetch)?;
    }
    Ok(fetch)
}

/// What ALL, FAST and FULL stand for.
fn macro_items(word: &[u8]) -> Option<&'static [FetchItem]> {
    use FetchItem::{Body, Envelope, Flags, InternalDate, Size};
    match word {
        b"ALL" => Some(&[Flags, InternalDate, Size, Envelope]),
        b"FAST" => Some(&[Flags, InternalDate, Size]),
        b"FULL" => Some(&[Flags, InternalDate, Size, Envelope, Body]),
        _ => None,
    }
}

fn parse_item(parser: &mut Parser<'_>, word: Keyword, at: usize) -> Result<FetchItem, Box<ParseError>> {
    let bracket = parser.peek() == Some(b'[');
    Ok(match word.as_slice() {
        b"UID" => FetchItem::Uid,
        b"FLAGS" => FetchItem::Flags,
        b"ENVELOPE" => FetchItem::Envelope,
        b"INTERNALDATE" => FetchItem::InternalDate,
        b"RFC822.SIZE" => FetchItem::Size,
        b"BODYSTRUCTURE" => FetchItem::BodyStructure,
        b"BODY" if !bracket => FetchItem::Body,
        name @ (b"BODY" | b"BODY.PEEK") => FetchItem::Section {
            peek: name.len() > 4,
            section: Section::read(parser)?,
            partial: Partial::read(parser)?,
        },
        name @ (b"BINARY" | b"BINARY.PEEK") => FetchItem::Binary {
            peek: name.len() > 6,
            part: parse_part(parser)?,
            partial: Partial::read(parser)?,
        },
        b"BINARY.SIZE" => FetchItem::BinarySize { part: parse_part(parser)? },
        b"RFC822" => FetchItem::Rfc822,
        b"RFC822.HEADER" => FetchItem::Rfc822Header,
        b"RFC822.TEXT" => FetchItem::Rfc822Text,
        b"MODSEQ" => FetchItem::ModSeq,
        b"PREVIEW" => FetchItem::Preview { lazy: parser.try_eat(" (LAZY)") },
        b"EMAILID" => FetchItem::EmailId,
        b"THREADID" => FetchItem::ThreadId,
        b"SAVEDATE" => FetchItem::SaveDate,
        _ => return Err(parser.fail_at(ParseErrorKind::Unknown("item"), at)),
    })
}

fn parse_part(parser: &mut Parser<'_>) -> Result<Vec<NonZeroU32>, Box<ParseError>> {
    parser.eat("[")?;
    let part = Section::read_part(parser)?;
    parser.eat("]")?;
    Ok(part)
}

fn parse_modifiers(parser: &mut Parser<'_>, fetch: &mut Fetch) -> Result<(), Box<ParseError>> {
    let start = parser.at();
    parser.items(Some("a modifier"), |parser| {
        let at = parser.at();
        match parser.keyword().as_slice() {
            b"CHANGEDSINCE" if fetch.changed_since.is_none() => {
                parser.space()?;
                fetch.changed_since = Some(parser.mod_seq()?);
            }
            b"VANISHED" if fetch.uid => fetch.vanished = true,
            b"PARTIAL" if fetch.uid && fetch.partial.is_none() => {
                parser.space()?;
                fetch.partial = Some(PartialRange::read(parser)?);
            }
            b"CHANGEDSINCE" => return Err(parser.fail_at(ParseErrorKind::Duplicate("CHANGEDSINCE"), at)),
            _ => return Err(parser.fail_at(ParseErrorKind::Unknown("modifier"), at)),
        }
        Ok(())
    })?;
    if fetch.vanished && fetch.changed_since.is_none() {
        return Err(parser.fail_at(ParseErrorKind::Missing("CHANGEDSINCE"), start));
    }
    Ok(())
}

pub(super) fn print(name: &'static str, fetch: &Fetch, out: &mut Encoder) {
    out.text(name).text(" ").messages(&fetch.messages).text(" ");
    match fetch.items.as_slice() {
        // Behind PREVIEW a modifier of FETCH could be taken for one of its own.
        [item] if !matches!(item, FetchItem::Preview { .. }) => item.print(out),
        items => {
            out.text("(");
            for (at, item) in items.iter().enumerate() {
                out.text(if at > 0 { " " } else { "" });
                item.print(out);
            }
            out.text(")");
        }
    }
    if fetch.changed_since.is_none() && fetch.partial.is_none() {
        return;
    }
    out.text(" (");
    if let Some(value) = fetch.changed_since {
        out.text("CHANGEDSINCE ").number(value.get());
        out.text(if fetch.vanished { " VANISHED" } else { "" });
    }
    if let Some(partial) = fetch.partial {
        out.text(if fetch.changed_since.is_some() { " PARTIAL " } else { "PARTIAL " });
        partial.print(out);
    }
    out.text(")");
}

impl FetchItem {
    /// Whether it sets `\Seen`.
    pub fn sets_seen(&self) -> bool {
        matches!(
            self,
            Self::Section { peek: false, .. }
                | Self::Binary { peek: false, .. }
                | Self::Rfc822
                | Self::Rfc822Text
        )
    }

    fn print(&self, out: &mut Encoder) {
        let word = match self {
            Self::Envelope => "ENVELOPE",
            Self::Flags => "FLAGS",
            Self::InternalDate => "INTERNALDATE",
            Self::Uid => "UID",
            Self::Size => "RFC822.SIZE",
            Self::Body => "BODY",
            Self::BodyStructure => "BODYSTRUCTURE",
            Self::Rfc822 => "RFC822",
            Self::Rfc822Header => "RFC822.HEADER",
            Self::Rfc822Text => "RFC822.TEXT",
            Self::Section { peek: false, .. } => "BODY",
            Self::Section { peek: true, .. } => "BODY.PEEK",
            Self::Binary { peek: false, .. } => "BINARY",
            Self::Binary { peek: true, .. } => "BINARY.PEEK",
            Self::BinarySize { .. } => "BINARY.SIZE",
            Self::ModSeq => "MODSEQ",
            Self::Preview { lazy: false } => "PREVIEW",
            Self::Preview { lazy: true } => "PREVIEW (LAZY)",
            Self::EmailId => "EMAILID",
            Self::ThreadId => "THREADID",
            Self::SaveDate => "SAVEDATE",
        };
        out.text(word);
        match self {
            Self::Section { section, .. } => section.print(out),
            Self::Binary { part, .. } | Self::BinarySize { part } => {
                out.text("[");
                print_part(part, out);
                out.text("]");
            }
            _ => {}
        }
        if let Self::Section { partial: Some(partial), .. } | Self::Binary { partial: Some(partial), .. } =
            self
        {
            partial.print(out);
        }
    }
}
