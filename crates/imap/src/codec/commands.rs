//! What a client sends, in pieces.

use super::{Frame, FrameLimits, Framer, LiteralHeader, Verdict};
use crate::command::{AppendHead, AppendMessage, Command, CommandError, ParseOptions};
use crate::types::Tag;
use bytes::{Bytes, BytesMut};
use postroad_core::{ParseError, ParseErrorKind};

/// A command, or a piece of one.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum CommandPart {
    /// A whole command, its literals in it.
    Command(Command),
    /// The client waits for a continuation request before it sends the rest of its command. The piece behind it is that command.
    Waits,
    /// The beginning of APPEND, up to its first message. If [`AppendMessage::synchronizing`] says so, the client waits for a continuation
    /// request, or for NO after [`CommandDecoder::refuse`].
    Append(AppendHead),
    /// Octets of the message.
    Chunk(Bytes),
    /// The message is whole, and another follows in the same APPEND (RFC 3502), as with [`Append`](Self::Append).
    AppendNext(AppendMessage),
    /// APPEND is whole.
    AppendEnd,
    /// The line that was [expected](CommandDecoder::expect_line).
    Line(Bytes),
}

/// Cuts commands out of what a client sends. The messages of APPEND come in pieces, whatever their size; all other literals are within
/// their command, under the limits.
///
/// ```
/// use bytes::BytesMut;
/// use postroad_imap::codec::{CommandDecoder, CommandPart, FrameLimits};
/// use postroad_imap::command::{CommandBody, ParseOptions};
///
/// let mut decoder = CommandDecoder::new(FrameLimits::default(), ParseOptions::default());
/// let mut input = BytesMut::from("a NOOP\r\nb FROB\r\nc NO");
/// let part = decoder.next(&mut input);
/// assert!(matches!(part, Some(Ok(CommandPart::Command(command))) if matches!(command.body, CommandBody::Noop)));
/// let error = decoder.next(&mut input).unwrap().unwrap_err(); // answer it with BAD, and go on
/// assert_eq!(error.tag.unwrap().to_string(), "b");
/// assert!(decoder.next(&mut input).is_none());
/// ```
#[derive(Debug, Clone)]
pub struct CommandDecoder {
    framer: Framer,
    limits: FrameLimits,
    options: ParseOptions,
    within: Within,
}

#[derive(Debug, Clone, Default)]
enum Within {
    #[default]
    Command,
    /// The next line is no command.
    Line,
    /// A message is coming.
    Message(Coming),
    /// The message is whole.
    Tail(Tag, AppendMessage),
}

#[derive(Debug, Clone)]
struct Coming {
    tag: Tag,
    message: AppendMessage,
    left: u64,
    /// None of it has come, and none will unless the client is told to send it.
    waits: bool,
}

/// The head of APPEND, as the policy of literals found it.
enum Head {
    First(AppendHead),
    Next(AppendMessage),
    End,
    Fault(CommandError),
}

impl CommandDecoder {
    /// A decoder with these limits, that reads commands so.
    pub fn new(limits: FrameLimits, options: ParseOptions) -> Self {
        Self { framer: Framer::new(), limits, options, within: Within::Command }
    }

    /// Other limits, from the next octet on: say, after the client has logged in.
    pub fn set_limits(&mut self, limits: FrameLimits) {
        self.limits = limits;
    }

    /// How commands are read: ENABLE changes it.
    pub fn options_mut(&mut self) -> &mut ParseOptions {
        &mut self.options
    }

    /// The next line is a response to a SASL challenge (RFC 9051 section 6.2.2) or DONE (section 6.3.13). Call before it is read.
    pub fn expect_line(&mut self) {
        self.within = Within::Line;
    }

    /// The APPEND whose message has begun is answered NO: what is still to come of it is dropped.
    pub fn refuse(&mut self) {
        match core::mem::take(&mut self.within) {
            Within::Message(coming) if !coming.waits => self.framer.skip_literal(coming.left),
            Within::Tail(..) => self.framer.skip_rest(),
            Within::Message(_) | Within::Command => {}
            line @ Within::Line => self.within = line,
        }
    }

    /// How many octets of a refused command were dropped so far.
    pub fn dropped(&self) -> u64 {
        self.framer.dropped()
    }

    /// Forgets all state: for a new beginning under TLS.
    pub fn reset(&mut self) {
        self.framer.reset();
        self.within = Within::Command;
    }

    /// The next piece, or what was wrong with a command; `None`: more octets are needed. `input` must begin where the last call left it.
    pub fn next(&mut self, input: &mut BytesMut) -> Option<Result<CommandPart, CommandError>> {
        if matches!(self.within, Within::Command) {
            return self.command(input);
        }
        loop {
            return match core::mem::take(&mut self.within) {
                Within::Command => self.command(input),
                Within::Line => self.line(input),
                Within::Message(Coming { tag, message, left: 0, .. }) => {
                    self.within = Within::Tail(tag, message);
                    continue;
                }
                Within::Message(mut coming) => {
                    let here = usize::try_from(coming.left).unwrap_or(usize::MAX).min(input.len());
                    coming.left -= here as u64;
                    coming.waits &= here == 0;
                    self.within = Within::Message(coming);
                    (here > 0).then(|| Ok(CommandPart::Chunk(input.split_to(here).freeze())))
                }
                Within::Tail(tag, before) => self.tail(input, tag, before),
            };
        }
    }

    fn command(&mut self, input: &mut BytesMut) -> Option<Result<CommandPart, CommandError>> {
        let mut found = None;
        let options = &self.options;
        let policy = |head: &[u8], _: &LiteralHeader| {
            if !is_append(head) {
                return Verdict::Inline;
            }
            match AppendHead::parse_first(&Bytes::copy_from_slice(head), options) {
                Ok(None) => Verdict::Inline,
                Ok(Some(head)) => {
                    found = Some(Head::First(head));
                    Verdict::Stream
                }
                Err(error) => {
                    found = Some(Head::Fault(error));
                    Verdict::Refuse
                }
            }
        };
        match self.framer.next(input, &self.limits, policy) {
            Frame::NeedInput => None,
            Frame::Whole(unit) => Some(Command::parse(&unit, &self.options).map(CommandPart::Command)),
            frame => self.part(frame, found, None),
        }
    }

    /// What stands behind a message: the end, or the next one.
    fn tail(
        &mut self,
        input: &mut BytesMut,
        tag: Tag,
        before: AppendMessage,
    ) -> Option<Result<CommandPart, CommandError>> {
        let mut found = None;
        let options = &self.options;
        let next = |head: &[u8]| match before.parse_next(&Bytes::copy_from_slice(head), options) {
            Ok(Some(message)) => Head::Next(message),
            Ok(None) => Head::End,
            Err(error) => Head::Fault(CommandError { tag: Some(tag.clone()), error }),
        };
        let policy = |head: &[u8], _: &LiteralHeader| {
            let head = found.insert(next(head));
            if matches!(head, Head::Next(_)) { Verdict::Stream } else { Verdict::Refuse }
        };
        match self.framer.next(input, &self.limits, policy) {
            Frame::NeedInput => {
                self.within = Within::Tail(tag, before);
                None
            }
            Frame::Whole(rest) => Some(match next(&rest) {
                Head::End => Ok(CommandPart::AppendEnd),
                Head::Fault(error) => Err(error),
                Head::First(_) | Head::Next(_) => Err(CommandError {
                    tag: Some(tag),
                    error: ParseError::new(ParseErrorKind::Trailing, 0, &rest),
                }),
            }),
            frame => self.part(frame, found, Some(tag)),
        }
    }

    fn part(
        &mut self,
        frame: Frame,
        found: Option<Head>,
        append: Option<Tag>,
    ) -> Option<Result<CommandPart, CommandError>> {
        Some(match (frame, found) {
            (Frame::NeedInput, _) => return None,
            (Frame::Stream { .. }, Some(Head::First(head))) => {
                self.expect_message(head.tag.clone(), head.message.clone());
                Ok(CommandPart::Append(head))
            }
            (Frame::Stream { literal, .. }, Some(Head::Next(message))) => match append {
                Some(tag) => {
                    self.expect_message(tag, message.clone());
                    Ok(CommandPart::AppendNext(message))
                }
                None => Err(self.unread(literal)),
            },
            (Frame::Stream { literal, .. }, _) => Err(self.unread(literal)),
            (Frame::Continue, _) => Ok(CommandPart::Waits),
            (Frame::Whole(unit), _) => Command::parse(&unit, &self.options).map(CommandPart::Command),
            (Frame::Refused { .. }, Some(Head::Fault(error))) => Err(error),
            (Frame::Refused { head, why }, _) => {
                Err(CommandError { tag: append.or_else(|| tag_of(&head)), error: why.into() })
            }
        })
    }

    fn expect_message(&mut self, tag: Tag, message: AppendMessage) {
        let AppendMessage { len: left, synchronizing: waits, .. } = message;
        self.within = Within::Message(Coming { tag, message, left, waits });
    }

    /// A literal that is streamed and was not read by its policy.
    fn unread(&mut self, literal: LiteralHeader) -> CommandError {
        if !literal.synchronizing {
            self.framer.skip_literal(literal.len);
        }
        CommandError { tag: None, error: ParseError::new(ParseErrorKind::Expected("no literal"), 0, &[]) }
    }

    fn line(&mut self, input: &mut BytesMut) -> Option<Result<CommandPart, CommandError>> {
        match self.framer.next(input, &self.limits, |_, _| Verdict::Text) {
            Frame::Whole(line) => Some(Ok(CommandPart::Line(line))),
            Frame::Refused { why, .. } => Some(Err(CommandError { tag: None, error: why.into() })),
            Frame::NeedInput | Frame::Continue | Frame::Stream { .. } => {
                self.within = Within::Line;
                None
            }
        }
    }
}

fn tag_of(head: &[u8]) -> Option<Tag> {
    let end = memchr::memchr2(b' ', b'\r', head).unwrap_or(head.len());
    Tag::parse(head.get(..end)?).ok()
}

fn is_append(head: &[u8]) -> bool {
    let name = head.split(|octet| *octet == b' ').nth(1);
    name.is_some_and(|name| name.eq_ignore_ascii_case(b"APPEND"))
}
