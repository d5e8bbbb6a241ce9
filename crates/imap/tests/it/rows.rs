//! FETCH rows: read, written, streamed.

use crate::responses::{parse, strict};
use bytes::{Bytes, BytesMut};
use postroad_imap::response::{
    BodyDisposition, BodyKind, BodyPart, BodyStructure, Envelope, EnvelopeAddress, FetchRow, FetchRowParser,
    PartKind, Response, ResponseOptions, RowProgress, RowWriter, SectionValue,
};
use postroad_imap::types::{DateTime, Flag, ModSeq, Section};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn row(unit: impl Into<Bytes>) -> FetchRow {
    match parse(unit).response {
        Response::Fetch(row) => row,
        other => panic!("{other:?}"),
    }
}

fn strict_row(unit: impl Into<Bytes>) -> FetchRow {
    let unit = unit.into();
    match Response::parse(&unit, &strict()).map(|parsed| parsed.response) {
        Ok(Response::Fetch(row)) => row,
        other => panic!("{}: {other:?}", unit.escape_ascii()),
    }
}

fn octets() -> impl Strategy<Value = Bytes> {
    vec(1..=255_u8, 0..12).prop_map(Bytes::from)
}

fn address() -> impl Strategy<Value = EnvelopeAddress> {
    (option::of(octets()), option::of(octets()), option::of(octets()), option::of(octets()))
        .prop_map(|(name, route, mailbox, host)| EnvelopeAddress { name, route, mailbox, host })
}

fn envelope() -> impl Strategy<Value = Envelope> {
    let addresses = || vec(address(), 0..3);
    (
        (option::of(octets()), option::of(octets())),
        (addresses(), addresses(), addresses(), addresses(), addresses(), addresses()),
        (option::of(octets()), option::of(octets())),
    )
        .prop_map(
            |((date, subject), (from, sender, reply_to, to, cc, bcc), (in_reply_to, message_id))| Envelope {
                date,
                subject,
                from,
                sender,
                reply_to,
                to,
                cc,
                bcc,
                in_reply_to,
                message_id,
            },
        )
}

fn part() -> impl Strategy<Value = BodyPart> {
    let pairs = || vec((octets(), octets()), 0..3);
    (
        (0..4_u32, any::<u64>(), any::<u64>(), envelope()),
        (pairs(), option::of(octets()), option::of(octets()), octets()),
        (option::of(octets()), option::of((octets(), pairs())), vec(octets(), 0..3), option::of(octets())),
    )
        .prop_map(
            |(
                (kind, octets, lines, envelope),
                (parameters, id, description, encoding),
                (md5, disposition, language, location),
            )| {
                let (kind, media_type, subtype) = match kind {
                    0 => (BodyKind::Multipart, "", "ALTERNATIVE"),
                    1 => (BodyKind::Message { envelope: Box::new(envelope), lines }, "message", "rfc822"),
                    2 => (BodyKind::Text { lines }, "TEXT", "PLAIN"),
                    _ => (BodyKind::Basic, "APPLICATION", "X-\"odd\\"),
                };
                let multipart = kind == BodyKind::Multipart;
                let mut part = BodyPart::new(0, kind, media_type, subtype);
                (part.parameters, part.language, part.location) = (parameters, language, location);
                part.disposition = disposition.map(|(kind, parameters)| BodyDisposition { kind, parameters });
                if multipart {
                    part.encoding = Bytes::new();
                } else {
                    (part.id, part.description, part.encoding, part.md5) = (id, description, encoding, md5);
                    part.octets = octets;
                }
                part
            },
        )
}

/// Any parts, given the depths that make them a tree; a leaf at the end of each branch.
fn structure() -> impl Strategy<Value = BodyStructure> {
    (vec((part(), 0..5_u32), 1..12), any::<bool>()).prop_map(|(parts, _)| {
        let mut tree: Vec<BodyPart> = Vec::new();
        // The open parts that may take more.
        let mut open: Vec<(u32, bool)> = Vec::new();
        for (mut part, up) in parts {
            let must = open.last().is_some_and(|_| !tree.last().is_some_and(is_leaf));
            if !must {
                for _ in 0..up {
                    if open.len() > 1 {
                        open.pop();
                    }
                }
                while open.last().is_some_and(|(_, more)| !more) {
                    open.pop();
                }
            }
            match open.last_mut() {
                Some((depth, more)) => {
                    part.depth = *depth + 1;
                    if tree
                        .iter()
                        .rev()
                        .find(|p| p.depth == *depth)
                        .is_some_and(|p| p.kind != BodyKind::Multipart)
                    {
                        *more = false;
                    }
                }
                None if tree.is_empty() => part.depth = 0,
                None => break,
            }
            if !is_leaf(&part) {
                open.push((part.depth, true));
            }
            tree.push(part);
        }
        if let Some(last) = tree.last().filter(|last| !is_leaf(last)) {
            let depth = last.depth + 1;
            tree.push(BodyPart::new(depth, BodyKind::Text { lines: 0 }, "text", "plain"));
        }
        BodyStructure::new(tree).expect("a tree")
    })
}

fn is_leaf(part: &BodyPart) -> bool {
    matches!(part.kind, BodyKind::Text { .. } | BodyKind::Basic)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn envelopes_and_structures_are_read_as_written(envelope in envelope(), structure in structure(), utf8: bool) {
        let mut out = BytesMut::new();
        let mut writer = RowWriter::begin(&mut out, 7, utf8);
        writer.envelope(&mut out, &envelope);
        writer.body_structure(&mut out, &structure);
        writer.body(&mut out, &structure);
        writer.uid(&mut out, 70);
        writer.end(&mut out);
        let unit = out.freeze();
        let unit = unit.slice(..unit.len() - 2);
        let options = ResponseOptions { utf8, ..strict() };
        let parsed = Response::parse(&unit, &options).map_err(|e| TestCaseError::fail(format!("{e} in {}", unit.escape_ascii())))?;
        let Response::Fetch(row) = parsed.response else { panic!("a row") };
        prop_assert!(parsed.repairs.is_empty(), "{:?}", parsed.repairs);
        prop_assert_eq!(row.envelope().unwrap().to_envelope(), envelope);
        prop_assert_eq!(row.body_structure().unwrap().to_body_structure().unwrap(), structure);
        prop_assert_eq!(row.others().count(), 0);
        prop_assert_eq!(row.uid(), Some(70));
    }

    #[test]
    fn a_structure_without_extension_data_has_the_same_parts(structure in structure()) {
        let mut out = BytesMut::new();
        let mut writer = RowWriter::begin(&mut out, 7, false);
        writer.body(&mut out, &structure);
        writer.end(&mut out);
        let row = strict_row(out.freeze().slice_ref_line());
        let view = row.body_structure().unwrap();
        prop_assert!(!view.is_extended());
        let kinds: Vec<_> = view.parts().map(|part| (part.depth(), part.octets(), part.subtype().into_owned())).collect();
        let expected: Vec<_> = structure.parts().iter().map(|part| (part.depth, part.octets, part.subtype.to_vec())).collect();
        prop_assert_eq!(kinds, expected);
    }

    #[test]
    fn sections_are_read_as_written(value in option::of(vec(any::<u8>(), 0..30)), origin in option::of(any::<u32>()), name in 0..7_usize) {
        let name = ["", "HEADER", "TEXT", "1.2", "1.MIME", "2.HEADER.FIELDS (From To)", "HEADER.FIELDS.NOT (X-A)"][name];
        let section = Section::parse(name).unwrap();
        let origin = origin.map(u64::from);
        let mut out = BytesMut::new();
        let mut writer = RowWriter::begin(&mut out, 7, false);
        writer.section(&mut out, &section, origin, value.as_deref());
        writer.binary(&mut out, section.part(), origin, value.as_deref());
        writer.end(&mut out);
        let row = strict_row(out.freeze().slice_ref_line());
        let views: Vec<_> = row.sections().collect();
        prop_assert_eq!(views.len(), 2);
        prop_assert_eq!(views[0].section(), Some(section.clone()));
        prop_assert_eq!((views[0].origin(), views[1].origin()), (origin, origin));
        prop_assert_eq!((views[0].is_binary(), views[1].is_binary()), (false, true));
        let value = value.map(Bytes::from);
        prop_assert_eq!((views[0].octets(), views[1].octets()), (value.clone(), value.clone()));
        if origin.is_none() {
            prop_assert_eq!(row.section(&section), value.clone());
            prop_assert_eq!(row.binary(section.part()), value);
        }
    }
}

trait Line {
    fn slice_ref_line(&self) -> Bytes;
}

impl Line for Bytes {
    fn slice_ref_line(&self) -> Bytes {
        self.slice(..self.len() - 2)
    }
}

#[test]
fn every_item_is_read_as_written() {
    let date = DateTime::parse("17-Jul-1996 02:44:25 -0700").unwrap();
    let mut out = BytesMut::new();
    let mut writer = RowWriter::begin_uid(&mut out, 4_827_313, false);
    writer.flags(&mut out, &[Flag::Seen, Flag::parse("$Junk").unwrap()]);
    writer.internal_date(&mut out, date);
    writer.size(&mut out, 5_000_000_000);
    writer.mod_seq(&mut out, ModSeq::from(9));
    writer.binary_size(&mut out, Section::parse("1.2").unwrap().part(), 77);
    writer.preview(&mut out, Some("größe \"x\""));
    writer.email_id(&mut out, "M6d99\r\nac32");
    writer.thread_id(&mut out, None);
    writer.save_date(&mut out, Some(date));
    writer.rfc822(&mut out, &Section::parse("HEADER").unwrap(), b"A: b\r\n\r\n");
    writer.end(&mut out);
    let row = strict_row(out.freeze().slice_ref_line());
    assert!(row.is_by_uid());
    assert_eq!((row.number(), row.uid()), (4_827_313, Some(4_827_313)));
    assert_eq!(row.flags().unwrap().collect::<Vec<_>>(), [Flag::Seen, Flag::parse("$junk").unwrap()]);
    assert_eq!(row.internal_date(), Some(date));
    assert_eq!(row.size(), Some(5_000_000_000));
    assert_eq!(row.mod_seq(), Some(ModSeq::from(9)));
    assert_eq!(row.binary_size(Section::parse("1.2").unwrap().part()), Some(77));
    assert_eq!(row.preview().as_deref(), Some("größe \"x\"".as_bytes()));
    assert_eq!(row.email_id().as_deref(), Some(&b"M6d99ac32"[..]));
    assert_eq!(row.thread_id(), None);
    assert_eq!(row.save_date(), Some(date));
    assert_eq!(row.section(&Section::parse("HEADER").unwrap()).unwrap(), "A: b\r\n\r\n");
    assert_eq!(row.others().count(), 0);
}

#[test]
fn escapes_are_undone_and_octets_shared() {
    let unit =
        Bytes::from_static(br#"* 1 FETCH (BODY[TEXT] "plain" BODY[1] "a\"b\\c" BODY[2] "" BODY[3] NIL)"#);
    let row = strict_row(unit.clone());
    let values: Vec<_> = row.sections().map(|section| section.value()).collect();
    let octets = |text: &'static str| SectionValue::Octets(Bytes::from_static(text.as_bytes()));
    assert_eq!(values, [octets("plain"), octets("a\"b\\c"), octets(""), SectionValue::Nil]);
    let plain = row.sections().next().unwrap().octets().unwrap();
    assert!(unit.as_ptr_range().contains(&plain.as_ptr()), "without escapes nothing is copied");
}

#[test]
fn part_numbers_are_those_of_the_rfc() {
    // RFC 9051 section 6.4.5: a multipart in a message has no number of its own.
    let text = r#"("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1)"#;
    let envelope = "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)";
    let message = |body: &str| format!(r#"("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 9 {envelope} {body} 2)"#);
    let inner = format!(r#"({text}{text} "MIXED")"#);
    let structure = format!(r#"({text}{}({text}{} "MIXED") "MIXED")"#, message(&inner), message(text));
    let row = strict_row(format!("* 1 FETCH (BODY {structure})"));
    let view = row.body_structure().unwrap();
    let numbers: Vec<String> = view
        .parts()
        .map(|part| part.number().iter().map(ToString::to_string).collect::<Vec<_>>().join("."))
        .collect();
    assert_eq!(numbers, ["", "1", "2", "2", "2.1", "2.2", "3", "3.1", "3.2", "3.2.1"]);
    let fetchable: Vec<bool> = view.parts().map(|part| part.has_number()).collect();
    assert_eq!(fetchable, [false, true, true, false, true, true, true, true, true, true]);
    let message = view.part(Section::parse("2").unwrap().part()).unwrap();
    assert_eq!(message.kind(), PartKind::Message);
    assert!(message.envelope().is_some());
}

#[test]
fn a_row_in_pieces_is_the_row() {
    let options = ResponseOptions::default();
    let mut parser = FetchRowParser::new(&options, 1000);
    let head = b"* 3 FETCH (FLAGS (\\Seen) BODY[1.TEXT]<512> {1000000}";
    assert!(FetchRowParser::may_stream(head));
    let RowProgress::Body(body) = parser.push(head).unwrap() else { panic!("a body") };
    assert_eq!(body.section, Some(Section::parse("1.TEXT").unwrap()));
    assert_eq!((body.origin, body.binary, body.len), (Some(512), false, 1_000_000));
    assert_eq!((parser.number(), parser.uid()), (3, None));
    let RowProgress::Body(body) = parser.push(b" UID 30 BINARY[2] ~{5000000000}").unwrap() else {
        panic!("a body")
    };
    assert!(body.binary);
    assert_eq!((body.len, parser.uid()), (5_000_000_000, Some(30)));
    let RowProgress::Done { row, repairs } =
        parser.push(b" RFC822.SIZE 9 BODY[HEADER] {2}\r\n\r\n)").unwrap()
    else {
        panic!()
    };
    assert!(repairs.is_empty());
    assert_eq!((row.number(), row.uid(), row.size()), (3, Some(30), Some(9)));
    assert_eq!(row.flags().unwrap().count(), 1);
    let values: Vec<_> = row.sections().map(|section| section.value()).collect();
    assert_eq!(
        values,
        [
            SectionValue::Streamed(1_000_000),
            SectionValue::Streamed(5_000_000_000),
            SectionValue::Octets("\r\n".into())
        ]
    );
    assert_eq!(row.sections().next().unwrap().origin(), Some(512));
}

#[test]
fn a_streamed_literal_where_none_may_be_is_told_at_once() {
    // The session must not ask for that; if it does, it learns that the rest is to be skipped.
    let mut parser = FetchRowParser::new(&strict(), 1000);
    assert!(parser.push(b"* 3 FETCH (PREVIEW {5}").is_err());
    let mut parser = FetchRowParser::new(&ResponseOptions::default(), 1000);
    let progress = parser.push(b"* 3 FETCH (UID 30 ENVELOPE (NIL {5}").unwrap();
    let RowProgress::Done { row, repairs } = progress else { panic!("no body") };
    assert_eq!((row.uid(), repairs.is_empty()), (Some(30), false));
    // In a whole unit a header without its octets is no literal.
    let unit = Bytes::from_static(b"* 3 FETCH (UID 30 BODY[] {5}");
    assert!(Response::parse(&unit, &strict()).is_err());
    assert!(matches!(parse(unit).response, Response::Unknown(_)));
}

#[test]
fn only_bodies_may_be_streamed() {
    for head in [
        "* 3 FETCH (BODY[] {5}",
        "* 3 FETCH (UID 3 BODY[HEADER.FIELDS (From \"To\")] {5}",
        "* 3 fetch (RFC822.TEXT {5}",
        "* 3 UIDFETCH (BINARY[1]<0> ~{5}",
        "* 3 FETCH (BODY[1.2]<7> {5}",
    ] {
        assert!(FetchRowParser::may_stream(head.as_bytes()), "{head}");
    }
    for head in [
        "* 3 FETCH (ENVELOPE ({5}",
        "* 3 FETCH (PREVIEW {5}",
        "* LIST () \"/\" {5}",
        "* OK BODY[] {5}",
        "* 3 FETCH (X> {5}",
        "BODY[] {5}",
        "",
        "* 3 FETCH (BODYSTRUCTURE (\"TEXT\" {5}",
    ] {
        assert!(!FetchRowParser::may_stream(head.as_bytes()), "{head}");
    }
}

#[test]
fn pieces_of_a_row_have_a_limit() {
    let mut parser = FetchRowParser::new(&ResponseOptions::default(), 100);
    assert!(matches!(parser.push(b"* 3 FETCH (BODY[1] {10}"), Ok(RowProgress::Body(_))));
    let result = (0..10).map(|_| parser.push(b" BODY[1] {10}")).find_map(Result::err);
    assert!(result.unwrap().to_string().contains("longer than 100"));
}

#[test]
fn rows_are_read_in_linear_time() {
    // A structure of many parts, an envelope of many addresses, many sections: no part is looked at twice.
    let time = |count: usize| {
        let part = r#"("TEXT" "PLAIN" ("CHARSET" "UTF-8") NIL NIL "7BIT" 1 1)"#.repeat(count);
        let addresses = r#"("A" NIL "b" "c")"#.repeat(count);
        let sections = " BODY[1] \"x\"".repeat(count);
        let odd = " X-ODD (a (b)".repeat(8) + &" (".repeat(count);
        let unit = Bytes::from(format!(
            "* 1 FETCH (BODYSTRUCTURE ({part} \"MIXED\") ENVELOPE (NIL NIL ({addresses}) NIL NIL NIL NIL NIL NIL NIL){sections}{odd}"
        ));
        let best = (0..5).map(|_| {
            let start = std::time::Instant::now();
            let row = row(unit.clone());
            assert_eq!(row.body_structure().unwrap().parts().len(), count + 1);
            start.elapsed()
        });
        best.min().unwrap_or_default()
    };
    let (small, large) = (time(500), time(20_000));
    // Forty times as much; quadratic would be 1600 times.
    assert!(large < small * 400 + std::time::Duration::from_millis(50), "{small:?} {large:?}");
}

#[test]
fn an_item_with_an_odd_end_is_kept_once() {
    let row = row(Bytes::from_static(b"* 2 FETCH (X-ODD value\x01 UID 7 BODY[TEXT] \"a\"b FLAGS (\\Seen))"));
    assert_eq!(row.others().filter(|(name, _)| *name == b"X-ODD").count(), 1);
    assert_eq!(row.uid(), Some(7));
    let octets: usize = row.others().map(|(name, value)| name.len() + value.len()).sum();
    assert!(octets <= row.raw().len());
}

#[test]
fn flags_with_odd_spaces_between_them() {
    for list in [r"\Seen $Junk", r" \Seen $Junk", r"\Seen  $Junk", r"\Seen $Junk ", r"  \Seen   $Junk  "] {
        let row = row(Bytes::from(format!("* 2 FETCH (FLAGS ({list}) UID 7)")));
        assert_eq!(row.flag_names().unwrap().collect::<Vec<_>>(), [&b"\\Seen"[..], b"$Junk"], "{list:?}");
        assert_eq!(row.uid(), Some(7));
    }
    let row = row(Bytes::from_static(b"* 2 FETCH (FLAGS ())"));
    assert_eq!(row.flags().unwrap().count(), 0);
}
