//! What every mechanism is to the protocol that carries it.
//!
//! One file per mechanism. The traits are object safe, so that a protocol holds a `Box<dyn …>` and knows none of them by name.
//! [`ServerStep`] and [`Credentials`] grow: a mechanism of several steps answers [`ServerStep::Challenge`] until it knows enough; one
//! that must look up stored keys, or verify a token or a certificate, asks in a variant of its own and is given the answer by
//! a method of its own type; channel binding is given to its constructor.

pub(crate) mod plain;

use crate::Error;
use alloc::vec::Vec;
use plain::Plain;
use postroad_core::Secret;

/// What a server does after a response of the client.
#[derive(Debug)]
#[non_exhaustive]
#[must_use]
pub enum ServerStep {
    /// Send this challenge and wait for the response.
    Challenge(Secret<Vec<u8>>),
    /// The mechanism has all it needs: decide whether this is true, and whether that identity may act as the one it asks for.
    Verify(Credentials),
}

/// What a client claims, for the application to verify.
#[derive(Debug)]
#[non_exhaustive]
pub enum Credentials {
    /// A name and a password in clear.
    Plain(Plain),
}

/// The server end of one exchange.
///
/// ```
/// use postroad_sasl::{PlainServer, ServerMechanism};
///
/// let mut mechanism: Box<dyn ServerMechanism + Send> = Box::new(PlainServer::new());
/// assert_eq!(mechanism.name(), "PLAIN");
/// assert!(mechanism.initial_challenge().is_empty()); // no initial response came: send this
/// assert!(mechanism.step(b"no NUL in here").is_err());
/// ```
pub trait ServerMechanism {
    /// The mechanism's registered name.
    fn name(&self) -> &'static str;

    /// Whether the client speaks first, so that the protocol may carry an initial response. When it does not, a response that comes
    /// with the command fails the exchange (RFC 4422 section 3).
    fn client_speaks_first(&self) -> bool {
        true
    }

    /// The challenge to send when the client gave no initial response; empty when the client speaks first.
    fn initial_challenge(&mut self) -> Vec<u8> {
        Vec::new()
    }

    /// Whether the password itself crosses the wire, so that the mechanism is not to be offered without TLS.
    fn reveals_password(&self) -> bool;

    /// Takes a response, decoded from what the protocol wraps it in; an initial response too.
    ///
    /// # Errors
    ///
    /// The response is not of the mechanism's form, or none was due: the exchange has failed.
    fn step(&mut self, response: &[u8]) -> Result<ServerStep, Error>;
}

/// The client end of one exchange.
///
/// ```
/// use postroad_sasl::{ClientMechanism, Plain, PlainClient};
///
/// let mut mechanism: Box<dyn ClientMechanism + Send> = Box::new(PlainClient::new(Plain::new(None, "tim", "secret")?));
/// assert_eq!(mechanism.step(b"")?.expose(), b"\0tim\0secret"); // the protocol has no initial response: an empty challenge came
/// mechanism.succeeded(None)?;
/// # Ok::<(), postroad_sasl::Error>(())
/// ```
pub trait ClientMechanism {
    /// The mechanism's registered name.
    fn name(&self) -> &'static str;

    /// Whether the password itself crosses the wire, so that the mechanism is not to be used without TLS.
    fn reveals_password(&self) -> bool;

    /// What can be sent with the command itself; `None` when the server speaks first. An empty one is not the same as none.
    ///
    /// Ask once, and only if the protocol can carry it; else give the server's empty challenge to [`step`](Self::step).
    fn initial_response(&mut self) -> Option<Secret<Vec<u8>>>;

    /// The response to a challenge, decoded from what the protocol wraps it in.
    ///
    /// # Errors
    ///
    /// The mechanism has no answer to this: cancel the exchange.
    fn step(&mut self, challenge: &[u8]) -> Result<Secret<Vec<u8>>, Error>;

    /// The server said that the exchange succeeded, with these additional data if any. A mechanism in which the server proves itself
    /// checks that here.
    ///
    /// # Errors
    ///
    /// The server did not prove itself, or sent data that should not be: do not trust the connection.
    fn succeeded(&mut self, additional_data: Option<&[u8]>) -> Result<(), Error> {
        match additional_data {
            Some(data) if !data.is_empty() => Err(Error::UnexpectedChallenge),
            _ => Ok(()),
        }
    }
}
