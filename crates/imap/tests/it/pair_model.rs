//! Several clients on one mailbox, under random orders of sending, deciding and arriving: at the end each believes what is true, and each
//! command did what it meant when it was sent.

use crate::client_talk::{command, select};
use postroad_imap::client::{self, Append, Client, CommandId, NotNowReason};
use postroad_imap::command::{AppendMessage, CommandBody, StoreOperation};
use postroad_imap::response::{Response, Status};
use postroad_imap::server::{self, CopyUid, RowError, Selected, Server};
use postroad_imap::types::{AppendOptions, Flag, TlsInfo, UidSet};
use postroad_imap::view::Change;
use postroad_testkit::Pair;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

/// Numbers that are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }

    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

type Flags = BTreeSet<String>;

fn names<'a>(flags: impl IntoIterator<Item = &'a Flag>) -> Flags {
    flags.into_iter().map(ToString::to_string).collect()
}

fn flags(names: &Flags) -> Vec<Flag> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

/// The one mailbox.
#[derive(Default)]
struct Mailbox {
    messages: BTreeMap<u32, Flags>,
    next: u32,
}

impl Mailbox {
    fn among(&self, uids: &UidSet) -> Vec<u32> {
        uids.ranges().flat_map(|range| self.messages.range(range).map(|(uid, _)| *uid)).collect()
    }
}

/// What a client believes of a message.
type Belief = (Option<u32>, Option<Flags>);

struct User {
    pair: Pair<Client, Server>,
    /// Tokens that are not answered.
    tokens: Vec<server::Event>,
    belief: Vec<Belief>,
    /// Messages are there that it knows nothing of.
    is_curious: bool,
    /// What it has heard of flags may be out of date: it has changed some and asked for silence.
    is_unsure: bool,
    silent: BTreeSet<CommandId>,
    answered: usize,
}

/// What happened in a turn of a user's connection.
#[derive(Default)]
struct Happened {
    client: Vec<client::Event>,
    server: Vec<server::Event>,
    moved: bool,
}

impl User {
    fn new(mailbox: &Mailbox, segment: usize) -> Self {
        let client = Client::new_over_tls(Arc::new(client::Config::new()), TlsInfo::new(), Instant::now());
        let server = Server::new_over_tls(server::Config::new(), TlsInfo::new());
        let mut user = Self {
            pair: Pair::new(client, server).segment(segment),
            tokens: Vec::new(),
            belief: Vec::new(),
            is_curious: false,
            is_unsure: false,
            silent: BTreeSet::new(),
            answered: 0,
        };
        let session = &mut user.pair.client.session;
        session.send(command("LOGIN u p")).unwrap();
        session.send(select("INBOX")).unwrap();
        let uids: Vec<u32> = mailbox.messages.keys().copied().collect();
        while user.turn() {
            for token in std::mem::take(&mut user.tokens) {
                let session = &mut user.pair.server.session;
                match token {
                    server::Event::Login(login) => login.ok(session),
                    server::Event::Select(select) => {
                        select.ok(session, Selected::new(1, mailbox.next, uids.iter().copied().collect()));
                    }
                    other => user.tokens.push(other),
                }
            }
        }
        assert_eq!(user.belief.len(), uids.len());
        user
    }

    /// Lets a few octets go each way. Whether anything moved.
    fn turn(&mut self) -> bool {
        let mut happened = Happened::default();
        happened.moved =
            self.pair.turn(|_, event| happened.client.push(event), |_, event| happened.server.push(event));
        for event in happened.client {
            self.client_event(event);
        }
        for event in happened.server {
            self.server_event(event);
        }
        if std::mem::take(&mut self.is_curious) {
            let known = self.belief.iter().filter_map(|belief| belief.0).max().unwrap_or(0);
            self.send(command(&format!("UID FETCH {}:* (UID FLAGS)", known + 1))).unwrap();
            happened.moved = true;
        }
        if std::mem::take(&mut self.is_unsure) {
            self.send(command("UID FETCH 1:* (UID FLAGS)")).unwrap();
            happened.moved = true;
        }
        happened.moved
    }

    fn send(&mut self, command: CommandBody) -> Result<CommandId, NotNowReason> {
        let is_silent = matches!(&command, CommandBody::Store(store) if store.silent);
        let id = self.pair.client.session.send(command).map_err(|refused| refused.reason)?;
        if is_silent {
            self.silent.insert(id);
        }
        Ok(id)
    }

    fn client_event(&mut self, event: client::Event) {
        match event {
            client::Event::Exists(exists) => {
                let exists = usize::try_from(exists).unwrap();
                assert!(exists >= self.belief.len(), "EXISTS takes messages away");
                self.is_curious |= exists > self.belief.len();
                self.belief.resize(exists, (None, None));
            }
            client::Event::Expunge(number) => {
                self.belief.remove(usize::try_from(number).unwrap() - 1);
            }
            client::Event::Row { row, .. } => {
                let belief = &mut self.belief[usize::try_from(row.number()).unwrap() - 1];
                if let Some(uid) = row.uid() {
                    assert!(belief.0.is_none_or(|known| known == uid), "a number means another message");
                    belief.0 = Some(uid);
                }
                if let Some(flags) = row.flags() {
                    belief.1 = Some(flags.map(|flag| flag.to_string()).collect());
                }
            }
            client::Event::SendBody { len, .. } => {
                let octets = vec![b'm'; usize::try_from(len).unwrap()];
                self.pair.client.session.push_body(octets.into()).unwrap();
            }
            client::Event::Done { of, status } => {
                assert_eq!(status.status, Status::Ok, "{status:?}");
                self.is_unsure |= self.silent.remove(&of);
                self.answered += 1;
            }
            client::Event::Data { response, .. } => {
                assert!(!matches!(response, Response::Unknown(_)), "{response:?}");
            }
            client::Event::Idling(_) | client::Event::Greeting(_) => {}
            other => panic!("{other:?}"),
        }
    }

    fn server_event(&mut self, event: server::Event) {
        match event {
            server::Event::AppendData(_) | server::Event::Idle(_) => return,
            server::Event::BadCommand { error, .. } => panic!("{error:?}"),
            _ => {}
        }
        let writes = |event: &server::Event| {
            matches!(event, server::Event::Store(_) | server::Event::Expunge(_) | server::Event::Move(_))
        };
        let touches = |event: &server::Event| {
            writes(event)
                || matches!(
                    event,
                    server::Event::Fetch(_) | server::Event::Search(_) | server::Event::Copy(_)
                )
        };
        let clashes =
            |other: &server::Event| (writes(&event) && touches(other)) || (touches(&event) && writes(other));
        assert!(!self.tokens.iter().any(clashes), "{event:?} beside {:?}", self.tokens);
        self.tokens.push(event);
    }
}

/// Asserts that a command touches no other message than the one that it says it means, in a name such as `$U7` or `U7`. It may be gone.
fn assert_meant(name: &str, messages: &UidSet) {
    let uid: Option<u32> = name.trim_start_matches('$').strip_prefix('U').and_then(|uid| uid.parse().ok());
    let Some(uid) = uid else { return };
    let hits_another = messages.iter().any(|hit| hit != uid);
    assert!(!hits_another, "the command meant {uid} when it was sent, and hits {messages}");
}

/// Answers a token of this user, as a store would.
fn answer(mailbox: &mut Mailbox, users: &mut [User], of: usize, token: server::Event) {
    // Everybody is told, in the mailbox's order; the one who did it first, as the answer follows.
    let tell = |users: &mut [User], change: &Change, but: Option<usize>| {
        for (at, user) in users.iter_mut().enumerate() {
            if Some(at) != but {
                user.pair.server.session.notify(change.clone());
            }
        }
    };
    match token {
        server::Event::Fetch(fetch) => {
            let session = &mut users[of].pair.server.session;
            for uid in mailbox.among(fetch.messages()) {
                match fetch.row(session, uid) {
                    Ok(row) => {
                        let row = if fetch.command().uid { row } else { row.uid() };
                        row.flags(&flags(&mailbox.messages[&uid])).end();
                    }
                    Err(RowError::Gone) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            fetch.ok(session);
        }
        server::Event::Store(store) => {
            if let Some(flag) = store.command().flags.first() {
                assert_meant(&flag.to_string(), store.messages());
            }
            let new = names(&store.command().flags);
            for uid in mailbox.among(store.messages()) {
                let had = mailbox.messages.get_mut(&uid).unwrap();
                match store.command().operation {
                    StoreOperation::Replace => had.clone_from(&new),
                    StoreOperation::Add => had.extend(new.iter().cloned()),
                    StoreOperation::Remove => had.retain(|flag| !new.contains(flag)),
                }
                let now = flags(had);
                match store.stored(&mut users[of].pair.server.session, uid, &now, None) {
                    Ok(()) | Err(RowError::Gone) => {}
                    Err(error) => panic!("{error}"),
                }
                tell(users, &Change::Flags { uid, flags: now.into(), mod_seq: None }, Some(of));
            }
            store.ok(&mut users[of].pair.server.session);
        }
        server::Event::Search(search) => {
            search.ok(&mut users[of].pair.server.session, mailbox.messages.keys().copied(), None);
        }
        server::Event::Copy(copy) => {
            assert_meant(copy.mailbox().as_ref(), copy.messages());
            copy.ok(&mut users[of].pair.server.session, None);
        }
        server::Event::Append(append) => append.accept(&mut users[of].pair.server.session),
        server::Event::AppendFinish(append) => {
            let uid = mailbox.next;
            mailbox.next += 1;
            mailbox.messages.insert(uid, Flags::new());
            tell(users, &Change::Added(uid), None);
            append.ok(&mut users[of].pair.server.session, 1, [uid].into_iter().collect());
        }
        server::Event::Expunge(expunge) => {
            let gone: Vec<u32> = mailbox
                .messages
                .iter()
                .filter(|(uid, flags)| {
                    flags.contains("\\Deleted")
                        && expunge.messages().as_ref().is_none_or(|among| among.contains(**uid))
                })
                .map(|(uid, _)| *uid)
                .collect();
            for uid in gone {
                mailbox.messages.remove(&uid);
                tell(users, &Change::Removed(uid), None);
            }
            expunge.ok(&mut users[of].pair.server.session);
        }
        server::Event::Move(moved) => {
            assert_meant(moved.mailbox().as_ref(), moved.messages());
            let gone = mailbox.among(moved.messages());
            for uid in &gone {
                mailbox.messages.remove(uid);
                tell(users, &Change::Removed(*uid), None);
            }
            let uids: UidSet = gone.iter().copied().collect();
            let copied = CopyUid { uid_validity: 9, source: uids.clone(), destination: uids };
            moved.ok(&mut users[of].pair.server.session, (!gone.is_empty()).then_some(copied));
        }
        server::Event::Reread(uids) => {
            for uid in mailbox.among(&uids) {
                let flags = flags(&mailbox.messages[&uid]).into();
                users[of].pair.server.session.notify(Change::Flags { uid, flags, mod_seq: None });
            }
        }
        other => panic!("{other:?}"),
    }
}

/// A command that this user might send now; `None`: there is nothing to say it of.
fn some_command(random: &mut Random, user: &User) -> Option<CommandBody> {
    const FLAGS: [&str; 3] = ["\\Seen", "\\Deleted", "$Work"];
    let count = user.belief.len();
    let at = random.below(count);
    let (number, last) = (at + 1, (at + 1 + random.below(3)).min(count));
    let uid = user.belief.get(at).and_then(|belief| belief.0);
    let sign = ["+", "-", ""][random.below(3)];
    let silent = if random.once_in(3) { ".SILENT" } else { "" };
    let flag = FLAGS[random.below(3)];
    let text = match random.below(16) {
        0 => "NOOP".to_owned(),
        1 => "EXPUNGE".to_owned(),
        2 => "IDLE".to_owned(),
        3 => "UID SEARCH ALL".to_owned(),
        4 => "UID FETCH 1:* (FLAGS)".to_owned(),
        5 => format!("UID EXPUNGE 1:{}", uid?),
        6 => format!("UID STORE {} {sign}FLAGS{silent} ({flag})", uid?),
        7 => format!("UID MOVE {} U{}", uid?, uid?),
        _ if count == 0 => return None,
        8 => format!("FETCH {number}:{last} (FLAGS)"),
        9 => format!("SEARCH {number}:{last}"),
        10 => format!("STORE {number}:{last} {sign}FLAGS{silent} ({flag})"),
        // The message that it means is written into the name, so that the server's side can see whether it is hit.
        11 | 12 => format!("STORE {number} +FLAGS{silent} ($U{})", uid?),
        13 => format!("COPY {number} U{}", uid?),
        14 => format!("MOVE {number} U{}", uid?),
        _ => format!("SEARCH UNSEEN {number}"),
    };
    Some(command(&text))
}

/// How often a command was sent, and how often one was given back.
fn run(seed: u64, steps: usize, segment: usize) -> (usize, usize) {
    let mut random = Random(seed | 1);
    let mut mailbox = Mailbox { next: 100, ..Mailbox::default() };
    for _ in 0..random.below(12) {
        mailbox.next += 1 + u32::try_from(random.below(3)).unwrap();
        mailbox.messages.insert(mailbox.next, Flags::new());
    }
    mailbox.next += 1;
    let mut users: Vec<User> = (0..3).map(|_| User::new(&mailbox, segment)).collect();
    let (mut sent, mut refused) = (0, 0);
    for _ in 0..steps {
        let at = random.below(users.len());
        if random.once_in(2) {
            let user = &mut users[at];
            if random.once_in(8) {
                let message = AppendMessage::new(AppendOptions::default(), 1 + random.below(50) as u64);
                let append = Append { mailbox: "INBOX".parse().unwrap(), messages: vec![message] };
                user.pair.client.session.append(append).unwrap();
                sent += 1;
            } else if let Some(command) = some_command(&mut random, user) {
                match user.send(command) {
                    Ok(_) => sent += 1,
                    Err(NotNowReason::SequenceNumbers) => refused += 1,
                    Err(reason) => panic!("{reason}"),
                }
            }
        }
        for _ in 0..=random.below(3) {
            users[at].turn();
        }
        let at = random.below(users.len());
        if !users[at].tokens.is_empty() && random.once_in(2) {
            let which = random.below(users[at].tokens.len());
            let token = users[at].tokens.remove(which);
            answer(&mut mailbox, &mut users, at, token);
        }
    }
    // All come to rest, and are told what they were not told yet.
    for round in 0..2 {
        for user in &mut users {
            if round == 0 {
                user.pair.client.session.done();
            }
            user.send(CommandBody::Noop).unwrap();
        }
        loop {
            let mut moved = false;
            for at in 0..users.len() {
                moved |= users[at].turn();
                while !users[at].tokens.is_empty() {
                    let token = users[at].tokens.remove(0);
                    answer(&mut mailbox, &mut users, at, token);
                    moved = true;
                }
            }
            if !moved {
                break;
            }
        }
    }
    let truth: Vec<Belief> =
        mailbox.messages.iter().map(|(uid, flags)| (Some(*uid), Some(flags.clone()))).collect();
    for user in &users {
        assert_eq!(user.pair.client.session.in_flight(), 0, "seed {seed}");
        assert_eq!(user.belief, truth, "seed {seed}");
        assert_eq!(user.pair.client.session.exists(), u32::try_from(truth.len()).ok());
        assert!(user.answered > 0);
    }
    (sent, refused)
}

#[test]
fn everybody_believes_what_is_true_and_hits_what_is_meant() {
    let (mut sent, mut refused) = (0, 0);
    for seed in 1..=200 {
        let (more_sent, more_refused) = run(seed * 7919, 250, 1 + usize::try_from(seed).unwrap() % 40);
        sent += more_sent;
        refused += more_refused;
    }
    // Both happen often enough for the test to mean something.
    assert!(sent > 10_000 && refused > 1000, "{sent} sent, {refused} refused");
}
