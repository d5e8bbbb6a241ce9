//! Replies, read out of a buffer.

use super::{LINES_LIMIT, OCTETS_LIMIT, Reply, ReplyCode, ReplyText};
use bytes::BytesMut;
use core::fmt;
use postroad_core::{Framed, LineFault, LineFramer, ParseError, ParseErrorKind};

/// RFC 5321 section 4.5.3.1.5 gives 512 octets to a line of a reply; real ones are longer.
const LINE_LIMIT: usize = 4096;

/// Why octets are no reply. Nothing behind them can be trusted to be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplyError {
    /// A line is not a line, or longer than 4096 octets.
    Line(LineFault),
    /// A line is not one of a reply, or not of the same reply as the lines before it.
    Malformed(ParseError),
    /// More lines than this in one reply.
    TooManyLines {
        /// 1000.
        limit: usize,
    },
    /// More octets than this in one reply.
    TooLong {
        /// 64 KiB.
        limit: usize,
    },
}

impl fmt::Display for ReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(fault) => write!(f, "malformed reply: {fault}"),
            Self::Malformed(error) => write!(f, "malformed reply: {error}"),
            Self::TooManyLines { limit } => write!(f, "reply of more than {limit} lines"),
            Self::TooLong { limit } => write!(f, "reply of more than {limit} octets"),
        }
    }
}

impl core::error::Error for ReplyError {}

/// Takes replies out of a buffer: lines of at most 4096 octets, at most 1000 lines and 64 KiB to a reply.
///
/// ```
/// use postroad_smtp::reply::ReplyDecoder;
/// use bytes::BytesMut;
///
/// let mut decoder = ReplyDecoder::new();
/// let mut input = BytesMut::from("250-one\r\n25");
/// assert_eq!(decoder.decode(&mut input)?, None);
/// input.extend_from_slice(b"0 two\r\n354 go");
/// assert_eq!(decoder.decode(&mut input)?.unwrap().lines().count(), 2);
/// assert_eq!(input, "354 go");
/// # Ok::<(), postroad_smtp::reply::ReplyError>(())
/// ```
#[derive(Debug, Default)]
pub struct ReplyDecoder {
    framer: LineFramer,
    code: Option<ReplyCode>,
    lines: Vec<ReplyText>,
    octets: usize,
}

impl ReplyDecoder {
    /// A decoder that takes CRLF alone for a line end.
    pub const fn new() -> Self {
        Self { framer: LineFramer::new(), code: None, lines: Vec::new(), octets: 0 }
    }

    /// Whether a bare LF ends a line too. Off unless set.
    pub fn accept_bare_lf(&mut self, accept: bool) {
        self.framer.accept_bare_lf(accept);
    }

    /// Whether some lines of a reply were read, and its last line was not.
    pub fn is_within_reply(&self) -> bool {
        self.code.is_some()
    }

    /// Forgets a reply that is half read.
    pub fn reset(&mut self) {
        self.framer.reset();
        self.code = None;
        self.lines = Vec::new();
        self.octets = 0;
    }

    /// The next whole reply, or `None` when more octets are needed. `input` must begin where the last call left it.
    ///
    /// # Errors
    ///
    /// Octets that are no reply, or more than the limits. Do not go on after that.
    pub fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Reply>, ReplyError> {
        loop {
            let line = match self.framer.next(input, LINE_LIMIT) {
                Framed::NeedInput => return Ok(None),
                Framed::Line(line) | Framed::Repaired(line) => line,
                Framed::Fault(fault) => return Err(ReplyError::Line(fault)),
            };
            if let Some(reply) = self.line(&line)? {
                return Ok(Some(reply));
            }
        }
    }

    fn line(&mut self, line: &[u8]) -> Result<Option<Reply>, ReplyError> {
        let malformed = |kind, at| ReplyError::Malformed(ParseError::new(kind, at, line));
        let code = match line {
            [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', ..] => {
                let digit = |octet: &u8| u16::from(octet - b'0');
                ReplyCode::new(digit(a) * 100 + digit(b) * 10 + digit(c))
                    .ok_or_else(|| malformed(ParseErrorKind::OutOfRange("reply code"), 0))?
            }
            _ => return Err(malformed(ParseErrorKind::Expected("a reply code"), 0)),
        };
        let (is_last, text) = match &line[3..] {
            [] => (true, &[][..]),
            [b' ', text @ ..] => (true, text),
            [b'-', text @ ..] => (false, text),
            _ => return Err(malformed(ParseErrorKind::Expected("a space or hyphen"), 3)),
        };
        if *self.code.get_or_insert(code) != code {
            return Err(malformed(ParseErrorKind::Expected("the reply code of the line before"), 0));
        }
        self.octets += line.len() + 2;
        if self.octets > OCTETS_LIMIT {
            return Err(ReplyError::TooLong { limit: OCTETS_LIMIT });
        }
        if self.lines.len() == LINES_LIMIT {
            return Err(ReplyError::TooManyLines { limit: LINES_LIMIT });
        }
        let text = ReplyText::from_wire(text);
        if !is_last {
            self.lines.push(text);
            return Ok(None);
        }
        self.code = None;
        self.octets = 0;
        let mut lines = core::mem::take(&mut self.lines);
        if lines.is_empty() {
            return Ok(Some(Reply::assemble(code, None, text, lines)));
        }
        lines.push(text);
        let first = lines.remove(0);
        Ok(Some(Reply::assemble(code, None, first, lines)))
    }
}

pub(super) fn whole(octets: &[u8]) -> Result<Reply, ReplyError> {
    let mut input = BytesMut::from(octets);
    let malformed = |kind, at| ReplyError::Malformed(ParseError::new(kind, at, octets));
    let reply = ReplyDecoder::new()
        .decode(&mut input)?
        .ok_or_else(|| malformed(ParseErrorKind::Missing("the last line"), octets.len()))?;
    if input.is_empty() {
        Ok(reply)
    } else {
        Err(malformed(ParseErrorKind::Trailing, octets.len() - input.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(octets: &[u8]) -> ParseErrorKind {
        match Reply::parse(octets).unwrap_err() {
            ReplyError::Malformed(error) => error.kind(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_code_alone_is_a_reply() {
        let reply = Reply::parse(b"250\r\n").unwrap();
        assert_eq!((reply.code(), reply.text()), (ReplyCode::OK, ""));
        assert_eq!(Reply::parse(b"250 \r\n").unwrap(), reply);
        assert_eq!(Reply::parse(b"250-\r\n250\r\n").unwrap().lines().count(), 2);
    }

    #[test]
    fn lines_of_one_reply_have_one_code() {
        assert_eq!(
            kind(b"250-a\r\n550 b\r\n"),
            ParseErrorKind::Expected("the reply code of the line before")
        );
    }

    #[test]
    fn what_is_no_reply() {
        assert_eq!(kind(b"\r\n"), ParseErrorKind::Expected("a reply code"));
        assert_eq!(kind(b"25\r\n"), ParseErrorKind::Expected("a reply code"));
        assert_eq!(kind(b" 250 ok\r\n"), ParseErrorKind::Expected("a reply code"));
        assert_eq!(kind(b"+50 ok\r\n"), ParseErrorKind::Expected("a reply code"));
        assert_eq!(kind(b"199 ok\r\n"), ParseErrorKind::OutOfRange("reply code"));
        assert_eq!(kind(b"600 ok\r\n"), ParseErrorKind::OutOfRange("reply code"));
        assert_eq!(kind(b"2500 ok\r\n"), ParseErrorKind::Expected("a space or hyphen"));
        assert_eq!(kind(b"250 ok"), ParseErrorKind::Missing("the last line"));
        assert_eq!(kind(b"250 ok\r\n250 ok\r\n"), ParseErrorKind::Trailing);
        assert_eq!(Reply::parse(b"250 ok\n"), Err(ReplyError::Line(LineFault::BareLf { at: 6 })));
        assert_eq!(Reply::parse(b"250 o\0k\r\n"), Err(ReplyError::Line(LineFault::Nul { at: 5 })));
    }

    #[test]
    fn limits_hold() {
        let longest = format!("250 {}\r\n", "x".repeat(4090));
        assert_eq!(Reply::parse(longest.as_bytes()).unwrap().text().len(), 4090);
        let longer = format!("250 {}\r\n", "x".repeat(4091));
        assert_eq!(
            Reply::parse(longer.as_bytes()),
            Err(ReplyError::Line(LineFault::TooLong { limit: 4096 }))
        );
        let lines = "250-\r\n".repeat(999) + "250 \r\n";
        assert_eq!(Reply::parse(lines.as_bytes()).unwrap().lines().count(), 1000);
        let more_lines = "250-\r\n".repeat(1000) + "250 \r\n";
        assert_eq!(Reply::parse(more_lines.as_bytes()), Err(ReplyError::TooManyLines { limit: 1000 }));
        let octets = format!("250-{}\r\n", "x".repeat(4090)).repeat(17);
        assert_eq!(Reply::parse(octets.as_bytes()), Err(ReplyError::TooLong { limit: 65_536 }));
    }

    #[test]
    fn an_unending_reply_fails_while_it_is_read() {
        let mut decoder = ReplyDecoder::new();
        let mut failed = None;
        for count in 0.. {
            let mut input = BytesMut::from("250-more\r\n");
            if let Err(error) = decoder.decode(&mut input) {
                failed = Some((count, error));
                break;
            }
        }
        assert_eq!(failed, Some((1000, ReplyError::TooManyLines { limit: 1000 })));
    }

    #[test]
    fn enhanced_codes_are_taken_off_each_line_that_has_them() {
        let reply = Reply::parse(b"550-5.1.1 a\r\n550-5.1.2 b\r\n550 c\r\n").unwrap();
        assert_eq!(reply.to_string(), "550 5.1.1 a 5.1.2 b c");
        assert_eq!(Reply::parse(b"250 5.1.1 a\r\n").unwrap().enhanced(), None);
        assert_eq!(Reply::parse(b"250 2.0.0\r\n").unwrap().text(), "");
    }
}
