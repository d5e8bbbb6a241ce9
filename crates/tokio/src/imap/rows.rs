//! A handler's way to the session: rows and lists, with back-pressure.

use bytes::Bytes;
use postroad_core::Full;
use postroad_imap::response::{ListResponse, MailboxAttribute, MailboxStatus};
use postroad_imap::server::{Fetch, List, Literal, Resync, Row, RowError, SectionItem, Server, Store};
use postroad_imap::types::{Flag, MailboxName, ModSeq, UidSet};
use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// The session, for all that one connection does. Never locked across an await.
#[derive(Debug)]
pub(super) struct Shared(Mutex<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) session: Server,
    /// Who waits for his turn: room in the output, and no literal that is open.
    waiting: Vec<Waker>,
    /// Who waits for room, in the literal that is open.
    waiting_in_literal: Vec<Waker>,
    /// A handler has given something since the driver looked.
    pub(super) has_output: bool,
    /// The connection is over: nobody waits for anything.
    is_over: bool,
}

/// What somebody waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    Turn,
    Room,
}

impl Shared {
    pub(super) fn new(session: Server) -> Self {
        Self(Mutex::new(Inner {
            session,
            waiting: Vec::new(),
            waiting_in_literal: Vec::new(),
            has_output: false,
            is_over: false,
        }))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        // A session says itself whether it is over.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes those for whom there is room now; and says whether there was somebody.
    pub(super) fn wake(&self) -> bool {
        let mut inner = self.lock();
        let mut woken = Vec::new();
        if inner.is_over || inner.session.has_room() {
            woken.append(&mut inner.waiting_in_literal);
        }
        if inner.is_over || inner.session.is_ready() {
            woken.append(&mut inner.waiting);
        }
        drop(inner);
        let any = !woken.is_empty();
        woken.into_iter().for_each(Waker::wake);
        any
    }

    /// The connection is over: whoever waits is told so, now and later.
    pub(super) fn end(&self) {
        self.lock().is_over = true;
        self.wake();
    }

    /// Tries again whenever there is room, until it is done. `None`: the connection is over.
    async fn with_room<T>(&self, wait: Wait, mut attempt: impl FnMut(&mut Server) -> Option<T>) -> Option<T> {
        poll_fn(|context| {
            let mut inner = self.lock();
            if inner.is_over {
                return Poll::Ready(None);
            }
            inner.has_output = true;
            if let Some(done) = attempt(&mut inner.session) {
                return Poll::Ready(Some(done));
            }
            let waiting = match wait {
                Wait::Turn => &mut inner.waiting,
                Wait::Room => &mut inner.waiting_in_literal,
            };
            // Who is polled for another reason waits already.
            if !waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                waiting.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await
    }
}

/// The message is not there for this client, or the connection is over: leave it out. See [`Rows`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

impl std::fmt::Display for Gone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the client knows no such message")
    }
}

impl std::error::Error for Gone {}

/// Where the rows of FETCH and STORE go. Each method waits until the client has taken enough of what was said before.
///
/// Dropping a future of this sends its row or nothing, except within [`RowBody`].
#[derive(Debug)]
pub struct Rows<'a> {
    pub(super) shared: &'a Shared,
    pub(super) of: RowsOf<'a>,
}

#[derive(Debug)]
pub(super) enum RowsOf<'a> {
    Fetch(&'a Fetch),
    Store(&'a Store),
    Resync(&'a Resync),
}

impl<'a> Rows<'a> {
    fn begin<'s>(of: &RowsOf<'_>, session: &'s mut Server, uid: u32) -> Result<Row<'s>, RowError> {
        match of {
            RowsOf::Fetch(fetch) => fetch.row(session, uid),
            RowsOf::Store(store) => store.row(session, uid),
            RowsOf::Resync(resync) => resync.row(session, uid),
        }
    }

    /// One whole row. `write` adds its items, and is called once there is room.
    ///
    /// # Errors
    ///
    /// [`Gone`]: leave it out.
    pub async fn row(&self, uid: u32, write: impl FnOnce(Row<'_>) -> Row<'_>) -> Result<(), Gone> {
        let mut write = Some(write);
        self.shared
            .with_room(Wait::Turn, |session| match Self::begin(&self.of, session, uid) {
                Ok(row) => {
                    if let Some(write) = write.take() {
                        write(row).end();
                    }
                    Some(Ok(()))
                }
                Err(RowError::Full) => None,
                Err(_) => Some(Err(Gone)),
            })
            .await
            .unwrap_or(Err(Gone))
    }

    /// A row with a section of `len` octets that come in chunks: push them into the [`RowBody`], then end it.
    ///
    /// # Errors
    ///
    /// [`Gone`]: leave it out.
    pub async fn row_with_body(
        &self,
        uid: u32,
        write: impl FnOnce(Row<'_>) -> Row<'_>,
        item: SectionItem<'_>,
        len: u64,
    ) -> Result<RowBody<'a>, Gone> {
        let mut write = Some(write);
        let literal = self
            .shared
            .with_room(Wait::Turn, |session| match Self::begin(&self.of, session, uid) {
                Ok(row) => match write.take() {
                    Some(write) => Some(Ok(write(row).stream(item, len))),
                    None => Some(Err(Gone)),
                },
                Err(RowError::Full) => None,
                Err(_) => Some(Err(Gone)),
            })
            .await
            .unwrap_or(Err(Gone))?;
        Ok(RowBody { shared: self.shared, literal })
    }

    /// A message has new flags: for [`Handler::store`](super::Handler::store). See [`Store::stored`].
    ///
    /// # Errors
    ///
    /// [`Gone`]: leave it out.
    pub async fn stored(&self, uid: u32, flags: &[Flag], mod_seq: Option<ModSeq>) -> Result<(), Gone> {
        let RowsOf::Store(store) = &self.of else { return Err(Gone) };
        self.shared
            .with_room(Wait::Turn, |session| match store.stored(session, uid, flags, mod_seq) {
                Ok(()) => Some(Ok(())),
                Err(RowError::Full) => None,
                Err(_) => Some(Err(Gone)),
            })
            .await
            .unwrap_or(Err(Gone))
    }

    /// Messages that have gone since a modification sequence, before the first row: for FETCH with VANISHED, and when a mailbox is
    /// resynchronised (RFC 7162 sections 3.2.5 and 3.2.6).
    pub async fn vanished(&self, gone: UidSet) {
        let mut waiting = Some(gone);
        self.shared
            .with_room(Wait::Turn, |session| {
                let gone = waiting.take()?;
                let told = match &self.of {
                    RowsOf::Fetch(fetch) => fetch.vanished(session, &gone),
                    RowsOf::Resync(resync) => resync.vanished(session, &gone),
                    RowsOf::Store(_) => Ok(()),
                };
                match told {
                    Ok(()) => Some(()),
                    Err(Full(rest)) => {
                        waiting = Some(rest);
                        None
                    }
                }
            })
            .await;
    }
}

/// A section on its way. Dropped before it is ended it closes the connection: nothing else could be understood.
#[derive(Debug)]
#[must_use = "a body that is not ended closes the connection"]
pub struct RowBody<'a> {
    shared: &'a Shared,
    literal: Literal,
}

impl RowBody<'_> {
    /// How many octets are owed.
    pub fn left(&self) -> u64 {
        self.literal.left()
    }

    /// Sends the next octets, as soon as there is room. What is more than was announced is cut off.
    pub async fn push(&mut self, chunk: Bytes) {
        let mut waiting = Some(chunk);
        let literal = &mut self.literal;
        self.shared
            .with_room(Wait::Room, |session| {
                match literal.push(session, waiting.take().unwrap_or_default()) {
                    Ok(()) => Some(()),
                    Err(Full(back)) => {
                        waiting = Some(back);
                        None
                    }
                }
            })
            .await;
    }

    /// The section is whole; another one follows in the same row, after what `write` adds.
    pub fn next(self, write: impl FnOnce(Row<'_>) -> Row<'_>, item: SectionItem<'_>, len: u64) -> Self {
        let Self { shared, literal } = self;
        let mut inner = shared.lock();
        inner.has_output = true;
        let literal = write(literal.resume(&mut inner.session)).stream(item, len);
        drop(inner);
        Self { shared, literal }
    }

    /// The section is whole, and so is its row, after what `write` adds.
    pub fn end(self, write: impl FnOnce(Row<'_>) -> Row<'_>) {
        let mut inner = self.shared.lock();
        inner.has_output = true;
        write(self.literal.resume(&mut inner.session)).end();
    }
}

/// Where the mailboxes of LIST go. Each method waits until the client has taken enough of what was said before.
#[derive(Debug)]
pub struct Lists<'a> {
    pub(super) shared: &'a Shared,
    pub(super) list: &'a List,
}

impl Lists<'_> {
    /// Whether this is LSUB: see [`List::is_lsub`].
    pub fn is_lsub(&self) -> bool {
        *self.list.is_lsub()
    }

    /// Those of the mailboxes whose names match; and the root with its delimiter, when the client asked for nothing else. The selection options
    /// (RFC 5258) are the caller's.
    pub async fn matching(&self, delimiter: Option<char>, mailboxes: impl IntoIterator<Item = ListResponse>) {
        let command = self.list.command();
        if command.is_for_delimiter() {
            let mut root = ListResponse::new(MailboxName::default(), delimiter);
            root.attributes.push(MailboxAttribute::NoSelect);
            return self.mailbox(root).await;
        }
        for mailbox in mailboxes {
            if command.matches(&mailbox.mailbox, delimiter) {
                self.mailbox(mailbox).await;
            }
        }
    }

    /// A mailbox that matches.
    pub async fn mailbox(&self, mailbox: ListResponse) {
        let mut waiting = Some(mailbox);
        self.shared
            .with_room(Wait::Turn, |session| match self.list.mailbox(session, waiting.take()?) {
                Ok(()) => Some(()),
                Err(Full(back)) => {
                    waiting = Some(back);
                    None
                }
            })
            .await;
    }

    /// The status of a mailbox that was just given, when the client asked for it (RFC 5819).
    pub async fn status(&self, status: MailboxStatus) {
        let mut waiting = Some(status);
        self.shared
            .with_room(Wait::Turn, |session| match self.list.status(session, waiting.take()?) {
                Ok(()) => Some(()),
                Err(Full(back)) => {
                    waiting = Some(back);
                    None
                }
            })
            .await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use postroad_imap::server::Config;
    use std::future::Future as _;
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Wake};

    struct Nobody;

    impl Wake for Nobody {
        fn wake(self: Arc<Self>) {}
    }

    #[test]
    fn who_is_polled_again_and_again_waits_once() {
        let shared = Shared::new(Server::new(Config::new()));
        let waker = Waker::from(Arc::new(Nobody));
        let mut context = Context::from_waker(&waker);
        for wait in [Wait::Turn, Wait::Room] {
            let mut waiting = pin!(shared.with_room::<()>(wait, |_| None));
            for _ in 0..1000 {
                assert!(waiting.as_mut().poll(&mut context).is_pending());
            }
        }
        let inner = shared.lock();
        assert_eq!((inner.waiting.len(), inner.waiting_in_literal.len()), (1, 1));
    }
}
