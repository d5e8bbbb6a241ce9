//! The tree of names, subscriptions, and the step from the first version of the store.

use super::*;

/// Each listed name, with `-` if there is no such mailbox, `+` if there are some below, `s` if subscribed.
async fn listed(store: &Store, account: &Account) -> Vec<String> {
    let listed = store.list_mailboxes(account).await.unwrap();
    let show = |entry: &ListedMailbox| {
        let mut text = entry.name.clone();
        for (mark, set) in
            [(" -", entry.mailbox.is_none()), (" +", entry.has_children), (" s", entry.subscribed)]
        {
            text.push_str(if set { mark } else { "" });
        }
        text
    };
    let others = |text: &String| {
        !["INBOX s", "Archive s", "Drafts s", "Junk s", "Sent s", "Trash s"].contains(&text.as_str())
    };
    listed.iter().map(show).filter(others).collect()
}

#[tokio::test]
async fn a_new_account_has_a_mailbox_for_each_use() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let bob = account(&store, "bob@hamburger.edu").await;
    let listed = store.list_mailboxes(&bob).await.unwrap();
    let seen: Vec<_> = listed.iter().map(|entry| (entry.name.as_str(), entry.special_use)).collect();
    let mut expected = vec![("INBOX", None)];
    expected.extend(SpecialUse::ALL.map(|special_use| (special_use.default_name(), Some(special_use))));
    assert_eq!(seen, expected);
    assert!(listed.iter().all(|entry| entry.subscribed && !entry.has_children && entry.mailbox.is_some()));
    let (sent, name) = store.special_mailbox(&bob, SpecialUse::Sent).await.unwrap();
    assert_eq!((sent, name.as_str()), (find(&store, &bob, "Sent").await, "Sent"));
    assert_eq!(find(&store, &bob, "inBOX").await, find(&store, &bob, "INBOX").await);
    let mut validities: Vec<u32> =
        listed.iter().map(|entry| entry.mailbox.as_ref().unwrap().0.uidvalidity()).collect();
    validities.sort_unstable();
    validities.dedup();
    assert_eq!(validities.len(), 6);
    assert_eq!(SpecialUse::from_attribute("\\SENT"), Some(SpecialUse::Sent));
    assert_eq!(SpecialUse::from_attribute("\\All"), None);
}

#[tokio::test]
async fn create_and_delete() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let bob = account(&store, "bob@hamburger.edu").await;
    let deep = store.create_mailbox(&bob, "a/b/c", None, NOW).await.unwrap();
    store.create_mailbox(&bob, "나무/", Some(SpecialUse::Archive), NOW).await.unwrap();
    assert_eq!(listed(&store, &bob).await, ["a +", "a/b +", "a/b/c", "나무"]);
    for taken in ["inbox", "a", "a/b/c", "Sent"] {
        assert_eq!(store.create_mailbox(&bob, taken, None, NOW).await, Err(StoreError::Exists), "{taken}");
    }
    for bad in ["", "/", "a//b", "a//", "x\n", &"x/".repeat(30)] {
        let made = store.create_mailbox(&bob, bad, None, NOW).await;
        assert!(matches!(made, Err(StoreError::Invalid(_))), "{bad:?} {made:?}");
    }

    // What is below stays, and the name with it.
    store.delete_mailbox(&bob, "a/b").await.unwrap();
    assert_eq!(listed(&store, &bob).await, ["a +", "a/b - +", "a/b/c", "나무"]);
    assert_eq!(store.delete_mailbox(&bob, "a/b").await, Err(StoreError::HasChildren));
    assert_eq!(store.find_mailbox(&bob, "a/b").await, Err(StoreError::NotFound));
    assert_eq!(store.open_mailbox(&bob, "a/b").await.unwrap_err(), StoreError::NotFound);
    store.create_mailbox(&bob, "a/b", None, NOW).await.unwrap();
    store.delete_mailbox(&bob, "a/b").await.unwrap();
    store.delete_mailbox(&bob, "a/b/c").await.unwrap();
    assert_eq!(listed(&store, &bob).await, ["a", "나무"], "nothing is left of it");

    assert_eq!(store.delete_mailbox(&bob, "a/b/c").await, Err(StoreError::NotFound));
    assert!(matches!(store.delete_mailbox(&bob, "Inbox").await, Err(StoreError::Invalid(_))));
    let again = store.create_mailbox(&bob, "a/b/c", None, NOW).await.unwrap();
    assert!(again.uidvalidity() > deep.uidvalidity() && again.object_id() != deep.object_id());
    // The old one is not the new one.
    assert_eq!(store.expunge(&deep, UidSet::all()).await, Err(StoreError::NotFound));
    assert_eq!(store.remove_messages(&deep, UidSet::all()).await, Err(StoreError::NotFound));
    let choice = Choice { uids: UidSet::all(), ..Choice::default() };
    assert_eq!(store.message_rows(&deep, choice).next().await, Err(StoreError::NotFound));
    let change = FlagsChange::Add(flags("x"));
    assert_eq!(store.store_flags(&deep, UidSet::all(), change, None).await, Err(StoreError::NotFound));
    assert_eq!(store.copy_messages(&again, UidSet::all(), &deep, NOW).await, Err(StoreError::NotFound));
    assert_eq!(store.move_messages(&deep, UidSet::all(), &again, NOW).await, Err(StoreError::NotFound));
    assert_eq!(store.vanished(&deep, 1, UidSet::all()).await, Err(StoreError::NotFound));
    assert_eq!(store.read_message(&deep, 1).await.unwrap_err(), StoreError::NotFound);
    let message = NewMessage { message: spooled(&store, b"x").await, flags: flags(""), internal_date: None };
    assert_eq!(store.append(&deep, vec![message], NOW).await, Err(StoreError::NotFound));
    let gone = Account { id: -1, address: "gone@hamburger.edu".into() };
    assert_eq!(store.create_mailbox(&gone, "x", None, NOW).await, Err(StoreError::NotFound));
    assert_eq!(store.subscribe(&gone, "x").await, Err(StoreError::NotFound));
    check(&store).await;
}

#[tokio::test]
async fn a_deleted_mailbox_takes_its_messages_along() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let bob = account(&store, "bob@hamburger.edu").await;
    let mailbox = store.create_mailbox(&bob, "a", None, NOW).await.unwrap();
    append(&store, mailbox, &[10, 2_000_000], "key").await;
    store.put_derived(&mailbox, 1, vec![(1, b"x".to_vec().into())]).await.unwrap();
    append(&store, mailbox, &[5], "\\Deleted").await;
    store.expunge(&mailbox, UidSet::all()).await.unwrap();
    store.delete_mailbox(&bob, "a").await.unwrap();
    for table in ["messages", "blobs", "chunks", "derived", "keywords", "expunged"] {
        assert_eq!(count(&store, table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn rename() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let bob = account(&store, "bob@hamburger.edu").await;
    let deep = store.create_mailbox(&bob, "a/b/c", None, NOW).await.unwrap();
    store.create_mailbox(&bob, "a0", None, NOW).await.unwrap();
    store.create_mailbox(&bob, "ab/x", None, NOW).await.unwrap();
    append(&store, deep, &[1, 2], "").await;
    store.rename_mailbox(&bob, "a/b", "new/place/", NOW).await.unwrap();
    assert_eq!(
        listed(&store, &bob).await,
        ["a", "a0", "ab +", "ab/x", "new +", "new/place +", "new/place/c"]
    );
    assert_eq!(find(&store, &bob, "new/place/c").await, deep, "the same mailbox, by its id and UIDVALIDITY");
    assert_eq!(contents(&store, deep).await.len(), 2);

    let rename = async |from: &str, to: &str| store.rename_mailbox(&bob, from, to, NOW).await;
    assert_eq!(rename("nowhere", "x").await, Err(StoreError::NotFound));
    assert_eq!(rename("a", "Sent").await, Err(StoreError::Exists));
    assert_eq!(rename("a", "a").await, Err(StoreError::Exists));
    assert_eq!(rename("a", "inbox").await, Err(StoreError::Exists));
    assert!(matches!(rename("new", "new/place/under").await, Err(StoreError::Invalid(_))));
    assert!(matches!(rename("a", "b//c").await, Err(StoreError::Invalid(_))));
    // Too long a name for what is below, a taken one below: nothing happens.
    assert!(matches!(rename("new", &"x".repeat(MAX_NAME - 5)).await, Err(StoreError::Invalid(_))));
    store.create_mailbox(&bob, "to/place", None, NOW).await.unwrap();
    store.delete_mailbox(&bob, "to").await.unwrap();
    assert_eq!(rename("new", "to").await, Err(StoreError::Exists));
    assert_eq!(
        listed(&store, &bob).await,
        ["a", "a0", "ab +", "ab/x", "new +", "new/place +", "new/place/c", "to - +", "to/place"]
    );
    // A name that does not exist moves what is below it, also up by a level.
    rename("to", "fro").await.unwrap();
    rename("new/place/c", "new/place/place").await.unwrap();
    store.create_mailbox(&bob, "new/place/place/place", None, NOW).await.unwrap();
    store.delete_mailbox(&bob, "new/place").await.unwrap();
    rename("new/place/place", "new/place").await.unwrap();
    assert_eq!(
        listed(&store, &bob).await,
        ["a", "a0", "ab +", "ab/x", "fro - +", "fro/place", "new +", "new/place +", "new/place/place"]
    );
    assert_eq!(find(&store, &bob, "new/place").await, deep);
    check(&store).await;
}

#[tokio::test]
async fn renaming_inbox_moves_its_messages() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let bob = account(&store, "bob@hamburger.edu").await;
    let inbox = find(&store, &bob, "INBOX").await;
    store.create_mailbox(&bob, "INBOX/below", None, NOW).await.unwrap();
    append(&store, inbox, &[3, 4], "\\Seen key").await;
    let mut watched = store.open_mailbox(&bob, "INBOX").await.unwrap();
    store.rename_mailbox(&bob, "inbox", "inbox/old/2026", NOW).await.unwrap();
    assert_eq!(listed(&store, &bob).await, ["INBOX + s", "INBOX/below", "INBOX/old +", "INBOX/old/2026"]);
    let old = find(&store, &bob, "INBOX/old/2026").await;
    assert_eq!(contents(&store, old).await, [(1, "\\Seen key".into()), (2, "\\Seen key".into())]);
    assert_eq!(find(&store, &bob, "INBOX").await, inbox);
    assert_ne!(old.uidvalidity(), inbox.uidvalidity());
    assert_eq!(status(&store, &bob, "INBOX").await.messages, 0);
    assert_eq!(status(&store, &bob, "INBOX").await.uidnext, 3);
    let change = watched.changes.next().await;
    let Next::Change(change) = change else { panic!("{change:?}") };
    assert!(matches!(&*change, Change::Removed { uids: gone, .. } if *gone == uids(&[(1, 2)])), "{change:?}");
    assert_eq!(store.rename_mailbox(&bob, "INBOX", "Sent", NOW).await, Err(StoreError::Exists));
    check(&store).await;
}

#[tokio::test]
async fn subscriptions_outlive_mailboxes() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let bob = account(&store, "bob@hamburger.edu").await;
    store.create_mailbox(&bob, "a/b", None, NOW).await.unwrap();
    let mut feed = store.account_changes(&bob);
    store.subscribe(&bob, "a/b").await.unwrap();
    assert!(feed.has_changed().unwrap());
    feed.mark_unchanged();
    store.subscribe(&bob, "a/b").await.unwrap();
    assert!(!feed.has_changed().unwrap(), "nothing new");
    store.delete_mailbox(&bob, "a/b").await.unwrap();
    assert_eq!(listed(&store, &bob).await, ["a", "a/b - s"]);
    store.subscribe(&bob, "never/was").await.unwrap();
    store.unsubscribe(&bob, "a/b").await.unwrap();
    store.unsubscribe(&bob, "a/b").await.unwrap();
    store.unsubscribe(&bob, "inbox").await.unwrap();
    assert_eq!(listed(&store, &bob).await, ["INBOX", "a", "never/was - s"]);
    assert!(matches!(store.subscribe(&bob, "a\0").await, Err(StoreError::Invalid(_))));
}

#[tokio::test]
async fn there_is_an_end_of_mailboxes_and_subscriptions() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let bob = account(&store, "bob@hamburger.edu").await;
    let id = bob.id;
    store
        .write(move |connection| {
            let fill = "WITH RECURSIVE n (n) AS (SELECT 7 UNION ALL SELECT n + 1 FROM n WHERE n < 9999) ";
            let mailboxes =
                "INSERT INTO mailboxes (account_id, name, uidvalidity) SELECT ?1, 'm' || n, n FROM n";
            let subscriptions = "INSERT INTO subscriptions (account_id, name) SELECT ?1, 'm' || n FROM n";
            connection.execute(&format!("{fill}{mailboxes}"), [id])?;
            connection.execute(&format!("{fill}{subscriptions}"), [id])?;
            Ok(())
        })
        .await
        .unwrap();
    assert!(matches!(store.create_mailbox(&bob, "x/y", None, NOW).await, Err(StoreError::Limit(_))));
    store.create_mailbox(&bob, "x", None, NOW).await.unwrap();
    assert!(matches!(store.create_mailbox(&bob, "y", None, NOW).await, Err(StoreError::Limit(_))));
    store.subscribe(&bob, "x").await.unwrap();
    assert!(matches!(store.subscribe(&bob, "y").await, Err(StoreError::Limit(_))));
    store.subscribe(&bob, "x").await.unwrap();
    let listed = store.list_mailboxes(&bob).await.unwrap();
    assert_eq!(listed.len(), MAX_MAILBOXES as usize);
    assert!(listed.iter().all(|entry| entry.subscribed));
}

#[tokio::test]
async fn a_store_of_the_first_version_keeps_its_messages() {
    let place = tempfile::tempdir().unwrap();
    {
        let connection = rusqlite::Connection::open(place.path().join("mail.sqlite")).unwrap();
        connection.execute_batch(crate::store::schema::MIGRATIONS[0]).unwrap();
        let rows = "
            PRAGMA user_version = 1;
            INSERT INTO settings VALUES ('uidvalidity', 1795391999);
            INSERT INTO accounts (id, address, created) VALUES (3, 'bob@hamburger.edu', 0), (5, 'carol@x.example', 0);
            INSERT INTO mailboxes (id, account_id, name, uidvalidity, uidnext)
                VALUES (7, 3, 'INBOX', 1795391990, 6), (8, 5, 'INBOX', 1795391999, 1);
            INSERT INTO blobs VALUES (11, 4, 1), (12, 4, 1), (13, 2, 1);
            INSERT INTO chunks VALUES (11 << 20, x'6f6e650a'), (12 << 20, x'74776f0a'), (13 << 20, x'710a');
            INSERT INTO messages (mailbox_id, uid, blob_id, prefix, size, internal_date)
                VALUES (7, 2, 11, x'500a', 6, 1795391000123), (7, 5, 12, x'', 4, 1795392000456);
            INSERT INTO queue (blob_id, size, reverse_path, arrived, smtputf8, next_event)
                VALUES (13, 2, 'a@crepes.fr', 0, 0, 0);";
        connection.execute_batch(rows).unwrap();
    }
    for _ in 0..2 {
        let store = open(place.path());
        let bob = store.find_account("bob@hamburger.edu").await.unwrap().unwrap();
        let carol = store.find_account("carol@x.example").await.unwrap().unwrap();
        let inbox = find(&store, &bob, "INBOX").await;
        assert_eq!((inbox.object_id().as_str(), inbox.uidvalidity()), ("F7", 1_795_391_990));
        let status = status(&store, &bob, "INBOX").await;
        assert_eq!((status.messages, status.unseen, status.deleted, status.size), (2, 2, 0, 10));
        assert_eq!((status.uidnext, status.highestmodseq), (6, 1));
        let choice = Choice { uids: UidSet::all(), ..Choice::default() };
        let rows = rows(&store, inbox, choice).await;
        assert_eq!(rows.iter().map(|row| (row.uid, row.modseq)).collect::<Vec<_>>(), [(2, 1), (5, 1)]);
        assert_eq!(
            (rows[0].internal_date, rows[0].saved_date),
            (Time(1_795_391_000_123), Time(1_795_391_000_123))
        );
        assert_eq!(all(store.read_message(&inbox, 2).await.unwrap()).await, b"P\none\n");
        assert_eq!(all(store.read_message(&inbox, 5).await.unwrap()).await, b"two\n");
        let mut validities = Vec::new();
        for account in [&bob, &carol] {
            let listed = store.list_mailboxes(account).await.unwrap();
            assert_eq!(listed.len(), 6);
            assert!(listed.iter().all(|entry| entry.subscribed));
            for special_use in SpecialUse::ALL {
                let (_, name) = store.special_mailbox(account, special_use).await.unwrap();
                assert_eq!(name, special_use.default_name());
            }
            validities.extend(listed.iter().map(|entry| entry.mailbox.as_ref().unwrap().0.uidvalidity()));
        }
        validities.sort_unstable();
        validities.dedup();
        assert_eq!(validities.len(), 12, "each its own");
        let made = store.create_mailbox(&bob, "new", None, Time(0)).await.unwrap();
        assert!(validities.iter().all(|validity| *validity < made.uidvalidity()));
        store.delete_mailbox(&bob, "new").await.unwrap();
        check(&store).await;
        assert_eq!(count(&store, "queue").await, 1);
    }
    let store = open(place.path());
    let bob = store.find_account("bob@hamburger.edu").await.unwrap().unwrap();
    let inbox = find(&store, &bob, "INBOX").await;
    store.remove_messages(&inbox, UidSet::all()).await.unwrap();
    store.list_queue(0, 1).await.unwrap();
    assert_eq!((count(&store, "blobs").await, count(&store, "chunks").await), (1, 1), "triggers work");
    deliver(&store, b"new", &[&bob]).await.unwrap();
    assert_eq!(contents(&store, inbox).await, [(6, String::new())]);
}
