//! Mail stays: many sessions look at one mailbox at once, and each hears what the others do.
//!
//! The session counts messages; here are only UIDs.

use crate::fetch::Letter;
use crate::store::{Account, Draft, Store, now};
use bytes::Bytes;
use postroad_imap::command::{self, AppendMessage, FetchItem, StoreOperation};
use postroad_imap::message::{SearchContext, SearchProgram};
use postroad_imap::response::{ListResponse, MailboxAttribute, MailboxStatus, No};
use postroad_imap::server::{self, Fetch, Search, Selected};
use postroad_imap::types::{AppendOptions, Credentials, Flag, MailboxName, StatusItem, UidSet};
use postroad_imap::view::Change;
use postroad_tokio::imap::{Found, Handler, Lists, Rows};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// The names of a message's flags take no more octets than this.
const MAX_FLAGS: usize = 1024;

/// One connection.
pub struct Desk {
    pub store: Arc<Store>,
}

/// INBOX, while a session has it selected.
pub struct Open {
    changes: Mutex<mpsc::Receiver<Change>>,
    is_read_only: bool,
}

fn inbox(mailbox: &MailboxName) -> Result<(), No> {
    if mailbox.is_inbox() { Ok(()) } else { Err(No::nonexistent()) }
}

fn checked(flags: Vec<Flag>) -> Result<Arc<[Flag]>, No> {
    let octets: usize = flags.iter().map(|flag| flag.name().len()).sum();
    if octets > MAX_FLAGS { Err(No::limit()) } else { Ok(flags.into()) }
}

impl Handler for Desk {
    type Account = Arc<Account>;
    type Mailbox = Open;
    type Upload = (Draft, AppendOptions);
    type Exchange = ();

    async fn login(&self, credentials: &Credentials) -> Result<Arc<Account>, No> {
        let account = credentials.user_str().and_then(|name| self.store.accounts.get(name));
        let account = account.filter(|account| Some(account.password) == credentials.expose_str());
        account.cloned().ok_or_else(No::authentication_failed)
    }

    async fn list(&self, _: &Arc<Account>, list: &command::List, lists: &Lists<'_>) -> Result<(), No> {
        // LIST "" "" asks for the delimiter alone: there are no levels here.
        let mut mailbox = ListResponse::new(MailboxName::inbox(), None);
        if list.patterns.iter().any(|pattern| pattern.as_str().is_empty()) {
            mailbox.mailbox = MailboxName::default();
            mailbox.attributes.push(MailboxAttribute::NoSelect);
        } else if !list.patterns.iter().any(|pattern| pattern.matches(&mailbox.mailbox, None)) {
            return Ok(());
        }
        lists.mailbox(mailbox).await;
        Ok(())
    }

    async fn status(
        &self,
        account: &Arc<Account>,
        mailbox: &MailboxName,
        items: &[StatusItem],
    ) -> Result<MailboxStatus, No> {
        inbox(mailbox)?;
        let messages = account.inbox.messages(None);
        let count = |flag: Flag, has: bool| {
            u32::try_from(messages.iter().filter(|(_, message)| message.flags.contains(&flag) == has).count())
                .ok()
        };
        let mut status = MailboxStatus::new(mailbox.clone());
        for item in items {
            match item {
                StatusItem::Messages => status.messages = u32::try_from(messages.len()).ok(),
                StatusItem::UidNext => status.uid_next = Some(account.inbox.uid_next()),
                StatusItem::UidValidity => status.uid_validity = Some(account.inbox.uid_validity),
                StatusItem::Unseen => status.unseen = count(Flag::Seen, false),
                StatusItem::Deleted => status.deleted = count(Flag::Deleted, true),
                StatusItem::Size => {
                    status.size = Some(messages.iter().map(|(_, message)| message.octets.len() as u64).sum());
                }
                StatusItem::Recent => status.recent = Some(0),
                _ => {} // of extensions that are not announced
            }
        }
        Ok(status)
    }

    async fn select(&self, account: &Arc<Account>, select: &command::Select) -> Result<(Open, Selected), No> {
        inbox(&select.mailbox)?;
        let watch = account.inbox.watch();
        let selected = Selected::new(account.inbox.uid_validity, watch.uid_next, watch.uids);
        Ok((Open { changes: Mutex::new(watch.changes), is_read_only: select.read_only }, selected))
    }

    /// Asked whenever the session may say something: in IDLE a delivery is told at once, in a command before its answer.
    fn poll_change(&self, mailbox: &Open, context: &mut Context<'_>) -> Poll<Option<Change>> {
        mailbox.changes.lock().unwrap_or_else(PoisonError::into_inner).poll_recv(context)
    }

    async fn fetch(
        &self,
        account: &Arc<Account>,
        mailbox: &Open,
        fetch: &Fetch,
        rows: &Rows<'_>,
    ) -> Result<(), No> {
        let command = fetch.command();
        let sets_seen = !mailbox.is_read_only && command.items.iter().any(FetchItem::sets_seen);
        for (uid, mut message) in account.inbox.messages(Some(fetch.messages())) {
            let mut items = command.items.clone();
            if command.uid {
                items.retain(|item| *item != FetchItem::Uid); // the session has written it
            }
            if sets_seen && !message.flags.contains(&Flag::Seen) {
                message.flags = message.flags.iter().cloned().chain([Flag::Seen]).collect();
                account.inbox.set_flags(uid, message.flags.clone());
                items.retain(|item| *item != FetchItem::Flags);
                items.push(FetchItem::Flags);
            }
            // Waits while the client does not read, so no more than a message is on its way to it. One that it knows no more is left out.
            let _ = rows.row(uid, |row| Letter::new(uid, &message).write(row, &items)).await;
        }
        Ok(())
    }

    async fn store(
        &self,
        account: &Arc<Account>,
        _: &Open,
        store: &server::Store,
        rows: &Rows<'_>,
    ) -> Result<UidSet, No> {
        let command = store.command();
        for (uid, message) in account.inbox.messages(Some(store.messages())) {
            let mut flags = match command.operation {
                StoreOperation::Replace => Vec::new(),
                _ => message.flags.iter().filter(|flag| !command.flags.contains(flag)).cloned().collect(),
            };
            if command.operation != StoreOperation::Remove {
                flags.extend_from_slice(&command.flags);
            }
            let flags = checked(flags)?;
            if account.inbox.set_flags(uid, flags.clone()).is_some() {
                let _ = rows.stored(uid, &flags, None).await;
            }
        }
        Ok(UidSet::new())
    }

    async fn search(&self, account: &Arc<Account>, _: &Open, search: &Search) -> Result<Found, No> {
        let command = search.command();
        let program = SearchProgram::new(command.keys.clone(), command.charset.as_deref())?;
        // The session has put UIDs in place of numbers, `*` and `$`.
        let context = SearchContext {
            last_number: 0,
            last_uid: u32::MAX,
            saved: &UidSet::new(),
            now: now().unix_timestamp(),
            save_dates: false,
        };
        let mut found = Found::default();
        for (uid, message) in account.inbox.messages(None) {
            if program.matches(&Letter::new(uid, &message), &context) {
                found.uids.push(uid);
            }
            // A search of many messages does not keep other connections waiting.
            tokio::task::yield_now().await;
        }
        Ok(found)
    }

    async fn expunge(&self, account: &Arc<Account>, _: &Open, among: Option<&UidSet>) -> Result<(), No> {
        account.inbox.remove(|uid, message| {
            message.flags.contains(&Flag::Deleted) && among.is_none_or(|among| among.contains(uid))
        });
        Ok(())
    }

    async fn close(&self, account: &Arc<Account>, open: &Open, expunge: bool) -> Result<(), No> {
        if expunge { self.expunge(account, open, None).await } else { Ok(()) }
    }

    async fn append(
        &self,
        _: &Arc<Account>,
        mailbox: &MailboxName,
        message: &AppendMessage,
    ) -> Result<Self::Upload, No> {
        inbox(mailbox)?;
        Ok((self.store.draft().ok_or_else(No::overquota)?, message.options.clone()))
    }

    async fn append_data(&self, upload: &mut Self::Upload, chunk: Bytes) -> Result<(), No> {
        upload.0.push(&chunk).ok_or_else(No::overquota)
    }

    async fn append_finish(
        &self,
        account: &Arc<Account>,
        _: &MailboxName,
        uploads: Vec<Self::Upload>,
    ) -> Result<(u32, UidSet), No> {
        let mut messages = Vec::new();
        for (draft, options) in uploads {
            messages.push(draft.finish(options.date.unwrap_or_else(now), checked(options.flags)?));
        }
        let uids = messages.into_iter().map(|message| account.inbox.add(message)).collect();
        Ok((account.inbox.uid_validity, uids))
    }
}
