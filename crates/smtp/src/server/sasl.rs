//! AUTH by the mechanisms of `postroad-sasl`. Feature `sasl`.

use super::{Auth, AuthResponse, Server};
use crate::reply::Rejection;
use core::fmt;
use postroad_sasl::{Credentials, ServerMechanism, ServerStep};

/// One exchange of AUTH, run by a mechanism: from [`Event::Auth`](super::Event::Auth) to the credentials that are to be verified.
///
/// Forget it at [`Event::AuthCancelled`](super::Event::AuthCancelled).
///
/// ```
/// use postroad_smtp::server::sasl::{Exchange, Progress};
/// use postroad_smtp::server::{Event, Server};
/// use postroad_smtp::reply::Rejection;
/// use postroad_sasl::{Credentials, PlainServer};
///
/// fn decide(server: &mut Server, event: Event, exchange: &mut Option<Exchange>) {
///     let progress = match event {
///         Event::Auth(auth) => Exchange::begin(Box::new(PlainServer::new()), auth, server),
///         Event::AuthResponse(response) => match exchange.take() {
///             Some(exchange) => exchange.respond(response, server),
///             None => return,
///         },
///         _ => return,
///     };
///     match progress {
///         Progress::Challenged(going_on) => *exchange = Some(going_on),
///         Progress::Verify(Credentials::Plain(plain), decision) if plain.authentication_identity() == "tim" => {
///             decision.accept(server)
///         }
///         Progress::Verify(_, decision) => decision.reject(server, Rejection::bad_credentials()),
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
    /// A challenge was sent: give the next [`AuthResponse`] to [`Exchange::respond`].
    Challenged(Exchange),
    /// The client claims this. Verify it, and that the client may act as the identity it asks for; then answer.
    Verify(Credentials, Decision),
    /// The mechanism has refused, and so the client was answered 535.
    Failed,
}

/// The decision at the end of an [`Exchange`]. Dropped: 454.
#[derive(Debug)]
#[must_use = "the session waits until this is answered"]
pub struct Decision(Token);

#[derive(Debug)]
enum Token {
    Auth(Auth),
    Response(AuthResponse),
}

impl Exchange {
    /// Begins: gives the initial response to `mechanism`, or sends its first challenge. The application has chosen it by
    /// [`Auth::mechanism`].
    pub fn begin(
        mut mechanism: Box<dyn ServerMechanism + Send>,
        auth: Auth,
        server: &mut Server,
    ) -> Progress {
        let exchange = match auth.initial_response() {
            None => {
                let challenge = mechanism.initial_challenge();
                auth.challenge(server, &challenge);
                return Progress::Challenged(Self { mechanism });
            }
            Some(_) => Self { mechanism },
        };
        exchange.step(Token::Auth(auth), server)
    }

    /// Goes on with a response.
    pub fn respond(self, response: AuthResponse, server: &mut Server) -> Progress {
        self.step(Token::Response(response), server)
    }

    fn step(mut self, token: Token, server: &mut Server) -> Progress {
        let step = match &token {
            // The client must not speak first in such a mechanism (RFC 4954 section 4).
            Token::Auth(_) if !self.mechanism.client_speaks_first() => {
                token.reject(server, Rejection::bad_credentials());
                return Progress::Failed;
            }
            Token::Auth(auth) => {
                self.mechanism.step(auth.initial_response().map_or(&[][..], |response| response.expose()))
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
                token.reject(server, Rejection::authentication_unavailable());
                Progress::Failed
            }
            Err(_) => {
                token.reject(server, Rejection::bad_credentials());
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
    /// 235: the client is who it says.
    pub fn accept(self, server: &mut Server) {
        match self.0 {
            Token::Auth(auth) => auth.accept(server),
            Token::Response(response) => response.accept(server),
        }
    }

    /// Refuses, mostly with [`Rejection::bad_credentials`]. It counts as an error.
    pub fn reject(self, server: &mut Server, rejection: Rejection) {
        self.0.reject(server, rejection);
    }
}

impl Token {
    fn challenge(self, server: &mut Server, challenge: &[u8]) {
        match self {
            Self::Auth(auth) => auth.challenge(server, challenge),
            Self::Response(response) => response.challenge(server, challenge),
        }
    }

    fn reject(self, server: &mut Server, rejection: Rejection) {
        match self {
            Self::Auth(auth) => auth.reject(server, rejection),
            Self::Response(response) => response.reject(server, rejection),
        }
    }
}
