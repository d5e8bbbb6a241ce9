//! The command line.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

/// Sends messages, reads them, and looks into them.
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
    #[command(flatten)]
    Mail(Mail),
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
    #[command(flatten)]
    Mail(Mail),
}

/// What is done with mail where it is kept.
#[derive(Debug, Subcommand)]
pub(crate) enum Mail {
    /// Shows the folders, and how many messages are in each
    Folders(Folders),
    /// Lists the messages of a folder: number, flags, date, author, subject
    List(List),
    /// Shows a message, or a part of it, or saves what is attached to it
    Read(Read),
    /// Lists the messages of a folder that match
    Search(Search),
    /// Moves messages to another folder
    Move(Transfer),
    /// Copies messages to another folder
    Copy(Transfer),
    /// Deletes messages for good
    Delete(Delete),
    /// Changes the flags of messages
    Flag(Flag),
    /// Waits for what happens in a folder, and shows it
    Watch(Watch),
    /// Fetches by POP3 the messages that were not fetched before into a Maildir or an mbox file
    Fetch(Fetch),
}

/// Where mail is kept.
#[derive(Debug, Args)]
pub(crate) struct Store {
    /// The account and its server. `imaps://` and `pop3s://` are under TLS from their start, else STARTTLS must succeed. The password
    /// comes from --password-stdin, from the variable `MAIL_PASSWORD`, or is asked for
    #[arg(long, value_name = "SCHEME://U@HOST[:PORT]")]
    pub server: String,
    /// Takes the password from the first line of standard input
    #[arg(long)]
    pub password_stdin: bool,
    /// What TLS there must be
    #[arg(long, value_enum, default_value_t = Tls::Required)]
    pub tls: Tls,
    /// Trusts the certificates in this PEM file, and no others, instead of the system's
    #[arg(long, value_name = "FILE")]
    pub tls_ca: Option<PathBuf>,
}

/// `folders`
#[derive(Debug, Args)]
pub(crate) struct Folders {
    #[command(flatten)]
    pub store: Store,
    /// Prints one JSON object for each folder
    #[arg(long)]
    pub json: bool,
}

/// `list`
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    pub store: Store,
    /// The folder
    #[arg(default_value = "INBOX")]
    pub folder: String,
    /// Only the newest so many
    #[arg(long, value_name = "COUNT")]
    pub last: Option<std::num::NonZeroU32>,
    /// Prints one JSON object for each message
    #[arg(long)]
    pub json: bool,
}

/// `read`
#[derive(Debug, Args)]
#[command(override_usage = "mail-client read [OPTIONS] --server <SCHEME://U@HOST[:PORT]> [FOLDER] N")]
pub(crate) struct Read {
    #[command(flatten)]
    pub store: Store,
    /// The folder, INBOX without it, and the number of the message, as `list` shows it; `*` is the newest
    #[arg(value_name = "[FOLDER] N", num_args = 1..=2, required = true)]
    pub words: Vec<String>,
    /// N is a UID, which stays the same when other messages go
    #[arg(long)]
    pub uid: bool,
    /// Only this part, such as 1.2: decoded, to standard output
    #[arg(long, value_name = "P")]
    pub part: Option<String>,
    /// Saves what is attached, or with --part that part, into this folder. No file is overwritten
    #[arg(long, value_name = "DIR")]
    pub save: Option<PathBuf>,
    /// The whole message as it is, to standard output
    #[arg(long, conflicts_with_all = ["part", "save", "json"])]
    pub raw: bool,
    /// Does not mark it as seen
    #[arg(long)]
    pub peek: bool,
    /// Prints a JSON object
    #[arg(long, conflicts_with_all = ["part", "save"])]
    pub json: bool,
}

/// `search`
#[derive(Debug, Args)]
#[command(override_usage = "mail-client search [OPTIONS] --server <SCHEME://U@HOST[:PORT]> [FOLDER] QUERY…")]
pub(crate) struct Search {
    #[command(flatten)]
    pub store: Store,
    /// The folder to search in, and what to search for. The first word is the folder when there is one of that name and more words
    /// follow; else it is INBOX. QUERY is the keys of IMAP (RFC 9051 section 6.4.4), all of which must match: FROM alice, SUBJECT menu,
    /// UNSEEN, SINCE 2026-11-01, LARGER 100000, NOT …, OR … …, parentheses as words of their own. Any other word is looked for in the
    /// whole message, as TEXT word is; before one that begins with a hyphen `--` must stand
    #[arg(value_name = "[FOLDER] QUERY", num_args = 1.., required = true)]
    pub words: Vec<String>,
    /// The folder; then all words are QUERY
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<String>,
    /// Prints one JSON object for each message
    #[arg(long)]
    pub json: bool,
}

/// `move` and `copy`
#[derive(Debug, Args)]
#[command(
    override_usage = "mail-client move|copy [OPTIONS] --server <SCHEME://U@HOST[:PORT]> [FOLDER] N[,N…] TO"
)]
pub(crate) struct Transfer {
    #[command(flatten)]
    pub store: Store,
    /// The folder, INBOX without it; the messages, as `list` numbers them, such as 1,4:6 or 12:*; and where to
    #[arg(value_name = "[FOLDER] N TO", num_args = 2..=3, required = true)]
    pub words: Vec<String>,
    /// N are UIDs, which stay the same when other messages go
    #[arg(long)]
    pub uid: bool,
}

/// `delete`
#[derive(Debug, Args)]
#[command(override_usage = "mail-client delete [OPTIONS] --server <SCHEME://U@HOST[:PORT]> [FOLDER] N[,N…]")]
pub(crate) struct Delete {
    #[command(flatten)]
    pub store: Store,
    /// The folder, INBOX without it; and the messages, as `list` numbers them, such as 1,4:6 or 12:*
    #[arg(value_name = "[FOLDER] N", num_args = 1..=2, required = true)]
    pub words: Vec<String>,
    /// N are UIDs, which stay the same when other messages go
    #[arg(long)]
    pub uid: bool,
}

/// `flag`
#[derive(Debug, Args)]
#[command(
    override_usage = "mail-client flag [OPTIONS] --server <SCHEME://U@HOST[:PORT]> [FOLDER] N[,N…] --add|--remove <FLAG>"
)]
pub(crate) struct Flag {
    #[command(flatten)]
    pub store: Store,
    /// The folder, INBOX without it; and the messages, as `list` numbers them, such as 1,4:6 or 12:*
    #[arg(value_name = "[FOLDER] N", num_args = 1..=2, required = true)]
    pub words: Vec<String>,
    /// N are UIDs, which stay the same when other messages go
    #[arg(long)]
    pub uid: bool,
    /// A flag to set: seen, answered, flagged, deleted, draft, or a word of one's own; may be given several times
    #[arg(long, value_name = "FLAG", required_unless_present = "remove")]
    pub add: Vec<String>,
    /// A flag to take away; may be given several times
    #[arg(long, value_name = "FLAG")]
    pub remove: Vec<String>,
}

/// `watch`
#[derive(Debug, Args)]
pub(crate) struct Watch {
    #[command(flatten)]
    pub store: Store,
    /// The folder
    #[arg(default_value = "INBOX")]
    pub folder: String,
    /// Ends once something has happened
    #[arg(long)]
    pub once: bool,
    /// Prints one JSON object for each thing that happens
    #[arg(long)]
    pub json: bool,
}

/// `fetch`
#[derive(Debug, Args)]
pub(crate) struct Fetch {
    #[command(flatten)]
    pub store: Store,
    /// Where to: a Maildir, or an mbox file. What is not there yet is made: an mbox when the name ends in `.mbox`, else a Maildir. What
    /// was fetched is kept in a list, in the Maildir or beside the file, so that it is not fetched again
    #[arg(long, value_name = "MAILDIR|MBOX")]
    pub to: PathBuf,
    /// Deletes on the server what is fetched, now or before, once it is safe on disk
    #[arg(long)]
    pub delete: bool,
    /// Keeps the line ends of the wire, CRLF, instead of LF
    #[arg(long)]
    pub crlf: bool,
    /// Prints one JSON object for each message
    #[arg(long)]
    pub json: bool,
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
    /// Implicit TLS on the port that is for it (465, 993, 995) or with a scheme that says so, else STARTTLS
    Required,
    /// STARTTLS; nothing is said if the server has none
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
