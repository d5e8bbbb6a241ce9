//! ENVELOPE of RFC 9051 section 7.5.2.

use postroad_message::{Envelope, EnvelopeAddress, Message};

fn text(octets: Option<&[u8]>) -> String {
    octets.map_or_else(|| "NIL".into(), |octets| format!("{:?}", String::from_utf8_lossy(octets)))
}

fn addresses(list: &[EnvelopeAddress<'_>]) -> String {
    if list.is_empty() {
        return "NIL".into();
    }
    let one = |address: &EnvelopeAddress<'_>| {
        let fields = [&address.name, &address.adl, &address.mailbox, &address.host];
        let fields: Vec<String> = fields.iter().map(|field| text(field.as_deref())).collect();
        format!("({})", fields.join(" "))
    };
    format!("({})", list.iter().map(one).collect::<String>())
}

/// As IMAP shows it.
pub(crate) fn show(envelope: &Envelope<'_>) -> String {
    [
        text(envelope.date.as_deref()),
        text(envelope.subject.as_deref()),
        addresses(&envelope.from),
        addresses(&envelope.sender),
        addresses(&envelope.reply_to),
        addresses(&envelope.to),
        addresses(&envelope.cc),
        addresses(&envelope.bcc),
        text(envelope.in_reply_to.as_deref()),
        text(envelope.message_id.as_deref()),
    ]
    .join(" ")
}

fn envelope_of(message: &str) -> String {
    show(&Message::parse(message.as_bytes()).envelope())
}

fn to(value: &str) -> String {
    let message = format!("To: {value}\r\n\r\n");
    addresses(&Message::parse(message.as_bytes()).envelope().to)
}

/// The message behind the example of RFC 9051 section 8.
#[test]
fn the_example_of_rfc_9051() {
    let message = "Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n\
        From: Terry Gray <gray@cac.washington.edu>\r\n\
        Subject: IMAP4rev2 WG mtg summary and minutes\r\n\
        To: imap@cac.washington.edu\r\n\
        cc: minutes@CNRI.Reston.VA.US,\r\n  John Klensin <KLENSIN@MIT.EDU>\r\n\
        Message-Id: <B27397-0100000@cac.washington.ed>\r\n\
        MIME-Version: 1.0\r\n\
        Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\n";
    let terry = "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\"))";
    assert_eq!(
        envelope_of(message),
        format!(
            "\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \"IMAP4rev2 WG mtg summary and minutes\" {terry} {terry} {terry} \
             ((NIL NIL \"imap\" \"cac.washington.edu\")) \
             ((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")(\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) \
             NIL NIL \"<B27397-0100000@cac.washington.ed>\""
        )
    );
}

#[test]
fn absent_is_nil_and_empty_is_empty() {
    assert_eq!(envelope_of("X: y\r\n\r\n"), "NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL");
    assert_eq!(
        envelope_of(
            "Date:\r\nSubject: \r\nFrom:\r\nTo: \r\nCc: ,\r\nBcc:\r\nIn-Reply-To:\r\nMessage-ID: \r\n\r\n"
        ),
        "\"\" \"\" NIL NIL NIL NIL NIL NIL \"\" \"\""
    );
}

#[test]
fn sender_and_reply_to_come_from_from() {
    let from = "((NIL NIL \"a\" \"b\"))";
    assert_eq!(
        envelope_of("From: a@b\r\nSender:\r\nReply-To: ()\r\n\r\n"),
        format!("NIL NIL {from} {from} {from} NIL NIL NIL NIL NIL")
    );
    assert_eq!(
        envelope_of("From: a@b\r\nSender: c@d\r\nReply-To: e@f, g@h\r\n\r\n"),
        format!(
            "NIL NIL {from} ((NIL NIL \"c\" \"d\")) ((NIL NIL \"e\" \"f\")(NIL NIL \"g\" \"h\")) NIL NIL NIL NIL NIL"
        )
    );
}

#[test]
fn groups_have_marks() {
    assert_eq!(
        to("a@b, A Group: Ed <ed@c>, joe@d; , e@f"),
        "((NIL NIL \"a\" \"b\")(NIL NIL \"A Group\" NIL)(\"Ed\" NIL \"ed\" \"c\")(NIL NIL \"joe\" \"d\")\
         (NIL NIL NIL NIL)(NIL NIL \"e\" \"f\"))"
    );
    assert_eq!(to("undisclosed-recipients:;"), "((NIL NIL \"undisclosed-recipients\" NIL)(NIL NIL NIL NIL))");
    // A group without an end is ended; a bad member leaves the marks in balance.
    assert_eq!(to("x: <a>b, c@d"), "((NIL NIL \"x\" NIL)(NIL NIL \"c\" \"d\")(NIL NIL NIL NIL))");
}

#[test]
fn routes_quotes_and_comments() {
    assert_eq!(to("<@a.example , @b.example : joe@c>"), "((NIL \"@a.example,@b.example\" \"joe\" \"c\"))");
    assert_eq!(to("\"Joe \\\"Q\\\" Public\" <\"john doe\"@c>"), to(r#""Joe \"Q\" Public" <"john doe"@c>"#));
    assert_eq!(to(r#""Joe \"Q\" Public" <"john doe"@c>"#), r#"(("Joe \"Q\" Public" NIL "john doe" "c"))"#);
    assert_eq!(to("joe@c (Joe \\( Public)"), "((\"Joe ( Public\" NIL \"joe\" \"c\"))");
    assert_eq!(to("j@[IPv6:::1], john . doe @ example . org"), {
        "((NIL NIL \"j\" \"[IPv6:::1]\")(NIL NIL \"john.doe\" \"example.org\"))"
    });
    assert_eq!(to("J. (x) Doe  Jr. <j@d>"), "((\"J. Doe Jr.\" NIL \"j\" \"d\"))");
}

/// Nothing is put together from the pieces of something else.
#[test]
fn no_address_is_invented() {
    for value in ["<any@a>x@b", "a@b(c)<d@e>", "root", "Alice", "a b@c", "<a@b", "a@@b", "a@b c@d"] {
        assert_eq!(to(value), "NIL", "{value}");
    }
    assert_eq!(to("<any@a>x@b, c@d"), "((NIL NIL \"c\" \"d\"))");
}

#[test]
fn encoded_words_stay_and_octets_are_kept() {
    let subject = |message: &[u8]| Message::parse(message).envelope().subject.unwrap().into_owned();
    assert_eq!(subject(b"Subject: =?utf-8?Q?a?=\r\n =?utf-8?Q?b?=\r\n\r\n"), b"=?utf-8?Q?a?= =?utf-8?Q?b?=");
    assert_eq!(subject(b"Subject: a\n\tb\n\n"), b"a\tb");
    assert_eq!(subject(b"Subject: \xbb\xee\xc0\xc7\r\n\r\n"), b"\xbb\xee\xc0\xc7");
    assert_eq!(subject(b"Subject: a\0b\rc\r\n\r\n"), b"a b c");
    assert_eq!(
        to("=?utf-8?B?7IK2?= =?utf-8?Q?a,b?= <a@b>"),
        "((\"=?utf-8?B?7IK2?= =?utf-8?Q?a,b?=\" NIL \"a\" \"b\"))"
    );
    assert_eq!(to("\"=?utf-8?B?7IK2?=\" <a@b>"), "((\"=?utf-8?B?7IK2?=\" NIL \"a\" \"b\"))");
    assert_eq!(to("\"a\r\n b\" <a@b>"), "((\"a b\" NIL \"a\" \"b\"))");
    assert_eq!(to("삶 <삶@예.kr>"), "((\"삶\" NIL \"삶\" \"예.kr\"))");
}

#[test]
fn the_first_counts_and_destinations_are_joined() {
    assert_eq!(
        envelope_of("From: a@b\r\nFrom: c@d\r\nTo: e@f\r\nTo: g@h\r\nSubject: 1\r\nSubject: 2\r\n\r\n"),
        "NIL \"1\" ((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\")) \
         ((NIL NIL \"e\" \"f\")(NIL NIL \"g\" \"h\")) NIL NIL NIL NIL"
    );
}

#[test]
fn addresses_have_a_limit() {
    let flood = "a@b,".repeat(30_000);
    let message = format!("To: {flood}\r\nTo: {flood}\r\n\r\n");
    assert_eq!(Message::parse(message.as_bytes()).envelope().to.len(), 10_000);
}
