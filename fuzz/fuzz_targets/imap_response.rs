//! Responses: nothing panics, all views can be read, and what is printed is read as the same.
#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use postroad_imap::codec::{FrameLimits, ResponseDecoder, ResponsePart};
use postroad_imap::response::{FetchRow, Lenience, Response, ResponseOptions, RowWriter};

fn parse(octets: &[u8], options: ResponseOptions) -> Option<Response> {
    Response::parse(&Bytes::copy_from_slice(octets), &options).ok().map(|parsed| parsed.response)
}

/// Reads all of a row, prints what can be sent of it, and reads that.
fn look(row: &FetchRow, utf8: bool) {
    let _ = (row.internal_date(), row.save_date(), row.preview(), row.email_id(), row.thread_id());
    let others: usize = row.others().map(|(name, value)| name.len() + value.len()).sum();
    assert!(others <= row.raw().len());
    for section in row.sections() {
        let _ = (section.section(), section.origin(), section.value());
    }
    let flags: Vec<_> = row.flags().into_iter().flatten().collect();
    let envelope = row.envelope().map(|envelope| envelope.to_envelope());
    let structure = row.body_structure().and_then(|structure| {
        for part in structure.parts() {
            let number = part.number();
            assert!(!part.has_number() || structure.part(&number).is_some());
        }
        structure.to_body_structure()
    });
    let mut out = BytesMut::new();
    let mut writer = RowWriter::begin(&mut out, 7, utf8);
    writer.flags(&mut out, &flags);
    if let Some(envelope) = &envelope {
        writer.envelope(&mut out, envelope);
    }
    if let Some(structure) = &structure {
        writer.body_structure(&mut out, structure);
    }
    writer.end(&mut out);
    let options = ResponseOptions { utf8, lenience: Lenience::strict() };
    let unit = out.strip_suffix(b"\r\n").expect("a line end");
    // What cannot be said right, such as NUL, is left out; so what is said is right, and is the same from then on.
    let Some(Response::Fetch(again)) = parse(unit, options) else { panic!("{}", out.escape_ascii()) };
    assert_eq!(again.flags().into_iter().flatten().collect::<Vec<_>>(), flags);
    if out.contains(&0) || row.raw().contains(&0) {
        return;
    }
    assert_eq!(again.envelope().map(|envelope| envelope.to_envelope()), envelope);
    assert_eq!(again.body_structure().and_then(|structure| structure.to_body_structure()), structure);
}

/// Printed once and read, it is what is printed and read the second time.
fn round_trip(response: &Response, utf8: bool) {
    let mut out = BytesMut::new();
    response.encode(&mut out, utf8);
    let unit = out.strip_suffix(b"\r\n").expect("a line end");
    let options = ResponseOptions { utf8, ..ResponseOptions::default() };
    let Some(again) = parse(unit, options) else { panic!("{}", out.escape_ascii()) };
    let mut out_again = BytesMut::new();
    again.encode(&mut out_again, utf8);
    assert_eq!(out.escape_ascii().to_string(), out_again.escape_ascii().to_string());
}

fn parts(octets: &[u8], step: usize, options: ResponseOptions) -> Vec<String> {
    let mut decoder = ResponseDecoder::new(FrameLimits { line: 2000, unit: 3000, literal: 500 }, options);
    decoder.stream_above(20);
    let mut input = BytesMut::new();
    let mut found = Vec::new();
    let mut chunk = BytesMut::new();
    for piece in octets.chunks(step.max(1)) {
        input.extend_from_slice(piece);
        while let Some(part) = decoder.next(&mut input) {
            if let Ok(ResponsePart::Chunk(octets)) = &part {
                chunk.extend_from_slice(octets);
                continue;
            }
            if !chunk.is_empty() {
                found.push(format!("chunk {}", chunk.split().escape_ascii()));
            }
            if let Ok(ResponsePart::Response(parsed)) = &part
                && let Response::Fetch(row) = &parsed.response
            {
                look(row, options.utf8);
            }
            found.push(format!("{part:?}"));
        }
    }
    if !chunk.is_empty() {
        found.push(format!("chunk {}", chunk.escape_ascii()));
    }
    found
}

fuzz_target!(|input: (u8, bool, bool, &[u8])| {
    let (step, utf8, strict, octets) = input;
    let lenience = if strict { Lenience::strict() } else { Lenience::all() };
    let options = ResponseOptions { utf8, lenience };
    // A unit has no line end outside its literals, for the framer saw to that.
    if let Some(response) = parse(octets, options) {
        match &response {
            Response::Fetch(row) => look(row, utf8),
            // NUL cannot be said, and is left out: what was quoted for it need not be the second time.
            _ if octets.contains(&0) => {}
            response => round_trip(response, utf8),
        }
    }
    let whole = parts(octets, octets.len(), options);
    assert_eq!(parts(octets, usize::from(step) + 1, options), whole);
});
