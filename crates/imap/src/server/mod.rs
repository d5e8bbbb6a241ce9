//! The server's end of one connection.
//!
//! [`Server`] tells what the client wants as [`Event`]s; what the application must decide are tokens in them. It knows which commands may
//! run together, keeps sequence numbers right, says what changed when this may be said, and streams messages both ways.
//!
//! ```
//! use bytes::BytesMut;
//! use postroad_core::{Session, Step};
//! use postroad_imap::server::{Config, Event, Selected, Server};
//! use postroad_imap::types::Flag;
//! # #[allow(clippy::disallowed_methods)]
//! # let now = std::time::Instant::now();
//!
//! let mut session = Server::new_over_tls(Config::new(), Default::default());
//! let mut input = BytesMut::from("a LOGIN bob pickles\r\nb SELECT INBOX\r\nc FETCH 1 FLAGS\r\n");
//! while let Step::Event(event) = session.poll_event(now, &mut input)? {
//!     match event {
//!         Event::Login(login) => login.ok(&mut session),
//!         Event::Select(select) => select.ok(&mut session, Selected::new(1, 8, [7].into_iter().collect())),
//!         Event::Fetch(fetch) => {
//!             fetch.row(&mut session, 7)?.flags(&[Flag::Seen]).end();
//!             fetch.ok(&mut session);
//!         }
//!         _ => {}
//!     }
//! }
//! let said = session.poll_transmit().unwrap();
//! assert!(said.ends_with(b"* 1 FETCH (FLAGS (\\Seen))\r\nc OK FETCH completed\r\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
pub mod append;
mod capability;
mod compress;
mod condstore;
mod config;
mod error;
mod event;
mod extension;
pub mod messages;
mod quota;
pub mod request;
mod row;
#[cfg(feature = "sasl")]
pub mod sasl;
mod search;
mod select;
mod sort;
mod start;
mod state;

pub use append::{Append, AppendFinish};
pub use compress::Compress;
pub use condstore::Resync;
pub use config::{Config, Timeouts};
pub use error::{ApiMisuse, Error, Limit, PeerFault};
pub use event::{BadCommand, Event};
pub use messages::{Copy, CopyUid, Expunge, Fetch, Move, Search, Store};
pub use quota::{GetQuota, GetQuotaRoot, SetQuota};
pub use request::{
    Authenticate, Close, Create, Delete, List, Login, Namespace, Rename, SaslResponse, Select, StartTls,
    Status, Subscribe,
};
pub use row::{Literal, Row, RowError, SectionItem};
pub use select::Selected;
pub use sort::{Sort, Thread};

use crate::codec::{Framer, LiteralHeader};
use crate::command::{AppendMessage, Class, ParseOptions};

use crate::response::{ResponseCode, ResponseText, Status as StatusKind, StatusResponse};
use crate::types::{MailboxName, Tag, UidSet};
use crate::view::{Change, MailboxView};
use bytes::{Bytes, BytesMut};
use postroad_core::{Full, Output, Session, Step, Tickets, Timers, TlsInfo, deadline};
use row::Lane;
use state::Held;
use std::sync::Arc;
use std::time::Instant;

const COMMAND: usize = 0;
const BLOCK: usize = 1;
const DECISION: usize = 2;
const HANDSHAKE: usize = 3;

/// The most commands that wait for the application, whatever the configuration says; the slots beyond are for literals.
const MOST_PENDING: usize = 60;

/// Of so many messages at a time the flags are read again.
const REREAD: usize = 1000;

/// The states of RFC 9051 section 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The client has to log in.
    NotAuthenticated,
    /// The client is known, and no mailbox is selected.
    Authenticated,
    /// A mailbox is selected.
    Selected,
    /// Nothing more will come.
    Closed,
}

/// What the next octets of the input are.
#[derive(Debug, Default)]
enum Mode {
    #[default]
    Command,
    Sasl(Running),
    Idle(Tag),
    /// The application decides whether a message is welcome.
    AppendDecision {
        literal: LiteralHeader,
        mailbox: MailboxName,
        message: AppendMessage,
    },
    AppendData {
        running: Running,
        mailbox: MailboxName,
        message: AppendMessage,
        left: u64,
    },
    /// What stands behind a message.
    AppendTail {
        running: Running,
        mailbox: MailboxName,
        message: AppendMessage,
    },
    Handshake(Handshake),
}

/// Why nothing is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Handshake {
    Tls,
    Compression,
}

/// A command that has begun.
#[derive(Debug)]
struct Running {
    tag: Tag,
    class: Class,
}

/// What the client switched on by ENABLE.
#[derive(Debug, Default)]
struct Enabled {
    rev2: bool,
    utf8: bool,
    condstore: bool,
    qresync: bool,
}

/// The server end of one IMAP connection (RFC 9051, RFC 3501). See the [module](self).
#[derive(Debug)]
pub struct Server {
    config: Arc<Config>,
    state: State,
    mode: Mode,
    framer: Framer,
    tls: Option<TlsInfo>,
    tickets: Tickets,
    /// The commands whose tokens are out, by the slots of their tickets.
    running: Vec<(u32, Running)>,
    held: Option<Held>,
    output: Output,
    lane: Option<Lane>,
    /// What is to be said beside an open literal.
    aside: BytesMut,
    view: Option<MailboxView>,
    is_read_only: bool,
    /// The saved search result (RFC 9051 section 6.4.4.1), as UIDs.
    saved: Vec<(u32, u32)>,
    enabled: Enabled,
    /// The selected mailbox has no modification sequences.
    has_no_mod_seqs: bool,
    /// The slot of the SELECT whose client is being brought up to date.
    resyncing: Option<u32>,
    /// The application has to be told that no mailbox is selected.
    unselected: bool,
    is_compressed: bool,
    errors: u32,
    errors_before_login: u32,
    timers: Timers<4>,
    /// Octets of the present block of a message.
    block: u64,
    /// The application has done something since its clock was set.
    has_progressed: bool,
    /// Octets of literals to the commands were cut.
    idle_ended: bool,
    eof: bool,
    failed: Option<Error>,
}

impl Server {
    /// A session on a transport without TLS. Its greeting is ready to be written.
    pub fn new(config: impl Into<Arc<Config>>) -> Self {
        Self::begin(config.into(), None)
    }

    /// A session on a transport that is under TLS from its first octet (port 993, RFC 8314 section 3.2).
    pub fn new_over_tls(config: impl Into<Arc<Config>>, tls: TlsInfo) -> Self {
        Self::begin(config.into(), Some(tls))
    }

    fn begin(config: Arc<Config>, tls: Option<TlsInfo>) -> Self {
        let mut session = Self {
            state: State::NotAuthenticated,
            mode: Mode::Command,
            framer: Framer::new(),
            tls,
            tickets: Tickets::new(),
            running: Vec::new(),
            held: None,
            output: Output::new(config.output_high_water),
            lane: None,
            aside: BytesMut::new(),
            view: None,
            is_read_only: false,
            saved: Vec::new(),
            enabled: Enabled::default(),
            has_no_mod_seqs: false,
            resyncing: None,
            unselected: false,
            is_compressed: false,
            errors: 0,
            errors_before_login: 0,
            timers: Timers::new(),
            block: 0,
            has_progressed: false,
            idle_ended: false,
            eof: false,
            failed: None,
            config,
        };
        session.greet();
        session
    }

    /// Where the session stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// What the client was told of the selected mailbox, if there is one.
    pub fn view(&self) -> Option<&MailboxView> {
        self.view.as_ref()
    }

    /// Whether the client may not change the selected mailbox.
    pub fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    /// What is known of the TLS connection; `None`: there is none.
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.tls.as_ref()
    }

    /// How many commands wait for the application.
    pub fn pending(&self) -> usize {
        self.running.len()
    }

    /// Whether a row could begin now: the output has room, and no literal is open.
    pub fn is_ready(&self) -> bool {
        self.has_room() && self.lane.as_ref().is_none_or(|lane| lane.literal.is_none())
    }

    /// Whether octets of an open literal could go out now: the output has room.
    pub fn has_room(&self) -> bool {
        !self.output.is_full()
    }

    /// Whether the client has switched to IMAP4rev2 (RFC 9051 section 6.3.1).
    pub fn is_rev2(&self) -> bool {
        self.enabled.rev2
    }

    /// Whether mailbox names are UTF-8, and not modified UTF-7.
    fn utf8(&self) -> bool {
        self.enabled.rev2 || self.enabled.utf8
    }

    fn parse_options(&self) -> ParseOptions {
        ParseOptions {
            utf8: self.utf8(),
            max_search_keys: self.config.max_search_keys,
            ..ParseOptions::default()
        }
    }

    /// The selected mailbox has changed. Told to the client as soon as it may be: at once during IDLE, else before the end of a command.
    ///
    /// Every change must be given, in the mailbox's own order, from the moment on which [`Selected`] described; those that this client caused
    /// too. Only changes of flags that [`Store::stored`] tells may be left out. Without a selected mailbox it does nothing.
    pub fn notify(&mut self, change: Change) {
        if let Some(view) = &mut self.view {
            view.apply(change);
        }
        self.tell_idler();
    }

    /// The selected mailbox is no more, or what the client believes of it can no longer be mended: the session says so by a BYE, for
    /// IMAP has no other way.
    pub fn mailbox_is_gone(&mut self) {
        if self.state == State::Selected {
            self.bye("the selected mailbox is gone");
        }
    }

    /// An untagged OK, NO or BAD, with a code or without: a piece of information, a warning, an alarm (RFC 9051 section 7.1). It may come at
    /// any time. What a client must show its user has [`ResponseCode::Alert`]. For PREAUTH and BYE it does nothing.
    ///
    /// # Errors
    ///
    /// The output is full: write some, then say it again.
    pub fn inform(
        &mut self,
        status: StatusKind,
        code: impl Into<Option<ResponseCode>>,
        text: impl Into<ResponseText>,
    ) -> Result<(), Full<()>> {
        if self.state == State::Closed
            || matches!(status, StatusKind::PreAuth | StatusKind::Bye)
            || self.is_starting_tls()
        {
            return Ok(());
        }
        if self.output.is_full() || self.aside.len() >= self.config.output_high_water {
            return Err(Full(()));
        }
        let response = StatusResponse::untagged(status, code, text);
        self.line(|out| response.encode(out));
        Ok(())
    }

    /// The transport is under TLS now: call it after [`StartTls::accept`], once the handshake is done. What was said before is
    /// forgotten. At any other time it does nothing.
    pub fn tls_established(&mut self, tls: TlsInfo) {
        if self.is_starting_tls() {
            self.timers.stop(HANDSHAKE);
            self.mode = Mode::Command;
            self.framer.reset();
            self.enabled = Enabled::default();
            self.tls = Some(tls);
        }
    }

    fn is_starting_tls(&self) -> bool {
        matches!(self.mode, Mode::Handshake(Handshake::Tls))
    }

    /// Says BYE and closes; commands in flight get no answer. Inside of a literal nothing is said.
    pub fn shut_down(&mut self) {
        self.bye("the server is shutting down");
    }

    // ---- how it ends ----

    fn close(&mut self) {
        self.state = State::Closed;
        self.mode = Mode::Command;
        self.view = None;
        self.held = None;
        self.running.clear();
        self.tickets.void_all();
        self.timers.stop_all();
        self.aside = BytesMut::new();
        self.saved = Vec::new();
    }

    /// The client was promised octets that will not come: no word would be understood.
    fn break_off(&mut self) {
        self.close();
        self.failed.get_or_insert(Error::Api(ApiMisuse::BrokenLiteral));
    }

    fn broken_by(&mut self, fault: PeerFault) -> Error {
        self.close();
        Error::Peer(fault)
    }

    fn over(&mut self, what: Limit, limit: u64) -> Error {
        self.bye("too much");
        Error::Limit { what, limit }
    }

    /// What the view could not keep.
    fn reread(&mut self) -> Option<Event> {
        let view = self.view.as_mut().filter(|view| view.has_unread())?;
        let uids: UidSet = view.take_unread(REREAD).into_iter().collect();
        (!uids.is_empty()).then_some(Event::Reread(uids))
    }

    /// Tokens that were dropped unanswered.
    fn reap(&mut self) {
        while let Some(slot) = self.tickets.reap() {
            if self.lane.as_ref().is_some_and(|lane| lane.literal.is_some_and(|(literal, _)| literal == slot))
            {
                return self.break_off();
            }
            self.answer_in_its_place(slot);
        }
    }

    /// The application has not answered, or made progress, for too long.
    fn decision_expired(&mut self, now: Instant) {
        if self.tickets.outstanding() == 0 {
            return;
        }
        // The client is slow, not the application.
        if !self.output.is_empty() || self.has_progressed {
            self.has_progressed = false;
            self.timers.set(DECISION, deadline(now, self.config.timeouts.decision));
            return;
        }
        self.bye("the server gave no answer");
        self.failed.get_or_insert(Error::Api(ApiMisuse::Overdue));
    }
}

impl Session for Server {
    type Event = Event;
    type Error = Error;

    fn poll_event(&mut self, now: Instant, input: &mut BytesMut) -> Result<Step<Event>, Error> {
        loop {
            self.reap();
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            if self.state == State::Closed {
                return Ok(Step::Closed);
            }
            if core::mem::take(&mut self.unselected) {
                return Ok(Step::Event(Event::Unselected));
            }
            self.tell_idler();
            if self.tickets.outstanding() > 0 {
                self.timers.start(DECISION, deadline(now, self.config.timeouts.decision));
            } else {
                self.timers.stop(DECISION);
            }
            if let Some(event) = self.reread() {
                return Ok(Step::Event(event));
            }
            if let Some(step) = self.read(now, input)? {
                return Ok(step);
            }
        }
    }

    fn poll_transmit(&mut self) -> Option<Bytes> {
        self.output.pop()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    fn handle_timeout(&mut self, now: Instant) {
        while let Some(kind) = self.timers.expired(now) {
            match kind {
                DECISION => self.decision_expired(now),
                COMMAND if !self.running.is_empty() => {}
                // The client is still reading.
                COMMAND | BLOCK if !self.output.is_empty() => {
                    let timeouts = &self.config.timeouts;
                    let time = match self.state {
                        State::NotAuthenticated => timeouts.before_login,
                        _ => timeouts.idle,
                    };
                    self.timers.set(kind, deadline(now, time));
                }
                HANDSHAKE => self.close(),
                _ => self.bye("idle for too long"),
            }
        }
    }

    fn handle_eof(&mut self) {
        self.eof = true;
    }
}
