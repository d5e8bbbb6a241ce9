//! Mailboxes as web pages, for people with nothing but a browser: read, write, move, search.
//!
//! - Everything works without a script; the pages have none, and forbid them.
//! - What a message brings is never trusted: text is escaped, HTML is cleaned and shown in a sandbox of its own
//!   ([`html`]), what is attached is only ever downloaded ([`part`]).
//! - Only POST changes anything, and only with a token that one of our own pages had ([`session`]). Opening a message
//!   marks it as read, as IMAP's FETCH does.
//! - Messages go out by the same way as those of submission ([`send`]); uploads never lie in memory ([`upload`]).

mod account;
mod act;
mod assemble;
mod compose;
mod connection;
mod folder;
mod html;
mod language;
mod loaded;
mod message;
mod part;
mod response;
mod search;
mod send;
mod session;
mod upload;
mod view;
mod visitor;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use tokio::sync::Semaphore;

pub(crate) use connection::handler;

use crate::store::Store;
use visitor::Web;

/// The octets of a form without files.
const FORM_LIMIT: usize = 64 * 1024;

/// What all connections of the webmail share.
#[derive(Debug)]
pub(crate) struct Webmail {
    key: session::Key,
    sessions: session::Sessions,
    /// Memory for whole messages, in KiB; see [`loaded`].
    memory: Arc<Semaphore>,
    /// Who may clean HTML, which is work.
    cleaners: Arc<Semaphore>,
}

impl Webmail {
    /// Signs with the store's key.
    pub(crate) fn new(store: &Store) -> Self {
        Self {
            key: session::Key::new(store.webmail_key()),
            sessions: session::Sessions::default(),
            memory: Arc::new(Semaphore::new(loaded::MEMORY)),
            cleaners: Arc::new(Semaphore::new(2)),
        }
    }
}

/// All pages, for one connection.
fn router(web: Web) -> Router {
    Router::new()
        .route("/", get(account::home))
        .route("/style.css", get(account::style))
        .route("/message.css", get(account::message_style))
        .route("/icon.svg", get(account::icon))
        .route("/login", get(account::login_page).post(account::log_in))
        .route("/logout", post(account::log_out))
        .route("/language", post(account::choose_language))
        .route("/folder", get(folder::page))
        .route("/act", post(act::act))
        .route("/message", get(message::page))
        .route("/message/html", get(message::html_body))
        .route("/message/source", get(part::source))
        .route("/message/part", get(part::download))
        .route("/compose", get(compose::page).post(send::submit))
        .fallback(response::not_found)
        .method_not_allowed_fallback(response::method_not_allowed)
        .layer(DefaultBodyLimit::max(FORM_LIMIT))
        .layer(from_fn(response::in_time))
        .layer(from_fn_with_state(web.clone(), response::dress))
        .with_state(web)
}

#[cfg(test)]
mod tests;
