//! What is built is read back as it was meant; what is printed is parsed again.

use postroad_message::{
    AddrSpec, Address, AddressList, ContentType, DateTime, Group, Mailbox, Message, MessageBuilder,
    PartBuilder, Target,
};
use proptest::prelude::*;

/// Text of all sorts without controls: words, spaces, specials, Korean, what looks like encoded words.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-zA-Z0-9]{1,12}",
        3 => Just(" ".to_owned()),
        1 => "[ -~]{1,20}",
        1 => Just("\t".to_owned()),
        2 => "[가-힣]{1,30}",
        1 => "\\PC{1,10}",
        1 => prop::sample::select(vec!["=?utf-8?q?a?=", "=?", "?=", "\"", "\\", ",", "<a@b>", "(", "%", "'", "*", "  "]).prop_map(str::to_owned),
        1 => "[a-z]{60,200}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn name() -> impl Strategy<Value = String> {
    text()
        .prop_map(|text| text.replace('\t', " "))
        .prop_filter("a name of blanks is none", |text| text.trim().len() == text.len())
}

fn address() -> impl Strategy<Value = AddrSpec> {
    let local = prop_oneof![3 => "[a-z0-9.+_-]{1,20}", 1 => "[ -~]{0,20}"];
    let domain = prop_oneof!["[a-z0-9]{1,8}(\\.[a-z0-9-]{1,8}){0,3}", Just("[IPv6:2001:db8::1]".to_owned())];
    (local, domain).prop_map(|(local, domain)| AddrSpec::new(&local, &domain).unwrap())
}

fn mailbox() -> impl Strategy<Value = Mailbox> {
    (name(), address()).prop_map(|(name, address)| Mailbox::new(&name, address).unwrap())
}

fn entry() -> impl Strategy<Value = Address> {
    let group = (
        name().prop_filter("a group has a name", |name| !name.is_empty()),
        prop::collection::vec(mailbox(), 0..3),
    )
        .prop_map(|(name, members)| Group::new(&name, members).unwrap());
    prop_oneof![3 => mailbox().prop_map(Address::from), 1 => group.prop_map(Address::from)]
}

/// A part with its content as it must arrive.
fn leaf() -> impl Strategy<Value = (PartBuilder, Vec<u8>)> {
    let octets = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        prop::collection::vec(prop::sample::select(&b"\r\n =.FromABC\t\0-\xec"[..]), 0..200),
        "[ -~\r\n]{0,200}".prop_map(String::into_bytes),
    ];
    (octets, prop::sample::select(vec!["text/plain", "application/octet-stream"]), name()).prop_map(
        |(octets, kind, filename)| (PartBuilder::octets(kind, octets.clone()).attachment(&filename), octets),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn headers(
        subject in text(),
        from in mailbox(),
        to in prop::collection::vec(entry(), 1..6),
        timestamp in 0_i64..4_000_000_000,
        offset in -720_i16..840,
        utf8 in any::<bool>(),
    ) {
        let date = DateTime::from_timestamp(timestamp, offset).unwrap();
        let mut builder = MessageBuilder::new().from(from.clone()).date(date).subject(&subject).utf8_headers(utf8);
        for entry in &to {
            builder = builder.to(entry.clone());
        }
        let octets = builder.build().unwrap();
        let message = Message::parse(&octets);
        prop_assert!(utf8 || octets.is_ascii());
        prop_assert_eq!(message.subject().unwrap(), subject.as_str());
        let authors = message.from();
        prop_assert_eq!(authors.addresses(), [Address::from(from)]);
        let list = message.to();
        prop_assert_eq!(list.addresses(), &to[..]);
        prop_assert_eq!(list.defects(), []);
        prop_assert_eq!(message.date(), Some(date));
        for line in octets.split(|&octet| octet == b'\n') {
            prop_assert!(line.len() <= 999);
            prop_assert!(line.len() <= 1 || !line.trim_ascii().is_empty(), "a line of white space");
        }
        prop_assert!(message.defects().is_empty(), "{:?}", message.defects());
    }

    #[test]
    fn parts(
        leaves in prop::collection::vec(leaf(), 1..4),
        text in text(),
        seed in any::<u128>(),
        eight_bit in any::<bool>(),
    ) {
        let target = if eight_bit { Target::EightBit } else { Target::SevenBit };
        let mut builder = MessageBuilder::new().waive_from().waive_date().waive_destination()
            .seed(seed).target(target).text(&text).html(&text);
        for (part, _) in &leaves {
            builder = builder.attach(part.clone());
        }
        let octets = builder.build().unwrap();
        let message = Message::parse(&octets);
        prop_assert!(eight_bit || octets.is_ascii());
        prop_assert_eq!(message.parts().count(), 4 + leaves.len());
        prop_assert_eq!(message.part("1.1").unwrap().text().unwrap(), text.as_str());
        for (number, (_, content)) in leaves.iter().enumerate() {
            let part = message.part(&(number + 2).to_string()).unwrap();
            prop_assert_eq!(&part.body()[..], &content[..]);
        }
        let defects: Vec<_> = message.examine().into_iter()
            .filter(|defect| !matches!(defect.code.as_str(), "missing-from" | "missing-date" | "missing-destination"))
            .collect();
        // Text that is labelled without a charset may hold anything.
        prop_assert!(defects.iter().all(|defect| defect.code.as_str() == "invalid-text"), "{:?}", defects);
    }

    #[test]
    fn file_names(filename in name()) {
        let octets = MessageBuilder::new().waive_from().waive_date().waive_destination()
            .body(PartBuilder::octets("application/octet-stream", "x\r\n").attachment(&filename))
            .build().unwrap();
        let message = Message::parse(&octets);
        let read = message.root().filename();
        prop_assert_eq!(read.unwrap_or_default(), filename);
        prop_assert_eq!(message.examine().len(), 3, "{:?}", message.examine());
        prop_assert!(octets.split(|&octet| octet == b'\n').all(|line| line.len() <= 79));
    }

    #[test]
    fn printed_addresses_are_parsed(entry in entry().prop_filter("encoded words are for the builder", |entry| !entry.to_string().contains("=?"))) {
        let printed = entry.to_string();
        let list = AddressList::read(printed.as_bytes());
        prop_assert_eq!(list.addresses(), [entry], "{}", printed);
    }

    #[test]
    fn printed_content_types_are_parsed(value in "[ -~]{0,30}".prop_filter("not decoded", |value| !value.contains("=?"))) {
        let printed = ContentType::new("text", "plain").unwrap().with_parameter("name", &value).unwrap();
        prop_assert_eq!(printed.to_string().parse::<ContentType>().unwrap(), printed);
    }

    #[test]
    fn any_value_is_read(value in prop::collection::vec(any::<u8>(), 0..100)) {
        // What is read is printed as something that is read as the same.
        for entry in AddressList::read(&value).addresses() {
            let printed = entry.to_string();
            if !printed.contains("=?") {
                let again = AddressList::read(printed.as_bytes());
                prop_assert_eq!(again.addresses(), std::slice::from_ref(entry), "{}", printed);
            }
        }
    }
}
