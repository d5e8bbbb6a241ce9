//! Lines that are no lines, lines that are no commands, and too many of either.

use crate::harness::{Line, config};
use postroad_smtp::server::CloseReason;
use postroad_smtp::{Error, Limit, Session};

#[test]
fn each_fault_has_its_reply() {
    for (given, expected) in [
        (format!("NOOP {}\r\n", "x".repeat(3000)), "500 5.5.6"),
        ("NO\0OP\r\n".into(), "500 5.5.2"),
        ("NOOP\rRSET\r\n".into(), "500 5.5.2"),
        ("NOOP\nRSET\r\n".into(), "500 5.5.2"),
        ("FROB\r\n".into(), "500 5.5.2"),
        ("\r\n".into(), "500 5.5.2"),
        ("GET / HTTP/1.1\r\n".into(), "500 5.5.2"),
        ("RSET now\r\n".into(), "501 5.5.4"),
        ("MAIL FROM:<a@b> RET=FULL\r\n".into(), "555 5.5.4"),
        ("MAIL FROM:<a@b> BODY=9BIT\r\n".into(), "501 5.5.4"),
        ("EXPN x\r\n".into(), "502 5.5.1"),
        ("DATA\r\n".into(), "503 5.5.1"),
    ] {
        let mut line = Line::greeted(config());
        assert_eq!(line.codes(format!("{given}NOOP\r\n")), [expected, "250 2.0.0"], "{given:.30}");
    }
}

#[test]
fn nothing_behind_a_bare_lf_is_a_command() {
    let mut line = Line::greeted(config());
    assert_eq!(line.codes("NOOP\nMAIL FROM:<a@b>\r\n"), ["500 5.5.2"]);
    assert!(line.events.is_empty());
    assert_eq!(line.codes("RCPT TO:<c@d>\r\n"), ["503 5.5.1"]);
}

#[test]
fn too_many_errors() {
    let mut line = Line::greeted(config());
    let sent = line.codes("FROB\r\n".repeat(9) + "MAIL FROM:<a@b>\r\n" + &"FROB\r\n".repeat(5));
    assert_eq!(sent[..10], [&["500 5.5.2"; 9][..], &["250 2.1.0"]].concat());
    assert_eq!(sent[10..], ["500 5.5.2", "421 4.7.0"]);
    assert_eq!(line.error, Some(Error::Limit { what: Limit::Errors, limit: 10 }));
    assert!(line.closed);
    assert_eq!(line.server.close_reason(), Some(CloseReason::Failed));
    assert_eq!(line.server.poll_timeout(), None);
}

#[test]
fn what_was_given_is_not_echoed() {
    let mut line = Line::greeted(config());
    let sent = line.say("MAIL FROM:<evil\x07\x1b[2J@b>\r\nFROBNICATE\r\nEHLO \x1b\r\n");
    assert!(!sent.contains("evil") && !sent.contains('\x1b') && !sent.contains("FROB"), "{sent}");
}
