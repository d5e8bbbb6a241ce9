//! The dialogues of the RFCs, played to both ends.

use crate::common::{Shop, config, tls};
use postroad_pop3::client::{self, Client, Reply};
use postroad_pop3::command::Command;
use postroad_pop3::response::ResponseCode;
use postroad_pop3::server::{Config, Server};
use postroad_pop3::types::{Capability, CapabilityText, Expire};
use postroad_testkit::Transcript;
use postroad_testkit::transcript::{Act, Happening, exactly};

const SESSION: &str = include_str!("../transcripts/rfc1939-session.txt");
const COMMANDS: &str = include_str!("../transcripts/rfc1939-commands.txt");
const LOGIN: &str = include_str!("../transcripts/rfc1939-login.txt");
const QUIT: &str = include_str!("../transcripts/quit-before-login.txt");
const CAPA: &str = include_str!("../transcripts/rfc2449-capa.txt");
const STLS: &str = include_str!("../transcripts/rfc2595-stls.txt");
const ANSWERS: &str = include_str!("../transcripts/client-answers.txt");

fn to_server(text: &str, config: Config) -> Shop {
    let mut shop = Shop::new();
    Transcript::parse(text).play_to_server(
        Server::new(config),
        exactly,
        |session, happening| match happening {
            Happening::Event(event) => shop.answer(session, event),
            Happening::Tls => session.tls_established(tls()),
        },
    );
    shop
}

/// Gives the client the commands of the file one by one, and what it heard. At the end it must have sent them all.
fn to_client(text: &str) -> Vec<client::Event> {
    let transcript = Transcript::parse(text);
    let mut commands = transcript
        .acts()
        .filter_map(|act| match act {
            Act::Client(line) => Some(Command::parse(&line[..line.len() - 2]).unwrap()),
            _ => None,
        })
        .collect::<Vec<_>>()
        .into_iter();
    let mut config = client::Config::new();
    config.login_without_tls = true;
    let mut heard = Vec::new();
    transcript.play_to_client(Client::new(config), exactly, |session, happening| {
        let go_on = match happening {
            Happening::Tls => {
                session.tls_established(tls());
                true
            }
            Happening::Event(event) => {
                let go_on = session.outstanding() == 0 && !matches!(event, client::Event::StartTls(_));
                heard.push(event);
                go_on
            }
        };
        if let Some(command) = go_on.then(|| commands.next()).flatten() {
            session.send(command).unwrap();
        }
    });
    assert_eq!(commands.len(), 0);
    heard
}

#[test]
fn a_session_of_rfc_1939() {
    let shop = to_server(SESSION, config());
    assert_eq!(shop.heard, ["login mrose secret", "retrieve 1 None", "retrieve 2 None"]);
    assert_eq!(shop.deleted, [[1, 2]]);
    let heard = to_client(SESSION);
    let bodies: Vec<_> = heard
        .iter()
        .filter_map(|event| match event {
            client::Event::Body(_, octets) => Some(octets.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(bodies.concat(), [crate::common::FIRST, crate::common::SECOND].concat().as_bytes());
}

#[test]
fn the_examples_at_the_commands_of_rfc_1939() {
    let shop = to_server(COMMANDS, config());
    assert_eq!(shop.heard[1..], ["retrieve 1 None", "retrieve 1 Some(10)", "retrieve 2 Some(1)"]);
    assert_eq!(shop.deleted, [[0; 0]]);
    let heard = to_client(COMMANDS);
    assert_eq!(
        heard.iter().filter(|event| matches!(event, client::Event::Reply(_, Reply::Err(_)))).count(),
        4
    );
}

#[test]
fn logins() {
    let shop = to_server(LOGIN, config());
    assert_eq!(shop.heard[0], "login frated wrong");
    let codes: Vec<_> = to_client(LOGIN)
        .into_iter()
        .filter_map(|event| match event {
            client::Event::Reply(_, Reply::Err(line)) => line.code().cloned(),
            _ => None,
        })
        .collect();
    assert_eq!(
        codes,
        [
            ResponseCode::Auth,
            ResponseCode::InUse,
            ResponseCode::LoginDelay,
            ResponseCode::SysTemp,
            ResponseCode::SysPerm
        ]
    );
}

#[test]
fn quit_before_login() {
    assert!(to_server(QUIT, config()).deleted.is_empty(), "there is no UPDATE");
    assert_eq!(to_client(QUIT).len(), 2);
}

#[test]
fn capabilities() {
    let mut config = config();
    config.login_delay = Some(900);
    config.expire = Some(Expire::Days(60));
    config.implementation = Some(CapabilityText::parse("Shlemazle-Plotz-v302").unwrap());
    to_server(CAPA, config);
    let heard = to_client(CAPA);
    let client::Event::Reply(_, Reply::Capa(capabilities)) = &heard[1] else { panic!("{:?}", heard[1]) };
    assert_eq!(capabilities.len(), 9);
    assert!(capabilities.has(&Capability::Expire { retention: Expire::Days(60), per_user: false }));
}

#[test]
fn stls() {
    let mut config = config();
    config.login_without_tls = false;
    config.stls = true;
    assert_eq!(to_server(STLS, config.clone()).heard, ["stls", "login mrose secret"]);
    to_client(STLS);
    to_server(include_str!("../transcripts/server-stls-refused.txt"), config);
}

#[test]
fn refusals() {
    assert_eq!(to_server(include_str!("../transcripts/server-refusals.txt"), config()).heard.len(), 1);
}

#[test]
fn answers_of_other_servers() {
    let heard = to_client(ANSWERS);
    let replies: Vec<_> = heard
        .iter()
        .filter_map(|event| match event {
            client::Event::Reply(_, reply) => Some(reply),
            _ => None,
        })
        .collect();
    assert!(matches!(&heard[0], client::Event::Greeting(greeting) if greeting.timestamp().is_some()));
    assert!(matches!(replies[0], Reply::Err(line) if line.text().is_empty()));
    assert!(matches!(replies[3], Reply::Err(line) if line.code() == Some(&ResponseCode::InUse)));
    assert!(matches!(replies[6], Reply::Stat(listing) if listing.octets == 320));
    assert!(matches!(replies[7], Reply::List(rows) if rows.len() == 2 && rows[0].octets == 120));
    assert!(matches!(replies[8], Reply::Malformed(error) if error.at() == 6), "the session goes on");
    assert!(matches!(replies[9], Reply::Uidl(rows) if rows.len() == 1));
    let body: Vec<u8> = heard
        .iter()
        .flat_map(|event| match event {
            client::Event::Body(_, octets) => octets.to_vec(),
            _ => Vec::new(),
        })
        .collect();
    assert_eq!(body, b".one\r\n\r\n..\r\n");
    assert_eq!(heard.iter().filter(|event| matches!(event, client::Event::BodyEnd(..))).count(), 1);
    assert!(
        matches!(replies.last(), Some(Reply::Err(line)) if line.text() == "some deleted messages not removed")
    );
}
