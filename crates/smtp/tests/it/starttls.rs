//! See `postroad_smtp::manual::starttls`.

use crate::harness::{Line, config};
use postroad_smtp::reply::Rejection;
use postroad_smtp::server::{CloseReason, Config, Event, Server};
use postroad_smtp::types::Mechanism;
use postroad_smtp::{ApiMisuse, Error, PeerFault, Session, Step, TlsInfo};
use std::sync::Arc;

fn with_tls() -> Config {
    let mut config = config();
    config.starttls = true;
    config.mechanisms = vec![Mechanism::PLAIN];
    config
}

fn injected(octets: usize) -> Error {
    Error::Peer(PeerFault::InjectedBeforeTls { octets })
}

#[test]
fn octets_behind_the_line_end_the_session() {
    for octets in ["R", "RSET\r\n", "\r", "\r\n", "\x16\x03\x01"] {
        let mut line = Line::greeted(with_tls());
        assert_eq!(line.codes(format!("STARTTLS\r\n{octets}")), ["554 5.5.1"]);
        assert_eq!(line.error, Some(injected(octets.len())));
        assert!(line.closed && line.events.is_empty(), "{octets:?}: {:?}", line.events);
        assert_eq!(line.server.close_reason(), Some(CloseReason::Failed));
    }
}

#[test]
fn octets_in_a_later_segment_end_the_session() {
    // While the application thinks.
    let mut line = Line::greeted(with_tls());
    let Event::StartTls(starttls) = line.event("STARTTLS\r\n") else { panic!() };
    assert!(matches!(line.poll(), Ok(Step::Paused)));
    line.put("EHLO evil\r\n");
    assert_eq!(line.poll().err(), Some(injected(11)));
    assert!(line.sent().starts_with("554 5.5.1 "));
    starttls.accept(&mut line.server);
    assert_eq!(line.sent(), "");
    assert!(matches!(line.poll(), Ok(Step::Closed)));

    // Behind the go-ahead, where no word would be understood.
    let mut line = Line::greeted(with_tls());
    assert_eq!(line.codes("STARTTLS\r\n"), ["220 2.0.0"]);
    assert!(matches!(line.poll(), Ok(Step::Paused)));
    assert!(line.server.wants_tls());
    assert_eq!(line.say("EHLO evil\r\n"), "");
    assert_eq!(line.error, Some(injected(11)));
}

#[test]
fn all_is_forgotten() {
    let mut line = Line::greeted(with_tls());
    assert_eq!(line.codes("STARTTLS\r\n"), ["220 2.0.0"]);
    let mut info = TlsInfo::new();
    info.exporter = Some(vec![7; 32]);
    line.server.tls_established(info.clone()).unwrap();
    assert_eq!(line.server.tls_info(), Some(&info));
    assert_eq!(line.codes("MAIL FROM:<a@b>\r\n"), ["503 5.5.1"]);
    let extensions = line.say("EHLO bar.com\r\n");
    assert!(!extensions.contains("STARTTLS") && extensions.contains("AUTH PLAIN"), "{extensions}");
    assert_eq!(line.codes("STARTTLS\r\nMAIL FROM:<a@b>\r\n"), ["503 5.5.1", "250 2.1.0"]);
}

#[test]
fn where_it_may_stand() {
    let mut line = Line::new(with_tls());
    assert_eq!(line.codes("STARTTLS\r\nHELO a\r\nSTARTTLS\r\n"), ["503 5.5.1", "250", "503 5.5.1"]);
    let mut line = Line::greeted(with_tls());
    assert_eq!(line.codes("STARTTLS now\r\n"), ["501 5.5.4"]);
    assert_eq!(line.codes("MAIL FROM:<a@b>\r\nSTARTTLS\r\n"), ["250 2.1.0", "503 5.5.1"]);
    let mut line = Line::greeted(config());
    assert_eq!(
        line.codes("STARTTLS\r\nNOOP\r\n"),
        ["502 5.5.1", "250 2.0.0"],
        "not offered, so it is a command like others"
    );
}

#[test]
fn a_refused_handshake_goes_on_in_the_clear() {
    let mut line = Line::greeted(with_tls());
    let Event::StartTls(starttls) = line.event("STARTTLS\r\n") else { panic!() };
    starttls.reject(&mut line.server, Rejection::tls_unavailable());
    assert_eq!(line.codes("NOOP\r\n"), ["454 4.7.0", "250 2.0.0"]);
    let Event::StartTls(starttls) = line.event("STARTTLS\r\n") else { panic!() };
    drop(starttls);
    assert_eq!(line.codes(""), ["454 4.7.0"]);
}

#[test]
fn the_upgrade_out_of_turn_is_a_misuse_and_harms_nothing() {
    let mut line = Line::greeted(with_tls());
    assert_eq!(line.server.tls_established(TlsInfo::new()), Err(Error::Api(ApiMisuse::NoHandshake)));
    assert!(!line.server.is_tls());
    assert_eq!(line.codes("MAIL FROM:<a@b>\r\n"), ["250 2.1.0"]);
}

#[test]
fn end_of_input_in_the_handshake() {
    let mut line = Line::greeted(with_tls());
    line.say("STARTTLS\r\n");
    line.server.handle_eof();
    assert_eq!(line.run(), "");
    assert_eq!(line.server.close_reason(), Some(CloseReason::EndOfInput));
}

#[test]
fn tls_from_the_beginning() {
    let mut line = Line::new(config());
    line.server = Server::new_over_tls(Arc::new(with_tls()), TlsInfo::new(), line.now);
    assert!(line.server.is_tls());
    let sent = line.say("EHLO a\r\n");
    assert!(!sent.contains("STARTTLS") && sent.contains("AUTH PLAIN"), "{sent}");
}

#[test]
fn tls_can_be_required() {
    let mut config = with_tls();
    config.require_tls = true;
    config.allow_plaintext_auth = true;
    let mut line = Line::greeted(config);
    assert_eq!(line.codes("MAIL FROM:<a@b>\r\nAUTH PLAIN\r\n"), ["530 5.7.0", "538 5.7.11"]);
    line.say("STARTTLS\r\n");
    line.server.tls_established(TlsInfo::new()).unwrap();
    assert_eq!(line.codes("EHLO a\r\nMAIL FROM:<a@b>\r\n"), ["250", "250 2.1.0"]);
}
