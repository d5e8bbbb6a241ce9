//! AUTHENTICATE by the mechanisms of `postroad-sasl`. Feature `sasl`.

use super::{Authenticate, SaslResponse, Server};
use crate::response::No;
use core::fmt;
use postroad_sasl::{Credentials, ServerMechanism, ServerStep};

/// One exchange of AUTHENTICATE (RFC 9051 section 6.2.2), run by a mechanism: from [`Event::Authenticate`](super::Event::Authenticate) to the credentials that are to be verified.
///
/// Forget it at [`Event::SaslCancelled`](super::Event::SaslCancelled), or when the client sends what is not base64 ([`Event::BadCommand`](super::Event::BadCommand)).
///
/// ```
/// use postroad_imap::server::sasl::{Exchange, Progress};
/// use postroad_imap::server::{Event, Server};
/// use postroad_imap::response::No;
/// use postroad_sasl::{Credentials, PlainServer};
///
/// fn decide(server: &mut Server, event: Event, exchange: &mut Option<Exchange>) {
///     let progress = match event {
///         Event::Authenticate(token) => Exchange::begin(Box::new(PlainServer::new()), token, server),
///         Event::SaslResponse(response) => match exchange.take() {
///             Some(exchange) => exchange.respond(response, server),
///             None => return,
///         },
///         _ => return,
///     };
///     match progress {
///         Progress::Challenged(going_on) => *exchange = Some(going_on),
///         Progress::Verify(Credentials::Plain(plain), decision) if plain.authentication_identity() == "tim" => {
///             decision.ok(server)
///         }
///         Progress::Verify(_, decision) => decision.no(server, No::authentication_failed()),
///         Progress::Failed => {}
///         _ => {}
///     }
/// }
/// ```
pub struct Exchange {
    mechanism: Box<dyn ServerMechanism + Send>,
}

/// How an [`Exchange`] goes on.
#[derive(Debug)]
#[non_exhaustive]
#[must_use]
pub enum Progress {
    /// A challenge was sent: give the next [`SaslResponse`] to [`Exchange::respond`].
    Challenged(Exchange),
    /// The client claims this. Verify it, and that the client may act as the identity it asks for; then answer.
    Verify(Credentials, Decision),
    /// The mechanism has refused, and so the client was answered NO.
    Failed,
}

/// The decision at the end of an [`Exchange`]. Dropped: `NO [SERVERBUG]`.
#[derive(Debug)]
#[must_use = "the session waits until this is answered"]
pub struct Decision(Token);

#[derive(Debug)]
enum Token {
    Begin(Authenticate),
    Response(SaslResponse),
}

impl Exchange {
    /// Begins: gives the initial response to `mechanism`, or sends its first challenge. The application has chosen it by
    /// [`Authenticate::mechanism`].
    pub fn begin(
        mut mechanism: Box<dyn ServerMechanism + Send>,
        begin: Authenticate,
        server: &mut Server,
    ) -> Progress {
        let exchange = match begin.initial_response() {
            None => {
                let challenge = mechanism.initial_challenge();
                begin.challenge(server, &challenge);
                return Progress::Challenged(Self { mechanism });
            }
            Some(_) => Self { mechanism },
        };
        exchange.step(Token::Begin(begin), server)
    }

    /// Goes on with a response.
    pub fn respond(self, response: SaslResponse, server: &mut Server) -> Progress {
        self.step(Token::Response(response), server)
    }

    fn step(mut self, token: Token, server: &mut Server) -> Progress {
        let step = match &token {
            // The client must not speak first in such a mechanism (RFC 4959 section 3).
            Token::Begin(_) if !self.mechanism.client_speaks_first() => {
                token.no(server, No::authentication_failed());
                return Progress::Failed;
            }
            Token::Begin(begin) => {
                self.mechanism.step(begin.initial_response().map_or(&[][..], |response| response.expose()))
            }
            Token::Response(response) => self.mechanism.step(response.response().expose()),
        };
        match step {
            Ok(ServerStep::Challenge(challenge)) => {
                token.challenge(server, challenge.expose());
                Progress::Challenged(self)
            }
            Ok(ServerStep::Verify(credentials)) => Progress::Verify(credentials, Decision(token)),
            Ok(_) => {
                token.no(server, No::unavailable());
                Progress::Failed
            }
            Err(_) => {
                token.no(server, No::authentication_failed());
                Progress::Failed
            }
        }
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Exchange({})", self.mechanism.name())
    }
}

impl Decision {
    /// OK: the client is who it says.
    pub fn ok(self, server: &mut Server) {
        match self.0 {
            Token::Begin(begin) => begin.ok(server),
            Token::Response(response) => response.ok(server),
        }
    }

    /// NO, mostly [`No::authentication_failed`]. It counts as an error.
    pub fn no(self, server: &mut Server, no: No) {
        self.0.no(server, no);
    }
}

impl Token {
    fn challenge(self, server: &mut Server, challenge: &[u8]) {
        match self {
            Self::Begin(begin) => begin.challenge(server, challenge),
            Self::Response(response) => response.challenge(server, challenge),
        }
    }

    fn no(self, server: &mut Server, no: No) {
        match self {
            Self::Begin(begin) => begin.no(server, no),
            Self::Response(response) => response.no(server, no),
        }
    }
}
