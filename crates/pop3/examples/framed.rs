//! The codec alone, in a tokio `Framed`: a server with two messages that are never deleted, for anybody, whatever the password.
//!
//! Order of commands, marks of deleted messages, limits on errors, deadlines, STLS: all that a session does is missing here. This is for
//! proxies, and for servers that have a session of their own. The other codec, for the client's end, is `ClientCodec`.
//! `cargo run -p postroad-pop3 --example pop3-framed --features tokio-codec`, and `curl -u bob:x pop3://127.0.0.1:2110/2`

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use postroad_pop3::DataFaults;
use postroad_pop3::codec::ResponsePart;
use postroad_pop3::command::Command;
use postroad_pop3::framed::ServerCodec;
use postroad_pop3::response::StatusLine;
use std::io;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::codec::Framed;

const MESSAGES: [&[u8]; 2] = [b"Subject: one\r\n\r\nhello\r\n", b"Subject: two\r\n\r\n.dots are stuffed\r\n"];

/// A response of one line, or its first line.
fn ok(text: impl std::fmt::Display) -> ResponsePart {
    ResponsePart::Status(StatusLine::ok(text.to_string()))
}

fn err(text: impl std::fmt::Display) -> ResponsePart {
    ResponsePart::Status(StatusLine::err(None, text.to_string()))
}

/// Only some responses have more than a status line, and nothing in them says so: the client knows it of the command, and so must we.
fn response(command: &Command) -> Vec<ResponsePart> {
    let end = ResponsePart::End(DataFaults::default());
    match command {
        Command::User(_) | Command::Pass(_) | Command::Noop | Command::Quit => vec![ok("so be it")],
        Command::Stat => {
            let octets: usize = MESSAGES.iter().map(|message| message.len()).sum();
            vec![ok(format_args!("{} {octets}", MESSAGES.len()))]
        }
        Command::List(None) => {
            let rows = MESSAGES.iter().enumerate();
            let row = |(at, message): (usize, &&[u8])| format!("{} {}", at + 1, message.len());
            let rows = rows.map(row).map(|row| ResponsePart::Line(row.into()));
            [ok("sizes")].into_iter().chain(rows).chain([end]).collect()
        }
        // In as many chunks as one likes: dots at the beginnings of lines are stuffed, whatever the cuts.
        Command::Retr(number) => match MESSAGES.get(number.index()) {
            Some(message) => vec![ok("it follows"), ResponsePart::Chunk(Bytes::from_static(message)), end],
            None => vec![err("no such message")],
        },
        _ => vec![err("not here")],
    }
}

async fn serve(stream: TcpStream) -> io::Result<()> {
    let mut framed = Framed::new(stream, ServerCodec::new(512));
    framed.send(ok("ready")).await?;
    while let Some(item) = framed.next().await {
        // The outer result is of the transport, the inner one of the line: a bad command does not end the stream.
        let command = item?;
        let response = match &command {
            Ok(command) => response(command),
            Err(error) => vec![err(error.kind())],
        };
        for part in response {
            framed.feed(part).await?;
        }
        framed.flush().await?;
        if let Ok(Command::Quit) = command {
            return Ok(());
        }
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:2110").await?;
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
