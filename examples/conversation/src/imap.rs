//! What the lines of IMAP mean.

use crate::lines::{Body, LONGEST};
use crate::{Explain, Line, Speaker, shown};
use std::collections::VecDeque;

/// So many untagged responses of one kind are shown in a row.
const ROWS: usize = 20;
/// The header of a literal stands within so many octets before the end of its line.
const TAIL: usize = 32;
/// Of the commands in flight so many are remembered: a client sends no more at once.
const IN_FLIGHT: usize = 64;

/// Where one end is in what it says.
#[derive(Debug)]
struct Side {
    who: Speaker,
    /// The beginning of the line, and its last octets.
    line: Vec<u8>,
    tail: VecDeque<u8>,
    literal: Option<Literal>,
    /// The line goes on behind a literal.
    goes_on: bool,
}

#[derive(Debug)]
struct Literal {
    left: u64,
    len: u64,
    /// A message, or its header: that is shown.
    body: Option<(Body, Vec<u8>)>,
}

/// What an end has said.
enum Said {
    /// A line, or the part of it up to a literal, or behind one.
    Line {
        octets: Vec<u8>,
        goes_on: bool,
        literal: Option<u64>,
    },
    Shown(Line),
}

impl Side {
    fn new(who: Speaker) -> Self {
        Self { who, line: Vec::new(), tail: VecDeque::new(), literal: None, goes_on: false }
    }

    /// The next thing, of what is left of `octets`.
    fn next(&mut self, octets: &mut &[u8]) -> Option<Said> {
        if let Some(literal) = &mut self.literal {
            return Self::literal(self.who, literal, octets).or_else(|| {
                let over = self.literal.as_ref().is_some_and(|literal| literal.left == 0);
                if !over {
                    return None;
                }
                let ended = self.literal.take();
                ended
                    .and_then(|literal| summary(self.who, &literal))
                    .map(Said::Shown)
                    .or_else(|| self.next(octets))
            });
        }
        if octets.is_empty() {
            return None;
        }
        let end = octets.iter().position(|octet| *octet == b'\n').map_or(octets.len(), |at| at + 1);
        let (piece, rest) = octets.split_at(end);
        *octets = rest;
        let room = LONGEST.saturating_sub(self.line.len());
        self.line.extend_from_slice(&piece[..piece.len().min(room)]);
        self.tail.extend(&piece[piece.len().saturating_sub(TAIL)..]);
        self.tail.drain(..self.tail.len().saturating_sub(TAIL));
        if !piece.ends_with(b"\n") {
            return None;
        }
        let mut line = std::mem::take(&mut self.line);
        line.truncate(line.trim_ascii_end().len());
        let tail: Vec<u8> = self.tail.drain(..).collect();
        let literal = literal_header(&tail);
        if let Some(len) = literal {
            let is_message = is_message(self.who, &line, self.goes_on);
            let body = is_message.then(|| (Body::new(self.who), Vec::new()));
            self.literal = Some(Literal { left: len, len, body });
        }
        let goes_on = std::mem::replace(&mut self.goes_on, literal.is_some());
        Some(Said::Line { octets: line, goes_on, literal })
    }

    /// Takes octets of the literal; a line of it, if one is to be shown. `None`: it wants more, or is over.
    fn literal(who: Speaker, literal: &mut Literal, octets: &mut &[u8]) -> Option<Said> {
        while literal.left > 0 && !octets.is_empty() {
            let most = octets.len().min(usize::try_from(literal.left).unwrap_or(usize::MAX));
            let Some((body, line)) = &mut literal.body else {
                literal.left -= most as u64;
                *octets = &octets[most..];
                continue;
            };
            let end = octets[..most].iter().position(|octet| *octet == b'\n').map_or(most, |at| at + 1);
            let (piece, rest) = octets.split_at(end);
            *octets = rest;
            literal.left -= piece.len() as u64;
            if !piece.ends_with(b"\n") && literal.left > 0 && line.len() < LONGEST {
                line.extend_from_slice(piece);
                continue;
            }
            line.extend_from_slice(piece);
            let whole = std::mem::take(line);
            let text = whole.trim_ascii_end();
            if let Some(mut shown) = body.line(&text[..text.len().min(LONGEST)], whole.len()) {
                shown.who = who;
                return Some(Said::Shown(shown));
            }
        }
        None
    }
}

/// What of a literal was not shown.
fn summary(who: Speaker, literal: &Literal) -> Option<Line> {
    let meaning = "a literal: its octets are counted before it, not escaped (RFC 9051 section 4.3)";
    match &literal.body {
        Some((body, _)) => body.rest().map(|line| Line { meaning, ..line }),
        None => Some(Line { who, text: format!("  … {} octets", literal.len), meaning }),
    }
}

/// The octets that are announced by `{n}`, `{n+}` or `~{n}` at the end of a line.
fn literal_header(tail: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(tail.trim_ascii_end()).ok().or_else(|| {
        let at = tail.iter().rposition(|octet| *octet == b'{')?;
        std::str::from_utf8(tail[at..].trim_ascii_end()).ok()
    })?;
    let digits = &text.strip_suffix('}')?[text.rfind('{')? + 1..];
    digits.strip_suffix('+').unwrap_or(digits).parse().ok()
}

/// Whether the literal at the end of this line is a message, or begins with the header of one.
fn is_message(who: Speaker, line: &[u8], goes_on: bool) -> bool {
    let text = String::from_utf8_lossy(line).to_ascii_uppercase();
    match who {
        Speaker::Client => goes_on || text.split(' ').nth(1) == Some("APPEND"),
        _ => {
            ["BODY[] {", "BODY[HEADER", "RFC822 {", "RFC822.HEADER {"].iter().any(|name| text.contains(name))
        }
    }
}

/// A command that is not answered.
#[derive(Debug)]
struct Sent {
    tag: String,
    verb: String,
}

/// Follows a conversation in IMAP (RFC 9051).
#[derive(Debug)]
pub struct Imap {
    client: Side,
    server: Side,
    sent: VecDeque<Sent>,
    is_greeted: bool,
    /// The client is within a command that has a password.
    is_secret: bool,
    /// The name of the last untagged response, and how often it came.
    row: (String, usize),
}

impl Imap {
    /// From the greeting on.
    pub fn new() -> Self {
        Self {
            client: Side::new(Speaker::Client),
            server: Side::new(Speaker::Server),
            sent: VecDeque::new(),
            is_greeted: false,
            is_secret: false,
            row: (String::new(), 0),
        }
    }

    fn is_running(&self, verb: &str) -> bool {
        self.sent.iter().any(|sent| sent.verb == verb)
    }

    fn command(&mut self, line: &[u8], has_literal: bool) -> Line {
        let text = shown(&String::from_utf8_lossy(line));
        let say = |text: String, meaning| Line { who: Speaker::Client, text, meaning };
        if self.is_running("AUTHENTICATE") {
            return say("(hidden)".into(), "a response in the SASL exchange (RFC 9051 section 6.2.2)");
        }
        if text.eq_ignore_ascii_case("DONE") {
            return say(text, "no more news, please: the end of IDLE (RFC 2177)");
        }
        let mut words = text.split(' ');
        let tag = words.next().unwrap_or_default().to_owned();
        let mut verb = words.next().unwrap_or_default().to_ascii_uppercase();
        let by_uid = verb == "UID";
        if by_uid {
            verb = words.next().unwrap_or_default().to_ascii_uppercase();
        }
        let meaning = meaning(&verb, by_uid);
        self.is_secret = verb == "LOGIN" && has_literal;
        let text = match verb.as_str() {
            "LOGIN" => {
                let user = words.next().filter(|user| !user.starts_with(['"', '{'])).unwrap_or("…");
                format!("{tag} LOGIN {user} (hidden)")
            }
            "AUTHENTICATE" => {
                let mechanism = words.next().unwrap_or_default();
                let hidden = if words.next().is_some() { " (hidden)" } else { "" };
                format!("{tag} AUTHENTICATE {mechanism}{hidden}")
            }
            _ => text.clone(),
        };
        if self.sent.len() >= IN_FLIGHT {
            self.sent.pop_front();
        }
        self.sent.push_back(Sent { tag, verb });
        say(text, meaning)
    }

    fn response(&mut self, line: &[u8]) -> Option<Line> {
        let text = shown(&String::from_utf8_lossy(line));
        let mut words = text.split(' ');
        let tag = words.next().unwrap_or_default();
        let meaning = if !self.is_greeted {
            self.is_greeted = true;
            "the server is ready (RFC 9051 section 7.1.5)"
        } else if tag == "+" {
            match () {
                () if self.is_running("IDLE") => "news come from now on as they happen (RFC 2177)",
                () if self.is_running("AUTHENTICATE") => "the server's turn in SASL (RFC 9051 section 6.2.2)",
                () => "go on: the literal may come (RFC 9051 section 7.6)",
            }
        } else if tag == "*" {
            let first = words.next().unwrap_or_default();
            let is_number = !first.is_empty() && first.bytes().all(|octet| octet.is_ascii_digit());
            let name = if is_number { words.next().unwrap_or_default() } else { first };
            let name = name.to_ascii_uppercase();
            if self.row.0 == name {
                self.row.1 += 1;
            } else {
                self.row = (name.clone(), 1);
            }
            if self.row.1 > ROWS {
                return (self.row.1 == ROWS + 1).then(|| Line {
                    who: Speaker::Server,
                    text: format!("  … and more of {name}"),
                    meaning: "",
                });
            }
            self.untagged(&name, &text)
        } else {
            self.row = (String::new(), 0);
            let at = self.sent.iter().position(|sent| sent.tag == tag);
            let verb = at.and_then(|at| self.sent.remove(at)).map(|sent| sent.verb).unwrap_or_default();
            tagged(&verb, words.next().unwrap_or_default())
        };
        Some(Line { who: Speaker::Server, text, meaning })
    }

    fn untagged(&self, name: &str, text: &str) -> &'static str {
        let upper = text.to_ascii_uppercase();
        let has = |code: &str| upper.contains(code);
        match name {
            "CAPABILITY" => "what the server can do (RFC 9051 section 7.2.2)",
            "EXISTS" if self.is_running("IDLE") => "a message has come: so many there are now (RFC 2177)",
            "EXISTS" => "so many messages are there (RFC 9051 section 7.4.1)",
            "EXPUNGE" => "this one is gone, and those behind it move up (RFC 9051 section 7.5.1)",
            "FETCH" if self.is_running("FETCH") => "what was asked of this message (RFC 9051 section 7.5.2)",
            "FETCH" => "its flags have changed (RFC 9051 section 7.5.2)",
            "LIST" => "a mailbox, what separates levels, its name (RFC 9051 section 7.3.1)",
            "STATUS" => "of a mailbox that need not be open (RFC 9051 section 7.3.2)",
            "SEARCH" | "ESEARCH" => "what was found (RFC 9051 section 7.3.4)",
            "FLAGS" => "the flags in use here (RFC 9051 section 7.3.5)",
            "RECENT" => "so many no other session has seen (RFC 3501 section 7.3.2)",
            "BYE" => "goodbye (RFC 9051 section 7.1.5)",
            "OK" if has("[UIDVALIDITY") => "while this stays the same, UIDs hold (RFC 9051 section 2.3.1.1)",
            "OK" if has("[UIDNEXT") => "the UID of the next message (RFC 9051 section 2.3.1.1)",
            "OK" if has("[PERMANENTFLAGS") => "the flags that stay (RFC 9051 section 7.1)",
            "OK" if has("[COPYUID") => "where they are now (RFC 4315 section 3)",
            _ => "",
        }
    }
}

fn meaning(verb: &str, by_uid: bool) -> &'static str {
    match (verb, by_uid) {
        ("CAPABILITY", _) => "asks what the server can do (RFC 9051 section 6.1.1)",
        ("NOOP", _) => "is there news? (RFC 9051 section 6.1.2)",
        ("LOGOUT", _) => "says goodbye (RFC 9051 section 6.1.3)",
        ("STARTTLS", _) => "asks to go on under TLS (RFC 9051 section 6.2.1)",
        ("AUTHENTICATE", _) => "logs in by a SASL mechanism (RFC 9051 section 6.2.2)",
        ("LOGIN", _) => "logs in by name and password (RFC 9051 section 6.2.3)",
        ("ENABLE", _) => "switches extensions on (RFC 9051 section 6.3.1)",
        ("SELECT", _) => "opens a mailbox (RFC 9051 section 6.3.2)",
        ("EXAMINE", _) => "opens a mailbox and will change nothing (RFC 9051 section 6.3.3)",
        ("CREATE", _) => "a new mailbox (RFC 9051 section 6.3.4)",
        ("DELETE", _) => "removes a mailbox (RFC 9051 section 6.3.5)",
        ("LIST", _) => "which mailboxes are there? (RFC 9051 section 6.3.9)",
        ("STATUS", _) => "how full is a mailbox? (RFC 9051 section 6.3.11)",
        ("APPEND", _) => "puts a message into a mailbox (RFC 9051 section 6.3.12)",
        ("IDLE", _) => "waits for news (RFC 2177)",
        ("CLOSE", _) => "removes what is marked, and closes the mailbox (RFC 9051 section 6.4.1)",
        ("UNSELECT", _) => "closes the mailbox (RFC 9051 section 6.4.2)",
        ("EXPUNGE", true) => "removes these of what is marked (RFC 4315 section 2.1)",
        ("EXPUNGE", false) => "removes what is marked as deleted (RFC 9051 section 6.4.3)",
        ("SEARCH", true) => "the server searches, and tells UIDs (RFC 9051 section 6.4.4)",
        ("SEARCH", false) => "the server searches (RFC 9051 section 6.4.4)",
        ("FETCH", _) => "asks for parts of messages, as much as is wanted (RFC 9051 section 6.4.5)",
        ("STORE", _) => "changes flags (RFC 9051 section 6.4.6)",
        ("COPY", _) => "copies messages, on the server (RFC 9051 section 6.4.7)",
        ("MOVE", _) => "moves messages, on the server (RFC 9051 section 6.4.8)",
        _ => "",
    }
}

fn tagged(verb: &str, status: &str) -> &'static str {
    match (verb, status) {
        (_, "NO") => "no: the command has failed (RFC 9051 section 7.1.2)",
        (_, "BAD") => "not understood (RFC 9051 section 7.1.3)",
        ("LOGIN" | "AUTHENTICATE", _) => "logged in (RFC 9051 section 3.3)",
        ("SELECT" | "EXAMINE", _) => "the mailbox is open (RFC 9051 section 3.4)",
        ("STARTTLS", _) => "TLS begins behind this line; what was said before is forgotten",
        _ => "",
    }
}

impl Default for Imap {
    fn default() -> Self {
        Self::new()
    }
}

impl Explain for Imap {
    fn client_said(&mut self, mut octets: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        while let Some(said) = self.client.next(&mut octets) {
            match said {
                // A name or a password in a literal is not shown, nor what follows it.
                Said::Shown(line) if self.is_secret => {
                    lines.push(Line { text: "  (hidden)".into(), ..line });
                }
                Said::Shown(line) => lines.push(line),
                Said::Line { goes_on: true, literal, .. } if self.is_secret => {
                    self.is_secret = literal.is_some();
                }
                Said::Line { octets, goes_on: true, .. } if octets.is_empty() => {}
                Said::Line { octets, goes_on: true, .. } => {
                    let text = format!("  {}", shown(&String::from_utf8_lossy(&octets)));
                    lines.push(Line { who: Speaker::Client, text, meaning: "" });
                }
                Said::Line { octets, literal, .. } => lines.push(self.command(&octets, literal.is_some())),
            }
        }
        lines
    }

    fn server_said(&mut self, mut octets: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        while let Some(said) = self.server.next(&mut octets) {
            match said {
                Said::Shown(line) => {
                    if self.row.1 <= ROWS {
                        lines.push(line);
                    }
                }
                Said::Line { octets, goes_on: true, .. } => {
                    if self.row.1 <= ROWS {
                        let text = format!("  {}", shown(&String::from_utf8_lossy(&octets)));
                        lines.push(Line { who: Speaker::Server, text, meaning: "" });
                    }
                }
                Said::Line { octets, .. } => lines.extend(self.response(&octets)),
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &[Line]) -> Vec<&str> {
        lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn a_session_in_any_pieces() {
        let client: &[&[u8]] = &[
            b"A1 LOGIN bob \"se cret\"\r\n",
            b"A2 SELECT INBOX\r\n",
            b"A3 UID FETCH 1 (FLAGS BODY[])\r\n",
            b"A4 IDLE\r\n",
            b"DONE\r\n",
            b"A5 APPEND Sent {22}\r\nSubject: x\r\n\r\nbody\r\n\r\n\r\n",
        ];
        let server: &[&[u8]] = &[
            b"* OK ready\r\n",
            b"A1 OK in\r\n",
            b"* 3 EXISTS\r\nA2 OK [READ-WRITE]\r\n",
            b"* 1 FETCH (UID 1 BODY[] {20}\r\nSubject: y\r\n\r\n{9}\r\n\r FLAGS ())\r\nA3 OK\r\n",
            b"+ idling\r\n* 4 EXISTS\r\n",
            b"A4 OK\r\n+ go\r\nA5 OK [APPENDUID 1 2] done\r\n",
        ];
        for size in [1, 3, 7, 1000] {
            let mut imap = Imap::new();
            let mut said = imap.server_said(server[0]);
            for (at, words) in client.iter().enumerate() {
                for piece in words.chunks(size) {
                    said.extend(imap.client_said(piece));
                }
                let answer = if at == 4 { continue } else { server[at.min(4) + 1] };
                for piece in answer.chunks(size) {
                    said.extend(imap.server_said(piece));
                }
            }
            assert_eq!(
                texts(&said),
                [
                    "* OK ready",
                    "A1 LOGIN bob (hidden)",
                    "A1 OK in",
                    "A2 SELECT INBOX",
                    "* 3 EXISTS",
                    "A2 OK [READ-WRITE]",
                    "A3 UID FETCH 1 (FLAGS BODY[])",
                    "* 1 FETCH (UID 1 BODY[] {20}",
                    "  Subject: y",
                    "  … and 8 octets more",
                    "   FLAGS ())",
                    "A3 OK",
                    "A4 IDLE",
                    "+ idling",
                    "* 4 EXISTS",
                    "DONE",
                    "A5 APPEND Sent {22}",
                    "  Subject: x",
                    "  … and 10 octets more",
                    "A4 OK",
                    "+ go",
                    "A5 OK [APPENDUID 1 2] done",
                ],
                "in pieces of {size}"
            );
        }
    }

    #[test]
    fn secrets_are_hidden_however_they_are_sent() {
        let mut imap = Imap::new();
        imap.server_said(b"* OK\r\n");
        let mut said = imap.client_said(b"A1 LOGIN {3+}\r\nbob {6+}\r\nsecret\r\nA2 NOOP\r\n");
        said.extend(imap.client_said(b"A3 LOGIN \"bob secret\" secret\r\n"));
        imap.server_said(b"A1 NO\r\nA2 OK\r\nA3 NO\r\n");
        said.extend(imap.client_said(b"A4 AUTHENTICATE PLAIN c2VjcmV0\r\n"));
        imap.server_said(b"+ \r\n");
        said.extend(imap.client_said(b"c2VjcmV0\r\n"));
        imap.server_said(b"A4 OK\r\n");
        said.extend(imap.client_said(b"A5 NOOP\r\n"));
        let all = texts(&said).join("\n");
        assert!(!all.contains("secret") && !all.contains("c2Vj"), "{all}");
        assert!(all.contains("A2 NOOP") && all.ends_with("A5 NOOP"), "{all}");
    }

    #[test]
    fn a_long_list_is_cut_short_and_a_long_line_too() {
        let mut imap = Imap::new();
        imap.server_said(b"* OK\r\n");
        let rows: Vec<String> =
            (1..=5000).map(|number| format!("* {number} FETCH (UID {number})\r\n")).collect();
        let rows = rows.concat();
        assert_eq!(imap.server_said(rows.as_bytes()).len(), ROWS + 1);
        let line = [&b"* OK "[..], &vec![b'x'; 100_000], b" {5}\r\n12345 ok\r\n"].concat();
        let said = imap.server_said(&line);
        assert!(said[0].text.len() <= LONGEST);
        assert_eq!(texts(&said[1..]), ["  … 5 octets", "   ok"]);
    }
}
