//! Reports of RFC 3464 and RFC 8098, read and written.

use postroad_message::{
    Action, DateTime, DeliveryStatus, Disposition, DispositionMode, DispositionNotification, Message,
    MessageBuilder, PartBuilder, RecipientStatus, Typed,
};

fn report(kind: &str, body: &str) -> String {
    format!(
        "From: postmaster@cs.utk.edu\r\nTo: a@b\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type={kind};\r\n boundary=\"RAA14128.773615765/CS.UTK.EDU\"\r\n\r\n\
         --RAA14128.773615765/CS.UTK.EDU\r\n\r\nThe original message was received\r\n\
         --RAA14128.773615765/CS.UTK.EDU\r\ncontent-type: message/{kind}\r\n\r\n{body}\r\n\
         --RAA14128.773615765/CS.UTK.EDU\r\ncontent-type: message/rfc822\r\n\r\nSubject: x\r\n\r\nHi\r\n\
         --RAA14128.773615765/CS.UTK.EDU--\r\n"
    )
}

fn status(body: &str) -> DeliveryStatus {
    Message::parse(report("delivery-status", body).as_bytes()).delivery_status().unwrap()
}

fn rfc822(address: &str) -> Typed {
    Typed::new("rfc822", address).unwrap()
}

/// RFC 3464 appendix E, the simple one.
#[test]
fn a_simple_delivery_status() {
    let read = status(
        "Reporting-MTA: dns; cs.utk.edu\r\n\r\nOriginal-Recipient: rfc822;louisl@larry.slip.umd.edu\r\n\
         Final-Recipient: rfc822;louisl@larry.slip.umd.edu\r\nAction: failed\r\nStatus: 4.0.0\r\n\
         Diagnostic-Code: smtp; 426 connection timed out\r\nLast-Attempt-Date: Thu, 7 Jul 1994 17:15:49 -0400\r\n",
    );
    let expected = DeliveryStatus {
        reporting_mta: Some(Typed::new("dns", "cs.utk.edu").unwrap()),
        recipients: vec![RecipientStatus {
            original_recipient: Some(rfc822("louisl@larry.slip.umd.edu")),
            final_recipient: Some(rfc822("louisl@larry.slip.umd.edu")),
            action: Some(Action::Failed),
            status: Some("4.0.0".into()),
            diagnostic_code: Some(Typed::new("smtp", "426 connection timed out").unwrap()),
            last_attempt_date: Some(DateTime::new((1994, 7, 7), (17, 15, 49), Some(-240)).unwrap()),
            ..RecipientStatus::default()
        }],
        ..DeliveryStatus::default()
    };
    assert_eq!(read, expected);
    assert_eq!(DeliveryStatus::read(&read.to_bytes().unwrap()), read);
    let message = report("delivery-status", "");
    let message = Message::parse(message.as_bytes());
    assert_eq!(message.returned_message().unwrap().message().unwrap().header().subject().unwrap(), "x");
    assert!(message.is_automatic());
    assert_eq!(message.disposition_notification(), None);
}

/// RFC 3464 appendix E, the others: several recipients, comments, folds, another order, a gateway.
#[test]
fn several_recipients() {
    let read = status(
        "Reporting-MTA: dns; cs.utk.edu\r\n\r\nOriginal-Recipient: rfc822;arathib@vnet.ibm.com\r\n\
         Final-Recipient: rfc822;arathib@vnet.ibm.com\r\nAction: failed\r\nStatus: 5.0.0 (permanent failure)\r\n\
         Diagnostic-Code: smtp;  550 'arathib@vnet.IBM.COM' is not a\r\n registered gateway user\r\n\
         Remote-MTA: dns; vnet.ibm.com\r\n\r\n\
         Final-Recipient: rfc822;johnh@hpnjld.njd.hp.com\r\nAction: delayed\r\n\
         Status: 4.0.0 (hpnjld.njd.jp.com: host name lookup failure)\r\n\r\n\r\n\
         Final-Recipient: unknown; nair_s\r\nStatus: 5.0.0\r\nAction: Failed (really)\r\n",
    );
    let actions: Vec<_> = read.recipients.iter().map(|recipient| recipient.action).collect();
    assert_eq!(actions, [Some(Action::Failed), Some(Action::Delayed), Some(Action::Failed)]);
    assert_eq!(read.recipients[0].status.as_deref(), Some("5.0.0"));
    assert_eq!(
        read.recipients[0].diagnostic_code.as_ref().unwrap().value,
        "550 'arathib@vnet.IBM.COM' is not a registered gateway user"
    );
    assert_eq!(read.recipients[1].status.as_deref(), Some("4.0.0"));
    assert_eq!(read.recipients[2].final_recipient.as_ref().unwrap().kind, "unknown");
    // The blank line behind the fields of the message was left out.
    let merged = status("Reporting-MTA: dns; a\r\nFinal-Recipient: rfc822; b@c\r\nAction: failed\r\n");
    assert_eq!((merged.recipients.len(), merged.reporting_mta.unwrap().value.as_str()), (1, "a"));
    assert_eq!(status("junk\r\n\r\n:\r\n"), DeliveryStatus::default());
}

/// The example of RFC 8098 section 9.
#[test]
fn a_disposition_notification() {
    let message = report(
        "disposition-notification",
        "Reporting-UA: joes-pc.cs.example.com; Foomail 97.1\r\n\
         Original-Recipient: rfc822;Joe_Recipient@example.com\r\n\
         Final-Recipient: rfc822;Joe_Recipient@example.com\r\n\
         Original-Message-ID: <199509192301.23456@example.org>\r\n\
         Disposition: manual-action/MDN-sent-manually; displayed\r\n",
    );
    let read = Message::parse(message.as_bytes()).disposition_notification().unwrap();
    assert_eq!(
        read,
        DispositionNotification {
            reporting_ua: Some("joes-pc.cs.example.com; Foomail 97.1".into()),
            original_recipient: Some(rfc822("Joe_Recipient@example.com")),
            final_recipient: Some(rfc822("Joe_Recipient@example.com")),
            original_message_id: Some("199509192301.23456@example.org".parse().unwrap()),
            ..DispositionNotification::new(Disposition {
                mode: DispositionMode { manual_action: true, sent_manually: true },
                kind: "displayed".into(),
                modifiers: vec![],
            })
        }
    );
    let error = DispositionNotification::read(
        b"Disposition: automatic-action / mdn-sent-automatically ; Processed / Error, x\r\nError: a\r\nError: b\r\n",
    )
    .unwrap();
    assert_eq!((error.disposition.kind.as_str(), error.errors.len()), ("processed", 2));
    assert_eq!(error.disposition.modifiers, ["error", "x"]);
    assert_eq!(DispositionNotification::read(&error.to_bytes().unwrap()), Some(error));
    assert_eq!(DispositionNotification::read(b"Disposition: displayed\r\n"), None);
}

#[test]
fn a_report_is_built_and_read_back() {
    let status = DeliveryStatus {
        reporting_mta: Some(Typed::new("dns", "crepes.fr").unwrap()),
        arrival_date: Some(DateTime::from_timestamp(1_795_392_000, 540).unwrap()),
        recipients: vec![RecipientStatus {
            final_recipient: Some(rfc822("bob@hamburger.edu")),
            action: Some(Action::Delayed),
            status: Some("4.4.1".into()),
            diagnostic_code: Some(Typed::new("smtp", &"word ".repeat(60)).unwrap()),
            ..RecipientStatus::default()
        }],
        ..DeliveryStatus::default()
    };
    let returned = PartBuilder::verbatim("text/rfc822-headers", &b"Subject: x\r\n\r\n"[..]);
    let octets = MessageBuilder::new()
        .from("postmaster@crepes.fr")
        .to("alice@crepes.fr")
        .date(DateTime::from_timestamp(1_795_392_000, 0).unwrap())
        .body(status.to_report("It is late.\r\n", Some(returned)).unwrap())
        .build()
        .unwrap();
    let message = Message::parse(&octets);
    assert_eq!(message.delivery_status().unwrap(), status);
    assert!(message.returned_message().unwrap().media_type().is("text", "rfc822-headers"));
    assert!(octets.split(|&octet| octet == b'\n').all(|line| line.len() <= 80));
    assert!(message.examine().is_empty());
}

#[test]
fn no_value_adds_a_line() {
    let bad = DeliveryStatus {
        original_envelope_id: Some("x\r\nAction: delivered".into()),
        ..DeliveryStatus::default()
    };
    assert!(bad.to_bytes().is_err());
    assert!(Typed::new("rfc822", "a\r\nb").is_err() && Typed::new("a;b", "c").is_err());
    let mut notification = DispositionNotification::new(Disposition {
        mode: DispositionMode::default(),
        kind: "displayed\r\nX: y".into(),
        modifiers: vec![],
    });
    assert!(notification.to_bytes().is_err());
    notification.disposition.kind = "deleted".into();
    notification.errors.push("a\nb".into());
    assert!(notification.to_bytes().is_err());
}

#[test]
fn what_programs_must_not_answer() {
    for (header, automatic) in [
        ("Auto-Submitted: auto-generated", true),
        ("Auto-Submitted: No (really)", false),
        ("Precedence: Bulk", true),
        ("Precedence: urgent", false),
        ("List-Unsubscribe: <mailto:a@b>", true),
        ("Subject: x", false),
    ] {
        let octets = format!("{header}\r\n\r\n");
        assert_eq!(Message::parse(octets.as_bytes()).is_automatic(), automatic, "{header}");
    }
}
