//! What the lines of POP3 mean.

use std::collections::VecDeque;

use crate::lines::{Body, DOTS, LineBuffer};
use crate::{Explain, Line, Speaker, shown};

/// So many lines of a list are shown.
const LIST_LINES: usize = 20;

/// What the client said, for which a response is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    /// Nothing yet: the greeting is due.
    Nothing,
    User,
    Pass,
    Stat,
    List,
    /// Of one message: the response is one line.
    ListOne,
    Uidl,
    Retr,
    Top,
    Dele,
    Rset,
    Capa,
    Stls,
    Quit,
    Other,
}

/// A response of several lines, up to a dot.
#[derive(Debug)]
enum Multi {
    Message(Body),
    List { said: Said, lines: usize },
}

/// Follows a conversation in POP3 (RFC 1939).
#[derive(Debug)]
pub struct Pop3 {
    due: VecDeque<Said>,
    multi: Option<Multi>,
    client: LineBuffer,
    server: LineBuffer,
}

impl Pop3 {
    /// From the greeting on.
    pub fn new() -> Self {
        let due = VecDeque::from([Said::Nothing]);
        Self { due, multi: None, client: LineBuffer::default(), server: LineBuffer::default() }
    }

    fn command(&mut self, line: &[u8]) -> Line {
        let mut text = shown(&String::from_utf8_lossy(line));
        let mut words = text.split(' ');
        let verb = words.next().unwrap_or_default().to_ascii_uppercase();
        let has_argument = words.next().is_some();
        let (said, meaning) = match verb.as_str() {
            "USER" => (Said::User, "whose maildrop: the AUTHORIZATION state (RFC 1939 section 7)"),
            "PASS" => (Said::Pass, "the password; with it begins the TRANSACTION state (RFC 1939 section 7)"),
            "STAT" => (Said::Stat, "how many messages, how many octets (RFC 1939 section 5)"),
            "LIST" if has_argument => (Said::ListOne, "the size of one message (RFC 1939 section 5)"),
            "LIST" => (Said::List, "the size of each message (RFC 1939 section 5)"),
            "UIDL" if has_argument => (Said::ListOne, "the unique-id of one message (RFC 1939 section 7)"),
            "UIDL" => {
                (Said::Uidl, "the unique-id of each message, the same in every session (RFC 1939 section 7)")
            }
            "RETR" => (Said::Retr, "the whole message (RFC 1939 section 5)"),
            "TOP" => (Said::Top, "the header and some lines (RFC 1939 section 7)"),
            "DELE" => (Said::Dele, "marks the message; it goes at QUIT (RFC 1939 section 5)"),
            "RSET" => (Said::Rset, "takes the marks away (RFC 1939 section 5)"),
            "CAPA" => (Said::Capa, "asks what the server can do (RFC 2449 section 5)"),
            "STLS" => (Said::Stls, "asks to go on under TLS (RFC 2595 section 4)"),
            "QUIT" => (Said::Quit, "now the UPDATE state: what was marked is removed (RFC 1939 section 6)"),
            "NOOP" => (Said::Other, "nothing, but answer (RFC 1939 section 5)"),
            _ => (Said::Other, ""),
        };
        if said == Said::Pass || verb == "AUTH" || verb == "APOP" {
            text = format!("{verb} (hidden)");
        }
        self.due.push_back(said);
        Line { who: Speaker::Client, text, meaning }
    }

    fn response(&mut self, line: &[u8]) -> Line {
        let text = shown(&String::from_utf8_lossy(line));
        let said = self.due.pop_front().unwrap_or(Said::Other);
        let is_ok = line.starts_with(b"+OK");
        if is_ok {
            self.multi = match said {
                Said::Retr | Said::Top => Some(Multi::Message(Body::new(Speaker::Server))),
                Said::List | Said::Uidl | Said::Capa => Some(Multi::List { said, lines: 0 }),
                _ => None,
            };
        }
        let meaning = match said {
            _ if !is_ok => "no (RFC 1939 section 3)",
            Said::Nothing => "the server is ready (RFC 1939 section 4)",
            Said::User => "said of every name, so that nobody learns which there are",
            Said::Pass => "logged in: the maildrop is locked for this session",
            Said::Stls => "TLS begins behind this line; what was said before is forgotten",
            Said::Retr => "the message follows, up to a line with a dot alone (RFC 1939 section 3)",
            Said::Dele => "marked, not yet removed",
            Said::Quit => "goodbye",
            _ => "",
        };
        Line { who: Speaker::Server, text, meaning }
    }
}

impl Default for Pop3 {
    fn default() -> Self {
        Self::new()
    }
}

impl Explain for Pop3 {
    fn client_said(&mut self, octets: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        for piece in octets.split_inclusive(|octet| *octet == b'\n') {
            if let Some((line, _)) = self.client.add(piece) {
                lines.push(self.command(&line));
            }
        }
        lines
    }

    fn server_said(&mut self, octets: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        for piece in octets.split_inclusive(|octet| *octet == b'\n') {
            let Some((line, length)) = self.server.add(piece) else { continue };
            match &mut self.multi {
                None => lines.push(self.response(&line)),
                Some(multi) if line == b"." && length <= 3 => {
                    if let Multi::Message(body) = multi {
                        lines.extend(body.rest(DOTS));
                    }
                    let meaning = "the end of the list or message (RFC 1939 section 3)";
                    lines.push(Line { who: Speaker::Server, text: ".".into(), meaning });
                    self.multi = None;
                }
                Some(Multi::Message(body)) => lines.extend(body.line(&line, length)),
                Some(Multi::List { said, lines: count }) => {
                    *count += 1;
                    if *count <= LIST_LINES {
                        let text = shown(&String::from_utf8_lossy(&line));
                        let meaning = if *said == Said::Capa { capability(&text) } else { "" };
                        lines.push(Line { who: Speaker::Server, text, meaning });
                    }
                }
            }
        }
        lines
    }
}

fn capability(text: &str) -> &'static str {
    match text.split(' ').next().unwrap_or_default() {
        "TOP" => "a header without its message",
        "UIDL" => "names for messages that stay the same",
        "USER" => "USER and PASS are allowed here",
        "SASL" => "mechanisms to log in by (RFC 5034)",
        "STLS" => "the connection can be put under TLS (RFC 2595)",
        "PIPELINING" => "several commands may be sent without waiting (RFC 2449 section 6.6)",
        "RESP-CODES" | "AUTH-RESP-CODE" => "refusals say why, in brackets (RFC 2449 section 6.4, RFC 3206)",
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
        let mut pop3 = Pop3::new();
        assert_eq!(pop3.server_said(b"+OK ready\r\n")[0].meaning, "the server is ready (RFC 1939 section 4)");
        assert_eq!(texts(&pop3.client_said(b"USER bob\r\nPASS se cret\r\n")), ["USER bob", "PASS (hidden)"]);
        let lines = pop3.server_said(b"+OK\r\n-ERR [AUTH] no\r\n");
        assert_eq!(lines[1].meaning, "no (RFC 1939 section 3)");
        pop3.client_said(b"LIST\r\nRETR 1\r\nQUIT\r\n");
        let lines =
            pop3.server_said(b"+OK\r\n1 120\r\n.\r\n+OK\r\nSubject: x\r\n\r\nbody\r\n..\r\n.\r\n+OK bye\r\n");
        assert_eq!(
            texts(&lines),
            ["+OK", "1 120", ".", "+OK", "  Subject: x", "  … and 12 octets more", ".", "+OK bye"]
        );
    }

    #[test]
    fn a_refused_list_has_no_lines() {
        let mut pop3 = Pop3::new();
        pop3.server_said(b"+OK\r\n");
        pop3.client_said(b"LIST\r\nSTAT\r\n");
        let lines = pop3.server_said(b"-ERR no\r\n+OK 0 0\r\n");
        assert_eq!(texts(&lines), ["-ERR no", "+OK 0 0"]);
    }
}
