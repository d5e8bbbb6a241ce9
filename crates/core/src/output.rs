//! What a session has to send.

use alloc::collections::VecDeque;
use bytes::{Bytes, BytesMut};
use core::{fmt, mem};

/// Chunks under this many octets are copied behind the text before them: a write of its own would cost more.
const COPY_BELOW: usize = 1024;

/// The output is at its high-water mark; what could not be taken is handed back.
///
/// Write what [`poll_transmit`](crate::Output::pop) gives, then offer it again.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "the chunk was not taken; offer it again once output has drained"]
pub struct Full<T>(pub T);

impl<T> fmt::Display for Full<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the output is full; write some of it first")
    }
}

impl<T: fmt::Debug> core::error::Error for Full<T> {}

/// A queue of octets to send: short texts are joined, large chunks go out as they came, without a copy.
///
/// It holds no memory once it is drained.
///
/// ```
/// use postroad_core::Output;
/// use bytes::Bytes;
///
/// let mut output = Output::new(65_536);
/// output.text(b"250 2.1.0 ok\r\n");
/// output.text(b"250 2.1.5 ok\r\n");
/// assert_eq!(output.pop().unwrap(), "250 2.1.0 ok\r\n250 2.1.5 ok\r\n");
/// output.chunk(Bytes::from(vec![b'x'; 70_000]));
/// assert!(output.is_full());
/// ```
pub struct Output {
    chunks: VecDeque<Bytes>,
    text: BytesMut,
    len: usize,
    high: usize,
}

impl Output {
    /// An empty queue that calls itself full at `high` octets; at 1 if that is 0, for one that is full while nothing waits would stay so.
    pub fn new(high: usize) -> Self {
        Self { chunks: VecDeque::new(), text: BytesMut::new(), len: 0, high: high.max(1) }
    }

    /// How many octets wait.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether the high-water mark is reached. More is still taken: whoever asks decides what may go over it.
    pub fn is_full(&self) -> bool {
        self.len >= self.high
    }

    /// Adds a copy of `octets`, joined with the text before.
    pub fn text(&mut self, octets: &[u8]) {
        self.len += octets.len();
        self.text.extend_from_slice(octets);
    }

    /// Adds what `print` appends to the text before, without a copy on the way: for whoever prints into a buffer. What is there already
    /// must stay.
    ///
    /// ```
    /// let mut output = postroad_core::Output::new(65_536);
    /// output.print(|text| text.extend_from_slice(b"* 23 EXISTS\r\n"));
    /// assert_eq!(output.len(), 13);
    /// ```
    pub fn print<T>(&mut self, print: impl FnOnce(&mut BytesMut) -> T) -> T {
        let before = self.text.len();
        let printed = print(&mut self.text);
        self.len = (self.len + self.text.len()).saturating_sub(before);
        printed
    }

    /// Adds `chunk`; one of 1 KiB or more is not copied.
    pub fn chunk(&mut self, chunk: Bytes) {
        if chunk.len() < COPY_BELOW {
            return self.text(&chunk);
        }
        self.len += chunk.len();
        self.close_text();
        self.chunks.push_back(chunk);
    }

    /// The next octets to write.
    pub fn pop(&mut self) -> Option<Bytes> {
        let next = self.chunks.pop_front().or_else(|| {
            self.chunks = VecDeque::new();
            (!self.text.is_empty()).then(|| mem::take(&mut self.text).freeze())
        })?;
        self.len -= next.len();
        Some(next)
    }

    /// Forgets what has not been written: for a connection whose peer could not understand another word.
    pub fn clear(&mut self) {
        self.chunks = VecDeque::new();
        self.text = BytesMut::new();
        self.len = 0;
    }

    fn close_text(&mut self) {
        if !self.text.is_empty() {
            self.chunks.push_back(mem::take(&mut self.text).freeze());
        }
    }
}

// What waits may be a password.
impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("len", &self.len).field("high", &self.high).finish_non_exhaustive()
    }
}

impl fmt::Write for Output {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.text(s.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{vec, vec::Vec};

    #[test]
    fn order_is_kept_and_large_chunks_are_not_copied() {
        let mut output = Output::new(10_000);
        let large = Bytes::from(vec![b'x'; COPY_BELOW]);
        output.text(b"a");
        output.chunk(Bytes::from_static(b"b"));
        output.chunk(large.clone());
        output.text(b"c");
        assert_eq!(output.len(), COPY_BELOW + 3);
        assert_eq!(output.pop().unwrap(), "ab");
        assert_eq!(output.pop().unwrap().as_ptr(), large.as_ptr());
        assert_eq!(output.pop().unwrap(), "c");
        assert_eq!(output.pop(), None);
        assert!(output.is_empty());
    }

    #[test]
    fn debug_does_not_tell_what_waits() {
        let mut output = Output::new(10);
        output.text(b"PASS secret\r\n");
        assert_eq!(alloc::format!("{output:?}"), "Output { len: 13, high: 10, .. }");
    }

    #[test]
    fn an_empty_queue_is_not_full() {
        let mut output = Output::new(0);
        assert!(!output.is_full());
        output.text(b"x");
        assert!(output.is_full());
        while output.pop().is_some() {}
        assert!(!output.is_full());
    }

    #[test]
    fn many_small_chunks_become_few() {
        let mut output = Output::new(1 << 20);
        for _ in 0..10_000 {
            output.chunk(Bytes::from_static(b".\r\n"));
        }
        let pieces: Vec<Bytes> = core::iter::from_fn(|| output.pop()).collect();
        assert_eq!(pieces.len(), 1);
    }
}
