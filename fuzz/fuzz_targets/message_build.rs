//! What is built is read back as it was given, and no value adds a line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postroad_message::{DateTime, Message, MessageBuilder, PartBuilder, Target};

fuzz_target!(|input: (&str, &str, &str, &[u8], bool)| {
    let (subject, name, text, octets, eight_bit) = input;
    let target = if eight_bit { Target::EightBit } else { Target::SevenBit };
    let built = MessageBuilder::new()
        .from("alice@crepes.fr")
        .to("bob@hamburger.edu")
        .date(DateTime::from_timestamp(1_795_392_000, 540).unwrap())
        .subject(subject)
        .text(text)
        .target(target)
        .seed(1)
        .attach(PartBuilder::octets("application/octet-stream", octets.to_vec()).attachment(name))
        .build();
    let Ok(built) = built else { return };
    let message = Message::parse(&built);
    assert!(eight_bit || built.is_ascii());
    assert!(built.split(|&octet| octet == b'\n').all(|line| line.len() <= 999));
    let names: Vec<_> = message.header().fields().map(|field| field.name().into_owned()).collect();
    assert!(names.len() <= 7 && !names.iter().any(String::is_empty), "{names:?}");
    assert_eq!(message.part("2").unwrap().body()[..], *octets);
    assert_eq!(message.part("2").unwrap().filename().unwrap_or_default(), name);
    assert_eq!(message.header().single_author().unwrap().address().local_part(), "alice");
});
