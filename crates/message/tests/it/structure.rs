//! The tree of parts: boundaries, nesting, numbers and spans.

use postroad_message::{DefectCode, Limits, Message, Severity};
use proptest::prelude::*;

use crate::codes;

/// The numbers and raw bodies of the leaves.
fn leaves(octets: &[u8]) -> Vec<(String, String)> {
    Message::parse(octets)
        .parts()
        .filter(|part| part.children().next().is_none())
        .map(|part| (part.number().to_string(), String::from_utf8_lossy(part.raw_body()).into_owned()))
        .collect()
}

fn check_leaves(octets: &str, expected: &[(&str, &str)]) {
    let found = leaves(octets.as_bytes());
    let found: Vec<(&str, &str)> =
        found.iter().map(|(number, body)| (number.as_str(), body.as_str())).collect();
    assert_eq!(found, expected, "{octets}");
}

const MIXED: &str = "Content-Type: multipart/mixed; boundary=foo\r\n\r\n";

#[test]
fn boundaries_begin_a_line_and_are_whole() {
    check_leaves(
        &format!(
            "{MIXED}preamble\r\n--foo\r\n\r\nnot --foo\r\n--foobar\r\n --foo\r\n--foo \t\r\n\r\n2\r\n--foo--  \r\nepilogue\r\n--foo\r\n"
        ),
        &[("1", "not --foo\r\n--foobar\r\n --foo"), ("2", "2")],
    );
    // The line end before a boundary is its own; more of them are of the body.
    check_leaves(&format!("{MIXED}--foo\r\n\r\na\r\n\r\n--foo--\r\n"), &[("1", "a\r\n")]);
    // No body at all, with and without a blank line.
    check_leaves(&format!("{MIXED}--foo\r\n\r\n--foo\r\nA: b\r\n--foo--"), &[("1", ""), ("2", "")]);
    // LF
    check_leaves("Content-Type: multipart/mixed; boundary=foo\n\n--foo\n\na\n--foo--\n", &[("1", "a")]);
}

#[test]
fn quoted_boundaries_with_strange_characters() {
    check_leaves(
        "Content-Type: multipart/mixed; boundary=\"gc0pJq0M:08jU534c0p=?'()+_,-./ x\"\r\n\r\n\
         --gc0pJq0M:08jU534c0p=?'()+_,-./ x\r\n\r\na\r\n--gc0pJq0M:08jU534c0p=?'()+_,-./ x--",
        &[("1", "a")],
    );
    // An encoded word in a boundary is the boundary.
    check_leaves(
        "Content-Type: multipart/mixed; boundary=\"=?us-ascii?q?foo?=\"\r\n\r\n--foo\r\n\r\nx\r\n--=?us-ascii?q?foo?=\r\n\r\na\r\n",
        &[("1", "a\r\n")],
    );
    check_leaves(
        "Content-Type: multipart/mixed; boundary*0=fo; boundary*1=o\r\n\r\n--foo\r\n\r\na\r\n--foo--",
        &[("1", "a")],
    );
}

#[test]
fn a_part_ends_where_its_container_ends() {
    let octets = format!(
        "{MIXED}--foo\r\nContent-Type: multipart/mixed; boundary=bar\r\n\r\n--bar\r\n\r\ninner\r\n--foo\r\n\r\nouter\r\n--foo--\r\n"
    );
    check_leaves(&octets, &[("1.1", "inner"), ("2", "outer")]);
    let message = Message::parse(octets.as_bytes());
    assert_eq!(codes(message.defects()), [DefectCode::MissingCloseBoundary]);
}

#[test]
fn of_equal_boundaries_the_innermost_counts() {
    let octets = format!("{MIXED}--foo\r\n{MIXED}--foo\r\n\r\na\r\n--foo--\r\n--foo\r\n\r\nb\r\n--foo--\r\n");
    check_leaves(&octets, &[("1.1", "a"), ("2", "b")]);
}

#[test]
fn boundaries_that_extend_one_another() {
    let octets = "Content-Type: multipart/mixed; boundary=foo\r\n\r\n--foo\r\n\
        Content-Type: multipart/mixed; boundary=\"foo--\"\r\n\r\n--foo--\r\n\r\na\r\n--foo----\r\n--foo--\r\n";
    let message = Message::parse(octets.as_bytes());
    assert_eq!(message.part("1.1").unwrap().raw_body(), b"a");
    assert_eq!(message.defects(), []);
}

#[test]
fn defects_of_structure() {
    for (octets, expected) in [
        ("Content-Type: multipart/mixed\r\n\r\n--x\r\n", DefectCode::MissingBoundary),
        ("Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n", DefectCode::MissingBoundary),
        ("Content-Type: multipart/mixed; boundary=x\r\n\r\nnothing\r\n", DefectCode::BoundaryNotFound),
        ("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\na", DefectCode::MissingCloseBoundary),
        ("Content-Type: multipart/mixed; boundary=\"a*b\"\r\n\r\n--a*b--\r\n", DefectCode::InvalidBoundary),
        (
            "Content-Type: multipart/mixed; boundary=x\r\nContent-Transfer-Encoding: base64\r\n\r\n--x--\r\n",
            DefectCode::EncodedMultipart,
        ),
        ("Content-Type: junk\r\n\r\n", DefectCode::InvalidContentType),
    ] {
        let message = Message::parse(octets.as_bytes());
        assert_eq!(codes(message.defects()), [expected], "{octets}");
    }
    let long = format!("Content-Type: multipart/mixed; boundary={0}\r\n\r\n--{0}--\r\n", "x".repeat(71));
    assert_eq!(codes(Message::parse(long.as_bytes()).defects()), [DefectCode::InvalidBoundary]);
    let long = format!("\r\n{}\r\n", "x".repeat(999));
    assert!(codes(&Message::parse(long.as_bytes()).examine()).contains(&DefectCode::LineTooLong));
}

#[test]
fn an_encoded_multipart_is_taken_as_it_is() {
    let message = Message::parse(
        b"Content-Type: multipart/mixed; boundary=x\r\nContent-Transfer-Encoding: base64\r\n\r\n--x\r\n\r\nhello\r\n--x--\r\n",
    );
    assert_eq!(message.part("1").unwrap().raw_body(), b"hello");
    assert_eq!(&message.root().body()[..5], b"--x\r\n");
}

/// The example of RFC 9051 section 6.4.5.1.
const NESTED: &str = "Content-Type: multipart/mixed; boundary=a\r\n\r\n\
    --a\r\n\r\none\r\n\
    --a\r\nContent-Type: application/octet-stream\r\n\r\ntwo\r\n\
    --a\r\nContent-Type: message/rfc822\r\n\r\n\
    Subject: inner\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
    --b\r\n\r\nthree one\r\n--b\r\n\r\nthree two\r\n--b--\r\n\
    --a\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n\
    --c\r\nContent-Type: image/gif\r\n\r\nfour one\r\n\
    --c\r\nContent-Type: message/rfc822\r\n\r\n\
    Subject: innermost\r\n\r\nfour two one\r\n\
    --c--\r\n--a--\r\n";

#[test]
fn part_numbers_are_those_of_imap() {
    let message = Message::parse(NESTED.as_bytes());
    assert_eq!(message.defects(), []);
    let numbers: Vec<String> = message.parts().map(|part| part.number().to_string()).collect();
    assert_eq!(numbers, ["", "1", "2", "3", "", "3.1", "3.2", "4", "4.1", "4.2", "4.2.1"]);
    for part in message.parts() {
        let number = part.number();
        if !number.numbers().is_empty() {
            assert_eq!(message.part_numbered(&number), Some(part), "{number}");
        }
    }
    assert_eq!(message.part(""), Some(message.root()));
    for absent in ["0", "5", "1.1", "3.3", "3.0", "4.2.2", "x", "1.", "4.2.1.1", "99999999999"] {
        assert_eq!(message.part(absent), None, "{absent}");
    }
    let inner = message.part("3").unwrap().message().unwrap();
    assert_eq!(inner.header().subject().unwrap(), "inner");
    assert!(inner.is_root() && inner.is_multipart());
    let depths: Vec<usize> = message.parts().map(|part| part.depth()).collect();
    assert_eq!(depths, [0, 1, 1, 1, 2, 3, 3, 1, 2, 2, 3]);
}

#[test]
fn a_message_that_is_no_multipart_is_part_one() {
    let message = Message::parse(b"Subject: x\r\n\r\nbody\r\nmore");
    assert_eq!(message.part("1"), Some(message.root()));
    assert_eq!(message.part(""), None);
    let root = message.root();
    assert_eq!(
        (root.offset(), root.header().octets().len(), root.raw_body().len(), root.lines()),
        (0, 14, 10, 1)
    );
    let message = Message::parse(b"Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nx");
    assert_eq!(message.part("1.1").unwrap().header().subject().unwrap(), "in");
}

#[test]
fn sizes_and_lines_are_those_of_imap() {
    let message = Message::parse(NESTED.as_bytes());
    let sizes = |number: &str| {
        let part = message.part(number).unwrap();
        (part.header().octets().len(), part.raw_body().len(), part.lines())
    };
    assert_eq!(sizes("1"), (2, 3, 0));
    assert_eq!(sizes("3.2"), (2, 9, 0));
    // Subject, Content-Type, blank, and six lines of the multipart, whose last line end is the boundary's
    assert_eq!(sizes("3"), (32, 102, 9));
    assert_eq!(sizes("4.2"), (32, 34, 2));
    let body = message.part("3").unwrap().raw_body();
    assert!(body.starts_with(b"Subject: inner\r\n") && body.ends_with(b"--b--"));
}

#[test]
fn parts_of_a_digest_are_messages() {
    let octets = b"Content-Type: multipart/digest; boundary=d\r\n\r\n\
        --d\r\n\r\nSubject: one\r\n\r\n1\r\n\
        --d\r\nContent-Type: text/plain\r\n\r\n2\r\n--d--\r\n";
    let message = Message::parse(octets);
    assert_eq!(message.part("1").unwrap().content_type().essence(), "message/rfc822");
    assert_eq!(message.part("1").unwrap().message().unwrap().header().subject().unwrap(), "one");
    assert_eq!(message.part("2").unwrap().content_type().essence(), "text/plain");
}

/// In quoted-printable, the form that grows least.
fn wrap_encoded(inner: &[u8]) -> Vec<u8> {
    let mut out =
        b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n".to_vec();
    for &octet in inner {
        if octet == b'=' { out.extend_from_slice(b"=3D") } else { out.push(octet) }
    }
    out
}

#[test]
fn encoded_messages_are_looked_into() {
    let octets = b"Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n\
        Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n\
        U3ViamVjdDogaW4NCkNvbnRlbnQtVHlwZTogbXVsdGlwYXJ0L21peGVkOyBib3VuZGFyeT1i\r\n\
        DQoNCi0tYg0KDQpvbmUNCi0tYi0tDQo=\r\n--o\r\n\r\nafter\r\n--o--\r\n";
    let message = Message::parse(octets);
    assert_eq!(codes(message.defects()), [DefectCode::EncodedMessage]);
    let inner = message.part("1").unwrap().message().unwrap();
    assert_eq!(inner.header().subject().unwrap(), "in");
    assert!(inner.is_in_encoded_message());
    let one = message.part("1.1").unwrap();
    assert_eq!(one.raw_body(), b"one");
    assert_eq!(message.part("2").unwrap().raw_body(), b"after");
    assert!(message.part("1").unwrap().body().starts_with(b"Subject: in\r\n"));
    assert!(message.part("1").unwrap().raw_body().starts_with(b"U3Vi"));
    let owned = message.clone().into_owned();
    assert_eq!(owned.part("1.1").unwrap().raw_body(), b"one");
}

#[test]
fn encoded_messages_in_encoded_messages_are_bounded() {
    let mut octets = b"Subject: core\r\n\r\nx\r\n".to_vec();
    for _ in 0..5 {
        octets = wrap_encoded(&octets);
    }
    let message = Message::parse(&octets);
    assert_eq!(message.parts().count(), 4);
    assert!(codes(message.defects()).contains(&DefectCode::EncodedTooDeep));
    assert!(message.part("1.1.1.1").is_some() && message.part("1.1.1.1.1").is_none());
    // All offsets are within the message.
    assert!(message.examine().iter().all(|defect| defect.offset <= octets.len()));
}

#[test]
fn nesting_is_bounded() {
    let octets = "Content-Type: message/rfc822\r\n\r\n".repeat(2000);
    let message = Message::parse(octets.as_bytes());
    assert_eq!(message.parts().count(), 65);
    assert_eq!(codes(message.defects()), [DefectCode::TooDeep]);
    let octets: String = (0..4000)
        .map(|level| format!("--{level}\r\nContent-Type: multipart/mixed; boundary={}\r\n\r\n", level + 1))
        .collect();
    let message = Message::parse(octets.strip_prefix("--0\r\n").unwrap().as_bytes());
    assert_eq!(message.parts().count(), 65);
    assert!(codes(message.defects()).contains(&DefectCode::TooDeep));
}

#[test]
fn the_number_of_parts_is_bounded() {
    let octets = format!("{MIXED}{}--foo--\r\n", "--foo\r\n\r\nx\r\n".repeat(10_050));
    let message = Message::parse(octets.as_bytes());
    assert_eq!(message.parts().count(), 10_000);
    assert_eq!(codes(message.defects()), [DefectCode::TooManyParts]);
    assert_eq!(message.parts().last().unwrap().raw_body(), b"x");
    let mut limits = Limits::default();
    limits.parts = 3;
    let message = Message::parse_with(NESTED.as_bytes(), &limits);
    assert_eq!(message.parts().count(), 3);
    assert_eq!(message.part("2").unwrap().raw_body(), b"two");
}

#[test]
fn nothing_at_all() {
    let message = Message::parse(b"");
    assert_eq!(message.parts().count(), 1);
    assert_eq!(message.root().raw_body(), b"");
    assert_eq!(message.defects(), []);
    assert!(message.subject().is_none() && message.from().addresses().is_empty());
}

/// Pieces that a parser may stumble over.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        &b"Content-Type: multipart/mixed; boundary=a\r\n"[..],
        b"Content-Type: multipart/digest; boundary=\"b\"\r\n",
        b"Content-Type: multipart/alternative; boundary=b\n",
        b"Content-Type: message/rfc822\r\n",
        b"Content-Type: text/plain; charset=utf-7\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Transfer-Encoding: quoted-printable\r\n",
        b"Content-Disposition: attachment; filename*0*=utf-8''%EC; filename*1=x\r\n",
        b"From: =?utf-8?q?a?= <a@b>, \"x\" <y@z\r\n",
        b"Subject: =?euc-kr?B?vK3?=\r\n =?utf-7?Q?+AAA-?=\r\n",
        b"Date: Mon, 23 Nov 2026 09:00:00 +0900\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b"\0",
        b"--a\r\n",
        b"--a--\r\n",
        b"--b\n",
        b"--b--\r\n",
        b"--",
        b" ",
        b"\t",
        b":",
        b"x",
        b"=3D",
        b"=\r\n",
        b"U3ViamVjdDog",
        b"\xff",
        b"\xec\x82\xb6",
        b"(((",
        b"))",
        b"\"",
        b"<",
        b">",
        b",",
        b";",
    ]);
    prop::collection::vec(
        prop_oneof![4 => piece.prop_map(<[u8]>::to_vec), 1 => prop::collection::vec(any::<u8>(), 0..9)],
        0..40,
    )
    .prop_map(|pieces| pieces.concat())
}

fn read_everything(octets: &[u8]) {
    let message = Message::parse(octets);
    for part in message.parts() {
        if !part.is_in_encoded_message() {
            assert!(part.offset() + part.octets().len() <= octets.len());
            let start = octets.get(part.offset()..).unwrap();
            assert!(start.starts_with(part.octets()));
            assert_eq!(part.octets().len(), part.header().octets().len() + part.raw_body().len());
            if let Some(parent) = part.parent().filter(|parent| !parent.is_in_encoded_message()) {
                let body = part.offset() - (parent.offset() + parent.header().octets().len());
                assert!(body + part.octets().len() <= parent.raw_body().len());
            }
        }
        let lines = part.raw_body().split(|&octet| octet == b'\n').count() - 1;
        assert_eq!(part.lines(), lines);
        let fields: usize = part.header().fields().map(|field| field.octets().len()).sum();
        assert!(fields <= part.header().octets().len());
        for field in part.header().fields() {
            let _ = (field.name(), field.text(), field.unfolded(), field.addresses(), field.date());
            let _ = (field.message_ids(), field.content_type(), field.content_disposition());
        }
        let number = part.number();
        if !number.numbers().is_empty() {
            assert_eq!(message.part_numbered(&number), Some(part));
        }
        let _ = (part.body(), part.text(), part.filename(), part.description(), part.content_id());
    }
    let bodies = message.bodies();
    assert!(bodies.text.len() + bodies.html.len() + bodies.attachments.len() <= 3 * message.parts().count());
    assert!(message.examine().iter().all(|defect| defect.offset <= octets.len()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn any_octets_are_read(octets in prop::collection::vec(any::<u8>(), 0..300)) {
        read_everything(&octets);
    }

    #[test]
    fn hostile_octets_are_read(octets in hostile()) {
        read_everything(&octets);
    }

    #[test]
    fn every_prefix_is_read(end in 0..NESTED.len()) {
        read_everything(&NESTED.as_bytes()[..end]);
    }
}

#[test]
fn a_part_that_begins_with_text_has_no_header() {
    let octets = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n[the original message]\r\n\r\nmore\r\n--b--\r\n";
    let message = Message::parse(octets);
    let part = message.part("1").unwrap();
    assert_eq!(part.header().fields().count(), 0);
    assert_eq!(&part.body()[..], b"[the original message]\r\n\r\nmore");
}

#[test]
fn a_boundary_without_the_semicolon_behind_it_is_found() {
    let octets = b"Content-Type: multipart/related; boundary=example-1\r\n start=\"<a@b>\"; type=\"text/x\"\r\n\r\n--example-1\r\n\r\nhi\r\n--example-1--\r\n";
    let message = Message::parse(octets);
    assert_eq!(&message.part("1").unwrap().body()[..], b"hi");
    let content_type = message.root().content_type();
    assert_eq!(content_type.parameter("start").unwrap(), "<a@b>");
}

#[test]
fn a_message_that_begins_with_text_has_no_header() {
    let message = Message::parse(b"Hello Bob\r\n\r\nDo you like ketchup?\r\n");
    assert_eq!(message.root().raw_body(), b"Hello Bob\r\n\r\nDo you like ketchup?\r\n");
    assert_eq!(codes(message.defects()), [DefectCode::MissingBlankLine]);
    assert_eq!(message.defects()[0].severity, Severity::Warning);
    let message = Message::parse(b"From x@y Mon Nov 23 09:00:00 2026\nHello Bob\n\nHow about pickles?\n");
    assert_eq!(message.root().raw_body(), b"Hello Bob\n\nHow about pickles?\n");
    // In front of the fields of a message it is rubbish; in front of those of a part it may be its text.
    let message = Message::parse(b"rubbish\r\nSubject: hi\r\n\r\nbody");
    assert_eq!(message.subject().unwrap(), "hi");
    assert_eq!(codes(message.defects()), [DefectCode::LineWithoutColon]);
    let octets = format!("{MIXED}--foo\r\nPlease note\r\nthis: it is text\r\n\r\nmore\r\n--foo--\r\n");
    check_leaves(&octets, &[("1", "Please note\r\nthis: it is text\r\n\r\nmore")]);
    let message = Message::parse(octets.as_bytes());
    assert_eq!(codes(message.defects()), [DefectCode::MissingBlankLine]);
    assert_eq!(message.defects()[0].severity, Severity::Error);
}

#[test]
fn a_boundary_ends_at_white_space() {
    let octets =
        b"Content-Type: multipart/mixed; boundary=----=_x y\r\n\r\n------=_x\r\n\r\nhi\r\n------=_x--\r\n";
    assert_eq!(Message::parse(octets).part("1").unwrap().raw_body(), b"hi");
}

#[test]
fn a_multipart_without_its_boundary_is_opaque() {
    let message = Message::parse(b"Content-Type: multipart/mixed; boundary=x\r\n\r\nHello\r\n");
    let root = message.root();
    assert!(!root.is_multipart());
    assert_eq!((root.number().to_string().as_str(), &root.body()[..]), ("1", &b"Hello\r\n"[..]));
    assert_eq!(message.attachments(), [root]);
}
