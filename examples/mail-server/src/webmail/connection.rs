//! HTTP on a connection: what comes first, how long everything may take, and the end.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use postroad_tokio::tokio_rustls::TlsAcceptor;
use postroad_tokio::{MaybeTls, tls};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::router;
use super::visitor::Web;
use crate::config::Protocol;
use crate::serve::{Context, Handler, Incoming};

/// How long a client may take for the TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(30);
/// How long a connection may be without a request, and how long the header of one may take.
const HEADER: Duration = Duration::from_secs(30);
/// How long a client may leave the answer unread.
const NO_PROGRESS: Duration = Duration::from_secs(60);
/// How long a client that is turned away may take to read that.
const FAREWELL: Duration = Duration::from_secs(2);
/// The octets of a request's header, and of what is read at once.
const BUFFER: usize = 64 * 1024;
/// The fields of a request's header.
const FIELDS: usize = 100;
/// The first octet of a TLS handshake (RFC 8446 section 5.1); no HTTP request begins with it.
const TLS_HANDSHAKE: u8 = 22;

/// The handler of the web pages.
pub(crate) fn handler(protocol: Protocol) -> Option<Handler> {
    (protocol == Protocol::Webmail).then_some(attend)
}

fn attend(incoming: Incoming, context: Arc<Context>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(speak(incoming, context))
}

async fn speak(incoming: Incoming, context: Arc<Context>) {
    let Incoming { stream, peer, protocol, admitted } = incoming;
    if !admitted {
        tracing::warn!(%peer, %protocol, "too many connections");
        turn_away(stream).await;
        return;
    }
    tracing::debug!(%peer, %protocol, "connected");
    let Ok(port) = stream.local_addr().map(|address| address.port()) else { return };
    let opened = tokio::select! {
        opened = open(stream, &context) => opened,
        () = context.stopping() => return,
    };
    let io = match opened {
        Ok(io) => io,
        Err(error) => {
            tracing::debug!(%peer, %protocol, %error, "no request");
            return;
        }
    };
    let web = Web::new(Arc::clone(&context), peer, port, io.is_tls());
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER)
        .max_buf_size(BUFFER)
        .max_header_size(BUFFER)
        .max_headers(FIELDS);
    let service = TowerToHyperService::new(router(web));
    let connection = builder.serve_connection(TokioIo::new(Progressing::new(io)), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = context.stopping() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    match ended {
        Ok(()) => tracing::debug!(%peer, %protocol, "disconnected"),
        Err(error) => tracing::debug!(%peer, %protocol, %error, "a connection ended early"),
    }
}

/// The stream as it is, or inside of TLS when that is what the client begins with: both are spoken on one port.
async fn open(stream: TcpStream, context: &Context) -> io::Result<MaybeTls<TcpStream>> {
    let mut first = [0];
    let count = tokio::time::timeout(HEADER, stream.peek(&mut first)).await??;
    if count == 1 && first == [TLS_HANDSHAKE] {
        let acceptor = TlsAcceptor::from(Arc::clone(&context.tls.server));
        return tls::accept(&acceptor, stream, HANDSHAKE).await.map_err(io::Error::other);
    }
    Ok(MaybeTls::Plain(stream))
}

async fn turn_away(mut stream: TcpStream) {
    const FULL: &[u8] =
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nRetry-After: 60\r\n\
        Content-Length: 45\r\nConnection: close\r\n\r\nToo many connections. Please try again later.";
    let farewell = async {
        stream.write_all(FULL).await?;
        stream.shutdown().await?;
        // To close with octets unread would take the answer back from who has not read it yet.
        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await
    };
    // Whoever does not read it has lost nothing.
    let _ = tokio::time::timeout(FAREWELL, farewell).await;
}

/// A stream that fails when nothing could be written for [`NO_PROGRESS`].
struct Progressing {
    io: MaybeTls<TcpStream>,
    /// Runs while a write waits.
    waits: Option<Pin<Box<Sleep>>>,
}

impl Progressing {
    fn new(io: MaybeTls<TcpStream>) -> Self {
        Self { io, waits: None }
    }

    fn watch<T>(
        &mut self,
        context: &mut std::task::Context<'_>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.waits = None;
            return polled;
        }
        let waits = self
            .waits
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + NO_PROGRESS)));
        ready!(waits.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Progressing {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl AsyncWrite for Progressing {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write(context, octets);
        self.watch(context, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write_vectored(context, pieces);
        self.watch(context, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut std::task::Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.io).poll_flush(context);
        self.watch(context, polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut std::task::Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.io).poll_shutdown(context);
        self.watch(context, polled)
    }
}
