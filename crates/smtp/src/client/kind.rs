//! What a client session knows of a command whose reply it waits for.

use super::Phase;
use crate::command::Command;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Greeting,
    Ehlo,
    Helo,
    Mail,
    Rcpt,
    Data,
    /// The message itself, up to its end.
    Message,
    Rset,
    StartTls,
    Auth,
    Quit,
    /// NOOP, HELP, VRFY, EXPN.
    Other,
}

impl Kind {
    pub(super) fn of(command: &Command) -> Self {
        match command {
            Command::Ehlo(_) => Self::Ehlo,
            Command::Helo(_) => Self::Helo,
            Command::Mail(_) => Self::Mail,
            Command::Rcpt(_) => Self::Rcpt,
            Command::Data => Self::Data,
            Command::Rset => Self::Rset,
            Command::StartTls => Self::StartTls,
            Command::Auth(_) => Self::Auth,
            Command::Quit => Self::Quit,
            Command::Vrfy(_) | Command::Expn(_) | Command::Help(_) | Command::Noop(_) => Self::Other,
        }
    }

    /// Whether nothing may follow before the reply is here, also where PIPELINING is offered (RFC 2920 section 3.1, RFC 3207 section 4,
    /// RFC 4954 section 4).
    pub(super) fn ends_group(self) -> bool {
        !matches!(self, Self::Mail | Self::Rcpt | Self::Rset | Self::Message)
    }

    /// What the reply is to, for an error.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Greeting => "the connection",
            Self::Ehlo => "EHLO",
            Self::Helo => "HELO",
            Self::Mail => "MAIL",
            Self::Rcpt => "RCPT",
            Self::Data => "DATA",
            Self::Message => "the message",
            Self::Rset => "RSET",
            Self::StartTls => "STARTTLS",
            Self::Auth => "AUTH",
            Self::Quit => "QUIT",
            Self::Other => "a command",
        }
    }

    pub(super) fn phase(self) -> Phase {
        match self {
            Self::Greeting => Phase::Greeting,
            Self::Mail => Phase::Mail,
            Self::Rcpt => Phase::Rcpt,
            Self::Data => Phase::Data,
            Self::Message => Phase::DataEnd,
            Self::Ehlo | Self::Helo | Self::Rset | Self::StartTls | Self::Auth | Self::Quit | Self::Other => {
                Phase::Command
            }
        }
    }
}
