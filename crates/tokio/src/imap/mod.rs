//! IMAP on tokio. Feature `imap`.

mod handler;
mod rows;
mod server;

pub use handler::{AuthAnswer, AuthStep, Found, Handler};
pub use rows::{Gone, Lists, RowBody, Rows};
pub use server::serve;
