//! Who asks: the connection, the language, the session; and what they ask for.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Form, FromRequest, FromRequestParts, Query, Request};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;

use super::language::Language;
use super::response::Failure;
use super::session::{ABSOLUTE, Id, Key};
use crate::inbound::Guesses;
use crate::serve::Context;
use crate::store::Account;

/// What every handler needs: the server, and the connection that it serves.
#[derive(Clone, Debug)]
pub(super) struct Web {
    /// The server.
    pub(super) context: Arc<Context>,
    /// The other end.
    pub(super) peer: SocketAddr,
    /// The port here.
    port: u16,
    /// Whether this is inside of TLS.
    pub(super) is_tls: bool,
    /// Wrong passwords on this connection.
    pub(super) guesses: Arc<tokio::sync::Mutex<Guesses>>,
}

impl Web {
    pub(super) fn new(context: Arc<Context>, peer: SocketAddr, port: u16, is_tls: bool) -> Self {
        Self { context, peer, port, is_tls, guesses: Arc::default() }
    }

    /// Signs cookies and forms.
    pub(super) fn key(&self) -> &Key {
        &self.context.webmail.key
    }

    /// Whether a password may come by this connection: inside of TLS, from this host, or where the configuration
    /// allows it.
    pub(super) fn may_send_password(&self) -> bool {
        self.is_tls
            || self.peer.ip().to_canonical().is_loopback()
            || self.context.config.auth.plaintext_without_tls
    }

    /// The whole name of a cookie. Browsers do not tell ports apart, so the port is in it; inside of TLS the prefix
    /// makes them refuse one that came otherwise (RFC 6265bis section 4.1.3).
    fn cookie_name(&self, name: &str) -> String {
        let prefix = if self.is_tls { "__Host-" } else { "" };
        format!("{prefix}{name}-{}", self.port)
    }

    /// The value of a cookie.
    fn cookie<'h>(&self, headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
        let wanted = self.cookie_name(name);
        let texts = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value)
    }

    /// Sets a cookie; one without a value is removed.
    pub(super) fn set_cookie(&self, response: &mut Response, name: CookieName, value: &str) {
        let age = if value.is_empty() { 0 } else { name.max_age() };
        let secure = if self.is_tls { "; Secure" } else { "" };
        let text = format!(
            "{}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{secure}",
            self.cookie_name(name.text())
        );
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().append(SET_COOKIE, value);
        }
    }
}

/// The cookies that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CookieName {
    /// Who is logged in.
    Session,
    /// Who looks at the log-in page.
    Visit,
    /// Which language was chosen.
    Language,
}

impl CookieName {
    fn text(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Visit => "visit",
            Self::Language => "language",
        }
    }

    /// In seconds.
    fn max_age(self) -> u64 {
        match self {
            Self::Session | Self::Visit => ABSOLUTE.as_secs(),
            Self::Language => 365 * 86400,
        }
    }
}

/// Somebody, logged in or not.
#[derive(Clone, Debug)]
pub(super) struct Visitor {
    /// What they read.
    pub(super) language: Language,
    /// Their session, if it is not over.
    pub(super) session: Option<(Id, Account)>,
    /// They have the cookie of a session of ours, which may be over.
    pub(super) had_session: bool,
    /// Before they log in: the identifier that the forms of the log-in page belong to.
    pub(super) visit: Option<Id>,
}

impl Visitor {
    pub(super) fn read(headers: &HeaderMap, web: &Web) -> Self {
        let id = |name: CookieName| web.cookie(headers, name.text()).and_then(|text| web.key().open(text));
        let cookie = id(CookieName::Session);
        let session = cookie.and_then(|id| {
            web.context.webmail.sessions.find(&id, Instant::now()).map(|account| (id, account))
        });
        let chosen = web.cookie(headers, CookieName::Language.text()).and_then(Language::from_tag);
        Self {
            language: chosen.unwrap_or_else(|| Language::accepted(headers)),
            session,
            had_session: cookie.is_some(),
            visit: id(CookieName::Visit),
        }
    }

    /// What the forms of this visitor's pages belong to.
    pub(super) fn form_id(&self) -> Option<Id> {
        self.session.as_ref().map(|(id, _)| *id).or(self.visit)
    }

    /// Refuses a form that did not come from a page of ours.
    pub(super) fn check_form(&self, web: &Web, token: &str) -> Result<(), Failure> {
        match self.form_id() {
            Some(id) if web.key().is_form_token(&id, token) => Ok(()),
            _ => {
                tracing::info!(peer = %web.peer, protocol = "webmail", "a form without its token was refused");
                Err(Failure::Expired)
            }
        }
    }
}

impl FromRequestParts<Web> for Visitor {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Self::Rejection> {
        Ok(Self::read(&parts.headers, web))
    }
}

/// Somebody who is logged in; all others are sent to the log-in page.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// What they read.
    pub(super) language: Language,
    /// Their session.
    pub(super) session: Id,
    /// Who they are.
    pub(super) account: Account,
    /// The page they are on, for the way back.
    pub(super) here: String,
    visitor: Visitor,
}

impl Member {
    /// Somebody whose session was found.
    pub(super) fn of(visitor: &Visitor, session: Id, account: Account, here: &str) -> Self {
        Self { language: visitor.language, session, account, here: here.to_owned(), visitor: visitor.clone() }
    }

    /// Refuses a form that did not come from a page of this session.
    pub(super) fn check_form(&self, web: &Web, token: &str) -> Result<(), Failure> {
        self.visitor.check_form(web, token)
    }
}

impl FromRequestParts<Web> for Member {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Failure> {
        let visitor = Visitor::read(&parts.headers, web);
        let Some((session, account)) = visitor.session.clone() else { return Err(Failure::LoggedOut) };
        let here = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Self::of(&visitor, session, account, &here))
    }
}

/// The names and values of a query or a form, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(pub(super) Vec<(String, String)>);

impl Fields {
    /// The first value of this name; empty when there is none.
    pub(super) fn one(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// All values of this name.
    pub(super) fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A value that is a number.
    pub(super) fn number(&self, name: &str) -> Option<u32> {
        self.one(name).parse().ok()
    }
}

impl FromRequestParts<Web> for Fields {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Failure> {
        let query = Query::<Vec<(String, String)>>::from_request_parts(parts, web).await;
        query.map(|Query(fields)| Self(fields)).map_err(|_| Failure::BadRequest)
    }
}

/// A form that was posted.
#[derive(Debug)]
pub(super) struct Posted(pub(super) Fields);

impl FromRequest<Web> for Posted {
    type Rejection = Failure;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Failure> {
        match Form::<Vec<(String, String)>>::from_request(request, web).await {
            Ok(Form(fields)) => Ok(Self(Fields(fields))),
            Err(rejection) if rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE => {
                Err(Failure::TooLarge)
            }
            Err(_) => Err(Failure::BadRequest),
        }
    }
}
