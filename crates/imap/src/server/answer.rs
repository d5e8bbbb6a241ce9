//! What the session says, and what the tokens' answers do.

use super::error::{Error, Limit};
use super::event::{BadCommand, Event};
use super::messages::CopyUid;
use super::row::{Lane, Row, RowError};
use super::{Handshake, Mode, Running, Server, State};
use crate::command::{self, Class};
use crate::response::{No, Response, ResponseCode, ResponseText, RowWriter, Status, StatusResponse};
use crate::types::{Flag, ModSeq, Tag, UidSet};
use crate::view::Notice;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use postroad_core::{Full, Ticket};

impl Server {
    // ---- lines ----

    /// Everything that is not part of a row goes through here: beside an open literal it waits.
    pub(super) fn line(&mut self, print: impl FnOnce(&mut BytesMut)) {
        match &self.lane {
            Some(lane) if lane.literal.is_some() => print(&mut self.aside),
            Some(_) => {
                self.close_row();
                self.output.print(print);
            }
            None => self.output.print(print),
        }
    }

    pub(super) fn tagged(
        &mut self,
        tag: &Tag,
        kind: Status,
        code: Option<ResponseCode>,
        text: impl Into<ResponseText>,
    ) {
        let response = StatusResponse::tagged(tag.clone(), kind, code, text);
        self.line(|out| response.encode(out));
    }

    pub(super) fn untagged(&mut self, response: &Response) {
        let utf8 = self.utf8();
        self.line(|out| response.encode(out, utf8));
    }

    pub(super) fn untagged_ok(&mut self, code: ResponseCode, text: &'static str) {
        let response = StatusResponse::untagged(Status::Ok, code, text);
        self.line(|out| response.encode(out));
    }

    pub(super) fn greet(&mut self) {
        let code = self.capability_code();
        let response = StatusResponse::untagged(Status::Ok, code, self.config.greeting.clone());
        self.line(|out| response.encode(out));
    }

    pub(super) fn bye(&mut self, text: &str) {
        if self.state == State::Closed {
            return;
        }
        // Inside a literal there is no way to say goodbye, and none where only a handshake is understood.
        if !self.is_starting_tls() && self.lane.as_ref().is_none_or(|lane| lane.literal.is_none()) {
            let response = StatusResponse::untagged(Status::Bye, None, text.to_owned());
            self.line(|out| response.encode(out));
        }
        self.close();
    }

    // ---- what changed ----

    /// Tells the changes that may be told now, as far as there is room; the rest is told in its turn.
    pub(super) fn tell(&mut self, expunge: bool) {
        if self.lane.as_ref().is_some_and(|lane| lane.literal.is_some()) {
            return;
        }
        let utf8 = self.utf8();
        let Some(mut view) = self.view.take() else { return };
        while !self.output.is_full() {
            let Some(notice) = view.next_notice(expunge) else { break };
            self.line(|out| print_notice(out, notice, utf8));
        }
        self.view = Some(view);
    }

    /// During IDLE all is told at once, as long as the client reads.
    pub(super) fn tell_idler(&mut self) {
        if matches!(self.mode, Mode::Idle(_)) && !self.output.is_full() {
            self.tell(true);
        }
    }

    /// Tells what may be told before the tagged response of a command of this class (RFC 9051 section 7.5.1).
    pub(super) fn tell_before(&mut self, class: Class) {
        let expunge =
            class.tells_expunges() && !self.running.iter().any(|(_, running)| running.class.holds_expunges());
        self.tell(expunge);
    }

    // ---- errors ----

    /// Counts an error of the client; too many end the session.
    pub(super) fn count_error(&mut self, is_login: bool) -> Result<(), Error> {
        self.errors = self.errors.saturating_add(1);
        if self.state == State::NotAuthenticated && !is_login {
            self.errors_before_login = self.errors_before_login.saturating_add(1);
        }
        let (most, before_login) =
            (self.config.max_errors.max(1), self.config.max_errors_before_login.max(1));
        if self.errors >= most || self.errors_before_login >= before_login {
            let limit = if self.errors >= most { most } else { before_login };
            self.bye("too many errors");
            return Err(Error::Limit { what: Limit::Errors, limit: limit.into() });
        }
        Ok(())
    }

    pub(super) fn answer_bad(
        &mut self,
        tag: Option<Tag>,
        error: BadCommand,
        text: &str,
    ) -> Result<Option<Event>, Error> {
        self.answer_bad_with(tag, error, None, text)
    }

    pub(super) fn answer_bad_with(
        &mut self,
        tag: Option<Tag>,
        error: BadCommand,
        code: Option<ResponseCode>,
        text: &str,
    ) -> Result<Option<Event>, Error> {
        let response =
            StatusResponse { tag: tag.clone(), status: Status::Bad, code, text: text.to_owned().into() };
        self.line(|out| response.encode(out));
        self.count_error(false)?;
        Ok(Some(Event::BadCommand { tag, error }))
    }

    // ---- tokens ----

    /// Asks the application about a command; its answer ends it.
    pub(super) fn ask(&mut self, running: Running, event: impl FnOnce(Ticket) -> Event) -> Option<Event> {
        let Some(ticket) = self.tickets.issue() else {
            // Never: there are more slots than commands may be pending.
            self.tagged(&running.tag, Status::No, Some(ResponseCode::ServerBug), "too many commands");
            return None;
        };
        self.running.push((ticket.slot(), running));
        Some(event(ticket))
    }

    /// The command of a token, if it is one of this session's and not answered.
    pub(super) fn settle(&mut self, ticket: Ticket) -> Option<Running> {
        let slot = self.tickets.settle(ticket)?;
        self.has_progressed = true;
        self.take_running(slot)
    }

    fn take_running(&mut self, slot: u32) -> Option<Running> {
        let index = self.running.iter().position(|(of, _)| *of == slot)?;
        let (_, running) = self.running.swap_remove(index);
        match &self.lane {
            Some(Lane { slot: of, literal: Some(_) }) if *of == slot => {
                self.break_off();
                return None;
            }
            Some(Lane { slot: of, literal: None }) if *of == slot => self.close_row(),
            _ => {}
        }
        Some(running)
    }

    fn end(
        &mut self,
        running: &Running,
        kind: Status,
        code: Option<ResponseCode>,
        text: impl Into<ResponseText>,
    ) {
        self.tell_before(running.class);
        self.tagged(&running.tag, kind, code, text);
    }

    pub(super) fn finish_ok(&mut self, ticket: Ticket, code: Option<ResponseCode>, text: &'static str) {
        if let Some(running) = self.settle(ticket) {
            self.end(&running, Status::Ok, code, text);
        }
    }

    pub(super) fn refuse(&mut self, ticket: Ticket, no: No) {
        if let Some(running) = self.settle(ticket) {
            self.end(&running, Status::No, no.code, no.text);
        }
    }

    /// Answers for an application that dropped its token.
    pub(super) fn answer_in_its_place(&mut self, slot: u32) {
        let Some(running) = self.take_running(slot) else { return };
        // A command that writes is alone with those that neither read nor write: GETQUOTA may be dropped while an APPEND is undecided.
        if running.class.has(Class::WRITE) {
            self.append_undecided();
        }
        if self.resyncing.take_if(|of| *of == slot).is_some() {
            self.deselect(false);
            self.unselected = true;
        }
        let no = No::server_bug();
        self.end(&running, Status::No, no.code, no.text);
    }

    /// An untagged response of a command that is running.
    pub(super) fn untagged_of<T>(
        &mut self,
        ticket: &Ticket,
        value: T,
        response: impl FnOnce(T) -> Response,
    ) -> Result<(), Full<T>> {
        if !self.tickets.is_out(ticket) {
            return Ok(());
        }
        if self.output.is_full() || self.aside.len() >= self.config.output_high_water {
            return Err(Full(value));
        }
        self.has_progressed = true;
        self.untagged(&response(value));
        Ok(())
    }

    pub(super) fn untagged_and_ok(&mut self, ticket: Ticket, response: &Response, text: &'static str) {
        if let Some(running) = self.settle(ticket) {
            self.untagged(response);
            self.end(&running, Status::Ok, None, text);
        }
    }

    /// The same with any number of them.
    pub(super) fn untagged_of_all(
        &mut self,
        ticket: Ticket,
        responses: impl Iterator<Item = Response>,
        text: &'static str,
    ) {
        if let Some(running) = self.settle(ticket) {
            responses.for_each(|response| self.untagged(&response));
            self.end(&running, Status::Ok, None, text);
        }
    }

    // ---- before login ----

    pub(super) fn starttls_accepted(&mut self, ticket: Ticket) {
        if let Some(running) = self.settle(ticket) {
            self.tagged(&running.tag, Status::Ok, None, "begin TLS negotiation now");
            self.mode = Mode::Handshake(Handshake::Tls);
        }
    }

    pub(super) fn authenticated(&mut self, ticket: Ticket) {
        if let Some(running) = self.settle(ticket) {
            self.state = State::Authenticated;
            let code = self.capability_code();
            self.tagged(&running.tag, Status::Ok, Some(code), "logged in");
        }
    }

    pub(super) fn login_failed(&mut self, ticket: Ticket, no: No) {
        if let Some(running) = self.settle(ticket) {
            self.end(&running, Status::No, no.code, no.text);
            if let Err(error) = self.count_error(true) {
                self.failed.get_or_insert(error);
            }
        }
    }

    pub(super) fn challenge(&mut self, ticket: Ticket, challenge: &[u8]) {
        if let Some(running) = self.settle(ticket) {
            let challenge = STANDARD.encode(challenge);
            self.line(|out| {
                out.extend_from_slice(b"+ ");
                out.extend_from_slice(challenge.as_bytes());
                out.extend_from_slice(b"\r\n");
            });
            self.mode = Mode::Sasl(running);
        }
    }

    // ---- rows ----

    pub(super) fn row(&mut self, ticket: &Ticket, uid: u32, with_uid: bool) -> Result<Row<'_>, RowError> {
        if !self.tickets.is_out(ticket) {
            return Err(RowError::Closed);
        }
        let Some(number) = self.view.as_ref().and_then(|view| view.told().number(uid)) else {
            return Err(RowError::Gone);
        };
        if !self.is_ready() {
            return Err(RowError::Full);
        }
        self.has_progressed = true;
        if self.lane.is_some() {
            self.close_row();
        }
        let utf8 = self.utf8();
        let writer = self.output.print(|out| RowWriter::begin(out, number, utf8));
        self.lane = Some(Lane { slot: ticket.slot(), literal: None });
        let row = Row { slot: ticket.slot(), uid, writer, is_dead: false, is_stored: false, session: self };
        Ok(if with_uid { row.uid() } else { row })
    }

    /// Ends the line of the row, and says what had to wait for it.
    pub(super) fn close_row(&mut self) {
        self.lane = None;
        let aside = core::mem::take(&mut self.aside);
        self.output.print(|out| {
            out.extend_from_slice(b")\r\n");
            out.extend_from_slice(&aside);
        });
    }

    pub(super) fn begin_literal(&mut self, slot: u32, len: u64) -> Option<Ticket> {
        let ticket = self.tickets.issue()?;
        self.lane = Some(Lane { slot, literal: Some((ticket.slot(), len)) });
        Some(ticket)
    }

    pub(super) fn stored(
        &mut self,
        ticket: &Ticket,
        command: &command::Store,
        uid: u32,
        flags: &[Flag],
        mod_seq: Option<ModSeq>,
    ) -> Result<(), RowError> {
        let mod_seq = mod_seq.filter(|_| self.enabled.condstore);
        if command.silent && mod_seq.is_none() {
            if let Some(view) = &mut self.view {
                view.flags_stored(uid, flags);
            }
            return Ok(());
        }
        // The UID goes with a row that tells of a modification sequence (RFC 7162 section 3.2.4).
        let mut row = self.row(ticket, uid, command.uid || mod_seq.is_some())?;
        row.is_stored = true;
        if !command.silent {
            row = row.flags(flags);
        } else if let Some(view) = &mut row.session.view {
            view.flags_stored(uid, flags);
        }
        if let Some(mod_seq) = mod_seq {
            row = row.mod_seq(mod_seq);
        }
        row.end();
        Ok(())
    }

    pub(super) fn store_modified(&mut self, ticket: Ticket, by_uid: bool, unchanged: &UidSet) {
        let set = if by_uid { unchanged.clone() } else { self.numbers_of(unchanged) };
        if set.is_empty() {
            return self.finish_ok(ticket, None, "STORE completed");
        }
        self.finish_ok(ticket, Some(ResponseCode::Modified(set.into())), "some were changed meanwhile");
    }

    /// The sequence numbers of messages, as a set.
    pub(super) fn numbers_of(&self, uids: &UidSet) -> UidSet {
        let Some(view) = &self.view else { return UidSet::default() };
        uids.iter().filter_map(|uid| view.told().number(uid)).collect()
    }

    pub(super) fn moved(&mut self, ticket: Ticket, copied: Option<CopyUid>) {
        if let Some(running) = self.settle(ticket) {
            // Before the removals, so that the client knows where they are (RFC 6851 section 4.3).
            if let Some(copied) = copied.filter(CopyUid::is_told) {
                self.untagged_ok(copied.into(), "moved");
            }
            self.end_with_highest(&running, "MOVE completed");
        }
    }

    // ---- APPEND ----

    pub(super) fn append_accepted(&mut self, ticket: Ticket) {
        let Some(running) = self.settle(ticket) else { return };
        if let Mode::AppendDecision { literal, mailbox, message } = core::mem::take(&mut self.mode) {
            self.block = 0;
            if literal.synchronizing {
                self.line(|out| out.extend_from_slice(b"+ go ahead\r\n"));
            }
            self.mode = Mode::AppendData { running, mailbox, message, left: literal.len };
        }
    }

    pub(super) fn append_refused(&mut self, ticket: Ticket, no: No) {
        if let Some(running) = self.settle(ticket) {
            self.append_undecided();
            self.end(&running, Status::No, no.code, no.text);
        }
    }

    fn append_undecided(&mut self) {
        match core::mem::take(&mut self.mode) {
            Mode::AppendDecision { literal, .. } => self.skip_message(literal),
            mode => self.mode = mode,
        }
    }

    pub(super) fn appended(&mut self, ticket: Ticket, uid_validity: u32, uids: UidSet) {
        let code = (!uids.is_empty()).then_some(ResponseCode::AppendUid { uid_validity, uids });
        self.finish_ok(ticket, code, "APPEND completed");
    }
}

fn print_notice(out: &mut BytesMut, notice: Notice, utf8: bool) {
    match notice {
        Notice::Expunge(number) => Response::Expunge(number).encode(out, utf8),
        Notice::Exists(count) => Response::Exists(count).encode(out, utf8),
        Notice::Vanished(ranges) => {
            let mut uids = UidSet::new();
            for (first, last) in ranges {
                uids.push_range(first..=last);
            }
            Response::Vanished { earlier: false, uids }.encode(out, utf8);
        }
        Notice::Flags { number, uid, flags, mod_seq } => {
            let mut row = RowWriter::begin(out, number, utf8);
            row.uid(out, uid);
            row.flags(out, flags.iter());
            if let Some(mod_seq) = mod_seq {
                row.mod_seq(out, mod_seq);
            }
            row.end(out);
        }
    }
}
