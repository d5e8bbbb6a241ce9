//! A browser without a screen: keeps cookies, and finds forms and links in pages.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::body::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE};
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::*;
use crate::webmail::view::query;

/// An answer.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) octets: Bytes,
}

impl Page {
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.octets).unwrap()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn location(&self) -> &str {
        self.header(LOCATION.as_str())
    }

    /// The hidden fields of the form that is sent to `action`.
    pub(super) fn form(&self, action: &str) -> Vec<(String, String)> {
        let text = self.text();
        let start = text.find(&format!("action=\"{action}\"")).unwrap_or_else(|| panic!("{action}: {text}"));
        let form = &text[start..start + text[start..].find("</form>").unwrap()];
        let mut fields = Vec::new();
        for input in form.split("<input type=\"hidden\" ").skip(1) {
            let value = |name: &str| {
                let from = input.find(&format!("{name}=\"")).unwrap() + name.len() + 2;
                unescaped(&input[from..from + input[from..].find('"').unwrap()])
            };
            fields.push((value("name"), value("value")));
        }
        fields
    }

    /// The address of the first link whose markup has these words.
    pub(super) fn link(&self, words: &str) -> String {
        let text = self.text();
        let found = text.split("<a ").skip(1).find(|link| link[..link.find("</a>").unwrap()].contains(words));
        let link = found.unwrap_or_else(|| panic!("{words}: {text}"));
        let from = link.find("href=\"").unwrap() + 6;
        unescaped(&link[from..from + link[from..].find('"').unwrap()])
    }
}

pub(super) fn unescaped(text: &str) -> String {
    let text = text.replace("&#38;", "&").replace("&#60;", "<").replace("&#62;", ">").replace("&#34;", "\"");
    text.replace("&#39;", "'")
        .replace("&quot;", "\"")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

/// Keeps cookies, and follows no redirection by itself.
#[derive(Clone, Debug)]
pub(super) struct Browser {
    pub(super) address: SocketAddr,
    pub(super) cookies: BTreeMap<String, String>,
    pub(super) language: &'static str,
}

impl Browser {
    pub(super) fn of(server: &Server) -> Self {
        let listen = server.listening.iter().find(|listen| listen.protocol == Protocol::Webmail).unwrap();
        Self { address: listen.address, cookies: BTreeMap::new(), language: "en" }
    }

    pub(super) async fn ask(&mut self, method: Method, path: &str, content_type: &str, body: Bytes) -> Page {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.address.to_string())
            .header(ACCEPT_LANGUAGE, self.language);
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        if !content_type.is_empty() {
            request = request.header(CONTENT_TYPE, content_type);
        }
        let request = request.body(Full::new(body)).unwrap();
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(connection);
        let (head, body) = sender.send_request(request).await.unwrap().into_parts();
        let octets = body.collect().await.unwrap().to_bytes();
        connection.abort();
        for cookie in head.headers.get_all(SET_COOKIE) {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Page { status: head.status, headers: head.headers, octets }
    }

    pub(super) async fn get(&mut self, path: &str) -> Page {
        self.ask(Method::GET, path, "", Bytes::new()).await
    }

    /// A page that is there.
    pub(super) async fn see(&mut self, path: &str) -> Page {
        let page = self.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text());
        page
    }

    pub(super) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let body = query(fields);
        self.ask(Method::POST, path, "application/x-www-form-urlencoded", body.into()).await
    }

    /// Sends the form of a page, with more fields.
    pub(super) async fn submit(&mut self, page: &Page, action: &str, more: &[(&str, &str)]) -> Page {
        let hidden = page.form(action);
        let fields: Vec<(&str, &str)> = hidden
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .chain(more.iter().copied())
            .collect();
        self.post(action, &fields).await
    }

    /// Sends the form of a new message, with files: names, types and octets.
    pub(super) async fn compose(
        &mut self,
        page: &Page,
        more: &[(&str, &str)],
        files: &[(&str, &str, &[u8])],
    ) -> Page {
        let mut hidden = page.form("/compose");
        hidden.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
        let fields: Vec<(&str, &str)> = hidden
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .chain(more.iter().copied())
            .collect();
        self.ask(Method::POST, "/compose", MULTIPART, multipart(&fields, files)).await
    }

    pub(super) async fn log_in(&mut self, name: &str) {
        let page = self.see("/login").await;
        let page = self.submit(&page, "/login", &[("name", name), ("password", PASSWORD)]).await;
        assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, "/folder?name=INBOX"));
    }
}

pub(super) const MULTIPART: &str = "multipart/form-data; boundary=boundary42";

/// A form as browsers send it (RFC 7578).
pub(super) fn multipart(fields: &[(&str, &str)], files: &[(&str, &str, &[u8])]) -> Bytes {
    let mut body = Vec::new();
    for (name, value) in fields {
        let part =
            format!("--boundary42\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    for (name, content_type, octets) in files {
        let head = format!(
            "--boundary42\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{name}\"\r\n\
             Content-Type: {content_type}\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(octets);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--boundary42--\r\n");
    body.into()
}
