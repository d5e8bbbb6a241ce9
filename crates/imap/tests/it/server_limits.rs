//! What a hostile or slow client gets.

use crate::office::{Desk, Office};
use postroad_core::{Session, Step, TlsInfo};
use postroad_imap::server::{Config, Event, Server};

#[test]
fn bad_commands_are_answered_and_counted() {
    let mut desk = Desk::selected(1);
    for bad in ["a FROB\r\n", "a FETCH\r\n", "a STORE 1 FLAGS (\\Seen\r\n", "* x\r\n", "\r\n", "a\r\n"] {
        let said = desk.say(bad);
        assert!(said.starts_with("a BAD ") || said.starts_with("* BAD "), "{bad:?}: {said}");
    }
    assert_eq!(desk.say("b NOOP\r\n"), "b OK NOOP completed\r\n");
    for _ in 0..4 {
        desk.say("a FROB\r\n");
    }
    assert_eq!(desk.ended.as_deref(), Some("more than 10 errors"));
}

#[test]
fn a_browser_is_let_go_soon() {
    let mut desk = Desk::new(Config::new(), Office::new(1));
    desk.take_said();
    let said = desk.say("POST / HTTP/1.1\r\nHost: mail.example.org\r\nContent-Type: text/plain\r\n\r\na LOGIN bob pickles\r\n");
    assert!(said.ends_with("* BYE too many errors\r\n"), "{said}");
    assert!(!desk.office.heard.iter().any(|heard| heard.starts_with("login")));
}

#[test]
fn failed_log_ins_are_counted() {
    let mut desk = Desk::new(Config::new(), Office::new(1));
    desk.take_said();
    for number in 0..10 {
        let said = desk.say("a LOGIN bob wrong\r\n");
        assert!(said.starts_with("a NO [AUTHENTICATIONFAILED] "), "{number}: {said}");
    }
    assert_eq!(desk.ended.as_deref(), Some("more than 10 errors"));
}

#[test]
fn literals_over_the_limit() {
    let mut desk = Desk::new(Config::new(), Office::new(1));
    desk.take_said();
    assert_eq!(desk.say("a LOGIN {9000}\r\n"), "a BAD [TOOBIG] literal too long\r\n");
    let mut octets = b"b LOGIN {9000+}\r\n".to_vec();
    octets.extend_from_slice(&[b'x'; 9000]);
    octets.extend_from_slice(b" {3+}\r\nabc\r\nc LOGIN bob {7+}\r\npickles\r\n");
    let said = desk.say(octets);
    assert!(said.starts_with("b BAD [TOOBIG] literal too long\r\nc OK "), "{said}");
    // Logged in there may be more.
    assert_eq!(desk.say("d SEARCH TEXT {20000}\r\n"), "+ go ahead\r\n");
}

#[test]
fn a_flood_of_octets_that_are_refused_ends() {
    let mut config = Config::new();
    config.max_discarded = 100_000;
    let mut desk = Desk::new(config, Office::new(1));
    desk.take_said();
    desk.say("b LOGIN {99999999+}\r\n");
    for _ in 0..20 {
        desk.input.extend_from_slice(&[b'x'; 10_000]);
        desk.run();
        assert!(desk.input.is_empty() || desk.ended.is_some());
    }
    assert_eq!(desk.ended.as_deref(), Some("more than 100000 octets of a refused command"));
}

#[test]
fn nul_and_bare_newlines() {
    let mut desk = Desk::selected(1);
    assert_eq!(desk.say(b"a NOOP\0\r\n"), "a BAD NUL is not allowed here\r\n");
    let said = desk.say(b"a NOOP\nb NOOP\r\nc NOOP\r\n");
    assert!(
        said.contains(" BAD lines end in CRLF\r\n") && said.ends_with("c OK NOOP completed\r\n"),
        "{said}"
    );
    assert!(!said.contains("b OK"));
}

#[test]
fn a_tag_of_ten_kib_and_a_million_parentheses() {
    let mut desk = Desk::selected(1);
    let said = desk.say(format!("{} NOOP\r\n", "t".repeat(10_240)));
    assert!(said.starts_with("* BAD "), "{said}");
    let said = desk.say(format!("a SEARCH {}\r\n", "(".repeat(60_000)));
    assert!(said.starts_with("a BAD "), "{said}");
    let said = desk.say(format!("a SEARCH {}\r\n", "(".repeat(1_000_000)));
    assert!(said.starts_with("a BAD [TOOBIG]"), "{said}");
    let said = desk.say(format!("a SEARCH {}ALL\r\n", "NOT ".repeat(10_000)));
    assert!(said.starts_with("a BAD "), "{said}");
}

#[test]
fn a_client_that_pipelines_and_never_reads_holds_no_memory() {
    let mut config = Config::new();
    config.output_high_water = 1000;
    let mut session = Server::new_over_tls(config, TlsInfo::default());
    let now = std::time::Instant::now();
    let mut input = bytes::BytesMut::new();
    for _ in 0..100_000 {
        input.extend_from_slice(b"a NOOP\r\n");
    }
    let before = input.len();
    assert!(matches!(session.poll_event(now, &mut input), Ok(Step::Paused)));
    assert!(before - input.len() < 1000, "it reads no more than it can answer");
}

#[test]
fn the_idle_clock() {
    let mut desk = Desk::new(Config::new(), Office::new(1));
    desk.take_said();
    // A drip of octets does not move it.
    for _ in 0..10 {
        desk.input.extend_from_slice(b"a");
        assert_eq!(desk.wait(5), "");
    }
    assert_eq!(desk.wait(20), "* BYE idle for too long\r\n");
    let mut desk = Desk::selected(1);
    desk.take_said();
    assert_eq!(desk.wait(29 * 60), "");
    assert!(desk.say("a NOOP\r\n").starts_with("a OK"));
    assert_eq!(desk.wait(29 * 60), "");
    assert_eq!(desk.wait(61), "* BYE idle for too long\r\n");
}

#[test]
fn it_does_not_run_while_a_command_does() {
    let mut desk = Desk::selected(1);
    desk.take_said();
    desk.input.extend_from_slice(b"a FETCH 1 FLAGS\r\n");
    let Some(Event::Fetch(fetch)) = desk.next() else { panic!() };
    for _ in 0..20 {
        assert_eq!(desk.wait(9 * 60), "");
        // The application goes on.
        fetch.row(&mut desk.session, 10).unwrap().flags(&[]).end();
        desk.run();
        desk.said.clear();
    }
    fetch.ok(&mut desk.session);
    desk.run();
    assert_eq!(desk.take_said(), "a OK FETCH completed\r\n");
}

#[test]
fn an_application_that_never_answers() {
    let mut desk = Desk::selected(1);
    desk.take_said();
    desk.input.extend_from_slice(b"a FETCH 1 FLAGS\r\n");
    let fetch = desk.next();
    assert!(desk.next().is_none());
    assert_eq!(desk.wait(21 * 60), "* BYE the server gave no answer\r\n");
    assert_eq!(desk.ended.as_deref(), Some("wrong use of the session: an answer took too long"));
    drop(fetch);
}

#[test]
fn a_message_that_trickles_in() {
    let mut desk = Desk::selected(0);
    desk.say("a APPEND INBOX {100000}\r\n");
    for _ in 0..17 {
        desk.input.extend_from_slice(b"x");
        assert_eq!(desk.wait(10), "");
    }
    assert_eq!(desk.wait(20), "* BYE idle for too long\r\n");
    // Enough octets in time are fine.
    let mut desk = Desk::selected(0);
    desk.say("a APPEND INBOX {100000}\r\n");
    for _ in 0..24 {
        desk.input.extend_from_slice(&[b'x'; 4096]);
        assert_eq!(desk.wait(170), "");
    }
}

#[test]
fn the_end_of_input() {
    let mut desk = Desk::selected(1);
    desk.take_said();
    desk.input.extend_from_slice(b"a FETCH 1 FLAGS\r\nb NOO");
    let Some(Event::Fetch(fetch)) = desk.next() else { panic!() };
    desk.session.handle_eof();
    assert!(matches!(desk.session.poll_event(desk.now, &mut desk.input), Ok(Step::Paused)));
    fetch.ok(&mut desk.session);
    desk.run();
    assert_eq!(desk.take_said(), "a OK FETCH completed\r\n");
    assert_eq!(desk.ended.as_deref(), Some("closed"));
}
