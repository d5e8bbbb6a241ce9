//! The server session: states, answers, what may be told when, and misuse of its tokens.

use crate::office::{Desk, Office, flag};
use bytes::{Bytes, BytesMut};
use postroad_core::{Full, Session, Step, TlsInfo};
use postroad_imap::response::{No, Status};
use postroad_imap::server::{
    ApiMisuse, Config, CopyUid, Error, Event, PeerFault, RowError, SectionItem, Server, State,
};
use postroad_imap::types::{Flag, Section, SectionText, UidSet};
use postroad_imap::view::Change;
use std::sync::Arc;
use std::time::Instant;

fn whole() -> Section {
    Section::new(Vec::new(), SectionText::Whole).unwrap()
}

#[test]
fn a_session_from_greeting_to_logout() {
    let mut desk = Desk::new(Config::new(), Office::new(2));
    let greeting = desk.take_said();
    assert!(greeting.starts_with("* OK [CAPABILITY IMAP4rev1 IMAP4rev2 "), "{greeting}");
    let said = desk.say("a LOGIN bob pickles\r\n");
    assert!(said.starts_with("a OK [CAPABILITY IMAP4rev1 IMAP4rev2 ") && said.contains(" MOVE "), "{said}");
    assert_eq!(
        desk.say("b SELECT inbox\r\n"),
        "* 2 EXISTS\r\n* 0 RECENT\r\n* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\r\n\
         * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)] flags that stay\r\n\
         * OK [UIDVALIDITY 1795392000] UIDs valid\r\n* OK [UIDNEXT 30] next UID\r\nb OK [READ-WRITE] SELECT completed\r\n"
    );
    assert_eq!(
        desk.say("c FETCH 1:* (FLAGS UID RFC822.SIZE)\r\n"),
        "* 1 FETCH (FLAGS () UID 10 RFC822.SIZE 27)\r\n* 2 FETCH (FLAGS () UID 20 RFC822.SIZE 27)\r\nc OK FETCH completed\r\n"
    );
    assert_eq!(
        desk.say("d UID FETCH 20 BODY.PEEK[]\r\n"),
        "* 2 FETCH (UID 20 BODY[] {27}\r\nSubject: mail 2\r\n\r\nbody 2\r\n)\r\nd OK FETCH completed\r\n"
    );
    assert_eq!(
        desk.say("e STORE 1 +FLAGS (\\Deleted)\r\nf EXPUNGE\r\n"),
        "* 1 FETCH (FLAGS (\\Deleted))\r\ne OK STORE completed\r\n* 1 EXPUNGE\r\nf OK EXPUNGE completed\r\n"
    );
    assert_eq!(desk.say("g LOGOUT\r\n"), "* BYE logging out\r\ng OK LOGOUT completed\r\n");
    assert_eq!(desk.ended.as_deref(), Some("closed"));
}

#[test]
fn commands_in_the_wrong_state_change_nothing() {
    let mut desk = Desk::new(Config::new(), Office::new(1));
    desk.take_said();
    assert_eq!(desk.say("a SELECT INBOX\r\n"), "a BAD log in first\r\n");
    assert_eq!(desk.say("a FETCH 1 FLAGS\r\n"), "a BAD log in first\r\n");
    desk.say("a LOGIN bob pickles\r\n");
    assert_eq!(desk.say("a FETCH 1 FLAGS\r\n"), "a BAD select a mailbox first\r\n");
    assert_eq!(desk.say("a LOGIN bob pickles\r\n"), "a BAD already logged in\r\n");
    assert_eq!(desk.say("a STARTTLS\r\n"), "a BAD already logged in\r\n");
    assert_eq!(desk.session.state(), State::Authenticated);
    assert_eq!(desk.say("a SELECT nothing\r\n"), "a NO [NONEXISTENT] no such mailbox\r\n");
    desk.say("a SELECT INBOX\r\n");
    assert_eq!(desk.session.state(), State::Selected);
    // A SELECT that fails leaves none selected (RFC 9051 section 6.3.2).
    desk.say("a SELECT nothing\r\n");
    assert_eq!(desk.session.state(), State::Authenticated);
}

#[test]
fn an_examined_mailbox_is_not_changed() {
    let mut desk = Desk::new(Config::new(), Office::new(1));
    desk.say("a LOGIN bob pickles\r\n");
    let said = desk.say("b EXAMINE INBOX\r\n");
    assert!(
        said.contains("[PERMANENTFLAGS ()]") && said.ends_with("b OK [READ-ONLY] EXAMINE completed\r\n"),
        "{said}"
    );
    desk.input.extend_from_slice(b"c FETCH 1 BODY[]\r\n");
    let Some(Event::Fetch(fetch)) = desk.next() else { panic!() };
    assert!(!fetch.sets_seen());
    fetch.ok(&mut desk.session);
    desk.run();
    for command in ["STORE 1 FLAGS (\\Seen)", "EXPUNGE", "MOVE 1 x", "UID MOVE 10 x"] {
        assert_eq!(desk.say(format!("c {command}\r\n")), "c NO the mailbox is read-only\r\n");
    }
}

#[test]
fn a_body_without_peek_sets_seen() {
    let mut desk = Desk::selected(1);
    for (item, sets) in [("BODY[]", true), ("BODY.PEEK[]", false), ("RFC822", true), ("RFC822.HEADER", false)]
    {
        desk.input.extend_from_slice(format!("c FETCH 1 {item}\r\n").as_bytes());
        let Some(Event::Fetch(fetch)) = desk.next() else { panic!() };
        assert_eq!(*fetch.sets_seen(), sets, "{item}");
        fetch.ok(&mut desk.session);
        desk.run();
    }
}

#[test]
fn log_in_needs_tls_unless_told_otherwise() {
    let mut config = Config::new();
    config.starttls = true;
    config.mechanisms = vec!["PLAIN".into(), "SCRAM-SHA-256".into()];
    config.secret_mechanisms = vec!["SCRAM-SHA-256".into()];
    let mut desk = Desk::with(Server::new(config), Office::new(1));
    let greeting = desk.take_said();
    assert!(greeting.contains(" STARTTLS LOGINDISABLED AUTH=SCRAM-SHA-256]"), "{greeting}");
    assert!(desk.say("a LOGIN bob pickles\r\n").starts_with("a NO [PRIVACYREQUIRED]"));
    assert!(desk.say("a AUTHENTICATE PLAIN AGJvYgBwaWNrbGVz\r\n").starts_with("a NO [PRIVACYREQUIRED]"));
    assert_eq!(desk.office.heard, [] as [String; 0]);
    assert_eq!(desk.say("b STARTTLS\r\n"), "b OK begin TLS negotiation now\r\n");
    assert!(matches!(desk.session.poll_event(desk.now, &mut desk.input), Ok(Step::Paused)));
    desk.session.tls_established(TlsInfo::default());
    let said = desk.say("c CAPABILITY\r\n");
    assert!(said.contains(" AUTH=PLAIN AUTH=SCRAM-SHA-256\r\n") && !said.contains("STARTTLS"), "{said}");
    assert!(desk.say("d AUTHENTICATE PLAIN AGJvYgBwaWNrbGVz\r\n").starts_with("d OK [CAPABILITY "));
}

#[test]
fn octets_behind_starttls_end_the_session() {
    let mut config = Config::new();
    config.starttls = true;
    let mut session = Server::new(config);
    let mut input = BytesMut::from("a STARTTLS\r\nb LOGIN eve x\r\n");
    let error = session.poll_event(Instant::now(), &mut input).unwrap_err();
    assert_eq!(error, Error::Peer(PeerFault::InjectedBeforeTls { octets: 15 }));
    assert!(matches!(session.poll_event(Instant::now(), &mut input), Ok(Step::Closed)));
}

#[test]
fn octets_before_the_handshake_end_the_session() {
    let mut config = Config::new();
    config.starttls = true;
    let mut desk = Desk::with(Server::new(config), Office::new(1));
    desk.say("a STARTTLS\r\n");
    desk.say("b NOOP\r\n");
    assert_eq!(
        desk.ended.as_deref(),
        Some("the peer broke the protocol: 8 octets in the clear behind STARTTLS")
    );
}

#[test]
fn sasl_in_steps_and_cancelled() {
    let mut config = Config::new();
    config.mechanisms = vec!["PLAIN".into()];
    let mut desk = Desk::new(config, Office::new(1));
    desk.take_said();
    assert_eq!(desk.say("a AUTHENTICATE PLAIN\r\n"), "+ \r\n");
    assert_eq!(desk.say("bW9yZQ==\r\n"), "+ b25jZSBtb3Jl\r\n");
    assert_eq!(desk.say("*\r\n"), "a BAD AUTHENTICATE cancelled\r\n");
    assert_eq!(desk.say("b AUTHENTICATE PLAIN\r\n"), "+ \r\n");
    assert_eq!(desk.say("not base64\r\n"), "b BAD not base64\r\n");
    assert_eq!(desk.say("c AUTHENTICATE PLAIN\r\n"), "+ \r\n");
    assert!(desk.say("AGJvYgBwaWNrbGVz\r\n").starts_with("c OK [CAPABILITY "));
    assert_eq!(desk.say("d AUTHENTICATE PLAIN\r\n"), "d BAD already logged in\r\n");
}

#[test]
fn an_expunge_is_told_when_no_number_can_be_mistaken() {
    let mut desk = Desk::selected(3);
    desk.session.notify(Change::Removed(10));
    // Not while, and not at the end of, FETCH, STORE and SEARCH (RFC 9051 section 7.5.1).
    assert_eq!(desk.say("a FETCH 2 (FLAGS)\r\n"), "* 2 FETCH (FLAGS ())\r\na OK FETCH completed\r\n");
    assert_eq!(desk.say("a SEARCH ALL\r\n"), "* SEARCH 1 2 3\r\na OK SEARCH completed\r\n");
    desk.session.notify(Change::Added(40));
    assert_eq!(
        desk.say("a STORE 3 FLAGS ()\r\n"),
        "* 3 FETCH (FLAGS ())\r\n* 4 EXISTS\r\na OK STORE completed\r\n"
    );
    assert_eq!(
        desk.say("a UID FETCH 20 FLAGS\r\n"),
        "* 2 FETCH (UID 20 FLAGS ())\r\n* 1 EXPUNGE\r\na OK FETCH completed\r\n"
    );
    desk.session.notify(Change::Removed(20));
    assert_eq!(desk.say("a NOOP\r\n"), "* 1 EXPUNGE\r\na OK NOOP completed\r\n");
}

#[test]
fn no_expunge_beside_a_fetch_by_number() {
    let mut desk = Desk::selected(3);
    desk.say("");
    desk.input.extend_from_slice(b"a FETCH 1:3 FLAGS\r\nb NOOP\r\n");
    let Some(Event::Fetch(fetch)) = desk.next() else { panic!() };
    desk.session.notify(Change::Removed(20));
    // The NOOP runs beside it, and tells nothing.
    assert!(desk.next().is_none());
    assert_eq!(desk.take_said(), "b OK NOOP completed\r\n");
    fetch.row(&mut desk.session, 30).unwrap().flags(&[]).end();
    // It is gone, but not for this client: an application may still have its flags at hand.
    fetch.row(&mut desk.session, 20).unwrap().flags(&[]).end();
    fetch.ok(&mut desk.session);
    desk.run();
    assert_eq!(desk.take_said(), "* 3 FETCH (FLAGS ())\r\n* 2 FETCH (FLAGS ())\r\na OK FETCH completed\r\n");
    assert_eq!(desk.say("c NOOP\r\n"), "* 2 EXPUNGE\r\nc OK NOOP completed\r\n");
}

#[test]
fn what_conflicts_waits() {
    let mut desk = Desk::selected(2);
    desk.input.extend_from_slice(b"a STORE 1 FLAGS (\\Seen)\r\nb FETCH 1 FLAGS\r\nc NOOP\r\n");
    let Some(Event::Store(store)) = desk.next() else { panic!() };
    assert!(
        matches!(desk.session.poll_event(desk.now, &mut desk.input), Ok(Step::Paused)),
        "FETCH waits for STORE"
    );
    store.ok(&mut desk.session);
    assert!(matches!(desk.next(), Some(Event::Fetch(_))));
}

#[test]
fn check_is_answered_after_all_that_was_sent_before_it() {
    // mbsync takes its answer as the word that its STOREs are done, and waits for ever for those that come later.
    let mut desk = Desk::selected(2);
    desk.input.extend_from_slice(b"a UID STORE 10 FLAGS (\\Seen)\r\nb CHECK\r\nc NOOP\r\n");
    let Some(Event::Store(store)) = desk.next() else { panic!() };
    assert!(desk.next().is_none());
    assert!(!desk.take_said().contains("b OK"), "CHECK waits for UID STORE");
    store.ok(&mut desk.session);
    desk.run();
    let said = desk.take_said();
    assert!(said.starts_with("a OK STORE completed\r\nb OK CHECK completed\r\n"), "{said}");
    desk.input.extend_from_slice(b"d UID FETCH 10 FLAGS\r\ne CHECK\r\n");
    let Some(Event::Fetch(fetch)) = desk.next() else { panic!() };
    assert!(desk.next().is_none());
    assert_eq!(desk.take_said(), "");
    fetch.ok(&mut desk.session);
    desk.run();
    assert_eq!(desk.take_said(), "d OK FETCH completed\r\ne OK CHECK completed\r\n");
}

#[test]
fn as_many_commands_as_allowed_run_at_once() {
    let mut config = Config::new();
    config.max_pending = 2;
    let mut desk = Desk::new(config, Office::new(1));
    desk.say("a LOGIN bob pickles\r\nb SELECT INBOX\r\n");
    desk.input.extend_from_slice(b"1 FETCH 1 FLAGS\r\n2 FETCH 1 FLAGS\r\n3 FETCH 1 FLAGS\r\n");
    let (Some(Event::Fetch(first)), Some(Event::Fetch(second))) = (desk.next(), desk.next()) else {
        panic!()
    };
    assert!(desk.next().is_none());
    assert_eq!(desk.session.pending(), 2);
    second.ok(&mut desk.session);
    let Some(Event::Fetch(third)) = desk.next() else { panic!() };
    third.ok(&mut desk.session);
    first.ok(&mut desk.session);
    desk.run();
    assert_eq!(desk.take_said(), "2 OK FETCH completed\r\n3 OK FETCH completed\r\n1 OK FETCH completed\r\n");
}

#[test]
fn a_token_that_is_dropped_is_answered() {
    let mut desk = Desk::selected(2);
    desk.input.extend_from_slice(b"a FETCH 1 FLAGS\r\n");
    drop(desk.next());
    desk.run();
    assert_eq!(desk.take_said().split_inclusive(' ').take(3).collect::<String>(), "a NO [SERVERBUG] ");
    desk.input.extend_from_slice(b"a APPEND INBOX {5}\r\nb NOOP\r\n");
    drop(desk.next());
    desk.run();
    let said = desk.take_said();
    assert!(said.starts_with("a NO [SERVERBUG] ") && said.ends_with("b OK NOOP completed\r\n"), "{said}");
    desk.input.extend_from_slice(b"a APPEND INBOX {5+}\r\nhello\r\nb NOOP\r\n");
    drop(desk.next());
    desk.run();
    let said = desk.take_said();
    assert!(said.starts_with("a NO [SERVERBUG] ") && said.ends_with("b OK NOOP completed\r\n"), "{said}");
}

#[test]
fn a_token_of_another_session_does_nothing() {
    let mut desk = Desk::selected(1);
    let mut other = Desk::selected(1);
    other.say("");
    desk.input.extend_from_slice(b"a FETCH 1 FLAGS\r\n");
    let Some(Event::Fetch(fetch)) = desk.next() else { panic!() };
    assert_eq!(fetch.row(&mut other.session, 10).map(|_| ()).unwrap_err(), RowError::Closed);
    fetch.ok(&mut other.session);
    assert_eq!(other.say(""), "");
    desk.run();
    assert!(desk.take_said().starts_with("a NO [SERVERBUG]"));
}

#[test]
fn a_large_body_streams_under_back_pressure_and_all_else_waits() {
    let mut config = Config::new();
    config.output_high_water = 10_000;
    let mut desk = Desk::new(config, Office::new(2));
    desk.say("a LOGIN bob pickles\r\nb SELECT INBOX\r\n");
    desk.said.clear();
    desk.input.extend_from_slice(b"c FETCH 1 BODY.PEEK[]\r\nd NOOP\r\n");
    let Some(Event::Fetch(fetch)) = desk.next() else { panic!() };
    let item = |section| SectionItem::Body { section, origin: None };
    let section = whole();
    let mut literal = fetch.row(&mut desk.session, 10).unwrap().stream(item(&section), 100_000);
    assert!(desk.next().is_none(), "the NOOP is answered beside it");
    assert_eq!(fetch.row(&mut desk.session, 20).map(|_| ()).unwrap_err(), RowError::Full);
    let chunk = Bytes::from(vec![b'x'; 6000]);
    let mut full = 0;
    while literal.left() > 0 {
        match literal.push(&mut desk.session, chunk.clone()) {
            Ok(()) => {}
            Err(Full(back)) => {
                assert_eq!(back.len(), 6000);
                full += 1;
                assert!(desk.next().is_none());
            }
        }
    }
    assert!(full > 5);
    literal.resume(&mut desk.session).flags(&[]).end();
    fetch.ok(&mut desk.session);
    desk.run();
    let said = desk.take_said();
    assert!(said.starts_with("* 1 FETCH (BODY[] {100000}\r\nxxx"));
    assert!(
        said.ends_with("xxx FLAGS ())\r\nd OK NOOP completed\r\nc OK FETCH completed\r\n"),
        "{}",
        &said[99_990..]
    );
    assert_eq!(
        said.len(),
        "* 1 FETCH (BODY[] {100000}\r\n".len()
            + 100_000
            + " FLAGS ())\r\nd OK NOOP completed\r\nc OK FETCH completed\r\n".len()
    );
}

#[test]
fn a_literal_that_is_not_finished_ends_the_connection_without_a_word() {
    for how in ["dropped", "ended", "answered", "too much"] {
        let mut desk = Desk::selected(1);
        desk.said.clear();
        desk.input.extend_from_slice(b"c FETCH 1 BODY.PEEK[]\r\n");
        let Some(Event::Fetch(fetch)) = desk.next() else { panic!() };
        let section = whole();
        let row = fetch.row(&mut desk.session, 10).unwrap();
        let mut literal = row.stream(SectionItem::Body { section: &section, origin: None }, 10);
        literal.push(&mut desk.session, Bytes::from_static(b"12345")).unwrap();
        match how {
            "dropped" => drop(literal),
            "ended" => literal.end(&mut desk.session),
            "answered" => {
                fetch.ok(&mut desk.session);
                assert!(desk.next().is_none());
                assert_eq!(desk.take_said(), "* 1 FETCH (BODY[] {10}\r\n12345");
                assert_eq!(
                    desk.ended.as_deref(),
                    Some("wrong use of the session: a literal was not finished")
                );
                continue;
            }
            _ => {
                literal.push(&mut desk.session, Bytes::from_static(b"67890 and more")).unwrap();
                literal.end(&mut desk.session);
                fetch.ok(&mut desk.session);
                assert!(desk.next().is_none());
                assert_eq!(
                    desk.take_said(),
                    "* 1 FETCH (BODY[] {10}\r\n1234567890)\r\nc OK FETCH completed\r\n"
                );
                continue;
            }
        }
        assert!(desk.next().is_none());
        assert_eq!(desk.take_said(), "* 1 FETCH (BODY[] {10}\r\n12345", "{how}");
        assert_eq!(desk.ended.as_deref(), Some(&*Error::Api(ApiMisuse::BrokenLiteral).to_string()), "{how}");
    }
}

#[test]
fn a_row_that_is_not_ended_is_closed_by_what_follows() {
    let mut desk = Desk::selected(2);
    desk.said.clear();
    desk.input.extend_from_slice(b"c FETCH 1:2 FLAGS\r\n");
    let Some(Event::Fetch(fetch)) = desk.next() else { panic!() };
    let _ = fetch.row(&mut desk.session, 10).unwrap().flags(&[]);
    let _ = fetch.row(&mut desk.session, 20).unwrap().flags(&[Flag::Seen]);
    fetch.ok(&mut desk.session);
    desk.run();
    assert_eq!(
        desk.take_said(),
        "* 1 FETCH (FLAGS ())\r\n* 2 FETCH (FLAGS (\\Seen))\r\nc OK FETCH completed\r\n"
    );
}

#[test]
fn idle_is_told_at_once_and_bounded() {
    let mut config = Config::new();
    config.output_high_water = 100;
    let mut desk = Desk::new(config, Office::new(1));
    desk.say("a LOGIN bob pickles\r\nb SELECT INBOX\r\n");
    assert_eq!(desk.say("c IDLE\r\n"), "+ idling\r\n");
    desk.session.notify(Change::Added(50));
    desk.session.notify(Change::Removed(10));
    assert_eq!(desk.say(""), "* 2 EXISTS\r\n* 1 EXPUNGE\r\n");
    // A client that does not read holds no memory: the changes come together.
    for uid in 100..10_000 {
        desk.session.notify(Change::Added(uid));
    }
    let mut waiting = 0;
    while let Some(octets) = desk.session.poll_transmit() {
        waiting += octets.len();
    }
    assert!(waiting < 200, "{waiting}");
    assert!(desk.say("").ends_with("* 9901 EXISTS\r\n"));
    assert_eq!(desk.say("done\r\n"), "c OK IDLE completed\r\n");
    assert_eq!(desk.say("d IDLE\r\ne NOOP\r\n"), "+ idling\r\nd BAD expected DONE\r\n");
}

#[test]
fn append_with_either_literal_and_several_messages() {
    let mut desk = Desk::selected(0);
    assert_eq!(desk.say("a APPEND INBOX (\\Seen) {5}\r\n"), "+ go ahead\r\n");
    assert_eq!(desk.say("hel"), "");
    assert_eq!(desk.say("lo\r\n"), "* 1 EXISTS\r\na OK [APPENDUID 1795392000 10] APPEND completed\r\n");
    assert_eq!(desk.office.mails[0].octets, "hello");
    assert_eq!(
        desk.say("b APPEND INBOX {5+}\r\nworld\r\nc NOOP\r\n").lines().last(),
        Some("c OK NOOP completed")
    );
    assert_eq!(
        desk.say("d APPEND {5+}\r\nINBOX {2+}\r\nab {2+}\r\ncd\r\n").lines().last().unwrap(),
        "d OK [APPENDUID 1795392000 30] APPEND completed"
    );
    assert_eq!(desk.office.heard.iter().filter(|heard| heard.starts_with("append INBOX")).count(), 4);
}

#[test]
fn append_refused_before_its_octets() {
    let mut config = Config::new();
    config.max_append = 10;
    let mut desk = Desk::new(config, Office::new(0));
    desk.say("a LOGIN bob pickles\r\n");
    assert_eq!(desk.say("b APPEND other {5}\r\n"), "b NO [TRYCREATE] no such mailbox\r\n");
    assert_eq!(desk.say("c APPEND INBOX {11}\r\n"), "c NO [TOOBIG] message is too large\r\n");
    // Octets that are on their way are not taken for commands.
    assert_eq!(
        desk.say("d APPEND other {11+}\r\ne NOOP\r\n\r\nx\r\nf NOOP\r\n"),
        "d NO [TOOBIG] message is too large\r\nf OK NOOP completed\r\n"
    );
    assert_eq!(desk.say("g APPEND INBOX {0}\r\n").split(']').next(), Some("g NO [CANNOT"));
    assert_eq!(
        desk.say("h APPEND INBOX {2+}\r\nab trailing\r\ni NOOP\r\n"),
        "h BAD wrong arguments of APPEND\r\ni OK NOOP completed\r\n"
    );
    assert!(desk.office.heard.contains(&"append aborted".to_owned()));
    assert_eq!(desk.office.mails.len(), 0);
}

#[test]
fn rev2_answers_in_its_own_way() {
    let mut desk = Desk::new(Config::new(), Office::new(2));
    desk.say("a LOGIN bob pickles\r\n");
    assert_eq!(
        desk.say("b ENABLE IMAP4rev2 X-NOT-KNOWN\r\n"),
        "* ENABLED IMAP4rev2\r\nb OK ENABLE completed\r\n"
    );
    let said = desk.say("c SELECT INBOX\r\n");
    assert!(!said.contains("RECENT"), "{said}");
    assert_eq!(desk.say("d SEARCH ALL\r\n"), "* ESEARCH (TAG \"d\") ALL 1:2\r\nd OK SEARCH completed\r\n");
    assert_eq!(desk.say("d SEARCH DELETED\r\n"), "* ESEARCH (TAG \"d\")\r\nd OK SEARCH completed\r\n");
    let said = desk.say("e SELECT INBOX\r\n");
    assert!(said.starts_with("* OK [CLOSED] "), "{said}");
}

#[test]
fn search_in_every_form() {
    let mut desk = Desk::selected(3);
    assert_eq!(desk.say("a UID SEARCH ALL\r\n"), "* SEARCH 10 20 30\r\na OK UID SEARCH completed\r\n");
    assert_eq!(desk.say("a SEARCH 2:*\r\n"), "* SEARCH 2 3\r\na OK SEARCH completed\r\n");
    assert_eq!(desk.say("a SEARCH NOT UID 20\r\n"), "* SEARCH 1 3\r\na OK SEARCH completed\r\n");
    assert_eq!(desk.say("a SEARCH 7\r\n"), "* SEARCH\r\na OK SEARCH completed\r\n");
    assert_eq!(
        desk.say("a SEARCH RETURN (MIN MAX COUNT ALL) ALL\r\n"),
        "* ESEARCH (TAG \"a\") MIN 1 MAX 3 COUNT 3 ALL 1:3\r\na OK SEARCH completed\r\n"
    );
    assert_eq!(desk.say("a SEARCH RETURN (SAVE) 2:3\r\n"), "a OK SEARCH completed\r\n");
    assert_eq!(
        desk.say("b FETCH $ UID\r\n"),
        "* 2 FETCH (UID 20)\r\n* 3 FETCH (UID 30)\r\nb OK FETCH completed\r\n"
    );
    desk.say("a UID SEARCH RETURN (SAVE MIN) ALL\r\n");
    assert_eq!(desk.say("b UID FETCH $ UID\r\n"), "* 1 FETCH (UID 10)\r\nb OK FETCH completed\r\n");
}

#[test]
fn copy_and_move_tell_where_to() {
    let mut desk = Desk::selected(3);
    assert_eq!(desk.say("a COPY 1:2 Archive\r\n"), "a OK [COPYUID 7 10,20 1:2] COPY completed\r\n");
    assert_eq!(
        desk.say("b MOVE 1,3 Archive\r\n"),
        "* OK [COPYUID 7 10,30 1:2] moved\r\n* 3 EXPUNGE\r\n* 1 EXPUNGE\r\nb OK MOVE completed\r\n"
    );
    assert_eq!(desk.say("c UID MOVE 10 Archive\r\n"), "c OK MOVE completed\r\n");
}

#[test]
fn numbers_that_are_not_there() {
    let mut desk = Desk::selected(2);
    assert_eq!(desk.say("a FETCH 3 FLAGS\r\n"), "a BAD no such sequence number\r\n");
    assert_eq!(desk.say("a UID FETCH 3,5:9 FLAGS\r\n"), "a OK FETCH completed\r\n");
    let mut desk = Desk::selected(0);
    assert_eq!(desk.say("a FETCH 1:* FLAGS\r\n"), "a OK FETCH completed\r\n");
}

#[test]
fn flags_that_another_changed_are_told_once() {
    let mut desk = Desk::selected(2);
    let change = |flags: Vec<Flag>| Change::Flags { uid: 10, flags: Arc::from(flags), mod_seq: None };
    desk.session.notify(change(vec![Flag::Seen]));
    desk.session.notify(change(vec![Flag::Seen, flag("$Junk")]));
    assert_eq!(desk.say("a NOOP\r\n"), "* 1 FETCH (UID 10 FLAGS (\\Seen $Junk))\r\na OK NOOP completed\r\n");
    desk.session.notify(change(vec![Flag::Flagged]));
    desk.office.mails[0].flags = vec![Flag::Flagged];
    assert_eq!(desk.say("a FETCH 1 FLAGS\r\n"), "* 1 FETCH (FLAGS (\\Flagged))\r\na OK FETCH completed\r\n");
}

#[test]
fn a_mailbox_that_is_gone_ends_the_session_in_words() {
    let mut desk = Desk::selected(1);
    desk.say("");
    desk.session.mailbox_is_gone();
    desk.run();
    assert_eq!(desk.take_said(), "* BYE the selected mailbox is gone\r\n");
    assert_eq!(desk.ended.as_deref(), Some("closed"));
    let _ = No::cannot();
}

#[test]
fn what_has_no_uids_has_no_code() {
    let mut desk = Desk::selected(1);
    desk.said.clear();
    let nothing = || CopyUid { uid_validity: 7, source: UidSet::default(), destination: UidSet::default() };
    desk.input
        .extend_from_slice(b"s STORE 1 FLAGS ()\r\na COPY 1 x\r\nb MOVE 1 x\r\nc APPEND INBOX {1+}\r\nx\r\n");
    while let Some(event) = desk.next() {
        match event {
            Event::Store(store) => store.modified(&mut desk.session, &UidSet::default()),
            Event::Copy(copy) => copy.ok(&mut desk.session, Some(nothing())),
            Event::Move(moved) => moved.ok(&mut desk.session, Some(nothing())),
            Event::AppendFinish(finish) => finish.ok(&mut desk.session, 7, UidSet::default()),
            other => desk.office.answer(&mut desk.session, other),
        }
    }
    assert_eq!(
        desk.take_said(),
        "s OK STORE completed\r\na OK COPY completed\r\nb OK MOVE completed\r\nc OK APPEND completed\r\n"
    );
}

#[test]
fn nothing_is_said_between_the_go_ahead_and_the_handshake() {
    let mut config = Config::new();
    config.starttls = true;
    let mut desk = Desk::with(Server::new(config), Office::new(1));
    desk.take_said();
    assert_eq!(desk.say("a STARTTLS\r\n"), "a OK begin TLS negotiation now\r\n");
    desk.session.inform(Status::Ok, None, "hello").unwrap();
    desk.session.shut_down();
    desk.run();
    assert_eq!(desk.take_said(), "");
    assert_eq!(desk.ended.as_deref(), Some("closed"));
}
