//! SELECT and EXAMINE (RFC 9051 section 6.3.2, RFC 7162 sections 3.1.8 and 3.2.5).

use super::parse::Parser;
use crate::grammar::Encoder;
use crate::types::{MailboxName, ModSeq, UidSet};
use core::num::NonZeroU32;
use postroad_core::{ParseError, ParseErrorKind};

/// SELECT or EXAMINE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select {
    /// The mailbox.
    pub mailbox: MailboxName,
    /// EXAMINE: nothing will be changed.
    pub read_only: bool,
    /// CONDSTORE: tell mod-sequences from now on.
    pub condstore: bool,
    /// QRESYNC: tell what changed.
    pub qresync: Option<QResync>,
}

impl Select {
    /// SELECT or EXAMINE without parameters.
    pub fn new(mailbox: MailboxName, read_only: bool) -> Self {
        Self { mailbox, read_only, condstore: false, qresync: None }
    }
}

/// What a client knows of the mailbox (RFC 7162 section 3.2.5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QResync {
    /// The UIDVALIDITY it knows.
    pub uid_validity: NonZeroU32,
    /// The greatest mod-sequence it knows.
    pub mod_seq: ModSeq,
    /// The UIDs it knows.
    pub known_uids: Option<UidSet>,
    /// Some sequence numbers and their UIDs, as many of one as of the other. Numbers have no `*` here, so they are kept as UIDs are.
    pub sequence_match: Option<(UidSet, UidSet)>,
}

pub(super) fn parse(parser: &mut Parser<'_>, read_only: bool) -> Result<Select, Box<ParseError>> {
    let mut select = Select::new(parser.space_mailbox()?, read_only);
    if parser.is_at_end() {
        return Ok(select);
    }
    parser.space()?;
    parser.items(Some("a parameter"), |parser| {
        let at = parser.at();
        match parser.keyword().as_slice() {
            b"CONDSTORE" => select.condstore = true,
            b"QRESYNC" if select.qresync.is_some() => {
                return Err(parser.fail_at(ParseErrorKind::Duplicate("QRESYNC"), at));
            }
            b"QRESYNC" => {
                parser.space()?;
                select.qresync = Some(parse_qresync(parser)?);
            }
            _ => return Err(parser.fail_at(ParseErrorKind::Unknown("parameter"), at)),
        }
        Ok(())
    })?;
    Ok(select)
}

fn parse_qresync(parser: &mut Parser<'_>) -> Result<QResync, Box<ParseError>> {
    parser.eat("(")?;
    let uid_validity = parser.nz_number()?;
    parser.space()?;
    let mod_seq = parser.mod_seq()?;
    let mut qresync = QResync { uid_validity, mod_seq, known_uids: None, sequence_match: None };
    if parser.rest().starts_with(b" ") && !parser.rest().starts_with(b" (") {
        parser.space()?;
        qresync.known_uids = Some(UidSet::read(parser)?);
    }
    if parser.try_eat(" (") {
        let at = parser.at();
        let numbers = UidSet::read(parser)?;
        parser.space()?;
        let uids = UidSet::read(parser)?;
        parser.eat(")")?;
        if numbers.count() != uids.count() {
            return Err(parser.fail_at(ParseErrorKind::Expected("as many UIDs as numbers"), at));
        }
        qresync.sequence_match = Some((numbers, uids));
    }
    parser.eat(")")?;
    Ok(qresync)
}

pub(super) fn print(select: &Select, out: &mut Encoder) {
    out.text(if select.read_only { "EXAMINE " } else { "SELECT " }).mailbox(&select.mailbox);
    if !select.condstore && select.qresync.is_none() {
        return;
    }
    out.text(" (");
    if select.condstore {
        out.text(if select.qresync.is_some() { "CONDSTORE " } else { "CONDSTORE" });
    }
    if let Some(qresync) = &select.qresync {
        out.text("QRESYNC (").number(qresync.uid_validity.get().into());
        out.text(" ").number(qresync.mod_seq.get());
        if let Some(uids) = qresync.known_uids.as_ref().filter(|uids| !uids.is_empty()) {
            out.text(" ").display(uids);
        }
        if let Some((numbers, uids)) = &qresync.sequence_match {
            if !numbers.is_empty() && !uids.is_empty() {
                out.text(" (").display(numbers).text(" ").display(uids).text(")");
            }
        }
        out.text(")");
    }
    out.text(")");
}
