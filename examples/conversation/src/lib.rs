//! Shows the conversation of a session while it happens, and says what each line means.
//!
//! A session can be watched from outside without its help: what it takes from its input the other end said, and what it transmits it says
//! itself. So [`Traced`] is itself a session, around another one; TLS is outside of it and hides nothing. Secrets are hidden.
//!
//! ```
//! use conversation::{Explain, Smtp, Speaker};
//!
//! let mut smtp = Smtp::new();
//! smtp.server_said(b"220 hamburger.edu\r\n");
//! let lines = smtp.client_said(b"MAIL FROM:<alice@crepes.fr>\r\n");
//! assert_eq!(lines[0].who, Speaker::Client);
//! assert_eq!(lines[0].meaning, "a new message, and whom to tell if it fails (RFC 5321 section 4.1.1.2)");
//! ```
#![forbid(unsafe_code)]

mod imap;
mod lines;
mod pop3;
mod smtp;
mod text;
mod traced;

pub use imap::Imap;
pub use pop3::Pop3;
pub use smtp::Smtp;
pub use text::shown;
pub use traced::{Sink, Traced};

/// Who said a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// The end that opened the connection.
    Client,
    /// The end that was called.
    Server,
    /// Nobody: something that happened.
    Nobody,
}

/// One thing to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Who said it.
    pub who: Speaker,
    /// What was said, made safe for a terminal.
    pub text: String,
    /// What it means, with the section of the RFC; empty where there is nothing to say.
    pub meaning: &'static str,
}

impl Line {
    /// Something that happened.
    pub fn note(text: impl Into<String>) -> Self {
        Self { who: Speaker::Nobody, text: text.into(), meaning: "" }
    }
}

/// Follows both sides of one conversation in one protocol.
pub trait Explain: core::fmt::Debug + Send {
    /// What to show of octets that the client sends.
    fn client_said(&mut self, octets: &[u8]) -> Vec<Line>;
    /// What to show of octets that the server sends.
    fn server_said(&mut self, octets: &[u8]) -> Vec<Line>;
}
