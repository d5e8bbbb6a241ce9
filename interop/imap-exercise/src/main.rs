//! Lists, appends, fetches, idles and reads many flags on an IMAP server, and says how much memory that took.
//!
//! `imap-exercise HOST:PORT USER MAILBOX MANY`, with the password in `MAIL_PASSWORD`. A message of 64 MiB is appended to MAILBOX, read back
//! and compared; then it prints `idling` and waits for another message to be delivered there. MANY is a mailbox with many messages,
//! whose flags are read.

use postroad_imap::command::{CommandBody, FetchItem};
use postroad_imap::types::{
    AppendOptions, DateTime, Flag, ListPattern, MailboxName, Section, SequenceSet, StatusItem,
};
use postroad_tokio::imap::{Client, ClientOptions, Fetched, News, SectionEnd};
use postroad_tokio::{MaybeTls, TlsPolicy};
use std::error::Error;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

type Fault = Box<dyn Error>;

const SIZE: u64 = 64 << 20;
const LINE: usize = 64;
const HEAD: &[u8] = b"Subject: A large one\r\nX-To-Fill-The-First-Line-Of-The-Message: x\r\n\r\n";
/// How long another connection may take to deliver something.
const PATIENCE: Duration = Duration::from_secs(60);

/// The octet at a place of the message: a header, then numbered lines.
fn octet(at: u64) -> u8 {
    let index = usize::try_from(at).unwrap_or(usize::MAX);
    if let Some(octet) = HEAD.get(index) {
        return *octet;
    }
    let at = at - HEAD.len() as u64;
    match at % LINE as u64 {
        62 => b'\r',
        63 => b'\n',
        column => b'a' + u8::try_from((at / LINE as u64 * 7 + column) % 26).unwrap_or(0),
    }
}

fn size() -> u64 {
    HEAD.len() as u64 + (SIZE - HEAD.len() as u64) / LINE as u64 * LINE as u64
}

/// The message, made as it is read.
struct Source(u64);

impl AsyncRead for Source {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        while buffer.remaining() > 0 && self.0 < size() {
            buffer.put_slice(&[octet(self.0)]);
            self.0 += 1;
        }
        Poll::Ready(Ok(()))
    }
}

/// Compares what is written with the message.
struct Compare(u64);

impl AsyncWrite for Compare {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        for octet_there in octets {
            if *octet_there != octet(self.0) {
                return Poll::Ready(Err(std::io::Error::other(format!("octet {} differs", self.0))));
            }
            self.0 += 1;
        }
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The most memory that this process had, where the system says so.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "unknown".to_owned(), |line| line.trim().to_owned())
}

async fn every_command(client: &mut Client<TcpStream>) -> Result<(), Fault> {
    let (one, other) = (MailboxName::new("하나/둘")?, MailboxName::new("셋")?);
    client.namespace().await?;
    client.create(&one).await?;
    client.subscribe(&one).await?;
    let subscribed = client.lsub(ListPattern::new("*")?).await?;
    if !subscribed.iter().any(|list| list.mailbox == one) {
        return Err("the subscription is not there".into());
    }
    let options = AppendOptions { flags: vec![Flag::Seen], date: DateTime::from_unix(1_795_000_000, 0) };
    let message = b"Subject: small\r\nFrom: Alice <alice@crepes.fr>\r\n\r\nDo you like ketchup?\r\n";
    client.append(&one, options, message.len() as u64, &message[..]).await?;
    let status = client.status(&one, vec![StatusItem::Messages, StatusItem::UidNext]).await?;
    if status.messages != Some(1) {
        return Err("STATUS does not count".into());
    }
    client.rename(&one, &other).await?;
    client.unsubscribe(&one).await?;
    client.select(&other).await?;
    let items = vec![
        FetchItem::Flags,
        FetchItem::Envelope,
        FetchItem::BodyStructure,
        FetchItem::InternalDate,
        FetchItem::Size,
        FetchItem::Section { peek: true, section: Section::default(), partial: None },
    ];
    let mut rows = client.uid_fetch(SequenceSet::all(), items);
    let mut count = 0;
    while let Some(fetched) = rows.next().await {
        match fetched? {
            Fetched::Row(row) => {
                if row.section(&Section::default()).is_none_or(|octets| octets[..] != message[..]) {
                    return Err("the message has changed".into());
                }
                count += 1;
            }
            other => return Err(format!("unexpected: {other:?}").into()),
        }
    }
    drop(rows);
    if count != 1 {
        return Err("no row".into());
    }
    client.command(CommandBody::Check).await?;
    client.close().await?;
    client.delete(&other).await?;
    println!("commands ok");
    Ok(())
}

async fn large(client: &mut Client<TcpStream>, mailbox: &MailboxName) -> Result<(), Fault> {
    let begun = postroad_tokio::now();
    let appended = client.append(mailbox, AppendOptions::default(), size(), Source(0)).await?;
    println!("append {} octets {:.1} s, peak {}", size(), begun.elapsed().as_secs_f64(), peak());
    let selected = client.select(mailbox).await?;
    let uid = appended
        .and_then(|appended| appended.uids.iter().next())
        .or_else(|| selected.uid_next.map(|next| next.saturating_sub(1)));
    let uid = uid.and_then(NonZeroU32::new).ok_or("no UID")?;
    let begun = postroad_tokio::now();
    let mut compare = Compare(0);
    let end = client.uid_fetch_section(uid, Section::default(), &mut compare).await?;
    if end != SectionEnd::Written(size()) {
        return Err(format!("fetched: {end:?}").into());
    }
    println!("fetch {} octets {:.1} s, peak {}", compare.0, begun.elapsed().as_secs_f64(), peak());
    Ok(())
}

async fn idle(client: &mut Client<TcpStream>, mailbox: &MailboxName) -> Result<(), Fault> {
    let before = client.select(mailbox).await?.exists;
    // What is known already is no news.
    client.noop().await?;
    client.news().for_each(drop);
    println!("idling");
    tokio::time::timeout(PATIENCE, async {
        loop {
            if let News::Exists(now) = client.idle().await?
                && now > before
            {
                println!("told of {now}");
                return Ok::<(), Fault>(());
            }
        }
    })
    .await??;
    client.noop().await?;
    Ok(())
}

async fn flags(client: &mut Client<TcpStream>, mailbox: &MailboxName) -> Result<(), Fault> {
    let exists = client.examine(mailbox).await?.exists;
    let begun = postroad_tokio::now();
    let mut rows = client.uid_fetch(SequenceSet::all(), vec![FetchItem::Flags]);
    let (mut count, mut last) = (0_u32, 0);
    while let Some(fetched) = rows.next().await {
        let Fetched::Row(row) = fetched? else { return Err("something else than a row".into()) };
        let uid = row.uid().ok_or("a row without a UID")?;
        if uid <= last || row.flags().is_none() {
            return Err(format!("UID {uid} after {last}, or no flags").into());
        }
        last = uid;
        count += 1;
    }
    if count != exists {
        return Err(format!("{count} rows of {exists}").into());
    }
    println!("flags {count} rows {:.2} s, peak {}", begun.elapsed().as_secs_f64(), peak());
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Fault> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, user, mailbox, many] = arguments.as_slice() else {
        return Err("usage: imap-exercise HOST:PORT USER MAILBOX MANY".into());
    };
    let (mailbox, many) = (MailboxName::new(mailbox.as_str())?, MailboxName::new(many.as_str())?);
    let password = std::env::var("MAIL_PASSWORD")?;
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut options = ClientOptions { policy: TlsPolicy::None, ..ClientOptions::default() };
    options.config.login_without_tls = true;
    let mut client = Client::open(MaybeTls::Plain(stream), options).await?;
    client.login(user, &password).await?;
    for list in client.list(ListPattern::new("*")?).await? {
        println!("list {}", list.mailbox);
    }
    every_command(&mut client).await?;
    large(&mut client, &mailbox).await?;
    idle(&mut client, &mailbox).await?;
    flags(&mut client, &many).await?;
    client.logout().await?;
    println!("done");
    Ok(())
}
