//! IMAP: the client against `serve`, and against peers that misbehave.

use crate::office::{Counter, Office, UID_VALIDITY, config, date, name};
use postroad_core::Secret;
use postroad_imap::client::{Error as SessionError, NotNowReason, ServerFault, State};
use postroad_imap::command::{FetchItem, SearchKey, SearchKeys, SearchReturn, StoreOperation};
use postroad_imap::response::ResponseCode;
use postroad_imap::server;
use postroad_imap::types::{
    AppendOptions, Capability, Flag, ListPattern, MailboxName, Section, SequenceSet, StatusItem,
};
use postroad_tokio::imap::{Client, ClientError, ClientOptions, Fetched, News, SectionEnd, TlsPolicy, serve};
use postroad_tokio::{Error, MaybeTls, ServeOptions, Tap, Tapped};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;

pub(crate) type Served = JoinHandle<Result<(), Error<server::Error>>>;

pub(crate) fn served_as<Io>(
    io: MaybeTls<Io>,
    config: server::Config,
    office: &Arc<Office>,
    options: ServeOptions,
) -> Served
where
    Io: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let handler = Counter(office.clone());
    tokio::spawn(async move { serve(io, Arc::new(config), &handler, options).await })
}

pub(crate) fn served(io: DuplexStream, office: &Arc<Office>) -> Served {
    served_as(MaybeTls::Plain(io), config(), office, ServeOptions::default())
}

pub(crate) fn in_the_clear() -> ClientOptions {
    let mut options = ClientOptions { policy: TlsPolicy::None, ..ClientOptions::default() };
    options.config.login_without_tls = true;
    options
}

pub(crate) async fn logged_in(io: DuplexStream) -> Client<DuplexStream> {
    let mut client = Client::open(MaybeTls::Plain(io), in_the_clear()).await.unwrap();
    client.login("mrose", "tan staaf").await.unwrap();
    client
}

/// A client with INBOX selected.
pub(crate) async fn selected(office: &Arc<Office>) -> Client<DuplexStream> {
    let (a, b) = duplex(4096);
    drop(served(a, office));
    let mut client = logged_in(b).await;
    client.select(&MailboxName::inbox()).await.unwrap();
    client
}

pub(crate) fn set(text: &str) -> SequenceSet {
    SequenceSet::parse(text).unwrap()
}

fn uid(uid: u32) -> NonZeroU32 {
    NonZeroU32::new(uid).unwrap()
}

pub(crate) fn whole() -> FetchItem {
    FetchItem::Section { peek: true, section: Section::default(), partial: None }
}

fn code(error: ClientError) -> Option<ResponseCode> {
    match error {
        ClientError::Refused(status) => status.code,
        other => panic!("{other:?}"),
    }
}

/// A server that says what the test says: each line it expects, and what it answers.
pub(crate) async fn script(io: &mut DuplexStream, talk: &[(&str, &str)]) {
    for (expected, answer) in talk {
        let mut line = Vec::new();
        while !expected.is_empty() && !line.ends_with(b"\r\n") {
            line.push(io.read_u8().await.unwrap());
        }
        assert_eq!(String::from_utf8_lossy(&line).trim_end(), expected.trim_end());
        io.write_all(answer.as_bytes()).await.unwrap();
    }
}

#[tokio::test]
async fn a_session_from_login_to_logout() {
    let office = Office::new(&[
        b"From: Alice <alice@crepes.example>\r\nSubject: one\r\n\r\nhello\r\n",
        "Subject: zwei\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGrüße\r\n".as_bytes(),
        b"Subject: three\r\n\r\nbye\r\n",
    ]);
    let (a, b) = duplex(256);
    let server = served(a, &office);
    let mut client = Client::open(MaybeTls::Plain(b), in_the_clear()).await.unwrap();
    let error = client.login("mrose", "wrong").await.unwrap_err();
    assert_eq!(code(error), Some(ResponseCode::AuthenticationFailed));
    client.login("mrose", "tan staaf").await.unwrap();
    assert!(client.capabilities().unwrap().has(&Capability::Idle));
    assert_eq!(client.session().state(), State::Authenticated);

    // mailboxes
    client.create(&name("Entwürfe")).await.unwrap();
    assert_eq!(code(client.create(&name("Trash")).await.unwrap_err()), Some(ResponseCode::AlreadyExists));
    client.subscribe(&name("Entwürfe")).await.unwrap();
    client.rename(&name("Entwürfe"), &name("Drafts & more")).await.unwrap();
    let all = client.list(ListPattern::new("*").unwrap()).await.unwrap();
    let names: Vec<&str> = all.iter().map(|list| list.mailbox.as_str()).collect();
    assert_eq!(names, ["Drafts & more", "INBOX", "Trash"]);
    let subscribed = client.lsub(ListPattern::new("*").unwrap()).await.unwrap();
    assert_eq!(subscribed.len(), 1);
    client.unsubscribe(&name("Drafts & more")).await.unwrap();
    assert!(client.lsub(ListPattern::new("*").unwrap()).await.unwrap().is_empty());
    client.delete(&name("Drafts & more")).await.unwrap();
    assert_eq!(client.namespace().await.unwrap().personal[0].delimiter, Some('/'));
    let status = client.status(&name("INBOX"), vec![StatusItem::Messages, StatusItem::Unseen]).await.unwrap();
    assert_eq!((status.messages, status.unseen), (Some(3), Some(3)));

    // a mailbox
    assert_eq!(code(client.select(&name("Nowhere")).await.unwrap_err()), Some(ResponseCode::NonExistent));
    let inbox = client.select(&MailboxName::inbox()).await.unwrap();
    assert_eq!((inbox.exists, inbox.uid_validity, inbox.uid_next), (3, Some(UID_VALIDITY), Some(4)));
    assert!(inbox.flags.contains(&Flag::Seen) && !inbox.is_read_only);
    assert_eq!(client.news().count(), 0);

    // searching
    let keys = SearchKeys::single(SearchKey::Text("grüße".into())).unwrap();
    assert_eq!(client.uid_search(keys).await.unwrap().to_string(), "2");
    let none = SearchKeys::single(SearchKey::Deleted).unwrap();
    assert!(client.uid_search(none).await.unwrap().is_empty());
    let all = SearchKeys::single(SearchKey::All).unwrap();
    let returns = SearchReturn { count: true, max: true, ..SearchReturn::default() };
    let found = client.uid_search_return(all, returns).await.unwrap();
    assert_eq!((found.count, found.max), (Some(3), Some(3)));

    // reading
    let mut rows = client.uid_fetch(set("1:2"), vec![FetchItem::Envelope, FetchItem::Flags, whole()]);
    let mut subjects = Vec::new();
    while let Some(fetched) = rows.next().await {
        let Fetched::Row(row) = fetched.unwrap() else { panic!() };
        let subject = row.envelope().unwrap().subject().unwrap().into_owned();
        subjects.push(String::from_utf8(subject).unwrap());
        assert_eq!(row.flags().unwrap().count(), 0);
        assert!(row.section(&Section::default()).unwrap().starts_with(b"From: ") || row.uid() == Some(2));
    }
    assert_eq!(subjects, ["one", "zwei"]);
    let mut text = Vec::new();
    let section = Section::parse("TEXT").unwrap();
    let end = client.uid_fetch_section(uid(1), section.clone(), &mut text).await.unwrap();
    assert_eq!((end, &text[..]), (SectionEnd::Written(7), &b"hello\r\n"[..]));
    let end = client.uid_fetch_section(uid(9), section, &mut text).await.unwrap();
    assert_eq!(end, SectionEnd::NoMessage);
    let section = Section::parse("1.2.3").unwrap();
    let end = client.uid_fetch_section(uid(1), section, &mut text).await.unwrap();
    assert_eq!((end, text.len()), (SectionEnd::NoSection, 7));

    // changing
    client.uid_store(set("2"), StoreOperation::Add, vec![Flag::Flagged, Flag::Seen]).await.unwrap();
    assert_eq!(office.mails("INBOX")[1].flags, [Flag::Flagged, Flag::Seen]);
    let copied = client.uid_copy(set("1:2"), &name("Trash")).await.unwrap().unwrap();
    assert_eq!((copied.source.to_string(), copied.destination.to_string()), ("1:2".into(), "1:2".into()));
    assert_eq!(
        code(client.uid_copy(set("1"), &name("No")).await.unwrap_err()),
        Some(ResponseCode::TryCreate)
    );
    let moved = client.uid_move(set("3"), &name("Trash")).await.unwrap().unwrap();
    assert_eq!((moved.source.to_string(), moved.destination.to_string()), ("3".into(), "3".into()));
    assert_eq!(client.news().last(), Some(News::Expunge(3)));
    let options = AppendOptions { flags: vec![Flag::Draft], date: Some(date()) };
    let message = b"Subject: mine\r\n\r\nsaved\r\n";
    let appended =
        client.append(&name("INBOX"), options, message.len() as u64, &message[..]).await.unwrap().unwrap();
    assert_eq!((appended.uid_validity, appended.uids.to_string()), (UID_VALIDITY, "4".into()));
    assert_eq!(office.mails("INBOX")[2].flags, [Flag::Draft]);
    assert_eq!(client.news().last(), Some(News::Exists(3)));
    client.uid_store(set("1,2"), StoreOperation::Add, vec![Flag::Deleted]).await.unwrap();
    client.uid_expunge(set("2")).await.unwrap();
    assert_eq!(client.news().last(), Some(News::Expunge(2)));
    client.expunge().await.unwrap();
    assert_eq!(client.news().last(), Some(News::Expunge(1)));
    client.noop().await.unwrap();
    assert_eq!(client.session().exists(), Some(1));
    client.unselect().await.unwrap();
    let trash = client.examine(&name("Trash")).await.unwrap();
    assert!(trash.is_read_only && trash.exists == 3);
    client.close().await.unwrap();
    assert_eq!(client.session().state(), State::Authenticated);
    client.logout().await.unwrap();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn with_imap4rev2_names_are_utf_8_and_searches_esearch() {
    let office = Office::new(&[b"Subject: one\r\n\r\n\xc3\xa4\r\n"]);
    office.folders().insert("Entwürfe".into(), crate::office::Folder::default());
    let mut client = selected(&office).await;
    let enabled = client.enable(vec![Capability::Imap4Rev2]).await.unwrap();
    assert_eq!(enabled, [Capability::Imap4Rev2]);
    assert!(client.session().is_utf8());
    client.select(&name("Entwürfe")).await.unwrap();
    client.select(&MailboxName::inbox()).await.unwrap();
    let keys = SearchKeys::single(SearchKey::Body("Ä".into())).unwrap();
    assert_eq!(client.uid_search(keys).await.unwrap().to_string(), "1");
    let list = client.list(ListPattern::new("E%").unwrap()).await.unwrap();
    assert_eq!(list[0].mailbox.as_str(), "Entwürfe");
}

#[tokio::test]
async fn a_large_message_comes_in_pieces_and_whole() {
    let large = b"Subject: large\r\n\r\n0123456789\r\n".repeat(40_000);
    let office = Office::new(&[&large, b"Subject: small\r\n\r\nhi\r\n"]);
    let mut client = selected(&office).await;
    let mut rows = client.uid_fetch(SequenceSet::all(), vec![FetchItem::Size, whole(), FetchItem::Flags]);
    let (mut octets, mut seen) = (Vec::new(), Vec::new());
    while let Some(fetched) = rows.next().await {
        match fetched.unwrap() {
            Fetched::Body { number, body, .. } => {
                assert_eq!((number, body.len), (1, large.len() as u64));
                assert_eq!(body.section, Some(Section::default()));
            }
            Fetched::Chunk(chunk) => octets.extend_from_slice(&chunk),
            Fetched::Row(row) => seen.push((row.uid().unwrap(), row.size().unwrap(), row.flags().is_some())),
            other => panic!("{other:?}"),
        }
    }
    assert!(octets == large);
    assert_eq!(seen, [(1, large.len() as u64, true), (2, 22, true)]);
    let mut again = Vec::new();
    let end = client.uid_fetch_section(uid(1), Section::default(), &mut again).await.unwrap();
    assert!(end == SectionEnd::Written(large.len() as u64) && again == large);
}

#[tokio::test]
async fn sasl_by_any_mechanism_and_where_login_is_disabled() {
    let office = Office::new(&[]);
    let plain = Secret::new(b"\0mrose\0tan staaf".to_vec());
    // With and without an initial response; given up; wrong.
    for (initial, answers, good) in [
        (Some(plain.clone()), None, true),
        (None, Some(plain.clone()), true),
        (None, None, false),
        (Some(Secret::new(b"\0mrose\0wrong".to_vec())), None, false),
    ] {
        let (a, b) = duplex(4096);
        let mut config = config();
        config.login = false;
        drop(served_as(MaybeTls::Plain(a), config, &office, ServeOptions::default()));
        let mut client = Client::open(MaybeTls::Plain(b), in_the_clear()).await.unwrap();
        assert!(client.capabilities().unwrap().has(&Capability::LoginDisabled));
        let result = client.authenticate("PLAIN", initial, |_| answers.clone()).await;
        assert_eq!(result.is_ok(), good, "{result:?}");
        assert!(good || matches!(result, Err(ClientError::Refused(_))));
        let error = client.authenticate("X-NO", None, |_| None).await.unwrap_err();
        assert!(matches!(error, ClientError::NotNow(_)), "{error:?}");
        if !good {
            // LOGIN is disabled: this is PLAIN.
            client.login("mrose", "tan staaf").await.unwrap();
        }
        assert_eq!(client.session().state(), State::Authenticated);
        client.logout().await.unwrap();
    }
}

#[tokio::test]
async fn nothing_is_said_in_the_clear_unless_that_is_said() {
    let office = Office::new(&[]);
    // TLS is required, and not offered.
    let (a, b) = duplex(4096);
    drop(served(a, &office));
    let error = Client::open(MaybeTls::Plain(b), ClientOptions::default()).await.unwrap_err();
    assert!(matches!(error, ClientError::TlsNotOffered(None)), "{error:?}");
    // No TLS is wanted, but neither is a password in the clear.
    let (a, b) = duplex(4096);
    drop(served(a, &office));
    let options = ClientOptions { policy: TlsPolicy::None, ..ClientOptions::default() };
    let mut client = Client::open(MaybeTls::Plain(b), options).await.unwrap();
    let error = client.login("mrose", "tan staaf").await.unwrap_err();
    assert!(matches!(error, ClientError::NotNow(NotNowReason::NeedsTls)), "{error:?}");
    client.noop().await.unwrap();
}

#[tokio::test]
async fn preauth_without_tls_is_refused_where_tls_is_required() {
    let (mut a, b) = duplex(4096);
    a.write_all(b"* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] hello\r\n").await.unwrap();
    let error = Client::open(MaybeTls::Plain(b), ClientOptions::default()).await.unwrap_err();
    assert!(
        matches!(
            error,
            ClientError::Connection(Error::Session(SessionError::Server(ServerFault::PreauthInClear)))
        ),
        "{error:?}"
    );
    // Where it is not, there is nothing to log in to.
    let (mut a, b) = duplex(4096);
    a.write_all(b"* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] hello\r\n").await.unwrap();
    let options = ClientOptions { policy: TlsPolicy::Opportunistic, ..ClientOptions::default() };
    let client = Client::open(MaybeTls::Plain(b), options).await.unwrap();
    assert_eq!(client.session().state(), State::Authenticated);
}

#[tokio::test]
async fn starttls_is_refused_or_answered_with_more_than_it_should() {
    for (answer, injected) in [("A1 NO not today\r\n", false), ("A1 OK go\r\n* OK injected\r\n", true)] {
        let (mut a, b) = duplex(4096);
        let server = tokio::spawn(async move {
            let greeting = "* OK [CAPABILITY IMAP4rev1 STARTTLS] hello\r\n";
            script(&mut a, &[("", greeting), ("A1 STARTTLS", answer)]).await;
            a
        });
        let error = Client::open(MaybeTls::Plain(b), ClientOptions::default()).await.unwrap_err();
        match error {
            ClientError::TlsNotOffered(Some(status)) if !injected => {
                assert_eq!(status.text.as_str(), "not today");
            }
            ClientError::Connection(Error::Session(SessionError::Server(
                ServerFault::InjectedBeforeTls { .. },
            ))) if injected => {}
            other => panic!("{other:?}"),
        }
        drop(server.await.unwrap());
    }
}

#[cfg(feature = "rustls")]
#[tokio::test]
async fn starttls_and_the_implicit_kind() {
    use crate::certificates;
    use postroad_tokio::rustls::pki_types::ServerName;
    use postroad_tokio::tls::{HANDSHAKE, accept, connect};
    let (acceptor, connector) = certificates::pair();
    let host = ServerName::try_from("localhost").unwrap();
    let office = Office::new(&[b"Subject: one\r\n\r\nhello\r\n"]);
    let mut config = config();
    config.starttls = true;
    config.login_without_tls = false;

    let (a, b) = duplex(64 * 1024);
    let options = ServeOptions { tls: Some(acceptor.clone()), ..ServeOptions::default() };
    let server = served_as(MaybeTls::Plain(a), config.clone(), &office, options);
    let tls = Some((connector.clone(), host.clone()));
    let options = ClientOptions { tls: tls.clone(), ..ClientOptions::default() };
    let mut client = Client::open(MaybeTls::Plain(b), options).await.unwrap();
    assert!(client.io().is_tls() && !client.capabilities().unwrap().has(&Capability::StartTls));
    client.login("mrose", "tan staaf").await.unwrap();
    assert_eq!(client.select(&MailboxName::inbox()).await.unwrap().exists, 1);
    client.logout().await.unwrap();
    server.await.unwrap().unwrap();
    assert_eq!(office.tls.load(Ordering::SeqCst), 1);

    // Who is not who it must be is not told the password.
    let (a, b) = duplex(64 * 1024);
    let options = ServeOptions { tls: Some(acceptor.clone()), ..ServeOptions::default() };
    drop(served_as(MaybeTls::Plain(a), config.clone(), &office, options));
    let stranger = Some((certificates::pair().1, host.clone()));
    let options = ClientOptions { tls: stranger, ..ClientOptions::default() };
    let error = Client::open(MaybeTls::Plain(b), options).await.unwrap_err();
    assert!(matches!(error, ClientError::Tls(_)), "{error:?}");

    let (a, b) = duplex(64 * 1024);
    let (server, client) =
        tokio::join!(accept(&acceptor, a, HANDSHAKE), connect(&connector, host, b, HANDSHAKE));
    drop(served_as(server.unwrap(), config, &office, ServeOptions::default()));
    let mut client = Client::open(client.unwrap(), ClientOptions::default()).await.unwrap();
    client.login("mrose", "tan staaf").await.unwrap();
    client.noop().await.unwrap();
    assert_eq!(office.tls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn who_listens_hears_everything_once_and_in_order() {
    let heard = Arc::new(std::sync::Mutex::new((Vec::new(), Vec::new())));
    let tap = {
        let heard = heard.clone();
        Tap::new(move |said| {
            let mut heard = heard.lock().unwrap();
            match said {
                Tapped::Received(octets) => heard.0.extend_from_slice(octets),
                Tapped::Sent(octets) => heard.1.extend_from_slice(octets),
            }
        })
    };
    let (mut a, b) = duplex(64);
    let large = "x".repeat(100_000);
    let talk = format!("* 1 FETCH (UID 1 BODY[] {{100000}}\r\n{large})\r\nA2 OK done\r\n");
    let answer = talk.clone();
    let server = tokio::spawn(async move {
        let greeting = "* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n";
        let select = ("A1 SELECT INBOX", "* 1 EXISTS\r\nA1 OK\r\n");
        script(&mut a, &[("", greeting), select, ("A2 UID FETCH 1 BODY.PEEK[]", &answer)]).await;
        a
    });
    let options = ClientOptions { tap: Some(tap), ..in_the_clear() };
    let mut client = Client::open(MaybeTls::Plain(b), options).await.unwrap();
    client.select(&MailboxName::inbox()).await.unwrap();
    client.uid_fetch_section(uid(1), Section::default(), &mut tokio::io::sink()).await.unwrap();
    drop(server.await.unwrap());
    let (received, sent) = heard.lock().unwrap().clone();
    let received = String::from_utf8(received).unwrap();
    assert!(
        received.starts_with("* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n* 1 EXISTS\r\nA1 OK\r\n* 1 FETCH")
    );
    assert!(received.ends_with(&talk));
    assert_eq!(String::from_utf8(sent).unwrap(), "A1 SELECT INBOX\r\nA2 UID FETCH 1 BODY.PEEK[]\r\n");
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_no_empty_answer() {
    let (mut a, b) = duplex(4096);
    let server = tokio::spawn(async move {
        let talk = [
            ("", "* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n"),
            ("A1 SELECT INBOX", "* 3 EXISTS\r\n* OK [UIDVALIDITY 7] so\r\nA1 OK [READ-WRITE] done\r\n"),
            ("A2 UID SEARCH ALL", "* SEARCH 1 99999999999\r\nA2 OK done\r\n"),
            ("A3 UID SEARCH SEEN", "A3 OK nothing\r\n"),
            ("A4 STATUS Trash (MESSAGES)", "A4 OK what?\r\n"),
            ("A5 UID FETCH 1 FLAGS", "* 1 FETCH nonsense\r\nA5 OK done\r\n"),
            ("A6 NOOP", "* BYE [UNAVAILABLE] power cut\r\n"),
        ];
        script(&mut a, &talk).await;
        a
    });
    let mut client = Client::open(MaybeTls::Plain(b), in_the_clear()).await.unwrap();
    client.select(&MailboxName::inbox()).await.unwrap();
    let all = SearchKeys::single(SearchKey::All).unwrap();
    let error = client.uid_search(all).await.unwrap_err();
    assert!(matches!(error, ClientError::Malformed(_)), "{error:?}");
    // Old servers say nothing when they find nothing.
    let seen = SearchKeys::single(SearchKey::Seen).unwrap();
    assert!(client.uid_search(seen).await.unwrap().is_empty());
    let error = client.status(&name("Trash"), vec![StatusItem::Messages]).await.unwrap_err();
    assert!(matches!(error, ClientError::Missing("STATUS")), "{error:?}");
    let mut rows = client.uid_fetch(set("1"), vec![FetchItem::Flags]);
    assert!(matches!(rows.next().await, Some(Ok(Fetched::Malformed(_)))));
    assert!(rows.next().await.is_none() && rows.next().await.is_none());
    let error = client.noop().await.unwrap_err();
    let ClientError::Closed(Some(status)) = error else { panic!("{error:?}") };
    assert_eq!(status.code, Some(ResponseCode::Unavailable));
    assert_eq!(client.news().count(), 0);
    drop(server.await.unwrap());
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_gathered() {
    let office = Office::new(&[]);
    for number in 0..1000 {
        office.folders().insert(format!("folder {number}"), crate::office::Folder::default());
    }
    let (a, b) = duplex(4096);
    drop(served(a, &office));
    let options = ClientOptions { max_gathered: 10_000, ..in_the_clear() };
    let mut client = Client::open(MaybeTls::Plain(b), options).await.unwrap();
    client.login("mrose", "tan staaf").await.unwrap();
    let error = client.list(ListPattern::new("*").unwrap()).await.unwrap_err();
    assert!(matches!(error, ClientError::TooMuch), "{error:?}");
    // The rest of it is skipped.
    let trash = client.list(ListPattern::new("T%").unwrap()).await.unwrap();
    assert_eq!(trash.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_given_up() {
    let (_a, b) = duplex(4096);
    let error = Client::open(MaybeTls::Plain(b), ClientOptions::default()).await.unwrap_err();
    assert!(matches!(error, ClientError::Connection(Error::Session(_))), "{error:?}");
    let (mut a, b) = duplex(4096);
    a.write_all(b"* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n").await.unwrap();
    let mut client = Client::open(MaybeTls::Plain(b), in_the_clear()).await.unwrap();
    let began = tokio::time::Instant::now();
    let error = client.noop().await.unwrap_err();
    assert!(matches!(error, ClientError::Connection(Error::Session(_))), "{error:?}");
    let waited = began.elapsed().as_secs();
    assert!((300..=305).contains(&waited), "{waited}"); // and the farewell
}
