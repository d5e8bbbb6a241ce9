//! The features that speak to other crates.

use postroad_message::{DateTime, Message};

const DATES: [&str; 4] = [
    "Mon, 23 Nov 2026 09:00:00 +0900",
    "Fri, 21 Nov 1997 09:55:06 -0600",
    "Sat, 01 Jan 2000 00:00:00 +0000",
    "Sun, 31 Dec 2000 23:59:59 +0530",
];

#[test]
fn dates_go_there_and_back() {
    for text in DATES {
        let date: DateTime = text.parse().unwrap();
        #[cfg(feature = "jiff")]
        {
            let zoned = jiff::Zoned::try_from(date).unwrap();
            assert_eq!(zoned.timestamp(), jiff::Timestamp::try_from(date).unwrap());
            assert_eq!((zoned.year(), zoned.hour()), (date.year().cast_signed(), date.hour().cast_signed()));
            assert_eq!(DateTime::try_from(&zoned).unwrap(), date);
        }
        #[cfg(feature = "chrono")]
        {
            let fixed = chrono::DateTime::<chrono::FixedOffset>::try_from(date).unwrap();
            assert_eq!(fixed.timestamp(), date.timestamp());
            assert_eq!(DateTime::try_from(fixed).unwrap(), date);
        }
        #[cfg(feature = "time")]
        {
            let offset = time::OffsetDateTime::try_from(date).unwrap();
            assert_eq!((offset.unix_timestamp(), offset.hour()), (date.timestamp(), date.hour()));
            assert_eq!(DateTime::try_from(offset).unwrap(), date);
        }
        assert_eq!(DateTime::from_timestamp(date.timestamp(), date.offset().unwrap()).unwrap(), date);
    }
}

#[cfg(feature = "serde")]
#[test]
fn values_as_json() {
    use postroad_message::{AddrSpec, MessageId};
    use serde_json::{from_value, json, to_value};
    let message = Message::parse(
        b"Date: 23 Nov 26 09:00 +0900\r\nFrom: A <a@b>\r\nTo: G: c@d;\r\nMessage-ID: <x@y>\r\n\
          Content-Type: text/html; charset=utf-8\r\nContent-Disposition: attachment; filename=a\r\n\r\n",
    );
    assert_eq!(to_value(message.date()).unwrap(), json!("2026-11-23T09:00:00+09:00"));
    assert_eq!(to_value(message.from().addresses()).unwrap(), json!([{"name": "A", "address": "a@b"}]));
    assert_eq!(
        to_value(message.to().addresses()).unwrap(),
        json!([{"group": "G", "members": [{"name": null, "address": "c@d"}]}])
    );
    assert_eq!(to_value(message.message_id()).unwrap(), json!("x@y"));
    assert_eq!(
        to_value(message.root().content_type()).unwrap(),
        json!({"type": "text/html", "parameters": [{"name": "charset", "value": "utf-8", "language": null}]})
    );
    assert_eq!(to_value(message.root().disposition()).unwrap()["type"], json!("attachment"));
    assert_eq!(to_value(message.root().transfer_encoding()).unwrap(), json!("7bit"));
    assert_eq!(
        to_value(message.examine()).unwrap(),
        json!([{"code": "obsolete-date", "offset": 5, "severity": "note", "related": null}])
    );
    assert_eq!(from_value::<AddrSpec>(json!("a@b")).unwrap().domain(), "b");
    assert_eq!(from_value::<MessageId>(json!("x@y")).unwrap().as_str(), "x@y");
    assert!(from_value::<AddrSpec>(json!("a@b>\r\nBcc: c")).is_err());
}

#[cfg(feature = "tokio-codec")]
#[test]
fn a_decoder_reads_a_message() {
    use postroad_message::{PushEvent, PushParser};
    use tokio_util::codec::Decoder as _;
    let mut parser = PushParser::new();
    let mut input = bytes::BytesMut::from(&b"A: b\r\n\r\nbody"[..]);
    let mut events = Vec::new();
    while let Some(event) = parser.decode(&mut input).unwrap() {
        events.push(event);
    }
    while let Some(event) = parser.decode_eof(&mut input).unwrap() {
        events.push(event);
    }
    assert!(matches!(&events[..], [PushEvent::Part(_), PushEvent::Body(_), PushEvent::End { .. }]));
}

#[test]
fn what_is_shared_between_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Message<'static>>();
    check::<postroad_message::PushParser>();
}
