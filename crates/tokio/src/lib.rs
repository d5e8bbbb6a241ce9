#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

#[cfg(feature = "imap")]
mod compress;
mod connection;
mod driver;
mod error;
#[cfg(feature = "imap")]
pub mod imap;
#[cfg(feature = "pop3")]
pub mod pop3;
#[cfg(any(feature = "smtp", feature = "pop3", feature = "imap"))]
mod serve;
mod shutdown;
#[cfg(feature = "smtp")]
pub mod smtp;
mod stream;
mod tap;
#[cfg(feature = "rustls")]
pub mod tls;
#[cfg(any(feature = "pop3", feature = "imap"))]
mod tls_policy;
#[cfg(any(feature = "smtp", feature = "pop3"))]
mod work;

// The public interface is:
#[cfg(feature = "compress")]
pub use compress::Compressed;
pub use connection::Connection;
pub use driver::{Driver, Limits, Parts, Polled, Progress, now};
pub use error::Error;
#[cfg(any(feature = "smtp", feature = "pop3", feature = "imap"))]
pub use serve::ServeOptions;
pub use shutdown::{Shutdown, ShutdownHandle};
pub use stream::MaybeTls;
pub use tap::{Tap, Tapped};
#[cfg(any(feature = "pop3", feature = "imap"))]
pub use tls_policy::TlsPolicy;

#[cfg(feature = "rustls")]
pub use {rustls, tokio_rustls};
