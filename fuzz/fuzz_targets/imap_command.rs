//! What is read as a command is printed as the same command, and pieces of any size give the same.
#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use postroad_imap::codec::{CommandDecoder, CommandPart, FrameLimits};
use postroad_imap::command::{AppendHead, Command, Fragment, LiteralMode, ParseOptions};

fn joined(fragments: &[Fragment]) -> Vec<u8> {
    let octets = |fragment: &Fragment| match fragment {
        Fragment::Literal { header, octets, .. } => [&header[..], octets].concat(),
        other => other.header().to_vec(),
    };
    fragments.iter().flat_map(octets).collect()
}

/// Reads a command, prints it, reads that, and prints it again.
fn round_trip(command: &Command, options: &ParseOptions) {
    for mode in [LiteralMode::Synchronizing, LiteralMode::Minus, LiteralMode::Plus] {
        let printed = joined(&command.encode(mode, options.utf8));
        let unit = printed.strip_suffix(b"\r\n").expect("a line end");
        let again = Command::parse(&Bytes::copy_from_slice(unit), options);
        let again = again.unwrap_or_else(|error| panic!("{}: {error}", printed.escape_ascii()));
        assert_eq!(joined(&again.encode(mode, options.utf8)), printed);
        assert_eq!(again.body.class(), command.body.class());
    }
}

fn parts(octets: &[u8], step: usize, options: ParseOptions) -> Vec<String> {
    let mut decoder = CommandDecoder::new(FrameLimits { line: 300, unit: 600, literal: 200 }, options);
    let mut input = BytesMut::new();
    let mut found = Vec::new();
    let mut chunk = BytesMut::new();
    for piece in octets.chunks(step.max(1)) {
        input.extend_from_slice(piece);
        while let Some(part) = decoder.next(&mut input) {
            if let Ok(CommandPart::Chunk(octets)) = &part {
                chunk.extend_from_slice(octets);
                continue;
            }
            if !chunk.is_empty() {
                found.push(format!("chunk {}", chunk.split().escape_ascii()));
            }
            if let Ok(CommandPart::Command(command)) = &part {
                round_trip(command, &options);
            }
            found.push(match &part {
                Ok(CommandPart::Command(command)) => {
                    joined(&command.encode(LiteralMode::Plus, options.utf8)).escape_ascii().to_string()
                }
                other => format!("{other:?}"),
            });
        }
    }
    if !chunk.is_empty() {
        found.push(format!("chunk {}", chunk.escape_ascii()));
    }
    found
}

fuzz_target!(|input: (u8, bool, &[u8])| {
    let (step, utf8, octets) = input;
    let options = ParseOptions { utf8, ..ParseOptions::default() };
    let unit = Bytes::copy_from_slice(octets);
    if let Ok(command) = Command::parse(&unit, &options) {
        round_trip(&command, &options);
    }
    if let Ok(Some(head)) = AppendHead::parse_first(&unit, &options) {
        let printed = joined(&head.encode(LiteralMode::Plus, utf8));
        let unit =
            Bytes::copy_from_slice(printed.strip_suffix(b"\r\n").expect("the end of a literal header"));
        let mut again = AppendHead::parse_first(&unit, &options).expect("it is fine").expect("it is APPEND");
        again.message.synchronizing = head.message.synchronizing;
        again.message.binary = head.message.binary;
        assert_eq!(again, head);
    }
    let whole = parts(octets, octets.len(), options);
    assert_eq!(parts(octets, usize::from(step) + 1, options), whole);
});
