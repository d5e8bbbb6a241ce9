//! Extensions at the server session: what their tokens do, what misuse of them does, and what is told of modification sequences.

use crate::office::{Desk, Office, flag};
use bytes::BytesMut;
use postroad_core::{Full, Session, Step, TlsInfo};
use postroad_imap::response::{No, Quota, ThreadMember, ThreadResponse};
use postroad_imap::server::{Config, Event, RowError, Selected, Server, State};
use postroad_imap::types::{Capability, Flag, ModSeq, UidSet};
use postroad_imap::view::Change;

const EXTENSIONS: [&str; 9] = [
    "CONDSTORE",
    "QRESYNC",
    "SORT",
    "ESORT",
    "THREAD=REFERENCES",
    "QUOTA",
    "COMPRESS=DEFLATE",
    "UNAUTHENTICATE",
    "UTF8=ACCEPT",
];

fn desk(count: u32) -> Desk {
    let mut config = Config::new();
    config.extensions = EXTENSIONS.map(|name| Capability::parse(name).unwrap()).to_vec();
    let mut desk = Desk::new(config, Office::new(count));
    desk.say("a LOGIN bob pickles\r\n");
    desk
}

/// With INBOX selected, at modification sequence 100.
fn selected(count: u32, before: &str) -> Desk {
    let mut desk = desk(count);
    desk.say(before);
    let Some(Event::Select(select)) = ask(&mut desk, "b SELECT INBOX\r\n") else { panic!() };
    let at = at(&desk);
    select.ok(&mut desk.session, at);
    desk.run();
    desk.take_said();
    desk
}

fn at(desk: &Desk) -> Selected {
    let mut selected = desk.office.selected();
    selected.highest_mod_seq = Some(100.into());
    selected
}

/// What the application is asked by a command.
fn ask(desk: &mut Desk, command: &str) -> Option<Event> {
    desk.said.clear();
    desk.input.extend_from_slice(command.as_bytes());
    desk.next()
}

fn set(text: &str) -> UidSet {
    UidSet::parse(text).unwrap()
}

fn flags(uid: u32, mod_seq: u32) -> Change {
    Change::Flags { uid, flags: [Flag::Seen].into(), mod_seq: Some(mod_seq.into()) }
}

// ---- modification sequences ----

#[test]
fn a_client_that_does_not_know_is_told_nothing() {
    let mut desk = selected(3, "");
    desk.session.notify(flags(20, 101));
    desk.session.notify(Change::Removed(30));
    assert_eq!(
        desk.say("c NOOP\r\n"),
        "* 3 EXPUNGE\r\n* 2 FETCH (UID 20 FLAGS (\\Seen))\r\nc OK NOOP completed\r\n"
    );
}

#[test]
fn each_command_that_shows_it_makes_a_client_known() {
    for command in [
        "ENABLE CONDSTORE",
        "ENABLE QRESYNC",
        "STATUS INBOX (HIGHESTMODSEQ)",
        "FETCH 1 (MODSEQ)",
        "FETCH 1 (FLAGS) (CHANGEDSINCE 5)",
        "UID STORE 10 (UNCHANGEDSINCE 500) +FLAGS (\\Seen)",
        "LIST \"\" * RETURN (STATUS (HIGHESTMODSEQ))",
    ] {
        let mut desk = selected(2, "");
        let said = desk.say(format!("c {command}\r\n"));
        assert_eq!(said.matches("* OK [HIGHESTMODSEQ 100]").count(), 1, "{command}: {said}");
        let again = desk.say(format!("c {command}\r\n"));
        assert!(!again.contains("[HIGHESTMODSEQ 100]"), "{command}: {again}");
        desk.session.notify(flags(20, 101));
        let said = desk.say("d NOOP\r\n");
        assert_eq!(
            said, "* 2 FETCH (UID 20 FLAGS (\\Seen) MODSEQ (101))\r\nd OK NOOP completed\r\n",
            "{command}"
        );
    }
}

#[test]
fn what_sets_seen_tells_the_modification_sequence() {
    let mut desk = selected(2, "x ENABLE CONDSTORE\r\n");
    let Some(Event::Fetch(fetch)) = ask(&mut desk, "c FETCH 1 BODY[]\r\n") else { panic!() };
    let items: Vec<String> = fetch.command().items.iter().map(|item| format!("{item:?}")).collect();
    assert!(items.first().unwrap() == "Uid" && items.last().unwrap() == "ModSeq", "{items:?}");
    fetch.ok(&mut desk.session);
    let Some(Event::Fetch(fetch)) = ask(&mut desk, "c FETCH 1 BODY.PEEK[]\r\n") else { panic!() };
    assert_eq!(fetch.command().items.len(), 1);
    fetch.ok(&mut desk.session);
}

#[test]
fn highestmodseq_never_runs_ahead_of_what_is_told() {
    let mut desk = selected(9, "x ENABLE QRESYNC\r\n");
    desk.session.notify(Change::Removed(30));
    desk.session.notify(Change::HighestModSeq(101.into()));
    desk.session.notify(flags(50, 102));
    // FETCH may not tell the removal, and so nothing says 102.
    assert_eq!(
        desk.say("c FETCH 1 FLAGS\r\n"),
        "* 1 FETCH (FLAGS ())\r\n* 5 FETCH (UID 50 FLAGS (\\Seen) MODSEQ (102))\r\nc OK FETCH completed\r\n"
    );
    assert_eq!(desk.session.view().unwrap().mod_seq_told(), ModSeq::from(100));
    assert_eq!(desk.say("d EXPUNGE\r\n"), "* VANISHED 30\r\nd OK [HIGHESTMODSEQ 102] EXPUNGE completed\r\n");
}

#[test]
fn a_mailbox_without_modification_sequences_expunges_as_ever() {
    let mut desk = desk(3);
    desk.say("x ENABLE QRESYNC\r\n");
    let said = desk.say("b SELECT INBOX\r\n");
    assert!(said.contains("* OK [NOMODSEQ]"), "{said}");
    desk.session.notify(Change::Removed(20));
    assert_eq!(desk.say("c EXPUNGE\r\n"), "* 2 EXPUNGE\r\nc OK EXPUNGE completed\r\n");
    assert!(desk.say("d FETCH 1 (MODSEQ)\r\n").starts_with("d BAD "));
}

#[test]
fn nothing_of_it_is_said_where_it_is_not_announced() {
    let mut desk = Desk::new(Config::new(), Office::new(1));
    desk.say("a LOGIN bob pickles\r\n");
    let Some(Event::Select(select)) = ask(&mut desk, "b SELECT INBOX\r\n") else { panic!() };
    let at = at(&desk);
    select.ok(&mut desk.session, at);
    desk.run();
    let said = desk.take_said();
    assert!(!said.contains("MODSEQ"), "{said}");
    assert!(desk.say("c SELECT INBOX (CONDSTORE)\r\n").starts_with("c BAD CONDSTORE is not served"));
    assert_eq!(desk.session.state(), State::Selected, "a bad SELECT does not close the mailbox");
}

// ---- resynchronisation ----

const QRESYNC: &str = "b SELECT INBOX (QRESYNC (1795392000 50 1:90))\r\n";

#[test]
fn what_the_client_still_counts_has_not_vanished_earlier() {
    let mut desk = desk(5);
    desk.say("x ENABLE QRESYNC\r\n");
    let Some(Event::Select(select)) = ask(&mut desk, QRESYNC) else { panic!() };
    let at = at(&desk);
    let resync = select.begin(&mut desk.session, at);
    assert_eq!(resync.since(), Some(50.into()));
    // 20 was removed after the mailbox was opened, before the application looked.
    desk.session.notify(Change::Removed(20));
    resync.vanished(&mut desk.session, &set("1:12,18:22,60")).unwrap();
    let row = resync.row(&mut desk.session, 30).unwrap();
    row.flags(&[Flag::Seen]).mod_seq(60.into()).end();
    assert_eq!(resync.row(&mut desk.session, 60).unwrap_err(), RowError::Gone);
    resync.ok(&mut desk.session);
    desk.run();
    let said = desk.take_said();
    let beside = said.split_once("[HIGHESTMODSEQ 100] highest\r\n").unwrap().1;
    assert_eq!(
        beside,
        "* VANISHED (EARLIER) 1:9,11:12,18:19,21:22,60\r\n* 3 FETCH (UID 30 FLAGS (\\Seen) MODSEQ (60))\r\n\
         b OK [READ-WRITE] SELECT completed\r\n"
    );
    assert_eq!(desk.say("c NOOP\r\n"), "* VANISHED 20\r\nc OK NOOP completed\r\n");
}

#[test]
fn nothing_runs_beside_it() {
    let mut desk = desk(5);
    desk.say("x ENABLE QRESYNC\r\n");
    let Some(Event::Select(select)) = ask(&mut desk, &format!("{QRESYNC}c FETCH 1 FLAGS\r\n")) else {
        panic!()
    };
    let at = at(&desk);
    let resync = select.begin(&mut desk.session, at);
    assert!(desk.next().is_none(), "FETCH waits");
    resync.ok(&mut desk.session);
    desk.run();
    assert!(desk.take_said().ends_with("c OK FETCH completed\r\n"));
}

#[test]
fn a_resynchronisation_that_fails_selects_nothing() {
    for is_dropped in [false, true] {
        let mut desk = desk(5);
        desk.say("x ENABLE QRESYNC\r\n");
        let Some(Event::Select(select)) = ask(&mut desk, QRESYNC) else { panic!() };
        let at = at(&desk);
        let resync = select.begin(&mut desk.session, at);
        if is_dropped {
            drop(resync);
            assert!(matches!(desk.next(), Some(Event::Unselected)));
        } else {
            resync.no(&mut desk.session, No::unavailable());
        }
        desk.run();
        let said = desk.take_said();
        assert!(said.contains(if is_dropped { "b NO [SERVERBUG]" } else { "b NO [UNAVAILABLE]" }), "{said}");
        assert_eq!(desk.session.state(), State::Authenticated);
        assert!(desk.say("c FETCH 1 FLAGS\r\n").starts_with("c BAD select a mailbox first"));
    }
}

#[test]
fn a_token_of_another_session_does_nothing() {
    let mut one = desk(5);
    one.say("x ENABLE QRESYNC\r\n");
    let Some(Event::Select(select)) = ask(&mut one, QRESYNC) else { panic!() };
    let mut other = selected(2, "");
    let before = other.session.view().unwrap().told().len();
    let at = at(&one);
    let resync = select.begin(&mut other.session, at);
    resync.vanished(&mut other.session, &set("1:5")).unwrap();
    assert_eq!(resync.row(&mut other.session, 10).unwrap_err(), RowError::Closed);
    resync.no(&mut other.session, No::unavailable());
    other.run();
    assert_eq!(other.take_said(), "");
    assert_eq!(other.session.view().unwrap().told().len(), before);
    assert_eq!(other.session.state(), State::Selected);
}

#[test]
fn the_tokens_of_a_session_that_is_over_do_nothing() {
    for command in [
        "SORT (DATE) UTF-8 ALL",
        "THREAD REFERENCES UTF-8 ALL",
        "GETQUOTA \"\"",
        "GETQUOTAROOT INBOX",
        "COMPRESS DEFLATE",
    ] {
        let mut desk = selected(3, "");
        let event = ask(&mut desk, &format!("c {command}\r\n")).unwrap();
        desk.session.shut_down();
        desk.run();
        desk.take_said();
        let quota = Quota { root: "".into(), resources: Vec::new() };
        match event {
            Event::Sort(token) => token.ok(&mut desk.session, [10], None),
            Event::Thread(token) => token.ok(&mut desk.session, ThreadResponse::default()),
            Event::GetQuota(token) => token.ok(&mut desk.session, quota),
            Event::GetQuotaRoot(token) => token.ok(&mut desk.session, vec![quota]),
            Event::Compress(token) => token.accept(&mut desk.session),
            other => panic!("{other:?}"),
        }
        desk.session.compression_established();
        desk.run();
        assert_eq!(desk.take_said(), "", "{command}");
        assert!(!desk.session.is_compressed());
    }
}

#[test]
fn the_tokens_that_are_dropped_are_answered() {
    for command in [
        "SORT (DATE) UTF-8 ALL",
        "THREAD REFERENCES UTF-8 ALL",
        "GETQUOTA \"\"",
        "GETQUOTAROOT INBOX",
        "COMPRESS DEFLATE",
    ] {
        let mut desk = selected(3, "");
        drop(ask(&mut desk, &format!("c {command}\r\n")).unwrap());
        desk.run();
        assert!(desk.take_said().starts_with("c NO [SERVERBUG]"), "{command}");
        assert_eq!(desk.say("d NOOP\r\n"), "d OK NOOP completed\r\n");
    }
}

#[test]
fn what_vanished_is_told_in_bounded_lines_and_with_back_pressure() {
    let mut desk = desk(0);
    desk.say("x ENABLE QRESYNC\r\n");
    let Some(Event::Select(select)) = ask(&mut desk, "b SELECT INBOX (QRESYNC (1795392000 50))\r\n") else {
        panic!()
    };
    let at = at(&desk);
    let resync = select.begin(&mut desk.session, at);
    let mut gone: UidSet = (1..=200_000).step_by(2).collect();
    let (mut rounds, mut longest, mut told) = (0, 0, UidSet::new());
    loop {
        let full = resync.vanished(&mut desk.session, &gone);
        let mut said = Vec::new();
        while let Some(octets) = desk.session.poll_transmit() {
            said.extend_from_slice(&octets);
        }
        longest = longest.max(said.len());
        for line in String::from_utf8(said).unwrap().lines() {
            if let Some(uids) = line.strip_prefix("* VANISHED (EARLIER) ") {
                assert!(line.len() < 10_000);
                set(uids).ranges().for_each(|range| told.push_range(range));
            }
        }
        match full {
            Ok(()) => break,
            Err(Full(rest)) => gone = rest,
        }
        rounds += 1;
    }
    assert!(rounds > 3 && longest < 80_000, "{rounds} rounds of up to {longest} octets");
    assert_eq!(told.count(), 100_000);
    resync.ok(&mut desk.session);
}

#[test]
fn a_sequence_match_without_end_costs_no_more_than_the_mailbox() {
    let mut desk = desk(3);
    desk.say("x ENABLE QRESYNC\r\n");
    let command = "b SELECT INBOX (QRESYNC (1795392000 50 1:4294967295 (1:4294967295 1:4294967295)))\r\n";
    let Some(Event::Select(select)) = ask(&mut desk, command) else { panic!() };
    let at = at(&desk);
    let resync = select.begin(&mut desk.session, at);
    assert_eq!(resync.unsure().to_string(), "1:4294967295");
    resync.ok(&mut desk.session);
}

// ---- SORT and THREAD ----

#[test]
fn sorted_messages_keep_their_order_and_unknown_ones_are_left_out() {
    let mut desk = selected(5, "");
    let Some(Event::Sort(sort)) = ask(&mut desk, "c SORT (DATE) UTF-8 1:3\r\n") else { panic!() };
    assert_eq!(format!("{:?}", sort.command().keys.as_slice().len()), "1");
    sort.ok(&mut desk.session, [30, 10, 99, 20], None);
    desk.run();
    assert_eq!(desk.take_said(), "* SORT 3 1 2\r\nc OK SORT completed\r\n");
    // SORT has numbers in its answer: nothing is expunged before it.
    let Some(Event::Sort(sort)) = ask(&mut desk, "c SORT RETURN (MAX SAVE) (DATE) UTF-8 ALL\r\n") else {
        panic!()
    };
    desk.session.notify(Change::Removed(10));
    sort.ok(&mut desk.session, [30, 50, 20], None);
    desk.run();
    assert_eq!(desk.take_said(), "* ESEARCH (TAG \"c\") MAX 2\r\nc OK SORT completed\r\n");
    let Some(Event::Fetch(fetch)) = ask(&mut desk, "d UID FETCH $ FLAGS\r\n") else { panic!() };
    assert_eq!(fetch.messages().to_string(), "20");
    fetch.ok(&mut desk.session);
    // A SORT that fails saves nothing.
    let Some(Event::Sort(sort)) = ask(&mut desk, "e SORT RETURN (SAVE) (DATE) UTF-8 ALL\r\n") else {
        panic!()
    };
    sort.no(&mut desk.session, No::unavailable());
    let Some(Event::Fetch(fetch)) = ask(&mut desk, "f UID FETCH $ FLAGS\r\n") else { panic!() };
    assert!(fetch.messages().is_empty());
    fetch.ok(&mut desk.session);
}

#[test]
fn threads_of_messages_that_are_not_known() {
    let mut desk = selected(3, "");
    let Some(Event::Thread(thread)) = ask(&mut desk, "c THREAD REFERENCES UTF-8 ALL\r\n") else { panic!() };
    // Only what is known is to be looked at.
    let keys = format!("{:?}", thread.command().keys.as_slice());
    assert!(keys.starts_with("[And(2), Uid(") && keys.ends_with("All]"), "{keys}");
    let member = |number: u32, depth| ThreadMember { number: Some(number), depth };
    let members = vec![
        member(10, 0),
        member(99, 1),
        member(98, 0),
        member(20, 1),
        member(97, 2),
        member(30, 1),
        member(96, 0),
        member(95, 1),
    ];
    thread.ok(&mut desk.session, ThreadResponse { members });
    desk.run();
    assert_eq!(desk.take_said(), "* THREAD (1)((2)(3))\r\nc OK THREAD completed\r\n");
    assert!(
        desk.say("d THREAD ORDEREDSUBJECT UTF-8 ALL\r\n")
            .starts_with("d BAD THREAD=ORDEREDSUBJECT is not served")
    );
}

// ---- COMPRESS ----

#[test]
fn octets_behind_compress_are_left_for_the_decompressor() {
    let mut desk = selected(1, "");
    let behind = b"\x01\x02 NOOP\r\n\x00";
    desk.input.extend_from_slice(b"c COMPRESS DEFLATE\r\n");
    desk.input.extend_from_slice(behind);
    let Some(Event::Compress(compress)) = desk.next() else { panic!() };
    assert!(matches!(desk.session.poll_event(desk.now, &mut desk.input), Ok(Step::Paused)));
    compress.accept(&mut desk.session);
    assert!(desk.next().is_none());
    assert_eq!(desk.take_said(), "c OK DEFLATE active\r\n");
    assert_eq!(desk.input, &behind[..], "not one is taken");
    desk.input = BytesMut::from("d NOOP\r\n");
    assert!(desk.next().is_none(), "until it is established");
    desk.session.compression_established();
    assert_eq!(desk.say(""), "d OK NOOP completed\r\n");
    assert!(desk.say("e COMPRESS DEFLATE\r\n").starts_with("e NO [COMPRESSIONACTIVE]"));
    // It would have to end on both sides at once.
    assert!(desk.say("f UNAUTHENTICATE\r\n").starts_with("f NO [CANNOT]"));
}

#[test]
fn a_client_that_never_compresses_is_let_go() {
    let mut desk = selected(1, "");
    let Some(Event::Compress(compress)) = ask(&mut desk, "c COMPRESS DEFLATE\r\n") else { panic!() };
    compress.accept(&mut desk.session);
    desk.run();
    desk.wait(61);
    assert_eq!(desk.ended.as_deref(), Some("closed"));
}

#[test]
fn compression_without_being_asked_is_none() {
    let mut session = Server::new_over_tls(Config::new(), TlsInfo::default());
    session.compression_established();
    assert!(!session.is_compressed());
}

// ---- the rest ----

#[test]
fn who_logs_out_is_nobody() {
    let mut desk = selected(2, "x ENABLE QRESYNC UTF8=ACCEPT\r\n");
    desk.session.notify(Change::Removed(10));
    let said = desk.say("c UNAUTHENTICATE\r\n");
    assert!(said.starts_with("c OK [CAPABILITY ") && !said.contains(" QRESYNC"), "{said}");
    assert_eq!(desk.session.state(), State::NotAuthenticated);
    assert!(desk.session.view().is_none());
    desk.say("d LOGIN bob pickles\r\n");
    assert!(
        desk.say("e SELECT INBOX (QRESYNC (1795392000 50))\r\n").starts_with("e BAD ENABLE QRESYNC first")
    );
}

#[test]
fn a_token_that_is_dropped_beside_an_append_leaves_it_undecided() {
    let mut desk = selected(0, "");
    let Some(quota) = ask(&mut desk, "c GETQUOTA \"\"\r\n") else { panic!() };
    let Some(append @ Event::Append(_)) = ask(&mut desk, "d APPEND INBOX {1}\r\n") else { panic!() };
    drop(quota);
    assert!(desk.next().is_none());
    assert!(desk.take_said().starts_with("c NO [SERVERBUG]"));
    desk.office.answer(&mut desk.session, append);
    desk.run();
    assert_eq!(desk.take_said(), "+ go ahead\r\n");
    let said = desk.say("x\r\n");
    assert!(said.contains("d OK ") && said.ends_with("APPEND completed\r\n"), "{said}");
}

#[test]
fn quotas_are_told_in_one_answer() {
    let mut desk = desk(0);
    let Some(Event::GetQuotaRoot(token)) = ask(&mut desk, "c GETQUOTAROOT INBOX\r\n") else { panic!() };
    token.ok(&mut desk.session, Vec::new());
    desk.run();
    assert_eq!(desk.take_said(), "* QUOTAROOT INBOX\r\nc OK GETQUOTAROOT completed\r\n");
    assert!(desk.say("d SETQUOTA \"\" (STORAGE 5)\r\n").starts_with("d NO [NOPERM]"));
}

#[test]
fn stored_flags_and_their_sequence_go_together() {
    let mut desk = selected(3, "x ENABLE CONDSTORE\r\n");
    let Some(Event::Store(store)) = ask(&mut desk, "c STORE 1:3 (UNCHANGEDSINCE 90) +FLAGS (x)\r\n") else {
        panic!()
    };
    store.stored(&mut desk.session, 10, &[flag("x")], Some(101.into())).unwrap();
    store.modified(&mut desk.session, &set("20,30"));
    desk.run();
    assert_eq!(
        desk.take_said(),
        "* 1 FETCH (UID 10 FLAGS (x) MODSEQ (101))\r\nc OK [MODIFIED 2:3] some were changed meanwhile\r\n"
    );
}
