//! Dialogues as the RFCs print them, played to the client by a server of paper.

use crate::client_talk::{command, quiet};
use bytes::Bytes;
use postroad_imap::client::{Append, Client, Config, Event};
use postroad_imap::command::AppendMessage;
use postroad_imap::types::{AppendOptions, TlsInfo};
use postroad_testkit::Transcript;
use postroad_testkit::transcript::{Happening, exactly};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

/// What the client's application does; it begins with the greeting and goes on when all commands are answered.
enum Act {
    /// Sends these commands at once.
    Send(&'static [&'static str]),
    /// Sends these messages, each with its flags.
    Append(&'static str, &'static [(&'static str, &'static str)]),
    /// Ends IDLE, once so many events have come in it.
    DoneAfter(usize),
    /// Answers a challenge.
    Respond(&'static [u8]),
}

use Act::*;

fn append(client: &mut Client, mailbox: &str, messages: &[(&str, &str)]) {
    let messages = messages
        .iter()
        .map(|(flags, octets)| {
            let flags = flags.split_terminator(' ').map(|flag| flag.parse().unwrap()).collect();
            AppendMessage::new(AppendOptions { flags, date: None }, octets.len() as u64)
        })
        .collect();
    client.append(Append { mailbox: mailbox.parse().unwrap(), messages }).unwrap();
}

fn play_with(client: Client, file: &str, acts: impl IntoIterator<Item = Act>) -> (Client, Vec<String>) {
    let mut acts: VecDeque<Act> = acts.into_iter().collect();
    let mut bodies: VecDeque<&'static str> = VecDeque::new();
    let (mut events, mut in_idle) = (Vec::new(), None);
    let client = Transcript::parse(file).play_to_client(client, exactly, |client, happening| {
        match happening {
            Happening::Tls => client.tls_established(TlsInfo::new()).unwrap(),
            Happening::Event(event) => {
                events.push(format!("{event:?}"));
                match event {
                    Event::StartTls(_) => return,
                    Event::Idling(_) => in_idle = Some(0),
                    Event::SendBody { message, len, .. } => {
                        let body = bodies[message];
                        assert_eq!(body.len() as u64, len);
                        client.push_body(Bytes::from_static(body.as_bytes())).unwrap();
                    }
                    Event::Challenge { .. } => match acts.pop_front() {
                        Some(Respond(response)) => client.respond(response).unwrap(),
                        _ => panic!("a challenge that was not expected"),
                    },
                    Event::Done { .. } => in_idle = None,
                    _ => in_idle = in_idle.map(|count| count + 1),
                }
            }
        }
        if let (Some(count), Some(DoneAfter(wanted))) = (in_idle, acts.front()) {
            if count >= *wanted {
                client.done();
                in_idle = None;
                acts.pop_front();
            }
            return;
        }
        if client.in_flight() > 0 {
            return;
        }
        match acts.pop_front() {
            Some(Send(lines)) => {
                for line in lines {
                    client.send(command(line)).unwrap();
                }
            }
            Some(Append(mailbox, messages)) => {
                bodies = messages.iter().map(|message| message.1).collect();
                append(client, mailbox, messages);
            }
            Some(DoneAfter(_) | Respond(_)) => panic!("there is nothing to end or answer"),
            None => {}
        }
    });
    assert!(acts.is_empty(), "something was not done");
    (client, events)
}

fn play(file: &str, acts: impl IntoIterator<Item = Act>) -> (Client, Vec<String>) {
    play_with(Client::new_over_tls(Arc::new(quiet()), TlsInfo::new(), Instant::now()), file, acts)
}

#[track_caller]
fn assert_contains(events: &[String], text: &str) {
    assert!(events.iter().any(|event| event.contains(text)), "{text} is not in {events:#?}");
}

#[test]
fn rfc_9051_section_8() {
    let (client, events) = play(
        include_str!("../transcripts/client_rfc9051_8.txt"),
        [
            Send(&["LOGIN mrc secret"]),
            Send(&["SELECT inbox"]),
            Send(&["FETCH 12 FULL"]),
            Send(&["FETCH 12 BODY[HEADER]"]),
            Send(&["STORE 12 +FLAGS \\Deleted"]),
            Send(&["LOGOUT"]),
        ],
    );
    assert!(client.is_closed());
    assert_contains(&events, "Exists(18)");
    assert_contains(&events, "Bye");
}

#[test]
fn rfc_9051_starttls_and_authenticate() {
    let client = Client::new(Arc::new(Config::new()), Instant::now());
    let (client, events) = play_with(
        client,
        include_str!("../transcripts/client_rfc9051_starttls.txt"),
        [Send(&["STARTTLS"]), Send(&["AUTHENTICATE PLAIN dGVzdAB0ZXN0AHRlc3Q="]), Send(&["LOGOUT"])],
    );
    assert!(client.is_closed());
    assert_contains(&events, "StartTls");
}

#[test]
fn rfc_3501_authenticate_with_challenges() {
    play(
        include_str!("../transcripts/client_rfc3501_authenticate.txt"),
        [Send(&["AUTHENTICATE GSSAPI"]), Respond(b"one"), Respond(b""), Respond(b"three"), Send(&["LOGOUT"])],
    );
}

#[test]
fn rfc_9051_append_and_copy() {
    let (_, events) = play(
        include_str!("../transcripts/client_rfc9051_append.txt"),
        [
            Send(&["LOGIN {11}\r\nFRED FOOBAR {7}\r\nfat man"]),
            Append(
                "saved-messages",
                &[("\\Seen", "Date: Mon, 7 Feb 1994 21:52:25 -0800 (PST)\r\n\r\nHello Joe\r\n")],
            ),
            Append("meeting", &[("", "one\r\n"), ("\\Flagged", "second\r\n")]),
            Append("nowhere", &[("", "one\r\n")]),
            Send(&["SELECT INBOX"]),
            Send(&["COPY 2:4 MEETING"]),
            Send(&["UID MOVE 42:69 foo"]),
            Send(&["CLOSE", "LOGOUT"]),
        ],
    );
    assert_contains(&events, "AppendUid");
    assert_contains(&events, "CopyUid");
    assert_contains(&events, "TryCreate");
}

#[test]
fn rfc_2177_idle() {
    let (client, events) = play(
        include_str!("../transcripts/client_rfc2177.txt"),
        [
            Send(&["SELECT INBOX"]),
            Send(&["IDLE"]),
            DoneAfter(1),
            Send(&["IDLE"]),
            // Nobody ends it; the session renews it, and a command ends it.
            DoneAfter(2),
            Send(&["LOGOUT"]),
        ],
    );
    assert!(client.is_closed());
    assert_contains(&events, "Expunge(3)");
    assert_eq!(events.iter().filter(|event| event.starts_with("Idling")).count(), 3);
}

#[test]
fn rfc_9051_mailboxes() {
    let (client, events) = play(
        include_str!("../transcripts/client_rfc9051_mailboxes.txt"),
        [
            Send(&["ENABLE IMAP4rev2"]),
            Send(&[
                "NAMESPACE",
                "LIST \"\" * RETURN (SPECIAL-USE STATUS (MESSAGES UNSEEN))",
                "STATUS blurdybloop (UIDNEXT MESSAGES)",
            ]),
            Send(&[
                "CREATE owatagusiam/",
                "RENAME blurdybloop sarasoon",
                "DELETE foo",
                "SUBSCRIBE #news.comp.mail.mime",
            ]),
            Send(&["SELECT INBOX"]),
            Send(&[
                "SEARCH RETURN (MIN COUNT) FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"",
                "UID SEARCH RETURN (SAVE) UNSEEN",
                "UID FETCH $ (FLAGS)",
            ]),
            Send(&["UID EXPUNGE 3000:3002", "UNSELECT", "LOGOUT"]),
        ],
    );
    assert!(client.is_utf8());
    assert_contains(&events, "ESearch");
    assert_contains(&events, "MailboxStatus");
}
