//! Dialogues as the RFCs print them, played to the client by a server of paper.

use bytes::Bytes;
use postroad_smtp::client::{Client, CloseReason, Config, Event, Phase};
use postroad_smtp::command::Command;
use postroad_smtp::types::TlsInfo;
use postroad_testkit::Transcript;
use postroad_testkit::transcript::{Happening, exactly};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

/// What the client's application does; it begins with the greeting and goes on when all replies are there.
enum Act {
    Send(&'static [&'static str]),
    Message(&'static str),
}

use Act::*;

fn play(file: &str, acts: impl IntoIterator<Item = Act>) -> Client {
    let mut acts: VecDeque<Act> = acts.into_iter().collect();
    let client = Client::new(Arc::new(Config::default()), Instant::now());
    let client = Transcript::parse(file).play_to_client(client, exactly, |client, happening| {
        match happening {
            Happening::Tls => client.tls_established(TlsInfo::new()).unwrap(),
            Happening::Event(Event::StartTls(_)) => return,
            Happening::Event(_) => {}
        }
        if client.outstanding() > 0 {
            return;
        }
        match acts.pop_front() {
            Some(Send(lines)) => {
                for line in lines {
                    client.send(Command::parse(line.as_bytes()).unwrap()).unwrap();
                }
            }
            Some(Message(message)) => {
                client.push_body(Bytes::from_static(message.as_bytes())).unwrap();
                client.finish_body();
            }
            None => {}
        }
    });
    assert!(acts.is_empty(), "something was not done");
    client
}

#[test]
fn rfc_5321_d_1_typical() {
    let client = play(
        include_str!("../transcripts/client_rfc5321_d1.txt"),
        [
            Send(&["EHLO bar.com"]),
            Send(&["MAIL FROM:<Smith@bar.com>"]),
            Send(&["RCPT TO:<Jones@foo.com>"]),
            Send(&["RCPT TO:<Green@foo.com>"]),
            Send(&["RCPT TO:<Brown@foo.com>"]),
            Send(&["DATA"]),
            Message("Blah blah blah...\r\n..etc. etc. etc.\r\n"),
            Send(&["QUIT"]),
        ],
    );
    assert_eq!(client.close_reason(), Some(CloseReason::Quit));
}

#[test]
fn rfc_5321_d_2_aborted() {
    // All at once: without PIPELINING the client itself sends one after the other.
    let client = play(
        include_str!("../transcripts/client_rfc5321_d2.txt"),
        [
            Send(&["EHLO bar.com"]),
            Send(&[
                "MAIL FROM:<Smith@bar.com>",
                "RCPT TO:<Jones@foo.com>",
                "RCPT TO:<Green@foo.com>",
                "RSET",
                "QUIT",
            ]),
        ],
    );
    assert_eq!(client.close_reason(), Some(CloseReason::Quit));
}

#[test]
fn rfc_5321_d_4_verifying() {
    play(
        include_str!("../transcripts/client_rfc5321_d4.txt"),
        [
            Send(&["EHLO bar.com"]),
            Send(&["VRFY Crispin", "MAIL FROM:<EAK@bar.com>", "RCPT TO:<Admin.MRC@foo.com>", "DATA"]),
            Message("Blah blah blah...\r\n"),
            Send(&["QUIT"]),
        ],
    );
}

#[test]
fn rfc_2920_pipelined() {
    play(
        include_str!("../transcripts/client_rfc2920.txt"),
        [
            Send(&["EHLO dbc.mtview.ca.us"]),
            Send(&[
                "MAIL FROM:<mrose@dbc.mtview.ca.us>",
                "RCPT TO:<ned@innosoft.com>",
                "RCPT TO:<dan@innosoft.com>",
                "RCPT TO:<kvc@innosoft.com>",
                "DATA",
            ]),
            Message("Blah blah blah...\r\n"),
            Send(&["QUIT"]),
        ],
    );
}

#[test]
fn rfc_3207_starttls_and_auth() {
    let client = play(
        include_str!("../transcripts/client_rfc3207.txt"),
        [
            Send(&["EHLO mail.example.com"]),
            Send(&["STARTTLS"]),
            Send(&["EHLO mail.example.com"]),
            Send(&["AUTH PLAIN dGVzdAB0ZXN0ADEyMzQ="]),
            Send(&["QUIT"]),
        ],
    );
    assert!(client.is_tls() && client.is_authenticated());
}

#[test]
fn a_silent_server() {
    let client = play(
        include_str!("../transcripts/client_silent_server.txt"),
        [Send(&["EHLO bar.com"]), Send(&["MAIL FROM:<Smith@bar.com>"])],
    );
    assert_eq!(client.close_reason(), Some(CloseReason::TimedOut(Phase::Mail)));
}
