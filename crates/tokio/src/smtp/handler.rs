//! What a mail server decides.

use bytes::Bytes;
use postroad_smtp::Secret;
use postroad_smtp::command::MailParameters;
use postroad_smtp::reply::{Rejection, ReplyText};
use postroad_smtp::server::AbortReason;
use postroad_smtp::types::{ClientName, ForwardPath, Mechanism, Repairs, ReversePath, TlsInfo};
use std::future::{Future, ready};

/// What a client said in an AUTH exchange (RFC 4954 section 4).
#[derive(Debug)]
#[non_exhaustive]
pub enum AuthStep {
    /// The exchange begins. One that was not finished is over.
    Start {
        /// The mechanism: one of those that the configuration offers.
        mechanism: Mechanism,
        /// What came with the command, decoded. An empty one is not the same as none.
        initial_response: Option<Secret<Vec<u8>>>,
    },
    /// The response to a challenge, decoded.
    Response(Secret<Vec<u8>>),
}

/// What is answered to an [`AuthStep`].
#[derive(Debug)]
#[non_exhaustive]
pub enum AuthAnswer {
    /// Another challenge, not yet encoded; empty, when a mechanism in which the client speaks first came without its initial response.
    Challenge(Vec<u8>),
    /// The client is who it says to be.
    Accept,
    /// It is not.
    Reject(Rejection),
}

/// What a mail server decides, for one connection.
///
/// Implement it with `async fn`. Make one value for each connection: what is known of the peer (its address, who it is, the envelope so
/// far) is the value's own. Each default is the safe one: no mail is relayed, nobody is believed.
///
/// While a method of this runs the connection writes and keeps its deadlines. A method is never cut short, even when the connection ends
/// under it, unless [`serve`](super::serve) itself is dropped.
///
/// ```
/// use bytes::Bytes;
/// use postroad_smtp::reply::{Rejection, ReplyText};
/// use postroad_smtp::types::ForwardPath;
/// use postroad_tokio::smtp::Handler;
///
/// struct Sink {
///     messages: Vec<Vec<u8>>,
/// }
///
/// impl Handler for Sink {
///     type Message = Vec<u8>;
///
///     async fn rcpt(&mut self, _forward_path: &ForwardPath) -> Result<(), Rejection> {
///         Ok(())
///     }
///     async fn data(&mut self) -> Result<Vec<u8>, Rejection> {
///         Ok(Vec::new())
///     }
///     async fn body(&mut self, message: &mut Vec<u8>, chunk: Bytes) -> Result<(), Rejection> {
///         message.extend_from_slice(&chunk);
///         Ok(())
///     }
///     async fn finish(&mut self, message: Vec<u8>) -> Result<ReplyText, Rejection> {
///         self.messages.push(message);
///         Ok(ReplyText::new("kept"))
///     }
/// }
/// ```
pub trait Handler: Send {
    /// A message that is coming in. Dropped unfinished when the peer goes away, when it turns out too large or malformed, and when
    /// [`body`](Self::body) refuses a part of it.
    type Message: Send;

    /// EHLO or HELO. It begins anew: an envelope is forgotten. Accepts by default.
    fn hello(
        &mut self,
        name: &ClientName,
        is_extended: bool,
    ) -> impl Future<Output = Result<(), Rejection>> + Send {
        let _ = (name, is_extended);
        ready(Ok(()))
    }

    /// The connection is now inside of TLS: what was said before counts no more.
    fn tls_established(&mut self, info: &TlsInfo) {
        let _ = info;
    }

    /// AUTH, and the responses to its challenges. Refuses by default.
    fn authenticate(&mut self, step: AuthStep) -> impl Future<Output = AuthAnswer> + Send {
        drop(step);
        ready(AuthAnswer::Reject(Rejection::bad_credentials()))
    }

    /// MAIL: a transaction begins. Accepts by default, for without a recipient nothing follows from it.
    fn mail(
        &mut self,
        reverse_path: &ReversePath,
        parameters: &MailParameters,
    ) -> impl Future<Output = Result<(), Rejection>> + Send {
        let _ = (reverse_path, parameters);
        ready(Ok(()))
    }

    /// RCPT. Refuses by default: a server that accepts every recipient is an open relay.
    fn rcpt(&mut self, forward_path: &ForwardPath) -> impl Future<Output = Result<(), Rejection>> + Send {
        let _ = forward_path;
        ready(Err(Rejection::relay_denied()))
    }

    /// DATA: somewhere to put the message of the present envelope.
    fn data(&mut self) -> impl Future<Output = Result<Self::Message, Rejection>> + Send;

    /// Octets of the message, without dots. The next are not read before this is done.
    ///
    /// # Errors
    ///
    /// The message is refused with this, once its end has come; the rest of it is discarded.
    fn body(
        &mut self,
        message: &mut Self::Message,
        chunk: Bytes,
    ) -> impl Future<Output = Result<(), Rejection>> + Send;

    /// The message is whole. By accepting it the server takes the responsibility for it (RFC 5321 section 4.2.5): it must be safe on disk
    /// by then. The text, such as `queued as` and a number, is put into the reply.
    fn finish(&mut self, message: Self::Message)
    -> impl Future<Output = Result<ReplyText, Rejection>> + Send;

    /// A message will not be taken, for the session found a fault in it; the session answers. The message is dropped.
    fn aborted(&mut self, reason: AbortReason) {
        let _ = reason;
    }

    /// The next command was repaired, by leave of the configuration.
    fn repaired(&mut self, repairs: &Repairs) {
        let _ = repairs;
    }

    /// The transaction is over, and with it its envelope: by RSET, by EHLO, or with its message, whether that was accepted or not.
    fn reset(&mut self) {}
}
