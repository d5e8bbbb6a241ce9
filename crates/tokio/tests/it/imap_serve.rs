//! IMAP: `serve`, under load, in trouble, and at its end.

use crate::imap::{in_the_clear, logged_in, selected, served, served_as, set, whole};
use crate::office::{Office, config, name};
use postroad_imap::command::FetchItem;
use postroad_imap::response::{ResponseCode, Status};
use postroad_imap::types::{AppendOptions, MailboxName, SequenceSet};
use postroad_tokio::imap::{Client, ClientError, Fetched};
use postroad_tokio::{MaybeTls, ServeOptions, ShutdownHandle};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, ReadBuf, duplex};
use tokio::time::{Instant, sleep};

const MIB: usize = 1 << 20;

/// Reads up to a line that begins so, and gives all.
async fn until(io: &mut DuplexStream, begin: &str) -> String {
    let mut text = Vec::new();
    loop {
        let mut line = Vec::new();
        while !line.ends_with(b"\n") {
            line.push(io.read_u8().await.unwrap());
        }
        text.extend_from_slice(&line);
        if line.starts_with(begin.as_bytes()) {
            return String::from_utf8(text).unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_fetch_does_not_keep_a_noop_waiting() {
    let office = Office::new(&[b"a: b\r\n\r\nhello\r\n"]);
    office.fetch_delay.store(60_000, Ordering::SeqCst);
    let (a, mut b) = duplex(4096);
    drop(served(a, &office));
    let began = Instant::now();
    b.write_all(b"a LOGIN mrose \"tan staaf\"\r\nb SELECT INBOX\r\nc FETCH 1 BODY.PEEK[]\r\nd NOOP\r\n")
        .await
        .unwrap();
    let text = until(&mut b, "d ").await;
    assert!(text.ends_with("d OK NOOP completed\r\n") && !text.contains("FETCH"), "{text}");
    assert_eq!(began.elapsed().as_secs(), 0);
    let text = until(&mut b, "c ").await;
    assert_eq!(text, "* 1 FETCH (BODY[] {15}\r\na: b\r\n\r\nhello\r\n)\r\nc OK FETCH completed\r\n");
    assert_eq!(began.elapsed().as_secs(), 60);
}

#[tokio::test]
async fn what_the_handler_refuses_is_refused_and_the_session_goes_on() {
    let office = Office::new(&[b"a: b\r\n\r\n"]);
    let mut client = selected(&office).await;
    office.is_broken.store(true, Ordering::SeqCst);
    let mut rows = client.uid_fetch(set("1"), vec![FetchItem::Flags]);
    let Some(Err(ClientError::Refused(status))) = rows.next().await else { panic!() };
    assert_eq!(status.code, Some(ResponseCode::Unavailable));
    assert!(rows.next().await.is_none());
    office.is_broken.store(false, Ordering::SeqCst);
    let mut rows = client.uid_fetch(set("1"), vec![FetchItem::Flags]);
    assert!(matches!(rows.next().await, Some(Ok(Fetched::Row(_)))));
    client.logout().await.unwrap();
}

#[tokio::test]
async fn who_does_not_read_does_not_cost_memory() {
    let large = vec![b'x'; 64 * MIB];
    let office = Office::new(&[&large, b"a: b\r\n\r\n"]);
    let (a, mut b) = duplex(4096);
    let server = served(a, &office);
    b.write_all(b"a LOGIN mrose \"tan staaf\"\r\nb SELECT INBOX\r\nc FETCH 1:2 BODY.PEEK[]\r\n")
        .await
        .unwrap();
    // More commands than could be answered, so long as it takes them.
    let noops = tokio::time::timeout(Duration::from_millis(500), async {
        loop {
            b.write_all(b"d NOOP\r\n").await.unwrap();
        }
    });
    assert!(noops.await.is_err(), "the server has read on and on");
    let pushed = office.pushed.load(Ordering::SeqCst);
    // What the session holds, the driver and the pipe; nothing of the rest.
    assert!(pushed <= 512 * 1024, "{pushed} octets were taken from the handler");
    sleep(Duration::from_millis(200)).await;
    assert_eq!(office.pushed.load(Ordering::SeqCst), pushed);
    // Once it reads, all is there.
    let mut buffer = vec![0; 256 * 1024];
    let mut octets = 0;
    while octets < large.len() + 4096 {
        let read = b.read(&mut buffer).await.unwrap();
        assert_ne!(read, 0);
        octets += read;
    }
    assert_eq!(office.pushed.load(Ordering::SeqCst), large.len() as u64);
    drop(b);
    let _ = server.await.unwrap();
}

/// A message of so many octets, which counts how many were asked for.
struct Counted(u64, Arc<AtomicU64>);

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let octets = usize::try_from(self.0).unwrap().min(buffer.remaining()).min(8192);
        buffer.put_slice(&[b'y'; 8192][..octets]);
        self.0 -= octets as u64;
        self.1.fetch_add(octets as u64, Ordering::SeqCst);
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_large_append_is_read_as_fast_as_the_server_takes_it() {
    let office = Office::new(&[]);
    let mut client = selected(&office).await;
    let len = 64 * MIB as u64;
    let read = Arc::new(AtomicU64::new(0));
    let watch = {
        let (office, read) = (office.clone(), read.clone());
        tokio::spawn(async move {
            let mut ahead = 0;
            while office.received.load(Ordering::SeqCst) < len {
                ahead = ahead.max(read.load(Ordering::SeqCst) - office.received.load(Ordering::SeqCst));
                tokio::task::yield_now().await;
            }
            ahead
        })
    };
    let body = Counted(len, read.clone());
    client.append(&name("INBOX"), AppendOptions::default(), len, body).await.unwrap();
    assert_eq!(read.load(Ordering::SeqCst), len);
    let mail = &office.mails("INBOX")[0];
    assert!(mail.octets.len() as u64 == len && mail.octets.iter().all(|octet| *octet == b'y'));
    let ahead = watch.await.unwrap();
    assert!(ahead <= MIB as u64, "{ahead} octets on their way");
    assert!(client.session().in_flight() == 0);
    client.logout().await.unwrap();
}

#[tokio::test]
async fn a_shutdown_says_bye() {
    let office = Office::new(&[b"a: b\r\n\r\n"]);
    let handle = ShutdownHandle::new();
    let (a, b) = duplex(4096);
    let options = ServeOptions { shutdown: handle.listen(), ..ServeOptions::default() };
    let server = served_as(MaybeTls::Plain(a), config(), &office, options);
    let mut client = logged_in(b).await;
    client.select(&MailboxName::inbox()).await.unwrap();
    let idle = tokio::spawn(async move { client.idle().await.unwrap_err() });
    sleep(Duration::from_millis(50)).await;
    handle.shut_down();
    let ClientError::Closed(Some(status)) = idle.await.unwrap() else { panic!() };
    assert_eq!(status.status, Status::Bye);
    server.await.unwrap().unwrap();
    tokio::time::timeout(Duration::from_secs(5), handle.drained()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_lets_what_is_in_flight_come_to_its_end() {
    let large = vec![b'x'; MIB];
    for is_read in [true, false] {
        let office = Office::new(&[&large]);
        let handle = ShutdownHandle::new();
        let (a, b) = duplex(4096);
        let options = ServeOptions { shutdown: handle.listen(), ..ServeOptions::default() };
        let server = served_as(MaybeTls::Plain(a), config(), &office, options);
        let mut client = logged_in(b).await;
        client.select(&MailboxName::inbox()).await.unwrap();
        let mut rows = client.uid_fetch(SequenceSet::all(), vec![whole()]);
        assert!(matches!(rows.next().await, Some(Ok(Fetched::Body { .. }))));
        handle.shut_down();
        if !is_read {
            // Patience has an end.
            sleep(Duration::from_secs(6)).await;
        }
        let mut octets = 0;
        let end = loop {
            match rows.next().await {
                Some(Ok(Fetched::Chunk(chunk))) => octets += chunk.len(),
                Some(Ok(_)) => {}
                end => break end,
            }
        };
        if is_read {
            assert_eq!(octets, large.len());
            assert!(end.is_none(), "{end:?}");
            assert!(matches!(client.noop().await, Err(ClientError::Closed(Some(_)))));
        } else {
            // Nothing is said within the literal.
            assert!(octets < large.len());
            assert!(matches!(end, Some(Err(ClientError::Connection(_)))), "{end:?}");
        }
        server.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_client_that_goes_away_in_the_middle() {
    let large = vec![b'x'; MIB];
    let office = Office::new(&[&large]);
    let (a, mut b) = duplex(4096);
    let server = served(a, &office);
    b.write_all(b"a LOGIN mrose \"tan staaf\"\r\nb SELECT INBOX\r\nc FETCH 1 BODY[]\r\n").await.unwrap();
    until(&mut b, "* 1 FETCH").await;
    drop(b);
    // The handler is not left hanging.
    let ended = tokio::time::timeout(Duration::from_secs(5), server).await.unwrap().unwrap();
    assert!(ended.is_err(), "{ended:?}");
    // In an APPEND, nothing of it is stored.
    let (a, mut b) = duplex(4096);
    let server = served(a, &office);
    b.write_all(b"a LOGIN mrose \"tan staaf\"\r\nb APPEND INBOX {100+}\r\nhalf").await.unwrap();
    until(&mut b, "a OK").await;
    drop(b);
    let _ = tokio::time::timeout(Duration::from_secs(5), server).await.unwrap().unwrap();
    assert_eq!(office.mails("INBOX").len(), 1);
}

#[tokio::test]
async fn two_clients_see_what_each_does() {
    let office = Office::new(&[b"a: b\r\n\r\n", b"c: d\r\n\r\n"]);
    let mut one = selected(&office).await;
    let mut two = selected(&office).await;
    one.uid_move(set("1"), &name("Trash")).await.unwrap();
    two.noop().await.unwrap();
    assert_eq!(two.session().exists(), Some(1));
    let (a, b) = duplex(4096);
    drop(served(a, &office));
    let mut three = Client::open(MaybeTls::Plain(b), in_the_clear()).await.unwrap();
    three.login("mrose", "tan staaf").await.unwrap();
    assert_eq!(three.select(&name("Trash")).await.unwrap().exists, 1);
}
