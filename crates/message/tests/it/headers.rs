//! Header blocks and the values of fields.

use postroad_message::{DefectCode, Message, Severity, TransferEncoding};

use crate::codes;

fn names(octets: &[u8]) -> Vec<String> {
    Message::parse(octets).header().fields().map(|field| field.name().into_owned()).collect()
}

#[test]
fn fields_keep_their_order_and_octets() {
    let octets = b"b: 1\r\nA: 2\r\n 3\r\nb:4\r\n\r\nbody";
    let message = Message::parse(octets);
    assert_eq!(names(octets), ["b", "A", "b"]);
    let whole: Vec<u8> = message.header().fields().flat_map(|field| field.octets().to_vec()).collect();
    assert_eq!([&whole[..], b"\r\n"].concat(), message.header().octets());
    assert_eq!(message.header().field("a").unwrap().raw_value(), b" 2\r\n 3");
    assert_eq!(message.header().field("a").unwrap().unfolded(), "2 3");
    assert_eq!(message.header().fields_named("B").count(), 2);
    assert_eq!(message.root().raw_body(), b"body");
}

#[test]
fn line_feeds_alone_are_line_ends() {
    let message = Message::parse(b"A: 1\nB: 2\n\nbody\n");
    assert_eq!(message.header().fields().count(), 2);
    assert_eq!(message.root().raw_body(), b"body\n");
    assert_eq!(message.root().lines(), 1);
    let bare = |octets| {
        let found = Message::parse(octets).examine();
        found.into_iter().find(|defect| defect.code == DefectCode::BareLineFeed).unwrap()
    };
    assert_eq!((bare(b"A: 1\nB: 2\n\nbody\n").offset, bare(b"A: 1\nB: 2\n\n").severity), (4, Severity::Note));
    assert_eq!(bare(b"A: 1\nB: 2\r\n\r\nbody\r\n").severity, Severity::Warning);
    // A bare CR ends nothing.
    let message = Message::parse(b"A: 1\rB: 2\r\n\r\n");
    assert_eq!(message.header().fields().count(), 1);
    assert!(codes(&message.examine()).contains(&DefectCode::BareCarriageReturn));
}

#[test]
fn names_are_taken_strictly() {
    let message = Message::parse(b"Subject : spaced\r\nTo\x00: a@b\r\n\r\n");
    assert_eq!(message.subject().unwrap(), "spaced");
    assert!(message.to().addresses().is_empty());
    assert_eq!(codes(message.defects()), [DefectCode::SpaceBeforeColon, DefectCode::InvalidFieldName]);
}

#[test]
fn lines_that_are_no_fields() {
    let message = Message::parse(b"A: 1\r\nnonsense\r\nB: 2\r\n\r\nbody");
    assert_eq!(names(message.octets()), ["A", "", "B"]);
    assert_eq!(codes(message.defects()), [DefectCode::LineWithoutColon]);
    assert_eq!(message.header().field("A").unwrap().text(), "1");

    let message = Message::parse(b"A: 1\r\nNo blank line here\r\nor there");
    assert_eq!(message.root().raw_body(), b"No blank line here\r\nor there");
    assert_eq!(codes(message.defects()), [DefectCode::MissingBlankLine]);

    let message = Message::parse(b" leading\r\nA: 1\r\n\r\n");
    assert_eq!(codes(message.defects()), [DefectCode::ContinuationWithoutField]);
    assert_eq!(message.header().field("A").unwrap().text(), "1");

    let message = Message::parse(b"From alice Mon Nov 23 09:00:00 2026\nA: 1\n\n");
    assert_eq!(message.defects()[0].code, DefectCode::MboxLine);
    assert_eq!(message.header().field("A").unwrap().text(), "1");

    let message = Message::parse(b"A: 1\r\n \t\r\n 2\r\n\r\n");
    assert_eq!(message.header().field("A").unwrap().unfolded(), "1 \t 2");
    assert_eq!(codes(message.defects()), [DefectCode::BlankContinuation]);
}

#[test]
fn the_first_of_two_counts_and_both_are_named() {
    let message = Message::parse(b"From: a@b\r\nSubject: x\r\nFrom: c@d\r\n\r\n");
    assert_eq!(message.from().mailboxes().next().unwrap().to_string(), "a@b");
    assert!(message.header().single_author().is_none());
    let defect = message.defects()[0];
    assert_eq!((defect.code, defect.offset, defect.related), (DefectCode::DuplicateField, 23, Some(0)));
    assert_eq!(defect.severity, Severity::Error);
    assert!(message.is_ambiguous());
}

#[test]
fn only_a_plain_author_is_single() {
    for (from, single) in [
        ("a@b", true),
        ("A <a@b>", true),
        ("a@b, c@d", false),
        ("G: a@b;", false),
        ("<@r:a@b>", false),
        ("<a@b>:<c@d>", false),
        ("a@b, junk", false),
        ("", false),
    ] {
        let octets = format!("From: {from}\r\n\r\n");
        assert_eq!(Message::parse(octets.as_bytes()).header().single_author().is_some(), single, "{from}");
    }
}

#[test]
fn identifiers() {
    let message = Message::parse(
        b"Message-ID: bare@example.org\r\nIn-Reply-To: <a@b> (x)\r\nReferences: <a@b>\r\n\t<c@d>\r\n\r\n",
    );
    assert_eq!(message.message_id().unwrap().as_str(), "bare@example.org");
    assert_eq!(message.header().in_reply_to()[0].as_str(), "a@b");
    assert_eq!(message.header().references().len(), 2);
    assert!(codes(&message.examine()).contains(&DefectCode::InvalidMessageId));
}

#[test]
fn transfer_encodings() {
    use TransferEncoding::*;
    for (value, expected) in [
        ("base64", Base64),
        ("BASE64 ", Base64),
        ("(x)base64(y)", Base64),
        ("quoted-printable (a comment)", QuotedPrintable),
        ("8bit", EightBit),
        ("\"base64\"", Unknown),
        ("base64;", Unknown),
        ("base64 base64", Unknown),
        ("base64(open", Unknown),
        ("uuencode", Unknown),
        ("", Unknown),
    ] {
        let octets = format!("Content-Transfer-Encoding: {value}\r\n\r\nZm9v");
        let message = Message::parse(octets.as_bytes());
        assert_eq!(message.root().transfer_encoding(), expected, "{value}");
        let unknown = codes(message.defects()).contains(&DefectCode::UnknownTransferEncoding);
        assert_eq!(unknown, expected == Unknown, "{value}");
        if expected == Unknown {
            assert_eq!(&message.root().body()[..], b"Zm9v");
        }
    }
}

#[test]
fn dates() {
    let message = Message::parse(b"Date: Mon, 23 Nov 2026 09:00:00 +0900 (KST)\r\n\r\n");
    assert_eq!(message.date().unwrap().rfc3339().to_string(), "2026-11-23T09:00:00+09:00");
    let message = Message::parse(b"Date: yesterday\r\n\r\n");
    assert!(message.date().is_none());
    assert!(codes(&message.examine()).contains(&DefectCode::InvalidDate));
}

#[test]
fn header_blocks_are_bounded() {
    let octets = format!("{}\r\nbody", "A: 1\r\n".repeat(10_001));
    let message = Message::parse(octets.as_bytes());
    assert_eq!(message.header().fields().count(), 10_000);
    assert_eq!(codes(message.defects()), [DefectCode::TooManyFields]);
    assert_eq!(message.root().raw_body(), b"body");

    let octets = format!("A: {}B: 2\r\n\r\nbody", " x\r\n".repeat(1 << 18));
    let message = Message::parse(octets.as_bytes());
    assert!(codes(message.defects()).contains(&DefectCode::HeaderTooLarge));
    assert!(message.header().field("B").is_none());
    assert_eq!(message.root().raw_body(), b"body");
}

#[test]
fn content_types() {
    let read = |value: &str| {
        let octets = format!("To: a@b\r\nContent-Type: {value}\r\n\r\n");
        let message = Message::parse(octets.as_bytes());
        let shown = message.root().content_type().to_string();
        (shown, codes(&message.examine()))
    };
    let fine = |value: &str| {
        let (shown, defects) = read(value);
        assert_eq!(defects, [DefectCode::MissingFrom, DefectCode::MissingDate], "{value}");
        shown
    };
    assert_eq!(fine("text/plain; charset=us-ascii (Plain text)"), "text/plain; charset=us-ascii");
    assert_eq!(fine("TEXT / HTML ;\r\n Charset = \"UTF-8\""), "text/html; charset=UTF-8");
    assert_eq!(fine("text/plain; x=\"a;b=\\\"c\\\"\""), "text/plain; x=\"a;b=\\\"c\\\"\"");
    assert_eq!(fine("text/plain;"), "text/plain");
    let (shown, defects) = read("text");
    assert_eq!(shown, "text/plain; charset=us-ascii");
    assert!(defects.contains(&DefectCode::InvalidContentType));
    // The first of two counts.
    let (shown, defects) = read("text/plain; charset=utf-8; charset=utf-7");
    assert_eq!(shown, "text/plain; charset=utf-8");
    assert!(defects.contains(&DefectCode::DuplicateParameter));
    let (shown, defects) = read("application/x; name=my file(1).pdf; y=z");
    assert_eq!(shown, "application/x; name=\"my file(1).pdf\"; y=z");
    assert!(defects.contains(&DefectCode::InvalidParameter));
}

fn filename(disposition: &str) -> (Option<String>, Vec<DefectCode>) {
    let octets = format!(
        "From: a@b\r\nTo: c@d\r\nDate: 1 Jan 2026 00:00 +0000\r\nContent-Disposition: {disposition}\r\n\r\n"
    );
    let message = Message::parse(octets.as_bytes());
    (message.root().filename(), codes(&message.examine()))
}

#[test]
fn rfc_2231() {
    let plain = [
        ("attachment; filename=genome.jpeg", "genome.jpeg"),
        ("attachment; filename=\"a b\"", "a b"),
        ("attachment; filename*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A", "This is ***fun***"),
        ("attachment; filename*=utf-8''%EC%B9%B4%ED%8E%98.txt", "카페.txt"),
        ("attachment; filename*=euc-kr''%C4%AB%C6%E4.txt", "카페.txt"),
        (
            "attachment; filename*0*=us-ascii'en'This%20is%20even%20more%20;\r\n filename*1*=%2A%2A%2Afun%2A%2A%2A%20;\r\n \
             filename*2=\"isn't it!\"",
            "This is even more ***fun*** isn't it!",
        ),
        ("attachment; filename*1=b.txt; filename*0=a", "ab.txt"),
        // a character split between sections
        ("attachment; filename*0*=utf-8''%EC%B9; filename*1*=%B4", "카"),
    ];
    for (disposition, expected) in plain {
        assert_eq!(filename(disposition), (Some(expected.into()), vec![]), "{disposition}");
    }
}

#[test]
fn file_names_against_the_rules() {
    let broken = [
        (
            "attachment; filename=\"=?utf-8?B?7Lm07Y6YLnR4dA==?=\"",
            "카페.txt",
            DefectCode::EncodedWordInQuotes,
        ),
        ("attachment; filename=a.txt; filename=b.exe", "a.txt", DefectCode::DuplicateParameter),
        ("attachment; filename=a.txt; filename*=utf-8''b.txt", "b.txt", DefectCode::DuplicateParameter),
        ("attachment; filename*0=a; filename*2=c", "a", DefectCode::InvalidParameter),
        ("attachment; filename*0=a; filename*0=b", "a", DefectCode::DuplicateParameter),
        ("attachment; filename=a b.txt", "a b.txt", DefectCode::InvalidParameter),
        ("attachment; filename*=utf-8''a%0D%0Ab", "a  b", DefectCode::ControlInEncodedText),
        ("attachment; filename*=x-none''a", "a", DefectCode::UnknownCharset),
        ("attachment; filename=\"open", "\"open", DefectCode::InvalidParameter),
    ];
    for (disposition, expected, code) in broken {
        let (name, defects) = filename(disposition);
        assert_eq!(name.as_deref(), Some(expected), "{disposition}");
        assert!(defects.contains(&code), "{disposition}: {defects:?}");
    }
    let many = format!("attachment{}", "; a=b".repeat(129));
    assert!(filename(&many).1.contains(&DefectCode::TooManyParameters));
}

#[test]
fn the_name_of_the_media_type_stands_in() {
    let message = Message::parse(
        b"Content-Type: application/pdf; name=x.pdf\r\nContent-Disposition: attachment\r\n\r\n",
    );
    assert_eq!(message.root().filename().as_deref(), Some("x.pdf"));
    assert!(message.root().is_attachment());
}
