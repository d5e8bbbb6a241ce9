//! Greetings, senders, recipients, sizes.

use crate::harness::{Line, config};
use postroad_smtp::reply::Rejection;
use postroad_smtp::server::{CloseReason, Config, Event};
use postroad_smtp::{Session, Step};

#[test]
fn who_may_speak() {
    let mut line = Line::new(config());
    assert_eq!(line.codes("MAIL FROM:<a@b>\r\nEHLO\r\nEHLO \r\n"), ["503 5.5.1", "501 5.5.4", "501 5.5.4"]);
    let extensions = line.say("EHLO my_pc (me)\r\n");
    assert_eq!(
        extensions,
        "250-foo.com\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE 52428800\r\n250-ENHANCEDSTATUSCODES\r\n250 HELP\r\n"
    );
    assert_eq!(line.say("HELO [192.0.2.1]\r\n"), "250 foo.com\r\n");
    assert_eq!(line.events, ["EHLO my_pc (me)", "HELO [192.0.2.1]"]);
}

#[test]
fn a_refused_hello_leaves_the_state_as_it_was() {
    let mut line = Line::greeted(config());
    line.say("MAIL FROM:<a@b>\r\n");
    let Event::Hello(hello) = line.event("EHLO other\r\n") else { panic!() };
    hello.reject(&mut line.server, Rejection::relay_denied());
    assert_eq!(line.codes("RCPT TO:<c@d>\r\n"), ["550 5.7.1", "250 2.1.5"]);
}

#[test]
fn a_dropped_hello_closes() {
    let mut line = Line::new(config());
    drop(line.event("EHLO a\r\n"));
    assert_eq!(line.codes("MAIL FROM:<a@b>\r\n"), ["421 4.3.0"]);
    assert_eq!(line.server.close_reason(), Some(CloseReason::Unanswered));
}

#[test]
fn no_parameters_without_extensions() {
    let mut line = Line::new(config());
    assert_eq!(line.codes("HELO a\r\nMAIL FROM:<a@b> SIZE=1\r\n"), ["250", "555 5.5.4"]);
    assert_eq!(line.codes("MAIL FROM:<a@b>\r\n"), ["250 2.1.0"]);
}

#[test]
fn sizes() {
    let mut config = config();
    config.max_message_size = 1000;
    let mut line = Line::greeted(config);
    assert!(line.say("EHLO a\r\n").contains("SIZE 1000\r\n"));
    assert_eq!(line.codes("MAIL FROM:<a@b> SIZE=1001\r\n"), ["552 5.3.4"]);
    assert_eq!(line.codes("MAIL FROM:<a@b> SIZE=99999999999999999999\r\n"), ["552 5.3.4"]);
    assert_eq!(
        line.codes("MAIL FROM:<a@b> SIZE=1000\r\nRCPT TO:<c@d>\r\nDATA\r\n"),
        ["250 2.1.0", "250 2.1.5", "354"]
    );
    // It lied, and is told so at the end of the data.
    assert_eq!(line.say("x".repeat(999)), "");
    assert_eq!(line.say("xx"), "");
    assert_eq!(line.events.last().unwrap(), "ABORTED too large");
    assert_eq!(line.say("x".repeat(5000)), "");
    assert_eq!(line.codes("\r\n.\r\n"), ["552 5.3.4"]);
    assert_eq!(line.codes("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n").last().unwrap(), "354");
    // Stuffed dots do not count: 998 octets and CRLF.
    assert_eq!(line.codes(format!("..{}\r\n.\r\n", "x".repeat(997))), ["250 2.0.0"]);
}

#[test]
fn null_sender_quoted_local_parts_and_postmaster() {
    let mut line = Line::greeted(config());
    assert_eq!(
        line.codes(
            "MAIL FROM:<>\r\nRCPT TO:<\"a b\\\"\"@c.d>\r\nRCPT TO:<postmaster>\r\nRCPT TO:<@x,@y:e@f>\r\n"
        )
        .len(),
        5 - 1
    );
    assert_eq!(line.events[0].split(' ').nth(1), Some("<>"));
    assert_eq!(line.events[1..3], [r#"RCPT <"a b\""@c.d>"#, "RCPT <Postmaster>"]);
    assert!(line.events[3].starts_with("Repaired") && line.events[3].contains("source_route: true"));
    assert_eq!(line.events[4], "RCPT <e@f>");
}

#[test]
fn paths_that_must_be_refused() {
    let mut config = config();
    config.max_errors = 1000;
    let mut line = Line::greeted(config);
    for path in [
        "<>>>>>",
        "<>>",
        "a@b",
        " <a@b>",
        "<a@b",
        "<a@b>x",
        "<a@b>SIZE=1",
        "<Postmaster>",
        "<a@b\0>",
        "<a b@c>",
        "<a@b\r>",
        "<\"a@b>",
        "<a@b> \0",
    ] {
        let codes = line.codes(format!("MAIL FROM:{path}\r\n"));
        assert!(matches!(&codes[..], [code] if code.starts_with("50")), "{path:?} {codes:?}");
    }
    assert_eq!(line.codes("MAIL FROM:<\u{fc}@b>\r\n"), ["553 5.6.7"]);
    assert!(line.events.is_empty(), "{:?}", line.events);
    line.say("MAIL FROM:<a@b>\r\n");
    for path in ["<>", "<a>", "<a@b>,<c@d>", "a@b", "<@:a@b>", "<@x:>"] {
        assert_eq!(line.codes(format!("RCPT TO:{path}\r\n")), ["501 5.5.4"], "{path:?}");
    }
    assert_eq!(
        line.codes("RCPT TO:<\u{fc}@b>\r\nRCPT TO:<a@b> NOTIFY=NEVER\r\n"),
        ["553 5.6.7", "555 5.5.4"]
    );
}

#[test]
fn repairs_are_reported_before_the_command() {
    let mut config = config();
    config.lenience.space_after_colon = true;
    config.lenience.missing_brackets = true;
    config.lenience.bare_lf = true;
    let mut line = Line::greeted(config);
    assert_eq!(line.codes("MAIL FROM: a@b\nNOOP\n"), ["250 2.1.0", "250 2.0.0"]);
    assert_eq!(line.events.len(), 3);
    for repaired in
        ["space_after_colon: true", "missing_brackets: true", "bare_lf: true", "source_route: false"]
    {
        assert!(line.events[0].contains(repaired), "{:?}", line.events);
    }
    assert!(line.events[1].starts_with("MAIL <a@b>") && line.events[2].starts_with("Repaired"));
}

#[test]
fn utf8_by_leave() {
    let mut config = config();
    config.smtp_utf8 = true;
    let mut line = Line::new(config);
    assert!(line.say("EHLO a\r\n").contains("SMTPUTF8"));
    let mail = "MAIL FROM:<\u{fc}@b> SMTPUTF8\r\nRCPT TO:<\u{4f60}@d>\r\n";
    assert_eq!(line.codes(mail), ["250 2.1.0", "250 2.1.5"]);
    assert_eq!(
        line.codes("RSET\r\nMAIL FROM:<a@b>\r\nRCPT TO:<\u{fc}@d>\r\n"),
        ["250 2.0.0", "250 2.1.0", "553 5.6.7"]
    );
    assert_eq!(Line::greeted(super::harness::config()).codes("MAIL FROM:<a@b> SMTPUTF8\r\n"), ["555 5.5.4"]);
}

#[test]
fn too_many_recipients() {
    let mut config = config();
    config.max_recipients = 2;
    let mut line = Line::greeted(config);
    line.say("MAIL FROM:<a@b>\r\n");
    let codes = line.codes("RCPT TO:<c@d>\r\nRCPT TO:<e@f>\r\nRCPT TO:<g@h>\r\nDATA\r\n.\r\n");
    assert_eq!(codes, ["250 2.1.5", "250 2.1.5", "452 4.5.3", "354", "250 2.0.0"]);
    assert_eq!(line.codes("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"), ["250 2.1.0", "250 2.1.5"]);
}

#[test]
fn a_refused_recipient_is_not_the_others_business() {
    let mut line = Line::greeted(config());
    line.say("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n");
    let Event::Rcpt(rcpt) = line.event("RCPT TO:<e@f>\r\n") else { panic!() };
    rcpt.reject(&mut line.server, Rejection::mailbox_unavailable());
    assert_eq!(line.server.recipients(), 1);
    assert_eq!(line.codes("DATA\r\n"), ["550 5.1.1", "354"]);
}

#[test]
fn resets() {
    let mut line = Line::greeted(config());
    assert_eq!(
        line.codes("RSET\r\nMAIL FROM:<a@b>\r\nRSET\r\nMAIL FROM:<a@b>\r\nEHLO c\r\nDATA\r\n").len(),
        6
    );
    let names: Vec<&str> = line.events.iter().map(|event| event.split(' ').next().unwrap()).collect();
    assert_eq!(names, ["MAIL", "Reset", "MAIL", "EHLO", "Reset"]);
}

#[test]
fn order_of_commands() {
    let mut line = Line::greeted(config());
    assert_eq!(line.codes("RCPT TO:<a@b>\r\nDATA\r\n"), ["503 5.5.1", "503 5.5.1"]);
    assert_eq!(
        line.codes("MAIL FROM:<a@b>\r\nMAIL FROM:<a@b>\r\nDATA\r\n"),
        ["250 2.1.0", "503 5.5.1", "554 5.5.1"]
    );
}

#[test]
fn a_refused_mail_does_not_make_errors_of_what_was_pipelined_behind_it() {
    let mut line = Line::greeted(config());
    let Event::Mail(mail) = line.event("MAIL FROM:<a@b>\r\n") else { panic!() };
    mail.reject(&mut line.server, Rejection::temporary());
    let codes = line.codes("RCPT TO:<c@d>\r\n".repeat(50) + "DATA\r\nQUIT\r\n");
    assert_eq!(codes.len(), 53);
    assert_eq!(codes.last().unwrap(), "221 2.0.0");
}

#[test]
fn what_the_session_answers_by_itself() {
    let mut line = Line::new(config());
    assert_eq!(
        line.codes("NOOP\r\nNOOP x y\r\nHELP\r\nHELP MAIL\r\nVRFY Smith\r\nEXPN List\r\nRSET\r\nVRFY\r\n"),
        [
            "250 2.0.0",
            "250 2.0.0",
            "214 2.0.0",
            "214 2.0.0",
            "252 2.1.5",
            "502 5.5.1",
            "250 2.0.0",
            "501 5.5.4"
        ]
    );
    assert_eq!(line.codes("quit\r\nNOOP\r\n"), ["221 2.0.0"]);
    assert_eq!(line.server.close_reason(), Some(CloseReason::Quit));
    assert!(line.events.is_empty());
}

#[test]
fn commands_in_one_segment_are_answered_in_order() {
    let mut line = Line::new(config());
    let codes = line.codes(
        "EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nRCPT TO:<e@f>\r\nDATA\r\nhello\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\nbounce\r\n.\r\nQUIT\r\n",
    );
    assert_eq!(
        codes,
        [
            "250",
            "250 2.1.0",
            "250 2.1.5",
            "250 2.1.5",
            "354",
            "250 2.0.0",
            "250 2.1.0",
            "250 2.1.5",
            "354",
            "250 2.0.0",
            "221 2.0.0"
        ]
    );
    let messages: Vec<&String> = line.events.iter().filter(|event| event.starts_with("MESSAGE")).collect();
    assert_eq!(messages, [r"MESSAGE hello\r\n", r"MESSAGE bounce\r\n"]);
}

#[test]
fn end_of_input() {
    // What was read is served, half a line is not.
    let mut line = Line::greeted(config());
    line.put("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nNOO");
    line.server.handle_eof();
    assert_eq!(line.codes(""), ["250 2.1.0", "250 2.1.5"]);
    assert!(line.closed);
    assert_eq!(line.server.close_reason(), Some(CloseReason::EndOfInput));

    // Half a message is none.
    let mut line = Line::greeted(config());
    line.say("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nhalf a message\r\n");
    line.server.handle_eof();
    assert_eq!(line.run(), "");
    assert!(line.closed && !line.events.iter().any(|event| event.starts_with("MESSAGE")));

    // A decision that is out may still be taken.
    let mut line = Line::greeted(config());
    let Event::Mail(mail) = line.event("MAIL FROM:<a@b>\r\n") else { panic!() };
    line.server.handle_eof();
    assert!(matches!(line.poll(), Ok(Step::Paused)));
    mail.accept(&mut line.server);
    assert_eq!(line.codes(""), ["250 2.1.0"]);
    assert!(line.closed);
}

#[test]
fn goodbye_waits_for_what_is_half_done() {
    let goodbye = |before: &str| {
        let mut line = Line::greeted(Config::clone(&config()));
        line.say(before);
        line.server.goodbye();
        line
    };
    let mut idle = goodbye("");
    assert_eq!(idle.codes(""), ["421 4.3.2"]);
    assert_eq!(idle.server.close_reason(), Some(CloseReason::Goodbye));

    let mut in_message = goodbye("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nhel");
    assert_eq!(in_message.codes("lo\r\n.\r\nMAIL FROM:<a@b>\r\n"), ["250 2.0.0", "421 4.3.2"]);

    let mut line = Line::greeted(config());
    let Event::Mail(mail) = line.event("MAIL FROM:<a@b>\r\n") else { panic!() };
    line.server.goodbye();
    assert!(matches!(line.poll(), Ok(Step::Paused)));
    mail.accept(&mut line.server);
    assert_eq!(line.codes(""), ["250 2.1.0", "421 4.3.2"]);
}
