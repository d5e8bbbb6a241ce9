//! What can be set about a client session.

use crate::response::Lenience;
use core::time::Duration;

/// Every limit, switch and deadline of a [`Client`](super::Client). Share one among all connections by an `Arc`.
///
/// ```
/// use postroad_imap::client::Config;
/// use std::time::Duration;
///
/// let mut config = Config::new();
/// config.stream_above = 1 << 20;
/// config.timeouts.greeting = Duration::from_secs(10);
/// assert!(config.require_tls && !config.login_without_tls);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Whether TLS must run before anything of worth is said. Without it only CAPABILITY, ID, NOOP, STARTTLS and LOGOUT are sent; a
    /// server that says PREAUTH ends the session, for STARTTLS could not be sent any more (RFC 9051 section 11.3); and what it says of its
    /// own accord, alerts above all, is not told. Default: yes.
    pub require_tls: bool,
    /// Whether LOGIN and AUTHENTICATE may be sent without TLS. [`require_tls`](Self::require_tls) must be off as well. Default: no.
    pub login_without_tls: bool,
    /// Whether the session asks for the capabilities by itself where they are not known: after a greeting, a log-in or a STARTTLS that did
    /// not tell them. Default: yes.
    pub ask_capabilities: bool,
    /// Whether literals are sent without waiting for the server where it offers that (RFC 7888). Default: yes.
    pub non_synchronizing_literals: bool,
    /// Whether the initial response goes with AUTHENTICATE where the server offers SASL-IR (RFC 4959). There are servers that offer it and
    /// refuse it. Default: yes.
    pub initial_response: bool,
    /// What the session repairs in responses.
    pub lenience: Lenience,

    /// The most octets of a response, streamed literals apart. A SEARCH that finds 1,000,000 messages takes 8 MiB without ESEARCH.
    /// Default: 8 MiB.
    pub max_response: usize,
    /// The same before login. Default: 64 KiB.
    pub max_response_before_login: usize,
    /// A body section or message text of FETCH with more octets than this is streamed; up to it, it is in the row. Default: 64 KiB.
    pub stream_above: u64,
    /// How many commands may be on their way at once, at least 1. Default: 32.
    pub max_in_flight: usize,
    /// How many commands may wait to be sent. Default: 256.
    pub max_waiting: usize,
    /// How many octets may wait to be sent before [`push_body`](super::Client::push_body) says `Full`. Default: 64 KiB.
    pub output_high_water: usize,

    /// How long each phase may last.
    pub timeouts: Timeouts,
    /// With no command in flight for so long, NOOP is sent, so that the server does not say goodbye (RFC 9051 section 5.4). Default: never.
    pub keep_alive: Option<Duration>,
}

impl Config {
    /// The defaults that are told at each field.
    pub fn new() -> Self {
        Self {
            require_tls: true,
            login_without_tls: false,
            ask_capabilities: true,
            non_synchronizing_literals: true,
            initial_response: true,
            lenience: Lenience::default(),
            max_response: 8 << 20,
            max_response_before_login: 64 << 10,
            stream_above: 64 << 10,
            max_in_flight: 32,
            max_waiting: 256,
            output_high_water: 64 << 10,
            timeouts: Timeouts::default(),
            keep_alive: None,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

/// The deadlines of a client session. None of them is moved by a slow drip of octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// For the greeting: 1 minute.
    pub greeting: Duration,
    /// For the next whole response, or for the next 4096 octets of one, while a command is not answered: 5 minutes. Servers that search for
    /// long say so meanwhile.
    pub answer: Duration,
    /// For the TLS handshake: 1 minute.
    pub handshake: Duration,
    /// For the application, where it owes octets of a message or a response of SASL: 10 minutes.
    pub application: Duration,
    /// How long an IDLE lasts before it is ended and begun anew: 28 minutes. RFC 2177 asks for less than 29.
    pub idle: Duration,
    /// For the end of the connection, after BYE: 30 seconds.
    pub bye: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        const MINUTE: u64 = 60;
        Self {
            greeting: Duration::from_secs(MINUTE),
            answer: Duration::from_secs(5 * MINUTE),
            handshake: Duration::from_secs(MINUTE),
            application: Duration::from_secs(10 * MINUTE),
            idle: Duration::from_secs(28 * MINUTE),
            bye: Duration::from_secs(30),
        }
    }
}
