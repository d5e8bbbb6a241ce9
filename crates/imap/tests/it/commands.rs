//! Every command, read and printed; what is refused; hostile input.

use crate::sets::{sequence_set, uid_set};
use bytes::Bytes;
use postroad_core::{ParseErrorKind, Secret};
use postroad_imap::command::*;
use postroad_imap::types::*;
use proptest::prelude::*;
use std::num::NonZeroU32;

fn parse(unit: impl Into<Bytes>) -> Result<Command, CommandError> {
    Command::parse(&unit.into(), &ParseOptions::default())
}

/// The fragments as one unit, without the final CRLF.
fn unit(fragments: &[Fragment]) -> Bytes {
    let mut unit = Vec::new();
    for fragment in fragments {
        unit.extend_from_slice(fragment.header());
        if let Fragment::Literal { octets, .. } = fragment {
            unit.extend_from_slice(octets);
        }
    }
    assert!(unit.ends_with(b"\r\n"));
    unit.truncate(unit.len() - 2);
    unit.into()
}

fn text(unit: &[u8]) -> String {
    unit.escape_ascii().to_string()
}

const CANONICAL: &[&str] = &[
    "a CAPABILITY",
    "a NOOP",
    "a LOGOUT",
    "a STARTTLS",
    "a LOGIN mrose secret",
    "a LOGIN \"m rose\" \"se\\\"cr\\\\et\"",
    "a LOGIN mrose {6}\r\nse\r\nt\n",
    "a LOGIN \"\" \"\"",
    "a AUTHENTICATE PLAIN",
    "a AUTHENTICATE PLAIN =",
    "a AUTHENTICATE PLAIN AG1yb3NlAHNlY3JldA==",
    "a UNAUTHENTICATE",
    "a ID NIL",
    "a ID ()",
    "a ID (\"name\" \"x\" \"version\" NIL)",
    "a ENABLE CONDSTORE IMAP4rev2 X-GOOD-IDEA",
    "a SELECT INBOX",
    "a EXAMINE Entw&APw-rfe",
    "a SELECT INBOX (CONDSTORE)",
    "a SELECT INBOX (QRESYNC (67890007 20050715194045000 41,43:211,214:541))",
    "a SELECT INBOX (QRESYNC (67890007 90060115194045000 41:211,214:541 (1,5,9 41,50,60)))",
    "a SELECT INBOX (CONDSTORE QRESYNC (1 2 (1 1)))",
    "a CREATE owatagusiam/",
    "a CREATE MySpecial (USE (\\Drafts \\Sent \\X))",
    "a DELETE \"two words\"",
    "a RENAME blurdybloop sarasoop",
    "a SUBSCRIBE #news.comp.mail.mime",
    "a UNSUBSCRIBE x",
    "a LIST \"\" *",
    "a LIST \"\" \"\"",
    "a LIST \"\" %/%",
    "a LIST #news. comp.mail.*",
    "a LIST (SUBSCRIBED) \"\" *",
    "a LIST (SUBSCRIBED REMOTE RECURSIVEMATCH SPECIAL-USE) \"\" (INBOX Drafts Sent/%)",
    "a LIST \"\" % RETURN (CHILDREN SPECIAL-USE MYRIGHTS STATUS (MESSAGES UNSEEN SIZE))",
    "a LIST \"\" % RETURN (STATUS (UIDNEXT UIDVALIDITY RECENT DELETED HIGHESTMODSEQ APPENDLIMIT MAILBOXID DELETED-STORAGE))",
    "a LIST (SUBSCRIBED) \"\" \"a b%\" RETURN (SUBSCRIBED)",
    "a LSUB #news. comp.mail.*",
    "a NAMESPACE",
    "a STATUS blurdybloop (UIDNEXT MESSAGES)",
    "a IDLE",
    "a CHECK",
    "a CLOSE",
    "a UNSELECT",
    "a EXPUNGE",
    "a UID EXPUNGE 3000:3002",
    "a UID EXPUNGE $",
    "a SEARCH ALL",
    "a SEARCH FLAGGED SINCE 1-Feb-1994 NOT FROM Smith",
    "a SEARCH CHARSET UTF-8 TEXT {6}\r\n\u{043c}\u{0430}\u{0442}",
    "a SEARCH RETURN (MIN MAX ALL COUNT SAVE) SUBJECT \"a b\"",
    "a UID SEARCH RETURN (PARTIAL -1:-100) UNDELETED UNKEYWORD $Junk",
    "a UID SEARCH RETURN (COUNT PARTIAL 1:100) CHARSET UTF-8 1:*",
    "a SEARCH OR (SEEN ANSWERED) NOT OR DRAFT (DELETED)",
    "a SEARCH $ UID 1:3,5 *",
    "a SEARCH (SEEN)",
    "a SEARCH ((SEEN))",
    "a SEARCH NOT NOT NOT RECENT NEW OLD",
    "a SEARCH BCC a CC b TO c BODY d KEYWORD e UNFLAGGED UNDRAFT UNANSWERED UNSEEN FLAGGED",
    "a SEARCH HEADER Message-ID <x@y> HEADER X \"\"",
    "a SEARCH LARGER 9223372036854775807 SMALLER 0 OLDER 1 YOUNGER 259200",
    "a SEARCH BEFORE 29-Feb-2000 ON 31-Dec-9999 SENTBEFORE 1-Jan-0000 SENTON 2-Mar-2001 SENTSINCE 3-Apr-2002",
    "a SEARCH SAVEDBEFORE 1-Jan-2000 SAVEDON 1-Jan-2000 SAVEDSINCE 1-Jan-2000 SAVEDATESUPPORTED",
    "a SEARCH MODSEQ 620162338",
    "a SEARCH MODSEQ \"/flags/\\\\Draft\" all 620162338",
    "a SEARCH MODSEQ \"/flags/$Junk\" priv 0 MODSEQ \"/flags/x\" shared 1",
    "a SEARCH EMAILID M6d99ac3275bb4e THREADID T64b478a75b7ea9 FILTER x FUZZY TEXT y",
    "a SORT (SUBJECT REVERSE DATE) US-ASCII UNDELETED",
    "a UID SORT RETURN (MIN COUNT) (ARRIVAL CC DISPLAYFROM REVERSE DISPLAYTO FROM SIZE TO) UTF-8 ALL",
    "a THREAD ORDEREDSUBJECT UTF-8 SINCE 5-Mar-2000",
    "a UID THREAD REFERENCES US-ASCII TEXT gewp",
    "a THREAD REFS UTF-8 ALL",
    "a FETCH 1 FLAGS",
    "a FETCH 2:4 (FLAGS BODY.PEEK[HEADER.FIELDS (DATE FROM)])",
    "a FETCH $ (BODY[] BODY[HEADER] BODY[TEXT]<0.2048> BODY[1.2.MIME] BODY[3.HEADER.FIELDS.NOT (X Y)])",
    "a UID FETCH 1:* (UID ENVELOPE INTERNALDATE RFC822.SIZE BODY BODYSTRUCTURE)",
    "a FETCH 1 (RFC822 RFC822.HEADER RFC822.TEXT)",
    "a FETCH 1 (BINARY[1] BINARY.PEEK[1.2]<5.6> BINARY.SIZE[3] BINARY[] MODSEQ)",
    "a FETCH 1 (PREVIEW (LAZY) EMAILID THREADID SAVEDATE PREVIEW)",
    "a FETCH 1 (PREVIEW) (CHANGEDSINCE 5)",
    "a FETCH 1 BODY[]<0.9223372036854775807>",
    "a UID FETCH 300:500 FLAGS (CHANGEDSINCE 12345 VANISHED PARTIAL 1:2)",
    "a UID FETCH 300:500 FLAGS (PARTIAL -1:-2)",
    "a STORE 2:4 +FLAGS (\\Deleted)",
    "a STORE 1 -FLAGS.SILENT (\\Seen $Forwarded \\Extra)",
    "a UID STORE 7,5,9 (UNCHANGEDSINCE 320172338) FLAGS ()",
    "a COPY 2:4 MEETING",
    "a UID COPY $ MEETING",
    "a MOVE *:4 \"x y\"",
    "a UID MOVE 42:69 foo",
    "a COMPRESS DEFLATE",
    "a GETQUOTA \"\"",
    "a GETQUOTAROOT INBOX",
    "a SETQUOTA #user/alice (STORAGE 510 MESSAGE 3 MAILBOX 4 ANNOTATION-STORAGE 5 X 6)",
    "a SETQUOTA x ()",
];

#[test]
fn every_command_is_read_and_printed_the_same() {
    for line in CANONICAL {
        let command = parse(*line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
        assert_eq!(text(&unit(&command.encode(LiteralMode::Synchronizing, false))), text(line.as_bytes()));
        assert!(line[2..].starts_with(command.body.name()), "{line}: {}", command.body.name());
    }
}

#[test]
fn the_examples_of_the_rfcs() {
    let lines = include_str!("../transcripts/rfc-commands.txt").lines().filter(|line| !line.starts_with('#'));
    let mut count = 0;
    for line in lines {
        let (_, line) = line.split_once(' ').unwrap();
        let command = parse(line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
        let again = parse(unit(&command.encode(LiteralMode::Minus, false))).unwrap();
        assert_eq!(format!("{again:?}"), format!("{command:?}"), "{line}");
        count += 1;
    }
    assert!(count > 200, "{count}");
}

#[test]
fn keys_are_put_together() {
    let key = |key| SearchKeys::single(key).unwrap();
    let keys = key(SearchKey::Seen).or(key(SearchKey::Draft)).negated().and(key(SearchKey::Larger(5)));
    let search = Search { uid: false, return_options: None, charset: None, keys };
    let tag = Tag::parse("a").unwrap();
    let printed = unit(&CommandBody::Search(search).encode(&tag, LiteralMode::Plus, false));
    assert_eq!(printed, "a SEARCH NOT OR SEEN DRAFT LARGER 5");
    let many = SearchKeys::all_of(vec![key(SearchKey::Seen); 50_000]).unwrap();
    assert!(many.evaluate(|_| true) && !many.negated().evaluate(|_| true));
    assert!(SearchKeys::all_of(Vec::new()).is_err());
}

#[test]
fn what_is_written_otherwise_is_read_too() {
    for (line, printed) in [
        ("A noop", "A NOOP"),
        ("A iD nIl", "A ID NIL"),
        ("A select inbox", "A SELECT INBOX"),
        ("A select {5+}\r\niNbOx (condstore)", "A SELECT INBOX (CONDSTORE)"),
        ("A login {5}\r\nmrose {6+}\r\nsecret", "A LOGIN mrose secret"),
        ("A LOGIN NIL nil", "A LOGIN \"NIL\" \"nil\""),
        ("A list () \"\" (*)", "A LIST \"\" *"),
        ("A list \"\" \"*\" return ()", "A LIST \"\" *"),
        ("A FETCH 1 all", "A FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)"),
        ("A FETCH 1 fast", "A FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE)"),
        ("A FETCH 1 full", "A FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY)"),
        ("A FETCH 1 (flags)", "A FETCH 1 FLAGS"),
        ("A FETCH 5:5 body.peek[header.fields ({4}\r\nDate)]", "A FETCH 5 BODY.PEEK[HEADER.FIELDS (Date)]"),
        ("A FETCH 1 PREVIEW (CHANGEDSINCE 3)", "A FETCH 1 (PREVIEW) (CHANGEDSINCE 3)"),
        ("A store 1 flags \\seen x", "A STORE 1 FLAGS (\\Seen x)"),
        ("A search return () all", "A SEARCH RETURN (ALL) ALL"),
        ("A search (or seen draft)", "A SEARCH (OR SEEN DRAFT)"),
        ("A search (seen draft)", "A SEARCH SEEN DRAFT"),
        ("A search since \"01-feb-1994\"", "A SEARCH SINCE 1-Feb-1994"),
        ("A search subject \"a\"", "A SEARCH SUBJECT a"),
        ("A create x (use ())", "A CREATE x"),
        ("A uid  expunge 1", ""),
    ] {
        match parse(line) {
            Ok(command) => {
                assert_eq!(text(&unit(&command.encode(LiteralMode::Plus, false))), text(printed.as_bytes()));
            }
            Err(error) => assert!(printed.is_empty(), "{line:?}: {error}"),
        }
    }
}

#[test]
fn what_is_refused_and_where() {
    for (line, at) in [
        ("", 0),
        ("a", 1),
        (" NOOP", 0),
        ("+ NOOP", 0),
        ("a+ NOOP", 1),
        ("* NOOP", 0),
        ("a  NOOP", 2),
        ("a NOOP ", 6),
        ("a NOOP x", 6),
        ("a NO", 2),
        ("a UID", 5),
        ("a UID NOOP", 2),
        ("a LOGIN x", 9),
        ("a LOGIN x y z", 11),
        ("a LOGIN x \"y", 12),
        ("a LOGIN x \"y\\z\"", 13),
        ("a LOGIN x {3}\r\nab", 10),
        ("a LOGIN x {3}ab", 12),
        ("a LOGIN x ~{3}\r\nabc", 11),
        ("a LOGIN x {99999999999999999999}\r\nabc", 11),
        ("a AUTHENTICATE PLAIN ", 21),
        ("a AUTHENTICATE PLAIN a", 21),
        ("a AUTHENTICATE PLAIN AA==x", 21),
        ("a ID (\"a\")", 9),
        ("a ID (a \"b\")", 6),
        ("a ENABLE", 8),
        ("a ENABLE ", 9),
        ("a SELECT", 8),
        ("a SELECT x ()", 12),
        ("a SELECT x (QRESYNC)", 19),
        ("a SELECT x (QRESYNC (0 1))", 21),
        ("a SELECT x (QRESYNC (1 1 *))", 25),
        ("a SELECT x (QRESYNC (1 1 1 (1:2 1)))", 28),
        ("a SELECT x (QRESYNC (1 1) QRESYNC (1 1))", 26),
        ("a SELECT x (FOO)", 12),
        ("a SELECT &AOk", 13),
        ("a CREATE x (USE", 11),
        ("a LIST \"\"", 9),
        ("a LIST \"\" ()", 11),
        ("a LIST (RECURSIVEMATCH) \"\" *", 7),
        ("a LIST (RECURSIVEMATCH REMOTE) \"\" *", 7),
        ("a LIST \"\" * RETURN (STATUS ())", 28),
        ("a STATUS x ()", 12),
        ("a STATUS x (FOO)", 12),
        ("a STATUS x MESSAGES", 11),
        ("a SEARCH", 8),
        ("a SEARCH ", 9),
        ("a SEARCH ()", 10),
        ("a SEARCH (SEEN", 14),
        ("a SEARCH (SEEN ", 15),
        ("a SEARCH SEEN)", 13),
        ("a SEARCH NOT", 12),
        ("a SEARCH NOT ", 13),
        ("a SEARCH OR SEEN", 16),
        ("a SEARCH OR (SEEN DRAFT)", 24),
        ("a SEARCH FOO", 9),
        ("a SEARCH SINCE 30-Feb-2000", 15),
        ("a SEARCH OLDER 0", 15),
        ("a SEARCH LARGER 9223372036854775808", 16),
        ("a SEARCH MODSEQ \"/x\" all 1", 16),
        ("a SEARCH MODSEQ \"/flags/x\" none 1", 27),
        ("a SEARCH RETURN (FOO) ALL", 17),
        ("a SEARCH CHARSET UTF-8", 22),
        ("a SORT () UTF-8 ALL", 8),
        ("a SORT (FOO) UTF-8 ALL", 8),
        ("a SORT (DATE) UTF-8", 19),
        ("a FETCH 0 FLAGS", 8),
        ("a FETCH 1", 9),
        ("a FETCH 1 ()", 11),
        ("a FETCH 1 (FLAGS", 16),
        ("a FETCH 1 (ALL)", 11),
        ("a FETCH 1 BODY[MIME]", 15),
        ("a FETCH 1 BODY[0]", 15),
        ("a FETCH 1 BODY[1.]", 17),
        ("a FETCH 1 BODY[HEADER.FIELDS ()]", 15),
        ("a FETCH 1 BODY[HEADER.FIELDS (a:b)]", 15),
        ("a FETCH 1 BODY[]<0.0>", 19),
        ("a FETCH 1 BODY[]<0>", 18),
        ("a FETCH 1 FLAGS (VANISHED)", 17),
        ("a UID FETCH 1 FLAGS (VANISHED)", 20),
        ("a FETCH 1 FLAGS (PARTIAL 1:2)", 17),
        ("a FETCH 1 FLAGS (CHANGEDSINCE 1 CHANGEDSINCE 2)", 32),
        ("a STORE 1 FLAGS (\\Recent)", 17),
        ("a STORE 1 FLAGS", 15),
        ("a STORE 1 FLAGS \\", 17),
        ("a STORE 1 *FLAGS ()", 10),
        ("a COPY 1", 8),
        ("a COMPRESS LZW", 11),
        ("a SETQUOTA x (STORAGE)", 21),
        ("a APPEND x", 10),
        ("a APPEND x {3}\r\nabc", 14),
    ] {
        let error = parse(line).unwrap_err();
        assert_eq!(error.error.at(), at, "{line:?}: {error}");
        assert_eq!(error.tag.is_some(), line.starts_with("a "), "{line:?}");
    }
}

#[test]
fn no_secret_in_debug_or_errors() {
    for line in [
        "a LOGIN mrose hunter2 x",
        "a LOGIN mrose \"hunter2",
        "a AUTHENTICATE PLAIN hunter2",
        "hunter2",
        "a hunter2",
        "a UID hunter2",
        "AGJvYgBodW50ZXIy=hunter2",
    ] {
        let error = parse(line).unwrap_err();
        assert!(!format!("{error:?} {error}").contains("hunter"), "{line}: {error}");
    }
    for line in ["a LOGIN mrose hunter2", "a AUTHENTICATE PLAIN aHVudGVyMg=="] {
        let command = parse(line).unwrap();
        let shown = format!("{command:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("104, 117"), "{shown}");
        assert_eq!(unit(&command.encode(LiteralMode::Plus, false)), line);
    }
}

#[test]
fn nul_and_line_ends_stand_in_no_quoted_string() {
    for octet in [0, b'\r', b'\n'] {
        for before in ["a LOGIN x \"se", "a SELECT \"se", "a SEARCH TEXT \"a\\\"b", "a ID (\"se"] {
            let mut line = before.as_bytes().to_vec();
            line.push(octet);
            line.extend_from_slice(b"cret\")");
            let error = parse(line).unwrap_err();
            assert_eq!(error.error.kind(), ParseErrorKind::Forbidden(octet), "{before}");
            assert_eq!(error.error.at(), before.len());
        }
    }
    let error = parse(&b"a SEARCH TEXT {3}\r\na\0b"[..]).unwrap_err();
    assert_eq!((error.error.kind(), error.error.at()), (ParseErrorKind::Forbidden(0), 20));
    assert!(parse(&b"a SEARCH TEXT \"\xc3\xa4\""[..]).is_err());
    let utf8 = ParseOptions { utf8: true, ..ParseOptions::default() };
    assert!(Command::parse(&Bytes::from_static(b"a SEARCH TEXT \"\xc3\xa4\""), &utf8).is_ok());
    assert!(Command::parse(&Bytes::from_static(b"a SEARCH TEXT \"\xc3\""), &utf8).is_err());
    let name = Command::parse(&Bytes::from_static(b"a SELECT \"\xc3\xa4&-\""), &utf8).unwrap();
    assert!(matches!(name.body, CommandBody::Select(select) if select.mailbox.as_str() == "ä&-"));
}

#[test]
fn a_million_parentheses() {
    let started = std::time::Instant::now();
    for line in [
        format!("a SEARCH {}", "(".repeat(1_000_000)),
        format!("a SEARCH {}SEEN{}", "(".repeat(1_000_000), ")".repeat(1_000_000)),
        format!("a FETCH 1 {}", "(".repeat(1_000_000)),
        format!("a LIST {}", "(".repeat(1_000_000)),
        format!("a SORT {}", "(".repeat(1_000_000)),
        format!("a ID {}", "(".repeat(1_000_000)),
        format!("a STORE 1 FLAGS {}", "(".repeat(1_000_000)),
        format!("a SELECT x {}", "(".repeat(1_000_000)),
        format!("a FETCH 1 BODY[HEADER.FIELDS {}", "(".repeat(1_000_000)),
        format!("a FETCH 1 BODY[{}1]", "1.".repeat(1_000_000)),
        format!("a FETCH 1 ({}FLAGS)", "FLAGS ".repeat(300_000)),
        format!("a SEARCH {}SEEN", "SEEN ".repeat(300_000)),
    ] {
        assert!(parse(line).is_err());
    }
    let nested = format!("a SEARCH {}SEEN DRAFT{}", "(".repeat(100_000), ")".repeat(100_000));
    let options = ParseOptions { max_search_keys: usize::MAX, ..ParseOptions::default() };
    let command = Command::parse(&nested.clone().into(), &options).unwrap();
    assert_eq!(unit(&command.encode(LiteralMode::Plus, false)).len(), nested.len());
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}

#[test]
fn not_and_or_nested_a_hundred_thousand_deep() {
    let options = ParseOptions { max_search_keys: 1_000_000, ..ParseOptions::default() };
    for (one, values) in
        [("NOT ", [true, false]), ("OR DRAFT ", [true, false]), ("OR NOT (DRAFT SEEN) ", [true, true])]
    {
        let line = Bytes::from(format!("a SEARCH {}SEEN", one.repeat(100_000)));
        let error = Command::parse(&line, &ParseOptions::default()).unwrap_err();
        assert_eq!(error.error.kind(), ParseErrorKind::TooLong { what: "a search", limit: 1000 });
        let command = Command::parse(&line, &options).unwrap();
        assert_eq!(unit(&command.encode(LiteralMode::Plus, false)), line);
        let CommandBody::Search(search) = command.body else { panic!() };
        for (seen, value) in [true, false].into_iter().zip(values) {
            assert_eq!(search.keys.evaluate(|key| seen && *key == SearchKey::Seen), value, "{one} {seen}");
        }
    }
    let deep = format!("a SEARCH {}SEEN", "OR ".repeat(100_000));
    assert_eq!(Command::parse(&deep.clone().into(), &options).unwrap_err().error.at(), deep.len());
}

#[test]
fn a_tag_of_ten_kilobytes() {
    let error = parse(format!("{} NOOP", "x".repeat(10_240))).unwrap_err();
    assert_eq!(error.tag, None);
    assert_eq!(error.error.kind(), ParseErrorKind::TooLong { what: "a tag", limit: Tag::LIMIT });
    assert!(parse(format!("{} NOOP", "x".repeat(Tag::LIMIT))).is_ok());
    assert!(Tag::parse("a b").is_err() && Tag::parse("").is_err() && Tag::parse("a\r\n").is_err());
}

#[test]
fn a_program_of_keys_is_whole() {
    use SearchKey::*;
    for keys in [
        vec![],
        vec![Not],
        vec![Or, Seen],
        vec![Seen, Seen],
        vec![And(0)],
        vec![And(2), Seen],
        vec![And(usize::MAX), Seen],
    ] {
        assert!(SearchKeys::new(keys.clone()).is_err(), "{keys:?}");
    }
    assert!(SearchKeys::new(vec![Larger(1 << 63)]).is_err());
    assert!(SearchKeys::single(Or).is_err());
    let mut asked = Vec::new();
    let keys = SearchKeys::new(vec![And(3), Seen, Or, Draft, Not, And(2), New, Old, Recent]).unwrap();
    keys.evaluate(|key| {
        asked.push(key.clone());
        false
    });
    assert_eq!(asked, [Seen], "nothing more is asked than is needed");
}

#[test]
fn literals_wait_as_the_mode_says() {
    let tag = Tag::parse("a").unwrap();
    let password = |len: usize, octet: char| format!("{octet}{}", "x".repeat(len - 1));
    for (mode, password, waits) in [
        (LiteralMode::Synchronizing, password(1, '\r'), true),
        (LiteralMode::Minus, password(1, '\n'), false),
        (LiteralMode::Minus, password(4096, '\n'), false),
        (LiteralMode::Minus, password(4097, '\n'), true),
        (LiteralMode::Plus, password(4097, '\n'), false),
        (LiteralMode::Plus, password(1, '\0'), true),
    ] {
        let fragments = CommandBody::Login(Credentials::new("x", password)).encode(&tag, mode, false);
        assert_eq!(fragments.len(), 2);
        assert_eq!(fragments[0].is_synchronizing(), waits, "{mode:?}");
    }
}

/// Line ends are where the grammar has them and nowhere else; NUL nowhere but in a literal8.
fn is_one_command(fragments: &[Fragment]) -> bool {
    fragments.iter().all(|fragment| {
        let header = fragment.header();
        let inside = &header[..header.len() - 2];
        header.ends_with(b"\r\n")
            && !inside.iter().any(|octet| matches!(octet, 0 | b'\r' | b'\n'))
            && match fragment {
                Fragment::Literal { octets, .. } => {
                    !octets.contains(&0) || inside.windows(2).any(|two| two == b"~{")
                }
                _ => true,
            }
    })
}

#[test]
fn no_argument_ends_its_line() {
    let tag = Tag::parse("a").unwrap();
    for hostile in [
        "x\r\nb DELETE INBOX",
        "x\nb",
        "x\rb",
        "x\0b",
        "\"",
        "\\",
        "{3}",
        "{3+}\r\nabc",
        "x\r\n",
        ") b",
        "ü\r\n",
    ] {
        let octets = Bytes::copy_from_slice(hostile.as_bytes());
        assert!(
            Atom::parse(hostile).is_err() && Tag::parse(hostile).is_err() && Flag::parse(hostile).is_err()
        );
        assert!(Capability::parse(hostile).is_err() && SpecialUse::parse(hostile).is_err());
        assert!(SequenceSet::parse(hostile).is_err() && UidSet::parse(hostile).is_err());
        let fields = SectionText::HeaderFields(vec![octets.clone()]);
        let key = |key| SearchKeys::single(key).unwrap();
        let keys = [
            SearchKey::Bcc(octets.clone()),
            SearchKey::Body(octets.clone()),
            SearchKey::Cc(octets.clone()),
            SearchKey::From(octets.clone()),
            SearchKey::Header { field: octets.clone(), value: octets.clone() },
            SearchKey::Subject(octets.clone()),
            SearchKey::Text(octets.clone()),
            SearchKey::To(octets.clone()),
        ];
        let mut bodies = vec![
            CommandBody::Login(Credentials::new(octets.clone(), "x")),
            CommandBody::Login(Credentials::new("x", octets.clone())),
            CommandBody::Authenticate {
                mechanism: Atom::parse("PLAIN").unwrap(),
                initial_response: Some(Secret::new(octets.to_vec())),
            },
            CommandBody::Id(Some(vec![(octets.clone(), Some(octets.clone()))])),
            CommandBody::GetQuota { root: octets.clone() },
            CommandBody::SetQuota { root: octets.clone(), limits: Vec::new() },
            CommandBody::Sort(Sort {
                uid: false,
                return_options: None,
                criteria: vec![SortCriterion { reverse: false, key: SortKey::Date }],
                charset: octets.clone(),
                keys: key(SearchKey::All),
            }),
            CommandBody::Search(Search {
                uid: false,
                return_options: None,
                charset: Some(octets.clone()),
                keys: key(SearchKey::All),
            }),
        ];
        bodies.extend(keys.into_iter().map(|one| {
            CommandBody::Search(Search { uid: false, return_options: None, charset: None, keys: key(one) })
        }));
        if let Ok(section) = Section::new(Vec::new(), fields) {
            let items = vec![FetchItem::Section { peek: true, section, partial: None }];
            bodies.push(CommandBody::Fetch(Fetch::new(false, SequenceSet::all(), items)));
        } else {
            assert!(hostile.contains(['\r', '\n', '\0', ' ', 'ü']), "{hostile:?}");
        }
        match MailboxName::new(hostile) {
            Ok(mailbox) => bodies.extend([
                CommandBody::Delete { mailbox: mailbox.clone() },
                CommandBody::Rename { from: mailbox.clone(), to: mailbox.clone() },
                CommandBody::Select(Select::new(mailbox.clone(), false)),
                CommandBody::Lsub { reference: mailbox, pattern: ListPattern::new(hostile).unwrap() },
            ]),
            Err(_) => assert!(hostile.contains(['\r', '\n', '\0']) && ListPattern::new(hostile).is_err()),
        }
        for body in bodies {
            for mode in [LiteralMode::Synchronizing, LiteralMode::Minus, LiteralMode::Plus] {
                for utf8 in [false, true] {
                    let fragments = body.encode(&tag, mode, utf8);
                    assert!(is_one_command(&fragments), "{hostile:?} {fragments:?}");
                    let again =
                        Command::parse(&unit(&fragments), &ParseOptions { utf8, ..ParseOptions::default() });
                    match again {
                        Ok(again) => assert_eq!(format!("{:?}", again.body), format!("{body:?}")),
                        Err(error) => assert!(hostile.contains('\0'), "{hostile:?}: {error} {fragments:?}"),
                    }
                }
            }
        }
    }
}

#[test]
fn append_up_to_its_messages() {
    let options = ParseOptions::default();
    let first = |head: &'static str| AppendHead::parse_first(&Bytes::from_static(head.as_bytes()), &options);
    for head in [
        "a APPEND saved-messages (\\Seen) {326}",
        "a APPEND x {0}",
        "a APPEND \"two words\" (\\Seen $x) \"17-Jul-1996 02:44:25 -0700\" {9223372036854775807}",
        "a APPEND x \" 7-Jul-1996 02:44:25 +0000\" ~{5}",
        "a APPEND x UTF8 (~{5}",
    ] {
        let read = first(head).unwrap().unwrap();
        let fragments = read.encode(LiteralMode::Synchronizing, false);
        assert_eq!(fragments.len(), 1);
        assert_eq!(fragments[0].header(), &format!("{head}\r\n"));
        assert!(
            matches!(fragments[0], Fragment::Stream { len, synchronizing: true, .. } if len == read.message.len)
        );
    }
    let read = first("a append {5}\r\nInbox () {3+}").unwrap().unwrap();
    assert!(read.mailbox.is_inbox() && !read.message.synchronizing && read.message.len == 3);
    for head in ["a APPEND {5}", "a APPEND {5+}", "a LOGIN {5}", "a SEARCH TEXT {5}", "a", "", "* {3}"] {
        assert!(matches!(first(head), Ok(None)), "{head}");
    }
    for (head, at) in [
        ("a APPEND x x {3}", 11),
        ("a APPEND x (\\Recent) {3}", 12),
        ("a APPEND x (\\Seen {3}", 18),
        ("a APPEND x \"1-Jul-1996 02:44:25 -0700\" {3}", 12),
        ("a APPEND x \"31-Jun-1996 02:44:25 -0700\" {3}", 12),
        ("a APPEND x \"01-Jun-1996 24:44:25 -0700\" {3}", 12),
        ("a APPEND x UTF8 ({3}", 17),
        ("a APPEND x {9223372036854775808}", 12),
        ("a APPEND &x- {3}", 11),
    ] {
        let error = first(head).unwrap_err();
        assert_eq!((error.error.at(), error.tag.is_some()), (at, true), "{head}: {error}");
    }
}

#[test]
fn several_messages_in_one_append() {
    let options = ParseOptions::default();
    let plain = AppendMessage::new(AppendOptions::default(), 3);
    let utf8 = AppendMessage { utf8: true, binary: true, ..plain.clone() };
    let dated =
        AppendMessage::new(AppendOptions { flags: vec![Flag::Draft], date: DateTime::from_unix(0, 0) }, 4);
    assert_eq!(plain.parse_next(&Bytes::new(), &options).unwrap(), None);
    assert_eq!(utf8.parse_next(&")".into(), &options).unwrap(), None);
    assert_eq!((plain.end(), utf8.end()), ("\r\n".into(), ")\r\n".into()));
    assert!(plain.parse_next(&")".into(), &options).is_err());
    assert!(utf8.parse_next(&Bytes::new(), &options).is_err());
    assert!(plain.parse_next(&" ".into(), &options).is_err());
    assert!(plain.parse_next(&" x".into(), &options).is_err());
    for before in [&plain, &utf8, &dated] {
        for next in [&plain, &utf8, &dated] {
            let fragments = next.encode_next(before, LiteralMode::Synchronizing);
            let header = fragments[0].header();
            let unit = header.slice(..header.len() - 2);
            assert_eq!(before.parse_next(&unit, &options).unwrap().as_ref(), Some(next));
        }
    }
}

#[test]
fn what_may_run_together() {
    let class = |line: &str| parse(format!("a {line}")).unwrap().body.class();
    for (first, second, join, follow) in [
        ("FETCH 1 FLAGS", "FETCH 2 BODY.PEEK[]", true, true),
        ("FETCH 1 FLAGS", "STORE 1 FLAGS ()", false, true),
        ("STORE 1 FLAGS ()", "FETCH 1 FLAGS", false, true),
        ("FETCH 1 BODY[]", "FETCH 1 FLAGS", false, true),
        ("NOOP", "FETCH 1 FLAGS", true, false),
        ("UID FETCH 1 FLAGS", "FETCH 1 FLAGS", true, false),
        ("UID FETCH 1 FLAGS", "UID FETCH 1 FLAGS", true, true),
        ("UID FETCH 1 FLAGS", "UID SEARCH 1", true, false),
        ("EXPUNGE", "UID FETCH 1 FLAGS", false, true),
        ("EXPUNGE", "FETCH 1 FLAGS", false, false),
        ("SELECT x", "FETCH 1 FLAGS", false, false),
        ("FETCH 1 FLAGS", "SELECT x", false, true),
        ("IDLE", "NOOP", false, false),
        ("UID SEARCH RETURN (SAVE) ALL", "UID FETCH $ FLAGS", false, true),
        ("UID FETCH $ FLAGS", "UID SEARCH RETURN (SAVE) ALL", false, true),
        ("UID SEARCH RETURN (SAVE) ALL", "UID SEARCH UID $", false, true),
        ("UID SEARCH RETURN (COUNT) ALL", "UID FETCH $ FLAGS", true, true),
        ("LIST \"\" *", "UID FETCH 1 FLAGS", true, true),
        ("CREATE x", "LIST \"\" *", false, true),
        ("COPY 1 x", "COPY 2 x", false, false),
    ] {
        assert_eq!(class(second).may_join(class(first)), join, "{first} | {second}");
        assert_eq!(class(second).may_follow(class(first)), follow, "{first} > {second}");
    }
    for (line, tells, holds) in [
        ("FETCH 1 FLAGS", false, true),
        ("STORE 1 FLAGS ()", false, true),
        ("SEARCH ALL", false, true),
        ("SORT (DATE) UTF-8 ALL", false, true),
        ("THREAD REFERENCES UTF-8 ALL", false, true),
        ("UID FETCH 1 FLAGS", true, false),
        ("UID SEARCH 1:*", true, false),
        ("NOOP", true, false),
        ("COPY 1 x", true, false),
        ("MOVE 1 x", true, false),
        ("EXPUNGE", true, false),
    ] {
        assert_eq!((class(line).tells_expunges(), class(line).holds_expunges()), (tells, holds), "{line}");
    }
}

// ---- any command

fn octets() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        4 => "[a-zA-Z0-9@.]{0,8}".prop_map(Bytes::from),
        2 => "[ -~]{0,12}".prop_map(Bytes::from),
        1 => any::<String>().prop_map(|text| Bytes::from(text.replace('\0', ""))),
        1 => prop::collection::vec(1_u8..=255, 0..12).prop_map(Bytes::from),
    ]
}

fn atom() -> impl Strategy<Value = Atom> {
    "[a-zA-Z0-9$_.&/=+-]{1,8}".prop_map(|text| Atom::parse(text).unwrap())
}

fn mailbox() -> impl Strategy<Value = MailboxName> {
    prop_oneof!["[a-zA-Z/]{0,8}", "[ -~äß日\u{1f600}]{0,8}", "(?i:inbox)", any::<String>()]
        .prop_filter_map("no name", |name| MailboxName::new(name).ok())
}

fn pattern() -> impl Strategy<Value = ListPattern> {
    "[a-z/%*&ä\" ]{0,8}".prop_map(|text| ListPattern::new(text).unwrap())
}

fn messages() -> impl Strategy<Value = Messages> {
    prop_oneof![4 => sequence_set().prop_map(Messages::Set), 1 => Just(Messages::Saved)]
}

fn flag() -> impl Strategy<Value = Flag> {
    prop_oneof![
        Just(Flag::Seen),
        Just(Flag::Deleted),
        Just(Flag::Draft),
        atom().prop_map(Flag::Keyword),
        "[A-Z][a-z]{0,3}".prop_map(|name| Flag::parse(format!("\\{name}")).unwrap()),
    ]
    .prop_filter("no client may set it", |flag| *flag != Flag::Recent)
}

fn date() -> impl Strategy<Value = Date> {
    (0_u16..=9999, 1_u8..=12, 1_u8..=28).prop_map(|(year, month, day)| Date::new(year, month, day).unwrap())
}

fn mod_seq() -> impl Strategy<Value = ModSeq> {
    (0..=i64::MAX as u64).prop_map(|value| ModSeq::new(value).unwrap())
}

fn nonzero() -> impl Strategy<Value = NonZeroU32> {
    (1_u32..).prop_map(|value| NonZeroU32::new(value).unwrap())
}

fn leaf() -> impl Strategy<Value = SearchKey> {
    let entry = prop_oneof![Just(EntryType::All), Just(EntryType::Private), Just(EntryType::Shared)];
    prop_oneof![
        prop_oneof![
            Just(SearchKey::All),
            Just(SearchKey::Seen),
            Just(SearchKey::New),
            Just(SearchKey::Undraft),
            Just(SearchKey::SaveDateSupported),
        ],
        octets().prop_map(SearchKey::From),
        octets().prop_map(SearchKey::Text),
        (octets(), octets()).prop_map(|(field, value)| SearchKey::Header { field, value }),
        date().prop_map(SearchKey::Since),
        date().prop_map(SearchKey::SavedOn),
        atom().prop_map(SearchKey::Unkeyword),
        atom().prop_map(SearchKey::EmailId),
        (0..=i64::MAX as u64).prop_map(SearchKey::Larger),
        nonzero().prop_map(SearchKey::Younger),
        messages().prop_map(SearchKey::Uid),
        messages().prop_map(SearchKey::Sequence),
        (prop::option::of((flag(), entry)), mod_seq())
            .prop_map(|(entry, value)| SearchKey::ModSeq { entry, value }),
    ]
}

fn program() -> impl Strategy<Value = Vec<SearchKey>> {
    leaf().prop_map(|key| vec![key]).prop_recursive(4, 24, 4, |inner| {
        let under = |key: SearchKey, operands: Vec<Vec<SearchKey>>| {
            core::iter::once(key).chain(operands.into_iter().flatten()).collect::<Vec<_>>()
        };
        prop_oneof![
            inner.clone().prop_map(move |one| under(SearchKey::Not, vec![one])),
            inner.clone().prop_map(move |one| under(SearchKey::Fuzzy, vec![one])),
            (inner.clone(), inner.clone()).prop_map(move |(one, two)| under(SearchKey::Or, vec![one, two])),
            prop::collection::vec(inner, 1..4).prop_map(move |all| under(SearchKey::And(all.len()), all)),
        ]
    })
}

fn keys() -> impl Strategy<Value = SearchKeys> {
    program().prop_map(|keys| SearchKeys::new(keys).unwrap())
}

fn partial_range() -> impl Strategy<Value = PartialRange> {
    (nonzero(), nonzero(), any::<bool>()).prop_map(|(first, last, from_end)| PartialRange {
        first,
        last,
        from_end,
    })
}

fn returns() -> impl Strategy<Value = SearchReturn> {
    (any::<[bool; 5]>(), prop::option::of(partial_range())).prop_map(
        |([min, max, all, count, save], partial)| {
            let returns = SearchReturn { min, max, all, count, save, partial };
            if returns == SearchReturn::default() { SearchReturn { all: true, ..returns } } else { returns }
        },
    )
}

fn section() -> impl Strategy<Value = Section> {
    let names = || prop::collection::vec("[!-9;-~]{1,6}".prop_map(Bytes::from), 1..3);
    let text = prop_oneof![
        Just(SectionText::Whole),
        Just(SectionText::Header),
        Just(SectionText::Text),
        Just(SectionText::Mime),
        names().prop_map(SectionText::HeaderFields),
        names().prop_map(SectionText::HeaderFieldsNot),
    ];
    (prop::collection::vec(nonzero(), 0..4), text)
        .prop_filter_map("MIME of no part", |(part, text)| Section::new(part, text).ok())
}

fn fetch_item() -> impl Strategy<Value = FetchItem> {
    let partial = || {
        prop::option::of(
            (0..=i64::MAX as u64, 1..=i64::MAX as u64).prop_map(|(offset, len)| Partial { offset, len }),
        )
    };
    let part = || prop::collection::vec(nonzero(), 0..3);
    prop_oneof![
        prop_oneof![
            Just(FetchItem::Uid),
            Just(FetchItem::Body),
            Just(FetchItem::Rfc822Text),
            Just(FetchItem::ModSeq),
            Just(FetchItem::SaveDate),
        ],
        any::<bool>().prop_map(|lazy| FetchItem::Preview { lazy }),
        (any::<bool>(), section(), partial()).prop_map(|(peek, section, partial)| FetchItem::Section {
            peek,
            section,
            partial
        }),
        (any::<bool>(), part(), partial()).prop_map(|(peek, part, partial)| FetchItem::Binary {
            peek,
            part,
            partial
        }),
        part().prop_map(|part| FetchItem::BinarySize { part }),
    ]
}

fn status_items() -> impl Strategy<Value = Vec<StatusItem>> {
    let item =
        prop_oneof![Just(StatusItem::Messages), Just(StatusItem::Size), Just(StatusItem::DeletedStorage)];
    prop::collection::vec(item, 1..4)
}

fn list() -> impl Strategy<Value = List> {
    let selection =
        any::<[bool; 4]>().prop_map(|[subscribed, remote, recursive, special_use]| ListSelection {
            subscribed,
            remote,
            recursive_match: recursive && (subscribed || special_use),
            special_use,
        });
    let returns = (any::<[bool; 4]>(), prop_oneof![Just(Vec::new()), status_items()]).prop_map(
        |([subscribed, children, special_use, my_rights], status)| ListReturn {
            subscribed,
            children,
            special_use,
            my_rights,
            status,
        },
    );
    (selection, mailbox(), prop::collection::vec(pattern(), 1..3), returns).prop_map(
        |(selection, reference, patterns, returns)| List { selection, reference, patterns, returns },
    )
}

fn select() -> impl Strategy<Value = Select> {
    let pairs = prop::collection::vec((1_u32..99, 1_u32..99), 1..4).prop_map(|pairs| {
        let (numbers, uids): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        (numbers.into_iter().collect::<UidSet>(), uids.into_iter().collect::<UidSet>())
    });
    let qresync = (nonzero(), mod_seq(), prop::option::of(uid_set()), prop::option::of(pairs)).prop_map(
        |(uid_validity, mod_seq, known_uids, sequence_match)| QResync {
            uid_validity,
            mod_seq,
            known_uids,
            sequence_match,
        },
    );
    (mailbox(), any::<bool>(), any::<bool>(), prop::option::of(qresync)).prop_map(
        |(mailbox, read_only, condstore, qresync)| Select { mailbox, read_only, condstore, qresync },
    )
}

fn fetch() -> impl Strategy<Value = Fetch> {
    let items = prop::collection::vec(fetch_item(), 1..4);
    (any::<[bool; 2]>(), messages(), items, prop::option::of(mod_seq()), prop::option::of(partial_range()))
        .prop_map(|([uid, vanished], messages, items, changed_since, partial)| Fetch {
            uid,
            messages,
            items,
            changed_since,
            vanished: vanished && uid && changed_since.is_some(),
            partial: partial.filter(|_| uid),
        })
}

fn store() -> impl Strategy<Value = Store> {
    let operation =
        prop_oneof![Just(StoreOperation::Replace), Just(StoreOperation::Add), Just(StoreOperation::Remove)];
    let flags = prop::collection::vec(flag(), 0..4);
    (any::<[bool; 2]>(), messages(), prop::option::of(mod_seq()), operation, flags).prop_map(
        |([uid, silent], messages, unchanged_since, operation, flags)| Store {
            uid,
            messages,
            unchanged_since,
            operation,
            silent,
            flags,
        },
    )
}

fn body() -> impl Strategy<Value = CommandBody> {
    let simple = prop_oneof![
        Just(CommandBody::Noop),
        Just(CommandBody::Idle),
        Just(CommandBody::Compress),
        Just(CommandBody::Expunge { uids: None }),
    ];
    let session = prop_oneof![
        (octets(), octets())
            .prop_map(|(user, password)| CommandBody::Login(Credentials::new(user, password))),
        (atom(), prop::option::of(prop::collection::vec(any::<u8>(), 0..20))).prop_map(
            |(mechanism, response)| {
                CommandBody::Authenticate { mechanism, initial_response: response.map(Secret::new) }
            }
        ),
        prop::option::of(prop::collection::vec((octets(), prop::option::of(octets())), 0..4))
            .prop_map(CommandBody::Id),
        prop::collection::vec(atom().prop_map(Capability::new), 1..4).prop_map(CommandBody::Enable),
        select().prop_map(CommandBody::Select),
    ];
    let special_use = prop::collection::vec(
        prop_oneof![
            Just(SpecialUse::Sent),
            "[a-z]{3}".prop_map(|name| SpecialUse::parse(format!("\\{name}")).unwrap())
        ],
        0..3,
    );
    let resource = prop_oneof![Just(QuotaResource::Storage), atom().prop_map(QuotaResource::new)];
    let limit = (resource, 0..=i64::MAX as u64).prop_map(|(resource, limit)| QuotaLimit { resource, limit });
    let names = prop_oneof![
        (mailbox(), special_use)
            .prop_map(|(mailbox, special_use)| CommandBody::Create { mailbox, special_use }),
        mailbox().prop_map(|mailbox| CommandBody::Delete { mailbox }),
        (mailbox(), mailbox()).prop_map(|(from, to)| CommandBody::Rename { from, to }),
        list().prop_map(CommandBody::List),
        (mailbox(), pattern()).prop_map(|(reference, pattern)| CommandBody::Lsub { reference, pattern }),
        (mailbox(), status_items()).prop_map(|(mailbox, items)| CommandBody::Status { mailbox, items }),
        mailbox().prop_map(|mailbox| CommandBody::GetQuotaRoot { mailbox }),
        (octets(), prop::collection::vec(limit, 0..3))
            .prop_map(|(root, limits)| CommandBody::SetQuota { root, limits }),
    ];
    let criterion = (any::<bool>(), prop_oneof![Just(SortKey::Date), Just(SortKey::DisplayTo)])
        .prop_map(|(reverse, key)| SortCriterion { reverse, key });
    let algorithm = prop_oneof![Just(ThreadAlgorithm::References), atom().prop_map(ThreadAlgorithm::new)];
    let selected = prop_oneof![
        messages().prop_map(|uids| CommandBody::Expunge { uids: Some(uids) }),
        (any::<bool>(), prop::option::of(returns()), prop::option::of(octets()), keys()).prop_map(
            |(uid, return_options, charset, keys)| CommandBody::Search(Search {
                uid,
                return_options,
                charset,
                keys
            })
        ),
        (
            any::<bool>(),
            prop::option::of(returns()),
            prop::collection::vec(criterion, 1..3),
            octets(),
            keys()
        )
            .prop_map(|(uid, return_options, criteria, charset, keys)| {
                CommandBody::Sort(Sort { uid, return_options, criteria, charset, keys })
            }),
        (any::<bool>(), algorithm, octets(), keys()).prop_map(|(uid, algorithm, charset, keys)| {
            CommandBody::Thread(Thread { uid, algorithm, charset, keys })
        }),
        fetch().prop_map(CommandBody::Fetch),
        store().prop_map(CommandBody::Store),
        (any::<bool>(), messages(), mailbox()).prop_map(|(uid, messages, mailbox)| CommandBody::Copy {
            uid,
            messages,
            mailbox
        }),
        (any::<bool>(), messages(), mailbox()).prop_map(|(uid, messages, mailbox)| CommandBody::Move {
            uid,
            messages,
            mailbox
        }),
    ];
    prop_oneof![1 => simple, 3 => session, 4 => names, 6 => selected]
}

/// The meaning of a program, in the plainest way.
fn meaning<'a>(keys: &'a [SearchKey], matches: &dyn Fn(&SearchKey) -> bool) -> (bool, &'a [SearchKey]) {
    let (first, mut rest) = keys.split_first().unwrap();
    let mut values = Vec::new();
    for _ in 0..first.operands() {
        let (value, left) = meaning(rest, matches);
        values.push(value);
        rest = left;
    }
    let value = match first {
        SearchKey::And(_) => values.iter().all(|&value| value),
        SearchKey::Or => values.iter().any(|&value| value),
        SearchKey::Not => !values[0],
        SearchKey::Fuzzy => values[0],
        leaf => matches(leaf),
    };
    (value, rest)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn printed_and_read_a_command_is_the_same(
        body in body(),
        tag in "[a-zA-Z0-9.\\]]{1,9}",
        mode in prop_oneof![Just(LiteralMode::Synchronizing), Just(LiteralMode::Minus), Just(LiteralMode::Plus)],
        utf8 in any::<bool>(),
    ) {
        let tag = Tag::parse(tag).unwrap();
        let fragments = body.encode(&tag, mode, utf8);
        prop_assert!(is_one_command(&fragments));
        let printed = unit(&fragments);
        let options = ParseOptions { utf8, ..ParseOptions::default() };
        let again = match Command::parse(&printed, &options) {
            Ok(again) => again,
            Err(error) => return Err(TestCaseError::fail(format!("{error}: {}", text(&printed)))),
        };
        prop_assert_eq!(&again.tag, &tag);
        prop_assert_eq!(format!("{:?}", again.body), format!("{body:?}"));
        prop_assert_eq!(unit(&again.encode(mode, utf8)), printed);
    }

    #[test]
    fn keys_are_evaluated_as_they_mean(keys in program(), seed in any::<u64>()) {
        let matches = |key: &SearchKey| {
            let text = format!("{key:?}");
            (seed >> (text.len() % 64)) & 1 == 1
        };
        let program = SearchKeys::new(keys.clone()).unwrap();
        prop_assert_eq!(program.evaluate(matches), meaning(&keys, &matches).0);
    }

    #[test]
    fn a_command_that_was_damaged_never_panics(line in prop::sample::select(CANONICAL), at in any::<prop::sample::Index>(), octet in any::<u8>(), cut in any::<bool>()) {
        let mut unit = line.as_bytes().to_vec();
        let at = at.index(unit.len());
        if cut { unit.truncate(at) } else { unit[at] = octet }
        let unit = Bytes::from(unit);
        if let Ok(command) = Command::parse(&unit, &ParseOptions::default()) {
            let printed = self::unit(&command.encode(LiteralMode::Plus, false));
            let again = Command::parse(&printed, &ParseOptions::default()).unwrap();
            prop_assert_eq!(format!("{again:?}"), format!("{command:?}"));
        }
        let _ = AppendHead::parse_first(&unit, &ParseOptions::default());
        let _ = AppendMessage::new(AppendOptions::default(), 1).parse_next(&unit, &ParseOptions::default());
    }

    #[test]
    fn octets_never_panic(octets in prop::collection::vec(any::<u8>(), 0..60)) {
        let unit = Bytes::from([&b"a "[..], &octets].concat());
        let _ = Command::parse(&unit, &ParseOptions::default());
        let _ = Command::parse(&Bytes::from(octets), &ParseOptions::default());
    }
}
