//! See `postroad_smtp::manual::slowness`.

use crate::harness::{Line, codes, config};
use postroad_smtp::server::{CloseReason, Config, Event, Phase};
use postroad_smtp::{Session, Step, TlsInfo};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

fn in_data(config: Config) -> Line {
    let mut line = Line::greeted(config);
    assert_eq!(line.codes("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n").last().unwrap(), "354");
    line
}

/// Waits a minute, then gives `octets`, until the session ends; how many minutes that took.
fn minutes(line: &mut Line, octets: &str) -> u32 {
    for minute in 0..1000 {
        if line.closed {
            return minute;
        }
        let sent = line.wait(MINUTE);
        if line.closed {
            assert_eq!(codes(&sent), ["421 4.4.2"]);
            return minute + 1;
        }
        line.say(octets);
    }
    1000
}

#[test]
fn an_octet_a_minute_is_too_slow() {
    let mut line = Line::greeted(config());
    assert_eq!(minutes(&mut line, "N"), 5);
    assert_eq!(line.server.close_reason(), Some(CloseReason::TimedOut(Phase::Command)));
    assert_eq!(line.server.poll_timeout(), None);

    let mut line = in_data(config());
    assert_eq!(minutes(&mut line, "x"), 3);
    assert_eq!(line.server.close_reason(), Some(CloseReason::TimedOut(Phase::Data)));

    let mut line = Line::new(config());
    assert_eq!(minutes(&mut line, ""), 5, "before EHLO too");

    let mut config = config();
    config.mechanisms = vec![postroad_smtp::types::Mechanism::PLAIN];
    config.allow_plaintext_auth = true;
    let mut line = Line::greeted(config);
    line.say("AUTH PLAIN\r\n");
    assert_eq!(minutes(&mut line, "A"), 5, "within AUTH too");
}

#[test]
fn whole_commands_put_the_deadline_off() {
    let mut line = Line::greeted(config());
    for _ in 0..10 {
        line.wait(4 * MINUTE);
        assert_eq!(line.codes("NOOP\r\n"), ["250 2.0.0"]);
    }
}

#[test]
fn a_message_must_get_on() {
    let mut config = config();
    config.timeouts.block_octets = 100;
    let mut line = in_data(config.clone());
    assert_eq!(minutes(&mut line, &"x".repeat(40)), 3, "eighty octets in three minutes are not a hundred");
    let mut line = in_data(config.clone());
    assert_eq!(minutes(&mut line, &"x".repeat(50)), 1000);
    let mut line = in_data(config);
    line.wait(2 * MINUTE);
    assert_eq!(line.codes("x\r\n.\r\n"), ["250 2.0.0"]);
    line.wait(4 * MINUTE);
    assert_eq!(line.codes("NOOP\r\n"), ["250 2.0.0"], "the deadline of the message is over with it");
}

#[test]
fn the_application_may_take_its_time() {
    let mut line = in_data(config());
    for _ in 0..10 {
        line.put("some of the message\r\n");
        let Ok(Step::Event(Event::Body(_))) = line.poll() else { panic!() };
        line.now += 10 * MINUTE; // a slow disk
        assert!(line.server.poll_timeout().is_none(), "no deadline runs while the application works");
        assert!(matches!(line.poll(), Ok(Step::NeedInput)));
        assert!(line.server.poll_timeout().unwrap() > line.now);
    }
    line.put("\r\n.\r\n");
    assert!(matches!(line.poll(), Ok(Step::Event(Event::Body(_)))));
    let Ok(Step::Event(Event::DataEnd(end))) = line.poll() else { panic!() };
    line.wait(9 * MINUTE);
    end.accept(&mut line.server, postroad_smtp::reply::ReplyText::new("at last"));
    assert_eq!(line.codes("NOOP\r\n"), ["250 2.0.0", "250 2.0.0"]);
}

#[test]
fn but_not_for_ever() {
    let mut line = Line::greeted(config());
    let Event::Mail(mail) = line.event("MAIL FROM:<a@b>\r\n") else { panic!() };
    assert_eq!(codes(&line.wait(11 * MINUTE)), ["421 4.3.0"]);
    assert_eq!(line.server.close_reason(), Some(CloseReason::TimedOut(Phase::Decision)));
    mail.accept(&mut line.server);
    assert_eq!(line.sent(), "", "the token is void");
}

#[test]
fn never_can_be_said() {
    let mut config = config();
    config.timeouts.command = Duration::MAX;
    config.timeouts.data_block = Duration::MAX;
    config.timeouts.decision = Duration::MAX;
    let mut line = in_data(config);
    assert_eq!(line.wait(1_000_000 * MINUTE), "");
    assert_eq!(line.codes("x\r\n.\r\n"), ["250 2.0.0"]);
}

#[test]
fn no_word_into_a_handshake() {
    let mut config = config();
    config.starttls = true;
    let mut line = Line::greeted(config);
    assert_eq!(line.codes("STARTTLS\r\n"), ["220 2.0.0"]);
    assert_eq!(line.wait(6 * MINUTE), "");
    assert!(line.closed);
    assert_eq!(line.server.close_reason(), Some(CloseReason::TimedOut(Phase::Handshake)));
    assert!(line.server.tls_established(TlsInfo::new()).is_err());
}

#[test]
fn a_timeout_before_its_time_does_nothing() {
    let mut line = Line::greeted(config());
    line.server.handle_timeout(line.now + 4 * MINUTE);
    assert_eq!(line.codes("NOOP\r\n"), ["250 2.0.0"]);
}
