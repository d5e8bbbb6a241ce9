//! See `postroad_smtp::manual::authentication`.

use crate::harness::{Line, config};
use postroad_smtp::reply::Rejection;
use postroad_smtp::server::{CloseReason, Config, Event};
use postroad_smtp::types::{Mechanism, ReversePath};
use postroad_smtp::{Error, Limit, Session};

fn with_auth() -> Config {
    let mut config = config();
    config.mechanisms = vec![Mechanism::SCRAM_SHA_256, Mechanism::PLAIN];
    config.allow_plaintext_auth = true;
    config
}

#[test]
fn with_an_initial_response() {
    let mut line = Line::new(with_auth());
    assert!(line.say("EHLO a\r\n").contains("AUTH SCRAM-SHA-256 PLAIN\r\n"));
    assert_eq!(line.codes("auth plain AGEAYg==\r\n"), ["235 2.7.0"]);
    assert!(line.server.is_authenticated());
    assert_eq!(line.events.last().unwrap(), "AUTH PLAIN Some([0, 97, 0, 98])");
}

#[test]
fn with_challenges() {
    let mut line = Line::greeted(with_auth());
    assert_eq!(line.say("AUTH PLAIN\r\n"), "334 d2hvPw==\r\n");
    let Event::AuthResponse(response) = line.event("\r\n") else { panic!() };
    assert!(response.response().expose().is_empty());
    response.challenge(&mut line.server, b"");
    assert_eq!(line.sent(), "334 \r\n");
    assert_eq!(line.codes("AGEAYg==\r\nNOOP\r\n"), ["235 2.7.0", "250 2.0.0"]);
    assert_eq!(line.events, ["AUTH PLAIN None", r"RESPONSE \x00a\x00b"]);
}

#[test]
fn given_up_and_garbled() {
    for (response, code) in [
        ("*", "501 5.7.0"),
        ("no base64!", "501 5.5.2"),
        ("AGEAYg=", "501 5.5.2"),
        ("=", "501 5.5.2"),
        ("\0", "501 5.5.2"),
        ("AGEA\nYg==", "501 5.5.2"),
        (&"A".repeat(12_300), "500 5.5.6"),
    ] {
        let mut line = Line::greeted(with_auth());
        line.say("AUTH PLAIN\r\n");
        assert_eq!(line.codes(format!("{response}\r\n")), [code], "{response:.20}");
        assert_eq!(line.events, ["AUTH PLAIN None", "AuthCancelled"]);
        assert_eq!(line.codes("AUTH PLAIN AGEAYg==\r\n"), ["235 2.7.0"]);
    }
}

#[test]
fn not_in_the_clear() {
    let mut config = with_auth();
    config.allow_plaintext_auth = false;
    let mut line = Line::new(config);
    assert!(!line.say("EHLO a\r\n").contains("AUTH"));
    assert_eq!(line.codes("AUTH PLAIN AGEAYg==\r\n"), ["538 5.7.11"]);
    assert_eq!(Line::greeted(crate::harness::config()).codes("AUTH PLAIN\r\n"), ["502 5.5.1"]);
}

#[test]
fn once_and_not_within_a_transaction() {
    let mut line = Line::new(with_auth());
    assert_eq!(line.codes("AUTH PLAIN =\r\nHELO a\r\nAUTH PLAIN =\r\n"), ["503 5.5.1", "250", "503 5.5.1"]);
    assert_eq!(
        line.codes("EHLO a\r\nMAIL FROM:<a@b>\r\nAUTH PLAIN =\r\n"),
        ["250", "250 2.1.0", "503 5.5.1"]
    );
    assert_eq!(
        line.codes("RSET\r\nAUTH PLAIN =\r\nAUTH PLAIN =\r\n"),
        ["250 2.0.0", "235 2.7.0", "503 5.5.1"]
    );
    assert!(!line.say("EHLO a\r\n").contains("AUTH"));
}

#[test]
fn unknown_mechanisms_and_bad_syntax() {
    let mut line = Line::greeted(with_auth());
    assert_eq!(line.codes("AUTH LOGIN\r\n"), ["504 5.5.4"]);
    assert_eq!(line.codes("AUTH\r\nAUTH PLAIN x\r\nAUTH PLAIN = =\r\n"), ["501 5.5.4"; 3]);
}

#[test]
fn failures_are_counted() {
    let mut config = with_auth();
    config.max_errors = 3;
    let mut line = Line::greeted(config);
    for _ in 0..3 {
        let Event::Auth(auth) = line.event("AUTH PLAIN AGEAYg==\r\n") else { panic!() };
        auth.reject(&mut line.server, Rejection::bad_credentials());
        assert!(!line.server.is_authenticated());
        assert!(line.sent().starts_with("535 5.7.8 "));
    }
    assert_eq!(line.codes("NOOP\r\n"), ["421 4.7.0"]);
    assert_eq!(line.error, Some(Error::Limit { what: Limit::Errors, limit: 3 }));
    assert_eq!(line.server.close_reason(), Some(CloseReason::Failed));
}

#[test]
fn dropped_tokens_are_a_temporary_failure() {
    let mut line = Line::greeted(with_auth());
    drop(line.event("AUTH PLAIN =\r\n"));
    assert_eq!(line.codes(""), ["454 4.7.0"]);
    line.say("AUTH PLAIN\r\n");
    drop(line.event("AAAA\r\n"));
    assert_eq!(line.codes("NOOP\r\n"), ["454 4.7.0", "250 2.0.0"]);
    assert!(!line.server.is_authenticated());
}

#[test]
fn can_be_required() {
    let mut config = with_auth();
    config.require_auth = true;
    let mut line = Line::greeted(config);
    assert_eq!(line.codes("MAIL FROM:<a@b>\r\n"), ["530 5.7.0"]);
    assert_eq!(line.codes("AUTH PLAIN =\r\nMAIL FROM:<a@b>\r\n"), ["235 2.7.0", "250 2.1.0"]);
}

#[test]
fn the_parameter_is_believed_of_the_authenticated_alone() {
    let mail = "MAIL FROM:<a@b> AUTH=c+40d@e\r\n";
    assert_eq!(Line::greeted(with_auth()).codes(mail), ["501 5.5.4"]);
    let mail = "MAIL FROM:<a@b> AUTH=c+2Bd@e\r\n";
    let mut line = Line::greeted(with_auth());
    let Event::Mail(token) = line.event(mail) else { panic!() };
    assert_eq!(token.parameters().auth, Some(ReversePath::Null));
    token.accept(&mut line.server);
    line.say("RSET\r\nAUTH PLAIN =\r\n");
    let Event::Mail(token) = line.event(mail) else { panic!() };
    assert_eq!(token.parameters().auth.as_ref().unwrap().to_string(), "<c+d@e>");
    drop(token);
    assert_eq!(Line::greeted(config()).codes(mail), ["555 5.5.4"]);
}

#[test]
fn nothing_secret_is_shown() {
    let mut line = Line::greeted(with_auth());
    let event = line.event("AUTH PLAIN AHNlY3JldABzZWNyZXQ=\r\n");
    let shown = format!("{event:?} {:?}", line.server);
    assert!(
        !shown.contains("115, 101, 99") && !shown.contains("secret") && !shown.contains("AHNl"),
        "{shown}"
    );
    drop(event);
    line.run();
    assert!(!line.say("AUTH PLAIN AHNlY3JldABzZWNyZXQ\r\n").contains("AHNl"));
    assert!(line.server.poll_transmit().is_none());
}
