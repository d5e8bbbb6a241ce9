//! A mail server over blocking sockets: one thread a connection, the session in the middle.
//!
//! `cargo run -p postroad-smtp --example smtp-embed`, then send mail to `anybody@localhost` at port 2525; it is printed.
#![allow(
    clippy::disallowed_methods,
    reason = "somebody has to read the clock: the program, never the session"
)]

use bytes::BytesMut;
use postroad_smtp::reply::{Rejection, ReplyText};
use postroad_smtp::server::{Config, Event, Server};
use postroad_smtp::{Domain, Session, Step};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What one connection remembers of its transaction.
#[derive(Default)]
struct Application {
    recipients: Vec<String>,
    message: Vec<u8>,
}

impl Application {
    /// Every token is answered at once here. A server with a database keeps it until the database has answered.
    fn decide(&mut self, server: &mut Server, event: Event) {
        match event {
            Event::Hello(hello) => hello.accept(server),
            Event::Mail(mail) => {
                self.recipients.clear();
                mail.accept(server);
            }
            Event::Rcpt(rcpt) => match rcpt.forward_path().mailbox() {
                Some(mailbox) if mailbox.domain().as_str().eq_ignore_ascii_case("localhost") => {
                    self.recipients.push(mailbox.to_string());
                    rcpt.accept(server);
                }
                _ => rcpt.reject(server, Rejection::relay_denied()),
            },
            Event::Data(data) => {
                self.message.clear();
                data.accept(server);
            }
            // A real server writes these to disk as they come.
            Event::Body(octets) => self.message.extend_from_slice(&octets),
            Event::DataEnd(end) => {
                println!("for {}:\n{}", self.recipients.join(", "), String::from_utf8_lossy(&self.message));
                end.accept(server, ReplyText::new("printed"));
            }
            Event::BodyAborted(reason) => println!("a message was refused: {reason}"),
            _ => {} // nothing else is offered; a token that is dropped is a temporary failure
        }
    }
}

fn serve(mut stream: TcpStream, config: Arc<Config>) -> io::Result<()> {
    let mut server = Server::new(config, Instant::now());
    let mut application = Application::default();
    let mut input = BytesMut::new();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let step = server.poll_event(Instant::now(), &mut input);
        // Before anything else is done with `step`: after an error too, for the farewell is in there.
        while let Some(octets) = server.poll_transmit() {
            stream.write_all(&octets)?;
        }
        match step {
            Ok(Step::Event(event)) => application.decide(&mut server, event),
            Ok(Step::NeedInput) => {
                let deadline = server.poll_timeout().map(|at| at.saturating_duration_since(Instant::now()));
                stream.set_read_timeout(deadline.map(|time| time.max(Duration::from_millis(1))))?;
                match stream.read(&mut buffer) {
                    Ok(0) => server.handle_eof(),
                    Ok(octets) => input.extend_from_slice(&buffer[..octets]),
                    Err(error)
                        if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) =>
                    {
                        server.handle_timeout(Instant::now());
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            // All tokens are answered, so it waited for its output alone, and that is written.
            Ok(Step::Paused) => {}
            Ok(Step::Closed) => return Ok(()),
            Err(error) => return Err(io::Error::other(error)),
        }
    }
}

fn main() -> io::Result<()> {
    let hostname = Domain::parse("localhost").map_err(io::Error::other)?;
    let config = Arc::new(Config::new(hostname));
    let listener = TcpListener::bind("127.0.0.1:2525")?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        let (stream, config) = (stream?, config.clone());
        stream.set_write_timeout(Some(Duration::from_secs(300)))?; // a peer that never reads
        std::thread::spawn(move || {
            if let Err(error) = serve(stream, config) {
                println!("connection ended: {error}");
            }
        });
    }
    Ok(())
}
