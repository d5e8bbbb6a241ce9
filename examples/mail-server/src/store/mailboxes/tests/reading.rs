//! Rows, octets, and what is derived from them.

use bytes::Bytes;

use super::*;
use crate::store::CHUNK;

#[tokio::test]
async fn rows_come_in_order_and_in_batches() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let bob = account(&store, "bob@hamburger.edu").await;
    let mailbox = store.create_mailbox(&bob, "a", None, NOW).await.unwrap();
    fill(&store, mailbox, 2500).await;
    let appended = append(&store, mailbox, &[7], "key").await;
    assert_eq!((appended.uids.as_slice(), appended.uidvalidity), ([2501].as_slice(), mailbox.uidvalidity()));
    let read = async |choice: Choice| {
        let rows = rows(&store, mailbox, choice).await;
        rows.iter().map(|row| row.uid).collect::<Vec<u32>>()
    };
    let choose = |uids: UidSet| Choice { uids, ..Choice::default() };
    assert_eq!(read(choose(UidSet::all())).await, (1..=2501).collect::<Vec<_>>());
    assert_eq!(read(choose(uids(&[(4000, u32::MAX), (2400, 2600), (7, 7), (3, 2)]))).await.len(), 105);
    let odd: UidSet = (1..=2501).filter(|uid| uid % 2 == 1).collect();
    assert_eq!(read(choose(odd.clone())).await, odd.iter().collect::<Vec<_>>());
    assert!(read(choose(UidSet::default())).await.is_empty());
    assert!(read(choose(uids(&[(u32::MAX, u32::MAX)]))).await.is_empty());

    let since = appended.modseq - 1;
    let changed = Choice { uids: UidSet::all(), changed_since: Some(since), derived: None };
    assert_eq!(read(changed.clone()).await, [2501]);
    store.store_flags(&mailbox, uids(&[(9, 10)]), FlagsChange::Add(flags("x")), None).await.unwrap();
    assert_eq!(read(changed).await, [9, 10, 2501]);
    assert_eq!(
        read(Choice { uids: uids(&[(10, 99)]), changed_since: Some(since), derived: None }).await,
        [10]
    );
    let row = rows(&store, mailbox, choose(uids(&[(2501, 2501)]))).await.pop().unwrap();
    assert_eq!((row.size, row.flags, row.modseq), (7, flags("key"), appended.modseq));
    assert_eq!((row.internal_date, row.saved_date), (NOW, NOW));
}

#[tokio::test]
async fn any_part_of_a_message_can_be_read() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let bob = account(&store, "bob@hamburger.edu").await;
    let sizes = [0, 1, 65_000, 65_536, CHUNK, 2 * CHUNK + 17, 5_000_000];
    for size in sizes {
        deliver(&store, &octets(size), &[&bob]).await.unwrap();
    }
    let inbox = find(&store, &bob, "INBOX").await;
    for (uid, size) in (1..).zip(sizes) {
        let mut expected = b"Return-Path: <a@crepes.fr>\r\n".to_vec();
        expected.extend(octets(size));
        let len = expected.len();
        let reader = store.read_message(&inbox, uid).await.unwrap();
        assert_eq!(reader.size(), len as u64);
        let edges =
            [0, 1, 27, 28, 29, 65_535, 65_536, 65_600, CHUNK, CHUNK + 28, CHUNK + 29, len / 2, len, len + 9];
        for from in edges {
            for count in [0, 1, 100, CHUNK + 1, usize::MAX] {
                let to = from.saturating_add(count);
                let part = reader.read_range(from as u64, to as u64).await.unwrap();
                assert!(part == expected[from.min(len)..to.min(len)], "{size}: {from} to {to}");
            }
        }
        assert!(reader.read_range(9, 3).await.unwrap().is_empty());
        assert!(all(reader).await == expected, "{size}");
    }
    let reader = store.read_message(&inbox, 7).await.unwrap();
    let small = store.read_message(&inbox, 2).await.unwrap();
    store.remove_messages(&inbox, UidSet::all()).await.unwrap();
    assert_eq!(reader.read_range(1_000_000, 1_000_010).await, Err(StoreError::NotFound));
    assert_eq!(store.read_message(&inbox, 7).await.unwrap_err(), StoreError::NotFound);
    assert_eq!(all(small).await.len(), 29, "it was read with its row");
}

#[tokio::test]
async fn what_was_derived_is_kept_with_the_octets() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let bob = account(&store, "bob@hamburger.edu").await;
    let inbox = find(&store, &bob, "INBOX").await;
    let sent = find(&store, &bob, "Sent").await;
    append(&store, inbox, &[3, 4, 5], "").await;
    deliver(&store, b"x", &[&bob]).await.unwrap();
    let derived = async |mailbox: Mailbox, format| {
        let choice = Choice { uids: UidSet::all(), changed_since: None, derived: Some(format) };
        let rows = rows(&store, mailbox, choice).await;
        rows.iter().map(|row| row.derived.as_deref().map(<[u8]>::to_vec)).collect::<Vec<_>>()
    };
    let value = |text: &'static str| Some(text.as_bytes().to_vec());
    let put = |uid, text: &'static str| (uid, Bytes::from_static(text.as_bytes()));
    let large = (3, Bytes::from(vec![0; MAX_DERIVED + 1]));
    store.put_derived(&inbox, 1, vec![put(1, "one"), put(4, "four"), put(99, "gone"), large]).await.unwrap();
    assert_eq!(derived(inbox, 1).await, [value("one"), None, None, value("four")]);
    assert_eq!(derived(inbox, 2).await, [None, None, None, None], "another format");
    store.copy_messages(&inbox, UidSet::all(), &sent, NOW).await.unwrap();
    assert_eq!(derived(sent, 1).await, [value("one"), None, None, value("four")], "copies have it too");
    store.put_derived(&sent, 2, vec![put(1, "eins"), put(2, "zwei")]).await.unwrap();
    assert_eq!(derived(inbox, 2).await, [value("eins"), value("zwei"), None, None]);
    assert_eq!(derived(inbox, 1).await, [None, None, None, value("four")], "one format at a time");
    store.remove_messages(&inbox, UidSet::all()).await.unwrap();
    assert_eq!(count(&store, "derived").await, 3);
    store.remove_messages(&sent, UidSet::all()).await.unwrap();
    assert_eq!(count(&store, "derived").await, 0);
}

#[tokio::test]
async fn batches_of_derived_octets_are_bounded() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let bob = account(&store, "bob@hamburger.edu").await;
    let inbox = find(&store, &bob, "INBOX").await;
    append(&store, inbox, &[1; 40], "").await;
    let value = Bytes::from(vec![7; MAX_DERIVED]);
    store.put_derived(&inbox, 1, (1..=40).map(|uid| (uid, value.clone())).collect()).await.unwrap();
    let choice = Choice { uids: UidSet::all(), changed_since: None, derived: Some(1) };
    let mut rows = store.message_rows(&inbox, choice);
    let mut sizes = Vec::new();
    while let Some(batch) = rows.next().await.unwrap() {
        assert!(batch.iter().all(|row| row.derived.as_ref() == Some(&value)));
        sizes.push(batch.len());
    }
    assert_eq!(sizes, [16, 16, 8]);
}

#[tokio::test]
#[ignore = "a measurement; run it with --release --nocapture"]
async fn speed() {
    const MESSAGES: u32 = 100_000;
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let bob = account(&store, "bob@hamburger.edu").await;
    let inbox = find(&store, &bob, "INBOX").await;
    let sent = find(&store, &bob, "Sent").await;
    let started = std::time::Instant::now();
    let mut laps = Vec::new();
    let mut last = started;
    let mut lap = |what: &str| {
        let now = std::time::Instant::now();
        laps.push(format!("{what}: {:?}", now - last));
        last = now;
    };
    for _ in 0..MESSAGES / 1000 {
        append(&store, inbox, &[2000; 1000], "").await;
    }
    lap("append 100,000 of 2,000 octets by 1,000");
    let opened = store.open_mailbox(&bob, "INBOX").await.unwrap();
    assert_eq!(opened.snapshot.uids.len(), u64::from(MESSAGES));
    lap("open");
    let everything = |derived| Choice { uids: UidSet::all(), changed_since: None, derived };
    let read = rows(&store, inbox, everything(None)).await.len();
    assert_eq!(read, MESSAGES as usize);
    lap("rows, all");
    for name in ["\\Seen", "\\Flagged key"] {
        let change = FlagsChange::Add(flags(name));
        let stored = store.store_flags(&inbox, UidSet::all(), change, None).await.unwrap();
        assert!(stored.rows.iter().all(|row| row.changed));
        lap(&format!("store {name}, all"));
    }
    assert_eq!(rows(&store, inbox, everything(None)).await.len(), read);
    lap("rows with a keyword, all");
    let value = Bytes::from(vec![7; 1500]);
    for first in (1..=MESSAGES).step_by(1000) {
        let values = (first..first + 1000).map(|uid| (uid, value.clone())).collect();
        store.put_derived(&inbox, 1, values).await.unwrap();
    }
    lap("put derived, 1,500 octets, all by 1,000");
    let choice = Choice { uids: UidSet::range(1, 10_000), changed_since: None, derived: Some(1) };
    assert!(rows(&store, inbox, choice).await.iter().all(|row| row.derived.is_some()));
    lap("rows with derived, 10,000");
    for uid in 1..=10_000 {
        let reader = store.read_message(&inbox, uid).await.unwrap();
        assert_eq!(reader.read_range(0, u64::MAX).await.unwrap().len(), 2000);
    }
    lap("read 10,000 messages one by one");
    store.copy_messages(&inbox, UidSet::all(), &sent, NOW).await.unwrap();
    lap("copy all");
    store.store_flags(&inbox, UidSet::all(), FlagsChange::Add(flags("\\Deleted")), None).await.unwrap();
    lap("store \\Deleted, all");
    assert_eq!(store.expunge(&inbox, UidSet::all()).await.unwrap().uids.len(), u64::from(MESSAGES));
    lap("expunge all");
    for _ in 0..200 {
        deliver(&store, b"x", &[&bob]).await.unwrap();
    }
    lap("deliver 200 one by one");
    println!("{}", laps.join("\n"));
}
