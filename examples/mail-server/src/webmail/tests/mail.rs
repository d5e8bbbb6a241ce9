//! Folders, lists, reading, and what is done to messages.

use std::time::Duration;

use hyper::StatusCode;

use super::*;

#[tokio::test]
async fn messages_are_listed_read_and_marked() {
    let place = tempfile::tempdir().unwrap();
    let (server, bob, mut browser) = bob(place.path(), "").await;
    let uid = append(
        &server,
        &bob,
        "INBOX",
        "From: =?utf-8?B?7JWo66as7Iqk?= <alice@crepes.fr>\r\nTo: bob@hamburger.edu\r\nSubject: =?utf-8?B?7J247IOd?=\r\n\
         Date: Mon, 23 Nov 2026 09:00:00 +0900\r\n\r\nDo you like <ketchup>?\r\n"
            .as_bytes(),
    )
    .await;
    append(&server, &bob, "INBOX", b"Subject: another\r\n\r\n").await;
    let list = browser.see("/folder?name=INBOX").await;
    assert_eq!(list.text().matches("class=\"row unread\"").count(), 2);
    assert!(
        list.text().contains("앨리스")
            && list.text().contains("인생")
            && list.text().contains("2 messages · 2 unread")
    );
    assert!(list.text().contains("datetime=\"2026-11-23T00:00:00Z\""));
    let page = browser.see(&list.link("인생")).await;
    assert!(page.text().contains("Do you like &#60;ketchup&#62;?"), "{}", page.text());
    assert!(page.text().contains("앨리스") && page.text().contains("alice@crepes.fr"), "{}", page.text());
    assert_eq!(contents(&server, &bob, "INBOX").await[0].0, SystemFlags::SEEN);
    let list = browser.see("/folder?name=INBOX").await;
    assert_eq!(list.text().matches("class=\"row unread\"").count(), 1);

    let uid = uid.to_string();
    for (action, flags) in [
        ("flag", SystemFlags::SEEN | SystemFlags::FLAGGED),
        ("unread", SystemFlags::FLAGGED),
        ("unflag", SystemFlags::default()),
        ("read", SystemFlags::SEEN),
    ] {
        let done = browser.submit(&list, "/act", &[("uid", &uid), ("action", action)]).await;
        assert_eq!(done.location(), "/folder?name=INBOX&done=marked");
        assert_eq!(contents(&server, &bob, "INBOX").await[0].0, flags, "{action}");
        assert!(browser.see(done.location()).await.text().contains("role=\"status\""));
    }
    let none = browser.submit(&list, "/act", &[("action", "read")]).await;
    assert!(browser.see(none.location()).await.text().contains("No message was chosen."));
    assert_eq!(
        browser.submit(&list, "/act", &[("uid", &uid), ("action", "dance")]).await.status,
        StatusCode::BAD_REQUEST
    );
    server.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn messages_move_to_folders_to_trash_and_away() {
    let place = tempfile::tempdir().unwrap();
    let (server, bob, mut browser) = bob(place.path(), "").await;
    for number in 0..3 {
        append(&server, &bob, "INBOX", format!("Subject: number {number}\r\n\r\n").as_bytes()).await;
    }
    let count = async |folder: &str| contents(&server, &bob, folder).await.len();
    let list = browser.see("/folder?name=INBOX").await;
    let moved = browser
        .submit(&list, "/act", &[("uid", "1"), ("uid", "2"), ("target", "Archive"), ("action", "move")])
        .await;
    assert_eq!(moved.location(), "/folder?name=INBOX&done=moved");
    assert_eq!((count("INBOX").await, count("Archive").await), (1, 2));
    let nowhere = [("uid", "3"), ("target", "Nowhere"), ("action", "move")];
    assert_eq!(browser.submit(&list, "/act", &nowhere).await.status, StatusCode::NOT_FOUND);

    // From the page of a message.
    let link = browser.see("/folder?name=INBOX").await.link("number 2");
    let page = browser.see(&link).await;
    let deleted = browser.submit(&page, "/act", &[("action", "delete")]).await;
    assert_eq!(deleted.location(), "/folder?name=INBOX&done=deleted");
    assert_eq!((count("INBOX").await, count("Trash").await), (0, 1));
    // Twice does no harm.
    browser.submit(&page, "/act", &[("action", "delete")]).await;
    assert_eq!(count("Trash").await, 1);
    let trash = browser.see("/folder?name=Trash").await;
    assert!(trash.text().contains("Delete for good"));
    let removed = browser.submit(&trash, "/act", &[("uid", "1"), ("action", "delete")]).await;
    assert_eq!(removed.location(), "/folder?name=Trash&done=removed");
    assert_eq!(count("Trash").await, 0);

    // A folder that was made anew is another folder, whatever it is called.
    let archive = browser.see("/folder?name=Archive").await;
    server.context.store.delete_mailbox(&bob, "Archive").await.unwrap();
    server.context.store.create_mailbox(&bob, "Archive", None, Time::now()).await.unwrap();
    append(&server, &bob, "Archive", b"Subject: new\r\n\r\n").await;
    let stale = browser.submit(&archive, "/act", &[("uid", "1"), ("action", "delete")]).await;
    assert_eq!(stale.status, StatusCode::NOT_FOUND);
    assert_eq!(count("Archive").await, 1);
    server.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn long_folders_have_pages() {
    let place = tempfile::tempdir().unwrap();
    let (server, bob, mut browser) = bob(place.path(), "").await;
    for number in 0..120 {
        append(&server, &bob, "INBOX", format!("Subject: number {number}.\r\n\r\n").as_bytes()).await;
    }
    let mut seen = Vec::new();
    let mut path = "/folder?name=INBOX".to_owned();
    for page_number in 1..=3 {
        let page = browser.see(&path).await;
        assert!(page.text().contains(&format!("Page {page_number} of 3")), "{path}");
        for (at, _) in page.text().match_indices("class=\"subject\">number ") {
            let rest = &page.text()[at + 23..];
            seen.push(rest[..rest.find('.').unwrap()].parse::<u32>().unwrap());
        }
        if page_number < 3 {
            path = page.link("Older");
        }
    }
    assert_eq!(seen, (0..120).rev().collect::<Vec<_>>());
    for page in ["0", "99", "x", "-1"] {
        assert_eq!(browser.get(&format!("/folder?name=INBOX&page={page}")).await.status, StatusCode::OK);
    }
    server.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn folders_are_searched() {
    let place = tempfile::tempdir().unwrap();
    let (server, bob, mut browser) = bob(place.path(), "").await;
    append(
        &server,
        &bob,
        "INBOX",
        "Subject: 인생의 의미\r\nFrom: alice@crepes.fr\r\n\r\nketchup\r\n".as_bytes(),
    )
    .await;
    append(&server, &bob, "INBOX", b"Subject: Ketchup\r\nFrom: eve@example.org\r\n\r\npickles\r\n").await;
    let mut found = async |words: &str, scope: &str| {
        let query = crate::webmail::view::query(&[("name", "INBOX"), ("q", words), ("in", scope)]);
        let page = browser.see(&format!("/folder?{query}")).await;
        page.text().matches("<li class=\"row").count()
    };
    for (words, scope, count) in [
        ("ketchup", "all", 2),
        ("KETCHUP", "subject", 1),
        ("ketchup", "text", 1),
        ("crepes", "from", 1),
        ("의미", "all", 1),
        ("nothing", "all", 0),
        ("<script>", "all", 0),
        (&"x".repeat(5000), "all", 0),
    ] {
        assert_eq!(found(words, scope).await, count, "{words} in {scope}");
    }
    server.stop(Duration::from_secs(5)).await;
}
