//! Every response is read as it was printed, and what is not known is kept.

use bytes::{Bytes, BytesMut};
use postroad_imap::command::PartialRange;
use postroad_imap::response::{
    Continuation, ESearchResponse, Lenience, ListResponse, MailboxAttribute, MailboxStatus, Namespace,
    NamespaceResponse, Numbers, Parsed, Progress, Quota, QuotaRoot, QuotaUsage, Response, ResponseCode,
    ResponseOptions, ResponseText, SearchResponse, Status, StatusResponse, ThreadMember, ThreadResponse,
};
use postroad_imap::types::{
    Atom, Capabilities, Capability, Flag, FlagPermission, MailboxName, ModSeq, QuotaResource, SpecialUse,
    Tag, UidSet,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

pub(crate) fn strict() -> ResponseOptions {
    ResponseOptions { utf8: false, lenience: Lenience::strict() }
}

pub(crate) fn parse(unit: impl Into<Bytes>) -> Parsed {
    let unit = unit.into();
    Response::parse(&unit, &ResponseOptions::default())
        .unwrap_or_else(|error| panic!("{:?}: {error}", unit.escape_ascii().to_string()))
}

/// Prints, reads strictly, and compares; in UTF-8 and not.
fn round_trip(response: &Response) -> Result<(), TestCaseError> {
    for utf8 in [false, true] {
        let mut out = BytesMut::new();
        response.encode(&mut out, utf8);
        let unit = out.freeze();
        let unit = unit.strip_suffix(b"\r\n").map(Bytes::copy_from_slice).expect("a line ends in CRLF");
        let options = ResponseOptions { utf8, lenience: Lenience::strict() };
        let parsed = Response::parse(&unit, &options)
            .map_err(|error| TestCaseError::fail(format!("{}: {error}", unit.escape_ascii())))?;
        prop_assert_eq!(&parsed.response, response, "{}", unit.escape_ascii());
        prop_assert!(parsed.repairs.is_empty());
    }
    Ok(())
}

fn octets() -> impl Strategy<Value = Bytes> {
    // Anything but NUL, which IMAP cannot say.
    vec(1..=255_u8, 0..12).prop_map(Bytes::from)
}

fn atom_bytes() -> impl Strategy<Value = Bytes> {
    "[A-Za-z][A-Za-z0-9.-]{0,6}".prop_map(Bytes::from)
}

fn atom() -> impl Strategy<Value = Atom> {
    "x-[a-z0-9]{1,6}".prop_map(|text| Atom::parse(text).unwrap())
}

fn mailbox() -> impl Strategy<Value = MailboxName> {
    "[^\\x00-\\x1f\\x7f\u{80}-\u{9f}]{1,12}"
        .prop_filter_map("a mailbox name", |name| MailboxName::new(name).ok())
}

fn numbers() -> impl Strategy<Value = Numbers> {
    vec(1..=u32::MAX, 1..8).prop_map(|numbers| numbers.into_iter().collect())
}

fn uids() -> impl Strategy<Value = UidSet> {
    vec((1..=u32::MAX, 0..5_u32), 1..6).prop_map(|ranges| {
        let mut set = UidSet::new();
        for (first, more) in ranges {
            set.push_range(first..=first.saturating_add(more));
        }
        set
    })
}

fn mod_seq() -> impl Strategy<Value = ModSeq> {
    (1..=ModSeq::MAX.get()).prop_map(|value| ModSeq::new(value).unwrap())
}

fn flag() -> impl Strategy<Value = Flag> {
    prop_oneof![
        Just(Flag::Seen),
        Just(Flag::Answered),
        Just(Flag::Deleted),
        Just(Flag::Recent),
        atom().prop_map(Flag::Keyword),
        atom().prop_map(Flag::Extension),
    ]
}

fn capabilities() -> impl Strategy<Value = Capabilities> {
    let capability = prop_oneof![
        Just(Capability::Imap4Rev2),
        Just(Capability::Idle),
        Just(Capability::LiteralPlus),
        atom().prop_map(Capability::Auth),
        atom().prop_map(Capability::Other),
    ];
    vec(capability, 1..5).prop_map(|capabilities| capabilities.into_iter().collect())
}

fn code() -> impl Strategy<Value = ResponseCode> {
    let url = "imap://[a-z]{1,8}/x".prop_map(Bytes::from);
    let simple = prop_oneof![
        Just(ResponseCode::Alert),
        Just(ResponseCode::TryCreate),
        Just(ResponseCode::ReadOnly),
        Just(ResponseCode::OverQuota),
        Just(ResponseCode::UnknownCte),
        Just(ResponseCode::MetadataTooMany),
        Just(ResponseCode::BadCharset(vec![])),
        Just(ResponseCode::InProgress(None)),
        Just(ResponseCode::AppendLimit(None)),
        any::<u64>().prop_map(|limit| ResponseCode::AppendLimit(Some(limit))),
        any::<u64>().prop_map(ResponseCode::MetadataMaxSize),
        (1..=u32::MAX).prop_map(ResponseCode::UidNext),
        (1..=u32::MAX).prop_map(ResponseCode::UidValidity),
        any::<u32>().prop_map(ResponseCode::Unseen),
        mod_seq().prop_map(ResponseCode::HighestModSeq),
    ];
    let complex = prop_oneof![
        (1..=u32::MAX, uids())
            .prop_map(|(uid_validity, uids)| ResponseCode::AppendUid { uid_validity, uids }),
        (1..=u32::MAX, uids(), uids()).prop_map(|(uid_validity, source, destination)| {
            ResponseCode::CopyUid { uid_validity, source, destination }
        }),
        vec("[ -Z^-~]{1,8}".prop_map(Bytes::from), 1..3).prop_map(ResponseCode::BadCharset),
        capabilities().prop_map(ResponseCode::Capability),
        numbers().prop_map(ResponseCode::Modified),
        vec(flag().prop_map(FlagPermission::Flag), 0..4).prop_map(|mut flags| {
            flags.push(FlagPermission::NewKeywords);
            ResponseCode::PermanentFlags(flags)
        }),
        "[A-Za-z0-9_-]{1,20}".prop_map(|id| ResponseCode::MailboxId(id.into())),
        url.clone().prop_map(ResponseCode::BadUrl),
        url.prop_map(ResponseCode::Referral),
        "[ -~]{0,6}".prop_map(|tag| ResponseCode::NoUpdate(tag.into())),
        (1..=u32::MAX, option::of(1..=u32::MAX))
            .prop_map(|(limit, uid)| ResponseCode::MessageLimit { limit, uid }),
        (option::of("[A-Z][0-9]{1,3}"), option::of(any::<u64>()), option::of(any::<u64>())).prop_map(
            |(tag, done, goal)| {
                ResponseCode::InProgress(Some(Progress { tag: tag.map(Bytes::from), done, goal }))
            }
        ),
        ("X-[A-Z]{1,6}", option::of("[ -Z^-~]{0,12}"))
            .prop_map(|(name, text)| ResponseCode::other(&name, text.as_deref())),
    ];
    prop_oneof![simple, complex]
}

fn status() -> impl Strategy<Value = Response> {
    let status = prop_oneof![Just(Status::Ok), Just(Status::No), Just(Status::Bad)];
    (option::of("[A-Za-z0-9]{1,6}"), status, option::of(code()), "[ -Z^-~][ -~]{0,30}").prop_map(
        |(tag, status, code, text)| {
            let tag = tag.map(|tag| Tag::parse(tag).unwrap());
            Response::Status(StatusResponse { tag, status, code, text: ResponseText::new(text) })
        },
    )
}

fn list() -> impl Strategy<Value = ListResponse> {
    let attribute = prop_oneof![
        Just(MailboxAttribute::NoSelect),
        Just(MailboxAttribute::HasChildren),
        Just(MailboxAttribute::SpecialUse(SpecialUse::Sent)),
        atom().prop_map(MailboxAttribute::Other),
    ];
    (
        vec(attribute, 0..4),
        option::of(prop_oneof![Just('/'), Just('.'), Just('"'), Just('\\')]),
        mailbox(),
        vec(atom_bytes(), 0..3),
        option::of(mailbox()),
    )
        .prop_map(|(attributes, delimiter, mailbox, child_info, old_name)| {
            let mut list = ListResponse::new(mailbox, delimiter);
            list.attributes = attributes;
            list.child_info = child_info;
            list.old_name = old_name;
            list.extended = vec![("X-A".into(), "(1 (2 \"a)\") b)".parse().unwrap())];
            list
        })
}

fn threads() -> impl Strategy<Value = ThreadResponse> {
    vec((any::<bool>(), 0..6_u32), 1..20).prop_map(|steps| {
        let mut members: Vec<ThreadMember> = Vec::new();
        let mut hole = false;
        for (at, (is_hole, depth)) in steps.into_iter().enumerate() {
            let limit = members.last().map_or(0, |last| last.depth + 1);
            // A member that is not there has an answer.
            let depth = if hole { limit } else { depth.min(limit) };
            hole = is_hole;
            members.push(ThreadMember { number: (!hole).then_some(u32::try_from(at).unwrap() + 1), depth });
        }
        if let Some(last) = members.last_mut() {
            last.number = Some(u32::MAX);
        }
        ThreadResponse { members }
    })
}

fn esearch() -> impl Strategy<Value = ESearchResponse> {
    (
        (option::of(octets()), option::of(mailbox()), option::of(1..=u32::MAX), any::<bool>()),
        (option::of(1..=u32::MAX), option::of(1..=u32::MAX), option::of(any::<u32>())),
        option::of(numbers()),
        option::of(mod_seq()),
        option::of((1..1000_u32, option::of(numbers()))),
    )
        .prop_map(|((tag, mailbox, uid_validity, uid), (min, max, count), all, mod_seq, partial)| {
            ESearchResponse {
                tag,
                mailbox,
                uid_validity,
                uid,
                min,
                max,
                count,
                all,
                mod_seq,
                partial: partial.map(|(first, numbers)| {
                    let first = NonZeroU32::new(first).unwrap();
                    let range =
                        PartialRange { first, last: first.saturating_add(7), from_end: first.get() % 2 == 0 };
                    (range, numbers)
                }),
                others: vec![("X-RELEVANCY".parse().unwrap(), "(4 99)".parse().unwrap())],
            }
        })
}

fn mailbox_status() -> impl Strategy<Value = MailboxStatus> {
    (
        mailbox(),
        vec(option::of(any::<u32>()), 6),
        vec(option::of(any::<u64>()), 2),
        option::of(mod_seq()),
        option::of(option::of(any::<u64>())),
        option::of(atom_bytes()),
    )
        .prop_map(|(mailbox, small, large, mod_seq, limit, id)| {
            let mut status = MailboxStatus::new(mailbox);
            status.messages = small[0];
            status.recent = small[1];
            status.uid_next = small[2];
            status.uid_validity = small[3];
            status.unseen = small[4];
            status.deleted = small[5];
            status.size = large[0];
            status.deleted_storage = large[1];
            status.highest_mod_seq = mod_seq;
            status.append_limit = limit;
            status.mailbox_id = id;
            status.others = vec![("X-OTHER".parse().unwrap(), "(a \"b\")".parse().unwrap())];
            status
        })
}

fn namespace() -> impl Strategy<Value = Vec<Namespace>> {
    let one = (mailbox(), option::of(Just('/'))).prop_map(|(prefix, delimiter)| Namespace {
        prefix,
        delimiter,
        extensions: vec![("X-PARAM".into(), "(\"FLAG1\" \"FLAG2\")".parse().unwrap())],
    });
    vec(one, 0..3)
}

fn response() -> impl Strategy<Value = Response> {
    let quota = (octets(), vec((any::<u64>(), any::<u64>()), 0..3)).prop_map(|(root, resources)| Quota {
        root,
        resources: resources
            .into_iter()
            .map(|(usage, limit)| QuotaUsage { resource: QuotaResource::Storage, usage, limit })
            .collect(),
    });
    let id = vec((octets(), option::of(octets())), 0..3);
    prop_oneof![
        status(),
        "[ -~]{0,20}".prop_map(|text| Response::Continuation(Continuation { text: text.into() })),
        capabilities().prop_map(Response::Capability),
        capabilities().prop_map(|c| Response::Enabled(c.iter().cloned().collect())),
        vec(flag(), 0..5).prop_map(Response::Flags),
        list().prop_map(Response::List),
        list().prop_map(Response::Lsub),
        (namespace(), namespace(), namespace()).prop_map(|(personal, other_users, shared)| {
            Response::Namespace(NamespaceResponse { personal, other_users, shared })
        }),
        mailbox_status().prop_map(Response::MailboxStatus),
        (option::of(numbers()), option::of(mod_seq())).prop_map(|(numbers, mod_seq)| {
            Response::Search(SearchResponse { numbers: numbers.unwrap_or_default(), mod_seq })
        }),
        numbers().prop_map(|numbers| Response::Sort(SearchResponse { numbers, mod_seq: None })),
        esearch().prop_map(Response::ESearch),
        threads().prop_map(Response::Thread),
        any::<u32>().prop_map(Response::Exists),
        any::<u32>().prop_map(Response::Recent),
        (1..=u32::MAX).prop_map(Response::Expunge),
        (any::<bool>(), uids()).prop_map(|(earlier, uids)| Response::Vanished { earlier, uids }),
        option::of(id).prop_map(Response::Id),
        quota.prop_map(Response::Quota),
        (mailbox(), vec(octets(), 0..3))
            .prop_map(|(mailbox, roots)| Response::QuotaRoot(QuotaRoot { mailbox, roots })),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn what_is_printed_is_read(response in response()) {
        round_trip(&response)?;
    }

    #[test]
    fn no_octets_make_it_panic(octets in vec(any::<u8>(), 0..80), prefix in 0..8_usize) {
        let prefix = ["", "* ", "* LIST ", "* 1 FETCH (", "* ESEARCH ", "* STATUS ", "A OK [", "* 1 FETCH (ENVELOPE ("][prefix];
        let unit: Bytes = [prefix.as_bytes(), &octets].concat().into();
        for options in [ResponseOptions::default(), strict(), ResponseOptions { utf8: true, ..Default::default() }] {
            let _ = Response::parse(&unit, &options);
        }
    }

    #[test]
    fn no_words_make_it_panic(words in vec(prop_oneof![
        Just("("), Just(")"), Just(" "), Just("NIL"), Just("\"a\""), Just("\"\\\""), Just("{3}\r\nabc"), Just("{9}"), Just("BODY"),
        Just("BODYSTRUCTURE "), Just("ENVELOPE "), Just("7"), Just("BODY["), Just("]"), Just("\"TEXT\""), Just("\"MESSAGE\" \"RFC822\""),
        Just("FLAGS ("), Just("MODSEQ ("), Just("THREAD "), Just("\\"), Just("~"), Just("<1>"), Just("é"),
    ], 0..40), head in 0..3_usize) {
        let head = ["* 1 FETCH (", "* THREAD ", "* 1 FETCH (BODYSTRUCTURE ("][head];
        let unit: Bytes = format!("{head}{}", words.concat()).into();
        let parsed = Response::parse(&unit, &ResponseOptions::default()).expect("leniently read");
        if let Response::Fetch(row) = parsed.response {
            // Every view must bear it.
            let _ = format!("{:?} {:?} {:?}", row.envelope(), row.body_structure(), row.sections().collect::<Vec<_>>());
            let _ = row.body_structure().and_then(|structure| structure.to_body_structure());
        }
        let _ = Response::parse(&unit, &strict());
    }
}

#[test]
fn the_rfc_s_own_examples() {
    // RFC 9051 section 7 and RFC 3501 section 7; each is read strictly, and printed as it was.
    for line in [
        "* OK IMAP4rev2 server ready",
        "* OK [ALERT] System shutdown in 10 minutes",
        "* OK [UNSEEN 17] Message 17 is the first unseen message",
        "* NO Disk is 98% full, please delete unnecessary data",
        "* BYE Autologout; idle for too long",
        "* PREAUTH IMAP4rev2 server logged in as Smith",
        "A222 NO [TRYCREATE] COPY failed",
        "A004 OK [APPENDUID 1511554416 3:5] done",
        "A004 OK [COPYUID 1511554416 142,399 41:42] done",
        "* ENABLED CONDSTORE QRESYNC",
        "* CAPABILITY STARTTLS AUTH=GSSAPI IMAP4rev2 LOGINDISABLED XPIG-LATIN",
        "* LIST (\\Noselect) \"/\" ~/Mail/foo",
        "* LIST (\\NonExistent) \".\" \"\" (CHILDINFO (\"SUBSCRIBED\"))",
        "* LIST () \"/\" NewMailbox (OLDNAME (OldMailbox))",
        "* NAMESPACE ((\"\" \"/\")) ((\"~\" \"/\")) NIL",
        "* STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292)",
        "* ESEARCH UID COUNT 5 ALL 4:19,21,28",
        "* ESEARCH (TAG \"a567\") UID COUNT 5 ALL 4:19,21,28",
        "* ESEARCH (TAG \"a569\")",
        "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)",
        "* 23 EXISTS",
        "* 44 EXPUNGE",
        "* SEARCH 2 3 6",
        "* SEARCH",
        "* 5 RECENT",
        "* VANISHED (EARLIER) 41,43:116,118,120:211,214:540",
        "* THREAD (166)(167)(168)(169)(172)(170)(171)(173)(174 (175)(176)(178)(181)(180))(179)(177 (183)(182)(188)(184)(185)(186)(187)(189))(190)(191)(192)(193)(194 195)(196 (197)(198))(199)(200 202)(201)(203)(204)(205)(206 207)(208)",
        "* THREAD ((3)(5))",
        "* QUOTA \"\" (STORAGE 10 512)",
        "* QUOTAROOT INBOX \"\"",
        "+ Ready for additional command text",
    ] {
        let unit = Bytes::from_static(line.as_bytes());
        let parsed = Response::parse(&unit, &strict()).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert!(!matches!(parsed.response, Response::Unknown(_)), "{line}");
        let mut out = BytesMut::new();
        parsed.response.encode(&mut out, false);
        assert_eq!(out, format!("{line}\r\n"));
    }
}

#[test]
fn what_is_not_known_is_kept() {
    let parsed = parse("* XLIST-STATUS (a (b)) \"c\"");
    let Response::Unknown(unknown) = &parsed.response else { panic!("{parsed:?}") };
    assert!(unknown.name().is("XLIST-STATUS"));
    assert_eq!(unknown.raw(), "XLIST-STATUS (a (b)) \"c\"");
    let parsed = parse("* 12 XNEWS {3}\r\na\r\n");
    let mut out = BytesMut::new();
    parsed.response.encode(&mut out, false);
    assert_eq!(out, "* 12 XNEWS {3}\r\na\r\n\r\n");

    let code = |line: &str| match parse(line.to_owned()).response {
        Response::Status(status) => status.code,
        other => panic!("{other:?}"),
    };
    assert_eq!(code("* OK [XYZZY a \"b c\"] text"), Some(ResponseCode::other("XYZZY", Some("a \"b c\""))));
    assert_eq!(code("* OK [xyzzy] text"), Some(ResponseCode::other("XYZZY", None)));
}

#[test]
fn a_brace_in_a_text_is_no_literal() {
    let Response::Status(status) = parse("* OK still here {5}").response else { panic!("a status") };
    assert_eq!(status.text.as_str(), "still here {5}");
}

#[test]
fn idling_is_no_challenge_unless_asked() {
    let Response::Continuation(continuation) = parse("+ idling").response else { panic!("a continuation") };
    assert_eq!(continuation.text, "idling");
    let Response::Continuation(empty) = parse("+ ").response else { panic!("a continuation") };
    assert_eq!(empty.challenge(), Some(vec![]));
    let Response::Continuation(challenge) = parse("+ cmVhbG0=").response else { panic!("a continuation") };
    assert_eq!(challenge.challenge().as_deref(), Some(&b"realm"[..]));
}

#[test]
fn capabilities_without_imap4rev1_are_fine() {
    let Response::Capability(capabilities) = parse("* CAPABILITY IMAP4rev2 X").response else { panic!() };
    assert!(capabilities.has(&Capability::Imap4Rev2));
    assert!(!capabilities.has(&Capability::Imap4Rev1));
}

#[test]
fn a_tagged_status_is_ok_no_or_bad() {
    for wrong in ["A1 BYE x", "A1 PREAUTH x", "A1 FETCH", "A1", "", " OK x", "A+1 OK x", "A1 OKAY x"] {
        assert!(Response::parse(&Bytes::from(wrong), &ResponseOptions::default()).is_err(), "{wrong}");
    }
    let error = Response::parse(&Bytes::from_static(b"A1 MAYBE x"), &ResponseOptions::default()).unwrap_err();
    assert_eq!(error.at(), 3);
}

fn search_line(count: u32) -> Bytes {
    let mut line = String::from("* SEARCH");
    for number in 0..count {
        line.push(' ');
        // Every second number, so that no ranges can be made.
        line.push_str(&(1_000_000 + number * 2).to_string());
    }
    line.into()
}

#[test]
fn a_search_of_400_000_numbers_takes_linear_time() {
    let time = |count| {
        let line = search_line(count);
        let best = (0..5)
            .map(|_| {
                let start = Instant::now();
                let Response::Search(search) = parse(line.clone()).response else { panic!("a search") };
                assert_eq!(search.numbers.count(), u64::from(count));
                start.elapsed()
            })
            .min();
        best.unwrap_or_default()
    };
    let (small, large) = (time(10_000), time(400_000));
    // Forty times the numbers; quadratic would be 1600 times. The rest is for a machine that is busy with other things.
    assert!(large < small * 400 + Duration::from_millis(50), "{small:?} {large:?}");
}

#[test]
fn numbers_in_a_row_take_no_memory() {
    let line: Vec<String> = (1..=100_000).map(|number| number.to_string()).collect();
    let Response::Search(search) = parse(format!("* SEARCH {}", line.join(" "))).response else {
        panic!("a search")
    };
    assert_eq!(search.numbers.ranges().len(), 1);
    let Response::Vanished { uids, .. } = parse("* VANISHED 1:4294967295").response else { panic!() };
    assert_eq!((uids.count(), uids.ranges().len()), (u64::from(u32::MAX), 1));
}

#[test]
fn nothing_in_a_response_ends_its_line() {
    let evil = "x\r\n* BYE forged\0";
    let bytes = || Bytes::from_static(evil.as_bytes());
    let codes = [
        ResponseCode::Other { name: evil.into(), text: Some(bytes()) },
        ResponseCode::other(evil, Some(evil)),
        ResponseCode::BadCharset(vec![bytes()]),
        ResponseCode::BadUrl(bytes()),
        ResponseCode::Referral(bytes()),
        ResponseCode::BadEvent(bytes()),
        ResponseCode::MailboxId(bytes()),
        ResponseCode::NoUpdate(bytes()),
        ResponseCode::UndefinedFilter(bytes()),
        ResponseCode::InProgress(Some(Progress { tag: Some(bytes()), done: None, goal: None })),
    ];
    let statuses =
        codes.into_iter().map(|code| Response::Status(StatusResponse::untagged(Status::No, code, evil)));
    for response in statuses.chain([Response::Continuation(Continuation { text: bytes() })]) {
        let mut out = BytesMut::new();
        response.encode(&mut out, false);
        let line = out.strip_suffix(b"\r\n").unwrap();
        assert!(!line.iter().any(|octet| matches!(octet, b'\r' | b'\n' | 0)), "{}", out.escape_ascii());
    }
    // Strings become literals, of which no NUL is sent.
    let mut out = BytesMut::new();
    Response::Id(Some(vec![(bytes(), Some(bytes()))])).encode(&mut out, false);
    assert_eq!(out, "* ID ({15}\r\nx\r\n* BYE forged {15}\r\nx\r\n* BYE forged)\r\n");
}

#[test]
fn responses_in_the_rfcs_are_read_strictly_and_printed_the_same() {
    // Where the examples themselves are wrong: spaces too few and too many, parentheses, no text, a number over 32 bits.
    const WRONG: &[&str] = &[
        "+",
        "* OK [UIDVALIDITY 9877410381] UIDs valid",
        "* LIST () \".\"  \"INBOX\"",
        "* LIST (\\Subscribed) \".\"  \"INBOX\"",
        "* NAMESPACE ((\"INBOX.\" \".\")) NIL  NIL",
        "B283 NO [BADCHARSET UTF-8] KOI8-R is not supported",
        "a107 OK",
        "b107 OK",
        "* ESEARCH (TAG \"a00\") (COUNT 17)",
        "a00 OK",
    ];
    let (mut count, mut wrong) = (0, Vec::new());
    for line in include_str!("../transcripts/rfc-responses.txt").lines().filter(|line| !line.starts_with('#'))
    {
        let (rfc, text) = line.split_once(' ').unwrap();
        let Ok(parsed) = Response::parse(&Bytes::from(text), &strict()) else {
            assert!(!parse(text).repairs.is_empty(), "{text}");
            wrong.push(text);
            continue;
        };
        let mut response = parsed.response;
        let mut out = BytesMut::new();
        response.encode(&mut out, false);
        let printed = out.split_to(out.len() - 2).freeze();
        let again = Response::parse(&printed, &strict()).unwrap_or_else(|error| panic!("{text}: {error}"));
        if let Response::Status(status) = &mut response {
            // We always print a text.
            if status.text.as_str().is_empty() {
                status.text = ResponseText::new(status.status.as_str());
            }
        }
        match &response {
            Response::Fetch(row) => assert_eq!(row.raw(), text),
            response => assert_eq!(&again.response, response, "RFC {rfc}: {text}"),
        }
        count += 1;
    }
    assert!(count > 800, "{count}");
    assert_eq!(wrong, WRONG);
}
