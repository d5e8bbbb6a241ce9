//! IMAP: a [`Client`] that reads and changes mailboxes, and a server by [`serve`] and [`Handler`].
//!
//! The sessions are those of [`postroad_imap`]; see [`Client`] and [`serve`] for examples.

mod client;
mod handler;
mod rows;
mod server;
mod watch;

// The public interface is:
pub use crate::TlsPolicy;
pub use client::{
    Answer, AppendUid, Client, ClientError, ClientOptions, Fetch, Fetched, Listed, Mailbox, News, SectionEnd,
};
pub use handler::{AuthAnswer, AuthStep, Found, Handler};
pub use rows::{Gone, Lists, RowBody, Rows};
pub use server::serve;
pub use watch::{Watch, Watchers};

#[doc(no_inline)]
pub use postroad_imap;
