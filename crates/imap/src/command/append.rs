//! APPEND up to its messages, which are streamed (RFC 9051 section 6.3.12, RFC 3502, RFC 6855).

use super::parse::Parser;
use super::store::{print_flags, settable_flag};
use super::{CommandError, Encoder, Fragment, LiteralMode, ParseOptions};
use crate::types::{AppendOptions, DateTime, MailboxName, Tag};
use bytes::Bytes;
use postroad_core::{ParseError, ParseErrorKind};

/// The beginning of APPEND, up to and with the header of the first message's literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppendHead {
    /// The client's name for the command.
    pub tag: Tag,
    /// Where the messages go.
    pub mailbox: MailboxName,
    /// The first message.
    pub message: AppendMessage,
}

/// What stands before a message, with the header of its literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppendMessage {
    /// Its flags and date.
    pub options: AppendOptions,
    /// How many octets it has.
    pub len: u64,
    /// Whether the client waits for a continuation before it sends them.
    pub synchronizing: bool,
    /// It is a literal8: it may have NULs (RFC 3516).
    pub binary: bool,
    /// It stands in `UTF8 (…)`: its header may be in UTF-8; a `)` follows the literal (RFC 6855 section 4).
    pub utf8: bool,
}

impl AppendHead {
    /// Reads the beginning of APPEND. `head` is what was framed before a literal is read: it ends in the literal's header, such as
    /// `{310}`, and holds the literals before it in place.
    ///
    /// `Ok(None)`: the literal is not a message: it is the mailbox name, or an argument of another command. Read it and ask again.
    ///
    /// # Errors
    ///
    /// It is APPEND, and not as it must be.
    ///
    /// ```
    /// use postroad_imap::command::{AppendHead, ParseOptions};
    ///
    /// let head = AppendHead::parse_first(&r"A003 APPEND Sent (\Seen) {310}".into(), &ParseOptions::default())?;
    /// assert!(head.is_some_and(|head| head.message.len == 310 && head.message.synchronizing));
    /// # Ok::<(), postroad_imap::command::CommandError>(())
    /// ```
    pub fn parse_first(head: &Bytes, options: &ParseOptions) -> Result<Option<Self>, CommandError> {
        let mut parser = Parser::new(head, options);
        let Ok(tag) = parser.tag_and_space() else { return Ok(None) };
        if parser.keyword().as_slice() != b"APPEND" {
            return Ok(None);
        }
        match Self::read(&mut parser) {
            Ok(read) => Ok(read.map(|(mailbox, message)| Self { tag, mailbox, message })),
            Err(error) => Err(CommandError { tag: Some(tag), error: *error }),
        }
    }

    fn read(parser: &mut Parser<'_>) -> Result<Option<(MailboxName, AppendMessage)>, Box<ParseError>> {
        parser.space()?;
        if parser.peek() == Some(b'{') && !parser.rest().contains(&b'\n') {
            return Ok(None);
        }
        let mailbox = parser.mailbox()?;
        Ok(Some((mailbox, AppendMessage::read(parser)?)))
    }

    /// Writes it up to the message. Whether that waits is `mode`'s to say, not [`synchronizing`](AppendMessage::synchronizing).
    pub fn encode(&self, mode: LiteralMode, utf8: bool) -> Vec<Fragment> {
        let mut out = Encoder::new(mode, utf8);
        out.text(self.tag.as_str()).text(" APPEND ").mailbox(&self.mailbox);
        self.message.print(&mut out);
        out.into_fragments()
    }
}

impl AppendMessage {
    /// A message of `len` octets.
    pub fn new(options: AppendOptions, len: u64) -> Self {
        Self { options, len, synchronizing: true, binary: false, utf8: false }
    }

    /// Reads what follows the literal of `self`: `None` if that was the last, else the next message (MULTIAPPEND, RFC 3502). `unit` is
    /// what was framed behind the literal: the end of the line, or up to and with the header of the next literal.
    ///
    /// # Errors
    ///
    /// It is neither.
    pub fn parse_next(&self, unit: &Bytes, options: &ParseOptions) -> Result<Option<Self>, ParseError> {
        let mut parser = Parser::new(unit, options);
        if self.utf8 {
            parser.eat(")")?;
        }
        if parser.is_at_end() { Ok(None) } else { Ok(Some(Self::read(&mut parser)?)) }
    }

    /// A space, the flags and the date, and the header of the literal, which ends the unit.
    fn read(parser: &mut Parser<'_>) -> Result<Self, Box<ParseError>> {
        parser.space()?;
        let mut options = AppendOptions::default();
        if parser.peek() == Some(b'(') {
            options.flags = parser.items(None, settable_flag)?;
            parser.space()?;
        }
        if parser.peek() == Some(b'"') {
            options.date = Some(DateTime::read(parser)?);
            parser.space()?;
        }
        let utf8 = parser.try_eat("UTF8 (");
        let binary = parser.try_octet(b'~');
        if utf8 && !binary {
            return Err(parser.expected("a literal8"));
        }
        parser.eat("{")?;
        let len = parser.number64()?;
        let synchronizing = !parser.try_octet(b'+');
        parser.eat("}")?;
        parser.end()?;
        Ok(Self { options, len, synchronizing, binary, utf8 })
    }

    /// Writes what stands between the literal of `before` and that of `self`.
    pub fn encode_next(&self, before: &Self, mode: LiteralMode) -> Vec<Fragment> {
        let mut out = Encoder::new(mode, false);
        out.text(if before.utf8 { ")" } else { "" });
        self.print(&mut out);
        out.into_fragments()
    }

    /// What stands behind the literal if it is the last: the end of the command with its CRLF.
    pub fn end(&self) -> Bytes {
        Bytes::from_static(if self.utf8 { b")\r\n" } else { b"\r\n" })
    }

    fn print(&self, out: &mut Encoder) {
        out.text(" ");
        if !self.options.flags.is_empty() {
            print_flags(&self.options.flags, out);
            out.text(" ");
        }
        if let Some(date) = self.options.date {
            out.text("\"").display(date).text("\" ");
        }
        out.text(if self.utf8 { "UTF8 (" } else { "" });
        out.stream(self.len, self.binary || self.utf8);
    }
}

/// APPEND that came whole: what is wrong with it.
pub(super) fn without_message(parser: &mut Parser<'_>) -> ParseError {
    match AppendHead::read(parser) {
        Err(error) => *error,
        Ok(_) => *parser.fail(ParseErrorKind::Missing("a message")),
    }
}
