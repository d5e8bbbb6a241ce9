//! See `postroad_smtp::manual::smuggling`.

use crate::harness::{Line, config};
use postroad_smtp::BareNewline;

/// Endings that some server once took for the end of a message.
const FALSE_ENDS: [&str; 14] = [
    "\n.\n",
    "\n.\r\n",
    "\r\n.\n",
    "\r.\r",
    "\r.\r\n",
    "\r.\n",
    "\n.\r",
    "\r\n.\r",
    "\r\n.\r\r\n",
    "\r\n\0.\r\n",
    "\r\n.\0\r\n",
    "\r\n\n.\n\r\n",
    "\n\n.\r\n",
    "\r\n.\n\r\n",
];

const SMUGGLED: &str = "MAIL FROM:<admin@foo.com>\r\nRCPT TO:<victim@foo.com>\r\nDATA\r\nsmuggled\r\n.\r\n";

fn in_data(policy: BareNewline) -> Line {
    let mut config = config();
    config.bare_newline = policy;
    let mut line = Line::greeted(config);
    assert_eq!(line.codes("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n").last().unwrap(), "354");
    line.events.clear();
    line
}

/// The octets are cut at `cut`, so that the false end comes in any two pieces.
fn attack(policy: BareNewline, false_end: &str, cut: usize) -> (Line, Vec<String>) {
    let mut line = in_data(policy);
    let text = format!("first{false_end}{SMUGGLED}");
    let cut = cut.min(text.len());
    let mut codes = line.codes(&text[..cut]);
    codes.extend(line.codes(&text[cut..]));
    (line, codes)
}

#[test]
fn nothing_but_crlf_dot_crlf_ends_a_message() {
    for false_end in FALSE_ENDS {
        for policy in [BareNewline::Reject, BareNewline::Normalize, BareNewline::Pass] {
            for cut in 0..24 {
                let (line, codes) = attack(policy, false_end, cut);
                let end = false_end.escape_debug();
                assert_eq!(codes.len(), 1, "{end} by {policy:?} is one message: {codes:?}");
                assert!(
                    line.events.iter().all(|event| !event.contains("MAIL <admin")),
                    "{end} by {policy:?}"
                );
                assert_eq!(line.events.len(), 1, "{end} by {policy:?}: {:?}", line.events);
            }
        }
    }
}

#[test]
fn refused_after_the_true_end() {
    for false_end in FALSE_ENDS {
        let (mut line, codes) = attack(BareNewline::Reject, false_end, 10);
        assert_eq!(codes, ["550 5.6.0"], "{}", false_end.escape_debug());
        assert!(line.events[0].starts_with("ABORTED"), "{:?}", line.events);
        // The session is where it was before the message.
        assert_eq!(line.codes("MAIL FROM:<a@b>\r\nQUIT\r\n"), ["250 2.1.0", "221 2.0.0"]);
    }
}

#[test]
fn the_refusal_waits_for_the_end() {
    let mut line = in_data(BareNewline::Reject);
    assert_eq!(line.say("bare\nnewline\r\n"), "");
    assert_eq!(line.events, ["ABORTED CR or LF that is not part of a CRLF"]);
    assert_eq!(line.say("more\r\n"), "");
    assert_eq!(line.codes(".\r\n"), ["550 5.6.0"]);
}

#[test]
fn normalized_when_asked() {
    let mut line = in_data(BareNewline::Normalize);
    assert_eq!(line.codes("a\nb\rc\n.\nd\r\n.\r\n"), ["250 2.0.0"]);
    assert_eq!(line.events, [r"MESSAGE a\r\nb c\r\n.\r\nd\r\n"]);
}

#[test]
fn passed_when_asked() {
    let mut line = in_data(BareNewline::Pass);
    assert_eq!(line.codes("a\nb\rc\0\r\n.\r\n"), ["250 2.0.0"]);
    assert_eq!(line.events, [r"MESSAGE a\nb\rc\x00\r\n"]);
}

#[test]
fn a_message_of_nothing_and_stuffed_dots() {
    let mut line = in_data(BareNewline::Reject);
    assert_eq!(line.codes(".\r\n"), ["250 2.0.0"]);
    let again = line.codes("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n..\r\n...x\r\n.\r\n");
    assert_eq!(again.last().unwrap(), "250 2.0.0");
    assert_eq!(line.events[0], "MESSAGE ");
    assert_eq!(line.events.last().unwrap(), r"MESSAGE .\r\n..x\r\n");
}

/// Written from RFC 5321 section 4.1.1.4 alone: how many octets of `text` belong to the message and its end.
fn oracle(text: &[u8]) -> Option<usize> {
    let with_the_line_before = [b"\r\n", text].concat();
    with_the_line_before.windows(5).position(|window| window == b"\r\n.\r\n").map(|at| at + 3)
}

#[test]
fn all_strings_up_to_seven_octets_after_data() {
    let mut count = 0;
    for length in 0..=7_u32 {
        for mut number in 0..4_usize.pow(length) {
            let mut text = String::new();
            for _ in 0..length {
                text.push(['\r', '\n', '.', 'x'][number % 4]);
                number /= 4;
            }
            for policy in [BareNewline::Reject, BareNewline::Normalize, BareNewline::Pass] {
                let mut line = in_data(policy);
                let codes = line.codes(&text);
                let shown = text.escape_debug();
                let is_answer =
                    |code: &String| code.starts_with("250 2.0.0") || code.starts_with("550 5.6.0");
                match oracle(text.as_bytes()) {
                    // What stands behind the end is commands again, and nonsense: no other message comes of it.
                    Some(end) => {
                        assert!(is_answer(&codes[0]), "{shown} by {policy:?}: {codes:?}");
                        let mut line = in_data(policy);
                        let early = line.codes(&text[..end - 1]);
                        assert!(early.is_empty(), "{shown} by {policy:?} ends too early: {early:?}");
                        let at_the_end = line.codes(&text[end - 1..end]);
                        assert_eq!(at_the_end, codes[..1], "{shown} by {policy:?} ends at octet {end}");
                        assert_eq!(
                            line.codes("QUIT\r\n"),
                            ["221 2.0.0"],
                            "{shown} by {policy:?}: nothing is left"
                        );
                    }
                    None => assert!(codes.is_empty(), "{shown} by {policy:?}: {codes:?}"),
                }
                count += 1;
            }
        }
    }
    assert_eq!(count, 3 * 21_845);
}
