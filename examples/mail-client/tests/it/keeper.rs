//! Servers that keep mail, on loopback, by `serve`: IMAP and POP3.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use bytes::Bytes;
use postroad_core::Domain;
use postroad_pop3::response::Rejection;
use postroad_pop3::types::{Maildrop, MessageNumber, Password, UniqueId};
use postroad_tokio::pop3::{Handler, NotRemoved};
use postroad_tokio::tokio_rustls::TlsAcceptor;
use postroad_tokio::{MaybeTls, ServeOptions};

use crate::loopback::Certificate;
use crate::office::{Counter, Office, config};

/// How a server is protected.
#[derive(Clone)]
pub(crate) enum Protection {
    None,
    StartTls(TlsAcceptor),
    Implicit(TlsAcceptor),
}

impl Protection {
    pub(crate) fn starttls(certificate: &Certificate) -> Self {
        Self::StartTls(certificate.config.clone().into())
    }

    pub(crate) fn implicit(certificate: &Certificate) -> Self {
        Self::Implicit(certificate.config.clone().into())
    }

    fn options(&self) -> ServeOptions {
        let tls = if let Self::StartTls(acceptor) = self { Some(acceptor.clone()) } else { None };
        ServeOptions { tls, ..ServeOptions::default() }
    }
}

/// Serves any number of connections until the tests are over; gives the port.
fn listen<F>(
    protection: Protection,
    serve: impl Fn(MaybeTls<tokio::net::TcpStream>) -> F + Send + 'static,
) -> u16
where
    F: Future<Output = ()> + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    listener.set_nonblocking(true).unwrap();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let local = tokio::task::LocalSet::new();
        local.block_on(&runtime, async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                let io = if let Protection::Implicit(acceptor) = &protection {
                    match postroad_tokio::tls::accept(acceptor, tcp, postroad_tokio::tls::HANDSHAKE).await {
                        Ok(io) => io,
                        Err(_) => continue,
                    }
                } else {
                    MaybeTls::Plain(tcp)
                };
                tokio::task::spawn_local(serve(io));
            }
        });
    });
    port
}

/// An IMAP server of this store.
pub(crate) fn imap(office: &Arc<Office>, protection: Protection) -> u16 {
    let office = office.clone();
    let mut config = config();
    config.starttls = matches!(protection, Protection::StartTls(_));
    config.login_without_tls = matches!(protection, Protection::None);
    let config = Arc::new(config);
    let options = protection.options();
    listen(protection, move |io| {
        let (handler, config, options) = (Counter(office.clone()), config.clone(), options.clone());
        async move { drop(postroad_tokio::imap::serve(io, config, &handler, options).await) }
    })
}

/// A maildrop that several sessions see one after the other.
#[derive(Default)]
pub(crate) struct Drop {
    pub(crate) messages: Vec<(u32, Bytes)>,
    /// How many messages may be retrieved before the disk fails.
    pub(crate) fails_after: Option<usize>,
    pub(crate) retrieved: usize,
}

struct Clerk(Arc<Mutex<Drop>>);

impl Handler for Clerk {
    type Locked = Vec<(u32, Bytes)>;
    type Message = (Bytes, bool);

    async fn login(
        &mut self,
        name: &str,
        password: &Password,
    ) -> Result<(Self::Locked, Maildrop), Rejection> {
        if (name, password.expose()) != ("mrose", "tan staaf") {
            return Err(Rejection::auth());
        }
        let messages = self.0.lock().unwrap().messages.clone();
        let mut maildrop = Maildrop::new();
        for (uid, message) in &messages {
            maildrop.push(message.len() as u64, UniqueId::from_uid(1, *uid));
        }
        Ok((messages, maildrop))
    }

    async fn retrieve(
        &mut self,
        locked: &mut Self::Locked,
        number: MessageNumber,
        _: Option<u32>,
    ) -> Result<Self::Message, Rejection> {
        let mut drop = self.0.lock().unwrap();
        drop.retrieved += 1;
        let fails = drop.fails_after.is_some_and(|after| drop.retrieved > after);
        Ok((locked[number.index()].1.clone(), fails))
    }

    async fn chunk(&mut self, (message, fails): &mut Self::Message) -> std::io::Result<Option<Bytes>> {
        if *fails && message.len() < 10 {
            return Err(std::io::Error::other("disk"));
        }
        let octets = message.len().div_ceil(2).min(8192);
        let chunk = message.split_to(octets);
        Ok(Some(chunk).filter(|chunk| !chunk.is_empty()))
    }

    async fn update(&mut self, locked: Self::Locked, deleted: &[MessageNumber]) -> Result<(), NotRemoved> {
        let uids: Vec<u32> = deleted.iter().map(|number| locked[number.index()].0).collect();
        self.0.lock().unwrap().messages.retain(|(uid, _)| !uids.contains(uid));
        Ok(())
    }
}

/// A POP3 server of this maildrop.
pub(crate) fn pop3(maildrop: &Arc<Mutex<Drop>>, protection: Protection) -> u16 {
    let maildrop = maildrop.clone();
    let mut config = postroad_pop3::server::Config::new(Domain::parse("localhost").unwrap());
    config.stls = matches!(protection, Protection::StartTls(_));
    config.login_without_tls = matches!(protection, Protection::None);
    let config = Arc::new(config);
    let options = protection.options();
    listen(protection, move |io| {
        let (mut clerk, config, options) = (Clerk(maildrop.clone()), config.clone(), options.clone());
        async move { drop(postroad_tokio::pop3::serve(io, config, &mut clerk, options).await) }
    })
}
