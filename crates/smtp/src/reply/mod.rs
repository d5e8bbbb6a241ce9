//! Replies (RFC 5321 section 4.2): their codes, their text, and the response to EHLO.

mod capabilities;
mod code;
mod decoder;
mod rejection;
mod text;

pub use capabilities::{Capabilities, Capability, SizeLimit};
pub use code::{EnhancedClass, EnhancedCode, ReplyCode, Severity};
pub use decoder::{ReplyDecoder, ReplyError};
pub use rejection::{Rejection, RejectionError};
pub use text::ReplyText;

use core::fmt::{self, Write};
use std::borrow::Cow;
use text::floor_char_boundary;

/// The lines that one reply may have, and their octets in all.
const LINES_LIMIT: usize = 1000;
const OCTETS_LIMIT: usize = 65_536;

/// Text longer than this goes on in another line: with the codes before it a line then has at most 512 octets (RFC 5321 section 4.5.3.1.5).
const FOLD_AT: usize = 490;

/// A reply: a code, perhaps an enhanced code, and at least one line of text, which may be empty.
///
/// It cannot be malformed: the text holds no line ends, and an enhanced code always has the class of the reply code (RFC 2034 section 4).
///
/// ```
/// use postroad_smtp::reply::{EnhancedCode, Reply, ReplyCode};
///
/// let reply = Reply::parse(b"250-2.1.5 alice is here\r\n250 2.1.5 and reads\r\n")?;
/// assert_eq!(reply.code(), ReplyCode::OK);
/// assert_eq!(reply.enhanced(), EnhancedCode::parse("2.1.5"));
/// assert_eq!(reply.to_string(), "250 2.1.5 alice is here and reads");
///
/// let mut printed = String::new();
/// reply.encode(&mut printed)?;
/// assert_eq!(printed, "250-2.1.5 alice is here\r\n250 2.1.5 and reads\r\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reply {
    code: ReplyCode,
    enhanced: Option<EnhancedCode>,
    first: ReplyText,
    rest: Vec<ReplyText>,
}

impl Reply {
    /// A reply. Each LF in `text` begins a further line, and so does text beyond 490 octets, at a space if there is one; control characters
    /// become spaces, and what goes beyond 1000 lines or 64 KiB is left out.
    ///
    /// An enhanced code whose class is not that of `code` is left out. Text that itself begins with a fitting enhanced code, while
    /// `enhanced` is `None`, is read as a receiver would read it.
    pub fn new(code: ReplyCode, enhanced: Option<EnhancedCode>, text: impl Into<Cow<'static, str>>) -> Self {
        let text = text.into();
        if text.len() <= FOLD_AT && !text.contains('\n') {
            return Self::assemble(code, enhanced, ReplyText::new(text), Vec::new());
        }
        let mut lines = Vec::new();
        let mut octets = 0;
        'all: for line in text.split('\n') {
            let mut line = line.strip_suffix('\r').unwrap_or(line);
            loop {
                let (piece, after) = fold(line);
                octets += piece.len();
                if lines.len() == LINES_LIMIT || octets > OCTETS_LIMIT / 2 {
                    break 'all;
                }
                lines.push(ReplyText::new(piece.to_owned()));
                if after.is_empty() {
                    break;
                }
                line = after;
            }
        }
        Self::from_lines(code, enhanced, lines)
    }

    /// A reply of these lines; one empty line if there are none. What goes beyond 1000 lines or 64 KiB is left out, and enhanced codes
    /// are treated as in [`new`](Self::new).
    pub fn from_lines(
        code: ReplyCode,
        enhanced: Option<EnhancedCode>,
        lines: impl IntoIterator<Item = ReplyText>,
    ) -> Self {
        let mut octets = 0;
        let mut lines = lines.into_iter().take(LINES_LIMIT).take_while(|line| {
            octets += line.as_str().len() + "250-2.999.999 \r\n".len();
            octets <= OCTETS_LIMIT
        });
        let first = lines.next().unwrap_or_default();
        let rest = lines.collect();
        Self::assemble(code, enhanced, first, rest)
    }

    /// Makes sure that what is printed is read as the same again.
    fn assemble(
        code: ReplyCode,
        enhanced: Option<EnhancedCode>,
        first: ReplyText,
        rest: Vec<ReplyText>,
    ) -> Self {
        let fits = |enhanced: &EnhancedCode| u16::from(enhanced.class().digit()) == code.get() / 100;
        let mut reply = Self { code, enhanced: enhanced.filter(fits), first, rest };
        if reply.enhanced.is_none() {
            let found = EnhancedCode::parse_prefix(reply.first.as_str()).map(|(code, _)| code).filter(fits);
            if let Some(found) = found {
                reply.enhanced = Some(found);
                reply.first = strip_enhanced(reply.first, found);
                reply.rest = reply.rest.into_iter().map(|line| strip_enhanced(line, found)).collect();
            }
        }
        reply
    }

    /// Reads one whole reply, line ends included.
    ///
    /// # Errors
    ///
    /// What [`ReplyDecoder::decode`] says, or a [`ParseError`](postroad_core::ParseError) for octets that are missing or stand behind it.
    pub fn parse(octets: &[u8]) -> Result<Self, ReplyError> {
        decoder::whole(octets)
    }

    /// The reply code.
    pub fn code(&self) -> ReplyCode {
        self.code
    }

    /// The enhanced status code, if there is one.
    pub fn enhanced(&self) -> Option<EnhancedCode> {
        self.enhanced
    }

    /// What the first digit of the code says.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }

    /// Whether the code is 2yz or 3yz.
    pub fn is_positive(&self) -> bool {
        self.severity() < Severity::TransientNegative
    }

    /// The first line of text.
    pub fn text(&self) -> &str {
        self.first.as_str()
    }

    /// All lines of text, at least one.
    pub fn lines(&self) -> impl Iterator<Item = &ReplyText> {
        core::iter::once(&self.first).chain(&self.rest)
    }

    /// Writes the reply as it goes over the line, each line with its codes and its CRLF.
    pub fn encode(&self, to: &mut impl Write) -> fmt::Result {
        let mut lines = self.lines().peekable();
        while let Some(line) = lines.next() {
            let separator = if lines.peek().is_some() { '-' } else { ' ' };
            write!(to, "{}{separator}", self.code)?;
            match self.enhanced {
                Some(enhanced) if line.as_str().is_empty() => write!(to, "{enhanced}")?,
                Some(enhanced) => write!(to, "{enhanced} {line}")?,
                None => write!(to, "{line}")?,
            }
            to.write_str("\r\n")?;
        }
        Ok(())
    }
}

/// A line up to where it is folded, and what goes on the next.
fn fold(line: &str) -> (&str, &str) {
    if line.len() <= FOLD_AT {
        return (line, "");
    }
    let end = floor_char_boundary(line, FOLD_AT);
    match line[..end].rfind(' ').filter(|at| *at > 0) {
        Some(space) => (&line[..space], &line[space + 1..]),
        None => line.split_at(end),
    }
}

fn strip_enhanced(line: ReplyText, found: EnhancedCode) -> ReplyText {
    match EnhancedCode::parse_prefix(line.as_str()) {
        Some((code, rest)) if code == found => {
            let start = line.as_str().len() - rest.len();
            line.without_prefix(start)
        }
        _ => line,
    }
}

/// On one line, as for a log.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(enhanced) = self.enhanced {
            write!(f, " {enhanced}")?;
        }
        for line in self.lines().filter(|line| !line.as_str().is_empty()) {
            write!(f, " {line}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(reply: &Reply) -> String {
        let mut text = String::new();
        reply.encode(&mut text).unwrap();
        text
    }

    #[test]
    fn text_cannot_forge_a_reply() {
        let reply = Reply::new(ReplyCode::OK, None, "a\r\n550 b\rc\0d");
        assert_eq!(encoded(&reply), "250-a\r\n250 550 b c d\r\n");
    }

    #[test]
    fn long_text_is_folded_at_spaces() {
        let word = "x".repeat(99);
        let text = [word.as_str(); 12].join(" ");
        let reply =
            Reply::new(ReplyCode::MAILBOX_UNAVAILABLE, Some(EnhancedCode::permanent(1, 1)), text.clone());
        assert_eq!(reply.lines().count(), 3);
        assert!(encoded(&reply).lines().all(|line| line.len() <= 510));
        assert_eq!(reply.to_string(), format!("550 5.1.1 {text}"));
        let unbroken = Reply::new(ReplyCode::OK, None, "é".repeat(2000));
        assert!(encoded(&unbroken).lines().all(|line| line.len() <= 510));
        assert_eq!(unbroken.lines().map(|line| line.as_str().len()).sum::<usize>(), 4000);
    }

    #[test]
    fn an_endless_text_is_left_out() {
        let lines = Reply::new(ReplyCode::OK, None, "\n".repeat(5000));
        assert_eq!(lines.lines().count(), 1000);
        let octets = Reply::new(ReplyCode::OK, None, "x".repeat(1_000_000));
        assert!(encoded(&octets).len() < OCTETS_LIMIT);
        assert_eq!(Reply::parse(encoded(&octets).as_bytes()).unwrap(), octets);
    }

    #[test]
    fn the_enhanced_code_has_the_class_of_the_code() {
        let reply = Reply::new(ReplyCode::OK, Some(EnhancedCode::permanent(1, 1)), "ok");
        assert_eq!(reply.enhanced(), None);
        let reply = Reply::new(ReplyCode::OK, None, "2.1.0 ok");
        assert_eq!((reply.enhanced(), reply.text()), (Some(EnhancedCode::success(1, 0)), "ok"));
        let reply = Reply::new(ReplyCode::START_MAIL_INPUT, None, "3.0.0 go");
        assert_eq!((reply.enhanced(), reply.text()), (None, "3.0.0 go"));
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_as_the_same(
            code in 200u16..600,
            enhanced in prop::option::of((0u8..3, 0u16..1000, 0u16..1000)),
            lines in prop::collection::vec("([245]\\.[0-9]{1,2}\\.[0-9] ?)?\\PC{0,30}", 0..5),
        ) {
            let enhanced = enhanced.map(|(class, subject, detail)| {
                let class = [EnhancedClass::Success, EnhancedClass::PersistentTransientFailure, EnhancedClass::PermanentFailure][usize::from(class)];
                EnhancedCode::new(class, subject, detail).unwrap()
            });
            let reply = Reply::from_lines(ReplyCode::new(code).unwrap(), enhanced, lines.into_iter().map(ReplyText::from));
            prop_assert_eq!(Reply::parse(encoded(&reply).as_bytes()).unwrap(), reply);
        }

        #[test]
        fn any_text_makes_one_well_formed_reply(code in 200u16..600, text in "(?s).{0,200}") {
            let reply = Reply::new(ReplyCode::new(code).unwrap(), None, text);
            prop_assert_eq!(Reply::parse(encoded(&reply).as_bytes()).unwrap(), reply);
        }

        #[test]
        fn what_is_read_is_printed_and_read_as_the_same(octets in "(?s)(250|550)[- ].{0,60}(\r\n(250|550)[- ].{0,10})?\r\n") {
            if let Ok(reply) = Reply::parse(octets.as_bytes()) {
                prop_assert_eq!(Reply::parse(encoded(&reply).as_bytes()).unwrap(), reply);
            }
        }
    }
}
