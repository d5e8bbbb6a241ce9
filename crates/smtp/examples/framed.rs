//! The codec alone, in a tokio `Framed`: a server that takes every message and forgets it.
//!
//! Order of commands, limits on errors, deadlines, STARTTLS: all that a session does is missing here. This is for proxies, scanners and sinks.
//! `cargo run -p postroad-smtp --example smtp-framed --features tokio-codec`

use futures_util::{SinkExt, StreamExt};
use postroad_smtp::BareNewline;
use postroad_smtp::codec::{CommandCodec, Item};
use postroad_smtp::command::Command;
use postroad_smtp::reply::{Reply, ReplyCode};
use std::io;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::codec::Framed;

async fn serve(stream: TcpStream) -> io::Result<()> {
    let mut framed = Framed::new(stream, CommandCodec::new());
    let mut octets = 0;
    framed.send(Reply::new(ReplyCode::READY, None, "localhost ESMTP")).await?;
    while let Some(item) = framed.next().await {
        // The outer result is of the transport, the inner one of the line: a bad command does not end the stream.
        let reply = match item? {
            Err(error) => error.reply(),
            Ok(Item::Chunk(chunk)) => {
                octets += chunk.len();
                continue;
            }
            // There are servers that take a bare LF for a line end: to them a message with one could smuggle in another.
            Ok(Item::End(faults)) if faults.any() => {
                Reply::new(ReplyCode::TRANSACTION_FAILED, None, "bare CR or LF, or NUL")
            }
            Ok(Item::End(_)) => Reply::new(ReplyCode::OK, None, format!("{octets} octets forgotten")),
            Ok(Item::Command(command, _)) => match command {
                Command::Data => {
                    octets = 0;
                    framed.codec_mut().expect_data(BareNewline::Reject); // before the next poll
                    Reply::new(ReplyCode::START_MAIL_INPUT, None, "go on")
                }
                Command::Quit => {
                    framed.send(Reply::new(ReplyCode::CLOSING, None, "bye")).await?;
                    return Ok(());
                }
                Command::Ehlo(_) => Reply::new(ReplyCode::OK, None, "localhost\nPIPELINING\n8BITMIME"),
                Command::Helo(_) => Reply::new(ReplyCode::OK, None, "localhost"),
                Command::Mail(_) | Command::Rcpt(_) | Command::Rset | Command::Noop(_) => {
                    Reply::new(ReplyCode::OK, None, "OK")
                }
                _ => Reply::new(ReplyCode::NOT_IMPLEMENTED, None, "not here"),
            },
            Ok(_) => continue,
        };
        framed.send(reply).await?;
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:2525").await?;
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
