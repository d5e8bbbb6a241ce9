//! A mail client on Postroad: sends messages, reads them, and looks into them.
#![forbid(unsafe_code)]

mod address;
mod cli;
mod fetch;
mod inspect;
mod mailbox;
mod password;
mod place;
mod send;
mod terminal;
mod tls;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser as _;

use cli::{Cli, Command, Mail, Traceable};

fn main() -> ExitCode {
    // Wrong usage ends here, with 2.
    let cli = Cli::parse();
    match run(cli.command) {
        Ok(done) => done,
        Err(error) => {
            terminal::complain(&terminal::told(&error));
            ExitCode::FAILURE
        }
    }
}

/// An error is told by the caller; a failure that has been told in full is an exit code.
fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Send(options) => send::run(&options, false),
        Command::Inspect(options) => inspect::run(&options),
        Command::Mail(command) => mail(&command, false),
        Command::Trace { command: Traceable::Send(options) } => send::run(&options, true),
        Command::Trace { command: Traceable::Mail(command) } => mail(&command, true),
    }
}

fn mail(command: &Mail, is_traced: bool) -> Result<ExitCode> {
    match command {
        Mail::Fetch(options) => fetch::run(options, is_traced),
        command => mailbox::run(command, is_traced),
    }
}
