//! A session that is watched.

use crate::{Explain, Line};
use bytes::{Bytes, BytesMut};
use core::fmt;
use postroad_core::{Session, Step};
use std::sync::Arc;
use std::time::Instant;

/// Where lines go: a terminal, a log, a list in a test.
pub type Sink = Arc<dyn Fn(Line) + Send + Sync>;

/// A session whose conversation is shown, or not.
pub struct Traced<S> {
    /// The session itself: commands and answers go to it directly.
    pub session: S,
    watch: Option<Watch>,
}

struct Watch {
    is_server: bool,
    explain: Box<dyn Explain>,
    sink: Sink,
}

impl Watch {
    fn said(&mut self, by_client: bool, octets: &[u8]) {
        if octets.is_empty() {
            return;
        }
        let lines =
            if by_client { self.explain.client_said(octets) } else { self.explain.server_said(octets) };
        for line in lines {
            (self.sink)(line);
        }
    }
}

impl<S> Traced<S> {
    /// A session that is not watched.
    pub const fn off(session: S) -> Self {
        Self { session, watch: None }
    }

    /// A client's session, watched.
    pub fn client(session: S, explain: impl Explain + 'static, sink: Sink) -> Self {
        Self { session, watch: Some(Watch { is_server: false, explain: Box::new(explain), sink }) }
    }

    /// A server's session, watched.
    pub fn server(session: S, explain: impl Explain + 'static, sink: Sink) -> Self {
        Self { session, watch: Some(Watch { is_server: true, explain: Box::new(explain), sink }) }
    }

    /// Whether it is watched.
    pub const fn is_on(&self) -> bool {
        self.watch.is_some()
    }

    /// Shows something that happened beside the conversation.
    pub fn note(&self, text: impl Into<String>) {
        if let Some(watch) = &self.watch {
            (watch.sink)(Line::note(text));
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for Traced<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traced").field("session", &self.session).finish_non_exhaustive()
    }
}

impl<S: Session> Session for Traced<S> {
    type Event = S::Event;
    type Error = S::Error;

    fn poll_event(&mut self, now: Instant, input: &mut BytesMut) -> Result<Step<S::Event>, S::Error> {
        let Some(watch) = &mut self.watch else { return self.session.poll_event(now, input) };
        let before = input.clone();
        let step = self.session.poll_event(now, input);
        let taken = before.len().saturating_sub(input.len());
        watch.said(watch.is_server, &before[..taken]);
        step
    }

    fn poll_transmit(&mut self) -> Option<Bytes> {
        let octets = self.session.poll_transmit()?;
        if let Some(watch) = &mut self.watch {
            watch.said(!watch.is_server, &octets);
        }
        Some(octets)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.session.poll_timeout()
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.session.handle_timeout(now);
    }

    fn handle_eof(&mut self) {
        self.note("the other end has closed the connection");
        self.session.handle_eof();
    }
}
