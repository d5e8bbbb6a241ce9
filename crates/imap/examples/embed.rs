//! An IMAP server over blocking sockets: one thread a connection, the session in the middle, one INBOX in memory for all.
//!
//! `cargo run -p postroad-imap --example imap-embed --features message`, then point a mail program, or two, at port 1143 of localhost, without TLS:
//! any name, password `pickles`. A flag that is set in one is seen in the other.
#![allow(
    clippy::disallowed_methods,
    reason = "somebody has to read the clock: the program, never the session"
)]
#![allow(clippy::expect_used, reason = "what cannot be ends an example")]

use bytes::{Bytes, BytesMut};
use postroad_imap::command::{FetchItem, StoreOperation};
use postroad_imap::message::{self, SearchContext, SearchProgram, SearchSource};
use postroad_imap::response::{ListResponse, MailboxStatus, Namespace, NamespaceResponse, No};
use postroad_imap::server::{Config, Event, Fetch, RowError, Search, Selected, Server, Store};
use postroad_imap::types::{
    AppendOptions, DateTime, Flag, MailboxName, Section, SectionText, StatusItem, UidSet,
};
use postroad_imap::view::Change;
use postroad_imap::{Session, Step};
use postroad_message::Message;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const UID_VALIDITY: u32 = 1;

struct Mail {
    uid: u32,
    flags: Vec<Flag>,
    date: DateTime,
    octets: Bytes,
}

/// INBOX, and all that ever happened to it, in order: each connection tells its session what is new to it.
#[derive(Default)]
struct Inbox {
    mails: Vec<Mail>,
    last_uid: u32,
    changes: Vec<Change>,
}

impl Inbox {
    fn add(&mut self, options: AppendOptions, octets: Bytes) -> u32 {
        self.last_uid += 1;
        let date = options.date.unwrap_or_else(now);
        self.mails.push(Mail { uid: self.last_uid, flags: options.flags, date, octets });
        self.changes.push(Change::Added(self.last_uid));
        self.last_uid
    }

    fn expunge(&mut self, among: Option<&UidSet>) {
        let goes = |mail: &Mail| {
            mail.flags.contains(&Flag::Deleted) && among.is_none_or(|among| among.contains(mail.uid))
        };
        self.changes
            .extend(self.mails.iter().filter(|mail| goes(mail)).map(|mail| Change::Removed(mail.uid)));
        self.mails.retain(|mail| !goes(mail));
    }

    fn among<'a>(&'a mut self, uids: &'a UidSet) -> impl Iterator<Item = &'a mut Mail> {
        self.mails.iter_mut().filter(|mail| uids.contains(mail.uid))
    }
}

/// A message, for SEARCH.
struct Looked<'m>(&'m Mail, Message<'m>);

impl SearchSource for Looked<'_> {
    fn number(&self) -> u32 {
        0 // The session asks by UID only.
    }

    fn uid(&self) -> u32 {
        self.0.uid
    }

    fn has_flag(&self, flag: &Flag) -> bool {
        self.0.flags.contains(flag)
    }

    fn internal_date(&self) -> DateTime {
        self.0.date
    }

    fn size(&self) -> u64 {
        self.0.octets.len() as u64
    }

    fn message(&self) -> Option<&Message<'_>> {
        Some(&self.1)
    }
}

fn now() -> DateTime {
    let now =
        SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|now| i64::try_from(now.as_secs()).ok());
    now.and_then(|seconds| DateTime::from_unix(seconds, 0)).expect("a clock")
}

/// One connection: how much of the changes its session has been given, and the messages that it is appending.
#[derive(Default)]
struct Connection {
    known: usize,
    arrived: Vec<(AppendOptions, BytesMut)>,
}

impl Connection {
    /// Tells the session what has happened since.
    fn news(&mut self, inbox: &Inbox, server: &mut Server) {
        inbox.changes[self.known..].iter().for_each(|change| server.notify(change.clone()));
        self.known = inbox.changes.len();
    }

    /// Every token is answered at once here. A server with a database keeps it until the database has answered.
    fn decide(&mut self, inbox: &mut Inbox, server: &mut Server, event: Event) {
        match event {
            Event::Login(login) if login.credentials().expose_str() == Some("pickles") => login.ok(server),
            Event::Login(login) => login.no(server, No::authentication_failed()),
            Event::Namespace(namespace) => {
                let personal = Namespace {
                    prefix: MailboxName::default(),
                    delimiter: Some('/'),
                    extensions: Vec::new(),
                };
                let all = NamespaceResponse { personal: vec![personal], ..NamespaceResponse::default() };
                namespace.ok(server, all);
            }
            Event::List(list) => {
                let matches =
                    list.command().patterns.iter().any(|p| p.matches(&MailboxName::inbox(), Some('/')));
                let inbox = ListResponse::new(MailboxName::inbox(), Some('/'));
                if !matches || list.mailbox(server, inbox).is_ok() {
                    list.ok(server);
                }
            }
            Event::Subscribe(subscribe) => subscribe.ok(server),
            Event::Status(status) if status.mailbox().is_inbox() => {
                let mut answer = MailboxStatus::new(MailboxName::inbox());
                for item in status.items() {
                    let unseen = inbox.mails.iter().filter(|mail| !mail.flags.contains(&Flag::Seen));
                    match item {
                        StatusItem::Messages => answer.messages = u32::try_from(inbox.mails.len()).ok(),
                        StatusItem::UidNext => answer.uid_next = Some(inbox.last_uid + 1),
                        StatusItem::UidValidity => answer.uid_validity = Some(UID_VALIDITY),
                        StatusItem::Unseen => answer.unseen = u32::try_from(unseen.count()).ok(),
                        StatusItem::Recent => answer.recent = Some(0),
                        _ => {}
                    }
                }
                status.ok(server, answer);
            }
            Event::Select(select) if select.command().mailbox.is_inbox() => {
                // From here on all changes are told, and none of before.
                self.known = inbox.changes.len();
                let uids = inbox.mails.iter().map(|mail| mail.uid).collect();
                select.ok(server, Selected::new(UID_VALIDITY, inbox.last_uid + 1, uids));
            }
            Event::Close(close) => {
                if !close.is_read_only() {
                    inbox.expunge(None);
                }
                close.ok(server);
            }
            Event::Append(append) if append.mailbox().is_inbox() => {
                if append.is_first() {
                    self.arrived.clear();
                }
                self.arrived.push((append.message().options.clone(), BytesMut::new()));
                append.accept(server);
            }
            Event::Append(append) => append.no(server, No::try_create()),
            // A real server writes these to disk as they come.
            Event::AppendData(octets) => {
                if let Some((_, message)) = self.arrived.last_mut() {
                    message.extend_from_slice(&octets);
                }
            }
            Event::AppendFinish(finish) => {
                let arrived = std::mem::take(&mut self.arrived);
                let uids = arrived
                    .into_iter()
                    .map(|(options, octets)| inbox.add(options, octets.freeze()))
                    .collect();
                self.news(inbox, server);
                finish.ok(server, UID_VALIDITY, uids);
            }
            Event::AppendAborted => self.arrived.clear(),
            Event::Fetch(fetch) => self.fetch(inbox, server, fetch),
            Event::Store(store) => self.store(inbox, server, store),
            Event::Search(token) => search(inbox, server, token),
            Event::Expunge(expunge) => {
                inbox.expunge(expunge.messages().as_ref());
                self.news(inbox, server);
                expunge.ok(server);
            }
            Event::Reread(uids) => {
                for mail in inbox.among(&uids) {
                    let flags = mail.flags.as_slice().into();
                    server.notify(Change::Flags { uid: mail.uid, flags, mod_seq: None });
                }
            }
            // There is no other mailbox, and a token that is dropped is answered NO.
            _ => {}
        }
    }

    fn fetch(&mut self, inbox: &mut Inbox, server: &mut Server, fetch: Fetch) {
        let mut changed = UidSet::new();
        for mail in inbox.mails.iter_mut().filter(|mail| fetch.messages().contains(mail.uid)) {
            if *fetch.sets_seen() && !mail.flags.contains(&Flag::Seen) {
                mail.flags.push(Flag::Seen);
                let flags = mail.flags.as_slice().into();
                inbox.changes.push(Change::Flags { uid: mail.uid, flags, mod_seq: None });
                changed.push(mail.uid);
            }
        }
        // First the news, then the rows: so the session knows that a row has told them.
        self.news(inbox, server);
        for mail in inbox.mails.iter().filter(|mail| fetch.messages().contains(mail.uid)) {
            if row(server, &fetch, mail, changed.contains(mail.uid)) == Err(RowError::Closed) {
                return;
            }
        }
        fetch.ok(server);
    }

    fn store(&mut self, inbox: &mut Inbox, server: &mut Server, store: Store) {
        let (command, uids) = (store.command().clone(), store.messages().clone());
        let mut stored = Vec::new();
        for mail in inbox.mails.iter_mut().filter(|mail| uids.contains(mail.uid)) {
            if command.operation == StoreOperation::Replace {
                mail.flags.clear();
            }
            mail.flags.retain(|flag| !command.flags.contains(flag));
            if command.operation != StoreOperation::Remove {
                mail.flags.extend(command.flags.iter().cloned());
            }
            let flags = mail.flags.as_slice().into();
            inbox.changes.push(Change::Flags { uid: mail.uid, flags, mod_seq: None });
            stored.push((mail.uid, mail.flags.clone()));
        }
        self.news(inbox, server);
        for (uid, flags) in stored {
            // `Full` is told only at the output's mark, which is out of reach here; see `row`.
            let _ = store.stored(server, uid, &flags, None);
        }
        store.ok(server);
    }
}

/// What is told of one message. The session may be full here when many are asked for; a large server keeps `fetch` and goes on when
/// [`Server::is_ready`] says so. Here the output's mark is out of reach.
fn row(server: &mut Server, fetch: &Fetch, mail: &Mail, is_changed: bool) -> Result<(), RowError> {
    let parsed = Message::parse(&mail.octets);
    let whole = |text| Section::new(Vec::new(), text).expect("a section");
    let octets = |section: &Section, partial| {
        message::section(&parsed, section, partial)
            .map(|found| Bytes::from(found.of(&mail.octets).into_owned()))
    };
    let mut row = fetch.row(server, mail.uid)?;
    let items = &fetch.command().items;
    if is_changed && !items.contains(&FetchItem::Flags) {
        row = row.flags(&mail.flags);
    }
    for item in items {
        row = match item {
            FetchItem::Flags => row.flags(&mail.flags),
            FetchItem::Uid if !fetch.command().uid => row.uid(),
            FetchItem::InternalDate => row.internal_date(mail.date),
            FetchItem::Size => row.size(mail.octets.len() as u64),
            FetchItem::Envelope => row.envelope(&message::envelope(&parsed)),
            FetchItem::BodyStructure => row.body_structure(&message::body_structure(&parsed)),
            FetchItem::Body => row.body(&message::body_structure(&parsed)),
            FetchItem::Section { section, partial, .. } => {
                row.section(section, partial.map(|partial| partial.offset), octets(section, *partial))
            }
            FetchItem::Rfc822 => row.rfc822(&whole(SectionText::Whole), &mail.octets),
            FetchItem::Rfc822Header => {
                let header = whole(SectionText::Header);
                row.rfc822(&header, &octets(&header, None).unwrap_or_default())
            }
            FetchItem::Rfc822Text => {
                let text = whole(SectionText::Text);
                row.rfc822(&text, &octets(&text, None).unwrap_or_default())
            }
            _ => row, // of extensions that are not announced
        };
    }
    row.end();
    Ok(())
}

fn search(inbox: &Inbox, server: &mut Server, token: Search) {
    let program = match SearchProgram::new(token.command().keys.clone(), token.command().charset.as_deref()) {
        Ok(program) => program,
        Err(no) => return token.no(server, no),
    };
    let saved = UidSet::new();
    let context =
        SearchContext { last_number: 0, last_uid: inbox.last_uid, saved: &saved, now: 0, save_dates: false };
    let matches = |mail: &&Mail| program.matches(&Looked(mail, Message::parse(&mail.octets)), &context);
    let found: Vec<u32> = inbox.mails.iter().filter(matches).map(|mail| mail.uid).collect();
    token.ok(server, found, None);
}

fn serve(mut stream: TcpStream, config: Arc<Config>, inbox: &Mutex<Inbox>) -> io::Result<()> {
    let mut server = Server::new(config);
    let mut connection = Connection::default();
    let mut input = BytesMut::new();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let step = {
            let mut inbox = inbox.lock().unwrap_or_else(PoisonError::into_inner);
            connection.news(&inbox, &mut server);
            let step = server.poll_event(Instant::now(), &mut input);
            match step {
                Ok(Step::Event(event)) => {
                    connection.decide(&mut inbox, &mut server, event);
                    None
                }
                step => Some(step),
            }
        };
        // Before anything else is done with `step`: after an error too, for the farewell is in there.
        while let Some(octets) = server.poll_transmit() {
            stream.write_all(&octets)?;
        }
        match step {
            // All tokens are answered, so it waited for its output alone, and that is written.
            None | Some(Ok(Step::Event(_) | Step::Paused)) => {}
            Some(Ok(Step::NeedInput)) => {
                // Somebody else may change the mailbox while this client is silent: a real server waits for that too.
                let wait = server.poll_timeout().map(|at| at.saturating_duration_since(Instant::now()));
                let wait =
                    wait.unwrap_or(Duration::MAX).clamp(Duration::from_millis(1), Duration::from_secs(1));
                stream.set_read_timeout(Some(wait))?;
                match stream.read(&mut buffer) {
                    Ok(0) => server.handle_eof(),
                    Ok(octets) => input.extend_from_slice(&buffer[..octets]),
                    Err(error)
                        if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) =>
                    {
                        server.handle_timeout(Instant::now());
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            Some(Ok(Step::Closed)) => return Ok(()),
            Some(Err(error)) => return Err(io::Error::other(error)),
        }
    }
}

fn main() -> io::Result<()> {
    let mut config = Config::new();
    config.login_without_tls = true; // in an example only
    config.output_high_water = usize::MAX; // of a mailbox in memory no more can be asked than there is
    let config = Arc::new(config);
    let mut inbox = Inbox::default();
    inbox.add(
        AppendOptions::default(),
        Bytes::from_static(b"Subject: welcome\r\nFrom: postmaster@localhost\r\n\r\nHello.\r\n"),
    );
    let inbox = Arc::new(Mutex::new(inbox));
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:1143".into());
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        let (stream, config, inbox) = (stream?, config.clone(), inbox.clone());
        stream.set_write_timeout(Some(Duration::from_secs(300)))?; // a peer that never reads
        std::thread::spawn(move || {
            if let Err(error) = serve(stream, config, &inbox) {
                println!("connection ended: {error}");
            }
        });
    }
    Ok(())
}
