//! IMAP on a connection: mailboxes, their messages, and what happens to them.

mod convert;
mod derived;
mod feed;
mod fetch;
mod list;
mod quota;
mod resync;
mod search;
mod sections;
mod sort;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use bytes::Bytes;
use postroad_imap::command::{self, AppendMessage};
use postroad_imap::response::{MailboxStatus, No, Quota, ResponseCode, ThreadResponse};
use postroad_imap::server::{Config, CopyUid, Fetch, Resync, Search, Selected, Sort, Store, Thread};
use postroad_imap::types::{
    Capability, Credentials, FlagPermission, MailboxName, SpecialUse, StatusItem, UidSet,
};
use postroad_imap::view::{Change, Uids};
use postroad_tokio::imap::{AuthAnswer, AuthStep, Found, Handler, Lists, Rows};
use postroad_tokio::{MaybeTls, ServeOptions};
use tokio::net::TcpStream;

use super::Guesses;
use crate::serve::Context;
use crate::store::mailboxes::{self, Choice, Copied, Flags, NewMessage, OpenMailbox};
use crate::store::{Account, Spool, StoreError};
use crate::time::Time;
use feed::Feed;

/// What is served beyond what the session does by itself.
const EXTENSIONS: [&str; 20] = [
    "SPECIAL-USE",
    "CREATE-SPECIAL-USE",
    "LIST-EXTENDED",
    "LIST-STATUS",
    "CONDSTORE",
    "QRESYNC",
    "SORT",
    "SORT=DISPLAY",
    "ESORT",
    "THREAD=ORDEREDSUBJECT",
    "THREAD=REFERENCES",
    "BINARY",
    "UTF8=ACCEPT",
    "STATUS=SIZE",
    "WITHIN",
    "OBJECTID",
    "SAVEDATE",
    "PREVIEW",
    "COMPRESS=DEFLATE",
    "UNAUTHENTICATE",
];
/// The same, where mailboxes have a quota.
const QUOTA: [&str; 2] = ["QUOTA", "QUOTA=RES-STORAGE"];

/// Speaks IMAP to the end of a connection.
pub(super) async fn serve(
    io: MaybeTls<TcpStream>,
    peer: SocketAddr,
    context: &Context,
    options: ServeOptions,
) -> anyhow::Result<()> {
    let mut config = Config::new();
    config.starttls = true;
    config.login_without_tls = context.config.auth.plaintext_without_tls;
    config.max_errors = context.config.limits.errors;
    config.max_append = context.config.limits.message_size;
    config.extensions = extensions(context.config.limits.mailbox_quota.is_some());
    config.id = vec![
        ("name".to_owned(), "Postroad mail-server".to_owned()),
        ("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
    ];
    if context
        .config
        .auth
        .mechanisms
        .iter()
        .any(|mechanism| matches!(mechanism, crate::config::Mechanism::Plain))
    {
        config.mechanisms.push("PLAIN".to_owned());
    }
    let handler = Imap { context, peer, guesses: tokio::sync::Mutex::default() };
    Ok(postroad_tokio::imap::serve(io, Arc::new(config), &handler, options).await?)
}

fn extensions(has_quota: bool) -> Vec<Capability> {
    let known = EXTENSIONS.iter().chain(QUOTA.iter().filter(|_| has_quota));
    known.filter_map(|name| Capability::parse(name).ok()).collect()
}

/// What is decided on one connection.
#[derive(Debug)]
struct Imap<'a> {
    context: &'a Context,
    peer: SocketAddr,
    guesses: tokio::sync::Mutex<Guesses>,
}

/// A mailbox that is selected.
#[derive(Debug)]
struct Open {
    mailbox: mailboxes::Mailbox,
    read_only: bool,
    feed: Mutex<Feed>,
}

impl Open {
    fn feed(&self) -> MutexGuard<'_, Feed> {
        // Nothing in it panics half way.
        self.feed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A message that is coming in.
#[derive(Debug)]
struct Upload {
    spool: Spool,
    flags: Flags,
    internal_date: Option<Time>,
    /// It may hold NUL.
    is_binary: bool,
}

impl Imap<'_> {
    async fn check(&self, name: &str, password: &str) -> Result<Account, No> {
        let domains = &self.context.config.domains;
        match self.context.store.authenticate(name, password.to_owned(), domains).await {
            Ok(Some(account)) => {
                tracing::info!(peer = %self.peer, account = %account.address, protocol = "imap", "logged in");
                Ok(account)
            }
            Ok(None) | Err(StoreError::Invalid(_)) => {
                tracing::info!(peer = %self.peer, protocol = "imap", "log-in failed");
                self.guesses.lock().await.failed().await;
                Err(No::authentication_failed())
            }
            Err(error) => Err(convert::no(&error)),
        }
    }

    /// What STATUS says of a mailbox.
    async fn status_of(
        &self,
        name: MailboxName,
        mailbox: &mailboxes::Mailbox,
        status: &mailboxes::Status,
        items: &[StatusItem],
    ) -> Result<MailboxStatus, No> {
        let mut response = convert::status(name, mailbox, status, items);
        if items.contains(&StatusItem::AppendLimit) {
            response.append_limit = Some(Some(self.context.config.limits.message_size));
        }
        if items.contains(&StatusItem::DeletedStorage) {
            let octets = self.context.store.deleted_octets(mailbox).await;
            response.deleted_storage = Some(octets.map_err(|error| convert::no(&error))?);
        }
        Ok(response)
    }

    async fn target(&self, account: &Account, name: &MailboxName) -> Result<mailboxes::Mailbox, No> {
        let found = self.context.store.find_mailbox(account, name.as_str()).await;
        found.map(|(mailbox, _)| mailbox).map_err(|error| convert::no_target(&error))
    }
}

impl Handler for Imap<'_> {
    type Account = Account;
    type Mailbox = Open;
    type Upload = Upload;
    type Exchange = ();

    fn client(&self, fields: &[(Bytes, Option<Bytes>)]) {
        let shown: Vec<String> = fields
            .iter()
            .filter_map(|(field, value)| {
                Some(format!("{}={}", field.escape_ascii(), value.as_ref()?.escape_ascii()))
            })
            .collect();
        tracing::debug!(peer = %self.peer, client = shown.join(" "), "the client says who it is");
    }

    async fn login(&self, credentials: &Credentials) -> Result<Account, No> {
        if let (Some(name), Some(password)) = (credentials.user_str(), credentials.expose_str()) {
            self.check(name, password).await
        } else {
            self.guesses.lock().await.failed().await;
            Err(No::authentication_failed())
        }
    }

    async fn authenticate(&self, step: AuthStep<()>) -> AuthAnswer<Account, ()> {
        let response = match step {
            AuthStep::Start { initial_response: None, .. } => return AuthAnswer::Challenge(Vec::new(), ()),
            AuthStep::Start { initial_response: Some(response), .. } | AuthStep::Response(response, ()) => {
                response
            }
            _ => return AuthAnswer::Reject(No::authentication_failed()),
        };
        let Ok(credentials) = postroad_sasl::Plain::parse(response.expose()) else {
            self.guesses.lock().await.failed().await;
            return AuthAnswer::Reject(No::authentication_failed());
        };
        let (name, password) = (credentials.authentication_identity(), credentials.password());
        if credentials.authorization_identity().is_some_and(|other| other != name) {
            return AuthAnswer::Reject(No::authorization_failed());
        }
        match self.check(name, password.expose()).await {
            Ok(account) => AuthAnswer::Accept(account),
            Err(no) => AuthAnswer::Reject(no),
        }
    }

    async fn select(&self, account: &Account, select: &command::Select) -> Result<(Open, Selected), No> {
        let store = &self.context.store;
        let opened = store.open_mailbox(account, select.mailbox.as_str()).await;
        let OpenMailbox { mailbox, name, snapshot, changes } = opened.map_err(|error| convert::no(&error))?;
        let mut uids = Uids::new();
        snapshot.uids.iter().for_each(|uid| {
            uids.push(uid);
        });
        let mut selected = Selected::new(mailbox.uidvalidity(), convert::uid_next(snapshot.uidnext), uids);
        let keywords = snapshot.keywords.iter().filter_map(|keyword| convert::keyword(keyword));
        selected.flags.extend(keywords.clone());
        let any = selected.permanent_flags.iter().position(|known| *known == FlagPermission::NewKeywords);
        let at = any.unwrap_or(selected.permanent_flags.len());
        selected.permanent_flags.splice(at..at, keywords.map(FlagPermission::Flag));
        selected.first_unseen = snapshot.first_unseen;
        selected.highest_mod_seq = convert::mod_seq(snapshot.highestmodseq);
        selected.mailbox_id = Some(mailbox.object_id().into());
        selected.list = list::selected(&name);
        let feed = Feed::new(store.clone(), changes, snapshot.uids, snapshot.highestmodseq);
        Ok((Open { mailbox, read_only: select.read_only, feed: Mutex::new(feed) }, selected))
    }

    fn poll_change(&self, open: &Open, context: &mut std::task::Context<'_>) -> Poll<Option<Change>> {
        open.feed().poll(context)
    }

    async fn reread(&self, open: &Open, messages: &UidSet) {
        let choice = Choice { uids: convert::uids(messages), ..Choice::default() };
        let mut rows = self.context.store.message_rows(&open.mailbox, choice);
        loop {
            match rows.next().await {
                Ok(Some(batch)) => open.feed().again(&batch),
                Ok(None) => return,
                Err(error) => {
                    tracing::error!(peer = %self.peer, %error, "flags cannot be read again");
                    return;
                }
            }
        }
    }

    async fn close(&self, _account: &Account, open: &Open, expunge: bool) -> Result<(), No> {
        if expunge && !open.read_only {
            let removed = self.context.store.expunge(&open.mailbox, mailboxes::UidSet::all()).await;
            removed.map_err(|error| convert::no(&error))?;
        }
        Ok(())
    }

    async fn list(&self, account: &Account, list: &command::List, lists: &Lists<'_>) -> Result<(), No> {
        list::list(self, account, list, lists).await
    }

    async fn status(
        &self,
        account: &Account,
        mailbox: &MailboxName,
        items: &[StatusItem],
    ) -> Result<MailboxStatus, No> {
        let found = self.context.store.find_mailbox(account, mailbox.as_str()).await;
        let (found, status) = found.map_err(|error| convert::no(&error))?;
        self.status_of(mailbox.clone(), &found, &status, items).await
    }

    async fn create(
        &self,
        account: &Account,
        mailbox: &MailboxName,
        special_use: &[SpecialUse],
    ) -> Result<Option<Bytes>, No> {
        // A use that the store does not know, or more than one, cannot be had (RFC 6154 section 3, USEATTR).
        let special_use = match special_use {
            [] => None,
            [one] => match mailboxes::SpecialUse::from_attribute(&one.to_string()) {
                Some(known) => Some(known),
                None => return Err(No::new(ResponseCode::UseAttr, "no such special use here")),
            },
            _ => return Err(No::new(ResponseCode::UseAttr, "one special use for a mailbox")),
        };
        let made =
            self.context.store.create_mailbox(account, mailbox.as_str(), special_use, Time::now()).await;
        made.map(|made| Some(made.object_id().into())).map_err(|error| convert::no(&error))
    }

    async fn delete(&self, account: &Account, mailbox: &MailboxName) -> Result<(), No> {
        let deleted = self.context.store.delete_mailbox(account, mailbox.as_str()).await;
        deleted.map_err(|error| convert::no(&error))
    }

    async fn rename(&self, account: &Account, from: &MailboxName, to: &MailboxName) -> Result<(), No> {
        let renamed =
            self.context.store.rename_mailbox(account, from.as_str(), to.as_str(), Time::now()).await;
        renamed.map_err(|error| convert::no(&error))
    }

    async fn subscribe(
        &self,
        account: &Account,
        mailbox: &MailboxName,
        is_subscribed: bool,
    ) -> Result<(), No> {
        let store = &self.context.store;
        let done = if is_subscribed {
            store.subscribe(account, mailbox.as_str()).await
        } else {
            store.unsubscribe(account, mailbox.as_str()).await
        };
        done.map_err(|error| convert::no(&error))
    }

    async fn append(
        &self,
        account: &Account,
        mailbox: &MailboxName,
        message: &AppendMessage,
    ) -> Result<Upload, No> {
        // Before the client sends it in vain.
        self.target(account, mailbox).await?;
        let flags = convert::flags_of(&message.options.flags)?;
        let internal_date = message.options.date.map(|date| Time(date.unix_timestamp().saturating_mul(1000)));
        Ok(Upload { spool: self.context.store.spool(), flags, internal_date, is_binary: message.binary })
    }

    async fn append_data(&self, upload: &mut Upload, chunk: Bytes) -> Result<(), No> {
        if !upload.is_binary && chunk.contains(&0) {
            return Err(No::new(ResponseCode::Cannot, "NUL in a message; only a literal8 may have it"));
        }
        upload.spool.write(&chunk).await.map_err(|error| convert::no(&error))
    }

    async fn append_finish(
        &self,
        account: &Account,
        mailbox: &MailboxName,
        uploads: Vec<Upload>,
    ) -> Result<(u32, UidSet), No> {
        let target = self.target(account, mailbox).await?;
        let mut messages = Vec::with_capacity(uploads.len());
        for Upload { spool, flags, internal_date, .. } in uploads {
            let message = spool.finish().await.map_err(|error| convert::no(&error))?;
            messages.push(NewMessage { message, flags, internal_date });
        }
        let appended = self.context.store.append(&target, messages, Time::now()).await;
        let appended = appended.map_err(|error| convert::no_target(&error))?;
        tracing::info!(
            peer = %self.peer,
            account = %account.address,
            messages = appended.uids.len(),
            "messages appended"
        );
        Ok((appended.uidvalidity, appended.uids.into_iter().collect()))
    }

    async fn fetch(&self, _account: &Account, open: &Open, fetch: &Fetch, rows: &Rows<'_>) -> Result<(), No> {
        fetch::fetch(&self.context.store, open, fetch, rows).await
    }

    async fn store(
        &self,
        _account: &Account,
        open: &Open,
        store: &Store,
        rows: &Rows<'_>,
    ) -> Result<UidSet, No> {
        let command = store.command();
        let change = convert::flags_change(command.operation, &command.flags)?;
        let unchanged_since = command.unchanged_since.map(postroad_imap::types::ModSeq::get);
        let uids = convert::uids(store.messages());
        let stored = self.context.store.store_flags(&open.mailbox, uids, change, unchanged_since).await;
        let stored = stored.map_err(|error| convert::no(&error))?;
        // The session tells them as an answer.
        stored.rows.iter().filter(|row| row.changed).for_each(|row| open.feed().told(row.modseq));
        for row in &stored.rows {
            // Gone meanwhile: that is told in its own time.
            let _ = rows.stored(row.uid, &convert::flags(&row.flags), convert::mod_seq(row.modseq)).await;
        }
        Ok(convert::uid_set(&stored.modified))
    }

    async fn search(&self, _account: &Account, open: &Open, search: &Search) -> Result<Found, No> {
        search::search(&self.context.store, open, search).await
    }

    async fn sort(&self, _account: &Account, open: &Open, sort: &Sort) -> Result<Found, No> {
        sort::sort(&self.context.store, open, sort).await
    }

    async fn thread(&self, _account: &Account, open: &Open, thread: &Thread) -> Result<ThreadResponse, No> {
        sort::thread(&self.context.store, open, thread).await
    }

    async fn resynchronise(
        &self,
        _account: &Account,
        open: &Open,
        resync: &Resync,
        rows: &Rows<'_>,
    ) -> Result<(), No> {
        resync::resynchronise(&self.context.store, open, resync, rows).await
    }

    async fn quota(&self, account: &Account, root: &Bytes) -> Result<Quota, No> {
        let quota = quota::of(&self.context.store, account).await?;
        quota
            .filter(|_| root.is_empty())
            .ok_or_else(|| No::new(ResponseCode::NonExistent, "no such quota root"))
    }

    async fn quota_roots(&self, account: &Account, _mailbox: &MailboxName) -> Result<Vec<Quota>, No> {
        Ok(quota::of(&self.context.store, account).await?.into_iter().collect())
    }

    async fn copy(
        &self,
        account: &Account,
        open: &Open,
        messages: &UidSet,
        to: &MailboxName,
    ) -> Result<Option<CopyUid>, No> {
        let target = self.target(account, to).await?;
        let store = &self.context.store;
        let copied = store.copy_messages(&open.mailbox, convert::uids(messages), &target, Time::now()).await;
        Ok(copy_uid(&copied.map_err(|error| convert::no_target(&error))?))
    }

    async fn move_messages(
        &self,
        account: &Account,
        open: &Open,
        messages: &UidSet,
        to: &MailboxName,
    ) -> Result<Option<CopyUid>, No> {
        let target = self.target(account, to).await?;
        let store = &self.context.store;
        let moved = store.move_messages(&open.mailbox, convert::uids(messages), &target, Time::now()).await;
        Ok(copy_uid(&moved.map_err(|error| convert::no_target(&error))?))
    }

    async fn expunge(&self, account: &Account, open: &Open, among: Option<&UidSet>) -> Result<(), No> {
        let uids = among.map_or_else(mailboxes::UidSet::all, convert::uids);
        let removed = self.context.store.expunge(&open.mailbox, uids).await;
        let removed = removed.map_err(|error| convert::no(&error))?;
        if !removed.uids.is_empty() {
            tracing::info!(peer = %self.peer, account = %account.address, messages = removed.uids.len(), "expunged");
        }
        Ok(())
    }
}

/// COPYUID, if there is something to say.
fn copy_uid(copied: &Copied) -> Option<CopyUid> {
    (!copied.uids.is_empty()).then(|| CopyUid {
        uid_validity: copied.uidvalidity,
        source: copied.uids.iter().map(|(old, _)| *old).collect(),
        destination: copied.uids.iter().map(|(_, new)| *new).collect(),
    })
}
