//! A mail client on Postroad: sends messages, and looks into them.
#![forbid(unsafe_code)]

mod address;
mod cli;
mod inspect;
mod password;
mod send;
mod terminal;
mod tls;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser as _;

use cli::{Cli, Command, Traceable};

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
        Command::Trace { command: Traceable::Send(options) } => send::run(&options, true),
    }
}
