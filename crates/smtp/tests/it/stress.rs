//! Peers, applications and clocks that do anything at any time: nothing panics, nothing stands still for ever, nothing grows.

use crate::harness::config;
use bytes::{Bytes, BytesMut};
use postroad_smtp::client::{self, Client};
use postroad_smtp::codec::{CommandCodec, Item};
use postroad_smtp::command::Command;
use postroad_smtp::reply::{Rejection, ReplyDecoder, ReplyText};
use postroad_smtp::server::{Config, Event, Server};
use postroad_smtp::types::Mechanism;
use postroad_smtp::{BareNewline, Session, Step, TlsInfo};
use postroad_testkit::{End, Pair};
use proptest::prelude::*;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[derive(Debug, Clone)]
enum Act {
    Octets(Vec<u8>),
    /// The token that is out: accepted, refused, dropped, given to a session that is not its own.
    Accept,
    Reject,
    Drop,
    Misplace,
    Drain,
    Seconds(u64),
    Eof,
    Goodbye,
    Tls,
}

fn acts(words: &'static [&'static str]) -> impl Strategy<Value = Vec<Act>> {
    let words = prop::sample::select(words).prop_map(|word| Act::Octets(word.into()));
    let noise = prop::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'.'), any::<u8>()], 0..20);
    let act = prop_oneof![
        30 => words,
        2 => noise.prop_map(Act::Octets),
        1 => (0_usize..5000).prop_map(|len| Act::Octets(vec![b'x'; len])),
        20 => Just(Act::Accept),
        2 => Just(Act::Reject),
        2 => Just(Act::Drop),
        1 => Just(Act::Misplace),
        10 => Just(Act::Drain),
        2 => (0_u64..400).prop_map(Act::Seconds),
        1 => prop_oneof![Just(Act::Eof), Just(Act::Goodbye), Just(Act::Tls)],
        3 => Just(Act::Tls),
    ];
    prop::collection::vec(act, 0..60)
}

fn accept(event: Event, server: &mut Server) {
    match event {
        Event::Hello(token) => token.accept(server),
        Event::Auth(token) => token.challenge(server, b"who?"),
        Event::AuthResponse(token) => token.accept(server),
        Event::Mail(token) => token.accept(server),
        Event::Rcpt(token) => token.accept(server),
        Event::Data(token) => token.accept(server),
        Event::DataEnd(token) => token.accept(server, ReplyText::new("queued")),
        Event::StartTls(token) => token.accept(server),
        _ => {}
    }
}

fn reject(event: Event, server: &mut Server) {
    let no = Rejection::temporary();
    match event {
        Event::Hello(token) => token.reject(server, no),
        Event::Auth(token) => token.reject(server, no),
        Event::AuthResponse(token) => token.reject(server, no),
        Event::Mail(token) => token.reject(server, no),
        Event::Rcpt(token) => token.reject(server, no),
        Event::Data(token) => token.reject(server, no),
        Event::DataEnd(token) => token.reject(server, no),
        Event::StartTls(token) => token.reject(server, no),
        _ => {}
    }
}

fn asks(event: &Event) -> bool {
    !matches!(
        event,
        Event::Body(_) | Event::BodyAborted(_) | Event::AuthCancelled | Event::Reset | Event::Repaired(_)
    )
}

fn server_config() -> Config {
    let mut config = config();
    config.starttls = true;
    config.mechanisms = vec![Mechanism::PLAIN];
    config.allow_plaintext_auth = true;
    config.max_command_line = 100;
    config.max_auth_line = 200;
    config.max_dropped_octets = 8000;
    config.max_message_size = 3000;
    config.max_discarded_octets = 9000;
    config.output_high_water = 600;
    config.max_recipients = 3;
    config.max_errors = 20;
    config.lenience.bare_lf = true;
    config
}

const TO_SERVER: &[&str] = &[
    "EHLO a\r\n",
    "HELO a\r\n",
    "MAIL FROM:<a@b>\r\n",
    "RCPT TO:<c@d>\r\n",
    "DATA\r\n",
    "\r\n.\r\n",
    "..x\r\n",
    "RSET\r\n",
    "NOOP\n",
    "HELP\r\n",
    "AUTH PLAIN\r\n",
    "AUTH PLAIN AHRhbgBzdGFhZg==\r\n",
    "AHRhbgBzdGFhZg==\r\n",
    "*\r\n",
    "STARTTLS\r\n",
    "EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n",
    "QUIT\r\n",
    "FROB\r\n",
];

proptest! {
    #[test]
    fn a_server_survives_anything(acts in acts(TO_SERVER), lazy in 1..9_usize) {
        let mut now = Instant::now();
        let config = Arc::new(server_config());
        let mut server = Server::new(config.clone(), now);
        let mut other = Server::new(config, now);
        let (mut input, mut sent) = (BytesMut::new(), BytesMut::new());
        let (mut token, mut asked) = (None, 0);
        let mut over = false;
        for act in acts {
            match act {
                // A driver reads at most so much ahead of a session that is paused.
                Act::Octets(octets) if input.len() < 20_000 => input.extend_from_slice(&octets),
                Act::Octets(_) => {}
                Act::Accept => if let Some(event) = token.take() { accept(event, &mut server) },
                Act::Reject => if let Some(event) = token.take() { reject(event, &mut server) },
                Act::Drop => token = None,
                Act::Misplace => if let Some(event) = token.take() { accept(event, &mut other) },
                Act::Drain => while let Some(octets) = server.poll_transmit() { sent.extend_from_slice(&octets) },
                Act::Seconds(seconds) => {
                    now += Duration::from_secs(seconds);
                    server.handle_timeout(now);
                    prop_assert!(server.poll_timeout().is_none_or(|at| at > now));
                }
                Act::Eof => server.handle_eof(),
                Act::Goodbye => server.goodbye(),
                Act::Tls => if server.wants_tls() {
                    input.clear();
                    server.tls_established(TlsInfo::new()).unwrap();
                    prop_assert!(!server.is_authenticated() && !server.is_extended());
                },
            }
            let step = loop {
                match server.poll_event(now, &mut input) {
                    Ok(Step::Event(event)) if asks(&event) => {
                        prop_assert!(token.is_none(), "one at a time");
                        asked += 1;
                        // Most tokens are answered at once, or it would not get far.
                        if asked % lazy == 0 { token = Some(event) } else { accept(event, &mut server) }
                    }
                    Ok(Step::Event(_)) => {}
                    Ok(step) => break step.map(|_| ()),
                    Err(_) => {
                        prop_assert!(matches!(server.poll_event(now, &mut input), Ok(Step::Closed)));
                        break Step::Closed;
                    }
                }
            };
            prop_assert!(!over || step == Step::Closed);
            over = step == Step::Closed;
            let waiting = sent.len();
            match step {
                Step::Closed => {
                    prop_assert_eq!(server.poll_timeout(), None);
                    prop_assert!(server.close_reason().is_some());
                }
                Step::NeedInput => {
                    prop_assert!(server.poll_timeout().is_some(), "no one waits for ever");
                    prop_assert!(input.len() < 200, "{} octets are left lying", input.len());
                }
                Step::Paused if token.is_some() || server.wants_tls() => {
                    prop_assert!(server.poll_timeout().is_some());
                }
                Step::Paused => {
                    while let Some(octets) = server.poll_transmit() { sent.extend_from_slice(&octets) }
                    prop_assert!((600..1500).contains(&(sent.len() - waiting)), "only its output holds it back");
                }
                Step::Event(()) => unreachable!(),
            }
            let shown = format!("{server:?}");
            prop_assert!(!shown.contains("staaf") && !shown.contains("AHRhb"));
        }
        while let Some(octets) = server.poll_transmit() { sent.extend_from_slice(&octets) }
        let mut replies = ReplyDecoder::new();
        while replies.decode(&mut sent).unwrap().is_some() {}
        prop_assert!(sent.is_empty() && !replies.is_within_reply(), "whole replies and nothing else");
    }

    #[test]
    fn a_client_survives_anything(acts in acts(&[
        "220 ready\r\n", "250 ok\r\n", "250-foo\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n", "354 go\r\n", "334 \r\n", "235 ok\r\n",
        "250 ok\r\n", "250 ok\r\n", "250 ok\r\n", "550 no\r\n", "450 not now\r\n", "421 bye\r\n", "250-half\r\n", "221 bye\r\n", "220 tls\r\n", "250 ok\r\n250 ok\r\n354 go\r\n",
    ]), verbs in prop::collection::vec(prop::sample::select(vec![
        "EHLO a", "HELO a", "MAIL FROM:<a@b>", "RCPT TO:<c@d>", "DATA", "RSET", "NOOP", "AUTH PLAIN AHRhbgBzdGFhZg==", "STARTTLS", "QUIT",
    ]), 60), is_greeted: bool) {
        let mut now = Instant::now();
        let mut config = client::Config::default();
        config.output_high_water = 2000;
        config.max_outstanding = 6;
        let mut client = Client::new(Arc::new(config), now);
        let mut input = BytesMut::from(&b"220 ready\r\n"[..]);
        if is_greeted {
            client.send(Command::parse(b"EHLO a").unwrap()).unwrap();
            input.extend_from_slice(b"250-foo\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n");
        }
        let mut wants_tls = false;
        let mut written = BytesMut::new();
        for (act, verb) in acts.into_iter().zip(verbs) {
            match act {
                Act::Octets(octets) if input.len() < 20_000 => input.extend_from_slice(&octets),
                Act::Accept => { let _ = client.send(Command::parse(verb.as_bytes()).unwrap()); }
                Act::Reject => client.finish_body(),
                Act::Drop => { let _ = client.push_body(Bytes::from_static(b".\r\n.\r\nMAIL FROM:<evil@x>\r\n.\n.")); }
                Act::Misplace => { let _ = client.respond(b"x"); }
                Act::Drain => while let Some(octets) = client.poll_transmit() { written.extend_from_slice(&octets) },
                Act::Seconds(seconds) => {
                    now += Duration::from_secs(seconds);
                    client.handle_timeout(now);
                }
                Act::Eof => client.handle_eof(),
                Act::Goodbye => { let _ = client.cancel(); }
                Act::Tls if wants_tls => {
                    wants_tls = false;
                    input.clear();
                    let _ = client.tls_established(TlsInfo::new());
                }
                Act::Tls | Act::Octets(_) => {}
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
                Step::Closed => {
                    prop_assert_eq!(client.poll_timeout(), None);
                    prop_assert!(client.is_closed() && client.close_reason().is_some());
                }
                Step::NeedInput => {
                    let may_wait = client.outstanding() == 0 || client.wants_body();
                    prop_assert!(may_wait || client.poll_timeout().is_some(), "no one waits for ever");
                    prop_assert!(input.len() <= 4096);
                }
                Step::Paused | Step::Event(()) => {}
            }
            let shown = format!("{client:?}");
            prop_assert!(!shown.contains("staaf") && !shown.contains("AHRhb"));
        }
        prop_assert!(client.outstanding() <= 6);
        let written = String::from_utf8(written.to_vec()).unwrap();
        prop_assert!(!written.contains("\r\n.\r\nMAIL FROM:<evil@x>"), "{}", written);
    }

    /// Whatever the message, the server reads one message and nothing of it as a command.
    #[test]
    fn a_message_cannot_speak(
        message in prop::collection::vec(prop::sample::select(vec![
            &b"."[..], b"..", b"\r\n", b"\r", b"\n", b"\r\n.\r\n", b"\n.\n", b"\r.\r", b"\n.\r\n", b"\r\n.\n", b"\r\n.\r", b"\0", b"x",
            b"MAIL FROM:<evil@x>\r\n", b"QUIT\r\n",
        ]), 0..20),
        cuts in prop::collection::vec(0_usize..100, 0..5),
        segment in 1_usize..40,
        pass: bool,
    ) {
        let message = message.concat();
        let mut client_config = client::Config::default();
        client_config.bare_newline = if pass { BareNewline::Pass } else { BareNewline::Normalize };
        let now = Instant::now();
        let client = Client::new(Arc::new(client_config), now);
        let server = Server::new(Arc::new(config()), now);
        let mut pair = Pair::new(client, server).segment(segment);
        let mut heard = Vec::new();
        let mut sent = Vec::new();
        for verb in ["EHLO a", "MAIL FROM:<a@b>", "RCPT TO:<c@d>", "DATA", "QUIT"] {
            pair.client.session.send(Command::parse(verb.as_bytes()).unwrap()).unwrap();
        }
        let pieces: Vec<Bytes> =
            postroad_testkit::split::cut(&message, &cuts).into_iter().map(Bytes::copy_from_slice).collect();
        pair.run(
            |client, event| match event {
                client::Event::SendBody(_) => {
                    for piece in &pieces {
                        client.push_body(piece.clone()).unwrap();
                    }
                    client.finish_body();
                }
                client::Event::Reply(_, reply) => sent.push(reply.code().get()),
                _ => {}
            },
            |server, event| {
                heard.push(match &event {
                    Event::Mail(mail) => mail.reverse_path().to_string(),
                    Event::DataEnd(_) => "end".into(),
                    Event::BodyAborted(_) => "aborted".into(),
                    _ => String::new(),
                });
                accept(event, server);
            },
        );
        heard.retain(|event| !event.is_empty());
        prop_assert_eq!(heard.len(), 2, "{:?}", heard);
        prop_assert_eq!(&heard[0], "<a@b>");
        prop_assert_eq!(sent.len(), 5, "{:?}", sent);
        prop_assert_eq!(pair.client.end, End::Closed);
        prop_assert_eq!(pair.client.session.close_reason(), Some(client::CloseReason::Quit));
    }

    #[test]
    fn a_codec_survives_anything(octets in prop::collection::vec(any::<u8>(), 0..300), modes in prop::collection::vec(0..3_u8, 0..20)) {
        let mut codec = CommandCodec::with(postroad_smtp::types::Lenience::default(), 40, 60);
        let mut input = BytesMut::from(&octets[..]);
        for mode in modes {
            match mode {
                0 => codec.expect_data(BareNewline::Normalize),
                1 => codec.expect_auth_response(),
                _ => {}
            }
            let before = input.len();
            match codec.next(&mut input) {
                None => prop_assert!(input.len() <= 60),
                Some(Ok(Item::Chunk(_))) => prop_assert!(input.len() < before),
                Some(_) => {}
            }
        }
    }
}
