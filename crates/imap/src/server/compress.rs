//! COMPRESS DEFLATE (RFC 4978), and the end of a login (RFC 8437).

use super::{COMMAND, Enabled, HANDSHAKE, Handshake, Mode, Running, Server, State};
use crate::response::{No, ResponseCode, Status};
use postroad_core::Ticket;

/// What [`Event::Compress`](super::Event::Compress) asks: the client wants both directions compressed (RFC 4978 section 3).
#[derive(Debug)]
#[must_use = "the session waits until this is answered"]
pub struct Compress {
    pub(super) ticket: Ticket,
}

impl Compress {
    /// OK. Then write the output as it is, put the compression in place, give it the octets that are left in the input, for they are
    /// compressed already, and call [`Server::compression_established`]. The session says `Paused` until then, and takes nothing.
    pub fn accept(self, session: &mut Server) {
        if let Some(running) = session.settle(self.ticket) {
            session.tagged(&running.tag, Status::Ok, None, "DEFLATE active");
            session.mode = Mode::Handshake(Handshake::Compression);
        }
    }

    /// NO.
    pub fn no(self, session: &mut Server, no: No) {
        session.refuse(self.ticket, no);
    }
}

impl Server {
    /// The transport compresses now: call it after [`Compress::accept`]. At any other time it does nothing.
    pub fn compression_established(&mut self) {
        if matches!(self.mode, Mode::Handshake(Handshake::Compression)) {
            self.timers.stop(HANDSHAKE);
            self.mode = Mode::Command;
            self.is_compressed = true;
        }
    }

    /// Whether the transport compresses.
    pub fn is_compressed(&self) -> bool {
        self.is_compressed
    }

    /// What is said against compression at this moment.
    pub(super) fn compression_fault(&self) -> Option<No> {
        self.is_compressed.then(|| No::new(ResponseCode::CompressionActive, "DEFLATE is active"))
    }

    /// UNAUTHENTICATE: all is as before the login, but for TLS. Within compression it is refused, which would have to end at once on both
    /// sides (RFC 8437 section 3).
    pub(super) fn unauthenticate(&mut self, running: &Running) -> bool {
        if self.is_compressed {
            self.tagged(&running.tag, Status::No, Some(ResponseCode::Cannot), "not within compression");
            return false;
        }
        self.deselect(false);
        self.enabled = Enabled::default();
        self.state = State::NotAuthenticated;
        self.timers.stop(COMMAND);
        let code = self.capability_code();
        self.tagged(&running.tag, Status::Ok, Some(code), "logged out");
        true
    }
}
