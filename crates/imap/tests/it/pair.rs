//! A client against a server, under virtual time, at any segment size.

use crate::client_talk::{command, select};
use bytes::{Bytes, BytesMut};
use postroad_imap::Full;
use postroad_imap::client::{self, Append, Client};
use postroad_imap::command::{AppendMessage, CommandBody};
use postroad_imap::response::{Response, ResponseCode, Status};
use postroad_imap::server::{self, Literal, SectionItem, Selected, Server};
use postroad_imap::types::{AppendOptions, Capability, Flag, Section, TlsInfo};
use postroad_imap::view::Change;
use postroad_testkit::{End, Pair};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn client(config: client::Config) -> Client {
    Client::new_over_tls(Arc::new(config), TlsInfo::new(), Instant::now())
}

/// LOGIN with literals, several messages in one APPEND, large and small bodies in a row, all with little room, in segments of so many
/// octets. What the client saw, in order of the commands, and the octets that were streamed to it.
fn conversation(segment: usize, literal_plus: bool) -> (Vec<String>, Vec<u8>) {
    let mut for_client = client::Config::new();
    for_client.stream_above = 1000;
    for_client.output_high_water = 4096;
    let mut for_server = server::Config::new();
    for_server.output_high_water = 4096;
    for_server.literal_plus = literal_plus;
    for_server.extensions = vec![Capability::MultiAppend];
    let mut pair =
        Pair::new(client(for_client), Server::new_over_tls(for_server, TlsInfo::new())).segment(segment);

    let mails = [Bytes::from(vec![b'1'; 20_000]), Bytes::from(vec![b'2'; 300])];
    let session = &mut pair.client.session;
    session.send(command("LOGIN {3}\r\nu\u{e9} \"p\\\"\\\\\"")).unwrap();
    session.send(select("in b\u{f6}x")).unwrap();
    let messages =
        mails.iter().map(|mail| AppendMessage::new(AppendOptions::default(), mail.len() as u64)).collect();
    session.append(Append { mailbox: "sent".parse().unwrap(), messages }).unwrap();
    session.send(command("UID FETCH 1:* (UID FLAGS BODY.PEEK[])")).unwrap();
    session.send(command("UID SEARCH ALL")).unwrap();
    session.send(CommandBody::Logout).unwrap();

    let (mut log, mut body) = (Vec::new(), Vec::new());
    let (mut to_send, mut stored): (VecDeque<Bytes>, Vec<BytesMut>) = (VecDeque::new(), Vec::new());
    let mut fetch: Option<server::Fetch> = None;
    let mut streaming: Option<(Literal, Bytes)> = None;
    let mut largest_input = 0;
    for _ in 0..100_000 {
        pair.run(
            |_, event| match event {
                client::Event::SendBody { message, .. } => {
                    to_send = mails[message].chunks(777).map(Bytes::copy_from_slice).collect();
                }
                client::Event::Chunk(chunk) => body.extend_from_slice(&chunk),
                client::Event::Done { of, status } => {
                    // What the server can do is another matter.
                    let code = status.code.filter(|code| !matches!(code, ResponseCode::Capability(_)));
                    log.push(format!("{of:?} {:?} {code:?}", status.status));
                }
                client::Event::Row { of, row } => {
                    let small: Vec<_> =
                        row.sections().filter_map(|section| section.octets().map(|o| o.len())).collect();
                    log.push(format!("{of:?} row {} {:?} {small:?}", row.number(), row.uid()));
                }
                client::Event::Data { of, response: Response::Search(found) } => {
                    log.push(format!("{of:?} {found:?}"));
                }
                client::Event::Data { .. } | client::Event::Greeting(_) | client::Event::Exists(_) => {}
                client::Event::Body { of, body, uid, .. } => {
                    log.push(format!("{of:?} body {uid:?} {}", body.len));
                }
                client::Event::Bye(_) => log.push("bye".into()),
                other => panic!("{other:?}"),
            },
            |session, event| match event {
                server::Event::Login(login) => {
                    assert_eq!(login.credentials().user, "u\u{e9}");
                    assert_eq!(login.credentials().expose_str(), Some("p\"\\"));
                    login.ok(session);
                }
                server::Event::Select(select) => {
                    assert_eq!(select.command().mailbox.to_string(), "in b\u{f6}x");
                    select.ok(session, Selected::new(1, 1, [].into_iter().collect()));
                }
                server::Event::Append(append) => {
                    stored.push(BytesMut::new());
                    append.accept(session);
                }
                server::Event::AppendData(octets) => stored.last_mut().unwrap().extend_from_slice(&octets),
                server::Event::AppendFinish(append) => {
                    session.notify(Change::Added(1));
                    session.notify(Change::Added(2));
                    append.ok(session, 1, (1..=2).collect());
                }
                server::Event::Fetch(asked) => fetch = Some(asked),
                server::Event::Search(search) => search.ok(session, [1, 2], None),
                other => panic!("{other:?}"),
            },
        );
        let mut moved = false;
        while let Some(chunk) = to_send.pop_front() {
            if let Err(Full(chunk)) = pair.client.session.push_body(chunk) {
                to_send.push_front(chunk);
                break;
            }
            moved = true;
        }
        let session = &mut pair.server.session;
        if let Some((mut literal, mut octets)) = streaming.take() {
            moved = true;
            let next = octets.split_to(octets.len().min(1000));
            match literal.push(session, next) {
                Ok(()) if octets.is_empty() => {
                    literal.resume(session).flags(&[]).end();
                    let fetch = fetch.take().unwrap();
                    let octets = stored[1].clone().freeze();
                    fetch
                        .row(session, 2)
                        .unwrap()
                        .flags(&[])
                        .section(&Section::default(), None, Some(octets))
                        .end();
                    fetch.ok(session);
                }
                Ok(()) => streaming = Some((literal, octets)),
                Err(Full(next)) => {
                    let rest = [&next[..], &octets[..]].concat();
                    streaming = Some((literal, rest.into()));
                }
            }
        } else if let Some(fetch) = &fetch {
            moved = true;
            let octets = stored[0].clone().freeze();
            let (row, whole) = (fetch.row(session, 1).unwrap(), Section::default());
            streaming = Some((
                row.stream(SectionItem::Body { section: &whole, origin: None }, octets.len() as u64),
                octets,
            ));
        }
        largest_input = largest_input.max(pair.client.input.capacity());
        if !moved {
            break;
        }
    }
    assert_eq!((&pair.client.end, &pair.server.end), (&End::Closed, &End::Closed), "{log:?}");
    assert_eq!(stored.iter().map(|octets| octets.clone().freeze()).collect::<Vec<_>>(), mails);
    assert!(largest_input < 200_000, "{largest_input}");
    // Which of two commands is answered first is the server's to say.
    log.sort();
    (log, body)
}

#[test]
fn a_conversation_at_any_segment_size() {
    let (log, body) = conversation(usize::MAX, false);
    assert!(body == vec![b'1'; 20_000]);
    assert_eq!(log.len(), 11, "{log:#?}");
    assert!(log.iter().any(|line| line.contains("Ok Some(AppendUid")), "{log:#?}");
    for segment in [1, 2, 3, 7, 11, 64, 500, 1460, 4096, 10_000] {
        for literal_plus in [false, true] {
            let (other, octets) = conversation(segment, literal_plus);
            assert_eq!(other, log, "{segment}");
            assert!(octets == body, "{segment}");
        }
    }
}

#[test]
fn idle_over_hours() {
    let mut config = client::Config::new();
    config.timeouts.idle = Duration::from_secs(29 * 60 - 1);
    let mut pair = Pair::new(client(config), Server::new_over_tls(server::Config::new(), TlsInfo::new()));
    pair.client.session.send(command("LOGIN u p")).unwrap();
    pair.client.session.send(select("INBOX")).unwrap();
    let idle = pair.client.session.send(CommandBody::Idle).unwrap();
    let (mut idling, mut exists) = (0, Vec::new());
    let on_server = |session: &mut Server, event| match event {
        server::Event::Login(login) => login.ok(session),
        server::Event::Select(select) => select.ok(session, Selected::new(1, 1, [].into_iter().collect())),
        server::Event::Idle(_) => {}
        other => panic!("{other:?}"),
    };
    for hour in 1..=6 {
        pair.advance(
            Duration::from_secs(3600),
            |_, event| match event {
                client::Event::Idling(of) => {
                    assert_eq!(of, idle);
                    idling += 1;
                }
                client::Event::Exists(count) => exists.push(count),
                client::Event::Done { of, .. } => assert_ne!(of, idle),
                _ => {}
            },
            on_server,
        );
        pair.server.session.notify(Change::Added(hour));
    }
    assert_eq!(pair.client.end, End::NeedInput);
    assert_eq!(exists, [0, 1, 2, 3, 4, 5]);
    assert_eq!(idling, 13);
    pair.client.session.done();
    let mut done = None;
    pair.run(
        |_, event| match event {
            client::Event::Done { of, status } => done = Some((of, status.status)),
            client::Event::Exists(count) => exists.push(count),
            other => panic!("{other:?}"),
        },
        on_server,
    );
    assert_eq!(done, Some((idle, Status::Ok)));
    assert_eq!(exists.last(), Some(&6));
}

#[test]
fn a_refused_message_costs_only_its_command() {
    for literal_plus in [false, true] {
        let mut config = server::Config::new();
        config.literal_plus = literal_plus;
        let mut pair = Pair::new(client(client::Config::new()), Server::new_over_tls(config, TlsInfo::new()))
            .segment(100);
        let session = &mut pair.client.session;
        session.send(command("LOGIN u p")).unwrap();
        let message = AppendMessage::new(AppendOptions { flags: vec![Flag::Seen], date: None }, 50_000);
        let append =
            session.append(Append { mailbox: "x".parse().unwrap(), messages: vec![message] }).unwrap();
        let noop = session.send(CommandBody::Noop).unwrap();
        let mut done = Vec::new();
        let mut body: VecDeque<Bytes> = VecDeque::new();
        for _ in 0..1000 {
            pair.run(
                |_, event| match event {
                    client::Event::SendBody { len, .. } => {
                        body.push_back(vec![b'm'; usize::try_from(len).unwrap()].into());
                    }
                    client::Event::Done { of, status } => done.push((of, status.status)),
                    _ => {}
                },
                |session, event| match event {
                    server::Event::Login(login) => login.ok(session),
                    server::Event::Append(append) => {
                        append.no(session, postroad_imap::response::No::try_create());
                    }
                    server::Event::AppendAborted => {}
                    other => panic!("{other:?}"),
                },
            );
            let Some(chunk) = body.pop_front() else { break };
            if let Err(Full(chunk)) = pair.client.session.push_body(chunk) {
                body.push_front(chunk);
            }
        }
        assert_eq!(done[1..], [(append, Status::No), (noop, Status::Ok)], "{literal_plus}");
    }
}
