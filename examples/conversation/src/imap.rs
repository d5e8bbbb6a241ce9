//! What the lines of IMAP mean.

use crate::lines::{Body, LineBuffer};
use crate::{Explain, Line, Speaker, shown};

/// Longer lines are shown up to here, in characters: an ENVELOPE goes on for long.
const WIDE: usize = 150;
/// So many commands are remembered until they are answered.
const MOST_DUE: usize = 64;

/// Octets that stand in a line and are no part of its text.
#[derive(Debug)]
struct Literal {
    left: usize,
    lines: LineBuffer,
    body: Body,
}

/// What one end says: lines, with literals in them.
#[derive(Debug)]
struct Side {
    who: Speaker,
    line: LineBuffer,
    literal: Option<Literal>,
    /// The line goes on behind a literal.
    goes_on: bool,
}

/// A piece of what one end said.
enum Piece {
    /// A line, or the part of one up to a literal.
    Line(Vec<u8>),
    /// The part of a line behind a literal.
    Rest(Vec<u8>),
    /// To be shown as it is.
    Shown(Line),
}

impl Side {
    fn new(who: Speaker) -> Self {
        Self { who, line: LineBuffer::default(), literal: None, goes_on: false }
    }

    fn pieces(&mut self, mut octets: &[u8]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        while !octets.is_empty() {
            if let Some(literal) = &mut self.literal {
                let here = literal.left.min(octets.len());
                let (taken, rest) = octets.split_at(here);
                literal.left -= here;
                octets = rest;
                for piece in taken.split_inclusive(|octet| *octet == b'\n') {
                    if let Some((line, length)) = literal.lines.add(piece) {
                        pieces.extend(literal.body.line(&line, length).map(Piece::Shown));
                    }
                }
                if literal.left == 0 {
                    if let Some((line, length)) = literal.lines.finish() {
                        pieces.extend(literal.body.line(&line, length).map(Piece::Shown));
                    }
                    pieces.extend(literal.body.rest("").map(Piece::Shown));
                    self.literal = None;
                    self.goes_on = true;
                }
                continue;
            }
            let end = octets.iter().position(|octet| *octet == b'\n').map_or(octets.len(), |at| at + 1);
            let (piece, rest) = octets.split_at(end);
            octets = rest;
            let Some((line, _)) = self.line.add(piece) else { continue };
            if let Some(left) = literal_at_end(&line) {
                self.literal =
                    Some(Literal { left, lines: LineBuffer::default(), body: Body::new(self.who) });
            }
            let rest = std::mem::take(&mut self.goes_on);
            pieces.push(if rest { Piece::Rest(line) } else { Piece::Line(line) });
        }
        pieces
    }
}

/// `{5}`, `{5+}` or `~{5}` at the end of a line.
fn literal_at_end(line: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(line).ok()?.strip_suffix('}')?;
    let (_, digits) = text.rsplit_once('{')?;
    digits.strip_suffix('+').unwrap_or(digits).parse().ok().filter(|left| *left > 0)
}

/// Follows a conversation in IMAP (RFC 9051).
#[derive(Debug)]
pub struct Imap {
    client: Side,
    server: Side,
    /// Commands that are not answered: tag and name.
    due: Vec<(String, String)>,
    has_greeted: bool,
    /// The client's next line answers a challenge.
    in_sasl: bool,
}

impl Imap {
    /// From the greeting on.
    pub fn new() -> Self {
        Self {
            client: Side::new(Speaker::Client),
            server: Side::new(Speaker::Server),
            due: Vec::new(),
            has_greeted: false,
            in_sasl: false,
        }
    }

    fn is_due(&self, name: &str) -> bool {
        self.due.iter().any(|(_, due)| due == name)
    }

    fn command(&mut self, line: &[u8]) -> Line {
        let who = Speaker::Client;
        let text = String::from_utf8_lossy(line).into_owned();
        if self.in_sasl {
            self.in_sasl = false;
            return Line {
                who,
                text: "(hidden)".into(),
                meaning: "answers the challenge (RFC 9051 section 6.2.2)",
            };
        }
        if text.eq_ignore_ascii_case("DONE") {
            return Line { who, text, meaning: "has heard enough, for now (RFC 9051 section 6.3.13)" };
        }
        let mut words = text.split(' ');
        let (tag, mut name) =
            (words.next().unwrap_or_default(), words.next().unwrap_or_default().to_ascii_uppercase());
        let by_uid = name == "UID";
        if by_uid {
            name = words.next().unwrap_or_default().to_ascii_uppercase();
        }
        let meaning = match name.as_str() {
            "FETCH" if text.contains("BODYSTRUCTURE") => {
                "asks how the message is built, without its content (RFC 9051 section 6.4.5)"
            }
            "FETCH" if text.contains("HEADER") => "asks for headers alone (RFC 9051 section 6.4.5)",
            "FETCH" if text.contains("BODY.PEEK[]") || text.contains("BODY[]") => {
                "asks for the whole message (RFC 9051 section 6.4.5)"
            }
            "FETCH" if text.contains("BODY") => "asks for one part of the message (RFC 9051 section 6.4.5)",
            name => command_meaning(name),
        };
        self.due.truncate(MOST_DUE);
        self.due.push((tag.to_owned(), name.clone()));
        let text = match name.as_str() {
            "LOGIN" | "AUTHENTICATE" => {
                let shown = if name == "AUTHENTICATE" { words.next().unwrap_or_default() } else { "" };
                format!("{tag} {name} {shown}{}(hidden)", if shown.is_empty() { "" } else { " " })
            }
            _ => text,
        };
        Line { who, text: wide(&text), meaning }
    }

    fn response(&mut self, line: &[u8]) -> Line {
        let who = Speaker::Server;
        let text = String::from_utf8_lossy(line).into_owned();
        let mut words = text.split(' ');
        let (tag, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let third = words.next().unwrap_or_default();
        let meaning = match tag {
            "+" if self.is_due("IDLE") => "from here on it tells what happens, as it happens",
            "+" if self.is_due("AUTHENTICATE") => {
                self.in_sasl = true;
                "a challenge of the mechanism"
            }
            "+" => "go on: the octets that were announced may come (RFC 9051 section 4.3)",
            "*" if !self.has_greeted => {
                self.has_greeted = true;
                "the server is ready, and says what it can do (RFC 9051 section 7.1)"
            }
            "*" if second.bytes().all(|octet| octet.is_ascii_digit()) => match third {
                "EXISTS" => "so many messages are there (RFC 9051 section 7.4.1)",
                "EXPUNGE" => "this one is gone; those behind it move up (RFC 9051 section 7.5.1)",
                "FETCH" => "data of one message (RFC 9051 section 7.5.2)",
                "RECENT" => "for old clients (RFC 3501 section 7.3.2)",
                _ => "",
            },
            "*" => match second {
                "OK" => code_meaning(third),
                "CAPABILITY" => "what the server can do (RFC 9051 section 7.2.2)",
                "LIST" => "a mailbox, what it is for, and what separates levels (RFC 9051 section 7.3.1)",
                "STATUS" => "the status of a mailbox that is not open (RFC 9051 section 7.3.2)",
                "SEARCH" | "ESEARCH" => "these match (RFC 9051 section 7.3.4)",
                "FLAGS" => "the flags in use (RFC 9051 section 7.3.5)",
                "ENABLED" => "switched on (RFC 9051 section 7.2.1)",
                "BYE" => "goodbye (RFC 9051 section 7.1.5)",
                _ => "",
            },
            tag => {
                self.due.retain(|(due, _)| due != tag);
                match second {
                    "OK" if third == "[APPENDUID" || third == "[COPYUID" => {
                        "done, and which UIDs the messages have there (RFC 9051 section 7.1)"
                    }
                    "OK" => "done (RFC 9051 section 7.1.1)",
                    "NO" => "not done (RFC 9051 section 7.1.2)",
                    _ => "makes no sense here (RFC 9051 section 7.1.3)",
                }
            }
        };
        Line { who, text: wide(&text), meaning }
    }
}

impl Default for Imap {
    fn default() -> Self {
        Self::new()
    }
}

impl Explain for Imap {
    fn client_said(&mut self, octets: &[u8]) -> Vec<Line> {
        let pieces = self.client.pieces(octets);
        let mut lines = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Line(line) => lines.push(self.command(&line)),
                Piece::Rest(rest) if rest.is_empty() => {}
                Piece::Rest(rest) => lines.push(plain(Speaker::Client, &rest)),
                // Log-in names and passwords may be literals.
                Piece::Shown(_) if self.is_due("LOGIN") => {}
                Piece::Shown(line) => lines.push(line),
            }
        }
        lines
    }

    fn server_said(&mut self, octets: &[u8]) -> Vec<Line> {
        let pieces = self.server.pieces(octets);
        let mut lines = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Line(line) => lines.push(self.response(&line)),
                Piece::Rest(rest) => lines.push(plain(Speaker::Server, &rest)),
                Piece::Shown(line) => lines.push(line),
            }
        }
        lines
    }
}

fn plain(who: Speaker, line: &[u8]) -> Line {
    Line { who, text: wide(&String::from_utf8_lossy(line)), meaning: "" }
}

fn wide(text: &str) -> String {
    let mut start: String = text.chars().take(WIDE).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    shown(&start)
}

fn command_meaning(name: &str) -> &'static str {
    match name {
        "CAPABILITY" => "asks what the server can do (RFC 9051 section 6.1.1)",
        "NOOP" => "nothing, but tell what is new (RFC 9051 section 6.1.2)",
        "LOGOUT" => "says goodbye (RFC 9051 section 6.1.3)",
        "ID" => "says which program it is (RFC 2971)",
        "STARTTLS" => "asks to go on under TLS (RFC 9051 section 6.2.1)",
        "AUTHENTICATE" => "logs in by a SASL mechanism (RFC 9051 section 6.2.2)",
        "LOGIN" => "logs in by name and password (RFC 9051 section 6.2.3)",
        "ENABLE" => "switches extensions on (RFC 9051 section 6.3.1)",
        "SELECT" => "opens a mailbox (RFC 9051 section 6.3.2)",
        "EXAMINE" => "opens a mailbox, to read only (RFC 9051 section 6.3.3)",
        "CREATE" => "makes a mailbox (RFC 9051 section 6.3.4)",
        "DELETE" => "removes a mailbox (RFC 9051 section 6.3.5)",
        "RENAME" => "gives a mailbox another name (RFC 9051 section 6.3.6)",
        "SUBSCRIBE" | "UNSUBSCRIBE" => "which mailboxes the user wants to see (RFC 9051 section 6.3.7)",
        "LIST" | "LSUB" => "asks which mailboxes there are (RFC 9051 section 6.3.9)",
        "NAMESPACE" => "asks where mailboxes are (RFC 9051 section 6.3.10)",
        "STATUS" => "asks about a mailbox without opening it (RFC 9051 section 6.3.11)",
        "APPEND" => "puts a message into a mailbox (RFC 9051 section 6.3.12)",
        "IDLE" => "asks to be told of what happens, as it happens (RFC 9051 section 6.3.13)",
        "CLOSE" => "removes what is marked as deleted, and closes (RFC 9051 section 6.4.1)",
        "UNSELECT" => "closes the mailbox (RFC 9051 section 6.4.2)",
        "EXPUNGE" => "removes what is marked as deleted (RFC 9051 section 6.4.3)",
        "SEARCH" => "asks which messages match: the server looks, not the client (RFC 9051 section 6.4.4)",
        "FETCH" => "asks for data of messages (RFC 9051 section 6.4.5)",
        "STORE" => "changes flags (RFC 9051 section 6.4.6)",
        "COPY" => "copies messages into another mailbox (RFC 9051 section 6.4.7)",
        "MOVE" => "moves messages to another mailbox (RFC 9051 section 6.4.8)",
        _ => "",
    }
}

fn code_meaning(code: &str) -> &'static str {
    match code.trim_end_matches(']') {
        "[PERMANENTFLAGS" => "the flags that stay when the session is over (RFC 9051 section 7.1)",
        "[UIDVALIDITY" => "UIDs known from another time hold, if this is the same (RFC 9051 section 2.3.1.1)",
        "[UIDNEXT" => "the next message will have this UID, or a greater one (RFC 9051 section 2.3.1.1)",
        "[HIGHESTMODSEQ" => "the number of the last change (RFC 7162)",
        "[MAILBOXID" => "the mailbox's own name, which stays when it is renamed (RFC 8474)",
        "[UNSEEN" => "the first message that is not read (RFC 3501 section 7.1)",
        "[CAPABILITY" => "what the server can do (RFC 9051 section 7.2.2)",
        "[COPYUID" => "which UIDs the messages have there (RFC 9051 section 7.1)",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &[Line]) -> Vec<&str> {
        lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn a_session() {
        let mut imap = Imap::new();
        let lines = imap.server_said(b"* OK [CAPABILITY IMAP4rev2] ready\r\n");
        assert!(lines[0].meaning.starts_with("the server is ready"));
        assert_eq!(texts(&imap.client_said(b"a LOGIN bob pickles\r\n")), ["a LOGIN (hidden)"]);
        assert_eq!(imap.server_said(b"a OK hello\r\n")[0].meaning, "done (RFC 9051 section 7.1.1)");
        imap.client_said(b"b FETCH 1 BODY.PEEK[]\r\n");
        let lines = imap.server_said(b"* 1 FETCH (BODY[] {23}\r\nSubject: hi\r\n\r\n.x {5}\r\n)\r\nb OK\r\n");
        assert_eq!(
            texts(&lines),
            ["* 1 FETCH (BODY[] {23}", "  Subject: hi", "  … and 10 octets more", ")", "b OK"]
        );
    }

    #[test]
    fn secrets_are_hidden_however_they_come() {
        let mut imap = Imap::new();
        imap.server_said(b"* OK hi\r\n");
        let lines = imap.client_said(b"a LOGIN {3+}\r\nbob {7+}\r\npickles\r\n");
        assert!(lines.iter().all(|line| !line.text.contains("pickles")), "{lines:?}");
        let mut imap = Imap::new();
        imap.server_said(b"* OK hi\r\n");
        assert_eq!(
            texts(&imap.client_said(b"a AUTHENTICATE PLAIN AGJvYg==\r\n")),
            ["a AUTHENTICATE PLAIN (hidden)"]
        );
        imap.server_said(b"+ \r\n");
        assert_eq!(texts(&imap.client_said(b"AGJvYgBwaWNrbGVz\r\n")), ["(hidden)"]);
    }

    #[test]
    fn any_cut_shows_the_same() {
        let octets =
            b"* OK hi\r\n* 1 FETCH (BODY[] {17}\r\nA: b\r\n\r\nno end yet FLAGS (\\Seen))\r\n* 2 EXISTS\r\n";
        let whole = Imap::new().server_said(octets);
        for at in 1..octets.len() {
            let mut imap = Imap::new();
            let mut lines = imap.server_said(&octets[..at]);
            lines.extend(imap.server_said(&octets[at..]));
            assert_eq!(lines, whole, "cut at {at}");
        }
    }
}
