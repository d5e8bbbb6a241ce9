//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tracing::level_filters::LevelFilter;

/// A mail server built on Postroad.
#[derive(Debug, Parser)]
#[command(name = "mail-server", version, about, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// How much to log: off, error, warn, info (unless given; demo: error), debug or trace
    #[arg(long, global = true, value_name = "LEVEL")]
    pub(crate) log: Option<LevelFilter>,

    /// How a log line is written
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,

    /// What to do
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How a log line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// A line for people
    Text,
    /// One JSON object a line
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Play the story of a message in one process on loopback, and tell it
    Demo(DemoArguments),
    /// Run a server; without a file: built-in defaults on loopback high ports, data in ./data
    Serve {
        #[command(flatten)]
        config: ConfigArgument,
    },
    /// Say what is wrong with a configuration file, with line and key
    CheckConfig {
        /// The configuration file
        file: PathBuf,
    },
    /// Who has a mailbox here
    Account {
        #[command(subcommand)]
        action: AccountAction,
        #[command(flatten)]
        config: ConfigArgument,
    },
    /// What waits to be sent
    Queue {
        #[command(subcommand)]
        action: QueueAction,
        #[command(flatten)]
        config: ConfigArgument,
    },
}

#[derive(Args, Clone, Debug)]
pub(crate) struct DemoArguments {
    /// Keep the data of both servers, and say where they are
    #[arg(long)]
    pub(crate) keep: bool,
    /// Play this act only
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=3))]
    pub(crate) act: Option<u8>,
    /// Wait for Enter between the acts
    #[arg(long)]
    pub(crate) pause: bool,
    /// Tell more: why things are as they are, with the RFC sections
    #[arg(long)]
    pub(crate) explain: bool,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct ConfigArgument {
    /// The configuration file; without it the built-in defaults
    #[arg(long = "config", global = true, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum AccountAction {
    /// Make an account; asks for the password
    Add {
        /// A full address, as bob@hamburger.edu
        address: String,
        /// Read the password from the first line of standard input instead of asking
        #[arg(long)]
        password_stdin: bool,
        /// Keep the password itself too, as CRAM-MD5 and APOP need it
        #[arg(long)]
        cram_md5: bool,
    },
    /// Remove an account and all its messages
    Remove {
        /// A full address
        address: String,
    },
    /// List the accounts
    List {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Set a new password; asks for it
    Password {
        /// A full address
        address: String,
        /// Read the password from the first line of standard input instead of asking
        #[arg(long)]
        password_stdin: bool,
    },
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum QueueAction {
    /// List the messages that wait
    List {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Show one message and each of its recipients
    Show {
        /// The number that `queue list` prints
        id: i64,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Try again now: one message, or all
    Retry {
        /// The number that `queue list` prints
        id: Option<i64>,
    },
    /// Throw a message away, without a notice to its sender
    Remove {
        /// The number that `queue list` prints
        id: i64,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use clap::error::ErrorKind;

    use super::*;

    #[test]
    fn definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn reads_what_people_type() {
        let cli =
            Cli::try_parse_from(["mail-server", "account", "add", "bob@hamburger.edu", "--password-stdin"]);
        let cli = cli.unwrap();
        assert_eq!(cli.log, None);
        assert!(matches!(
            cli.command,
            Command::Account { action: AccountAction::Add { password_stdin: true, cram_md5: false, .. }, .. }
        ));
        let cli = Cli::try_parse_from([
            "mail-server",
            "queue",
            "retry",
            "7",
            "--config",
            "a.toml",
            "--log",
            "debug",
        ]);
        let cli = cli.unwrap();
        assert_eq!(cli.log, Some(LevelFilter::DEBUG));
        let Command::Queue { action: QueueAction::Retry { id: Some(7) }, config } = cli.command else {
            panic!("wrong command")
        };
        assert_eq!(config.file, Some(PathBuf::from("a.toml")));
        let cli =
            Cli::try_parse_from(["mail-server", "--log-format", "json", "demo", "--act", "2", "--keep"])
                .unwrap();
        assert_eq!(cli.log_format, LogFormat::Json);
        assert!(matches!(cli.command, Command::Demo(DemoArguments { act: Some(2), keep: true, .. })));
    }

    #[test]
    fn wrong_usage_is_two() {
        for arguments in [
            &["mail-server", "dance"][..],
            &["mail-server", "demo", "--act", "4"],
            &["mail-server", "queue", "show"],
            &["mail-server", "check-config"],
            &["mail-server", "serve", "--log", "loud"],
        ] {
            assert_eq!(Cli::try_parse_from(arguments).unwrap_err().exit_code(), 2, "{arguments:?}");
        }
        for arguments in [&["mail-server", "-h"][..], &["mail-server", "account", "add", "-h"]] {
            let help = Cli::try_parse_from(arguments).unwrap_err();
            assert_eq!((help.exit_code(), help.kind()), (0, ErrorKind::DisplayHelp));
        }
    }
}
