//! From a unit to a command: the tag, the name, and who reads the rest.

use super::{Command, CommandBody, CommandError, ParseOptions, append, connection, fetch, list, mailbox};
use super::{messages, quota, search, select, sort, store};
use crate::grammar::{Cursor, EightBit, chars, list as read_list};
use crate::types::{MailboxName, ModSeq, Tag};
use bytes::Bytes;
use core::ops::{Deref, DerefMut};
use postroad_core::{ParseError, ParseErrorKind};

/// A cursor that knows how commands are to be read.
#[derive(Debug)]
pub(super) struct Parser<'a> {
    cursor: Cursor<'a>,
    pub(super) options: ParseOptions,
}

impl<'a> Deref for Parser<'a> {
    type Target = Cursor<'a>;

    fn deref(&self) -> &Cursor<'a> {
        &self.cursor
    }
}

impl<'a> DerefMut for Parser<'a> {
    fn deref_mut(&mut self) -> &mut Cursor<'a> {
        &mut self.cursor
    }
}

impl<'a> AsMut<Cursor<'a>> for Parser<'a> {
    fn as_mut(&mut self) -> &mut Cursor<'a> {
        &mut self.cursor
    }
}

impl<'a> Parser<'a> {
    pub(super) fn new(unit: &'a Bytes, options: &ParseOptions) -> Self {
        let rule = if options.utf8 { EightBit::Utf8 } else { EightBit::Refuse };
        Self { cursor: Cursor::new(unit).with_eight_bit(rule), options: *options }
    }

    /// The tag and the space behind it. Without both there is no tag, and the error holds no octets: a line that is no command may be
    /// half of a SASL exchange.
    pub(super) fn tag_and_space(&mut self) -> Result<Tag, CommandError> {
        let fail = |error: Box<ParseError>| CommandError { tag: None, error: error.redacted() };
        let tag = self.tag().and_then(|tag| Ok(Tag::of_wire(tag)?)).map_err(fail)?;
        self.space().map(|()| tag).map_err(fail)
    }

    /// A mailbox name.
    pub(super) fn mailbox(&mut self) -> Result<MailboxName, Box<ParseError>> {
        let at = self.at();
        let octets = self.astring()?;
        MailboxName::from_wire(&octets, self.options.utf8)
            .map_err(|error| self.fail_at(error.kind(), at + error.at()))
    }

    /// A space and a mailbox name.
    pub(super) fn space_mailbox(&mut self) -> Result<MailboxName, Box<ParseError>> {
        self.space()?;
        self.mailbox()
    }

    /// A mod-sequence; 0 is one.
    pub(super) fn mod_seq(&mut self) -> Result<ModSeq, Box<ParseError>> {
        self.number64().map(ModSeq::of_wire)
    }

    /// A list in parentheses under the limit of [`ParseOptions`]; it must not be empty if `what` must be there.
    pub(super) fn items<T>(
        &mut self,
        what: Option<&'static str>,
        item: impl FnMut(&mut Self) -> Result<T, Box<ParseError>>,
    ) -> Result<Vec<T>, Box<ParseError>> {
        let limit = self.options.max_list_items;
        let items = read_list(self, limit, item)?;
        match what {
            Some(what) if items.is_empty() => {
                Err(self.fail_at(ParseErrorKind::Missing(what), self.at().saturating_sub(1)))
            }
            _ => Ok(items),
        }
    }

    /// A word of letters, digits, dots and hyphens, in upper case; empty if none is known that is so long.
    pub(super) fn keyword(&mut self) -> Keyword {
        let mut keyword = Keyword { octets: [0; 20], len: 0 };
        let mut len = 0;
        for &octet in self.rest() {
            if !chars::is(octet, chars::KEYWORD) {
                break;
            }
            if let Some(place) = keyword.octets.get_mut(len) {
                *place = octet.to_ascii_uppercase();
            }
            len += 1;
        }
        self.skip(len);
        keyword.len = if len <= keyword.octets.len() { len } else { 0 };
        keyword
    }
}

/// A word in upper case on the stack.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keyword {
    octets: [u8; 20],
    len: usize,
}

impl Keyword {
    pub(super) fn as_slice(&self) -> &[u8] {
        self.octets.get(..self.len).unwrap_or_default()
    }
}

impl Command {
    /// Reads a command: a whole unit with its literals in place, without the final CRLF.
    ///
    /// # Errors
    ///
    /// The command is not known, or its arguments are not what they must be; APPEND too, for it is read by
    /// [`AppendHead`](super::AppendHead). The error holds no octets of LOGIN and AUTHENTICATE, nor of what is not a command.
    pub fn parse(unit: &Bytes, options: &ParseOptions) -> Result<Self, CommandError> {
        let mut parser = Parser::new(unit, options);
        let tag = parser.tag_and_space()?;
        match body(&mut parser).and_then(|body| parser.end().map(|()| body)) {
            Ok(body) => Ok(Self { tag, body }),
            Err(error) => Err(CommandError {
                tag: Some(tag),
                error: if is_secret(unit) { error.redacted() } else { *error },
            }),
        }
    }
}

/// Whether the octets of a unit must not be shown.
fn is_secret(unit: &[u8]) -> bool {
    let name =
        unit.iter().position(|&octet| octet == b' ').and_then(|at| unit.get(at + 1..)).unwrap_or_default();
    let is =
        |known: &str| name.get(..known.len()).is_some_and(|name| name.eq_ignore_ascii_case(known.as_bytes()));
    is("LOGIN") || is("AUTHENTICATE")
}

/// What stands where a name should is not shown: somebody may have typed a password a line too early.
fn unknown(parser: &Parser<'_>, at: usize) -> ParseError {
    parser.fail_at(ParseErrorKind::Unknown("command"), at).redacted()
}

fn body(parser: &mut Parser<'_>) -> Result<CommandBody, Box<ParseError>> {
    let at = parser.at();
    let name = parser.keyword();
    match name.as_slice() {
        b"FETCH" => fetch::parse(parser, false).map(CommandBody::Fetch),
        b"UID" => uid(parser, at),
        b"NOOP" => Ok(CommandBody::Noop),
        b"STORE" => store::parse(parser, false).map(CommandBody::Store),
        b"SEARCH" => search::parse(parser, false).map(CommandBody::Search),
        b"SELECT" => select::parse(parser, false).map(CommandBody::Select),
        b"EXAMINE" => select::parse(parser, true).map(CommandBody::Select),
        b"IDLE" => Ok(CommandBody::Idle),
        b"STATUS" => mailbox::parse_status(parser),
        b"LIST" => list::parse(parser).map(CommandBody::List),
        b"LSUB" => list::parse_lsub(parser),
        b"COPY" => messages::parse_copy(parser, false),
        b"MOVE" => messages::parse_move(parser, false),
        b"EXPUNGE" => Ok(CommandBody::Expunge { uids: None }),
        b"CLOSE" => Ok(CommandBody::Close),
        b"UNSELECT" => Ok(CommandBody::Unselect),
        b"CHECK" => Ok(CommandBody::Check),
        b"SORT" => sort::parse(parser, false).map(CommandBody::Sort),
        b"THREAD" => sort::parse_thread(parser, false).map(CommandBody::Thread),
        b"CAPABILITY" => Ok(CommandBody::Capability),
        b"LOGIN" => connection::parse_login(parser),
        b"AUTHENTICATE" => connection::parse_authenticate(parser),
        b"UNAUTHENTICATE" => Ok(CommandBody::Unauthenticate),
        b"STARTTLS" => Ok(CommandBody::StartTls),
        b"LOGOUT" => Ok(CommandBody::Logout),
        b"ID" => connection::parse_id(parser),
        b"ENABLE" => connection::parse_enable(parser),
        b"COMPRESS" => connection::parse_compress(parser),
        b"NAMESPACE" => Ok(CommandBody::Namespace),
        b"CREATE" => mailbox::parse_create(parser),
        b"DELETE" => Ok(CommandBody::Delete { mailbox: parser.space_mailbox()? }),
        b"RENAME" => mailbox::parse_rename(parser),
        b"SUBSCRIBE" => Ok(CommandBody::Subscribe { mailbox: parser.space_mailbox()? }),
        b"UNSUBSCRIBE" => Ok(CommandBody::Unsubscribe { mailbox: parser.space_mailbox()? }),
        b"GETQUOTA" => quota::parse_get(parser),
        b"GETQUOTAROOT" => Ok(CommandBody::GetQuotaRoot { mailbox: parser.space_mailbox()? }),
        b"SETQUOTA" => quota::parse_set(parser),
        b"APPEND" => Err(append::without_message(parser).into()),
        _ => Err(unknown(parser, at).into()),
    }
}

fn uid(parser: &mut Parser<'_>, at: usize) -> Result<CommandBody, Box<ParseError>> {
    parser.space()?;
    match parser.keyword().as_slice() {
        b"FETCH" => fetch::parse(parser, true).map(CommandBody::Fetch),
        b"STORE" => store::parse(parser, true).map(CommandBody::Store),
        b"SEARCH" => search::parse(parser, true).map(CommandBody::Search),
        b"COPY" => messages::parse_copy(parser, true),
        b"MOVE" => messages::parse_move(parser, true),
        b"EXPUNGE" => messages::parse_uid_expunge(parser),
        b"SORT" => sort::parse(parser, true).map(CommandBody::Sort),
        b"THREAD" => sort::parse_thread(parser, true).map(CommandBody::Thread),
        _ => Err(unknown(parser, at).into()),
    }
}
