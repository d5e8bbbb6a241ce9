//! A server session, and an application that answers at random.
#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use postroad_imap::response::{ListResponse, MailboxStatus, NamespaceResponse, No};
use postroad_imap::server::{Config, CopyUid, Event, RowError, SectionItem, Selected, Server};
use postroad_imap::types::{Capability, Flag, MailboxName, ModSeq, TlsInfo, UidSet};
use postroad_imap::view::Change;
use postroad_imap::{Session, Step};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

const HIGH_WATER: usize = 2000;
const COMMAND: usize = 1000;
/// The most that one answer of this application is.
const ANSWER: usize = 8000;

struct World {
    session: Server,
    input: BytesMut,
    now: Instant,
    held: VecDeque<Event>,
    uids: Vec<u32>,
    /// Octets that wait to be written, as far as the session was asked.
    failed: bool,
}

impl World {
    /// Until there is nothing to do. Bounded: each step takes octets, or leaves a token.
    fn poll(&mut self) {
        let most = self.input.len() * 2 + 2000;
        for _ in 0..most {
            match self.session.poll_event(self.now, &mut self.input) {
                Ok(Step::Event(event)) => {
                    assert!(!self.failed, "nothing happens after the end");
                    match event {
                        Event::Id(_)
                        | Event::Idle(_)
                        | Event::BadCommand { .. }
                        | Event::SaslCancelled
                        | Event::AppendData(_)
                        | Event::AppendAborted
                        | Event::Unselected
                        | Event::Reread(_) => {}
                        event => self.held.push_back(event),
                    }
                }
                Ok(Step::NeedInput) => {
                    assert!(!self.failed);
                    assert!(self.input.len() <= COMMAND + 300, "{} octets are held", self.input.len());
                    return;
                }
                Ok(Step::Paused) => return assert!(!self.failed),
                Ok(Step::Closed) => return,
                Err(_) => {
                    assert!(!self.failed, "it fails once");
                    self.failed = true;
                }
            }
        }
        panic!("it goes round and round");
    }

    fn transmit(&mut self, most: usize) {
        for _ in 0..most {
            let Some(octets) = self.session.poll_transmit() else { return };
            assert!(!octets.is_empty());
        }
    }

    fn selected(&self) -> Selected {
        let mut selected =
            Selected::new(1, self.uids.last().map_or(1, |uid| uid + 1), self.uids.iter().copied().collect());
        selected.highest_mod_seq = Some(ModSeq::from(77));
        selected
    }

    /// Answers what was asked first, or last.
    fn answer(&mut self, how: u8) {
        let event = if how & 8 == 0 { self.held.pop_front() } else { self.held.pop_back() };
        let Some(event) = event else { return };
        let session = &mut self.session;
        if how & 7 == 7 {
            return drop(event);
        }
        let yes = how & 7 != 6;
        match event {
            Event::StartTls(token) if yes => token.accept(session),
            Event::StartTls(token) => token.no(session, No::unavailable()),
            Event::Login(token) if yes => token.ok(session),
            Event::Login(token) => token.no(session, No::authentication_failed()),
            Event::Authenticate(token) if how & 1 == 0 => token.challenge(session, b"who?"),
            Event::Authenticate(token) => token.ok(session),
            Event::SaslResponse(token) if yes => token.ok(session),
            Event::SaslResponse(token) => token.challenge(session, b"again"),
            Event::Select(token) if yes => {
                let selected = self.selected();
                token.ok(&mut self.session, selected);
            }
            Event::Select(token) => token.no(session, No::nonexistent()),
            Event::Close(token) => token.ok(session),
            Event::Create(token) => token.ok(session, None),
            Event::Delete(token) => token.no(session, No::nonexistent()),
            Event::Rename(token) => token.ok(session),
            Event::Subscribe(token) => token.ok(session),
            Event::List(token) => {
                let inbox = ListResponse::new(MailboxName::inbox(), Some('/'));
                if token.mailbox(session, inbox).is_err() {
                    return self.held.push_front(Event::List(token));
                }
                token.ok(session);
            }
            Event::Namespace(token) => token.ok(session, NamespaceResponse::default()),
            Event::Status(token) => {
                let status = MailboxStatus::new(token.mailbox().clone());
                token.ok(session, status);
            }
            Event::Append(token) if yes => token.accept(session),
            Event::Append(token) => token.no(session, No::try_create()),
            Event::AppendFinish(token) => {
                let uid = self.uids.last().map_or(1, |uid| uid + 1);
                self.uids.push(uid);
                session.notify(Change::Added(uid));
                token.ok(session, 1, [uid].into_iter().collect());
            }
            Event::Fetch(token) => {
                for uid in self.uids.iter().copied().filter(|uid| token.messages().contains(*uid)) {
                    let row = match token.row(session, uid) {
                        Ok(row) => row,
                        Err(RowError::Full) => return self.held.push_front(Event::Fetch(token)),
                        Err(_) => continue,
                    };
                    let section = Default::default();
                    let item = SectionItem::Body { section: &section, origin: None };
                    match how & 3 {
                        0 => row.flags(&[Flag::Seen]).size(1).end(),
                        1 => row.section(&section, None, Some(Bytes::from_static(&[b'x'; 1500]))).end(),
                        2 => {
                            let mut literal = row.stream(item, 5);
                            let pushed = literal.push(session, "hello and more".into()).is_ok();
                            assert!(
                                !pushed
                                    || literal.left() == 0
                                    || session.state() == postroad_imap::server::State::Closed
                            );
                            literal.resume(session).flags(&[]).end();
                        }
                        _ => drop(row),
                    }
                }
                token.ok(session);
            }
            Event::Store(token) => {
                for uid in self.uids.clone() {
                    if token.stored(session, uid, &[Flag::Deleted], Some(ModSeq::from(78))).is_err() {
                        break;
                    }
                }
                token.ok(session);
            }
            Event::Search(token) => token.ok(session, self.uids.iter().copied(), None),
            Event::Copy(token) => {
                let source: UidSet = self.uids.iter().copied().collect();
                let copied = CopyUid { uid_validity: 2, destination: source.clone(), source };
                token.ok(session, Some(copied).filter(|copied| !copied.source.is_empty()));
            }
            Event::Move(token) => {
                self.uids.drain(..).for_each(|uid| session.notify(Change::Removed(uid)));
                token.ok(session, None);
            }
            Event::Expunge(token) => {
                if let Some(uid) = self.uids.pop() {
                    session.notify(Change::Removed(uid));
                }
                token.ok(session);
            }
            other => panic!("{other:?}"),
        }
    }

    fn act(&mut self, act: u8) {
        match act >> 5 {
            0 | 1 => self.answer(act & 15),
            2 => self.transmit(usize::from(act & 31)),
            3 => {
                self.now += Duration::from_millis(1 << (act & 15) << 7);
                self.session.handle_timeout(self.now);
            }
            4 => match act & 3 {
                0 => {
                    let uid = self.uids.last().map_or(1, |uid| uid + 1 + u32::from(act & 31));
                    self.uids.push(uid);
                    self.session.notify(Change::Added(uid));
                }
                1 if !self.uids.is_empty() => {
                    let uid = self.uids.remove(usize::from(act & 31) % self.uids.len());
                    self.session.notify(Change::Removed(uid));
                }
                _ => {
                    if let Some(uid) = self.uids.first() {
                        let flags = [Flag::Seen].into_iter().collect();
                        self.session.notify(Change::Flags {
                            uid: *uid,
                            flags,
                            mod_seq: Some(ModSeq::from(99)),
                        });
                    }
                }
            },
            5 if act & 31 == 0 => self.session.handle_eof(),
            5 if act & 31 == 1 => self.session.shut_down(),
            5 if act & 31 == 2 => self.session.mailbox_is_gone(),
            5 => {
                if let Some(at) = self.session.poll_timeout() {
                    self.now = self.now.max(at);
                    self.session.handle_timeout(self.now);
                }
            }
            6 if act & 31 == 0 => self.session.tls_established(TlsInfo::default()),
            _ => {}
        }
        self.poll();
    }
}

fuzz_target!(|data: &[u8]| {
    let [settings, step, count, rest @ ..] = data else { return };
    let (acts, wire) = rest.split_at(usize::from(*count).min(rest.len()));
    let mut config = Config::new();
    config.output_high_water = HIGH_WATER;
    config.max_command = COMMAND;
    config.max_command_before_login = 300;
    config.max_append = 5000;
    config.max_discarded = 20_000;
    config.max_errors_before_login = 10;
    config.max_errors = 30;
    config.starttls = true;
    config.login_without_tls = settings & 1 != 0;
    config.imap4rev2 = settings & 2 != 0;
    config.literal_plus = settings & 4 != 0;
    config.max_pending = usize::from(settings >> 5) + 1;
    config.mechanisms = vec!["PLAIN".into()];
    config.extensions = vec![Capability::CondStore, Capability::QResync, Capability::MultiAppend];
    let session = if settings & 8 == 0 {
        Server::new_over_tls(Arc::new(config), TlsInfo::default())
    } else {
        Server::new(Arc::new(config))
    };
    let mut world = World {
        session,
        input: BytesMut::new(),
        now: Instant::now(),
        held: VecDeque::new(),
        uids: (1..=5).collect(),
        failed: false,
    };
    world.poll();
    if settings & 16 != 0 {
        world.input.extend_from_slice(b"x LOGIN bob pickles\r\ny SELECT INBOX\r\n");
        (0..4).for_each(|_| world.act(0));
    }
    // Without any act at all each command is answered at once.
    let mut acts = acts.iter().copied().cycle();
    for piece in wire.chunks(usize::from(*step) + 1) {
        world.input.extend_from_slice(piece);
        world.poll();
        match acts.next() {
            Some(act) => world.act(act),
            None => (0..8).for_each(|_| {
                world.act(0);
                world.transmit(100);
            }),
        }
        let held = world.input.len();
        if held > COMMAND + 1000 {
            // Nothing was read: it is the output, or the application, that must move.
            world.transmit(1000);
            (0..80).for_each(|_| world.answer(0));
            world.poll();
            world.transmit(1000);
            world.poll();
        }
        assert!(world.input.len() <= held);
    }
    // All is told to it that can be: in the end it is over.
    world.session.handle_eof();
    for _ in 0..200 {
        let mut written = 0;
        while let Some(octets) = world.session.poll_transmit() {
            written += octets.len();
            assert!(written <= HIGH_WATER + ANSWER * 16, "{written} octets were held");
        }
        world.poll();
        world.answer(0);
    }
    world.poll();
    assert!(matches!(world.session.poll_event(world.now, &mut world.input), Ok(Step::Closed)), "it is over");
    world.held.clear();
    assert!(matches!(world.session.poll_event(world.now, &mut world.input), Ok(Step::Closed)));
    assert_eq!(world.session.poll_timeout(), None);
});
