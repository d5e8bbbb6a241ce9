//! Notices, as the sender reads them.

use crate::world::{START, hours, mailbox};
use postroad_core::Domain;
use postroad_message::Message;
use postroad_queue::{
    Diagnostic, LocalReason, Notice, Outcome, QueuedMessage, Recipient, RecipientState, Report, ReportConfig,
    Schedule, Status, UnixTime,
};
use proptest::prelude::*;

const ORIGINAL: &[u8] =
    b"From: alice@crepes.fr\r\nTo: bob@hamburger.edu\r\nSubject: Searching for the meaning of life.\r\n\
    Message-ID: <1@crepes.fr>\r\n\r\nDo you like ketchup?\r\nHow about pickles?\r\n";

fn config() -> ReportConfig {
    ReportConfig::new(Domain::parse("crepes.fr").unwrap())
}

fn outcome_for(outcome: Outcome) -> Report {
    let schedule = Schedule::default();
    let mut message =
        QueuedMessage::new("a1", Some(mailbox("alice@crepes.fr")), [mailbox("bob@hamburger.edu")], START);
    assert!(message.attempt_started(0, START));
    assert!(message.outcome(0, outcome, &schedule, START));
    report(message.take_notices(&schedule, hours(5)))
}

fn report(mut notices: Vec<Notice>) -> Report {
    match notices.pop() {
        Some(Notice::Failure(report) | Notice::Delay(report)) if notices.is_empty() => report,
        other => panic!("{other:?} {notices:?}"),
    }
}

/// A part of a `multipart/report`, read by RFC 2046 alone and not by the crate that wrote it.
struct Part {
    header: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Part {
    fn read(octets: &[u8]) -> Self {
        let end = octets.windows(4).position(|window| window == b"\r\n\r\n").expect("a header");
        Self { header: fields(&octets[..end + 2]), body: octets[end + 4..].to_vec() }
    }

    fn field(&self, name: &str) -> &str {
        field(&self.header, name).unwrap_or_else(|| panic!("no {name} in {:?}", self.header))
    }
}

fn field<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut found = fields.iter().filter(|(have, _)| have.eq_ignore_ascii_case(name));
    let value = found.next().map(|(_, value)| value.as_str());
    assert!(found.next().is_none(), "{name} stands twice in {fields:?}");
    value
}

/// Header fields, unfolded.
fn fields(octets: &[u8]) -> Vec<(String, String)> {
    let text = std::str::from_utf8(octets).unwrap().replace("\r\n ", " ").replace("\r\n\t", " ");
    text.split_terminator("\r\n")
        .map(|line| {
            let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("no field: {line:?}"));
            (name.to_owned(), value.trim().to_owned())
        })
        .collect()
}

fn read(message: &[u8]) -> (Part, Vec<Part>) {
    let whole = Part::read(message);
    assert!(message.ends_with(b"\r\n"));
    let text = String::from_utf8(whole.body.clone()).unwrap();
    for line in text.split("\r\n") {
        assert!(line.len() <= 998 && !line.contains(['\r', '\n', '\0']), "{line:?}");
    }
    let (_, boundary) = whole.field("Content-Type").split_once("boundary=\"").expect("a boundary");
    let delimiter = format!("\r\n--{}", boundary.trim_end_matches('"'));
    let text = format!("\r\n{text}");
    let mut pieces = text.split(&delimiter);
    assert_eq!(pieces.next(), Some(""));
    let mut pieces: Vec<&str> = pieces.collect();
    assert_eq!(pieces.pop(), Some("--\r\n"));
    let parts =
        pieces.iter().map(|piece| Part::read(piece.strip_prefix("\r\n").unwrap().as_bytes())).collect();
    (whole, parts)
}

/// The fields about the message, and those about each recipient (RFC 3464 section 2.1).
type DeliveryStatus = (Vec<(String, String)>, Vec<Vec<(String, String)>>);

fn delivery_status(part: &Part) -> DeliveryStatus {
    assert_eq!(part.field("Content-Type"), "message/delivery-status");
    let text = String::from_utf8(part.body.clone()).unwrap();
    let mut groups: Vec<_> =
        text.trim_end().split("\r\n\r\n").map(|group| fields(group.as_bytes())).collect();
    let of_message = groups.remove(0);
    assert!(field(&of_message, "Reporting-MTA").is_some());
    assert!(!groups.is_empty());
    for group in &groups {
        for required in ["Final-Recipient", "Action", "Status"] {
            assert!(field(group, required).is_some(), "{required} is missing in {group:?}");
        }
        const KNOWN: [&str; 9] = [
            "Original-Recipient",
            "Final-Recipient",
            "Action",
            "Status",
            "Remote-MTA",
            "Diagnostic-Code",
            "Last-Attempt-Date",
            "Will-Retry-Until",
            "Final-Log-ID",
        ];
        for (name, _) in group {
            assert!(KNOWN.contains(&name.as_str()), "{name} was written into {group:?}");
            assert!(field(group, name).is_some());
        }
    }
    (of_message, groups)
}

/// The text of a part, its quoted-printable undone.
fn text_of(part: &Part) -> String {
    let body = String::from_utf8(part.body.clone()).unwrap();
    match field(&part.header, "Content-Transfer-Encoding") {
        None => body,
        Some("quoted-printable") => {
            let joined = body.replace("=\r\n", "");
            let mut octets = Vec::new();
            let mut rest = joined.as_bytes();
            while let [first, tail @ ..] = rest {
                if *first == b'=' {
                    let hex = std::str::from_utf8(&tail[..2]).unwrap();
                    octets.push(u8::from_str_radix(hex, 16).unwrap());
                    rest = &tail[2..];
                } else {
                    octets.push(*first);
                    rest = tail;
                }
            }
            String::from_utf8(octets).unwrap()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_failure() {
    let reply =
        Outcome::from_reply(550, None, "5.1.1 No such user here\r\nAsk the postmaster", "mx.hamburger.edu");
    let message = outcome_for(reply).to_message(&config(), ORIGINAL, hours(5), 7).unwrap();
    assert!(message.is_ascii());
    let (whole, parts) = read(&message);
    assert_eq!(whole.field("From"), "Mail Delivery System <MAILER-DAEMON@crepes.fr>");
    assert_eq!(whole.field("To"), "alice@crepes.fr");
    assert_eq!(whole.field("Auto-Submitted"), "auto-replied");
    assert_eq!(whole.field("In-Reply-To"), "<1@crepes.fr>");
    assert_eq!(whole.field("Date"), "Mon, 23 Nov 2026 13:00:00 +0000");
    assert!(whole.field("Message-ID").ends_with("@crepes.fr>"));
    assert!(whole.field("Subject").contains("could not be delivered"));
    assert!(
        whole.field("Content-Type").starts_with("multipart/report; report-type=delivery-status; boundary=")
    );
    assert_eq!(parts.len(), 3);

    let text = text_of(&parts[0]);
    for words in [
        "which came here on Mon, 23 Nov 2026 08:00:00 +0000",
        "\r\n<bob@hamburger.edu>\r\n",
        "The mail server mx.hamburger.edu said:\r\n    550 5.1.1 No such user here\r\n    Ask the postmaster\r\n",
        "It will not be tried again",
        "\r\nSubject: Searching for the meaning of life.\r\n",
        "1 try, the last one on Mon, 23 Nov 2026 08:00:00 +0000",
    ] {
        assert!(text.contains(words), "{words:?} is not in {text}");
    }

    let (of_message, recipients) = delivery_status(&parts[1]);
    assert_eq!(field(&of_message, "Reporting-MTA"), Some("dns; crepes.fr"));
    assert_eq!(field(&of_message, "Arrival-Date"), Some("Mon, 23 Nov 2026 08:00:00 +0000"));
    let expected = [
        ("Final-Recipient", "rfc822; bob@hamburger.edu"),
        ("Action", "failed"),
        ("Status", "5.1.1"),
        ("Remote-MTA", "dns; mx.hamburger.edu"),
        ("Diagnostic-Code", "smtp; 550 5.1.1 No such user here Ask the postmaster"),
        ("Last-Attempt-Date", "Mon, 23 Nov 2026 08:00:00 +0000"),
    ];
    assert_eq!(recipients.len(), 1);
    assert_eq!(recipients[0], expected.map(|(name, value)| (name.to_owned(), value.to_owned())));

    assert_eq!(parts[2].field("Content-Type"), "message/rfc822");
    assert_eq!(parts[2].body, ORIGINAL);
}

#[test]
fn a_delay() {
    let report = outcome_for(Outcome::from_reply(450, Some(Status::PERMANENT), "odd", "mx.hamburger.edu"));
    let (whole, parts) = read(&report.to_message(&config(), ORIGINAL, hours(5), 7).unwrap());
    assert!(whole.field("Subject").contains("has not been delivered yet"));
    let text = text_of(&parts[0]);
    assert!(
        text.contains("it will be tried until Fri, 27 Nov 2026 08:00:00 +0000, 4 days after it arrived"),
        "{text}"
    );
    let (_, recipients) = delivery_status(&parts[1]);
    assert_eq!(field(&recipients[0], "Action"), Some("delayed"));
    assert_eq!(field(&recipients[0], "Status"), Some("4.0.0"), "what is tried again is no permanent failure");
    assert_eq!(field(&recipients[0], "Will-Retry-Until"), Some("Fri, 27 Nov 2026 08:00:00 +0000"));
    assert_eq!(parts[2].field("Content-Type"), "text/rfc822-headers");
    assert!(ORIGINAL.starts_with(&parts[2].body));
    assert!(parts[2].body.ends_with(b"Message-ID: <1@crepes.fr>\r\n"));
}

#[test]
fn a_reason_of_this_side_is_not_put_into_the_mouth_of_another() {
    let report = outcome_for(Outcome::from_reason(LocalReason::NullMx, "hamburger.edu"));
    let (_, parts) = read(&report.to_message(&config(), ORIGINAL, START, 7).unwrap());
    let (_, recipients) = delivery_status(&parts[1]);
    assert_eq!(field(&recipients[0], "Status"), Some("5.1.10"));
    assert_eq!(field(&recipients[0], "Remote-MTA"), None);
    let said = "X-Postroad; the domain does not accept mail: hamburger.edu";
    assert_eq!(field(&recipients[0], "Diagnostic-Code"), Some(said));
    assert!(!text_of(&parts[0]).contains("said"));
}

#[test]
fn one_notice_tells_of_all_recipients_and_of_giving_up() {
    let schedule = Schedule::default();
    let failed = |name: &str, expired, diagnostic: Option<Diagnostic>| {
        let mut recipient = Recipient::new(mailbox(name), START);
        recipient.state = RecipientState::Failed { at: START, expired, reported: false };
        recipient.last_diagnostic = diagnostic;
        recipient.attempts = 193;
        recipient.last_attempt = Some(hours(96));
        recipient
    };
    let timeout = LocalReason::Timeout.about("mx.hamburger.edu");
    let mut renamed = failed("carol@hamburger.edu", false, None);
    renamed.original_recipient = Some("rfc822;Carol@example.com".into());
    let recipients =
        vec![failed("bob@hamburger.edu", true, Some(timeout)), renamed, failed("d@x.example", true, None)];
    let sender = Some(mailbox("alice@crepes.fr"));
    let mut message = QueuedMessage::from_parts("a1", sender, START, recipients);
    let report = report(message.take_notices(&schedule, hours(96)));
    let (_, parts) = read(&report.to_message(&config(), b"", hours(96), 7).unwrap());
    assert_eq!(parts.len(), 2, "there is no message to quote");
    let text = text_of(&parts[0]);
    assert_eq!(text.matches("This server gave up after 4 days.").count(), 2);
    assert!(text.contains("could not be delivered to these recipients"));
    let (_, recipients) = delivery_status(&parts[1]);
    let statuses: Vec<Option<&str>> = recipients.iter().map(|group| field(group, "Status")).collect();
    assert_eq!(statuses, [Some("4.4.2"), Some("5.0.0"), Some("4.4.7")]);
    assert_eq!(field(&recipients[1], "Original-Recipient"), Some("rfc822; Carol@example.com"));
    assert!(recipients.iter().all(|group| field(group, "Action") == Some("failed")));
}

#[test]
fn what_cannot_be_quoted_whole_is_quoted_in_part() {
    let report = outcome_for(Outcome::from_reason(LocalReason::NullMx, ""));
    let long = [&b"A: 1\r\n\r\n"[..], &b"0123456789\r\n".repeat(5000)].concat();
    let cases: [&[u8]; 6] = [
        &long,
        "A: 1\r\n\r\né\r\n".as_bytes(),
        b"A: 1\r\n\r\nbare\nnewline\r\n",
        b"A: 1\r\n\r\nnul\0\r\n",
        &[&b"A: 1\r\n\r\n"[..], &[b'x'; 2000]].concat(),
        b"A: 1\n\nbody\n",
    ];
    for original in cases {
        let (_, parts) = read(&report.to_message(&config(), original, START, 7).unwrap());
        assert_eq!(parts[2].field("Content-Type"), "text/rfc822-headers");
        assert_eq!(parts[2].body, b"A: 1\r\n");
    }
    let mut config = config();
    config.return_message = false;
    let (_, parts) = read(&report.to_message(&config, ORIGINAL, START, 7).unwrap());
    assert_eq!(parts[2].field("Content-Type"), "text/rfc822-headers");
    config.quote_limit = 30;
    let (_, parts) = read(&report.to_message(&config, ORIGINAL, START, 7).unwrap());
    assert_eq!(parts[2].body, b"From: alice@crepes.fr\r\n");
}

#[test]
fn a_header_outside_of_ascii_is_encoded() {
    let report = outcome_for(Outcome::from_reason(LocalReason::NullMx, ""));
    let original = "Subject: 삶의 의미\r\nX: \0\r\n\r\nbody\r\n".as_bytes();
    let message = report.to_message(&config(), original, START, 7).unwrap();
    assert!(message.is_ascii());
    let (_, parts) = read(&message);
    assert_eq!(parts[2].field("Content-Type"), "text/rfc822-headers");
    assert!(field(&parts[2].header, "Content-Transfer-Encoding").is_some());
}

#[test]
fn a_message_that_holds_the_boundary_of_its_own_notice_stays_one_part() {
    let report = outcome_for(Outcome::from_reason(LocalReason::NullMx, ""));
    let first = report.to_message(&config(), ORIGINAL, START, 7).unwrap();
    let (_, parts) = read(&report.to_message(&config(), &first, START, 7).unwrap());
    assert_eq!(parts.len(), 3);
    assert_eq!(parts[2].body, first);
}

#[test]
fn what_the_other_side_says_cannot_write_into_the_notice() {
    let evil = "no\r\n\r\nFrom: x\r\nStatus: 2.0.0\r\n\r\nFinal-Recipient: rfc822; eve@x\r\n\r\n--=_00000000000000000000000000000007_00000000--\r\n\0\u{1b}[2Jé\u{2028}\u{85}";
    let remote = "mx\r\nBcc: eve@example.org";
    let report = outcome_for(Outcome::from_reply(550, None, evil, remote));
    let (whole, parts) = read(&report.to_message(&config(), ORIGINAL, START, 7).unwrap());
    assert_eq!(parts.len(), 3);
    assert_eq!(whole.header.len(), 9);
    let (of_message, recipients) = delivery_status(&parts[1]);
    assert_eq!((of_message.len(), recipients.len(), recipients[0].len()), (3, 1, 6));
    assert_eq!(field(&recipients[0], "Status"), Some("5.0.0"));
    assert_eq!(field(&recipients[0], "Remote-MTA"), Some("dns; mx??Bcc:?eve@example.org"));
    let text = text_of(&parts[0]);
    assert!(
        text.contains("\r\n    From: x\r\n") && !text.contains('\u{1b}') && !text.contains('\0'),
        "{text}"
    );
}

#[test]
fn senders_of_every_kind_can_be_told() {
    for sender in [
        r#""john doe"@example.com"#,
        r#""a\"b\\c"@example.com"#,
        "a@[192.0.2.1]",
        "a@[IPv6:2001:db8::1]",
        "é@example.com",
    ] {
        let mut report = outcome_for(Outcome::from_reason(LocalReason::NullMx, ""));
        report.to = mailbox(sender);
        let (whole, _) = read(&report.to_message(&config(), ORIGINAL, START, 7).unwrap());
        assert_eq!(whole.field("To"), sender);
    }
    let mut report = outcome_for(Outcome::from_reason(LocalReason::NullMx, ""));
    report.to = mailbox(r#""plain"@example.com"#);
    for host in ["localhost", "[192.0.2.1]", "[IPv6:2001:db8::1]"] {
        let config = ReportConfig::new(Domain::parse(host).unwrap());
        let (whole, _) = read(&report.to_message(&config, ORIGINAL, START, 7).unwrap());
        assert_eq!(whole.field("From"), format!("Mail Delivery System <MAILER-DAEMON@{host}>"));
        assert_eq!(whole.field("To"), "plain@example.com");
    }
}

#[test]
fn dates_at_the_ends_of_time() {
    let mut report = outcome_for(Outcome::from_reason(LocalReason::NullMx, ""));
    let mut config = config();
    for seconds in [0, 253_402_300_799, u64::MAX] {
        report.arrived = UnixTime::from_seconds(seconds);
        for offset in [-720, 0, 840] {
            config.utc_offset = offset;
            assert!(report.to_message(&config, ORIGINAL, UnixTime::from_seconds(seconds), 7).is_ok());
        }
    }
}

proptest! {
    #[test]
    fn whatever_is_said_a_notice_says_it_safely(
        code in 400..600_u16,
        reply in any::<String>(),
        remote in any::<String>(),
        original_recipient in any::<String>(),
        id in ".+",
        original in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'\n'), Just(b'\r'), Just(b':'), Just(b' ')], 1..300),
    ) {
        let mut recipient = Recipient::new(mailbox("bob@hamburger.edu"), START);
        recipient.state = RecipientState::Failed { at: START, expired: false, reported: false };
        recipient.last_diagnostic = Some(Diagnostic::from_reply(code, None, &reply, &remote));
        recipient.original_recipient = Some(original_recipient);
        let sender = Some(mailbox("alice@crepes.fr"));
        let mut message = QueuedMessage::from_parts(id, sender, START, vec![recipient]);
        let report = report(message.take_notices(&Schedule::default(), START));
        let message = report.to_message(&config(), &original, START, 7).unwrap();
        prop_assert!(message.is_ascii());
        let (whole, parts) = read(&message);
        prop_assert!(whole.header.len() <= 9);
        prop_assert_eq!(parts.len(), 3);
        let (of_message, recipients) = delivery_status(&parts[1]);
        prop_assert_eq!((of_message.len(), recipients.len()), (3, 1));
        prop_assert_eq!(field(&recipients[0], "Final-Recipient"), Some("rfc822; bob@hamburger.edu"));
        prop_assert_eq!(field(&recipients[0], "Action"), Some("failed"));
    }
}

#[test]
fn the_message_crate_reads_it_back() {
    let text = "5.2.2 메일함이 가득 찼습니다";
    let report = outcome_for(Outcome::from_reply(550, None, text, "mx.hamburger.edu"));
    let octets = report.to_message(&config(), ORIGINAL, hours(5), 7).unwrap();
    let message = Message::parse(&octets);
    assert!(message.examine().is_empty(), "{:?}", message.examine());
    assert_eq!(message.from().mailboxes().next().unwrap().address().to_string(), "MAILER-DAEMON@crepes.fr");
    assert_eq!(message.to().mailboxes().next().unwrap().address().to_string(), "alice@crepes.fr");
    assert_eq!(message.date().unwrap().timestamp(), i64::try_from(hours(5).seconds()).unwrap());
    let root = message.root();
    assert_eq!(root.content_type().essence(), "multipart/report");
    assert_eq!(root.content_type().parameter("report-type"), Some("delivery-status"));
    let types: Vec<String> = root.children().map(|part| part.content_type().essence().to_owned()).collect();
    assert_eq!(types, ["text/plain", "message/delivery-status", "message/rfc822"]);

    assert!(message.part("1").unwrap().text().unwrap().contains(text), "the reply is given as it was");
    // The field is ASCII (RFC 3464 section 2.1.1).
    let status = message.part("2").unwrap();
    assert!(status.body().is_ascii());
    let groups: Vec<Vec<u8>> = std::str::from_utf8(&status.body())
        .unwrap()
        .trim_end()
        .split("\r\n\r\n")
        .map(|group| format!("{group}\r\n\r\n").into_bytes())
        .collect();
    assert_eq!(groups.len(), 2);
    let recipient = Message::parse(&groups[1]);
    let value = |name: &str| recipient.header().field(name).unwrap().text().into_owned();
    assert_eq!(value("Final-Recipient"), "rfc822; bob@hamburger.edu");
    assert_eq!(value("Status"), "5.2.2");
    assert_eq!(value("Diagnostic-Code"), "smtp; 550 5.2.2 ???? ?? ????");

    let returned = message.part("3").unwrap().message().unwrap();
    assert_eq!(returned.header().subject().unwrap(), "Searching for the meaning of life.");
    assert_eq!(message.part("3").unwrap().body(), ORIGINAL);
}
