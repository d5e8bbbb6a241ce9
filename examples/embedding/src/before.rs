//! A notice board. Whoever connects says `PUT` and a text, or `GET`: lines that end in LF.

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
    listen(lines, board, serve_lines).await;
    Ok(())
}
