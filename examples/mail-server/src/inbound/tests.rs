//! The listeners, spoken to over sockets.

use std::path::Path;
use std::time::Instant;

use postroad_tokio::rustls::RootCertStore;
use postroad_tokio::tokio_rustls::TlsConnector;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

use super::*;
use crate::config::Config;
use crate::serve::Server;
use crate::store::Account;
use crate::time::Time;

pub(super) const PASSWORD: &str = "crêpe suzette";
/// `\0bob\0crêpe suzette`
const BOB: &str = "AGJvYgBjcsOqcGUgc3V6ZXR0ZQ==";

pub(super) fn start(folder: &Path, more: &str) -> Server {
    let text = format!(
        "hostname = \"mx.hamburger.edu\"\ndomains = [\"hamburger.edu\"]\n\
         [listen]\nsmtp = \"127.0.0.1:0\"\nsubmission = \"127.0.0.1:0\"\npop3 = \"127.0.0.1:0\"\nimap = \"127.0.0.1:0\"\nwebmail = \"\"\n\
         submissions = \"127.0.0.1:0\"\npop3s = \"127.0.0.1:0\"\n\
         [auth]\nplaintext_without_tls = true\n{more}"
    );
    Server::start(Config::parse(&text, folder).unwrap(), handler).unwrap()
}

pub(super) async fn account(server: &Server, address: &str) -> Account {
    server.context.store.add_account(address, PASSWORD.into(), false, Time::now()).await.unwrap()
}

/// All messages of an account, as they would be sent.
async fn mailbox(server: &Server, account: &Account) -> Vec<String> {
    let maildrop = server.context.store.open_maildrop(account).await.unwrap();
    let mut messages = Vec::new();
    for index in 0..maildrop.entries().len() {
        let mut reader = maildrop.read(index).await.unwrap();
        let mut message = Vec::new();
        while let Some(chunk) = reader.next().await.unwrap() {
            message.extend_from_slice(&chunk);
        }
        messages.push(String::from_utf8(message).unwrap());
    }
    messages
}

/// A client by hand.
struct Raw(BufReader<MaybeTls<TcpStream>>);

/// Inside of TLS, with the server that it should be.
async fn secured(server: &Server, stream: TcpStream) -> MaybeTls<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(server.context.tls.certificate.clone()).unwrap();
    let connector = TlsConnector::from(Arc::new(tls::client_config(roots).unwrap()));
    tls::connect(&connector, "mx.hamburger.edu".try_into().unwrap(), stream, HANDSHAKE).await.unwrap()
}

impl Raw {
    /// Connects, and gives the greeting too.
    async fn greeted(server: &Server, protocol: Protocol) -> (Self, String) {
        let listen = server.listening.iter().find(|listen| listen.protocol == protocol).unwrap();
        let stream = TcpStream::connect(listen.address).await.unwrap();
        let io = if protocol.implicit_tls() { secured(server, stream).await } else { stream.into() };
        let mut raw = Self(BufReader::new(io));
        let greeting = raw.reply().await;
        (raw, greeting)
    }

    async fn connect(server: &Server, protocol: Protocol) -> Self {
        let (mut raw, greeting) = Self::greeted(server, protocol).await;
        if matches!(protocol, Protocol::Pop3 | Protocol::Pop3s) {
            assert!(greeting.starts_with("+OK mx.hamburger.edu"), "{greeting}");
        } else {
            assert!(greeting.starts_with("220 mx.hamburger.edu"), "{greeting}");
            raw.expect("EHLO [192.0.2.7]", "250").await;
        }
        raw
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).await.unwrap();
        line
    }

    /// A reply with all its lines; empty at the end of the connection.
    async fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let line = self.line().await;
            let more =
                line.as_bytes().get(3) == Some(&b'-') && line.starts_with(|c: char| c.is_ascii_digit());
            reply += &line;
            if !more {
                return reply;
            }
        }
    }

    /// After STARTTLS or STLS.
    async fn upgraded(self, server: &Server) -> Self {
        let MaybeTls::Plain(stream) = self.0.into_inner() else { panic!() };
        Self(BufReader::new(secured(server, stream).await))
    }

    async fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).await.unwrap();
        self.0.get_mut().flush().await.unwrap();
    }

    async fn ask(&mut self, line: &str) -> String {
        self.send(&format!("{line}\r\n")).await;
        self.reply().await
    }

    async fn expect(&mut self, line: &str, answer: &str) -> String {
        let reply = self.ask(line).await;
        assert!(reply.starts_with(answer), "{line}: {reply}");
        reply
    }

    /// A whole transaction; the answer to the message.
    async fn deliver(&mut self, from: &str, to: &[&str], message: &str) -> String {
        self.expect(&format!("MAIL FROM:{from}"), "250").await;
        for path in to {
            self.expect(&format!("RCPT TO:{path}"), "250").await;
        }
        self.expect("DATA", "354").await;
        self.send(message).await;
        self.ask(".").await
    }

    /// A multi-line response of POP3, without its status and its end.
    async fn listing(&mut self, line: &str) -> Vec<String> {
        self.expect(line, "+OK").await;
        let mut lines = Vec::new();
        loop {
            let line = self.line().await;
            if line == ".\r\n" {
                return lines;
            }
            assert!(line.ends_with("\r\n"), "{line:?}");
            lines.push(line.strip_prefix('.').unwrap_or(&line).to_owned());
        }
    }

    async fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).await.is_ok_and(|count| count == 0)
    }
}

#[tokio::test]
async fn mail_from_other_servers_goes_to_mailboxes_here_and_nowhere_else() {
    let place = tempfile::tempdir().unwrap();
    let server = start(place.path(), "");
    let (bob, carol) =
        (account(&server, "bob@hamburger.edu").await, account(&server, "carol@hamburger.edu").await);
    let mut raw = Raw::connect(&server, Protocol::Smtp).await;
    let extensions = raw.ask("EHLO mail.crepes.fr").await;
    assert!(extensions.contains("STARTTLS\r\n") && !extensions.contains("AUTH"), "{extensions}");
    raw.expect(&format!("AUTH PLAIN {BOB}"), "502").await;

    raw.expect("MAIL FROM:<alice@crepes.fr>", "250").await;
    raw.expect("RCPT TO:<nobody@hamburger.edu>", "550 5.1.1").await;
    raw.expect("RCPT TO:<x@elsewhere.example>", "550 5.7.1").await;
    raw.expect("RCPT TO:<bob@[127.0.0.1]>", "550 5.7.1").await;
    raw.expect("DATA", "554").await;
    raw.expect("RSET", "250").await;

    let message = "Return-Path: <x@y>\r\nSubject: one\r\n\r\n..\r\nbody\r\n";
    let said = raw.deliver("<alice@crepes.fr>", &["<Bob@Hamburger.edu>"], message).await;
    assert!(said.starts_with("250 2.0.0 accepted as "), "{said}");
    let id = said.trim_end().rsplit_once(' ').unwrap().1;
    // Both are the same person, and one copy is enough; with two of them Received names none.
    raw.deliver("<>", &["<bob@hamburger.edu>", "<Postmaster>", "<carol@hamburger.edu>"], message).await;
    raw.expect("QUIT", "221").await;

    let [first, second] = &*mailbox(&server, &bob).await else { panic!() };
    let (trace, rest) = first.split_once("Subject").unwrap();
    let unfolded = trace.replace("\r\n ", " ");
    let expected = format!(
        "Return-Path: <alice@crepes.fr>\r\nReceived: from mail.crepes.fr ([127.0.0.1]) by mx.hamburger.edu \
         with ESMTP id {id} for <Bob@Hamburger.edu>; "
    );
    assert!(unfolded.starts_with(&expected), "{unfolded}\n{expected}");
    assert_eq!(rest, ": one\r\n\r\n.\r\nbody\r\n");
    assert!(second.starts_with("Return-Path: <>\r\nReceived: "), "{second}");
    assert!(!second.contains(" for <"), "{second}");
    assert_eq!(mailbox(&server, &carol).await.len(), 1);
    server.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn mail_that_goes_in_circles_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let server = start(place.path(), "");
    let bob = account(&server, "bob@hamburger.edu").await;
    let mut raw = Raw::connect(&server, Protocol::Smtp).await;
    let hops = |count: usize| "Received: from a by b; now\r\n".repeat(count) + "\r\nbody\r\n";
    let said = raw.deliver("<a@b.example>", &["<bob@hamburger.edu>"], &hops(101)).await;
    assert!(said.starts_with("554 5.4.6"), "{said}");
    let said = raw.deliver("<a@b.example>", &["<bob@hamburger.edu>"], &hops(100)).await;
    assert!(said.starts_with("250"), "{said}");
    assert_eq!(mailbox(&server, &bob).await.len(), 1);
}

#[tokio::test]
async fn submission_is_for_those_who_log_in_and_send_as_themselves() {
    let place = tempfile::tempdir().unwrap();
    let server = start(place.path(), "");
    let bob = account(&server, "bob@hamburger.edu").await;
    let carol = account(&server, "carol@hamburger.edu").await;
    let mut raw = Raw::connect(&server, Protocol::Submission).await;
    assert!(raw.ask("EHLO [192.0.2.7]").await.contains("AUTH PLAIN\r\n"));
    raw.expect("MAIL FROM:<bob@hamburger.edu>", "530").await;
    raw.expect("AUTH PLAIN AGJvYgB3cm9uZw==", "535 5.7.8").await; // \0bob\0wrong
    let started = Instant::now();
    raw.expect("AUTH PLAIN !", "501").await;
    // carol\0bob\0crêpe suzette: the password is right, but bob is not carol. The second guess is answered late.
    raw.expect("AUTH PLAIN Y2Fyb2wAYm9iAGNyw6pwZSBzdXpldHRl", "535 5.7.8").await;
    assert!(started.elapsed() >= GUESSING_DELAY);
    raw.expect("AUTH PLAIN", "334 ").await;
    raw.expect(BOB, "235 2.7.0").await;
    raw.expect("MAIL FROM:<carol@hamburger.edu>", "553 5.7.1").await;
    raw.expect("MAIL FROM:<bob@crepes.fr>", "553 5.7.1").await;
    raw.expect("MAIL FROM:<>", "250").await;
    raw.expect("RCPT TO:<nobody@hamburger.edu>", "550 5.1.1").await;
    raw.expect("RSET", "250").await;

    let said = raw.deliver("<bob@hamburger.edu>", &["<bob@hamburger.edu>"], "nul \0\r\n").await;
    assert!(said.starts_with("550 5.6.0"), "{said}");

    let to = ["<carol@hamburger.edu>", "<alice@Crepes.fr>", "<eve@example.org>", "<alice@crepes.fr>"];
    let message = "From: bob@hamburger.edu\nBcc: eve@example.org\r\nSubject: one\r\n\r\ngr\u{fc}\u{df}e\r\n";
    let said = raw.deliver("<Bob@hamburger.edu> BODY=8BITMIME", &to, message).await;
    assert!(said.starts_with("250"), "{said}");

    let [received] = &*mailbox(&server, &carol).await else { panic!() };
    assert!(received.starts_with("Return-Path: <Bob@hamburger.edu>\r\nReceived: "), "{received}");
    assert!(received.contains(" with ESMTPA\r\n"), "{received}");
    let (trace, rest) = received.split_once("From: ").unwrap();
    assert!(!trace.contains(" for <"), "{trace}");
    assert!(rest.starts_with("bob@hamburger.edu\r\nSubject: one\r\nDate: "), "the bare LF is mended: {rest}");
    assert!(rest.contains("@mx.hamburger.edu>\r\n\r\ngr\u{fc}\u{df}e\r\n"), "{rest}");
    assert!(mailbox(&server, &bob).await.is_empty());

    let [queued] = &*server.context.store.list_queue(0, 10).await.unwrap() else { panic!() };
    assert_eq!(queued.reverse_path, "Bob@hamburger.edu");
    assert_eq!(queued.body.as_deref(), Some("8BITMIME"));
    let recipients: Vec<_> = queued
        .recipients
        .iter()
        .map(|recipient| (recipient.forward_path.as_str(), recipient.destination.as_str()))
        .collect();
    assert_eq!(recipients, [("alice@Crepes.fr", "crepes.fr"), ("eve@example.org", "example.org")]);
}

#[tokio::test]
async fn a_full_mailbox_refuses() {
    let place = tempfile::tempdir().unwrap();
    let server = start(place.path(), "[limits]\nmailbox_quota = 2000\n");
    let bob = account(&server, "bob@hamburger.edu").await;
    account(&server, "carol@hamburger.edu").await;
    let mut raw = Raw::connect(&server, Protocol::Smtp).await;
    let message = format!("Subject: x\r\n\r\n{}", "0123456789\r\n".repeat(100));
    let large = message.repeat(2);
    raw.expect("MAIL FROM:<a@b.example> SIZE=3000", "250").await;
    raw.expect("RCPT TO:<bob@hamburger.edu>", "552 5.2.2").await;
    raw.expect("RSET", "250").await;
    let said = raw.deliver("<a@b.example>", &["<bob@hamburger.edu>"], &large).await;
    assert!(said.starts_with("552 5.2.2"), "{said}");
    let said = raw.deliver("<a@b.example>", &["<bob@hamburger.edu>"], &message).await;
    assert!(said.starts_with("250"), "{said}");
    let said = raw.deliver("<a@b.example>", &["<bob@hamburger.edu>"], &message).await;
    assert!(said.starts_with("452 4.2.2"), "{said}");
    raw.expect("MAIL FROM:<a@b.example> SIZE=1200", "250").await;
    raw.expect("RCPT TO:<bob@hamburger.edu>", "452 4.2.2").await;
    raw.expect("RCPT TO:<carol@hamburger.edu>", "250").await;
    assert_eq!(mailbox(&server, &bob).await.len(), 1);
}

#[tokio::test]
async fn too_many_connections_are_told_so() {
    let place = tempfile::tempdir().unwrap();
    let server = start(place.path(), "[limits]\nconnections_per_address = 1\n");
    let first = Raw::connect(&server, Protocol::Smtp).await;
    let (mut second, said) = Raw::greeted(&server, Protocol::Submission).await;
    assert!(said.starts_with("421 4.7.0 mx.hamburger.edu "), "{said}");
    assert!(second.is_closed().await);
    let (mut third, said) = Raw::greeted(&server, Protocol::Pop3).await;
    assert!(said.starts_with("-ERR [SYS/TEMP] "), "{said}");
    assert!(third.is_closed().await);
    drop(first);
}

#[tokio::test]
async fn a_stop_lets_a_message_through() {
    let place = tempfile::tempdir().unwrap();
    let server = start(place.path(), "");
    let bob = account(&server, "bob@hamburger.edu").await;
    let context = Arc::clone(&server.context);
    let mut idle = Raw::connect(&server, Protocol::Smtp).await;
    let mut pop3 = Raw::connect(&server, Protocol::Pop3).await;
    let mut busy = Raw::connect(&server, Protocol::Smtp).await;
    busy.expect("MAIL FROM:<a@b.example>", "250").await;
    busy.expect("RCPT TO:<bob@hamburger.edu>", "250").await;
    busy.expect("DATA", "354").await;
    let stopped = tokio::spawn(server.stop(Duration::from_secs(60)));
    let said = idle.reply().await;
    assert!(said.starts_with("421 "), "{said}");
    assert!(idle.is_closed().await);
    pop3.line().await;
    assert!(pop3.is_closed().await);
    assert!(busy.ask("late\r\n.").await.starts_with("250"));
    assert!(busy.reply().await.starts_with("421 "));
    stopped.await.unwrap();
    let maildrop = context.store.open_maildrop(&bob).await.unwrap();
    assert_eq!(maildrop.entries().len(), 1);
}

#[tokio::test]
async fn a_maildrop_is_read_and_emptied() {
    let place = tempfile::tempdir().unwrap();
    let server = start(place.path(), "");
    let bob = account(&server, "bob@hamburger.edu").await;
    let mut smtp = Raw::connect(&server, Protocol::Smtp).await;
    let large =
        (0..100_000).fold(String::new(), |text, number| text + &format!(".{number} and some more text\r\n"));
    let stuffed = large.replace("\r\n.", "\r\n..").replacen('.', "..", 1);
    for message in ["Subject: small\r\n\r\nbody\r\n", &format!("Subject: large\r\n\r\n{stuffed}")] {
        assert!(smtp.deliver("<a@b.example>", &["<bob@hamburger.edu>"], message).await.starts_with("250"));
    }

    let mut raw = Raw::connect(&server, Protocol::Pop3).await;
    raw.expect("USER nobody", "+OK").await;
    let unknown = raw.expect("PASS wrong", "-ERR [AUTH]").await;
    raw.expect("USER bob", "+OK").await;
    let wrong = raw.expect("PASS wrong", "-ERR [AUTH]").await;
    assert_eq!(unknown, wrong, "nobody learns which accounts there are");
    raw.expect("USER bob", "+OK").await;
    raw.expect(&format!("PASS {PASSWORD}"), "+OK").await;

    let mut other = Raw::connect(&server, Protocol::Pop3).await;
    other.expect("USER bob@hamburger.edu", "+OK").await;
    other.expect(&format!("PASS {PASSWORD}"), "-ERR [IN-USE]").await;

    let sizes = raw.listing("LIST").await;
    assert_eq!(sizes.len(), 2);
    let unique = raw.listing("UIDL").await;
    let message = raw.listing("RETR 2").await.concat();
    assert_eq!(sizes[1], format!("2 {}\r\n", message.len()));
    assert_eq!(message.split_once("\r\n\r\n").unwrap().1, large);
    let top = raw.listing("TOP 2 1").await.concat();
    assert_eq!(top.split_once("\r\n\r\n").unwrap().1, ".0 and some more text\r\n");
    raw.expect("DELE 1", "+OK").await;
    raw.expect("QUIT", "+OK").await;
    assert!(raw.is_closed().await);

    other.expect("USER bob", "+OK").await;
    other.expect(&format!("PASS {PASSWORD}"), "+OK").await;
    assert_eq!(other.listing("UIDL").await, [unique[1].replacen('2', "1", 1)]);
    other.expect("DELE 1", "+OK").await;
    drop(other);
    // Without QUIT nothing is removed, and the lock is gone with the connection.
    let until = Instant::now() + Duration::from_secs(10);
    let maildrop = loop {
        match server.context.store.open_maildrop(&bob).await {
            Ok(maildrop) => break maildrop,
            Err(error) => assert!(Instant::now() < until, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!(maildrop.entries().len(), 1);
}

#[tokio::test]
async fn passwords_need_tls_unless_it_is_allowed() {
    let place = tempfile::tempdir().unwrap();
    let text = "hostname = \"mx.hamburger.edu\"\n[listen]\nsmtp = \"\"\n\
                submission = \"127.0.0.1:0\"\npop3 = \"127.0.0.1:0\"\nimap = \"\"\nwebmail = \"\"\n";
    let config = Config::parse(text, place.path()).unwrap();
    let server = Server::start(config, handler).unwrap();
    let mut pop3 = Raw::connect(&server, Protocol::Pop3).await;
    assert!(!pop3.listing("CAPA").await.contains(&"USER\r\n".to_owned()));
    pop3.expect("USER bob", "-ERR").await;
    let mut raw = Raw::connect(&server, Protocol::Submission).await;
    assert!(!raw.ask("EHLO x.example").await.contains("AUTH"));
    raw.expect(&format!("AUTH PLAIN {BOB}"), "538 5.7.11").await;
    raw.expect("MAIL FROM:<bob@hamburger.edu>", "530 5.7.0").await;
}

#[tokio::test]
async fn with_tls_from_the_beginning_and_by_a_command() {
    let place = tempfile::tempdir().unwrap();
    let server = start(place.path(), "");
    let bob = account(&server, "bob@hamburger.edu").await;

    let mut implicit = Raw::connect(&server, Protocol::Submissions).await;
    let mut upgraded = Raw::connect(&server, Protocol::Submission).await;
    upgraded.expect(&format!("AUTH PLAIN {BOB}"), "235").await;
    upgraded.expect("MAIL FROM:<bob@hamburger.edu>", "250").await;
    upgraded.expect("RSET", "250").await;
    upgraded.expect("STARTTLS", "220").await;
    let mut upgraded = upgraded.upgraded(&server).await;
    upgraded.expect("MAIL FROM:<bob@hamburger.edu>", "503").await;
    assert!(!upgraded.expect("EHLO x.example", "250").await.contains("STARTTLS"));
    upgraded.expect("MAIL FROM:<bob@hamburger.edu>", "530").await;
    for raw in [&mut implicit, &mut upgraded] {
        raw.expect(&format!("AUTH PLAIN {BOB}"), "235").await;
        let said = raw.deliver("<bob@hamburger.edu>", &["<bob@hamburger.edu>"], "x\r\n").await;
        assert!(said.starts_with("250"), "{said}");
    }
    let messages = mailbox(&server, &bob).await;
    assert_eq!(messages.len(), 2);
    assert!(messages.iter().all(|message| message.contains(" with ESMTPSA\r\n")), "{messages:?}");

    let mut implicit = Raw::connect(&server, Protocol::Pop3s).await;
    let mut upgraded = Raw::connect(&server, Protocol::Pop3).await;
    upgraded.expect("STLS", "+OK").await;
    let mut upgraded = upgraded.upgraded(&server).await;
    for raw in [&mut implicit, &mut upgraded] {
        raw.expect("USER bob", "+OK").await;
        raw.expect(&format!("PASS {PASSWORD}"), "+OK").await;
        assert_eq!(raw.listing("LIST").await.len(), 2);
        raw.expect("QUIT", "+OK").await;
    }
}
