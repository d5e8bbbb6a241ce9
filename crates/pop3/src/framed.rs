//! The codec as [`tokio_util::codec`] wants it (feature `tokio-codec`): for proxies and scanners that want commands and responses
//! without sessions.
//!
//! An item is a `Result` of its own, for an error of a decoder ends a `Framed` stream for good, and a bad command should not.
//! STLS with `Framed` is `into_parts()`, with a read buffer that must be empty: what is in it was sent in clear.

use crate::codec::{CommandDecoder, ResponseDecoder, ResponsePart, Shape};
use crate::command::Command;
use bytes::{BufMut, BytesMut};
use postroad_core::{BareNewline, BareNewlineError, DotStuffer, Output, ParseError};
use std::collections::VecDeque;
use std::io;
use tokio_util::codec::{Decoder, Encoder};

/// The server end: reads commands, writes responses.
///
/// ```
/// use postroad_pop3::codec::ResponsePart;
/// use postroad_pop3::command::Command;
/// use postroad_pop3::framed::ServerCodec;
/// use postroad_pop3::response::StatusLine;
/// use bytes::BytesMut;
/// use tokio_util::codec::{Decoder, Encoder};
///
/// let mut codec = ServerCodec::new(512);
/// let mut input = BytesMut::from(&b"NOOP\r\n"[..]);
/// assert!(matches!(codec.decode(&mut input)?, Some(Ok(Command::Noop))));
/// let mut output = BytesMut::new();
/// codec.encode(ResponsePart::Status(StatusLine::ok("")), &mut output)?;
/// assert_eq!(output, "+OK\r\n");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct ServerCodec {
    decoder: CommandDecoder,
    message: Option<DotStuffer>,
}

impl ServerCodec {
    /// Lines have at most `limit` octets, as [`CommandDecoder::new`] says.
    pub fn new(limit: usize) -> Self {
        Self { decoder: CommandDecoder::new(limit), message: None }
    }
}

impl Decoder for ServerCodec {
    type Item = Result<Command, ParseError>;
    type Error = io::Error;

    fn decode(&mut self, input: &mut BytesMut) -> io::Result<Option<Self::Item>> {
        Ok(self.decoder.next(input))
    }

    /// A line that was cut off is no command.
    fn decode_eof(&mut self, input: &mut BytesMut) -> io::Result<Option<Self::Item>> {
        let item = self.decoder.next(input);
        if item.is_none() {
            input.clear();
        }
        Ok(item)
    }
}

impl Encoder<ResponsePart> for ServerCodec {
    type Error = io::Error;

    /// Writes a piece of a response; dots are stuffed here. Chunks and lines may not be mixed in one response.
    ///
    /// # Errors
    ///
    /// A [`Line`](ResponsePart::Line) has a CR or LF in it.
    fn encode(&mut self, part: ResponsePart, output: &mut BytesMut) -> io::Result<()> {
        match part {
            ResponsePart::Status(line) => output.put_slice(format!("{line}\r\n").as_bytes()),
            ResponsePart::Line(line) => {
                if memchr::memchr2(b'\r', b'\n', &line).is_some() {
                    return Err(io::Error::new(io::ErrorKind::InvalidInput, "CR or LF within a line"));
                }
                if line.first() == Some(&b'.') {
                    output.put_u8(b'.');
                }
                output.put_slice(&line);
                output.put_slice(b"\r\n");
            }
            ResponsePart::Chunk(chunk) => {
                let dots = self.message.get_or_insert_with(|| DotStuffer::new(BareNewline::Normalize));
                let mut stuffed = Output::new(usize::MAX);
                dots.push(chunk, &mut stuffed).map_err(bare)?;
                drain(&mut stuffed, output);
            }
            ResponsePart::End(_) => match self.message.take() {
                Some(dots) => {
                    let mut stuffed = Output::new(usize::MAX);
                    dots.finish(&mut stuffed).map_err(bare)?;
                    drain(&mut stuffed, output);
                }
                None => output.put_slice(b".\r\n"),
            },
        }
        Ok(())
    }
}

fn bare(error: BareNewlineError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}

fn drain(from: &mut Output, to: &mut BytesMut) {
    while let Some(octets) = from.pop() {
        to.put_slice(&octets);
    }
}

/// The client end: writes commands, reads responses.
///
/// It keeps the order of the commands that were encoded, for the shape of a response follows from its command.
///
/// ```
/// use postroad_pop3::codec::ResponsePart;
/// use postroad_pop3::command::Command;
/// use postroad_pop3::framed::ClientCodec;
/// use bytes::BytesMut;
/// use tokio_util::codec::{Decoder, Encoder};
///
/// let mut codec = ClientCodec::new(4096);
/// let mut output = BytesMut::new();
/// codec.encode(Command::List(None), &mut output)?;
/// let mut input = BytesMut::from(&b"+OK ready\r\n+OK\r\n1 120\r\n.\r\n"[..]);
/// assert!(matches!(codec.decode(&mut input)?, Some(Ok(ResponsePart::Status(_))))); // the greeting
/// assert!(matches!(codec.decode(&mut input)?, Some(Ok(ResponsePart::Status(_)))));
/// assert_eq!(codec.decode(&mut input)?, Some(Ok(ResponsePart::Line("1 120".into()))));
/// assert!(matches!(codec.decode(&mut input)?, Some(Ok(ResponsePart::End(_)))));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct ClientCodec {
    decoder: ResponseDecoder,
    /// Of what is to come, oldest first.
    shapes: VecDeque<Shape>,
}

impl ClientCodec {
    /// A greeting comes first. Lines have at most `limit` octets, as [`ResponseDecoder::new`] says.
    pub fn new(limit: usize) -> Self {
        Self { decoder: ResponseDecoder::new(limit), shapes: VecDeque::from([Shape::SingleLine]) }
    }

    /// After STLS: no greeting comes.
    pub fn new_after_stls(limit: usize) -> Self {
        Self { decoder: ResponseDecoder::new(limit), shapes: VecDeque::new() }
    }
}

impl Decoder for ClientCodec {
    type Item = Result<ResponsePart, ParseError>;
    type Error = io::Error;

    fn decode(&mut self, input: &mut BytesMut) -> io::Result<Option<Self::Item>> {
        if !self.decoder.is_within_response() {
            self.decoder.announce(self.shapes.front().copied().unwrap_or(Shape::SingleLine));
        }
        let item = self.decoder.next(input).transpose();
        if matches!(item, Some(Ok(_))) && !self.decoder.is_within_response() {
            self.shapes.pop_front();
        }
        Ok(item)
    }
}

impl Encoder<Command> for ClientCodec {
    type Error = io::Error;

    fn encode(&mut self, command: Command, output: &mut BytesMut) -> io::Result<()> {
        command.encode(output);
        self.shapes.push_back(Shape::of(&command));
        Ok(())
    }
}
