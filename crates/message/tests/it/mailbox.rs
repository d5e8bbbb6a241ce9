//! Mbox files of all kinds.

use postroad_message::{DateTime, MaildirName, MboxQuoting, MboxReader, write_mbox};
use proptest::prelude::*;

const KINDS: [MboxQuoting; 4] = [MboxQuoting::Rd, MboxQuoting::O, MboxQuoting::Cl, MboxQuoting::Cl2];

fn date() -> DateTime {
    DateTime::from_timestamp(1_795_392_000, 540).unwrap()
}

fn read(file: &[u8], quoting: MboxQuoting) -> Vec<String> {
    MboxReader::new(file, quoting).map(|entry| String::from_utf8_lossy(&entry.message).into_owned()).collect()
}

#[test]
fn what_begins_a_message() {
    let file = b"junk\n\nFrom a x\nA: 1\n\nbody\nFrom nobody\n>From you\n\n\nFrom b y\nB: 2\n\nFrom c z\n";
    assert_eq!(read(file, MboxQuoting::O), ["A: 1\n\nbody\nFrom nobody\nFrom you\n\n", "B: 2\n", ""]);
    assert_eq!(
        read(b"From a\r\nA: 1\r\n\r\nx\r\n\r\nFrom b\r\nB: 2\r\n\r\n", MboxQuoting::Rd),
        ["A: 1\r\n\r\nx\r\n", "B: 2\r\n"]
    );
    assert!(read(b"", MboxQuoting::Rd).is_empty() && read(b"no mbox\n", MboxQuoting::Rd).is_empty());
    assert_eq!(read(b"From ", MboxQuoting::Rd), [""]);
    let file = b"junk\n\nFrom a x\nA: 1\n\nbody\n\nFrom b y\n";
    let offsets: Vec<usize> = MboxReader::new(file, MboxQuoting::Rd).map(|entry| entry.offset).collect();
    assert_eq!(offsets, [6, 27]);
}

/// A length that leads nowhere does not count.
#[test]
fn wrong_lengths() {
    let file = b"From a\nContent-Length: 3\n\nFrom x\n\nFrom b\nContent-Length: 99999999999999999999\n\nx\n\nFrom c\n";
    assert_eq!(read(file, MboxQuoting::Cl2).len(), 4);
    let right = b"From a\nContent-Length: 15\n\nx\n\nFrom x\n\nyyy\n\nFrom b\nB: 1\n\n";
    assert_eq!(read(right, MboxQuoting::Cl2).len(), 2);
}

#[test]
fn a_sender_adds_no_line() {
    let mut file = Vec::new();
    for bad in ["a b", "a\nFrom b", "a\0"] {
        assert!(write_mbox(&mut file, b"", bad, date(), MboxQuoting::Rd).is_err());
    }
    assert!(file.is_empty());
    write_mbox(&mut file, b"", "", date(), MboxQuoting::Rd).unwrap();
    assert_eq!(file, b"From MAILER-DAEMON Mon Nov 23 00:00:00 2026\n\n");
}

#[test]
fn names_of_files() {
    for bad in ["", ".hidden", "a/b", "../x", "a\nb", ":2,S"] {
        assert!(bad.parse::<MaildirName>().is_err(), "{bad}");
    }
    for (name, shown) in [("x", "x"), ("x:2,", "x:2,"), ("x:2,STDa?F", "x:2,DFSTa"), ("x:1,exp", "x:2,")] {
        assert_eq!(name.parse::<MaildirName>().unwrap().to_string(), shown);
    }
}

proptest! {
    #[test]
    fn messages_come_back(bodies in proptest::collection::vec("((>{0,2}From |From: |x|)[a-z]{0,3}\n){0,5}", 1..4)) {
        let messages: Vec<String> = bodies.iter().map(|body| format!("Subject: x\n\n{body}")).collect();
        for quoting in KINDS {
            let mut file = Vec::new();
            for message in &messages {
                write_mbox(&mut file, message.as_bytes(), "a@b", date(), quoting).unwrap();
            }
            let found: Vec<String> = read(&file, quoting)
                .iter()
                .map(|message| {
                    message.lines().filter(|line| !line.starts_with("Content-Length")).map(|line| format!("{line}\n")).collect()
                })
                .collect();
            // mboxo loses what was quoted already.
            let expected: Vec<String> = messages
                .iter()
                .map(|message| match quoting {
                    MboxQuoting::O | MboxQuoting::Cl => message.replace("\n>From ", "\nFrom "),
                    _ => message.clone(),
                })
                .collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn any_file_can_be_read(file in "(From |>|\n|\r\n|x|Content-Length: [0-9]\n){0,40}") {
        for quoting in KINDS {
            let entries: Vec<_> = MboxReader::new(file.as_bytes(), quoting).collect();
            prop_assert!(entries.windows(2).all(|pair| pair[0].offset < pair[1].offset));
        }
    }
}
