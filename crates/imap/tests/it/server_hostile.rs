//! Attacks of the past on servers, and on clients by way of a server. The table is in `postroad_imap::manual`.

use crate::office::{Desk, Office};
use bytes::Bytes;
use postroad_core::TlsInfo;
use postroad_imap::response::{ListResponse, MailboxStatus, No, ResponseCode, Status};
use postroad_imap::server::{Config, Event, Server};
use postroad_imap::types::MailboxName;
use std::time::{Duration, Instant};

/// There are so many lines, and nothing but CRLF ends one.
fn assert_lines(said: &str, count: usize) {
    assert!(said.ends_with("\r\n"), "{said}");
    let lines: Vec<&str> = said.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), count, "{said:?}");
    assert!(!lines.iter().any(|line| line.contains(['\r', '\n', '\0'])), "{said:?}");
}

/// How many responses there are, the last of which is tagged `a`.
fn lines(said: &str) -> usize {
    let mut units = crate::model_client::Units::default();
    units.push(said.as_bytes());
    let lines: Vec<String> = std::iter::from_fn(|| units.next()).map(|unit| unit.line).collect();
    assert!(units.is_empty() && lines.last().unwrap().starts_with("a OK"), "{said:?}");
    lines.len()
}

/// CVE-2025-15366 and its kin, the other way round: what an application says is data, never a response.
#[test]
fn nothing_that_an_application_says_ends_its_line() {
    const EVIL: &str = "x\r\n* 1 EXPUNGE\r\na OK done\r\n\0";
    let mut config = Config::new();
    config.greeting = EVIL.into();
    config.mechanisms = vec!["EVIL\r\n* BYE".into(), "PLAIN".into()];
    config.id = vec![("name".into(), EVIL.into())];
    let mut desk = Desk::new(config, Office::new(1));
    assert_lines(&desk.take_said(), 1);
    assert_lines(&desk.say("a CAPABILITY\r\n"), 2);
    desk.input.extend_from_slice(b"a LOGIN x y\r\n");
    let Some(Event::Login(login)) = desk.next() else { panic!() };
    login.no(&mut desk.session, No::new(ResponseCode::Alert, EVIL));
    desk.run();
    assert_lines(&desk.take_said(), 1);
    desk.session.inform(Status::No, ResponseCode::Alert, EVIL).unwrap();
    desk.run();
    assert_lines(&desk.take_said(), 1);
    desk.say("a LOGIN bob pickles\r\n");
    assert_eq!(lines(&desk.say("a ID NIL\r\n")), 2);

    // A name with CRLF is no name, so an application cannot even have it; one of a store is told as something else.
    desk.input.extend_from_slice(b"a LIST \"\" *\r\n");
    let Some(Event::List(list)) = desk.next() else { panic!() };
    let name = EVIL.parse::<MailboxName>();
    let has_name = name.is_ok();
    if let Ok(name) = name {
        list.mailbox(&mut desk.session, ListResponse::new(name.clone(), Some('\n'))).unwrap();
        list.status(&mut desk.session, MailboxStatus::new(name)).unwrap();
    }
    let old = ListResponse::new(MailboxName::inbox(), Some('\r'));
    list.mailbox(&mut desk.session, old).unwrap();
    list.ok(&mut desk.session);
    desk.run();
    assert_lines(&desk.take_said(), if has_name { 4 } else { 2 });

    desk.say("a SELECT INBOX\r\n");
    desk.input.extend_from_slice(b"a FETCH 1 FLAGS\r\n");
    let Some(Event::Fetch(fetch)) = desk.next() else { panic!() };
    let section = postroad_imap::types::Section::parse("").unwrap();
    let row = fetch.row(&mut desk.session, 10).unwrap();
    row.preview(Some(EVIL)).email_id("x\r\ny").section(&section, None, Some(Bytes::from(EVIL))).end();
    fetch.ok(&mut desk.session);
    desk.run();
    // What must be told with CRLF is in a literal, whose length says where it ends.
    assert_eq!(lines(&desk.take_said()), 2);
}

/// Octets that belong to a literal are never a command, whatever becomes of the literal (CVE-2026-47240).
#[test]
fn octets_of_a_literal_are_never_a_command() {
    let mut config = Config::new();
    config.max_append = 100;
    config.max_errors = 1000;
    for begin in [
        "a APPEND INBOX {200+}",
        "a APPEND nowhere {50+}",
        "a APPEND INBOX (\\Bad {50+}",
        "a APPEND INBOX {20+}",
        "a SEARCH TEXT {99999+}",
        "a LOGIN {50+}",
        "a FROB {50+}",
        "a IDLE\r\nx {50+}",
        "a STORE 1 FLAGS {50+}",
        "a CREATE \"x\" {50+}",
    ] {
        let mut desk = Desk::new(config.clone(), Office::new(1));
        desk.say("a LOGIN bob pickles\r\na SELECT INBOX\r\n");
        let len: usize = begin.rsplit_once('{').unwrap().1.trim_end_matches("+}").parse().unwrap();
        let evil = "\r\nevil NOOP\r\n".repeat(len / 12 + 1);
        let said = desk.say(format!("{begin}\r\n{} tail\r\nb NOOP\r\n", &evil[..len]));
        assert!(!said.contains("evil"), "{begin}: {said}");
        assert!(said.ends_with("b OK NOOP completed\r\n"), "{begin}: {said}");
    }
}

/// A literal that is announced inside quotes is text (curl issue 20320).
#[test]
fn what_looks_like_a_literal_inside_quotes() {
    let mut desk = Desk::selected(1);
    assert!(desk.say("a CREATE \"{5}\"\r\nb NOOP\r\n").ends_with("b OK NOOP completed\r\n"));
    let said = desk.say("a CREATE \"x {5+}\r\nb NOOP\r\n");
    assert!(said.starts_with("a BAD ") && said.ends_with("b OK NOOP completed\r\n"), "{said}");
}

/// CVE-2019-11500.
#[test]
fn nul_anywhere() {
    for (octets, answer) in [
        (&b"a CREATE \"x\0y\"\r\n"[..], "a BAD "),
        (b"a CREATE \"x\\\0y\"\r\n", "a BAD "),
        (b"a CREATE {3+}\r\nx\0y\r\n", "a BAD "),
        (b"a SEARCH TEXT {3+}\r\nx\0y\r\n", "a BAD "),
        (b"\0 NOOP\r\n", "* BAD "),
        (b"a\0 NOOP\r\n", "* BAD "),
    ] {
        let mut desk = Desk::selected(1);
        let said = desk.say(octets);
        assert!(said.starts_with(answer), "{}: {said}", octets.escape_ascii());
        assert_eq!(desk.say("b NOOP\r\n"), "b OK NOOP completed\r\n");
    }
}

/// CVE-2026-27857: what may not be said before login costs nothing there.
#[test]
fn brackets_before_login() {
    let mut config = Config::new();
    config.max_errors_before_login = 1000;
    config.max_errors = 1000;
    let mut desk = Desk::new(config, Office::new(1));
    desk.take_said();
    let begin = Instant::now();
    for _ in 0..100 {
        let said = desk.say(format!("a SEARCH {}\r\n", "(".repeat(8000)));
        assert!(said.starts_with("a BAD "), "{said}");
        let said = desk.say(format!("a ID {}\r\n", "(".repeat(8000)));
        assert!(said.starts_with("a BAD "), "{said}");
    }
    let said = desk.say(format!("a ID {}\r\n", "(".repeat(1_000_000)));
    assert!(said.starts_with("a BAD [TOOBIG] "), "{said}");
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
}

/// imap-proto issue 90: 10^5 within each other, where the limits would allow it, neither recurse nor take time.
#[test]
fn keys_within_keys() {
    let mut config = Config::new();
    config.max_command = 10 << 20;
    config.max_search_keys = usize::MAX;
    config.max_errors = 1000;
    let mut desk = Desk::new(config, Office::new(1));
    desk.say("a LOGIN bob pickles\r\na SELECT INBOX\r\n");
    let begin = Instant::now();
    for (open, close) in [("NOT ", ""), ("OR ALL ", ""), ("(", ")"), ("NOT (", ")"), ("OR (ALL) (", ")")] {
        let said = desk.say(format!("a SEARCH {}ALL{}\r\n", open.repeat(100_000), close.repeat(100_000)));
        let fine = said.starts_with("* SEARCH") || said.starts_with("a BAD ");
        assert!(fine, "{open}: {}", said.chars().take(100).collect::<String>());
        assert_eq!(desk.say("b NOOP\r\n"), "b OK NOOP completed\r\n");
    }
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
}

/// CVE-2025-25186: a set is ranges, and never its members.
#[test]
fn sets_of_all_numbers() {
    let mut desk = Desk::selected(3);
    let begin = Instant::now();
    let ranges = "1:4294967295,4294967295:1,*:1,".repeat(1500);
    let said = desk.say(format!("a UID FETCH {ranges}7 FLAGS\r\n"));
    assert_eq!(said.matches(" FETCH (").count(), 3, "{said}");
    let said = desk.say(format!("a UID SEARCH UID {ranges}7\r\n"));
    assert_eq!(said, "* SEARCH 10 20 30\r\na OK UID SEARCH completed\r\n");
    assert_eq!(desk.say("a FETCH 1:4294967295 FLAGS\r\n"), "a BAD no such sequence number\r\n");
    assert_eq!(desk.say("a UID COPY 4000000000:4294967295 x\r\n"), "a OK COPY completed\r\n");
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
}

/// Nothing that is made for a log shows a password.
#[test]
fn passwords_are_in_no_log() {
    let secrets = ["pickles", "cGlja2xlcw", "AGJvYgBwaWNrbGVz"];
    let assert_silent = |text: String| {
        for secret in secrets {
            assert!(!text.contains(secret), "{text}");
        }
    };
    let mut config = Config::new();
    config.mechanisms = vec!["PLAIN".into()];
    config.max_errors = 1000;
    config.max_errors_before_login = 1000;
    for octets in [
        "a LOGIN bob pickles\r\n",
        "a LOGIN bob {7+}\r\npickles\r\n",
        "a AUTHENTICATE PLAIN AGJvYgBwaWNrbGVz\r\n",
        "a AUTHENTICATE PLAIN\r\nAGJvYgBwaWNrbGVz\r\n",
        "a AUTHENTICATE PLAIN\r\nAGJvYgBwaWNrbGVz!\r\n",
        "a AUTHENTICATE PLAIN AGJvYgBwaWNrbGVz!\r\n",
        "a LOGIN bob pickles \r\n",
        "a LOGIN bob \"pickles\r\n",
        "a LOGIN bob pickles pickles\r\n",
        "a LOGIN bob pick(les pickles\r\n",
        "a LOGIN bob \"pickles\\x\"\r\n",
        "a LOGINpickles\r\n",
        "a LOG bob pickles\r\n",
        "a\tLOGIN bob pickles\r\n",
    ] {
        let mut desk = Desk::new(config.clone(), Office::new(1));
        desk.input.extend_from_slice(octets.as_bytes());
        while let Some(event) = desk.next() {
            assert_silent(format!("{event:?}"));
            assert_silent(format!("{:?}", desk.session));
            match event {
                Event::Authenticate(token) if token.initial_response().is_none() => {
                    token.challenge(&mut desk.session, b"");
                }
                Event::Login(token) => token.ok(&mut desk.session),
                _ => {}
            }
        }
        assert_silent(format!("{:?}", desk.session));
        assert_silent(desk.take_said());
    }
}

/// Half a command, said in the clear, does not go on under TLS (as it did in Stalwart's receiver).
#[test]
fn half_a_command_does_not_cross_the_handshake() {
    let mut config = Config::new();
    config.starttls = true;
    let mut desk = Desk::with(Server::new(config), Office::new(1));
    desk.take_said();
    // A refused literal leaves octets to be dropped behind: what is owed in the clear is not owed under TLS.
    desk.say("x LOGIN {20+}\r\n0123456789");
    let said = desk.say("0123456789\r\na STARTTLS\r\n");
    assert!(said.contains("a OK "), "{said}");
    desk.session.tls_established(TlsInfo::default());
    assert_eq!(desk.say("b NOOP\r\n"), "b OK NOOP completed\r\n");
    assert!(desk.say("c LOGIN bob pickles\r\n").starts_with("c OK "));
}

/// Commands that are pipelined behind one that may change what they mean (RFC 9051 section 5.5) are run in order, each with what the client
/// was told by then.
#[test]
fn ambiguity_is_resolved_by_order() {
    let mut desk = Desk::selected(3);
    let said = desk.say("a STORE 1 +FLAGS (\\Deleted)\r\nb EXPUNGE\r\nc FETCH 1 UID\r\nd COPY 2 x\r\n");
    assert!(
        said.ends_with(
            "* 1 EXPUNGE\r\nb OK EXPUNGE completed\r\n* 1 FETCH (UID 20)\r\nc OK FETCH completed\r\n\
             d OK [COPYUID 7 30 1] COPY completed\r\n"
        ),
        "{said}"
    );
}
