//! Mail stays. Many sessions look at one mailbox at once, and each hears what the others do. The session counts messages; here they have
//! UIDs and nothing else.

use crate::store::{Inbox, Inboxes, Message, now};
use postroad_imap::command::{self, FetchItem};
use postroad_imap::message::{SearchContext, SearchMessage, SearchProgram};
use postroad_imap::response::{ListResponse, MailboxStatus, No};
use postroad_imap::server::{Fetch, Row, Search, Selected, Store};
use postroad_imap::types::{Credentials, Flag, MailboxName, StatusItem, UidSet};
use postroad_imap::view::Change;
use postroad_tokio::imap::{Found, Handler, Lists, Rows, Watch};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};

/// The flags of a message take no more octets than this.
const MAX_FLAGS: usize = 1024;

/// One connection.
pub(crate) struct Desk(pub(crate) Inboxes);

/// INBOX, while it is selected.
pub(crate) struct Open {
    watch: Watch,
    is_read_only: bool,
}

type Account = Arc<Inbox>;
type Result<T> = std::result::Result<T, No>;

fn only_inbox(mailbox: &MailboxName) -> Result<()> {
    if mailbox.is_inbox() { Ok(()) } else { Err(No::nonexistent()) }
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

/// What is not written here, such as CREATE, COPY and APPEND, is answered NO.
impl Handler for Desk {
    type Account = Account;
    type Mailbox = Open;
    type Upload = ();
    type Exchange = ();

    async fn login(&self, credentials: &Credentials) -> Result<Account> {
        let inbox = credentials.user_str().and_then(|name| self.0.get(name));
        let inbox = inbox.filter(|inbox| Some(inbox.password) == credentials.expose_str());
        inbox.cloned().ok_or_else(No::authentication_failed)
    }

    async fn list(&self, _: &Account, _: &command::List, lists: &Lists<'_>) -> Result<()> {
        lists.matching(None, [ListResponse::new(MailboxName::inbox(), None)]).await;
        Ok(())
    }

    /// The session leaves out what was not asked for.
    async fn status(&self, inbox: &Account, name: &MailboxName, _: &[StatusItem]) -> Result<MailboxStatus> {
        only_inbox(name)?;
        let messages = inbox.messages(|_| true);
        let unseen = messages.iter().filter(|(_, message)| !message.flags.contains(&Flag::Seen)).count();
        let mut status = MailboxStatus::new(name.clone());
        status.messages = u32::try_from(messages.len()).ok();
        status.unseen = u32::try_from(unseen).ok();
        status.recent = Some(0);
        status.uid_next = Some(inbox.uid_next.load(Relaxed));
        status.uid_validity = Some(inbox.uid_validity);
        Ok(status)
    }

    async fn select(&self, inbox: &Account, select: &command::Select) -> Result<(Open, Selected)> {
        only_inbox(&select.mailbox)?;
        let (uids, uid_next, watch) = inbox.watch();
        let selected = Selected::new(inbox.uid_validity, uid_next, uids);
        Ok((Open { watch, is_read_only: select.read_only }, selected))
    }

    /// Asked whenever something may be said: in IDLE a delivery is told at once, else with the next command.
    fn poll_change(&self, open: &Open, context: &mut Context<'_>) -> Poll<Option<Change>> {
        open.watch.poll_change(context)
    }

    async fn fetch(&self, inbox: &Account, open: &Open, fetch: &Fetch, rows: &Rows<'_>) -> Result<()> {
        let mut items = fetch.command().items.clone();
        let sets_seen = !open.is_read_only && items.iter().any(FetchItem::sets_seen);
        if sets_seen && !items.contains(&FetchItem::Flags) {
            items.push(FetchItem::Flags);
        }
        for (uid, mut message) in inbox.messages(|uid| fetch.messages().contains(uid)) {
            // Waits while the client does not read. A message that it knows no more is left out.
            let row = rows.row(uid, |row| {
                let flags = inbox.with_flags(uid, |flags| {
                    if sets_seen && !flags.contains(&Flag::Seen) {
                        *flags = flags.iter().cloned().chain([Flag::Seen]).collect();
                    }
                    flags.clone()
                });
                message.flags = flags.unwrap_or_default();
                write(row, &items, &message)
            });
            let _ = row.await;
        }
        Ok(())
    }

    async fn store(&self, inbox: &Account, _: &Open, store: &Store, rows: &Rows<'_>) -> Result<UidSet> {
        for (uid, _) in inbox.messages(|uid| store.messages().contains(uid)) {
            let stored = inbox.with_flags(uid, |flags| {
                let stored = store.command().apply(flags);
                if stored.iter().map(|flag| flag.name().len()).sum::<usize>() > MAX_FLAGS {
                    return Err(No::limit());
                }
                *flags = stored.into();
                Ok(flags.clone())
            });
            if let Some(flags) = stored.transpose()? {
                let _ = rows.stored(uid, &flags, None).await;
            }
        }
        Ok(UidSet::new()) // none was left alone
    }

    async fn search(&self, inbox: &Account, _: &Open, search: &Search) -> Result<Found> {
        let command = search.command();
        let program = SearchProgram::new(command.keys.clone(), command.charset.as_deref())?;
        let mut found = Found::default();
        for (uid, Message { octets, received, flags }) in inbox.messages(|_| true) {
            let message = SearchMessage::new(uid, &flags, received, &octets);
            if program.matches(&message, &SearchContext::resolved(now())) {
                found.uids.push(uid);
            }
        }
        Ok(found)
    }

    async fn expunge(&self, inbox: &Account, _: &Open, among: Option<&UidSet>) -> Result<()> {
        let is_among = |uid| among.is_none_or(|among| among.contains(uid));
        inbox.remove(|uid, message| message.flags.contains(&Flag::Deleted) && is_among(uid));
        Ok(())
    }

    async fn close(&self, inbox: &Account, open: &Open, expunge: bool) -> Result<()> {
        if expunge { self.expunge(inbox, open, None).await } else { Ok(()) }
    }
}
