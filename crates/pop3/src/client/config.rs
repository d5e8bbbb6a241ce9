use postroad_core::BareNewline;
use std::time::Duration;

/// How a client session behaves. Change what [`Config::new`] gives.
///
/// ```
/// use postroad_pop3::client::Config;
///
/// let mut config = Config::new();
/// config.pipelining = false;
/// assert!(!config.login_without_tls);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Whether USER and PASS may be sent without TLS. Off unless set: the password crosses the network in clear.
    pub login_without_tls: bool,
    /// Whether commands are sent without waiting, once CAPA has said that the server can (RFC 2449 section 6.6). On unless unset.
    pub pipelining: bool,
    /// How many commands may be on their way at once: 32.
    pub max_in_flight: usize,
    /// How many commands may wait to be sent: 256.
    pub max_waiting: usize,
    /// The longest line of a response in octets, CRLF included: 4096, though RFC 1939 section 3 allows 512. Lines of messages are not
    /// limited.
    pub max_line: usize,
    /// How many rows a LIST or UIDL may have: 250 000. A CAPA may have 1000, or this if it is less.
    pub max_rows: usize,
    /// How long the server may take for an answer, or for each 4096 octets of it: 5 minutes.
    pub response_timeout: Duration,
    /// How long the handshake may take after STLS was accepted: 1 minute.
    pub handshake_timeout: Duration,
    /// What becomes of a CR or LF in a message that is not part of a CRLF. [`BareNewline::Pass`] unless set: the message is handed out
    /// as it is, and [`Event::BodyEnd`](super::Event::BodyEnd) tells of it. No such octet ever ends a message.
    pub bare_newline: BareNewline,
}

impl Config {
    /// The defaults that are told at each field.
    pub fn new() -> Self {
        Self {
            login_without_tls: false,
            pipelining: true,
            max_in_flight: 32,
            max_waiting: 256,
            max_line: 4096,
            max_rows: 250_000,
            response_timeout: Duration::from_secs(300),
            handshake_timeout: Duration::from_secs(60),
            bare_newline: BareNewline::Pass,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}
