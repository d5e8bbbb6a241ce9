//! `send` under TLS, and logging in.

use crate::loopback::{Certificate, Heard, Options, PASSWORD, scripted, serve};
use crate::{Ran, file, program, run, run_with_input};

const MAIL: [&str; 8] =
    ["--from", "alice@crepes.fr", "--to", "bob@hamburger.edu", "--subject", "x", "--user", "alice"];

/// Sends with a trusted certificate and whatever else is said.
fn send(options: Options, certificate: Certificate, more: &[&str], password: &str) -> (Ran, Heard) {
    let folder = tempfile::tempdir().unwrap();
    let pem = file(folder.path(), "certificate.pem", &certificate.pem);
    let (port, thread) = serve(options, Some(certificate), 1);
    let server = format!("localhost:{port}");
    let ran = run(program()
        .args(["send", "--server", &server, "--tls-ca", &pem])
        .args(MAIL)
        .args(more)
        .env("MAIL_PASSWORD", password));
    (ran, thread.join().unwrap().remove(0))
}

fn submission() -> Options {
    Options { starttls: true, auth: true, ..Options::default() }
}

#[test]
fn starttls_and_plain_by_default() {
    for is_authority in [false, true] {
        let (ran, heard) = send(submission(), Certificate::new(is_authority), &[], PASSWORD);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
        assert!(heard.is_tls && heard.is_whole);
        assert_eq!(heard.passwords, [("alice".to_owned(), PASSWORD.to_owned())]);
    }
}

#[test]
fn implicit() {
    let options = Options { implicit_tls: true, auth: true, ..Options::default() };
    let (ran, heard) = send(options, Certificate::new(false), &["--tls", "implicit"], PASSWORD);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    assert!(heard.is_tls && heard.is_whole);
}

#[test]
fn a_wrong_password() {
    let (ran, heard) = send(submission(), Certificate::new(false), &[], "wrong horse");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    assert!(ran.stderr.contains("535 5.7.8") && !ran.stderr.contains("horse"), "{}", ran.stderr);
    assert_eq!(heard.reverse_path, None);
}

#[test]
fn the_password_on_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = Certificate::new(false);
    let pem = file(folder.path(), "certificate.pem", &certificate.pem);
    let (port, thread) = serve(submission(), Some(certificate), 1);
    let server = format!("localhost:{port}");
    let mut command = program();
    command.args(["send", "--server", &server, "--tls-ca", &pem, "--password-stdin"]).args(MAIL);
    let ran = run_with_input(&mut command, format!("{PASSWORD}\n").as_bytes());
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    assert_eq!(thread.join().unwrap()[0].passwords[0].1, PASSWORD);
}

#[test]
fn a_certificate_that_nobody_vouches_for() {
    let folder = tempfile::tempdir().unwrap();
    let other = file(folder.path(), "other.pem", Certificate::new(true).pem);
    let (port, thread) = serve(submission(), Some(Certificate::new(false)), 1);
    let server = format!("localhost:{port}");
    let ran = run(program()
        .args(["send", "--server", &server, "--tls-ca", &other])
        .args(MAIL)
        .env("MAIL_PASSWORD", PASSWORD));
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("certificate"), "{}", ran.stderr);
    let heard = &thread.join().unwrap()[0];
    assert!(heard.passwords.is_empty() && heard.reverse_path.is_none());
}

#[test]
fn a_certificate_for_another_name() {
    for is_authority in [false, true] {
        let certificate = Certificate::of("elsewhere.example", is_authority);
        let (ran, heard) = send(submission(), certificate, &[], PASSWORD);
        assert_eq!(ran.code, Some(1));
        assert!(ran.stderr.contains("not valid for name"), "{}", ran.stderr);
        assert!(heard.passwords.is_empty() && heard.reverse_path.is_none());
    }
}

#[test]
fn tls_is_not_given_up_silently() {
    let (port, thread) = serve(Options::default(), None, 1);
    let server = format!("127.0.0.1:{port}");
    let ran = run(program().args(["send", "--server", &server]).args(MAIL).env("MAIL_PASSWORD", PASSWORD));
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("does not offer STARTTLS"), "{}", ran.stderr);
    let heard = &thread.join().unwrap()[0];
    assert!(heard.passwords.is_empty() && heard.reverse_path.is_none());
}

#[test]
fn octets_behind_the_go_ahead_are_refused() {
    let (port, thread) = scripted(&[
        ("", "220 a\r\n"),
        ("EHLO ", "250-a\r\n250 STARTTLS\r\n"),
        ("STARTTLS", "220 go\r\n250 injected\r\n"),
    ]);
    let server = format!("127.0.0.1:{port}");
    let ran = run(program().args(["send", "--server", &server]).args(MAIL).env("MAIL_PASSWORD", PASSWORD));
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("behind STARTTLS"), "{}", ran.stderr);
    thread.join().unwrap();
}
