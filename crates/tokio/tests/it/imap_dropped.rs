//! IMAP: calls that are dropped before their end, and IDLE.

use crate::imap::{in_the_clear, logged_in, script, selected, served, set, whole};
use crate::office::{Office, name};
use postroad_imap::client::Event;
use postroad_imap::command::{CommandBody, FetchItem, StoreOperation};
use postroad_imap::response::ResponseCode;
use postroad_imap::types::{AppendOptions, Atom, Flag, MailboxName, Section, SequenceSet};
use postroad_tokio::MaybeTls;
use postroad_tokio::imap::{Client, ClientError, Fetched, News};
use std::io;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, ReadBuf, duplex};
use tokio::time::{sleep, timeout};

const SOON: Duration = Duration::from_millis(50);

#[tokio::test]
async fn a_fetch_dropped_within_a_literal() {
    let large = b"Subject: large\r\n\r\n0123456789\r\n".repeat(20_000);
    let office = Office::new(&[&large, b"Subject: small\r\n\r\nhi\r\n", &large]);
    let mut client = selected(&office).await;
    let mut rows = client.uid_fetch(SequenceSet::all(), vec![whole()]);
    assert!(matches!(rows.next().await, Some(Ok(Fetched::Body { .. }))));
    assert!(matches!(rows.next().await, Some(Ok(Fetched::Chunk(_)))));
    drop(rows);
    client.noop().await.unwrap();
    // Again, and then the same once more: what is left of the first is not taken for the second.
    let mut rows = client.uid_fetch(SequenceSet::all(), vec![whole()]);
    assert!(matches!(rows.next().await, Some(Ok(Fetched::Body { .. }))));
    drop(rows);
    let mut rows = client.uid_fetch(SequenceSet::all(), vec![whole()]);
    let (mut octets, mut uids) = (0, Vec::new());
    while let Some(fetched) = rows.next().await {
        match fetched.unwrap() {
            Fetched::Chunk(chunk) => octets += chunk.len(),
            Fetched::Row(row) => uids.push(row.uid().unwrap()),
            _ => {}
        }
    }
    assert_eq!((octets, uids), (2 * large.len(), vec![1, 2, 3]));
    assert_eq!(client.news().count(), 0);
    client.logout().await.unwrap();
}

#[tokio::test]
async fn every_call_may_be_dropped_anywhere() {
    let large = b"Subject: large\r\n\r\n0123456789\r\n".repeat(3000);
    let office = Office::new(&[&large, b"Subject: small\r\n\r\nhi\r\n"]);
    let mut client = selected(&office).await;
    for polls in 0..40 {
        let mut left = polls;
        // Polled so often, then dropped.
        let fetch = async {
            let mut rows = client.uid_fetch(SequenceSet::all(), vec![FetchItem::Flags, whole()]);
            while rows.next().await.is_some() {}
        };
        let mut fetch = std::pin::pin!(fetch);
        std::future::poll_fn(|context| {
            if left == 0 {
                return Poll::Ready(());
            }
            left -= 1;
            context.waker().wake_by_ref();
            fetch.as_mut().poll(context)
        })
        .await;
        tokio::task::yield_now().await;
    }
    let mut message = Vec::new();
    let uid = std::num::NonZeroU32::MIN;
    client.uid_fetch_section(uid, Section::default(), &mut message).await.unwrap();
    assert!(message == large);
}

/// A message that has the first octets and then never the others.
struct Stalled(usize);

impl AsyncRead for Stalled {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.0 == 0 {
            return Poll::Pending;
        }
        let octets = self.0.min(buffer.remaining());
        buffer.put_slice(&vec![b'x'; octets]);
        self.0 -= octets;
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn an_append_dropped_within_its_message_closes_the_connection() {
    // In the beginning of the literal, in the middle, and a short one, which needs no leave.
    for (len, there) in [(100_000, 0), (100_000, 50_000), (1000, 10)] {
        let office = Office::new(&[]);
        let mut client = selected(&office).await;
        let inbox = MailboxName::inbox();
        let append = client.append(&inbox, AppendOptions::default(), len, Stalled(there));
        timeout(SOON, append).await.unwrap_err();
        let error = client.noop().await.unwrap_err();
        assert!(matches!(error, ClientError::Interrupted), "{error:?}");
        assert!(client.logout().await.is_err());
        sleep(SOON).await;
        assert!(office.mails("INBOX").is_empty());
        assert!(office.received.load(Ordering::SeqCst) <= there as u64);
    }
}

#[tokio::test]
async fn an_append_dropped_after_its_message_does_no_harm() {
    let (mut a, b) = duplex(4096);
    let server = tokio::spawn(async move {
        let talk = [
            ("", "* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+] hello\r\n"),
            ("A1 APPEND INBOX {7+}", ""),
            ("hello", ""),
            ("\r\n", ""),
        ];
        script(&mut a, &talk).await;
        sleep(2 * SOON).await;
        script(&mut a, &[("", "A1 OK\r\n"), ("A2 NOOP", "A2 OK\r\n")]).await;
        a
    });
    let mut client = Client::open(MaybeTls::Plain(b), in_the_clear()).await.unwrap();
    let inbox = MailboxName::inbox();
    let append = client.append(&inbox, AppendOptions::default(), 7, &b"hello\r\n"[..]);
    timeout(SOON, append).await.unwrap_err();
    assert_eq!(client.session().in_flight(), 1);
    client.noop().await.unwrap();
    assert_eq!(client.session().in_flight(), 0);
    drop(server.await.unwrap());
}

#[tokio::test]
async fn a_message_that_is_too_short_is_not_stored() {
    let office = Office::new(&[]);
    let mut client = selected(&office).await;
    let message = &b"Subject: short\r\n\r\n"[..];
    let error =
        client.append(&MailboxName::inbox(), AppendOptions::default(), 10_000, message).await.unwrap_err();
    assert!(matches!(error, ClientError::Body(_)), "{error:?}");
    assert!(client.noop().await.is_err());
    assert!(office.mails("INBOX").is_empty());
}

#[tokio::test]
async fn an_append_that_is_refused_leaves_the_connection_in_order() {
    let office = Office::new(&[]);
    let mut client = selected(&office).await;
    let options = AppendOptions::default;
    // Before the message: it is not even sent. And a small one, which is sent without leave.
    for len in [100_000, 100] {
        let error = client.append(&name("No"), options(), len, tokio::io::repeat(b'x')).await.unwrap_err();
        let ClientError::Refused(status) = error else { panic!("{error:?}") };
        assert_eq!(status.code, Some(ResponseCode::TryCreate));
        client.noop().await.unwrap();
    }
    // Within the message: the disk is full.
    let message = [&b"x".repeat(50_000)[..], b"full", &b"x".repeat(50_000)].concat();
    let inbox = MailboxName::inbox();
    let append = client.append(&inbox, options(), message.len() as u64, &message[..]);
    let ClientError::Refused(status) = append.await.unwrap_err() else { panic!() };
    assert_eq!(status.code, Some(ResponseCode::OverQuota));
    client.noop().await.unwrap();
    // Too large.
    let inbox = MailboxName::inbox();
    let append = client.append(&inbox, options(), 1 << 40, tokio::io::repeat(b'x'));
    let error = append.await.unwrap_err();
    assert!(matches!(error, ClientError::NotNow(_)), "{error:?}");
    client.append(&MailboxName::inbox(), options(), 5, &b"x: y\n"[..]).await.unwrap();
    assert_eq!(office.mails("INBOX").len(), 1);
    client.logout().await.unwrap();
}

#[tokio::test]
async fn news_come_while_idle_and_beside_commands() {
    let office = Office::new(&[b"a: b\r\n\r\n", b"c: d\r\n\r\n"]);
    let mut client = selected(&office).await;
    let mut other = selected(&office).await;
    timeout(SOON, client.idle()).await.unwrap_err();
    office.deliver("INBOX", b"e: f\r\n\r\n");
    assert_eq!(client.idle().await.unwrap(), News::Exists(3));
    // IDLE is still in force: nothing is missed in between.
    other.uid_store(set("1"), StoreOperation::Add, vec![Flag::Seen]).await.unwrap();
    let News::Row(row) = client.idle().await.unwrap() else { panic!() };
    assert_eq!((row.number(), row.flags().unwrap().collect::<Vec<_>>()), (1, vec![Flag::Seen]));
    office.remove("INBOX", 2);
    assert_eq!(client.idle().await.unwrap(), News::Expunge(2));
    // Another command ends it.
    client.noop().await.unwrap();
    office.deliver("INBOX", b"g: h\r\n\r\n");
    client.noop().await.unwrap();
    assert_eq!(client.news().collect::<Vec<_>>(), [News::Exists(3)]);
    assert_eq!(client.session().exists(), Some(3));
    // Dropped, and what it heard is not lost.
    timeout(SOON, client.idle()).await.unwrap_err();
    office.deliver("INBOX", b"i: j\r\n\r\n");
    sleep(SOON).await;
    client.noop().await.unwrap();
    assert_eq!(client.news().collect::<Vec<_>>(), [News::Exists(4)]);
    // The other has been told too, and no more of the first mailbox once it has left.
    other.noop().await.unwrap();
    office.deliver("INBOX", b"k: l\r\n\r\n");
    other.select(&name("Trash")).await.unwrap();
    assert_eq!(other.news().count(), 0);
    client.logout().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn idle_is_renewed_in_time_and_begun_anew() {
    let (mut a, b) = duplex(4096);
    let server = tokio::spawn(async move {
        let began = tokio::time::Instant::now();
        script(
            &mut a,
            &[
                ("", "* PREAUTH [CAPABILITY IMAP4rev1 IDLE] hello\r\n"),
                ("A1 SELECT INBOX", "* 3 EXISTS\r\nA1 OK [READ-WRITE] done\r\n"),
                ("A2 IDLE", "+ idling\r\n"),
                ("DONE", "A2 OK\r\n"),
                ("A3 IDLE", "+ idling\r\n"),
            ],
        )
        .await;
        assert_eq!(began.elapsed().as_secs(), 28 * 60);
        // A server that ends it by itself, and one that has to say that it is still here.
        sleep(Duration::from_secs(60)).await;
        script(
            &mut a,
            &[
                ("", "* OK still here\r\nA3 OK enough\r\n"),
                ("A4 IDLE", "+ idling\r\n* 4 EXISTS\r\n"),
                ("DONE", "A4 OK\r\n"),
                ("A5 LOGOUT", "* BYE so long\r\nA5 OK\r\n"),
            ],
        )
        .await;
    });
    let mut client = Client::open(MaybeTls::Plain(b), in_the_clear()).await.unwrap();
    client.select(&MailboxName::inbox()).await.unwrap();
    assert_eq!(client.idle().await.unwrap(), News::Exists(4));
    client.logout().await.unwrap();
    server.await.unwrap();
}

#[tokio::test]
async fn idle_is_not_offered_by_everybody() {
    let (mut a, b) = duplex(4096);
    let server = tokio::spawn(async move {
        script(&mut a, &[("", "* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n"), ("A1 NOOP", "A1 OK\r\n")]).await;
        a
    });
    let mut client = Client::open(MaybeTls::Plain(b), in_the_clear()).await.unwrap();
    let error = client.idle().await.unwrap_err();
    assert!(matches!(error, ClientError::NotNow(_)), "{error:?}");
    client.noop().await.unwrap();
    drop(server.await.unwrap());
}

#[tokio::test]
async fn an_exchange_of_sasl_that_was_dropped_is_cancelled() {
    let office = Office::new(&[]);
    // Dropped before its challenge comes, and when it has come.
    for wait in [Duration::ZERO, SOON] {
        let (a, b) = duplex(4096);
        drop(served(a, &office));
        let mut client = Client::open(MaybeTls::Plain(b), in_the_clear()).await.unwrap();
        let id = {
            let mechanism = Atom::parse("PLAIN").unwrap();
            client.send(CommandBody::Authenticate { mechanism, initial_response: None }).unwrap()
        };
        let challenge = timeout(wait, client.next_event()).await;
        match challenge {
            Ok(Ok(Event::Challenge { of, challenge })) => assert!(of == id && challenge.is_empty()),
            Err(_) => assert_eq!(wait, Duration::ZERO),
            other => panic!("{other:?}"),
        }
        client.login("mrose", "tan staaf").await.unwrap();
        client.logout().await.unwrap();

        let (a, b) = duplex(4096);
        drop(served(a, &office));
        let mut client = Client::open(MaybeTls::Plain(b), in_the_clear()).await.unwrap();
        let mut asked = 0;
        let exchange = client.authenticate("PLAIN", None, |_| {
            asked += 1;
            None
        });
        let _ = timeout(wait, exchange).await;
        assert!(asked == 1 || wait.is_zero());
        client.login("mrose", "tan staaf").await.unwrap();
        client.logout().await.unwrap();
    }
}

#[tokio::test]
async fn any_command_may_be_sent_raw() {
    let office = Office::new(&[b"a: b\r\n\r\n"]);
    let mut client = selected(&office).await;
    let check = client.send(CommandBody::Check).unwrap();
    let event = client.next_event().await.unwrap();
    assert!(matches!(event, Event::Done { of, .. } if of == check));
    // What is not waited for is waited for by the next call.
    client.send(CommandBody::Capability).unwrap();
    client.noop().await.unwrap();
    assert_eq!(client.session().in_flight(), 0);
    let answer = client.command(CommandBody::Capability).await.unwrap();
    assert_eq!(answer.responses.len(), 1);
}

#[tokio::test]
async fn a_mailbox_that_goes_away() {
    let office = Office::new(&[b"a: b\r\n\r\n"]);
    office.folders().insert("Old".into(), crate::office::Folder::default());
    let (a, b) = duplex(4096);
    let server = served(a, &office);
    let mut client = logged_in(b).await;
    client.select(&name("Old")).await.unwrap();
    let mut other = selected(&office).await;
    other.delete(&name("Old")).await.unwrap();
    let error = client.idle().await.unwrap_err();
    assert!(matches!(error, ClientError::Closed(Some(_))), "{error:?}");
    assert!(server.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_connection_that_is_lost_within_a_literal_is_no_end_of_it() {
    let (mut a, b) = duplex(4096);
    let server = tokio::spawn(async move {
        let talk = [
            ("", "* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n"),
            ("A1 SELECT INBOX", "* 3 EXISTS\r\nA1 OK [READ-WRITE] done\r\n"),
            ("A2 UID FETCH 1 BODY.PEEK[]", "* 1 FETCH (UID 1 BODY[] {100000}\r\nhello"),
        ];
        script(&mut a, &talk).await;
    });
    let mut client = Client::open(MaybeTls::Plain(b), in_the_clear()).await.unwrap();
    client.select(&MailboxName::inbox()).await.unwrap();
    let mut message = Vec::new();
    let uid = std::num::NonZeroU32::MIN;
    let error = client.uid_fetch_section(uid, Section::default(), &mut message).await.unwrap_err();
    assert!(matches!(error, ClientError::Connection(_)), "{error:?}");
    assert_eq!(message, b"hello");
    server.await.unwrap();
}
