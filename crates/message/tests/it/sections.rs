//! Sections of RFC 9051 section 6.4.5.1.

use postroad_message::{Message, Section, SectionText, UnknownTransferEncoding};

fn get(message: &str, part: &[u32], text: SectionText<'_>) -> Option<String> {
    let parsed = Message::parse(message.as_bytes());
    let octets = parsed.section(&Section::new(part, text))?;
    let found = octets.of(message.as_bytes());
    assert_eq!(found.len(), octets.len());
    assert_eq!(octets.is_empty(), found.is_empty());
    Some(String::from_utf8(found.into_owned()).unwrap())
}

/// The complex message of RFC 9051 section 6.4.5.1.
fn complex() -> String {
    let part = |kind: &str, body: &str| format!("Content-Type: {kind}\r\n\r\n{body}\r\n");
    let multipart = |kind: &str, boundary: &str, parts: &[String]| {
        let parts: String = parts.iter().map(|part| format!("--{boundary}\r\n{part}")).collect();
        format!("Content-Type: multipart/{kind}; boundary={boundary}\r\n\r\n{parts}--{boundary}--\r\n")
    };
    let inner3 = format!(
        "Subject: three\r\n{}",
        multipart("mixed", "m3", &[part("text/plain", "3.1"), part("application/octet-stream", "3.2")])
    );
    let alternative =
        multipart("alternative", "m422", &[part("text/plain", "4.2.2.1"), part("text/richtext", "4.2.2.2")]);
    let inner42 = format!(
        "Subject: four\r\n{}",
        multipart("mixed", "m42", &[part("text/plain", "4.2.1"), alternative])
    );
    let four = multipart("mixed", "m4", &[part("image/gif", "4.1"), part("message/rfc822", &inner42)]);
    format!(
        "Subject: outer\r\n{}",
        multipart(
            "mixed",
            "m",
            &[
                part("text/plain", "1"),
                part("application/octet-stream", "2"),
                part("message/rfc822", &inner3),
                four
            ]
        )
    )
}

#[test]
fn the_parts_of_the_complex_message() {
    use SectionText::{Header, Mime, Text, Whole};
    let message = complex();
    let (header, text) = message.split_at(message.find("\r\n\r\n").unwrap() + 4);
    let get = |part: &[u32], text| get(&message, part, text);
    assert_eq!(get(&[], Whole).unwrap(), message);
    assert_eq!(get(&[], Header).unwrap(), header);
    assert_eq!(get(&[], Text).unwrap(), text);
    for (part, body) in [
        (&[1][..], "1"),
        (&[2], "2"),
        (&[3, 1], "3.1"),
        (&[3, 2], "3.2"),
        (&[4, 1], "4.1"),
        (&[4, 2, 1], "4.2.1"),
        (&[4, 2, 2, 1], "4.2.2.1"),
        (&[4, 2, 2, 2], "4.2.2.2"),
    ] {
        assert_eq!(get(part, Whole).unwrap(), body);
        for text in [Header, Text, SectionText::HeaderFields(&[b"subject"])] {
            assert_eq!(get(part, text), None, "{part:?} is no message");
        }
    }
    for (part, subject, boundary) in [(&[3][..], "three", "m3"), (&[4, 2], "four", "m42")] {
        let header =
            format!("Subject: {subject}\r\nContent-Type: multipart/mixed; boundary={boundary}\r\n\r\n");
        assert_eq!(get(part, Header).unwrap(), header);
        let text = get(part, Text).unwrap();
        assert!(
            text.starts_with(&format!("--{boundary}\r\n")) && text.ends_with(&format!("--{boundary}--\r\n"))
        );
        assert_eq!(get(part, Whole).unwrap(), header + &text);
        assert_eq!(get(part, Mime).unwrap(), "Content-Type: message/rfc822\r\n\r\n");
        assert_eq!(
            get(part, SectionText::HeaderFields(&[b"SUBJECT", b"x"])).unwrap(),
            format!("Subject: {subject}\r\n\r\n")
        );
    }
    assert_eq!(get(&[4, 1], Mime).unwrap(), "Content-Type: image/gif\r\n\r\n");
    assert_eq!(get(&[4, 2, 2], Mime).unwrap(), "Content-Type: multipart/alternative; boundary=m422\r\n\r\n");
    assert!(get(&[4], Whole).unwrap().starts_with("--m4\r\n"));
    for part in [&[0][..], &[5], &[1, 1], &[3, 0], &[3, 3], &[4, 3], &[4, 2, 2, 3], &[1, 1, 1], &[u32::MAX]] {
        assert_eq!(get(part, Whole), None, "{part:?}");
        assert_eq!(get(part, Mime), None, "{part:?}");
    }
    assert_eq!(get(&[], Mime), None);
    assert_eq!(get(&[4], Header), None);
}

#[test]
fn a_message_that_is_no_multipart_is_part_one() {
    let message = "Subject: x\r\nTo: y\r\n\r\nHello\r\n";
    assert_eq!(get(message, &[1], SectionText::Whole).unwrap(), "Hello\r\n");
    assert_eq!(get(message, &[1], SectionText::Mime).unwrap(), "Subject: x\r\nTo: y\r\n\r\n");
    assert_eq!(get(message, &[], SectionText::Text).unwrap(), "Hello\r\n");
    for part in [&[1, 1][..], &[2], &[0]] {
        assert_eq!(get(message, part, SectionText::Whole), None);
    }
    assert_eq!(get(message, &[1], SectionText::Text), None);
}

/// The numbers go on through a message that is the whole body of another one.
#[test]
fn a_message_in_a_message() {
    let message = "A: 1\r\nContent-Type: message/rfc822\r\n\r\nB: 2\r\n\r\nHi\r\n";
    assert_eq!(get(message, &[1], SectionText::Whole).unwrap(), "B: 2\r\n\r\nHi\r\n");
    assert_eq!(get(message, &[1], SectionText::Header).unwrap(), "B: 2\r\n\r\n");
    assert_eq!(get(message, &[1], SectionText::Text).unwrap(), "Hi\r\n");
    assert_eq!(get(message, &[1, 1], SectionText::Whole).unwrap(), "Hi\r\n");
    assert_eq!(get(message, &[1, 1], SectionText::Mime).unwrap(), "B: 2\r\n\r\n");
    assert_eq!(get(message, &[1, 1, 1], SectionText::Whole), None);
    // One that is encoded has no parts: what is sent is what stands there.
    let encoded =
        "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nQjogMg0KDQpIaQ==\r\n";
    assert_eq!(get(encoded, &[1], SectionText::Whole).unwrap(), "QjogMg0KDQpIaQ==\r\n");
    assert_eq!(get(encoded, &[1], SectionText::Header), None);
    assert_eq!(get(encoded, &[1, 1], SectionText::Whole), None);
}

#[test]
fn a_choice_of_fields() {
    let message = "From: a\r\nTo: b\r\n c\r\nSubject : d\r\nX-From: e\r\nto: f\r\n\r\nFrom: body\r\n";
    let fields = |names: &[&[u8]]| get(message, &[], SectionText::HeaderFields(names)).unwrap();
    let not = |names: &[&[u8]]| get(message, &[], SectionText::HeaderFieldsNot(names)).unwrap();
    assert_eq!(fields(&[b"TO"]), "To: b\r\n c\r\nto: f\r\n\r\n");
    assert_eq!(fields(&[b"subject", b"from"]), "From: a\r\nSubject : d\r\n\r\n");
    assert_eq!(fields(&[b"none"]), "\r\n");
    assert_eq!(fields(&[]), "\r\n");
    assert_eq!(fields(&[b""]), "\r\n");
    assert_eq!(not(&[b"TO", b"from"]), "Subject : d\r\nX-From: e\r\n\r\n");
    assert_eq!(not(&[]), message.split_at(message.find("From: body").unwrap()).0);
    assert_eq!(not(&[b"from", b"to", b"subject", b"x-from"]), "\r\n");
    // Lines that are no fields belong to none of them.
    let junk = "From: a\r\njunk\r\nTo: b\r\n\r\n";
    assert_eq!(get(junk, &[], SectionText::HeaderFields(&[b"from", b""])).unwrap(), "From: a\r\n\r\n");
    assert_eq!(get(junk, &[], SectionText::HeaderFieldsNot(&[b"from"])).unwrap(), "junk\r\nTo: b\r\n\r\n");
}

/// RFC 9051 section 7.5.2: the blank line is there, unless the message has none, and no body.
#[test]
fn the_blank_line() {
    let fields = |message| get(message, &[], SectionText::HeaderFields(&[b"a"])).unwrap();
    assert_eq!(fields("A: b\r\n"), "A: b\r\n");
    assert_eq!(fields("A: b"), "A: b");
    assert_eq!(fields("A: b\r\n\r\n"), "A: b\r\n\r\n");
    assert_eq!(fields("A: b\n\nbody"), "A: b\n\n");
    assert_eq!(fields("X: b\n\nbody"), "\n");
    assert_eq!(fields("A: b\r\nthe body without a blank line\r\n"), "A: b\r\n\r\n");
    assert_eq!(fields(""), "");
    assert_eq!(get("Hello\r\n", &[], SectionText::Header).unwrap(), "");
    assert_eq!(get("Hello\r\n", &[1], SectionText::Whole).unwrap(), "Hello\r\n");
}

#[test]
fn empty_parts() {
    let message =
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n\r\n--b\r\n--b\r\nA: b\r\n--b--\r\n";
    for part in [&[1][..], &[2], &[3]] {
        assert_eq!(get(message, part, SectionText::Whole).unwrap(), "");
    }
    assert_eq!(get(message, &[1], SectionText::Mime).unwrap(), "\r\n");
    assert_eq!(get(message, &[3], SectionText::Mime).unwrap(), "A: b\r\n");
    assert_eq!(get(message, &[4], SectionText::Whole), None);
}

#[test]
fn partial() {
    let octets = b"A: 1\r\nB: 2\r\nA: 3\r\n\r\nbody";
    let message = Message::parse(octets);
    let section = message.section(&Section::new(&[], SectionText::HeaderFields(&[b"a"]))).unwrap();
    let whole = b"A: 1\r\nA: 3\r\n\r\n";
    assert_eq!(section.ranges().len(), 2);
    for origin in 0..=whole.len() + 1 {
        for length in 0..=whole.len() + 1 {
            let start = origin.min(whole.len());
            let end = (start + length).min(whole.len());
            let found = section.partial(origin as u64, length as u64);
            assert_eq!(found.of(octets)[..], whole[start..end]);
            assert_eq!(found.len(), end - start);
        }
    }
    assert_eq!(section.partial(3, u64::MAX).len(), whole.len() - 3);
    assert!(section.partial(u64::MAX, u64::MAX).is_empty());
}

#[test]
fn binary() {
    let octets = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n\
        --b\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC\r\n\
        --b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na=3D=\r\nb\r\n\
        --b\r\nContent-Transfer-Encoding: x-other\r\n\r\nabc\r\n\
        --b\r\nContent-Type: message/rfc822\r\n\r\nA: b\r\n\r\nHi\r\n--b--\r\n";
    let message = Message::parse(octets);
    let get = |part: &[u32]| message.binary(part).map(|found| found.map(std::borrow::Cow::into_owned));
    assert_eq!(get(&[1]), Some(Ok(b"\x00\x01\x02".to_vec())));
    assert_eq!(get(&[2]), Some(Ok(b"a=b".to_vec())));
    assert_eq!(get(&[3]), Some(Err(UnknownTransferEncoding)));
    assert_eq!(get(&[4]), Some(Ok(b"A: b\r\n\r\nHi".to_vec())));
    assert_eq!(get(&[4, 1]), Some(Ok(b"Hi".to_vec())));
    assert_eq!(get(&[5]), None);
    assert_eq!(get(&[]), Some(Ok(octets.to_vec())));
}
