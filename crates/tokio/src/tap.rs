//! Listening to a connection.

use std::fmt;
use std::sync::Arc;

/// What was said, inside of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tapped<'a> {
    /// Octets that the session took from the peer.
    Received(&'a [u8]),
    /// Octets that the session gave to be sent. They may not have reached the peer.
    Sent(&'a [u8]),
}

/// Somebody who listens to all that a connection says and hears, for a log or for a lesson; nothing of it is changed.
///
/// Passwords are heard too. It costs a copy of what is received.
///
/// ```
/// use postroad_tokio::{Tap, Tapped};
///
/// let tap = Tap::new(|said| match said {
///     Tapped::Received(octets) => eprintln!("S: {} octets", octets.len()),
///     Tapped::Sent(octets) => eprintln!("C: {} octets", octets.len()),
/// });
/// # let _ = tap;
/// ```
#[derive(Clone)]
pub struct Tap(Arc<dyn Fn(Tapped<'_>) + Send + Sync>);

impl Tap {
    /// `listen` is called with what is said, in any pieces. It must not take long.
    pub fn new(listen: impl Fn(Tapped<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(listen))
    }

    pub(crate) fn tell(&self, said: Tapped<'_>) {
        let (Tapped::Received(octets) | Tapped::Sent(octets)) = said;
        if !octets.is_empty() {
            (self.0)(said);
        }
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tap")
    }
}
