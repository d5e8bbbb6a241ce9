//! What goes back: pages, faults as pages, and the header fields that every response has.

use std::time::Duration;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::view::{ErrorPage, Frame};
use super::visitor::{Visitor, Web};
use crate::store::StoreError;

/// How long a request may take that brings no files.
const REQUEST: Duration = Duration::from_secs(60);
/// What our own pages may load: our style sheet and icon, and the frame of a message.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-src 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";

/// Why there is no page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// There is no such thing, or no longer.
    NotFound,
    /// The form's token is not of this session.
    Expired,
    /// The form is too large.
    TooLarge,
    /// It cannot be read.
    BadRequest,
    /// GET where POST is needed, or the other way round.
    Method,
    /// It took too long.
    Timeout,
    /// The password would go in the clear.
    Insecure,
    /// Nobody is logged in.
    LoggedOut,
    /// The server cannot do it now.
    Busy,
    /// The mailbox is full.
    Full,
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::NotFound,
            StoreError::OverQuota { .. } => Self::Full,
            error if error.is_temporary() => {
                tracing::error!(%error, "the store failed");
                Self::Busy
            }
            error => {
                tracing::debug!(%error, "the store refused a request");
                Self::BadRequest
            }
        }
    }
}

impl Failure {
    fn status(self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Expired | Self::Insecure => StatusCode::FORBIDDEN,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::LoggedOut => StatusCode::SEE_OTHER,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Full => StatusCode::INSUFFICIENT_STORAGE,
        }
    }
}

impl IntoResponse for Failure {
    /// Without a body: [`dress`] knows the language.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// A page.
pub(super) fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => {
            let mut response = (status, text).into_response();
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
            response
        }
        Err(error) => {
            tracing::error!(%error, "a page cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// After a change: look at this page. Reloading it does not repeat the change.
pub(super) fn see_other(location: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let location = HeaderValue::from_str(location).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(LOCATION, location);
    response
}

pub(super) async fn not_found() -> Failure {
    Failure::NotFound
}

pub(super) async fn method_not_allowed() -> Failure {
    Failure::Method
}

/// Bounds the time of everything but uploads, which have limits of their own.
pub(super) async fn in_time(request: Request, next: Next) -> Response {
    if request.method() == Method::POST && request.uri().path() == "/compose" {
        return next.run(request).await;
    }
    match tokio::time::timeout(REQUEST, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Failure::Timeout.into_response(),
    }
}

/// Makes a fault a page in the visitor's language, and puts on what every response wears.
pub(super) async fn dress(State(web): State<Web>, request: Request, next: Next) -> Response {
    let visitor = Visitor::read(request.headers(), &web);
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        response = failed(&web, &visitor, failure);
    }
    tracing::debug!(peer = %web.peer, protocol = "webmail", %method, path, status = response.status().as_u16(), "answered");
    let headers = response.headers_mut();
    let mut put = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    put(CONTENT_SECURITY_POLICY, POLICY);
    put(X_FRAME_OPTIONS, "DENY");
    put(X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(REFERRER_POLICY, "no-referrer");
    put(CACHE_CONTROL, "no-store");
    put(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    put(HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()");
    response
}

fn failed(web: &Web, visitor: &Visitor, failure: Failure) -> Response {
    if failure == Failure::LoggedOut {
        return see_other(if visitor.had_session { "/login?done=ended" } else { "/login" });
    }
    let texts = visitor.language.texts();
    let text = match failure {
        Failure::NotFound => texts.error_not_found,
        Failure::Expired => texts.error_expired,
        Failure::TooLarge => texts.error_too_large,
        Failure::BadRequest | Failure::LoggedOut => texts.error_bad_request,
        Failure::Method => texts.error_method,
        Failure::Timeout => texts.error_timeout,
        Failure::Insecure => texts.error_secure,
        Failure::Busy => texts.error_busy,
        Failure::Full => texts.error_full,
    };
    let frame = Frame::plain(web, visitor, texts.error);
    let mut response = page(failure.status(), &ErrorPage { frame, text });
    let headers = response.headers_mut();
    match failure {
        Failure::Busy => {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("30"));
        }
        Failure::Timeout | Failure::TooLarge => {
            // What is left of the request is not worth reading.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        _ => {}
    }
    response
}
