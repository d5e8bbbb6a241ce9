//! The codec in tokio-util's `Framed`, for programs that want no session. Feature `tokio-codec`.
//!
//! An `Err` from a decoder ends a `Framed` stream for good, so what is wrong with one command is an item:
//! `Ok(Err(CommandError))` of the stream is answered with [`CommandError::reply`], and the stream goes on.
//!
//! - After 354 call `framed.codec_mut().expect_data(…)`, after 334 `framed.codec_mut().expect_auth_response()`, before the stream
//!   is polled again.
//! - For STARTTLS send 220, flush, take the `Framed` apart with `into_parts()`, and close the connection unless its `read_buf` is empty: those
//!   octets came in the clear.
//! - Nothing here keeps order, limits on errors, or deadlines. [`Server`](crate::server::Server) does.
//!
//! `examples/framed.rs` is a server made so.

use crate::CommandError;
use crate::codec::{CommandCodec, Item};
use crate::command::{AuthResponseLine, Command};
use crate::reply::{Reply, ReplyDecoder};
use bytes::{Bytes, BytesMut};
use core::fmt;
use postroad_core::{BareNewline, DotStuffer, Output};
use std::io;
use tokio_util::codec::{Decoder, Encoder};

impl Decoder for CommandCodec {
    type Item = Result<Item, CommandError>;
    type Error = io::Error;

    fn decode(&mut self, input: &mut BytesMut) -> io::Result<Option<Self::Item>> {
        Ok(self.next(input))
    }

    /// Half a line at the end is no command.
    fn decode_eof(&mut self, input: &mut BytesMut) -> io::Result<Option<Self::Item>> {
        let item = self.next(input);
        if item.is_none() {
            input.clear();
        }
        Ok(item)
    }
}

impl Encoder<Reply> for CommandCodec {
    type Error = io::Error;

    fn encode(&mut self, reply: Reply, output: &mut BytesMut) -> io::Result<()> {
        reply.encode(output).map_err(cannot_fail)
    }
}

/// The client's end: writes commands and messages, reads replies.
///
/// ```
/// use postroad_smtp::framed::{ClientCodec, Message};
/// use bytes::{Bytes, BytesMut};
/// use tokio_util::codec::Encoder;
///
/// let mut output = BytesMut::new();
/// ClientCodec::new().encode(Message(Bytes::from_static(b".\r\n")), &mut output)?;
/// assert_eq!(output, "..\r\n.\r\n");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct ClientCodec {
    replies: ReplyDecoder,
}

/// A whole message, to be sent after 354. Its dots are stuffed, a bare LF becomes CRLF, a bare CR a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message(pub Bytes);

impl ClientCodec {
    /// A codec that waits for the greeting.
    pub const fn new() -> Self {
        Self { replies: ReplyDecoder::new() }
    }
}

impl Decoder for ClientCodec {
    type Item = Reply;
    type Error = io::Error;

    fn decode(&mut self, input: &mut BytesMut) -> io::Result<Option<Reply>> {
        self.replies.decode(input).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

impl Encoder<Command> for ClientCodec {
    type Error = io::Error;

    fn encode(&mut self, command: Command, output: &mut BytesMut) -> io::Result<()> {
        command.encode(output).map_err(cannot_fail)
    }
}

impl Encoder<AuthResponseLine> for ClientCodec {
    type Error = io::Error;

    fn encode(&mut self, line: AuthResponseLine, output: &mut BytesMut) -> io::Result<()> {
        line.encode(output).map_err(cannot_fail)
    }
}

impl Encoder<Message> for ClientCodec {
    type Error = io::Error;

    fn encode(&mut self, Message(message): Message, output: &mut BytesMut) -> io::Result<()> {
        let mut stuffed = Output::new(usize::MAX);
        let mut dots = DotStuffer::new(BareNewline::Normalize);
        let done = dots.push(message, &mut stuffed).and_then(|()| dots.finish(&mut stuffed));
        done.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        while let Some(octets) = stuffed.pop() {
            output.extend_from_slice(&octets);
        }
        Ok(())
    }
}

/// Writing to memory does not fail; a `fmt::Error` is turned into something all the same.
fn cannot_fail(error: fmt::Error) -> io::Error {
    io::Error::other(error)
}
