//! Tokens that are dropped, come too late, or come to the wrong session.

use crate::harness::{Line, config};
use postroad_smtp::reply::{Rejection, ReplyText};
use postroad_smtp::server::Event;
use postroad_smtp::{Session, Step};

#[test]
fn dropped_tokens_are_answered_by_the_session() {
    let mut line = Line::greeted(config());
    drop(line.event("MAIL FROM:<a@b>\r\n"));
    assert_eq!(line.codes("MAIL FROM:<a@b>\r\n"), ["451 4.3.0", "250 2.1.0"]);
    drop(line.event("RCPT TO:<c@d>\r\n"));
    assert_eq!(line.codes("DATA\r\nRCPT TO:<c@d>\r\n"), ["451 4.3.0", "554 5.5.1", "250 2.1.5"]);
    drop(line.event("DATA\r\n"));
    assert_eq!(line.codes("DATA\r\n"), ["451 4.3.0", "354"]);
    drop(line.event(".\r\n"));
    assert_eq!(line.codes("MAIL FROM:<a@b>\r\n"), ["451 4.3.0", "250 2.1.0"]);
}

#[test]
fn nothing_is_read_while_a_token_is_out() {
    let mut line = Line::greeted(config());
    let Event::Mail(mail) = line.event("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n") else { panic!() };
    for _ in 0..3 {
        assert!(matches!(line.poll(), Ok(Step::Paused)));
        assert_eq!(line.input, "RCPT TO:<c@d>\r\n");
    }
    assert_eq!(line.sent(), "");
    mail.accept(&mut line.server);
    assert_eq!(line.codes(""), ["250 2.1.0", "250 2.1.5"]);
}

#[test]
fn a_token_of_another_session_does_nothing_there_and_counts_as_dropped_at_home() {
    let (mut home, mut other) = (Line::greeted(config()), Line::greeted(config()));
    let Event::Mail(of_home) = home.event("MAIL FROM:<a@b>\r\n") else { panic!() };
    let Event::Mail(of_other) = other.event("MAIL FROM:<c@d>\r\n") else { panic!() };
    of_home.accept(&mut other.server);
    assert_eq!(other.sent(), "");
    assert!(matches!(other.poll(), Ok(Step::Paused)));
    assert_eq!(home.codes(""), ["451 4.3.0"]);
    of_other.accept(&mut other.server);
    assert_eq!(other.codes(""), ["250 2.1.0"]);
}

#[test]
fn tokens_of_a_session_that_is_over_do_nothing() {
    type Answer = fn(Event, &mut Line);
    let answers: [Answer; 2] = [
        |event, line| match event {
            Event::Hello(token) => token.accept(&mut line.server),
            Event::Mail(token) => token.accept(&mut line.server),
            Event::Rcpt(token) => token.accept(&mut line.server),
            Event::Data(token) => token.accept(&mut line.server),
            Event::DataEnd(token) => token.accept(&mut line.server, ReplyText::new("queued")),
            other => panic!("{other:?}"),
        },
        |event, line| match event {
            Event::Hello(token) => token.reject(&mut line.server, Rejection::temporary()),
            Event::Mail(token) => token.reject(&mut line.server, Rejection::temporary()),
            Event::Rcpt(token) => token.reject(&mut line.server, Rejection::temporary()),
            Event::Data(token) => token.reject(&mut line.server, Rejection::temporary()),
            Event::DataEnd(token) => token.reject(&mut line.server, Rejection::temporary()),
            other => panic!("{other:?}"),
        },
    ];
    for answer in answers {
        let mut before = String::new();
        for command in ["EHLO a\r\n", "MAIL FROM:<a@b>\r\n", "RCPT TO:<c@d>\r\n", "DATA\r\n", ".\r\n"] {
            let mut line = Line::new(config());
            line.say(&before);
            let event = line.event(command);
            let deadline = line.server.poll_timeout().unwrap();
            line.server.handle_timeout(deadline);
            assert!(line.sent().starts_with("421 4.3.0 "), "{command}");
            answer(event, &mut line);
            assert_eq!(line.sent(), "", "{command}");
            assert!(matches!(line.poll(), Ok(Step::Closed)));
            before.push_str(command);
        }
    }
}
