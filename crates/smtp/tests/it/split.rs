//! However the octets are cut, the same is told and the same is answered.

use crate::harness::{Accepting, config};
use postroad_smtp::server::{Config, Server};
use postroad_smtp::types::Mechanism;
use postroad_testkit::split::{Log, Observed, assert_every_split, cuts};
use proptest::prelude::*;
use std::sync::Arc;

fn observe(config: Config, octets: &[u8], extra: &[usize]) -> Observed {
    let config = Arc::new(config);
    let mut application = Accepting::default();
    assert_every_split(
        |now| Server::new(config.clone(), now),
        octets,
        |server, event, log: &mut Log| {
            let told = application.decide(server, event);
            if !told.is_empty() {
                log.event(told);
            }
        },
        extra,
    )
}

fn forgiving() -> Config {
    let mut config = config();
    config.mechanisms = vec![Mechanism::PLAIN];
    config.allow_plaintext_auth = true;
    config.max_command_line = 60;
    config.max_message_size = 100;
    config.max_errors = 1000;
    config
}

#[test]
fn two_messages() {
    let dialogue =
        b"EHLO bar.com\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject: x\r\n\r\n..\r\n.\r\n\
        MAIL FROM:<>\r\nRCPT TO:<c@d>\r\nDATA\r\n\nbare\r\n.\r\nAUTH PLAIN\r\nAAAA\r\nQUIT\r\n";
    let seen = observe(forgiving(), dialogue, &[]);
    assert_eq!(seen.log.events().len(), 11, "{:?}", seen.log.events());
    assert!(
        String::from_utf8(seen.sent)
            .unwrap()
            .ends_with("235 2.7.0 Authentication successful\r\n221 2.0.0 Bye\r\n")
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_dialogue(
        pieces in prop::collection::vec(
            prop_oneof![
                3 => prop::sample::select(vec![
                    "EHLO a\r\n", "MAIL FROM:<a@b>\r\n", "RCPT TO:<c@d>\r\n", "DATA\r\n", ".\r\n", "\r\n.\r\n", "RSET\r\n", "NOOP\r\n",
                    "AUTH PLAIN\r\n", "*\r\n", "AAAA\r\n", "text\r\n", "..\r\n", "\n.\n", "\r", "\n", "\0",
                    "a line that is too long for a server that takes sixty octets and no more\r\n", "QUIT\r\n", "RCPT TO:<@x:c@d>\r\n",
                ]).prop_map(|text| text.as_bytes().to_vec()),
                1 => prop::collection::vec(prop::sample::select(b"\r\n.x \0".to_vec()), 0..12),
            ],
            0..25,
        ),
        cuts in cuts(),
        lenient: bool,
    ) {
        let mut config = forgiving();
        config.lenience.bare_lf = lenient;
        let octets = [&b"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"[..], &pieces.concat()].concat();
        observe(config, &octets, &cuts);
    }

    #[test]
    fn any_octets(octets in prop::collection::vec(any::<u8>(), 0..200), cuts in cuts()) {
        observe(forgiving(), &octets, &cuts);
    }
}
