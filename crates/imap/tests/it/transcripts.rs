//! The dialogues of the RFCs, played to the server; the application is [the book](crate::book).

use crate::book::{Book, says};
use bytes::BytesMut;
use postroad_core::{Session, Step, TlsInfo};
use postroad_imap::server::{Config, Event, Selected, Server};
use postroad_imap::types::{Capability, UidSet};
use postroad_testkit::Transcript;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

/// The extensions of a heading with `all`.
const ALL: [&str; 16] = [
    "SORT",
    "SORT=DISPLAY",
    "ESORT",
    "THREAD=ORDEREDSUBJECT",
    "THREAD=REFERENCES",
    "QUOTA",
    "QUOTASET",
    "QUOTA=RES-STORAGE",
    "QUOTA=RES-MESSAGE",
    "COMPRESS=DEFLATE",
    "UNAUTHENTICATE",
    "PREVIEW",
    "OBJECTID",
    "SAVEDATE",
    "WITHIN",
    "BINARY",
];

/// A session as the heading of a dialogue wants it.
fn session(setup: &str) -> Server {
    let has = |word: &str| setup.split(' ').any(|one| one == word);
    let mut config = Config::new();
    config.starttls = true;
    config.mechanisms = ["PLAIN", "GSSAPI", "EXTERNAL", "SCRAM-SHA-256"].map(String::from).to_vec();
    config.secret_mechanisms = vec!["GSSAPI".into(), "SCRAM-SHA-256".into()];
    config.extensions = ["SPECIAL-USE", "CREATE-SPECIAL-USE", "LIST-EXTENDED", "LIST-STATUS"]
        .map(|name| Capability::parse(name).unwrap())
        .to_vec();
    if has("condstore") {
        config.extensions.push(Capability::CondStore);
    }
    if has("qresync") {
        config.extensions.extend([Capability::CondStore, Capability::QResync]);
    }
    if has("quotaget") {
        config.extensions.push(Capability::Quota);
    }
    if has("all") {
        config.extensions.extend(ALL.map(|name| Capability::parse(name).unwrap()));
    }
    if has("id") {
        config.id = [
            ("name", "Cyrus"),
            ("version", "1.5"),
            ("os", "sunos"),
            ("os-version", "5.5"),
            ("support-url", "mailto:cyrus-bugs+@andrew.cmu.edu"),
        ]
        .map(|(name, value)| (name.into(), value.into()))
        .to_vec();
    }
    if has("limit") {
        config.max_append = 257_890;
    }
    let mut session =
        if has("clear") { Server::new(config) } else { Server::new_over_tls(config, TlsInfo::default()) };
    let uids = setup.strip_prefix("selected ").and_then(|rest| rest.split(' ').next());
    let mut input = BytesMut::new();
    if has("in") || uids.is_some() {
        input.extend_from_slice(b"1 LOGIN a b\r\n");
    }
    // What the client has shown of RFC 7162 before the dialogue.
    if has("aware") {
        input.extend_from_slice(b"2 ENABLE CONDSTORE\r\n");
    }
    if has("resyncs") {
        input.extend_from_slice(b"2 ENABLE QRESYNC\r\n");
    }
    if has("rev2") {
        input.extend_from_slice(b"2 ENABLE IMAP4rev2\r\n");
    }
    if uids.is_some() {
        input.extend_from_slice(b"3 SELECT INBOX\r\n");
    }
    while let Ok(Step::Event(event)) = session.poll_event(Instant::now(), &mut input) {
        match event {
            Event::Login(login) => login.ok(&mut session),
            Event::Select(select) => {
                let uids = UidSet::parse(uids.unwrap()).unwrap().iter().collect();
                let mut selected = Selected::new(1, u32::MAX, uids);
                selected.highest_mod_seq = Some(1.into()).filter(|_| has("condstore") || has("qresync"));
                select.ok(&mut session, selected);
            }
            other => panic!("{other:?}"),
        }
    }
    if !has("greeting") {
        while session.poll_transmit().is_some() {}
    }
    session
}

/// Plays a dialogue; a new piece of it begins with each `A:` line. How often the application was asked is returned.
fn play(setup: &str, text: &str) -> usize {
    let lines = text.lines().filter(|line| !line.starts_with("A: "));
    let mut book = Book::of(&Transcript::parse(&lines.collect::<Vec<_>>().join("\n")));
    let mut session = session(setup);
    let mut piece = String::new();
    let mut lines = text.lines();
    loop {
        let line = lines.next();
        let note = line.and_then(|line| line.strip_prefix("A: "));
        if let (None, Some(line)) = (note, line) {
            piece.push_str(line);
            piece.push('\n');
            continue;
        }
        session = Transcript::parse(&piece)
            .play_to_server(session, says, |session, happening| book.answer(session, happening));
        piece.clear();
        match note {
            Some(note) => book.note(&mut session, &note.replace("\\\\", "\\")),
            None => return book.asked,
        }
    }
}

/// Plays every dialogue of a file, and tells of all that failed.
fn play_all(file: &str, least: usize) {
    let mut failed = Vec::new();
    let (mut count, mut asked) = (0, 0);
    for dialogue in file.split("\n=== ").skip(1) {
        count += 1;
        let (heading, text) = dialogue.split_once('\n').unwrap();
        let setup = heading.split_once(" | ").unwrap().1;
        match catch_unwind(AssertUnwindSafe(|| play(setup, text))) {
            Ok(times) => asked += times,
            Err(_) => failed.push(format!("{heading}\n{text}")),
        }
    }
    assert!(failed.is_empty(), "{} of {count} failed:\n{}", failed.len(), failed.join("\n"));
    assert!(count >= least && asked >= least / 2, "{count} dialogues, asked {asked} times");
}

#[test]
fn rfc_9051() {
    play_all(include_str!("../transcripts/rfc9051.txt"), 90);
}

#[test]
fn rfc_3501() {
    play_all(include_str!("../transcripts/rfc3501.txt"), 25);
}

#[test]
fn extensions() {
    play_all(include_str!("../transcripts/extensions.txt"), 60);
}

/// RFC 7162, 5256, 5267, 9208, 8970, 8474, 8514, 4978, 3516, 5032, 8437
#[test]
fn more_extensions() {
    play_all(include_str!("../transcripts/extensions2.txt"), 40);
}

#[test]
fn sessions() {
    play_all(include_str!("../transcripts/sessions.txt"), 10);
}

#[test]
#[should_panic = "1 of 1 failed"]
fn a_wrong_line_fails() {
    play_all(
        "\n=== x | in\nC: a NAMESPACE\nS: * NAMESPACE ((\"\" \"/\")) NIL NIL\nS: a OK x\nS: * 1 EXISTS\n",
        1,
    );
}
