//! An SMTP server that accepts every message and throws it away: many connections, one thread, no async runtime.
//!
//! Copy it to begin a server of your own: [`answer`] is the application, the rest carries octets. What a real server still needs is named
//! where it is missing.
#![forbid(unsafe_code)]

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, ToSocketAddrs as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf as _, Bytes, BytesMut};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use postroad_core::{Domain, Session as _, Step};
use postroad_smtp::reply::ReplyText;
use postroad_smtp::server::{Config, Event, Server};

/// So much is read at once. A connection that has more to say waits until the others had their turn.
const BLOCK: usize = 64 * 1024;
/// Deadlines are looked at this often; they are minutes long.
const SWEEP: Duration = Duration::from_secs(1);
/// A client that takes none of its replies for so long is let go. The session cannot know; it times what it waits for itself.
const STALL: Duration = Duration::from_secs(5 * 60);
const LISTENER: Token = Token(0);

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), None) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: smtp-sink ADDRESS        such as 127.0.0.1:2525; port 0 is a free one");
        return ExitCode::from(2);
    };
    // It never ends but by an error.
    let Err(error) = serve(&address);
    eprintln!("smtp-sink: {address}: {error}");
    ExitCode::FAILURE
}

/// The application: what happens is answered at once. A token may also be kept and answered later; until then the session is paused.
fn answer(event: Event, server: &mut Server) {
    match event {
        Event::Hello(hello) => hello.accept(server),
        Event::Mail(mail) => mail.accept(server),
        Event::Rcpt(rcpt) => rcpt.accept(server), // a real server refuses strangers here, by `rcpt.reject`
        Event::Data(data) => data.accept(server),
        Event::Body(_octets) => {} // a real server writes them to a file
        Event::DataEnd(end) => end.accept(server, ReplyText::new("Discarded")), // and has them on disk before it says this
        // Told, not asked: a message was cut short, or RSET. And nothing else can be asked, for `Config` offers no more.
        _ => {}
    }
}

struct Connection {
    stream: TcpStream,
    session: Server,
    /// What was read and the session has not taken.
    input: BytesMut,
    /// What the session said and the socket has not taken.
    output: Bytes,
    /// Since when the socket takes nothing.
    stalled: Option<Instant>,
}

/// What a turn of a connection ended with.
enum Turn {
    /// Nothing more can be done until the socket is ready, or the deadline passes.
    Wait,
    /// There may be more to read.
    Again,
    Over,
}

impl Connection {
    /// The contract of every session: poll events until there is none, write what it says, then read, unless it said not to.
    fn turn(&mut self, block: &mut [u8], now: Instant) -> io::Result<Turn> {
        let step = loop {
            match self.session.poll_event(now, &mut self.input) {
                Ok(Step::Event(event)) => answer(event, &mut self.session),
                Ok(step) => break step,
                Err(_) => {} // a real server logs it; the farewell is in the output, and the next step is `Closed`
            }
        };
        // Written before it is read: a client that never reads gets no further than the session's high-water mark.
        loop {
            if self.output.is_empty() {
                match self.session.poll_transmit() {
                    Some(octets) => self.output = octets,
                    None => break,
                }
            }
            match self.stream.write(&self.output) {
                Ok(written) => {
                    self.output.advance(written);
                    self.stalled = None;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.stalled.get_or_insert(now);
                    // Reading does not wait for writing, nor the other way round.
                    return if matches!(step, Step::NeedInput) { self.read(block) } else { Ok(Turn::Wait) };
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        match step {
            Step::NeedInput => self.read(block),
            Step::Closed => {
                // A real server reads on for a moment after a farewell, lest the socket take it back with unread octets.
                self.stream.shutdown(Shutdown::Write)?;
                Ok(Turn::Over)
            }
            // It waited for its output to drain, and it has.
            Step::Paused | Step::Event(_) => Ok(Turn::Again),
        }
    }

    fn read(&mut self, block: &mut [u8]) -> io::Result<Turn> {
        match self.stream.read(block) {
            Ok(0) => self.session.handle_eof(),
            Ok(length) => self.input.extend_from_slice(&block[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if self.input.is_empty() {
                    self.input = BytesMut::new(); // an idle connection holds no buffer
                }
                return Ok(Turn::Wait);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(Turn::Again)
    }
}

fn serve(address: &str) -> io::Result<Infallible> {
    let address = address.to_socket_addrs()?.next().ok_or(ErrorKind::AddrNotAvailable)?;
    let mut listener = TcpListener::bind(address)?;
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let hostname = Domain::parse("smtp-sink.localhost").map_err(io::Error::other)?;
    let config = Arc::new(Config::new(hostname)); // one for all connections
    writeln!(io::stdout(), "listening smtp {}", listener.local_addr()?)?;

    let mut connections: HashMap<Token, Connection> = HashMap::new();
    let mut ready: HashSet<Token> = HashSet::new(); // those to be given a turn
    let mut last_token = LISTENER;
    let mut events = Events::with_capacity(1024);
    let mut block = vec![0; BLOCK];
    let mut next_sweep = Instant::now() + SWEEP;
    loop {
        match poll.poll(&mut events, Some(if ready.is_empty() { SWEEP } else { Duration::ZERO })) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            _ => ready.extend(events.iter().map(mio::event::Event::token)),
        }
        let now = Instant::now(); // sessions read no clock; one look serves them all
        if now >= next_sweep {
            next_sweep = now + SWEEP;
            ready.insert(LISTENER); // who could not be accepted, for want of file descriptors, is tried again
            connections.retain(|_, connection| connection.stalled.is_none_or(|since| now < since + STALL));
            for (token, connection) in &mut connections {
                if connection.session.poll_timeout().is_some_and(|at| at <= now) {
                    connection.session.handle_timeout(now);
                    ready.insert(*token);
                }
            }
        }
        // A real server has limits here, in all and for each address.
        while ready.contains(&LISTENER) {
            let Ok((mut stream, _peer)) = listener.accept() else { break };
            last_token.0 += 1;
            poll.registry().register(&mut stream, last_token, Interest::READABLE | Interest::WRITABLE)?;
            let session = Server::new(config.clone(), now);
            let (input, output) = (BytesMut::new(), Bytes::new());
            connections.insert(last_token, Connection { stream, session, input, output, stalled: None });
            ready.insert(last_token);
        }
        // A turn each, so that nobody waits for somebody who always has more to say.
        ready.retain(|token| {
            let Some(connection) = connections.get_mut(token) else { return false };
            match connection.turn(&mut block, now) {
                Ok(Turn::Wait) => false,
                Ok(Turn::Again) => true,
                Ok(Turn::Over) | Err(_) => {
                    connections.remove(token); // which closes the socket
                    false
                }
            }
        });
    }
}
