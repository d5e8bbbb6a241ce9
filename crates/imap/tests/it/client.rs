//! The client session: order, literals, capabilities, IDLE, SASL, APPEND.

use crate::client_talk::{Talk, assert_done, command, done, in_clear, quiet, select};
use bytes::Bytes;
use postroad_imap::client::{
    ApiMisuse, Append, Config, Error, Event, LimitReached, NotNowReason, ServerFault, State,
};
use postroad_imap::command::{AppendMessage, CommandBody};
use postroad_imap::response::{Response, Status};
use postroad_imap::types::{AppendOptions, Capability, Credentials, TlsInfo};
use postroad_imap::{Full, Secret, Session, Step};

pub(crate) fn append(lens: &[u64]) -> Append {
    let message = |len: &u64| AppendMessage {
        options: AppendOptions::default(),
        len: *len,
        synchronizing: true,
        binary: false,
        utf8: false,
    };
    Append { mailbox: "saved".parse().unwrap(), messages: lens.iter().map(message).collect() }
}

fn login(user: &str, password: &str) -> CommandBody {
    CommandBody::Login(Credentials::new(user.to_owned(), password))
}

fn plain(initial_response: Option<&[u8]>) -> CommandBody {
    CommandBody::Authenticate {
        mechanism: "PLAIN".parse().unwrap(),
        initial_response: initial_response.map(|octets| Secret::new(octets.to_vec())),
    }
}

#[test]
fn nothing_is_sent_before_the_greeting() {
    let mut talk = Talk::with(quiet());
    let id = talk.send(CommandBody::Noop);
    assert_eq!(talk.client.state(), State::Greeting);
    assert_eq!(talk.sent(), "");
    assert!(matches!(&talk.events("* OK hi\r\n")[..], [Event::Greeting(_)]));
    assert_eq!(talk.client.state(), State::NotAuthenticated);
    assert_eq!(talk.sent(), "A1 NOOP\r\n");
    assert_done(&talk.events("A1 OK done\r\n"), id, Status::Ok);
    assert_eq!(talk.client.in_flight(), 0);
}

#[test]
fn commands_are_answered_in_any_order() {
    let mut talk = Talk::selected(quiet(), "", 5);
    let search = talk.send(command("UID SEARCH ALL"));
    let fetch = talk.send(command("UID FETCH 1:* (FLAGS)"));
    let noop = talk.send(CommandBody::Noop);
    assert_eq!(talk.sent(), "A2 UID SEARCH ALL\r\nA3 UID FETCH 1:* FLAGS\r\nA4 NOOP\r\n");
    assert_eq!(talk.client.in_flight(), 3);
    let events = talk.events(
        "* 1 FETCH (UID 7 FLAGS (\\Seen))\r\nA3 OK x\r\n* SEARCH 7 9\r\n* 5 EXISTS\r\nA4 OK x\r\nA2 NO [LIMIT] no\r\n",
    );
    let [row, first, found, Event::Exists(5), second, third] = &events[..] else { panic!("{events:?}") };
    assert!(matches!(row, Event::Row { of, row } if *of == Some(fetch) && row.uid() == Some(7)));
    assert!(matches!(found, Event::Data { of, response: Response::Search { .. } } if *of == Some(search)));
    assert_eq!(done(first), Some((fetch, Status::Ok)));
    assert_eq!(done(second), Some((noop, Status::Ok)));
    assert_eq!(done(third), Some((search, Status::No)));
}

#[test]
fn what_no_command_asked_for_is_of_none() {
    let mut talk = Talk::selected(quiet(), "ESEARCH", 9);
    let fetch = talk.send(command("UID FETCH 20:30 (UID RFC822.SIZE)"));
    let search = talk.send(command("UID SEARCH RETURN (ALL) UNSEEN"));
    talk.sent();
    let events = talk.events(
        "* 3 FETCH (UID 12 RFC822.SIZE 1)\r\n* 4 FETCH (UID 21 FLAGS (\\Seen))\r\n* 4 FETCH (FLAGS ())\r\n\
         * 4 FETCH (UID 21 RFC822.SIZE 44)\r\n* SEARCH 4\r\n* ESEARCH (TAG \"A9\") UID ALL 3\r\n* ESEARCH (TAG \"A3\") UID ALL 3\r\n\
         * STATUS x (MESSAGES 1)\r\n* LIST () \"/\" x\r\n* OK just so\r\n* FLAGS (\\Seen)\r\n",
    );
    let of: Vec<_> = events
        .iter()
        .map(|event| match event {
            Event::Row { of, .. } | Event::Data { of, .. } => *of,
            other => panic!("{other:?}"),
        })
        .collect();
    let (none, of_fetch, of_search) = (None, Some(fetch), Some(search));
    assert_eq!(of[..3], [none, none, none]);
    assert_eq!(of[3], of_fetch);
    // SEARCH is no answer that names its command; it can only be meant for the one search in flight.
    assert_eq!(of[4], of_search);
    assert_eq!(of[5..7], [none, of_search]);
    assert_eq!(of[7..], [none, none, none, none]);
}

#[test]
fn move_says_where_before_it_removes() {
    let mut talk = Talk::selected(quiet(), "MOVE", 9);
    let moved = talk.send(command("UID MOVE 4 x"));
    talk.sent();
    let events = talk.events("* OK [COPYUID 9 4 1] moved\r\n* 2 EXPUNGE\r\nA2 OK done\r\n");
    assert!(matches!(&events[0], Event::Data { of, response: Response::Status(_) } if *of == Some(moved)));
    assert_eq!(events[1], Event::Expunge(2));
}

#[test]
fn the_last_message_is_an_answer_to_a_star() {
    let mut talk = Talk::selected(quiet(), "", 9);
    let fetch = talk.send(command("UID FETCH 100:* (UID FLAGS)"));
    talk.sent();
    let events = talk.events("* 8 FETCH (UID 40 FLAGS ())\r\n* 9 FETCH (UID 41 FLAGS ())\r\n");
    assert!(matches!(&events[0], Event::Row { of: None, .. }));
    assert!(matches!(&events[1], Event::Row { of, .. } if *of == Some(fetch)));
}

#[test]
fn store_tells_flags_unless_silent() {
    let mut talk = Talk::selected(quiet(), "", 9);
    let loud = talk.send(command("STORE 1:3 +FLAGS (\\Seen)"));
    let silent = talk.send(command("STORE 4:6 +FLAGS.SILENT (\\Seen)"));
    assert_eq!(talk.sent(), "A2 STORE 1:3 +FLAGS (\\Seen)\r\nA3 STORE 4:6 +FLAGS.SILENT (\\Seen)\r\n");
    let events =
        talk.events("* 2 FETCH (FLAGS (\\Seen))\r\n* 5 FETCH (FLAGS (\\Seen))\r\nA2 OK x\r\nA3 OK x\r\n");
    assert!(matches!(&events[0], Event::Row { of, .. } if *of == Some(loud)));
    assert!(matches!(&events[1], Event::Row { of: None, .. }));
    assert_eq!(done(&events[3]), Some((silent, Status::Ok)));
}

// ---- sequence numbers

#[test]
fn sequence_numbers_are_never_held_back() {
    let mut talk = Talk::selected(quiet(), "IDLE", 5);
    let refused = |talk: &mut Talk, text: &str| {
        let refused = talk.client.send(command(text)).unwrap_err();
        assert_eq!(refused.command.name(), command(text).name());
        assert_eq!(
            refused.to_string(),
            "the command cannot be sent: its sequence numbers are not certain now"
        );
        refused.reason
    };
    // Not while messages may be removed …
    talk.send(CommandBody::Noop);
    assert_eq!(refused(&mut talk, "FETCH 1 FLAGS"), NotNowReason::SequenceNumbers);
    assert_eq!(refused(&mut talk, "SEARCH ALL"), NotNowReason::SequenceNumbers);
    assert_eq!(refused(&mut talk, "UID SEARCH 1:2"), NotNowReason::SequenceNumbers);
    talk.send(command("UID FETCH 1:* FLAGS"));
    assert_eq!(talk.sent(), "A2 NOOP\r\nA3 UID FETCH 1:* FLAGS\r\n");
    talk.events("A2 OK x\r\n");
    // … a UID FETCH may …
    assert_eq!(refused(&mut talk, "STORE 1 FLAGS ()"), NotNowReason::SequenceNumbers);
    talk.events("A3 OK x\r\n");
    // … but behind one another, FETCH, STORE and SEARCH are certain.
    for text in ["FETCH 1 FLAGS", "STORE 1 FLAGS ()", "SEARCH ALL", "COPY 1 x"] {
        talk.send(command(text));
    }
    assert_eq!(talk.sent(), "A4 FETCH 1 FLAGS\r\nA5 STORE 1 FLAGS ()\r\nA6 SEARCH ALL\r\nA7 COPY 1 x\r\n");
    // During COPY removals may be told.
    assert_eq!(refused(&mut talk, "FETCH 1 FLAGS"), NotNowReason::SequenceNumbers);
    talk.events("A4 OK x\r\nA5 OK x\r\nA6 OK x\r\nA7 OK x\r\n");
    // Not in IDLE, not behind a command whose literal waits, not behind a queue.
    talk.send(CommandBody::Idle);
    talk.sent();
    talk.events("+ idling\r\n");
    assert_eq!(refused(&mut talk, "FETCH 1 FLAGS"), NotNowReason::SequenceNumbers);
    assert_eq!(talk.sent(), "", "it is refused without ending IDLE");
    talk.client.done();
    talk.sent();
    talk.events("A8 OK x\r\n");
    talk.client.append(append(&[5])).unwrap();
    assert_eq!(refused(&mut talk, "FETCH 1 FLAGS"), NotNowReason::SequenceNumbers);
}

#[test]
fn exists_and_expunge_keep_the_numbers() {
    let mut talk = Talk::selected(quiet(), "", 5);
    talk.send(CommandBody::Noop);
    talk.sent();
    let events = talk.events("* 2 EXPUNGE\r\n* 4 EXPUNGE\r\n* 10 EXISTS\r\n* VANISHED 4,9:11\r\nA2 OK x\r\n");
    assert!(matches!(&events[..3], [Event::Expunge(2), Event::Expunge(4), Event::Exists(10)]));
    assert!(matches!(&events[3], Event::Data { of: None, response: Response::Vanished { .. } }));
    assert_eq!(talk.client.exists(), Some(6));
    talk.send(command("FETCH 6 FLAGS"));
}

#[test]
fn a_server_that_contradicts_itself_costs_the_sequence_numbers() {
    for nonsense in ["* 6 EXPUNGE\r\n", "* 4 EXISTS\r\n", "* VANISHED 1:4294967295\r\n", "* 0 EXPUNGE\r\n"] {
        let mut talk = Talk::selected(quiet(), "", 5);
        talk.send(CommandBody::Noop);
        talk.sent();
        let events = talk.events(nonsense);
        assert!(events.contains(&Event::OutOfStep), "{nonsense}: {events:?}");
        talk.events("A2 OK x\r\n");
        assert_eq!(talk.client.send(command("FETCH 1 FLAGS")).unwrap_err().reason, NotNowReason::OutOfStep);
        let uid = talk.send(command("UID FETCH 1 FLAGS"));
        talk.sent();
        assert_done(&talk.events("A3 OK x\r\n"), uid, Status::Ok);
        talk.send(select("INBOX"));
        talk.sent();
        talk.events("* 3 EXISTS\r\nA4 OK x\r\n");
        talk.send(command("FETCH 1 FLAGS"));
    }
}

#[test]
fn expunge_while_only_fetch_runs_is_told() {
    let mut talk = Talk::selected(quiet(), "", 5);
    talk.send(command("FETCH 1:5 FLAGS"));
    talk.sent();
    assert_eq!(talk.events("* 1 EXPUNGE\r\n"), [Event::OutOfStep, Event::Expunge(1)]);
    // Not for a command behind it either, as long as it is not answered.
    let mut talk = Talk::selected(quiet(), "", 5);
    talk.send(command("FETCH 1:5 FLAGS"));
    talk.send(CommandBody::Noop);
    talk.sent();
    assert_eq!(talk.events("* 1 EXPUNGE\r\n"), [Event::OutOfStep, Event::Expunge(1)]);
    // COPY and MOVE say what they mean when they begin.
    let mut talk = Talk::selected(quiet(), "MOVE", 5);
    talk.send(command("MOVE 1:2 x"));
    talk.sent();
    assert_eq!(talk.events("* 1 EXPUNGE\r\n* 1 EXPUNGE\r\n"), [Event::Expunge(1), Event::Expunge(1)]);
}

#[test]
fn a_failed_select_leaves_nothing_selected() {
    let mut talk = Talk::selected(quiet(), "", 5);
    talk.send(select("nope"));
    talk.sent();
    talk.events("* 3 EXISTS\r\nA2 NO [NONEXISTENT] no\r\n");
    assert_eq!((talk.client.state(), talk.client.exists()), (State::Authenticated, None));
    let mut talk = Talk::selected(quiet(), "", 5);
    talk.send(CommandBody::Close);
    talk.sent();
    talk.events("A2 OK x\r\n");
    assert_eq!(talk.client.state(), State::Authenticated);
}

// ---- literals

#[test]
fn literals_wait_unless_the_server_offers_otherwise() {
    let user = "ü".repeat(10);
    let mut talk = Talk::greeted(quiet(), "");
    talk.send(login(&user, "p"));
    assert_eq!(talk.sent(), "A1 LOGIN {20}\r\n");
    assert_eq!(talk.events("* OK wait {3}\r\n").len(), 1);
    assert_eq!(talk.sent(), "");
    assert_eq!(talk.events("+ go {4}\r\n"), []);
    assert_eq!(talk.sent(), format!("{user} p\r\n"));

    for (capability, waits_above) in [("LITERAL-", 4096), ("LITERAL+", usize::MAX), ("IMAP4rev2", 4096)] {
        for len in [4096, 4098] {
            let mut talk = Talk::greeted(quiet(), capability);
            talk.send(login(&"ü".repeat(len / 2), "p"));
            let header = if len > waits_above { format!("{{{len}}}\r\n") } else { format!("{{{len}+}}\r\n") };
            assert!(talk.sent().starts_with(&format!("A1 LOGIN {header}")), "{capability} {len}");
        }
    }
    let mut config = quiet();
    config.non_synchronizing_literals = false;
    let mut talk = Talk::greeted(config, "LITERAL+");
    talk.send(login(&user, "p"));
    assert_eq!(talk.sent(), "A1 LOGIN {20}\r\n");
}

#[test]
fn two_literals_in_a_command() {
    let mut talk = Talk::greeted(quiet(), "");
    let id = talk.send(login("ü", "ß"));
    let noop = talk.send(CommandBody::Noop);
    assert_eq!(talk.sent(), "A1 LOGIN {2}\r\n");
    talk.events("+ \r\n");
    assert_eq!(talk.sent(), "ü {2}\r\n");
    talk.events("+\r\n");
    assert_eq!(talk.sent(), "ß\r\n");
    assert_done(&talk.events("A1 OK x\r\n"), id, Status::Ok);
    assert_eq!(talk.sent(), "A2 NOOP\r\n");
    assert_done(&talk.events("A2 OK x\r\n"), noop, Status::Ok);
}

#[test]
fn no_or_bad_in_place_of_the_continuation_ends_the_command() {
    for answer in ["NO [OVERQUOTA] {3}", "BAD what"] {
        let mut talk = Talk::selected(quiet(), "", 0);
        let id = talk.client.append(append(&[5])).unwrap();
        let noop = talk.send(CommandBody::Noop);
        assert_eq!(talk.sent(), "A2 APPEND saved {5}\r\n");
        let events = talk.events(format!("* OK still here {{5}}\r\nA2 {answer}\r\n"));
        assert_eq!(done(&events[1]).map(|done| done.0), Some(id));
        assert_eq!(talk.sent(), "A3 NOOP\r\n");
        assert_done(&talk.events("A3 OK x\r\n"), noop, Status::Ok);
    }
}

#[test]
fn no_argument_can_end_its_line() {
    let attack = "x\r\nA9 DELETE INBOX\r\n";
    for offered in ["", "LITERAL+", "LITERAL-"] {
        let mut talk = Talk::greeted(quiet(), offered);
        talk.send(login(attack, attack));
        let mut sent = talk.sent();
        while talk.client.in_flight() > 0 && sent.lines().all(|line| !line.ends_with("done")) {
            if sent.ends_with(&format!("{attack}\r\n")) {
                break;
            }
            talk.events("+ go\r\n");
            sent.push_str(&talk.sent());
        }
        let plus = if offered.is_empty() { "" } else { "+" };
        let literal = format!("{{{}{plus}}}\r\n{attack}", attack.len());
        assert_eq!(sent, format!("A1 LOGIN {literal} {literal}\r\n"));
    }
}

// ---- capabilities

#[test]
fn capabilities_are_asked_for_where_they_are_not_told() {
    let mut talk = Talk::with(Config::new());
    let id = talk.send(login("u", "p"));
    assert!(matches!(&talk.events("* OK hi\r\n")[..], [Event::Greeting(_)]));
    assert_eq!(talk.sent(), "A1 CAPABILITY\r\n", "before the first command, which may depend on them");
    let events = talk.events("* CAPABILITY IMAP4rev1 LITERAL+\r\nA1 OK x\r\n");
    assert!(matches!(&events[..], [Event::Data { of: None, response: Response::Capability(_) }]));
    assert_eq!(talk.sent(), "A2 LOGIN u p\r\n");
    // Forgotten at the log-in, unless told there.
    assert_done(&talk.events("A2 OK x\r\n"), id, Status::Ok);
    assert_eq!(talk.client.capabilities(), None);
    assert_eq!(talk.sent(), "A3 CAPABILITY\r\n");
    talk.events("* CAPABILITY IMAP4rev1 IDLE\r\nA3 OK x\r\n");
    assert!(talk.client.capabilities().unwrap().has(&Capability::Idle));
    assert_eq!((talk.sent(), talk.client.in_flight()), (String::new(), 0));
}

#[test]
fn capabilities_told_with_the_log_in_are_enough() {
    for answer in ["* CAPABILITY IMAP4rev1 IDLE\r\nA1 OK x\r\n", "A1 OK [CAPABILITY IMAP4rev1 IDLE] in\r\n"] {
        let mut talk = Talk::greeted(Config::new(), "LITERAL+ SASL-IR");
        talk.send(login("u", "p"));
        talk.sent();
        talk.events(answer);
        assert_eq!(talk.sent(), "");
        let capabilities = talk.client.capabilities().unwrap();
        assert!(capabilities.has(&Capability::Idle) && !capabilities.has(&Capability::LiteralPlus));
        assert_eq!(talk.client.state(), State::Authenticated);
    }
}

#[test]
fn unauthenticate_forgets_who_was_there() {
    let mut config = Config::new();
    config.ask_capabilities = true;
    let mut talk = Talk::selected(config, "UNAUTHENTICATE ENABLE LITERAL+", 3);
    talk.send(command("ENABLE CONDSTORE"));
    talk.sent();
    talk.events("* ENABLED CONDSTORE\r\nA2 OK done\r\n");
    let id = talk.send(CommandBody::Unauthenticate);
    talk.send(login("u", "p"));
    assert_eq!(talk.sent(), "A3 UNAUTHENTICATE\r\n");
    assert_done(&talk.events("A3 OK done\r\n"), id, Status::Ok);
    assert_eq!((talk.client.state(), talk.client.exists()), (State::NotAuthenticated, None));
    assert!(talk.client.enabled().is_empty() && talk.client.capabilities().is_none());
    assert_eq!(talk.sent(), "A4 CAPABILITY\r\n");
}

#[test]
fn a_refused_capability_is_not_asked_again() {
    let mut talk = Talk::with(Config::new());
    talk.events("* OK hi\r\n");
    talk.sent();
    assert_eq!(talk.events("A1 BAD what\r\n"), []);
    talk.send(CommandBody::Noop);
    assert_eq!(talk.sent(), "A2 NOOP\r\n");
}

#[test]
fn what_the_server_does_not_offer_is_not_sent() {
    let mut talk = Talk::greeted(quiet(), "LOGINDISABLED ID");
    let reason = |talk: &mut Talk, text: &str| talk.client.send(command(text)).unwrap_err().reason;
    assert_eq!(reason(&mut talk, "LOGIN u p"), NotNowReason::LoginDisabled);
    assert_eq!(reason(&mut talk, "AUTHENTICATE PLAIN"), NotNowReason::NotOffered("AUTH="));
    assert_eq!(reason(&mut talk, "IDLE"), NotNowReason::NotOffered("IDLE"));
    assert_eq!(reason(&mut talk, "UID MOVE 1 x"), NotNowReason::NotOffered("MOVE"));
    assert_eq!(reason(&mut talk, "ENABLE CONDSTORE"), NotNowReason::NotOffered("ENABLE"));
    assert_eq!(reason(&mut talk, "STARTTLS"), NotNowReason::HasTls);
    assert_eq!(reason(&mut talk, "COMPRESS DEFLATE"), NotNowReason::Unsupported);
    let two = talk.client.append(append(&[1, 2])).unwrap_err();
    assert_eq!((two.command.messages.len(), two.reason), (2, NotNowReason::NotOffered("MULTIAPPEND")));
    talk.send(command("ID NIL"));
    assert_eq!(talk.sent(), "A1 ID NIL\r\n");
}

#[test]
fn a_command_that_waited_and_turns_out_to_be_no_use_comes_back() {
    let mut talk = Talk::with(Config::new());
    let id = talk.send(login("u", "p"));
    let noop = talk.send(CommandBody::Noop);
    talk.events("* OK hi\r\n");
    talk.sent();
    let events = talk.events("* CAPABILITY IMAP4rev1 LOGINDISABLED\r\nA1 OK x\r\n");
    assert_eq!(events[1], Event::NotSent { of: id, reason: NotNowReason::LoginDisabled });
    assert_eq!(talk.sent(), "A2 NOOP\r\n");
    assert_done(&talk.events("A2 OK x\r\n"), noop, Status::Ok);
}

#[test]
fn a_message_over_the_limit_is_not_sent() {
    let mut talk = Talk::selected(quiet(), "APPENDLIMIT=100", 0);
    let refused = talk.client.append(append(&[101])).unwrap_err();
    assert_eq!(refused.reason, NotNowReason::TooLarge { limit: 100 });
    talk.client.append(append(&[100])).unwrap();
}

#[test]
fn literals_with_nul_only_where_they_are_understood() {
    let mut binary = append(&[5]);
    binary.messages[0].binary = true;
    let mut utf8 = append(&[5]);
    utf8.messages[0].utf8 = true;
    let mut talk = Talk::selected(quiet(), "", 0);
    assert_eq!(talk.client.append(binary.clone()).unwrap_err().reason, NotNowReason::NotOffered("BINARY"));
    assert_eq!(talk.client.append(utf8.clone()).unwrap_err().reason, NotNowReason::NotOffered("UTF8=ACCEPT"));
    for offered in ["BINARY", "IMAP4rev2"] {
        let mut talk = Talk::selected(quiet(), offered, 0);
        talk.client.append(binary.clone()).unwrap();
        assert!(talk.sent().starts_with("A2 APPEND saved ~{5"));
    }
    let mut talk = Talk::selected(quiet(), "ENABLE UTF8=ACCEPT", 0);
    talk.send(command("ENABLE UTF8=ACCEPT"));
    talk.sent();
    talk.events("* ENABLED UTF8=ACCEPT\r\nA2 OK done\r\n");
    talk.client.append(utf8).unwrap();
    assert_eq!(talk.sent(), "A3 APPEND saved UTF8 (~{5}\r\n");
    talk.events("+ go\r\n");
    talk.client.push_body(Bytes::from_static(b"hello")).unwrap();
    assert_eq!(talk.sent(), "hello)\r\n");
}

#[test]
fn enable_changes_how_names_are_sent_and_read() {
    let mut talk = Talk::selected(quiet(), "ENABLE IMAP4rev2", 0);
    talk.send(command("ENABLE IMAP4rev2 CONDSTORE"));
    talk.send(select("Entwürfe"));
    assert_eq!(talk.sent(), "A2 ENABLE IMAP4rev2 CONDSTORE\r\n");
    talk.events("* ENABLED IMAP4rev2\r\nA2 OK x\r\n");
    assert!(talk.client.is_utf8());
    assert!(!talk.client.enabled().has(&Capability::CondStore));
    assert_eq!(talk.sent(), "A3 SELECT \"Entwürfe\"\r\n");
    let mut talk = Talk::selected(quiet(), "", 0);
    // Nobody asked.
    talk.events("* ENABLED IMAP4rev2\r\n");
    assert!(!talk.client.is_utf8());
    talk.send(select("Entwürfe"));
    assert_eq!(talk.sent(), "A2 SELECT Entw&APw-rfe\r\n");
}

// ---- TLS

#[test]
fn starttls_forgets_all_that_was_said_in_the_clear() {
    let mut talk = Talk::plain(Config::new());
    talk.events("* OK [CAPABILITY IMAP4rev1 STARTTLS LITERAL+ EVIL] hi\r\n");
    for text in ["LOGIN u p", "AUTHENTICATE PLAIN", "SELECT x", "LIST \"\" *"] {
        assert_eq!(talk.client.send(command(text)).unwrap_err().reason, NotNowReason::NeedsTls);
    }
    assert_eq!(talk.client.append(append(&[1])).unwrap_err().reason, NotNowReason::NeedsTls);
    assert_eq!(
        talk.events("* OK [ALERT] call this number\r\n* 5 EXISTS\r\n"),
        [],
        "anybody may have said it"
    );
    let id = talk.send(CommandBody::StartTls);
    assert_eq!(talk.client.send(CommandBody::Noop).unwrap_err().reason, NotNowReason::StartingTls);
    assert_eq!(talk.sent(), "A1 STARTTLS\r\n");
    assert_eq!(talk.events("A1 OK go\r\n"), [Event::StartTls(id)]);
    assert!(matches!(talk.step(), Ok(Step::Paused)));
    talk.client.tls_established(TlsInfo::new()).unwrap();
    assert_eq!(talk.client.tls_established(TlsInfo::new()), Err(Error::Api(ApiMisuse::NoHandshake)));
    assert_eq!(talk.client.capabilities(), None);
    assert_eq!(talk.sent(), "A2 CAPABILITY\r\n");
    talk.events("* CAPABILITY IMAP4rev1\r\nA2 OK x\r\n");
    talk.send(login("ü", "p"));
    assert_eq!(talk.sent(), "A3 LOGIN {2}\r\n");
}

#[test]
fn a_refused_starttls_leaves_the_connection() {
    let mut talk = Talk::plain(quiet());
    talk.events("* OK hi\r\n");
    let id = talk.send(CommandBody::StartTls);
    talk.sent();
    assert_done(&talk.events("A1 NO not now\r\n"), id, Status::No);
    assert_eq!(talk.client.send(login("u", "p")).unwrap_err().reason, NotNowReason::NeedsTls);
    talk.send(CommandBody::Logout);
}

#[test]
fn login_in_the_clear_only_where_it_is_allowed() {
    let mut config = quiet();
    config.require_tls = false;
    let mut talk = Talk::plain(config);
    talk.events("* OK hi\r\n");
    assert_eq!(talk.client.send(login("u", "p")).unwrap_err().reason, NotNowReason::NeedsTls);
    assert_eq!(talk.client.send(plain(None)).unwrap_err().reason, NotNowReason::NeedsTls);
    let mut talk = Talk::plain(in_clear());
    talk.events("* OK hi\r\n");
    talk.send(login("u", "p"));
    assert_eq!(talk.sent(), "A1 LOGIN u p\r\n");
}

// ---- SASL

#[test]
fn an_exchange_of_sasl() {
    let mut talk = Talk::greeted(quiet(), "AUTH=PLAIN");
    assert_eq!(talk.client.respond(b"x"), Err(Error::Api(ApiMisuse::NoChallenge)));
    let id = talk.send(plain(None));
    let noop = talk.send(CommandBody::Noop);
    assert_eq!(talk.sent(), "A1 AUTHENTICATE PLAIN\r\n");
    assert_eq!(talk.events("+ \r\n"), [Event::Challenge { of: id, challenge: Vec::new() }]);
    talk.client.respond(b"client").unwrap();
    assert_eq!(talk.client.cancel(), Err(Error::Api(ApiMisuse::NoChallenge)));
    assert_eq!(talk.sent(), "Y2xpZW50\r\n");
    assert_eq!(talk.events("+ c2VydmVy\r\n"), [Event::Challenge { of: id, challenge: b"server".to_vec() }]);
    assert_eq!(talk.events("* OK patience\r\n").len(), 1);
    talk.client.cancel().unwrap();
    assert_eq!(talk.sent(), "*\r\n");
    assert_done(&talk.events("A1 BAD cancelled\r\n"), id, Status::Bad);
    assert_eq!(talk.client.state(), State::NotAuthenticated);
    assert_eq!(talk.sent(), "A2 NOOP\r\n");
    assert_done(&talk.events("A2 OK x\r\n"), noop, Status::Ok);
}

#[test]
fn the_initial_response_goes_with_the_command_or_later() {
    let mut talk = Talk::greeted(quiet(), "AUTH=PLAIN SASL-IR");
    talk.send(plain(Some(b"\0u\0p")));
    assert_eq!(talk.sent(), "A1 AUTHENTICATE PLAIN AHUAcA==\r\n");
    talk.events("A1 OK x\r\n");
    assert_eq!(talk.client.state(), State::Authenticated);

    let mut talk = Talk::greeted(quiet(), "AUTH=PLAIN SASL-IR");
    talk.send(plain(Some(b"")));
    assert_eq!(talk.sent(), "A1 AUTHENTICATE PLAIN =\r\n");

    // Not offered, or offered by a server that refuses it.
    let mut distrustful = quiet();
    distrustful.initial_response = false;
    for (config, offered) in [(quiet(), "AUTH=PLAIN"), (distrustful, "AUTH=PLAIN SASL-IR")] {
        let mut talk = Talk::greeted(config, offered);
        talk.send(plain(Some(b"\0u\0p")));
        assert_eq!(talk.sent(), "A1 AUTHENTICATE PLAIN\r\n");
        assert_eq!(talk.events("+ \r\n"), [], "the session answers by itself");
        assert_eq!(talk.sent(), "AHUAcA==\r\n");
        talk.events("A1 OK x\r\n");
        assert_eq!(talk.client.state(), State::Authenticated);
    }
}

#[test]
fn a_challenge_that_cannot_be_is_cancelled() {
    let mut talk = Talk::greeted(quiet(), "AUTH=PLAIN");
    talk.send(plain(None));
    talk.sent();
    assert_eq!(talk.events("+ this is not base64!\r\n"), []);
    assert_eq!(talk.sent(), "*\r\n");
    let mut talk = Talk::greeted(quiet(), "AUTH=PLAIN");
    talk.send(plain(Some(b"\0u\0p")));
    talk.sent();
    assert_eq!(talk.events("+ c2VydmVy\r\n"), [], "it is the client's turn to speak first");
    assert_eq!(talk.sent(), "*\r\n");
}

// ---- APPEND

#[test]
fn append_streams_several_messages() {
    let mut talk = Talk::selected(quiet(), "MULTIAPPEND", 0);
    let id = talk.client.append(append(&[5, 0, 3])).unwrap();
    assert_eq!(talk.client.push_body(Bytes::from_static(b"early")), Err(Full(Bytes::from_static(b"early"))));
    assert_eq!(talk.sent(), "A2 APPEND saved {5}\r\n");
    assert_eq!(talk.events("+ go\r\n"), [Event::SendBody { of: id, message: 0, len: 5 }]);
    assert_eq!(talk.client.wants_body(), 5);
    talk.client.push_body(Bytes::from_static(b"ab")).unwrap();
    talk.client.push_body(Bytes::from_static(b"cde and too much")).unwrap();
    assert_eq!(talk.sent(), "abcde {0}\r\n");
    assert_eq!(talk.client.push_body(Bytes::from_static(b"x")), Err(Full(Bytes::from_static(b"x"))));
    assert_eq!(talk.events("+ go\r\n"), [Event::SendBody { of: id, message: 1, len: 0 }]);
    assert_eq!(talk.sent(), " {3}\r\n");
    assert_eq!(talk.events("+ go\r\n"), [Event::SendBody { of: id, message: 2, len: 3 }]);
    talk.client.push_body(Bytes::from_static(b"fgh")).unwrap();
    assert_eq!(talk.sent(), "fgh\r\n");
    assert_eq!(talk.client.push_body(Bytes::from_static(b"late")), Ok(()), "dropped: nothing is wanted");
    assert_eq!(talk.sent(), "");
    assert_done(&talk.events("A2 OK [APPENDUID 1 5:7] done\r\n"), id, Status::Ok);
}

#[test]
fn append_without_waiting() {
    let mut talk = Talk::selected(quiet(), "LITERAL+ MULTIAPPEND", 0);
    let id = talk.client.append(append(&[5, 2])).unwrap();
    assert_eq!(talk.sent(), "A2 APPEND saved {5+}\r\n");
    assert_eq!(talk.events(""), [Event::SendBody { of: id, message: 0, len: 5 }]);
    talk.client.push_body(Bytes::from_static(b"abcde")).unwrap();
    assert_eq!(talk.events(""), [Event::SendBody { of: id, message: 1, len: 2 }]);
    talk.client.push_body(Bytes::from_static(b"fg")).unwrap();
    assert_eq!(talk.sent(), "abcde {2+}\r\nfg\r\n");
}

#[test]
fn flags_and_date_of_an_append() {
    let mut talk = Talk::selected(quiet(), "", 0);
    let mut append = append(&[5]);
    append.messages[0].options.flags = vec!["\\Seen".parse().unwrap(), "$Work".parse().unwrap()];
    append.messages[0].options.date = Some("17-Jul-1996 02:44:25 -0700".parse().unwrap());
    talk.client.append(append).unwrap();
    assert_eq!(talk.sent(), "A2 APPEND saved (\\Seen $Work) \"17-Jul-1996 02:44:25 -0700\" {5}\r\n");
}

#[test]
fn a_full_output_hands_the_chunk_back() {
    let mut config = quiet();
    config.output_high_water = 10_000;
    let mut talk = Talk::selected(config, "", 0);
    talk.client.append(append(&[30_000])).unwrap();
    talk.sent();
    talk.events("+ go\r\n");
    let chunk = Bytes::from(vec![b'x'; 10_000]);
    talk.client.push_body(chunk.clone()).unwrap();
    assert_eq!(talk.client.wants_body(), 0);
    assert_eq!(talk.client.push_body(chunk.clone()), Err(Full(chunk.clone())));
    assert_eq!(talk.octets().len(), 10_000);
    assert_eq!(talk.client.wants_body(), 20_000);
    talk.client.push_body(chunk).unwrap();
}

#[test]
fn no_in_the_middle_of_the_octets_leaves_the_rest_owed() {
    for answer in ["NO [OVERQUOTA] full", "BAD what"] {
        let mut talk = Talk::selected(quiet(), "MULTIAPPEND", 0);
        let id = talk.client.append(append(&[10_000, 6])).unwrap();
        let noop = talk.send(CommandBody::Noop);
        talk.sent();
        talk.events("+ go\r\n");
        talk.client.push_body(Bytes::from_static(b"secret")).unwrap();
        assert_eq!(talk.sent(), "secret");
        assert_eq!(done(&talk.events(format!("A2 {answer}\r\n"))[0]).unwrap().0, id);
        assert_eq!(talk.client.wants_body(), 0);
        talk.client.push_body(Bytes::from_static(b"dropped")).unwrap();
        // Servers throw them away; they hold nothing, and least of all what could be taken for a command.
        assert_eq!(talk.sent(), format!("{}\r\nA3 NOOP\r\n", " ".repeat(10_000 - 6)));
        assert_done(&talk.events("A3 OK x\r\n"), noop, Status::Ok);
    }
}

#[test]
fn what_is_owed_is_made_as_it_goes_out() {
    let mut talk = Talk::selected(quiet(), "", 0);
    talk.client.append(append(&[u64::MAX / 2])).unwrap();
    talk.sent();
    talk.events("+ go\r\n");
    talk.events("A2 NO x\r\n");
    for _ in 0..1000 {
        assert!(talk.client.poll_transmit().unwrap().len() <= 4096);
    }
    talk.client.abort();
    assert_eq!(talk.client.poll_transmit(), None);
    assert!(matches!(talk.step(), Ok(Step::Closed)));
}

// ---- IDLE

#[test]
fn idle_is_ended_for_other_commands() {
    let mut talk = Talk::selected(quiet(), "IDLE", 4);
    let idle = talk.send(CommandBody::Idle);
    assert_eq!(talk.sent(), "A2 IDLE\r\n");
    assert_eq!(talk.events("+ idling\r\n* 5 EXISTS\r\n"), [Event::Idling(idle), Event::Exists(5)]);
    let noop = talk.send(CommandBody::Noop);
    assert_eq!(talk.sent(), "DONE\r\n");
    assert_eq!(talk.events("* 6 EXISTS\r\n"), [Event::Exists(6)]);
    assert_done(&talk.events("A2 OK x\r\n"), idle, Status::Ok);
    assert_eq!(talk.sent(), "A3 NOOP\r\n");
    assert_done(&talk.events("A3 OK x\r\n"), noop, Status::Ok);
}

#[test]
fn done_before_idle_has_begun() {
    let mut talk = Talk::selected(quiet(), "IDLE", 4);
    let idle = talk.send(CommandBody::Idle);
    talk.client.done();
    assert_eq!(talk.sent(), "A2 IDLE\r\n", "DONE may not be said before the server is ready for it");
    assert_eq!(talk.events("+ idling\r\n"), [Event::Idling(idle)]);
    assert_eq!(talk.sent(), "DONE\r\n");
    talk.client.done();
    assert_eq!(talk.sent(), "", "once is enough");
    assert_done(&talk.events("A2 OK x\r\n"), idle, Status::Ok);

    // The same for one that waits for its turn.
    talk.send(CommandBody::Noop);
    let idle = talk.send(CommandBody::Idle);
    talk.client.done();
    talk.sent();
    talk.events("A3 OK x\r\n");
    assert_eq!(talk.sent(), "A4 IDLE\r\n");
    talk.events("+ idling\r\n");
    assert_eq!(talk.sent(), "DONE\r\n");
    assert_done(&talk.events("A4 OK x\r\n"), idle, Status::Ok);
}

#[test]
fn a_command_given_before_idle_has_begun() {
    let mut talk = Talk::selected(quiet(), "IDLE", 4);
    let idle = talk.send(CommandBody::Idle);
    talk.sent();
    talk.send(CommandBody::Noop);
    assert_eq!(talk.sent(), "");
    assert_eq!(talk.events("+ idling\r\n"), [Event::Idling(idle)]);
    assert_eq!(talk.sent(), "DONE\r\n");
    talk.events("A2 OK x\r\n");
    assert_eq!(talk.sent(), "A3 NOOP\r\n");
}

#[test]
fn a_refused_idle() {
    let mut talk = Talk::selected(quiet(), "IDLE", 4);
    let idle = talk.send(CommandBody::Idle);
    talk.send(CommandBody::Noop);
    talk.sent();
    assert_done(&talk.events("A2 BAD no\r\n"), idle, Status::Bad);
    assert_eq!(talk.sent(), "A3 NOOP\r\n");
}

#[test]
fn idle_is_renewed_in_time() {
    let mut talk = Talk::selected(quiet(), "IDLE", 4);
    let idle = talk.send(CommandBody::Idle);
    talk.sent();
    talk.events("+ idling\r\n");
    let minutes = |minutes: u64| std::time::Duration::from_secs(60 * minutes);
    // News do not move it: it is the client's silence that counts.
    talk.now += minutes(20);
    talk.events("* 5 EXISTS\r\n* OK still here\r\n");
    assert_eq!(talk.expire(), minutes(8));
    assert_eq!(talk.sent(), "DONE\r\n");
    assert_eq!(talk.events("* 6 EXISTS\r\nA2 OK x\r\n"), [Event::Exists(6)]);
    assert_eq!(talk.sent(), "A3 IDLE\r\n");
    assert_eq!(talk.events("+ idling\r\n"), [Event::Idling(idle)]);
    assert_eq!(talk.expire(), minutes(28));
    // Done while it is renewed: nothing is renewed.
    talk.client.done();
    assert_eq!(talk.sent(), "DONE\r\n");
    assert_done(&talk.events("A3 OK x\r\n"), idle, Status::Ok);
    assert_eq!(talk.sent(), "");
    assert_eq!(talk.client.poll_timeout(), None);
}

#[test]
fn a_renewal_that_is_refused_or_overtaken() {
    let mut talk = Talk::selected(quiet(), "IDLE", 4);
    let idle = talk.send(CommandBody::Idle);
    talk.sent();
    talk.events("+ idling\r\n");
    talk.expire();
    let noop = talk.send(CommandBody::Noop);
    assert_eq!(talk.sent(), "DONE\r\n");
    assert_done(&talk.events("A2 OK x\r\n"), idle, Status::Ok);
    assert_eq!(talk.sent(), "A3 NOOP\r\n");
    assert_done(&talk.events("A3 OK x\r\n"), noop, Status::Ok);
    let idle = talk.send(CommandBody::Idle);
    talk.sent();
    talk.events("+ idling\r\n");
    talk.expire();
    talk.sent();
    assert_done(&talk.events("A4 BAD no more\r\n"), idle, Status::Bad);
}

#[test]
fn mail_that_comes_between_fetch_and_idle_is_not_lost() {
    let mut talk = Talk::selected(quiet(), "IDLE", 4);
    let fetch = talk.send(command("UID FETCH 1:* FLAGS"));
    talk.send(CommandBody::Idle);
    assert_eq!(talk.sent(), "A2 UID FETCH 1:* FLAGS\r\n", "IDLE waits");
    let events = talk.events("* 1 FETCH (UID 1 FLAGS ())\r\n* 5 EXISTS\r\nA2 OK x\r\n");
    assert_eq!(events[1], Event::Exists(5));
    assert_eq!(done(&events[2]), Some((fetch, Status::Ok)));
    assert_eq!(talk.client.exists(), Some(5));
    assert_eq!(talk.sent(), "A3 IDLE\r\n");
}

// ---- the end

#[test]
fn logout() {
    let mut talk = Talk::selected(quiet(), "", 4);
    let id = talk.send(CommandBody::Logout);
    assert_eq!(talk.client.send(CommandBody::Noop).unwrap_err().reason, NotNowReason::Closing);
    assert_eq!(talk.sent(), "A2 LOGOUT\r\n");
    let events = talk.events("* BYE see you\r\nA2 OK x\r\n");
    assert!(matches!(&events[0], Event::Bye(_)));
    assert_eq!(done(&events[1]), Some((id, Status::Ok)));
    talk.assert_over();
}

#[test]
fn bye_in_place_of_a_greeting() {
    let mut talk = Talk::with(quiet());
    assert!(matches!(&talk.events("* BYE too many\r\n")[..], [Event::Bye(_)]));
    talk.assert_over();
}

#[test]
fn bye_at_any_time() {
    let mut talk = Talk::selected(quiet(), "", 4);
    talk.client.append(append(&[5])).unwrap();
    talk.send(CommandBody::Noop);
    talk.sent();
    assert!(matches!(&talk.events("* BYE shutting down\r\n")[..], [Event::Bye(_)]));
    assert_eq!(talk.client.state(), State::Logout);
    assert_eq!(talk.client.send(CommandBody::Noop).unwrap_err().reason, NotNowReason::Closing);
    talk.client.handle_eof();
    assert!(matches!(talk.step(), Ok(Step::Closed)), "it was announced");
    talk.assert_over();
}

#[test]
fn the_end_of_input() {
    let mut talk = Talk::selected(quiet(), "", 4);
    talk.client.handle_eof();
    assert!(matches!(talk.step(), Ok(Step::Closed)), "nothing was owed");
    let mut talk = Talk::selected(quiet(), "", 4);
    talk.send(CommandBody::Noop);
    talk.sent();
    talk.input.extend_from_slice(b"* 5 EXISTS\r\n* 6 EXI");
    talk.client.handle_eof();
    assert!(matches!(talk.step(), Ok(Step::Event(Event::Exists(5)))), "what was read is still served");
    assert_eq!(talk.error(""), Error::Server(ServerFault::ConnectionLost));
    let mut talk = Talk::with(quiet());
    talk.client.handle_eof();
    assert_eq!(talk.error(""), Error::Server(ServerFault::ConnectionLost));
}

#[test]
fn there_are_limits_on_what_is_in_flight_and_what_waits() {
    let mut config = quiet();
    config.max_in_flight = 2;
    config.max_waiting = 3;
    let mut talk = Talk::selected(config, "", 4);
    for _ in 0..5 {
        talk.send(CommandBody::Noop);
    }
    assert_eq!(talk.client.send(CommandBody::Noop).unwrap_err().reason, NotNowReason::TooMany);
    assert_eq!(talk.sent(), "A2 NOOP\r\nA3 NOOP\r\n");
    talk.events("A3 OK x\r\n");
    assert_eq!(talk.sent(), "A4 NOOP\r\n");
}

#[test]
fn limits_before_and_after_the_log_in() {
    let line = |octets: usize| format!("* OK {}\r\n", "x".repeat(octets));
    let mut talk = Talk::greeted(quiet(), "");
    let limit = 64 << 10;
    assert_eq!(talk.error(line(limit)), Error::Limit(LimitReached::Response { limit }));
    let mut talk = Talk::selected(quiet(), "", 1);
    assert_eq!(talk.events(line(limit)).len(), 1);
}
