//! What each command begins, once it may.

use super::error::{Error, PeerFault};
use super::event::{BadCommand, Event};
use super::messages::{Copy, Expunge, Fetch, Move, Search, Store};
use super::quota::{GetQuota, GetQuotaRoot, SetQuota};
use super::request::{
    self, Authenticate, Close, Create, Delete, List, Login, Namespace, Rename, Select, StartTls, Subscribe,
};
use super::sort::{Sort, Thread};
use super::{Mode, Running, Server, State};
use crate::command::{self, CommandBody, FetchItem, SearchKey, SearchKeys};
use crate::response::{No, Response, ResponseCode, ResponseText, Status};
use crate::types::{
    Capability, ListReturn, ListSelection, Messages, SequenceNumber, SequenceRange, SequenceSet, Tag, UidSet,
};
use bytes::Bytes;
use core::num::NonZeroU32;
use postroad_core::Secret;

type Found = Result<Option<Event>, Error>;

impl Server {
    pub(super) fn start(&mut self, tag: Tag, body: CommandBody, behind: usize) -> Found {
        use State::{Authenticated, NotAuthenticated, Selected};
        let is_allowed = match &body {
            CommandBody::Capability | CommandBody::Noop | CommandBody::Logout | CommandBody::Id(_) => true,
            CommandBody::StartTls | CommandBody::Login(_) | CommandBody::Authenticate { .. } => {
                self.state == NotAuthenticated
            }
            body if needs_mailbox(body) => self.state == Selected,
            _ => matches!(self.state, Authenticated | Selected),
        };
        if !is_allowed {
            let text = match (&body, self.state) {
                (CommandBody::StartTls | CommandBody::Login(_) | CommandBody::Authenticate { .. }, _) => {
                    "already logged in"
                }
                (_, NotAuthenticated) => "log in first",
                _ => "select a mailbox first",
            };
            return self.answer_bad(Some(tag), BadCommand::State, text);
        }
        if let Some(extension) = self.not_served(&body) {
            return self.answer_bad(Some(tag), BadCommand::State, &format!("{extension} is not served"));
        }
        if super::condstore::is_conditional(&body) {
            if let Some(text) = self.conditional_fault(&body) {
                return self.answer_bad(Some(tag), BadCommand::State, text);
            }
            if matches!(body, CommandBody::Select(_)) {
                // It is about the mailbox that follows.
                self.enabled.condstore = true;
            } else {
                self.aware_of_mod_seqs();
            }
        }
        let class = body.class();
        let text = format!("{} completed", body.name());
        let running = Running { tag, class };
        match body {
            CommandBody::Capability => {
                let capabilities = self.capabilities();
                self.line(|out| {
                    out.extend_from_slice(b"* CAPABILITY ");
                    out.extend_from_slice(capabilities.as_bytes());
                    out.extend_from_slice(b"\r\n");
                });
                self.done(&running, Status::Ok, None, text);
            }
            CommandBody::Noop | CommandBody::Check => self.done(&running, Status::Ok, None, text),
            CommandBody::Logout => {
                self.line(|out| out.extend_from_slice(b"* BYE logging out\r\n"));
                self.tagged(&running.tag, Status::Ok, None, text);
                self.close();
            }
            CommandBody::Id(client) => {
                let pair = |(field, value): &(String, String)| {
                    (Bytes::copy_from_slice(field.as_bytes()), Some(Bytes::copy_from_slice(value.as_bytes())))
                };
                let ours: Vec<_> = self.config.id.iter().take(30).map(pair).collect();
                self.untagged(&Response::Id(Some(ours).filter(|ours| !ours.is_empty())));
                self.done(&running, Status::Ok, None, text);
                return Ok(client.map(Event::Id));
            }
            CommandBody::Enable(capabilities) => self.enable(&running, &capabilities),
            CommandBody::StartTls => return self.start_tls(running, behind),
            CommandBody::Login(credentials) => {
                if self.takes_login() {
                    return Ok(self.ask(running, |ticket| Event::Login(Login { ticket, credentials })));
                }
                let no: No = No::privacy_required();
                self.done(&running, Status::No, no.code, no.text);
            }
            CommandBody::Authenticate { mechanism, initial_response } => {
                return Ok(self.authenticate(running, mechanism.as_str(), initial_response));
            }
            CommandBody::Compress => {
                if let Some(no) = self.compression_fault() {
                    self.done(&running, Status::No, no.code, no.text);
                    return Ok(None);
                }
                return Ok(self.ask(running, |ticket| Event::Compress(super::Compress { ticket })));
            }
            CommandBody::Unauthenticate => {
                return Ok(self.unauthenticate(&running).then_some(Event::Unauthenticated));
            }
            CommandBody::GetQuota { root } => {
                return Ok(self.ask(running, |ticket| Event::GetQuota(GetQuota { ticket, root })));
            }
            CommandBody::GetQuotaRoot { mailbox } => {
                return Ok(self.ask(running, |ticket| Event::GetQuotaRoot(GetQuotaRoot { ticket, mailbox })));
            }
            CommandBody::SetQuota { root, limits } => {
                if self.serves(&Capability::QuotaSet) {
                    return Ok(self.ask(running, |ticket| Event::SetQuota(SetQuota { ticket, root, limits })));
                }
                let no = No::no_permission();
                self.done(&running, Status::No, no.code, no.text);
            }
            CommandBody::Idle => {
                self.line(|out| out.extend_from_slice(b"+ idling\r\n"));
                self.mode = Mode::Idle(running.tag);
                self.tell(true);
                return Ok(Some(Event::Idle(true)));
            }
            CommandBody::Select(command) => {
                self.deselect(true);
                return Ok(self.ask(running, |ticket| Event::Select(Select { ticket, command })));
            }
            CommandBody::Unselect => {
                self.deselect(false);
                self.tagged(&running.tag, Status::Ok, None, text);
                return Ok(Some(Event::Unselected));
            }
            CommandBody::Close => {
                let is_read_only = self.is_read_only;
                self.deselect(false);
                return Ok(self.ask(running, |ticket| Event::Close(Close { ticket, is_read_only })));
            }
            CommandBody::Create { mailbox, special_use } => {
                return Ok(self.ask(running, |ticket| Event::Create(Create { ticket, mailbox, special_use })));
            }
            CommandBody::Delete { mailbox } => {
                return Ok(self.ask(running, |ticket| Event::Delete(Delete { ticket, mailbox })));
            }
            CommandBody::Rename { from, to } => {
                return Ok(self.ask(running, |ticket| Event::Rename(Rename { ticket, from, to })));
            }
            CommandBody::Subscribe { mailbox } => {
                return Ok(self.ask(running, |ticket| {
                    Event::Subscribe(Subscribe { ticket, mailbox, is_subscribed: true })
                }));
            }
            CommandBody::Unsubscribe { mailbox } => {
                return Ok(self.ask(running, |ticket| {
                    Event::Subscribe(Subscribe { ticket, mailbox, is_subscribed: false })
                }));
            }
            CommandBody::List(command) => {
                return Ok(self.ask(running, |ticket| Event::List(List { ticket, command, is_lsub: false })));
            }
            CommandBody::Lsub { reference, pattern } => {
                let selection = ListSelection { subscribed: true, ..ListSelection::default() };
                let command = command::List {
                    selection,
                    reference,
                    patterns: vec![pattern],
                    returns: ListReturn::default(),
                };
                return Ok(self.ask(running, |ticket| Event::List(List { ticket, command, is_lsub: true })));
            }
            CommandBody::Namespace => {
                return Ok(self.ask(running, |ticket| Event::Namespace(Namespace { ticket })));
            }
            CommandBody::Status { mailbox, items } => {
                return Ok(
                    self.ask(running, |ticket| Event::Status(request::Status { ticket, mailbox, items }))
                );
            }
            CommandBody::Expunge { uids } => {
                if self.is_read_only {
                    return Ok(self.refuse_read_only(&running));
                }
                let messages = uids.map(|messages| self.resolve(&messages, true));
                return Ok(self.ask(running, |ticket| Event::Expunge(Expunge { ticket, messages })));
            }
            CommandBody::Search(command) if command.charset.is_some() && self.enabled.utf8 => {
                // RFC 6855 section 3
                let text = "no CHARSET after ENABLE UTF8=ACCEPT";
                return self.answer_bad(Some(running.tag), BadCommand::State, text);
            }
            CommandBody::Sort(mut command) => {
                command.keys = self.keys_by_uid(command.keys);
                return Ok(self.ask(running, |ticket| Event::Sort(Sort { ticket, command })));
            }
            CommandBody::Thread(mut command) => {
                command.keys = self.keys_of_known(self.keys_by_uid(command.keys));
                return Ok(self.ask(running, |ticket| Event::Thread(Thread { ticket, command })));
            }
            CommandBody::Search(mut command) => {
                command.keys = self.keys_by_uid(command.keys);
                return Ok(self.ask(running, |ticket| Event::Search(Search { ticket, command })));
            }
            CommandBody::Fetch(mut command) => {
                self.complete_items(&mut command);
                let Some(messages) = self.resolve_or_bad(&running.tag, &command.messages, command.uid) else {
                    return Ok(None);
                };
                let sets_seen = !self.is_read_only && command.items.iter().any(FetchItem::sets_seen);
                return Ok(
                    self.ask(running, |ticket| Event::Fetch(Fetch { ticket, command, messages, sets_seen }))
                );
            }
            CommandBody::Store(command) => {
                if self.is_read_only {
                    return Ok(self.refuse_read_only(&running));
                }
                let Some(messages) = self.resolve_or_bad(&running.tag, &command.messages, command.uid) else {
                    return Ok(None);
                };
                return Ok(self.ask(running, |ticket| Event::Store(Store { ticket, command, messages })));
            }
            CommandBody::Copy { uid, messages, mailbox } => {
                let Some(messages) = self.resolve_or_bad(&running.tag, &messages, uid) else {
                    return Ok(None);
                };
                return Ok(self.ask(running, |ticket| Event::Copy(Copy { ticket, mailbox, messages })));
            }
            CommandBody::Move { uid, messages, mailbox } => {
                if self.is_read_only {
                    return Ok(self.refuse_read_only(&running));
                }
                let Some(messages) = self.resolve_or_bad(&running.tag, &messages, uid) else {
                    return Ok(None);
                };
                return Ok(self.ask(running, |ticket| Event::Move(Move { ticket, mailbox, messages })));
            }
        }
        Ok(None)
    }

    /// A command that the session answers by itself is done.
    fn done(
        &mut self,
        running: &Running,
        kind: Status,
        code: Option<ResponseCode>,
        text: impl Into<ResponseText>,
    ) {
        self.tell_before(running.class);
        self.tagged(&running.tag, kind, code, text);
    }

    fn refuse_read_only(&mut self, running: &Running) -> Option<Event> {
        self.done(running, Status::No, None, "the mailbox is read-only");
        None
    }

    fn start_tls(&mut self, running: Running, behind: usize) -> Found {
        if !self.offers_starttls() {
            let text = if self.tls.is_some() { "TLS is active already" } else { "STARTTLS is not offered" };
            return self.answer_bad(Some(running.tag), BadCommand::State, text);
        }
        if behind > 0 {
            return Err(self.broken_by(PeerFault::InjectedBeforeTls { octets: behind }));
        }
        Ok(self.ask(running, |ticket| Event::StartTls(StartTls { ticket })))
    }

    fn authenticate(
        &mut self,
        running: Running,
        mechanism: &str,
        initial_response: Option<Secret<Vec<u8>>>,
    ) -> Option<Event> {
        let mechanism = mechanism.to_ascii_uppercase();
        let is_offered = self.offered_mechanisms().any(|offered| offered.eq_ignore_ascii_case(&mechanism));
        if is_offered {
            return self.ask(running, |ticket| {
                Event::Authenticate(Authenticate { ticket, mechanism, initial_response })
            });
        }
        let is_known = self.config.mechanisms.iter().any(|known| known.eq_ignore_ascii_case(&mechanism));
        let no = if is_known {
            No::privacy_required()
        } else {
            No::new(ResponseCode::Cannot, "no such mechanism")
        };
        self.done(&running, Status::No, no.code, no.text);
        None
    }

    /// ENABLE (RFC 9051 section 6.3.1): what is not known, or not served, is passed over.
    fn enable(&mut self, running: &Running, capabilities: &[Capability]) {
        let mut enabled = Vec::new();
        let mut asked_condstore = self.enabled.condstore;
        for capability in capabilities {
            let is_served = match capability {
                Capability::Imap4Rev2 => self.config.imap4rev2,
                capability => self.serves(capability),
            };
            let switch = match capability {
                Capability::Imap4Rev2 => &mut self.enabled.rev2,
                Capability::Utf8Accept => &mut self.enabled.utf8,
                Capability::CondStore => &mut asked_condstore,
                Capability::QResync => &mut self.enabled.qresync,
                _ => continue,
            };
            if is_served && !core::mem::replace(switch, true) {
                enabled.push(capability.clone());
            }
        }
        self.untagged(&Response::Enabled(enabled));
        if asked_condstore || self.enabled.qresync {
            self.aware_of_mod_seqs();
        }
        let has_no_mod_seqs = self.has_no_mod_seqs;
        if let Some(view) = &mut self.view {
            view.set_qresync(self.enabled.qresync && !has_no_mod_seqs);
        }
        self.done(running, Status::Ok, None, "ENABLE completed");
    }

    /// The mailbox is not selected any more; `is_told`: the client is told so, for another one follows (RFC 9051 section 7.1, CLOSED).
    pub(super) fn deselect(&mut self, is_told: bool) {
        if self.view.take().is_some() && is_told && (self.is_rev2() || self.enabled.qresync) {
            self.untagged_ok(ResponseCode::Closed, "the mailbox before is closed");
        }
        self.saved = Vec::new();
        self.is_read_only = false;
        self.has_no_mod_seqs = false;
        self.state = State::Authenticated;
    }

    /// The UIDs that a command names, cut to what the client knows. `None`: a sequence number that there is not, and the command is answered
    /// BAD (RFC 9051 section 9, seq-number).
    fn resolve_or_bad(&mut self, tag: &Tag, messages: &Messages, by_uid: bool) -> Option<UidSet> {
        let resolved = self.view.as_ref()?.resolve(messages, by_uid, &self.saved);
        // Clients ask for `1:*` of an empty mailbox.
        if resolved.beyond && self.view.as_ref().is_some_and(|view| !view.told().is_empty()) {
            self.tagged(tag, Status::Bad, None, "no such sequence number");
            return None;
        }
        Some(set_of(&resolved.ranges))
    }

    fn resolve(&self, messages: &Messages, by_uid: bool) -> UidSet {
        self.view
            .as_ref()
            .map(|view| set_of(&view.resolve(messages, by_uid, &self.saved).ranges))
            .unwrap_or_default()
    }

    /// The same keys, naming messages by UID only.
    fn keys_by_uid(&self, keys: SearchKeys) -> SearchKeys {
        let mut by_uid = Vec::with_capacity(keys.as_slice().len());
        for key in keys.as_slice() {
            let uids = match key {
                SearchKey::Sequence(messages) => self.resolve(messages, false),
                SearchKey::Uid(messages) => self.resolve(messages, true),
                key => {
                    by_uid.push(key.clone());
                    continue;
                }
            };
            match sequence_of(&uids) {
                Some(set) => by_uid.push(SearchKey::Uid(Messages::Set(set))),
                // No message at all.
                None => by_uid.extend([SearchKey::Not, SearchKey::All]),
            }
        }
        // One key became one, with what it is about: the program is as whole as it was.
        SearchKeys::new(by_uid).unwrap_or(keys)
    }
}

fn set_of(ranges: &[(u32, u32)]) -> UidSet {
    let mut set = UidSet::new();
    for (first, last) in ranges {
        set.push_range(*first..=*last);
    }
    set
}

fn sequence_of(uids: &UidSet) -> Option<SequenceSet> {
    let number = |uid: &u32| NonZeroU32::new(*uid).map(SequenceNumber::Number);
    let ranges = uids
        .ranges()
        .filter_map(|range| Some(SequenceRange { start: number(range.start())?, end: number(range.end())? }));
    SequenceSet::from_ranges(ranges.collect()).ok()
}

/// Whether a command has a meaning only while a mailbox is selected (RFC 9051 section 6.4).
fn needs_mailbox(body: &CommandBody) -> bool {
    use CommandBody as Body;
    matches!(
        body,
        Body::Check
            | Body::Close
            | Body::Unselect
            | Body::Expunge { .. }
            | Body::Search(_)
            | Body::Sort(_)
            | Body::Thread(_)
            | Body::Fetch(_)
            | Body::Store(_)
            | Body::Copy { .. }
            | Body::Move { .. }
    )
}
