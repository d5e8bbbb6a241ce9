//! Rows `imap/…`: both ends. Each row first proves that all that are measured read the same.

mod same;
mod samples;

use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use imap_codec::decode::Decoder;
use imap_codec::encode::Encoder;
use imap_codec::fragmentizer::Fragmentizer;
use imap_codec::imap_types::IntoStatic;
use imap_codec::imap_types::response::{Data, Response as CodecResponse};
use imap_codec::{CommandCodec, ResponseCodec};
use imap_proto::{MailboxDatum, Response as ProtoResponse};
use postroad_imap::codec::{CommandDecoder, CommandPart, FrameLimits, ResponseDecoder, ResponsePart};
use postroad_imap::command::{Command, LiteralMode, ParseOptions};
use postroad_imap::response::{
    BodyStructure, Envelope, FetchRow, Response, ResponseOptions, RowWriter, SectionValue,
};
use postroad_imap::types::{DateTime, Flag};

use crate::measure::{self, Candidate};

const CODEC: &str = "imap-codec-2.0.0-alpha.10";
const PROTO: &str = "imap-proto-0.17.0";

/// What a read gives.
const READ: usize = 16 * 1024;

pub fn run() {
    rows("imap/fetch-summary", &samples::summaries(500));
    rows("imap/fetch-flags", &samples::flags(2000));
    search(400_000);
    commands(&samples::commands(2000));
    literal(32 << 20);
    print(&samples::summaries(500));
}

fn octets<T: AsRef<[u8]>>(set: &[T]) -> usize {
    set.iter().map(|one| one.as_ref().len()).sum()
}

fn read_ours(unit: &Bytes) -> Response {
    Response::parse(unit, &ResponseOptions::default()).expect("a response").response
}

fn read_codec(octets: &[u8]) -> CodecResponse<'_> {
    ResponseCodec::default().decode(octets).expect("a response").1
}

fn read_proto(octets: &[u8]) -> ProtoResponse<'_> {
    ProtoResponse::parse(octets).expect("a response").1
}

/// Whole rows, one after the other. What they are read to is owned; beside `imap-proto` as it is there it is also with values borrowed.
fn rows(name: &str, set: &[String]) {
    // A framer gives a line without its end, in a buffer of its own kind.
    let units: Vec<Bytes> = set.iter().map(|row| Bytes::copy_from_slice(row.trim_end().as_bytes())).collect();
    for (unit, row) in units.iter().zip(set) {
        let ours = same::ours(&read_ours(unit));
        assert_eq!(ours, same::codec(&read_codec(row.as_bytes())), "{row}");
        assert_eq!(ours, same::proto(&read_proto(row.as_bytes())), "{row}");
    }
    let ours = || {
        Candidate::new("postroad", || {
            for unit in &units {
                black_box(read_ours(unit));
            }
        })
    };
    let codec = Candidate::new(CODEC, || {
        for row in set {
            black_box(read_codec(row.as_bytes()).into_static());
        }
    });
    let proto = Candidate::new(PROTO, || {
        for row in set {
            black_box(read_proto(row.as_bytes()).into_owned());
        }
    });
    measure::row(name, octets(set), ours(), vec![codec, proto]);
    let codec = Candidate::new(CODEC, || {
        for row in set {
            black_box(read_codec(row.as_bytes()));
        }
    });
    let proto = Candidate::new(PROTO, || {
        for row in set {
            black_box(read_proto(row.as_bytes()));
        }
    });
    measure::row(&format!("{name}-peer-borrowed"), octets(set), ours(), vec![codec, proto]);
}

/// A connection that goes on, as a client has it.
struct Connection {
    decoder: ResponseDecoder,
    input: BytesMut,
}

impl Connection {
    fn new() -> Self {
        let decoder = ResponseDecoder::new(FrameLimits::of(64 << 20), ResponseOptions::default());
        Self { decoder, input: BytesMut::new() }
    }
}

fn search_ours(connection: &mut Connection, line: &[u8], read: usize) -> Response {
    let Connection { decoder, input } = connection;
    for piece in line.chunks(read) {
        input.extend_from_slice(piece);
        match decoder.next(input) {
            None => {}
            Some(Ok(ResponsePart::Response(parsed))) => return parsed.response,
            Some(other) => panic!("{other:?}"),
        }
    }
    panic!("the line does not end")
}

fn search_codec(fragmentizer: &mut Fragmentizer, line: &[u8], read: usize) -> usize {
    for piece in line.chunks(read) {
        fragmentizer.enqueue_bytes(piece);
        if fragmentizer.progress().is_some() {
            match fragmentizer.decode_message(&ResponseCodec::default()) {
                Ok(CodecResponse::Data(Data::Search(numbers, _))) => return black_box(numbers).len(),
                other => panic!("{other:?}"),
            }
        }
    }
    panic!("the line does not end")
}

/// Numbers in one long line: in pieces, and at once.
fn search(count: usize) {
    let line = samples::search(count);
    let numbers: Vec<u32> =
        line[9..].split_ascii_whitespace().map(|number| number.parse().unwrap()).collect();
    let is_same = |response: &Response| match response {
        Response::Search(found) => found.numbers.iter().eq(numbers.iter().copied()),
        _ => false,
    };
    let mut connection = Connection::new();
    let mut fragmentizer = Fragmentizer::new(64 << 20);
    for _ in 0..2 {
        assert!(is_same(&search_ours(&mut connection, line.as_bytes(), 4096)));
        assert_eq!(search_codec(&mut fragmentizer, line.as_bytes(), 4096), count);
    }
    let CodecResponse::Data(Data::Search(found, _)) = read_codec(line.as_bytes()) else {
        panic!("no search")
    };
    assert!(found.iter().map(|number| number.get()).eq(numbers.iter().copied()));
    let ProtoResponse::MailboxData(MailboxDatum::Search(found)) = read_proto(line.as_bytes()) else {
        panic!("no search")
    };
    assert_eq!(found, numbers);

    let ours = Candidate::new("postroad", || {
        black_box(search_ours(&mut connection, line.as_bytes(), 4096));
    });
    let codec = Candidate::new(CODEC, || {
        black_box(search_codec(&mut fragmentizer, line.as_bytes(), 4096));
    });
    // imap-proto has no framer: to read again from the start at each read takes seconds, and is left out.
    measure::row("imap/search", line.len(), ours, vec![codec]);

    let unit = Bytes::copy_from_slice(line.trim_end().as_bytes());
    let ours = Candidate::new("postroad", || {
        black_box(read_ours(&unit));
    });
    let codec = Candidate::new(CODEC, || {
        black_box(read_codec(line.as_bytes()));
    });
    let proto = Candidate::new(PROTO, || {
        black_box(read_proto(line.as_bytes()));
    });
    measure::row("imap/search-line", line.len(), ours, vec![codec, proto]);
}

fn commands_ours(wire: &[u8], mut each: impl FnMut(Command)) {
    let mut decoder = CommandDecoder::new(FrameLimits::default(), ParseOptions::default());
    let mut input = BytesMut::new();
    for piece in wire.chunks(READ) {
        input.extend_from_slice(piece);
        while let Some(part) = decoder.next(&mut input) {
            match part {
                Ok(CommandPart::Command(command)) => each(command),
                other => panic!("{other:?}"),
            }
        }
    }
}

fn commands_codec(wire: &[u8], mut each: impl FnMut(imap_codec::imap_types::command::Command<'_>)) {
    let mut fragmentizer = Fragmentizer::new(1 << 16);
    for piece in wire.chunks(READ) {
        fragmentizer.enqueue_bytes(piece);
        while fragmentizer.progress().is_some() {
            if fragmentizer.is_message_complete() {
                each(fragmentizer.decode_message(&CommandCodec::default()).expect("a command"));
            }
        }
    }
}

/// What a server reads, cut and parsed. Ours are owned; those of the peer borrow.
fn commands(set: &[String]) {
    let wire: Vec<u8> = set.concat().into_bytes();
    let print = |command: &Command| -> Vec<u8> {
        let fragments = command.encode(LiteralMode::Plus, false);
        fragments.iter().flat_map(|fragment| fragment.header().to_vec()).collect()
    };
    let (mut ours, mut codec) = (Vec::new(), Vec::new());
    commands_ours(&wire, |command| ours.push(print(&command)));
    // Printed by the peer and read by us, it must be the command that we read.
    commands_codec(&wire, |command| {
        let printed = CommandCodec::default().encode(&command).dump();
        commands_ours(&printed, |command| codec.push(print(&command)));
    });
    assert_eq!(ours.len(), set.len());
    for (ours, codec) in ours.iter().zip(&codec) {
        assert_eq!(ours.escape_ascii().to_string(), codec.escape_ascii().to_string());
    }
    assert_eq!(codec.len(), set.len());

    let ours = Candidate::new("postroad", || commands_ours(&wire, |command| drop(black_box(command))));
    let codec = Candidate::new(CODEC, || {
        commands_codec(&wire, |command| drop(black_box(command)));
    });
    measure::row("imap/commands", wire.len(), ours, vec![codec]);
}

fn literal_ours(wire: &[u8], mut chunk: impl FnMut(&[u8])) {
    let mut decoder = ResponseDecoder::new(FrameLimits::default(), ResponseOptions::default());
    let mut input = BytesMut::with_capacity(READ);
    for piece in wire.chunks(READ) {
        input.extend_from_slice(piece);
        while let Some(part) = decoder.next(&mut input) {
            match part {
                Ok(ResponsePart::Chunk(octets)) => chunk(&octets),
                Ok(ResponsePart::Body { number, uid, .. }) => assert_eq!((number, uid), (1, Some(7))),
                Ok(ResponsePart::Response(parsed)) => drop(black_box(parsed)),
                other => panic!("{other:?}"),
            }
        }
    }
}

fn literal_codec(wire: &[u8], mut whole: impl FnMut(CodecResponse<'_>)) {
    let mut fragmentizer = Fragmentizer::without_max_message_size();
    for piece in wire.chunks(READ) {
        fragmentizer.enqueue_bytes(piece);
        while fragmentizer.progress().is_some() {
            if fragmentizer.is_message_complete() {
                whole(fragmentizer.decode_message(&ResponseCodec::default()).expect("a response"));
            }
        }
    }
}

fn literal_proto(wire: &[u8], mut whole: impl FnMut(ProtoResponse<'_>)) {
    let mut buffer = Vec::new();
    for piece in wire.chunks(READ) {
        buffer.extend_from_slice(piece);
        match ProtoResponse::parse(&buffer) {
            Ok((_, response)) => whole(response),
            Err(error) => assert!(error.is_incomplete(), "{error}"),
        }
    }
}

/// One large body, as it comes in.
fn literal(len: usize) {
    let wire = samples::body(len);
    let body = &wire[wire.len() - 3 - len..wire.len() - 3];
    let mut at = 0;
    literal_ours(&wire, |chunk| {
        assert!(&body[at..at + chunk.len()] == chunk);
        at += chunk.len();
    });
    assert_eq!(at, len);
    let mut found = 0;
    literal_codec(&wire, |response| {
        let CodecResponse::Data(Data::Fetch { items, .. }) = &response else { panic!("no row") };
        found += items.as_ref().len();
        let unit = Bytes::copy_from_slice(&wire[..wire.len() - 2]);
        let Response::Fetch(row) = read_ours(&unit) else { panic!("no row") };
        let SectionValue::Octets(octets) = row.sections().next().expect("a section").value() else {
            panic!("no octets")
        };
        assert!(octets == body);
    });
    literal_proto(&wire, |response| {
        let ProtoResponse::Fetch(_, items) = &response else { panic!("no row") };
        found += items.len();
    });
    assert_eq!(found, 4);

    let ours = Candidate::new("postroad", || {
        literal_ours(&wire, |chunk| {
            black_box(chunk);
        });
    });
    let codec = Candidate::new(CODEC, || literal_codec(&wire, |response| drop(black_box(response))));
    let proto = Candidate::new(PROTO, || literal_proto(&wire, |response| drop(black_box(response))));
    measure::row("imap/literal", wire.len(), ours, vec![codec, proto]);
}

/// A row as a server has it.
struct Summary {
    number: u32,
    uid: u32,
    flags: Vec<Flag>,
    date: DateTime,
    size: u64,
    envelope: Envelope,
    structure: BodyStructure,
}

impl Summary {
    fn of(row: &FetchRow) -> Self {
        Self {
            number: row.number(),
            uid: row.uid().unwrap(),
            flags: row.flags().unwrap().collect(),
            date: row.internal_date().unwrap(),
            size: row.size().unwrap(),
            envelope: row.envelope().unwrap().to_envelope(),
            structure: row.body_structure().unwrap().to_body_structure().unwrap(),
        }
    }

    fn print(&self, out: &mut BytesMut) {
        let mut row = RowWriter::begin(out, self.number, false);
        row.uid(out, self.uid);
        row.flags(out, &self.flags);
        row.internal_date(out, self.date);
        row.size(out, self.size);
        row.envelope(out, &self.envelope);
        row.body_structure(out, &self.structure);
        row.end(out);
    }
}

/// Rows with envelope and structure, printed from values into one buffer. The peer gives a buffer for each.
fn print(set: &[String]) {
    let ours: Vec<Summary> = set
        .iter()
        .map(|row| match read_ours(&Bytes::copy_from_slice(row.trim_end().as_bytes())) {
            Response::Fetch(row) => Summary::of(&row),
            other => panic!("no row: {other:?}"),
        })
        .collect();
    let codec: Vec<CodecResponse<'_>> = set.iter().map(|row| read_codec(row.as_bytes())).collect();
    for ((summary, response), row) in ours.iter().zip(&codec).zip(set) {
        let mut out = BytesMut::new();
        summary.print(&mut out);
        assert_eq!(out, row.as_bytes());
        assert_eq!(ResponseCodec::default().encode(response).dump(), row.as_bytes());
    }
    let mut out = BytesMut::new();
    let ours = Candidate::new("postroad", move || {
        for summary in &ours {
            out.clear();
            summary.print(&mut out);
            black_box(&out);
        }
    });
    let codec = Candidate::new(CODEC, || {
        for response in &codec {
            black_box(ResponseCodec::default().encode(response).dump());
        }
    });
    measure::row("imap/print", octets(set), ours, vec![codec]);
}
