//! A session and its transport, together.

use crate::{Driver, Error, Limits, Parts, Polled, Progress, Tap};
use postroad_core::Session;
use std::future::{Future, poll_fn};
use std::io;
use tokio::io::{AsyncRead, AsyncWrite};

/// A session on a transport.
///
/// The session is public: tokens are answered to it, and commands are sent by it.
///
/// ```
/// use postroad_core::Session;
/// use postroad_tokio::{Connection, Error};
/// use tokio::io::{AsyncRead, AsyncWrite};
///
/// async fn run<S: Session, Io>(session: S, io: Io) -> Result<(), Error<S::Error>>
/// where
///     Io: AsyncRead + AsyncWrite + Unpin,
/// {
///     let mut connection = Connection::new(session, io);
///     while let Some(_event) = connection.next().await? {
///         // answer the event to `connection.session`
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Connection<S, Io> {
    /// The session.
    pub session: S,
    driver: Driver<Io>,
}

impl<S, Io> Connection<S, Io> {
    /// A connection with the default [`Limits`].
    pub fn new(session: S, io: Io) -> Self {
        Self { session, driver: Driver::new(io) }
    }

    /// A connection with limits of its own.
    pub fn with_limits(session: S, io: Io, limits: Limits) -> Self {
        Self { session, driver: Driver::with_limits(io, limits) }
    }

    /// A connection of a session and a driver that have already met.
    pub fn from_driver(session: S, driver: Driver<Io>) -> Self {
        Self { session, driver }
    }

    /// The driver.
    pub fn driver(&self) -> &Driver<Io> {
        &self.driver
    }

    /// Lets somebody listen to what is said, from now on; see [`Tap`].
    pub fn set_tap(&mut self, tap: Option<Tap>) {
        self.driver.set_tap(tap);
    }

    /// Both halves at once, to poll the one with the other.
    pub fn split_mut(&mut self) -> (&mut S, &mut Driver<Io>) {
        (&mut self.session, &mut self.driver)
    }

    /// Takes the connection apart.
    pub fn into_parts(self) -> (S, Parts<Io>) {
        (self.session, self.driver.into_parts())
    }
}

impl<S: Session, Io: AsyncRead + AsyncWrite + Unpin> Connection<S, Io> {
    /// The next event, or `None` once the connection is closed.
    ///
    /// Cancel-safe: a call that is dropped loses nothing. While a token is unanswered the session reads nothing (in SMTP and POP3), so this
    /// stays pending, writes and keeps the deadlines; answer before calling it, or drop it in a `select!` and answer then.
    ///
    /// # Errors
    ///
    /// As [`Driver::poll`].
    pub async fn next(&mut self) -> Result<Option<S::Event>, Error<S::Error>> {
        loop {
            match self.progress().await? {
                Progress::Event(event) => return Ok(Some(event)),
                Progress::Drained => {}
                Progress::Closed => return Ok(None),
            }
        }
    }

    /// The next event or the news that all output is written: for whoever was told that the output is full, and must not miss an event
    /// while waiting for room. Cancel-safe.
    ///
    /// # Errors
    ///
    /// As [`Driver::poll`].
    pub async fn progress(&mut self) -> Polled<S> {
        poll_fn(|context| self.driver.poll(&mut self.session, context)).await
    }

    /// Writes all output. It neither reads nor takes events; see [`Driver::poll_flush`]. Cancel-safe.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub async fn flush(&mut self) -> Result<(), Error<S::Error>> {
        poll_fn(|context| self.driver.poll_flush(&mut self.session, context)).await
    }

    /// Flushes, then puts another transport in the place of this one: TLS after STARTTLS or STLS. Tell the session afterwards, by its
    /// `tls_established`.
    ///
    /// # Errors
    ///
    /// [`Error::Buffered`] when octets were read that the session has not taken; whatever `upgrade` says.
    pub async fn upgrade<Io2, F>(
        mut self,
        upgrade: impl FnOnce(Io) -> F,
    ) -> Result<Connection<S, Io2>, Error<S::Error>>
    where
        F: Future<Output = io::Result<Io2>>,
    {
        self.flush().await?;
        let driver = self.driver.upgrade(upgrade).await?;
        Ok(Connection { session: self.session, driver })
    }
}
