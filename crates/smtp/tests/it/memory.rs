//! See `postroad_smtp::manual::memory`.

use crate::harness::{Line, config};
use postroad_smtp::server::{AbortReason, CloseReason, Event, Server};
use postroad_smtp::{Error, Limit, Session, Step};

#[test]
fn an_idle_session_is_small() {
    let size = size_of::<Server>();
    println!("a Server has {size} octets");
    assert!(size < 1024, "{size}");
    let mut line = Line::greeted(config());
    line.say("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nhello\r\n.\r\n");
    assert!(line.server.poll_transmit().is_none());
    assert!(line.input.is_empty(), "whole lines are taken");
}

#[test]
fn a_peer_that_never_reads_is_not_read() {
    let mut line = Line::greeted(config());
    let commands = "NOOP\r\n".repeat(100_000);
    line.put(&commands);
    assert!(matches!(line.poll(), Ok(Step::Paused)));
    let untouched = line.input.len();
    assert!(untouched > commands.len() / 2, "most was not read: {untouched}");
    assert!(matches!(line.poll(), Ok(Step::Paused)));
    assert_eq!(line.input.len(), untouched);
    let sent = line.sent();
    assert!((65_536..66_000).contains(&sent.len()), "{}", sent.len());
    assert_eq!(line.server.poll_timeout(), None, "its time does not run: it waits for the driver");
    let rest = line.run();
    assert_eq!((sent + &rest).lines().count(), 100_000);
}

#[test]
fn an_endless_line_ends_the_session() {
    let mut line = Line::greeted(config());
    assert_eq!(line.codes("x".repeat(4000)), ["500 5.5.6"]);
    let mut given = 4000;
    let goodbye = loop {
        let sent = line.codes("x".repeat(50_000));
        given += 50_000;
        assert!(line.input.is_empty());
        if !sent.is_empty() {
            break sent;
        }
    };
    assert_eq!(goodbye, ["421 4.7.0"]);
    assert!((1 << 20..1 << 21).contains(&given), "{given}");
    assert_eq!(line.error, Some(Error::Limit { what: Limit::LineOctets, limit: 1 << 20 }));
}

#[test]
fn an_endless_message_ends_the_session() {
    let mut config = config();
    config.max_message_size = 10_000;
    config.max_discarded_octets = 100_000;
    let mut line = Line::greeted(config);
    line.say("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
    let mut given = 0;
    let mut sent = Vec::new();
    while !line.closed {
        sent.extend(line.codes("x".repeat(3000)));
        given += 3000;
        assert!(line.input.len() < 3);
    }
    assert_eq!(sent, ["552 5.3.4"]);
    assert!((110_000..120_000).contains(&given), "{given}");
    assert_eq!(line.error, Some(Error::Limit { what: Limit::DiscardedOctets, limit: 100_000 }));
    assert_eq!(line.server.close_reason(), Some(CloseReason::Failed));
}

#[test]
fn a_message_goes_through_without_being_held() {
    let mut line = Line::greeted(config());
    line.say("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
    let mut octets = 0;
    for _ in 0..1000 {
        line.put(b"..0123456789abcdef\r\n".repeat(100));
        loop {
            match line.poll().unwrap() {
                Step::Event(Event::Body(chunk)) => octets += chunk.len(),
                Step::NeedInput => break,
                other => panic!("{other:?}"),
            }
        }
        assert!(line.input.is_empty());
    }
    assert_eq!(octets, 1000 * 100 * 19);
}

#[test]
fn nul_aborts() {
    let mut line = Line::greeted(config());
    line.say("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
    assert!(matches!(line.event("a\0b\r\n"), Event::BodyAborted(AbortReason::Nul)));
    assert_eq!(line.codes(".\r\n"), ["550 5.6.0"]);
}
