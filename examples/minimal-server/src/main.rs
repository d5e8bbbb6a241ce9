//! `minimal-server [SMTP [POP3 [IMAP]]]`, each an address and a port.

use minimal_server::{Protocol, Server};
use postroad_core::Domain;
use postroad_tokio::ShutdownHandle;
use std::io;
use std::time::Duration;
use tokio::net::TcpListener;

const ACCOUNTS: [(&str, &str); 2] = [("alice", "ketchup"), ("bob", "pickles")];

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let server = Server::new(&Domain::parse("localhost").map_err(io::Error::other)?, &ACCOUNTS);
    let shutdown = ShutdownHandle::new();
    let mut arguments = std::env::args().skip(1);
    let mut addresses = Vec::new();
    for (protocol, name, default) in [
        (Protocol::Smtp, "smtp", "127.0.0.1:2525"),
        (Protocol::Pop3, "pop3", "127.0.0.1:2110"),
        (Protocol::Imap, "imap", "127.0.0.1:2143"),
    ] {
        let address = arguments.next().unwrap_or_else(|| default.to_owned());
        let listener = TcpListener::bind(&address)
            .await
            .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))?;
        println!("listening {name} {}", listener.local_addr()?);
        addresses.push(listener.local_addr()?);
        tokio::spawn(server.clone().listen(protocol, listener, shutdown.listen()));
    }
    let (smtp, pop3, imap) = (addresses[0], addresses[1], addresses[2]);
    println!(
        "ready

printf 'Subject: hello\\r\\n\\r\\nDo you like ketchup?\\r\\n' | curl smtp://{smtp} --mail-from alice@localhost --mail-rcpt bob@localhost -T -
curl -u bob:pickles pop3://{pop3}/1
curl -u bob:pickles 'imap://{imap}/INBOX;UID=1'
curl -u bob:pickles imap://{imap}/INBOX -X 'FETCH 1 (FLAGS ENVELOPE)' -v"
    );
    tokio::signal::ctrl_c().await?;
    // Each session says goodbye in its own words; who does not hear it in time is cut off.
    shutdown.shut_down();
    let _ = tokio::time::timeout(Duration::from_secs(5), shutdown.drained()).await;
    Ok(())
}
