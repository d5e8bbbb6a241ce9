//! Run loops that do not keep the contract of `Session`. Tokens that are misused are in `tokens`.

use crate::client::Talk;
use crate::harness::{Line, config};
use bytes::Bytes;
use postroad_smtp::client;
use postroad_smtp::server::{CloseReason, Event, Phase};
use postroad_smtp::{Full, Session, Step};
use std::time::Duration;

#[test]
fn a_loop_that_reads_on_while_paused_has_the_octets_in_its_own_buffer_and_in_order() {
    let mut line = Line::greeted(config());
    let Event::Mail(mail) = line.event("MAIL FROM:<a@b>\r\n") else { panic!() };
    for number in 0..1000 {
        line.put(format!("RCPT TO:<{number}@d>\r\n"));
        assert!(matches!(line.poll(), Ok(Step::Paused)));
        assert_eq!(line.sent(), "");
    }
    mail.accept(&mut line.server);
    assert_eq!(line.codes("").len(), 1001);
    assert_eq!(line.events.len(), 1000);
    assert_eq!(line.events[999], "RCPT <999@d>");
}

#[test]
fn a_loop_that_reads_on_before_a_handshake_ends_the_session() {
    let mut config = config();
    config.starttls = true;
    let mut line = Line::greeted(config);
    let Event::StartTls(starttls) = line.event("STARTTLS\r\n") else { panic!() };
    assert!(matches!(line.poll(), Ok(Step::Paused)));
    // What a TLS library should have read. The session cannot know whether it is a handshake or an attack.
    line.put([22, 3, 1]);
    line.poll().unwrap_err();
    starttls.accept(&mut line.server);
    assert_eq!(line.codes(""), ["554 5.5.1"], "a farewell, and no go-ahead");
    assert!(matches!(line.poll(), Ok(Step::Closed)));
}

#[test]
fn a_loop_that_forgets_to_write_after_an_error_loses_the_farewell_and_nothing_else() {
    let mut line = Line::greeted(config());
    line.put(vec![b'x'; 2 << 20]);
    line.poll().unwrap_err();
    // The session is over, whether somebody writes or not; and the farewell waits for whoever does.
    for _ in 0..3 {
        assert!(matches!(line.poll(), Ok(Step::Closed)));
    }
    let farewell = line.sent();
    assert!(farewell.contains("421 4.7.0 "), "{farewell}");
    assert_eq!(line.server.poll_timeout(), None);
}

#[test]
fn a_loop_that_writes_nothing_at_all_is_not_read_for_long() {
    let mut line = Line::greeted(config());
    line.put("NOOP\r\n".repeat(100_000));
    assert!(matches!(line.poll(), Ok(Step::Paused)));
    let left = line.input.len();
    assert!(left > 500_000, "{left}");
    assert!(matches!(line.poll(), Ok(Step::Paused)));
    assert_eq!(line.input.len(), left);
}

#[test]
fn a_loop_that_keeps_no_deadline_keeps_its_connection_and_the_session_goes_on() {
    let mut line = Line::greeted(config());
    let deadline = line.server.poll_timeout().unwrap();
    line.now = deadline + Duration::from_secs(3600);
    // Nobody has said that the time is over: what came is answered.
    assert_eq!(line.codes("NOOP\r\n"), ["250 2.0.0"]);
    // A new deadline has begun. It does not matter how late it is told of.
    let deadline = line.server.poll_timeout().unwrap();
    assert!(deadline > line.now);
    line.server.handle_timeout(deadline + Duration::from_secs(3600));
    assert!(line.sent().starts_with("421 "));
    assert_eq!(line.server.close_reason(), Some(CloseReason::TimedOut(Phase::Command)));
}

#[test]
fn a_chunk_that_does_not_fit_comes_back_and_the_message_stays_whole() {
    let mut talk = Talk::after_ehlo("");
    let message = talk.begin_body();
    let mut whole = Vec::new();
    let mut sent = String::new();
    let mut refused = 0;
    for number in 0..100 {
        let mut chunk = Bytes::from(format!("{number:0>9998}\r\n"));
        whole.extend_from_slice(&chunk);
        while let Err(Full(back)) = talk.client.push_body(chunk) {
            refused += 1;
            chunk = back;
            sent.push_str(&talk.sent());
        }
    }
    assert!(refused > 5, "{refused}");
    talk.client.finish_body();
    sent.push_str(&talk.sent());
    assert_eq!(sent.as_bytes(), [&whole[..], b".\r\n"].concat());
    assert!(matches!(&talk.events("250 queued\r\n")[..], [client::Event::Reply(id, _)] if *id == message));
}
