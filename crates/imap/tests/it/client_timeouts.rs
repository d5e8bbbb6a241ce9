//! The deadlines of the client session.

use crate::client::append;
use crate::client_talk::{Talk, assert_done, command, quiet};
use bytes::Bytes;
use postroad_imap::client::{ApiMisuse, Error, Event, Phase, ServerFault};
use postroad_imap::command::CommandBody;
use postroad_imap::response::Status;
use postroad_imap::{Session, Step};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

fn timed_out(phase: Phase) -> Error {
    Error::Server(ServerFault::TimedOut(phase))
}

#[test]
fn the_greeting() {
    let mut talk = Talk::with(quiet());
    // Octets of it do not move the deadline.
    for _ in 0..5 {
        talk.now += Duration::from_secs(10);
        talk.events("* OK");
    }
    assert_eq!(talk.expire(), Duration::from_secs(10));
    assert_eq!(talk.error(""), timed_out(Phase::Greeting));
}

#[test]
fn an_idle_connection_has_no_deadline() {
    let mut talk = Talk::selected(quiet(), "", 1);
    talk.events("* 2 EXISTS\r\n");
    assert_eq!(talk.client.poll_timeout(), None);
    talk.client.handle_timeout(talk.now + 60 * 24 * MINUTE);
    assert!(matches!(talk.step(), Ok(Step::NeedInput)));
}

#[test]
fn an_answer() {
    let mut talk = Talk::selected(quiet(), "", 1);
    talk.send(CommandBody::Noop);
    talk.sent();
    talk.events("");
    talk.now += 4 * MINUTE;
    talk.events("A2 O");
    assert_eq!(talk.expire(), MINUTE, "a drip of octets moves nothing");
    assert_eq!(talk.error(""), timed_out(Phase::Answer));
}

#[test]
fn a_server_that_says_how_far_it_is() {
    let mut talk = Talk::selected(quiet(), "", 1);
    let search = talk.send(command("UID SEARCH TEXT needle"));
    talk.sent();
    for percent in 0..10 {
        talk.now += 4 * MINUTE;
        assert_eq!(talk.events(format!("* OK Searched {percent}% of the mailbox\r\n")).len(), 1);
    }
    talk.events("* SEARCH 1\r\n");
    assert_done(&talk.events("A2 OK x\r\n"), search, Status::Ok);
    assert_eq!(talk.client.poll_timeout(), None);
}

#[test]
fn each_command_in_flight_has_its_turn() {
    let mut talk = Talk::selected(quiet(), "", 1);
    talk.send(CommandBody::Noop);
    talk.send(CommandBody::Noop);
    talk.sent();
    talk.events("");
    talk.now += 4 * MINUTE;
    talk.events("A2 OK x\r\n");
    assert_eq!(talk.expire(), 5 * MINUTE);
    assert_eq!(talk.error(""), timed_out(Phase::Answer));
}

#[test]
fn a_literal_that_never_ends() {
    let mut talk = Talk::selected(quiet(), "", 1);
    talk.send(command("UID FETCH 1 BODY[]"));
    talk.sent();
    talk.events("* 1 FETCH (UID 1 BODY[] {100000000}\r\n");
    // Much moves the deadline …
    for _ in 0..10 {
        talk.now += 4 * MINUTE;
        talk.events(vec![b'x'; 5000]);
    }
    // … little does not.
    let mut passed = Duration::ZERO;
    while !talk.client.is_closed() {
        assert!(passed <= 5 * MINUTE);
        passed += Duration::from_secs(10);
        talk.now += Duration::from_secs(10);
        talk.client.handle_timeout(talk.now);
        if !talk.client.is_closed() {
            talk.events("xxx");
        }
    }
    assert_eq!(passed, 5 * MINUTE);
    assert_eq!(talk.error(""), timed_out(Phase::Answer));
    // The same of a body that nobody asked for.
    let mut talk = Talk::selected(quiet(), "", 1);
    talk.events("* 1 FETCH (UID 1 BODY[] {100000000}\r\n");
    assert_eq!(talk.expire(), 5 * MINUTE);
    assert_eq!(talk.error(""), timed_out(Phase::Answer));
    // The same inside a literal that is not streamed.
    let mut talk = Talk::selected(quiet(), "", 1);
    talk.send(CommandBody::Noop);
    talk.sent();
    talk.events("* LIST () \"/\" {9000}\r\n");
    talk.expire();
    assert_eq!(talk.error(""), timed_out(Phase::Answer));
}

#[test]
fn a_continuation_that_never_comes() {
    let mut talk = Talk::selected(quiet(), "", 1);
    talk.client.append(append(&[5])).unwrap();
    talk.sent();
    talk.events("");
    assert_eq!(talk.expire(), 5 * MINUTE);
    assert_eq!(talk.error(""), timed_out(Phase::Answer));
    assert_eq!(talk.sent(), "");
}

#[test]
fn a_handshake() {
    let mut talk = Talk::plain(quiet());
    talk.events("* OK hi\r\n");
    talk.send(CommandBody::StartTls);
    talk.sent();
    talk.events("A1 OK x\r\n");
    assert_eq!(talk.expire(), MINUTE);
    assert_eq!(talk.error(""), timed_out(Phase::Handshake));
}

#[test]
fn an_application_that_owes_octets() {
    let mut talk = Talk::selected(quiet(), "", 1);
    let id = talk.client.append(append(&[5])).unwrap();
    talk.sent();
    talk.events("+ go\r\n");
    talk.now += 9 * MINUTE;
    talk.client.push_body(Bytes::from_static(b"a")).unwrap();
    talk.events("");
    assert_eq!(talk.client.poll_timeout(), None, "it is the transport that takes time");
    assert_eq!(talk.sent(), "a");
    talk.events("");
    assert_eq!(talk.expire(), 10 * MINUTE);
    assert_eq!(talk.error(""), Error::Api(ApiMisuse::Overdue));

    let mut talk = Talk::selected(quiet(), "", 1);
    let again = talk.client.append(append(&[1])).unwrap();
    assert_eq!(id, again, "ids count from the same number");
    talk.sent();
    talk.events("+ go\r\n");
    talk.client.push_body(Bytes::from_static(b"a")).unwrap();
    talk.sent();
    talk.events("");
    assert_eq!(talk.expire(), 5 * MINUTE, "now it is the server's turn");
    assert_eq!(talk.error(""), timed_out(Phase::Answer));
}

#[test]
fn an_application_that_owes_a_response() {
    let mut talk = Talk::greeted(quiet(), "AUTH=PLAIN");
    talk.send(command("AUTHENTICATE PLAIN"));
    talk.sent();
    talk.events("+ \r\n");
    assert_eq!(talk.expire(), 10 * MINUTE);
    assert_eq!(talk.error(""), Error::Api(ApiMisuse::Overdue));
}

#[test]
fn a_server_that_does_not_end_idle() {
    let mut talk = Talk::selected(quiet(), "IDLE", 1);
    talk.send(CommandBody::Idle);
    talk.sent();
    talk.events("+ idling\r\n");
    assert_eq!(talk.expire(), 28 * MINUTE);
    assert_eq!(talk.sent(), "DONE\r\n");
    talk.events("");
    assert_eq!(talk.expire(), 5 * MINUTE);
    assert_eq!(talk.error(""), timed_out(Phase::Answer));
}

#[test]
fn the_end_after_bye() {
    let mut talk = Talk::selected(quiet(), "", 1);
    talk.send(CommandBody::Noop);
    talk.sent();
    talk.events("* BYE x\r\n");
    assert_eq!(talk.expire(), MINUTE / 2);
    talk.assert_over();
}

#[test]
fn a_connection_is_kept_alive_if_that_is_wanted() {
    let mut config = quiet();
    config.keep_alive = Some(10 * MINUTE);
    let mut talk = Talk::selected(config.clone(), "IDLE", 1);
    talk.events("");
    talk.now += 9 * MINUTE;
    assert_eq!(talk.events("* 2 EXISTS\r\n"), [Event::Exists(2)]);
    assert_eq!(talk.expire(), MINUTE, "what the server says does not count");
    assert_eq!(talk.sent(), "A2 NOOP\r\n");
    assert_eq!(talk.events("* 3 EXISTS\r\nA2 OK x\r\n"), [Event::Exists(3)], "nobody need know of it");
    assert_eq!(talk.expire(), 10 * MINUTE);
    talk.sent();
    talk.events("");
    assert_eq!(talk.expire(), 5 * MINUTE);
    assert_eq!(talk.error(""), timed_out(Phase::Answer));
    // Not before the log-in: servers let nobody stay who does not.
    let mut talk = Talk::greeted(config, "");
    talk.events("");
    assert_eq!(talk.client.poll_timeout(), None);
}
