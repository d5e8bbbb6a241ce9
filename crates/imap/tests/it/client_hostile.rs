//! The client session against servers, and people in between, that mean no good.

use crate::client::append;
use crate::client_talk::{Talk, command, done, in_clear, quiet};
use bytes::{BufMut, BytesMut};
use postroad_imap::client::{Config, Error, Event, LimitReached, ServerFault};
use postroad_imap::command::CommandBody;
use postroad_imap::response::{Lenience, Response, Status};
use postroad_imap::types::TlsInfo;
use postroad_imap::{Session, Step};

#[test]
fn octets_behind_the_answer_to_starttls() {
    let mut talk = Talk::plain(quiet());
    talk.events("* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\n");
    talk.send(CommandBody::StartTls);
    talk.sent();
    let error = talk.error("A1 OK go\r\n* CAPABILITY EVIL\r\n");
    assert_eq!(error, Error::Server(ServerFault::InjectedBeforeTls { octets: 19 }));

    // In a packet of their own.
    let mut talk = Talk::plain(quiet());
    talk.events("* OK hi\r\n");
    talk.send(CommandBody::StartTls);
    talk.sent();
    talk.events("A1 OK go\r\n");
    assert_eq!(talk.error("*"), Error::Server(ServerFault::InjectedBeforeTls { octets: 1 }));
}

#[test]
fn an_answer_to_a_command_that_was_not_sent_yet() {
    // The whole of the answers comes with the greeting: nobody has seen the command.
    let mut talk = Talk::plain(quiet());
    talk.send(CommandBody::StartTls);
    assert_eq!(talk.error("* OK hi\r\nA1 OK go ahead\r\n"), Error::Server(ServerFault::EarlyOk));
    let mut talk = Talk::plain(quiet());
    talk.send(CommandBody::StartTls);
    assert_eq!(talk.error("* OK hi\r\nA1 NO not here\r\n"), Error::Server(ServerFault::UnknownTag));
}

#[test]
fn ok_before_the_literal_was_sent() {
    let mut talk = Talk::greeted(quiet(), "");
    talk.send(command("LOGIN {2}\r\n\u{fc} p"));
    assert_eq!(talk.sent(), "A1 LOGIN {2}\r\n");
    assert_eq!(talk.error("A1 OK sure\r\n"), Error::Server(ServerFault::EarlyOk));

    let mut talk = Talk::selected(quiet(), "", 0);
    talk.client.append(append(&[5])).unwrap();
    talk.sent();
    talk.events("+ go\r\n");
    assert_eq!(talk.error("A2 OK sure\r\n"), Error::Server(ServerFault::EarlyOk));
}

#[test]
fn ok_in_the_middle_of_an_exchange() {
    for response in ["", " ="] {
        let mut talk = Talk::greeted(quiet(), "AUTH=PLAIN");
        talk.send(command(&format!("AUTHENTICATE PLAIN{response}")));
        talk.sent();
        if response.is_empty() {
            talk.events("+ \r\n");
        }
        assert_eq!(talk.error("A1 OK sure\r\n"), Error::Server(ServerFault::EarlyOk));
    }
}

#[test]
fn tags_that_were_never_sent_or_are_answered() {
    for line in ["A9 OK sure\r\n", "a1 OK sure\r\n", "A1 OK again\r\n", "A2 BYE\r\n"] {
        let mut talk = Talk::greeted(quiet(), "");
        talk.send(CommandBody::Noop);
        talk.send(CommandBody::Noop);
        talk.sent();
        talk.events("A1 OK x\r\n");
        let error = talk.error(line);
        assert!(
            matches!(error, Error::Server(ServerFault::UnknownTag | ServerFault::Malformed(_))),
            "{line}: {error}"
        );
    }
}

#[test]
fn continuations_that_nobody_waits_for() {
    let mut talk = Talk::greeted(quiet(), "");
    assert_eq!(talk.error("+ more\r\n"), Error::Server(ServerFault::UnexpectedContinuation));

    let mut talk = Talk::selected(quiet(), "", 0);
    talk.client.append(append(&[5])).unwrap();
    talk.sent();
    talk.events("+ go\r\n");
    assert_eq!(talk.error("+ go on\r\n"), Error::Server(ServerFault::UnexpectedContinuation));

    let mut talk = Talk::selected(quiet(), "IDLE", 0);
    talk.send(CommandBody::Idle);
    talk.sent();
    talk.events("+ idling\r\n");
    assert_eq!(talk.error("+ idling\r\n"), Error::Server(ServerFault::UnexpectedContinuation));

    let mut talk = Talk::greeted(quiet(), "AUTH=PLAIN");
    talk.send(command("AUTHENTICATE PLAIN"));
    talk.sent();
    talk.events("+ \r\n");
    assert_eq!(talk.error("+ \r\n"), Error::Server(ServerFault::UnexpectedContinuation));
}

#[test]
fn preauth_in_the_clear() {
    // STARTTLS could not be sent any more: whoever says this keeps the connection in the clear.
    let mut talk = Talk::plain(Config::new());
    assert_eq!(talk.error("* PREAUTH hi\r\n"), Error::Server(ServerFault::PreauthInClear));
    let mut talk = Talk::plain(in_clear());
    assert!(matches!(&talk.events("* PREAUTH hi\r\n")[..], [Event::Greeting(_)]));
    let mut talk = Talk::with(quiet());
    assert!(matches!(&talk.events("* PREAUTH hi\r\n")[..], [Event::Greeting(_)]));
}

#[test]
fn no_greeting() {
    for line in
        ["HTTP/1.1 400 Bad Request\r\n", "* 5 EXISTS\r\n", "A1 OK hi\r\n", "+ hi\r\n", "* NO\r\n", "\r\n"]
    {
        let mut talk = Talk::with(quiet());
        let error = talk.error(line);
        assert!(matches!(error, Error::Server(ServerFault::Malformed(_))), "{line}: {error}");
    }
    let mut talk = Talk::with(quiet());
    let error = talk.error("* 1 FETCH (BODY[] {100000}\r\n");
    assert!(matches!(error, Error::Server(ServerFault::Malformed(_))), "{error}");
}

#[test]
fn nothing_but_crlf_ends_a_line() {
    for (line, at) in [("* OK a\nA1 OK x\r\n", 6), ("* OK a\rA1 OK x\r\n", 6), ("* OK a\0\r\n", 6)] {
        let mut talk = Talk::greeted(quiet(), "");
        assert_eq!(talk.error(line), Error::Server(ServerFault::ForbiddenOctet { at }));
    }
}

#[test]
fn text_that_looks_like_a_literal_is_text() {
    let mut talk = Talk::selected(quiet(), "", 5);
    let id = talk.send(CommandBody::Noop);
    talk.sent();
    let events = talk.events(
        "* OK still here {5}\r\n* NO [X {2}\r\n* BAD {9}\r\n* LIST () \"/\" \"{3}\"\r\n* LIST () \"/\" {2}\r\nab\r\nA2 NO [Y] {70000}\r\n",
    );
    assert_eq!(events.len(), 6, "{events:?}");
    assert_eq!(done(&events[5]), Some((id, Status::No)));
    assert_eq!(talk.events("* 6 EXISTS\r\n"), [Event::Exists(6)]);
}

#[test]
fn what_is_not_known_is_kept() {
    let mut talk = Talk::selected(quiet(), "", 5);
    let events = talk.events("* X-SURPRISE (a \"b\" {3}\r\nc\r\n)\r\n* OK [X-CODE some thing] text\r\n");
    let [Event::Data { of: None, response: unknown }, Event::Data { of: None, response: status }] =
        &events[..]
    else {
        panic!("{events:?}")
    };
    assert!(matches!(unknown, Response::Unknown { .. }), "{unknown:?}");
    assert!(matches!(status, Response::Status(status) if status.code.is_some()), "{status:?}");
}

#[test]
fn a_response_that_cannot_be_read_costs_only_itself() {
    let mut talk = Talk::selected(quiet(), "", 5);
    let fetch = talk.send(command("UID FETCH 1:* (UID FLAGS)"));
    talk.sent();
    let events = talk.events(
        "* 1 FETCH (UID 1 FLAGS ())\r\n* 2 FETCH nothing\r\n* 3 FETCH (UID 3 FLAGS ())\r\nA2 OK x\r\n",
    );
    let [first, Event::Repaired(_), unknown, third, _] = &events[..] else { panic!("{events:?}") };
    assert!(matches!(first, Event::Row { of, .. } if *of == Some(fetch)));
    assert!(
        matches!(unknown, Event::Data { of: None, response: Response::Unknown(unknown) } if unknown.raw() == "2 FETCH nothing")
    );
    assert!(matches!(third, Event::Row { of, .. } if *of == Some(fetch)));
    // Without lenience it is told apart, and the session goes on all the same.
    let mut config = quiet();
    config.lenience = Lenience::strict();
    let mut talk = Talk::selected(config, "", 5);
    let events = talk.events("* 2 FETCH nothing\r\n* 6 EXISTS\r\n");
    let [Event::Malformed { unit, .. }, Event::Exists(6)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(unit, "* 2 FETCH nothing");
}

#[test]
fn responses_have_a_limit() {
    let mut config = quiet();
    config.max_response = 1000;
    config.stream_above = 100;
    let limit = 1000;
    for line in [
        format!("* OK {}", "x".repeat(1000)),
        "* LIST () \"/\" {2000}\r\n".into(),
        "* LIST () \"/\" {99999999999999999999}\r\n".into(),
    ] {
        let mut talk = Talk::selected(config.clone(), "", 5);
        assert_eq!(talk.error(line), Error::Limit(LimitReached::Response { limit }));
    }
    // Many literals in one, none of them large.
    let mut talk = Talk::selected(config.clone(), "", 5);
    let part = format!("{{99}}\r\n{} ", "x".repeat(99));
    assert_eq!(
        talk.error(format!("* X ({}", part.repeat(12))),
        Error::Limit(LimitReached::Response { limit })
    );
    // A row whose streamed sections are small beside what stands between them.
    let mut talk = Talk::selected(config, "", 5);
    talk.send(command("UID FETCH 1 (BODY[])"));
    talk.sent();
    let part = format!(" X-{} {{101}}\r\n{}", "x".repeat(400), "y".repeat(101));
    let row = format!(
        "* 1 FETCH (BODY[] {{101}}\r\n{}{}",
        "y".repeat(101),
        part.repeat(4).replace("X-", "BODY[] NIL X-")
    );
    let mut talk_input = BytesMut::from(row.as_str());
    for _ in 0..20 {
        match talk.client.poll_event(talk.now, &mut talk_input) {
            Ok(Step::Event(_)) => {}
            Ok(Step::NeedInput) => break,
            other => {
                assert!(matches!(other, Err(Error::Limit(_))), "{other:?}");
                break;
            }
        }
    }
}

#[test]
fn a_body_is_streamed_in_bounded_memory() {
    const LEN: u64 = 64 << 20;
    let mut talk = Talk::selected(quiet(), "", 5);
    let fetch = talk.send(command("UID FETCH 7 (UID FLAGS BODY.PEEK[])"));
    talk.sent();
    let events = talk.events(format!("* 3 FETCH (UID 7 BODY[] {{{LEN}}}\r\n"));
    let [Event::Body { of, number: 3, uid: Some(7), body }] = &events[..] else { panic!("{events:?}") };
    assert_eq!((*of, body.len), (Some(fetch), LEN));
    assert!(body.section.is_some() && body.origin.is_none() && !body.binary);
    let (block, mut received) = (vec![b'x'; 16 << 10], 0);
    while received < LEN {
        talk.input.put_slice(&block);
        assert!(talk.input.capacity() <= 64 << 10, "{}", talk.input.capacity());
        while let Ok(Step::Event(event)) = talk.step() {
            let Event::Chunk(chunk) = event else { panic!("{event:?}") };
            received += chunk.len() as u64;
        }
        assert!(talk.input.is_empty());
    }
    assert_eq!(received, LEN);
    let events = talk.events(" FLAGS (\\Seen))\r\nA2 OK x\r\n");
    let Event::Row { of, row } = &events[0] else { panic!("{events:?}") };
    assert_eq!(*of, Some(fetch));
    assert_eq!((row.number(), row.uid(), row.flags().unwrap().count()), (3, Some(7), 1));
    assert_eq!(done(&events[1]), Some((fetch, Status::Ok)));
}

#[test]
fn large_and_small_sections_in_one_row() {
    let mut config = quiet();
    config.stream_above = 10;
    let mut talk = Talk::selected(config, "", 5);
    let fetch = talk.send(command("UID FETCH 7 (BODY[1] BODY[2] BODY[3]<0.20> ENVELOPE)"));
    talk.sent();
    let events = talk.events(
        "* 3 FETCH (BODY[1] {11}\r\nhello world BODY[2] {5}\r\nsmall BODY[3]<0> {20}\r\n01234567890123456789 UID 7)\r\n",
    );
    let names: Vec<String> = events
        .iter()
        .map(|event| match event {
            Event::Body { body, uid, .. } => format!("body {} {:?} {uid:?}", body.len, body.origin),
            Event::Chunk(chunk) => format!("chunk {}", chunk.len()),
            Event::Row { of, row } => {
                format!("row {} {:?} {}", *of == Some(fetch), row.uid(), row.sections().count())
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        names,
        ["body 11 None None", "chunk 11", "body 20 Some(0) None", "chunk 20", "row true Some(7) 3"]
    );
}

#[test]
fn only_sections_of_messages_are_streamed() {
    let mut config = quiet();
    config.stream_above = 10;
    let mut talk = Talk::selected(config, "", 5);
    let subject = "x".repeat(50);
    let events = talk.events(format!(
        "* 3 FETCH (ENVELOPE (NIL {{50}}\r\n{subject} NIL NIL NIL NIL NIL NIL NIL NIL))\r\n* LIST () \"/\" {{50}}\r\n{subject}\r\n"
    ));
    let [Event::Row { row, .. }, Event::Data { .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(row.envelope().unwrap().subject().unwrap().len(), 50);
}

#[test]
fn a_row_that_breaks_behind_a_streamed_body() {
    let mut config = quiet();
    config.stream_above = 10;
    config.lenience = Lenience::strict();
    let mut talk = Talk::selected(config, "", 5);
    let noop = talk.send(CommandBody::Noop);
    talk.sent();
    let events = talk.events("* 3 FETCH (BODY[1] {11}\r\nhello world nonsense\r\nA2 OK x\r\n");
    let [Event::Body { .. }, Event::Chunk(_), Event::Malformed { .. }, end] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(done(end), Some((noop, Status::Ok)));
    // One that is no row from the beginning is dropped with its octets.
    let events = talk
        .events("* 3 FETCH (; BODY[1] {11}\r\nhello world BODY[2] {12}\r\nhello worlds)\r\n* 6 EXISTS\r\n");
    assert!(matches!(&events[..], [Event::Malformed { .. }, Event::Exists(6)]), "{events:?}");
}

#[test]
fn nothing_of_a_mailbox_is_told_in_the_clear() {
    let mut config = quiet();
    config.stream_above = 10;
    let mut talk = Talk::plain(config);
    talk.events("* OK hi\r\n");
    assert_eq!(
        talk.events("* 1 FETCH (BODY[] {11}\r\nhello world)\r\n* 5 EXISTS\r\n* OK [REFERRAL imap://evil/] x\r\n* LIST () \"/\" x\r\n"),
        []
    );
    talk.send(CommandBody::StartTls);
    talk.sent();
    talk.events("A1 OK x\r\n");
    talk.client.tls_established(TlsInfo::new()).unwrap();
    assert_eq!(talk.client.exists(), None);
    assert_eq!(talk.events("* OK [ALERT] now it counts\r\n").len(), 1);
}

#[test]
fn repairs_are_told() {
    let mut talk = Talk::selected(quiet(), "", 5);
    let events =
        talk.events("* 3 FETCH (UID 7 ENVELOPE (NIL \"\u{e9}\" NIL NIL NIL NIL NIL NIL NIL NIL))\r\n");
    let [Event::Repaired(repairs), Event::Row { .. }] = &events[..] else { panic!("{events:?}") };
    assert!(!repairs.is_empty());
}

#[test]
fn a_flood_of_news_is_not_kept() {
    let mut talk = Talk::selected(quiet(), "", 5);
    let block = "* 6 EXISTS\r\n* 6 EXPUNGE\r\n* 3 FETCH (FLAGS (\\Seen))\r\n* OK [ALERT] buy\r\n".repeat(100);
    for _ in 0..100 {
        talk.input.put_slice(block.as_bytes());
        for _ in 0..400 {
            assert!(matches!(talk.step(), Ok(Step::Event(_))));
        }
        assert!(matches!(talk.step(), Ok(Step::NeedInput)));
        assert!(talk.input.capacity() <= 4 * block.len());
    }
    assert_eq!(talk.sent(), "");
}

#[test]
fn debug_tells_no_secret() {
    let mut talk = Talk::greeted(quiet(), "AUTH=PLAIN");
    talk.send(command("LOGIN tanstaaf hunter2"));
    talk.send(command("AUTHENTICATE PLAIN aHVudGVyMg=="));
    assert!(!format!("{:?}", talk.client).contains("hunter2"));
    let refused = talk.client.send(command("STARTTLS")).unwrap_err();
    assert!(!format!("{refused:?}").contains("hunter2"));
}
