//! The program from outside: many of our client sessions at once, and clients that behave badly.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper that cannot go on fails its test")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use postroad_core::{Session as _, Step};
use postroad_smtp::client::{
    Client, CloseReason, Delivery, Envelope, Opening, OpeningProgress, Progress, TlsPolicy, Transaction,
};
use postroad_smtp::command::Command as SmtpCommand;
use postroad_smtp::types::{ClientName, ForwardPath, ReversePath};

/// The program on a free port, until it is dropped.
struct Sink {
    child: Child,
    address: String,
}

impl Sink {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_smtp-sink"));
        let mut child = command.arg("127.0.0.1:0").stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("listening smtp ").unwrap().to_owned();
        Self { child, address }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        // Nothing takes as long; a test that fails must not hang.
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends messages over one connection, by our own client session, and says how many were taken.
fn send(mut stream: TcpStream, messages: usize, message: &Bytes) -> usize {
    let mut client = Client::new(std::sync::Arc::default(), Instant::now());
    let mut opening = Opening::new(ClientName::parse("crepes.fr").unwrap(), TlsPolicy::None);
    let recipients = vec![ForwardPath::parse("<bob@hamburger.edu>").unwrap()];
    let envelope = Envelope::new(ReversePath::parse("<alice@crepes.fr>").unwrap(), recipients);
    let mut transaction = Transaction::new(envelope.clone());
    let (mut input, mut block) = (BytesMut::new(), [0; 4096]);
    let (mut taken, mut is_open) = (0, false);
    loop {
        match client.poll_event(Instant::now(), &mut input).unwrap() {
            Step::Event(event) if !is_open => match opening.handle(&mut client, &event) {
                OpeningProgress::Opened(_) => {
                    is_open = true;
                    transaction.start(&mut client).unwrap();
                }
                OpeningProgress::Working => {}
                other => panic!("{other:?}"),
            },
            Step::Event(event) => match transaction.handle(&mut client, &event) {
                Progress::Working => {}
                Progress::SendBody => {
                    client.push_body(message.clone()).unwrap();
                    client.finish_body();
                }
                Progress::Done(outcome) => {
                    assert!(matches!(outcome.delivery(0), Some(Delivery::Delivered(_))));
                    taken += 1;
                    if taken < messages {
                        transaction = Transaction::new(envelope.clone());
                        transaction.start(&mut client).unwrap();
                    } else {
                        client.send(SmtpCommand::Quit).unwrap();
                    }
                }
            },
            step => {
                while let Some(octets) = client.poll_transmit() {
                    stream.write_all(&octets).unwrap();
                }
                match step {
                    Step::Closed => break,
                    _ => match stream.read(&mut block).unwrap() {
                        0 => client.handle_eof(),
                        length => input.extend_from_slice(&block[..length]),
                    },
                }
            }
        }
    }
    assert_eq!(client.close_reason(), Some(CloseReason::Quit));
    taken
}

#[test]
fn twenty_clients_with_fifty_messages_each() {
    let sink = Sink::start();
    let message = Bytes::from(format!("Subject: x\r\n\r\n{}", "..dots and more of them\r\n".repeat(200)));
    let taken: usize = thread::scope(|scope| {
        let clients: Vec<_> = (0..20)
            .map(|_| {
                let (stream, message) = (sink.connect(), &message);
                scope.spawn(move || send(stream, 50, message))
            })
            .collect();
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    assert_eq!(taken, 1000);
}

#[test]
fn a_message_larger_than_every_buffer() {
    let sink = Sink::start();
    let line = "x".repeat(98) + "\r\n";
    let mut stream = sink.connect();
    let mut all = String::from("EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
    all.push_str(&line.repeat(200_000));
    all.push_str(".\r\nQUIT\r\n");
    stream.write_all(all.as_bytes()).unwrap();
    let mut replies = String::new();
    stream.read_to_string(&mut replies).unwrap();
    let last: Vec<&str> = replies.lines().rev().take(3).collect();
    assert!(
        last[0].starts_with("221 ") && last[1].starts_with("250 ") && last[2].starts_with("354 "),
        "{replies}"
    );
}

#[test]
fn somebody_who_never_reads_keeps_nobody_else_waiting() {
    let sink = Sink::start();
    let mut deaf = sink.connect();
    deaf.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    let noops = "NOOP\r\n".repeat(10_000);
    // Until its socket is full, for the server has stopped reading.
    let written = (0..2000).take_while(|_| deaf.write_all(noops.as_bytes()).is_ok()).count();
    assert!(written < 2000, "it was read to the end, and its replies are kept somewhere");
    assert_eq!(send(sink.connect(), 1, &Bytes::from_static(b"Subject: x\r\n\r\n")), 1);
}

#[test]
fn half_a_conversation_and_what_is_none() {
    let sink = Sink::start();
    drop(sink.connect());
    let mut stream = sink.connect();
    stream.write_all(b"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nhalf a mess").unwrap();
    drop(stream);
    let mut stream = sink.connect();
    for _ in 0..20 {
        let _ = stream.write_all(b"\0\xff\r\n");
    }
    let mut replies = Vec::new();
    let _ = stream.read_to_end(&mut replies);
    assert!(replies.starts_with(b"220 "));
    assert_eq!(send(sink.connect(), 1, &Bytes::from_static(b"Subject: x\r\n\r\n")), 1);
}

#[test]
fn wrong_usage() {
    for (arguments, code) in [(&[][..], 2), (&["127.0.0.1:0", "more"], 2), (&["nowhere"], 1)] {
        let done = Command::new(env!("CARGO_BIN_EXE_smtp-sink")).args(arguments).output().unwrap();
        assert_eq!(done.status.code(), Some(code), "{arguments:?}");
    }
}
