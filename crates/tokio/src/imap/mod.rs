//! IMAP on tokio. Feature `imap`.

mod handler;
mod rows;
mod server;
mod watch;

pub use handler::{AuthAnswer, AuthStep, Found, Handler};
pub use rows::{Gone, Lists, RowBody, Rows};
pub use server::serve;
pub use watch::{Watch, Watchers};
