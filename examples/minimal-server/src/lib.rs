//! A mail server in memory: SMTP in, POP3 and IMAP out. It is here to be read: see the picture in `README.md`.

mod imap;
mod pop3;
mod smtp;
mod store;

use postroad_core::Domain;
use postroad_tokio::{MaybeTls, ServeOptions, Shutdown};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// Of each protocol. A connection may make us hold a command, a message and some output: so their sum is bounded.
const MAX_CONNECTIONS: usize = 100;
/// The most octets of a message.
const MAX_MESSAGE: u64 = 1 << 20;

/// Serves mail to `accounts`, name and password, at `domain`, on listeners for SMTP, POP3 and IMAP, for ever.
pub async fn run(
    [smtp, pop3, imap]: [TcpListener; 3],
    domain: Domain,
    accounts: &[(&'static str, &'static str)],
    shutdown: Shutdown,
) {
    let mut smtp_config = postroad_smtp::server::Config::new(domain.clone());
    smtp_config.max_message_size = MAX_MESSAGE;
    let mut pop3_config = postroad_pop3::server::Config::new(domain.clone());
    let mut imap_config = postroad_imap::server::Config::new();
    imap_config.imap4rev2 = false; // that has BINARY
    // Passwords in the clear, only because this is for loopback. Else leave this, and give the options a certificate.
    (pop3_config.login_without_tls, imap_config.login_without_tls) = (true, true);
    let (smtp_config, pop3_config, imap_config) =
        (Arc::new(smtp_config), Arc::new(pop3_config), Arc::new(imap_config));

    let inboxes = accounts.iter().map(|(name, password)| (*name, store::Inbox::new(password)));
    let inboxes: &store::Inboxes = &Arc::new(inboxes.collect());
    let options = &ServeOptions { shutdown, ..ServeOptions::default() };
    // Each connection has a handler for itself, for what is learned of its client.
    tokio::join!(
        listen(smtp, |stream| {
            let (inboxes, domain, recipients) = (inboxes.clone(), domain.clone(), Vec::new());
            let mut handler = smtp::Intake { inboxes, domain, recipients };
            let (config, options) = (smtp_config.clone(), options.clone());
            async move {
                let served = postroad_tokio::smtp::serve(stream, config, &mut handler, options);
                served.await.map(drop).map_err(io::Error::other)
            }
        }),
        listen(pop3, |stream| {
            let mut handler = pop3::Office(inboxes.clone());
            let (config, options) = (pop3_config.clone(), options.clone());
            async move {
                let served = postroad_tokio::pop3::serve(stream, config, &mut handler, options);
                served.await.map_err(io::Error::other)
            }
        }),
        listen(imap, |stream| {
            let handler = imap::Desk(inboxes.clone());
            let (config, options) = (imap_config.clone(), options.clone());
            async move {
                let served = postroad_tokio::imap::serve(stream, config, &handler, options);
                served.await.map_err(io::Error::other)
            }
        })
    );
}

/// Takes connections, each in a task of its own.
async fn listen<F>(listener: TcpListener, serve: impl Fn(MaybeTls<TcpStream>) -> F)
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    // The next client waits in the listener's queue until another has gone.
    while let Ok(slot) = slots.clone().acquire_owned().await {
        let Ok((stream, peer)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await; // too many open files, say: it passes
            continue;
        };
        let _ = stream.set_nodelay(true); // what is written is whole
        let served = serve(MaybeTls::Plain(stream));
        tokio::spawn(async move {
            if let Err(error) = served.await {
                eprintln!("{peer}: {error}"); // of this connection, and of no other
            }
            drop(slot);
        });
    }
}
