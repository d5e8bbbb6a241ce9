//! Flags, APPEND, COPY, MOVE and EXPUNGE.

use super::*;

#[tokio::test]
async fn flags_are_set_added_and_removed() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let bob = account(&store, "bob@hamburger.edu").await;
    let inbox = find(&store, &bob, "INBOX").await;
    append(&store, inbox, &[1; 5], "\\Seen Old").await;
    let before = status(&store, &bob, "INBOX").await;
    let change = async |ranges: &[(u32, u32)], change| {
        store.store_flags(&inbox, uids(ranges), change, None).await.unwrap()
    };

    let stored = change(&[(2, 3), (9, 9)], FlagsChange::Add(flags("\\Deleted OLD new"))).await;
    let modseq = before.highestmodseq + 1;
    let row = |uid| FlagsRow { uid, flags: flags("\\Deleted \\Seen new Old"), modseq, changed: true };
    assert_eq!(stored, StoredFlags { rows: vec![row(2), row(3)], modified: UidSet::default() });
    let now = status(&store, &bob, "INBOX").await;
    assert_eq!((now.unseen, now.deleted, now.highestmodseq), (0, 2, modseq));

    // Nothing new for 2 and 3; the keyword has the mailbox's spelling for the others.
    let stored = change(&[(1, 4)], FlagsChange::Add(flags("NEW"))).await;
    let seen: Vec<_> = stored.rows.iter().map(|row| (row.uid, row.modseq, row.changed)).collect();
    assert_eq!(seen, [(1, modseq + 1, true), (2, modseq, false), (3, modseq, false), (4, modseq + 1, true)]);
    let stored = change(&[(1, 4)], FlagsChange::Remove(flags("oLD \\Seen \\Draft never"))).await;
    assert!(stored.rows.iter().all(|row| row.changed));
    let stored = change(&[(2, 2)], FlagsChange::Replace(flags("\\Answered NEW"))).await;
    assert_eq!(stored.rows[0].flags.names().collect::<Vec<_>>(), ["\\Answered", "new"]);
    assert_eq!(
        contents(&store, inbox).await,
        [
            (1, "new".into()),
            (2, "\\Answered new".into()),
            (3, "\\Deleted new".into()),
            (4, "new".into()),
            (5, "\\Seen Old".to_owned())
        ]
    );
    let quiet = status(&store, &bob, "INBOX").await;
    let stored = change(&[(1, 9)], FlagsChange::Remove(flags("never"))).await;
    assert!(stored.rows.len() == 5 && stored.rows.iter().all(|row| !row.changed));
    assert_eq!(status(&store, &bob, "INBOX").await, quiet, "nothing happened");
    assert_eq!((quiet.unseen, quiet.deleted), (4, 1));
    let opened = store.open_mailbox(&bob, "INBOX").await.unwrap();
    assert_eq!(opened.snapshot.keywords.iter().map(|name| &**name).collect::<Vec<_>>(), ["new", "Old"]);
    assert_eq!((opened.snapshot.first_unseen, opened.snapshot.unseen), (Some(1), 4));
    check(&store).await;
}

#[tokio::test]
async fn what_changed_meanwhile_is_left_alone() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let bob = account(&store, "bob@hamburger.edu").await;
    let inbox = find(&store, &bob, "INBOX").await;
    append(&store, inbox, &[1; 6], "").await;
    let since = status(&store, &bob, "INBOX").await.highestmodseq;
    let seen = || FlagsChange::Add(flags("\\Seen"));
    store.store_flags(&inbox, uids(&[(2, 2), (5, 5)]), FlagsChange::Add(flags("x")), None).await.unwrap();
    let stored = store.store_flags(&inbox, UidSet::all(), seen(), Some(since)).await.unwrap();
    assert_eq!(stored.modified, uids(&[(2, 2), (5, 5)]));
    assert_eq!(stored.rows.iter().map(|row| row.uid).collect::<Vec<_>>(), [1, 3, 4, 6]);
    let none = store.store_flags(&inbox, UidSet::all(), seen(), Some(0)).await.unwrap();
    assert_eq!((none.rows.len(), none.modified.len()), (0, 6), "0 is before every message");
    let flags: Vec<String> = contents(&store, inbox).await.into_iter().map(|(_, flags)| flags).collect();
    assert_eq!(flags, ["\\Seen", "x", "\\Seen", "\\Seen", "x", "\\Seen"]);
}

#[tokio::test]
async fn keywords_are_bounded() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let bob = account(&store, "bob@hamburger.edu").await;
    let inbox = find(&store, &bob, "INBOX").await;
    let sent = find(&store, &bob, "Sent").await;
    let per_message = MAX_MESSAGE_KEYWORDS;
    append(&store, inbox, &[1; 5], "").await;
    let names = |from: usize, to: usize| (from..to).map(|n| format!("k{n}")).collect::<Vec<_>>().join(" ");
    let add = async |uid, names: &str| {
        store.store_flags(&inbox, uids(&[(uid, uid)]), FlagsChange::Add(flags(names)), None).await
    };
    for (uid, from) in (1..=4).zip((0..).step_by(per_message)) {
        add(uid, &names(from, from + per_message)).await.unwrap();
    }
    assert!(matches!(add(1, "more").await, Err(StoreError::Limit(_))), "of the message");
    assert!(matches!(add(5, "more").await, Err(StoreError::Limit(_))), "of the mailbox");
    add(5, "k7").await.unwrap();
    let message =
        NewMessage { message: spooled(&store, b"x").await, flags: flags("a b"), internal_date: None };
    assert!(matches!(store.append(&inbox, vec![message], NOW).await, Err(StoreError::Limit(_))));
    store.copy_messages(&inbox, UidSet::all(), &sent, NOW).await.unwrap();
    // What no message has any more makes room; but never for what comes with it.
    store.remove_messages(&inbox, uids(&[(1, 1)])).await.unwrap();
    add(5, &names(1000, 1049)).await.unwrap();
    let opened = store.open_mailbox(&bob, "INBOX").await.unwrap();
    assert_eq!(opened.snapshot.keywords.len(), MAX_MAILBOX_KEYWORDS);
    let mut used: Vec<String> = rows(&store, inbox, Choice { uids: UidSet::all(), ..Choice::default() })
        .await
        .iter()
        .flat_map(|row| row.flags.keywords().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    used.sort();
    used.dedup();
    let mut known: Vec<String> = opened.snapshot.keywords.iter().map(|name| (**name).to_owned()).collect();
    known.sort();
    assert_eq!(used, known);
    let copied = store.copy_messages(&inbox, uids(&[(5, 5)]), &sent, NOW).await;
    assert!(matches!(copied, Err(StoreError::Limit(_))), "{copied:?}");
    assert_eq!(status(&store, &bob, "Sent").await.messages, 5, "nothing was copied");
}

#[tokio::test]
async fn append_is_all_or_none() {
    let place = tempfile::tempdir().unwrap();
    let store = Store::open(place.path(), StoreOptions { quota: Some(5_000_000), serving: true }).unwrap();
    let bob = account(&store, "bob@hamburger.edu").await;
    let inbox = find(&store, &bob, "INBOX").await;
    let message = async |size: usize, names: &str, internal_date| NewMessage {
        message: spooled(&store, &octets(size)).await,
        flags: flags(names),
        internal_date,
    };
    let date = Some(Time(1000));
    let messages = vec![
        message(10, "\\Seen a", date).await,
        message(2_000_000, "", None).await,
        message(0, "A", None).await,
    ];
    let appended = store.append(&inbox, messages, NOW).await.unwrap();
    assert_eq!(appended.uids, [1, 2, 3]);
    let choice = Choice { uids: UidSet::all(), ..Choice::default() };
    let read = rows(&store, inbox, choice).await;
    let seen: Vec<_> = read.iter().map(|row| (row.size, row.internal_date, row.saved_date)).collect();
    assert_eq!(seen, [(10, Time(1000), NOW), (2_000_000, NOW, NOW), (0, NOW, NOW)]);
    assert_eq!(read[2].flags, flags("a"));
    assert!(all(store.read_message(&inbox, 2).await.unwrap()).await == octets(2_000_000));

    let blobs = count(&store, "blobs").await;
    let before = status(&store, &bob, "INBOX").await;
    let messages = vec![message(1_500_000, "new", None).await, message(1_500_000, "", None).await];
    let over = store.append(&inbox, messages, NOW).await;
    assert_eq!(over, Err(StoreError::OverQuota { never_fits: false }));
    let over = store.append(&inbox, vec![message(5_000_001, "", None).await], NOW).await;
    assert_eq!(over, Err(StoreError::OverQuota { never_fits: true }));
    assert!(matches!(store.append(&inbox, vec![], NOW).await, Err(StoreError::Invalid(_))));
    assert_eq!(status(&store, &bob, "INBOX").await, before);
    assert_eq!((count(&store, "blobs").await, count(&store, "keywords").await), (blobs, 1));
    check(&store).await;
}

#[tokio::test]
async fn copy_and_move() {
    let place = tempfile::tempdir().unwrap();
    let store = Store::open(place.path(), StoreOptions { quota: Some(1000), serving: true }).unwrap();
    let bob = account(&store, "bob@hamburger.edu").await;
    let carol = account(&store, "carol@hamburger.edu").await;
    let inbox = find(&store, &bob, "INBOX").await;
    let sent = find(&store, &bob, "Sent").await;
    append(&store, sent, &[1; 9], "KEY").await;
    store.remove_messages(&sent, UidSet::all()).await.unwrap();
    append(&store, inbox, &[10, 20, 30, 40], "\\Flagged key").await;
    let later = Time(NOW.0 + 5000);

    let copied = store.copy_messages(&inbox, uids(&[(4, 9), (1, 2)]), &sent, later).await.unwrap();
    assert_eq!((copied.uidvalidity, copied.removed_modseq), (sent.uidvalidity(), 0));
    assert_eq!(copied.uids, [(1, 10), (2, 11), (4, 12)]);
    let everything = || Choice { uids: UidSet::all(), ..Choice::default() };
    let (old, new) = (rows(&store, inbox, everything()).await, rows(&store, sent, everything()).await);
    assert_eq!(old[0].email_id(), new[0].email_id());
    assert_ne!(old[0].email_id(), new[1].email_id());
    assert_eq!((new[2].size, new[2].internal_date, new[2].saved_date), (40, NOW, later));
    assert_eq!(new[2].flags.names().collect::<Vec<_>>(), ["\\Flagged", "KEY"]);
    assert_eq!(count(&store, "blobs").await, 4, "shared");

    let over = store.copy_messages(&inbox, UidSet::all(), &sent, NOW).await;
    assert!(over.is_ok());
    let mut over = Ok(());
    for _ in 0..10 {
        over = store.copy_messages(&inbox, UidSet::all(), &sent, NOW).await.map(drop);
    }
    assert_eq!(over, Err(StoreError::OverQuota { never_fits: false }));
    // A move adds nothing.
    let moved = store.move_messages(&inbox, uids(&[(2, 3)]), &sent, NOW).await.unwrap();
    assert_eq!(moved.uids.iter().map(|(old, _)| *old).collect::<Vec<_>>(), [2, 3]);
    let now = status(&store, &bob, "INBOX").await;
    assert_eq!((now.messages, now.highestmodseq), (2, moved.removed_modseq));
    assert_eq!(store.vanished(&inbox, moved.removed_modseq - 1, UidSet::all()).await, Ok(uids(&[(2, 3)])));
    let moved = store.move_messages(&inbox, UidSet::all(), &inbox, NOW).await.unwrap();
    assert_eq!(moved.uids, [(1, 5), (4, 6)], "also within one mailbox");
    assert_eq!(contents(&store, inbox).await.len(), 2);
    let nothing = store.move_messages(&inbox, uids(&[(1, 4)]), &sent, NOW).await.unwrap();
    assert_eq!((nothing.uids.len(), nothing.removed_modseq), (0, 0));
    let other = find(&store, &carol, "INBOX").await;
    let across = store.copy_messages(&inbox, UidSet::all(), &other, NOW).await;
    assert!(matches!(across, Err(StoreError::Invalid(_))));
    check(&store).await;
}

#[tokio::test]
async fn expunge_and_what_vanished() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let bob = account(&store, "bob@hamburger.edu").await;
    let inbox = find(&store, &bob, "INBOX").await;
    append(&store, inbox, &[1; 10], "").await;
    let begin = status(&store, &bob, "INBOX").await.highestmodseq;
    let nothing = store.expunge(&inbox, UidSet::all()).await.unwrap();
    assert_eq!(nothing, Removed { uids: UidSet::default(), highestmodseq: begin });
    store
        .store_flags(&inbox, uids(&[(2, 4), (8, 8)]), FlagsChange::Add(flags("\\Deleted")), None)
        .await
        .unwrap();
    let first = store.expunge(&inbox, uids(&[(1, 3)])).await.unwrap();
    assert_eq!(first, Removed { uids: uids(&[(2, 3)]), highestmodseq: begin + 2 });
    let second = store.expunge(&inbox, UidSet::all()).await.unwrap();
    assert_eq!(second, Removed { uids: uids(&[(4, 4), (8, 8)]), highestmodseq: begin + 3 });
    let vanished = async |since, known| store.vanished(&inbox, since, known).await.unwrap();
    assert_eq!(vanished(begin, UidSet::all()).await, uids(&[(2, 4), (8, 8)]));
    assert_eq!(vanished(begin + 2, UidSet::all()).await, uids(&[(4, 4), (8, 8)]));
    assert_eq!(vanished(begin + 2, uids(&[(1, 6)])).await, uids(&[(4, 4)]));
    assert!(vanished(begin + 3, UidSet::all()).await.is_empty());
    assert_eq!(vanished(0, UidSet::all()).await, uids(&[(2, 4), (8, 8)]), "from before the beginning");
    check(&store).await;
}

#[tokio::test]
async fn removals_are_forgotten_after_a_while() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let bob = account(&store, "bob@hamburger.edu").await;
    let inbox = find(&store, &bob, "INBOX").await;
    const KEPT: u32 = change::MAX_EXPUNGED;
    // Only every second UID is there, so that no two removals make one range.
    fill(&store, inbox, 2 * (KEPT + 1000)).await;
    let even: UidSet = (1..=2 * (KEPT + 1000)).filter(|uid| uid % 2 == 0).collect();
    store.remove_messages(&inbox, even).await.unwrap();
    let begin = status(&store, &bob, "INBOX").await.highestmodseq;
    assert_eq!(count(&store, "expunged").await, 0, "more at once than is kept");
    let mut at = Vec::new();
    for piece in 0..(KEPT + 1000) / 1000 {
        let gone: UidSet = (0..1000).map(|number| 2 * (1000 * piece + number) + 1).collect();
        at.push(store.remove_messages(&inbox, gone).await.unwrap().highestmodseq);
        assert!(count(&store, "expunged").await <= i64::from(KEPT));
    }
    check(&store).await;
    let everything = store.vanished(&inbox, begin, uids(&[(1, 3000), (41_000, u32::MAX)])).await.unwrap();
    assert_eq!(everything, uids(&[(1, 3000), (41_000, 42_000)]), "all that is known and not there");
    let exact = store.vanished(&inbox, at[19], UidSet::all()).await.unwrap();
    assert_eq!(exact, (20_000..21_000).map(|number| 2 * number + 1).collect());
}
