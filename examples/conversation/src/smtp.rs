//! What the lines of SMTP mean.

use std::collections::VecDeque;

use crate::lines::{Body, DOTS, LineBuffer};
use crate::{Explain, Line, Speaker, shown};

/// What the client said, for which a reply is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    /// Nothing yet: the greeting is due.
    Nothing,
    Hello,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// The dot behind a message.
    End,
    Quit,
    Other,
}

/// Follows a conversation in SMTP (RFC 5321).
#[derive(Debug)]
pub struct Smtp {
    due: VecDeque<Said>,
    /// The next line of the client is part of a SASL exchange, and secret.
    secret: bool,
    body: Option<Body>,
    client: LineBuffer,
    server: LineBuffer,
    /// The first line of a reply to EHLO was seen.
    greeted: bool,
}

impl Smtp {
    /// From the greeting on.
    pub fn new() -> Self {
        Self {
            due: VecDeque::from([Said::Nothing]),
            secret: false,
            body: None,
            client: LineBuffer::default(),
            server: LineBuffer::default(),
            greeted: false,
        }
    }

    fn command(&mut self, line: &[u8]) -> Line {
        if std::mem::take(&mut self.secret) {
            self.due.push_back(Said::Auth);
            let text = if line == b"*" { "*" } else { "(hidden)" };
            let meaning = "the client's part of the SASL exchange (RFC 4954 section 4)";
            return Line { who: Speaker::Client, text: text.into(), meaning };
        }
        let mut text = shown(&String::from_utf8_lossy(line));
        let verb = text.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        let (said, meaning) = match verb.as_str() {
            "EHLO" => {
                (Said::Hello, "the client names itself and asks for extensions (RFC 5321 section 4.1.1.1)")
            }
            "HELO" => (Said::Hello, "the client names itself, without extensions (RFC 5321 section 4.1.1.1)"),
            "STARTTLS" => (Said::StartTls, "asks to go on under TLS (RFC 3207 section 4)"),
            "AUTH" => {
                if let Some((at, _)) = text.match_indices(' ').nth(1) {
                    text.replace_range(at.., " (hidden)");
                }
                (Said::Auth, "logs in by a SASL mechanism (RFC 4954 section 4)")
            }
            "MAIL" => (Said::Mail, "a new message, and whom to tell if it fails (RFC 5321 section 4.1.1.2)"),
            "RCPT" => (Said::Rcpt, "one recipient (RFC 5321 section 4.1.1.3)"),
            "DATA" => (Said::Data, "asks to send the message itself (RFC 5321 section 4.1.1.4)"),
            "RSET" => (Said::Other, "forgets the message begun (RFC 5321 section 4.1.1.5)"),
            "NOOP" => (Said::Other, "nothing, but answer (RFC 5321 section 4.1.1.9)"),
            "QUIT" => (Said::Quit, "says goodbye (RFC 5321 section 4.1.1.10)"),
            _ => (Said::Other, ""),
        };
        self.due.push_back(said);
        self.greeted &= said != Said::Hello;
        Line { who: Speaker::Client, text, meaning }
    }

    fn reply(&mut self, line: &[u8]) -> Line {
        let text = shown(&String::from_utf8_lossy(line));
        let said = self.due.front().copied().unwrap_or(Said::Other);
        let code = text.get(..3).unwrap_or_default();
        let meaning = match (said, code) {
            (_, "421") => "the server ends the connection (RFC 5321 section 3.8)",
            (Said::Hello, "250") if self.greeted => extension(text.get(4..).unwrap_or_default()),
            _ => meaning(said, code),
        };
        self.greeted |= said == Said::Hello;
        // A hyphen behind the code: the reply goes on (RFC 5321 section 4.2.1).
        if line.get(3) != Some(&b'-') {
            self.due.pop_front();
            match (said, code) {
                (Said::Auth, "334") => self.secret = true,
                (Said::Data, "354") => self.body = Some(Body::new(Speaker::Client)),
                _ => {}
            }
        }
        Line { who: Speaker::Server, text, meaning }
    }
}

impl Default for Smtp {
    fn default() -> Self {
        Self::new()
    }
}

impl Explain for Smtp {
    fn client_said(&mut self, octets: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        for piece in octets.split_inclusive(|octet| *octet == b'\n') {
            let Some((line, length)) = self.client.add(piece) else { continue };
            if let Some(body) = &mut self.body {
                if line == b"." && length <= 3 {
                    lines.extend(body.rest(DOTS));
                    let meaning = "the end of the message (RFC 5321 section 4.1.1.4)";
                    lines.push(Line { who: Speaker::Client, text: ".".into(), meaning });
                    self.due.push_back(Said::End);
                    self.body = None;
                } else {
                    lines.extend(body.line(&line, length));
                }
            } else {
                lines.push(self.command(&line));
            }
        }
        lines
    }

    fn server_said(&mut self, octets: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        for piece in octets.split_inclusive(|octet| *octet == b'\n') {
            if let Some((line, _)) = self.server.add(piece) {
                lines.push(self.reply(&line));
            }
        }
        lines
    }
}

fn meaning(said: Said, code: &str) -> &'static str {
    match (said, code.as_bytes().first()) {
        (Said::Nothing, Some(b'2')) => "the server names itself and is ready (RFC 5321 section 4.2)",
        (Said::Nothing, Some(b'5')) => "there is no mail service here (RFC 5321 section 3.1)",
        (Said::Hello, Some(b'2')) => "the server greets; what follows are its extensions",
        (Said::StartTls, Some(b'2')) => "TLS begins behind this line; what was said before is forgotten",
        (Said::Auth, Some(b'2')) => "logged in (RFC 4954 section 6)",
        (Said::Auth, Some(b'3')) => "the server's part of the SASL exchange (RFC 4954 section 4)",
        (Said::Auth, Some(b'4' | b'5')) => "not logged in (RFC 4954 section 6)",
        (Said::Mail, Some(b'2')) => "the message may come",
        (Said::Rcpt, Some(b'2')) => "the recipient is accepted",
        (Said::Rcpt, Some(b'4')) => "the recipient is refused for now (RFC 5321 section 4.2.1)",
        (Said::Rcpt, Some(b'5')) => "the recipient is refused (RFC 5321 section 4.2.1)",
        (Said::Data, Some(b'3')) => "the message may follow, up to a line with a dot alone",
        (Said::End, Some(b'2')) => "the server has the message and answers for it (RFC 5321 section 6.1)",
        (Said::End, Some(b'4' | b'5')) => "the server does not take the message",
        (Said::Quit, Some(b'2')) => "goodbye",
        (_, Some(b'4')) => "not now (RFC 5321 section 4.2.1)",
        (_, Some(b'5')) => "no (RFC 5321 section 4.2.1)",
        _ => "",
    }
}

fn extension(text: &str) -> &'static str {
    match text.split([' ', '=']).next().unwrap_or_default().to_ascii_uppercase().as_str() {
        "PIPELINING" => "several commands may be sent without waiting (RFC 2920)",
        "SIZE" => "the largest message in octets (RFC 1870)",
        "8BITMIME" => "lines may have octets over 127 (RFC 6152)",
        "SMTPUTF8" => "addresses and header fields may be in UTF-8 (RFC 6531)",
        "STARTTLS" => "the connection can be put under TLS (RFC 3207)",
        "AUTH" => "mechanisms to log in by (RFC 4954)",
        "ENHANCEDSTATUSCODES" => "replies have codes such as 5.1.1 (RFC 2034)",
        "DSN" => "notices of delivery can be asked for (RFC 3461)",
        "CHUNKING" => "the message may come in counted chunks (RFC 3030)",
        "BINARYMIME" => "the message may have any octets (RFC 3030)",
        "VRFY" | "EXPN" | "HELP" | "ETRN" => "an optional command",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::LONGEST;

    fn texts(lines: &[Line]) -> Vec<&str> {
        lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn secrets_are_hidden() {
        let mut conversation = Smtp::new();
        conversation.server_said(b"220 a\r\n");
        let lines = conversation.client_said(b"AUTH PLAIN AHNlY3JldA==\r\n");
        assert_eq!(texts(&lines), ["AUTH PLAIN (hidden)"]);
        conversation.server_said(b"535 5.7.8 no\r\n");
        conversation.client_said(b"auth login\r\n");
        conversation.server_said(b"334 VXNlcm5hbWU6\r\n");
        assert_eq!(texts(&conversation.client_said(b"c2Vj")), [""; 0]);
        assert_eq!(texts(&conversation.client_said(b"cmV0\r\n")), ["(hidden)"]);
        conversation.server_said(b"334 UGFzc3dvcmQ6\r\n");
        assert_eq!(texts(&conversation.client_said(b"c2VjcmV0\r\n")), ["(hidden)"]);
        assert_eq!(conversation.server_said(b"235 ok\r\n")[0].meaning, "logged in (RFC 4954 section 6)");
        assert_eq!(texts(&conversation.client_said(b"NOOP\r\n")), ["NOOP"]);
    }

    #[test]
    fn replies_are_matched_with_pipelined_commands() {
        let mut conversation = Smtp::new();
        conversation.server_said(b"220 a\r\n");
        conversation.client_said(b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nRCPT TO:<e@f>\r\nDATA\r\n");
        let lines = conversation.server_said(b"250 ok\r\n250 ok\r\n550-no\r\n550 5.1.1 no\r\n354 go\r\n");
        let meanings: Vec<&str> = lines.iter().map(|line| line.meaning).collect();
        assert_eq!(meanings[0], "the message may come");
        assert_eq!(meanings[1], "the recipient is accepted");
        assert!(meanings[2].starts_with("the recipient is refused") && meanings[2] == meanings[3]);
        assert_eq!(meanings[4], "the message may follow, up to a line with a dot alone");
        let lines = conversation.client_said(b"Subject: x\r\n\r\nQUIT\r\n..\r\n.\r\nQUIT\r\n");
        assert_eq!(texts(&lines), ["  Subject: x", "  … and 12 octets more", ".", "QUIT"]);
        let lines = conversation.server_said(b"250 ok\r\n221 bye\r\n");
        assert!(lines[0].meaning.starts_with("the server has the message"));
        assert_eq!(lines[1].meaning, "goodbye");
    }

    #[test]
    fn extensions_are_explained_and_control_characters_spelt_out() {
        let mut conversation = Smtp::new();
        conversation.server_said(b"220 a\r\n");
        conversation.client_said(b"EHLO c\r\n");
        let lines = conversation.server_said(b"250-a\x1b[31m\r\n250-size 100\r\n250 AUTH=PLAIN\r\n");
        assert_eq!(lines[0].text, "250-a\\u{1b}[31m");
        assert_eq!(lines[1].meaning, "the largest message in octets (RFC 1870)");
        assert_eq!(lines[2].meaning, "mechanisms to log in by (RFC 4954)");
        let mut octets = vec![b'x'; 1 << 20];
        octets.extend_from_slice(b"\r\n");
        assert!(conversation.server_said(&octets)[0].text.len() <= LONGEST);
    }
}
