//! AUTHENTICATE by the mechanisms of `postroad-sasl`. Feature `sasl`.

use super::{Client, CommandId, Event, NotNowReason};
use crate::command::CommandBody;
use crate::response::{Status, StatusResponse};
use crate::types::Atom;
use core::fmt;
use postroad_sasl::ClientMechanism;

/// One exchange of AUTHENTICATE (RFC 9051 section 6.2.2), run by a mechanism. Give it every event until it is over.
///
/// ```
/// use postroad_imap::client::sasl::{Exchange, Progress};
/// use postroad_imap::client::{Client, Event, NotNowReason};
/// use postroad_sasl::{Plain, PlainClient};
///
/// fn begin(client: &mut Client, credentials: Plain) -> Result<Exchange, NotNowReason> {
///     Exchange::begin(Box::new(PlainClient::new(credentials)), client)
/// }
///
/// /// Whether it went well, once it is over.
/// fn go_on(exchange: &mut Exchange, client: &mut Client, event: &Event) -> Option<bool> {
///     match exchange.handle(client, event) {
///         Progress::Working => None,
///         Progress::Succeeded => Some(true),
///         _ => Some(false),
///     }
/// }
/// ```
pub struct Exchange {
    mechanism: Box<dyn ClientMechanism + Send>,
    command: CommandId,
    failed: Option<postroad_sasl::Error>,
}

/// How an [`Exchange`] goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Progress {
    /// It is not over; or the event is not of this exchange.
    Working,
    /// The client is logged in, and the server has proved itself, if the mechanism asks for that.
    Succeeded,
    /// The server said NO or BAD.
    Refused(StatusResponse),
    /// The mechanism had no answer, and the exchange was cancelled; or the server said OK and has not proved itself: then close the
    /// connection, and trust nothing of it.
    Failed(postroad_sasl::Error),
}

impl Exchange {
    /// Sends AUTHENTICATE. The first response goes with it if the server takes that (RFC 4959), else when it asks.
    ///
    /// # Errors
    ///
    /// It is not sent: the server does not offer the mechanism, or there is no TLS, say.
    pub fn begin(
        mut mechanism: Box<dyn ClientMechanism + Send>,
        client: &mut Client,
    ) -> Result<Self, NotNowReason> {
        // The name of a mechanism is an atom (RFC 4422 section 3.1); another one is offered by nobody.
        let name = Atom::parse(mechanism.name()).map_err(|_| NotNowReason::NotOffered("AUTH="))?;
        let initial_response = mechanism.initial_response();
        let command = CommandBody::Authenticate { mechanism: name, initial_response };
        let command = client.send(command).map_err(|not_now| not_now.reason)?;
        Ok(Self { mechanism, command, failed: None })
    }

    /// The command.
    pub fn command(&self) -> CommandId {
        self.command
    }

    /// Looks at an event of the client, and does what follows from it.
    pub fn handle(&mut self, client: &mut Client, event: &Event) -> Progress {
        match event {
            Event::Challenge { of, challenge } if *of == self.command => {
                match self.mechanism.step(challenge) {
                    // Where no challenge waits any more the session has an error to tell.
                    Ok(response) => drop(client.respond(response.expose())),
                    Err(error) => {
                        self.failed = Some(error);
                        let _ = client.cancel();
                    }
                }
                Progress::Working
            }
            Event::Done { of, status } if *of == self.command => {
                if let Some(error) = self.failed {
                    Progress::Failed(error)
                } else if status.status != Status::Ok {
                    Progress::Refused(status.clone())
                } else {
                    self.mechanism.succeeded(None).map_or_else(Progress::Failed, |()| Progress::Succeeded)
                }
            }
            _ => Progress::Working,
        }
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Exchange({})", self.mechanism.name())
    }
}
