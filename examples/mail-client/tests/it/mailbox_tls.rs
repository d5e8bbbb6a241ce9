//! Whom the password is told, and what is shown of the conversation.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::keeper::{Protection, imap};
use crate::loopback::Certificate;
use crate::office::Office;
use crate::{Ran, file, program, run, run_with_input};

fn office() -> Arc<Office> {
    Office::new(&[b"Subject: one\r\n\r\nx\r\n"])
}

fn list(server: &str, arguments: &[&str]) -> Ran {
    run(program().args(["list", "--server", server]).args(arguments).env("MAIL_PASSWORD", "tan staaf"))
}

#[test]
fn no_password_without_tls_unless_told() {
    let office = office();
    let port = imap(&office, Protection::None);
    let server = format!("imap://mrose@localhost:{port}");
    let folder = tempfile::tempdir().unwrap();
    let pem = file(folder.path(), "certificate.pem", Certificate::new(false).pem);
    let ran = list(&server, &["--tls-ca", &pem]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("does not offer TLS"), "{}", ran.stderr);
    let ran = list(&server, &["--tls", "none"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    for wrong in ["localhost", "pop3://mrose@localhost", "imap://localhost", "imaps://mrose@localhost"] {
        assert_eq!(list(wrong, &["--tls", "none"]).code, Some(2), "{wrong}");
    }
}

#[test]
fn starttls_and_implicit_tls() {
    let office = office();
    let folder = tempfile::tempdir().unwrap();
    let certificate = Certificate::new(false);
    let pem = file(folder.path(), "certificate.pem", &certificate.pem);
    let other = file(folder.path(), "other.pem", Certificate::new(false).pem);
    let port = imap(&office, Protection::starttls(&certificate));
    let server = format!("imap://mrose@localhost:{port}");
    let ran = list(&server, &["--tls-ca", &pem]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let ran = list(&server, &["--tls-ca", &other]);
    assert!(ran.code == Some(1) && ran.stderr.contains("TLS"), "{}", ran.stderr);
    let port = imap(&office, Protection::implicit(&certificate));
    let server = format!("imaps://mrose@localhost:{port}");
    let ran = list(&server, &["--tls-ca", &pem]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(office.tls.load(Ordering::SeqCst), 2);
}

#[test]
fn where_the_password_comes_from() {
    let office = office();
    let port = imap(&office, Protection::None);
    let server = format!("imap://mrose@localhost:{port}");
    let arguments = ["list", "--server", &server, "--tls", "none"];
    let ran = run(program().args(arguments));
    assert!(ran.code == Some(1) && ran.stderr.contains("MAIL_PASSWORD"), "{}", ran.stderr);
    let ran = run_with_input(program().args(arguments).arg("--password-stdin"), b"tan staaf\n");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let ran = run(program().args(arguments).env("MAIL_PASSWORD", "wrong"));
    assert!(ran.code == Some(1) && ran.stderr.contains("AUTHENTICATIONFAILED"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("wrong"), "{}", ran.stderr);
}

#[test]
fn the_conversation_is_shown_without_the_password() {
    let office = office();
    let folder = tempfile::tempdir().unwrap();
    let certificate = Certificate::new(false);
    let pem = file(folder.path(), "certificate.pem", &certificate.pem);
    let port = imap(&office, Protection::starttls(&certificate));
    let server = format!("imap://mrose@localhost:{port}");
    let ran = run(program()
        .args(["trace", "read", "--server", &server, "--tls-ca", &pem, "1"])
        .env("MAIL_PASSWORD", "tan staaf"));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let mut lines = ran.stderr.lines();
    for start in [
        "- connecting to localhost:",
        "S * OK",
        "C A1 STARTTLS",
        "S A1 OK",
        "C A2 CAPABILITY",
        "S * CAPABILITY",
        "C A3 LOGIN",
        "S A3 OK",
        "C A",
        "S * 1 EXISTS",
        "S * 1 FETCH (UID 1",
        "C A",
    ] {
        assert!(lines.any(|line| line.starts_with(start)), "no {start:?} in its place:\n{}", ran.stderr);
    }
    assert!(!ran.stderr.contains("staaf"), "{}", ran.stderr);
    assert!(ran.stderr.contains("(RFC 9051 section 6.2.1)"), "{}", ran.stderr);
    assert!(ran.stdout.contains("Subject: one"));
}
