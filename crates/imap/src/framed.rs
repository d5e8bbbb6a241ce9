//! The codec in tokio-util's `Framed`, for programs that want no session. Feature `tokio-codec`.
//!
//! An item is a `Result` of its own, for an error of a decoder ends a `Framed` stream for good, and a bad command should not.
//!
//! - After a continuation request for AUTHENTICATE or IDLE call `framed.codec_mut().decoder_mut().expect_line()`, before the stream is
//!   polled again.
//! - For STARTTLS send OK, flush, take the `Framed` apart with `into_parts()`, and close the connection unless its `read_buf` is empty: those
//!   octets came in the clear.
//! - Nothing here keeps order, limits on errors, or deadlines, or knows which sequence numbers a client was told. [`view`](crate::view) does
//!   the last, a session all.
//!
//! `examples/framed.rs` is a server made so.

use crate::codec::{CommandDecoder, CommandPart, FrameLimits, ResponseDecoder, ResponsePart};
use crate::command::{AppendHead, Command, CommandError, Fragment, LiteralMode, ParseOptions};
use crate::response::{Response, ResponseOptions};
use crate::types::Tag;
use bytes::{BufMut, Bytes, BytesMut};
use postroad_core::ParseError;
use std::collections::VecDeque;
use std::io;
use tokio_util::codec::{Decoder, Encoder};

/// The server's end: reads commands, writes responses.
///
/// ```
/// use bytes::BytesMut;
/// use postroad_imap::codec::CommandPart;
/// use postroad_imap::framed::ServerCodec;
/// use postroad_imap::response::Response;
/// use tokio_util::codec::{Decoder, Encoder};
///
/// let mut codec = ServerCodec::default();
/// let mut input = BytesMut::from("a NOOP\r\n");
/// assert!(matches!(codec.decode(&mut input)?, Some(Ok(CommandPart::Command(_)))));
/// let mut output = BytesMut::new();
/// codec.encode(Response::Exists(3), &mut output)?;
/// assert_eq!(output, "* 3 EXISTS\r\n");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ServerCodec {
    decoder: CommandDecoder,
}

impl ServerCodec {
    /// A codec with these limits, that reads commands so.
    pub fn new(limits: FrameLimits, options: ParseOptions) -> Self {
        Self { decoder: CommandDecoder::new(limits, options) }
    }

    /// What reads the commands.
    pub fn decoder_mut(&mut self) -> &mut CommandDecoder {
        &mut self.decoder
    }
}

impl Default for ServerCodec {
    fn default() -> Self {
        Self::new(FrameLimits::default(), ParseOptions::default())
    }
}

impl Decoder for ServerCodec {
    type Item = Result<CommandPart, CommandError>;
    type Error = io::Error;

    fn decode(&mut self, input: &mut BytesMut) -> io::Result<Option<Self::Item>> {
        Ok(self.decoder.next(input))
    }

    /// A command that was cut off is none.
    fn decode_eof(&mut self, input: &mut BytesMut) -> io::Result<Option<Self::Item>> {
        let item = self.decoder.next(input);
        if item.is_none() {
            input.clear();
        }
        Ok(item)
    }
}

impl Encoder<Response> for ServerCodec {
    type Error = io::Error;

    fn encode(&mut self, response: Response, output: &mut BytesMut) -> io::Result<()> {
        response.encode(output, self.decoder.options_mut().utf8);
        Ok(())
    }
}

/// Octets of a response that the caller prints itself, such as a row by [`RowWriter`](crate::response::RowWriter) and the body behind it.
impl Encoder<Bytes> for ServerCodec {
    type Error = io::Error;

    fn encode(&mut self, octets: Bytes, output: &mut BytesMut) -> io::Result<()> {
        output.put_slice(&octets);
        Ok(())
    }
}

/// The client's end: writes commands, reads responses.
///
/// A command with a literal that must wait is written up to there. When the continuation request has come, send [`GoOn`]; when NO or BAD
/// comes instead, the rest is forgotten.
///
/// ```
/// use bytes::BytesMut;
/// use postroad_imap::command::{Command, CommandBody};
/// use postroad_imap::framed::ClientCodec;
/// use postroad_imap::types::Tag;
/// use tokio_util::codec::Encoder;
///
/// let mut output = BytesMut::new();
/// ClientCodec::default().encode(Command { tag: Tag::parse("a")?, body: CommandBody::Noop }, &mut output)?;
/// assert_eq!(output, "a NOOP\r\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ClientCodec {
    decoder: ResponseDecoder,
    literals: LiteralMode,
    utf8: bool,
    /// Of the command that is not all written.
    tag: Option<Tag>,
    waiting: VecDeque<Fragment>,
}

/// The server has sent a continuation request: write the rest of the command, or what of it need not wait again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GoOn;

impl ClientCodec {
    /// A codec with these limits, that reads responses so.
    pub fn new(limits: FrameLimits, options: ResponseOptions) -> Self {
        Self {
            decoder: ResponseDecoder::new(limits, options),
            literals: LiteralMode::Synchronizing,
            utf8: false,
            tag: None,
            waiting: VecDeque::new(),
        }
    }

    /// Which literals wait for the server: all, until it has said LITERAL+, LITERAL- or IMAP4rev2.
    pub fn set_literals(&mut self, literals: LiteralMode) {
        self.literals = literals;
    }

    /// Whether mailbox names and strings go out in UTF-8: after ENABLE of IMAP4rev2 or UTF8=ACCEPT.
    pub fn set_utf8(&mut self, utf8: bool) {
        self.utf8 = utf8;
        self.decoder.options_mut().utf8 = utf8;
    }

    /// What reads the responses.
    pub fn decoder_mut(&mut self) -> &mut ResponseDecoder {
        &mut self.decoder
    }

    /// Whether a part of a command waits for [`GoOn`].
    pub fn is_waiting(&self) -> bool {
        self.tag.is_some()
    }

    fn begin(&mut self, tag: Tag, fragments: Vec<Fragment>, output: &mut BytesMut) -> io::Result<()> {
        if self.is_waiting() {
            return Err(misuse("a command waits for the server"));
        }
        self.waiting = fragments.into();
        self.tag = Some(tag);
        self.flow(output);
        Ok(())
    }

    /// Writes up to where the server must be waited for.
    fn flow(&mut self, output: &mut BytesMut) {
        while let Some(fragment) = self.waiting.pop_front() {
            match fragment {
                Fragment::Text(text) => output.put_slice(&text),
                Fragment::Literal { header, octets, synchronizing } => {
                    output.put_slice(&header);
                    if synchronizing {
                        self.waiting.push_front(Fragment::Text(octets));
                        return;
                    }
                    output.put_slice(&octets);
                }
                Fragment::Stream { header, synchronizing, .. } => {
                    output.put_slice(&header);
                    if synchronizing {
                        // The octets come from the caller, after `GoOn`, which writes nothing then.
                        return;
                    }
                }
            }
        }
        self.tag = None;
    }
}

impl Default for ClientCodec {
    fn default() -> Self {
        Self::new(FrameLimits::of(1 << 20), ResponseOptions::default())
    }
}

fn misuse(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

impl Decoder for ClientCodec {
    type Item = Result<ResponsePart, ParseError>;
    type Error = io::Error;

    fn decode(&mut self, input: &mut BytesMut) -> io::Result<Option<Self::Item>> {
        let item = self.decoder.next(input);
        if let Some(Ok(ResponsePart::Response(parsed))) = &item {
            if matches!(&parsed.response, Response::Status(status) if status.tag.is_some() && status.tag == self.tag)
            {
                self.waiting.clear();
                self.tag = None;
            }
        }
        Ok(item)
    }
}

impl Encoder<Command> for ClientCodec {
    type Error = io::Error;

    /// # Errors
    ///
    /// A command before this one waits for the server.
    fn encode(&mut self, command: Command, output: &mut BytesMut) -> io::Result<()> {
        let fragments = command.encode(self.literals, self.utf8);
        self.begin(command.tag, fragments, output)
    }
}

/// APPEND up to its first message. The octets follow as [`Bytes`], after the continuation request if the literal waits, and what stands
/// [behind them](crate::command::AppendMessage::end) too. To be told so, the codec [is waiting](ClientCodec::is_waiting) until then.
impl Encoder<AppendHead> for ClientCodec {
    type Error = io::Error;

    /// # Errors
    ///
    /// A command before this one waits for the server.
    fn encode(&mut self, head: AppendHead, output: &mut BytesMut) -> io::Result<()> {
        let fragments = head.encode(self.literals, self.utf8);
        self.begin(head.tag, fragments, output)
    }
}

impl Encoder<GoOn> for ClientCodec {
    type Error = io::Error;

    /// # Errors
    ///
    /// Nothing waits.
    fn encode(&mut self, _: GoOn, output: &mut BytesMut) -> io::Result<()> {
        if !self.is_waiting() {
            return Err(misuse("no command waits for the server"));
        }
        self.flow(output);
        Ok(())
    }
}

/// Octets of a message for APPEND, a SASL response, or DONE, as they are.
impl Encoder<Bytes> for ClientCodec {
    type Error = io::Error;

    fn encode(&mut self, octets: Bytes, output: &mut BytesMut) -> io::Result<()> {
        output.put_slice(&octets);
        Ok(())
    }
}
