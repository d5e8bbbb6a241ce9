//! Mailbox names and patterns (RFC 3501 section 5.1.3, RFC 9051 sections 5.1 and 6.3.9).

use postroad_imap::types::{ListPattern, MailboxName};
use proptest::prelude::*;

#[test]
fn the_examples_of_the_rfc() {
    for (wire, name) in [
        ("~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"),
        ("Hello&AO8-", "Helloï"),
        ("A&-B", "A&B"),
        ("&-", "&"),
        ("&-&-", "&&"),
        ("&2D3eAA-", "\u{1f600}"),
        ("&AOQ-&-&AOQ-", "ä&ä"),
        ("Entw&APw-rfe", "Entwürfe"),
        ("", ""),
        ("&AH8-", "\u{7f}"),
        ("&AAk-", "\t"),
    ] {
        let read = MailboxName::from_wire(wire.as_bytes(), false).unwrap();
        assert_eq!(read.as_str(), name, "{wire}");
        assert_eq!(&*read.to_wire(false), wire.as_bytes(), "{name}");
        assert_eq!(&*read.to_wire(true), name.as_bytes());
    }
}

#[test]
fn what_has_a_second_spelling_or_none_is_refused() {
    for (wire, at) in [
        ("&", 1),
        ("&AOk", 4),
        ("a&Jjo!", 6),
        ("&Jjo!-", 4),
        ("&U,BTFw-&ZeVnLIqe-", 8), // two runs where one would do
        ("&AGE-", 3),              // an a
        ("&ACY-", 3),              // an ampersand
        ("&AA-", 3),               // half a character
        ("&AOkA-", 5),             // bits left over
        ("&AOl-", 4),              // the last bits are not zero
        ("&2D3-", 4),              // half a pair
        ("&2D0-", 4),
        ("&3gDYPQ-", 3), // the wrong order
        ("&2D0AQQ-", 5),
        ("&AA0ACg-", 3), // CR LF would end a line
        ("&AAA-", 0),    // NUL
        ("&AGEAYg-", 3),
        ("Entw\u{fc}rfe", 4),
        ("a\tb", 1),
        ("a\x7fb", 1),
        ("&A/k-", 2), // the slash of plain base64
        ("&AOk=-", 4),
    ] {
        let error = MailboxName::from_wire(wire.as_bytes(), false).unwrap_err();
        if !matches!(wire, "&AA0ACg-" | "&AAA-" | "&2D0AQQ-" | "&AA-") {
            assert_eq!(error.at(), at, "{wire}: {error}");
        }
    }
    for wire in [&b"a\xff"[..], b"a\r\nb", b"\0"] {
        assert!(MailboxName::from_wire(wire, true).is_err());
    }
    assert!(MailboxName::new("a\nb").is_err());
}

#[test]
fn a_server_knows_its_own_spelling_again() {
    for (wire, shown) in [
        (&b"R&D"[..], "R&D"),
        (b"&Jjo!", "&Jjo!"),
        ("Entwürfe".as_bytes(), "Entwürfe"),
        (b"Entw\xfcrfe", "Entw\u{fffd}rfe"),
        (b"&AGE-", "&AGE-"),
    ] {
        let (name, repaired) = MailboxName::from_wire_lenient(wire, false).unwrap();
        assert!(repaired);
        assert_eq!(name.as_str(), shown);
        assert_eq!(&*name.to_wire(false), wire);
        assert_ne!(Some(name), MailboxName::new(shown).ok(), "two spellings are two mailboxes");
    }
    let (name, repaired) = MailboxName::from_wire_lenient(b"R&-D", false).unwrap();
    assert_eq!((name.as_str(), repaired), ("R&D", false));
    for wire in [&b"a\r\nb&"[..], b"\0&"] {
        assert!(MailboxName::from_wire_lenient(wire, false).is_err());
    }
    let odd = MailboxName::from_wire_lenient(b"a\xff", true).unwrap();
    assert!(odd.1);
    assert_eq!(&*odd.0.to_wire(true), b"a\xff");
}

#[test]
fn a_long_hostile_name_costs_linear_time() {
    let hostile = [b"&".repeat(1_000_000), b"&-".repeat(500_000), b"&AOk-".repeat(200_000), b"&".to_vec()];
    let started = std::time::Instant::now();
    for wire in hostile {
        let _ = MailboxName::from_wire(&wire, false);
    }
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}

#[test]
fn inbox_is_one_mailbox() {
    for text in ["INBOX", "inbox", "InBoX"] {
        assert_eq!(MailboxName::new(text).unwrap(), MailboxName::inbox());
        assert_eq!(MailboxName::from_wire(text.as_bytes(), false).unwrap().as_str(), "INBOX");
    }
    assert!(!MailboxName::new("inbox/x").unwrap().is_inbox());
}

fn matches(pattern: &str, name: &str, delimiter: Option<char>) -> bool {
    ListPattern::new(pattern).unwrap().matches(&MailboxName::new(name).unwrap(), delimiter)
}

#[test]
fn wildcards() {
    for (pattern, name, expected) in [
        ("*", "a/b/c", true),
        ("%", "a", true),
        ("%", "a/b", false),
        ("%/%", "a/b", true),
        ("a/%", "a/b/c", false),
        ("a*c", "a/b/c", true),
        ("a*c", "a/b/cd", false),
        ("*%", "a/b", true),
        ("%*", "a/b", true),
        ("%%", "a/b", false),
        ("*/b", "a/b/b", true),
        ("", "", true),
        ("", "a", false),
        ("%", "", true),
        ("inbox", "INBOX", true),
        ("InB%", "INBOX", true),
        ("foo", "FOO", false),
        ("*ü%", "xü", true),
    ] {
        assert_eq!(matches(pattern, name, Some('/')), expected, "{pattern} {name}");
    }
    assert!(matches("%", "a/b", None));
    assert!(matches("%", "a/b", Some('.')));
}

#[test]
fn no_pattern_blows_up() {
    let name = "a".repeat(500);
    let started = std::time::Instant::now();
    for pattern in ["*a".repeat(30_000), "%a%b".repeat(10_000), "*a".repeat(249) + "b", "*%".repeat(50_000)] {
        let _ = matches(&pattern, &name, Some('/'));
    }
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}

/// The meaning of a pattern, in the plainest way: exponential, so for small ones only.
fn meaning(pattern: &[char], name: &[char]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some(('*', rest)) => (0..=name.len()).any(|at| meaning(rest, &name[at..])),
        Some(('%', rest)) => (0..=name.len())
            .take_while(|&at| at == 0 || name[at - 1] != '/')
            .any(|at| meaning(rest, &name[at..])),
        Some((one, rest)) => name.first() == Some(one) && meaning(rest, &name[1..]),
    }
}

proptest! {
    #[test]
    fn a_pattern_means_what_it_says(pattern in "[ab/%*]{0,7}", name in "[ab/]{0,8}") {
        let characters = |text: &str| text.chars().collect::<Vec<_>>();
        prop_assert_eq!(
            matches(&pattern, &name, Some('/')),
            meaning(&characters(&pattern), &characters(&name))
        );
    }

    #[test]
    fn every_name_has_one_spelling(name in any::<String>()) {
        let Ok(name) = MailboxName::new(name) else { return Ok(()) };
        for utf8 in [false, true] {
            prop_assert_eq!(&MailboxName::from_wire(&name.to_wire(utf8), utf8).unwrap(), &name);
        }
        prop_assert!(name.to_wire(false).iter().all(|octet| (0x20..0x7f).contains(octet)));
    }

    #[test]
    fn what_is_read_is_printed_the_same(wire in "[&A-Za-c0-9+,/~ -]{0,16}") {
        if let Ok(name) = MailboxName::from_wire(wire.as_bytes(), false) {
            if !name.is_inbox() {
                prop_assert_eq!(&*name.to_wire(false), wire.as_bytes());
            }
        }
    }

    #[test]
    fn octets_never_panic(wire in prop::collection::vec(any::<u8>(), 0..32), utf8 in any::<bool>()) {
        let _ = MailboxName::from_wire(&wire, utf8);
        let _ = ListPattern::from_wire(&wire, utf8);
    }
}
