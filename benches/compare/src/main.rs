//! Ours and the peers, side by side: `compare [message] [--corpus DIR] [--differences]`.
//!
//! One line a row: ours and the best peer, measured in turn in the same run, medians of nine rounds. The ratio is better
//! the higher it is.

mod allocations;
mod corpus;
mod floods;
mod measure;
mod message;

use std::path::PathBuf;
use std::process::ExitCode;

struct Options {
    groups: Vec<String>,
    corpus: Option<PathBuf>,
    differences: bool,
}

fn options() -> Result<Options, String> {
    let mut options = Options { groups: Vec::new(), corpus: None, differences: false };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--corpus" => options.corpus = Some(arguments.next().ok_or("--corpus needs a folder")?.into()),
            "--differences" => options.differences = true,
            "message" => options.groups.push(argument),
            other => return Err(format!("unknown argument {other}")),
        }
    }
    Ok(options)
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}\nusage: compare [message] [--corpus DIR] [--differences]");
            return ExitCode::from(2);
        }
    };
    let wanted = |group: &str| options.groups.is_empty() || options.groups.iter().any(|name| name == group);
    if wanted("message") {
        let messages = match corpus::load(options.corpus.as_deref()) {
            Ok(messages) => messages,
            Err(error) => {
                eprintln!("no corpus: {error}");
                return ExitCode::FAILURE;
            }
        };
        message::run(messages, options.differences);
        floods::run();
    }
    ExitCode::SUCCESS
}
