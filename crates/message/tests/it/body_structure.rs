//! BODYSTRUCTURE of RFC 9051 section 7.5.2.

use postroad_message::{BodyNode, BodyParameter, Limits, Message};

use crate::envelope;

fn text(octets: Option<&[u8]>) -> String {
    octets.map_or_else(|| "NIL".into(), |octets| format!("{:?}", String::from_utf8_lossy(octets)))
}

fn parameters(list: &[BodyParameter<'_>]) -> String {
    if list.is_empty() {
        return "NIL".into();
    }
    let shown: Vec<String> = list
        .iter()
        .map(|parameter| format!("{} {}", text(Some(&parameter.attribute)), text(Some(&parameter.value))))
        .collect();
    format!("({})", shown.join(" "))
}

fn extensions(node: &BodyNode<'_>) -> String {
    let disposition = node.disposition.as_ref().map_or_else(
        || "NIL".into(),
        |found| format!("({} {})", text(Some(&found.disposition_type)), parameters(&found.parameters)),
    );
    let languages: Vec<String> = node.languages.iter().map(|tag| text(Some(tag))).collect();
    let languages = if languages.is_empty() { "NIL".into() } else { format!("({})", languages.join(" ")) };
    format!("{disposition} {languages} {}", text(node.location.as_deref()))
}

/// As IMAP shows it; with a stack of its own, since that is how it is meant to be used.
fn show(nodes: &[BodyNode<'_>]) -> String {
    let mut out = String::new();
    let mut open: Vec<(&BodyNode<'_>, usize)> = Vec::new();
    for node in nodes {
        assert_eq!(node.depth, open.len());
        out.push('(');
        if !node.is_multipart() {
            out.push_str(&format!(
                "{} {} {} {} {} {} {}",
                text(Some(&node.media_type)),
                text(Some(&node.subtype)),
                parameters(&node.parameters),
                text(node.content_id.as_deref()),
                text(node.description.as_deref()),
                text(Some(&node.transfer_encoding)),
                node.octets
            ));
            if let Some(found) = &node.envelope {
                out.push_str(&format!(" ({}) ", envelope::show(found)));
            }
        }
        open.push((node, node.children));
        while let Some(&mut (node, ref mut left)) = open.last_mut() {
            if *left > 0 {
                *left -= 1;
                break;
            }
            if node.is_multipart() {
                out.push_str(&format!(" {} {}", text(Some(&node.subtype)), parameters(&node.parameters)));
            } else {
                if let Some(lines) = node.lines {
                    out.push_str(&format!(" {lines}"));
                }
                out.push_str(&format!(" {}", text(node.md5.as_deref())));
            }
            out.push_str(&format!(" {})", extensions(node)));
            open.pop();
        }
    }
    assert!(open.is_empty());
    out
}

fn structure_of(message: &str) -> String {
    show(Message::parse(message.as_bytes()).body_structure().nodes())
}

const PLAIN: &str = "\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\"";
const NILS: &str = "NIL NIL NIL NIL";

#[test]
fn a_message_without_mime() {
    assert_eq!(structure_of("Subject: x\r\n\r\na\r\nb\r\n"), format!("({PLAIN} 6 2 {NILS})"));
    // Without a last line end, with LF alone, empty, and without a body.
    assert_eq!(structure_of("Subject: x\r\n\r\na\r\nb"), format!("({PLAIN} 4 1 {NILS})"));
    assert_eq!(structure_of("Subject: x\n\na\nb\n"), format!("({PLAIN} 4 2 {NILS})"));
    assert_eq!(structure_of("Subject: x\r\n\r\n"), format!("({PLAIN} 0 0 {NILS})"));
    assert_eq!(structure_of("Subject: x\r\n"), format!("({PLAIN} 0 0 {NILS})"));
    assert_eq!(structure_of("Subject: x"), format!("({PLAIN} 0 0 {NILS})"));
    assert_eq!(structure_of(""), format!("({PLAIN} 0 0 {NILS})"));
}

/// The two examples of RFC 9051 section 7.5.2, with the sizes of bodies of our own.
#[test]
fn the_examples_of_rfc_9051() {
    let body = "x".repeat(45) + "\r\n";
    let text = body.repeat(48);
    assert_eq!(
        structure_of(&format!("Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\n{text}")),
        format!("(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7bit\" {} 48 {NILS})", text.len())
    );
    let message = format!(
        "MIME-Version: 1.0\r\nContent-Type: MULTIPART/MIXED; BOUNDARY=\"=_\"\r\n\r\npreamble\r\n\
         --=_\r\nContent-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\n{text}\r\n\
         --=_\r\nContent-Type: TEXT/PLAIN; CHARSET=US-ASCII; NAME=cc.diff\r\n\
         Content-ID: <960723163407.20117h@cac.washington.edu>\r\n\
         Content-Description: Compiler diff\r\nContent-Transfer-Encoding: BASE64\r\n\r\n\
         MTIz\r\nNDU2\r\n\r\n--=_--\r\n"
    );
    assert_eq!(
        structure_of(&message),
        format!(
            "((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7bit\" {} 48 {NILS})\
             (\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\" \"NAME\" \"cc.diff\") \
             \"<960723163407.20117h@cac.washington.edu>\" \"Compiler diff\" \"base64\" 12 2 {NILS}) \
             \"MIXED\" (\"BOUNDARY\" \"=_\") NIL NIL NIL)",
            text.len()
        )
    );
}

#[test]
fn a_message_in_a_multipart() {
    let inner = "From: a@b\r\nSubject: inner\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n\
        --i\r\n\r\none\r\ntwo\r\n--i\r\nContent-Type: text/html\r\n\r\n<p>\r\n--i--\r\n";
    let message = format!(
        "Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n\r\nHello\r\n\
         --o\r\nContent-Type: message/rfc822\r\n\r\n{inner}\r\n--o--\r\n"
    );
    let lines = inner.matches('\n').count();
    assert_eq!(
        structure_of(&message),
        format!(
            "(({PLAIN} 5 0 {NILS})\
             (\"message\" \"rfc822\" NIL NIL NIL \"7bit\" {} (NIL \"inner\" ((NIL NIL \"a\" \"b\")) \
             ((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\")) NIL NIL NIL NIL NIL) \
             (({PLAIN} 8 1 {NILS})(\"text\" \"html\" NIL NIL NIL \"7bit\" 3 0 {NILS}) \"alternative\" \
             (\"boundary\" \"i\") NIL NIL NIL) {lines} {NILS}) \"mixed\" (\"boundary\" \"o\") NIL NIL NIL)",
            inner.len()
        )
    );
}

#[test]
fn parts_of_a_digest_are_messages() {
    let nil_envelope = "(NIL \"a\" NIL NIL NIL NIL NIL NIL NIL NIL)";
    assert_eq!(
        structure_of(
            "Content-Type: multipart/digest; boundary=d\r\n\r\n--d\r\n\r\nSubject: a\r\n\r\nHi\r\n--d--\r\n"
        ),
        format!(
            "((\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 16 {nil_envelope} ({PLAIN} 2 0 {NILS}) 2 {NILS}) \
             \"digest\" (\"boundary\" \"d\") NIL NIL NIL)"
        )
    );
}

#[test]
fn all_the_fields_of_a_part() {
    assert_eq!(
        structure_of(
            "Content-Type: image/png (a) ; name=\"a \\\"b\\\".png\"\r\nContent-ID: <x@y>\r\n\
             Content-Description: =?utf-8?Q?caf=C3=A9?=\r\n more\r\nContent-Transfer-Encoding: (x) BASE64\r\n\
             Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==\r\nContent-Language: en, de (German) ,ko\r\n\
             Content-Location: http://a.example/\r\n b.png\r\n\
             Content-Disposition: ATTACHMENT; filename=a.png; size=3\r\n\r\nMTIz\r\n"
        ),
        "(\"image\" \"png\" (\"name\" \"a \\\"b\\\".png\") \"<x@y>\" \"=?utf-8?Q?caf=C3=A9?= more\" \"base64\" 6 \
         \"Q2hlY2sgSW50ZWdyaXR5IQ==\" (\"ATTACHMENT\" (\"filename\" \"a.png\" \"size\" \"3\")) (\"en\" \"de\" \"ko\") \
         \"http://a.example/b.png\")"
    );
    // A multipart has extension data too; a disposition may stand alone.
    assert_eq!(
        structure_of(
            "Content-Type: multipart/mixed; boundary=b\r\nContent-Disposition: inline\r\nContent-Language: en\r\n\r\n\
             --b\r\n\r\n--b--"
        ),
        format!("(({PLAIN} 0 0 {NILS}) \"mixed\" (\"boundary\" \"b\") (\"inline\" NIL) (\"en\") NIL)")
    );
}

#[test]
fn continuations_are_put_together() {
    let shown = |parameters: &str| {
        let message = format!("Content-Type: a/b; {parameters}\r\n\r\n");
        let shown = structure_of(&message);
        shown.strip_prefix("(\"a\" \"b\" ").unwrap().split(" NIL NIL \"7bit\"").next().unwrap().to_owned()
    };
    assert_eq!(shown("n*0=ab; n*1=\"c d\""), "(\"n\" \"abc d\")");
    assert_eq!(shown("n*1=b; N*0=a; n*3=d"), "(\"n\" \"ab\")");
    assert_eq!(shown("n*=utf-8'ko'%ec%82%b6"), "(\"n*\" \"utf-8'ko'%ec%82%b6\")");
    assert_eq!(shown("n*0*=utf-8''%ec; n*1*=%82%b6; n*2=\"%'\""), "(\"n*\" \"utf-8''%ec%82%b6%25%27\")");
    assert_eq!(shown("n*0=a; n*1*=%41"), "(\"n*\" \"''a%41\")");
    assert_eq!(shown("n=plain; n*=utf-8''ext; n=again; n*=utf-8''more"), {
        "(\"n\" \"plain\" \"n*\" \"utf-8''ext\")"
    });
    assert_eq!(shown("n*1=b"), "NIL");
    let flood: String = (0..100_000).map(|number| format!("p{number}=v;")).collect();
    assert_eq!(shown(&flood).matches("\"v\"").count(), 128);
}

#[test]
fn the_text_of_parameters() {
    let text = |parameter: &str| {
        let message = format!("Content-Type: a/b; {parameter}\r\n\r\n");
        let message = Message::parse(message.as_bytes());
        message.body_structure().nodes()[0].parameters[0].text().into_owned()
    };
    assert_eq!(text("n*0*=euc-kr''%bb%ee; n*1=x"), "삶x");
    assert_eq!(text("n*0=a; n*1*=%41"), "aA");
    assert_eq!(text("n=%41"), "%41");
}

/// What clients have choked on: each is a body that the grammar allows.
#[test]
fn structures_that_clients_choke_on() {
    let opaque = |parameters: &str, octets: usize| {
        format!("(\"application\" \"octet-stream\" {parameters} NIL NIL \"7bit\" {octets} {NILS})")
    };
    // A multipart with no parts: no boundary, one that never occurs, one that only ends.
    assert_eq!(structure_of("Content-Type: multipart/mixed\r\n\r\nabc\r\n"), opaque("NIL", 5));
    let boundary = "(\"boundary\" \"b\")";
    assert_eq!(structure_of("Content-Type: multipart/mixed; boundary=b\r\n\r\nabc"), opaque(boundary, 3));
    assert_eq!(
        structure_of("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b--\r\n"),
        opaque(boundary, 7)
    );
    assert_eq!(structure_of("Content-Type: multipart/mixed; boundary=b\r\n\r\n"), opaque(boundary, 0));
    // The header of a message alone, in a report.
    assert_eq!(
        structure_of(
            "Content-Type: message/rfc822\r\n\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n"
        ),
        format!(
            "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 51 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) {} 2 {NILS})",
            opaque(boundary, 0)
        )
    );
    // A type without a subtype, or none at all.
    assert_eq!(
        structure_of("Content-Type: X-ZIP; boundary=\"\"\r\n\r\nabc"),
        format!("({PLAIN} 3 0 {NILS})")
    );
    assert_eq!(structure_of("Content-Type:\r\n\r\nabc"), format!("({PLAIN} 3 0 {NILS})"));
    // A transfer encoding that is empty, or unknown.
    assert_eq!(
        structure_of("Content-Type: a/b\r\nContent-Transfer-Encoding:\r\n\r\n"),
        format!("(\"a\" \"b\" NIL NIL NIL \"7bit\" 0 {NILS})")
    );
    assert_eq!(
        structure_of("Content-Type: a/b\r\nContent-Transfer-Encoding: x-uuencode v2\r\n\r\n"),
        format!("(\"a\" \"b\" NIL NIL NIL \"x-uuencode v2\" 0 {NILS})")
    );
    // Only message/rfc822 and message/global have an envelope, and only if it can be given.
    assert_eq!(
        structure_of("Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; a\r\n"),
        format!("(\"message\" \"delivery-status\" NIL NIL NIL \"7bit\" 23 {NILS})")
    );
    for encoding in ["base64", "quoted-printable", "x-other"] {
        assert_eq!(
            structure_of(&format!(
                "Content-Type: message/rfc822; name=a.eml\r\nContent-Transfer-Encoding: {encoding}\r\n\r\nQTogYg0KDQo="
            )),
            format!(
                "(\"application\" \"octet-stream\" (\"name\" \"a.eml\") NIL NIL \"{encoding}\" 12 {NILS})"
            )
        );
    }
    assert!(
        structure_of("Content-Type: message/global\r\n\r\nSubject: 삶\r\n\r\n")
            .starts_with("(\"message\" \"global\" NIL NIL NIL \"7bit\" 16 (NIL \"삶\" ")
    );
    // Values with what no string of IMAP may hold.
    assert_eq!(
        structure_of("Content-Type: a/b; n=\"x\0y\"\r\nContent-ID: <\0>\r\n\r\n"),
        format!("(\"a\" \"b\" (\"n\" \"x y\") \"< >\" NIL \"7bit\" 0 {NILS})")
    );
}

#[test]
fn what_is_too_deep_is_opaque_and_said() {
    let mut message = String::new();
    for _ in 0..200 {
        message.push_str("Content-Type: message/rfc822\r\n\r\n");
    }
    let parsed = Message::parse(message.as_bytes());
    let structure = parsed.body_structure();
    assert!(structure.is_truncated());
    assert_eq!(structure.nodes().len(), 65);
    assert_eq!(structure.nodes()[64].media_type[..], b"application"[..]);
    show(structure.nodes());

    let mut message = String::from("Content-Type: multipart/mixed; boundary=b\r\n\r\n");
    message.push_str(&"--b\r\n\r\n".repeat(50));
    let mut limits = Limits::default();
    limits.parts = 20;
    let parsed = Message::parse_with(message.as_bytes(), &limits);
    let structure = parsed.body_structure();
    assert!(structure.is_truncated());
    assert_eq!((structure.nodes().len(), structure.nodes()[0].children), (20, 19));
    show(structure.nodes());
    assert!(!Message::parse(message.as_bytes()).body_structure().is_truncated());
}

proptest::proptest! {
    /// Whatever comes, the structure is one that the grammar allows, and BODY[…] is there for each of its parts.
    #[test]
    fn any_structure_can_be_written(message in "(Content-Type: (multipart/(mixed|digest); boundary=[ab]|message/rfc822|text/plain|x)\r\n|Content-Transfer-Encoding: (base64|7bit|x)\r\n|--[ab](--)?\r\n|\r\n|x\r?\n){0,40}") {
        let parsed = Message::parse(message.as_bytes());
        let structure = parsed.body_structure();
        show(structure.nodes());
        let nodes = structure.nodes();
        let parts: Vec<_> = parsed.parts().filter(|part| !part.is_in_encoded_message()).collect();
        proptest::prop_assert_eq!(nodes.len(), parts.len());
        for (node, part) in nodes.iter().zip(parts) {
            let number = part.number();
            let section = postroad_message::Section::new(number.numbers(), postroad_message::SectionText::Whole);
            if !number.numbers().is_empty() && !part.is_root() {
                proptest::prop_assert_eq!(parsed.section(&section).unwrap().len(), node.octets);
            }
            if let Some(lines) = node.lines {
                proptest::prop_assert_eq!(lines, memchr::memchr_iter(b'\n', part.raw_body()).count());
            }
        }
    }
}
