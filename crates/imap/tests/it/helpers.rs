//! What the crate does for every server beside the session: rows from a message, patterns of LIST, items of STATUS.

use crate::office::{Desk, Office};
use postroad_imap::response::MailboxStatus;
use postroad_imap::server::{Config, Event};
use postroad_imap::types::MailboxName;

#[test]
fn a_uid_stands_in_a_row_once() {
    let mut desk = Desk::selected(1);
    desk.input.extend_from_slice(b"a UID FETCH 10 (UID FLAGS UID)\r\n");
    let Some(Event::Fetch(token)) = desk.next() else { panic!() };
    token.row(&mut desk.session, 10).unwrap().uid().flags(&[]).uid().end();
    token.ok(&mut desk.session);
    assert_eq!(desk.say(""), "* 1 FETCH (UID 10 FLAGS ())\r\na OK FETCH completed\r\n");
}

#[test]
fn status_tells_what_was_asked_for_and_no_more() {
    let mut desk = Desk::new(Config::new(), Office::new(1));
    desk.say("a LOGIN bob pickles\r\n");
    desk.input.extend_from_slice(b"b STATUS INBOX (UNSEEN SIZE)\r\n");
    let Some(Event::Status(token)) = desk.next() else { panic!() };
    let mut status = MailboxStatus::new(MailboxName::inbox());
    status.messages = Some(3);
    status.recent = Some(0);
    status.uid_next = Some(4);
    status.unseen = Some(2);
    status.deleted = Some(1);
    status.size = Some(1000);
    status.append_limit = Some(None);
    token.ok(&mut desk.session, status);
    assert_eq!(desk.say(""), "* STATUS INBOX (UNSEEN 2 SIZE 1000)\r\nb OK STATUS completed\r\n");
}

#[test]
fn list_goes_by_reference_and_patterns() {
    let matching = |command: &str| {
        let mut desk = Desk::new(Config::new(), Office::new(1));
        desk.say("a LOGIN bob pickles\r\n");
        desk.input.extend_from_slice(format!("b {command}\r\n").as_bytes());
        let Some(Event::List(token)) = desk.next() else { panic!() };
        if token.command().is_for_delimiter() {
            return "the root".to_owned();
        }
        let names = ["INBOX", "Work", "Work/Plans", "Work/Plans/2026"];
        let matches = |name: &&&str| token.command().matches(&MailboxName::new(**name).unwrap(), Some('/'));
        names.iter().filter(matches).copied().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(matching("LIST \"\" *"), "INBOX Work Work/Plans Work/Plans/2026");
    assert_eq!(matching("LIST \"\" %"), "INBOX Work");
    assert_eq!(matching("LIST Work/ %"), "Work/Plans");
    assert_eq!(matching("LIST \"\" inbox"), "INBOX");
    assert_eq!(matching("LIST \"\" (work Work/%)"), "Work/Plans");
    assert_eq!(matching("LIST \"\" \"\""), "the root");
}

#[cfg(feature = "message")]
#[test]
fn rows_from_a_message() {
    use bytes::Bytes;

    let octets = Bytes::from_static(b"From: alice@crepes.fr\r\nSubject: hi\r\n\r\nketchup?\r\n");
    let mut desk = Desk::selected(1);
    let mut fetched = |items: &str| {
        desk.said.clear();
        desk.input.extend_from_slice(format!("a FETCH 1 {items}\r\n").as_bytes());
        let Some(Event::Fetch(token)) = desk.next() else { panic!() };
        let message = postroad_message::Message::parse(&octets);
        let mut row = token.row(&mut desk.session, 10).unwrap();
        for item in &token.command().items {
            row = row.message_item(item, &message, &octets);
        }
        row.end();
        token.ok(&mut desk.session);
        desk.say("").strip_suffix("a OK FETCH completed\r\n").unwrap().to_owned()
    };
    assert_eq!(fetched("RFC822.SIZE"), "* 1 FETCH (RFC822.SIZE 48)\r\n");
    let address = "((NIL NIL \"alice\" \"crepes.fr\"))";
    assert_eq!(
        fetched("ENVELOPE"),
        format!("* 1 FETCH (ENVELOPE (NIL \"hi\" {address} {address} {address} NIL NIL NIL NIL NIL))\r\n")
    );
    let body = "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 10 1";
    assert_eq!(fetched("BODY").to_ascii_uppercase(), format!("* 1 FETCH (BODY {body}))\r\n"));
    let structure = fetched("BODYSTRUCTURE").to_ascii_uppercase();
    assert_eq!(structure, format!("* 1 FETCH (BODYSTRUCTURE {body} NIL NIL NIL NIL))\r\n"));
    assert_eq!(
        fetched("(BODY.PEEK[HEADER.FIELDS (SUBJECT)] BODY.PEEK[TEXT]<2.4> BODY.PEEK[2])"),
        "* 1 FETCH (BODY[HEADER.FIELDS (SUBJECT)] {15}\r\nSubject: hi\r\n\r\n BODY[TEXT]<2> {4}\r\ntchu BODY[2] NIL)\r\n"
    );
    assert_eq!(fetched("RFC822.TEXT"), "* 1 FETCH (RFC822.TEXT {10}\r\nketchup?\r\n)\r\n");
    assert_eq!(
        fetched("RFC822.HEADER"),
        "* 1 FETCH (RFC822.HEADER {38}\r\nFrom: alice@crepes.fr\r\nSubject: hi\r\n\r\n)\r\n"
    );
    assert!(fetched("RFC822").starts_with("* 1 FETCH (RFC822 {48}\r\nFrom:"));
}
