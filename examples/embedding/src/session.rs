//! A notice board. Whoever connects says `PUT` and a text, or `GET`: lines that end in LF.

use postroad_smtp::Domain;
use postroad_smtp::reply::{Rejection, ReplyText};
use postroad_smtp::server::{Config, Event, Server};
use postroad_tokio::Connection;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The notices, for all connections.
#[derive(Clone, Default)]
struct Board(Arc<Mutex<Vec<String>>>);

impl Board {
    fn put(&self, notice: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{notice}\n"));
    }

    fn all(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).concat()
    }
}

async fn serve_lines(stream: TcpStream, board: Board) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if (&mut stream).take(1000).read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let answer = match line.trim_end().split_once(' ') {
            Some(("PUT", notice)) => {
                board.put(notice);
                "done\n".to_owned()
            }
            None if line.trim_end() == "GET" => board.all() + ".\n",
            _ => "PUT or GET\n".to_owned(),
        };
        stream.write_all(answer.as_bytes()).await?;
    }
}

/// Mail to `board@localhost` goes up on the board.
async fn serve_mail(stream: TcpStream, board: Board) -> io::Result<()> {
    let mut config = Config::new(Domain::parse("localhost").map_err(io::Error::other)?);
    config.max_message_size = 10_000;
    let mut connection = Connection::new(Server::new(config.into(), postroad_tokio::now()), stream);
    let mut message = Vec::new();
    while let Some(event) = connection.next().await.map_err(io::Error::other)? {
        let session = &mut connection.session;
        match event {
            Event::Hello(hello) => hello.accept(session),
            Event::Mail(mail) => mail.accept(session),
            Event::Rcpt(rcpt) => match rcpt.forward_path().to_string().as_str() {
                "<board@localhost>" => rcpt.accept(session),
                _ => rcpt.reject(session, Rejection::relay_denied()),
            },
            Event::Data(data) => {
                message.clear();
                data.accept(session);
            }
            Event::Body(octets) => message.extend_from_slice(&octets),
            Event::DataEnd(end) => {
                board.put(&String::from_utf8_lossy(&message));
                end.accept(session, ReplyText::new("on the board"));
            }
            _ => {} // a token that is dropped is answered by the session
        }
    }
    Ok(())
}

async fn listen<F>(listener: TcpListener, board: Board, serve: impl Fn(TcpStream, Board) -> F)
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, board.clone()));
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let board = Board::default();
    let lines = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening lines {}", lines.local_addr()?);
    let mail = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening smtp {}", mail.local_addr()?);
    tokio::spawn(listen(mail, board.clone(), serve_mail));
    listen(lines, board, serve_lines).await;
    Ok(())
}
