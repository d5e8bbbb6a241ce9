//! A value read in every form; what is read exactly can be written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postroad_message::{AddressList, Message, base_subject, html_to_text, text_to_html, unflow};

fuzz_target!(|value: &[u8]| {
    let octets = [b"X: ", value].concat();
    let message = Message::parse(&octets);
    for field in message.header().fields() {
        field.text();
        field.date().ok();
        field.message_ids();
        field.content_type();
        field.content_disposition();
        field.transfer_encoding();
        field.trace();
        field.authentication_results();
        field.uris();
        field.list_id();
        field.phrases();
        field.first_mailbox();
    }
    let list = AddressList::read(value);
    for mailbox in list.mailboxes() {
        let shown = mailbox.address().to_string();
        assert_eq!(shown.parse().as_ref(), Ok(mailbox.address()), "{shown}");
    }
    let text = String::from_utf8_lossy(value);
    base_subject(&text);
    html_to_text(&text);
    text_to_html(&text);
    unflow(&text, true);
});
