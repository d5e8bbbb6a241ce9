//! Waiting for mail, by IMAP: the server says when there is some.

use crate::read::{Listed, list, open};
use crate::{Login, Result};
use postroad_imap::types::SequenceSet;
use postroad_tokio::imap::News;
use std::net::SocketAddr;

/// Waits until a message comes, and lists what is new. `ready` is called once nothing can be missed any more.
///
/// It may be dropped at any time: then the connection is closed, and nothing has happened.
pub async fn wait(server: SocketAddr, login: Login<'_>, ready: impl FnOnce()) -> Result<Vec<Listed>> {
    let (mut client, inbox) = open(server, login).await?;
    let next = inbox.uid_next.ok_or("the server does not say UIDNEXT")?;
    ready();
    loop {
        // In IDLE, which the session renews in time, for hours. Other news are flags that were set, and messages that are gone.
        if !matches!(client.idle().await?, News::Exists(_)) {
            continue;
        }
        let mut new = list(&mut client, SequenceSet::parse(format!("{next}:*"))?).await?;
        new.retain(|listed| listed.uid >= next); // `*` is the last message, also when its UID is smaller
        if !new.is_empty() {
            client.logout().await?;
            return Ok(new);
        }
    }
}
