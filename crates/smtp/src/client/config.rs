//! What can be set about a client session.

use super::Phase;
use core::time::Duration;
use postroad_core::BareNewline;

/// The configuration of client sessions; many may share one.
///
/// ```
/// use postroad_smtp::{BareNewline, client::Config};
/// use std::time::Duration;
///
/// let mut config = Config::default();
/// config.bare_newline = BareNewline::Reject;
/// config.timeouts.greeting = Duration::from_secs(30);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// How long the server may take.
    pub timeouts: Timeouts,
    /// What is done with a CR or LF in a message that is not part of a CRLF. They are not allowed in mail (RFC 5321 section 2.3.8) and are
    /// the tool of smuggling. Made CRLF or space unless set.
    pub bare_newline: BareNewline,
    /// How many octets may wait to be sent before [`push_body`](super::Client::push_body) says `Full`. 64 KiB unless set.
    pub output_high_water: usize,
    /// How many commands may wait for their replies, those that are not sent yet included. 100 unless set.
    pub max_outstanding: usize,
    /// Whether a reply may end in LF alone. Off unless set.
    pub accept_bare_lf: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            timeouts: Timeouts::default(),
            bare_newline: BareNewline::Normalize,
            output_high_water: 65_536,
            max_outstanding: 100,
            accept_bare_lf: false,
        }
    }
}

/// How long a server may take with each thing: the least that RFC 5321 section 4.5.3.2 asks of a client.
///
/// The time for a reply begins when it is the next to come, and ends with its last line; octets in between do not move it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// The greeting: 5 minutes.
    pub greeting: Duration,
    /// The reply to MAIL: 5 minutes.
    pub mail: Duration,
    /// The reply to RCPT: 5 minutes.
    pub rcpt: Duration,
    /// The reply to DATA: 2 minutes.
    pub data: Duration,
    /// Taking the next block of the message off the output: 3 minutes.
    pub data_block: Duration,
    /// The reply to the message: 10 minutes. If it is cut short, a message may arrive twice (RFC 1047).
    pub data_end: Duration,
    /// The reply to any other command: 5 minutes.
    pub command: Duration,
}

impl Timeouts {
    pub(super) fn of(&self, phase: Phase) -> Duration {
        match phase {
            Phase::Greeting => self.greeting,
            Phase::Mail => self.mail,
            Phase::Rcpt => self.rcpt,
            Phase::Data => self.data,
            Phase::DataBlock => self.data_block,
            Phase::DataEnd => self.data_end,
            Phase::Command => self.command,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        const MINUTE: u64 = 60;
        Self {
            greeting: Duration::from_secs(5 * MINUTE),
            mail: Duration::from_secs(5 * MINUTE),
            rcpt: Duration::from_secs(5 * MINUTE),
            data: Duration::from_secs(2 * MINUTE),
            data_block: Duration::from_secs(3 * MINUTE),
            data_end: Duration::from_secs(10 * MINUTE),
            command: Duration::from_secs(5 * MINUTE),
        }
    }
}
