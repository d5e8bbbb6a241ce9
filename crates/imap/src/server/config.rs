//! What a server session may be told once, for all its connections.

use crate::response::ResponseText;
use crate::types::Capability;
use core::time::Duration;

/// Every limit, switch and deadline of a [`Server`](super::Server). Share one among all connections by an `Arc`.
///
/// ```
/// use postroad_imap::server::Config;
///
/// let mut config = Config::new();
/// config.starttls = true;
/// config.max_append = 50 << 20;
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// The text of the greeting. Default: `IMAP4rev2 server ready`.
    pub greeting: ResponseText,

    /// Whether STARTTLS is offered, outside of TLS (RFC 9051 section 6.2.1). Default: no.
    pub starttls: bool,
    /// Whether LOGIN, and mechanisms that show the password, are taken outside of TLS. If not, LOGINDISABLED is announced there.
    /// Default: no.
    pub login_without_tls: bool,
    /// Whether LOGIN is taken at all. Default: yes.
    pub login: bool,
    /// The names of the SASL mechanisms that AUTHENTICATE offers, such as `PLAIN` (RFC 9051 section 6.2.2). Those of
    /// [`secret_mechanisms`](Self::secret_mechanisms) are offered outside of TLS too. Default: none.
    pub mechanisms: Vec<String>,
    /// The mechanisms, out of [`mechanisms`](Self::mechanisms), that do not show the password to somebody who listens. Default: none.
    pub secret_mechanisms: Vec<String>,
    /// The extensions that the application serves, beyond what the session does by itself; they are announced after login. Announce what
    /// you handle: the session passes on the commands of an extension, their default answer is NO. Default: none.
    pub extensions: Vec<Capability>,
    /// Whether IMAP4rev2 may be switched to (RFC 9051 section 6.3.1). Default: yes.
    pub imap4rev2: bool,
    /// Whether non-synchronising literals of any size are invited (`LITERAL+`), not only those up to 4096 octets (`LITERAL-`,
    /// RFC 7888). Default: no.
    pub literal_plus: bool,
    /// What the answer to ID says of this server, at most 30 pairs (RFC 2971). Default: nothing.
    pub id: Vec<(String, String)>,

    /// The most octets of a command before login, its literals included. Default: 8192.
    pub max_command_before_login: usize,
    /// The most octets of a command, its literals included; the message of APPEND apart. Default: 64 KiB.
    pub max_command: usize,
    /// The most keys of one SEARCH, SORT or THREAD. Default: 1000.
    pub max_search_keys: usize,
    /// The most octets of one message of APPEND; announced as APPENDLIMIT (RFC 7889). Default: 50 MiB.
    pub max_append: u64,
    /// The most octets of a refused literal that are read and thrown away; beyond them the connection is closed. Default: 64 MiB.
    pub max_discarded: u64,
    /// How many commands may wait for the application at once, at least 1, at most 60. Default: 16.
    pub max_pending: usize,
    /// So many bad commands and failed log-ins end the session. At least 1; default: 10.
    pub max_errors: u32,
    /// So many bad commands before login end the session: a browser that was tricked into talking to this port sends more. At least 1;
    /// default: 3. Failed log-ins count to [`max_errors`](Self::max_errors).
    pub max_errors_before_login: u32,
    /// With so many octets unwritten the session reads no further command, and takes no further rows. Default: 64 KiB.
    pub output_high_water: usize,

    /// How long each phase may last.
    pub timeouts: Timeouts,
}

impl Config {
    /// The defaults.
    pub fn new() -> Self {
        Self {
            greeting: ResponseText::new("IMAP4rev2 server ready"),
            starttls: false,
            login_without_tls: false,
            login: true,
            mechanisms: Vec::new(),
            secret_mechanisms: Vec::new(),
            extensions: Vec::new(),
            imap4rev2: true,
            literal_plus: false,
            id: Vec::new(),
            max_command_before_login: 8192,
            max_command: 64 << 10,
            max_search_keys: 1000,
            max_append: 50 << 20,
            max_discarded: 64 << 20,
            max_pending: 16,
            max_errors: 10,
            max_errors_before_login: 3,
            output_high_water: 64 << 10,
            timeouts: Timeouts::default(),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

/// The deadlines of a server session. None of them is moved by a slow drip of octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// For the next whole command before login, and for a TLS handshake: 1 minute.
    pub before_login: Duration,
    /// For the next whole command after login, and for the end of IDLE: 30 minutes (RFC 9051 section 5.4). It runs only while no command
    /// is being worked on and all output is written.
    pub idle: Duration,
    /// For the next [`block_octets`](Self::block_octets) of a message in APPEND: 3 minutes.
    pub append_block: Duration,
    /// How many octets have to come within `append_block`: 4096, or the end of the message.
    pub block_octets: u64,
    /// For an answer of the application, or some progress of it: 10 minutes. Then the session says BYE and closes.
    pub decision: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            before_login: Duration::from_secs(60),
            idle: Duration::from_secs(30 * 60),
            append_block: Duration::from_secs(3 * 60),
            block_octets: 4096,
            decision: Duration::from_secs(10 * 60),
        }
    }
}
