//! The three programs against a real exchange, and the book that they keep: how many lines were added, and that `docs/embedding.md` shows them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test fails by panicking")]

use postroad_smtp::client::{Delivery, Envelope, Opening, Outcome, TlsPolicy};
use postroad_smtp::types::{ClientName, ForwardPath, ReversePath};
use postroad_tokio::MaybeTls;
use postroad_tokio::smtp::{Client, ClientOptions};
use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// A program, until it is dropped, and where it listens.
struct Program {
    child: Child,
    addresses: HashMap<String, String>,
}

impl Program {
    fn start(path: &str, listeners: usize) -> Self {
        let mut child = Command::new(path).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().take(listeners);
        let addresses = lines.map(|line| {
            let line = line.unwrap();
            let (name, address) = line.strip_prefix("listening ").unwrap().split_once(' ').unwrap();
            (name.to_owned(), address.to_owned())
        });
        Self { addresses: addresses.collect(), child }
    }

    /// Says something to a listener, to its end, and gives what is answered.
    fn ask(&self, listener: &str, text: &str) -> String {
        let mut stream = TcpStream::connect(&self.addresses[listener]).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// The first word of each reply.
    fn codes(&self, text: &str) -> Vec<String> {
        let answer = self.ask("smtp", text);
        answer.lines().filter(|line| line.as_bytes()[3] == b' ').map(|line| line[..3].to_owned()).collect()
    }

    async fn send(&self, message: &str) -> Outcome {
        let stream = tokio::net::TcpStream::connect(&self.addresses["smtp"]).await.unwrap();
        let opening = Opening::new(ClientName::parse("crepes.fr").unwrap(), TlsPolicy::None);
        let mut client =
            Client::open(MaybeTls::Plain(stream), opening, ClientOptions::default()).await.unwrap();
        let to = ["<board@localhost>", "<bob@localhost>"].map(|path| ForwardPath::parse(path).unwrap());
        let envelope = Envelope::new(ReversePath::parse("<alice@crepes.fr>").unwrap(), to.to_vec());
        let outcome = client.send(envelope, message.as_bytes()).await.unwrap();
        client.quit().await.unwrap();
        outcome
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_server_that_was_there_before() {
    let program = Program::start(env!("CARGO_BIN_EXE_embedding-before"), 1);
    assert_eq!(program.ask("lines", "PUT lost: a cat\nGET\nWHAT\n"), "done\nlost: a cat\n.\nPUT or GET\n");
}

async fn takes_mail(path: &str) {
    let program = Program::start(path, 2);
    assert_eq!(program.ask("lines", "PUT lost: a cat\n"), "done\n");
    let outcome = program.send("Subject: found\r\n\r\n.\r\na cat\r\n").await;
    assert!(matches!(outcome.delivery(0), Some(Delivery::Delivered(_))), "{outcome:?}");
    assert!(
        matches!(outcome.delivery(1), Some(Delivery::Failed { permanent: true, .. })),
        "not an open relay: {outcome:?}"
    );
    let found = "lost: a cat\nSubject: found\r\n\r\n.\r\na cat\r\n\n.\n";
    assert_eq!(program.ask("lines", "GET\n"), found);

    // What is too large is not kept, and the server goes on.
    let outcome = program.send(&"a cat \r\n".repeat(2_000)).await;
    assert!(matches!(outcome.delivery(0), Some(Delivery::Failed { .. })), "{outcome:?}");
    // Out of order, no command, a message without recipients, a bare LF that would smuggle in another message.
    let said =
        "DATA\r\nEHLO a\r\nwhat?\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@localhost>\r\nDATA\r\nRSET\r\nQUIT\r\n";
    let codes = program.codes(said);
    assert!(codes[1].starts_with("50") && codes[3].starts_with("50"), "{codes:?}");
    assert_eq!(codes[2..].iter().filter(|code| code.starts_with('2')).count(), 4, "{codes:?}");
    assert!(!codes.iter().any(|code| code == "354"), "{codes:?}");
    let said = "EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<board@localhost>\r\nDATA\r\nx\n.\nMAIL FROM:<evil@b>\r\n.\r\nQUIT\r\n";
    let codes = program.codes(said);
    assert_eq!(codes[..5], ["220", "250", "250", "250", "354"]);
    assert!(codes[5].starts_with("55") && codes[6] == "221" && codes.len() == 7, "{codes:?}");
    assert_eq!(program.ask("lines", "GET\n"), found, "nothing of all that is on the board");
}

#[tokio::test]
async fn mail_by_the_session() {
    takes_mail(env!("CARGO_BIN_EXE_embedding-session")).await;
}

#[tokio::test]
async fn mail_by_the_codec() {
    takes_mail(env!("CARGO_BIN_EXE_embedding-codec")).await;
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The lines of a program that are not in the one before; those that are must be all of that one, in order.
fn added(name: &str) -> Vec<String> {
    let read = |name: &str| fs::read_to_string(root().join("examples/embedding/src").join(name)).unwrap();
    let (before, after) = (read("before.rs"), read(name));
    let mut before = before.lines().peekable();
    let mut added = Vec::new();
    for line in after.lines() {
        match before.next_if_eq(&line) {
            Some(_) => {}
            None => added.push(line.to_owned()),
        }
    }
    assert_eq!(before.next(), None, "{name} has lost a line of before.rs");
    added
}

#[test]
fn so_many_lines_are_added() {
    let document = fs::read_to_string(root().join("docs/embedding.md")).unwrap();
    for (name, most) in [("session.rs", 40), ("codec.rs", 60)] {
        let count = added(name).len();
        assert!((20..=most).contains(&count), "{name}: {count} lines");
        assert!(document.contains(&format!("| {count}, [`{name}`]")), "the document does not say {count}");
    }
}

/// The blocks of a document that are marked with a language.
fn blocks(document: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        if line == format!("```{language}") {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push(block.join("\n"));
        }
    }
    blocks
}

#[test]
fn the_document_shows_what_is_compiled() {
    let document = fs::read_to_string(root().join("docs/embedding.md")).unwrap();
    let blocks = blocks(&document, "rust");
    let names = ["session.rs", "codec.rs"];
    assert_eq!(blocks.len(), names.len());
    for (name, block) in names.iter().zip(blocks) {
        let said = block.lines().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>();
        let added = added(name);
        let added = added.iter().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>();
        assert_eq!(said, added, "docs/embedding.md does not show the lines of {name}");
    }
}

/// Every test that the document names is there.
#[test]
fn the_tests_that_the_document_names_are_there() {
    let document = fs::read_to_string(root().join("docs/embedding.md")).unwrap();
    let mut count = 0;
    for named in document.split("Held by").skip(1) {
        let names = named.split('.').next().unwrap();
        for name in names.split('`').skip(1).step_by(2) {
            let Some((place, test)) = name.split_once("::") else { panic!("{name}") };
            let file = match place.split_once('/') {
                Some((package, module)) => format!("crates/{package}/tests/it/{module}"),
                None => panic!("{name}"),
            };
            let text = fs::read_to_string(root().join(format!("{file}.rs"))).expect(&file);
            assert!(text.contains(&format!("fn {test}(")), "no {test} in {file}");
            count += 1;
        }
    }
    assert!(count >= 8, "{count}");
}
