//! Two sessions, a wire between them, and a clock that moves when it is told to.

use bytes::{Buf, BytesMut};
use postroad_core::{Session, Step};
use std::time::{Duration, Instant};

/// More turns than any honest test takes: a pair that has not come to rest by then never will.
const MOST_TURNS: usize = 2_000_000;

/// What a session said last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It waits for octets.
    NeedInput,
    /// It waits for its application, for room, or for an upgrade.
    Paused,
    /// It is over.
    Closed,
    /// It ended with this error, as text.
    Failed(String),
}

/// One session with its input and what it has sent.
#[derive(Debug)]
pub struct Side<S> {
    /// The session.
    pub session: S,
    /// What it has been given and has not taken.
    pub input: BytesMut,
    /// What it has ever sent.
    pub sent: Vec<u8>,
    /// What it said last.
    pub end: End,
    /// On the way to it.
    wire: BytesMut,
    told_eof: bool,
}

impl<S: Session> Side<S> {
    fn new(session: S) -> Self {
        let (input, wire) = (BytesMut::new(), BytesMut::new());
        Self { session, input, sent: Vec::new(), end: End::NeedInput, wire, told_eof: false }
    }

    fn poll(&mut self, now: Instant, app: &mut impl FnMut(&mut S, S::Event)) -> bool {
        let before = (self.end.clone(), self.input.len());
        let mut moved = false;
        loop {
            self.end = match self.session.poll_event(now, &mut self.input) {
                Ok(Step::Event(event)) => {
                    moved = true;
                    app(&mut self.session, event);
                    continue;
                }
                Ok(Step::NeedInput) => End::NeedInput,
                Ok(Step::Paused) => End::Paused,
                Ok(Step::Closed) if matches!(self.end, End::Failed(_)) => return moved,
                Ok(Step::Closed) => End::Closed,
                Err(error) => End::Failed(error.to_string()),
            };
            return moved || before != (self.end.clone(), self.input.len());
        }
    }

    fn transmit(&mut self, wire: &mut BytesMut) -> bool {
        let before = self.sent.len();
        while let Some(octets) = self.session.poll_transmit() {
            self.sent.extend_from_slice(&octets);
            wire.extend_from_slice(&octets);
        }
        before != self.sent.len()
    }

    fn is_over(&self) -> bool {
        matches!(self.end, End::Closed | End::Failed(_))
    }

    /// Gives it the next `segment` octets of its wire, if it would read.
    fn receive(&mut self, segment: usize, peer_is_over: bool) -> bool {
        if self.end != End::NeedInput {
            return false;
        }
        if self.wire.is_empty() {
            let eof = peer_is_over && !self.told_eof;
            if eof {
                self.told_eof = true;
                self.session.handle_eof();
            }
            return eof;
        }
        let segment = segment.min(self.wire.len());
        self.input.extend_from_slice(&self.wire[..segment]);
        self.wire.advance(segment);
        true
    }
}

/// A client against a server, in one thread, under virtual time.
///
/// The applications are closures that are given each event with its session, and answer at once or keep the token for later.
///
/// ```
/// # use postroad_testkit::Pair;
/// # use postroad_core::{Session, Step};
/// # use bytes::{Bytes, BytesMut};
/// # use std::{convert::Infallible, time::Instant};
/// # struct Echo(Option<Bytes>);
/// # impl Session for Echo {
/// #     type Event = Bytes;
/// #     type Error = Infallible;
/// #     fn poll_event(&mut self, _: Instant, input: &mut BytesMut) -> Result<Step<Bytes>, Infallible> {
/// #         Ok(if input.is_empty() { Step::NeedInput } else { Step::Event(input.split().freeze()) })
/// #     }
/// #     fn poll_transmit(&mut self) -> Option<Bytes> { self.0.take() }
/// #     fn poll_timeout(&self) -> Option<Instant> { None }
/// #     fn handle_timeout(&mut self, _: Instant) {}
/// #     fn handle_eof(&mut self) {}
/// # }
/// let mut pair = Pair::new(Echo(Some("hello".into())), Echo(None)).segment(2);
/// let mut heard = Vec::new();
/// pair.run(|_, _| {}, |_, octets| heard.extend_from_slice(&octets));
/// assert_eq!(heard, b"hello");
/// ```
#[derive(Debug)]
pub struct Pair<C, S> {
    /// The client's side.
    pub client: Side<C>,
    /// The server's side.
    pub server: Side<S>,
    now: Instant,
    segment: usize,
}

impl<C: Session, S: Session> Pair<C, S> {
    /// Two sessions, not yet polled. [`now`](Self::now) is the time to have made them with, give or take nothing that matters: make
    /// them with [`Instant::now`] and they will agree.
    pub fn new(client: C, server: S) -> Self {
        Self {
            client: Side::new(client),
            server: Side::new(server),
            now: Instant::now(),
            segment: usize::MAX,
        }
    }

    /// How many octets arrive at once, at most. Everything that is there, unless set.
    #[must_use]
    pub fn segment(mut self, octets: usize) -> Self {
        self.segment = octets.max(1);
        self
    }

    /// The time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Runs until neither side can go on without time, its application or an upgrade.
    ///
    /// # Panics
    ///
    /// If they never come to rest.
    pub fn run(
        &mut self,
        mut client: impl FnMut(&mut C, C::Event),
        mut server: impl FnMut(&mut S, S::Event),
    ) {
        for _ in 0..MOST_TURNS {
            if !self.turn(&mut client, &mut server) {
                return;
            }
        }
        panic!("the pair does not come to rest");
    }

    /// Lets each side do what it can at once, and hands each one segment of what is on its wire, so that the rest stays under way. Whether
    /// anything moved.
    pub fn turn(
        &mut self,
        mut client: impl FnMut(&mut C, C::Event),
        mut server: impl FnMut(&mut S, S::Event),
    ) -> bool {
        let mut moved = self.client.poll(self.now, &mut client);
        moved |= self.client.transmit(&mut self.server.wire);
        moved |= self.server.receive(self.segment, self.client.is_over());
        moved |= self.server.poll(self.now, &mut server);
        moved |= self.server.transmit(&mut self.client.wire);
        moved |= self.client.receive(self.segment, self.server.is_over());
        moved
    }

    /// Lets time pass, stopping at each deadline on the way.
    ///
    /// # Panics
    ///
    /// If a session leaves a deadline standing that has passed.
    pub fn advance(
        &mut self,
        by: Duration,
        mut client: impl FnMut(&mut C, C::Event),
        mut server: impl FnMut(&mut S, S::Event),
    ) {
        let until = self.now + by;
        loop {
            self.run(&mut client, &mut server);
            let deadlines = [self.client.session.poll_timeout(), self.server.session.poll_timeout()];
            let next = deadlines.into_iter().flatten().min().filter(|next| *next <= until);
            let Some(next) = next else { break };
            self.now = self.now.max(next);
            self.client.session.handle_timeout(self.now);
            self.server.session.handle_timeout(self.now);
            let still = [self.client.session.poll_timeout(), self.server.session.poll_timeout()];
            assert!(
                still.into_iter().flatten().all(|at| at > self.now),
                "a deadline that has passed was not taken"
            );
        }
        self.now = until;
        self.run(client, server);
    }

    /// Both transports become TLS: asserts that no octet is left over from before, then tells both sessions.
    ///
    /// # Panics
    ///
    /// If an octet is in a buffer or on the wire: it would cross the upgrade.
    pub fn upgrade(&mut self, client: impl FnOnce(&mut C), server: impl FnOnce(&mut S)) {
        assert!(
            self.client.input.is_empty() && self.client.wire.is_empty(),
            "octets to the client cross the upgrade"
        );
        assert!(
            self.server.input.is_empty() && self.server.wire.is_empty(),
            "octets to the server cross the upgrade"
        );
        client(&mut self.client.session);
        server(&mut self.server.session);
    }

    /// Puts octets on the wire to the client, as somebody on the way could.
    pub fn inject_to_client(&mut self, octets: &[u8]) {
        self.client.wire.extend_from_slice(octets);
    }

    /// Puts octets on the wire to the server, as somebody on the way could.
    pub fn inject_to_server(&mut self, octets: &[u8]) {
        self.server.wire.extend_from_slice(octets);
    }
}
