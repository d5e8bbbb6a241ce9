//! `minimal-server [SMTP [POP3 [IMAP]]]`, each an address and a port.

use postroad_core::Domain;
use postroad_tokio::ShutdownHandle;
use std::io;
use std::time::Duration;
use tokio::net::TcpListener;

const ACCOUNTS: [(&str, &str); 2] = [("alice", "ketchup"), ("bob", "pickles")];
const DEFAULTS: [&str; 3] = ["127.0.0.1:2525", "127.0.0.1:2110", "127.0.0.1:2143"];

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let [smtp, pop3, imap] = DEFAULTS.map(|default| arguments.next().unwrap_or_else(|| default.to_owned()));
    let listeners =
        [TcpListener::bind(smtp).await?, TcpListener::bind(pop3).await?, TcpListener::bind(imap).await?];
    let [smtp, pop3, imap] = [&listeners[0], &listeners[1], &listeners[2]].map(TcpListener::local_addr);
    let (smtp, pop3, imap) = (smtp?, pop3?, imap?);
    println!(
        "listening smtp {smtp}\nlistening pop3 {pop3}\nlistening imap {imap}\n
printf 'Subject: hello\\r\\n\\r\\nDo you like ketchup?\\r\\n' | curl smtp://{smtp} --mail-from alice@localhost --mail-rcpt bob@localhost -T -
curl -u bob:pickles pop3://{pop3}/1
curl -u bob:pickles 'imap://{imap}/INBOX;UID=1'\n"
    );
    let shutdown = ShutdownHandle::new();
    let domain = Domain::parse("localhost").map_err(io::Error::other)?;
    tokio::select! {
        () = minimal_server::run(listeners, domain, &ACCOUNTS, shutdown.listen()) => {}
        stopped = tokio::signal::ctrl_c() => stopped?,
    }
    // Each session says goodbye in its protocol's words. Who does not hear it in time is cut off.
    shutdown.shut_down();
    let _ = tokio::time::timeout(Duration::from_secs(5), shutdown.drained()).await;
    Ok(())
}
