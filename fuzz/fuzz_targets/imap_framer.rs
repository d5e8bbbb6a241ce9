//! Units are the same however their octets are split, and what a framer holds is bounded.
#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use postroad_imap::codec::{Frame, FrameLimits, Framer, LiteralHeader, Verdict};

const LIMITS: FrameLimits = FrameLimits { line: 200, unit: 400, literal: 150 };

fn policy(head: &[u8], literal: &LiteralHeader) -> Verdict {
    match (head.first(), literal.len % 5) {
        (Some(b'*'), _) => Verdict::Text,
        (_, 3) => Verdict::Stream,
        (_, 4) => Verdict::Refuse,
        _ => Verdict::Inline,
    }
}

/// What came, with the octets of streamed literals joined; and how often there was nothing.
fn frames(octets: &[u8], step: usize, of_responses: bool) -> Vec<(Frame, Bytes)> {
    let mut framer = if of_responses { Framer::of_responses() } else { Framer::new() };
    let mut input = BytesMut::new();
    let mut found: Vec<(Frame, Bytes)> = Vec::new();
    let mut left = 0;
    let mut streamed = BytesMut::new();
    for piece in octets.chunks(step.max(1)) {
        input.extend_from_slice(piece);
        loop {
            if left > 0 {
                let here = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
                streamed.extend_from_slice(&input.split_to(here));
                left -= here as u64;
                if left > 0 {
                    break;
                }
            }
            if let Some((_, octets)) = found.last_mut().filter(|_| !streamed.is_empty()) {
                *octets = streamed.split().freeze();
            }
            match framer.next(&mut input, &LIMITS, policy) {
                Frame::NeedInput => break,
                frame => {
                    if let Frame::Stream { literal, .. } = &frame {
                        left = literal.len;
                    }
                    if let Frame::Whole(unit) = &frame {
                        assert!(unit.len() <= LIMITS.unit);
                    }
                    found.push((frame, Bytes::new()));
                }
            }
        }
        assert!(left > 0 || input.len() <= LIMITS.unit + step, "{} octets are held", input.len());
    }
    if let Some((_, octets)) = found.last_mut().filter(|_| !streamed.is_empty()) {
        *octets = streamed.freeze();
    }
    found
}

fuzz_target!(|input: (u8, bool, &[u8])| {
    let (step, of_responses, octets) = input;
    let whole = frames(octets, octets.len(), of_responses);
    for step in [1, usize::from(step) + 1] {
        assert_eq!(frames(octets, step, of_responses), whole);
    }
});
