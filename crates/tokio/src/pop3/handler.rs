//! What a POP3 server decides.

use bytes::Bytes;
use postroad_pop3::response::Rejection;
use postroad_pop3::types::{Maildrop, MessageNumber, Password, TlsInfo};
use std::fmt;
use std::future::{Future, ready};
use std::io;

/// Some of the messages that were marked as deleted are still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotRemoved;

impl fmt::Display for NotRemoved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("some deleted messages were not removed")
    }
}

impl std::error::Error for NotRemoved {}

/// What a POP3 server decides, for one connection.
///
/// Implement it with `async fn`, and make one value for each connection. The session itself answers what follows from the listing that was
/// given at login, and keeps the marks of deleted messages.
///
/// While a method of this runs the connection writes and keeps its deadlines. A method is never cut short, even when the connection ends
/// under it, unless [`serve`](super::serve) itself is dropped.
///
/// ```
/// use bytes::Bytes;
/// use postroad_pop3::response::Rejection;
/// use postroad_pop3::types::{Maildrop, MessageNumber, Password, UniqueId};
/// use postroad_tokio::pop3::{Handler, NotRemoved};
///
/// struct OneMessage;
///
/// impl Handler for OneMessage {
///     type Locked = ();
///     type Message = Option<Bytes>;
///
///     async fn login(&mut self, name: &str, password: &Password) -> Result<((), Maildrop), Rejection> {
///         if (name, password.expose()) != ("mrose", "secret") {
///             return Err(Rejection::auth());
///         }
///         let mut maildrop = Maildrop::new();
///         maildrop.push(7, UniqueId::from_uid(1, 1));
///         Ok(((), maildrop))
///     }
///     async fn retrieve(&mut self, (): &mut (), _: MessageNumber, _: Option<u32>) -> Result<Option<Bytes>, Rejection> {
///         Ok(Some(Bytes::from_static(b"\r\nhello")))
///     }
///     async fn chunk(&mut self, message: &mut Option<Bytes>) -> std::io::Result<Option<Bytes>> {
///         Ok(message.take())
///     }
///     async fn update(&mut self, (): (), deleted: &[MessageNumber]) -> Result<(), NotRemoved> {
///         if deleted.is_empty() { Ok(()) } else { Err(NotRemoved) }
///     }
/// }
/// ```
pub trait Handler: Send {
    /// A maildrop that is locked for this connection. Dropping it releases it and deletes nothing: that is what happens when a connection
    /// ends without QUIT (RFC 1939 section 6).
    type Locked: Send;
    /// A message that is being read.
    type Message: Send;

    /// The connection is now inside of TLS: what was said before counts no more.
    fn tls_established(&mut self, info: &TlsInfo) {
        let _ = info;
    }

    /// A name and a password. Compare in constant time, and take as long for a name that does not exist.
    ///
    /// # Errors
    ///
    /// [`Rejection::auth`]; and when these are right but the maildrop cannot be had, [`Rejection::in_use`] or [`Rejection::temporary`].
    fn login(
        &mut self,
        name: &str,
        password: &Password,
    ) -> impl Future<Output = Result<(Self::Locked, Maildrop), Rejection>> + Send;

    /// RETR, or TOP when `lines` is given: the message is wanted, from its beginning. Of TOP the session cuts off what is too much, and stops
    /// reading.
    fn retrieve(
        &mut self,
        locked: &mut Self::Locked,
        number: MessageNumber,
        lines: Option<u32>,
    ) -> impl Future<Output = Result<Self::Message, Rejection>> + Send;

    /// The next octets of a message, as they are stored, with CRLF line ends; `None` at its end. Asked for as fast as the client takes them.
    ///
    /// # Errors
    ///
    /// The connection is closed: there is no other way to say that a message is not whole.
    fn chunk(
        &mut self,
        message: &mut Self::Message,
    ) -> impl Future<Output = io::Result<Option<Bytes>>> + Send;

    /// QUIT: removes what was marked, for good, and nothing else; then releases the maildrop.
    ///
    /// The default removes nothing.
    fn update(
        &mut self,
        locked: Self::Locked,
        deleted: &[MessageNumber],
    ) -> impl Future<Output = Result<(), NotRemoved>> + Send {
        drop(locked);
        ready(if deleted.is_empty() { Ok(()) } else { Err(NotRemoved) })
    }
}
