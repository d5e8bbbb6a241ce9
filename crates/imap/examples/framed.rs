//! The codec alone, in a tokio `Framed`: a server that has one mailbox for each connection, and forgets it.
//!
//! What may run together, log-in, limits on errors, deadlines, STARTTLS: all that a session does is missing here. This is for proxies, scanners
//! and servers that have a session of their own. `cargo run -p postroad-imap --example imap-framed --features tokio-codec`

use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use postroad_imap::codec::CommandPart;
use postroad_imap::command::{Command, CommandBody, Fetch, FetchItem};
use postroad_imap::framed::ServerCodec;
use postroad_imap::response::{Continuation, Response, ResponseCode, RowWriter, Status, StatusResponse};
use postroad_imap::types::{Capabilities, Capability, Tag};
use postroad_imap::view::{Change, MailboxView, Notice, Uids};
use std::collections::BTreeMap;
use std::io;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::codec::Framed;

type Connection = Framed<TcpStream, ServerCodec>;

struct Mailbox {
    /// By UID.
    messages: BTreeMap<u32, Bytes>,
    view: MailboxView,
}

impl Mailbox {
    /// The rows that FETCH asks for.
    async fn fetch(&self, fetch: &Fetch, framed: &mut Connection) -> io::Result<()> {
        let messages = self.view.resolve(&fetch.messages, fetch.uid, &[]).ranges;
        for uid in self.view.told().within(&messages) {
            let (Some(number), Some(message)) = (self.view.told().number(uid), self.messages.get(&uid))
            else {
                continue;
            };
            let mut out = BytesMut::new();
            let mut row = RowWriter::begin(&mut out, number, false);
            row.uid(&mut out, uid);
            for item in &fetch.items {
                match item {
                    FetchItem::Flags => row.flags(&mut out, []),
                    FetchItem::Size => row.size(&mut out, message.len() as u64),
                    // Whatever section it is, it gets the whole; see the feature `message` for the parts.
                    FetchItem::Section { section, .. } => row.section(&mut out, section, None, Some(message)),
                    _ => {}
                }
            }
            row.end(&mut out);
            framed.send(out.freeze()).await?;
        }
        Ok(())
    }
}

async fn serve(stream: TcpStream) -> io::Result<()> {
    let mut framed = Framed::new(stream, ServerCodec::default());
    let mut mailbox = Mailbox { messages: BTreeMap::new(), view: MailboxView::new(Uids::new()) };
    let mut message = BytesMut::new();
    let mut append: Option<Tag> = None;
    framed.send(Response::Status(StatusResponse::untagged(Status::Ok, None, "ready"))).await?;
    while let Some(item) = framed.next().await {
        // The outer result is of the transport, the inner one of the command: a bad command does not end the stream.
        let (tag, status, code) = match item? {
            Err(error) => {
                let answer = match error.tag {
                    Some(tag) => {
                        StatusResponse::tagged(tag, Status::Bad, None, error.error.kind().to_string())
                    }
                    None => StatusResponse::untagged(Status::Bad, None, error.error.kind().to_string()),
                };
                framed.send(Response::Status(answer)).await?;
                continue;
            }
            Ok(CommandPart::Waits) => {
                framed.send(Response::Continuation(Continuation { text: "go on".into() })).await?;
                continue;
            }
            Ok(CommandPart::Append(head)) => {
                message.clear();
                if head.message.len > 1_000_000 {
                    framed.codec_mut().decoder_mut().refuse();
                    (head.tag, Status::No, Some(ResponseCode::TooBig))
                } else {
                    append = Some(head.tag);
                    if head.message.synchronizing {
                        framed.send(Response::Continuation(Continuation { text: "go on".into() })).await?;
                    }
                    continue;
                }
            }
            Ok(CommandPart::Chunk(chunk)) => {
                message.extend_from_slice(&chunk);
                continue;
            }
            Ok(CommandPart::AppendEnd) => {
                let Some(tag) = append.take() else { continue };
                let uid = mailbox.messages.last_key_value().map_or(1, |(last, _)| last + 1);
                mailbox.messages.insert(uid, message.split().freeze());
                mailbox.view.apply(Change::Added(uid));
                (tag, Status::Ok, None)
            }
            Ok(CommandPart::Command(Command { tag, body })) => match body {
                CommandBody::Capability => {
                    let mut capabilities = Capabilities::new();
                    capabilities.insert(Capability::Imap4Rev1);
                    framed.send(Response::Capability(capabilities)).await?;
                    (tag, Status::Ok, None)
                }
                CommandBody::Select(_) => {
                    framed.send(Response::Exists(mailbox.view.told().len())).await?;
                    (tag, Status::Ok, Some(ResponseCode::ReadWrite))
                }
                CommandBody::Fetch(fetch) => {
                    mailbox.fetch(&fetch, &mut framed).await?;
                    (tag, Status::Ok, None)
                }
                CommandBody::Login(_) | CommandBody::Noop => (tag, Status::Ok, None),
                CommandBody::Logout => {
                    framed.send(Response::Status(StatusResponse::untagged(Status::Bye, None, "bye"))).await?;
                    framed
                        .send(Response::Status(StatusResponse::tagged(tag, Status::Ok, None, "done")))
                        .await?;
                    return Ok(());
                }
                _ => (tag, Status::No, Some(ResponseCode::Cannot)),
            },
            // MULTIAPPEND is not offered.
            Ok(_) => return Ok(()),
        };
        // What is new is told before the answer, in sequence numbers that the client knows.
        while let Some(notice) = mailbox.view.next_notice(false) {
            if let Notice::Exists(count) = notice {
                framed.send(Response::Exists(count)).await?;
            }
        }
        let text = if status == Status::Ok { "done" } else { "not here" };
        framed.send(Response::Status(StatusResponse::tagged(tag, status, code, text))).await?;
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:1143").await?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept().await?;
        tokio::spawn(async move {
            if let Err(error) = serve(stream).await {
                println!("{peer}: {error}");
            }
        });
    }
}
