//! How a client connects, and why a call fails.

use crate::{Error, Limits, Tap, TlsPolicy};
use postroad_core::ParseError;
use postroad_imap::client::{self, Config, NotNowReason};
use postroad_imap::response::StatusResponse;
use std::time::Duration;
use std::{fmt, io};

/// How a [`Client`](super::Client) connects.
#[derive(Clone)]
pub struct ClientOptions {
    /// Whether to use STARTTLS: required unless set. Without it, set [`Config::login_without_tls`] too, if one is to log in.
    pub policy: TlsPolicy,
    /// For STARTTLS: how, and who the server must prove to be.
    #[cfg(feature = "rustls")]
    pub tls: Option<(tokio_rustls::TlsConnector, rustls::pki_types::ServerName<'static>)>,
    /// How long the TLS handshake may take: a minute by default.
    pub handshake: Duration,
    /// The most octets, about, that one answer may have that is gathered before it is given: of LIST, SEARCH and the like. 64 MiB by
    /// default.
    pub max_gathered: usize,
    /// The most octets, about, of news that wait for [`Client::news`](super::Client::news). 1 MiB by default.
    pub max_news: usize,
    /// The session's limits and deadlines.
    pub config: Config,
    /// The driver's limits.
    pub limits: Limits,
    /// Who listens. Nobody by default.
    pub tap: Option<Tap>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            policy: TlsPolicy::default(),
            #[cfg(feature = "rustls")]
            tls: None,
            handshake: Duration::from_secs(60),
            max_gathered: 64 << 20,
            max_news: 1 << 20,
            config: Config::new(),
            limits: Limits::default(),
            tap: None,
        }
    }
}

impl fmt::Debug for ClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientOptions")
            .field("policy", &self.policy)
            .field("handshake", &self.handshake)
            .field("max_gathered", &self.max_gathered)
            .field("max_news", &self.max_news)
            .field("config", &self.config)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Why a call did not do what it should.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientError {
    /// The server said NO or BAD. The connection goes on.
    Refused(Box<StatusResponse>),
    /// The server said OK, but of what it answered something could not be read. The connection goes on.
    Malformed(ParseError),
    /// The server said OK, and not what was asked: this response is missing. The connection goes on.
    Missing(&'static str),
    /// The answer is larger than [`ClientOptions::max_gathered`]. The connection goes on.
    TooMuch,
    /// The name or the password has an octet that cannot be sent, or is empty. The connection goes on.
    Credentials,
    /// The session would not take a command, or did not send it. The connection goes on.
    NotNow(NotNowReason),
    /// What was fetched could not be written to where it was to go. The connection goes on.
    Write(io::Error),
    /// The message that was to be appended could not be read, or ended too early. The connection is closed, for the server waits for the
    /// rest; nothing is stored.
    Body(io::Error),
    /// A call to append was dropped before its end: the connection is closed, for the server waits for the rest.
    Interrupted,
    /// STARTTLS is required, and the server does not offer it, or refused it, as said here.
    TlsNotOffered(Option<Box<StatusResponse>>),
    /// The TLS handshake failed.
    Tls(io::Error),
    /// The transport or the session failed.
    Connection(Error<client::Error>),
    /// The server closed the connection; its farewell, if it said one.
    Closed(Option<Box<StatusResponse>>),
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(status) => write!(f, "the server said {}", Said(status)),
            Self::Malformed(error) => write!(f, "the answer could not be read: {error}"),
            Self::Missing(what) => write!(f, "the server did not say {what}"),
            Self::TooMuch => f.write_str("the answer is too large"),
            Self::Credentials => f.write_str("the name or the password cannot be sent"),
            Self::NotNow(reason) => write!(f, "the command cannot be sent: {reason}"),
            Self::Write(error) => write!(f, "what was fetched could not be written: {error}"),
            Self::Body(error) => write!(f, "the message could not be read: {error}"),
            Self::Interrupted => f.write_str("a message was not sent to its end"),
            Self::TlsNotOffered(None) => f.write_str("the server does not offer TLS"),
            Self::TlsNotOffered(Some(status)) => write!(f, "the server refused TLS: {}", Said(status)),
            Self::Tls(error) => write!(f, "TLS: {error}"),
            Self::Connection(error) => error.fmt(f),
            Self::Closed(None) => f.write_str("the server closed the connection"),
            Self::Closed(Some(status)) => write!(f, "the server closed the connection: {}", Said(status)),
        }
    }
}

impl std::error::Error for ClientError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Malformed(error) => Some(error),
            Self::Write(error) | Self::Body(error) | Self::Tls(error) => Some(error),
            Self::Connection(error) => Some(error),
            _ => None,
        }
    }
}

impl From<NotNowReason> for ClientError {
    fn from(reason: NotNowReason) -> Self {
        Self::NotNow(reason)
    }
}

/// A status response for people.
struct Said<'a>(&'a StatusResponse);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let StatusResponse { status, code, text, .. } = self.0;
        match code {
            Some(code) => write!(f, "{status} [{code}] {text}"),
            None => write!(f, "{status} {text}"),
        }
    }
}
