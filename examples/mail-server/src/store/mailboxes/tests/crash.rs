//! A process that is killed leaves what it was told is done, and no UID comes twice.

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;

/// The other half of the next test, in a process of its own: changes mailboxes and says so, until it is killed.
#[tokio::test]
#[ignore = "run by `kill_9_leaves_whole_mailboxes`"]
async fn change_until_killed() {
    let folder = std::env::var("MAIL_SERVER_TEST_FOLDER").unwrap();
    let store = open(Path::new(&folder));
    let bob = match store.find_account("bob@hamburger.edu").await.unwrap() {
        Some(bob) => bob,
        None => account(&store, "bob@hamburger.edu").await,
    };
    let inbox = find(&store, &bob, "INBOX").await;
    let trash = find(&store, &bob, "Trash").await;
    loop {
        let appended = append(&store, inbox, &[100, 1_200_000, 300], "key").await;
        let [first, second, third] = appended.uids[..] else { panic!("three messages") };
        println!("told appended {first} {second} {third}");
        store
            .store_flags(&inbox, uids(&[(first, second)]), FlagsChange::Add(flags("\\Deleted")), None)
            .await
            .unwrap();
        println!("told deleted {first} {second}");
        let moved = store.move_messages(&inbox, uids(&[(third, third)]), &trash, NOW).await.unwrap();
        println!("told moved {third} {}", moved.uids[0].1);
        store.expunge(&inbox, uids(&[(first, first)])).await.unwrap();
        println!("told expunged {first}");
    }
}

#[tokio::test]
async fn kill_9_leaves_whole_mailboxes() {
    let place = tempfile::tempdir().unwrap();
    let (mut seen, mut moved_to) = (HashSet::new(), HashSet::new());
    for round in 0..2 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "store::mailboxes::tests::crash::change_until_killed",
                "--ignored",
                "--nocapture",
            ])
            .env("MAIL_SERVER_TEST_FOLDER", place.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut told = Vec::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if let Some((_, line)) = line.split_once("told ") {
                let (verb, numbers) = line.split_once(' ').unwrap();
                let numbers = numbers.split(' ').map(|number| number.parse().unwrap());
                told.push((verb.to_owned(), numbers.collect::<Vec<u32>>()));
            }
            if told.len() == 23 + 7 * round {
                // SIGKILL.
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(told.len() >= 23, "{told:?}");

        let store = open(place.path());
        check(&store).await;
        let bob = store.find_account("bob@hamburger.edu").await.unwrap().unwrap();
        let inbox = contents(&store, find(&store, &bob, "INBOX").await).await;
        let trash = contents(&store, find(&store, &bob, "Trash").await).await;
        let flags_of = |uid: u32| inbox.iter().find(|(own, _)| *own == uid).map(|(_, flags)| flags.as_str());
        for (verb, numbers) in &told {
            match (verb.as_str(), numbers.as_slice()) {
                ("appended", new) => {
                    assert!(new.iter().all(|uid| seen.insert(*uid)), "given out twice: {new:?}");
                }
                ("deleted", [_, second]) => assert_eq!(flags_of(*second), Some("\\Deleted key")),
                ("moved", [old, new]) => {
                    assert!(moved_to.insert(*new), "given out twice: {new}");
                    assert_eq!(flags_of(*old), None);
                    assert!(trash.iter().any(|(uid, _)| uid == new));
                }
                ("expunged", [first]) => assert_eq!(flags_of(*first), None),
                other => panic!("{other:?}"),
            }
        }
        // Every message in both mailboxes can be read to its end.
        for name in ["INBOX", "Trash"] {
            let mailbox = find(&store, &bob, name).await;
            for (uid, _) in contents(&store, mailbox).await {
                let reader = store.read_message(&mailbox, uid).await.unwrap();
                let size = usize::try_from(reader.size()).unwrap();
                assert!(all(reader).await == octets(size), "{name} {uid}");
            }
        }
    }
}
