//! A mail server on Postroad: SMTP in and out, submission, a queue, POP3 and web pages, on an embedded store.

mod cli;
mod clock;
mod commands;
mod config;
mod control;
mod demo;
mod hints;
mod inbound;
mod log;
mod privileges;
mod relay;
mod serve;
#[allow(dead_code, unused_imports, reason = "more mechanisms and the tests use the rest")]
mod store;
mod terminal;
mod time;
#[allow(dead_code, reason = "channel binding will use the certificate")]
mod tls;
mod webmail;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser as _;
use tracing_subscriber::filter::LevelFilter;

use cli::{Cli, Command};
use config::Config;
use terminal::{complain, say};

fn main() -> ExitCode {
    // Wrong usage ends here, with 2.
    let cli = Cli::parse();
    // The demonstration has a conversation to show, and faults as part of the story.
    let level = if matches!(cli.command, Command::Demo(_)) { LevelFilter::ERROR } else { LevelFilter::INFO };
    log::start(cli.log.unwrap_or(level), cli.log_format);
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            match error.downcast_ref::<config::LoadError>() {
                // Each line begins with the file's name, as editors understand it.
                Some(error) => complain(error),
                None => complain(format_args!("mail-server: {error:#}")),
            }
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Serve { config } => serve::run(load(config.file.as_deref())?, config.file.as_deref()),
        Command::CheckConfig { file } => {
            load(Some(&file))?;
            say(format_args!("{}: ok", file.display()));
            Ok(())
        }
        Command::Account { action, config } => commands::account(&load(config.file.as_deref())?, action),
        Command::Queue { action, config } => commands::queue(&load(config.file.as_deref())?, &action),
    }
}

fn load(file: Option<&Path>) -> Result<Config> {
    Ok(Config::load(file)?)
}
