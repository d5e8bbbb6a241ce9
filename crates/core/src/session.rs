//! The contract of every session.

use bytes::{Bytes, BytesMut};
use std::time::Instant;

/// What [`Session::poll_event`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Step<E> {
    /// Something the application should know of, or decide.
    Event(E),
    /// More octets may help. It does not mean that nothing is outstanding: output may wait, a deadline may run, and the application
    /// may have something to say.
    NeedInput,
    /// Do not read. The session waits for an answer of the application, for its output to drain, or for the transport to be upgraded.
    /// Keep writing and keep the deadline. Never an error.
    Paused,
    /// Nothing more will come. Drain the output and close the transport. All tokens are void.
    Closed,
}

impl<E> Step<E> {
    /// The same step with another event.
    pub fn map<F>(self, f: impl FnOnce(E) -> F) -> Step<F> {
        match self {
            Self::Event(event) => Step::Event(f(event)),
            Self::NeedInput => Step::NeedInput,
            Self::Paused => Step::Paused,
            Self::Closed => Step::Closed,
        }
    }
}

/// One end of one connection, as a state machine that does no I/O and reads no clock.
///
/// The methods come in two families: `poll_*` says what to do next, `handle_*` tells what happened. What the application wants comes as
/// verbs of the concrete session (`send`, `push_body` …) and of the tokens in its events. Calls that were not needed are harmless.
///
/// # The contract
///
/// Poll events until there is none; drain [`poll_transmit`](Self::poll_transmit), also after an error, for the farewell is in there;
/// then wait for octets (unless [`Step::Paused`] or [`Step::Closed`]), for room to write, for the deadline, and for the application,
/// whichever is first; then begin again. Read and write together; neither waits for the other.
pub trait Session {
    /// What this session tells its application.
    type Event;
    /// What ends this session. A bad command of the peer is not an error: it is answered and counted.
    type Error: core::error::Error + Send + Sync + 'static;

    /// Takes from `input` what is needed for the next event, and leaves the rest.
    ///
    /// The caller owns `input` and appends what it reads. `now` never goes backwards.
    ///
    /// # Errors
    ///
    /// An error ends the session: what is left to say is in [`poll_transmit`](Self::poll_transmit), and the next step is
    /// [`Step::Closed`].
    fn poll_event(&mut self, now: Instant, input: &mut BytesMut) -> Result<Step<Self::Event>, Self::Error>;

    /// The next octets to write, or `None` when there are none at the moment.
    fn poll_transmit(&mut self) -> Option<Bytes>;

    /// When [`handle_timeout`](Self::handle_timeout) is to be called, if nothing else happens before.
    fn poll_timeout(&self) -> Option<Instant>;

    /// The time is `now`. Does nothing before the deadline.
    fn handle_timeout(&mut self, now: Instant);

    /// The peer will send nothing more. What was read is still served, and what is in flight may still be answered.
    fn handle_eof(&mut self);
}
