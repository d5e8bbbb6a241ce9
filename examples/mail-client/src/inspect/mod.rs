//! `inspect`: what is in a message.

mod json;
mod text;

use std::fs;
use std::io::{self, BufWriter, ErrorKind, Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use postroad_message::Message;

use crate::cli;
use crate::terminal::complain;
use json::Inspection;
pub(crate) use json::{Entry, entries};

/// Shows every message that can be read, however broken. Exit code 1 when a file cannot be read; the others are shown all the same.
pub(crate) fn run(options: &cli::Inspect) -> Result<ExitCode> {
    let mut done = ExitCode::SUCCESS;
    let mut to = BufWriter::new(io::stdout().lock());
    for path in &options.files {
        let octets = match read(path) {
            Ok(octets) => octets,
            Err(error) => {
                complain(&format!("{}: {error}", path.display()));
                done = ExitCode::FAILURE;
                continue;
            }
        };
        let message = Message::parse(&octets);
        let inspection = Inspection::of(&message);
        let written = if options.json {
            serde_json::to_writer(&mut to, &inspection)
                .map_err(io::Error::from)
                .and_then(|()| to.write_all(b"\n"))
        } else {
            let name = (options.files.len() > 1).then(|| path.display().to_string());
            text::write(&mut to, name.as_deref(), &inspection)
        };
        match written.and_then(|()| to.flush()) {
            // Whoever reads has seen enough.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => break,
            written => written?,
        }
    }
    Ok(done)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    if path != Path::new("-") {
        return fs::read(path);
    }
    let mut octets = Vec::new();
    io::stdin().lock().read_to_end(&mut octets)?;
    Ok(octets)
}
