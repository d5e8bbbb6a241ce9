//! Commands (RFC 5321 section 4.1): one file per command or family, its parse and its print side by side.

mod auth;
mod hello;
mod mail;
mod parameter;
mod rcpt;
mod text;

pub use auth::{AuthCommand, AuthResponseLine};
pub use mail::{MailCommand, MailParameters};
pub use rcpt::RcptCommand;

use crate::types::{Argument, ClientName, Lenience, Repairs};
use core::fmt;
use postroad_core::{ParseError, ParseErrorKind};

/// What [`ParseErrorKind::Unknown`] says of a verb that is not known: such a line is answered 500.
pub const UNKNOWN_COMMAND: ParseErrorKind = ParseErrorKind::Unknown("command");
/// What [`ParseErrorKind::Unknown`] says of a parameter of MAIL or RCPT that is not known: such a line is answered 555.
pub const UNKNOWN_PARAMETER: ParseErrorKind = ParseErrorKind::Unknown("parameter");

/// A command, as a client sends it and a server reads it.
///
/// ```
/// use postroad_smtp::command::Command;
///
/// let command = Command::parse(b"mail from:<smith@bar.com> size=500")?;
/// let Command::Mail(mail) = &command else { panic!() };
/// assert_eq!(mail.parameters.size, Some(500));
///
/// let mut line = String::new();
/// command.encode(&mut line)?;
/// assert_eq!(line, "MAIL FROM:<smith@bar.com> SIZE=500\r\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// EHLO: who the client is; service extensions may be used (section 4.1.1.1).
    Ehlo(ClientName),
    /// HELO: who the client is, in the manner of 1982 (section 4.1.1.1).
    Helo(ClientName),
    /// MAIL: begins a transaction (section 4.1.1.2).
    Mail(MailCommand),
    /// RCPT: one more recipient (section 4.1.1.3).
    Rcpt(RcptCommand),
    /// DATA: the message follows, once the server has said 354 (section 4.1.1.4).
    Data,
    /// RSET: gives up the transaction (section 4.1.1.5).
    Rset,
    /// VRFY: is this a user or mailbox (section 4.1.1.6).
    Vrfy(Argument),
    /// EXPN: who is on this mailing list (section 4.1.1.7).
    Expn(Argument),
    /// HELP (section 4.1.1.8).
    Help(Option<Argument>),
    /// NOOP: nothing (section 4.1.1.9).
    Noop(Option<Argument>),
    /// QUIT: the end (section 4.1.1.10).
    Quit,
    /// STARTTLS: go over to TLS (RFC 3207).
    StartTls,
    /// AUTH: begins an exchange of SASL (RFC 4954).
    Auth(AuthCommand),
}

impl Command {
    /// Reads a command line, given without its CRLF. White space at its end is ignored (RFC 5321 section 4.1.1).
    ///
    /// # Errors
    ///
    /// [`UNKNOWN_COMMAND`] for a verb that is not known, [`UNKNOWN_PARAMETER`] for a parameter that is not known, and what was
    /// expected otherwise. Errors in AUTH and unknown verbs carry no octets of the line, for they may be secret.
    pub fn parse(line: &[u8]) -> Result<Self, ParseError> {
        Self::parse_with(line, Lenience::default()).map(|(command, _)| command)
    }

    /// Reads a command line, repairs what `lenience` allows, and tells what was repaired.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn parse_with(line: &[u8], lenience: Lenience) -> Result<(Self, Repairs), ParseError> {
        let mut repairs = Repairs::default();
        let end = line.iter().rposition(|octet| !matches!(octet, b' ' | b'\t')).map_or(0, |last| last + 1);
        let line = &line[..end];
        let space = line.iter().position(|octet| *octet == b' ');
        let (verb, arguments) = match space {
            Some(at) => (&line[..at], Some(&line[at + 1..])),
            None => (line, None),
        };
        let mut name = [0; LONGEST_VERB];
        // Redacted: a password that is sent where AUTH has already failed is a command that is not known.
        let unknown = || ParseError::new(UNKNOWN_COMMAND, 0, line).redacted();
        let name = name.get_mut(..verb.len()).ok_or_else(unknown)?;
        name.copy_from_slice(verb);
        name.make_ascii_uppercase();
        let command = match &*name {
            b"EHLO" => hello::parse(arguments).map(Self::Ehlo),
            b"HELO" => hello::parse(arguments).map(Self::Helo),
            b"MAIL" => mail::parse(arguments, lenience, &mut repairs).map(Self::Mail),
            b"RCPT" => rcpt::parse(arguments, lenience, &mut repairs).map(Self::Rcpt),
            b"DATA" => text::none(arguments).map(|()| Self::Data),
            b"RSET" => text::none(arguments).map(|()| Self::Rset),
            b"VRFY" => text::required(arguments).map(Self::Vrfy),
            b"EXPN" => text::required(arguments).map(Self::Expn),
            b"HELP" => text::optional(arguments).map(Self::Help),
            b"NOOP" => text::optional(arguments).map(Self::Noop),
            b"QUIT" => text::none(arguments).map(|()| Self::Quit),
            b"STARTTLS" => text::none(arguments).map(|()| Self::StartTls),
            b"AUTH" => auth::parse(arguments).map(Self::Auth),
            _ => return Err(unknown()),
        };
        let behind_verb = verb.len() + 1;
        command.map(|command| (command, repairs)).map_err(|error| error.shifted(behind_verb))
    }

    /// Its verb, in upper case.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Ehlo(_) => "EHLO",
            Self::Helo(_) => "HELO",
            Self::Mail(_) => "MAIL",
            Self::Rcpt(_) => "RCPT",
            Self::Data => "DATA",
            Self::Rset => "RSET",
            Self::Vrfy(_) => "VRFY",
            Self::Expn(_) => "EXPN",
            Self::Help(_) => "HELP",
            Self::Noop(_) => "NOOP",
            Self::Quit => "QUIT",
            Self::StartTls => "STARTTLS",
            Self::Auth(_) => "AUTH",
        }
    }

    /// Writes the command as it goes over the line, its CRLF included. An AUTH may hold a password: mind where this goes.
    pub fn encode(&self, to: &mut impl fmt::Write) -> fmt::Result {
        to.write_str(self.verb())?;
        match self {
            Self::Ehlo(name) | Self::Helo(name) => hello::encode(name, to)?,
            Self::Mail(mail) => mail.encode(to)?,
            Self::Rcpt(rcpt) => rcpt.encode(to)?,
            Self::Vrfy(argument) | Self::Expn(argument) => text::encode(Some(argument), to)?,
            Self::Help(argument) | Self::Noop(argument) => text::encode(argument.as_ref(), to)?,
            Self::Auth(auth) => auth.encode(to)?,
            Self::Data | Self::Rset | Self::Quit | Self::StartTls => {}
        }
        to.write_str("\r\n")
    }
}

const LONGEST_VERB: usize = "STARTTLS".len();

/// The octets behind the verb and its space, where the grammar has something there.
fn required<'a>(arguments: Option<&'a [u8]>, what: &'static str) -> Result<&'a [u8], ParseError> {
    match arguments {
        Some(arguments) if !arguments.is_empty() => Ok(arguments),
        _ => Err(ParseError::new(ParseErrorKind::Missing(what), 0, b"")),
    }
}

/// Takes `name` in any case off the front of `text`.
fn keyword<'a>(text: &'a [u8], name: &'static str) -> Result<&'a [u8], ParseError> {
    match text.split_at_checked(name.len()) {
        Some((head, rest)) if head.eq_ignore_ascii_case(name.as_bytes()) => Ok(rest),
        _ => Err(ParseError::new(ParseErrorKind::Expected(name), 0, text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_in_any_case_and_white_space_at_the_end() {
        assert_eq!(Command::parse(b"quit"), Ok(Command::Quit));
        assert_eq!(Command::parse(b"RsEt \t "), Ok(Command::Rset));
        assert_eq!(Command::parse(b"starttls"), Ok(Command::StartTls));
    }

    #[test]
    fn unknown_verbs() {
        for line in
            ["", " ", "X", " QUIT", "QUITE", "STARTTLSX", "\u{e9}", "MAIL\tFROM:<a@b>", "MAILFROM:<a@b>"]
        {
            assert_eq!(Command::parse(line.as_bytes()).unwrap_err().kind(), UNKNOWN_COMMAND, "{line:?}");
        }
        for password in ["dGFuc3RhYWY=", "AUHT PLAIN dGFuc3RhYWY="] {
            let error = Command::parse(password.as_bytes()).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("dGF"), "{error}");
        }
    }

    #[test]
    fn commands_without_arguments_have_none() {
        for line in [
            "DATA x",
            "RSET x",
            "QUIT x",
            "STARTTLS x",
            "EHLO",
            "HELO ",
            "VRFY",
            "EXPN",
            "AUTH",
            "MAIL",
            "RCPT",
        ] {
            let error = Command::parse(line.as_bytes()).unwrap_err();
            assert!(error.kind() != UNKNOWN_COMMAND, "{line:?}");
        }
    }

    #[test]
    fn offsets_are_those_of_the_line() {
        let error = Command::parse(b"MAIL FROM:<a@b> SIZE=1 FOO=bar").unwrap_err();
        assert_eq!((error.kind(), error.at()), (UNKNOWN_PARAMETER, 23));
        let error = Command::parse(b"RCPT TO:<a@-b>").unwrap_err();
        assert_eq!(error.at(), 11);
    }
}
