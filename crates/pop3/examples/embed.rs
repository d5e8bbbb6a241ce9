//! A POP3 server on `std::net`: one thread for each connection, no async runtime.
//!
//! It serves the files `*.eml` of a directory, each a message, to who says `USER demo`, `PASS demo`:
//!
//! ```text
//! cargo run -p postroad-pop3 --example pop3-embed -- 127.0.0.1:2110 DIRECTORY
//! ```
#![allow(clippy::disallowed_methods, reason = "this is the program that tells the session the time")]

use bytes::{Bytes, BytesMut};
use postroad_pop3::response::Rejection;
use postroad_pop3::server::{Body, Config, Event, Login, Pushed, Server};
use postroad_pop3::types::{Maildrop, UniqueId};
use postroad_pop3::{Domain, Full, Session, Step};
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

/// The directory; who holds the lock has the maildrop for itself (RFC 1939 section 4).
type Store = Mutex<PathBuf>;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(directory)) = (arguments.next(), arguments.next()) else {
        return Err("usage: pop3-embed ADDRESS:PORT DIRECTORY".into());
    };
    let mut config = Config::new(Domain::parse("localhost")?);
    config.login_without_tls = true; // for a demonstration on one's own machine
    let config = Arc::new(config);
    let store = Arc::new(Mutex::new(PathBuf::from(directory)));
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        let (stream, config, store) = (stream?, Arc::clone(&config), Arc::clone(&store));
        thread::spawn(move || {
            if let Err(error) = serve(stream, config, &store) {
                eprintln!("{error}");
            }
        });
    }
    Ok(())
}

fn serve(mut stream: TcpStream, config: Arc<Config>, store: &Store) -> Result<(), Box<dyn Error>> {
    stream.set_write_timeout(Some(Duration::from_secs(300)))?;
    let mut session = Server::new(config);
    let mut input = BytesMut::new();
    let mut mailbox = Mailbox { store, open: None, sending: None };
    loop {
        let step = session.poll_event(Instant::now(), &mut input);
        // Also after an error: the farewell is in there.
        while let Some(octets) = session.poll_transmit() {
            stream.write_all(&octets)?;
        }
        match step? {
            Step::Event(event) => mailbox.answer(&mut session, event)?,
            Step::Closed => return Ok(()),
            // There is room now: go on with the message, or let the session go on.
            Step::Paused => mailbox.send(&mut session)?,
            Step::NeedInput => read(&mut stream, &mut session, &mut input)?,
        }
    }
}

/// Waits for octets, but not beyond the session's deadline.
fn read(stream: &mut TcpStream, session: &mut Server, input: &mut BytesMut) -> io::Result<()> {
    let wait = session.poll_timeout().map(|at| at.saturating_duration_since(Instant::now()));
    stream.set_read_timeout(wait.map(|wait| wait.max(Duration::from_millis(1))))?;
    let mut octets = [0; 4096];
    match stream.read(&mut octets) {
        Ok(0) => session.handle_eof(),
        Ok(len) => input.extend_from_slice(&octets[..len]),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
            session.handle_timeout(Instant::now());
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

/// What one connection has of the store. When it is dropped, the lock is released.
struct Mailbox<'a> {
    store: &'a Store,
    open: Option<Open<'a>>,
    sending: Option<Sending>,
}

struct Open<'a> {
    _lock: MutexGuard<'a, PathBuf>,
    /// The message with the number n is at n - 1.
    files: Vec<PathBuf>,
}

struct Sending {
    body: Body,
    file: File,
    /// A piece that did not fit.
    rest: Option<Bytes>,
}

impl Mailbox<'_> {
    fn answer(&mut self, session: &mut Server, event: Event) -> io::Result<()> {
        match event {
            Event::Login(login) => self.log_in(session, login),
            Event::Retrieve(retrieve) => {
                let file = self.open.as_ref().and_then(|open| open.files.get(retrieve.number().index()));
                match file.map(File::open) {
                    Some(Ok(file)) => {
                        self.sending = Some(Sending { body: retrieve.accept(session), file, rest: None });
                        self.send(session)?;
                    }
                    _ => retrieve.reject(session, Rejection::temporary()),
                }
            }
            Event::Update(update) => {
                let files = self.open.take().map(|open| open.files).unwrap_or_default();
                let mut marked = update.deleted().iter().filter_map(|number| files.get(number.index()));
                if marked.all(|file| fs::remove_file(file).is_ok()) {
                    update.accept(session);
                } else {
                    update.reject(session);
                }
            }
            Event::Stls(stls) => stls.reject(session, Rejection::permanent()), // it is not offered
            // Nothing is deleted; the lock goes with the connection.
            _ => {}
        }
        Ok(())
    }

    fn log_in(&mut self, session: &mut Server, login: Login) {
        // A real server has hashes of passwords, and compares in constant time.
        if (login.name(), login.password().expose()) != ("demo", "demo") {
            return login.reject(session, Rejection::auth());
        }
        let lock = match self.store.try_lock() {
            Ok(lock) => lock,
            Err(TryLockError::WouldBlock) => return login.reject(session, Rejection::in_use()),
            Err(TryLockError::Poisoned(_)) => return login.reject(session, Rejection::permanent()),
        };
        match list(&lock) {
            Ok((files, maildrop)) => {
                self.open = Some(Open { _lock: lock, files });
                login.accept(session, maildrop);
            }
            Err(error) => {
                eprintln!("{error}");
                login.reject(session, Rejection::temporary());
            }
        }
    }

    /// Goes on with the message that is being sent, until the session has no room.
    fn send(&mut self, session: &mut Server) -> io::Result<()> {
        let Some(mut sending) = self.sending.take() else { return Ok(()) };
        let mut octets = [0; 16_384];
        loop {
            let piece = match sending.rest.take() {
                Some(piece) => piece,
                // An error drops the body, which ends the connection: the client will not take the message for whole.
                None => match sending.file.read(&mut octets)? {
                    0 => break,
                    len => Bytes::copy_from_slice(&octets[..len]),
                },
            };
            match sending.body.push(session, piece) {
                Ok(Pushed::More) => {}
                Ok(Pushed::Enough) => break,
                Err(Full(piece)) => {
                    sending.rest = Some(piece);
                    self.sending = Some(sending);
                    return Ok(());
                }
            }
        }
        sending.body.finish(session);
        Ok(())
    }
}

/// The messages of a directory. Their files must have CRLF line ends, for sizes to be exact; their names are their unique-ids.
fn list(directory: &Path) -> io::Result<(Vec<PathBuf>, Maildrop)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "eml") {
            files.push(path);
        }
    }
    files.sort();
    let mut maildrop = Maildrop::new();
    let mut kept = Vec::new();
    for file in files {
        let name = file.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if let Ok(unique_id) = UniqueId::parse(name) {
            maildrop.push(fs::metadata(&file)?.len(), unique_id);
            kept.push(file);
        }
    }
    Ok((kept, maildrop))
}
