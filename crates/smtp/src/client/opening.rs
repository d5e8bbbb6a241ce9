//! From a fresh connection to one that mail can be sent on.

use super::{Client, CommandId, Event, NotNow};
use crate::{
    command::{AuthCommand, Command},
    reply::{Capabilities, Reply, Severity},
    types::{ClientName, TlsInfo},
};
use core::fmt;

/// Whether to use STARTTLS. On a transport that is TLS from the beginning none of them does anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TlsPolicy {
    /// No mail without it: a server that does not offer it, or an attacker who takes the offer away, ends the opening.
    Required,
    /// If the server offers it. Who stands in between can prevent it (RFC 3207 section 6).
    Opportunistic,
    /// Not at all.
    None,
}

/// Which step of the opening something belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OpeningStep {
    /// The greeting of the server.
    Greeting,
    /// EHLO, or HELO.
    Hello,
    /// STARTTLS.
    StartTls,
    /// AUTH.
    Authentication,
}

/// Why a connection was not opened. It is still there, if the client is not closed: QUIT is in order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpeningFailure {
    /// The server said no.
    Refused {
        /// To what.
        step: OpeningStep,
        /// Its reply.
        reply: Reply,
    },
    /// STARTTLS is required, and the server does not offer it.
    TlsNotOffered,
    /// The server does not offer the mechanism.
    MechanismNotOffered,
    /// There is no TLS, and the mechanism would show the password to everyone on the way.
    AuthenticationNeedsTls,
    /// The mechanism does not go on: the server sent a challenge that it has no answer to, or did not prove itself.
    Mechanism,
    /// The client would not send a command.
    NotNow(NotNow),
}

impl fmt::Display for OpeningFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { step, reply } => {
                let step = match step {
                    OpeningStep::Greeting => "the connection",
                    OpeningStep::Hello => "EHLO",
                    OpeningStep::StartTls => "STARTTLS",
                    OpeningStep::Authentication => "AUTH",
                };
                write!(f, "the server refused {step}: {reply}")
            }
            Self::TlsNotOffered => f.write_str("the server does not offer STARTTLS"),
            Self::MechanismNotOffered => {
                f.write_str("the server does not offer the authentication mechanism")
            }
            Self::AuthenticationNeedsTls => f.write_str("no password is sent without TLS"),
            Self::Mechanism => f.write_str("the authentication mechanism does not go on"),
            Self::NotNow(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for OpeningFailure {}

/// What to do after an event.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum OpeningProgress {
    /// Go on with the next event.
    Working,
    /// Upgrade the transport, then call [`Opening::tls_established`].
    StartTls,
    /// The mechanism is challenged with these octets: call [`Client::respond`] or [`Client::cancel`].
    Challenge(Vec<u8>),
    /// Mail can be sent; these are the extensions of the server, none if it knows HELO only.
    Opened(Capabilities),
    /// It cannot.
    Failed(OpeningFailure),
}

/// How to authenticate.
enum Authentication {
    /// One command, whose challenges are the caller's.
    Command(AuthCommand),
    #[cfg(feature = "sasl")]
    Mechanism(Box<dyn postroad_sasl::ClientMechanism + Send>),
}

impl fmt::Debug for Authentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(command) => write!(f, "Command({})", command.mechanism),
            #[cfg(feature = "sasl")]
            Self::Mechanism(mechanism) => write!(f, "Mechanism({})", mechanism.name()),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Greeting,
    Ehlo(CommandId),
    Helo(CommandId),
    StartTls(CommandId),
    Upgrading,
    Auth(CommandId),
    Over,
}

/// Takes a fresh connection through the greeting, EHLO (HELO where the server does not know it), STARTTLS and EHLO again, and AUTH.
///
/// Give it each event of the client from the first on. When the client is closed without an event, the connection is lost.
///
/// ```
/// use postroad_smtp::{Session, Step, client::{Client, Config, Opening, OpeningProgress, TlsPolicy}, types::ClientName};
/// use bytes::BytesMut;
///
/// # #[allow(clippy::disallowed_methods)]
/// let now = std::time::Instant::now();
/// let mut client = Client::new(Default::default(), now);
/// let mut opening = Opening::new(ClientName::parse("bar.com")?, TlsPolicy::Opportunistic);
/// let mut input = BytesMut::from("220 foo.com ready\r\n250-foo.com\r\n250 PIPELINING\r\n");
/// let capabilities = loop {
///     let Step::Event(event) = client.poll_event(now, &mut input)? else { panic!("all replies are here") };
///     match opening.handle(&mut client, &event) {
///         OpeningProgress::Working => {}
///         OpeningProgress::Opened(capabilities) => break capabilities,
///         other => panic!("{other:?}"),
///     }
/// };
/// assert!(capabilities.pipelining);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Opening {
    name: ClientName,
    tls: TlsPolicy,
    authentication: Option<Authentication>,
    allow_in_clear: bool,
    stage: Stage,
    /// The mechanism has given up, whatever the server says.
    mechanism_failed: bool,
}

impl Opening {
    /// An opening without AUTH, by a client of this name.
    pub fn new(name: ClientName, tls: TlsPolicy) -> Self {
        Self {
            name,
            tls,
            authentication: None,
            allow_in_clear: false,
            stage: Stage::Greeting,
            mechanism_failed: false,
        }
    }

    /// Authenticates with this command, under TLS only. Challenges, if the mechanism has them, come as [`OpeningProgress::Challenge`].
    #[must_use]
    pub fn authenticate(mut self, command: AuthCommand) -> Self {
        self.authentication = Some(Authentication::Command(command));
        self
    }

    /// Authenticates by a mechanism, whose challenges are answered without a word. One that reveals the password is used under TLS only.
    #[cfg(feature = "sasl")]
    #[must_use]
    pub fn authenticate_by(mut self, mechanism: Box<dyn postroad_sasl::ClientMechanism + Send>) -> Self {
        self.authentication = Some(Authentication::Mechanism(mechanism));
        self
    }

    /// Authenticates without TLS too: for a transport that nobody can listen to.
    #[must_use]
    pub fn allow_authentication_in_clear(mut self) -> Self {
        self.allow_in_clear = true;
        self
    }

    /// Looks at an event of the client and does what follows from it.
    pub fn handle(&mut self, client: &mut Client, event: &Event) -> OpeningProgress {
        let progress = match (self.stage, event) {
            (Stage::Greeting, Event::Greeting(reply)) => self.greeting(client, reply),
            (Stage::Ehlo(id), Event::Reply(of, reply)) if id == *of => self.ehlo(client, reply),
            (Stage::Helo(id), Event::Reply(of, reply)) if id == *of => {
                refused(OpeningStep::Hello, reply).map_or_else(|| self.after_hello(client), Err)
            }
            (Stage::StartTls(id), Event::StartTls(of)) if id == *of => {
                self.stage = Stage::Upgrading;
                Ok(OpeningProgress::StartTls)
            }
            (Stage::StartTls(id), Event::Reply(of, reply)) if id == *of => {
                let is_over = self.tls == TlsPolicy::Required || client.is_closed();
                let refusal = refused(OpeningStep::StartTls, reply).filter(|_| is_over);
                refusal.map_or_else(|| self.after_tls(client), Err)
            }
            (Stage::Auth(id), Event::Challenge(of, challenge)) if id == *of => {
                #[cfg(feature = "sasl")]
                if let Some(Authentication::Mechanism(mechanism)) = &mut self.authentication {
                    let response = mechanism.step(challenge);
                    if !response.is_ok_and(|response| client.respond(response.expose()).is_ok()) {
                        self.mechanism_failed = true;
                        let _ = client.cancel();
                    }
                    return OpeningProgress::Working;
                }
                Ok(OpeningProgress::Challenge(challenge.clone()))
            }
            (Stage::Auth(id), Event::Reply(of, reply)) if id == *of => self.auth_reply(client, reply),
            (stage, Event::Goodbye(reply)) if stage != Stage::Over => {
                Err(OpeningFailure::Refused { step: self.step(), reply: reply.clone() })
            }
            _ => Ok(OpeningProgress::Working),
        };
        self.settle(progress)
    }

    /// The transport has become TLS, after [`OpeningProgress::StartTls`]: tells the client so, and sends EHLO again. Does nothing
    /// at any other time.
    pub fn tls_established(&mut self, client: &mut Client, info: TlsInfo) -> OpeningProgress {
        if self.stage != Stage::Upgrading || client.tls_established(info).is_err() {
            return OpeningProgress::Working;
        }
        let progress = self.send_ehlo(client);
        self.settle(progress)
    }

    fn settle(&mut self, progress: Result<OpeningProgress, OpeningFailure>) -> OpeningProgress {
        let progress = progress.unwrap_or_else(OpeningProgress::Failed);
        if matches!(progress, OpeningProgress::Opened(_) | OpeningProgress::Failed(_)) {
            self.stage = Stage::Over;
            self.authentication = None;
        }
        progress
    }

    fn step(&self) -> OpeningStep {
        match self.stage {
            Stage::Greeting => OpeningStep::Greeting,
            Stage::Ehlo(_) | Stage::Helo(_) => OpeningStep::Hello,
            Stage::StartTls(_) | Stage::Upgrading => OpeningStep::StartTls,
            Stage::Auth(_) | Stage::Over => OpeningStep::Authentication,
        }
    }

    fn greeting(&mut self, client: &mut Client, reply: &Reply) -> Result<OpeningProgress, OpeningFailure> {
        refused(OpeningStep::Greeting, reply).map_or_else(|| self.send_ehlo(client), Err)
    }

    fn send_ehlo(&mut self, client: &mut Client) -> Result<OpeningProgress, OpeningFailure> {
        self.stage = Stage::Ehlo(send(client, Command::Ehlo(self.name.clone()))?);
        Ok(OpeningProgress::Working)
    }

    fn ehlo(&mut self, client: &mut Client, reply: &Reply) -> Result<OpeningProgress, OpeningFailure> {
        // A server of 1982 does not know EHLO (RFC 5321 section 3.2).
        if reply.severity() == Severity::PermanentNegative {
            self.stage = Stage::Helo(send(client, Command::Helo(self.name.clone()))?);
            return Ok(OpeningProgress::Working);
        }
        refused(OpeningStep::Hello, reply).map_or_else(|| self.after_hello(client), Err)
    }

    fn after_hello(&mut self, client: &mut Client) -> Result<OpeningProgress, OpeningFailure> {
        let is_offered = client.capabilities().is_some_and(|capabilities| capabilities.starttls);
        match self.tls {
            _ if client.is_tls() => {}
            TlsPolicy::Required if !is_offered => return Err(OpeningFailure::TlsNotOffered),
            TlsPolicy::Required | TlsPolicy::Opportunistic if is_offered => {
                self.stage = Stage::StartTls(send(client, Command::StartTls)?);
                return Ok(OpeningProgress::Working);
            }
            TlsPolicy::Required | TlsPolicy::Opportunistic | TlsPolicy::None => {}
        }
        self.after_tls(client)
    }

    fn after_tls(&mut self, client: &mut Client) -> Result<OpeningProgress, OpeningFailure> {
        let command = match &mut self.authentication {
            None => return Ok(opened(client)),
            Some(Authentication::Command(command)) => {
                if !client.is_tls() && !self.allow_in_clear {
                    return Err(OpeningFailure::AuthenticationNeedsTls);
                }
                command.clone()
            }
            #[cfg(feature = "sasl")]
            Some(Authentication::Mechanism(mechanism)) => {
                if !client.is_tls() && !self.allow_in_clear && mechanism.reveals_password() {
                    return Err(OpeningFailure::AuthenticationNeedsTls);
                }
                let name = crate::types::Mechanism::parse(mechanism.name());
                let name = name.map_err(|_| OpeningFailure::MechanismNotOffered)?;
                AuthCommand::new(name, mechanism.initial_response())
            }
        };
        let is_offered = client.capabilities().is_some_and(|offered| offered.offers(command.mechanism));
        if !is_offered {
            return Err(OpeningFailure::MechanismNotOffered);
        }
        self.stage = Stage::Auth(send(client, Command::Auth(command))?);
        Ok(OpeningProgress::Working)
    }

    fn auth_reply(&mut self, client: &mut Client, reply: &Reply) -> Result<OpeningProgress, OpeningFailure> {
        if self.mechanism_failed {
            return Err(OpeningFailure::Mechanism);
        }
        if let Some(refusal) = refused(OpeningStep::Authentication, reply) {
            return Err(refusal);
        }
        #[cfg(feature = "sasl")]
        if let Some(Authentication::Mechanism(mechanism)) = &mut self.authentication {
            mechanism.succeeded(None).map_err(|_| OpeningFailure::Mechanism)?;
        }
        Ok(opened(client))
    }
}

fn send(client: &mut Client, command: Command) -> Result<CommandId, OpeningFailure> {
    client.send(command).map_err(OpeningFailure::NotNow)
}

fn refused(step: OpeningStep, reply: &Reply) -> Option<OpeningFailure> {
    (!reply.is_positive()).then(|| OpeningFailure::Refused { step, reply: reply.clone() })
}

fn opened(client: &Client) -> OpeningProgress {
    OpeningProgress::Opened(client.capabilities().cloned().unwrap_or_default())
}
