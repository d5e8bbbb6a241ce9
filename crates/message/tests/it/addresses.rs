//! Address lists: the examples of RFC 5322 appendix A, and what other readers have got wrong.

use postroad_message::{
    AddrSpec, Address, AddressList, DefectCode, Limits, Mailbox, Message, MessageId, Severity,
};

use crate::codes;

/// The list as text, groups with their members, and the codes of its defects.
fn read(value: &str) -> (Vec<String>, Vec<DefectCode>) {
    let list = AddressList::read(value.as_bytes());
    (list.addresses().iter().map(ToString::to_string).collect(), codes(list.defects()))
}

fn exact(value: &str, expected: &[&str]) {
    let (found, defects) = read(value);
    assert_eq!(found, expected, "{value}");
    assert_eq!(defects, [], "{value}");
}

fn invalid(value: &str) {
    let (found, defects) = read(value);
    assert_eq!(found, [""; 0], "{value}");
    assert!(defects.contains(&DefectCode::InvalidAddress), "{value}: {defects:?}");
    let list = AddressList::read(value.as_bytes());
    assert!(!list.is_complete() && list.defects().iter().any(|defect| defect.severity == Severity::Error));
    assert!(value.parse::<Mailbox>().is_err() && value.parse::<AddrSpec>().is_err());
}

#[test]
fn the_examples_of_rfc_5322_appendix_a() {
    // A.1.1, A.1.2
    exact("John Doe <jdoe@machine.example>", &["John Doe <jdoe@machine.example>"]);
    exact(
        "\"Joe Q. Public\" <john.q.public@example.com>",
        &["\"Joe Q. Public\" <john.q.public@example.com>"],
    );
    exact(
        "Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
        &["Mary Smith <mary@x.test>", "jdoe@example.org", "Who? <one@y.test>"],
    );
    exact(
        "<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>",
        &["boss@nil.test", "\"Giant; \\\"Big\\\" Box\" <sysservices@example.net>"],
    );
    // A.1.3
    exact(
        "A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
        &["A Group: Ed Jones <c@a.test>, joe@where.test, John <jdoe@one.test>;"],
    );
    exact("Undisclosed recipients:;", &["Undisclosed recipients:;"]);
    // A.5
    exact("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", &["Pete <pete@silly.test>"]);
    exact(
        "A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n         joe@example.org,\r\n  \
         John <jdoe@one.test> (my dear friend); (the end of the group)",
        &["A Group: Chris Jones <c@public.example>, joe@example.org, John <jdoe@one.test>;"],
    );
    exact("(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;", &["Hidden recipients:;"]);
}

#[test]
fn the_obsolete_examples_of_rfc_5322_appendix_a_6() {
    let (found, defects) = read("Joe Q. Public <john.q.public@example.com>");
    assert_eq!((found, defects), (vec!["\"Joe Q. Public\" <john.q.public@example.com>".into()], vec![]));
    let (found, defects) = read("Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example");
    assert_eq!(found, ["Mary Smith <mary@example.net>", "jdoe@test.example"]);
    assert_eq!(defects, [DefectCode::ObsoleteAddress; 2]);
    let (found, defects) = read("<@a.example,,@b.example:c@d.example>");
    assert_eq!((found, defects), (vec!["c@d.example".into()], vec![DefectCode::ObsoleteAddress]));
}

#[test]
fn quoted_local_parts_and_literals() {
    exact("\"john doe\"@example.com", &["\"john doe\"@example.com"]);
    exact(
        "\"a@b\"@example.com, \"a\\\"b\\\\\"@example.com",
        &["\"a@b\"@example.com", "\"a\\\"b\\\\\"@example.com"],
    );
    exact("\"\"@example.com", &["\"\"@example.com"]);
    exact("\"john\"@example.com", &["john@example.com"]);
    exact("=?utf-8?q?x?==?@example.com", &["=?utf-8?q?x?==?@example.com"]);
    exact("=?utf-8?q?x?==?utf-8?q?y?=@example.com", &["=?utf-8?q?x?==?utf-8?q?y?=@example.com"]);
    invalid("=?utf-8?q?x?= =?utf-8?q?y?=@example.com");
    exact("j@[IPv6:::1]", &["j@[IPv6:::1]"]);
    exact("j@[192.0.2.1], X <j@[ 192.0.2.1 ]>", &["j@[192.0.2.1]", "X <j@[192.0.2.1]>"]);
    exact("\"<evil@example.org>\" <a@b>", &["\"<evil@example.org>\" <a@b>"]);
    exact("\"a@b, c@d\" <e@f>", &["\"a@b, c@d\" <e@f>"]);
}

#[test]
fn obsolete_local_parts_are_put_right() {
    let (found, defects) = read("john . doe @ example . org");
    assert_eq!(found, ["john.doe@example.org"]);
    assert!(!defects.is_empty() && defects.iter().all(|&code| code == DefectCode::ObsoleteAddress));
    assert_eq!(read("\"john\".\"d e\"@example.org").0, ["\"john.d e\"@example.org"]);
    assert_eq!(read("john(x).(y)doe@example.org").0, ["john.doe@example.org"]);
}

/// Nothing is put together from pieces.
#[test]
fn exact_or_invalid() {
    for value in [
        "<any@a>x@b",
        "a@b(c)<d@e>",
        "<a@b><c@d>",
        "<a@x>:<b@y>",
        "a@b@c",
        "<a@b@c>",
        "a@b c@d",
        "john doe@example.com",
        "a..b@example.com",
        ".a@example.com",
        "a.@example.com",
        "a@example..com",
        "a@example.com.",
        "a@.example.com",
        "a@",
        "@b",
        "<@b>",
        "<>",
        "john",
        "<john>",
        "John <john",
        "John <john@example.com",
        "john@example.com>",
        "\"john@example.com",
        "john@example.com (open",
        "a@[1.2.3.4",
        "a@[1.2.3.4]x",
        "a@[a[b]",
        "a@b\u{0}c",
        "a\u{1}@b",
        "\"a\r\n\u{0}b\"@c",
        "a@b:c@d",
        "<a@b>:c@d",
        "=?utf-8?q?a?=@=?utf-8?q?b=3Cc=40d=3E?=<",
        "a@b <c@d>",
        "<@route.example:>",
        "<@route.example,@other:a@b",
        "\\@b",
        "a\\@b@c",
        "(comment)",
    ] {
        if value == "(comment)" {
            assert_eq!(read(value).0, [""; 0]);
            continue;
        }
        invalid(value);
    }
}

#[test]
fn one_bad_entry_does_not_take_its_neighbours() {
    let (found, defects) = read("a@b, john doe@x, \"q, r\" <c@d>, <e@f, g@h>, i@j");
    assert_eq!(found, ["a@b", "\"q, r\" <c@d>", "i@j"]);
    assert_eq!(defects, [DefectCode::InvalidAddress; 2]);
    let (found, _) = read("G: a@b, bad bad, c@d; , e@f");
    assert_eq!(found, ["G: a@b, c@d;", "e@f"]);
}

#[test]
fn no_entry_is_taken_from_inside_a_broken_one() {
    for value in [
        "<x y@z, eve@example.org",
        "(open, eve@example.org",
        "\"open, eve@example.org",
        "a@[open, eve@example.org",
    ] {
        invalid(value);
    }
    // The comma is inside of angle brackets, a comment, a literal.
    assert_eq!(read("x <y, eve@example.org>, a@b").0, ["a@b"]);
    assert_eq!(read("x y (, eve@example.org), a@b").0, ["a@b"]);
    assert_eq!(read("x@[, eve@example.org], a@b").0, ["a@b"]);
}

/// Line ends and controls are not only in ASCII.
#[test]
fn no_separators_in_addresses() {
    for bad in ['\u{85}', '\u{9b}', '\u{2028}', '\u{2029}'] {
        assert!(AddrSpec::new(&format!("a{bad}b"), "c").is_err());
        assert!(AddrSpec::new("a", &format!("b{bad}c")).is_err());
        assert!(MessageId::new(&format!("a{bad}@b")).is_err());
        invalid(&format!("a{bad}b@c"));
        invalid(&format!("\"a{bad}b\"@c"));
    }
    assert!(AddrSpec::new("a b", "c\u{a0}d").is_err());
    assert!(AddrSpec::new("삶 의미", "예.한국").is_ok());
}

#[test]
fn what_is_left_out_of_joined_lists_is_said() {
    let mut limits = Limits::default();
    limits.addresses = 3;
    let list = |fields: &str| Message::parse_with(format!("{fields}\r\n").as_bytes(), &limits).to();
    assert!(list("To: a@b, c@d\r\nTo: e@f\r\n").is_complete());
    for fields in ["To: a@b, c@d\r\nTo: e@f, g@h\r\n", "To: a@b, c@d, e@f\r\nTo: g@h\r\n"] {
        let list = list(fields);
        assert_eq!((list.addresses().len(), list.is_complete()), (3, false), "{fields}");
    }
}

#[test]
fn comments_make_no_mailboxes() {
    exact("Undisclosed recipients:; (comment)", &["Undisclosed recipients:;"]);
    exact("Undisclosed recipients:(comment);", &["Undisclosed recipients:;"]);
    exact("(comment), a@b", &["a@b"]);
    let list = AddressList::read(b"Group: a@b; eve@example.org");
    assert_eq!(list.addresses().len(), 1);
    assert!(!list.is_complete());
}

#[test]
fn names() {
    let name = |value: &str| {
        let list = AddressList::read(value.as_bytes());
        list.mailboxes().next().and_then(|mailbox| mailbox.name().map(str::to_owned))
    };
    assert_eq!(name("=?utf-8?Q?Andr=C3=A9?= Pirard <a@b>").as_deref(), Some("André Pirard"));
    assert_eq!(
        name("=?ISO-8859-1?Q?Keld_J=F8rn?=\r\n =?ISO-8859-1?Q?_Simonsen?= <a@b>").as_deref(),
        Some("Keld Jørn Simonsen")
    );
    assert_eq!(name("=?utf-8?Q?Doe,_John?= <a@b>").as_deref(), Some("Doe, John"));
    assert_eq!(name("\"=?utf-8?Q?Andr=C3=A9?=\" <a@b>").as_deref(), Some("André"));
    assert_eq!(name("a@b (Alice \\(A.\\))").as_deref(), Some("Alice (A.)"));
    assert_eq!(name("a@b(c)"), None);
    // Glued to other letters, which is against the rules and found in the wild.
    assert_eq!(name("David H=?ISO-8859-1?B?9g==?=hn <a@b>").as_deref(), Some("David Höhn"));
    assert_eq!(read("H=?ISO-8859-1?B?9g==?=hn <a@b>").1, [DefectCode::InvalidEncodedWord]);
    assert_eq!(name("John  \"Q.\"   Public <a@b>").as_deref(), Some("John Q. Public"));
    assert_eq!(name("삶 <a@b>").as_deref(), Some("삶"));
    assert_eq!(name("\"\" <a@b>"), None);
    // A decoded name is a name, whatever it looks like.
    let list = AddressList::read(b"=?utf-8?Q?x=40y=2C_=3Ceve=40example.org=3E?= <a@b>");
    let mailbox = list.mailboxes().next().unwrap();
    assert_eq!(mailbox.name(), Some("x@y, <eve@example.org>"));
    assert_eq!(mailbox.address().to_string(), "a@b");
    assert_eq!(list.mailboxes().count(), 1);
    // Nor can it hold a line end.
    assert_eq!(name("=?utf-8?Q?a=0D=0ABcc:_x=00?= <a@b>").as_deref(), Some("a  Bcc: x "));
}

#[test]
fn utf8_addresses() {
    exact("삶@예.한국", &["삶@예.한국"]);
    assert!(!"삶@예.한국".parse::<AddrSpec>().unwrap().is_ascii());
    let list = AddressList::read(b"\xff@b, a@b");
    assert_eq!(list.addresses().len(), 1);
    assert_eq!(codes(list.defects()), [DefectCode::InvalidAddress]);
}

#[test]
fn semicolons_and_empty_entries() {
    let (found, defects) = read("a@b; c@d;");
    assert_eq!(found, ["a@b", "c@d"]);
    assert_eq!(defects, [DefectCode::SemicolonInList; 2]);
    exact(", ,a@b,,", &["a@b"]);
    exact("", &[]);
    let (found, defects) = read("Group: a@b");
    assert_eq!((found, defects), (vec!["Group: a@b;".into()], vec![DefectCode::UnterminatedGroup]));
}

#[test]
fn limits_hold() {
    let many = "a@b,".repeat(10_001);
    let list = AddressList::read(many.as_bytes());
    assert_eq!(list.addresses().len(), 10_000);
    assert_eq!(codes(list.defects()), [DefectCode::TooManyAddresses]);
    let many = format!("g:{};", "a@b,".repeat(10_001));
    let list = AddressList::read(many.as_bytes());
    assert_eq!(list.mailboxes().count(), 9_999);
    let deep = format!("a@b, {}{} c@d", "(".repeat(33), ")".repeat(33));
    assert!(codes(AddressList::read(deep.as_bytes()).defects()).contains(&DefectCode::CommentTooDeep));
}

#[test]
fn one_address_from_text() {
    assert_eq!(r#""john doe"@example.com"#.parse::<AddrSpec>().unwrap().local_part(), "john doe");
    assert!("a@b, c@d".parse::<Mailbox>().is_err());
    assert!("a@b,".parse::<Mailbox>().is_ok());
    assert!("G: a@b;".parse::<Mailbox>().is_err());
    assert!(matches!("G: a@b;".parse::<Address>(), Ok(Address::Group(_))));
    for evil in ["a@b.c>, <evil@x", "a@b\r\nBcc: c@d", "a@b\nc", "", " ", "a@b\0"] {
        assert!(evil.parse::<Mailbox>().is_err(), "{evil:?}");
    }
    assert!(AddrSpec::new("a\r\nb", "c").is_err());
    assert!(AddrSpec::new("a", "b>, <c").is_err());
    assert!(AddrSpec::new("a", "").is_err());
    assert!(AddrSpec::new("a", "[x]y").is_err());
    assert!(AddrSpec::new("a", "[x]y]").is_err());
    assert!(Mailbox::new("x\r\ny", AddrSpec::new("a", "b").unwrap()).is_err());
}

#[test]
fn three_grades() {
    use postroad_message::AddressGrade::{Message, Salvage, Smtp};
    let read = |value: &str, grade| {
        let list = AddressList::read_as(value.as_bytes(), grade);
        let shown: Vec<String> = list.mailboxes().map(ToString::to_string).collect();
        (shown.join(" | "), list.is_complete())
    };
    let long = format!("{}@example.com", "x".repeat(250));
    for value in ["a@[192.0.2.300]", "a@-b.example", "a@b_c.example", &long] {
        assert_eq!(read(value, Message), (value.to_owned(), true), "{value}");
        assert_eq!(read(value, Smtp), (String::new(), false), "{value}");
    }
    for value in ["a@example.com", "a@[192.0.2.1]", "\"a b\"@example.com", "a@[IPv6:::1]"] {
        assert_eq!(read(value, Smtp), (value.to_owned(), true));
    }
    assert_eq!(read("G: a@b_c, d@example.com;, e@f_g", Smtp), ("d@example.com".into(), false));
    // What a salvaged name looks like may be a lie, so it is a defect all the same.
    for (value, salvaged) in [
        ("eve@example.org <alice@crepes.fr>", "\"eve@example.org\" <alice@crepes.fr>"),
        ("Alice [x] <alice@crepes.fr> ", "\"Alice [x]\" <alice@crepes.fr>"),
        ("G: x y, J: Doe <j@d>;, b@c", "\"J: Doe\" <j@d> | b@c"),
    ] {
        assert_eq!(read(value, Salvage), (salvaged.into(), false), "{value}");
    }
    for value in [
        "<any@a>x@b",
        "a <b@c> d",
        "a <b@c> <d@e>",
        "<a@@b>",
        "a <b>",
        "root",
        "a b@c",
        "<<a@b>>",
        "x<y> <a@b>",
    ] {
        assert_eq!(read(value, Salvage).0, "", "{value}");
    }
}
