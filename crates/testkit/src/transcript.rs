//! Dialogues as the RFCs print them, played against one end.
//!
//! ```text
//! # RFC 5321 appendix D.1, a typical transaction
//! S: 220 foo.com Simple Mail Transfer Service Ready
//! C: EHLO bar.com
//! S: 250-foo.com greets bar.com
//! S: 250 HELP
//! ```
//!
//! One line of the protocol a line, CRLF understood. `\r`, `\n`, `\0`, `\t`, `\\` and `\xHH` stand for octets; a lone `\` at the end
//! leaves CRLF out. `W: 300` lets 300 seconds pass; `TLS` is the moment at which the transport is upgraded; `C: <close>` and `S: <close>` end a
//! direction. `#` begins a comment; empty lines are ignored.

use bytes::BytesMut;
use postroad_core::{Session, Step};
use std::time::{Duration, Instant};

/// One step of a dialogue.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Act {
    /// Octets of the client.
    Client(Vec<u8>),
    /// Octets of the server.
    Server(Vec<u8>),
    /// Time that passes.
    Wait(Duration),
    /// The transport is upgraded.
    Tls,
    /// The client closes.
    ClientCloses,
    /// The server closes.
    ServerCloses,
}

/// What the application of a played session is told.
#[derive(Debug)]
pub enum Happening<E> {
    /// An event of the session.
    Event(E),
    /// The transport has been upgraded: call `tls_established`.
    Tls,
}

/// A dialogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    /// With the number of the line in the file.
    acts: Vec<(usize, Act)>,
}

/// How a line that was sent is compared with the one in the file: `(expected, sent)`.
pub type Compare = fn(&[u8], &[u8]) -> bool;

/// The lines must be equal, octet by octet.
pub fn exactly(expected: &[u8], sent: &[u8]) -> bool {
    expected == sent
}

/// Only the first word and the octet behind it must be equal: the text of a reply is for people. (`250-` is not `250 `; `+OK` is `+OK`.)
pub fn by_first_word(expected: &[u8], sent: &[u8]) -> bool {
    let head = |line: &[u8]| {
        let code = line.len() >= 3 && line[..3].iter().all(u8::is_ascii_digit);
        let end = if code {
            4
        } else {
            line.iter().position(|octet| matches!(octet, b' ' | b'\r')).unwrap_or(line.len())
        };
        line[..end.min(line.len())]
            .iter()
            .map(|octet| if *octet == b'\r' { b' ' } else { *octet })
            .collect::<Vec<_>>()
    };
    head(expected) == head(sent)
}

impl Transcript {
    /// Reads a transcript file.
    ///
    /// # Panics
    ///
    /// On a line that is none of the above: a test file is wrong.
    pub fn parse(text: &str) -> Self {
        let mut acts = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let act = match line.split_once(": ").unwrap_or_else(|| (line.trim_end_matches(':'), "")) {
                _ if line.is_empty() || line.starts_with('#') => continue,
                ("C", "<close>") => Act::ClientCloses,
                ("S", "<close>") => Act::ServerCloses,
                ("C", text) => Act::Client(octets(text)),
                ("S", text) => Act::Server(octets(text)),
                ("W", seconds) => Act::Wait(Duration::from_secs(seconds.parse().expect("seconds"))),
                ("TLS", _) => Act::Tls,
                _ => panic!("line {}: {line}", number + 1),
            };
            acts.push((number + 1, act));
        }
        Self { acts }
    }

    /// What is done.
    pub fn acts(&self) -> impl Iterator<Item = &Act> {
        self.acts.iter().map(|(_, act)| act)
    }

    /// Plays the client's lines to a server session, and compares what it answers. At the end nothing more must have been sent.
    ///
    /// # Panics
    ///
    /// With the line's number, where they differ.
    pub fn play_to_server<S: Session>(
        &self,
        session: S,
        compare: Compare,
        app: impl FnMut(&mut S, Happening<S::Event>),
    ) -> S {
        self.play(session, compare, app, true)
    }

    /// Plays the server's lines to a client session, and compares what it sends.
    ///
    /// # Panics
    ///
    /// With the line's number, where they differ.
    pub fn play_to_client<S: Session>(
        &self,
        session: S,
        compare: Compare,
        app: impl FnMut(&mut S, Happening<S::Event>),
    ) -> S {
        self.play(session, compare, app, false)
    }

    fn play<S: Session>(
        &self,
        session: S,
        compare: Compare,
        mut app: impl FnMut(&mut S, Happening<S::Event>),
        is_server: bool,
    ) -> S {
        let mut player =
            Player { session, input: BytesMut::new(), sent: Vec::new(), now: Instant::now(), closed: false };
        player.poll(&mut app);
        for (number, act) in &self.acts {
            match act {
                Act::Client(octets) if is_server => player.give(octets, *number, &mut app),
                Act::Server(octets) if !is_server => player.give(octets, *number, &mut app),
                Act::Client(expected) | Act::Server(expected) => player.expect(expected, *number, compare),
                Act::Wait(time) => player.wait(*time, &mut app),
                Act::Tls => {
                    assert!(player.input.is_empty(), "line {number}: octets cross the upgrade");
                    app(&mut player.session, Happening::Tls);
                    player.poll(&mut app);
                }
                Act::ClientCloses | Act::ServerCloses => {
                    if matches!(act, Act::ClientCloses) == is_server {
                        player.session.handle_eof();
                        player.poll(&mut app);
                    } else {
                        assert!(player.closed, "line {number}: the session is not closed");
                    }
                }
            }
        }
        assert!(player.sent.is_empty(), "behind the end: {}", player.sent.escape_ascii());
        player.session
    }
}

struct Player<S> {
    session: S,
    input: BytesMut,
    sent: Vec<u8>,
    now: Instant,
    closed: bool,
}

impl<S: Session> Player<S> {
    fn poll(&mut self, app: &mut impl FnMut(&mut S, Happening<S::Event>)) {
        loop {
            let step = self.session.poll_event(self.now, &mut self.input);
            let mut wrote = false;
            while let Some(octets) = self.session.poll_transmit() {
                wrote = true;
                self.sent.extend_from_slice(&octets);
            }
            match step {
                Ok(Step::Event(event)) => app(&mut self.session, Happening::Event(event)),
                Ok(Step::NeedInput | Step::Paused) if wrote => {}
                Ok(Step::NeedInput | Step::Paused) => return,
                Ok(Step::Closed) | Err(_) => {
                    self.closed = true;
                    return;
                }
            }
        }
    }

    fn give(&mut self, octets: &[u8], number: usize, app: &mut impl FnMut(&mut S, Happening<S::Event>)) {
        assert!(!self.closed, "line {number}: the session is closed");
        self.input.extend_from_slice(octets);
        self.poll(app);
    }

    fn expect(&mut self, expected: &[u8], number: usize, compare: Compare) {
        let end = self.sent.iter().position(|octet| *octet == b'\n').map_or(self.sent.len(), |at| at + 1);
        let line: Vec<u8> = self.sent.drain(..end).collect();
        assert!(
            compare(expected, &line),
            "line {number}: expected \"{}\", sent \"{}\"",
            expected.escape_ascii(),
            line.escape_ascii()
        );
    }

    fn wait(&mut self, time: Duration, app: &mut impl FnMut(&mut S, Happening<S::Event>)) {
        let until = self.now + time;
        while let Some(next) = self.session.poll_timeout().filter(|next| *next <= until) {
            self.now = self.now.max(next);
            self.session.handle_timeout(self.now);
            assert!(self.session.poll_timeout() != Some(next), "a deadline that has passed was not taken");
            self.poll(app);
        }
        self.now = until;
        self.poll(app);
    }
}

fn octets(text: &str) -> Vec<u8> {
    let mut octets = Vec::with_capacity(text.len() + 2);
    let mut rest = text.as_bytes();
    while let Some((octet, tail)) = rest.split_first() {
        rest = tail;
        if *octet != b'\\' {
            octets.push(*octet);
            continue;
        }
        let Some((escaped, tail)) = rest.split_first() else { return octets };
        rest = tail;
        octets.push(match escaped {
            b'r' => b'\r',
            b'n' => b'\n',
            b't' => b'\t',
            b'0' => 0,
            b'\\' => b'\\',
            b'x' => {
                let (hex, tail) = rest.split_at(2);
                rest = tail;
                u8::from_str_radix(std::str::from_utf8(hex).expect("two hex digits"), 16)
                    .expect("two hex digits")
            }
            other => panic!("unknown escape \\{}", char::from(*other)),
        });
    }
    octets.extend_from_slice(b"\r\n");
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        assert_eq!(octets(r"a\x41\r\\"), b"aA\r\\\r\n");
        assert_eq!(octets("no end\\"), b"no end");
    }

    #[test]
    fn first_words() {
        assert!(by_first_word(b"250 OK\r\n", b"250 2.1.0 fine\r\n"));
        assert!(!by_first_word(b"250 OK\r\n", b"250-SIZE\r\n"));
        assert!(by_first_word(b"+OK\r\n", b"+OK 2 messages\r\n"));
        assert!(!by_first_word(b"+OK\r\n", b"-ERR no\r\n"));
    }

    #[test]
    fn files() {
        let transcript = Transcript::parse("# c\nS: +OK\nC: QUIT\nW: 5\nTLS\nC: <close>\n");
        let acts: Vec<&Act> = transcript.acts().collect();
        assert_eq!(acts.len(), 5);
        assert_eq!(acts[1], &Act::Client(b"QUIT\r\n".to_vec()));
    }
}
