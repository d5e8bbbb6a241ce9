//! APPEND: a message for a mailbox.

use super::{Client, ClientError, Result, done};
use bytes::{Bytes, BytesMut};
use postroad_core::Full;
use postroad_imap::client::{Append, CommandId, Event};
use postroad_imap::command::AppendMessage;
use postroad_imap::response::{ResponseCode, StatusResponse};
use postroad_imap::types::{AppendOptions, MailboxName, UidSet};
use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

/// How much of a message is read at once.
const CHUNK: usize = 32 * 1024;

/// Where an appended message is (RFC 9051 section 7.1, APPENDUID).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppendUid {
    /// UIDVALIDITY of the mailbox.
    pub uid_validity: u32,
    /// Its UID.
    pub uids: UidSet,
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Client<Io> {
    /// APPEND: stores a message of `len` octets, with these flags and this date. Gives where it is, if the server says so.
    ///
    /// `body` is read once the server asks for it, a piece at a time, and not beyond `len`. Lines end in CRLF, and there is no NUL: what
    /// is given is sent as it is.
    ///
    /// Dropped before the message is sent whole, it leaves the connection of no more use.
    ///
    /// # Errors
    ///
    /// See [`ClientError`]: [`ClientError::Body`] when `body` fails or is too short.
    pub async fn append(
        &mut self,
        mailbox: &MailboxName,
        options: AppendOptions,
        len: u64,
        body: impl AsyncRead + Unpin,
    ) -> Result<Option<AppendUid>> {
        poll_fn(|context| self.poll_leftovers(context)).await?;
        // Whether the literal waits is the session's to say.
        let message = AppendMessage { options, len, synchronizing: true, binary: false, utf8: false };
        let append = Append { mailbox: mailbox.clone(), messages: vec![message] };
        let id = match self.connection.session.append(append) {
            Ok(id) => id,
            Err(refused) => return Err(refused.reason.into()),
        };
        self.appending = Some(id);
        let mut body = body.take(len);
        loop {
            let mut event = self.next().await?;
            if matches!(event, Event::SendBody { of, .. } if of == id) {
                event = match self.send_body(id, len, &mut body).await? {
                    Some(event) => event,
                    None => continue,
                };
            }
            match event {
                Event::Done { of, status } if of == id => {
                    self.appending = None;
                    return done(status).map(appended);
                }
                Event::NotSent { of, reason } if of == id => {
                    self.appending = None;
                    return Err(reason.into());
                }
                _ => {}
            }
        }
    }

    /// Sends the message; gives the event that ended the command before its end, if one did.
    async fn send_body(
        &mut self,
        id: CommandId,
        len: u64,
        body: &mut (impl AsyncRead + Unpin),
    ) -> Result<Option<Event>> {
        let mut left = len;
        let mut buffer = BytesMut::new();
        while left > 0 {
            buffer.reserve(CHUNK);
            // Both at once: the server may refuse the message while the next piece of it is awaited.
            let read = {
                let mut read = pin!(body.read_buf(&mut buffer));
                poll_fn(|context| {
                    loop {
                        match self.poll_progress(context) {
                            Poll::Ready(Ok(Some(event))) if ends(&event, id) => {
                                return Poll::Ready(Err(Ok(event)));
                            }
                            Poll::Ready(Ok(_)) => {}
                            Poll::Ready(Err(error)) => return Poll::Ready(Err(Err(error))),
                            Poll::Pending => return read.as_mut().poll(context).map(Ok),
                        }
                    }
                })
                .await
            };
            match read {
                Err(ended) => return ended.map(Some),
                Ok(Ok(0)) => return Err(self.give_up(io::ErrorKind::UnexpectedEof.into())),
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Err(self.give_up(error)),
            }
            let chunk = buffer.split().freeze();
            left -= chunk.len() as u64;
            if let Some(event) = self.push(id, chunk).await? {
                return Ok(Some(event));
            }
        }
        // From here on the call may be dropped.
        self.appending = None;
        Ok(None)
    }

    async fn push(&mut self, id: CommandId, mut chunk: Bytes) -> Result<Option<Event>> {
        while let Err(Full(back)) = self.connection.session.push_body(chunk) {
            chunk = back;
            let event = poll_fn(|context| self.poll_progress(context)).await?;
            if let Some(event) = event.filter(|event| ends(event, id)) {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// The server waits for octets that do not come: no word would be understood.
    fn give_up(&mut self, error: io::Error) -> ClientError {
        self.connection.session.abort();
        ClientError::Body(error)
    }
}

fn ends(event: &Event, id: CommandId) -> bool {
    matches!(event, Event::Done { of, .. } | Event::NotSent { of, .. } if *of == id)
}

fn appended(status: StatusResponse) -> Option<AppendUid> {
    match status.code {
        Some(ResponseCode::AppendUid { uid_validity, uids }) => Some(AppendUid { uid_validity, uids }),
        _ => None,
    }
}
