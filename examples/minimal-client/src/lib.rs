//! A mail client: it sends by SMTP, reads by POP3 and by IMAP, and waits for mail. It is here to be read.
//!
//! The clients of `postroad_tokio` do the talking: greeting, capabilities, order, dots, literals, deadlines. Each takes a transport that is
//! connected; how it is found and whether it is TLS is the program's business.

mod read;
mod send;
mod take;
mod wait;

pub use read::{Listed, read};
pub use send::{compose, send};
pub use take::take;
pub use wait::wait;

use postroad_tokio::MaybeTls;
use std::net::SocketAddr;
use tokio::net::TcpStream;

/// A reason to stop, for people.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Whose mail it is.
#[expect(missing_debug_implementations, reason = "a password is not printed")]
#[derive(Clone, Copy)]
pub struct Login<'a> {
    /// The name.
    pub user: &'a str,
    /// The password. Here it goes in the clear, which every client of `postroad_tokio` has to be allowed to do.
    pub password: &'a str,
}

async fn connect(address: SocketAddr) -> Result<MaybeTls<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?; // what is written is whole
    // For port 465, 993 or 995: `postroad_tokio::tls::connect`. For STARTTLS: a connector in the options of the client.
    Ok(MaybeTls::Plain(stream))
}
