//! A message on its way out, and how much of it TOP sends.

use bytes::Bytes;
use memchr::memchr;
use postroad_core::{BareNewline, BareNewlineError, DotStuffer, Output};

/// What [`Body::push`](super::Body::push) says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// Go on, or finish.
    More,
    /// No more octets are needed: finish.
    Enough,
}

#[derive(Debug)]
pub(super) struct BodyState {
    dots: DotStuffer,
    top: Option<TopLines>,
    /// The clock of the application must begin anew: the message has begun, or octets of it were pushed.
    pub(super) progressed: bool,
}

impl BodyState {
    pub(super) fn new(policy: BareNewline, lines: Option<u32>) -> Self {
        Self { dots: DotStuffer::new(policy), top: lines.map(TopLines::new), progressed: true }
    }

    pub(super) fn is_enough(&self) -> bool {
        self.top.as_ref().is_some_and(TopLines::is_enough)
    }

    pub(super) fn push(&mut self, mut chunk: Bytes, output: &mut Output) -> Result<Pushed, BareNewlineError> {
        if let Some(top) = &mut self.top {
            chunk.truncate(top.take(&chunk));
        }
        self.progressed |= !chunk.is_empty();
        self.dots.push(chunk, output)?;
        Ok(if self.is_enough() { Pushed::Enough } else { Pushed::More })
    }

    pub(super) fn finish(self, output: &mut Output) -> Result<(), BareNewlineError> {
        self.dots.finish(output)
    }
}

/// Counts what TOP sends: the header, the blank line, and so many lines (RFC 1939 section 7). An LF ends a line.
#[derive(Debug)]
struct TopLines {
    left: u32,
    in_header: bool,
    /// What the present line of the header has so far.
    line: HeaderLine,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HeaderLine {
    Empty,
    Cr,
    More,
}

impl TopLines {
    fn new(lines: u32) -> Self {
        Self { left: lines, in_header: true, line: HeaderLine::Empty }
    }

    fn is_enough(&self) -> bool {
        !self.in_header && self.left == 0
    }

    /// How many octets of `chunk` are to be sent.
    fn take(&mut self, chunk: &[u8]) -> usize {
        let mut from = 0;
        while !self.is_enough() && from < chunk.len() {
            let found = memchr(b'\n', &chunk[from..]);
            let end = found.map_or(chunk.len(), |at| from + at);
            if self.in_header {
                self.line = match (self.line, &chunk[from..end]) {
                    (line, []) => line,
                    (HeaderLine::Empty, [b'\r']) => HeaderLine::Cr,
                    _ => HeaderLine::More,
                };
            }
            if found.is_none() {
                return chunk.len();
            }
            if !self.in_header {
                self.left -= 1;
            } else if self.line != HeaderLine::More {
                self.in_header = false;
            }
            self.line = HeaderLine::Empty;
            from = end + 1;
        }
        from
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn top(message: &[u8], lines: u32, piece: usize) -> Vec<u8> {
        let mut top = TopLines::new(lines);
        let mut sent = Vec::new();
        for chunk in message.chunks(piece) {
            sent.extend_from_slice(&chunk[..top.take(chunk)]);
        }
        sent
    }

    #[test]
    fn header_blank_line_and_so_many_lines() {
        let message = b"A: 1\r\nB: 2\r\n\r\none\r\ntwo\r\nthree";
        for piece in 1..40 {
            assert_eq!(top(message, 0, piece), b"A: 1\r\nB: 2\r\n\r\n");
            assert_eq!(top(message, 1, piece), b"A: 1\r\nB: 2\r\n\r\none\r\n");
            assert_eq!(top(message, 2, piece), b"A: 1\r\nB: 2\r\n\r\none\r\ntwo\r\n");
            assert_eq!(top(message, 3, piece), message);
            assert_eq!(top(message, u32::MAX, piece), message);
        }
    }

    #[test]
    fn without_header_or_body() {
        for piece in 1..9 {
            assert_eq!(top(b"\r\nbody\r\n", 0, piece), b"\r\n");
            assert_eq!(top(b"A: 1\r\n", 0, piece), b"A: 1\r\n");
            assert_eq!(top(b"", 0, piece), b"");
            // A line of one CR more is not blank.
            assert_eq!(top(b"A: 1\r\n\r\r\nB\r\n", 0, piece), b"A: 1\r\n\r\r\nB\r\n");
            assert_eq!(top(b"A: 1\n\nx\n", 0, piece), b"A: 1\n\n");
        }
    }

    proptest! {
        #[test]
        fn as_the_rfc_says_for_any_chunks(header in prop::collection::vec("[a.]{1,3}", 0..4), body in prop::collection::vec("[a.]{0,3}", 0..5), lines in 0..6_u32, piece in 1..12_usize) {
            let joined = |lines: &[String]| lines.iter().flat_map(|line| [line.as_str(), "\r\n"]).collect::<String>();
            let message = format!("{}\r\n{}", joined(&header), joined(&body));
            let wanted = body.len().min(usize::try_from(lines).unwrap());
            let expected = format!("{}\r\n{}", joined(&header), joined(&body[..wanted]));
            prop_assert_eq!(top(message.as_bytes(), lines, piece), expected.as_bytes());
        }
    }
}
