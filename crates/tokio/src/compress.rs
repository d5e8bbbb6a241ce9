//! A transport that compresses, as COMPRESS=DEFLATE wants it (RFC 4978).

#[cfg(feature = "compress")]
use bytes::{Buf as _, BytesMut};
#[cfg(feature = "compress")]
use flate2::{Compression, Decompress, FlushCompress, FlushDecompress, Status};
use std::io;
use std::pin::Pin;
#[cfg(feature = "compress")]
use std::task::ready;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Compressed octets that are read at once.
#[cfg(feature = "compress")]
const READ: usize = 8 * 1024;
/// With so many compressed octets unwritten no more are taken.
#[cfg(feature = "compress")]
const HIGH: usize = 32 * 1024;
/// What is given to the compressor at once.
#[cfg(feature = "compress")]
const PIECE: usize = 32 * 1024;

/// A transport with both directions compressed by DEFLATE, without a header (RFC 1951): what follows the OK to COMPRESS (RFC 4978
/// section 3). Feature `compress`.
///
/// Its memory is bounded, whatever the peer sends: what is read is inflated into the buffer of the reader and no further, so that even the
/// most that DEFLATE can make of an octet (1032) waits within a few KiB. How much in all a reader takes is the session's to limit, as
/// without compression. What is written is sent on when it is flushed, or when 32 KiB wait.
///
/// ```
/// use postroad_tokio::Compressed;
/// use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let (one, other) = tokio::io::duplex(4096);
/// let (mut one, mut other) = (Compressed::new(one, Default::default()), Compressed::new(other, Default::default()));
/// one.write_all(b"a NOOP\r\n").await?;
/// one.flush().await?;
/// let mut line = [0; 8];
/// other.read_exact(&mut line).await?;
/// assert_eq!(&line, b"a NOOP\r\n");
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "compress")]
pub struct Compressed<Io> {
    io: Io,
    inflate: Decompress,
    /// What is read and not inflated.
    input: BytesMut,
    /// The peer's stream is at its end.
    is_over: bool,
    deflate: flate2::Compress,
    /// What is compressed and not written.
    output: BytesMut,
    /// The compressor holds octets back.
    is_held: bool,
}

#[cfg(feature = "compress")]
impl<Io> Compressed<Io> {
    /// Compresses on `io`. `input` is what was read from it already and is compressed: the octets behind the command.
    pub fn new(io: Io, input: BytesMut) -> Self {
        Self {
            io,
            inflate: Decompress::new(false),
            input,
            is_over: false,
            deflate: flate2::Compress::new(Compression::fast(), false),
            output: BytesMut::new(),
            is_held: false,
        }
    }

    /// The transport underneath.
    pub fn get_ref(&self) -> &Io {
        &self.io
    }

    /// Inflates into `buffer`. True: there is something in it, or the end; false: more is to be read first.
    fn inflate(&mut self, buffer: &mut ReadBuf<'_>) -> io::Result<bool> {
        loop {
            if self.is_over {
                return Ok(true);
            }
            let (taken, made) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self
                .inflate
                .decompress(&self.input, buffer.initialize_unfilled(), FlushDecompress::None)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            let taken = usize::try_from(self.inflate.total_in() - taken).unwrap_or(usize::MAX);
            let made = usize::try_from(self.inflate.total_out() - made).unwrap_or(usize::MAX);
            self.input.advance(taken.min(self.input.len()));
            buffer.advance(made.min(buffer.remaining()));
            self.is_over = status == Status::StreamEnd;
            if made > 0 || self.is_over {
                return Ok(true);
            }
            if self.input.is_empty() {
                self.input = BytesMut::new();
                return Ok(false);
            }
            if taken == 0 {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "compressed octets that lead nowhere",
                ));
            }
        }
    }

    /// Lets the compressor write; true: it has no more to say.
    fn deflate(&mut self, octets: &[u8], flush: FlushCompress) -> io::Result<(usize, bool)> {
        let taken = self.deflate.total_in();
        let made = self.deflate.total_out();
        let before = self.output.len();
        self.output.resize(before + READ, 0);
        let room = self.output.get_mut(before..).unwrap_or_default();
        let done = self.deflate.compress(octets, room, flush);
        let made = usize::try_from(self.deflate.total_out() - made).unwrap_or(READ).min(READ);
        self.output.truncate(before + made);
        done.map_err(io::Error::other)?;
        let taken = usize::try_from(self.deflate.total_in() - taken).unwrap_or(usize::MAX);
        Ok((taken.min(octets.len()), made < READ))
    }
}

#[cfg(feature = "compress")]
impl<Io: AsyncWrite + Unpin> Compressed<Io> {
    /// Writes all that is compressed.
    fn poll_drain(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.output.is_empty() {
            match ready!(Pin::new(&mut self.io).poll_write(context, &self.output))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.output.advance(written.min(self.output.len())),
            }
        }
        self.output = BytesMut::new();
        Poll::Ready(Ok(()))
    }

    fn poll_all(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.is_held {
            if self.output.len() >= HIGH {
                ready!(self.poll_drain(context))?;
            }
            let (_, is_done) = self.deflate(&[], FlushCompress::Sync)?;
            self.is_held = !is_done;
        }
        self.poll_drain(context)
    }
}

#[cfg(feature = "compress")]
impl<Io> std::fmt::Debug for Compressed<Io> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compressed")
            .field("read", &self.inflate.total_in())
            .field("inflated", &self.inflate.total_out())
            .field("taken", &self.deflate.total_in())
            .field("deflated", &self.deflate.total_out())
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "compress")]
impl<Io: AsyncRead + Unpin> AsyncRead for Compressed<Io> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        while !this.inflate(buffer)? {
            // Nothing is kept while nothing comes.
            let mut block = [0; READ];
            let mut read = ReadBuf::new(&mut block);
            ready!(Pin::new(&mut this.io).poll_read(context, &mut read))?;
            if read.filled().is_empty() {
                // As TLS that ends without a word: the protocol marks its own end.
                return Poll::Ready(Ok(()));
            }
            this.input.extend_from_slice(read.filled());
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(feature = "compress")]
impl<Io: AsyncWrite + Unpin> AsyncWrite for Compressed<Io> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if octets.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let piece = octets.get(..PIECE).unwrap_or(octets);
        loop {
            if this.output.len() >= HIGH {
                ready!(this.poll_drain(context))?;
            }
            this.is_held = true;
            let (taken, _) = this.deflate(piece, FlushCompress::None)?;
            if taken > 0 {
                return Poll::Ready(Ok(taken));
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_all(context))?;
        Pin::new(&mut this.io).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_all(context))?;
        Pin::new(&mut this.io).poll_shutdown(context)
    }
}

/// One transport type for before and after COMPRESS.
#[derive(Debug)]
pub(crate) enum MaybeCompressed<Io> {
    /// As it is.
    Plain(Io),
    /// Compressed.
    #[cfg(feature = "compress")]
    Deflate(Box<Compressed<Io>>),
}

impl<Io> MaybeCompressed<Io> {
    /// The transport underneath.
    pub(crate) fn get_ref(&self) -> &Io {
        match self {
            Self::Plain(io) => io,
            #[cfg(feature = "compress")]
            Self::Deflate(io) => io.get_ref(),
        }
    }

    /// Compresses from here on; `input` is compressed already. Never twice.
    #[cfg(feature = "compress")]
    pub(crate) fn compress(self, input: BytesMut) -> Self {
        match self {
            Self::Plain(io) => Self::Deflate(Box::new(Compressed::new(io, input))),
            compressed @ Self::Deflate(_) => compressed,
        }
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for MaybeCompressed<Io> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_read(context, buffer),
            #[cfg(feature = "compress")]
            Self::Deflate(io) => Pin::new(&mut **io).poll_read(context, buffer),
        }
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for MaybeCompressed<Io> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_write(context, octets),
            #[cfg(feature = "compress")]
            Self::Deflate(io) => Pin::new(&mut **io).poll_write(context, octets),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_write_vectored(context, slices),
            #[cfg(feature = "compress")]
            Self::Deflate(io) => Pin::new(&mut **io).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(io) => io.is_write_vectored(),
            #[cfg(feature = "compress")]
            Self::Deflate(io) => io.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_flush(context),
            #[cfg(feature = "compress")]
            Self::Deflate(io) => Pin::new(&mut **io).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_shutdown(context),
            #[cfg(feature = "compress")]
            Self::Deflate(io) => Pin::new(&mut **io).poll_shutdown(context),
        }
    }
}
