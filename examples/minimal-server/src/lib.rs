//! A mail server in memory: SMTP in, POP3 and IMAP out. It is here to be read.
//!
//! ```text
//!     Intake (smtp.rs)    Office (pop3.rs)    Desk (imap.rs)      what is decided: three traits `Handler`
//!              \                 |              /
//!               +------ Store (store.rs) ------+                  messages with UIDs, and who is told of them
//! ```
//!
//! All else is done by the three functions `serve` of `postroad_tokio`: what is said when, dots, literals, deadlines, limits, clients that do not
//! read. What is left out, and what `examples/mail-server` has: a disk, TLS, hashes of passwords, sending, folders.
#![allow(missing_docs, missing_debug_implementations, reason = "a program; it is a library for its tests")]

pub mod imap;
pub mod pop3;
pub mod smtp;
pub mod store;

use postroad_core::Domain;
use postroad_smtp::types::ReversePath;
use postroad_tokio::{MaybeTls, ServeOptions, Shutdown};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use store::{MAX_OCTETS, Store};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// Of each listener. A connection may make us hold a command and some output: so the sum is bounded.
const MAX_CONNECTIONS: usize = 100;

/// Serves mail to `accounts`, name and password, at `domain`, on listeners for SMTP, POP3 and IMAP.
pub async fn run(
    [smtp, pop3, imap]: [TcpListener; 3],
    domain: Domain,
    accounts: &[(&'static str, &'static str)],
    shutdown: Shutdown,
) {
    let store = &Store::new(accounts);
    let options = &|| ServeOptions { shutdown: shutdown.clone(), ..ServeOptions::default() };

    let mut config = postroad_smtp::server::Config::new(domain.clone());
    config.max_message_size = MAX_OCTETS;
    let smtp_config = Arc::new(config);
    // Passwords in the clear, only because this is for loopback. Else leave this, and give the options a certificate.
    let mut config = postroad_pop3::server::Config::new(domain.clone());
    config.login_without_tls = true;
    let pop3_config = Arc::new(config);
    let mut config = postroad_imap::server::Config::new();
    config.login_without_tls = true;
    config.max_append = MAX_OCTETS;
    config.imap4rev2 = false; // that has BINARY
    let imap_config = Arc::new(config);

    // A handler for each connection: what is learned of a client is the connection's own.
    let smtp = listen(smtp, |stream| {
        let (store, domain, config, options) =
            (store.clone(), domain.clone(), smtp_config.clone(), options());
        async move {
            let (peer, sender) = (stream.peer_addr()?.ip(), ReversePath::Null);
            let mut handler = smtp::Intake { store, domain, peer, sender, recipients: Vec::new() };
            let served = postroad_tokio::smtp::serve(MaybeTls::Plain(stream), config, &mut handler, options);
            served.await.map(drop).map_err(io::Error::other)
        }
    });
    let pop3 = listen(pop3, |stream| {
        let (mut handler, config, options) =
            (pop3::Office { store: store.clone() }, pop3_config.clone(), options());
        async move {
            let served = postroad_tokio::pop3::serve(MaybeTls::Plain(stream), config, &mut handler, options);
            served.await.map_err(io::Error::other)
        }
    });
    let imap = listen(imap, |stream| {
        let (handler, config, options) =
            (imap::Desk { store: store.clone() }, imap_config.clone(), options());
        async move {
            let served = postroad_tokio::imap::serve(MaybeTls::Plain(stream), config, &handler, options);
            served.await.map_err(io::Error::other)
        }
    });
    tokio::join!(smtp, pop3, imap);
}

/// Takes connections for ever, each in a task of its own.
async fn listen<F>(listener: TcpListener, serve: impl Fn(TcpStream) -> F)
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    // The next client waits in the listener's queue until another has gone.
    while let Ok(slot) = slots.clone().acquire_owned().await {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let _ = stream.set_nodelay(true); // what is written here is whole
                let served = serve(stream);
                tokio::spawn(async move {
                    if let Err(error) = served.await {
                        eprintln!("{peer}: {error}"); // of this connection, and of no other
                    }
                    drop(slot);
                });
            }
            Err(error) => {
                eprintln!("{error}"); // too many open files, say: it passes
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}
