//! Units are cut the same however their octets arrive, and what is refused is never taken for a command.

use bytes::{Bytes, BytesMut};
use postroad_imap::codec::{Frame, FrameLimits, Framer, LiteralHeader, Refusal, Verdict};
use proptest::prelude::*;

/// What a caller sees, with the octets of a streamed literal joined.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    Whole(String),
    Continue,
    Head(String),
    Octets(Vec<u8>),
    Refused(String, Refusal),
}

use Seen::*;

const LIMITS: FrameLimits = FrameLimits { line: 60, unit: 100, literal: 40 };

/// APPEND streams, REFUSE refuses, OK is text; all else is inline.
fn policy(head: &[u8], _: &LiteralHeader) -> Verdict {
    let has = |word: &[u8]| head.windows(word.len()).any(|window| window == word);
    match () {
        () if has(b"APPEND") => Verdict::Stream,
        () if has(b"REFUSE") => Verdict::Refuse,
        () if has(b"* OK") => Verdict::Text,
        () => Verdict::Inline,
    }
}

fn text(octets: &Bytes) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// What comes of `parts`, given one after the other.
fn frames_of<'a>(parts: impl IntoIterator<Item = &'a [u8]>, limits: &FrameLimits) -> Vec<Seen> {
    let mut framer = Framer::new();
    let mut input = BytesMut::new();
    let mut seen = Vec::new();
    let mut owed = 0;
    for part in parts {
        input.extend_from_slice(part);
        loop {
            if owed > 0 {
                let here = input.split_to(usize::try_from(owed).unwrap_or(usize::MAX).min(input.len()));
                owed -= here.len() as u64;
                if let Some(Octets(octets)) = seen.last_mut() {
                    octets.extend_from_slice(&here);
                }
                if owed > 0 {
                    break;
                }
            }
            let frame = match framer.next(&mut input, limits, policy) {
                Frame::NeedInput => break,
                Frame::Whole(unit) => Whole(text(&unit)),
                Frame::Continue => Continue,
                Frame::Stream { head, literal } => {
                    seen.push(Head(text(&head)));
                    owed = literal.len;
                    Octets(Vec::new())
                }
                Frame::Refused { head, why } => Refused(text(&head), why),
            };
            seen.push(frame);
        }
        assert!(input.len() <= limits.unit, "no more than a unit is held");
    }
    seen
}

fn frames(octets: &str) -> Vec<Seen> {
    let octets = octets.as_bytes();
    let whole = frames_of([octets], &LIMITS);
    for cut in 0..=octets.len() {
        let (before, after) = octets.split_at(cut);
        assert_eq!(whole, frames_of([before, after], &LIMITS), "cut at {cut}");
    }
    assert_eq!(whole, frames_of(octets.chunks(1), &LIMITS), "octet by octet");
    whole
}

fn whole(unit: &str) -> Seen {
    Whole(unit.into())
}

fn refused(head: &str, why: Refusal) -> Seen {
    Refused(head.into(), why)
}

fn literal(len: u64, synchronizing: bool) -> LiteralHeader {
    LiteralHeader { len, synchronizing, binary: false }
}

#[test]
fn units_end_in_crlf() {
    assert_eq!(frames("a NOOP\r\n\r\nb NOOP\r\nc"), [whole("a NOOP"), whole(""), whole("b NOOP")]);
}

#[test]
fn literals_stand_in_their_unit() {
    let login = "a LOGIN {3}\r\nbob {6}\r\nse\r\nct";
    assert_eq!(
        frames(&format!("{login}\r\nb NOOP\r\n")),
        [Continue, Continue, whole(login), whole("b NOOP")]
    );
    let login = "a LOGIN {3+}\r\nbob {6+}\r\nse\0\r\nt";
    assert_eq!(frames(&format!("{login}\r\nb NOOP\r\n")), [whole(login), whole("b NOOP")]);
    assert_eq!(frames("a LOGIN {0+}\r\n {0}\r\n\r\n"), [Continue, whole("a LOGIN {0+}\r\n {0}\r\n")]);
}

#[test]
fn what_looks_like_a_header_inside_a_literal_is_octets() {
    let login = "a LOGIN {12+}\r\nx {9}\r\n\"\r\ny {1+}\r\n\n";
    assert_eq!(frames(&format!("{login}\r\n")), [whole(login)]);
}

/// curl #20320: `{n}` inside a quoted string is no literal.
#[test]
fn a_header_inside_quotes_is_text() {
    assert_eq!(
        frames("a LOGIN \"b {3}\r\nb NOOP\r\n"),
        [whole("a LOGIN \"b {3}"), whole("b NOOP")],
        "a quoted string that does not end is for the grammar to refuse"
    );
    assert_eq!(frames("a X \"{3}\" {1+}\r\nz\r\n"), [whole("a X \"{3}\" {1+}\r\nz")]);
    assert_eq!(frames("a X \"\\\" {3}\r\nb\r\n"), [whole("a X \"\\\" {3}"), whole("b")]);
    assert_eq!(
        frames("a X {1+}\r\n\" \"{3}\r\nb\r\n"),
        [whole("a X {1+}\r\n\" \"{3}"), whole("b")],
        "quotes in a literal are octets, and those behind it begin anew"
    );
}

#[test]
fn free_text_has_no_literals() {
    assert_eq!(frames("* OK see {3}\r\n* 1 EXISTS\r\n"), [whole("* OK see {3}"), whole("* 1 EXISTS")]);
}

#[test]
fn streamed_literals_are_taken_by_the_caller() {
    assert_eq!(
        frames("a APPEND x {1000000+}\r\n"),
        [Head("a APPEND x {1000000+}".into()), Octets(Vec::new())],
        "no limit applies"
    );
    assert_eq!(
        frames("a APPEND x ~{5}\r\nab\r\n\0\r\nb NOOP\r\n"),
        [Head("a APPEND x ~{5}".into()), Octets(b"ab\r\n\0".to_vec()), whole(""), whole("b NOOP")]
    );
    // The name of the mailbox as a literal, inline by another policy; here MULTIAPPEND (RFC 3502).
    assert_eq!(
        frames("a APPEND x {2}\r\nab (\\Seen) {1+}\r\nz\r\nb NOOP\r\n"),
        [
            Head("a APPEND x {2}".into()),
            Octets(b"ab".to_vec()),
            whole(" (\\Seen) {1+}\r\nz"),
            whole("b NOOP")
        ]
    );
}

#[test]
fn binary_literals_are_told_apart() {
    let mut framer = Framer::new();
    let mut input = BytesMut::from("a APPEND x ~{5+}\r\n");
    let frame = framer.next(&mut input, &LIMITS, |head, literal| {
        assert_eq!(head, b"a APPEND x ~{5+}", "without CRLF");
        assert!(literal.binary);
        Verdict::Stream
    });
    let literal = LiteralHeader { len: 5, synchronizing: false, binary: true };
    assert_eq!(frame, Frame::Stream { head: Bytes::from("a APPEND x ~{5+}"), literal });
}

#[test]
fn a_refused_synchronizing_literal_is_not_read() {
    assert_eq!(
        frames("a REFUSE {5}\r\nb NOOP\r\n"),
        [refused("a REFUSE {5}", Refusal::Literal(literal(5, true))), whole("b NOOP")]
    );
    let too_long = Refusal::LiteralTooLong { literal: literal(41, true), limit: 40 };
    assert_eq!(frames("a LOGIN {41}\r\nb NOOP\r\n"), [refused("a LOGIN {41}", too_long), whole("b NOOP")]);
}

#[test]
fn a_refused_non_synchronizing_literal_is_dropped_with_its_unit() {
    assert_eq!(
        frames("a REFUSE {8+}\r\nb NOOP\r\n more {2+}\r\n\r\n and more\r\nc NOOP\r\n"),
        [refused("a REFUSE {8+}", Refusal::Literal(literal(8, false))), whole("c NOOP")]
    );
    let octets = "x".repeat(41);
    let too_long = Refusal::LiteralTooLong { literal: literal(41, false), limit: 40 };
    assert_eq!(
        frames(&format!("a LOGIN {{41+}}\r\n{octets} {{0000003+}}\r\n\r\n\n \"{{1+}}\r\nx\r\nc NOOP\r\n")),
        [refused("a LOGIN {41+}", too_long), whole("c NOOP")]
    );
    // A synchronizing literal in the dropped part ends it: its client waits for an answer, and gets the one to the unit.
    assert_eq!(
        frames("a REFUSE {1+}\r\nx {7}\r\nc NOOP\r\n"),
        [refused("a REFUSE {1+}", Refusal::Literal(literal(1, false))), whole("c NOOP")]
    );
}

#[test]
fn the_literals_of_a_faulty_line_are_dropped_too() {
    assert_eq!(
        frames("a X\0Y {8+}\r\nb NOOP\r\n\r\nc NOOP\r\n"),
        [refused("a X\0Y {8+}", Refusal::Nul { at: 3 }), whole("c NOOP")]
    );
    let long = format!("a {}", "x".repeat(70));
    let too_long = Refusal::LineTooLong { limit: 60 };
    assert_eq!(
        frames(&format!("{long} {{8+}}\r\nb NOOP\r\n\r\nc NOOP\r\n")),
        [refused(&long[..60], too_long), whole("c NOOP")]
    );
    assert_eq!(
        frames(&format!("{long} {{8}}\r\nc NOOP\r\n")),
        [refused(&long[..60], too_long), whole("c NOOP")]
    );
}

#[test]
fn numbers_that_do_not_fit_are_too_long_for_every_limit() {
    let header = "a LOGIN {99999999999999999999}";
    let too_long = Refusal::LiteralTooLong { literal: literal(u64::MAX, true), limit: 40 };
    assert_eq!(frames(&format!("{header}\r\nb NOOP\r\n")), [refused(header, too_long), whole("b NOOP")]);
    let header = "a LOGIN {99999999999999999999+}";
    let too_long = Refusal::LiteralTooLong { literal: literal(u64::MAX, false), limit: 40 };
    assert_eq!(
        frames(&format!("{header}\r\nb NOOP\r\n")),
        [refused(header, too_long)],
        "nothing behind it is a command"
    );
    let no_limit = FrameLimits { literal: u64::MAX, ..LIMITS };
    let header = "a LOGIN {18446744073709551615}\r\n";
    assert_eq!(
        frames_of([header.as_bytes()], &no_limit),
        [refused(header.trim_end(), Refusal::UnitTooLong { limit: 100 })]
    );
}

#[test]
fn the_limits_count_crlf() {
    let line = "x".repeat(58);
    assert_eq!(frames(&format!("{line}\r\n")), [whole(&line)]);
    let line = "x".repeat(59);
    let too_long = Refusal::LineTooLong { limit: 60 };
    assert_eq!(frames(&format!("{line}\r\nok\r\n")), [refused(&format!("{line}\r"), too_long), whole("ok")]);
    // 7 + 40 + 7 + 40 + 2 are 96 octets: one line of 4 more fits.
    let literal = "y".repeat(40);
    let unit = format!("a {{40+}}\r\n{literal}{{37+}}\r\n{}", &literal[..37]);
    assert_eq!(unit.len(), 93);
    assert_eq!(frames(&format!("{unit}12345\r\nok\r\n")), [whole(&format!("{unit}12345")), whole("ok")]);
    let too_long = Refusal::UnitTooLong { limit: 100 };
    assert_eq!(
        frames(&format!("{unit}123456\r\nok\r\n")),
        [Refused(format!("{unit}123456\r"), too_long), whole("ok")]
    );
    let too_many = format!("a {{40+}}\r\n{literal}{{40+}}\r\n{literal}{{40+}}\r\n{literal}\r\nok\r\n");
    assert_eq!(frames(&too_many).last(), Some(&whole("ok")));
    assert!(
        matches!(&frames(&too_many)[..], [Refused(head, why), Whole(_)] if *why == too_long && head.starts_with("a {40+}"))
    );
}

#[test]
fn bare_newlines_and_nul_are_faults() {
    assert_eq!(
        frames("a NOOP\nb NOOP\r\nc NOOP\r\n"),
        [refused("a NOOP", Refusal::BareLf { at: 6 }), whole("c NOOP")],
        "nothing behind a bare LF is a command"
    );
    assert_eq!(
        frames("a NOOP\nb NOOP\nc\r\nd NOOP\r\n"),
        [
            refused("a NOOP", Refusal::BareLf { at: 6 }),
            refused("b NOOP", Refusal::BareLf { at: 6 }),
            whole("d NOOP")
        ],
        "each line of a peer that sends LF alone is answered"
    );
    assert_eq!(frames("a\rb\r\nok\r\n"), [refused("a\rb", Refusal::BareCr { at: 1 }), whole("ok")]);
    assert_eq!(frames("a\r\r\nok\r\n"), [refused("a\r", Refusal::BareCr { at: 1 }), whole("ok")]);
    assert_eq!(frames("a\0b\r\nok\r\n"), [refused("a\0b", Refusal::Nul { at: 1 }), whole("ok")]);
    assert_eq!(
        frames("a {1+}\r\n\rb\rc\r\nok\r\n"),
        [refused("a {1+}\r\n\rb\rc", Refusal::BareCr { at: 10 }), whole("ok")],
        "a CR that ends a literal is not one before the line behind it"
    );
    assert_eq!(
        frames("a {1+}\r\n\r\nb\r\nok\r\n"),
        [refused("a {1+}\r\n\r", Refusal::BareLf { at: 9 }), whole("ok")]
    );
}

#[test]
fn literals_of_responses_come_unasked() {
    let next = |framer: &mut Framer, input: &mut BytesMut| framer.next(input, &LIMITS, policy);
    let mut framer = Framer::of_responses();
    let mut input = BytesMut::from("* LIST () NIL {3}\r\na\r\n\r\n");
    assert_eq!(next(&mut framer, &mut input), Frame::Whole(Bytes::from("* LIST () NIL {3}\r\na\r\n")));
    framer.reset();
    input.extend_from_slice(
        b"* X {41}\r\n* 1 EXISTS\r\n00000000000000000000000000000 {2}\r\n\r\n\r\n* 2 EXISTS\r\n",
    );
    let why = Refusal::LiteralTooLong { literal: literal(41, true), limit: 40 };
    assert_eq!(next(&mut framer, &mut input), Frame::Refused { head: Bytes::from("* X {41}"), why });
    assert_eq!(next(&mut framer, &mut input), Frame::Whole(Bytes::from("* 2 EXISTS")));
}

#[test]
fn an_unwanted_streamed_literal_can_be_dropped() {
    let mut framer = Framer::new();
    let mut input = BytesMut::from("a APPEND x {10+}\r\n01234");
    assert!(matches!(framer.next(&mut input, &LIMITS, policy), Frame::Stream { .. }));
    framer.skip_literal(10);
    assert_eq!(framer.next(&mut input, &LIMITS, policy), Frame::NeedInput);
    assert!(input.is_empty() && framer.is_dropping());
    assert_eq!(framer.dropped(), 5);
    input.extend_from_slice(b"56789 (\\Seen) {2+}\r\n\r\n\r\nb NOOP\r\n");
    assert_eq!(framer.next(&mut input, &LIMITS, policy), Frame::Whole(Bytes::from("b NOOP")));
    assert!(!framer.is_dropping());

    framer.skip_rest();
    input.extend_from_slice(b" {2+}\r\n\r\n\r\nc NOOP\r\n");
    assert_eq!(framer.next(&mut input, &LIMITS, policy), Frame::Whole(Bytes::from("c NOOP")));

    framer.skip_literal(u64::MAX);
    framer.reset();
    input.extend_from_slice(b"d NOOP\r\n");
    assert_eq!(framer.next(&mut input, &LIMITS, policy), Frame::Whole(Bytes::from("d NOOP")));
}

#[test]
fn an_endless_line_holds_no_memory() {
    let mut framer = Framer::new();
    let mut input = BytesMut::from(&[b'{'; 200][..]);
    assert!(matches!(
        framer.next(&mut input, &LIMITS, policy),
        Frame::Refused { why: Refusal::LineTooLong { limit: 60 }, .. }
    ));
    for _ in 0..10_000 {
        input.extend_from_slice(&[b'1'; 100]);
        assert_eq!(framer.next(&mut input, &LIMITS, policy), Frame::NeedInput);
        assert!(input.is_empty());
    }
    assert_eq!(framer.dropped(), 1_000_200);
    // So many digits are a literal all the same.
    input.extend_from_slice(b"+}\r\nb NOOP\r\n");
    assert_eq!(framer.next(&mut input, &LIMITS, policy), Frame::NeedInput);
    assert!(input.is_empty() && framer.is_dropping());
}

#[test]
fn a_literal_is_announced_and_nothing_is_held_for_it() {
    let mut framer = Framer::new();
    let mut input = BytesMut::from("a LOGIN {40}\r\n");
    assert_eq!(framer.next(&mut input, &LIMITS, policy), Frame::Continue);
    for _ in 0..3 {
        assert_eq!(framer.next(&mut input, &LIMITS, policy), Frame::NeedInput);
        assert!(framer.is_within_literal(&input));
    }
}

/// Each octet is looked at once: twice as long a line may not take four times as long. Counted in calls, not in time: a framer that began
/// anew with each read would look at 5 * 10^11 octets here, and not end.
#[test]
fn a_long_line_in_small_reads_takes_linear_time() {
    const LEN: usize = 10_000_000;
    let limits = FrameLimits::of(LEN + 2);
    let mut framer = Framer::new();
    let mut input = BytesMut::with_capacity(LEN + 2);
    for _ in 0..LEN / 100 {
        input.extend_from_slice(&[b'"'; 100]);
        assert_eq!(framer.next(&mut input, &limits, policy), Frame::NeedInput);
    }
    input.extend_from_slice(b"\r\n");
    assert!(matches!(framer.next(&mut input, &limits, policy), Frame::Whole(line) if line.len() == LEN));
}

#[test]
fn a_long_literal_in_small_reads_takes_linear_time() {
    const LEN: usize = 10_000_000;
    let limits = FrameLimits::of(LEN + 100);
    let mut framer = Framer::new();
    let mut input = BytesMut::with_capacity(LEN + 100);
    input.extend_from_slice(format!("a X {{{LEN}+}}\r\n").as_bytes());
    for _ in 0..LEN / 100 {
        input.extend_from_slice(&[b'\n'; 100]);
        assert_eq!(framer.next(&mut input, &limits, policy), Frame::NeedInput);
    }
    input.extend_from_slice(b"\r\n");
    assert!(matches!(framer.next(&mut input, &limits, policy), Frame::Whole(unit) if unit.len() > LEN));
}

/// Every string of up to five of the octets that matter, and of up to four behind each of several beginnings, octet by octet and whole.
#[test]
fn every_short_string_is_framed_the_same_however_it_comes() {
    const OCTETS: &[u8] = b"\r\n{1}+\"a ";
    let limits = FrameLimits { line: 14, unit: 24, literal: 11 };
    let mut seen = [0usize; 4];
    for beginning in ["", "a {1", "a {1+}\r\nx", "REFUSE {1+}\r\nx", "a\n{1", "aaaaaaaaaaaaaa{1", "\"{"] {
        for count in 0..=if beginning.is_empty() { 5 } else { 4u32 } {
            for mut n in 0..OCTETS.len().pow(count) {
                let mut octets = beginning.as_bytes().to_vec();
                for _ in 0..count {
                    octets.push(OCTETS[n % OCTETS.len()]);
                    n /= OCTETS.len();
                }
                octets.extend_from_slice(b"\r\nb\r\n");
                let whole = frames_of([&octets[..]], &limits);
                assert_eq!(
                    whole,
                    frames_of(octets.chunks(1), &limits),
                    "{:?}",
                    octets.escape_ascii().to_string()
                );
                for frame in &whole {
                    seen[match frame {
                        Whole(_) => 0,
                        Continue => 1,
                        Refused(_, Refusal::BareLf { .. } | Refusal::BareCr { .. }) => 2,
                        _ => 3,
                    }] += 1;
                }
                // What is not refused is what was sent.
                if !whole.iter().any(|frame| matches!(frame, Refused(..))) {
                    let joined: String = whole
                        .iter()
                        .filter_map(
                            |frame| if let Whole(unit) = frame { Some(format!("{unit}\r\n")) } else { None },
                        )
                        .collect();
                    assert!(octets.starts_with(joined.as_bytes()));
                }
            }
        }
    }
    assert!(seen.iter().all(|kind| *kind > 20), "all kinds were seen: {seen:?}");
}

fn unit() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a LOGIN ",
        "APPEND ",
        "REFUSE ",
        "* OK ",
        "{3}\r\n",
        "{3+}\r\n",
        "~{2+}\r\n",
        "{41+}\r\n",
        "{0}\r\n",
        "\"",
        "\\",
        "bob",
        " ",
        "{99999999999999999999}\r\n",
        "\n",
        "\r",
        "\0",
        "(\\Seen)",
        "1234567890123456789012345",
    ]);
    prop::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat() + "\r\n")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_split_gives_the_same(units in prop::collection::vec(unit(), 1..5), cuts in prop::collection::vec(0usize..400, 0..8)) {
        let octets = units.concat().into_bytes();
        let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut <= octets.len()).collect();
        cuts.sort_unstable();
        let mut parts: Vec<&[u8]> = Vec::new();
        let mut from = 0;
        for cut in cuts {
            parts.push(&octets[from..cut]);
            from = cut;
        }
        parts.push(&octets[from..]);
        let whole = frames_of([&octets[..]], &LIMITS);
        prop_assert_eq!(&whole, &frames_of(parts, &LIMITS));
        prop_assert_eq!(&whole, &frames_of(octets.chunks(1), &LIMITS));
    }

    /// Any limits, even none at all: what is held stays within them, and nothing panics.
    #[test]
    fn every_limit_holds(
        units in prop::collection::vec(unit(), 1..5),
        line in 0usize..40,
        whole in 0usize..60,
        literal in prop::sample::select(vec![0, 1, 3, 50, u64::MAX]),
    ) {
        let octets = units.concat().into_bytes();
        let limits = FrameLimits { line, unit: whole, literal };
        let mut framer = Framer::new();
        let mut input = BytesMut::new();
        let mut seen = Vec::new();
        for octet in &octets {
            input.extend_from_slice(&[*octet]);
            loop {
                match framer.next(&mut input, &limits, |_, _| Verdict::Inline) {
                    Frame::NeedInput => break,
                    Frame::Whole(unit) => {
                        prop_assert!(unit.len() + 2 <= whole);
                        seen.push(Whole(text(&unit)));
                    }
                    Frame::Continue => seen.push(Continue),
                    Frame::Refused { head, why } => seen.push(Refused(text(&head), why)),
                    other @ Frame::Stream { .. } => prop_assert!(false, "{other:?}"),
                }
            }
            prop_assert!(input.len() <= whole);
        }
        let mut all = BytesMut::from(&octets[..]);
        let mut framer = Framer::new();
        for expected in seen {
            let found = match framer.next(&mut all, &limits, |_, _| Verdict::Inline) {
                Frame::Whole(unit) => Whole(text(&unit)),
                Frame::Continue => Continue,
                Frame::Refused { head, why } => Refused(text(&head), why),
                other => panic!("{other:?}"),
            };
            prop_assert_eq!(found, expected);
        }
        prop_assert_eq!(framer.next(&mut all, &limits, |_, _| Verdict::Inline), Frame::NeedInput);
    }
}
