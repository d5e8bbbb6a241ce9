//! The parser fed in pieces gives what the whole form gives.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use postroad_message::{Limits, Message, PushEvent, PushParser};

fuzz_target!(|input: (u8, bool, &[u8])| {
    let (step, small, octets) = input;
    let mut limits = Limits::default();
    if small {
        limits.header_block = 64;
        limits.parts = 6;
        limits.depth = 3;
    }
    let mut parser = PushParser::with_limits(&limits);
    let mut buffer = BytesMut::new();
    let mut all = Vec::new();
    let mut parts = Vec::new();
    let mut rest = octets;
    loop {
        let piece = rest.len().min(usize::from(step) + 1);
        buffer.extend_from_slice(&rest[..piece]);
        rest = &rest[piece..];
        while let Some(event) = parser.next_event(&mut buffer, rest.is_empty()) {
            match event {
                PushEvent::Part(part) => {
                    parts.push((part.offset, 0, 0));
                    all.extend_from_slice(&part.header);
                }
                PushEvent::Body(octets) | PushEvent::Between(octets) => all.extend_from_slice(&octets),
                PushEvent::End { position, body, end } => {
                    parts[position].1 = body;
                    parts[position].2 = end;
                }
                _ => unreachable!(),
            }
        }
        if rest.is_empty() {
            break;
        }
    }
    assert!(parser.is_done());
    assert_eq!(all, octets);
    let message = Message::parse_with(octets, &limits);
    let whole: Vec<_> = message
        .parts()
        .filter(|part| !part.is_in_encoded_message())
        .map(|part| {
            let body = part.raw_body().as_ptr() as usize - octets.as_ptr() as usize;
            (part.offset(), body, body + part.raw_body().len())
        })
        .collect();
    // A message that lies encoded takes of the parts that there may be.
    if whole.len() == message.parts().count() {
        assert_eq!(parts, whole);
    }
});
