//! The command line.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

/// Sends messages, and looks into them.
///
/// Exit status: 0 done, 1 it could not, 2 wrong usage.
#[derive(Debug, Parser)]
#[command(name = "mail-client", version, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// Ends the program as clap does at wrong usage, with 2.
pub(crate) fn wrong_usage(what: &str) -> ! {
    Cli::command().error(ErrorKind::ValueValidation, what).exit()
}

/// What to do. One variant and one module for each; those that speak to a server are also in [`Traceable`].
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Sends a message to a submission server
    Send(Box<Send>),
    /// Shows the MIME tree, the headers and the defects of messages
    Inspect(Inspect),
    /// Shows the conversation of another command on standard error, explained; secrets are hidden
    Trace {
        #[command(subcommand)]
        command: Traceable,
    },
}

/// What has a conversation to show.
#[derive(Debug, Subcommand)]
pub(crate) enum Traceable {
    /// Sends a message to a submission server
    Send(Box<Send>),
}

/// Where the server is, and how far it is trusted.
#[derive(Debug, Args)]
pub(crate) struct Server {
    /// The server: a name or an address, an IPv6 address with a port in brackets. Without a port 587, or 465 with implicit TLS
    #[arg(long = "server", value_name = "HOST[:PORT]")]
    pub address: String,
    /// The name to log in with. The password comes from --password-stdin, from the variable `MAIL_PASSWORD`, or is asked for
    #[arg(long, value_name = "U")]
    pub user: Option<String>,
    /// Takes the password from the first line of standard input
    #[arg(long, requires = "user")]
    pub password_stdin: bool,
    /// What TLS there must be. Without it, or with `required`: implicit on port 465, else STARTTLS
    #[arg(long, value_enum, default_value_t = Tls::Required)]
    pub tls: Tls,
    /// Trusts the certificates in this PEM file, and no others, instead of the system's
    #[arg(long, value_name = "FILE")]
    pub tls_ca: Option<PathBuf>,
}

/// What TLS there must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Tls {
    /// Implicit TLS on port 465, else STARTTLS
    Required,
    /// STARTTLS; nothing is sent if the server has none
    Starttls,
    /// TLS from the first octet
    Implicit,
    /// None: everything, the password too, goes in the clear
    None,
}

/// `send`
#[derive(Debug, Args)]
pub(crate) struct Send {
    #[command(flatten)]
    pub server: Server,
    /// The author, such as `Alice <alice@crepes.fr>`; with --raw the reverse-path alone, which may be `<>`
    #[arg(long, value_name = "A")]
    pub from: String,
    /// Recipients, separated by commas; may be given several times
    #[arg(long, value_name = "B[,C…]", required = true)]
    pub to: Vec<String>,
    /// Recipients of a copy
    #[arg(long, value_name = "B[,C…]")]
    pub cc: Vec<String>,
    /// Recipients of a blind copy: nowhere in the message
    #[arg(long, value_name = "B[,C…]")]
    pub bcc: Vec<String>,
    /// The subject
    #[arg(long, value_name = "S")]
    pub subject: Option<String>,
    /// A file with the plain text in UTF-8; `-` is standard input
    #[arg(long, value_name = "FILE|-")]
    pub text: Option<PathBuf>,
    /// A file with the HTML in UTF-8
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// A file to attach; may be given several times
    #[arg(long, value_name = "FILE")]
    pub attach: Vec<PathBuf>,
    /// A whole message, sent as it is but for line ends, which become CRLF
    #[arg(long, value_name = "FILE.eml", conflicts_with_all = ["subject", "text", "html", "attach"])]
    pub raw: Option<PathBuf>,
    /// Allows addresses and header fields in UTF-8, if the server takes them (RFC 6531)
    #[arg(long)]
    pub smtputf8: bool,
    /// Prints one JSON object for each recipient
    #[arg(long)]
    pub json: bool,
}

/// `inspect`
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// Files with a message each; `-` is standard input
    #[arg(value_name = "FILE.eml|-", required = true)]
    pub files: Vec<PathBuf>,
    /// Prints one JSON object for each message, a line each
    #[arg(long)]
    pub json: bool,
}
