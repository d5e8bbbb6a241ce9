//! Lines, cut out of a buffer under a limit.

use bytes::{Buf, Bytes, BytesMut};
use core::fmt;
use memchr::{memchr, memchr2};

/// What is wrong with a line as a line (RFC 5321 sections 2.3.8 and 4.5.3.1, RFC 1939 section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LineFault {
    /// It is longer than the limit, in octets, its CRLF included.
    TooLong {
        /// The limit that was given.
        limit: usize,
    },
    /// LF without CR, at this octet of the line.
    BareLf {
        /// Octet offset.
        at: usize,
    },
    /// CR without LF, at this octet of the line.
    BareCr {
        /// Octet offset.
        at: usize,
    },
    /// NUL, at this octet of the line.
    Nul {
        /// Octet offset.
        at: usize,
    },
}

impl fmt::Display for LineFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { limit } => write!(f, "line longer than {limit} octets"),
            Self::BareLf { at } => write!(f, "LF without CR at octet {at}"),
            Self::BareCr { at } => write!(f, "CR without LF at octet {at}"),
            Self::Nul { at } => write!(f, "NUL at octet {at}"),
        }
    }
}

impl core::error::Error for LineFault {}

/// What [`LineFramer::next`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Framed {
    /// No whole line yet.
    NeedInput,
    /// A line, without its CRLF.
    Line(Bytes),
    /// A line that ended in a bare LF, without it; only from a framer that [accepts](LineFramer::accept_bare_lf) them. To be reported
    /// as a repair.
    Repaired(Bytes),
    /// A line that must not be acted on. Its octets are consumed, or will be as they come; answer it once and go on.
    Fault(LineFault),
}

/// Cuts lines that end in CRLF out of a buffer. Scans each octet once, remembers how far it came, and holds nothing itself.
///
/// A faulty line reaches to the next CRLF: what stands behind a bare LF is never taken for a command, for another program on the way
/// may not have seen a line end there. The fault is told as soon as it is certain, and what is left of the line is dropped as it comes,
/// so memory stays within the limit and one read. Each further LF within the dropped part is told too, so that a peer that ends all
/// its lines so gets an answer to each (and the session counts them).
#[derive(Debug, Clone, Default)]
pub struct LineFramer {
    scanned: usize,
    fault: Option<LineFault>,
    dropping: bool,
    last_was_cr: bool,
    dropped: u64,
    accept_bare_lf: bool,
}

impl LineFramer {
    /// A framer that takes CRLF alone for a line end.
    pub const fn new() -> Self {
        Self {
            scanned: 0,
            fault: None,
            dropping: false,
            last_was_cr: false,
            dropped: 0,
            accept_bare_lf: false,
        }
    }

    /// Whether a bare LF ends a line too; such a line comes as [`Framed::Repaired`]. Off unless set: two programs that disagree on where
    /// a line ends can be played against each other.
    pub fn accept_bare_lf(&mut self, accept: bool) {
        self.accept_bare_lf = accept;
    }

    /// How many octets of the present faulty line were dropped so far: a session that has seen too many says goodbye.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Forgets all state: for a new beginning after TLS.
    pub fn reset(&mut self) {
        *self = Self { accept_bare_lf: self.accept_bare_lf, ..Self::new() };
    }

    /// The next line of at most `limit` octets, its CRLF included.
    ///
    /// `input` must begin where the last call left it; octets are only ever appended to it.
    pub fn next(&mut self, input: &mut BytesMut, limit: usize) -> Framed {
        if self.dropping {
            if let Some(fault) = self.drop_line(input) {
                return Framed::Fault(fault);
            }
            if self.dropping {
                return Framed::NeedInput;
            }
        }
        let from = self.scanned.min(input.len());
        let Some(found) = memchr(b'\n', &input[from..]) else {
            self.note_controls(input, from, input.len());
            self.scanned = input.len();
            if input.len() > limit {
                return self.give_up(input, LineFault::TooLong { limit });
            }
            return Framed::NeedInput;
        };
        let lf = from + found;
        self.note_controls(input, from, lf);
        self.scanned = 0;
        let fault = self.fault.take();
        if lf >= limit {
            // The whole line is here, but it might have been told as too long before its end came: be the same for every split.
            self.scanned = lf;
            return self.give_up(input, LineFault::TooLong { limit });
        }
        let ends_in_crlf = lf > 0 && input[lf - 1] == b'\r';
        if !ends_in_crlf && !self.accept_bare_lf {
            input.advance(lf + 1);
            self.start_dropping();
            return Framed::Fault(fault.unwrap_or(LineFault::BareLf { at: lf }));
        }
        let mut line = input.split_to(lf + 1).freeze();
        if let Some(fault) = fault {
            return Framed::Fault(fault);
        }
        line.truncate(if ends_in_crlf { lf - 1 } else { lf });
        if ends_in_crlf { Framed::Line(line) } else { Framed::Repaired(line) }
    }

    /// Remembers the first NUL or bare CR in `input[from..to]`; the octet before `from` was scanned by an earlier call.
    fn note_controls(&mut self, input: &[u8], from: usize, to: usize) {
        if self.fault.is_some() {
            return;
        }
        // A CR as the last octet before LF (or before the end of what is here) is not bare, or not yet.
        if from > 0 && from < to && input[from - 1] == b'\r' {
            self.fault = Some(LineFault::BareCr { at: from - 1 });
            return;
        }
        let mut start = from;
        while let Some(found) = memchr2(b'\r', 0, &input[start..to]) {
            let at = start + found;
            if input[at] == 0 {
                self.fault = Some(LineFault::Nul { at });
                return;
            }
            if at + 1 < to {
                self.fault = Some(LineFault::BareCr { at });
                return;
            }
            start = at + 1;
        }
    }

    /// Tells `fault` now and drops what is here of the line, up to its LF if that was seen.
    fn give_up(&mut self, input: &mut BytesMut, fault: LineFault) -> Framed {
        let seen = self.scanned;
        self.start_dropping();
        self.last_was_cr = seen > 0 && input[seen - 1] == b'\r';
        self.dropped = seen as u64;
        input.advance(seen);
        Framed::Fault(fault)
    }

    fn start_dropping(&mut self) {
        self.scanned = 0;
        self.fault = None;
        self.dropping = true;
        self.last_was_cr = false;
        self.dropped = 0;
    }

    /// Drops up to the next LF; one without CR is a fault of its own.
    fn drop_line(&mut self, input: &mut BytesMut) -> Option<LineFault> {
        if input.is_empty() {
            return None;
        }
        let Some(lf) = memchr(b'\n', input) else {
            self.last_was_cr = input.last() == Some(&b'\r');
            self.dropped += input.len() as u64;
            input.clear();
            return None;
        };
        let after_cr = if lf == 0 { self.last_was_cr } else { input[lf - 1] == b'\r' };
        let at = usize::try_from(self.dropped).unwrap_or(usize::MAX).saturating_add(lf);
        input.advance(lf + 1);
        if after_cr || self.accept_bare_lf {
            self.dropping = false;
            self.dropped = 0;
            return None;
        }
        self.start_dropping();
        Some(LineFault::BareLf { at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn all(framer: &mut LineFramer, parts: &[&[u8]], limit: usize) -> Vec<Framed> {
        let mut input = BytesMut::new();
        let mut found = Vec::new();
        for part in parts {
            input.extend_from_slice(part);
            loop {
                match framer.next(&mut input, limit) {
                    Framed::NeedInput => break,
                    other => found.push(other),
                }
            }
            assert!(input.len() <= limit, "no more than a line is held");
        }
        found
    }

    fn strict(octets: &[u8], limit: usize) -> Vec<Framed> {
        all(&mut LineFramer::new(), &[octets], limit)
    }

    fn line(text: &'static str) -> Framed {
        Framed::Line(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn lines_end_in_crlf() {
        assert_eq!(strict(b"a\r\n\r\nbc\r\nd", 10), [line("a"), line(""), line("bc")]);
    }

    #[test]
    fn the_limit_counts_crlf() {
        assert_eq!(strict(b"12345678\r\n", 10), [line("12345678")]);
        assert_eq!(
            strict(b"123456789\r\nok\r\n", 10),
            [Framed::Fault(LineFault::TooLong { limit: 10 }), line("ok")]
        );
    }

    #[test]
    fn nothing_behind_a_bare_lf_is_a_command() {
        let bare = Framed::Fault(LineFault::BareLf { at: 1 });
        assert_eq!(strict(b"a\nRSET\r\nok\r\n", 512), [bare, line("ok")]);
    }

    #[test]
    fn each_line_of_a_peer_that_sends_lf_alone_is_answered() {
        assert_eq!(strict(b"a\nbc\nd\r\nok\r\n", 512).len(), 3);
    }

    #[test]
    fn bare_cr_and_nul_are_faults_of_the_whole_line() {
        assert_eq!(strict(b"a\rb\r\nok\r\n", 512), [Framed::Fault(LineFault::BareCr { at: 1 }), line("ok")]);
        assert_eq!(strict(b"a\r\r\nok\r\n", 512), [Framed::Fault(LineFault::BareCr { at: 1 }), line("ok")]);
        assert_eq!(strict(b"a\0b\r\nok\r\n", 512), [Framed::Fault(LineFault::Nul { at: 1 }), line("ok")]);
    }

    #[test]
    fn bare_lf_by_policy() {
        let mut framer = LineFramer::new();
        framer.accept_bare_lf(true);
        assert_eq!(
            all(&mut framer, &[b"a\nb\r\n"], 512),
            [Framed::Repaired(Bytes::from_static(b"a")), line("b")]
        );
    }

    #[test]
    fn an_endless_line_holds_no_memory_and_is_counted() {
        let mut framer = LineFramer::new();
        let mut input = BytesMut::from(&[b'x'; 600][..]);
        assert_eq!(framer.next(&mut input, 512), Framed::Fault(LineFault::TooLong { limit: 512 }));
        for _ in 0..10 {
            input.extend_from_slice(&[b'x'; 1000]);
            assert_eq!(framer.next(&mut input, 512), Framed::NeedInput);
            assert!(input.is_empty());
        }
        assert_eq!(framer.dropped(), 10_600);
    }

    proptest! {
        #[test]
        fn every_split_gives_the_same(octets in "[ab\r\n\0]{0,40}", cuts in prop::collection::vec(0usize..40, 0..6), lenient: bool) {
            let octets = octets.as_bytes();
            let mut whole = LineFramer::new();
            whole.accept_bare_lf(lenient);
            let mut split = whole.clone();
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut <= octets.len()).collect();
            cuts.sort_unstable();
            let mut parts: Vec<&[u8]> = Vec::new();
            let mut from = 0;
            for cut in cuts {
                parts.push(&octets[from..cut]);
                from = cut;
            }
            parts.push(&octets[from..]);
            prop_assert_eq!(all(&mut whole, &[octets], 8), all(&mut split, &parts, 8));
        }
    }
}
