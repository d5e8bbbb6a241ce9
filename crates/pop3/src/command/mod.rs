//! What a client says (RFC 1939 section 9, RFC 2449 section 5, RFC 2595 section 4): one file for each family, with its parse and its
//! print side by side.

mod connection;
mod credentials;
mod deletion;
mod listing;
mod retrieval;

use crate::types::{MessageNumber, Password, UserName};
use bytes::BytesMut;
use core::fmt;
use memchr::memchr;
use postroad_core::{ParseError, ParseErrorKind};

/// A command. `Debug` and `Display` hide the password.
///
/// ```
/// use postroad_pop3::command::Command;
///
/// let command = Command::parse(b"top 1 10")?;
/// assert!(matches!(command, Command::Top { number, lines: 10 } if number.get() == 1));
/// assert_eq!(command.to_string(), "TOP 1 10");
/// # Ok::<(), postroad_core::ParseError>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Command {
    /// Who wants to log in.
    User(UserName),
    /// The password of whom USER named.
    Pass(Password),
    /// How many messages, of how many octets.
    Stat,
    /// The size of one message or of each.
    List(Option<MessageNumber>),
    /// The unique-id of one message or of each.
    Uidl(Option<MessageNumber>),
    /// A whole message.
    Retr(MessageNumber),
    /// The header of a message and so many lines of its body.
    Top {
        /// Which message.
        number: MessageNumber,
        /// How many lines of the body.
        lines: u32,
    },
    /// Mark a message as deleted.
    Dele(MessageNumber),
    /// Take back all marks.
    Rset,
    /// Nothing.
    Noop,
    /// Delete what is marked, and goodbye.
    Quit,
    /// What the server can do.
    Capa,
    /// Go on under TLS.
    Stls,
}

impl Command {
    /// Reads a command line, given without its CRLF. The keyword may be in upper or lower case.
    ///
    /// # Errors
    ///
    /// The keyword is not known, or its arguments are not what they must be. The error of a PASS command holds no octets of it.
    pub fn parse(line: &[u8]) -> Result<Self, ParseError> {
        let (keyword, arguments) = line.split_at(memchr(b' ', line).unwrap_or(line.len()));
        let mut upper = [0; 4];
        if !matches!(keyword.len(), 3..=4) {
            return Err(unknown(line));
        }
        upper[..keyword.len()].copy_from_slice(keyword);
        upper.make_ascii_uppercase();
        match &upper {
            b"USER" => credentials::parse_user(line, arguments),
            b"PASS" => credentials::parse_pass(line, arguments),
            b"STAT" => listing::parse_stat(line, arguments),
            b"LIST" => listing::parse_list(line, arguments),
            b"UIDL" => listing::parse_uidl(line, arguments),
            b"RETR" => retrieval::parse_retr(line, arguments),
            b"TOP\0" => retrieval::parse_top(line, arguments),
            b"DELE" => deletion::parse_dele(line, arguments),
            b"RSET" => deletion::parse_rset(line, arguments),
            b"NOOP" => connection::parse_noop(line, arguments),
            b"QUIT" => connection::parse_quit(line, arguments),
            b"CAPA" => connection::parse_capa(line, arguments),
            b"STLS" => connection::parse_stls(line, arguments),
            _ => Err(unknown(line)),
        }
    }

    /// Whether the positive response to this command has several lines (RFC 1939 section 3).
    pub fn is_multi_line(&self) -> bool {
        matches!(self, Self::List(None) | Self::Uidl(None) | Self::Retr(_) | Self::Top { .. } | Self::Capa)
    }

    /// Writes the command with its CRLF, password included.
    pub fn encode(&self, out: &mut BytesMut) {
        let mut word = |text: &str| out.extend_from_slice(text.as_bytes());
        match self {
            Self::Pass(password) => credentials::encode_pass(password, &mut word),
            other => word(&other.to_string()),
        }
        word("\r\n");
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => write!(f, "USER {name}"),
            Self::Pass(_) => f.write_str("PASS …"),
            Self::Stat => f.write_str("STAT"),
            Self::List(number) => listing::print("LIST", *number, f),
            Self::Uidl(number) => listing::print("UIDL", *number, f),
            Self::Retr(number) => write!(f, "RETR {number}"),
            Self::Top { number, lines } => write!(f, "TOP {number} {lines}"),
            Self::Dele(number) => write!(f, "DELE {number}"),
            Self::Rset => f.write_str("RSET"),
            Self::Noop => f.write_str("NOOP"),
            Self::Quit => f.write_str("QUIT"),
            Self::Capa => f.write_str("CAPA"),
            Self::Stls => f.write_str("STLS"),
        }
    }
}

/// Redacted: a password that was typed a line too early is unknown too.
fn unknown(line: &[u8]) -> ParseError {
    ParseError::new(ParseErrorKind::Unknown("command"), 0, line).redacted()
}

/// The end of a command that has no argument.
fn no_argument(line: &[u8], arguments: &[u8], command: Command) -> Result<Command, ParseError> {
    if arguments.is_empty() {
        Ok(command)
    } else {
        Err(ParseError::new(ParseErrorKind::Trailing, line.len() - arguments.len(), line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(command: &Command) -> Vec<u8> {
        let mut out = BytesMut::new();
        command.encode(&mut out);
        out.to_vec()
    }

    #[test]
    fn every_command_is_read_and_printed() {
        for line in [
            "USER mrose",
            "PASS secret",
            "PASS  two  words ",
            "STAT",
            "LIST",
            "LIST 2",
            "UIDL",
            "UIDL 2",
            "RETR 1",
            "TOP 1 10",
            "TOP 1 0",
            "DELE 1",
            "RSET",
            "NOOP",
            "QUIT",
            "CAPA",
            "STLS",
        ] {
            let command = Command::parse(line.as_bytes()).unwrap();
            assert_eq!(encoded(&command), format!("{line}\r\n").as_bytes());
        }
        assert_eq!(encoded(&Command::parse(b"rEtR 1").unwrap()), b"RETR 1\r\n");
    }

    #[test]
    fn what_is_refused_and_where() {
        for (line, at) in [
            ("", 0),
            ("XYZ", 0),
            ("RETRIEVE 1", 0),
            ("TO", 0),
            ("TOP", 3),
            ("TOP 1", 5),
            ("TOP 1 x", 6),
            ("TOP 1 10 2", 8),
            ("RETR", 4),
            ("RETR ", 5),
            ("RETR 0", 5),
            ("DELE 0", 5),
            ("RETR -1", 5),
            ("RETR 1 2", 6),
            ("LIST x", 5),
            ("LIST 0", 5),
            ("LIST ", 5),
            ("UIDL 4294967296", 5),
            ("STAT 1", 4),
            ("QUIT now", 4),
            ("NOOP ", 4),
            ("USER", 4),
            ("USER ", 5),
            ("PASS", 4),
            ("PASS ", 5),
            ("STAT\t", 0),
            (" STAT", 0),
        ] {
            let error = Command::parse(line.as_bytes()).unwrap_err();
            assert_eq!(error.at(), at, "{line:?}: {error}");
        }
    }

    #[test]
    fn no_password_in_debug_display_or_errors() {
        let command = Command::parse(b"PASS hunter2").unwrap();
        assert!(!format!("{command:?} {command}").contains("hunter2"));
        for wrong in [&b"PASS hunter2\xff"[..], b"PAS hunter2", b"hunter2", b"PASSWORD hunter2"] {
            let error = Command::parse(wrong).unwrap_err();
            assert!(!format!("{error:?} {error}").contains("hunter2"));
        }
    }

    proptest! {
        #[test]
        fn any_line_is_read_or_refused_and_what_is_read_is_printed_the_same(line in "([A-Za-z]{3,4}|TOP|RETR|LIST|UIDL|DELE|USER|PASS)( [ -~é]{0,4}){0,2}") {
            if let Ok(command) = Command::parse(line.as_bytes()) {
                let printed = encoded(&command);
                let again = Command::parse(&printed[..printed.len() - 2]).unwrap();
                prop_assert_eq!(encoded(&again), printed);
            }
        }

        #[test]
        fn octets_never_panic(line in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = Command::parse(&line);
        }
    }
}
