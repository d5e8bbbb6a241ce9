//! Mail stays. Many sessions look at one mailbox at once, and each hears what the others do.
//!
//! The session counts messages; here they have UIDs and nothing else.

use crate::store::{Account, Draft, Message, Store, now};
use bytes::Bytes;
use postroad_imap::command::{self, AppendMessage, FetchItem};
use postroad_imap::message::{SearchContext, SearchMessage, SearchProgram};
use postroad_imap::response::{ListResponse, MailboxStatus, No};
use postroad_imap::server::{self, Fetch, Row, Search, Selected};
use postroad_imap::types::{AppendOptions, Credentials, Flag, MailboxName, StatusItem, UidSet};
use postroad_imap::view::Change;
use postroad_tokio::imap::{Found, Handler, Lists, Rows};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// The flags of a message take no more octets than this.
const MAX_FLAGS: usize = 1024;

/// One connection.
pub struct Desk {
    pub store: Arc<Store>,
}

/// INBOX, while it is selected.
pub struct Open {
    changes: Mutex<mpsc::Receiver<Change>>,
    is_read_only: bool,
}

fn only_inbox(mailbox: &MailboxName) -> Result<(), No> {
    if mailbox.is_inbox() { Ok(()) } else { Err(No::nonexistent()) }
}

fn checked(flags: Vec<Flag>) -> Result<Arc<[Flag]>, No> {
    let octets: usize = flags.iter().map(|flag| flag.name().len()).sum();
    if octets > MAX_FLAGS { Err(No::limit()) } else { Ok(flags.into()) }
}

/// A row of FETCH. What it tells of a message is worked out of the message.
fn write<'s>(mut row: Row<'s>, items: &[FetchItem], message: &Message) -> Row<'s> {
    let parsed = postroad_message::Message::parse(&message.octets);
    for item in items {
        row = match item {
            FetchItem::Uid => row.uid(),
            FetchItem::Flags => row.flags(&message.flags),
            FetchItem::InternalDate => row.internal_date(message.received),
            item => row.message_item(item, &parsed, &message.octets),
        };
    }
    row
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

    async fn list(&self, _: &Arc<Account>, _: &command::List, lists: &Lists<'_>) -> Result<(), No> {
        lists.matching(None, [ListResponse::new(MailboxName::inbox(), None)]).await;
        Ok(())
    }

    async fn status(
        &self,
        account: &Arc<Account>,
        mailbox: &MailboxName,
        _: &[StatusItem], // the session leaves out what was not asked for
    ) -> Result<MailboxStatus, No> {
        only_inbox(mailbox)?;
        let messages = account.messages(|_| true);
        let unseen = messages.iter().filter(|(_, message)| !message.flags.contains(&Flag::Seen)).count();
        let mut status = MailboxStatus::new(mailbox.clone());
        status.messages = u32::try_from(messages.len()).ok();
        status.unseen = u32::try_from(unseen).ok();
        status.recent = Some(0);
        status.uid_next = Some(account.watch().1);
        status.uid_validity = Some(account.uid_validity);
        Ok(status)
    }

    async fn select(&self, account: &Arc<Account>, select: &command::Select) -> Result<(Open, Selected), No> {
        only_inbox(&select.mailbox)?;
        let (uids, uid_next, changes) = account.watch();
        let open = Open { changes: Mutex::new(changes), is_read_only: select.read_only };
        Ok((open, Selected::new(account.uid_validity, uid_next, uids)))
    }

    /// Asked whenever something may be said: in IDLE a delivery is told at once, else with the next command.
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
        let mut items = fetch.command().items.clone();
        let sets_seen = !mailbox.is_read_only && items.iter().any(FetchItem::sets_seen);
        if sets_seen && !items.contains(&FetchItem::Flags) {
            items.push(FetchItem::Flags);
        }
        for (uid, mut message) in account.messages(|uid| fetch.messages().contains(uid)) {
            if sets_seen && !message.flags.contains(&Flag::Seen) {
                message.flags = message.flags.iter().cloned().chain([Flag::Seen]).collect();
                account.set_flags(uid, message.flags.clone());
            }
            // Waits while the client does not read. A message that it knows no more is left out.
            let _ = rows.row(uid, |row| write(row, &items, &message)).await;
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
        for (uid, message) in account.messages(|uid| store.messages().contains(uid)) {
            let flags = checked(store.command().apply(&message.flags))?;
            account.set_flags(uid, flags.clone());
            let _ = rows.stored(uid, &flags, None).await;
        }
        Ok(UidSet::new())
    }

    async fn search(&self, account: &Arc<Account>, _: &Open, search: &Search) -> Result<Found, No> {
        let command = search.command();
        let program = SearchProgram::new(command.keys.clone(), command.charset.as_deref())?;
        let context = SearchContext::resolved(now().unix_timestamp());
        let mut found = Found::default();
        for (uid, Message { octets, received, flags, .. }) in account.messages(|_| true) {
            if program.matches(&SearchMessage::new(uid, &flags, received, &octets), &context) {
                found.uids.push(uid);
            }
            tokio::task::yield_now().await; // others are not kept waiting for a long search
        }
        Ok(found)
    }

    async fn expunge(&self, account: &Arc<Account>, _: &Open, among: Option<&UidSet>) -> Result<(), No> {
        let is_among = |uid| among.is_none_or(|among| among.contains(uid));
        account.remove(|uid, message| message.flags.contains(&Flag::Deleted) && is_among(uid));
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
        only_inbox(mailbox)?;
        Ok((self.store.draft().ok_or_else(No::overquota)?, message.options.clone()))
    }

    async fn append_data(&self, (draft, _): &mut Self::Upload, chunk: Bytes) -> Result<(), No> {
        draft.0.extend_from_slice(&chunk);
        Ok(())
    }

    /// All or none.
    async fn append_finish(
        &self,
        account: &Arc<Account>,
        _: &MailboxName,
        uploads: Vec<Self::Upload>,
    ) -> Result<(u32, UidSet), No> {
        let message = |(draft, options): Self::Upload| {
            Ok(Message::new(draft, options.date.unwrap_or_else(now), checked(options.flags)?))
        };
        let messages: Result<Vec<_>, No> = uploads.into_iter().map(message).collect();
        Ok((account.uid_validity, account.add(messages?)))
    }
}
