use super::{Login, Retrieve, Stls, Update};

/// What a server session tells its application, or asks it.
///
/// All but [`Aborted`](Self::Aborted) are questions: the session says `Paused` until the token is answered. One that is dropped is
/// answered `-ERR [SYS/TEMP]` by the session.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// Somebody gave a name and a password.
    Login(Login),
    /// The client wants TLS.
    Stls(Stls),
    /// The client wants a message, or its top.
    Retrieve(Retrieve),
    /// The client said QUIT after login: delete what it marked, now, and release the maildrop.
    Update(Update),
    /// The session ends after login without QUIT: delete nothing, and release the maildrop (RFC 1939 section 6).
    ///
    /// After an error it does not come: an error says the same.
    Aborted(Aborted),
}

/// Why a session ended without QUIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Aborted {
    /// The client closed the connection.
    Eof,
    /// The client said nothing for too long.
    Idle,
    /// The application asked for it by [`shut_down`](super::Server::shut_down).
    ShutDown,
}
