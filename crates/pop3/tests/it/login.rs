//! Names and passwords.

use crate::common::{Talk, config, server, tls};
use postroad_pop3::client::{Client, Config, NotNowReason};
use postroad_pop3::command::Command;
use postroad_pop3::server::{Event, Server};

#[test]
fn a_password_may_have_spaces() {
    let mut talk = Talk::new(server());
    talk.say("USER mrose\r\nPASS  correct horse  battery \r\n");
    assert_eq!(talk.shop.heard, ["login mrose  correct horse  battery "]);
    assert_eq!(talk.say("STAT\r\n"), "+OK 2 320\r\n");
}

#[test]
fn every_name_gets_the_same_answer() {
    for name in ["mrose", "nobody", "a name with spaces", "größe", "x"] {
        assert_eq!(Talk::new(server()).say(format!("USER {name}\r\n")), "+OK send PASS\r\n");
    }
}

#[test]
fn no_password_is_printed() {
    let mut talk = Talk::new(server());
    let Event::Login(login) = talk.event("USER mrose\r\nPASS hunter2\r\n") else { panic!() };
    assert!(!format!("{login:?} {:?}", talk.session).contains("hunter2"));

    let mut client = Client::new_over_tls(Config::new(), tls());
    client.send(Command::parse(b"PASS hunter2").unwrap()).unwrap();
    assert!(!format!("{client:?}").contains("hunter2"), "while it waits for the greeting");
    let mut client = Client::new(Config::new());
    let error = client.send(Command::parse(b"PASS hunter2").unwrap()).unwrap_err();
    assert!(!format!("{error:?} {error}").contains("hunter2"));
}

#[test]
fn no_login_without_tls() {
    let mut config = config();
    config.login_without_tls = false;
    let mut talk = Talk::new(Server::new(config.clone()));
    assert!(!talk.say("CAPA\r\n").contains("USER"));
    for line in ["USER mrose\r\n", "PASS secret\r\n"] {
        assert_eq!(talk.say(line), "-ERR TLS is needed before a login\r\n");
    }
    assert!(talk.shop.heard.is_empty());
    let mut talk = Talk::new(Server::new_over_tls(config, tls()));
    assert!(talk.say("CAPA\r\n").contains("\r\nUSER\r\n"));
    assert!(talk.say("USER mrose\r\nPASS secret\r\n").contains("+OK maildrop"));

    let mut client = Client::new(Config::new());
    for line in ["USER mrose", "PASS secret"] {
        let error = client.send(Command::parse(line.as_bytes()).unwrap()).unwrap_err();
        assert_eq!(error.reason, NotNowReason::NeedsTls);
    }
}

#[test]
fn pass_only_behind_user() {
    for between in ["CAPA", "FROB", "NOOP", "USER", "STLS", "PASS"] {
        let mut talk = Talk::new(server());
        let said = talk.say(format!("USER mrose\r\n{between}\r\nPASS secret\r\n"));
        assert!(said.ends_with("-ERR USER comes first\r\n"), "{between}: {said}");
        assert!(talk.shop.heard.is_empty());
    }
    let mut talk = Talk::new(server());
    talk.say("USER mrose\r\nPASS wrong\r\n");
    assert_eq!(talk.say("PASS secret\r\n"), "-ERR USER comes first\r\n", "after a refusal too");
    talk.say("USER ann\r\nUSER mrose\r\nPASS secret\r\n");
    assert_eq!(talk.shop.heard[1], "login mrose secret", "the last name counts");
}
