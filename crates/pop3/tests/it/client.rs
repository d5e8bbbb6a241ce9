//! The client end against servers that are slow, odd or broken.

use crate::common::tls;
use bytes::BytesMut;
use postroad_pop3::client::{Client, Config, Event, NotNowReason, Reply};
use postroad_pop3::command::Command;
use postroad_pop3::types::MessageNumber;
use postroad_pop3::{Error, LimitReached, PeerMisbehaved, Session, Step};
use std::time::Instant;

struct Ear {
    session: Client,
    input: BytesMut,
    now: Instant,
}

impl Ear {
    fn new(config: Config) -> Self {
        Self { session: Client::new_over_tls(config, tls()), input: BytesMut::new(), now: Instant::now() }
    }

    fn send(&mut self, line: &str) {
        self.session.send(Command::parse(line.as_bytes()).unwrap()).unwrap();
    }

    fn sent(&mut self) -> String {
        let mut sent = Vec::new();
        while let Some(octets) = self.session.poll_transmit() {
            sent.extend_from_slice(&octets);
        }
        String::from_utf8(sent).unwrap()
    }

    fn hear(&mut self, octets: &str) -> Vec<Event> {
        self.try_hear(octets).unwrap()
    }

    fn try_hear(&mut self, octets: &str) -> Result<Vec<Event>, Error> {
        self.input.extend_from_slice(octets.as_bytes());
        let mut events = Vec::new();
        while let Step::Event(event) = self.session.poll_event(self.now, &mut self.input)? {
            events.push(event);
        }
        Ok(events)
    }

    fn is_closed(&mut self) -> bool {
        matches!(self.session.poll_event(self.now, &mut self.input), Ok(Step::Closed))
    }
}

fn peer(error: PeerMisbehaved) -> Error {
    Error::Peer(error)
}

#[test]
fn commands_wait_for_the_greeting_and_for_each_other() {
    let mut ear = Ear::new(Config::new());
    ear.send("STAT");
    ear.send("NOOP");
    assert_eq!(ear.sent(), "");
    ear.hear("+OK\r\n");
    assert_eq!(ear.sent(), "STAT\r\n");
    assert!(matches!(ear.hear("+OK 1 2\r\n")[..], [Event::Reply(_, Reply::Stat(_))]));
    assert_eq!(ear.sent(), "NOOP\r\n");
}

#[test]
fn several_at_once_when_the_server_can() {
    let mut ear = Ear::new(Config::new());
    ear.send("CAPA");
    for line in ["STAT", "LIST", "RETR 1", "NOOP"] {
        ear.send(line);
    }
    ear.hear("+OK\r\n");
    assert_eq!(ear.sent(), "CAPA\r\n");
    ear.hear("+OK\r\nTOP\r\npipelining\r\n.\r\n");
    assert_eq!(ear.sent(), "STAT\r\nLIST\r\nRETR 1\r\nNOOP\r\n");
    let events = ear.hear("+OK 1 3\r\n+OK\r\n1 3\r\n.\r\n+OK\r\nx\r\n.\r\n+OK\r\n");
    assert!(
        matches!(
            &events[..],
            [
                Event::Reply(_, Reply::Stat(_)),
                Event::Reply(_, Reply::List(_)),
                Event::Reply(_, Reply::Ok(_)),
                Event::Body(..),
                Event::BodyEnd(..),
                Event::Reply(_, Reply::Ok(_))
            ]
        ),
        "{events:?}"
    );
    // Not if it is not wanted.
    let mut config = Config::new();
    config.pipelining = false;
    let mut ear = Ear::new(config);
    ear.send("CAPA");
    ear.send("NOOP");
    ear.send("NOOP");
    ear.hear("+OK\r\n+OK\r\nPIPELINING\r\n.\r\n");
    assert_eq!(ear.sent(), "CAPA\r\nNOOP\r\n");
}

#[test]
fn what_is_on_its_way_is_limited_and_so_is_what_waits() {
    let mut config = Config::new();
    config.max_in_flight = 3;
    config.max_waiting = 5;
    let mut ear = Ear::new(config);
    ear.send("CAPA");
    ear.hear("+OK\r\n+OK\r\nPIPELINING\r\n.\r\n");
    ear.sent();
    for _ in 0..8 {
        ear.send("NOOP");
    }
    assert_eq!(ear.session.send(Command::Noop).unwrap_err().reason, NotNowReason::TooMany);
    assert_eq!(ear.sent(), "NOOP\r\nNOOP\r\nNOOP\r\n");
    ear.hear("+OK\r\n+OK\r\n");
    assert_eq!(ear.sent(), "NOOP\r\nNOOP\r\n");
    assert_eq!(ear.session.outstanding(), 6);
}

#[test]
fn a_refused_retrieval_has_no_body() {
    let mut ear = Ear::new(Config::new());
    ear.send("RETR 7");
    ear.send("LIST");
    let events = ear.hear("+OK\r\n-ERR no such message\r\n");
    assert!(matches!(events[..], [Event::Greeting(_), Event::Reply(_, Reply::Err(_))]));
    assert!(matches!(ear.hear("-ERR no list\r\n")[..], [Event::Reply(_, Reply::Err(_))]));
}

#[test]
fn a_message_cut_short_is_an_error() {
    for cut in [
        "",
        "+",
        "+OK\r\n",
        "+OK\r\nhalf a messa",
        "+OK\r\nwhole line\r\n",
        "+OK\r\nline\r\n.",
        "+OK\r\nline\r\n.\r",
    ] {
        let mut ear = Ear::new(Config::new());
        ear.send("RETR 1");
        ear.hear("+OK\r\n");
        let events = ear.hear(cut);
        assert!(!events.iter().any(|event| matches!(event, Event::BodyEnd(..))), "{cut:?}");
        ear.session.handle_eof();
        assert_eq!(ear.try_hear("").unwrap_err(), peer(PeerMisbehaved::ConnectionLost), "{cut:?}");
    }
    let mut ear = Ear::new(Config::new());
    ear.send("RETR 1");
    ear.input.extend_from_slice(b"+OK\r\n+OK\r\nline\r\n.\r\n");
    ear.session.handle_eof();
    let events = ear.hear("");
    assert!(matches!(events.last(), Some(Event::BodyEnd(..))), "what was read is whole");
    assert!(ear.is_closed());
}

#[test]
fn the_end_of_input() {
    let mut ear = Ear::new(Config::new());
    ear.session.handle_eof();
    assert_eq!(ear.try_hear("").unwrap_err(), peer(PeerMisbehaved::ConnectionLost), "no greeting");
    let mut ear = Ear::new(Config::new());
    ear.hear("+OK\r\n");
    ear.session.handle_eof();
    assert!(ear.is_closed(), "nothing was asked");
    let mut ear = Ear::new(Config::new());
    ear.send("QUIT");
    ear.hear("+OK\r\n");
    ear.session.handle_eof();
    assert_eq!(ear.try_hear("").unwrap_err(), peer(PeerMisbehaved::ConnectionLost), "was it deleted or not?");
}

#[test]
fn quit_is_the_last_command() {
    let mut ear = Ear::new(Config::new());
    ear.send("QUIT");
    assert_eq!(ear.session.send(Command::Noop).unwrap_err().reason, NotNowReason::Closing);
    assert!(matches!(
        ear.hear("+OK\r\n+OK bye\r\n")[..],
        [Event::Greeting(_), Event::Reply(_, Reply::Ok(_))]
    ));
    assert!(ear.is_closed());
    assert_eq!(ear.session.send(Command::Noop).unwrap_err().reason, NotNowReason::Closing);
    assert_eq!(ear.session.poll_timeout(), None);
}

#[test]
fn a_quit_that_failed_closes_too() {
    let mut ear = Ear::new(Config::new());
    ear.send("QUIT");
    let events = ear.hear("+OK\r\n-ERR some deleted messages not removed\r\n");
    assert!(matches!(events[..], [Event::Greeting(_), Event::Reply(_, Reply::Err(_))]));
    assert!(ear.is_closed());
}

#[test]
fn a_server_that_says_goodbye() {
    let mut ear = Ear::new(Config::new());
    let events = ear.hear("-ERR [SYS/TEMP] too many connections\r\n");
    assert!(matches!(&events[..], [Event::Farewell(line)] if line.text() == "too many connections"));
    assert!(ear.is_closed());
    let mut ear = Ear::new(Config::new());
    assert!(matches!(ear.hear("+OK\r\n-ERR autologout\r\n")[..], [Event::Greeting(_), Event::Farewell(_)]));
}

#[test]
fn what_was_not_asked_is_an_error() {
    let mut ear = Ear::new(Config::new());
    ear.hear("+OK\r\n");
    assert_eq!(ear.try_hear("+OK 2 320\r\n").unwrap_err(), peer(PeerMisbehaved::Unsolicited));
    assert!(ear.is_closed());
    for nonsense in ["220 mail.example ESMTP\r\n", "* OK IMAP\r\n", "\r\n", "+OK\n\r\n"] {
        let error = Ear::new(Config::new()).try_hear(nonsense).unwrap_err();
        assert!(matches!(error, Error::Peer(PeerMisbehaved::Malformed(_))), "{nonsense:?}");
    }
}

#[test]
fn memory_is_limited() {
    let mut config = Config::new();
    config.max_rows = 1000;
    for (command, row) in
        [("LIST", "1 2\r\n"), ("UIDL", "1 x\r\n"), ("CAPA", "X\r\n"), ("LIST", "nonsense\r\n")]
    {
        let mut ear = Ear::new(config.clone());
        ear.send(command);
        assert_eq!(ear.hear(&format!("+OK\r\n+OK\r\n{}", row.repeat(1000))).len(), 1);
        assert_eq!(ear.try_hear(row).unwrap_err(), Error::Limit(LimitReached::Rows { limit: 1000 }));
    }
    let error = Ear::new(config).try_hear(&"x".repeat(5000)).unwrap_err();
    assert!(matches!(error, Error::Peer(PeerMisbehaved::Malformed(_))));
}

#[test]
fn a_row_that_begins_with_a_dot_is_unstuffed() {
    let mut ear = Ear::new(Config::new());
    ear.send("CAPA");
    let events = ear.hear("+OK\r\n+OK\r\n..X\r\n.\r\n");
    assert!(
        matches!(&events[1], Event::Reply(_, Reply::Capa(capabilities)) if capabilities.iter().next().unwrap().to_string() == ".X"),
        "{events:?}"
    );
}

#[test]
fn answers_carry_the_id_of_their_command() {
    let mut ear = Ear::new(Config::new());
    let number = MessageNumber::new(1).unwrap();
    let ids = [
        ear.session.send(Command::Stat).unwrap(),
        ear.session.send(Command::Retr(number)).unwrap(),
        ear.session.send(Command::Dele(number)).unwrap(),
    ];
    let events = ear.hear("+OK\r\n+OK 1 3\r\n+OK\r\nx\r\n.\r\n+OK\r\n");
    let of: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Reply(id, _) | Event::Body(id, _) | Event::BodyEnd(id, _) => Some(*id),
            _ => None,
        })
        .collect();
    assert_eq!(of, [ids[0], ids[1], ids[1], ids[1], ids[2]]);
}
