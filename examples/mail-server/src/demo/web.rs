//! Act 2, by the web: a browser speaks HTTP to the mail server, and the mail servers speak SMTP to each other.

use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use conversation::{Line, Sink, Speaker, shown};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use postroad_message::Message;

use super::acts;
use super::agents::{ALICE, BOB, Pop3Agent, connect};
use super::stage::Stage;
use super::world::World;
use crate::config::Protocol;
use crate::serve::Server;

/// What separates the fields of the form that has the answer.
const BOUNDARY: &str = "----------------pickles";
/// Header fields of HTTP that the story is not about.
const UNSHOWN: [&str; 7] = [
    "cache-control",
    "content-security-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "permissions-policy",
    "referrer-policy",
    "date",
];

/// Bob's browser: one connection, over which it fetches one thing after the other.
struct Browser {
    sender: SendRequest<Full<Bytes>>,
    host: String,
    cookies: Vec<(String, String)>,
    sink: Sink,
}

/// What came.
struct Page {
    status: StatusCode,
    location: Option<String>,
    body: String,
}

impl Browser {
    async fn open(server: &Server, sink: Sink) -> Result<Self> {
        let tcp = connect(server, Protocol::Webmail).await?;
        let host = tcp.peer_addr()?.to_string();
        let (sender, connection) = handshake(TokioIo::new(tcp)).await?;
        tokio::spawn(async move {
            // The last request says itself if it fails.
            let _ = connection.await;
        });
        Ok(Self { sender, host, cookies: Vec::new(), sink })
    }

    fn show(&self, who: Speaker, text: &str, meaning: &'static str) {
        (self.sink)(Line { who, text: shown(text), meaning });
    }

    async fn get(&mut self, path: &str, meaning: &'static str) -> Result<Page> {
        self.request(Method::GET, path, None, meaning).await
    }

    async fn post(&mut self, path: &str, kind: &str, body: String, meaning: &'static str) -> Result<Page> {
        self.request(Method::POST, path, Some((kind, body)), meaning).await
    }

    async fn request(
        &mut self,
        method: Method,
        path: &str,
        form: Option<(&str, String)>,
        meaning: &'static str,
    ) -> Result<Page> {
        self.show(Speaker::Client, &format!("{method} {path} HTTP/1.1"), meaning);
        let mut request = Request::builder().method(method).uri(path).header(HOST, &self.host);
        if !self.cookies.is_empty() {
            let cookies: Vec<String> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(COOKIE, cookies.join("; "));
        }
        let mut body = Bytes::new();
        if let Some((kind, octets)) = form {
            request = request.header(CONTENT_TYPE, kind);
            self.show(Speaker::Client, &format!("Content-Type: {kind}"), "a form that was filled in");
            body = octets.into();
        }
        if !body.is_empty() {
            self.show(
                Speaker::Client,
                &format!("  … {} octets of fields and values (hidden)", body.len()),
                "",
            );
        }
        self.sender.ready().await?;
        let response = self.sender.send_request(request.body(Full::new(body))?).await?;
        self.head(&response);
        let status = response.status();
        let location =
            response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = response.into_body().collect().await?.to_bytes();
        if !body.is_empty() {
            self.show(Speaker::Server, &format!("  … {} octets", body.len()), "");
        }
        Ok(Page { status, location, body: String::from_utf8_lossy(&body).into_owned() })
    }

    /// Shows the header of a response, and keeps its cookies.
    fn head<B>(&mut self, response: &Response<B>) {
        let status = response.status();
        let meaning = match status {
            StatusCode::OK => "here it is (RFC 9110 section 15.3.1)",
            StatusCode::SEE_OTHER => "done; look there for what came of it (RFC 9110 section 15.4.4)",
            _ => "",
        };
        self.show(Speaker::Server, &format!("HTTP/1.1 {status}"), meaning);
        for (name, value) in response.headers() {
            let value = value.to_str().unwrap_or_default();
            if name == SET_COOKIE {
                self.show(
                    Speaker::Server,
                    "Set-Cookie: (hidden)",
                    "HTTP forgets; the cookie says who asks (RFC 6265)",
                );
                let pair = value.split(';').next().unwrap_or_default();
                if let Some((name, value)) = pair.split_once('=') {
                    self.cookies.retain(|(known, _)| known != name);
                    self.cookies.push((name.to_owned(), value.to_owned()));
                }
            } else if !UNSHOWN.contains(&name.as_str()) && !name.as_str().starts_with("x-") {
                let meaning = match name.as_str() {
                    "content-type" => "MIME's word for it, as in mail (RFC 9110 section 8.3)",
                    "location" => "where to go on",
                    _ => "",
                };
                self.show(Speaker::Server, &format!("{name}: {value}"), meaning);
            }
        }
    }

    /// Fetches the objects that a page consists of, each by a request of its own.
    async fn objects(&mut self, page: &Page) -> Result<usize> {
        let hrefs: Vec<String> =
            page.body.split("<link rel=\"").skip(1).filter_map(|link| attribute(link, "href")).collect();
        for href in &hrefs {
            let object = self.get(href, "one more object of the page, over the same connection").await?;
            ensure!(object.status == StatusCode::OK, "{href}: {}", object.status);
        }
        Ok(hrefs.len())
    }
}

/// The value of an attribute that stands next, without its escapes.
fn attribute(html: &str, name: &str) -> Option<String> {
    let (_, rest) = html.split_once(&format!("{name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    let value = [
        ("&#38;", "&"),
        ("&amp;", "&"),
        ("&#60;", "<"),
        ("&lt;", "<"),
        ("&#62;", ">"),
        ("&gt;", ">"),
        ("&#34;", "\""),
        ("&quot;", "\""),
    ]
    .iter()
    .fold(value.to_owned(), |value, (escaped, plain)| value.replace(escaped, plain));
    Some(value)
}

/// The hidden fields and text fields of the form that goes to `action`, with their values.
fn fields(page: &Page, action: &str) -> Result<Vec<(String, String)>> {
    let (_, form) = page.body.split_once(&format!("action=\"{action}\"")).context("no such form")?;
    let (form, _) = form.split_once("</form>").context("a form without an end")?;
    Ok(form
        .split("<input ")
        .skip(1)
        .filter(|input| !input.contains("type=\"file\"") && !input.contains("type=\"checkbox\""))
        .filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value").unwrap_or_default())))
        .collect())
}

fn urlencoded(fields: &[(String, String)]) -> String {
    let mut out = String::new();
    for (name, value) in fields {
        if !out.is_empty() {
            out.push('&');
        }
        for (text, end) in [(name, "="), (value, "")] {
            for octet in text.bytes() {
                match octet {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                        out.push(char::from(octet));
                    }
                    octet => {
                        let _ = write!(out, "%{octet:02X}");
                    }
                }
            }
            out.push_str(end);
        }
    }
    out
}

fn multipart(fields: &[(String, String)]) -> String {
    let mut out = String::new();
    for (name, value) in fields {
        let _ =
            write!(out, "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    let _ = write!(out, "--{BOUNDARY}--\r\n");
    out
}

fn link_to(page: &Page, path: &str) -> Result<String> {
    page.body
        .split("<a ")
        .skip(1)
        .filter_map(|link| attribute(link, "href"))
        .find(|href| href.starts_with(path))
        .with_context(|| format!("no link to {path}"))
}

/// Act 2, by the web.
pub(super) async fn in_a_browser(stage: &Arc<Stage>, world: &World) -> Result<()> {
    stage.title("Act 2, by the web: Bob reads and answers in a browser");
    stage.say(
        "A browser speaks neither POP3 nor IMAP: it speaks HTTP to a web server that has the mailbox at hand (the listener stands in for \
         port 80). Only between the mail servers is it SMTP, as ever.",
    );
    let hamburger = world.hamburger()?;
    let title = "bob's browser and hamburger.edu, by HTTP (the listener in place of port 80)";
    let mut browser = Browser::open(hamburger, stage.conversation(title, "browser", "hamburger.edu")).await?;
    let page = browser.get("/login", "asks for a page (RFC 9110 section 9.3.1)").await?;
    let objects = browser.objects(&page).await?;
    let mut form = fields(&page, "/login")?;
    set(&mut form, "name", BOB.address);
    set(&mut form, "password", BOB.password);
    let page = browser
        .post(
            "/login",
            "application/x-www-form-urlencoded",
            urlencoded(&form),
            "hands in the form (RFC 9110 section 9.3.3)",
        )
        .await?;
    ensure!(page.status == StatusCode::SEE_OTHER, "the log-in: {}", page.status);
    let page = browser.get("/folder?name=INBOX", "the list of messages").await?;
    let link = link_to(&page, "/message?")?;
    let page = browser.get(&link, "one message").await?;
    let link = link_to(&page, "/compose?mode=reply")?;
    let page = browser.get(&link, "a form for the answer").await?;
    let mut form = fields(&page, "/compose")?;
    set(&mut form, "text", "With pickles, please.\r\n");
    set(&mut form, "action", "send");
    world.watch_relay(true);
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let page = browser.post("/compose", &kind, multipart(&form), "hands in the answer").await?;
    ensure!(page.status == StatusCode::SEE_OTHER && page.location.is_some(), "the answer: {}", page.status);
    drop(browser);

    let crepes = world.crepes();
    acts::wait_for(crepes, &ALICE, 1).await?;
    world.quiet(stage).await?;
    world.watch_relay(false);
    let mut agent = Pop3Agent::open(&Stage::muted(), crepes, &ALICE).await?;
    let octets = agent.retrieve(1).await?;
    agent.delete(1).await?;
    agent.quit().await?;
    let answer = Message::parse(&octets);
    let subject = answer.subject().unwrap_or_default().to_string();
    let text =
        answer.text_body().first().and_then(postroad_message::Part::text).unwrap_or_default().to_string();
    if !subject.starts_with("Re: ") || !text.contains("With pickles, please.") {
        bail!("Alice got something else: {subject}");
    }
    ensure!(
        answer.from().mailboxes().any(|from| from.to_string().contains(BOB.address)),
        "it is not from Bob"
    );
    stage.fact(&format!("Alice pulls Bob's answer from crepes.fr: {subject}"));
    stage.line("");
    stage.say("SMTP beside HTTP:");
    for line in [
        "SMTP pushes: who has the mail opens the connection.  HTTP pulls: who wants the page does.",
        "SMTP wants 7-bit lines, so an attachment goes as base64.  HTTP takes any octets as they are.",
        "A message has all its parts in one body (MIME).",
    ] {
        stage.line(&format!("    {line}"));
    }
    stage.line(&format!(
        "    A page has each of its objects in a response of its own: the first one here needed {} requests.",
        objects + 1
    ));
    stage.line("    Both keep the connection for what comes next.");
    stage.line("");
    Ok(())
}

fn set(form: &mut Vec<(String, String)>, name: &str, value: &str) {
    form.retain(|(known, _)| known != name);
    form.push((name.to_owned(), value.to_owned()));
}
