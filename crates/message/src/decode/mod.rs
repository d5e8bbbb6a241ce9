//! Undoing transfer encodings and charsets, leniently and with defects.

use alloc::vec::Vec;

/// Where decoded octets go.
pub(crate) trait Sink {
    /// About so many octets will come.
    fn expect(&mut self, _octets: usize) {}
    fn put(&mut self, octets: &[u8]);
    /// Whether no more are wanted.
    fn is_full(&self) -> bool {
        false
    }
}

impl Sink for Vec<u8> {
    fn expect(&mut self, octets: usize) {
        self.reserve(octets);
    }

    #[inline]
    fn put(&mut self, octets: &[u8]) {
        self.extend_from_slice(octets);
    }
}

/// Counts them.
#[derive(Debug, Default)]
pub(crate) struct Count(pub(crate) usize);

impl Sink for Count {
    #[inline]
    fn put(&mut self, octets: &[u8]) {
        self.0 += octets.len();
    }
}

/// Keeps the first of them.
#[derive(Debug)]
pub(crate) struct Prefix {
    pub(crate) octets: Vec<u8>,
    pub(crate) limit: usize,
}

impl Sink for Prefix {
    fn put(&mut self, octets: &[u8]) {
        let room = self.limit - self.octets.len();
        self.octets.extend_from_slice(octets.get(..octets.len().min(room)).unwrap_or_default());
    }

    fn is_full(&self) -> bool {
        self.octets.len() >= self.limit
    }
}

pub(crate) mod base64;
pub(crate) mod charset;
pub(crate) mod quoted_printable;
mod utf7;
