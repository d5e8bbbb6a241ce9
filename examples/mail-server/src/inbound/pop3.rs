//! POP3 on a connection: who may open which maildrop, and its messages.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use postroad_pop3::response::Rejection;
use postroad_pop3::server::Config;
use postroad_pop3::types::{Expire, MessageNumber, Password, UniqueId};
use postroad_tokio::pop3::{Handler, NotRemoved};
use postroad_tokio::{MaybeTls, ServeOptions};
use tokio::net::TcpStream;

use super::{Guesses, hostname};
use crate::serve::Context;
use crate::store::{Account, Maildrop, MessageReader, StoreError};

/// Speaks POP3 to the end of a connection.
pub(super) async fn serve(
    io: MaybeTls<TcpStream>,
    peer: SocketAddr,
    context: &Context,
    options: ServeOptions,
) -> anyhow::Result<()> {
    let mut config = Config::new(hostname(context));
    config.stls = true;
    config.login_without_tls = context.config.auth.plaintext_without_tls;
    config.max_errors = context.config.limits.errors;
    config.expire = Some(Expire::Never);
    let mut handler = Pop3 { context, peer, guesses: Guesses::default() };
    Ok(postroad_tokio::pop3::serve(io, Arc::new(config), &mut handler, options).await?)
}

/// What is decided on one connection.
#[derive(Debug)]
struct Pop3<'a> {
    context: &'a Context,
    peer: SocketAddr,
    guesses: Guesses,
}

/// A maildrop that this connection holds.
#[derive(Debug)]
struct Locked {
    account: Account,
    maildrop: Maildrop,
}

impl Pop3<'_> {
    fn failed(&self, error: &StoreError) -> Rejection {
        tracing::error!(peer = %self.peer, %error, "the store failed");
        Rejection::temporary()
    }

    async fn open(&self, account: Account) -> Result<(Locked, postroad_pop3::types::Maildrop), StoreError> {
        let maildrop = self.context.store.open_maildrop(&account).await?;
        let mut listing = postroad_pop3::types::Maildrop::new();
        for (index, entry) in maildrop.entries().iter().enumerate() {
            let unique_id = maildrop.unique_id(index).and_then(|id| UniqueId::parse(id).ok());
            // Two numbers and a dot are always a unique-id.
            let unique_id = unique_id.ok_or(StoreError::Invalid("not a unique-id"))?;
            listing.push(entry.size, unique_id);
        }
        Ok((Locked { account, maildrop }, listing))
    }
}

impl Handler for Pop3<'_> {
    type Locked = Locked;
    type Message = MessageReader;

    async fn login(
        &mut self,
        name: &str,
        password: &Password,
    ) -> Result<(Locked, postroad_pop3::types::Maildrop), Rejection> {
        let store = &self.context.store;
        let domains = &self.context.config.domains;
        let account = match store.authenticate(name, password.expose().to_owned(), domains).await {
            Ok(Some(account)) => account,
            Ok(None) | Err(StoreError::Invalid(_)) => {
                tracing::info!(peer = %self.peer, protocol = "pop3", "log-in failed");
                self.guesses.failed().await;
                return Err(Rejection::auth());
            }
            Err(error) => return Err(self.failed(&error)),
        };
        match self.open(account).await {
            Ok((locked, listing)) => {
                let account = &locked.account.address;
                tracing::info!(peer = %self.peer, %account, messages = listing.len(), "maildrop opened");
                Ok((locked, listing))
            }
            Err(StoreError::InUse) => Err(Rejection::in_use()),
            Err(error) => Err(self.failed(&error)),
        }
    }

    async fn retrieve(
        &mut self,
        locked: &mut Locked,
        number: MessageNumber,
        _lines: Option<u32>,
    ) -> Result<MessageReader, Rejection> {
        match locked.maildrop.read(number.index()).await {
            Ok(reader) => Ok(reader),
            // Someone else, who is not bound by our lock, has deleted it.
            Err(StoreError::NotFound) => Err(Rejection::new(None, "that message is gone")),
            Err(error) => Err(self.failed(&error)),
        }
    }

    async fn chunk(&mut self, message: &mut MessageReader) -> io::Result<Option<Bytes>> {
        message.next().await.map_err(|error| {
            tracing::error!(peer = %self.peer, %error, "a message cannot be read to its end");
            io::Error::other(error)
        })
    }

    async fn update(&mut self, locked: Locked, deleted: &[MessageNumber]) -> Result<(), NotRemoved> {
        let Locked { account, maildrop } = locked;
        let indexes: Vec<usize> = deleted.iter().map(|number| number.index()).collect();
        maildrop.update(&indexes).await.map_err(|error| {
            tracing::error!(peer = %self.peer, account = %account.address, %error, "the store failed");
            NotRemoved
        })?;
        tracing::info!(peer = %self.peer, account = %account.address, deleted = indexes.len(), "maildrop closed");
        Ok(())
    }
}
