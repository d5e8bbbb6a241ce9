//! The program from outside: its arguments, its exit codes, what it prints, and what a server on loopback hears of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper that cannot go on fails its test"
)]

mod fetch;
mod inspect;
mod keeper;
mod loopback;
mod mailbox;
mod mailbox_tls;
// The store behind the tests of the crate's own client: one for both.
#[allow(dead_code, reason = "not everything in it is asked for here")]
#[path = "../../../../crates/tokio/tests/it/office.rs"]
mod office;
mod send;
mod send_tls;
mod trace;
mod usage;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The program, with nothing of this environment.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mail-client"));
    command.env_remove("MAIL_PASSWORD").stdin(Stdio::null());
    command
}

/// What a run of the program left.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

pub(crate) fn run(command: &mut Command) -> Ran {
    ran(command.output().unwrap())
}

/// With these octets on standard input.
pub(crate) fn run_with_input(command: &mut Command, input: &[u8]) -> Ran {
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    ran(child.wait_with_output().unwrap())
}

fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Writes a file and gives its path as text.
pub(crate) fn file(folder: &Path, name: &str, octets: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    std::fs::write(&path, octets).unwrap();
    path.to_str().unwrap().to_owned()
}
