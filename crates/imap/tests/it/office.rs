//! A server's application in memory, for tests: one mailbox, answered at once.

use bytes::{Bytes, BytesMut};
use postroad_core::{Session, Step, TlsInfo};
use postroad_imap::command::{FetchItem, SearchKey, StoreOperation};
use postroad_imap::response::{ListResponse, MailboxStatus, Namespace, NamespaceResponse, No};
use postroad_imap::server::{Config, CopyUid, Event, Fetch, RowError, Selected, Server};
use postroad_imap::types::{Flag, MailboxName, Messages, StatusItem, UidSet};
use postroad_imap::view::Change;
use std::sync::Arc;
use std::time::Instant;

#[derive(Debug, Clone)]
pub(crate) struct Mail {
    pub(crate) uid: u32,
    pub(crate) flags: Vec<Flag>,
    pub(crate) octets: Bytes,
}

/// INBOX, and what was heard.
#[derive(Debug)]
pub(crate) struct Office {
    pub(crate) mails: Vec<Mail>,
    pub(crate) uid_next: u32,
    pub(crate) heard: Vec<String>,
    pub(crate) appending: Vec<Bytes>,
    pub(crate) incoming: BytesMut,
}

pub(crate) fn flag(name: &str) -> Flag {
    Flag::parse(name).unwrap()
}

impl Office {
    /// A mailbox with so many messages, of UIDs 10, 20, 30 …
    pub(crate) fn new(count: u32) -> Self {
        let mail = |number: u32| Mail {
            uid: number * 10,
            flags: Vec::new(),
            octets: Bytes::from(format!("Subject: mail {number}\r\n\r\nbody {number}\r\n")),
        };
        Self {
            mails: (1..=count).map(mail).collect(),
            uid_next: count * 10 + 10,
            heard: Vec::new(),
            appending: Vec::new(),
            incoming: BytesMut::new(),
        }
    }

    pub(crate) fn selected(&self) -> Selected {
        Selected::new(1_795_392_000, self.uid_next, self.mails.iter().map(|mail| mail.uid).collect())
    }

    pub(crate) fn named(&self, uids: &UidSet) -> Vec<u32> {
        self.mails.iter().map(|mail| mail.uid).filter(|uid| uids.contains(*uid)).collect()
    }

    fn mail(&mut self, uid: u32) -> &mut Mail {
        self.mails.iter_mut().find(|mail| mail.uid == uid).unwrap()
    }

    /// Answers at once, as a good server does.
    pub(crate) fn answer(&mut self, session: &mut Server, event: Event) {
        match event {
            Event::StartTls(token) => token.accept(session),
            Event::Login(token) => {
                let credentials = token.credentials();
                self.heard.push(format!("login {}", credentials.user_str().unwrap_or("?")));
                match credentials.expose_str() {
                    Some("pickles") => token.ok(session),
                    _ => token.no(session, No::authentication_failed()),
                }
            }
            Event::Authenticate(token) => {
                self.heard.push(format!("authenticate {}", token.mechanism()));
                match token.initial_response() {
                    Some(response) if response.expose() == b"\0bob\0pickles" => token.ok(session),
                    Some(_) => token.no(session, No::authentication_failed()),
                    None => token.challenge(session, b""),
                }
            }
            Event::SaslResponse(token) => match &token.response().expose()[..] {
                b"\0bob\0pickles" => token.ok(session),
                b"more" => token.challenge(session, b"once more"),
                _ => token.no(session, No::authentication_failed()),
            },
            Event::Select(token) if *token.command().mailbox.as_str() == *"INBOX" => {
                let selected = self.selected();
                token.ok(session, selected);
            }
            Event::Select(token) => token.no(session, No::nonexistent()),
            Event::Close(token) => {
                self.mails.retain(|mail| *token.is_read_only() || !mail.flags.contains(&Flag::Deleted));
                token.ok(session);
            }
            Event::Create(token) => token.ok(session, None),
            Event::Delete(token) => token.no(session, No::nonexistent()),
            Event::Rename(token) => token.ok(session),
            Event::Subscribe(token) => token.ok(session),
            Event::List(token) => {
                let inbox = ListResponse::new(MailboxName::inbox(), Some('/'));
                token.mailbox(session, inbox).unwrap();
                token.ok(session);
            }
            Event::Namespace(token) => {
                let personal = Namespace {
                    prefix: MailboxName::default(),
                    delimiter: Some('/'),
                    extensions: Vec::new(),
                };
                token.ok(session, NamespaceResponse { personal: vec![personal], ..Default::default() });
            }
            Event::Status(token) => {
                let mut status = MailboxStatus::new(token.mailbox().clone());
                for item in token.items() {
                    match item {
                        StatusItem::Messages => {
                            status.messages = Some(u32::try_from(self.mails.len()).unwrap());
                        }
                        StatusItem::UidNext => status.uid_next = Some(self.uid_next),
                        _ => {}
                    }
                }
                token.ok(session, status);
            }
            Event::Append(token) => {
                self.heard.push(format!("append {} {}", token.mailbox().as_str(), token.len()));
                if token.mailbox().is_inbox() {
                    if token.is_first() {
                        self.appending.clear();
                    }
                    token.accept(session);
                } else {
                    token.no(session, No::try_create());
                }
            }
            Event::AppendData(chunk) => self.incoming.extend_from_slice(&chunk),
            Event::AppendFinish(token) => {
                let octets = self.incoming.split().freeze();
                let uid = self.uid_next;
                self.uid_next += 10;
                self.mails.push(Mail { uid, flags: Vec::new(), octets });
                session.notify(Change::Added(uid));
                token.ok(session, 1_795_392_000, [uid].into_iter().collect());
            }
            Event::AppendAborted => {
                self.incoming.clear();
                self.heard.push("append aborted".into());
            }
            Event::Fetch(token) => {
                for uid in self.named(token.messages()) {
                    self.row(session, &token, uid).unwrap();
                }
                token.ok(session);
            }
            Event::Store(token) => {
                for uid in self.named(token.messages()) {
                    let command = token.command();
                    let mail = self.mail(uid);
                    match command.operation {
                        StoreOperation::Replace => mail.flags.clone_from(&command.flags),
                        StoreOperation::Add => mail.flags.extend(command.flags.iter().cloned()),
                        StoreOperation::Remove => mail.flags.retain(|flag| !command.flags.contains(flag)),
                    }
                    let flags = mail.flags.clone();
                    token.stored(session, uid, &flags, None).unwrap();
                }
                token.ok(session);
            }
            Event::Search(token) => {
                let keys = token.command().keys.clone();
                let matches = |mail: &&Mail| {
                    keys.evaluate(|key| match key {
                        SearchKey::All => true,
                        SearchKey::Deleted => mail.flags.contains(&Flag::Deleted),
                        SearchKey::Uid(Messages::Set(set)) => set.contains(mail.uid, u32::MAX),
                        other => panic!("{other:?}"),
                    })
                };
                let found: Vec<u32> = self.mails.iter().filter(matches).map(|mail| mail.uid).collect();
                token.ok(session, found, None);
            }
            Event::Copy(token) => {
                let uids = self.named(token.messages());
                let copied = (!uids.is_empty()).then(|| CopyUid {
                    uid_validity: 7,
                    source: uids.iter().copied().collect(),
                    destination: (1..).take(uids.len()).collect(),
                });
                token.ok(session, copied);
            }
            Event::Move(token) => {
                let uids = self.named(token.messages());
                self.mails.retain(|mail| !uids.contains(&mail.uid));
                for uid in &uids {
                    session.notify(Change::Removed(*uid));
                }
                let copied = (!uids.is_empty()).then(|| CopyUid {
                    uid_validity: 7,
                    source: uids.iter().copied().collect(),
                    destination: (1..).take(uids.len()).collect(),
                });
                token.ok(session, copied);
            }
            Event::Expunge(token) => {
                let among = token.messages().clone();
                let goes = |mail: &Mail| {
                    mail.flags.contains(&Flag::Deleted)
                        && among.as_ref().is_none_or(|among| among.contains(mail.uid))
                };
                self.mails
                    .iter()
                    .filter(|mail| goes(mail))
                    .for_each(|mail| session.notify(Change::Removed(mail.uid)));
                self.mails.retain(|mail| !goes(mail));
                token.ok(session);
            }
            Event::BadCommand { error, .. } => {
                self.heard.push(format!("bad {error:?}").chars().take(20).collect());
            }
            Event::Id(_)
            | Event::Idle(_)
            | Event::Unselected
            | Event::Unauthenticated
            | Event::SaslCancelled => {}
            other => panic!("{other:?}"),
        }
    }

    /// The row of a message, with the items of the command that this office knows.
    pub(crate) fn row(&mut self, session: &mut Server, token: &Fetch, uid: u32) -> Result<(), RowError> {
        let mail = self.mail(uid).clone();
        let mut row = token.row(session, uid)?;
        for item in &token.command().items {
            row = match item {
                FetchItem::Flags => row.flags(&mail.flags),
                FetchItem::Uid if !token.command().uid => row.uid(),
                FetchItem::Size => row.size(mail.octets.len() as u64),
                FetchItem::Section { section, .. } => row.section(section, None, Some(mail.octets.clone())),
                _ => row,
            };
        }
        row.end();
        Ok(())
    }
}

/// A session with its input, its office, and what it said.
pub(crate) struct Desk {
    pub(crate) session: Server,
    pub(crate) office: Office,
    pub(crate) input: BytesMut,
    pub(crate) now: Instant,
    pub(crate) said: Vec<u8>,
    pub(crate) ended: Option<String>,
}

impl Desk {
    pub(crate) fn new(config: Config, office: Office) -> Self {
        Self::with(Server::new_over_tls(Arc::new(config), TlsInfo::default()), office)
    }

    pub(crate) fn with(session: Server, office: Office) -> Self {
        let mut desk = Self {
            session,
            office,
            input: BytesMut::new(),
            now: Instant::now(),
            said: Vec::new(),
            ended: None,
        };
        desk.run();
        desk
    }

    /// Logged in, with INBOX selected, and nothing said of that.
    pub(crate) fn selected(count: u32) -> Self {
        let mut desk = Self::new(Config::new(), Office::new(count));
        desk.say("a LOGIN bob pickles\r\nb SELECT INBOX\r\n");
        desk
    }

    /// The next event, without answering it; what is said is collected.
    pub(crate) fn next(&mut self) -> Option<Event> {
        loop {
            let step = self.session.poll_event(self.now, &mut self.input);
            let mut wrote = false;
            while let Some(octets) = self.session.poll_transmit() {
                wrote = true;
                self.said.extend_from_slice(&octets);
            }
            match step {
                Ok(Step::Event(event)) => return Some(event),
                Ok(Step::NeedInput | Step::Paused) if wrote => {}
                Ok(Step::NeedInput | Step::Paused) => return None,
                Ok(Step::Closed) => {
                    self.ended.get_or_insert_with(|| "closed".into());
                    return None;
                }
                Err(error) => {
                    self.ended.get_or_insert_with(|| error.to_string());
                }
            }
        }
    }

    pub(crate) fn run(&mut self) {
        while let Some(event) = self.next() {
            self.office.answer(&mut self.session, event);
        }
    }

    /// The client says something, and this is what is answered.
    pub(crate) fn say(&mut self, octets: impl AsRef<[u8]>) -> String {
        self.said.clear();
        self.input.extend_from_slice(octets.as_ref());
        self.run();
        self.take_said()
    }

    pub(crate) fn take_said(&mut self) -> String {
        String::from_utf8(std::mem::take(&mut self.said)).unwrap()
    }

    /// Time passes.
    pub(crate) fn wait(&mut self, seconds: u64) -> String {
        let until = self.now + std::time::Duration::from_secs(seconds);
        while let Some(next) = self.session.poll_timeout().filter(|next| *next <= until) {
            self.now = self.now.max(next);
            self.session.handle_timeout(self.now);
            self.run();
        }
        self.now = until;
        self.run();
        self.take_said()
    }
}
