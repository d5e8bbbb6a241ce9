use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::*;
use crate::time::Time;

pub(super) const NOW: Time = Time(1_795_392_000_000);

pub(super) fn open(folder: &Path) -> Store {
    Store::open(folder, StoreOptions { quota: None, serving: true }).unwrap()
}

/// Octets that differ from place to place, so that a lost or swapped chunk is seen.
pub(super) fn octets(count: usize) -> Vec<u8> {
    (0_u32..).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).take(count).collect()
}

pub(super) async fn spooled(store: &Store, message: &[u8]) -> Spooled {
    let mut spool = store.spool();
    for piece in message.chunks(9000) {
        spool.write(piece).await.unwrap();
    }
    assert_eq!(spool.size(), message.len() as u64);
    spool.finish().await.unwrap()
}

pub(super) async fn account(store: &Store, address: &str) -> Account {
    store.add_account(address, "secret".into(), false, NOW).await.unwrap()
}

pub(super) async fn deliver(
    store: &Store,
    message: &[u8],
    to: &[&Account],
) -> Result<Option<i64>, StoreError> {
    let deliveries = to
        .iter()
        .map(|account| Delivery {
            account: (*account).clone(),
            prefix: b"Return-Path: <a@crepes.fr>\r\n".to_vec(),
        })
        .collect();
    let message = spooled(store, message).await;
    store.accept(Acceptance { message, now: NOW, deliveries, enqueue: None }).await
}

fn envelope(recipients: &[&str]) -> Enqueue {
    let recipients = recipients.iter().map(|address| NewRecipient {
        forward_path: (*address).to_owned(),
        destination: address.split('@').nth(1).unwrap().to_owned(),
        ..NewRecipient::default()
    });
    Enqueue {
        reverse_path: "alice@crepes.fr".into(),
        envelope_id: Some("QQ314159".into()),
        recipients: recipients.collect(),
        ..Enqueue::default()
    }
}

async fn enqueue(store: &Store, message: &[u8], recipients: &[&str]) -> i64 {
    let message = spooled(store, message).await;
    let enqueue = Some(envelope(recipients));
    store.accept(Acceptance { message, now: NOW, deliveries: vec![], enqueue }).await.unwrap().unwrap()
}

pub(super) async fn all(mut reader: MessageReader) -> Vec<u8> {
    let mut message = Vec::new();
    while let Some(chunk) = reader.next().await.unwrap() {
        assert!(!chunk.is_empty() && chunk.len() <= CHUNK);
        message.extend_from_slice(&chunk);
    }
    assert_eq!(message.len() as u64, reader.size());
    message
}

pub(super) async fn count(store: &Store, table: &'static str) -> i64 {
    let query = format!("SELECT COUNT(*) FROM {table}");
    store.read(move |connection| Ok(connection.query_row(&query, [], |row| row.get(0))?)).await.unwrap()
}

/// A recipient after one more try.
fn tried(recipient: &QueueRecipient, state: RecipientState) -> (i64, Progress) {
    let diagnostic = LastDiagnostic {
        status: "4.3.0".into(),
        text: "451 4.3.0 later".into(),
        remote: Some("mx.hamburger.edu".into()),
    };
    let progress = Progress {
        state,
        attempts: recipient.progress.attempts + 1,
        last_attempt: Some(NOW),
        diagnostic: Some(diagnostic),
        delay_notice_sent: false,
    };
    (recipient.id, progress)
}

async fn claim_one(store: &Store, destination: &str, now: Time) -> Claim {
    store.claim_due(destination, now, 1).await.unwrap().pop().unwrap()
}

#[tokio::test]
async fn a_message_comes_back_as_it_went_in() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let bob = account(&store, "bob@hamburger.edu").await;
    let sizes = [0, 1, 1000, CHUNK - 1, CHUNK, CHUNK + 1, 4 * CHUNK, 4 * CHUNK + 1, 5 * 1024 * 1024];
    for size in sizes {
        deliver(&store, &octets(size), &[&bob]).await.unwrap();
    }
    let maildrop = store.open_maildrop(&bob).await.unwrap();
    assert_eq!(maildrop.entries().len(), sizes.len());
    for (index, size) in sizes.into_iter().enumerate() {
        let mut expected = b"Return-Path: <a@crepes.fr>\r\n".to_vec();
        expected.extend(octets(size));
        assert_eq!(maildrop.entries()[index].size, expected.len() as u64);
        assert!(all(maildrop.read(index).await.unwrap()).await == expected, "{size}");
        for at in [0, 5, 28, expected.len() / 2, expected.len()] {
            let mut reader = maildrop.read(index).await.unwrap();
            reader.seek(at as u64);
            let mut rest = Vec::new();
            while let Some(chunk) = reader.next().await.unwrap() {
                rest.extend_from_slice(&chunk);
            }
            assert!(rest == expected[at.min(expected.len())..], "{size} from {at}");
        }
    }
}

#[tokio::test]
async fn every_commit_is_synchronised() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let settings = store.write(|connection| {
        let text = |pragma| connection.query_row(pragma, [], |row| row.get::<_, String>(0));
        let number = |pragma| connection.query_row(pragma, [], |row| row.get::<_, i64>(0));
        Ok((text("PRAGMA journal_mode")?, number("PRAGMA synchronous")?, number("PRAGMA foreign_keys")?))
    });
    // 2 is FULL.
    assert_eq!(settings.await.unwrap(), ("wal".to_owned(), 2, 1));
}

#[tokio::test]
async fn memory_stays_bounded_while_a_message_comes_in() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let mut spool = store.spool();
    let mut most = 0;
    for piece in octets(5 * 1024 * 1024).chunks(1000) {
        spool.write(piece).await.unwrap();
        most = most.max(store.inner.spool.in_memory());
    }
    assert!(most <= 1024 * 1024 + CHUNK, "{most}");
    assert_eq!(std::fs::read_dir(place.path().join("spool")).unwrap().count(), 0, "spool files have no name");
    let whole = spool.finish().await.unwrap();
    assert_eq!(whole.size(), 5 * 1024 * 1024);
    drop(whole);
    let small = spooled(&store, &octets(3000)).await;
    assert!(store.inner.spool.in_memory() >= 3000);
    drop(small);
    assert_eq!(store.inner.spool.in_memory(), 0);
}

#[tokio::test]
async fn octets_are_stored_once_and_go_with_their_last_use() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let bob = account(&store, "bob@hamburger.edu").await;
    let carol = account(&store, "carol@hamburger.edu").await;
    let message = spooled(&store, &octets(600_000)).await;
    let deliveries = vec![
        Delivery { account: bob.clone(), prefix: vec![] },
        Delivery { account: bob.clone(), prefix: vec![] },
        Delivery { account: carol.clone(), prefix: vec![] },
    ];
    let enqueue = Some(envelope(&["dave@elsewhere.example"]));
    let id = store.accept(Acceptance { message, now: NOW, deliveries, enqueue }).await.unwrap().unwrap();
    assert_eq!((count(&store, "blobs").await, count(&store, "chunks").await), (1, 3));
    assert_eq!(count(&store, "messages").await, 2, "one for each account");

    store.open_maildrop(&bob).await.unwrap().update(&[0]).await.unwrap();
    store.remove_queued(id).await.unwrap();
    assert_eq!((count(&store, "blobs").await, count(&store, "chunks").await), (1, 3));
    store.remove_account("carol@hamburger.edu").await.unwrap();
    assert_eq!((count(&store, "blobs").await, count(&store, "chunks").await), (0, 0));
    assert_eq!(count(&store, "messages").await, 0);
}

#[tokio::test]
async fn all_recipients_or_none() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let bob = account(&store, "bob@hamburger.edu").await;
    let gone = account(&store, "gone@hamburger.edu").await;
    store.remove_account("gone@hamburger.edu").await.unwrap();
    for size in [100, 2_000_000] {
        assert_eq!(deliver(&store, &octets(size), &[&bob, &gone]).await, Err(StoreError::NotFound));
        assert_eq!(
            deliver(&store, &octets(size), &[]).await.map_err(|error| error.is_temporary()),
            Err(false)
        );
    }
    assert_eq!(count(&store, "messages").await, 0);
    assert_eq!((count(&store, "blobs").await, count(&store, "chunks").await), (0, 0));
}

#[tokio::test]
async fn uids_and_uidvalidity_never_go_back() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let bob = account(&store, "bob@hamburger.edu").await;
    for _ in 0..3 {
        deliver(&store, b"x", &[&bob]).await.unwrap();
    }
    let maildrop = store.open_maildrop(&bob).await.unwrap();
    let first = maildrop.unique_id(0).unwrap();
    assert_eq!(maildrop.unique_id(3), None);
    maildrop.update(&[0, 1, 2]).await.unwrap();
    drop(store);
    let store = open(place.path());
    deliver(&store, b"y", &[&bob]).await.unwrap();
    let maildrop = store.open_maildrop(&bob).await.unwrap();
    assert_eq!(maildrop.entries(), [MaildropEntry { uid: 4, size: 29 }]);
    drop(maildrop);
    store.remove_account("bob@hamburger.edu").await.unwrap();
    let bob = account(&store, "bob@hamburger.edu").await;
    deliver(&store, b"z", &[&bob]).await.unwrap();
    let again = store.open_maildrop(&bob).await.unwrap().unique_id(0).unwrap();
    assert_ne!(again, first);
}

#[tokio::test]
async fn one_session_has_the_maildrop() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let bob = account(&store, "bob@hamburger.edu").await;
    deliver(&store, b"one", &[&bob]).await.unwrap();
    let maildrop = store.open_maildrop(&bob).await.unwrap();
    assert_eq!(store.open_maildrop(&bob).await.unwrap_err(), StoreError::InUse);
    deliver(&store, b"two", &[&bob]).await.unwrap();
    assert_eq!(maildrop.entries().len(), 1, "a snapshot");
    drop(maildrop);
    let maildrop = store.open_maildrop(&bob).await.unwrap();
    assert_eq!(maildrop.entries().len(), 2);
    maildrop.update(&[1, 7]).await.unwrap();
    let maildrop = store.open_maildrop(&bob).await.unwrap();
    assert_eq!(all(maildrop.read(0).await.unwrap()).await, b"Return-Path: <a@crepes.fr>\r\none");
    assert_eq!(maildrop.read(1).await.unwrap_err(), StoreError::NotFound);
    store.remove_account("bob@hamburger.edu").await.unwrap();
    assert_eq!(maildrop.read(0).await.unwrap_err(), StoreError::NotFound);
    drop(maildrop);
    assert_eq!(store.open_maildrop(&bob).await.unwrap_err(), StoreError::NotFound);
    assert!(store.inner.maildrops.held().is_empty(), "a failure keeps no lock");
}

#[tokio::test]
async fn a_mailbox_has_a_quota() {
    let place = tempfile::tempdir().unwrap();
    let store = Store::open(place.path(), StoreOptions { quota: Some(1000), serving: true }).unwrap();
    let bob = account(&store, "bob@hamburger.edu").await;
    let carol = account(&store, "carol@hamburger.edu").await;
    let over = |never_fits| Err(StoreError::OverQuota { never_fits });
    deliver(&store, &octets(900), &[&bob]).await.unwrap();
    assert_eq!(store.check_quota(&bob, 72).await, Ok(()));
    assert_eq!(store.check_quota(&bob, 73).await, over(false));
    assert_eq!(store.check_quota(&bob, 1001).await, over(true));
    assert_eq!(deliver(&store, &octets(100), &[&carol, &bob]).await.map(drop), over(false));
    assert_eq!(count(&store, "messages").await, 1, "all or none");
    deliver(&store, &octets(72 - 28), &[&bob]).await.unwrap();
    assert_eq!(store.check_quota(&bob, 0).await, over(false), "full to the brim");
    store.open_maildrop(&bob).await.unwrap().update(&[0]).await.unwrap();
    assert_eq!(store.check_quota(&bob, 900).await, Ok(()));
    assert!(!StoreError::OverQuota { never_fits: true }.is_temporary());
}

#[tokio::test]
async fn accounts() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let domains = ["crepes.fr".to_owned(), "hamburger.edu".to_owned()];
    let bob = store.add_account("Bob@Hamburger.EDU", "pa ss".into(), false, NOW).await.unwrap();
    assert_eq!(bob.address, "Bob@hamburger.edu");
    let again = store.add_account("bob@hamburger.edu", "x".into(), false, NOW).await;
    assert_eq!(again, Err(StoreError::Exists));
    for bad in ["bob", "bob@", "b ob@x"] {
        assert!(matches!(store.add_account(bad, "x".into(), false, NOW).await, Err(StoreError::Invalid(_))));
    }
    let log_in = async |name: &str, password: &str| {
        store.authenticate(name, password.to_owned(), &domains).await.unwrap().map(|account| account.id)
    };
    assert_eq!(log_in("bob@hamburger.edu", "pa ss").await, Some(bob.id));
    assert_eq!(log_in("BOB", "pa ss").await, Some(bob.id), "the first domain that has the name");
    assert_eq!(log_in("bob", "pass").await, None);
    assert_eq!(log_in("bob@crepes.fr", "pa ss").await, None);
    assert_eq!(log_in("", "").await, None);

    assert!(!store.any_kept_password().await.unwrap());
    store.add_account("alice@crepes.fr", "first".into(), true, NOW).await.unwrap();
    assert!(store.any_kept_password().await.unwrap());
    store.set_password("alice@crepes.fr", "second".into()).await.unwrap();
    store.set_password("bob@hamburger.edu", "third".into()).await.unwrap();
    let kept =
        async |name: &str| store.kept_password(name, &domains).await.unwrap().map(|(_, password)| password);
    assert_eq!(kept("alice").await.as_deref(), Some("second"));
    assert_eq!(kept("bob").await, None, "kept only for who asked for it");
    assert_eq!(log_in("bob", "third").await, Some(bob.id));
    assert_eq!(store.set_password("nobody@crepes.fr", "x".into()).await, Err(StoreError::NotFound));

    let (record, found) = store.scram_record("nobody", &domains).await.unwrap();
    assert_eq!((found, record.iterations), (None, 100_000));
    assert_eq!(store.scram_record("nobody", &domains).await.unwrap().0, record);

    let names = store.list_accounts("", 1).await.unwrap();
    assert_eq!(names[0].address, "alice@crepes.fr");
    let names = store.list_accounts("alice@crepes.fr", 10).await.unwrap();
    assert_eq!(names.len(), 1);
    store.remove_account("BOB@HAMBURGER.EDU").await.unwrap();
    assert_eq!(store.remove_account("bob@hamburger.edu").await, Err(StoreError::NotFound));
    assert_eq!(log_in("bob", "third").await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_wait_share_a_commit() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let bob = account(&store, "bob@hamburger.edu").await;
    let before = store.commits();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..200 {
        let (store, bob) = (store.clone(), bob.clone());
        tasks.spawn(async move {
            // Every tenth is impossible; it must not take its neighbours with it.
            let gone = Account { id: -1, address: "gone@hamburger.edu".into() };
            let to: &[&Account] = if number % 10 == 0 { &[&bob, &gone] } else { &[&bob] };
            deliver(&store, format!("message {number}").as_bytes(), to).await.is_ok()
        });
    }
    let accepted = tasks.join_all().await.into_iter().filter(|accepted| *accepted).count();
    assert_eq!(accepted, 180);
    assert_eq!(count(&store, "messages").await, 180);
    assert_eq!(count(&store, "blobs").await, 180);
    let commits = store.commits() - before;
    assert!(commits < 150, "{commits} commits for 200 tasks");
}

#[tokio::test]
async fn a_full_disk_is_told_and_passes() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let bob = account(&store, "bob@hamburger.edu").await;
    let limit = async |pages: &'static str| {
        let pragma = format!("PRAGMA max_page_count = {pages}");
        store.write(move |connection| Ok(connection.query_row(&pragma, [], |_| Ok(()))?)).await.unwrap();
    };
    deliver(&store, b"before", &[&bob]).await.unwrap();
    limit("100").await;
    for size in [900_000, 3_000_000] {
        let error = deliver(&store, &octets(size), &[&bob]).await.unwrap_err();
        assert!(error.is_temporary(), "{error:?}");
    }
    limit("1073741823").await;
    deliver(&store, &octets(3_000_000), &[&bob]).await.unwrap();
    assert_eq!((count(&store, "messages").await, count(&store, "blobs").await), (2, 2));
}

#[tokio::test]
async fn a_read_only_store_is_told() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let bob = account(&store, "bob@hamburger.edu").await;
    store.write(|connection| Ok(connection.execute_batch("PRAGMA query_only = ON")?)).await.unwrap();
    let error = deliver(&store, b"x", &[&bob]).await.unwrap_err();
    assert_eq!(error, StoreError::ReadOnly);
    assert!(error.is_temporary());
}

#[tokio::test]
async fn one_server_at_a_time_and_no_rubbish() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let again = Store::open(place.path(), StoreOptions { quota: None, serving: true }).unwrap_err();
    assert!(again.to_string().contains("another server"), "{again}");
    // A command beside it may look, and does not clear away what is on its way in.
    store.stage(spooled(&store, &octets(2_000_000)).await).await.unwrap();
    let beside = Store::open(place.path(), StoreOptions::default()).unwrap();
    assert_eq!(count(&beside, "blobs").await, 1);
    drop((store, beside));
    // The writing thread holds the database until it has seen the end.
    let store = open(place.path());
    assert_eq!((count(&store, "blobs").await, count(&store, "chunks").await), (0, 0));
}

#[tokio::test]
async fn the_queue_keeps_what_waits() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let mut changes = store.queue_changes();
    let first =
        enqueue(&store, b"first", &["bob@hamburger.edu", "carol@hamburger.edu", "dave@x.example"]).await;
    assert!(changes.has_changed().unwrap());
    changes.mark_unchanged();
    let second = enqueue(&store, b"second", &["bob@hamburger.edu"]).await;
    assert_eq!(store.due_destinations(NOW).await.unwrap(), ["hamburger.edu", "x.example"]);
    assert!(store.due_destinations(Time(NOW.0 - 1)).await.unwrap().is_empty());
    assert_eq!(store.next_event(Time(NOW.0 - 1)).await.unwrap(), Some(NOW));

    let claim = claim_one(&store, "hamburger.edu", NOW).await;
    assert_eq!((claim.message.id, claim.message.recipients.len()), (first, 3));
    assert_eq!(claim.message.envelope_id.as_deref(), Some("QQ314159"));
    assert_eq!(all(claim.read()).await, b"first");
    let others = store.claim_due("hamburger.edu", NOW, 10).await.unwrap();
    assert_eq!(others.iter().map(|claim| claim.message.id).collect::<Vec<_>>(), [second]);
    assert!(store.claim_due("x.example", NOW, 10).await.unwrap().is_empty(), "one at a time has a message");
    assert!(store.claim_events(NOW, 10).await.unwrap().is_empty());
    drop(others);
    assert_eq!(claim_one(&store, "hamburger.edu", NOW).await.message.id, second);

    let later = NOW.after(Duration::from_secs(1800));
    let [bob, carol, dave] = &claim.message.recipients[..] else { panic!("three recipients") };
    let updates = vec![
        tried(bob, RecipientState::Delivered { at: NOW }),
        tried(carol, RecipientState::Waiting { next_try: later }),
        tried(dave, RecipientState::Failed { at: NOW, expired: false, reported: false }),
    ];
    claim.record(updates.clone(), Some(later), vec![]).await.unwrap();
    drop(claim);
    assert_eq!(store.next_event(NOW).await.unwrap(), Some(later));
    assert_eq!(store.next_event(later).await.unwrap(), None);
    let shown = store.show_queued(first).await.unwrap().unwrap();
    let kept: Vec<_> =
        shown.recipients.iter().map(|recipient| (recipient.id, recipient.progress.clone())).collect();
    assert_eq!(kept, updates);

    let claim = claim_one(&store, "hamburger.edu", later).await;
    assert_eq!(claim.message.id, second, "longest due first");
    let done = vec![tried(&claim.message.recipients[0], RecipientState::Delivered { at: later })];
    claim.record(done, None, vec![]).await.unwrap();
    assert_eq!(store.show_queued(second).await.unwrap(), None);

    let claim = store.claim_events(later, 1).await.unwrap().pop().unwrap();
    let delivered = vec![tried(&claim.message.recipients[1], RecipientState::Delivered { at: later })];
    claim.record(delivered, None, vec![]).await.unwrap();
    assert_eq!(claim.message.id, first);
    assert!(store.show_queued(first).await.unwrap().is_some(), "a failure is not reported yet");
    let reported = RecipientState::Failed { at: NOW, expired: false, reported: true };
    claim.record(vec![tried(&claim.message.recipients[2], reported)], None, vec![]).await.unwrap();
    assert_eq!(store.show_queued(first).await.unwrap(), None);
}

#[tokio::test]
async fn what_was_under_way_at_a_crash_is_due_again() {
    let place = tempfile::tempdir().unwrap();
    let id = {
        let store = open(place.path());
        let id = enqueue(&store, b"x", &["bob@hamburger.edu"]).await;
        // As a crash does: nothing is given back.
        std::mem::forget(claim_one(&store, "hamburger.edu", NOW).await);
        assert!(store.claim_due("hamburger.edu", NOW, 1).await.unwrap().is_empty());
        id
    };
    // The forgotten claim keeps the first store open, and with it its lock: look without it, as after a crash.
    let store = Store::open(place.path(), StoreOptions::default()).unwrap();
    assert_eq!(claim_one(&store, "hamburger.edu", NOW).await.message.id, id);
}

#[tokio::test]
async fn a_notice_comes_with_what_it_tells_of() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let alice = account(&store, "alice@crepes.fr").await;
    let gone = Account { id: -1, address: "gone@crepes.fr".into() };
    let failed = RecipientState::Failed { at: NOW, expired: true, reported: true };
    // The second time the sender is gone: the record stands all the same.
    for (sender, messages) in [(&alice, 1), (&gone, 1)] {
        enqueue(&store, b"lost", &["bob@hamburger.edu"]).await;
        let claim = claim_one(&store, "hamburger.edu", NOW).await;
        let notice = Acceptance {
            message: spooled(&store, &octets(1_500_000)).await,
            now: NOW,
            deliveries: vec![Delivery { account: sender.clone(), prefix: vec![] }],
            enqueue: None,
        };
        claim.record(vec![tried(&claim.message.recipients[0], failed)], None, vec![notice]).await.unwrap();
        assert_eq!((count(&store, "queue").await, count(&store, "messages").await), (0, messages));
        assert_eq!(count(&store, "blobs").await, 1);
    }
    // A notice to elsewhere goes into the queue; one about a message that was removed meanwhile does not.
    for (removed, waiting) in [(false, 1), (true, 1)] {
        let id = enqueue(&store, b"lost", &["bob@hamburger.edu"]).await;
        let claim = claim_one(&store, "hamburger.edu", NOW).await;
        if removed {
            store.remove_queued(id).await.unwrap();
        }
        let message = spooled(&store, b"notice").await;
        let enqueue = Some(envelope(&["alice@elsewhere.example"]));
        let notice = Acceptance { message, now: NOW, deliveries: vec![], enqueue };
        claim.record(vec![tried(&claim.message.recipients[0], failed)], None, vec![notice]).await.unwrap();
        assert_eq!(count(&store, "queue").await, waiting);
    }
}

#[tokio::test]
async fn the_queue_can_be_managed() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let first = enqueue(&store, b"1", &["a@x.example", "b@y.example"]).await;
    let second = enqueue(&store, b"2", &["c@x.example"]).await;
    let listed = store.list_queue(0, 10).await.unwrap();
    assert_eq!(listed.iter().map(|message| message.id).collect::<Vec<_>>(), [first, second]);
    assert_eq!(store.list_queue(first, 10).await.unwrap().len(), 1);
    let later = NOW.after(Duration::from_secs(60));
    for claim in store.claim_events(NOW, 10).await.unwrap() {
        let wait = |recipient| tried(recipient, RecipientState::Waiting { next_try: later });
        claim.record(claim.message.recipients.iter().map(wait).collect(), Some(later), vec![]).await.unwrap();
    }
    assert_eq!(store.retry_queued(Some(second), NOW).await, Ok(1));
    assert_eq!(store.due_destinations(NOW).await.unwrap(), ["x.example"]);
    assert_eq!(store.retry_queued(None, NOW).await, Ok(3));
    assert_eq!(store.due_destinations(NOW).await.unwrap(), ["x.example", "y.example"]);
    assert_eq!(store.retry_queued(Some(99), NOW).await, Err(StoreError::NotFound));
    store.remove_queued(first).await.unwrap();
    assert_eq!(store.remove_queued(first).await, Err(StoreError::NotFound));
    assert_eq!((count(&store, "queue_recipients").await, count(&store, "blobs").await), (1, 1));
}

/// The other half of the next test, in a process of its own: accepts messages and says so, until it is killed.
#[tokio::test]
#[ignore = "run by `nothing_acknowledged_is_lost_by_kill_9`"]
async fn accept_until_killed() {
    let folder = std::env::var("MAIL_SERVER_TEST_FOLDER").unwrap();
    let store = open(Path::new(&folder));
    let bob = account(&store, "bob@hamburger.edu").await;
    for number in 0.. {
        let size = if number % 7 == 6 { 1_500_000 } else { 2000 };
        let message = spooled(&store, &octets(size)).await;
        let deliveries = vec![Delivery { account: bob.clone(), prefix: format!("{number}\n").into_bytes() }];
        let enqueue = Some(envelope(&["dave@elsewhere.example"]));
        store.accept(Acceptance { message, now: NOW, deliveries, enqueue }).await.unwrap();
        println!("accepted {number}");
    }
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_by_kill_9() {
    let place = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::tests::accept_until_killed", "--ignored", "--nocapture"])
        .env("MAIL_SERVER_TEST_FOLDER", place.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut accepted = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        // The test harness writes before the first one, on the same line.
        let line = line.unwrap();
        if let Some((_, number)) = line.split_once("accepted ") {
            accepted.push(number.parse::<usize>().unwrap());
        }
        if accepted.len() == 20 {
            // SIGKILL.
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(accepted.len() >= 20, "{accepted:?}");

    let store = open(place.path());
    let bob = store.find_account("bob@hamburger.edu").await.unwrap().unwrap();
    let maildrop = store.open_maildrop(&bob).await.unwrap();
    let queue = store.list_queue(0, 1000).await.unwrap();
    assert_eq!(queue.len(), maildrop.entries().len(), "both or neither");
    assert!(maildrop.entries().len() >= accepted.len());
    for number in accepted {
        let size = if number % 7 == 6 { 1_500_000 } else { 2000 };
        let mut expected = format!("{number}\n").into_bytes();
        expected.extend(octets(size));
        assert!(all(maildrop.read(number).await.unwrap()).await == expected, "{number}");
    }
    let check: String = store
        .read(|connection| Ok(connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?))
        .await
        .unwrap();
    assert_eq!(check, "ok");
}
