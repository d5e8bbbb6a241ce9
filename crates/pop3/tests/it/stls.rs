//! Nothing that was said in clear is believed under TLS.

use crate::common::{Talk, config, tls};
use bytes::BytesMut;
use postroad_pop3::client::{self, Client, NotNowReason, Reply};
use postroad_pop3::command::Command;
use postroad_pop3::server::{Event, Server};
use postroad_pop3::{Error, PeerMisbehaved, Session, Step};
use std::time::Instant;

fn talk() -> Talk {
    let mut config = config();
    config.stls = true;
    Talk::new(Server::new(config))
}

#[test]
fn octets_behind_stls_end_the_session() {
    let mut talk = talk();
    assert_eq!(talk.say("STLS\r\nUSER eve\r\n"), "-ERR octets behind STLS\r\n");
    assert_eq!(talk.step, Err(Error::Peer(PeerMisbehaved::InjectedBeforeTls { octets: 10 })));
    assert_eq!(talk.say(""), "");
    assert!(matches!(talk.step, Ok(Step::Closed)));
    assert!(talk.shop.heard.is_empty(), "the application was not asked");
}

#[test]
fn nothing_is_read_until_tls_is_there() {
    let mut talk = talk();
    let Event::Stls(stls) = talk.event("STLS\r\n") else { panic!() };
    assert_eq!(talk.say(""), "");
    assert_eq!(talk.step, Ok(Step::Paused));
    stls.accept(&mut talk.session);
    assert_eq!(talk.say(""), "+OK Begin TLS negotiation\r\n");
    assert_eq!(talk.step, Ok(Step::Paused));
    // A driver that reads all the same has read a piece of the handshake, or what somebody put there.
    assert_eq!(talk.say("CAPA\r\n"), "");
    assert_eq!(talk.step, Err(Error::Peer(PeerMisbehaved::InjectedBeforeTls { octets: 6 })));
}

#[test]
fn stls_may_be_refused() {
    let mut talk = talk();
    let Event::Stls(stls) = talk.event("STLS\r\n") else { panic!() };
    stls.reject(&mut talk.session, postroad_pop3::response::Rejection::temporary());
    assert!(talk.say("CAPA\r\n").starts_with("-ERR [SYS/TEMP]"), "and the session goes on in clear");
    assert!(talk.session.tls().is_none());
}

#[test]
fn what_was_said_in_clear_is_forgotten() {
    let mut talk = talk();
    talk.say("USER eve\r\nSTLS\r\n");
    talk.session.tls_established(tls());
    assert_eq!(talk.say("PASS secret\r\n"), "-ERR USER comes first\r\n");
    // The beginning of a line, and half a line that is being dropped.
    let mut talk = self::talk();
    talk.say([b'x'; 600]);
    talk.say("\r\nSTLS\r\n");
    talk.session.tls_established(tls());
    assert!(talk.say("CAPA\r\n").starts_with("+OK"));

    let mut client = Client::new(client::Config::new());
    let mut input = BytesMut::from(&b"+OK\r\n+OK\r\nPIPELINING\r\n.\r\n+OK begin\r\n"[..]);
    client.send(Command::Capa).unwrap();
    client.send(Command::Stls).unwrap();
    while let Step::Event(_) = client.poll_event(Instant::now(), &mut input).unwrap() {}
    client.tls_established(tls());
    while client.poll_transmit().is_some() {}
    client.send(Command::Noop).unwrap();
    client.send(Command::Noop).unwrap();
    assert_eq!(client.poll_transmit().unwrap(), "NOOP\r\n", "one at a time again");
}

#[test]
fn octets_behind_the_answer_end_the_session() {
    let now = Instant::now();
    let mut client = Client::new(client::Config::new());
    client.send(Command::Stls).unwrap();
    let mut input = BytesMut::from(&b"+OK\r\n+OK begin\r\n+OK forged\r\n"[..]);
    assert!(matches!(client.poll_event(now, &mut input), Ok(Step::Event(client::Event::Greeting(_)))));
    let error = client.poll_event(now, &mut input).unwrap_err();
    assert_eq!(error, Error::Peer(PeerMisbehaved::InjectedBeforeTls { octets: 12 }));
    // Or a moment later.
    let mut client = Client::new(client::Config::new());
    client.send(Command::Stls).unwrap();
    let mut input = BytesMut::from(&b"+OK\r\n+OK begin\r\n"[..]);
    assert!(matches!(client.poll_event(now, &mut input), Ok(Step::Event(client::Event::Greeting(_)))));
    assert!(matches!(client.poll_event(now, &mut input), Ok(Step::Event(client::Event::StartTls(_)))));
    assert!(matches!(client.poll_event(now, &mut input), Ok(Step::Paused)));
    input.extend_from_slice(b"+OK");
    let error = client.poll_event(now, &mut input).unwrap_err();
    assert_eq!(error, Error::Peer(PeerMisbehaved::InjectedBeforeTls { octets: 3 }));
}

#[test]
fn a_client_sends_nothing_around_stls() {
    let now = Instant::now();
    let mut client = Client::new(client::Config::new());
    client.send(Command::Capa).unwrap();
    client.send(Command::Noop).unwrap();
    let stls = client.send(Command::Stls).unwrap();
    assert_eq!(client.send(Command::Noop).unwrap_err().reason, NotNowReason::StartingTls);
    let mut input = BytesMut::from(&b"+OK\r\n+OK\r\nPIPELINING\r\nSTLS\r\n.\r\n"[..]);
    while let Step::Event(_) = client.poll_event(now, &mut input).unwrap() {}
    let mut sent = Vec::new();
    while let Some(octets) = client.poll_transmit() {
        sent.extend_from_slice(&octets);
    }
    assert_eq!(sent, b"CAPA\r\nNOOP\r\n", "it waits for what is on its way");
    input.extend_from_slice(b"+OK\r\n");
    while let Step::Event(_) = client.poll_event(now, &mut input).unwrap() {}
    assert_eq!(client.poll_transmit().unwrap(), "STLS\r\n");
    // A refusal gives the session back.
    input.extend_from_slice(b"-ERR no\r\n");
    match client.poll_event(now, &mut input).unwrap() {
        Step::Event(client::Event::Reply(id, Reply::Err(_))) => assert_eq!(id, stls),
        other => panic!("{other:?}"),
    }
    client.send(Command::Noop).unwrap();
    let mut client = Client::new_over_tls(client::Config::new(), tls());
    assert_eq!(client.send(Command::Stls).unwrap_err().reason, NotNowReason::HasTls);
}

#[test]
fn stls_is_told_while_it_is_permitted() {
    let mut talk = talk();
    assert!(talk.say("CAPA\r\n").contains("\r\nSTLS\r\n"));
    talk.say("USER mrose\r\nPASS secret\r\n");
    assert!(!talk.say("CAPA\r\n").contains("STLS"));
    assert_eq!(talk.say("STLS\r\n"), "-ERR STLS comes before the login\r\n");
}

#[test]
fn a_connection_lost_in_the_handshake() {
    let mut talk = talk();
    talk.say("STLS\r\n");
    talk.session.handle_eof();
    talk.say("");
    assert_eq!(talk.step, Ok(Step::Closed));

    let mut client = Client::new(client::Config::new());
    client.send(Command::Stls).unwrap();
    let mut input = BytesMut::from(&b"+OK\r\n+OK begin\r\n"[..]);
    while let Step::Event(_) = client.poll_event(Instant::now(), &mut input).unwrap() {}
    client.handle_eof();
    let error = client.poll_event(Instant::now(), &mut input).unwrap_err();
    assert_eq!(error, Error::Peer(PeerMisbehaved::ConnectionLost));
}
