//! The program as a script sees it: what it prints where, and how it ends.

#![allow(clippy::unwrap_used, reason = "whatever cannot be done here fails the test")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

fn run(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_mail-server"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that does not read its input closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// Exit status, standard output, standard error.
fn told(folder: &Path, arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    let output = run(folder, arguments, input);
    let text = |octets| String::from_utf8(octets).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn exit_status() {
    let place = tempfile::tempdir().unwrap();
    assert_eq!(told(place.path(), &["-h"], "").0, Some(0));
    assert_eq!(told(place.path(), &["queue", "retry", "-h"], "").0, Some(0));
    assert_eq!(told(place.path(), &[], "").0, Some(2));
    assert_eq!(told(place.path(), &["queue", "show", "seven"], "").0, Some(2));
    assert_eq!(told(place.path(), &["serve", "--config", "none.toml"], "").0, Some(1));
}

#[test]
fn check_config_says_line_and_key() {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("good.toml"), "hostname = \"hamburger.edu\"\n").unwrap();
    std::fs::write(place.path().join("bad.toml"), "hostname = 3\n[limits]\nerors = 1\n").unwrap();
    let (status, output, _) = told(place.path(), &["check-config", "good.toml"], "");
    assert_eq!((status, output.as_str()), (Some(0), "good.toml: ok\n"));
    let (status, output, errors) = told(place.path(), &["check-config", "bad.toml"], "");
    assert_eq!((status, output.as_str()), (Some(1), ""));
    assert_eq!(
        errors,
        "bad.toml: line 1: hostname: must be a string, not a whole number\n\
         bad.toml: line 3: limits.erors: unknown key\n"
    );
}

#[test]
fn accounts_and_queue_without_a_server() {
    let place = tempfile::tempdir().unwrap();
    let mail_server = |arguments: &[&str], input| told(place.path(), arguments, input);
    let add = ["account", "add", "bob@localhost", "--password-stdin"];
    assert_eq!(mail_server(&add, "secret\n").0, Some(0));
    let (status, _, errors) = mail_server(&add, "secret\n");
    assert_eq!((status, errors.as_str()), (Some(1), "mail-server: bob@localhost: exists already\n"));
    let (status, _, errors) =
        mail_server(&["account", "add", "not an address", "--password-stdin"], "secret\n");
    assert_eq!(status, Some(1), "{errors}");
    assert_eq!(mail_server(&["account", "list"], "").1, "bob@localhost\n");
    assert_eq!(mail_server(&["account", "list", "--json"], "").1, "{\"address\":\"bob@localhost\"}\n");
    assert_eq!(
        mail_server(&["account", "password", "bob@localhost", "--password-stdin"], "new\n").0,
        Some(0)
    );
    assert_eq!(mail_server(&["queue", "list"], ""), (Some(0), String::new(), String::new()));
    let (status, _, errors) = mail_server(&["queue", "show", "7"], "");
    assert_eq!((status, errors.as_str()), (Some(1), "mail-server: message 7: not found\n"));
    assert_eq!(mail_server(&["account", "remove", "bob@localhost"], "").0, Some(0));
    assert_eq!(mail_server(&["account", "remove", "bob@localhost"], "").0, Some(1));
    assert_eq!(mail_server(&["account", "list"], "").1, "");
}

#[test]
fn a_log_that_nobody_reads_ends_no_connection() {
    let place = tempfile::tempdir().unwrap();
    let config =
        "[listen]\nsmtp = \"127.0.0.1:0\"\nsubmission = \"\"\npop3 = \"\"\nimap = \"\"\nwebmail = \"\"\n";
    std::fs::write(place.path().join("mail-server.toml"), config).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_mail-server"))
        .args(["--log", "trace", "serve", "--config", "mail-server.toml"])
        .current_dir(place.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let address = line.trim_end().strip_prefix("listening smtp ").unwrap_or_default().to_owned();
    drop((output, child.stderr.take()));
    let conversation = || -> std::io::Result<String> {
        let mut client = TcpStream::connect(address)?;
        client.set_read_timeout(Some(Duration::from_secs(20)))?;
        client.write_all(b"EHLO crepes.fr\r\nQUIT\r\n")?;
        let mut said = String::new();
        client.read_to_string(&mut said)?;
        Ok(said)
    };
    let said = conversation();
    let running = child.try_wait().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(running.is_none(), "the server goes on: {running:?}");
    let said = said.unwrap();
    assert!(said.starts_with("220 ") && said.contains("\r\n221 "), "{said}");
}

#[test]
fn a_demo_that_nobody_watches_is_played_to_its_end() {
    let place = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_mail-server"))
        .args(["demo", "--act", "1"])
        .current_dir(place.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(0), ""));
}
