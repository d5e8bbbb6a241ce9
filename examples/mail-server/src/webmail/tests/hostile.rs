//! Messages that want to do more than be read, and requests that want what is not theirs.

use std::time::Duration;

use hyper::{Method, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;

const HOSTILE: &[u8] = b"From: Eve <eve@evil.example>\r\nTo: bob@hamburger.edu\r\n\
    Subject: <script>alert(1)</script>\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
    <html><head><meta http-equiv=\"refresh\" content=\"0;url=https://evil.example/\"><base href=\"https://evil.example/\">\
    <style>body{display:none}</style></head><body onload=\"alert(1)\"><script>alert(1)</script>\
    <form action=\"/logout\" method=\"post\"><button>Click</button></form>\
    <img src=\"https://evil.example/track.png\" onerror=\"alert(1)\"><img src=\"cid:nothing@x\">\
    <svg><script>alert(1)</script></svg><a href=\"javascript:alert(1)\">link</a><p style=\"position:fixed\">Hello</p>\r\n\
    --b\r\nContent-Type: text/html\r\nContent-Disposition: attachment; filename=\"../../x\\\\y.html\"\r\n\r\n\
    <script>alert(1)</script>\r\n--b\r\nContent-Type: image/svg+xml\r\n\
    Content-Disposition: attachment; filename*=utf-8''%EC%B9%B4%ED%8E%98%0D%0AX%3A%20y.svg\r\n\r\n<svg onload=\"alert(1)\"/>\r\n--b--\r\n";

#[tokio::test]
async fn hostile_html_does_nothing() {
    let place = tempfile::tempdir().unwrap();
    let (server, bob, mut browser) = bob(place.path(), "").await;
    let uid = append(&server, &bob, "INBOX", HOSTILE).await;
    let list = browser.see("/folder?name=INBOX").await;
    assert!(!list.text().contains("<script") && list.text().contains("&#60;script"), "{}", list.text());
    let path = message_path(&server, &bob, "INBOX", uid).await;
    let page = browser.see(&format!("/message?{path}")).await;
    let text = page.text();
    assert!(!text.contains("<script") && !text.contains("evil.example/"), "{text}");
    let frame = &text[text.find("<iframe").unwrap()..];
    let frame = &frame[..frame.find('>').unwrap()];
    assert!(frame.contains("sandbox=\"allow-popups allow-popups-to-escape-sandbox\""), "{frame}");
    assert!(text.contains("Remote images are not shown"), "{text}");

    let html = browser.see(&format!("/message/html?{path}")).await;
    let policy = html.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("img-src data:;"), "{policy}");
    assert!(policy.contains("sandbox allow-popups") && !policy.contains("allow-scripts"), "{policy}");
    assert!(policy.contains("form-action 'none'") && policy.contains("frame-ancestors 'self'"), "{policy}");
    let body = html.text().split("<body").nth(1).unwrap();
    for bad in [
        "<script",
        "<form",
        "<button",
        "<meta",
        "<base",
        "<style",
        "<svg",
        "onload",
        "onerror",
        "javascript:",
        "evil.example",
        "style=",
        "cid:",
    ] {
        assert!(!body.contains(bad), "{bad}: {body}");
    }
    assert!(body.contains("<p>Hello</p>"), "{body}");

    // Only this page, and only as long as it is asked for.
    let shown = browser.see(&format!("/message/html?{path}&remote=1")).await;
    assert!(shown.text().contains("https://evil.example/track.png"), "{}", shown.text());
    assert!(shown.header("content-security-policy").contains("img-src data: https: http:;"));
    assert!(!shown.text().contains("onerror"));
    let again = browser.see(&format!("/message/html?{path}")).await;
    assert!(!again.text().contains("evil.example"));
    server.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn attachments_are_only_ever_files() {
    let place = tempfile::tempdir().unwrap();
    let (server, bob, mut browser) = bob(place.path(), "").await;
    let uid = append(&server, &bob, "INBOX", HOSTILE).await;
    let path = message_path(&server, &bob, "INBOX", uid).await;
    let html = browser.see(&format!("/message/part?{path}&part=2")).await;
    assert_eq!(
        html.header("content-disposition"),
        "attachment; filename=\"y.html\"; filename*=UTF-8''y.html"
    );
    assert_eq!(html.header("x-content-type-options"), "nosniff");
    assert!(html.header("content-security-policy").contains("sandbox;"));
    assert_eq!(html.octets, "<script>alert(1)</script>");
    let svg = browser.see(&format!("/message/part?{path}&part=3")).await;
    assert_eq!(
        svg.header("content-disposition"),
        "attachment; filename=\"__  X_ y.svg\"; filename*=UTF-8''%EC%B9%B4%ED%8E%98%20%20X_%20y.svg"
    );
    assert_eq!(svg.headers.get_all("content-disposition").iter().count(), 1);
    assert!(svg.headers.get("x").is_none());
    for part in
        ["", "0", "-1", "1.1", "4", "1/../2", "..%2f..%2fetc", "4294967296", "1.1.1.1.1.1.1", "TEXT", "%00"]
    {
        let page = browser.get(&format!("/message/part?{path}&part={part}")).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{part}");
    }
    let source = browser.see(&format!("/message/source?{path}")).await;
    assert_eq!(source.header("content-type"), "text/plain; charset=utf-8");
    assert!(source.header("content-security-policy").contains("sandbox;"));
    assert_eq!(source.octets, HOSTILE);
    for path in ["/style.css/../../Cargo.toml", "/..%2f..%2fetc/passwd", "/static/../x"] {
        assert_eq!(browser.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    server.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn nobody_sees_the_mail_of_others() {
    let place = tempfile::tempdir().unwrap();
    let (server, bob, mut browser) = bob(place.path(), "").await;
    account(&server, "eve@hamburger.edu").await;
    let uid = append(&server, &bob, "INBOX", b"Subject: secret\r\n\r\nsecret\r\n").await;
    let path = message_path(&server, &bob, "INBOX", uid).await;
    browser.see(&format!("/message?{path}")).await;
    let mut eve = Browser::of(&server);
    eve.log_in("eve").await;
    let page = eve.see("/folder?name=INBOX").await;
    assert!(!page.text().contains("secret"));
    for what in [
        "/message?",
        "/message/html?",
        "/message/source?",
        "/message/part?part=1&",
        "/compose?mode=reply&",
        "/compose?mode=draft&",
    ] {
        let page = eve.get(&format!("{what}{path}")).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{what}");
        assert!(!page.text().contains("secret"));
    }
    let token = page.form("/logout").remove(0).1;
    let (mailbox, _) = server.context.store.find_mailbox(&bob, "INBOX").await.unwrap();
    let validity = mailbox.uidvalidity().to_string();
    for action in ["delete", "flag", "move"] {
        let fields = [
            ("token", token.as_str()),
            ("folder", "INBOX"),
            ("validity", validity.as_str()),
            ("uid", "1"),
            ("target", "Trash"),
            ("action", action),
        ];
        assert_eq!(eve.post("/act", &fields).await.status, StatusCode::NOT_FOUND, "{action}");
    }
    // As a source of a forwarded message it is nothing either.
    let compose = eve.see("/compose").await;
    let uid = uid.to_string();
    let fields = [
        ("mode", "forward"),
        ("folder", "INBOX"),
        ("validity", validity.as_str()),
        ("uid", uid.as_str()),
        ("keep", "1"),
        ("to", "eve@hamburger.edu"),
        ("action", "send"),
    ];
    let refused = eve.compose(&compose, &fields, &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains("not there any more") && !refused.text().contains("secret"));
    assert_eq!(contents(&server, &bob, "INBOX").await.len(), 1);
    server.stop(Duration::from_secs(5)).await;
}

/// The memory of this process in octets.
fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

/// Sends a form with a file of so many octets, piece by piece; the answer, and what memory grew by at most meanwhile.
async fn upload(browser: &mut Browser, octets: usize, says_length: bool) -> (String, usize) {
    let page = browser.see("/compose").await;
    let mut fields = page.form("/compose");
    fields.push(("to".into(), "bob@hamburger.edu".into()));
    fields.push(("text".into(), "Dear Bob, this is large".into()));
    fields.push(("action".into(), "send".into()));
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let form = client::multipart(&fields, &[("big.bin", "application/octet-stream", b"")]);
    let at = form.windows(6).rposition(|window| window == b"\r\n\r\n\r\n").unwrap() + 4;
    let (head, tail) = form.split_at(at);
    let cookie: Vec<String> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let length = if says_length {
        format!("Content-Length: {}", form.len() + octets)
    } else {
        "Transfer-Encoding: chunked".to_owned()
    };
    let mut stream = TcpStream::connect(browser.address).await.unwrap();
    let request = format!(
        "POST /compose HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: {}\r\nContent-Type: {}\r\n{length}\r\n\r\n",
        cookie.join("; "),
        client::MULTIPART
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let before = memory();
    let mut most = before;
    let piece = vec![0xa5_u8; 65_536];
    let send = async |stream: &mut TcpStream, octets: &[u8]| {
        if !says_length {
            stream.write_all(format!("{:x}\r\n", octets.len()).as_bytes()).await.unwrap();
        }
        stream.write_all(octets).await.unwrap();
        if !says_length {
            stream.write_all(b"\r\n").await.unwrap();
        }
    };
    send(&mut stream, head).await;
    for at in (0..octets).step_by(piece.len()) {
        send(&mut stream, &piece[..piece.len().min(octets - at)]).await;
        most = most.max(memory());
    }
    send(&mut stream, tail).await;
    if !says_length {
        stream.write_all(b"0\r\n\r\n").await.unwrap();
    }
    let mut answer = Vec::new();
    while stream.read_buf(&mut answer).await.unwrap() > 0 {
        most = most.max(memory());
    }
    (String::from_utf8(answer).unwrap(), most - before)
}

#[tokio::test(flavor = "multi_thread")]
async fn too_large_an_upload_is_refused_kindly_and_takes_no_memory() {
    let place = tempfile::tempdir().unwrap();
    let (server, bob, mut browser) = bob(place.path(), "").await;
    for says_length in [true, false] {
        let (answer, grown) = upload(&mut browser, 60_000_000, says_length).await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{}", &answer[..200]);
        assert!(answer.contains("too large") && answer.contains("Dear Bob, this is large"), "{answer}");
        assert!(grown < 24_000_000, "memory grew by {grown}");
    }
    // What is allowed takes none either: 36 MB are 49 MB as they travel.
    let (answer, grown) = upload(&mut browser, 36_000_000, true).await;
    assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
    assert!(grown < 40_000_000, "memory grew by {grown}");
    // 45 MB are allowed as an upload, and too much as a message.
    let (answer, _) = upload(&mut browser, 45_000_000, true).await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("Dear Bob"), "{answer}");
    let messages = contents(&server, &bob, "INBOX").await;
    assert_eq!(messages.len(), 1);
    let message = postroad_message::Message::parse(&messages[0].1);
    assert_eq!(message.attachments()[0].body().len(), 36_000_000);
    assert!(message.attachments()[0].body().iter().all(|octet| *octet == 0xa5));
    server.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn broken_forms_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let (server, _, mut browser) = bob(place.path(), "").await;
    let page = browser.see("/compose").await;
    let token = page.form("/compose").remove(0).1;
    let good = client::multipart(&[("token", &token)], &[]);
    for (content_type, body) in [
        ("", good.clone()),
        ("text/plain", good.clone()),
        ("multipart/form-data", good.clone()),
        (client::MULTIPART, good.slice(..good.len() - 10)),
        (
            client::MULTIPART,
            axum::body::Bytes::from_static(b"--boundary42\r\nContent-Disposition: form-data; name=\""),
        ),
        (client::MULTIPART, axum::body::Bytes::from("--boundary42\r\nX: ".to_owned() + &"x".repeat(600_000))),
        (client::MULTIPART, axum::body::Bytes::from(vec![b'x'; 600_000])),
    ] {
        let page = browser.ask(Method::POST, "/compose", content_type, body).await;
        assert!(page.status.is_client_error(), "{}", page.status);
        assert!(page.text().contains("<h1>"), "{}", page.text());
    }
    server.stop(Duration::from_secs(5)).await;
}
