//! Dots and line ends of messages.

use crate::common::{Shop, Talk, config, server};
use postroad_pop3::BareNewline;
use postroad_pop3::server::Server;

/// What a client gets for this message, pushed in pieces of `piece` octets, behind the status line.
fn wire_of(message: &str, piece: usize) -> String {
    let mut shop = Shop::of(vec![message.as_bytes().to_vec()]);
    shop.piece = piece;
    let mut talk = Talk::with(server(), shop);
    talk.say("USER mrose\r\nPASS secret\r\n");
    let said = talk.say("RETR 1\r\nNOOP\r\n");
    said.strip_prefix(&format!("+OK {} octets\r\n", message.len()))
        .and_then(|said| said.strip_suffix("+OK\r\n"))
        .unwrap()
        .to_owned()
}

#[test]
fn a_dot_as_the_first_octet() {
    assert_eq!(wire_of(".", 1), "..\r\n.\r\n");
    assert_eq!(wire_of(".\r\n", 9), "..\r\n.\r\n");
    assert_eq!(wire_of("", 1), ".\r\n");
}

#[test]
fn every_chunk_size_of_a_message_of_dots() {
    let message = ".\r\n..\r\na.b\r\n.\r\n\r\n...c\r\n.";
    for piece in 1..=message.len() {
        assert_eq!(wire_of(message, piece), "..\r\n...\r\na.b\r\n..\r\n\r\n....c\r\n..\r\n.\r\n", "{piece}");
    }
}

#[test]
fn a_missing_line_end_is_added_and_no_other() {
    assert_eq!(wire_of("a\r\n", 2), "a\r\n.\r\n");
    assert_eq!(wire_of("a", 2), "a\r\n.\r\n");
    assert_eq!(wire_of("a\r\n\r\n", 2), "a\r\n\r\n.\r\n");
}

#[test]
fn a_bare_lf_cannot_end_the_message_for_a_lenient_client() {
    for piece in 1..8 {
        assert_eq!(wire_of("a\n.\nb", piece), "a\r\n..\r\nb\r\n.\r\n");
        assert_eq!(wire_of("a\rb\r\n", piece), "a b\r\n.\r\n");
    }
}

#[test]
fn a_bare_lf_ends_the_connection_if_it_is_to_be_rejected() {
    let mut config = config();
    config.bare_newline = BareNewline::Reject;
    let mut talk = Talk::with(Server::new(config), Shop::of(vec![b"ab\ncd".to_vec()]));
    let said = talk.say("USER mrose\r\nPASS secret\r\nRETR 1\r\nNOOP\r\n");
    assert!(said.ends_with("+OK 5 octets\r\nab"), "{said}");
    assert_eq!(
        talk.step.unwrap_err().to_string(),
        "a message has a CR or LF that is not part of a CRLF at octet 2"
    );
}

#[test]
fn lf_dot_lf_does_not_end_a_message() {
    use postroad_pop3::client::{Client, Config, Event};
    use postroad_pop3::command::Command;
    use postroad_pop3::types::{MessageNumber, TlsInfo};
    use postroad_pop3::{Session, Step};

    let mut session = Client::new_over_tls(Config::new(), TlsInfo::new());
    session.send(Command::Retr(MessageNumber::new(1).unwrap())).unwrap();
    let mut input = bytes::BytesMut::from(&b"+OK ready\r\n+OK\r\na\n.\n-ERR b\r\n.\n\r\r\n.\r\n"[..]);
    let (mut body, mut ends) = (Vec::new(), Vec::new());
    while let Step::Event(event) = session.poll_event(std::time::Instant::now(), &mut input).unwrap() {
        match event {
            Event::Body(_, octets) => body.extend_from_slice(&octets),
            Event::BodyEnd(_, faults) => ends.push(faults),
            _ => {}
        }
    }
    // The dot behind CRLF is a stuffed one, though LF and not CRLF follows it.
    assert_eq!(body, b"a\n.\n-ERR b\r\n\n\r\r\n");
    assert_eq!(ends.len(), 1);
    assert_eq!((ends[0].bare_lf, ends[0].bare_cr), (Some(1), Some(13)));
}
