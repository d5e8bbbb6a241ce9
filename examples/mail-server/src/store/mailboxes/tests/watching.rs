//! Those who watch a mailbox see all that happens to it, in order, each once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::*;

async fn next(changes: &mut Changes) -> Change {
    let next = tokio::time::timeout(Duration::from_secs(20), changes.next()).await.expect("a change");
    match next {
        Next::Change(change) => (*change).clone(),
        Next::Lagged => panic!("lagged"),
    }
}

#[tokio::test]
async fn every_way_to_change_a_mailbox_is_told() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let bob = account(&store, "bob@hamburger.edu").await;
    deliver(&store, b"before", &[&bob]).await.unwrap();
    let OpenMailbox { mailbox: inbox, snapshot, mut changes, name } =
        store.open_mailbox(&bob, "inbox").await.unwrap();
    let sent = find(&store, &bob, "Sent").await;
    assert_eq!(name, "INBOX");
    assert_eq!((snapshot.uids, snapshot.uidnext, snapshot.highestmodseq), (uids(&[(1, 1)]), 2, 2));
    assert_eq!(changes.try_next(), None);
    let mut feed = store.account_changes(&bob);
    let mut told = || {
        let told = feed.has_changed().unwrap();
        feed.mark_unchanged();
        told
    };

    // A change is there once the call has returned.
    deliver(&store, b"mail", &[&bob]).await.unwrap();
    assert!(told());
    let added = |first, last, modseq| Change::Added { uids: uids(&[(first, last)]), modseq };
    assert_eq!(changes.try_next(), Some(Next::Change(added(2, 2, 3).into())));
    append(&store, inbox, &[1, 2, 3], "").await;
    assert!(told());
    store
        .store_flags(&inbox, uids(&[(1, 2), (4, 4)]), FlagsChange::Add(flags("\\Deleted k")), None)
        .await
        .unwrap();
    assert!(told());
    store.store_flags(&inbox, uids(&[(1, 2)]), FlagsChange::Add(flags("K")), None).await.unwrap();
    assert!(!told(), "nothing happened");
    store.expunge(&inbox, UidSet::all()).await.unwrap();
    store.copy_messages(&sent, UidSet::all(), &inbox, NOW).await.unwrap();
    store.copy_messages(&inbox, uids(&[(3, 3)]), &inbox, NOW).await.unwrap();
    store.move_messages(&inbox, uids(&[(3, 3)]), &sent, NOW).await.unwrap();
    // POP3's UPDATE.
    store.open_maildrop(&bob).await.unwrap().update(&[0]).await.unwrap();
    let expected = [
        added(3, 5, 4),
        Change::Flags { messages: [1, 2, 4].map(|uid| (uid, flags("\\Deleted k"))).to_vec(), modseq: 5 },
        Change::Removed { uids: uids(&[(1, 2), (4, 4)]), modseq: 6 },
        added(6, 6, 7),
        Change::Removed { uids: uids(&[(3, 3)]), modseq: 8 },
        Change::Removed { uids: uids(&[(5, 5)]), modseq: 9 },
    ];
    for change in expected {
        assert_eq!(next(&mut changes).await, change);
    }
    assert_eq!(changes.try_next(), None);
    // What fails is not told.
    let gone = Account { id: -1, address: "gone@hamburger.edu".into() };
    deliver(&store, b"x", &[&bob, &gone]).await.unwrap_err();
    assert_eq!(changes.try_next(), None);

    let mut other = store.open_mailbox(&bob, "Sent").await.unwrap().changes;
    store.rename_mailbox(&bob, "Sent", "Gesendet", NOW).await.unwrap();
    assert!(matches!(next(&mut other).await, Change::Renamed { name, .. } if name == "Gesendet"));
    store.delete_mailbox(&bob, "Gesendet").await.unwrap();
    assert_eq!(next(&mut other).await, Change::Deleted);
    told();
    store.remove_account("bob@hamburger.edu").await.unwrap();
    assert_eq!(next(&mut changes).await, Change::Deleted);
    assert!(told());
    assert_eq!(store.inner.hub.open_logs(), 2);
    drop((changes, other));
    assert_eq!(store.inner.hub.open_logs(), 0, "nothing is kept for nobody");
}

#[tokio::test]
async fn delivery_wakes_who_waits() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let bob = account(&store, "bob@hamburger.edu").await;
    let mut changes = store.open_mailbox(&bob, "INBOX").await.unwrap().changes;
    let waiting = tokio::spawn(async move { next(&mut changes).await });
    tokio::task::yield_now().await;
    deliver(&store, b"x", &[&bob]).await.unwrap();
    assert!(matches!(waiting.await.unwrap(), Change::Added { .. }));
}

#[tokio::test]
async fn who_does_not_read_is_told_and_can_go_on() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let bob = account(&store, "bob@hamburger.edu").await;
    let inbox = find(&store, &bob, "INBOX").await;
    append(&store, inbox, &[1; 4], "").await;
    let mut slow = store.open_mailbox(&bob, "INBOX").await.unwrap();
    let mut quick = store.open_mailbox(&bob, "INBOX").await.unwrap();
    let mut seen = 0;
    let mut tasks = tokio::task::JoinSet::new();
    for round in 0..1400 {
        let store = store.clone();
        let names = if round % 2 == 0 { "\\Seen" } else { "\\Flagged" };
        tasks.spawn(async move {
            store.store_flags(&inbox, UidSet::all(), FlagsChange::Replace(flags(names)), None).await.unwrap();
        });
        if round % 100 == 99 {
            while tasks.join_next().await.is_some() {}
            while let Some(next) = quick.changes.try_next() {
                assert!(matches!(next, Next::Change(_)), "{next:?}");
                seen += 1;
            }
        }
    }
    assert!(seen > 1100, "{seen}");
    for _ in 0..3 {
        assert_eq!(slow.changes.try_next(), Some(Next::Lagged));
    }
    assert_eq!(slow.changes.next().await, Next::Lagged);
    let kept = store.inner.hub.kept(inbox);
    assert!(kept.0 == 1024, "{kept:?}");
    // A future that is dropped half way changes nothing.
    let halfway = tokio::time::timeout(Duration::ZERO, store.resynchronise(&mut slow.changes)).await;
    assert!(halfway.is_ok() || slow.changes.try_next() == Some(Next::Lagged));
    store.remove_messages(&inbox, uids(&[(3, 3)])).await.unwrap();
    let snapshot = store.resynchronise(&mut slow.changes).await.unwrap();
    assert_eq!(snapshot.uids, uids(&[(1, 2), (4, 4)]));
    assert_eq!(slow.changes.try_next(), None);
    deliver(&store, b"x", &[&bob]).await.unwrap();
    assert!(matches!(next(&mut slow.changes).await, Change::Added { .. }));

    // One change that is more than may be kept.
    assert!(matches!(quick.changes.try_next(), Some(Next::Change(_))));
    while quick.changes.try_next().is_some() {}
    assert_eq!(store.inner.hub.kept(inbox), (0, 0), "all have read all");
    store.inner.hub.publish_heavy(inbox);
    assert_eq!(slow.changes.try_next(), Some(Next::Lagged));
    assert_eq!(quick.changes.try_next(), Some(Next::Lagged));

    // A mailbox that is gone has no snapshot.
    store.remove_account("bob@hamburger.edu").await.unwrap();
    assert_eq!(store.resynchronise(&mut slow.changes).await, Err(StoreError::NotFound));
}

/// What a session believes of a mailbox.
#[derive(Default)]
struct Model {
    messages: BTreeMap<u32, (u64, String)>,
    modseq: u64,
    uidnext: u32,
}

impl Model {
    async fn begin(store: &Store, mailbox: Mailbox, snapshot: &Snapshot) -> Self {
        let mut model = Self {
            modseq: snapshot.highestmodseq,
            uidnext: u32::try_from(snapshot.uidnext).unwrap(),
            messages: snapshot.uids.iter().map(|uid| (uid, (0, String::new()))).collect(),
        };
        model.read(store, mailbox, snapshot.uids.clone()).await;
        model
    }

    /// Reads flags, which may be newer than what was told so far.
    async fn read(&mut self, store: &Store, mailbox: Mailbox, uids: UidSet) {
        for row in rows(store, mailbox, Choice { uids, ..Choice::default() }).await {
            let names = row.flags.names().collect::<Vec<_>>().join(" ");
            self.messages.insert(row.uid, (row.modseq, names));
        }
    }

    async fn apply(&mut self, store: &Store, mailbox: Mailbox, change: &Change) {
        let modseq = change.modseq().unwrap();
        assert_eq!(modseq, self.modseq + 1, "in order, each once, none lost: {change:?}");
        self.modseq = modseq;
        match change {
            Change::Added { uids, .. } => {
                for uid in uids.iter() {
                    assert!(uid >= self.uidnext, "{uid} is not new");
                    self.uidnext = uid + 1;
                    assert!(self.messages.insert(uid, (0, String::new())).is_none());
                }
                self.read(store, mailbox, uids.clone()).await;
            }
            Change::Removed { uids, .. } => {
                for uid in uids.iter() {
                    assert!(self.messages.remove(&uid).is_some(), "{uid} was not there");
                }
            }
            Change::Flags { messages, modseq } => {
                for (uid, flags) in messages {
                    let own = self.messages.get_mut(uid).expect("flags of a message that is there");
                    if *modseq > own.0 {
                        *own = (*modseq, flags.names().collect::<Vec<_>>().join(" "));
                    }
                }
            }
            Change::Renamed { .. } | Change::Deleted => panic!("{change:?}"),
        }
    }
}

/// Numbers that look random.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.0 >> 33) % u64::from(bound)).unwrap()
    }
}

async fn disturb(store: Store, account: Account, mut random: Random, rounds: u32) {
    let inbox = find(&store, &account, "INBOX").await;
    let trash = find(&store, &account, "Trash").await;
    for _ in 0..rounds {
        let top = u32::try_from(status(&store, &account, "INBOX").await.uidnext).unwrap();
        let first = 1 + random.below(top);
        let some = UidSet::range(first, first + random.below(6));
        let names = ["\\Seen", "\\Deleted", "\\Flagged key", "other \\Deleted"][random.below(4) as usize];
        match random.below(10) {
            0..=1 => drop(append(&store, inbox, &[1, 2], names).await),
            2 => drop(deliver(&store, b"x", &[&account]).await.unwrap()),
            3..=4 => {
                store.store_flags(&inbox, some, FlagsChange::Add(flags(names)), None).await.unwrap();
            }
            5 => {
                store.store_flags(&inbox, some, FlagsChange::Remove(flags(names)), None).await.unwrap();
            }
            6 => drop(store.expunge(&inbox, some).await.unwrap()),
            7 => drop(store.move_messages(&inbox, some, &trash, NOW).await.unwrap()),
            8 => drop(store.move_messages(&trash, some, &inbox, NOW).await.unwrap()),
            _ => drop(store.copy_messages(&inbox, some, &inbox, NOW).await.unwrap()),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn every_session_ends_with_the_truth() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let bob = account(&store, "bob@hamburger.edu").await;
    let inbox = find(&store, &bob, "INBOX").await;
    append(&store, inbox, &[1; 20], "\\Seen").await;
    let finished = std::sync::Arc::new(AtomicBool::new(false));
    let mut writers = tokio::task::JoinSet::new();
    for seed in 0..4 {
        writers.spawn(disturb(store.clone(), bob.clone(), Random(seed), 100));
    }
    let mut sessions = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let (store, bob, finished) = (store.clone(), bob.clone(), std::sync::Arc::clone(&finished));
        sessions.spawn(async move {
            let mut opened = 0;
            // Opens again and again in the middle of it, and stays with the last.
            loop {
                let OpenMailbox { mailbox, snapshot, mut changes, .. } =
                    store.open_mailbox(&bob, "INBOX").await.unwrap();
                opened += 1;
                let mut model = Model::begin(&store, mailbox, &snapshot).await;
                let mut applied = 0;
                let over = loop {
                    let over = finished.load(Ordering::SeqCst);
                    match changes.try_next() {
                        Some(Next::Change(change)) => {
                            model.apply(&store, mailbox, &change).await;
                            applied += 1;
                        }
                        Some(Next::Lagged) => panic!("lagged"),
                        None if over => break true,
                        None => tokio::time::sleep(Duration::from_millis(1)).await,
                    }
                    if applied >= 15 && !over {
                        break false;
                    }
                };
                if over {
                    return (opened, model);
                }
            }
        });
    }
    writers.join_all().await;
    finished.store(true, Ordering::SeqCst);
    let truth = contents(&store, inbox).await;
    let highest = status(&store, &bob, "INBOX").await.highestmodseq;
    let mut opened = 0;
    while let Some(session) = sessions.join_next().await {
        let (times, model) = session.unwrap();
        opened += times;
        let believed: Vec<_> = model.messages.into_iter().map(|(uid, (_, flags))| (uid, flags)).collect();
        assert_eq!(believed, truth);
        assert_eq!(model.modseq, highest);
    }
    assert!(opened > 12, "opened {opened} times");
    check(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_begin_where_the_snapshot_ends() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let bob = account(&store, "bob@hamburger.edu").await;
    let inbox = find(&store, &bob, "INBOX").await;
    // Enough that reading the snapshot takes as long as a few changes.
    fill(&store, inbox, 8000).await;
    let finished = std::sync::Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (store, bob, finished) = (store.clone(), bob.clone(), std::sync::Arc::clone(&finished));
        async move {
            let mut uid = 1;
            while !finished.load(Ordering::SeqCst) {
                deliver(&store, b"x", &[&bob]).await.unwrap();
                store.remove_messages(&inbox, uids(&[(uid, uid)])).await.unwrap();
                uid += 1;
            }
            uid
        }
    });
    for _ in 0..100 {
        let OpenMailbox { snapshot, mut changes, .. } = store.open_mailbox(&bob, "INBOX").await.unwrap();
        let (mut present, mut modseq) = (snapshot.uids, snapshot.highestmodseq);
        for _ in 0..2 {
            let change = next(&mut changes).await;
            modseq += 1;
            assert_eq!(change.modseq(), Some(modseq));
            match change {
                Change::Added { uids, .. } => {
                    let next = u32::try_from(snapshot.uidnext).unwrap();
                    assert_eq!(uids, UidSet::range(next, next));
                    assert!(!present.contains(next));
                    present = present.ranges().iter().chain(uids.ranges()).copied().collect();
                }
                Change::Removed { uids, .. } => {
                    assert_eq!(present.intersection(&uids), uids);
                    present = present.difference(&uids);
                }
                other => panic!("{other:?}"),
            }
            assert!(present.len() >= 7999 && present.len() <= 8001, "{}", present.len());
        }
    }
    finished.store(true, Ordering::SeqCst);
    assert!(writer.await.unwrap() > 100);
}
