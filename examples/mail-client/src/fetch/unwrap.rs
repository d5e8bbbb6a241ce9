//! A message from the wire as it is kept on disk.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncWrite, AsyncWriteExt as _};

/// Writes what comes to a file, with the line ends of this system, and for an mbox with quoted `From ` lines.
pub(super) struct Lines<'a, W> {
    to: &'a mut W,
    keep_crlf: bool,
    quote: bool,
    /// A CR came last, and is not written.
    held_cr: bool,
    /// The beginning of a line that may have to be quoted, not written yet: `>` and then a part of `From `.
    start: Option<Vec<u8>>,
    /// Octets to be written before anything else.
    ready: Vec<u8>,
    written: usize,
    last: Option<u8>,
}

impl<'a, W: AsyncWrite + Unpin> Lines<'a, W> {
    pub(super) fn new(to: &'a mut W, keep_crlf: bool, quote: bool) -> Self {
        Self {
            to,
            keep_crlf,
            quote,
            held_cr: false,
            start: quote.then(Vec::new),
            ready: Vec::new(),
            written: 0,
            last: None,
        }
    }

    /// Writes what is held, ends the last line if that was not done, and flushes.
    pub(super) async fn finish(mut self) -> io::Result<()> {
        if std::mem::take(&mut self.held_cr) {
            self.put(b'\r');
        }
        self.settle_start();
        if self.quote && self.last.is_some_and(|last| last != b'\n') {
            self.put(b'\n');
        }
        let rest = self.ready.split_off(self.written);
        self.to.write_all(&rest).await?;
        self.to.flush().await
    }

    fn put(&mut self, octet: u8) {
        self.ready.push(octet);
        self.last = Some(octet);
    }

    /// The beginning of the line is known.
    fn settle_start(&mut self) {
        if let Some(start) = self.start.take() {
            if is_from(&start) {
                self.put(b'>');
            }
            for octet in start {
                self.put(octet);
            }
        }
    }

    fn octet(&mut self, octet: u8) {
        if std::mem::take(&mut self.held_cr) && octet != b'\n' {
            self.line_octet(b'\r');
        }
        if octet == b'\r' && !self.keep_crlf {
            self.held_cr = true;
        } else {
            self.line_octet(octet);
        }
    }

    fn line_octet(&mut self, octet: u8) {
        if let Some(start) = &mut self.start {
            start.push(octet);
            if may_be_from(start) {
                if is_from(start) {
                    self.settle_start();
                }
                return;
            }
            self.settle_start();
        } else {
            self.put(octet);
        }
        if octet == b'\n' && self.quote {
            self.start = Some(Vec::new());
        }
    }
}

/// `From ` behind any `>`.
fn is_from(line: &[u8]) -> bool {
    let at = line.iter().position(|octet| *octet != b'>').unwrap_or(line.len());
    line[at..].starts_with(b"From ")
}

/// Whether it can become so. A line of thousands of `>` is not waited for.
fn may_be_from(line: &[u8]) -> bool {
    let at = line.iter().position(|octet| *octet != b'>').unwrap_or(line.len());
    line.len() <= 1000 && (b"From ".starts_with(&line[at..]) || is_from(line))
}

impl<W: AsyncWrite + Unpin> AsyncWrite for Lines<'_, W> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_ready(context))?;
        this.ready.clear();
        this.written = 0;
        let block = &octets[..octets.len().min(64 * 1024)];
        for octet in block {
            this.octet(*octet);
        }
        Poll::Ready(Ok(block.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_ready(context))?;
        Pin::new(&mut *this.to).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}

impl<W: AsyncWrite + Unpin> Lines<'_, W> {
    /// Writes what was taken before.
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.ready.len() {
            let written = ready!(Pin::new(&mut *self.to).poll_write(context, &self.ready[self.written..]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += written;
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn kept(message: &[u8], size: usize, keep_crlf: bool, quote: bool) -> String {
        let mut to = Vec::new();
        let mut lines = Lines::new(&mut to, keep_crlf, quote);
        for piece in message.chunks(size) {
            lines.write_all(piece).await.unwrap();
        }
        lines.flush().await.unwrap();
        lines.finish().await.unwrap();
        to.escape_ascii().to_string()
    }

    #[tokio::test]
    async fn in_pieces_of_any_size() {
        let message =
            b"From x\r\nFrom: y\r\n\r\n>From z\r\nFro\r\n\r\nFrom\r\n>>> not\r\nbare\rcr\nlf\r\nlast\r";
        for size in 1..message.len() {
            let plain = kept(message, size, false, false).await;
            assert_eq!(plain, message.escape_ascii().to_string().replace("\\r\\n", "\\n"), "{size}");
            assert_eq!(kept(message, size, true, false).await, message.escape_ascii().to_string());
            let quoted = kept(message, size, false, true).await;
            let expected = plain.replacen("From x", ">From x", 1).replacen("\\n>From z", "\\n>>From z", 1);
            assert_eq!(quoted, expected + "\\n", "{size}");
        }
    }

    #[tokio::test]
    async fn a_long_line_of_quotes_is_not_held() {
        let line = [&b">".repeat(100_000)[..], b"From x\r\n"].concat();
        assert_eq!(kept(&line, 777, false, true).await.len(), line.len());
    }
}
