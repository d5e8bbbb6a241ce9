//! Logging in, sessions, languages, and what every page wears.

use std::time::{Duration, Instant};

use hyper::{Method, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;

#[tokio::test]
async fn who_logs_in_is_in_and_who_logs_out_is_out() {
    let place = tempfile::tempdir().unwrap();
    let server = start(place.path(), "");
    account(&server, "bob@hamburger.edu").await;
    let mut browser = Browser::of(&server);
    assert_eq!(browser.get("/").await.location(), "/login");
    assert_eq!(browser.get("/folder?name=INBOX").await.location(), "/login");

    let page = browser.see("/login").await;
    let wrong = browser.submit(&page, "/login", &[("name", "bob"), ("password", "wrong")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text().contains("not right") && wrong.text().contains("value=\"bob\""), "{}", wrong.text());
    assert!(!wrong.text().contains("wrong\""), "a password is never shown");

    // The name without its domain does as well.
    browser.log_in("bob").await;
    let cookie = browser.cookies.iter().find(|(name, _)| name.starts_with("session-")).unwrap().1.clone();
    let page = browser.see("/folder?name=INBOX").await;
    assert!(page.text().contains("bob@hamburger.edu") && page.text().contains("Nothing here yet."));
    assert_eq!(browser.get("/login").await.location(), "/");

    let mut elsewhere = browser.clone();
    let out = browser.submit(&page, "/logout", &[]).await;
    assert_eq!(out.location(), "/login?done=out");
    assert!(!browser.cookies.values().any(|value| *value == cookie), "the cookie is taken back");
    assert!(browser.see("/login?done=out").await.text().contains("logged out"));
    // Who has kept it has nothing.
    assert_eq!(elsewhere.get("/folder?name=INBOX").await.location(), "/login?done=ended");
    assert!(elsewhere.see("/login?done=ended").await.text().contains("Your session has ended"));
    server.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn cookies_are_for_nobody_else() {
    let place = tempfile::tempdir().unwrap();
    let server = start(place.path(), "");
    account(&server, "bob@hamburger.edu").await;
    let mut browser = Browser::of(&server);
    let page = browser.see("/login").await;
    let page = browser.submit(&page, "/login", &[("name", "bob"), ("password", PASSWORD)]).await;
    let cookie = page.header("set-cookie");
    for attribute in ["; HttpOnly", "; SameSite=Strict", "; Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "this is not inside of TLS");
    server.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn forged_and_expired_cookies_open_nothing() {
    let place = tempfile::tempdir().unwrap();
    let (server, _, browser) = bob(place.path(), "").await;
    let (name, cookie) = browser.cookies.iter().find(|(name, _)| name.starts_with("session-")).unwrap();
    let id = server.context.webmail.key.open(cookie).unwrap();
    for forged in [
        String::new(),
        "x".to_owned(),
        cookie[..cookie.len() - 1].to_owned(),
        format!("{}A", &cookie[..cookie.len() - 1]),
        crate::webmail::session::Key::new(b"another").seal(&id),
        server.context.webmail.key.seal(&[7; 16]),
        "A".repeat(30_000),
    ] {
        let mut other = browser.clone();
        other.cookies.insert(name.clone(), forged.clone());
        let page = other.get("/folder?name=INBOX").await;
        // A last character may hold bits that mean nothing.
        if server.context.webmail.key.open(&forged) != Some(id) {
            assert!(page.location().starts_with("/login"), "{forged}");
        }
    }
    let mut browser = browser;
    let sessions = &server.context.webmail.sessions;
    sessions.age(crate::webmail::session::IDLE.checked_sub(Duration::from_secs(60)).unwrap());
    browser.see("/folder?name=INBOX").await;
    sessions.age(Duration::from_secs(60) + crate::webmail::session::IDLE / 2);
    browser.see("/folder?name=INBOX").await;
    sessions.age(crate::webmail::session::IDLE);
    assert_eq!(browser.get("/folder?name=INBOX").await.location(), "/login?done=ended");
    server.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn forms_need_the_token_of_their_session() {
    let place = tempfile::tempdir().unwrap();
    let (server, bob, mut browser) = bob(place.path(), "").await;
    account(&server, "eve@hamburger.edu").await;
    let uid = append(&server, &bob, "INBOX", b"Subject: x\r\n\r\n").await.to_string();
    let mut eve = Browser::of(&server);
    let before = eve.see("/login").await.form("/login").remove(0).1;
    eve.log_in("eve").await;
    let foreign = eve.see("/folder?name=INBOX").await.form("/logout").remove(0).1;
    let page = browser.see("/folder?name=INBOX").await;
    let fields = page.form("/act");
    let own = fields.iter().find(|(name, _)| name == "token").unwrap().1.clone();
    let validity = fields.iter().find(|(name, _)| name == "validity").unwrap().1.clone();
    for token in ["", "x", &foreign, &before, &own[1..]] {
        let fields = [
            ("token", token),
            ("folder", "INBOX"),
            ("validity", validity.as_str()),
            ("uid", uid.as_str()),
            ("action", "delete"),
        ];
        assert_eq!(browser.post("/act", &fields).await.status, StatusCode::FORBIDDEN, "{token}");
        assert_eq!(browser.post("/logout", &[("token", token)]).await.status, StatusCode::FORBIDDEN);
        let fields = [("token", token), ("language", "ko"), ("back", "/")];
        assert_eq!(browser.post("/language", &fields).await.status, StatusCode::FORBIDDEN);
        let fields = [("token", token), ("to", "eve@hamburger.edu"), ("action", "send")];
        let sent =
            browser.ask(Method::POST, "/compose", client::MULTIPART, client::multipart(&fields, &[])).await;
        assert_eq!(sent.status, StatusCode::FORBIDDEN);
        let mut fresh = Browser::of(&server);
        fresh.see("/login").await;
        let fields = [("token", token), ("name", "bob"), ("password", PASSWORD)];
        assert_eq!(fresh.post("/login", &fields).await.status, StatusCode::FORBIDDEN);
    }
    // A file before the token is not looked at.
    let file = client::multipart(&[], &[("x", "text/plain", b"x")]);
    assert_eq!(
        browser.ask(Method::POST, "/compose", client::MULTIPART, file).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(contents(&server, &bob, "INBOX").await.len(), 1, "nothing was changed");
    server.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn every_page_wears_its_armour_and_only_post_changes() {
    let place = tempfile::tempdir().unwrap();
    let (server, bob, mut browser) = bob(place.path(), "").await;
    let uid = append(&server, &bob, "INBOX", b"Subject: x\r\n\r\n").await;
    let message = message_path(&server, &bob, "INBOX", uid).await;
    for path in [
        "/login",
        "/",
        "/folder?name=INBOX",
        "/compose",
        "/nowhere",
        "/style.css",
        "/icon.svg",
        "/act",
        &format!("/message?{message}"),
        &format!("/message/source?{message}"),
        &format!("/message/part?{message}&part=1"),
    ] {
        let page = browser.get(path).await;
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(page.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(page.header("referrer-policy"), "no-referrer", "{path}");
        if !["/style.css", "/icon.svg"].contains(&path) {
            assert_eq!(page.header("cache-control"), "no-store", "{path}");
        }
    }
    for path in ["/act", "/logout", "/language"] {
        assert_eq!(browser.get(path).await.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
    for path in ["/folder", "/message", "/message/part"] {
        assert_eq!(browser.post(path, &[]).await.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
    server.stop(Duration::from_secs(5)).await;
}

/// Every start tag has its end tag, ids are there once, and what refers to one finds it.
fn check_markup(path: &str, html: &str) {
    const EMPTY: [&str; 6] = ["meta", "link", "input", "path", "br", "img"];
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html.strip_prefix("<!doctype html>").unwrap_or_else(|| panic!("{path}: {html}"));
    while let Some(at) = rest.find('<') {
        let end = at + rest[at..].find('>').unwrap();
        let tag = &rest[at + 1..end];
        let name = tag.split([' ', '/']).find(|word| !word.is_empty()).unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "{path}: {html}");
        } else if !EMPTY.contains(&name) {
            open.push(name);
        }
        assert!(!tag.contains("style="), "{path}: {tag}");
        assert_ne!(name, "script", "{path}");
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "{path}: {open:?}");
    let values = |name: &str| -> Vec<&str> {
        let pattern = format!(" {name}=\"");
        html.match_indices(&pattern)
            .map(|(at, _)| {
                let value = &html[at + pattern.len()..];
                &value[..value.find('"').unwrap()]
            })
            .collect()
    };
    let ids = values("id");
    for (index, id) in ids.iter().enumerate() {
        assert!(!ids[..index].contains(id), "{path}: {id} is there twice");
    }
    for id in values("for").iter().chain(&values("aria-labelledby")).chain(&values("aria-describedby")) {
        for id in id.split(' ') {
            assert!(ids.contains(&id), "{path}: {id} is not there");
        }
    }
    // Whoever cannot see it is told what each field is for.
    for input in html
        .split("<input ")
        .skip(1)
        .chain(html.split("<select ").skip(1))
        .chain(html.split("<textarea ").skip(1))
    {
        let tag = &input[..input.find('>').unwrap()];
        if tag.contains("type=\"hidden\"") || tag.contains("aria-label=") || tag.contains("name=\"keep\"") {
            continue;
        }
        let id =
            tag.split("id=\"").nth(1).unwrap_or_else(|| panic!("{path}: {tag}")).split('"').next().unwrap();
        assert!(html.contains(&format!("for=\"{id}\"")), "{path}: {tag}");
    }
    assert_eq!(html.matches("<h1").count(), 1, "{path}");
    assert_eq!(html.matches("<main").count(), 1, "{path}");
}

#[tokio::test]
async fn every_page_is_whole_in_both_languages() {
    let place = tempfile::tempdir().unwrap();
    let (server, bob, mut browser) = bob(place.path(), "").await;
    let html = b"From: <\"&'>\r\nSubject: <b>&amp;\"'\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
        --b\r\nContent-Type: text/html\r\n\r\n<p>Hi<img src=\"http://x.example/a.png\">\r\n\
        --b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=\"a&<>\\\".txt\"\r\n\r\nx\r\n--b--\r\n";
    let uid = append(&server, &bob, "INBOX", html).await;
    let message = message_path(&server, &bob, "INBOX", uid).await;
    let draft = append(&server, &bob, "Drafts", html).await;
    let draft = message_path(&server, &bob, "Drafts", draft).await;
    for number in 0..60 {
        append(&server, &bob, "Archive", format!("Subject: {number}\r\n\r\n").as_bytes()).await;
    }
    let mut pages: Vec<String> = [
        "/folder?name=INBOX",
        "/folder?name=Sent",
        "/folder?name=Archive",
        "/folder?name=Archive&page=2",
        "/folder?name=Archive&q=5",
        "/folder?name=INBOX&q=nothing&in=subject",
        "/folder?name=INBOX&done=moved",
        "/folder?name=nowhere",
        "/compose",
        "/nowhere",
        "/act",
    ]
    .map(str::to_owned)
    .into();
    for more in ["", "&view=text", "&remote=1"] {
        pages.push(format!("/message?{message}{more}"));
    }
    for mode in ["reply", "reply-all", "forward"] {
        pages.push(format!("/compose?mode={mode}&{message}"));
    }
    pages.push(format!("/compose?mode=draft&{draft}&done=saved"));
    pages.push(format!("/message?{draft}"));
    for (language, tag) in [("en", "lang=\"en\""), ("ko-KR,ko;q=0.9", "lang=\"ko\"")] {
        browser.language = language;
        let mut fresh = Browser::of(&server);
        fresh.language = language;
        let login = fresh.see("/login").await;
        check_markup("/login", login.text());
        assert!(login.text().contains(tag));
        let wrong = fresh.submit(&login, "/login", &[("name", "<\">"), ("password", "x")]).await;
        check_markup("/login", wrong.text());
        let refused = fresh.post("/login", &[]).await;
        check_markup("/login", refused.text());
        for path in &pages {
            let page = browser.get(path).await;
            check_markup(path, page.text());
            assert!(page.text().contains(&format!("<html {tag}>")), "{path}");
            assert!(!page.text().contains("{}") && !page.text().contains("{{"), "{path}: {}", page.text());
            let korean = page.text().chars().any(|c| ('가'..='힣').contains(&c) && !"한국어".contains(c));
            assert_eq!(korean, language != "en", "{path}: {}", page.text());
        }
        let compose = browser.see("/compose").await;
        let refused = browser
            .compose(&compose, &[("to", "<\"&"), ("text", "</textarea><\"&"), ("action", "send")], &[])
            .await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        check_markup("/compose", refused.text());
    }
    server.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_language_can_be_chosen_and_is_kept() {
    let place = tempfile::tempdir().unwrap();
    let server = start(place.path(), "");
    let mut browser = Browser::of(&server);
    let page = browser.see("/login").await;
    assert!(page.text().contains("Log in") && page.text().contains("한국어"));
    let chosen = browser.submit(&page, "/language", &[("language", "ko")]).await;
    assert_eq!(chosen.location(), "/login");
    let page = browser.see("/login").await;
    assert!(page.text().contains("로그인") && page.text().contains("English"));
    let token = page.form("/language").remove(0).1;
    for back in ["//evil.example", "https://evil.example/", "/\\evil.example", "/\r\nX: y"] {
        let fields = [("token", token.as_str()), ("language", "ko"), ("back", back)];
        assert_eq!(browser.post("/language", &fields).await.location(), "/", "{back}");
    }
    let fields = [("token", token.as_str()), ("language", "xx"), ("back", "/")];
    assert_eq!(browser.post("/language", &fields).await.status, StatusCode::BAD_REQUEST);
    server.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn guessing_passwords_is_slow() {
    let place = tempfile::tempdir().unwrap();
    let server = start(place.path(), "");
    account(&server, "bob@hamburger.edu").await;
    let mut browser = Browser::of(&server);
    let page = browser.see("/login").await;
    let token = page.form("/login").remove(0).1;
    let body = crate::webmail::view::query(&[("token", &token), ("name", "bob"), ("password", "wrong")]);
    let cookie: Vec<String> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let request = format!(
        "POST /login HTTP/1.1\r\nHost: x\r\nCookie: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{body}",
        cookie.join("; "),
        body.len()
    );
    // Both on one connection, without waiting.
    let mut stream = TcpStream::connect(browser.address).await.unwrap();
    let began = Instant::now();
    stream.write_all(request.repeat(2).as_bytes()).await.unwrap();
    let mut answers = Vec::new();
    while answers.windows(12).filter(|window| window == b"HTTP/1.1 422").count() < 2 {
        assert_ne!(stream.read_buf(&mut answers).await.unwrap(), 0);
    }
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    server.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn passwords_go_in_the_clear_from_this_host_alone() {
    use crate::webmail::visitor::Web;
    let place = tempfile::tempdir().unwrap();
    for (more, anywhere) in [("", false), ("[auth]\nplaintext_without_tls = true", true)] {
        let server = start(place.path(), more);
        let web = |peer: &str, is_tls| {
            Web::new(std::sync::Arc::clone(&server.context), peer.parse().unwrap(), 80, is_tls)
                .may_send_password()
        };
        assert!(
            web("127.0.0.1:4000", false) && web("[::1]:4000", false) && web("[::ffff:127.0.0.1]:4000", false)
        );
        assert!(web("192.0.2.1:4000", true));
        assert_eq!(web("192.0.2.1:4000", false), anywhere);
        server.stop(Duration::from_secs(5)).await;
    }
}

#[tokio::test]
async fn https_is_spoken_on_the_same_port_and_makes_cookies_secure() {
    use postroad_tokio::rustls::RootCertStore;
    use postroad_tokio::tls;
    use postroad_tokio::tokio_rustls::TlsConnector;
    let place = tempfile::tempdir().unwrap();
    let server = start(place.path(), "");
    let browser = Browser::of(&server);
    let mut roots = RootCertStore::empty();
    roots.add(server.context.tls.certificate.clone()).unwrap();
    let connector = TlsConnector::from(std::sync::Arc::new(tls::client_config(roots).unwrap()));
    let stream = TcpStream::connect(browser.address).await.unwrap();
    let name = "mx.hamburger.edu".try_into().unwrap();
    let mut stream = tls::connect(&connector, name, stream, Duration::from_secs(10)).await.unwrap();
    stream
        .write_all(b"GET /login HTTP/1.1\r\nHost: mx.hamburger.edu\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    stream.flush().await.unwrap();
    let mut answer = String::new();
    // Closing without a close_notify would be an error.
    stream.read_to_string(&mut answer).await.unwrap();
    let cookie = answer.lines().find(|line| line.starts_with("set-cookie: ")).unwrap();
    assert!(cookie.contains("__Host-visit-") && cookie.ends_with("; Secure"), "{cookie}");
    server.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn the_server_stops_while_browsers_keep_connections() {
    let place = tempfile::tempdir().unwrap();
    let server = start(place.path(), "");
    let address = Browser::of(&server).address;
    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET /login HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = vec![0; 12];
    idle.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 200");
    let began = Instant::now();
    server.stop(Duration::from_secs(20)).await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    for stream in [&mut silent, &mut idle] {
        let mut rest = Vec::new();
        tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn headers_are_bounded_and_crowds_are_turned_away() {
    let place = tempfile::tempdir().unwrap();
    let server = start(place.path(), "[limits]\nconnections_per_address = 2");
    let address = Browser::of(&server).address;
    let answer = async |request: String| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // The answer may come before all was taken.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    };
    let long = answer(format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(200_000))).await;
    assert!(long.is_empty() || long.starts_with("HTTP/1.1 431"), "{long}");
    let many = answer(format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: y\r\n".repeat(500))).await;
    assert!(many.starts_with("HTTP/1.1 431"), "{many}");
    let form = format!(
        "POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 300000\r\n\r\n{}",
        "x".repeat(300_000)
    );
    assert!(answer(form).await.starts_with("HTTP/1.1 413"));
    let first = TcpStream::connect(address).await.unwrap();
    let second = TcpStream::connect(address).await.unwrap();
    // Both places are taken once the server has seen them.
    let full = tokio::time::timeout(Duration::from_secs(5), async {
        loop {
            let full = answer("GET /login HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_owned()).await;
            if full.starts_with("HTTP/1.1 503") {
                return full;
            }
        }
    });
    let full = full.await.unwrap();
    let (head, body) = full.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("Content-Length: {}", body.len())), "{full}");
    drop((first, second));
    server.stop(Duration::from_secs(5)).await;
}
