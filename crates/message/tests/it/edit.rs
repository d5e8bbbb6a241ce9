//! Changes to messages.

use postroad_message::{Edit, EditError, FieldName, FieldValue, Message, PartBuilder, Target};
use proptest::prelude::*;

fn name(name: &str) -> FieldName {
    FieldName::new(name).unwrap()
}

fn value(text: &str) -> FieldValue {
    FieldValue::text(text).unwrap()
}

fn edited(octets: &str, change: impl for<'m> FnOnce(&'m Message<'m>, &mut Edit<'m>)) -> String {
    let message = Message::parse(octets.as_bytes());
    let mut edit = Edit::new(&message);
    change(&message, &mut edit);
    let whole = edit.to_vec();
    assert_eq!(edit.to_pieces().concat(), whole);
    String::from_utf8(whole).unwrap()
}

#[test]
fn nothing_changed_is_the_same() {
    for octets in ["", "A: b", "A: b\r\n\r\nx", "text\r\n", "\n\n", "a\0\r: \n\r\n"] {
        assert_eq!(edited(octets, |_, _| ()), octets);
    }
}

#[test]
fn fields_in_front_and_behind() {
    let both = |octets: &str| {
        edited(octets, |_, edit| {
            edit.prepend_octets(b"P: 1\r\n").unwrap();
            edit.prepend_octets(b"Q: 2\r\n").unwrap();
            edit.append_field(&name("Y"), &value("3")).unwrap();
            edit.append_field(&name("Z"), &value("4")).unwrap();
        })
    };
    assert_eq!(both("A: b\r\n\r\nbody"), "Q: 2\r\nP: 1\r\nA: b\r\nY: 3\r\nZ: 4\r\n\r\nbody");
    assert_eq!(both("\r\nbody"), "Q: 2\r\nP: 1\r\nY: 3\r\nZ: 4\r\n\r\nbody");
    assert_eq!(both("A: b\r\n"), "Q: 2\r\nP: 1\r\nA: b\r\nY: 3\r\nZ: 4\r\n");
    assert_eq!(both(""), "Q: 2\r\nP: 1\r\nY: 3\r\nZ: 4\r\n");
    // The line of an mbox file stays the first.
    assert_eq!(both("From a b\r\nA: b\r\n\r\n"), "From a b\r\nQ: 2\r\nP: 1\r\nA: b\r\nY: 3\r\nZ: 4\r\n\r\n");
    // A body without a header does not become one.
    let octets = both("Hello world\r\n");
    let message = Message::parse(octets.as_bytes());
    assert_eq!(message.root().raw_body(), b"Hello world\r\n");
    assert_eq!(message.header().fields().count(), 4);
}

#[test]
fn new_fields_have_the_line_ends_of_the_message() {
    let long = "word ".repeat(30);
    let octets = edited("A: b\n\nbody\n", |_, edit| edit.append_field(&name("C"), &value(&long)).unwrap());
    assert!(!octets.contains('\r') && octets.matches('\n').count() > 4);
}

#[test]
fn fields_are_replaced_where_they_are() {
    let octets = edited("A: 1\r\nB: 2\r\n 3\r\nb: 4\r\nC: 5\r\n\r\n", |message, edit| {
        let header = message.header();
        edit.insert_before(&header.field("A").unwrap(), &name("X"), &value("x")).unwrap();
        edit.replace_field(&header.field("b").unwrap(), &name("B"), &value("new")).unwrap();
        edit.remove_field(&header.field("C").unwrap()).unwrap();
    });
    assert_eq!(octets, "X: x\r\nA: 1\r\nB: new\r\nb: 4\r\n\r\n");
    assert_eq!(
        edited("A: 1\r\nB: 2\r\nb: 3\r\n\r\n", |_, edit| assert_eq!(edit.remove_fields("B"), 2)),
        "A: 1\r\n\r\n"
    );
}

#[test]
fn only_one_whole_field_can_be_put_in() {
    let message = Message::parse(b"A: b\r\n\r\n");
    let mut edit = Edit::new(&message);
    for bad in [
        "",
        "A: b",
        "A: b\r\nBcc: c\r\n",
        "A: b\r\n\r\n",
        "no field\r\n",
        " a: b\r\n",
        "\r\n",
        "A: b\r\n\r\nx\r\n",
    ] {
        assert_eq!(edit.prepend_octets(bad.as_bytes()), Err(EditError::NotAField), "{bad:?}");
    }
    assert_eq!(edit.prepend_octets(b"A: b\r\n c\r\n"), Ok(()));
}

const MIXED: &str = "Content-Type: multipart/mixed; boundary=o\r\n\r\npreamble\r\n\
    --o\r\n\r\none\r\n--o \r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n\
    --i\r\n\r\ntwo\r\n--i\r\n\r\nthree\r\n--i--\r\n--o--\r\nepilogue";

#[test]
fn parts_are_replaced_and_removed() {
    let octets = edited(MIXED, |message, edit| {
        edit.replace_part(&message.part("2.1").unwrap(), &b"X: y\r\n\r\nnew"[..]).unwrap();
        edit.remove_part(&message.part("1").unwrap()).unwrap();
    });
    assert_eq!(
        octets,
        MIXED.replace("--o\r\n\r\none\r\n", "").replace("--i\r\n\r\ntwo", "--i\r\nX: y\r\n\r\nnew")
    );
    let octets = edited(MIXED, |message, edit| edit.remove_part(&message.part("2").unwrap()).unwrap());
    let message = Message::parse(octets.as_bytes());
    assert_eq!(message.parts().count(), 2);
    assert!(octets.ends_with("one\r\n--o--\r\nepilogue"));
    // A change in a part that goes has no effect.
    let octets = edited(MIXED, |message, edit| {
        edit.replace_part(&message.part("2.2").unwrap(), &b"\r\nlost"[..]).unwrap();
        edit.remove_part(&message.part("2").unwrap()).unwrap();
    });
    assert!(!octets.contains("lost"));
}

#[test]
fn a_built_part_takes_the_place_of_another() {
    let octets = edited(MIXED, |message, edit| {
        let part = PartBuilder::text("삶의 의미\r\n");
        edit.replace_part_with(&message.part("1").unwrap(), part, Target::SevenBit, 1).unwrap();
    });
    let message = Message::parse(octets.as_bytes());
    assert_eq!(message.part("1").unwrap().text().unwrap(), "삶의 의미\r\n");
    assert_eq!(message.part("2.2").unwrap().raw_body(), b"three");
    assert_eq!(message.defects(), []);
}

#[test]
fn what_cannot_be_done_is_an_error() {
    let message = Message::parse(MIXED.as_bytes());
    let mut edit = Edit::new(&message);
    let part = message.part("2.1").unwrap();
    for bad in ["\r\n--o\r\n", "\r\nx\r\n--i--  \r\n", "--i"] {
        assert_eq!(edit.replace_part(&part, bad.as_bytes().to_vec()), Err(EditError::BoundaryInContent));
    }
    assert_eq!(edit.replace_part(&part, &b"\r\n--ii\r\n --o"[..]), Ok(()));
    assert_eq!(edit.remove_part(&message.root()), Err(EditError::OnlyPart));
    assert_eq!(edit.remove_part(&message.part("1").unwrap()), Ok(()));
    assert_eq!(edit.remove_part(&message.part("2").unwrap()), Err(EditError::OnlyPart));
    let encoded = Message::parse(
        b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nQTogYg0KDQo=\r\n",
    );
    let inner = encoded.root().message().unwrap();
    let mut edit = Edit::new(&encoded);
    assert_eq!(edit.replace_part(&inner, &b""[..]), Err(EditError::Encoded));
    assert_eq!(edit.remove_field(&inner.header().field("A").unwrap()), Err(EditError::Encoded));
}

#[test]
fn the_octets_of_an_owned_message_are_not_copied() {
    let message = Message::parse_owned(MIXED.as_bytes().to_vec());
    let mut edit = Edit::new(&message);
    edit.prepend_octets(b"A: b\r\n").unwrap();
    let pieces = edit.to_pieces();
    assert_eq!(pieces.len(), 2);
    assert_eq!(pieces[1].as_ptr(), message.octets().as_ptr());
}

proptest! {
    /// Whatever is changed, all else stays, and what was put in is found.
    #[test]
    fn what_is_put_in_is_found(octets in "(([A-C]: [a-z]{0,4}|x| y|)\r?\n){0,6}(\r?\n[a-z\r\n]{0,9})?") {
        let message = Message::parse(octets.as_bytes());
        let mut edit = Edit::new(&message);
        edit.prepend_field(&name("First"), &value("1")).unwrap();
        edit.append_field(&name("Last"), &value("2")).unwrap();
        let new = edit.to_vec();
        let read = Message::parse(&new);
        let header = read.header();
        prop_assert_eq!(header.field("First").unwrap().text(), "1");
        prop_assert_eq!(header.field("Last").unwrap().text(), "2");
        for field in message.header().fields().filter(|field| !field.name().is_empty()) {
            prop_assert!(header.fields().any(|other| other.octets() == field.octets()));
        }
        prop_assert!(new.ends_with(message.root().raw_body()));
    }
}
