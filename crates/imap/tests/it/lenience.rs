//! What servers are known to do wrong: repaired and told, or refused, as the profile says. No odd item costs the row.

use crate::responses::{parse, strict};
use bytes::Bytes;
use postroad_imap::response::{FetchRow, Lenience, PartKind, Quirk, Response, ResponseCode, ResponseOptions};
use postroad_imap::types::Section;

fn quirks(unit: &str) -> (Response, Vec<Quirk>) {
    let parsed = parse(unit.to_owned());
    (parsed.response, parsed.repairs.into_iter().map(|repair| repair.quirk).collect())
}

/// Reads leniently, with exactly these repairs; strictly it is an error.
fn row(unit: &str, expected: &[Quirk]) -> FetchRow {
    let (response, quirks) = quirks(unit);
    assert_eq!(quirks, expected, "{unit}");
    let Response::Fetch(row) = response else { panic!("{unit}: {response:?}") };
    assert!(Response::parse(&Bytes::from(unit.to_owned()), &strict()).is_err(), "strictly: {unit}");
    row
}

#[test]
fn mail_ru_a_parameter_whose_value_is_nil() {
    let row = row(
        r#"* 1 FETCH (UID 5 BODYSTRUCTURE (("TEXT" "PLAIN" ("charset" "utf-8") NIL NIL "8bit" 3 1) "mixed" ("boundary" NIL) NIL NIL) RFC822.SIZE 9)"#,
        &[Quirk::NilForString],
    );
    let structure = row.body_structure().unwrap();
    assert_eq!(structure.parts().len(), 2);
    assert_eq!(structure.parts().next().unwrap().parameter("BOUNDARY").as_deref(), Some(&b""[..]));
    assert_eq!((row.uid(), row.size()), (Some(5), Some(9)));
}

#[test]
fn proton_utf_8_in_quoted_strings() {
    let unit = r#"* 1 FETCH (UID 5 ENVELOPE (NIL "Größe – 大" (("Jürgen" NIL "j" "example.com")) NIL NIL NIL NIL NIL NIL NIL))"#;
    let row = row(unit, &[Quirk::RawEightBit, Quirk::RawEightBit]);
    let envelope = row.envelope().unwrap();
    assert_eq!(envelope.subject().as_deref(), Some("Größe – 大".as_bytes()));
    assert_eq!(envelope.from().next().unwrap().name().as_deref(), Some("Jürgen".as_bytes()));
    // Where UTF-8 was agreed on it is nothing to repair.
    let options = ResponseOptions { utf8: true, lenience: Lenience::strict() };
    assert!(Response::parse(&Bytes::from(unit), &options).unwrap().repairs.is_empty());
}

#[test]
fn four_hundred_open_parentheses() {
    for count in [100, 101, 400, 100_000] {
        let (response, quirks) = quirks(&format!("* 1 FETCH (UID 7 BODYSTRUCTURE {}", "(".repeat(count)));
        let Response::Fetch(row) = response else { panic!("{response:?}") };
        assert_eq!(row.uid(), Some(7));
        assert!(row.body_structure().is_none());
        assert_eq!(row.others().next().unwrap().0, b"BODYSTRUCTURE");
        assert_eq!(quirks, [Quirk::OddItem, Quirk::UnclosedList]);
    }
}

#[test]
fn parts_too_deep_are_left_out_and_the_row_is_not() {
    for depth in [99, 100, 1000, 50_000] {
        let text = r#"("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1)"#;
        let structure = format!("{}{text}{}", "(".repeat(depth), r#" "MIXED")"#.repeat(depth));
        let unit = format!("* 1 FETCH (BODYSTRUCTURE {structure} UID 7)");
        let parsed = Response::parse(&Bytes::from(unit), &strict()).unwrap();
        let Response::Fetch(row) = parsed.response else { panic!("a row") };
        assert_eq!(row.uid(), Some(7));
        let view = row.body_structure().unwrap();
        assert_eq!(view.is_truncated(), depth >= 100, "{depth}");
        assert_eq!(view.parts().len(), depth.min(100) + 1);
        let last = view.parts().last().unwrap();
        let kind = if depth >= 100 { PartKind::Truncated } else { PartKind::Text };
        assert_eq!((last.kind(), last.depth() as usize), (kind, depth.min(100)));
        assert_eq!(view.to_body_structure().is_some(), depth < 100);
    }
}

#[test]
fn messages_in_messages_too_deep() {
    let open = r#"("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 9 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) "#;
    let text = r#"("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1)"#;
    let unit = format!("* 1 FETCH (BODY {}{text}{} UID 7)", open.repeat(500), " 3)".repeat(500));
    let parsed = Response::parse(&Bytes::from(unit), &strict()).unwrap();
    let Response::Fetch(row) = parsed.response else { panic!("a row") };
    assert_eq!(row.uid(), Some(7));
    assert!(row.body_structure().unwrap().is_truncated());
}

#[test]
fn seven_multiparts_are_nothing_special() {
    let text = r#"("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1)"#;
    let unit = format!("* 1 FETCH (BODY {}{text}{})", "(".repeat(7), r#" "MIXED")"#.repeat(7));
    let parsed = parse(unit);
    assert!(parsed.repairs.is_empty());
    let Response::Fetch(row) = parsed.response else { panic!("a row") };
    assert_eq!(row.body_structure().unwrap().parts().last().unwrap().number().len(), 7);
}

#[test]
fn unknown_items_are_kept_without_a_repair() {
    let unit = r#"* 1 FETCH (X-GM-MSGID 1278455344230334865 X-GM-LABELS ("\\Inbox" "a)b" {3}
x) y) UID 7 X-[a.b] NIL FLAGS ())"#;
    let unit = unit.replace('\n', "\r\n");
    let parsed = Response::parse(&Bytes::from(unit), &strict()).unwrap();
    let Response::Fetch(row) = parsed.response else { panic!("a row") };
    assert_eq!(row.uid(), Some(7));
    assert_eq!(row.flags().unwrap().count(), 0);
    let names: Vec<_> = row.others().map(|(name, _)| name).collect();
    assert_eq!(names, [&b"X-GM-MSGID"[..], b"X-GM-LABELS", b"X-[a.b]"]);
    assert_eq!(row.others().nth(1).unwrap().1, b"(\"\\\\Inbox\" \"a)b\" {3}\r\nx) y)");
}

#[test]
fn an_odd_item_is_kept_and_the_rest_is_read() {
    let odd = row(
        "* 1 FETCH (ENVELOPE (1 2 (3)) UID 7 INTERNALDATE 17 FLAGS (\\Seen))",
        &[Quirk::OddItem, Quirk::AtomForString],
    );
    assert_eq!(odd.others().next(), Some((&b"ENVELOPE"[..], &b"(1 2 (3))"[..])));
    assert_eq!((odd.uid(), odd.flags().unwrap().count()), (Some(7), 1));
    assert!(odd.envelope().is_none() && odd.internal_date().is_none());

    // It does not end: the next item is found by its name.
    let lost = row("* 1 FETCH (ENVELOPE (NIL \"a \"quote\" b\" UID 7 FLAGS (\\Seen))", &[Quirk::OddItem]);
    assert_eq!((lost.uid(), lost.flags().unwrap().count()), (Some(7), 1));

    let empty = row("* 1 FETCH (UID)", &[Quirk::OddItem]);
    assert_eq!(empty.uid(), None);
    let stray = row("* 1 FETCH (\"x\" UID 7)", &[Quirk::OddItem]);
    assert_eq!(stray.uid(), Some(7));
}

#[test]
fn spaces() {
    let extra = row("* 1 FETCH ( UID  7 FLAGS ( \\Seen  x ) )", &[Quirk::ExtraSpace; 6]);
    assert_eq!((extra.uid(), extra.flags().unwrap().count()), (Some(7), 2));
    let missing = row("* 1 FETCH (FLAGS (\\Seen)UID 7)", &[Quirk::MissingSpace]);
    assert_eq!(missing.uid(), Some(7));
    let parts = row(
        r#"* 1 FETCH (BODY (("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1) ("TEXT" "HTML" NIL NIL NIL "7BIT" 1 1) "ALTERNATIVE"))"#,
        &[Quirk::ExtraSpace],
    );
    assert_eq!(parts.body_structure().unwrap().parts().len(), 3);
}

#[test]
fn structures_that_servers_send() {
    for (structure, expected, parts) in [
        // No number of lines.
        (r#"("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1)"#, &[Quirk::MissingField][..], 1),
        // A number of lines where none belongs.
        (r#"("APPLICATION" "PDF" NIL NIL NIL "BASE64" 1 1)"#, &[Quirk::OddNumber], 1),
        // Sizes that are none.
        (r#"("TEXT" "PLAIN" NIL NIL NIL "7BIT" NIL 1)"#, &[Quirk::OddNumber], 1),
        (r#"("TEXT" "PLAIN" NIL NIL NIL "7BIT" -1 -1)"#, &[Quirk::OddNumber, Quirk::OddNumber], 1),
        (r#"("TEXT" "PLAIN" NIL NIL NIL "7BIT" "12" 1)"#, &[Quirk::OddNumber], 1),
        // A multipart without parts.
        (r#"("MIXED" ("BOUNDARY" "x") NIL NIL)"#, &[Quirk::EmptyMultipart], 1),
        (
            r#"(("MIXED" NIL NIL NIL)("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1) "MIXED")"#,
            &[Quirk::EmptyMultipart],
            3,
        ),
        // No media type, no encoding.
        ("(NIL NIL NIL NIL NIL NIL 1)", &[Quirk::NilForString; 3], 1),
        // Empty lists.
        (r#"("TEXT" "PLAIN" () NIL NIL "7BIT" 1 1 NIL NIL () NIL)"#, &[Quirk::EmptyList; 2], 1),
        // A disposition without parameters, or that is only a string.
        (r#"("IMAGE" "PNG" NIL NIL NIL "BASE64" 1 NIL ("inline") NIL)"#, &[Quirk::MissingField], 1),
        (r#"("IMAGE" "PNG" NIL NIL NIL "BASE64" 1 NIL "inline" NIL)"#, &[Quirk::MissingField], 1),
        // Atoms.
        ("(TEXT PLAIN NIL NIL NIL 7BIT 1 1)", &[Quirk::AtomForString; 3], 1),
        // A message without envelope and body; with an envelope only.
        (
            r#"("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 1 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) NIL 3)"#,
            &[Quirk::MissingField],
            1,
        ),
        // A multipart without its subtype.
        (r#"(("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1))"#, &[Quirk::MissingField], 2),
        // A parameter without a value.
        (r#"("TEXT" "PLAIN" ("CHARSET") NIL NIL "7BIT" 1 1)"#, &[Quirk::MissingField], 1),
    ] {
        let row = row(&format!("* 1 FETCH (BODYSTRUCTURE {structure} UID 7)"), expected);
        assert_eq!(row.uid(), Some(7), "{structure}");
        assert_eq!(row.body_structure().map(|view| view.parts().len()), Some(parts), "{structure}");
        assert_eq!(row.others().count(), 0, "{structure}");
    }
    // What RFC 9051 allows for a message that is given as a basic part.
    let basic = r#"* 1 FETCH (BODYSTRUCTURE ("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 1 NIL ("attachment" NIL) NIL NIL))"#;
    let Response::Fetch(row) = parse(basic).response else { panic!("a row") };
    assert_eq!(
        row.body_structure().unwrap().parts().next().unwrap().disposition().as_deref(),
        Some(&b"attachment"[..])
    );
}

#[test]
fn envelopes_that_servers_send() {
    let nil = "NIL NIL NIL NIL NIL";
    for (envelope, expected) in [
        (format!("(NIL NIL () {nil} NIL NIL)"), &[Quirk::EmptyList][..]),
        (format!("(NIL NIL \"\" {nil} NIL NIL)"), &[Quirk::EmptyList]),
        (format!("(NIL NIL (NIL) {nil} NIL NIL)"), &[Quirk::NilForString]),
        (format!("(NIL NIL ((NIL NIL \"a\")) {nil} NIL NIL)"), &[Quirk::MissingField]),
        (
            format!("(NIL NIL ((NIL NIL \"a\" \"b\") (NIL NIL \"c\" \"d\")) {nil} NIL NIL)"),
            &[Quirk::ExtraSpace],
        ),
        (format!("(NIL NIL NIL {nil} NIL)"), &[Quirk::MissingField]),
        (format!("(NIL \"a\\b\" NIL {nil} NIL NIL)"), &[Quirk::StrayBackslash]),
    ] {
        let row = row(&format!("* 1 FETCH (ENVELOPE {envelope} UID 7)"), expected);
        assert_eq!(row.uid(), Some(7), "{envelope}");
        assert!(row.envelope().is_some(), "{envelope}");
    }
}

#[test]
fn status_responses_that_servers_send() {
    for (unit, quirk, text) in [
        ("A1 OK", Quirk::MissingText, ""),
        ("* OK [ALERT]text", Quirk::MissingSpace, "text"),
        ("* OK [UIDNEXT zero] text", Quirk::OddCode, "text"),
        ("* OK [COPYUID 1 2] text", Quirk::OddCode, "text"),
        ("* OK größe", Quirk::RawEightBit, "größe"),
        ("* OK [PERMANENTFLAGS (\\Seen a%b)] text", Quirk::OddFlag, "text"),
    ] {
        let (response, quirks) = quirks(unit);
        let Response::Status(status) = response else { panic!("{unit}") };
        assert_eq!((status.text.as_str(), &quirks[..]), (text, &[quirk][..]), "{unit}");
        assert!(Response::parse(&Bytes::from(unit), &strict()).is_err(), "{unit}");
    }
    let (Response::Status(status), quirks) = quirks("* OK [UIDNEXT 0] text") else { panic!("a status") };
    assert_eq!(status.code, Some(ResponseCode::other("UIDNEXT", Some("0"))));
    assert_eq!(quirks, [Quirk::OddCode]);
    // A bracket that begins nothing is text.
    for text in ["[", "[]", "[x"] {
        let Response::Status(status) = parse(format!("* OK {text}")).response else { panic!("{text}") };
        assert_eq!((status.code, status.text.as_str()), (None, text));
    }
    let (_, quirks) = self::quirks("+");
    assert_eq!(quirks, [Quirk::MissingText]);
}

#[test]
fn lists_that_servers_send() {
    let (Response::List(list), found) = quirks("* LIST (\\HasNoChildren) \"/\" Größe") else {
        panic!("a list")
    };
    assert_eq!((list.mailbox.as_str(), &found[..]), ("Größe", &[Quirk::OddMailbox][..]));
    assert_eq!(&*list.mailbox.to_wire(false), "Größe".as_bytes());
    let (Response::List(list), found) = quirks("* LIST () \"\" \"R&D\"") else { panic!("a list") };
    assert_eq!((list.mailbox.as_str(), list.delimiter), ("R&D", None));
    assert_eq!(found, [Quirk::NilForString, Quirk::OddMailbox]);
    // What cannot be read at all is kept, and the session goes on.
    let (response, found) = quirks("* LIST nonsense");
    assert!(matches!(response, Response::Unknown(_)));
    assert_eq!(found, [Quirk::OddItem]);
    let (Response::Search(search), found) = quirks("* SEARCH 2  3 ") else { panic!("a search") };
    assert_eq!((search.numbers.count(), &found[..]), (2, &[Quirk::ExtraSpace, Quirk::ExtraSpace][..]));
    let (Response::Flags(flags), found) = quirks("* FLAGS (\\Seen \\ a%b)") else { panic!("flags") };
    assert_eq!((flags.len(), &found[..]), (1, &[Quirk::OddFlag, Quirk::OddFlag][..]));
    let (Response::Exists(3), found) = quirks("* 3 EXISTS messages") else { panic!("exists") };
    assert_eq!(found, [Quirk::Trailing]);
}

#[test]
fn one_quirk_can_be_forbidden() {
    let unit = Bytes::from_static(b"* 1 FETCH (RFC822.SIZE -1)");
    let without = |quirk| ResponseOptions { lenience: Lenience::all().without(quirk), utf8: false };
    // The number cannot be repaired, so the item is kept as it came; without that too it is an error.
    let parsed = Response::parse(&unit, &without(Quirk::OddNumber)).unwrap();
    assert_eq!(parsed.repairs[0].quirk, Quirk::OddItem);
    let options = ResponseOptions { lenience: Lenience::strict().with(Quirk::OddNumber), utf8: false };
    let Response::Fetch(row) = Response::parse(&unit, &options).unwrap().response else { panic!("a row") };
    assert_eq!(row.size(), Some(0));
    let error = Response::parse(&unit, &strict()).unwrap_err();
    assert_eq!(error.at(), 23);
}

#[test]
fn repairs_that_are_told_are_bounded() {
    let parsed = parse(format!("* 1 FETCH ({} UID 7)", "FLAGS ( ) ".repeat(10_000)));
    assert_eq!(parsed.repairs.len(), 64);
    let Response::Fetch(row) = parsed.response else { panic!("a row") };
    assert_eq!(row.uid(), Some(7));
    let _ = row.section(&Section::default());
}

#[test]
fn a_space_before_the_end_of_a_list() {
    for unit in [
        "* FLAGS (\\Seen )",
        "* 1 FETCH (UID 7 )",
        "* 1 FETCH (FLAGS (\\Seen ))",
        "* STATUS INBOX (MESSAGES 1 )",
        "* LIST (\\Noselect ) \"/\" x",
        "* ID (\"name\" \"x\" )",
        "* QUOTA \"\" (STORAGE 1 2 )",
        "* 1 FETCH (BODYSTRUCTURE (\"TEXT\" \"PLAIN\" (\"a\" \"b\" ) NIL NIL \"7BIT\" 1 1 NIL NIL NIL NIL ))",
    ] {
        let (response, quirks) = quirks(unit);
        assert!(!matches!(response, Response::Unknown(_)), "{unit}");
        assert!(
            !quirks.is_empty() && quirks.iter().all(|quirk| *quirk == Quirk::ExtraSpace),
            "{unit}: {quirks:?}"
        );
        assert!(Response::parse(&Bytes::from(unit), &strict()).is_err(), "{unit}");
    }
}

#[test]
fn results_that_end_in_something_else_are_not_cut_short() {
    for unit in ["* SEARCH 1 two 3", "* SORT 1 2 x", "* VANISHED 1:3 x", "* ESEARCH (TAG \"a\") ALL 1:2) 5"] {
        let parsed =
            Response::parse(&Bytes::copy_from_slice(unit.as_bytes()), &ResponseOptions::default()).unwrap();
        assert!(matches!(parsed.response, Response::Unknown(_)), "{unit}: {parsed:?}");
        assert!(!parsed.repairs.is_empty());
    }
    let spaces = Bytes::from_static(b"* SEARCH 1 2  ");
    assert!(matches!(
        Response::parse(&spaces, &ResponseOptions::default()).unwrap().response,
        Response::Search(_)
    ));
}
