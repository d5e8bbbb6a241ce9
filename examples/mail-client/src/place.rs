//! Where mail is kept: `imap[s]://U@HOST[:PORT]` or `pop3[s]://U@HOST[:PORT]`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use conversation::{Explain, Imap, Line, Pop3};
use postroad_core::Secret;
use postroad_tokio::tokio_rustls::TlsConnector;
use postroad_tokio::{MaybeTls, Tap, Tapped, TlsPolicy};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;

use crate::cli::{self, Store};
use crate::terminal::{self, told};
use crate::tls::{self, Security};
use crate::{address, password};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(60);

/// How mail is read there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Imap,
    Pop3,
}

impl Protocol {
    /// The name of its scheme, its port, and its port under implicit TLS (RFC 8314 sections 3.2 and 3.3).
    const fn names(self) -> (&'static str, u16, u16) {
        match self {
            Self::Imap => ("imap", 143, 993),
            Self::Pop3 => ("pop3", 110, 995),
        }
    }
}

/// A server, an account on it, and how to get there.
pub(crate) struct Place {
    pub user: String,
    pub password: Secret<String>,
    pub host: String,
    pub port: u16,
    pub security: Security,
    /// There unless `security` is `None`.
    pub connector: Option<TlsConnector>,
    /// Who shows the conversation.
    pub tap: Option<Tap>,
}

/// A transport on which a client can be opened, and what it needs for STARTTLS.
pub(crate) struct Transport {
    pub io: MaybeTls<TcpStream>,
    pub policy: TlsPolicy,
    pub tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// What a URL says.
#[derive(Debug, PartialEq, Eq)]
struct Url {
    is_implicit: bool,
    user: String,
    host: String,
    port: Option<u16>,
}

impl Place {
    /// Reads the options; ends the program when they are wrong. Asks for the password.
    pub(crate) fn read(options: &Store, protocol: Protocol, is_traced: bool) -> Result<Self> {
        let wrong = |what: &str| -> ! { cli::wrong_usage(&format!("--server {}: {what}", options.server)) };
        let url = Url::read(&options.server, protocol).unwrap_or_else(|error| wrong(&told(&error)));
        let (scheme, plain, implicit) = protocol.names();
        let security = match options.tls {
            cli::Tls::Required if url.is_implicit || url.port == Some(implicit) => Security::Implicit,
            cli::Tls::Implicit => Security::Implicit,
            cli::Tls::None if url.is_implicit => wrong(&format!("{scheme}s:// is under TLS")),
            cli::Tls::Starttls if url.is_implicit => {
                wrong(&format!("{scheme}s:// is under TLS from its start"))
            }
            cli::Tls::Required | cli::Tls::Starttls => Security::StartTls,
            cli::Tls::None => Security::None,
        };
        let default = if security == Security::Implicit { implicit } else { plain };
        let connector = match security {
            Security::None => None,
            Security::StartTls | Security::Implicit => Some(tls::connector(options.tls_ca.as_deref())?),
        };
        let password = password::ask(options.password_stdin, &url.user, &url.host)?;
        let Url { user, host, port, .. } = url;
        let port = port.unwrap_or(default);
        let tap = is_traced.then(|| match protocol {
            Protocol::Imap => tap(Imap::new()),
            Protocol::Pop3 => tap(Pop3::new()),
        });
        Ok(Self { user, password, host, port, security, connector, tap })
    }

    /// The server, for people.
    pub(crate) fn name(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Connects, and begins TLS where it comes first.
    pub(crate) async fn connect(&self) -> Result<Transport> {
        let server = self.name();
        let note = |text: String| {
            if self.tap.is_some() {
                terminal::tell(Line::note(text));
            }
        };
        note(format!("connecting to {server}"));
        let connecting = TcpStream::connect((self.host.as_str(), self.port));
        let tcp = tokio::time::timeout(CONNECT, connecting).await.map_err(|_| anyhow!("it takes too long"));
        let tcp =
            tcp.and_then(|tcp| tcp.map_err(Into::into)).with_context(|| format!("connecting to {server}"))?;
        tcp.set_nodelay(true)?;
        let tls = match &self.connector {
            Some(connector) => Some((connector.clone(), ServerName::try_from(self.host.clone())?)),
            None => None,
        };
        let io = match &tls {
            Some((connector, name)) if self.security == Security::Implicit => {
                let handshake = postroad_tokio::tls::HANDSHAKE;
                let io = postroad_tokio::tls::connect(connector, name.clone(), tcp, handshake).await;
                io.with_context(|| format!("TLS with {server}"))?
            }
            _ => MaybeTls::Plain(tcp),
        };
        if io.is_tls() {
            note(tls::name(&io));
        }
        let policy = if self.security == Security::None { TlsPolicy::None } else { TlsPolicy::Required };
        Ok(Transport { io, policy, tls })
    }
}

impl Url {
    fn read(text: &str, protocol: Protocol) -> Result<Self> {
        let (scheme, ..) = protocol.names();
        let form = || format!("it is not like {scheme}s://user@mail.example.org");
        let (found, rest) = text.split_once("://").with_context(form)?;
        let found = found.to_ascii_lowercase();
        let is_implicit = match found.strip_prefix(scheme) {
            Some("") => false,
            Some("s") => true,
            _ => return Err(anyhow!(form())),
        };
        // The name may be an address: the last sign divides.
        let (user, server) = rest.rsplit_once('@').with_context(form)?;
        let user = percent_decoded(user).context("the name has a % that is no escape")?;
        anyhow::ensure!(!user.is_empty(), form());
        anyhow::ensure!(!user.contains(char::is_control), "the name has a control character");
        let (host, port) = address::host_and_port(server.trim_end_matches('/'))?;
        Ok(Self { is_implicit, user, host, port })
    }
}

/// `%40` is `@` (RFC 3986 section 2.1).
fn percent_decoded(text: &str) -> Option<String> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if *first != b'%' {
            out.push(*first);
            continue;
        }
        let (digits, behind) = rest.split_at_checked(2)?;
        let digits = std::str::from_utf8(digits).ok()?;
        out.push(u8::from_str_radix(digits, 16).ok()?);
        rest = behind;
    }
    String::from_utf8(out).ok()
}

fn tap(explain: impl Explain + 'static) -> Tap {
    let explain = Arc::new(Mutex::new(explain));
    Tap::new(move |said| {
        let mut explain = explain.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = match said {
            Tapped::Received(octets) => explain.server_said(octets),
            Tapped::Sent(octets) => explain.client_said(octets),
        };
        lines.into_iter().for_each(terminal::tell);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let read = |text| Url::read(text, Protocol::Imap).unwrap();
        let url = |is_implicit, user: &str, host: &str, port| Url {
            is_implicit,
            user: user.into(),
            host: host.into(),
            port,
        };
        assert_eq!(read("imap://bob@mail.example.org"), url(false, "bob", "mail.example.org", None));
        assert_eq!(
            read("IMAPS://bob@example.org@localhost:1993/"),
            url(true, "bob@example.org", "localhost", Some(1993))
        );
        assert_eq!(read("imap://b%40b@[::1]:143"), url(false, "b@b", "::1", Some(143)));
        for wrong in [
            "localhost",
            "imap://localhost",
            "pop3://bob@localhost",
            "imap://@localhost",
            "imap://b%4@h",
            "imap://b@",
            "imap://b%0a@h",
        ] {
            assert!(Url::read(wrong, Protocol::Imap).is_err(), "{wrong}");
        }
        assert!(Url::read("pop3s://bob@localhost", Protocol::Pop3).unwrap().is_implicit);
    }
}
