//! Numbers, marks, unique-ids, TOP and UPDATE.

use crate::common::{Shop, Talk, server};
use postroad_pop3::server::Aborted;
use postroad_pop3::types::{Maildrop, UniqueId};
use postroad_pop3::{Session, Step};
use std::time::Duration;

#[test]
fn there_is_no_message_zero() {
    let mut talk = Talk::in_transaction();
    for command in ["DELE 0", "RETR 0", "LIST 0", "UIDL 0", "TOP 0 1"] {
        assert!(talk.say(format!("{command}\r\n")).starts_with("-ERR "), "{command}");
    }
    assert_eq!(talk.say("STAT\r\n"), "+OK 2 320\r\n");
    assert_eq!(talk.shop.heard.len(), 1, "no message was asked for");
}

#[test]
fn deleted_messages_are_left_out_and_numbers_stay() {
    let mut talk = Talk::in_transaction();
    assert_eq!(talk.say("DELE 1\r\n"), "+OK message 1 deleted\r\n");
    for command in ["DELE 1", "RETR 1", "LIST 1", "UIDL 1", "TOP 1 0"] {
        assert_eq!(talk.say(format!("{command}\r\n")), "-ERR message 1 already deleted\r\n", "{command}");
    }
    assert_eq!(talk.say("STAT\r\n"), "+OK 1 200\r\n");
    assert_eq!(talk.say("LIST\r\n"), "+OK 1 message (200 octets)\r\n2 200\r\n.\r\n");
    assert_eq!(talk.say("UIDL\r\n"), "+OK\r\n2 QhdPYR:00WBw1Ph7x7\r\n.\r\n");
    assert_eq!(talk.say("LIST 2\r\n"), "+OK 2 200\r\n");
    assert_eq!(talk.say("UIDL 2\r\n"), "+OK 2 QhdPYR:00WBw1Ph7x7\r\n");
    assert_eq!(talk.say("RSET\r\n"), "+OK maildrop has 2 messages (320 octets)\r\n");
    assert_eq!(talk.say("LIST 1\r\n"), "+OK 1 120\r\n");
    assert_eq!(
        talk.say("DELE 2\r\nDELE 1\r\nSTAT\r\nLIST\r\n"),
        "+OK message 2 deleted\r\n+OK message 1 deleted\r\n+OK 0 0\r\n+OK 0 messages (0 octets)\r\n.\r\n"
    );
    assert_eq!(talk.say("QUIT\r\n"), "+OK dewey POP3 server signing off (maildrop empty)\r\n");
    assert_eq!(talk.shop.deleted, [[1, 2]]);
}

#[test]
fn an_empty_maildrop() {
    let mut talk = Talk::with(server(), Shop::of(Vec::new()));
    talk.say("USER mrose\r\nPASS secret\r\n");
    assert_eq!(talk.say("STAT\r\n"), "+OK 0 0\r\n");
    assert_eq!(talk.say("LIST\r\n"), "+OK 0 messages (0 octets)\r\n.\r\n");
    assert_eq!(talk.say("UIDL\r\n"), "+OK\r\n.\r\n");
    assert_eq!(talk.say("RETR 1\r\n"), "-ERR no such message, only 0 messages in maildrop\r\n");
    assert_eq!(talk.say("RETR 4294967295\r\n"), "-ERR no such message, only 0 messages in maildrop\r\n");
}

#[test]
fn top_counts_lines_of_the_body() {
    let header = "From: bob@example.org\r\nTo: mrose@example.org\r\nSubject: two\r\n\r\n";
    for piece in [1, 2, 3, 50, 1000] {
        let mut talk = Talk::in_transaction();
        talk.shop.piece = piece;
        let mut top = |lines: &str| talk.say(format!("TOP 2 {lines}\r\n"));
        let status = "+OK top of message follows\r\n";
        assert_eq!(top("0"), format!("{status}{header}.\r\n"));
        assert_eq!(top("2"), format!("{status}{header}one\r\ntwo\r\n.\r\n"));
        assert_eq!(top("4294967295"), format!("{status}{}.\r\n", crate::common::SECOND));
        assert_eq!(top("4294967296"), "-ERR syntax error: a number is out of range\r\n");
    }
}

#[test]
fn nothing_is_deleted_without_quit() {
    // The end of input.
    let mut talk = Talk::in_transaction();
    talk.say("DELE 1\r\nDELE 2\r\nQUI");
    talk.session.handle_eof();
    assert_eq!(talk.say(""), "");
    assert!(matches!(talk.step, Ok(Step::Closed)));
    assert_eq!((talk.shop.deleted.len(), talk.shop.aborted.as_slice()), (0, &[Aborted::Eof][..]));
    // A deadline.
    let mut talk = Talk::in_transaction();
    talk.say("DELE 1\r\n");
    assert_eq!(talk.wait(Duration::from_secs(3600)), "");
    assert_eq!((talk.shop.deleted.len(), talk.shop.aborted.as_slice()), (0, &[Aborted::Idle][..]));
    // Errors.
    let mut talk = Talk::in_transaction();
    talk.say("DELE 1\r\n");
    talk.say("FROB\r\n".repeat(20));
    assert!(talk.step.is_err());
    assert_eq!(talk.say("QUIT\r\n"), "");
    assert!(talk.shop.deleted.is_empty());
    // The application.
    let mut talk = Talk::in_transaction();
    talk.say("DELE 1\r\n");
    talk.session.shut_down();
    assert_eq!(talk.say("QUIT\r\n"), "-ERR [SYS/TEMP] shutting down\r\n");
    assert_eq!((talk.shop.deleted.len(), talk.shop.aborted.as_slice()), (0, &[Aborted::ShutDown][..]));
    // A message that could not be read to its end.
    let mut talk = Talk::in_transaction();
    talk.say("DELE 1\r\n");
    let postroad_pop3::server::Event::Retrieve(retrieve) = talk.event("RETR 2\r\nQUIT\r\n") else { panic!() };
    drop(retrieve.accept(&mut talk.session));
    talk.say("");
    assert!(talk.step.is_err());
    assert!(talk.shop.deleted.is_empty());
}

#[test]
fn what_was_read_before_the_end_of_input_is_still_served() {
    let mut talk = Talk::in_transaction();
    talk.input.extend_from_slice(b"DELE 2\r\nQUIT\r\n");
    talk.session.handle_eof();
    assert!(talk.say("").ends_with("(1 message left)\r\n"));
    assert_eq!(talk.shop.deleted, [[2]]);
}

#[test]
fn unique_ids_do_not_run_together() {
    let mut maildrop = Maildrop::new();
    maildrop.push(1, UniqueId::from_uid(12, 34));
    maildrop.push(1, UniqueId::from_uid(123, 4));
    let mut shop = Shop::of(vec![b"a".to_vec(), b"b".to_vec()]);
    for (message, of) in shop.messages.iter_mut().zip(maildrop.messages()) {
        message.1 = of.unique_id.clone();
    }
    let mut talk = Talk::with(server(), shop);
    talk.say("USER mrose\r\nPASS secret\r\n");
    assert_eq!(talk.say("UIDL\r\n"), "+OK\r\n1 12.34\r\n2 123.4\r\n.\r\n");
}

#[test]
fn two_copies_may_share_a_unique_id() {
    let mut shop = Shop::of(vec![b"a".to_vec(), b"a".to_vec()]);
    shop.messages[1].1 = shop.messages[0].1.clone();
    let mut talk = Talk::with(server(), shop);
    talk.say("USER mrose\r\nPASS secret\r\n");
    assert!(talk.say("UIDL\r\n").contains("\r\n2 whqtswO00WBw418f9t5JxYwZ\r\n"));
}
