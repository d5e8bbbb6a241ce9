//! One transport type for before and after STARTTLS.

use postroad_core::TlsInfo;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A transport that may be inside of TLS.
///
/// One task, with one type, serves a connection before and after STARTTLS. The variant for TLS exists with the feature `rustls`.
///
/// ```
/// use postroad_tokio::MaybeTls;
///
/// let (io, _peer) = tokio::io::duplex(1024);
/// assert!(!MaybeTls::Plain(io).is_tls());
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum MaybeTls<Io> {
    /// In the clear.
    Plain(Io),
    /// Inside of TLS.
    #[cfg(feature = "rustls")]
    Tls(Box<tokio_rustls::TlsStream<Io>>),
}

impl<Io> MaybeTls<Io> {
    /// Whether this is TLS.
    pub fn is_tls(&self) -> bool {
        !matches!(self, Self::Plain(_))
    }

    /// What a session is told of TLS; `None` in the clear. The channel binding `tls-exporter` is there in TLS 1.3.
    pub fn tls_info(&self) -> Option<TlsInfo> {
        match self {
            Self::Plain(_) => None,
            #[cfg(feature = "rustls")]
            Self::Tls(tls) => Some(crate::tls::info(tls)),
        }
    }

    /// The transport underneath, to ask for its address.
    pub fn get_ref(&self) -> &Io {
        match self {
            Self::Plain(io) => io,
            #[cfg(feature = "rustls")]
            Self::Tls(tls) => tls.get_ref().0,
        }
    }
}

impl<Io> From<Io> for MaybeTls<Io> {
    fn from(io: Io) -> Self {
        Self::Plain(io)
    }
}

impl<Io: AsyncRead + AsyncWrite + Unpin> AsyncRead for MaybeTls<Io> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_read(context, buffer),
            #[cfg(feature = "rustls")]
            Self::Tls(tls) => Pin::new(&mut **tls).poll_read(context, buffer),
        }
    }
}

impl<Io: AsyncRead + AsyncWrite + Unpin> AsyncWrite for MaybeTls<Io> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_write(context, octets),
            #[cfg(feature = "rustls")]
            Self::Tls(tls) => Pin::new(&mut **tls).poll_write(context, octets),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_write_vectored(context, slices),
            #[cfg(feature = "rustls")]
            Self::Tls(tls) => Pin::new(&mut **tls).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(io) => io.is_write_vectored(),
            #[cfg(feature = "rustls")]
            Self::Tls(tls) => tls.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_flush(context),
            #[cfg(feature = "rustls")]
            Self::Tls(tls) => Pin::new(&mut **tls).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_shutdown(context),
            #[cfg(feature = "rustls")]
            Self::Tls(tls) => Pin::new(&mut **tls).poll_shutdown(context),
        }
    }
}
