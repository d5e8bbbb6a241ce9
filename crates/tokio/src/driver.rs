//! The one primitive: a session on a transport, polled.

use crate::Error;
use crate::tap::{Tap, Tapped};
use bytes::{Buf, Bytes, BytesMut};
use postroad_core::{Session, Step, deadline};
use std::any::Any;
use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::Sleep;

/// How much the input buffer grows at once.
const GROW: usize = 16 * 1024;
/// A read is not tried with less room than this, so that one block serves several small reads.
const ROOM: usize = 4 * 1024;
/// How many pieces one write may have.
const SLICES: usize = 64;
/// How many octets are taken from the session ahead of what the transport took.
const AHEAD: usize = 64 * 1024;
/// A peer that takes less than this in a whole [`Limits::write_stall`] is as good as one that takes nothing.
const LEAST_PROGRESS: usize = 4 * 1024;
/// How much a peer may go on sending after the farewell before it is cut off.
const MAX_DISCARD: usize = 1024 * 1024;

/// The time, as every session of this crate is told it. It is tokio's clock, so that tests may pause it.
pub fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// What a [`Driver`] allows.
///
/// ```
/// use postroad_tokio::Limits;
/// use std::time::Duration;
///
/// let limits = Limits { write_stall: Duration::from_secs(60), ..Limits::default() };
/// assert_eq!(limits.linger, Duration::from_secs(5));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long a write may make no progress worth the name (4 KiB) before the connection is given up. 5 minutes by default.
    pub write_stall: Duration,
    /// How long the farewell after an error may take, and how long a closed connection is read to its end, so that the transport does not
    /// take the farewell back. 5 seconds by default.
    pub linger: Duration,
    /// How many octets may wait for a session that asks for more. 1 MiB by default; sessions bound themselves long before.
    pub max_input: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            write_stall: Duration::from_secs(5 * 60),
            linger: Duration::from_secs(5),
            max_input: 1024 * 1024,
        }
    }
}

/// What [`Driver::poll`] came back with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Progress<E> {
    /// The session has something to tell, or to ask.
    Event(E),
    /// All that the session had to say is with the transport: whoever waits for room may go on. Not said when nothing was written.
    Drained,
    /// The connection is over: everything is written and the transport is shut down.
    Closed,
}

/// What [`Driver::poll`] gives for the session `S`.
pub type Polled<S> = Result<Progress<<S as Session>::Event>, Error<<S as Session>::Error>>;

/// What is left of a [`Driver`]: the transport, and the octets on their way.
#[derive(Debug)]
pub struct Parts<Io> {
    /// The transport.
    pub io: Io,
    /// Octets that were read and that the session did not take.
    pub input: BytesMut,
    /// Octets that the session said and the transport did not take.
    pub output: VecDeque<Bytes>,
}

/// How far a connection is on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    /// The last octets are written.
    Flush,
    /// The write side is shut down.
    Shutdown,
    /// What the peer still sends is read and forgotten: a socket that is closed with unread octets takes back what it sent last.
    Discard,
    Over,
}

/// A write that waits for the peer.
#[derive(Debug)]
struct Stall {
    at: Instant,
    written: usize,
}

/// The transport's half of a connection: buffers and the clock, no protocol.
///
/// The session is passed in at every call, so it may live where the application wants it. Everything on top of this (`next`, `flush`,
/// `upgrade`, the clients and `serve`) is a loop around [`poll`](Self::poll).
///
/// ```
/// use postroad_core::Session;
/// use postroad_tokio::{Driver, Error, Progress};
/// use std::future::poll_fn;
/// use tokio::io::{AsyncRead, AsyncWrite};
///
/// async fn run<S: Session, Io>(mut session: S, io: Io) -> Result<(), Error<S::Error>>
/// where
///     Io: AsyncRead + AsyncWrite + Unpin,
/// {
///     let mut driver = Driver::new(io);
///     loop {
///         match poll_fn(|context| driver.poll(&mut session, context)).await? {
///             Progress::Event(_event) => { /* answer it */ }
///             Progress::Drained => {}
///             Progress::Closed => return Ok(()),
///         }
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Driver<Io> {
    io: Io,
    limits: Limits,
    input: BytesMut,
    output: VecDeque<Bytes>,
    output_len: usize,
    /// What was written must yet be flushed.
    unflushed: bool,
    stall: Option<Stall>,
    /// The one timer, and the deadline it is set to.
    sleep: Option<Pin<Box<Sleep>>>,
    eof: bool,
    stage: Stage,
    /// The end of the patience with a peer that is to be let go.
    linger: Option<Instant>,
    discarded: usize,
    /// The session's own error, kept until its farewell is out. The driver does not know its type.
    failure: Option<Box<dyn Any + Send + Sync>>,
    /// Writing failed; the peer's last words may still be read.
    write_error: Option<io::Error>,
    /// Who listens.
    tap: Option<Tap>,
}

impl<Io> Driver<Io> {
    /// A driver of `io` with the default limits.
    pub fn new(io: Io) -> Self {
        Self::with_limits(io, Limits::default())
    }

    /// A driver of `io`.
    pub fn with_limits(io: Io, limits: Limits) -> Self {
        Self {
            io,
            limits,
            input: BytesMut::new(),
            output: VecDeque::new(),
            output_len: 0,
            unflushed: false,
            stall: None,
            sleep: None,
            eof: false,
            stage: Stage::Open,
            linger: None,
            discarded: 0,
            failure: None,
            write_error: None,
            tap: None,
        }
    }

    /// Lets somebody listen to what is said, from now on; see [`Tap`].
    pub fn set_tap(&mut self, tap: Option<Tap>) {
        self.tap = tap;
    }

    /// The limits it was made with.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The transport. Who reads from it or writes to it breaks the session.
    pub fn io(&self) -> &Io {
        &self.io
    }

    /// How many octets the two buffers hold room for at the moment: nothing, on an idle connection.
    pub fn buffered(&self) -> usize {
        self.input.capacity() + self.output_len
    }

    /// Takes the driver apart.
    pub fn into_parts(self) -> Parts<Io> {
        Parts { io: self.io, input: self.input, output: self.output }
    }

    /// Puts another transport in the place of this one: TLS after STARTTLS or STLS.
    ///
    /// Flush before. The future may be dropped only together with the connection.
    ///
    /// # Errors
    ///
    /// [`Error::Buffered`] when octets wait in either direction; whatever `upgrade` says.
    pub async fn upgrade<E, Io2, F>(self, upgrade: impl FnOnce(Io) -> F) -> Result<Driver<Io2>, Error<E>>
    where
        F: Future<Output = io::Result<Io2>>,
    {
        if !self.input.is_empty() || !self.output.is_empty() || self.unflushed {
            return Err(Error::Buffered);
        }
        let mut driver = Driver::with_limits(upgrade(self.io).await?, self.limits);
        driver.tap = self.tap;
        Ok(driver)
    }

    fn forget_output<S: Session>(&mut self, session: &mut S) {
        while session.poll_transmit().is_some() {}
        self.output = VecDeque::new();
        self.output_len = 0;
        self.unflushed = false;
        self.stall = None;
    }

    fn close(&mut self) {
        self.stage = Stage::Over;
        self.input = BytesMut::new();
        self.sleep = None;
        self.stall = None;
    }
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Driver<Io> {
    /// Carries the connection on until there is something to say.
    ///
    /// It polls the session, then writes, reads and keeps the deadlines, all at once: two peers that write at the same time do not wait for
    /// each other. All progress lives in `self` and in the session, so a future around it may be dropped at any point and made again.
    ///
    /// - While the session is [`Step::Paused`] nothing is read, but output is written and the deadlines are kept: the call stays pending.
    ///   Answer the session from elsewhere (its token borrows nothing), then poll again; the driver is not woken by an answer.
    /// - At the end of input the session is told, and serves what it has.
    /// - After an error of the session its farewell is written, for at most [`Limits::linger`]; only then comes the error.
    /// - When writing fails, what the peer said before is still read and told, then comes the error of writing.
    /// - An idle connection holds no buffer.
    ///
    /// After [`Progress::Closed`] or an error every further call says [`Progress::Closed`].
    ///
    /// # Errors
    ///
    /// [`Error::Io`], [`Error::Session`], [`Error::InputFull`]. Each ends the connection.
    pub fn poll<S: Session>(&mut self, session: &mut S, context: &mut Context<'_>) -> Poll<Polled<S>> {
        // A caller may have been away for longer than a deadline: what came meanwhile is read before the deadline is kept. A peer that
        // always has more to send cannot put the deadline off for ever.
        let mut was_read = false;
        loop {
            let now = now();
            if self.stage != Stage::Open {
                return self.poll_close(session, context).map_ok(|()| Progress::Closed);
            }
            let before = self.tap.as_ref().map(|_| self.input.clone());
            let step = session.poll_event(now, &mut self.input);
            if let (Some(tap), Some(before)) = (&self.tap, before) {
                tap.tell(Tapped::Received(&before[..before.len().saturating_sub(self.input.len())]));
            }
            let paused = match step {
                Ok(Step::Event(event)) => return Poll::Ready(Ok(Progress::Event(event))),
                Ok(Step::NeedInput) => false,
                Ok(Step::Paused) => true,
                Ok(Step::Closed) => {
                    self.stage = Stage::Flush;
                    continue;
                }
                Err(error) => {
                    self.failure = Some(Box::new(error));
                    self.linger = Some(deadline(now, self.limits.linger));
                    self.stage = Stage::Flush;
                    continue;
                }
            };
            match self.poll_write(session, now, context) {
                Poll::Ready(Ok(true)) => return Poll::Ready(Ok(Progress::Drained)),
                Poll::Ready(Ok(false)) | Poll::Pending => {}
                Poll::Ready(Err(error)) => self.lose_write_side(session, error, now),
            }
            if self.write_error.is_some() && (paused || self.eof || self.linger.is_some_and(|at| at <= now)) {
                return Poll::Ready(self.fail());
            }
            let expired = session.poll_timeout().is_some_and(|at| at <= now);
            let may_read = !paused && !self.eof;
            if may_read && (!expired || !was_read) {
                was_read = true;
                if self.input.len() >= self.limits.max_input {
                    self.close();
                    return Poll::Ready(Err(Error::InputFull));
                }
                match self.poll_read(context) {
                    Poll::Ready(Ok(0)) => {
                        self.eof = true;
                        session.handle_eof();
                        continue;
                    }
                    Poll::Ready(Ok(_)) => continue,
                    // TLS that ends without a word. The protocols mark their own ends, so nothing can be cut short unseen.
                    Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                        self.eof = true;
                        session.handle_eof();
                        continue;
                    }
                    Poll::Ready(Err(error)) => {
                        self.write_error.get_or_insert(error);
                        return Poll::Ready(self.fail());
                    }
                    Poll::Pending => {}
                }
            }
            if expired {
                session.handle_timeout(now);
                continue;
            }
            if self.input.is_empty() {
                self.input = BytesMut::new();
            }
            if self.poll_deadline(session.poll_timeout(), context).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Writes what the session has to say, and nothing else: no event is taken and nothing is read.
    ///
    /// A peer that writes much itself before it reads can only be served by [`poll`](Self::poll).
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; it ends the connection.
    pub fn poll_flush<S: Session>(
        &mut self,
        session: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Error<S::Error>>> {
        loop {
            let now = now();
            if self.stage == Stage::Over {
                return Poll::Ready(Ok(()));
            }
            match self.poll_write(session, now, context) {
                Poll::Ready(Ok(_)) => return Poll::Ready(Ok(())),
                Poll::Ready(Err(error)) => {
                    self.write_error = Some(error);
                    return Poll::Ready(self.fail());
                }
                Poll::Pending => {}
            }
            if session.poll_timeout().is_some_and(|at| at <= now) {
                session.handle_timeout(now);
            }
            if self.poll_deadline(session.poll_timeout(), context).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Ends the connection with the error of the transport.
    fn fail<T, E>(&mut self) -> Result<T, Error<E>> {
        self.close();
        let error = self.write_error.take();
        Err(Error::Io(error.unwrap_or_else(|| io::ErrorKind::BrokenPipe.into())))
    }

    /// The peer takes nothing more. What it said before it went may still be here.
    fn lose_write_side<S: Session>(&mut self, session: &mut S, error: io::Error, now: Instant) {
        if self.write_error.is_none() {
            // A peer that stalls has nothing to say either.
            let patience =
                if error.kind() == io::ErrorKind::TimedOut { Duration::ZERO } else { self.limits.linger };
            self.linger = Some(deadline(now, patience));
            self.write_error = Some(error);
        }
        self.forget_output(session);
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.input.capacity() - self.input.len() < ROOM {
            self.input.reserve(GROW);
        }
        pin!(self.io.read_buf(&mut self.input)).poll(context)
    }

    /// Ready when nothing is left to write: `true` when something was written.
    fn poll_write<S: Session>(
        &mut self,
        session: &mut S,
        now: Instant,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<bool>> {
        if self.write_error.is_some() {
            self.forget_output(session);
            return Poll::Ready(Ok(false));
        }
        let mut wrote = self.unflushed;
        loop {
            while self.output.len() < SLICES && self.output_len < AHEAD {
                let Some(chunk) = session.poll_transmit() else { break };
                if !chunk.is_empty() {
                    if let Some(tap) = &self.tap {
                        tap.tell(Tapped::Sent(&chunk));
                    }
                    self.output_len += chunk.len();
                    self.output.push_back(chunk);
                }
            }
            let polled = if self.output.is_empty() {
                if !self.unflushed {
                    self.stall = None;
                    self.output = VecDeque::new();
                    return Poll::Ready(Ok(wrote));
                }
                Pin::new(&mut self.io).poll_flush(context).map_ok(|()| {
                    self.unflushed = false;
                    0
                })
            } else {
                let mut slices = [IoSlice::new(&[]); SLICES];
                for (slice, chunk) in slices.iter_mut().zip(&self.output) {
                    *slice = IoSlice::new(chunk);
                }
                let count = self.output.len().min(SLICES);
                match Pin::new(&mut self.io).poll_write_vectored(context, &slices[..count]) {
                    Poll::Ready(Ok(0)) => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    other => other,
                }
            };
            match polled {
                Poll::Ready(Ok(written)) => {
                    if written > 0 {
                        wrote = true;
                        self.unflushed = true;
                        self.written(written);
                    }
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    let at = deadline(now, self.limits.write_stall);
                    if self.stall.get_or_insert(Stall { at, written: 0 }).at <= now {
                        return Poll::Ready(Err(io::Error::new(
                            io::ErrorKind::TimedOut,
                            "the peer does not take what is written",
                        )));
                    }
                    return Poll::Pending;
                }
            }
        }
    }

    /// The transport took `octets`.
    fn written(&mut self, mut octets: usize) {
        if let Some(stall) = &mut self.stall {
            stall.written += octets;
            if stall.written >= LEAST_PROGRESS {
                self.stall = None;
            }
        }
        self.output_len -= octets;
        while let Some(chunk) = self.output.front_mut() {
            if octets < chunk.len() {
                chunk.advance(octets);
                break;
            }
            octets -= chunk.len();
            self.output.pop_front();
        }
    }

    /// Ready when the earliest of all deadlines has passed.
    fn poll_deadline(&mut self, session: Option<Instant>, context: &mut Context<'_>) -> Poll<()> {
        let stall = self.stall.as_ref().map(|stall| stall.at);
        let Some(at) = [session, stall, self.linger].into_iter().flatten().min() else {
            return Poll::Pending;
        };
        let at = tokio::time::Instant::from_std(at);
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        if sleep.deadline() != at {
            sleep.as_mut().reset(at);
        }
        sleep.as_mut().poll(context)
    }

    /// The way out: flush, shut down, and read until the peer has gone too.
    fn poll_close<S: Session>(
        &mut self,
        session: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Error<S::Error>>> {
        loop {
            let now = now();
            if self.stage != Stage::Over && self.linger.is_some_and(|at| at <= now) {
                self.forget_output(session);
                self.close();
            }
            match self.stage {
                Stage::Open | Stage::Flush => match self.poll_write(session, now, context) {
                    Poll::Ready(Ok(_)) => {
                        self.stage = Stage::Shutdown;
                        self.linger.get_or_insert_with(|| deadline(now, self.limits.linger));
                        continue;
                    }
                    Poll::Ready(Err(error)) => {
                        self.forget_output(session);
                        self.write_error = Some(error);
                        self.close();
                        continue;
                    }
                    Poll::Pending => {}
                },
                Stage::Shutdown => {
                    if Pin::new(&mut self.io).poll_shutdown(context).is_ready() {
                        // A peer that is known to be talking, or to be wrong, may not have read the farewell yet.
                        self.discarded = self.input.len();
                        self.input.clear();
                        self.stage = if self.eof { Stage::Over } else { Stage::Discard };
                        continue;
                    }
                }
                Stage::Discard => {
                    let read = self.poll_read(context);
                    let got = self.input.len();
                    self.input.clear();
                    self.discarded += got;
                    match read {
                        Poll::Ready(Ok(1..)) if self.discarded < MAX_DISCARD => continue,
                        Poll::Pending if self.discarded > 0 || self.failure.is_some() => {}
                        _ => {
                            self.close();
                            continue;
                        }
                    }
                }
                Stage::Over => {
                    self.close();
                    let failure = self.failure.take().and_then(|failure| failure.downcast::<S::Error>().ok());
                    return Poll::Ready(match (failure, self.write_error.take()) {
                        (Some(failure), _) => Err(Error::Session(*failure)),
                        (None, Some(error)) => Err(Error::Io(error)),
                        (None, None) => Ok(()),
                    });
                }
            }
            if self.poll_deadline(None, context).is_pending() {
                return Poll::Pending;
            }
        }
    }
}
