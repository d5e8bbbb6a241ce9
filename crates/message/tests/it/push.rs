//! The push form gives what the whole form gives, however the message is cut.

use bytes::BytesMut;
use postroad_message::{Limits, Message, PushEvent, PushParser};
use proptest::prelude::*;

/// A part as both forms see it: position, offset, body, end, raw header, raw body.
type Seen = (usize, usize, usize, usize, Vec<u8>, Vec<u8>);

fn pushed(octets: &[u8], cuts: &[usize], limits: &Limits) -> (Vec<Seen>, Vec<u8>, Vec<String>) {
    let mut parser = PushParser::with_limits(limits);
    let mut input = BytesMut::new();
    let mut seen: Vec<Seen> = Vec::new();
    let mut all = Vec::new();
    let mut open = Vec::new();
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (octets.len() + 1)).collect();
    cuts.sort_unstable();
    cuts.push(octets.len());
    let mut at = 0;
    for (index, &cut) in cuts.iter().enumerate() {
        input.extend_from_slice(&octets[at..cut]);
        at = cut;
        let is_end = index == cuts.len() - 1;
        while let Some(event) = parser.next_event(&mut input, is_end) {
            match event {
                PushEvent::Part(part) => {
                    assert_eq!(part.position, seen.len());
                    assert_eq!(part.offset, all.len());
                    assert_eq!(part.parent, open.last().copied());
                    all.extend_from_slice(&part.header);
                    open.push(part.position);
                    seen.push((part.position, part.offset, 0, 0, part.header.to_vec(), Vec::new()));
                }
                PushEvent::Body(octets) => {
                    assert!(!octets.is_empty());
                    all.extend_from_slice(&octets);
                    let last = *open.last().unwrap();
                    seen[last].5.extend_from_slice(&octets);
                }
                PushEvent::Between(octets) => all.extend_from_slice(&octets),
                PushEvent::End { position, body, end } => {
                    assert_eq!(open.pop(), Some(position));
                    (seen[position].2, seen[position].3) = (body, end);
                }
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(parser.is_done() && input.is_empty() && open.is_empty());
    let defects = parser.defects().iter().map(ToString::to_string).collect();
    (seen, all, defects)
}

fn whole(octets: &[u8], limits: &Limits) -> (Vec<Seen>, Vec<String>) {
    let message = Message::parse_with(octets, limits);
    let start = message.octets().as_ptr() as usize;
    let seen = message
        .parts()
        .filter(|part| !part.is_in_encoded_message())
        .enumerate()
        .map(|(position, part)| {
            let body = part.raw_body();
            let at = body.as_ptr() as usize - start;
            (position, part.offset(), at, at + body.len(), part.header().octets().to_vec(), body.to_vec())
        })
        .collect();
    (seen, message.defects().iter().map(ToString::to_string).collect())
}

fn same(octets: &[u8], cuts: &[usize], limits: &Limits) {
    let (seen, all, mut defects) = pushed(octets, cuts, limits);
    assert_eq!(all, octets);
    let (whole, mut whole_defects) = whole(octets, limits);
    let shape = |list: &[Seen]| list.iter().map(|part| (part.0, part.1, part.2, part.3)).collect::<Vec<_>>();
    assert_eq!(shape(&seen), shape(&whole), "{:?} cut at {cuts:?}", String::from_utf8_lossy(octets));
    let message = Message::parse_with(octets, limits);
    for (part, (pushed, whole)) in
        message.parts().filter(|part| !part.is_in_encoded_message()).zip(seen.iter().zip(&whole))
    {
        if part.header().octets().len() <= limits.header_block {
            assert_eq!(pushed.4, whole.4);
        }
        if !part.is_multipart() && !part.is_message() && !pushed.5.is_empty() {
            assert_eq!(pushed.5, whole.5);
        }
    }
    defects.sort();
    whole_defects.sort();
    // What is wrong with encoded messages is not seen.
    if whole.len() == message.parts().count() {
        assert_eq!(defects, whole_defects, "{:?}", String::from_utf8_lossy(octets));
    }
}

const NESTED: &str = "Subject: x\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\npreamble\r\n--o\r\n\r\none\r\n\r\n\
    --o \t\r\nContent-Type: message/rfc822\r\n\r\nSubject: y\r\nContent-Type: multipart/digest; boundary=\"i\"\r\n\r\n\
    --i\r\n\r\nSubject: z\r\n\r\ntext\r\n--i--\r\nepilogue\r\n--o\r\nno header\r\n--o\r\n--o--\r\nend";

#[test]
fn every_split_of_a_nested_message() {
    for octets in [NESTED.to_owned(), NESTED.replace("\r\n", "\n")] {
        let octets = octets.as_bytes();
        for cut in 0..=octets.len() {
            same(octets, &[cut], &Limits::default());
        }
        same(octets, &(0..octets.len()).collect::<Vec<_>>(), &Limits::default());
    }
}

#[test]
fn large_headers_and_many_parts() {
    let mut limits = Limits::default();
    limits.header_block = 40;
    limits.parts = 4;
    for octets in [
        NESTED.to_owned(),
        format!("A: {}\r\nB: c\r\n\r\nbody\r\n", "x".repeat(100)),
        format!("A: b\r\nC: {}", "x".repeat(100)),
        format!("Content-Type: message/rfc822\r\nA: {}\r\n\r\nB: c\r\n\r\nx", "x".repeat(100)),
    ] {
        for cut in 0..=octets.len() {
            same(octets.as_bytes(), &[cut, cut / 2, cut + 1], &limits);
        }
    }
}

#[test]
fn a_body_is_given_as_it_comes() {
    let mut parser = PushParser::new();
    let mut input = BytesMut::from(&b"A: b\r\n\r\n"[..]);
    assert!(matches!(parser.next_event(&mut input, false), Some(PushEvent::Part(_))));
    for _ in 0..100 {
        input.extend_from_slice(&[b'x'; 1000]);
        assert!(
            matches!(parser.next_event(&mut input, false), Some(PushEvent::Body(body)) if body.len() == 1000)
        );
        assert!(input.is_empty());
    }
    assert_eq!(
        parser.next_event(&mut input, true),
        Some(PushEvent::End { position: 0, body: 8, end: 100_008 })
    );
    assert_eq!(parser.next_event(&mut input, true), None);
}

/// In a multipart no more than a line is held back.
#[test]
fn lines_that_never_end_are_not_kept() {
    let mut parser = PushParser::new();
    let mut input = BytesMut::from(&b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n--b"[..]);
    for _ in 0..1000 {
        input.extend_from_slice(&[b' '; 100]);
        while parser.next_event(&mut input, false).is_some() {}
        assert!(input.len() < 1200);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn any_message_cut_anywhere(
        octets in "(Content-Type: (multipart/(mixed|digest); boundary=\"?[ab]\"?|message/rfc822|text/plain)\r?\n|Content-Transfer-Encoding: base64\r\n|A: b\r?\n| c\r\n|--[ab](--)?[ -]{0,2}\r?\n|\r?\n|x\r?\n|-|--|\r|From x\r\n){0,30}",
        cuts in proptest::collection::vec(0_usize..1000, 0..8),
        small in any::<bool>(),
    ) {
        let mut limits = Limits::default();
        if small {
            limits.header_block = 50;
            limits.parts = 5;
            limits.depth = 3;
        }
        same(octets.as_bytes(), &cuts, &limits);
    }
}
