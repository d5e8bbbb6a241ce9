//! A notice board. Whoever connects says `PUT` and a text, or `GET`: lines that end in LF.

use futures_util::{SinkExt as _, StreamExt as _};
use postroad_smtp::codec::{CommandCodec, Item};
use postroad_smtp::command::Command;
use postroad_smtp::reply::{Reply, ReplyCode};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Duration, timeout};
use tokio_util::codec::Framed;

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

/// Mail to `board@localhost` goes up on the board. Order, limits, deadlines, and the refusal of bare line ends, are ours.
async fn serve_mail(stream: TcpStream, board: Board) -> io::Result<()> {
    let (patience, limit) = (Duration::from_secs(300), 10_000);
    let reply = |code, text: &'static str| Reply::new(code, None, text);
    let mut framed = Framed::new(stream, CommandCodec::new());
    let (mut has_sender, mut has_recipient, mut message) = (false, false, Vec::new());
    framed.send(reply(ReplyCode::READY, "localhost ESMTP")).await?;
    while let Some(item) = timeout(patience, framed.next()).await? {
        let answer = match item? {
            Err(error) => error.reply(),
            Ok(Item::Chunk(chunk)) => {
                message.extend(chunk.into_iter().take(limit + 1 - message.len()));
                continue;
            }
            Ok(Item::End(_)) if message.len() > limit => reply(ReplyCode::EXCEEDED_STORAGE, "too big"),
            Ok(Item::End(faults)) if faults.any() => reply(ReplyCode::TRANSACTION_FAILED, "bare CR or LF"),
            Ok(Item::End(_)) => {
                board.put(&String::from_utf8_lossy(&message));
                reply(ReplyCode::OK, "on the board")
            }
            Ok(Item::Command(Command::Mail(_), _)) if !has_sender => {
                has_sender = true;
                reply(ReplyCode::OK, "go on")
            }
            Ok(Item::Command(Command::Rcpt(rcpt), _)) if has_sender => {
                let is_ours = rcpt.forward_path.to_string() == "<board@localhost>";
                has_recipient |= is_ours;
                let code = if is_ours { ReplyCode::OK } else { ReplyCode::MAILBOX_UNAVAILABLE };
                reply(code, "mail for the board")
            }
            Ok(Item::Command(Command::Data, _)) if has_recipient => {
                (has_sender, has_recipient, message) = (false, false, Vec::new());
                framed.codec_mut().expect_data(postroad_smtp::BareNewline::Reject); // before the next poll
                reply(ReplyCode::START_MAIL_INPUT, "go on")
            }
            Ok(Item::Command(Command::Ehlo(_) | Command::Helo(_) | Command::Rset, _)) => {
                (has_sender, has_recipient) = (false, false);
                reply(ReplyCode::OK, "localhost")
            }
            Ok(Item::Command(Command::Noop(_), _)) => reply(ReplyCode::OK, "yes"),
            Ok(Item::Command(Command::Quit, _)) => {
                return framed.send(reply(ReplyCode::CLOSING, "bye")).await;
            }
            Ok(Item::Command(..)) => reply(ReplyCode::BAD_SEQUENCE, "not now"),
            Ok(_) => continue,
        };
        timeout(patience, framed.send(answer)).await??;
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
