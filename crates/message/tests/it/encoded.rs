//! Transfer encodings and charsets of bodies.

use postroad_message::{DefectCode, Message};

use crate::codes;

fn body(header: &str, body: &[u8]) -> (String, Vec<DefectCode>) {
    let octets =
        [b"From: a@b\r\nTo: c@d\r\nDate: 1 Jan 2026 00:00 +0000\r\n", header.as_bytes(), b"\r\n\r\n", body]
            .concat();
    let message = Message::parse(&octets);
    (message.root().text().unwrap().into_owned(), codes(&message.examine()))
}

#[test]
fn base64() {
    let read = |encoded: &str| body("Content-Transfer-Encoding: base64", encoded.as_bytes());
    assert_eq!(read("Zm9v\r\nYmFy\r\n"), ("foobar".into(), vec![]));
    assert_eq!(read("Zm9vYg=="), ("foob".into(), vec![]));
    assert_eq!(read("Zm9v*YmFy"), ("foobar".into(), vec![DefectCode::Base64Character]));
    assert_eq!(read("Zm9vYg"), ("foob".into(), vec![DefectCode::Base64Padding]));
    assert_eq!(read("Zg==Zg=="), ("ff".into(), vec![DefectCode::Base64Padding]));
}

#[test]
fn quoted_printable() {
    let read = |encoded: &str| body("Content-Transfer-Encoding: quoted-printable", encoded.as_bytes());
    assert_eq!(read("a=3Db =\r\nc \r\n"), ("a=b c\r\n".into(), vec![]));
    assert_eq!(read("a=zb"), ("a=zb".into(), vec![DefectCode::QuotedPrintableEscape]));
}

#[test]
fn charsets() {
    let read = |charset: &str, octets: &[u8]| {
        let header =
            format!("Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: 8bit");
        body(&header, octets)
    };
    assert_eq!(read("iso-8859-1", b"caf\xe9"), ("café".into(), vec![]));
    assert_eq!(read("\"utf-8\"", "삶".as_bytes()), ("삶".into(), vec![]));
    assert_eq!(read("gb2312", b"\xc4\xe3"), ("你".into(), vec![]));
    assert_eq!(read("iso-2022-jp", b"\x1b$B$\"\x1b(B"), ("あ".into(), vec![]));
    assert_eq!(
        read("x-none", b"caf\xe9"),
        ("café".into(), vec![DefectCode::UnknownCharset, DefectCode::InvalidText])
    );
    assert_eq!(read("utf-8", b"caf\xe9"), ("caf\u{fffd}".into(), vec![DefectCode::InvalidText]));
    let (text, defects) = body("Content-Type: text/plain", "삶".as_bytes());
    assert_eq!(
        (text.as_str(), &defects[..]),
        ("삶", &[DefectCode::EightBitBody, DefectCode::InvalidText][..])
    );
}

#[test]
fn octets_that_should_not_be_there() {
    assert_eq!(body("X: y", b"a\0b\rc").1, [DefectCode::NulOctet, DefectCode::BareCarriageReturn]);
    assert_eq!(body("X: y\0", b"").1, [DefectCode::NulOctet]);
}

#[test]
fn only_text_is_text() {
    let message = Message::parse(b"Content-Type: image/png\r\n\r\nabc");
    assert!(message.root().text().is_none());
    assert_eq!(&message.root().body()[..], b"abc");
}
