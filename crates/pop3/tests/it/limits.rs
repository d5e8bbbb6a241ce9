//! Sizes and counts.

use crate::common::{Shop, Talk, config, server};
use postroad_pop3::server::Server;
use postroad_pop3::{Error, LimitReached, Session, Step};
use std::time::Duration;

#[test]
fn lines_are_limited() {
    let mut talk = Talk::in_transaction();
    assert_eq!(
        talk.say([&[b'x'; 600][..], b"\r\nNOOP\r\n"].concat()),
        "-ERR syntax error: a line is longer than 512 octets\r\n+OK\r\n"
    );
    assert_eq!(talk.say("NO\0OP\r\nNOOP\r\n"), "-ERR syntax error: octet 0x00 is not allowed\r\n+OK\r\n");
    assert_eq!(
        talk.say("NOOP\nRSET\r\nNOOP\r\n"),
        "-ERR syntax error: octet 0x0a is not allowed\r\n+OK\r\n",
        "nothing behind a bare LF is run"
    );
    let longest = format!("USER {}\r\n", "x".repeat(505));
    assert_eq!(Talk::new(server()).say(longest), "+OK send PASS\r\n");
}

#[test]
fn limits_of_zero_and_times_without_end_do_no_harm() {
    let mut config = config();
    config.high_water = 0;
    config.idle_timeout = Duration::MAX;
    config.decision_timeout = Duration::MAX;
    let mut talk = Talk::new(Server::new(config.clone()));
    assert!(talk.say("USER mrose\r\nPASS secret\r\nLIST\r\nRETR 1\r\nSTAT\r\n").ends_with("+OK 2 320\r\n"));

    config.idle_timeout = Duration::ZERO;
    config.decision_timeout = Duration::ZERO;
    let mut talk = Talk::new(Server::new(config));
    talk.input.extend_from_slice(b"USER mrose\r\n");
    assert_eq!(talk.session.poll_event(talk.now, &mut talk.input).unwrap().map(|_| ()), Step::Paused);
    while talk.session.poll_transmit().is_some() {}
    assert_eq!(talk.session.poll_event(talk.now, &mut talk.input).unwrap().map(|_| ()), Step::NeedInput);
    talk.session.handle_timeout(talk.now);
    assert_eq!(talk.session.poll_event(talk.now, &mut talk.input).unwrap().map(|_| ()), Step::Closed);
}

#[test]
fn an_endless_line_ends_the_session() {
    let mut talk = Talk::new(server());
    let mut said = String::new();
    for _ in 0..1100 {
        said += &talk.say([b'x'; 1024]);
        assert!(talk.input.is_empty() || talk.is_closed() || talk.input.len() <= 512);
    }
    assert_eq!(said, "-ERR syntax error: a line is longer than 512 octets\r\n");
    assert!(matches!(talk.session.poll_event(talk.now, &mut talk.input), Ok(Step::Closed)));
}

#[test]
fn the_tenth_error_ends_the_session() {
    let mut talk = Talk::new(server());
    let said = talk.say("USER mrose\r\nPASS wrong\r\n".repeat(5) + &"FROB\r\n".repeat(20));
    assert_eq!(said.matches("-ERR").count(), 10);
    assert!(said.ends_with("-ERR too many errors, goodbye\r\n"));
    assert_eq!(talk.step, Err(Error::Limit(LimitReached::Errors { limit: 10 })));
    // The last refused login keeps its code.
    let mut talk = Talk::new(server());
    let said = talk.say("USER mrose\r\nPASS wrong\r\n".repeat(10));
    assert!(said.ends_with("-ERR [AUTH] too many errors, goodbye\r\n"));
    assert_eq!(talk.step, Err(Error::Limit(LimitReached::Errors { limit: 10 })));
}

#[test]
fn a_client_that_does_not_read_is_paused() {
    let mut talk = Talk::in_transaction();
    talk.input.extend_from_slice(&b"NOOP\r\n".repeat(1_000_000));
    assert_eq!(talk.session.poll_event(talk.now, &mut talk.input).unwrap().map(|_| ()), Step::Paused);
    let waiting = 6_000_000 - talk.input.len();
    assert!(waiting <= 66_000 / 5 * 6 + 12, "{waiting} octets of commands were answered into memory");
    // It goes on when it is read.
    let before = talk.input.len();
    while talk.session.poll_transmit().is_some() {}
    assert_eq!(talk.session.poll_event(talk.now, &mut talk.input).unwrap().map(|_| ()), Step::Paused);
    assert!(talk.input.len() < before);
}

#[test]
fn a_large_listing_is_not_printed_into_memory() {
    let shop = Shop::of(vec![b"x".to_vec(); 30_000]);
    let mut talk = Talk::with(server(), shop);
    talk.say("USER mrose\r\nPASS secret\r\n");
    talk.input.extend_from_slice(b"UIDL\r\nNOOP\r\n");
    let mut said = Vec::new();
    loop {
        let step = talk.session.poll_event(talk.now, &mut talk.input).unwrap();
        let mut turn = 0;
        while let Some(octets) = talk.session.poll_transmit() {
            turn += octets.len();
            said.extend_from_slice(&octets);
        }
        assert!(turn < 66_000, "{turn} octets at once");
        if turn == 0 {
            assert!(matches!(step, Step::NeedInput));
            break;
        }
    }
    let said = String::from_utf8(said).unwrap();
    assert_eq!(said.lines().count(), 30_003);
    assert!(said.ends_with("\r\n30000 1.29999\r\n.\r\n+OK\r\n"));
}

#[test]
fn a_message_waits_for_room() {
    let mut config = config();
    config.high_water = 1000;
    let message = b"0123456789\r\n".repeat(2000);
    let mut shop = Shop::of(vec![message.clone()]);
    shop.piece = 100;
    let mut talk = Talk::with(Server::new(config), shop);
    talk.say("USER mrose\r\nPASS secret\r\n");
    talk.input.extend_from_slice(b"RETR 1\r\n");
    let Step::Event(event) = talk.session.poll_event(talk.now, &mut talk.input).unwrap() else { panic!() };
    talk.shop.answer(&mut talk.session, event);
    let mut said = Vec::new();
    loop {
        let _ = talk.session.poll_event(talk.now, &mut talk.input).unwrap();
        let mut turn = 0;
        while let Some(octets) = talk.session.poll_transmit() {
            turn += octets.len();
            said.extend_from_slice(&octets);
        }
        assert!(turn <= 1100, "{turn}");
        if !talk.shop.send_more(&mut talk.session) && turn == 0 {
            break;
        }
    }
    assert_eq!(said, [b"+OK 24000 octets\r\n", &message[..], b".\r\n"].concat());
}
