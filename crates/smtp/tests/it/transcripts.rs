//! Dialogues as the RFCs print them.

use crate::harness::config;
use postroad_smtp::reply::{Rejection, ReplyText};
use postroad_smtp::server::{Event, Server};
use postroad_smtp::types::Mechanism;
use postroad_smtp::{Session, TlsInfo};
use postroad_testkit::transcript::{Happening, Transcript, by_first_word};
use std::sync::Arc;
use std::time::Instant;

/// A server for Jones and Brown of foo.com.
fn foo_com(server: &mut Server, happening: Happening<Event>) {
    let event = match happening {
        Happening::Event(event) => event,
        Happening::Tls => return server.tls_established(TlsInfo::new()).unwrap(),
    };
    match event {
        Event::Hello(hello) => hello.accept(server),
        Event::StartTls(starttls) => starttls.accept(server),
        Event::Auth(auth) => match auth.initial_response() {
            Some(_) => auth.accept(server),
            None => auth.challenge(server, b""),
        },
        Event::AuthResponse(response) => response.reject(server, Rejection::bad_credentials()),
        Event::Mail(mail) => mail.accept(server),
        Event::Rcpt(rcpt) => match rcpt.forward_path().to_string().as_str() {
            "<Jones@foo.com>" | "<Brown@foo.com>" => rcpt.accept(server),
            _ => rcpt.reject(server, Rejection::mailbox_unavailable()),
        },
        Event::Data(data) => data.accept(server),
        Event::DataEnd(end) => end.accept(server, ReplyText::new("OK")),
        Event::Body(_) | Event::Reset => {}
        other => panic!("{other:?}"),
    }
}

fn play(text: &str, starttls: bool) {
    let mut config = config();
    config.starttls = starttls;
    if starttls {
        config.mechanisms = vec![Mechanism::PLAIN];
    }
    let server = Server::new(Arc::new(config), Instant::now());
    let mut server = Transcript::parse(text).play_to_server(server, by_first_word, foo_com);
    assert!(server.poll_transmit().is_none());
}

#[test]
fn a_typical_transaction() {
    play(include_str!("../transcripts/typical.txt"), false);
}

#[test]
fn an_aborted_transaction() {
    play(include_str!("../transcripts/aborted.txt"), false);
}

#[test]
fn a_relayed_message() {
    play(include_str!("../transcripts/relayed.txt"), false);
}

#[test]
fn verifying_and_sending() {
    play(include_str!("../transcripts/verifying.txt"), false);
}

#[test]
fn pipelining() {
    play(include_str!("../transcripts/pipelined.txt"), false);
}

#[test]
fn starttls_and_auth() {
    play(include_str!("../transcripts/starttls.txt"), true);
}
