//! FETCH, as it comes.

use super::commands::hole;
use super::{Client, ClientError, Result, done};
use bytes::Bytes;
use futures_util::Stream;
use postroad_core::ParseError;
use postroad_imap::client::{CommandId, Event};
use postroad_imap::command::{self, CommandBody, FetchItem};
use postroad_imap::response::{FetchRow, StreamedBody};
use postroad_imap::types::{Messages, Section, SequenceSet};
use std::future::poll_fn;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

/// A piece of the answer to FETCH.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Fetched {
    /// A section of a message begins that is larger than [`Config::stream_above`](postroad_imap::client::Config::stream_above): its
    /// octets follow as [`Chunk`](Self::Chunk)s, and then its row. What is smaller is in the row.
    Body {
        /// The sequence number of the message.
        number: u32,
        /// Its UID, if the server has said it by now; else the row will.
        uid: Option<u32>,
        /// Which section, and how many octets follow.
        body: StreamedBody,
    },
    /// Octets of the section that [`Body`](Self::Body) announced.
    Chunk(Bytes),
    /// All else of a message.
    Row(FetchRow),
    /// A row could not be read: something is missing from the answer. It goes on.
    Malformed(ParseError),
}

/// The answer to [`Client::uid_fetch`], piece by piece: a [`Stream`], and [`next`](Self::next) for those who need no more.
///
/// It borrows the client: no command can be sent in between.
///
/// ```compile_fail,E0499
/// # use postroad_imap::command::FetchItem;
/// # use postroad_imap::types::SequenceSet;
/// # async fn example(mut client: postroad_tokio::imap::Client<tokio::io::DuplexStream>) {
/// let mut rows = client.uid_fetch(SequenceSet::all(), vec![FetchItem::Flags]);
/// while let Some(_) = rows.next().await {
///     client.noop().await;
/// }
/// # }
/// ```
///
/// Dropped before its end, it leaves the rest to be skipped by the next call.
#[derive(Debug)]
#[must_use = "nothing is sent before it is polled"]
pub struct Fetch<'c, Io> {
    client: &'c mut Client<Io>,
    state: State,
    /// The octets that come are ours.
    in_body: bool,
}

#[derive(Debug)]
enum State {
    New(Option<Box<command::Fetch>>),
    Sent(CommandId),
    Over,
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Fetch<'_, Io> {
    /// The next piece; `None` once all is told. Cancel-safe.
    pub async fn next(&mut self) -> Option<Result<Fetched>> {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Fetched>>> {
        let polled = ready!(self.poll_fetched(context));
        if !matches!(polled, Some(Ok(_))) {
            self.state = State::Over;
        }
        Poll::Ready(polled)
    }

    fn poll_fetched(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Fetched>>> {
        let id = match &mut self.state {
            State::Over => return Poll::Ready(None),
            State::Sent(id) => *id,
            State::New(fetch) => {
                if let Err(error) = ready!(self.client.poll_leftovers(context)) {
                    return Poll::Ready(Some(Err(error)));
                }
                let Some(fetch) = fetch.take() else { return Poll::Ready(None) };
                match self.client.start(CommandBody::Fetch(*fetch)) {
                    Ok(id) => {
                        self.state = State::Sent(id);
                        id
                    }
                    Err(error) => return Poll::Ready(Some(Err(error))),
                }
            }
        };
        loop {
            let event = match ready!(self.client.poll_progress(context)) {
                Ok(Some(event)) => event,
                Ok(None) => continue,
                Err(error) => return Poll::Ready(Some(Err(error))),
            };
            let fetched = match event {
                Event::Row { of: Some(of), row } if of == id => Fetched::Row(row),
                Event::Body { of, number, uid, body } => {
                    self.in_body = of == Some(id);
                    if !self.in_body {
                        continue;
                    }
                    Fetched::Body { number, uid, body }
                }
                Event::Chunk(chunk) if self.in_body => Fetched::Chunk(chunk),
                Event::Malformed { error, .. } => Fetched::Malformed(error),
                Event::Data { of: None, response } => match hole(&response) {
                    Some(error) => Fetched::Malformed(error),
                    None => continue,
                },
                Event::Done { of, status } if of == id => {
                    return Poll::Ready(done(status).err().map(Err));
                }
                Event::NotSent { of, reason } if of == id => return Poll::Ready(Some(Err(reason.into()))),
                _ => continue,
            };
            return Poll::Ready(Some(Ok(fetched)));
        }
    }
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Stream for Fetch<'_, Io> {
    type Item = Result<Fetched>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll(context)
    }
}

/// What [`Client::uid_fetch_section`] has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SectionEnd {
    /// All of it is written: so many octets.
    Written(u64),
    /// The message has no such section.
    NoSection,
    /// There is no such message (any more).
    NoMessage,
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Client<Io> {
    /// UID FETCH: data of messages, as they come. Sent when it is polled first.
    pub fn uid_fetch(&mut self, uids: impl Into<Messages>, items: Vec<FetchItem>) -> Fetch<'_, Io> {
        let fetch = Box::new(command::Fetch::new(true, uids, items));
        Fetch { client: self, state: State::New(Some(fetch)), in_body: false }
    }

    /// UID FETCH of one section of one message, written to `to` as it comes; it is not marked as seen.
    ///
    /// # Errors
    ///
    /// See [`ClientError`]: [`ClientError::Write`] when `to` fails; what was written by then is not all.
    pub async fn uid_fetch_section(
        &mut self,
        uid: NonZeroU32,
        section: Section,
        to: &mut (impl AsyncWrite + Unpin),
    ) -> Result<SectionEnd> {
        let item = FetchItem::Section { peek: true, section: section.clone(), partial: None };
        let mut rows = self.uid_fetch(SequenceSet::single(uid), vec![item]);
        let mut end = SectionEnd::NoMessage;
        let mut written = 0;
        while let Some(fetched) = rows.next().await {
            match fetched? {
                Fetched::Body { .. } => written = 0,
                Fetched::Chunk(mut chunk) => {
                    written += chunk.len() as u64;
                    to.write_all_buf(&mut chunk).await.map_err(ClientError::Write)?;
                    end = SectionEnd::Written(written);
                }
                // Another row of this message may tell flags only.
                Fetched::Row(row) => match row.section(&section) {
                    Some(mut octets) => {
                        end = SectionEnd::Written(octets.len() as u64);
                        to.write_all_buf(&mut octets).await.map_err(ClientError::Write)?;
                    }
                    None if row.sections().next().is_some() && end == SectionEnd::NoMessage => {
                        end = SectionEnd::NoSection;
                    }
                    None => {}
                },
                Fetched::Malformed(error) => return Err(ClientError::Malformed(error)),
            }
        }
        to.flush().await.map_err(ClientError::Write)?;
        Ok(end)
    }
}
