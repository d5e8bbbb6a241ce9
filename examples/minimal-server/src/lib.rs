//! A mail server in memory: SMTP in, POP3 and IMAP out. It is here to be read.
//!
//! ```text
//!            SMTP                  POP3            IMAP
//!     Intake (smtp.rs)    Office (pop3.rs)    Desk (imap.rs)     what is decided: three traits `Handler`
//!              \                 |              /    \
//!               +------ Store (store.rs) ------+    Letter (fetch.rs)
//! ```
//!
//! All else is done by `postroad_tokio`'s three functions `serve`: what is said when, dots, literals, deadlines, limits, clients that do not read.
//! What is left out of here, and what `examples/mail-server` has: a disk, TLS, passwords that are kept as hashes, sending, folders.
#![allow(missing_docs, reason = "it is a program; the library is for its tests")]
#![allow(missing_debug_implementations, reason = "nobody prints these")]

pub mod fetch;
pub mod imap;
pub mod pop3;
pub mod smtp;
pub mod store;

use postroad_core::Domain;
use postroad_tokio::{MaybeTls, ServeOptions, Shutdown};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use store::Store;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// Each connection may make us hold a command and some output: so many, and their sum is bounded.
const MAX_CONNECTIONS: usize = 200;
/// The largest message.
const MAX_MESSAGE: u64 = 10 << 20;

/// The three configurations, made once, and the store.
pub struct Server {
    store: Arc<Store>,
    smtp: Arc<postroad_smtp::server::Config>,
    pop3: Arc<postroad_pop3::server::Config>,
    imap: Arc<postroad_imap::server::Config>,
    connections: Arc<Semaphore>,
}

#[derive(Clone, Copy)]
pub enum Protocol {
    Smtp,
    Pop3,
    Imap,
}

impl Server {
    /// For mail to these accounts, name and password, at `domain`.
    pub fn new(domain: &Domain, accounts: &[(&'static str, &'static str)]) -> Arc<Self> {
        let mut smtp = postroad_smtp::server::Config::new(domain.clone());
        smtp.max_message_size = MAX_MESSAGE;
        // Passwords in the clear: only because this listens on loopback. Else give `ServeOptions` a certificate.
        let mut pop3 = postroad_pop3::server::Config::new(domain.clone());
        pop3.login_without_tls = true;
        let mut imap = postroad_imap::server::Config::new();
        imap.login_without_tls = true;
        imap.max_append = MAX_MESSAGE;
        imap.imap4rev2 = false; // it needs BINARY
        Arc::new(Self {
            store: Arc::new(Store::new(accounts)),
            smtp: smtp.into(),
            pop3: pop3.into(),
            imap: imap.into(),
            connections: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
        })
    }

    /// Takes connections, each in a task of its own, for ever.
    pub async fn listen(self: Arc<Self>, protocol: Protocol, listener: TcpListener, shutdown: Shutdown) {
        loop {
            // The next one waits in the listener's queue until another has gone.
            let Ok(slot) = self.connections.clone().acquire_owned().await else { return };
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    eprintln!("accept: {error}"); // too many open files, say: it passes
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let (server, shutdown) = (self.clone(), shutdown.clone());
            tokio::spawn(async move {
                if let Err(error) = server.serve(protocol, stream, shutdown).await {
                    eprintln!("{error}"); // of this connection, and of no other
                }
                drop(slot);
            });
        }
    }

    /// One connection, from its greeting to its end. A handler for each: what it learns of the client is its own.
    async fn serve(&self, protocol: Protocol, stream: TcpStream, shutdown: Shutdown) -> io::Result<()> {
        stream.set_nodelay(true)?; // what is written is whole
        let peer = stream.peer_addr()?.ip();
        let store = self.store.clone();
        let options = ServeOptions { shutdown, ..ServeOptions::default() };
        let stream = MaybeTls::Plain(stream);
        match protocol {
            Protocol::Smtp => {
                let mut intake = smtp::Intake::new(store, self.smtp.hostname.clone(), peer);
                let served =
                    postroad_tokio::smtp::serve(stream, self.smtp.clone(), &mut intake, options).await;
                served.map(drop).map_err(io::Error::other)
            }
            Protocol::Pop3 => {
                let mut office = pop3::Office { store };
                let served =
                    postroad_tokio::pop3::serve(stream, self.pop3.clone(), &mut office, options).await;
                served.map_err(io::Error::other)
            }
            Protocol::Imap => {
                let desk = imap::Desk { store };
                let served = postroad_tokio::imap::serve(stream, self.imap.clone(), &desk, options).await;
                served.map_err(io::Error::other)
            }
        }
    }
}
