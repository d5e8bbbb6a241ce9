//! However the client's octets are cut, the server's application is told the same and the client is answered the same.

use crate::office::Office;
use postroad_core::TlsInfo;
use postroad_imap::server::{Config, Event, Server};
use postroad_testkit::End;
use postroad_testkit::split::{Log, Observed, assert_every_split, cuts};
use proptest::prelude::*;
use std::cell::RefCell;
use std::sync::Arc;

fn config() -> Config {
    let mut config = Config::new();
    config.mechanisms = vec!["PLAIN".into()];
    config.max_command = 200;
    config.max_command_before_login = 100;
    config.max_append = 60;
    config.max_errors = 1000;
    config.max_errors_before_login = 1000;
    config
}

/// What an event tells, without its token.
fn told(event: &Event) -> String {
    match event {
        Event::Login(token) => format!("login {:?}", token.credentials().user_str()),
        Event::Authenticate(token) => {
            format!("authenticate {} {}", token.mechanism(), token.initial_response().is_some())
        }
        Event::SaslResponse(token) => format!("response {}", token.response().expose().escape_ascii()),
        Event::Select(token) => format!("select {:?}", token.command()),
        Event::Create(token) => format!("create {:?}", token.mailbox()),
        Event::List(token) => format!("list {:?}", token.command()),
        Event::Status(token) => format!("status {:?} {:?}", token.mailbox(), token.items()),
        Event::Append(token) => {
            format!("append {:?} {:?} {}", token.mailbox(), token.message(), token.is_first())
        }
        Event::Fetch(token) => format!("fetch {} {:?}", token.messages(), token.command()),
        Event::Store(token) => format!("store {} {:?}", token.messages(), token.command()),
        Event::Search(token) => format!("search {:?}", token.command()),
        Event::Copy(token) => format!("copy {} {:?}", token.messages(), token.mailbox()),
        Event::Move(token) => format!("move {} {:?}", token.messages(), token.mailbox()),
        Event::Expunge(token) => format!("expunge {:?}", token.messages()),
        Event::BadCommand { tag, error } => format!("bad {tag:?} {error:?}"),
        Event::Idle(begins) => format!("idle {begins}"),
        Event::Id(fields) => format!("id {fields:?}"),
        other => format!("{other:?}").chars().take_while(char::is_ascii_alphanumeric).collect(),
    }
}

fn observe(octets: &[u8], extra: &[usize]) -> Observed {
    let office = RefCell::new(Office::new(0));
    let config = Arc::new(config());
    assert_every_split(
        |_| {
            *office.borrow_mut() = Office::new(3);
            Server::new_over_tls(config.clone(), TlsInfo::default())
        },
        octets,
        |session, event, log: &mut Log| {
            match &event {
                Event::AppendData(chunk) => log.octets("message", chunk),
                event => log.event(told(event)),
            }
            office.borrow_mut().answer(session, event);
        },
        extra,
    )
}

const LOGIN: &str = "a LOGIN bob pickles\r\nb SELECT INBOX\r\n";

#[test]
fn literals_of_both_kinds() {
    let seen = observe(
        b"a LOGIN {3}\r\nbob {7+}\r\npickles\r\nb SELECT {5+}\r\nINBOX\r\nc STATUS {5}\r\nINBOX (MESSAGES)\r\nd CREATE \"a{3}\"\r\n\
          e LOGOUT\r\n",
        &[],
    );
    assert_eq!(
        seen.log.events(),
        [
            "login Some(\"bob\")",
            "select Select { mailbox: MailboxName(\"INBOX\"), read_only: false, condstore: false, qresync: None }",
            "status MailboxName(\"INBOX\") [Messages]",
            "create MailboxName(\"a{3}\")",
        ]
    );
    assert_eq!(seen.end, End::Closed);
}

#[test]
fn messages() {
    let dialogue = format!(
        "{LOGIN}c APPEND INBOX {{5}}\r\nhello {{5+}}\r\nworld\r\nd APPEND {{5+}}\r\nINBOX (\\Seen) {{3}}\r\na\r\n\r\n\
         e APPEND other {{20+}}\r\nf NOOP\r\nf NOOP\r\n\r\n\r\n\r\ng APPEND INBOX {{61+}}\r\n{}\r\nh NOOP\r\n\
         i APPEND INBOX {{5+}}\r\nhello trailing\r\nj APPEND INBOX {{61}}\r\nk NOOP\r\nl APPEND INBOX {{9",
        "x".repeat(61)
    );
    let seen = observe(dialogue.as_bytes(), &[]);
    // Of two messages in one command the office makes one; what came in the wrong command is forgotten, and nothing took it for octets.
    assert_eq!(seen.log.stream("message"), b"helloworlda\r\nhello");
    let said = String::from_utf8(seen.sent).unwrap();
    assert_eq!(said.matches("NOOP completed").count(), 2, "{said}");
}

#[test]
fn refused_literals_and_lines() {
    let dialogue = format!(
        "a LOGIN {{101}}\r\nb LOGIN {{101+}}\r\n{}{{3+}}\r\nabc {{200+}}\r\n{} x\r\n{LOGIN}c CREATE {}\r\nd SEARCH TEXT {{500}}\r\n\
         e NOOP\r\nf SEARCH TEXT {{500+}}\r\n{}\r\ng NOOP\r\nh NO\0OP\r\ni NO\nOP\r\nj NO\rOP\r\nk NOOP\r\n",
        "x".repeat(101),
        "y".repeat(200),
        "z".repeat(300),
        "w".repeat(500),
    );
    let seen = observe(dialogue.as_bytes(), &[]);
    let said = String::from_utf8(seen.sent).unwrap();
    assert_eq!(said.matches("[TOOBIG]").count(), 5, "{said}");
    assert_eq!(said.matches("NOOP completed").count(), 3, "{said}");
}

#[test]
fn pipelines_idle_and_sasl() {
    let dialogue = b"a AUTHENTICATE PLAIN\r\nbW9yZQ==\r\n*\r\na AUTHENTICATE PLAIN\r\nnot base64\r\nb AUTHENTICATE PLAIN AGJvYgBwaWNrbGVz\r\n\
        c SELECT INBOX\r\nd STORE 1:2 +FLAGS (\\Deleted)\r\ne FETCH 1:* (FLAGS UID)\r\nf SEARCH RETURN (SAVE) DELETED\r\ng UID FETCH $ FLAGS\r\n\
        h IDLE\r\ndone\r\ni IDLE\r\nj NOOP\r\nk MOVE 1 x\r\nl EXPUNGE\r\nm UID SEARCH NOT ALL\r\nn ENABLE IMAP4rev2\r\n\
        o SEARCH ALL\r\np ID (\"name\" \"x\")\r\nq FROB\r\nr UNSELECT\r\ns FETCH 1 FLAGS\r\nt LOGOUT\r\nu NOOP\r\n";
    let seen = observe(dialogue, &[]);
    assert_eq!(seen.end, End::Closed);
    assert!(String::from_utf8(seen.sent).unwrap().ends_with("t OK LOGOUT completed\r\n"));
    assert!(seen.log.events().len() > 20, "{:?}", seen.log.events());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_dialogue(
        is_in: bool,
        pieces in prop::collection::vec(
            prop_oneof![
                4 => prop::sample::select(vec![
                    "a NOOP\r\n", "a LOGIN bob pickles\r\n", "a LOGIN {3}\r\nbob {7+}\r\npickles\r\n", "a AUTHENTICATE PLAIN\r\n",
                    "AGJvYgBwaWNrbGVz\r\n", "bW9yZQ==\r\n", "*\r\n", "a SELECT INBOX\r\n", "a FETCH 1:* (FLAGS UID BODY.PEEK[])\r\n",
                    "a UID STORE 10:30 +FLAGS (\\Deleted)\r\n", "a EXPUNGE\r\n", "a SEARCH DELETED\r\n", "a IDLE\r\n", "DONE\r\n",
                    "a APPEND INBOX {5}\r\n", "a APPEND INBOX (\\Seen) {5+}\r\nhello\r\n", "hello\r\n", " {3+}\r\nabc", "a APPEND other {9+}\r\n",
                    "a APPEND INBOX {0}\r\n", "a SEARCH TEXT {400}\r\n", "a SEARCH TEXT {250+}\r\n", "a CREATE {1}\r\n", "a CREATE \"{1}\r\n",
                    "a UNSELECT\r\n", "a LIST \"\" *\r\n", "a STATUS INBOX (MESSAGES)\r\n", "a ENABLE IMAP4rev2\r\n", "a MOVE 1 x\r\n",
                    "a FROB {3+}\r\nxyz\r\n", "a LOGOUT\r\n", "+ x\r\n", "a\r\n",
                ]).prop_map(|text| text.as_bytes().to_vec()),
                1 => prop::collection::vec(prop::sample::select(b"\r\n{}+3 \"\\\0a".to_vec()), 0..12),
            ],
            0..20,
        ),
        cuts in cuts(),
    ) {
        let begin = if is_in { LOGIN } else { "" };
        observe(&[begin.as_bytes(), &pieces.concat()].concat(), &cuts);
    }

    #[test]
    fn any_octets(octets in prop::collection::vec(any::<u8>(), 0..200), cuts in cuts()) {
        observe(&octets, &cuts);
    }
}
