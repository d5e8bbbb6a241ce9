//! An application that does what a transcript says that it did: it takes what the server's lines tell, gives it to the session by the
//! tokens, and so what the session makes of it can be compared with the lines.

use crate::model_client::Units;
use bytes::{Bytes, BytesMut};
use postroad_core::TlsInfo;
use postroad_imap::command::FetchItem;
use postroad_imap::response::{
    ESearchResponse, FetchRow, MailboxStatus, No, Numbers, Response, ResponseCode, ResponseOptions, Status,
    StatusResponse, ThreadResponse,
};
use postroad_imap::server::{CopyUid, Event, Fetch, Row, Select, Selected, Server};
use postroad_imap::types::{Capability, Flag, ModSeq, Section, UidSet};
use postroad_imap::view::Change;
use postroad_testkit::transcript::{Act, Happening, Transcript};
use std::collections::VecDeque;

/// What a command was answered.
#[derive(Debug)]
struct Page {
    /// In upper case, without UID.
    command: String,
    untagged: VecDeque<Response>,
    end: StatusResponse,
}

#[derive(Debug, Default)]
pub(crate) struct Book {
    pages: VecDeque<Page>,
    /// What the next SEARCH finds, where its answer does not tell.
    found: Option<Vec<u32>>,
    /// The greatest UID that was given.
    last: u32,
    pub(crate) asked: usize,
}

pub(crate) fn parse(line: &[u8]) -> Option<Response> {
    let unit = line.strip_suffix(b"\r\n").unwrap_or(line);
    Response::parse(&Bytes::copy_from_slice(unit), &ResponseOptions::default())
        .ok()
        .map(|parsed| parsed.response)
}

impl Book {
    pub(crate) fn of(transcript: &Transcript) -> Self {
        let tagged = |octets: &Vec<u8>| match parse(octets) {
            Some(Response::Status(status)) => status.tag,
            _ => None,
        };
        let acts: Vec<&Act> = transcript.acts().collect();
        let tags: Vec<String> = acts
            .iter()
            .filter_map(|act| if let Act::Server(octets) = act { tagged(octets) } else { None })
            .map(|tag| tag.as_str().to_owned())
            .collect();
        let mut commands: VecDeque<(String, String)> = VecDeque::new();
        let mut ends: Vec<(String, VecDeque<Response>, StatusResponse)> = Vec::new();
        let (mut units, mut untagged) = (Units::default(), VecDeque::new());
        for act in acts {
            match act {
                Act::Client(octets) => {
                    let line = String::from_utf8_lossy(octets).to_ascii_uppercase();
                    let mut words = line.split_whitespace().filter(|word| *word != "UID");
                    let tag = String::from_utf8_lossy(octets);
                    let tag = tag.split(' ').next().unwrap().to_owned();
                    if tags.contains(&tag) {
                        // The greeting is no answer.
                        if commands.is_empty() {
                            untagged.clear();
                        }
                        words.next();
                        commands.push_back((tag, words.next().unwrap_or_default().to_owned()));
                    }
                }
                Act::Server(octets) => {
                    units.push(octets);
                    while let Some(unit) = units.next_octets() {
                        match parse(&unit).expect("a response") {
                            Response::Status(end) if end.tag.is_some() => {
                                let tag = end.tag.clone().unwrap().as_str().to_owned();
                                ends.push((tag, std::mem::take(&mut untagged), end));
                            }
                            response => untagged.push_back(response),
                        }
                    }
                }
                _ => {}
            }
        }
        let mut pages = VecDeque::new();
        for (tag, command) in commands {
            let at = ends.iter().position(|(of, ..)| *of == tag).expect("an answer");
            let (_, mut untagged, end) = ends.remove(at);
            if !matches!(command.as_str(), "APPEND" | "AUTHENTICATE") {
                untagged.retain(|line| !matches!(line, Response::Continuation(_)));
            }
            pages.push_back(Page { command, untagged, end });
        }
        Self { pages, ..Self::default() }
    }

    /// The page of the command that is asked about; those before it were answered by the session.
    fn page(&mut self, commands: &[&str]) -> Page {
        self.asked += 1;
        loop {
            let page = self.pages.pop_front().unwrap_or_else(|| panic!("no {commands:?} in the book"));
            if commands.contains(&page.command.as_str()) {
                return page;
            }
        }
    }

    /// `A:` lines: what happens beside the dialogue.
    pub(crate) fn note(&mut self, session: &mut Server, note: &str) {
        let mut words = note.split_whitespace();
        let word = words.next().unwrap();
        let mut number = || words.next().map_or(1, |number| number.parse::<u32>().unwrap());
        let uid = |session: &Server, number: u32| session.view().unwrap().told().uid(number).unwrap();
        match word {
            "remove" => {
                let uid = uid(session, number());
                session.notify(Change::Removed(uid));
            }
            "exists" => {
                let last = session.view().unwrap().told().last().unwrap_or(0).max(self.last);
                self.last = last + number();
                (last + 1..=self.last).for_each(|uid| session.notify(Change::Added(uid)));
            }
            "flags" => {
                let uid = uid(session, number());
                // A number among them is the modification sequence.
                let (numbers, flags): (Vec<&str>, Vec<&str>) =
                    words.partition(|word| word.starts_with(|first: char| first.is_ascii_digit()));
                let mod_seq = numbers.first().map(|number| ModSeq::new(number.parse().unwrap()).unwrap());
                let flags =
                    flags.into_iter().map(|flag| Flag::parse(flag).unwrap()).collect::<Vec<_>>().into();
                session.notify(Change::Flags { uid, flags, mod_seq });
            }
            "highest" => {
                let highest = ModSeq::new(words.next().unwrap().parse().unwrap()).unwrap();
                session.notify(Change::HighestModSeq(highest));
            }
            "found" => self.found = Some(set(words.next().unwrap())),
            other => panic!("{other}"),
        }
    }

    pub(crate) fn answer(&mut self, session: &mut Server, happening: Happening<Event>) {
        let event = match happening {
            Happening::Event(event) => event,
            Happening::Tls => return session.tls_established(TlsInfo::default()),
        };
        // Whatever ends in NO does by the same word.
        macro_rules! decide {
            ($token:ident, $page:ident, $ok:expr) => {{
                say(session, &mut $page);
                match $page.end.status {
                    Status::Ok => $ok,
                    _ => $token.no(session, No::new($page.end.code.clone(), $page.end.text.clone())),
                }
            }};
        }
        match event {
            Event::StartTls(token) => {
                let mut page = self.page(&["STARTTLS"]);
                decide!(token, page, token.accept(session));
            }
            Event::Login(token) => {
                let mut page = self.page(&["LOGIN"]);
                decide!(token, page, token.ok(session));
            }
            Event::Authenticate(token) => {
                let mut page = self.page(&["AUTHENTICATE"]);
                if let Some(challenge) = challenge(&mut page) {
                    self.pages.push_front(page);
                    token.challenge(session, &challenge);
                } else {
                    decide!(token, page, token.ok(session));
                }
            }
            Event::SaslResponse(token) => {
                let mut page = self.page(&["AUTHENTICATE"]);
                if let Some(challenge) = challenge(&mut page) {
                    self.pages.push_front(page);
                    token.challenge(session, &challenge);
                } else {
                    decide!(token, page, token.ok(session));
                }
            }
            Event::Select(token) => {
                let mut page = self.page(&["SELECT", "EXAMINE"]);
                if token.command().qresync.is_some() && page.end.status == Status::Ok {
                    return resynchronise(session, token, page);
                }
                let selected = selected(&mut page);
                decide!(token, page, token.ok(session, selected));
            }
            Event::Close(token) => {
                let mut page = self.page(&["CLOSE"]);
                decide!(token, page, token.ok(session));
            }
            Event::Create(token) => {
                let mut page = self.page(&["CREATE"]);
                let id = match page.end.code.clone() {
                    Some(ResponseCode::MailboxId(id)) => Some(id),
                    _ => None,
                };
                decide!(token, page, token.ok(session, id));
            }
            Event::Delete(token) => {
                let mut page = self.page(&["DELETE"]);
                decide!(token, page, token.ok(session));
            }
            Event::Rename(token) => {
                let mut page = self.page(&["RENAME"]);
                decide!(token, page, token.ok(session));
            }
            Event::Subscribe(token) => {
                let mut page = self.page(&["SUBSCRIBE", "UNSUBSCRIBE"]);
                decide!(token, page, token.ok(session));
            }
            Event::List(token) => {
                let mut page = self.page(&["LIST", "LSUB"]);
                for response in std::mem::take(&mut page.untagged) {
                    match response {
                        Response::List(list) | Response::Lsub(list) => token.mailbox(session, list).unwrap(),
                        Response::MailboxStatus(status) => token.status(session, status).unwrap(),
                        other => panic!("{other:?}"),
                    }
                }
                decide!(token, page, token.ok(session));
            }
            Event::Namespace(token) => {
                let mut page = self.page(&["NAMESPACE"]);
                let Some(Response::Namespace(namespaces)) = page.untagged.pop_front() else { panic!() };
                decide!(token, page, token.ok(session, namespaces));
            }
            Event::Status(token) => {
                let mut page = self.page(&["STATUS"]);
                let status = match page.untagged.pop_front() {
                    Some(Response::MailboxStatus(status)) => status,
                    _ => MailboxStatus::new(token.mailbox().clone()),
                };
                decide!(token, page, token.ok(session, status));
            }
            Event::Append(token) => {
                let mut page = self.page(&["APPEND"]);
                // A message behind the first is refused, when the whole is.
                let continued = page.untagged.iter().any(|line| matches!(line, Response::Continuation(_)));
                page.untagged.retain(|line| !matches!(line, Response::Continuation(_)));
                if page.end.status == Status::Ok || continued {
                    self.pages.push_front(page);
                    token.accept(session);
                } else {
                    decide!(token, page, unreachable!());
                }
            }
            Event::AppendFinish(token) => {
                let mut page = self.page(&["APPEND"]);
                let (uid_validity, uids) = match page.end.code.clone() {
                    Some(ResponseCode::AppendUid { uid_validity, uids }) => (uid_validity, uids),
                    _ => (1, [1].into_iter().collect()),
                };
                decide!(token, page, token.ok(session, uid_validity, uids));
            }
            Event::Fetch(token) => {
                let mut page = self.page(&["FETCH"]);
                for response in std::mem::take(&mut page.untagged) {
                    match response {
                        // What changed is told by the session, with its UID and modification sequence.
                        Response::Fetch(row)
                            if row.mod_seq().is_some()
                                && row.uid().is_some_and(|uid| !token.messages().contains(uid)) => {}
                        Response::Fetch(row) => write(session, &token, &row),
                        Response::Vanished { earlier: true, uids } => {
                            let named = token.named();
                            assert!(uids.iter().all(|uid| named.iter().any(|named| named == uid)));
                            token.vanished(session, &uids).unwrap();
                        }
                        // The session says it.
                        Response::Status(StatusResponse {
                            code: Some(ResponseCode::HighestModSeq(_)),
                            ..
                        }) => {}
                        other => panic!("{other:?}"),
                    }
                }
                decide!(token, page, token.ok(session));
            }
            Event::Store(token) => {
                let mut page = self.page(&["STORE"]);
                for response in std::mem::take(&mut page.untagged) {
                    let row = match response {
                        Response::Fetch(row) => row,
                        // The session says it.
                        Response::Status(StatusResponse {
                            code: Some(ResponseCode::HighestModSeq(_)),
                            ..
                        }) => continue,
                        other => panic!("{other:?}"),
                    };
                    let uid = session.view().unwrap().told().uid(row.number()).unwrap();
                    assert!(token.messages().contains(uid), "{row:?}");
                    let flags: Vec<Flag> = row.flags().into_iter().flatten().collect();
                    token.stored(session, uid, &flags, row.mod_seq()).unwrap();
                }
                if let (Some(ResponseCode::Modified(unchanged)), Status::Ok) =
                    (page.end.code.clone(), page.end.status)
                {
                    let uid = |number: u32| {
                        if token.command().uid {
                            number
                        } else {
                            session.view().unwrap().told().uid(number).unwrap_or(0)
                        }
                    };
                    let unchanged: UidSet = unchanged.iter().map(uid).collect();
                    return token.modified(session, &unchanged);
                }
                decide!(token, page, token.ok(session));
            }
            Event::Search(token) => {
                let mut page = self.page(&["SEARCH"]);
                let (numbers, mod_seq) = match page.untagged.pop_front() {
                    Some(Response::Search(found)) => (found.numbers.iter().collect(), found.mod_seq),
                    Some(Response::ESearch(found)) => {
                        let mod_seq = found.mod_seq;
                        (all_of(&found), mod_seq)
                    }
                    None => (Vec::new(), None),
                    other => panic!("{other:?}"),
                };
                let view = session.view().unwrap();
                let by_uid = token.command().uid;
                let uid = |number: u32| if by_uid { number } else { view.told().uid(number).unwrap() };
                let found: Vec<u32> = self.found.take().unwrap_or(numbers).into_iter().map(uid).collect();
                decide!(token, page, token.ok(session, found, mod_seq));
            }
            Event::Sort(token) => {
                let mut page = self.page(&["SORT"]);
                let (numbers, mod_seq) = match page.untagged.pop_front() {
                    Some(Response::Sort(found)) => (found.numbers.iter().collect(), found.mod_seq),
                    Some(Response::ESearch(found)) => (all_of(&found), found.mod_seq),
                    None => (Vec::new(), None),
                    other => panic!("{other:?}"),
                };
                let view = session.view().unwrap();
                let by_uid = token.command().uid;
                let uid = |number: u32| if by_uid { number } else { view.told().uid(number).unwrap() };
                let found: Vec<u32> = self.found.take().unwrap_or(numbers).into_iter().map(uid).collect();
                decide!(token, page, token.ok(session, found, mod_seq));
            }
            Event::Thread(token) => {
                let mut page = self.page(&["THREAD"]);
                let mut threads = match page.untagged.pop_front() {
                    Some(Response::Thread(threads)) => threads,
                    None => ThreadResponse::default(),
                    other => panic!("{other:?}"),
                };
                if !token.command().uid {
                    for member in &mut threads.members {
                        member.number = member.number.and_then(|number| session.view()?.told().uid(number));
                    }
                }
                decide!(token, page, token.ok(session, threads));
            }
            Event::GetQuota(token) => {
                let mut page = self.page(&["GETQUOTA"]);
                match page.untagged.pop_front() {
                    Some(Response::Quota(quota)) => decide!(token, page, token.ok(session, quota)),
                    None => decide!(token, page, unreachable!()),
                    other => panic!("{other:?}"),
                }
            }
            Event::SetQuota(token) => {
                let mut page = self.page(&["SETQUOTA"]);
                match page.untagged.pop_front() {
                    Some(Response::Quota(quota)) => decide!(token, page, token.ok(session, quota)),
                    None => decide!(token, page, unreachable!()),
                    other => panic!("{other:?}"),
                }
            }
            Event::GetQuotaRoot(token) => {
                let mut page = self.page(&["GETQUOTAROOT"]);
                let mut quotas = Vec::new();
                for response in std::mem::take(&mut page.untagged) {
                    match response {
                        Response::Quota(quota) => quotas.push(quota),
                        Response::QuotaRoot(root) => assert_eq!(root.mailbox, *token.mailbox()),
                        other => panic!("{other:?}"),
                    }
                }
                decide!(token, page, token.ok(session, quotas));
            }
            Event::Compress(token) => {
                let mut page = self.page(&["COMPRESS"]);
                decide!(token, page, {
                    token.accept(session);
                    // The lines of the book are never compressed.
                    session.compression_established();
                });
            }
            Event::Copy(token) => {
                let mut page = self.page(&["COPY"]);
                let copied = copied(page.end.code.as_ref());
                decide!(token, page, token.ok(session, copied));
            }
            Event::Move(token) => {
                let mut page = self.page(&["MOVE"]);
                let code = page.untagged.pop_front();
                let Some(Response::Status(StatusResponse { code, .. })) = code else { panic!("{code:?}") };
                remove(session, &mut page);
                decide!(token, page, token.ok(session, copied(code.as_ref())));
            }
            Event::Expunge(token) => {
                let mut page = self.page(&["EXPUNGE"]);
                remove(session, &mut page);
                if let Some(ResponseCode::HighestModSeq(highest)) = page.end.code {
                    session.notify(Change::HighestModSeq(highest));
                }
                decide!(token, page, token.ok(session));
            }
            Event::AppendData(_)
            | Event::AppendAborted
            | Event::Idle(_)
            | Event::Id(_)
            | Event::Unselected
            | Event::Unauthenticated
            | Event::BadCommand { .. }
            | Event::SaslCancelled => {}
            other => panic!("{other:?}"),
        }
    }
}

/// What is said beside the answer.
fn say(session: &mut Server, page: &mut Page) {
    for response in std::mem::take(&mut page.untagged) {
        let Response::Status(status) = response else { panic!("{response:?} is not given") };
        session.inform(status.status, status.code, status.text).unwrap();
    }
}

fn set(text: &str) -> Vec<u32> {
    UidSet::parse(text).unwrap().iter().collect()
}

/// The next challenge on the page.
fn challenge(page: &mut Page) -> Option<Vec<u8>> {
    match page.untagged.pop_front()? {
        Response::Continuation(challenge) => challenge.challenge(),
        other => panic!("{other:?}"),
    }
}

fn copied(code: Option<&ResponseCode>) -> Option<CopyUid> {
    match code? {
        ResponseCode::CopyUid { uid_validity, source, destination } => Some(CopyUid {
            uid_validity: *uid_validity,
            source: source.clone(),
            destination: destination.clone(),
        }),
        _ => None,
    }
}

/// SELECT with QRESYNC: what is of the mailbox, then what the client is told beside.
fn resynchronise(session: &mut Server, token: Select, mut page: Page) {
    let (beside, untagged): (Vec<Response>, Vec<Response>) = page
        .untagged
        .into_iter()
        .partition(|response| matches!(response, Response::Vanished { .. } | Response::Fetch(_)));
    page.untagged = untagged.into();
    let mut selected = selected(&mut page);
    // Numbers and UIDs as the rows have them; those between follow each other.
    let mut uids: Vec<u32> = Vec::new();
    let gone = beside.iter().find_map(|response| match response {
        Response::Vanished { uids, .. } => Some(uids.clone()),
        _ => None,
    });
    let gone = gone.unwrap_or_default();
    for response in &beside {
        if let Response::Fetch(row) = response {
            while uids.len() + 1 < row.number() as usize {
                let mut next = uids.last().map_or(1, |uid| uid + 1);
                while gone.contains(next) {
                    next += 1;
                }
                uids.push(next);
            }
            uids.push(row.uid().unwrap());
        }
    }
    let exists = selected.uids.len() as usize;
    while uids.len() < exists {
        let mut next = uids.last().map_or(1, |uid| uid + 1);
        while gone.contains(next) {
            next += 1;
        }
        uids.push(next);
    }
    selected.uids = uids.into_iter().collect();
    let resync = token.begin(session, selected);
    assert_eq!(resync.since().is_some(), !beside.is_empty());
    for response in beside {
        match response {
            Response::Vanished { uids, .. } => {
                let is_known = |uid: u32| resync.unsure().ranges().any(|range| range.contains(&uid));
                assert!(uids.iter().all(is_known), "{uids} of {}", resync.unsure());
                resync.vanished(session, &uids).unwrap();
            }
            Response::Fetch(row) => {
                let flags = row.flags().unwrap().collect::<Vec<_>>();
                let line = resync.row(session, row.uid().unwrap()).unwrap();
                line.flags(&flags).mod_seq(row.mod_seq().unwrap()).end();
            }
            other => panic!("{other:?}"),
        }
    }
    resync.ok(session);
}

/// The removals that the EXPUNGE responses of a page tell.
fn remove(session: &mut Server, page: &mut Page) {
    let mut told: Vec<u32> = session.view().unwrap().told().iter().collect();
    for response in std::mem::take(&mut page.untagged) {
        match response {
            Response::Expunge(number) => session.notify(Change::Removed(told.remove(number as usize - 1))),
            Response::Vanished { uids, .. } => {
                uids.iter().for_each(|uid| session.notify(Change::Removed(uid)));
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Numbers that have such an answer.
fn all_of(found: &ESearchResponse) -> Vec<u32> {
    let mut numbers: Vec<u32> = found.all.iter().flat_map(Numbers::iter).collect();
    if found.all.is_none() {
        let mut some: std::collections::BTreeSet<u32> = found.min.into_iter().chain(found.max).collect();
        let mut next = found.min.unwrap_or(1);
        while some.len() < found.count.unwrap_or(0) as usize {
            some.insert(next);
            next += 1;
        }
        numbers = some.into_iter().collect();
    }
    numbers
}

fn selected(page: &mut Page) -> Selected {
    let mut exists = 0;
    let mut selected = Selected::new(1, 1, UidSet::new().iter().collect());
    let mut unseen = None;
    for response in std::mem::take(&mut page.untagged) {
        match response {
            Response::Exists(count) => exists = count,
            Response::Flags(flags) => selected.flags = flags,
            Response::Recent(_) => {}
            Response::List(list) => selected.list = Some(list),
            Response::Status(status) => match status.code {
                Some(ResponseCode::UidValidity(validity)) => selected.uid_validity = validity,
                Some(ResponseCode::UidNext(next)) => selected.uid_next = next,
                Some(ResponseCode::PermanentFlags(flags)) => selected.permanent_flags = flags,
                Some(ResponseCode::Unseen(number)) => unseen = Some(number),
                Some(ResponseCode::HighestModSeq(mod_seq)) => selected.highest_mod_seq = Some(mod_seq),
                Some(ResponseCode::MailboxId(id)) => selected.mailbox_id = Some(id),
                Some(ResponseCode::Closed | ResponseCode::NoModSeq) => {}
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }
    // UIDs are numbers here, unless there is a reason.
    selected.uids = (1..=exists).collect();
    selected.first_unseen = unseen;
    selected.is_read_only = page.end.code == Some(ResponseCode::ReadOnly);
    selected
}

/// Writes a row with the items that were asked for, as the book has them.
fn write(session: &mut Server, token: &Fetch, told: &FetchRow) {
    let uid = session.view().unwrap().told().uid(told.number()).expect("such a message");
    assert!(token.messages().contains(uid), "{told:?} was not asked for");
    let mut row: Row<'_> = token.row(session, uid).unwrap();
    let mut sections = told.sections();
    for item in &token.command().items {
        row = match item {
            FetchItem::Uid if token.command().uid => row,
            FetchItem::Uid => row.uid(),
            FetchItem::Flags => row.flags(&told.flags().unwrap().collect::<Vec<_>>()),
            FetchItem::InternalDate => row.internal_date(told.internal_date().unwrap()),
            FetchItem::Size => row.size(told.size().unwrap()),
            FetchItem::Envelope => row.envelope(&told.envelope().unwrap().to_envelope()),
            FetchItem::Body => {
                row.body(&told.body_structure().unwrap().to_body_structure().expect("a whole one"))
            }
            FetchItem::BodyStructure => {
                row.body_structure(&told.body_structure().unwrap().to_body_structure().expect("a whole one"))
            }
            FetchItem::ModSeq => row.mod_seq(told.mod_seq().unwrap()),
            FetchItem::Preview { .. } => {
                row.preview(told.preview().as_deref().map(|text| std::str::from_utf8(text).unwrap()))
            }
            FetchItem::EmailId => row.email_id(std::str::from_utf8(&told.email_id().unwrap()).unwrap()),
            FetchItem::ThreadId => {
                row.thread_id(told.thread_id().as_deref().map(|id| std::str::from_utf8(id).unwrap()))
            }
            FetchItem::SaveDate => row.save_date(told.save_date()),
            FetchItem::BinarySize { part } => row.binary_size(part, told.binary_size(part).unwrap()),
            FetchItem::Binary { part, .. } => {
                let there = sections.next().unwrap();
                row.binary(part, there.origin(), there.octets().as_deref())
            }
            FetchItem::Section { section, .. } => {
                let there = sections.next().unwrap();
                row.section(section, there.origin(), there.octets())
            }
            FetchItem::Rfc822 => row.rfc822(&section(""), &sections.next().unwrap().octets().unwrap()),
            FetchItem::Rfc822Header => {
                row.rfc822(&section("HEADER"), &sections.next().unwrap().octets().unwrap())
            }
            other => panic!("{other:?}"),
        };
    }
    row.end();
}

fn section(text: &str) -> Section {
    Section::parse(text).unwrap()
}

/// Whether the line that was sent says what the line in the book says: the texts of status responses are for people, and a code may be
/// there where the book has none; the server may have capabilities that the book does not name.
pub(crate) fn says(expected: &[u8], sent: &[u8]) -> bool {
    if expected == sent {
        return true;
    }
    let (Some(expected), Some(sent)) = (parse(expected), parse(sent)) else { return false };
    match (expected, sent) {
        (Response::Status(expected), Response::Status(sent)) => {
            let code = match (&expected.code, &sent.code) {
                (Some(ResponseCode::Capability(some)), Some(ResponseCode::Capability(all))) => {
                    some.iter().all(|one| all.has(one))
                }
                (None, _) => true,
                (expected, sent) => expected == sent,
            };
            code && expected.tag == sent.tag && expected.status == sent.status
        }
        (Response::Capability(some), Response::Capability(all)) => {
            let is_there = |one: &Capability| all.has(one) || panic!("{one} is not announced");
            some.iter().all(is_there)
        }
        (Response::Continuation(expected), Response::Continuation(sent)) => {
            expected.challenge() == sent.challenge() || expected.challenge().is_none()
        }
        (Response::Fetch(expected), Response::Fetch(sent)) => same_row(&expected, &sent),
        (expected, sent) => {
            let print = |response: &Response| {
                let mut out = BytesMut::new();
                response.encode(&mut out, true);
                out
            };
            print(&expected).eq_ignore_ascii_case(&print(&sent))
        }
    }
}

/// Items in any order; a server may add a UID.
fn same_row(expected: &FetchRow, sent: &FetchRow) -> bool {
    let flags = |row: &FetchRow| row.flags().map(Iterator::collect::<Vec<_>>);
    let sections =
        |row: &FetchRow| row.sections().map(|one| (one.section(), one.octets())).collect::<Vec<_>>();
    let structure = |row: &FetchRow| row.body_structure().and_then(|one| one.to_body_structure());
    let envelope = |row: &FetchRow| row.envelope().map(|one| one.to_envelope());
    expected.number() == sent.number()
        && (expected.uid().is_none() || expected.uid() == sent.uid())
        && flags(expected) == flags(sent)
        && (expected.mod_seq().is_none() || expected.mod_seq() == sent.mod_seq())
        && expected.preview() == sent.preview()
        && expected.email_id() == sent.email_id()
        && expected.thread_id() == sent.thread_id()
        && expected.save_date() == sent.save_date()
        && expected.size() == sent.size()
        && expected.internal_date() == sent.internal_date()
        && sections(expected) == sections(sent)
        && envelope(expected) == envelope(sent)
        && structure(expected) == structure(sent)
}
