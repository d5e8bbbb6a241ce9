//! `trace`.

use crate::loopback::{Certificate, Options, PASSWORD, serve};
use crate::{file, program, run};

#[test]
fn the_conversation_is_shown_and_explained_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = Certificate::new(false);
    let pem = file(folder.path(), "certificate.pem", &certificate.pem);
    let options =
        Options { starttls: true, auth: true, refuses: Some("carol@hamburger.edu"), ..Options::default() };
    let (port, thread) = serve(options, Some(certificate), 1);
    let server = format!("localhost:{port}");
    let ran = run(program()
        .args([
            "trace",
            "send",
            "--server",
            &server,
            "--tls-ca",
            &pem,
            "--user",
            "alice",
            "--subject",
            "카페",
        ])
        .args(["--from", "alice@crepes.fr", "--to", "bob@hamburger.edu,carol@hamburger.edu"])
        .env("MAIL_PASSWORD", PASSWORD));
    assert_eq!(ran.code, Some(1));
    let heard = &thread.join().unwrap()[0];
    assert!(heard.is_whole);
    // In this order, each at the start of a line.
    let mut lines = ran.stderr.lines();
    for start in [
        "- connecting to localhost:",
        "S 220 localhost",
        "C EHLO [127.0.0.1]",
        "S 250-localhost",
        "C STARTTLS",
        "S 220 ",
        "- under TLS from here on: TLSv1_3",
        "C EHLO [127.0.0.1]",
        "S 250-localhost",
        "C AUTH PLAIN (hidden)",
        "S 235 ",
        "C MAIL FROM:<alice@crepes.fr>",
        "C RCPT TO:<bob@hamburger.edu>",
        "C RCPT TO:<carol@hamburger.edu>",
        "C DATA",
        "S 250 ",
        "S 250 ",
        "S 550 5.1.1 ",
        "S 354 ",
        "C   Date: ",
        "C   From: alice@crepes.fr",
        "C .",
        "S 250 ",
        "C QUIT",
        "S 221 ",
    ] {
        assert!(lines.any(|line| line.starts_with(start)), "no {start:?} in its place:\n{}", ran.stderr);
    }
    assert!(ran.stderr.contains("# one recipient (RFC 5321 section 4.1.1.3)"), "{}", ran.stderr);
    let secret = "AGFsaWNlAGNyw6pwZSBzdXpldHRl"; // base64 of what PLAIN says
    assert!(!ran.stderr.contains(secret) && !ran.stderr.contains("suzette"), "{}", ran.stderr);
    assert!(ran.stdout.starts_with("sent to bob@hamburger.edu"), "{}", ran.stdout);
}
