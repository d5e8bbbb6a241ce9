//! What ends a connection.

use std::{fmt, io};

/// What ended a connection: the transport, or the session.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error<E> {
    /// The transport failed.
    ///
    /// [`io::ErrorKind::TimedOut`] is a peer that did not take what was written for longer than [`Limits::write_stall`], or a TLS
    /// handshake that took too long. [`io::ErrorKind::UnexpectedEof`] is a peer that went away while an answer was awaited.
    ///
    /// [`Limits::write_stall`]: crate::Limits::write_stall
    Io(io::Error),
    /// The session ended itself. Its farewell has been written, if the peer took it in time.
    Session(E),
    /// Octets were waiting, in or out, when the transport was to be upgraded. They belong to the old transport: to carry them over would
    /// let a peer in the middle speak inside of TLS.
    Buffered,
    /// The session asks for more although [`Limits::max_input`] octets wait for it.
    ///
    /// [`Limits::max_input`]: crate::Limits::max_input
    InputFull,
}

impl<E> Error<E> {
    /// Whether trying again later, on a new connection, may help: true of the transport, false of the rest.
    pub fn is_io(&self) -> bool {
        matches!(self, Self::Io(_))
    }

    /// The same error with another session error.
    pub fn map<F>(self, f: impl FnOnce(E) -> F) -> Error<F> {
        match self {
            Self::Io(error) => Error::Io(error),
            Self::Session(error) => Error::Session(f(error)),
            Self::Buffered => Error::Buffered,
            Self::InputFull => Error::InputFull,
        }
    }
}

impl<E: fmt::Display> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "transport: {error}"),
            Self::Session(error) => write!(f, "session: {error}"),
            Self::Buffered => f.write_str("octets were waiting when the transport was to be upgraded"),
            Self::InputFull => f.write_str("the session asks for more than may wait for it"),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for Error<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Session(error) => Some(error),
            Self::Buffered | Self::InputFull => None,
        }
    }
}

impl<E> From<io::Error> for Error<E> {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
