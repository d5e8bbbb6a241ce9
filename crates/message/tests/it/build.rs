//! Building: what comes out, and what never does.

use postroad_message::{
    AddrSpec, BuildError, ContentDisposition, ContentType, DateTime, FieldName, FieldValue, Group, Mailbox,
    Message, MessageBuilder, MessageId, PartBuilder, Received, Severity, Target, TransferEncoding,
    return_path,
};

fn date() -> DateTime {
    DateTime::from_timestamp(1_795_392_000, 540).unwrap()
}

/// A message that lacks nothing.
fn whole() -> MessageBuilder {
    MessageBuilder::new().from("alice@crepes.fr").to("bob@hamburger.edu").date(date())
}

fn lines(octets: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(octets).split("\r\n").map(str::to_owned).collect()
}

/// What every built message must be.
fn check(octets: &[u8], target: Target) {
    check_octets(octets, target);
    let defects = Message::parse(octets).examine();
    assert!(defects.iter().all(|defect| defect.severity == Severity::Note), "{defects:?}");
}

/// The same where the content that was given has defects of its own.
fn check_octets(octets: &[u8], target: Target) {
    assert!(octets.ends_with(b"\r\n"));
    for (at, &octet) in octets.iter().enumerate() {
        match octet {
            0 => panic!("NUL"),
            b'\r' => assert_eq!(octets.get(at + 1), Some(&b'\n'), "bare CR at {at}"),
            b'\n' => assert_eq!(octets.get(at - 1), Some(&b'\r'), "bare LF at {at}"),
            0x80.. => assert_eq!(target, Target::EightBit),
            _ => {}
        }
    }
    assert!(lines(octets).iter().all(|line| line.len() <= 998));
    assert_eq!(Message::parse(octets).defects(), []);
}

#[test]
fn author_date_and_destination_are_required() {
    let none = MessageBuilder::new();
    assert_eq!(none.clone().build(), Err(BuildError::MissingFrom));
    let none = none.waive_from();
    assert_eq!(none.clone().build(), Err(BuildError::MissingDate));
    let none = none.waive_date();
    assert_eq!(none.clone().build(), Err(BuildError::MissingDestination));
    assert!(none.waive_destination().build().is_ok());
    assert_eq!(whole().from("eve@example.org").build(), Err(BuildError::MissingSender));
    assert!(whole().from("eve@example.org").sender("alice@crepes.fr").build().is_ok());
    assert_eq!(whole().message_id_at("crepes.fr").build(), Err(BuildError::MissingSeed));
}

/// CR, LF and NUL through every argument that there is.
#[test]
fn nothing_is_injected() {
    let evil = [
        "x\r\nBcc: eve@example.org",
        "x\nBcc: eve@example.org",
        "x\rBcc: eve@example.org",
        "x\0y",
        "a@b>\r\nBcc: <e@f",
        "a@b.c>, <e@f",
    ];
    for text in evil {
        let refused = |builder: MessageBuilder| assert!(builder.build().is_err(), "{text:?}");
        refused(whole().from(text).sender("a@b"));
        refused(whole().sender(text));
        refused(whole().reply_to(text));
        refused(whole().to(text));
        refused(whole().cc(text));
        refused(whole().bcc(text));
        refused(whole().message_id(text));
        refused(whole().seed(1).message_id_at(text));
        refused(whole().in_reply_to(text));
        refused(whole().reference(text));
        refused(whole().field(text, "x"));
        refused(whole().body(PartBuilder::octets(text, "x")));
        refused(whole().body(PartBuilder::verbatim(text, "x")));
        refused(whole().body(PartBuilder::multipart(text, vec![PartBuilder::text("x")])));
        refused(whole().body(PartBuilder::text("x").content_parameter(text, "x")));
        refused(whole().body(PartBuilder::text("x").content_id(text)));
        refused(whole().body(PartBuilder::text("x").field(text, "x")));
        assert!(FieldName::new(text).is_err());
        assert!(MessageId::new(text).is_err());
        assert!(AddrSpec::new("x", text).is_err());
        assert!(ContentType::new(text, "x").is_err() && ContentType::new("x", text).is_err());
        assert!(text.parse::<ContentType>().is_err());
        assert!(ContentDisposition::attachment().with_parameter(text, "x").is_err());
        assert!(Received::new(text, date()).to_bytes().is_err());
        assert!(Received::new("x", date()).from(text, None).to_bytes().is_err());
        assert!(Received::new("x", date()).from("y", None).client_name(text).to_bytes().is_err());
        assert!(Received::new("x", date()).via(text).to_bytes().is_err());
        assert!(Received::new("x", date()).with(text).to_bytes().is_err());
        assert!(Received::new("x", date()).id(text).to_bytes().is_err());
        if text.contains(['\r', '\n', '\0']) {
            refused(whole().subject(text));
            refused(whole().field("X-Test", text));
            refused(whole().body(PartBuilder::text("x").attachment(text)));
            refused(whole().body(PartBuilder::text("x").inline(text)));
            refused(whole().body(PartBuilder::text("x").description(text)));
            refused(whole().body(PartBuilder::text("x").content_parameter("x", text)));
            assert!(FieldValue::text(text).is_err() && FieldValue::structured(text).is_err());
            assert!(AddrSpec::new(text, "x").is_err());
            assert!(Mailbox::new(text, AddrSpec::new("a", "b").unwrap()).is_err());
            assert!(Group::new(text, vec![]).is_err());
            assert!(ContentDisposition::attachment().with_filename(text).is_err());
            assert!(Received::new("x", date()).tls(text).to_bytes().is_err());
        }
    }
}

#[test]
fn the_fields_of_the_builder_are_its_own() {
    for name in ["from", "SUBJECT", "Content-Type", "content-transfer-encoding", "Bcc", "MIME-Version"] {
        assert!(whole().field(name, "x").build().is_err(), "{name}");
        assert!(whole().body(PartBuilder::text("x").field(name, "x")).build().is_err(), "{name}");
    }
}

/// Values that were read from a hostile message are safe to write.
#[test]
fn what_was_read_can_be_written() {
    let hostile = Message::parse(
        b"From: =?utf-8?q?a=0D=0ABcc:_e=00?= <a@b>\r\nMessage-ID: <a\r\n Bcc:b>\r\n\
          Content-Type: text/plain; name*=utf-8'x%0D'a%0D%0Ab%00; a*b=c\r\n\
          Content-Disposition: attachment; filename*=utf-8''a%0D%0ABcc:\r\n\r\n",
    );
    let author = hostile.from().mailboxes().next().unwrap().clone();
    let octets = whole()
        .reply_to(author)
        .in_reply_to(hostile.message_id().unwrap())
        .body(
            PartBuilder::octets(hostile.root().content_type(), "x")
                .disposition(hostile.root().disposition().unwrap()),
        )
        .build()
        .unwrap();
    check_octets(&octets, Target::SevenBit);
    assert!(Message::parse(&octets).header().field("Bcc").is_none());
}

#[test]
fn a_whole_message() {
    let builder = MessageBuilder::new()
        .from("Alice <alice@crepes.fr>")
        .sender("carol@crepes.fr")
        .reply_to("alice@crepes.fr")
        .to(Group::new("Friends", vec!["bob@hamburger.edu".parse().unwrap()]).unwrap())
        .cc("\"Dave D.\" <dave@hamburger.edu>")
        .bcc("eve@hamburger.edu")
        .date(date())
        .seed(7)
        .message_id_at("crepes.fr")
        .in_reply_to("1@hamburger.edu")
        .reference("0@hamburger.edu")
        .reference("1@hamburger.edu")
        .subject("Ketchup")
        .field("Auto-Submitted", FieldValue::structured("auto-generated").unwrap())
        .text("Hello\n");
    let recipients: Vec<String> = builder.recipients().map(ToString::to_string).collect();
    assert_eq!(recipients, ["bob@hamburger.edu", "dave@hamburger.edu", "eve@hamburger.edu"]);
    let octets = builder.clone().build().unwrap();
    check(&octets, Target::SevenBit);
    assert_eq!(
        String::from_utf8_lossy(&octets),
        "Date: Mon, 23 Nov 2026 09:00:00 +0900\r\n\
         From: Alice <alice@crepes.fr>\r\n\
         Sender: carol@crepes.fr\r\n\
         Reply-To: alice@crepes.fr\r\n\
         To: Friends: bob@hamburger.edu;\r\n\
         Cc: \"Dave D.\" <dave@hamburger.edu>\r\n\
         Message-ID: <6b038200.00000000000000000000000000000007@crepes.fr>\r\n\
         In-Reply-To: <1@hamburger.edu>\r\n\
         References: <0@hamburger.edu> <1@hamburger.edu>\r\n\
         Subject: Ketchup\r\n\
         Auto-Submitted: auto-generated\r\n\
         MIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\
         \r\n\
         Hello\r\n"
    );
    let with_bcc = builder.write_bcc(true).build().unwrap();
    assert_eq!(Message::parse(&with_bcc).header().bcc().addresses().len(), 1);
}

#[test]
fn lines_are_folded_at_78() {
    let mut builder = whole().subject(&"word ".repeat(60));
    for number in 0..30 {
        builder = builder.to(format!("Somebody Whose Name Is Long <recipient{number}@example.org>").as_str());
        builder = builder.reference(format!("identifier.{number}@example.org").as_str());
    }
    let octets = builder
        .cc(Mailbox::new("의미를 찾는 사람들 의미를 찾는 사람들", AddrSpec::new("a", "b").unwrap()).unwrap())
        .build()
        .unwrap();
    check(&octets, Target::SevenBit);
    for line in lines(&octets) {
        assert!(line.len() <= 78, "{line}");
        assert!(line.is_empty() || !line.trim().is_empty(), "a line of white space");
    }
    let message = Message::parse(&octets);
    assert_eq!(message.to().addresses().len(), 31);
    assert_eq!(message.header().references().len(), 30);
    assert_eq!(
        message.cc().mailboxes().next().unwrap().name(),
        Some("의미를 찾는 사람들 의미를 찾는 사람들")
    );
}

#[test]
fn lines_with_encoded_words_are_folded_at_76() {
    let subject = "삶의 의미를 찾아서 ".repeat(20);
    let octets = whole().subject(&subject).build().unwrap();
    check(&octets, Target::SevenBit);
    for line in lines(&octets).iter().filter(|line| line.contains("=?")) {
        assert!(line.len() <= 76, "{line}");
        assert!(line.split(' ').all(|word| word.len() <= 75));
    }
    assert_eq!(Message::parse(&octets).subject().unwrap(), subject);
}

#[test]
fn no_line_passes_998() {
    let long = "x".repeat(3000);
    let octets = whole()
        .subject(&long)
        .field("X-Spaces", format!("a{}b", " ".repeat(2000)).as_str())
        .text(&long)
        .build()
        .unwrap();
    check(&octets, Target::SevenBit);
    let message = Message::parse(&octets);
    assert_eq!(message.subject().unwrap(), long);
    assert_eq!(message.header().field("x-spaces").unwrap().text().len(), 2002);
    assert_eq!(message.root().text().unwrap(), format!("{long}\r\n"));
    let structured = FieldValue::structured(&long).unwrap();
    assert_eq!(whole().field("X-Long", structured).build(), Err(BuildError::LineTooLong("X-Long".into())));
    let address = AddrSpec::new(&long, "x").unwrap();
    assert!(matches!(whole().to(address).build(), Err(BuildError::LineTooLong(_))));
    let name = Mailbox::new(&long, AddrSpec::new("a", "b").unwrap()).unwrap();
    let octets = whole().cc(name).build().unwrap();
    assert_eq!(Message::parse(&octets).cc().mailboxes().next().unwrap().name(), Some(long.as_str()));
}

#[test]
fn addresses_outside_of_ascii_need_utf8_headers() {
    let builder = whole().to(AddrSpec::new("삶", "예.한국").unwrap());
    assert_eq!(builder.clone().build(), Err(BuildError::NeedsUtf8Headers));
    let octets = builder.utf8_headers(true).subject("삶의 의미").build().unwrap();
    let message = Message::parse(&octets);
    assert_eq!(message.to().mailboxes().nth(1).unwrap().address().to_string(), "삶@예.한국");
    assert_eq!(message.header().field("subject").unwrap().raw_value(), " 삶의 의미".as_bytes());
}

#[test]
fn file_names_of_any_kind() {
    for name in [
        "a.txt",
        "a b.txt",
        "카페.txt",
        "\"quoted\\\".txt",
        "=?utf-8?q?a?=",
        "it's 100%*.txt",
        " ",
        "한글 이름이 아주 길어서 여러 줄로 나누어 써야 하는 파일.txt",
    ] {
        let part = PartBuilder::octets("application/octet-stream", &b"\x00\xff"[..]).attachment(name);
        let octets = whole().text("x\n").attach(part).build().unwrap();
        check(&octets, Target::SevenBit);
        let message = Message::parse(&octets);
        assert_eq!(message.attachments()[0].filename().as_deref(), Some(name));
        assert_eq!(&message.attachments()[0].body()[..], b"\x00\xff");
        assert!(lines(&octets).iter().all(|line| line.len() <= 78));
    }
}

#[test]
fn the_tree_that_is_needed() {
    let essences = |builder: MessageBuilder| -> Vec<String> {
        let octets = builder.build().unwrap();
        check(&octets, Target::SevenBit);
        Message::parse(&octets).parts().map(|part| part.content_type().essence().to_owned()).collect()
    };
    let image = || PartBuilder::octets("image/png", &b"\x89"[..]).inline("").content_id("i@crepes.fr");
    let file = || PartBuilder::octets("application/pdf", &b"%"[..]);
    assert_eq!(essences(whole()), ["text/plain"]);
    assert_eq!(essences(whole().html("x")), ["text/html"]);
    assert_eq!(essences(whole().text("x").html("x")), ["multipart/alternative", "text/plain", "text/html"]);
    assert_eq!(
        essences(whole().text("x").attach(file())),
        ["multipart/mixed", "text/plain", "application/pdf"]
    );
    assert_eq!(
        essences(whole().text("x").html("x").inline(image()).attach(file())),
        [
            "multipart/mixed",
            "multipart/alternative",
            "text/plain",
            "multipart/related",
            "text/html",
            "image/png",
            "application/pdf"
        ]
    );
}

#[test]
fn the_target_decides_the_encoding() {
    let encoding = |target, text: &str| {
        let octets = whole().target(target).text(text).build().unwrap();
        check(&octets, target);
        let message = Message::parse(&octets);
        assert_eq!(message.root().text().unwrap(), text);
        message.root().transfer_encoding()
    };
    assert_eq!(encoding(Target::SevenBit, "plain\r\n"), TransferEncoding::SevenBit);
    assert_eq!(encoding(Target::SevenBit, "삶의 의미\r\n"), TransferEncoding::Base64);
    assert_eq!(encoding(Target::SevenBit, "un café au lait\r\n"), TransferEncoding::QuotedPrintable);
    assert_eq!(encoding(Target::EightBit, "삶의 의미\r\n"), TransferEncoding::EightBit);
    let octets = whole().target(Target::EightBit).text("삶\n").html("x").build().unwrap();
    check(&octets, Target::EightBit);
    assert_eq!(Message::parse(&octets).root().transfer_encoding(), TransferEncoding::EightBit);
}

/// `multipart/report`, as RFC 3464 section 2 asks for it.
#[test]
fn parts_that_must_not_be_encoded() {
    let original = b"Subject: original\r\n\r\n\xec\x82\xb6\r\n";
    let report = |last: PartBuilder| {
        let report = ContentType::new("multipart", "report").unwrap();
        let report = report.with_parameter("report-type", "delivery-status").unwrap();
        let status = "Reporting-MTA: dns; crepes.fr\r\n\r\nFinal-Recipient: rfc822; bob@hamburger.edu\r\nAction: failed\r\nStatus: 5.1.1\r\n";
        whole().body(PartBuilder::multipart(
            report,
            vec![
                PartBuilder::text("Sorry.\n"),
                PartBuilder::verbatim("message/delivery-status", status),
                last,
            ],
        ))
    };
    let returned = || PartBuilder::verbatim("message/rfc822", &original[..]);
    assert_eq!(report(returned()).build(), Err(BuildError::NeedsEightBit));
    let octets = report(returned()).target(Target::EightBit).build().unwrap();
    check_octets(&octets, Target::EightBit);
    let message = Message::parse(&octets);
    assert_eq!(message.root().content_type().parameter("report-type"), Some("delivery-status"));
    assert_eq!(message.part("3").unwrap().raw_body(), original);
    assert_eq!(message.part("3").unwrap().transfer_encoding(), TransferEncoding::EightBit);
    assert_eq!(message.part("3.1").unwrap().header().subject().unwrap(), "original");

    for binary in ["a\0b", "a\rb", "a\nb"] {
        let part = PartBuilder::verbatim("message/rfc822", binary);
        assert_eq!(report(part).target(Target::EightBit).build(), Err(BuildError::NeedsBinary));
    }
    let headers = PartBuilder::octets("text/rfc822-headers", &original[..]);
    check_octets(&report(headers).build().unwrap(), Target::SevenBit);
}

#[test]
fn boundaries_are_not_in_the_content() {
    let build =
        |text: &str| whole().seed(1).text(text).attach(PartBuilder::octets("text/x", "x")).build().unwrap();
    let first = build("x");
    assert_eq!(first, build("x"));
    assert_ne!(first, whole().seed(2).text("x").attach(PartBuilder::octets("text/x", "x")).build().unwrap());
    let boundary_of = |octets: &[u8]| {
        Message::parse(octets).root().content_type().parameter("boundary").unwrap().to_owned()
    };
    // A text that holds the boundary, and then the one that comes in its place.
    let mut text = String::from("x\n");
    for _ in 0..5 {
        let octets = build(&text);
        let boundary = boundary_of(&octets);
        assert!(!text.contains(&boundary));
        let message = Message::parse(&octets);
        assert_eq!(message.parts().count(), 3);
        assert_eq!(message.part("1").unwrap().text().unwrap(), text.replace('\n', "\r\n"));
        text.push_str(&format!("--{boundary}\n--{boundary}--\n"));
    }
    // The same builder's message in another one.
    let inner = build("x");
    let outer = whole()
        .seed(1)
        .body(PartBuilder::multipart(
            "multipart/mixed",
            vec![PartBuilder::verbatim("message/rfc822", inner.clone())],
        ))
        .build()
        .unwrap();
    assert_ne!(boundary_of(&inner), boundary_of(&outer));
    assert_eq!(Message::parse(&outer).part("1").unwrap().raw_body(), inner);
}

#[test]
fn a_multipart_has_parts_and_makes_its_own_boundary() {
    assert_eq!(
        whole().body(PartBuilder::multipart("multipart/mixed", vec![])).build(),
        Err(BuildError::EmptyMultipart)
    );
    assert!(whole().body(PartBuilder::octets("multipart/mixed; boundary=x", "--x--")).build().is_err());
    let part = PartBuilder::multipart("multipart/mixed; boundary=mine", vec![PartBuilder::text("x")]);
    let octets = whole().body(part).build().unwrap();
    assert_ne!(Message::parse(&octets).root().content_type().parameter("boundary"), Some("mine"));
    check(&octets, Target::SevenBit);
    // A refusal deep in the tree is the message's.
    let part = PartBuilder::multipart("multipart/mixed", vec![PartBuilder::text("x").attachment("a\r\nb")]);
    assert!(matches!(whole().body(part).build(), Err(BuildError::Invalid(_))));
}

#[test]
fn line_ends_of_every_kind() {
    for (text, expected) in [
        ("", ""),
        ("a", "a\r\n"),
        ("a\n", "a\r\n"),
        ("a\rb\r\nc\n\nd", "a\r\nb\r\nc\r\n\r\nd\r\n"),
        (".\nFrom me \n", ".\r\nFrom me \r\n"),
    ] {
        let octets = whole().text(text).build().unwrap();
        check(&octets, Target::SevenBit);
        assert_eq!(Message::parse(&octets).root().text().unwrap(), expected);
    }
}

#[test]
fn octets_arrive_as_they_are() {
    for octets in [&b""[..], b"x", b"a\nb", b"a\r\nb\r\n", b"\r\n", b"\0\xff\r", b" \t\r\n "] {
        let part = PartBuilder::octets("application/octet-stream", octets);
        let alone = whole().body(part.clone()).build().unwrap();
        check(&alone, Target::SevenBit);
        assert_eq!(&Message::parse(&alone).root().body()[..], octets);
        let attached = whole().text("x").attach(part).build().unwrap();
        check(&attached, Target::SevenBit);
        assert_eq!(&Message::parse(&attached).part("2").unwrap().body()[..], octets);
    }
}

#[test]
fn trace_fields_go_in_front() {
    let octets = whole().build().unwrap();
    let alice = "alice@crepes.fr".parse().unwrap();
    let received = Received::new("mail.hamburger.edu", date())
        .from("[192.0.2.1]", Some("2001:db8::1".parse().unwrap()))
        .client_name("mail.crepes.fr")
        .via("TCP")
        .with("ESMTPS")
        .tls("TLS 1.3 with cipher TLS_AES_256_GCM_SHA384")
        .id("4Xyz")
        .recipient("bob@hamburger.edu".parse().unwrap())
        .to_bytes()
        .unwrap();
    let whole = [return_path(Some(&alice)).unwrap(), received, octets.to_vec()].concat();
    check(&whole, Target::SevenBit);
    assert_eq!(
        lines(&whole)[..6],
        [
            "Return-Path: <alice@crepes.fr>",
            "Received: from [192.0.2.1] (mail.crepes.fr [IPv6:2001:db8::1])",
            " by mail.hamburger.edu via TCP with ESMTPS",
            " (TLS 1.3 with cipher TLS_AES_256_GCM_SHA384) id 4Xyz for <bob@hamburger.edu>;",
            " Mon, 23 Nov 2026 09:00:00 +0900",
            "Date: Mon, 23 Nov 2026 09:00:00 +0900",
        ]
    );
    assert_eq!(return_path(None).unwrap(), b"Return-Path: <>\r\n");
    assert!(Received::new("x y", date()).to_bytes().is_err());
    assert!(Received::new("x", date()).from("evil (", None).to_bytes().is_err());
    assert!(Received::new("x", date()).tls("a) evil (b").to_bytes().is_err());
}

#[test]
fn mailboxes_of_smtp() {
    let smtp = postroad_core::Mailbox::parse(r#""john doe"@example.com"#).unwrap();
    let address = AddrSpec::try_from(&smtp).unwrap();
    assert_eq!(address.local_part(), "john doe");
    assert_eq!(postroad_core::Mailbox::try_from(&address).unwrap(), smtp);
    let octets = whole().cc(&smtp).build().unwrap();
    assert_eq!(Message::parse(&octets).cc().mailboxes().next().unwrap().address(), &address);
}
