//! Which parts are shown: RFC 8621 section 4.1.4.

use postroad_message::{Message, Part};

/// A multipart of the given subtype and boundary.
fn multipart(subtype: &str, boundary: &str, parts: &[String]) -> String {
    let parts: String = parts.iter().map(|part| format!("--{boundary}\r\n{part}\r\n")).collect();
    format!("Content-Type: multipart/{subtype}; boundary={boundary}\r\n\r\n{parts}--{boundary}--\r\n")
}

fn leaf(content_type: &str, disposition: &str) -> String {
    let disposition = if disposition.is_empty() {
        String::new()
    } else {
        format!("Content-Disposition: {disposition}\r\n")
    };
    format!("Content-Type: {content_type}\r\n{disposition}\r\nx")
}

fn check(message: &str, text: &[&str], html: &[&str], attachments: &[&str]) {
    let message = Message::parse(message.as_bytes());
    let numbers = |parts: Vec<Part<'_>>| -> Vec<String> {
        parts.iter().map(|part| part.number().to_string()).collect()
    };
    assert_eq!(numbers(message.text_body()), text, "text");
    assert_eq!(numbers(message.html_body()), html, "html");
    assert_eq!(numbers(message.attachments()), attachments, "attachments");
}

#[test]
fn single_parts() {
    check("\r\nhello", &["1"], &["1"], &[]);
    check(&leaf("text/html", ""), &["1"], &["1"], &[]);
    check(&leaf("text/plain", "attachment"), &[], &[], &["1"]);
    check(&leaf("application/pdf", ""), &[], &[], &["1"]);
    check(&leaf("image/png", ""), &["1"], &["1"], &[]);
    check(&leaf("message/rfc822", ""), &[], &[], &["1"]);
    // A multipart that cannot be taken apart is something to be saved.
    check(&leaf("multipart/mixed", ""), &[], &[], &["1"]);
}

#[test]
fn alternatives() {
    let both = multipart("alternative", "a", &[leaf("text/plain", ""), leaf("text/html", "")]);
    check(&both, &["1"], &["2"], &[]);
    check(&multipart("alternative", "a", &[leaf("text/html", "")]), &["1"], &["1"], &[]);
    check(&multipart("alternative", "a", &[leaf("text/plain", "")]), &["1"], &["1"], &[]);
    let calendar = multipart("alternative", "a", &[leaf("text/plain", ""), leaf("text/calendar", "")]);
    check(&calendar, &["1"], &["1"], &["2"]);
}

/// The example of RFC 8621 section 4.1.4, with its parts A to K.
#[test]
fn the_example_of_rfc_8621() {
    let inner = multipart(
        "alternative",
        "m3",
        &[
            multipart(
                "mixed",
                "m4",
                &[leaf("text/plain", "inline"), leaf("image/jpeg", "inline"), leaf("text/plain", "inline")],
            ),
            multipart("related", "m5", &[leaf("text/html", ""), leaf("image/jpeg", "")]),
        ],
    );
    let message = multipart(
        "mixed",
        "m1",
        &[
            leaf("text/plain", "inline"),
            multipart(
                "mixed",
                "m2",
                &[
                    inner,
                    leaf("image/jpeg", "attachment"),
                    leaf("application/x-excel", ""),
                    leaf("message/rfc822", ""),
                ],
            ),
            leaf("text/plain", "inline"),
        ],
    );
    // A = 1, B C D = 2.1.1.1-3, E F = 2.1.2.1-2, G H J = 2.2-4, K = 3
    check(
        &message,
        &["1", "2.1.1.1", "2.1.1.2", "2.1.1.3", "3"],
        &["1", "2.1.2.1", "3"],
        &["2.1.1.2", "2.1.2.2", "2.2", "2.3", "2.4"],
    );
}

#[test]
fn named_texts_are_attachments_unless_first() {
    let message = multipart(
        "mixed",
        "m",
        &[leaf("text/plain", "inline; filename=a"), leaf("text/plain", "inline; filename=b")],
    );
    check(&message, &["1"], &["1"], &["2"]);
    let message = multipart("mixed", "m", &[leaf("text/plain", ""), leaf("image/png", "inline; filename=b")]);
    check(&message, &["1", "2"], &["1", "2"], &[]);
    let message = multipart("related", "m", &[leaf("text/html", ""), leaf("image/png", "inline")]);
    check(&message, &["1"], &["1"], &["2"]);
}
