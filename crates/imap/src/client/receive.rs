//! What the server says, and what follows from it.

use super::kind::Kind;
use super::sending::Sent;
use super::state::Connection;
use super::waiting::{Exchange, Idling, Request, Waiting};
use super::{Client, CommandId, Error, Event, LimitReached, NotNowReason, ServerFault};
use crate::codec::{Frame, FrameLimits, LiteralHeader, Refusal, literal_of_response};
use crate::command::{Class, CommandBody};
use crate::response::{
    Continuation, FetchRow, FetchRowParser, Repair, Response, ResponseCode, ResponseOptions, RowProgress,
    Status, StatusResponse,
};
use crate::types::Capabilities;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::{Bytes, BytesMut};
use postroad_core::{ParseError, ParseErrorKind};

/// A row with a literal that is streamed.
#[derive(Debug)]
pub(super) struct Streaming {
    parser: FetchRowParser,
    /// Its first piece.
    head: Bytes,
    of: Option<CommandId>,
    /// How many octets of the literal are still to come.
    left: u64,
    /// It could not be read: what comes of it is dropped.
    fault: Option<ParseError>,
    /// It was said in the clear, and TLS is required: nothing of it is told.
    is_silent: bool,
}

impl Client {
    /// Takes the next thing out of the input. Whether there was one.
    pub(super) fn receive(&mut self, input: &mut BytesMut) -> bool {
        if let Some(row) = self.row.as_mut().filter(|row| row.left > 0) {
            let taken = input.len().min(usize::try_from(row.left).unwrap_or(usize::MAX));
            row.left -= taken as u64;
            let chunk = input.split_to(taken).freeze();
            if taken > 0 && row.fault.is_none() && !row.is_silent {
                self.events.push_back(Event::Chunk(chunk));
            }
            return taken > 0;
        }
        let limit = if self.authenticated {
            self.config.max_response
        } else {
            self.config.max_response_before_login.min(self.config.max_response)
        };
        let (is_row, stream_above) = (self.row.is_some(), self.config.stream_above);
        let frame = self.framer.next(input, &FrameLimits::of(limit), |head, literal| {
            literal_of_response(head, literal, is_row, stream_above)
        });
        let outcome = match frame {
            Frame::NeedInput => return false,
            Frame::Continue => Ok(()),
            Frame::Whole(unit) => {
                self.restart = true;
                self.unit(unit, input.len())
            }
            Frame::Stream { head, literal } => {
                self.restart = true;
                self.stream(&head, literal)
            }
            Frame::Refused { why, .. } => Err(match why {
                Refusal::BareCr { at } | Refusal::BareLf { at } | Refusal::Nul { at } => {
                    ServerFault::ForbiddenOctet { at }.into()
                }
                _ => LimitReached::Response { limit }.into(),
            }),
        };
        if let Err(error) = outcome {
            self.fail(error);
        }
        true
    }

    fn options(&self) -> ResponseOptions {
        ResponseOptions { utf8: self.is_utf8(), lenience: self.config.lenience }
    }

    /// A unit is whole.
    fn unit(&mut self, unit: Bytes, behind: usize) -> Result<(), Error> {
        if let Some(row) = self.row.take() {
            self.row_ends(row, &unit);
            return Ok(());
        }
        let parsed = match Response::parse(&unit, &self.options()) {
            Ok(parsed) => parsed,
            // The framing holds, so the session does. Its tag, if it is one, is wrong.
            Err(error) if unit.starts_with(b"* ") && self.connection == Connection::Open => {
                self.malformed(unit, error);
                return Ok(());
            }
            Err(error) => return Err(malformed(error)),
        };
        self.repaired(parsed.repairs);
        match parsed.response {
            response if self.connection == Connection::Greeting => self.greeting(response, &unit),
            Response::Continuation(continuation) => self.continuation(&continuation),
            Response::Status(status) if status.tag.is_some() => self.answer(status, behind),
            response => {
                self.untagged(response);
                Ok(())
            }
        }
    }

    fn repaired(&mut self, repairs: Vec<Repair>) {
        if !repairs.is_empty() && self.is_trusted() {
            self.events.push_back(Event::Repaired(repairs));
        }
    }

    /// An untagged response that cannot be read. If it was about the number of messages, that is not known any more.
    fn malformed(&mut self, unit: Bytes, error: ParseError) {
        if !self.is_trusted() {
            return;
        }
        let names = unit.split(|octet| *octet == b' ').skip(1).take(2);
        names.for_each(|name| self.doubt_if_about_numbers(name));
        self.events.push_back(Event::Malformed { unit, error });
    }

    fn doubt_if_about_numbers(&mut self, name: &[u8]) {
        let about = [&b"EXPUNGE"[..], b"EXISTS", b"VANISHED"];
        if about.iter().any(|about| name.eq_ignore_ascii_case(about)) {
            self.numbers.doubt();
            self.events.push_back(Event::OutOfStep);
        }
    }

    fn greeting(&mut self, response: Response, unit: &Bytes) -> Result<(), Error> {
        let greeting = match response {
            Response::Status(status) if status.tag.is_none() => status,
            _ => return Err(malformed(expected("a greeting", unit))),
        };
        match greeting.status {
            Status::Ok => {}
            Status::PreAuth if self.config.require_tls && self.tls.is_none() => {
                return Err(ServerFault::PreauthInClear.into());
            }
            Status::PreAuth => self.authenticated = true,
            Status::Bye => {
                self.close();
                self.events.push_back(Event::Bye(greeting));
                return Ok(());
            }
            Status::No | Status::Bad => return Err(malformed(expected("a greeting", unit))),
        }
        self.connection = Connection::Open;
        self.learn(greeting.code.as_ref());
        self.events.push_back(Event::Greeting(greeting));
        self.ask_capabilities();
        self.pump();
        Ok(())
    }

    /// Capabilities in a code are as good as any (RFC 9051 section 7.1).
    fn learn(&mut self, code: Option<&ResponseCode>) {
        if let Some(ResponseCode::Capability(capabilities)) = code {
            self.set_capabilities(capabilities.clone());
        }
    }

    fn set_capabilities(&mut self, capabilities: Capabilities) {
        self.capabilities = Some(capabilities);
        self.capabilities_are_new = true;
    }

    // ---- continuation requests

    fn continuation(&mut self, continuation: &Continuation) -> Result<(), Error> {
        if let Some(sending) = &mut self.sending {
            let of = sending.of;
            match sending.go_on(&mut self.output) {
                None => return Err(ServerFault::UnexpectedContinuation.into()),
                Some(Sent::Asking { message, len }) => {
                    self.events.push_back(Event::SendBody { of, message, len });
                }
                Some(Sent::Whole) => self.sending = None,
                Some(Sent::Waiting) => {}
            }
            self.pump();
            return Ok(());
        }
        // Both run alone.
        match self.sent.last() {
            Some(sent) if matches!(sent.kind, Kind::Authenticate) => {
                let of = sent.id;
                self.challenge(of, continuation)
            }
            Some(sent) if matches!(sent.kind, Kind::Idle) => {
                let Some(Idling::Requested { stop }) = self.idle else {
                    return Err(ServerFault::UnexpectedContinuation.into());
                };
                self.events.push_back(Event::Idling(sent.id));
                self.idle = Some(Idling::Running);
                if stop {
                    self.end_idle(false);
                }
                self.pump();
                Ok(())
            }
            _ => Err(ServerFault::UnexpectedContinuation.into()),
        }
    }

    fn challenge(&mut self, of: CommandId, continuation: &Continuation) -> Result<(), Error> {
        let challenge = continuation.challenge();
        match (core::mem::take(&mut self.exchange), challenge) {
            (Exchange::Application, _) => return Err(ServerFault::UnexpectedContinuation.into()),
            (Exchange::Server, Some(challenge)) => {
                self.exchange = Exchange::Application;
                self.events.push_back(Event::Challenge { of, challenge });
            }
            (Exchange::Initial(response), Some(challenge)) if challenge.is_empty() => {
                self.output.text(STANDARD.encode(response.expose()).as_bytes());
                self.output.text(b"\r\n");
            }
            // Not base64, or not the turn of the server.
            (Exchange::Server | Exchange::Initial(_), _) => self.output.text(b"*\r\n"),
        }
        Ok(())
    }

    // ---- tagged responses

    fn answer(&mut self, status: StatusResponse, behind: usize) -> Result<(), Error> {
        let Some(at) = self.sent.iter().position(|sent| Some(&sent.tag) == status.tag.as_ref()) else {
            return Err(ServerFault::UnknownTag.into());
        };
        let ok = match status.status {
            Status::Ok => true,
            Status::No | Status::Bad => false,
            Status::PreAuth | Status::Bye => return Err(ServerFault::UnknownTag.into()),
        };
        let sent = &self.sent[at];
        if self.transmitted <= sent.begins {
            return Err(if ok { ServerFault::EarlyOk } else { ServerFault::UnknownTag }.into());
        }
        if let Some(sending) = self.sending.as_mut().filter(|sending| sending.of == sent.id) {
            if ok {
                return Err(ServerFault::EarlyOk.into());
            }
            let of = sent.id;
            // The application need not know of a message that is not wanted any more.
            self.events.retain(|event| !matches!(event, Event::SendBody { of: asked, .. } if *asked == of));
            if sending.refuse() {
                self.sending = None;
            }
        }
        let owes_response = !matches!(core::mem::take(&mut self.exchange), Exchange::Server);
        if ok && owes_response {
            return Err(ServerFault::EarlyOk.into());
        }
        let sent = self.sent.remove(at);
        self.learn(status.code.as_ref());
        let mut event = Event::Done { of: sent.id, status };
        match sent.kind {
            Kind::StartTls if ok && behind > 0 => {
                return Err(ServerFault::InjectedBeforeTls { octets: behind }.into());
            }
            Kind::StartTls if ok => {
                self.connection = Connection::Handshake;
                event = Event::StartTls(sent.id);
            }
            Kind::StartTls => self.last = None,
            Kind::Login | Kind::Authenticate if ok => {
                self.authenticated = true;
                if !self.capabilities_are_new {
                    self.capabilities = None;
                    self.ask_capabilities();
                }
            }
            Kind::Select => match event {
                Event::Done { ref status, .. } if status.status == Status::Bad => {
                    self.numbers.select_refused();
                }
                _ => self.numbers.select_answered(ok),
            },
            Kind::Leave if ok => self.numbers.leave(),
            Kind::Unauthenticate if ok => {
                self.authenticated = false;
                self.numbers.leave();
                self.enabled = Capabilities::new();
                if !self.capabilities_are_new {
                    self.capabilities = None;
                    self.ask_capabilities();
                }
            }
            Kind::Idle => {
                let renew = self.idle.take() == Some(Idling::Stopping { renew: true });
                if renew && ok && self.queue.is_empty() {
                    self.renew_idle(sent.id, sent.class);
                    return Ok(());
                }
            }
            Kind::Logout if ok => self.close(),
            Kind::Logout => self.last = None,
            _ => {}
        }
        if !sent.hidden {
            self.events.push_back(event);
        }
        self.pump();
        Ok(())
    }

    /// The same IDLE again, unseen by the application.
    fn renew_idle(&mut self, id: CommandId, class: Class) {
        let request = Request::Body(CommandBody::Idle);
        self.queue.push_back(Waiting { id, request, class, hidden: false, stop: false });
        self.pump();
    }

    // ---- untagged responses

    /// What is said in the clear may be anybody's words.
    fn is_trusted(&self) -> bool {
        self.tls.is_some() || !self.config.require_tls
    }

    fn oldest(&self, is_it: impl Fn(&Kind) -> bool) -> Option<CommandId> {
        self.sent.iter().find(|sent| is_it(&sent.kind)).filter(|sent| !sent.hidden).map(|sent| sent.id)
    }

    fn untagged(&mut self, response: Response) {
        let event = match response {
            Response::Status(status) if status.status == Status::Bye => {
                self.bye();
                Event::Bye(status)
            }
            Response::Capability(capabilities) => {
                let of = self.oldest(|kind| matches!(kind, Kind::Capability));
                self.set_capabilities(capabilities.clone());
                Event::Data { of, response: Response::Capability(capabilities) }
            }
            _ if !self.is_trusted() => return,
            Response::Exists(number) => {
                if !self.numbers.set(number) {
                    self.events.push_back(Event::OutOfStep);
                }
                Event::Exists(number)
            }
            Response::Expunge(number) => {
                let can_be = self.numbers.expunge(number);
                self.removed(can_be);
                Event::Expunge(number)
            }
            Response::Fetch(row) => Event::Row { of: self.owner_of_row(&row), row },
            response => {
                let of = self.owner(&response);
                self.take_in(&response);
                Event::Data { of, response }
            }
        };
        self.events.push_back(event);
    }

    /// Messages were removed: whether they may have been, now.
    fn removed(&mut self, can_be: bool) {
        // Not while FETCH, STORE or SEARCH is in progress (RFC 9051 section 7.5.1): what was sent beside one was sent behind it.
        let is_ambiguous = self.sent.iter().any(|sent| sent.class.holds_expunges());
        if is_ambiguous {
            self.numbers.doubt();
        }
        if !can_be || is_ambiguous {
            self.events.push_back(Event::OutOfStep);
        }
    }

    /// The server closes, of its own accord or asked to.
    fn bye(&mut self) {
        self.said_bye = true;
        self.last = Some(NotNowReason::Closing);
        self.queue.clear();
        self.sending = None;
    }

    /// What a response changes in the session.
    fn take_in(&mut self, response: &Response) {
        match response {
            Response::Status(status) => {
                self.learn(status.code.as_ref());
                if status.code == Some(ResponseCode::Closed) {
                    self.numbers.closed();
                }
            }
            Response::Enabled(enabled) if self.sent.iter().any(|sent| matches!(sent.kind, Kind::Enable)) => {
                for capability in enabled {
                    self.enabled.insert(capability.clone());
                }
            }
            Response::Vanished { earlier: false, uids } => {
                let can_be = self.numbers.vanish(uids.count());
                self.removed(can_be);
            }
            // Known, but not fit to be read.
            Response::Unknown(unknown) => self.doubt_if_about_numbers(unknown.name().as_bytes()),
            _ => {}
        }
    }

    /// The command that a row can be an answer to. The protocol does not say.
    fn owner_of_row(&self, row: &FetchRow) -> Option<CommandId> {
        let exists = self.numbers.exists().unwrap_or(0);
        self.oldest(|kind| match kind {
            Kind::Fetch { asked, .. } | Kind::Store(asked) => asked.covers(row, exists),
            _ => false,
        })
    }

    /// The command that a response can be an answer to.
    fn owner(&self, response: &Response) -> Option<CommandId> {
        match response {
            // MOVE says where the messages are before it removes them (RFC 6851 section 4.3).
            Response::Status(StatusResponse { code: Some(ResponseCode::CopyUid { .. }), .. }) => {
                self.oldest(|kind| matches!(kind, Kind::Move))
            }
            Response::Status(_) | Response::Flags(_) | Response::Recent(_) => {
                self.oldest(|kind| matches!(kind, Kind::Select))
            }
            Response::Enabled(_) => self.oldest(|kind| matches!(kind, Kind::Enable)),
            Response::ESearch(found) => match &found.tag {
                // The only one that says itself what it answers.
                Some(tag) => self
                    .sent
                    .iter()
                    .find(|sent| sent.tag.as_bytes() == tag && !sent.hidden)
                    .map(|sent| sent.id),
                None => None,
            },
            Response::Id(_) => self.oldest(|kind| matches!(kind, Kind::Id)),
            Response::List(_) => self.oldest(|kind| matches!(kind, Kind::List { .. })),
            Response::Lsub(_) => self.oldest(|kind| matches!(kind, Kind::Lsub)),
            Response::Namespace(_) => self.oldest(|kind| matches!(kind, Kind::Namespace)),
            Response::Quota(_) | Response::QuotaRoot(_) => self.oldest(|kind| matches!(kind, Kind::Quota)),
            Response::Search { .. } => self.oldest(|kind| matches!(kind, Kind::Search)),
            Response::Sort { .. } => self.oldest(|kind| matches!(kind, Kind::Sort)),
            Response::Thread(_) => self.oldest(|kind| matches!(kind, Kind::Thread)),
            Response::MailboxStatus(status) => self.oldest(|kind| match kind {
                Kind::Status(mailbox) => *mailbox == status.mailbox,
                Kind::List { status } => *status,
                _ => false,
            }),
            Response::Vanished { earlier: true, .. } => {
                self.oldest(|kind| matches!(kind, Kind::Select | Kind::Fetch { vanished: true, .. }))
            }
            Response::Vanished { earlier: false, .. } => self.oldest(|kind| matches!(kind, Kind::Expunge)),
            _ => None,
        }
    }

    // ---- rows with streamed literals

    fn stream(&mut self, head: &Bytes, literal: LiteralHeader) -> Result<(), Error> {
        let mut row = match self.row.take() {
            Some(row) => row,
            None if self.connection == Connection::Greeting => {
                return Err(malformed(expected("a greeting", head)));
            }
            None => Streaming {
                parser: FetchRowParser::new(&self.options(), self.config.max_response),
                head: head.clone(),
                of: None,
                left: 0,
                fault: None,
                is_silent: !self.is_trusted(),
            },
        };
        row.left = literal.len;
        if row.fault.is_none() {
            match row.parser.push(head) {
                Ok(RowProgress::Body(body)) => {
                    let (number, uid) = (row.parser.number(), row.parser.uid());
                    row.of = row.of.or_else(|| self.owner_of_body(&row.parser));
                    if !row.is_silent {
                        self.events.push_back(Event::Body { of: row.of, number, uid, body });
                    }
                }
                Ok(RowProgress::Done { .. }) => row.fault = Some(expected("a literal", head)),
                Err(error) => row.fault = Some(error),
            }
        }
        self.row = Some(row);
        Ok(())
    }

    fn row_ends(&mut self, mut row: Streaming, tail: &Bytes) {
        if row.is_silent {
            return;
        }
        let error = match (row.parser.push(tail), row.fault) {
            (_, Some(error)) | (Err(error), None) => error,
            (Ok(RowProgress::Body(_)), None) => expected("the octets of a literal", tail),
            (Ok(RowProgress::Done { row: whole, repairs }), None) => {
                self.repaired(repairs);
                self.events.push_back(Event::Row { of: row.of, row: *whole });
                return;
            }
        };
        self.events.push_back(Event::Malformed { unit: row.head, error });
    }

    /// The FETCH that a body belongs to. Its row may not have said its UID yet.
    fn owner_of_body(&self, parser: &FetchRowParser) -> Option<CommandId> {
        let exists = self.numbers.exists().unwrap_or(0);
        self.oldest(|kind| match kind {
            Kind::Fetch { asked, .. } => asked.may_be_about(parser.number(), parser.uid(), exists),
            _ => false,
        })
    }
}

fn expected(what: &'static str, unit: &Bytes) -> ParseError {
    ParseError::new(ParseErrorKind::Expected(what), 0, unit)
}

fn malformed(error: ParseError) -> Error {
    ServerFault::Malformed(error).into()
}
