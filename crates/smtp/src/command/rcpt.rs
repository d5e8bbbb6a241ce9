//! RCPT (RFC 5321 section 4.1.1.3).

use super::{UNKNOWN_PARAMETER, keyword, parameter, required};
use crate::types::{ForwardPath, Lenience, Repairs};
use core::fmt;
use postroad_core::ParseError;

/// RCPT: one more recipient.
///
/// ```
/// use postroad_smtp::command::RcptCommand;
/// use postroad_smtp::types::ForwardPath;
///
/// let rcpt = RcptCommand::new(ForwardPath::parse("<jones@foo.com>")?);
/// assert_eq!(rcpt.forward_path.to_string(), "<jones@foo.com>");
/// # Ok::<(), postroad_smtp::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RcptCommand {
    /// Where the message goes.
    pub forward_path: ForwardPath,
}

impl RcptCommand {
    /// RCPT without parameters.
    pub fn new(forward_path: ForwardPath) -> Self {
        Self { forward_path }
    }

    pub(super) fn encode(&self, to: &mut impl fmt::Write) -> fmt::Result {
        write!(to, " TO:{}", self.forward_path)
    }
}

/// rcpt = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path ) [SP Rcpt-parameters] CRLF
pub(super) fn parse(
    arguments: Option<&[u8]>,
    lenience: Lenience,
    repairs: &mut Repairs,
) -> Result<RcptCommand, ParseError> {
    let unit = required(arguments, "TO:")?;
    let rest = keyword(unit, "TO:")?;
    let from = unit.len() - rest.len();
    let (forward_path, taken) =
        ForwardPath::parse_prefix(rest, lenience, repairs).map_err(|error| error.shifted(from))?;
    parameter::parse(unit, from + taken, |given| Err(given.fail(UNKNOWN_PARAMETER, unit)))?;
    Ok(RcptCommand { forward_path })
}

#[cfg(test)]
mod tests {
    use crate::command::{Command, UNKNOWN_PARAMETER};

    #[test]
    fn paths() {
        for (line, path) in [
            ("RCPT TO:<Jones@foo.com>", "<Jones@foo.com>"),
            ("rcpt to:<postMASTER>", "<Postmaster>"),
            ("RCPT TO:<@hosta.int,@jkl.org:userc@d.bar.org>", "<userc@d.bar.org>"),
            (r#"RCPT TO:<"john doe"@x.y>"#, r#"<"john doe"@x.y>"#),
        ] {
            let Ok(Command::Rcpt(rcpt)) = Command::parse(line.as_bytes()) else { panic!("{line}") };
            assert_eq!(rcpt.forward_path.to_string(), path);
        }
        for line in
            ["RCPT TO:<>", "RCPT TO:", "RCPT FROM:<a@b>", "RCPT TO:<a@b>,<c@d>", "RCPT TO:<a@b> x y=="]
        {
            assert!(Command::parse(line.as_bytes()).is_err(), "{line}");
        }
        let error = Command::parse(b"RCPT TO:<a@b> NOTIFY=NEVER").unwrap_err();
        assert_eq!(error.kind(), UNKNOWN_PARAMETER);
    }
}
