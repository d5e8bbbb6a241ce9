//! Reading mail where it lies, by IMAP.

use crate::{Login, Result, connect};
use postroad_imap::command::{FetchItem, SearchKey, SearchKeys, StoreOperation};
use postroad_imap::types::{Flag, MailboxName, Section, SequenceSet};
use postroad_message::Message;
use postroad_tokio::imap::{Client, ClientOptions, Fetched, Mailbox, TlsPolicy};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use tokio::net::TcpStream;

/// A line of a list of messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// By which the server knows it, in this session and in all others.
    pub uid: u32,
    /// Its size in octets.
    pub octets: u64,
    /// Who wrote it, and about what: decoded.
    pub from: String,
    /// As above.
    pub subject: String,
}

/// Logs in and opens INBOX.
pub(crate) async fn open(server: SocketAddr, login: Login<'_>) -> Result<(Client<TcpStream>, Mailbox)> {
    let mut options = ClientOptions { policy: TlsPolicy::None, ..ClientOptions::default() };
    options.config.login_without_tls = true;
    let mut client = Client::open(connect(server).await?, options).await?;
    client.login(login.user, login.password).await?;
    let inbox = client.select(&MailboxName::inbox()).await?;
    Ok((client, inbox))
}

/// Gives a list of what is not seen yet, and the newest of it as a whole, which then is seen.
pub async fn read(server: SocketAddr, login: Login<'_>) -> Result<(Vec<Listed>, Vec<u8>)> {
    let (mut client, _) = open(server, login).await?;
    let unseen = client.uid_search(SearchKeys::single(SearchKey::Unseen)?).await?;
    // A set of messages is never empty: then there is nothing to ask for.
    let list = match SequenceSet::try_from(&unseen) {
        Ok(unseen) => list(&mut client, unseen).await?,
        Err(_) => Vec::new(),
    };
    let mut message = Vec::new(); // anything that is AsyncWrite
    if let Some(newest) = list.last().and_then(|listed| NonZeroU32::new(listed.uid)) {
        client.uid_fetch_section(newest, Section::parse("")?, &mut message).await?;
        client.uid_store(SequenceSet::single(newest), StoreOperation::Add, vec![Flag::Seen]).await?;
    }
    client.logout().await?;
    Ok((list, message))
}

/// A line for each message. It costs a few octets of each, however large they are: the server picks out what is asked for.
pub(crate) async fn list(client: &mut Client<TcpStream>, uids: SequenceSet) -> Result<Vec<Listed>> {
    let fields = Section::parse("HEADER.FIELDS (FROM SUBJECT)")?;
    let header = FetchItem::Section { peek: true, section: fields.clone(), partial: None };
    let mut list = Vec::new();
    let mut rows = client.uid_fetch(uids, vec![FetchItem::Size, header]);
    while let Some(fetched) = rows.next().await {
        // A row without these tells the flags that another client has set meanwhile.
        let Fetched::Row(row) = fetched? else { continue };
        if let (Some(uid), Some(octets), Some(header)) = (row.uid(), row.size(), row.section(&fields)) {
            let header = Message::parse(&header);
            let from = header.from().mailboxes().next().map(ToString::to_string).unwrap_or_default();
            let subject = header.subject().map(|subject| subject.to_string()).unwrap_or_default();
            list.push(Listed { uid, octets, from, subject });
        }
    }
    Ok(list)
}
