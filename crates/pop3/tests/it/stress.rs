//! Peers, applications and clocks that do anything at any time: nothing panics, nothing stands still for ever, nothing grows.

use crate::common::{FIRST, Shop, config, tls};
use bytes::{Bytes, BytesMut};
use postroad_pop3::client::{self, Client};
use postroad_pop3::codec::{ResponseDecoder, ResponsePart, Shape};
use postroad_pop3::command::Command;
use postroad_pop3::response::Rejection;
use postroad_pop3::server::{Body, Event, Server};
use postroad_pop3::{Session, Step};
use proptest::prelude::*;
use std::time::{Duration, Instant};

#[derive(Debug, Clone)]
enum Act {
    Octets(Vec<u8>),
    Accept,
    Reject,
    Drop,
    /// Given to a session that is not its own.
    Misplace,
    Push,
    Finish,
    Drain,
    Seconds(u64),
    Eof,
    ShutDown,
    Tls,
}

fn acts(words: &'static [&'static str]) -> impl Strategy<Value = Vec<Act>> {
    let words = prop::sample::select(words).prop_map(|word| Act::Octets(word.into()));
    let noise = prop::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'.'), any::<u8>()], 0..20);
    let act = prop_oneof![
        30 => words,
        1 => noise.prop_map(Act::Octets),
        1 => (0_usize..2000).prop_map(|len| Act::Octets(vec![b'x'; len])),
        15 => Just(Act::Accept),
        2 => Just(Act::Reject),
        1 => Just(Act::Drop),
        1 => Just(Act::Misplace),
        8 => Just(Act::Push),
        8 => Just(Act::Finish),
        10 => Just(Act::Drain),
        2 => (0_u64..700).prop_map(Act::Seconds),
        1 => prop_oneof![5 => Just(Act::Eof), 1 => Just(Act::ShutDown)],
        3 => Just(Act::Tls),
    ];
    prop::collection::vec(act, 0..60)
}

/// What the application holds.
enum Held {
    Event(Event),
    Body(Body),
}

fn accept(event: Event, session: &mut Server) -> Option<Held> {
    match event {
        Event::Login(login) => login.accept(session, Shop::new().maildrop()),
        Event::Stls(stls) => stls.accept(session),
        Event::Retrieve(retrieve) => return Some(Held::Body(retrieve.accept(session))),
        Event::Update(update) => update.accept(session),
        _ => {}
    }
    None
}

fn reject(event: Event, session: &mut Server) {
    match event {
        Event::Login(login) => login.reject(session, Rejection::auth()),
        Event::Stls(stls) => stls.reject(session, Rejection::temporary()),
        Event::Retrieve(retrieve) => retrieve.reject(session, Rejection::temporary()),
        Event::Update(update) => update.reject(session),
        _ => {}
    }
}

/// Reads all that a server said, by the commands that it was asked.
fn is_well_formed(mut sent: BytesMut) -> bool {
    let mut decoder = ResponseDecoder::new(512);
    loop {
        // Which command a response is to is not known here, but only these have more lines.
        let line = sent[..].split(|octet| *octet == b'\n').next().unwrap_or_default();
        let has = |words: &[u8]| line.starts_with(words);
        decoder.announce(match line {
            _ if has(b"+OK Capability")
                || (has(b"+OK ") && line.ends_with(b" octets)\r") && !has(b"+OK maildrop")) =>
            {
                Shape::Lines
            }
            _ if line.ends_with(b" octets\r") || has(b"+OK top") => Shape::Message,
            _ => Shape::SingleLine,
        });
        while let Some(part) = decoder.next(&mut sent).unwrap() {
            if matches!(part, ResponsePart::End(_)) || !decoder.is_within_response() {
                break;
            }
        }
        if sent.is_empty() || decoder.is_within_response() {
            return !decoder.is_within_response();
        }
    }
}

proptest! {
    #[test]
    fn a_server_survives_anything(acts in acts(&[
        "CAPA\r\n", "USER mrose\r\n", "PASS tanstaaf\r\n", "USER mrose\r\nPASS tanstaaf\r\n", "STAT\r\n", "LIST\r\n", "LIST 1\r\n",
        "UIDL 2\r\n", "RETR 1\r\n", "RETR 2\r\n", "TOP 1 1\r\n", "DELE 1\r\n", "DELE 2\r\n", "RSET\r\n", "NOOP\r\n", "RETR 9\r\n", "STLS\r\n", "QUIT\r\n",
        "FROB\r\n", "NOOP\n",
    ]), lazy in 1..9_usize) {
        let mut now = Instant::now();
        let mut config = config();
        config.stls = true;
        config.max_dropped = 3000;
        config.high_water = 300;
        config.max_errors = 20;
        let mut server = Server::new(config.clone());
        let mut other = Server::new(config);
        let (mut input, mut sent) = (BytesMut::new(), BytesMut::new());
        let mut held = None;
        let (mut asked, mut over, mut is_cut, mut is_tls, mut wants_tls) = (0, false, false, false, false);
        for act in acts {
            match (act, held.take()) {
                (Act::Octets(octets), keep) => {
                    // A driver reads at most so much ahead of a session that is paused.
                    if input.len() < 20_000 { input.extend_from_slice(&octets) }
                    held = keep;
                }
                (Act::Accept, Some(Held::Event(event))) => {
                    wants_tls |= matches!(event, Event::Stls(_));
                    held = accept(event, &mut server);
                }
                (Act::Reject, Some(Held::Event(event))) => reject(event, &mut server),
                (Act::Misplace, Some(Held::Event(event))) => if let Some(Held::Body(body)) = accept(event, &mut other) {
                    let _ = body.push(&mut other, FIRST.into());
                    body.finish(&mut other);
                },
                (Act::Push, Some(Held::Body(body))) => {
                    let _ = body.push(&mut server, Bytes::from_static(b".\r\n.\r\n+OK\r\n"));
                    held = Some(Held::Body(body));
                }
                (Act::Finish, Some(Held::Body(body))) => body.finish(&mut server),
                (Act::Drop, was) => is_cut |= matches!(was, Some(Held::Body(_))),
                (act, keep) => {
                    held = keep;
                    match act {
                        Act::Drain => while let Some(octets) = server.poll_transmit() { sent.extend_from_slice(&octets) },
                        Act::Seconds(seconds) => {
                            now += Duration::from_secs(seconds);
                            server.handle_timeout(now);
                            prop_assert!(server.poll_timeout().is_none_or(|at| at > now));
                        }
                        Act::Eof => server.handle_eof(),
                        Act::ShutDown => server.shut_down(),
                        Act::Tls if wants_tls => {
                            input.clear();
                            server.tls_established(tls());
                            is_tls = server.tls().is_some();
                            wants_tls = false;
                        }
                        _ => {}
                    }
                }
            }
            let step = loop {
                match server.poll_event(now, &mut input) {
                    Ok(Step::Event(Event::Aborted(_))) => {}
                    Ok(Step::Event(event)) => {
                        prop_assert!(held.is_none(), "one at a time");
                        asked += 1;
                        // Most tokens are answered at once, or it would not get far.
                        if asked % lazy == 0 {
                            held = Some(Held::Event(event));
                        } else {
                            wants_tls |= matches!(event, Event::Stls(_));
                            held = accept(event, &mut server);
                        }
                    }
                    Ok(step) => break step.map(|_| ()),
                    Err(_) => {
                        prop_assert!(matches!(server.poll_event(now, &mut input), Ok(Step::Closed)));
                        break Step::Closed;
                    }
                }
            };
            prop_assert!(!over || step == Step::Closed);
            over = step == Step::Closed;
            let before = sent.len();
            match step {
                Step::Closed => {
                    is_cut |= matches!(held, Some(Held::Body(_)));
                    prop_assert_eq!(server.poll_timeout(), None);
                }
                Step::NeedInput => {
                    prop_assert!(server.poll_timeout().is_some(), "no one waits for ever");
                    prop_assert!(input.len() <= 512, "{} octets are left lying", input.len());
                }
                Step::Paused if held.is_some() || wants_tls => prop_assert!(server.poll_timeout().is_some()),
                Step::Paused => {
                    while let Some(octets) = server.poll_transmit() { sent.extend_from_slice(&octets) }
                    prop_assert!((300..900).contains(&(sent.len() - before)), "only its output holds it back");
                }
                Step::Event(()) => unreachable!(),
            }
            let shown = format!("{server:?}");
            prop_assert!(!shown.contains("staaf"));
        }
        prop_assert!(!is_tls || server.tls().is_some());
        is_cut |= matches!(held, Some(Held::Body(_)));
        // A listing that is not written to its end is not whole yet.
        loop {
            let before = sent.len();
            while let Some(octets) = server.poll_transmit() { sent.extend_from_slice(&octets) }
            if !is_cut && held.is_none() {
                while let Ok(Step::Event(_)) = server.poll_event(now, &mut BytesMut::new()) {}
            }
            if sent.len() == before && server.poll_transmit().map(|octets| sent.extend_from_slice(&octets)).is_none() { break }
        }
        prop_assert!(is_cut || is_well_formed(sent.clone()), "{}", sent.escape_ascii());
    }

    #[test]
    fn a_client_survives_anything(acts in acts(&[
        "+OK\r\n", "+OK\r\n", "-ERR no\r\n", "+OK 2 320\r\n", ".\r\n", ".\r\n", "1 120\r\n", "2 abc\r\n", "PIPELINING\r\n", "..\r\n", "+OK\r\nPIPELINING\r\n.\r\n",
    ]), verbs in prop::collection::vec(prop::sample::select(vec![
        "CAPA", "USER mrose", "PASS tanstaaf", "STAT", "LIST", "LIST 1", "UIDL", "UIDL 1", "RETR 1", "TOP 1 1", "DELE 1", "RSET", "NOOP", "STLS", "QUIT",
    ]), 60)) {
        let mut now = Instant::now();
        let mut config = client::Config::new();
        config.login_without_tls = true;
        config.max_in_flight = 4;
        config.max_waiting = 5;
        config.max_rows = 50;
        let mut client = Client::new(config);
        let mut input = BytesMut::from(&b"+OK ready\r\n"[..]);
        let mut wants_tls = false;
        for (act, verb) in acts.into_iter().zip(verbs) {
            match act {
                Act::Octets(octets) if input.len() < 20_000 => input.extend_from_slice(&octets),
                Act::Accept | Act::Push => { let _ = client.send(Command::parse(verb.as_bytes()).unwrap()); }
                Act::Drain => while client.poll_transmit().is_some() {},
                Act::Seconds(seconds) => {
                    now += Duration::from_secs(seconds);
                    client.handle_timeout(now);
                }
                Act::Eof => client.handle_eof(),
                Act::Tls if wants_tls => {
                    wants_tls = false;
                    input.clear();
                    client.tls_established(tls());
                }
                _ => {}
            }
            let step = loop {
                match client.poll_event(now, &mut input) {
                    Ok(Step::Event(event)) => wants_tls |= matches!(event, client::Event::StartTls(_)),
                    Ok(step) => break step.map(|_| ()),
                    Err(_) => {
                        prop_assert!(matches!(client.poll_event(now, &mut input), Ok(Step::Closed)));
                        break Step::Closed;
                    }
                }
            };
            match step {
                Step::Closed => prop_assert_eq!(client.poll_timeout(), None),
                Step::NeedInput => {
                    prop_assert!(client.outstanding() == 0 || client.poll_timeout().is_some(), "no one waits for ever");
                    prop_assert!(input.len() <= 4096);
                }
                Step::Paused => prop_assert!(wants_tls && client.poll_timeout().is_some()),
                Step::Event(()) => unreachable!(),
            }
            let shown = format!("{client:?}");
            prop_assert!(!shown.contains("staaf"));
        }
        prop_assert!(client.outstanding() <= 9);
    }
}
