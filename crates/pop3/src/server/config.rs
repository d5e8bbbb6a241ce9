use crate::types::{CapabilityText, Expire, ResponseText};
use postroad_core::{BareNewline, Domain};
use std::time::Duration;

/// How a server session behaves. Change what [`Config::new`] gives.
///
/// ```
/// use postroad_pop3::server::Config;
/// use postroad_core::Domain;
///
/// let mut config = Config::new(Domain::parse("dewey.example")?);
/// config.stls = true;
/// assert!(!config.login_without_tls);
/// # Ok::<(), postroad_core::ParseError>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// The name of the host, as it stands in greeting and farewell.
    pub hostname: Domain,
    /// What follows it in the greeting. Angle brackets are left out, for they would offer APOP.
    pub greeting: ResponseText,
    /// Whether STLS is offered (RFC 2595 section 4). The application must then be able to upgrade the transport. Off unless set.
    pub stls: bool,
    /// Whether USER and PASS are taken without TLS. Off unless set: the password crosses the network in clear.
    pub login_without_tls: bool,
    /// What CAPA tells of the implementation, if anything (RFC 2449 section 6.9).
    pub implementation: Option<CapabilityText>,
    /// What CAPA tells of how long messages stay, if anything (RFC 2449 section 6.7). It must be true.
    pub expire: Option<Expire>,
    /// What CAPA tells of the seconds between logins, if anything (RFC 2449 section 6.5). The application enforces it.
    pub login_delay: Option<u32>,
    /// The longest command line in octets, CRLF included: 512, and never less than 255 (RFC 2449 section 4).
    pub max_line: usize,
    /// How many octets of a line that is too long are dropped before the connection is: 1 MiB.
    pub max_dropped: u64,
    /// At which command that is no good the session ends, refused logins included: the tenth.
    pub max_errors: u32,
    /// How long a session waits for a whole command line: 10 minutes, the least that RFC 1939 section 3 allows.
    pub idle_timeout: Duration,
    /// How long the application may take for a decision, or for the next octets of a message: 10 minutes.
    pub decision_timeout: Duration,
    /// How long the handshake may take after STLS was accepted: 1 minute.
    pub handshake_timeout: Duration,
    /// Output waiting to be written at which the session takes no more: 64 KiB.
    pub high_water: usize,
    /// What becomes of a CR or LF in a message to send that is not part of a CRLF. [`BareNewline::Normalize`] unless set: a client may
    /// take it for a line end, and a dot behind it for the end of the message. With [`BareNewline::Reject`] such a message ends the
    /// connection.
    pub bare_newline: BareNewline,
}

impl Config {
    /// The defaults that are told at each field.
    pub fn new(hostname: Domain) -> Self {
        Self {
            hostname,
            greeting: ResponseText::new("POP3 server ready"),
            stls: false,
            login_without_tls: false,
            implementation: None,
            expire: None,
            login_delay: None,
            max_line: 512,
            max_dropped: 1 << 20,
            max_errors: 10,
            idle_timeout: Duration::from_secs(600),
            decision_timeout: Duration::from_secs(600),
            handshake_timeout: Duration::from_secs(60),
            high_water: 65_536,
            bare_newline: BareNewline::Normalize,
        }
    }
}
