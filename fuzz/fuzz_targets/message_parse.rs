//! Everything that can be read of a message, and that writing it back without a change changes nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postroad_message::{Edit, Message, Section, SectionText};

fuzz_target!(|octets: &[u8]| {
    let message = Message::parse(octets);
    message.examine();
    message.preview(200);
    message.bodies();
    message.delivery_status();
    message.disposition_notification();
    message.header().base_subject();
    message.header().thread_references();
    message.header().sent_date();
    message.envelope();
    assert_eq!(Edit::new(&message).to_vec(), octets);

    for part in message.parts() {
        assert_eq!(part.decoded_len(), part.body().len());
        let prefix = part.body_prefix(10);
        assert_eq!(prefix[..], part.body()[..prefix.len()]);
        part.plain_text();
        part.filename();
        part.content_id();
    }

    // Every node is one that the grammar of IMAP allows, and is found by its number.
    let structure = message.body_structure();
    let mut open = Vec::new();
    for node in structure.nodes() {
        while open.last() == Some(&0) {
            open.pop();
        }
        assert_eq!(node.depth, open.len());
        if let Some(left) = open.last_mut() {
            *left -= 1;
        }
        if node.is_multipart() {
            assert!(node.children > 0);
        } else if node.envelope.is_some() {
            assert_eq!(node.children, 1);
        }
        open.push(node.children);
    }
    let header = message.section(&Section::new(&[], SectionText::Header)).unwrap();
    let text = message.section(&Section::new(&[], SectionText::Text)).unwrap();
    assert_eq!([&header.of(octets)[..], &text.of(octets)[..]].concat(), octets);
    message.section(&Section::new(&[1, 1, 2], SectionText::HeaderFields(&[b"subject", b"from"])));
});
