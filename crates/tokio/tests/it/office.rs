//! A mail store in memory, behind `serve`: what the tests of the IMAP client talk to.

use bytes::Bytes;
use postroad_core::Secret;
use postroad_imap::command::{self, AppendMessage, FetchItem, StoreOperation};
use postroad_imap::message::{SearchContext, SearchProgram, SearchSource};
use postroad_imap::response::{ListResponse, MailboxAttribute, MailboxStatus, No};
use postroad_imap::server::{Config, CopyUid, Fetch, Row, Search, SectionItem, Selected, Store};
use postroad_imap::types::{
    AppendOptions, Credentials, DateTime, Flag, MailboxName, Section, SpecialUse, StatusItem, TlsInfo, UidSet,
};
use postroad_imap::view::Change;
use postroad_message::Message;
use postroad_tokio::imap::{AuthAnswer, AuthStep, Found, Handler, Lists, Rows};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

pub(crate) const UID_VALIDITY: u32 = 1_795_392_000;
/// A section of more octets than this is streamed, in pieces of so many.
const PIECE: usize = 16 * 1024;

#[derive(Debug, Clone)]
pub(crate) struct Mail {
    pub(crate) uid: u32,
    pub(crate) flags: Vec<Flag>,
    pub(crate) octets: Bytes,
    pub(crate) date: DateTime,
}

#[derive(Debug, Default)]
pub(crate) struct Folder {
    pub(crate) mails: Vec<Mail>,
    pub(crate) last_uid: u32,
    pub(crate) is_subscribed: bool,
    special_use: Option<SpecialUse>,
    watchers: Vec<UnboundedSender<Change>>,
}

impl Folder {
    fn tell(&mut self, change: &Change) {
        self.watchers.retain(|watcher| watcher.send(change.clone()).is_ok());
    }

    fn add(&mut self, octets: Bytes, flags: Vec<Flag>, date: DateTime) -> u32 {
        self.last_uid += 1;
        let uid = self.last_uid;
        self.mails.push(Mail { uid, flags, octets, date });
        self.tell(&Change::Added(uid));
        uid
    }

    fn set_flags(&mut self, uid: u32, flags: Vec<Flag>) {
        if let Some(mail) = self.mails.iter_mut().find(|mail| mail.uid == uid) {
            mail.flags.clone_from(&flags);
            self.tell(&Change::Flags { uid, flags: flags.into(), mod_seq: None });
        }
    }

    fn remove(&mut self, gone: impl Fn(&Mail) -> bool) {
        let uids: Vec<u32> = self.mails.iter().filter(|mail| gone(mail)).map(|mail| mail.uid).collect();
        self.mails.retain(|mail| !uids.contains(&mail.uid));
        for uid in uids {
            self.tell(&Change::Removed(uid));
        }
    }
}

/// Everybody's mailboxes.
#[derive(Debug, Default)]
pub(crate) struct Office {
    folders: Mutex<BTreeMap<String, Folder>>,
    /// Octets of messages that were pushed into the session.
    pub(crate) pushed: AtomicU64,
    /// Octets of messages that came in by APPEND.
    pub(crate) received: AtomicU64,
    /// FETCH takes so many milliseconds.
    pub(crate) fetch_delay: AtomicU64,
    /// FETCH and SEARCH fail.
    pub(crate) is_broken: AtomicBool,
    pub(crate) tls: AtomicUsize,
}

pub(crate) fn date() -> DateTime {
    DateTime::from_unix(1_795_392_000, 0).unwrap()
}

pub(crate) fn name(name: &str) -> MailboxName {
    MailboxName::new(name).unwrap()
}

impl Office {
    /// INBOX with these messages, and an empty Trash.
    pub(crate) fn new(messages: &[&[u8]]) -> Arc<Self> {
        let office = Self::default();
        office.folders().insert("INBOX".into(), Folder::default());
        let trash = Folder { special_use: Some(SpecialUse::Trash), ..Folder::default() };
        office.folders().insert("Trash".into(), trash);
        for message in messages {
            office.deliver("INBOX", message);
        }
        Arc::new(office)
    }

    pub(crate) fn folders(&self) -> MutexGuard<'_, BTreeMap<String, Folder>> {
        self.folders.lock().unwrap()
    }

    pub(crate) fn deliver(&self, folder: &str, message: &[u8]) -> u32 {
        let octets = Bytes::copy_from_slice(message);
        self.folders().get_mut(folder).unwrap().add(octets, Vec::new(), date())
    }

    pub(crate) fn remove(&self, folder: &str, uid: u32) {
        self.folders().get_mut(folder).unwrap().remove(|mail| mail.uid == uid);
    }

    pub(crate) fn mails(&self, folder: &str) -> Vec<Mail> {
        self.folders().get(folder).map(|folder| folder.mails.clone()).unwrap_or_default()
    }

    fn with<T>(
        &self,
        folder: &MailboxName,
        missing: fn() -> No,
        f: impl FnOnce(&mut Folder) -> T,
    ) -> Result<T, No> {
        self.folders().get_mut(folder.as_str()).map(f).ok_or_else(missing)
    }

    fn work(&self) -> Result<(), No> {
        if self.is_broken.load(Ordering::SeqCst) { Err(No::unavailable()) } else { Ok(()) }
    }
}

/// What a server of this store is configured as: whatever it can do, it offers.
pub(crate) fn config() -> Config {
    let mut config = Config::new();
    config.login_without_tls = true;
    config.mechanisms = vec!["PLAIN".into()];
    config.max_append = 100 << 20;
    config
}

/// One client's way to the store.
pub(crate) struct Counter(pub(crate) Arc<Office>);

pub(crate) struct Open {
    mailbox: MailboxName,
    changes: Mutex<UnboundedReceiver<Change>>,
}

pub(crate) struct Upload {
    octets: Vec<u8>,
    options: AppendOptions,
}

/// A message as SEARCH sees it.
struct Seen<'a> {
    number: u32,
    mail: &'a Mail,
    message: Message<'a>,
}

impl SearchSource for Seen<'_> {
    fn number(&self) -> u32 {
        self.number
    }

    fn uid(&self) -> u32 {
        self.mail.uid
    }

    fn has_flag(&self, flag: &Flag) -> bool {
        self.mail.flags.contains(flag)
    }

    fn internal_date(&self) -> DateTime {
        self.mail.date
    }

    fn size(&self) -> u64 {
        self.mail.octets.len() as u64
    }

    fn message(&self) -> Option<&Message<'_>> {
        Some(&self.message)
    }
}

fn item<'r>(row: Row<'r>, item: &FetchItem, mail: &Mail) -> Row<'r> {
    let message = || Message::parse(&mail.octets);
    match item {
        FetchItem::Flags => row.flags(&mail.flags),
        FetchItem::Size => row.size(mail.octets.len() as u64),
        FetchItem::InternalDate => row.internal_date(mail.date),
        FetchItem::Envelope => row.envelope(&postroad_imap::message::envelope(&message())),
        FetchItem::BodyStructure => row.body_structure(&postroad_imap::message::body_structure(&message())),
        FetchItem::Section { section, partial, .. } => {
            let octets = octets(mail, section, *partial);
            row.section(section, partial.map(|partial| partial.offset), octets)
        }
        _ => row,
    }
}

fn octets(mail: &Mail, section: &Section, partial: Option<postroad_imap::types::Partial>) -> Option<Bytes> {
    if section == &Section::default() && partial.is_none() {
        return Some(mail.octets.clone());
    }
    let message = Message::parse(&mail.octets);
    let found = postroad_imap::message::section(&message, section, partial)?;
    Some(Bytes::copy_from_slice(&found.of(&mail.octets)))
}

impl Counter {
    async fn row(&self, fetch: &Fetch, rows: &Rows<'_>, mail: &Mail) {
        let items = &fetch.command().items;
        let large = items.iter().position(|item| match item {
            FetchItem::Section { section, partial, .. } => {
                octets(mail, section, *partial).is_some_and(|octets| octets.len() > PIECE)
            }
            _ => false,
        });
        let Some(at) = large else {
            // What is gone is left out.
            let _ = rows.row(mail.uid, |row| items.iter().fold(row, |row, one| item(row, one, mail))).await;
            return;
        };
        let FetchItem::Section { section, partial, .. } = &items[at] else { return };
        let Some(mut body) = octets(mail, section, *partial) else { return };
        let len = body.len() as u64;
        let streamed = SectionItem::Body { section, origin: partial.map(|partial| partial.offset) };
        let before = &items[..at];
        let begun = rows.row_with_body(
            mail.uid,
            |row| before.iter().fold(row, |row, one| item(row, one, mail)),
            streamed,
            len,
        );
        let Ok(mut out) = begun.await else { return };
        while !body.is_empty() {
            let piece = body.split_to(body.len().min(PIECE));
            let len = piece.len() as u64;
            out.push(piece).await;
            self.0.pushed.fetch_add(len, Ordering::SeqCst);
        }
        out.end(|row| items[at + 1..].iter().fold(row, |row, one| item(row, one, mail)));
    }
}

impl Handler for Counter {
    type Account = ();
    type Mailbox = Open;
    type Upload = Upload;
    type Exchange = ();

    fn tls_established(&self, info: &TlsInfo) {
        assert_eq!(info.exporter.as_ref().unwrap().len(), 32);
        self.0.tls.fetch_add(1, Ordering::SeqCst);
    }

    async fn login(&self, credentials: &Credentials) -> Result<(), No> {
        tokio::task::yield_now().await;
        match (credentials.user_str(), credentials.expose_str()) {
            (Some("mrose"), Some("tan staaf")) => Ok(()),
            _ => Err(No::authentication_failed()),
        }
    }

    async fn authenticate(&self, step: AuthStep<()>) -> AuthAnswer<(), ()> {
        let response: Option<Secret<Vec<u8>>> = match step {
            AuthStep::Start { initial_response, .. } => initial_response,
            AuthStep::Response(response, ()) => Some(response),
            _ => None,
        };
        match response {
            None => AuthAnswer::Challenge(Vec::new(), ()),
            Some(response) if response.expose() == b"\0mrose\0tan staaf" => AuthAnswer::Accept(()),
            Some(_) => AuthAnswer::Reject(No::authentication_failed()),
        }
    }

    async fn select(&self, (): &(), select: &command::Select) -> Result<(Open, Selected), No> {
        self.0.with(&select.mailbox, No::nonexistent, |folder| {
            let (sender, receiver) = unbounded_channel();
            folder.watchers.push(sender);
            let uids = folder.mails.iter().map(|mail| mail.uid).collect();
            let selected = Selected::new(UID_VALIDITY, folder.last_uid + 1, uids);
            (Open { mailbox: select.mailbox.clone(), changes: Mutex::new(receiver) }, selected)
        })
    }

    fn poll_change(&self, open: &Open, context: &mut Context<'_>) -> Poll<Option<Change>> {
        open.changes.lock().unwrap().poll_recv(context)
    }

    async fn close(&self, account: &(), open: &Open, expunge: bool) -> Result<(), No> {
        if expunge { self.expunge(account, open, None).await } else { Ok(()) }
    }

    async fn list(&self, (): &(), list: &command::List, lists: &Lists<'_>) -> Result<(), No> {
        let mut found = Vec::new();
        for (name, folder) in &*self.0.folders() {
            let mailbox = MailboxName::new(name.as_str()).map_err(|_| No::server_bug())?;
            let is_wanted = !list.selection.subscribed || folder.is_subscribed;
            if !is_wanted || !list.patterns.iter().any(|pattern| pattern.matches(&mailbox, Some('/'))) {
                continue;
            }
            let mut response = ListResponse::new(mailbox, Some('/'));
            response.attributes.extend(folder.special_use.clone().map(MailboxAttribute::SpecialUse));
            if folder.is_subscribed && (list.selection.subscribed || list.returns.subscribed) {
                response.attributes.push(MailboxAttribute::Subscribed);
            }
            found.push(response);
        }
        for response in found {
            let mailbox = response.mailbox.clone();
            lists.mailbox(response).await;
            if !list.returns.status.is_empty() {
                lists.status(self.status(&(), &mailbox, &list.returns.status).await?).await;
            }
        }
        Ok(())
    }

    async fn status(
        &self,
        (): &(),
        mailbox: &MailboxName,
        items: &[StatusItem],
    ) -> Result<MailboxStatus, No> {
        self.0.with(mailbox, No::nonexistent, |folder| {
            let mut status = MailboxStatus::new(mailbox.clone());
            let unseen = folder.mails.iter().filter(|mail| !mail.flags.contains(&Flag::Seen)).count();
            for item in items {
                match item {
                    StatusItem::Messages => status.messages = u32::try_from(folder.mails.len()).ok(),
                    StatusItem::UidNext => status.uid_next = Some(folder.last_uid + 1),
                    StatusItem::UidValidity => status.uid_validity = Some(UID_VALIDITY),
                    StatusItem::Unseen => status.unseen = u32::try_from(unseen).ok(),
                    StatusItem::Size => {
                        status.size = Some(folder.mails.iter().map(|mail| mail.octets.len() as u64).sum());
                    }
                    _ => {}
                }
            }
            status
        })
    }

    async fn create(&self, (): &(), mailbox: &MailboxName, _: &[SpecialUse]) -> Result<Option<Bytes>, No> {
        let mut folders = self.0.folders();
        if folders.contains_key(mailbox.as_str()) {
            return Err(No::already_exists());
        }
        folders.insert(mailbox.as_str().to_owned(), Folder::default());
        Ok(None)
    }

    async fn delete(&self, (): &(), mailbox: &MailboxName) -> Result<(), No> {
        // Those who have it selected learn it by the end of their changes.
        self.0.folders().remove(mailbox.as_str()).map(drop).ok_or_else(No::nonexistent)
    }

    async fn rename(&self, (): &(), from: &MailboxName, to: &MailboxName) -> Result<(), No> {
        let mut folders = self.0.folders();
        let folder = folders.remove(from.as_str()).ok_or_else(No::nonexistent)?;
        folders.insert(to.as_str().to_owned(), folder);
        Ok(())
    }

    async fn subscribe(&self, (): &(), mailbox: &MailboxName, is_subscribed: bool) -> Result<(), No> {
        self.0.with(mailbox, No::nonexistent, |folder| folder.is_subscribed = is_subscribed)
    }

    async fn append(&self, (): &(), mailbox: &MailboxName, message: &AppendMessage) -> Result<Upload, No> {
        self.0.with(mailbox, No::try_create, |_| Upload {
            octets: Vec::new(),
            options: message.options.clone(),
        })
    }

    async fn append_data(&self, upload: &mut Upload, chunk: Bytes) -> Result<(), No> {
        tokio::task::yield_now().await;
        self.0.received.fetch_add(chunk.len() as u64, Ordering::SeqCst);
        if chunk.windows(4).any(|octets| octets == b"full") {
            return Err(No::overquota());
        }
        upload.octets.extend_from_slice(&chunk);
        Ok(())
    }

    async fn append_finish(
        &self,
        (): &(),
        mailbox: &MailboxName,
        uploads: Vec<Upload>,
    ) -> Result<(u32, UidSet), No> {
        self.0.with(mailbox, No::try_create, |folder| {
            let add = |upload: Upload| {
                let Upload { octets, options } = upload;
                folder.add(octets.into(), options.flags, options.date.unwrap_or_else(date))
            };
            (UID_VALIDITY, uploads.into_iter().map(add).collect())
        })
    }

    async fn fetch(&self, (): &(), open: &Open, fetch: &Fetch, rows: &Rows<'_>) -> Result<(), No> {
        let delay = self.0.fetch_delay.load(Ordering::SeqCst);
        if delay > 0 {
            tokio::time::sleep(Duration::from_millis(delay)).await;
        }
        self.0.work()?;
        let sets_seen = fetch.command().items.iter().any(FetchItem::sets_seen);
        let uids: Vec<u32> = {
            let folders = self.0.folders();
            let folder = folders.get(open.mailbox.as_str()).ok_or_else(No::nonexistent)?;
            let wanted = folder.mails.iter().map(|mail| mail.uid);
            wanted.filter(|uid| fetch.messages().contains(*uid)).collect()
        };
        for uid in uids {
            let mail = self.0.with(&open.mailbox, No::nonexistent, |folder| {
                let mail = folder.mails.iter().find(|mail| mail.uid == uid)?;
                if sets_seen && !mail.flags.contains(&Flag::Seen) {
                    let flags = mail.flags.iter().cloned().chain([Flag::Seen]).collect();
                    folder.set_flags(uid, flags);
                }
                folder.mails.iter().find(|mail| mail.uid == uid).cloned()
            })?;
            if let Some(mail) = mail {
                self.row(fetch, rows, &mail).await;
            }
        }
        Ok(())
    }

    async fn store(&self, (): &(), open: &Open, store: &Store, rows: &Rows<'_>) -> Result<UidSet, No> {
        let command = store.command();
        let stored: Vec<(u32, Vec<Flag>)> = self.0.with(&open.mailbox, No::nonexistent, |folder| {
            let wanted: Vec<Mail> =
                folder.mails.iter().filter(|mail| store.messages().contains(mail.uid)).cloned().collect();
            let change = |mail: Mail| {
                let mut flags = match command.operation {
                    StoreOperation::Replace => Vec::new(),
                    _ => mail.flags,
                };
                flags.retain(|flag| !command.flags.contains(flag));
                if command.operation != StoreOperation::Remove {
                    flags.extend(command.flags.iter().cloned());
                }
                folder.set_flags(mail.uid, flags.clone());
                (mail.uid, flags)
            };
            wanted.into_iter().map(change).collect()
        })?;
        for (uid, flags) in stored {
            let _ = rows.stored(uid, &flags, None).await;
        }
        Ok(UidSet::new())
    }

    async fn search(&self, (): &(), open: &Open, search: &Search) -> Result<Found, No> {
        self.0.work()?;
        let command = search.command();
        let program = SearchProgram::new(command.keys.clone(), command.charset.as_deref())?;
        self.0.with(&open.mailbox, No::nonexistent, |folder| {
            let saved = UidSet::new();
            let context = SearchContext {
                last_number: u32::try_from(folder.mails.len()).unwrap_or(u32::MAX),
                last_uid: folder.last_uid,
                saved: &saved,
                now: date().unix_timestamp(),
                save_dates: false,
            };
            let seen = (1..).zip(&folder.mails).map(|(number, mail)| Seen {
                number,
                mail,
                message: Message::parse(&mail.octets),
            });
            let found = seen.filter(|seen| program.matches(seen, &context)).map(|seen| seen.mail.uid);
            Found { uids: found.collect(), mod_seq: None }
        })
    }

    async fn copy(
        &self,
        (): &(),
        open: &Open,
        messages: &UidSet,
        to: &MailboxName,
    ) -> Result<Option<CopyUid>, No> {
        let mails: Vec<Mail> = self.0.with(&open.mailbox, No::nonexistent, |folder| {
            folder.mails.iter().filter(|mail| messages.contains(mail.uid)).cloned().collect()
        })?;
        if mails.is_empty() {
            return Ok(None);
        }
        let source = mails.iter().map(|mail| mail.uid).collect();
        let destination = self.0.with(to, No::try_create, |folder| {
            mails.into_iter().map(|mail| folder.add(mail.octets, mail.flags, mail.date)).collect()
        })?;
        Ok(Some(CopyUid { uid_validity: UID_VALIDITY, source, destination }))
    }

    async fn move_messages(
        &self,
        account: &(),
        open: &Open,
        messages: &UidSet,
        to: &MailboxName,
    ) -> Result<Option<CopyUid>, No> {
        let copied = self.copy(account, open, messages, to).await?;
        self.0.with(&open.mailbox, No::nonexistent, |folder| {
            folder.remove(|mail| messages.contains(mail.uid));
        })?;
        Ok(copied)
    }

    async fn expunge(&self, (): &(), open: &Open, among: Option<&UidSet>) -> Result<(), No> {
        self.0.with(&open.mailbox, No::nonexistent, |folder| {
            folder.remove(|mail| {
                mail.flags.contains(&Flag::Deleted) && among.is_none_or(|among| among.contains(mail.uid))
            });
        })
    }
}
