//! A client that reads and changes mailboxes.

mod append;
mod commands;
mod fetch;
mod login;
mod news;
mod options;

pub use append::AppendUid;
pub use commands::{Answer, Listed, Mailbox};
pub use fetch::{Fetch, Fetched, SectionEnd};
pub use news::News;
pub use options::{ClientError, ClientOptions};

use crate::{Connection, MaybeTls, Progress};
use news::Queue;
use postroad_imap::client::{self, CommandId, Event, NotNow};
use postroad_imap::command::CommandBody;
use postroad_imap::response::{Status, StatusResponse};
use postroad_imap::types::Capabilities;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite};

type Result<T> = std::result::Result<T, ClientError>;

/// A connection to an IMAP server.
///
/// It speaks in UIDs, which mean the same message whatever happens to the mailbox, and one command at a time; what the server says
/// beside its answers is [`news`](Self::news).
///
/// Any call may be dropped before its end, a [`Fetch`] in the middle of a message too: the command may have been done all the same, and
/// what is left of its answer is read and skipped by the next call, before it sends its own command. A message that was not
/// [appended](Self::append) to its end is the one exception: the next call closes the connection.
///
/// ```no_run
/// use postroad_imap::command::{FetchItem, SearchKey, SearchKeys};
/// use postroad_imap::types::{MailboxName, SequenceSet};
/// use postroad_tokio::MaybeTls;
/// use postroad_tokio::imap::{Client, ClientOptions, Fetched};
/// use tokio::net::TcpStream;
///
/// # async fn example(options: ClientOptions) -> Result<(), Box<dyn std::error::Error>> {
/// let stream = TcpStream::connect(("mail.example.org", 143)).await?;
/// let mut client = Client::open(MaybeTls::Plain(stream), options).await?;
/// client.login("mrose", "tanstaaf").await?;
/// let inbox = client.select(&MailboxName::inbox()).await?;
/// println!("{} messages", inbox.exists);
/// let unseen = client.uid_search(SearchKeys::single(SearchKey::Unseen)?).await?;
/// if let Ok(unseen) = SequenceSet::try_from(&unseen) {
///     let mut rows = client.uid_fetch(unseen, vec![FetchItem::Envelope, FetchItem::Size]);
///     while let Some(fetched) = rows.next().await {
///         if let Fetched::Row(row) = fetched? {
///             println!("{:?}: {:?} octets", row.uid(), row.size());
///         }
///     }
/// }
/// client.logout().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Client<Io> {
    connection: Connection<client::Client, MaybeTls<Io>>,
    news: Queue,
    max_gathered: usize,
    /// The APPEND whose message is not yet sent whole.
    appending: Option<CommandId>,
    /// A challenge of AUTHENTICATE was told, and is not answered.
    challenged: bool,
    /// The IDLE that is in force, or was asked for.
    idle: Option<CommandId>,
    /// LOGOUT was sent: BYE is what it should be.
    leaving: bool,
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Client<Io> {
    /// What the server offers, as far as is known now.
    pub fn capabilities(&self) -> Option<&Capabilities> {
        self.connection.session.capabilities()
    }

    /// The session.
    pub fn session(&self) -> &client::Client {
        &self.connection.session
    }

    /// The transport.
    pub fn io(&self) -> &MaybeTls<Io> {
        self.connection.driver().io()
    }

    /// The news so far. Take them now and then: when there is more than [`ClientOptions::max_news`], what is old is lost.
    pub fn news(&mut self) -> impl Iterator<Item = News> + '_ {
        std::iter::from_fn(|| self.news.pop())
    }

    /// Sends any command, for what no method of this is there, and gives its id; [`next_event`](Self::next_event) tells what comes of it.
    ///
    /// Any other method waits until it is done, and drops what it answers. For APPEND and AUTHENTICATE there are methods.
    ///
    /// # Errors
    ///
    /// [`NotNow`] gives it back.
    pub fn send(&mut self, command: CommandBody) -> std::result::Result<CommandId, NotNow> {
        self.connection.session.send(command)
    }

    /// The next event of the session that is no news; see [`send`](Self::send). Cancel-safe.
    ///
    /// # Errors
    ///
    /// The connection is of no more use.
    pub async fn next_event(&mut self) -> Result<Event> {
        self.next().await
    }

    async fn next(&mut self) -> Result<Event> {
        loop {
            if let Some(event) = poll_fn(|context| self.poll_progress(context)).await? {
                return Ok(event);
            }
        }
    }

    /// The next event that is no news, or `None`: the output is drained.
    fn poll_progress(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Event>>> {
        loop {
            let (session, driver) = self.connection.split_mut();
            let event = match ready!(driver.poll(session, context)).map_err(ClientError::Connection)? {
                Progress::Event(event) => event,
                Progress::Drained => return Poll::Ready(Ok(None)),
                Progress::Closed => return Poll::Ready(Err(ClientError::Closed(None))),
            };
            let Some(event) = self.news.sort(event) else { continue };
            match event {
                Event::Bye(_) if self.leaving => {}
                Event::Bye(status) => return Poll::Ready(Err(ClientError::Closed(Some(status.into())))),
                // Of a call that was dropped.
                Event::SendBody { of, .. } if self.appending != Some(of) => {
                    self.connection.session.abort();
                    return Poll::Ready(Err(ClientError::Interrupted));
                }
                Event::Challenge { .. } => {
                    self.challenged = true;
                    return Poll::Ready(Ok(Some(event)));
                }
                Event::Done { of, .. } | Event::NotSent { of, .. } if self.idle == Some(of) => {
                    self.idle = None;
                    return Poll::Ready(Ok(Some(event)));
                }
                event => return Poll::Ready(Ok(Some(event))),
            }
        }
    }

    /// Makes an end of what an earlier call has left: its answer is read, and dropped.
    ///
    /// The protocol does not say which of two commands a response answers, so the next is sent only when none is in flight.
    fn poll_leftovers(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        if self.appending.is_some() {
            self.connection.session.abort();
            return Poll::Ready(Err(ClientError::Interrupted));
        }
        loop {
            if std::mem::take(&mut self.challenged) {
                // It is the client's turn, or all is over: then there is nothing to cancel.
                let _ = self.connection.session.cancel();
            }
            if self.connection.session.in_flight() <= usize::from(self.idle.is_some()) {
                return Poll::Ready(Ok(()));
            }
            ready!(self.poll_progress(context))?;
        }
    }

    async fn begin(&mut self, command: CommandBody) -> Result<CommandId> {
        poll_fn(|context| self.poll_leftovers(context)).await?;
        self.start(command)
    }

    fn start(&mut self, command: CommandBody) -> Result<CommandId> {
        self.connection.session.send(command).map_err(|refused| refused.reason.into())
    }

    /// Waits for something new by IDLE (RFC 2177), which the session renews in time, unless there is news already.
    ///
    /// IDLE stays in force afterwards, also when this is dropped, until another command ends it: call this in a loop. Between the
    /// calls nothing is read.
    ///
    /// # Errors
    ///
    /// [`ClientError::NotNow`] when the server does not offer it: [`noop`](Self::noop) now and then does as well.
    pub async fn idle(&mut self) -> Result<News> {
        loop {
            if let Some(news) = self.news.pop() {
                return Ok(news);
            }
            let id = if let Some(id) = self.idle { id } else { self.begin(CommandBody::Idle).await? };
            self.idle = Some(id);
            // News wake nobody by themselves: they are looked for after each step.
            let event = poll_fn(|context| match self.poll_progress(context) {
                Poll::Pending if !self.news.is_empty() => Poll::Ready(Ok(None)),
                polled => polled,
            })
            .await?;
            match event {
                // Some servers end it by themselves after a while: begin anew.
                Some(Event::Done { of, status }) if of == id => done(status).map(drop)?,
                Some(Event::NotSent { of, reason }) if of == id => return Err(reason.into()),
                _ => {}
            }
        }
    }

    /// LOGOUT: ends the connection in good order.
    ///
    /// # Errors
    ///
    /// See [`ClientError`]. Everything that was done before stays done.
    pub async fn logout(mut self) -> Result<()> {
        self.leaving = true;
        let id = self.begin(CommandBody::Logout).await?;
        loop {
            match self.next().await {
                Ok(Event::Done { of, status }) if of == id => {
                    done(status)?;
                    break;
                }
                // It has said BYE, or had enough: this is no loss.
                Err(ClientError::Closed(_)) => break,
                Ok(_) => {}
                Err(error) => return Err(error),
            }
        }
        // What the transport says afterwards does not matter.
        while let Ok(Some(_)) = self.connection.next().await {}
        Ok(())
    }
}

fn done(status: StatusResponse) -> Result<StatusResponse> {
    if status.status == Status::Ok { Ok(status) } else { Err(ClientError::Refused(status.into())) }
}
