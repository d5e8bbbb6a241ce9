//! The configuration: one TOML file, every key with a default, every fault reported with its line and key.

mod read;
mod values;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use values::{is_domain, lower_case};

/// A checked configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// What the server calls itself in greetings, trace fields and notices.
    pub(crate) hostname: String,
    /// Mail for these is delivered here; in lower case.
    pub(crate) domains: Vec<String>,
    /// The folder of the store.
    pub(crate) data: PathBuf,
    /// The user to become after binding, when started as root.
    pub(crate) user: Option<String>,
    /// What to listen on, in the order of the file's documentation.
    pub(crate) listen: Vec<Listen>,
    /// Certificate chain and key; none: a self-signed pair is made and kept in `data`.
    pub(crate) tls: Option<TlsFiles>,
    /// `[auth]`.
    pub(crate) auth: Auth,
    /// `[limits]`.
    pub(crate) limits: Limits,
    /// `[queue]`.
    pub(crate) queue: Queue,
    /// `[routes]`: destinations in lower case, `*` for all others.
    pub(crate) routes: BTreeMap<String, Route>,
}

/// One address to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Listen {
    /// What is spoken there.
    pub(crate) protocol: Protocol,
    /// Where; port 0 takes any free port.
    pub(crate) address: SocketAddr,
}

/// What a listener speaks; the names are the keys of `[listen]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Protocol {
    /// From other servers: no authentication, no relaying.
    Smtp,
    /// From user agents, RFC 6409.
    Submission,
    /// Submission under implicit TLS, RFC 8314.
    Submissions,
    /// Local delivery from another MTA, RFC 2033.
    Lmtp,
    /// POP3, RFC 1939.
    Pop3,
    /// POP3 under implicit TLS.
    Pop3s,
    /// IMAP, RFC 9051.
    Imap,
    /// IMAP under implicit TLS.
    Imaps,
    /// Mailboxes as web pages.
    Webmail,
    /// Figures for Prometheus.
    Metrics,
}

impl Protocol {
    /// All of them, in the order of the documentation.
    pub(crate) const ALL: [Self; 10] = [
        Self::Smtp,
        Self::Submission,
        Self::Submissions,
        Self::Lmtp,
        Self::Pop3,
        Self::Pop3s,
        Self::Imap,
        Self::Imaps,
        Self::Webmail,
        Self::Metrics,
    ];

    /// The key in `[listen]`, and the word in `listening smtp 127.0.0.1:2525`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Submission => "submission",
            Self::Submissions => "submissions",
            Self::Lmtp => "lmtp",
            Self::Pop3 => "pop3",
            Self::Pop3s => "pop3s",
            Self::Imap => "imap",
            Self::Imaps => "imaps",
            Self::Webmail => "webmail",
            Self::Metrics => "metrics",
        }
    }

    /// False while this server cannot speak it: its listener is off and can only be `""`.
    pub(crate) fn is_there(self) -> bool {
        !matches!(self, Self::Lmtp | Self::Metrics)
    }

    /// True when TLS comes before the first word.
    pub(crate) fn implicit_tls(self) -> bool {
        matches!(self, Self::Submissions | Self::Pop3s | Self::Imaps)
    }

    /// Where it listens when the file does not say.
    fn default_port(self) -> Option<u16> {
        match self {
            Self::Smtp => Some(2525),
            Self::Submission => Some(2587),
            Self::Pop3 => Some(2110),
            Self::Imap => Some(2143),
            Self::Webmail => Some(2080),
            _ => None,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Certificate chain and private key, PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    /// The chain, leaf first.
    pub(crate) certificate: PathBuf,
    /// PKCS#8, PKCS#1 or SEC1.
    pub(crate) key: PathBuf,
}

/// `[auth]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Auth {
    /// What may be offered, in order.
    pub(crate) mechanisms: Vec<Mechanism>,
    /// Offer PLAIN, LOGIN and USER on an unencrypted connection.
    pub(crate) plaintext_without_tls: bool,
}

/// A SASL mechanism that the configuration can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mechanism {
    /// RFC 4616.
    Plain,
    /// draft-murchison-sasl-login.
    Login,
    /// RFC 2195.
    CramMd5,
    /// RFC 5802.
    ScramSha1,
    /// RFC 5802, with channel binding.
    ScramSha1Plus,
    /// RFC 7677.
    ScramSha256,
    /// RFC 7677, with channel binding.
    ScramSha256Plus,
}

impl Mechanism {
    /// All of them.
    pub(crate) const ALL: [Self; 7] = [
        Self::Plain,
        Self::Login,
        Self::CramMd5,
        Self::ScramSha1,
        Self::ScramSha1Plus,
        Self::ScramSha256,
        Self::ScramSha256Plus,
    ];

    /// The registered name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::CramMd5 => "CRAM-MD5",
            Self::ScramSha1 => "SCRAM-SHA-1",
            Self::ScramSha1Plus => "SCRAM-SHA-1-PLUS",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
        }
    }
}

/// `[limits]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// The largest message, in octets.
    pub(crate) message_size: u64,
    /// Recipients of one message.
    pub(crate) recipients: usize,
    /// Connections at a time.
    pub(crate) connections: usize,
    /// Connections at a time from one address.
    pub(crate) connections_per_address: usize,
    /// Bad commands before goodbye.
    pub(crate) errors: u32,
    /// The octets that one account may hold; none: no limit.
    pub(crate) mailbox_quota: Option<u64>,
}

/// `[queue]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Queue {
    /// The waits between tries; the last repeats. Never empty.
    pub(crate) retry: Vec<Duration>,
    /// How long a message may wait in all.
    pub(crate) give_up: Duration,
    /// After how long the sender is told of a delay.
    pub(crate) delay_notice: Option<Duration>,
    /// Connections at a time to one destination.
    pub(crate) connections_per_destination: usize,
    /// Messages over one connection.
    pub(crate) messages_per_connection: usize,
}

/// Where mail for a destination goes instead of its MX hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// A domain name or an IP address, without brackets.
    pub(crate) host: String,
    /// The port.
    pub(crate) port: u16,
}

/// Something wrong with a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The line, from 1.
    pub(crate) line: usize,
    /// The key with its table (`listen.smtp`); empty when the text is not TOML.
    pub(crate) key: String,
    /// What is wrong.
    pub(crate) message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

/// Why there is no configuration.
#[derive(Debug)]
pub(crate) enum LoadError {
    /// The file cannot be read.
    Unreadable(PathBuf, std::io::Error),
    /// The file is faulty: all that is wrong with it, in the order of its lines.
    Faulty(PathBuf, Vec<Problem>),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(file, error) => write!(f, "{}: {error}", file.display()),
            Self::Faulty(file, problems) => {
                for (index, problem) in problems.iter().enumerate() {
                    let newline = if index == 0 { "" } else { "\n" };
                    write!(f, "{newline}{}: {problem}", file.display())?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for LoadError {}

impl Config {
    /// Reads and checks a file; without one, the defaults.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self, LoadError> {
        let Some(file) = file else {
            return Self::parse("", Path::new(""))
                .map_err(|problems| LoadError::Faulty(PathBuf::new(), problems));
        };
        let text =
            std::fs::read_to_string(file).map_err(|error| LoadError::Unreadable(file.to_owned(), error))?;
        let base = file.parent().unwrap_or_else(|| Path::new(""));
        Self::parse(&text, base).map_err(|problems| LoadError::Faulty(file.to_owned(), problems))
    }

    /// Reads and checks a text. Paths in it are relative to `base`.
    pub(crate) fn parse(text: &str, base: &Path) -> Result<Self, Vec<Problem>> {
        read::config(text, base)
    }

    /// True when mail for this domain is delivered here.
    pub(crate) fn is_local(&self, domain: &str) -> bool {
        let domain = lower_case(domain);
        self.domains.contains(&domain)
    }

    /// The route for a destination, if the file has one: its own, else that of `*`.
    pub(crate) fn route(&self, domain: &str) -> Option<&Route> {
        self.routes.get(&lower_case(domain)).or_else(|| self.routes.get("*"))
    }
}
