//! A client over a blocking socket: it sends one message, and says what became of it for each recipient.
//!
//! `cargo run -p postroad-smtp --example smtp-embed`, and in another terminal
//! `cargo run -p postroad-smtp --example smtp-client -- 127.0.0.1:2525 alice@crepes.fr bob@localhost < message.eml`
#![allow(
    clippy::disallowed_methods,
    reason = "somebody has to read the clock: the program, never the session"
)]

use bytes::{Bytes, BytesMut};
use postroad_smtp::client::{
    Client, Config, Delivery, Envelope, Event, Opening, OpeningProgress, Outcome, Progress, TlsPolicy,
    Transaction,
};
use postroad_smtp::command::Command;
use postroad_smtp::types::{ClientName, ForwardPath, ReversePath};
use postroad_smtp::{Session, Step};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A session and its socket.
struct Connection {
    stream: TcpStream,
    session: Client,
    input: BytesMut,
}

impl Connection {
    /// The next event; `None` when the session is over.
    fn next(&mut self) -> io::Result<Option<Event>> {
        let mut buffer = [0; 4096];
        loop {
            let step = self.session.poll_event(Instant::now(), &mut self.input);
            self.flush()?;
            match step.map_err(io::Error::other)? {
                Step::Event(event) => return Ok(Some(event)),
                Step::Closed => return Ok(None),
                Step::NeedInput | Step::Paused => {}
            }
            let deadline = self.session.poll_timeout().map(|at| at.saturating_duration_since(Instant::now()));
            self.stream.set_read_timeout(deadline.map(|time| time.max(Duration::from_millis(1))))?;
            match self.stream.read(&mut buffer) {
                Ok(0) => self.session.handle_eof(),
                Ok(octets) => self.input.extend_from_slice(&buffer[..octets]),
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    self.session.handle_timeout(Instant::now());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        while let Some(octets) = self.session.poll_transmit() {
            self.stream.write_all(&octets)?;
        }
        Ok(())
    }

    /// Greeting and EHLO; STARTTLS and AUTH too, if asked for.
    fn open(&mut self, mut opening: Opening) -> io::Result<()> {
        while let Some(event) = self.next()? {
            match opening.handle(&mut self.session, &event) {
                OpeningProgress::Opened(_) => return Ok(()),
                OpeningProgress::Failed(failure) => return Err(io::Error::other(failure)),
                _ => {}
            }
        }
        Err(io::ErrorKind::ConnectionAborted.into())
    }

    fn send(&mut self, envelope: Envelope, message: &mut impl Read) -> io::Result<Outcome> {
        let mut transaction = Transaction::new(envelope);
        transaction.start(&mut self.session).map_err(io::Error::other)?;
        while let Some(event) = self.next()? {
            match transaction.handle(&mut self.session, &event) {
                Progress::Working => {}
                Progress::SendBody => self.send_body(message)?,
                Progress::Done(outcome) => return Ok(outcome),
            }
        }
        Ok(transaction.connection_lost())
    }

    /// A server may answer before it has all; this client sees that once it has sent all. `postroad-tokio` looks at once.
    fn send_body(&mut self, message: &mut impl Read) -> io::Result<()> {
        let mut block = vec![0; 64 * 1024];
        loop {
            let octets = message.read(&mut block)?;
            if octets == 0 {
                break;
            }
            // What was pushed before is written, so there is room.
            if self.session.push_body(Bytes::copy_from_slice(&block[..octets])).is_err() {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.flush()?;
        }
        self.session.finish_body();
        Ok(())
    }
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, from, to @ ..] = &arguments[..] else {
        return Err(io::Error::other("usage: smtp-client ADDRESS FROM TO… < MESSAGE"));
    };
    let recipients: Result<Vec<ForwardPath>, _> =
        to.iter().map(|to| ForwardPath::parse(format!("<{to}>"))).collect();
    let reverse_path = ReversePath::parse(format!("<{from}>")).map_err(io::Error::other)?;
    let envelope = Envelope::new(reverse_path, recipients.map_err(io::Error::other)?);

    let stream = TcpStream::connect(address)?;
    stream.set_write_timeout(Some(Duration::from_secs(300)))?; // a peer that never reads
    let session = Client::new(Arc::new(Config::default()), Instant::now());
    let mut connection = Connection { stream, session, input: BytesMut::new() };
    let name = ClientName::parse("localhost").map_err(io::Error::other)?;
    connection.open(Opening::new(name, TlsPolicy::None))?;

    let outcome = connection.send(envelope, &mut io::stdin().lock())?;
    for (recipient, delivery) in outcome.deliveries() {
        match delivery {
            Delivery::Delivered(reply) => println!("{recipient}: {reply}"),
            Delivery::Failed { reply, permanent } => {
                println!("{recipient}: {reply} ({})", if permanent { "for good" } else { "try again later" });
            }
            Delivery::Unknown => println!("{recipient}: unknown; the connection was lost"),
        }
    }
    if connection.session.send(Command::Quit).is_ok() {
        while connection.next()?.is_some() {}
    }
    Ok(())
}
