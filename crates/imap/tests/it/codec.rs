//! Commands and responses in pieces: the same however their octets arrive, and one that is wrong costs no other.

use bytes::BytesMut;
use postroad_imap::codec::{CommandDecoder, CommandPart, FrameLimits, ResponseDecoder, ResponsePart};
use postroad_imap::command::ParseOptions;
use postroad_imap::response::{Response, ResponseOptions};
use proptest::prelude::*;

/// What was decoded, as text, with neighbouring chunks joined.
#[derive(Debug, Default, PartialEq, Eq)]
struct Log(Vec<String>);

impl Log {
    fn add(&mut self, text: String) {
        self.0.push(text);
    }

    fn chunk(&mut self, octets: &[u8]) {
        assert!(!octets.is_empty());
        let text = octets.escape_ascii().to_string();
        match self.0.last_mut() {
            Some(last) if last.starts_with("chunk ") => last.push_str(&text),
            _ => self.add(format!("chunk {text}")),
        }
    }
}

/// A server that says NO to APPEND to the mailbox `no`, and expects a line after IDLE and AUTHENTICATE.
fn commands<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    let limits = FrameLimits { line: 200, unit: 400, literal: 100 };
    let mut decoder = CommandDecoder::new(limits, ParseOptions::default());
    let mut input = BytesMut::new();
    let mut log = Log::default();
    for part in parts {
        input.extend_from_slice(part);
        while let Some(item) = decoder.next(&mut input) {
            match item {
                Ok(CommandPart::Command(command)) => {
                    log.add(format!("{} {}", command.tag, command.body.name()));
                    if matches!(command.body.name(), "IDLE" | "AUTHENTICATE") {
                        decoder.expect_line();
                    }
                }
                Ok(CommandPart::Append(head)) => {
                    log.add(format!("{} APPEND {} {}", head.tag, head.mailbox, head.message.len));
                    if head.mailbox.to_string() == "no" {
                        decoder.refuse();
                    }
                }
                Ok(CommandPart::AppendNext(message)) => log.add(format!("next {}", message.len)),
                Ok(CommandPart::Chunk(octets)) => log.chunk(&octets),
                Ok(CommandPart::AppendEnd) => log.add("end".into()),
                Ok(CommandPart::Waits) => log.add("waits".into()),
                Ok(CommandPart::Line(line)) => log.add(format!("line {}", line.escape_ascii())),
                Ok(other) => panic!("{other:?}"),
                Err(error) => {
                    log.add(format!("bad {}", error.tag.map_or_else(|| "*".into(), |tag| tag.to_string())));
                }
            }
        }
        assert!(input.len() <= limits.unit);
    }
    log.0
}

fn commands_of(octets: &str) -> Vec<String> {
    let whole = commands([octets.as_bytes()]);
    assert_eq!(whole, commands(octets.as_bytes().chunks(1)));
    whole
}

#[test]
fn append_comes_in_pieces() {
    assert_eq!(
        commands_of("a APPEND INBOX (\\Seen) {1000+}\r\n"),
        ["a APPEND INBOX 1000"],
        "no limit of literals applies"
    );
    assert_eq!(
        commands_of("a APPEND x {5}\r\nab\r\nc\r\nb NOOP\r\n"),
        ["a APPEND x 5", "chunk ab\\r\\nc", "end", "b NOOP"]
    );
    assert_eq!(
        commands_of("a APPEND {2+}\r\nxy (\\Seen) {3+}\r\nabc\r\nb NOOP\r\n"),
        ["a APPEND xy 3", "chunk abc", "end", "b NOOP"],
        "the name as a literal"
    );
    assert_eq!(commands_of("a APPEND x {0+}\r\n\r\nb NOOP\r\n"), ["a APPEND x 0", "end", "b NOOP"]);
    assert_eq!(
        commands_of("a APPEND x {1+}\r\n1 (\\Seen) {2+}\r\n22 {3}\r\n333\r\nb NOOP\r\n"),
        ["a APPEND x 1", "chunk 1", "next 2", "chunk 22", "next 3", "chunk 333", "end", "b NOOP"],
        "MULTIAPPEND"
    );
    assert_eq!(
        commands_of("a APPEND x UTF8 (~{1+}\r\n1) UTF8 (~{2+}\r\n22)\r\nb NOOP\r\n"),
        ["a APPEND x 1", "chunk 1", "next 2", "chunk 22", "end", "b NOOP"]
    );
}

#[test]
fn a_refused_append_costs_no_other_command() {
    assert_eq!(
        commands_of("a APPEND no {8+}\r\nx NOOP\r\n (\\Seen) {8+}\r\ny NOOP\r\n\r\nb NOOP\r\n"),
        ["a APPEND no 8", "b NOOP"]
    );
    assert_eq!(commands_of("a APPEND no {8}\r\nb NOOP\r\n"), ["a APPEND no 8", "b NOOP"], "it is not sent");
    for faulty in
        ["a APPEND x (\\Seen {8+}", "a APPEND x y {8+}", "a APPEND x ~{8+} {8+}", "a APPEND &x {8+}"]
    {
        assert_eq!(
            commands_of(&format!("{faulty}\r\nx NOOP\r\n {{8+}}\r\ny NOOP\r\n\r\nb NOOP\r\n")),
            ["bad a", "b NOOP"],
            "{faulty}"
        );
    }
}

#[test]
fn what_is_wrong_behind_a_message_is_told_with_the_tag() {
    for faulty in ["x", " ", ")", " {x}", " (\\Seen)", " \"{1+}", "\0"] {
        assert_eq!(
            commands_of(&format!("a APPEND x {{1+}}\r\n1{faulty}\r\nb NOOP\r\n")),
            ["a APPEND x 1", "chunk 1", "bad a", "b NOOP"],
            "{faulty}"
        );
    }
    assert_eq!(
        commands_of("a APPEND x {1+}\r\n1 y {8+}\r\ny NOOP\r\n\r\nb NOOP\r\n"),
        ["a APPEND x 1", "chunk 1", "bad a", "b NOOP"]
    );
    assert_eq!(
        commands_of("a APPEND x UTF8 (~{1+}\r\n1 {8+}\r\ny NOOP\r\n\r\nb NOOP\r\n"),
        ["a APPEND x 1", "chunk 1", "bad a", "b NOOP"]
    );
}

#[test]
fn small_literals_are_within_their_command() {
    assert_eq!(
        commands_of("a LOGIN {3}\r\nbob {6+}\r\nsecret\r\nb NOOP\r\n"),
        ["waits", "a LOGIN", "b NOOP"]
    );
    assert_eq!(
        commands_of("a LOGIN {101}\r\nb LOGIN {3+}\r\nbob {101+}\r\nc NOOP\r\n"),
        ["bad a", "bad b"],
        "over the limit"
    );
    assert_eq!(commands_of("a APPEND INBOX\r\nFROB\r\n\r\n\"\r\nb NOOP\r\n").last().unwrap(), "b NOOP");
}

#[test]
fn a_line_is_no_command_when_it_is_expected() {
    assert_eq!(
        commands_of("a IDLE\r\nDONE\r\nb AUTHENTICATE PLAIN\r\nAGJvYg== {3}\r\nc NOOP\r\n"),
        ["a IDLE", "line DONE", "b AUTHENTICATE", "line AGJvYg== {3}", "c NOOP"]
    );
    assert_eq!(commands_of("a IDLE\r\nDO\0NE\r\nc NOOP\r\n"), ["a IDLE", "bad *", "c NOOP"]);
}

fn responses<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    let limits = FrameLimits { line: 200, unit: 400, literal: 100 };
    let mut decoder = ResponseDecoder::new(limits, ResponseOptions::default());
    decoder.stream_above(4);
    let mut input = BytesMut::new();
    let mut log = Log::default();
    for part in parts {
        input.extend_from_slice(part);
        while let Some(item) = decoder.next(&mut input) {
            match item {
                Ok(ResponsePart::Response(parsed)) => log.add(match parsed.response {
                    Response::Fetch(row) => {
                        format!(
                            "row {} {:?} {:?} {}",
                            row.number(),
                            row.uid(),
                            row.size(),
                            row.sections().count()
                        )
                    }
                    Response::Exists(count) => format!("exists {count}"),
                    Response::Status(status) => format!("status {}", status.text.as_str()),
                    Response::List(list) => format!("list {}", list.mailbox),
                    other => format!("{other:?}"),
                }),
                Ok(ResponsePart::Body { number, uid, body }) => {
                    log.add(format!("body {number} {uid:?} {}", body.len));
                }
                Ok(ResponsePart::Chunk(octets)) => log.chunk(&octets),
                Ok(other) => panic!("{other:?}"),
                Err(error) => {
                    assert!(!error.to_string().is_empty());
                    log.add("bad".into());
                }
            }
        }
        assert!(input.len() <= limits.unit);
    }
    log.0
}

fn responses_of(octets: &str) -> Vec<String> {
    let whole = responses([octets.as_bytes()]);
    assert_eq!(whole, responses(octets.as_bytes().chunks(1)));
    whole
}

#[test]
fn long_sections_come_in_pieces() {
    assert_eq!(
        responses_of("* 3 FETCH (UID 7 BODY[] {8}\r\n* 4 EXIS RFC822.SIZE 8)\r\n* 2 EXISTS\r\n"),
        ["body 3 Some(7) 8", "chunk * 4 EXIS", "row 3 Some(7) Some(8) 1", "exists 2"]
    );
    assert_eq!(
        responses_of("* 3 FETCH (BODY[1] {5}\r\n11111 BODY[2] {4}\r\n2222 BODY[3] {1000}\r\n"),
        ["body 3 None 5", "chunk 11111", "body 3 None 1000"],
        "small ones are within the row; no limit of literals applies to the others"
    );
    assert_eq!(
        responses_of("* 3 FETCH (BODY[1] {5}\r\n11111 BODY[2] {5}\r\n22222 UID 9)\r\n"),
        ["body 3 None 5", "chunk 11111", "body 3 None 5", "chunk 22222", "row 3 Some(9) None 2"]
    );
}

#[test]
fn text_for_people_has_no_literals() {
    assert_eq!(
        responses_of("* OK see {3}\r\na NO {5}\r\n* BYE {1}\r\n* 2 EXISTS\r\n"),
        ["status see {3}", "status {5}", "status {1}", "exists 2"]
    );
}

#[test]
fn a_response_that_is_wrong_costs_no_other() {
    assert_eq!(
        responses_of("* LIST () \"/\" {5}\r\na\tb c\r\n* 1 FROB {3}\r\n\r\n{ x\r\n* 2 EXISTS\r\n")
            .last()
            .unwrap(),
        "exists 2"
    );
    assert_eq!(
        responses_of("* LIST () \"/\" {12}\r\n* 9 EXISTS\r\n\r\n* 2 EXISTS\r\n").last().unwrap(),
        "exists 2",
        "what stands in a literal is no response"
    );
    let long = "x".repeat(101);
    assert_eq!(
        responses_of(&format!("* LIST () \"/\" {{101}}\r\n{long}\r\n* 2 EXISTS\r\n")),
        ["bad", "exists 2"],
        "a server sends a literal without asking"
    );
    assert_eq!(
        responses_of(
            "* 3 FETCH (UID 1 BODY[] {5}\r\n12345 ENVELOPE\0 BODY[1] {12}\r\n* 9 EXISTS\r\n)\r\n* 2 EXISTS\r\n"
        ),
        ["body 3 Some(1) 5", "chunk 12345", "bad", "exists 2"]
    );
}

fn pieces(of: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(of), 0..24).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_split_of_commands_gives_the_same(octets in pieces(&[
        "a APPEND x ", "b APPEND no ", "c NOOP\r\n", "{3}\r\n", "{3+}\r\n", "~{3+}\r\n", "UTF8 (~{2+}\r\n", ")", " ", "(\\Seen) ", "abc", "\r\n",
        "\r\n", "d LOGIN ", "e IDLE\r\n", "\"", "\0", "\n", "{101+}\r\n", "DONE\r\n",
    ]), at in any::<prop::sample::Index>()) {
        let whole = commands([&octets[..]]);
        prop_assert_eq!(&whole, &commands(octets.chunks(1)));
        let (before, after) = octets.split_at(at.index(octets.len() + 1));
        prop_assert_eq!(&whole, &commands([before, after]));
    }

    #[test]
    fn every_split_of_responses_gives_the_same(octets in pieces(&[
        "* 1 FETCH (", "BODY[] ", "BODY[1] ", "{5}\r\n", "{2}\r\n", "abcde", "ab", " ", ")\r\n", "* 2 EXISTS\r\n", "* OK {5}\r\n", "UID 7", "\r\n",
        "\"", "\0", "\n", "{101}\r\n",
    ]), at in any::<prop::sample::Index>()) {
        let whole = responses([&octets[..]]);
        prop_assert_eq!(&whole, &responses(octets.chunks(1)));
        let (before, after) = octets.split_at(at.index(octets.len() + 1));
        prop_assert_eq!(&whole, &responses([before, after]));
    }
}
