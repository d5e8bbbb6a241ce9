//! `minimal-server [SMTP [POP3 [IMAP]]]`, each an address and a port.

use postroad_core::Domain;
use postroad_tokio::ShutdownHandle;
use std::io;
use std::time::Duration;
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut listen = async |name, default: &str, rest| {
        let address = arguments.next();
        let listener = TcpListener::bind(address.as_deref().unwrap_or(default)).await?;
        println!("listening {name} {0}\n    curl {name}://{0}/{rest}", listener.local_addr()?);
        io::Result::Ok(listener)
    };
    let listeners = [
        listen("smtp", "127.0.0.1:2525", " --mail-from alice@localhost --mail-rcpt bob@localhost -T FILE")
            .await?,
        listen("pop3", "127.0.0.1:2110", "1 -u bob:pickles").await?,
        listen("imap", "127.0.0.1:2143", "INBOX -u bob:pickles -X 'FETCH 1 (FLAGS ENVELOPE)'").await?,
    ];
    let domain = Domain::parse("localhost").map_err(io::Error::other)?;
    let accounts = [("alice", "ketchup"), ("bob", "pickles")];
    let shutdown = ShutdownHandle::new();
    tokio::select! {
        () = minimal_server::run(listeners, domain, &accounts, shutdown.listen()) => {}
        stopped = tokio::signal::ctrl_c() => stopped?,
    }
    // Each session says goodbye in its protocol's words. Who does not hear it in time is cut off.
    shutdown.shut_down();
    let _ = tokio::time::timeout(Duration::from_secs(5), shutdown.drained()).await;
    Ok(())
}
