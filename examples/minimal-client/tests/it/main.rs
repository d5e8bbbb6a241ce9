//! The client against `minimal-server`, which runs here.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test fails by panicking")]

use minimal_client::{Login, compose, read, send, take, wait};
use postroad_core::Domain;
use postroad_tokio::Shutdown;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Nothing here takes as long; it is there so that nothing waits for ever.
const PATIENCE: Duration = Duration::from_secs(30);
const BOB: Login<'static> = Login { user: "bob", password: "pickles" };

/// The server on free ports: SMTP, POP3, IMAP.
async fn start() -> [SocketAddr; 3] {
    let mut listeners = Vec::new();
    for _ in 0..3 {
        listeners.push(TcpListener::bind("127.0.0.1:0").await.unwrap());
    }
    let listeners: [TcpListener; 3] = listeners.try_into().unwrap();
    let addresses = [0, 1, 2].map(|at: usize| listeners[at].local_addr().unwrap());
    tokio::spawn(async move {
        let domain = Domain::parse("localhost").unwrap();
        minimal_server::run(
            listeners,
            domain,
            &[("alice", "ketchup"), ("bob", "pickles")],
            Shutdown::never(),
        )
        .await;
    });
    addresses
}

async fn write(smtp: SocketAddr, subject: &str) {
    let message = compose("Alice <alice@localhost>", "bob@localhost", subject, ".\n..\nketchup?\n").unwrap();
    let failed = send(smtp, "alice@localhost", &["bob@localhost"], &message).await.unwrap();
    assert!(failed.is_empty(), "{failed:?}");
}

#[tokio::test]
async fn what_is_sent_is_read_by_imap_and_taken_by_pop3() {
    let [smtp, pop3, imap] = start().await;
    for subject in ["first", "삶의 의미를 찾아서"] {
        write(smtp, subject).await;
    }
    let (unseen, newest) = timeout(PATIENCE, read(imap, BOB)).await.unwrap().unwrap();
    assert_eq!(unseen.iter().map(|listed| listed.uid).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(unseen[1].subject, "삶의 의미를 찾아서");
    assert_eq!(unseen[1].from, "Alice <alice@localhost>");
    assert_eq!(unseen[1].octets, newest.len() as u64);
    assert!(newest.ends_with(b"\r\n\r\n.\r\n..\r\nketchup?\r\n"), "{}", String::from_utf8_lossy(&newest));
    // It is seen now.
    let (unseen, first) = timeout(PATIENCE, read(imap, BOB)).await.unwrap().unwrap();
    assert_eq!((unseen.len(), unseen[0].subject.as_str()), (1, "first"));
    assert_eq!(timeout(PATIENCE, read(imap, BOB)).await.unwrap().unwrap(), (Vec::new(), Vec::new()));

    let mut known = BTreeSet::new();
    assert_eq!(take(pop3, BOB, &mut known, true).await.unwrap(), [first, newest]);
    assert!(take(pop3, BOB, &mut known, true).await.unwrap().is_empty());
    write(smtp, "third").await;
    assert_eq!(take(pop3, BOB, &mut known, false).await.unwrap().len(), 1);
    assert!(take(pop3, BOB, &mut BTreeSet::new(), false).await.unwrap().is_empty());
}

#[tokio::test]
async fn waiting_hears_a_delivery() {
    let [smtp, _, imap] = start().await;
    write(smtp, "there before").await;
    let (ready, is_ready) = oneshot::channel();
    let waiting = tokio::spawn(wait(imap, BOB, || ready.send(()).unwrap()));
    is_ready.await.unwrap();
    assert!(!waiting.is_finished());
    write(smtp, "new").await;
    let new = timeout(PATIENCE, waiting).await.expect("the news").unwrap().unwrap();
    assert_eq!(
        new.iter().map(|listed| (listed.uid, listed.subject.as_str())).collect::<Vec<_>>(),
        [(2, "new")]
    );
}

#[tokio::test]
async fn what_is_refused_is_said() {
    let [smtp, pop3, imap] = start().await;
    let message = compose("alice@localhost", "bob@localhost", "x", "x").unwrap();
    let to = ["bob@localhost", "carol@localhost", "bob@elsewhere.example"];
    let failed = send(smtp, "alice@localhost", &to, &message).await.unwrap();
    assert_eq!(failed.len(), 2, "{failed:?}");
    assert!(failed[0].starts_with("<carol@localhost>: 550 5.1.1"), "{failed:?}");
    assert!(failed[1].starts_with("<bob@elsewhere.example>: 550 5.7.1"), "{failed:?}");

    let wrong = Login { user: "bob", password: "ketchup" };
    let error = read(imap, wrong).await.unwrap_err().to_string();
    assert!(error.contains("AUTHENTICATIONFAILED"), "{error}");
    let error = take(pop3, wrong, &mut BTreeSet::new(), true).await.unwrap_err().to_string();
    assert!(error.contains("[AUTH]"), "{error}");
}

/// It is here to be read.
#[test]
fn it_is_under_400_lines() {
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap();
    let lines = folder.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap().lines().count());
    let lines: usize = lines.sum();
    assert!((100..400).contains(&lines), "{lines} lines");
}
