//! MAIL (RFC 5321 section 4.1.1.2).

use super::{UNKNOWN_PARAMETER, keyword, parameter, required};
use crate::types::{BodyType, Lenience, Repairs, ReversePath, Xtext};
use core::fmt;
use postroad_core::{Mailbox, ParseError, ParseErrorKind};

/// MAIL: begins a transaction.
///
/// ```
/// use postroad_smtp::command::MailCommand;
/// use postroad_smtp::types::ReversePath;
///
/// let mut mail = MailCommand::new(ReversePath::Null);
/// mail.parameters.size = Some(2048);
/// assert!(!mail.parameters.is_empty());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MailCommand {
    /// Whom to tell when the message cannot be delivered.
    pub reverse_path: ReversePath,
    /// What service extensions add.
    pub parameters: MailParameters,
}

/// The parameters of MAIL.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct MailParameters {
    /// SIZE: how many octets the message has, as the client believes (RFC 1870).
    pub size: Option<u64>,
    /// BODY (RFC 6152).
    pub body: Option<BodyType>,
    /// SMTPUTF8: the envelope or the header has UTF-8 (RFC 6531).
    pub smtp_utf8: bool,
    /// AUTH: who handed the message in, as the client says (RFC 4954 section 5); `Null` is `<>`, not known.
    pub auth: Option<ReversePath>,
}

impl MailCommand {
    /// MAIL without parameters.
    pub fn new(reverse_path: ReversePath) -> Self {
        Self { reverse_path, parameters: MailParameters::default() }
    }

    pub(super) fn encode(&self, to: &mut impl fmt::Write) -> fmt::Result {
        write!(to, " FROM:{}", self.reverse_path)?;
        let MailParameters { size, body, smtp_utf8, auth } = &self.parameters;
        if let Some(size) = size {
            write!(to, " SIZE={size}")?;
        }
        if let Some(body) = body {
            write!(to, " BODY={body}")?;
        }
        if *smtp_utf8 {
            to.write_str(" SMTPUTF8")?;
        }
        match auth {
            None => Ok(()),
            Some(ReversePath::Null) => to.write_str(" AUTH=<>"),
            Some(ReversePath::Mailbox(mailbox)) => {
                write!(to, " AUTH={}", Xtext(mailbox.to_string().as_bytes()))
            }
        }
    }
}

impl MailParameters {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF
pub(super) fn parse(
    arguments: Option<&[u8]>,
    lenience: Lenience,
    repairs: &mut Repairs,
) -> Result<MailCommand, ParseError> {
    let unit = required(arguments, "FROM:")?;
    let rest = keyword(unit, "FROM:")?;
    let from = unit.len() - rest.len();
    let (reverse_path, taken) =
        ReversePath::parse_prefix(rest, lenience, repairs).map_err(|error| error.shifted(from))?;
    let mut parameters = MailParameters::default();
    parameter::parse(unit, from + taken, |given| {
        let duplicate = |twice: bool, what| {
            if twice { Err(given.fail(ParseErrorKind::Duplicate(what), unit)) } else { Ok(()) }
        };
        match &given.keyword.to_ascii_uppercase()[..] {
            b"SIZE" => {
                duplicate(parameters.size.is_some(), "SIZE")?;
                let size = parameter::number(given.value(unit)?, 20);
                let size = size.ok_or_else(|| given.fail(ParseErrorKind::OutOfRange("SIZE"), unit))?;
                parameters.size = Some(size);
            }
            b"BODY" => {
                duplicate(parameters.body.is_some(), "BODY")?;
                let body = BodyType::from_name(given.value(unit)?);
                let body = body.ok_or_else(|| given.fail(ParseErrorKind::Unknown("body type"), unit))?;
                parameters.body = Some(body);
            }
            b"SMTPUTF8" => {
                duplicate(parameters.smtp_utf8, "SMTPUTF8")?;
                if given.value.is_some() {
                    return Err(given.fail(ParseErrorKind::Expected("SMTPUTF8 without a value"), unit));
                }
                parameters.smtp_utf8 = true;
            }
            b"AUTH" => {
                duplicate(parameters.auth.is_some(), "AUTH")?;
                let mailbox = Xtext::decode(given.value(unit)?).and_then(|plain| match &plain[..] {
                    b"<>" => Ok(ReversePath::Null),
                    plain => Mailbox::parse(plain).map(ReversePath::Mailbox),
                });
                parameters.auth = Some(mailbox.map_err(|error| given.fail(error.kind(), unit))?);
            }
            _ => return Err(given.fail(UNKNOWN_PARAMETER, unit)),
        }
        Ok(())
    })?;
    Ok(MailCommand { reverse_path, parameters })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;

    fn mail(line: &str) -> Result<MailCommand, ParseErrorKind> {
        match Command::parse(line.as_bytes()) {
            Ok(Command::Mail(mail)) => Ok(mail),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.kind()),
        }
    }

    #[test]
    fn paths_and_parameters() {
        let all = mail("MAIL from:<a@b> size=12 body=8bitmime smtputf8 auth=e+3Dmc2@example.com").unwrap();
        assert_eq!(all.parameters.size, Some(12));
        assert_eq!(all.parameters.body, Some(BodyType::EightBitMime));
        assert!(all.parameters.smtp_utf8);
        assert_eq!(all.parameters.auth.unwrap().to_string(), "<e=mc2@example.com>");
        assert_eq!(mail("MAIL FROM:<> AUTH=<>").unwrap().parameters.auth, Some(ReversePath::Null));
        assert_eq!(mail("MAIL FROM:<>").unwrap(), MailCommand::new(ReversePath::Null));
    }

    #[test]
    fn what_is_refused() {
        use ParseErrorKind::*;
        for (line, kind) in [
            ("MAIL FROM:<>>>>>", Trailing),
            ("MAIL FROM:<a@b>SIZE=1", Trailing),
            ("MAIL FROM <a@b>", Expected("FROM:")),
            ("MAIL TO:<a@b>", Expected("FROM:")),
            ("MAIL  FROM:<a@b>", Expected("FROM:")),
            ("MAIL FROM: <a@b>", Expected("<")),
            ("MAIL FROM:a@b", Expected("<")),
            ("MAIL FROM:<Postmaster>", Expected("@")),
            ("MAIL FROM:<a@b> SIZE=1 SIZE=1", Duplicate("SIZE")),
            ("MAIL FROM:<a@b> SIZE", Missing("value")),
            ("MAIL FROM:<a@b> SIZE=-1", OutOfRange("SIZE")),
            ("MAIL FROM:<a@b> BODY=9BIT", Unknown("body type")),
            ("MAIL FROM:<a@b> SMTPUTF8=1", Expected("SMTPUTF8 without a value")),
            ("MAIL FROM:<a@b> RET=FULL", Unknown("parameter")),
            ("MAIL FROM:<a@b> AUTH=a@b+0D+0ARSET", Forbidden(b'\r')),
            ("MAIL FROM:<a@b> AUTH=a", Expected("@")),
            ("MAIL FROM:<a@b>  SIZE=1", Expected("a parameter")),
        ] {
            assert_eq!(mail(line), Err(kind), "{line}");
        }
    }
}
