//! Deadlines, at both ends.

use crate::common::{Talk, config, server, tls};
use bytes::BytesMut;
use postroad_pop3::client::{self, Client};
use postroad_pop3::command::Command;
use postroad_pop3::server::{Aborted, Event, Server};
use postroad_pop3::types::MessageNumber;
use postroad_pop3::{ApiMisuse, Error, PeerMisbehaved, Session, Step};
use std::time::{Duration, Instant};

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn ten_minutes_of_silence() {
    let mut talk = Talk::in_transaction();
    assert_eq!(talk.wait(Duration::from_secs(599)), "");
    assert_eq!(talk.say("NOOP\r\n"), "+OK\r\n", "a command sets the clock anew");
    assert_eq!(talk.wait(Duration::from_secs(599)), "");
    assert!(!talk.is_closed());
    assert_eq!(talk.wait(Duration::from_secs(1)), "", "nothing is said");
    assert!(matches!(talk.step, Ok(Step::Closed)));
    assert_eq!(talk.shop.aborted, [Aborted::Idle]);
}

#[test]
fn silence_before_login() {
    let mut talk = Talk::new(server());
    assert_eq!(talk.wait(10 * MINUTE), "");
    assert!(matches!(talk.step, Ok(Step::Closed)));
    assert!(talk.shop.aborted.is_empty(), "there was nothing to abort");
}

#[test]
fn a_slow_drip_does_not_move_the_deadline() {
    let mut talk = Talk::in_transaction();
    for _ in 0..9 {
        assert_eq!(talk.say("N"), "");
        talk.wait(MINUTE);
    }
    assert!(!talk.is_closed());
    talk.say("N");
    talk.wait(MINUTE);
    assert!(talk.is_closed());
}

#[test]
fn a_client_that_still_reads_is_not_idle() {
    let mut talk = Talk::in_transaction();
    talk.input.extend_from_slice(b"NOOP\r\n");
    assert!(matches!(talk.session.poll_event(talk.now, &mut talk.input), Ok(Step::NeedInput)));
    let deadline = talk.session.poll_timeout().unwrap();
    talk.session.handle_timeout(deadline);
    talk.now = deadline;
    assert_eq!(talk.say(""), "+OK\r\n");
    assert!(!talk.is_closed());
    assert_eq!(talk.session.poll_timeout(), Some(deadline + 10 * MINUTE));
}

#[test]
fn a_decision_has_a_deadline() {
    let mut talk = Talk::new(server());
    let Event::Login(login) = talk.event("USER mrose\r\nPASS secret\r\nNOOP\r\n") else { panic!() };
    assert_eq!(
        talk.wait(10 * MINUTE),
        "+OK send PASS\r\n-ERR [SYS/TEMP] temporary failure, try again later\r\n"
    );
    assert_eq!(talk.say(""), "");
    assert!(talk.is_closed());
    login.accept(&mut talk.session, talk.shop.maildrop());
    assert_eq!(talk.say("STAT\r\n"), "", "too late");

    let mut talk = Talk::in_transaction();
    let Event::Update(update) = talk.event("DELE 1\r\nQUIT\r\n") else { panic!() };
    assert!(talk.wait(10 * MINUTE).ends_with("-ERR [SYS/TEMP] some deleted messages not removed\r\n"));
    update.accept(&mut talk.session);
    assert_eq!(talk.say(""), "");
}

#[test]
fn a_message_that_stands_still_ends_without_a_word() {
    let mut talk = Talk::in_transaction();
    let Event::Retrieve(retrieve) = talk.event("RETR 1\r\n") else { panic!() };
    let body = retrieve.accept(&mut talk.session);
    for _ in 0..3 {
        let _ = body.push(&mut talk.session, "line\r\n".into()).unwrap();
        assert!(talk.wait(9 * MINUTE).ends_with("line\r\n"), "octets set the clock anew");
    }
    assert!(!talk.is_closed());
    // Poll by hand, to see the error.
    talk.now += MINUTE;
    talk.session.handle_timeout(talk.now);
    let error = talk.session.poll_event(talk.now, &mut talk.input).unwrap_err();
    assert_eq!(error, Error::Api(ApiMisuse::Overdue));
    assert_eq!(talk.session.poll_transmit(), None);
    body.finish(&mut talk.session);
    assert_eq!(talk.say(""), "");
}

#[test]
fn the_handshake_has_a_deadline() {
    let mut config = config();
    config.stls = true;
    let mut talk = Talk::new(Server::new(config));
    assert_eq!(talk.say("STLS\r\n"), "+OK Begin TLS negotiation\r\n");
    assert_eq!(talk.wait(MINUTE), "");
    assert!(talk.is_closed());
    talk.session.tls_established(tls());
    assert_eq!(talk.say("CAPA\r\n"), "", "too late");
}

fn retr() -> Command {
    Command::Retr(MessageNumber::new(1).unwrap())
}

/// Feeds a client and says how it ended.
fn client(command: Option<Command>, feed: &[(&[u8], Duration)]) -> Option<Error> {
    let mut session = Client::new_over_tls(client::Config::new(), tls());
    if let Some(command) = command {
        session.send(command).unwrap();
    }
    let (mut now, mut input) = (Instant::now(), BytesMut::new());
    for (octets, time) in feed {
        input.extend_from_slice(octets);
        while let Step::Event(_) = session.poll_event(now, &mut input).unwrap() {}
        now += *time;
        session.handle_timeout(now);
        loop {
            match session.poll_event(now, &mut input) {
                Ok(Step::Event(_)) => {}
                Ok(_) => break,
                Err(error) => return Some(error),
            }
        }
    }
    None
}

#[test]
fn a_server_must_answer() {
    let timed_out = Some(Error::Peer(PeerMisbehaved::TimedOut));
    assert_eq!(client(None, &[(b"", 5 * MINUTE)]), timed_out, "no greeting");
    assert_eq!(client(None, &[(b"+OK\r\n", 60 * MINUTE)]), None, "nothing was asked");
    assert_eq!(client(Some(Command::Stat), &[(b"+OK\r\n", 4 * MINUTE), (b"+O", MINUTE)]), timed_out);
    assert_eq!(client(Some(retr()), &[(b"+OK\r\n+OK\r\n", 5 * MINUTE)]), timed_out, "no body");
}

#[test]
fn a_trickling_message_times_out() {
    let some = [b'x'; 1000];
    let much = [b'x'; 5000];
    let slow = [
        (&b"+OK\r\n+OK\r\n"[..], MINUTE),
        (&some, MINUTE),
        (&some, MINUTE),
        (&some, MINUTE),
        (&some, MINUTE),
    ];
    assert_eq!(client(Some(retr()), &slow), Some(Error::Peer(PeerMisbehaved::TimedOut)));
    let steady =
        [(&b"+OK\r\n+OK\r\n"[..], 4 * MINUTE), (&much, 4 * MINUTE), (&much, 4 * MINUTE), (&much, 4 * MINUTE)];
    assert_eq!(client(Some(retr()), &steady), None);
    // Much in the beginning does not make up for little later.
    let faded = [(&b"+OK\r\n+OK\r\n"[..], MINUTE), (&much, 4 * MINUTE), (b"x", 2 * MINUTE)];
    assert_eq!(client(Some(retr()), &faded), Some(Error::Peer(PeerMisbehaved::TimedOut)));
}

#[test]
fn a_message_that_is_not_handed_out_gets_on_too() {
    let mut config = client::Config::new();
    config.bare_newline = postroad_pop3::BareNewline::Reject;
    let mut session = Client::new_over_tls(config, tls());
    session.send(retr()).unwrap();
    let (mut now, mut input) = (Instant::now(), BytesMut::from(&b"+OK\r\n+OK\r\na\nb"[..]));
    for _ in 0..5 {
        while let Step::Event(_) = session.poll_event(now, &mut input).unwrap() {}
        now += 4 * MINUTE;
        session.handle_timeout(now);
        input.extend_from_slice(&[b'x'; 5000]);
    }
    input.extend_from_slice(b"\r\n.\r\n");
    let ended =
        |step| matches!(step, Step::Event(client::Event::BodyEnd(_, faults)) if faults.bare_lf == Some(1));
    assert!(ended(session.poll_event(now, &mut input).unwrap()));
}

#[test]
fn what_one_answer_brought_is_not_counted_for_the_next() {
    let (mut now, mut input) = (Instant::now(), BytesMut::new());
    let mut session = Client::new_over_tls(client::Config::new(), tls());
    let mut hear = |session: &mut Client, octets: &[u8], now| {
        input.extend_from_slice(octets);
        while let Step::Event(_) = session.poll_event(now, &mut input).unwrap() {}
    };
    session.send(retr()).unwrap();
    hear(&mut session, b"+OK\r\n+OK\r\n", now);
    hear(&mut session, &[b'x'; 4000], now);
    hear(&mut session, b"\r\n.\r\n", now);
    assert_eq!(session.poll_timeout(), None, "nothing is owed");
    session.send(retr()).unwrap();
    hear(&mut session, b"", now);
    let deadline = session.poll_timeout();
    now += MINUTE;
    hear(&mut session, b"+OK\r\n", now);
    hear(&mut session, &[b'x'; 1000], now);
    assert_eq!(session.poll_timeout(), deadline);
    hear(&mut session, &[b'x'; 4000], now);
    assert_eq!(session.poll_timeout(), Some(now + 5 * MINUTE));
}

#[test]
fn a_long_listing_may_take_its_time() {
    let rows = b"1 2\r\n".repeat(1000);
    let steady = [(&b"+OK\r\n+OK\r\n"[..], 4 * MINUTE), (&rows, 4 * MINUTE), (&rows, 4 * MINUTE)];
    assert_eq!(client(Some(Command::List(None)), &steady), None);
}

#[test]
fn a_slow_reader_of_a_message_is_not_the_application_s_fault() {
    let mut talk = Talk::in_transaction();
    let Event::Retrieve(retrieve) = talk.event("RETR 1\r\n") else { panic!() };
    let body = retrieve.accept(&mut talk.session);
    let _ = body.push(&mut talk.session, "line\r\n".into()).unwrap();
    // Nobody writes the output.
    assert!(matches!(talk.session.poll_event(talk.now, &mut talk.input), Ok(Step::Paused)));
    for _ in 0..3 {
        talk.now = talk.session.poll_timeout().unwrap();
        talk.session.handle_timeout(talk.now);
        assert!(matches!(talk.session.poll_event(talk.now, &mut talk.input), Ok(Step::Paused)));
    }
    body.finish(&mut talk.session);
    assert_eq!(talk.say(""), "+OK 120 octets\r\nline\r\n.\r\n");
}
