//! Taking mail away, by POP3.

use crate::{Login, Result, connect};
use postroad_tokio::pop3::{Client, ClientOptions, TlsPolicy};
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// Gives the messages that are not in `known` yet, and adds their unique-ids to it. With `keep` they stay on the server, and will not be
/// read again; without it they are deleted there, once all have been read.
///
/// A real program writes each message to its disk before it says DELE.
pub async fn take(
    server: SocketAddr,
    login: Login<'_>,
    known: &mut BTreeSet<String>,
    keep: bool,
) -> Result<Vec<Vec<u8>>> {
    let mut options = ClientOptions { policy: TlsPolicy::None, ..ClientOptions::default() };
    options.config.login_without_tls = true;
    let mut client = Client::open(connect(server).await?, options).await?;
    client.login(login.user, login.password).await?;
    let mut messages = Vec::new();
    for row in client.uidl().await? {
        // Message numbers are new in each session; the unique-id is what a client remembers.
        if known.insert(row.unique_id.as_str().to_owned()) {
            let mut message = Vec::new(); // anything that is AsyncWrite: a file, say
            client.retr(row.number, &mut message).await?;
            messages.push(message);
        }
        if !keep {
            client.dele(row.number).await?;
        }
    }
    client.quit().await?; // now, and only now, they are deleted
    Ok(messages)
}
