//! Any cut of the octets gives the same.

use crate::common::{FIRST, SECOND, Shop, config};
use postroad_pop3::client::{self, Client};
use postroad_pop3::command::Command;
use postroad_pop3::server::{Event, Server};
use postroad_testkit::End;
use postroad_testkit::split::{Log, Observed, assert_every_split, cuts};
use proptest::prelude::*;
use std::time::Instant;

fn server_splits(octets: &[u8], extra: &[usize]) -> Observed {
    let app = |session: &mut Server, event: Event, log: &mut Log| {
        let mut shop = Shop::new();
        log.event(format!("{event:?}").split(" ticket").next().unwrap());
        shop.answer(session, event);
        for heard in shop.heard {
            log.event(heard);
        }
        for deleted in shop.deleted {
            log.event(format!("{deleted:?}"));
        }
    };
    assert_every_split(|_: Instant| Server::new(config()), octets, app, extra)
}

#[test]
fn a_whole_session_at_the_server() {
    let script = b"CAPA\r\nUSER mrose\r\nPASS a b\r\nSTAT\r\nFROB\r\nLIST\r\nUIDL 2\r\nRETR 1\r\nNOOP\nRSET\r\nTOP 2 1\r\nDELE 0\r\nDELE 1\r\nUIDL\r\nQUIT\r\nNOOP\r\n";
    let observed = server_splits(script, &[]);
    assert_eq!(observed.end, End::Closed);
    assert!(observed.log.events().contains(&"[1]"));
    assert!(observed.sent.ends_with(b"(1 message left)\r\n"));
}

#[test]
fn a_session_that_breaks_off() {
    let observed = server_splits(b"USER mrose\r\nPASS secret\r\nDELE 1\r\nQUI", &[]);
    assert_eq!(observed.end, End::Closed);
    assert_eq!(observed.log.events().last(), Some(&"Aborted(Eof)"));
}

#[test]
fn long_and_faulty_lines() {
    let script = ["x".repeat(700).as_bytes(), b"\r\nNO\rOP\r\nNO\0OP\r\nCAPA\r\r\n\n\nCAPA\r\n"].concat();
    assert_eq!(server_splits(&script, &[]).end, End::Closed);
}

/// The client asks all these at once; they go out as the server allows.
fn client_splits(octets: &[u8], commands: &'static [&'static str], extra: &[usize]) -> Observed {
    let make = |_: Instant| {
        let mut config = client::Config::new();
        config.login_without_tls = true;
        let mut session = Client::new(config);
        for line in commands {
            session.send(Command::parse(line.as_bytes()).unwrap()).unwrap();
        }
        session
    };
    let app = |_: &mut Client, event: client::Event, log: &mut Log| match event {
        client::Event::Body(_, octets) => log.octets("body", &octets),
        other => log.event(format!("{other:?}")),
    };
    assert_every_split(make, octets, app, extra)
}

#[test]
fn a_whole_session_at_the_client() {
    let stuffed = FIRST.replace("\r\n.", "\r\n..");
    let answers = format!(
        "+OK ready\r\n+OK\r\nPIPELINING\r\nUIDL\r\n.\r\n+OK\r\n+OK 2 messages\r\n+OK 2 320\r\n+OK\r\n1 120\r\n2 200\r\n.\r\n\
         +OK\r\n1 a\r\n2 b\r\n.\r\n+OK\r\n{stuffed}.\r\n-ERR no\r\n+OK\r\n{SECOND}.\r\n+OK bye\r\n"
    );
    let commands =
        &["CAPA", "USER a", "PASS b", "STAT", "LIST", "UIDL", "RETR 1", "RETR 9", "TOP 2 9", "QUIT"];
    let observed = client_splits(answers.as_bytes(), commands, &[]);
    assert_eq!(observed.end, End::Closed);
    assert_eq!(observed.log.stream("body"), [FIRST, SECOND].concat().as_bytes());
}

#[test]
fn a_message_with_faults() {
    let observed = client_splits(b"+OK\r\n+OK\r\na\nb\rc\0\r\n.\n\r\n..\r\r\n.\r\n", &["RETR 1"], &[]);
    assert_eq!(observed.end, End::Closed);
    assert!(observed.log.events().last().unwrap().contains("bare_lf: Some(1)"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_commands_in_any_pieces(
        lines in prop::collection::vec(
            prop_oneof![
                Just("NOOP\r\n"), Just("STAT\r\n"), Just("LIST\r\n"), Just("LIST 1\r\n"), Just("UIDL\r\n"), Just("RETR 1\r\n"),
                Just("TOP 2 1\r\n"), Just("DELE 1\r\n"), Just("DELE 2\r\n"), Just("RSET\r\n"), Just("CAPA\r\n"), Just("FROB\r\n"),
                Just("NOOP\n"), Just("\r"), Just("\0"), Just("QUIT\r\n"), Just("USER x\r\n"), Just("PASS wrong\r\n"), Just("PASS a b\r\n"),
            ],
            0..12,
        ),
        login: bool,
        cuts in cuts(),
    ) {
        let mut script = if login { "USER mrose\r\nPASS secret\r\n".to_owned() } else { String::new() };
        script.extend(lines);
        server_splits(script.as_bytes(), &cuts);
    }

    #[test]
    fn any_answers_in_any_pieces(
        lines in prop::collection::vec(
            prop_oneof![
                Just("+OK\r\n"), Just("-ERR no\r\n"), Just("+OK 1 2\r\n"), Just("1 2\r\n"), Just(".\r\n"), Just("..\r\n"), Just("\r\n"),
                Just("x\n"), Just("\r"), Just("PIPELINING\r\n"), Just("nonsense"),
            ],
            0..16,
        ),
        cuts in cuts(),
    ) {
        let answers = format!("+OK ready\r\n{}", lines.concat());
        client_splits(answers.as_bytes(), &["CAPA", "STAT", "LIST", "RETR 1", "UIDL 1", "TOP 1 0", "QUIT"], &cuts);
    }
}
