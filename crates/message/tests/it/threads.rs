//! What SORT and THREAD compare (RFC 5256).

use postroad_message::{Message, MessageId};

fn ids(header: &str) -> Vec<String> {
    let octets = format!("{header}\r\n\r\n");
    let message = Message::parse(octets.as_bytes());
    message.header().thread_references().iter().map(|id| id.as_str().to_owned()).collect()
}

#[test]
fn references_or_else_the_first_of_in_reply_to() {
    assert_eq!(ids("References: <a@b>\r\n <c@d>\r\nIn-Reply-To: <e@f>"), ["a@b", "c@d"]);
    assert_eq!(ids("In-Reply-To: <e@f> <g@h>"), ["e@f"]);
    assert_eq!(ids("References: none at all\r\nIn-Reply-To: Your message <e@f> of Monday"), ["e@f"]);
    assert!(ids("Subject: x").is_empty());
}

/// RFC 5256 section 3 names these two as the same.
#[test]
fn identifiers_are_normalized() {
    let normalized = |id: &str| id.parse::<MessageId>().map(|id| id.normalized().to_string());
    assert_eq!(ids("References: <\"01KF8JCEOCBS0045PS\"@xxx.yyy.com>"), ["01KF8JCEOCBS0045PS@xxx.yyy.com"]);
    assert_eq!(ids("References: <\"a b\"@c>"), ids("References: <\"a b\"@c>"));
    assert_eq!(normalized("<a@b>").unwrap(), "<a@b>");
    let message = Message::parse(b"Message-ID: <\"a.b\"@c>\r\n\r\n");
    assert_eq!(message.header().thread_id().unwrap().as_str(), "a.b@c");
}

#[test]
fn subjects_are_decoded_first() {
    let message = Message::parse(b"Subject: =?utf-8?Q?Re:_?=\r\n =?utf-8?B?7IK2?=\t x (fwd)\r\n\r\n");
    let base = message.header().base_subject();
    assert_eq!((base.text(), base.is_reply()), ("삶 x", true));
    assert_eq!(Message::parse(b"A: b\r\n\r\n").header().base_subject().text(), "");
}

/// RFC 5256 section 2.2.
#[test]
fn sent_dates() {
    let sent = |date: &str| {
        let octets = format!("Date: {date}\r\n\r\n");
        let date = Message::parse(octets.as_bytes()).header().sent_date()?;
        Some((date.timestamp(), date.year(), date.month(), date.day()))
    };
    assert_eq!(sent("31 Dec 2000 16:01:33 -0800"), Some((978_307_293, 2000, 12, 31)));
    assert_eq!(sent("1 Jan 2001 00:01:33 +0000"), Some((978_307_293, 2001, 1, 1)));
    // The zone, the time, or both cannot be read.
    assert_eq!(sent("Mon, 1 Jan 2001 00:01:33 +99x"), Some((978_307_293, 2001, 1, 1)));
    assert_eq!(sent("Mon, 1 Jan 2001 25:61:00 +0000"), Some((978_307_200, 2001, 1, 1)));
    assert_eq!(sent("1 Jan 2001"), Some((978_307_200, 2001, 1, 1)));
    assert_eq!(sent("31 Feb 2001 00:00 Z"), None);
    assert_eq!(sent("today"), None);
    assert_eq!(sent(""), None);
}
