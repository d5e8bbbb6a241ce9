//! Logging in and out, the language, and what every page needs.

use std::time::Instant;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::language::Language;
use super::response::{Failure, page, see_other};
use super::session::new_id;
use super::view::{Frame, LoginPage, is_own_path};
use super::visitor::{CookieName, Fields, Posted, Visitor, Web};
use crate::store::StoreError;

/// Changes with the style sheet, which browsers keep for a day.
pub(super) const STYLE_VERSION: &str = env!("CARGO_PKG_VERSION");
const STYLE: &str = include_str!("style.css");
const MESSAGE_STYLE: &str = include_str!("message.css");
const ICON: &str = include_str!("icon.svg");

fn file(content_type: &'static str, text: &'static str) -> Response {
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400"));
    response
}

pub(super) async fn style() -> Response {
    file("text/css; charset=utf-8", STYLE)
}

pub(super) async fn message_style() -> Response {
    file("text/css; charset=utf-8", MESSAGE_STYLE)
}

pub(super) async fn icon() -> Response {
    file("image/svg+xml", ICON)
}

pub(super) async fn home(visitor: Visitor) -> Response {
    see_other(if visitor.session.is_some() { "/folder?name=INBOX" } else { "/login" })
}

/// Where the same page is inside of TLS; none when the request does not say on which host it is.
fn secure_location(headers: &HeaderMap) -> Option<String> {
    let host = headers.get(HOST)?.to_str().ok()?;
    let is_host = !host.is_empty()
        && host.bytes().all(|octet| octet.is_ascii_alphanumeric() || b".-:[]".contains(&octet));
    is_host.then(|| format!("https://{host}/login"))
}

pub(super) async fn login_page(
    State(web): State<Web>,
    visitor: Visitor,
    fields: Fields,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    if !web.may_send_password() {
        return match secure_location(&headers) {
            Some(location) if method == Method::GET => Ok(see_other(&location)),
            _ => Err(Failure::Insecure),
        };
    }
    if visitor.session.is_some() {
        return Ok(see_other("/"));
    }
    let t = visitor.language.texts();
    let notice = match fields.one("done") {
        "ended" => Some(t.please_log_in),
        "out" => Some(t.logged_out),
        _ => None,
    };
    let mut response = show_login(&web, visitor, String::new(), None, notice)?;
    if notice == Some(t.please_log_in) {
        web.set_cookie(&mut response, CookieName::Session, "");
    }
    Ok(response)
}

/// The page, with a form that belongs to this visitor.
fn show_login(
    web: &Web,
    mut visitor: Visitor,
    name: String,
    error: Option<&'static str>,
    notice: Option<&'static str>,
) -> Result<Response, Failure> {
    let fresh = if visitor.visit.is_none() { Some(new_id().ok_or(Failure::Busy)?) } else { None };
    visitor.visit = visitor.visit.or(fresh);
    let t = visitor.language.texts();
    let mut frame = Frame::plain(web, &visitor, t.log_in);
    "/login".clone_into(&mut frame.here);
    frame.notice = notice;
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let mut response = page(status, &LoginPage { frame, name, error });
    if let Some(visit) = fresh {
        web.set_cookie(&mut response, CookieName::Visit, &web.key().seal(&visit));
    }
    Ok(response)
}

pub(super) async fn log_in(
    State(web): State<Web>,
    mut visitor: Visitor,
    Posted(form): Posted,
) -> Result<Response, Failure> {
    if !web.may_send_password() {
        return Err(Failure::Insecure);
    }
    visitor.check_form(&web, form.one("token"))?;
    // Another session of the same browser ends here.
    if let Some((id, _)) = visitor.session.take() {
        web.context.webmail.sessions.end(&id);
    }
    let name = form.one("name").trim();
    let password = form.one("password").to_owned();
    let store = &web.context.store;
    // One guess of a connection at a time; each but the first waits.
    let mut guesses = web.guesses.lock().await;
    let account = match store.authenticate(name, password, &web.context.config.domains).await {
        Ok(Some(account)) => account,
        Ok(None) | Err(StoreError::Invalid(_)) => {
            tracing::info!(peer = %web.peer, protocol = "webmail", "log-in failed");
            guesses.failed().await;
            let error = visitor.language.texts().wrong_password;
            return show_login(&web, visitor, name.to_owned(), Some(error), None);
        }
        Err(error) => return Err(error.into()),
    };
    tracing::info!(peer = %web.peer, protocol = "webmail", account = %account.address, "logged in");
    let id = web.context.webmail.sessions.begin(account, Instant::now()).ok_or(Failure::Busy)?;
    let mut response = see_other("/folder?name=INBOX");
    web.set_cookie(&mut response, CookieName::Session, &web.key().seal(&id));
    web.set_cookie(&mut response, CookieName::Visit, "");
    Ok(response)
}

pub(super) async fn log_out(
    State(web): State<Web>,
    visitor: Visitor,
    Posted(form): Posted,
) -> Result<Response, Failure> {
    let Some((id, account)) = &visitor.session else { return Err(Failure::LoggedOut) };
    visitor.check_form(&web, form.one("token"))?;
    web.context.webmail.sessions.end(id);
    tracing::info!(peer = %web.peer, protocol = "webmail", account = %account.address, "logged out");
    let mut response = see_other("/login?done=out");
    web.set_cookie(&mut response, CookieName::Session, "");
    Ok(response)
}

pub(super) async fn choose_language(
    State(web): State<Web>,
    visitor: Visitor,
    Posted(form): Posted,
) -> Result<Response, Failure> {
    visitor.check_form(&web, form.one("token"))?;
    let language = Language::from_tag(form.one("language")).ok_or(Failure::BadRequest)?;
    let back = form.one("back");
    let mut response = see_other(if is_own_path(back) { back } else { "/" });
    web.set_cookie(&mut response, CookieName::Language, language.tag());
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_tls_leads_to_the_same_host() {
        let to = |host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_str(host).unwrap());
            secure_location(&headers)
        };
        assert_eq!(to("mail.crepes.fr:2080").as_deref(), Some("https://mail.crepes.fr:2080/login"));
        assert_eq!(to("[2001:db8::1]:2080").as_deref(), Some("https://[2001:db8::1]:2080/login"));
        for host in ["", "evil.example/", "a b", "user@evil.example", "a\\b", "a?b", "a#b"] {
            assert_eq!(to(host), None, "{host}");
        }
        assert_eq!(secure_location(&HeaderMap::new()), None);
    }
}
