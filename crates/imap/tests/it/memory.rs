//! What a peer can make a server session hold, counted octet by octet. See `postroad_imap::manual::memory`.

use allocation_counter::measure;
use bytes::{Bytes, BytesMut};
use postroad_core::{Full, Session, Step, TlsInfo};
use postroad_imap::server::{Config, Event, SectionItem, Selected, Server};
use postroad_imap::types::{Flag, Section, SectionText};
use postroad_imap::view::Change;
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Instant;

/// A session of a client that is logged in and has a mailbox of so many messages selected.
fn selected(config: Arc<Config>, messages: u32) -> Server {
    let mut session = Server::new_over_tls(config, TlsInfo::default());
    let mut input = BytesMut::from("a LOGIN bob pickles\r\nb SELECT INBOX\r\n");
    while let Ok(Step::Event(event)) = session.poll_event(Instant::now(), &mut input) {
        match event {
            Event::Login(login) => login.ok(&mut session),
            Event::Select(select) => {
                select.ok(&mut session, Selected::new(1, messages + 1, (1..=messages).collect()));
            }
            other => panic!("{other:?}"),
        }
    }
    while session.poll_transmit().is_some() {}
    session
}

/// Everything that happens until nothing is left to do without more input; tokens are kept. Output is not written.
fn poll(session: &mut Server, input: &mut BytesMut, kept: &mut Vec<Event>) -> bool {
    loop {
        match session.poll_event(Instant::now(), input) {
            Ok(Step::Event(Event::AppendData(_) | Event::Idle(_) | Event::BadCommand { .. })) => {}
            Ok(Step::Event(event)) => kept.push(event),
            Ok(Step::NeedInput) => return true,
            Ok(Step::Paused | Step::Closed) | Err(_) => return false,
        }
    }
}

/// The greatest number of octets that `run` holds at once beyond what was there before.
fn peak(run: impl FnOnce()) -> u64 {
    measure(run).bytes_max
}

#[test]
fn an_idle_session_takes_two_kib() {
    let config = Arc::new(Config::new());
    for idles in [false, true] {
        let kept = RefCell::new(None);
        let held = measure(|| {
            let mut session = selected(config.clone(), 100);
            let mut input = BytesMut::new();
            if idles {
                input.extend_from_slice(b"c IDLE\r\n");
                assert!(poll(&mut session, &mut input, &mut Vec::new()));
                while session.poll_transmit().is_some() {}
            }
            *kept.borrow_mut() = Some(Box::new(session));
        });
        let octets = held.bytes_current;
        println!("an idle session holds {octets} octets, {} of them its own size", size_of::<Server>());
        assert!(octets <= 2048, "{octets}");
    }
}

#[test]
fn a_session_before_login_takes_less() {
    let config = Arc::new(Config::new());
    let kept = RefCell::new(None);
    let held = measure(|| {
        let mut session = Box::new(Server::new_over_tls(config.clone(), TlsInfo::default()));
        assert!(poll(&mut session, &mut BytesMut::new(), &mut Vec::new()));
        while session.poll_transmit().is_some() {}
        *kept.borrow_mut() = Some(session);
    });
    assert!(held.bytes_current <= 1536, "{}", held.bytes_current);
}

/// What a client sends in reads of 4 KiB, without ever reading.
fn flood(session: &mut Server, octets: &[u8], times: usize, kept: &mut Vec<Event>) -> usize {
    let mut input = BytesMut::new();
    let mut read = 0;
    for _ in 0..times {
        for part in octets.chunks(4096) {
            // A driver that heeds `Paused` reads no more.
            if !poll(session, &mut input, kept) {
                return read;
            }
            input.extend_from_slice(part);
            read += part.len();
        }
    }
    poll(session, &mut input, kept);
    read
}

#[test]
fn floods_before_login() {
    let config = Arc::new(Config::new());
    for (what, octets) in [
        ("a line without an end", "x".repeat(4096)),
        ("brackets", "(".repeat(4096)),
        ("a tag without an end", format!("t{}", "t".repeat(4095))),
        ("commands that are none", "a FROB\r\n".repeat(512)),
        ("the same over and over", "a NOOP\r\n".repeat(512)),
        ("capabilities", "a CAPABILITY\r\n".repeat(512)),
        ("literals", "a LOGIN {8000+}\r\n".repeat(200)),
        ("literals that are refused", "a LOGIN {99999999999+}\r\n".repeat(100)),
    ] {
        let held = peak(|| {
            let mut session = Server::new_over_tls(config.clone(), TlsInfo::default());
            flood(&mut session, octets.as_bytes(), 4096, &mut Vec::new());
        });
        // 64 KiB of output, which grows by doubling.
        assert!(held < 300_000, "{what}: {held}");
    }
}

#[test]
fn floods_after_login() {
    let mut config = Config::new();
    config.max_errors = u32::MAX;
    let config = Arc::new(config);
    for (what, octets) in [
        ("a line without an end", "x".repeat(4096)),
        ("commands that are none", "a FROB\r\n".repeat(512)),
        ("searches that are not answered", "a SEARCH ALL\r\n".repeat(300)),
        ("fetches with great sets", format!("a FETCH {}1 FLAGS\r\n", "1:4294967295,".repeat(2000))),
        ("literals", "a SEARCH TEXT {60000+}\r\n".repeat(200)),
        ("nested keys", format!("a SEARCH {}ALL\r\n", "NOT ".repeat(990))),
        ("messages that nobody decides about", "a APPEND INBOX {10+}\r\n0123456789\r\n".repeat(100)),
        ("done", "a IDLE\r\nDONE\r\n".repeat(300)),
    ] {
        let held = peak(|| {
            let mut session = selected(config.clone(), 1000);
            flood(&mut session, octets.as_bytes(), 1000, &mut Vec::new());
        });
        // Sixteen commands of at most 64 KiB, parsed, wait for the application.
        assert!(held < 2_000_000, "{what}: {held}");
    }
}

#[test]
fn a_message_of_64_mib_passes() {
    let mut config = Config::new();
    config.max_append = 100 << 20;
    let config = Arc::new(config);
    let held = peak(|| {
        let mut session = selected(config, 0);
        let mut input = BytesMut::from("a APPEND INBOX {67108864+}\r\n");
        let mut kept = Vec::new();
        assert!(!poll(&mut session, &mut input, &mut kept));
        let Some(Event::Append(append)) = kept.pop() else { panic!() };
        append.accept(&mut session);
        let block = [b'x'; 16_384];
        for _ in 0..4096 {
            input.extend_from_slice(&block);
            assert!(poll(&mut session, &mut input, &mut kept));
            assert!(input.is_empty());
        }
        input.extend_from_slice(b"\r\n");
        assert!(poll(&mut session, &mut input, &mut kept));
        assert!(matches!(kept[..], [Event::AppendFinish(_)]));
    });
    assert!(held < 100_000, "{held}");
}

#[test]
fn a_body_of_64_mib_passes_and_a_client_that_does_not_read_gets_little() {
    let config = Arc::new(Config::new());
    let chunk = Bytes::from(vec![b'x'; 16_384]);
    for reads in [true, false] {
        let held = peak(|| {
            let mut session = selected(config.clone(), 1);
            let mut input = BytesMut::from("a FETCH 1 BODY.PEEK[]\r\n");
            let Ok(Step::Event(Event::Fetch(fetch))) = session.poll_event(Instant::now(), &mut input) else {
                panic!()
            };
            let section = Section::new(Vec::new(), SectionText::Whole).unwrap();
            let item = SectionItem::Body { section: &section, origin: None };
            let mut literal = fetch.row(&mut session, 1).unwrap().stream(item, 64 << 20);
            while literal.left() > 0 {
                if let Err(Full(_)) = literal.push(&mut session, chunk.clone()) {
                    if !reads {
                        break;
                    }
                    while session.poll_transmit().is_some() {}
                }
            }
            assert_eq!(literal.left() == 0, reads);
            drop(literal);
        });
        assert!(held < 200_000, "{held}");
    }
}

#[test]
fn beside_an_open_literal_little_is_held() {
    let config = Arc::new(Config::new());
    let held = peak(|| {
        let mut session = selected(config, 1);
        let mut input = BytesMut::from("a FETCH 1 BODY.PEEK[]\r\n");
        let Ok(Step::Event(Event::Fetch(fetch))) = session.poll_event(Instant::now(), &mut input) else {
            panic!()
        };
        let section = Section::new(Vec::new(), SectionText::Whole).unwrap();
        let item = SectionItem::Body { section: &section, origin: None };
        let literal = fetch.row(&mut session, 1).unwrap().stream(item, 1000);
        let read = flood(&mut session, "b NOOP\r\n".repeat(512).as_bytes(), 1000, &mut Vec::new());
        assert!(read < 200_000, "{read}");
        drop((literal, fetch));
    });
    assert!(held < 400_000, "{held}");
}

#[test]
fn changes_that_the_client_does_not_hear_of_come_together() {
    let config = Arc::new(Config::new());
    let held = peak(|| {
        let mut session = selected(config, 10_000);
        let mut input = BytesMut::from("a IDLE\r\n");
        assert!(poll(&mut session, &mut input, &mut Vec::new()));
        let flags: Arc<[Flag]> = Arc::from([Flag::Seen, Flag::Flagged]);
        for round in 0..20 {
            for uid in 1..=10_000 {
                session.notify(Change::Flags { uid, flags: flags.clone(), mod_seq: None });
            }
            for uid in 0..50_000 {
                session.notify(Change::Added(20_000 + round * 50_000 + uid));
            }
        }
        (1..10_000).for_each(|uid| session.notify(Change::Removed(uid)));
    });
    assert!(held < 2_000_000, "{held}");
}
