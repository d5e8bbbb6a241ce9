//! What a session may know of the TLS connection it runs in.

use alloc::{string::String, vec::Vec};
use core::fmt;

/// What a session may know of the TLS connection it runs in: for channel binding, and for who the peer proved to be.
#[derive(Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TlsInfo {
    /// The octets of the channel binding `tls-exporter` (RFC 9266).
    pub exporter: Option<Vec<u8>>,
    /// The octets of the channel binding `tls-server-end-point` (RFC 5929).
    pub server_end_point: Option<Vec<u8>>,
    /// Who the peer proved to be by its certificate.
    pub peer_identity: Option<String>,
}

impl TlsInfo {
    /// Nothing is known but that there is TLS.
    pub fn new() -> Self {
        Self::default()
    }
}

// Channel bindings are no secrets by themselves, but they have no place in a log.
impl fmt::Debug for TlsInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsInfo")
            .field("exporter", &self.exporter.as_ref().map(Vec::len))
            .field("server_end_point", &self.server_end_point.as_ref().map(Vec::len))
            .field("peer_identity", &self.peer_identity)
            .finish()
    }
}
