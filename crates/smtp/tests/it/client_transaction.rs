//! Transactions against what a server may answer.

use crate::client::Talk;
use bytes::Bytes;
use postroad_smtp::client::{CloseReason, Delivery, Envelope, Event, NotNow, Outcome, Progress, Transaction};
use postroad_smtp::command::Command;
use postroad_smtp::types::{BodyType, ForwardPath, ReversePath};
use postroad_smtp::{Session, Step};

const MAIL: &str = "MAIL FROM:<a@bar.com>\r\n";

fn envelope(recipients: usize) -> Envelope {
    let recipients = (0..recipients).map(|n| ForwardPath::parse(format!("<r{n}@foo.com>")).unwrap());
    Envelope::new(ReversePath::parse("<a@bar.com>").unwrap(), recipients.collect())
}

fn rcpts(range: std::ops::Range<usize>) -> String {
    range.map(|n| format!("RCPT TO:<r{n}@foo.com>\r\n")).collect()
}

/// A transaction, its client, and the message it sends when it is asked for.
struct Sending {
    talk: Talk,
    transaction: Transaction,
    asked: bool,
}

impl Sending {
    fn new(keywords: &str, recipients: usize) -> Self {
        let mut talk = Talk::after_ehlo(keywords);
        let mut transaction = Transaction::new(envelope(recipients));
        transaction.start(&mut talk.client).unwrap();
        Self { talk, transaction, asked: false }
    }

    /// The outcome, if these octets bring it.
    fn hears(&mut self, octets: &str) -> Option<Outcome> {
        self.talk.input.extend_from_slice(octets.as_bytes());
        loop {
            match self.talk.step().unwrap() {
                Step::Event(event) => match self.transaction.handle(&mut self.talk.client, &event) {
                    Progress::Working => {}
                    Progress::SendBody => {
                        self.asked = true;
                        self.talk.client.push_body(Bytes::from_static(b".hello\r\n")).unwrap();
                        self.talk.client.finish_body();
                    }
                    Progress::Done(outcome) => return Some(outcome),
                },
                Step::NeedInput => return None,
                Step::Closed => return Some(self.transaction.connection_lost()),
                Step::Paused => panic!("nothing is asked of the application"),
            }
        }
    }

    fn sent(&mut self) -> String {
        self.talk.sent()
    }
}

/// `delivered`, `failed`, `later`, or `unknown`, for each recipient.
fn summary(outcome: &Outcome) -> String {
    let words = outcome.deliveries().map(|(_, delivery)| match delivery {
        Delivery::Delivered(_) => "delivered",
        Delivery::Failed { permanent: true, .. } => "failed",
        Delivery::Failed { permanent: false, .. } => "later",
        Delivery::Unknown => "unknown",
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn all_goes_at_once_with_pipelining() {
    let mut sending = Sending::new("PIPELINING", 2);
    assert_eq!(sending.sent(), format!("{MAIL}{}DATA\r\n", rcpts(0..2)));
    assert_eq!(sending.hears("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"), None);
    assert_eq!(sending.sent(), "..hello\r\n.\r\n");
    let outcome = sending.hears("250 2.0.0 queued as 17\r\n").unwrap();
    assert_eq!(summary(&outcome), "delivered delivered");
    assert_eq!(outcome.end.as_ref().unwrap().text(), "queued as 17");
    assert!(outcome.reusable && outcome.begun);
    assert_eq!(sending.sent(), "", "no RSET after a success");
}

#[test]
fn one_after_the_other_without_pipelining() {
    let mut sending = Sending::new("", 2);
    for (line, reply) in [
        (MAIL, "250 ok\r\n"),
        (&rcpts(0..1), "250 ok\r\n"),
        (&rcpts(1..2), "550 no\r\n"),
        ("DATA\r\n", "354 go\r\n"),
    ] {
        assert_eq!(sending.sent(), line);
        assert_eq!(sending.hears(reply), None);
    }
    assert_eq!(sending.sent(), "..hello\r\n.\r\n");
    assert_eq!(summary(&sending.hears("250 ok\r\n").unwrap()), "delivered failed");
}

#[test]
fn a_refused_recipient_in_the_middle_keeps_all_in_step() {
    let mut sending = Sending::new("PIPELINING", 4);
    sending.sent();
    assert_eq!(
        sending.hears("250 ok\r\n250 ok\r\n550 5.1.1 no\r\n451 4.3.0 later\r\n251 ok\r\n354 go\r\n"),
        None
    );
    assert_eq!(sending.sent(), "..hello\r\n.\r\n");
    let outcome = sending.hears("250 ok\r\n").unwrap();
    assert_eq!(summary(&outcome), "delivered failed later delivered");
    assert!(outcome.reusable);

    // The connection is in step: the next message goes as if nothing had been.
    let mut next = Transaction::new(envelope(1));
    next.start(&mut sending.talk.client).unwrap();
    sending.transaction = next;
    assert_eq!(sending.sent(), format!("{MAIL}{}DATA\r\n", rcpts(0..1)));
    assert_eq!(sending.hears("250 ok\r\n250 ok\r\n354 go\r\n"), None);
    assert_eq!(summary(&sending.hears("250 ok\r\n").unwrap()), "delivered");
}

#[test]
fn nobody_is_left_and_data_is_refused() {
    let mut sending = Sending::new("PIPELINING", 2);
    sending.sent();
    assert_eq!(sending.hears("250 ok\r\n550 no\r\n450 busy\r\n554 no valid recipients\r\n"), None);
    assert_eq!(sending.sent(), "RSET\r\n", "the server may still hold the sender");
    let outcome = sending.hears("250 ok\r\n").unwrap();
    assert_eq!(summary(&outcome), "failed later");
    assert!(outcome.reusable && !sending.asked && !outcome.begun);
}

#[test]
fn nobody_is_left_and_data_is_accepted_all_the_same() {
    for (reply, word) in [("250 ok\r\n", "failed"), ("554 empty\r\n", "failed")] {
        let mut sending = Sending::new("PIPELINING", 1);
        sending.sent();
        assert_eq!(sending.hears("250 ok\r\n550 no\r\n354 go\r\n"), None);
        assert!(!sending.asked, "no message is sent");
        assert_eq!(sending.sent(), ".\r\n");
        let outcome = sending.hears(reply).unwrap();
        assert_eq!(summary(&outcome), word);
        assert!(outcome.reusable && !outcome.begun);
        assert_eq!(sending.sent(), "");
    }
}

#[test]
fn nobody_is_left_without_pipelining() {
    let mut sending = Sending::new("", 1);
    assert_eq!(sending.hears("250 ok\r\n"), None);
    assert_eq!(sending.hears("550 no\r\n"), None);
    assert_eq!(sending.sent(), format!("{MAIL}{}RSET\r\n", rcpts(0..1)));
    assert_eq!(summary(&sending.hears("250 ok\r\n").unwrap()), "failed");
}

#[test]
fn a_refused_sender_fails_all() {
    let mut sending = Sending::new("PIPELINING", 2);
    sending.sent();
    let outcome = sending.hears("451 4.7.1 greylisted\r\n503 no\r\n503 no\r\n503 no\r\n").unwrap();
    assert_eq!(summary(&outcome), "later later", "not what RCPT was answered without a sender");
    assert!(outcome.reusable);
    assert_eq!(sending.sent(), "");

    let mut sending = Sending::new("", 2);
    let outcome = sending.hears("550 5.7.1 no\r\n").unwrap();
    assert_eq!(summary(&outcome), "failed failed");
    assert_eq!(sending.sent(), MAIL);

    let mut sending = Sending::new("PIPELINING", 1);
    sending.sent();
    assert_eq!(sending.hears("550 no\r\n250 ok?\r\n354 go?\r\n"), None);
    assert_eq!(sending.sent(), ".\r\n", "a server that has lost its head gets nothing");
    assert_eq!(summary(&sending.hears("250 ok\r\n").unwrap()), "failed");
    assert!(!sending.asked);
}

#[test]
fn data_or_the_message_is_refused() {
    let mut sending = Sending::new("PIPELINING", 2);
    sending.sent();
    assert_eq!(sending.hears("250 ok\r\n250 ok\r\n550 no\r\n451 4.3.0 full\r\n"), None);
    assert_eq!(sending.sent(), "RSET\r\n");
    assert_eq!(summary(&sending.hears("250 ok\r\n").unwrap()), "later failed");

    let mut sending = Sending::new("PIPELINING", 2);
    sending.sent();
    assert_eq!(sending.hears("250 ok\r\n250 ok\r\n450 busy\r\n354 go\r\n"), None);
    let outcome = sending.hears("554 5.6.0 spam\r\n").unwrap();
    assert_eq!(summary(&outcome), "failed later");
    assert!(outcome.reusable && outcome.begun);
}

#[test]
fn too_many_recipients_by_the_old_code_is_not_permanent() {
    let mut sending = Sending::new("PIPELINING", 2);
    sending.sent();
    sending.hears("250 ok\r\n250 ok\r\n552 too many\r\n354 go\r\n");
    assert_eq!(summary(&sending.hears("250 ok\r\n").unwrap()), "delivered later");
}

#[test]
fn a_thousand_recipients_go_in_windows() {
    for keywords in ["PIPELINING", ""] {
        let mut sending = Sending::new(keywords, 1000);
        let mut sent = sending.sent();
        assert!(sent.lines().count() <= 100);
        let mut answered = 0;
        let outcome = loop {
            let commands = sent.lines().count();
            let Some(line) = sent.lines().nth(answered) else { panic!("nothing to answer") };
            let reply = match line {
                "DATA" => "354 go\r\n".to_owned(),
                line => format!("250 {line}\r\n"),
            };
            assert!(commands - answered <= 100);
            answered += 1;
            assert_eq!(sending.hears(&reply), None);
            sent += &sending.sent();
            if sending.asked {
                break sending.hears("250 ok\r\n").unwrap();
            }
        };
        assert_eq!(sent, format!("{MAIL}{}DATA\r\n..hello\r\n.\r\n", rcpts(0..1000)));
        assert!(outcome.deliveries().all(|(_, delivery)| matches!(delivery, Delivery::Delivered(_))));
        for recipient in outcome.recipients {
            assert_eq!(recipient.reply.unwrap().text(), format!("RCPT TO:{}", recipient.forward_path));
        }
    }
}

#[test]
fn the_server_leaves_in_the_middle() {
    let goodbye = "421 4.3.2 shutting down\r\n";
    for (replies, expected) in [
        ("", "later later"),
        ("250 ok\r\n", "later later"),
        ("250 ok\r\n550 no\r\n", "failed later"),
        ("250 ok\r\n250 ok\r\n250 ok\r\n", "later later"),
        ("250 ok\r\n250 ok\r\n550 no\r\n354 go\r\n", "later failed"),
    ] {
        let mut sending = Sending::new("PIPELINING", 2);
        let outcome = sending.hears(&format!("{replies}{goodbye}")).unwrap();
        assert_eq!(summary(&outcome), expected, "{replies}");
        assert!(!outcome.reusable);

        let mut sending = Sending::new("PIPELINING", 2);
        assert_eq!(sending.hears(replies), None);
        sending.talk.client.handle_eof();
        let outcome = sending.hears("").unwrap();
        assert_eq!(summary(&outcome), expected.replace("later", "unknown"), "{replies}");
        assert!(!outcome.reusable);
        assert_eq!(outcome.begun, sending.asked);
    }
}

#[test]
fn the_message_is_refused_before_its_end() {
    let mut sending = Sending::new("PIPELINING", 1);
    sending.sent();
    sending.talk.input.extend_from_slice(b"250 ok\r\n250 ok\r\n354 go\r\n552 5.3.4 too large\r\n");
    let outcome = loop {
        let Step::Event(event) = sending.talk.step().unwrap() else { panic!() };
        match sending.transaction.handle(&mut sending.talk.client, &event) {
            Progress::Working => {}
            Progress::SendBody => sending.talk.client.push_body(Bytes::from_static(b"x\r\n")).unwrap(),
            Progress::Done(outcome) => break outcome,
        }
    };
    assert_eq!(summary(&outcome), "failed");
    assert!(!outcome.reusable);
    assert_eq!(sending.talk.client.close_reason(), Some(CloseReason::BodyRefused));
}

#[test]
fn parameters_are_those_that_are_offered() {
    let started = |keywords: &str, set: fn(&mut Envelope)| {
        let mut talk = Talk::after_ehlo(keywords);
        let mut envelope = envelope(1);
        set(&mut envelope);
        Transaction::new(envelope).start(&mut talk.client).map(|()| talk.sent())
    };
    let line = |parameters: &str| Ok(format!("MAIL FROM:<a@bar.com>{parameters}\r\n"));
    let sized: fn(&mut Envelope) = |envelope| envelope.size = Some(500);
    assert_eq!(started("SIZE 1000", sized), line(" SIZE=500"));
    assert_eq!(started("", sized), line(""));
    let eight: fn(&mut Envelope) = |envelope| envelope.body = Some(BodyType::EightBitMime);
    assert_eq!(started("8BITMIME", eight), line(" BODY=8BITMIME"));
    assert_eq!(started("", eight), Err(NotNow::NotOffered("8BITMIME")));
    let seven: fn(&mut Envelope) = |envelope| envelope.body = Some(BodyType::SevenBit);
    assert_eq!(started("8BITMIME", seven), line(" BODY=7BIT"));
    assert_eq!(started("", seven), line(""));
    let utf8: fn(&mut Envelope) =
        |envelope| envelope.recipients = vec![ForwardPath::parse("<\u{e9}@foo.com>").unwrap()];
    assert_eq!(started("SMTPUTF8", utf8), line(" SMTPUTF8"));
    assert_eq!(started("", utf8), Err(NotNow::NotOffered("SMTPUTF8")));
}

#[test]
fn a_transaction_that_cannot_go_on_says_so() {
    // The application says QUIT in the middle.
    let mut sending = Sending::new("", 2);
    sending.talk.client.send(Command::Quit).unwrap();
    let outcome = sending.hears("250 ok\r\n").unwrap();
    assert_eq!(summary(&outcome), "unknown unknown");
    assert!(!outcome.reusable);
    assert_eq!(sending.sent(), format!("{MAIL}QUIT\r\n"));
}

#[test]
fn an_envelope_without_recipients_comes_to_nothing() {
    let mut sending = Sending::new("", 0);
    assert_eq!(sending.hears("250 ok\r\n"), None);
    let outcome = sending.hears("250 ok\r\n").unwrap();
    assert_eq!(sending.sent(), format!("{MAIL}RSET\r\n"));
    assert_eq!(outcome.deliveries().count(), 0);
    assert!(outcome.reusable);
}

#[test]
fn what_is_not_its_own_passes_by() {
    let mut talk = Talk::after_ehlo("");
    let noop = talk.client.send(Command::Noop(None)).unwrap();
    let mut transaction = Transaction::new(envelope(1));
    transaction.start(&mut talk.client).unwrap();
    for (reply, id_is_noop) in [("250 noop\r\n", true), ("250 mail\r\n", false)] {
        talk.input.extend_from_slice(reply.as_bytes());
        let Step::Event(event) = talk.step().unwrap() else { panic!() };
        assert_eq!(matches!(event, Event::Reply(id, _) if id == noop), id_is_noop);
        assert_eq!(transaction.handle(&mut talk.client, &event), Progress::Working);
    }
    assert_eq!(talk.sent(), format!("NOOP\r\n{MAIL}{}", rcpts(0..1)));
}
