//! What a client sends, cut out of a buffer: framing and grammar, and nothing of the session.
//!
//! For proxies, scanners and tests that want no session. The replies of a server are read by
//! [`ReplyDecoder`](crate::reply::ReplyDecoder).

use crate::CommandError;
use crate::command::{AuthResponseLine, Command};
use crate::types::{Lenience, Repairs};
use bytes::{Bytes, BytesMut};
use postroad_core::{BareNewline, DataFaults, DotUnstuffer, Framed, LineFault, LineFramer, Unstuffed};

/// One piece of what a client sends.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Item {
    /// A command, and what was repaired in it.
    Command(Command, Repairs),
    /// A line of the exchange of AUTH, after [`CommandCodec::expect_auth_response`].
    AuthResponse(AuthResponseLine),
    /// Octets of the message, without stuffed dots, after [`CommandCodec::expect_data`].
    Chunk(Bytes),
    /// The message has ended, and so were its octets. Commands follow.
    End(DataFaults),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Command,
    AuthResponse,
    Data,
}

/// Cuts commands, lines of AUTH and messages out of a buffer.
///
/// What comes next depends on what the server replied, which the codec does not see: whoever replies 354 calls
/// [`expect_data`](Self::expect_data), whoever replies 334 calls [`expect_auth_response`](Self::expect_auth_response), before
/// the next piece is taken. Both go back to commands by themselves.
///
/// ```
/// use postroad_smtp::codec::{CommandCodec, Item};
/// use postroad_smtp::{BareNewline, command::Command};
/// use bytes::BytesMut;
///
/// let mut codec = CommandCodec::new();
/// let mut input = BytesMut::from("DATA\r\n..hello\r\n.\r\nQUIT\r\n");
/// assert!(matches!(codec.next(&mut input), Some(Ok(Item::Command(Command::Data, _)))));
/// codec.expect_data(BareNewline::Reject);
/// assert_eq!(codec.next(&mut input), Some(Ok(Item::Chunk(".hello\r\n".into()))));
/// assert!(matches!(codec.next(&mut input), Some(Ok(Item::End(_)))));
/// assert!(matches!(codec.next(&mut input), Some(Ok(Item::Command(Command::Quit, _)))));
/// assert_eq!(codec.next(&mut input), None);
/// ```
#[derive(Debug)]
pub struct CommandCodec {
    mode: Mode,
    lenience: Lenience,
    line_limit: usize,
    auth_line_limit: usize,
    framer: LineFramer,
    dots: DotUnstuffer,
}

impl CommandCodec {
    /// A codec without lenience, for command lines of at most 2048 octets and AUTH lines of at most 12288 (RFC 4954 section 4).
    pub fn new() -> Self {
        Self::with(Lenience::default(), 2048, 12_288)
    }

    /// A codec with limits of one's own, in octets with CRLF.
    pub fn with(lenience: Lenience, line_limit: usize, auth_line_limit: usize) -> Self {
        let mut framer = LineFramer::new();
        framer.accept_bare_lf(lenience.bare_lf);
        Self {
            mode: Mode::Command,
            lenience,
            line_limit,
            auth_line_limit,
            framer,
            dots: DotUnstuffer::new(BareNewline::Reject),
        }
    }

    /// A message comes next, for DATA was answered with 354.
    pub fn expect_data(&mut self, bare_newline: BareNewline) {
        self.mode = Mode::Data;
        self.dots = DotUnstuffer::new(bare_newline);
        self.framer.reset();
    }

    /// A line of the exchange of AUTH comes next, for 334 was answered.
    pub fn expect_auth_response(&mut self) {
        self.mode = Mode::AuthResponse;
    }

    /// Forgets all state: for a new beginning after TLS.
    pub fn reset(&mut self) {
        *self = Self::with(self.lenience, self.line_limit, self.auth_line_limit);
    }

    /// How many octets of the present faulty line were dropped so far.
    pub fn dropped(&self) -> u64 {
        self.framer.dropped()
    }

    /// What was odd in the present message so far. By [`BareNewline::Reject`] no more octets of it come once there was anything.
    pub fn data_faults(&self) -> DataFaults {
        self.dots.faults()
    }

    /// The next piece, or `None` when more octets are needed. `input` must begin where the last call left it.
    ///
    /// # Errors
    ///
    /// A line that is no command. It is consumed; go on.
    pub fn next(&mut self, input: &mut BytesMut) -> Option<Result<Item, CommandError>> {
        match self.mode {
            Mode::Command => self.command(input),
            Mode::AuthResponse => self.auth_response(input),
            Mode::Data => self.data(input).map(Ok),
        }
    }

    fn line(&mut self, input: &mut BytesMut, limit: usize) -> Option<Result<(Bytes, bool), CommandError>> {
        Some(match self.framer.next(input, limit) {
            Framed::NeedInput => return None,
            Framed::Line(line) => Ok((line, false)),
            Framed::Repaired(line) => Ok((line, true)),
            Framed::Fault(fault) => Err(fault.into()),
        })
    }

    fn command(&mut self, input: &mut BytesMut) -> Option<Result<Item, CommandError>> {
        let line = self.line(input, self.line_limit)?;
        Some(line.and_then(|(line, bare_lf)| {
            let (command, mut repairs) = Command::parse_with(&line, self.lenience)?;
            repairs.bare_lf = bare_lf;
            Ok(Item::Command(command, repairs))
        }))
    }

    fn auth_response(&mut self, input: &mut BytesMut) -> Option<Result<Item, CommandError>> {
        let line = self.line(input, self.auth_line_limit)?;
        self.mode = Mode::Command;
        Some(line.and_then(|(line, bare_lf)| {
            if bare_lf {
                return Err(LineFault::BareLf { at: line.len() }.into());
            }
            Ok(Item::AuthResponse(AuthResponseLine::parse(&line)?))
        }))
    }

    fn data(&mut self, input: &mut BytesMut) -> Option<Item> {
        match self.dots.next(input) {
            Unstuffed::NeedInput => None,
            Unstuffed::Chunk(chunk) => Some(Item::Chunk(chunk)),
            Unstuffed::End => {
                self.mode = Mode::Command;
                Some(Item::End(self.dots.faults()))
            }
        }
    }
}

impl Default for CommandCodec {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::ClientName;

    #[test]
    fn small_chunks_are_copied_together_and_large_ones_are_cut() {
        let mut codec = CommandCodec::new();
        codec.expect_data(BareNewline::Reject);
        let large = "x".repeat(5000);
        let text = format!("{}{large}\r\n.\r\n", "..a\r\n".repeat(3000));
        let mut input = BytesMut::from(text.as_str());
        let mut chunks = Vec::new();
        let end = loop {
            match codec.next(&mut input) {
                Some(Ok(Item::Chunk(chunk))) => chunks.push(chunk),
                other => break other,
            }
        };
        assert!(matches!(end, Some(Ok(Item::End(_)))));
        assert!(chunks.len() < 8, "{} chunks", chunks.len());
        assert_eq!(chunks.concat(), format!("{}{large}\r\n", ".a\r\n".repeat(3000)).as_bytes());
        assert!(input.is_empty());
    }

    #[test]
    fn an_auth_line_may_be_longer_than_a_command() {
        let mut codec = CommandCodec::new();
        let line = format!("{}\r\n", "AAAA".repeat(3000));
        assert!(codec.next(&mut BytesMut::from(line.as_str())).unwrap().is_err());
        codec.reset();
        codec.expect_auth_response();
        let item = codec.next(&mut BytesMut::from(line.as_str())).unwrap().unwrap();
        assert!(
            matches!(item, Item::AuthResponse(AuthResponseLine::Response(secret)) if secret.expose().len() == 9000)
        );
        let item = codec.next(&mut BytesMut::from("EHLO a\r\n")).unwrap().unwrap();
        assert_eq!(item, Item::Command(Command::Ehlo(ClientName::parse("a").unwrap()), Repairs::default()));
    }

    #[test]
    fn bare_lf_is_repaired_when_asked() {
        let lenience = Lenience { bare_lf: true, ..Lenience::default() };
        let mut codec = CommandCodec::with(lenience, 512, 512);
        let item = codec.next(&mut BytesMut::from("RSET\n")).unwrap().unwrap();
        assert!(matches!(item, Item::Command(Command::Rset, repairs) if repairs.bare_lf));
    }
}
