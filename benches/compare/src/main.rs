//! Ours and the peers, side by side: `compare [message|imap] [--corpus DIR] [--row NAME] [--differences]`.
//!
//! One line a row: ours and the best peer, measured in turn in the same run, medians of nine rounds. The ratio is better
//! the higher it is.

mod allocations;
mod corpus;
mod floods;
mod imap;
mod measure;
mod message;

use std::path::PathBuf;
use std::process::ExitCode;

struct Options {
    groups: Vec<String>,
    corpus: Option<PathBuf>,
    differences: bool,
    /// Only the row of this name.
    row: Option<String>,
}

fn options() -> Result<Options, String> {
    let mut options = Options { groups: Vec::new(), corpus: None, differences: false, row: None };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--corpus" => options.corpus = Some(arguments.next().ok_or("--corpus needs a folder")?.into()),
            "--row" => options.row = Some(arguments.next().ok_or("--row needs a name")?),
            "--differences" => options.differences = true,
            "message" | "imap" => options.groups.push(argument),
            other => return Err(format!("unknown argument {other}")),
        }
    }
    Ok(options)
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}\nusage: compare [message|imap] [--corpus DIR] [--row NAME] [--differences]");
            return ExitCode::from(2);
        }
    };
    let everything = options.row.is_none();
    measure::only(options.row);
    let wanted = |group: &str| options.groups.is_empty() || options.groups.iter().any(|name| name == group);
    if wanted("message") {
        let messages = match corpus::load(options.corpus.as_deref()) {
            Ok(messages) => messages,
            Err(error) => {
                eprintln!("no corpus: {error}");
                return ExitCode::FAILURE;
            }
        };
        message::run(messages, everything, options.differences);
        if everything {
            floods::run();
        }
    }
    if wanted("imap") {
        imap::run();
    }
    ExitCode::SUCCESS
}
