//! The server from outside, by what is said on the wire.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test fails by panicking")]

use postroad_core::Domain;
use postroad_tokio::Shutdown;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Nothing here takes as long; it is there so that nothing waits for ever.
const PATIENCE: Duration = Duration::from_secs(30);

/// The server on free ports: SMTP, POP3, IMAP.
async fn start() -> [SocketAddr; 3] {
    let mut listeners = Vec::new();
    for _ in 0..3 {
        listeners.push(TcpListener::bind("127.0.0.1:0").await.unwrap());
    }
    let listeners: [TcpListener; 3] = listeners.try_into().unwrap();
    let addresses = [0, 1, 2].map(|at: usize| listeners[at].local_addr().unwrap());
    tokio::spawn(async move {
        let accounts = [("alice", "ketchup"), ("bob", "pickles")];
        let domain = Domain::parse("localhost").unwrap();
        minimal_server::run(listeners, domain, &accounts, Shutdown::never()).await;
    });
    addresses
}

struct Wire(BufReader<TcpStream>);

impl Wire {
    /// Connects, and reads the greeting.
    async fn open(address: SocketAddr) -> Self {
        let mut wire = Self(BufReader::new(TcpStream::connect(address).await.unwrap()));
        wire.line().await;
        wire
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        tokio::time::timeout(PATIENCE, self.0.read_line(&mut line)).await.expect("an answer").unwrap();
        assert!(line.ends_with("\r\n"), "the connection ended: {line:?}");
        line.trim_end().to_owned()
    }

    async fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).await.unwrap();
    }

    /// Says a line, and gives what comes up to the line that begins so.
    async fn ask(&mut self, line: &str, last: &str) -> String {
        self.send(&format!("{line}\r\n")).await;
        self.until(last).await
    }

    async fn until(&mut self, last: &str) -> String {
        let mut all = String::new();
        loop {
            let line = self.line().await;
            all.push_str(&line);
            if line.starts_with(last) {
                return all;
            }
            all.push('\n');
        }
    }

    /// IMAP, with INBOX selected.
    async fn bob(address: SocketAddr) -> Self {
        let mut imap = Self::open(address).await;
        imap.ask("a LOGIN bob pickles", "a OK").await;
        imap.ask("a SELECT INBOX", "a OK").await;
        imap
    }
}

const MAIL: &str = "From: alice@localhost\r\nSubject: hello\r\nContent-Type: text/plain\r\n\r\n.\r\nDo you like ketchup?\r\n";

async fn deliver(smtp: SocketAddr, to: &str) -> String {
    let mut smtp = Wire::open(smtp).await;
    smtp.ask("EHLO here", "250 ").await;
    smtp.ask("MAIL FROM:<alice@localhost>", "250 ").await;
    let answer = smtp.ask(&format!("RCPT TO:<{to}>"), "").await;
    if !answer.starts_with("250 ") {
        return answer;
    }
    smtp.ask("DATA", "354 ").await;
    smtp.ask(&format!("{}.", MAIL.replace("\r\n.", "\r\n..")), "250 ").await
}

#[tokio::test]
async fn a_delivery_is_heard_in_idle_and_read_by_both() {
    let [smtp, pop3, imap] = start().await;
    let mut imap = Wire::bob(imap).await;
    imap.ask("b IDLE", "+ ").await;
    assert_eq!(deliver(smtp, "bob@localhost").await, "250 2.0.0 delivered");
    assert_eq!(imap.until("* 1 EXISTS").await, "* 1 EXISTS");
    imap.ask("DONE", "b OK").await;

    let size = MAIL.len();
    let header =
        imap.ask("c FETCH 1 (RFC822.SIZE ENVELOPE BODY.PEEK[HEADER.FIELDS (SUBJECT)] FLAGS)", "c ").await;
    assert!(header.contains(&format!("RFC822.SIZE {size}")), "{header}");
    assert!(header.contains("ENVELOPE (NIL \"hello\" ((NIL NIL \"alice\" \"localhost\"))"), "{header}");
    assert!(header.contains("{18}\nSubject: hello\n"), "{header}");
    assert!(header.contains("FLAGS ()"), "{header}");
    let whole = imap.ask("d UID FETCH 1 (UID BODY[])", "d ").await;
    assert!(whole.starts_with(&format!("* 1 FETCH (UID 1 BODY[] {{{size}}}\nFrom:")), "{whole}");
    assert!(whole.contains("\n.\nDo you like ketchup?\n"), "{whole}");
    assert!(whole.contains("FLAGS (\\Seen)") && whole.ends_with("d OK FETCH completed"), "{whole}");

    let mut pop3 = Wire::open(pop3).await;
    pop3.ask("USER bob", "+OK").await;
    pop3.ask("PASS pickles", "+OK").await;
    let octets = pop3.ask("RETR 1", "Do you").await;
    assert!(octets.ends_with("\n..\nDo you like ketchup?"), "{octets}");
}

#[tokio::test]
async fn sessions_see_what_others_do() {
    let [smtp, pop3, imap] = start().await;
    for _ in 0..3 {
        deliver(smtp, "BOB@LOCALHOST".to_ascii_lowercase().as_str()).await;
    }
    let (mut one, mut other) = (Wire::bob(imap).await, Wire::bob(imap).await);
    let stored = one.ask("b STORE 2 +FLAGS (\\Flagged $Work)", "b ").await;
    assert!(stored.starts_with("* 2 FETCH (FLAGS (\\Flagged $Work))"), "{stored}");
    let heard = other.ask("c NOOP", "c ").await;
    assert!(heard.starts_with("* 2 FETCH (") && heard.contains("FLAGS (\\Flagged $Work)"), "{heard}");
    assert_eq!(other.ask("d SEARCH FLAGGED SUBJECT HELLO", "d ").await.lines().next().unwrap(), "* SEARCH 2");

    let mut pop3 = Wire::open(pop3).await;
    pop3.ask("USER bob", "+OK").await;
    pop3.ask("PASS pickles", "+OK").await;
    pop3.ask("DELE 1", "+OK").await;
    assert!(!one.ask("e NOOP", "e ").await.contains("EXPUNGE"));
    pop3.ask("QUIT", "+OK").await;
    assert!(one.ask("f NOOP", "f ").await.contains("* 1 EXPUNGE"));

    one.ask("g STORE 1 +FLAGS.SILENT (\\Deleted)", "g OK").await;
    assert!(one.ask("h EXPUNGE", "h ").await.contains("* 1 EXPUNGE"));
    // Both that are gone, by whomever; the later ones first, so that the numbers are right.
    assert_eq!(other.ask("i NOOP", "i ").await, "* 2 EXPUNGE\n* 1 EXPUNGE\ni OK NOOP completed");
    let status = other.ask("j STATUS INBOX (MESSAGES UIDNEXT)", "j ").await;
    assert!(status.contains("* STATUS INBOX (MESSAGES 1 UIDNEXT 4)"), "{status}");
}

#[tokio::test]
async fn what_is_refused() {
    let [smtp, pop3, imap] = start().await;
    assert!(deliver(smtp, "bob@elsewhere.example").await.starts_with("550 5.7.1"));
    assert!(deliver(smtp, "carol@localhost").await.starts_with("550 5.1.1"));

    let (mut first, mut second) = (Wire::open(pop3).await, Wire::open(pop3).await);
    for wire in [&mut first, &mut second] {
        wire.ask("USER bob", "+OK").await;
    }
    assert!(first.ask("PASS wrong", "").await.starts_with("-ERR [AUTH]"));
    first.ask("USER bob", "+OK").await;
    first.ask("PASS pickles", "+OK").await;
    assert!(second.ask("PASS pickles", "").await.starts_with("-ERR [IN-USE]"));

    let mut imap = Wire::bob(imap).await;
    assert!(imap.ask("b CREATE Trash", "b ").await.starts_with("b NO"));
    assert!(imap.ask("c SELECT Trash", "c ").await.ends_with("c NO [NONEXISTENT] no such mailbox"));
    assert_eq!(
        imap.ask("d LIST \"\" \"\"", "d ").await.lines().next().unwrap(),
        "* LIST (\\Noselect) NIL \"\""
    );
    assert_eq!(imap.ask("e LIST \"\" %", "e ").await.lines().next().unwrap(), "* LIST () NIL INBOX");
    assert!(imap.ask("f APPEND INBOX {3+}\r\nabc", "f ").await.starts_with("f NO"));
}

#[tokio::test]
async fn a_full_mailbox_takes_no_more() {
    let [smtp, ..] = start().await;
    let mut wire = Wire::open(smtp).await;
    wire.ask("EHLO here", "250 ").await;
    for _ in 0..100 {
        wire.ask("MAIL FROM:<>\r\nRCPT TO:<bob@localhost>\r\nDATA", "354 ").await;
        wire.ask("x\r\n.", "250 2.0.0").await;
    }
    wire.ask("MAIL FROM:<>", "250 ").await;
    assert!(wire.ask("RCPT TO:<bob@localhost>", "").await.starts_with("452 4.2.2"));
    assert!(wire.ask("RCPT TO:<alice@localhost>", "").await.starts_with("250 "));
}

/// It is here to be read.
#[test]
fn it_is_under_400_lines_of_code() {
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap();
    let mut lines = 0;
    for file in folder {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        lines +=
            text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count();
    }
    assert!((200..400).contains(&lines), "{lines} lines");
}
