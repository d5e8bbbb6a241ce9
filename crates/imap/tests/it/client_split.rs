//! Any cut of the server's octets gives the client's application the same events.

use crate::client::append;
use crate::client_talk::{command, quiet, select};
use bytes::Bytes;
use postroad_imap::client::{Client, Event};
use postroad_imap::command::CommandBody;
use postroad_imap::types::TlsInfo;
use postroad_testkit::End;
use postroad_testkit::split::{self, Log};
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Instant;

/// A session that streams what is over ten octets, and has sent one command of each kind that answers can belong to.
fn client(now: Instant) -> Client {
    let mut config = quiet();
    config.stream_above = 10;
    config.max_response = 4000;
    let mut client = Client::new_over_tls(Arc::new(config), TlsInfo::new(), now);
    client.send(select("INBOX")).unwrap();
    for text in ["UID FETCH 1:* (UID FLAGS BODY.PEEK[])", "UID SEARCH ALL", "UID STORE 1 +FLAGS (\\Seen)"] {
        client.send(command(text)).unwrap();
    }
    client.append(append(&[7])).unwrap();
    client.send(CommandBody::Idle).unwrap();
    client
}

fn application(client: &mut Client, event: &Event, log: &mut Log) {
    match event {
        Event::Chunk(chunk) => return log.octets("body", chunk),
        Event::SendBody { len, .. } => {
            let octets = vec![b'm'; usize::try_from(*len).unwrap()];
            client.push_body(Bytes::from(octets)).unwrap();
        }
        _ => {}
    }
    log.event(format!("{event:?}"));
}

/// All that a server may say, and some that it may not.
const LINES: [&str; 25] = [
    "* 1 FETCH (UID 5 FLAGS (\\Seen))\r\n",
    "* 2 FETCH (UID 6 BODY[] {5}\r\nhello FLAGS ())\r\n",
    "* 3 FETCH (BODY[] {60}\r\n012345678901234567890123456789012345678901234567890123456789 BODY[] {2}\r\nhi UID 7)\r\n",
    "* 4 FETCH (BODY[1] {11}\r\nhello world BODY[2] ~{12}\r\n\r\n{5}\r\nxxxxx ENVELOPE NIL UID 8)\r\n",
    "* 5 FETCH (; BODY[] {11}\r\nhello world)\r\n",
    "* 5 EXISTS\r\n",
    "* 1 EXPUNGE\r\n",
    "* VANISHED 3:4\r\n",
    "* OK still here {5}\r\n",
    "* OK [CAPABILITY IMAP4rev1 LITERAL+] now\r\n",
    "* CAPABILITY IMAP4rev1 IDLE\r\n",
    "* SEARCH 1 2 3\r\n",
    "* ESEARCH (TAG \"A3\") UID ALL 1:3\r\n",
    "* LIST () \"/\" {3}\r\na{5\r\n",
    "* X-NEW {3}\r\na\r\n\r\n",
    "A2 OK done\r\n",
    "A3 NO [X] {5}\r\n",
    "A4 BAD no\r\n",
    "A5 NO [TRYCREATE] no\r\n",
    "A5 OK [APPENDUID 1 2] done\r\n",
    "+ go {1}\r\n",
    "* BYE bye\r\n",
    "junk\r\n",
    "* 1 FETCH (BODY[] {60}\r\n",
    "* OK bare \n feed\r\n",
];

fn script(lines: &[usize]) -> String {
    let lines: String = lines.iter().map(|line| LINES[line % LINES.len()]).collect();
    format!("* PREAUTH hi\r\n* 9 EXISTS\r\nA1 OK [READ-WRITE] selected\r\n{lines}")
}

#[test]
fn each_line_by_itself() {
    for line in 0..LINES.len() {
        split::assert_every_split(
            client,
            script(&[line]).as_bytes(),
            |client, event, log| application(client, &event, log),
            &[],
        );
    }
}

#[test]
fn a_whole_session() {
    let lines = [0, 1, 2, 3, 5, 6, 8, 11, 13, 14, 15, 16, 17, 20, 19, 20, 5, 21];
    let observed = split::assert_every_split(
        client,
        script(&lines).as_bytes(),
        |client, event, log| application(client, &event, log),
        &[],
    );
    assert_eq!(observed.end, End::Closed);
    let body = observed.log.stream("body");
    assert_eq!(body.len(), 60 + 11 + 12);
    let sent = String::from_utf8(observed.sent).unwrap();
    assert!(sent.ends_with("A5 APPEND saved {7}\r\nmmmmmmm\r\nA6 IDLE\r\n"), "{sent}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn any_session(lines in prop::collection::vec(0_usize..LINES.len(), 0..12), cuts in split::cuts()) {
        split::assert_every_split(client, script(&lines).as_bytes(), |client, event, log| application(client, &event, log), &cuts);
    }

    #[test]
    fn any_octets(octets in prop::collection::vec(any::<u8>(), 0..300), cuts in split::cuts()) {
        let mut input = script(&[]).into_bytes();
        input.extend_from_slice(&octets);
        split::assert_every_split(client, &input, |client, event, log| application(client, &event, log), &cuts);
    }

    #[test]
    fn octets_of_the_grammar(text in "([* +A123(){}\\[\\]\"\\\\]|FETCH|BODY|EXISTS|OK|NO| |\r\n){0,60}", cuts in split::cuts()) {
        let mut input = script(&[]).into_bytes();
        input.extend_from_slice(text.as_bytes());
        split::assert_every_split(client, &input, |client, event, log| application(client, &event, log), &cuts);
    }
}
