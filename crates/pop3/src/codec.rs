//! Octets to commands and responses, without the state of a session: for sessions, proxies and scanners.

use crate::command::Command;
use crate::response::StatusLine;
use bytes::{Buf, Bytes, BytesMut};
use postroad_core::{
    BareNewline, DataFaults, DotUnstuffer, Framed, LineFault, LineFramer, ParseError, ParseErrorKind,
    Unstuffed,
};

/// What is wrong with a line as a line, told as what is wrong with what stands in it.
fn fault_of(fault: LineFault) -> ParseError {
    let (kind, at) = match fault {
        LineFault::TooLong { limit } => (ParseErrorKind::TooLong { what: "a line", limit }, limit),
        LineFault::BareLf { at } => (ParseErrorKind::Forbidden(b'\n'), at),
        LineFault::BareCr { at } => (ParseErrorKind::Forbidden(b'\r'), at),
        LineFault::Nul { at } => (ParseErrorKind::Forbidden(0), at),
        _ => (ParseErrorKind::Expected("a line that ends in CRLF"), 0),
    };
    ParseError::new(kind, at, &[])
}

/// Cuts commands out of what a client sends.
///
/// ```
/// use postroad_pop3::codec::CommandDecoder;
/// use postroad_pop3::command::Command;
/// use bytes::BytesMut;
///
/// let mut decoder = CommandDecoder::new(512);
/// let mut input = BytesMut::from(&b"STAT\r\nFROB\r\nQUI"[..]);
/// assert!(matches!(decoder.next(&mut input), Some(Ok(Command::Stat))));
/// assert!(matches!(decoder.next(&mut input), Some(Err(_)))); // answer it, and go on
/// assert!(decoder.next(&mut input).is_none());
/// ```
#[derive(Debug, Clone)]
pub struct CommandDecoder {
    framer: LineFramer,
    limit: usize,
}

impl CommandDecoder {
    /// Lines have at most `limit` octets, CRLF included, but never fewer than the 255 of RFC 2449 section 4.
    pub fn new(limit: usize) -> Self {
        Self { framer: LineFramer::new(), limit: limit.max(255) }
    }

    /// The next command, or what was wrong with it; `None`: more octets are needed. `input` must begin where the last call left it.
    pub fn next(&mut self, input: &mut BytesMut) -> Option<Result<Command, ParseError>> {
        match self.framer.next(input, self.limit) {
            Framed::NeedInput => None,
            Framed::Line(line) | Framed::Repaired(line) => Some(Command::parse(&line)),
            Framed::Fault(fault) => Some(Err(fault_of(fault))),
        }
    }

    /// How many octets of the present faulty line were dropped so far.
    pub fn dropped(&self) -> u64 {
        self.framer.dropped()
    }

    /// Forgets all state: for a new beginning under TLS.
    pub fn reset(&mut self) {
        self.framer.reset();
    }
}

/// What follows a status line that says `+OK`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Nothing.
    SingleLine,
    /// Lines, one after the other: LIST, UIDL, CAPA.
    Lines,
    /// A message: RETR, TOP.
    Message,
}

impl Shape {
    /// What follows the positive response to `command`.
    pub fn of(command: &Command) -> Self {
        match command {
            Command::Retr(_) | Command::Top { .. } => Self::Message,
            command if command.is_multi_line() => Self::Lines,
            _ => Self::SingleLine,
        }
    }
}

/// A piece of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponsePart {
    /// The status line, and all of the response if it says `-ERR` or its shape is [`Shape::SingleLine`].
    Status(StatusLine),
    /// A line, without CRLF and stuffed dot.
    Line(Bytes),
    /// Octets of a message, without stuffed dots.
    Chunk(Bytes),
    /// The response is whole. For a message: what was odd in it.
    End(DataFaults),
}

/// Cuts responses out of what a server sends.
///
/// Nothing in a response says whether more lines follow it, so each must be announced by the [`Shape`] of its command.
///
/// ```
/// use postroad_pop3::codec::{ResponseDecoder, ResponsePart, Shape};
/// use bytes::BytesMut;
///
/// let mut decoder = ResponseDecoder::new(4096);
/// let mut input = BytesMut::from(&b"+OK\r\n1 120\r\n.\r\n"[..]);
/// decoder.announce(Shape::Lines);
/// assert!(matches!(decoder.next(&mut input)?, Some(ResponsePart::Status(line)) if line.is_ok()));
/// assert_eq!(decoder.next(&mut input)?, Some(ResponsePart::Line("1 120".into())));
/// assert!(matches!(decoder.next(&mut input)?, Some(ResponsePart::End(_))));
/// assert!(decoder.next(&mut input)?.is_none());
/// # Ok::<(), postroad_core::ParseError>(())
/// ```
#[derive(Debug)]
pub struct ResponseDecoder {
    framer: LineFramer,
    limit: usize,
    bare_newline: BareNewline,
    shape: Shape,
    within: Within,
}

#[derive(Debug)]
enum Within {
    Status,
    Lines,
    Message(Box<DotUnstuffer>),
}

impl ResponseDecoder {
    /// Lines have at most `limit` octets, CRLF included, but never fewer than the 512 of RFC 1939 section 3. The lines of messages are
    /// not limited.
    pub fn new(limit: usize) -> Self {
        Self {
            framer: LineFramer::new(),
            limit: limit.max(512),
            bare_newline: BareNewline::Pass,
            shape: Shape::SingleLine,
            within: Within::Status,
        }
    }

    /// What becomes of a CR or LF in a message that is not part of a CRLF: [`BareNewline::Pass`] unless set. It never ends a message.
    pub fn bare_newline(&mut self, policy: BareNewline) {
        self.bare_newline = policy;
    }

    /// The next response has this shape. Call before its status line is read; without a call it is [`Shape::SingleLine`].
    pub fn announce(&mut self, shape: Shape) {
        self.shape = shape;
    }

    /// Whether a response has begun and not ended.
    pub fn is_within_response(&self) -> bool {
        !matches!(self.within, Within::Status)
    }

    /// The next piece; `None`: more octets are needed. `input` must begin where the last call left it.
    ///
    /// # Errors
    ///
    /// What came is not a response. There is no way to go on from there.
    pub fn next(&mut self, input: &mut BytesMut) -> Result<Option<ResponsePart>, ParseError> {
        if let Within::Message(dots) = &mut self.within {
            return Ok(match dots.next(input) {
                Unstuffed::Chunk(chunk) => Some(ResponsePart::Chunk(chunk)),
                Unstuffed::End => {
                    let faults = dots.faults();
                    self.within = Within::Status;
                    Some(ResponsePart::End(faults))
                }
                Unstuffed::NeedInput => None,
            });
        }
        let mut line = match self.framer.next(input, self.limit) {
            Framed::NeedInput => return Ok(None),
            Framed::Line(line) | Framed::Repaired(line) => line,
            Framed::Fault(fault) => return Err(fault_of(fault)),
        };
        if let Within::Lines = self.within {
            if line.first() == Some(&b'.') {
                line.advance(1);
                if line.is_empty() {
                    self.within = Within::Status;
                    return Ok(Some(ResponsePart::End(DataFaults::default())));
                }
            }
            return Ok(Some(ResponsePart::Line(line)));
        }
        let status = StatusLine::parse(&line)?;
        if status.is_ok() {
            self.within = match self.shape {
                Shape::SingleLine => Within::Status,
                Shape::Lines => Within::Lines,
                Shape::Message => Within::Message(Box::new(DotUnstuffer::new(self.bare_newline))),
            };
        }
        self.shape = Shape::SingleLine;
        Ok(Some(ResponsePart::Status(status)))
    }

    /// Forgets all state: for a new beginning under TLS.
    pub fn reset(&mut self) {
        self.framer.reset();
        self.shape = Shape::SingleLine;
        self.within = Within::Status;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(wire: &[u8]) -> (Vec<Bytes>, bool) {
        let mut decoder = ResponseDecoder::new(512);
        let mut input = BytesMut::from(wire);
        decoder.announce(Shape::Message);
        let mut chunks = Vec::new();
        loop {
            match decoder.next(&mut input).unwrap() {
                Some(ResponsePart::Status(_)) => {}
                Some(ResponsePart::Chunk(chunk)) => chunks.push(chunk),
                Some(ResponsePart::End(_)) => return (chunks, true),
                Some(ResponsePart::Line(_)) => panic!("a message has chunks"),
                None => return (chunks, false),
            }
        }
    }

    #[test]
    fn many_stuffed_dots_do_not_make_many_chunks() {
        let wire = [b"+OK\r\n".to_vec(), b"..a\r\n".repeat(10_000), b".\r\n".to_vec()].concat();
        let (chunks, ended) = message(&wire);
        assert!(ended);
        assert_eq!(chunks.concat(), b".a\r\n".repeat(10_000));
        assert!(chunks.len() <= 6, "{}", chunks.len());
    }

    #[test]
    fn small_and_large_pieces_keep_their_order() {
        let large = vec![b'x'; 3000];
        let wire = [b"+OK\r\n..a\r\n..b\r\n..", &large[..], b"\r\n..c\r\n.\r\n"].concat();
        let (chunks, ended) = message(&wire);
        assert!(ended);
        assert_eq!(chunks.concat(), [b".a\r\n.b\r\n.", &large[..], b"\r\n.c\r\n"].concat());
    }

    #[test]
    fn a_refusal_has_no_message() {
        let mut decoder = ResponseDecoder::new(512);
        decoder.announce(Shape::Message);
        let mut input = BytesMut::from(&b"-ERR no such message\r\n+OK\r\n"[..]);
        assert!(
            matches!(decoder.next(&mut input).unwrap(), Some(ResponsePart::Status(line)) if !line.is_ok())
        );
        assert!(!decoder.is_within_response());
        assert!(
            matches!(decoder.next(&mut input).unwrap(), Some(ResponsePart::Status(line)) if line.is_ok())
        );
        assert!(!decoder.is_within_response());
    }

    #[test]
    fn only_crlf_dot_crlf_ends_a_message() {
        for form in ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r\n", "\r\n.\r\r\n"] {
            let (_, ended) = message(format!("+OK\r\na{form}b").as_bytes());
            assert!(!ended, "{}", form.escape_debug());
        }
    }
}
