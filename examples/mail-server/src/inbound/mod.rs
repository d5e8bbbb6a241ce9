//! What comes in: mail by SMTP and submission, and people who read it by POP3 and IMAP.
//!
//! The sessions keep order, limits and deadlines; what is decided here is who may speak, who is a recipient, and when
//! a message is safe.

mod envelope;
mod header;
mod imap;
mod pop3;
mod recipients;
mod refusal;
mod smtp;
mod submit;
mod trace;

use std::net::{IpAddr, Ipv4Addr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use postroad_core::Domain;
use postroad_tokio::tokio_rustls::TlsAcceptor;
use postroad_tokio::{MaybeTls, ServeOptions, ShutdownHandle, tls};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

pub(crate) use submit::{NotSubmitted, Submission};

use crate::config::Protocol;
use crate::serve::{Context, Handler, Incoming};

/// How long a client may take for the TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(60);
/// How long a client that is turned away may take to read that.
const FAREWELL: Duration = Duration::from_secs(2);
/// So many failed log-ins are answered at once; each further one only after [`GUESSING_DELAY`].
const FREE_GUESSES: u32 = 1;
/// What makes guessing slow.
const GUESSING_DELAY: Duration = Duration::from_secs(1);

/// The handler of a protocol; none: this server does not speak it yet.
pub(crate) fn handler(protocol: Protocol) -> Option<Handler> {
    match protocol {
        Protocol::Smtp
        | Protocol::Submission
        | Protocol::Submissions
        | Protocol::Pop3
        | Protocol::Pop3s
        | Protocol::Imap
        | Protocol::Imaps => Some(attend),
        _ => None,
    }
}

fn attend(incoming: Incoming, context: Arc<Context>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(speak(incoming, context))
}

async fn speak(incoming: Incoming, context: Arc<Context>) {
    let Incoming { stream, peer, protocol, admitted } = incoming;
    if !admitted {
        tracing::warn!(%peer, %protocol, "too many connections");
        turn_away(stream, protocol, &context).await;
        return;
    }
    tracing::debug!(%peer, %protocol, "connected");
    let acceptor = TlsAcceptor::from(Arc::clone(&context.tls.server));
    let io = if protocol.implicit_tls() {
        let handshake = tokio::select! {
            handshake = tls::accept(&acceptor, stream, HANDSHAKE) => handshake,
            () = context.stopping() => return,
        };
        match handshake {
            Ok(io) => io,
            Err(error) => {
                tracing::debug!(%peer, %protocol, %error, "no TLS");
                return;
            }
        }
    } else {
        MaybeTls::Plain(stream)
    };
    let shutdown = ShutdownHandle::new();
    let options = ServeOptions {
        tls: Some(acceptor),
        handshake: HANDSHAKE,
        shutdown: shutdown.listen(),
        ..ServeOptions::default()
    };
    let session = async {
        match protocol {
            Protocol::Pop3 | Protocol::Pop3s => pop3::serve(io, peer, &context, options).await,
            Protocol::Imap | Protocol::Imaps => imap::serve(io, peer, &context, options).await,
            _ => smtp::serve(io, peer, protocol, &context, options).await,
        }
    };
    let mut session = pin!(session);
    let ended = tokio::select! {
        ended = &mut session => ended,
        () = context.stopping() => {
            shutdown.shut_down();
            session.await
        }
    };
    match ended {
        Ok(()) => tracing::debug!(%peer, %protocol, "disconnected"),
        Err(error) => tracing::debug!(%peer, %protocol, %error, "a connection ended early"),
    }
}

/// Says why there is no service, in the words of the protocol, where the client can read them.
async fn turn_away(mut stream: TcpStream, protocol: Protocol, context: &Context) {
    let line = match protocol {
        Protocol::Smtp | Protocol::Submission => {
            format!("421 4.7.0 {} Too many connections, try again later\r\n", context.config.hostname)
        }
        Protocol::Pop3 => "-ERR [SYS/TEMP] too many connections, try again later\r\n".to_owned(),
        Protocol::Imap => "* BYE [UNAVAILABLE] too many connections, try again later\r\n".to_owned(),
        // Before TLS nothing would be understood.
        _ => return,
    };
    let farewell = async {
        stream.write_all(line.as_bytes()).await?;
        stream.shutdown().await?;
        // To close with octets unread would take the line back from who has not read it yet.
        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await
    };
    // Whoever does not read it has lost nothing.
    let _ = tokio::time::timeout(FAREWELL, farewell).await;
}

/// The server's own name.
fn hostname(context: &Context) -> Domain {
    // The configuration was checked; there is something to say even so.
    Domain::parse(&context.config.hostname).unwrap_or_else(|_| IpAddr::V4(Ipv4Addr::LOCALHOST).into())
}

/// Counts failed log-ins of one connection, and makes guessing slow.
#[derive(Debug, Default)]
pub(crate) struct Guesses(u32);

impl Guesses {
    /// To be awaited before the refusal is said.
    pub(crate) async fn failed(&mut self) {
        self.0 = self.0.saturating_add(1);
        if self.0 > FREE_GUESSES {
            tokio::time::sleep(GUESSING_DELAY).await;
        }
    }
}

#[cfg(test)]
mod tests;
