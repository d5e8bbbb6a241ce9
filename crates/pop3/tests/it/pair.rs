//! Both ends against each other, at every segment size.

use crate::common::{FIRST, SECOND, Shop, config, tls};
use bytes::BytesMut;
use postroad_pop3::Session;
use postroad_pop3::client::{self, Client, CommandId, Reply};
use postroad_pop3::command::Command;
use postroad_pop3::server::Server;
use postroad_testkit::{End, Pair};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn command(line: &str) -> Command {
    Command::parse(line.as_bytes()).unwrap()
}

/// What a client heard, by command.
#[derive(Default)]
struct Heard {
    replies: Vec<String>,
    bodies: BTreeMap<CommandId, BytesMut>,
    whole: Vec<CommandId>,
}

impl Heard {
    fn event(&mut self, event: client::Event) {
        match event {
            client::Event::Reply(_, reply) => self.replies.push(match reply {
                Reply::Ok(_) => "+OK".into(),
                Reply::Err(_) => "-ERR".into(),
                Reply::Stat(listing) => listing.to_string(),
                Reply::List(rows) => rows.iter().flat_map(|row| [row.to_string(), ";".into()]).collect(),
                Reply::Uidl(rows) => rows.iter().flat_map(|row| [row.to_string(), ";".into()]).collect(),
                Reply::Capa(_) => "capabilities".into(),
                other => panic!("{other:?}"),
            }),
            client::Event::Body(id, octets) => self.bodies.entry(id).or_default().extend_from_slice(&octets),
            client::Event::BodyEnd(id, faults) => {
                assert!(!faults.any());
                self.whole.push(id);
            }
            _ => {}
        }
    }
}

#[test]
fn every_segment_size() {
    for segment in 1..80 {
        let mut config = config();
        config.stls = true;
        config.login_without_tls = false;
        let mut shop = Shop::new();
        let mut heard = Heard::default();
        let mut pair = Pair::new(Client::new(client::Config::new()), Server::new(config)).segment(segment);
        pair.client.session.send(command("CAPA")).unwrap();
        pair.client.session.send(command("STLS")).unwrap();
        pair.run(|_, event| heard.event(event), |session, event| shop.answer(session, event));
        assert_eq!((&pair.client.end, &pair.server.end), (&End::Paused, &End::Paused));
        pair.upgrade(|client| client.tls_established(tls()), |server| server.tls_established(tls()));
        let ids: Vec<CommandId> = [
            "CAPA",
            "USER mrose",
            "PASS a b",
            "STAT",
            "LIST",
            "UIDL",
            "UIDL 2",
            "RETR 1",
            "RETR 2",
            "TOP 2 2",
            "RETR 3",
            "DELE 2",
            "DELE 2",
            "LIST",
            "NOOP",
            "QUIT",
        ]
        .into_iter()
        .map(|line| pair.client.session.send(command(line)).unwrap())
        .collect();
        pair.run(|_, event| heard.event(event), |session, event| shop.answer(session, event));
        assert_eq!((&pair.client.end, &pair.server.end), (&End::Closed, &End::Closed), "{segment}");
        assert_eq!(
            heard.replies,
            [
                "capabilities",
                "capabilities",
                "+OK",
                "+OK",
                "2 320",
                "1 120;2 200;",
                "1 whqtswO00WBw418f9t5JxYwZ;2 QhdPYR:00WBw1Ph7x7;",
                "2 QhdPYR:00WBw1Ph7x7;",
                "+OK",
                "+OK",
                "+OK",
                "-ERR",
                "+OK",
                "-ERR",
                "1 120;",
                "+OK",
                "+OK"
            ],
            "{segment}"
        );
        assert_eq!(heard.bodies[&ids[7]], FIRST);
        assert_eq!(heard.bodies[&ids[8]], SECOND);
        assert!(heard.bodies[&ids[9]].ends_with(b"\r\n\r\none\r\ntwo\r\n"));
        assert_eq!(heard.whole, [ids[7], ids[8], ids[9]]);
        assert_eq!(shop.deleted, [[2]]);
    }
}

#[test]
fn a_client_that_is_cut_off_deletes_nothing() {
    let mut shop = Shop::new();
    let mut config = client::Config::new();
    config.login_without_tls = true;
    let mut pair = Pair::new(Client::new(config), Server::new(crate::common::config()));
    for line in ["USER mrose", "PASS secret", "DELE 1"] {
        pair.client.session.send(command(line)).unwrap();
    }
    pair.run(|_, _| {}, |session, event| shop.answer(session, event));
    pair.client.session.handle_eof();
    pair.run(|_, _| {}, |session, event| shop.answer(session, event));
    assert_eq!(pair.server.end, End::Closed);
    assert!(shop.deleted.is_empty());
    assert_eq!(shop.aborted.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_message_arrives_as_it_is(
        lines in prop::collection::vec("[.a]{0,6}", 0..40),
        ended: bool,
        piece in 1..50_usize,
        segment in 1..100_usize,
    ) {
        let mut message = lines.join("\r\n").into_bytes();
        if ended {
            message.extend_from_slice(b"\r\n");
        }
        let mut shop = Shop::of(vec![message.clone()]);
        shop.piece = piece;
        let mut heard = Heard::default();
        let mut pair = Pair::new(
            Client::new_over_tls(client::Config::new(), tls()),
            Server::new_over_tls(config(), tls()),
        )
        .segment(segment);
        for line in ["USER mrose", "PASS secret", "RETR 1", "QUIT"] {
            pair.client.session.send(command(line)).unwrap();
        }
        pair.run(|_, event| heard.event(event), |session, event| shop.answer(session, event));
        prop_assert_eq!(&pair.client.end, &End::Closed);
        if !message.is_empty() && !message.ends_with(b"\r\n") {
            message.extend_from_slice(b"\r\n");
        }
        prop_assert_eq!(heard.bodies.into_values().next().unwrap_or_default(), message);
        prop_assert_eq!(heard.whole.len(), 1);
    }
}
