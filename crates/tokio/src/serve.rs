//! What serving has in common, whatever the protocol.

use crate::{Limits, MaybeTls, Shutdown};
use postroad_core::TlsInfo;
use std::fmt;
use std::time::Duration;

/// How to serve a connection, apart from what the protocol's own configuration says.
///
/// ```
/// use postroad_tokio::{ServeOptions, ShutdownHandle};
///
/// let shutdown = ShutdownHandle::new();
/// let options = ServeOptions { shutdown: shutdown.listen(), ..ServeOptions::default() };
/// # let _ = options;
/// ```
#[derive(Clone)]
pub struct ServeOptions {
    /// For STARTTLS and STLS. Without it they are refused; the protocol's configuration should then not offer them.
    #[cfg(feature = "rustls")]
    pub tls: Option<tokio_rustls::TlsAcceptor>,
    /// The channel binding `tls-server-end-point` of the certificate in use, if it is known: its hash (RFC 5929 section 4).
    pub server_end_point: Option<Vec<u8>>,
    /// How long a TLS handshake may take: a minute by default.
    pub handshake: Duration,
    /// The driver's limits.
    pub limits: Limits,
    /// When to say goodbye.
    pub shutdown: Shutdown,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            #[cfg(feature = "rustls")]
            tls: None,
            server_end_point: None,
            handshake: Duration::from_secs(60),
            limits: Limits::default(),
            shutdown: Shutdown::never(),
        }
    }
}

impl fmt::Debug for ServeOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServeOptions")
            .field("server_end_point", &self.server_end_point.as_ref().map(Vec::len))
            .field("handshake", &self.handshake)
            .field("limits", &self.limits)
            .field("shutdown", &self.shutdown)
            .finish_non_exhaustive()
    }
}

impl ServeOptions {
    /// What the session is told of the TLS that `io` is in.
    pub(crate) fn tls_info<Io>(&self, io: &MaybeTls<Io>) -> Option<TlsInfo> {
        let mut info = io.tls_info()?;
        info.server_end_point.clone_from(&self.server_end_point);
        Some(info)
    }
}
