//! Writing: sending, answering, forwarding, drafts.

use std::time::Duration;

use hyper::{Method, StatusCode};
use postroad_message::Message;

use super::*;

#[tokio::test]
async fn a_message_with_an_attachment_arrives_as_it_was_sent() {
    let place = tempfile::tempdir().unwrap();
    // Nobody listens there, so that it stays in the queue.
    let (server, bob, mut browser) = bob(place.path(), "[routes]\n\"crepes.fr\" = \"127.0.0.1:1\"").await;
    let carol = account(&server, "carol@hamburger.edu").await;
    let dave = account(&server, "dave@hamburger.edu").await;
    let octets: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let page = browser.see("/compose").await;
    let fields = [
        ("to", "Carol <carol@hamburger.edu>, \"안, 나\" <alice@crepes.fr>"),
        ("cc", ""),
        ("bcc", "dave@hamburger.edu"),
        ("subject", "인생의 의미\r\nBcc: eve@evil.example"),
        ("text", "Do you like ketchup?\r\n.\r\n인생\r\n"),
        ("action", "send"),
    ];
    let files: [(&str, &str, &[u8]); 2] = [
        ("카페 메뉴.bin", "application/octet-stream", &octets),
        ("../notes.txt", "text/plain", b"pickles\n"),
    ];
    let sent = browser.compose(&page, &fields, &files).await;
    assert_eq!(sent.location(), "/folder?name=INBOX&done=sent", "{}", sent.text());
    assert!(browser.see(sent.location()).await.text().contains("on its way"));

    let copies = contents(&server, &bob, "Sent").await;
    let [(flags, copy)] = &*copies else { panic!("{}", copies.len()) };
    assert_eq!(*flags, SystemFlags::SEEN);
    let carols = contents(&server, &carol, "INBOX").await.remove(0).1;
    assert_eq!(contents(&server, &dave, "INBOX").await.remove(0).1, carols, "the same octets for all");
    let message = Message::parse(&carols);
    assert!(message.examine().is_empty(), "{:?}", message.examine());
    assert_eq!(message.subject().unwrap(), "인생의 의미  Bcc: eve@evil.example");
    assert_eq!(message.from().mailboxes().next().unwrap().to_string(), "bob@hamburger.edu");
    assert_eq!(message.to().mailboxes().count(), 2);
    assert!(message.message_id().is_some() && message.date().is_some());
    assert_eq!(message.text_body()[0].text().unwrap(), "Do you like ketchup?\r\n.\r\n인생\r\n");
    let attachments = message.attachments();
    assert_eq!(attachments[0].body().as_ref(), octets);
    assert_eq!(attachments[0].filename().unwrap(), "카페 메뉴.bin");
    assert_eq!(attachments[1].filename().unwrap(), "notes.txt");
    let head = String::from_utf8_lossy(message.header().octets()).into_owned();
    assert!(head.starts_with("Return-Path: <bob@hamburger.edu>\r\nReceived: "), "{head}");
    assert!(!head.contains("dave"), "{head}");
    // But for the trace fields and Bcc it is what was kept.
    let kept = Message::parse(copy);
    assert_eq!(kept.header().bcc().mailboxes().next().unwrap().to_string(), "dave@hamburger.edu");
    assert_eq!(kept.root().raw_body(), message.root().raw_body());
    // The one who is elsewhere is in the queue.
    let queued = server.context.store.list_queue(0, 10).await.unwrap();
    assert_eq!(queued.len(), 1);
    server.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_form_sends_once() {
    let place = tempfile::tempdir().unwrap();
    let (server, bob, mut browser) = bob(place.path(), "").await;
    let page = browser.see("/compose").await;
    let fields = [("to", "bob@hamburger.edu"), ("text", "x"), ("action", "send")];
    assert!(browser.compose(&page, &fields, &[]).await.location().contains("done=sent"));
    assert!(browser.compose(&page, &fields, &[]).await.location().contains("done=twice"));
    assert_eq!(contents(&server, &bob, "INBOX").await.len(), 1);
    server.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn what_is_wrong_is_said_and_nothing_is_lost() {
    let place = tempfile::tempdir().unwrap();
    let (server, bob, mut browser) = bob(place.path(), "[limits]\nrecipients = 2").await;
    for (to, said) in [
        ("", "Say to whom"),
        ("not an address", "not a mail address"),
        ("bob@hamburger.edu, <", "not a mail address"),
        ("nobody@hamburger.edu", "There is no mailbox nobody@hamburger.edu"),
        ("größe@example.org", "outside of ASCII"),
        ("a@x.example, b@x.example, c@x.example", "too many recipients"),
    ] {
        let page = browser.see("/compose").await;
        let fields = [("to", to), ("subject", "kept subject"), ("text", "kept text"), ("action", "send")];
        let again = browser.compose(&page, &fields, &[]).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "{to}");
        let text = again.text();
        assert!(
            text.contains(said) && text.contains("kept subject") && text.contains("kept text"),
            "{to}: {text}"
        );
    }
    assert_eq!(contents(&server, &bob, "Drafts").await.len(), 0);
    // With files a draft keeps them, and the corrected form sends them.
    let page = browser.see("/compose").await;
    let fields = [("to", "nobody@hamburger.edu"), ("subject", "s"), ("text", "t"), ("action", "send")];
    let again = browser.compose(&page, &fields, &[("카페.txt", "text/plain", b"menu")]).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        again.text().contains("saved with a draft") && again.text().contains("카페.txt"),
        "{}",
        again.text()
    );
    assert_eq!(contents(&server, &bob, "Drafts").await.len(), 1);
    let fields =
        [("to", "bob@hamburger.edu"), ("subject", "s"), ("text", "t"), ("keep", "2"), ("action", "send")];
    let sent = browser.compose(&again, &fields, &[]).await;
    assert!(sent.location().contains("done=sent"), "{}", sent.text());
    assert_eq!(contents(&server, &bob, "Drafts").await.len(), 0, "the draft is done with");
    let arrived = contents(&server, &bob, "INBOX").await.remove(0).1;
    let arrived = Message::parse(&arrived);
    assert_eq!(arrived.attachments()[0].body().as_ref(), b"menu");
    assert_eq!(arrived.attachments()[0].filename().unwrap(), "카페.txt");
    server.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_crowd_of_recipients_is_refused_at_once() {
    let place = tempfile::tempdir().unwrap();
    let (server, _, mut browser) = bob(place.path(), "").await;
    for (domain, said, most) in [("x.example", "too many recipients", 1), ("größe.example", "ASCII", 20)] {
        let crowd: Vec<String> = (0..20_000).map(|number| format!("a{number}@{domain}")).collect();
        let page = browser.see("/compose").await;
        let began = std::time::Instant::now();
        let fields = [("to", &*crowd.join(",")), ("text", "kept text"), ("action", "send")];
        let again = browser.compose(&page, &fields, &[]).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
        let times = again.text().matches(said).count();
        assert!((1..=most).contains(&times), "{times} times {said}");
        // Whatever grows with the square takes minutes.
        assert!(began.elapsed().as_secs() < 30, "{:?}", began.elapsed());
    }
    server.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn answers_quote_and_name_what_they_answer() {
    let place = tempfile::tempdir().unwrap();
    let (server, bob, mut browser) = bob(place.path(), "").await;
    let alice = account(&server, "alice@hamburger.edu").await;
    let uid = append(
        &server,
        &bob,
        "INBOX",
        b"From: Alice <alice@hamburger.edu>\r\nTo: bob@hamburger.edu, carol@crepes.fr\r\nSubject: life\r\n\
          Message-ID: <two@x>\r\nReferences: <one@x>\r\nDate: Mon, 23 Nov 2026 09:00:00 +0900\r\n\r\nKetchup?\r\n> No.\r\n",
    )
    .await;
    let path = message_path(&server, &bob, "INBOX", uid).await;
    let all = browser.see(&format!("/compose?mode=reply-all&{path}")).await;
    assert!(all.text().contains("value=\"carol@crepes.fr\""), "{}", all.text());
    let page = browser.see(&format!("/compose?mode=reply&{path}")).await;
    let text = client::unescaped(page.text());
    assert!(
        text.contains("value=\"Alice <alice@hamburger.edu>\"") && text.contains("value=\"Re: life\""),
        "{text}"
    );
    assert!(text.contains("Alice wrote:\n> Ketchup?\n>> No.\n") && !text.contains("carol@"), "{text}");
    let fields = [
        ("to", "Alice <alice@hamburger.edu>"),
        ("subject", "Re: life"),
        ("text", "Yes."),
        ("action", "send"),
    ];
    let sent = browser.compose(&page, &fields, &[]).await;
    assert_eq!(sent.location(), "/folder?name=INBOX&done=sent");
    let answer = contents(&server, &alice, "INBOX").await.remove(0).1;
    let answer = Message::parse(&answer);
    let ids = |ids: Vec<postroad_message::MessageId>| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(ids(answer.header().in_reply_to()), ["<two@x>"]);
    assert_eq!(ids(answer.header().references()), ["<one@x>", "<two@x>"]);
    let flags = contents(&server, &bob, "INBOX").await.remove(0).0;
    assert!(flags.contains(SystemFlags::ANSWERED), "{flags:?}");
    server.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn forwarded_messages_take_their_attachments_along() {
    let place = tempfile::tempdir().unwrap();
    let (server, bob, mut browser) = bob(place.path(), "").await;
    let uid = append(
        &server,
        &bob,
        "INBOX",
        b"From: Alice <alice@crepes.fr>\r\nSubject: menu\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
          --b\r\n\r\nSee below.\r\n--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\
          Content-Disposition: attachment; filename=a.png\r\n\r\niVBORw==\r\n\
          --b\r\nContent-Type: text/csv\r\nContent-Disposition: attachment; filename=b.csv\r\n\r\n1,2\r\n--b--\r\n",
    )
    .await;
    let path = message_path(&server, &bob, "INBOX", uid).await;
    let page = browser.see(&format!("/compose?mode=forward&{path}")).await;
    assert!(
        page.text().contains("a.png") && page.text().contains("b.csv") && page.text().contains("See below.")
    );
    let fields = [
        ("to", "bob@hamburger.edu"),
        ("subject", "Fwd: menu"),
        ("keep", "2"),
        ("text", "x"),
        ("action", "send"),
    ];
    let sent = browser.compose(&page, &fields, &[("c.txt", "text/plain", b"more")]).await;
    assert!(sent.location().contains("done=sent"), "{}", sent.text());
    let forwarded = contents(&server, &bob, "INBOX").await.remove(1).1;
    let forwarded = Message::parse(&forwarded);
    let names: Vec<_> = forwarded.attachments().iter().map(|part| part.filename().unwrap()).collect();
    assert_eq!(names, ["a.png", "c.txt"]);
    assert_eq!(forwarded.attachments()[0].body().as_ref(), b"\x89PNG");

    // When the message is gone meanwhile, nothing goes out with less than was meant.
    let page = browser.see(&format!("/compose?mode=forward&{path}")).await;
    let (mailbox, _) = server.context.store.find_mailbox(&bob, "INBOX").await.unwrap();
    server.context.store.remove_messages(&mailbox, [uid].into_iter().collect()).await.unwrap();
    let fields = [("to", "bob@hamburger.edu"), ("keep", "2"), ("text", "kept text"), ("action", "send")];
    let refused = browser.compose(&page, &fields, &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains("not there any more") && refused.text().contains("kept text"));
    assert_eq!(contents(&server, &bob, "INBOX").await.len(), 1);
    server.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn drafts_are_kept_gone_on_with_and_sent() {
    let place = tempfile::tempdir().unwrap();
    let (server, bob, mut browser) = bob(place.path(), "").await;
    let page = browser.see("/compose").await;
    let fields = [
        ("to", "bob@hamburger.edu"),
        ("bcc", "bob@hamburger.edu"),
        ("subject", "later"),
        ("text", "one\r\ntwo"),
        ("action", "draft"),
    ];
    let saved = browser.compose(&page, &fields, &[("a.bin", "application/pdf", b"\0\x01")]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text());
    let (flags, _) = contents(&server, &bob, "Drafts").await.remove(0);
    assert_eq!(flags, SystemFlags::DRAFT | SystemFlags::SEEN);
    let page = browser.see(saved.location()).await;
    assert!(
        page.text().contains("one\ntwo") && page.text().contains("a.bin") && page.text().contains("later")
    );
    // Saved again there is still one.
    let fields = [
        ("to", "bob@hamburger.edu"),
        ("subject", "later"),
        ("text", "three"),
        ("keep", "2"),
        ("action", "draft"),
    ];
    let saved = browser.compose(&page, &fields, &[]).await;
    assert_eq!(contents(&server, &bob, "Drafts").await.len(), 1);
    let page = browser.see(saved.location()).await;
    let fields = [
        ("to", "bob@hamburger.edu"),
        ("subject", "now"),
        ("text", "three"),
        ("keep", "2"),
        ("action", "send"),
    ];
    assert!(browser.compose(&page, &fields, &[]).await.location().contains("done=sent"));
    assert_eq!(contents(&server, &bob, "Drafts").await.len(), 0);
    let arrived = contents(&server, &bob, "INBOX").await.remove(0).1;
    assert_eq!(Message::parse(&arrived).attachments()[0].body().as_ref(), b"\0\x01");
    server.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_session_that_ends_while_somebody_writes_gives_the_text_back() {
    let place = tempfile::tempdir().unwrap();
    let (server, bob, mut browser) = bob(place.path(), "").await;
    let page = browser.see("/compose").await;
    server.context.webmail.sessions.age(crate::webmail::session::IDLE);
    let fields = [("to", "bob@hamburger.edu"), ("text", "Dear <Bob>"), ("action", "send")];
    let ended = browser.compose(&page, &fields, &[("a", "text/plain", b"x")]).await;
    assert_eq!(ended.status, StatusCode::UNAUTHORIZED);
    assert!(ended.text().contains("Dear &#60;Bob&#62;"), "{}", ended.text());
    let mut stranger = Browser::of(&server);
    let form = client::multipart(&[("text", "x")], &[]);
    assert_eq!(stranger.ask(Method::POST, "/compose", client::MULTIPART, form).await.location(), "/login");
    assert_eq!(contents(&server, &bob, "INBOX").await.len(), 0);
    server.stop(Duration::from_secs(5)).await;
}
