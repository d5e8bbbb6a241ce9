//! The world of [`crate::model`]: a mailbox, its server sessions, their clients, and what is on the way between them.

use crate::model_client::{Client, Kind, Sent, Unit, Units, flags_of};
use bytes::{Bytes, BytesMut};
use postroad_core::{Full, Session, Step, TlsInfo};
use postroad_imap::command::{FetchItem, StoreOperation};
use postroad_imap::server::{
    AppendFinish, Config, Copy, CopyUid, Event, Expunge, Fetch, Literal, Move, RowError, Search, SectionItem,
    Selected, Server, Store,
};
use postroad_imap::types::{Flag, Section, SectionText, UidSet};
use postroad_imap::view::Change;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

const FLAGS: [&str; 3] = ["\\Seen", "\\Deleted", "$Work"];

/// The mailbox as it is: UIDs with flags.
#[derive(Debug, Default)]
struct Mailbox {
    mails: BTreeMap<u32, BTreeSet<String>>,
    next: u32,
}

pub(crate) fn body(uid: u32) -> Vec<u8> {
    format!("Subject: {uid}\r\n\r\n* 1 EXPUNGE\r\n").into_bytes()
}

/// A token that is out, and what is left to do.
#[derive(Debug)]
enum Work {
    Fetch(Fetch, VecDeque<u32>),
    Body(Fetch, VecDeque<u32>, Literal, Bytes),
    Store(Store, VecDeque<u32>),
    Search(Search),
    Copy(Copy),
    Move(Move),
    Expunge(Expunge),
    Append(AppendFinish),
}

#[derive(Debug)]
struct Job {
    sent: Sent,
    work: Work,
}

/// One client and its session.
#[derive(Debug)]
struct Seat {
    server: Server,
    client: Client,
    to_server: BytesMut,
    input: BytesMut,
    units: Units,
    to_client: VecDeque<Unit>,
    /// The commands that the application is to be asked about, in order.
    expected: VecDeque<Sent>,
    jobs: Vec<Job>,
    /// `$`, as the application knows it.
    saved: BTreeSet<u32>,
    /// What is on its way out: an EXPUNGE since the last tagged response.
    has_expunged: bool,
    kinds: BTreeMap<String, Kind>,
}

#[derive(Debug)]
pub(crate) struct World {
    mailbox: Mailbox,
    seats: Vec<Seat>,
    now: Instant,
    /// Whether the application gives a session the changes of flags that it caused itself, before it tells them in answer.
    tells_own: bool,
    pub(crate) seen: Seen,
}

/// What has happened, so that a test can tell that it did.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) expunges: usize,
    pub(crate) waited: usize,
    pub(crate) together: usize,
    pub(crate) meant: usize,
    pub(crate) bodies: usize,
    pub(crate) saved: usize,
}

/// What somebody does next.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Send { seat: usize, what: What, pick: (usize, usize), flag: usize },
    Read { seat: usize, octets: usize },
    Work { seat: usize, job: usize },
    Hear { seat: usize, units: usize },
    Arrive,
    Vanish(usize),
    Flag(usize, usize),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum What {
    Fetch,
    FetchBody,
    FetchSaved,
    UidFetch,
    Store,
    StoreSilent,
    UidStore,
    Search,
    SearchSave,
    UidSearch,
    Copy,
    UidCopy,
    Move,
    UidMove,
    Expunge,
    Append,
    Noop,
    Idle,
}

impl World {
    pub(crate) fn new(seats: usize, mails: u32, tells_own: bool) -> Self {
        let mailbox = Mailbox {
            mails: (1..=mails).map(|number| (number * 10, BTreeSet::new())).collect(),
            next: mails * 10 + 10,
        };
        let seats = (0..seats).map(|number| Seat::new(&mailbox, number == 1)).collect();
        Self { mailbox, seats, now: Instant::now(), tells_own, seen: Seen::default() }
    }

    pub(crate) fn act(&mut self, act: &Act) {
        let count = self.seats.len();
        match *act {
            Act::Send { seat, what, pick, flag } => {
                self.seats[seat % count].send(what, pick, FLAGS[flag % 3]);
            }
            Act::Read { seat, octets } => self.read(seat % count, octets),
            Act::Work { seat, job } => self.work(seat % count, job),
            Act::Hear { seat, units } => self.hear(seat % count, units),
            Act::Arrive => {
                self.arrive();
            }
            Act::Vanish(pick) => {
                let uid = self.mailbox.mails.keys().nth(pick % self.mailbox.mails.len().max(1)).copied();
                if let Some(uid) = uid {
                    self.remove(uid);
                }
            }
            Act::Flag(pick, flag) => {
                let count = self.mailbox.mails.len().max(1);
                let Some((uid, flags)) = self.mailbox.mails.iter_mut().nth(pick % count) else { return };
                let flag = FLAGS[flag % 3].to_owned();
                if !flags.remove(&flag) {
                    flags.insert(flag);
                }
                let uid = *uid;
                self.tell_flags(uid, None);
            }
        }
    }

    fn arrive(&mut self) -> u32 {
        let uid = self.mailbox.next;
        self.mailbox.next += 1;
        self.mailbox.mails.insert(uid, BTreeSet::new());
        self.tell_all(&Change::Added(uid), None);
        uid
    }

    fn remove(&mut self, uid: u32) {
        if self.mailbox.mails.remove(&uid).is_some() {
            self.tell_all(&Change::Removed(uid), None);
        }
    }

    fn tell_flags(&mut self, uid: u32, except: Option<usize>) {
        let flags = self.flags(uid).into();
        self.tell_all(&Change::Flags { uid, flags, mod_seq: None }, except);
    }

    fn flags(&self, uid: u32) -> Vec<Flag> {
        self.mailbox.mails[&uid].iter().map(|flag| Flag::parse(flag).unwrap()).collect()
    }

    fn tell_all(&mut self, change: &Change, except: Option<usize>) {
        for (index, seat) in self.seats.iter_mut().enumerate() {
            if Some(index) != except {
                seat.server.notify(change.clone());
                seat.collect();
            }
        }
    }

    /// The server of a seat reads some octets more, and begins what it may.
    fn read(&mut self, seat: usize, octets: usize) {
        let octets = octets.min(self.seats[seat].to_server.len());
        let read = self.seats[seat].to_server.split_to(octets);
        self.seats[seat].input.unsplit(read);
        self.poll(seat);
    }

    fn poll(&mut self, seat: usize) {
        for _ in 0..100_000 {
            let desk = &mut self.seats[seat];
            let step = desk.server.poll_event(self.now, &mut desk.input);
            let has_said = desk.collect();
            match step.expect("no error") {
                Step::Event(event) => self.event(seat, event),
                Step::NeedInput | Step::Paused if has_said => {}
                Step::Paused => {
                    self.seen.waited += usize::from(!self.seats[seat].jobs.is_empty());
                    return;
                }
                Step::NeedInput => return,
                Step::Closed => panic!("closed"),
            }
        }
        panic!("no end of events");
    }

    fn event(&mut self, seat: usize, event: Event) {
        let in_mailbox = |mailbox: &Mailbox, uids: &UidSet| -> VecDeque<u32> {
            mailbox.mails.keys().copied().filter(|uid| uids.contains(*uid)).collect()
        };
        let (work, named) = match event {
            Event::Append(append) => {
                append.accept(&mut self.seats[seat].server);
                return;
            }
            Event::AppendData(octets) => {
                return assert!(b"hello".windows(octets.len()).any(|part| part == octets));
            }
            Event::Idle(_) => return,
            Event::Reread(uids) => {
                for uid in in_mailbox(&self.mailbox, &uids) {
                    let flags = self.flags(uid).into();
                    self.seats[seat].server.notify(Change::Flags { uid, flags, mod_seq: None });
                }
                return;
            }
            Event::AppendFinish(token) => (Work::Append(token), None),
            Event::Search(token) => (Work::Search(token), None),
            Event::Expunge(token) => {
                let named = token.messages().as_ref().map(|uids| in_mailbox(&self.mailbox, uids));
                (Work::Expunge(token), named)
            }
            Event::Fetch(token) => {
                let named = in_mailbox(&self.mailbox, token.messages());
                (Work::Fetch(token, named.clone()), Some(named))
            }
            Event::Store(token) => {
                let named = in_mailbox(&self.mailbox, token.messages());
                (Work::Store(token, named.clone()), Some(named))
            }
            Event::Copy(token) => {
                let named = in_mailbox(&self.mailbox, token.messages());
                (Work::Copy(token), Some(named))
            }
            Event::Move(token) => {
                let named = in_mailbox(&self.mailbox, token.messages());
                (Work::Move(token), Some(named))
            }
            other => panic!("{other:?}"),
        };
        let here = &mut self.seats[seat];
        let sent = here.expected.pop_front().expect("a command was sent");
        let meant = if sent.is_saved {
            self.seen.saved += 1;
            let told = |uid: &u32| here.server.view().is_some_and(|view| view.told().contains(*uid));
            Some(here.saved.iter().copied().filter(told).collect())
        } else {
            sent.meant.clone()
        };
        if let (Some(named), Some(meant)) = (named, meant) {
            self.seen.meant += 1;
            let there = |uid: &u32| self.mailbox.mails.contains_key(uid);
            let meant: VecDeque<u32> = meant.into_iter().filter(there).collect();
            assert_eq!(named, meant, "{sent:?}: what it does, and what it meant when it was sent");
        }
        for job in &here.jobs {
            let (one, other) = (job.sent.kind, sent.kind);
            let conflict = one.writes() && (other.reads() || other.writes()) || other.writes() && one.reads();
            assert!(!conflict, "{other:?} runs beside {one:?}");
            self.seen.together += 1;
        }
        here.jobs.push(Job { sent, work });
    }

    /// The application goes on with one job of a seat by one step.
    fn work(&mut self, seat: usize, job: usize) {
        let count = self.seats[seat].jobs.len();
        if count == 0 {
            return;
        }
        let Job { sent, work } = self.seats[seat].jobs.remove(job % count);
        let going_on = self.step(seat, &sent, work);
        let here = &mut self.seats[seat];
        match going_on {
            Some(work) => {
                here.jobs.push(Job { sent, work });
                here.collect();
            }
            None => here.collect_end(&sent),
        }
        self.poll(seat);
    }

    fn step(&mut self, seat: usize, sent: &Sent, work: Work) -> Option<Work> {
        match work {
            Work::Fetch(token, mut todo) => {
                let Some(uid) = todo.pop_front() else {
                    token.ok(&mut self.seats[seat].server);
                    return None;
                };
                if !self.mailbox.mails.contains_key(&uid) {
                    return Some(Work::Fetch(token, todo));
                }
                let flags = self.flags(uid);
                let wants_body =
                    token.command().items.iter().any(|item| matches!(item, FetchItem::Section { .. }));
                let row = match token.row(&mut self.seats[seat].server, uid) {
                    Ok(row) => row,
                    Err(RowError::Full) => {
                        todo.push_front(uid);
                        return Some(Work::Fetch(token, todo));
                    }
                    Err(RowError::Gone) => panic!("{uid} is named and not known"),
                    Err(RowError::Closed) => panic!("closed"),
                };
                let row = if token.command().uid { row } else { row.uid() }.flags(&flags);
                if wants_body {
                    self.seen.bodies += 1;
                    let section = Section::new(Vec::new(), SectionText::Whole).unwrap();
                    let octets = Bytes::from(body(uid));
                    let item = SectionItem::Body { section: &section, origin: None };
                    let literal = row.stream(item, octets.len() as u64);
                    return Some(Work::Body(token, todo, literal, octets));
                }
                row.end();
                Some(Work::Fetch(token, todo))
            }
            Work::Body(token, todo, mut literal, mut octets) => {
                let server = &mut self.seats[seat].server;
                if octets.is_empty() {
                    literal.end(server);
                    return Some(Work::Fetch(token, todo));
                }
                let chunk = octets.split_to(octets.len().min(9));
                if let Err(Full(_)) = literal.push(server, chunk) {
                    panic!("the output is empty");
                }
                Some(Work::Body(token, todo, literal, octets))
            }
            Work::Store(token, todo) => self.store(seat, token, todo),
            Work::Search(token) => {
                let here = &mut self.seats[seat];
                let matches = |(uid, flags): (&u32, &BTreeSet<String>)| {
                    let found = token.command().keys.evaluate(|key| match key {
                        postroad_imap::command::SearchKey::All => true,
                        postroad_imap::command::SearchKey::Deleted => flags.contains("\\Deleted"),
                        postroad_imap::command::SearchKey::Uid(postroad_imap::types::Messages::Set(set)) => {
                            set.contains(*uid, u32::MAX)
                        }
                        other => panic!("{other:?}"),
                    });
                    found.then_some(*uid)
                };
                let found: Vec<u32> = self.mailbox.mails.iter().filter_map(matches).collect();
                let told = |uid: &u32| here.server.view().is_some_and(|view| view.told().contains(*uid));
                let truth: BTreeSet<u32> = found.iter().copied().filter(told).collect();
                if token.command().return_options.is_some_and(|options| options.save) {
                    here.saved.clone_from(&truth);
                }
                here.client.truths.push_back((sent.tag.clone(), truth));
                token.ok(&mut here.server, found, None);
                None
            }
            Work::Copy(token) => {
                let source: UidSet = self.present(token.messages());
                let copies: Vec<u32> = (0..source.count()).map(|_| self.arrive()).collect();
                let copied = (!copies.is_empty()).then(|| CopyUid {
                    uid_validity: 1,
                    source,
                    destination: copies.into_iter().collect(),
                });
                token.ok(&mut self.seats[seat].server, copied);
                None
            }
            Work::Move(token) => {
                let source: UidSet = self.present(token.messages());
                for uid in source.iter() {
                    self.remove(uid);
                }
                let destination = (1..).take(usize::try_from(source.count()).unwrap()).collect();
                let moved = (!source.is_empty()).then_some(CopyUid { uid_validity: 2, source, destination });
                token.ok(&mut self.seats[seat].server, moved);
                None
            }
            Work::Expunge(token) => {
                let goes = |(uid, flags): (&u32, &BTreeSet<String>)| {
                    let among = token.messages().as_ref().is_none_or(|among| among.contains(*uid));
                    (among && flags.contains("\\Deleted")).then_some(*uid)
                };
                let gone: Vec<u32> = self.mailbox.mails.iter().filter_map(goes).collect();
                for uid in gone {
                    self.remove(uid);
                }
                token.ok(&mut self.seats[seat].server);
                None
            }
            Work::Append(token) => {
                let uid = self.arrive();
                token.ok(&mut self.seats[seat].server, 1, [uid].into_iter().collect());
                None
            }
        }
    }

    fn store(&mut self, seat: usize, token: Store, mut todo: VecDeque<u32>) -> Option<Work> {
        let Some(uid) = todo.pop_front() else {
            token.ok(&mut self.seats[seat].server);
            return None;
        };
        // A row that is open elsewhere comes first.
        if !self.seats[seat].server.is_ready() {
            todo.push_front(uid);
            return Some(Work::Store(token, todo));
        }
        let Some(flags) = self.mailbox.mails.get_mut(&uid) else { return Some(Work::Store(token, todo)) };
        let names = token.command().flags.iter().map(ToString::to_string);
        match token.command().operation {
            StoreOperation::Replace => *flags = names.collect(),
            StoreOperation::Add => flags.extend(names),
            StoreOperation::Remove => flags.retain(|flag| !names.clone().any(|name| name == *flag)),
        }
        self.tell_flags(uid, Some(seat).filter(|_| !self.tells_own));
        let flags = self.flags(uid);
        let here = &mut self.seats[seat];
        if token.command().silent || token.command().uid {
            token.stored(&mut here.server, uid, &flags, None).unwrap();
        } else {
            // Rows of this test have a UID.
            token.row(&mut here.server, uid).unwrap().uid().flags(&flags).end();
        }
        Some(Work::Store(token, todo))
    }

    fn present(&self, uids: &UidSet) -> UidSet {
        self.mailbox.mails.keys().copied().filter(|uid| uids.contains(*uid)).collect()
    }

    fn hear(&mut self, seat: usize, units: usize) {
        let here = &mut self.seats[seat];
        for _ in 0..units {
            let Some(unit) = here.to_client.pop_front() else { return };
            here.client.take(&unit);
        }
        self.seen.expunges += std::mem::take(&mut here.client.expunges);
    }

    /// Everything comes to rest, and each client asks for news once more.
    pub(crate) fn settle(&mut self) {
        for round in 0..2 {
            for seat in 0..self.seats.len() {
                for _ in 0..10_000 {
                    self.read(seat, usize::MAX);
                    self.work(seat, 0);
                    self.hear(seat, usize::MAX);
                    let here = &mut self.seats[seat];
                    if here.client.is_idle {
                        here.done();
                    }
                    if here.client.in_flight.is_empty() && here.to_server.is_empty() {
                        break;
                    }
                }
                let here = &mut self.seats[seat];
                assert_eq!(here.client.in_flight.iter().map(|sent| &sent.tag).next(), None, "answered");
                assert!(here.units.is_empty() && here.expected.is_empty() && here.jobs.is_empty());
                if round == 0 {
                    here.send(What::Noop, (0, 0), FLAGS[0]);
                }
            }
        }
    }

    pub(crate) fn compare(&self) {
        for seat in &self.seats {
            let slots = &seat.client.slots;
            assert_eq!(slots.len(), self.mailbox.mails.len(), "how many there are");
            for (slot, (uid, flags)) in slots.iter().zip(&self.mailbox.mails) {
                assert!(slot.uid.is_none_or(|known| known == *uid), "{slot:?} is {uid}");
                assert!(slot.flags.as_ref().is_none_or(|known| known == flags), "{slot:?} has {flags:?}");
            }
        }
    }
}

impl Seat {
    fn new(mailbox: &Mailbox, is_rev2: bool) -> Self {
        let mut config = Config::new();
        config.max_pending = 8;
        let mut seat = Self {
            server: Server::new_over_tls(config, TlsInfo::default()),
            client: Client::new(mailbox.mails.keys().copied(), is_rev2),
            to_server: BytesMut::new(),
            input: BytesMut::from("1 LOGIN a b\r\n2 ENABLE IMAP4rev2\r\n3 SELECT INBOX\r\n"),
            units: Units::default(),
            to_client: VecDeque::new(),
            expected: VecDeque::new(),
            jobs: Vec::new(),
            saved: BTreeSet::new(),
            has_expunged: false,
            kinds: BTreeMap::new(),
        };
        if !is_rev2 {
            seat.input = BytesMut::from("1 LOGIN a b\r\n3 SELECT INBOX\r\n");
        }
        let now = Instant::now();
        while let Ok(Step::Event(event)) = seat.server.poll_event(now, &mut seat.input) {
            match event {
                Event::Login(login) => login.ok(&mut seat.server),
                Event::Select(select) => {
                    let uids = mailbox.mails.keys().copied().collect();
                    select.ok(&mut seat.server, Selected::new(1, mailbox.next, uids));
                }
                other => panic!("{other:?}"),
            }
        }
        while seat.server.poll_transmit().is_some() {}
        assert_eq!(seat.server.is_rev2(), is_rev2);
        seat
    }

    fn send(&mut self, what: What, pick: (usize, usize), flag: &str) {
        let kind = match what {
            What::Fetch | What::FetchBody | What::FetchSaved => Kind::Fetch,
            What::UidFetch => Kind::UidFetch,
            What::Store | What::StoreSilent => Kind::Store,
            What::UidStore => Kind::UidStore,
            What::Search | What::SearchSave => Kind::Search,
            What::UidSearch => Kind::UidSearch,
            What::Copy => Kind::Copy,
            What::UidCopy => Kind::UidCopy,
            What::Move => Kind::Move,
            What::UidMove => Kind::UidMove,
            What::Expunge => Kind::Expunge,
            What::Append => Kind::Append,
            What::Noop => Kind::Noop,
            What::Idle => Kind::Idle,
        };
        if self.client.is_idle {
            return self.done();
        }
        if !self.client.may_send(kind)
            || matches!(kind, Kind::Search | Kind::UidSearch) && !self.client.may_search(kind)
        {
            return;
        }
        let count = self.client.slots.len();
        if count == 0 && (kind.has_numbers() || kind.reads()) {
            return;
        }
        let (one, other) = (pick.0 % count.max(1), pick.1 % count.max(1));
        let (first, last) = (one.min(other), one.max(other));
        // A number beyond the first may be two: a range, and the last one alone.
        let slots = self.client.slots.get(first..=last).unwrap_or_default();
        let uids: Option<BTreeSet<u32>> = slots.iter().map(|slot| slot.uid).collect();
        let numbers = format!("{}:{}", first + 1, last + 1);
        let by_uid = |uids: &Option<BTreeSet<u32>>| {
            let uids: Vec<String> = uids.iter().flatten().map(u32::to_string).collect();
            if uids.is_empty() { "4294967295".to_owned() } else { uids.join(",") }
        };
        let add = if pick.0 % 2 == 0 { "+" } else { "-" };
        let silent = if pick.1 % 2 == 0 { ".SILENT" } else { "" };
        let text = match what {
            What::Fetch => format!("FETCH {numbers} (UID FLAGS)"),
            What::FetchBody => format!("FETCH {numbers} (UID FLAGS BODY.PEEK[])"),
            What::FetchSaved => "FETCH $ (UID FLAGS)".to_owned(),
            What::UidFetch => format!("UID FETCH {} (FLAGS BODY.PEEK[])", by_uid(&uids)),
            What::Store => format!("STORE {numbers} {add}FLAGS ({flag})"),
            What::StoreSilent => format!("STORE {numbers} {add}FLAGS.SILENT ({flag})"),
            What::UidStore => format!("UID STORE {} FLAGS{silent} ({flag})", by_uid(&uids)),
            What::Search => format!("SEARCH {}", if pick.0 % 2 == 0 { "DELETED" } else { &numbers }),
            What::SearchSave => format!("SEARCH RETURN (SAVE) {numbers}"),
            What::UidSearch => "UID SEARCH NOT DELETED".to_owned(),
            What::Copy => format!("COPY {numbers} INBOX"),
            What::UidCopy => format!("UID COPY {} INBOX", by_uid(&uids)),
            What::Move => format!("MOVE {numbers} Archive"),
            What::UidMove => format!("UID MOVE {} Archive", by_uid(&uids)),
            What::Expunge => "EXPUNGE".to_owned(),
            What::Append => "APPEND INBOX {5+}\r\nhello".to_owned(),
            What::Noop => "NOOP".to_owned(),
            What::Idle => "IDLE".to_owned(),
        };
        let names = !matches!(kind, Kind::Search | Kind::UidSearch | Kind::Expunge | Kind::Append);
        let is_by_uid = matches!(kind, Kind::UidFetch | Kind::UidStore | Kind::UidCopy | Kind::UidMove);
        let meant = if is_by_uid { Some(uids.unwrap_or_default()) } else { uids };
        let mut sent = self.client.send(kind, meant.filter(|_| names));
        sent.is_saved = matches!(what, What::FetchSaved);
        sent.is_silent = text.contains(".SILENT");
        if sent.is_silent {
            self.client.forget_flags(sent.meant.as_ref());
            self.client.in_flight.last_mut().unwrap().is_silent = true;
        }
        self.to_server.extend_from_slice(format!("{} {text}\r\n", sent.tag).as_bytes());
        self.kinds.insert(sent.tag.clone(), kind);
        match kind {
            Kind::Idle => self.client.is_idle = true,
            Kind::Noop => {}
            _ => self.expected.push_back(sent),
        }
    }

    fn done(&mut self) {
        self.client.is_idle = false;
        self.to_server.extend_from_slice(b"DONE\r\n");
    }

    /// Takes what the server says, and asserts that it may be said now.
    fn collect(&mut self) -> bool {
        self.collect_beside(None)
    }

    /// The same, when an answer was given by the token of `sent`, and so the command runs no more.
    fn collect_end(&mut self, sent: &Sent) {
        self.collect_beside(Some(sent));
    }

    fn collect_beside(&mut self, ended: Option<&Sent>) -> bool {
        let mut has_said = false;
        while let Some(octets) = self.server.poll_transmit() {
            has_said = true;
            self.units.push(&octets);
        }
        while let Some(unit) = self.units.next() {
            let mut words = unit.line.split(' ');
            let (first, second) = (words.next().unwrap(), words.nth(1));
            if first == "*" && second == Some("EXPUNGE") {
                self.has_expunged = true;
                let mut running =
                    self.jobs.iter().map(|job| job.sent.kind).chain(ended.map(|sent| sent.kind));
                let forbids = running.find(|kind| kind.forbids_expunge());
                assert_eq!(forbids, None, "EXPUNGE is sent while this runs, or at its end");
            } else if first != "*" && first != "+" {
                let kind = self.kinds.remove(first).expect("a tag that was sent");
                let may = !self.has_expunged || !kind.forbids_expunge();
                assert!(may, "EXPUNGE is sent at the end of {kind:?}");
                self.has_expunged = false;
            }
            if first == "*" && second == Some("FETCH") {
                assert!(flags_of(&unit.line).is_some(), "{}", unit.line);
            }
            self.to_client.push_back(unit);
        }
        has_said
    }
}
