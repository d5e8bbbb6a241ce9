//! `fetch`

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use crate::keeper::{Drop, Protection, pop3};
use crate::loopback::Certificate;
use crate::{file, program, run};

fn maildrop(messages: &[&[u8]]) -> Arc<Mutex<Drop>> {
    let messages = (1..).zip(messages).map(|(uid, message)| (uid, Bytes::copy_from_slice(message))).collect();
    Arc::new(Mutex::new(Drop { messages, ..Drop::default() }))
}

fn client(port: u16, to: &Path) -> Command {
    let mut program = program();
    let server = format!("pop3://mrose@localhost:{port}");
    program.args(["fetch", "--server", &server, "--tls", "none", "--to"]).arg(to);
    program.env("MAIL_PASSWORD", "tan staaf");
    program
}

fn files(folder: impl AsRef<Path>) -> Vec<String> {
    let mut texts: Vec<String> = folder
        .as_ref()
        .read_dir()
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    texts.sort();
    texts
}

#[test]
fn each_message_is_fetched_once_into_a_maildir() {
    let maildrop = maildrop(&[b"Subject: 1\r\n\r\n.dots\r\n", b"Subject: 2\r\n\r\n\r\n"]);
    let port = pop3(&maildrop, Protection::None);
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("mail");
    assert_eq!(run(&mut client(port, &to)).stdout, "fetched 2 messages\n");
    assert_eq!(files(to.join("new")), ["Subject: 1\n\n.dots\n", "Subject: 2\n\n\n"]);
    assert!(files(to.join("tmp")).is_empty() && files(to.join("cur")).is_empty());
    // Whoever reads moves them: they are not fetched again all the same.
    std::fs::remove_dir_all(to.join("new")).unwrap();
    std::fs::create_dir(to.join("new")).unwrap();
    assert_eq!(run(&mut client(port, &to)).stdout, "fetched 0 messages\n");
    maildrop.lock().unwrap().messages.push((3, Bytes::from_static(b"Subject: 3\r\n\r\n")));
    let ran = run(client(port, &to).args(["--delete", "--crlf", "--json"]));
    let row: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(row["octets"], 14);
    assert_eq!(std::fs::read(row["file"].as_str().unwrap()).unwrap(), b"Subject: 3\r\n\r\n");
    // What was fetched before is deleted too.
    assert!(maildrop.lock().unwrap().messages.is_empty());
    let ran = run(&mut client(port, &to));
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "fetched 0 messages\n"));
    assert_eq!(maildrop.lock().unwrap().retrieved, 3);
}

#[test]
fn what_fails_in_the_middle_goes_on_where_it_was() {
    let messages: Vec<Vec<u8>> = (1..=3)
        .map(|number| format!("Subject: {number}\r\n\r\nlong enough to be cut\r\n").into_bytes())
        .collect();
    let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
    for to in ["mail", "mail.mbox"] {
        let maildrop = maildrop(&messages);
        maildrop.lock().unwrap().fails_after = Some(1);
        let port = pop3(&maildrop, Protection::None);
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join(to);
        let ran = run(client(port, &to).arg("--delete"));
        assert_eq!(ran.code, Some(1), "{}", ran.stdout);
        // The first is safe; of the second there is nothing, not even half.
        let left = |to: &Path| {
            if to.is_dir() {
                assert!(files(to.join("tmp")).is_empty());
                files(to.join("new")).concat()
            } else {
                std::fs::read_to_string(to).unwrap()
            }
        };
        assert!(left(&to).contains("Subject: 1") && !left(&to).contains("Subject: 2"));
        // The connection broke: nothing is deleted.
        assert_eq!(maildrop.lock().unwrap().messages.len(), 3);
        maildrop.lock().unwrap().fails_after = None;
        let ran = run(client(port, &to).arg("--delete"));
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "fetched 2 messages\n"), "{}", ran.stderr);
        for number in 1..=3 {
            assert_eq!(left(&to).matches(&format!("Subject: {number}")).count(), 1);
        }
        assert!(maildrop.lock().unwrap().messages.is_empty());
    }
}

#[test]
fn an_mbox_keeps_messages_apart() {
    let maildrop =
        maildrop(&[b"Subject: 1\r\n\r\nFrom here\r\n>From there\r\nno end", b"Subject: 2\r\n\r\n"]);
    let port = pop3(&maildrop, Protection::None);
    let folder = tempfile::tempdir().unwrap();
    let to =
        PathBuf::from(file(folder.path(), "inbox", "From old Mon Nov 23 09:00:00 2026\nSubject: 0\n\n\n"));
    assert_eq!(run(&mut client(port, &to)).stdout, "fetched 2 messages\n");
    let text = std::fs::read_to_string(&to).unwrap();
    assert!(text.starts_with("From old "), "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("From ")).count(), 3, "{text}");
    assert!(text.contains("\n\n>From here\n>>From there\nno end\n\nFrom MAILER-DAEMON "), "{text}");
    assert_eq!(run(&mut client(port, &to)).stdout, "fetched 0 messages\n");
    assert_eq!(std::fs::read_to_string(&to).unwrap(), text);
    let names: Vec<_> = folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_str().unwrap().contains(".part")), "{names:?}");
}

#[test]
fn under_tls_and_never_without_unless_told() {
    let maildrop = maildrop(&[b"Subject: 1\r\n\r\n"]);
    let folder = tempfile::tempdir().unwrap();
    let certificate = Certificate::new(false);
    let pem = file(folder.path(), "certificate.pem", &certificate.pem);
    let fetch = |scheme: &str, port: u16, to: &str| {
        let server = format!("{scheme}://mrose@localhost:{port}");
        let mut program = program();
        program.args(["trace", "fetch", "--server", &server, "--tls-ca", &pem, "--to"]);
        run(program.arg(folder.path().join(to)).env("MAIL_PASSWORD", "tan staaf"))
    };
    let ran = fetch("pop3", pop3(&maildrop, Protection::starttls(&certificate)), "a");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stderr.contains("C STLS") && ran.stderr.contains("PASS (hidden)"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("staaf"), "{}", ran.stderr);
    let ran = fetch("pop3s", pop3(&maildrop, Protection::implicit(&certificate)), "b");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let ran = fetch("pop3", pop3(&maildrop, Protection::None), "c");
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(!folder.path().join("c/new").read_dir().unwrap().any(|_| true));
}

#[test]
fn what_is_no_maildir_is_left_alone() {
    let maildrop = maildrop(&[b"Subject: 1\r\n\r\n"]);
    let port = pop3(&maildrop, Protection::None);
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "letter.txt", "mine");
    let ran = run(client(port, folder.path()).arg("--delete"));
    assert!(ran.code == Some(1) && ran.stderr.contains("no Maildir"), "{}", ran.stderr);
    assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    assert_eq!(maildrop.lock().unwrap().messages.len(), 1);
}
