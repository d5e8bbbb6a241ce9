//! The header of a message on its way in: looked at and mended in passing, whatever the pieces it comes in.

/// A field name that is longer is none (RFC 5322 section 2.1.1).
const LONGEST_NAME: usize = 998;

/// What a submitted message gets when it does not have it (RFC 6409 sections 8.2 and 8.3): whole fields with their CRLF.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Missing {
    /// The `Date` field.
    pub(super) date: Vec<u8>,
    /// The `Message-ID` field.
    pub(super) message_id: Vec<u8>,
}

/// Passes the header of one message through.
///
/// - `Return-Path` is left out: it is for the final delivery to say (RFC 5321 section 4.4).
/// - `Received` fields are counted, for mail that goes in circles.
/// - With [`Missing`] the message is a submission: `Date` and `Message-ID` are added behind the other fields if they
///   are not there, and `Bcc` is left out, so that nobody learns of the others (RFC 5322 section 3.6.3).
///
/// It holds no more than the beginning of a line, up to the colon.
#[derive(Debug)]
pub(super) struct Header {
    at: At,
    /// The beginning of the line, which is not decided yet.
    held: Vec<u8>,
    /// Whether the present field goes through.
    keeps: bool,
    fields: u64,
    received: u32,
    missing: Option<Missing>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    LineStart,
    /// A CR at the start of a line: the blank line, if LF follows.
    BlankLine,
    Name,
    /// White space behind a name, which obsolete forms allow before the colon (RFC 5322 section 4.5).
    BehindName,
    /// The rest of a line of a field.
    Value,
    Body,
}

impl Header {
    /// The header of a message that goes to mailboxes here; with `missing`, of one that is submitted.
    pub(super) fn new(missing: Option<Missing>) -> Self {
        Self { at: At::LineStart, held: Vec::new(), keeps: true, fields: 0, received: 0, missing }
    }

    /// How many `Received` fields came so far.
    pub(super) fn received(&self) -> u32 {
        self.received
    }

    /// Takes the next octets of the message. What is to be kept of the header goes to `kept`; what is given back is of
    /// the body.
    pub(super) fn take<'a>(&mut self, mut octets: &'a [u8], kept: &mut Vec<u8>) -> &'a [u8] {
        while let (Some((&octet, rest)), true) = (octets.split_first(), self.at != At::Body) {
            match (self.at, octet) {
                (At::Value, _) => {
                    let end = octets.iter().position(|octet| *octet == b'\n');
                    let (value, rest) = octets.split_at(end.map_or(octets.len(), |end| end + 1));
                    if self.keeps {
                        kept.extend_from_slice(value);
                    }
                    if end.is_some() {
                        self.at = At::LineStart;
                    }
                    octets = rest;
                    continue;
                }
                (At::LineStart, b' ' | b'\t') if self.fields > 0 => {
                    self.at = At::Value;
                    continue;
                }
                (At::LineStart, b'\r') => self.at = At::BlankLine,
                (At::BlankLine, b'\n') => {
                    self.complete(kept);
                    kept.extend_from_slice(b"\r\n");
                    self.held.clear();
                    self.at = At::Body;
                    return rest;
                }
                (At::Name | At::BehindName, b':') => {
                    self.field(kept);
                    continue;
                }
                (At::LineStart | At::Name, b'!'..=b'9' | b';'..=b'~') if self.held.len() < LONGEST_NAME => {
                    self.at = At::Name;
                }
                (At::Name | At::BehindName, b' ' | b'\t') if self.held.len() < LONGEST_NAME => {
                    self.at = At::BehindName;
                }
                _ => {
                    // No field: readers take the body to begin here.
                    self.end(kept);
                    return octets;
                }
            }
            self.held.push(octet);
            octets = rest;
        }
        octets
    }

    /// The message has ended. One without a body may still lack something.
    pub(super) fn finish(&mut self, kept: &mut Vec<u8>) {
        if self.at != At::Body {
            self.complete(kept);
            kept.append(&mut self.held);
            self.at = At::Body;
        }
    }

    /// A field whose name is held; the colon comes next.
    fn field(&mut self, kept: &mut Vec<u8>) {
        let is = |name: &[u8]| self.held.trim_ascii_end().eq_ignore_ascii_case(name);
        self.keeps = true;
        if is(b"Received") {
            self.received = self.received.saturating_add(1);
        } else if is(b"Return-Path") {
            self.keeps = false;
        } else if let Some(missing) = &mut self.missing {
            if is(b"Date") {
                missing.date.clear();
            } else if is(b"Message-ID") {
                missing.message_id.clear();
            } else if is(b"Bcc") || is(b"Resent-Bcc") {
                self.keeps = false;
            }
        }
        if self.keeps {
            kept.append(&mut self.held);
        }
        self.held.clear();
        self.fields += 1;
        self.at = At::Value;
    }

    /// The header ends without a blank line, before what is held.
    fn end(&mut self, kept: &mut Vec<u8>) {
        // A text without any header must not become part of ours.
        let begins_body = self.fields == 0 && self.missing.is_some();
        self.complete(kept);
        if begins_body {
            kept.extend_from_slice(b"\r\n");
        }
        kept.append(&mut self.held);
        self.at = At::Body;
    }

    /// Adds what is missing.
    fn complete(&mut self, kept: &mut Vec<u8>) {
        if let Some(mut missing) = self.missing.take() {
            kept.append(&mut missing.date);
            kept.append(&mut missing.message_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing() -> Missing {
        Missing { date: b"Date: now\r\n".to_vec(), message_id: b"Message-ID: <1@x>\r\n".to_vec() }
    }

    /// What comes out for pieces of every size, which must be the same, and the `Received` fields.
    fn passed(message: &str, missing: Option<&Missing>) -> (String, u32) {
        let run = |size: usize| {
            let mut header = Header::new(missing.cloned());
            let mut out = Vec::new();
            for piece in message.as_bytes().chunks(size) {
                let body = header.take(piece, &mut out);
                out.extend_from_slice(body);
                assert!(header.held.len() <= LONGEST_NAME);
            }
            header.finish(&mut out);
            (String::from_utf8(out).unwrap(), header.received())
        };
        let whole = run(message.len().max(1));
        for size in 1..message.len().min(40) {
            assert_eq!(run(size), whole, "in pieces of {size}");
        }
        whole
    }

    #[test]
    fn mail_from_elsewhere_goes_through_but_for_its_return_path() {
        for message in [
            "",
            "\r\n",
            "x\r\n",
            "Subject: a\r\n b\r\n\r\nReturn-Path: no field\r\n",
            " Return-Path: <a@b>\r\n",
            "Subject : a\r\nBcc: b\r\n\r\n",
            "From a@b Mon\r\nReturn-Path: <a@b>\r\n\r\n",
            ":\r\nno field\r\nReturn-Path: <a@b>\r\n",
            "\u{fc}: x\r\nReceived: x\r\n",
        ] {
            assert_eq!(passed(message, None), (message.to_owned(), 0));
        }
        let (out, _) = passed("A: 1\r\nreturn-PATH : <a@b>\r\n\tfolded\r\nB: 2\r\n\r\nbody\r\n", None);
        assert_eq!(out, "A: 1\r\nB: 2\r\n\r\nbody\r\n");
    }

    #[test]
    fn received_fields_are_counted_in_the_header_alone() {
        let (_, count) = passed(
            "Received: a\r\n\tb\r\nRECEIVED:c\r\nX-Received: d\r\n Received: e\r\n\r\nReceived: f\r\n",
            None,
        );
        assert_eq!(count, 2);
        let many = "Received: from a by b\r\n\twith c; now\r\n".repeat(101);
        assert_eq!(passed(&many, None), (many.clone(), 101));
    }

    #[test]
    fn a_submission_gets_what_it_lacks() {
        let added = "Date: now\r\nMessage-ID: <1@x>\r\n";
        for (message, expected) in [
            ("", added.to_owned()),
            ("\r\nbody\r\n", format!("{added}\r\nbody\r\n")),
            ("body\r\n", format!("{added}\r\nbody\r\n")),
            ("Subject: a\r\n", format!("Subject: a\r\n{added}")),
            ("Subject: a\r\n\r\nDate: x\r\n", format!("Subject: a\r\n{added}\r\nDate: x\r\n")),
            ("Subject: a\r\nbody\r\n", format!("Subject: a\r\n{added}body\r\n")),
            ("date: x\r\n\r\n", "date: x\r\nMessage-ID: <1@x>\r\n\r\n".to_owned()),
            ("Message-Id : <2@y>\r\n\r\n", "Message-Id : <2@y>\r\nDate: now\r\n\r\n".to_owned()),
            ("Date: x\r\nMessage-ID: <2@y>\r\n\r\n", "Date: x\r\nMessage-ID: <2@y>\r\n\r\n".to_owned()),
        ] {
            assert_eq!(passed(message, Some(&missing())).0, expected, "{message:?}");
        }
    }

    #[test]
    fn a_submission_loses_its_blind_copies() {
        let message = "Date: x\r\nBcc: a@b,\r\n c@d\r\nMessage-ID: <2@y>\r\nresent-bcc: e@f\r\nBccx: g\r\n\r\nBcc: h\r\n";
        let expected = "Date: x\r\nMessage-ID: <2@y>\r\nBccx: g\r\n\r\nBcc: h\r\n";
        assert_eq!(passed(message, Some(&missing())).0, expected);
    }

    #[test]
    fn a_name_without_end_is_no_name() {
        let message = "x".repeat(5000) + ": y\r\n";
        assert_eq!(passed(&message, None), (message.clone(), 0));
        let message = "x ".to_owned() + &" ".repeat(5000) + ": y\r\n";
        assert_eq!(passed(&message, None), (message.clone(), 0));
    }
}
