//! What a server session may be told once, for all its connections.

use crate::reply::ReplyText;
use crate::types::{Lenience, Mechanism};
use core::time::Duration;
use postroad_core::{BareNewline, Domain};

/// Every limit, switch and deadline of a [`Server`](super::Server). Share one among all connections by an `Arc`.
///
/// ```
/// use postroad_smtp::server::Config;
/// use postroad_smtp::Domain;
/// use postroad_smtp::types::Mechanism;
///
/// let mut submission = Config::new(Domain::parse("mail.example.org")?);
/// submission.starttls = true;
/// submission.mechanisms = vec![Mechanism::PLAIN];
/// submission.require_auth = true;
/// # Ok::<(), postroad_smtp::ParseError>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// What the server calls itself in the greeting and in the response to EHLO.
    pub hostname: Domain,
    /// The text behind the hostname in the greeting. Default: `ESMTP`.
    pub greeting: ReplyText,

    /// The most octets of one message; offered by SIZE (RFC 1870). Default: 50 MiB.
    pub max_message_size: u64,
    /// The most octets that are read and thrown away of a message that is refused anyway; beyond them the connection is closed.
    /// Default: 64 MiB.
    pub max_discarded_octets: u64,
    /// The most recipients of one message; further ones get 452 (RFC 5321 section 4.5.3.1.10). Default: 1000.
    pub max_recipients: u32,
    /// So many errors in commands and failed authentications end the session. At least 1; default: 10.
    pub max_errors: u32,
    /// The most octets of a command line, with CRLF. Default: 2048.
    pub max_command_line: usize,
    /// The most octets of a line in the exchange of AUTH, with CRLF. Default: 12288 (RFC 4954 section 4).
    pub max_auth_line: usize,
    /// So many octets of one line may be thrown away; beyond them the connection is closed. Default: 1 MiB.
    pub max_dropped_octets: u64,
    /// With so many octets of replies unwritten the session reads no further command. Default: 64 KiB.
    pub output_high_water: usize,

    /// Whether STARTTLS is offered, outside of TLS (RFC 3207). Default: no.
    pub starttls: bool,
    /// The mechanisms that AUTH offers, within TLS (RFC 4954). Default: none, so AUTH is not offered.
    pub mechanisms: Vec<Mechanism>,
    /// Whether AUTH is offered outside of TLS too. Default: no.
    pub allow_plaintext_auth: bool,
    /// Whether MAIL needs an authenticated client: a submission server (RFC 6409). Default: no.
    pub require_auth: bool,
    /// Whether MAIL and AUTH need TLS. Default: no. A server that takes mail from the Internet must not (RFC 3207 section 4).
    pub require_tls: bool,
    /// Whether SMTPUTF8 is offered (RFC 6531). The application then must be able to pass such mail on, or refuse it. Default: no.
    pub smtp_utf8: bool,

    /// What becomes of a message with a CR or LF that is not part of a CRLF. Default: it is refused with 550.
    pub bare_newline: BareNewline,
    /// Which faults of commands are repaired. Default: none.
    pub lenience: Lenience,
    /// How long each phase may last.
    pub timeouts: Timeouts,
}

impl Config {
    /// The defaults, for a server of this name.
    pub fn new(hostname: Domain) -> Self {
        Self {
            hostname,
            greeting: ReplyText::new("ESMTP"),
            max_message_size: 50 << 20,
            max_discarded_octets: 64 << 20,
            max_recipients: 1000,
            max_errors: 10,
            max_command_line: 2048,
            max_auth_line: 12_288,
            max_dropped_octets: 1 << 20,
            output_high_water: 64 << 10,
            starttls: false,
            mechanisms: Vec::new(),
            allow_plaintext_auth: false,
            require_auth: false,
            require_tls: false,
            smtp_utf8: false,
            bare_newline: BareNewline::Reject,
            lenience: Lenience::default(),
            timeouts: Timeouts::default(),
        }
    }
}

/// The deadlines of a server session. None of them is moved by a slow drip of octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// For a whole command line, and for a TLS handshake: 5 minutes (RFC 5321 section 4.5.3.2.7).
    pub command: Duration,
    /// For the next [`block_octets`](Self::block_octets) of a message: 3 minutes (RFC 5321 section 4.5.3.2.5). Only the time in which
    /// the session waits for octets counts.
    pub data_block: Duration,
    /// How many octets have to come within `data_block`: 4096, or the end of the message.
    pub block_octets: u64,
    /// For an answer of the application: 10 minutes. Then the session answers 421 and closes.
    pub decision: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            command: Duration::from_secs(5 * 60),
            data_block: Duration::from_secs(3 * 60),
            block_octets: 4096,
            decision: Duration::from_secs(10 * 60),
        }
    }
}
